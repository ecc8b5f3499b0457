//! HD312: mutual TLS.

use hoop_doctor_probes::http2::{ConnectionEnd, Reply};
use hoop_doctor_probes::tls::TlsFailure;
use hoop_doctor_probes::wire::page::Mark;

use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(312),
    name: "client-cert-required",
    severity: Severity::Error,
    summary: "the server demands a client certificate, and Hoop has none",
    explain: include_str!("../../../docs/findings/HD312.md"),
    breaks: Breaks::Every,
    explains: super::STANDS_ON_TLS,
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let how = demanded(endpoint)?;
        let draft = Draft::new(
            format!(
                "{} demands a client certificate ({how}); Hoop's agent and client have none",
                endpoint.target.address()
            ),
            "switch client certificates off for this host, or make them optional for Hoop's paths",
        );
        Some(
            draft
                .snippet(Proxy::Nginx, "ssl_verify_client off;   # in the server block of this host")
                .snippet(
                    Proxy::IngressNginx,
                    "# take away: nginx.ingress.kubernetes.io/auth-tls-secret, and auth-tls-verify-client with it",
                )
                .snippet(
                    Proxy::Haproxy,
                    format!(
                        "bind :{} ssl crt /path/to/fullchain-and-key.pem alpn h2,http/1.1   # without verify required",
                        endpoint.target.port
                    ),
                )
                .snippet(Proxy::Envoy, "require_client_certificate: false   # in DownstreamTlsContext")
                .snippet(Proxy::Istio, "tls:\n  mode: SIMPLE   # not MUTUAL, in the Gateway's server")
                .snippet(
                    Proxy::Caddy,
                    "tls /path/to/fullchain.pem /path/to/key.pem   # without client_auth",
                )
                .snippet(Proxy::Apache, "SSLVerifyClient none")
                .snippet(
                    Proxy::Traefik,
                    "# in the dynamic configuration\ntls:\n  options:\n    default:\n      clientAuth: { clientAuthType: NoClientCert }",
                )
                .seen_in(endpoint, &["tls", "connect", "healthz"])
                .logged_as(&[
                    "connection error: desc = \"error reading server preface: remote error: tls: certificate required\"",
                    "connection error: desc = \"transport: authentication handshake failed: remote error: tls: handshake failure\"",
                    "rpc error: code = Unavailable desc = write tcp {local}->{addr}: write: broken pipe",
                    "rpc error: code = Unavailable desc = write tcp {local}->{addr}: write: connection reset by peer",
                    "transport: failed to write client preface: write tcp {local}->{addr}: write: broken pipe",
                    "rpc error: code = Internal desc = unexpected HTTP status code received from server: 400 (Bad Request); \
                     transport: received unexpected content-type \"text/html\"",
                ]),
        )
    })
}

fn demanded(endpoint: &Endpoint) -> Option<&'static str> {
    if let Some(TlsFailure::Alert {
        description,
        client_cert_requested,
    }) = endpoint.tls_failure()
    {
        let required = *description == CERTIFICATE_REQUIRED;
        return (required || *client_cert_requested).then_some("it asked for one and then refused the handshake");
    }
    let base = endpoint.base.as_ref()?;
    let page = |answer: &hoop_doctor_probes::http2::Answer| matches!(answer.reply(), Reply::Http(_, page) if page.mark == Mark::ClientCertRequired);
    if base.answers().any(page) {
        return Some("HTTP 400, \"No required SSL certificate was sent\"");
    }
    let end = match (&base.http2, &base.http1) {
        (Some(http2), _) => http2.end,
        (None, Some(http1)) => http1.end,
        (None, None) => None,
    };
    match end {
        Some(ConnectionEnd::Alert {
            description: CERTIFICATE_REQUIRED,
        }) => Some("TLS alert certificate_required"),
        Some(ConnectionEnd::Alert { .. }) if endpoint.handshake()?.client_cert_requested => {
            Some("it asked for one and then ended the connection with a TLS alert")
        }
        _ => None,
    }
}

/// RFC 8446, section 6.2.
const CERTIFICATE_REQUIRED: u8 = 116;
