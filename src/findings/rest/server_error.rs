//! HD510: the gateway itself says that something went wrong in it.

use hoop_doctor_probes::http2::{CallName, Head, Reply};
use hoop_doctor_probes::wire::page::{Mark, Page};

use super::{is_signed, mark};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_rest};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(510),
    name: "api-server-error",
    severity: Severity::Error,
    summary: "the gateway's API fails by itself",
    explain: include_str!("../../../docs/findings/HD510.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_rest(evidence, |endpoint| {
        let calls = [
            (CallName::Healthz, "healthz", "healthz"),
            (CallName::PublicServerInfo, "publicserverinfo", "public-server-info"),
        ];
        let failed = calls.into_iter().find_map(|(call, path, probe)| {
            let Reply::Http(head, page) = endpoint.reply(call)? else {
                return None;
            };
            is_gateways_failure(endpoint, head, page).map(|confidence| (path, probe, head, page, confidence))
        });
        let (path, probe, head, page, confidence) = failed?;
        let says = if page.start.is_empty() {
            String::new()
        } else {
            format!(": {}", page.start.trim())
        };
        let draft = Draft::new(
            format!(
                "the gateway behind {} fails at /api/{path} with HTTP {}{says}",
                endpoint.target.url, head.status
            ),
            "read the gateway's log at this time; most of all look whether it reaches its database",
        );
        Some(
            draft
                .confidence(confidence)
                .shell("docker compose logs --tail=100 gateway   # or: kubectl logs deployment/hoopgateway --tail=100")
                .seen_in(endpoint, &[probe])
                .logged_as(&[
                    "failed obtaining server info, status={status}",
                    "failed fetching auth method, reason={reason}",
                ]),
        )
    })
}

/// Whether a status above 500 is the gateway's own: it signs it, or answers in its own form where Hoop is known to be.
fn is_gateways_failure(endpoint: &Endpoint, head: &Head, page: &Page) -> Option<Confidence> {
    let is_hoop = matches!(
        mark(endpoint, CallName::Healthz),
        Some(Mark::LivenessOk | Mark::LivenessErr)
    );
    match head.status {
        500..600 if is_signed(head) => Some(Confidence::Certain),
        500 if page.mark == Mark::Json && is_hoop => Some(Confidence::Certain),
        500 if page.mark == Mark::Json => Some(Confidence::Likely),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::rest::fixture::{Given, HEALTHY, INFO, NGINX_502, NO_SUCH_PAGE, rest};

    const FAILED: Given = (
        500,
        &[],
        r#"{"message":"failed to load server auth config: no database"}"#,
    );

    #[test]
    fn a_healthy_gateway_may_lack_its_database() {
        let draft = only(&RULE, &rest(&[HEALTHY, FAILED]));
        assert_eq!(
            draft.message,
            "the gateway behind https://gw.example fails at /api/publicserverinfo with HTTP 500: \
             {\"message\":\"failed to load server auth config: no database\"}"
        );
        assert_eq!(draft.confidence, Some(Confidence::Certain));
    }

    #[test]
    fn json_of_a_stranger_is_not_certain() {
        assert_eq!(
            only(&RULE, &rest(&[FAILED, FAILED])).confidence,
            Some(Confidence::Likely)
        );
    }

    #[test]
    fn a_proxys_error_or_an_older_gateway_is_fine() {
        silent(&RULE, &rest(&[NGINX_502, NGINX_502]));
        silent(&RULE, &rest(&[HEALTHY, NO_SUCH_PAGE]));
        silent(&RULE, &rest(&[HEALTHY, INFO]));
    }
}
