//! Lines with fields: what proxies' access logs, `GODEBUG=http2debug=2` and the agent's own life say by a status, a flag or a
//! state, and not by a message. Each reader names what it saw by a few words, and one table says what those mean.
//!
//! Requests of other applications behind the same proxy say nothing here, whatever became of them.

use serde_json::Value;

use crate::explain::Hit;
use crate::explain::messages::{Message, Weight, hints, says};

mod alb;
mod envoy;
mod frames;
mod haproxy;
mod http;
mod nginx;
mod upstream;

/// The signs of a line with fields, what says most first; none where nothing in it is out of order. `None`: it is no such
/// line.
pub(super) fn read(text: &str) -> Option<Vec<&'static Message>> {
    let found = match text.starts_with('{') {
        true => object(text),
        false => frames::read(text)
            .or_else(|| envoy::read(text))
            .or_else(|| haproxy::read(text))
            .or_else(|| alb::read(text))
            .or_else(|| http::read(text))
            .or_else(|| nginx::read(text))
            .or_else(|| upstream::read(text)),
    };
    let is_probe = || PROBES.iter().any(|probe| text.contains(probe));
    found.map(|signs| if is_probe() { Vec::new() } else { signs })
}

/// Whether a message means, in a proxy's log, what the table says of it. Below HTTP a proxy complains of its own clients and
/// upstreams in words that are about the gateway when an agent uses them.
pub(super) fn is_of_a_proxy(hit: &Hit) -> bool {
    let is_above = hit
        .message
        .codes
        .first()
        .is_some_and(|code| (400..1_000).contains(code));
    let is_said = hit.message.weight == Weight::Says;
    is_said && (is_above || PROXY_WORDS.iter().any(|word| hit.pattern.contains(word)))
}

/// The sign of what a reader saw.
pub(super) fn sign(seen: &str) -> Option<&'static Message> {
    FIELDS.iter().find(|message| message.patterns.contains(&seen))
}

/// The sign of the first of these that has one.
fn first_of(seen: &[&str]) -> Vec<&'static Message> {
    seen.iter().find_map(|seen| sign(seen)).into_iter().collect()
}

fn object(text: &str) -> Option<Vec<&'static Message>> {
    let object: Value = serde_json::from_str(text).ok()?;
    envoy::read_object(&object)
        .or_else(|| upstream::read_object(&object))
        .or_else(|| http::read_object(&object))
}

/// The text of a field, whether it is a string or a number.
fn field(object: &Value, name: &str) -> Option<String> {
    match object.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// The stream that agents and clients live on.
    Connect,
    /// The other two methods, which some proxies route elsewhere.
    Side,
    /// A path of the gateway's REST API that needs no credentials.
    Rest,
    /// Somebody else's, or one that nobody needs.
    Other,
}

impl Route {
    /// By the target of a request: a path or a whole URL.
    fn of(target: &str) -> Self {
        let target = target.split(['?', '#']).next().unwrap_or_default();
        let path = match target.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
            None => target,
        };
        match path {
            "/protobuf.Transport/Connect" => Self::Connect,
            "/protobuf.Transport/PreConnect" | "/protobuf.Transport/HealthCheck" => Self::Side,
            "/api/healthz" | "/api/publicserverinfo" => Self::Rest,
            _ => Self::Other,
        }
    }
}

/// What an HTTP status says of a route. `page`: as many bytes were answered as only a web page has.
fn by_status(route: Route, status: &str, page: bool) -> Vec<&'static Message> {
    let is_missing = matches!(status, "404" | "405" | "415");
    match route {
        Route::Side if page && status == "200" => first_of(&["grpc page"]),
        Route::Side if is_missing => first_of(&["side method missing"]),
        Route::Connect | Route::Side => first_of(&[&format!("grpc {status}")]),
        Route::Rest => first_of(&[&format!("rest {status}")]),
        Route::Other => Vec::new(),
    }
}

/// Health checks of balancers and of Kubernetes: what they meet is not what agents meet.
const PROBES: &[&str] = &["kube-probe/", "ELB-HealthChecker/", "GoogleHC/", "hoop-doctor/"];

