//! How the proxy speaks to the gateway.

use std::collections::HashMap;

use super::limits::said;
use super::site::{Means, forward, to_port};
use super::{Conf, Draft, REST, once};
use crate::findings::Confidence;
use crate::proxies::Proxy;
use crate::proxyconf::{Forward, GuardKind, Layer, Route, Speaks};

/// HD604: HTTP/1 to the gRPC port, or gRPC to the REST port.
pub(super) fn protocol(conf: &Conf<'_>) -> Vec<Draft> {
    let wrong = conf.grpc_forwards().filter_map(|(site, route, to)| {
        if site.listener.layer == Layer::Tcp || site.listener.proxy == Proxy::AwsAlb {
            return None;
        }
        match to.speaks.value {
            Speaks::Http1 | Speaks::Foreign if conf.same_as_rest(to).is_none() && !to_port(route, REST) => {
                let message = format!(
                    "calls to {} are forwarded by HTTP/1.1, and the gateway's gRPC port speaks HTTP/2: {}",
                    route.path,
                    said(&to.speaks)
                );
                Some(Draft::new(message, "speak gRPC, or HTTP/2, to the gateway's port 8010").place(&to.speaks.at))
            }
            Speaks::Http2 if site.means(route) == Means::Grpc => {
                let same = conf.same_as_rest(to)?;
                let message = format!(
                    "calls to {} go to {same}, where the API goes too: the gateway has a port for each",
                    route.path
                );
                let draft = Draft::new(message, "forward /protobuf.Transport/ to the gateway's gRPC port, 8010");
                Some(draft.confidence(Confidence::Likely).place(&to.at))
            }
            Speaks::Http1 | Speaks::Http2 | Speaks::AsClient | Speaks::Foreign | Speaks::Unknown => None,
        }
    });
    let rest = conf.rest_forwards().filter_map(|(site, route, to)| {
        let is_grpc = to.is_http2() && site.means(route) == Means::Grpc && site.listener.proxy != Proxy::AwsAlb;
        is_grpc.then(|| {
            let message = format!(
                "requests to {} at {} are forwarded by gRPC to the gateway's REST port: {}",
                route.path,
                site.name(),
                said(&to.speaks)
            );
            Draft::new(message, "speak HTTP/1.1 to port 8009, and gRPC to port 8010 alone").place(&to.speaks.at)
        })
    });
    once(wrong.chain(rest))
}

/// HD614: a target group that takes no gRPC.
pub(super) fn target_group(conf: &Conf<'_>) -> Vec<Draft> {
    let wrong = conf.grpc_forwards().filter_map(|(site, route, to)| {
        let is_http1 = site.listener.proxy == Proxy::AwsAlb && to.speaks.value == Speaks::Http1;
        (is_http1 && site.listener.layer == Layer::Http).then(|| {
            let message = format!(
                "calls to {} go to a target group for HTTP/1.1: {}",
                route.path,
                said(&to.speaks)
            );
            Draft::new(
                message,
                "make it a target group with protocol version GRPC on port 8010",
            )
            .place(&to.speaks.at)
        })
    });
    once(wrong)
}

/// HD605: TLS towards one of the gateway's ports and not towards the other.
pub(super) fn tls(conf: &Conf<'_>) -> Vec<Draft> {
    let mut rest: HashMap<&str, (&Route, &Forward)> = HashMap::new();
    for (_, route, to) in conf
        .rest_forwards()
        .filter(|(_, _, to)| to.speaks.value != Speaks::Foreign)
    {
        for server in &to.servers {
            rest.entry(&server.host).or_insert((route, to));
        }
    }
    let wrong = conf.grpc_forwards().filter_map(|(_, route, to)| {
        let own = to.tls.as_ref()?;
        let same_host = to.servers.iter().filter_map(|server| rest.get(server.host.as_str()));
        let (_, other) = same_host.copied().find(|(other, _)| !std::ptr::eq(*other, route))?;
        let other = other.tls.as_ref().filter(|other| other.value != own.value)?;
        let (with, without) = match own.value {
            true => ("gRPC", "the API"),
            false => ("the API", "gRPC"),
        };
        let message = format!(
            "the gateway is spoken to with TLS for {with} ({}) and without for {without} ({}): it has TLS on both ports or on none",
            if own.value { said(own) } else { said(other) },
            if own.value { said(other) } else { said(own) },
        );
        let draft = Draft::new(message, "use TLS towards the gateway on both ports where TLS_CERT, TLS_KEY or USE_TLS is set there, on none otherwise");
        Some(draft.confidence(Confidence::Likely).place(&own.at).place(&other.at))
    });
    once(wrong)
}

