//! HD317: a proxy's placeholder instead of a real certificate.

use super::certificate;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, fixes, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(317),
    name: "default-certificate",
    severity: Severity::Error,
    summary: "the proxy serves its placeholder certificate",
    explain: include_str!("../../../docs/findings/HD317.md"),
    breaks: Breaks::Every,
    explains: &[Code(503), Code(601), Code(611)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let rejected = certificate(endpoint)?;
        let subject = &rejected.leaf?.subject_cn;
        let (_, whose) = PLACEHOLDERS.iter().find(|(name, _)| subject == name)?;
        let name = &endpoint.target.server_name;
        let draft = Draft::new(
            format!(
                "{} serves the placeholder of {whose} (\"{subject}\"), because it has no certificate for {name}",
                endpoint.target.address()
            ),
            format!(
                "connect the certificate with the host {name}: the TLS entry must name exactly this host and a secret that exists"
            ),
        );
        Some(
            fixes::certificate(draft, endpoint)
                .seen_in(endpoint, &["tls"])
                .logged_as(&[&rejected.log(evidence.wire.started_at)]),
        )
    })
}

/// Common names of certificates that stand in for a missing one.
const PLACEHOLDERS: [(&str, &str); 3] = [
    ("Kubernetes Ingress Controller Fake Certificate", "ingress-nginx"),
    ("TRAEFIK DEFAULT CERT", "Traefik"),
    ("localhost.localdomain", "a Linux distribution's web server"),
];
