//! HD310: only TLS 1.0 and 1.1, or no common cipher.

use hoop_doctor_probes::tls::TlsFailure;

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(310),
    name: "tls-version-unsupported",
    severity: Severity::Error,
    summary: "the server offers no TLS version or cipher that Go accepts",
    explain: include_str!("../../../docs/findings/HD310.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let address = endpoint.target.address();
        let (message, confidence, logged) = match endpoint.tls_failure()? {
            TlsFailure::Alert {
                description: PROTOCOL_VERSION,
                ..
            } => (
                format!("{address} accepts neither TLS 1.2 nor TLS 1.3 (alert protocol_version)"),
                Confidence::Certain,
                "remote error: tls: protocol version not supported",
            ),
            TlsFailure::Alert {
                description: HANDSHAKE_FAILURE,
                client_cert_requested: false,
            } => (
                format!("{address} shares no cipher suite with Go (alert handshake_failure)"),
                Confidence::Likely,
                "remote error: tls: handshake failure",
            ),
            TlsFailure::Alert {
                description: INSUFFICIENT_SECURITY,
                ..
            } => (
                format!("{address} finds no cipher suite strong enough (alert insufficient_security)"),
                Confidence::Likely,
                "remote error: tls: insufficient security level",
            ),
            _ => return None,
        };
        let logged = format!("connection error: desc = \"transport: authentication handshake failed: {logged}\"");
        let draft = Draft::new(
            message,
            "enable TLS 1.2 and 1.3 with ECDHE and AES-GCM or ChaCha20 suites there",
        );
        Some(
            draft
                .confidence(confidence)
                .snippet(
                    Proxy::Nginx,
                    "ssl_protocols TLSv1.2 TLSv1.3;\nssl_ciphers HIGH:!aNULL:!MD5;",
                )
                .snippet(
                    Proxy::Haproxy,
                    "bind :443 ssl crt /path/to/fullchain-and-key.pem alpn h2,http/1.1 ssl-min-ver TLSv1.2",
                )
                .snippet(Proxy::Apache, "SSLProtocol -all +TLSv1.2 +TLSv1.3")
                .seen_in(endpoint, &["tls"])
                .logged_as(&[&logged]),
        )
    })
}

/// Alert numbers (RFC 8446, section 6.2).
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
const INSUFFICIENT_SECURITY: u8 = 71;
