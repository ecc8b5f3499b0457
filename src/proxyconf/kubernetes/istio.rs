//! Istio's own API: Gateways, VirtualServices and DestinationRules, and what EnvoyFilters and policies add to them.

use super::services::{Found, PortName, towards};
use super::{Cluster, Field, Object, duration};
use crate::proxies::Proxy;
use crate::proxyconf::path::{Is, METHODS};
use crate::proxyconf::{
    Action, Asks, Condition, Forward, Guard, GuardKind, Host, Http2, Layer, Listener, Path, ProxyConf, Route, Setting,
    Speaks, Terminated, Tls,
};

const NETWORKING: &str = "networking.istio.io";
const SECURITY: &str = "security.istio.io";

/// Adds a listener for each server of each Gateway, and one for each Gateway that only VirtualServices name.
pub(super) fn read(cluster: &Cluster, conf: &mut ProxyConf) {
    let services: Vec<&Object> = cluster.all(NETWORKING, "VirtualService").collect();
    for gateway in cluster.all(NETWORKING, "Gateway") {
        for server in gateway.spec("servers").into_iter().flat_map(Field::items) {
            let Some(mut listener) = listener(server, conf) else {
                continue;
            };
            if listener.routes.is_empty() {
                let hosts: Vec<Host> = listener.hosts.iter().map(|host| host.value.clone()).collect();
                let mine = services
                    .iter()
                    .filter(|service| names(service, gateway.namespace, gateway.name));
                fill(cluster, mine.copied(), &hosts, &mut listener, conf);
            }
            conf.listeners.push(listener);
        }
    }
    let mut unknown: Vec<(Option<&str>, &str)> = Vec::new();
    for service in &services {
        for field in service.spec("gateways").into_iter().flat_map(Field::items) {
            let (namespace, name) = gateway(field.word().unwrap_or_default(), service.namespace);
            let known = cluster.named(NETWORKING, "Gateway", namespace, name).is_some();
            // `mesh` is all of the cluster's own traffic.
            if name == "mesh" || known || unknown.contains(&(namespace, name)) {
                continue;
            }
            unknown.push((namespace, name));
            let mut listener = Listener::new(field.place(), Proxy::Istio, None, Layer::Http);
            listener.tls = Tls::Unknown;
            let mine = services.iter().filter(|service| names(service, namespace, name));
            fill(cluster, mine.copied(), &[], &mut listener, conf);
            conf.listeners.push(listener);
        }
    }
    // What is patched into Istio's Envoys holds for those that Gateway API configures too.
    let mine = conf
        .listeners
        .iter_mut()
        .filter(|listener| listener.proxy == Proxy::Istio);
    for listener in mine {
        for filter in cluster.all(NETWORKING, "EnvoyFilter") {
            patched(filter, listener);
        }
        guard(cluster, listener);
    }
}

/// A Gateway's namespace and name, as a VirtualService writes them: `name` or `namespace/name`.
fn gateway<'a>(text: &'a str, own: Option<&'a str>) -> (Option<&'a str>, &'a str) {
    match text.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (own, text),
    }
}

/// Whether a VirtualService or one of its matches is for a Gateway.
fn names(service: &Object, namespace: Option<&str>, name: &str) -> bool {
    let all = service.spec("gateways").into_iter().flat_map(Field::items);
    all.filter_map(Field::word).any(|text| {
        let (of, asked) = gateway(text, service.namespace);
        asked == name && (of == namespace || of.is_none() || namespace.is_none())
    })
}

