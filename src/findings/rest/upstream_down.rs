//! HD505: the proxy can't reach the gateway's REST port.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::tls::TlsFailure;
use hoop_doctor_probes::wire::opening::{FirstBytes, Opening};
use hoop_doctor_probes::wire::page::{Maker, Mark};

use super::{Stranger, is_api, is_grpc_port, is_signed, proxy, proxy_name, stranger};
use crate::evidence::{Endpoint, Evidence, Kind};
use crate::experiments::Experiment;
use crate::findings::fixes::rest_route;
use crate::findings::grpc::access_denied::is_ended_by_nginx;
use crate::findings::upstream::look_for;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_rest};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(505),
    name: "api-upstream-down",
    severity: Severity::Error,
    summary: "the proxy can't reach the gateway's REST port",
    explain: include_str!("../../../docs/findings/HD505.md"),
    breaks: Breaks::Some,
    // A port that speaks HTTP isn't silent.
    explains: &[Code(212)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_rest(evidence, |endpoint| {
        let draft = match stranger(endpoint) {
            Some(answer) => said(endpoint, answer)?,
            // What an interrupted run lost, nobody dropped.
            None if evidence.wire.interrupted => return None,
            None => dropped(endpoint)?,
        };
        Some(
            rest_route(look_for(draft, proxy(endpoint), Kind::Rest, CAUSES), endpoint)
                .seen_in(endpoint, &["healthz"])
                .logged_as(&[
                    "failed obtaining server info, status={status}",
                    "failed fetching auth method, reason={reason}",
                ]),
        )
    })
}

/// The proxy says so, by its status.
fn said(endpoint: &Endpoint, answer: Stranger<'_>) -> Option<Draft> {
    let confidence = sureness(endpoint, answer)?;
    let after = endpoint.answer(CallName::Healthz)?.duration_ms;
    let when = match after {
        0..1_000 => "at once".to_owned(),
        _ => format!("after {:.1} s", after as f64 / 1000.0),
    };
    let (proxy, address, shown) = (proxy_name(endpoint), endpoint.target.address(), answer.shown());
    let recovered = is_answered_later(endpoint);
    let message = match recovered {
        true => {
            format!("{proxy} at {address} can't reach the gateway's REST port every time: {shown}, then an answer")
        }
        false => format!("{proxy} at {address} can't reach the gateway's REST port: {shown}, {when}"),
    };
    let draft = Draft::new(message, REACH)
        .severity(if recovered { Severity::Warn } else { Severity::Error })
        .confidence(confidence);
    Some(match confidence {
        Confidence::Certain => draft,
        Confidence::Likely | Confidence::Possible => draft
            .candidate(510, "an error of the gateway's own")
            .candidate(620, "a limiter that answers 503"),
    })
}

/// HTTP is spoken there, and the call is dropped without an answer: several causes look like this.
fn dropped(endpoint: &Endpoint) -> Option<Draft> {
    let by_rule = is_ended_by_nginx(endpoint, CallName::Healthz);
    if is_api(endpoint) || is_grpc_port(endpoint) || !speaks_http(endpoint) || by_rule {
        return None;
    }
    let how = match endpoint.reply(CallName::Healthz)? {
        Reply::Lost => "and closes the connection without an answer".to_owned(),
        Reply::Reset(code) => format!("and resets it (RST_STREAM {})", code.name()),
        Reply::Refused => "and refuses it unprocessed".to_owned(),
        Reply::Grpc(_) | Reply::Http(..) | Reply::NoStatus(_) | Reply::Silent => return None,
    };
    let address = endpoint.target.address();
    let draft = Draft::new(
        format!("{} at {address} takes a call to the API {how}", proxy_name(endpoint)),
        REACH,
    );
    Some(
        draft
            .confidence(Confidence::Possible)
            .candidate(
                507,
                "the proxy leads this address to the gateway's gRPC port, whose answer is no HTTP/1",
            )
            .candidate(506, "a rule that drops calls without a word (nginx: return 444)"),
    )
}

/// Whether the connection gets as far as HTTP: through TLS, or because the port answers a TLS hello in HTTP.
fn speaks_http(endpoint: &Endpoint) -> bool {
    let opposite = endpoint
        .heard_in(Experiment::OppositeScheme)
        .and_then(|heard| heard.tls.as_ref());
    let in_http = |first: &FirstBytes| matches!(first.opening, Opening::Http1 { .. });
    match endpoint.handshake() {
        Some(tls) => !tls.client_cert_requested,
        None => matches!(opposite, Some(Err(TlsFailure::NotTls { first })) if in_http(first)),
    }
}

