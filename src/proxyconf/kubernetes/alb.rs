//! What the AWS Load Balancer Controller makes of Ingresses and its annotations: a load balancer for each group, with a
//! listener for each port.

use serde_json::Value;

use super::ingress::{self, Backend, Controller, Ingress, IngressPath, PathType, Rule};
use super::services::PortName;
use super::{Cluster, Field, Object};
use crate::proxies::Proxy;
use crate::proxyconf::{
    Action, Asks, CheckAsks, Condition, Forward, Guard, GuardKind, HealthCheck, Host, Http2, Layer, Listener, Path,
    ProxyConf, Route, Speaks, Terminated, Tls,
};

pub(super) const PREFIX: &str = "alb.ingress.kubernetes.io/";

/// Adds a listener for each port of each load balancer.
pub(super) fn read(cluster: &Cluster, conf: &mut ProxyConf) {
    let mut all = ingress::all(cluster, Controller::Alb, conf);
    // Within a group the order decides, and then the name.
    let order = |one: &Ingress| {
        let order = annotation(one.object, "group.order").and_then(Field::word);
        order.and_then(|order| order.parse::<i64>().ok()).unwrap_or_default()
    };
    all.sort_by_key(|one| (order(one), one.object.namespace, one.object.name));

    let mut ports: Vec<Port> = Vec::new();
    for one in &all {
        let group = annotation(one.object, "group.name").and_then(Field::word);
        for (port, is_tls, at) in listen_ports(one.object) {
            let same = ports.iter_mut().find(|known| {
                known.number == port
                    && (group.is_some() && known.group == group || std::ptr::eq(known.first.object, one.object))
            });
            match same {
                Some(known) => known.all.push(one),
                None => ports.push(Port {
                    group,
                    number: port,
                    is_tls,
                    at,
                    first: one,
                    all: vec![one],
                }),
            }
        }
    }
    for port in &ports {
        // The attributes of a load balancer may stand at any Ingress of its group.
        let of_group: Vec<&Object> = all
            .iter()
            .filter(|one| {
                port.group.is_some() && annotation(one.object, "group.name").and_then(Field::word) == port.group
            })
            .map(|one| one.object)
            .collect();
        let objects = match of_group.is_empty() {
            true => vec![port.first.object],
            false => of_group,
        };
        let listener = listener(cluster, port, &objects, conf);
        conf.listeners.push(listener);
    }
}

/// A port of a load balancer.
struct Port<'a> {
    group: Option<&'a str>,
    number: u16,
    is_tls: bool,
    at: Field<'a>,
    first: &'a Ingress<'a>,
    all: Vec<&'a Ingress<'a>>,
}

/// The ports of an Ingress: `[{"HTTP": 80}, {"HTTPS": 443}]`; without the annotation 443 where it has a certificate.
fn listen_ports<'a>(object: &Object<'a>) -> Vec<(u16, bool, Field<'a>)> {
    let certificate = annotation(object, "certificate-arn");
    let at = certificate
        .or_else(|| object.root.at(&["metadata", "name"]))
        .unwrap_or(object.root);
    let written = annotation(object, "listen-ports");
    let parsed = written.and_then(|field| serde_json::from_str::<Value>(field.word()?).ok());
    let Some((field, Value::Array(all))) = written.zip(parsed) else {
        return match certificate {
            Some(_) => vec![(443, true, at)],
            None => vec![(80, false, at)],
        };
    };
    let entries = all.iter().filter_map(Value::as_object).flatten();
    entries
        .filter_map(|(protocol, port)| {
            let port = u16::try_from(port.as_u64()?).ok()?;
            Some((port, protocol == "HTTPS", field))
        })
        .collect()
}