/// A server of a Gateway. Istio's webhook refuses TLS without settings, and settings without a certificate.
fn listener(server: Field, conf: &mut ProxyConf) -> Option<Listener> {
    let protocol = server.at(&["port", "protocol"])?;
    let port = server.at(&["port", "number"]).and_then(Field::port);
    let tls = server.get("tls");
    let mode = tls.and_then(|tls| tls.word_of("mode"));
    let kind = protocol.word().unwrap_or_default().to_ascii_uppercase();
    let is_secure = matches!(kind.as_str(), "HTTPS" | "TLS");
    let layer = match kind.as_str() {
        "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" | "HTTPS" => Layer::Http,
        _ => Layer::Tcp,
    };
    let mut listener = Listener::new(server.place(), Proxy::Istio, port, layer);
    for host in server.list("hosts") {
        // `namespace/host`, where `.` and `*` are namespaces too.
        let text = host.word().unwrap_or_default();
        let text = text.split_once('/').map_or(text, |(_, host)| host);
        listener
            .hosts
            .extend(Host::read(text).map(|name| host.setting(name, "hosts")));
        if Host::read(text).is_none() {
            listener.hosts.clear();
            break;
        }
    }
    if layer == Layer::Http {
        listener.limits.header = Some(server.default(60 << 10, "max_request_headers_kb"));
    }
    match (is_secure, mode) {
        (true, Some("PASSTHROUGH" | "AUTO_PASSTHROUGH")) => {
            listener.tls = Tls::Passed;
            listener.layer = Layer::Tcp;
        }
        (true, _) => {
            let Some(tls) = tls else {
                conf.problems
                    .push(protocol.refused("a server with the protocol HTTPS or TLS has a tls section"));
                return None;
            };
            let has_certificate = [
                "credentialName",
                "credentialNames",
                "serverCertificate",
                "tlsCertificates",
            ]
            .iter()
            .any(|key| tls.get(key).is_some());
            if !has_certificate && mode != Some("ISTIO_MUTUAL") {
                conf.problems.push(
                    tls.refused("TLS that ends here needs a credentialName, or a serverCertificate with its key"),
                );
                return None;
            }
            listener.tls = ended(tls, mode);
            if layer == Layer::Http {
                listener.http2 = Some(protocol.default(Http2::Spoken, "protocol"));
            }
        }
        (false, _) => {
            if layer == Layer::Http {
                listener.http2 = Some(protocol.default(Http2::Spoken, "protocol"));
            }
            let redirect = tls.and_then(|tls| tls.get("httpsRedirect"));
            if let Some(field) = redirect.filter(|field| field.node.truth() == Some(true)) {
                let action = Action::Redirect("https".to_owned());
                listener.routes = vec![Route::new(field.place(), Path::All, action)];
            }
        }
    }
    Some(listener)
}

/// TLS that ends at a Gateway.
fn ended(tls: Field, mode: Option<&str>) -> Tls {
    let mut ended = Terminated::new(tls.get("mode").unwrap_or(tls).place());
    let named = ["credentialName", "serverCertificate"].into_iter().filter_map(|key| {
        let field = tls.get(key)?;
        Some(field.setting(field.word()?.to_owned(), key))
    });
    ended.certificates = named.collect();
    ended.certificates.extend(
        tls.list("credentialNames")
            .filter_map(|field| Some(field.setting(field.word()?.to_owned(), "credentialNames"))),
    );
    ended.client_certificate = match mode {
        Some("MUTUAL" | "ISTIO_MUTUAL") => tls.get("mode").map(|mode| mode.setting(true, "mode")),
        _ => None,
    };
    ended.newest = tls.get("maxProtocolVersion").and_then(|field| {
        let version = field.word()?.strip_prefix("TLSV")?.replace('_', ".");
        Some(field.setting(version, "maxProtocolVersion"))
    });
    Tls::Ended(Box::new(ended))
}

/// Adds the routes of VirtualServices. Envoy looks for the most precise host first, then goes through its routes in order.
fn fill<'a>(
    cluster: &Cluster<'a>,
    services: impl Iterator<Item = &'a Object<'a>>,
    served: &[Host],
    listener: &mut Listener,
    conf: &mut ProxyConf,
) {
    let mut found: Vec<(u8, usize, Vec<Route>)> = Vec::new();
    for service in services {
        let hosts = service.spec("hosts").into_iter().flat_map(Field::items);
        let hosts: Vec<(Field, Option<Host>)> = hosts
            .map(|host| (host, host.word().and_then(Host::read)))
            .filter(|(_, host)| {
                let meets = |one: &Host| host.as_ref().is_none_or(|host| meet(one, host));
                served.is_empty() || served.iter().any(meets)
            })
            .collect();
        let mut routes = Vec::new();
        if !hosts.is_empty() {
            service_routes(cluster, service, listener, &mut routes, conf);
        }
        for (field, host) in hosts {
            let (kind, length) = match &host {
                Some(Host::Name(name)) => (0, name.len()),
                Some(Host::Below(name) | Host::Else(name)) => (1, name.len()),
                None => (2, 0),
            };
            let own = routes.iter().cloned().map(|mut route: Route| {
                if route.hosts.is_empty() {
                    route
                        .hosts
                        .extend(host.clone().map(|host| field.setting(host, "hosts")));
                }
                route
            });
            found.push((kind, usize::MAX - length, own.collect()));
        }
    }
    found.sort_by_key(|(kind, length, _)| (*kind, *length));
    listener.routes = found.into_iter().flat_map(|(_, _, routes)| routes).collect();
}

