//! Traefik: its static configuration, the dynamic one of the file provider, both in YAML or TOML, and what a Compose file says of
//! them in flags and in labels of containers.

mod entry;
mod middleware;
mod router;
mod rule;
mod service;
#[cfg(test)]
mod tests;
mod tree;

use std::rc::Rc;

pub use self::tree::toml;
use self::tree::{Growing, at, get, text};
use super::source::Text;
use super::yaml::{Node, Value};
use super::{FileRead, ProxyConf};
use crate::proxies::Proxy;

/// Whether a document is Traefik's, or a Compose file that configures it.
pub fn is_mine(doc: &Node) -> bool {
    is_static(doc) || is_dynamic(doc) || containers(doc).any(|(_, container)| is_configured(container))
}

fn is_static(doc: &Node) -> bool {
    get(doc, "entryPoints").is_some_and(|points| matches!(points.value, Value::Map(_)))
}

fn is_dynamic(doc: &Node) -> bool {
    let has = |part: &str, fields: &[&str]| fields.iter().any(|field| at(doc, &[part, field]).is_some());
    has("http", &["routers", "middlewares", "serversTransports"])
        || at(doc, &["http", "services"]).is_some_and(|services| matches!(services.value, Value::Map(_)))
        || has("tcp", &["routers", "services"])
        || has("tls", &["certificates", "options", "stores"])
}

/// Adds what all the documents together configure: entry points are in one file, routers in others.
pub fn read(texts: &[(&Text, &[Rc<Node>])], conf: &mut ProxyConf) {
    let mut parts = Vec::new();
    for (file, docs) in texts {
        conf.files.push(FileRead {
            name: file.name.clone(),
            proxy: Proxy::Traefik,
            lines: file.lines(),
        });
        for doc in *docs {
            if is_static(doc) || is_dynamic(doc) {
                parts.push(Part {
                    file,
                    node: Rc::clone(doc),
                    container: None,
                });
            }
            for (name, container) in containers(doc) {
                parts.extend(of_container(file, name, container));
            }
        }
    }
    let listeners = router::listeners(&parts, &mut conf.problems);
    conf.listeners.extend(listeners);
}

/// A tree of settings, and where it comes from.
struct Part<'a> {
    file: &'a Text,
    node: Rc<Node>,
    /// The container that is labelled with it, whose address is its name.
    container: Option<&'a str>,
}

/// What one of the parts has under a name, such as `auth` or `auth@file`.
fn named<'a>(parts: &'a [Part<'a>], way: &[&str], name: &str) -> Option<(&'a Part<'a>, &'a Node)> {
    let name = name.split('@').next().unwrap_or(name);
    parts
        .iter()
        .find_map(|part| Some((part, get(at(&part.node, way)?, name)?)))
}

/// The services of a Compose file.
fn containers(doc: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let services = doc.get("services").map(Node::entries).unwrap_or_default();
    services.iter().map(|(key, value)| (key.name.as_str(), value.as_ref()))
}

fn is_configured(container: &Node) -> bool {
    labels(container)
        .iter()
        .any(|(label, _, _)| label.starts_with("traefik."))
        || text(container, "image").is_some_and(|image| image.contains("traefik"))
            && flags(container)
                .iter()
                .any(|(flag, _)| flag.to_ascii_lowercase().starts_with("--entrypoints."))
}

/// What a container's labels and its flags configure.
fn of_container<'a>(file: &'a Text, name: &'a str, container: &Node) -> Vec<Part<'a>> {
    let (mut labelled, mut flagged) = (Growing::default(), Growing::default());
    for (label, value, said) in labels(container) {
        if let Some(way) = label.strip_prefix("traefik.") {
            labelled.set(way, value, said);
        }
    }
    for (flag, said) in flags(container) {
        let Some(flag) = flag.strip_prefix("--") else { continue };
        let (way, value) = flag.split_once('=').unwrap_or((flag, "true"));
        flagged.set(way, value, said);
    }
    let part = |tree: Growing, container| {
        (!tree.is_empty()).then(|| Part {
            file,
            node: Rc::new(tree.node()),
            container,
        })
    };
    // Other programs have flags too.
    let flagged = part(flagged, None).filter(|part| is_static(&part.node));
    part(labelled, Some(name)).into_iter().chain(flagged).collect()
}

/// Labels with their values, as a list or as a map, those of a swarm included.
fn labels(container: &Node) -> Vec<(&str, &str, &Node)> {
    let lists = [container.get("labels"), container.at(&["deploy", "labels"])];
    let mut found = Vec::new();
    for labels in lists.into_iter().flatten() {
        found.extend(
            labels
                .entries()
                .iter()
                .filter_map(|(key, value)| Some((key.name.as_str(), value.text()?, value.as_ref()))),
        );
        found.extend(labels.items().filter_map(|item| {
            let (label, value) = item.text()?.split_once('=').unwrap_or((item.text()?, ""));
            Some((label, value, item))
        }));
    }
    found
}

/// The words of a container's command.
fn flags(container: &Node) -> Vec<(&str, &Node)> {
    let Some(command) = container.get("command") else {
        return Vec::new();
    };
    match command.text() {
        Some(line) => line.split_whitespace().map(|word| (word, command)).collect(),
        None => command.items().filter_map(|item| Some((item.text()?, item))).collect(),
    }
}
