//! What the held streams of an endpoint say together.

use hoop_doctor_probes::http2::{ConnectionEnd, Http2, Reply, StreamEnd};
use hoop_doctor_probes::wire::status::Said;

use crate::evidence::{Held, Life, Measured, Pace, fed};
use crate::findings::grpc::logged::by_call;

/// Ages and moments that differ by less than this, in milliseconds, may be the same.
const ROUGHLY: u64 = 500;

/// What cuts a quiet stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Idle<'a> {
    /// After how many milliseconds; an upper bound where the stream was only `forgotten`.
    pub(super) after_ms: u64,
    /// The stream that showed it.
    pub(super) held: &'a Held,
    /// Nobody was told: neither the stream nor its connection was ended.
    pub(super) forgotten: bool,
}

/// The age at which streams are cut whatever flows, in milliseconds, and one of them.
///
/// Streams begin at different moments: what cuts them at one age is a limit, what ends them at one moment an event.
pub(super) fn lifetime(measured: &Measured) -> Option<(u64, &Held)> {
    let busy = measured.held(Pace::Busy)?;
    let keepalive = measured.held(Pace::Keepalive)?.cut_at()?;
    let (age, moment) = busy.cut_at()?;
    let mut all = vec![keepalive, (age, moment)];
    // A silent one may have ended earlier, for its silence.
    let silent = measured.held(Pace::Silent).and_then(Held::cut_at);
    all.extend(silent.filter(|(silent, _)| silent.abs_diff(age) <= ROUGHLY));
    let ages = spread(all.iter().map(|(age, _)| *age));
    let moments = spread(all.iter().map(|(_, moment)| *moment));
    (ages <= ROUGHLY && ages < moments && !is_about_requests(busy)).then_some((age, busy))
}

fn spread(all: impl Iterator<Item = u64> + Clone) -> u64 {
    all.clone().max().unwrap_or(0) - all.min().unwrap_or(0)
}

/// Envoy's `request_timeout` ends a call whose request isn't complete, until the gateway has answered: the held calls, and
/// no stream of an agent.
fn is_about_requests(held: &Held) -> bool {
    let answer = held.http2.as_ref().and_then(fed).map(|(answer, _)| answer.reply());
    matches!(answer, Some(Reply::Grpc(status)) if status.said == Said::RequestTimeout)
}

/// What cuts a stream on which nothing flows, while one on which something does lives on.
pub(super) fn idle(measured: &Measured) -> Option<Idle<'_>> {
    let (silent, busy) = (measured.held(Pace::Silent)?, measured.held(Pace::Busy)?);
    let (after_ms, forgotten) = match silent.life() {
        Life::Cut { after_ms } => (after_ms, false),
        Life::Forgotten => (fed(silent.http2.as_ref()?)?.1.whole_ms?, true),
        Life::Lived | Life::Unwatched => return None,
    };
    let outlived = match busy.life() {
        Life::Lived => true,
        // Not where both ended at one moment.
        Life::Cut { after_ms: longer } => lifetime(measured).is_some() && after_ms + ROUGHLY < longer,
        Life::Forgotten | Life::Unwatched => false,
    };
    outlived.then_some(Idle {
        after_ms,
        held: silent,
        forgotten,
    })
}

/// Whether all held streams ended at one moment although they began at different ones: a restart, not a limit.
pub(in crate::findings) fn ended_together(measured: &Measured) -> Option<&Held> {
    let cut = |pace| Some(measured.held(pace)?.cut_at()?.1);
    let moments = [cut(Pace::Silent)?, cut(Pace::Keepalive)?, cut(Pace::Busy)?];
    let together = spread(moments.into_iter()) <= ROUGHLY && lifetime(measured).is_none();
    together.then(|| measured.held(Pace::Busy)).flatten()
}

/// How the stream ended, as a reader of RFC 9113 would say it.
pub(in crate::findings) fn end(http2: &Http2) -> String {
    let connection = |end| match end {
        ConnectionEnd::Closed => "the connection was closed".to_owned(),
        ConnectionEnd::Reset => "the connection was reset".to_owned(),
        ConnectionEnd::Alert { description } => format!("the connection was ended with TLS alert {description}"),
        ConnectionEnd::Malformed | ConnectionEnd::FrameTooLarge | ConnectionEnd::TooMuch => {
            "the connection broke".to_owned()
        }
    };
    if let Some(goaway) = &http2.goaway {
        return format!("GOAWAY {}", goaway.code.name());
    }
    let Some(answer) = http2.answers.first() else {
        return http2.end.map(connection).unwrap_or_default();
    };
    match (answer.reply(), http2.end) {
        (Reply::Grpc(status), _) => format!("gRPC status {} \"{}\"", status.code.0, status.message),
        (Reply::Http(head, _), _) => format!("HTTP {}", head.status),
        (Reply::Reset(code), _) => format!("RST_STREAM {}", code.name()),
        (Reply::Refused, _) => "RST_STREAM REFUSED_STREAM".to_owned(),
        (Reply::NoStatus(_), _) => "an end without trailers".to_owned(),
        (_, Some(end)) => connection(end),
        (Reply::Lost | Reply::Silent, None) => "no answer".to_owned(),
    }
}

/// What an agent prints when its stream ends as this held one did: its response headers are out by then, so that what
/// comes here as an answer comes there as an end in the middle.
pub(super) fn logged(http2: &Http2) -> Vec<String> {
    let error = |code: &str, text: &str| format!("rpc error: code = {code} desc = {text}");
    let internal = |name: &str| {
        error(
            "Internal",
            &format!("stream terminated by RST_STREAM with error code: {name}"),
        )
    };
    let Some(answer) = http2.answers.first() else {
        return Vec::new();
    };
    match (answer.reply(), answer.end) {
        (Reply::Reset(_) | Reply::Lost, _) => by_call(answer),
        (Reply::Grpc(status), _) if status.said == Said::Other => vec![error(&status.code.name(), &status.message)],
        // Once the headers are out, HAProxy ends the stream without trailers, and Traefik resets it.
        (Reply::Http(head, _), StreamEnd::Ended) if head.status == 504 => vec![
            error("Internal", "server closed the stream without sending trailers"),
            internal("INTERNAL_ERROR"),
        ],
        (Reply::Grpc(_) | Reply::Http(..) | Reply::NoStatus(_), _) => vec![internal("INTERNAL_ERROR")],
        (Reply::Refused | Reply::Silent, _) => Vec::new(),
    }
}

/// Milliseconds as seconds, to a tenth.
pub(in crate::findings) fn seconds(ms: u64) -> String {
    let tenths = (ms + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}
