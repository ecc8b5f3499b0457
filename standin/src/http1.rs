//! HTTP/1.1 on one connection.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::io;

use http::{Request, Response, request};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prost::bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::conversation::hang_up;

/// Serves requests with `answer`, and an HTTP/2 preface with the text of `to_preface`: a Go or nginx server answers it in
/// HTTP/1.1, which is how a gRPC client finds out, where hyper alone would hang up.
pub(crate) async fn serve<T>(
    io: T,
    to_preface: &str,
    answer: impl Fn(request::Parts) -> Response<Bytes>,
) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request: Request<Incoming>| {
        ready(Ok::<_, Infallible>(answer(request.into_parts().0).map(Full::new)))
    });
    let mut connection = http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(io), service);
    let served = poll_fn(|cx| connection.poll_without_shutdown(cx)).await;
    let mut io = connection.into_parts().io.into_inner();
    if served.is_err_and(|error| error.is_parse_version_h2()) {
        io.write_all(to_preface.as_bytes()).await?;
    }
    hang_up(io).await
}
