//! The other half of HD617, with `--auth`: one port takes the token that the other one doesn't get.

use super::super::credentials::{GRPC_PAST_THE_PROXY, PAST_THE_PROXY, Tried, Verdict, probe, tried};
use super::super::logged;
use crate::config::TokenKind;
use crate::evidence::Evidence;
use crate::evidence::auth::Judged;
use crate::findings::{Confidence, Draft};
use crate::proxies::Proxy;

pub(super) fn check(evidence: &Evidence) -> Vec<Draft> {
    tried(evidence)
        .iter()
        .filter_map(|tried| stripped(evidence, tried))
        .collect()
}

fn stripped(evidence: &Evidence, tried: &Tried<'_>) -> Option<Draft> {
    let (grpc, rest) = (tried.grpc?, tried.rest?);
    let (lost, draft, call) = match (grpc.judged, rest.judged) {
        // Where nothing is in between, nothing is removed; REST takes an expired token that gRPC doesn't.
        (Judged::Refused(_), Judged::Accepted) if !grpc.is_direct && !tried.is_expired => {
            (grpc, on_the_way_to_grpc(tried, &grpc, &rest), "connect-with-token")
        }
        (Judged::Accepted, Judged::Refused(_)) if !rest.is_direct => {
            (rest, on_the_way_to_rest(&grpc, &rest), "user-info")
        }
        _ => return None,
    };
    let mut draft = draft;
    draft.endpoints = vec![lost.index];
    draft.identities = vec![tried.identity];
    let seen = [(grpc.endpoint, "connect-with-token"), (rest.endpoint, "user-info")];
    draft.evidence = seen
        .map(|(endpoint, call)| format!("{}/{}", endpoint.id, probe(tried, evidence, call)))
        .into();
    if let Judged::Refused(answer) = lost.judged
        && call == "connect-with-token"
    {
        draft.logged_as = logged::by_call(answer);
    }
    Some(draft)
}

fn on_the_way_to_grpc(tried: &Tried<'_>, grpc: &Verdict<'_>, rest: &Verdict<'_>) -> Draft {
    // A token that says that it is still good is taken by a gateway for gRPC too.
    let confidence = match tried.token.kind {
        TokenKind::Jwt { expires: Some(_) } => Confidence::Likely,
        TokenKind::Jwt { expires: None } | TokenKind::Key | TokenKind::ApiKey | TokenKind::Other => {
            Confidence::Possible
        }
    };
    let draft = Draft::new(
        format!(
            "the header `authorization` does not reach the gateway's gRPC behind {}: it says \"invalid authentication\" to a token that the API at {} takes",
            grpc.endpoint.target.address(),
            rest.endpoint.target.url
        ),
        "take the rule away that removes, empties or replaces `authorization` for /protobuf.Transport/: a header rule, a forward-auth \
         or a check of tokens that keeps them to itself",
    );
    snippets(draft, "grpc_set_header Authorization \"\";", "location for /protobuf.Transport/")
        .confidence(confidence)
        .candidate(
            618,
            "another gateway behind the gRPC address, or one that takes this kind of token over REST alone",
        )
        .candidate(19, "a token that has expired without saying so, which REST renews and gRPC doesn't")
        .decide_by_command(
            GRPC_PAST_THE_PROXY,
            "grpc-status 5: the gateway takes it, and the proxy removes it (HD617); 16: the gateway itself refuses it (HD618, HD019)",
        )
}

fn on_the_way_to_rest(grpc: &Verdict<'_>, rest: &Verdict<'_>) -> Draft {
    let draft = Draft::new(
        format!(
            "the header `authorization` does not reach the gateway's API behind {}: it answers HTTP 401 \"access denied\" to a token that gRPC at {} takes",
            rest.endpoint.target.url,
            grpc.endpoint.target.address()
        ),
        "take the rule away that removes, empties or replaces `authorization` for the API: a header rule, a forward-auth or a \
         check of tokens that keeps them to itself",
    );
    snippets(draft, "proxy_set_header Authorization \"\";", "location of the API")
        .confidence(Confidence::Likely)
        .candidate(
            618,
            "another gateway behind the address of the API, which doesn't know this token",
        )
        .decide_by_command(
            PAST_THE_PROXY,
            "200: the gateway takes it, and the proxy removes it (HD617); 401: the gateway itself refuses it (HD618)",
        )
}

