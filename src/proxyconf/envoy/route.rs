//! What becomes of a request: virtual hosts in the order in which Envoy prefers their domains, and their routes as they are written.

use std::cmp::Reverse;

use super::cluster::Clusters;
use super::filter::Filter;
use super::tree::{at, duration, entry, get, is_true, items, list, place, text};
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::Node;
use crate::proxyconf::{Action, Asks, Condition, Guard, Host, Limits, Path, Route, Setting, Speaks};

/// What a connection manager has for all of its routes.
pub(super) struct Manager<'a> {
    pub(super) file: &'a Text,
    pub(super) node: &'a Node,
    pub(super) clusters: &'a Clusters<'a>,
    pub(super) filters: Vec<Filter<'a>>,
    /// What the connection itself has to pass.
    pub(super) guards: Vec<Guard>,
}

/// The routes of a route configuration.
pub(super) fn routes<'a>(manager: &Manager<'a>, config: &'a Node) -> Vec<Route> {
    let hosts: Vec<&Node> = list(config, "virtual_hosts").collect();
    let ignores_port = is_true(config, "ignore_port_in_host_matching")
        || is_true(manager.node, "strip_any_host_port")
        || is_true(manager.node, "strip_matching_host_port");
    let mut domains: Vec<Domain> = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        domains.extend(Domain::all(manager.file, host, index, ignores_port));
    }
    domains.sort_by_key(|domain| (domain.rank, domain.width, domain.of, domain.portless));
    let groups: Vec<&[Domain]> = domains
        .chunk_by(|one, next| (one.rank, one.of, one.portless) == (next.rank, next.of, next.portless))
        .collect();
    let mut all = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let Some((first, host)) = group.first().and_then(|first| Some((first, hosts.get(first.of)?))) else {
            continue;
        };
        let mut routes = of_host(manager, config, host);
        // A request of this host never gets to the routes of another.
        let takes_all = |route: &Route| route.when.is_empty() && matches!(&route.path, Path::All);
        if index + 1 < groups.len() && !routes.iter().any(takes_all) {
            routes.push(Route::new(host.place(manager.file), Path::All, Action::Answer(404)));
        }
        for mut route in routes {
            route.hosts = group.iter().filter_map(|domain| domain.host.clone()).collect();
            if first.portless {
                route.when.push(Condition {
                    asks: Asks::HostWithoutPort,
                    not: false,
                });
            }
            all.push(route);
        }
    }
    all
}

/// A domain of a virtual host, in Envoy's order: names, the longest ends, the longest beginnings, all.
struct Domain {
    rank: u8,
    width: Reverse<usize>,
    /// Whose it is.
    of: usize,
    /// `None` for all of them.
    host: Option<Setting<Host>>,
    /// Fits only where the client names no port, as gRPC's clients always do.
    portless: bool,
}

impl Domain {
    fn all(file: &Text, host: &Node, of: usize, ignores_port: bool) -> Vec<Self> {
        let words: Vec<(&str, &Node)> = list(host, "domains")
            .filter_map(|one| Some((one.text()?, one)))
            .collect();
        let mut found = Vec::new();
        for (word, node) in &words {
            let (name, port) = split_port(word);
            let twin = |with_port: bool| {
                words.iter().any(|(other, _)| {
                    let (other, port) = split_port(other);
                    other.eq_ignore_ascii_case(name) && port.is_some() == with_port
                })
            };
            // A name with its port and the same name without are one.
            if port.is_some() && twin(false) {
                continue;
            }
            let rank = match name {
                "*" => 3,
                _ if name.starts_with('*') => 1,
                _ if name.ends_with('*') => 2,
                _ => 0,
            };
            found.push(Self {
                rank,
                width: Reverse(if rank == 1 || rank == 2 { name.len() } else { 0 }),
                of,
                host: Host::read(name).map(|host| Setting::written(host, "domains", node.place(file))),
                portless: rank < 2 && port.is_none() && !ignores_port && !twin(true),
            });
        }
        found
    }
}

