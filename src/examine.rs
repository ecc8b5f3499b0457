//! Runs a plan: the only place with concurrency, deadlines and panic isolation.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join, join_all, join3};
use hoop_doctor_probes::conversation::{Budget, Conversation, Heard, Notebook, Peer, Prelude, Speech, converse};
use hoop_doctor_probes::cx::{self, Cx, Stop};
use hoop_doctor_probes::dns::{self, Dns, DnsSource, Resolvers};
use hoop_doctor_probes::forward;
use hoop_doctor_probes::http2::{Call, StreamEnd};
use hoop_doctor_probes::rest::Relay;
use hoop_doctor_probes::{route, tcp};
use tokio::sync::{Notify, OnceCell, oneshot};
use tokio::time::Instant;

use crate::config::{self, Via};
use crate::evidence::{Endpoint, Forward, Kind, Target, Trial, Wire};
use crate::experiments::{self, Experiment};
use crate::malfunction;
use crate::plan::{Plan, Planned};

mod auth;
mod deep;

use deep::Load;
pub use deep::{MOST_CONNECTIONS, MOST_SENT_MIB, MOST_STREAMS};

/// How long the parts of a run may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// TCP, TLS and SETTINGS of one attempt.
    pub connect: Duration,
    /// The whole run.
    pub total: Duration,
    /// How long streams are watched; `None`: nothing is measured.
    pub hold: Option<Duration>,
}

/// How long an answer is awaited: HAProxy takes 3.05 s to say 503 and 4.05 s to say REFUSED_STREAM.
const ANSWER: Duration = Duration::from_millis(4_500);
/// After this silence the experiments for it start.
const QUIET: Duration = Duration::from_millis(300);
/// After this long without a way through the forward proxy the direct way is tried beside it.
const STUCK: Duration = Duration::from_secs(1);
/// What experiments may add to the time that a hanging connection costs.
const EXPERIMENTS: Duration = Duration::from_millis(400);
/// At how many further addresses of a name the base calls are tried.
const OTHER_ADDRESSES: usize = 3;
/// A call that was refused unprocessed later than this was refused by a timeout and isn't asked again.
const REFUSED_AT_ONCE: u64 = 1_000;

/// Probes every endpoint of the plan, all side by side.
pub async fn examine(cx: &Cx, plan: &Plan, limits: Limits) -> Wire {
    let names = Names::new(plan);
    let load = Load::new();
    let warm = join_all(plan.trusts().map(|trust| trust.roots()));
    let endpoints = plan.endpoints.iter().map(async |planned| {
        let mut endpoint = planned.endpoint();
        let exam = Exam {
            cx,
            planned,
            limits,
            names: &names,
            started: Instant::now(),
        };
        let look = async {
            exam.run(&mut endpoint).await;
            exam.authenticate(&mut endpoint).await;
            if let Some(hold) = limits.hold {
                endpoint.measured = exam.measure(&endpoint, hold, &load).await;
            }
        };
        let ran = AssertUnwindSafe(look).catch_unwind().await;
        if ran.is_err() {
            endpoint.malfunction = Some(malfunction::last_place());
        }
        endpoint
    });
    let (endpoints, _roots) = join(join_all(endpoints), warm).await;
    Wire {
        started_at: cx.unix_start(),
        duration_ms: cx.now_ms(),
        interrupted: cx.is_cancelled(),
        hold_ms: limits.hold.map(cx::millis),
        endpoints,
    }
}

/// Every name is resolved once, whichever endpoints share it.
struct Names<'a>(BTreeMap<&'a str, OnceCell<Dns>>);

impl<'a> Names<'a> {
    fn new(plan: &'a Plan) -> Self {
        let targets = plan.endpoints.iter().map(|planned| &planned.target);
        let hosts = targets.flat_map(|target| [Some(&target.host), target.via.as_ref().map(|via| &via.host)]);
        Self(hosts.flatten().map(|host| (host.as_str(), OnceCell::new())).collect())
    }

    async fn resolve(&self, cx: &Cx, host: &str, given: &[IpAddr], limit: Duration) -> Dns {
        if !given.is_empty() {
            return dns::given(DnsSource::Given, given.to_vec());
        }
        let ask = || dns::resolve(cx, host, &Resolvers::System, limit);
        match self.0.get(host) {
            Some(cell) => cell.get_or_init(ask).await.clone(),
            None => ask().await,
        }
    }
}

/// The experiments that the evidence asks for and that haven't been made.
fn wanted(endpoint: &Endpoint) -> Vec<Experiment> {
    let mut wanted = experiments::choose(endpoint);
    wanted.retain(|experiment| endpoint.trial(*experiment).is_none());
    wanted
}

