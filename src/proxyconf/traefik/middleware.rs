//! What stands between a router and its service: middlewares.

use super::tree::{get, number, text, words};
use super::{Part, named};
use crate::proxyconf::path::{Is, METHODS};
use crate::proxyconf::yaml::{Key, Node};
use crate::proxyconf::{Action, Guard, GuardKind, Path, Place, Route, Setting};

/// How deep chains may hold chains.
const DEEPEST: usize = 8;

/// The routes behind the middlewares of these names, in order. One that is in no file changes nothing that is known.
pub(super) fn behind(parts: &[Part<'_>], names: &[&str], tls: bool, route: Route) -> Vec<Route> {
    let mut routes = vec![route];
    for (part, key, node) in each(parts, names, DEEPEST) {
        routes = routes
            .into_iter()
            .flat_map(|route| one(part, key, node, tls, route))
            .collect();
    }
    routes
}

/// Kinds of middlewares with their settings; chains are followed.
fn each<'a>(parts: &'a [Part<'a>], names: &[&str], depth: usize) -> Vec<(&'a Part<'a>, &'a Key, &'a Node)> {
    let mut found = Vec::new();
    for name in names {
        let Some((part, node)) = named(parts, &["http", "middlewares"], name) else {
            continue;
        };
        for (key, settings) in node.entries() {
            if !key.name.eq_ignore_ascii_case("chain") {
                found.push((part, key, settings.as_ref()));
            } else if depth > 0 {
                let inner: Vec<&str> = words(settings, "middlewares")
                    .into_iter()
                    .map(|(name, _)| name)
                    .collect();
                found.extend(each(parts, &inner, depth - 1));
            }
        }
    }
    found
}

fn one(part: &Part<'_>, key: &Key, node: &Node, tls: bool, mut route: Route) -> Vec<Route> {
    let file = part.file;
    let at = key.place(file);
    let guard = |kind| Guard {
        at: at.clone(),
        kind,
        name: key.name.clone(),
    };
    match key.name.to_ascii_lowercase().as_str() {
        "basicauth" | "digestauth" | "forwardauth" => route.guards.push(guard(GuardKind::Authenticates)),
        "ratelimit" | "inflightreq" => route.guards.push(guard(GuardKind::Limits)),
        "buffering" => {
            route.buffers_requests = Some(Setting::written(true, "buffering", at.clone()));
            route.buffers_responses = Some(Setting::written(true, "buffering", at));
            route.limits.body = number(file, node, "maxRequestBodyBytes").filter(|limit| limit.value > 0);
        }
        "retry" => {
            // The first attempt is none of them.
            let times = get(node, "attempts")
                .and_then(Node::number)
                .map(|attempts| attempts.saturating_sub(1));
            route.retries = Some(Setting::written(times, "retry", at)).filter(|retries| retries.value != Some(0));
        }
        "redirectscheme" => {
            let scheme = text(node, "scheme").unwrap_or("https");
            if (scheme == "https") != tls {
                route.action = Action::Redirect(format!("scheme {scheme}"));
            }
        }
        "redirectregex" => {
            let regex = text(node, "regex").unwrap_or_default();
            route.action = Action::Else(format!("redirectRegex {regex}"));
        }
        "stripprefix" => {
            let prefixes: Vec<&str> = words(node, "prefixes").into_iter().map(|(prefix, _)| prefix).collect();
            return stripped(route, &prefixes, &at);
        }
        "addprefix" | "replacepath" => route.rewrites = Some(at),
        "stripprefixregex" | "replacepathregex" => {
            let written = words(node, "regex");
            let changes = |(regex, _): &(&str, &Node)| {
                let regex = Path::Matches((*regex).to_owned());
                METHODS
                    .iter()
                    .any(|method| route.path.takes(method) != Is::No && regex.takes(method) != Is::No)
            };
            if written.iter().any(changes) {
                route.rewrites = Some(at);
            }
        }
        "headers" => {
            let own = get(node, "customRequestHeaders").map(Node::entries).unwrap_or_default();
            // Those that are set in place of the client's count as removed.
            route.removes.extend(
                own.iter()
                    .filter(|(_, value)| value.text().is_some())
                    .map(|(header, _)| {
                        Setting::written(
                            header.name.to_ascii_lowercase(),
                            "customRequestHeaders",
                            header.place(file),
                        )
                    }),
            );
        }
        _ => {}
    }
    vec![route]
}

/// A prefix is taken away from the paths that have it; those go first.
fn stripped(mut route: Route, prefixes: &[&str], at: &Place) -> Vec<Route> {
    let mut all = Vec::new();
    for prefix in prefixes {
        match &route.path {
            Path::Exact(own) | Path::Prefix(own) if own.starts_with(prefix) => {
                route.rewrites = Some(at.clone());
                break;
            }
            Path::All | Path::Prefix(_) if route.path.takes(prefix) == Is::Yes => {
                let mut part = route.clone();
                part.path = Path::Prefix((*prefix).to_owned());
                part.rewrites = Some(at.clone());
                all.push(part);
            }
            _ => {}
        }
    }
    all.push(route);
    all
}
