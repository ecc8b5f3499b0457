//! The case file: everything that was seen, and nothing that was concluded.

use std::net::{IpAddr, SocketAddr};

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::dns::Dns;
use hoop_doctor_probes::forward::Tunnel;
use hoop_doctor_probes::http2::{Answer, CallName, Http2, Reply};
use hoop_doctor_probes::route::Route;
use hoop_doctor_probes::tcp::{Attempt, TcpFailure};
use hoop_doctor_probes::tls::{Tls, TlsFailure};
use hoop_doctor_probes::wire::opening::FirstBytes;
use hoop_doctor_probes::wire::page::Mark;
use hoop_doctor_probes::wire::status::Status;
use hoop_doctor_probes::x509::Verdict;
use serde::{Deserialize, Serialize};

mod measured;

pub use measured::{Border, Crowd, Held, Life, Measured, Pace, Sent, fed};

use crate::config::{Discovery, Speech, Via};
use crate::experiments::Experiment;
use crate::logs::Logs;
use crate::proxyconf::ProxyConf;

pub mod auth;

use auth::Auth;

/// What a diagnosis is made from.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What Hoop would read on this machine.
    pub config: Discovery,
    /// What was seen on the network.
    pub wire: Wire,
    /// What log files say; `None` where none was given.
    pub logs: Option<Logs>,
    /// What configuration files of proxies say; `None` where none was given.
    pub proxyconf: Option<ProxyConf>,
}

/// What was seen on the network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wire {
    /// Seconds since the epoch, by this machine's clock, when the run started.
    pub started_at: i64,
    /// How long the run took.
    pub duration_ms: u64,
    /// Whether the run was cut short by the user.
    pub interrupted: bool,
    /// How long streams were to be watched, in milliseconds; `None` without `--deep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u64>,
    /// One entry for each target, in the order of the plan.
    pub endpoints: Vec<Endpoint>,
}

/// A place to reach, and the way Hoop would go there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// gRPC or REST.
    pub kind: Kind,
    /// As configured, without secrets.
    pub url: String,
    /// The host name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether Hoop would use TLS.
    pub tls: bool,
    /// Whether Hoop would check the certificate.
    pub verify: bool,
    /// The name in the hello, and in the certificate.
    pub server_name: String,
    /// `:authority` or `Host`.
    pub authority: String,
    /// The path of the API URL without its last slash; empty for gRPC.
    pub base_path: String,
    /// `agent` or `client`: what `origin` says.
    pub origin: String,
    /// Whether a CA of the configuration replaces the system's.
    pub custom_ca: bool,
    /// Addresses given with `--resolve`.
    pub given: Vec<IpAddr>,
    /// The forward proxy on the way; `None` where Hoop goes directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// Which of the gateway's two ports a target stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 8010.
    Grpc,
    /// 8009.
    Rest,
}

/// Everything that was seen of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `grpc` or `rest`, with a number where there are several.
    pub id: String,
    /// What was to be reached.
    pub target: Target,
    /// Indices into the identities that use it.
    pub identities: Vec<usize>,
    /// The name's addresses; `None` if the run ended before, and behind a forward proxy, which looks them up itself.
    pub dns: Option<Dns>,
    /// One attempt for each address.
    pub tcp: Vec<Attempt>,
    /// How the forward proxy was reached; `None` where Hoop goes directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<Forward>,
    /// The address that the conversations used, which is the forward proxy's where there is one.
    pub chosen: Option<SocketAddr>,
    /// The way to that address, or to the first one where none was reached; `None` where the system doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// The conversation of a healthy check.
    pub base: Option<Heard>,
    /// The calls that were refused unprocessed, asked again on a new connection.
    pub again: Option<Heard>,
    /// What was tried because something was wrong.
    pub trials: Vec<Trial>,
    /// What `--deep` measured; `None` without it, and where no stream reaches a gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// What came of the credentials, where `--auth` allows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth: Vec<Auth>,
    /// Where this program broke while it looked, as `file:line`.
    pub malfunction: Option<String>,
}

/// The way to a forward proxy, and through it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forward {
    /// The proxy's addresses; `None` if the run ended before.
    pub dns: Option<Dns>,
    /// One attempt for each of them.
    pub tcp: Vec<Attempt>,
    /// What it said to CONNECT; `None` where that was not asked.
    pub tunnel: Option<Tunnel>,
}

