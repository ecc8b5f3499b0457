//! HD616: SETTINGS came, the call is never answered.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::status::Said;

use super::{is_rest_port, logged, upstream};
use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(616),
    name: "grpc-timeout",
    severity: Severity::Error,
    summary: "calls are never answered",
    explain: include_str!("../../../docs/findings/HD616.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let how = unanswered(endpoint)?;
        let draft = Draft::new(
            format!(
                "{} speaks HTTP/2, but Connect is not answered: {how}",
                endpoint.target.address()
            ),
            "find out which hop holds the call: run the check on the gateway's own host, then in front of each proxy on the way",
        );
        Some(
            upstream::look(draft, endpoint)
                .confidence(Confidence::Possible)
                .candidate(
                    606,
                    "the gateway behind the proxy hangs, or a firewall between them drops packets",
                )
                .candidate(605, "the proxy speaks plaintext to a gateway with TLS, and both wait")
                .candidate(
                    604,
                    "the proxy speaks HTTP/1 to the gRPC port and waits for the end of the request",
                )
                .candidate(612, "a proxy or inspector that holds streams back")
                .seen_in(endpoint, &["connect", "connect-ended/connect-ended", "health-check"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}

fn unanswered(endpoint: &Endpoint) -> Option<String> {
    let connect = endpoint.answer(CallName::Connect)?;
    match connect.reply() {
        Reply::Grpc(status) if matches!(status.said, Said::UpstreamTimeout | Said::RequestTimeout) => {
            return Some(format!(
                "the proxy gave up after {:.1} s (\"{}\")",
                connect.duration_ms as f64 / 1000.0,
                status.message
            ));
        }
        Reply::Silent => {}
        _ => return None,
    }
    endpoint.http2()?.settings.as_ref()?;
    if is_rest_port(endpoint) || upstream::fault(endpoint).is_some() {
        return None;
    }
    let ended = endpoint
        .heard_in(Experiment::ConnectEnded)
        .and_then(|heard| heard.answer(CallName::ConnectEnded));
    match ended.map(|answer| answer.reply()) {
        Some(Reply::Silent | Reply::Lost) => Some("neither while it is open nor when it ends at once".to_owned()),
        _ => None,
    }
}