fn listener(cluster: &Cluster, port: &Port, group: &[&Object], conf: &mut ProxyConf) -> Listener {
    let at = port.at;
    let mut listener = Listener::new(at.place(), Proxy::AwsAlb, Some(port.number), Layer::Http);
    let attribute = |name: &str| group.iter().find_map(|object| attribute(object, name));
    let idle = attribute("idle_timeout.timeout_seconds").and_then(|(field, value)| {
        let seconds: u64 = value.parse().ok()?;
        Some(field.setting(seconds * 1000, "idle_timeout.timeout_seconds"))
    });
    listener.limits.idle = vec![idle.unwrap_or_else(|| at.default(60_000, "idle_timeout.timeout_seconds"))];
    listener.limits.age = attribute("client_keep_alive.seconds").and_then(|(field, value)| {
        let seconds: u64 = value.parse().ok()?;
        Some(field.setting(seconds * 1000, "client_keep_alive.seconds"))
    });
    let http2_off = attribute("routing.http2.enabled").filter(|(_, value)| *value == "false");
    listener.http2 = Some(match (port.is_tls, http2_off) {
        (_, Some((field, _))) => field.setting(Http2::Http1Only, "routing.http2.enabled"),
        (true, None) => at.default(Http2::Spoken, "routing.http2.enabled"),
        // Without TLS a balancer never speaks HTTP/2.
        (false, None) => at.setting(Http2::Http1Only, "listen-ports"),
    });
    if port.is_tls {
        let mut ended = Terminated::new(at.place());
        for field in port
            .all
            .iter()
            .filter_map(|one| annotation(one.object, "certificate-arn"))
        {
            let known: Vec<String> = ended.certificates.iter().map(|one| one.value.clone()).collect();
            let arns = field.word().unwrap_or_default().split(',').map(str::trim);
            let arns = arns.filter(|arn| !known.iter().any(|one| one == arn));
            ended
                .certificates
                .extend(arns.map(|arn| field.setting(arn.to_owned(), "certificate-arn")));
        }
        ended.client_certificate = group.iter().find_map(|object| {
            let field = annotation(object, "mutual-authentication")?;
            let wanted = field.word()?.contains("\"verify\"");
            wanted.then(|| field.setting(true, "mutual-authentication"))
        });
        listener.tls = Tls::Ended(Box::new(ended));
    }
    let redirect = group.iter().find_map(|object| annotation(object, "ssl-redirect"));
    if let Some(field) = redirect.filter(|field| !port.is_tls && field.port() != Some(port.number)) {
        let to = format!("https, port {}", field.word().unwrap_or_default());
        listener.routes = vec![Route::new(field.place(), Path::All, Action::Redirect(to))];
        return listener;
    }
    let drops_underscores =
        attribute("routing.http.drop_invalid_header_fields.enabled").filter(|(_, value)| *value == "true");
    for one in &port.all {
        for rule in &one.rules {
            let mut paths: Vec<&IngressPath> = rule.paths.iter().collect();
            paths.sort_by_key(|path| match path.kind {
                PathType::Exact => (0, 0),
                PathType::Prefix => (1, usize::MAX - path.path.len()),
                PathType::ImplementationSpecific => (2, 0),
            });
            for entry in paths {
                let route = route(cluster, one.object, Some(rule), entry, conf);
                listener.routes.push(route);
            }
        }
    }
    let fallback = port.all.iter().find_map(|one| Some((one.object, one.default?)));
    listener.routes.push(match fallback {
        Some((object, backend)) => {
            let entry = IngressPath {
                at: backend.at,
                path: "/*",
                kind: PathType::ImplementationSpecific,
                backend,
            };
            route(cluster, object, None, &entry, conf)
        }
        None => Route::new(at.place(), Path::All, Action::Answer(404)),
    });
    if let Some((field, _)) = drops_underscores {
        let removed = field.setting("hoop_key".to_owned(), "routing.http.drop_invalid_header_fields.enabled");
        for route in &mut listener.routes {
            route.removes.push(removed.clone());
        }
    }
    listener
}

