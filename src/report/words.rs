//! Evidence in a few words: what a line of the ladder or of the list of probes has room for.
//!
//! The words say what was seen; what it means is for the findings.

use std::net::IpAddr;

use hoop_doctor_probes::auth::Withheld;
use hoop_doctor_probes::conversation::{Heard, OldHello, Unasked};
use hoop_doctor_probes::dns::{Dns, DnsFailure, DnsSource};
use hoop_doctor_probes::forward::{NoAnswer, Tunnel};
use hoop_doctor_probes::http2::{Answer, CallName, ConnectionEnd, Http2, Reply, StreamEnd};
use hoop_doctor_probes::rest::Http1;
use hoop_doctor_probes::tcp::{Attempt, TcpFailure, Unreachable};
use hoop_doctor_probes::tls::{Tls, TlsFailure, alert_name};
use hoop_doctor_probes::wire::frame::MAX_CONCURRENT_STREAMS;
use hoop_doctor_probes::wire::opening::{FirstBytes, Opening};
use hoop_doctor_probes::x509::Verdict;

use super::timestamp;
use crate::evidence::auth::NotTried;
use crate::evidence::{Endpoint, Target};
use crate::layers::Layer;

/// What a rung that holds showed, as far as it is worth a line.
pub(super) fn rung(layer: Layer, endpoint: &Endpoint) -> String {
    match layer {
        Layer::Rest | Layer::Grpc => replies_in_brief(endpoint),
        Layer::Config | Layer::Dns | Layer::Tcp | Layer::Tls | Layer::Http2 => broken_rung(layer, endpoint),
    }
}

/// What a rung that broke showed.
pub(super) fn broken_rung(layer: Layer, endpoint: &Endpoint) -> String {
    let shown = match layer {
        Layer::Config => Some(target(&endpoint.target)),
        Layer::Dns => endpoint.resolved().map(|found| match &endpoint.target.via {
            Some(via) => format!("the forward proxy {}: {}", via.host, dns(found)),
            None => dns(found),
        }),
        Layer::Tcp => Some(connections(endpoint)),
        Layer::Tls => endpoint.tls().map(|tls| match tls {
            Ok(tls) => agreed(tls),
            Err(failure) => tls_failure(failure),
        }),
        Layer::Http2 => endpoint.http2().map(limits_and_end),
        Layer::Rest | Layer::Grpc => Some(replies(endpoint)),
    };
    shown.unwrap_or_default()
}

/// Why a rung broke.
pub(super) fn failure(layer: Layer, endpoint: &Endpoint) -> String {
    match layer {
        Layer::Config | Layer::Dns | Layer::Tcp | Layer::Tls => broken_rung(layer, endpoint),
        Layer::Http2 => "no SETTINGS came".to_owned(),
        Layer::Rest | Layer::Grpc => "no usable answer".to_owned(),
    }
}

/// Whether a rung has no result only because the run was ended while it was awaited.
pub(super) fn is_cut_short(layer: Layer, endpoint: &Endpoint) -> bool {
    let open = || {
        let answers = endpoint.base.iter().flat_map(Heard::answers);
        answers.into_iter().any(|answer| answer.end == StreamEnd::Open)
    };
    match layer {
        Layer::Config => false,
        Layer::Dns => endpoint
            .resolved()
            .is_some_and(|dns| dns.failure == Some(DnsFailure::Interrupted)),
        Layer::Tcp => endpoint
            .attempts()
            .iter()
            .any(|attempt| attempt.outcome == Err(TcpFailure::Interrupted)),
        Layer::Tls => endpoint.tls_failure() == Some(&TlsFailure::Interrupted),
        Layer::Http2 => endpoint.http2().is_some_and(|http2| http2.end.is_none()),
        Layer::Rest | Layer::Grpc => open(),
    }
}

fn target(target: &Target) -> String {
    let security = match (target.tls, target.verify) {
        (false, _) => "plaintext",
        (true, true) => "TLS",
        (true, false) => "TLS, certificates are not checked",
    };
    let security = match target.tls && target.server_name != target.host {
        true => format!("{security}, as {}", target.server_name),
        false => security.to_owned(),
    };
    match &target.via {
        Some(via) => format!("{security}, through the forward proxy {}", via.shown()),
        None => security,
    }
}

