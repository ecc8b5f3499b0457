//! HD616: SETTINGS came, the call is never answered.

use super::logged;
use super::upstream::behind;
use crate::evidence::Evidence;
use crate::findings::fixes::grpc_upstream;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(616),
    name: "grpc-timeout",
    severity: Severity::Error,
    summary: "calls are never answered",
    explain: include_str!("../../../docs/findings/HD616.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let behind = behind(endpoint, RULE.code.0)?;
        let draft = Draft::new(
            format!(
                "{} speaks HTTP/2, but Connect is not answered: {}",
                endpoint.target.address(),
                behind.sign
            ),
            "find out which hop holds the call: run the check on the gateway's own host, then in front of each proxy on the way",
        );
        Some(
            grpc_upstream(behind.complete(draft))
                .seen_in(endpoint, &["connect", "connect-ended/connect-ended", "health-check"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}
