//! HD608: headers arrive, trailers never do.

use hoop_doctor_probes::http2::{CallName, Reply};

use crate::evidence::Evidence;
use crate::findings::fixes::grpc_upstream;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(608),
    name: "grpc-trailers-missing",
    severity: Severity::Error,
    summary: "gRPC answers come without their status",
    explain: include_str!("../../../docs/findings/HD608.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(612), Code(616)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let lost = [CallName::Connect, CallName::HealthCheck, CallName::PreConnect]
            .into_iter()
            .any(|call| matches!(endpoint.reply(call), Some(Reply::NoStatus(_))));
        if !lost {
            return None;
        }
        let draft = Draft::new(
            format!(
                "gRPC answers from {} end without grpc-status: something on the way drops the trailers",
                endpoint.target.address()
            ),
            "use HTTP/2 on every hop between client and gateway; a hop that speaks HTTP/1 or buffers responses loses the trailers",
        );
        Some(
            grpc_upstream(draft)
                .seen_in(endpoint, &["connect", "health-check"])
                .logged_as(&["rpc error: code = Internal desc = server closed the stream without sending trailers"]),
        )
    })
}
