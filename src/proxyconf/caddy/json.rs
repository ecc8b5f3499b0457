//! Caddy's JSON: servers, routes and handlers, as far as the same facts go.

use super::super::cases::Cases;
use super::super::source::Text;
use super::super::yaml::{Node, documents};
use super::super::{
    Action, Asks, CheckAsks, Forward, Guard, GuardKind, HealthCheck, Host, Http2, Layer, Listener, Path, Place,
    ProxyConf, Route, Server, Setting, Speaks, Terminated, Tls,
};
use super::keep_out;
use super::matcher::path;
use super::options::{dropped, duration};
use super::upstream::address;
use crate::proxies::Proxy;

/// How deep subroutes may be nested.
const DEEPEST: usize = 40;

pub(super) fn read(text: &Text, conf: &mut ProxyConf) {
    let found = documents(text);
    conf.problems.extend(found.problem);
    for document in &found.all {
        let servers = document.at(&["apps", "http", "servers"]);
        for (_, server) in servers.map_or(&[][..], Node::entries) {
            listeners(server, text, conf);
        }
    }
}

fn listeners(server: &Node, text: &Text, conf: &mut ProxyConf) {
    let at = server.place(text);
    let policies: Vec<&Node> = server
        .get("tls_connection_policies")
        .map(|all| all.items().collect())
        .unwrap_or_default();
    for listen in server.get("listen").into_iter().flat_map(Node::items) {
        let port = listen
            .text()
            .and_then(|text| text.rsplit_once(':')?.1.parse::<u16>().ok());
        let nothing = vec![Route::new(at.clone(), Path::All, Action::Answer(200))];
        let routes = before(server.get("routes"), nothing, text, 0);
        let automatic = server.at(&["automatic_https", "disable"]).and_then(Node::truth) != Some(true);
        let named = automatic && routes.iter().any(|route| !route.hosts.is_empty());
        let ends_tls = !policies.is_empty() || port == Some(443) || named && port != Some(80);
        let mut listener = Listener::new(listen.place(text), Proxy::Caddy, port, Layer::Http);
        if ends_tls {
            let mut tls = Terminated::new(policies.first().map_or(at.clone(), |policy| policy.place(text)));
            let mode = policies
                .iter()
                .find_map(|policy| policy.at(&["client_authentication", "mode"]));
            tls.client_certificate = mode.map(|mode| {
                let required = mode.text().is_some_and(|mode| mode.starts_with("require"));
                Setting::written(required, "mode", mode.place(text))
            });
            listener.tls = Tls::Ended(Box::new(tls));
        }
        listener.http2 = Some(match server.get("protocols") {
            Some(protocols) => {
                let h2 = protocols
                    .items()
                    .any(|one| matches!(one.text(), Some("h2")) || !ends_tls && one.text() == Some("h2c"));
                let outcome = if h2 { Http2::Spoken } else { Http2::Http1Only };
                Setting::written(outcome, "protocols", protocols.place(text))
            }
            None => Setting::by_default(Http2::Spoken, "protocols", at.clone()),
        });
        for name in ["read_timeout", "write_timeout"] {
            let timeout = server.get(name).and_then(|node| time(node, name, text));
            listener
                .limits
                .lifetime
                .extend(timeout.filter(|timeout| timeout.value > 0));
        }
        let idle = server
            .get("read_idle_timeout")
            .and_then(|node| time(node, "read_idle_timeout", text));
        let idle = idle.unwrap_or_else(|| Setting::by_default(60_000, "read_idle_timeout", at.clone()));
        listener.limits.idle.extend(Some(idle).filter(|idle| idle.value > 0));
        listener.routes = routes;
        let expected = server
            .get("expected_underscore_headers")
            .into_iter()
            .flat_map(Node::items);
        let expected: Vec<String> = expected.filter_map(Node::text).map(str::to_ascii_lowercase).collect();
        keep_out(&mut listener.routes, dropped(&expected, &at));
        conf.listeners.push(listener);
    }
}

/// A duration: nanoseconds, or as in a Caddyfile.
fn time(node: &Node, name: &str, text: &Text) -> Option<Setting<u64>> {
    let ms = node
        .number()
        .map(|ns| ns / 1_000_000)
        .or_else(|| duration(node.text()?))?;
    Some(Setting::written(ms, name, node.place(text)))
}

