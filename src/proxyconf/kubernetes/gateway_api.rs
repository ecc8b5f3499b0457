//! Gateway API: Gateways with their routes, in the order that its specification gives them.

use super::services::{Found, PortName, towards};
use super::{Cluster, Field, Object, duration};
use crate::proxies::Proxy;
use crate::proxyconf::{
    Action, Asks, Condition, Forward, Host, Http2, Layer, Listener, Path, Place, ProxyConf, Route, Setting, Speaks,
    Terminated, Tls,
};

const GROUP: &str = "gateway.networking.k8s.io";

/// Adds a listener for each listener of each Gateway, and one for each Gateway that only routes name.
pub(super) fn read(cluster: &Cluster, conf: &mut ProxyConf) {
    let routes: Vec<Attached> = ROUTES
        .iter()
        .flat_map(|kind| cluster.all(GROUP, kind))
        .flat_map(|object| {
            let parents = object.spec("parentRefs").into_iter().flat_map(Field::items);
            parents.map(move |parent| Attached { object, parent })
        })
        // A Service as the parent is a mesh's own affair: no client from outside comes that way.
        .filter(|attached| matches!(attached.parent.word_of("kind"), None | Some("Gateway")))
        .collect();
    for gateway in cluster.all(GROUP, "Gateway") {
        let implementation = Implementation::of(gateway);
        for entry in gateway.spec("listeners").into_iter().flat_map(Field::items) {
            let mut listener = listener(implementation, entry);
            let hosts = listener.hosts.first().map(|host| host.value.clone());
            let mine = routes.iter().filter(|one| one.is_for(gateway, entry));
            fill(cluster, implementation, mine, hosts.as_ref(), &mut listener, conf);
            conf.listeners.push(listener);
        }
    }
    let mut unknown: Vec<(Option<&str>, &str)> = Vec::new();
    for route in &routes {
        let (namespace, name) = route.gateway();
        if cluster.named(GROUP, "Gateway", namespace, name).is_some() || unknown.contains(&(namespace, name)) {
            continue;
        }
        unknown.push((namespace, name));
        let proxy = Implementation::Other.proxy();
        let mut listener = Listener::new(route.parent.place(), proxy, None, Layer::Http);
        listener.tls = Tls::Unknown;
        let same = routes.iter().filter(|one| one.gateway() == (namespace, name));
        fill(cluster, Implementation::Other, same, None, &mut listener, conf);
        conf.listeners.push(listener);
    }
}

/// Who carries out what a Gateway says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Implementation {
    Istio,
    /// Envoy Gateway, Contour, Cilium, kgateway: Envoy, told by someone else.
    Envoy,
    Nginx,
    Traefik,
    Aws,
    /// None of these: its defaults are unknown.
    Other,
}

impl Implementation {
    fn of(gateway: &Object) -> Self {
        let class = gateway
            .spec("gatewayClassName")
            .and_then(Field::word)
            .unwrap_or_default();
        let has = |word: &str| class.contains(word);
        if has("istio") {
            Self::Istio
        } else if has("envoy") || class == "eg" || has("contour") || has("cilium") || has("kgateway") {
            Self::Envoy
        } else if has("nginx") {
            Self::Nginx
        } else if has("traefik") {
            Self::Traefik
        } else if has("aws") || has("alb") {
            Self::Aws
        } else {
            Self::Other
        }
    }

    fn proxy(self) -> Proxy {
        match self {
            Self::Istio => Proxy::Istio,
            // Most of the others are built on it.
            Self::Envoy | Self::Other => Proxy::Envoy,
            Self::Nginx => Proxy::Nginx,
            Self::Traefik => Proxy::Traefik,
            Self::Aws => Proxy::AwsAlb,
        }
    }
}

/// A route, at one of its parents.
struct Attached<'a> {
    object: &'a Object<'a>,
    parent: Field<'a>,
}

impl<'a> Attached<'a> {
    fn gateway(&self) -> (Option<&'a str>, &'a str) {
        let namespace = self.parent.word_of("namespace").or(self.object.namespace);
        (namespace, self.parent.word_of("name").unwrap_or_default())
    }

