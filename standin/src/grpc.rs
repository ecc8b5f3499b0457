//! The gRPC side: `protobuf.Transport` as Hoop's gateway answers it, down to the code and the text of every refusal.
//!
//! The gateway is a grpc-go server, and what grpc-go does before any handler runs is half of what a client sees. A Rust
//! gRPC framework words that half in its own way, so this is written on h2 directly.

mod exchange;
mod packet;

use http::{HeaderMap, Method, StatusCode, header, request};
use prost::Message;
use prost::bytes::Bytes;

use crate::proxy::Page;

pub(crate) use exchange::{Bandwidth, Code, Limit, Messages, NoMessage, Passage, Reply, Status, subtype};
use packet::{HealthCheckRequest, HealthCheckResponse, PreConnectRequest, PreConnectResponse};

/// What the gateway behind the gRPC port is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gateway {
    Well,
    /// Its database or identity provider can't be loaded, which its first interceptor finds out.
    WithoutIdentityProvider,
    /// As before 1.35.4.
    WithoutHealthCheck,
    /// A gRPC server of someone else.
    OtherService,
    /// As before 1.15.27, when grpc-go's own limit on messages held.
    WithSmallMessages,
    /// It knows nobody.
    RejectingTokens,
}

impl Gateway {
    fn lets_in(self, headers: &HeaderMap) -> bool {
        self != Self::RejectingTokens && is_authorized(headers)
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Answered,
    /// The call is one that takes a gateway's whole process down; its connections end without a word.
    Crashed,
}

/// Answers one call. An error says only that the client went away.
pub(crate) async fn answer(
    gateway: Gateway,
    head: &request::Parts,
    messages: Messages,
    reply: &mut Reply,
) -> Result<Ended, h2::Error> {
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .map_or("", |value| value.to_str().unwrap_or(""));
    let Some(subtype) = subtype(content_type) else {
        let text = format!("invalid gRPC request content-type {content_type:?}");
        let status = Status::new(Code::InvalidArgument, text);
        return reply.abort(StatusCode::UNSUPPORTED_MEDIA_TYPE, &status).map(answered);
    };
    reply.in_subtype(subtype);
    if head.method != Method::POST {
        let text = format!(
            "Received a HEADERS frame with :method {:?} which should be POST",
            head.method.as_str()
        );
        return reply
            .abort(StatusCode::METHOD_NOT_ALLOWED, &Status::new(Code::Internal, text))
            .map(answered);
    }
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    let messages = if gateway == Gateway::WithSmallMessages {
        messages
    } else {
        messages.up_to(MAX_MESSAGE)
    };
    match method(gateway, path) {
        Err(status) => reply.status(&status).map(answered),
        Ok(called) => {
            if let Some(status) = compression_refused(head) {
                return reply.status(&status).map(answered);
            }
            match called {
                Called::HealthCheck => health_check(messages, reply).await.map(answered),
                Called::PreConnect => pre_connect(gateway, head, messages, reply).await.map(answered),
                Called::Connect => connect(gateway, head, messages, reply).await,
            }
        }
    }
}

/// What this gateway takes for a valid credential, over gRPC and over REST.
pub(crate) fn is_authorized(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value == "Bearer good")
}

enum Called {
    HealthCheck,
    PreConnect,
    Connect,
}

/// grpc-go's own routing: the last slash parts service and method, and the refusal names what is unknown.
fn method(gateway: Gateway, path: &str) -> Result<Called, Status> {
    let unimplemented = |text| Err(Status::new(Code::Unimplemented, text));
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.rsplit_once('/')) else {
        return unimplemented(format!("malformed method name: {path:?}"));
    };
    if service != SERVICE || gateway == Gateway::OtherService {
        return unimplemented(format!("unknown service {service}"));
    }
    match method {
        "HealthCheck" if gateway != Gateway::WithoutHealthCheck => Ok(Called::HealthCheck),
        "PreConnect" => Ok(Called::PreConnect),
        "Connect" => Ok(Called::Connect),
        unknown => unimplemented(format!("unknown method {unknown} for service {service}")),
    }
}

/// Hoop registers no compressor, so that any encoding but identity is refused before a byte of the body is read.
fn compression_refused(head: &request::Parts) -> Option<Status> {
    let encoding = head.headers.get("grpc-encoding")?.to_str().unwrap_or("");
    let installed = encoding.is_empty() || encoding == "identity";
    (!installed).then(|| {
        let text = format!("grpc: Decompressor is not installed for grpc-encoding {encoding:?}");
        Status::new(Code::Unimplemented, text)
    })
}

