//! What ingress-nginx makes of Ingresses, its annotations and its ConfigMap.
//!
//! It writes one `server` for each host, whatever Ingresses that host is spread over, with a `location` for each path; a
//! setting is that of the Ingress of the path, then of the ConfigMap, then the default of its documentation.

use std::collections::HashMap;

use regex_lite::Regex;

use super::ingress::{self, Controller, Ingress, IngressPath, PathType, Rule};
use super::{Cluster, Field, Object};
use crate::config::file::edits;
use crate::proxies::Proxy;
use crate::proxyconf::path::METHODS;
use crate::proxyconf::{
    Action, Asks, Condition, Forward, Guard, GuardKind, Host, Http2, Layer, Limits, Listener, Path, Place, ProxyConf,
    Route, Setting, Speaks, Terminated, Tls,
};

pub(super) const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// Adds a listener for each host.
pub(super) fn read(cluster: &Cluster, conf: &mut ProxyConf) {
    let all = ingress::all(cluster, Controller::IngressNginx, conf);
    all.iter().for_each(|one| misspelt(one.object, conf));
    let settings = Settings {
        controller: config_map(cluster),
    };
    let mut hosts: Vec<Vec<(&Ingress, &Rule)>> = Vec::new();
    let mut known: HashMap<Option<&str>, usize> = HashMap::new();
    for one in &all {
        for rule in &one.rules {
            let host = rule.host.and_then(Field::word);
            let at = *known.entry(host).or_insert(hosts.len());
            if at == hosts.len() {
                hosts.push(Vec::new());
            }
            if let Some(parts) = hosts.get_mut(at) {
                parts.push((one, rule));
            }
        }
    }
    for parts in hosts {
        let listener = listener(cluster, &settings, &parts, conf);
        conf.listeners.extend(listener);
    }
    for one in all.iter().filter(|one| one.rules.is_empty()) {
        let Some(backend) = one.default else { continue };
        let mut listener = Listener::new(one.object.place(), Proxy::IngressNginx, Some(443), Layer::Http);
        let at = backend.at;
        let path = IngressPath {
            at,
            path: "/",
            kind: PathType::Prefix,
            backend,
        };
        listener.tls = tls(&settings, &[(one, None)], at);
        connections(&settings, at, &mut listener);
        listener
            .routes
            .push(route(cluster, &settings, one.object, &path, false, conf));
        conf.listeners.push(listener);
    }
}

/// The server of one host.
fn listener(
    cluster: &Cluster,
    settings: &Settings,
    parts: &[(&Ingress, &Rule)],
    conf: &mut ProxyConf,
) -> Option<Listener> {
    let (_, first) = parts.first()?;
    let at = first.host.unwrap_or(first.at);
    let mut listener = Listener::new(at.place(), Proxy::IngressNginx, Some(443), Layer::Http);
    if let Some(host) = first.host {
        let name = host.word().and_then(Host::read);
        listener.hosts.extend(name.map(|name| host.setting(name, "host")));
    }
    let mut paths: Vec<(&Object, IngressPath)> = Vec::new();
    for (ingress, rule) in parts {
        paths.extend(rule.paths.iter().map(|path| (ingress.object, *path)));
    }
    for (ingress, rule) in parts {
        // The default backend of an Ingress stands in for a path `/`.
        let has_root = paths.iter().any(|(_, path)| matches!(path.path, "" | "/"));
        if let (false, Some(backend)) = (has_root, ingress.default) {
            let root = IngressPath {
                at: backend.at,
                path: "/",
                kind: PathType::Prefix,
                backend,
            };
            paths.push((ingress.object, root));
        }
        let passes = on(ingress.object, "ssl-passthrough");
        if let (true, Some(root)) = (passes, rule.paths.iter().find(|path| matches!(path.path, "" | "/"))) {
            let (server, _) = root.backend.resolve(cluster, ingress.object, conf);
            let forward = Forward {
                at: root.backend.at.place(),
                name: Some(root.backend.service.to_owned()),
                speaks: root.at.default(Speaks::AsClient, "ssl-passthrough"),
                tls: None,
                servers: vec![server],
                check: None,
                sends_proxy_protocol: None,
            };
            listener.layer = Layer::Tcp;
            listener.tls = Tls::Passed;
            let action = Action::Forward(Box::new(forward));
            listener.routes = vec![Route::new(root.at.place(), Path::All, action)];
            return Some(listener);
        }
    }
    let tls_parts: Vec<_> = parts.iter().map(|(ingress, rule)| (*ingress, rule.host)).collect();
    listener.tls = tls(settings, &tls_parts, at);
    connections(settings, at, &mut listener);

    // One path that is an expression makes expressions of all paths of its host.
    let regex = parts
        .iter()
        .any(|(ingress, _)| on(ingress.object, "use-regex") || annotation(ingress.object, "rewrite-target").is_some());
    paths.sort_by_key(|(_, path)| {
        let is_exact = path.kind == PathType::Exact && !regex;
        (!is_exact, usize::MAX - path.path.len())
    });
    for (object, path) in &paths {
        let route = route(cluster, settings, object, path, regex, conf);
        listener.routes.push(route);
    }
    if !paths.iter().any(|(_, path)| matches!(path.path, "" | "/")) {
        listener
            .routes
            .push(Route::new(at.place(), Path::All, Action::Answer(404)));
    }
    Some(listener)
}

