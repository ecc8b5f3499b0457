//! HD009: several credentials, of which Hoop reads one.

use super::for_each_problem;
use crate::config::{ProblemKind, Source};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};
use crate::plan;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(9),
    name: "credentials-shadowed",
    severity: Severity::Warn,
    summary: "several credentials are set, and Hoop reads one of them",
    explain: include_str!("../../../docs/findings/HD009.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::CredentialsShadowed { winner, ignored } = &case.problem.kind else {
            return None;
        };
        let names: Vec<String> = ignored.iter().map(ToString::to_string).collect();
        let names = names.join(" and ");
        let mut draft = Draft::new(
            format!("Hoop reads {} and ignores {names}", read(winner)),
            format!("take away what isn't meant: {names}, or what hides it"),
        );
        let winners = plan::identities(&evidence.config).enumerate();
        draft.identities = winners
            .filter(|(_, identity)| identity.source == *winner)
            .map(|(index, _)| index)
            .collect();
        Some(draft)
    })
}

/// The client's three variables only count together.
fn read(winner: &Source) -> String {
    match winner {
        Source::Variable(name) if name == "HOOP_GRPCURL" => "HOOP_GRPCURL, HOOP_APIURL and HOOP_TOKEN".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, variables};

    #[test]
    fn the_winner_and_the_losers_are_named() {
        let key = "grpcs://n:secret@gw.example:8443";
        let draft = only(
            &RULE,
            &variables(&[("HOOP_KEY", key), ("HOOP_DSN", key), ("HOOP_SPIFFE_KEY_FILE", "/x")]),
        );
        assert_eq!(
            draft.message,
            "Hoop reads HOOP_KEY and ignores HOOP_DSN and HOOP_SPIFFE_KEY_FILE"
        );
        assert_eq!(draft.identities, [0]);
    }

    #[test]
    fn three_variables_hide_the_file() {
        let three = [
            ("HOOP_GRPCURL", "grpcs://gw.example:8443"),
            ("HOOP_APIURL", "https://gw.example"),
            ("HOOP_TOKEN", "hpk_0123456789"),
        ];
        let draft = only(&RULE, &file("grpc_url = \"grpcs://other.example:8443\"\n", &three));
        assert!(
            draft
                .message
                .starts_with("Hoop reads HOOP_GRPCURL, HOOP_APIURL and HOOP_TOKEN and ignores /")
        );
        silent(&RULE, &file("token = \"hpk_0123456789\"\n", &three));
    }
}
