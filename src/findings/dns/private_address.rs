//! HD106: the name leads into a private network that this machine isn't in.

use std::net::IpAddr;

use hoop_doctor_probes::dns::DnsSource;
use hoop_doctor_probes::tcp::{TcpFailure, Unreachable};

use super::private_network;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(106),
    name: "dns-private-address",
    severity: Severity::Warn,
    summary: "the name leads to a private address that can't be reached from here",
    explain: include_str!("../../../docs/findings/HD106.md"),
    breaks: Breaks::Every,
    explains: &[Code(202), Code(203), Code(207)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let dns = endpoint.dns.as_ref().filter(|dns| dns.source == DnsSource::System)?;
        let (attempt, failure) = endpoint.connect_failure()?;
        let address = attempt.addr.ip();
        let network = private_network(address)?;
        let is_public = |address: &IpAddr| private_network(*address).is_none();
        if dns.addresses.iter().any(is_public) {
            return None;
        }
        let no_route = matches!(
            failure,
            TcpFailure::Unreachable {
                what: Unreachable::Network
            }
        );
        let lost = matches!(failure, TcpFailure::TimedOut | TcpFailure::Unreachable { .. });
        let (by, remedy) = match &endpoint.route {
            None if no_route => (
                "this machine has no route to it".to_owned(),
                "connect the VPN that leads there",
            ),
            Some(route) if lost && route.is_tunnel() => (
                format!(
                    "packets leave by the tunnel {}, and nothing comes back",
                    route.interface
                ),
                "see whether the VPN is really up, and whether its other end leads to the gateway's network",
            ),
            // A machine of the same private network has its own way there: what is lost, a firewall drops.
            Some(route) if lost && route.prefix == 0 && route.source.and_then(private_network) != Some(network) => (
                format!(
                    "packets leave by {}, the default route, and not by a VPN",
                    route.interface
                ),
                "connect the VPN that leads there",
            ),
            Some(_) | None => return None,
        };
        let logged = match failure {
            TcpFailure::Unreachable {
                what: Unreachable::Network,
            } => {
                "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: connect: network is unreachable\""
            }
            TcpFailure::Unreachable { .. } => {
                "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: connect: no route to host\""
            }
            _ => "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: i/o timeout\"",
        };
        let draft = Draft::new(
            format!(
                "{} is at {address}, an address of the private network {network} that can't be reached from here: {by}",
                endpoint.target.host
            ),
            format!("{remedy}; from outside, the name has to lead to a public address of the gateway"),
        );
        Some(
            draft
                .confidence(Confidence::Likely)
                .candidate(
                    202,
                    "this machine is in that network, and a firewall on the way drops packets",
                )
                .seen_in(endpoint, &["dns", &format!("tcp/{}", attempt.addr)])
                .logged_as(&[logged]),
        )
    })
}
