//! HD102: the name exists and has no address.

use super::{Cause, cause, draft, though_known};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(102),
    name: "dns-no-address",
    severity: Severity::Error,
    summary: "the name has no address",
    explain: include_str!("../../../docs/findings/HD102.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let dns = endpoint.dns.as_ref()?;
        let Cause::NoData(server) = cause(dns)? else {
            return None;
        };
        let host = &endpoint.target.host;
        let message = format!(
            "the name {host} exists, but has neither an A nor an AAAA record: so says {}{}",
            server.server,
            though_known(dns)
        );
        let remedy =
            "give the name the address of the proxy or load balancer; where it is an alias, mend the name at its end";
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
    fn neither_record_is_there() {
        let draft = only(&RULE, &unresolved(vec![server(1, "none", "none")]));
        assert_eq!(
            draft.message,
            "the name gw.example exists, but has neither an A nor an AAAA record: so says 10.0.0.1:53"
        );
    }

    #[test]
    fn half_an_answer_proves_nothing() {
        silent(&RULE, &unresolved(vec![server(1, "none", "SERVFAIL")]));
        silent(&RULE, &unresolved(vec![server(1, "none", "quiet")]));
    }
}
