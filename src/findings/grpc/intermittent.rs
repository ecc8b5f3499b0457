//! HD621: some of several equal calls fail.

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::{Answer, CallName, Reply};
use hoop_doctor_probes::tls::TlsFailure;
use hoop_doctor_probes::wire::status::{Said, Status};

use super::{is_gateways, is_limited, lacks_a_target, logged, not_routed};
use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(621),
    name: "grpc-intermittent",
    severity: Severity::Error,
    summary: "some of several equal calls fail",
    explain: include_str!("../../../docs/findings/HD621.md"),
    breaks: Breaks::Some,
    explains: &[
        Code(204),
        Code(213),
        Code(301),
        Code(316),
        Code(318),
        Code(401),
        Code(408),
        Code(411),
        Code(601),
        Code(603),
        Code(604),
        Code(605),
        Code(606),
        Code(607),
        Code(612),
        Code(613),
        Code(616),
    ],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let (sign, logged) = by_calls(endpoint).or_else(|| by_connections(endpoint))?;
        let draft = Draft::new(
            format!(
                "{} answers some calls as a gateway does and fails others: {sign}",
                endpoint.target.address()
            ),
            "look at each target behind that address on its own: one of them is down, is another service, or is spoken to in another way",
        );
        Some(
            draft
                .candidate(606, "one of several targets is down")
                .candidate(604, "one of several targets is the REST port, or another service")
                .decide_by_command(
                    "hoop-doctor check --grpc-url grpc://127.0.0.1:8010",
                    "run on the proxy's host, once for each target of its configuration: the one that isn't healthy is the cause",
                )
                .snippet(
                    Proxy::Nginx,
                    "upstream hoop_grpc {\n    server 127.0.0.1:8010;   # the gateway's gRPC port, and nothing else\n}",
                )
                .snippet(
                    Proxy::Envoy,
                    "# in load_assignment: the gateway's gRPC port, and nothing else\n\
                     endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8010 } } } }] }]",
                )
                .snippet(
                    Proxy::Istio,
                    "# kubectl get endpoints hoopgateway -o wide: only pods of the gateway belong there",
                )
                .snippet(
                    Proxy::Haproxy,
                    "# the only server of the backend for gRPC\nserver gateway 127.0.0.1:8010 proto h2 check",
                )
                .snippet(
                    Proxy::Caddy,
                    "reverse_proxy /protobuf.Transport/* h2c://127.0.0.1:8010   # no other address behind it",
                )
                .snippet(
                    Proxy::Traefik,
                    "servers:   # of the loadBalancer for gRPC, and no other\n- url: h2c://127.0.0.1:8010",
                )
                .seen_in(endpoint, &["connect", "repeat/connect"])
                .logs(logged),
        )
    })
}

type Sign = (String, Vec<String>);

/// Calls to the same method of which some reach the gateway and others are failed by what is in front of it.
fn by_calls(endpoint: &Endpoint) -> Option<Sign> {
    if is_limited(endpoint) {
        return None;
    }
    let heard = endpoint.base.iter().chain(endpoint.heard_in(Experiment::Repeat));
    let answers: Vec<&Answer> = heard.flat_map(Heard::answers).collect();
    let failed = |answer: &&&Answer| is_failure(answer);
    let both = |method: &str| {
        let equal = || answers.iter().filter(|answer| method_of(answer.call) == Some(method));
        equal().any(|answer| is_gateways(answer)) && equal().any(|answer| is_failure(answer))
    };
    if !METHODS.into_iter().any(both) {
        return None;
    }
    let failures: Vec<&&Answer> = answers.iter().filter(failed).collect();
    let all = failures.len() + answers.iter().filter(|answer| is_gateways(answer)).count();
    let mut logged: Vec<String> = failures.iter().flat_map(|answer| logged::by_call(answer)).collect();
    logged.sort();
    logged.dedup();
    let how = failures.first().map_or_else(String::new, |answer| shown(answer));
    Some((
        format!("{} of {all} calls within a moment end with {how}", failures.len()),
        logged,
    ))
}

