//! The command line: what can be asked for, and nothing of how it is done.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use hoop_doctor_standin::{Fault, UnknownFault};

use crate::built;
use crate::findings::{Code, Severity, rules};
use crate::layers::LADDER;
use crate::plan::Resolve;
use crate::proxyconf::read::Dialect;
use crate::recipes;
use crate::report::Pick;

/// Finds out why an agent or a client can't reach a Hoop gateway, and says what to change.
#[derive(Debug, Parser)]
#[command(name = "hoop-doctor", version, long_version = built::VERSION, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

const EXAMPLES: &str = "\
Examples:
  hoop-doctor check                                  what HOOP_KEY and ~/.hoop/config.toml say
  hoop-doctor check --grpc-url grpcs://gw.example.com:8443
  hoop-doctor check -o json --fail-on warn           for a pipeline
  hoop-doctor demo http2-not-enabled                 see a finding without a gateway";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read the configuration as Hoop does, probe the gateway, and name the cause of what is wrong.
    Check(Box<Check>),
    /// Read logs of agents, clients, gateways and proxies, and name the cause of what they complain of.
    Logs(Box<Logs>),
    /// Read a reverse proxy's configuration, and say what in it will break Hoop.
    Lint(Box<Lint>),
    /// Print configuration for a proxy that is known to work, filled in.
    Recipe(Recipe),
    /// Report anew what `check --save` saw: the same diagnosis, later and elsewhere.
    Replay(Box<Replay>),
    /// Say what changed between two runs that were saved.
    Diff(Diff),
    /// Run `check` against a stand-in gateway in this process, with a fault if one is named.
    Demo(Demo),
    /// Print the runbook page of a finding, or the findings that an error text can mean.
    Explain(Explain),
    /// Serve a stand-in gateway, so that a proxy can be rehearsed before Hoop is there.
    StandIn(StandIn),
    /// Print the JSON Schema of `check -o json`.
    Schema,
    /// Print what completes this program's command line in a shell.
    Completions(Completions),
    /// Print the manual page of this program, or of one of its commands.
    Man(Man),
}

/// What `check` examines, and how.
#[derive(Debug, Args, Default)]
#[command(after_help = CHECK_HELP)]
pub struct Check {
    /// Check this gRPC address instead of the configuration.
    #[arg(long, value_name = "URL", help_heading = "What to check")]
    pub grpc_url: Option<String>,
    /// Check this API address instead of the configuration.
    #[arg(long, value_name = "URL", help_heading = "What to check")]
    pub api_url: Option<String>,
    /// Only the agent's or the client's configuration; with URLs, whose rule for schemes applies.
    #[arg(long = "as", value_enum, value_name = "WHO", help_heading = "What to check")]
    pub role: Option<Role>,
    /// Read the key from this variable.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "key_file",
        help_heading = "What to check"
    )]
    pub key_env: Option<String>,
    /// Read the key from this file.
    #[arg(long, value_name = "FILE", help_heading = "What to check")]
    pub key_file: Option<PathBuf>,
    /// Read this file instead of ~/.hoop/config.toml.
    #[arg(long, value_name = "FILE", help_heading = "What to check")]
    pub config: Option<PathBuf>,
    /// Trust the certificates in this PEM file instead of the system's.
    #[arg(long, value_name = "FILE", help_heading = "What to check")]
    pub ca: Option<PathBuf>,
    /// The name that the gRPC certificate must have, as HOOP_TLSSERVERNAME.
    #[arg(long, value_name = "NAME", help_heading = "What to check")]
    pub server_name: Option<String>,
    /// Judge as an agent that does not verify certificates.
    #[arg(long, help_heading = "What to check")]
    pub skip_tls_verify: bool,
    /// Take the address of HOST:PORT from here instead of DNS. May be repeated.
    #[arg(long, value_name = "HOST:PORT:ADDR", value_parser = resolve, help_heading = "What to check")]
    pub resolve: Vec<Resolve>,
    /// Also make the calls that need a user's token. Without it no credential is sent.
    #[arg(long, help_heading = "What to check")]
    pub auth: bool,
    /// Read this log too, - for standard input: what it says joins what is seen. May be repeated.
    #[arg(long = "log", value_name = "FILE", help_heading = "What to check")]
    pub logs: Vec<PathBuf>,

    /// Read this configuration file of the proxy too: findings then point at its lines. May be repeated.
    #[arg(long = "proxy-config", value_name = "FILE", help_heading = "What to check")]
    pub proxy_config: Vec<PathBuf>,

    /// How long TCP, TLS and the HTTP/2 SETTINGS of one attempt may take.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s", help_heading = "Time")]
    pub connect_timeout: DurationArg,
    /// How long the whole run may take [default: 15s; with --deep 30s more than --hold].
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Time")]
    pub timeout: Option<DurationArg>,
    /// Measure limits and timeouts too.
    #[command(flatten)]
    pub depth: Depth,
    /// Check again until nothing at --fail-on is left, for this long at most.
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "deep", help_heading = "Time")]
    pub wait: Option<DurationArg>,
    /// The pause between two checks of --wait.
    #[arg(long, value_name = "TIME", value_parser = pause, default_value = "5s", requires = "wait", help_heading = "Time")]
    pub interval: DurationArg,

    /// How to report.
    #[command(flatten)]
    pub reporting: Reporting,
    /// Write everything that was seen to this file, for `replay` and `diff`. It holds no secret.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub save: Option<PathBuf>,
}

