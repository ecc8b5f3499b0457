//! HD409: MAX_CONCURRENT_STREAMS under 32.

use hoop_doctor_probes::wire::frame::MAX_CONCURRENT_STREAMS;

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(409),
    name: "few-streams",
    severity: Severity::Warn,
    summary: "the server allows few calls at a time on a connection",
    explain: include_str!("../../../docs/findings/HD409.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let settings = endpoint.http2()?.settings.as_ref()?;
        let allowed = settings
            .iter()
            .find(|setting| setting.id == MAX_CONCURRENT_STREAMS)?
            .value;
        if allowed >= ENOUGH {
            return None;
        }
        let draft = Draft::new(
            format!(
                "{} allows {allowed} streams at a time on a connection (MAX_CONCURRENT_STREAMS); calls beyond them wait without an error",
                endpoint.target.address()
            ),
            "raise the limit to 128 or more: every session of Hoop is a stream",
        );
        Some(
            draft
                .snippet(Proxy::Nginx, "http2_max_concurrent_streams 128;   # the default")
                .snippet(
                    Proxy::Envoy,
                    "http2_protocol_options: { max_concurrent_streams: 1024 }   # in HttpConnectionManager",
                )
                .snippet(
                    Proxy::Haproxy,
                    "tune.h2.max-concurrent-streams 100   # in global; the default",
                )
                .snippet(Proxy::Apache, "H2MaxSessionStreams 100")
                // Calls above the limit wait without a deadline, so nothing is logged.
                .seen_in(endpoint, &["http2"]),
        )
    })
}

/// As many as a small team's sessions through one agent.
const ENOUGH: u32 = 32;
