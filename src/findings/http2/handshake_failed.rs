//! HD408: ALPN said h2, and no SETTINGS come.

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(408),
    name: "http2-handshake-failed",
    severity: Severity::Error,
    summary: "what follows is not HTTP/2",
    explain: include_str!("../../../docs/findings/HD408.md"),
    breaks: Breaks::Every,
    explains: &[Code(411), Code(616)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        if endpoint.handshake()?.alpn.as_deref() != Some("h2") {
            return None;
        }
        let http2 = endpoint.http2()?;
        if http2.settings.is_some() || matches!(http2.end, Some(hoop_doctor_probes::http2::ConnectionEnd::Alert { .. }))
        {
            return None;
        }
        let what = match (&http2.first.line, http2.first.count, http2.end) {
            (Some(line), _, _) => format!("\"{line}\" comes instead"),
            (None, 0, None) => "no SETTINGS ever come".to_owned(),
            (None, 0, Some(_)) => "the connection ends without a byte".to_owned(),
            (None, _, _) => format!("other bytes come instead ({})", http2.first.hex),
        };
        let draft = Draft::new(
            format!("{} agrees on h2 by ALPN, but then {what}", endpoint.target.address()),
            "make what ends TLS there speak HTTP/2 itself, or pass h2 on only to a server that does: ALPN and the backend's protocol must agree",
        );
        let draft = draft.snippet(Proxy::Envoy, "codec_type: AUTO   # in HttpConnectionManager, not HTTP1");
        Some(draft.seen_in(endpoint, &["tls", "http2"]).logged_as(&[
            "connection error: desc = \"error reading server preface: EOF\"",
            "connection error: desc = \"error reading server preface: http2: failed reading the frame payload: \
             http2: frame too large, note that the frame header looked like an HTTP/1.1 header\"",
            "connection error: desc = \"error reading server preface: http2: frame too large\"",
            "connection error: desc = \"error reading server preface: read tcp {local}->{addr}: use of closed network connection\"",
        ]))
    })
}
