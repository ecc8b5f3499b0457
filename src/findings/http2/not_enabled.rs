//! HD401: TLS without HTTP/2.

use hoop_doctor_probes::tls::TlsFailure;

use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::fixes::listener;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(401),
    name: "http2-not-enabled",
    severity: Severity::Error,
    summary: "the TLS listener does not speak HTTP/2",
    explain: include_str!("../../../docs/findings/HD401.md"),
    breaks: Breaks::Every,
    explains: &[Code(318), Code(601), Code(611), Code(616)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let (how, logged) = refusal(endpoint)?;
        let draft = Draft::new(
            format!(
                "the TLS listener at {} does not speak HTTP/2, which gRPC needs: {how}",
                endpoint.target.address()
            ),
            "switch HTTP/2 on for this listener",
        );
        Some(
            listener(draft, endpoint)
                .snippet(
                    Proxy::AwsAlb,
                    "LoadBalancerAttributes:\n- Key: routing.http2.enabled\n  Value: \"true\"",
                )
                .seen_in(endpoint, &["tls", "offer-both/tls", "preface-without-alpn/http2"])
                .logged_as(&[logged]),
        )
    })
}

/// How HTTP/2 is refused, and what grpc-go says of it.
fn refusal(endpoint: &Endpoint) -> Option<(String, &'static str)> {
    match endpoint.tls() {
        Some(Err(TlsFailure::Alert {
            description: NO_APPLICATION_PROTOCOL,
            ..
        })) => {
            let both = endpoint
                .heard_in(Experiment::OfferBoth)
                .and_then(|heard| heard.handshake());
            let chosen = both.and_then(|tls| tls.alpn.as_deref());
            let instead = chosen
                .map(|alpn| format!(", offered both it chooses {alpn}"))
                .unwrap_or_default();
            Some((
                format!("it refuses ALPN h2 with alert no_application_protocol{instead}"),
                "connection error: desc = \"transport: authentication handshake failed: remote error: tls: no application protocol\"",
            ))
        }
        Some(Err(TlsFailure::Closed | TlsFailure::Reset)) => {
            let both = endpoint.heard_in(Experiment::OfferBoth)?.handshake()?;
            (both.alpn.as_deref() == Some("http/1.1")).then(|| {
                (
                    "it ends the connection where only h2 is offered, and chooses http/1.1 where both are".to_owned(),
                    "connection error: desc = \"transport: authentication handshake failed: EOF\"",
                )
            })
        }
        Some(Err(TlsFailure::UnofferedAlpn)) => Some((
            "it chooses http/1.1 although only h2 was offered".to_owned(),
            "connection error: desc = \"transport: authentication handshake failed: \
             tls: server selected unadvertised ALPN protocol\"",
        )),
        Some(Ok(tls)) if tls.alpn.as_deref() != Some("h2") => {
            let inside = endpoint.heard_in(Experiment::PrefaceWithoutAlpn)?.http2.as_ref()?;
            inside.settings.is_none().then(|| {
                (
                    "it chooses no protocol by ALPN and does not answer HTTP/2 inside TLS".to_owned(),
                    "connection error: desc = \"transport: authentication handshake failed: \
                     credentials: cannot check peer: missing selected ALPN property.",
                )
            })
        }
        _ => None,
    }
}

/// RFC 7301, section 3.2.
const NO_APPLICATION_PROTOCOL: u8 = 120;
