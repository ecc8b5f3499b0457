//! HD306: the chain ends at an issuer that is not trusted here, or Go refuses it for another reason.

use hoop_doctor_probes::x509::{MissingIntermediate, Rejection};

use super::{certificate, trust_it};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(306),
    name: "cert-unknown-issuer",
    severity: Severity::Error,
    summary: "the certificate chain ends at an authority that is not trusted here",
    explain: include_str!("../../../docs/findings/HD306.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let rejected = certificate(endpoint)?;
        let leaf = rejected.leaf?;
        let now = evidence.wire.started_at;
        let address = endpoint.target.address();
        let draft = match (rejected.rejection, rejected.missing) {
            (Rejection::UnknownAuthority { .. }, _) if leaf.self_issued => return None,
            (
                Rejection::UnknownAuthority { .. },
                MissingIntermediate::Proven { .. } | MissingIntermediate::Likely { .. },
            ) => {
                return None;
            }
            (Rejection::UnknownAuthority { .. }, MissingIntermediate::No | MissingIntermediate::Unlikely) => {
                let issuer = &rejected.last?.issuer;
                let draft = Draft::new(
                    format!("the certificate of {address} is issued by {issuer}, which is not trusted here"),
                    "give Hoop the certificate of that authority; it then replaces the system's authorities",
                );
                let alone = rejected.chain_len == 1;
                match alone {
                    // One certificate and an unknown issuer: an intermediate that isn't sent would look the same.
                    true => draft.confidence(Confidence::Likely).candidate(
                        308,
                        format!(
                            "if {issuer} is an intermediate of an authority that is trusted, the server doesn't send it"
                        ),
                    ),
                    false => draft,
                }
            }
            (
                Rejection::NotAuthorizedToSign { .. }
                | Rejection::TooManyIntermediates { .. }
                | Rejection::SignatureLimit
                | Rejection::NameConstraint { .. }
                | Rejection::IncompatibleUsage
                | Rejection::NoValidChains { .. }
                | Rejection::CriticalExtension { .. }
                | Rejection::Unreadable { .. }
                | Rejection::OversizeKey { .. }
                | Rejection::Empty,
                _,
            ) => Draft::new(
                format!(
                    "Go refuses the certificate of {address}: {}",
                    rejected.rejection.go_text(now)
                ),
                "have the certificate issued anew without that fault",
            ),
            (
                Rejection::Expired { .. }
                | Rejection::NotYetValid { .. }
                | Rejection::OtherNames { .. }
                | Rejection::LegacyCommonName { .. }
                | Rejection::NoAddresses { .. }
                | Rejection::NoNames { .. },
                _,
            ) => return None,
        };
        Some(
            trust_it(draft, endpoint)
                .seen_in(endpoint, &["tls"])
                .logged_as(&[&rejected.log(now)]),
        )
    })
}
