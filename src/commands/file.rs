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
///
/// Where the folder can't be written to but the file can, its content is replaced in place.
pub(super) fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let path = target(path);
    let there = fs::metadata(&path).ok();
    if there.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // A pipe or a device can't be replaced, only written to; and a log that standard output goes to is only added to.
    if there.as_ref().is_some_and(|there| !there.is_file()) || is_open_already(&path) {
        return OpenOptions::new().append(true).open(&path)?.write_all(bytes);
    }
    let beside = beside(&path)?;
    let Ok(mut file) = create(&beside, readers) else {
        return fs::write(&path, bytes);
    };
    let mode = there
        .filter(|_| readers == Readers::Anybody)
        .map(|there| there.permissions());
    let written = file
        .write_all(bytes)
        .and_then(|()| mode.map_or(Ok(()), |mode| file.set_permissions(mode)))
        .and_then(|()| file.sync_all());
    let replaced = match written {
        // A file that is a mount of its own can't be replaced.
        Ok(()) => fs::rename(&beside, &path).or_else(|_| fs::write(&path, bytes)),
        Err(error) => Err(error),
    };
    // Renamed, it is not there any more.
    let _ = fs::remove_file(&beside);
    replaced
}

/// Where links lead, if only to a place where nothing is yet. A link keeps its place, and what it leads to is replaced.
fn target(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            Ok(link) if !is_open_already(&target) => target = target.parent().unwrap_or(Path::new("")).join(link),
            Ok(_) | Err(_) => return target,
        }
    }
    path.to_owned()
}

/// Whether a path stands for a file that this process has open, as `/dev/stdout` does.
fn is_open_already(path: &Path) -> bool {
    let names = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
    names.iter().any(|name| path.starts_with(name))
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

/// As many as Linux follows.
const MOST_LINKS: usize = 40;
