//! `check`: read the configuration as Hoop does, probe, diagnose, report.

use std::io::{self, Write};
use std::pin::Pin;
use std::time::SystemTime;

use anyhow::Context;
use futures_util::FutureExt;
use futures_util::future::Fuse;
use hoop_doctor_probes::cx::Cx;

use super::progress::Progress;
use super::wait::{self, Ended};
use super::{Exit, exit_of, lint, logs, now, output, save};
use crate::cli::{Check, Color, Reporting, Role};
use crate::config::{self, Asked, Discovery, Environment, KeyFrom, discover};
use crate::evidence::{Evidence, Kind};
use crate::examine::{Limits, MOST_CONNECTIONS, MOST_SENT_MIB, MOST_STREAMS, examine};
use crate::plan::{Credentials, Resolve, plan};
use crate::report::{Filter, Report, report, text};

pub(super) fn run(args: &Check, color: Color) -> anyhow::Result<Exit> {
    // Before anything is probed: what can't be done is told at once.
    output::refuse_shared_files(&args.reporting.output)?;
    let logs = match args.logs.as_slice() {
        [] => None,
        files => Some(logs::gather(files)?),
    };
    let proxyconf = match args.proxy_config.as_slice() {
        [] => None,
        files => Some(lint::gather(files, None)?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let (mut evidence, ended) = runtime.block_on(async {
        match args.wait {
            Some(patience) => wait::wait(args, patience.0, style(&args.reporting, color)).await,
            None => Ok((once(args).await?, Ended::Looked)),
        }
    })?;
    // A resolver that hangs must not keep the process: its thread is left behind.
    runtime.shutdown_background();
    evidence.logs = logs;
    evidence.proxyconf = proxyconf;
    // Before it is judged: where a rule breaks on it, it is all that is left.
    let saved = args.save.as_deref().map(|path| save::write(path, &evidence));
    let mut report = diagnosed(&evidence, &args.reporting);
    if ended == Ended::Interrupted {
        wait::interrupted(&mut report);
    }
    let exit = publish(&report, &args.reporting, color)?;
    saved.transpose()?;
    Ok(exit)
}

/// Diagnoses a case and reports on it as asked: the same for a run and its replay.
pub(super) fn tell(evidence: &Evidence, asked: &Reporting, color: Color) -> anyhow::Result<Exit> {
    output::refuse_shared_files(&asked.output)?;
    publish(&diagnosed(evidence, asked), asked, color)
}

/// The report of a case, with the findings that were asked for.
pub(super) fn diagnosed(evidence: &Evidence, asked: &Reporting) -> Report {
    let filter = Filter {
        only: asked.only.clone(),
        skip: asked.skip.clone(),
    };
    report(evidence, &filter)
}

fn publish(report: &Report, asked: &Reporting, color: Color) -> anyhow::Result<Exit> {
    output::write(report, &asked.output, style(asked, color))?;
    Ok(exit_of(report, asked.fail_on.severity()))
}

pub(super) fn style(asked: &Reporting, color: Color) -> output::Style {
    output::Style::new(color, asked.quiet, asked.verbose, asked.fail_on.severity())
}

/// What Hoop would read at this moment.
pub(super) fn configuration(args: &Check) -> anyhow::Result<Discovery> {
    let also: Vec<&str> = args.key_env.as_deref().into_iter().collect();
    let environment = Environment::of_process(&also, SystemTime::now());
    Ok(discover(&environment, &asked(args))?)
}

async fn once(args: &Check) -> anyhow::Result<Evidence> {
    let found = configuration(args)?;
    let interrupt = tokio::signal::ctrl_c().fuse();
    tokio::pin!(interrupt);
    let progress = Progress::on_standard_error(args.reporting.quiet);
    let limits = limits(args);
    if !args.reporting.quiet {
        announce(&found, limits);
    }
    let credentials = credentials(args.auth);
    Ok(look_until(interrupt, found, &args.resolve, credentials, limits, progress).await)
}

/// Plans and probes; Ctrl-C ends it with what is known by then.
pub(super) async fn look(found: Discovery, credentials: Credentials, limits: Limits) -> Evidence {
    let interrupt = tokio::signal::ctrl_c().fuse();
    tokio::pin!(interrupt);
    look_until(interrupt, found, &[], credentials, limits, Progress::None).await
}

/// Plans and probes; `interrupt` ends it with what is known by then.
pub(super) async fn look_until(
    mut interrupt: Pin<&mut Fuse<impl Future<Output = io::Result<()>>>>,
    found: Discovery,
    resolve: &[Resolve],
    credentials: Credentials,
    limits: Limits,
    progress: Progress,
) -> Evidence {
    let (cx, cancel) = Cx::new(limits.total, now());
    let mut plan = plan(&found, resolve);
    if credentials == Credentials::Allowed {
        plan.allow_credentials(&found);
    }
    let targets: Vec<String> = plan.endpoints.iter().map(|planned| planned.target.address()).collect();
    let what = match limits.hold {
        None => targets.join(", "),
        Some(hold) => format!("{} for {} s and a little more", targets.join(", "), hold.as_secs()),
    };
    let examination = progress.beside(&what, examine(&cx, &plan, limits));
    tokio::pin!(examination);
    let wire = tokio::select! {
        wire = &mut examination => wire,
        Ok(()) = &mut interrupt => {
            cancel.cancel();
            examination.await
        }
    };
    Evidence {
        config: found,
        wire,
        logs: None,
        proxyconf: None,
    }
}

/// Says what `--deep` is about to do, before it does so: it is seen in other people's graphs.
pub(super) fn announce(found: &Discovery, limits: Limits) {
    let Some(hold) = limits.hold else { return };
    let targets: Vec<String> = plan(found, &[])
        .endpoints
        .iter()
        .filter(|planned| planned.target.kind == Kind::Grpc)
        .map(|planned| planned.target.address())
        .collect();
    let whom = text::line(&targets.join(", "), output::glyphs(), LONGEST);
    let announcement = format!(
        "--deep: {whom}\n        streams held for {} s, up to {MOST_CONNECTIONS} connections and {MOST_STREAMS} streams at a time,\n        \
         up to {MOST_SENT_MIB} MiB sent in all, no credentials",
        hold.as_secs()
    );
    // Nobody reads it where standard error is closed.
    let _ = writeln!(io::stderr(), "{announcement}");
}

/// Characters of the addresses in the announcement.
const LONGEST: usize = 500;

/// What `--auth` says.
pub(super) fn credentials(auth: bool) -> Credentials {
    match auth {
        true => Credentials::Allowed,
        false => Credentials::Kept,
    }
}

pub(super) fn limits(args: &Check) -> Limits {
    Limits {
        connect: args.connect_timeout.0,
        total: args.timeout.map_or(args.depth.total(), |timeout| timeout.0),
        hold: args.depth.hold(),
    }
}

fn asked(args: &Check) -> Asked {
    let variable = args.key_env.clone().map(KeyFrom::Variable);
    Asked {
        rule: args.role.map(|role| match role {
            Role::Agent => config::Rule::Agent,
            Role::Client => config::Rule::Client,
        }),
        grpc_url: args.grpc_url.clone(),
        api_url: args.api_url.clone(),
        ca: args.ca.clone(),
        server_name: args.server_name.clone(),
        skip_tls_verify: args.skip_tls_verify,
        config: args.config.clone(),
        key: variable.or_else(|| args.key_file.clone().map(KeyFrom::File)),
    }
}
