//! Faults of networks, each in networks of its own: a client, a router and a gateway in namespaces of their own, joined by
//! pairs of virtual cables. Nothing here sends a packet to anywhere else.
//!
//! Linux alone has them, and they take root or the right to make user namespaces.

use std::env;
use std::fs;
use std::io;
use std::panic::resume_unwind;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;

use crate::lab::process::Process;
use crate::lab::say;

/// A TLS hello of Go's is larger than a packet of 1500 bytes, and so is the certificate that answers it.
#[test]
fn a_narrow_link_that_says_nothing_is_named_with_the_size_that_passes() -> io::Result<()> {
    let links = [(1492, 1480), (1420, 1400), (1280, 1260), (600, 576)];
    // Side by side, because each of them takes seconds.
    thread::scope(|scope| {
        let checks = links.map(|link| scope.spawn(move || (link, Network::routed(link.0, SILENT).check(&[GRPCS]))));
        for check in checks {
            let ((mtu, passes), report) = check.join().unwrap_or_else(|panic| resume_unwind(panic));
            let Some(report) = report? else {
                break;
            };
            let finding = report.first();
            assert_eq!(finding["code"], "HD206", "{mtu}: {}", report.json);
            assert_eq!(finding["confidence"], "certain", "{mtu}: {}", report.json);
            let message = finding["message"].as_str().expect("a finding has a message");
            assert!(
                message.contains(&format!("in packets of {passes} bytes")),
                "{mtu}: {message}"
            );
            assert!(message.contains("leave by near, whose MTU is 1500"), "{mtu}: {message}");
            report.is_in_time();
        }
        Ok(())
    })
}

/// The healthy twins: a link as wide as all others, and a narrow one whose router says so.
#[test]
fn a_narrow_link_that_says_so_is_no_fault() -> io::Result<()> {
    for (mtu, rules) in [(1500, SILENT), (1280, OPEN), (600, OPEN)] {
        let Some(report) = Network::routed(mtu, rules).check(&[GRPCS])? else {
            return Ok(());
        };
        report.is_healthy();
    }
    Ok(())
}

/// What a firewall on the way does shows as what it is; how it rejects decides between refused and unreachable.
#[test]
fn a_firewall_is_told_by_how_it_says_no() -> io::Result<()> {
    for (says, code) in [
        ("drop", "HD202"),
        ("reject with tcp reset", "HD201"),
        ("reject with icmp type port-unreachable", "HD201"),
        ("reject with icmp type host-unreachable", "HD203"),
        ("reject with icmp type net-unreachable", "HD203"),
        ("reject with icmp type admin-prohibited", "HD203"),
    ] {
        let rules = format!("chain on {{ type filter hook forward priority 0; tcp dport 8443 {says}; }};");
        let Some(report) = Network::routed(1500, &rules).check(&[GRPCS])? else {
            return Ok(());
        };
        assert_eq!(report.codes(), [code], "{says}: {}", report.json);
        assert_eq!(report.first()["confidence"], "certain", "{says}: {}", report.json);
        report.is_in_time();
    }
    Ok(())
}

/// The same firewall, for another port.
#[test]
fn a_firewall_for_another_port_is_no_fault() -> io::Result<()> {
    let rules = "chain on { type filter hook forward priority 0; tcp dport 8010 drop; };";
    let Some(report) = Network::routed(1500, rules).check(&[GRPCS])? else {
        return Ok(());
    };
    report.is_healthy();
    Ok(())
}

/// A name with both families, of which one leads nowhere.
#[test]
fn a_family_without_a_way_is_named_as_a_whole() -> io::Result<()> {
    for (family, dead, alive) in [
        (
            "ipv6",
            "[fd09:1::1]:8443 doesn't answer (every IPv6 address of the name)",
            "10.9.1.1:8443",
        ),
        (
            "ipv4",
            "10.9.1.1:8443 doesn't answer (every IPv4 address of the name)",
            "[fd09:1::1]:8443",
        ),
    ] {
        let rules = format!("chain on {{ type filter hook forward priority 0; meta nfproto {family} drop; }};");
        let Some(report) = Network::routed(1500, &rules).check(&BOTH)? else {
            return Ok(());
        };
        assert_eq!(report.codes(), ["HD205"], "{family}: {}", report.json);
        let message = format!("of the addresses of gateway.test, {dead}; Hoop gets through by {alive}");
        assert_eq!(report.first()["message"], message, "{family}");
        report.is_healthy();
    }
    Ok(())
}

