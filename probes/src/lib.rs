//! The probes of hoop-doctor: every socket that it opens is opened here.
//!
//! A probe says what it saw and judges nothing: typed functions in, facts out. The unit is the [`conversation`]:
//! one connection, from TCP over TLS to HTTP/2 or HTTP/1.1, with what is said on it given as data. The base probes and all
//! experiments are conversations that differ in that data alone. Certificates are the one thing that is judged here
//! ([`x509`]), because Go's verdict on a chain is itself a fact about what an agent will do.

pub mod auth;
pub mod conversation;
pub mod cx;
pub mod dns;
pub mod forward;
pub mod frames;
pub mod grpc;
pub mod http2;
pub mod limits;
pub mod rest;
pub mod route;
mod tap;
pub mod tcp;
pub mod tls;
pub mod wire;
pub mod x509;

/// What requests for a forward proxy name themselves.
pub const USER_AGENT: &str = concat!("hoop-doctor/", env!("CARGO_PKG_VERSION"));

/// What gRPC calls name themselves: a rule on user agents has to take them for an agent's, and a log tells them apart.
pub const GRPC_USER_AGENT: &str = concat!(
    "hoopagent/unknown grpc-go/1.83.0 hoop-doctor/",
    env!("CARGO_PKG_VERSION")
);

/// The same for REST, where Hoop's client calls.
pub const REST_USER_AGENT: &str = concat!("hoopcli/unknown hoop-doctor/", env!("CARGO_PKG_VERSION"));
