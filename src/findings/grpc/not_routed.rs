//! HD601: gRPC calls reach the REST backend, or nothing.

use hoop_doctor_probes::http2::{Answer, CallName, GrpcStatus, Reply};
use hoop_doctor_probes::wire::page::Mark;
use hoop_doctor_probes::wire::status::{Said, Status};

use super::{is_rest_port, logged};
use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::fixes::grpc_route;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(601),
    name: "grpc-not-routed",
    severity: Severity::Error,
    summary: "gRPC calls do not reach the gRPC port",
    explain: include_str!("../../../docs/findings/HD601.md"),
    breaks: Breaks::Every,
    explains: &[
        Code(603),
        Code(604),
        Code(607),
        Code(612),
        Code(613),
        Code(616),
        Code(617),
    ],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        if endpoint.reaches_gateway() || is_rest_port(endpoint) {
            return None;
        }
        if let Some(got) = rewritten(endpoint) {
            return Some(path_changed(endpoint, got));
        }
        let what = unrouted(endpoint)?;
        let draft = Draft::new(
            format!(
                "{} does not route gRPC: /protobuf.Transport/Connect gets {what} instead of Hoop's gRPC port",
                endpoint.target.address()
            ),
            "route the path prefix /protobuf.Transport/ to the gateway's gRPC port (8010), before any route for /",
        );
        // A web server that takes no POST says 405, and so does a rule against POST.
        let draft = match what.as_str() {
            NO_POST => draft.confidence(Confidence::Likely).candidate(
                611,
                "a rule in front of the gateway that lets only GET and HEAD through",
            ),
            _ => draft,
        };
        Some(
            grpc_route(draft, endpoint)
                .seen_in(endpoint, &["connect", "connect-ended/connect-ended", "health-check"])
                .logs(logged::by_connect(endpoint)),
        )
    })
}

/// What a gRPC server got instead of `/protobuf.Transport/Connect`, in its own words, where that is not what was sent.
fn rewritten(endpoint: &Endpoint) -> Option<&str> {
    match endpoint.reply(CallName::Connect)? {
        Reply::Grpc(status) if is_path_changed(status) => Some(&status.message),
        _ => None,
    }
}

/// grpc-go names the service that it looked for.
pub(super) fn is_path_changed(status: &GrpcStatus) -> bool {
    match status.said {
        Said::MalformedMethod => true,
        Said::UnknownService => status.message != "unknown service protobuf.Transport",
        _ => false,
    }
}

fn path_changed(endpoint: &Endpoint, got: &str) -> Draft {
    let draft = Draft::new(
        format!(
            "the proxy at {} changes the path of gRPC calls: the server behind it got another one than /protobuf.Transport/Connect (\"{got}\")",
            endpoint.target.address()
        ),
        "pass /protobuf.Transport/ on as it is: no prefix taken away or added, no rewrite of the path",
    );
    grpc_route(draft, endpoint)
        .seen_in(endpoint, &["connect"])
        .logs(logged::by_connect(endpoint))
}

/// What `Connect` gets where nothing routes it. A proxy that passes requests on whole leaves the half-open one hanging;
/// its twin that ends at once, or `HealthCheck`, then shows the page.
fn unrouted(endpoint: &Endpoint) -> Option<String> {
    let ended = endpoint
        .heard_in(Experiment::ConnectEnded)
        .and_then(|heard| heard.answer(CallName::ConnectEnded));
    match endpoint.reply(CallName::Connect)? {
        Reply::Silent => [ended, endpoint.answer(CallName::HealthCheck)]
            .into_iter()
            .flatten()
            .find_map(page),
        _ => page(endpoint.answer(CallName::Connect)?),
    }
}

/// What shows that a call got to no gRPC server, in words.
pub(super) fn page(answer: &Answer) -> Option<String> {
    match answer.reply() {
        // nginx adds the slash by itself where a location is written with one at its end.
        Reply::Http(head, _)
            if head
                .field("location")
                .is_some_and(|to| to.ends_with("/protobuf.Transport/Connect/")) =>
        {
            Some(format!("HTTP {} to the same path with a slash at its end", head.status))
        }
        Reply::Grpc(status) if status.code == Status::UNIMPLEMENTED && status.said == Said::Nothing => {
            Some("Envoy's \"no route\" (status 12 without a message)".to_owned())
        }
        Reply::Http(head, _) if head.status == 404 => Some("HTTP 404".to_owned()),
        Reply::Http(head, _) if head.status == 405 => Some(NO_POST.to_owned()),
        Reply::Http(head, page) if head.status == 200 && matches!(page.mark, Mark::Html | Mark::DefaultSite) => {
            Some(match &page.title {
                Some(title) => format!("a web page (\"{title}\")"),
                None => "a web page".to_owned(),
            })
        }
        // Caddy answers so for a site that it doesn't have.
        Reply::Http(head, page)
            if head.status == 200 && page.mark == Mark::Empty && head.field("content-type").is_none() =>
        {
            Some("an empty HTTP 200".to_owned())
        }
        _ => None,
    }
}

const NO_POST: &str = "HTTP 405";
