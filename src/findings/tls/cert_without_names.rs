//! HD309: the certificate has no subject alternative names.

use hoop_doctor_probes::x509::Rejection;

use super::{certificate, renewal};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(309),
    name: "cert-without-names",
    severity: Severity::Error,
    summary: "the certificate names no host, so nothing can verify it",
    explain: include_str!("../../../docs/findings/HD309.md"),
    breaks: Breaks::Every,
    explains: &[Code(306), Code(307), Code(308)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let rejected = certificate(endpoint)?;
        let leaf = rejected.leaf?;
        let unnamed = leaf.dns_names.is_empty() && leaf.ip_addresses.is_empty();
        match rejected.rejection {
            Rejection::LegacyCommonName { .. } | Rejection::NoNames { .. } => {}
            Rejection::NoAddresses { .. } if unnamed => {}
            _ => return None,
        }
        let address = endpoint.target.address();
        let own = leaf.subject_org == "Hoop Gateway";
        let (whose, remedy) = match own {
            true => (
                " (the one that a gateway makes for itself at every start)",
                format!(
                    "give the gateway a real certificate for {}: TLS_CERT and TLS_KEY",
                    endpoint.target.server_name
                ),
            ),
            false => (
                "",
                format!(
                    "have the certificate of {address} issued anew with {} as a subject alternative name",
                    endpoint.target.server_name
                ),
            ),
        };
        let draft = Draft::new(
            format!(
                "the certificate of {address}{whose} has no subject alternative names, only {}; Go accepts it for no host, whatever it trusts",
                leaf.subject
            ),
            remedy,
        );
        let draft = match own {
            true => {
                draft.shell("TLS_CERT=file:///path/to/fullchain.pem TLS_KEY=file:///path/to/key.pem   # on the gateway")
            }
            false => renewal(draft, endpoint),
        };
        Some(
            draft
                .seen_in(endpoint, &["tls"])
                .logged_as(&[&rejected.log(evidence.wire.started_at)]),
        )
    })
}
