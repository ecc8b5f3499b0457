//! Saved cases on disk: `--save` writes one, `replay` and `diff` read them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::now;
use crate::evidence::Evidence;
use crate::saved::{LARGEST, Saved};

/// Writes a case for its owner's eyes alone; whoever reads the file meanwhile sees the old content or the new.
pub(super) fn write(path: &Path, evidence: &Evidence) -> anyhow::Result<()> {
    let json = Saved::now(evidence.clone(), now()).to_json();
    let json = json.context("writing the evidence as JSON")?;
    put(path, json.as_bytes()).with_context(|| format!("saving the evidence to {}", path.display()))
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

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link keeps its place, and what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&path) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // A pipe or a device can't be replaced, only written to.
        Ok(there) if !there.is_file() => return OpenOptions::new().write(true).open(&path)?.write_all(bytes),
        Ok(_) | Err(_) => {}
    }
    let beside = beside(&path)?;
    let written = create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A name in the same folder, since a file can be renamed to its place only within a file system.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(hidden))
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
