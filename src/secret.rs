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

    /// What stands for a secret where a saved case is read: there was one, and nothing of it was written.
    pub(crate) fn unsaved() -> Self {
        Self(String::new())
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

/// A part of an address, as Go's errors quote it: what the whole hides stays hidden when Go cuts it short.
pub(crate) fn redact_part(part: &str, whole: &str) -> String {
    let hidden = Kind::Url.hidden(whole);
    if hidden.is_empty() {
        return redact_url(part);
    }
    if !whole.starts_with(part) {
        return MASK.to_owned();
    }
    let clipped = hidden.into_iter().map(|range| range.start..range.end.min(part.len()));
    mask(part, clipped.filter(|range| range.start < range.end))
}

fn mask(text: &str, hidden: impl IntoIterator<Item = Range<usize>>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    for hidden in hidden {
        shown.push_str(text.get(from..hidden.start).unwrap_or_default());
        shown.push_str(MASK);
        from = hidden.end;
    }
    shown.push_str(text.get(from..).unwrap_or_default());
    shown
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
        mask(text, self.hidden(text))
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
                if let Some(from) = not_a_host(&text[host..end], has_user) {
                    hidden.push(host + from..end);
                }
                let plain = ["", "/", "?mode=standard", "?mode=embedded", "?mode=multi-connection"];
                if !plain.contains(&&text[end..]) {
                    hidden.push(end + 1..text.len());
                }
            }
            (Self::Url, _) => {
                if let Some(from) = long_port(&text[host..end]).filter(|_| scheme.is_some()) {
                    hidden.push(host + from..end);
                }
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
    match text[start..at].split_once(':') {
        // Without a scheme, what comes before "://" is no name either.
        Some((name, password))
            if !password.is_empty() && is_name(name) && (has_scheme || !password.starts_with("//")) =>
        {
            start + name.len() + 1..at
        }
        _ => start..at,
    }
}

/// Where the part of a key's authority starts that can't be shown, if there is any.
///
/// Behind an `@` the host will be dialled, so it is shown. Without one the authority may be the secret, so only
/// something with a port, a dot or brackets passes.
fn not_a_host(authority: &str, has_user: bool) -> Option<usize> {
    let (host, port) = split_port(authority);
    match port {
        Some(port) if !is_port(port) && !is_ipv6(authority) => Some(host.len() + 1),
        _ if has_user => None,
        Some(_) => None,
        None if host.contains('.') || host.starts_with('[') || host == "localhost" => None,
        None => Some(0),
    }
}

/// Where the port of an address starts, if it is rather a password that lost its host.
fn long_port(authority: &str) -> Option<usize> {
    let (host, port) = split_port(authority);
    let port = port?;
    (port.len() >= SHORTEST_WITH_TAIL && !is_port(port) && !is_ipv6(authority)).then_some(host.len() + 1)
}

/// Host and port, parted at the first colon outside of brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let address = authority.find(']').filter(|_| authority.starts_with('[')).unwrap_or(0);
    match authority[address..].find(':') {
        Some(colon) => (&authority[..address + colon], Some(&authority[address + colon + 1..])),
        None => (authority, None),
    }
}

/// Digits, with the quotes and white space that a paste leaves behind them.
fn is_port(text: &str) -> bool {
    let digits = text.trim_end_matches(['"', '\'', ' ', '\t', '\r', '\n']);
    digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// An IPv6 address that lost its brackets, with or without a port.
fn is_ipv6(text: &str) -> bool {
    text.bytes().filter(|&byte| byte == b':').count() > 1
        && text
            .split(':')
            .all(|group| group.len() <= 5 && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// An agent's name as it may be shown: a token or a part of the secret may have slipped into its place.
pub(crate) fn redact_name(name: &str) -> String {
    if is_name(name) {
        name.to_owned()
    } else {
        MASK.to_owned()
    }
}

fn is_name(text: &str) -> bool {
    !text.contains('@') && !looks_like_token(text)
}

/// Whether the text starts as one of Hoop's own tokens or a JWT does.
pub(crate) fn looks_like_token(text: &str) -> bool {
    TOKEN_STARTS.iter().any(|start| text.starts_with(start))
}

const SHORTEST_WITH_TAIL: usize = 8;
const LONGEST_SCHEME: usize = 12;
const TOKEN_STARTS: &[&str] = &["x-agt-", "xagt-", "xapi-", "hpk_", "eyJ"];

#[cfg(test)]
mod tests {
    use super::{Secret, redact_key, redact_name, redact_part, redact_url};

    #[test]
    fn a_secret_shows_two_characters_at_most() {
        let rows = [
            ("", "••••"),
            ("short77", "••••"),
            ("longer-88", "••••88"),
            ("white space\n", "••••"),
            ("ends in é", "••••"),
            ("日日日日日日日日", "••••"),
        ];
        for (text, shown) in rows {
            let secret = Secret::new(text);
            assert_eq!(
                (secret.to_string(), format!("{secret:?}")),
                (shown.to_owned(), shown.to_owned())
            );
            let json = serde_json::to_string(&secret).expect("a text can be serialised");
            assert_eq!(json, format!("\"{shown}\""));
            assert_eq!(secret.expose(), text);
        }
    }

    #[test]
    fn a_key_shows_its_name_and_address() {
        let rows = [
            (
                "grpcs://name:secret@host:8443?mode=embedded",
                "grpcs://name:••••@host:8443?mode=embedded",
            ),
            ("grpcs://name:secret@[::1]:8443", "grpcs://name:••••@[::1]:8443"),
            ("grpcs://name:secret@::1:8443", "grpcs://name:••••@::1:8443"),
            ("grpcs://name:se/c?r#e@t@host", "grpcs://name:••••@host"),
            ("grpcs://secret@host", "grpcs://••••@host"),
            ("grpcs://host:8443/secret", "grpcs://host:8443/••••"),
            ("grpcs://host.example", "grpcs://host.example"),
            ("grpcs://secret", "grpcs://••••"),
            ("secret", "••••"),
            ("name:secret@host:8443?x=y", "name:••••@host:8443?••••"),
            ("x-agt-0:secret@host", "••••@host"),
            ("grpcs://name:secret@host:8443\n", "grpcs://name:••••@host:8443\n"),
        ];
        for (key, shown) in rows {
            assert_eq!(redact_key(key), shown, "{key}");
        }
    }

    #[test]
    fn an_address_shows_all_but_password_and_query() {
        let rows = [
            ("host:8010", "host:8010"),
            ("https://host/path", "https://host/path"),
            ("https://u:secret@host/path", "https://u:••••@host/path"),
            ("https://host/path?secret#f", "https://host/path?••••"),
            ("grpcs://host:abc", "grpcs://host:abc"),
            ("grpcs://name:secret-without-host", "grpcs://name:••••"),
            ("xapi-secret", "••••"),
        ];
        for (url, shown) in rows {
            assert_eq!(redact_url(url), shown, "{url}");
        }
    }

    #[test]
    fn what_is_hidden_in_the_whole_is_hidden_in_a_part() {
        let whole = "u:secret?x@host:1";
        assert_eq!(redact_part("u:secret", whole), "u:••••");
        assert_eq!(redact_part("u:", whole), "u:");
        assert_eq!(redact_part("secret", whole), "••••");
        assert_eq!(redact_part("host:1", "host:1/"), "host:1");
        assert_eq!(
            (redact_name("n"), redact_name("n@s")),
            ("n".to_owned(), "••••".to_owned())
        );
    }
}
