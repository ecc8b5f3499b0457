//! `check`: read the configuration as Hoop does, probe, diagnose, report.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use hoop_doctor_probes::cx::Cx;

use super::{Exit, exit_of, output};
use crate::cli::{Check, Color, Role};
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
    let filter = Filter {
        only: args.only.clone(),
        skip: args.skip.clone(),
    };
    let report = report(&evidence, &filter);
    output::write(
        &report,
        &args.output,
        output::Style::new(color, args.quiet, args.verbose),
    )?;
    Ok(exit_of(&report, args.fail_on.severity()))
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
