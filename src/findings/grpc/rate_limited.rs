//! HD620: a limiter in front of the gateway.

use super::{is_by_limiter, is_gateways, limit_sign, logged};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(620),
    name: "rate-limited",
    severity: Severity::Error,
    summary: "a limiter refuses some of the calls",
    explain: include_str!("../../../docs/findings/HD620.md"),
    breaks: Breaks::Some,
    explains: &[Code(505), Code(603), Code(607), Code(611)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let limited = match limit_sign(endpoint) {
            Some((sign, confidence)) => Limited {
                sign,
                confidence,
                severity: Severity::Error,
                seen_in: &["connect", "health-check", "pre-connect"],
                logs: refused(endpoint),
            },
            None => in_a_crowd(endpoint)?,
        };
        let Limited { sign, confidence, .. } = limited;
        let draft = Draft::new(
            format!("{} limits the rate of calls: {sign}", endpoint.target.address()),
            "exempt /protobuf.Transport/ from the limit, or raise it well above what agents need when all of them reconnect at once",
        );
        let draft = match confidence {
            Confidence::Certain => draft,
            Confidence::Likely | Confidence::Possible => {
                draft.candidate(606, "a gateway that restarts, or one of several that is down")
            }
        };
        Some(
            draft
                .severity(limited.severity)
                .confidence(confidence)
                .snippet(
                    Proxy::Nginx,
                    "limit_req zone=hoop burst=200 nodelay;   # in the location for /protobuf.Transport/; or no limit_req there",
                )
                .snippet(
                    Proxy::IngressNginx,
                    "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/limit-rps: \"100\"   # or take the annotation away",
                )
                .snippet(
                    Proxy::Envoy,
                    "token_bucket: { max_tokens: 1000, tokens_per_fill: 1000, fill_interval: 1s }   # of local_ratelimit; for the cluster: circuit_breakers",
                )
                .snippet(
                    Proxy::Haproxy,
                    "http-request deny deny_status 429 if { sc_http_req_rate(0) gt 1000 } !{ path_beg /protobuf.Transport/ }",
                )
                .snippet(
                    Proxy::Traefik,
                    "rateLimit: { average: 1000, burst: 1000 }   # of the middleware; or take it off the router for /protobuf.Transport/",
                )
                .seen_in(endpoint, limited.seen_in)
                .logs(limited.logs),
        )
    })
}

/// How a limiter shows.
struct Limited {
    sign: String,
    confidence: Confidence,
    severity: Severity,
    seen_in: &'static [&'static str],
    logs: Vec<String>,
}

/// A limit that only a hundred calls at a time meet is no fault yet.
fn in_a_crowd(endpoint: &Endpoint) -> Option<Limited> {
    let measured = endpoint.measured.as_ref()?;
    let (crowd, again) = (measured.crowd.as_ref()?, measured.crowd_again.as_ref()?);
    let (failed, failed_again) = (crowd.failed.as_ref()?, again.failed.as_ref()?);
    let both = is_by_limiter(failed) && is_by_limiter(failed_again);
    both.then(|| Limited {
        sign: format!(
            "of {} calls at a time the gateway answered {}",
            crowd.opened, crowd.served
        ),
        confidence: Confidence::Likely,
        severity: Severity::Warn,
        seen_in: &["streams", "streams/again"],
        logs: logged::by_call(failed),
    })
}

/// What the refused calls end with.
fn refused(endpoint: &Endpoint) -> Vec<String> {
    let answers = endpoint.base.iter().flat_map(|base| base.answers());
    let mut texts: Vec<String> = answers
        .filter(|answer| !is_gateways(answer))
        .flat_map(logged::by_call)
        .collect();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::evidence::{Crowd, Evidence, Measured};
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::limits::fixture::{End, TOO_MANY, crowd, found, leads_back};
    use crate::findings::{Confidence, Severity};

    fn tried(crowd: Crowd, again: Option<Crowd>) -> Evidence {
        found(Measured {
            crowd: Some(crowd),
            crowd_again: again,
            ..Measured::default()
        })
    }

    #[test]
    fn a_limit_that_only_many_calls_meet_is_a_warning() {
        let draft = only(&RULE, &tried(crowd(40, TOO_MANY), Some(crowd(38, TOO_MANY))));
        assert_eq!(
            draft.message,
            "gw.example:8443 limits the rate of calls: of 100 calls at a time the gateway answered 40"
        );
        assert_eq!(
            (draft.severity, draft.confidence),
            (Some(Severity::Warn), Some(Confidence::Likely))
        );
        assert_eq!(draft.evidence, ["grpc/streams", "grpc/streams/again"]);
        assert!(!draft.logged_as.is_empty());
        leads_back(&RULE, &draft);
    }

    #[test]
    fn once_may_have_been_a_gateway_that_restarted() {
        silent(&RULE, &tried(crowd(40, TOO_MANY), None));
        silent(&RULE, &tried(crowd(40, End::Http(503)), Some(crowd(90, End::Refused))));
    }
}
