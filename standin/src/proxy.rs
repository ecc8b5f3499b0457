//! What a reverse proxy puts in front of a gateway: its HTTP/2 settings, its error pages, its ways of breaking gRPC.

use std::future::pending;
use std::time::Duration;

use h2::{Reason, server};
use http::header::{self, HeaderValue};
use http::{HeaderMap, Response, StatusCode, request};
use prost::bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::grpc::{self, Code, Ended, Limit, Messages, Passage, Reply, Status};
use crate::rest;

/// Whose HTTP/2 a client meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    GrpcGo,
    Nginx,
    Envoy,
    /// A middlebox that nobody knows.
    Unknown,
    /// nginx with `http2_max_concurrent_streams` set low.
    NginxWithFewStreams,
}

impl Peer {
    /// How it signs what passes through it.
    pub(crate) fn server(self) -> Option<&'static str> {
        match self {
            Self::GrpcGo | Self::Unknown => None,
            Self::Nginx | Self::NginxWithFewStreams => Some(NGINX),
            Self::Envoy => Some("envoy"),
        }
    }

    /// Its SETTINGS. Only grpc-go's and nginx's come out exactly, since h2 sends the identifiers in ascending order.
    pub(crate) fn settings(self) -> server::Builder {
        let mut settings = server::Builder::new();
        match self {
            Self::GrpcGo => settings.max_frame_size(16_384),
            Self::Nginx => nginx_settings(&mut settings, 128),
            Self::NginxWithFewStreams => nginx_settings(&mut settings, 4),
            Self::Envoy => envoy_settings(&mut settings, 1024),
            Self::Unknown => settings.max_concurrent_streams(256).initial_window_size(1_048_576),
        };
        settings
    }
}

fn nginx_settings(settings: &mut server::Builder, streams: u32) -> &mut server::Builder {
    settings
        .max_concurrent_streams(streams)
        .initial_window_size(65_536)
        .max_frame_size(16_777_215)
        .initial_connection_window_size(2_147_483_647)
}

fn envoy_settings(settings: &mut server::Builder, streams: u32) -> &mut server::Builder {
    settings
        .header_table_size(4096)
        .max_concurrent_streams(streams)
        .initial_window_size(16_777_216)
        .initial_connection_window_size(25_165_824)
}

/// A page that nginx makes up itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// `auth_basic`.
    AuthorizationRequired,
    NotFound,
    TooLarge,
    /// `limit_req` with `limit_req_status 429`.
    TooManyRequests,
    BadGateway,
    /// A sign-in in front.
    SignIn,
}

impl Page {
    pub(crate) fn response(self) -> Response<Bytes> {
        let (status, title, extra) = match self {
            Self::AuthorizationRequired => (
                StatusCode::UNAUTHORIZED,
                "401 Authorization Required",
                Some((header::WWW_AUTHENTICATE, "Basic realm=\"Restricted\"")),
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "404 Not Found", None),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "413 Request Entity Too Large", None),
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "429 Too Many Requests",
                Some((header::RETRY_AFTER, "1")),
            ),
            Self::BadGateway => (StatusCode::BAD_GATEWAY, "502 Bad Gateway", None),
            Self::SignIn => (
                StatusCode::FOUND,
                "302 Found",
                Some((header::LOCATION, "https://login.demo.test/sign-in")),
            ),
        };
        let mut response = html(status, page_text(title));
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// What nginx answers an HTTP/2 preface with on a listener that doesn't speak HTTP/2.
pub(crate) fn preface_answer() -> String {
    let page = page_text("400 Bad Request");
    let length = page.len();
    format!(
        "HTTP/1.1 400 Bad Request\r\nServer: {NGINX}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
    )
}

/// How a proxy gets in the way of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// No route for gRPC: the web application answers, once it has read the whole request.
    WebPage,
    /// Only `Connect` has a route.
    WebPageUnlessConnect,
    /// Every call gets the proxy's own page at once.
    Page(Page),
    /// Every second call does.
    PageEverySecondTime(Page),
    /// Requests vanish.
    Silence,
    /// `client_max_body_size`: a longer declared body gets a page, a longer real one a reset.
    BodyLimit(usize),
    /// A stream is reset after so many real bytes, whatever it declared.
    StreamLimit(usize),
    /// `large_client_header_buffers`: a longer field ends the connection.
    HeaderLimit(usize),
    /// `client_body_timeout`: a stream is reset when so long nothing comes from the client.
    BodyTimeout(Duration),
    /// A stream is reset at this age.
    Lifetime(Duration),
    /// A request goes on only when it is complete.
    Buffering,
    /// A response goes on only when it is complete.
    Collecting,
    /// Response trailers are lost.
    NoTrailers,
    /// A request header is lost.
    Without(&'static str),
    Reset(Reason),
    /// Envoy has no endpoint to send to.
    NoHealthyUpstream,
    /// SETTINGS that allow 128 streams, and a refusal of the ninth.
    FewerThanAnnounced,
    /// None but the small number of streams.
    FewStreams,
    /// Every connection ends after a few calls.
    Recycled,
}