/// Which certificate a host gets. The controller answers every host on 443: one that no `tls` entry names gets its default
/// certificate, which is a fake one unless `--default-ssl-certificate` says otherwise.
fn tls(settings: &Settings, parts: &[(&Ingress, Option<Field>)], at: Field) -> Tls {
    let entries = || {
        parts
            .iter()
            .flat_map(|(ingress, _)| ingress.object.spec("tls"))
            .flat_map(Field::items)
    };
    let mut ended = Terminated::new(entries().next().unwrap_or(at).place());
    // An entry without hosts is for whatever names its certificate has.
    let is_listed = entries().all(|entry| entry.get("hosts").is_some()) && parts.iter().all(|(_, host)| host.is_some());
    ended.hosts = is_listed.then(|| {
        let named = entries().flat_map(|entry| entry.list("hosts"));
        named
            .filter_map(|host| Some(host.setting(Host::read(host.word()?)?, "tls.hosts")))
            .collect()
    });
    let names = |entry: &Field| {
        let mut hosts = entry.list("hosts").filter_map(Field::word);
        hosts.any(|name| {
            parts.iter().any(|(_, host)| {
                host.and_then(Field::word)
                    .is_some_and(|host| host.eq_ignore_ascii_case(name))
            })
        })
    };
    let any_names = entries().any(|entry| names(&entry));
    let chosen = entries().filter(|entry| !any_names || names(entry));
    for secret in chosen.filter_map(|entry| entry.get("secretName")) {
        let name = secret.word().unwrap_or_default();
        if !ended.certificates.iter().any(|known| known.value == name) {
            ended.certificates.push(secret.setting(name.to_owned(), "secretName"));
        }
    }
    ended.client_certificate = parts.iter().find_map(|(ingress, _)| {
        annotation(ingress.object, "auth-tls-secret")?;
        let verify = annotation(ingress.object, "auth-tls-verify-client");
        match verify.and_then(Field::word) {
            None | Some("on") => {
                let field = verify.or_else(|| annotation(ingress.object, "auth-tls-secret"))?;
                Some(field.setting(true, "auth-tls-verify-client"))
            }
            Some(_) => None,
        }
    });
    ended.newest = settings.controller("ssl-protocols").and_then(|field| {
        let newest = field.word()?.split_whitespace().max()?.strip_prefix("TLSv")?;
        Some(field.setting(newest.to_owned(), "ssl-protocols"))
    });
    Tls::Ended(Box::new(ended))
}

