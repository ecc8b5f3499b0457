//! The table of scenarios: which configuration is served, how `check` is called, what it has to find.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::certificates::GATEWAY;
use super::doctor::{Report, RunError, Severity, hoop_doctor};
use super::proxy::{Proxy, Serving, StartError, says};
use super::{Lab, configurations};
use crate::oracle::Agent;

/// One row of an `expect.tsv`.
pub(crate) struct Scenario {
    /// Folder and file without its extension, such as `nginx/no-http2`.
    pub(crate) name: String,
    pub(crate) expected: Expected,
    pub(crate) proxy: Proxy,
    listener: Listener,
    args: Args,
}

impl Scenario {
    /// The rows of an `expect.tsv`, given with its path below `tests/lab`.
    ///
    /// Panics at a row that can't be read: the tables are part of the repository.
    pub(crate) fn table(path: &str) -> io::Result<Vec<Self>> {
        Self::rows(path, |line| {
            (!line.is_empty() && !line.starts_with('#')).then_some(line)
        })
    }

    /// The rows that wait for their rule, which stand behind `# later: `.
    pub(crate) fn later(path: &str) -> io::Result<Vec<Self>> {
        Self::rows(path, |line| line.strip_prefix("# later: "))
    }

    fn rows(path: &str, row: impl Fn(&str) -> Option<&str>) -> io::Result<Vec<Self>> {
        let text = fs::read_to_string(configurations().join(path))?;
        Ok(text
            .lines()
            .filter_map(row)
            .map(|line| Self::parse(line).unwrap_or_else(|| panic!("{path}: no scenario: {line:?}")))
            .collect())
    }

    fn parse(line: &str) -> Option<Self> {
        let mut columns = line.split('\t');
        let name = columns.next()?.to_owned();
        let (folder, _) = name.split_once('/')?;
        Some(Self {
            proxy: Proxy::named(folder)?,
            listener: match columns.next()? {
                "tls" => Listener::Tls,
                "clear" => Listener::Clear,
                _ => return None,
            },
            args: Args::parse(columns.next()?)?,
            expected: Expected::parse(columns.next()?),
            name,
        })
    }

    /// The configuration: one of `ours` where there is one of that name, else a shared one.
    pub(crate) fn configuration(&self) -> PathBuf {
        let file = format!("{}.{}", self.name, self.proxy.extension());
        let own = configurations().join("ours").join(&file);
        if own.exists() { own } else { configurations().join(file) }
    }

    /// Whether it is checked with `--deep`, which takes seconds.
    pub(crate) fn is_deep(&self) -> bool {
        self.args.deep
    }

    /// The same scenario with `--deep`, which may find more to warn of.
    pub(crate) fn deep(mut self) -> Self {
        self.args.deep = true;
        self.expected = Expected::parse("ok");
        self
    }

    /// Whether it is checked with a token.
    pub(crate) fn has_token(&self) -> bool {
        self.args.token.is_some()
    }

    /// Serves the configuration for as long as the result is kept.
    pub(crate) fn serve(&self, lab: &Lab) -> Result<Served, StartError> {
        let configuration = fs::read_to_string(self.configuration())?;
        let mut served = self.serve_as(lab, &configuration)?;
        // A health check takes its time to take a server away.
        let mut lines = configuration.lines();
        if let Some(status) = lines.find_map(|line| line.strip_prefix("# once gRPC gets: ")) {
            let is_ready = |address| says(lab, address, "/protobuf.Transport/Connect", status);
            served
                .proxy
                .wait_until(is_ready)
                .map_err(|problem| StartError::NotServing {
                    proxy: self.proxy,
                    problem,
                    log: String::new(),
                })?;
        }
        Ok(served)
    }

    /// The same with another configuration.
    pub(crate) fn serve_as(&self, lab: &Lab, configuration: &str) -> Result<Served, StartError> {
        let proxy = Serving::start_with(lab, self.proxy, configuration)?;
        let port = proxy.address().port();
        let (grpc, rest) = match self.listener {
            Listener::Tls => ("grpcs", "https"),
            Listener::Clear => ("grpc", "http"),
        };
        let api_url = || format!("{rest}://{GATEWAY}:{port}");
        Ok(Served {
            grpc_url: format!("{grpc}://{GATEWAY}:{port}"),
            api_url: (!self.args.grpc_alone).then(api_url),
            address: proxy.address(),
            proxy,
        })
    }

    /// Serves the configuration, checks it and returns the report, which is also what a real agent runs into.
    pub(crate) fn run(&self, lab: &Lab) -> Result<Report, ScenarioError> {
        let served = self.serve(lab)?;
        let report = self.ask(lab, &served)?;
        // What takes seconds to go wrong is no matter of dialling.
        if !self.is_deep() {
            let agent = Agent::told(&served.grpc_url, Some(&fs::read_to_string(lab.ca())?)).dialling(served.address);
            agent.agrees_with(&report).map_err(ScenarioError::Agent)?;
        }
        Ok(report)
    }

