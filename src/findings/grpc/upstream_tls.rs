//! HD605: TLS between proxy and gateway on one side only.

use super::logged;
use super::upstream::behind;
use crate::evidence::Evidence;
use crate::findings::fixes::grpc_upstream;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(605),
    name: "grpc-upstream-tls",
    severity: Severity::Error,
    summary: "TLS between proxy and gateway on one side only",
    explain: include_str!("../../../docs/findings/HD605.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(612), Code(613), Code(616), Code(607)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let behind = behind(endpoint, RULE.code.0)?;
        let draft = Draft::new(
            format!(
                "between the proxy at {} and the gateway's gRPC port only one side uses TLS: {}",
                endpoint.target.address(),
                behind.sign
            ),
            "use TLS towards the gateway exactly if the gateway has it (USE_TLS, TLS_CERT or HOOP_TLSCA are set there)",
        );
        Some(
            grpc_upstream(behind.complete(draft))
                .seen_in(endpoint, &["connect", "health-check"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}
