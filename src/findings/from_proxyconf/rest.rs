//! The way to the API and the web app.

use super::limits::said;
use super::site::Means;
use super::{Conf, Draft, REST, once};
use crate::findings::{Confidence, Severity};
use crate::proxyconf::{Action, Speaks};

/// HD505: HTTP/2 in cleartext to a port that doesn't speak it.
pub(super) fn upstream(conf: &Conf<'_>) -> Vec<Draft> {
    let wrong = conf.rest_forwards().filter_map(|(site, route, to)| {
        let is_h2c = to.is_http2() && to.tls.as_ref().is_some_and(|tls| !tls.value);
        let is_rest = to.servers.iter().any(|server| server.port == Some(REST));
        // What speaks gRPC there is HD604.
        if is_h2c && is_rest && site.means(route) < Means::Grpc {
            let message = format!(
                "the API at {} is forwarded by HTTP/2 in cleartext, which the gateway's REST port doesn't speak: {}",
                site.name(),
                said(&to.speaks)
            );
            return Some(Draft::new(message, "forward the API by HTTP/1.1").place(&to.speaks.at));
        }
        let is_down = !to.servers.is_empty() && to.servers.iter().all(|server| server.down.is_some());
        is_down.then(|| {
            let message = format!("the API at {} has no healthy server", site.name());
            Draft::new(message, "see why the health check fails, and register the gateway").place(&to.at)
        })
    });
    once(wrong)
}

/// HD508: WebSockets can't be opened, or lose the key.
pub(super) fn websocket(conf: &Conf<'_>) -> Vec<Draft> {
    let blocked = conf.sites.iter().filter_map(|site| {
        let route = site.websocket.surely()?;
        let Action::Forward(to) = &route.action else {
            return None;
        };
        // gRPC's own way opens none.
        if to.speaks.value == Speaks::Http2 && site.means(route) == Means::Grpc {
            return None;
        }
        let upgrades = route.upgrades.as_ref().filter(|upgrades| !upgrades.value);
        let dropped = route.removes.iter().find(|removed| removed.value == "hoop_key");
        let (why, at) = match (upgrades, dropped) {
            (Some(upgrades), _) => (format!("can't be opened: {}", said(upgrades)), &upgrades.at),
            (None, Some(dropped)) => (
                format!("reaches the gateway without its HOOP_KEY header: {}", said(dropped)),
                &dropped.at,
            ),
            (None, None) => return None,
        };
        let draft = Draft::new(
            format!("a WebSocket at {} {why}", site.name()),
            "pass Upgrade, Connection and HOOP_KEY on, where RDP or SSM sessions are used",
        );
        Some(draft.severity(Severity::Info).confidence(Confidence::Certain).place(at))
    });
    once(blocked)
}
