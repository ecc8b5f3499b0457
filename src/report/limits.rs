//! What `--deep` measured, in words: what held, what didn't, and what could not be looked at.

use hoop_doctor_probes::grpc::MAX_MESSAGE;
use hoop_doctor_probes::http2::{CallName, Http2, Reply, StreamEnd, Tokens};

use super::{LimitReport, Status, words};
use crate::evidence::{Border, Endpoint, Held, Kind, Life, Measured, Pace, fed};

/// One line for each thing that was to be measured; `hold_ms` is `None` where nothing was.
pub(super) fn limits(endpoint: &Endpoint, hold_ms: Option<u64>) -> Vec<LimitReport> {
    let Some(hold_ms) = hold_ms.filter(|_| endpoint.target.kind == Kind::Grpc) else {
        return Vec::new();
    };
    let Some(measured) = &endpoint.measured else {
        return vec![not_tried("streams", "no stream reaches the gateway")];
    };
    let mut lines = vec![body(endpoint, measured), metadata(measured)];
    lines.extend(number(measured));
    match measured.held.is_empty() {
        true => lines.push(not_tried(
            "time",
            "HealthCheck doesn't reach the gateway, and it is the only call that waits without a credential",
        )),
        false => {
            lines.extend(measured.held.iter().map(|held| time(held, hold_ms)));
            lines.push(beyond(hold_ms));
        }
    }
    lines
}

fn body(endpoint: &Endpoint, measured: &Measured) -> LimitReport {
    const NAME: &str = "body";
    if let Some(Border { passes, fails, .. }) = &measured.declared {
        let summary = format!("{passes} bytes may be declared, {fails} may not");
        return line(NAME, Status::Failed, summary);
    }
    let declared =
        matches!(endpoint.reply(CallName::DeclaredBody), Some(Reply::Grpc(status)) if status.said.is_gateway());
    let and_declared = if declared { ", and as many may be declared" } else { "" };
    let Some(sent) = &measured.sent else {
        let why = format!(
            "HealthCheck doesn't reach the gateway, so nothing could be sent{}",
            match declared {
                true => format!("; {MAX_MESSAGE} bytes may be declared"),
                false => String::new(),
            }
        );
        return not_tried(NAME, why);
    };
    let Some((answer, fed)) = fed(&sent.coarse) else {
        return not_tried(NAME, "there was no connection");
    };
    match (sent.cut(), answer.end) {
        _ if answer.is_ok() => line(NAME, Status::Ok, format!("{} bytes arrive{and_declared}", sent.message)),
        (Some((outlived, cut)), _) => line(NAME, Status::Failed, format!("cut after {outlived} to {cut} bytes")),
        (None, StreamEnd::Open) => line(
            NAME,
            Status::Ok,
            format!("{} bytes passed in the time there was{and_declared}", fed.outlived),
        ),
        (None, _) => line(
            NAME,
            Status::Failed,
            format!("ended after {} bytes ({})", fed.outlived, end(&sent.coarse)),
        ),
    }
}

fn metadata(measured: &Measured) -> LimitReport {
    let long = match &measured.long_field {
        None => "a token of 8 KiB passes".to_owned(),
        Some(Border { passes, fails, how }) => {
            format!(
                "a token of {passes} bytes passes, one of {fails} doesn't ({})",
                end(how)
            )
        }
    };
    let many = match &measured.many_fields {
        None => "so do 64 fields of a usual length".to_owned(),
        Some(Border { passes, fails, .. }) => {
            format!("{passes} fields of {} bytes pass, {fails} don't", 26 * Tokens::UNIT)
        }
    };
    let status = match measured.long_field {
        None => Status::Ok,
        Some(_) => Status::Failed,
    };
    line("metadata", status, format!("{long}; {many}"))
}

fn number(measured: &Measured) -> Option<LimitReport> {
    let crowd = measured.crowd.as_ref()?;
    let how = match crowd.held {
        true => "at a time",
        false => "one after the other",
    };
    let whole = crowd.served == crowd.opened;
    let summary = match whole {
        true => format!("{} calls {how} on one connection", crowd.opened),
        false => format!(
            "of {} calls {how} on one connection {} were answered",
            crowd.opened, crowd.served
        ),
    };
    Some(line(
        "streams",
        if whole { Status::Ok } else { Status::Failed },
        summary,
    ))
}

fn time(held: &Held, hold_ms: u64) -> LimitReport {
    let name = match held.pace {
        Pace::NoStream => "no stream",
        Pace::Silent => "silent",
        Pace::Keepalive => "trickle",
        Pace::Busy => "busy",
    };
    let what = match held.pace {
        Pace::NoStream => "a connection without streams",
        Pace::Silent => "a stream on which nothing flows",
        Pace::Keepalive => "a stream with a byte now and then, as an agent's keepalive",
        Pace::Busy => "a stream with a byte a second",
    };
    match held.life() {
        Life::Lived => line(name, Status::Ok, format!("{what} lived {}", seconds(hold_ms))),
        Life::Cut { after_ms } => {
            let end = held.http2.as_ref().map(end).unwrap_or_default();
            // Nobody needs a connection without streams.
            let status = match held.pace {
                Pace::NoStream => Status::Ok,
                Pace::Silent | Pace::Keepalive | Pace::Busy => Status::Failed,
            };
            line(
                name,
                status,
                format!("{what} was cut after {} ({end})", seconds(after_ms)),
            )
        }
        Life::Forgotten => line(
            name,
            Status::Failed,
            format!(
                "{what} seemed to live {}, but nothing came back any more",
                seconds(hold_ms)
            ),
        ),
        Life::Unwatched => not_tried(name, "the run ended first, or there was no connection"),
    }
}

/// What this can't show is said, whatever was found.
fn beyond(hold_ms: u64) -> LimitReport {
    not_tried(
        "beyond",
        format!(
            "limits longer than {}, and how long a gateway may be silent once it has answered (nginx: grpc_read_timeout)",
            seconds(hold_ms)
        ),
    )
}

/// How a stream or its connection ended.
fn end(http2: &Http2) -> String {
    let connection = words::ended(http2).collect::<Vec<_>>().join(", ");
    match http2.answers.first().map(|answer| words::reply(&answer.reply())) {
        Some(reply) if connection.is_empty() => reply,
        Some(reply) => format!("{reply}, {connection}"),
        None => connection,
    }
}

fn line(name: &'static str, status: Status, summary: String) -> LimitReport {
    LimitReport {
        name: name.to_owned(),
        status,
        summary,
    }
}

fn not_tried(name: &'static str, why: impl Into<String>) -> LimitReport {
    line(name, Status::NotTried, why.into())
}

fn seconds(ms: u64) -> String {
    match ms % 1_000 {
        0 => format!("{} s", ms / 1_000),
        rest => format!("{}.{} s", ms / 1_000, rest / 100),
    }
}