    /// Whether it is attached to this listener.
    fn is_for(&self, gateway: &Object, listener: Field) -> bool {
        let (namespace, name) = self.gateway();
        let section = self.parent.word_of("sectionName");
        let port = self.parent.get("port").and_then(Field::number);
        let kinds: &[&str] = match listener.word_of("protocol") {
            Some("HTTP" | "HTTPS") => &["HTTPRoute", "GRPCRoute"],
            Some("TLS") => &["TLSRoute", "TCPRoute"],
            Some("TCP") => &["TCPRoute"],
            _ => &ROUTES,
        };
        name == gateway.name
            && gateway.is_in(namespace)
            && section.is_none_or(|section| listener.word_of("name") == Some(section))
            && port.is_none_or(|port| listener.get("port").and_then(Field::number) == Some(port))
            && kinds.contains(&self.object.kind)
    }
}

fn listener(implementation: Implementation, entry: Field) -> Listener {
    let protocol = entry.get("protocol").unwrap_or(entry);
    let layer = match protocol.word() {
        Some("TLS" | "TCP" | "UDP") => Layer::Tcp,
        _ => Layer::Http,
    };
    let at = entry.get("name").unwrap_or(entry).place();
    let port = entry.get("port").and_then(Field::port);
    let mut listener = Listener::new(at, implementation.proxy(), port, layer);
    let host = entry
        .get("hostname")
        .and_then(|host| Some(host.setting(Host::read(host.word()?)?, "hostname")));
    listener.hosts.extend(host);
    let tls = entry.get("tls");
    let is_envoy = matches!(implementation, Implementation::Istio | Implementation::Envoy);
    match (protocol.word(), tls) {
        (Some("HTTPS" | "TLS"), Some(tls)) => {
            if tls.word_of("mode") == Some("Passthrough") {
                listener.tls = Tls::Passed;
                return listener;
            }
            listener.tls = ended(tls);
            if layer == Layer::Http {
                listener.http2 = Some(protocol.default(Http2::Spoken, "protocol"));
            }
        }
        // Nothing names a certificate, and the listener is never programmed.
        (Some("HTTPS" | "TLS"), None) => {
            listener.tls = Tls::Ended(Box::new(Terminated {
                hosts: Some(Vec::new()),
                ..Terminated::new(protocol.place())
            }));
            if layer == Layer::Http {
                listener.http2 = Some(protocol.default(Http2::Spoken, "protocol"));
            }
        }
        (Some("HTTP"), _) => {
            listener.http2 = match implementation {
                _ if is_envoy => Some(protocol.default(Http2::Spoken, "protocol")),
                Implementation::Aws => Some(protocol.default(Http2::Http1Only, "protocol")),
                _ => None,
            };
        }
        (Some("TCP" | "UDP"), _) => {}
        _ => listener.tls = Tls::Unknown,
    }
    match implementation {
        Implementation::Envoy if layer == Layer::Http => {
            let limits = &mut listener.limits;
            limits.idle.push(entry.default(300_000, "stream_idle_timeout"));
            limits.header = Some(entry.default(60 << 10, "max_request_headers_kb"));
        }
        // Istio switches the time limit of an idle stream off.
        Implementation::Istio if layer == Layer::Http => {
            listener.limits.header = Some(entry.default(60 << 10, "max_request_headers_kb"));
        }
        _ => {}
    }
    listener
}

/// TLS that ends at the Gateway.
fn ended(tls: Field) -> Tls {
    let mut ended = Terminated::new(tls.place());
    ended.certificates = tls
        .list("certificateRefs")
        .filter_map(|reference| {
            let name = reference.get("name")?;
            Some(name.setting(name.word()?.to_owned(), "certificateRefs"))
        })
        .collect();
    if let Some(validation) = tls.get("frontendValidation") {
        let optional = validation.word_of("mode") == Some("AllowInsecureFallback");
        ended.client_certificate = (!optional).then(|| validation.setting(true, "frontendValidation"));
    }
    Tls::Ended(Box::new(ended))
}

/// What a route is sorted by, the smaller the sooner: the specification's order of precedence.
type Precedence = (u8, usize, u8, usize, u8, usize, usize);

