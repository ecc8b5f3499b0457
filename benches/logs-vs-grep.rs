//! Measures `hoop-doctor logs` against `grep -E` with the same alternatives, on one generated log, in turns.
//!
//! ```text
//! cargo bench --bench logs-vs-grep
//! ```
//!
//! The log is what a gateway's proxy and an agent write on a quiet day, and one line in a thousand says something. Also
//! measured: the memory of `logs`, a log of which every line says something, and `--redact`.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hoop_doctor::explain::messages::MESSAGES;
use hoop_doctor::logs::signs::anchors;

fn main() -> io::Result<()> {
    // `cargo test` runs benches too, without this argument.
    if !env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let quiet = folder.path().join("quiet.log");
    let loud = folder.path().join("loud.log");
    write_log(&quiet, QUIET_BYTES, 1_000)?;
    write_log(&loud, LOUD_BYTES, 1)?;
    let alternatives: Vec<String> = anchors().map(escaped).collect();

    let doctor = |args: &[&str], log: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
        command.args(args).arg(log);
        command
    };
    // Its output goes to a pipe: where it goes nowhere, GNU grep stops at the first line.
    let grep = |options: &[&str]| {
        let mut command = Command::new("grep");
        command
            .args(options)
            .args(["-c", "-E", "--", &alternatives.join("|")])
            .arg(&quiet);
        command.env("LC_ALL", "C");
        command
    };
    let mut sides = [
        Side::new("logs", doctor(&["logs"], &quiet), QUIET_BYTES),
        Side::new("grep -E", grep(&[]), QUIET_BYTES),
        Side::new("grep -i -E", grep(&["-i"]), QUIET_BYTES),
        Side::new("logs, each line loud", doctor(&["logs"], &loud), LOUD_BYTES),
        Side::new("logs --redact", doctor(&["logs", "--redact"], &loud), LOUD_BYTES),
    ];
    for _ in 0..ROUNDS {
        for side in &mut sides {
            side.run()?;
        }
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} alternatives, {} MB, {ROUNDS} rounds in turns, medians",
        alternatives.len(),
        QUIET_BYTES / MB
    )?;
    for side in &mut sides {
        writeln!(out, "{}", side.told())?;
    }
    writeln!(
        out,
        "memory of logs: {} KiB at the peak",
        peak_memory(doctor(&["logs"], &quiet))?
    )
}

/// One of the commands that take turns.
struct Side {
    name: &'static str,
    command: Command,
    bytes: u64,
    times: Vec<Duration>,
}

impl Side {
    fn new(name: &'static str, mut command: Command, bytes: u64) -> Self {
        command.stdin(Stdio::null());
        Self {
            name,
            command,
            bytes,
            times: Vec::new(),
        }
    }

    fn run(&mut self) -> io::Result<()> {
        let started = Instant::now();
        let done = self.command.output()?;
        self.times.push(started.elapsed());
        // 1: findings, or nothing found.
        match done.status.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(io::Error::other(format!("{} failed: {}", self.name, done.status))),
        }
    }

    fn told(&mut self) -> String {
        self.times.sort();
        let median = self.times.get(self.times.len() / 2).copied().unwrap_or_default();
        let rate = self.bytes as f64 / MB as f64 / median.as_secs_f64();
        format!(
            "{:<22} {:>7.0} ms {rate:>7.0} MB/s",
            self.name,
            median.as_secs_f64() * 1e3
        )
    }
}

/// KiB, read over and over: it is gone with the process.
fn peak_memory(mut command: Command) -> io::Result<u64> {
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kib.unwrap_or_default());
    }
    Ok(peak)
}

/// A log in which one line of so many says something.
fn write_log(path: &Path, bytes: u64, one_in: u64) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut random = Random(7);
    let (mut written, mut number) = (0, 0_u64);
    while written < bytes {
        number += 1;
        let line = match number % one_in {
            0 => {
                let message = &MESSAGES[random.below(MESSAGES.len() as u64) as usize];
                agent_line(
                    "warn",
                    &format!("failed to connect to gw.example.com:8443, reason={}", message.sample),
                    number,
                )
            }
            _ => quiet_line(&mut random, number),
        };
        written += line.len() as u64 + 1;
        writeln!(out, "{line}")?;
    }
    out.flush()
}

fn quiet_line(random: &mut Random, number: u64) -> String {
    let (second, address, size) = (number % 60, random.below(250), random.below(90_000));
    match random.below(4) {
        0 => format!(
            "10.0.{address}.7 - - [02/Jan/2026:03:04:{second:02} +0000] \"GET /assets/app-{size:x}.js HTTP/2.0\" 200 {size} \
             \"https://app.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\""
        ),
        1 => format!(
            "[2026-01-02T03:04:{second:02}.678Z] \"POST /orders.Orders/List HTTP/2\" 200 - via_upstream - \"-\" {size} 512 12 11 \
             \"10.0.{address}.9\" \"grpc-go/1.79\" \"5f0c{size:x}\" \"orders.example.com\" \"10.1.{address}.3:9000\" outbound|9000||orders"
        ),
        2 => agent_line(
            "info",
            &format!("session {size:x} opened, type=postgres, client=10.0.{address}.2"),
            number,
        ),
        _ => agent_line(
            "debug",
            &format!("received packet, type=PGConnectionWrite, length={size}"),
            number,
        ),
    }
}

fn agent_line(level: &str, message: &str, number: u64) -> String {
    let message = message.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "{{\"level\":\"{level}\",\"timestamp\":\"2026-01-02T03:{:02}:{:02}Z\",\"logger\":\"agent/main.go:215\",\
         \"msg\":\"{message}\",\"version\":\"1.74.0\"}}",
        number / 60 % 60,
        number % 60
    )
}

/// The same numbers in each run (Knuth's multiplier).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// As a literal of an extended regular expression.
fn escaped(literal: &str) -> String {
    let mut escaped = String::with_capacity(literal.len());
    for char in literal.chars() {
        if "\\.[]{}()*+?^$|".contains(char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

const MB: u64 = 1_000_000;
const QUIET_BYTES: u64 = 200 * MB;
const LOUD_BYTES: u64 = 10 * MB;
const ROUNDS: usize = 5;
