//! Envoy's and Istio's access logs, text and JSON: response flags, and response code details where they are logged.

use serde_json::Value;

use super::http::quoted;
use super::{Route, by_status, field, first_of};
use crate::explain::messages::Message;

/// What Envoy says of one request.
#[derive(Default)]
struct Answer<'text> {
    target: &'text str,
    status: &'text str,
    /// Separated by commas; `-` for none.
    flags: &'text str,
    /// Response code details and the upstream's transport failure, whatever is there.
    details: &'text str,
}

/// `[TIME] "METHOD TARGET PROTOCOL" STATUS FLAGS …`: the default format, and Istio's, which goes on with the details.
pub(super) fn read(text: &str) -> Option<Vec<&'static Message>> {
    let (time, rest) = text.strip_prefix('[')?.split_once("] \"")?;
    time.starts_with(|char: char| char.is_ascii_digit()).then_some(())?;
    let (request, rest) = quoted(rest)?;
    let mut fields = rest.trim_start().splitn(3, ' ');
    let (status, flags) = (fields.next()?, fields.next()?);
    (is_number(status) && !is_number(flags)).then_some(())?;
    Some(judged(&Answer {
        target: request.split(' ').nth(1).unwrap_or_default(),
        status,
        flags,
        details: fields.next().unwrap_or_default(),
    }))
}

/// The names that Istio and most people give to the fields.
pub(super) fn read_object(object: &Value) -> Option<Vec<&'static Message>> {
    let flags = field(object, "response_flags")?;
    let text = |names: &[&str]| names.iter().find_map(|name| field(object, name)).unwrap_or_default();
    let target = text(&["path", "x_envoy_original_path", "request_path"]);
    let is_call = matches!(Route::of(&target), Route::Connect | Route::Side);
    // Envoy finds no status of gRPC in what the upstream answered.
    if is_call && flags == "-" && text(&["grpc_status"]) == "Unknown" && text(&["response_code"]) == "200" {
        return Some(first_of(&["envoy no gRPC status"]));
    }
    let details = [
        text(&["response_code_details"]),
        text(&["connection_termination_details"]),
        text(&["upstream_transport_failure_reason"]),
    ];
    Some(judged(&Answer {
        target: &target,
        status: &text(&["response_code", "status"]),
        flags: &flags,
        details: &details.join(" "),
    }))
}

fn judged(answer: &Answer<'_>) -> Vec<&'static Message> {
    let flag = answer.flags.split(',').next().unwrap_or_default();
    // No request was read: who that was can't be told.
    if matches!(answer.target, "-" | "") {
        return match flag {
            _ if answer.details.contains("filter_chain_not_found") => first_of(&["envoy filter_chain_not_found"]),
            "DPE" => first_of(&["envoy DPE without a request"]),
            _ => Vec::new(),
        };
    }
    match Route::of(answer.target) {
        Route::Other => Vec::new(),
        Route::Rest => rest(flag, answer),
        route @ (Route::Connect | Route::Side) => call(flag, route, answer),
    }
}

fn call(flag: &str, route: Route, answer: &Answer<'_>) -> Vec<&'static Message> {
    let detail = answer.details.split([' ', '{', '[']).next().unwrap_or_default();
    let named = format!("envoy {detail}");
    let reset = reset(answer.details).map(|reason| format!("envoy reset {reason}"));
    match flag {
        // The client left; whether it had waited for an answer in vain shows in the status.
        "DC" if answer.status == "0" => first_of(&["envoy DC"]),
        "DC" => Vec::new(),
        "UF" | "URX" if is_tls(answer.details) => first_of(&["envoy UF tls"]),
        "UF" | "URX" if is_refused(answer.details) => first_of(&["envoy UF refused"]),
        "UF" if answer.flags.contains("URX") => first_of(&["envoy URX"]),
        "UC" | "UR" | "LR" if detail == "upstream_reset_after_response_started" => first_of(&["envoy reset later"]),
        "-" | "" => {
            let signs = first_of(&[&named, reset.as_deref().unwrap_or_default()]);
            match signs.is_empty() {
                true => by_status(route, answer.status, false),
                false => signs,
            }
        }
        flag => first_of(&[&format!("envoy {flag}"), &named]),
    }
}

fn rest(flag: &str, answer: &Answer<'_>) -> Vec<&'static Message> {
    match flag {
        "UF" | "UH" | "LH" | "UC" | "UT" | "UR" | "URX" | "UPE" | "UO" | "NC" | "DF" => first_of(&["rest upstream"]),
        "UAEX" => first_of(&["rest denied"]),
        "DC" => Vec::new(),
        _ if answer.details.starts_with("rbac_access_denied") => first_of(&["rest denied"]),
        _ => by_status(Route::Rest, answer.status, false),
    }
}

/// Why the upstream's stream was reset, from `upstream_reset_before_response_started{REASON…}`.
fn reset(details: &str) -> Option<&str> {
    let (_, reason) = details.split_once("upstream_reset_before_response_started{")?;
    reason.split(['}', ',', '|']).next()
}

fn is_tls(details: &str) -> bool {
    [
        "TLS_error",
        "TLS error",
        "WRONG_VERSION_NUMBER",
        "CERTIFICATE_VERIFY_FAILED",
    ]
    .iter()
    .any(|word| details.contains(word))
}

fn is_refused(details: &str) -> bool {
    [
        "onnection_refused",
        "onnection refused",
        "delayed_connect_error:_111",
        "immediate_connect_error",
    ]
    .iter()
    .any(|word| details.contains(word))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
