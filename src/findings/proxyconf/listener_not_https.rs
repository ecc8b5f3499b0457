//! HD805: a gRPC target group or route on a listener that can't carry it: an ALB needs HTTPS and HTTP/2.

use crate::findings::from_proxyconf::{Conf, once};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, from_logs};
use crate::proxies::Proxy;
use crate::proxyconf::{Http2, Layer};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(805),
    name: "listener-not-https",
    severity: Severity::Error,
    summary: "gRPC is sent to a listener that cannot carry it",
    explain: include_str!("../../../docs/findings/HD805.md"),
    breaks: Breaks::Every,
    explains: &[Code(601), Code(607), Code(614), Code(403), Code(401)],
    check: from_logs::alone,
};

pub(in crate::findings) fn look(conf: &Conf<'_>) -> Vec<Draft> {
    let mut found = Vec::new();
    for site in conf.grpc() {
        let listener = site.listener;
        if listener.layer != Layer::Http {
            continue;
        }
        let http1 = listener.http2.as_ref().filter(|http2| http2.value == Http2::Http1Only);
        let draft = match (site.is_encrypted(), http1) {
            (false, None) if !conf.has_tls(site) && listener.proxy != Proxy::AwsAlb => {
                let port = listener.port.map_or("PORT".to_owned(), |port| port.to_string());
                let message = format!(
                    "gRPC at {} comes in cleartext alone: agents and clients need a grpc:// address, with port {port}",
                    site.name()
                );
                let draft = Draft::new(message, "end TLS here, or give agents and clients a grpc:// address");
                draft.severity(Severity::Info).place(&listener.at)
            }
            (_, _) if listener.proxy != Proxy::AwsAlb => continue,
            (false, _) if !conf.has_tls(site) => {
                let message = format!(
                    "the listener at {} is HTTP, and a load balancer forwards gRPC from HTTPS listeners alone",
                    site.name()
                );
                Draft::new(message, "make it an HTTPS listener with a certificate").place(&listener.at)
            }
            (true, Some(http2)) => {
                let message = format!(
                    "the load balancer at {} speaks HTTP/1.1 alone: {}",
                    site.name(),
                    http2.name
                );
                Draft::new(message, "set routing.http2.enabled to true").place(&http2.at)
            }
            (true, None) | (false, _) => continue,
        };
        found.push(draft);
    }
    once(found.into_iter())
}