    /// The report on `configuration` in the place of the scenario's own.
    pub(crate) fn check(&self, lab: &Lab, configuration: &str) -> Result<Report, ScenarioError> {
        self.ask(lab, &self.serve_as(lab, configuration)?)
    }

    /// The report on what is served.
    pub(crate) fn ask(&self, lab: &Lab, served: &Served) -> Result<Report, ScenarioError> {
        self.ask_with(lab, served, &[])
    }

    /// The same with more arguments.
    pub(crate) fn ask_with(&self, lab: &Lab, served: &Served, more: &[&str]) -> Result<Report, ScenarioError> {
        let home = lab.fresh_folder()?;
        let address = format!("{GATEWAY}:{}:{}", served.address.port(), served.address.ip());
        let ca = lab.ca().display().to_string();

        let mut args = vec!["check", "--grpc-url", &served.grpc_url];
        if let Some(api_url) = &served.api_url {
            args.extend(["--api-url", api_url]);
        }
        if self.is_deep() {
            args.extend(["--deep", "--hold", "8s"]);
        }
        let key = home.join("token").display().to_string();
        if let Some(token) = self.args.token {
            fs::write(&key, token)?;
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
            args.extend(["--auth", "--key-file", &key]);
        }
        args.extend(["--resolve", &address, "--ca", &ca, "-o", "json"]);
        args.extend(more);
        Ok(hoop_doctor(&home, args)?)
    }
}

/// A proxy that runs, and what a check has to be told to meet it.
pub(crate) struct Served {
    pub(crate) grpc_url: String,
    /// `None` where there is no REST behind it.
    pub(crate) api_url: Option<String>,
    /// Where the name in the URLs is.
    pub(crate) address: SocketAddr,
    pub(crate) proxy: Serving,
}

/// What the proxy's port speaks.
enum Listener {
    Tls,
    Clear,
}

/// How `check` is called.
#[derive(Default)]
struct Args {
    /// With `--deep --hold 8s`.
    deep: bool,
    /// Without `--api-url`.
    grpc_alone: bool,
    /// With `--auth` and this token.
    token: Option<&'static str>,
}

impl Args {
    /// `-`, or words with a comma between them.
    fn parse(text: &str) -> Option<Self> {
        let mut args = Self::default();
        for word in text.split(',').filter(|word| *word != "-") {
            match word {
                "deep" => args.deep = true,
                "grpc" => args.grpc_alone = true,
                "auth" => args.token = Some("good"),
                "auth-bad" => args.token = Some("bad"),
                _ => return None,
            }
        }
        Some(args)
    }
}

/// What a report has to say.
pub(crate) struct Expected {
    /// As it stands in the table.
    text: String,
    errors: Permitted,
    warnings: Permitted,
    /// The codes that may come first; empty where none is asked for.
    first: Vec<String>,
}

/// Whether findings of one severity may be in the report.
#[derive(PartialEq)]
enum Permitted {
    Yes,
    No,
}

impl Expected {
    /// `ok`, `ok!`, or codes, separated by commas; `ok,HD603` asks for that code and for no error.
    pub(crate) fn parse(text: &str) -> Self {
        let mut expected = Self {
            text: text.to_owned(),
            errors: Permitted::Yes,
            warnings: Permitted::Yes,
            first: Vec::new(),
        };
        for word in text.split(',') {
            match word {
                "ok" => expected.errors = Permitted::No,
                "ok!" => {
                    expected.errors = Permitted::No;
                    expected.warnings = Permitted::No;
                }
                code => expected.first.push(code.to_owned()),
            }
        }
        expected
    }

    /// Whether `report` is what this scenario has to lead to.
    pub(crate) fn is_met_by(&self, report: &Report) -> bool {
        let first = report.first_finding();
        let first_is_asked_for = self.first.is_empty() || self.first.iter().any(|code| first == Some(code));
        first_is_asked_for
            && (self.errors == Permitted::Yes || !report.has(Severity::Error))
            && (self.warnings == Permitted::Yes || report.is_healthy())
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Why a scenario gave no report, or none that can be right.
pub(crate) enum ScenarioError {
    Start(StartError),
    Run(RunError),
    /// A real agent logs something else than the report says.
    Agent(String),
}

impl From<StartError> for ScenarioError {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

impl From<RunError> for ScenarioError {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

impl From<io::Error> for ScenarioError {
    fn from(error: io::Error) -> Self {
        Self::Start(StartError::Lab(error))
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => error.fmt(f),
            Self::Run(error) => error.fmt(f),
            Self::Agent(difference) => f.write_str(difference),
        }
    }
}
