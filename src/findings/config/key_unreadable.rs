//! HD002: Hoop's own parser refuses the agent's credential.

use super::line::shown_key;
use super::{Case, for_each_problem};
use crate::config::{KeyFault, ProblemKind};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Location, Rule, Severity};
use crate::gourl::{ParseError, Reason};
use crate::secret::MASK;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(2),
    name: "key-unreadable",
    severity: Severity::Error,
    summary: "the agent's key can't be read",
    explain: include_str!("../../../docs/findings/HD002.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::KeyUnreadable { name, fault } = &case.problem.kind else {
            return None;
        };
        Some(match fault {
            KeyFault::Parse(error) => unparsable(case, name, error),
            KeyFault::SpiffeFile { .. } | KeyFault::SpiffeEmpty(_) | KeyFault::SpiffeNotJwt(_) => spiffe(fault),
        })
    })
}

fn unparsable(case: &Case<'_>, name: &str, error: &ParseError) -> Draft {
    let reason = error.reason();
    let place = error.position().saturating_add(1);
    let draft = Draft::new(
        format!("{name} can't be read as a URL: {reason}, at character {place}"),
        remedy(reason, place),
    );
    draft.line(&case.problem.source, &form(case))
}

/// What to do about the character at `place`, which is counted from 1.
fn remedy(reason: &Reason, place: usize) -> String {
    match reason {
        Reason::ControlCharacter => format!(
            "take out the line end or control character at {place}: copy the key on one line, and store it with `printf %s`, which adds no line end"
        ),
        Reason::MissingScheme => {
            "put the scheme back in front of the colon: the value has to start with grpcs:// or grpc://; \
             the gateway's own default agent needs DEFAULT_AGENT_GRPC_SCHEME and DEFAULT_AGENT_GRPC_HOST"
                .to_owned()
        }
        Reason::ColonInFirstSegment => {
            "take off the quotes, or the pasted `HOOP_KEY=`: the value itself has to start with grpcs:// or grpc://"
                .to_owned()
        }
        // What is hidden may be the port or the secret: Go takes whatever stands before the first slash for the host.
        Reason::InvalidPort(port) if port.contains(MASK) => {
            "write the port in digits; a `/`, `?` or `#` in the secret ends the host too early, \
             so write it as %2F, %3F or %23"
                .to_owned()
        }
        Reason::InvalidPort(_) => "write the port as a number, and nothing behind it but ?mode=".to_owned(),
        Reason::InvalidUserinfo => format!(
            "write the character at {place} as a percent escape (a space as %20), or copy the key again as the gateway printed it"
        ),
        Reason::InvalidEscape(_) => "write a percent sign in the secret as %25".to_owned(),
        Reason::InvalidHostCharacter(_) => format!("correct the host: the character at {place} can't be in one"),
        Reason::MissingBracket | Reason::InvalidIpLiteral | Reason::InvalidHost { .. } => {
            "write an IPv6 address as [2001:db8::10]:8443, and use brackets for nothing else".to_owned()
        }
    }
}

/// The key as far as it can be shown, where what can be shown has the right form; else the form alone.
fn form(case: &Case<'_>) -> String {
    let shown = case.identity().and_then(shown_key).unwrap_or_default();
    let well_formed = ["grpc://", "grpcs://"].iter().any(|scheme| shown.starts_with(scheme))
        && shown.contains(&format!(":{MASK}@"))
        && shown.matches(MASK).count() == 1
        && !shown.contains(char::is_whitespace);
    match well_formed {
        true => shown.to_owned(),
        false => format!("grpcs://NAME:{MASK}@gateway.example.com:8443?mode=standard"),
    }
}

