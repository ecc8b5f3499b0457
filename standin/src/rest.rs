//! The REST side: the web application and the part of the API that needs no database.
//!
//! What every answer carries is Hoop's own; what a proxy in front would say instead is in `proxy.rs`.

use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use prost::bytes::Bytes;

use crate::Urls;
use crate::grpc::is_authorized;

/// What the gateway behind the REST port is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gateway {
    Well,
    /// Its own gRPC listener is not up.
    WithoutGrpc,
    /// Its database is away.
    WithoutDatabase,
    /// It knows nobody.
    RejectingTokens,
    /// Its `GRPC_URL` is set to another place than where it is reached.
    AdvertisingElsewhere,
}

/// Answers one request. `urls` is what this gateway advertises.
pub(crate) fn answer(gateway: Gateway, head: &Parts, urls: &Urls) -> Response<Bytes> {
    signed(route(gateway, head, urls))
}

/// The web application, as every path outside the API gets it.
pub(crate) fn web_page() -> Response<Bytes> {
    signed(answer_of(StatusCode::OK, Some(HTML), INDEX))
}

/// What an HTTP/2 preface gets on the plaintext port: Go hands it to the handler, which takes it for a page of the
/// application. hyper would hang up, so this is the answer's text.
pub(crate) fn preface_answer() -> String {
    format!(
        "HTTP/1.1 200 OK\r\nServer: {SERVER}\r\nContent-Type: {HTML}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{INDEX}",
        INDEX.len(),
    )
}

fn route(gateway: Gateway, head: &Parts, urls: &Urls) -> Response<Bytes> {
    let path = head.uri.path();
    if head.method == Method::OPTIONS {
        return answer_of(StatusCode::NO_CONTENT, None, "");
    }
    if !path.starts_with("/api") {
        return answer_of(StatusCode::OK, Some(HTML), INDEX);
    }
    if head.method != Method::GET {
        return not_found();
    }
    match path {
        "/api/healthz" if gateway == Gateway::WithoutGrpc => json(StatusCode::BAD_REQUEST, r#"{"liveness":"ERR"}"#),
        "/api/healthz" => json(StatusCode::OK, r#"{"liveness":"OK"}"#),
        "/api/publicserverinfo" if gateway == Gateway::WithoutDatabase => json(
            StatusCode::INTERNAL_SERVER_ERROR,
            r#"{"message":"failed to load server auth config: failed to connect to database"}"#,
        ),
        "/api/publicserverinfo" => json(StatusCode::OK, r#"{"auth_method":"local","setup_required":false}"#),
        "/api/ws" if !head.headers.contains_key("hoop_key") => {
            json(StatusCode::UNAUTHORIZED, r#"{"error":"missing HOOP_KEY header"}"#)
        }
        "/api/ws" => json(StatusCode::UNAUTHORIZED, r#"{"error":"invalid authentication"}"#),
        "/api/serverinfo" | "/api/userinfo" if gateway == Gateway::RejectingTokens || !is_authorized(&head.headers) => {
            json(StatusCode::UNAUTHORIZED, r#"{"message":"access denied"}"#)
        }
        "/api/serverinfo" if gateway == Gateway::AdvertisingElsewhere => {
            json(StatusCode::OK, server_info(&urls.api, ELSEWHERE))
        }
        "/api/serverinfo" => json(StatusCode::OK, server_info(&urls.api, &urls.grpc)),
        "/api/userinfo" => json(StatusCode::OK, USER_INFO),
        _ => not_found(),
    }
}

/// With the headers that Hoop sets on every answer.
fn signed(mut response: Response<Bytes>) -> Response<Bytes> {
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
    for (name, value) in EVERY_ANSWER {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn server_info(api: &str, grpc: &str) -> String {
    format!(
        r#"{{"version":"{VERSION}","commit_sha":"e939597dc","log_level":"INFO","go_debug":"","auth_method":"local","#
    ) + &format!(r#""api_url":"{api}","grpc_url":"{grpc}","tenancy_type":"selfhosted","license_info":null}}"#)
}

fn not_found() -> Response<Bytes> {
    answer_of(StatusCode::NOT_FOUND, Some("text/plain"), "404 page not found")
}

fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    answer_of(status, Some("application/json; charset=utf-8"), body)
}

fn answer_of(status: StatusCode, content_type: Option<&'static str>, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// The release whose behaviour is imitated.
const VERSION: &str = "1.148.0";
const SERVER: &str = "hoopgateway/1.148.0";

const EVERY_ANSWER: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
    (
        header::STRICT_TRANSPORT_SECURITY,
        "max-age=31536000; includeSubDomains; preload",
    ),
];

/// A gateway that nobody here talks to.
const ELSEWHERE: &str = "grpcs://other-gateway.demo.test:8443";

const HTML: &str = "text/html; charset=utf-8";

/// Served for every path outside the API, as single-page applications do.
const INDEX: &str = "<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"><title>Hoop stand-in</title></head>\n\
     <body><div id=\"app\"></div></body>\n</html>\n";

const USER_INFO: &str =
    r#"{"id":"stand-in","name":"Stand-in User","email":"user@demo.test","role":"standard","groups":[]}"#;
