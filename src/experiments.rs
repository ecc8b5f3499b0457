//! What to try once something is wrong: a pure choice from the evidence, and the conversation that carries it out.
//!
//! A healthy target pays for none of these.

use hoop_doctor_probes::conversation::{Conversation, Heard, Prelude, Security, Speech};
use hoop_doctor_probes::grpc;
use hoop_doctor_probes::http2::{Answer, CallName, Reply};
use hoop_doctor_probes::rest;
use hoop_doctor_probes::tls::{Alpn, Hello, Offer, TlsFailure};
use hoop_doctor_probes::wire::page::Mark;
use hoop_doctor_probes::wire::status::Status;
use serde::{Deserialize, Serialize};

use crate::config;
use crate::evidence::{Endpoint, Kind, Target};

/// A second look, and what it tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Experiment {
    /// Plaintext where Hoop uses TLS, and the other way round: a wrong scheme from a dead service.
    OppositeScheme,
    /// A hello that offers `h2` and `http/1.1`: HTTP/2 that is switched off from TLS that is refused.
    OfferBoth,
    /// A hello without the post-quantum key share, small enough for one packet: a hop that drops large hellos.
    SmallHello,
    /// One PROXY line in front: a listener that waits for it from one that is broken.
    ProxyLine,
    /// HTTP/2 inside a TLS that chose no protocol: ALPN that is missing from HTTP/2 that is missing.
    PrefaceWithoutAlpn,
    /// A connection on which we say nothing: a hop that closes at once from one that dislikes what we say.
    Listen,
    /// `Connect` that ends at once: a proxy that waits for the end of the request from one that doesn't route it.
    ConnectEnded,
    /// REST over HTTP/1.1 on the gRPC port: Hoop's own REST port from a proxy that doesn't route gRPC.
    RestHere,
    /// The base calls once more: a fault from a fluke.
    Repeat,
    /// A hello up to TLS 1.2 with suites that are given up: what a server that refuses ours would choose.
    OldHello,
    /// A hello without the server's name: a hop that refuses this name from one that refuses TLS.
    NamelessHello,
    /// The base calls at another address of the name: one of several servers from all of them.
    OtherAddress,
    /// The base calls in small packets: a way on which large ones vanish from a server that is silent.
    SmallSegments,
    /// The base calls past the forward proxy: a fault of the way from one of the gateway.
    OtherWay,
}

/// The sizes of [`Experiment::SmallSegments`], largest first; with 40 bytes of headers in IPv4 they are packets of
/// 1480 (PPPoE carries 1492), 1400 (WireGuard 1420), 1260 (just below what IPv6 promises), and the 576 that every host takes.
pub const SEGMENTS: [u16; 4] = [1440, 1360, 1220, 536];

impl Experiment {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::OppositeScheme => "opposite-scheme",
            Self::OfferBoth => "offer-both",
            Self::SmallHello => "small-hello",
            Self::ProxyLine => "proxy-line",
            Self::PrefaceWithoutAlpn => "preface-without-alpn",
            Self::Listen => "listen",
            Self::ConnectEnded => "connect-ended",
            Self::RestHere => "rest-here",
            Self::Repeat => "repeat",
            Self::OldHello => "old-hello",
            Self::NamelessHello => "nameless-hello",
            Self::OtherAddress => "other-address",
            Self::SmallSegments => "small-segments",
            Self::OtherWay => "other-way",
        }
    }

    /// The conversation that carries it out.
    pub fn conversation(self, target: &Target) -> Conversation {
        let calls = || match target.kind {
            Kind::Grpc => vec![grpc::call(CallName::ConnectEnded), grpc::call(CallName::HealthCheck)],
            Kind::Rest => rest::base_calls(&target.base_path),
        };
        let own = match target.kind {
            Kind::Grpc => Speech::Http2(calls()),
            Kind::Rest => Speech::ByAlpn(calls()),
        };
        let base = base_security(target);
        let without = |hello| {
            Security::Tls(Offer {
                hello,
                ..Offer::of(alpn(target.kind))
            })
        };
        let (security, speech) = match self {
            Self::OppositeScheme if target.tls => (Security::Plaintext, own),
            Self::OppositeScheme => (Security::Tls(Offer::of(alpn(target.kind))), own),
            Self::OfferBoth => {
                let both = Security::Tls(Offer::of(Alpn::H2AndHttp11));
                (both, Speech::ByAlpn(rest::base_calls(&target.base_path)))
            }
            Self::SmallHello => (without(Hello::Small), own),
            Self::NamelessHello => (without(Hello::Nameless), own),
            Self::ProxyLine => (base, own),
            Self::PrefaceWithoutAlpn => (base, Speech::Http2Anyway(calls())),
            Self::Listen => (Security::Plaintext, Speech::Listen),
            Self::ConnectEnded => {
                let calls = [CallName::ConnectEnded, CallName::ConnectBegun].map(grpc::call);
                (base, Speech::Http2(calls.into()))
            }
            Self::RestHere => {
                let http1 = match target.tls {
                    true => Security::Tls(Offer::of(Alpn::Http11)),
                    false => Security::Plaintext,
                };
                (http1, Speech::Http1(vec![rest::call(CallName::Healthz, "")]))
            }
            Self::Repeat | Self::OtherAddress | Self::SmallSegments | Self::OtherWay => (base, base_speech(target)),
            // The bytes are TLS, but not of the library's making.
            Self::OldHello => (Security::Plaintext, Speech::OldHello),
        };
        let prelude = match self {
            Self::ProxyLine => Prelude::ProxyLine,
            _ => Prelude::None,
        };
        Conversation {
            prelude,
            security,
            speech,
        }
    }
}