/// Whether some name is among both.
fn meet(one: &Host, other: &Host) -> bool {
    match (one, other) {
        (Host::Name(one), Host::Name(other)) => one == other,
        (Host::Below(end), Host::Name(name)) | (Host::Name(name), Host::Below(end)) => name.ends_with(end),
        (Host::Below(one), Host::Below(other)) => one.ends_with(other) || other.ends_with(one),
        (Host::Else(_), _) | (_, Host::Else(_)) => true,
    }
}

/// The routes of one VirtualService at one listener.
fn service_routes(
    cluster: &Cluster,
    service: &Object,
    listener: &Listener,
    routes: &mut Vec<Route>,
    conf: &mut ProxyConf,
) {
    if listener.layer == Layer::Tcp {
        for (kind, rule) in ["tls", "tcp"].iter().flat_map(|kind| {
            service
                .spec(kind)
                .into_iter()
                .flat_map(Field::items)
                .map(move |rule| (*kind, rule))
        }) {
            let matches: Vec<Field> = rule.list("match").collect();
            let ports = matches.iter().filter_map(|entry| entry.get("port")?.port());
            if !matches.is_empty()
                && ports.clone().count() > 0
                && !ports.clone().any(|port| Some(port) == listener.port)
            {
                continue;
            }
            let action = forward(cluster, service, rule, Some(kind), conf);
            let mut route = Route::new(rule.place(), Path::All, action);
            let names = matches.iter().flat_map(|entry| entry.list("sniHosts"));
            route.hosts = names
                .filter_map(|name| Some(name.setting(Host::read(name.word()?)?, "sniHosts")))
                .collect();
            routes.push(route);
        }
        return;
    }
    for rule in service.spec("http").into_iter().flat_map(Field::items) {
        let matches: Vec<Option<Field>> = match rule.get("match") {
            Some(all) => all.items().map(Some).collect(),
            None => vec![None],
        };
        for entry in matches {
            let port = entry.and_then(|entry| entry.get("port")?.port());
            if port.is_some() && listener.port.is_some() && port != listener.port {
                continue;
            }
            routes.push(http_route(cluster, service, rule, entry, conf));
        }
    }
}

