//! HD015: an API address that Hoop's calls go wrong with.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::page::Mark;

use super::{Case, for_each_problem};
use crate::config::{ApiUrlFault, ProblemKind};
use crate::evidence::{Evidence, Kind};
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(15),
    name: "api-url-malformed",
    severity: Severity::Error,
    summary: "the API's address is one that Hoop's calls go wrong with",
    explain: include_str!("../../../docs/findings/HD015.md"),
    breaks: Breaks::Some,
    explains: &[Code(502), Code(503)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::ApiUrlMalformed { url, fault } = &case.problem.kind else {
            return None;
        };
        if *fault == ApiUrlFault::ApiSuffix && answers(case) {
            return None;
        }
        let (what, remedy) = words(fault);
        let draft = Draft::new(
            format!("{url:?} in {} is no address for the API: {what}", case.problem.source),
            remedy,
        );
        let draft = draft.line(&case.problem.source, &mended(url, fault));
        Some(draft.about(case.of_kind(Kind::Rest)))
    })
}

/// A gateway whose own base path ends in `/api`, which is odd and works.
fn answers(case: &Case<'_>) -> bool {
    case.of_kind(Kind::Rest).any(|(_, endpoint)| {
        matches!(endpoint.reply(CallName::Healthz), Some(Reply::Http(_, page)) if matches!(page.mark, Mark::LivenessOk | Mark::LivenessErr))
    })
}

fn words(fault: &ApiUrlFault) -> (String, &'static str) {
    match fault {
        ApiUrlFault::Parse(error) => (error.reason().to_string(), "write scheme, host and port alone"),
        ApiUrlFault::UnsupportedScheme { scheme, .. } if scheme.is_empty() => (
            "it has no scheme, and Go's HTTP client has no default".to_owned(),
            "put https:// in front, or http:// for plaintext",
        ),
        ApiUrlFault::UnsupportedScheme { scheme, .. } => (
            format!("Go's HTTP client doesn't know the scheme {scheme:?}"),
            "use https://, or http:// for plaintext; grpc:// and grpcs:// belong to the gRPC address",
        ),
        ApiUrlFault::HostMissing { .. } => (
            "it has no host".to_owned(),
            "write the host behind the scheme and its two slashes",
        ),
        ApiUrlFault::Port(port) => (
            format!("{port} is no port"),
            "write a port from 1 to 65535, or none for the scheme's own",
        ),
        ApiUrlFault::ApiSuffix => (
            "Hoop appends /api itself and asks for /api/api/…, which the gateway answers with 404".to_owned(),
            "take /api off its end; only Hoop's Terraform provider wants it",
        ),
        ApiUrlFault::TrailingSlash => (
            "Hoop asks for //api/…, which the gateway answers with its web page instead of JSON".to_owned(),
            "take the slash off its end",
        ),
        ApiUrlFault::Query => (
            "what Hoop appends ends up behind its `?` or `#`, and never reaches the gateway as a path".to_owned(),
            "take the `?` or `#` away, and what follows it",
        ),
    }
}

/// The URL as it should read, where the mistake says so itself.
fn mended(url: &str, fault: &ApiUrlFault) -> String {
    let unknown = || "https://gateway.example.com".to_owned();
    let clean = url.trim().trim_matches(['"', '\'']);
    match fault {
        ApiUrlFault::UnsupportedScheme { scheme, .. } if scheme.is_empty() && !clean.contains("//") => {
            format!("https://{clean}")
        }
        ApiUrlFault::UnsupportedScheme { .. } => match clean.split_once("://") {
            Some((_, rest)) => format!("https://{rest}"),
            // `gw.example:8009` reads as a scheme and something behind it.
            None if !clean.contains('/') => format!("https://{clean}"),
            None => unknown(),
        },
        ApiUrlFault::ApiSuffix => {
            let bare = clean.trim_end_matches('/');
            bare.strip_suffix("/api")
                .unwrap_or(bare)
                .trim_end_matches('/')
                .to_owned()
        }
        ApiUrlFault::TrailingSlash => clean.trim_end_matches('/').to_owned(),
        ApiUrlFault::Query => match clean.find(['?', '#']) {
            Some(end) => clean.get(..end).unwrap_or(clean).trim_end_matches('/').to_owned(),
            None => unknown(),
        },
        ApiUrlFault::Parse(_) | ApiUrlFault::HostMissing { .. } | ApiUrlFault::Port(_) => unknown(),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet};

    fn check(url: &str, what: &str, line: &str) {
        let draft = only(&RULE, &file(&format!("api_url = \"{url}\"\n"), &[]));
        assert!(draft.message.contains(what), "{}", draft.message);
        assert_eq!(snippet(&draft), format!("api_url = \"{line}\""));
    }

    #[test]
    fn each_mistake_is_explained_and_mended() {
        check("https://gw.example/api", "/api/api/", "https://gw.example");
        check("https://gw.example/hoop/api/", "/api/api/", "https://gw.example/hoop");
        check("https://gw.example/", "//api/", "https://gw.example");
        check("gw.example", "no scheme", "https://gw.example");
        check(
            "gw.example:8009",
            "the scheme \"gw.example\"",
            "https://gw.example:8009",
        );
        check(
            "grpcs://gw.example:8443",
            "the scheme \"grpcs\"",
            "https://gw.example:8443",
        );
        check("https://gw.example?x=1", "never reaches", "https://gw.example");
        check("https://gw.example:abc", "invalid port", "https://gateway.example.com");
    }

    #[test]
    fn what_go_says_is_known() {
        let draft = only(&RULE, &file("api_url = \"gw.example\"\n", &[]));
        assert_eq!(
            draft.logged_as,
            [r#"Get "gw.example/api/publicserverinfo": unsupported protocol scheme """#]
        );
    }

    #[test]
    fn a_base_path_is_fine() {
        silent(&RULE, &file("api_url = \"https://gw.example/hoop\"\n", &[]));
    }

    #[test]
    fn a_gateway_whose_base_path_is_api_is_left_alone() {
        let mut evidence = file("api_url = \"https://gw.example/api\"\n", &[]);
        evidence.wire.endpoints[0].base = Some(crate::findings::rest::fixture::answered(&[
            crate::findings::rest::fixture::HEALTHY,
        ]));
        silent(&RULE, &evidence);
    }
}
