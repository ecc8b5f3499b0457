//! 5xx: REST.
//!
//! These rules speak only where HTTP was answered, or not in time. What keeps HTTP from being spoken belongs to lower
//! layers, and who speaks TLS or doesn't to 3xx.

use hoop_doctor_probes::http2::{CallName, Head, Reply};
use hoop_doctor_probes::wire::opening::Opening;
use hoop_doctor_probes::wire::page::{Mark, Page};

use super::Rule;
use crate::config::Source;
use crate::evidence::{Endpoint, Evidence, Kind};
use crate::plan;
use crate::proxies::{self, Proxy};

mod gateway_grpc_down;

mod access_denied;
mod grpc_port;
mod not_found;
mod not_hoop;
mod redirected;
mod server_error;
mod timeout;
mod upstream_down;
mod websocket_blocked;

#[cfg(test)]
pub(super) mod fixture;

pub(super) const RULES: &[&Rule] = &[
    &gateway_grpc_down::RULE,
    &not_found::RULE,
    &not_hoop::RULE,
    &redirected::RULE,
    &upstream_down::RULE,
    &access_denied::RULE,
    &grpc_port::RULE,
    &websocket_blocked::RULE,
    &timeout::RULE,
    &server_error::RULE,
];

/// What answered in the place of Hoop's API.
#[derive(Clone, Copy)]
struct Stranger<'a> {
    head: &'a Head,
    page: &'a Page,
}

/// The HTTP answer to the health call, where nothing shows that Hoop's API gave it and no lower layer is at fault.
fn stranger(endpoint: &Endpoint) -> Option<Stranger<'_>> {
    if is_api(endpoint) || is_grpc_port(endpoint) || endpoint.speaks_tls_instead() {
        return None;
    }
    match endpoint.reply(CallName::Healthz)? {
        // Plaintext to a TLS port, and mutual TLS that is refused inside HTTP.
        Reply::Http(_, page) if matches!(page.mark, Mark::PlainToHttps | Mark::ClientCertRequired) => None,
        Reply::Http(head, page) => Some(Stranger { head, page }),
        Reply::Grpc(_) | Reply::NoStatus(_) | Reply::Reset(_) | Reply::Refused | Reply::Lost | Reply::Silent => None,
    }
}

impl Stranger<'_> {
    /// The answer in brief: `HTTP 404 ("404 Not Found")`.
    fn shown(self) -> String {
        let status = self.head.status;
        match (&self.page.title, self.head.field("content-type")) {
            (Some(title), _) => format!("HTTP {status} ({title:?})"),
            (None, Some(kind)) => format!("HTTP {status} ({kind})"),
            (None, None) => format!("HTTP {status}"),
        }
    }
}

/// Whether the answer carries the gateway's name; a proxy may have put its own over it.
fn is_signed(head: &Head) -> bool {
    head.field("server")
        .is_some_and(|server| server.starts_with("hoopgateway"))
}

/// Whether an answer without the gateway's name has all the fields that the gateway sets on its answers: a proxy puts its
/// own name over the gateway's, and lets these pass.
fn has_hoops_fields(head: &Head) -> bool {
    let has = |name, value| head.field(name) == Some(value);
    has("access-control-allow-origin", "*")
        && has("access-control-allow-credentials", "true")
        && has(
            "strict-transport-security",
            "max-age=31536000; includeSubDomains; preload",
        )
}

/// Whether Hoop's API answered either call: health checks alone are often blocked or answered by a proxy, and older
/// gateways lack the other one.
fn is_api(endpoint: &Endpoint) -> bool {
    [CallName::Healthz, CallName::PublicServerInfo].iter().any(|call| {
        matches!(
            mark(endpoint, *call),
            Some(Mark::LivenessOk | Mark::LivenessErr | Mark::PublicServerInfo)
        )
    })
}

fn mark(endpoint: &Endpoint, call: CallName) -> Option<Mark> {
    match endpoint.reply(call)? {
        Reply::Http(_, page) => Some(page.mark),
        Reply::Grpc(_) | Reply::NoStatus(_) | Reply::Reset(_) | Reply::Refused | Reply::Lost | Reply::Silent => None,
    }
}

/// Whether a gRPC server answered the call for JSON, by its own rules or with its frames in the place of a page.
fn is_grpc_port(endpoint: &Endpoint) -> bool {
    let frames = endpoint.base.as_ref().and_then(|base| base.http1.as_ref());
    let frames = frames.is_some_and(|http1| http1.first.opening == Opening::Http2);
    frames
        || match endpoint.reply(CallName::Healthz) {
            Some(Reply::Grpc(_) | Reply::NoStatus(_)) => true,
            // nginx in front of HTTP/2 has no status to pass on, and makes 000 of it.
            Some(Reply::Http(head, page)) => {
                head.status < 100 || head.status == ALB_WRONG_PROTOCOL || page.mark == Mark::Http2Frame
            }
            _ => false,
        }
}

/// Whether the same host and port leads gRPC to a gateway.
fn has_gateway_for_grpc(evidence: &Evidence, endpoint: &Endpoint) -> bool {
    let mut others = evidence.wire.endpoints.iter();
    others.any(|other| {
        other.target.kind == Kind::Grpc
            && other.target.address().eq_ignore_ascii_case(&endpoint.target.address())
            && other.reaches_gateway()
    })
}

/// Where the URL of this API is set.
fn told_by<'a>(evidence: &'a Evidence, endpoint: &Endpoint) -> Option<&'a Source> {
    let identity = plan::identities(&evidence.config).nth(*endpoint.identities.first()?)?;
    identity.api.as_ref().map(|api| &api.source)
}

/// The proxy in front, where one was recognised.
fn proxy(endpoint: &Endpoint) -> Option<Proxy> {
    let found = proxies::recognise(endpoint)?.proxy;
    (!matches!(found, Proxy::None | Proxy::GoHttp | Proxy::Hoop)).then_some(found)
}

/// What to call whoever answered.
fn proxy_name(endpoint: &Endpoint) -> &'static str {
    proxy(endpoint).map_or("the proxy", Proxy::name)
}

/// How an Application Load Balancer says that the target group speaks another version of HTTP.
const ALB_WRONG_PROTOCOL: u16 = 464;

/// What the client prints where it gets a page in the place of JSON.
const NO_JSON: [&str; 2] = [
    "unable to obtain auth method from public server info endpoint due to failure on decoding the response body ({content-type})",
    "the api url config may be incorrect due to a failure when decoding",
];
