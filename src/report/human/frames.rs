//! Every frame of a conversation, one a line, for `-vv`.

use hoop_doctor_probes::frames::{Content, Direction, FrameLog, Frames};
use hoop_doctor_probes::wire::frame::{ACK, END_HEADERS, END_STREAM, PADDED, PRIORITY, kind};
use serde::Deserialize;

use super::super::Observation;
use super::counted;
use super::page::{Page, Span};

/// The frames of each observation that has some.
pub(super) fn frames(page: &mut Page, observations: &[Observation]) {
    for one in observations {
        let Some(frames) = frames_of(one) else {
            continue;
        };
        page.blank();
        page.flow(&[], &[Span::faint(format!("every frame of {}: {LEGEND}", one.id))]);
        for frame in &frames.kept {
            line(page, frame);
        }
        if frames.left_out > 0 {
            let more = counted(frames.left_out.into(), "frame");
            page.flow(&[Span::plain("         ")], &[Span::faint(format!("and {more} more"))]);
        }
    }
}

/// The frames of an observation that has some.
pub(in crate::report) fn frames_of(one: &Observation) -> Option<Frames> {
    one.facts.get(FACT).map(Frames::deserialize)?.ok()
}

fn line(page: &mut Page, frame: &FrameLog) {
    let [when, name, size, rest] = columns(frame);
    let lead = [Span::faint(when), Span::strong(name), Span::plain(size)];
    page.flow(&lead, &[Span::plain(rest)]);
}

/// A frame in columns that stand below those of the next: when and whose, what it is, how long, and what it says.
pub(in crate::report) fn columns(frame: &FrameLog) -> [String; 4] {
    let arrow = match frame.direction {
        Direction::Sent => '>',
        Direction::Received => '<',
    };
    let parts = [flags(frame), content(&frame.content)];
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    [
        format!("{:>6} {arrow} ", frame.at_ms),
        format!("{:<13} ", name(frame.kind)),
        format!("stream {:<3} {:>5} B  ", frame.stream, frame.length),
        parts.join("; "),
    ]
}

/// The name of a frame type; its number where RFC 9113 knows none.
fn name(kind: u8) -> String {
    let name = match kind {
        kind::DATA => "DATA",
        kind::HEADERS => "HEADERS",
        0x2 => "PRIORITY",
        kind::RST_STREAM => "RST_STREAM",
        kind::SETTINGS => "SETTINGS",
        0x5 => "PUSH_PROMISE",
        kind::PING => "PING",
        kind::GOAWAY => "GOAWAY",
        kind::WINDOW_UPDATE => "WINDOW_UPDATE",
        kind::CONTINUATION => "CONTINUATION",
        other => return format!("{other:#04x}"),
    };
    name.to_owned()
}

/// The flags that mean something for this type; what is left of them as a number.
fn flags(frame: &FrameLog) -> String {
    let known: &[(u8, &str)] = match frame.kind {
        kind::SETTINGS | kind::PING => &[(ACK, "ACK")],
        kind::DATA => &[(END_STREAM, "END_STREAM"), (PADDED, "PADDED")],
        kind::HEADERS => &[
            (END_STREAM, "END_STREAM"),
            (END_HEADERS, "END_HEADERS"),
            (PADDED, "PADDED"),
            (PRIORITY, "PRIORITY"),
        ],
        kind::CONTINUATION => &[(END_HEADERS, "END_HEADERS")],
        _ => &[],
    };
    let set = known.iter().filter(|(flag, _)| frame.flags & flag != 0);
    let unknown = set.clone().fold(frame.flags, |left, (flag, _)| left & !flag);
    let mut names: Vec<String> = set.map(|(_, name)| (*name).to_owned()).collect();
    if unknown != 0 {
        names.push(format!("{unknown:#04x}"));
    }
    names.join(" ")
}

fn content(content: &Content) -> String {
    match content {
        Content::Bytes => String::new(),
        Content::Settings(settings) => {
            let shown = settings.iter().map(|one| format!("{}={}", one.name(), one.value));
            shown.collect::<Vec<_>>().join(" ")
        }
        Content::Fields(fields) => {
            let shown = fields.iter().map(|field| format!("{}: {}", field.name, field.value));
            shown.collect::<Vec<_>>().join(", ")
        }
        Content::Reset(code) => code.name(),
        Content::GoAway {
            last_stream,
            code,
            debug,
        } => match debug.as_str() {
            "" => format!("{}, last stream {last_stream}", code.name()),
            debug => format!("{}, last stream {last_stream}, \"{debug}\"", code.name()),
        },
        Content::Increment(by) => format!("+{by}"),
    }
}

/// The fact that has them.
pub(in crate::report) const FACT: &str = "frames";
/// What the first columns mean.
pub(in crate::report) const LEGEND: &str = "when it went or came (ms), > ours, < the server's";
