//! HD311: any handshake failure that no other finding explains.

use hoop_doctor_probes::tls::{TlsFailure, alert_name};

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(311),
    name: "tls-refused",
    severity: Severity::Error,
    summary: "the server refuses the TLS handshake",
    explain: include_str!("../../../docs/findings/HD311.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let address = endpoint.target.address();
        let (message, logged) = match endpoint.tls_failure()? {
            TlsFailure::Alert {
                description,
                client_cert_requested: false,
            } if !ELSEWHERE.contains(description) => {
                let name = alert_name(*description);
                (
                    format!("{address} ends the TLS handshake with alert {description} ({name})"),
                    format!("remote error: tls: {}", name.replace('_', " ")),
                )
            }
            TlsFailure::Protocol { text } => (
                format!("the TLS handshake with {address} fails: {text}"),
                "tls: {error}".to_owned(),
            ),
            _ => return None,
        };
        let logged = format!("connection error: desc = \"transport: authentication handshake failed: {logged}\"");
        let draft = Draft::new(
            message,
            "look into the log of what ends TLS there, at the time of this check: it names the reason",
        );
        Some(draft.seen_in(endpoint, &["tls"]).logged_as(&[&logged]))
    })
}

/// Alerts that other findings explain: handshake_failure, protocol_version, insufficient_security, internal_error,
/// unrecognized_name, certificate_required, no_application_protocol.
const ELSEWHERE: [u8; 7] = [40, 70, 71, 80, 112, 116, 120];