/// What holds for the connections of a server.
fn connections(settings: &Settings, at: Field, listener: &mut Listener) {
    let http2 = settings.controlled("use-http2", at, Http2::Spoken, |text| match text {
        "true" => Some(Http2::Spoken),
        "false" => Some(Http2::Http1Only),
        _ => None,
    });
    listener.http2 = Some(http2);
    let number = |text: &str| text.parse().ok();
    let header = |text: &str| size(text.split_whitespace().last()?);
    listener.limits = Limits {
        header: Some(settings.controlled("large-client-header-buffers", at, 8 << 10, header)),
        streams: Some(settings.controlled("http2-max-concurrent-streams", at, 128, number)),
        requests: Some(settings.controlled("keep-alive-requests", at, 1_000, number)),
        age: Some(at.default(3_600_000, "keepalive_time")),
        ..Limits::default()
    };
    let proxied = settings.controller("use-proxy-protocol");
    listener.proxy_protocol = proxied.filter(|field| field.word() == Some("true")).map(Field::place);
}

/// The location of one path.
fn route(
    cluster: &Cluster,
    settings: &Settings,
    object: &Object,
    entry: &IngressPath,
    regex: bool,
    conf: &mut ProxyConf,
) -> Route {
    let at = entry.at;
    let redirect = ["permanent-redirect", "temporal-redirect"]
        .iter()
        .find_map(|key| annotation(object, key)?.word());
    let protocol = annotation(object, "backend-protocol");
    let (speaks, tls) = match protocol.and_then(Field::word).map(str::to_ascii_uppercase).as_deref() {
        None | Some("HTTP") => (Speaks::Http1, Some(false)),
        Some("HTTPS") => (Speaks::Http1, Some(true)),
        Some("AUTO_HTTP") => (Speaks::Http1, None),
        Some("GRPC") => (Speaks::Http2, Some(false)),
        Some("GRPCS") => (Speaks::Http2, Some(true)),
        Some("FCGI") => (Speaks::Foreign, Some(false)),
        Some(other) => {
            if let Some(field) = protocol {
                conf.problems.push(field.ignored(format!(
                    "backend-protocol {other} is unknown, and HTTP is spoken: it is HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS or FCGI"
                )));
            }
            (Speaks::Http1, Some(false))
        }
    };
    let says = |written: Option<Field>| written.map_or_else(|| at.place(), Field::place);
    let action = match redirect {
        Some(to) => Action::Redirect(to.to_owned()),
        None => {
            let (server, _) = entry.backend.resolve(cluster, object, conf);
            let setting = match protocol {
                Some(field) => field.setting(speaks, "backend-protocol"),
                None => at.default(speaks, "backend-protocol"),
            };
            Action::Forward(Box::new(Forward {
                at: entry.backend.at.place(),
                name: Some(entry.backend.service.to_owned()),
                tls: tls.map(|tls| Setting {
                    value: tls,
                    name: "backend-protocol".to_owned(),
                    from: setting.from,
                    at: says(protocol),
                }),
                speaks: setting,
                servers: vec![server],
                check: None,
                sends_proxy_protocol: None,
            }))
        }
    };
    let mut route = Route::new(at.place(), path(entry, regex), action);
    if on(object, "canary") {
        // Only some of the requests are for it; the others go on to the path's own Ingress.
        route.when.push(Condition {
            asks: Asks::Else("canary".to_owned()),
            not: false,
        });
    }
    let is_grpc = speaks == Speaks::Http2;
    let seconds = |text: &str| text.parse::<u64>().ok().map(|seconds| seconds * 1000);
    let body = settings.of(object, "proxy-body-size", at, 1 << 20, size);
    route.limits.body = Some(body).filter(|body| body.value > 0);
    route.limits.idle = vec![settings.of(object, "proxy-read-timeout", at, 60_000, seconds)];
    if is_grpc {
        let client = settings.controlled("client-body-timeout", at, 60_000, nginx_time);
        route.limits.idle.push(client);
    } else {
        let written = |key| {
            let field = annotation(object, key).or_else(|| settings.controller(key))?;
            Some(field.setting(field.word()? == "on", key))
        };
        route.buffers_requests = written("proxy-request-buffering");
        route.buffers_responses = written("proxy-buffering");
        route.upgrades = Some(at.default(true, "proxy_set_header Upgrade"));
    }
    route.guards = guards(settings, object);
    route.retries = settings.retries(object);
    let underscores = settings.controller("enable-underscores-in-headers");
    if underscores.and_then(Field::word) != Some("true") {
        let name = "enable-underscores-in-headers";
        let removed = "hoop_key".to_owned();
        route.removes.push(match underscores {
            Some(field) => field.setting(removed, name),
            None => at.default(removed, name),
        });
    }
    route.rewrites = annotation(object, "rewrite-target")
        .filter(|target| rewrites(entry.path, target.word().unwrap_or_default()))
        .map(Field::place);
    snippets(object, &mut route);
    route
}

