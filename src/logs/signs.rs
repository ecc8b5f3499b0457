//! What lines say: the messages of `explain`, and the fields of proxies' access logs, each with the findings that it can mean.
//!
//! A log is full of words that would be a fault in the mouth of an agent. What counts depends on who speaks: a message below
//! HTTP counts where it is about a call to a gateway, or where nothing shows that a program logged it for another reason.

use super::access::{self, is_of_a_proxy};
use super::line::Line;
use crate::explain::messages::{MESSAGES, Message, Weight};
use crate::explain::{Folded, Hit, hits};

pub use super::access::FIELDS;

/// The signs that a line shows, what says most first.
pub fn of(line: &Line) -> Vec<&'static Message> {
    let text = line.text.as_str();
    if NOISE.iter().any(|noise| text.contains(noise)) {
        return Vec::new();
    }
    if let Some(signs) = access::read(text) {
        return signs;
    }
    let mut signs: Vec<&'static Message> = Vec::new();
    for message in said(text).into_iter().chain(life(text)) {
        if !signs.iter().any(|sign| sign.sample == message.sample) {
            signs.push(message);
        }
    }
    signs
}

/// The sign with this sample.
pub fn named(sample: &str) -> Option<&'static Message> {
    let mut all = MESSAGES.iter().chain(FIELDS);
    all.find(|message| message.sample == sample)
}

/// Literals of which at least one is in every line that shows a sign, however the line is encoded; letters in any case.
pub fn anchors() -> impl Iterator<Item = &'static str> {
    let messages = MESSAGES.iter().filter(|message| message.weight == Weight::Says);
    let spelled = messages.flat_map(|message| message.patterns.iter().copied().map(anchor));
    spelled
        .chain(CALLS.iter().copied())
        .chain(access::ANCHORS.iter().copied())
}

/// The longest piece of a pattern that no encoding changes.
fn anchor(pattern: &'static str) -> &'static str {
    let is_changed = |char: char| !char.is_ascii() || matches!(char, '"' | '\\' | '<' | '>' | '&');
    let pieces = pattern.split(is_changed).map(str::trim);
    pieces.max_by_key(|piece| piece.len()).unwrap_or_default()
}

/// The messages in a text.
fn said(text: &str) -> Vec<&'static Message> {
    // grpc-go's own words around a reason look like another client's message.
    let text = match text.split_once("createTransport failed to connect to ") {
        Some((_, rest)) => rest.split_once("Err: ").map_or(rest, |(_, reason)| reason),
        None => text,
    };
    let is_call = has_any(text, CALLS);
    let is_about_a_gateway = is_call || has_any(text, GATEWAY) || !is_record(text);
    let is_of_apache = text.contains(" AH0") || text.contains("[proxy");
    let counts = |hit: &Hit| match hit.message.weight {
        _ if is_of_apache => is_of_a_proxy(hit),
        Weight::Says => is_about_a_gateway || !is_general(hit.message),
        Weight::Hints => is_call && !VAGUE.contains(&hit.pattern),
    };
    let hits = hits(&Folded::new(text));
    let mut hits: Vec<Hit> = hits.into_iter().filter(counts).collect();
    // A page that came in answer to a call is quoted with it, and says least; so does what is around a reason.
    let is_rest = |hit: &Hit| hit.message.codes.first().is_some_and(|code| (500..600).contains(code));
    hits.sort_by_key(|hit| (is_call && is_rest(hit)) || hit.pattern == LOGIN);
    hits.into_iter().map(|hit| hit.message).collect()
}

/// Moments in the life of an agent's connection.
fn life(text: &str) -> Option<&'static Message> {
    if text.contains("disconnected from ") && text.contains(", reason=") {
        return access::sign("hoop disconnected");
    }
    if text.contains("connected with success to ") || has_any(text, CONNECTED) {
        return access::sign("hoop connected");
    }
    is_unauthenticated(text).then(|| named(UNAUTHENTICATED)).flatten()
}

/// The agent says so in one word: in a field of its own, or after a level, a place in its source, or an emoji.
fn is_unauthenticated(text: &str) -> bool {
    let Some((before, after)) = text.split_once(UNAUTHENTICATED) else {
        return false;
    };
    let ends = after.is_empty() || [" {", "\t", "\"", " ["].iter().any(|end| after.starts_with(end));
    let before = before.trim_end_matches([' ', '\t']);
    let last = before.rsplit([' ', '\t']).next().unwrap_or_default();
    ends && (before.is_empty()
        || last.ends_with("\":\"")
        || last.contains(".go:")
        || last.ends_with(']')
        || !last.is_ascii())
}

/// Whether a message names a fault below HTTP that any program can have with any other.
fn is_general(message: &Message) -> bool {
    let code = message.codes.first().copied().unwrap_or_default();
    (100..400).contains(&code) || GENERAL.contains(&code)
}

/// Whether a program logged the text, with a level: what a terminal shows has none.
fn is_record(text: &str) -> bool {
    let end = text.char_indices().nth(LEVEL_WITHIN).map_or(text.len(), |(at, _)| at);
    let start = text.get(..end).unwrap_or_default().to_ascii_lowercase();
    text.starts_with('{') || has_any(&start, LEVELS)
}

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// What health checks, port scans and a normal stop leave behind, whatever else is in the line.
const NOISE: &[&str] = &[
    "failed to receive the preface from client",
    "pre-connect rpc, status=",
    "the client connection is closing",
    "status=BACKOFF",
];

/// Who writes this speaks of a call to a gRPC server.
const CALLS: &[&str] = &[
    "failed to connect to ",
    "disconnected from ",
    "failed pre-connect",
    "fail connecting to server",
    "failed connecting to ",
    "rpc error: code",
    "connection error: desc",
    "createTransport",
    "Error while dialing",
    "authentication handshake failed",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "UNIMPLEMENTED",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "StatusCode.",
];

/// Who writes this speaks of a gateway.
const GATEWAY: &[&str] = &[
    "transport: ",
    "client-transport",
    "server-transport",
    "grpc: ",
    "server preface",
    "fetching auth method",
    "publicserverinfo",
    "/api/",
    "TLS handshake error from",
    "ServerHandshake",
    "hoop",
    "HOOP",
];

/// Hints that mean nothing on a call that was open, or come with it.
const VAGUE: &[&str] = &[
    "EOF",
    "remote_addr",
    "i/o timeout",
    "www-authenticate",
    "content-type: application/grpc",
];

/// Files that can't be opened, and tokens: any program has them.
const GENERAL: &[u16] = &[16, 19];

/// How an agent says for people that it is connected.
const CONNECTED: &[&str] = &[
    "✅ Connected to ",
    "✅ Connection established",
    "Connected successfully",
];
/// The spelling of what `hoop login` puts in front of every reason.
const LOGIN: &str = "failed fetching auth method, reason";
const UNAUTHENTICATED: &str = "unauthenticated";

/// Levels as loggers write them, in lower case.
const LEVELS: &[&str] = &[
    "\tinfo\t",
    "\twarn\t",
    "\terror\t",
    "\tdebug\t",
    " info ",
    " warn ",
    " error ",
    " debug ",
    "level=",
    "[error]",
    "[info]",
    "[warn]",
];
/// A level stands in the first so many characters.
const LEVEL_WITHIN: usize = 60;

#[cfg(test)]
mod tests;
