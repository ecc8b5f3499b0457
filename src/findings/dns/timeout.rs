//! HD104: no resolver answers.

use super::{Cause, cause, draft};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(104),
    name: "dns-timeout",
    severity: Severity::Error,
    summary: "no resolver answers",
    explain: include_str!("../../../docs/findings/HD104.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let dns = endpoint.dns.as_ref()?;
        let host = &endpoint.target.host;
        let (who, confidence) = match cause(dns)? {
            Cause::AllSilent => {
                let names: Vec<String> = dns.servers.iter().map(|server| server.server.to_string()).collect();
                (names.join(" and "), Confidence::Certain)
            }
            Cause::SystemSilent => ("the system's resolver".to_owned(), Confidence::Likely),
            Cause::NoSuchName(_)
            | Cause::NoData(_)
            | Cause::Known(_)
            | Cause::Failed(..)
            | Cause::Unusable(..)
            | Cause::Unexplained(_) => return None,
        };
        let seconds = dns.duration_ms as f64 / 1000.0;
        let draft = draft(
            endpoint,
            format!("no resolver answers for {host}: {who} said nothing within {seconds:.1} s"),
            "allow UDP and TCP port 53 to the resolver, or set the right one; \
             connect the VPN whose resolver this is, or disconnect it cleanly so that the old one is set back",
            &[" on {server}: read udp {local}->{server}: i/o timeout", ": i/o timeout"],
        );
        let mut draft = draft.confidence(confidence);
        draft
            .logged_as
            .push("context deadline exceeded while waiting for connections to become ready".to_owned());
        Some(draft)
    })
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::dns::{Dns, DnsFailure, DnsSource};

    use super::RULE;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::dns::fixture::{server, unresolved, with};

    fn system(failure: DnsFailure) -> Dns {
        Dns {
            source: DnsSource::System,
            addresses: Vec::new(),
            failure: Some(failure),
            duration_ms: 5_000,
            servers: Vec::new(),
            hosts: Vec::new(),
        }
    }

    #[test]
    fn all_servers_are_silent() {
        let silence = unresolved(vec![server(1, "quiet", "quiet"), server(2, "quiet", "quiet")]);
        let draft = only(&RULE, &silence);
        assert!(
            draft.message.contains("10.0.0.1:53 and 10.0.0.2:53 said nothing"),
            "{}",
            draft.message
        );
        assert_eq!(draft.confidence, Some(Confidence::Certain));
    }

    #[test]
    fn the_system_alone_is_silent() {
        let draft = only(&RULE, &with(system(DnsFailure::TimedOut)));
        assert_eq!(draft.confidence, Some(Confidence::Likely));
    }

    #[test]
    fn a_word_of_one_server_or_an_interrupted_run_is_no_timeout() {
        silent(
            &RULE,
            &unresolved(vec![server(1, "quiet", "quiet"), server(2, "SERVFAIL", "quiet")]),
        );
        silent(&RULE, &with(system(DnsFailure::Interrupted)));
    }
}
