//! From AWS's terms to the model: what becomes of a request at each listener.

mod upstream;

use std::collections::HashSet;

use self::upstream::{check, forward, traffic_port, unknown_group};
use super::stack::{Act, Asked, Attributes, Balancer, Entrance, Group, Rule, Stack, Told, text};
use crate::proxies::Proxy;
use crate::proxyconf::{
    Action, Asks, Condition, Guard, GuardKind, Host, Http2, Layer, Limits, Listener, Path, Place, ProxyConf, Route,
    Setting, Speaks, Terminated, Tls, Workload,
};

/// The port that Hoop's gateway has gRPC on.
const GRPC_PORT: u16 = 8010;
/// "Quotas for your Application Load Balancers": one header, and requests of one HTTP/2 connection at a time.
const HEADER: u64 = 16 << 10;
const STREAMS: u64 = 128;

/// Adds what a stack says.
pub(super) fn add(stack: &Stack, conf: &mut ProxyConf) {
    for one in &stack.listeners {
        conf.listeners.extend(listener(stack, one));
    }
    let used: HashSet<*const Group> = stack
        .listeners
        .iter()
        .flat_map(|one| one.actions.iter().flatten())
        .chain(stack.rules.iter().flat_map(|one| one.actions.iter().flatten()))
        .flat_map(|act| act.groups.iter().filter_map(|one| stack.group(&one.group)))
        .map(std::ptr::from_ref)
        .collect();
    let unused = stack
        .groups
        .iter()
        .filter(|group| !used.contains(&std::ptr::from_ref(*group)));
    conf.checks
        .extend(unused.filter_map(|group| check(group, traffic_port(stack, group))));
    conf.workloads.extend(workloads(stack));
}

fn listener(stack: &Stack, one: &Entrance) -> Option<Listener> {
    let balancer = stack.balancer(one);
    let kind = balancer.and_then(Balancer::kind);
    let protocol = text(&one.protocol);
    let layer = match (protocol, kind) {
        // Clients of Hoop arrive over TCP.
        (Some("UDP" | "QUIC" | "GENEVE"), _) | (_, Some("gateway")) => return None,
        (Some("TCP" | "TLS" | "TCP_UDP" | "TCP_QUIC"), _) | (None, Some("network")) => Layer::Tcp,
        (Some(_) | None, _) => Layer::Http,
    };
    let port = one.port.as_ref().and_then(Told::port);
    let mut listener = Listener::new(one.at.clone(), Proxy::AwsAlb, port, layer);
    let attributes = attributes(stack, one);
    let place = balancer.map_or(&one.at, |balancer| &balancer.at);
    listener.tls = match protocol {
        Some("HTTPS" | "TLS") => Tls::Ended(Box::new(terminated(one))),
        Some("HTTP") => Tls::Off,
        Some("TCP" | "TCP_UDP" | "TCP_QUIC") => Tls::Passed,
        Some(_) | None => Tls::Unknown,
    };
    listener.http2 = match (protocol, &one.protocol) {
        (Some("HTTPS"), _) => {
            let allowed = attributes.and_then(|all| all.truth("routing.http2.enabled", true, place));
            allowed.map(|on| on.map(|on| if on { Http2::Spoken } else { Http2::Http1Only }))
        }
        // A balancer takes HTTP/2 only where ALPN has chosen it.
        (Some("HTTP"), Some(told)) => Some(told.setting(Http2::Http1Only)),
        (Some("TLS"), _) => alpn(one),
        (Some(_) | None, _) => None,
    };
    listener.limits = match layer {
        Layer::Http => request_limits(attributes, place),
        Layer::Tcp => Limits {
            idle: tcp_idle(one).into_iter().collect(),
            ..Limits::default()
        },
    };
    let drops = attributes
        .and_then(|all| all.truth("routing.http.drop_invalid_header_fields.enabled", false, place))
        .filter(|drops| drops.value);
    let mut rules: Vec<&Rule> = stack.rules(one).collect();
    rules.sort_by_key(|rule| priority(rule));
    let shown_default = rules.iter().any(|rule| text(&rule.priority) == Some("default"));
    for rule in rules {
        let mut routes = routes(stack, layer, &rule.at, rule.actions.as_deref());
        for route in &mut routes {
            route.rewrites = rule.rewrites.clone();
            for asked in &rule.conditions {
                narrow(route, asked);
            }
        }
        listener.routes.extend(routes);
    }
    // The rule of the lowest priority repeats what the listener says.
    if !shown_default {
        listener
            .routes
            .extend(routes(stack, layer, &one.at, one.actions.as_deref()));
    }
    if let Some(drops) = drops {
        for route in listener.routes.iter_mut().filter(|route| takes_http1(route)) {
            route.removes.push(drops.clone().map(|_| "hoop_key".to_owned()));
        }
    }
    Some(listener)
}

