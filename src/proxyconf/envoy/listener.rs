//! Where clients arrive at Envoy: a listener for each filter chain.

use std::collections::HashMap;

use super::cluster::Clusters;
use super::filter::{Filter, access, guarded};
use super::route::{Manager, routes};
use super::tree::{at, duration, entry, get, is_true, items, list, number, place, text, typed};
use crate::proxies::Proxy;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::{Key, Node};
use crate::proxyconf::{
    Action, Guard, GuardKind, Host, Http2, Layer, Limits, Listener, Path, Place, Route, Setting, Terminated, Tls,
};

/// What listeners refer to.
pub(super) struct Known<'a> {
    pub(super) clusters: Clusters<'a>,
    /// Route configurations that are told apart from their listener, by name.
    pub(super) routes: HashMap<&'a str, &'a Node>,
}

/// The listeners of a listener.
pub(super) fn read<'a>(file: &Text, known: &Known<'a>, node: &'a Node) -> Vec<Listener> {
    let address = at(node, &["address", "socket_address"]);
    // HTTP/3 is nothing that a Hoop client speaks.
    if address
        .and_then(|address| text(address, "protocol"))
        .is_some_and(|protocol| protocol.eq_ignore_ascii_case("UDP"))
    {
        return Vec::new();
    }
    let port = address
        .and_then(|address| get(address, "port_value"))
        .and_then(Node::number);
    let filter = |name: &str| list(node, "listener_filters").find(|filter| typed(filter).0.contains(name));
    let proxy_protocol = filter("filters.listener.proxy_protocol").filter(|filter| {
        // Told so, it lets connections without a header pass.
        !is_true(typed(filter).1, "allow_requests_without_proxy_protocol")
    });
    let chains = list(node, "filter_chains").chain(get(node, "default_filter_chain"));
    let each = |chain: &'a Node| {
        let mut listener = one_chain(file, known, chain, port)?;
        listener.proxy_protocol = proxy_protocol.map(|filter| filter.place(file));
        Some(listener)
    };
    chains.filter_map(each).collect()
}

/// What a filter chain makes of its connections; `None` where no client of Hoop gets to it.
fn one_chain<'a>(file: &Text, known: &Known<'a>, chain: &'a Node, port: Option<u64>) -> Option<Listener> {
    let matcher = get(chain, "filter_chain_match");
    let within = |field: &'static str| matcher.into_iter().flat_map(move |matcher| list(matcher, field));
    let mut protocols = within("application_protocols").filter_map(Node::text).peekable();
    if protocols.peek().is_some() && !protocols.any(|protocol| protocol == "h2") {
        return None;
    }
    let port = matcher
        .and_then(|matcher| get(matcher, "destination_port"))
        .and_then(Node::number)
        .or(port);
    let port = port.and_then(|port| port.try_into().ok());
    let filters: Vec<(&Node, &str, &Node)> = list(chain, "filters")
        .map(|filter| {
            let (kind, config) = typed(filter);
            (filter, kind, config)
        })
        .collect();
    let is_http = |kind: &str| kind.contains("http_connection_manager");
    let is_tcp = |kind: &str| kind.contains("tcp_proxy");
    let (last, kind, config) = *filters.iter().find(|(_, kind, _)| is_http(kind) || is_tcp(kind))?;
    let guards = guards(file, &filters);
    let layer = if is_http(kind) { Layer::Http } else { Layer::Tcp };
    let mut listener = Listener::new(chain.place(file), Proxy::Envoy, port, layer);
    listener.hosts = within("server_names")
        .filter_map(|name| {
            Some(Setting::written(
                Host::read(name.text()?)?,
                "server_names",
                name.place(file),
            ))
        })
        .collect();
    let downstream = downstream(file, chain);
    listener.http2 = match layer {
        Layer::Http => http2(file, &downstream, config)?,
        Layer::Tcp => downstream.alpn(file),
    };
    listener.tls = downstream.tls;
    match layer {
        Layer::Http => http(file, known, config, guards, &mut listener),
        Layer::Tcp => tcp(file, known, last, config, guards, &mut listener),
    }
    Some(listener)
}

