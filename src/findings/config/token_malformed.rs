//! HD020: a token that can't be one.

use super::for_each_problem;
use crate::config::{ProblemKind, TokenFault};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(20),
    name: "token-malformed",
    severity: Severity::Error,
    summary: "the token has a shape that no token has",
    explain: include_str!("../../../docs/findings/HD020.md"),
    breaks: Breaks::Every,
    explains: &[Code(618)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::TokenMalformed(fault) = &case.problem.kind else {
            return None;
        };
        let (what, remedy) = words(*fault);
        let draft = Draft::new(format!("the token in {} {what}", case.problem.source), remedy);
        let logged: &[&str] = match fault {
            // In plaintext grpc-go looks at every field; inside TLS the gateway refuses it.
            TokenFault::Unprintable { .. } | TokenFault::WhiteSpace { .. } => &[
                "rpc error: code = Internal desc = header key \"authorization\" contains value with non-printable ASCII characters",
                "rpc error: code = Unauthenticated desc = invalid authentication",
            ],
            TokenFault::Quoted
            | TokenFault::BearerPrefix
            | TokenFault::Url
            | TokenFault::JwtSegments { .. }
            | TokenFault::JwtClaims => &["rpc error: code = Unauthenticated desc = invalid authentication"],
        };
        Some(draft.about(case.endpoints()).logged_as(logged))
    })
}

fn words(fault: TokenFault) -> (String, &'static str) {
    match fault {
        TokenFault::WhiteSpace { position } => (
            format!("has white space at character {}", position.saturating_add(1)),
            "take it out: copy the token on one line, and store it with `printf %s`, which adds no line end",
        ),
        TokenFault::Unprintable { position } => (
            format!(
                "has a character at {} that no header can carry",
                position.saturating_add(1)
            ),
            "copy the token again, as plain text",
        ),
        TokenFault::Quoted => (
            "has quotes around it".to_owned(),
            "take them off: they are sent with it",
        ),
        TokenFault::BearerPrefix => (
            "starts with `Bearer `".to_owned(),
            "take that off: Hoop puts it in front itself",
        ),
        TokenFault::Url => (
            "is a URL".to_owned(),
            "an agent's key belongs in HOOP_KEY; put a user's token or API key here",
        ),
        TokenFault::JwtSegments { found } => (
            format!("starts like a JWT and has {found} segments instead of three"),
            "copy the whole token: it is probably cut off",
        ),
        TokenFault::JwtClaims => (
            "looks like a JWT whose claims can't be read".to_owned(),
            "copy the token again: a part of it is lost or changed",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent};

    fn config(token: &str) -> String {
        format!("grpc_url = \"gw.example:8443\"\ntoken = \"{token}\"\n")
    }

    fn check(token: &str, end: &str) {
        let draft = only(&RULE, &file(&config(token), &[]));
        assert!(draft.message.ends_with(end), "{}", draft.message);
        assert!(!format!("{draft:?}").contains("0123456789"), "{draft:?}");
    }

    #[test]
    fn each_shape_is_told_and_the_token_is_not() {
        check("hpk_0123456789\\n", "has white space at character 15");
        check("Bearer hpk_0123456789", "starts with `Bearer `");
        check("'hpk_0123456789'", "has quotes around it");
        check("grpcs://n:0123456789@gw.example:8443", "is a URL");
        check(
            "eyJ0123456789.x",
            "starts like a JWT and has 2 segments instead of three",
        );
    }

    #[test]
    fn an_api_key_is_fine() {
        silent(&RULE, &file(&config("hpk_0123456789"), &[]));
    }
}
