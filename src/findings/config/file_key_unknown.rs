//! HD011: a key in the file that Hoop doesn't know.

use super::for_each_problem;
use crate::config::ProblemKind;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(11),
    name: "config-key-unknown",
    severity: Severity::Warn,
    summary: "the file has a key that Hoop doesn't know",
    explain: include_str!("../../../docs/findings/HD011.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::FileKeyUnknown { key, nearest } = &case.problem.kind else {
            return None;
        };
        let remedy = match nearest {
            Some(nearest) => format!("write {nearest} if that is what it should be, else remove the line"),
            None => "remove the line: Hoop knows api_url, grpc_url, token, tls_ca and skip_tls_verify".to_owned(),
        };
        Some(Draft::new(
            format!(
                "{}: Hoop doesn't know the key {key} and passes over it without a word",
                case.problem.source
            ),
            remedy,
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent};

    #[test]
    fn a_slip_of_the_pen_gets_the_key_that_was_meant() {
        let draft = only(
            &RULE,
            &file(
                "api_url = \"https://gw.example\"\ngrpcurl = \"grpcs://gw.example:8443\"\n",
                &[],
            ),
        );
        assert!(
            draft
                .message
                .ends_with("config.toml:2:1: Hoop doesn't know the key grpcurl and passes over it without a word")
        );
        assert_eq!(
            draft.remedy.text,
            "write grpc_url if that is what it should be, else remove the line"
        );
    }

    #[test]
    fn case_does_not_matter() {
        silent(&RULE, &file("API_URL = \"https://gw.example\"\n", &[]));
    }
}