/// How a path is compared. A path that is no expression takes what nginx's prefix takes; the type Prefix whole segments.
fn path(entry: &IngressPath, regex: bool) -> Path {
    let path = match entry.path {
        "" => "/",
        path => path,
    };
    match entry.kind {
        _ if regex && path != "/" => Path::Matches(format!("(?i)^{path}")),
        PathType::Exact => Path::Exact(path.to_owned()),
        _ if path == "/" => Path::All,
        PathType::Prefix => Path::Segments(path.to_owned()),
        PathType::ImplementationSpecific => Path::Prefix(path.to_owned()),
    }
}

/// Whether a path of Hoop's arrives changed: `rewrite "(?i)<path>" <target> break` replaces all of it.
fn rewrites(path: &str, target: &str) -> bool {
    let Ok(pattern) = Regex::new(&format!("(?i){path}")) else {
        return true;
    };
    [METHODS[0], "/api/healthz"].into_iter().any(|request| {
        pattern.captures(request).is_some_and(|found| {
            let mut becomes = target.to_owned();
            for group in 1..=9 {
                let part = found.get(group).map_or("", |part| part.as_str());
                becomes = becomes.replace(&format!("${group}"), part);
            }
            becomes != request
        })
    })
}

/// What stands before the paths of an Ingress.
fn guards(settings: &Settings, object: &Object) -> Vec<Guard> {
    let mut guards: Vec<Guard> = Vec::new();
    let mut add = |field: Field, kind, name: &str| {
        guards.push(Guard {
            at: field.place(),
            kind,
            name: name.to_owned(),
        });
    };
    for key in ["auth-url", "auth-type"] {
        if let Some(field) = annotation(object, key).filter(|field| field.word() != Some("")) {
            add(field, GuardKind::Authenticates, key);
        }
    }
    let global = settings
        .controller("global-auth-url")
        .filter(|field| field.word() != Some(""));
    let asked = annotation(object, "enable-global-auth").and_then(Field::word) != Some("false");
    if let Some(field) = global.filter(|_| asked) {
        add(field, GuardKind::Authenticates, "global-auth-url");
    }
    for key in ["limit-rps", "limit-rpm", "limit-connections"] {
        if let Some(field) = annotation(object, key).filter(|field| field.number().is_some_and(|limit| limit > 0)) {
            add(field, GuardKind::Limits, key);
        }
    }
    if let Some(field) = annotation(object, "denylist-source-range")
        && field.word().is_some_and(|ranges| ranges.contains("0.0.0.0/0"))
    {
        add(field, GuardKind::Denies, "denylist-source-range");
    }
    guards
}

