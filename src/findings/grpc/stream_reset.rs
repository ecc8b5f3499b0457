//! HD613: RST_STREAM whose cause can not be narrowed.

use super::logged;
use super::upstream::behind;
use crate::evidence::{Endpoint, Evidence, fed};
use crate::findings::fixes::grpc_upstream;
use crate::findings::limits::held;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};

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
        let Some(behind) = behind(endpoint, RULE.code.0) else {
            return ended_together(endpoint);
        };
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

/// Streams that began at different moments and ended at one.
fn ended_together(endpoint: &Endpoint) -> Option<Draft> {
    let held = held::ended_together(endpoint.measured.as_ref()?)?;
    let draft = Draft::new(
        format!(
            "all streams that were held through {} ended at one moment, {} into this run ({}), although they had begun at different ones",
            endpoint.target.address(),
            held::seconds(held.started_ms + fed(held.http2.as_ref()?)?.1.ended_ms?),
            held::end(held.http2.as_ref()?)
        ),
        "look whether the proxy or the gateway was restarted or reloaded then, and run `hoop-doctor check --deep` again",
    );
    Some(
        draft
            .severity(Severity::Warn)
            .confidence(Confidence::Possible)
            .candidate(704, "if it happens again at the same age of the streams, it is a limit")
            .seen_in(endpoint, &["held-silent", "held-keepalive", "held-busy"]),
    )
}
