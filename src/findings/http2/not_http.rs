//! HD404: something that is no HTTP server.

use hoop_doctor_probes::tls::TlsFailure;
use hoop_doctor_probes::wire::opening::{FirstBytes, Opening};

use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(404),
    name: "not-http",
    severity: Severity::Error,
    summary: "another protocol answers on the port",
    explain: include_str!("../../../docs/findings/HD404.md"),
    breaks: Breaks::Every,
    explains: &[Code(302), Code(318), Code(408), Code(411), Code(503), Code(509)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let first = first_bytes(endpoint)?;
        let service = match first.opening {
            Opening::Ssh => "an SSH server",
            Opening::Greeting220 => "an SMTP or FTP server",
            Opening::Mysql => "a MySQL server",
            Opening::Redis => "a Redis server",
            _ => return None,
        };
        let says = first
            .line
            .as_ref()
            .map(|line| format!(" (\"{line}\")"))
            .unwrap_or_default();
        let draft = Draft::new(
            format!("{service} answers on {}{says}, no gateway", endpoint.target.address()),
            format!("correct the port in {}", endpoint.target.url),
        );
        let logged = match endpoint.target.tls {
            true => {
                "connection error: desc = \"transport: authentication handshake failed: \
                 tls: first record does not look like a TLS handshake\""
            }
            false => "connection error: desc = \"error reading server preface: http2: frame too large\"",
        };
        Some(
            draft
                .seen_in(endpoint, &["tls", "http2", "opposite-scheme/http2"])
                .logged_as(&[logged]),
        )
    })
}

fn first_bytes(endpoint: &Endpoint) -> Option<&FirstBytes> {
    if let Some(TlsFailure::NotTls { first }) = endpoint.tls_failure() {
        return Some(first);
    }
    let unasked = endpoint
        .heard_in(Experiment::Listen)
        .and_then(|heard| heard.unasked.as_ref());
    endpoint
        .cleartext()
        .filter(|first| first.count > 0)
        .or(unasked.map(|unasked| &unasked.first))
}
