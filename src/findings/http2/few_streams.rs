//! HD409: MAX_CONCURRENT_STREAMS under 32.

use hoop_doctor_probes::http2::{Answer, Reply};
use hoop_doctor_probes::wire::frame::MAX_CONCURRENT_STREAMS;

use crate::evidence::{Crowd, Endpoint, Evidence};
use crate::findings::grpc::is_by_limiter;
use crate::findings::limits::held::answered;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(409),
    name: "few-streams",
    severity: Severity::Warn,
    summary: "the server allows few calls at a time on a connection",
    explain: include_str!("../../../docs/findings/HD409.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let address = endpoint.target.address();
        let (message, seen_in) = match (allowed(endpoint), tried(endpoint)) {
            (Some(allowed), _) if allowed < ENOUGH => (
                format!(
                    "{address} allows {allowed} streams at a time on a connection (MAX_CONCURRENT_STREAMS); calls beyond them wait without an error"
                ),
                ["http2"].as_slice(),
            ),
            (_, Some((crowd, failed))) => (
                format!(
                    "of {} calls that were open at a time on a connection to {address}, {} were answered, and the others got {}",
                    crowd.opened,
                    crowd.served,
                    outcome(failed)
                ),
                ["streams", "streams/again"].as_slice(),
            ),
            _ => return None,
        };
        let draft = Draft::new(
            message,
            "raise the limit to 128 or more: every session of Hoop is a stream",
        );
        Some(
            draft
                .snippet(Proxy::Nginx, "http2_max_concurrent_streams 128;   # the default")
                .snippet(
                    Proxy::Envoy,
                    "http2_protocol_options: { max_concurrent_streams: 1024 }   # in HttpConnectionManager",
                )
                .snippet(
                    Proxy::Haproxy,
                    "tune.h2.max-concurrent-streams 100   # in global; the default",
                )
                .snippet(Proxy::Apache, "H2MaxSessionStreams 100")
                .snippet(
                    Proxy::Istio,
                    "# in the DestinationRule of the gateway\ntrafficPolicy:\n  connectionPool:\n    http: { http2MaxRequests: 1024 }",
                )
                // Calls above the announced limit wait without a deadline, so nothing is logged.
                .seen_in(endpoint, seen_in),
        )
    })
}

fn allowed(endpoint: &Endpoint) -> Option<u32> {
    let mut settings = endpoint.http2()?.settings.as_ref()?.iter();
    Some(settings.find(|setting| setting.id == MAX_CONCURRENT_STREAMS)?.value)
}

/// Many calls at a time, of which some failed twice, and not because there were many in a short time.
fn tried(endpoint: &Endpoint) -> Option<(&Crowd, &Answer)> {
    let measured = endpoint.measured.as_ref()?;
    let (crowd, again) = (measured.crowd.as_ref()?, measured.crowd_again.as_ref()?);
    let (failed, _) = (crowd.failed.as_ref()?, again.failed.as_ref()?);
    // A connection that was ended is another matter.
    let is_whole = crowd.goaway.is_none() && again.goaway.is_none();
    (crowd.held && is_whole && !is_by_limiter(failed)).then_some((crowd, failed))
}

fn outcome(answer: &Answer) -> String {
    let reply = answer.reply();
    let nothing = match reply {
        Reply::Lost => "the end of the connection",
        _ => "no answer",
    };
    answered(&reply).unwrap_or_else(|| nothing.to_owned())
}

/// As many as a small team's sessions through one agent.
pub(in crate::findings) const ENOUGH: u32 = 32;

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::evidence::{Crowd, Measured};
    use crate::findings::config::fixture::only;
    use crate::findings::limits::fixture::{End, TOO_MANY, crowd, found, goaway, says};
    use hoop_doctor_probes::wire::frame::ErrorCode;

    fn tried(crowd: Crowd, again: Option<Crowd>) -> Measured {
        Measured {
            crowd: Some(crowd),
            crowd_again: again,
            ..Measured::default()
        }
    }

    #[test]
    fn calls_that_are_refused_twice_among_many_show_a_limit() {
        let crowd = || crowd(30, End::Refused);
        let measured = tried(crowd(), Some(crowd()));
        let draft = only(&RULE, &found(measured.clone()));
        assert_eq!(
            draft.message,
            "of 100 calls that were open at a time on a connection to gw.example:8443, 30 were answered, \
             and the others got RST_STREAM REFUSED_STREAM"
        );
        assert_eq!(draft.evidence, ["grpc/streams", "grpc/streams/again"]);
        says(measured, &[409]);
    }

    #[test]
    fn once_is_no_limit_and_neither_are_calls_that_were_not_open_together() {
        says(tried(crowd(30, End::Refused), None), &[]);
        let one_by_one = || Crowd {
            held: false,
            ..crowd(30, End::Refused)
        };
        says(tried(one_by_one(), Some(one_by_one())), &[]);
        let whole = Crowd {
            failed: None,
            ..crowd(100, End::Refused)
        };
        says(tried(crowd(30, End::Refused), Some(whole)), &[]);
    }

    #[test]
    fn a_limiter_and_a_recycled_connection_are_another_matter() {
        let limited = || crowd(30, TOO_MANY);
        says(tried(limited(), Some(limited())), &[620]);
        let ended = || Crowd {
            goaway: Some(goaway(ErrorCode::NO_ERROR)),
            ..crowd(30, End::Refused)
        };
        says(tried(ended(), Some(ended())), &[410]);
    }
}
