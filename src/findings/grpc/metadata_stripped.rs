//! HD617: the proxy removes `origin`, or `authorization`.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::status::Said;

use super::logged;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

mod authorization;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(617),
    name: "metadata-stripped",
    severity: Severity::Error,
    summary: "the proxy removes a header that the gateway needs",
    explain: include_str!("../../../docs/findings/HD617.md"),
    breaks: Breaks::Every,
    explains: &[Code(618)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    let mut drafts = origin(evidence);
    drafts.extend(authorization::check(evidence));
    drafts
}

fn origin(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let Some(Reply::Grpc(status)) = endpoint.reply(CallName::ConnectWithOrigin) else {
            return None;
        };
        if status.said != Said::MissingOrigin {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the header `origin` does not reach the gateway behind {}: it says \"{}\" to a call that has one",
                endpoint.target.address(),
                status.message
            ),
            "take the rule away that removes or empties `origin` (a CORS or security filter, usually), at least for /protobuf.Transport/",
        );
        Some(
            draft
                .snippet(
                    Proxy::Nginx,
                    "# take away from the location for /protobuf.Transport/:\n# grpc_set_header Origin \"\";",
                )
                .snippet(
                    Proxy::Envoy,
                    "# take away from the route or virtual host:\n# request_headers_to_remove: [\"origin\"]",
                )
                .snippet(
                    Proxy::Istio,
                    "# take away from the VirtualService's route:\n# headers: { request: { remove: [origin] } }",
                )
                .snippet(
                    Proxy::Haproxy,
                    "# take away from frontend and backend:\n# http-request del-header origin",
                )
                .snippet(
                    Proxy::Caddy,
                    "# take away from reverse_proxy and request_header:\n# header_up -Origin",
                )
                .snippet(Proxy::Apache, "# take away:\n# RequestHeader unset Origin")
                .snippet(
                    Proxy::Traefik,
                    "# take away from the headers middleware:\n# customRequestHeaders: { Origin: \"\" }",
                )
                .seen_in(endpoint, &["connect", "connect-with-origin"])
                .logs(
                    endpoint
                        .answer(CallName::ConnectWithOrigin)
                        .map(logged::by_call)
                        .unwrap_or_default(),
                ),
        )
    })
}