/// The twin: both lead to the gateway.
#[test]
fn two_families_with_a_way_are_no_fault() -> io::Result<()> {
    let Some(report) = Network::routed(1500, OPEN).check(&BOTH)? else {
        return Ok(());
    };
    assert_eq!(report.codes(), [""; 0], "{}", report.json);
    report.is_healthy();
    Ok(())
}

/// IPv6 connects and is a black hole for large packets, IPv4 is well.
#[test]
fn a_family_that_is_a_black_hole_is_compared_with_the_other_one() -> io::Result<()> {
    let rules = "chain said { type filter hook output priority 0; icmpv6 type packet-too-big drop; };";
    let Some(report) = Network::routed(1400, rules).check(&BOTH)? else {
        return Ok(());
    };
    assert_eq!(report.codes(), ["HD206", "HD902", "HD212"], "{}", report.json);
    let message = report.first()["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("on the way to [fd09:1::1]:8443"), "{message}");
    // 20 bytes of IPv6 more make 1420 of a segment that would just fit in IPv4.
    assert!(message.contains("in packets of 1280 bytes"), "{message}");
    report.is_in_time();
    Ok(())
}

/// An inner zone leads to an address that is dead from here, the outer one to the gateway.
#[test]
fn a_resolver_that_leads_astray_is_named_with_the_one_that_does_not() -> io::Result<()> {
    let network = Network::routed(1500, LOST).resolved(&[("10.9.0.2", "10.9.1.99"), ("10.9.0.3", "10.9.1.1")], "");
    let Some(report) = network.check(&[NAMED])? else {
        return Ok(());
    };
    assert_eq!(report.codes(), ["HD105", "HD202"], "{}", report.json);
    let message = "the resolver 10.9.0.2:53 leads gateway.test to 10.9.1.99, where Hoop doesn't get through; \
                   the resolver 10.9.0.3:53 leads it to 10.9.1.1, where a gateway answers";
    assert_eq!(report.first()["message"], message);
    report.is_in_time();
    Ok(())
}

#[test]
fn an_old_line_in_the_hosts_file_is_named() -> io::Result<()> {
    let network = Network::routed(1500, LOST).resolved(&[("10.9.0.2", "10.9.1.1")], "10.9.1.99 gateway.test");
    let Some(report) = network.check(&[NAMED])? else {
        return Ok(());
    };
    assert_eq!(report.codes(), ["HD105", "HD202"], "{}", report.json);
    let message = report.first()["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("the hosts file leads gateway.test to 10.9.1.99"),
        "{message}"
    );
    report.is_in_time();
    Ok(())
}

/// The first server says nothing, which costs a second and no more.
#[test]
fn a_dead_first_resolver_slows_a_healthy_gateway() -> io::Result<()> {
    let network = Network::routed(1500, LOST).resolved(&[("10.9.1.99", ""), ("10.9.0.2", "10.9.1.1")], "");
    let Some(report) = network.check(&[NAMED])? else {
        return Ok(());
    };
    assert_eq!(report.codes(), ["HD107"], "{}", report.json);
    let message = report.first()["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("the first resolver, 10.9.1.99:53, says nothing"),
        "{message}"
    );
    report.is_healthy();
    Ok(())
}

/// The twin of all three: nobody asks the servers one by one.
#[test]
fn resolvers_that_differ_are_not_compared_where_the_gateway_answers() -> io::Result<()> {
    let network = Network::routed(1500, OPEN).resolved(&[("10.9.0.2", "10.9.1.1"), ("10.9.0.3", "10.9.1.99")], "");
    let Some(report) = network.check(&[NAMED])? else {
        return Ok(());
    };
    assert_eq!(report.codes(), [""; 0], "{}", report.json);
    let observations = report.json["observations"]
        .as_array()
        .expect("a report has observations");
    let dns = observations
        .iter()
        .find(|one| one["probe"] == "dns")
        .expect("the name was resolved");
    assert_eq!(dns["facts"]["servers"], serde_json::json!([]), "{dns}");
    report.is_healthy();
    Ok(())
}

/// A private network that this machine isn't in, without a VPN and with one that leads nowhere; and its own one.
#[test]
fn a_private_address_beyond_the_default_route_wants_a_vpn() -> io::Result<()> {
    for (address, before, codes, says) in [
        (
            "192.168.77.1",
            "",
            &["HD106", "HD203"][..],
            "leave by near, the default route",
        ),
        (
            "192.168.77.1",
            TUNNEL,
            &["HD106", "HD202", "HD207"],
            "leave by the tunnel wg0",
        ),
        ("10.9.1.99", "", &["HD202"], "10.9.1.99:8443 does not answer"),
    ] {
        let mut network = Network::routed(1500, LOST).resolved(&[("10.9.0.2", address)], "");
        network.script.push_str(before);
        let Some(report) = network.check(&[NAMED])? else {
            return Ok(());
        };
        assert_eq!(report.codes(), codes, "{}", report.json);
        let message = report.first()["message"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{message}");
        report.is_in_time();
    }
    Ok(())
}

/// Three networks: `near` of the client, `far` of the gateway, and the router between them.
struct Network {
    script: String,
}

impl Network {
    /// The link between router and gateway carries packets of `mtu` bytes; the router filters by `rules`.
    fn routed(mtu: u16, rules: &str) -> Self {
        Self {
            script: ROUTED.replace("$MTU", &mtu.to_string()).replace("$RULES", rules),
        }
    }

    /// Names are asked of these servers in turn, each of which has one address for the gateway; one without doesn't exist.
    fn resolved(mut self, servers: &[(&str, &str)], hosts: &str) -> Self {
        let mut script = format!("echo '{hosts}' >hosts\nmount --bind hosts /etc/hosts\n: >resolv.conf\n");
        for (server, address) in servers {
            script.push_str(&format!("echo nameserver {server} >>resolv.conf\n"));
            if !address.is_empty() {
                let options = format!("--listen-address={server} --address=/gateway.test/{address}");
                script.push_str(&DNSMASQ.replace("$OPTIONS", &options).replace("$SERVER", server));
            }
        }
        script.push_str("echo options timeout:1 attempts:2 >>resolv.conf\nmount --bind resolv.conf /etc/resolv.conf\n");
        self.script.push_str(&script);
        self
    }

    /// The report of `check` with these arguments, run at the client's end; `None` where there are no namespaces here.
    fn check(&self, args: &[&str]) -> io::Result<Option<Report>> {
        if !has_namespaces() {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        // As many names as make the certificate larger than a packet.
        let names: Vec<String> = (0..60).map(|number| format!("gateway-{number}.doctor.test")).collect();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).map_err(io::Error::other)?;
        fs::write(folder.path().join("cert.pem"), cert.pem())?;
        fs::write(folder.path().join("key.pem"), signing_key.serialize_pem())?;
        let mut command = Command::new("unshare");
        command
            .args(UNSHARE)
            .args(["sh", "-ec"])
            .arg(format!(
                "{}\nexec \"$DOCTOR\" check -o json --skip-tls-verify \"$@\"",
                self.script
            ))
            .arg("sh")
            .args(args)
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DOCTOR", env!("CARGO_BIN_EXE_hoop-doctor"));
        let started = Instant::now();
        let mut process = Process::spawn(command)?;
        let output = process
            .ended_within(2 * LIMIT)
            .unwrap_or_else(|| panic!("it still runs after {:?}", 2 * LIMIT))?;
        let took = started.elapsed();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("no report ({error}), {}: {stderr}", output.status));
        Ok(Some(Report { json, took }))
    }
}

/// Whether networks can be made here; in CI they must.
fn has_namespaces() -> bool {
    let made = "mount -t tmpfs tmpfs /run && ip netns add one && nft add table inet t && command -v dnsmasq";
    let tried = Command::new("unshare").args(UNSHARE).args(["sh", "-ec", made]).output();
    match tried {
        Ok(output) if output.status.success() => true,
        missing => {
            assert!(
                env::var_os("CI").is_none(),
                "no network namespaces with nftables and dnsmasq here: {missing:?}"
            );
            say(&format!(
                "not run, no network namespaces with nftables and dnsmasq here: {missing:?}"
            ));
            false
        }
    }
}

/// What `check` said, and how long it took with the making of the networks.
struct Report {
    json: Value,
    took: Duration,
}

impl Report {
    #[track_caller]
    fn first(&self) -> &Value {
        let findings = self.json["findings"].as_array().expect("a report has findings");
        let found = |finding: &&Value| finding["code"] != "HD017";
        findings
            .iter()
            .find(found)
            .unwrap_or_else(|| panic!("no finding: {}", self.json))
    }

    /// What was found, but for the certificate that nobody checks.
    fn codes(&self) -> Vec<&str> {
        let findings = self.json["findings"].as_array().expect("a report has findings");
        let codes = findings.iter().filter_map(|finding| finding["code"].as_str());
        codes.filter(|code| *code != "HD017").collect()
    }

    #[track_caller]
    fn is_in_time(&self) {
        assert_eq!(self.json["verdict"], "broken", "{}", self.json);
        assert!(self.took < 2 * LIMIT, "it took {:?}", self.took);
    }

    /// The ladder stands, without an experiment.
    #[track_caller]
    fn is_healthy(&self) {
        let layers = self.json["endpoints"][0]["layers"]
            .as_array()
            .expect("an endpoint has layers");
        assert!(layers.iter().all(|layer| layer["status"] == "ok"), "{}", self.json);
        let observations = self.json["observations"].as_array().expect("a report has observations");
        let tried = observations.iter().find(|one| {
            let probe = one["probe"].as_str().unwrap_or_default();
            probe.contains("hello") || probe.contains("segments")
        });
        assert_eq!(tried, None, "{}", self.json);
    }
}

/// A user that is root in networks, mounts and processes of its own, all of which end with the script.
const UNSHARE: [&str; 2] = ["-rnmpf", "--kill-child"];

/// What is promised for any verdict with the defaults; the machine is busy with other tests.
const LIMIT: Duration = Duration::from_millis(5_500);

const GRPCS: &str = "--grpc-url=grpcs://10.9.1.1:8443";

const NAMED: &str = "--grpc-url=grpcs://gateway.test:8443";
/// In the foreground, because it can't change its groups here.
const DNSMASQ: &str = r#"
nsenter --net=/run/netns/router dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces $OPTIONS 2>/dev/null &
until nsenter --net=/run/netns/router ss -lnuH | grep -q $SERVER:53; do :; done
"#;

const BOTH: [&str; 3] = [
    "--grpc-url=grpcs://gateway.test:8443",
    "--resolve=gateway.test:8443:fd09:1::1",
    "--resolve=gateway.test:8443:10.9.1.1",
];

/// The router keeps to itself that a packet was too large.
const SILENT: &str =
    "chain said { type filter hook output priority 0; icmp code frag-needed drop; icmpv6 type packet-too-big drop; };";
/// A tunnel whose other end takes no packet: a TUN device that nobody reads, or where there is none a tunnel by its name.
const TUNNEL: &str = "
if ip tuntap add dev wg0 mode tun 2>/dev/null; then
    ip link set wg0 up
    ip route add 192.168.77.0/24 dev wg0
else
    ip link add wg0 type veth peer name wg0 netns router
    ip -n router link set wg0 up
    ip link set wg0 up
    ip route add 192.168.77.0/24 dev wg0
    ip neigh add 192.168.77.1 lladdr 02:00:00:00:00:01 dev wg0
fi
";
/// Packets to these vanish.
const LOST: &str = "chain lost { type filter hook forward priority 0; ip daddr { 10.9.1.99, 192.168.77.0/24 } drop; };";
const OPEN: &str = "";

/// A network for each, addresses, ways, and a stand-in that listens before the check starts.
const ROUTED: &str = r#"
mount -t tmpfs tmpfs /run
# A router asks for its neighbours from an address that it hasn't itself asked about for a second, unless it needn't.
for one in router gateway; do
    ip netns add "$one"
    ip -n "$one" link set lo up
    nsenter --net=/run/netns/"$one" sh -ec 'echo 0 >/proc/sys/net/ipv6/conf/default/dad_transmits'
done
echo 0 >/proc/sys/net/ipv6/conf/default/dad_transmits
ip link set lo up
ip link add near type veth peer name near netns router
ip -n router link add far type veth peer name far netns gateway
ip addr add 10.9.0.1/24 dev near
ip -n router addr add 10.9.0.2/24 dev near
ip -n router addr add 10.9.0.3/24 dev near
ip -n router addr add 10.9.1.2/24 dev far
ip -n gateway addr add 10.9.1.1/24 dev far
ip addr add fd09::1/64 dev near nodad
ip -n router addr add fd09::2/64 dev near nodad
ip -n router addr add fd09:1::2/64 dev far nodad
ip -n gateway addr add fd09:1::1/64 dev far nodad
ip link set near up
ip -n router link set near up
ip -n router link set far up
ip -n gateway link set far up
ip route add default via 10.9.0.2
ip -n gateway route add default via 10.9.1.2
ip -6 route add default via fd09::2
ip -n gateway -6 route add default via fd09:1::2
nsenter --net=/run/netns/router sh -ec 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
mkfifo ready
nsenter --net=/run/netns/gateway "$DOCTOR" stand-in --grpc [::]:8443 --rest [::]:8009 --cert cert.pem --key key.pem >ready &
read -r _ <ready
# Until neighbours know each other a packet may be lost, which would look like a fault.
for address in 10.9.1.1 fd09:1::1; do
    until timeout 5 bash -c "</dev/tcp/$address/8443"; do :; done
done
ip -n router link set far mtu $MTU
nsenter --net=/run/netns/router nft -f - <<'RULES'
table inet t { $RULES }
RULES
"#;
