//! `reverse_proxy`: upstreams, the protocol towards them, and what else its block says.

use super::super::{
    Action, CheckAsks, Forward, Guard, GuardKind, HealthCheck, Path, Place, Route, Server, Setting, Speaks,
};
use super::options::duration;
use super::token::Token;
use super::tree::{Directive, Files};
use crate::proxies::Proxy;

/// The fewest requests at a time that `unhealthy_request_count` has to allow before a few agents and sessions meet it.
const FEW: u64 = 32;

/// A route to the upstreams of a `reverse_proxy`, its matcher left out. `words` are those behind the matcher.
pub(super) fn route(directive: &Directive, words: &[Token], files: &Files<'_, '_>) -> Route {
    let at = directive
        .words
        .first()
        .map(|word| files.place(word))
        .unwrap_or_default();
    let block = directive.inner();
    let named = |name: &str| block.iter().rfind(|one| one.name() == name);
    let to = block
        .iter()
        .filter(|one| one.name() == "to")
        .flat_map(Directive::arguments);
    let all: Vec<&Token> = words.iter().chain(to).collect();
    let mut speaks = Setting::by_default(Speaks::Http1, "h2c://", at.clone());
    let mut tls = Setting::by_default(false, "https://", at.clone());
    let mut servers = Vec::new();
    for word in &all {
        let (scheme, host, port) = address(&word.text);
        let place = files.place(word);
        match scheme {
            // Towards TLS, Caddy takes HTTP/2 where the upstream offers it.
            "https" => {
                speaks = Setting::written(Speaks::Http2, "https://", place.clone());
                tls = Setting::written(true, "https://", place.clone());
            }
            "h2c" => {
                speaks = Setting::written(Speaks::Http2, "h2c://", place.clone());
                tls = Setting::written(false, "h2c://", place.clone());
            }
            "http" => speaks = Setting::written(Speaks::Http1, "http://", place.clone()),
            _ => {}
        }
        servers.push(Server {
            at: place,
            host: host.to_owned(),
            port,
            backup: false,
            down: None,
        });
    }
    let transport = named("transport");
    let mut sends_proxy_protocol = None;
    match transport.map(|transport| transport.word(1)) {
        Some("fastcgi") => speaks = Setting::written(Speaks::Foreign, "transport fastcgi", place_of(transport, files)),
        Some("http") => {
            let inner = transport.map_or(&[][..], Directive::inner);
            sends_proxy_protocol = inner
                .iter()
                .find(|one| one.name() == "proxy_protocol")
                .map(|one| place_of(Some(one), files));
            if let Some(one) = inner
                .iter()
                .find(|one| one.name().starts_with("tls") && one.name() != "tls_except_ports")
            {
                tls = Setting::written(true, "tls", place_of(Some(one), files));
                if speaks.value == Speaks::Http1 {
                    speaks = Setting::by_default(Speaks::Http2, "versions", at.clone());
                }
            }
            if let Some(one) = inner.iter().rfind(|one| one.name() == "versions") {
                let has = |version: &str| one.arguments().iter().any(|word| word.text == version);
                let value = match (has("h2c"), has("2"), has("3")) {
                    (true, _, _) => Speaks::Http2,
                    (false, true, _) if tls.value => Speaks::Http2,
                    (false, false, true) => Speaks::Unknown,
                    _ => Speaks::Http1,
                };
                speaks = Setting::written(value, "versions", place_of(Some(one), files));
            }
        }
        Some(_) => speaks = Setting::written(Speaks::Unknown, "transport", place_of(transport, files)),
        None => {}
    }
    if named("dynamic").is_some() {
        servers.clear();
    }
    let mut route = Route::new(at.clone(), Path::All, Action::Answer(503));
    if all.is_empty() && named("dynamic").is_none() {
        return route;
    }
    let traffic_port = servers.first().and_then(|server| server.port);
    let check = health(block, &speaks, tls.value, traffic_port, files);
    let is_http1 = speaks.value == Speaks::Http1;
    route.action = Action::Forward(Box::new(Forward {
        at: all.first().map_or(at.clone(), |word| files.place(word)),
        name: None,
        speaks,
        tls: Some(tls),
        servers,
        check,
        sends_proxy_protocol,
    }));
    route.upgrades = is_http1.then(|| Setting::by_default(true, "reverse_proxy", at));
    for one in block {
        details(&mut route, one, files);
    }
    route
}

/// What a line of the block says about requests and answers.
fn details(route: &mut Route, one: &Directive, files: &Files<'_, '_>) {
    let at = place_of(Some(one), files);
    match one.name() {
        "header_up" => route.removes.extend(header(one, one.arguments(), files)),
        "request_buffers" | "buffer_requests" => {
            let on = one.word(1) != "0";
            route.buffers_requests = Some(Setting::written(on, one.name(), at));
        }
        "response_buffers" | "buffer_responses" => {
            let on = one.word(1) != "0";
            route.buffers_responses = Some(Setting::written(on, one.name(), at));
        }
        "rewrite" => route.rewrites = Some(at),
        // Without it, a request with a body is sent again only where no connection was had.
        "lb_retry_match" => {
            let only_safe = one
                .words
                .iter()
                .chain(one.inner().iter().flat_map(|inner| &inner.words));
            let only_safe =
                only_safe.clone().any(|word| word.text == "GET") && !only_safe.clone().any(|word| word.text == "POST");
            if !only_safe {
                route.retries = Some(Setting::written(None, one.name(), at));
            }
        }
        "unhealthy_request_count" if one.word(1).parse().is_ok_and(|count: u64| count < FEW) => {
            route.guards.push(Guard {
                at,
                kind: GuardKind::Limits,
                name: one.name().to_owned(),
            })
        }
        _ => {}
    }
}

