//! What routes allow the streams of an agent or a client.

use super::{Conf, Draft, once};
use crate::findings::Severity;
use crate::findings::limits::header::COMMON;
use crate::findings::limits::held::seconds;
use crate::findings::limits::idle::{KEPT_ALIVE, LONG_ENOUGH};
use crate::proxies::Proxy;
use crate::proxyconf::{From, Limits, Listener, Route, Setting, Speaks};

/// HD701: a stream's bytes are counted.
pub(super) fn body(conf: &Conf<'_>) -> Vec<Draft> {
    of_streams(conf, |route, _, limits| {
        let body = limits.body.as_ref()?;
        let message = format!(
            "a stream to {} may carry {} in all: {}",
            route.path,
            bytes(body.value),
            said(body)
        );
        let draft = Draft::new(
            message,
            "lift the limit for gRPC: a stream lives for days and carries all of an agent's sessions",
        );
        let severity = match body.value {
            MUCH.. => Severity::Warn,
            _ => Severity::Error,
        };
        Some(draft.severity(severity).place(&body.at))
    })
}

/// HD702: a token may be too long.
pub(super) fn header(conf: &Conf<'_>) -> Vec<Draft> {
    of_streams(conf, |_, listener, limits| {
        let header = limits.header.as_ref()?;
        // nginx counts what HPACK makes of it: 6.4 bits for a character of a token.
        let token = match listener.proxy {
            Proxy::Nginx | Proxy::IngressNginx => header.value.saturating_mul(5) / 4,
            _ => header.value,
        };
        let severity = match (header.from, token) {
            (From::Default, ..=LONG_TOKEN) => Severity::Info,
            (From::Written, ..COMMON_TOKEN) => Severity::Error,
            (From::Written, ..=LONG_TOKEN) => Severity::Warn,
            (From::Default | From::Written, _) => return None,
        };
        let message = format!(
            "a request header may have {}: {}; a token with many groups is longer",
            bytes(header.value),
            said(header)
        );
        Some(
            Draft::new(message, "let a header be 64 KiB long")
                .severity(severity)
                .place(&header.at),
        )
    })
}

/// HD703: a quiet stream is ended.
pub(super) fn idle(conf: &Conf<'_>) -> Vec<Draft> {
    of_streams(conf, |route, _, limits| {
        let shortest = limits.idle.iter().min_by_key(|one| one.value)?;
        let severity = match (shortest.value, shortest.from) {
            (LONG_ENOUGH.., _) => return None,
            (..KEPT_ALIVE, _) => Severity::Error,
            (_, From::Written) => Severity::Warn,
            // What everybody has, and the agent's keepalive every 10 s covers.
            (_, From::Default) => Severity::Info,
        };
        let all: Vec<String> = limits
            .idle
            .iter()
            .filter(|one| one.value < LONG_ENOUGH)
            .map(said)
            .collect();
        let message = format!(
            "a stream to {} that is quiet for {} is ended: {}",
            route.path,
            span(shortest.value),
            all.join(", ")
        );
        let draft = Draft::new(message, "set an hour: a session that waits for approval sends nothing");
        Some(draft.severity(severity).place(&shortest.at))
    })
}

/// HD704: a stream is ended whatever flows.
pub(super) fn lifetime(conf: &Conf<'_>) -> Vec<Draft> {
    of_streams(conf, |route, _, limits| {
        let shortest = limits.lifetime.iter().min_by_key(|one| one.value)?;
        let message = format!(
            "a stream to {} is ended {} after it began, whatever flows: {}",
            route.path,
            span(shortest.value),
            said(shortest)
        );
        let severity = match shortest.value {
            DAY.. => Severity::Warn,
            _ => Severity::Error,
        };
        let draft = Draft::new(message, "lift this limit for gRPC: an agent's stream has no end");
        Some(draft.severity(severity).place(&shortest.at))
    })
}

/// HD612: the gateway sees a request when it has ended, and a stream doesn't.
pub(super) fn request_buffered(conf: &Conf<'_>) -> Vec<Draft> {
    let drafts = conf.grpc_forwards().filter_map(|(_, route, to)| {
        let buffers = route
            .buffers_requests
            .as_ref()
            .filter(|one| one.value && to.speaks.value != Speaks::Http1)?;
        let message = format!(
            "requests to {} are collected before the gateway sees any of them: {}",
            route.path,
            said(buffers)
        );
        Some(Draft::new(message, "don't collect requests on the gRPC route").place(&buffers.at))
    });
    once(drafts)
}

/// HD707: what the gateway sends is held back.
pub(super) fn response_buffered(conf: &Conf<'_>) -> Vec<Draft> {
    let drafts = conf.grpc_forwards().filter_map(|(_, route, to)| {
        let buffers = route
            .buffers_responses
            .as_ref()
            .filter(|one| one.value && to.speaks.value != Speaks::Http1)?;
        let message = format!(
            "what the gateway sends through {} is held back: {}",
            route.path,
            said(buffers)
        );
        Some(Draft::new(message, "pass answers of the gRPC route on as they come").place(&buffers.at))
    });
    once(drafts)
}

/// Looks at what holds for each gRPC route: its own limits, and those of its listener.
fn of_streams(conf: &Conf<'_>, look: impl Fn(&Route, &Listener, &Limits) -> Option<Draft>) -> Vec<Draft> {
    let drafts = conf.stream_routes().flat_map(|(site, route)| {
        let listener = site.listener;
        [&route.limits, &listener.limits].map(|limits| look(route, listener, limits))
    });
    once(drafts.flatten())
}

/// A setting as the file has it: `client_max_body_size`, or that it isn't there and the default holds.
pub(super) fn said<T>(setting: &Setting<T>) -> String {
    match setting.from {
        From::Written => setting.name.clone(),
        From::Default => format!("{} is not set", setting.name),
    }
}

/// A time span given in milliseconds.
pub(super) fn span(ms: u64) -> String {
    const MINUTE: u64 = 60_000;
    const HOUR: u64 = 60 * MINUTE;
    match ms {
        HOUR.. if ms.is_multiple_of(HOUR) => format!("{} h", ms / HOUR),
        MINUTE.. if ms.is_multiple_of(MINUTE) && ms > MINUTE => format!("{} min", ms / MINUTE),
        _ if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        _ => seconds(ms),
    }
}

fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS
        .into_iter()
        .find(|(size, _)| count >= *size && count.is_multiple_of(*size));
    match unit {
        Some((size, name)) => format!("{} {name}", count / size),
        None => format!("{count} bytes"),
    }
}

/// A limit on bytes above this is met after weeks.
const MUCH: u64 = 1 << 30;
/// A token as HD702 has it, and one as most are, in bytes.
const LONG_TOKEN: u64 = 8_192;
const COMMON_TOKEN: u64 = COMMON as u64;
/// In milliseconds.
const DAY: u64 = 24 * 3_600_000;
