//! HD707: the proxy collects an answer before it passes it on.

use hoop_doctor_probes::http2::CallName;

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(707),
    name: "response-buffered",
    severity: Severity::Error,
    summary: "the proxy holds back what the gateway sends",
    explain: include_str!("../../../docs/findings/HD707.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let answer = endpoint.answer(CallName::HealthCheck).filter(|answer| answer.is_ok())?;
        // A trailers-only answer may well say 0: it has no body, and nginx adds that.
        answer.trailers.as_ref()?;
        let length: u64 = answer.head.as_ref()?.field("content-length")?.parse().ok()?;
        let draft = Draft::new(
            format!(
                "the answer to HealthCheck comes from {} with `content-length: {length}`, which the gateway never sends: the proxy had all of it before it passed any on, \
                 and a session's output would come late or never",
                endpoint.target.address()
            ),
            "take away what collects responses on /protobuf.Transport/: buffering, compression, inspection",
        );
        Some(
            draft
                .confidence(Confidence::Likely)
                .snippet(
                    Proxy::Traefik,
                    "# take the buffering and compress middlewares off the router for /protobuf.Transport/",
                )
                .snippet(
                    Proxy::Apache,
                    "# take away for /protobuf.Transport/: SetOutputFilter BUFFER, DEFLATE\nSetEnv no-gzip 1",
                )
                .snippet(
                    Proxy::Mitmproxy,
                    "mitmdump --set stream_large_bodies=1   # or exempt the host: --ignore-hosts",
                )
                .snippet(
                    Proxy::Envoy,
                    "# take the filters that read whole responses (lua with body(), ext_proc in BUFFERED mode) off the route for /protobuf.Transport/",
                )
                .seen_in(endpoint, &["health-check"]),
        )
    })
}
