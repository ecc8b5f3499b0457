//! TLS on both ports: the certificate that a caller brings or that is made up here, and handshakes as Go's servers do them.

use std::fmt;
use std::io::{self, Cursor};
use std::sync::Arc;

use prost::bytes::{Bytes, BytesMut};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{Acceptor, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, crypto};
use tokio::io::{AsyncReadExt, Chain, Join, join};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificate::Certificate;
use crate::conversation::hang_up;

/// A certificate chain with its key, for both ports.
pub struct Tls {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// What a client has to trust, where that is known here.
    pub(crate) ca_pem: Option<String>,
}

impl Tls {
    /// Takes a chain (leaf first) and its private key, both as PEM.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(TlsError::Certificate)?;
        if chain.is_empty() {
            return Err(TlsError::Certificate(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Key)?;
        let tls = Self {
            chain,
            key,
            ca_pem: None,
        };
        tls.config(&[], ClientCertificate::NotAsked)
            .map_err(TlsError::Refused)?;
        Ok(tls)
    }

    /// Makes up a root, an intermediate and a leaf for these names or addresses, and gives the root's PEM with it.
    pub fn generated(names: &[&str]) -> (Self, String) {
        let tls = Certificate::Good.issue(names);
        let ca = tls.ca_pem.clone().expect("a generated chain comes with its root");
        (tls, ca)
    }

    fn config(&self, alpn: &[&str], client: ClientCertificate) -> Result<ServerConfig, rustls::Error> {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = match client {
            ClientCertificate::NotAsked => builder.with_no_client_auth(),
            ClientCertificate::Required => {
                let mut roots = RootCertStore::empty();
                roots.add(self.chain.last().expect("a chain has a leaf at least").clone())?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(|error| rustls::Error::General(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// Why a chain and a key can't be served.
#[derive(Debug)]
pub enum TlsError {
    /// The chain is no PEM, or holds no certificate.
    Certificate(pem::Error),
    /// The key is no PEM, or holds no private key.
    Key(pem::Error),
    /// Both can be read, but don't belong together or are of a kind that isn't supported.
    Refused(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(error) => write!(f, "no certificate in the chain: {error}"),
            Self::Key(error) => write!(f, "no private key: {error}"),
            Self::Refused(error) => write!(f, "certificate and key can't be served: {error}"),
        }
    }
}

impl std::error::Error for TlsError {}

/// What a port offers by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alpn {
    /// A grpc-go server.
    H2,
    /// A Go web server.
    H2OrHttp1,
    /// A listener on which HTTP/2 is switched off.
    Http1,
    /// A listener that takes no part in it.
    Ignored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientCertificate {
    NotAsked,
    Required,
}

/// The TLS half of one port.
pub(crate) struct Handshake {
    alpn: Alpn,
    negotiating: Arc<ServerConfig>,
    ignoring: Arc<ServerConfig>,
}

impl Handshake {
    pub(crate) fn new(tls: &Tls, alpn: Alpn, client: ClientCertificate) -> io::Result<Self> {
        let protocols: &[&str] = match alpn {
            Alpn::H2 => &["h2"],
            Alpn::H2OrHttp1 => &["h2", "http/1.1"],
            Alpn::Http1 => &["http/1.1"],
            Alpn::Ignored => &[],
        };
        let config = |protocols| tls.config(protocols, client).map(Arc::new).map_err(io::Error::other);
        Ok(Self {
            alpn,
            negotiating: config(protocols)?,
            ignoring: config(&[])?,
        })
    }

    pub(crate) fn alpn(&self) -> Alpn {
        self.alpn
    }

    /// Completes the handshake whose first record was read before.
    pub(crate) async fn accept(&self, tcp: Opened) -> io::Result<TlsStream<Opened>> {
        let started = LazyConfigAcceptor::new(Acceptor::default(), tcp).await?;
        // Go lets a client of HTTP/1.1 alone into an h2-only server as if it had not negotiated at all.
        let offered = |name: &[u8]| {
            started
                .client_hello()
                .alpn()
                .is_some_and(|mut names| names.any(|offer| offer == name))
        };
        let fallback = self.alpn == Alpn::H2 && offered(b"http/1.1") && !offered(b"h2");
        let config = if fallback { &self.ignoring } else { &self.negotiating };
        match started.into_stream(Arc::clone(config)).into_fallible().await {
            Ok(stream) => Ok(stream),
            Err((error, tcp)) => {
                // An alert went out; closing over what the client sent meanwhile would take it back.
                hang_up(tcp).await?;
                Err(error)
            }
        }
    }
}

/// True where the handshake agreed on HTTP/2.
pub(crate) fn chose_h2(stream: &TlsStream<Opened>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

/// A connection with what was read from it already put back in front.
pub(crate) type Opened = Join<Chain<Cursor<Bytes>, OwnedReadHalf>, OwnedWriteHalf>;

/// What a client sent first on a port of TLS.
pub(crate) enum FirstRecord {
    /// A handshake record, whole: a ClientHello.
    Hello(Bytes),
    /// Anything else, so far as it has come.
    NotTls(Bytes),
}

/// Reads the first record. A Go server looks at five bytes before it speaks TLS, and sends no alert to what is none.
pub(crate) async fn first_record(tcp: &mut TcpStream) -> io::Result<FirstRecord> {
    let mut bytes = BytesMut::with_capacity(MAX_RECORD);
    loop {
        if let Some([kind, _, _, length @ ..]) = bytes.first_chunk::<5>() {
            if *kind != HANDSHAKE {
                return Ok(FirstRecord::NotTls(bytes.freeze()));
            }
            if bytes.len() >= 5 + usize::from(u16::from_be_bytes(*length)) {
                return Ok(FirstRecord::Hello(bytes.freeze()));
            }
        }
        if tcp.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Puts what was read back in front of the connection.
pub(crate) fn reopened(first: Bytes, tcp: TcpStream) -> Opened {
    let (reader, writer) = tcp.into_split();
    join(Cursor::new(first).chain(reader), writer)
}

/// RFC 8446 section 5.1: content type handshake, and the largest record with its header.
const HANDSHAKE: u8 = 0x16;
const MAX_RECORD: usize = 5 + 16_384 + 256;
