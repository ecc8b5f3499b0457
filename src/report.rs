//! The report: one model, of which JSON is the plain form and every other format a rendering.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::Identity;
use crate::evidence::{Endpoint, Evidence, Kind, Wire};
use crate::findings::{Candidate, Code, Confidence, Decide, Diagnosed, Location, Remedy, Severity, diagnose};
use crate::layers::{Layer, Sight};
use crate::plan;
use crate::proxies;

mod facts;
pub mod human;
pub mod json;
pub mod schema;
pub mod text;
mod words;

/// Grows by one when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that a reader gets to see.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// 1.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// What made the report.
    pub tool: Tool,
    /// When the run started, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// How long it took.
    pub duration_ms: u64,
    /// The whole in one word.
    pub verdict: Verdict,
    /// Why it could not be found out, where the verdict is `unknown`.
    pub unknown_because: Option<String>,
    /// Whoever Hoop would start as.
    pub identities: Vec<IdentityReport>,
    /// Where they would go.
    pub endpoints: Vec<EndpointReport>,
    /// Every probe, in the order of the plan.
    pub observations: Vec<Observation>,
    /// What is wrong, the cause first.
    pub findings: Vec<Finding>,
    /// How many findings were left out by `--only` and `--skip`.
    pub findings_left_out: usize,
}

/// This program.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Tool {
    /// `hoop-doctor`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The target and the profile that it was built for.
    pub build: String,
}

/// The whole in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing above info.
    Healthy,
    /// Warnings only, or errors on REST only.
    Degraded,
    /// An error on gRPC.
    Broken,
    /// It could not be found out.
    Unknown,
}

/// Someone who would connect.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IdentityReport {
    /// `agent`, `client` or `flags`.
    pub name: String,
    /// Where what names the gateway comes from.
    pub source: String,
    /// Hoop's name for how the configuration is given.
    pub mode: String,
    /// Whether gRPC goes by TLS; `null` where the configuration is too broken to say.
    pub tls: Option<bool>,
    /// Why.
    pub tls_because: Option<String>,
    /// Identifiers of the endpoints that it uses.
    pub endpoints: Vec<String>,
    /// What was set.
    pub settings: Vec<SettingReport>,
}

/// One value and where it comes from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SettingReport {
    /// The variable, key or flag.
    pub name: String,
    /// The value; a secret shows at most its last two characters.
    pub value: String,
    /// Where it was set.
    pub source: String,
    /// What is read in its place.
    pub shadowed_by: Option<String>,
}

/// A target and how far the probes got.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EndpointReport {
    /// `grpc`, `rest`, with a number where there are several.
    pub id: String,
    /// `grpc` or `rest`.
    pub kind: String,
    /// As configured, without secrets.
    pub url: String,
    /// The name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether Hoop uses TLS there.
    pub tls: bool,
    /// Its addresses in the order in which Go tries them.
    pub addresses: Vec<String>,
    /// What is in front of the gateway, where that shows.
    pub proxy: Option<ProxyReport>,
    /// The ladder, lowest rung first.
    pub layers: Vec<LayerReport>,
}

/// What was recognised in front of the gateway.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProxyReport {
    /// Its name in kebab case; `none` for the gateway itself or a TCP passthrough.
    pub name: proxies::Proxy,
    /// Its version, where it says so.
    pub version: Option<String>,
    /// How sure that is.
    pub confidence: Confidence,
    /// What decided.
    pub marks: Vec<String>,
}

/// One rung.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LayerReport {
    /// Which.
    pub layer: Layer,
    /// Whether it holds.
    pub status: Status,
    /// What broke it, or what it would have needed.
    pub why: Option<String>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// What was seen, in a few words.
    pub summary: String,
    /// What was seen.
    pub facts: BTreeMap<String, Value>,
}

/// The state of a rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Looked at, and fine.
    Ok,
    /// Looked at, and not.
    Failed,
    /// Not looked at.
    NotTried,
}

/// One probe.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Observation {
    /// `endpoint/probe`.
    pub id: String,
    /// The endpoint's identifier.
    pub endpoint: String,
    /// The probe's name.
    pub probe: String,
    /// Milliseconds from the start of the run.
    pub started_ms: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// What was seen, in a few words.
    pub summary: String,
    /// What was seen.
    pub facts: BTreeMap<String, Value>,
}

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It got an answer.
    Seen,
    /// It didn't.
    Failed,
    /// It was not made.
    NotTried,
}

