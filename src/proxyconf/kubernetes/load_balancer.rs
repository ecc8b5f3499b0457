//! Services of the type LoadBalancer that lead to the gateway: bytes pass through, or TLS ends at AWS's load balancer.
//!
//! Others' Services aren't read, as nothing of Hoop's goes through them.

use super::services::PortName;
use super::{Cluster, Field, Object};
use crate::proxies::Proxy;
use crate::proxyconf::{
    Action, Forward, Http2, Layer, Listener, Path, ProxyConf, Route, Setting, Speaks, Terminated, Tls,
};

/// Adds a listener for each port that leads to one of the gateway's.
pub(super) fn read(cluster: &Cluster, conf: &mut ProxyConf) {
    let services = cluster.all("", "Service").filter(|service| {
        let kind = service.spec("type").and_then(Field::word);
        kind == Some("LoadBalancer")
    });
    for service in services {
        let ports = service.spec("ports").into_iter().flat_map(Field::items);
        conf.listeners
            .extend(ports.filter_map(|entry| listener(cluster, service, entry)));
    }
}

fn listener(cluster: &Cluster, service: &Object, entry: Field) -> Option<Listener> {
    let aws = |key: &str| service.annotation(&format!("service.beta.kubernetes.io/aws-load-balancer-{key}"));
    let port = entry.get("port").and_then(Field::port)?;
    let found = cluster.service_port(service.namespace, service.name, PortName::Number(port));
    let server = found.server(entry, service.name, PortName::Number(port));
    let is_gateways = matches!(server.port, Some(GRPC | REST));
    // A classic load balancer that reads requests is none for gRPC, and seldom enough.
    let reads_requests = aws("backend-protocol")
        .and_then(Field::word)
        .is_some_and(|word| word.starts_with("http"));
    if !is_gateways || reads_requests {
        return None;
    }
    let certificate = aws("ssl-cert").filter(|_| is_among(aws("ssl-ports"), entry, port));
    let proxy = match aws("type").or(certificate) {
        Some(_) => Proxy::AwsAlb,
        None => Proxy::None,
    };
    let mut listener = Listener::new(entry.place(), proxy, Some(port), Layer::Tcp);
    listener.tls = match certificate {
        Some(certificate) => {
            let mut tls = Terminated::new(certificate.place());
            let arn = certificate.word().unwrap_or_default().to_owned();
            tls.certificates
                .push(certificate.setting(arn, "aws-load-balancer-ssl-cert"));
            Tls::Ended(Box::new(tls))
        }
        None => Tls::Passed,
    };
    listener.http2 = certificate.and_then(|certificate| http2(certificate, aws("alpn-policy")));
    let by_attribute = aws("target-group-attributes").filter(|field| {
        let word = field.word().unwrap_or_default();
        word.contains("proxy_protocol_v2.enabled=true")
    });
    let forward = Forward {
        at: entry.place(),
        name: Some(service.name.to_owned()),
        speaks: Setting::by_default(Speaks::AsClient, "protocol", entry.place()),
        tls: certificate.map(|_| match aws("backend-protocol") {
            Some(field) => field.setting(field.word() == Some("ssl"), "aws-load-balancer-backend-protocol"),
            None => entry.default(false, "aws-load-balancer-backend-protocol"),
        }),
        servers: vec![server],
        check: None,
        sends_proxy_protocol: aws("proxy-protocol").or(by_attribute).map(Field::place),
    };
    listener.routes = vec![Route::new(entry.place(), Path::All, Action::Forward(Box::new(forward)))];
    Some(listener)
}

/// Whether a list of names and numbers has a port; without a list all are meant.
fn is_among(ports: Option<Field>, entry: Field, port: u16) -> bool {
    let Some(ports) = ports.and_then(Field::word) else {
        return true;
    };
    let name = entry.word_of("name");
    ports
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || Some(one) == name || one.parse() == Ok(port))
}

/// What a network load balancer chooses by ALPN.
fn http2(certificate: Field, policy: Option<Field>) -> Option<Setting<Http2>> {
    let Some(policy) = policy else {
        return Some(certificate.default(Http2::NoAlpn, "aws-load-balancer-alpn-policy"));
    };
    let http2 = match policy.word()? {
        "HTTP2Only" | "HTTP2Preferred" | "HTTP2Optional" => Http2::Spoken,
        "HTTP1Only" => Http2::Http1Only,
        "None" => Http2::NoAlpn,
        _ => return None,
    };
    Some(policy.setting(http2, "aws-load-balancer-alpn-policy"))
}

/// The gateway's ports.
const GRPC: u16 = 8010;
const REST: u16 = 8009;