fn http_route(cluster: &Cluster, service: &Object, rule: Field, entry: Option<Field>, conf: &mut ProxyConf) -> Route {
    let action = if let Some(redirect) = rule.get("redirect") {
        let to = |key| redirect.word_of(key).unwrap_or_default();
        Action::Redirect(format!("{}{}", to("authority"), to("uri")))
    } else if let Some(status) = rule.at(&["directResponse", "status"]) {
        status
            .port()
            .map_or_else(|| Action::Else("directResponse".to_owned()), Action::Answer)
    } else if rule.get("delegate").is_some() {
        Action::Else("delegate".to_owned())
    } else {
        forward(cluster, service, rule, None, conf)
    };
    let at = entry.unwrap_or(rule);
    let mut route = Route::new(at.place(), entry.map_or(Path::All, path), action);
    route.when = entry.map(conditions).unwrap_or_default();
    route.rewrites = ["uri", "uriRegexRewrite"]
        .iter()
        .find_map(|key| rule.at(&["rewrite", key]))
        .map(Field::place);
    let timeout = rule.get("timeout");
    if let Some((field, time)) = timeout.and_then(|field| Some((field, duration(field.word()?)?)))
        && time > 0
    {
        // Envoy counts it from the end of the request: it hits unary calls, and streams that are closed on one side.
        route.limits.lifetime.push(field.setting(time, "timeout"));
    }
    route.retries = rule
        .at(&["retries", "attempts"])
        .filter(|attempts| attempts.number().is_some_and(|number| number > 0))
        .map(|attempts| attempts.setting(attempts.number(), "retries"));
    let headers = rule.at(&["headers", "request"]);
    let removed = headers.into_iter().flat_map(|headers| headers.list("remove"));
    route.removes = removed
        .filter_map(|name| Some(name.setting(name.word()?.to_ascii_lowercase(), "headers.request.remove")))
        .collect();
    let set = headers.and_then(|headers| headers.get("set"));
    route
        .removes
        .extend(set.into_iter().flat_map(Field::entries).map(|(key, value)| {
            let name = key.name.to_ascii_lowercase();
            Setting::written(name, "headers.request.set", key.place(value.text))
        }));
    if let Some(abort) = rule.at(&["fault", "abort"]) {
        let share = abort.at(&["percentage", "value"]).and_then(Field::word);
        let share = share.map_or(Some(100.0), |share| share.parse::<f64>().ok());
        route.guards.push(Guard {
            at: abort.place(),
            kind: match share.is_some_and(|share| share >= 100.0) {
                true => GuardKind::Denies,
                false => GuardKind::Limits,
            },
            name: "fault.abort".to_owned(),
        });
    }
    route.upgrades = Some(rule.default(true, "upgrade_configs"));
    apply_pool(cluster, service, rule, &mut route);
    route
}

/// The path of a match. A prefix is one of letters, not of segments; an expression has to fit all of it.
fn path(entry: Field) -> Path {
    let Some(uri) = entry.get("uri") else {
        return Path::All;
    };
    let any_case = entry.get("ignoreUriCase").and_then(|field| field.node.truth()) == Some(true);
    let word = |key: &str| uri.word_of(key).map(str::to_owned);
    match (word("prefix"), word("exact"), word("regex")) {
        (Some(prefix), ..) if any_case => Path::PrefixAnyCase(prefix),
        (Some(prefix), ..) => Path::Prefix(prefix),
        (_, Some(exact), _) if any_case => Path::Matches(format!("(?i)^{}$", regex_lite::escape(&exact))),
        (_, Some(exact), _) => Path::Exact(exact),
        (_, _, Some(regex)) => Path::Matches(format!("^(?:{regex})$")),
        (None, None, None) => Path::Else("uri".to_owned()),
    }
}

/// What a match asks for beside its path and port.
fn conditions(entry: Field) -> Vec<Condition> {
    let mut all = Vec::new();
    for (key, not) in [("headers", false), ("withoutHeaders", true)] {
        for (name, value) in entry.get(key).into_iter().flat_map(Field::entries) {
            let header = name.name.to_ascii_lowercase();
            let (prefix, exact) = (value.word_of("prefix"), value.word_of("exact"));
            let asks = match (prefix, exact) {
                (Some(prefix), _) => Asks::Header(header, prefix.to_owned()),
                (None, Some("application/grpc")) => Asks::Header(header, "application/grpc".to_owned()),
                (None, Some(exact)) => Asks::Else(format!("{header} is {exact}")),
                (None, None) if value.entries().next().is_none() => Asks::Header(header, String::new()),
                (None, None) => Asks::Else(format!("header {header}")),
            };
            all.push(Condition { asks, not });
        }
    }
    let exact = |key: &str| entry.at(&[key, "exact"]).and_then(Field::word);
    if let Some(method) = exact("method") {
        all.push(Condition {
            asks: Asks::Method(vec![method.to_owned()]),
            not: false,
        });
    }
    let others = ["scheme", "authority", "queryParams", "sourceLabels", "sourceNamespace"];
    all.extend(
        others
            .iter()
            .filter(|key| entry.get(key).is_some())
            .map(|key| Condition {
                asks: Asks::Else((*key).to_owned()),
                not: false,
            }),
    );
    all
}

