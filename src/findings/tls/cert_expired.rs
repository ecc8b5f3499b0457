//! HD303: a certificate of the chain has expired.

use hoop_doctor_probes::x509::{Holder, Rejection};

use super::{age, certificate, date, renewal};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(303),
    name: "cert-expired",
    severity: Severity::Error,
    summary: "the certificate has expired",
    explain: include_str!("../../../docs/findings/HD303.md"),
    breaks: Breaks::Every,
    explains: &[Code(314)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let rejected = certificate(endpoint)?;
        let Rejection::Expired { certificate, not_after } = rejected.rejection else {
            return None;
        };
        let now = evidence.wire.started_at;
        let address = endpoint.target.address();
        let whose = match certificate {
            Holder::Sent(0) => "the certificate".to_owned(),
            Holder::Sent(place) => format!("certificate {} of the chain", place.saturating_add(1)),
            Holder::Anchor(subject) => format!("the trusted authority {subject}"),
        };
        let draft = Draft::new(
            format!(
                "{whose} of {address} expired {} ago ({})",
                age(now.saturating_sub(*not_after)),
                date(*not_after)
            ),
            format!("renew the certificate that {address} serves, and reload whatever serves it"),
        );
        Some(
            renewal(draft, endpoint)
                .seen_in(endpoint, &["tls"])
                .logged_as(&[&rejected.log(now)]),
        )
    })
}
