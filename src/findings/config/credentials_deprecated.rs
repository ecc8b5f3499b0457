//! HD007: credentials in a form that Hoop is going to drop.

use super::for_each_problem;
use super::line::shown_key;
use crate::config::{Deprecated, ProblemKind, Source};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};
use crate::secret::MASK;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(7),
    name: "credentials-deprecated",
    severity: Severity::Warn,
    summary: "the agent's credentials are in a form that Hoop is going to drop",
    explain: include_str!("../../../docs/findings/HD007.md"),
    breaks: Breaks::Later,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::CredentialsDeprecated(deprecated) = &case.problem.kind else {
            return None;
        };
        let key = Source::Variable("HOOP_KEY".to_owned());
        let source = &case.problem.source;
        let new = format!("grpcs://NAME:{MASK}@gateway.example.com:8443?mode=standard");
        Some(match deprecated {
            Deprecated::HoopDsn => {
                let same = case.identity().and_then(shown_key).unwrap_or(&new);
                Draft::new(
                    "HOOP_DSN is the old name of HOOP_KEY, and Hoop is going to drop it".to_owned(),
                    "rename the variable to HOOP_KEY; its value stays as it is",
                )
                .line(&key, same)
            }
            Deprecated::Token => Draft::new(
                format!("{source} with HOOP_GRPCURL is an old way to configure an agent: no CA can be given, and its scheme is ignored"),
                "create the agent's key in the gateway, and set HOOP_KEY instead of both",
            )
            .line(&key, &new),
            Deprecated::KeyWithPath => Draft::new(
                format!("{source} is a key of the old form, with its secret's hash as the path and without a name"),
                "create the agent's key again in the gateway",
            )
            .line(source, &new),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{only, silent, snippet, variables};

    #[test]
    fn the_old_variable_keeps_its_value() {
        let draft = only(
            &RULE,
            &variables(&[("HOOP_DSN", "grpcs://n:secret@gw.example:8443?mode=standard")]),
        );
        assert_eq!(snippet(&draft), "HOOP_KEY=grpcs://n:••••@gw.example:8443?mode=standard");
        assert_eq!(
            draft.logged_as,
            ["HOOP_DSN environment variable is deprecated, use HOOP_KEY instead"]
        );
    }

    #[test]
    fn a_token_with_an_address_is_replaced_by_a_key() {
        let draft = only(
            &RULE,
            &variables(&[("TOKEN", "x-agt-0123456789"), ("HOOP_GRPCURL", "gw.example:8443")]),
        );
        assert!(
            draft.message.starts_with("TOKEN with HOOP_GRPCURL"),
            "{}",
            draft.message
        );
    }

    #[test]
    fn a_key_of_today_is_fine() {
        silent(
            &RULE,
            &variables(&[("HOOP_KEY", "grpcs://n:secret@gw.example:8443?mode=standard")]),
        );
    }
}
