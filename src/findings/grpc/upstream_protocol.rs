//! HD604: the proxy speaks HTTP/1 to the gRPC port, or gRPC to the REST port.

use super::logged;
use super::upstream::behind;
use crate::evidence::Evidence;
use crate::findings::fixes::grpc_upstream;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(604),
    name: "grpc-upstream-protocol",
    severity: Severity::Error,
    summary: "the proxy speaks the wrong protocol to the gRPC port",
    explain: include_str!("../../../docs/findings/HD604.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(612), Code(613), Code(616), Code(607)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let behind = behind(endpoint, RULE.code.0)?;
        let draft = Draft::new(
            format!(
                "the proxy at {} does not speak HTTP/2 to the gateway's gRPC port: {}",
                endpoint.target.address(),
                behind.sign
            ),
            "make the proxy speak gRPC (HTTP/2) to the gateway's port 8010",
        );
        Some(
            grpc_upstream(behind.complete(draft))
                .seen_in(endpoint, &["connect", "health-check"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}
