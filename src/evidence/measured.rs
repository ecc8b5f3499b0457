//! What `--deep` measured of an endpoint: how long, how large, how quiet and how many its streams may be.

use hoop_doctor_probes::http2::{Answer, CallName, ConnectionEnd, Fed, GoAway, Http2, Reply, StreamEnd};
use hoop_doctor_probes::wire::status::Status;
use serde::{Deserialize, Serialize};

/// The measurements of one gRPC endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Streams and a connection that were watched, each on a connection of its own. Empty where HealthCheck doesn't reach
    /// the gateway: there is nothing else that waits without a credential.
    pub held: Vec<Held>,
    /// The border for a declared body, in bytes; `None` where there is none below the gateway's own limit.
    pub declared: Option<Border>,
    /// The border for one long field, in bytes of its value.
    pub long_field: Option<Border>,
    /// The border for many fields, in their number.
    pub many_fields: Option<Border>,
    /// Many calls on one connection.
    pub crowd: Option<Crowd>,
    /// The same again, where a connection was ended or a call failed.
    pub crowd_again: Option<Crowd>,
    /// A message that was really sent.
    pub sent: Option<Sent>,
}

/// What was watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// How much flowed.
    pub pace: Pace,
    /// Milliseconds from the start of the run to the first flight.
    pub started_ms: u64,
    /// What came of it; `None` where there was no connection.
    pub http2: Option<Http2>,
}

/// How much flows on a held stream, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// A connection without a stream.
    NoStream,
    /// Nothing.
    Silent,
    /// A byte as often as an agent sends a keepalive, or four times in a shorter hold.
    Keepalive,
    /// A byte a second.
    Busy,
}

/// What became of a held stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It was finished after the whole time, and answered.
    Lived,
    /// It ended by itself, so many milliseconds after it had begun.
    Cut {
        /// Its age.
        after_ms: u64,
    },
    /// It seemed to live, but its end was never answered.
    Forgotten,
    /// Nobody knows: the run ended first, or there was no connection.
    Unwatched,
}

/// Between what passes and what doesn't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Border {
    /// The most that passed.
    pub passes: u32,
    /// The least that didn't.
    pub fails: u32,
    /// What that came to.
    pub how: Http2,
}

/// Many calls at a time on one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowd {
    /// How many were made.
    pub opened: u32,
    /// Whether they were open at the same time; else each was over at once.
    pub held: bool,
    /// How many the gateway answered.
    pub served: u32,
    /// The first that it didn't.
    pub failed: Option<Answer>,
    /// GOAWAY, if there was one.
    pub goaway: Option<GoAway>,
    /// How the server ended the connection, if it did.
    pub end: Option<ConnectionEnd>,
}

/// A message that was really sent, as far as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its length in bytes, without its prefix.
    pub message: u32,
    /// In large steps.
    pub coarse: Http2,
    /// In small steps around the place where the first one was cut.
    pub fine: Option<Http2>,
}

impl Held {
    /// What became of it.
    pub fn life(&self) -> Life {
        let Some(http2) = self.http2.as_ref().filter(|http2| http2.settings.is_some()) else {
            return Life::Unwatched;
        };
        // We ended it, for it said too much.
        if http2.end == Some(ConnectionEnd::TooMuch) {
            return Life::Unwatched;
        }
        let Some((answer, fed)) = fed(http2) else {
            return match (http2.end, http2.end_ms) {
                (Some(_), Some(after_ms)) => Life::Cut { after_ms },
                _ => Life::Lived,
            };
        };
        let early = |ended: &u64| fed.whole_ms.is_none_or(|whole| *ended < whole);
        // Refused unprocessed: it never began.
        if answer.end == StreamEnd::Refused {
            return Life::Unwatched;
        }
        match (fed.ended_ms.filter(early), fed.whole_ms) {
            (Some(after_ms), _) => Life::Cut { after_ms },
            (None, Some(_)) if answer.is_ok() => Life::Lived,
            // Where the run ended first, the answer may just not have come yet.
            (None, Some(whole)) if answer.end == StreamEnd::Open && answer.duration_ms >= whole + LATE => {
                Life::Forgotten
            }
            (None, _) => Life::Unwatched,
        }
    }

    /// Its age when it was cut, and how long the run had lasted by then, in milliseconds.
    pub fn cut_at(&self) -> Option<(u64, u64)> {
        match self.life() {
            Life::Cut { after_ms } => Some((after_ms, self.started_ms.saturating_add(after_ms))),
            Life::Lived | Life::Forgotten | Life::Unwatched => None,
        }
    }
}

/// An answer that hasn't come after so many milliseconds is not on its way.
const LATE: u64 = 4_000;

impl Measured {
    /// What was held at this pace.
    pub fn held(&self, pace: Pace) -> Option<&Held> {
        self.held.iter().find(|held| held.pace == pace)
    }
}

impl Sent {
    /// Between how many bytes the stream was cut, each time that this many were sent: what it outlived, and what it didn't.
    pub fn cut(&self) -> Option<(u64, u64)> {
        let coarse = cut(&self.coarse)?;
        match &self.fine {
            // Once may have been a coincidence.
            Some(fine) => cut(fine),
            None => Some(coarse),
        }
    }
}

/// The bytes between which a stream ended before its message had left.
fn cut(http2: &Http2) -> Option<(u64, u64)> {
    let (answer, fed) = fed(http2)?;
    let by_gateway = matches!(answer.reply(), Reply::Grpc(status) if status.code == Status::RESOURCE_EXHAUSTED);
    let by_us = http2.end == Some(ConnectionEnd::TooMuch);
    let is_cut = fed.ended_ms.is_some() && fed.whole_ms.is_none();
    (is_cut && !by_gateway && !by_us).then_some((fed.outlived, fed.sent))
}

/// The only call that leaves in portions.
pub fn fed(http2: &Http2) -> Option<(&Answer, Fed)> {
    let answer = http2
        .answers
        .iter()
        .find(|answer| answer.call == CallName::HealthCheck)?;
    Some((answer, answer.fed?))
}