fn spiffe(fault: &KeyFault) -> Draft {
    let (file, what) = match fault {
        KeyFault::SpiffeFile { path, .. } => (
            Some(path),
            "make the SPIFFE helper write the file, readable for the agent",
        ),
        KeyFault::SpiffeEmpty(path) => (
            Some(path),
            "make the SPIFFE helper fetch a JWT-SVID: the file has nothing in it",
        ),
        KeyFault::SpiffeNotJwt(path) => (
            Some(path),
            "make the SPIFFE helper write the JWT-SVID alone, not an X.509 SVID or JSON",
        ),
        KeyFault::Parse(_) => (None, ""),
    };
    let mut draft = Draft::new(
        format!("the agent's SPIFFE identity can't be read: {fault}"),
        format!("{what}; or use a key: HOOP_KEY goes before HOOP_SPIFFE_KEY_FILE"),
    );
    draft.locations.extend(file.map(|path| Location {
        file: path.display().to_string(),
        line: None,
        column: None,
        text: None,
    }));
    draft
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{only, silent, snippet, variables};

    fn check(key: &str, message: &str, remedy: &str) {
        let draft = only(&RULE, &variables(&[("HOOP_KEY", key)]));
        assert_eq!(draft.message, message);
        assert!(draft.remedy.text.contains(remedy), "{}", draft.remedy.text);
        let said = format!("{draft:?}");
        assert!(!said.contains("ter2"), "{said}");
        assert!(
            draft.logged_as[0].starts_with("HOOP_KEY is in wrong format, reason=parse "),
            "{said}"
        );
    }

    #[test]
    fn each_mistake_is_placed_and_has_its_cure() {
        check(
            "grpcs://n:hun ter2@gw.example:8443",
            "HOOP_KEY can't be read as a URL: net/url: invalid userinfo, at character 14",
            "%20",
        );
        check(
            "grpcs://n:hun/ter2@gw.example:8443",
            "HOOP_KEY can't be read as a URL: invalid port \":••••\" after host, at character 10",
            "%2F",
        );
        check(
            "grpcs://n:secret@gw.example:8443\n",
            "HOOP_KEY can't be read as a URL: net/url: invalid control character in URL, at character 33",
            "printf %s",
        );
        check(
            "\"grpcs://n:secret@gw.example:8443\"",
            "HOOP_KEY can't be read as a URL: first path segment in URL cannot contain colon, at character 7",
            "quotes",
        );
        check(
            "://default:secret@?mode=standard",
            "HOOP_KEY can't be read as a URL: missing protocol scheme, at character 1",
            "DEFAULT_AGENT_GRPC_SCHEME",
        );
        check(
            "grpcs://n:secret@gw.example:x8443",
            "HOOP_KEY can't be read as a URL: invalid port \":••••\" after host, at character 28",
            "in digits",
        );
    }

    #[test]
    fn the_line_is_the_key_without_its_secret() {
        let draft = only(
            &RULE,
            &variables(&[("HOOP_KEY", "grpcs://n:hun ter2@gw.example:8443?mode=embedded")]),
        );
        assert_eq!(snippet(&draft), "HOOP_KEY=grpcs://n:••••@gw.example:8443?mode=embedded");
    }

    #[test]
    fn a_spiffe_file_that_is_not_there_is_named() {
        let spiffe = [
            ("HOOP_SPIFFE_KEY_FILE", "/nonexistent/agent.jwt"),
            ("HOOP_GRPCURL", "gw.example:8443"),
        ];
        let draft = only(&RULE, &variables(&spiffe));
        assert_eq!(draft.locations[0].file, "/nonexistent/agent.jwt");
        assert_eq!(
            draft.logged_as,
            [
                "failed reading HOOP_SPIFFE_KEY_FILE \"/nonexistent/agent.jwt\": open /nonexistent/agent.jwt: no such file or directory"
            ]
        );
    }

    #[test]
    fn a_key_that_hoop_reads_is_fine() {
        silent(
            &RULE,
            &variables(&[("HOOP_KEY", "grpcs://n:s%20cret@gw.example:8443?mode=standard")]),
        );
    }
}
