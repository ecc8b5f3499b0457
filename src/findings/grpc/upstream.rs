//! What a proxy's own answer says of the hop behind it: one table of signatures.

use hoop_doctor_probes::http2::{Answer, CallName, GrpcStatus, Reply};
use hoop_doctor_probes::wire::frame::ErrorCode;
use hoop_doctor_probes::wire::page::{Maker, Mark};
use hoop_doctor_probes::wire::status::{ResetReason, Said, Status};

use super::is_limited;
use crate::evidence::Endpoint;
use crate::experiments::Experiment;
use crate::findings::Draft;
use crate::proxies::{self, Proxy};

/// What is wrong between the proxy and the gateway's gRPC port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The wrong protocol, and nothing else looks like this.
    Protocol,
    /// The wrong protocol, probably.
    ProtocolLikely,
    /// TLS on one side only, probably.
    Tls,
    /// No live target.
    Down,
    /// One of these, the likeliest first.
    Undecided(&'static [(u16, &'static str)]),
}

const REFUSED: (u16, &str) = (606, "nothing listens on the upstream's address, or it is down");
const PROTOCOL: (u16, &str) = (604, "the upstream is the REST port, or another HTTP/1 server");
const TLS_ASKED: (u16, &str) = (605, "the proxy uses TLS, and the gateway's gRPC port has none");
const TLS_MISSING: (u16, &str) = (605, "the proxy uses plaintext, and the gateway's gRPC port has TLS");

const ANY: &[(u16, &str)] = &[REFUSED, PROTOCOL, TLS_ASKED, TLS_MISSING];
const TLS_OR_PROTOCOL: &[(u16, &str)] = &[TLS_ASKED, PROTOCOL, TLS_MISSING];
const REFUSED_OR_TLS: &[(u16, &str)] = &[REFUSED, TLS_ASKED];

/// Judges the hop behind the proxy by what the proxy says itself; `None` where it says nothing of it.
pub(super) fn fault(endpoint: &Endpoint) -> Option<(Fault, String)> {
    if endpoint.reaches_gateway() || is_limited(endpoint) {
        return None;
    }
    let again = [Experiment::ConnectEnded, Experiment::Repeat]
        .into_iter()
        .filter_map(|experiment| endpoint.heard_in(experiment));
    if endpoint
        .base
        .iter()
        .chain(again)
        .flat_map(|heard| heard.answers())
        .any(is_http2_as_http1)
    {
        let sign = "the gateway's HTTP/2 frames come back as an HTTP/1 answer (:status 000)";
        return Some((Fault::Protocol, sign.to_owned()));
    }
    let proxy = proxies::recognise(endpoint).map(|found| found.proxy);
    let connect = endpoint.answer(CallName::Connect)?;
    let hangs = matches!(connect.reply(), Reply::Silent);
    let speaking = match hangs {
        true => endpoint.answer(CallName::HealthCheck)?,
        false => connect,
    };
    let seconds = speaking.duration_ms as f64 / 1000.0;
    let (fault, what) = match speaking.reply() {
        Reply::Grpc(status) => {
            let fault = by_status(status)?;
            (fault, format!("status {} \"{}\"", status.code.0, status.message))
        }
        Reply::Http(head, page) => {
            let fault = by_page(proxy, head.status, page.maker, hangs, speaking.duration_ms)?;
            let what = match &page.title {
                Some(title) => format!("HTTP {} (\"{title}\")", head.status),
                None => format!("HTTP {}", head.status),
            };
            (fault, what)
        }
        Reply::Reset(ErrorCode::INTERNAL_ERROR) if proxy == Some(Proxy::Nginx) => {
            (Fault::ProtocolLikely, "RST_STREAM INTERNAL_ERROR from nginx".to_owned())
        }
        _ => return None,
    };
    let sign = match (hangs, speaking.duration_ms) {
        (true, _) => format!("{what} for a whole request, no answer while it is open"),
        (false, 0..1_000) => format!("{what}, at once"),
        (false, _) => format!("{what} after {seconds:.1} s"),
    };
    Some((fault, sign))
}

