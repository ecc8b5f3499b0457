//! Messages that leave in portions, within the windows that the server grants (RFC 9113, section 5.2).

use tokio::time::Instant;

use super::{Body, Call, Feed, Http2};
use crate::cx::millis;
use crate::wire::frame::{self, Frame, INITIAL_WINDOW_SIZE, Setting, kind};

/// The windows before the server says otherwise, in bytes (RFC 9113, section 6.9.2).
const FIRST_WINDOW: i64 = 65_535;
/// How much is written before the server is listened to again, in bytes.
const AT_ONCE: usize = 64 * 1024;
/// The start of every message: prefix, the key of the field, and the length of its content in four octets.
const OPENING: usize = 10;
/// The key of field 15, length-delimited (the Protocol Buffers encoding).
const UNKNOWN_FIELD: u8 = 15 << 3 | 2;

/// All messages of a connection that leave in portions.
pub(super) struct Feeder {
    /// In the order of the calls; `None` for a call whose body needs none of this.
    feedings: Vec<Option<Feeding>>,
    /// What the server still takes on the connection.
    window: i64,
    /// SETTINGS_INITIAL_WINDOW_SIZE.
    initial: i64,
}

struct Feeding {
    feed: Feed,
    window: i64,
    sent: u64,
    /// The portion that comes next, or is on its way.
    portion: usize,
    state: State,
}

enum State {
    /// For the pause to pass.
    Waiting { until: Instant },
    /// Of a portion, so many bytes have to leave yet.
    Sending { left: u64 },
    /// A portion is queued to the last byte.
    Queued,
    /// The message has left, or its stream is over.
    Done,
}

impl Feeder {
    pub(super) fn new(calls: &[Call], started: Instant) -> Self {
        let feeding = |call: &Call| match &call.body {
            Body::Fed(feed) => Some(Feeding {
                window: FIRST_WINDOW,
                sent: 0,
                portion: 0,
                state: match feed.portions.first() {
                    Some(portion) => State::Waiting {
                        until: started + portion.pause,
                    },
                    None => State::Done,
                },
                feed: feed.clone(),
            }),
            Body::None | Body::Whole(_) | Body::Open | Body::Begun(_) => None,
        };
        Self {
            feedings: calls.iter().map(feeding).collect(),
            window: FIRST_WINDOW,
            initial: FIRST_WINDOW,
        }
    }

    /// A new initial window changes those of the open streams by the difference (RFC 9113, section 6.9.2).
    pub(super) fn settings(&mut self, settings: &[Setting]) {
        let initial = settings.iter().rfind(|setting| setting.id == INITIAL_WINDOW_SIZE);
        let Some(initial) = initial.map(|setting| i64::from(setting.value)) else {
            return;
        };
        for feeding in self.feedings.iter_mut().flatten() {
            feeding.window += initial - self.initial;
        }
        self.initial = initial;
    }

    /// WINDOW_UPDATE for the call at `index`; `None`: for the connection.
    pub(super) fn granted(&mut self, index: Option<usize>, increment: u32) {
        let window = match index {
            None => Some(&mut self.window),
            Some(index) => self
                .feedings
                .get_mut(index)
                .and_then(Option::as_mut)
                .map(|feeding| &mut feeding.window),
        };
        if let Some(window) = window {
            *window = window.saturating_add(increment.into());
        }
    }