/// What removes the field, in each proxy's words; `nginx` differs between gRPC and REST.
fn snippets(draft: Draft, nginx: &str, place: &str) -> Draft {
    draft
        .snippet(Proxy::Nginx, format!("# take away from the {place}:\n# {nginx}"))
        .snippet(
            Proxy::IngressNginx,
            "# take away from the Ingress, where what the login answers with replaces the field:\n# nginx.ingress.kubernetes.io/auth-response-headers: Authorization",
        )
        .snippet(
            Proxy::Envoy,
            "# take away from the route or virtual host:\n# request_headers_to_remove: [\"authorization\"]\n\
             # or, in the provider of the filter jwt_authn, which keeps tokens to itself:\n# forward: true",
        )
        .snippet(
            Proxy::Istio,
            "# take away from the VirtualService's route:\n# headers: { request: { remove: [authorization] } }\n\
             # or, in the RequestAuthentication, which keeps tokens to itself:\n# jwtRules: [{ forwardOriginalToken: true }]",
        )
        .snippet(
            Proxy::Haproxy,
            "# take away from frontend and backend:\n# http-request del-header authorization",
        )
        .snippet(
            Proxy::Caddy,
            "# take away from reverse_proxy and request_header, and from copy_headers of forward_auth:\n# header_up -Authorization",
        )
        .snippet(Proxy::Apache, "# take away:\n# RequestHeader unset Authorization")
        .snippet(
            Proxy::Traefik,
            "# take away from the headers middleware, and from authResponseHeaders of forwardAuth:\n# customRequestHeaders: { Authorization: \"\" }",
        )
}

#[cfg(test)]
mod tests {
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::grpc::fixture::{Says, behind_nginx, direct, expired, jwt};
    use crate::findings::grpc::metadata_stripped::RULE;

    #[test]
    fn a_token_that_rest_takes_and_grpc_does_not_get_is_removed_in_between() {
        let draft = only(&RULE, &behind_nginx(Says::Refused, Says::Accepted));
        assert_eq!(
            (draft.confidence, draft.endpoints),
            (Some(Confidence::Possible), vec![0])
        );
        assert_eq!(
            draft.logged_as,
            ["rpc error: code = Unauthenticated desc = invalid authentication"]
        );
        let draft = only(&RULE, &jwt(behind_nginx(Says::Refused, Says::Accepted)));
        assert_eq!(draft.confidence, Some(Confidence::Likely));
    }

    #[test]
    fn a_token_that_grpc_takes_and_rest_does_not_get_is_removed_in_between() {
        let draft = only(&RULE, &behind_nginx(Says::Accepted, Says::Refused));
        assert_eq!((draft.confidence, draft.endpoints), (Some(Confidence::Likely), vec![1]));
        assert!(draft.remedy.snippets[0].text.contains("proxy_set_header"));
    }

    #[test]
    fn nothing_is_removed_where_nothing_is_in_between() {
        silent(&RULE, &direct(Says::Refused, Says::Accepted));
    }

    #[test]
    fn a_bad_token_an_expired_one_and_one_that_nobody_judged_were_not_removed() {
        silent(&RULE, &behind_nginx(Says::Refused, Says::Refused));
        silent(&RULE, &behind_nginx(Says::Accepted, Says::Accepted));
        silent(&RULE, &behind_nginx(Says::Inactive, Says::Accepted));
        silent(&RULE, &behind_nginx(Says::Refused, Says::Nothing));
        silent(&RULE, &expired(behind_nginx(Says::Refused, Says::Accepted)));
    }
}