/// How deep a run looks.
#[derive(Clone, Copy, Debug, Args, Default)]
pub struct Depth {
    /// Measure what streams may be: size, metadata, number, idle time, lifetime. Slow and loud, and needs no credential.
    #[arg(long, help_heading = "Depth")]
    pub deep: bool,
    /// How long --deep watches streams.
    #[arg(long, value_name = "TIME", value_parser = hold, default_value = "65s", requires = "deep", help_heading = "Depth")]
    pub hold: DurationArg,
}

impl Depth {
    /// How long streams are watched, if at all.
    pub fn hold(self) -> Option<Duration> {
        self.deep.then_some(self.hold.0)
    }

    /// How long a run takes at most, unless something else was asked for.
    pub fn total(self) -> Duration {
        match self.hold() {
            None => BASE,
            Some(hold) => hold + BEYOND_HOLD,
        }
    }
}

const CHECK_HELP: &str = "\
Exit codes: 0 nothing at or above --fail-on; 1 findings; 2 usage, or a file that was given and can't be read or \
written; 3 could not find out.
A secret never comes as an argument: name a variable (--key-env) or a file (--key-file).";

/// What a report shows, and what makes a run fail: the same for a run and its replay.
#[derive(Debug, Args, Default)]
pub struct Reporting {
    /// How to report, on standard output or to FILE: human, short, json, jsonl, markdown, junit, sarif, github, prometheus
    /// or html. May be repeated.
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = output, help_heading = "Report")]
    pub output: Vec<Output>,
    /// The lowest severity for which the exit code is 1.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Error, help_heading = "Report")]
    pub fail_on: FailOn,
    /// Report only these findings: codes or layers, separated by commas.
    #[arg(long, value_name = "CODE|LAYER", value_delimiter = ',', value_parser = pick, help_heading = "Report")]
    pub only: Vec<Pick>,
    /// Leave these findings out.
    #[arg(long, value_name = "CODE|LAYER", value_delimiter = ',', value_parser = pick, help_heading = "Report")]
    pub skip: Vec<Pick>,
    /// The verdict alone.
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Report")]
    pub quiet: bool,
    /// Every probe, and what it saw; -vv: every HTTP/2 frame too.
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Report")]
    pub verbose: u8,
}

/// Which logs to read.
#[derive(Debug, Args)]
#[command(after_help = LOGS_HELP)]
pub struct Logs {
    /// Log files, gzip included; - for standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print the logs with every secret masked, and nothing else, for pasting into a ticket.
    #[arg(long, conflicts_with_all = ["output", "only", "skip", "quiet", "verbose"])]
    pub redact: bool,
    /// How to report.
    #[command(flatten)]
    pub reporting: Reporting,
}

const LOGS_HELP: &str = "\
Examples:
  kubectl logs deploy/hoopagent | hoop-doctor logs -
  hoop-doctor logs agent.log /var/log/nginx/error.log*
  hoop-doctor logs --redact agent.log > for-the-ticket.log