fn route(cluster: &Cluster, object: &Object, rule: Option<&Rule>, entry: &IngressPath, conf: &mut ProxyConf) -> Route {
    let path = match (entry.kind, entry.path) {
        (_, "" | "/*") | (PathType::Prefix, "/") => Path::All,
        (PathType::Exact, path) => Path::Exact(path.to_owned()),
        (PathType::Prefix, path) => Path::Segments(path.to_owned()),
        (PathType::ImplementationSpecific, path) => Path::Glob(path.to_owned()),
    };
    let host = rule.and_then(|rule| rule.host);
    let backend = entry.backend;
    let action = match backend.port {
        PortName::Name("use-annotation") => named_action(cluster, object, backend, conf),
        _ => Action::Forward(Box::new(forward(cluster, object, backend, conf))),
    };
    let mut route = Route::new(entry.at.place(), path, action);
    let read = host.and_then(|host| Some((host, Host::read(host.word()?)?)));
    route.hosts.extend(read.map(|(host, name)| host.setting(name, "host")));
    route.when = conditions(object, backend.service);
    if let Some(field) = annotation(object, "auth-type").filter(|field| field.word() != Some("none")) {
        route.guards.push(Guard {
            at: field.place(),
            kind: GuardKind::Authenticates,
            name: "auth-type".to_owned(),
        });
    }
    if let Action::Forward(to) = &route.action
        && to.speaks.value == Speaks::Http1
    {
        route.upgrades = Some(entry.at.default(true, "backend-protocol-version"));
    }
    route
}

/// A target group: what the Service's own annotations say counts more than the Ingress's.
fn forward(cluster: &Cluster, object: &Object, backend: Backend, conf: &mut ProxyConf) -> Forward {
    let service = cluster.named("", "Service", object.namespace, backend.service);
    let says = |key: &str| {
        service
            .and_then(|service| annotation(service, key))
            .or_else(|| annotation(object, key))
    };
    let at = backend.at;
    let version = says("backend-protocol-version");
    let (speaks, asks) = match version.and_then(Field::word) {
        Some("GRPC") => (Speaks::Http2, CheckAsks::GrpcCall),
        Some("HTTP2") => (Speaks::Http2, CheckAsks::Http2),
        _ => (Speaks::Http1, CheckAsks::Http1),
    };
    let is_grpc = asks == CheckAsks::GrpcCall;
    let protocol = says("backend-protocol");
    let is_tls = protocol.and_then(Field::word) == Some("HTTPS");
    let (server, _) = backend.resolve(cluster, object, conf);
    let text = |key: &str, grpc: &str, http: &str| match says(key) {
        Some(field) => field.setting(field.word().unwrap_or_default().to_owned(), key),
        None => at.default(if is_grpc { grpc } else { http }.to_owned(), key),
    };
    let port = says("healthcheck-port").and_then(|field| Some(field.setting(field.port()?, "healthcheck-port")));
    let check = HealthCheck {
        at: says("healthcheck-path").or(version).unwrap_or(at).place(),
        proxy: Proxy::AwsAlb,
        asks,
        tls: Some(match says("healthcheck-protocol").and_then(Field::word) {
            Some(protocol) => protocol == "HTTPS",
            None => is_tls,
        }),
        port,
        traffic_port: server.port,
        path: Some(text("healthcheck-path", "/AWS.ALB/healthcheck", "/")),
        expects: Some(text("success-codes", "12", "200")),
    };
    Forward {
        at: at.place(),
        name: Some(backend.service.to_owned()),
        speaks: match version {
            Some(field) => field.setting(speaks, "backend-protocol-version"),
            None => at.default(speaks, "backend-protocol-version"),
        },
        tls: Some(match protocol {
            Some(field) => field.setting(is_tls, "backend-protocol"),
            None => at.default(false, "backend-protocol"),
        }),
        servers: vec![server],
        check: Some(check),
        sends_proxy_protocol: None,
    }
}

