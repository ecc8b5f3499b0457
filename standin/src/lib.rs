//! A stand-in Hoop gateway: the REST and gRPC ports of a real one, without a database behind them, and with faults on demand.
//!
//! It answers as Hoop 1.148.0 does wherever no credential is needed, and takes `Bearer good` for a valid one. A proxy can be
//! rehearsed with it, `hoop-doctor demo` shows a fault with it, and tests of probes talk to it.
//!
//! Where it differs from a real gateway: it opens no sessions (an authorised `Connect` echoes its packets), it lets clients
//! ping as often as they like, it disregards `grpc-timeout` and malformed binary metadata, it updates flow-control windows less
//! often, and it answers an oversize header list with 431. The SETTINGS of its gRPC port are grpc-go's to the byte; those of its
//! REST port are Go's in another order.

mod certificate;
mod conversation;
mod fault;
mod forgetful;
mod grpc;
mod grpc_port;
mod http1;
mod proxy;
mod rest;
mod rest_port;
mod tls;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpSocket;
use tokio::task::JoinSet;

pub use crate::fault::{Fault, Needs, UnknownFault};
pub use crate::tls::{Tls, TlsError};

use crate::fault::{Grpc, Plan, TcpFault, Told, Wire};
use crate::grpc_port::GrpcPort;
use crate::rest_port::RestPort;

/// Where a stand-in listens and how it behaves. The default is a healthy gateway in plaintext on free ports of loopback.
#[derive(Debug)]
pub struct Options {
    /// The gRPC port; a gateway's is 8010.
    pub grpc: SocketAddr,
    /// The REST port; a gateway's is 8009.
    pub rest: SocketAddr,
    /// One switch for both ports, as in a gateway. A fault of TLS brings its own where this is `None`; a fault of plaintext, or
    /// of a certificate, disregards it.
    pub tls: Option<Tls>,
    /// The one way in which it misbehaves.
    pub fault: Option<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            grpc: loopback,
            rest: loopback,
            tls: None,
            fault: None,
        }
    }
}

/// A running stand-in. It stops when it is dropped.
#[derive(Debug)]
pub struct StandIn {
    grpc_addr: SocketAddr,
    rest_addr: SocketAddr,
    grpc_seen: Arc<Seen>,
    rest_seen: Arc<Seen>,
    urls: Urls,
    ports: JoinSet<()>,
}

/// What a client has to be told to meet this stand-in, and its fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    /// For `HOOP_GRPCURL`, or the address in a key.
    pub grpc: String,
    /// For `HOOP_APIURL`.
    pub api: String,
    /// For `HOOP_TLSCA`: the root of a made-up chain, unless not knowing it is the fault.
    pub ca_pem: Option<String>,
}

/// How often one port was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// TCP connections accepted.
    pub connections: usize,
    /// HTTP requests on them, whatever became of them.
    pub requests: usize,
}