/// Adds the routes to a listener, in their order.
fn fill<'a>(
    cluster: &Cluster<'a>,
    implementation: Implementation,
    attached: impl Iterator<Item = &'a Attached<'a>>,
    host: Option<&Host>,
    listener: &mut Listener,
    conf: &mut ProxyConf,
) {
    let mut routes: Vec<(Precedence, Route)> = Vec::new();
    for one in attached {
        let names: Vec<(Field, Host)> = one
            .object
            .spec("hostnames")
            .into_iter()
            .flat_map(Field::items)
            .filter_map(|name| Some((name, Host::read(name.word()?)?)))
            .collect();
        let meeting: Vec<&(Field, Host)> = names
            .iter()
            .filter(|(_, name)| host.is_none_or(|host| meets(host, name)))
            .collect();
        if meeting.is_empty() && !names.is_empty() {
            continue;
        }
        for rule in one.object.spec("rules").into_iter().flat_map(Field::items) {
            let matches: Vec<Option<Field>> = match rule.get("matches") {
                Some(all) => all.items().map(Some).collect(),
                None => vec![None],
            };
            for entry in matches {
                let base = route(cluster, implementation, one.object, rule, entry, conf);
                // Hosts are matched before paths, so that each of them has its own place in the order.
                if meeting.is_empty() {
                    routes.push((precedence(None, &base, entry), base));
                    continue;
                }
                for (field, name) in &meeting {
                    let mut route = base.clone();
                    route.hosts.push(field.setting(name.clone(), "hostnames"));
                    routes.push((precedence(Some(name), &route, entry), route));
                }
            }
        }
    }
    routes.sort_by_key(|(precedence, _)| *precedence);
    listener.routes = routes.into_iter().map(|(_, route)| route).collect();
}

/// Whether some name is among both.
fn meets(one: &Host, other: &Host) -> bool {
    match (one, other) {
        (Host::Name(one), Host::Name(other)) => one == other,
        (Host::Below(end), Host::Name(name)) | (Host::Name(name), Host::Below(end)) => name.ends_with(end),
        (Host::Below(one), Host::Below(other)) => one.ends_with(other) || other.ends_with(one),
        (Host::Else(_), _) | (_, Host::Else(_)) => true,
    }
}

fn precedence(host: Option<&Host>, route: &Route, entry: Option<Field>) -> Precedence {
    let (host_kind, host_length) = match host {
        Some(Host::Name(name)) => (0, name.len()),
        Some(Host::Below(name) | Host::Else(name)) => (1, name.len()),
        None => (2, 0),
    };
    let (path_kind, path_length) = match &route.path {
        Path::Exact(path) => (0, path.len()),
        Path::Segments(path) => (1, path.len()),
        Path::All => (1, 1),
        // Implementations differ in where they put expressions; most put them between these two.
        _ => (0, 0),
    };
    let count = |key: &str| entry.map_or(0, |entry| entry.list(key).count());
    let method = entry.is_some_and(|entry| entry.word_of("method").is_some());
    (
        host_kind,
        usize::MAX - host_length,
        path_kind,
        usize::MAX - path_length,
        u8::from(!method),
        usize::MAX - count("headers"),
        usize::MAX - count("queryParams"),
    )
}

/// One match of one rule.
fn route(
    cluster: &Cluster,
    implementation: Implementation,
    object: &Object,
    rule: Field,
    entry: Option<Field>,
    conf: &mut ProxyConf,
) -> Route {
    let (path, when) = match object.kind {
        "GRPCRoute" => grpc_match(entry),
        "HTTPRoute" => http_match(entry, conf),
        _ => (Path::All, Vec::new()),
    };
    let at = entry.unwrap_or(rule);
    let filters = || rule.list("filters");
    let filter = |kind: &str| filters().find(|filter| filter.word_of("type") == Some(kind));
    let action = match filter("RequestRedirect") {
        Some(redirect) => {
            let to = |key| redirect.at(&["requestRedirect", key]).and_then(Field::word);
            let scheme = to("scheme").map_or(String::new(), |scheme| format!("{scheme}://"));
            Action::Redirect(format!("{scheme}{}", to("hostname").unwrap_or_default()))
        }
        None => forward(cluster, implementation, object, rule, conf),
    };
    let mut route = Route::new(at.place(), path, action);
    route.when = when;
    for modifier in filters().filter_map(|filter| filter.get("requestHeaderModifier")) {
        let removed = modifier.list("remove");
        let set = modifier.list("set").filter_map(|header| header.get("name"));
        route.removes.extend(
            removed
                .chain(set)
                .filter_map(|name| Some(name.setting(name.word()?.to_ascii_lowercase(), "requestHeaderModifier"))),
        );
    }
    route.rewrites = filter("URLRewrite")
        .and_then(|filter| filter.at(&["urlRewrite", "path"]))
        .map(Field::place);
    for key in ["request", "backendRequest"] {
        let field = rule.at(&["timeouts", key]);
        let time = field.and_then(|field| Some((field, duration(field.word()?)?)));
        if let Some((field, time)) = time.filter(|(_, time)| *time > 0) {
            let name = format!("timeouts.{key}");
            route.limits.lifetime.push(field.setting(time, &name));
        }
    }
    route.retries = rule.get("retry").map(|retry| match retry.get("attempts") {
        Some(attempts) => attempts.setting(attempts.number(), "retry"),
        None => retry.setting(None, "retry"),
    });
    if object.kind == "HTTPRoute" && matches!(implementation, Implementation::Istio | Implementation::Envoy) {
        route.upgrades = Some(rule.default(true, "upgrade_configs"));
    }
    route
}

