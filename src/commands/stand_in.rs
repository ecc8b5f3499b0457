//! `stand-in`: serves a stand-in gateway until it is stopped.

use std::fs;
use std::path::Path;

use anyhow::Context;
use hoop_doctor_standin::{Options, Tls, start};

use super::{Exit, output};
use crate::cli::StandIn;

pub(super) fn run(args: &StandIn) -> anyhow::Result<Exit> {
    let options = Options {
        grpc: args.grpc,
        rest: args.rest,
        tls: tls(args)?,
        fault: args.fault,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        let stand_in = start(options)
            .await
            .with_context(|| format!("listening on {} and {}", args.grpc, args.rest))?;
        let urls = stand_in.urls();
        output::print(&format!("gRPC {}\nREST {}\n", urls.grpc, urls.api))?;
        tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
        stand_in.stop().await;
        Ok(Exit::Fine)
    })
}

fn tls(args: &StandIn) -> anyhow::Result<Option<Tls>> {
    let (Some(cert), Some(key)) = (&args.cert, &args.key) else {
        return Ok(None);
    };
    let tls = Tls::from_pem(&read(cert)?, &read(key)?)
        .with_context(|| format!("using the certificate {} and its key", cert.display()))?;
    Ok(Some(tls))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}
