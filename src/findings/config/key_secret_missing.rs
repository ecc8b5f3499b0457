//! HD003: a key without a secret.

use super::line::shown_key;
use super::{Case, for_each_problem};
use crate::config::{KeyLooks, ProblemKind};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};
use crate::secret::MASK;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(3),
    name: "key-secret-missing",
    severity: Severity::Error,
    summary: "the agent's key has no secret in it",
    explain: include_str!("../../../docs/findings/HD003.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::KeySecretMissing { name, looks } = &case.problem.kind else {
            return None;
        };
        let (what, remedy) = match looks {
            KeyLooks::WithoutScheme => (
                "no scheme, so Hoop finds no secret in it",
                "put grpcs:// (or grpc://, for plaintext) in front",
            ),
            KeyLooks::BareToken => ("a bare token where a whole key belongs", WHOLE),
            KeyLooks::WithoutUser => ("no name and no secret before the host", WHOLE),
            KeyLooks::WithoutPassword => ("a name but no secret before the host", WHOLE),
            KeyLooks::Other => ("no name and no secret where Hoop looks for them", WHOLE),
        };
        let draft = Draft::new(format!("{name} has {what}"), remedy);
        Some(draft.line(&case.problem.source, &corrected(case, *looks)))
    })
}

fn corrected(case: &Case<'_>, looks: KeyLooks) -> String {
    let shown = case.identity().and_then(shown_key).unwrap_or_default();
    match looks {
        KeyLooks::WithoutScheme if shown.contains(&format!(":{MASK}@")) => format!("grpcs://{shown}"),
        KeyLooks::WithoutScheme
        | KeyLooks::BareToken
        | KeyLooks::WithoutUser
        | KeyLooks::WithoutPassword
        | KeyLooks::Other => format!("grpcs://NAME:{MASK}@gateway.example.com:8443?mode=standard"),
    }
}

const WHOLE: &str = "set the whole key as the gateway printed it when the agent was created; \
                     the gateway keeps only its hash, so for a lost one create the agent's key again";

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{only, silent, snippet, variables};

    fn check(key: &str, message: &str, line: &str) {
        let draft = only(&RULE, &variables(&[("HOOP_KEY", key)]));
        assert_eq!((draft.message.as_str(), snippet(&draft)), (message, line));
        assert_eq!(
            draft.logged_as,
            ["HOOP_KEY is in wrong format, reason=secret key not found in dsn"]
        );
    }

    #[test]
    fn what_stands_in_the_place_of_a_key_is_told_apart() {
        let form = "HOOP_KEY=grpcs://NAME:••••@gateway.example.com:8443?mode=standard";
        check(
            "n:secret@gw.example:8443",
            "HOOP_KEY has no scheme, so Hoop finds no secret in it",
            "HOOP_KEY=grpcs://n:••••@gw.example:8443",
        );
        check(
            "xagt-0123456789",
            "HOOP_KEY has a bare token where a whole key belongs",
            form,
        );
        check(
            "grpcs://gw.example:8443",
            "HOOP_KEY has no name and no secret before the host",
            form,
        );
        check(
            "grpcs://n@gw.example:8443",
            "HOOP_KEY has a name but no secret before the host",
            form,
        );
    }

    #[test]
    fn a_key_of_the_old_form_needs_no_user() {
        let hash = "0123456789abcdef".repeat(4);
        silent(
            &RULE,
            &variables(&[("HOOP_KEY", &format!("grpcs://gw.example:8443/{hash}"))]),
        );
    }
}
