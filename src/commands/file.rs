//! Files that are written: whole, or a line longer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Who may read a file that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Whoever made it.
    Owner,
    /// Whomever the process lets: its umask decides.
    Anybody,
}

/// Adds to the end of a file, which is made where there is none.
pub(super) fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)?
        .write_all(bytes)
}

/// Puts a file in the place of what is there; whoever reads it meanwhile sees the old content or the new.
pub(super) fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    // A link keeps its place, and what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&path) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // A pipe or a device can't be replaced, only written to.
        Ok(there) if !there.is_file() => return OpenOptions::new().write(true).open(&path)?.write_all(bytes),
        Ok(_) | Err(_) => {}
    }
    let beside = beside(&path)?;
    let written = create(&beside, readers)
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

fn create(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)
}
