//! One gRPC exchange on an HTTP/2 stream: messages in, messages and one status out, framed and worded as grpc-go does.
//!
//! It knows nothing of Hoop; `grpc.rs` decides what to answer.

use std::fmt::Write as _;
use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use h2::server::SendResponse;
use h2::{Ping, PingPong, Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use prost::bytes::{Buf, Bytes, BytesMut};
use tokio::time::timeout;

/// A gRPC status: the code's number and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Status {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let message =
            HeaderValue::try_from(percent_encoded(&self.message)).expect("percent-encoded text is printable ASCII");
        [
            (GRPC_STATUS, HeaderValue::from(self.code as u16)),
            (GRPC_MESSAGE, message),
        ]
    }
}

/// The status codes that a gateway, or a proxy in front of it, answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Ok = 0,
    Unknown = 2,
    InvalidArgument = 3,
    NotFound = 5,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// The client's half of an exchange: its messages, as they come.
pub(crate) struct Messages {
    body: RecvStream,
    ended_with_headers: bool,
    received: BytesMut,
    compressed: bool,
    bandwidth: Arc<Bandwidth>,
    largest: usize,
    limit: Limit,
}

/// Why there is no next message.
#[derive(Debug)]
pub(crate) enum NoMessage {
    /// The client ended its half before a message, or in the midst of its prefix, which grpc-go doesn't tell apart.
    End,
    /// The client ended its half inside a message.
    Cut,
    /// The message is one that a gateway refuses to read.
    Refused(Status),
    /// A proxy in front counted more bytes than it lets through.
    OverLimit,
    /// A proxy in front ends the stream.
    Reset(Reason),
    /// The stream or the connection is gone.
    Lost,
}

/// What a proxy allows one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    None,
    /// So many bytes; then it says so where it still can.
    Bytes(usize),
    /// So many bytes; then it resets the stream.
    BytesUntilReset(usize),
    /// So long a silence.
    Silence(Duration),
}

impl Messages {
    pub(crate) fn new(body: RecvStream, request: &HeaderMap, bandwidth: Arc<Bandwidth>) -> Self {
        let compressed = request
            .get("grpc-encoding")
            .is_some_and(|encoding| encoding != "identity" && !encoding.is_empty());
        Self {
            ended_with_headers: body.is_end_stream(),
            body,
            received: BytesMut::new(),
            compressed,
            bandwidth,
            largest: GRPC_GO_MAX_MESSAGE,
            limit: Limit::None,
        }
    }

    /// The same messages, behind a proxy that counts.
    pub(crate) fn limited(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }

    /// The same messages, read by a server that set its own limit.
    pub(crate) fn up_to(self, largest: usize) -> Self {
        Self { largest, ..self }
    }

    /// The next whole message. A refusal comes as soon as the five bytes of its prefix are there, as in grpc-go.
    pub(crate) async fn next(&mut self) -> Result<Bytes, NoMessage> {
        let prefix = self.take(PREFIX).await.map_err(|why| {
            if matches!(why, NoMessage::Cut) {
                NoMessage::End
            } else {
                why
            }
        })?;
        let [flag, length @ ..] = prefix.first_chunk::<PREFIX>().expect("as many bytes as were asked for");
        let length = u32::from_be_bytes(*length) as usize;
        if length > self.largest {
            let text = format!("grpc: received message larger than max ({length} vs. {})", self.largest);
            return Err(NoMessage::Refused(Status::new(Code::ResourceExhausted, text)));
        }
        let message = self.take(length).await.map_err(|why| {
            if matches!(why, NoMessage::End) {
                NoMessage::Cut
            } else {
                why
            }
        })?;
        match flag {
            0 => Ok(message),
            1 if !self.compressed => {
                let text = "grpc: compressed flag set with identity or empty encoding";
                Err(NoMessage::Refused(Status::new(Code::Internal, text)))
            }
            other => {
                let text = format!("grpc: received unexpected payload format {other}");
                Err(NoMessage::Refused(Status::new(Code::Internal, text)))
            }
        }
    }

    /// Waits until the client has ended its half, keeping all that came for [`Messages::next`].
    pub(crate) async fn buffer_all(&mut self) -> Result<(), NoMessage> {
        while !self.ended_with_headers && self.more().await? {}
        Ok(())
    }

    /// Exactly `wanted` bytes; [`NoMessage::End`] where the client's half ended before the first of them.
    async fn take(&mut self, wanted: usize) -> Result<Bytes, NoMessage> {
        while self.received.len() < wanted {
            if !self.more().await? {
                return Err(if self.received.is_empty() {
                    NoMessage::End
                } else {
                    NoMessage::Cut
                });
            }
        }
        Ok(self.received.split_to(wanted).freeze())
    }