Exit codes: 0 nothing at or above --fail-on; 1 findings; 2 usage, no log that can be read, or a file that can't be \
written; 3 no line to read.";

/// Which configuration to read.
#[derive(Debug, Args)]
#[command(after_help = LINT_HELP)]
pub struct Lint {
    /// Configuration files; - for standard input. Kubernetes manifests and AWS descriptions that belong together go
    /// together.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Whose configuration it is, where the files don't show it.
    #[arg(long, value_enum, value_name = "PROXY")]
    pub proxy: Option<Dialect>,
    /// Judge this host alone; without it, those that look like Hoop's. May be repeated.
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// How to report.
    #[command(flatten)]
    pub reporting: Reporting,
}

const LINT_HELP: &str = "\
Examples:
  hoop-doctor lint /etc/nginx/nginx.conf
  helm template hoop ./chart | hoop-doctor lint -
  aws elbv2 describe-listeners --load-balancer-arn ARN | hoop-doctor lint -

A comment allows a finding, on its line or on the line before, where it says why:
  # hoop-doctor: allow HD703 because sessions here never wait for approval

Exit codes: 0 nothing at or above --fail-on; 1 findings; 2 usage, or a file that was given and can't be read or \
written.";

/// Which recipe to print, and what to fill it in with.
#[derive(Debug, Args)]
#[command(after_help = RECIPE_HELP)]
pub struct Recipe {
    /// Whose configuration.
    #[arg(value_enum, value_name = "PROXY")]
    pub proxy: recipes::Recipe,
    /// The host of the API, and of gRPC where that has none of its own.
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// The host of gRPC, where it has one of its own.
    #[arg(long, value_name = "NAME")]
    pub grpc_host: Option<String>,
    /// The certificate with its chain: a file, a Kubernetes secret or an ARN.
    #[arg(long, value_name = "CERT")]
    pub cert: Option<String>,
    /// The gateway's own name or address, as the proxy reaches it.
    #[arg(long, value_name = "HOST")]
    pub gateway: Option<String>,
    /// The gateway itself speaks TLS, on both ports.
    #[arg(long)]
    pub tls_upstream: bool,
    /// Take the hosts from what `check --save` wrote.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

const RECIPE_HELP: &str = "\
Examples:
  hoop-doctor recipe nginx --host gateway.example.com --cert /etc/ssl/gateway/fullchain.pem --gateway 10.0.0.10
  hoop-doctor recipe istio --host gateway.example.com | kubectl apply -f -
  hoop-doctor recipe nginx | hoop-doctor lint -

Exit codes: 0 printed; 2 usage, or a file that was given and can't be read.";

/// Which run to report anew.
#[derive(Debug, Args)]
#[command(after_help = REPLAY_HELP)]
pub struct Replay {
    /// What `check --save` wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How to report.
    #[command(flatten)]
    pub reporting: Reporting,
}

const REPLAY_HELP: &str = "\
Exit codes: 0 nothing at or above --fail-on; 1 findings; 2 usage, or a file that was given and can't be read or \
written; 3 the run that was saved could not find out.";

/// Which runs to compare.
#[derive(Debug, Args)]
#[command(after_help = DIFF_HELP)]
pub struct Diff {
    /// What `check --save` wrote when it worked.
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// What it wrote later.
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// How to print the changes.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = DiffFormat::Human)]
    pub output: DiffFormat,
}

const DIFF_HELP: &str = "\
Exit codes: 0 nothing changed; 1 something did; 2 usage, or a file that was given and can't be read.";

/// Which stand-in to check.
#[derive(Debug, Args)]
#[command(after_help = DEMO_HELP)]
pub struct Demo {
    /// The one way in which the stand-in misbehaves; none: it is healthy.
    #[arg(value_parser = FAULT, hide_possible_values = true)]
    pub fault: Option<Fault>,
    /// Measure limits and timeouts too.
    #[command(flatten)]
    pub depth: Depth,
    /// List the faults.
    #[arg(long, conflicts_with = "fault")]
    pub list: bool,
    /// Also make the calls that need a user's token.
    #[arg(long)]
    pub auth: bool,
    /// How to report, on standard output or to FILE: human, short, json, jsonl, markdown, junit, sarif, github, prometheus
    /// or html. May be repeated.
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = output)]
    pub output: Vec<Output>,
    /// Every probe, and what it saw; -vv: every HTTP/2 frame too.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

