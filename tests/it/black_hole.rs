//! Servers that never get to the point: whoever hangs, trickles or floods, every verdict is there in time and in bounds.
//!
//! Limits are twice what is promised, because the machine is busy with other tests. The promise itself is 5.5 seconds.

mod server;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io;
use std::panic::resume_unwind;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use hoop_doctor_standin::{Options, StandIn, Tls, start};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::lab::process::Process;
use crate::lab::say;
use server::{FullBacklog, Server};

#[test]
fn an_address_that_drops_packets_is_named_in_time() -> io::Result<()> {
    let hole = FullBacklog::open()?;
    let report = Check::of_flags(&[&format!("--grpc-url=grpcs://{}", hole.address())]).run()?;
    says_timeout(&report, 1);
    Ok(())
}

/// All that an agent and a client can have on one machine: the time is that of one.
#[test]
fn three_addresses_of_two_identities_cost_the_time_of_one() -> io::Result<()> {
    let (agents, clients, api) = (FullBacklog::open()?, FullBacklog::open()?, FullBacklog::open()?);
    let report = Check::of_variables(&[
        (
            "HOOP_KEY",
            format!("grpcs://agent:secret@{}?mode=standard", agents.address()),
        ),
        ("HOOP_GRPCURL", format!("grpcs://{}", clients.address())),
        ("HOOP_APIURL", format!("https://{}", api.address())),
        ("HOOP_TOKEN", "token".to_owned()),
    ])
    .run()?;
    says_timeout(&report, 3);
    Ok(())
}

#[test]
fn four_addresses_of_a_name_cost_the_time_of_one() -> io::Result<()> {
    let hole = FullBacklog::open()?;
    let port = hole.address().port();
    let mut args = vec![
        format!("--grpc-url=grpcs://gateway.test:{port}"),
        format!("--api-url=https://gateway.test:{port}"),
    ];
    args.extend((1..=4).map(|host| format!("--resolve=gateway.test:{port}:127.0.0.{host}")));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let report = Check::of_flags(&args).run()?;
    says_timeout(&report, 2);
    for endpoint in array(&report, "endpoints") {
        assert_eq!(endpoint["addresses"].as_array().map(Vec::len), Some(4), "{endpoint}");
    }
    Ok(())
}

/// The same with a firewall, in a network of its own.
#[test]
fn a_firewall_that_drops_packets_is_named_in_time() -> io::Result<()> {
    let firewall = format!("{LOOPBACK_UP} && nft -f - <<'RULES'\n{RULES}\nRULES");
    let namespace = Command::new("unshare").args(["-rn", "sh", "-c", &firewall]).output();
    match namespace {
        Ok(output) if output.status.success() => {}
        missing if env::var_os("CI").is_none() => {
            say(&format!(
                "not run, no network namespace with nftables here: {missing:?}"
            ));
            return Ok(());
        }
        missing => panic!("no network namespace with nftables here: {missing:?}"),
    }
    let one = Check::of_flags(&["--grpc-url=grpcs://127.0.0.1:8010"])
        .behind(&firewall)
        .run()?;
    says_timeout(&one, 1);
    let both = ["--grpc-url=grpcs://127.0.0.1:8010", "--api-url=https://127.0.0.1:8009"];
    says_timeout(&Check::of_flags(&both).behind(&firewall).run()?, 2);
    Ok(())
}

#[test]
fn a_server_that_trickles_a_byte_at_a_time_costs_no_more_than_a_silent_one() -> io::Result<()> {
    let servers = [
        Server::trickling(TLS_RECORD)?,
        Server::trickling(FRAME)?,
        Server::trickling(HTTP1)?,
    ];
    // Side by side, because each of them takes seconds.
    thread::scope(|scope| {
        let checks = servers.each_ref().map(|server| scope.spawn(|| meet(server)));
        for check in checks {
            let reports = check.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            reports.iter().for_each(reaches_nothing);
        }
        Ok(())
    })
}

