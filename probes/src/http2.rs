//! A small HTTP/2 client that keeps every frame and survives what is malformed (RFC 9113).
//!
//! It speaks first and doesn't wait: preface, SETTINGS and all requests leave in one flight.
//! It is no general client: no priorities, no push, answers of a few kilobytes.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::Bearer;
use crate::frames::Frames;
use crate::wire::frame::{ErrorCode, Setting};
use crate::wire::header::{self, Field};
use crate::wire::opening::FirstBytes;
use crate::wire::page::Page;
use crate::wire::status::{Said, Status, decode_message};

mod feeding;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use session::{Flight, Patience, speak};

/// A request, as it goes into the first flight.
#[derive(Clone, Debug)]
pub struct Call {
    /// What the request is for.
    pub name: CallName,
    /// `POST` for gRPC.
    pub method: &'static str,
    /// The path, `/protobuf.Transport/Connect` for instance.
    pub path: String,
    /// Fields after the pseudo-header fields.
    pub fields: Vec<(&'static str, String)>,
    /// Made-up tokens in further fields.
    pub tokens: Tokens,
    /// What proves who asks; only [`crate::auth`] makes requests that have it.
    pub(crate) bearer: Option<Bearer>,
    /// What follows the header block.
    pub body: Body,
}

/// Fields named `hoop-doctor-0` and so on that look like tokens, and are compressed as grpc-go compresses tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// How many fields.
    pub count: usize,
    /// The length of each value in characters, in units of [`Tokens::UNIT`].
    pub units: usize,
}

impl Tokens {
    /// The length of a value is a multiple of this many characters.
    pub const UNIT: usize = header::TOKEN_UNIT.len();
}

/// What follows the header block of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: END_STREAM is on the HEADERS frame.
    None,
    /// These bytes and END_STREAM.
    Whole(Vec<u8>),
    /// Nothing, and the stream stays open, as that of an agent does.
    Open,
    /// These bytes, and the stream stays open.
    Begun(Vec<u8>),
    /// A message in portions.
    Fed(Feed),
}

/// A gRPC message that leaves in portions, with pauses between them: a stream that is quiet, slow or long.
///
/// The message is one field that `HealthCheckRequest` doesn't have (number 15, zeros), which a gateway reads and forgets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The length of the message in bytes, without the five octets of its prefix; at least 5.
    pub message: u32,
    /// The portions in order. What is left of the message leaves with the last one, and END_STREAM behind it.
    pub portions: Vec<Portion>,
}

/// A part of a [`Feed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion {
    /// How long to wait before it, counted from when the portion before had been written.
    pub pause: Duration,
    /// Its length in bytes; the prefix counts.
    pub bytes: u64,
}

/// How far a [`Feed`] came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fed {
    /// Bytes that were handed over to be written before the stream ended; the prefix counts.
    pub sent: u64,
    /// Of these, the bytes behind which a whole pause passed in which the stream lived.
    pub outlived: u64,
    /// Milliseconds from our first flight to when END_STREAM was handed over; `None` if it never came to that.
    pub whole_ms: Option<u64>,
    /// Milliseconds from our first flight to the end of the stream; `None` while it is open.
    pub ended_ms: Option<u64>,
}

/// What a request is for. The order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallName {
    /// `Connect` without any metadata, half open: the call that decides.
    Connect,
    /// `Connect` with `origin` and without authorization, half open.
    ConnectWithOrigin,
    /// `Connect` without metadata, END_STREAM at once: answers where a buffering proxy holds the half-open one.
    ConnectEnded,
    /// `Connect` without metadata, whose first message has come and which stays open: answers where a proxy only waits for bytes.
    ConnectBegun,
    /// `Connect` without metadata that declares a body of 17 MiB and sends none.
    DeclaredBody,
    /// `PreConnect` without credentials.
    PreConnect,
    /// `HealthCheck`.
    HealthCheck,
    /// A method that Hoop's service doesn't have.
    UnknownMethod,
    /// `GET /api/healthz`.
    Healthz,
    /// `GET /api/publicserverinfo`.
    PublicServerInfo,
    /// `GET /api/ws` with a made-up `HOOP_KEY`; over HTTP/1.1 it asks for the upgrade to WebSocket.
    WebSocket,
    /// `Connect` with a user's token, to a connection that doesn't exist.
    ConnectWithToken,
    /// `GET /api/userinfo` with a user's token.
    UserInfo,
    /// `GET /api/serverinfo` with a user's token.
    ServerInfo,
}

