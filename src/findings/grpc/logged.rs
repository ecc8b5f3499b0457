//! What grpc-go prints for an answer, to the letter (`internal/transport/http2_client.go`, `operateHeaders` and `handleRSTStream`).

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::{Answer, CallName, Head, Reply};
use hoop_doctor_probes::wire::frame::ErrorCode;

use super::is_gateways;
use crate::evidence::Endpoint;
use crate::experiments::Experiment;
use crate::proxies::{self, Proxy};

/// What an agent's `Connect` ends with.
pub(in crate::findings) fn by_connect(endpoint: &Endpoint) -> Vec<String> {
    let texts = endpoint.answer(CallName::Connect).map(by_call).unwrap_or_default();
    with_the_other_of_haproxy(endpoint, texts)
}

/// HAProxy gives a call up that it can't pass on with 503 or with REFUSED_STREAM, as its retries happen to end.
fn with_the_other_of_haproxy(endpoint: &Endpoint, mut texts: Vec<String>) -> Vec<String> {
    const EITHER: [&str; 2] = [
        "rpc error: code = Unavailable desc = unexpected HTTP status code received from server: 503 (Service Unavailable); \
         transport: received unexpected content-type \"text/html\"",
        "rpc error: code = Unavailable desc = stream terminated by RST_STREAM with error code: REFUSED_STREAM",
    ];
    let is_haproxy = || proxies::recognise(endpoint).is_some_and(|found| found.proxy == Proxy::Haproxy);
    let has = |texts: &[String], text: &str| texts.iter().any(|one| one == text);
    if EITHER.iter().any(|text| has(&texts, text)) && is_haproxy() {
        let missing: Vec<&str> = EITHER.into_iter().filter(|text| !has(&texts, text)).collect();
        texts.extend(missing.into_iter().map(str::to_owned));
    }
    texts
}

/// What any call ends with, where chance decides which way a call fails.
pub(super) fn by_any(endpoint: &Endpoint) -> Vec<String> {
    let heard = endpoint.base.iter().chain(endpoint.heard_in(Experiment::Repeat));
    let mut texts = by_connect(endpoint);
    for text in heard
        .flat_map(Heard::answers)
        .filter(|answer| !is_gateways(answer))
        .flat_map(by_call)
    {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    with_the_other_of_haproxy(endpoint, texts)
}

/// What a call with this answer ends with; a race can give several.
pub(in crate::findings) fn by_call(answer: &Answer) -> Vec<String> {
    let error = |code: &str, text: String| format!("rpc error: code = {code} desc = {text}");
    match answer.reply() {
        Reply::Grpc(status) => {
            let mut texts = vec![error(&status.code.name(), status.message.clone())];
            // Whether a call was tried again before it is given up differs from call to call.
            if status.message.contains(RETRIED) {
                texts.push(error(&status.code.name(), status.message.replace(RETRIED, "")));
            }
            // An upstream that hangs up after bytes that are no HTTP/2 is given up for either.
            if let Some(before) = status.message.strip_suffix("protocol error") {
                texts.push(error(&status.code.name(), format!("{before}connection termination")));
            }
            texts
        }
        Reply::Http(head, _) => {
            let mut texts = vec![error(code_of(head.status), http(head))];
            // Envoy sends the end of a page in a frame of its own, over which grpc-go forgets what it read of a short one.
            if head.field("server").is_some_and(|server| server.contains("envoy")) {
                texts.push(error("Internal", NO_TRAILERS.to_owned()));
            }
            texts
        }
        Reply::NoStatus(_) => vec![error("Internal", NO_TRAILERS.to_owned())],
        Reply::Reset(code) => vec![error(
            reset(code),
            format!("stream terminated by RST_STREAM with error code: {}", code.name()),
        )],
        Reply::Refused => {
            vec![error(
                "Unavailable",
                "stream terminated by RST_STREAM with error code: REFUSED_STREAM".to_owned(),
            )]
        }
        Reply::Lost => vec![
            error("Unavailable", "error reading from server: EOF".to_owned()),
            error(
                "Unavailable",
                "error reading from server: read tcp {local}->{addr}: read: connection reset by peer".to_owned(),
            ),
            // In plaintext grpc-go reads without Go's wrapping.
            error(
                "Unavailable",
                "error reading from server: connection reset by peer".to_owned(),
            ),
        ],
        // Hoop sets no deadline, so that nothing is printed at all.
        Reply::Silent => Vec::new(),
    }
}

const NO_TRAILERS: &str = "server closed the stream without sending trailers";

fn http(head: &Head) -> String {
    let status = match head.status {
        0 => "malformed header: missing HTTP status".to_owned(),
        code => format!(
            "unexpected HTTP status code received from server: {code} ({})",
            status_text(code)
        ),
    };
    let content_type = match head.field("content-type") {
        Some(kind) => format!("transport: received unexpected content-type \"{kind}\""),
        None => "malformed header: missing HTTP content-type".to_owned(),
    };
    format!("{status}; {content_type}")
}

/// Envoy, between "before headers." and the reason.
const RETRIED: &str = "retried and the latest ";

/// `HTTPStatusConvTab`.
fn code_of(status: u16) -> &'static str {
    match status {
        0 | 400 => "Internal",
        401 => "Unauthenticated",
        403 => "PermissionDenied",
        404 => "Unimplemented",
        429 | 502..=504 => "Unavailable",
        _ => "Unknown",
    }
}

