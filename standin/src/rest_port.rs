//! The REST port: HTTP/1.1 in plaintext; HTTP/1.1 and HTTP/2 over TLS.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::sync::Arc;

use http::{Request, Response, request};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::conversation::{hang_up, ignore};
use crate::fault::Rest;
use crate::tls::{Alpn, ClientCertificate, FirstRecord, Handshake, Tls, chose_h2, first_record, reopened};
use crate::{Seen, Urls, http1, proxy, rest};

/// One REST port, shared by its connections.
pub(crate) struct RestPort {
    rest: Rest,
    handshake: Option<Handshake>,
    urls: Urls,
    pub(crate) seen: Arc<Seen>,
}

impl RestPort {
    pub(crate) fn new(rest: Rest, tls: Option<&Tls>, urls: Urls) -> io::Result<Arc<Self>> {
        let handshake = tls
            .map(|tls| Handshake::new(tls, Alpn::H2OrHttp1, ClientCertificate::NotAsked))
            .transpose()?;
        Ok(Arc::new(Self {
            rest,
            handshake,
            urls,
            seen: Arc::default(),
        }))
    }

    pub(crate) async fn converse(self: Arc<Self>, mut tcp: TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        let Some(handshake) = &self.handshake else {
            return self.http1(tcp).await;
        };
        match first_record(&mut tcp).await? {
            FirstRecord::NotTls(bytes) => {
                if GO_TAKES_FOR_HTTP.iter().any(|start| bytes.starts_with(start)) {
                    tcp.write_all(HTTP_ON_HTTPS).await?;
                }
                hang_up(tcp).await
            }
            FirstRecord::Hello(hello) => {
                let stream = handshake.accept(reopened(hello, tcp)).await?;
                if chose_h2(&stream) {
                    self.http2(stream).await
                } else {
                    self.http1(stream).await
                }
            }
        }
    }

    async fn http1(&self, mut io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        if self.rest == Rest::Silent {
            return ignore(&mut io).await;
        }
        http1::serve(io, &rest::preface_answer(), |head| self.answer(&head)).await
    }

    async fn http2(self: &Arc<Self>, mut io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> io::Result<()> {
        if self.rest == Rest::Silent {
            return ignore(&mut io).await;
        }
        let service = service_fn(|request: Request<Incoming>| {
            ready(Ok::<_, Infallible>(self.answer(&request.into_parts().0).map(Full::new)))
        });
        // The values of Go's net/http, though not in its order.
        http2::Builder::new(TokioExecutor::new())
            .max_frame_size(1_048_576)
            .max_concurrent_streams(250)
            .max_header_list_size(1_048_896)
            .header_table_size(4096)
            .initial_stream_window_size(1_048_576)
            .initial_connection_window_size(1_048_576)
            .serve_connection(TokioIo::new(io), service)
            .await
            .map_err(io::Error::other)
    }

    fn answer(&self, head: &request::Parts) -> Response<Bytes> {
        self.seen.request();
        match self.rest {
            Rest::Gateway(gateway) => rest::answer(gateway, head, &self.urls),
            Rest::Proxy(page) => page.response(),
            Rest::WithoutUnderscores => {
                let mut head = head.clone();
                head.headers.remove("hoop_key");
                proxy::passed_on(rest::answer(rest::Gateway::Well, &head, &self.urls))
            }
            Rest::Silent => unreachable!("a silent port reads no requests"),
        }
    }
}

/// The first five bytes that make a Go TLS server say in plaintext what is wrong.
const GO_TAKES_FOR_HTTP: [&[u8]; 5] = [b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO"];
const HTTP_ON_HTTPS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
