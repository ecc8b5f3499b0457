//! HD313: a middlebox re-signs.

use hoop_doctor_probes::x509::{Rejection, Verdict};

use super::{certificate, inspector, trust_it};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(313),
    name: "tls-intercepted",
    severity: Severity::Error,
    summary: "a middlebox re-signs TLS on the way",
    explain: include_str!("../../../docs/findings/HD313.md"),
    breaks: Breaks::Every,
    // Who re-signs is who answers the handshake and HTTP/2. Requests (HD612) can be held by any hop behind it as well.
    explains: &[Code(401), Code(402), Code(408), Code(318)],
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
        let logged = certificate(endpoint)
            .map(|rejected| rejected.log(evidence.wire.started_at))
            .or_else(|| breaks_http2(endpoint).then(|| MISSING_ALPN.to_owned()));
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

/// What grpc-go says, which offers nothing but `h2`, where the certificate is fine and no protocol was chosen.
const MISSING_ALPN: &str = "connection error: desc = \"transport: authentication handshake failed: \
                            credentials: cannot check peer: missing selected ALPN property.";
