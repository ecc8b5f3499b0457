//! `demo`: a stand-in and `check` in one process, so that the main job can be seen where nothing is set up.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use hoop_doctor_standin::{Fault, Needs, Options, start};

use super::{Exit, check, exit_of, output};
use crate::cli::{Color, Demo, Depth};
use crate::config::{Asked, Environment, discover};
use crate::examine::Limits;
use crate::findings::Severity;
use crate::plan::Credentials;
use crate::report::{Filter, report};

pub(super) fn run(args: &Demo, color: Color) -> anyhow::Result<Exit> {
    if args.list {
        output::print(&list())?;
        return Ok(Exit::Fine);
    }
    output::refuse_shared_files(&args.output)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let credentials = check::credentials(args.auth);
    let evidence = runtime.block_on(rehearse(args.fault, args.depth, credentials))?;
    runtime.shutdown_background();
    let report = report(&evidence, &Filter::default());
    output::write(
        &report,
        &args.output,
        output::Style::new(color, false, args.verbose, Severity::Error),
    )?;
    Ok(exit_of(&report, Severity::Error))
}

async fn rehearse(
    fault: Option<Fault>,
    depth: Depth,
    credentials: Credentials,
) -> anyhow::Result<crate::evidence::Evidence> {
    let tls = fault
        .is_none()
        .then(|| hoop_doctor_standin::Tls::generated(&["localhost", "127.0.0.1"]).0);
    let options = Options {
        tls,
        fault,
        ..Options::default()
    };
    let stand_in = start(options).await.context("starting the stand-in on loopback")?;
    let urls = stand_in.urls();
    // As a client's variables, so that the demo goes the same way as a real check.
    let mut variables = BTreeMap::from([
        ("HOOP_GRPCURL", OsString::from(&urls.grpc)),
        ("HOOP_APIURL", OsString::from(&urls.api)),
        // The only token that a stand-in takes.
        ("HOOP_TOKEN", OsString::from("good")),
    ]);
    if let Some(ca) = &urls.ca_pem {
        variables.insert("HOOP_TLSCA", OsString::from(ca));
    }
    let environment = Environment::new(variables, PathBuf::new(), SystemTime::now());
    let found = discover(&environment, &Asked::default())?;
    let limits = Limits {
        connect: Duration::from_secs(5),
        total: depth.total(),
        hold: depth.hold(),
    };
    check::announce(&found, limits);
    let evidence = check::look(found, credentials, limits).await;
    stand_in.stop().await;
    Ok(evidence)
}

fn list() -> String {
    let width = Fault::ALL
        .iter()
        .map(|fault| fault.name().len())
        .max()
        .unwrap_or_default();
    let lines = Fault::ALL.iter().map(|fault| {
        let needs = match fault.needs() {
            Needs::Nothing => "",
            Needs::Deep => " (--deep)",
            Needs::Auth => " (--auth)",
        };
        format!(
            "{:width$}  {}  {}{needs}\n",
            fault.name(),
            fault.expects(),
            fault.summary()
        )
    });
    lines.collect()
}
