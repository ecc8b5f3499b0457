//! HD613: RST_STREAM whose cause can not be narrowed.

use hoop_doctor_probes::http2::{CallName, Reply};

use super::{logged, upstream};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(613),
    name: "stream-reset",
    severity: Severity::Error,
    summary: "calls are reset, and the cause can not be told from outside",
    explain: include_str!("../../../docs/findings/HD613.md"),
    breaks: Breaks::Every,
    explains: &[Code(616)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let code = match endpoint.reply(CallName::Connect)? {
            Reply::Reset(code) => code.name(),
            Reply::Refused => "REFUSED_STREAM".to_owned(),
            _ => return None,
        };
        if upstream::fault(endpoint).is_some() {
            return None;
        }
        let after = endpoint.answer(CallName::Connect)?.duration_ms;
        let draft = Draft::new(
            format!(
                "{} resets calls with RST_STREAM {code} after {after} ms",
                endpoint.target.address()
            ),
            "look into the proxy's log at the time of this check: it says why it gave the call up",
        );
        Some(
            upstream::look(draft, endpoint)
                .confidence(Confidence::Possible)
                .candidate(604, "the proxy speaks HTTP/1 to the gRPC port")
                .candidate(606, "the gateway behind the proxy is down or restarts")
                .candidate(605, "TLS between proxy and gateway on one side only")
                .candidate(313, "a VPN client or inspector that does not pass HTTP/2 streams on")
                .seen_in(endpoint, &["connect"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}
