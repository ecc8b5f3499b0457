//! HD018: checks that are switched off for gRPC alone.

use super::for_each_problem;
use super::verification_disabled::is_trusted;
use crate::config::ProblemKind;
use crate::evidence::{Evidence, Kind};
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(18),
    name: "skip-verify-partial",
    severity: Severity::Warn,
    summary: "certificate checks are off for gRPC and on for the login",
    explain: include_str!("../../../docs/findings/HD018.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        if case.problem.kind != ProblemKind::SkipVerifyPartial {
            return None;
        }
        // With a certificate that passes, the half that is on does no harm.
        if case.of_kind(Kind::Rest).any(|(_, endpoint)| is_trusted(endpoint)) {
            return None;
        }
        let draft = Draft::new(
            format!(
                "{} switches certificate checks off for gRPC alone: `hoop login` and every other call to the API still checks",
                case.problem.source
            ),
            "give the client the CA that signed the gateway's certificate, in tls_ca or HOOP_TLSCA, which serves both",
        );
        Some(
            draft
                .shell("hoop config create --api-url … --grpc-url … --tls-ca ca.pem")
                .about(case.of_kind(Kind::Rest)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent};

    const CONFIG: &str = "api_url = \"https://gw.example\"\ngrpc_url = \"gw.example:8443\"\nskip_tls_verify = true\n";

    #[test]
    fn the_file_reaches_grpc_alone() {
        let draft = only(&RULE, &file(CONFIG, &[]));
        assert_eq!(
            (draft.locations[0].line, draft.endpoints.as_slice()),
            (Some(3), [1].as_slice())
        );
    }

    #[test]
    fn the_variable_reaches_both_and_plaintext_needs_neither() {
        silent(&RULE, &file(CONFIG, &[("HOOP_TLS_SKIP_VERIFY", "true")]));
        silent(
            &RULE,
            &file(&CONFIG.replace("https://gw.example", "http://gw.example:8009"), &[]),
        );
    }
}
