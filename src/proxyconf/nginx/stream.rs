//! The `stream` block: servers that pass bytes on.

use super::directives::{Context, Refusal};
use super::http::{World, terminated};
use super::include::Files;
use super::listen::{Addresses, Listen};
use super::scope::Scope;
use super::syntax::{Spot, Statement};
use super::upstream::{Address, Upstreams};
use crate::proxies::Proxy;
use crate::proxyconf::{
    Action, Forward, Guard, GuardKind, Host, Http2, Layer, Limits, Listener, Path, Route, Server, Setting, Speaks, Tls,
};

/// The listeners of `stream`, or of a fragment that belongs inside of it.
pub(super) fn listeners(
    files: &Files,
    at: Spot,
    statements: &[Statement],
    context: Context,
    refusals: &mut Vec<Refusal>,
) -> Vec<Listener> {
    let world = World {
        files,
        upstreams: Upstreams::read(statements, refusals),
    };
    let outer = Scope::new(files, at, statements);
    let sites: Vec<(Scope<'_>, Spot, Spot)> = match context {
        Context::StreamServer => vec![(outer.clone(), at, at)],
        _ => {
            let blocks = statements.iter().filter(|one| one.name.text == "server");
            blocks.map(|one| (outer.inside(one), one.name.at, one.end)).collect()
        }
    };
    let mut addresses = Addresses::default();
    let mut found = Vec::new();
    for (number, (scope, at, end)) in sites.into_iter().enumerate() {
        let own = scope.own().iter().filter(|one| one.name.text == "listen");
        let listens: Vec<Listen> = own
            .filter_map(|statement| {
                let listen = Listen::read(statement).ok()?;
                addresses.add(number, &listen, Some(statement), refusals);
                Some(listen)
            })
            .collect();
        if listens.is_empty() && context != Context::StreamServer {
            let place = files.place(end);
            let what = format!("no \"listen\" is defined for server in {}:{}", place.file, place.line);
            refusals.push(Refusal::new(end, what));
        }
        for listen in listens.iter().filter(|listen| !listen.datagrams) {
            found.push(listener(&world, &scope, at, listen, refusals));
        }
    }
    found
}

fn listener(world: &World<'_>, scope: &Scope<'_>, at: Spot, listen: &Listen, refusals: &mut Vec<Refusal>) -> Listener {
    let files = world.files;
    let mut listener = Listener::new(files.place(at), Proxy::Nginx, listen.port, Layer::Tcp);
    listener.proxy_protocol = listen.proxy_protocol.map(|at| files.place(at));
    let names = scope.own().iter().filter(|one| one.name.text == "server_name");
    for word in names.flat_map(|one| &one.args) {
        if let Some(host) = Host::read(&word.text) {
            listener
                .hosts
                .push(Setting::written(host, "server_name", scope.place(word)));
        }
    }
    match listen.ssl {
        Some(at) => {
            listener.tls = Tls::Ended(Box::new(terminated(scope, files.place(at))));
            listener.http2 = Some(alpn(scope));
        }
        // Whoever comes next gets what the client sends, TLS or not.
        None => listener.tls = Tls::Passed,
    }
    listener.routes = routes(world, scope, listen.ssl.is_some(), refusals);
    listener
}

/// Only what `ssl_alpn` lists is ever chosen.
fn alpn(scope: &Scope<'_>) -> Setting<Http2> {
    match scope.find("ssl_alpn") {
        Some(list) => {
            let is_listed = list.args.iter().any(|word| word.text == "h2");
            let http2 = if is_listed { Http2::Spoken } else { Http2::Http1Only };
            Setting::written(http2, "ssl_alpn", scope.place(&list.name))
        }
        None => Setting::by_default(Http2::NoAlpn, "ssl_alpn", scope.begin()),
    }
}

