//! From a case to its report: what was concluded, put beside what was seen.

use super::{
    AllowedReport, ConfFile, EndpointReport, Filter, Finding, IdentityReport, LayerReport, ProxyConfReport,
    ProxyReport, Report, SCHEMA_VERSION, SettingReport, Status, Tool, Verdict, ViaReport, disagree, facts, limits,
    logged, timestamp, words,
};
use crate::built;
use crate::config::{Identity, Speech, Via};
use crate::evidence::{Endpoint, Evidence, Kind, Wire};
use crate::findings::{Diagnosed, Severity, diagnose};
use crate::layers::{Layer, Sight};
use crate::plan;
use crate::proxies;
use crate::proxyconf::ProxyConf;

/// Makes the report of a case.
pub fn report(evidence: &Evidence, filter: &Filter) -> Report {
    let all = diagnose(evidence);
    let shown: Vec<&Diagnosed> = all.iter().filter(|one| filter.lets_pass(one.rule.code)).collect();
    let identities: Vec<&Identity> = plan::identities(&evidence.config).collect();
    let wire = &evidence.wire;
    // The ladder tells what was seen, whichever findings are asked for.
    let endpoints: Vec<EndpointReport> = wire
        .endpoints
        .iter()
        .enumerate()
        .map(|(index, endpoint)| endpoint_report(index, endpoint, &all, wire))
        .collect();
    let unknown_because = unknown_because(&all, &endpoints, evidence);
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "hoop-doctor".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: built::LINE.to_owned(),
        },
        started_at: timestamp(wire.started_at),
        duration_ms: wire.duration_ms,
        verdict: match unknown_because {
            Some(_) => Verdict::Unknown,
            None => verdict(&shown, wire),
        },
        unknown_because,
        identities: identities
            .iter()
            .enumerate()
            .map(|(index, identity)| identity_report(index, identity, evidence))
            .collect(),
        disagreements: disagree::disagreements(&identities, wire),
        endpoints,
        observations: wire
            .endpoints
            .iter()
            .flat_map(|endpoint| facts::observations(endpoint, wire.started_at))
            .collect(),
        findings: shown.iter().map(|one| finding(one, &identities, evidence)).collect(),
        findings_left_out: all.len() - shown.len(),
        logs: evidence.logs.as_ref().map(logged::logs),
        proxy_config: evidence.proxyconf.as_ref().map(proxy_config),
    }
}

fn proxy_config(conf: &ProxyConf) -> ProxyConfReport {
    let files = conf.files.iter().map(|file| ConfFile {
        name: file.name.clone(),
        proxy: file.proxy,
        lines: file.lines,
    });
    let allowed = conf.allowed.iter().map(|one| AllowedReport {
        file: one.at.file.clone(),
        line: one.line,
        codes: one.codes.clone(),
        reason: one.reason.clone(),
    });
    ProxyConfReport {
        files: files.collect(),
        allowed: allowed.collect(),
    }
}

fn verdict(shown: &[&Diagnosed], wire: &Wire) -> Verdict {
    let errors = || shown.iter().filter(|one| one.severity() == Severity::Error);
    let warned = shown.iter().any(|one| one.severity() == Severity::Warn);
    match () {
        () if errors().any(|one| is_about_grpc(one, wire)) => Verdict::Broken,
        () if errors().next().is_some() || warned => Verdict::Degraded,
        () => Verdict::Healthy,
    }
}

/// A finding about no endpoint is about the configuration, which gRPC needs too.
fn is_about_grpc(one: &Diagnosed, wire: &Wire) -> bool {
    let grpc = |index: &usize| {
        wire.endpoints
            .get(*index)
            .is_some_and(|endpoint| endpoint.target.kind == Kind::Grpc)
    };
    one.draft.endpoints.is_empty() || one.draft.endpoints.iter().any(grpc)
}

