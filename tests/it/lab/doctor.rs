//! Runs the program as a user would: the real binary, a clean environment, the report read from its output.

use std::env;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::Process;

/// What one run of the program printed as JSON.
pub(crate) struct Report {
    pub(crate) json: Value,
    pub(crate) took: Duration,
}

/// Runs `hoop-doctor` with `args`, with `home` as the user's home and none of the machine's own settings.
pub(crate) fn hoop_doctor<'a>(home: &Path, args: impl IntoIterator<Item = &'a str>) -> Result<Report, RunError> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
    command.args(args).env_clear().env("HOME", home);
    if let Some(path) = env::var_os("PATH") {
        command.env("PATH", path);
    }
    let started = Instant::now();
    let mut process = Process::spawn(command)?;
    let output = process.ended_within(LIMIT).ok_or(RunError::TooSlow)??;
    let took = started.elapsed();
    match serde_json::from_slice(&output.stdout) {
        Ok(json) => Ok(Report { json, took }),
        Err(error) => Err(RunError::NoReport {
            error,
            exit: output.status.to_string(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }),
    }
}

impl Report {
    /// A report that was made in this process.
    pub(crate) fn of(json: Value) -> Self {
        Self {
            json,
            took: Duration::ZERO,
        }
    }

    /// The cause, where anything was found at all.
    pub(crate) fn first_finding(&self) -> Option<&str> {
        self.findings().first()?["code"].as_str()
    }

    /// What the first finding says.
    pub(crate) fn first_message(&self) -> Option<&str> {
        self.findings().first()?["message"].as_str()
    }

    /// The file and the line that the first finding names first.
    pub(crate) fn first_place(&self) -> Option<(&str, u64)> {
        let place = &self.findings().first()?["locations"][0];
        Some((place["file"].as_str()?, place["line"].as_u64()?))
    }

    /// All that was found, a line each, for a failure.
    pub(crate) fn told(&self) -> String {
        let line = |one: &Value| format!("\n    {} {}: {}", one["code"], one["severity"], one["message"]);
        self.findings().iter().map(line).collect()
    }

    /// Whether nothing has to be mended.
    pub(crate) fn is_healthy(&self) -> bool {
        self.json["verdict"] == "healthy" && !self.has(Severity::Error) && !self.has(Severity::Warning)
    }

    /// The pieces of configuration that the cause's remedy has, each with the proxy whose it is.
    pub(crate) fn snippets(&self) -> impl Iterator<Item = (&str, &str)> {
        let cause = self.findings().first();
        let snippets = cause.and_then(|cause| cause["remedy"]["snippets"].as_array());
        let snippets = snippets.into_iter().flatten();
        snippets.filter_map(|snippet| Some((snippet["proxy"].as_str()?, snippet["text"].as_str()?)))
    }

    /// The port that the first endpoint was asked at.
    pub(crate) fn port(&self) -> Option<u16> {
        let url = self.array("endpoints").first()?["url"].as_str()?;
        url.rsplit(':').next()?.parse().ok()
    }

    /// What the first thing that is wrong with gRPC makes an agent log; empty where nothing is.
    pub(crate) fn logged_by_agents(&self) -> Vec<&str> {
        let about_grpc = |finding: &&Value| {
            let endpoints = finding["endpoints"].as_array().into_iter().flatten();
            finding["severity"] != "info" && endpoints.filter_map(Value::as_str).any(|id| id.starts_with("grpc"))
        };
        let Some(first) = self.findings().iter().find(about_grpc) else {
            return Vec::new();
        };
        let logged = first["logged_as"].as_array().into_iter().flatten();
        logged.filter_map(Value::as_str).collect()
    }

    pub(crate) fn has(&self, severity: Severity) -> bool {
        let name = match severity {
            Severity::Error => "error",
            Severity::Warning => "warn",
        };
        self.findings().iter().any(|finding| finding["severity"] == name)
    }

    /// The proxies that were recognised in front of the endpoints, each once, with their versions where known.
    pub(crate) fn proxies(&self) -> Vec<String> {
        let mut proxies: Vec<String> = self
            .array("endpoints")
            .iter()
            .filter_map(|endpoint| {
                let proxy = &endpoint["proxy"];
                let name = proxy["name"].as_str()?;
                Some(match proxy["version"].as_str() {
                    Some(version) => format!("{name} {version}"),
                    None => name.to_owned(),
                })
            })
            .collect();
        proxies.sort();
        proxies.dedup();
        proxies
    }

    /// The proxy in front of each endpoint by its name in the report.
    pub(crate) fn recognised(&self) -> impl Iterator<Item = Option<&str>> {
        let endpoints = self.array("endpoints").iter();
        endpoints.map(|endpoint| endpoint["proxy"]["name"].as_str())
    }

    fn findings(&self) -> &[Value] {
        self.array("findings")
    }

    /// Panics where the report has no such array: then it isn't the report of the contract.
    fn array(&self, name: &str) -> &[Value] {
        self.json[name]
            .as_array()
            .unwrap_or_else(|| panic!("the report has no array {name:?}: {}", self.json))
    }
}

/// A severity that tests ask about.
#[derive(Clone, Copy)]
pub(crate) enum Severity {
    Error,
    Warning,
}

/// Why a run gave no report.
#[derive(Debug)]
pub(crate) enum RunError {
    Process(io::Error),
    TooSlow,
    NoReport {
        error: serde_json::Error,
        exit: String,
        stderr: String,
    },
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::Process(error)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(error) => write!(f, "hoop-doctor can't be run: {error}"),
            Self::TooSlow => write!(f, "hoop-doctor still runs after {LIMIT:?}"),
            Self::NoReport { error, exit, stderr } => {
                write!(f, "no report on stdout ({error}), {exit}: {stderr}")
            }
        }
    }
}

/// More than `--deep --hold 8s` may take, on a machine that is busy with other tests.
const LIMIT: Duration = Duration::from_secs(60);
