//! HD501: the gateway says that its own gRPC listener is not up.

use hoop_doctor_probes::http2::CallName;
use hoop_doctor_probes::wire::page::Mark;

use super::mark;
use crate::evidence::{Endpoint, Evidence, Kind};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_rest};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(501),
    name: "gateway-grpc-down",
    severity: Severity::Error,
    summary: "the gateway's own gRPC listener is not up",
    explain: include_str!("../../../docs/findings/HD501.md"),
    breaks: Breaks::Every,
    // What a dead 8010 looks like from outside, with and without a proxy in between.
    explains: &[Code(201), Code(204), Code(606), Code(607)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    let mut drafts = for_each_rest(evidence, |endpoint| {
        (mark(endpoint, CallName::Healthz)? == Mark::LivenessErr).then(|| draft(evidence, endpoint))
    });
    for draft in &mut drafts {
        // It is about gRPC, though REST tells.
        let dead = companions(evidence, &draft.identities).filter(|(_, endpoint)| !endpoint.reaches_gateway());
        let dead: Vec<usize> = dead.map(|(index, _)| index).collect();
        draft.endpoints.extend(dead);
    }
    drafts
}

fn draft(evidence: &Evidence, endpoint: &Endpoint) -> Draft {
    let url = &endpoint.target.url;
    let answers = companions(evidence, &endpoint.identities).any(|(_, grpc)| grpc.reaches_gateway());
    let (message, severity) = match answers {
        true => (
            format!(
                "the gateway behind {url} says that its own gRPC listener (8010) is not up, and yet a gateway answers gRPC: there may be two"
            ),
            Severity::Warn,
        ),
        false => (
            format!(
                "the gateway behind {url} answers, and says that its own gRPC listener (8010) is not up: liveness ERR"
            ),
            Severity::Error,
        ),
    };
    Draft::new(
        message,
        "read the gateway's log from its start on, and restart it; whatever else holds port 8010 on its machine has to go",
    )
    .severity(severity)
    .shell("docker compose logs --tail=100 gateway          # or: kubectl logs deployment/hoopgateway --tail=100\nss -ltnp | grep ':8010 '                        # on the gateway's machine")
    .seen_in(endpoint, &["healthz"])
    .logged_as(&[
        "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: connect: connection refused\"",
        "rpc error: code = Unavailable desc = unexpected HTTP status code received from server: 502 (Bad Gateway); \
         transport: received unexpected content-type \"text/html\"",
    ])
}

/// The gRPC endpoints of these identities.
fn companions<'a>(evidence: &'a Evidence, identities: &[usize]) -> impl Iterator<Item = (usize, &'a Endpoint)> {
    let all = evidence.wire.endpoints.iter().enumerate();
    all.filter(move |(_, endpoint)| {
        endpoint.target.kind == Kind::Grpc && endpoint.identities.iter().any(|identity| identities.contains(identity))
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Severity;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::rest::fixture::{HEALTHY, INFO, UNHEALTHY, beside_grpc, beside_silent_grpc, rest};

    #[test]
    fn a_gateway_that_says_so_is_believed() {
        let draft = only(&RULE, &beside_silent_grpc(&[UNHEALTHY, INFO]));
        assert_eq!(
            (draft.severity, draft.endpoints.as_slice()),
            (Some(Severity::Error), [1, 0].as_slice())
        );
    }

    #[test]
    fn it_is_a_warning_where_grpc_answers_all_the_same() {
        let draft = only(&RULE, &beside_grpc(&[UNHEALTHY, INFO]));
        assert_eq!(
            (draft.severity, draft.endpoints.as_slice()),
            (Some(Severity::Warn), [1].as_slice())
        );
    }

    #[test]
    fn a_healthy_gateway_is_healthy() {
        silent(&RULE, &rest(&[HEALTHY, INFO]));
    }
}
