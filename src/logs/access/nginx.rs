//! nginx's error log: the same complaint means the gRPC side, the REST side or somebody else's application, by the request that it
//! is about.

use super::{Route, first_of, is_of_a_proxy};
use crate::explain::messages::Message;
use crate::explain::{Folded, hits};

/// `TIME [LEVEL] PID#TID: *CONNECTION MESSAGE, client: …, server: …, request: "…", upstream: "…", host: "…"`
pub(super) fn read(text: &str) -> Option<Vec<&'static Message>> {
    (text.contains(", client: ") || has_process(text)).then_some(())?;
    // Old clients and those that come by address are refused by healthy servers too.
    if text.contains("handshake rejected while SSL handshaking") {
        return Some(first_of(&["nginx handshake rejected"]));
    }
    if OLD_CLIENTS.iter().any(|words| text.contains(words)) {
        return Some(first_of(&["nginx unsupported protocol"]));
    }
    let value = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        rest.split('"').next()
    };
    let upstream = value(", upstream: \"").unwrap_or_default();
    let target = value(", request: \"").and_then(|request| request.split(' ').nth(1));
    let messages = || {
        let hits = hits(&Folded::new(text));
        hits.into_iter().filter(is_of_a_proxy).map(|hit| hit.message)
    };
    Some(match target.map(Route::of) {
        // The preface of HTTP/2 where it is not spoken has this target.
        Some(Route::Other) if target != Some("*") => Vec::new(),
        Some(Route::Rest) => {
            let mut codes = messages().flat_map(|message| message.codes.iter());
            match codes.next() {
                Some(604..=606) => first_of(&["rest upstream"]),
                Some(611) => first_of(&["rest denied"]),
                _ => Vec::new(),
            }
        }
        Some(Route::Connect | Route::Side) if upstream.starts_with("http") && text.contains("prematurely closed") => {
            first_of(&["nginx http upstream"])
        }
        Some(Route::Connect | Route::Side | Route::Other) | None => messages().collect(),
    })
}

/// Whether `PID#TID: ` is in it.
fn has_process(text: &str) -> bool {
    let is_digit = |byte: Option<char>| byte.is_some_and(|char| char.is_ascii_digit());
    text.split_once('#').is_some_and(|(before, after)| {
        let after = after.trim_start_matches(|char: char| char.is_ascii_digit());
        is_digit(before.chars().next_back()) && before.contains("] ") && after.starts_with(": ")
    })
}

/// OpenSSL's words for a client that offers too little.
const OLD_CLIENTS: &[&str] = &[
    "unsupported protocol) while SSL handshaking, client",
    "no shared cipher) while SSL handshaking, client",
    "version too low) while SSL handshaking, client",
];
