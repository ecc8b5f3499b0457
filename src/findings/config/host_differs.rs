//! HD022: gRPC and API at hosts that have nothing in common.

use super::for_each_problem;
use crate::config::ProblemKind;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(22),
    name: "key-host-differs",
    severity: Severity::Info,
    summary: "the addresses for gRPC and for the API have nothing in common",
    explain: include_str!("../../../docs/findings/HD022.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::HostDiffers { grpc, api } = &case.problem.kind else {
            return None;
        };
        let draft = Draft::new(
            format!(
                "{} uses {grpc} for gRPC, while the API is at {api}: that may be two gateways",
                case.who()
            ),
            "check that both names belong to the same gateway",
        );
        Some(draft.about(case.endpoints()))
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent};

    fn config(grpc: &str) -> String {
        format!("api_url = \"https://gw.example.com\"\ngrpc_url = \"grpcs://{grpc}:8443\"\n")
    }

    #[test]
    fn two_domains_may_be_two_gateways() {
        let draft = only(&RULE, &file(&config("gw.other.com"), &[]));
        assert_eq!(
            draft.message,
            "the client uses gw.other.com for gRPC, while the API is at gw.example.com: that may be two gateways"
        );
    }

    #[test]
    fn two_names_of_one_domain_are_usual() {
        silent(&RULE, &file(&config("gw-grpc.example.com"), &[]));
        silent(&RULE, &file(&config("10.0.0.10"), &[]));
    }
}