impl CallName {
    /// How much of the answer's body is kept, in bytes: of what the gateway says of itself all of it.
    pub(crate) fn body_kept(self) -> usize {
        match self {
            Self::ServerInfo => 64 * 1024,
            _ => 2048,
        }
    }
}

/// Everything that was heard on one HTTP/2 connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Http2 {
    /// The server's SETTINGS in the order in which it sent them; `None` if none came.
    pub settings: Option<Vec<Setting>>,
    /// Milliseconds from our first flight to the server's SETTINGS.
    pub settings_ms: Option<u64>,
    /// The increment of the first WINDOW_UPDATE on stream 0.
    pub window_update: Option<u32>,
    /// How many PING frames the server sent that were no answer.
    pub pings: u32,
    /// The last GOAWAY.
    pub goaway: Option<GoAway>,
    /// How the server ended the connection, if it did.
    pub end: Option<ConnectionEnd>,
    /// Milliseconds from our first flight to that end.
    pub end_ms: Option<u64>,
    /// The server's first bytes.
    pub first: FirstBytes,
    /// One answer for each call, in the order of the calls.
    pub answers: Vec<Answer>,
    /// Every frame, for people to read; no rule does.
    #[serde(default, skip_serializing_if = "Frames::is_empty")]
    pub frames: Frames,
}

/// A GOAWAY frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoAway {
    /// The last stream that the server took on.
    pub last_stream: u32,
    /// Why.
    pub code: ErrorCode,
    /// The debug data, at most 200 characters.
    pub debug: String,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum ConnectionEnd {
    /// FIN.
    Closed,
    /// RST.
    Reset,
    /// A TLS alert after the handshake, 116 for certificate_required.
    Alert {
        /// The alert's number.
        description: u8,
    },
    /// Bytes that are no HTTP/2 frame, or a frame that breaks the connection's state.
    Malformed,
    /// A frame longer than the 16 KiB that we allow, within a conversation (RFC 9113, section 4.2).
    FrameTooLarge,
    /// More than 64 KiB came.
    TooMuch,
}

/// What came back for one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The call.
    pub call: CallName,
    /// The response's header block; for a trailers-only answer the only one.
    pub head: Option<Head>,
    /// The trailers.
    pub trailers: Option<Head>,
    /// The body, as far as it came.
    pub page: Option<Page>,
    /// How the stream ended.
    pub end: StreamEnd,
    /// Milliseconds from the request to the header block, or to the end where none came.
    pub duration_ms: u64,
    /// How far the request's message came, where it left in portions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fed: Option<Fed>,
}

/// A header block, as far as a diagnosis needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// `:status`; 0 where it is missing or no number (nginx sends `000` for an HTTP/2 answer from an HTTP/1 upstream).
    pub status: u16,
    /// The gRPC status, where the block has one.
    pub grpc: Option<GrpcStatus>,
    /// All fields but `:status`; the values of cookies are left out.
    pub fields: Vec<Field>,
}

/// A gRPC status with its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrpcStatus {
    /// `grpc-status`.
    pub code: Status,
    /// `grpc-message`, decoded.
    pub message: String,
    /// Who says it.
    pub said: Said,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum StreamEnd {
    /// It hasn't: the answer window passed first.
    Open,
    /// END_STREAM.
    Ended,
    /// RST_STREAM before END_STREAM.
    Reset {
        /// Its code.
        code: ErrorCode,
    },
    /// The server took no notice of the request: REFUSED_STREAM, or above the last stream of a GOAWAY.
    Refused,
    /// The connection ended first.
    ConnectionEnded,
    /// We read enough.
    Enough,
}