/// An experiment and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What was tried.
    pub experiment: Experiment,
    /// The size that both sides' segments were limited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<u16>,
    /// Its connection; `None` where the name has no address to connect to.
    pub tcp: Option<Attempt>,
    /// What was heard; `None` where there was no connection.
    pub heard: Option<Heard>,
}

impl Target {
    /// `host:port`, with brackets around an IPv6 address.
    pub fn address(&self) -> String {
        host_port(&self.host, self.port)
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub fn host_port(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

impl Kind {
    /// `grpc` or `rest`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Rest => "rest",
        }
    }
}

impl Endpoint {
    /// A target of which nothing was seen yet.
    pub fn new(id: String, target: Target, identities: Vec<usize>) -> Self {
        Self {
            id,
            target,
            identities,
            dns: None,
            tcp: Vec::new(),
            forward: None,
            chosen: None,
            route: None,
            base: None,
            again: None,
            trials: Vec::new(),
            measured: None,
            auth: Vec::new(),
            malfunction: None,
        }
    }

    /// The handshake, if there was one and it is over.
    pub fn tls(&self) -> Option<&Result<Tls, TlsFailure>> {
        self.base.as_ref()?.tls.as_ref()
    }

    /// The finished handshake.
    pub fn handshake(&self) -> Option<&Tls> {
        self.tls()?.as_ref().ok()
    }

    /// Why there was no handshake.
    pub fn tls_failure(&self) -> Option<&TlsFailure> {
        self.tls()?.as_ref().err()
    }

    /// What was heard over HTTP/2, as Hoop would speak it.
    pub fn http2(&self) -> Option<&Http2> {
        self.base.as_ref()?.http2.as_ref()
    }

    /// The answer to a base call: the second one where the first was refused unprocessed.
    pub fn answer(&self, call: CallName) -> Option<&Answer> {
        let again = self.again.as_ref().and_then(|again| again.answer(call));
        again.or_else(|| self.base.as_ref()?.answer(call))
    }

    /// What the answer to a base call amounts to.
    pub fn reply(&self, call: CallName) -> Option<Reply<'_>> {
        self.answer(call).map(Answer::reply)
    }

    /// The addresses of whatever is connected to: the forward proxy's where there is one.
    pub fn resolved(&self) -> Option<&Dns> {
        match &self.forward {
            Some(forward) => forward.dns.as_ref(),
            None => self.dns.as_ref(),
        }
    }

    /// The attempts to connect to it.
    pub fn attempts(&self) -> &[Attempt] {
        match &self.forward {
            Some(forward) => &forward.tcp,
            None => &self.tcp,
        }
    }

    /// Whether conversations can begin: a connection stands, and leads through the forward proxy where there is one.
    pub fn is_connected(&self) -> bool {
        let is_through = match (&self.target.via, &self.forward) {
            (Some(via), Some(forward)) if via.speech == Speech::Connect => {
                forward.tunnel.as_ref().is_some_and(Tunnel::is_open)
            }
            _ => true,
        };
        self.chosen.is_some() && is_through
    }

