//! HD213: our bytes get a close or reset; one PROXY line in front gets an answer.

use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::network::hung_up;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(213),
    name: "proxy-protocol-expected",
    severity: Severity::Error,
    summary: "the listener wants a PROXY header",
    explain: include_str!("../../../docs/findings/HD213.md"),
    breaks: Breaks::Every,
    explains: &[Code(204), Code(318), Code(411), Code(408)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        if endpoint.is_spoken_to() || !answers_behind_the_line(endpoint) {
            return None;
        }
        let port = endpoint.target.port;
        let draft = Draft::new(
            format!(
                "{} ends every connection that does not begin with a PROXY line, and answers one that does",
                endpoint.target.address()
            ),
            "switch the PROXY protocol on at the load balancer in front of this listener, or off at the listener",
        );
        Some(
            draft
                .snippet(
                    Proxy::Nginx,
                    format!("listen {port} ssl http2;   # without proxy_protocol"),
                )
                .snippet(
                    Proxy::IngressNginx,
                    "data:   # of the controller's ConfigMap\n  use-proxy-protocol: \"false\"",
                )
                .snippet(
                    Proxy::Haproxy,
                    format!("bind :{port} ssl crt /path/to/fullchain-and-key.pem alpn h2,http/1.1   # without accept-proxy"),
                )
                .snippet(
                    Proxy::Envoy,
                    "# take away from the listener:\n# listener_filters:\n# - name: envoy.filters.listener.proxy_protocol",
                )
                .snippet(
                    Proxy::Caddy,
                    "# take away from servers in the global options:\n# listener_wrappers {\n#     proxy_protocol\n# }",
                )
                .snippet(Proxy::Traefik, "# take away from the entry point:\n# proxyProtocol:")
                .seen_in(endpoint, &["tls", "http2", "proxy-line/tls", "proxy-line/http2"])
                .logged_as(hung_up(&endpoint.target)),
        )
    })
}

fn answers_behind_the_line(endpoint: &Endpoint) -> bool {
    let Some(heard) = endpoint.heard_in(Experiment::ProxyLine) else {
        return false;
    };
    let settings = heard.http2.as_ref().is_some_and(|http2| http2.settings.is_some());
    heard.handshake().is_some()
        || settings
        || heard
            .answers()
            .any(|answer| answer.head.as_ref().is_some_and(|head| head.status < 400))
}