impl Obstacle {
    pub(crate) fn peer(self) -> Peer {
        match self {
            Self::WebPage
            | Self::WebPageUnlessConnect
            | Self::Page(_)
            | Self::PageEverySecondTime(_)
            | Self::BodyLimit(_)
            | Self::HeaderLimit(_)
            | Self::BodyTimeout(_)
            | Self::Without(_)
            | Self::FewerThanAnnounced
            | Self::Recycled => Peer::Nginx,
            Self::FewStreams => Peer::NginxWithFewStreams,
            Self::NoHealthyUpstream => Peer::Envoy,
            Self::Silence
            | Self::StreamLimit(_)
            | Self::Lifetime(_)
            | Self::Buffering
            | Self::Collecting
            | Self::NoTrailers
            | Self::Reset(_) => Peer::Unknown,
        }
    }

    pub(crate) fn passage(self) -> Passage {
        if self == Self::NoTrailers {
            Passage::WithoutTrailers
        } else if self == Self::Collecting {
            Passage::Collected
        } else {
            Passage::Untouched
        }
    }

    /// Whether the whole connection ends over these headers.
    pub(crate) fn cannot_hold(self, headers: &HeaderMap) -> bool {
        let Self::HeaderLimit(limit) = self else {
            return false;
        };
        headers
            .iter()
            .any(|(name, value)| name.as_str().len() + value.len() > limit)
    }

    /// What becomes of one call.
    pub(crate) async fn meet(
        self,
        mut head: request::Parts,
        mut messages: Messages,
        mut reply: Reply,
        turn: Turn,
    ) -> Result<Ended, h2::Error> {
        let answered = |()| Ended::Answered;
        match self {
            Self::Page(page) => return reply.page(page.response()).map(answered),
            Self::PageEverySecondTime(page) if turn.earlier % 2 == 1 => {
                return reply.page(page.response()).map(answered);
            }
            Self::WebPageUnlessConnect if head.uri.path() == "/protobuf.Transport/Connect" => {}
            Self::WebPage | Self::WebPageUnlessConnect => {
                if messages.buffer_all().await.is_err() {
                    return Ok(Ended::Answered);
                }
                return reply.page(passed_on(rest::web_page())).map(answered);
            }
            Self::FewerThanAnnounced if turn.place.is_none() => {
                reply.reset(Reason::REFUSED_STREAM);
                return Ok(Ended::Answered);
            }
            Self::Silence => {
                let _kept_open = (messages, reply);
                return pending().await;
            }
            Self::Reset(reason) => {
                reply.reset(reason);
                return Ok(Ended::Answered);
            }
            Self::NoHealthyUpstream => {
                return reply
                    .status(&Status::new(Code::Unavailable, "no healthy upstream"))
                    .map(answered);
            }
            Self::BodyLimit(limit) => {
                if declared_length(&head).is_some_and(|length| length > limit) {
                    return reply.page(Page::TooLarge.response()).map(answered);
                }
                messages = messages.limited(Limit::Bytes(limit));
            }
            Self::StreamLimit(limit) => messages = messages.limited(Limit::BytesUntilReset(limit)),
            Self::BodyTimeout(limit) => messages = messages.limited(Limit::Silence(limit)),
            Self::Lifetime(limit) => {
                let answer = grpc::answer(grpc::Gateway::Well, &head, messages, &mut reply);
                return timeout(limit, answer).await.unwrap_or_else(|_| {
                    reply.reset(Reason::INTERNAL_ERROR);
                    Ok(Ended::Answered)
                });
            }
            Self::Buffering => {
                if messages.buffer_all().await.is_err() {
                    return Ok(Ended::Answered);
                }
            }
            Self::Without(name) => drop(head.headers.remove(name)),
            Self::PageEverySecondTime(_)
            | Self::HeaderLimit(_)
            | Self::Collecting
            | Self::NoTrailers
            | Self::FewerThanAnnounced
            | Self::FewStreams
            | Self::Recycled => {}
        }
        grpc::answer(grpc::Gateway::Well, &head, messages, &mut reply).await
    }
}

/// A call among the others of its port.
pub(crate) struct Turn {
    /// How many calls there were before it.
    pub(crate) earlier: usize,
    /// One of [`CALLS_AT_A_TIME`], held until the call is answered; `None` where all were taken.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

fn declared_length(head: &request::Parts) -> Option<usize> {
    head.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// An answer of the REST port on its way through nginx, which puts its own name on it.
pub(crate) fn passed_on(mut response: Response<Bytes>) -> Response<Bytes> {
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static(NGINX));
    response
}

fn html(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(NGINX));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    let length = response.body().len();
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn page_text(title: &str) -> String {
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>{NGINX}</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// Where calls beyond this are refused: two more than one check makes.
pub(crate) const CALLS_AT_A_TIME: usize = 8;

const NGINX: &str = "nginx/1.28.0";