fn http_match(entry: Option<Field>, conf: &mut ProxyConf) -> (Path, Vec<Condition>) {
    let Some(entry) = entry else {
        return (Path::All, Vec::new());
    };
    let value = entry
        .at(&["path", "value"])
        .and_then(Field::word)
        .unwrap_or("/")
        .to_owned();
    let kind = entry.at(&["path", "type"]);
    let path = match kind.and_then(Field::word) {
        None | Some("PathPrefix") if value == "/" => Path::All,
        None | Some("PathPrefix") => Path::Segments(value),
        Some("Exact") => Path::Exact(value),
        Some("RegularExpression") => Path::Matches(format!("^(?:{value})$")),
        Some(other) => {
            if let Some(kind) = kind.filter(|_| PATH_TYPES_OF_INGRESS.contains(&other)) {
                conf.problems
                    .push(kind.refused("the type of a path is PathPrefix, Exact or RegularExpression here"));
            }
            Path::Else(value)
        }
    };
    let mut when = headers(entry);
    if let Some(method) = entry.word_of("method") {
        when.push(Condition {
            asks: Asks::Method(vec![method.to_owned()]),
            not: false,
        });
    }
    when.extend(entry.list("queryParams").filter_map(|query| {
        let asks = Asks::Else(format!("query {}", query.word_of("name")?));
        Some(Condition { asks, not: false })
    }));
    (path, when)
}

/// The headers of a match. An exact value is taken for a beginning, except where it would let too much through.
fn headers(entry: Field) -> Vec<Condition> {
    let headers = entry.list("headers").filter_map(|header| {
        let name = header.word_of("name")?.to_ascii_lowercase();
        let value = header.word_of("value").unwrap_or_default().to_owned();
        let asks = match (header.word_of("type"), value.as_str()) {
            (None | Some("Exact"), "application/grpc") => Asks::Header(name, value),
            _ => Asks::Else(format!("header {name}: {value}")),
        };
        Some(Condition { asks, not: false })
    });
    headers.collect()
}

fn grpc_match(entry: Option<Field>) -> (Path, Vec<Condition>) {
    let only_grpc = Condition {
        asks: Asks::Header("content-type".to_owned(), "application/grpc".to_owned()),
        not: false,
    };
    let method = entry.and_then(|entry| entry.get("method"));
    let word = |key| method.and_then(|method| method.word_of(key));
    let is_regex = word("type") == Some("RegularExpression");
    let path = match (word("service"), word("method")) {
        (None, None) => Path::All,
        (service, method) if is_regex => {
            let part = |word: Option<&str>| word.unwrap_or("[^/]+").to_owned();
            Path::Matches(format!("^/(?:{})/(?:{})$", part(service), part(method)))
        }
        (Some(service), Some(method)) => Path::Exact(format!("/{service}/{method}")),
        (Some(service), None) => Path::Segments(format!("/{service}")),
        (None, Some(method)) => Path::Glob(format!("/*/{method}")),
    };
    let mut when = entry.map(headers).unwrap_or_default();
    when.push(only_grpc);
    (path, when)
}

