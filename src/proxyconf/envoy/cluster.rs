//! Where Envoy sends requests: clusters.

use std::collections::HashMap;

use super::tree::{at, duration, entry, get, items, list, number, place, text, typed};
use crate::proxies::Proxy;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::{Key, Node};
use crate::proxyconf::{CheckAsks, Forward, Guard, GuardKind, HealthCheck, Place, Server, Setting, Speaks};

/// The clusters of a configuration, by name, and the endpoints that are told apart from them.
#[derive(Default)]
pub(super) struct Clusters<'a> {
    pub(super) all: HashMap<&'a str, &'a Node>,
    /// By the name of their cluster.
    pub(super) endpoints: HashMap<&'a str, &'a Node>,
}

/// Requests that may be on their way at a time: fewer than the gateway's own users need.
const FEW_REQUESTS: u64 = 32;

impl<'a> Clusters<'a> {
    pub(super) fn add(&mut self, cluster: &'a Node) {
        if let Some(name) = text(cluster, "name") {
            self.all.insert(name, cluster);
        }
    }

    pub(super) fn add_endpoints(&mut self, assignment: &'a Node) {
        if let Some(name) = text(assignment, "cluster_name") {
            self.endpoints.insert(name, assignment);
        }
    }

    /// A cluster as an upstream; what isn't in the file is unknown.
    pub(super) fn forward(&self, file: &Text, at: Place, name: &str) -> Forward {
        let Some(cluster) = self.all.get(name) else {
            return Forward {
                speaks: Setting::by_default(Speaks::Unknown, "cluster", at.clone()),
                at,
                name: Some(name.to_owned()),
                tls: None,
                servers: Vec::new(),
                check: None,
                sends_proxy_protocol: None,
            };
        };
        let transport = transport(file, cluster);
        let assignment = get(cluster, "load_assignment").or_else(|| self.endpoints.get(name).copied());
        let endpoints = assignment
            .into_iter()
            .flat_map(|assignment| list(assignment, "endpoints"));
        let mut servers: Vec<Server> = endpoints.flat_map(|locality| in_locality(file, locality)).collect();
        // As before load_assignment, and still in old dumps.
        servers.extend(list(cluster, "hosts").filter_map(|address| server(file, address, false)));
        let traffic_port = servers.first().and_then(|server| server.port);
        let tls = transport.tls.as_ref().map(|tls| tls.value);
        Forward {
            at,
            name: Some(name.to_owned()),
            speaks: speaks(file, cluster),
            check: list(cluster, "health_checks")
                .next()
                .map(|check| health_check(file, check, assignment, tls, traffic_port)),
            tls: transport.tls,
            servers,
            sends_proxy_protocol: transport.proxy_protocol,
        }
    }

    /// The limits of a cluster that refuse what is too much at a time.
    pub(super) fn guard(&self, file: &Text, name: &str) -> Option<Guard> {
        let breakers = get(self.all.get(name)?, "circuit_breakers")?;
        let usual = |one: &&Node| text(one, "priority").is_none_or(|priority| priority.eq_ignore_ascii_case("default"));
        let most = number(file, list(breakers, "thresholds").find(usual)?, "max_requests")?;
        (most.value < FEW_REQUESTS).then(|| Guard {
            name: format!("max_requests {}", most.value),
            at: most.at,
            kind: GuardKind::Limits,
        })
    }

    /// What ends the streams of a cluster whatever flows.
    pub(super) fn lifetime(&self, file: &Text, name: &str) -> Option<Setting<u64>> {
        let cluster = self.all.get(name)?;
        let common = get(cluster, "common_http_protocol_options")
            .or_else(|| get(protocols(cluster)?.1, "common_http_protocol_options"))?;
        duration(file, common, "max_stream_duration").filter(|limit| limit.value > 0)
    }
}

/// The extension that says which protocols a cluster speaks.
fn protocols(cluster: &Node) -> Option<(&Key, &Node)> {
    let options = get(cluster, "typed_extension_protocol_options")?;
    options
        .entries()
        .iter()
        .find(|(key, _)| key.name.ends_with("HttpProtocolOptions"))
        .map(|(key, value)| (key, value.as_ref()))
}

fn speaks(file: &Text, cluster: &Node) -> Setting<Speaks> {
    let said = |node: &Node, field: &str, speaks| Some(Setting::written(speaks, field, place(file, node, field)?));
    let extension = protocols(cluster).and_then(|(_, options)| {
        let explicit = get(options, "explicit_http_config");
        explicit
            .and_then(|one| {
                said(one, "http2_protocol_options", Speaks::Http2)
                    .or_else(|| said(one, "http3_protocol_options", Speaks::Foreign))
                    .or_else(|| said(one, "http_protocol_options", Speaks::Http1))
            })
            .or_else(|| said(options, "use_downstream_protocol_config", Speaks::AsClient))
            // HTTP/2 where ALPN chooses it, which a gateway with TLS does.
            .or_else(|| said(options, "auto_config", Speaks::Http2))
    });
    let as_client = text(cluster, "protocol_selection")
        .filter(|choice| choice.eq_ignore_ascii_case("USE_DOWNSTREAM_PROTOCOL"))
        .and_then(|_| said(cluster, "protocol_selection", Speaks::AsClient));
    extension
        .or(as_client)
        .or_else(|| said(cluster, "http2_protocol_options", Speaks::Http2))
        .unwrap_or_else(|| Setting::by_default(Speaks::Http1, "http2_protocol_options", cluster.place(file)))
}