/// What an annotation `actions.<name>` does, for a backend whose port is `use-annotation`.
fn named_action(cluster: &Cluster, object: &Object, backend: Backend, conf: &mut ProxyConf) -> Action {
    let field = annotation(object, &format!("actions.{}", backend.service));
    let parsed = field.and_then(|field| serde_json::from_str::<Value>(field.word()?).ok());
    let Some((field, action)) = field.zip(parsed) else {
        return Action::Else(format!("actions.{}", backend.service));
    };
    let lower = |way: &str| action.pointer(way).or_else(|| action.pointer(&capitalised(way)));
    match lower("/type").and_then(Value::as_str) {
        Some("redirect") => Action::Redirect(action.to_string()),
        Some("fixed-response") => {
            let status = lower("/fixedResponseConfig/statusCode");
            let text = status.and_then(Value::as_str).map(str::to_owned);
            let number = text
                .or_else(|| status.map(Value::to_string))
                .and_then(|text| text.parse().ok());
            number.map_or_else(|| Action::Else(action.to_string()), Action::Answer)
        }
        Some("forward") => {
            let groups = lower("/forwardConfig/targetGroups").and_then(Value::as_array);
            let target = match groups.map(Vec::as_slice) {
                Some([one]) => one,
                _ => return Action::Else(action.to_string()),
            };
            let service = target.get("serviceName").and_then(Value::as_str);
            let port = target
                .get("servicePort")
                .map(|port| port.as_str().map_or_else(|| port.to_string(), str::to_owned));
            let (Some(service), Some(port)) = (service, port) else {
                return Action::Else(action.to_string());
            };
            let port = match port.parse() {
                Ok(number) => PortName::Number(number),
                Err(_) => PortName::Name(&port),
            };
            let backend = Backend {
                at: field,
                service,
                port,
            };
            Action::Forward(Box::new(forward(cluster, object, backend, conf)))
        }
        _ => Action::Else(action.to_string()),
    }
}

/// The older spelling of the same keys: `/Type`.
fn capitalised(way: &str) -> String {
    let parts = way.split('/').skip(1).map(|part| {
        let mut chars = part.chars();
        let first = chars.next().map(|char| char.to_ascii_uppercase());
        format!("/{}{}", first.map_or_else(String::new, String::from), chars.as_str())
    });
    parts.collect()
}

/// What an annotation `conditions.<service>` asks for beside host and path.
fn conditions(object: &Object, service: &str) -> Vec<Condition> {
    let Some(field) = annotation(object, &format!("conditions.{service}")) else {
        return Vec::new();
    };
    let parsed = field.word().and_then(|word| serde_json::from_str::<Value>(word).ok());
    let Some(Value::Array(all)) = parsed else {
        return vec![Condition {
            asks: Asks::Else(field.word().unwrap_or_default().to_owned()),
            not: false,
        }];
    };
    let asks = |one: &Value| {
        let texts = |way: &str| -> Vec<String> {
            let list = one.pointer(way).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let name = one.pointer("/httpHeaderConfig/httpHeaderName").and_then(Value::as_str);
        let values = texts("/httpHeaderConfig/values");
        let methods = texts("/httpRequestMethodConfig/Values");
        match (name, values.as_slice()) {
            // A value without a `*` at its end has to be equal, which a beginning can't say.
            (Some(name), [value]) if value.strip_suffix('*').is_some_and(|start| !start.contains(['*', '?'])) => {
                Asks::Header(name.to_ascii_lowercase(), value.trim_end_matches('*').to_owned())
            }
            _ if !methods.is_empty() => Asks::Method(methods),
            _ => Asks::Else(one.to_string()),
        }
    };
    all.iter()
        .map(|one| Condition {
            asks: asks(one),
            not: false,
        })
        .collect()
}

/// One of the attributes of the load balancer: `idle_timeout.timeout_seconds=600,routing.http2.enabled=true`.
fn attribute<'a>(object: &Object<'a>, name: &str) -> Option<(Field<'a>, &'a str)> {
    let field = annotation(object, "load-balancer-attributes")?;
    let mut pairs = field.word()?.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| (field, value.trim()))
}

fn annotation<'a>(object: &Object<'a>, key: &str) -> Option<Field<'a>> {
    object.annotation(&format!("{PREFIX}{key}"))
}
