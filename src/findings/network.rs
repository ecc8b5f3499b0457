//! 2xx: from the address to an open connection.

use super::Rule;

mod closed_at_once;
mod proxy_protocol;
mod refused;
mod silent;
mod some_fail;
mod timeout;
mod unreachable;

pub(super) const RULES: &[&Rule] = &[
    &refused::RULE,
    &timeout::RULE,
    &unreachable::RULE,
    &closed_at_once::RULE,
    &some_fail::RULE,
    &silent::RULE,
    &proxy_protocol::RULE,
];
