//! A name whose addresses come from a name server: the system's resolver is really asked, one of the test's own.
#![expect(clippy::disallowed_types, reason = "the name server of this test needs a socket")]

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hoop_doctor_standin::{Options, start};
use serde_json::Value;

use crate::lab::say;

/// Where the name server listens: resolv.conf knows no ports, and nobody else uses this address.
const SERVER: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 1);
/// What it says of every name.
const V4: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::LOCALHOST];
const V6: Ipv6Addr = Ipv6Addr::LOCALHOST;

#[test]
fn of_two_a_and_one_aaaa_the_dead_ones_are_named() -> io::Result<()> {
    let server = match NameServer::start() {
        Ok(server) if may_unshare() => server,
        refused => {
            assert!(
                std::env::var_os("CI").is_none(),
                "in CI this must run: {:?}",
                refused.err()
            );
            say(
                "of_two_a_and_one_aaaa_the_dead_ones_are_named: not run, port 53 and a resolv.conf of its own need root",
            );
            return Ok(());
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let gateway = runtime.block_on(start(Options::default()))?;
    let port = gateway.grpc_addr().port();

    let report = check(port)?;

    assert!(server.was_asked(), "the system's resolver asked another server");
    let addresses = report["endpoints"][0]["addresses"]
        .as_array()
        .expect("an endpoint has addresses");
    assert_eq!(addresses.len(), 3, "{addresses:?}");
    let finding = &report["findings"][0];
    assert_eq!(finding["code"], "HD205", "{report:#}");
    let message = finding["message"].as_str().expect("a finding has a message");
    for dead in [IpAddr::from(V4[0]), IpAddr::from(V6)] {
        assert!(message.contains(&dead.to_string()), "{dead} is not in {message:?}");
    }
    // Go tries the addresses in the resolver's order; one of them alone is alive, and the ladder stands on it.
    assert!(
        message.ends_with(&format!("Hoop gets through by 127.0.0.1:{port}")),
        "{message}"
    );
    assert!(gateway.grpc_calls().requests > 0);
    Ok(())
}

/// Runs the program where resolv.conf names the test's server, in a mount namespace of its own.
fn check(port: u16) -> io::Result<Value> {
    let folder = tempfile::tempdir()?;
    let resolv = folder.path().join("resolv.conf");
    fs::write(&resolv, format!("nameserver {SERVER}\noptions timeout:1 attempts:1\n"))?;
    let output = Command::new("unshare")
        .args([
            "--mount",
            "sh",
            "-c",
            "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"",
        ])
        .arg(&resolv)
        .arg(env!("CARGO_BIN_EXE_hoop-doctor"))
        .args([
            "check",
            "-o",
            "json",
            "--grpc-url",
            &format!("grpc://gateway.doctor.test:{port}"),
        ])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", folder.path())
        .output()?;
    serde_json::from_slice(&output.stdout).map_err(|error| io::Error::other(format!("{error}: {output:?}")))
}

fn may_unshare() -> bool {
    let mount = "mount --bind /etc/resolv.conf /etc/resolv.conf";
    let status = Command::new("unshare").args(["--mount", "sh", "-c", mount]).status();
    status.is_ok_and(|status| status.success())
}

/// Answers A and AAAA for every name, until it is dropped.
struct NameServer {
    asked: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    fn start() -> io::Result<Self> {
        let socket = UdpSocket::bind((SERVER, 53))?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let (asked, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (said, ended) = (Arc::clone(&asked), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut query = [0; 512];
            while !ended.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut query) else {
                    continue;
                };
                if let Some(answer) = query.get(..length).and_then(answer) {
                    said.store(true, Ordering::Relaxed);
                    // Whoever asked may be gone.
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Ok(Self {
            asked,
            stop,
            thread: Some(thread),
        })
    }

    fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The answer to a query with one question (RFC 1035, section 4.1).
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let id = query.get(..2)?;
    let name_end = 12 + query.get(12..)?.iter().position(|byte| *byte == 0)?;
    let question = query.get(12..name_end + 5)?;
    let kind = query.get(name_end + 1..name_end + 3)?;
    let records: Vec<Vec<u8>> = match kind {
        [0, 1] => V4.iter().map(|address| address.octets().to_vec()).collect(),
        [0, 28] => vec![V6.octets().to_vec()],
        _ => Vec::new(),
    };
    let count = u8::try_from(records.len()).ok()?;
    // A response with recursion, one question, this many answers.
    let mut answer = [id, &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
    for data in records {
        // The name by pointer to the question, class IN, a minute to live.
        answer.extend([
            0xc0,
            12,
            0,
            *kind.last()?,
            0,
            1,
            0,
            0,
            0,
            60,
            0,
            u8::try_from(data.len()).ok()?,
        ]);
        answer.extend(data);
    }
    Some(answer)
}
