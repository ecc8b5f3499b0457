//! `lint`: reads the configuration of a proxy and says what in it will break Hoop.

use std::path::PathBuf;

use anyhow::Context;

use super::{Exit, check, of_files};
use crate::cli::{Color, Lint};
use crate::proxyconf::ProxyConf;
use crate::proxyconf::read::{Dialect, read};
use crate::proxyconf::source::Text;

pub(super) fn run(args: &Lint, color: Color) -> anyhow::Result<Exit> {
    let evidence = of_files(|evidence| {
        let mut conf = gather(&args.files, args.proxy)?;
        conf.asked = args.hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        evidence.proxyconf = Some(conf);
        Ok(())
    })?;
    check::tell(&evidence, &args.reporting, color)
}

/// Reads configuration files. What can't be read at all is the user's mistake; what the proxy would refuse is a finding.
pub(super) fn gather(files: &[PathBuf], dialect: Option<Dialect>) -> anyhow::Result<ProxyConf> {
    let mut texts = Vec::new();
    for file in files {
        let text = Text::open(file).map_err(|why| anyhow::anyhow!("{why}"));
        texts.push(text.with_context(|| format!("reading the configuration {}", file.display()))?);
    }
    read(texts, dialect).map_err(|why| anyhow::anyhow!("{why}"))
}