/// A connection that ends before HTTP/2 is spoken, and an equal one that reaches the gateway.
fn by_connections(endpoint: &Endpoint) -> Option<Sign> {
    let base = endpoint.base.as_ref()?;
    let closed = match &base.tls {
        Some(Err(TlsFailure::Closed | TlsFailure::Reset)) => true,
        Some(Ok(_)) | None => base
            .http2
            .as_ref()
            .is_some_and(|http2| http2.settings.is_none() && http2.end.is_some()),
        Some(Err(_)) => false,
    };
    let again = endpoint.heard_in(Experiment::Repeat)?.answer(CallName::Connect)?;
    (closed && is_gateways(again)).then(|| {
        let sign = "of two equal connections the first is closed without an answer, and the second reaches a gateway"
            .to_owned();
        let logged = "connection error: desc = \"transport: authentication handshake failed: EOF\"".to_owned();
        (sign, vec![logged])
    })
}

const METHODS: [&str; 3] = ["Connect", "PreConnect", "HealthCheck"];

fn method_of(call: CallName) -> Option<&'static str> {
    match call {
        CallName::Connect | CallName::ConnectWithOrigin => Some("Connect"),
        CallName::PreConnect => Some("PreConnect"),
        CallName::HealthCheck => Some("HealthCheck"),
        // A declared body fails by limits, too.
        CallName::DeclaredBody
        | CallName::ConnectEnded
        | CallName::ConnectBegun
        | CallName::UnknownMethod
        | CallName::Healthz
        | CallName::PublicServerInfo
        | CallName::WebSocket
        | CallName::ConnectWithToken
        | CallName::UserInfo
        | CallName::ServerInfo => None,
    }
}

/// Whether a proxy failed the call for want of a gateway, or took it elsewhere; a call that was refused unprocessed may
/// be made again.
fn is_failure(answer: &Answer) -> bool {
    if not_routed::page(answer).is_some() {
        return true;
    }
    match answer.reply() {
        Reply::Http(head, page) => match head.status {
            503 => lacks_a_target(page),
            status => matches!(status, 0 | 500 | 502 | 504 | 520..=530),
        },
        Reply::Grpc(status) => status.code == Status::UNAVAILABLE && !matches!(status.said, Said::RateLimited),
        Reply::Reset(_) | Reply::Lost => true,
        Reply::NoStatus(_) | Reply::Refused | Reply::Silent => false,
    }
}

fn shown(answer: &Answer) -> String {
    if let Some(page) = not_routed::page(answer) {
        return page;
    }
    match answer.reply() {
        Reply::Http(head, _) => format!("HTTP {:03}", head.status),
        Reply::Grpc(status) => format!("status {} \"{}\"", status.code.0, status.message),
        Reply::Reset(code) => format!("RST_STREAM {}", code.name()),
        Reply::NoStatus(_) | Reply::Refused | Reply::Lost | Reply::Silent => "the end of the connection".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::http2::{Answer, CallName};
    use hoop_doctor_probes::wire::status::Status;

    use super::RULE;
    use crate::evidence::Evidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::rest::fixture::{HEALTHY, WEB_APP, beside, gateway, said, status};

    fn by_the_gateway(call: CallName) -> Answer {
        let heard = match call {
            CallName::Connect => gateway(),
            _ => status(call, 200, Status::UNAUTHENTICATED, "invalid authentication"),
        };
        heard.answers().next().expect("it has one").clone()
    }

    fn by_the_web(call: CallName) -> Answer {
        said(call, WEB_APP).answers().next().expect("it has one").clone()
    }

    fn answered(answers: Vec<Answer>) -> Evidence {
        let mut heard = gateway();
        if let Some(http2) = &mut heard.http2 {
            http2.answers = answers;
        }
        beside(&[HEALTHY], heard)
    }

    #[test]
    fn a_target_that_is_the_web_gets_every_other_call() {
        let evidence = answered(vec![
            by_the_web(CallName::Connect),
            by_the_gateway(CallName::ConnectWithOrigin),
            by_the_web(CallName::PreConnect),
        ]);
        let draft = only(&RULE, &evidence);
        let sign = "2 of 3 calls within a moment end with a web page (\"Hoop\")";
        assert!(draft.message.contains(sign), "{}", draft.message);
    }

    /// That is a route for one method.
    #[test]
    fn methods_that_always_get_to_the_web_are_not_routed() {
        silent(
            &RULE,
            &answered(vec![
                by_the_gateway(CallName::Connect),
                by_the_gateway(CallName::ConnectWithOrigin),
                by_the_web(CallName::PreConnect),
            ]),
        );
    }
}
