//! HD021: a file with a credential that others can read.

use super::for_each_problem;
use crate::config::{ProblemKind, Source};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(21),
    name: "config-file-exposed",
    severity: Severity::Warn,
    summary: "others on this machine can read a file with a credential",
    explain: include_str!("../../../docs/findings/HD021.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::FileExposed { mode } = &case.problem.kind else {
            return None;
        };
        let Source::File(place) = &case.problem.source else {
            return None;
        };
        let path = place.path.display().to_string();
        let draft = Draft::new(
            format!("{path} holds a credential, and others on this machine can read it (mode {mode:04o})"),
            "let nobody but its owner read it",
        );
        Some(draft.shell(format!("chmod 600 '{}'", path.replace('\'', r"'\''"))))
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet};

    #[test]
    fn a_token_that_others_can_read_is_noted() {
        let draft = only(
            &RULE,
            &file("grpc_url = \"gw.example:8443\"\ntoken = \"hpk_0123456789\"\n", &[]),
        );
        assert!(snippet(&draft).starts_with("chmod 600 '/"), "{}", snippet(&draft));
        assert_eq!(draft.locations.len(), 1);
    }

    #[test]
    fn a_file_without_a_token_may_be_read() {
        silent(&RULE, &file("grpc_url = \"gw.example:8443\"\n", &[]));
    }
}
