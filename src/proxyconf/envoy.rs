//! Envoy: a bootstrap file, what its `/config_dump` says, or lists of listeners, routes and clusters as `istioctl proxy-config -o json`
//! prints them.
//!
//! A bootstrap is checked as `envoy --mode validate` does; a dump is of a program that runs, whatever its version.

mod cluster;
mod filter;
mod listener;
mod problems;
mod route;
mod schema;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::HashMap;
use std::rc::Rc;

use self::cluster::Clusters;
use self::listener::Known;
use self::tree::{get, list, text, type_name};
use super::source::Text;
use super::yaml::{Node, Value};
use super::{FileRead, Problem, ProxyConf};
use crate::proxies::Proxy;

/// Whether a document is one of these.
pub fn is_mine(doc: &Node) -> bool {
    let top = |field: &str| get(doc, field).is_some();
    let is_bootstrap = top("static_resources") || top("dynamic_resources");
    let is_dump = list(doc, "configs").any(|part| type_name(part).is_some_and(|name| name.starts_with("envoy.")));
    is_bootstrap || is_dump || list_of(doc).is_some()
}

/// What a list is one of, where it is one of Envoy's resources.
#[derive(Clone, Copy)]
enum Resource {
    Listener,
    Routes,
    Cluster,
}

fn list_of(doc: &Node) -> Option<Resource> {
    let Value::List(all) = &doc.value else { return None };
    let first = all.first()?;
    let has = |field: &str| get(first, field).is_some();
    if has("filter_chains") || has("default_filter_chain") {
        Some(Resource::Listener)
    } else if has("virtual_hosts") {
        Some(Resource::Routes)
    } else if has("name") && (has("load_assignment") || has("eds_cluster_config") || has("connect_timeout")) {
        Some(Resource::Cluster)
    } else {
        None
    }
}

/// Adds what the documents of a file configure.
pub fn read(file: &Text, docs: &[Rc<Node>], conf: &mut ProxyConf) {
    conf.files.push(FileRead {
        name: file.name.clone(),
        proxy: Proxy::Envoy,
        lines: file.lines(),
    });
    let faults: Vec<schema::Fault> = docs
        .iter()
        .filter(|doc| is_bootstrap(doc))
        .flat_map(|doc| refused(doc))
        .collect();
    if !faults.is_empty() {
        conf.problems.extend(faults.into_iter().map(|fault| Problem {
            at: file.place_at(fault.line, fault.column),
            what: fault.what,
            starts: false,
        }));
        return;
    }
    let mut found = Found::default();
    docs.iter().for_each(|doc| found.document(doc));
    let known = Known {
        clusters: found.clusters,
        routes: found.routes,
    };
    let listeners = found.listeners.into_iter();
    conf.listeners
        .extend(listeners.flat_map(|node| listener::read(file, &known, node)));
}

fn is_bootstrap(doc: &Node) -> bool {
    get(doc, "configs").is_none() && matches!(doc.value, Value::Map(_))
}

/// What `envoy --mode validate` refuses: first what is no configuration at all.
fn refused(doc: &Node) -> Vec<schema::Fault> {
    let faults = schema::check(doc, "envoy.config.bootstrap.v3.Bootstrap");
    match faults.is_empty() {
        true => problems::check(doc),
        false => faults,
    }
}

/// The resources of a file, wherever they stand in it.
#[derive(Default)]
struct Found<'a> {
    listeners: Vec<&'a Node>,
    routes: HashMap<&'a str, &'a Node>,
    clusters: Clusters<'a>,
}

impl<'a> Found<'a> {
    fn document(&mut self, doc: &'a Node) {
        if let Some(resource) = list_of(doc) {
            doc.items().for_each(|item| self.resource(resource, item));
        }
        for part in get(doc, "static_resources").into_iter().chain(list(doc, "configs")) {
            self.part(part);
        }
    }

    /// A part of a dump, or the static resources of a bootstrap, which has its lists under the same names.
    fn part(&mut self, part: &'a Node) {
        // The bootstrap that a dump holds too is none of these: what it starts with is dumped again as what runs.
        for (field, inner, resource) in [
            ("listeners", None, Resource::Listener),
            ("static_listeners", Some("listener"), Resource::Listener),
            ("dynamic_listeners", Some("listener"), Resource::Listener),
            ("static_route_configs", Some("route_config"), Resource::Routes),
            ("dynamic_route_configs", Some("route_config"), Resource::Routes),
            ("clusters", None, Resource::Cluster),
            ("static_clusters", Some("cluster"), Resource::Cluster),
            ("dynamic_active_clusters", Some("cluster"), Resource::Cluster),
        ] {
            for item in list(part, field) {
                let item = get(item, "active_state").unwrap_or(item);
                if let Some(item) = inner.map_or(Some(item), |inner| get(item, inner)) {
                    self.resource(resource, item);
                }
            }
        }
        for field in ["static_endpoint_configs", "dynamic_endpoint_configs"] {
            let all = list(part, field).filter_map(|one| get(one, "endpoint_config"));
            all.for_each(|one| self.clusters.add_endpoints(one));
        }
    }

    fn resource(&mut self, resource: Resource, node: &'a Node) {
        match resource {
            Resource::Listener => self.listeners.push(node),
            Resource::Routes => {
                self.routes.extend(text(node, "name").map(|name| (name, node)));
            }
            Resource::Cluster => self.clusters.add(node),
        }
    }
}