    /// When the next portion is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let waits = self
            .feedings
            .iter()
            .flatten()
            .filter_map(|feeding| match feeding.state {
                State::Waiting { until } => Some(until),
                State::Sending { .. } | State::Queued | State::Done => None,
            });
        waits.min()
    }

    /// The stream of the call at `index` is over.
    pub(super) fn stop(&mut self, index: usize) {
        if let Some(feeding) = self.feedings.get_mut(index).and_then(Option::as_mut) {
            feeding.state = State::Done;
        }
    }

    /// Nothing can be written any more.
    pub(super) fn stop_all(&mut self) {
        for index in 0..self.feedings.len() {
            self.stop(index);
        }
    }

    /// Everything that was queued has been written: the pauses behind it begin.
    pub(super) fn written(&mut self, now: Instant) {
        for feeding in self.feedings.iter_mut().flatten() {
            if let State::Queued = feeding.state {
                feeding.portion += 1;
                feeding.state = match feeding.feed.portions.get(feeding.portion) {
                    Some(portion) => State::Waiting {
                        until: now + portion.pause,
                    },
                    None => State::Done,
                };
            }
        }
    }

    /// Queues what is due and fits into the windows, and notes in the answers how far each message came.
    pub(super) fn fill(&mut self, now: Instant, started: Instant, out: &mut Vec<u8>, heard: &mut Http2) {
        for (index, feeding) in self.feedings.iter_mut().enumerate() {
            let Some(feeding) = feeding else { continue };
            let Some(fed) = heard.answers.get_mut(index).and_then(|answer| answer.fed.as_mut()) else {
                continue;
            };
            if let State::Waiting { until } = feeding.state
                && until <= now
            {
                fed.outlived = feeding.sent;
                feeding.state = State::Sending {
                    left: feeding.due_bytes(),
                };
            }
            while let State::Sending { left } = feeding.state
                && out.len() < AT_ONCE
            {
                let room = feeding.window.min(self.window).min(frame::MAX_PAYLOAD as i64);
                let length = left.min(u64::try_from(room).unwrap_or(0));
                if length == 0 && left > 0 {
                    break;
                }
                let ends = length == left && feeding.is_last();
                feeding.queue(super::session::stream_of(index), length, ends, out);
                self.window -= length as i64;
                fed.sent = feeding.sent;
                if ends {
                    fed.whole_ms = Some(millis(now.duration_since(started)));
                }
                feeding.state = match left - length {
                    0 => State::Queued,
                    left => State::Sending { left },
                };
            }
        }
    }
}

impl Feeding {
    /// The prefix and the message.
    fn length(&self) -> u64 {
        u64::from(self.feed.message) + 5
    }

    fn is_last(&self) -> bool {
        self.portion + 1 == self.feed.portions.len()
    }

    /// The length of the portion that is due: with the last one all the rest leaves.
    fn due_bytes(&self) -> u64 {
        let rest = self.length() - self.sent;
        let portion = self.feed.portions.get(self.portion);
        match portion {
            Some(portion) if !self.is_last() => portion.bytes.min(rest),
            Some(_) | None => rest,
        }
    }

    fn queue(&mut self, stream: u32, length: u64, ends: bool, out: &mut Vec<u8>) {
        let mut payload = vec![0; usize::try_from(length).unwrap_or(0)];
        let opening = opening(self.feed.message);
        let skipped = usize::try_from(self.sent).unwrap_or(usize::MAX).min(OPENING);
        for (octet, known) in payload.iter_mut().zip(opening.iter().skip(skipped)) {
            *octet = *known;
        }
        let data = Frame {
            kind: kind::DATA,
            flags: if ends { frame::END_STREAM } else { 0 },
            stream,
            payload: &payload,
        };
        data.write(out);
        self.window -= length as i64;
        self.sent += length;
    }
}

/// The first octets of a message of this length, its prefix first.
fn opening(message: u32) -> [u8; OPENING] {
    let [l3, l2, l1, l0] = message.to_be_bytes();
    // Four octets hold every length up to 256 MiB; a varint may be longer than it has to be.
    let content = message.saturating_sub(5);
    let septet = |place: u32| (content >> (7 * place) & 0x7f) as u8;
    [
        0,
        l3,
        l2,
        l1,
        l0,
        UNKNOWN_FIELD,
        septet(0) | 0x80,
        septet(1) | 0x80,
        septet(2) | 0x80,
        septet(3),
    ]
}
