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
    (ages <= ROUGHLY && ages < moments && !is_about_requests(busy) && !was_turned_away(busy)).then_some((age, busy))
}

fn spread(all: impl Iterator<Item = u64> + Clone) -> u64 {
    all.clone().max().unwrap_or(0) - all.min().unwrap_or(0)
}

/// What a held call got in the end.
fn reply(held: &Held) -> Option<Reply<'_>> {
    let (answer, _) = fed(held.http2.as_ref()?)?;
    Some(answer.reply())
}

/// Envoy's `request_timeout` ends a call whose request isn't complete, until the gateway has answered: the held calls, and
/// no stream of an agent.
fn is_about_requests(held: &Held) -> bool {
    matches!(reply(held), Some(Reply::Grpc(status)) if status.said == Said::RequestTimeout)
}

/// A queue or a limiter never let the stream begin: it says so with these, however long it took, and cuts none that runs.
fn was_turned_away(held: &Held) -> bool {
    matches!(reply(held), Some(Reply::Http(head, _)) if matches!(head.status, 429 | 503))
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
    let reply = answer.reply();
    answered(&reply).unwrap_or_else(|| match (reply, http2.end) {
        (Reply::NoStatus(_), _) => "an end without trailers".to_owned(),
        (_, Some(end)) => connection(end),
        (_, None) => "no answer".to_owned(),
    })
}

/// What was answered on the stream itself; `None` where nothing was.
pub(in crate::findings) fn answered(reply: &Reply<'_>) -> Option<String> {
    match reply {
        Reply::Grpc(status) => Some(format!("gRPC status {} \"{}\"", status.code.0, status.message)),
        Reply::Http(head, _) => Some(format!("HTTP {}", head.status)),
        Reply::Reset(code) => Some(format!("RST_STREAM {}", code.name())),
        Reply::Refused => Some("RST_STREAM REFUSED_STREAM".to_owned()),
        Reply::NoStatus(_) | Reply::Lost | Reply::Silent => None,
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

#[cfg(test)]
mod tests {
    use super::{end, seconds};
    use crate::evidence::{Held, Life, Pace};
    use crate::findings::limits::fixture::{End, Fate, HOLD, RESET, answer, conversation, goaway, held};
    use hoop_doctor_probes::http2::{ConnectionEnd, Fed};
    use hoop_doctor_probes::wire::frame::ErrorCode;
    use hoop_doctor_probes::wire::status::Status;

    fn life(fate: Fate) -> Life {
        held(Pace::Keepalive, 500, fate).life()
    }

    #[test]
    fn a_stream_lived_that_was_answered_after_the_whole_time() {
        assert_eq!(life(Fate::Lives), Life::Lived);
    }

    #[test]
    fn a_stream_was_cut_that_ended_before_its_message_had_left() {
        for end in [
            RESET,
            End::Connection,
            End::Http(504),
            End::Grpc(Status::UNAVAILABLE, "stream timeout"),
        ] {
            assert_eq!(life(Fate::Ends(3_000, end)), Life::Cut { after_ms: 3_000 }, "{end:?}");
        }
    }

    #[test]
    fn a_stream_was_forgotten_whose_end_got_no_answer_in_good_time() {
        assert_eq!(life(Fate::Forgotten), Life::Forgotten);
        assert_eq!(life(Fate::Interrupted(HOLD + 4_000)), Life::Forgotten);
        // The user didn't wait for it.
        assert_eq!(life(Fate::Interrupted(HOLD + 3_999)), Life::Unwatched);
        assert_eq!(life(Fate::Interrupted(HOLD + 1)), Life::Unwatched);
    }

    #[test]
    fn nobody_watched_a_stream_that_never_began_or_whose_run_ended_first() {
        assert_eq!(life(Fate::Interrupted(30_000)), Life::Unwatched);
        assert_eq!(life(Fate::Ends(3, End::Refused)), Life::Unwatched);
        let mut without_settings = held(Pace::Silent, 0, Fate::Lives);
        if let Some(http2) = &mut without_settings.http2 {
            http2.settings = None;
        }
        assert_eq!(without_settings.life(), Life::Unwatched);
        let unconnected = Held {
            http2: None,
            ..held(Pace::Silent, 0, Fate::Lives)
        };
        assert_eq!(unconnected.life(), Life::Unwatched);
    }

    /// A proxy that grants every byte anew says more than 64 KiB in an hour.
    #[test]
    fn what_we_ended_ourselves_was_not_cut() {
        let mut held = held(Pace::Busy, 0, Fate::Ends(2_400_000, End::Connection));
        if let Some(http2) = &mut held.http2 {
            http2.end = Some(ConnectionEnd::TooMuch);
        }
        assert_eq!(held.life(), Life::Unwatched);
    }

    #[test]
    fn an_answer_that_comes_with_the_last_byte_ends_nothing_early() {
        let mut held = held(Pace::Silent, 0, Fate::Lives);
        for answer in held.http2.iter_mut().flat_map(|http2| &mut http2.answers) {
            answer.fed = answer.fed.map(|fed| Fed {
                ended_ms: fed.whole_ms,
                ..fed
            });
        }
        assert_eq!(held.life(), Life::Lived);
    }

    #[test]
    fn a_connection_without_streams_lives_until_the_server_ends_it() {
        let mut held = Held {
            pace: Pace::NoStream,
            started_ms: 0,
            http2: Some(conversation(Vec::new())),
        };
        assert_eq!(held.life(), Life::Lived);
        if let Some(http2) = &mut held.http2 {
            http2.end = Some(ConnectionEnd::Closed);
            http2.end_ms = Some(3_000);
        }
        assert_eq!(held.life(), Life::Cut { after_ms: 3_000 });
    }

    #[test]
    fn an_end_is_worded_as_on_the_wire() {
        let ends = |end| super::end(&conversation(vec![answer(end, 3)]));
        assert_eq!(ends(End::Reset(ErrorCode::PROTOCOL_ERROR)), "RST_STREAM PROTOCOL_ERROR");
        assert_eq!(ends(End::Connection), "the connection was closed");
        assert_eq!(ends(End::Http(431)), "HTTP 431");
        assert_eq!(
            ends(End::Grpc(Status::UNAVAILABLE, "stream timeout")),
            "gRPC status 14 \"stream timeout\""
        );
        let mut with_goaway = conversation(vec![answer(End::Refused, 3)]);
        assert_eq!(end(&with_goaway), "RST_STREAM REFUSED_STREAM");
        with_goaway.goaway = Some(goaway(ErrorCode::ENHANCE_YOUR_CALM));
        assert_eq!(end(&with_goaway), "GOAWAY ENHANCE_YOUR_CALM");
    }

    #[test]
    fn seconds_are_rounded_to_a_tenth() {
        assert_eq!(
            [0, 49, 50, 2_949, 2_950, 65_000].map(seconds).join(", "),
            "0.0 s, 0.0 s, 0.1 s, 2.9 s, 3.0 s, 65.0 s"
        );
    }
}
