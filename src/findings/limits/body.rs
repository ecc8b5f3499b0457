//! HD701: the proxy caps a stream's total bytes.

use hoop_doctor_probes::grpc::MAX_MESSAGE;
use hoop_doctor_probes::http2::{CallName, Reply};

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(701),
    name: "body-limit",
    severity: Severity::Error,
    summary: "the proxy limits how much a stream may send",
    explain: include_str!("../../../docs/findings/HD701.md"),
    breaks: Breaks::Later,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        // On another route than the gateway's the limit is another one too.
        if !endpoint.reaches_gateway() {
            return None;
        }
        let too_large = match endpoint.reply(CallName::DeclaredBody)? {
            Reply::Http(head, _) => head.status == 413,
            _ => false,
        };
        if !too_large {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the proxy at {} limits the size of a request: a call that declares {MAX_MESSAGE} bytes, the gateway's own limit for one message, gets HTTP 413; \
                 the limit counts everything that an agent sends over the life of its stream",
                endpoint.target.address()
            ),
            "lift the limit for the path prefix /protobuf.Transport/",
        );
        Some(
            draft
                .snippet(
                    Proxy::Nginx,
                    "client_max_body_size 0;   # in the location for /protobuf.Transport/; the default is 1m",
                )
                .snippet(
                    Proxy::IngressNginx,
                    "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/proxy-body-size: \"0\"",
                )
                .snippet(Proxy::Apache, "LimitRequestBody 0")
                .snippet(
                    Proxy::Caddy,
                    "# take away from the gRPC route:\n# request_body { max_size … }",
                )
                .snippet(
                    Proxy::Traefik,
                    "# take the buffering middleware (maxRequestBodyBytes) off the router for /protobuf.Transport/",
                )
                .seen_in(endpoint, &["declared-body", "connect"])
                .logged_as(&[
                    "rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: INTERNAL_ERROR",
                ]),
        )
    })
}
