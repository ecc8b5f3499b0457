//! REST: `GET /api/healthz` and what explains it, over HTTP/1.1 (hyper) or, where ALPN chose it, HTTP/2.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::cx::{Cx, Stop, millis};
use crate::forward::Login;
use crate::http2::{Answer, Body, Call, CallName, ConnectionEnd, Head, StreamEnd, Tokens};
use crate::tap::Tap;
use crate::wire::header::Field;
use crate::wire::opening::FirstBytes;
use crate::wire::page::Page;
use crate::wire::text::bounded;

/// No key of anybody: the gateway refuses it, which is what shows that it came through (`gateway/transport/websocket.go`).
const MADE_UP_KEY: &str = "made-up-by-hoop-doctor";
/// The handshake of RFC 6455, section 4.1; the nonce is that of its example.
const UPGRADE: [(&str, &str); 4] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];
/// How long a body may take, once its head has come.
const BODY_PATIENCE: Duration = Duration::from_millis(500);

/// Everything that was heard on one HTTP/1.1 connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Http1 {
    /// The server's first bytes.
    pub first: FirstBytes,
    /// How the connection ended before all was answered.
    pub end: Option<ConnectionEnd>,
    /// One answer for each call, in the order of the calls.
    pub answers: Vec<Answer>,
}

/// The calls of a healthy check; `base_path` is the path of the API URL, without a slash at its end.
pub fn base_calls(base_path: &str) -> Vec<Call> {
    vec![
        call(CallName::Healthz, base_path),
        call(CallName::PublicServerInfo, base_path),
        call(CallName::WebSocket, base_path),
    ]
}

/// One call by its name, below `base_path`.
pub fn call(name: CallName, base_path: &str) -> Call {
    let path = match name {
        CallName::PublicServerInfo => "/api/publicserverinfo",
        CallName::WebSocket => "/api/ws",
        CallName::UserInfo => "/api/userinfo",
        CallName::ServerInfo => "/api/serverinfo",
        _ => "/api/healthz",
    };
    let mut fields = vec![
        ("accept", "application/json".to_owned()),
        ("user-agent", crate::REST_USER_AGENT.to_owned()),
    ];
    if name == CallName::WebSocket {
        fields.push(("hoop_key", MADE_UP_KEY.to_owned()));
    }
    Call {
        name,
        method: "GET",
        path: format!("{base_path}{path}"),
        fields,
        tokens: Tokens::default(),
        bearer: None,
        body: Body::None,
    }
}

/// A forward proxy that passes requests on, as net/http has it do for `http` URLs.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Who we are to it.
    pub login: Option<Login>,
}

/// Whom requests are for, and who passes them on.
#[derive(Clone, Copy)]
pub(crate) struct Addressee<'a> {
    pub(crate) authority: &'a str,
    pub(crate) relay: Option<&'a Relay>,
}

/// Makes the calls one after the other on `io`, each with the same patience.
pub(crate) async fn ask<S>(cx: &Cx, io: S, addressee: Addressee<'_>, calls: &[Call], patience: Duration) -> Http1
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (tap, heard) = Tap::new(io);
    let mut answers = Vec::new();
    let mut end = None;
    if let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(tap)).await {
        let asking = async {
            for call in calls {
                answers.push(ask_one(cx, &mut sender, addressee, call, patience).await);
            }
            // The connection ends when its sender is gone.
            drop(sender);
        };
        // Polled together in place, so that an answer that comes with the close is not lost.
        let work = async { tokio::join!(asking, connection).1 };
        let budget = patience * u32::try_from(calls.len()).unwrap_or(1);
        end = match cx.limit(budget, work).await {
            Ok(Err(error)) => Some(connection_end(&error)),
            // hyper calls it a clean end when the server closes before it has said anything.
            Ok(Ok(())) if heard.bytes().is_empty() => Some(ConnectionEnd::Closed),
            Ok(Ok(())) | Err(_) => None,
        };
    }
    let unasked = calls.get(answers.len()..).unwrap_or_default();
    answers.extend(
        unasked
            .iter()
            .map(|call| unanswered(call, StreamEnd::ConnectionEnded, 0)),
    );
    Http1 {
        first: FirstBytes::read(&heard.bytes()),
        end,
        answers,
    }
}

