//! `logs` and `check --log` as people and scripts start them: streams, files that can't be read, exit codes, redaction.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

use crate::lab::port::Port;

const PREFACE: &str = "error reading server preface: EOF";

/// A folder for logs, and the program with nothing in its environment.
struct Desk {
    folder: TempDir,
}

/// What a run printed, and its exit code.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("reports are UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("complaints are UTF-8"),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: TempDir::with_prefix("hoop-doctor-logs-").expect("a folder can be made"),
        }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("the folder can be written to");
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path());
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().expect("the program is built"))
    }

    /// Runs it and writes to its standard input meanwhile.
    fn fed(&self, args: &[&str], feed: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send) -> Run {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program is built");
        let mut stdin = child.stdin.take().expect("it is piped");
        thread::scope(|scope| {
            scope.spawn(move || feed(&mut stdin).expect("the program reads to the end"));
            Run::of(child.wait_with_output().expect("it ends"))
        })
    }
}

#[test]
fn standard_input_is_read_and_its_rhythm_told() {
    let run = Desk::new().fed(&["logs", "-", "-o", "json"], |input| {
        (4..9).try_for_each(|minute| writeln!(input, "2026/01/02 03:0{minute}:05 {PREFACE}"))
    });
    let json = run.json();
    assert_eq!(json["logs"]["files"][0]["name"], "-", "{run:?}");
    assert_eq!(json["logs"]["files"][0]["lines"], 5);
    let sighting = &json["logs"]["sightings"][0];
    assert_eq!(
        (&sighting["sign"], &sighting["count"], &sighting["period_ms"]),
        (&PREFACE.into(), &5.into(), &60_000.into())
    );
    assert_eq!(
        (&sighting["first"], &sighting["last"]),
        (&"2026-01-02T03:04:05Z".into(), &"2026-01-02T03:08:05Z".into())
    );

    let run = Desk::new().fed(&["logs", "-"], |input| {
        (4..9).try_for_each(|minute| writeln!(input, "2026/01/02 03:0{minute}:05 {PREFACE}"))
    });
    assert!(
        run.stdout
            .contains("5 times from line 1 on, every 60.0 s, 2026-01-02T03:04:05Z"),
        "{}",
        run.stdout
    );
}

