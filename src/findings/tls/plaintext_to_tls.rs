//! HD301: told to use plaintext, the port speaks TLS.

use hoop_doctor_probes::http2::{CallName, ConnectionEnd, Http2, Reply};
use hoop_doctor_probes::wire::opening::{GoReading, Opening};
use hoop_doctor_probes::wire::page::Mark;

use super::{corrected, with_scheme};
use crate::config::Security;
use crate::evidence::{Endpoint, Evidence, Kind};
use crate::findings::grpc::logged::by_connect;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(301),
    name: "plaintext-to-tls",
    severity: Severity::Error,
    summary: "Hoop would use plaintext, and the port speaks TLS",
    explain: include_str!("../../../docs/findings/HD301.md"),
    breaks: Breaks::Every,
    explains: super::STANDS_ON_TLS,
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        if endpoint.target.tls || is_served(endpoint) {
            return None;
        }
        let proven = endpoint.speaks_tls_instead();
        if !proven && !says_tls(endpoint) {
            return None;
        }
        let target = &endpoint.target;
        let draft = Draft::new(
            format!(
                "{} speaks TLS, but {} makes Hoop use plaintext",
                target.address(),
                target.url
            ),
            format!("change {} to {}", target.url, with_scheme(target, Security::Tls)),
        );
        let confidence = if proven {
            Confidence::Certain
        } else {
            Confidence::Likely
        };
        Some(
            corrected(draft, evidence, endpoint, Security::Tls)
                .confidence(confidence)
                .seen_in(endpoint, &["http2", "opposite-scheme/tls"])
                .logs(logs(endpoint)),
        )
    })
}

/// Whether the port does what Hoop wants of it, TLS or not: some accept both.
fn is_served(endpoint: &Endpoint) -> bool {
    match endpoint.target.kind {
        Kind::Grpc => endpoint.http2().is_some_and(|http2| http2.settings.is_some()) && !is_sent_to_tls(endpoint),
        Kind::Rest => {
            matches!(endpoint.reply(CallName::Healthz), Some(Reply::Http(_, page)) if page.mark != Mark::PlainToHttps)
        }
    }
}

/// Whether plaintext is only spoken to send everybody to TLS, as browsers are on a port that takes both.
fn is_sent_to_tls(endpoint: &Endpoint) -> bool {
    let answer = endpoint.answer(CallName::Connect);
    let location = answer.and_then(|answer| answer.head.as_ref()?.field("location"));
    let here = format!("https://{}/", endpoint.target.address());
    location.is_some_and(|location| location.starts_with(&here))
}

/// Whether what came back says by itself that TLS is wanted: an alert, or an HTTP/1 sentence.
fn says_tls(endpoint: &Endpoint) -> bool {
    let page = match endpoint.reply(CallName::Healthz) {
        Some(Reply::Http(_, page)) => page.mark == Mark::PlainToHttps,
        _ => false,
    };
    page || match endpoint.cleartext().map(|first| &first.opening) {
        Some(Opening::TlsAlert { .. } | Opening::Tls) => true,
        Some(Opening::Http1 { page, .. }) => page.mark == Mark::PlainToHttps,
        _ => false,
    }
}

fn logs(endpoint: &Endpoint) -> Vec<String> {
    let all = match (endpoint.target.kind, endpoint.http2()) {
        (Kind::Rest, _) => vec!["Client sent an HTTP request to an HTTPS server."],
        (Kind::Grpc, _) if is_sent_to_tls(endpoint) => return by_connect(endpoint),
        (Kind::Grpc, Some(http2)) => grpc_go(http2),
        (Kind::Grpc, None) => Vec::new(),
    };
    all.into_iter().map(str::to_owned).collect()
}

/// What grpc-go makes of the bytes. A close and a reset race where the server leaves our bytes unread.
fn grpc_go(http2: &Http2) -> Vec<&'static str> {
    match http2.first.go {
        GoReading::NoBytes if http2.end.is_none() => {
            vec![
                "connection error: desc = \"error reading server preface: raw-read tcp {local}->{addr}: use of closed network connection\"",
            ]
        }
        GoReading::NoBytes if http2.end == Some(ConnectionEnd::Reset) => vec![RESET, EOF, BROKEN_PIPE],
        GoReading::NoBytes => vec![EOF, RESET, BROKEN_PIPE],
        GoReading::LessThanAHeader => vec![UNEXPECTED_EOF, RESET, BROKEN_PIPE],
        GoReading::LooksLikeHttp1 => vec![HTTP1],
        GoReading::TooLarge => vec![TOO_LARGE],
        GoReading::NotSettings | GoReading::Settings => Vec::new(),
    }
}

const EOF: &str = "connection error: desc = \"error reading server preface: EOF\"";
const UNEXPECTED_EOF: &str = "connection error: desc = \"error reading server preface: unexpected EOF\"";
const RESET: &str = "connection error: desc = \"error reading server preface: connection reset by peer\"";
const BROKEN_PIPE: &str = "rpc error: code = Unavailable desc = write tcp {local}->{addr}: write: broken pipe";
const HTTP1: &str = "connection error: desc = \"error reading server preface: http2: failed reading the frame payload: \
                     http2: frame too large, note that the frame header looked like an HTTP/1.1 header\"";
const TOO_LARGE: &str = "connection error: desc = \"error reading server preface: http2: frame too large\"";

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::conversation::Heard;
    use hoop_doctor_probes::http2::CallName;
    use hoop_doctor_probes::tls::TlsFailure;

    use super::RULE;
    use crate::config::Asked;
    use crate::evidence::{Evidence, Trial};
    use crate::experiments::Experiment;
    use crate::findings::config::fixture::{asked, only, silent};
    use crate::findings::rest::fixture::{gateway, said};

    /// Plaintext HTTP/2 whose calls are redirected there; TLS may be spoken on the port too.
    fn redirected(location: &'static str, speaks_tls: bool) -> Evidence {
        let flags = Asked {
            grpc_url: Some("grpc://gw.example:8443".to_owned()),
            ..Asked::default()
        };
        let mut evidence = asked(&[], &flags);
        let fields = Box::leak(Box::new([("location", location)]));
        let page = said(CallName::Connect, (301, fields, ""));
        let endpoint = &mut evidence.wire.endpoints[0];
        let mut base = gateway();
        if let Some(http2) = &mut base.http2 {
            http2.answers = page.answers().cloned().collect();
        }
        endpoint.base = Some(base);
        if speaks_tls {
            endpoint.trials.push(Trial {
                segment: None,
                experiment: Experiment::OppositeScheme,
                tcp: None,
                heard: Some(Heard {
                    tls: Some(Err(TlsFailure::Alert {
                        description: 112,
                        client_cert_requested: false,
                    })),
                    ..Heard::default()
                }),
            });
        }
        evidence
    }

    #[test]
    fn a_port_for_both_that_sends_plaintext_to_tls_wants_tls() {
        let here = "https://gw.example:8443/protobuf.Transport/Connect";
        let draft = only(&RULE, &redirected(here, true));
        assert_eq!(
            draft.message,
            "gw.example:8443 speaks TLS, but grpc://gw.example:8443 makes Hoop use plaintext"
        );
        silent(&RULE, &redirected(here, false));
    }

    #[test]
    fn a_redirect_to_elsewhere_is_no_matter_of_the_scheme() {
        silent(&RULE, &redirected("https://login.example/", true));
        silent(&RULE, &redirected("https://gw.example:84433/", true));
    }
}
