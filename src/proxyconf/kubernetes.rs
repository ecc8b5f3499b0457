//! Kubernetes objects that lead to a gateway: Ingress, Gateway API and Istio, with the Services and workloads behind them.
//!
//! All objects of a run are read together, as they name each other. What a controller makes of them is what its project
//! documents; what another object decides that isn't among the files stays unknown.

mod alb;
mod gateway_api;
mod ingress;
mod ingress_nginx;
mod istio;
mod load_balancer;
mod services;
mod workloads;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use super::source::Text;
use super::yaml::{Key, Node, Value};
use super::{FileRead, Place, Problem, ProxyConf, Setting};
use crate::proxies::Proxy;

/// Whether a document is an object of Kubernetes, or a list of them.
pub fn is_mine(doc: &Node) -> bool {
    doc.text_of("apiVersion").is_some() && doc.text_of("kind").is_some()
}

/// A Helm template that isn't rendered, where a text is one: no YAML yet, whatever a parser says of it.
pub fn unrendered(text: &Text) -> Option<Problem> {
    let is_helm = |line: &str| line.contains("{{") && HELM.iter().any(|word| line.contains(word));
    let manifest = text.content.lines().any(|line| line.starts_with("apiVersion:"));
    let line = text.content.lines().position(is_helm).filter(|_| manifest)? + 1;
    let column = text.line(line).find("{{").unwrap_or_default();
    let before = text.line(line).get(..column).unwrap_or_default();
    Some(Problem {
        at: text.place_at(line, before.chars().count() + 1),
        what: "a Helm template: render it first, with `helm template`, and give what that prints".to_owned(),
        starts: false,
    })
}

/// Reads all objects of all texts into the model. Where one of them would be refused, none of the others is judged: what is
/// missing then would look like a fault of what is there.
pub fn read(texts: &[(&Text, &[Rc<Node>])], conf: &mut ProxyConf) {
    let mut objects = Vec::new();
    for (text, docs) in texts {
        if let Some(problem) = unrendered(text) {
            // What YAML's parser said of it is of no use.
            conf.problems.retain(|other| other.at.file != text.name);
            conf.problems.push(problem);
            continue;
        }
        for doc in *docs {
            collect(Field { text, node: doc }, DEEPEST_LIST, &mut objects);
        }
    }
    objects.retain(|object| accepts(object, conf));
    let cluster = Cluster { objects };

    let (first, workloads) = (conf.listeners.len(), conf.workloads.len());
    ingress_nginx::read(&cluster, conf);
    alb::read(&cluster, conf);
    gateway_api::read(&cluster, conf);
    istio::read(&cluster, conf);
    load_balancer::read(&cluster, conf);
    workloads::read(&cluster, conf);
    let secrets = cluster.all("", "Secret").filter(|secret| {
        let kind = secret.root.word_of("type");
        kind == Some("kubernetes.io/tls") || secret.root.at(&["data", "tls.crt"]).is_some()
    });
    conf.secrets.extend(secrets.filter_map(|secret| {
        let name = secret.root.at(&["metadata", "name"])?;
        Some(name.setting(secret.name.to_owned(), "Secret"))
    }));
    let issued = cluster.all("cert-manager.io", "Certificate");
    conf.secrets.extend(issued.filter_map(|certificate| {
        let name = certificate.spec("secretName")?;
        Some(name.setting(name.word()?.to_owned(), "secretName"))
    }));

    let is_mine = |problem: &Problem| texts.iter().any(|(text, _)| text.name == problem.at.file);
    let refused = conf.problems.iter().any(|problem| !problem.starts && is_mine(problem));

    // A file of Services alone belongs to the proxy that the others configure.
    let new = conf.listeners.get(first..).unwrap_or_default();
    let files = texts.iter().map(|(text, _)| {
        let own = new.iter().find(|listener| listener.at.file == text.name);
        FileRead {
            name: text.name.clone(),
            proxy: own.or(new.first()).map_or(Proxy::None, |listener| listener.proxy),
            lines: text.lines(),
        }
    });
    conf.files.extend(files);
    if refused {
        conf.listeners.truncate(first);
        conf.workloads.truncate(workloads);
    }
}

