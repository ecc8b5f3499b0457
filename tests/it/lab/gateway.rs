//! The gateway behind the proxies: two healthy stand-ins, one in plaintext and one with TLS.

use std::fs;
use std::io;
use std::net::SocketAddr;

use hoop_doctor_standin::{Options, StandIn, Tls};
use tokio::runtime::{Builder, Runtime};

use super::certificates::Certificates;

/// Both stand-ins on a runtime of their own, so that tests need none.
pub(crate) struct Gateway {
    plaintext: StandIn,
    tls: StandIn,
    _runtime: Runtime,
}

impl Gateway {
    pub(crate) fn start(certificates: &Certificates) -> io::Result<Self> {
        let (chain, key) = certificates.healthy();
        let tls = Tls::from_pem(&fs::read(chain)?, &fs::read(key)?).map_err(io::Error::other)?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let plaintext = Options::default();
        let tls = Options {
            tls: Some(tls),
            ..Options::default()
        };
        Ok(Self {
            plaintext: runtime.block_on(hoop_doctor_standin::start(plaintext))?,
            tls: runtime.block_on(hoop_doctor_standin::start(tls))?,
            _runtime: runtime,
        })
    }

    /// The REST port, in plaintext.
    pub(crate) fn rest(&self) -> SocketAddr {
        self.plaintext.rest_addr()
    }

    /// The gRPC port in plaintext.
    pub(crate) fn grpc(&self) -> SocketAddr {
        self.plaintext.grpc_addr()
    }

    /// The gRPC port of the gateway that has TLS.
    pub(crate) fn grpc_tls(&self) -> SocketAddr {
        self.tls.grpc_addr()
    }

    /// The REST port of the gateway that has TLS.
    pub(crate) fn rest_tls(&self) -> SocketAddr {
        self.tls.rest_addr()
    }
}
