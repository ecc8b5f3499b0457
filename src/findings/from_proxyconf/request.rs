//! What Hoop sends, as far as routes tell requests apart (`common/grpc/client.go` of Hoop).

use crate::proxyconf::path::Is;
use crate::proxyconf::{Asks, Condition, Route};

/// A request of an agent, a client or a browser.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    /// Whether the host comes with its port, as in gRPC's `:authority` always.
    names_port: bool,
}

impl Request {
    /// A gRPC call of this method.
    pub(super) fn grpc(path: &'static str) -> Self {
        Self {
            method: "POST",
            path,
            headers: &[
                ("content-type", "application/grpc"),
                ("te", "trailers"),
                ("user-agent", "grpc-go/"),
                ("origin", ""),
                ("authorization", ""),
            ],
            names_port: true,
        }
    }

    /// A request to the API.
    pub(super) fn rest(path: &'static str) -> Self {
        Self {
            method: "GET",
            path,
            headers: &[("user-agent", "")],
            names_port: false,
        }
    }

    /// The opening of a WebSocket.
    pub(super) fn websocket(path: &'static str) -> Self {
        Self {
            method: "GET",
            path,
            headers: &[
                ("upgrade", "websocket"),
                ("connection", "Upgrade"),
                ("hoop_key", ""),
                ("user-agent", ""),
            ],
            names_port: false,
        }
    }

    /// Whether it is what a condition asks for. A header that Hoop doesn't send isn't there; the value of one that it
    /// sends may be anything where it isn't known.
    fn meets(&self, condition: &Condition, host: Option<&str>) -> Is {
        let met = match &condition.asks {
            Asks::Method(methods) => Is::from(methods.iter().any(|method| method.eq_ignore_ascii_case(self.method))),
            Asks::Header(name, start) => match self.headers.iter().find(|(own, _)| own == name) {
                None => Is::No,
                Some((_, value)) if value.starts_with(start.as_str()) => Is::Yes,
                Some((_, "")) => Is::Perhaps,
                Some(_) => Is::No,
            },
            Asks::Host(hosts) => match host {
                None => Is::No,
                Some(host) => hosts.iter().map(|own| own.serves(host)).fold(Is::No, Is::or),
            },
            Asks::Path(path) => path.takes(self.path),
            Asks::HostWithoutPort => Is::from(!self.names_port),
            Asks::Never(_) => Is::No,
            Asks::Else(_) => Is::Perhaps,
        };
        match condition.not {
            true => met.negated(),
            false => met,
        }
    }
}

/// Whether a route takes a request at a host that it serves.
pub(super) fn takes(route: &Route, host: Option<&str>, request: &Request) -> Is {
    let conditions = route.when.iter().map(|condition| request.meets(condition, host));
    conditions.fold(route.path.takes(request.path), Is::and)
}
