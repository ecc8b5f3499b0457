//! HD612: a stream is held back until it ends.

use hoop_doctor_probes::http2::{CallName, Reply};

use super::{is_gateways, logged};
use crate::evidence::Evidence;
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(612),
    name: "request-buffered",
    severity: Severity::Error,
    summary: "the proxy holds requests back until they are complete",
    explain: include_str!("../../../docs/findings/HD612.md"),
    breaks: Breaks::Every,
    explains: &[Code(613), Code(616), Code(701), Code(707)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        if !matches!(endpoint.reply(CallName::Connect), Some(Reply::Silent)) {
            return None;
        }
        let again = endpoint.heard_in(Experiment::ConnectEnded)?;
        let is_answered = |call| again.answer(call).is_some_and(is_gateways);
        if !is_answered(CallName::ConnectEnded) {
            return None;
        }
        let address = endpoint.target.address();
        let (message, severity) = match is_answered(CallName::ConnectBegun) {
            // An agent sends its first bytes within ten seconds, and gets through then.
            true => (
                format!(
                    "{address} holds a request back until its first bytes come: an open Connect without any gets no answer, \
                     so agents and clients connect late"
                ),
                Severity::Warn,
            ),
            false => (
                format!(
                    "{address} holds a request back until it is complete: Connect gets no answer while it is open, and one at once \
                     when it ends; an agent's stream never ends"
                ),
                Severity::Error,
            ),
        };
        let draft = Draft::new(
            message,
            "switch request buffering off for /protobuf.Transport/ in every proxy and inspector on the way",
        )
        .severity(severity);
        Some(
            draft
                .snippet(
                    Proxy::Envoy,
                    "typed_per_filter_config:   # in the route for /protobuf.Transport/\n  envoy.filters.http.buffer:\n    \
                     \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute\n    disabled: true",
                )
                .snippet(
                    Proxy::Nginx,
                    "grpc_pass grpc://127.0.0.1:8010;   # for /protobuf.Transport/: grpc_pass streams, proxy_pass buffers requests",
                )
                .snippet(
                    Proxy::Haproxy,
                    "# take away from defaults, frontend and backend, or except { path_beg /protobuf.Transport/ } from the rule:\n\
                     # option http-buffer-request\n# http-request wait-for-body",
                )
                .snippet(
                    Proxy::Traefik,
                    "# take the buffering middleware off the router for /protobuf.Transport/",
                )
                .snippet(
                    Proxy::Mitmproxy,
                    format!(
                        "mitmdump --ignore-hosts '{}'   # its streaming waits for a body, which an open Connect needn't have",
                        endpoint.target.server_name
                    ),
                )
                .seen_in(endpoint, &["connect", "connect-ended/connect-ended"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}