#[test]
fn a_server_that_floods_is_bounded_in_time_and_memory() -> io::Result<()> {
    for server in [
        Server::flooding(b"", b"\xff\x00garbage\r\n\x80")?,
        // A header block that goes on and on, in each version of HTTP.
        Server::flooding(b"HTTP/1.1 200 OK\r\n", b"x-more: and more\r\n")?,
        Server::flooding(HTTP2_HEAD, CONTINUATION)?,
        // A body that does.
        Server::flooding(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n",
            b"<p>and more</p>\n",
        )?,
        Server::flooding(HTTP2_HEAD_AND_END, DATA)?,
        // Frames that mean nothing, and those that want an answer.
        Server::flooding(SETTINGS, PING)?,
    ] {
        meet(&server)?.iter().for_each(reaches_nothing);
    }
    Ok(())
}

/// Whatever finishes first, the report is the same but for times.
#[test]
fn a_healthy_gateway_gets_the_same_report_twenty_times() -> io::Result<()> {
    let (_runtime, stand_in) = stand_in()?;
    let urls = stand_in.urls();
    let args = [format!("--grpc-url={}", urls.grpc), format!("--api-url={}", urls.api)];
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["--skip-tls-verify"]).collect();
    let first = without_times(Check::of_flags(&args).run()?);
    assert_eq!(reached(&first), [true; 2], "{first}");
    for _ in 1..20 {
        let next = without_times(Check::of_flags(&args).run()?);
        let (next, first) = (format!("{next:#}"), format!("{first:#}"));
        let differs = next.lines().zip(first.lines()).find(|(next, first)| next != first);
        assert!(next == first, "{differs:?} in\n{next}");
    }
    Ok(())
}

/// Checks `server` as a gateway in plaintext and one with TLS.
fn meet(server: &Server) -> io::Result<[Value; 2]> {
    let address = server.address();
    let check = |grpc: &str, rest: &str| {
        let args = [
            format!("--grpc-url={grpc}://{address}"),
            format!("--api-url={rest}://{address}"),
        ];
        Check::of_flags(&args.each_ref().map(String::as_str)).run()
    };
    let reports = [check("grpc", "http")?, check("grpcs", "https")?];
    assert!(server.connections() > 0, "nobody came");
    Ok(reports)
}

#[track_caller]
fn reaches_nothing(report: &Value) {
    assert!(
        report["verdict"] == "broken" || report["verdict"] == "unknown",
        "{report}"
    );
    assert_eq!(reached(report), [false; 2], "{report}");
}

/// Whether each endpoint's last rung holds.
fn reached(report: &Value) -> Vec<bool> {
    let holds = |endpoint: &Value| {
        let last = endpoint["layers"].as_array().and_then(|layers| layers.last());
        last.is_some_and(|last| last["status"] == "ok")
    };
    array(report, "endpoints").iter().map(holds).collect()
}

#[track_caller]
fn says_timeout(report: &Value, endpoints: usize) {
    assert_eq!(report["verdict"], "broken", "{report}");
    assert_eq!(array(report, "endpoints").len(), endpoints, "{report}");
    let mut named = Vec::new();
    for finding in array(report, "findings") {
        assert_eq!(finding["code"], "HD202", "{report}");
        assert_eq!(finding["confidence"], "certain", "{report}");
        named.extend(
            array(finding, "endpoints")
                .iter()
                .map(|id| id.as_str().unwrap_or_default()),
        );
    }
    named.sort_unstable();
    let mut ids: Vec<&str> = array(report, "endpoints")
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    ids.sort_unstable();
    assert_eq!(named, ids, "{report}");
}

fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name]
        .as_array()
        .unwrap_or_else(|| panic!("no array {name:?} in {value}"))
}

/// Takes every time out of a report. How many bytes came is one too: the digits of a date differ in length (RFC 7541, appendix B).
/// So are the frames: which of them come before the last answer is the server's business.
fn without_times(mut report: Value) -> Value {
    fn clear(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let is_time = |name: &str| name.ends_with("_ms") || ["started_at", "count", "frames"].contains(&name);
                fields.retain(|name, _| !is_time(name));
                if fields.get("name").is_some_and(|name| name == "date") {
                    fields.remove("value");
                }
                fields.values_mut().for_each(clear);
            }
            Value::Array(all) => all.iter_mut().for_each(clear),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    clear(&mut report);
    report
}

