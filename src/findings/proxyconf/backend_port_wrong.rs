//! HD806: a gRPC route to 8009, or a REST route to 8010.

use crate::findings::from_proxyconf::{Conf, GRPC, REST, once};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, from_logs};
use crate::proxyconf::{Forward, Layer};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(806),
    name: "backend-port-wrong",
    severity: Severity::Error,
    summary: "gRPC and REST are sent to each other's port",
    explain: include_str!("../../../docs/findings/HD806.md"),
    breaks: Breaks::Every,
    explains: &[
        Code(601),
        Code(602),
        Code(604),
        Code(607),
        Code(505),
        Code(507),
        Code(502),
        Code(803),
    ],
    check: from_logs::alone,
};

pub(in crate::findings) fn look(conf: &Conf<'_>) -> Vec<Draft> {
    let grpc = conf.grpc_forwards().filter(|(site, route, to)| {
        // Bytes have no path: the host's name has to say what they are.
        let is_meant = route.path.is_for_service() || to.is_http2() || site.listener.layer == Layer::Tcp;
        is_to(to, REST) && is_meant
    });
    let grpc = grpc.map(|(_, route, to)| {
        (
            format!(
                "calls to {} are forwarded to port 8009, which is the gateway's REST port",
                route.path
            ),
            to,
        )
    });
    let rest = conf.rest_forwards().filter(|(_, _, to)| is_to(to, GRPC));
    let rest = rest.map(|(site, route, to)| {
        (
            format!(
                "requests to {} at {} are forwarded to port 8010, which is the gateway's gRPC port",
                route.path,
                site.name()
            ),
            to,
        )
    });
    let mut found = Vec::new();
    for (message, to) in grpc.chain(rest) {
        let at = to.servers.first().map_or(&to.at, |server| &server.at);
        let draft = Draft::new(
            message,
            "forward /protobuf.Transport/ to port 8010 and everything else to port 8009",
        )
        .place(at);
        found.push(draft);
    }
    once(found.into_iter())
}

/// Whether all servers have this port.
fn is_to(to: &Forward, port: u16) -> bool {
    !to.servers.is_empty() && to.servers.iter().all(|server| server.port == Some(port))
}
