//! HD904: versions that differ. Both say theirs in logs alone.

use crate::findings::{Breaks, Code, Rule, Severity, from_logs};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(904),
    name: "version-mismatch",
    severity: Severity::Info,
    summary: "client and gateway are of different versions",
    explain: include_str!("../../../docs/findings/HD904.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check: from_logs::alone,
};
