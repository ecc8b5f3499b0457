//! HD403: an HTTP/1 answer to the HTTP/2 preface.

use hoop_doctor_probes::wire::opening::Opening;
use hoop_doctor_probes::wire::page::Mark;

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(403),
    name: "plaintext-http1-only",
    severity: Severity::Error,
    summary: "the plaintext port speaks HTTP/1 only",
    explain: include_str!("../../../docs/findings/HD403.md"),
    breaks: Breaks::Every,
    explains: &[Code(408), Code(411)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        if endpoint.target.tls || endpoint.speaks_tls_instead() {
            return None;
        }
        let http2 = endpoint.http2()?;
        let (minor, status) = match (&http2.settings, &http2.first.opening) {
            (None, Opening::Http1 { page, .. }) if page.mark == Mark::PlainToHttps => return None,
            (None, Opening::Http1 { minor, status, .. }) => (minor, status),
            _ => return None,
        };
        let port = endpoint.target.port;
        let draft = Draft::new(
            format!(
                "{} answers HTTP/2 with HTTP/1.{minor} {status}: this plaintext port speaks HTTP/1 only",
                endpoint.target.address()
            ),
            "switch HTTP/2 in cleartext (h2c) on for this listener, or use TLS, where ALPN chooses HTTP/2",
        );
        Some(
            draft
                .snippet(
                    Proxy::Nginx,
                    format!(
                        "listen {port} http2;   # in the server block; such a port is for gRPC alone before 1.25.1, since then: listen {port}; and http2 on;"
                    ),
                )
                .snippet(Proxy::Envoy, "codec_type: AUTO   # not HTTP1, in HttpConnectionManager")
                .snippet(
                    Proxy::Haproxy,
                    format!("bind :{port} proto h2   # a bind of its own for gRPC"),
                )
                .snippet(
                    Proxy::Caddy,
                    "servers {   # in the global options, at the top of the file\n    protocols h1 h2c\n}",
                )
                .snippet(Proxy::Apache, "# with mod_http2 loaded, and another MPM than prefork\nProtocols h2c http/1.1")
                .snippet(
                    Proxy::AwsAlb,
                    "Protocol: HTTPS   # an ALB takes HTTP/2 and gRPC on HTTPS listeners only",
                )
                .seen_in(endpoint, &["http2"])
                .logged_as(&[
                    "connection error: desc = \"error reading server preface: http2: failed reading the frame payload: \
                     http2: frame too large, note that the frame header looked like an HTTP/1.1 header\"",
                ]),
        )
    })
}
