//! 6xx: gRPC.

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::{Answer, CallName, Reply};
use hoop_doctor_probes::wire::opening::Opening;
use hoop_doctor_probes::wire::page::{Maker, Mark, Page};
use hoop_doctor_probes::wire::status::{ResetReason, Said, Status};

use super::{Confidence, Rule};
use crate::evidence::Endpoint;
use crate::experiments::Experiment;
use crate::proxies::{self, Proxy};

mod credentials;
pub(super) mod logged;
mod upstream;

#[cfg(test)]
pub(super) mod fixture;

#[cfg(test)]
pub(super) use upstream::signatures;

pub(super) mod access_denied;
mod already_connected;
mod bad_gateway;
mod credentials_rejected;
mod gateway_internal;
mod health_unknown;
mod intermittent;
mod metadata_stripped;
mod not_routed;
mod other_service;
mod rate_limited;
mod request_buffered;
mod rest_port;
mod routes_partial;
mod stream_reset;
mod target_group;
mod timeout;
mod trailers_missing;
mod upstream_down;
mod upstream_protocol;
mod upstream_tls;

pub(super) const RULES: &[&Rule] = &[
    &not_routed::RULE,
    &rest_port::RULE,
    &routes_partial::RULE,
    &upstream_protocol::RULE,
    &upstream_tls::RULE,
    &upstream_down::RULE,
    &bad_gateway::RULE,
    &trailers_missing::RULE,
    &other_service::RULE,
    &gateway_internal::RULE,
    &access_denied::RULE,
    &request_buffered::RULE,
    &stream_reset::RULE,
    &target_group::RULE,
    &health_unknown::RULE,
    &timeout::RULE,
    &metadata_stripped::RULE,
    &credentials_rejected::RULE,
    &already_connected::RULE,
    &rate_limited::RULE,
    &intermittent::RULE,
];

/// Whether the address is Hoop's REST port itself: over HTTP/1.1 it answers as hoopgateway, and no proxy shows.
fn is_rest_port(endpoint: &Endpoint) -> bool {
    let Some(heard) = endpoint.heard_in(Experiment::RestHere) else {
        return false;
    };
    let own = heard.answer(CallName::Healthz).and_then(|answer| answer.head.as_ref());
    let says_so = own
        .and_then(|head| head.field("server"))
        .is_some_and(|server| server.starts_with("hoopgateway"));
    let healthy = heard.answer(CallName::Healthz).and_then(|answer| answer.page.as_ref());
    let is_hoop = healthy.is_some_and(|page| matches!(page.mark, Mark::LivenessOk | Mark::LivenessErr));
    let alone = match proxies::recognise(endpoint).map(|found| found.proxy) {
        None | Some(Proxy::None) => true,
        // The REST port with TLS, or a proxy written in Go that adds nothing of its own: only the port tells.
        Some(Proxy::GoHttp) => !endpoint.target.tls || endpoint.target.port == 8009,
        Some(_) => false,
    };
    // Go answers a preface without a page; whoever has one for it stands in front.
    let preface = endpoint.base.as_ref().and_then(|base| base.http2.as_ref());
    let paged = preface.is_some_and(
        |http2| matches!(&http2.first.opening, Opening::Http1 { page, .. } if page.mark == Mark::ErrorPage),
    );
    says_so && is_hoop && alone && !paged
}

/// Whether a limiter is at work: refusals that only limiters give, or 503 beside calls that the gateway answers.
fn is_limited(endpoint: &Endpoint) -> bool {
    limit_sign(endpoint).is_some()
}

/// What shows a limiter. A gateway that restarts gives the same mixture of answers and 503.
fn limit_sign(endpoint: &Endpoint) -> Option<(String, Confidence)> {
    let heard: Vec<&Heard> = endpoint
        .base
        .iter()
        .chain(endpoint.heard_in(Experiment::Repeat))
        .collect();
    let answers = || heard.iter().flat_map(|heard| heard.answers());
    let answered = answers().filter(|answer| is_gateways(answer)).count();
    let mut unavailable = 0;
    for answer in answers() {
        match answer.reply() {
            Reply::Http(head, _) if head.status == 429 => return Some(("HTTP 429".to_owned(), Confidence::Certain)),
            Reply::Grpc(status) if is_limiter(status.said) => {
                return Some((format!("\"{}\"", status.message), Confidence::Certain));
            }
            Reply::Http(head, page) if head.status == 503 && page.mark == Mark::ErrorPage && !lacks_a_target(page) => {
                unavailable += 1;
            }
            _ => {}
        }
    }
    let some = answered > 0 && unavailable > 0;
    some.then(|| {
        let all = answered + unavailable;
        let sign = format!("of {all} calls within a moment {unavailable} got HTTP 503 from the proxy");
        (sign, Confidence::Likely)
    })
}

/// Whether a page says that the proxy found nobody to pass the call to; nginx's limiter has the page of every 503.
fn lacks_a_target(page: &Page) -> bool {
    matches!(
        page.maker,
        Some(Maker::Haproxy | Maker::Traefik | Maker::Awselb | Maker::Envoy)
    )
}

/// Whether a limiter refused this call, if one of many was refused.
pub(super) fn is_by_limiter(answer: &Answer) -> bool {
    match answer.reply() {
        Reply::Http(head, _) => matches!(head.status, 429 | 503),
        Reply::Grpc(status) => is_limiter(status.said),
        Reply::NoStatus(_) | Reply::Reset(_) | Reply::Refused | Reply::Lost | Reply::Silent => false,
    }
}

/// Envoy's rate limit and its circuit breaker.
fn is_limiter(said: Said) -> bool {
    let overflow = matches!(
        said,
        Said::UpstreamReset {
            reason: ResetReason::Overflow,
            ..
        }
    );
    said == Said::RateLimited || overflow
}

pub(super) fn is_gateways(answer: &Answer) -> bool {
    matches!(answer.reply(), Reply::Grpc(status) if status.said.is_gateway() || status.code == Status::OK)
}