fn http<'a>(file: &Text, known: &Known<'a>, config: &'a Node, guards: Vec<Guard>, listener: &mut Listener) {
    let manager = Manager {
        file,
        node: config,
        clusters: &known.clusters,
        filters: list(config, "http_filters")
            .map(|filter| Filter::read(file, filter))
            .collect(),
        guards,
    };
    let named = at(config, &["rds", "route_config_name"]).and_then(Node::text);
    let route_config = get(config, "route_config").or_else(|| known.routes.get(named?).copied());
    listener.routes = match route_config {
        Some(route_config) => routes(&manager, route_config),
        None => {
            let (key, what) = ["rds", "scoped_routes"]
                .iter()
                .find_map(|field| entry(config, field).map(|(key, _)| (key.place(file), *field)))
                .unwrap_or_else(|| (config.place(file), "routes"));
            let what = named.map_or(what.to_owned(), |name| format!("{what} {name}"));
            vec![Route::new(key, Path::Else(what.clone()), Action::Else(what))]
        }
    };
    let common = get(config, "common_http_protocol_options");
    let kilobytes = number(file, config, "max_request_headers_kb")
        .unwrap_or_else(|| Setting::by_default(60, "max_request_headers_kb", config.place(file)));
    let streams =
        get(config, "http2_protocol_options").and_then(|options| number(file, options, "max_concurrent_streams"));
    listener.limits = Limits {
        header: Some(Setting {
            value: kilobytes.value.saturating_mul(1024),
            ..kilobytes
        }),
        // What Envoy announces of itself.
        streams: Some(
            streams.unwrap_or_else(|| Setting::by_default(1024, "max_concurrent_streams", config.place(file))),
        ),
        requests: common
            .and_then(|common| number(file, common, "max_requests_per_connection"))
            .filter(|limit| limit.value > 0),
        age: common
            .and_then(|common| duration(file, common, "max_connection_duration"))
            .filter(|limit| limit.value > 0),
        ..Limits::default()
    };
}

fn tcp<'a>(
    file: &Text,
    known: &Known<'a>,
    filter: &'a Node,
    config: &'a Node,
    guards: Vec<Guard>,
    listener: &mut Listener,
) {
    let clusters = get(config, "weighted_clusters")
        .into_iter()
        .flat_map(|all| list(all, "clusters"));
    let named = get(config, "cluster").or_else(|| clusters.filter_map(|one| get(one, "name")).next());
    let action = match named.and_then(|name| Some((name, name.text()?))) {
        Some((node, name)) => {
            let mut to = known.clusters.forward(file, node.place(file), name);
            to.speaks = Setting::by_default(crate::proxyconf::Speaks::AsClient, "tcp_proxy", node.place(file));
            // Without TLS of its own on this side, it is the client's that passes, unless TLS begins here.
            if listener.tls == Tls::Off && to.tls.as_ref().is_some_and(|tls| !tls.value) {
                listener.tls = Tls::Passed;
            }
            Action::Forward(Box::new(to))
        }
        None => Action::Else("tcp_proxy".to_owned()),
    };
    let mut route = Route::new(filter.place(file), Path::All, action);
    route.guards = guards;
    let idle = duration(file, config, "idle_timeout")
        .unwrap_or_else(|| Setting::by_default(60 * 60_000, "idle_timeout", filter.place(file)));
    route.limits.idle = Some(idle).filter(|limit| limit.value > 0).into_iter().collect();
    let lifetime = duration(file, config, "max_downstream_connection_duration");
    route.limits.lifetime = lifetime.filter(|limit| limit.value > 0).into_iter().collect();
    listener.routes = vec![route];
}

/// What refuses connections before a request is read.
fn guards(file: &Text, filters: &[(&Node, &str, &Node)]) -> Vec<Guard> {
    let mut all = Vec::new();
    for (filter, kind, config) in filters {
        let guard = |kind| Guard {
            at: entry(filter, "name").map_or_else(|| filter.place(file), |(_, name)| name.place(file)),
            kind,
            name: text(filter, "name").unwrap_or_default().to_owned(),
        };
        let kind = if kind.contains("filters.network.rbac") {
            let rules = get(config, "rules").map(access).unwrap_or_default();
            let anything = Route::new(Place::default(), Path::All, Action::Answer(200));
            let behind = guarded(anything, rules, guard).pop();
            all.extend(behind.into_iter().flat_map(|route| route.guards));
            continue;
        } else if kind.contains("filters.network.ext_authz") {
            GuardKind::Authenticates
        } else if ["local_ratelimit", "filters.network.ratelimit", "connection_limit"]
            .iter()
            .any(|one| kind.contains(one))
        {
            GuardKind::Limits
        } else {
            continue;
        };
        all.push(guard(kind));
    }
    all
}

/// The client's side of a filter chain.
struct Downstream<'a> {
    tls: Tls,
    /// The settings of TLS that ends here.
    common: Option<&'a Node>,
    /// What switches TLS on.
    at: Place,
}

