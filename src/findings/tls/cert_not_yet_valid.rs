//! HD304: a certificate of the chain is not valid yet, or the clock here is wrong.

use hoop_doctor_probes::x509::Rejection;

use super::{age, certificate, date};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(304),
    name: "cert-not-yet-valid",
    severity: Severity::Error,
    summary: "the certificate is not valid yet",
    explain: include_str!("../../../docs/findings/HD304.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let rejected = certificate(endpoint)?;
        let Rejection::NotYetValid { not_before, .. } = rejected.rejection else {
            return None;
        };
        let now = evidence.wire.started_at;
        let address = endpoint.target.address();
        let draft = Draft::new(
            format!(
                "the certificate of {address} becomes valid in {} ({}), by this machine's clock ({})",
                age(not_before.saturating_sub(now)),
                date(*not_before),
                date(now)
            ),
            "compare this machine's clock with another one first; if it is right, serve a certificate that is valid now",
        );
        Some(
            draft
                .shell("date -u; timedatectl show --property=NTPSynchronized")
                .seen_in(endpoint, &["tls"])
                .logged_as(&[&rejected.log(now)]),
        )
    })
}