/// What a name resolved to.
pub(super) fn dns(dns: &Dns) -> String {
    if let Some(failure) = &dns.failure {
        return match failure {
            DnsFailure::Refused { text } => text.clone(),
            DnsFailure::TimedOut => "no answer".to_owned(),
            DnsFailure::Interrupted => "interrupted".to_owned(),
        };
    }
    let addresses = listed(dns.addresses.iter().map(IpAddr::to_string).collect());
    match dns.source {
        _ if dns.addresses.is_empty() => "no address".to_owned(),
        DnsSource::Literal => "an address already".to_owned(),
        DnsSource::Given => format!("{addresses}, given by --resolve"),
        DnsSource::System => addresses,
    }
}

fn connections(endpoint: &Endpoint) -> String {
    let used = endpoint.chosen.map(|addr| addr.to_string());
    let others = endpoint
        .attempts()
        .iter()
        .filter(|attempt| Some(attempt.addr) != endpoint.chosen);
    let failed = others
        .filter(|attempt| attempt.outcome.is_err())
        .map(|attempt| format!("{} {}", attempt.addr, tcp(attempt)));
    let connected = listed(used.into_iter().chain(failed).collect());
    let tunnel = endpoint.forward.as_ref().and_then(|forward| forward.tunnel.as_ref());
    match tunnel {
        Some(tunnel) => format!(
            "{connected}, CONNECT {}: {}",
            endpoint.target.address(),
            self::tunnel(tunnel)
        ),
        None => connected,
    }
}

/// What a forward proxy says to CONNECT.
pub(super) fn tunnel(tunnel: &Tunnel) -> String {
    match &tunnel.answer {
        Ok(answer) => format!("{} {}", answer.head.status, answer.head.reason)
            .trim_end()
            .to_owned(),
        Err(NoAnswer::Ended { end }) => connection_end(*end),
        Err(NoAnswer::NotHttp { first }) => format!("the answer is not HTTP: {}", first_bytes(first)),
        Err(NoAnswer::TimedOut) => "no answer".to_owned(),
        Err(NoAnswer::Interrupted) => "interrupted".to_owned(),
    }
}

/// What came of an attempt to connect.
pub(super) fn tcp(attempt: &Attempt) -> String {
    let Err(failure) = &attempt.outcome else {
        return "connected".to_owned();
    };
    match failure {
        TcpFailure::Refused => "refused".to_owned(),
        TcpFailure::TimedOut => "no answer".to_owned(),
        TcpFailure::Unreachable { what } => match what {
            Unreachable::Network => "network unreachable",
            Unreachable::Host => "host unreachable",
            Unreachable::Forbidden => "forbidden on this machine",
            Unreachable::AddressNotAvailable => "no such address family here",
        }
        .to_owned(),
        TcpFailure::Reset => "reset".to_owned(),
        TcpFailure::Interrupted => "interrupted".to_owned(),
        TcpFailure::Other { text } => text.clone(),
    }
}

/// A handshake as the ladder shows it.
fn agreed(tls: &Tls) -> String {
    let protocol = match &tls.alpn {
        Some(alpn) => format!("{}, ALPN {alpn}", tls.version),
        None => format!("{}, no ALPN", tls.version),
    };
    let Some(leaf) = tls.chain.certs.first() else {
        return protocol;
    };
    let name = leaf.dns_names.first().cloned();
    let name = name.or_else(|| leaf.ip_addresses.first().map(IpAddr::to_string));
    let name = name.unwrap_or_else(|| leaf.subject.clone());
    let until = timestamp(leaf.not_after);
    let day = until.split('T').next().unwrap_or_default();
    format!("{protocol}, {name} until {day}")
}

/// A handshake as the list of probes shows it; `now` is when the run started, in Unix seconds.
pub(super) fn tls(tls: &Result<Tls, TlsFailure>, now: i64) -> String {
    let tls = match tls {
        Ok(tls) => tls,
        Err(failure) => return tls_failure(failure),
    };
    let verdict = match &tls.chain.verdict {
        Verdict::Trusted(_) => "trusted".to_owned(),
        Verdict::Rejected(rejection) => rejection.go_text(now),
    };
    format!("{}, {}, {verdict}", agreed(tls), tls.cipher)
}

