//! `--deep` against real proxies with short limits: which is found, the number that is measured, and what all of it costs.

#![expect(clippy::disallowed_types, reason = "a relay that counts what passes it")]

use std::env;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hoop_doctor_standin::{Fault, Options, StandIn, start};
use rustix::process::{Pid, Signal, kill_process};

use crate::lab::doctor::Report;
use crate::lab::proxy::StartError;
use crate::lab::scenario::{Scenario, ScenarioError};
use crate::lab::{Lab, few_at_a_time, say};
use crate::proxies::{OURS, SHARED};

/// What the configuration of a row says, which the message has to say too.
const CONFIGURED: &[(&str, Configured)] = &[
    ("nginx/body-1m", Configured::Exactly("1048576 bytes")),
    ("nginx/client-body-timeout", Configured::Seconds(3.0)),
    (
        "envoy/max-headers",
        Configured::About {
            bytes: 8192,
            within: 256,
        },
    ),
    ("envoy/max-stream-duration", Configured::Seconds(3.0)),
    ("envoy/stream-idle-timeout", Configured::Seconds(3.0)),
    ("haproxy/timeout-server", Configured::Seconds(3.0)),
    ("caddy/write-timeout", Configured::Seconds(3.0)),
    (
        "nginx/header-4k",
        Configured::About {
            bytes: 4096,
            within: 2600,
        },
    ),
    (
        "nginx/keepalive-requests-50",
        Configured::Exactly("after 50 of its requests"),
    ),
    ("nginx/stream-proxy-timeout", Configured::Seconds(3.0)),
    ("haproxy/tcp-idle", Configured::Seconds(3.0)),
    ("envoy/route-idle-timeout", Configured::Seconds(3.0)),
    ("envoy/route-max-stream-duration", Configured::Seconds(3.0)),
    ("envoy/tcp-idle", Configured::Seconds(3.0)),
    ("caddy/body-1mb", Configured::Sent(1_000_000)),
    ("caddy/read-body", Configured::Seconds(3.0)),
    ("caddy/read-body-idle", Configured::Seconds(3.0)),
    ("traefik/read-timeout", Configured::Seconds(3.0)),
];

/// A number of a configuration, and how near to it a message has to be.
enum Configured {
    /// As it stands.
    Exactly(&'static str),
    /// Within half a second; on a busy machine a second later.
    Seconds(f64),
    /// One of the message's numbers.
    About { bytes: u32, within: u32 },
    /// Bytes that had left when the end came: those, and on a busy machine up to as many on the way.
    Sent(u32),
}

impl Configured {
    fn is_in(&self, message: &str) -> bool {
        let numbers = || {
            let pieces = message.split(|char: char| !char.is_ascii_digit() && char != '.');
            pieces.filter_map(|number| number.trim_matches('.').parse::<f64>().ok())
        };
        match self {
            Self::Exactly(text) => message.contains(text),
            Self::Seconds(seconds) => numbers().any(|number| (-0.5..=1.0).contains(&(number - seconds))),
            Self::About { bytes, within } => {
                numbers().any(|number| (number - f64::from(*bytes)).abs() <= f64::from(*within))
            }
            Self::Sent(bytes) => numbers().any(|number| (1.0..=2.0).contains(&(number / f64::from(*bytes)))),
        }
    }
}

/// Configurations without a limit that eight seconds show.
const HEALTHY: &[&str] = &[
    "nginx/ok-prefix",
    "envoy/ok",
    "haproxy/ok",
    "caddy/ok",
    "apache/ok",
    "traefik/ok",
];

#[test]
fn every_limit_is_found_and_measured() -> io::Result<()> {
    let mut scenarios = Scenario::table(SHARED)?;
    scenarios.extend(Scenario::table(OURS)?);
    let healthy = scenarios.extract_if(.., |scenario| {
        HEALTHY.contains(&scenario.name.as_str()) && !scenario.has_token()
    });
    let healthy: Vec<Scenario> = healthy.map(Scenario::deep).collect();
    scenarios.retain(Scenario::is_deep);
    scenarios.extend(healthy);

    let lab = Lab::start()?;
    let outcomes = few_at_a_time(&scenarios, |scenario| scenario.run(&lab));
    let mut wrong = String::new();
    let mut table = String::new();
    for (scenario, outcome) in scenarios.iter().zip(&outcomes) {
        let line = line(scenario, outcome);
        table += &line;
        if !is_right(scenario, outcome) {
            wrong += &line;
        }
    }
    assert!(wrong.is_empty(), "these are wrong:\n{wrong}");
    say(&table);
    Ok(())
}

fn is_right(scenario: &Scenario, outcome: &Result<Report, ScenarioError>) -> bool {
    let configured = CONFIGURED.iter().find(|(name, _)| *name == scenario.name);
    match outcome {
        Ok(report) => {
            let measured = report.first_message().unwrap_or_default();
            scenario.expected.is_met_by(report) && configured.is_none_or(|(_, configured)| configured.is_in(measured))
        }
        Err(ScenarioError::Start(StartError::NotInstalled(_))) => env::var_os("CI").is_none(),
        Err(_) => false,
    }
}

fn line(scenario: &Scenario, outcome: &Result<Report, ScenarioError>) -> String {
    let came = match outcome {
        Ok(report) => format!(
            "{:<8}{:>6} ms  {}",
            report.first_finding().unwrap_or("none"),
            report.took.as_millis(),
            report.first_message().unwrap_or_default()
        ),
        Err(error) => error.to_string(),
    };
    format!("{:<36}{:<14}{came}\n", scenario.name, scenario.expected)
}

#[test]
fn the_rows_with_a_number_are_rows() -> io::Result<()> {
    let mut scenarios = Scenario::table(SHARED)?;
    scenarios.extend(Scenario::table(OURS)?);
    for (name, _) in CONFIGURED {
        let is_there = |scenario: &Scenario| scenario.name == *name && scenario.is_deep();
        assert!(scenarios.iter().any(is_there), "{name} is no row for --deep");
    }
    Ok(())
}

/// A stand-in on a thread of its own, for as long as it is kept.
struct Gateway {
    stand_in: StandIn,
    runtime: tokio::runtime::Runtime,
}

fn gateway(fault: Option<Fault>) -> io::Result<Gateway> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let options = Options {
        fault,
        ..Options::default()
    };
    let stand_in = runtime.block_on(start(options))?;
    Ok(Gateway { stand_in, runtime })
}

