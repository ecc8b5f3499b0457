//! Integration tests: one binary.

#[cfg(unix)]
mod lab;
#[cfg(unix)]
mod proxies;