/// nginx and `proxy_pass` to a gRPC port: the gateway's SETTINGS frame is taken for an HTTP/0.9 body.
fn is_http2_as_http1(answer: &Answer) -> bool {
    match answer.reply() {
        Reply::Http(head, page) => head.status < 100 || page.mark == Mark::Http2Frame,
        _ => false,
    }
}

/// Envoy says why it gave an upstream up. A status that neither Hoop nor a known rule of a proxy gives is the proxy's own.
fn by_status(status: &GrpcStatus) -> Option<Fault> {
    match status.said {
        Said::NoHealthyUpstream => Some(Fault::Down),
        Said::UpstreamReset { reason, .. } => Some(match reason {
            ResetReason::ConnectionFailure => Fault::Undecided(REFUSED_OR_TLS),
            ResetReason::ConnectionTimeout => Fault::Down,
            ResetReason::ConnectionTermination => Fault::Tls,
            ResetReason::ProtocolError => Fault::ProtocolLikely,
            ResetReason::Overflow => return None,
            ResetReason::Other => Fault::Undecided(ANY),
        }),
        Said::Other | Said::Nothing if matches!(status.code, Status::UNAVAILABLE | Status::INTERNAL) => {
            Some(Fault::Undecided(ANY))
        }
        _ => None,
    }
}

/// Status, template, time and whether the half-open call hangs, by proxy.
fn by_page(proxy: Option<Proxy>, status: u16, maker: Option<Maker>, hangs: bool, after_ms: u64) -> Option<Fault> {
    if !matches!(status, 500 | 502..=504) {
        return None;
    }
    Some(match (proxy, status) {
        (Some(Proxy::Haproxy), 502) => Fault::ProtocolLikely,
        (Some(Proxy::Haproxy), 503) if after_ms < 500 => Fault::Down,
        (Some(Proxy::AwsAlb), 503) => Fault::Down,
        (Some(Proxy::Traefik), 503) => Fault::Down,
        (_, 503) if maker == Some(Maker::Traefik) => Fault::Down,
        (Some(Proxy::Caddy), 502) if hangs => Fault::ProtocolLikely,
        (Some(Proxy::Apache), 500 | 502) => Fault::ProtocolLikely,
        // Traefik, whose pages carry no mark of their own.
        (Some(Proxy::GoHttp | Proxy::Traefik), 500 | 502) if hangs => Fault::ProtocolLikely,
        (Some(Proxy::GoHttp | Proxy::Traefik), 500) => Fault::Undecided(TLS_OR_PROTOCOL),
        (_, 500) => return None,
        _ => Fault::Undecided(ANY),
    })
}

/// The one look that decides: the proxy's own log, or the same check from the proxy's host.
pub(super) fn look(draft: Draft, endpoint: &Endpoint) -> Draft {
    let proxy = proxies::recognise(endpoint).map(|found| found.proxy);
    match proxy {
        Some(Proxy::Nginx | Proxy::IngressNginx) => draft.decide_by_file(
            "/var/log/nginx/error.log",
            "\"connect() failed (111\": HD606; \"too large http2 frame: 4740180\": the REST port, HD604; \
             \"wrong version number\": the gateway has no TLS, HD605; \"prematurely closed connection\": the gateway has TLS, HD605; \
             \"no valid HTTP/1.0 header\": proxy_pass instead of grpc_pass, HD604",
        ),
        Some(Proxy::Haproxy) => draft.decide_by_file(
            "the log of HAProxy, its field termination_state",
            "SC with a refused connection: HD606; to tell TLS from a wrong port, run the check on HAProxy's host: \
             hoop-doctor check --grpc-url grpc://UPSTREAM:8010",
        ),
        Some(Proxy::Envoy | Proxy::Istio) => draft.decide_by_file(
            "Envoy's access log, its field %RESPONSE_FLAGS%",
            "UF: connection failure, HD606 or HD605; UPE: protocol error, HD604; UC: closed by the gateway, HD605; UH: no healthy host, HD606",
        ),
        _ => draft.decide_by_command(
            "hoop-doctor check --grpc-url grpc://127.0.0.1:8010",
            "run on the proxy's host, with the address that its configuration has: refused is HD606, HD301 means that the gateway has TLS \
             (HD605), HD602 that it is the REST port (HD604); healthy means that the proxy speaks the wrong protocol or TLS to it",
        ),
    }
}
