//! HD005: the gRPC address has no port.

use super::line::{grpc_value, meant, usual_port, with_port};
use super::{Case, dial_error, for_each_problem};
use crate::config::{PortFault, ProblemKind, Role};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(5),
    name: "port-missing",
    severity: Severity::Error,
    summary: "the gRPC address has no port",
    explain: include_str!("../../../docs/findings/HD005.md"),
    breaks: Breaks::Every,
    // There is nothing to dial, so nothing on the wire can follow from it.
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::PortMissing { address, fault } = &case.problem.kind else {
            return None;
        };
        let source = &case.problem.source;
        let who = case.who();
        let (then, logged) = match fault {
            PortFault::Refused(_) if is_agent(case) => (format!("{who} refuses it and stops"), None),
            PortFault::Refused(_) => (format!("{who} refuses it"), None),
            PortFault::Dial(error) => (
                format!("every attempt of {who} to connect fails"),
                Some(dial_error(error)),
            ),
            PortFault::DialsZero => (
                format!("{who} dials port 0, on which nothing listens"),
                Some(PORT_ZERO.to_owned()),
            ),
        };
        let mut draft = Draft::new(
            format!("{address} in {source} has no port, and Hoop has no default for gRPC: {then}"),
            "add the port on which the gateway, or the proxy in front of it, serves gRPC; the one below is an example; \
             if the gateway made this key, give its GRPC_URL the port too",
        );
        if let Some(identity) = case.identity() {
            let security = meant(address, identity);
            let port = usual_port(security);
            let authority = with_port(address, port).unwrap_or_else(|| format!("gateway.example.com:{port}"));
            draft = draft.line(source, &grpc_value(identity, security, &authority));
        }
        draft.logged_as.extend(logged);
        Some(draft)
    })
}

fn is_agent(case: &Case<'_>) -> bool {
    case.identity().is_some_and(|identity| identity.role == Role::Agent)
}

const PORT_ZERO: &str =
    "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: connect: connection refused\"";

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet, variables};

    #[test]
    fn a_key_without_a_port_stops_the_agent() {
        let draft = only(
            &RULE,
            &variables(&[("HOOP_KEY", "grpcs://n:secret@gw.example?mode=standard")]),
        );
        assert_eq!(
            draft.message,
            "gw.example in HOOP_KEY has no port, and Hoop has no default for gRPC: the agent refuses it and stops"
        );
        assert_eq!(snippet(&draft), "HOOP_KEY=grpcs://n:••••@gw.example:8443?mode=standard");
        assert_eq!(draft.logged_as, ["server address is in wrong format"]);
    }

    #[test]
    fn a_client_tries_for_ever() {
        let draft = only(
            &RULE,
            &file(
                "api_url = \"https://gw.example\"\ngrpc_url = \"grpc://gw.example\"\n",
                &[],
            ),
        );
        assert_eq!(snippet(&draft), "grpc_url = \"grpc://gw.example:8010\"");
        assert_eq!(draft.locations[0].line, Some(2));
        assert_eq!(
            draft.logged_as,
            [
                "connection error: desc = \"transport: Error while dialing: dial tcp: address gw.example: missing port in address\""
            ]
        );
    }

    #[test]
    fn a_bare_colon_means_port_zero() {
        let draft = only(&RULE, &variables(&[("HOOP_KEY", "grpcs://n:secret@gw.example:")]));
        assert!(
            draft
                .message
                .ends_with("the agent dials port 0, on which nothing listens"),
            "{}",
            draft.message
        );
    }

    #[test]
    fn a_port_is_a_port() {
        silent(&RULE, &variables(&[("HOOP_KEY", "grpcs://n:secret@gw.example:443")]));
    }
}
