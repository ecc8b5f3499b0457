//! HD410: the proxy ends connections after a few requests.

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::StreamEnd;
use hoop_doctor_probes::wire::frame::ErrorCode;

use crate::evidence::{Crowd, Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(410),
    name: "connection-recycled",
    severity: Severity::Warn,
    summary: "the proxy ends connections after a few requests",
    explain: include_str!("../../../docs/findings/HD410.md"),
    breaks: Breaks::Later,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let (requests, seen_in) = at_once(endpoint)
            .map(|requests| (requests, ["http2", "repeat/http2"]))
            .or_else(|| Some((in_a_crowd(endpoint)?, ["streams", "streams/again"])))?;
        let draft = Draft::new(
            format!(
                "{} ends each new connection with GOAWAY NO_ERROR after {requests} of its requests, and so every stream has to move",
                endpoint.target.address(),
            ),
            "let a connection carry at least 1000 requests: an agent keeps one connection for days",
        );
        Some(
            draft
                .snippet(Proxy::Nginx, "keepalive_requests 1000;\nkeepalive_time 24h;")
                .snippet(
                    Proxy::Envoy,
                    "common_http_protocol_options:   # of the listener's connection manager\n  max_requests_per_connection: 0   # no limit",
                )
                .snippet(Proxy::Istio, "http2MaxRequests: 1024\nmaxRequestsPerConnection: 0   # no limit; DestinationRule, connectionPool.http")
                // An agent moves on to a new connection without a word.
                .seen_in(endpoint, &seen_in),
        )
    })
}

/// Once is a restart or a reload at that moment; twice is a rule.
fn at_once(endpoint: &Endpoint) -> Option<usize> {
    let first = recycled(endpoint.base.as_ref()?)?;
    let second = recycled(endpoint.heard_in(Experiment::Repeat)?)?;
    Some(first.min(second))
}

/// The same with many calls on a connection.
fn in_a_crowd(endpoint: &Endpoint) -> Option<usize> {
    let measured = endpoint.measured.as_ref()?;
    let ended = |crowd: &Crowd| {
        let goaway = crowd.goaway.as_ref()?;
        (goaway.code == ErrorCode::NO_ERROR).then_some(crowd.served)
    };
    let (first, second) = (ended(measured.crowd.as_ref()?)?, ended(measured.crowd_again.as_ref()?)?);
    usize::try_from(first.min(second)).ok()
}

/// How many requests were answered before the connection was ended without an error.
fn recycled(heard: &Heard) -> Option<usize> {
    let http2 = heard.http2.as_ref()?;
    let ended = http2.goaway.as_ref()?.code == ErrorCode::NO_ERROR;
    let answered = http2.answers.iter().filter(|answer| answer.end != StreamEnd::Refused);
    ended.then(|| answered.count())
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::evidence::{Crowd, Measured};
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::limits::fixture::{End, crowd, found, goaway};
    use hoop_doctor_probes::wire::frame::ErrorCode;

    fn ended(served: u32, code: ErrorCode) -> Crowd {
        Crowd {
            goaway: Some(goaway(code)),
            ..crowd(served, End::Refused)
        }
    }

    fn tried(crowd: Crowd, again: Option<Crowd>) -> crate::evidence::Evidence {
        found(Measured {
            crowd: Some(crowd),
            crowd_again: again,
            ..Measured::default()
        })
    }

    #[test]
    fn a_connection_that_is_ended_twice_among_many_calls_is_recycled() {
        let draft = only(
            &RULE,
            &tried(ended(50, ErrorCode::NO_ERROR), Some(ended(49, ErrorCode::NO_ERROR))),
        );
        assert_eq!(
            draft.message,
            "gw.example:8443 ends each new connection with GOAWAY NO_ERROR after 49 of its requests, and so every stream has to move"
        );
        assert_eq!(draft.evidence, ["grpc/streams", "grpc/streams/again"]);
    }

    #[test]
    fn once_is_a_reload() {
        silent(&RULE, &tried(ended(50, ErrorCode::NO_ERROR), None));
        silent(
            &RULE,
            &tried(ended(50, ErrorCode::NO_ERROR), Some(crowd(100, End::Refused))),
        );
    }

    #[test]
    fn a_connection_that_ends_with_an_error_is_not_recycled() {
        let calm = || ended(50, ErrorCode::ENHANCE_YOUR_CALM);
        silent(&RULE, &tried(calm(), Some(calm())));
    }
}
