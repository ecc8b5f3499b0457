//! HD302: told to use TLS, the port speaks plaintext.

use hoop_doctor_probes::http2::{Answer, Reply};
use hoop_doctor_probes::tls::TlsFailure;
use hoop_doctor_probes::wire::opening::Opening;

use super::{corrected, with_scheme};
use crate::config::Security;
use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(302),
    name: "tls-to-plaintext",
    severity: Severity::Error,
    summary: "Hoop would use TLS, and the port speaks plaintext",
    explain: include_str!("../../../docs/findings/HD302.md"),
    breaks: Breaks::Every,
    explains: super::STANDS_ON_TLS,
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let failure = endpoint.tls_failure()?;
        let speaks = speaks(endpoint, failure)?;
        let target = &endpoint.target;
        let plain = with_scheme(target, Security::Plaintext);
        let draft = Draft::new(
            format!(
                "{} speaks {speaks} without TLS, but {} makes Hoop use TLS",
                target.address(),
                target.url
            ),
            format!(
                "use the port that has TLS, or switch TLS on where {} ends; only on a network that you trust change {} to {plain}",
                target.address(),
                target.url
            ),
        );
        Some(
            corrected(draft, evidence, endpoint, Security::Plaintext)
                .seen_in(endpoint, &["tls", "opposite-scheme/http2"])
                .logged_as(&[
                    "connection error: desc = \"transport: authentication handshake failed: \
                     tls: first record does not look like a TLS handshake\"",
                ]),
        )
    })
}

/// What the port speaks, if it is a cleartext protocol of Hoop's.
fn speaks(endpoint: &Endpoint, failure: &TlsFailure) -> Option<&'static str> {
    let opposite = endpoint.heard_in(Experiment::OppositeScheme);
    let http2 = opposite.is_some_and(|heard| heard.http2.as_ref().is_some_and(|http2| http2.settings.is_some()));
    if let TlsFailure::NotTls { first } = failure {
        return match first.opening {
            _ if http2 => Some("HTTP/2"),
            Opening::Http2 => Some("HTTP/2"),
            Opening::Http1 { .. } => Some("HTTP/1.1"),
            _ => None,
        };
    }
    // Some ports take TLS and cleartext: only where the cleartext leads somewhere, and no hello is answered, is TLS missing.
    if [Experiment::OfferBoth, Experiment::SmallHello, Experiment::SmallSegments]
        .into_iter()
        .any(|hello| {
            endpoint
                .heard_in(hello)
                .is_some_and(|heard| heard.handshake().is_some())
        })
    {
        return None;
    }
    let leads_somewhere = |answer: &Answer| match answer.reply() {
        Reply::Http(head, _) => head.status != 404,
        Reply::Grpc(_) | Reply::NoStatus(_) => true,
        Reply::Reset(_) | Reply::Refused | Reply::Lost | Reply::Silent => false,
    };
    let answered = opposite?.answers().any(leads_somewhere);
    match http2 {
        true => answered.then_some("HTTP/2"),
        false => answered.then_some("HTTP/1.1"),
    }
}
