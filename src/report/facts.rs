//! Evidence as fields: observations, and the facts of each rung.

use std::collections::BTreeMap;

use hoop_doctor_probes::conversation::{Heard, OldHello};
use hoop_doctor_probes::dns::Dns;
use hoop_doctor_probes::forward::Tunnel;
use hoop_doctor_probes::http2::{Answer, Http2, Reply};
use hoop_doctor_probes::tcp::Attempt;
use hoop_doctor_probes::tls::Tls;
use serde_json::{Value, json};

use super::words;
use super::{Observation, Outcome};
use crate::evidence::auth::{Auth, AuthOutcome};
use crate::evidence::{Endpoint, Measured, Pace, Trial};
use crate::layers::Layer;

type Facts = BTreeMap<String, Value>;

/// Every probe of an endpoint; `now` is when the run started, in Unix seconds.
pub(super) fn observations(endpoint: &Endpoint, now: i64) -> Vec<Observation> {
    let mut list = List {
        endpoint: &endpoint.id,
        now,
        all: Vec::new(),
    };
    if let Some(dns) = endpoint.resolved() {
        list.dns(dns);
    }
    for attempt in endpoint.attempts() {
        list.tcp(&format!("tcp {}", attempt.addr), attempt);
    }
    if let Some(tunnel) = endpoint.forward.as_ref().and_then(|forward| forward.tunnel.as_ref()) {
        list.tunnel(tunnel);
    }
    for (prefix, heard) in [("", &endpoint.base), ("again ", &endpoint.again)] {
        if let Some(heard) = heard {
            list.conversation(prefix, heard);
        }
    }
    for trial in &endpoint.trials {
        list.trial(trial);
    }
    if let Some(measured) = &endpoint.measured {
        list.measured(measured);
    }
    for auth in &endpoint.auth {
        list.auth(auth);
    }
    list.all
}

/// The observations of one endpoint as they are written down.
struct List<'a> {
    endpoint: &'a str,
    now: i64,
    all: Vec<Observation>,
}

/// When a probe started and how long it took, in milliseconds.
#[derive(Clone, Copy, Default)]
struct Span {
    started_ms: u64,
    duration_ms: u64,
}

