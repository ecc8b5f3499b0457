//! HD606: the proxy can not reach 8010.

use super::logged;
use super::upstream::behind;
use crate::evidence::Evidence;
use crate::findings::fixes::grpc_upstream;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(606),
    name: "grpc-upstream-down",
    severity: Severity::Error,
    summary: "the proxy has no gateway to send gRPC to",
    explain: include_str!("../../../docs/findings/HD606.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(612), Code(613), Code(616), Code(505), Code(607)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let behind = behind(endpoint, RULE.code.0)?;
        let draft = Draft::new(
            format!(
                "the proxy at {} has no live gateway behind its gRPC route: {}",
                endpoint.target.address(),
                behind.sign
            ),
            "start the gateway, and point the route at its gRPC port (8010); where the proxy checks health, make that check right",
        );
        Some(
            grpc_upstream(behind.complete(draft))
                .seen_in(endpoint, &["connect", "health-check"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}