/// The upstream of a rule; `tcp` and `tls` rules pass bytes on.
fn forward(cluster: &Cluster, service: &Object, rule: Field, bytes: Option<&str>, conf: &mut ProxyConf) -> Action {
    let destinations = rule
        .list("route")
        .filter(|route| route.get("weight").and_then(Field::number) != Some(0))
        .filter_map(|route| route.get("destination"));
    let mut servers = Vec::new();
    let mut towards = None;
    for destination in destinations {
        let Some(host) = destination.get("host") else {
            conf.problems.push(destination.refused("a destination has a host"));
            continue;
        };
        let field = destination.at(&["port", "number"]).unwrap_or(host);
        let (found, port) = resolve(cluster, service, destination);
        if let Found::NoPort(name) = found
            && !matches!(port, PortName::Only)
        {
            conf.problems.push(super::ingress::missing_port(field, name));
        }
        let name = host.word().unwrap_or_default();
        servers.push(found.server(field, name, port));
        if towards.is_none() {
            let (speaks, tls) = match bytes {
                Some(kind) => (rule.default(Speaks::AsClient, kind), None),
                None => protocol(cluster, service, destination, &found),
            };
            towards = Some((field.place(), name, speaks, tls));
        }
    }
    match towards {
        Some((at, name, speaks, tls)) => Action::Forward(Box::new(Forward {
            at,
            name: Some(name.to_owned()),
            speaks,
            tls,
            servers,
            check: None,
            sends_proxy_protocol: None,
        })),
        None => Action::Else("route".to_owned()),
    }
}

/// A destination's name and namespace: `name`, or `name.namespace.svc.cluster.local`.
fn target<'a>(host: &'a str, own: Option<&'a str>) -> (&'a str, Option<&'a str>) {
    let mut parts = host.split('.');
    let name = parts.next().unwrap_or_default();
    (name, parts.next().or(own))
}

fn resolve<'a, 'b>(cluster: &Cluster<'a>, service: &Object, destination: Field<'b>) -> (Found<'a>, PortName<'b>) {
    let (name, namespace) = target(destination.word_of("host").unwrap_or_default(), service.namespace);
    let number = destination.at(&["port", "number"]).and_then(Field::port);
    let port = number.map_or(PortName::Only, PortName::Number);
    (cluster.service_port(namespace, name, port), port)
}

/// The protocol and the TLS towards a destination: what its DestinationRule says, then what its Service declares.
fn protocol(
    cluster: &Cluster,
    service: &Object,
    destination: Field,
    found: &Found,
) -> (Setting<Speaks>, Option<Setting<bool>>) {
    let at = destination.at(&["port", "number"]).unwrap_or(destination);
    let (mut speaks, mut tls) = match found {
        Found::Port(port) => match port.app_protocol().or_else(|| port.by_name()) {
            Some(declared) => towards(&declared),
            // A gateway doesn't find out what is spoken: where nothing is declared, it is HTTP/1.
            None => (
                port.entry.default(Speaks::Http1, "appProtocol"),
                Some(port.entry.default(false, "trafficPolicy.tls.mode")),
            ),
        },
        Found::NoService | Found::NoPort(_) => (at.default(Speaks::Unknown, "appProtocol"), None),
    };
    for policy in policies(cluster, service, destination) {
        let http = policy.at(&["connectionPool", "http"]);
        let upgrade = http.and_then(|http| http.get("h2UpgradePolicy"));
        if let Some(field) = upgrade.filter(|field| field.word() == Some("UPGRADE")) {
            speaks = field.setting(Speaks::Http2, "h2UpgradePolicy");
        }
        let client = http.and_then(|http| http.get("useClientProtocol"));
        if let Some(field) = client.filter(|field| field.node.truth() == Some(true)) {
            speaks = field.setting(Speaks::AsClient, "useClientProtocol");
        }
        if let Some(mode) = policy.at(&["tls", "mode"]) {
            let name = "trafficPolicy.tls.mode";
            tls = match mode.word() {
                Some("DISABLE") => Some(mode.setting(false, name)),
                Some("SIMPLE" | "MUTUAL") => Some(mode.setting(true, name)),
                // The mesh's own TLS ends at a sidecar beside the gateway, which this file doesn't show.
                _ => None,
            };
        }
    }
    (speaks, tls)
}

