//! HD101: there is no such name.

use super::{Cause, cause, draft, though_known};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(101),
    name: "dns-name-not-found",
    severity: Severity::Error,
    summary: "the name doesn't exist",
    explain: include_str!("../../../docs/findings/HD101.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let dns = endpoint.dns.as_ref()?;
        let Cause::NoSuchName(server) = cause(dns)? else {
            return None;
        };
        let host = &endpoint.target.host;
        let known = though_known(dns);
        let remedy = match known.is_empty() {
            true => {
                "correct the name where it is configured, or add its record to DNS; \
                 if it exists only inside a network or a VPN, connect to that, or use its resolver"
            }
            false => {
                "put the server that knows the name first in this machine's resolver configuration, or let the VPN set it for this domain"
            }
        };
        let message = format!(
            "the name {host} doesn't exist: {} answers NXDOMAIN{known}",
            server.server
        );
        Some(draft(
            endpoint,
            message,
            remedy,
            &[" on {server}: no such host", ": no such host"],
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::dns::fixture::{server, unresolved};

    #[test]
    fn nxdomain_is_the_servers_word() {
        let draft = only(&RULE, &unresolved(vec![server(1, "nx", "nx")]));
        assert_eq!(
            draft.message,
            "the name gw.example doesn't exist: 10.0.0.1:53 answers NXDOMAIN"
        );
        assert_eq!(
            (draft.endpoints.as_slice(), draft.evidence.as_slice()),
            ([0].as_slice(), ["grpc/dns".to_owned()].as_slice())
        );
    }

    #[test]
    fn a_failing_server_is_passed_over_as_resolvers_do() {
        only(
            &RULE,
            &unresolved(vec![server(1, "SERVFAIL", "SERVFAIL"), server(2, "nx", "quiet")]),
        );
    }

    #[test]
    fn a_server_that_knows_better_is_named() {
        let draft = only(
            &RULE,
            &unresolved(vec![server(1, "nx", "nx"), server(2, "192.0.2.10", "none")]),
        );
        assert!(
            draft.message.ends_with("though 10.0.0.2:53 knows it"),
            "{}",
            draft.message
        );
    }

    #[test]
    fn a_name_without_addresses_exists() {
        silent(
            &RULE,
            &unresolved(vec![server(1, "none", "none"), server(2, "nx", "nx")]),
        );
    }
}