/// A domain and the port that it names, `*` included.
fn split_port(domain: &str) -> (&str, Option<&str>) {
    let is_port = |port: &str| port == "*" || !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match domain.rsplit_once(':') {
        Some((name, port)) if is_port(port) => (name, Some(port)),
        _ => (domain, None),
    }
}

fn of_host<'a>(manager: &Manager<'a>, config: &'a Node, host: &'a Node) -> Vec<Route> {
    let mut all = Vec::new();
    for node in list(host, "routes") {
        let levels = [node, host, config];
        let mut routes = vec![one_route(manager, node, &levels)];
        let per_filter: Vec<&Node> = levels
            .iter()
            .filter_map(|level| get(level, "typed_per_filter_config"))
            .collect();
        let limited = [get(node, "route").unwrap_or(node), host]
            .iter()
            .any(|level| get(level, "rate_limits").is_some());
        for filter in &manager.filters {
            routes = routes
                .into_iter()
                .flat_map(|route| filter.before(manager.file, &per_filter, limited, route))
                .collect();
        }
        all.extend(routes);
    }
    if let Some((key, _)) = entry(host, "matcher") {
        let what = "matcher".to_owned();
        all.push(Route::new(
            key.place(manager.file),
            Path::Else(what.clone()),
            Action::Else(what),
        ));
    }
    all
}

/// A route before its filters. The levels are the route, its virtual host and the route configuration.
fn one_route(manager: &Manager<'_>, node: &Node, levels: &[&Node]) -> Route {
    let file = manager.file;
    let matcher = get(node, "match").unwrap_or(node);
    let mut route = Route::new(node.place(file), path(matcher), action(manager, node));
    route.when = conditions(matcher);
    route.guards = manager.guards.clone();
    for level in levels {
        route.removes.extend(removed(file, level));
    }
    let Some(to) = get(node, "route") else { return route };
    let prefix = match &route.path {
        Path::Prefix(prefix) | Path::Segments(prefix) | Path::Exact(prefix) => Some(prefix.as_str()),
        _ => None,
    };
    route.rewrites = ["prefix_rewrite", "regex_rewrite", "path_rewrite", "path_rewrite_policy"]
        .iter()
        .filter(|field| text(to, field).is_none_or(|rewritten| !rewritten.is_empty() && Some(rewritten) != prefix))
        .find_map(|field| place(file, to, field));
    route.retries = [to, levels.get(1).copied().unwrap_or(to)]
        .iter()
        .find_map(|level| entry(level, "retry_policy"))
        .filter(|(_, policy)| text(policy, "retry_on").is_some_and(|on| !on.is_empty()))
        .map(|(key, policy)| {
            let times = get(policy, "num_retries").and_then(Node::number).unwrap_or(1);
            Setting::written(Some(times), "retry_policy", key.place(file))
        });
    route.upgrades = Some(upgrades(manager, to));
    route.limits = limits(manager, to);
    for name in clusters(to) {
        route.guards.extend(manager.clusters.guard(file, name));
        route.limits.lifetime.extend(manager.clusters.lifetime(file, name));
    }
    route
}

fn limits(manager: &Manager<'_>, to: &Node) -> Limits {
    let file = manager.file;
    let idle = duration(file, to, "idle_timeout")
        .or_else(|| duration(file, manager.node, "stream_idle_timeout"))
        .unwrap_or_else(|| Setting::by_default(5 * 60_000, "stream_idle_timeout", manager.node.place(file)));
    let lifetime = get(to, "max_stream_duration")
        .and_then(|own| duration(file, own, "max_stream_duration"))
        .or_else(|| {
            let common = get(manager.node, "common_http_protocol_options")?;
            duration(file, common, "max_stream_duration")
        });
    Limits {
        // Zero is no limit.
        idle: Some(idle).filter(|limit| limit.value > 0).into_iter().collect(),
        lifetime: lifetime.filter(|limit| limit.value > 0).into_iter().collect(),
        ..Limits::default()
    }
}

