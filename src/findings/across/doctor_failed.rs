//! HD999: a bug of this program.

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(999),
    name: "doctor-failed",
    severity: Severity::Error,
    summary: "hoop-doctor itself broke while it looked",
    explain: include_str!("../../../docs/findings/HD999.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let place = endpoint.malfunction.as_ref()?;
        let address = endpoint.target.address();
        let draft = Draft::new(
            format!(
                "hoop-doctor broke at {place} while it examined {address}; what it says of {address} is incomplete"
            ),
            "save what it sees, and report the bug with that file; it holds no secret, but names and addresses",
        );
        Some(draft.shell("hoop-doctor check --save evidence.json"))
    })
}
