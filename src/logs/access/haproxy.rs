//! HAProxy's logs in its HTTP and TCP formats: the termination state, and what became of connections that never were one.

use super::http::quoted;
use super::{Route, by_status, first_of};
use crate::explain::messages::Message;

/// `CLIENT [DAY/MONTH/YEAR:TIME.MS] FRONTEND BACKEND/SERVER TIMERS …`
pub(super) fn read(text: &str) -> Option<Vec<&'static Message>> {
    let (_, rest) = text.split_once(" [")?;
    let (time, rest) = rest.split_once("] ")?;
    is_time(time).then_some(())?;
    if let Some((_, problem)) = rest.split_once(": ").filter(|(listener, _)| !listener.contains(' ')) {
        return match problem {
            "SSL handshake failure" => Some(first_of(&["haproxy handshake"])),
            // Health checks.
            problem if problem.starts_with("Connection ") || problem.starts_with("Timeout ") => Some(Vec::new()),
            // What it says is a message.
            _ => None,
        };
    }
    let fields: Vec<&str> = rest.split(' ').take(MOST_FIELDS).collect();
    let [_, backend, timers, third, ..] = fields.as_slice() else {
        return None;
    };
    let server = backend.rsplit('/').next().unwrap_or_default();
    let timers: Vec<&str> = timers.split('/').collect();
    match (timers.len(), fields.get(4..)) {
        (3, Some([state, ..])) => Some(tcp(state)),
        (5, Some([_, _, _, state, ..])) => {
            let total = timers
                .last()
                .and_then(|total| total.trim_start_matches('+').parse().ok());
            let request = rest.split_once(" \"").and_then(|(_, rest)| quoted(rest));
            let request = request.map_or("", |(request, _)| request);
            Some(http(third, state, server, total.unwrap_or(0), request))
        }
        _ => None,
    }
}

/// `total` is in milliseconds.
fn http(status: &str, state: &str, server: &str, total: u64, request: &str) -> Vec<&'static Message> {
    let state = state.get(..2).unwrap_or_default();
    if request == "<BADREQ>" {
        // Without a byte of a request it is a health check or a browser's idle connection.
        return match state {
            "PR" => first_of(&["haproxy BADREQ"]),
            _ => Vec::new(),
        };
    }
    let route = Route::of(request.split(' ').nth(1).unwrap_or_default());
    let is_call = match route {
        Route::Connect | Route::Side => true,
        Route::Rest => false,
        Route::Other => return Vec::new(),
    };
    match state {
        "SC" | "sC" | "SH" | "sH" | "PH" | "sQ" if !is_call => first_of(&["rest upstream"]),
        "PR" if status == "403" && !is_call => first_of(&["rest denied"]),
        _ if !is_call => by_status(route, status, false),
        "SC" if server == "<NOSRV>" => first_of(&["haproxy NOSRV"]),
        "SD" if status == "-1" && total < LONGEST_ANSWER => first_of(&["haproxy SD at once"]),
        "SD" if status == "-1" => first_of(&["haproxy SD late"]),
        // Denied, or refused as malformed or too large.
        "PR" if status != "403" => by_status(route, status, false),
        "LR" if status.starts_with('2') => Vec::new(),
        "LR" if !status.starts_with('3') => by_status(route, status, false),
        "CD" | "CC" | "CQ" | "CR" => Vec::new(),
        "--" => by_status(route, status, false),
        state => first_of(&[&format!("haproxy {state}"), &format!("grpc {status}")]),
    }
}

fn tcp(state: &str) -> Vec<&'static Message> {
    match state {
        "SC" | "sC" | "sD" | "cD" => first_of(&[&format!("haproxy tcp {state}")]),
        _ => Vec::new(),
    }
}

/// `22/Nov/2026:17:25:00.123`; other logs have no milliseconds there.
fn is_time(text: &str) -> bool {
    let (Some(bytes), Some(millis)) = (text.as_bytes().first_chunk::<20>(), text.get(20..)) else {
        return false;
    };
    let separators = [bytes[2], bytes[6], bytes[11], bytes[14], bytes[17]];
    separators == *b"//:::" && millis.len() == 4 && millis.starts_with('.')
}

/// A gateway answers a token that it does not take within this many milliseconds.
const LONGEST_ANSWER: u64 = 5_000;
/// Enough for all fields up to the termination state.
const MOST_FIELDS: usize = 9;