/// Whether a status means that the hop behind failed, and how surely; `None` where it doesn't.
fn sureness(endpoint: &Endpoint, answer: Stranger<'_>) -> Option<Confidence> {
    let Stranger { head, page } = answer;
    if is_signed(head) {
        return None;
    }
    let says_so = matches!(page.maker, Some(Maker::Haproxy | Maker::Traefik | Maker::Envoy));
    match head.status {
        502 | 504 | 520..=527 | 530 => Some(Confidence::Certain),
        503 if says_so || proxy(endpoint) == Some(Proxy::AwsAlb) => Some(Confidence::Certain),
        503 => Some(Confidence::Likely),
        // Apache and Traefik say 500 of an upstream that speaks something else than they expect.
        500 if page.mark != Mark::Json => Some(Confidence::Likely),
        _ => None,
    }
}

fn is_answered_later(endpoint: &Endpoint) -> bool {
    let again = endpoint
        .heard_in(Experiment::Repeat)
        .and_then(|heard| heard.answer(CallName::Healthz));
    again
        .and_then(|answer| answer.page.as_ref())
        .is_some_and(|page| page.mark == Mark::LivenessOk)
}

/// What can be wrong behind the proxy, by the names in the table of causes.
const CAUSES: &[&str] = &["refused", "dropped", "tls-asked", "tls-missing"];

const REACH: &str = "start the gateway, and point the proxy at its REST port (8009), with https where the gateway has TLS: \
                     one switch turns it on for both ports";

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::conversation::Heard;
    use hoop_doctor_probes::http2::StreamEnd;
    use hoop_doctor_probes::tcp::Attempt;
    use hoop_doctor_probes::tls::TlsFailure;
    use hoop_doctor_probes::wire::opening::FirstBytes;

    use super::RULE;
    use crate::evidence::{Evidence, Trial};
    use crate::experiments::Experiment;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::rest::fixture::{HEALTHY, INFO, NGINX_502, answered, rest};
    use crate::findings::{Confidence, Severity};

    #[test]
    fn a_bad_gateway_is_the_proxys_word() {
        let draft = only(&RULE, &rest(&[NGINX_502, NGINX_502]));
        assert_eq!(
            draft.message,
            "nginx at gw.example:443 can't reach the gateway's REST port: HTTP 502 (\"502 Bad Gateway\"), at once"
        );
        assert_eq!(draft.confidence, Some(Confidence::Certain));
    }

    #[test]
    fn what_a_503_means_depends_on_who_says_it() {
        let haproxy = "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>";
        assert_eq!(
            only(&RULE, &rest(&[(503, &[], haproxy)])).confidence,
            Some(Confidence::Certain)
        );
        let draft = only(
            &RULE,
            &rest(&[(503, &[], "<title>503 Service Temporarily Unavailable</title>")]),
        );
        assert_eq!(draft.confidence, Some(Confidence::Likely));
    }

    #[test]
    fn a_second_answer_makes_it_a_warning() {
        let mut evidence = rest(&[NGINX_502, NGINX_502]);
        let again = trial(answered(&[HEALTHY, INFO]), Experiment::Repeat);
        evidence.wire.endpoints[0].trials.push(again);
        assert_eq!(only(&RULE, &evidence).severity, Some(Severity::Warn));
    }

    #[test]
    fn a_call_that_is_dropped_has_several_causes() {
        let mut evidence = rest(&[]);
        drop_calls(&mut evidence);
        silent(&RULE, &evidence);
        let refused = Err(TlsFailure::NotTls {
            first: Box::new(FirstBytes::read(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        });
        evidence.wire.endpoints[0].trials.push(trial(
            Heard {
                tls: Some(refused),
                ..Heard::default()
            },
            Experiment::OppositeScheme,
        ));
        let draft = only(&RULE, &evidence);
        assert_eq!(
            draft.message,
            "the proxy at gw.example:443 takes a call to the API and closes the connection without an answer"
        );
        assert_eq!(
            (draft.confidence, draft.candidates.len()),
            (Some(Confidence::Possible), 2)
        );
        evidence.wire.interrupted = true;
        silent(&RULE, &evidence);
    }

    fn drop_calls(evidence: &mut Evidence) {
        let http1 = evidence.wire.endpoints[0]
            .base
            .as_mut()
            .and_then(|base| base.http1.as_mut());
        for answer in http1.into_iter().flat_map(|http1| &mut http1.answers) {
            answer.end = StreamEnd::ConnectionEnded;
        }
    }

    fn trial(heard: Heard, experiment: Experiment) -> Trial {
        Trial {
            experiment,
            segment: None,
            tcp: Some(Attempt {
                addr: ([192, 0, 2, 10], 443).into(),
                outcome: Ok(()),
                started_ms: 5,
                duration_ms: 1,
            }),
            heard: Some(heard),
        }
    }

    #[test]
    fn the_gateways_own_500_is_another_matter() {
        silent(&RULE, &rest(&[(500, &[("server", "hoopgateway/1.148.0")], "")]));
        silent(&RULE, &rest(&[(500, &[], r#"{"message":"failed"}"#)]));
    }
}
