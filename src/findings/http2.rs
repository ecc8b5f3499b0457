//! 4xx: HTTP/2.

use super::Rule;

mod alpn_missing;
mod connection_lost;
mod connection_recycled;
pub(super) mod few_streams;
mod frame_size;
mod goaway;
mod handshake_failed;
mod http1_only;
mod not_enabled;
mod not_http;
mod too_many_pings;

pub(super) const RULES: &[&Rule] = &[
    &not_enabled::RULE,
    &alpn_missing::RULE,
    &http1_only::RULE,
    &not_http::RULE,
    &goaway::RULE,
    &too_many_pings::RULE,
    &frame_size::RULE,
    &handshake_failed::RULE,
    &few_streams::RULE,
    &connection_recycled::RULE,
    &connection_lost::RULE,
];