fn upgrades(manager: &Manager<'_>, to: &Node) -> Setting<bool> {
    let found = [to, manager.node].iter().find_map(|level| {
        let websocket =
            |one: &&Node| text(one, "upgrade_type").is_some_and(|kind| kind.eq_ignore_ascii_case("websocket"));
        let one = list(level, "upgrade_configs").find(websocket)?;
        let enabled = get(one, "enabled").and_then(Node::truth).unwrap_or(true);
        Some(Setting::written(enabled, "upgrade_configs", one.place(manager.file)))
    });
    found.unwrap_or_else(|| Setting::by_default(false, "upgrade_configs", manager.node.place(manager.file)))
}

/// Request headers that a level removes or overwrites.
fn removed(file: &Text, level: &Node) -> Vec<Setting<String>> {
    let removed = list(level, "request_headers_to_remove").filter_map(|name| {
        Some(Setting::written(
            name.text()?.to_ascii_lowercase(),
            "request_headers_to_remove",
            name.place(file),
        ))
    });
    let overwritten = list(level, "request_headers_to_add").filter_map(|one| {
        let action = text(one, "append_action").unwrap_or_default().to_ascii_uppercase();
        let old = get(one, "append").and_then(Node::truth) == Some(false);
        let name = at(one, &["header", "key"])?;
        (old || action.starts_with("OVERWRITE")).then(|| {
            Some(Setting::written(
                name.text()?.to_ascii_lowercase(),
                "request_headers_to_add",
                name.place(file),
            ))
        })?
    });
    removed.chain(overwritten).collect()
}

fn action(manager: &Manager<'_>, node: &Node) -> Action {
    if let Some(to) = get(node, "route") {
        return forward(manager, to);
    }
    if let Some(redirect) = get(node, "redirect") {
        let words: Vec<String> = redirect
            .entries()
            .iter()
            .filter_map(|(key, value)| Some(format!("{} {}", key.name, value.text()?)))
            .collect();
        return Action::Redirect(words.join(", "));
    }
    let status = get(node, "direct_response").and_then(|answer| get(answer, "status")?.number());
    match status.and_then(|status| status.try_into().ok()) {
        Some(status) => Action::Answer(status),
        None => Action::Else("no action that is followed here".to_owned()),
    }
}

/// The names of the clusters that a route leads to.
fn clusters(to: &Node) -> Vec<&str> {
    let weighted = get(to, "weighted_clusters").into_iter();
    let shares = |one: &&Node| get(one, "weight").and_then(Node::number) != Some(0);
    let names = weighted
        .flat_map(|weighted| list(weighted, "clusters"))
        .filter(shares)
        .filter_map(|one| text(one, "name"));
    text(to, "cluster").into_iter().chain(names).collect()
}

fn forward(manager: &Manager<'_>, to: &Node) -> Action {
    let names = clusters(to);
    let named = ["cluster", "weighted_clusters"]
        .iter()
        .find_map(|field| entry(to, field));
    let (Some((first, others)), Some((_, value))) = (names.split_first(), named) else {
        let what = to.entries().first().map_or("route", |(key, _)| key.name.as_str());
        return Action::Else(what.to_owned());
    };
    let at = value.place(manager.file);
    let mut forward = manager.clusters.forward(manager.file, at.clone(), first);
    for other in others {
        let other = manager.clusters.forward(manager.file, at.clone(), other);
        if other.speaks.value != forward.speaks.value {
            forward.speaks = Setting::by_default(Speaks::Unknown, "weighted_clusters", at.clone());
        }
        if other.tls.as_ref().map(|tls| tls.value) != forward.tls.as_ref().map(|tls| tls.value) {
            forward.tls = None;
        }
        forward.servers.extend(other.servers);
        forward.sends_proxy_protocol = forward.sends_proxy_protocol.or(other.sends_proxy_protocol);
    }
    Action::Forward(Box::new(forward))
}