    /// Takes one DATA frame in; false at the end of the client's half. Where that was the end of the HEADERS frame itself,
    /// grpc-go waits for a message all the same, until the client gives up.
    async fn more(&mut self) -> Result<bool, NoMessage> {
        if self.ended_with_headers {
            return pending().await;
        }
        let next = self.body.data();
        let next = match self.limit {
            Limit::None | Limit::Bytes(_) | Limit::BytesUntilReset(_) => next.await,
            Limit::Silence(limit) => timeout(limit, next)
                .await
                .map_err(|_| NoMessage::Reset(Reason::PROTOCOL_ERROR))?,
        };
        let Some(data) = next else {
            return Ok(false);
        };
        let data = data.map_err(|_| NoMessage::Lost)?;
        self.body
            .flow_control()
            .release_capacity(data.len())
            .map_err(|_| NoMessage::Lost)?;
        self.bandwidth.probe();
        match &mut self.limit {
            Limit::None | Limit::Silence(_) => {}
            Limit::Bytes(left) => *left = left.checked_sub(data.len()).ok_or(NoMessage::OverLimit)?,
            Limit::BytesUntilReset(left) => {
                *left = left
                    .checked_sub(data.len())
                    .ok_or(NoMessage::Reset(Reason::INTERNAL_ERROR))?;
            }
        }
        self.received.extend_from_slice(&data);
        Ok(true)
    }
}

/// The server's half of an exchange.
pub(crate) struct Reply {
    respond: SendResponse<Bytes>,
    started: Option<SendStream<Bytes>>,
    passage: Passage,
    collected: BytesMut,
    subtype: Option<String>,
    server: Option<&'static str>,
}

/// What becomes of a response on its way to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Untouched,
    WithoutTrailers,
    /// It goes on when it is complete, and says how long it is.
    Collected,
}

impl Reply {
    pub(crate) fn new(respond: SendResponse<Bytes>) -> Self {
        Self {
            respond,
            started: None,
            passage: Passage::Untouched,
            collected: BytesMut::new(),
            subtype: None,
            server: None,
        }
    }

    /// The same reply as a proxy leaves it, with its name on it if it gives one.
    pub(crate) fn passed_on_by(self, server: Option<&'static str>, passage: Passage) -> Self {
        Self {
            server,
            passage,
            ..self
        }
    }

    /// Answers in the content type's own flavour from here on: `application/grpc+proto` to `application/grpc+proto`.
    pub(crate) fn in_subtype(&mut self, subtype: &str) {
        self.subtype = Some(subtype.to_owned()).filter(|subtype| !subtype.is_empty());
    }

    /// Sends one message, with the response headers in front of the first one. Waits for room in the client's window.
    pub(crate) async fn message(&mut self, message: &[u8]) -> Result<(), h2::Error> {
        let mut framed = BytesMut::with_capacity(PREFIX + message.len());
        framed.extend_from_slice(&[0]);
        framed.extend_from_slice(
            &u32::try_from(message.len())
                .expect("a message is as long as one that came, or short")
                .to_be_bytes(),
        );
        framed.extend_from_slice(message);
        if self.passage == Passage::Collected {
            self.collected.extend_from_slice(&framed);
            return Ok(());
        }
        if self.started.is_none() {
            let head = self.head(StatusCode::OK);
            self.started = Some(self.respond.send_response(head, false)?);
        }
        let stream = self.started.as_mut().expect("started above");
        send_all(stream, framed.freeze()).await
    }

    /// Ends the exchange: as trailers after a message, otherwise as the only HEADERS frame there is ("trailers-only").
    pub(crate) fn status(&mut self, status: &Status) -> Result<(), h2::Error> {
        self.abort(StatusCode::OK, status)
    }

