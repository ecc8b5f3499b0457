//! Entry points: where Traefik listens, and how long it keeps what arrives there.

use super::Part;
use super::tree::{at, duration, entry, get, is_true, number, text};
use crate::proxyconf::yaml::{Key, Node};
use crate::proxyconf::{Limits, Place, Setting};

/// An entry point of the static configuration.
pub(super) struct Point<'a> {
    pub(super) part: &'a Part<'a>,
    pub(super) key: &'a Key,
    pub(super) node: &'a Node,
}

/// How long Traefik reads a request by default, that of a stream included.
const READ_TIMEOUT: u64 = 60_000;
/// How many streams Traefik allows on a connection by default.
const STREAMS: u64 = 250;

/// The entry points that speak TCP.
pub(super) fn points<'a>(parts: &'a [Part<'a>]) -> Vec<Point<'a>> {
    let each = |part: &'a Part<'a>| {
        let points = get(&part.node, "entryPoints").map(Node::entries).unwrap_or_default();
        points.iter().map(move |(key, node)| Point { part, key, node })
    };
    let is_udp = |point: &Point<'_>| text(point.node, "address").is_some_and(|address| address.ends_with("/udp"));
    parts.iter().flat_map(each).filter(|point| !is_udp(point)).collect()
}

impl<'a> Point<'a> {
    pub(super) fn name(&self) -> &'a str {
        &self.key.name
    }

    pub(super) fn at(&self) -> Place {
        self.key.place(self.part.file)
    }

    pub(super) fn port(&self) -> Option<u16> {
        let address = text(self.node, "address")?.trim_end_matches("/tcp");
        address.rsplit(':').next()?.parse().ok()
    }

    /// Whether routers that name no entry point are reached here.
    pub(super) fn is_default(&self, all: &[Point<'_>]) -> bool {
        match all.iter().any(|point| is_true(point.node, "asDefault")) {
            true => is_true(self.node, "asDefault"),
            false => self.name() != "traefik",
        }
    }

    /// TLS for all of its routers.
    pub(super) fn tls(&self) -> Option<(&'a Key, &'a Node)> {
        on(entry(get(self.node, "http")?, "tls")?)
    }

    /// Where everything is sent elsewhere, what says so, and with which priority.
    pub(super) fn redirects(&self) -> Option<(Place, String, u64)> {
        let redirection = at(self.node, &["http", "redirections", "entryPoint"])?;
        let (key, to) = entry(redirection, "to")?;
        let priority = get(redirection, "priority").and_then(Node::number).unwrap_or(u64::MAX);
        Some((key.place(self.part.file), to.text()?.to_owned(), priority))
    }

    pub(super) fn limits(&self) -> Limits {
        let file = self.part.file;
        let transport = get(self.node, "transport");
        let timeouts = transport.and_then(|transport| get(transport, "respondingTimeouts"));
        let timeout = |field: &str| timeouts.and_then(|timeouts| duration(file, timeouts, field));
        let read =
            timeout("readTimeout").unwrap_or_else(|| Setting::by_default(READ_TIMEOUT, "readTimeout", self.at()));
        let streams = get(self.node, "http2").and_then(|http2| number(file, http2, "maxConcurrentStreams"));
        Limits {
            // Zero is no limit.
            lifetime: [Some(read), timeout("writeTimeout")]
                .into_iter()
                .flatten()
                .filter(|limit| limit.value > 0)
                .collect(),
            header: get(self.node, "http").and_then(|http| number(file, http, "maxHeaderBytes")),
            streams: Some(streams.unwrap_or_else(|| Setting::by_default(STREAMS, "maxConcurrentStreams", self.at()))),
            requests: transport
                .and_then(|transport| number(file, transport, "keepAliveMaxRequests"))
                .filter(|limit| limit.value > 0),
            age: transport
                .and_then(|transport| duration(file, transport, "keepAliveMaxTime"))
                .filter(|limit| limit.value > 0),
            ..Limits::default()
        }
    }
}

/// Something that a map, even an empty one, or `true` switches on.
pub(super) fn on<'a>(entry: (&'a Key, &'a Node)) -> Option<(&'a Key, &'a Node)> {
    let off = entry.1.is_null() || entry.1.truth() == Some(false);
    (!off).then_some(entry)
}
