//! HD205: some of a name's addresses work and others don't.

use std::net::SocketAddr;

use hoop_doctor_probes::tcp::{Attempt, TcpFailure};

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(205),
    name: "tcp-some-addresses-fail",
    severity: Severity::Warn,
    summary: "some addresses of the name work and others don't",
    explain: include_str!("../../../docs/findings/HD205.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let chosen = endpoint.chosen?;
        let dead: Vec<&Attempt> = endpoint.tcp.iter().filter(|attempt| is_dead(attempt)).collect();
        if dead.is_empty() || is_localhosts_other_half(&dead, chosen) {
            return None;
        }
        let shown: Vec<String> = dead
            .iter()
            .map(|attempt| format!("{} {}", attempt.addr, word(attempt)))
            .collect();
        let all = |v4: bool| endpoint.tcp.iter().filter(move |attempt| attempt.addr.is_ipv4() == v4);
        // Said only where it holds for every address that is listed.
        let is_whole = |v4: &bool| all(*v4).count() == dead.len() && all(*v4).all(is_dead);
        let which = match [true, false].iter().find(|v4| is_whole(v4)) {
            Some(true) => " (every IPv4 address of the name)",
            Some(false) => " (every IPv6 address of the name)",
            None => "",
        };
        let host = &endpoint.target.host;
        let draft = Draft::new(
            format!(
                "of the addresses of {host}, {}{which}; Hoop gets through by {chosen}",
                shown.join(", ")
            ),
            format!(
                "take the dead addresses out of the DNS record of {host}, or mend what is behind them: \
                 each new connection may try them first"
            ),
        );
        let probes: Vec<String> = dead.iter().map(|attempt| format!("tcp/{}", attempt.addr)).collect();
        let probes: Vec<&str> = probes.iter().map(String::as_str).collect();
        Some(draft.seen_in(endpoint, &probes))
    })
}

fn is_dead(attempt: &Attempt) -> bool {
    !matches!(attempt.outcome, Ok(()) | Err(TcpFailure::Interrupted))
}

/// `localhost` has two addresses, and a gateway listens on IPv4 alone.
fn is_localhosts_other_half(dead: &[&Attempt], chosen: SocketAddr) -> bool {
    chosen.ip().is_loopback()
        && dead
            .iter()
            .all(|attempt| attempt.addr.ip().is_loopback() && attempt.addr.is_ipv6())
}

fn word(attempt: &Attempt) -> &'static str {
    match &attempt.outcome {
        Err(TcpFailure::Refused) => "refuses connections",
        Err(TcpFailure::TimedOut) => "doesn't answer",
        Err(TcpFailure::Unreachable { .. }) => "can't be reached",
        Err(TcpFailure::Reset | TcpFailure::Interrupted | TcpFailure::Other { .. }) | Ok(()) => "fails",
    }
}

#[cfg(test)]
mod tests {
    use super::is_localhosts_other_half;
    use hoop_doctor_probes::tcp::{Attempt, TcpFailure};

    fn refused(addr: &str) -> Attempt {
        Attempt {
            addr: addr.parse().expect("an address"),
            outcome: Err(TcpFailure::Refused),
            started_ms: 0,
            duration_ms: 1,
        }
    }

    #[test]
    fn a_gateway_on_ipv4_alone_is_no_problem_of_localhost() {
        let chosen = "127.0.0.1:8010".parse().expect("an address");
        assert!(is_localhosts_other_half(&[&refused("[::1]:8010")], chosen));
        assert!(!is_localhosts_other_half(&[&refused("127.0.0.2:8010")], chosen));
    }
}
