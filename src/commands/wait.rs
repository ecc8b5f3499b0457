//! `check --wait`: looks again until nothing is left to complain of, for pipelines that need a gateway that answers.

use std::io::{self, Write};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};

use super::check::{configuration, credentials, diagnosed, limits, look_until};
use super::output::Style;
use super::progress::Progress;
use super::{Exit, exit_of, is_closed_pipe, output};
use crate::cli::Check;
use crate::evidence::Evidence;
use crate::report::{Report, Verdict, text};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With what the last look saw.
    Looked,
    /// By the user, after a look that was finished.
    Interrupted,
}

/// Looks until nothing at `--fail-on` is left, `patience` has passed or the user has enough.
///
/// The configuration is read anew for each look. A look that has begun is finished: what it is about to see may be
/// what was waited for.
pub(super) async fn wait(args: &Check, patience: Duration, style: Style) -> anyhow::Result<(Evidence, Ended)> {
    // One listener for all looks: between two of them a signal must not get lost.
    let interrupt = tokio::signal::ctrl_c().fuse();
    tokio::pin!(interrupt);
    let deadline = Instant::now() + patience;
    let progress = Progress::on_standard_error(args.reporting.quiet);
    let mut waiting = Waiting::default();
    let mut known = None;
    loop {
        let found = configuration(args)?;
        let allowed = credentials(args.auth);
        let looking = look_until(
            interrupt.as_mut(),
            found,
            &args.resolve,
            allowed,
            limits(args),
            progress,
        );
        let evidence = looking.await;
        if evidence.wire.interrupted {
            // A finished look says more than one that was cut short.
            return Ok(match known {
                Some(known) => (known, Ended::Interrupted),
                None => (evidence, Ended::Looked),
            });
        }
        let report = diagnosed(&evidence, &args.reporting);
        let is_fine = exit_of(&report, args.reporting.fail_on.severity()) == Exit::Fine;
        if is_fine || Instant::now() >= deadline {
            return Ok((evidence, Ended::Looked));
        }
        if let Err(error) = output::write_look(&report, &args.reporting.output, style) {
            if is_closed_pipe(&error) {
                return Ok((evidence, Ended::Looked));
            }
            // The wait goes on: it is the exit code that is waited for. Nobody reads this where standard error is closed.
            let _ = writeln!(io::stderr(), "hoop-doctor: {error:#}");
        }
        if !args.reporting.quiet {
            waiting.tell(&report);
        }
        let next = (Instant::now() + args.interval.0).min(deadline);
        tokio::select! {
            biased;
            Ok(()) = &mut interrupt => return Ok((evidence, Ended::Interrupted)),
            () = sleep_until(next) => known = Some(evidence),
        }
    }
}

/// Whatever the last look found, the wait was not over.
pub(super) fn interrupted(report: &mut Report) {
    report.verdict = Verdict::Unknown;
    report.unknown_because = Some("interrupted while waiting; what follows is from the last look".to_owned());
}

/// What is waited for, told when it changes.
#[derive(Default)]
struct Waiting {
    told: Option<Cause>,
}

/// What keeps a wait from ending, without the measured values of a message, which differ from look to look.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    Finding { code: String, endpoints: Vec<String> },
    Unknown { why: String },
}

impl Waiting {
    fn tell(&mut self, report: &Report) {
        let (cause, words) = cause(report);
        if self.told.as_ref() == Some(&cause) {
            return;
        }
        self.told = Some(cause);
        let line = text::line(&format!("waiting: {words}"), output::glyphs(), LONGEST);
        // Nobody reads it where standard error is closed.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// The first finding is the cause; what is waited for, and in words.
fn cause(report: &Report) -> (Cause, String) {
    match (report.verdict, report.findings.first()) {
        (Verdict::Healthy | Verdict::Degraded | Verdict::Broken, Some(first)) => {
            let cause = Cause::Finding {
                code: first.code.clone(),
                endpoints: first.endpoints.clone(),
            };
            (cause, format!("{} {}: {}", first.code, first.name, first.message))
        }
        (Verdict::Unknown | Verdict::Healthy | Verdict::Degraded | Verdict::Broken, _) => {
            let why = report.unknown_because.clone().unwrap_or_default();
            (Cause::Unknown { why: why.clone() }, why)
        }
    }
}

/// Characters that are printed of one line.
const LONGEST: usize = 500;
