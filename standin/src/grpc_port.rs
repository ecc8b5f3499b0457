//! The gRPC port, layer by layer: TCP, TLS, HTTP/2, calls. A fault steps in at one of them and leaves the others alone.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Request;
use prost::bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::conversation::{hang_up, ignore};
use crate::fault::{Grpc, Http2Fault, TcpFault, TlsFault};
use crate::forgetful::Forgetful;
use crate::grpc::{self, Bandwidth, Ended, Messages, Reply};
use crate::proxy::{self, CALLS_AT_A_TIME, Obstacle, Page, Peer, Turn};
use crate::tls::{Alpn, ClientCertificate, FirstRecord, Handshake, Tls, chose_h2, first_record, reopened};
use crate::{Seen, http1};

/// One gRPC port, shared by its connections.
pub(crate) struct GrpcPort {
    grpc: Grpc,
    handshake: Option<Handshake>,
    places: Arc<Semaphore>,
    pub(crate) seen: Arc<Seen>,
}

impl GrpcPort {
    pub(crate) fn new(grpc: Grpc, tls: Option<&Tls>) -> io::Result<Arc<Self>> {
        let alpn = if let Grpc::Tls(TlsFault::Alpn(alpn)) = grpc {
            alpn
        } else {
            Alpn::H2
        };
        let client = if grpc == Grpc::Tls(TlsFault::ClientCertificate) {
            ClientCertificate::Required
        } else {
            ClientCertificate::NotAsked
        };
        let handshake = tls.map(|tls| Handshake::new(tls, alpn, client)).transpose()?;
        Ok(Arc::new(Self {
            grpc,
            handshake,
            places: Arc::new(Semaphore::new(CALLS_AT_A_TIME)),
            seen: Arc::default(),
        }))
    }

    pub(crate) async fn converse(self: Arc<Self>, tcp: TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        if let Grpc::Tcp(fault) = self.grpc {
            return self.tcp_fault(fault, tcp).await;
        }
        self.opened(tcp).await
    }

    /// From here on TCP is in order.
    async fn opened(&self, mut tcp: TcpStream) -> io::Result<()> {
        let Some(handshake) = &self.handshake else {
            return self.secured(tcp).await;
        };
        let FirstRecord::Hello(hello) = first_record(&mut tcp).await? else {
            return hang_up(tcp).await;
        };
        if let Grpc::Tls(fault) = self.grpc {
            match fault {
                TlsFault::Alert(description) => {
                    tcp.write_all(&[0x15, 3, 3, 0, 2, 2, description]).await?;
                    return hang_up(tcp).await;
                }
                TlsFault::Closed => return hang_up(tcp).await,
                TlsFault::LargeHello if hello.len() > SMALL_HELLO => return tcp.set_zero_linger(),
                TlsFault::LargeHello | TlsFault::Alpn(_) | TlsFault::ClientCertificate => {}
            }
        }
        let stream = handshake.accept(reopened(hello, tcp)).await?;
        match handshake.alpn() {
            Alpn::Http1 => self.http1(stream).await,
            Alpn::Ignored => self.secured(stream).await,
            Alpn::H2 | Alpn::H2OrHttp1 if chose_h2(&stream) => self.secured(stream).await,
            // grpc-go finishes the handshake of a client without ALPN and hangs up.
            Alpn::H2 | Alpn::H2OrHttp1 => hang_up(stream).await,
        }
    }

    /// From here on TLS is in order, or there is none.
    async fn secured(&self, io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        match self.grpc {
            Grpc::Http2(fault) => http2_fault(fault, io).await,
            // Inside TLS, where the same bytes come as outside.
            Grpc::Tcp(TcpFault::ForgottenAfter(silence)) => self.http2(Forgetful::new(io, silence)).await,
            Grpc::Tcp(_) | Grpc::Tls(_) | Grpc::Proxy(_) | Grpc::Gateway(_) => self.http2(io).await,
        }
    }

