//! HD310: only TLS 1.0 and 1.1, or no common cipher.

use hoop_doctor_probes::conversation::OldHello;
use hoop_doctor_probes::tls::{TlsFailure, alert_name};
use hoop_doctor_probes::wire::hello::{Choice, Version};

use crate::evidence::{Endpoint, Evidence, Kind};
use crate::experiments::Experiment;
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
        let (alert, logged) = match endpoint.tls_failure()? {
            TlsFailure::Alert {
                description: alert @ PROTOCOL_VERSION,
                ..
            } => (*alert, "protocol version not supported"),
            TlsFailure::Alert {
                description: alert @ HANDSHAKE_FAILURE,
                client_cert_requested: false,
            } => (*alert, "handshake failure"),
            TlsFailure::Alert {
                description: alert @ INSUFFICIENT_SECURITY,
                ..
            } => (*alert, "insufficient security level"),
            _ => return None,
        };
        let choice = choice(endpoint);
        let Judged {
            severity,
            confidence,
            message,
        } = match choice {
            Some(choice) => with_choice(endpoint, alert, choice),
            None => by_alert(endpoint, alert),
        };
        let draft = Draft::new(
            message,
            "enable TLS 1.2 and 1.3 with ECDHE and AES-GCM or ChaCha20 suites there",
        );
        let draft = draft
            .severity(severity)
            .confidence(confidence)
            .snippet(
                Proxy::Nginx,
                "ssl_protocols TLSv1.2 TLSv1.3;   # in the server block, and in the default server of the port\nssl_ciphers HIGH:!aNULL:!MD5;",
            )
            .snippet(
                Proxy::IngressNginx,
                "data:   # of the controller's ConfigMap\n  ssl-protocols: \"TLSv1.2 TLSv1.3\"",
            )
            .snippet(
                Proxy::Envoy,
                "tls_params: { tls_minimum_protocol_version: TLSv1_2, tls_maximum_protocol_version: TLSv1_3 }   # in the listener's common_tls_context, without cipher_suites",
            )
            .snippet(
                Proxy::Istio,
                "tls:   # of the Gateway's server, without cipherSuites\n  minProtocolVersion: TLSV1_2\n  maxProtocolVersion: TLSV1_3",
            )
            .snippet(
                Proxy::Haproxy,
                format!(
                    "bind :{} ssl crt /path/to/fullchain-and-key.pem alpn h2,http/1.1 ssl-min-ver TLSv1.2",
                    endpoint.target.port
                ),
            )
            .snippet(Proxy::Caddy, "tls {   # in the site\n    protocols tls1.2 tls1.3\n}")
            .snippet(Proxy::Apache, "SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLCipherSuite HIGH:!aNULL:!MD5")
            .snippet(
                Proxy::Traefik,
                "# in the dynamic configuration, without cipherSuites\ntls:\n  options:\n    default:\n      minVersion: VersionTLS12",
            )
            .snippet(
                Proxy::AwsAlb,
                "SslPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06   # of the HTTPS listener",
            );
        let draft = match choice {
            Some(_) => draft.seen_in(endpoint, &["tls", Experiment::OldHello.name()]),
            None => draft.seen_in(endpoint, &["tls"]),
        };
        let logged = format!(
            "connection error: desc = \"transport: authentication handshake failed: remote error: tls: {logged}\""
        );
        Some(match severity {
            Severity::Error => draft.logged_as(&[&logged]),
            // Nothing is logged where Hoop gets through.
            Severity::Warn | Severity::Info => draft
                .candidate(311, "the server refuses our hello for another reason than its ciphers")
                .decide_by_command(
                    format!(
                        "openssl s_client -tls1_2 -cipher 'ECDHE+AES+SHA1' -connect {} -servername {} </dev/null 2>&1 | grep -a 'Cipher is'",
                        endpoint.target.address(),
                        endpoint.target.server_name,
                    ),
                    "a cipher's name: Hoop gets through, and the ciphers are merely old; `(NONE)`: HD311",
                ),
        })
    })
}

/// What is said of a refusal.
struct Judged {
    severity: Severity,
    confidence: Confidence,
    message: String,
}

/// What the server would choose, if it took the hello of an older client.
fn choice(endpoint: &Endpoint) -> Option<Choice> {
    match endpoint.heard_in(Experiment::OldHello)?.old_hello? {
        OldHello::Chosen(choice) => Some(choice),
        OldHello::Alert { .. } | OldHello::Nothing { .. } => None,
    }
}