fn stand_in() -> io::Result<(Runtime, StandIn)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let options = Options {
        tls: Some(Tls::generated(&["localhost", "127.0.0.1"]).0),
        ..Options::default()
    };
    let stand_in = runtime.block_on(start(options))?;
    Ok((runtime, stand_in))
}

/// One run of the program with its defaults, within [`MEMORY`].
struct Check {
    args: Vec<String>,
    variables: BTreeMap<&'static str, String>,
    before: String,
}

impl Check {
    fn of_flags(args: &[&str]) -> Self {
        Self {
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            variables: BTreeMap::new(),
            before: "true".to_owned(),
        }
    }

    fn of_variables(variables: &[(&'static str, String)]) -> Self {
        Self {
            variables: variables.iter().cloned().collect(),
            ..Self::of_flags(&[])
        }
    }

    /// In a network namespace that `script` prepares.
    fn behind(mut self, script: &str) -> Self {
        self.before = script.to_owned();
        self
    }

    fn run(self) -> io::Result<Value> {
        let home = tempfile::tempdir()?;
        let shell = format!("{}\nulimit -v {MEMORY} && exec \"$@\"", self.before);
        let mut command = match self.before.as_str() {
            "true" => Command::new("sh"),
            _ => {
                let mut unshare = Command::new("unshare");
                unshare.args(["-rn", "sh"]);
                unshare
            }
        };
        command
            .args([
                "-c",
                &shell,
                "sh",
                env!("CARGO_BIN_EXE_hoop-doctor"),
                "check",
                "-o",
                "json",
            ])
            .args(&self.args)
            .env_clear()
            .env("HOME", home.path())
            .env(
                "PATH",
                env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/sbin:/usr/bin:/bin")),
            )
            .envs(&self.variables);
        let started = Instant::now();
        let mut process = Process::spawn(command)?;
        let output = process
            .ended_within(2 * LIMIT)
            .unwrap_or_else(|| panic!("it still runs after {:?}", 2 * LIMIT))?;
        let took = started.elapsed();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            let stderr = String::from_utf8_lossy(&output.stderr);
            panic!("no report ({error}), {}: {stderr}", output.status)
        });
        assert!(took < 2 * LIMIT, "it took {took:?}: {report}");
        Ok(report)
    }
}

/// What is promised for any verdict with the defaults.
const LIMIT: Duration = Duration::from_millis(5_500);

/// In KiB of address space: three times what the program needs without optimisation.
const MEMORY: u64 = 200_000;

const LOOPBACK_UP: &str = "ip link set lo up";
const RULES: &str = "table inet t { chain c { type filter hook input priority 0; tcp dport { 8009, 8010 } drop; }; }";

/// The start of a handshake record, and of a ServerHello without an end (RFC 8446, sections 5.1 and 4).
const TLS_RECORD: &[u8] = &[0x16, 3, 3, 0x3f, 0xff, 2, 0, 0xff, 0xff, 3, 3];
/// The start of a DATA frame of the largest size (RFC 9113, section 4.1), behind SETTINGS.
const FRAME: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 1];
const HTTP1: &[u8] = b"HTTP/1.1 200 OK\r\nx-more: ";

const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const PING: &[u8] = &[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
/// SETTINGS, then HEADERS on stream 1 with `:status 200` and without END_HEADERS.
const HTTP2_HEAD: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0x88];
/// CONTINUATION with one literal field, not indexed: `a: b`.
const CONTINUATION: &[u8] = &[0, 0, 5, 9, 0, 0, 0, 0, 1, 0, 1, b'a', 1, b'b'];
/// The same, whole.
const HTTP2_HEAD_AND_END: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88];
const DATA: &[u8] = &[0, 0, 4, 0, 0, 0, 0, 0, 1, b'm', b'o', b'r', b'e'];