const DEMO_HELP: &str = "\
Exit codes: 0 no error; 1 errors; 2 usage, or a file that was given and can't be written; 3 could not find out.";

/// What `explain` looks up.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_HELP)]
pub struct Explain {
    /// A code (HD401, 401), a finding's name, an error text, or - for a text on standard input; none: list all findings.
    #[arg(value_name = "CODE|NAME|TEXT")]
    pub asked: Vec<String>,
}

const EXPLAIN_HELP: &str = "\
Examples:
  hoop-doctor explain HD401
  hoop-doctor explain \"error reading server preface: EOF\"
  kubectl logs deploy/hoopagent --tail 20 | hoop-doctor explain -

Exit codes: 0 found; 1 nothing in the text is known; 2 usage, or no such code or name.";

/// Which stand-in to serve.
#[derive(Debug, Args)]
#[command(after_help = STAND_IN_HELP)]
pub struct StandIn {
    /// Where the gRPC port listens.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8010")]
    pub grpc: SocketAddr,
    /// Where the REST port listens.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8009")]
    pub rest: SocketAddr,
    /// Speak TLS on both ports, with this certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// The one way in which it misbehaves; `demo --list` shows them.
    #[arg(long, value_name = "NAME", value_parser = FAULT, hide_possible_values = true)]
    pub fault: Option<Fault>,
}

const STAND_IN_HELP: &str = "\
Exit codes: 0 stopped by Ctrl-C; 2 usage, a file that was given and can't be read, or a port that is taken.";

/// Which shell to complete for.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

const COMPLETIONS_HELP: &str = "\
Examples:
  source <(hoop-doctor completions bash)
  hoop-doctor completions fish > ~/.config/fish/completions/hoop-doctor.fish";

/// Which manual page to print.
#[derive(Debug, Args)]
#[command(after_help = MAN_HELP)]
pub struct Man {
    /// The command; none: the program itself.
    #[arg(value_name = "COMMAND", value_parser = PAGE, hide_possible_values = true)]
    pub command: Option<String>,
    /// Write every page to this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with = "command", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

const MAN_HELP: &str = "\
Examples:
  hoop-doctor man check | man -l -
  hoop-doctor man --dir /usr/local/share/man/man1

Exit codes: 0 printed, or written; 2 usage, or a folder that can't be written to.";

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Whose configuration, or whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// `hoop start agent`.
    Agent,
    /// The `hoop` command line.
    Client,
}

/// The lowest severity that fails a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors.
    #[default]
    Error,
    /// Errors and warnings.
    Warn,
}

impl FailOn {
    /// As a severity.
    pub fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warn => Severity::Warn,
        }
    }
}

/// A report and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it is written.
    pub format: Format,
    /// `None`: standard output.
    pub file: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One line a finding, for a chat.
    Short,
    /// The whole model.
    Json,
    /// The whole model on a line, added to FILE; with --wait a line a look.
    Jsonl,
    /// For a ticket.
    Markdown,
    /// A test case a layer, for a pipeline's list of tests.
    Junit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions, and a summary of the step where there is one.
    Github,
    /// Metrics, for the textfile collector of node_exporter.
    Prometheus,
    /// One page for a browser, a ticket or a printer.
    Html,
}

/// How changes are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// A line a change.
    Human,
    /// Both sides of each change.
    Json,
}

/// A time span as an argument: `5s`, `500ms`, `2m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationArg(pub Duration);

impl Default for DurationArg {
    fn default() -> Self {
        Self(Duration::from_secs(5))
    }
}

/// A name that shells complete. Whoever reads it says what is wrong with another, in better words than a list of all.
#[derive(Clone)]
struct Named<T> {
    read: fn(&str) -> Result<T, String>,
    names: fn() -> Vec<&'static str>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Named<T> {
    type Value = T;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        self.read.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.names)().into_iter().map(PossibleValue::new)))
    }
}

