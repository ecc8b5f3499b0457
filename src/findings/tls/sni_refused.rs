//! HD315: the handshake is refused for this name.

use std::net::IpAddr;

use hoop_doctor_probes::tls::TlsFailure;

use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::fixes::site;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(315),
    name: "sni-refused",
    severity: Severity::Error,
    summary: "the server does not know this host name",
    explain: include_str!("../../../docs/findings/HD315.md"),
    breaks: Breaks::Every,
    explains: &[Code(204), Code(212), Code(318)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let (how, confidence) = match endpoint.tls_failure()? {
            TlsFailure::Alert {
                description: UNRECOGNIZED_NAME,
                ..
            } => ("alert unrecognized_name", Confidence::Certain),
            // Caddy has no certificate for the name then; others say so for any fault of their own.
            TlsFailure::Alert {
                description: INTERNAL_ERROR,
                ..
            } => ("alert internal_error", Confidence::Likely),
            // Whoever answers without the name, and not with it, in whatever hello, goes by the name. That he has no
            // target for it, or a dead one, looks the same.
            TlsFailure::Closed | TlsFailure::Reset | TlsFailure::TimedOut if goes_by_name(endpoint) => {
                (NO_ANSWER, Confidence::Likely)
            }
            _ => return None,
        };
        let name = &endpoint.target.server_name;
        let address = endpoint.target.address();
        let draft = match endpoint.target.server_name.parse::<IpAddr>() {
            // No name is sent where an address is dialled (RFC 6066, section 3).
            Ok(_) => Draft::new(
                format!("{address} refuses TLS without a host name ({how}), and an address is no name"),
                "use the host name that is configured there instead of the address",
            ),
            Err(_) if how == NO_ANSWER => named(
                Draft::new(
                    format!("{address} answers no TLS hello for the name {name}, but answers one without a name"),
                    format!(
                        "check that {name} is configured where the names are told apart, and that what it leads to is up"
                    ),
                ),
                endpoint,
            ),
            Err(_) => named(
                Draft::new(
                    format!("{address} refuses TLS for the name {name} ({how}): it isn't configured there"),
                    format!(
                        "add {name} with its certificate to what ends TLS there, or use the host name that is configured"
                    ),
                ),
                endpoint,
            ),
        };
        let draft = match confidence {
            Confidence::Certain => draft,
            _ if how == NO_ANSWER => draft
                .candidate(
                    204,
                    "the name is configured, and what TCP is passed on to for it is down",
                )
                .candidate(313, "a filter on the way that blocks the name"),
            Confidence::Likely | Confidence::Possible => {
                draft.candidate(311, "the server failed for a reason of its own; its log says which")
            }
        };
        let failed =
            |why: &str| format!("connection error: desc = \"transport: authentication handshake failed: {why}\"");
        let logged = match how.strip_prefix("alert ") {
            Some(alert) => vec![failed(&format!("remote error: tls: {}", alert.replace('_', " ")))],
            None => vec![
                failed("EOF"),
                failed("read tcp {local}->{addr}: read: connection reset by peer"),
                failed("context deadline exceeded"),
            ],
        };
        Some(
            draft
                .confidence(confidence)
                .seen_in(endpoint, &["tls", "nameless-hello/tls"])
                .logs(logged),
        )
    })
}

fn goes_by_name(endpoint: &Endpoint) -> bool {
    let shakes = |experiment| {
        endpoint
            .heard_in(experiment)
            .is_some_and(|heard| heard.handshake().is_some())
    };
    let named = [Experiment::OfferBoth, Experiment::SmallHello, Experiment::Repeat];
    shakes(Experiment::NamelessHello) && !named.into_iter().any(shakes)
}

/// How to configure the name, proxy by proxy.
fn named(draft: Draft, endpoint: &Endpoint) -> Draft {
    let (name, port) = (&endpoint.target.server_name, endpoint.target.port);
    site(draft, endpoint)
        .snippet(
            Proxy::Envoy,
            format!("filter_chain_match: {{ server_names: [\"{name}\"] }}   # of the chain that has its certificate"),
        )
        .snippet(
            Proxy::Haproxy,
            format!(
                "bind :{port} ssl crt /path/to/fullchain-and-key.pem alpn h2,http/1.1   # the certificate of {name}"
            ),
        )
}

const NO_ANSWER: &str = "no answer to a hello with this name, one to a hello without";

/// RFC 8446, section 6.2.
const UNRECOGNIZED_NAME: u8 = 112;
const INTERNAL_ERROR: u8 = 80;

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::conversation::Heard;
    use hoop_doctor_probes::tls::{Alpn, Tls, TlsFailure};
    use hoop_doctor_probes::x509::{ChainFacts, MissingIntermediate, Order, Trust, Verdict};

    use super::RULE;
    use crate::config::Asked;
    use crate::evidence::{Evidence, Trial};
    use crate::experiments::Experiment;
    use crate::findings::config::fixture::{asked, only, silent};
    use crate::findings::{Code, Confidence};

    /// A hello with the name ends so.
    fn named(failure: TlsFailure) -> Evidence {
        let flags = Asked {
            grpc_url: Some("grpcs://gw.example:8443".to_owned()),
            ..Asked::default()
        };
        let mut evidence = asked(&[], &flags);
        for endpoint in &mut evidence.wire.endpoints {
            endpoint.base = Some(Heard {
                tls: Some(Err(failure.clone())),
                ..Heard::default()
            });
        }
        evidence
    }

    fn handshake() -> Tls {
        Tls {
            version: "TLSv1.3".to_owned(),
            cipher: String::new(),
            group: None,
            offered: Alpn::H2,
            alpn: Some("h2".to_owned()),
            sni: None,
            signature_valid: true,
            client_cert_requested: false,
            chain: ChainFacts {
                certs: Vec::new(),
                verdict: Verdict::Trusted(Trust::Pinned),
                ends_at: 0,
                missing_intermediate: MissingIntermediate::No,
                order: Order::Right,
            },
        }
    }

    /// And one without it gets a handshake.
    fn answers_the_nameless(mut evidence: Evidence) -> Evidence {
        for endpoint in &mut evidence.wire.endpoints {
            endpoint.trials = vec![Trial {
                experiment: Experiment::NamelessHello,
                segment: None,
                tcp: None,
                heard: Some(Heard {
                    tls: Some(Ok(handshake())),
                    ..Heard::default()
                }),
            }];
        }
        evidence
    }

    #[test]
    fn a_name_without_an_answer_may_be_known_and_its_target_down() {
        let draft = only(&RULE, &answers_the_nameless(named(TlsFailure::Closed)));
        assert_eq!(draft.confidence, Some(Confidence::Likely));
        assert_eq!(draft.candidates[0].code, Code(204));
        assert!(!draft.message.contains("configured"), "{}", draft.message);

        silent(&RULE, &named(TlsFailure::Closed));
    }

    #[test]
    fn an_alert_says_that_the_name_is_unknown() {
        let alert = TlsFailure::Alert {
            description: super::UNRECOGNIZED_NAME,
            client_cert_requested: false,
        };
        assert_eq!(only(&RULE, &named(alert)).confidence, Some(Confidence::Certain));
    }
}
