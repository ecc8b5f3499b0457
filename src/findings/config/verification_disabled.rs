//! HD017: certificates are not checked.

use hoop_doctor_probes::x509::Verdict;

use super::for_each_problem;
use crate::config::{ProblemKind, Source};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(17),
    name: "verification-disabled",
    severity: Severity::Warn,
    summary: "certificates are not checked",
    explain: include_str!("../../../docs/findings/HD017.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::VerificationDisabled { grpc, rest } = &case.problem.kind else {
            return None;
        };
        let source = &case.problem.source;
        let whose = match (grpc, rest) {
            (true, true) => "certificates are not checked",
            (true, false) => "certificates are not checked on gRPC",
            (false, _) => "certificates are not checked on the API",
        };
        let unchecked = || case.endpoints().filter(|(_, endpoint)| is_unchecked(endpoint));
        let fine = unchecked().count() > 0 && unchecked().all(|(_, endpoint)| is_trusted(endpoint));
        let draft = Draft::new(
            format!("{whose}, because of {source}: whoever is in the way gets the key or token"),
            match fine {
                true => "take it away: the certificate that was served just now would be accepted",
                false => {
                    "have the gateway serve a certificate for its name, give Hoop its CA in HOOP_TLSCA if no public one signed it, then take it away"
                }
            },
        );
        let draft = match source {
            Source::Variable(name) => draft.shell(format!("unset {name}")),
            Source::File(_) => draft.line(source, "false"),
            Source::Flag(_) | Source::Default => draft,
        };
        Some(draft.about(unchecked()))
    })
}

fn is_unchecked(endpoint: &Endpoint) -> bool {
    endpoint.target.tls && !endpoint.target.verify
}

/// Whether the certificate would pass if it were checked.
pub(super) fn is_trusted(endpoint: &Endpoint) -> bool {
    let verdict = endpoint.handshake().map(|tls| &tls.chain.verdict);
    matches!(verdict, Some(Verdict::Trusted(_)))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet, variables};

    const SKIP: (&str, &str) = ("HOOP_TLS_SKIP_VERIFY", "true");

    #[test]
    fn a_variable_reaches_an_agents_grpc() {
        let draft = only(
            &RULE,
            &variables(&[("HOOP_KEY", "grpcs://n:secret@gw.example:8443"), SKIP]),
        );
        assert_eq!(
            draft.message,
            "certificates are not checked on gRPC, because of HOOP_TLS_SKIP_VERIFY: whoever is in the way gets the key or token"
        );
        assert_eq!(
            (snippet(&draft), draft.endpoints.as_slice()),
            ("unset HOOP_TLS_SKIP_VERIFY", [0].as_slice())
        );
    }

    #[test]
    fn the_file_reaches_no_api() {
        let config = "api_url = \"https://gw.example\"\ngrpc_url = \"gw.example:8443\"\nskip_tls_verify = true\n";
        let draft = only(&RULE, &file(config, &[]));
        assert!(
            draft
                .message
                .starts_with("certificates are not checked on gRPC, because of /"),
            "{}",
            draft.message
        );
        assert_eq!(snippet(&draft), "skip_tls_verify = false");
    }

    #[test]
    fn only_the_word_true_counts_and_only_with_tls() {
        silent(
            &RULE,
            &variables(&[
                ("HOOP_KEY", "grpcs://n:secret@gw.example:8443"),
                ("HOOP_TLS_SKIP_VERIFY", "1"),
            ]),
        );
        silent(
            &RULE,
            &variables(&[("HOOP_KEY", "grpc://n:secret@gw.example:8010"), SKIP]),
        );
    }
}
