//! Error logs of proxies that are written in Go, Caddy's and Traefik's. Their client speaks as the agent's does, but of the
//! hop behind them.

use serde_json::Value;

use super::http::target;
use super::{Route, by_status, field, first_of};
use crate::explain::messages::Message;

/// Traefik's lines: `… > 502 Bad Gateway error="…"` and `'502 Bad Gateway' caused by: …`.
pub(super) fn read(text: &str) -> Option<Vec<&'static Message>> {
    let (_, rest) = ANSWERS.iter().find_map(|answer| text.split_once(answer))?;
    let reason = ["error=", "caused by: "].iter().find_map(|word| rest.split_once(word));
    let (_, reason) = reason?;
    Some(cause(reason).map(|cause| first_of(&[cause])).unwrap_or_default())
}

/// Caddy's errors, each with its request, and Traefik's, which have none.
pub(super) fn read_object(object: &Value) -> Option<Vec<&'static Message>> {
    let text = |name: &str| field(object, name).unwrap_or_default();
    if ANSWERS.iter().any(|answer| text("message").contains(answer)) {
        return Some(
            cause(&text("error"))
                .map(|cause| first_of(&[cause]))
                .unwrap_or_default(),
        );
    }
    let logger = text("logger");
    let is_error = logger.starts_with("http.log.error") || logger.starts_with("http.handlers.reverse_proxy");
    is_error.then_some(())?;
    let (message, route) = (text("msg"), Route::of(&target(object)?));
    let is_cut = message.contains("aborting with incomplete response");
    Some(match route {
        Route::Other => Vec::new(),
        Route::Connect | Route::Side if is_cut => match text("error") {
            error if error.contains("i/o timeout") => first_of(&["upstream cut in time"]),
            error if error.contains("received from peer") => first_of(&["upstream cut"]),
            _ => Vec::new(),
        },
        route => match (cause(&message), route) {
            (Some(_), Route::Rest) => first_of(&["rest upstream"]),
            (Some(cause), _) => first_of(&[cause]),
            (None, route) => by_status(route, &text("status"), false),
        },
    })
}

/// What Go's HTTP client met, in the words of the table.
fn cause(text: &str) -> Option<&'static str> {
    let cause = CAUSES.iter().find(|(words, _)| text.contains(words));
    cause.map(|(_, cause)| *cause)
}

/// The first that is there is it.
const CAUSES: &[(&str, &str)] = &[
    ("first record does not look like a TLS handshake", "upstream has no TLS"),
    ("x509: ", "upstream certificate"),
    ("frame header looked like an HTTP/1.1 header", "upstream is HTTP/1"),
    ("malformed HTTP response", "upstream is HTTP/2"),
    ("http2: unsupported scheme", "upstream has no TLS"),
    ("remote error: tls", "upstream certificate"),
    ("no such host", "upstream unknown name"),
    ("connection refused", "upstream refused"),
    ("no route to host", "upstream dropped"),
    ("network is unreachable", "upstream dropped"),
    ("no upstreams available", "upstream none"),
    ("timeout awaiting response headers", "upstream silent"),
    ("i/o timeout", "upstream dropped"),
    ("connection reset by peer", "upstream closed"),
    ("unexpected EOF", "upstream closed"),
    ("EOF", "upstream closed"),
];

/// How Traefik answers when its client fails.
const ANSWERS: &[&str] = &["502 Bad Gateway", "500 Internal Server Error", "504 Gateway Timeout"];
