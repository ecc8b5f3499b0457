//! The commands: parse, run, exit code.

use std::io;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::cli::{Cli, Command};
use crate::config::Discovery;
use crate::evidence::{Evidence, Wire};
use crate::findings::Severity;
use crate::report::schema::SCHEMA;
use crate::report::{Report, Verdict};

mod check;
mod completions;
mod demo;
mod diff;
mod explain;
mod file;
mod lint;
mod logs;
mod man;
mod output;
mod progress;
mod recipe;
mod replay;
mod save;
mod stand_in;
mod wait;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Nothing at or above `--fail-on`.
    Fine,
    /// Findings.
    Findings,
    /// Usage, or something that the user gave to this program can't be read or written.
    Usage,
    /// It could not be found out.
    Unknown,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Unknown => 3,
        })
    }
}

/// The one place where a report becomes an exit code, the same for every format.
pub(crate) fn exit_of(report: &Report, fail_on: Severity) -> Exit {
    match report.verdict {
        Verdict::Unknown => Exit::Unknown,
        Verdict::Healthy | Verdict::Degraded | Verdict::Broken => {
            match report.findings.iter().any(|finding| finding.severity >= fail_on) {
                true => Exit::Findings,
                false => Exit::Fine,
            }
        }
    }
}

/// Runs a command.
///
/// # Errors
/// What the user gave to this program and can't be used; the exit code is 2. A closed pipe is no error.
pub fn run(cli: &Cli) -> anyhow::Result<Exit> {
    let done = match &cli.command {
        Command::Check(args) => check::run(args, cli.color),
        Command::Logs(args) => logs::run(args, cli.color),
        Command::Lint(args) => lint::run(args, cli.color),
        Command::Recipe(args) => recipe::run(args),
        Command::Replay(args) => replay::run(args, cli.color),
        Command::Diff(args) => diff::run(args),
        Command::Demo(args) => demo::run(args, cli.color),
        Command::Explain(args) => explain::run(args, cli.color),
        Command::StandIn(args) => stand_in::run(args),
        Command::Schema => output::print(SCHEMA).map(|()| Exit::Fine),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    };
    match done {
        Err(error) if is_closed_pipe(&error) => Ok(Exit::Fine),
        other => other,
    }
}

/// A case without a gateway: what files say, put in by `read`, and how long that took.
fn of_files(read: impl FnOnce(&mut Evidence) -> anyhow::Result<()>) -> anyhow::Result<Evidence> {
    let started = Instant::now();
    let mut evidence = Evidence {
        config: Discovery::default(),
        wire: Wire {
            started_at: now(),
            ..Wire::default()
        },
        logs: None,
        proxyconf: None,
    };
    read(&mut evidence)?;
    evidence.wire.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(evidence)
}

/// Seconds since the epoch, by this machine's clock.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