const FAULT: Named<Fault> = Named {
    read: |name| name.parse().map_err(|unknown: UnknownFault| unknown.to_string()),
    names: || Fault::ALL.iter().map(|fault| fault.name()).collect(),
};

/// Any name is taken here: only `man` knows its pages.
const PAGE: Named<String> = Named {
    read: |name| Ok(name.to_owned()),
    // clap wants names that live for ever, which those that it derives don't; a test compares the two.
    names: || {
        let names = "check logs lint recipe replay diff demo explain stand-in schema completions man";
        names.split(' ').collect()
    },
};

fn duration(text: &str) -> Result<DurationArg, String> {
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number
        .parse()
        .map_err(|_| "a time is a number with a unit, 5s for instance".to_owned())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "" => return Err(format!("{number} needs a unit: ms, s, m or h")),
        other => return Err(format!("{other} is no unit of time: ms, s, m or h")),
    };
    let total = number.checked_mul(millis).filter(|total| *total <= LONGEST);
    total
        .map(|total| DurationArg(Duration::from_millis(total)))
        .ok_or_else(|| "at most 24h".to_owned())
}

/// A time span that leaves the gateway alone for a moment.
fn pause(text: &str) -> Result<DurationArg, String> {
    let pause = duration(text)?;
    match pause.0 < SHORTEST_PAUSE {
        true => Err("at least 10ms".to_owned()),
        false => Ok(pause),
    }
}

/// A time span in which something can happen to a stream.
fn hold(text: &str) -> Result<DurationArg, String> {
    let hold = duration(text)?;
    match hold.0 < SHORTEST_HOLD {
        true => Err("at least 2s".to_owned()),
        false => Ok(hold),
    }
}

const SHORTEST_HOLD: Duration = Duration::from_secs(2);
/// How long a run without `--deep` may take, and how much longer than `--hold` one with it.
const BASE: Duration = Duration::from_secs(15);
const BEYOND_HOLD: Duration = Duration::from_secs(30);
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// 24 hours in milliseconds.
const LONGEST: u64 = 86_400_000;

fn resolve(text: &str) -> Result<Resolve, String> {
    let usage = || "expected HOST:PORT:ADDR, for instance gw.example.com:8443:10.0.0.10".to_owned();
    let (host, rest) = text.split_once(':').ok_or_else(usage)?;
    let (port, addr) = rest.split_once(':').ok_or_else(usage)?;
    let addr = addr
        .strip_prefix('[')
        .and_then(|addr| addr.strip_suffix(']'))
        .unwrap_or(addr);
    Ok(Resolve {
        host: host.to_owned(),
        port: port.parse().map_err(|_| format!("{port} is no port"))?,
        addr: IpAddr::from_str(addr).map_err(|_| format!("{addr} is no IP address"))?,
    })
}

fn output(text: &str) -> Result<Output, String> {
    let names = || {
        let formats = Format::value_variants().iter().filter_map(Format::to_possible_value);
        let names: Vec<String> = formats.map(|format| format.get_name().to_owned()).collect();
        names.join(", ")
    };
    let (format, file) = match text.split_once('=') {
        Some(("", _)) => return Err(format!("a format is missing before =; there are {}", names())),
        Some((format, "-")) => (format, None),
        Some((format, "")) => {
            return Err(format!(
                "{format}= names no file; {format} alone goes to standard output"
            ));
        }
        Some((format, file)) => (format, Some(PathBuf::from(OsString::from(file)))),
        None => (text, None),
    };
    let format =
        Format::from_str(format, false).map_err(|_| format!("{format} is no format; there are {}", names()))?;
    Ok(Output { format, file })
}

fn pick(text: &str) -> Result<Pick, String> {
    if let Some(rung) = LADDER.iter().find(|rung| rung.name == text) {
        return Ok(Pick::Layer(rung.layer));
    }
    let code = text.strip_prefix("HD").and_then(|digits| digits.parse().ok()).map(Code);
    match code {
        Some(code) if rules().any(|rule| rule.code == code) => Ok(Pick::Code(code)),
        _ => {
            let layers: Vec<&str> = LADDER.iter().map(|rung| rung.name).collect();
            Err(format!(
                "{text} is neither a code, HD401 for instance, nor a layer ({})",
                layers.join(", ")
            ))
        }
    }
}
