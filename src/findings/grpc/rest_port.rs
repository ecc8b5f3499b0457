//! HD602: the gRPC address leads straight to the REST port.

use super::is_rest_port;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(602),
    name: "grpc-url-is-rest-port",
    severity: Severity::Error,
    summary: "the gRPC address is the gateway's REST port",
    explain: include_str!("../../../docs/findings/HD602.md"),
    breaks: Breaks::Every,
    explains: &[
        Code(403),
        Code(408),
        Code(411),
        Code(601),
        Code(603),
        Code(604),
        Code(607),
        Code(611),
        Code(613),
        Code(616),
    ],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        if endpoint.reaches_gateway() || !is_rest_port(endpoint) {
            return None;
        }
        let target = &endpoint.target;
        let right = match target.port {
            8009 => format!("{}:8010", target.host),
            _ => format!("{}:PORT", target.host),
        };
        let scheme = if target.tls { "grpcs" } else { "grpc" };
        let draft = Draft::new(
            format!(
                "{} is Hoop's REST port (it answers as hoopgateway over HTTP/1.1), not its gRPC port",
                target.address()
            ),
            "use the gateway's gRPC port, 8010 unless a proxy maps it to another one",
        );
        Some(
            draft
                .snippet(Proxy::Hoop, format!("HOOP_GRPCURL='{scheme}://{right}'   # in an agent's key: HOOP_KEY='{scheme}://NAME:••••@{right}'"))
                .seen_in(endpoint, &["http2", "rest-here/healthz"])
                .logged_as(&[
                    "connection error: desc = \"error reading server preface: http2: failed reading the frame payload: \
                     http2: frame too large, note that the frame header looked like an HTTP/1.1 header\"",
                    "rpc error: code = Unknown desc = unexpected HTTP status code received from server: 200 (OK); \
                     transport: received unexpected content-type \"text/html; charset=utf-8\"",
                ]),
        )
    })
}
