//! HD301: told to use plaintext, the port speaks TLS.

use hoop_doctor_probes::http2::{CallName, ConnectionEnd, Http2, Reply};
use hoop_doctor_probes::wire::opening::{GoReading, Opening};
use hoop_doctor_probes::wire::page::Mark;

use super::{corrected, with_scheme};
use crate::config::Security;
use crate::evidence::{Endpoint, Evidence, Kind};
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
                .logged_as(&logs(endpoint)),
        )
    })
}

/// Whether the port does what Hoop wants of it, TLS or not: some accept both.
fn is_served(endpoint: &Endpoint) -> bool {
    match endpoint.target.kind {
        Kind::Grpc => endpoint.http2().is_some_and(|http2| http2.settings.is_some()),
        Kind::Rest => {
            matches!(endpoint.reply(CallName::Healthz), Some(Reply::Http(_, page)) if page.mark != Mark::PlainToHttps)
        }
    }
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

fn logs(endpoint: &Endpoint) -> Vec<&'static str> {
    if endpoint.target.kind == Kind::Rest {
        return vec!["Client sent an HTTP request to an HTTPS server."];
    }
    match endpoint.http2() {
        Some(http2) => grpc_go(http2),
        None => Vec::new(),
    }
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