impl List<'_> {
    fn dns(&mut self, dns: &Dns) {
        let mut facts = to_facts(dns);
        facts.remove("duration_ms");
        let span = Span {
            started_ms: 0,
            duration_ms: dns.duration_ms,
        };
        self.push("dns", span, outcome(!dns.addresses.is_empty()), words::dns(dns), facts);
    }

    fn tcp(&mut self, probe: &str, attempt: &Attempt) {
        let facts = Facts::from([
            ("address".to_owned(), json!(attempt.addr)),
            ("failure".to_owned(), json!(attempt.outcome.as_ref().err())),
        ]);
        let span = Span {
            started_ms: attempt.started_ms,
            duration_ms: attempt.duration_ms,
        };
        let seen = outcome(attempt.outcome.is_ok());
        self.push(probe, span, seen, words::tcp(attempt), facts);
    }

    fn tunnel(&mut self, tunnel: &Tunnel) {
        let mut facts = match &tunnel.answer {
            Ok(answer) => to_facts(&answer.head),
            Err(none) => to_facts(none),
        };
        if let Ok(answer) = &tunnel.answer {
            facts.insert("page".to_owned(), json!(answer.page));
        }
        let span = Span {
            started_ms: tunnel.started_ms,
            duration_ms: tunnel.duration_ms,
        };
        let seen = outcome(tunnel.answer.is_ok());
        self.push("connect-proxy", span, seen, words::tunnel(tunnel), facts);
    }

    fn trial(&mut self, trial: &Trial) {
        let name = match trial.segment {
            None => trial.experiment.name().to_owned(),
            Some(size) => format!("{} {size}", trial.experiment.name()),
        };
        match &trial.heard {
            Some(heard) => self.conversation(&format!("{name} "), heard),
            None => match &trial.tcp {
                Some(attempt) => self.tcp(&name, attempt),
                None => self.push(
                    &name,
                    Span::default(),
                    Outcome::Failed,
                    "no address".to_owned(),
                    Facts::new(),
                ),
            },
        }
    }

    fn measured(&mut self, measured: &Measured) {
        for held in &measured.held {
            let name = match held.pace {
                Pace::NoStream => "held-connection",
                Pace::Silent => "held-silent",
                Pace::Keepalive => "held-keepalive",
                Pace::Busy => "held-busy",
            };
            self.long_call(name, held.started_ms, held.http2.as_ref());
        }
        let borders = [
            ("declared-bodies", &measured.declared),
            ("long-field", &measured.long_field),
            ("many-fields", &measured.many_fields),
        ];
        for (name, border) in borders {
            if let Some(border) = border {
                let summary = format!("{} passes, {} doesn't", border.passes, border.fails);
                self.push(name, Span::default(), Outcome::Seen, summary, to_facts(border));
            }
        }
        for (name, crowd) in [("streams", &measured.crowd), ("streams again", &measured.crowd_again)] {
            if let Some(crowd) = crowd {
                let summary = format!("{} of {} calls answered", crowd.served, crowd.opened);
                let seen = outcome(crowd.served > 0);
                self.push(name, Span::default(), seen, summary, to_facts(crowd));
            }
        }
        if let Some(sent) = &measured.sent {
            self.long_call("sent-body", 0, Some(&sent.coarse));
            if let Some(fine) = &sent.fine {
                self.long_call("sent-body again", 0, Some(fine));
            }
        }
    }

    fn auth(&mut self, auth: &Auth) {
        let name = format!("auth {}", auth.who);
        let mut facts = Facts::from([("token".to_owned(), json!(auth.token))]);
        match &auth.outcome {
            AuthOutcome::NotTried { why } => {
                facts.insert("why".to_owned(), json!(why));
                let why = words::not_tried(*why).to_owned();
                self.push(&name, Span::default(), Outcome::NotTried, why, facts);
            }
            AuthOutcome::Tried { heard: None, tcp } => self.tcp(&name, tcp),
            AuthOutcome::Tried { heard: Some(heard), .. } => {
                if let Some(why) = heard.withheld {
                    facts.insert("why".to_owned(), json!(why));
                    let why = words::withheld(why).to_owned();
                    self.push(&name, Span::default(), Outcome::NotTried, why, facts);
                }
                self.conversation(&format!("{name} "), heard);
            }
        }
    }

    /// A conversation with one call, or none, that lasted.
    fn long_call(&mut self, name: &str, started_ms: u64, http2: Option<&Http2>) {
        let Some(http2) = http2 else {
            let why = "no connection".to_owned();
            return self.push(name, Span::default(), Outcome::Failed, why, Facts::new());
        };
        let answer = http2.answers.first();
        let fed = answer.and_then(|answer| answer.fed);
        let summary = match (answer, fed) {
            (Some(answer), Some(fed)) => format!("{} bytes sent; {}", fed.sent, words::reply(&answer.reply())),
            _ => words::http2(http2),
        };
        let ended = fed.map_or(http2.end_ms, |fed| fed.ended_ms);
        let span = Span {
            started_ms,
            duration_ms: ended.unwrap_or_default(),
        };
        self.push(name, span, Outcome::Seen, summary, to_facts(http2));
    }

    fn conversation(&mut self, prefix: &str, heard: &Heard) {
        let shaking = Span {
            started_ms: heard.started_ms,
            duration_ms: heard.tls_ms.unwrap_or_default(),
        };
        let spoken = |duration_ms| Span {
            started_ms: shaking.started_ms.saturating_add(shaking.duration_ms),
            duration_ms,
        };
        if let Some(tls) = &heard.tls {
            let facts = match tls {
                Ok(tls) => to_facts(tls),
                Err(failure) => to_facts(failure),
            };
            let summary = words::tls(tls, self.now);
            self.push(&format!("{prefix}tls"), shaking, outcome(tls.is_ok()), summary, facts);
        }
        if let Some(http2) = &heard.http2 {
            let took = http2.settings_ms.or(http2.end_ms).unwrap_or(heard.duration_ms);
            let seen = outcome(http2.settings.is_some());
            let (summary, facts) = (words::http2(http2), without_answers(http2));
            self.push(&format!("{prefix}http2"), spoken(took), seen, summary, facts);
        }
        if let Some(http1) = &heard.http1 {
            let seen = outcome(http1.answers.iter().any(|answer| answer.head.is_some()));
            let (summary, facts) = (words::http1(http1), without_answers(http1));
            self.push(
                &format!("{prefix}http1"),
                spoken(heard.duration_ms),
                seen,
                summary,
                facts,
            );
        }
        if let Some(unasked) = &heard.unasked {
            let (summary, facts) = (words::unasked(unasked), to_facts(unasked));
            self.push(
                prefix.trim_end(),
                spoken(heard.duration_ms),
                Outcome::Seen,
                summary,
                facts,
            );
        }
        if let Some(said) = &heard.old_hello {
            let (summary, facts) = (words::old_hello(said), to_facts(said));
            let seen = outcome(matches!(said, OldHello::Chosen(_)));
            self.push(prefix.trim_end(), spoken(heard.duration_ms), seen, summary, facts);
        }
        for answer in heard.answers() {
            self.answer(prefix, spoken(answer.duration_ms), answer);
        }
    }

    fn answer(&mut self, prefix: &str, span: Span, answer: &Answer) {
        let reply = answer.reply();
        let mut facts = to_facts(answer);
        facts.retain(|name, _| name != "call" && name != "duration_ms");
        let seen = outcome(!matches!(reply, Reply::Silent | Reply::Lost));
        let probe = format!("{prefix}{}", words::call_name(answer));
        self.push(&probe, span, seen, words::reply(&reply), facts);
    }

    fn push(&mut self, probe: &str, span: Span, outcome: Outcome, summary: String, facts: Facts) {
        self.all.push(Observation {
            id: format!("{}/{}", self.endpoint, probe.trim().replace(' ', "/")),
            endpoint: self.endpoint.to_owned(),
            probe: probe.to_owned(),
            started_ms: span.started_ms,
            duration_ms: span.duration_ms,
            outcome,
            summary,
            facts,
        });
    }
}