/// What raw nginx in an Ingress changes: the directives that are known here, a line each; all others say nothing.
///
/// A `server` snippet can't change what the controller writes into every `location`, the size of a body among them.
fn snippets(object: &Object, route: &mut Route) {
    for (key, is_location) in [("server-snippet", false), ("configuration-snippet", true)] {
        let Some(field) = annotation(object, key) else { continue };
        for (line, place) in lines(field) {
            let Some((name, value)) = line.trim_end_matches(';').trim_end().split_once(' ') else {
                continue;
            };
            let value = value.trim();
            let mut idle = |replaced: &str| {
                if let Some(time) = nginx_time(value) {
                    route.limits.idle.retain(|one| one.name != replaced);
                    route.limits.idle.push(Setting::written(time, name, place.clone()));
                }
            };
            match name {
                "grpc_read_timeout" => idle("proxy-read-timeout"),
                "client_body_timeout" => idle("client-body-timeout"),
                "client_max_body_size" if is_location => {
                    let body = size(value).map(|bytes| Setting::written(bytes, name, place));
                    route.limits.body = body.filter(|body| body.value > 0);
                }
                "underscores_in_headers" if value == "on" => {
                    route.removes.retain(|one| one.name != "enable-underscores-in-headers");
                }
                "deny" | "auth_basic" | "auth_request" | "limit_req" | "limit_conn" => {
                    let kind = match name {
                        "deny" if value != "all" => continue,
                        "deny" => GuardKind::Denies,
                        "auth_basic" | "auth_request" if value == "off" => continue,
                        "auth_basic" | "auth_request" => GuardKind::Authenticates,
                        _ => GuardKind::Limits,
                    };
                    route.guards.push(Guard {
                        at: place,
                        kind,
                        name: name.to_owned(),
                    });
                }
                _ => {}
            }
        }
    }
}

/// The lines of a value with their places. In a block scalar they stand below its key; elsewhere all have one place.
fn lines<'a>(field: Field<'a>) -> impl Iterator<Item = (&'a str, Place)> {
    let all = field.word().unwrap_or_default().lines().map(str::trim);
    let mut from = field.node.line;
    all.filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(move |line| {
            let found = (from..from + FARTHEST).find(|number| field.text.line(*number).trim() == line);
            let place = found.map(|number| {
                from = number + 1;
                let indent = field
                    .text
                    .line(number)
                    .chars()
                    .take_while(|char| char.is_whitespace())
                    .count();
                field.text.place_at(number, indent + 1)
            });
            (line, place.unwrap_or_else(|| field.place()))
        })
}

/// Annotations that are spelled almost like a known one do nothing at all.
fn misspelt(object: &Object, conf: &mut ProxyConf) {
    let annotations = object.root.at(&["metadata", "annotations"]);
    for (key, value) in annotations.into_iter().flat_map(Field::entries) {
        let Some(name) = key.name.strip_prefix(PREFIX) else {
            continue;
        };
        if name.len() > LONGEST || ANNOTATIONS.contains(&name) {
            continue;
        }
        let nearest = ANNOTATIONS.iter().min_by_key(|known| edits(name, known));
        let Some(near) = nearest.filter(|known| edits(name, known) <= 1 + known.len() / 10) else {
            continue;
        };
        conf.problems.push(super::Problem {
            at: key.place(value.text),
            what: format!("ingress-nginx has no annotation {name}, and ignores it: {near} is meant"),
            starts: true,
        });
    }
}

/// Where settings come from beside an Ingress.
struct Settings<'a> {
    /// The data of the controller's ConfigMap, where it is among the files.
    controller: Option<Field<'a>>,
}

