//! HD609: a gRPC server, but not Hoop's.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::status::Said;

use super::{logged, not_routed};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(609),
    name: "grpc-other-service",
    severity: Severity::Error,
    summary: "a gRPC server answers that is not Hoop's",
    explain: include_str!("../../../docs/findings/HD609.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(617)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let Some(Reply::Grpc(status)) = endpoint.reply(CallName::Connect) else {
            return None;
        };
        if status.said != Said::UnknownService || not_routed::is_path_changed(status) {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the gRPC server at {} does not know Hoop's service (\"{}\")",
                endpoint.target.address(),
                status.message
            ),
            "point the address, or the proxy's route, at the Hoop gateway's gRPC port (8010)",
        );
        Some(draft.seen_in(endpoint, &["connect"]).logs(logged::by_connect(endpoint)))
    })
}