/// The attributes of a listener's balancer; `None` where they aren't among the files.
fn attributes<'a>(stack: &'a Stack, one: &Entrance) -> Option<&'a Attributes> {
    stack
        .balancer(one)
        .map(|balancer| &balancer.attributes)
        .or(stack.attributes.as_ref())
}

fn terminated(one: &Entrance) -> Terminated {
    let at = one.protocol.as_ref().map_or(&one.at, |told| &told.at);
    let mut tls = Terminated::new(at.clone());
    let certificates = one.certificates.iter().chain(&one.more_certificates);
    tls.certificates = certificates
        .filter_map(|told| Some(told.setting(told.known()?.clone())))
        .collect();
    tls.client_certificate = one
        .mutual
        .as_ref()
        .and_then(|mode| Some(mode.setting(mode.known()? == "verify")));
    tls.newest = match &one.policy {
        // Policies that know TLS 1.3 say so in their names.
        Some(policy) => policy.known().map(|name| {
            let newest = if name.contains("TLS13") { "1.3" } else { "1.2" };
            policy.setting(newest.to_owned())
        }),
        None => Some(Setting::by_default("1.2".to_owned(), "SslPolicy", one.at.clone())),
    };
    tls
}

/// What a TLS listener of a network balancer chooses.
fn alpn(one: &Entrance) -> Option<Setting<Http2>> {
    let Some(told) = &one.alpn else {
        return Some(Setting::by_default(Http2::NoAlpn, "AlpnPolicy", one.at.clone()));
    };
    let http2 = match told.known()?.as_str() {
        "HTTP2Only" | "HTTP2Preferred" | "HTTP2Optional" => Http2::Spoken,
        "HTTP1Only" => Http2::Http1Only,
        "None" => Http2::NoAlpn,
        _ => return None,
    };
    Some(told.setting(http2))
}

fn request_limits(attributes: Option<&Attributes>, place: &Place) -> Limits {
    let seconds = |key: &str, default: u64| {
        let seconds = attributes.and_then(|all| all.number(key, default, place));
        seconds.map(|set| set.map(|seconds| seconds.saturating_mul(1_000)))
    };
    Limits {
        idle: seconds("idle_timeout.timeout_seconds", 60).into_iter().collect(),
        age: seconds("client_keep_alive.seconds", 3_600),
        header: Some(Setting::by_default(HEADER, "size of a header", place.clone())),
        streams: Some(Setting::by_default(
            STREAMS,
            "requests of an HTTP/2 connection",
            place.clone(),
        )),
        ..Limits::default()
    }
}

/// TLS flows have a fixed one.
fn tcp_idle(one: &Entrance) -> Option<Setting<u64>> {
    const FLOW: u64 = 350;
    let set = match text(&one.protocol) {
        Some("TCP") => one.attributes.number("tcp.idle_timeout.seconds", FLOW, &one.at),
        Some(_) | None => Some(Setting::by_default(FLOW, "idle timeout of a flow", one.at.clone())),
    };
    set.map(|set| set.map(|seconds| seconds.saturating_mul(1_000)))
}

/// The lowest number is asked first, and the default last. One without a number gets the next that is free.
fn priority(rule: &Rule) -> u64 {
    match (&rule.priority, text(&rule.priority)) {
        (_, Some("default")) => u64::MAX,
        (Some(told), _) => told.number().unwrap_or(u64::MAX - 1),
        (None, _) => u64::MAX - 1,
    }
}

