//! HD704: every stream is cut at a certain age.

use super::held;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(704),
    name: "stream-lifetime",
    severity: Severity::Error,
    summary: "a stream is cut after a fixed time, whatever flows on it",
    explain: include_str!("../../../docs/findings/HD704.md"),
    breaks: Breaks::Later,
    explains: &[Code(411), Code(613)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let (after_ms, busy) = held::lifetime(endpoint.measured.as_ref()?)?;
        let http2 = busy.http2.as_ref()?;
        let after = held::seconds(after_ms);
        let draft = Draft::new(
            format!(
                "every stream through {} is cut {after} after it began, whatever flows on it ({}): an agent loses its sessions and connects anew every {after}",
                endpoint.target.address(),
                held::end(http2)
            ),
            "take the limit on the duration of a request away for /protobuf.Transport/",
        );
        Some(
            draft
                .snippet(
                    Proxy::Traefik,
                    "# in the static configuration; the default is 60s\nentryPoints:\n  websecure:   # the one that gRPC comes in by\n    \
                     transport:\n      respondingTimeouts:\n        readTimeout: 0s",
                )
                .snippet(
                    Proxy::Envoy,
                    "common_http_protocol_options:   # of HttpConnectionManager\n  max_stream_duration: 0s\n\
                     # and take max_stream_duration off the route for /protobuf.Transport/",
                )
                .snippet(
                    Proxy::Istio,
                    "# no timeout in the VirtualService's or HTTPRoute's rule for /protobuf.Transport\ntimeout: 0s",
                )
                .snippet(
                    Proxy::Caddy,
                    "# in the global options: take away write and read_body\nservers {\n    timeouts {\n        write 0\n    }\n}",
                )
                .seen_in(endpoint, &["held-keepalive", "held-busy"])
                .logs(held::logged(http2)),
        )
    })
}
