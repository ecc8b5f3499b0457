//! HD611: 401, 403, 407, a redirect, or a gRPC status that means the same, of something in front.

use hoop_doctor_probes::http2::{CallName, GrpcStatus, Reply};
use hoop_doctor_probes::wire::status::{Said, Status};

use super::logged;
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(611),
    name: "grpc-access-denied",
    severity: Severity::Error,
    summary: "something in front of the gateway refuses gRPC calls",
    explain: include_str!("../../../docs/findings/HD611.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(612), Code(613), Code(616), Code(506), Code(504)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let (what, confidence) = denial(endpoint)?;
        let draft = Draft::new(
            format!(
                "something in front of the gateway refuses gRPC calls to {}: {what}",
                endpoint.target.address()
            ),
            "exempt the path prefix /protobuf.Transport/ from that rule or redirect: agents and clients authenticate to the gateway \
             itself and follow no redirect",
        );
        Some(
            draft
                .confidence(confidence)
                .snippet(
                    Proxy::Nginx,
                    "location /protobuf.Transport/ {   # in a server block without return, rewrite or if before it\n    auth_basic off;\n    auth_request off;\n    \
                     allow all;\n    client_max_body_size 0;\n    grpc_pass grpc://127.0.0.1:8010;   # grpcs:// where the gateway has TLS\n}",
                )
                .snippet(
                    Proxy::IngressNginx,
                    "metadata:   # of the Ingress for gRPC, without auth-url, auth-type and denylist-source-range\n  annotations:\n    \
                     nginx.ingress.kubernetes.io/whitelist-source-range: \"0.0.0.0/0\"",
                )
                .snippet(
                    Proxy::Envoy,
                    "typed_per_filter_config:   # in the route for /protobuf.Transport/; the name is the refusing filter's in http_filters\n  \
                     envoy.filters.http.rbac: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true, config: {} }",
                )
                .snippet(
                    Proxy::Istio,
                    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: hoop-grpc\nspec:   # a policy with DENY or CUSTOM for this path has to go\n  \
                     action: ALLOW\n  rules:\n  - to:\n    - operation: { paths: [\"/protobuf.Transport/*\"] }",
                )
                .snippet(
                    Proxy::Haproxy,
                    "http-request allow if { path_beg /protobuf.Transport/ }   # in the frontend, before any http-request deny, auth or redirect",
                )
                .snippet(
                    Proxy::Caddy,
                    "# in the site: everything but gRPC goes through basic_auth; the same for forward_auth and redir\n\
                     @guarded not path /protobuf.Transport/*\nbasic_auth @guarded {\n    # the users as before\n}",
                )
                .snippet(
                    Proxy::Apache,
                    "# behind all other Location blocks\n<Location /protobuf.Transport/>\n    Require all granted\n</Location>\n\
                     # and before any other RewriteRule, where there are some\n# RewriteRule ^/protobuf\\.Transport/ - [END]",
                )
                .snippet(
                    Proxy::Traefik,
                    "# a router of its own for PathPrefix(`/protobuf.Transport/`), without the middlewares for authentication, redirects and addresses",
                )
                .snippet(
                    Proxy::Cloudflare,
                    "# Network: gRPC on; WAF: a custom rule that skips for the path /protobuf.Transport/",
                )
                .seen_in(endpoint, &["connect"])
                .logs(logged(endpoint)),
        )
    })
}

/// What an agent logs: a filter that looks at tokens says something else to one that has a token.
fn logged(endpoint: &Endpoint) -> Vec<String> {
    match endpoint.reply(CallName::Connect) {
        Some(Reply::Grpc(status)) if status.code == Status::UNAUTHENTICATED => {
            vec!["rpc error: code = Unauthenticated desc = {message}".to_owned()]
        }
        _ => logged::by_connect(endpoint),
    }
}

/// What is said instead of the gateway's answer, and how surely that is a refusal.
fn denial(endpoint: &Endpoint) -> Option<(String, Confidence)> {
    let certain = |what| Some((what, Confidence::Certain));
    match endpoint.reply(CallName::Connect)? {
        Reply::Http(head, _) => match (head.status, head.field("location")) {
            (300..=399, Some(location)) if location.ends_with("/protobuf.Transport/Connect/") => None,
            (300..=399, Some(location)) => certain(format!("HTTP {} redirects to {location}", head.status)),
            (300..=399, None) => certain(format!("HTTP {}", head.status)),
            (401, _) => certain(match head.field("www-authenticate") {
                Some(challenge) => format!("HTTP 401, {challenge}"),
                None => "HTTP 401".to_owned(),
            }),
            (403 | 407 | 451, _) => certain(format!("HTTP {}", head.status)),
            // What filters of hosts, content types and methods answer, and sometimes a web server that isn't meant at all.
            (402 | 406 | 410..=412 | 415 | 417 | 418 | 421 | 422, _) => {
                Some((format!("HTTP {}", head.status), Confidence::Likely))
            }
            _ => None,
        },
        // Envoy turns a redirect of its own into status 2 and keeps the field.
        Reply::Grpc(status) => match endpoint.answer(CallName::Connect)?.head.as_ref()?.field("location") {
            Some(location) => certain(format!("a redirect to {location}")),
            None => refusal(status),
        },
        _ => None,
    }
}

/// The filters of Envoy refuse a gRPC call with a status instead of a page. The gateway says 7 to nobody, and 16 only
/// with texts of its own.
fn refusal(status: &GrpcStatus) -> Option<(String, Confidence)> {
    let refuses = matches!(status.code, Status::PERMISSION_DENIED | Status::UNAUTHENTICATED);
    if !refuses || status.said.is_gateway() {
        return None;
    }
    let what = match status.said {
        Said::Nothing => format!("status {} without a message", status.code.0),
        _ => format!("status {}, \"{}\"", status.code.0, status.message),
    };
    Some((what, Confidence::Certain))
}