/// HD606: every server is known to be down, or there is none.
pub(super) fn nobody_there(conf: &Conf<'_>) -> Vec<Draft> {
    let down = conf.grpc_forwards().filter_map(|(_, route, to)| {
        let message = format!("calls to {} find no healthy server{}", route.path, named(to));
        to.is_down()
            .then(|| Draft::new(message, "see why the health check fails, and register the gateway").place(&to.at))
    });
    once(down)
}

/// HD204: in cleartext, a connection that is closed before anything is said.
pub(super) fn closed_in_cleartext(conf: &Conf<'_>) -> Vec<Draft> {
    closed(conf, false)
}

/// HD318: the same behind a hello.
pub(super) fn closed_in_tls(conf: &Conf<'_>) -> Vec<Draft> {
    closed(conf, true)
}

/// Bytes that are refused, or that reach the gateway behind a PROXY header. Whether the client speaks TLS through it is
/// not in the file where its upstream isn't asked for it either.
fn closed(conf: &Conf<'_>, encrypted: bool) -> Vec<Draft> {
    let sites = conf
        .grpc()
        .filter(|site| site.listener.layer == Layer::Tcp && site.is_encrypted() == encrypted);
    let closed = sites.filter_map(|site| {
        let route = site.connect().surely()?;
        if let Some(guard) = route.guards.iter().find(|guard| guard.kind == GuardKind::Denies) {
            let message = format!("every connection to {} is closed: {}", site.name(), guard.name);
            return Some(Draft::new(message, "let agents and clients through").place(&guard.at));
        }
        let at = forward(route)?.sends_proxy_protocol.as_ref()?;
        let message = format!(
            "what comes to {} is sent on behind a PROXY header, which the gateway doesn't understand",
            site.name()
        );
        let draft = Draft::new(message, "send none: the gateway reads no PROXY header").place(at);
        // Another proxy may come between.
        Some(draft.confidence(Confidence::Likely))
    });
    once(closed)
}

/// HD607: calls that reach the gateway behind a PROXY header.
pub(super) fn proxy_header(conf: &Conf<'_>) -> Vec<Draft> {
    let forwards = conf.grpc_forwards();
    let sent = forwards
        .filter(|(site, ..)| site.listener.layer == Layer::Http)
        .filter_map(|(_, route, to)| {
            let at = to.sends_proxy_protocol.as_ref()?;
            let message = format!(
                "calls to {} are sent on behind a PROXY header, which the gateway doesn't understand",
                route.path
            );
            let draft = Draft::new(message, "send none: the gateway reads no PROXY header").place(at);
            Some(draft.confidence(Confidence::Likely))
        });
    once(sent)
}

fn named(to: &Forward) -> String {
    match &to.name {
        Some(name) => format!(": {name}"),
        None => String::new(),
    }
}

impl Forward {
    /// Whether it speaks HTTP/2.
    pub(in crate::findings) fn is_http2(&self) -> bool {
        self.speaks.value == Speaks::Http2
    }

    /// Whether servers are known, and none of them is healthy.
    fn is_down(&self) -> bool {
        !self.servers.is_empty() && self.servers.iter().all(|server| server.down.is_some())
    }
}

impl Conf<'_> {
    /// The server to which the API goes as well, where another forward has the same ones.
    pub(super) fn same_as_rest(&self, to: &Forward) -> Option<String> {
        let servers = servers(to)?;
        let others = self.rest_by_servers.get(&servers)?;
        let server = to.servers.first()?;
        let is_other = others.iter().any(|other| !std::ptr::eq(*other, to));
        is_other.then(|| format!("{}:{}", server.host, server.port.unwrap_or_default()))
    }
}

/// The servers of a forward in order; `None` where there is none, or not every port is known.
pub(super) fn servers(to: &Forward) -> Option<Vec<(&str, u16)>> {
    let all = to
        .servers
        .iter()
        .map(|server| Some((server.host.as_str(), server.port?)));
    let mut all: Vec<(&str, u16)> = all.collect::<Option<_>>()?;
    all.sort_unstable();
    Some(all).filter(|all| !all.is_empty())
}