/// Why there is no verdict, if there is none. What was left out by the filter was found out all the same.
fn unknown_because(all: &[Diagnosed], endpoints: &[EndpointReport], evidence: &Evidence) -> Option<String> {
    let wire = &evidence.wire;
    if wire.interrupted {
        return Some("interrupted before everything was looked at".to_owned());
    }
    let broke = |endpoint: &&Endpoint| endpoint.malfunction.is_some();
    if let Some(endpoint) = wire.endpoints.iter().find(broke) {
        let place = endpoint.malfunction.as_deref().unwrap_or_default();
        return Some(format!(
            "a bug of this program, at {place}, ended the look at {}",
            endpoint.id
        ));
    }
    let errors = || all.iter().filter(|one| one.severity() == Severity::Error);
    if errors().any(|one| is_about_grpc(one, wire)) {
        return None;
    }
    if endpoints.is_empty() && errors().next().is_none() {
        return match &evidence.logs {
            None if evidence.proxyconf.is_some() => None,
            None => Some("there is nothing to probe".to_owned()),
            Some(logs) if logs.files.iter().all(|file| file.lines == 0) => {
                Some("there is not a single line to read".to_owned())
            }
            Some(_) => None,
        };
    }
    endpoints.iter().enumerate().find_map(|(index, endpoint)| {
        let weak = endpoint.layers.iter().find(|rung| rung.status != Status::Ok)?;
        // A warning beside it explains nothing that fails.
        let explained = errors().any(|one| one.draft.endpoints.contains(&index));
        let name = weak.layer.rung().name;
        (!explained).then(|| match weak.status {
            Status::Failed => format!("{} fails at {name}, and no finding explains it", endpoint.id),
            Status::NotTried | Status::Ok if !wire.interrupted && is_unspoken(wire.endpoints.get(index)) => {
                format!(
                    "{} goes through a forward proxy that this program can't talk to",
                    endpoint.id
                )
            }
            Status::NotTried | Status::Ok => format!("the run ended before {name} of {} was looked at", endpoint.id),
        })
    })
}

fn is_unspoken(endpoint: Option<&Endpoint>) -> bool {
    let via = endpoint.and_then(|endpoint| endpoint.target.via.as_ref());
    via.is_some_and(|via| via.speech == Speech::Unspoken)
}

fn identity_report(index: usize, identity: &Identity, evidence: &Evidence) -> IdentityReport {
    let mine = evidence
        .wire
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.identities.contains(&index));
    IdentityReport {
        name: identity.role.to_string(),
        source: identity.source.to_string(),
        mode: identity.mode.to_string(),
        tls: identity.tls.as_ref().map(|_| identity.speaks_tls()),
        tls_because: identity.tls.as_ref().map(|tls| tls.because.to_string()),
        endpoints: mine.map(|endpoint| endpoint.id.clone()).collect(),
        settings: identity
            .settings
            .iter()
            .map(|setting| SettingReport {
                name: setting.name.clone(),
                value: setting.value.clone(),
                source: setting.source.to_string(),
                shadowed_by: setting.shadowed_by.as_ref().map(ToString::to_string),
            })
            .collect(),
    }
}

fn endpoint_report(index: usize, endpoint: &Endpoint, all: &[Diagnosed], wire: &Wire) -> EndpointReport {
    let target = &endpoint.target;
    let proxy = proxies::recognise_among(endpoint, &wire.endpoints);
    let addresses = endpoint.dns.iter().flat_map(|dns| &dns.addresses);
    EndpointReport {
        id: endpoint.id.clone(),
        kind: target.kind.name().to_owned(),
        url: target.url.clone(),
        host: target.host.clone(),
        port: target.port,
        tls: target.tls,
        addresses: addresses.map(ToString::to_string).collect(),
        via: target.via.as_ref().map(|via| via_report(via, endpoint)),
        proxy: proxy.map(|proxy| ProxyReport {
            name: proxy.proxy,
            version: proxy.version,
            confidence: proxy.confidence,
            marks: proxy.marks,
        }),
        layers: ladder(index, endpoint, all, wire.interrupted),
        limits: limits::limits(endpoint, wire.hold_ms),
    }
}

fn via_report(via: &Via, endpoint: &Endpoint) -> ViaReport {
    let addresses = endpoint.resolved().into_iter().flat_map(|dns| &dns.addresses);
    let tunnel = endpoint.forward.as_ref().and_then(|forward| forward.tunnel.as_ref());
    ViaReport {
        variable: via.variable.clone(),
        scheme: via.scheme.clone(),
        host: via.host.clone(),
        port: via.port,
        credentials: via.credentials,
        addresses: addresses.map(ToString::to_string).collect(),
        connect_status: tunnel.and_then(|tunnel| Some(tunnel.answer.as_ref().ok()?.head.status)),
    }
}

