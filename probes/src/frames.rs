//! The log of an HTTP/2 conversation, frame by frame, for whoever wants to see it all.
//!
//! Nothing is concluded from it. It is bounded, and secrets are left out as it is written.

use serde::{Deserialize, Serialize};

use crate::wire::frame::{self, ErrorCode, Frame, Setting, kind};
use crate::wire::header::{Field, Reader};
use crate::wire::text::bounded;

/// How many frames of one connection are kept.
const MOST_FRAMES: usize = 200;
/// How many fields of one header block are kept, and how many characters of each value.
const MOST_FIELDS: usize = 32;
const VALUE_KEPT: usize = 200;
/// What stands for a value that nobody may see.
const HIDDEN: &str = "••••";

/// The frames of one connection in the order in which they were queued or read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    /// The first ones.
    pub kept: Vec<FrameLog>,
    /// How many there were after those.
    pub left_out: u32,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameLog {
    /// Milliseconds from our first flight.
    pub at_ms: u64,
    /// Whose it is.
    pub direction: Direction,
    /// The type octet.
    pub kind: u8,
    /// The flags octet.
    pub flags: u8,
    /// The stream; 0 is the connection.
    pub stream: u32,
    /// The length of the payload in bytes.
    pub length: usize,
    /// What the payload says.
    pub content: Content,
}

/// Whose frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Ours.
    Sent,
    /// The server's.
    Received,
}

/// What a payload says, where it is more than bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Bytes: DATA, PING, a header block that is not complete yet, what is unknown or malformed.
    Bytes,
    /// The parameters of SETTINGS.
    Settings(Vec<Setting>),
    /// A complete header block. What proves who somebody is doesn't show.
    Fields(Vec<Field>),
    /// The code of RST_STREAM.
    Reset(ErrorCode),
    /// GOAWAY.
    GoAway {
        /// The last stream that was taken on.
        last_stream: u32,
        /// Why.
        code: ErrorCode,
        /// The debug data, at most 200 characters.
        debug: String,
    },
    /// The increment of WINDOW_UPDATE.
    Increment(u32),
}

impl Frames {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Adds a frame of the server's. Its header block is added by [`Frames::complete`], once it is decoded.
    pub(crate) fn received(&mut self, at_ms: u64, frame: &Frame<'_>) {
        self.push(at_ms, Direction::Received, frame);
    }

    /// Gives the frame that was added last the header block that it completes.
    pub(crate) fn complete(&mut self, fields: &[Field]) {
        if self.left_out == 0
            && let Some(last) = self.kept.last_mut()
        {
            last.content = shown(fields);
        }
    }

    /// Adds frames of ours, as they leave.
    pub(crate) fn sent(&mut self, at_ms: u64, mut bytes: &[u8]) {
        // Our own blocks are literals, which any reader reads.
        let mut reader = Reader::default();
        while let Ok((frame, rest)) = Frame::split(bytes) {
            self.push(at_ms, Direction::Sent, &frame);
            if frame.kind == kind::HEADERS
                && let Ok(fields) = reader.read(frame.payload)
            {
                self.complete(&fields);
            }
            bytes = rest;
        }
    }

    /// Leaves out of the server's frames what may say back to us what we said: all fields but these, whose values are
    /// concealed, and the text of GOAWAY.
    pub(crate) fn hide_answers(&mut self, kept: &[&str], conceal: impl Fn(&mut String)) {
        let received = |frame: &&mut FrameLog| frame.direction == Direction::Received;
        for frame in self.kept.iter_mut().filter(received) {
            match &mut frame.content {
                Content::Fields(fields) => {
                    fields.retain(|field| kept.contains(&field.name.as_str()));
                    fields.iter_mut().for_each(|field| conceal(&mut field.value));
                }
                Content::GoAway { debug, .. } => debug.clear(),
                Content::Bytes | Content::Settings(_) | Content::Reset(_) | Content::Increment(_) => {}
            }
        }
    }

    fn push(&mut self, at_ms: u64, direction: Direction, frame: &Frame<'_>) {
        if self.kept.len() == MOST_FRAMES {
            self.left_out += 1;
            return;
        }
        self.kept.push(FrameLog {
            at_ms,
            direction,
            kind: frame.kind,
            flags: frame.flags,
            stream: frame.stream,
            length: frame.payload.len(),
            content: content(frame),
        });
    }
}

