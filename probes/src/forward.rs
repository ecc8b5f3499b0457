//! Forward proxies: CONNECT in front of a conversation, as grpc-go and net/http send it.
//!
//! Exactly the head of the answer is taken from the socket: what comes behind it belongs to the conversation, since an
//! HTTP/2 server may speak first.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::cx::{Cx, Stop, millis};
use crate::http2::{ConnectionEnd, connection_end};
use crate::tcp::Stream;
use crate::wire::connect::{ConnectHead, NoHead};
use crate::wire::opening::FirstBytes;
use crate::wire::page::Page;

/// The longest head that is read, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// How much of a refusal's body is kept, in bytes.
const BODY_KEPT: usize = 2048;
/// How long that body may take, once its head has come.
const BODY_PATIENCE: Duration = Duration::from_millis(500);

/// What `Proxy-Authorization: Basic` is followed by. It can't be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Login(String);

impl Login {
    /// Wraps the encoded name and password.
    pub fn new(encoded: impl Into<String>) -> Self {
        Self(encoded.into())
    }

    /// The value of the field.
    pub(crate) fn field(&self) -> String {
        format!("Basic {}", self.0)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(••••)")
    }
}

/// What came of CONNECT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// The proxy's answer, or why there is none.
    pub answer: Result<Refusal, NoAnswer>,
    /// Milliseconds from the start of the run to the request.
    pub started_ms: u64,
    /// Milliseconds until the head had come.
    pub duration_ms: u64,
}

/// An answer to CONNECT, which with status 200 is no refusal but the way through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The status and who says it.
    pub head: ConnectHead,
    /// The body; `None` where the way is open.
    pub page: Option<Page>,
}

/// Why CONNECT has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NoAnswer {
    /// The connection ended first.
    Ended {
        /// How.
        end: ConnectionEnd,
    },
    /// What came is no HTTP/1, or too much of it.
    NotHttp {
        /// Its first bytes.
        first: FirstBytes,
    },
    /// Nothing, or not all of it, came in time.
    TimedOut,
    /// The run ended first.
    Interrupted,
}

impl Tunnel {
    /// Whether the proxy lets through: grpc-go and net/http want exactly 200.
    pub fn is_open(&self) -> bool {
        matches!(&self.answer, Ok(answer) if answer.head.status == 200)
    }
}

/// Asks the proxy behind `stream` for a connection to `authority`, and returns it where there is one.
pub async fn connect(
    cx: &Cx,
    stream: Stream,
    authority: &str,
    login: Option<&Login>,
    connect_by: Instant,
) -> (Tunnel, Option<Stream>) {
    let Stream(mut stream) = stream;
    let (started, started_ms) = (Instant::now(), cx.now_ms());
    let answer = match cx.until(connect_by, ask(&mut stream, &request(authority, login))).await {
        Ok(answer) => answer,
        Err(Stop::TimedOut) => Err(NoAnswer::TimedOut),
        Err(Stop::Interrupted) => Err(NoAnswer::Interrupted),
    };
    let duration_ms = millis(started.elapsed());
    let answer = match answer {
        Ok(head) if head.status != 200 => {
            let page = Some(page(cx, &head, &mut stream).await);
            Ok(Refusal { head, page })
        }
        other => other.map(|head| Refusal { head, page: None }),
    };
    let tunnel = Tunnel {
        answer,
        started_ms,
        duration_ms,
    };
    let stream = tunnel.is_open().then_some(Stream(stream));
    (tunnel, stream)
}

/// The request in Go's order of fields.
fn request(authority: &str, login: Option<&Login>) -> String {
    let agent = crate::USER_AGENT;
    let login = login.map(|login| format!("Proxy-Authorization: {}\r\n", login.field()));
    let login = login.unwrap_or_default();
    format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {agent}\r\n{login}\r\n")
}

async fn ask(stream: &mut TcpStream, request: &str) -> Result<ConnectHead, NoAnswer> {
    let ended = |error: &io::Error| NoAnswer::Ended {
        end: connection_end(error),
    };
    let written = stream.write_all(request.as_bytes()).await;
    let mut bytes = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        // What can't be written may still have been answered.
        let count = match stream.peek(&mut buffer).await {
            Ok(0) if bytes.is_empty() => {
                return Err(NoAnswer::Ended {
                    end: ConnectionEnd::Closed,
                });
            }
            Ok(0) => return Err(not_http(&bytes)),
            Ok(count) => count,
            Err(error) => return Err(ended(written.as_ref().err().unwrap_or(&error))),
        };
        let before = bytes.len();
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let (read, head) = match ConnectHead::read(&bytes) {
            Ok((head, len)) => (len - before, Some(head)),
            Err(NoHead::NotYet) if bytes.len() < LONGEST_HEAD => (count, None),
            Err(NoHead::NotYet | NoHead::Malformed) => return Err(not_http(&bytes)),
        };
        let taken = buffer.get_mut(..read).unwrap_or_default();
        stream.read_exact(taken).await.map_err(|error| ended(&error))?;
        if let Some(head) = head {
            return Ok(head);
        }
    }
}

fn not_http(bytes: &[u8]) -> NoAnswer {
    NoAnswer::NotHttp {
        first: FirstBytes::read(bytes.get(..1024).unwrap_or(bytes)),
    }
}

/// As much of the body as comes at once: what it says, not all that it says.
async fn page(cx: &Cx, head: &ConnectHead, stream: &mut TcpStream) -> Page {
    let mut body = Vec::new();
    let length = head.field("content-length").and_then(|length| length.parse().ok());
    let wanted = length.unwrap_or(BODY_KEPT).min(BODY_KEPT);
    let reading = async {
        let mut buffer = [0; BODY_KEPT];
        while body.len() < wanted {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => body.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            }
        }
    };
    let _ = cx.limit(BODY_PATIENCE, reading).await;
    body.truncate(BODY_KEPT);
    Page::read(head.field("content-type"), &body)
}