impl<'a> Settings<'a> {
    fn controller(&self, key: &str) -> Option<Field<'a>> {
        self.controller?.get(key)
    }

    /// What the ConfigMap says, or the default. What it says badly is ignored, as the controller does.
    fn controlled<T>(&self, key: &str, at: Field, default: T, read: impl Fn(&str) -> Option<T>) -> Setting<T> {
        let written = self.controller(key);
        let value = written.and_then(|field| Some(field.setting(read(field.word()?.trim())?, key)));
        value.unwrap_or_else(|| at.default(default, key))
    }

    /// What an Ingress says, or else its controller.
    fn of<T>(&self, object: &Object, key: &str, at: Field, default: T, read: impl Fn(&str) -> Option<T>) -> Setting<T> {
        let written = annotation(object, key);
        let value = written.and_then(|field| Some(field.setting(read(field.word()?.trim())?, key)));
        value.unwrap_or_else(|| self.controlled(key, at, default, read))
    }

    /// nginx sends a POST again, as every gRPC call is one, only where it is told that this is harmless.
    fn retries(&self, object: &Object) -> Option<Setting<Option<u64>>> {
        let own = annotation(object, "proxy-next-upstream");
        let (field, name) = match own.or_else(|| self.controller("proxy-next-upstream")) {
            Some(field) if field.word()?.contains("non_idempotent") => (field, "proxy-next-upstream"),
            _ => {
                let field = self.controller("retry-non-idempotent")?;
                (
                    Some(field).filter(|field| field.word() == Some("true"))?,
                    "retry-non-idempotent",
                )
            }
        };
        let tries = annotation(object, "proxy-next-upstream-tries").and_then(Field::number);
        Some(field.setting(tries, name))
    }
}

/// The ConfigMap of the controller: named after it, with keys that only it has.
fn config_map<'a>(cluster: &Cluster<'a>) -> Option<Field<'a>> {
    let maps = cluster.all("", "ConfigMap").filter(|map| {
        let label = map.root.at(&["metadata", "labels", "app.kubernetes.io/name"]);
        map.name.contains("nginx") || label.and_then(Field::word) == Some("ingress-nginx")
    });
    maps.filter_map(|map| map.root.get("data"))
        .find(|data| data.entries().any(|(key, _)| CONTROLLED.contains(&key.name.as_str())))
}

fn annotation<'a>(object: &Object<'a>, key: &str) -> Option<Field<'a>> {
    object.annotation(&format!("{PREFIX}{key}"))
}

fn on(object: &Object, key: &str) -> bool {
    annotation(object, key).and_then(Field::word) == Some("true")
}

