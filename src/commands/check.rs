//! `check`: read the configuration as Hoop does, probe, diagnose, report.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use hoop_doctor_probes::cx::Cx;

use super::{Exit, exit_of, output, save};
use crate::cli::{Check, Color, Reporting, Role};
use crate::config::{self, Asked, Discovery, Environment, KeyFrom, discover};
use crate::evidence::Evidence;
use crate::examine::{Limits, examine};
use crate::plan::{Resolve, plan};
use crate::report::{Filter, report};

pub(super) fn run(args: &Check, color: Color) -> anyhow::Result<Exit> {
    let asked = asked(args);
    let also: Vec<&str> = args.key_env.as_deref().into_iter().collect();
    let found = discover(&Environment::of_process(&also, SystemTime::now()), &asked)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let evidence = runtime.block_on(look(found, &args.resolve, limits(args)));
    // A resolver that hangs must not keep the process: its thread is left behind.
    runtime.shutdown_background();
    // Before it is judged: where a rule breaks on it, it is all that is left.
    let saved = args.save.as_deref().map(|path| save::write(path, &evidence));
    let exit = tell(&evidence, &args.reporting, color)?;
    saved.transpose()?;
    Ok(exit)
}

/// Diagnoses a case and reports on it as asked: the same for a run and its replay.
pub(super) fn tell(evidence: &Evidence, asked: &Reporting, color: Color) -> anyhow::Result<Exit> {
    let filter = Filter {
        only: asked.only.clone(),
        skip: asked.skip.clone(),
    };
    let report = report(evidence, &filter);
    let style = output::Style::new(color, asked.quiet, asked.verbose);
    output::write(&report, &asked.output, style)?;
    Ok(exit_of(&report, asked.fail_on.severity()))
}

/// Plans and probes; Ctrl-C ends it with what is known by then.
pub(super) async fn look(found: Discovery, resolve: &[Resolve], limits: Limits) -> Evidence {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (cx, cancel) = Cx::new(limits.total, i64::try_from(now).unwrap_or(i64::MAX));
    let plan = plan(&found, resolve);
    let examination = examine(&cx, &plan, limits);
    tokio::pin!(examination);
    let wire = tokio::select! {
        wire = &mut examination => wire,
        Ok(()) = tokio::signal::ctrl_c() => {
            cancel.cancel();
            examination.await
        }
    };
    Evidence { config: found, wire }
}

fn limits(args: &Check) -> Limits {
    Limits {
        connect: args.connect_timeout.0,
        total: args.timeout.0,
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