fn tls_failure(failure: &TlsFailure) -> String {
    match failure {
        TlsFailure::NotTls { first } => format!("the answer is not TLS: {}", first_bytes(first)),
        TlsFailure::Alert { description, .. } => format!("alert {description} {}", alert_name(*description)),
        TlsFailure::Closed => "closed after our hello".to_owned(),
        TlsFailure::Reset => "reset after our hello".to_owned(),
        TlsFailure::TimedOut => "no answer to our hello".to_owned(),
        TlsFailure::UnofferedAlpn => "the server chose a protocol that was not offered".to_owned(),
        TlsFailure::InvalidName => "the host can't stand in a hello".to_owned(),
        TlsFailure::Protocol { text } => text.clone(),
        TlsFailure::Interrupted => "interrupted".to_owned(),
    }
}

/// HTTP/2 as the ladder shows it: what can hurt, and how it ended.
fn limits_and_end(http2: &Http2) -> String {
    // Where a setting comes twice, the last one holds (RFC 9113, section 6.5.3).
    let mut settings = http2.settings.iter().flatten().rev();
    let most = settings.find(|one| one.id == MAX_CONCURRENT_STREAMS);
    let streams = http2.settings.is_some().then(|| match most {
        Some(most) => format!("at most {} streams", most.value),
        None => "any number of streams".to_owned(),
    });
    joined(streams.into_iter().chain(ended(http2)))
}

/// HTTP/2 as the list of probes shows it.
pub(super) fn http2(http2: &Http2) -> String {
    let settings = match &http2.settings {
        None => format!("no SETTINGS; {}", first_bytes(&http2.first)),
        Some(settings) => {
            let shown: Vec<String> = settings
                .iter()
                .map(|one| format!("{}={}", one.name(), one.value))
                .collect();
            format!("SETTINGS {}", shown.join(" "))
        }
    };
    joined([settings].into_iter().chain(ended(http2)))
}

pub(super) fn ended(http2: &Http2) -> impl Iterator<Item = String> {
    let goaway = http2.goaway.as_ref().map(|goaway| match goaway.debug.as_str() {
        "" => format!("GOAWAY {}", goaway.code.name()),
        debug => format!("GOAWAY {} \"{debug}\"", goaway.code.name()),
    });
    goaway.into_iter().chain(http2.end.map(connection_end))
}

/// HTTP/1 as the list of probes shows it.
pub(super) fn http1(http1: &Http1) -> String {
    joined(
        [first_bytes(&http1.first)]
            .into_iter()
            .chain(http1.end.map(connection_end)),
    )
}

/// What came where nothing had been asked.
pub(super) fn unasked(unasked: &Unasked) -> String {
    joined(
        [first_bytes(&unasked.first)]
            .into_iter()
            .chain(unasked.end.map(connection_end)),
    )
}

/// What a server says to an older client.
pub(super) fn old_hello(said: &OldHello) -> String {
    match said {
        OldHello::Chosen(choice) => format!("chooses {} and {}", choice.version, choice.suite_name()),
        OldHello::Alert { description } => format!("alert {description} {}", alert_name(*description)),
        OldHello::Nothing {
            end: Some(ConnectionEnd::Malformed),
        } => "what came is no answer to the hello".to_owned(),
        OldHello::Nothing { end: Some(end) } => connection_end(*end),
        OldHello::Nothing { end: None } => "no answer".to_owned(),
    }
}

fn connection_end(end: ConnectionEnd) -> String {
    match end {
        ConnectionEnd::Closed => "closed by the server".to_owned(),
        ConnectionEnd::Reset => "reset by the server".to_owned(),
        ConnectionEnd::Alert { description } => {
            format!("ended by the TLS alert {description} {}", alert_name(description))
        }
        ConnectionEnd::Malformed => "what came is not HTTP".to_owned(),
        ConnectionEnd::FrameTooLarge => "a frame of more than 16384 bytes came".to_owned(),
        ConnectionEnd::TooMuch => "more came than is read".to_owned(),
    }
}

fn first_bytes(first: &FirstBytes) -> String {
    let speaks = match &first.opening {
        Opening::Nothing => return "not one byte came".to_owned(),
        Opening::Http2 => "HTTP/2 answers",
        Opening::Http1 { .. } => "HTTP/1 answers",
        Opening::TlsAlert { description } => return format!("TLS answers with the alert {}", alert_name(*description)),
        Opening::Tls => "TLS answers",
        Opening::Ssh => "SSH answers",
        Opening::Greeting220 => "SMTP or FTP answers",
        Opening::Mysql => "MySQL answers",
        Opening::Redis => "Redis answers",
        Opening::Html => "HTML without HTTP",
        Opening::Unknown => return format!("bytes {}", first.hex),
    };
    match &first.line {
        Some(line) => format!("{speaks}: {line}"),
        None => speaks.to_owned(),
    }
}

