//! A client that shows what a gRPC library would hide: statuses, shapes, silence.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use prost::bytes::Bytes;
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const HEALTH_CHECK: &str = "/protobuf.Transport/HealthCheck";
pub(crate) const PRE_CONNECT: &str = "/protobuf.Transport/PreConnect";
pub(crate) const CONNECT: &str = "/protobuf.Transport/Connect";

/// An empty message, framed.
pub(crate) const EMPTY: &[u8] = &[0, 0, 0, 0, 0];

/// One HTTP/2 connection.
pub(crate) struct Connection {
    send: SendRequest<Bytes>,
    driven: JoinHandle<Result<(), h2::Error>>,
}

/// One call under way; its half is open until [`Call::end`].
pub(crate) struct Call {
    response: Pin<Box<ResponseFuture>>,
    body: SendStream<Bytes>,
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) http: u16,
    pub(crate) content_type: String,
    pub(crate) content_length: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) shape: Shape,
    pub(crate) status: Option<u16>,
    pub(crate) message: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One HEADERS frame that ends the stream.
    TrailersOnly,
    /// HEADERS and DATA, then trailers.
    Trailers,
    /// HEADERS and DATA, then nothing.
    NoTrailers,
}

impl Connection {
    pub(crate) async fn plaintext(addr: SocketAddr) -> Self {
        Self::over(connect(addr).await.unwrap()).await.unwrap()
    }

    pub(crate) async fn over(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Self, h2::Error> {
        let (send, connection) = h2::client::handshake(io).await?;
        let driven = tokio::spawn(connection);
        Ok(Self { send, driven })
    }

    /// Waits until the server ends it, and says why.
    pub(crate) async fn end(self) -> Result<(), h2::Error> {
        self.driven.await.unwrap()
    }

    /// Begins a gRPC call, half open, with these headers beside the usual ones.
    pub(crate) async fn call(&self, path: &str, headers: &[(&str, &str)]) -> Result<Call, h2::Error> {
        let mut request = Request::post(format!("http://gateway.test{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.request(request.body(()).unwrap()).await
    }

    pub(crate) async fn request(&self, request: Request<()>) -> Result<Call, h2::Error> {
        let (response, body) = self.send.clone().ready().await?.send_request(request, false)?;
        Ok(Call {
            response: Box::pin(response),
            body,
        })
    }
}

impl Call {
    /// Sends these bytes as one DATA frame.
    pub(crate) fn data(&mut self, data: &[u8]) {
        self.body.send_data(Bytes::copy_from_slice(data), false).unwrap();
    }

    /// Ends the client's half. A server that has answered already may have closed the stream, which is fine.
    pub(crate) fn end(mut self) -> Self {
        let _ = self.body.send_data(Bytes::new(), true);
        self
    }

    pub(crate) async fn answer(self) -> Result<Answer, h2::Error> {
        let (head, mut body) = self.response.await?.into_parts();
        let ended_with_headers = body.is_end_stream();
        let data = read(&mut body).await?;
        let trailers = body.trailers().await?;
        let shape = match (&trailers, ended_with_headers) {
            (_, true) => Shape::TrailersOnly,
            (Some(_), false) => Shape::Trailers,
            (None, false) => Shape::NoTrailers,
        };
        let last = if ended_with_headers {
            Some(head.headers.clone())
        } else {
            trailers
        };
        let text = |headers: Option<&HeaderMap>, name| {
            headers
                .and_then(|headers| headers.get(name))
                .map(|value| value.to_str().unwrap().to_owned())
        };
        Ok(Answer {
            http: head.status.as_u16(),
            content_type: text(Some(&head.headers), "content-type").unwrap_or_default(),
            content_length: text(Some(&head.headers), "content-length"),
            server: text(Some(&head.headers), "server"),
            shape,
            status: text(last.as_ref(), "grpc-status").map(|status| status.parse().unwrap()),
            message: text(last.as_ref(), "grpc-message").unwrap_or_default(),
            body: data,
        })
    }

    /// True while no response has begun.
    pub(crate) fn is_unanswered(&mut self) -> bool {
        matches!(
            self.response.as_mut().poll(&mut Context::from_waker(Waker::noop())),
            Poll::Pending
        )
    }
}

async fn read(body: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        all.extend_from_slice(&data);
    }
    Ok(all)
}

/// Nothing that is sent waits for an acknowledgement of what was sent before.
async fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect(addr).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// A TLS handshake that trusts this root alone and offers these protocols.
pub(crate) async fn tls(addr: SocketAddr, ca_pem: Option<&str>, alpn: &[&str]) -> io::Result<TlsStream<TcpStream>> {
    tls_with(
        crypto::aws_lc_rs::default_provider(),
        connect(addr).await?,
        ca_pem,
        alpn,
    )
    .await
}

/// The same with the small ClientHello of a client without post-quantum key exchange, on an open connection.
pub(crate) async fn small_tls(tcp: TcpStream, ca_pem: Option<&str>) -> io::Result<TlsStream<TcpStream>> {
    let kx_groups = vec![crypto::aws_lc_rs::kx_group::X25519];
    let provider = CryptoProvider {
        kx_groups,
        ..crypto::aws_lc_rs::default_provider()
    };
    tls_with(provider, tcp, ca_pem, &["h2"]).await
}

/// A trust store with this root alone.
pub(crate) fn roots(ca_pem: Option<&str>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = ca_pem {
        roots
            .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
            .unwrap();
    }
    roots
}

async fn tls_with(
    provider: CryptoProvider,
    tcp: TcpStream,
    ca_pem: Option<&str>,
    alpn: &[&str],
) -> io::Result<TlsStream<TcpStream>> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(ca_pem))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::from(tcp.peer_addr()?.ip());
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// Lets no test hang.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    let what = pin!(what);
    tokio::time::timeout(Duration::from_secs(20), what)
        .await
        .expect("an answer in time")
}