/// Something that is wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// `HD401`.
    #[schemars(regex(pattern = r"^HD\d{3}$"))]
    pub code: String,
    /// `http2-not-enabled`.
    pub name: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Identifiers of the endpoints that it is about.
    pub endpoints: Vec<String>,
    /// Names of the identities that it is about.
    pub identities: Vec<String>,
    /// One sentence with the observed values in it.
    pub message: String,
    /// What mends it.
    pub remedy: Remedy,
    /// Identifiers of the observations that show it.
    pub evidence: Vec<String>,
    /// Places in files.
    pub locations: Vec<Location>,
    /// Other causes that would look the same, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// The one look that decides between them.
    pub decide: Option<Decide>,
    /// What agent or client log because of it, with holes such as `{addr}`.
    pub logged_as: Vec<String>,
    /// The code of the finding that this one follows from.
    #[schemars(regex(pattern = r"^HD\d{3}$"))]
    pub because_of: Option<String>,
    /// Where its runbook is.
    pub url: String,
}

/// Which findings are reported.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Codes or layers; empty for all.
    pub only: Vec<Pick>,
    /// Codes or layers that are left out.
    pub skip: Vec<Pick>,
}

/// A code or a layer, as `--only` and `--skip` take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// One finding.
    Code(Code),
    /// All findings of a layer.
    Layer(Layer),
}

impl Filter {
    fn lets_pass(&self, code: Code) -> bool {
        let fits = |pick: &Pick| match pick {
            Pick::Code(picked) => *picked == code,
            Pick::Layer(layer) => layer.rung().areas.contains(&(code.0 / 100)),
        };
        (self.only.is_empty() || self.only.iter().any(fits)) && !self.skip.iter().any(fits)
    }
}

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
        .map(|(index, endpoint)| endpoint_report(index, endpoint, &all, wire.interrupted))
        .collect();
    let unknown_because = unknown_because(&all, &endpoints, wire);
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "hoop-doctor".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
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
        endpoints,
        observations: wire
            .endpoints
            .iter()
            .flat_map(|endpoint| facts::observations(endpoint, wire.started_at))
            .collect(),
        findings: shown.iter().map(|one| finding(one, &identities, evidence)).collect(),
        findings_left_out: all.len() - shown.len(),
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
fn unknown_because(all: &[Diagnosed], endpoints: &[EndpointReport], wire: &Wire) -> Option<String> {
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
        return Some("there is nothing to probe".to_owned());
    }
    endpoints.iter().enumerate().find_map(|(index, endpoint)| {
        let weak = endpoint.layers.iter().find(|rung| rung.status != Status::Ok)?;
        let explained = all
            .iter()
            .any(|one| one.severity() > Severity::Info && one.draft.endpoints.contains(&index));
        let name = weak.layer.rung().name;
        (!explained).then(|| match weak.status {
            Status::Failed => format!("{} fails at {name}, and no finding explains it", endpoint.id),
            Status::NotTried | Status::Ok => format!("{} was not looked at beyond {name}", endpoint.id),
        })
    })
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

fn endpoint_report(index: usize, endpoint: &Endpoint, all: &[Diagnosed], interrupted: bool) -> EndpointReport {
    let target = &endpoint.target;
    let proxy = proxies::recognise(endpoint);
    let addresses = endpoint.dns.iter().flat_map(|dns| &dns.addresses);
    EndpointReport {
        id: endpoint.id.clone(),
        kind: target.kind.name().to_owned(),
        url: target.url.clone(),
        host: target.host.clone(),
        port: target.port,
        tls: target.tls,
        addresses: addresses.map(ToString::to_string).collect(),
        proxy: proxy.map(|proxy| ProxyReport {
            name: proxy.proxy,
            version: proxy.version,
            confidence: proxy.confidence,
            marks: proxy.marks,
        }),
        layers: ladder(index, endpoint, all, interrupted),
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
        let of_layer = |one: &&Diagnosed| layer.rung().areas.contains(&(one.rule.code.0 / 100));
        let error = errors.clone().find(of_layer).map(named);
        let (status, why) = match (layer.sight(endpoint), error) {
            (Sight::NotReached, _) => {
                let needs = broken.map(|layer| format!("needs {}", layer.rung().name));
                let why = needs.unwrap_or_else(|| "the run ended first".to_owned());
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
        if status != Status::Ok {
            broken = broken.or(Some(layer));
        }
        ladder.push(LayerReport {
            layer,
            status,
            summary: Some(summary)
                .filter(|summary| Some(summary) != why.as_ref())
                .unwrap_or_default(),
            why,
            duration_ms: layer.duration_ms(endpoint),
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

/// RFC 3339 in UTC; the epoch for what lies outside of its years.
pub(crate) fn timestamp(unix: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}
