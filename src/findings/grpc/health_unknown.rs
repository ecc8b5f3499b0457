//! HD615: an older gateway without HealthCheck.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::status::Said;

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(615),
    name: "health-method-unknown",
    severity: Severity::Info,
    summary: "the gateway is older than the HealthCheck method",
    explain: include_str!("../../../docs/findings/HD615.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let Some(Reply::Grpc(status)) = endpoint.reply(CallName::HealthCheck) else {
            return None;
        };
        if status.said != Said::UnknownMethodOfTransport {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the gateway at {} has no HealthCheck method: it is older than 1.35.4",
                endpoint.target.address()
            ),
            "nothing has to be done for agents and clients, which never call it; load balancers that do need a newer gateway",
        );
        Some(draft.seen_in(endpoint, &["health-check"]))
    })
}
