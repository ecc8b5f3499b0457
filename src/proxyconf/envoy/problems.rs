//! What Envoy refuses although every field of it is right: names that lead nowhere, addresses that are none.

use std::collections::HashSet;
use std::net::IpAddr;

use super::schema::Fault;
use super::tree::{at, get, list, text, type_name, typed};
use crate::proxyconf::yaml::Node;

/// What is wrong with a bootstrap.
pub(super) fn check(bootstrap: &Node) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Some(resources) = get(bootstrap, "static_resources") else {
        return faults;
    };
    let mut clusters = HashSet::new();
    for cluster in list(resources, "clusters") {
        let Some(name) = get(cluster, "name") else { continue };
        if !clusters.insert(name.text().unwrap_or_default()) {
            faults.push(Fault::at(
                name,
                format!("a second cluster {}", name.text().unwrap_or_default()),
            ));
        }
        addresses(cluster, &mut faults);
        let options = get(cluster, "typed_extension_protocol_options").map(Node::entries);
        for (key, value) in options.unwrap_or_default() {
            let kind = type_name(value).unwrap_or_default();
            if kind.ends_with(".HttpProtocolOptions") && key.name != kind {
                faults.push(Fault::at_key(key, format!("{} is to be called {kind}", key.name)));
            }
        }
        of_extension(
            get(cluster, "transport_socket"),
            "transport_sockets",
            "DownstreamTlsContext",
            &mut faults,
        );
    }
    // What comes from elsewhere may have more of them.
    let elsewhere = get(bootstrap, "dynamic_resources").is_some_and(|dynamic| get(dynamic, "cds_config").is_some());
    let known = (!elsewhere).then_some(&clusters);
    for listener in list(resources, "listeners") {
        if !["address", "api_listener", "internal_listener"]
            .iter()
            .any(|one| get(listener, one).is_some())
        {
            faults.push(Fault::at(listener, "a listener without address".to_owned()));
        }
        if let Some(address) = at(listener, &["address", "socket_address", "address"]) {
            faults.extend(no_address(address, ""));
        }
        for chain in list(listener, "filter_chains").chain(get(listener, "default_filter_chain")) {
            of_extension(
                get(chain, "transport_socket"),
                "transport_sockets",
                "UpstreamTlsContext",
                &mut faults,
            );
            for filter in list(chain, "filters") {
                of_extension(Some(filter), "filters.network", "", &mut faults);
                let (kind, config) = typed(filter);
                if kind.ends_with(".HttpConnectionManager") {
                    http_filters(config, &mut faults);
                    route_config(config, known, &mut faults);
                }
            }
        }
    }
    faults
}

/// A cluster that isn't resolved has addresses alone.
fn addresses(cluster: &Node, faults: &mut Vec<Fault>) {
    let kind = text(cluster, "type").map_or("STATIC".to_owned(), str::to_ascii_uppercase);
    if kind != "STATIC" || get(cluster, "cluster_type").is_some() {
        return;
    }
    let localities = get(cluster, "load_assignment")
        .into_iter()
        .flat_map(|assignment| list(assignment, "endpoints"));
    let endpoints = localities.flat_map(|locality| list(locality, "lb_endpoints"));
    for address in endpoints.filter_map(|one| at(one, &["endpoint", "address", "socket_address", "address"])) {
        faults.extend(no_address(address, ", which needs type STRICT_DNS or LOGICAL_DNS"));
    }
}

fn no_address(node: &Node, needs: &str) -> Option<Fault> {
    let text = node.text()?;
    text.parse::<IpAddr>()
        .is_err()
        .then(|| Fault::at(node, format!("{text} is a name, no IP address{needs}")))
}

/// An extension of the wrong kind, or without a type.
fn of_extension(extension: Option<&Node>, folder: &str, not: &str, faults: &mut Vec<Fault>) {
    let Some(extension) = extension else { return };
    let name = text(extension, "name").unwrap_or_default();
    let Some(config) = get(extension, "typed_config") else {
        // A filter whose configuration comes from elsewhere, and a raw transport socket, need none.
        if get(extension, "config_discovery").is_none() && !name.contains("raw_buffer") {
            faults.push(Fault::at(extension, format!("{name} without typed_config")));
        }
        return;
    };
    let Some(kind) = type_name(config) else { return };
    let own = kind.strip_prefix("envoy.extensions.");
    let foreign = own.is_some_and(|own| !own.starts_with(folder) && !own.starts_with("internal_"));
    if foreign || !not.is_empty() && kind.ends_with(not) {
        let at = config.entry("@type").map_or(config, |(_, node)| node);
        faults.push(Fault::at(at, format!("{kind} is nothing that can stand here")));
    }
}

/// The router is the last filter, and no other is.
fn http_filters(manager: &Node, faults: &mut Vec<Fault>) {
    let filters: Vec<&Node> = list(manager, "http_filters").collect();
    let Some((last, others)) = filters.split_last() else {
        return;
    };
    for filter in &filters {
        of_extension(Some(filter), "filters.http", "", faults);
    }
    let is_router = |filter: &Node| typed(filter).0.ends_with(".Router");
    for filter in others.iter().filter(|filter| is_router(filter)) {
        faults.push(Fault::at(filter, "the router is not the last HTTP filter".to_owned()));
    }
    // Of the others that may stand last, none is listed here.
    let known = typed(last).0.starts_with("envoy.extensions.filters.http.")
        && KNOWN_NOT_LAST.iter().any(|one| typed(last).0.contains(one));
    if known {
        faults.push(Fault::at(last, "the last HTTP filter is not the router".to_owned()));
    }
}

/// Filters that need another behind them.
const KNOWN_NOT_LAST: [&str; 10] = [
    ".buffer.",
    ".cors.",
    ".ext_authz.",
    ".fault.",
    ".grpc_http1_reverse_bridge.",
    ".grpc_stats.",
    ".grpc_web.",
    ".jwt_authn.",
    ".local_ratelimit.",
    ".rbac.",
];

/// Domains that two virtual hosts have, and clusters that nobody has.
fn route_config(manager: &Node, clusters: Option<&HashSet<&str>>, faults: &mut Vec<Fault>) {
    let Some(config) = get(manager, "route_config") else {
        return;
    };
    let checked = get(config, "validate_clusters").and_then(Node::truth) != Some(false);
    let mut domains = HashSet::new();
    for host in list(config, "virtual_hosts") {
        for domain in list(host, "domains") {
            if !domains.insert(domain.text().unwrap_or_default().to_ascii_lowercase()) {
                let what = format!("a second time the domain {}", domain.text().unwrap_or_default());
                faults.push(Fault::at(domain, what));
            }
        }
        for to in list(host, "routes").filter_map(|route| get(route, "route")) {
            let weighted = get(to, "weighted_clusters")
                .into_iter()
                .flat_map(|all| list(all, "clusters"));
            let named = weighted.filter_map(|one| get(one, "name")).chain(get(to, "cluster"));
            let unknown = |name: &&Node| clusters.is_some_and(|known| !known.contains(name.text().unwrap_or_default()));
            faults.extend(
                named
                    .filter(|_| checked)
                    .filter(unknown)
                    .map(|name| Fault::at(name, format!("no such cluster: {}", name.text().unwrap_or_default()))),
            );
        }
    }
}
