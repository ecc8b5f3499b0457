//! The stand-in seen from a client of another make: raw bytes, rustls and h2.

mod client;
mod gateway;
mod tls;
