//! Evidence as the report shows it: observations, and the facts of each rung.

use std::collections::BTreeMap;

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::{Answer, Reply};
use hoop_doctor_probes::tls::{Tls, TlsFailure, alert_name};
use serde_json::{Value, json};

use super::{Observation, Outcome};
use crate::evidence::{Endpoint, Trial};
use crate::layers::Layer;

type Facts = BTreeMap<String, Value>;

/// Every probe of an endpoint.
pub(super) fn observations(endpoint: &Endpoint) -> Vec<Observation> {
    let mut all = Vec::new();
    if let Some(dns) = &endpoint.dns {
        let seen = outcome(!dns.addresses.is_empty());
        all.push(observation(endpoint, "dns", 0, dns.duration_ms, seen, to_facts(dns)));
    }
    for attempt in &endpoint.tcp {
        let probe = format!("tcp {}", attempt.addr);
        let seen = outcome(attempt.outcome.is_ok());
        all.push(observation(
            endpoint,
            &probe,
            attempt.started_ms,
            attempt.duration_ms,
            seen,
            to_facts(attempt),
        ));
    }
    for (prefix, heard) in [("", &endpoint.base), ("again ", &endpoint.again)] {
        if let Some(heard) = heard {
            conversation(endpoint, prefix, heard, &mut all);
        }
    }
    for trial in &endpoint.trials {
        experiment(endpoint, trial, &mut all);
    }
    all
}

fn experiment(endpoint: &Endpoint, trial: &Trial, all: &mut Vec<Observation>) {
    let name = trial.experiment.name();
    match &trial.heard {
        Some(heard) => conversation(endpoint, &format!("{name} "), heard, all),
        None => {
            let (started, took) = (trial.tcp.started_ms, trial.tcp.duration_ms);
            all.push(observation(
                endpoint,
                name,
                started,
                took,
                Outcome::Failed,
                to_facts(&trial.tcp),
            ));
        }
    }
}

fn conversation(endpoint: &Endpoint, prefix: &str, heard: &Heard, all: &mut Vec<Observation>) {
    let start = heard.started_ms;
    let tls_ms = heard.tls_ms.unwrap_or_default();
    if let Some(tls) = &heard.tls {
        let facts = match tls {
            Ok(tls) => to_facts(tls),
            Err(failure) => to_facts(failure),
        };
        all.push(observation(
            endpoint,
            &format!("{prefix}tls"),
            start,
            tls_ms,
            outcome(tls.is_ok()),
            facts,
        ));
    }
    let spoken = start + tls_ms;
    let mut answers: Vec<&Answer> = Vec::new();
    if let Some(http2) = &heard.http2 {
        let mut facts = to_facts(http2);
        facts.remove("answers");
        let took = http2.settings_ms.or(http2.end_ms).unwrap_or(heard.duration_ms);
        let seen = outcome(http2.settings.is_some());
        all.push(observation(
            endpoint,
            &format!("{prefix}http2"),
            spoken,
            took,
            seen,
            facts,
        ));
        answers.extend(&http2.answers);
    }
    if let Some(http1) = &heard.http1 {
        let mut facts = to_facts(http1);
        facts.remove("answers");
        let seen = outcome(http1.answers.iter().any(|answer| answer.head.is_some()));
        all.push(observation(
            endpoint,
            &format!("{prefix}http1"),
            spoken,
            heard.duration_ms,
            seen,
            facts,
        ));
        answers.extend(&http1.answers);
    }
    if let Some(unasked) = &heard.unasked {
        let probe = prefix.trim_end();
        all.push(observation(
            endpoint,
            probe,
            spoken,
            heard.duration_ms,
            Outcome::Seen,
            to_facts(unasked),
        ));
    }
    for answer in answers {
        let seen = outcome(!matches!(answer.reply(), Reply::Silent | Reply::Lost));
        let probe = format!("{prefix}{}", call_name(answer));
        all.push(observation(
            endpoint,
            &probe,
            spoken,
            answer.duration_ms,
            seen,
            to_facts(answer),
        ));
    }
}