/// The paths of a matcher.
fn path(matcher: &Node) -> Path {
    let cased = get(matcher, "case_sensitive").and_then(Node::truth) != Some(false);
    let word = |field: &str| text(matcher, field).map(str::to_owned);
    if let Some(prefix) = word("prefix") {
        return match (prefix.as_str(), cased) {
            ("" | "/", _) => Path::All,
            (_, true) => Path::Prefix(prefix),
            (_, false) => Path::PrefixAnyCase(prefix),
        };
    }
    if let Some(exact) = word("path") {
        return match cased {
            true => Path::Exact(exact),
            false => Path::Matches(format!("(?i)^{}$", regex_lite::escape(&exact))),
        };
    }
    if let Some(own) = word("path_separated_prefix") {
        return match cased {
            true => Path::Segments(own),
            false => Path::Matches(format!("(?i)^{}(/|$)", regex_lite::escape(&own))),
        };
    }
    if let Some(regex) = at(matcher, &["safe_regex", "regex"]).and_then(Node::text) {
        return Path::Matches(format!("^(?:{regex})$"));
    }
    match get(matcher, "connect_matcher") {
        Some(_) => Path::All,
        None => Path::Else("match".to_owned()),
    }
}

/// The paths of a matcher that asks for nothing else.
pub(super) fn path_alone(matcher: &Node) -> Path {
    match conditions(matcher).is_empty() {
        true => path(matcher),
        false => Path::Else("match".to_owned()),
    }
}

/// What else a matcher asks for.
fn conditions(matcher: &Node) -> Vec<Condition> {
    let mut all: Vec<Condition> = list(matcher, "headers").map(header).collect();
    let asks = |asks| Condition { asks, not: false };
    if get(matcher, "grpc").is_some() {
        all.push(asks(Asks::Header(
            "content-type".to_owned(),
            "application/grpc".to_owned(),
        )));
    }
    if get(matcher, "connect_matcher").is_some() {
        all.push(asks(Asks::Method(vec!["CONNECT".to_owned()])));
    }
    let others = [
        "query_parameters",
        "cookies",
        "tls_context",
        "dynamic_metadata",
        "filter_state",
    ];
    for field in others {
        if get(matcher, field).is_some_and(|value| items(value).next().is_some()) {
            all.push(asks(Asks::Else(field.to_owned())));
        }
    }
    if let Some(share) = get(matcher, "runtime_fraction") {
        let whole = at(share, &["default_value", "numerator"]).and_then(Node::number) == Some(100);
        if !whole {
            all.push(asks(Asks::Else("runtime_fraction".to_owned())));
        }
    }
    all
}

fn header(node: &Node) -> Condition {
    let name = text(node, "name").unwrap_or_default().to_ascii_lowercase();
    let how = get(node, "string_match").unwrap_or(node);
    let word = |field: &str| text(how, field);
    let not = is_true(node, "invert_match");
    let value = word("exact")
        .or_else(|| word("exact_match"))
        .or_else(|| word("prefix"))
        .or_else(|| word("prefix_match"));
    let regex = get(how, "safe_regex")
        .or_else(|| get(how, "safe_regex_match"))
        .and_then(|one| text(one, "regex"));
    let asks = match (name.as_str(), value, get(node, "present_match").and_then(Node::truth)) {
        (":method", Some(method), _) => Asks::Method(vec![method.to_owned()]),
        (":path", Some(path), _) if word("exact").or_else(|| word("exact_match")).is_some() => {
            Asks::Path(Path::Exact(path.to_owned()))
        }
        (":path", Some(path), _) => Asks::Path(Path::Prefix(path.to_owned())),
        (":authority" | ":path" | "host", ..) => Asks::Else(format!("header {name}")),
        (_, Some(value), _) => Asks::Header(name, value.to_owned()),
        (_, None, Some(present)) => {
            return Condition {
                asks: Asks::Header(name, String::new()),
                not: not == present,
            };
        }
        // `application/grpc.*` is a beginning.
        (_, None, None) => match regex.map(|regex| regex.trim_start_matches('^').trim_end_matches('$')) {
            Some(regex) if is_beginning(regex) => Asks::Header(name, regex.trim_end_matches(".*").to_owned()),
            Some(_) => Asks::Else(format!("header {name}")),
            None if how.entries().len() <= 1 && get(node, "string_match").is_none() => {
                Asks::Header(name, String::new())
            }
            None => Asks::Else(format!("header {name}")),
        },
    };
    Condition { asks, not }
}

fn is_beginning(regex: &str) -> bool {
    let literal = regex.strip_suffix(".*");
    literal.is_some_and(|literal| {
        literal
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'+'))
    })
}
