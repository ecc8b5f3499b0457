//! HD313: a middlebox re-signs.

use hoop_doctor_probes::x509::{CertFacts, Rejection, Verdict};

use super::{certificate, trust_it};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(313),
    name: "tls-intercepted",
    severity: Severity::Error,
    summary: "a middlebox re-signs TLS on the way",
    explain: include_str!("../../../docs/findings/HD313.md"),
    breaks: Breaks::Every,
    explains: &[Code(401), Code(402), Code(612), Code(408), Code(318)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let chain = &endpoint.handshake()?.chain;
        let vendor = chain.certs.iter().find_map(inspector)?;
        let issuer = &chain.certs.first()?.issuer;
        let address = endpoint.target.address();
        let refused = match &chain.verdict {
            Verdict::Rejected(Rejection::UnknownAuthority { .. }) => endpoint.target.verify,
            Verdict::Rejected(_) | Verdict::Trusted(_) => false,
        };
        let severity = if refused || breaks_http2(endpoint) {
            Severity::Error
        } else {
            Severity::Warn
        };
        let draft = Draft::new(
            format!("TLS to {address} is intercepted by {vendor}: the certificate is issued by {issuer}"),
            format!(
                "have {} exempted from TLS inspection; gRPC needs HTTP/2 and open streams, which inspectors often break even where their CA is trusted",
                endpoint.target.host
            ),
        );
        let logged: Vec<String> = certificate(endpoint)
            .map(|rejected| rejected.log(evidence.wire.started_at))
            .into_iter()
            .collect();
        let logged: Vec<&str> = logged.iter().map(String::as_str).collect();
        Some(
            trust_it(draft, endpoint)
                .severity(severity)
                .seen_in(endpoint, &["tls"])
                .logged_as(&logged),
        )
    })
}

/// An inspector that drops ALPN takes HTTP/2 away.
fn breaks_http2(endpoint: &Endpoint) -> bool {
    endpoint.target.kind == crate::evidence::Kind::Grpc
        && endpoint
            .handshake()
            .is_some_and(|tls| tls.alpn.as_deref() != Some("h2"))
}

/// The inspection product that made this certificate, by its issuer.
pub(crate) fn inspector(cert: &CertFacts) -> Option<&'static str> {
    let names = [&cert.issuer_cn, &cert.issuer_org, &cert.issuer];
    let found = INSPECTORS
        .iter()
        .find(|(part, _)| names.iter().any(|name| name.to_ascii_lowercase().contains(part)));
    found.map(|(_, vendor)| *vendor)
}

/// What inspection products write into the issuer of the certificates that they make, in lower case.
const INSPECTORS: [(&str, &str); 22] = [
    ("mitmproxy", "mitmproxy"),
    ("zscaler", "Zscaler"),
    ("netskope", "Netskope"),
    ("goskope", "Netskope"),
    ("palo alto", "a Palo Alto firewall"),
    ("fortinet", "a Fortinet firewall"),
    ("fortigate", "a Fortinet firewall"),
    ("cisco umbrella", "Cisco Umbrella"),
    ("cisco secure access", "Cisco Secure Access"),
    ("opendns", "Cisco Umbrella"),
    ("sophos", "a Sophos firewall"),
    ("blue coat", "a Blue Coat proxy"),
    ("bluecoat", "a Blue Coat proxy"),
    ("check point", "a Check Point firewall"),
    ("watchguard", "a WatchGuard firewall"),
    ("sonicwall", "a SonicWall firewall"),
    ("forcepoint", "Forcepoint"),
    ("websense", "Forcepoint"),
    ("mcafee web gateway", "McAfee Web Gateway"),
    ("skyhigh", "Skyhigh"),
    ("barracuda", "a Barracuda gateway"),
    ("squid", "a Squid proxy"),
];
