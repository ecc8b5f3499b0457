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
        let attempts = endpoint.attempts();
        let attempt = attempts.iter().find(|attempt| Some(attempt.addr) == endpoint.chosen);
        let addr = attempt.or(attempts.first())?.addr;
        let (to, whose) = match &endpoint.target.via {
            Some(_) => (format!("the forward proxy {}", addr.ip()), "the proxy's"),
            None => (addr.ip().to_string(), "the gateway's"),
        };
        let kind = route
            .kind
            .as_ref()
            .map_or_else(String::new, |kind| format!(" of kind {kind}"));
        let draft = Draft::new(
            format!(
                "packets to {to} leave by {}, a tunnel{kind} with an MTU of {}",
                route.interface, route.mtu
            ),
            format!("nothing, if all else is well; else see first whether the VPN is up and leads to {whose} network"),
        );
        Some(draft.seen_in(endpoint, &[&format!("tcp/{addr}")]))
    })
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::route::Route;

    use super::RULE;
    use crate::findings::config::fixture::only;
    use crate::findings::network::fixture::{open, through};

    #[test]
    fn behind_a_forward_proxy_the_way_is_the_one_to_the_proxy() {
        let mut evidence = through("http://proxy.example:3128", open());
        for endpoint in &mut evidence.wire.endpoints {
            endpoint.route = Some(Route {
                interface: "wg0".to_owned(),
                mtu: 1420,
                kind: Some("wireguard".to_owned()),
                hardware: 65_534,
                prefix: 0,
                source: None,
            });
        }
        let draft = only(&RULE, &evidence);
        assert_eq!(
            draft.message,
            "packets to the forward proxy 192.0.2.7 leave by wg0, a tunnel of kind wireguard with an MTU of 1420"
        );
        assert!(
            draft.remedy.text.ends_with("leads to the proxy's network"),
            "{}",
            draft.remedy.text
        );
        assert_eq!(draft.evidence, ["grpc/tcp/192.0.2.7:3128"]);
    }
}
