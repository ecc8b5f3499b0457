//! The gRPC port, layer by layer: TCP, TLS, HTTP/2, calls. A fault steps in at one of them and leaves the others alone.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use h2::RecvStream;
use h2::server::SendResponse;
use http::Request;
use prost::bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::conversation::{hang_up, ignore};
use crate::fault::{Grpc, Http2Fault, TcpFault, TlsFault};
use crate::grpc::{self, Bandwidth, Ended, Messages, Reply};
use crate::proxy::{self, Obstacle, Page, Peer};
use crate::tls::{Alpn, ClientCertificate, FirstRecord, Handshake, Tls, chose_h2, first_record, reopened};
use crate::{Seen, http1};

/// One gRPC port, shared by its connections.
pub(crate) struct GrpcPort {
    grpc: Grpc,
    handshake: Option<Handshake>,
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
        if let Grpc::Http2(fault) = self.grpc {
            return http2_fault(fault, io).await;
        }
        self.http2(io).await
    }

    async fn http2(&self, io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let peer = if let Grpc::Proxy(obstacle) = self.grpc {
            obstacle.peer()
        } else {
            Peer::GrpcGo
        };
        let handshake = peer.settings().handshake::<_, Bytes>(io);
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
                    accepted += 1;
                    if self.grpc == Grpc::Proxy(Obstacle::Recycled) && accepted == CALLS_OF_A_CONNECTION {
                        connection.graceful_shutdown();
                    }
                    calls.spawn(call_of(self.grpc, self.seen.request(), request, respond, Arc::clone(&bandwidth)));
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
    earlier: usize,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    bandwidth: Arc<Bandwidth>,
) -> Result<Ended, h2::Error> {
    let (head, body) = request.into_parts();
    let messages = Messages::new(body, &head.headers, bandwidth);
    match grpc {
        Grpc::Proxy(obstacle) => {
            let reply = Reply::new(respond).passed_on_by(obstacle.peer().server(), obstacle.trailers());
            obstacle.meet(head, messages, reply, earlier).await
        }
        Grpc::Gateway(gateway) => grpc::answer(gateway, &head, messages, Reply::new(respond)).await,
        Grpc::Tcp(_) | Grpc::Tls(_) | Grpc::Http2(_) => {
            grpc::answer(grpc::Gateway::Well, &head, messages, Reply::new(respond)).await
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