/// What goes around the bytes towards a cluster.
struct Transport {
    tls: Option<Setting<bool>>,
    proxy_protocol: Option<Place>,
}

fn transport(file: &Text, cluster: &Node) -> Transport {
    let mut found = Transport {
        tls: Some(Setting::by_default(false, "transport_socket", cluster.place(file))),
        proxy_protocol: None,
    };
    if get(cluster, "transport_socket_matches").is_some_and(|matches| items(matches).next().is_some()) {
        // One of several, by the endpoint: Istio's own.
        found.tls = None;
    }
    let Some((key, mut socket)) = entry(cluster, "transport_socket") else {
        return found;
    };
    // Some transport sockets stand around another; none of them around many.
    for _ in 0..4 {
        let (kind, config) = typed(socket);
        let is_tls = kind.ends_with(".UpstreamTlsContext") || kind == "envoy.transport_sockets.tls" || kind == "tls";
        if is_tls {
            found.tls = Some(Setting::written(true, "transport_socket", key.place(file)));
        } else if kind.ends_with(".ProxyProtocolUpstreamTransport") {
            found.proxy_protocol = Some(key.place(file));
        } else if !kind.ends_with(".RawBuffer")
            && !kind.ends_with("raw_buffer")
            && get(config, "transport_socket").is_none()
        {
            found.tls = None;
        }
        match get(config, "transport_socket") {
            Some(inner) => socket = inner,
            None => break,
        }
    }
    found
}

fn in_locality<'a>(file: &'a Text, locality: &'a Node) -> impl Iterator<Item = Server> + 'a {
    let backup = get(locality, "priority")
        .and_then(Node::number)
        .is_some_and(|priority| priority > 0);
    list(locality, "lb_endpoints")
        .filter_map(|one| at(one, &["endpoint", "address"]))
        .filter_map(move |address| server(file, address, backup))
}

fn server(file: &Text, address: &Node, backup: bool) -> Option<Server> {
    let socket = get(address, "socket_address")?;
    let port = get(socket, "port_value");
    Some(Server {
        at: port.unwrap_or(socket).place(file),
        host: text(socket, "address")?.to_owned(),
        port: port.and_then(Node::number).and_then(|port| port.try_into().ok()),
        backup,
        down: None,
    })
}

fn health_check(
    file: &Text,
    check: &Node,
    assignment: Option<&Node>,
    tls: Option<bool>,
    traffic_port: Option<u16>,
) -> HealthCheck {
    let http = get(check, "http_health_check");
    let asks = match http {
        Some(http) if text(http, "codec_client_type").is_some_and(|codec| codec.eq_ignore_ascii_case("HTTP2")) => {
            CheckAsks::Http2
        }
        Some(_) => CheckAsks::Http1,
        None if get(check, "grpc_health_check").is_some() => CheckAsks::GrpcHealth,
        None => CheckAsks::Tcp,
    };
    let path = http
        .and_then(|http| get(http, "path"))
        .and_then(|path| Some(Setting::written(path.text()?.to_owned(), "path", path.place(file))));
    let written = http.and_then(|http| {
        let statuses = entry(http, "expected_statuses")?;
        let ranges: Vec<String> = items(statuses.1).filter_map(range).collect();
        Some(Setting::written(
            ranges.join(","),
            "expected_statuses",
            statuses.0.place(file),
        ))
    });
    let usual = || Setting::by_default("200".to_owned(), "expected_statuses", check.place(file));
    let endpoints = assignment
        .into_iter()
        .flat_map(|assignment| list(assignment, "endpoints"));
    let port = endpoints
        .flat_map(|locality| list(locality, "lb_endpoints"))
        .filter_map(|one| at(one, &["endpoint", "health_check_config"]))
        .find_map(|config| number(file, config, "port_value"));
    HealthCheck {
        at: check.place(file),
        proxy: Proxy::Envoy,
        asks,
        tls,
        port: port.and_then(|port| {
            Some(Setting {
                value: port.value.try_into().ok()?,
                name: port.name,
                from: port.from,
                at: port.at,
            })
        }),
        traffic_port,
        expects: written.or_else(|| http.is_some().then(usual)),
        path,
    }
}

/// Envoy's end of a range is the first status that doesn't count any more.
fn range(range: &Node) -> Option<String> {
    let start = get(range, "start")?.number()?;
    let last = get(range, "end")?.number()?.checked_sub(1)?;
    Some(match start == last {
        true => start.to_string(),
        false => format!("{start}-{last}"),
    })
}
