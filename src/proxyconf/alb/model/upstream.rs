//! A target group as an upstream: the protocol towards it, its servers, and how they are asked.

use super::super::stack::{Group, Stack, Target, Told, text, text_or};
use crate::proxies::Proxy;
use crate::proxyconf::{CheckAsks, Forward, HealthCheck, Layer, Server, Setting, Speaks};

/// A group that isn't among the files.
pub(super) fn unknown_group(told: &Told<String>) -> Forward {
    Forward {
        at: told.at.clone(),
        name: told.known().map(|name| short(name).to_owned()),
        speaks: told.setting(Speaks::Unknown),
        tls: None,
        servers: Vec::new(),
        check: None,
        sends_proxy_protocol: None,
    }
}

/// What an ARN calls it: `targetgroup/NAME/ID`.
fn short(arn: &str) -> &str {
    match arn.split_once(":targetgroup/") {
        Some((_, rest)) => rest.split('/').next().unwrap_or(rest),
        None => arn,
    }
}

pub(super) fn forward(stack: &Stack, layer: Layer, told: &Told<String>, group: &Group) -> Forward {
    let proxy_line = group.attributes.all.get("proxy_protocol_v2.enabled");
    Forward {
        at: told.at.clone(),
        name: Some(group.name.clone()),
        speaks: speaks(group),
        tls: match (layer, group.protocol(), &group.protocol) {
            (_, Some("HTTPS" | "TLS"), Some(told)) => Some(told.setting(true)),
            // Bytes that pass may be TLS or not.
            (Layer::Http, Some("HTTP"), Some(told)) => Some(told.setting(false)),
            (_, _, _) => None,
        },
        servers: servers(stack, group),
        check: check(group, traffic_port(stack, group)),
        sends_proxy_protocol: proxy_line
            .filter(|told| told.truth() == Some(true))
            .map(|told| told.at.clone()),
    }
}

fn speaks(group: &Group) -> Setting<Speaks> {
    if text(&group.kind) == Some("lambda") {
        let at = group.kind.as_ref().map_or(&group.at, |told| &told.at);
        return Setting::written(Speaks::Foreign, "TargetType", at.clone());
    }
    let speaks = match (group.takes_requests(), group.protocol(), group.version()) {
        (true, _, Some("HTTP1")) => Speaks::Http1,
        (true, _, Some("HTTP2" | "GRPC")) => Speaks::Http2,
        (false, Some(_), _) => Speaks::AsClient,
        (_, _, _) => Speaks::Unknown,
    };
    match &group.version {
        Some(version) => version.setting(speaks),
        None if speaks == Speaks::AsClient => match &group.protocol {
            Some(protocol) => protocol.setting(speaks),
            None => Setting::by_default(speaks, "Protocol", group.at.clone()),
        },
        None => Setting::by_default(speaks, "ProtocolVersion", group.at.clone()),
    }
}

/// Those that are registered, those that register themselves, or one for all of a group whose targets aren't known.
fn servers(stack: &Stack, group: &Group) -> Vec<Server> {
    let own = group.port.as_ref();
    let server = |target: &Target| Server {
        at: target.at.clone(),
        host: target.host.clone(),
        port: match &target.port {
            Some(port) => port.port(),
            None => own.and_then(Told::port),
        },
        backup: false,
        down: target.down.clone(),
    };
    let all_of_it = |host: &str, port: Option<&Told<String>>, down: Option<Setting<String>>| {
        let place = port.map_or(&group.at, |port| &port.at);
        Server {
            at: place.clone(),
            host: host.to_owned(),
            port: port.and_then(Told::port),
            backup: false,
            down,
        }
    };
    match (&group.targets, &group.targets_at) {
        (Some(targets), Some(at)) if targets.is_empty() => {
            let none = "no target is registered".to_owned();
            let down = Setting::written(none, "TargetHealthDescriptions", at.clone());
            vec![all_of_it(&group.name, own, Some(down))]
        }
        (Some(targets), _) if !targets.is_empty() => targets.iter().map(server).collect(),
        _ => {
            let joined: Vec<Server> = stack
                .joins(group)
                .map(|(service, port)| all_of_it(service, port.or(own), None))
                .collect();
            match joined.is_empty() && text(&group.kind) != Some("lambda") {
                true => vec![all_of_it(&group.name, own, None)],
                false => joined,
            }
        }
    }
}

/// The port of the group's targets, where it is one.
pub(super) fn traffic_port(stack: &Stack, group: &Group) -> Option<u16> {
    let mut ports = servers(stack, group).into_iter().map(|server| server.port);
    let first = ports.next()??;
    ports.all(|port| port == Some(first)).then_some(first)
}

/// How a group is asked; `None` where it isn't, or nobody can know how.
pub(super) fn check(group: &Group, traffic_port: Option<u16>) -> Option<HealthCheck> {
    let own = &group.check;
    let is_lambda = text(&group.kind) == Some("lambda");
    if is_lambda || own.enabled.as_ref().and_then(Told::truth) == Some(false) {
        return None;
    }
    let default = if group.takes_requests() { "HTTP" } else { "TCP" };
    let protocol = text_or(&own.protocol, default)?;
    let version = group.version()?;
    group.protocol()?;
    let port = match &own.port {
        Some(told) if told.known()? == "traffic-port" => None,
        Some(told) => Some(told.setting(told.port()?)),
        None => None,
    };
    let asks = match (protocol, group.takes_requests(), version) {
        ("TCP", _, _) => CheckAsks::Tcp,
        ("HTTP" | "HTTPS", true, "GRPC") => CheckAsks::GrpcCall,
        ("HTTP" | "HTTPS", true, "HTTP2") => CheckAsks::Http2,
        ("HTTP" | "HTTPS", _, _) => CheckAsks::Http1,
        _ => return None,
    };
    let (path, expects) = match (asks, group.takes_requests()) {
        (CheckAsks::GrpcCall, _) => ("/AWS.ALB/healthcheck", "12"),
        (_, true) => ("/", "200"),
        (_, false) => ("/", "200-399"),
    };
    let set = |told: &Option<Told<String>>, default: &str, name: &str| match told {
        Some(told) => told.known().map(|text| told.setting(text.clone())),
        None => Some(Setting::by_default(default.to_owned(), name, group.at.clone())),
    };
    let is_tcp = asks == CheckAsks::Tcp;
    let matcher = if asks == CheckAsks::GrpcCall {
        "GrpcCode"
    } else {
        "HttpCode"
    };
    Some(HealthCheck {
        at: [&own.path, &own.protocol, &own.port, &own.matcher]
            .into_iter()
            .flatten()
            .map(|told| told.at.clone())
            .next()
            .unwrap_or_else(|| group.at.clone()),
        proxy: Proxy::AwsAlb,
        asks,
        tls: Some(protocol == "HTTPS"),
        port,
        traffic_port,
        path: set(&own.path, path, "HealthCheckPath").filter(|_| !is_tcp),
        expects: set(&own.matcher, expects, matcher).filter(|_| !is_tcp),
    })
}
