//! HD614: HTTP 464 of an AWS ALB.

use hoop_doctor_probes::http2::{CallName, Reply};

use super::logged;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(614),
    name: "target-group-protocol",
    severity: Severity::Error,
    summary: "the load balancer's target group has the wrong protocol version",
    explain: include_str!("../../../docs/findings/HD614.md"),
    breaks: Breaks::Every,
    explains: &[Code(603), Code(612), Code(613), Code(616)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let mismatch = matches!(endpoint.reply(CallName::Connect), Some(Reply::Http(head, _)) if head.status == 464);
        if !mismatch {
            return None;
        }
        let draft = Draft::new(
            format!(
                "the load balancer at {} answers HTTP 464: the target group behind this rule does not take gRPC",
                endpoint.target.address()
            ),
            "send the path /protobuf.Transport/* to a target group whose protocol version is GRPC (it can't be changed: create a new one)",
        );
        Some(
            draft
                .snippet(
                    Proxy::AwsAlb,
                    "GrpcTargetGroup:\n  Type: AWS::ElasticLoadBalancingV2::TargetGroup\n  Properties:\n    Protocol: HTTP\n    ProtocolVersion: GRPC\n    Port: 8010\n    Matcher: { GrpcCode: \"12\" }",
                )
                .seen_in(endpoint, &["connect"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}
