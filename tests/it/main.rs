//! Integration tests: one binary.

#[cfg(unix)]
mod cli;
mod explain;
#[cfg(unix)]
mod lab;
#[cfg(unix)]
mod proxies;
mod report;
#[cfg(unix)]
mod saved;

#[cfg(unix)]
mod cases;
#[cfg(unix)]
mod catalogue;
#[cfg(unix)]
mod experiments;

#[cfg(target_os = "linux")]
mod black_hole;
