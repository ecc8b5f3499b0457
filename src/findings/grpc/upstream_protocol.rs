//! HD604: the proxy speaks HTTP/1 to the gRPC port, or gRPC to the REST port.

use super::logged;
use super::upstream::behind;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(604),
    name: "grpc-upstream-protocol",
    severity: Severity::Error,
    summary: "the proxy speaks the wrong protocol to the gRPC port",
    explain: include_str!("../../../docs/findings/HD604.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(612), Code(613), Code(616), Code(607)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let behind = behind(endpoint, RULE.code.0)?;
        let draft = Draft::new(
            format!(
                "the proxy at {} does not speak HTTP/2 to the gateway's gRPC port: {}",
                endpoint.target.address(),
                behind.sign
            ),
            "make the proxy speak gRPC (HTTP/2) to the gateway's port 8010",
        );
        Some(
            behind
                .complete(draft)
                .snippet(Proxy::Nginx, "location /protobuf.Transport/ {\n    client_max_body_size 0;\n    grpc_pass grpc://127.0.0.1:8010;   # not proxy_pass\n}")
                .snippet(Proxy::IngressNginx, "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/backend-protocol: \"GRPC\"")
                .snippet(
                    Proxy::Envoy,
                    "typed_extension_protocol_options:\n  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:\n    \
                     \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\n    \
                     explicit_http_config: { http2_protocol_options: {} }",
                )
                .snippet(Proxy::Istio, "ports:\n- name: grpc-hoop   # in the Service: the name decides the protocol\n  port: 8010\n  appProtocol: kubernetes.io/h2c")
                .snippet(Proxy::Haproxy, "server gateway 127.0.0.1:8010 proto h2")
                .snippet(Proxy::Caddy, "reverse_proxy @grpc h2c://127.0.0.1:8010")
                .snippet(Proxy::Apache, "ProxyPass /protobuf.Transport/ h2c://127.0.0.1:8010/protobuf.Transport/")
                .snippet(Proxy::Traefik, "servers:\n- url: h2c://127.0.0.1:8010")
                .seen_in(endpoint, &["connect", "health-check"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}