/// The traffic policies of a destination, the weaker first: the rule's, then the subset's.
fn policies<'a>(cluster: &Cluster<'a>, service: &Object, destination: Field) -> Vec<Field<'a>> {
    let (name, namespace) = target(destination.word_of("host").unwrap_or_default(), service.namespace);
    let rules = cluster.all(NETWORKING, "DestinationRule").filter(|rule| {
        let host = rule.spec("host").and_then(Field::word).unwrap_or_default();
        let (own, of) = target(host, rule.namespace);
        own == name && (of.is_none() || namespace.is_none() || of == namespace)
    });
    let port = destination.at(&["port", "number"]).and_then(Field::number);
    let mut all = Vec::new();
    for rule in rules {
        let of_subset = rule.spec("subsets").into_iter().flat_map(Field::items).find(|subset| {
            destination
                .word_of("subset")
                .is_some_and(|name| subset.word_of("name") == Some(name))
        });
        let general = [
            rule.spec("trafficPolicy"),
            of_subset.and_then(|subset| subset.get("trafficPolicy")),
        ];
        for policy in general.into_iter().flatten() {
            // A port's own settings replace the others; nothing is inherited.
            let of_port = policy.list("portLevelSettings").find(|level| {
                let number = level.at(&["port", "number"]).and_then(Field::number);
                number.is_some() && number == port
            });
            all.push(of_port.unwrap_or(policy));
        }
    }
    all
}

/// What a DestinationRule allows the connections to a destination.
fn apply_pool(cluster: &Cluster, service: &Object, rule: Field, route: &mut Route) {
    let destinations = rule.list("route").filter_map(|route| route.get("destination"));
    for policy in destinations.flat_map(|destination| policies(cluster, service, destination)) {
        let requests = policy.at(&["connectionPool", "http", "maxRequestsPerConnection"]);
        let number = requests.and_then(|field| Some((field, field.number().filter(|number| *number > 0)?)));
        if let Some((field, number)) = number {
            route.limits.requests = Some(field.setting(number, "maxRequestsPerConnection"));
        }
        let age = policy.at(&["connectionPool", "tcp", "maxConnectionDuration"]);
        let time = age.and_then(|field| Some((field, duration(field.word()?).filter(|time| *time > 0)?)));
        if let Some((field, time)) = time {
            route.limits.age = Some(field.setting(time, "maxConnectionDuration"));
        }
    }
}

/// The time limits that an EnvoyFilter patches in. Which of Istio's Envoys it meets is not looked at: the ingress gateway
/// and the sidecar of Hoop's gateway are both on the way.
fn patched(filter: &Object, listener: &mut Listener) {
    let patches = filter.spec("configPatches").into_iter().flat_map(Field::items);
    for patch in patches {
        let outbound = patch.at(&["match", "context"]).and_then(Field::word) == Some("SIDECAR_OUTBOUND");
        if let (Some(value), false) = (patch.at(&["patch", "value"]), outbound) {
            limits_within(value, "", DEEPEST, listener);
        }
    }
}

/// Looks for Envoy's own fields at any depth, since a patch may be of a filter, a route or a whole listener.
fn limits_within(value: Field, parent: &str, depth: usize, listener: &mut Listener) {
    if depth == 0 {
        return;
    }
    for (key, value) in value.entries() {
        let time = value.word().and_then(duration).filter(|time| *time > 0);
        let limits = &mut listener.limits;
        match (key.name.as_str(), time) {
            ("stream_idle_timeout" | "streamIdleTimeout", Some(time)) => {
                limits.idle.push(value.setting(time, "stream_idle_timeout"));
            }
            ("idle_timeout" | "idleTimeout", Some(time)) if parent == "route" => {
                limits.idle.push(value.setting(time, "idle_timeout"));
            }
            ("max_stream_duration" | "maxStreamDuration", Some(time)) => {
                limits.lifetime.push(value.setting(time, "max_stream_duration"));
            }
            ("max_connection_duration" | "maxConnectionDuration", Some(time)) => {
                limits.age = Some(value.setting(time, "max_connection_duration"));
            }
            ("max_concurrent_streams" | "maxConcurrentStreams", _) => {
                limits.streams = value
                    .number()
                    .map(|streams| value.setting(streams, "max_concurrent_streams"));
            }
            (name, _) => {
                limits_within(value, name, depth - 1, listener);
                value
                    .items()
                    .for_each(|item| limits_within(item, name, depth - 1, listener));
            }
        }
    }
}

