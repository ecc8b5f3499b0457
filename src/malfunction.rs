//! When this program itself breaks: the place is kept, the message is not, because it may quote what must stay secret.

use std::panic;
use std::sync::{Mutex, PoisonError};

static LAST: Mutex<String> = Mutex::new(String::new());

/// Replaces the panic message by the place of the panic. To be called once, first of all.
pub fn catch() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = place.unwrap_or_default();
    }));
}

/// Where the last panic was, as `file:line`; empty if there was none.
pub fn last_place() -> String {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
