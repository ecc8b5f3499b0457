//! What `GODEBUG=http2debug=2` makes Go write: frames in both directions, and the fields of header blocks.

use super::first_of;
use crate::explain::messages::Message;

/// One frame or one header field.
pub(super) fn read(text: &str) -> Option<Vec<&'static Message>> {
    if let Some((_, header)) = text.split_once(HEADER) {
        return field(header);
    }
    let (_, frame) = text.split_once("http2: ")?;
    let (origin, frame) = direction(frame)?;
    let kind = frame.split(' ').next().unwrap_or_default();
    Some(match (origin, kind) {
        (_, "GOAWAY") if frame.contains("too_many_pings") => first_of(&["goaway too_many_pings"]),
        // grpc-go's client takes its leave.
        (Origin::Peer, "GOAWAY") if frame.contains("client transport shutdown") => Vec::new(),
        (Origin::Peer, "GOAWAY") => first_of(&[&format!("goaway {}", error_code(frame)), "goaway"]),
        (Origin::Peer, "RST_STREAM") => match error_code(frame) {
            // How a stream ends that has nothing more to say, and how a client leaves.
            "NO_ERROR" | "CANCEL" => Vec::new(),
            code => first_of(&[&format!("reset {code}"), "reset"]),
        },
        // A client tells a server how much it may push, which is never.
        (Origin::Peer, "SETTINGS") if !frame.contains("ENABLE_PUSH=") => match streams(frame) {
            Some(0..FEW_STREAMS) => first_of(&["few streams"]),
            Some(_) | None => Vec::new(),
        },
        (Origin::Peer | Origin::Own, _) => Vec::new(),
    })
}

#[derive(Clone, Copy)]
enum Origin {
    Peer,
    Own,
}

/// Who sent a frame, and the frame.
fn direction(text: &str) -> Option<(Origin, &str)> {
    let from = |word: &str| text.split_once(word).map(|(_, frame)| frame);
    let read = from(": read ").or_else(|| from("Transport received "));
    match read {
        Some(frame) => Some((Origin::Peer, frame)),
        None => from(": wrote ").map(|frame| (Origin::Own, frame)),
    }
}

/// `"NAME" = "VALUE"`. `None` for texts, which are messages.
fn field(header: &str) -> Option<Vec<&'static Message>> {
    let (name, value) = header.strip_prefix('"')?.split_once("\" = \"")?;
    let value = value.split('"').next().unwrap_or_default();
    match name {
        ":status" if value == "200" => Some(Vec::new()),
        ":status" => Some(first_of(&[&format!("grpc {value}")])),
        "grpc-status" => Some(first_of(&[&format!("grpc-status {value}")])),
        "content-type" if value.starts_with("text/html") => Some(first_of(&["html for a call"])),
        "grpc-message" => None,
        _ => Some(Vec::new()),
    }
}

fn error_code(frame: &str) -> &str {
    let code = frame.split_once("ErrCode=").map(|(_, code)| code);
    code.and_then(|code| code.split(' ').next()).unwrap_or_default()
}

fn streams(frame: &str) -> Option<u32> {
    let (_, streams) = frame.split_once("MAX_CONCURRENT_STREAMS=")?;
    let end = streams
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(streams.len());
    streams.get(..end)?.parse().ok()
}

const HEADER: &str = "decoded hpack field header field ";
/// Fewer are a finding.
const FEW_STREAMS: u32 = 32;
