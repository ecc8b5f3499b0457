//! Secrets that can't be printed, and texts that may contain one.
//!
//! A value is wrapped where it is read; [`Secret::expose`] is the only way out of the wrapper.
//! [`redact_url`] and [`redact_key`] are for text that has a secret somewhere inside, well formed or not:
//! they hide too much rather than too little.

use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer};

/// What stands in the place of a secret wherever one would be shown.
pub const MASK: &str = "••••";

/// A text that shows as [`MASK`] and at most its last two characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: only for sending it where the configuration says that it belongs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last two characters, where the secret is long enough that they give nothing away.
    fn tail(&self) -> &str {
        let long = self.0.chars().nth(SHORTEST_WITH_TAIL - 1).is_some();
        match self.0.len().checked_sub(2).and_then(|at| self.0.get(at..)) {
            // White space, control characters and other scripts stay hidden: they could disturb what is around.
            Some(tail) if long && tail.bytes().all(|byte| byte.is_ascii_graphic()) => tail,
            _ => "",
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)?;
        f.write_str(self.tail())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An address or URL as it may be shown: without its password, its query and whatever looks like a token.
pub fn redact_url(text: &str) -> String {
    Kind::Url.redact(text)
}

/// An agent key as it may be shown: scheme, agent name, host and port where they can be told from the secret.
///
/// The key may be broken in any way, a bare token for example; what can't be told apart is hidden.
pub fn redact_key(text: &str) -> String {
    Kind::Key.redact(text)
}

/// What a text is meant to be decides what may be shown of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An address, with or without a scheme.
    Url,
    /// `HOOP_KEY`: everything is the secret unless it proves otherwise.
    Key,
}

impl Kind {
    fn redact(self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut from = 0;
        for hidden in self.hidden(text) {
            shown.push_str(text.get(from..hidden.start).unwrap_or_default());
            shown.push_str(MASK);
            from = hidden.end;
        }
        shown.push_str(text.get(from..).unwrap_or_default());
        shown
    }

    /// The byte ranges of `text` that must not be shown: not empty, in order, and never overlapping.
    pub(crate) fn hidden(self, text: &str) -> Vec<Range<usize>> {
        let mut hidden = Vec::with_capacity(2);
        let scheme = authority_start(text);
        let start = scheme.unwrap_or(0);
        // The last @ is where Go ends the user information, and a raw slash in a secret comes before it.
        let host = match text.rfind('@') {
            Some(at) if at >= start => {
                hidden.push(password(text, start, at, scheme.is_some()));
                at + 1
            }
            _ => start,
        };
        let has_user = host > start;
        let end = text[host..].find(['/', '?', '#']).map_or(text.len(), |at| host + at);
        match (self, scheme.is_some() || has_user) {
            _ if looks_like_token(&text[host..]) => hidden.push(host..text.len()),
            (Self::Key, false) => hidden.push(host..text.len()),
            (Self::Key, true) => {
                if let Some(range) = not_a_host(text, host, end, has_user) {
                    hidden.push(range);
                }
                let plain = ["", "/", "?mode=standard", "?mode=embedded", "?mode=multi-connection"];
                if !plain.contains(&&text[end..]) {
                    hidden.push(end + 1..text.len());
                }
            }
            (Self::Url, _) => {
                if let Some(query) = text[end..].find(['?', '#']) {
                    hidden.push(end + query + 1..text.len());
                }
            }
        }
        hidden.retain(|range| !range.is_empty());
        hidden
    }
}

/// Where the authority starts: behind `scheme://` or a leading `//`.
///
/// Only quotes, spaces and a pasted `HOOP_KEY=` may come before the scheme; anything else could be a secret with
/// `://` inside.
fn authority_start(text: &str) -> Option<usize> {
    let at = text.find("//")?;
    let before = text[..at].trim_start_matches(['"', '\'', ' ', '\t', '\r', '\n']);
    let before = before.strip_prefix("export ").unwrap_or(before);
    let before = ["HOOP_KEY=", "HOOP_DSN=", "HOOP_GRPCURL=", "HOOP_APIURL="]
        .iter()
        .find_map(|name| before.strip_prefix(name))
        .unwrap_or(before)
        .trim_start_matches(['"', '\'']);
    let scheme = before.strip_suffix(':').unwrap_or(before);
    let plausible = scheme.len() <= LONGEST_SCHEME
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !looks_like_token(scheme);
    plausible.then_some(at + 2)
}

/// The part of the user information `start..at` to hide: all but the name, where there is a name and a password.
fn password(text: &str, start: usize, at: usize, has_scheme: bool) -> Range<usize> {
    let user = &text[start..at];
    match user.find(':') {
        Some(colon)
            if colon + 1 < user.len()
                && !looks_like_token(user)
                && (has_scheme || !user[colon..].starts_with("://")) =>
        {
            start + colon + 1..at
        }
        _ => start..at,
    }
}

/// The part of a key's authority that can't be shown as host and port.
///
/// Behind an `@` anything of a host's characters will be dialled, so it is shown. Without one the authority may be
/// the secret, so only something with a port, a dot or brackets passes.
fn not_a_host(text: &str, start: usize, end: usize, has_user: bool) -> Option<Range<usize>> {
    let authority = &text[start..end];
    let of_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]%".contains(&byte) || byte >= 0x80;
    if !authority.bytes().all(of_host) {
        return Some(start..end);
    }
    if has_user {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.starts_with('[') || host.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    match port {
        Some(port) if port.len() > 5 || !port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(start + host.len() + 1..end)
        }
        Some(_) => None,
        None if host.contains('.') || host.starts_with('[') || host == "localhost" => None,
        None => Some(start..end),
    }
}

/// Whether the text starts as one of Hoop's own tokens or a JWT does.
fn looks_like_token(text: &str) -> bool {
    TOKEN_STARTS.iter().any(|start| text.starts_with(start))
}

const SHORTEST_WITH_TAIL: usize = 8;
const LONGEST_SCHEME: usize = 12;
const TOKEN_STARTS: &[&str] = &["x-agt-", "xagt-", "xapi-", "hpk_", "eyJ"];
