//! Services: where requests go.

use super::tree::{at, entry, get, is_true, list, place, text, words};
use super::{Part, named};
use crate::proxies::Proxy;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::Node;
use crate::proxyconf::{Action, CheckAsks, Forward, HealthCheck, Place, Server, Setting, Speaks};

/// How deep services may refer to one another.
const DEEPEST: usize = 8;

/// What a router's service does; `at` is where the router names it.
pub(super) fn action(parts: &[Part<'_>], name: &str, at: Place) -> Action {
    if name.ends_with("@internal") {
        return Action::Else(name.to_owned());
    }
    Action::Forward(Box::new(forward(parts, name, at, DEEPEST)))
}

fn forward(parts: &[Part<'_>], name: &str, place: Place, depth: usize) -> Forward {
    let mut to = Forward {
        speaks: Setting::by_default(Speaks::Unknown, "service", place.clone()),
        at: place.clone(),
        name: Some(name.to_owned()),
        tls: None,
        servers: Vec::new(),
        check: None,
        sends_proxy_protocol: None,
    };
    let Some((part, node)) = named(parts, &["http", "services"], name) else {
        return to;
    };
    if let Some(balancer) = get(node, "loadBalancer") {
        fill(&mut to, parts, part, balancer);
        return to;
    }
    let weighted = get(node, "weighted")
        .into_iter()
        .flat_map(|weighted| list(weighted, "services"));
    let shares = weighted.filter(|one| get(one, "weight").and_then(Node::number) != Some(0));
    let mut members: Vec<(&str, bool)> = shares.filter_map(|one| Some((text(one, "name")?, false))).collect();
    members.extend(
        at(node, &["mirroring", "service"])
            .and_then(Node::text)
            .map(|name| (name, false)),
    );
    members.extend(
        at(node, &["failover", "service"])
            .and_then(Node::text)
            .map(|name| (name, false)),
    );
    members.extend(
        at(node, &["failover", "fallback"])
            .and_then(Node::text)
            .map(|name| (name, true)),
    );
    let mut known = false;
    for (member, backup) in members.into_iter().take(if depth == 0 { 0 } else { usize::MAX }) {
        let mut other = forward(parts, member, place.clone(), depth - 1);
        other.servers.iter_mut().for_each(|server| server.backup |= backup);
        if !known {
            to = Forward { name: to.name, ..other };
            known = true;
            continue;
        }
        if other.speaks.value != to.speaks.value {
            to.speaks = Setting::by_default(Speaks::Unknown, "service", place.clone());
        }
        if other.tls.as_ref().map(|tls| tls.value) != to.tls.as_ref().map(|tls| tls.value) {
            to.tls = None;
        }
        to.servers.extend(other.servers);
    }
    to
}

/// A server's URL, taken apart: the scheme, the host, and its port where it names one.
fn parts_of(url: &str) -> Option<(&str, &str, Option<u16>)> {
    let (scheme, rest) = url.split_once("://")?;
    let address = rest.split('/').next().unwrap_or_default();
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
        _ => (address, None),
    };
    let usual = match scheme {
        "https" => Some(443),
        _ => Some(80),
    };
    Some((
        scheme,
        host.trim_start_matches('[').trim_end_matches(']'),
        port.or(usual),
    ))
}

fn fill(to: &mut Forward, parts: &[Part<'_>], part: &Part<'_>, balancer: &Node) {
    let file = part.file;
    let transport =
        text(balancer, "serversTransport").and_then(|name| named(parts, &["http", "serversTransports"], name));
    let http1 = transport
        .and_then(|(part, node)| is_true(node, "disableHTTP2").then(|| place(part.file, node, "disableHTTP2"))?);
    let mut speak = |scheme: &str, at: Place, name: &str| {
        let speaks = match (scheme, &http1) {
            ("h2c", _) => Setting::written(Speaks::Http2, name, at.clone()),
            // HTTP/2 where ALPN chooses it, which a gateway with TLS does.
            ("https", None) => Setting::written(Speaks::Http2, name, at.clone()),
            ("https", Some(off)) => Setting::written(Speaks::Http1, "disableHTTP2", off.clone()),
            _ => Setting::written(Speaks::Http1, name, at.clone()),
        };
        let tls = Setting::written(scheme == "https", name, at);
        to.tls = match &to.tls {
            Some(known) if known.value != tls.value => None,
            _ => Some(tls),
        };
        to.speaks = speaks;
    };
    for server in list(balancer, "servers") {
        let Some((_, url)) = entry(server, "url") else { continue };
        let Some((scheme, host, port)) = url.text().and_then(parts_of) else {
            continue;
        };
        speak(scheme, url.place(file), "url");
        to.servers.push(Server {
            at: url.place(file),
            host: host.to_owned(),
            port,
            backup: false,
            down: None,
        });
    }
    // Labels have one server, which is the container.
    if let Some(server) = get(balancer, "server") {
        let url = get(server, "url").and_then(|url| Some((url, parts_of(url.text()?)?)));
        let port = get(server, "port");
        let (scheme, said, host, number) = match &url {
            Some((url, (scheme, host, port))) => (*scheme, *url, Some(*host), *port),
            None => {
                let scheme = get(server, "scheme");
                let said = scheme.or(port).unwrap_or(server);
                let number = port.and_then(Node::number).and_then(|port| port.try_into().ok());
                (
                    scheme.and_then(Node::text).unwrap_or("http"),
                    said,
                    part.container,
                    number,
                )
            }
        };
        speak(scheme, said.place(file), "scheme");
        to.servers.extend(host.map(|host| Server {
            at: port.unwrap_or(said).place(file),
            host: host.to_owned(),
            port: number,
            backup: false,
            down: None,
        }));
    }
    let traffic_port = to.servers.first().and_then(|server| server.port);
    let tls = to.tls.as_ref().map(|tls| tls.value);
    to.check = get(balancer, "healthCheck").map(|check| health_check(file, check, tls, traffic_port));
}

fn health_check(file: &Text, check: &Node, tls: Option<bool>, traffic_port: Option<u16>) -> HealthCheck {
    let grpc = text(check, "mode").is_some_and(|mode| mode.eq_ignore_ascii_case("grpc"));
    let status = get(check, "status");
    let expects = match status.and_then(|status| Some((status.text()?, status))) {
        Some((text, status)) => Setting::written(text.to_owned(), "status", status.place(file)),
        None => Setting::by_default("200-399".to_owned(), "status", check.place(file)),
    };
    let port = get(check, "port");
    HealthCheck {
        at: check.place(file),
        proxy: Proxy::Traefik,
        asks: if grpc { CheckAsks::GrpcHealth } else { CheckAsks::Http1 },
        tls: match text(check, "scheme") {
            Some(scheme) => Some(scheme == "https"),
            None => tls,
        },
        port: port.and_then(|port| {
            Some(Setting::written(
                port.number()?.try_into().ok()?,
                "port",
                port.place(file),
            ))
        }),
        traffic_port,
        path: get(check, "path")
            .filter(|_| !grpc)
            .and_then(|path| Some(Setting::written(path.text()?.to_owned(), "path", path.place(file)))),
        expects: (!grpc).then_some(expects),
    }
}

/// Where a TCP router leads.
pub(super) fn tcp(parts: &[Part<'_>], name: &str, place: Place) -> Forward {
    let mut to = Forward {
        speaks: Setting::by_default(Speaks::AsClient, "service", place.clone()),
        at: place,
        name: Some(name.to_owned()),
        tls: None,
        servers: Vec::new(),
        check: None,
        sends_proxy_protocol: None,
    };
    let found = named(parts, &["tcp", "services"], name);
    let Some((part, balancer)) = found.and_then(|(part, node)| Some((part, get(node, "loadBalancer")?))) else {
        return to;
    };
    to.tls = Some(match entry(balancer, "serversTransport") {
        None => Setting::by_default(false, "tls", balancer.place(part.file)),
        Some((key, _)) => Setting::written(true, "serversTransport", key.place(part.file)),
    });
    to.sends_proxy_protocol = self::place(part.file, balancer, "proxyProtocol");
    for server in list(balancer, "servers") {
        for (address, node) in words(server, "address") {
            let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
            to.servers.push(Server {
                at: node.place(part.file),
                host: host.to_owned(),
                port: port.parse().ok(),
                backup: false,
                down: None,
            });
        }
    }
    let port = at(balancer, &["server", "port"]);
    to.servers.extend(port.zip(part.container).map(|(port, host)| Server {
        at: port.place(part.file),
        host: host.to_owned(),
        port: port.number().and_then(|port| port.try_into().ok()),
        backup: false,
        down: None,
    }));
    to
}