/// In patterns of messages that only proxies print, of their own clients.
const PROXY_WORDS: &[&str] = &[
    "SSL handshaking",
    "client sent ",
    "client SSL ",
    "SSL handshake failure",
    "AH0",
];

/// Literals of which one is in every line that [`read`] finds something in.
pub(super) const ANCHORS: &[&str] = &[
    "protobuf.Transport",
    "/api/healthz",
    "/api/publicserverinfo",
    "filter_chain_not_found",
    " DPE ",
    "PRI * HTTP/2.0",
    "x16",
    "SSL handshake failure",
    "BADREQ",
    "handshake rejected while SSL handshaking",
    "while SSL handshaking, client",
    " SC ",
    " sC ",
    " sD ",
    " cD ",
    "read GOAWAY",
    "wrote GOAWAY",
    "read RST_STREAM",
    "received RST_STREAM",
    "received GOAWAY",
    "MAX_CONCURRENT_STREAMS=",
    "decoded hpack field header field",
    "Bad Gateway",
    "Internal Server Error",
    "Gateway Timeout",
    "reverse_proxy",
    "while connecting to upstream",
    "connected with success to",
    "Connected to ",
    "Connection established",
    "Connected successfully",
    "disconnected from",
    "unauthenticated",
];

/// What fields say. Here the patterns are the words of the readers, not of the log; a hint is what clients that leave,
/// scanners and health checks cause as well as faults do.
#[rustfmt::skip]
pub static FIELDS: &[Message] = &[
    // The life of an agent's connection, in its own words: for the rhythm. What went wrong is in the reason.
    says("connected with success to gateway.example.com:8443", &[], &["hoop connected"]),
    says("disconnected from gateway.example.com:8443, reason=EOF", &[], &["hoop disconnected"]),

    // The status of a gRPC call, as any proxy logs it.
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 009 26 \"-\" \"grpc-go/1.83.0\"", &[604], &["grpc 009", "grpc 9", "grpc 000"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/HealthCheck HTTP/2.0\" 200 1548 \"-\" \"grpc-go/1.83.0\"", &[603, 601], &["grpc page"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/PreConnect HTTP/2.0\" 404 153 \"-\" \"grpc-go/1.83.0\"", &[603, 601], &["side method missing"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 301 162 \"-\" \"grpc-go/1.83.0\"", &[611, 601], &["grpc 301", "grpc 302", "grpc 303", "grpc 307", "grpc 308"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 400 157 \"-\" \"grpc-go/1.83.0\"", &[312, 702, 604], &["grpc 400"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 401 172 \"-\" \"grpc-go/1.83.0\"", &[611, 618], &["grpc 401", "grpc 407", "grpc 561"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 403 146 \"-\" \"grpc-go/1.83.0\"", &[611, 506], &["grpc 403"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 404 146 \"-\" \"grpc-go/1.83.0\"", &[601, 503], &["grpc 404"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 405 150 \"-\" \"grpc-go/1.83.0\"", &[601, 604], &["grpc 405", "grpc 415"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 408 0 \"-\" \"grpc-go/1.83.0\"", &[703, 704], &["grpc 408"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 413 176 \"-\" \"grpc-go/1.83.0\"", &[701], &["grpc 413"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 421 170 \"-\" \"grpc-go/1.83.0\"", &[317, 601], &["grpc 421"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/1.1\" 426 0 \"-\" \"grpc-go/1.83.0\"", &[604, 401], &["grpc 426"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 429 169 \"-\" \"grpc-go/1.83.0\"", &[620], &["grpc 429"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 431 0 \"-\" \"grpc-go/1.83.0\"", &[702], &["grpc 431", "grpc 494"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 496 208 \"-\" \"grpc-go/1.83.0\"", &[312], &["grpc 495", "grpc 496"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/1.1\" 497 255 \"-\" \"grpc-go/1.83.0\"", &[301], &["grpc 497"]),
    hints("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 499 0 \"-\" \"grpc-go/1.83.0\"", &[601, 612, 604, 616], &["grpc 499", "grpc 0"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 500 177 \"-\" \"grpc-go/1.83.0\"", &[604, 607, 605], &["grpc 500"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 502 157 \"-\" \"grpc-go/1.83.0\"", &[607, 606, 604, 605, 621, 501], &["grpc 502"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 503 197 \"-\" \"grpc-go/1.83.0\"", &[607, 606, 620, 605, 604, 803, 501], &["grpc 503"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"POST /protobuf.Transport/Connect HTTP/2.0\" 504 167 \"-\" \"grpc-go/1.83.0\"", &[607, 606, 616], &["grpc 504"]),
    hints("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"PRI * HTTP/2.0\" 400 157 \"-\" \"-\"", &[403, 301], &["preface to HTTP/1"]),
    hints("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"\\x16\\x03\\x01\\x02\\x00\\x01\" 400 157 \"-\" \"-\"", &[302], &["TLS to cleartext"]),
    says("{\"level\":\"info\",\"ts\":1795370700.1,\"logger\":\"http.log.access\",\"msg\":\"handled request\",\"request\":{\"method\":\"POST\",\"uri\":\"/protobuf.Transport/Connect\",\"proto\":\"HTTP/2.0\"},\"size\":1290,\"status\":200,\"resp_headers\":{\"Content-Type\":[\"text/html; charset=utf-8\"]}}", &[601, 602, 611], &["grpc html"]),
    hints("2026/11/22 17:25:00 [info] 7#7: *1 handshake rejected while SSL handshaking, client: 10.0.1.5, server: 0.0.0.0:443", &[315], &["nginx handshake rejected"]),
    hints("2026/11/22 17:25:00 [info] 7#7: *1 SSL_do_handshake() failed (SSL: error:0A000102:SSL routines::unsupported protocol) while SSL handshaking, client: 10.0.1.5, server: 0.0.0.0:443", &[310], &["nginx unsupported protocol"]),

    // REST.
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"GET /api/healthz HTTP/1.1\" 502 157 \"-\" \"curl/8.5.0\"", &[505, 501], &["rest 502", "rest 503", "rest 504", "rest upstream"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"GET /api/publicserverinfo HTTP/1.1\" 009 26 \"-\" \"Go-http-client/2.0\"", &[507], &["rest 009", "rest 9", "rest 000"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"GET /api/publicserverinfo HTTP/1.1\" 301 162 \"-\" \"Go-http-client/2.0\"", &[504], &["rest 301", "rest 302", "rest 303", "rest 307", "rest 308"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"GET /api/publicserverinfo HTTP/1.1\" 403 146 \"-\" \"Go-http-client/2.0\"", &[506], &["rest 401", "rest 403", "rest 407", "rest denied"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"GET /api/publicserverinfo HTTP/1.1\" 404 146 \"-\" \"Go-http-client/2.0\"", &[502, 503], &["rest 404"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"GET /api/healthz HTTP/1.1\" 415 0 \"-\" \"curl/8.5.0\"", &[507], &["rest 415"]),
    says("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"GET /api/healthz HTTP/1.1\" 500 22 \"-\" \"curl/8.5.0\"", &[510], &["rest 500"]),
    says("2026/11/22 17:25:00 [error] 7#7: *1 upstream prematurely closed connection while reading response header from upstream, client: 10.0.1.5, server: gateway.example.com, request: \"POST /protobuf.Transport/Connect HTTP/2.0\", upstream: \"http://10.0.0.5:8010/protobuf.Transport/Connect\", host: \"gateway.example.com\"", &[604], &["nginx http upstream"]),

    // Envoy: response flags and details. The status is 200 for every gRPC error that it makes itself.
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UF upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_Connection_refused} - \"delayed_connect_error:_Connection_refused\" 0 0 5 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\" outbound|8010||hoop.default.svc.cluster.local - 10.0.0.9:443 10.0.1.5:50000 gateway.example.com default", &[606, 621], &["envoy UF refused"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UF upstream_reset_before_response_started{remote_connection_failure|TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end} - \"TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end\" 0 0 5 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[605], &["envoy UF tls"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UF 0 0 5 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[606, 605, 621], &["envoy UF"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UH no_healthy_upstream - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[606, 803], &["envoy UH", "envoy LH", "envoy no_healthy_upstream"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UC upstream_reset_before_response_started{connection_termination} - \"-\" 0 0 5 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[605, 606, 604], &["envoy UC", "envoy reset connection_termination"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UC upstream_reset_after_response_started{connection_termination} - \"-\" 120 61 83021 4 \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[613, 606], &["envoy reset later"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UT response_timeout - \"-\" 0 0 15000 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[616, 606, 704], &["envoy UT", "envoy response_timeout", "envoy upstream_response_timeout"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 LR 0 0 5 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[613, 604, 606], &["envoy LR", "envoy UR"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 URX 0 0 5 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[606, 706, 605], &["envoy URX"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UPE upstream_reset_before_response_started{protocol_error} - \"-\" 0 0 5 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[604, 605], &["envoy UPE", "envoy reset protocol_error"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UO upstream_reset_before_response_started{overflow} - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[620, 409], &["envoy UO", "envoy reset overflow"]),
    hints("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 0 DC downstream_remote_disconnect - \"-\" 0 0 5003 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[601, 612, 604, 616], &["envoy DC"]),
    hints("[2026-11-22T17:25:00.123Z] \"- - HTTP/1.1\" 400 DPE http1.codec_error - \"-\" 0 11 0 - \"-\" \"-\" \"-\" \"-\" \"-\"", &[403, 301], &["envoy DPE without a request"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 0 DPE http2.violation.of.messaging.rule - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[405, 702, 313], &["envoy DPE"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 NR route_not_found - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[601], &["envoy NR", "envoy route_not_found"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 FI 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[607, 611], &["envoy FI", "envoy NFCF", "envoy fault_filter_abort", "envoy filter_chain_config_not_found"]),
    hints("[2026-11-22T17:25:00.123Z] \"- - -\" 0 NR filter_chain_not_found - \"-\" 0 0 0 - \"-\" \"-\" \"-\" \"-\" \"-\"", &[315, 301], &["envoy filter_chain_not_found"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 NC cluster_not_found - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[606, 601], &["envoy NC", "envoy cluster_not_found", "envoy DF"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 RL request_rate_limited - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[620], &["envoy RL", "envoy RLSE", "envoy OM", "envoy DO", "envoy local_rate_limited", "envoy request_rate_limited", "envoy rate_limiter_error", "envoy overload"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 UAEX ext_authz_denied - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[611], &["envoy UAEX", "envoy ext_authz_denied", "envoy ext_authz_error"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 - rbac_access_denied_matched_policy[none] - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[611], &["envoy rbac_access_denied_matched_policy", "envoy rbac_access_denied", "envoy jwt_authn_access_denied"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 - direct_response - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[611, 601], &["envoy direct_response"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 400 IH 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[611, 313], &["envoy IH"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 SI stream_idle_timeout - \"-\" 120 61 300001 4 \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[703], &["envoy SI", "envoy stream_idle_timeout"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 DT max_duration_timeout - \"-\" 120 61 60001 4 \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[704], &["envoy DT", "envoy UMSDR", "envoy max_duration_timeout", "envoy upstream_max_stream_duration_reached"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 - request_overall_timeout - \"-\" 0 0 5000 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"10.0.0.5:8010\"", &[704, 616], &["envoy request_overall_timeout", "envoy upstream_per_try_timeout", "envoy request_header_timeout"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 431 - request_headers_too_large - \"-\" 0 0 0 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[702], &["envoy request_headers_too_large", "envoy http2.too_many_headers", "envoy http1.headers_too_large"]),
    says("[2026-11-22T17:25:00.123Z] \"POST /protobuf.Transport/Connect HTTP/2\" 200 - request_payload_too_large - \"-\" 1048600 0 20 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gateway.example.com\" \"-\"", &[701, 612], &["envoy request_payload_too_large"]),
    says("{\"bytes_sent\":1290,\"grpc_status\":\"Unknown\",\"method\":\"POST\",\"path\":\"/protobuf.Transport/Connect\",\"response_code\":200,\"response_code_details\":\"via_upstream\",\"response_flags\":\"-\",\"upstream_host\":\"10.0.0.5:8009\"}", &[601, 604], &["envoy no gRPC status"]),

    // HAProxy: who ended it, and in which phase.
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/<NOSRV> 0/-1/-1/-1/0 503 217 - - SC-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[606, 803], &["haproxy NOSRV"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/g1 0/0/-1/-1/3051 503 217 - - SC-- 1/1/0/0/3 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[606, 605, 604], &["haproxy SC"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/g1 0/0/-1/-1/5002 503 217 - - sC-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[606, 605], &["haproxy sC"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/g1 0/0/1/-1/2 502 209 - - SH-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[604, 605, 606], &["haproxy SH", "haproxy PH"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/g1 0/0/1/-1/50003 504 197 - - sH-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[606, 703, 616, 605], &["haproxy sH"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/g1 0/0/0/1/50003 200 140 - - sD-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[703], &["haproxy sD", "haproxy cD"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/g1 0/0/0/-1/50003 -1 140 - - SD-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[703, 613, 606], &["haproxy SD late"]),
    hints("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/g1 0/0/0/-1/2 -1 77 - - SD-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[618, 617, 610], &["haproxy SD at once"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/g1 0/0/0/1/83021 200 961 - - SD-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[613, 703, 606], &["haproxy SD"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/<NOSRV> 0/5000/-1/-1/5000 503 217 - - sQ-- 1/1/0/0/0 0/1 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[620, 606], &["haproxy sQ"]),
    hints("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ gateway/g1 0/0/1/-1/5003 -1 0 - - CH-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[601, 612, 604, 616], &["haproxy CH"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ fe/<NOSRV> 0/-1/-1/-1/0 403 192 - - PR-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[611], &["haproxy PR"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ fe/<NOSRV> 0/-1/-1/-1/0 301 111 - - LR-- 1/1/0/0/0 0/0 \"POST https://gateway.example.com/protobuf.Transport/Connect HTTP/2.0\"", &[611, 601], &["haproxy LR"]),
    hints("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe fe/<NOSRV> -1/-1/-1/-1/0 400 187 - - PR-- 1/1/0/0/0 0/0 \"<BADREQ>\"", &[403, 301, 702], &["haproxy BADREQ"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe gateway/g1 1/-1/3001 0 SC 1/1/0/0/3 0/0", &[606, 204, 318], &["haproxy tcp SC", "haproxy tcp sC"]),
    says("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe gateway/g1 1/0/60003 961 sD 1/1/0/0/0 0/0", &[703, 411], &["haproxy tcp sD", "haproxy tcp cD"]),
    hints("10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe/1: SSL handshake failure", &[301, 306, 310, 305, 311], &["haproxy handshake"]),

    // AWS ALB.
    says("h2 2026-11-22T17:25:00.123456Z app/hoop/50dc6c495c0c9188 10.0.1.5:50000 - -1 -1 -1 464 - 91 0 \"POST https://gateway.example.com:443/protobuf.Transport/Connect HTTP/2.0\" \"grpc-go/1.83.0\" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - \"Root=1-58337262-36d228ad5d99923122bbe354\" \"gateway.example.com\" \"-\" 0 2026-11-22T17:25:00.122000Z \"forward\" \"-\" \"-\" \"-\" \"-\" \"-\" \"-\"", &[614], &["grpc 464"]),
    says("grpcs 2026-11-22T17:25:00.123456Z app/hoop/50dc6c495c0c9188 10.0.1.5:50000 10.0.0.5:8010 0.000 59.999 -1 460 - 91 0 \"POST https://gateway.example.com:443/protobuf.Transport/Connect HTTP/2.0\" \"grpc-go/1.83.0\" - - arn \"Root=1\" \"gateway.example.com\" \"-\" 0 2026-11-22T17:25:00.122000Z \"forward\" \"-\" \"-\" \"10.0.0.5:8010\" \"-\" \"-\" \"-\"", &[616, 703], &["alb 460"]),
    says("grpcs 2026-11-22T17:25:00.123456Z app/hoop/50dc6c495c0c9188 10.0.1.5:50000 10.0.0.5:8010 0.000 0.001 -1 502 - 91 277 \"POST https://gateway.example.com:443/protobuf.Transport/Connect HTTP/2.0\" \"grpc-go/1.83.0\" - - arn \"Root=1\" \"gateway.example.com\" \"-\" 0 2026-11-22T17:25:00.122000Z \"forward\" \"-\" \"-\" \"10.0.0.5:8010\" \"-\" \"-\" \"-\"", &[606, 604, 605], &["alb 502"]),
    says("grpcs 2026-11-22T17:25:00.123456Z app/hoop/50dc6c495c0c9188 10.0.1.5:50000 - -1 -1 -1 503 - 91 337 \"POST https://gateway.example.com:443/protobuf.Transport/Connect HTTP/2.0\" \"grpc-go/1.83.0\" - - arn \"Root=1\" \"gateway.example.com\" \"-\" 0 2026-11-22T17:25:00.122000Z \"forward\" \"-\" \"-\" \"-\" \"-\" \"-\" \"-\"", &[606, 803], &["alb 503"]),
    says("grpcs 2026-11-22T17:25:00.123456Z app/hoop/50dc6c495c0c9188 10.0.1.5:50000 10.0.0.5:8010 0.000 -1 -1 504 - 91 303 \"POST https://gateway.example.com:443/protobuf.Transport/Connect HTTP/2.0\" \"grpc-go/1.83.0\" - - arn \"Root=1\" \"gateway.example.com\" \"-\" 0 2026-11-22T17:25:00.122000Z \"forward\" \"-\" \"-\" \"10.0.0.5:8010\" \"-\" \"-\" \"-\"", &[606, 703], &["alb 504"]),

    // Proxies written in Go (Caddy, Traefik): what their client said of the gateway.
    says("{\"level\":\"error\",\"ts\":1795370700.1,\"logger\":\"http.log.error\",\"msg\":\"dial tcp 10.0.0.5:8010: connect: connection refused\",\"request\":{\"method\":\"POST\",\"uri\":\"/protobuf.Transport/Connect\",\"proto\":\"HTTP/2.0\"},\"duration\":0.001,\"status\":502}", &[606, 505], &["upstream refused", "upstream dropped", "upstream unknown name"]),
    says("{\"level\":\"error\",\"ts\":1795370700.1,\"logger\":\"http.log.error\",\"msg\":\"no upstreams available\",\"request\":{\"method\":\"POST\",\"uri\":\"/protobuf.Transport/Connect\",\"proto\":\"HTTP/2.0\"},\"duration\":0.001,\"status\":503}", &[606, 803], &["upstream none"]),
    says("{\"level\":\"error\",\"ts\":1795370700.1,\"logger\":\"http.log.error\",\"msg\":\"tls: first record does not look like a TLS handshake\",\"request\":{\"method\":\"POST\",\"uri\":\"/protobuf.Transport/Connect\",\"proto\":\"HTTP/2.0\"},\"duration\":0.001,\"status\":502}", &[605], &["upstream has no TLS", "upstream certificate"]),
    says("{\"level\":\"error\",\"ts\":1795370700.1,\"logger\":\"http.log.error\",\"msg\":\"net/http: HTTP/1.x transport connection broken: malformed HTTP response \\\"\\\\x00\\\\x00\\\\x06\\\\x04\\\\x00\\\"\",\"request\":{\"method\":\"POST\",\"uri\":\"/protobuf.Transport/Connect\",\"proto\":\"HTTP/2.0\"},\"duration\":0.001,\"status\":502}", &[604], &["upstream is HTTP/2", "upstream is HTTP/1"]),
    says("{\"level\":\"error\",\"ts\":1795370700.1,\"logger\":\"http.log.error\",\"msg\":\"unexpected EOF\",\"request\":{\"method\":\"POST\",\"uri\":\"/protobuf.Transport/Connect\",\"proto\":\"HTTP/2.0\"},\"duration\":0.001,\"status\":502}", &[605, 604, 606], &["upstream closed"]),
    says("{\"level\":\"error\",\"ts\":1795370700.1,\"logger\":\"http.log.error\",\"msg\":\"net/http: timeout awaiting response headers\",\"request\":{\"method\":\"POST\",\"uri\":\"/protobuf.Transport/Connect\",\"proto\":\"HTTP/2.0\"},\"duration\":5.001,\"status\":504}", &[606, 616], &["upstream silent"]),
    says("{\"level\":\"warn\",\"ts\":1795370700.1,\"logger\":\"http.handlers.reverse_proxy\",\"msg\":\"aborting with incomplete response\",\"upstream\":\"10.0.0.5:8010\",\"request\":{\"method\":\"POST\",\"uri\":\"/protobuf.Transport/Connect\",\"proto\":\"HTTP/2.0\"},\"error\":\"stream error: stream ID 5; INTERNAL_ERROR; received from peer\"}", &[613, 606], &["upstream cut"]),
    says("{\"level\":\"warn\",\"ts\":1795370700.1,\"logger\":\"http.handlers.reverse_proxy\",\"msg\":\"aborting with incomplete response\",\"upstream\":\"10.0.0.5:8010\",\"request\":{\"method\":\"POST\",\"uri\":\"/protobuf.Transport/Connect\",\"proto\":\"HTTP/2.0\"},\"error\":\"reading: stream error: stream ID 1; INTERNAL_ERROR; i/o timeout\"}", &[704, 703], &["upstream cut in time"]),

    // Frames that Go dumps.
    says("http2: Framer 0xc000218000: read GOAWAY len=22 LastStreamID=2147483647 ErrCode=ENHANCE_YOUR_CALM Debug=\"too_many_pings\"", &[406], &["goaway too_many_pings"]),
    says("http2: Framer 0xc000218000: read GOAWAY len=8 LastStreamID=0 ErrCode=ENHANCE_YOUR_CALM Debug=\"\"", &[702, 406, 405], &["goaway ENHANCE_YOUR_CALM"]),
    says("http2: Framer 0xc000218000: read GOAWAY len=8 LastStreamID=1 ErrCode=FRAME_SIZE_ERROR Debug=\"\"", &[407, 405], &["goaway FRAME_SIZE_ERROR"]),
    says("http2: Framer 0xc000218000: read GOAWAY len=8 LastStreamID=1999 ErrCode=NO_ERROR Debug=\"\"", &[410], &["goaway NO_ERROR"]),
    says("http2: Framer 0xc000218000: read GOAWAY len=8 LastStreamID=1 ErrCode=PROTOCOL_ERROR Debug=\"\"", &[405], &["goaway"]),
    says("http2: Framer 0xc000218000: read RST_STREAM stream=1 len=4 ErrCode=INTERNAL_ERROR", &[613, 604, 701, 703, 704, 702], &["reset INTERNAL_ERROR"]),
    says("http2: Framer 0xc000218000: read RST_STREAM stream=1 len=4 ErrCode=PROTOCOL_ERROR", &[613, 703, 702], &["reset PROTOCOL_ERROR"]),
    says("http2: Framer 0xc000218000: read RST_STREAM stream=1 len=4 ErrCode=REFUSED_STREAM", &[613, 606, 409], &["reset REFUSED_STREAM"]),
    says("http2: Framer 0xc000218000: read RST_STREAM stream=1 len=4 ErrCode=STREAM_CLOSED", &[613, 409], &["reset"]),
    says("http2: Framer 0xc000218000: read SETTINGS len=12, settings: MAX_CONCURRENT_STREAMS=1, INITIAL_WINDOW_SIZE=65536", &[409], &["few streams"]),
    says("http2: decoded hpack field header field \"content-type\" = \"text/html; charset=utf-8\"", &[601, 602, 611, 607], &["html for a call"]),
    says("http2: decoded hpack field header field \"grpc-status\" = \"3\"", &[617], &["grpc-status 3"]),
    says("http2: decoded hpack field header field \"grpc-status\" = \"4\"", &[704, 616], &["grpc-status 4"]),
    says("http2: decoded hpack field header field \"grpc-status\" = \"7\"", &[611], &["grpc-status 7"]),
    says("http2: decoded hpack field header field \"grpc-status\" = \"8\"", &[705, 620], &["grpc-status 8"]),
    says("http2: decoded hpack field header field \"grpc-status\" = \"9\"", &[619, 807], &["grpc-status 9"]),
    says("http2: decoded hpack field header field \"grpc-status\" = \"12\"", &[601, 609, 603, 615], &["grpc-status 12"]),
    says("http2: decoded hpack field header field \"grpc-status\" = \"13\"", &[613, 607], &["grpc-status 13", "grpc-status 2"]),
    says("http2: decoded hpack field header field \"grpc-status\" = \"14\"", &[607, 606, 604, 605, 620], &["grpc-status 14"]),
    says("http2: decoded hpack field header field \"grpc-status\" = \"16\"", &[618, 617, 19, 20, 610], &["grpc-status 16"]),
];