/// Puts a list of routes before what comes after it. Of a group one route is taken.
fn before(routes: Option<&Node>, rest: Vec<Route>, text: &Text, depth: usize) -> Vec<Route> {
    let all: Vec<&Node> = routes.map(|routes| routes.items().collect()).unwrap_or_default();
    if depth > DEEPEST {
        return rest;
    }
    let mut found = rest;
    let mut all = all.as_slice();
    while let Some((route, earlier)) = all.split_last() {
        let group = route.text_of("group");
        let same = |other: &&Node| group.is_some() && other.text_of("group") == group;
        let first = match group {
            Some(_) => all.iter().rposition(|other| !same(other)).map_or(0, |at| at + 1),
            None => earlier.len(),
        };
        let (others, group) = all.split_at(first);
        let after = found.clone();
        let mut taken: Vec<Route> = Vec::new();
        for route in group {
            let at = route.place(text);
            let ends = route.get("terminal").and_then(Node::truth) == Some(true);
            let inner = match ends {
                true => vec![Route::new(at.clone(), Path::All, Action::Answer(200))],
                false => after.clone(),
            };
            let handlers: Vec<&Node> = route.get("handle").map(|all| all.items().collect()).unwrap_or_default();
            let inner = handlers
                .iter()
                .rev()
                .fold(inner, |inner, one| handler(one, inner, text, depth));
            taken.extend(cases(route.get("match"), text).within(&inner, &at));
        }
        taken.extend(after);
        let end = taken
            .iter()
            .position(|route| route.path == Path::All && route.when.is_empty() && route.hosts.is_empty());
        taken.truncate(end.map_or(taken.len(), |end| end + 1));
        found = taken;
        all = others;
    }
    found
}

fn cases(sets: Option<&Node>, text: &Text) -> Cases {
    let sets: Vec<&Node> = sets.map(|sets| sets.items().collect()).unwrap_or_default();
    match sets.is_empty() {
        true => Cases::always(),
        false => sets.iter().fold(Cases::never(), |any, set| any.or(matchers(set, text))),
    }
}

fn matchers(set: &Node, text: &Text) -> Cases {
    set.entries().iter().fold(Cases::always(), |all, (name, value)| {
        let values = || value.items().filter_map(Node::text);
        let one = match name.name.as_str() {
            "path" => {
                let mut paths: Vec<Path> = values().map(path).collect();
                Cases::of(Asks::Path(match paths.len() {
                    1 => paths.remove(0),
                    _ => Path::Any(paths),
                }))
            }
            "path_regexp" => Cases::of(Asks::Path(Path::Matches(
                value.text_of("pattern").unwrap_or_default().to_owned(),
            ))),
            "host" => match values().map(Host::read).collect::<Option<Vec<Host>>>() {
                Some(hosts) => Cases::of(Asks::Host(hosts)),
                None => Cases::always(),
            },
            "method" => Cases::of(Asks::Method(values().map(str::to_owned).collect())),
            "protocol" if value.text() == Some("grpc") => {
                Cases::of(Asks::Header("content-type".to_owned(), "application/grpc".to_owned()))
            }
            "header" => value.entries().iter().fold(Cases::always(), |all, (header, wanted)| {
                let name = header.name.to_ascii_lowercase();
                let starts = wanted.items().filter_map(Node::text);
                let any =
                    starts.map(|start| Cases::of(Asks::Header(name.clone(), start.trim_end_matches('*').to_owned())));
                all.and(&any.fold(Cases::never(), Cases::or))
            }),
            "not" => cases(Some(value), text).negated(),
            other => Cases::unknown(other),
        };
        all.and(&one)
    })
}

fn handler(one: &Node, rest: Vec<Route>, text: &Text, depth: usize) -> Vec<Route> {
    let at = one.place(text);
    let kind = one.text_of("handler").unwrap_or_default();
    let always = Cases::always();
    let ends = |action: Action| vec![Route::new(at.clone(), Path::All, action)];
    match kind {
        "subroute" => before(one.get("routes"), rest, text, depth + 1),
        // What decides by the answer whether the request goes on is `forward_auth`.
        "reverse_proxy" if one.get("handle_response").is_some() => {
            guarded("forward_auth", GuardKind::Authenticates, rest, &at)
        }
        "reverse_proxy" => vec![forward(one, text, &at)],
        "static_response" if one.get("abort").and_then(Node::truth) == Some(true) => {
            guarded("abort", GuardKind::Denies, ends(Action::Else("abort".to_owned())), &at)
        }
        "static_response" => {
            let location = one
                .at(&["headers", "Location"])
                .and_then(|to| to.items().next())
                .and_then(Node::text);
            let status = one
                .get("status_code")
                .and_then(Node::number)
                .and_then(|status| status.try_into().ok())
                .unwrap_or(200);
            match location {
                Some(to) => ends(Action::Redirect(to.to_owned())),
                None => ends(Action::Answer(status)),
            }
        }
        "error" => ends(Action::Answer(
            one.get("status_code")
                .and_then(Node::number)
                .and_then(|status| status.try_into().ok())
                .unwrap_or(500),
        )),
        "file_server" | "metrics" => ends(Action::Answer(200)),
        "authentication" => guarded(kind, GuardKind::Authenticates, rest, &at),
        "rewrite" => {
            let changes = [
                "uri",
                "strip_path_prefix",
                "strip_path_suffix",
                "uri_substring",
                "path_regexp",
            ];
            match changes.iter().any(|name| one.get(name).is_some()) {
                true => always.change(rest, &at, |route| route.rewrites = Some(at.clone())),
                false => rest,
            }
        }
        "request_body" => match one
            .get("max_size")
            .and_then(|node| Some((node.number()?, node.place(text))))
        {
            Some((size, place)) => always.change(rest, &at, |route| {
                route.limits.body = Some(Setting::written(size, "max_size", place.clone()))
            }),
            None => rest,
        },
        "timeouts" => match one
            .get("read_timeout")
            .and_then(|node| time(node, "read_timeout", text))
            .filter(|idle| idle.value > 0)
        {
            Some(idle) => always.change(rest, &at, |route| route.limits.idle.push(idle.clone())),
            None => rest,
        },
        "headers" => {
            let removed = headers(one.get("request"), text);
            always.change(rest, &at, |route| route.removes.extend(removed.iter().cloned()))
        }
        _ => rest,
    }
}

