//! An Ingress, in all of its versions, before any controller reads its annotations.

use super::services::{Found, PortName};
use super::{Cluster, Field, Object};
use crate::proxyconf::{ProxyConf, Server};

/// Whose an Ingress is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Controller {
    IngressNginx,
    /// The AWS Load Balancer Controller.
    Alb,
    /// One that isn't followed here.
    Other,
}

/// An Ingress that the API server takes.
pub(super) struct Ingress<'a> {
    pub(super) object: &'a Object<'a>,
    pub(super) rules: Vec<Rule<'a>>,
    pub(super) default: Option<Backend<'a>>,
}

/// A rule: a host with its paths.
pub(super) struct Rule<'a> {
    pub(super) at: Field<'a>,
    pub(super) host: Option<Field<'a>>,
    pub(super) paths: Vec<IngressPath<'a>>,
}

/// A path with its backend.
#[derive(Clone, Copy)]
pub(super) struct IngressPath<'a> {
    pub(super) at: Field<'a>,
    /// Empty where none is written.
    pub(super) path: &'a str,
    pub(super) kind: PathType,
    pub(super) backend: Backend<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PathType {
    Exact,
    Prefix,
    ImplementationSpecific,
}

/// A Service and its port.
#[derive(Clone, Copy)]
pub(super) struct Backend<'a> {
    /// Where its port stands.
    pub(super) at: Field<'a>,
    pub(super) service: &'a str,
    pub(super) port: PortName<'a>,
}

/// The Ingresses of a controller. What the API server would refuse is a problem and no Ingress.
pub(super) fn all<'a>(cluster: &'a Cluster<'a>, controller: Controller, conf: &mut ProxyConf) -> Vec<Ingress<'a>> {
    let objects = cluster.objects.iter().filter(|object| {
        object.kind == "Ingress" && GROUPS.contains(&object.group) && of_controller(cluster, object) == controller
    });
    objects.filter_map(|object| read(object, conf)).collect()
}

/// Whose it is: the class decides, and where it has none or an unknown one, whose annotations it has.
fn of_controller(cluster: &Cluster, object: &Object) -> Controller {
    let annotations = || {
        object
            .root
            .at(&["metadata", "annotations"])
            .into_iter()
            .flat_map(Field::entries)
    };
    let annotated = |prefix: &str| annotations().any(|(key, _)| key.name.starts_with(prefix));
    // F5's controller has the class `nginx` too, and other annotations.
    if annotated("nginx.org/") || annotated("nginx.com/") {
        return Controller::Other;
    }
    let class = object
        .spec("ingressClassName")
        .or_else(|| object.annotation("kubernetes.io/ingress.class"))
        .and_then(Field::word)
        .filter(|class| !class.is_empty());
    let declared = class
        .and_then(|class| cluster.named(NETWORKING, "IngressClass", None, class))
        .and_then(|class| class.spec("controller")?.word());
    match (declared, class) {
        (Some("k8s.io/ingress-nginx"), _) => Controller::IngressNginx,
        (Some("ingress.k8s.aws/alb"), _) => Controller::Alb,
        (Some(_), _) => Controller::Other,
        (None, Some("alb")) => Controller::Alb,
        _ if annotated(super::alb::PREFIX) => Controller::Alb,
        _ if annotated(super::ingress_nginx::PREFIX) => Controller::IngressNginx,
        (None, Some(class)) if class.contains("nginx") => Controller::IngressNginx,
        (None, Some(_)) => Controller::Other,
        (None, None) => Controller::IngressNginx,
    }
}

/// Reads an Ingress; every reason for which the API server would refuse it is a problem.
fn read<'a>(object: &'a Object<'a>, conf: &mut ProxyConf) -> Option<Ingress<'a>> {
    let problems = conf.problems.len();
    for host in object
        .spec("tls")
        .into_iter()
        .flat_map(Field::items)
        .flat_map(|entry| entry.list("hosts"))
    {
        match host.word() {
            Some(word) if !word.contains(char::is_whitespace) && !word.contains(':') => {}
            _ => conf.problems.push(
                host.refused("tls.hosts is a list of names; secretName belongs beside hosts, one level further out"),
            ),
        }
    }
    let mut rules = Vec::new();
    for rule in object.spec("rules").into_iter().flat_map(Field::items) {
        let paths = rule.at(&["http", "paths"]).into_iter().flat_map(Field::items);
        rules.push(Rule {
            at: rule,
            host: rule
                .get("host")
                .filter(|host| host.word().is_some_and(|host| !host.is_empty())),
            paths: paths.filter_map(|entry| path(object, entry, conf)).collect(),
        });
    }
    let default = object.spec("defaultBackend").or_else(|| object.spec("backend"));
    let default = default.and_then(|field| backend(object, field, conf));
    (conf.problems.len() == problems).then_some(Ingress { object, rules, default })
}