/// The answers to the calls that Hoop itself would make, without what they say in words.
fn replies_in_brief(endpoint: &Endpoint) -> String {
    let calls = [
        CallName::Connect,
        CallName::PreConnect,
        CallName::HealthCheck,
        CallName::Healthz,
        CallName::PublicServerInfo,
    ];
    let answers = calls.into_iter().filter_map(|call| endpoint.answer(call));
    joined(answers.map(|answer| {
        let said = match answer.reply() {
            Reply::Grpc(status) => format!("{} {}", status.code.0, status.code.name()),
            Reply::Http(head, _) => format!("HTTP {:03}", head.status),
            other => reply(&other),
        };
        format!("{} {said}", call_name(answer))
    }))
}

/// Calls that were answered alike share their answer.
fn replies(endpoint: &Endpoint) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for first in endpoint.base.iter().flat_map(Heard::answers) {
        let answer = endpoint.answer(first.call).unwrap_or(first);
        let (said, name) = (reply(&answer.reply()), call_name(answer));
        match groups.iter_mut().find(|(other, _)| *other == said) {
            Some((_, names)) => names.push(name),
            None => groups.push((said, vec![name])),
        }
    }
    let shown: Vec<String> = match groups.as_slice() {
        [(said, names)] if names.len() > 1 => vec![format!("every call: {said}")],
        groups => groups
            .iter()
            .map(|(said, names)| format!("{}: {said}", names.join(", ")))
            .collect(),
    };
    shown.join("; ")
}

/// Why a credential was not tried.
pub(super) fn not_tried(why: NotTried) -> &'static str {
    match why {
        NotTried::AgentKey => {
            "nothing that an agent's key can do is without effect: the gateway would take this program for the agent"
        }
        NotTried::NoToken => "no token is configured",
        NotTried::MalformedToken => "no request can carry a token like this one",
        NotTried::Certificate => "the token stays here: the certificate is not accepted",
        NotTried::NoGateway => "no Hoop gateway answers that could judge a token",
        NotTried::GatewayUnwell => "the gateway says that it can't judge any token now",
        NotTried::OriginRemoved => "the gateway judges no token of a call without `origin`, which the proxy removes",
    }
}

/// Why a credential was not sent although there was a connection for it.
pub(super) fn withheld(why: Withheld) -> &'static str {
    match why {
        Withheld::Certificate => "the token stays here: the certificate on its own connection is not accepted",
        Withheld::Channel => "the token stays here: the connection is not what the configuration says",
    }
}

/// The name of a call in reports.
pub(super) fn call_name(answer: &Answer) -> String {
    let name = serde_json::to_value(answer.call).unwrap_or_default();
    name.as_str().unwrap_or_default().replace('_', "-")
}

/// What an answer amounts to.
pub(super) fn reply(reply: &Reply<'_>) -> String {
    match reply {
        Reply::Grpc(status) if status.message.is_empty() => format!("{} {}", status.code.0, status.code.name()),
        Reply::Grpc(status) => format!("{} {} \"{}\"", status.code.0, status.code.name(), status.message),
        Reply::Http(head, page) => match (head.field("content-type"), &page.title) {
            (_, Some(title)) => format!("HTTP {:03} \"{title}\"", head.status),
            (Some(kind), None) => {
                let kind = kind.split(';').next().unwrap_or_default();
                format!("HTTP {:03} {kind}", head.status)
            }
            (None, None) => format!("HTTP {:03}", head.status),
        },
        Reply::NoStatus(head) => format!("HTTP {:03} without a gRPC status", head.status),
        Reply::Reset(code) => format!("RST_STREAM {}", code.name()),
        Reply::Refused => "refused unprocessed".to_owned(),
        Reply::Lost => "the connection ended first".to_owned(),
        Reply::Silent => "no answer".to_owned(),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// The first few of many.
fn listed(mut all: Vec<String>) -> String {
    let more = all.len().saturating_sub(MOST_LISTED);
    all.truncate(MOST_LISTED);
    match more {
        0 => all.join(", "),
        more => format!("{} and {more} more", all.join(", ")),
    }
}

const MOST_LISTED: usize = 4;