async fn ask_one(
    cx: &Cx,
    sender: &mut http1::SendRequest<Full<Bytes>>,
    addressee: Addressee<'_>,
    call: &Call,
    patience: Duration,
) -> Answer {
    let started = Instant::now();
    let exchange = async {
        sender.ready().await.ok()?;
        sender.send_request(request(addressee, call)?).await.ok()
    };
    let response = match cx.limit(patience, exchange).await {
        Ok(Some(response)) => response,
        Ok(None) => return unanswered(call, StreamEnd::ConnectionEnded, millis(started.elapsed())),
        Err(Stop::TimedOut | Stop::Interrupted) => {
            return unanswered(call, StreamEnd::Open, millis(started.elapsed()));
        }
    };
    let duration_ms = millis(started.elapsed());
    let head = head(&response);
    let mut body = response.into_body();
    let mut kept = Vec::new();
    let most = call.name.body_kept();
    let reading = async {
        while kept.len() < most {
            match body.frame().await {
                Some(Ok(frame)) => kept.extend_from_slice(frame.data_ref().map_or(&[], |data| data.as_ref())),
                Some(Err(_)) | None => break,
            }
        }
    };
    // A body that trickles costs a moment; the answer, as far as it came, still counts.
    let _ = cx.limit(BODY_PATIENCE, reading).await;
    kept.truncate(most);
    Answer {
        call: call.name,
        page: Some(Page::read(head.field("content-type"), &kept)),
        head: Some(head),
        trailers: None,
        end: StreamEnd::Ended,
        duration_ms,
        fed: None,
    }
}

fn request(addressee: Addressee<'_>, call: &Call) -> Option<Request<Full<Bytes>>> {
    let Addressee { authority, relay } = addressee;
    let body = match &call.body {
        Body::Whole(body) | Body::Begun(body) => body.clone(),
        Body::None | Body::Open | Body::Fed(_) => Vec::new(),
    };
    let mut request = Request::builder().method(call.method).header("host", authority);
    // A forward proxy is told the whole URL (RFC 9112, section 3.2.2).
    request = match relay {
        Some(_) => request.uri(format!("http://{authority}{}", call.path)),
        None => request.uri(&call.path),
    };
    if let Some(login) = relay.and_then(|relay| relay.login.as_ref()) {
        request = request.header("proxy-authorization", login.field());
    }
    for (name, value) in &call.fields {
        request = request.header(*name, value);
    }
    if let Some(bearer) = &call.bearer {
        request = request.header("authorization", bearer.field());
    }
    if call.name == CallName::WebSocket {
        for (name, value) in UPGRADE {
            request = request.header(name, value);
        }
    }
    request.body(Full::new(Bytes::from(body))).ok()
}

fn head<B>(response: &Response<B>) -> Head {
    let fields = response.headers().iter().take(64).map(|(name, value)| Field {
        name: name.as_str().to_owned(),
        value: bounded(value.as_bytes(), 1024),
    });
    Head::http1(response.status().as_u16(), fields.collect())
}

fn unanswered(call: &Call, end: StreamEnd, duration_ms: u64) -> Answer {
    Answer {
        call: call.name,
        head: None,
        trailers: None,
        page: None,
        end,
        duration_ms,
        fed: None,
    }
}

fn connection_end(error: &hyper::Error) -> ConnectionEnd {
    use std::error::Error;
    let io = error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>());
    match io {
        Some(io) => crate::http2::connection_end(io),
        None if error.is_incomplete_message() => ConnectionEnd::Closed,
        None => ConnectionEnd::Malformed,
    }
}