#[test]
fn nothing_bad_is_exit_code_0_and_no_promise() {
    let desk = Desk::new();
    let log = desk.file(
        "agent.log",
        "connected with success to gw.example.com:8443\nall is well\n",
    );
    for format in ["human", "short"] {
        let run = desk.run(&["logs", log.to_str().unwrap(), "-o", format]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        assert!(
            run.stdout.starts_with("+ nothing in 2 lines points at a problem\n"),
            "{}",
            run.stdout
        );
        assert!(!run.stdout.contains("healthy"), "{}", run.stdout);
    }
}

#[test]
fn not_a_single_line_is_exit_code_3() {
    let desk = Desk::new();
    let log = desk.file("empty.log", "");
    let run = desk.run(&["logs", log.to_str().unwrap()]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(
        run.stdout.starts_with("? unknown: there is not a single line to read"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_can_not_be_read_is_named_and_the_rest_is_read() {
    let desk = Desk::new();
    desk.file("agent.log", format!("x\n{PREFACE}"));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    writeln!(gzip, "{PREFACE}").unwrap();
    desk.file("old.log.gz", gzip.finish().unwrap());
    let run = desk.run(&["logs", "missing.log", ".", "agent.log", "old.log.gz", "-o", "json"]);
    let json = run.json();
    let files = json["logs"]["files"].as_array().expect("it is an array");
    let problems: Vec<Option<&str>> = files.iter().map(|file| file["problem"].as_str()).collect();
    assert_eq!(
        problems,
        [Some("no such file or directory"), Some("is a directory"), None, None],
        "{run:?}"
    );
    let sightings = json["logs"]["sightings"].as_array().expect("it is an array");
    let places: Vec<_> = sightings
        .iter()
        .map(|one| (one["file"].as_u64(), one["line"].as_u64()))
        .collect();
    assert_eq!(places, [(Some(2), Some(2)), (Some(3), Some(1))]);

    let run = desk.run(&["logs", "missing.log", "agent.log"]);
    assert!(
        run.stdout.contains("missing.log: 0 lines; ! no such file or directory"),
        "{}",
        run.stdout
    );
}

#[test]
fn nothing_that_can_be_read_is_exit_code_2() {
    let desk = Desk::new();
    for args in [
        &["logs", "missing.log", "."][..],
        &["logs", "--redact", "missing.log"],
        &["check", "--log", "missing.log"],
    ] {
        let run = desk.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.stderr.contains("missing.log"), "{}", run.stderr);
    }
    let run = desk.run(&["logs"]);
    assert_eq!(run.code, Some(2), "a file must be named: {run:?}");
}

#[test]
fn a_line_of_a_gigabyte_needs_no_more_than_the_window() {
    let mut run = Desk::new()
        .command(&["logs", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program is built");
    let mut input = run.stdin.take().expect("it is piped");
    let part = vec![b'x'; 1 << 20];
    for _ in 0..512 {
        input.write_all(&part).unwrap();
    }
    write!(input, " {PREFACE} ").unwrap();
    for _ in 0..512 {
        input.write_all(&part).unwrap();
    }
    // All of it has gone through the program but what a pipe holds.
    let memory = peak_memory(run.id());
    writeln!(input, "\n{PREFACE}").unwrap();
    drop(input);
    let mut report = String::new();
    run.stdout
        .take()
        .expect("it is piped")
        .read_to_string(&mut report)
        .unwrap();
    run.wait().unwrap();
    let json: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(json["logs"]["files"][0]["lines"], 2);
    assert_eq!(json["logs"]["files"][0]["problem"], Value::Null);
    let sighting = &json["logs"]["sightings"][0];
    assert_eq!((&sighting["line"], &sighting["count"]), (&1.into(), &2.into()));
    if let Some(kib) = memory {
        assert!(kib < 64 * 1024, "{kib} KiB");
    }
}

/// KiB of resident memory at the peak, where the system tells.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn a_redacted_log_keeps_everything_but_its_secrets() {
    let desk = Desk::new();
    let log = b"one\r\n{\"authorization\":\"Bearer s3cret-s3cret\",\"x\":1}\n\xff\xfe\n\nHOOP_KEY=grpcs://a:s3cret@gw:8443\nlast";
    desk.file("a.log", log);
    let output = desk
        .command(&["logs", "--redact", "a.log"])
        .output()
        .expect("the program is built");
    let shown =
        "one\r\n{\"authorization\":\"••••\",\"x\":1}\n\u{fffd}\u{fffd}\n\nHOOP_KEY=grpcs://a:••••@gw:8443\nlast";
    assert_eq!(String::from_utf8_lossy(&output.stdout), shown);
    assert!(
        output.stdout.windows(4).any(|bytes| bytes == b"\xff\xfe\n\n"),
        "what is no text stays as it is"
    );

    // What is masked gives the same sightings.
    desk.file("b.log", format!("2026/01/02 03:04:05 HOOP_KEY=s3cret {PREFACE}\n"));
    let masked = desk.run(&["logs", "--redact", "b.log"]).stdout;
    let before = desk.run(&["logs", "b.log", "-o", "json"]).json();
    let after = desk
        .fed(&["logs", "-", "-o", "json"], move |input| {
            input.write_all(masked.as_bytes())
        })
        .json();
    assert_eq!(before["logs"]["sightings"], after["logs"]["sightings"]);
    assert!(!before.to_string().contains("s3cret"));
}

#[test]
fn a_log_joins_a_check_and_is_saved_with_it() {
    let desk = Desk::new();
    desk.file("agent.log", format!("{PREFACE}\n"));
    let closed = Port::reserve().expect("loopback has a free port");
    let url = format!("grpc://{}", closed.address());
    let args = [
        "check",
        "--grpc-url",
        &url,
        "--log",
        "agent.log",
        "--save",
        "case.json",
        "-o",
        "json",
    ];
    let run = desk.run(&args);
    let json = run.json();
    assert_eq!(json["logs"]["sightings"][0]["sign"], PREFACE, "{run:?}");
    assert_eq!(json["endpoints"][0]["kind"], "grpc");
    let replayed = desk.run(&["replay", "case.json", "-o", "json"]).json();
    assert_eq!(replayed["logs"], json["logs"]);
}