/// The ladder of an endpoint. A rung that nobody stood on is never called fine.
fn ladder(index: usize, endpoint: &Endpoint, all: &[Diagnosed], interrupted: bool) -> Vec<LayerReport> {
    let mut broken: Option<Layer> = None;
    let mut ladder = Vec::new();
    let errors = all
        .iter()
        .filter(|one| one.severity() == Severity::Error && one.draft.endpoints.contains(&index));
    let named = |one: &Diagnosed| format!("{}: {}", one.rule.code, one.rule.summary);
    for layer in Layer::of(endpoint) {
        let of_layer = |one: &&Diagnosed| Layer::broken_by(one.rule.code, endpoint) == Some(layer);
        let error = errors.clone().find(of_layer).map(named);
        let (status, why) = match (layer.sight(endpoint), error) {
            (Sight::NotReached, _) => {
                let needs = broken.map(|layer| format!("needs {}", layer.rung().name));
                let why = needs.unwrap_or_else(|| match &endpoint.target.via {
                    Some(via) if via.speech == Speech::Unspoken => {
                        format!("this program doesn't speak {} to a forward proxy", via.scheme)
                    }
                    Some(_) | None => "the run ended first".to_owned(),
                });
                (Status::NotTried, Some(why))
            }
            (_, Some(error)) => (Status::Failed, Some(error)),
            (Sight::Broke, None) if interrupted && words::is_cut_short(layer, endpoint) => {
                (Status::NotTried, Some("interrupted".to_owned()))
            }
            // The cause may belong to another layer than the one where it shows: no HTTP/2 shows in the handshake.
            (Sight::Broke, None) => {
                let cause = errors.clone().next().filter(|_| broken.is_none()).map(named);
                (
                    Status::Failed,
                    Some(cause.unwrap_or_else(|| words::failure(layer, endpoint))),
                )
            }
            (Sight::Held, None) => (Status::Ok, None),
        };
        let summary = match status {
            Status::Ok => words::rung(layer, endpoint),
            Status::Failed => words::broken_rung(layer, endpoint),
            Status::NotTried => String::new(),
        };
        // The nearest rung that broke, or else the first that nobody reached.
        match status {
            Status::Failed => broken = Some(layer),
            Status::NotTried => broken = broken.or(Some(layer)),
            Status::Ok => (),
        }
        ladder.push(LayerReport {
            layer,
            status,
            summary: Some(summary)
                .filter(|summary| Some(summary) != why.as_ref())
                .unwrap_or_default(),
            why,
            duration_ms: layer.duration_ms(endpoint).filter(|_| status != Status::NotTried),
            facts: facts::of_layer(layer, endpoint),
        });
    }
    ladder
}

fn finding(one: &Diagnosed, identities: &[&Identity], evidence: &Evidence) -> Finding {
    let draft = &one.draft;
    let endpoint = |index: &usize| evidence.wire.endpoints.get(*index).map(|endpoint| endpoint.id.clone());
    let identity = |index: &usize| identities.get(*index).map(|identity| identity.role.to_string());
    Finding {
        code: one.rule.code.to_string(),
        name: one.rule.name.to_owned(),
        severity: one.severity(),
        confidence: one.confidence(),
        endpoints: draft.endpoints.iter().filter_map(endpoint).collect(),
        identities: draft.identities.iter().filter_map(identity).collect(),
        message: draft.message.clone(),
        remedy: draft.remedy.clone(),
        evidence: draft.evidence.clone(),
        locations: draft.locations.clone(),
        candidates: draft.candidates.clone(),
        decide: draft.decide.clone(),
        logged_as: draft.logged_as.clone(),
        because_of: one.because_of.map(|code| code.to_string()),
        url: format!(
            "{}/blob/main/docs/findings/{}.md",
            env!("CARGO_PKG_REPOSITORY"),
            one.rule.code
        ),
    }
}
