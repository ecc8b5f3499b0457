//! The sign of life on a terminal: shown when it takes long, erased at the end, never elsewhere.

#![expect(
    clippy::disallowed_types,
    reason = "a port that keeps silent is what makes a run take long"
)]

use std::fs::File;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// What a check of a port that keeps silent prints to the terminal that its standard error is.
fn on_a_terminal(args: &[&str]) -> io::Result<String> {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("grpcs://{}", silent.local_addr()?);
    let mine = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&mine)?;
    unlockpt(&mine)?;
    let theirs = open(
        ptsname(&mine, Vec::new())?,
        OFlags::RDWR | OFlags::NOCTTY,
        Mode::empty(),
    )?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"))
        .args(["check", "--grpc-url", &url, "--timeout", "1200ms"])
        .args(args)
        .env_clear()
        .stdout(Stdio::null())
        .stderr(theirs)
        .spawn()?;
    // Linux ends a terminal whose other side is gone with an error; what was shown by then was read.
    let mut shown = Vec::new();
    let _ = File::from(mine).read_to_end(&mut shown);
    child.wait()?;
    String::from_utf8(shown).map_err(io::Error::other)
}

#[test]
fn a_run_that_takes_long_says_so_and_cleans_up() {
    let shown = on_a_terminal(&[]).unwrap();
    let lines: Vec<&str> = shown.split('\r').collect();
    let [before, line, spaces, after] = lines.as_slice() else {
        panic!("{shown:?}");
    };
    assert!(
        line.starts_with("checking 127.0.0.1:") && line.ends_with(": 1 s"),
        "{shown:?}"
    );
    assert_eq!(*spaces, " ".repeat(line.len()), "{shown:?}");
    assert_eq!((*before, *after), ("", ""), "{shown:?}");
}

#[test]
fn who_asked_for_quiet_gets_it() {
    assert_eq!(on_a_terminal(&["-q"]).unwrap(), "");
}
