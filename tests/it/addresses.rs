//! A name with several addresses, some of which are dead: they are named, and the others are looked at as Go would.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Command;

use hoop_doctor_standin::{Options, StandIn, start};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

const ONE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const TWO: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Gateways at one port of several addresses of this machine.
struct Gateways {
    _runtime: Runtime,
    alive: Vec<StandIn>,
    port: u16,
}

impl Gateways {
    fn at(addresses: &[IpAddr]) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be started");
        // The port that is free at the first address may be taken at another one.
        let alive = (0..ATTEMPTS).find_map(|_| runtime.block_on(start_all(addresses)).ok());
        let alive = alive.expect("some port is free at all of the addresses");
        Self {
            port: alive.first().expect("there is an address").grpc_addr().port(),
            _runtime: runtime,
            alive,
        }
    }

    /// Who was asked for anything: a connection alone is no question.
    fn asked(&self) -> Vec<IpAddr> {
        let asked = self.alive.iter().filter(|gateway| gateway.grpc_calls().requests > 0);
        asked.map(|gateway| gateway.grpc_addr().ip()).collect()
    }

    /// The report on a name that has these addresses, in this order.
    fn check(&self, addresses: &[IpAddr]) -> Value {
        let port = self.port;
        let home = tempfile::tempdir().expect("a folder for a home can be made");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
        command
            .env_clear()
            .env("HOME", home.path())
            .args(["check", "-o", "json"]);
        command.args(["--grpc-url", &format!("grpc://gw.example:{port}")]);
        for address in addresses {
            command.args(["--resolve", &format!("gw.example:{port}:{address}")]);
        }
        let output = command.output().expect("the program is built");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

async fn start_all(addresses: &[IpAddr]) -> io::Result<Vec<StandIn>> {
    let mut alive: Vec<StandIn> = Vec::new();
    for address in addresses {
        let port = alive.first().map_or(0, |first| first.grpc_addr().port());
        let options = Options {
            grpc: SocketAddr::new(*address, port),
            ..Options::default()
        };
        alive.push(start(options).await?);
    }
    Ok(alive)
}

/// The code and the message of each finding.
fn findings(report: &Value) -> Vec<(&str, &str)> {
    let findings = report["findings"].as_array().expect("a report has findings");
    findings
        .iter()
        .map(|finding| {
            let text = |name: &str| finding[name].as_str().expect("a finding has it");
            (text("code"), text("message"))
        })
        .collect()
}

/// Every rung of the ladder stands.
fn holds(report: &Value) -> bool {
    let layers = report["endpoints"][0]["layers"]
        .as_array()
        .expect("an endpoint has layers");
    !layers.is_empty() && layers.iter().all(|layer| layer["status"] == "ok")
}

/// Whether this machine has IPv6 at all: without it its addresses can't be reached instead of refusing.
fn has_ipv6() -> bool {
    fs::read_to_string("/proc/net/if_inet6").is_ok_and(|addresses| !addresses.is_empty())
}

#[test]
fn the_dead_addresses_are_named_and_the_living_one_is_looked_at() {
    for order in [[TWO, ONE, SIX], [ONE, TWO, SIX], [SIX, TWO, ONE], [TWO, SIX, ONE]] {
        let gateways = Gateways::at(&[ONE]);
        let report = gateways.check(&order);
        let port = gateways.port;
        let word = |address: IpAddr| match address {
            SIX if !has_ipv6() => format!("[::1]:{port} can't be reached"),
            SIX => format!("[::1]:{port} refuses connections"),
            address => format!("{address}:{port} refuses connections"),
        };
        let dead: Vec<String> = order.into_iter().filter(|one| *one != ONE).map(word).collect();
        let message = format!(
            "of the addresses of gw.example, {}; Hoop gets through by 127.0.0.1:{port}",
            dead.join(", ")
        );
        assert_eq!(findings(&report), [("HD205", &*message)], "{order:?}");
        assert_eq!(report["verdict"], "degraded", "{order:?}");
        assert!(holds(&report), "{order:?}: {report:#}");
        assert_eq!(gateways.asked(), [ONE], "{order:?}");
    }
}

#[test]
fn a_family_that_is_dead_as_a_whole_is_called_so() {
    if !has_ipv6() {
        return;
    }
    let gateways = Gateways::at(&[SIX]);
    let port = gateways.port;
    let report = gateways.check(&[ONE, TWO, SIX]);
    let message = format!(
        "of the addresses of gw.example, 127.0.0.1:{port} refuses connections, 127.0.0.2:{port} refuses connections \
         (every IPv4 address of the name); Hoop gets through by [::1]:{port}"
    );
    assert_eq!(findings(&report), [("HD205", &*message)]);
    assert_eq!(gateways.asked(), [SIX]);
}

/// A gateway listens on IPv4 alone, and this machine's own name has both.
#[test]
fn ipv6_that_is_dead_on_this_machine_alone_is_as_it_should_be() {
    let gateways = Gateways::at(&[ONE, TWO]);
    assert_eq!(findings(&gateways.check(&[ONE, TWO, SIX])), []);
    assert_eq!(gateways.asked(), [ONE]);
}

#[test]
fn of_living_addresses_the_first_is_used_and_nothing_is_wrong() {
    let all: &[IpAddr] = if has_ipv6() { &[ONE, TWO, SIX] } else { &[ONE, TWO] };
    for first in 0..all.len() {
        let gateways = Gateways::at(all);
        let mut order = all.to_vec();
        order.rotate_left(first);
        let report = gateways.check(&order);
        assert_eq!(findings(&report), [], "{order:?}");
        assert_eq!(report["verdict"], "healthy", "{order:?}");
        assert_eq!(gateways.asked(), [order[0]], "{order:?}");
    }
}

const ATTEMPTS: usize = 10;
