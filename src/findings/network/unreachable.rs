//! HD203: no route.

use hoop_doctor_probes::tcp::{TcpFailure, Unreachable};

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(203),
    name: "tcp-unreachable",
    severity: Severity::Error,
    summary: "there is no route to the address",
    explain: include_str!("../../../docs/findings/HD203.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let (attempt, failure) = endpoint.connect_failure()?;
        let addr = attempt.addr;
        let (says, go, remedy) = match failure {
            TcpFailure::Unreachable { what } => match what {
                Unreachable::Network => (
                    "this machine has no route to it",
                    "connect: network is unreachable",
                    "connect the network or VPN that leads to it, or publish an address of a family that this machine has",
                ),
                Unreachable::Host => (
                    "a router or this machine says that the host is unreachable",
                    "connect: no route to host",
                    "check that the host is up and that no firewall on the way rejects the connection",
                ),
                Unreachable::Forbidden => (
                    "this machine forbids the connection",
                    "connect: permission denied",
                    "allow it in the local firewall or security policy",
                ),
                Unreachable::AddressNotAvailable => (
                    "this machine has no address to reach it from",
                    "connect: cannot assign requested address",
                    "use an address of a family that this machine has, and a port other than 0",
                ),
            },
            TcpFailure::Other { text } => (text.as_str(), "connect: {error}", "mend what the system's error says"),
            TcpFailure::Refused | TcpFailure::TimedOut | TcpFailure::Reset | TcpFailure::Interrupted => return None,
        };
        let draft = Draft::new(format!("{addr} can't be reached: {says}"), remedy);
        let logged = format!("connection error: desc = \"transport: Error while dialing: dial tcp {{addr}}: {go}\"");
        Some(draft.seen_in(endpoint, &[&format!("tcp/{addr}")]).logged_as(&[&logged]))
    })
}
