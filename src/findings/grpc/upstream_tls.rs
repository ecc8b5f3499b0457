//! HD605: TLS between proxy and gateway on one side only.

use super::logged;
use super::upstream::behind;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(605),
    name: "grpc-upstream-tls",
    severity: Severity::Error,
    summary: "TLS between proxy and gateway on one side only",
    explain: include_str!("../../../docs/findings/HD605.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(612), Code(613), Code(616), Code(607)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let behind = behind(endpoint, RULE.code.0)?;
        let draft = Draft::new(
            format!(
                "between the proxy at {} and the gateway's gRPC port only one side uses TLS: {}",
                endpoint.target.address(),
                behind.sign
            ),
            "use TLS towards the gateway exactly if the gateway has it (USE_TLS, TLS_CERT or HOOP_TLSCA are set there)",
        );
        Some(
            behind
                .complete(draft)
                .snippet(Proxy::Envoy, "transport_socket:   # in the cluster, only if the gateway has TLS\n  name: envoy.transport_sockets.tls")
                .snippet(Proxy::Istio, "trafficPolicy:\n  tls:\n    mode: SIMPLE   # DISABLE where the gateway has no TLS")
                .snippet(Proxy::Traefik, "servers:\n- url: h2c://127.0.0.1:8010   # https:// where the gateway has TLS")
                .snippet(Proxy::Nginx, "grpc_pass grpcs://127.0.0.1:8010;   # grpc:// where the gateway has no TLS")
                .seen_in(endpoint, &["connect", "health-check"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}
