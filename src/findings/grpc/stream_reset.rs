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
        "look whether the proxy or the gateway was restarted or reloaded then, and measure again",
    );
    Some(
        draft
            .severity(Severity::Warn)
            .confidence(Confidence::Possible)
            .candidate(704, "if it happens again at the same age of the streams, it is a limit")
            .decide_by_command(
                "hoop-doctor check --deep",
                "streams that live this time were ended by a restart; streams that end at the same age again have a limit (HD704)",
            )
            .seen_in(endpoint, &["held-silent", "held-keepalive", "held-busy"]),
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::only;
    use crate::findings::limits::fixture::{Fate, RESET, found, says, streams};
    use crate::findings::{Code, Confidence, Severity};

    /// The silent stream begins 100 ms into the run, the next ones 400 ms later each.
    #[test]
    fn streams_that_end_at_one_moment_were_ended_by_an_event() {
        let ends = |after| Fate::Ends(after, RESET);
        let measured = streams(ends(30_800), ends(30_400), ends(30_000));
        let draft = only(&RULE, &found(measured.clone()));
        assert_eq!(
            draft.message,
            "all streams that were held through gw.example:8443 ended at one moment, 30.9 s into this run \
             (RST_STREAM INTERNAL_ERROR), although they had begun at different ones"
        );
        assert_eq!(
            (draft.severity, draft.confidence),
            (Some(Severity::Warn), Some(Confidence::Possible))
        );
        assert_eq!(draft.candidates[0].code, Code(704));
        assert!(draft.decide.is_some());
        says(measured, &[613]);
    }

    #[test]
    fn streams_that_end_one_after_the_other_have_no_common_moment() {
        let ends = |after| Fate::Ends(after, RESET);
        says(streams(ends(30_000), ends(30_000), ends(30_000)), &[704]);
        says(streams(ends(10_000), ends(20_000), ends(30_000)), &[]);
        says(streams(ends(30_800), ends(30_400), Fate::Lives), &[703]);
    }
}
