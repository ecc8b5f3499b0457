//! HD617: the proxy removes or replaces `origin`, `content-type` or `authorization`.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::status::Said;

use super::logged;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};
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
    drafts.extend(origin_added(evidence));
    drafts.extend(content_type(evidence));
    drafts.extend(authorization::check(evidence));
    drafts
}

/// A gateway looks for the origin before it looks at anybody's credentials.
fn origin_added(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let Some(Reply::Grpc(status)) = endpoint.reply(CallName::Connect) else {
            return None;
        };
        if status.said != Said::InvalidAuthentication {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the proxy at {} gives calls a header `origin` of its own: the gateway behind it does not miss it in one that has none (\"{}\")",
                endpoint.target.address(),
                status.message
            ),
            "take the rule away that sets `origin` (for CORS or WebSockets, usually), at least for /protobuf.Transport/: agents and \
             clients say there what they are; only a rule that sets it where it is missing does no harm",
        );
        Some(
            draft
                .confidence(Confidence::Likely)
                .snippet(
                    Proxy::Nginx,
                    "# take away from the location for /protobuf.Transport/:\n# grpc_set_header Origin …;",
                )
                .snippet(
                    Proxy::Envoy,
                    "# take away from the route or virtual host, in request_headers_to_add:\n# - header: { key: origin }",
                )
                .snippet(
                    Proxy::Istio,
                    "# take away from the VirtualService's route:\n# headers: { request: { set: { origin: … } } }",
                )
                .snippet(
                    Proxy::Haproxy,
                    "# take away from frontend and backend:\n# http-request set-header origin …",
                )
                .snippet(
                    Proxy::Caddy,
                    "# take away from reverse_proxy and request_header:\n# header_up Origin …",
                )
                .snippet(Proxy::Apache, "# take away:\n# RequestHeader set Origin …")
                .snippet(
                    Proxy::Traefik,
                    "# take away from the headers middleware, in customRequestHeaders:\n# Origin: …",
                )
                .seen_in(endpoint, &["connect", "connect-with-origin"])
                .logs(vec!["rpc error: code = Unauthenticated desc = invalid authentication".to_owned()]),
        )
    })
}

/// grpc-go quotes the type that it got; ours is application/grpc.
fn content_type(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let Some(Reply::Grpc(status)) = endpoint.reply(CallName::Connect) else {
            return None;
        };
        if !status.message.starts_with("invalid gRPC request content-type") {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the header `content-type` does not reach the gateway behind {} as it was sent: it says \"{}\"",
                endpoint.target.address(),
                status.message
            ),
            "take the rule away that removes or replaces `content-type`, at least for /protobuf.Transport/",
        );
        Some(draft.seen_in(endpoint, &["connect"]).logs(logged::by_connect(endpoint)))
    })
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

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::conversation::Heard;
    use hoop_doctor_probes::http2::CallName;
    use hoop_doctor_probes::wire::status::Status;

    use super::RULE;
    use crate::evidence::Evidence;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::rest::fixture::{HEALTHY, beside, gateway, status};

    /// What the gateway says to a call without an origin.
    fn without_origin(heard: Heard) -> Evidence {
        beside(&[HEALTHY], heard)
    }

    #[test]
    fn an_origin_that_nobody_sent_was_added_on_the_way() {
        let added = status(
            CallName::Connect,
            200,
            Status::UNAUTHENTICATED,
            "invalid authentication",
        );
        let draft = only(&RULE, &without_origin(added));
        assert!(draft.message.contains("`origin` of its own"), "{}", draft.message);
        assert_eq!(draft.confidence, Some(Confidence::Likely));

        silent(&RULE, &without_origin(gateway()));
        // A filter that asks for tokens says so in words of its own.
        let filter = status(CallName::Connect, 200, Status::UNAUTHENTICATED, "Jwt is missing");
        silent(&RULE, &without_origin(filter));
    }

    #[test]
    fn a_gateway_that_misses_the_content_type_quotes_what_it_got() {
        let lost = status(
            CallName::Connect,
            415,
            Status::INVALID_ARGUMENT,
            "invalid gRPC request content-type \"\"",
        );
        let draft = only(&RULE, &without_origin(lost));
        assert!(draft.message.contains("`content-type`"), "{}", draft.message);
    }
}