fn routes(world: &World<'_>, scope: &Scope<'_>, ends_tls: bool, refusals: &mut Vec<Refusal>) -> Vec<Route> {
    let finish = |mut route: Route| {
        route.guards = guards(scope);
        route
    };
    let Some(pass) = scope.own_one("proxy_pass") else {
        let other = scope.own_one("return").or_else(|| scope.own_one("pass"));
        let what = other.map_or("nothing", |one| one.name.text.as_str());
        return vec![finish(Route::new(
            scope.begin(),
            Path::All,
            Action::Else(what.to_owned()),
        ))];
    };
    let Some(word) = pass.args.first() else {
        return Vec::new();
    };
    let by_name = word.text.strip_prefix('$').and_then(|variable| map(scope, variable));
    let targets = by_name.unwrap_or_else(|| vec![(Vec::new(), word.text.as_str(), word)]);
    let mut out = Vec::new();
    for (hosts, target, at) in targets {
        let address = Address::read(target);
        let servers: Vec<Server> = match &address {
            Some(address) if !address.host.contains('$') || address.port.is_some() => {
                world.upstreams.servers(address, None, at, scope.files)
            }
            _ => Vec::new(),
        };
        // Unlike in `http`, an address needs a port.
        if let Some(address) = address
            .as_ref()
            .filter(|one| !one.host.contains('$') && !one.host.starts_with("unix:"))
        {
            if world.upstreams.block(address).is_none() && address.port.is_none() {
                refusals.push(Refusal::new(pass.end, format!("no port in upstream \"{target}\"")));
            }
            refusals.extend(world.upstreams.refusal(address, pass.end));
        } else if address.is_none() && !target.contains('$') {
            refusals.push(Refusal::new(pass.end, format!("invalid port in upstream \"{target}\"")));
        }
        let name = address.and_then(|address| world.upstreams.block(&address).map(|_| address.host.to_owned()));
        let tls = match scope.find("proxy_ssl").filter(|one| one.arg(0) == Some("on")) {
            Some(one) => Some(Setting::written(true, "proxy_ssl", scope.place(&one.name))),
            None => ends_tls.then(|| scope.flag("proxy_ssl", false)),
        };
        let sends = scope.find("proxy_protocol").filter(|one| one.arg(0) == Some("on"));
        let forward = Forward {
            at: scope.place(at),
            name,
            speaks: Setting::written(Speaks::AsClient, "proxy_pass", scope.place(&pass.name)),
            tls,
            servers,
            check: None,
            sends_proxy_protocol: sends.map(|one| scope.place(&one.name)),
        };
        let mut route = Route::new(scope.begin(), Path::All, Action::Forward(Box::new(forward)));
        route.hosts = hosts;
        route.limits = Limits {
            idle: vec![scope.time("proxy_timeout", 600_000)],
            ..Limits::default()
        };
        out.push(finish(route));
    }
    out
}

/// Hosts, what their connections go to, and the word that says so.
type Entry<'a> = (Vec<Setting<Host>>, &'a str, &'a super::syntax::Word);

/// What a `map` of the server's name makes of a variable, the default last.
fn map<'a>(scope: &Scope<'a>, variable: &str) -> Option<Vec<Entry<'a>>> {
    let maps = scope.all(&["map"]);
    let map = maps.into_iter().find(|one| {
        one.arg(0)
            .is_some_and(|source| matches!(source, "$ssl_preread_server_name" | "$ssl_server_name"))
            && one.arg(1).and_then(|name| name.strip_prefix('$')) == Some(variable)
    })?;
    let mut entries = Vec::new();
    let mut default = None;
    for entry in map.block() {
        let Some(target) = entry.args.first() else { continue };
        match entry.name.text.as_str() {
            "default" => default = Some((Vec::new(), target.text.as_str(), target)),
            name => {
                let name = name.strip_prefix('\\').unwrap_or(name);
                let host = Host::read(name).unwrap_or(Host::Else(name.to_owned()));
                let host = Setting::written(host, "map", scope.place(&entry.name));
                entries.push((vec![host], target.text.as_str(), target));
            }
        }
    }
    entries.extend(default);
    Some(entries)
}

fn guards(scope: &Scope<'_>) -> Vec<Guard> {
    let mut found = Vec::new();
    let mut add = |statement: &Statement, kind, name: &str| {
        found.push(Guard {
            at: scope.place(&statement.name),
            kind,
            name: name.to_owned(),
        });
    };
    let rules = scope.all(&["allow", "deny"]);
    if let Some(first) = rules
        .first()
        .filter(|one| one.name.text == "deny" && one.arg(0) == Some("all"))
    {
        add(first, GuardKind::Denies, "deny all");
    }
    for statement in scope.all(&["limit_conn"]) {
        add(statement, GuardKind::Limits, "limit_conn");
    }
    found
}