async fn health_check(mut messages: Messages, reply: &mut Reply) -> Result<(), h2::Error> {
    match unary::<HealthCheckRequest>(&mut messages).await {
        Ok(HealthCheckRequest {}) => {
            let response = HealthCheckResponse { status: "OK".into() };
            reply.message(&response.encode_to_vec()).await?;
            reply.status(&Status::new(Code::Ok, ""))
        }
        Err(refusal) => refuse(reply, refusal),
    }
}

async fn pre_connect(
    gateway: Gateway,
    head: &request::Parts,
    mut messages: Messages,
    reply: &mut Reply,
) -> Result<(), h2::Error> {
    match unary::<PreConnectRequest>(&mut messages).await {
        Err(refusal) => refuse(reply, refusal),
        Ok(_) if !gateway.lets_in(&head.headers) => reply.status(&invalid_authentication()),
        Ok(_) => {
            // Nobody ever waits for this agent: an idle gateway's answer.
            let response = PreConnectResponse {
                status: "BACKOFF".into(),
                message: String::new(),
            };
            reply.message(&response.encode_to_vec()).await?;
            reply.status(&Status::new(Code::Ok, ""))
        }
    }
}

/// The interceptors look at the metadata alone, so that refusals come although the client's half is open and silent.
async fn connect(
    gateway: Gateway,
    head: &request::Parts,
    mut messages: Messages,
    reply: &mut Reply,
) -> Result<Ended, h2::Error> {
    if gateway == Gateway::WithoutIdentityProvider {
        let text = "internal error, unable to initialize identity provider";
        return reply.status(&Status::new(Code::Internal, text)).map(answered);
    }
    let Some(origin) = head.headers.get("origin") else {
        return reply
            .status(&Status::new(Code::InvalidArgument, "missing client origin"))
            .map(answered);
    };
    if !gateway.lets_in(&head.headers) {
        return reply.status(&invalid_authentication()).map(answered);
    }
    if origin != "agent" {
        if !head.headers.contains_key("verb") {
            return Ok(Ended::Crashed);
        }
        if head
            .headers
            .get("connection-name")
            .is_some_and(|name| name != CONNECTION)
        {
            return reply
                .status(&Status::new(Code::NotFound, "connection not found"))
                .map(answered);
        }
    }
    loop {
        match messages.next().await {
            Ok(packet) => reply.message(&packet).await?,
            Err(NoMessage::End) => return reply.status(&Status::new(Code::Ok, "")).map(answered),
            Err(NoMessage::Cut) => {
                return reply
                    .status(&Status::new(Code::Internal, "unexpected EOF"))
                    .map(answered);
            }
            Err(why) => return refuse(reply, why).map(answered),
        }
    }
}

/// Reads a unary call's message. grpc-go does so before any interceptor runs, and doesn't wait for the end of the stream.
async fn unary<M: Message + Default>(messages: &mut Messages) -> Result<M, NoMessage> {
    let message: Bytes = messages.next().await?;
    M::decode(message).map_err(|_| {
        let text = "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data";
        NoMessage::Refused(Status::new(Code::Internal, text))
    })
}

/// Answers where a message should have come. The bare texts of a unary call are what grpc-go makes of Go's own errors.
fn refuse(reply: &mut Reply, why: NoMessage) -> Result<(), h2::Error> {
    match why {
        NoMessage::Refused(status) => reply.status(&status),
        NoMessage::End => reply.status(&Status::new(Code::Unknown, "EOF")),
        NoMessage::Cut => reply.status(&Status::new(Code::Unknown, "unexpected EOF")),
        NoMessage::OverLimit => reply.over_limit(Page::TooLarge.response()),
        NoMessage::Reset(reason) => {
            reply.reset(reason);
            Ok(())
        }
        NoMessage::Lost => Ok(()),
    }
}

fn invalid_authentication() -> Status {
    Status::new(Code::Unauthenticated, "invalid authentication")
}

fn answered((): ()) -> Ended {
    Ended::Answered
}

const SERVICE: &str = "protobuf.Transport";

/// What Hoop's gateway sets as its limit: 17 MiB.
const MAX_MESSAGE: usize = 17_825_792;

/// The only connection that this gateway knows by name.
const CONNECTION: &str = "demo";