fn content(frame: &Frame<'_>) -> Content {
    let read = match frame.kind {
        kind::SETTINGS if !frame.has(frame::ACK) => Some(Content::Settings(frame.settings())),
        kind::RST_STREAM => frame.number().map(|code| Content::Reset(ErrorCode(code))),
        kind::WINDOW_UPDATE => frame.number().map(Content::Increment),
        kind::GOAWAY => frame.goaway().map(|(last_stream, code, debug)| Content::GoAway {
            last_stream,
            code,
            debug: bounded(debug, VALUE_KEPT),
        }),
        _ => None,
    };
    read.unwrap_or(Content::Bytes)
}

fn shown(fields: &[Field]) -> Content {
    let redacted = |field: &Field| Field {
        name: field.name.clone(),
        value: match field.name.to_ascii_lowercase().as_str() {
            "authorization" | "proxy-authorization" | "cookie" | "set-cookie" | "x-api-key" => HIDDEN.to_owned(),
            ":path" | "location" | "referer" => bounded(without_query(&field.value).as_bytes(), VALUE_KEPT),
            _ => bounded(field.value.as_bytes(), VALUE_KEPT),
        },
    };
    Content::Fields(fields.iter().take(MOST_FIELDS).map(redacted).collect())
}

/// A query may hold a token.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Content, Direction, Frames, MOST_FRAMES};
    use crate::wire::frame::{self, ErrorCode, Frame, Setting, kind};
    use crate::wire::header::{self, Field};

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Frame<'_> {
        Frame {
            kind,
            flags,
            stream,
            payload,
        }
    }

    fn field(name: &str, value: &str) -> Field {
        Field {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn what_frames_say_is_decoded() {
        let mut frames = Frames::default();
        frames.received(1, &frame(kind::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 250]));
        frames.received(1, &frame(kind::SETTINGS, frame::ACK, 0, &[]));
        frames.received(2, &frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0]));
        frames.received(3, &frame(kind::RST_STREAM, 0, 1, &[0, 0, 0, 2]));
        frames.received(4, &frame(kind::GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\x0btoo_many_pings"));
        frames.received(5, &frame(kind::GOAWAY, 0, 0, b"short"));
        let said: Vec<_> = frames.kept.into_iter().map(|frame| frame.content).collect();
        assert_eq!(
            said,
            [
                Content::Settings(vec![Setting { id: 3, value: 250 }]),
                Content::Bytes,
                Content::Increment(256),
                Content::Reset(ErrorCode::INTERNAL_ERROR),
                Content::GoAway {
                    last_stream: 1,
                    code: ErrorCode::ENHANCE_YOUR_CALM,
                    debug: "too_many_pings".to_owned(),
                },
                Content::Bytes,
            ]
        );
    }

    #[test]
    fn what_proves_who_somebody_is_does_not_show() {
        let mut block = Vec::new();
        header::write(":path", "/api?token=secret", &mut block);
        header::write("authorization", "Bearer secret", &mut block);
        header::write("Cookie", "session=secret", &mut block);
        let mut bytes = Vec::new();
        frame(kind::HEADERS, frame::END_HEADERS, 1, &block).write(&mut bytes);
        let mut frames = Frames::default();
        frames.sent(0, &bytes);
        frames.received(1, &frame(kind::HEADERS, frame::END_HEADERS, 1, &[]));
        frames.complete(&[
            field("set-cookie", "session=secret"),
            field("location", "/login?next=secret"),
        ]);
        let said = |index: usize| frames.kept[index].content.clone();
        assert_eq!(
            said(0),
            Content::Fields(vec![
                field(":path", "/api"),
                field("authorization", "••••"),
                field("Cookie", "••••"),
            ])
        );
        assert_eq!(
            said(1),
            Content::Fields(vec![field("set-cookie", "••••"), field("location", "/login")])
        );
        assert!(!format!("{frames:?}").contains("secret"));
    }

    #[test]
    fn a_server_that_talks_without_end_fills_no_memory() {
        let mut frames = Frames::default();
        for at in 0..1_000 {
            frames.received(at, &frame(kind::HEADERS, frame::END_HEADERS, 1, &[]));
            frames.complete(&[field("late", "late")]);
        }
        assert_eq!((frames.kept.len(), frames.left_out), (MOST_FRAMES, 800));
        assert!(frames.kept.iter().all(|frame| frame.direction == Direction::Received));
        assert_eq!(frames.kept[MOST_FRAMES - 1].at_ms, 199);
    }
}
