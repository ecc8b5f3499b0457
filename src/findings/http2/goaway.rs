//! HD405: GOAWAY with an error code.

use hoop_doctor_probes::wire::frame::ErrorCode;

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(405),
    name: "http2-goaway",
    severity: Severity::Error,
    summary: "the server ends the connection with an error",
    explain: include_str!("../../../docs/findings/HD405.md"),
    breaks: Breaks::Every,
    explains: &[
        Code(411),
        Code(601),
        Code(603),
        Code(606),
        Code(607),
        Code(611),
        Code(613),
        Code(616),
    ],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let goaway = endpoint.http2()?.goaway.as_ref()?;
        let pinged = goaway.code == ErrorCode::ENHANCE_YOUR_CALM && goaway.debug == "too_many_pings";
        if matches!(goaway.code, ErrorCode::NO_ERROR | ErrorCode::FRAME_SIZE_ERROR)
            || pinged
            || endpoint.reaches_gateway()
        {
            return None;
        }
        let debug = match goaway.debug.as_str() {
            "" => String::new(),
            debug => format!(" (\"{debug}\")"),
        };
        let draft = Draft::new(
            format!(
                "{} ends the HTTP/2 connection with GOAWAY {}{debug}",
                endpoint.target.address(),
                goaway.code.name()
            ),
            "look into the log of what speaks HTTP/2 there, at the time of this check: it names the reason",
        );
        Some(draft.seen_in(endpoint, &["http2"]).logged_as(&[
            "rpc error: code = Unavailable desc = closing transport due to: connection error: desc = \"error reading from server: EOF\", \
             received prior goaway: code: {code}, debug data: {debug}",
            "the connection is draining",
        ]))
    })
}
