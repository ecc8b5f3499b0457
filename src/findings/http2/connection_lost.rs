//! HD411: the connection ends without GOAWAY.

use hoop_doctor_probes::http2::{CallName, ConnectionEnd, Reply};

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(411),
    name: "connection-lost",
    severity: Severity::Error,
    summary: "the connection ends in the middle of HTTP/2",
    explain: include_str!("../../../docs/findings/HD411.md"),
    breaks: Breaks::Every,
    explains: &[Code(601), Code(606), Code(607), Code(611), Code(613), Code(616)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let http2 = endpoint.http2()?;
        http2.settings.as_ref()?;
        let how = match http2.end? {
            ConnectionEnd::Closed => "closed",
            ConnectionEnd::Reset => "reset",
            ConnectionEnd::Malformed => "broken off by bytes that are no HTTP/2",
            ConnectionEnd::Alert { .. } | ConnectionEnd::FrameTooLarge | ConnectionEnd::TooMuch => return None,
        };
        if http2.goaway.is_some() || !matches!(endpoint.reply(CallName::Connect), Some(Reply::Lost)) {
            return None;
        }
        let after = http2.end_ms.unwrap_or_default();
        let draft = Draft::new(
            format!(
                "the HTTP/2 connection to {} is {how} {after} ms after the calls were sent, without GOAWAY",
                endpoint.target.address()
            ),
            "look at what ended it: a proxy or gateway that crashed or was stopped, or a TCP hop that cuts connections; \
             their logs at the time of this check say which",
        );
        Some(draft.confidence(Confidence::Likely).seen_in(endpoint, &["http2", "connect"]).logged_as(&[
            "rpc error: code = Unavailable desc = error reading from server: EOF",
            "rpc error: code = Unavailable desc = error reading from server: read tcp {local}->{addr}: read: connection reset by peer",
            "rpc error: code = Unavailable desc = error reading from server: connection reset by peer",
        ]))
    })
}