fn observation(
    endpoint: &Endpoint,
    probe: &str,
    started_ms: u64,
    duration_ms: u64,
    outcome: Outcome,
    facts: Facts,
) -> Observation {
    Observation {
        id: format!("{}/{}", endpoint.id, probe.trim().replace(' ', "/")),
        endpoint: endpoint.id.clone(),
        probe: probe.to_owned(),
        started_ms,
        duration_ms,
        outcome,
        facts,
    }
}

fn outcome(seen: bool) -> Outcome {
    match seen {
        true => Outcome::Seen,
        false => Outcome::Failed,
    }
}

fn call_name(answer: &Answer) -> String {
    let name = serde_json::to_value(answer.call).unwrap_or_default();
    name.as_str().unwrap_or_default().replace('_', "-")
}

/// A fact sheet as fields; what isn't a structure becomes one field.
fn to_facts(sheet: &impl serde::Serialize) -> Facts {
    match serde_json::to_value(sheet) {
        Ok(Value::Object(fields)) => fields.into_iter().collect(),
        Ok(other) => Facts::from([("value".to_owned(), other)]),
        Err(_) => Facts::new(),
    }
}

/// What is worth a line at a rung.
pub(super) fn of_layer(layer: Layer, endpoint: &Endpoint) -> Facts {
    let mut facts = Facts::new();
    let mut put = |name: &str, value: Value| {
        facts.insert(name.to_owned(), value);
    };
    match layer {
        Layer::Config => put("url", json!(endpoint.target.url)),
        Layer::Dns => {
            if let Some(dns) = &endpoint.dns {
                put("source", json!(dns.source));
            }
        }
        Layer::Tcp => {
            if let Some(addr) = endpoint.chosen {
                put("address", json!(addr.to_string()));
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
                put(&call_name(answer), json!(reply_text(&answer.reply())));
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

/// An answer in a few words.
pub(super) fn reply_text(reply: &Reply<'_>) -> String {
    match reply {
        Reply::Grpc(status) if status.message.is_empty() => format!("{} {}", status.code.0, status.code.name()),
        Reply::Grpc(status) => format!("{} {}: {}", status.code.0, status.code.name(), status.message),
        Reply::Http(head, page) => match (head.field("content-type"), &page.title) {
            (_, Some(title)) => format!("HTTP {:03}, \"{title}\"", head.status),
            (Some(kind), None) => format!("HTTP {:03}, {kind}", head.status),
            (None, None) => format!("HTTP {:03}", head.status),
        },
        Reply::NoStatus(head) => format!("HTTP {:03} without a gRPC status", head.status),
        Reply::Reset(code) => format!("RST_STREAM {}", code.name()),
        Reply::Refused => "refused unprocessed".to_owned(),
        Reply::Lost => "the connection ended first".to_owned(),
        Reply::Silent => "no answer".to_owned(),
    }
}

/// Why a rung broke, in the probe's words.
pub(super) fn failure(layer: Layer, endpoint: &Endpoint) -> Option<String> {
    match layer {
        Layer::Dns => Some("no address".to_owned()),
        Layer::Tcp => Some("no address could be connected to".to_owned()),
        Layer::Tls => endpoint.tls_failure().map(tls_failure),
        Layer::Http2 => Some("no SETTINGS came".to_owned()),
        Layer::Rest => endpoint
            .reply(hoop_doctor_probes::http2::CallName::Healthz)
            .map(|reply| reply_text(&reply)),
        Layer::Grpc => endpoint
            .reply(hoop_doctor_probes::http2::CallName::Connect)
            .map(|reply| reply_text(&reply)),
        Layer::Config => None,
    }
}

fn tls_failure(failure: &TlsFailure) -> String {
    match failure {
        TlsFailure::NotTls { .. } => "the answer is not TLS".to_owned(),
        TlsFailure::Alert { description } => format!("alert {description} {}", alert_name(*description)),
        TlsFailure::Closed => "closed after our hello".to_owned(),
        TlsFailure::Reset => "reset after our hello".to_owned(),
        TlsFailure::TimedOut => "no answer to our hello".to_owned(),
        TlsFailure::UnofferedAlpn => "the server chose a protocol that was not offered".to_owned(),
        TlsFailure::InvalidName => "the host can't stand in a hello".to_owned(),
        TlsFailure::Protocol { text } => text.clone(),
        TlsFailure::Interrupted => "interrupted".to_owned(),
    }
}
