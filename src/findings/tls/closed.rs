//! HD318: closed or reset after our hello, without an alert.

use std::net::IpAddr;

use hoop_doctor_probes::tls::TlsFailure;

use crate::evidence::Evidence;
use crate::findings::network::closed;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(318),
    name: "tls-closed",
    severity: Severity::Error,
    summary: "the server closes the connection after the TLS hello",
    explain: include_str!("../../../docs/findings/HD318.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let how = match endpoint.tls_failure()? {
            TlsFailure::Closed => "closes",
            TlsFailure::Reset => "resets",
            _ => return None,
        };
        let (address, name) = (endpoint.target.address(), &endpoint.target.server_name);
        let draft = Draft::new(
            format!("{address} {how} the connection after our TLS hello for {name}, without an alert"),
            format!(
                "check that what listens on {address} knows the name {name}, and that the gateway behind it is up: \
                 a proxy that picks by name, or passes TCP on, closes like this when it finds no target"
            ),
        );
        // No name is sent where an address is dialled.
        let draft = match name.parse::<IpAddr>() {
            Ok(_) => draft,
            Err(_) => draft
                .snippet(Proxy::Envoy, format!("filter_chain_match: {{ server_names: [\"{name}\"] }}   # of the chain that has its certificate"))
                .snippet(Proxy::Istio, format!("hosts: [\"{name}\"]   # a server of the Gateway\ntls:\n  mode: SIMPLE\n  credentialName: gateway-tls   # a secret that exists in the ingress gateway's namespace")),
        };
        Some(
            draft
                .confidence(Confidence::Likely)
                .candidate(204, "a TCP hop without a live target, that waits for the first bytes")
                .candidate(315, format!("no server or filter chain for the name {name}"))
                .candidate(213, "the port expects a PROXY line first")
                .candidate(313, "a middlebox that dislikes the name or the address")
                .seen_in(endpoint, &["tls", "listen"])
                .logs(closed(&endpoint.target)),
        )
    })
}
