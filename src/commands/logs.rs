//! `logs`: reads logs and diagnoses what they say, or prints them without their secrets.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{Exit, check, of_files};
use crate::cli::{Color, Logs as Asked};
use crate::logs::reader::{Source, plain, read};
use crate::logs::{Logs, redact};

pub(super) fn run(args: &Asked, color: Color) -> anyhow::Result<Exit> {
    if args.redact {
        return print_redacted(&args.files).map(|()| Exit::Fine);
    }
    let evidence = of_files(|evidence| {
        evidence.logs = Some(gather(&args.files)?);
        Ok(())
    })?;
    check::tell(&evidence, &args.reporting, color)
}

/// Reads logs; a file that can't be read is a problem among others, and an error where there are no others.
pub(super) fn gather(files: &[PathBuf]) -> anyhow::Result<Logs> {
    let logs = read(files.iter().map(|file| Source {
        name: file.display().to_string(),
        input: open(file),
    }));
    let unread = logs
        .files
        .iter()
        .filter(|file| file.problem.is_some() && file.bytes == 0);
    let problems: Vec<String> = unread
        .map(|file| format!("{}: {}", file.name, file.problem.as_deref().unwrap_or_default()))
        .collect();
    match problems.len() == logs.files.len() {
        true => bail!("reading the log {}", problems.join("; ")),
        false => Ok(logs),
    }
}

/// Prints logs without their secrets, one after the other; what can't be read doesn't keep the others from it.
fn print_redacted(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut out = io::BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let printed: Vec<anyhow::Result<()>> = files
        .iter()
        .map(|file| {
            let input = open(file).and_then(plain);
            input
                .and_then(|input| redact::copy(BufReader::with_capacity(BUFFER, input), &mut out))
                .with_context(|| format!("copying the log {}", file.display()))
        })
        .collect();
    out.flush().context("writing to standard output")?;
    printed.into_iter().collect()
}

fn open(file: &Path) -> io::Result<Box<dyn Read>> {
    match file.as_os_str() == "-" {
        true => Ok(Box::new(io::stdin().lock())),
        false => Ok(Box::new(File::open(file)?)),
    }
}

const BUFFER: usize = 256 * 1024;
