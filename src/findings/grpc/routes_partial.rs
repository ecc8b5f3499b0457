//! HD603: only some of Hoop's methods are routed.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::status::{Said, Status};

use super::{is_limited, logged};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::fixes::grpc_route;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::plan;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(603),
    name: "grpc-routes-partial",
    severity: Severity::Warn,
    summary: "Connect reaches the gateway, other gRPC methods do not",
    explain: include_str!("../../../docs/findings/HD603.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        if !endpoint.reaches_gateway() || is_limited(endpoint) {
            return None;
        }
        let missing: Vec<&str> = [
            (CallName::PreConnect, "PreConnect"),
            (CallName::HealthCheck, "HealthCheck"),
        ]
        .into_iter()
        .filter(|(call, _)| is_elsewhere(endpoint, *call))
        .map(|(_, name)| name)
        .collect();
        if missing.is_empty() {
            return None;
        }
        let embedded = plan::identities(&evidence.config)
            .enumerate()
            .any(|(index, identity)| identity.embedded && endpoint.identities.contains(&index));
        let severity = if embedded { Severity::Error } else { Severity::Warn };
        let draft = Draft::new(
            format!(
                "{} routes Connect to the gateway, but not {}: standard agents work, embedded agents and `hoop run` don't",
                endpoint.target.address(),
                missing.join(" and ")
            ),
            "route the whole prefix /protobuf.Transport/ to the gRPC port, not /protobuf.Transport/Connect alone",
        );
        Some(
            grpc_route(draft, endpoint)
                .severity(severity)
                .seen_in(endpoint, &["connect", "pre-connect", "health-check"])
                .logs(pre_connect(endpoint)),
        )
    })
}

/// Whether something else than the gateway answers. An older gateway without HealthCheck says so itself.
fn is_elsewhere(endpoint: &Endpoint, call: CallName) -> bool {
    match endpoint.reply(call) {
        Some(Reply::Http(..) | Reply::NoStatus(_)) => true,
        Some(Reply::Grpc(status)) => {
            let no_route = status.code == Status::UNIMPLEMENTED && status.said == Said::Nothing;
            no_route || status.said.is_envoy()
        }
        Some(Reply::Reset(_) | Reply::Refused | Reply::Lost | Reply::Silent) | None => false,
    }
}

/// An embedded agent polls `PreConnect`.
fn pre_connect(endpoint: &Endpoint) -> Vec<String> {
    let texts = endpoint
        .answer(CallName::PreConnect)
        .map(logged::by_call)
        .unwrap_or_default();
    texts
        .iter()
        .map(|text| format!("failed pre-connect, reason={text}"))
        .collect()
}