/// Restricts a route to what a condition asks for.
fn narrow(route: &mut Route, asked: &Asked) {
    let values: Vec<Option<&str>> = asked
        .values
        .iter()
        .map(|told| told.known().map(String::as_str))
        .collect();
    let written = || -> String {
        let names = asked.values.iter().map(|told| told.known().unwrap_or(&told.at.text));
        let names: Vec<&str> = names.map(|name| name.trim()).collect();
        format!("{} {}", asked.field.as_deref().unwrap_or("condition"), names.join(", "))
    };
    let known: Option<Vec<&str>> = values.iter().copied().collect();
    let known = known.filter(|known| !known.is_empty());
    let asks = match (asked.field.as_deref(), known) {
        (Some("path-pattern"), _) if !values.is_empty() && route.path == Path::All => {
            let mut paths: Vec<Path> = asked.values.iter().map(|told| path(told, asked.is_regex)).collect();
            route.path = match paths.len() {
                1 => paths.remove(0),
                _ => Path::Any(paths),
            };
            return;
        }
        (Some("host-header"), _) if !values.is_empty() && route.hosts.is_empty() => {
            let hosts = asked.values.iter().map(|told| host(told, asked.is_regex));
            // One that is for all of them leaves nothing to ask.
            let hosts: Option<Vec<Setting<Host>>> = hosts.collect();
            route.hosts = hosts.unwrap_or_default();
            return;
        }
        (Some("http-request-method"), Some(methods)) => Asks::Method(methods.into_iter().map(str::to_owned).collect()),
        (Some("http-header"), Some(known)) => match (&asked.header, known.as_slice()) {
            (Some(header), [value]) if !asked.is_regex && begins(value).is_some() => Asks::Header(
                header.to_ascii_lowercase(),
                begins(value).unwrap_or_default().to_owned(),
            ),
            _ => Asks::Else(written()),
        },
        _ => Asks::Else(written()),
    };
    route.when.push(Condition { asks, not: false });
}

/// A pattern that is a beginning: `*` and `?` stand nowhere but at its end.
fn begins(pattern: &str) -> Option<&str> {
    let start = pattern.trim_end_matches('*');
    (!start.contains(['*', '?'])).then_some(start)
}

fn path(told: &Told<String>, is_regex: bool) -> Path {
    match told.known() {
        Some(pattern) if is_regex => Path::Matches(pattern.clone()),
        Some(pattern) if pattern == "/*" || pattern == "*" => Path::All,
        Some(pattern) => Path::Glob(pattern.clone()),
        None => Path::Else(told.at.text.trim().to_owned()),
    }
}

fn host(told: &Told<String>, is_regex: bool) -> Option<Setting<Host>> {
    let host = match told.known() {
        Some(pattern) if is_regex || pattern.contains('?') => Host::Else(pattern.clone()),
        Some(pattern) => Host::read(pattern)?,
        None => Host::Else(told.at.text.trim().to_owned()),
    };
    Some(told.setting(host))
}

/// What actions make of a request. Of several weighted groups each may be chosen, and the heaviest where no other is.
fn routes(stack: &Stack, layer: Layer, at: &Place, actions: Option<&[Act]>) -> Vec<Route> {
    let Some(actions) = actions else {
        let unknown = Action::Else("actions that are known once it is deployed".to_owned());
        return vec![Route::new(at.clone(), Path::All, unknown)];
    };
    let mut actions: Vec<&Act> = actions.iter().collect();
    actions.sort_by_key(|act| act.order);
    let mut guards = Vec::new();
    for act in actions {
        match act.kind.as_deref() {
            Some(kind @ ("authenticate-oidc" | "authenticate-cognito" | "jwt-validation")) => {
                if act.on_unauthenticated.as_deref() != Some("allow") {
                    guards.push(Guard {
                        at: act.at.clone(),
                        kind: GuardKind::Authenticates,
                        name: kind.to_owned(),
                    });
                }
            }
            kind => return ending(stack, layer, at, act, kind, guards),
        }
    }
    let mut route = Route::new(at.clone(), Path::All, Action::Else("no action".to_owned()));
    route.guards = guards;
    vec![route]
}

