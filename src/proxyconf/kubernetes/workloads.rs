//! The gateway itself, where the files deploy it: how many of it there are, and how Kubernetes asks whether it lives.

use super::{Cluster, Field, Object};
use crate::proxies::Proxy;
use crate::proxyconf::{CheckAsks, HealthCheck, ProxyConf, Setting, Workload};

/// Adds gateways and their probes.
pub(super) fn read(cluster: &Cluster, conf: &mut ProxyConf) {
    let workloads = WORKLOADS.iter().flat_map(|kind| cluster.all("apps", kind));
    for object in workloads {
        let gateways: Vec<Field> = object.containers().filter(|one| is_gateway(*one)).collect();
        if gateways.is_empty() {
            continue;
        }
        conf.workloads.push(Workload {
            name: object.name.to_owned(),
            replicas: replicas(cluster, object),
        });
        conf.checks.extend(gateways.into_iter().flat_map(probes));
    }
}

/// Whether a container runs the gateway. Agents have the same images, so that image alone says nothing.
fn is_gateway(container: Field) -> bool {
    let mut words = ["command", "args"].into_iter().flat_map(|key| container.list(key));
    let starts = words.find_map(|word| match word.word()? {
        "gateway" => Some(true),
        text if text.contains("start gateway") => Some(true),
        "agent" => Some(false),
        text if text.contains("start agent") || text.contains("default-agent") => Some(false),
        _ => None,
    });
    let name = container.word_of("name").unwrap_or_default();
    let image = container.word_of("image").unwrap_or_default();
    let listens = container
        .list("ports")
        .filter_map(|port| port.get("containerPort")?.port())
        .any(|port| matches!(port, 8009 | 8010));
    let is_named = name.contains("hoopgateway") || name.contains("hoop-gateway");
    match starts {
        Some(starts) => starts && (image.contains("hoop") || is_named),
        None => !name.contains("agent") && (is_named || image.contains("hoophq/hoop") && listens),
    }
}

/// How many there are; an autoscaler overrides the number, and without any there is one.
fn replicas(cluster: &Cluster, object: &Object) -> Setting<u64> {
    let mut scalers = cluster.all("autoscaling", "HorizontalPodAutoscaler").filter(|scaler| {
        let target = scaler.spec("scaleTargetRef");
        let is = |key, value| target.and_then(|target| target.word_of(key)) == Some(value);
        is("kind", object.kind) && is("name", object.name) && scaler.is_in(object.namespace)
    });
    let scaled = scalers.find_map(|scaler| {
        let several = |key| {
            scaler
                .spec(key)
                .filter(|field| field.number().is_some_and(|number| number > 1))
        };
        let (field, name) = match several("minReplicas") {
            Some(field) => (field, "minReplicas"),
            None => (several("maxReplicas")?, "maxReplicas"),
        };
        Some(field.setting(field.number()?, name))
    });
    let written = || {
        let field = object.spec("replicas")?;
        Some(field.setting(field.number()?, "replicas"))
    };
    scaled
        .or_else(written)
        .unwrap_or_else(|| Setting::by_default(1, "replicas", object.place()))
}

/// The probes of a container.
fn probes(container: Field<'_>) -> impl Iterator<Item = HealthCheck> + use<'_> {
    PROBES
        .iter()
        .filter_map(move |kind| probe(container, container.get(kind)?))
}

fn probe(container: Field, probe: Field) -> Option<HealthCheck> {
    let (asks, handler) = [
        ("httpGet", CheckAsks::Http1),
        ("grpc", CheckAsks::GrpcHealth),
        ("tcpSocket", CheckAsks::Tcp),
    ]
    .into_iter()
    .find_map(|(key, asks)| Some((asks, probe.get(key)?)))?;
    let port = handler.get("port").and_then(|field| {
        let by_name = || {
            let named = |port: &Field| port.word_of("name") == field.word();
            container.list("ports").find(named)?.get("containerPort")?.port()
        };
        let number = field.port().or_else(by_name)?;
        Some(field.setting(number, "port"))
    });
    let path = handler.get("path").and_then(|field| {
        let path = field.word()?.to_owned();
        Some(field.setting(path, "path"))
    });
    Some(HealthCheck {
        at: handler.place(),
        // The kubelet, which is no proxy.
        proxy: Proxy::None,
        asks,
        tls: match asks {
            CheckAsks::Http1 => Some(handler.word_of("scheme") == Some("HTTPS")),
            _ => Some(false),
        },
        port,
        traffic_port: None,
        path: path.filter(|_| asks == CheckAsks::Http1),
        expects: None,
    })
}

const WORKLOADS: [&str; 4] = ["Deployment", "StatefulSet", "ReplicaSet", "DaemonSet"];
const PROBES: [&str; 3] = ["readinessProbe", "livenessProbe", "startupProbe"];