fn downstream<'a>(file: &Text, chain: &'a Node) -> Downstream<'a> {
    let found = |tls, at, common| Downstream { tls, common, at };
    let Some((key, mut socket)) = entry(chain, "transport_socket") else {
        return match entry(chain, "tls_context") {
            Some((key, config)) => found(
                ended(file, key, config),
                key.place(file),
                get(config, "common_tls_context"),
            ),
            None => found(Tls::Off, chain.place(file), None),
        };
    };
    // A transport socket may stand around another.
    for _ in 0..4 {
        let (kind, config) = typed(socket);
        if kind.ends_with(".DownstreamTlsContext") || kind == "envoy.transport_sockets.tls" {
            return found(
                ended(file, key, config),
                key.place(file),
                get(config, "common_tls_context"),
            );
        }
        match get(config, "transport_socket") {
            Some(inner) => socket = inner,
            None if kind.contains("raw_buffer") || kind.ends_with(".RawBuffer") => {
                return found(Tls::Off, key.place(file), None);
            }
            None => break,
        }
    }
    found(Tls::Unknown, key.place(file), None)
}

fn ended(file: &Text, key: &Key, config: &Node) -> Tls {
    let mut tls = Terminated::new(key.place(file));
    let common = get(config, "common_tls_context");
    let own = |field: &str| {
        common
            .into_iter()
            .flat_map(|common| list(common, field))
            .collect::<Vec<_>>()
    };
    let files = own("tls_certificates");
    let files = files
        .iter()
        .filter_map(|one| at(one, &["certificate_chain", "filename"]));
    let secrets = own("tls_certificate_sds_secret_configs");
    let secrets = secrets.iter().filter_map(|one| get(one, "name"));
    tls.certificates = files
        .map(|node| ("certificate_chain", node))
        .chain(secrets.map(|node| ("tls_certificate_sds_secret_configs", node)))
        .filter_map(|(name, node)| Some(Setting::written(node.text()?.to_owned(), name, node.place(file))))
        .collect();
    tls.client_certificate = get(config, "require_client_certificate").and_then(|node| {
        Some(Setting::written(
            node.truth()?,
            "require_client_certificate",
            node.place(file),
        ))
    });
    let newest = common.and_then(|common| at(common, &["tls_params", "tls_maximum_protocol_version"]));
    tls.newest = newest.and_then(|node| {
        let version = node.text()?.to_ascii_uppercase();
        let version = version.strip_prefix("TLSV1_")?;
        Some(Setting::written(
            format!("1.{version}"),
            "tls_maximum_protocol_version",
            node.place(file),
        ))
    });
    Tls::Ended(Box::new(tls))
}

impl Downstream<'_> {
    /// What ALPN chooses for a client that offers h2 alone; `None` where TLS doesn't end here.
    fn alpn(&self, file: &Text) -> Option<Setting<Http2>> {
        if !matches!(self.tls, Tls::Ended(_)) {
            return None;
        }
        let written = self.common.and_then(|common| entry(common, "alpn_protocols"));
        let Some((key, protocols)) = written else {
            return Some(Setting::by_default(Http2::NoAlpn, "alpn_protocols", self.at.clone()));
        };
        let protocols: Vec<&str> = items(protocols).filter_map(Node::text).collect();
        let http2 = match protocols.as_slice() {
            [] => Http2::NoAlpn,
            some if some.contains(&"h2") => Http2::Spoken,
            _ => Http2::Http1Only,
        };
        Some(Setting::written(http2, "alpn_protocols", key.place(file)))
    }
}

/// What comes of HTTP/2 at a connection manager; `None` for one that speaks HTTP/3 alone.
#[expect(
    clippy::option_option,
    reason = "whether there is such a listener, and whether it is known"
)]
fn http2(file: &Text, downstream: &Downstream<'_>, manager: &Node) -> Option<Option<Setting<Http2>>> {
    let codec = text(manager, "codec_type").map(str::to_ascii_uppercase);
    let at = place(file, manager, "codec_type").unwrap_or_else(|| manager.place(file));
    let only_http1 = match codec.as_deref() {
        Some("HTTP3" | "3") => return None,
        Some("HTTP1" | "1") => true,
        _ => false,
    };
    let said = |http2| match codec {
        Some(_) => Setting::written(http2, "codec_type", at.clone()),
        None => Setting::by_default(http2, "codec_type", at.clone()),
    };
    let chosen = downstream.alpn(file);
    Some(match (&downstream.tls, chosen) {
        (_, Some(chosen)) if only_http1 && chosen.value == Http2::Spoken => Some(said(Http2::ChosenInVain)),
        (_, Some(chosen)) => Some(chosen),
        (_, None) if only_http1 => Some(said(Http2::Http1Only)),
        (Tls::Off, None) => Some(said(Http2::Spoken)),
        (_, None) => None,
    })
}
