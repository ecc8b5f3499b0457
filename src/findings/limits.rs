//! 7xx: limits on streams.

use super::Rule;

mod body;
pub(super) mod header;
pub(super) mod held;
pub(super) mod idle;
mod lifetime;
mod message;
mod response_buffered;

#[cfg(test)]
pub(super) mod fixture;

pub(super) const RULES: &[&Rule] = &[
    &body::RULE,
    &header::RULE,
    &idle::RULE,
    &lifetime::RULE,
    &message::RULE,
    &super::proxyconf::retries_configured::RULE,
    &response_buffered::RULE,
];