/// The objects of a document; those of a list, as `kubectl get -o yaml` prints it, each for itself.
fn collect<'a>(root: Field<'a>, depth: usize, objects: &mut Vec<Object<'a>>) {
    let (Some(version), Some(kind)) = (root.word_of("apiVersion"), root.word_of("kind")) else {
        return;
    };
    if kind.ends_with("List") && root.get("items").is_some() {
        if depth > 0 {
            root.list("items").for_each(|item| collect(item, depth - 1, objects));
        }
        return;
    }
    let metadata = root.get("metadata");
    let named = |key| metadata.and_then(|metadata| metadata.word_of(key));
    objects.push(Object {
        group: version.rsplit_once('/').map_or("", |(group, _)| group),
        version: version.rsplit_once('/').map_or(version, |(_, version)| version),
        kind,
        name: named("name").unwrap_or_default(),
        namespace: named("namespace"),
        root,
    });
}

/// Whether the API server takes what is common to all objects. Annotations are strings, and so is a ConfigMap's data: a
/// number or a truth value that isn't quoted is refused with the whole object.
fn accepts(object: &Object, conf: &mut ProxyConf) -> bool {
    let maps = ["annotations", "labels"].map(|map| object.root.at(&["metadata", map]));
    let data = object.root.get("data").filter(|_| object.kind == "ConfigMap");
    let mut fine = true;
    for (key, value) in maps.into_iter().chain([data]).flatten().flat_map(Field::entries) {
        if value.is_text() {
            continue;
        }
        fine = false;
        let written = value.word().unwrap_or("it");
        conf.problems.push(value.refused(format!(
            "the value of {} is not a string, and the API server refuses the object: quote it, as in \"{written}\"",
            key.name
        )));
    }
    fine
}

/// An object, as far as all kinds have it.
struct Object<'a> {
    /// `networking.k8s.io`; empty for the core group.
    group: &'a str,
    /// `v1`.
    version: &'a str,
    kind: &'a str,
    name: &'a str,
    /// `None` where the file leaves it to `kubectl -n`.
    namespace: Option<&'a str>,
    root: Field<'a>,
}

/// All objects of a run.
struct Cluster<'a> {
    objects: Vec<Object<'a>>,
}

/// A value of an object, with the file in which it stands.
#[derive(Clone, Copy)]
struct Field<'a> {
    text: &'a Text,
    node: &'a Node,
}

impl<'a> Cluster<'a> {
    /// The objects of a kind, whatever the version.
    fn all(&self, group: &str, kind: &str) -> impl Iterator<Item = &Object<'a>> {
        self.objects
            .iter()
            .filter(move |object| object.group == group && object.kind == kind)
    }

    /// The object that is named from a namespace.
    fn named(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Object<'a>> {
        self.all(group, kind)
            .find(|object| object.name == name && object.is_in(namespace))
    }
}

impl<'a> Object<'a> {
    fn spec(&self, key: &str) -> Option<Field<'a>> {
        self.root.at(&["spec", key])
    }

    fn annotation(&self, key: &str) -> Option<Field<'a>> {
        self.root.at(&["metadata", "annotations", key])
    }

    /// Where its name stands.
    fn place(&self) -> Place {
        self.root.at(&["metadata", "name"]).unwrap_or(self.root).place()
    }

    /// Whether it may be in a namespace; one that a file doesn't say can be any.
    fn is_in(&self, namespace: Option<&str>) -> bool {
        match (self.namespace, namespace) {
            (Some(own), Some(asked)) => own == asked,
            _ => true,
        }
    }
}

impl<'a> Field<'a> {
    /// The value of a key; none where it is null.
    fn get(self, key: &str) -> Option<Self> {
        let node = self.node.get(key).filter(|node| !node.is_null())?;
        Some(Self { node, ..self })
    }

