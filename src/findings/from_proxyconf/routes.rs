//! Where gRPC calls end up.

use super::site::{Means, Taken};
use super::{Conf, Draft, Site, forward, once};
use crate::proxyconf::path::{Is, METHODS};
use crate::proxyconf::{Action, Layer, Route, Server};

/// The methods by the names that people know, in the order of [`METHODS`].
const METHOD_NAMES: [&str; 3] = ["Connect", "PreConnect", "HealthCheck"];

/// HD601: nothing takes gRPC calls to the gateway's gRPC port.
pub(super) fn not_routed(conf: &Conf<'_>) -> Vec<Draft> {
    let rewritten = conf.grpc_routes().filter_map(|(_, route)| {
        let at = route.rewrites.as_ref()?;
        let message = format!("calls to {} arrive at the gateway under another path", route.path);
        Some(Draft::new(message, "pass the path on as it is: it names the method").place(at))
    });
    let to_rest = conf.grpc_forwards().filter_map(|(site, route, to)| {
        let same = conf.same_as_rest(to)?;
        (site.means(route) == Means::Grpc && !to.is_http2()).then(|| {
            let message = format!(
                "calls to {} go to {same}, where the API goes too: gRPC reaches the REST port",
                route.path
            );
            Draft::new(message, "forward /protobuf.Transport/ to the gateway's gRPC port, 8010").place(&to.at)
        })
    });
    let completed = conf.grpc().filter_map(|site| {
        let route = site.connect().surely().filter(|route| adds_slash(route))?;
        let message = format!(
            "calls are redirected to a path with a slash at its end, which is what {} is for",
            route.path
        );
        Some(
            Draft::new(
                message,
                "route the prefix /protobuf.Transport/, or each method without a slash",
            )
            .place(&route.at),
        )
    });
    let found = once(rewritten.chain(to_rest).chain(completed));
    if conf.grpc().next().is_some() || !found.is_empty() {
        return found;
    }
    let unrouted = conf.sites.iter().filter(|site| site.listener.layer == Layer::Http).filter_map(|site| {
        let taken = site.connect();
        if !taken.perhaps.is_empty() || taken.by.is_some_and(says_why) {
            return None;
        }
        let (what, at) = match taken.by {
            Some(route @ Route { action: Action::Answer(status), at, .. }) => (format!("are answered with {status}, by the route for {}", route.path), at),
            Some(route) => (format!("go {}, by the route for {}", whither(route), route.path), &route.at),
            None => ("are taken by no route".to_owned(), &site.listener.at),
        };
        let almost = almost(site);
        let at = almost.map_or(at, |route| &route.at);
        let almost = almost.map_or(String::new(), |route| format!(", and {} is another path", route.path));
        let later = site.listener.routes.iter().find(|route| site.would_take(route));
        let why = match later {
            Some(later) => format!("the one for {} comes too late", later.path),
            None => format!("none is for /protobuf.Transport/{almost}"),
        };
        let message = format!("gRPC calls to {} {what}: {why}", site.name());
        let remedy = "add a route for the prefix /protobuf.Transport/ to the gateway's gRPC port, 8010, before the one for everything";
        Some(Draft::new(message, remedy).place(at))
    });
    once(unrouted)
}

/// HD603: only some methods are routed.
pub(super) fn partial(conf: &Conf<'_>) -> Vec<Draft> {
    let partial = conf
        .grpc()
        .filter(|site| site.listener.layer == Layer::Http)
        .filter_map(|site| {
            let route = site.connect().surely()?;
            let missing = methods(site, |taken| is_elsewhere(site, taken));
            (!missing.is_empty()).then(|| {
                let go = if missing.len() == 1 { "goes" } else { "go" };
                let message = format!(
                    "the route for {} takes Connect, and {} {go} elsewhere: standard agents work, embedded agents and `hoop run` don't",
                    route.path,
                    missing.join(" and ")
                );
                Draft::new(message, "route the whole prefix /protobuf.Transport/ to the gRPC port").place(&route.at)
            })
        });
    once(partial)
}

/// Where a route leads: `to 10.0.0.10:8009`.
fn whither(route: &Route) -> String {
    let server = forward(route).and_then(|to| to.servers.first());
    match server {
        Some(Server {
            host, port: Some(port), ..
        }) => format!("to {host}:{port}"),
        Some(Server { host, .. }) => format!("to {host}"),
        None => "elsewhere".to_owned(),
    }
}

/// Whether calls are sent to their own path with a slash behind it.
pub(super) fn adds_slash(route: &Route) -> bool {
    matches!(&route.action, Action::Redirect(to) if METHODS.iter().any(|method| to.trim_end_matches('/').ends_with(method)))
}

/// Whether what becomes of calls there has a name of its own: a redirect, a refusal, an error.
fn says_why(route: &Route) -> bool {
    match route.action {
        Action::Answer(status) => matches!(status, 401 | 403 | 407 | 500..),
        Action::Redirect(_) | Action::Else(_) => true,
        Action::Forward(_) => false,
    }
}

/// A route that names the service and takes none of its methods.
fn almost<'a>(site: &Site<'a>) -> Option<&'a Route> {
    let names = |route: &&Route| {
        let text = route.path.to_string().to_ascii_lowercase();
        text.contains("protobuf") && !METHODS.iter().any(|method| route.path.takes(method) == Is::Yes)
    };
    site.listener.routes.iter().find(names)
}

/// The names of the methods for which this holds.
fn methods(site: &Site<'_>, holds: impl Fn(&Taken<'_>) -> bool) -> Vec<&'static str> {
    let all = site.methods.iter().zip(METHOD_NAMES);
    all.filter(|(taken, _)| holds(taken)).map(|(_, name)| name).collect()
}

/// What isn't for gRPC.
fn is_elsewhere(site: &Site<'_>, taken: &Taken<'_>) -> bool {
    taken.perhaps.is_empty() && taken.by.is_none_or(|route| site.means(route) == Means::Rest)
}
