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
        let limited = limit_sign(endpoint);
        // A limit that a hundred calls at a time meet is no fault yet.
        let severity = match limited {
            Some(_) => Severity::Error,
            None => Severity::Warn,
        };
        let (sign, confidence) = limited.or_else(|| in_a_crowd(endpoint))?;
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
                .severity(severity)
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
                .seen_in(endpoint, &["connect", "health-check", "pre-connect"])
                .logs(refused(endpoint)),
        )
    })
}

/// What shows a limiter only among many calls at a time.
fn in_a_crowd(endpoint: &Endpoint) -> Option<(String, Confidence)> {
    let measured = endpoint.measured.as_ref()?;
    let (crowd, again) = (measured.crowd.as_ref()?, measured.crowd_again.as_ref()?);
    let both = [crowd, again]
        .iter()
        .all(|crowd| crowd.failed.as_ref().is_some_and(is_by_limiter));
    let sign = format!(
        "of {} calls at a time only {} were answered",
        crowd.opened, crowd.served
    );
    both.then_some((sign, Confidence::Likely))
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
