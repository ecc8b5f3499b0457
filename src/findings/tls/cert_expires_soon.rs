//! HD314: less than 14 days are left.

use hoop_doctor_probes::x509::Verdict;

use super::{age, date, renewal};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(314),
    name: "cert-expires-soon",
    severity: Severity::Warn,
    summary: "the certificate expires within 14 days",
    explain: include_str!("../../../docs/findings/HD314.md"),
    breaks: Breaks::Later,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let chain = &endpoint.handshake()?.chain;
        let leaf = chain.certs.first()?;
        let left = leaf.not_after.saturating_sub(evidence.wire.started_at);
        if !matches!(chain.verdict, Verdict::Trusted(_)) || !(0..SOON).contains(&left) {
            return None;
        }
        // A certificate made to live for days, as service meshes use them, is renewed by machine.
        if leaf.not_after.saturating_sub(leaf.not_before) < 2 * SOON {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the certificate of {} expires in {} ({})",
                endpoint.target.address(),
                age(left),
                date(leaf.not_after)
            ),
            "renew it now, and find out why its automatic renewal didn't",
        );
        Some(renewal(draft, endpoint).seen_in(endpoint, &["tls"]))
    })
}

/// 14 days in seconds.
const SOON: i64 = 14 * 86_400;
