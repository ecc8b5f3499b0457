//! HD004: a scheme on which agent and client take opposite sides.

use super::for_each_problem;
use super::line::{grpc_value, meant};
use crate::config::{ProblemKind, Security};
use crate::evidence::{Evidence, Kind};
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(4),
    name: "scheme-unknown",
    severity: Severity::Warn,
    summary: "a scheme that agent and client read in opposite ways",
    explain: include_str!("../../../docs/findings/HD004.md"),
    breaks: Breaks::Some,
    explains: &[Code(301), Code(302)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::SchemeUnknown { scheme, agent, client } = &case.problem.kind else {
            return None;
        };
        let source = &case.problem.source;
        let mut draft = Draft::new(
            format!(
                "the scheme {scheme}:// of {source} is none of Hoop's: an agent uses {} for it, a client {}",
                word(*agent),
                word(*client)
            ),
            "write grpcs:// where the port speaks TLS, grpc:// where it doesn't: agent and client agree on these",
        );
        if let Some(identity) = case.identity()
            && let Some(grpc) = &identity.grpc
        {
            let security = meant(&format!("{scheme}:"), identity);
            draft = draft.line(source, &grpc_value(identity, security, &grpc.target.to_string()));
        }
        Some(draft.about(case.of_kind(Kind::Grpc)))
    })
}

fn word(security: Security) -> &'static str {
    match security {
        Security::Tls => "TLS",
        Security::Plaintext => "plaintext",
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet, variables};

    #[test]
    fn an_agent_takes_plaintext_for_a_scheme_that_means_tls() {
        let draft = only(
            &RULE,
            &variables(&[("HOOP_KEY", "tls://n:secret@gw.example:8443?mode=standard")]),
        );
        assert_eq!(
            draft.message,
            "the scheme tls:// of HOOP_KEY is none of Hoop's: an agent uses plaintext for it, a client TLS"
        );
        assert_eq!(snippet(&draft), "HOOP_KEY=grpcs://n:••••@gw.example:8443?mode=standard");
        assert_eq!(draft.endpoints, [0]);
    }

    #[test]
    fn a_client_minds_the_case() {
        let draft = only(&RULE, &file("grpc_url = \"GRPC://gw.example:8010\"\n", &[]));
        assert_eq!(snippet(&draft), "grpc_url = \"grpc://gw.example:8010\"");
        assert_eq!(draft.locations[0].line, Some(1));
    }

    #[test]
    fn schemes_on_which_both_agree_are_fine() {
        silent(&RULE, &variables(&[("HOOP_KEY", "wss://n:secret@gw.example:8443")]));
        silent(&RULE, &file("grpc_url = \"gw.example:8443\"\n", &[]));
        silent(&RULE, &file("grpc_url = \"dns:///gw.example:8443\"\n", &[]));
    }
}
