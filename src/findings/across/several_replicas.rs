//! HD807: more than one gateway behind one balancer. From outside they look like one.

use crate::findings::{Breaks, Code, Rule, Severity, from_logs};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(807),
    name: "several-replicas",
    severity: Severity::Warn,
    summary: "an agent is known to one of several gateways only",
    explain: include_str!("../../../docs/findings/HD807.md"),
    breaks: Breaks::Some,
    explains: &[],
    check: from_logs::alone,
};
