//! The signature of an endpoint whose proxy answers for the gateway's gRPC port.

use hoop_doctor_probes::http2::{Answer as Call, CallName, Reply};
use hoop_doctor_probes::wire::frame::ErrorCode;
use hoop_doctor_probes::wire::page::Mark;
use hoop_doctor_probes::wire::status::{ResetReason, Said, Status};

use super::{is_limited, is_rest_port};
use crate::evidence::{Endpoint, Kind};
use crate::experiments::Experiment;
use crate::findings::upstream::{Answer, NO_HEALTHY_UPSTREAM, Page, Signature, UPSTREAM_TIMEOUT, Verdict, judge};
use crate::findings::{Code, Draft};
use crate::proxies::{self, Proxy};

/// What is wrong behind the proxy, and how it shows.
pub(super) struct Behind {
    verdict: Verdict,
    /// What was seen, for a message.
    pub(super) sign: String,
}

impl Behind {
    /// Adds the other causes, the look that decides, and how sure it is.
    pub(super) fn complete(&self, draft: Draft) -> Draft {
        self.verdict.complete(draft, Kind::Grpc)
    }
}

/// The hop behind the proxy, where the proxy's own answer makes it a matter of `code`.
pub(super) fn behind(endpoint: &Endpoint, code: u16) -> Option<Behind> {
    let (verdict, sign) = signatures(endpoint).find_map(|(signature, sign)| Some((judge(&signature)?, sign)))?;
    (verdict.code == Code(code)).then_some(Behind { verdict, sign })
}

/// What the proxy says itself, then that it says nothing; none where the gateway answers, or a limiter does.
pub(in crate::findings) fn signatures(endpoint: &Endpoint) -> impl Iterator<Item = (Signature, String)> {
    let nothing = endpoint.reaches_gateway() || is_limited(endpoint);
    let looks = [frames_as_http1, said, silence];
    looks.into_iter().filter(move |_| !nothing).filter_map(|look| {
        let (answer, call, sign) = look(endpoint)?;
        let signature = Signature {
            proxy: proxies::recognise(endpoint).map(|found| found.proxy),
            answer,
            hangs: is_silent(endpoint, CallName::Connect),
            after_ms: call.duration_ms,
        };
        Some((signature, sign))
    })
}

type Seen<'a> = (Answer, &'a Call, String);

/// nginx and `proxy_pass` to a gRPC port: the gateway's SETTINGS frame is taken for an HTTP/0.9 body.
fn frames_as_http1(endpoint: &Endpoint) -> Option<Seen<'_>> {
    let again = [Experiment::ConnectEnded, Experiment::Repeat]
        .into_iter()
        .filter_map(|experiment| endpoint.heard_in(experiment));
    let is_http2 = |call: &&Call| match call.reply() {
        Reply::Http(head, page) => head.status < 100 || page.mark == Mark::Http2Frame,
        _ => false,
    };
    let mut calls = endpoint.base.iter().chain(again).flat_map(|heard| heard.answers());
    let sign = "the gateway's HTTP/2 frames come back as an HTTP/1 answer (:status 000)";
    Some((Answer::Settings, calls.find(is_http2)?, sign.to_owned()))
}

/// The answer to `Connect`, or to another call where `Connect` waits.
fn said(endpoint: &Endpoint) -> Option<Seen<'_>> {
    let hangs = is_silent(endpoint, CallName::Connect);
    let call = endpoint.answer(if hangs {
        CallName::HealthCheck
    } else {
        CallName::Connect
    })?;
    let (answer, what) = match call.reply() {
        Reply::Grpc(status) => {
            let answer = in_a_status(endpoint, status.said, status.code)?;
            (answer, format!("status {} \"{}\"", status.code.0, status.message))
        }
        Reply::Http(head, page) => {
            let what = match &page.title {
                Some(title) => format!("HTTP {} (\"{title}\")", head.status),
                None => format!("HTTP {}", head.status),
            };
            let stock = page.mark == Mark::ErrorPage && page.maker.is_some();
            let page = if stock { Page::Stock } else { Page::Other };
            (Answer::Http(head.status, page), what)
        }
        Reply::Reset(code) => (Answer::Reset(code), format!("RST_STREAM {}", code.name())),
        Reply::Refused => {
            let code = ErrorCode::REFUSED_STREAM;
            (Answer::Reset(code), format!("RST_STREAM {}", code.name()))
        }
        Reply::NoStatus(_) | Reply::Lost | Reply::Silent => return None,
    };
    let sign = match (hangs, call.duration_ms) {
        (true, _) => format!("{what} for a whole request, no answer while it is open"),
        (false, 0..1_000) => format!("{what}, at once"),
        (false, after) => format!("{what} after {:.1} s", after as f64 / 1000.0),
    };
    Some((answer, call, sign))
}

