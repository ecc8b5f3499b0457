//! What stands between a client and the gateway: what refuses, sends away, slows down or takes something out.

use super::routes::adds_slash;
use super::{Conf, Draft, Site, forward, once};
use crate::findings::Severity;
use crate::proxyconf::{Action, Guard, GuardKind, Layer, Route};

/// HD611: gRPC is refused before it reaches the gateway.
pub(super) fn denied(conf: &Conf<'_>) -> Vec<Draft> {
    let by_guard = guarded(conf, |guard| {
        matches!(guard.kind, GuardKind::Denies | GuardKind::Authenticates)
    })
    .map(|(route, guard)| {
        let what = match guard.kind {
            GuardKind::Denies => "are refused",
            GuardKind::Authenticates | GuardKind::Aborts | GuardKind::ClientCertificate | GuardKind::Limits => {
                "are asked for credentials that agents and clients don't send"
            }
        };
        Draft::new(
            format!("calls to {} {what}: {}", route.path, guard.name),
            "exempt /protobuf.Transport/ from it: the gateway asks for credentials itself",
        )
        .place(&guard.at)
    });
    let by_certificate = guarded(conf, |guard| guard.kind == GuardKind::ClientCertificate).map(|(route, guard)| {
        Draft::new(
            format!(
                "calls to {} are asked for a client certificate, and Hoop has none: {}",
                route.path, guard.name
            ),
            "exempt /protobuf.Transport/ from it",
        )
        .place(&guard.at)
    });
    let by_answer = answering(conf).filter_map(|(site, route)| match &route.action {
        Action::Answer(status @ (401 | 403 | 407)) => Some(
            Draft::new(
                format!("gRPC calls to {} are answered with {status}", site.name()),
                "forward /protobuf.Transport/ to the gateway's gRPC port instead",
            )
            .place(&route.at),
        ),
        Action::Redirect(to) if !adds_slash(route) => Some(
            Draft::new(
                format!(
                    "gRPC calls to {} are sent to {to}, and no gRPC client follows",
                    site.name()
                ),
                "forward /protobuf.Transport/ to the gateway's gRPC port before anything is redirected",
            )
            .place(&route.at),
        ),
        Action::Answer(_) | Action::Redirect(_) | Action::Forward(_) | Action::Else(_) => None,
    });
    once(by_guard.chain(by_certificate).chain(by_answer))
}

/// HD504: the API is redirected.
pub(super) fn redirected(conf: &Conf<'_>) -> Vec<Draft> {
    let away = conf.sites.iter().filter_map(|site| {
        let route = site.healthz.surely()?;
        let Action::Redirect(to) = &route.action else {
            return None;
        };
        Some(
            Draft::new(
                format!("requests to the API at {} are sent to {to}", site.name()),
                "forward the API to the gateway, or use the address that it is sent to as api_url",
            )
            .place(&route.at),
        )
    });
    // A host for gRPC alone may send browsers where it likes.
    match conf.rest_forwards().next().is_none() {
        true => once(away),
        false => Vec::new(),
    }
}

/// HD607: the proxy answers gRPC calls by itself.
pub(super) fn answers_itself(conf: &Conf<'_>) -> Vec<Draft> {
    let answers = answering(conf).filter_map(|(site, route)| match route.action {
        Action::Answer(status @ 500..=599) => {
            let message = format!(
                "gRPC calls to {} are answered with {status} by the proxy itself",
                site.name()
            );
            let draft = Draft::new(
                message,
                "forward /protobuf.Transport/ to the gateway's gRPC port instead",
            );
            Some(draft.place(&route.at))
        }
        Action::Answer(_) | Action::Redirect(_) | Action::Forward(_) | Action::Else(_) => None,
    });
    let aborted = guarded(conf, |guard| guard.kind == GuardKind::Aborts).map(|(route, guard)| {
        let message = format!(
            "calls to {} are answered with an error by the proxy itself: {}",
            route.path, guard.name
        );
        Draft::new(message, "exempt /protobuf.Transport/ from it").place(&guard.at)
    });
    once(answers.chain(aborted))
}

/// HD620: calls are counted.
pub(super) fn limited(conf: &Conf<'_>) -> Vec<Draft> {
    let limits = guarded(conf, |guard| guard.kind == GuardKind::Limits).map(|(route, guard)| {
        Draft::new(
            format!("calls to {} are limited: {}", route.path, guard.name),
            "exempt /protobuf.Transport/ from it: agents behind one address share what is left",
        )
        .severity(match is_of_concurrency(&guard.name) {
            true => Severity::Warn,
            false => Severity::Error,
        })
        .place(&guard.at)
    });
    once(limits)
}

/// Whether it counts what is there at a time: that is met later than what comes in a second.
fn is_of_concurrency(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["conn", "max_requests", "inflight"]
        .iter()
        .any(|word| name.contains(word))
}

/// HD506: the API is refused, or asks for credentials that aren't Hoop's.
pub(super) fn rest_denied(conf: &Conf<'_>) -> Vec<Draft> {
    let denied = conf.rest_forwards().filter_map(|(site, route, _)| {
        let guard = route.guards.iter().find(|guard| guard.kind != GuardKind::Limits)?;
        let message = format!(
            "the API at {} is behind {}: the login of `hoop` and the web app stop there",
            site.name(),
            guard.name
        );
        Some(
            Draft::new(
                message,
                "exempt Hoop's host from it: the gateway asks for credentials itself",
            )
            .place(&guard.at),
        )
    });
    once(denied)
}

/// HD617: a header that the gateway needs is taken out.
pub(super) fn stripped(conf: &Conf<'_>) -> Vec<Draft> {
    let stripped = conf.grpc_routes().filter_map(|(_, route)| {
        let takes_out = |name: &str, pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        let (header, removed) = ["origin", "authorization"].into_iter().find_map(|name| {
            let removed = route.removes.iter().find(|removed| takes_out(name, &removed.value))?;
            Some((name, removed))
        })?;
        let message = format!(
            "calls to {} reach the gateway without `{header}`: {}",
            route.path, removed.name
        );
        let draft = Draft::new(
            message,
            format!("pass `{header}` on: the gateway refuses every call without it"),
        );
        Some(draft.place(&removed.at))
    });
    once(stripped)
}

/// The guards of gRPC routes, as some ask for them.
fn guarded<'a>(conf: &Conf<'a>, asked: impl Fn(&Guard) -> bool) -> impl Iterator<Item = (&'a Route, &'a Guard)> {
    // What closes connections has codes of its own.
    let routes = conf
        .grpc_routes()
        .filter(|(site, _)| site.listener.layer == Layer::Http);
    routes.filter_map(move |(_, route)| Some((route, route.guards.iter().find(|guard| asked(guard))?)))
}

/// Routes that take gRPC calls and forward none, at the sites through which gRPC has to come.
fn answering<'c, 'a>(conf: &'c Conf<'a>) -> impl Iterator<Item = (&'c Site<'a>, &'a Route)> {
    conf.ways_in().into_iter().filter_map(|site| {
        let route = site.connect().surely()?;
        forward(route).is_none().then_some((site, route))
    })
}