fn guarded(name: &str, kind: GuardKind, rest: Vec<Route>, at: &Place) -> Vec<Route> {
    let guard = Guard {
        at: at.clone(),
        kind,
        name: name.to_owned(),
    };
    Cases::always().change(rest, at, |route| route.guards.insert(0, guard.clone()))
}

/// The headers that are deleted or set.
fn headers(request: Option<&Node>, text: &Text) -> Vec<Setting<String>> {
    let deleted = request
        .and_then(|request| request.get("delete"))
        .into_iter()
        .flat_map(Node::items);
    let deleted = deleted.filter_map(|one| {
        Some(Setting::written(
            one.text()?.to_ascii_lowercase(),
            "delete",
            one.place(text),
        ))
    });
    let set = request
        .and_then(|request| request.get("set"))
        .map_or(&[][..], Node::entries)
        .iter();
    let set = set.map(|(key, _)| Setting::written(key.name.to_ascii_lowercase(), "set", key.place(text)));
    deleted.chain(set).collect()
}

fn forward(one: &Node, text: &Text, at: &Place) -> Route {
    let transport = one.get("transport");
    let tls = match transport.and_then(|transport| transport.entry("tls")) {
        Some((key, _)) => Setting::written(true, "tls", key.place(text)),
        None => Setting::by_default(false, "tls", at.clone()),
    };
    let protocol = transport.and_then(|transport| transport.text_of("protocol"));
    let speaks = match (protocol, transport.and_then(|transport| transport.entry("versions"))) {
        (Some("fastcgi"), _) => Setting::by_default(Speaks::Foreign, "protocol", at.clone()),
        (_, Some((key, versions))) => {
            let has = |version: &str| versions.items().any(|one| one.text() == Some(version));
            let http2 = has("h2c") || has("2") && tls.value;
            Setting::written(
                if http2 { Speaks::Http2 } else { Speaks::Http1 },
                "versions",
                key.place(text),
            )
        }
        (_, None) => Setting::by_default(
            if tls.value { Speaks::Http2 } else { Speaks::Http1 },
            "versions",
            at.clone(),
        ),
    };
    let servers: Vec<Server> = one
        .get("upstreams")
        .into_iter()
        .flat_map(Node::items)
        .filter_map(|upstream| {
            let dial = upstream.get("dial")?;
            let (_, host, port) = address(dial.text()?);
            Some(Server {
                at: dial.place(text),
                host: host.to_owned(),
                port,
                backup: false,
                down: None,
            })
        })
        .collect();
    let active = one.at(&["health_checks", "active"]);
    let check = active.map(|active| HealthCheck {
        at: active.place(text),
        proxy: Proxy::Caddy,
        asks: if speaks.value == Speaks::Http2 {
            CheckAsks::Http2
        } else {
            CheckAsks::Http1
        },
        tls: Some(tls.value),
        port: active.get("port").and_then(|port| {
            Some(Setting::written(
                port.number()?.try_into().ok()?,
                "port",
                port.place(text),
            ))
        }),
        traffic_port: servers.first().and_then(|server| server.port),
        path: active
            .get("uri")
            .or_else(|| active.get("path"))
            .and_then(|uri| Some(Setting::written(uri.text()?.to_owned(), "uri", uri.place(text)))),
        expects: active.get("expect_status").and_then(|status| {
            Some(Setting::written(
                status.text()?.to_owned(),
                "expect_status",
                status.place(text),
            ))
        }),
    });
    let upgrades = (speaks.value == Speaks::Http1).then(|| Setting::by_default(true, "reverse_proxy", at.clone()));
    let first = one
        .get("upstreams")
        .map_or(at.clone(), |upstreams| upstreams.place(text));
    let mut route = Route::new(
        at.clone(),
        Path::All,
        Action::Forward(Box::new(Forward {
            at: servers.first().map_or(first, |server| server.at.clone()),
            name: None,
            speaks,
            tls: Some(tls),
            servers,
            check,
            sends_proxy_protocol: None,
        })),
    );
    route.upgrades = upgrades;
    route.removes = headers(one.at(&["headers", "request"]), text);
    let buffers = |name: &str| {
        let (key, value) = one.entry(name)?;
        Some(Setting::written(value.number() != Some(0), name, key.place(text)))
    };
    route.buffers_requests = buffers("request_buffers");
    route.buffers_responses = buffers("response_buffers");
    route.rewrites = one.entry("rewrite").map(|(key, _)| key.place(text));
    route
}