impl Gateway {
    fn stop(self) {
        self.runtime.block_on(self.stand_in.stop());
    }
}

/// What passed a relay from the client to the server.
#[derive(Default)]
struct Passed {
    connections: AtomicUsize,
    most_connections: AtomicUsize,
    bytes: AtomicUsize,
}

/// Passes on every connection to `server` and counts.
fn relay(server: SocketAddr, passed: Arc<Passed>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(upstream) = TcpStream::connect(server) else {
                return;
            };
            let passed = Arc::clone(&passed);
            thread::spawn(move || between(client, upstream, &passed));
        }
    });
    Ok(address)
}

fn between(client: TcpStream, server: TcpStream, passed: &Passed) -> io::Result<()> {
    let open = passed.connections.fetch_add(1, Ordering::SeqCst) + 1;
    passed.most_connections.fetch_max(open, Ordering::SeqCst);
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        to_client.shutdown(std::net::Shutdown::Write)
    });
    let (mut from_client, mut to_server) = (client, server);
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from_client.read(&mut buffer) {
        passed.bytes.fetch_add(count, Ordering::SeqCst);
        to_server.write_all(&buffer[..count])?;
    }
    let _ = to_server.shutdown(std::net::Shutdown::Write);
    let _ = back.join();
    passed.connections.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}

fn deep(grpc: SocketAddr, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
    command
        .args(["check", "--grpc-url", &format!("grpc://{grpc}"), "--deep"])
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("reports are UTF-8")
}

#[test]
fn what_it_costs_is_announced_and_kept_to() -> io::Result<()> {
    let gateway = gateway(None)?;
    let passed = Arc::new(Passed::default());
    let address = relay(gateway.stand_in.grpc_addr(), Arc::clone(&passed))?;
    let Output { status, stdout, stderr } = deep(address, &["--hold", "3s"]).output()?;
    gateway.stop();

    assert!(status.success(), "{}", text(&stdout));
    let announced = text(&stderr);
    let (connections, bytes) = (12, 25 * 1024 * 1024);
    assert!(
        announced.contains("up to 12 connections and 110 streams at a time"),
        "{announced}"
    );
    assert!(announced.contains("up to 25 MiB sent in all"), "{announced}");
    assert!(announced.contains("streams held for 3 s"), "{announced}");
    let most = passed.most_connections.load(Ordering::SeqCst);
    assert!((5..=connections).contains(&most), "{most} connections at a time");
    let sent = passed.bytes.load(Ordering::SeqCst);
    // A busy machine doesn't get to the end of the message.
    assert!((1024 * 1024..=bytes).contains(&sent), "{sent} bytes");
    Ok(())
}

#[test]
fn nothing_is_announced_to_who_wants_quiet() -> io::Result<()> {
    let gateway = gateway(None)?;
    let output = deep(gateway.stand_in.grpc_addr(), &["--hold", "2s", "-q"]).output()?;
    gateway.stop();
    assert_eq!(text(&output.stderr), "");
    Ok(())
}

#[test]
fn who_interrupts_it_gets_what_is_known_so_far() -> io::Result<()> {
    let gateway = gateway(Some(Fault::IdleTimeout))?;
    let url = gateway.stand_in.urls();
    let ca = tempfile::NamedTempFile::new()?;
    std::fs::write(ca.path(), url.ca_pem.as_deref().unwrap_or_default())?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"))
        .args([
            "check",
            "--grpc-url",
            &url.grpc,
            "--deep",
            "--hold",
            "1h",
            "-o",
            "json",
            "--ca",
        ])
        .arg(ca.path())
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // The announcement comes once it listens for the signal.
    let mut announced = [0; 6];
    child.stderr.take().expect("it is a pipe").read_exact(&mut announced)?;
    // The idle stream is cut after three seconds; what was seen until then has to be told.
    while gateway.stand_in.grpc_calls().connections < 5 {
        thread::yield_now();
    }
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT)?;
    let output = child.wait_with_output()?;
    gateway.stop();

    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(report["verdict"], "unknown");
    let ok = |rung: &serde_json::Value| rung["status"] == "ok";
    let layers = report["endpoints"][0]["layers"].as_array().expect("a ladder");
    assert!(layers.iter().all(ok), "{layers:?}");
    let limits = report["endpoints"][0]["limits"].as_array().expect("limits");
    let silent = limits
        .iter()
        .find(|limit| limit["name"] == "silent")
        .expect("a silent stream");
    assert_eq!(silent["status"], "not_tried");
    Ok(())
}