/// The upstream of a rule.
fn forward(
    cluster: &Cluster,
    implementation: Implementation,
    object: &Object,
    rule: Field,
    conf: &mut ProxyConf,
) -> Action {
    let references: Vec<Field> = rule
        .list("backendRefs")
        .filter(|reference| reference.get("weight").and_then(Field::number) != Some(0))
        .collect();
    let Some(first) = references.first().copied() else {
        return Action::Answer(500);
    };
    if let Some(kind) = first.get("kind").filter(|kind| kind.word() != Some("Service")) {
        return Action::Else(format!(
            "{} {}",
            kind.word().unwrap_or_default(),
            first.word_of("name").unwrap_or_default()
        ));
    }
    let mut servers = Vec::new();
    let mut spoken = None;
    for reference in &references {
        let name = reference.word_of("name").unwrap_or_default();
        let namespace = reference.word_of("namespace").or(object.namespace);
        let Some(number) = reference.get("port") else {
            conf.problems
                .push(reference.refused("a backendRef that is a Service has a port"));
            continue;
        };
        let port = number.port().map_or(PortName::Only, PortName::Number);
        let found = cluster.service_port(namespace, name, port);
        if let Found::NoPort(service) = found {
            conf.problems.push(super::ingress::missing_port(number, service));
        }
        servers.push(found.server(number, name, port));
        let towards = protocol(implementation, object, *reference, &found);
        let policy = backend_tls(cluster, namespace, name, &found);
        spoken.get_or_insert((number.place(), name, policy, towards));
    }
    let Some((at, name, policy, (speaks, tls))) = spoken else {
        return Action::Answer(500);
    };
    Action::Forward(Box::new(Forward {
        at,
        name: Some(name.to_owned()),
        speaks,
        tls: policy.map(|at| Setting::written(true, "BackendTLSPolicy", at)).or(tls),
        servers,
        check: None,
        sends_proxy_protocol: None,
    }))
}

/// The protocol and the TLS towards a backend: what its Service declares, else what the kind of the route implies.
fn protocol(
    implementation: Implementation,
    object: &Object,
    reference: Field,
    found: &Found,
) -> (Setting<Speaks>, Option<Setting<bool>>) {
    let at = reference.get("port").unwrap_or(reference);
    if matches!(object.kind, "TLSRoute" | "TCPRoute") {
        return (at.setting(Speaks::AsClient, object.kind), None);
    }
    let cleartext = |at: Field| Some(at.default(false, "BackendTLSPolicy"));
    let declared = match found {
        Found::Port(port) if implementation == Implementation::Istio => {
            let declared = port.app_protocol().or_else(|| port.by_name());
            // Its gateways don't find out what is spoken: where nothing is declared, it is HTTP/1.
            declared
                .map(|declared| towards(&declared))
                .or_else(|| Some((port.entry.default(Speaks::Http1, "appProtocol"), cleartext(port.entry))))
        }
        Found::Port(port) => port.app_protocol().map(|declared| towards(&declared)),
        Found::NoService | Found::NoPort(_) => None,
    };
    if let Some(declared) = declared {
        return declared;
    }
    match (object.kind, found) {
        ("GRPCRoute", _) => (at.setting(Speaks::Http2, "GRPCRoute"), cleartext(at)),
        // Without appProtocol, HTTP/1 is what all of these speak; a port's name is nothing to them.
        (_, Found::Port(port)) if implementation != Implementation::Other => {
            (port.entry.default(Speaks::Http1, "appProtocol"), cleartext(port.entry))
        }
        _ => (at.default(Speaks::Unknown, "appProtocol"), None),
    }
}

/// The policy that puts TLS in front of a Service, or of one of its ports by name.
fn backend_tls(cluster: &Cluster, namespace: Option<&str>, service: &str, found: &Found) -> Option<Place> {
    let port = match found {
        Found::Port(port) => port.entry.word_of("name"),
        Found::NoService | Found::NoPort(_) => None,
    };
    let policies = cluster
        .all(GROUP, "BackendTLSPolicy")
        .filter(|policy| policy.is_in(namespace));
    let targets = policies.flat_map(|policy| {
        let several = policy.spec("targetRefs").into_iter().flat_map(Field::items);
        several.chain(policy.spec("targetRef"))
    });
    let mut mine = targets.filter(|target| {
        let section = target.word_of("sectionName");
        let is_port = section.is_none_or(|section| port.is_none_or(|port| port == section));
        target.word_of("name") == Some(service) && is_port
    });
    mine.next().map(Field::place)
}

/// The names that an Ingress has for it, and that are written here by mistake.
const PATH_TYPES_OF_INGRESS: [&str; 2] = ["Prefix", "ImplementationSpecific"];

const ROUTES: [&str; 4] = ["GRPCRoute", "HTTPRoute", "TLSRoute", "TCPRoute"];
