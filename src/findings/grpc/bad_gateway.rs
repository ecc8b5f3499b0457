//! HD607: the proxy itself answers, and the causes look the same from outside.

use super::logged;
use super::upstream::behind;
use crate::evidence::Evidence;
use crate::findings::fixes::grpc_upstream;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(607),
    name: "grpc-bad-gateway",
    severity: Severity::Error,
    summary: "the proxy answers for the gateway's gRPC port",
    explain: include_str!("../../../docs/findings/HD607.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(612), Code(613), Code(616), Code(505)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let behind = behind(endpoint, RULE.code.0)?;
        let draft = Draft::new(
            format!(
                "the proxy at {} can't talk to the gateway's gRPC port: {}",
                endpoint.target.address(),
                behind.sign
            ),
            "find out which of the candidates it is with the look below, then mend that",
        );
        Some(
            grpc_upstream(behind.complete(draft))
                .seen_in(endpoint, &["connect", "health-check"])
                .logs(logged::by_any(endpoint)),
        )
    })
}
