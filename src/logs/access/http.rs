//! Access logs of nginx, ingress-nginx, Apache, Caddy and Traefik: the common log format and what is like it, and JSON.

use serde_json::Value;

use super::{Route, by_status, field, first_of};
use crate::explain::messages::Message;

/// `ADDRESS - USER [TIME] "METHOD TARGET PROTOCOL" STATUS BYTES …`
pub(super) fn read(text: &str) -> Option<Vec<&'static Message>> {
    let (before, rest) = text.split_once("] \"")?;
    before.contains(" [").then_some(())?;
    let (request, rest) = quoted(rest)?;
    let mut fields = rest.split_ascii_whitespace();
    let status = fields.next().filter(|status| is_status(status))?;
    let bytes = fields.next()?;
    if request.starts_with("PRI * HTTP/2.0") {
        return Some(first_of(&["preface to HTTP/1"]));
    }
    if request.starts_with("\\x16\\x03") {
        return Some(first_of(&["TLS to cleartext"]));
    }
    let target = request.split(' ').nth(1).unwrap_or_default();
    Some(judged(Route::of(target), status, bytes))
}

/// Caddy's and Traefik's own JSON, and what people make nginx write.
pub(super) fn read_object(object: &Value) -> Option<Vec<&'static Message>> {
    let target = target(object)?;
    let status = ["status", "DownstreamStatus", "response_status", "http_status"];
    let status = status.into_iter().find_map(|name| field(object, name))?;
    is_status(&status).then_some(())?;
    let bytes = [
        "size",
        "DownstreamContentSize",
        "body_bytes_sent",
        "bytes_sent",
        "bytes",
    ];
    let bytes = bytes.into_iter().find_map(|name| field(object, name));
    let route = Route::of(&target);
    let content_type = object.pointer("/resp_headers/Content-Type/0").and_then(Value::as_str);
    let is_html = content_type.is_some_and(|kind| kind.starts_with("text/html"));
    Some(match route {
        Route::Connect | Route::Side if is_html && status == "200" => first_of(&["grpc html"]),
        route => judged(route, &status, bytes.as_deref().unwrap_or("-")),
    })
}

/// What was asked for, in a record of one request.
pub(super) fn target(object: &Value) -> Option<String> {
    let names = ["RequestPath", "request_uri", "uri", "path"];
    let of = |object: &Value| names.into_iter().find_map(|name| field(object, name));
    match object.get("request") {
        Some(Value::String(request)) => request.split(' ').nth(1).map(str::to_owned),
        Some(request) => of(request),
        None => of(object),
    }
}

fn judged(route: Route, status: &str, bytes: &str) -> Vec<&'static Message> {
    let is_page = bytes.parse().is_ok_and(|bytes: u64| bytes >= SMALLEST_PAGE);
    by_status(route, status, is_page)
}

/// What stands before the next quote, and after it.
pub(super) fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => byte == b'"',
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

fn is_status(text: &str) -> bool {
    matches!(text.len(), 1..=3) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The gateway's own answers to `HealthCheck` and `PreConnect` are a few dozen bytes.
const SMALLEST_PAGE: u64 = 300;