/// Envoy says why it gave an upstream up. A status that neither Hoop nor a known rule of a proxy gives is the proxy's own.
fn in_a_status(endpoint: &Endpoint, said: Said, code: Status) -> Option<Answer> {
    Some(match said {
        Said::NoHealthyUpstream => Answer::Envoy(NO_HEALTHY_UPSTREAM),
        Said::UpstreamTimeout | Said::StreamTimeout | Said::RequestTimeout => Answer::Envoy(UPSTREAM_TIMEOUT),
        Said::UpstreamReset { reason, .. } => Answer::Envoy(match reason {
            ResetReason::ConnectionFailure => "connection failure",
            ResetReason::ConnectionTimeout => "connection timeout",
            // An upstream that speaks something else is given up for either, whichever comes first.
            ResetReason::ConnectionTermination if is_protocol_error(endpoint) => "protocol error",
            ResetReason::ConnectionTermination => "connection termination",
            ResetReason::ProtocolError => "protocol error",
            ResetReason::Overflow => return None,
            ResetReason::Other => "other reset",
        }),
        // Of an upstream that fails it always says something.
        Said::Nothing if is_a_proxys(code) && is_envoy(endpoint) => Answer::Envoy("no message"),
        Said::Other | Said::Nothing if is_a_proxys(code) => Answer::Grpc,
        _ => return None,
    })
}

fn is_a_proxys(code: Status) -> bool {
    matches!(code, Status::UNKNOWN | Status::UNAVAILABLE | Status::INTERNAL)
}

fn is_envoy(endpoint: &Endpoint) -> bool {
    proxies::recognise(endpoint).is_some_and(|found| found.proxy.family() == Proxy::Envoy)
}

/// Whether Envoy gave any call up for bytes that are no HTTP/2.
fn is_protocol_error(endpoint: &Endpoint) -> bool {
    let heard = endpoint.base.iter().chain(endpoint.heard_in(Experiment::Repeat));
    let reason = |call: &Call| match call.reply() {
        Reply::Grpc(status) => matches!(
            status.said,
            Said::UpstreamReset {
                reason: ResetReason::ProtocolError,
                ..
            }
        ),
        _ => false,
    };
    heard.flat_map(|heard| heard.answers()).any(reason)
}

/// HTTP/2 is spoken, and `Connect` isn't answered, neither open nor ended.
fn silence(endpoint: &Endpoint) -> Option<Seen<'_>> {
    let call = endpoint.answer(CallName::Connect)?;
    let ended = endpoint
        .heard_in(Experiment::ConnectEnded)
        .and_then(|heard| heard.answer(CallName::ConnectEnded))?;
    let spoken = endpoint.http2().is_some_and(|http2| http2.settings.is_some());
    let silent = matches!(call.reply(), Reply::Silent) && matches!(ended.reply(), Reply::Silent | Reply::Lost);
    let sign = "neither while it is open nor when it ends at once";
    (spoken && silent && !is_rest_port(endpoint)).then(|| (Answer::Silent, call, sign.to_owned()))
}

fn is_silent(endpoint: &Endpoint, call: CallName) -> bool {
    matches!(endpoint.reply(call), Some(Reply::Silent))
}
