//! HD006: the gRPC address is this machine, while the API is elsewhere.

use super::for_each_problem;
use super::line::grpc_value;
use crate::config::{ProblemKind, Security};
use crate::evidence::{Evidence, Kind, host_port};
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(6),
    name: "advertised-loopback",
    severity: Severity::Error,
    summary: "the gRPC address is this machine, while the API is elsewhere",
    explain: include_str!("../../../docs/findings/HD006.md"),
    breaks: Breaks::Every,
    explains: &[
        Code(201),
        Code(202),
        Code(203),
        Code(204),
        Code(301),
        Code(302),
        Code(403),
        Code(404),
    ],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::AdvertisedLoopback { grpc, api } = &case.problem.kind else {
            return None;
        };
        // An agent beside its gateway, or a port that is forwarded here: meant so, and it works.
        if case.of_kind(Kind::Grpc).any(|(_, endpoint)| endpoint.reaches_gateway()) {
            return None;
        }
        let identity = case.identity()?;
        let (source, address) = (&case.problem.source, host_port(api, 8443));
        let draft = Draft::new(
            format!(
                "{} dials this machine ({grpc}) for gRPC, while the API is at {api}: the gateway hands out its default address \
                 until its GRPC_URL is set",
                case.who()
            ),
            "set the gateway's GRPC_URL to the address on which others reach its gRPC, with the right port, and restart it; \
             then correct this line too, because keys and files that exist don't change with it",
        );
        Some(
            draft
                .confidence(Confidence::Likely)
                .candidate(
                    201,
                    "a gateway, or a port forwarded to one, that is meant to be on this machine and isn't up",
                )
                .line(source, &grpc_value(identity, Security::Tls, &address))
                .snippet(Proxy::Hoop, format!("GRPC_URL=grpcs://{address}   # on the gateway"))
                .about(case.of_kind(Kind::Grpc)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet};

    const CONFIG: &str = "api_url = \"https://gw.example\"\ngrpc_url = \"grpc://127.0.0.1:8010\"\n";

    #[test]
    fn the_default_address_of_a_gateway_is_no_use_elsewhere() {
        let draft = only(&RULE, &file(CONFIG, &[]));
        assert_eq!(snippet(&draft), "grpc_url = \"grpcs://gw.example:8443\"");
        assert_eq!(
            (draft.endpoints.as_slice(), draft.locations[0].line),
            ([0].as_slice(), Some(2))
        );
    }

    #[test]
    fn a_gateway_that_answers_here_is_meant() {
        let mut evidence = file(CONFIG, &[]);
        evidence.wire.endpoints[0].base = Some(crate::findings::rest::fixture::gateway());
        silent(&RULE, &evidence);
    }

    #[test]
    fn both_on_this_machine_is_fine() {
        silent(
            &RULE,
            &file(&CONFIG.replace("https://gw.example", "http://localhost:8009"), &[]),
        );
    }
}