/// The header that `-Name`, `Name value` or `Name regex value` takes out or writes over.
pub(super) fn header(one: &Directive, words: &[Token], files: &Files<'_, '_>) -> Option<Setting<String>> {
    let word = words.first()?;
    let name = word.text.to_ascii_lowercase();
    let name = match (name.strip_prefix('-'), name.chars().next()?) {
        (Some(removed), _) => removed.to_owned(),
        // What is added, or set where nothing is there, takes nothing out.
        (None, '+' | '?' | '>') => return None,
        // Something in it is replaced.
        (None, _) if words.len() != 2 => return None,
        (None, _) => name,
    };
    Some(Setting::written(name, one.name(), files.place(word)))
}

fn place_of(one: Option<&Directive>, files: &Files<'_, '_>) -> Place {
    one.and_then(|one| one.words.first())
        .map(|word| files.place(word))
        .unwrap_or_default()
}

fn health(
    block: &[Directive],
    speaks: &Setting<Speaks>,
    tls: bool,
    traffic_port: Option<u16>,
    files: &Files<'_, '_>,
) -> Option<HealthCheck> {
    let written = |name: &str| {
        let one = block.iter().rfind(|one| one.name() == name)?;
        let word = one.words.get(1)?;
        Some(Setting::written(word.text.clone(), name, files.place(word)))
    };
    let path = written("health_uri").or_else(|| written("health_path"));
    let port = written("health_port").and_then(|port| {
        let number = port.value.parse().ok()?;
        Some(Setting::written(number, port.name, port.at))
    });
    let first = path
        .as_ref()
        .map(|path| path.at.clone())
        .or_else(|| port.as_ref().map(|port: &Setting<u16>| port.at.clone()))?;
    Some(HealthCheck {
        at: first.clone(),
        proxy: Proxy::Caddy,
        asks: match speaks.value {
            Speaks::Http2 => CheckAsks::Http2,
            Speaks::Http1 | Speaks::AsClient | Speaks::Foreign | Speaks::Unknown => CheckAsks::Http1,
        },
        tls: Some(tls),
        port,
        traffic_port,
        path: path.or_else(|| Some(Setting::by_default("/".to_owned(), "health_uri", first))),
        expects: written("health_status"),
    })
}

/// The scheme, host and port of `h2c://gateway:8010`, `:8009`, `unix//run/x.sock`, `{env.HOST}:8010`.
pub(super) fn address(text: &str) -> (&str, &str, Option<u16>) {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    if rest.starts_with("unix/") || scheme.starts_with("unix") || rest.starts_with('/') {
        return (scheme.trim_start_matches("unix+"), rest, None);
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains([']', '}']) => (host, Some(port)),
        _ => (rest, None),
    };
    let port = match (port, scheme) {
        (Some(port), _) => port.split('-').next().and_then(|port| port.parse().ok()),
        (None, _) if host.contains('{') => None,
        (None, "https") => Some(443),
        (None, _) => Some(80),
    };
    let host = match host.trim_start_matches('[').trim_end_matches(']') {
        "" => "localhost",
        host => host,
    };
    (scheme, host, port)
}

/// Why an upstream isn't one.
pub(super) fn refused(words: &[&Token]) -> Option<(usize, String)> {
    let mut first: Option<&str> = None;
    for (index, word) in words
        .iter()
        .enumerate()
        .filter(|(_, word)| !word.varies && !word.text.contains('{'))
    {
        let (scheme, _, _) = address(&word.text);
        let rest = word.text.split_once("://").map_or("", |(_, rest)| rest);
        let what = match scheme {
            "" | "http" | "https" | "h2c"
                if rest.trim_end_matches('/').contains('/') && !rest.starts_with("unix") && !rest.starts_with('/') =>
            {
                "upstreams have a scheme, a host and a port, and no path".to_owned()
            }
            "" | "http" | "https" | "h2c" => {
                let port = word.text.rsplit_once(':').map_or("", |(_, port)| port);
                let too_large =
                    port.len() > 4 && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_err();
                let known = if scheme.is_empty() { None } else { Some(scheme) };
                let other = matches!((first, known), (Some(own), Some(other)) if own != other);
                first = first.or(known);
                match (too_large, other) {
                    (true, _) => format!("port {port} is out of range"),
                    (false, true) => format!(
                        "all upstreams must have the same scheme, and '{}' has another",
                        word.text
                    ),
                    (false, false) => continue,
                }
            }
            other if word.text.contains("://") && !other.starts_with("unix") => {
                format!("unsupported URL scheme {other}://")
            }
            _ => continue,
        };
        return Some((index, format!("parsing upstream '{}': {what}", word.text)));
    }
    None
}

/// Whether a word is a duration.
pub(super) fn is_duration(word: &Token) -> bool {
    word.varies || word.text.contains('{') || duration(&word.text).is_some() || word.text == "-1"
}
