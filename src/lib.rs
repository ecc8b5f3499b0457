//! Finds out why an agent or a client can't reach a Hoop gateway, names the one cause, and says what to change.
//!
//! ```text
//! discover (config) → plan → probe (examine, probes/) → diagnose (findings) → report
//! ```

pub mod cli;
pub mod commands;
pub mod manual;

pub mod config;
pub mod gourl;
pub mod secret;

pub mod plan;

pub mod evidence;
pub mod examine;
pub mod experiments;
pub mod saved;

pub mod explain;
pub mod findings;
pub mod layers;
pub mod logs;
pub mod proxies;
pub mod proxyconf;

pub mod recipes;
pub mod report;

pub mod diff;

pub mod built;
pub mod malfunction;
