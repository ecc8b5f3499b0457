//! HD202: packets are dropped.

use hoop_doctor_probes::tcp::TcpFailure;

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(202),
    name: "tcp-timeout",
    severity: Severity::Error,
    summary: "connection attempts get no answer",
    explain: include_str!("../../../docs/findings/HD202.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let (attempt, failure) = endpoint.connect_failure()?;
        if *failure != TcpFailure::TimedOut {
            return None;
        }
        let (addr, seconds) = (attempt.addr, attempt.duration_ms as f64 / 1000.0);
        let draft = Draft::new(
            format!("{addr} does not answer: no reply to a connection attempt within {seconds:.1} s"),
            format!(
                "allow TCP from this machine to port {} of {} in every firewall, security group and network policy on the way, \
                 and connect the VPN if the address is only reachable through one",
                endpoint.target.port, endpoint.target.host
            ),
        );
        Some(
            draft
                .seen_in(endpoint, &[&format!("tcp/{addr}")])
                .logged_as(&[
                    "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: i/o timeout\"",
                    "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: connect: connection timed out\"",
                    "context deadline exceeded while waiting for connections to become ready",
                ]),
        )
    })
}
