//! HD402: HTTP/2 works inside a TLS that chose no protocol.

use crate::evidence::Evidence;
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(402),
    name: "alpn-missing",
    severity: Severity::Error,
    summary: "TLS ends at something that does not answer ALPN",
    explain: include_str!("../../../docs/findings/HD402.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        if endpoint.handshake()?.alpn.as_deref() == Some("h2") {
            return None;
        }
        let inside = endpoint.heard_in(Experiment::PrefaceWithoutAlpn)?.http2.as_ref()?;
        inside.settings.as_ref()?;
        let draft = Draft::new(
            format!(
                "{} speaks HTTP/2 inside TLS but never chooses h2 by ALPN; Hoop's gRPC library refuses that since its version 1.67, older clients don't",
                endpoint.target.address()
            ),
            "make what ends TLS there answer ALPN with h2; a TCP proxy that ends TLS has to be told the protocols",
        );
        Some(
            draft
                // nginx itself ends TLS without ALPN only where it passes TCP on.
                .snippet(
                    Proxy::Nginx,
                    "ssl_alpn h2;   # in the server block of stream; nginx 1.21.4 and later",
                )
                .snippet(
                    Proxy::Envoy,
                    "alpn_protocols: [h2, http/1.1]   # in the listener's common_tls_context",
                )
                .snippet(
                    Proxy::Haproxy,
                    format!(
                        "bind :{} ssl crt /path/to/fullchain-and-key.pem alpn h2,http/1.1",
                        endpoint.target.port
                    ),
                )
                .snippet(
                    Proxy::AwsAlb,
                    "AlpnPolicy:   # of the TLS listener of a Network Load Balancer\n- HTTP2Preferred",
                )
                .seen_in(endpoint, &["tls", "preface-without-alpn/http2"])
                .logged_as(&[
                    "connection error: desc = \"transport: authentication handshake failed: \
                     credentials: cannot check peer: missing selected ALPN property.",
                ]),
        )
    })
}
