//! HD012: one or two of the client's three variables.

use super::for_each_problem;
use crate::config::{Mode, ProblemKind, Source};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(12),
    name: "env-partial",
    severity: Severity::Warn,
    summary: "the client ignores variables that are not all set",
    explain: include_str!("../../../docs/findings/HD012.md"),
    breaks: Breaks::Some,
    explains: &[Code(1)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::EnvPartial { set, missing } = &case.problem.kind else {
            return None;
        };
        let (set, be) = (set.join(" and "), if set.len() == 1 { "is" } else { "are" });
        let absent = missing.join(" and ");
        let mut draft = Draft::new(
            format!(
                "{set} {be} set, but {absent} {} not, so the client ignores {set}",
                if missing.len() == 1 { "is" } else { "are" }
            ),
            format!("set {absent} too, or take {set} away; an empty variable counts as none"),
        );
        for name in missing {
            draft = draft.line(&Source::Variable(name.to_string()), example(name));
        }
        // The same two variables are an agent's whole configuration, of the old kind.
        let agents = evidence
            .config
            .identities
            .iter()
            .any(|identity| identity.mode == Mode::LegacyToken);
        Some(if agents { draft.severity(Severity::Info) } else { draft })
    })
}

fn example(name: &str) -> &'static str {
    match name {
        "HOOP_GRPCURL" => "grpcs://gateway.example.com:8443",
        "HOOP_APIURL" => "https://gateway.example.com",
        _ => "••••",
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Severity;
    use crate::findings::config::fixture::{only, silent, snippet, variables};

    const GRPC: (&str, &str) = ("HOOP_GRPCURL", "grpcs://gw.example:8443");
    const API: (&str, &str) = ("HOOP_APIURL", "https://gw.example");
    const TOKEN: (&str, &str) = ("HOOP_TOKEN", "hpk_0123456789");

    #[test]
    fn two_of_three_are_as_good_as_none() {
        let draft = only(&RULE, &variables(&[GRPC, API]));
        assert_eq!(
            draft.message,
            "HOOP_GRPCURL and HOOP_APIURL are set, but HOOP_TOKEN is not, so the client ignores HOOP_GRPCURL and HOOP_APIURL"
        );
        assert_eq!(snippet(&draft), "HOOP_TOKEN=••••");
    }

    #[test]
    fn an_agent_of_the_old_kind_has_use_for_two() {
        assert_eq!(only(&RULE, &variables(&[GRPC, TOKEN])).severity, Some(Severity::Info));
    }

    #[test]
    fn all_three_or_none_is_fine() {
        silent(&RULE, &variables(&[GRPC, API, TOKEN]));
        silent(&RULE, &variables(&[]));
    }
}
