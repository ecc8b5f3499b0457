//! The stand-in seen from a client of another make: raw bytes, rustls and h2.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod faults;
mod gateway;
mod tls;