/// What policies refuse: only the simple ones, which name no source, no header and no token.
fn guard(cluster: &Cluster, listener: &mut Listener) {
    let rules_of = |policy: &Object<'_>| policy.spec("rules").is_some_and(|rules| rules.items().next().is_some());
    let action_of = |policy: &Object| policy.spec("action").and_then(Field::word).unwrap_or("ALLOW") == "ALLOW";
    // One that allows nothing is the usual ground for others that allow something.
    let nothing_allowed = !cluster
        .all(SECURITY, "AuthorizationPolicy")
        .any(|policy| action_of(policy) && rules_of(policy));
    for policy in cluster
        .all(SECURITY, "AuthorizationPolicy")
        .filter(|policy| is_on_the_way(policy))
    {
        let action = policy.spec("action").and_then(Field::word).unwrap_or("ALLOW");
        let rules: Vec<Field> = policy.spec("rules").into_iter().flat_map(Field::items).collect();
        let at = policy.spec("action").map_or_else(|| policy.place(), Field::place);
        let (kind, everything) = match action {
            // Nothing is allowed where no rule allows it.
            "ALLOW" if rules.is_empty() && nothing_allowed => (GuardKind::Denies, true),
            "DENY" => (GuardKind::Denies, false),
            "CUSTOM" => (GuardKind::Authenticates, false),
            _ => continue,
        };
        for route in &mut listener.routes {
            let hit = everything || rules.iter().any(|rule| covers(*rule, &route.path));
            if hit {
                route.guards.push(Guard {
                    at: at.clone(),
                    kind,
                    name: format!("AuthorizationPolicy {}", policy.name),
                });
            }
        }
    }
    // A token that is no JWT is refused where one is looked for in `authorization`, and an agent's key is none.
    for policy in cluster
        .all(SECURITY, "RequestAuthentication")
        .filter(|policy| is_on_the_way(policy))
    {
        let rules = policy.spec("jwtRules").into_iter().flat_map(Field::items);
        let mut plain = rules.filter(|rule| {
            ["fromHeaders", "fromParams", "fromCookies"]
                .iter()
                .all(|key| rule.get(key).is_none())
        });
        let Some(rule) = plain.next() else { continue };
        for route in &mut listener.routes {
            route.guards.push(Guard {
                at: rule.place(),
                kind: GuardKind::Authenticates,
                name: format!("RequestAuthentication {}", policy.name),
            });
        }
    }
}

/// Whether a policy is for a workload on the way to Hoop's gateway, as far as its selector tells.
fn is_on_the_way(policy: &Object) -> bool {
    let labels = policy.root.at(&["spec", "selector", "matchLabels"]);
    labels.is_none_or(|labels| {
        let mut values = labels.entries().filter_map(|(_, value)| value.word());
        values.any(|value| ["gateway", "ingress", "hoop"].iter().any(|word| value.contains(word)))
    })
}

/// Whether a rule of a policy is about all requests, or about Hoop's gRPC calls and this route is made for them.
fn covers(rule: Field, route: &Path) -> bool {
    if rule.get("from").is_some() || rule.get("when").is_some() {
        return false;
    }
    let mut operations = rule.list("to").filter_map(|to| to.get("operation")).peekable();
    if operations.peek().is_none() {
        return rule.get("to").is_none();
    }
    operations.any(|operation| {
        let only_paths = operation.entries().all(|(key, _)| key.name == "paths");
        let patterns = operation.list("paths").filter_map(Field::word);
        let mut paths = patterns.map(|pattern| Path::Glob(pattern.to_owned()));
        only_paths
            && paths.any(|path| {
                let takes = |method: &str| path.takes(method) == Is::Yes && route.takes(method) == Is::Yes;
                METHODS.iter().any(|method| takes(method)) && route.is_for_service()
            })
    })
}

/// How deep a patch is followed.
const DEEPEST: usize = 12;