/// Starts a stand-in on the runtime that this is called from.
pub async fn start(options: Options) -> io::Result<StandIn> {
    let plan = options.fault.map_or(Plan::HEALTHY, Fault::plan);
    let tls = match plan.wire {
        Wire::AsAsked => options.tls,
        Wire::Plaintext => None,
        Wire::Tls => Some(options.tls.unwrap_or_else(|| Tls::generated(&LOOPBACK_NAMES).0)),
        Wire::Certificate(defect) => Some(defect.issue(&LOOPBACK_NAMES)),
    };
    let grpc = bind(options.grpc)?;
    let rest = bind(options.rest)?;
    let (grpc_addr, rest_addr) = (grpc.local_addr()?, rest.local_addr()?);
    let urls = urls(plan.told, tls.as_ref(), grpc_addr, rest_addr);

    let grpc_port = GrpcPort::new(plan.grpc, tls.as_ref())?;
    let rest_port = RestPort::new(plan.rest, tls.as_ref(), urls.clone())?;
    let (grpc_seen, rest_seen) = (Arc::clone(&grpc_port.seen), Arc::clone(&rest_port.seen));
    let mut ports = JoinSet::new();
    if plan.grpc == Grpc::Tcp(TcpFault::Refused) {
        // Bound without listening: refused for sure, and nobody else can take the port.
        ports.spawn(async move {
            let _bound = grpc;
            std::future::pending().await
        });
    } else {
        let grpc = grpc.listen(BACKLOG)?;
        ports.spawn(conversation::on_each(grpc, Arc::clone(&grpc_seen), move |tcp| {
            Arc::clone(&grpc_port).converse(tcp)
        }));
    }
    let rest = rest.listen(BACKLOG)?;
    ports.spawn(conversation::on_each(rest, Arc::clone(&rest_seen), move |tcp| {
        Arc::clone(&rest_port).converse(tcp)
    }));
    Ok(StandIn {
        grpc_addr,
        rest_addr,
        grpc_seen,
        rest_seen,
        urls,
        ports,
    })
}

impl StandIn {
    /// Where the gRPC port really is, whatever [`StandIn::urls`] says.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc_addr
    }

    /// Where the REST port really is.
    pub fn rest_addr(&self) -> SocketAddr {
        self.rest_addr
    }

    /// What to tell a client.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// What came to the gRPC port so far.
    pub fn grpc_calls(&self) -> Calls {
        self.grpc_seen.calls()
    }

    /// What came to the REST port so far.
    pub fn rest_calls(&self) -> Calls {
        self.rest_seen.calls()
    }

    /// Closes both ports and every connection, and waits until that is done.
    pub async fn stop(mut self) {
        self.ports.shutdown().await;
    }
}

/// The counters behind [`Calls`].
#[derive(Debug, Default)]
pub(crate) struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl Seen {
    pub(crate) fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request and says how many there were before it.
    pub(crate) fn request(&self) -> usize {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    fn calls(&self) -> Calls {
        Calls {
            connections: self.connections.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
        }
    }
}

fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A chosen port is wanted back at once after a restart. A free one must not be shared with another socket that is bound
    // without listening, which is what reuse would allow.
    socket.set_reuseaddr(addr.port() != 0)?;
    socket.bind(addr)?;
    Ok(socket)
}

fn urls(told: Told, tls: Option<&Tls>, grpc: SocketAddr, rest: SocketAddr) -> Urls {
    let (grpc, rest) = (dialable(grpc), dialable(rest));
    let secure = tls.is_some();
    let url = |scheme: [&str; 2], addr| format!("{}://{addr}", scheme[usize::from(secure)]);
    let ca_pem = tls.and_then(|tls| tls.ca_pem.clone());
    let truth = Urls {
        grpc: url(["grpc", "grpcs"], grpc),
        api: url(["http", "https"], rest),
        ca_pem,
    };
    match told {
        Told::Truth => truth,
        Told::GrpcInPlaintext => Urls {
            grpc: format!("grpc://{grpc}"),
            ..truth
        },
        Told::GrpcOverTls => Urls {
            grpc: format!("grpcs://{grpc}"),
            ..truth
        },
        Told::NoCa => Urls { ca_pem: None, ..truth },
        Told::RestPortForGrpc => Urls {
            grpc: url(["grpc", "grpcs"], rest),
            ..truth
        },
        Told::GrpcPortForRest => Urls {
            api: url(["http", "https"], grpc),
            ..truth
        },
    }
}

/// A listener on every address is reached on loopback.
fn dialable(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        ip if !ip.is_unspecified() => addr,
        IpAddr::V4(_) => (Ipv4Addr::LOCALHOST, addr.port()).into(),
        IpAddr::V6(_) => (Ipv6Addr::LOCALHOST, addr.port()).into(),
    }
}

/// What a made-up certificate is valid for, unless that is its defect.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const BACKLOG: u32 = 1024;