/// The alert is all that is known.
fn by_alert(endpoint: &Endpoint, alert: u8) -> Judged {
    let address = endpoint.target.address();
    let name = alert_name(alert);
    let (confidence, message) = match alert {
        PROTOCOL_VERSION => (
            Confidence::Certain,
            format!("{address} accepts neither TLS 1.2 nor TLS 1.3 (alert {name})"),
        ),
        INSUFFICIENT_SECURITY => (
            Confidence::Likely,
            format!("{address} finds no cipher suite strong enough (alert {name})"),
        ),
        _ => (
            Confidence::Likely,
            format!("{address} shares no cipher suite with Go (alert {name})"),
        ),
    };
    Judged {
        severity: Severity::Error,
        confidence,
        message,
    }
}

/// The server has said what it would rather have.
fn with_choice(endpoint: &Endpoint, alert: u8, choice: Choice) -> Judged {
    let address = endpoint.target.address();
    let kind = endpoint.target.kind;
    let (version, suite, name) = (choice.version, choice.suite_name(), alert_name(alert));
    let (severity, confidence, message) = match offered(kind, choice.suite) {
        _ if version < Version::Tls12 => (
            Severity::Error,
            Confidence::Certain,
            format!("{address} speaks {version} at the most, and Go nothing below TLS 1.2"),
        ),
        Offered::GoAndUs | Offered::GoAlone if alert == PROTOCOL_VERSION => (
            Severity::Error,
            Confidence::Likely,
            format!("{address} speaks {version}, but refuses a hello that offers TLS 1.3 as well (alert {name})"),
        ),
        Offered::GoAndUs => (
            Severity::Error,
            Confidence::Likely,
            format!(
                "{address} refuses a hello like Go's (alert {name}), and chooses {suite} for an older client: \
                 it dislikes TLS 1.3, the curves or the signature algorithms"
            ),
        ),
        Offered::GoAlone => (
            Severity::Warn,
            Confidence::Possible,
            format!(
                "{address} chooses {suite}, which hoop-doctor doesn't speak (alert {name}); \
                 Go does, so Hoop itself would get through"
            ),
        ),
        Offered::Nobody => (
            Severity::Error,
            match kind {
                Kind::Grpc => Confidence::Certain,
                // A server's own order can hide a CBC suite that net/http would take.
                Kind::Rest => Confidence::Likely,
            },
            format!("{address} shares no cipher suite with Go: it chooses {suite}"),
        ),
    };
    Judged {
        severity,
        confidence,
        message,
    }
}

/// Who offers a suite of TLS 1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    /// Go, and our own hello.
    GoAndUs,
    /// Go where this endpoint is concerned; our own hello doesn't.
    GoAlone,
    /// Neither.
    Nobody,
}

/// By default `crypto/tls` offers AEAD suites and CBC with SHA-1, both with ECDHE alone.
/// grpc-go leaves out the latter: RFC 9113, appendix A, forbids them for HTTP/2.
fn offered(kind: Kind, suite: u16) -> Offered {
    match (suite, kind) {
        (0xc02b | 0xc02c | 0xc02f | 0xc030 | 0xcca8 | 0xcca9, _) => Offered::GoAndUs,
        (0xc009 | 0xc00a | 0xc013 | 0xc014, Kind::Rest) => Offered::GoAlone,
        _ => Offered::Nobody,
    }
}

/// Alert numbers (RFC 8446, section 6.2).
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
const INSUFFICIENT_SECURITY: u8 = 71;

#[cfg(test)]
mod tests {
    use super::{HANDSHAKE_FAILURE, INSUFFICIENT_SECURITY, PROTOCOL_VERSION, RULE};
    use hoop_doctor_probes::conversation::{Heard, OldHello};
    use hoop_doctor_probes::tcp::Attempt;
    use hoop_doctor_probes::tls::TlsFailure;
    use hoop_doctor_probes::wire::hello::{Choice, Version};

    use crate::evidence::{Evidence, Kind, Trial};
    use crate::experiments::Experiment;
    use crate::findings::rest::fixture::beside_silent_grpc;
    use crate::findings::{Confidence, Draft, Severity};