    fn at(self, way: &[&str]) -> Option<Self> {
        way.iter().try_fold(self, |field, key| field.get(key))
    }

    /// The values of a list.
    fn items(self) -> impl Iterator<Item = Self> + use<'a> {
        self.node.items().map(move |node| Self { node, ..self })
    }

    /// The values of the list of a key; none where there is no list.
    fn list(self, key: &str) -> impl Iterator<Item = Self> + use<'a> {
        self.get(key).into_iter().flat_map(Self::items)
    }

    fn entries(self) -> impl Iterator<Item = (&'a Key, Self)> + use<'a> {
        self.node
            .entries()
            .iter()
            .map(move |(key, node)| (key, Self { node, ..self }))
    }

    fn word(self) -> Option<&'a str> {
        self.node.text()
    }

    fn word_of(self, key: &str) -> Option<&'a str> {
        self.get(key)?.word()
    }

    fn number(self) -> Option<u64> {
        self.node.number()
    }

    fn port(self) -> Option<u16> {
        self.word()?.parse().ok()
    }

    /// Whether it is a string to the API server, or nothing at all. kubectl reads YAML 1.1, in which `on` is a truth value.
    fn is_text(self) -> bool {
        match &self.node.value {
            Value::Scalar { quoted: true, .. } => true,
            Value::Scalar { text, quoted: false } => {
                let is_truth = TRUTHS.iter().any(|truth| text.eq_ignore_ascii_case(truth));
                let is_number = text.starts_with(|char: char| char.is_ascii_digit() || matches!(char, '+' | '-' | '.'))
                    && text.parse::<f64>().is_ok();
                !is_truth && !is_number
            }
            Value::List(_) | Value::Map(_) => false,
        }
    }

    fn place(self) -> Place {
        self.node.place(self.text)
    }

    /// What is written here.
    fn setting<T>(self, value: T, name: &str) -> Setting<T> {
        Setting::written(value, name, self.place())
    }

    /// What holds for what stands here, without being written.
    fn default<T>(self, value: T, name: &str) -> Setting<T> {
        Setting::by_default(value, name, self.place())
    }

    /// That the API server, or the controller's admission webhook, refuses the object for this.
    fn refused(self, what: impl Into<String>) -> Problem {
        Problem {
            at: self.place(),
            what: what.into(),
            starts: false,
        }
    }

    /// That something here does nothing, or nothing good.
    fn ignored(self, what: impl Into<String>) -> Problem {
        Problem {
            starts: true,
            ..self.refused(what)
        }
    }
}

/// Go's durations, as Gateway API, Istio and Envoy write them: `1h30m`, `10s`, `500ms`. In milliseconds.
fn duration(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest == "0" {
        return Some(0);
    }
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let (unit, length) = UNITS.iter().find_map(|(unit, length)| {
            let is_it = after.starts_with(unit) && !(*unit == "m" && after.starts_with("ms"));
            is_it.then_some((unit, length))
        })?;
        total += number.parse::<f64>().ok()? * length;
        rest = after.get(unit.len()..)?;
    }
    // Longer than any stream lives, and exact below that.
    let is_sane = !text.trim().is_empty() && (0.0..1e15).contains(&total);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 10^15"
    )]
    is_sane.then_some(total as u64)
}

/// Units of a duration, and their milliseconds.
const UNITS: [(&str, f64); 7] = [
    ("ms", 1.0),
    ("us", 0.001),
    ("µs", 0.001),
    ("ns", 0.000_001),
    ("s", 1_000.0),
    ("m", 60_000.0),
    ("h", 3_600_000.0),
];

/// What stands in Helm's templates, and in no other that a manifest may carry.
const HELM: [&str; 7] = [
    ".Values.",
    ".Release.",
    ".Chart.",
    ".Capabilities.",
    "include \"",
    "toYaml",
    "template \"",
];

/// What is no string without quotes.
const TRUTHS: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "y", "n"];

/// How deep lists of lists are followed.
const DEEPEST_LIST: usize = 4;
