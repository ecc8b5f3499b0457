//! HD406: ENHANCE_YOUR_CALM, too_many_pings.

use hoop_doctor_probes::wire::frame::ErrorCode;

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(406),
    name: "too-many-pings",
    severity: Severity::Error,
    summary: "the server ends the connection because of keepalive pings",
    explain: include_str!("../../../docs/findings/HD406.md"),
    breaks: Breaks::Every,
    explains: &[Code(405), Code(411), Code(613), Code(616)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let goaway = endpoint.http2()?.goaway.as_ref()?;
        if goaway.code != ErrorCode::ENHANCE_YOUR_CALM || goaway.debug != "too_many_pings" {
            return None;
        }
        let draft = Draft::new(
            format!(
                "{} ends the connection with GOAWAY ENHANCE_YOUR_CALM \"too_many_pings\"",
                endpoint.target.address()
            ),
            "stop what sends HTTP/2 PINGs towards the gateway more than once in five minutes: a proxy's or mesh's http2 keepalive to its upstream",
        );
        Some(draft.seen_in(endpoint, &["http2"]).logged_as(&[
            "closing transport due to: connection error: desc = \"error reading from server: EOF\", \
             received prior goaway: code: ENHANCE_YOUR_CALM, debug data: \"too_many_pings\"",
            "rpc error: code = Unavailable desc = the connection is draining",
        ]))
    })
}
