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

/// What every request names itself.
pub const USER_AGENT: &str = concat!("hoop-doctor/", env!("CARGO_PKG_VERSION"));
