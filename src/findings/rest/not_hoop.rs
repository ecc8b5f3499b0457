//! HD503: whatever answers, it isn't Hoop.

use hoop_doctor_probes::wire::page::Mark;

use super::{NO_JSON, has_gateway_for_grpc, has_hoops_fields, is_signed, stranger};
use crate::evidence::Evidence;
use crate::findings::fixes::site;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_rest};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(503),
    name: "not-hoop",
    severity: Severity::Error,
    summary: "something else than a Hoop gateway answers",
    explain: include_str!("../../../docs/findings/HD503.md"),
    breaks: Breaks::Some,
    explains: &[Code(601), Code(602)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_rest(evidence, |endpoint| {
        let answer = stranger(endpoint)?;
        if is_signed(answer.head)
            || has_hoops_fields(answer.head)
            || has_gateway_for_grpc(evidence, endpoint)
            || has_finding_of_its_own(answer.head.status)
        {
            return None;
        }
        let address = endpoint.target.address();
        let draft = Draft::new(
            format!(
                "{address} answers /api/healthz with {}, and nothing about it is Hoop's",
                answer.shown()
            ),
            "check that the name leads to the gateway's proxy, and that the proxy has an entry for this host: \
             the one that it has for all others seems to answer",
        );
        let draft = match (answer.head.status, answer.page.mark) {
            (200, Mark::Html) => draft.candidate(
                502,
                "Hoop's web page under another base path, behind a proxy that hides the gateway's name",
            ),
            _ => draft,
        };
        Some(
            site(draft, endpoint)
                .confidence(Confidence::Likely)
                .decide_by_command(
                    format!("curl -sSi {}/", endpoint.target.url.trim_end_matches('/')),
                    "Hoop's sign-in page: the base path is wrong, HD502; any other page: the name or the proxy's entry for it",
                )
                .seen_in(endpoint, &["healthz", "public-server-info"])
                .logged_as(&NO_JSON),
        )
    })
}

/// Statuses that say by themselves what is wrong, whoever sends them.
fn has_finding_of_its_own(status: u16) -> bool {
    matches!(
        status,
        0..200 | 301..=303 | 307 | 308 | 401 | 403 | 404 | 407 | 421 | 429 | 451 | 500 | 502..=504 | 511 | 520..=527 | 530
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::rest::fixture::{
        HEALTHY, INFO, NGINX_404, NGINX_502, OTHER_SITE, WEB_APP, WEB_APP_BEHIND_NGINX, beside_grpc, rest,
    };

    #[test]
    fn another_site_is_not_hoop_probably() {
        let draft = only(&RULE, &rest(&[OTHER_SITE, OTHER_SITE]));
        assert_eq!(
            draft.message,
            "gw.example:443 answers /api/healthz with HTTP 200 (\"Our shop\"), and nothing about it is Hoop's"
        );
        assert_eq!(
            (draft.confidence, draft.candidates.len()),
            (Some(Confidence::Likely), 1)
        );
    }

    #[test]
    fn an_empty_answer_or_other_json_is_none_of_hoops() {
        only(&RULE, &rest(&[(200, &[("server", "Caddy")], "")]));
        only(&RULE, &rest(&[(200, &[], r#"{"status":"ok"}"#)]));
        only(&RULE, &rest(&[(400, &[], "Bad Request")]));
    }

    #[test]
    fn a_health_page_of_the_proxy_hides_no_api() {
        silent(&RULE, &rest(&[(200, &[], "ok"), INFO]));
    }

    #[test]
    fn a_gateways_name_or_its_grpc_proves_it() {
        silent(&RULE, &rest(&[WEB_APP, WEB_APP]));
        silent(&RULE, &rest(&[WEB_APP_BEHIND_NGINX, WEB_APP_BEHIND_NGINX]));
        silent(&RULE, &beside_grpc(&[OTHER_SITE, OTHER_SITE]));
        silent(&RULE, &rest(&[HEALTHY, INFO]));
    }

    #[test]
    fn a_status_that_says_more_is_left_to_others() {
        silent(&RULE, &rest(&[NGINX_404, NGINX_404]));
        silent(&RULE, &rest(&[NGINX_502, NGINX_502]));
    }

    #[test]
    fn plaintext_to_tls_is_left_to_others() {
        let page = "<title>400 The plain HTTP request was sent to HTTPS port</title>";
        silent(&RULE, &rest(&[(400, &[("server", "nginx")], page)]));
    }
}
