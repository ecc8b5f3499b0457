//! Integration tests: one binary.

#[cfg(target_os = "linux")]
mod addresses;
mod asymmetries;
#[cfg(unix)]
mod auth;
#[cfg(unix)]
mod cli;
#[cfg(unix)]
mod direct;
mod explain;
#[cfg(unix)]
mod forward;
mod frames;
mod identities;
#[cfg(unix)]
mod lab;
#[cfg(unix)]
mod limits;
#[cfg(unix)]
mod lint;
#[cfg(unix)]
mod log_files;
#[cfg(unix)]
mod logs;
#[cfg(unix)]
mod middleboxes;
#[cfg(target_os = "linux")]
mod networks;
#[cfg(unix)]
mod oracle;
mod outputs;
#[cfg(unix)]
mod packaging;
#[cfg(unix)]
mod pipelines;
#[cfg(unix)]
mod progress;
#[cfg(unix)]
mod proxies;
#[cfg(unix)]
mod recipes;
mod recipes_alb;
mod recipes_schema;
#[cfg(unix)]
mod remedies;
mod report;
#[cfg(target_os = "linux")]
mod resolver;
#[cfg(unix)]
mod saved;
#[cfg(unix)]
mod steady;
#[cfg(unix)]
mod wait;

#[cfg(unix)]
mod cases;
#[cfg(unix)]
mod catalogue;
#[cfg(unix)]
mod experiments;

#[cfg(target_os = "linux")]
mod black_hole;
