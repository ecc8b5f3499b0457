//! What Services say of the ports behind them: the gateway's own number, and the protocol that is spoken to it.

use super::{Cluster, Field, Object};
use crate::proxyconf::{Server, Setting, Speaks};

/// A port, as a route names it.
#[derive(Clone, Copy)]
pub(super) enum PortName<'a> {
    /// By number.
    Number(u16),
    /// By its name in the Service.
    Name(&'a str),
    /// Not at all, where the Service has only one.
    Only,
}

/// A port of a Service.
#[derive(Clone, Copy)]
pub(super) struct ServicePort<'a> {
    /// Its entry.
    pub(super) entry: Field<'a>,
    /// Where its Pods listen; `None` where that is a name that no file explains.
    pub(super) target: Option<u16>,
}

/// What a port declares to be spoken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    Http1,
    Http2,
    /// HTTP over TLS.
    Https,
    /// Something that says nothing of HTTP.
    Other,
}

/// What the files know of a port of a Service.
pub(super) enum Found<'a> {
    /// The Service isn't among them.
    NoService,
    /// The Service is, and has no such port.
    NoPort(&'a str),
    Port(ServicePort<'a>),
}

impl<'a> Cluster<'a> {
    /// The port of a Service, as something in this namespace names both.
    pub(super) fn service_port(&self, namespace: Option<&str>, service: &str, port: PortName) -> Found<'a> {
        let Some(service) = self.named("", "Service", namespace, service) else {
            return Found::NoService;
        };
        let ports = || service.spec("ports").into_iter().flat_map(Field::items);
        let entry = match port {
            PortName::Number(number) => ports().find(|entry| entry.get("port").and_then(Field::port) == Some(number)),
            PortName::Name(name) => ports().find(|entry| entry.word_of("name") == Some(name)),
            PortName::Only => ports().next().filter(|_| ports().count() == 1),
        };
        match entry {
            Some(entry) => Found::Port(ServicePort {
                entry,
                target: self.target(service, entry),
            }),
            None => Found::NoPort(service.name),
        }
    }

    /// The port at which the Pods listen.
    fn target(&self, service: &Object, entry: Field) -> Option<u16> {
        let Some(target) = entry.get("targetPort") else {
            return entry.get("port")?.port();
        };
        target.port().or_else(|| {
            let name = target.word()?;
            let selector = service.spec("selector")?;
            self.objects
                .iter()
                .filter(|object| object.is_in(service.namespace) && selects(selector, object))
                .flat_map(Object::containers)
                .flat_map(|container| container.list("ports"))
                .find(|port| port.word_of("name") == Some(name))?
                .get("containerPort")?
                .port()
        })
    }
}

/// Whether a Service's selector takes the Pods of a workload.
fn selects(selector: Field, object: &Object) -> bool {
    let labels = object.root.at(&["spec", "template", "metadata", "labels"]);
    labels.is_some_and(|labels| {
        selector
            .entries()
            .all(|(key, value)| labels.word_of(&key.name) == value.word())
    })
}

impl<'a> Object<'a> {
    /// The containers of a Deployment and the like, or of a Pod.
    pub(super) fn containers(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let of_template = self.root.at(&["spec", "template", "spec", "containers"]);
        let own = self.spec("containers").filter(|_| self.kind == "Pod");
        of_template.or(own).into_iter().flat_map(Field::items)
    }
}

impl ServicePort<'_> {
    /// What `appProtocol` says of the port.
    pub(super) fn app_protocol(&self) -> Option<Setting<Declared>> {
        let field = self.entry.get("appProtocol")?;
        let declared = match field.word()?.to_ascii_lowercase().as_str() {
            "kubernetes.io/h2c" | "h2c" | "http2" | "grpc" | "grpc-web" => Declared::Http2,
            "http" | "kubernetes.io/ws" => Declared::Http1,
            "https" | "kubernetes.io/wss" => Declared::Https,
            _ => Declared::Other,
        };
        Some(field.setting(declared, "appProtocol"))
    }

    /// What the port's name says, as Istio reads it: `grpc`, `http2-web`. `None` for a name without such a beginning.
    pub(super) fn by_name(&self) -> Option<Setting<Declared>> {
        let field = self.entry.get("name")?;
        let name = field.word()?.to_ascii_lowercase();
        let declared = match name.split('-').next().unwrap_or_default() {
            "grpc" | "http2" => Declared::Http2,
            "http" => Declared::Http1,
            "https" => Declared::Https,
            "tcp" | "tls" | "udp" | "mongo" | "mysql" | "redis" => Declared::Other,
            _ => return None,
        };
        Some(field.setting(declared, "port name"))
    }
}

impl Found<'_> {
    /// The server that a reference leads to. A Service that isn't among the files can map its port to any other, but
    /// mostly doesn't.
    pub(super) fn server(&self, reference: Field, service: &str, port: PortName) -> Server {
        let number = match port {
            PortName::Number(number) => Some(number),
            PortName::Name(_) | PortName::Only => None,
        };
        Server {
            at: reference.place(),
            host: service.to_owned(),
            port: match self {
                Self::Port(port) => port.target,
                Self::NoService | Self::NoPort(_) => number,
            },
            backup: false,
            down: None,
        }
    }
}

/// The protocol and the TLS towards a port, by what it declares.
pub(super) fn towards(declared: &Setting<Declared>) -> (Setting<Speaks>, Option<Setting<bool>>) {
    let (speaks, tls) = match declared.value {
        Declared::Http1 => (Speaks::Http1, Some(false)),
        Declared::Http2 => (Speaks::Http2, Some(false)),
        Declared::Https => (Speaks::Unknown, Some(true)),
        Declared::Other => (Speaks::Unknown, None),
    };
    let same = |name: &str| (name.to_owned(), declared.from, declared.at.clone());
    let (name, from, at) = same(&declared.name);
    let speaks = Setting {
        value: speaks,
        name,
        from,
        at,
    };
    let tls = tls.map(|value| {
        let (name, from, at) = same(&declared.name);
        Setting { value, name, from, at }
    });
    (speaks, tls)
}
