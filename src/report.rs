//! The report: one model, of which JSON is the plain form and every other format a rendering.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::findings::{Candidate, Code, Confidence, Decide, Location, Remedy, Severity};
use crate::layers::Layer;
use crate::proxies;

mod advice;
mod compose;
mod disagree;
mod facts;
mod limits;
mod logged;
mod words;

pub mod github;
pub mod html;
pub mod human;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod markdown;
pub mod prometheus;
pub mod sarif;
pub mod schema;
pub mod short;
pub mod text;

pub use compose::report;

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
    /// Where they read one address in different ways: a sentence for each.
    pub disagreements: Vec<String>,
    /// Where they would go.
    pub endpoints: Vec<EndpointReport>,
    /// Every probe, in the order of the plan.
    pub observations: Vec<Observation>,
    /// What is wrong, the cause first.
    pub findings: Vec<Finding>,
    /// How many findings were left out by `--only` and `--skip`.
    pub findings_left_out: usize,
    /// What logs say; left out where none was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<LogsReport>,
    /// The configuration of proxies that was read; left out where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_config: Option<ProxyConfReport>,
}

/// The configuration that was read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProxyConfReport {
    /// In the order in which they were given; included files follow the one that includes them.
    pub files: Vec<ConfFile>,
    /// Comments that allow findings.
    pub allowed: Vec<AllowedReport>,
}

/// One configuration file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConfFile {
    /// As it was given; `-` for standard input.
    pub name: String,
    /// Whose configuration it is.
    pub proxy: proxies::Proxy,
    /// How many lines it has.
    pub lines: usize,
}

/// A comment that allows findings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AllowedReport {
    /// The file that has it.
    pub file: String,
    /// The line that it is about, from 1.
    pub line: usize,
    /// What it allows.
    pub codes: Vec<String>,
    /// Why; `null` where it doesn't say, and nothing is allowed.
    pub reason: Option<String>,
}

/// The logs that were read, and what was recognised in them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LogsReport {
    /// In the order in which they were given.
    pub files: Vec<LogFile>,
    /// By file and first line.
    pub sightings: Vec<LogSighting>,
}

/// One log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LogFile {
    /// As it was given; `-` for standard input.
    pub name: String,
    /// How many lines were read.
    pub lines: u64,
    /// How many bytes, after gzip is undone.
    pub bytes: u64,
    /// Why not all of it was read.
    pub problem: Option<String>,
}

/// One message, and how often a log has it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LogSighting {
    /// An example of the message, always the same for the same message.
    pub sign: String,
    /// The log's place in `files`, from 0.
    pub file: usize,
    /// The first line that has it, from 1.
    pub line: u64,
    /// How many lines have it.
    pub count: u64,
    /// That first line, without its wrapper and without secrets.
    pub excerpt: String,
    /// When it was first written, RFC 3339 in UTC, where lines say when.
    #[schemars(extend("format" = "date-time"))]
    pub first: Option<String>,
    /// When it was last written.
    #[schemars(extend("format" = "date-time"))]
    pub last: Option<String>,
    /// How many times something happened: lines within a second of each other are one event.
    pub events: u64,
    /// The time from one event to the next, where it is always the same.
    pub period_ms: Option<u64>,
}

impl Report {
    /// Whether it is about logs, and nothing was probed.
    pub(crate) fn is_of_logs_alone(&self) -> bool {
        self.logs.is_some() && self.endpoints.is_empty()
    }

    /// Whether it is about configuration files, and nothing was probed.
    pub(crate) fn is_of_files_alone(&self) -> bool {
        self.proxy_config.is_some() && self.endpoints.is_empty()
    }
}

/// This program.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Tool {
    /// `hoop-doctor`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Which build of that version: target, profile, commit and rustc, in one line.
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

impl Verdict {
    /// Each of them, the best first.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Degraded, Self::Broken, Self::Unknown];

    /// As it is written in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
        }
    }
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
    /// Its addresses in the order in which Go tries them; empty behind a forward proxy, which looks them up itself.
    pub addresses: Vec<String>,
    /// The forward proxy that Hoop takes on this machine; `null` where it goes directly.
    pub via: Option<ViaReport>,
    /// What is in front of the gateway, where that shows.
    pub proxy: Option<ProxyReport>,
    /// The ladder, lowest rung first.
    pub layers: Vec<LayerReport>,
    /// What `--deep` measured of its streams; left out without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitReport>,
}

/// One thing that `--deep` measured.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LimitReport {
    /// `body`, `metadata`, `streams`, `silent` …
    pub name: String,
    /// Whether a limit was found. `ok` says that none was met, never that there is none.
    pub status: Status,
    /// What was measured, or why it wasn't.
    pub summary: String,
}

/// A forward proxy, by the variables that Go reads.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ViaReport {
    /// The variable that names it.
    pub variable: String,
    /// The scheme that it is given with, which gRPC ignores.
    pub scheme: String,
    /// Its name or address.
    pub host: String,
    /// Its port, Go's default where none is written.
    pub port: u16,
    /// Whether the variable has a login for it.
    pub credentials: bool,
    /// Its addresses in the order in which Go tries them.
    pub addresses: Vec<String>,
    /// The status that it answered CONNECT with; `null` where there was no answer, or CONNECT isn't used.
    pub connect_status: Option<u16>,
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

impl Outcome {
    /// As people read it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Failed => "failed",
            Self::NotTried => "not tried",
        }
    }
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

/// RFC 3339 in UTC; the epoch for what lies outside of its years.
pub(crate) fn timestamp(unix: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}
