//! HD207: the way leads through a VPN or tunnel.

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(207),
    name: "tunnel-in-path",
    severity: Severity::Info,
    summary: "the way to the gateway leads through a VPN or tunnel",
    explain: include_str!("../../../docs/findings/HD207.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let route = endpoint.route.as_ref().filter(|route| route.is_tunnel())?;
        let attempt = endpoint
            .tcp
            .iter()
            .find(|attempt| Some(attempt.addr) == endpoint.chosen);
        let addr = attempt.or(endpoint.tcp.first())?.addr;
        let kind = route
            .kind
            .as_ref()
            .map_or_else(String::new, |kind| format!(" of kind {kind}"));
        let draft = Draft::new(
            format!(
                "packets to {} leave by {}, a tunnel{kind} with an MTU of {}",
                addr.ip(),
                route.interface,
                route.mtu
            ),
            "nothing, if all else is well; else see first whether the VPN is up and leads to the gateway's network",
        );
        Some(draft.seen_in(endpoint, &[&format!("tcp/{addr}")]))
    })
}
