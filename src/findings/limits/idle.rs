//! HD703: a stream on which nothing flows is cut.

use super::held;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(703),
    name: "idle-timeout",
    severity: Severity::Error,
    summary: "a quiet stream is cut after a while",
    explain: include_str!("../../../docs/findings/HD703.md"),
    breaks: Breaks::Later,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let idle = held::idle(endpoint.measured.as_ref()?)?;
        let severity = match idle.after_ms {
            ..KEPT_ALIVE => Severity::Error,
            KEPT_ALIVE..LONG_ENOUGH => Severity::Warn,
            LONG_ENOUGH.. => return None,
        };
        let after = held::seconds(idle.after_ms);
        let http2 = idle.held.http2.as_ref()?;
        let what = match idle.forgotten {
            false => format!(
                "a stream through {} on which nothing flows is cut after {after} ({})",
                endpoint.target.address(),
                held::end(http2)
            ),
            true => format!(
                "a stream through {} on which nothing flows is forgotten within {after}: it seems open, and nothing comes back any more",
                endpoint.target.address()
            ),
        };
        let means = match idle.after_ms {
            ..KEEPALIVE => "an agent sends a packet every 10 s only, and so it loses its stream",
            KEEPALIVE..KEPT_ALIVE => "an agent sends a packet every 10 s, and any delay of one costs it its stream",
            KEPT_ALIVE.. => {
                "agents survive, they send a packet every 10 s; `hoop connect` that waits for an approval doesn't"
            }
        };
        let draft = Draft::new(
            format!("{what}; {means}"),
            "let a stream of /protobuf.Transport/ be quiet for an hour",
        );
        Some(
            draft
                .severity(severity)
                .snippet(
                    Proxy::Nginx,
                    "# in the location for /protobuf.Transport/\nclient_body_timeout 1h;\ngrpc_read_timeout 1h;\ngrpc_send_timeout 1h;",
                )
                .snippet(
                    Proxy::IngressNginx,
                    "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/proxy-read-timeout: \"3600\"\n    \
                     nginx.ingress.kubernetes.io/proxy-send-timeout: \"3600\"\n\
                     # and in the controller's ConfigMap:\n# data: { client-body-timeout: \"3600\" }",
                )
                .snippet(
                    Proxy::Envoy,
                    "stream_idle_timeout: 3600s   # in HttpConnectionManager; idle_timeout of the route where that is set",
                )
                .snippet(
                    Proxy::Istio,
                    "# an EnvoyFilter for the gateway, applyTo: NETWORK_FILTER, on envoy.filters.network.http_connection_manager\n\
                     patch:\n  operation: MERGE\n  value:\n    typed_config:\n      \
                     \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\n      \
                     stream_idle_timeout: 3600s",
                )
                .snippet(
                    Proxy::Haproxy,
                    "# in the backend for gRPC, or in defaults; timeout tunnel doesn't count\ntimeout server 1h",
                )
                .snippet(
                    Proxy::Caddy,
                    "# in the global options; the default of Caddy 2.11 is 60s\nservers {\n    timeouts {\n        read_body_idle 1h\n        write_idle 1h\n    }\n}",
                )
                .snippet(
                    Proxy::AwsAlb,
                    "aws elbv2 modify-load-balancer-attributes --load-balancer-arn LOAD_BALANCER_ARN --attributes Key=idle_timeout.timeout_seconds,Value=4000",
                )
                .seen_in(endpoint, &["held-silent", "held-busy"])
                .logs(match idle.forgotten {
                    // Nobody tells the agent anything.
                    true => Vec::new(),
                    false => held::logged(http2),
                }),
        )
    })
}

/// How often an agent sends a packet (`pb.DefaultKeepAlive`), in milliseconds.
const KEEPALIVE: u64 = 10_000;
/// Below this, in milliseconds, such a packet may come too late.
const KEPT_ALIVE: u64 = 15_000;
/// Nobody waits longer than this, in milliseconds, for an approval.
const LONG_ENOUGH: u64 = 300_000;
