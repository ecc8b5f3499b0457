//! Integration tests: one binary.

#[cfg(unix)]
mod cli;
#[cfg(unix)]
mod lab;
#[cfg(unix)]
mod proxies;
mod report;