    /// What is said of gRPC and of REST at one listener that refuses our hello, and answers the old one like this.
    fn found(description: u8, said: Option<OldHello>) -> [Draft; 2] {
        let mut evidence = beside_silent_grpc(&[]);
        for endpoint in &mut evidence.wire.endpoints {
            endpoint.base = Some(Heard {
                tls: Some(Err(TlsFailure::Alert {
                    description,
                    client_cert_requested: false,
                })),
                ..Heard::default()
            });
            endpoint.trials = vec![Trial {
                experiment: Experiment::OldHello,
                segment: None,
                tcp: Some(Attempt {
                    addr: ([127, 0, 0, 1], 443).into(),
                    outcome: Ok(()),
                    started_ms: 0,
                    duration_ms: 0,
                }),
                heard: said.map(|said| Heard {
                    old_hello: Some(said),
                    ..Heard::default()
                }),
            }];
        }
        by_kind(&evidence)
    }

    fn by_kind(evidence: &Evidence) -> [Draft; 2] {
        let drafts = (RULE.check)(evidence);
        [Kind::Grpc, Kind::Rest].map(|kind| {
            let is_about = |draft: &&Draft| {
                let mut about = draft.endpoints.iter();
                about.any(|&index| evidence.wire.endpoints[index].target.kind == kind)
            };
            let found = drafts.iter().find(is_about);
            found.cloned().expect("both are refused")
        })
    }

    fn chosen(version: Version, suite: u16) -> Option<OldHello> {
        Some(OldHello::Chosen(Choice { version, suite }))
    }

    #[track_caller]
    fn check(draft: &Draft, severity: Severity, confidence: Confidence, message: &str) {
        assert_eq!(draft.message, message);
        assert_eq!((draft.severity, draft.confidence), (Some(severity), Some(confidence)));
        assert_eq!(draft.logged_as.is_empty(), severity == Severity::Warn);
    }

    #[test]
    fn an_old_version_is_named_whatever_the_alert() {
        for alert in [HANDSHAKE_FAILURE, PROTOCOL_VERSION, INSUFFICIENT_SECURITY] {
            for draft in found(alert, chosen(Version::Tls11, 0xc013)) {
                let message = "gw.example:443 speaks TLS 1.1 at the most, and Go nothing below TLS 1.2";
                check(&draft, Severity::Error, Confidence::Certain, message);
            }
        }
    }

    #[test]
    fn a_suite_that_go_gave_up_is_named() {
        let [grpc, rest] = found(HANDSHAKE_FAILURE, chosen(Version::Tls12, 0x002f));
        let message = "gw.example:443 shares no cipher suite with Go: it chooses TLS_RSA_WITH_AES_128_CBC_SHA";
        check(&grpc, Severity::Error, Confidence::Certain, message);
        check(&rest, Severity::Error, Confidence::Likely, message);
        assert_eq!(grpc.evidence, ["grpc/tls", "grpc/old-hello"]);
    }

    #[test]
    fn a_suite_that_net_http_alone_offers_stops_grpc_alone() {
        let [grpc, rest] = found(HANDSHAKE_FAILURE, chosen(Version::Tls12, 0xc013));
        check(
            &grpc,
            Severity::Error,
            Confidence::Certain,
            "gw.example:443 shares no cipher suite with Go: it chooses TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        );
        check(
            &rest,
            Severity::Warn,
            Confidence::Possible,
            "gw.example:443 chooses TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, which hoop-doctor doesn't speak \
             (alert handshake_failure); Go does, so Hoop itself would get through",
        );
    }

    #[test]
    fn a_server_with_gos_suites_dislikes_something_else() {
        let [grpc, _] = found(HANDSHAKE_FAILURE, chosen(Version::Tls12, 0xc02f));
        check(
            &grpc,
            Severity::Error,
            Confidence::Likely,
            "gw.example:443 refuses a hello like Go's (alert handshake_failure), and chooses \
             TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 for an older client: \
             it dislikes TLS 1.3, the curves or the signature algorithms",
        );
        let [grpc, _] = found(PROTOCOL_VERSION, chosen(Version::Tls12, 0xc02f));
        let message =
            "gw.example:443 speaks TLS 1.2, but refuses a hello that offers TLS 1.3 as well (alert protocol_version)";
        check(&grpc, Severity::Error, Confidence::Likely, message);
    }

    #[test]
    fn without_a_choice_the_alert_is_all_there_is() {
        for said in [
            None,
            Some(OldHello::Alert { description: 40 }),
            Some(OldHello::Nothing { end: None }),
        ] {
            let [grpc, _] = found(HANDSHAKE_FAILURE, said);
            let message = "gw.example:443 shares no cipher suite with Go (alert handshake_failure)";
            check(&grpc, Severity::Error, Confidence::Likely, message);
            assert_eq!(grpc.evidence, ["grpc/tls"]);
        }
    }
}
