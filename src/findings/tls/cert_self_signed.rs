//! HD307: the certificate is its own issuer.

use hoop_doctor_probes::x509::Rejection;

use super::{certificate, trust_it};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, fixes, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(307),
    name: "cert-self-signed",
    severity: Severity::Error,
    summary: "the certificate is its own issuer and is not trusted here",
    explain: include_str!("../../../docs/findings/HD307.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let rejected = certificate(endpoint)?;
        let leaf = rejected.leaf?;
        if !leaf.self_issued || !matches!(rejected.rejection, Rejection::UnknownAuthority { .. }) {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the certificate of {} is self-signed ({}) and not trusted here",
                endpoint.target.address(),
                leaf.subject
            ),
            "serve a certificate of an authority that your machines trust, or give Hoop this certificate as its CA",
        );
        let draft = trust_it(fixes::certificate(draft, endpoint), endpoint).seen_in(endpoint, &["tls"]);
        Some(draft.logged_as(&[&rejected.log(evidence.wire.started_at)]))
    })
}
