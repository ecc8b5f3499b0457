//! HD103: the resolver fails.

use hoop_doctor_probes::dns::DnsFailure;

use super::{Cause, cause, draft};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(103),
    name: "dns-server-failure",
    severity: Severity::Error,
    summary: "the resolver answers with a failure",
    explain: include_str!("../../../docs/findings/HD103.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let host = &endpoint.target.host;
        let failed = |message, remedy| draft(endpoint, message, remedy, &[" on {server}: server misbehaving"]);
        Some(match cause(endpoint.dns.as_ref()?)? {
            Cause::Failed(server, code) => failed(
                format!("{} answers {code} when it is asked for {host}", server.server),
                match code {
                    "SERVFAIL" => "look at that server's log and at the zone's own name servers: it can't reach them, or DNSSEC fails for the zone",
                    "REFUSED" => "allow this machine to use that server, or give it one that serves it",
                    _ => "mend that server, or use another one",
                },
            )
            .decide_by_command(
                format!("dig +cd {host} @{}", server.server.ip()),
                "an answer here and a failure without +cd: DNSSEC fails for the zone; a failure here too: the server can't reach the zone",
            ),
            Cause::Unusable(server, text) => failed(
                format!("{} is of no use as a resolver for {host}: {text}", server.server),
                "start the resolver at that address, or correct the address in this machine's resolver configuration",
            )
            .confidence(Confidence::Likely)
            .candidate(104, "nothing answers at that address at all"),
            Cause::Known(server) => failed(
                format!("the system's resolver finds no address for {host}, although {} gives some{}", server.server, words(endpoint)),
                "try again: it may have been a moment's failure; then look at `hosts:` in /etc/nsswitch.conf and at the local resolver's cache",
            )
            .confidence(Confidence::Likely),
            Cause::Unexplained(text) => failed(
                format!("the system's resolver finds no address for {host}: {text}"),
                "ask for the name by hand, and mend what that shows: the name, its record, or this machine's resolver configuration",
            )
            .confidence(Confidence::Likely)
            .candidate(101, "the name doesn't exist")
            .candidate(102, "the name exists, but has no address")
            .decide_by_command(
                format!("dig {host}"),
                "status NXDOMAIN: HD101; NOERROR without an answer: HD102; SERVFAIL or REFUSED: HD103",
            ),
            Cause::NoSuchName(_) | Cause::NoData(_) | Cause::AllSilent | Cause::SystemSilent => return None,
        })
    })
}

/// What the system's resolver said, in brackets.
fn words(endpoint: &Endpoint) -> String {
    match endpoint.dns.as_ref().and_then(|dns| dns.failure.as_ref()) {
        Some(DnsFailure::Refused { text }) => format!(" ({text})"),
        Some(DnsFailure::TimedOut | DnsFailure::Interrupted) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::dns::fixture::{server, unresolved};

    #[test]
    fn a_code_is_certain() {
        let draft = only(
            &RULE,
            &unresolved(vec![server(1, "quiet", "quiet"), server(2, "REFUSED", "REFUSED")]),
        );
        assert_eq!(
            draft.message,
            "10.0.0.2:53 answers REFUSED when it is asked for gw.example"
        );
        assert_eq!(draft.confidence, None);
    }

    #[test]
    fn without_a_server_to_ask_the_systems_words_have_to_do() {
        let draft = only(&RULE, &unresolved(Vec::new()));
        assert_eq!(draft.confidence, Some(Confidence::Likely));
        assert!(
            draft.message.ends_with("Name or service not known"),
            "{}",
            draft.message
        );
        assert_eq!(draft.candidates.len(), 2);
    }

    #[test]
    fn a_server_that_knows_the_name_clears_the_name() {
        let draft = only(&RULE, &unresolved(vec![server(1, "192.0.2.10", "none")]));
        assert!(
            draft.message.contains("although 10.0.0.1:53 gives some"),
            "{}",
            draft.message
        );
    }

    #[test]
    fn a_decided_answer_or_silence_is_no_failure() {
        silent(
            &RULE,
            &unresolved(vec![server(1, "SERVFAIL", "SERVFAIL"), server(2, "nx", "nx")]),
        );
        silent(&RULE, &unresolved(vec![server(1, "quiet", "quiet")]));
    }
}
