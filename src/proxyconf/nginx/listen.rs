//! Where servers listen, and what one server's `listen` means for the others at the same address.

use std::collections::BTreeMap;

use super::directives::Refusal;
use super::syntax::{Spot, Statement};

/// An address at which a server listens.
#[derive(Clone, Debug, Default)]
pub(super) struct Listen {
    /// The address as nginx compares it; empty where a fragment has none.
    pub address: String,
    /// `None` for a path, and for several ports at once.
    pub port: Option<u16>,
    pub ssl: Option<Spot>,
    pub http2: Option<Spot>,
    pub proxy_protocol: Option<Spot>,
    /// That it takes the hosts that no other server has.
    pub default: bool,
    /// QUIC or UDP: no TCP at all.
    pub datagrams: bool,
    /// The directive, or the server where there is none.
    pub at: Spot,
}

/// What all servers of an address have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    pub ssl: Option<Spot>,
    pub http2: Option<Spot>,
    pub proxy_protocol: Option<Spot>,
    /// The number of the server that takes the hosts that no other has.
    pub default: usize,
    /// That a `listen` says so.
    chosen: bool,
    /// That a `listen` has options of the socket.
    options: bool,
}

/// The addresses of all servers.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    all: BTreeMap<String, Shared>,
}

impl Listen {
    /// What a `listen` says, or what is wrong with it.
    pub(super) fn read(statement: &Statement) -> Result<Self, String> {
        let address = statement.arg(0).unwrap_or_default();
        let Some((key, port)) = endpoint(address) else {
            return Err(format!("invalid port in \"{address}\" of the \"listen\" directive"));
        };
        let mut listen = Self {
            address: key,
            port,
            at: statement.name.at,
            ..Self::default()
        };
        for word in statement.args.iter().skip(1) {
            match word.text.as_str() {
                "ssl" => listen.ssl = Some(word.at),
                "http2" => listen.http2 = Some(word.at),
                "proxy_protocol" => listen.proxy_protocol = Some(word.at),
                "default_server" | "default" => listen.default = true,
                "quic" | "udp" => listen.datagrams = true,
                other if is_option(other) => {}
                other => return Err(format!("invalid parameter \"{other}\"")),
            }
        }
        // The same address can be used for QUIC beside TCP.
        if listen.datagrams {
            listen.address.push_str("/udp");
        }
        Ok(listen)
    }
}

impl Addresses {
    /// Notes that a server listens there.
    pub(super) fn add(
        &mut self,
        server: usize,
        listen: &Listen,
        statement: Option<&Statement>,
        refusals: &mut Vec<Refusal>,
    ) {
        let parameters = statement.map(|one| one.args.as_slice()).unwrap_or_default();
        let options = parameters.iter().skip(1).any(|word| is_option(&word.text));
        let end = statement.map_or(listen.at, |one| one.end);
        let shared = self.all.entry(listen.address.clone()).or_insert_with(|| Shared {
            default: server,
            ..Shared::default()
        });
        shared.ssl = shared.ssl.or(listen.ssl);
        shared.http2 = shared.http2.or(listen.http2);
        shared.proxy_protocol = shared.proxy_protocol.or(listen.proxy_protocol);
        if options && std::mem::replace(&mut shared.options, true) {
            let what = format!("duplicate listen options for {}", listen.address);
            refusals.push(Refusal::new(end, what));
        }
        if listen.default {
            shared.default = server;
            if std::mem::replace(&mut shared.chosen, true) {
                let what = format!("a duplicate default server for {}", listen.address);
                refusals.push(Refusal::new(end, what));
            }
        }
    }

    /// What holds at the address of a `listen`.
    pub(super) fn shared(&self, listen: &Listen) -> Shared {
        self.all.get(&listen.address).cloned().unwrap_or_default()
    }

    /// All of them, with what holds there.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Shared)> {
        self.all.iter().map(|(address, shared)| (address.as_str(), shared))
    }
}

/// The address as nginx compares it, and the port; `None` where the port is none.
fn endpoint(text: &str) -> Option<(String, Option<u16>)> {
    if text.starts_with("unix:") {
        return Some((text.to_owned(), None));
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let port = number(text)?;
        return Some((format!("0.0.0.0:{port}"), Some(port)));
    }
    let colon = match text.rfind(']') {
        Some(end) => text.get(end..)?.find(':').map(|at| end + at),
        None => text.find(':'),
    };
    let (host, port) = match colon {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, "80"),
    };
    let host = if host == "*" { "0.0.0.0" } else { host };
    if let Some((from, to)) = port.split_once('-') {
        number(from)?;
        number(to)?;
        return Some((format!("{host}:{port}"), None));
    }
    let port = number(port)?;
    Some((format!("{host}:{port}"), Some(port)))
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

/// Whether it is an option of the socket, which only one `listen` of an address may have.
fn is_option(text: &str) -> bool {
    const PLAIN: [&str; 4] = ["deferred", "bind", "reuseport", "multipath"];
    const VALUED: [&str; 8] = [
        "backlog=",
        "rcvbuf=",
        "sndbuf=",
        "setfib=",
        "fastopen=",
        "accept_filter=",
        "ipv6only=",
        "so_keepalive=",
    ];
    PLAIN.contains(&text) || VALUED.iter().any(|start| text.starts_with(start))
}
