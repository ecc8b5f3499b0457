//! Logs that really were written: `tests/logs`, how they are made, and what has to be found in them.
//!
//! `tests/logs/README.md` says how to make them again.

mod corpus;
mod record;

mod place;
mod proxy;
mod table;
mod visit;
mod wrapper;

use std::path::PathBuf;

use crate::lab::repository;

/// The folder of cases.
fn folder() -> PathBuf {
    repository().join("tests/logs")
}
