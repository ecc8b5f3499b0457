//! HD019: a token whose time is over.

use std::time::UNIX_EPOCH;

use super::for_each_problem;
use crate::config::{Mode, ProblemKind};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};
use crate::report::timestamp;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(19),
    name: "token-expired",
    severity: Severity::Error,
    summary: "the token has expired",
    explain: include_str!("../../../docs/findings/HD019.md"),
    breaks: Breaks::Every,
    explains: &[Code(618)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::TokenExpired { at } = &case.problem.kind else {
            return None;
        };
        let at = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let at = timestamp(i64::try_from(at).unwrap_or(i64::MAX));
        let remedy = match case.identity().map(|identity| identity.mode) {
            Some(Mode::Svid) => {
                "find out why the SPIFFE helper no longer refreshes the file; the agent reads it anew before each attempt"
            }
            Some(Mode::Env | Mode::Flags) => "put a new token there; for a pipeline, an API key doesn't run out",
            _ => "log in again",
        };
        let draft = Draft::new(format!("the token in {} expired on {at}", case.problem.source), remedy);
        let draft = match case.identity().map(|identity| identity.mode) {
            Some(Mode::ConfigFile | Mode::Local) => draft.shell("hoop login"),
            _ => draft,
        };
        Some(draft.about(case.endpoints()).logged_as(&[
            "rpc error: code = Unauthenticated desc = invalid authentication",
            "access token is expired, try logging in again",
        ]))
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::RULE;
    use crate::findings::config::fixture::{NOW, file, only, silent, snippet};

    fn config(expires: u64) -> String {
        let claims = URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{expires}}}"));
        format!("grpc_url = \"gw.example:8443\"\ntoken = \"eyJhbGciOiJIUzI1NiJ9.{claims}.c2ln\"\n")
    }

    #[test]
    fn a_token_of_yesterday_is_over() {
        let draft = only(&RULE, &file(&config(NOW - 86_400), &[]));
        assert!(
            draft
                .message
                .ends_with("config.toml:2:1 expired on 2027-01-14T08:00:00Z"),
            "{}",
            draft.message
        );
        assert_eq!(snippet(&draft), "hoop login");
    }

    #[test]
    fn a_token_of_tomorrow_is_fine() {
        silent(&RULE, &file(&config(NOW + 1), &[]));
    }
}