fn ending(stack: &Stack, layer: Layer, at: &Place, act: &Act, kind: Option<&str>, guards: Vec<Guard>) -> Vec<Route> {
    let action = match (kind, &act.status) {
        (Some("forward"), _) => return forwards(stack, layer, at, act, &guards),
        (Some("redirect"), _) => Action::Redirect(act.redirect.clone()),
        (Some("fixed-response"), Some(status)) => match status.parse() {
            Ok(status) => Action::Answer(status),
            Err(_) => Action::Else(format!("fixed-response {status}")),
        },
        (kind, _) => Action::Else(kind.unwrap_or("an unknown action").to_owned()),
    };
    let mut route = Route::new(at.clone(), Path::All, action);
    route.guards = guards;
    vec![route]
}

fn forwards(stack: &Stack, layer: Layer, at: &Place, act: &Act, guards: &[Guard]) -> Vec<Route> {
    let mut groups: Vec<_> = act.groups.iter().filter(|one| one.weight > 0).collect();
    groups.sort_by_key(|one| one.weight);
    let all: u64 = groups.iter().fold(0, |sum, one| sum.saturating_add(one.weight));
    let last = groups.len().saturating_sub(1);
    let mut found = Vec::new();
    for (index, one) in groups.iter().enumerate() {
        let group = stack.group(&one.group);
        let forward = match group {
            Some(group) => forward(stack, layer, &one.group, group),
            None => unknown_group(&one.group),
        };
        let mut route = Route::new(at.clone(), Path::All, Action::Forward(Box::new(forward)));
        route.guards = guards.to_vec();
        if index < last {
            route.when.push(Condition {
                asks: Asks::Else(format!("weight {} of {all}", one.weight)),
                not: false,
            });
        }
        if let (Some(group), Layer::Http) = (group, layer) {
            // WebSockets are HTTP/1.1's: groups of other versions answer them with 464.
            route.upgrades = group.version().map(|version| match &group.version {
                Some(told) => told.setting(version == "HTTP1"),
                None => Setting::by_default(true, "ProtocolVersion", group.at.clone()),
            });
        }
        found.push(route);
    }
    if found.is_empty() {
        let mut route = Route::new(at.clone(), Path::All, Action::Answer(503));
        route.guards = guards.to_vec();
        found.push(route);
    }
    found
}

/// Whether a browser's or a WebSocket's request can go there.
fn takes_http1(route: &Route) -> bool {
    matches!(&route.action, Action::Forward(to) if to.speaks.value != Speaks::Http2)
}

/// Services whose gRPC port is a gateway's, where nothing says that they are something else.
fn workloads(stack: &Stack) -> Vec<Workload> {
    let is_gateway = |service: &&super::stack::Service| {
        let joins_grpc = service.joins.iter().any(|(to, port)| {
            let port = port.as_ref().or(stack.group(to).and_then(|group| group.port.as_ref()));
            port.and_then(Told::port) == Some(GRPC_PORT)
        });
        joins_grpc && service.is_hoop != Some(false)
    };
    let found = stack.services.iter().filter(is_gateway).filter_map(|service| {
        Some(Workload {
            name: service.name.clone(),
            replicas: service.count.clone()?,
        })
    });
    found.collect()
}

impl Attributes {
    /// One of them, its default where it isn't there, `None` where it can't be known.
    fn get<T>(
        &self,
        key: &str,
        default: T,
        place: &Place,
        read: impl Fn(&Told<String>) -> Option<T>,
    ) -> Option<Setting<T>> {
        match self.all.get(key) {
            Some(told) => read(told).map(|value| told.setting(value)),
            None if self.is_complete => Some(Setting::by_default(default, key, place.clone())),
            None => None,
        }
    }

    fn number(&self, key: &str, default: u64, place: &Place) -> Option<Setting<u64>> {
        self.get(key, default, place, Told::number)
    }

    fn truth(&self, key: &str, default: bool, place: &Place) -> Option<Setting<bool>> {
        self.get(key, default, place, Told::truth)
    }
}

impl<T> Setting<T> {
    /// The same place with what becomes of the value.
    fn map<U>(self, value: impl FnOnce(T) -> U) -> Setting<U> {
        Setting {
            value: value(self.value),
            name: self.name,
            from: self.from,
            at: self.at,
        }
    }
}