    async fn http2(&self, mut io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let peer = if let Grpc::Proxy(obstacle) = self.grpc {
            obstacle.peer()
        } else {
            Peer::GrpcGo
        };
        let handshake = peer.settings().handshake::<_, Bytes>(&mut io);
        let Ok(connection) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await else {
            return Ok(());
        };
        let mut connection = connection.map_err(io::Error::other)?;
        let pings = if peer == Peer::GrpcGo {
            connection.ping_pong()
        } else {
            None
        };
        let bandwidth = Arc::new(Bandwidth::new(pings));
        let mut calls = JoinSet::new();
        let mut accepted = 0;
        loop {
            tokio::select! {
                next = connection.accept() => {
                    let Some(call) = next else { return Ok(()) };
                    let (request, respond) = call.map_err(io::Error::other)?;
                    let turn = Turn {
                        earlier: self.seen.request(),
                        place: Arc::clone(&self.places).try_acquire_owned().ok(),
                    };
                    if let Grpc::Proxy(obstacle) = self.grpc
                        && obstacle.cannot_hold(request.headers())
                    {
                        connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                        // What it ends with is our own reason.
                        let _ = poll_fn(|cx| connection.poll_closed(cx)).await;
                        drop(connection);
                        return hang_up(io).await;
                    }
                    accepted += 1;
                    if self.grpc == Grpc::Proxy(Obstacle::Recycled) && accepted == CALLS_OF_A_CONNECTION {
                        connection.graceful_shutdown();
                    }
                    calls.spawn(call_of(self.grpc, turn, request, respond, Arc::clone(&bandwidth)));
                }
                Some(ended) = calls.join_next() => {
                    if let Ok(Ok(Ended::Crashed)) = ended {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn http1(&self, io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        http1::serve(io, &proxy::preface_answer(), |_| {
            self.seen.request();
            Page::NotFound.response()
        })
        .await
    }

    async fn tcp_fault(&self, fault: TcpFault, mut tcp: TcpStream) -> io::Result<()> {
        match fault {
            TcpFault::Refused => unreachable!("nothing is accepted on a port that doesn't listen"),
            TcpFault::ClosedAtOnce => Ok(()),
            TcpFault::Silent => ignore(&mut tcp).await,
            TcpFault::OpenSsh => {
                tcp.write_all(b"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13\r\n").await?;
                tcp.read_u8().await?;
                tcp.write_all(b"Invalid SSH identification string.\r\n").await?;
                hang_up(tcp).await
            }
            TcpFault::Http1Only => self.http1(tcp).await,
            TcpFault::ForgottenAfter(_) => self.opened(tcp).await,
            TcpFault::ProxyLineWanted => {
                if proxy_line(&mut tcp).await? {
                    self.opened(tcp).await
                } else {
                    tcp.set_zero_linger()
                }
            }
        }
    }
}

/// One call, with what stands in its way.
async fn call_of(
    grpc: Grpc,
    turn: Turn,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    bandwidth: Arc<Bandwidth>,
) -> Result<Ended, h2::Error> {
    let (head, body) = request.into_parts();
    let messages = Messages::new(body, &head.headers, bandwidth);
    match grpc {
        Grpc::Proxy(obstacle) => {
            let reply = Reply::new(respond).passed_on_by(obstacle.peer().server(), obstacle.passage());
            obstacle.meet(head, messages, reply, turn).await
        }
        Grpc::Gateway(gateway) => grpc::answer(gateway, &head, messages, &mut Reply::new(respond)).await,
        Grpc::Tcp(_) | Grpc::Tls(_) | Grpc::Http2(_) => {
            grpc::answer(grpc::Gateway::Well, &head, messages, &mut Reply::new(respond)).await
        }
    }
}

/// Breaks the connection in the midst of HTTP/2, in bytes of our own: h2 would do it properly.
async fn http2_fault(fault: Http2Fault, mut io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    match fault {
        Http2Fault::NotHttp2 => {
            io.write_all(proxy::preface_answer().as_bytes()).await?;
        }
        Http2Fault::Lost => {
            io.write_all(SETTINGS).await?;
            first_headers(&mut io).await?;
        }
        Http2Fault::GoAway { code, debug } => {
            io.write_all(SETTINGS).await?;
            first_headers(&mut io).await?;
            let length = u32::try_from(8 + debug.len()).expect("debug texts are short");
            let mut frame = vec![];
            frame.extend_from_slice(&length.to_be_bytes()[1..]);
            frame.extend_from_slice(&[0x07, 0, 0, 0, 0, 0]);
            frame.extend_from_slice(&0_u32.to_be_bytes());
            frame.extend_from_slice(&u32::from(code).to_be_bytes());
            frame.extend_from_slice(debug.as_bytes());
            io.write_all(&frame).await?;
        }
    }
    hang_up(io).await
}

/// Reads up to the first HEADERS frame, which is the first call.
async fn first_headers(io: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut preface = [0; 24];
    io.read_exact(&mut preface).await?;
    loop {
        let mut head = [0; 9];
        io.read_exact(&mut head).await?;
        let [high, middle, low, kind, ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        tokio::io::copy(&mut io.take(length.into()), &mut tokio::io::sink()).await?;
        if kind == 0x01 {
            return Ok(());
        }
    }
}

/// Takes a PROXY protocol line (version 1) off the front; false where the client began with something else.
async fn proxy_line(tcp: &mut TcpStream) -> io::Result<bool> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        if line.len() == MAX_PROXY_LINE || !line.iter().zip(b"PROXY ").all(|(byte, wanted)| byte == wanted) {
            return Ok(false);
        }
        line.push(tcp.read_u8().await?);
    }
    Ok(true)
}

/// grpc-go's own first frame: MAX_FRAME_SIZE 16384.
const SETTINGS: &[u8] = &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x40, 0];

/// What `keepalive_requests` is set to where connections are recycled: as many calls as one check makes.
const CALLS_OF_A_CONNECTION: usize = 6;

/// How long grpc-go waits for TLS and the preface.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(120);

/// A ClientHello with a post-quantum key share is well above this, one without it well below.
const SMALL_HELLO: usize = 1000;

/// The longest line that version 1 allows, without its end.
const MAX_PROXY_LINE: usize = 107;

#[cfg(test)]
mod tests {
    //! What a clock decides, over a pipe and with a paused clock.

    use h2::SendStream;
    use h2::client::{ResponseFuture, SendRequest};
    use tokio::io::duplex;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::Fault;

    /// The client's end of a connection to a port with this fault, over which all of TCP and TLS went well.
    async fn connection(fault: Option<Fault>) -> SendRequest<Bytes> {
        let plan = fault.map_or(crate::fault::Plan::HEALTHY, Fault::plan);
        let port = GrpcPort::new(plan.grpc, None).expect("no certificate to refuse");
        let (near, far) = duplex(1 << 16);
        tokio::spawn(async move { port.secured(far).await });
        let (send, connection) = h2::client::handshake(near).await.expect("HTTP/2 comes up");
        tokio::spawn(connection);
        send
    }

    /// A call that is held open, with the headers that `Connect` takes for a good client's.
    async fn held(send: &SendRequest<Bytes>, method: &str) -> (ResponseFuture, SendStream<Bytes>) {
        let request = Request::post(format!("http://gateway.test/protobuf.Transport/{method}"))
            .header("content-type", "application/grpc")
            .header("authorization", "Bearer good")
            .header("origin", "agent");
        let mut send = send.clone().ready().await.expect("the connection is open");
        let request = request.body(()).expect("a valid request");
        send.send_request(request, false).expect("the stream is opened")
    }

    fn feed(body: &mut SendStream<Bytes>, data: &'static [u8]) {
        body.send_data(Bytes::from_static(data), false)
            .expect("the stream is open");
    }

    /// When the call ends, in seconds from now, and with which reset.
    async fn end(response: ResponseFuture) -> (f64, Option<Reason>) {
        let start = Instant::now();
        let reason = match response.await {
            Ok(mut response) => match response.body_mut().data().await {
                None => None,
                Some(Ok(data)) => panic!("an answer: {data:?}"),
                Some(Err(error)) => error.reason(),
            },
            Err(error) => error.reason(),
        };
        let seconds = start.elapsed().as_secs_f64();
        ((seconds * 10.0).round() / 10.0, reason)
    }

    /// A message byte by byte: its prefix, then one unknown field as padding.
    const BYTES: [&[u8]; 10] = [&[0], &[0], &[0], &[0], &[5], &[0x7a], &[3], &[1], &[2], &[3]];
    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_gateway_waits_for_a_message_as_long_as_it_takes() {
        let send = connection(None).await;
        let (mut response, mut body) = held(&send, "HealthCheck").await;
        for byte in BYTES {
            assert!(
                timeout(SECOND * 3600, &mut response).await.is_err(),
                "an hour between bytes"
            );
            feed(&mut body, byte);
        }
        let response = response.await.expect("an answer");
        let trailers = async {
            let mut body = response.into_body();
            body.data().await.expect("a message").expect("the stream lives");
            body.trailers().await.expect("the stream lives").expect("trailers")
        };
        assert_eq!(trailers.await["grpc-status"], "0");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_timeout_ends_a_silent_stream_after_three_seconds() {
        let send = connection(Some(Fault::IdleTimeout)).await;
        for method in ["HealthCheck", "Connect"] {
            let (response, _body) = held(&send, method).await;
            assert_eq!(end(response).await, (3.0, Some(Reason::PROTOCOL_ERROR)), "{method}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_timeout_starts_anew_with_every_byte() {
        let send = connection(Some(Fault::IdleTimeout)).await;
        let (mut response, mut body) = held(&send, "HealthCheck").await;
        for byte in &BYTES[1..] {
            assert!(timeout(SECOND * 2, &mut response).await.is_err());
            feed(&mut body, byte);
        }
        assert_eq!(end(response).await, (3.0, Some(Reason::PROTOCOL_ERROR)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lifetime_ends_a_stream_whatever_flows() {
        let send = connection(Some(Fault::StreamLifetime)).await;
        let (silent, _body) = held(&send, "HealthCheck").await;
        assert_eq!(end(silent).await, (3.0, Some(Reason::INTERNAL_ERROR)));

        let (mut busy, mut body) = held(&send, "HealthCheck").await;
        for byte in &BYTES[..2] {
            assert!(timeout(SECOND, &mut busy).await.is_err());
            feed(&mut body, byte);
        }
        assert_eq!(end(busy).await, (1.0, Some(Reason::INTERNAL_ERROR)));

        let (begun, mut body) = held(&send, "Connect").await;
        feed(&mut body, &[0; 5]);
        let mut echo = begun.await.expect("the echo begins").into_body();
        assert_eq!(echo.data().await.expect("an echo").expect("it lives"), [0; 5][..]);
        let start = Instant::now();
        let error = echo.data().await.expect("no end").expect_err("a reset");
        assert_eq!(
            (start.elapsed().as_secs(), error.reason()),
            (3, Some(Reason::INTERNAL_ERROR))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_forgotten_flow_is_neither_read_nor_answered_nor_closed() {
        let send = connection(Some(Fault::FlowForgotten)).await;
        let (busy, mut body) = held(&send, "HealthCheck").await;
        for byte in BYTES {
            sleep(SECOND * 2).await;
            feed(&mut body, byte);
        }
        assert_eq!(busy.await.expect("it is remembered while bytes come").status(), 200);

        let (quiet, mut body) = held(&send, "HealthCheck").await;
        sleep(SECOND * 4).await;
        for byte in BYTES {
            feed(&mut body, byte);
        }
        assert!(timeout(SECOND * 86_400, quiet).await.is_err(), "not even an end");
        let (later, _body) = held(&send, "Connect").await;
        assert!(timeout(SECOND, later).await.is_err());
    }
}