fn outcome(seen: bool) -> Outcome {
    match seen {
        true => Outcome::Seen,
        false => Outcome::Failed,
    }
}

/// The answers are observations of their own.
fn without_answers(sheet: &impl serde::Serialize) -> Facts {
    let mut facts = to_facts(sheet);
    facts.remove("answers");
    facts
}

/// A fact sheet as fields; what isn't a structure becomes one field.
fn to_facts(sheet: &impl serde::Serialize) -> Facts {
    match serde_json::to_value(sheet) {
        Ok(Value::Object(fields)) => fields.into_iter().collect(),
        Ok(other) => Facts::from([("value".to_owned(), other)]),
        Err(_) => Facts::new(),
    }
}

/// What is worth a field at a rung.
pub(super) fn of_layer(layer: Layer, endpoint: &Endpoint) -> Facts {
    let mut facts = Facts::new();
    let mut put = |name: &str, value: Value| {
        facts.insert(name.to_owned(), value);
    };
    match layer {
        Layer::Config => put("url", json!(endpoint.target.url)),
        Layer::Dns => {
            if let Some(dns) = endpoint.resolved() {
                put("source", json!(dns.source));
            }
        }
        Layer::Tcp => {
            if let Some(addr) = endpoint.chosen {
                put("address", json!(addr));
            }
            if let Some(route) = &endpoint.route {
                put("route", json!(route));
            }
        }
        Layer::Tls => {
            if let Some(tls) = endpoint.handshake() {
                tls_facts(tls, &mut put);
            }
        }
        Layer::Http2 => {
            if let Some(settings) = endpoint.http2().and_then(|http2| http2.settings.as_ref()) {
                let shown: BTreeMap<_, _> = settings.iter().map(|one| (one.name(), one.value)).collect();
                put("settings", json!(shown));
            }
        }
        Layer::Rest | Layer::Grpc => {
            for answer in endpoint.base.iter().flat_map(Heard::answers) {
                let answer = endpoint.answer(answer.call).unwrap_or(answer);
                put(&words::call_name(answer), json!(words::reply(&answer.reply())));
            }
        }
    }
    facts
}

fn tls_facts(tls: &Tls, put: &mut impl FnMut(&str, Value)) {
    put("version", json!(tls.version));
    put("cipher", json!(tls.cipher));
    put("alpn", json!(tls.alpn));
    if let Some(leaf) = tls.chain.certs.first() {
        put("subject", json!(leaf.subject));
        put("issuer", json!(leaf.issuer));
        put("not_after", json!(super::timestamp(leaf.not_after)));
    }
}
