//! HD610: the gateway answers that it can not initialise its identity provider.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::status::Said;

use super::logged;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(610),
    name: "gateway-internal",
    severity: Severity::Error,
    summary: "the gateway can not reach its database or identity provider",
    explain: include_str!("../../../docs/findings/HD610.md"),
    breaks: Breaks::Every,
    explains: &[Code(618)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let Some(Reply::Grpc(status)) = endpoint.reply(CallName::Connect) else {
            return None;
        };
        if status.said != Said::IdentityProvider {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the gateway at {} says \"{}\": the way to it is fine, its database or identity provider is not",
                endpoint.target.address(),
                status.message
            ),
            "look into the gateway's log: its database is down, or the identity provider's discovery address can't be reached from it",
        );
        Some(draft.seen_in(endpoint, &["connect"]).logs(logged::by_connect(endpoint)))
    })
}
