//! Saved cases on disk: `--save` writes one, `replay` and `diff` read them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;

use super::file::{self, Readers};
use super::now;
use crate::evidence::Evidence;
use crate::saved::{LARGEST, Saved};

/// Writes a case for its owner's eyes alone; whoever reads the file meanwhile sees the old content or the new.
pub(super) fn write(path: &Path, evidence: &Evidence) -> anyhow::Result<()> {
    let json = Saved::now(evidence.clone(), now()).to_json();
    let json = json.context("writing the evidence as JSON")?;
    file::replace(path, json.as_bytes(), Readers::Owner)
        .with_context(|| format!("saving the evidence to {}", path.display()))
}

/// Reads a case that `--save` wrote.
pub(super) fn read(path: &Path) -> anyhow::Result<Saved> {
    let reading = || format!("reading the saved evidence {}", path.display());
    let bytes = bounded(path).with_context(reading)?;
    Saved::read(&bytes).with_context(reading)
}

/// One byte more than the largest file at most, so that it shows as too large.
fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