/// The conversation of a healthy check.
pub fn base(target: &Target) -> Conversation {
    Conversation {
        prelude: Prelude::None,
        security: base_security(target),
        speech: base_speech(target),
    }
}

fn base_speech(target: &Target) -> Speech {
    match target.kind {
        Kind::Grpc => Speech::Http2(grpc::base_calls(&target.origin)),
        Kind::Rest => {
            let mut calls = rest::base_calls(&target.base_path);
            if target
                .via
                .as_ref()
                .is_some_and(|via| via.speech == config::Speech::Requests)
            {
                // A proxy for requests passes no upgrade on, and who wants one asks for a tunnel.
                calls.retain(|call| call.name != CallName::WebSocket);
            }
            Speech::ByAlpn(calls)
        }
    }
}

fn base_security(target: &Target) -> Security {
    match target.tls {
        true => Security::Tls(Offer::of(alpn(target.kind))),
        false => Security::Plaintext,
    }
}

/// grpc-go offers `h2` alone, Go's net/http also `http/1.1`.
fn alpn(kind: Kind) -> Alpn {
    match kind {
        Kind::Grpc => Alpn::H2,
        Kind::Rest => Alpn::H2AndHttp11,
    }
}

/// What would tell the remaining causes apart; empty for a healthy endpoint.
///
/// `base` may still be going on: what has not come yet counts as silence.
pub fn choose(endpoint: &Endpoint) -> Vec<Experiment> {
    let Some(base) = &endpoint.base else {
        let shut_out = endpoint.forward.is_some() && !endpoint.is_connected();
        return shut_out.then_some(Experiment::OtherWay).into_iter().collect();
    };
    let mut chosen = at_the_broken_rung(endpoint, base);
    if endpoint.is_answered() {
        return chosen;
    }
    if endpoint.other_addresses().next().is_some() {
        chosen.push(Experiment::OtherAddress);
    }
    if endpoint.target.via.is_some() {
        chosen.push(Experiment::OtherWay);
    }
    chosen
}

fn at_the_broken_rung(endpoint: &Endpoint, base: &Heard) -> Vec<Experiment> {
    if endpoint.target.tls {
        match &base.tls {
            None | Some(Err(TlsFailure::TimedOut)) => {
                let mut after_silence = vec![
                    Experiment::OppositeScheme,
                    Experiment::SmallHello,
                    Experiment::NamelessHello,
                    Experiment::Listen,
                ];
                // Our segments go no further than the forward proxy, which makes its own.
                if endpoint.target.via.is_none() {
                    after_silence.push(Experiment::SmallSegments);
                }
                return after_silence;
            }
            Some(Err(failure)) => return after_tls_failure(failure),
            Some(Ok(_)) => {}
        }
    }
    match endpoint.target.kind {
        Kind::Grpc => after_grpc(endpoint, base),
        Kind::Rest => after_rest(endpoint, base),
    }
}

