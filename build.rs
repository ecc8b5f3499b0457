//! Finds out which build this is, for `src/built.rs`.
//!
//! A packager who builds outside of git says it: `HOOP_DOCTOR_COMMIT` and `SOURCE_DATE_EPOCH` count before anything that
//! is found.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use time::OffsetDateTime;

/// What the program is made of. A change to anything else makes no other program, and no commit dirty.
const SOURCES: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    ".cargo",
    "build.rs",
    "docs/findings",
    "docs/schema",
    "probes",
    "src",
    "standin",
];

fn main() {
    let commit = said("HOOP_DOCTOR_COMMIT").or_else(packaged).or_else(checked_out);
    let date = said("SOURCE_DATE_EPOCH").and_then(|seconds| day(&seconds));
    let date = date.or_else(|| is_checkout().then(|| git(&["log", "-1", "--format=%cs"])).flatten());
    tell("COMMIT", &commit.unwrap_or_else(|| "unknown".to_owned()));
    tell("DATE", &date.unwrap_or_default());
    tell("TARGET", &env::var("TARGET").expect("Cargo sets TARGET"));
    tell("PROFILE", &env::var("PROFILE").expect("Cargo sets PROFILE"));
    tell("RUSTC", &rustc());

    // Paths that aren't there would make Cargo build anew each time.
    for path in SOURCES.iter().filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
}

fn tell(name: &str, value: &str) {
    println!("cargo::rustc-env=HOOP_DOCTOR_{name}={value}");
}

fn said(name: &str) -> Option<String> {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The commit that `cargo package` wrote down.
fn packaged() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\": \"")?;
    let (commit, rest) = rest.split_once('"')?;
    Some(named(commit, rest.contains("\"dirty\": true")))
}

/// The commit that is checked out, and whether what is built differs from it.
fn checked_out() -> Option<String> {
    if !is_checkout() {
        return None;
    }
    // HEAD changes when another branch is checked out, its log with every commit as well. Each worktree has its own.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let commit = git(&["rev-parse", "HEAD"])?;
    let mut status = vec!["--no-optional-locks", "status", "--porcelain", "--"];
    status.extend(SOURCES);
    let changes = git(&status)?;
    Some(named(&commit, !changes.is_empty()))
}

/// Not a folder inside of somebody else's repository, whose commits say nothing about this program.
fn is_checkout() -> bool {
    Path::new(".git").exists()
}

fn named(commit: &str, is_dirty: bool) -> String {
    let short = commit.get(..12).unwrap_or(commit);
    let mark = if is_dirty { "-dirty" } else { "" };
    format!("{short}{mark}")
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The day of a moment in seconds since the epoch, in UTC.
fn day(seconds: &str) -> Option<String> {
    let moment = OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok()?;
    Some(moment.date().to_string())
}

/// `1.95.0` of `rustc 1.95.0 (59807616e 2026-04-14)`.
fn rustc() -> String {
    let rustc = env::var_os("RUSTC").expect("Cargo sets RUSTC");
    let output = Command::new(rustc).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = text
        .ok()
        .and_then(|text| Some(text.split(' ').nth(1)?.trim().to_owned()));
    version.unwrap_or_else(|| "unknown".to_owned())
}
