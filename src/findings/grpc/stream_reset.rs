//! HD613: RST_STREAM whose cause can not be narrowed.

use super::logged;
use super::upstream::behind;
use crate::evidence::Evidence;
use crate::findings::fixes::grpc_upstream;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(613),
    name: "stream-reset",
    severity: Severity::Error,
    summary: "calls are reset, and the cause can not be told from outside",
    explain: include_str!("../../../docs/findings/HD613.md"),
    breaks: Breaks::Every,
    explains: &[Code(616)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let behind = behind(endpoint, RULE.code.0)?;
        let draft = Draft::new(
            format!("{} resets calls: {}", endpoint.target.address(), behind.sign),
            "look into the proxy's log at the time of this check: it says why it gave the call up",
        );
        Some(
            grpc_upstream(behind.complete(draft))
                .seen_in(endpoint, &["connect"])
                .logs(logged::by_any(endpoint)),
        )
    })
}