fn after_tls_failure(failure: &TlsFailure) -> Vec<Experiment> {
    match failure {
        TlsFailure::NotTls { .. } => vec![Experiment::OppositeScheme],
        TlsFailure::Alert {
            description: NO_APPLICATION_PROTOCOL,
            ..
        }
        | TlsFailure::UnofferedAlpn => vec![Experiment::OfferBoth],
        TlsFailure::Alert {
            description: HANDSHAKE_FAILURE | PROTOCOL_VERSION | INSUFFICIENT_SECURITY,
            client_cert_requested: false,
        } => vec![Experiment::OldHello],
        TlsFailure::Closed | TlsFailure::Reset => vec![
            Experiment::OppositeScheme,
            Experiment::OfferBoth,
            Experiment::SmallHello,
            Experiment::NamelessHello,
            Experiment::ProxyLine,
            Experiment::Listen,
            Experiment::Repeat,
        ],
        TlsFailure::Alert { .. }
        | TlsFailure::TimedOut
        | TlsFailure::InvalidName
        | TlsFailure::Protocol { .. }
        | TlsFailure::Interrupted => Vec::new(),
    }
}

/// Alerts (RFC 8446, section 6.2).
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
const INSUFFICIENT_SECURITY: u8 = 71;
/// RFC 7301, section 3.2.
const NO_APPLICATION_PROTOCOL: u8 = 120;

fn after_grpc(endpoint: &Endpoint, base: &Heard) -> Vec<Experiment> {
    let no_alpn = endpoint
        .handshake()
        .is_some_and(|tls| tls.alpn.as_deref() != Some("h2"));
    if no_alpn {
        return vec![Experiment::PrefaceWithoutAlpn];
    }
    let settings = base.http2.as_ref().is_some_and(|http2| http2.settings.is_some());
    if !settings {
        return match endpoint.target.tls {
            true => Vec::new(),
            false => vec![
                Experiment::OppositeScheme,
                Experiment::ProxyLine,
                Experiment::Listen,
                Experiment::RestHere,
                Experiment::Repeat,
            ],
        };
    }
    match endpoint.reply(CallName::Connect) {
        // What is recycled, or fails for some calls, does so again or was a fluke.
        Some(Reply::Grpc(status)) if status.said.is_gateway() => match is_whole(base) {
            true => Vec::new(),
            false => vec![Experiment::Repeat],
        },
        // nginx with `proxy_pass` hangs or not by chance: a second look may show what the first didn't.
        Some(Reply::Silent) if matches!(endpoint.reply(CallName::HealthCheck), Some(Reply::Silent)) => {
            vec![Experiment::ConnectEnded, Experiment::RestHere, Experiment::Repeat]
        }
        Some(Reply::Silent) => vec![Experiment::ConnectEnded, Experiment::RestHere],
        // A redirect to TLS on the very same port may be the way there.
        Some(Reply::Http(head, _)) if !endpoint.target.tls && matches!(head.status, 300..=399) => {
            vec![Experiment::OppositeScheme, Experiment::RestHere]
        }
        // One of several targets may be somebody else.
        Some(Reply::Http(head, _)) if head.status < 400 || head.status == 404 => {
            vec![Experiment::RestHere, Experiment::Repeat]
        }
        // What took seconds was no limiter, and would take them again.
        Some(_)
            if endpoint
                .answer(CallName::Connect)
                .is_some_and(|answer| answer.duration_ms < AT_ONCE) =>
        {
            vec![Experiment::Repeat]
        }
        Some(_) | None => Vec::new(),
    }
}

/// Whether the connection stays open and no call fails, or gets to somebody else, in a way that another try could mend.
fn is_whole(base: &Heard) -> bool {
    let fails = |answer: &Answer| match answer.reply() {
        // No route needs to lead a method to the gateway that it doesn't have.
        Reply::Http(head, _) if head.status < 400 || head.status == 404 => answer.call != CallName::UnknownMethod,
        Reply::Http(head, _) => head.status >= 500,
        Reply::Grpc(status) => status.code == Status::UNAVAILABLE,
        Reply::Reset(_) | Reply::Lost => true,
        Reply::NoStatus(_) | Reply::Refused | Reply::Silent => false,
    };
    let recycled = base.http2.as_ref().is_some_and(|http2| http2.goaway.is_some());
    !recycled && !base.answers().any(fails)
}

/// An answer within this many milliseconds was given at once.
const AT_ONCE: u64 = 1_000;

fn after_rest(endpoint: &Endpoint, base: &Heard) -> Vec<Experiment> {
    let mute = base.answers().all(|answer| answer.head.is_none());
    let wants_tls = |reply: &Reply<'_>| matches!(reply, Reply::Http(_, page) if page.mark == Mark::PlainToHttps);
    match endpoint.reply(CallName::Healthz) {
        Some(reply) if wants_tls(&reply) => vec![Experiment::OppositeScheme],
        _ if mute && !endpoint.target.tls => {
            vec![Experiment::OppositeScheme, Experiment::ProxyLine, Experiment::Listen]
        }
        _ => Vec::new(),
    }
}