fn path<'a>(object: &Object, entry: Field<'a>, conf: &mut ProxyConf) -> Option<IngressPath<'a>> {
    let is_v1 = object.version == "v1";
    let kind = match entry.get("pathType") {
        Some(field) => match field.word() {
            Some("Exact") => PathType::Exact,
            Some("Prefix") => PathType::Prefix,
            Some("ImplementationSpecific") => PathType::ImplementationSpecific,
            _ => {
                conf.problems
                    .push(field.refused("pathType is Exact, Prefix or ImplementationSpecific, written like that"));
                return None;
            }
        },
        None if is_v1 => {
            conf.problems.push(
                entry.refused("networking.k8s.io/v1 requires a pathType: Exact, Prefix or ImplementationSpecific"),
            );
            return None;
        }
        None => PathType::ImplementationSpecific,
    };
    let path = entry.word_of("path").unwrap_or_default();
    if kind != PathType::ImplementationSpecific && !path.starts_with('/') {
        let field = entry.get("path").unwrap_or(entry);
        conf.problems
            .push(field.refused("a path of the types Exact and Prefix begins with a slash"));
        return None;
    }
    let Some(field) = entry.get("backend") else {
        conf.problems.push(entry.refused("a path has no backend"));
        return None;
    };
    Some(IngressPath {
        at: entry,
        path,
        kind,
        backend: backend(object, field, conf)?,
    })
}

fn backend<'a>(object: &Object, field: Field<'a>, conf: &mut ProxyConf) -> Option<Backend<'a>> {
    let is_v1 = object.version == "v1";
    if let (true, Some(old)) = (is_v1, field.get("serviceName").or_else(|| field.get("servicePort"))) {
        conf.problems.push(old.refused(
            "serviceName and servicePort are of v1beta1: networking.k8s.io/v1 has service.name and service.port.number",
        ));
        return None;
    }
    if field.get("resource").is_some() {
        return None;
    }
    let (service, port) = match is_v1 {
        true => {
            let service = field.get("service");
            let port = service.and_then(|service| service.get("port"));
            let number = port.and_then(|port| port.get("number"));
            let name = port.and_then(|port| port.get("name"));
            (service.and_then(|service| service.word_of("name")), number.or(name))
        }
        false => (field.word_of("serviceName"), field.get("servicePort")),
    };
    let (Some(service), Some(at)) = (service, port) else {
        conf.problems
            .push(field.refused("a backend is a service with a name and a port, the port a number or a name"));
        return None;
    };
    let port = match at.port() {
        Some(number) => PortName::Number(number),
        None => PortName::Name(at.word().unwrap_or_default()),
    };
    Some(Backend { at, service, port })
}

impl<'a> Backend<'a> {
    /// The server behind it, and what its Service says of it.
    pub(super) fn resolve(&self, cluster: &Cluster<'a>, object: &Object, conf: &mut ProxyConf) -> (Server, Found<'a>) {
        let found = cluster.service_port(object.namespace, self.service, self.port);
        if let Found::NoPort(_) = found {
            conf.problems.push(missing_port(self.at, self.service));
        }
        (found.server(self.at, self.service, self.port), found)
    }
}

/// That a Service among the files has no such port, so that nothing is behind the route.
pub(super) fn missing_port(at: Field, service: &str) -> crate::proxyconf::Problem {
    at.ignored(format!(
        "Service {service} has no such port, so that nothing answers here"
    ))
}

const NETWORKING: &str = "networking.k8s.io";
const GROUPS: [&str; 2] = [NETWORKING, "extensions"];
