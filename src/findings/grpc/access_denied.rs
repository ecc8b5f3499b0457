//! HD611: 401, 403, 407 or a redirect of something in front.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::status::Said;

use super::logged;
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
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
        let what = denial(endpoint)?;
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
                .snippet(Proxy::Nginx, "location /protobuf.Transport/ {\n    auth_basic off;\n    allow all;   # and no return or rewrite that catches this path\n    grpc_pass grpc://127.0.0.1:8010;\n}")
                .snippet(Proxy::IngressNginx, "nginx.ingress.kubernetes.io/whitelist-source-range: 0.0.0.0/0   # and no auth-url on this Ingress")
                .snippet(Proxy::Istio, "kind: AuthorizationPolicy\nspec:\n  action: ALLOW\n  rules:\n  - to:\n    - operation: { paths: [\"/protobuf.Transport/*\"] }")
                .snippet(Proxy::Haproxy, "http-request deny if !{ path_beg /protobuf.Transport/ } …   # keep the rule away from gRPC")
                .snippet(Proxy::Cloudflare, "Network > gRPC: on; WAF: skip for the path /protobuf.Transport/")
                .seen_in(endpoint, &["connect"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}

fn denial(endpoint: &Endpoint) -> Option<String> {
    match endpoint.reply(CallName::Connect)? {
        Reply::Http(head, _) => match (head.status, head.field("location")) {
            (300..=399, Some(location)) if location.ends_with("/protobuf.Transport/Connect/") => None,
            (300..=399, Some(location)) => Some(format!("HTTP {} redirects to {location}", head.status)),
            (300..=399, None) => Some(format!("HTTP {}", head.status)),
            (401, _) => Some(match head.field("www-authenticate") {
                Some(challenge) => format!("HTTP 401, {challenge}"),
                None => "HTTP 401".to_owned(),
            }),
            (403 | 407 | 451, _) => Some(format!("HTTP {}", head.status)),
            _ => None,
        },
        Reply::Grpc(status) if status.said == Said::RbacDenied => Some(format!("status 7, \"{}\"", status.message)),
        // Envoy turns a redirect of its own into status 2 and keeps the field.
        Reply::Grpc(_) => {
            let location = endpoint.answer(CallName::Connect)?.head.as_ref()?.field("location")?;
            Some(format!("a redirect to {location}"))
        }
        _ => None,
    }
}
