//! HD502: the API isn't under the address that the client has.

use super::{NO_JSON, Stranger, has_gateway_for_grpc, has_hoops_fields, is_signed, proxy_name, stranger, told_by};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::fixes::rest_route;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_rest};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(502),
    name: "api-not-found",
    severity: Severity::Error,
    summary: "the API isn't under this address",
    explain: include_str!("../../../docs/findings/HD502.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_rest(evidence, |endpoint| {
        let answer = stranger(endpoint)?;
        let draft = match (
            is_signed(answer.head),
            has_gateway_for_grpc(evidence, endpoint),
            answer.head.status,
        ) {
            (true, _, 200 | 404) => gateways(evidence, endpoint, answer),
            (false, _, 200 | 404) if has_hoops_fields(answer.head) => gateways(evidence, endpoint, answer)
                .confidence(Confidence::Likely)
                .candidate(503, "another server that sets the same fields on its answers"),
            (false, true, 200 | 404 | 421) => rest_route(unrouted(endpoint, answer), endpoint),
            (false, false, 404 | 421) => rest_route(unrouted(endpoint, answer), endpoint)
                .confidence(Confidence::Likely)
                .candidate(503, "no gateway is behind this name at all"),
            _ => return None,
        };
        Some(
            draft
                .seen_in(endpoint, &["healthz", "public-server-info"])
                .logged_as(&NO_JSON),
        )
    })
}

/// The gateway itself answers, and has its API elsewhere.
fn gateways(evidence: &Evidence, endpoint: &Endpoint, answer: Stranger<'_>) -> Draft {
    let target = &endpoint.target;
    let path = format!("{}/api/healthz", target.base_path);
    let what = match answer.head.status {
        200 => "with its web page",
        _ => "with 404",
    };
    let draft = Draft::new(
        format!(
            "the gateway at {} answers {path} {what}: its API is under another path than the one that reaches it",
            target.address()
        ),
        "use the address that the gateway has in API_URL, path included; where it is this one, have the proxy pass /api/ on as it is: \
         no prefix taken away or added",
    );
    match (target.base_path.is_empty(), told_by(evidence, endpoint)) {
        (false, Some(source)) => draft.line(
            source,
            target.url.strip_suffix(&target.base_path).unwrap_or(&target.url),
        ),
        (true, Some(source)) => draft.line(source, &format!("{}/PATH-OF-API_URL", target.url)),
        (_, None) => draft,
    }
}

/// The proxy answers, or whatever else is there.
fn unrouted(endpoint: &Endpoint, answer: Stranger<'_>) -> Draft {
    let target = &endpoint.target;
    Draft::new(
        format!(
            "{} at {} doesn't lead {}/api/healthz to the gateway: {}",
            proxy_name(endpoint),
            target.address(),
            target.base_path,
            answer.shown()
        ),
        "route everything of this host but /protobuf.Transport/ to the gateway's REST port (8009), with the path unchanged; \
         if another host name is right, correct the API's address",
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent, snippet};
    use crate::findings::rest::fixture::{
        HEALTHY, INFO, NGINX_404, NO_SUCH_PAGE, OTHER_SITE, WEB_APP, WEB_APP_BEHIND_NGINX, at, beside_grpc, rest,
    };

    #[test]
    fn the_gateways_own_web_page_means_another_path() {
        let draft = only(&RULE, &at("https://gw.example/hop", &[WEB_APP, WEB_APP]));
        assert_eq!(
            draft.message,
            "the gateway at gw.example:443 answers /hop/api/healthz with its web page: its API is under another path than the one that reaches it"
        );
        assert_eq!(
            (snippet(&draft), draft.confidence),
            ("--api-url https://gw.example", None)
        );
    }

    #[test]
    fn the_gateways_own_404_is_certain() {
        assert_eq!(only(&RULE, &rest(&[NO_SUCH_PAGE, NO_SUCH_PAGE])).confidence, None);
    }

    #[test]
    fn a_proxy_that_hides_the_gateways_name_lets_its_other_fields_pass() {
        let draft = only(
            &RULE,
            &at("https://gw.example/hop", &[WEB_APP_BEHIND_NGINX, WEB_APP_BEHIND_NGINX]),
        );
        assert!(
            draft
                .message
                .ends_with("its API is under another path than the one that reaches it"),
            "{}",
            draft.message
        );
        assert_eq!(draft.confidence, Some(Confidence::Likely));
    }

    #[test]
    fn a_proxys_404_may_have_no_gateway_behind_it() {
        let draft = only(&RULE, &rest(&[NGINX_404, NGINX_404]));
        assert_eq!(
            draft.message,
            "nginx at gw.example:443 doesn't lead /api/healthz to the gateway: HTTP 404 (\"404 Not Found\")"
        );
        assert_eq!(draft.confidence, Some(Confidence::Likely));
    }

    #[test]
    fn grpc_that_works_at_the_same_port_proves_the_gateway() {
        assert_eq!(only(&RULE, &beside_grpc(&[NGINX_404, NGINX_404])).confidence, None);
        only(&RULE, &beside_grpc(&[OTHER_SITE, OTHER_SITE]));
    }

    #[test]
    fn one_of_the_two_calls_is_enough() {
        silent(&RULE, &rest(&[HEALTHY, NO_SUCH_PAGE]));
        silent(&RULE, &rest(&[NGINX_404, INFO]));
    }

    #[test]
    fn another_site_is_another_matter() {
        silent(&RULE, &rest(&[OTHER_SITE, OTHER_SITE]));
    }
}
