//! 2xx: from the address to an open connection.

use hoop_doctor_probes::forward::{NoAnswer, Refusal, Tunnel};
use hoop_doctor_probes::http2::{CallName, ConnectionEnd, Reply};
use hoop_doctor_probes::wire::page::Mark;

use super::grpc::is_gateways;
use super::{Draft, Rule};
use crate::evidence::{Endpoint, Kind, Target};
use crate::experiments::Experiment;

mod closed_at_once;
mod forward_refused;
mod forward_scheme;
mod forward_split;
mod forward_unreachable;
mod mtu_black_hole;
mod proxy_protocol;
mod refused;
mod silent;
mod some_fail;
mod timeout;
mod tunnel;
mod unreachable;

#[cfg(test)]
mod fixture;

pub(super) const RULES: &[&Rule] = &[
    &refused::RULE,
    &timeout::RULE,
    &unreachable::RULE,
    &closed_at_once::RULE,
    &some_fail::RULE,
    &mtu_black_hole::RULE,
    &tunnel::RULE,
    &forward_refused::RULE,
    &forward_unreachable::RULE,
    &forward_scheme::RULE,
    &forward_split::RULE,
    &silent::RULE,
    &proxy_protocol::RULE,
];

/// The same where it may hang up before them.
pub(super) fn closed(target: &Target) -> Vec<String> {
    let dialling = "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: connect: connection reset by peer\"";
    let texts = hung_up(target).iter().chain([&dialling]);
    texts.map(ToString::to_string).collect()
}

/// What grpc-go prints where the other side hangs up at our first bytes: a close and a reset race, and so do reading and
/// writing.
fn hung_up(target: &Target) -> &'static [&'static str] {
    match target.tls {
        true => &[
            "connection error: desc = \"transport: authentication handshake failed: EOF\"",
            "connection error: desc = \"transport: authentication handshake failed: read tcp {local}->{addr}: read: connection reset by peer\"",
            "connection error: desc = \"transport: authentication handshake failed: write tcp {local}->{addr}: write: connection reset by peer\"",
            "connection error: desc = \"transport: authentication handshake failed: write tcp {local}->{addr}: write: broken pipe\"",
        ],
        false => &[
            "connection error: desc = \"error reading server preface: EOF\"",
            "connection error: desc = \"error reading server preface: connection reset by peer\"",
            "rpc error: code = Unavailable desc = write tcp {local}->{addr}: write: connection reset by peer",
            "rpc error: code = Unavailable desc = write tcp {local}->{addr}: write: broken pipe",
        ],
    }
}

/// Whether a gateway answers where the forward proxy is left out.
fn works_past(endpoint: &Endpoint) -> bool {
    let Some(heard) = endpoint.heard_in(Experiment::OtherWay) else {
        return false;
    };
    match endpoint.target.kind {
        Kind::Grpc => !endpoint.reaches_gateway() && heard.answer(CallName::Connect).is_some_and(is_gateways),
        Kind::Rest => {
            let healthz = heard.answer(CallName::Healthz);
            let alive =
                |reply| matches!(reply, Reply::Http(head, page) if head.status == 200 && page.mark == Mark::LivenessOk);
            !endpoint.is_healthy_rest() && healthz.is_some_and(|answer| alive(answer.reply()))
        }
    }
}

/// The command that leaves the forward proxy out, where that works.
fn past(draft: Draft, endpoint: &Endpoint) -> Draft {
    match works_past(endpoint) {
        true => draft.shell(format!(
            "export NO_PROXY=\"${{NO_PROXY:+$NO_PROXY,}}{}\"",
            endpoint.target.host
        )),
        false => draft,
    }
}

/// What Go prints of a CONNECT that led nowhere. grpc-go sets no limit to the wait for an answer, and prints nothing.
fn connect_logged(endpoint: &Endpoint, tunnel: &Tunnel) -> Vec<String> {
    let grpc = |text: String| {
        vec![format!(
            "connection error: desc = \"transport: Error while dialing: {text}"
        )]
    };
    let reading = |text: &str| grpc(format!("reading server HTTP response: {text}"));
    match (&tunnel.answer, endpoint.target.kind) {
        (Ok(Refusal { head, .. }), Kind::Grpc) => grpc(format!(
            "failed to do connect handshake, response: \\\"HTTP/1.{} {} {}",
            head.minor, head.status, head.reason
        )),
        // net/http prints the words behind the status and nothing else.
        (Ok(Refusal { head, .. }), Kind::Rest) => vec![format!("Get \"https://{{url}}\": {}", head.reason)],
        (
            Err(NoAnswer::Ended {
                end: ConnectionEnd::Reset,
            }),
            Kind::Grpc,
        ) => reading("read tcp {local}->{addr}: read: connection reset by peer"),
        (Err(NoAnswer::Ended { .. }), Kind::Grpc) => reading("unexpected EOF"),
        (Err(NoAnswer::NotHttp { first }), Kind::Grpc) if first.hex.starts_with(HTTP1) => reading("unexpected EOF"),
        (Err(NoAnswer::NotHttp { .. }), Kind::Grpc) => reading("malformed HTTP "),
        (Err(_), Kind::Rest) | (Err(NoAnswer::TimedOut | NoAnswer::Interrupted), Kind::Grpc) => Vec::new(),
    }
}

/// `HTTP/1.`
const HTTP1: &str = "48 54 54 50 2f 31 2e";