/// The examination of one endpoint.
struct Exam<'a> {
    cx: &'a Cx,
    planned: &'a Planned,
    limits: Limits,
    names: &'a Names<'a>,
    started: Instant,
}

impl Exam<'_> {
    async fn run(&self, endpoint: &mut Endpoint) {
        match &self.planned.target.via {
            None => self.run_directly(endpoint).await,
            // Nothing is looked at, and the ladder says why.
            Some(via) if via.speech == config::Speech::Unspoken => {}
            Some(via) => self.run_through(via, endpoint).await,
        }
    }

    async fn run_directly(&self, endpoint: &mut Endpoint) {
        let found = self.resolve_target().await;
        let addrs = addresses(&found, self.planned.target.port);
        endpoint.dns = Some(found.clone());
        let (sender, chosen) = oneshot::channel();
        let connecting = tcp::connect_all(self.cx, &addrs, self.limits.connect, sender);
        let connect_by = Instant::now() + self.limits.connect;
        let settled = Notify::new();
        let talking = async {
            // The sender is dropped only once it has sent.
            if let Ok(Some(stream)) = chosen.await {
                settled.notify_one();
                endpoint.chosen = stream.peer();
                endpoint.route = endpoint.chosen.and_then(|addr| route::to(addr.ip()));
                self.talk(stream, connect_by, endpoint).await;
            }
            settled.notify_one();
        };
        let comparing = async {
            match self.cx.limit(QUIET, settled.notified()).await {
                Err(Stop::TimedOut) => Some(self.elsewhere(&found).await),
                Ok(()) | Err(Stop::Interrupted) => None,
            }
        };
        let (attempts, (), compared) = join3(connecting, talking, comparing).await;
        endpoint.tcp = attempts;
        if endpoint.route.is_none() {
            endpoint.route = addrs.first().and_then(|addr| route::to(addr.ip()));
        }
        let compared = match compared {
            None if !endpoint.is_well() => Some(self.elsewhere(&found).await),
            compared => compared,
        };
        if let Some((dns, trials)) = compared {
            endpoint.dns = Some(dns);
            endpoint.trials.extend(trials);
        }
        endpoint.trials.sort_by_key(|trial| trial.experiment);
    }

    /// Where other sources lead that know the name: what each of them says, and the base calls at its addresses.
    async fn elsewhere(&self, found: &Dns) -> (Dns, Vec<Trial>) {
        let mut dns = found.clone();
        if dns.addresses.is_empty() || dns.source != DnsSource::System {
            return (dns, Vec::new());
        }
        let target = &self.planned.target;
        let until = self.started + self.limits.connect + EXPERIMENTS;
        let left = until.saturating_duration_since(Instant::now());
        dns::compare(self.cx, &target.host, &Resolvers::System, left, &mut dns).await;
        if Instant::now() >= until {
            return (dns, Vec::new());
        }
        let trials = dns.elsewhere().into_iter().take(OTHER_ADDRESSES).map(|ip| {
            let addr = SocketAddr::new(ip, target.port);
            self.trial(Experiment::OtherAddress, addr, None)
        });
        let trials = join_all(trials).await;
        (dns, trials)
    }

    /// The same through the forward proxy, and past it where that gets nowhere.
    async fn run_through(&self, via: &Via, endpoint: &mut Endpoint) {
        let (through, is_through) = oneshot::channel();
        let past = async {
            match self.cx.limit(STUCK, is_through).await {
                Ok(Ok(())) => None,
                // Refused, or stuck.
                Ok(Err(_)) | Err(_) => Some(self.past_the_proxy().await),
            }
        };
        let (past, ()) = join(past, self.go_through(via, through, endpoint)).await;
        if endpoint.trial(Experiment::OtherWay).is_none() {
            endpoint.trials.extend(past);
        }
    }

    /// Drops `through` where the way through is closed.
    async fn go_through(&self, via: &Via, through: oneshot::Sender<()>, endpoint: &mut Endpoint) {
        let given = &self.planned.given_of_proxy;
        let found = self.names.resolve(self.cx, &via.host, given, self.limits.connect).await;
        let addrs = addresses(&found, via.port);
        endpoint.forward = Some(Forward {
            dns: Some(found),
            ..Forward::default()
        });
        let (sender, chosen) = oneshot::channel();
        let connecting = tcp::connect_all(self.cx, &addrs, self.limits.connect, sender);
        let connect_by = Instant::now() + self.limits.connect;
        let talking = async {
            let Ok(Some(stream)) = chosen.await else {
                return drop(through);
            };
            endpoint.chosen = stream.peer();
            endpoint.route = endpoint.chosen.and_then(|addr| route::to(addr.ip()));
            let (tunnel, stream) = self.tunnel(stream, connect_by).await;
            if let Some(forward) = &mut endpoint.forward {
                forward.tunnel = tunnel;
            }
            let Some(stream) = stream else {
                return drop(through);
            };
            // Nobody waits for it any more where the direct way is being tried.
            let _ = through.send(());
            self.talk(stream, connect_by, endpoint).await;
        };
        let (attempts, ()) = join(connecting, talking).await;
        if let Some(forward) = &mut endpoint.forward {
            forward.tcp = attempts;
        }
        if endpoint.route.is_none() {
            endpoint.route = addrs.first().and_then(|addr| route::to(addr.ip()));
        }
    }

    /// What CONNECT comes to on a connection to the forward proxy; a direct one is handed back as it is.
    async fn tunnel(&self, stream: tcp::Stream, connect_by: Instant) -> (Option<forward::Tunnel>, Option<tcp::Stream>) {
        let target = &self.planned.target;
        match &target.via {
            Some(via) if via.speech == config::Speech::Connect => {
                let login = self.planned.login.as_ref();
                let asked = forward::connect(self.cx, stream, &target.address(), login, connect_by).await;
                (Some(asked.0), asked.1)
            }
            Some(_) | None => (None, Some(stream)),
        }
    }

    /// The base conversation as it would be without the forward proxy.
    async fn past_the_proxy(&self) -> Trial {
        let target = Target {
            via: None,
            ..self.planned.target.clone()
        };
        let addrs = addresses(&self.resolve_target().await, target.port);
        let (sender, chosen) = oneshot::channel();
        let connecting = tcp::connect_all(self.cx, &addrs, self.limits.connect, sender);
        let connect_by = Instant::now() + self.limits.connect;
        let talking = async {
            let stream = chosen.await.ok()??;
            let (addr, notes) = (stream.peer(), Notebook::default());
            let conversation = experiments::base(&target);
            let talking = self.converse_as(&target, &conversation, stream, connect_by, &notes);
            // What was heard by then is in the notes.
            let _ = self.cx.until(self.until(), talking).await;
            Some((addr, notes.read()))
        };
        let (attempts, heard) = join(connecting, talking).await;
        let (addr, heard) = heard.unzip();
        let used = |attempt: &&tcp::Attempt| Some(attempt.addr) == addr.flatten();
        Trial {
            experiment: Experiment::OtherWay,
            segment: None,
            tcp: attempts.iter().find(used).or(attempts.first()).cloned(),
            heard,
        }
    }

    async fn resolve_target(&self) -> Dns {
        let target = &self.planned.target;
        self.names
            .resolve(self.cx, &target.host, &target.given, self.limits.connect)
            .await
    }

    /// The base conversation, what was refused once more, and the experiments.
    async fn talk(&self, stream: tcp::Stream, connect_by: Instant, endpoint: &mut Endpoint) {
        let conversation = experiments::base(&self.planned.target);
        let notes = Notebook::default();
        let base = self.converse(&conversation, stream, connect_by, &notes);
        tokio::pin!(base);
        // What to try is chosen at the first long silence, and again whenever more is known.
        let quiet = tokio::select! {
            biased;
            () = &mut base => false,
            () = notes.quiet() => true,
        };
        if quiet {
            endpoint.base = Some(notes.read());
            let (trials, ()) = join(self.trials(endpoint), base).await;
            endpoint.trials.extend(trials);
        }
        endpoint.base = Some(notes.read());
        endpoint.again = self.ask_again(&conversation, endpoint).await;
        loop {
            let trials = self.trials(endpoint).await;
            if trials.is_empty() {
                break;
            }
            endpoint.trials.extend(trials);
        }
        endpoint.trials.sort_by_key(|trial| trial.experiment);
    }

    async fn trials(&self, endpoint: &Endpoint) -> Vec<Trial> {
        let wanted = wanted(endpoint);
        let others: Vec<_> = endpoint.other_addresses().take(OTHER_ADDRESSES).collect();
        let Some(addr) = endpoint.chosen else {
            return Vec::new();
        };
        let places = |experiment| match experiment {
            Experiment::OtherAddress => others
                .iter()
                .map(|ip| (SocketAddr::new(*ip, addr.port()), None))
                .collect(),
            Experiment::SmallSegments => experiments::SEGMENTS.map(|size| (addr, Some(size))).to_vec(),
            _ => vec![(addr, None)],
        };
        let trials = wanted.into_iter().flat_map(|experiment| {
            places(experiment)
                .into_iter()
                .map(move |(addr, segment)| self.trial(experiment, addr, segment))
        });
        join_all(trials).await
    }

    async fn trial(&self, experiment: Experiment, addr: SocketAddr, segment: Option<u16>) -> Trial {
        if experiment == Experiment::OtherWay {
            return self.past_the_proxy().await;
        }
        let conversation = experiment.conversation(&self.planned.target);
        let (tcp, heard) = self.anew(&conversation, addr, segment).await;
        Trial {
            experiment,
            segment,
            tcp: Some(tcp),
            heard,
        }
    }

    /// A conversation on a connection of its own, within what is left of the time for experiments.
    async fn anew(
        &self,
        conversation: &Conversation,
        addr: SocketAddr,
        segment: Option<u16>,
    ) -> (tcp::Attempt, Option<Heard>) {
        let limit = self.limits.connect;
        let connect_by = Instant::now() + limit;
        let (tcp, stream) = match segment {
            None => tcp::connect(self.cx, addr, limit).await,
            Some(size) => tcp::connect_in_segments(self.cx, addr, size, limit).await,
        };
        let Some(stream) = stream else {
            return (tcp, None);
        };
        let (_, Some(stream)) = self.tunnel(stream, connect_by).await else {
            return (tcp, None);
        };
        let notes = Notebook::default();
        // What was heard by then is in the notes.
        let _ = self
            .cx
            .until(self.until(), self.converse(conversation, stream, connect_by, &notes))
            .await;
        (tcp, Some(notes.read()))
    }

    /// When whatever is tried because something is wrong has to end.
    fn until(&self) -> Instant {
        (self.started + self.limits.connect + EXPERIMENTS).max(Instant::now() + EXPERIMENTS)
    }

    /// The calls that the server took no notice of, on a new connection (RFC 9113, section 8.7: safe to repeat).
    async fn ask_again(&self, conversation: &Conversation, endpoint: &Endpoint) -> Option<Heard> {
        let refused: Vec<Call> = match &conversation.speech {
            Speech::Http2(calls) | Speech::ByAlpn(calls) => {
                let refused = |call: &&Call| {
                    let answer = endpoint.base.as_ref().and_then(|base| base.answer(call.name));
                    answer
                        .is_some_and(|answer| answer.end == StreamEnd::Refused && answer.duration_ms < REFUSED_AT_ONCE)
                };
                calls.iter().filter(refused).cloned().collect()
            }
            Speech::Http2Anyway(_)
            | Speech::Http1(_)
            | Speech::Authenticated(_)
            | Speech::Listen
            | Speech::OldHello => Vec::new(),
        };
        if refused.is_empty() {
            return None;
        }
        let again = Conversation {
            prelude: Prelude::None,
            security: conversation.security,
            speech: match self.planned.target.kind {
                Kind::Grpc => Speech::Http2(refused),
                Kind::Rest => Speech::ByAlpn(refused),
            },
        };
        self.anew(&again, endpoint.chosen?, None).await.1
    }

    async fn converse(&self, conversation: &Conversation, stream: tcp::Stream, connect_by: Instant, notes: &Notebook) {
        self.converse_as(&self.planned.target, conversation, stream, connect_by, notes)
            .await;
    }

    async fn converse_as(
        &self,
        target: &Target,
        conversation: &Conversation,
        stream: tcp::Stream,
        connect_by: Instant,
        notes: &Notebook,
    ) {
        let budget = Budget {
            connect_by,
            answer: ANSWER,
            quiet: QUIET,
        };
        self.converse_within(target, conversation, stream, budget, notes).await;
    }

    /// The same with other patience.
    async fn converse_within(
        &self,
        target: &Target,
        conversation: &Conversation,
        stream: tcp::Stream,
        budget: Budget,
        notes: &Notebook,
    ) {
        let relay = target.via.as_ref().filter(|via| via.speech == config::Speech::Requests);
        let peer = Peer {
            server_name: target.server_name.clone(),
            authority: target.authority.clone(),
            trust: self.planned.trust.clone(),
            relay: relay.map(|_| Relay {
                login: self.planned.login.clone(),
            }),
        };
        Box::pin(converse(self.cx, &peer, conversation, stream, budget, notes)).await;
    }
}

fn addresses(dns: &Dns, port: u16) -> Vec<SocketAddr> {
    dns.addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect()
}