    /// The name's addresses beside the one that the conversations used; none behind a forward proxy, which picks them itself.
    pub fn other_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let all = self.dns.iter().flat_map(|dns| &dns.addresses).copied();
        let chosen = self.chosen.map(|addr| addr.ip());
        all.filter(move |ip| chosen.is_some_and(|chosen| chosen != *ip))
    }

    /// The result of an experiment, if it was made.
    pub fn trial(&self, experiment: Experiment) -> Option<&Trial> {
        self.trials.iter().find(|trial| trial.experiment == experiment)
    }

    /// What was heard in an experiment, if it got as far as a connection.
    pub fn heard_in(&self, experiment: Experiment) -> Option<&Heard> {
        self.trial(experiment)?.heard.as_ref()
    }

    /// The trials of [`Experiment::SmallSegments`], the largest first.
    pub fn in_segments(&self) -> impl Iterator<Item = (u16, &Heard)> {
        let trials = self.trials.iter();
        trials.filter_map(|trial| Some((trial.segment?, trial.heard.as_ref()?)))
    }

    /// Why there is no connection: the first attempt's failure, which is what Go reports.
    pub fn connect_failure(&self) -> Option<(&Attempt, &TcpFailure)> {
        if self.chosen.is_some() {
            return None;
        }
        let attempt = self.tcp.first()?;
        attempt.outcome.as_ref().err().map(|failure| (attempt, failure))
    }

    /// Whether the server took part in the conversation that Hoop would have: a handshake, SETTINGS, or an HTTP answer.
    pub fn is_spoken_to(&self) -> bool {
        let Some(base) = &self.base else {
            return false;
        };
        let settings = base.http2.as_ref().is_some_and(|http2| http2.settings.is_some());
        self.handshake().is_some() || settings || base.answers().any(|answer| answer.head.is_some())
    }

    /// Whether `Connect`, the call that decides, reaches a Hoop gateway.
    pub fn reaches_gateway(&self) -> bool {
        self.is_gateway(CallName::Connect)
    }

    /// Whether a stream gets to a Hoop gateway, at once or when its first bytes have come.
    pub fn gets_through(&self) -> bool {
        let begun = self
            .heard_in(Experiment::ConnectEnded)
            .and_then(|heard| heard.answer(CallName::ConnectBegun));
        let by_gateway = |answer: &Answer| matches!(answer.reply(), Reply::Grpc(status) if status.said.is_gateway());
        self.reaches_gateway() || begun.is_some_and(by_gateway)
    }

    /// Whether `/api/healthz` says that the gateway is alive.
    pub fn is_healthy_rest(&self) -> bool {
        match self.reply(CallName::Healthz) {
            Some(Reply::Http(head, page)) => head.status == 200 && page.mark == Mark::LivenessOk,
            _ => false,
        }
    }

    /// Whether the call that decides is answered by a gateway.
    pub fn is_answered(&self) -> bool {
        match self.target.kind {
            Kind::Grpc => self.reaches_gateway(),
            Kind::Rest => self.is_usable_rest(),
        }
    }

    /// Whether the API answers Hoop's client, which never asks for `/api/healthz`: that one is often hidden, or answered by
    /// the proxy for a balancer in front. What fails there fails for the client too.
    pub fn is_usable_rest(&self) -> bool {
        let is_hidden = match self.reply(CallName::Healthz) {
            Some(Reply::Http(head, page)) => head.status < 500 && head.status != 429 && page.mark != Mark::LivenessErr,
            _ => false,
        };
        let public = self.reply(CallName::PublicServerInfo);
        let is_public = matches!(public, Some(Reply::Http(_, page)) if page.mark == Mark::PublicServerInfo);
        self.is_healthy_rest() || is_hidden && is_public
    }

    /// Whether Hoop would get through to a gateway here: the call that decides, and the certificate.
    pub fn is_well(&self) -> bool {
        self.is_trusted() && self.is_answered()
    }

    /// Whether Hoop would go on after the handshake: the certificate is accepted, unchecked or not needed.
    pub fn is_trusted(&self) -> bool {
        let rejected = |tls: &Tls| matches!(tls.chain.verdict, Verdict::Rejected(_));
        !self.target.verify || !self.handshake().is_some_and(rejected)
    }

    /// Whether a Hoop gateway answers this call.
    pub fn is_gateway(&self, call: CallName) -> bool {
        match self.reply(call) {
            Some(Reply::Grpc(status)) => {
                status.said.is_gateway() || (call == CallName::HealthCheck && status.code == Status::OK)
            }
            _ => false,
        }
    }

    /// The server's first bytes in answer to HTTP/2 in cleartext, whether Hoop would speak so or an experiment did.
    pub fn cleartext(&self) -> Option<&FirstBytes> {
        let heard = match self.target.tls {
            true => self.heard_in(Experiment::OppositeScheme)?,
            false => self.base.as_ref()?,
        };
        match (&heard.http2, &heard.http1) {
            (Some(http2), _) => Some(&http2.first),
            (None, Some(http1)) => Some(&http1.first),
            (None, None) => None,
        }
    }

    /// Whether TLS is spoken there although Hoop would use plaintext.
    pub fn speaks_tls_instead(&self) -> bool {
        let hello = || self.heard_in(Experiment::OppositeScheme)?.tls.as_ref();
        !self.target.tls && matches!(hello(), Some(Ok(_) | Err(TlsFailure::Alert { .. })))
    }
}
