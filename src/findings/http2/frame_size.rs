//! HD407: FRAME_SIZE_ERROR within HTTP/2.

use hoop_doctor_probes::http2::{CallName, ConnectionEnd, Reply};
use hoop_doctor_probes::wire::frame::ErrorCode;

use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(407),
    name: "frame-size-error",
    severity: Severity::Error,
    summary: "a frame of the wrong size ends HTTP/2",
    explain: include_str!("../../../docs/findings/HD407.md"),
    breaks: Breaks::Every,
    explains: &[Code(411), Code(606), Code(607), Code(613), Code(616)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let (what, logged) = seen(endpoint)?;
        let draft = Draft::new(
            format!("{} {what}, after HTTP/2 was agreed on", endpoint.target.address()),
            "look for what changes HTTP/2 frames on the way: an inspector, a VPN client, or a proxy with a larger frame size than its peers allow",
        );
        Some(draft.seen_in(endpoint, &["http2", "connect"]).logged_as(logged))
    })
}

/// Which side dislikes a frame, and what an agent logs then.
fn seen(endpoint: &Endpoint) -> Option<(&'static str, &'static [&'static str])> {
    let http2 = endpoint.http2()?;
    http2.settings.as_ref()?;
    if endpoint.reaches_gateway() {
        return None;
    }
    let goaway = http2.goaway.as_ref();
    if goaway.is_some_and(|goaway| goaway.code == ErrorCode::FRAME_SIZE_ERROR) {
        let logged = &[
            "rpc error: code = Unavailable desc = closing transport due to: connection error: desc = \"error reading from server: EOF\", \
             received prior goaway: code: FRAME_SIZE_ERROR",
            "the connection is draining",
        ];
        return Some(("ends the connection with GOAWAY FRAME_SIZE_ERROR", logged));
    }
    if endpoint.reply(CallName::Connect) == Some(Reply::Reset(ErrorCode::FRAME_SIZE_ERROR)) {
        let logged =
            &["rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: FRAME_SIZE_ERROR"];
        return Some(("resets calls with RST_STREAM FRAME_SIZE_ERROR", logged));
    }
    let too_large = http2.end == Some(ConnectionEnd::FrameTooLarge);
    let logged = &["http2: frame too large"];
    too_large.then_some((
        "sends a frame of more than 16384 bytes, which Hoop's side never allowed",
        logged,
    ))
}
