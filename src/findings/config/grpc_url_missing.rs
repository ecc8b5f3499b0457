//! HD013: an API, or a SPIFFE identity, without a gRPC address.

use super::line::grpc_url_beside;
use super::{Case, for_each_problem};
use crate::config::{Mode, ProblemKind, Source};
use crate::evidence::{Evidence, host_port};
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(13),
    name: "grpc-url-missing",
    severity: Severity::Error,
    summary: "there is no gRPC address",
    explain: include_str!("../../../docs/findings/HD013.md"),
    breaks: Breaks::Every,
    // An agent with a SPIFFE identity looks for the address before it reads the identity.
    explains: &[Code(2)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::GrpcUrlMissing { mode } = &case.problem.kind else {
            return None;
        };
        let source = &case.problem.source;
        Some(match mode {
            Mode::Svid => Draft::new(
                "HOOP_SPIFFE_KEY_FILE is set without HOOP_GRPCURL, so the agent doesn't know where the gateway is"
                    .to_owned(),
                "set HOOP_GRPCURL to host and port; or, if the agent should use a key, set HOOP_KEY, \
                 without which the Helm chart's agent looks like this",
            )
            .line(&Source::Variable("HOOP_GRPCURL".to_owned()), "gateway.example.com:8443"),
            Mode::Env | Mode::ConfigFile | Mode::Local | Mode::Dsn | Mode::LegacyToken | Mode::Flags => Draft::new(
                format!(
                    "{source} names the API and no gRPC address, so `hoop login` works and `hoop connect` doesn't{}",
                    misspelt(case)
                ),
                "add grpc_url with the address on which the gateway, or the proxy in front of it, serves gRPC; \
                 `hoop login` fills it in where the gateway's own GRPC_URL is set",
            )
            .line(&grpc_url_beside(source), &format!("grpcs://{}", address(case))),
        })
    })
}

/// A key of the file that was probably meant to be the missing one.
fn misspelt(case: &Case<'_>) -> String {
    let mut problems = case.identity().into_iter().flat_map(|identity| &identity.problems);
    let unknown = problems.find_map(|problem| match &problem.kind {
        ProblemKind::FileKeyUnknown {
            key,
            nearest: Some(nearest),
        } if nearest == "grpc_url" => Some(key),
        _ => None,
    });
    unknown
        .map(|key| format!("; the file has {key}, which Hoop doesn't know"))
        .unwrap_or_default()
}

/// The API's host with the port of an example.
fn address(case: &Case<'_>) -> String {
    let api = case.identity().and_then(|identity| identity.api.as_ref());
    host_port(api.map_or("gateway.example.com", |api| &api.host), 8443)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet, variables};

    #[test]
    fn a_file_with_an_api_alone_is_half_a_configuration() {
        let draft = only(&RULE, &file("api_url = \"https://gw.example\"\n", &[]));
        assert_eq!(snippet(&draft), "grpc_url = \"grpcs://gw.example:8443\"");
        assert_eq!(draft.logged_as, ["server address is in wrong format"]);
    }

    #[test]
    fn a_misspelt_key_is_pointed_at() {
        let draft = only(
            &RULE,
            &file("api_url = \"https://gw.example\"\ngrpcurl = \"gw.example:8443\"\n", &[]),
        );
        assert!(
            draft.message.ends_with("the file has grpcurl, which Hoop doesn't know"),
            "{}",
            draft.message
        );
    }

    #[test]
    fn a_spiffe_identity_needs_an_address() {
        let draft = only(&RULE, &variables(&[("HOOP_SPIFFE_KEY_FILE", "/run/spiffe/agent.jwt")]));
        assert_eq!(
            draft.logged_as,
            ["HOOP_SPIFFE_KEY_FILE requires HOOP_GRPCURL to be set"]
        );
    }

    #[test]
    fn a_grpc_address_alone_is_enough() {
        silent(&RULE, &file("grpc_url = \"grpcs://gw.example:8443\"\n", &[]));
    }
}
