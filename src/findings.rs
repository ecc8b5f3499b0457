//! The catalogue: what can be wrong, how that is told from the evidence, and which finding comes first.
//!
//! A finding is a problem, not a probe. Rules are pure: no clock, no environment, no I/O, and they read typed evidence, never error text.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::evidence::{Endpoint, Evidence, Kind};
use crate::proxies::Proxy;

mod across;
mod config;
mod dns;
mod fixes;
mod from_logs;
mod from_proxyconf;
mod grpc;
mod http2;
mod joined;
mod limits;
mod network;
mod proxyconf;
mod rank;
mod rest;
mod tls;
mod upstream;

use from_logs::snippets;
pub use rank::{Diagnosed, diagnose};
pub(crate) use tls::inspector;

/// All rules, sorted by code.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        config::RULES,
        dns::RULES,
        network::RULES,
        tls::RULES,
        http2::RULES,
        rest::RULES,
        grpc::RULES,
        limits::RULES,
        proxyconf::RULES,
        across::RULES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// A finding's number; its hundred is the area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HD{:03}", self.0)
    }
}

/// One kind of problem.
#[derive(Debug)]
pub struct Rule {
    /// For ever.
    pub code: Code,
    /// For ever; kebab-case, names the problem.
    pub name: &'static str,
    /// The usual severity; a draft may lower it.
    pub severity: Severity,
    /// What is wrong, in one line without observed values.
    pub summary: &'static str,
    /// The runbook page, Markdown.
    pub explain: &'static str,
    /// How much stops working.
    pub breaks: Breaks,
    /// Codes that are follow-ons of this one at the same endpoint.
    pub explains: &'static [Code],
    /// Tells from the evidence whether the problem is there.
    pub check: fn(&Evidence) -> Vec<Draft>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Will hurt some day, or hurts some users.
    Warn,
    /// Hoop doesn't work.
    Error,
}

impl Severity {
    /// As it is written in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// One cause of several; the candidates are named.
    Possible,
    /// The evidence points here, something else could look the same.
    Likely,
    /// Nothing else looks like this.
    Certain,
}

impl Confidence {
    /// As it is written in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// How much a problem breaks. The order is that of ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breaks {
    /// No call works.
    Every,
    /// Some calls, or some users.
    Some,
    /// What works now will stop working later.
    Later,
    /// Nothing.
    Nothing,
}

/// What a rule says; the diagnosis adds what all findings have in common.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// One sentence with the observed values in it.
    pub message: String,
    /// `None`: the rule's.
    pub severity: Option<Severity>,
    /// `None`: certain.
    pub confidence: Option<Confidence>,
    /// Indices of the endpoints that it is about.
    pub endpoints: Vec<usize>,
    /// Indices of the identities that it is about.
    pub identities: Vec<usize>,
    /// The change that mends it.
    pub remedy: Remedy,
    /// Observations, as `endpoint/probe`.
    pub evidence: Vec<String>,
    /// Places in files.
    pub locations: Vec<Location>,
    /// Other causes that would look the same, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// The one look that decides between the candidates.
    pub decide: Option<Decide>,
    /// What the agent or client logs because of it, as templates.
    pub logged_as: Vec<String>,
}

/// What mends a problem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remedy {
    /// The next action, in the imperative.
    pub text: String,
    /// The change in the words of each proxy to which it applies, the recognised one first.
    pub snippets: Vec<Snippet>,
}

/// A piece of configuration, or a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Snippet {
    /// Whose configuration it is.
    pub proxy: Proxy,
    /// `nginx`, `yaml`, `sh`, …
    pub language: String,
    /// The text to put in.
    pub text: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Location {
    /// The file.
    pub file: String,
    /// From 1; `None` for the whole file.
    pub line: Option<usize>,
    /// From 1.
    pub column: Option<usize>,
    /// What stands there, without secrets; left out where it isn't known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A cause that would look the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Candidate {
    /// Its code.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String", regex(pattern = r"^HD\d{3}$"))]
    pub code: Code,
    /// Why it is one.
    pub why: String,
}

/// The look that decides between candidates: a command to run or a file to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Decide {
    /// A command, to be run on the proxy's host.
    pub command: Option<String>,
    /// A file, on the proxy's host.
    pub file: Option<String>,
    /// What it says for which cause.
    pub expect: String,
}

fn as_text<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(code)
}

/// Drafts of a rule that looks at one endpoint at a time.
fn for_each_endpoint(evidence: &Evidence, look: impl Fn(&Endpoint) -> Option<Draft>) -> Vec<Draft> {
    let drafts = evidence
        .wire
        .endpoints
        .iter()
        .enumerate()
        .filter_map(|(index, endpoint)| {
            let mut draft = look(endpoint)?;
            draft.endpoints = vec![index];
            draft.identities.clone_from(&endpoint.identities);
            Some(draft)
        });
    drafts.collect()
}

/// The same for gRPC endpoints alone.
fn for_each_grpc(evidence: &Evidence, look: impl Fn(&Endpoint) -> Option<Draft>) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| match endpoint.target.kind {
        Kind::Grpc => look(endpoint),
        Kind::Rest => None,
    })
}

/// The same for REST endpoints alone.
fn for_each_rest(evidence: &Evidence, look: impl Fn(&Endpoint) -> Option<Draft>) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| match endpoint.target.kind {
        Kind::Rest => look(endpoint),
        Kind::Grpc => None,
    })
}

impl Draft {
    /// A certain finding with this message and remedy.
    fn new(message: String, remedy: impl Into<String>) -> Self {
        Self {
            message,
            remedy: Remedy {
                text: remedy.into(),
                snippets: Vec::new(),
            },
            ..Self::default()
        }
    }

    fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = Some(confidence);
        self
    }

    /// Names the observations that show it: probes of `endpoint`.
    fn seen_in(mut self, endpoint: &Endpoint, probes: &[&str]) -> Self {
        self.evidence = probes.iter().map(|probe| format!("{}/{probe}", endpoint.id)).collect();
        self
    }

    fn snippet(mut self, proxy: Proxy, text: impl Into<String>) -> Self {
        self.remedy.snippets.push(Snippet {
            proxy,
            language: proxy.language().to_owned(),
            text: text.into(),
        });
        self
    }

    /// A command for the reader's own shell.
    fn shell(mut self, text: impl Into<String>) -> Self {
        self.remedy.snippets.push(Snippet {
            proxy: Proxy::Hoop,
            language: "sh".to_owned(),
            text: text.into(),
        });
        self
    }

    fn candidate(mut self, code: u16, why: impl Into<String>) -> Self {
        self.candidates.push(Candidate {
            code: Code(code),
            why: why.into(),
        });
        self
    }

    /// The look that decides: a command on the proxy's or gateway's host.
    fn decide_by_command(mut self, command: impl Into<String>, expect: impl Into<String>) -> Self {
        self.decide = Some(Decide {
            command: Some(command.into()),
            file: None,
            expect: expect.into(),
        });
        self
    }

    /// The look that decides: a file on the proxy's host.
    fn decide_by_file(mut self, file: impl Into<String>, expect: impl Into<String>) -> Self {
        self.decide = Some(Decide {
            command: None,
            file: Some(file.into()),
            expect: expect.into(),
        });
        self
    }

    /// The texts that were worked out for this case.
    fn logs(mut self, texts: Vec<String>) -> Self {
        self.logged_as = texts;
        self
    }

    fn logged_as(mut self, texts: &[&str]) -> Self {
        self.logged_as = texts.iter().map(|text| (*text).to_owned()).collect();
        self
    }
}