/// `http2ErrConvTab`.
fn reset(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::REFUSED_STREAM => "Unavailable",
        ErrorCode::CANCEL => "Canceled",
        ErrorCode::ENHANCE_YOUR_CALM => "ResourceExhausted",
        _ => "Internal",
    }
}

/// Go's `http.StatusText`, for what proxies answer.
fn status_text(code: u16) -> &'static str {
    match code {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::by_call;
    use hoop_doctor_probes::http2::{Answer, CallName, Head, StreamEnd};
    use hoop_doctor_probes::wire::frame::ErrorCode;
    use hoop_doctor_probes::wire::header::Field;
    use hoop_doctor_probes::wire::page::Page;

    fn answer(head: Option<Head>, end: StreamEnd) -> Answer {
        Answer {
            call: CallName::Connect,
            page: head.is_some().then(|| Page::read(None, b"<html>")),
            head,
            trailers: None,
            end,
            duration_ms: 1,
            fed: None,
        }
    }

    fn head(status: u16, content_type: Option<&str>) -> Head {
        let field = |value: &str| Field {
            name: "content-type".to_owned(),
            value: value.to_owned(),
        };
        Head {
            status,
            grpc: None,
            fields: content_type.map(field).into_iter().collect(),
        }
    }

    #[test]
    fn an_http_answer_is_worded_with_its_status_and_content_type() {
        assert_eq!(
            by_call(&answer(Some(head(502, Some("text/html"))), StreamEnd::Ended)),
            [
                "rpc error: code = Unavailable desc = unexpected HTTP status code received from server: 502 (Bad Gateway); \
                 transport: received unexpected content-type \"text/html\""
            ]
        );
        assert_eq!(
            by_call(&answer(Some(head(464, None)), StreamEnd::Ended)),
            [
                "rpc error: code = Unknown desc = unexpected HTTP status code received from server: 464 (); \
                 malformed header: missing HTTP content-type"
            ]
        );
    }

    #[test]
    fn a_reset_has_the_code_that_grpc_go_maps_it_to() {
        let reset = |code| by_call(&answer(None, StreamEnd::Reset { code }));
        assert_eq!(
            reset(ErrorCode::INTERNAL_ERROR),
            ["rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: INTERNAL_ERROR"]
        );
        assert_eq!(
            reset(ErrorCode::CANCEL),
            ["rpc error: code = Canceled desc = stream terminated by RST_STREAM with error code: CANCEL"]
        );
    }
}
