//! HD619: the same key is in use elsewhere. Only logs show it: without a valid key nobody is told.

use crate::findings::{Breaks, Code, Rule, Severity, from_logs};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(619),
    name: "agent-already-connected",
    severity: Severity::Error,
    summary: "another agent with the same key is connected",
    explain: include_str!("../../../docs/findings/HD619.md"),
    breaks: Breaks::Some,
    explains: &[],
    check: from_logs::alone,
};