/// nginx's sizes: `8k`, `1m`, `1g`, or bytes.
fn size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(['k', 'm', 'g']);
    let shift = match text.get(digits.len()..)? {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// nginx's times: seconds where no unit stands, `1h`, `30m`, `500ms`. In milliseconds.
fn nginx_time(text: &str) -> Option<u64> {
    match text.parse::<u64>() {
        Ok(seconds) => seconds.checked_mul(1000),
        Err(_) => {
            super::duration(&text.replace('d', "h")).map(|time| if text.contains('d') { time * 24 } else { time })
        }
    }
}

/// How far below a key the lines of its value are looked for, and how long a name is compared.
const FARTHEST: usize = 500;
const LONGEST: usize = 60;

/// Keys of the controller's ConfigMap.
const CONTROLLED: [&str; 20] = [
    "allow-snippet-annotations",
    "client-body-timeout",
    "client-header-timeout",
    "compute-full-forwarded-for",
    "enable-underscores-in-headers",
    "global-auth-url",
    "http2-max-concurrent-streams",
    "http-snippet",
    "keep-alive",
    "keep-alive-requests",
    "large-client-header-buffers",
    "proxy-body-size",
    "proxy-next-upstream",
    "proxy-read-timeout",
    "proxy-send-timeout",
    "retry-non-idempotent",
    "ssl-protocols",
    "use-forwarded-headers",
    "use-http2",
    "use-proxy-protocol",
];

/// All annotations, those of older versions too.
const ANNOTATIONS: [&str; 150] = [
    "add-base-url",
    "affinity",
    "affinity-canary-behavior",
    "affinity-mode",
    "allowlist-source-range",
    "app-root",
    "auth-always-set-cookie",
    "auth-cache-duration",
    "auth-cache-key",
    "auth-keepalive",
    "auth-keepalive-requests",
    "auth-keepalive-share-vars",
    "auth-keepalive-timeout",
    "auth-method",
    "auth-proxy-set-headers",
    "auth-realm",
    "auth-request-redirect",
    "auth-response-headers",
    "auth-secret",
    "auth-secret-type",
    "auth-signin",
    "auth-signin-redirect-param",
    "auth-snippet",
    "auth-tls-error-page",
    "auth-tls-match-cn",
    "auth-tls-pass-certificate-to-upstream",
    "auth-tls-secret",
    "auth-tls-verify-client",
    "auth-tls-verify-depth",
    "auth-type",
    "auth-url",
    "backend-protocol",
    "base-url-scheme",
    "canary",
    "canary-by-cookie",
    "canary-by-header",
    "canary-by-header-pattern",
    "canary-by-header-value",
    "canary-weight",
    "canary-weight-total",
    "client-body-buffer-size",
    "configuration-snippet",
    "connection-proxy-header",
    "cors-allow-credentials",
    "cors-allow-headers",
    "cors-allow-methods",
    "cors-allow-origin",
    "cors-expose-headers",
    "cors-max-age",
    "custom-headers",
    "custom-http-errors",
    "default-backend",
    "denylist-source-range",
    "disable-proxy-intercept-errors",
    "enable-access-log",
    "enable-cors",
    "enable-dynamic-tls-records",
    "enable-global-auth",
    "enable-influxdb",
    "enable-modsecurity",
    "enable-opentelemetry",
    "enable-opentracing",
    "enable-owasp-core-rules",
    "enable-rewrite-log",
    "fastcgi-index",
    "fastcgi-params-configmap",
    "force-ssl-redirect",
    "from-to-www-redirect",
    "grpc-backend",
    "http2-push-preload",
    "limit-allowlist",
    "limit-burst-multiplier",
    "limit-connections",
    "limit-rate",
    "limit-rate-after",
    "limit-rpm",
    "limit-rps",
    "limit-whitelist",
    "load-balance",
    "mirror-host",
    "mirror-request-body",
    "mirror-target",
    "modsecurity-snippet",
    "modsecurity-transaction-id",
    "opentelemetry-operation-name",
    "opentelemetry-trust-incoming-span",
    "opentracing-operation-name",
    "opentracing-trust-incoming-span",
    "permanent-redirect",
    "permanent-redirect-code",
    "preserve-trailing-slash",
    "proxy-body-size",
    "proxy-buffer-size",
    "proxy-buffering",
    "proxy-buffers-number",
    "proxy-busy-buffers-size",
    "proxy-connect-timeout",
    "proxy-cookie-domain",
    "proxy-cookie-path",
    "proxy-http-version",
    "proxy-max-temp-file-size",
    "proxy-next-upstream",
    "proxy-next-upstream-timeout",
    "proxy-next-upstream-tries",
    "proxy-read-timeout",
    "proxy-redirect-from",
    "proxy-redirect-to",
    "proxy-request-buffering",
    "proxy-send-timeout",
    "proxy-ssl-ciphers",
    "proxy-ssl-name",
    "proxy-ssl-protocols",
    "proxy-ssl-secret",
    "proxy-ssl-server-name",
    "proxy-ssl-verify",
    "proxy-ssl-verify-depth",
    "relative-redirects",
    "rewrite-target",
    "satisfy",
    "secure-backends",
    "secure-verify-ca-secret",
    "server-alias",
    "server-snippet",
    "service-upstream",
    "session-cookie-change-on-failure",
    "session-cookie-conditional-samesite-none",
    "session-cookie-domain",
    "session-cookie-expires",
    "session-cookie-hash",
    "session-cookie-max-age",
    "session-cookie-name",
    "session-cookie-partitioned",
    "session-cookie-path",
    "session-cookie-samesite",
    "session-cookie-secure",
    "ssl-ciphers",
    "ssl-passthrough",
    "ssl-prefer-server-ciphers",
    "ssl-redirect",
    "stream-snippet",
    "temporal-redirect",
    "temporal-redirect-code",
    "upstream-hash-by",
    "upstream-hash-by-subset",
    "upstream-hash-by-subset-size",
    "upstream-vhost",
    "use-port-in-redirects",
    "use-regex",
    "whitelist-source-range",
    "x-forwarded-prefix",
];