/// What an answer amounts to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reply<'a> {
    /// A gRPC status.
    Grpc(&'a GrpcStatus),
    /// An HTTP answer without one.
    Http(&'a Head, &'a Page),
    /// gRPC's content type, but the stream ended without a status.
    NoStatus(&'a Head),
    /// RST_STREAM before any header block.
    Reset(ErrorCode),
    /// Not processed by the server.
    Refused,
    /// The connection ended first.
    Lost,
    /// Nothing within the answer window.
    Silent,
}

impl Http2 {
    fn new(calls: &[Call]) -> Self {
        let open = |call: &Call| Answer {
            call: call.name,
            head: None,
            trailers: None,
            page: None,
            end: StreamEnd::Open,
            duration_ms: 0,
            fed: match call.body {
                Body::Fed(_) => Some(Fed::default()),
                Body::None | Body::Whole(_) | Body::Open | Body::Begun(_) => None,
            },
        };
        Self {
            settings: None,
            settings_ms: None,
            window_update: None,
            pings: 0,
            goaway: None,
            end: None,
            end_ms: None,
            first: FirstBytes::read(&[]),
            answers: calls.iter().map(open).collect(),
            frames: Frames::default(),
        }
    }

    /// The answer to a call, if it was made on this connection.
    pub fn answer(&self, call: CallName) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.call == call)
    }
}

impl Answer {
    /// What the answer amounts to.
    pub fn reply(&self) -> Reply<'_> {
        match (&self.head, &self.trailers) {
            (_, Some(Head { grpc: Some(grpc), .. })) | (Some(Head { grpc: Some(grpc), .. }), _) => Reply::Grpc(grpc),
            (Some(head), _) if head.is_grpc() => match self.end {
                StreamEnd::Open => Reply::Silent,
                StreamEnd::ConnectionEnded => Reply::Lost,
                StreamEnd::Reset { code } => Reply::Reset(code),
                StreamEnd::Ended | StreamEnd::Refused | StreamEnd::Enough => Reply::NoStatus(head),
            },
            (Some(head), _) => match &self.page {
                Some(page) => Reply::Http(head, page),
                None => Reply::Silent,
            },
            (None, _) => match self.end {
                StreamEnd::Reset { code } => Reply::Reset(code),
                StreamEnd::Refused => Reply::Refused,
                StreamEnd::ConnectionEnded => Reply::Lost,
                StreamEnd::Open | StreamEnd::Ended | StreamEnd::Enough => Reply::Silent,
            },
        }
    }

    /// Whether the call succeeded.
    pub fn is_ok(&self) -> bool {
        matches!(self.reply(), Reply::Grpc(status) if status.code == Status::OK)
    }

    fn is_finished(&self) -> bool {
        self.end != StreamEnd::Open
    }
}

impl Head {
    fn read(fields: Vec<Field>) -> Self {
        let status = header::value(&fields, ":status").and_then(|status| status.parse().ok());
        let code = header::value(&fields, "grpc-status").and_then(|code| code.trim().parse().ok());
        let message = decode_message(header::value(&fields, "grpc-message").unwrap_or_default());
        Self {
            status: status.unwrap_or(0),
            grpc: code.map(|code| GrpcStatus {
                code: Status(code),
                said: Said::read(&message),
                message,
            }),
            fields: fields.into_iter().filter_map(keep).collect(),
        }
    }

    /// The header block of an HTTP/1 answer.
    pub(crate) fn http1(status: u16, fields: Vec<Field>) -> Self {
        Self {
            status,
            ..Self::read(fields)
        }
    }

    /// The first value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        header::value(&self.fields, name)
    }

    /// Whether the content type is gRPC's.
    pub fn is_grpc(&self) -> bool {
        self.field("content-type")
            .is_some_and(|kind| kind.starts_with("application/grpc"))
    }
}

/// Cookies are secrets, and so is what follows the path of a `location`; neither is kept.
fn keep(mut field: Field) -> Option<Field> {
    match field.name.as_str() {
        ":status" | "grpc-status" | "grpc-message" | "set-cookie" => return None,
        "location" => {
            let end = field.value.find(['?', '#']).unwrap_or(field.value.len());
            field.value.truncate(end);
        }
        _ => {}
    }
    Some(field)
}

/// How an error of the stream below ends a connection.
pub(crate) fn connection_end(error: &io::Error) -> ConnectionEnd {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (tls, error.kind()) {
        (Some(rustls::Error::AlertReceived(alert)), _) => ConnectionEnd::Alert {
            description: u8::from(*alert),
        },
        (_, io::ErrorKind::UnexpectedEof) => ConnectionEnd::Closed,
        (Some(_), _) => ConnectionEnd::Malformed,
        (None, _) => ConnectionEnd::Reset,
    }
}