    /// Ends the exchange before it began, with another HTTP status than 200, for what is no gRPC request at all.
    pub(crate) fn abort(&mut self, http: StatusCode, status: &Status) -> Result<(), h2::Error> {
        if !self.collected.is_empty() {
            let collected = self.collected.split().freeze();
            let mut head = self.head(http);
            head.headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(collected.len()));
            let stream = self.started.insert(self.respond.send_response(head, false)?);
            stream.send_data(collected, false)?;
        }
        match (self.started.take(), self.passage) {
            (Some(mut stream), Passage::Untouched | Passage::Collected) => {
                stream.send_trailers(status.headers().into_iter().collect())
            }
            (Some(mut stream), Passage::WithoutTrailers) => stream.send_data(Bytes::new(), true),
            (None, _) => {
                let mut head = self.head(http);
                head.headers_mut()
                    .extend(status.headers().map(|(name, value)| (Some(name), value)));
                self.respond.send_response(head, true).map(drop)
            }
        }
    }

    /// Answers with something that is no gRPC: a page of a proxy or of the web application.
    pub(crate) fn page(&mut self, page: Response<Bytes>) -> Result<(), h2::Error> {
        let (head, body) = page.into_parts();
        let mut stream = self
            .respond
            .send_response(Response::from_parts(head, ()), body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(body, true)?;
        }
        Ok(())
    }

    pub(crate) fn reset(&mut self, reason: Reason) {
        self.respond.send_reset(reason);
    }

    /// Ends as nginx does when a request grows too long: with its page if nothing was sent, else by a reset.
    pub(crate) fn over_limit(&mut self, page: Response<Bytes>) -> Result<(), h2::Error> {
        if self.started.is_none() {
            return self.page(page);
        }
        self.reset(Reason::INTERNAL_ERROR);
        Ok(())
    }

    fn head(&self, http: StatusCode) -> Response<()> {
        let content_type = match &self.subtype {
            None => HeaderValue::from_static(GRPC),
            Some(subtype) => HeaderValue::try_from(format!("{GRPC}+{subtype}")).expect("it was a header value before"),
        };
        let mut head = Response::new(());
        *head.status_mut() = http;
        if let Some(server) = self.server {
            head.headers_mut()
                .insert(header::SERVER, HeaderValue::from_static(server));
        }
        head.headers_mut().insert(header::CONTENT_TYPE, content_type);
        head
    }
}

/// grpc-go measures bandwidth: it answers DATA with a PING, one at a time. Proxies take that PING for a sign of life of
/// their upstream, so a stand-in without it would be cut where a gateway isn't.
pub(crate) struct Bandwidth(Option<Mutex<PingPong>>);

impl Bandwidth {
    pub(crate) fn new(pings: Option<PingPong>) -> Self {
        Self(pings.map(Mutex::new))
    }

    fn probe(&self) {
        let Some(pings) = &self.0 else { return };
        let mut pings = pings.lock().unwrap_or_else(PoisonError::into_inner);
        // Taking the last pong, if it has come, is what allows the next ping; while it hasn't, `send_ping` refuses.
        let _ = pings.poll_pong(&mut Context::from_waker(Waker::noop()));
        let _ = pings.send_ping(Ping::opaque());
    }
}

/// The flavour behind `application/grpc`, or `None` for any other content type.
pub(crate) fn subtype(content_type: &str) -> Option<&str> {
    match content_type.strip_prefix(GRPC)? {
        "" => Some(""),
        rest => rest.strip_prefix(['+', ';']),
    }
}

async fn send_all(stream: &mut SendStream<Bytes>, mut data: Bytes) -> Result<(), h2::Error> {
    while data.has_remaining() {
        stream.reserve_capacity(data.len());
        let Some(room) = poll_fn(|cx| stream.poll_capacity(cx)).await else {
            return Err(Reason::CANCEL.into());
        };
        let room = room?.min(data.len());
        stream.send_data(data.split_to(room), false)?;
    }
    Ok(())
}

/// The `grpc-message` encoding: printable ASCII as it is, everything else (and `%`) as `%XX`.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'%' | ..b' ' | 0x7f.. => write!(out, "%{byte:02X}").expect("a String takes everything"),
            plain => out.push(char::from(plain)),
        }
        out
    })
}

/// The content type of every gRPC message and answer.
const GRPC: &str = "application/grpc";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// What grpc-go takes unless it is told otherwise: 4 MiB.
const GRPC_GO_MAX_MESSAGE: usize = 4_194_304;

/// A compression flag and a 32-bit length precede each message.
const PREFIX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_text_is_encoded_as_grpc_go_does() {
        assert_eq!(
            percent_encoded("malformed method name: \"/\""),
            "malformed method name: \"/\""
        );
        assert_eq!(percent_encoded("50% é\n"), "50%25 %C3%A9%0A");
    }

    #[test]
    fn a_content_type_is_grpc_with_nothing_a_plus_or_a_semicolon_behind() {
        assert_eq!(subtype("application/grpc"), Some(""));
        assert_eq!(subtype("application/grpc+proto"), Some("proto"));
        assert_eq!(subtype("application/grpc;x"), Some("x"));
        assert_eq!(subtype("application/grpc-web"), None);
        assert_eq!(subtype("text/html"), None);
    }
}
