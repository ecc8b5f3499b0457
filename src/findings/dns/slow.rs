//! HD107: names resolve, but slowly, or only by the second server.

use hoop_doctor_probes::dns::{Dns, DnsSource, ServerAnswer};

use super::{Said, draft, said};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(107),
    name: "dns-slow",
    severity: Severity::Warn,
    summary: "names resolve slowly",
    explain: include_str!("../../../docs/findings/HD107.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

/// Milliseconds after which the servers are asked one by one, because a lookup hangs.
const NOTICED: u64 = 300;
/// Milliseconds that nobody should wait for a name.
const SLOW: u64 = 1_000;

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let dns = endpoint.dns.as_ref()?;
        if dns.source != DnsSource::System || dns.addresses.is_empty() {
            return None;
        }
        let host = &endpoint.target.host;
        let seconds = dns.duration_ms as f64 / 1000.0;
        // What was asked only because something else is wrong says nothing of the time that a lookup takes.
        let (message, remedy) = match dead_first(dns).filter(|_| dns.duration_ms >= NOTICED) {
            Some(dead) => (
                format!(
                    "the first resolver, {}, says nothing: {host} took {seconds:.1} s by the next one",
                    dead.server
                ),
                "take that server off the resolver configuration, or mend it: every lookup waits for it first",
            ),
            None if dns.duration_ms > SLOW => (
                format!("the name {host} took {seconds:.1} s to resolve"),
                "find the slow hop: ask each server of the resolver configuration by itself with dig",
            ),
            None => return None,
        };
        Some(draft(
            endpoint,
            message,
            remedy,
            &[" on {server}: read udp {local}->{server}: i/o timeout"],
        ))
    })
}

/// The first server, where it says nothing and a later one does.
fn dead_first(dns: &Dns) -> Option<&ServerAnswer> {
    let (first, others) = dns.servers.split_first()?;
    // One that can't be reached at all costs no time: resolvers go on to the next at once.
    let is_dead = said(first) == Said::Nothing;
    let speaks = |server: &ServerAnswer| !matches!(said(server), Said::Nothing | Said::Unusable(_));
    (is_dead && others.iter().any(speaks)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::dns::fixture::{resolved, server, unresolved};

    #[test]
    fn a_dead_first_server_is_named() {
        let servers = vec![server(1, "quiet", "quiet"), server(2, "192.0.2.10", "none")];
        let draft = only(&RULE, &resolved(5_004, servers));
        assert_eq!(
            draft.message,
            "the first resolver, 10.0.0.1:53, says nothing: gw.example took 5.0 s by the next one"
        );
    }

    #[test]
    fn more_than_a_second_is_slow() {
        only(&RULE, &resolved(1_001, vec![server(1, "192.0.2.10", "none")]));
        silent(&RULE, &resolved(1_000, vec![server(1, "192.0.2.10", "none")]));
    }

    #[test]
    fn no_address_is_another_matter() {
        silent(
            &RULE,
            &unresolved(vec![server(1, "quiet", "quiet"), server(2, "nx", "nx")]),
        );
    }
}
