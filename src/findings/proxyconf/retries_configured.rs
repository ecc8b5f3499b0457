//! HD706: the gRPC route has a retry policy.

use crate::findings::from_proxyconf::{Conf, once};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, from_logs};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(706),
    name: "retries-configured",
    severity: Severity::Warn,
    summary: "the proxy opens gRPC streams a second time",
    explain: include_str!("../../../docs/findings/HD706.md"),
    breaks: Breaks::Some,
    explains: &[],
    check: from_logs::alone,
};

pub(in crate::findings) fn look(conf: &Conf<'_>) -> Vec<Draft> {
    let mut found = Vec::new();
    for (_, route) in conf.grpc_routes() {
        let Some(retries) = &route.retries else { continue };
        if retries.value == Some(0) {
            continue;
        }
        let message = format!("failed calls to {} are sent again: {}", route.path, retries.name);
        let draft = Draft::new(
            message,
            "switch retries off for gRPC: the agent reconnects by itself, and a second stream with its key is refused",
        )
        .place(&retries.at);
        found.push(draft);
    }
    once(found.into_iter())
}
