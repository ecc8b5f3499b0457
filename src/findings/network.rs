//! 2xx: from the address to an open connection.

use super::Rule;
use crate::evidence::Target;

mod closed_at_once;
mod mtu_black_hole;
mod proxy_protocol;
mod refused;
mod silent;
mod some_fail;
mod timeout;
mod tunnel;
mod unreachable;

pub(super) const RULES: &[&Rule] = &[
    &refused::RULE,
    &timeout::RULE,
    &unreachable::RULE,
    &closed_at_once::RULE,
    &some_fail::RULE,
    &mtu_black_hole::RULE,
    &tunnel::RULE,
    &silent::RULE,
    &proxy_protocol::RULE,
];

/// The same where it may hang up before them.
pub(super) fn closed(target: &Target) -> Vec<String> {
    let dialling = "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: connect: connection reset by peer\"";
    let texts = hung_up(target).iter().chain([&dialling]);
    texts.map(ToString::to_string).collect()
}

/// What grpc-go prints where the other side hangs up at our first bytes: a close and a reset race, and so do reading and
/// writing.
fn hung_up(target: &Target) -> &'static [&'static str] {
    match target.tls {
        true => &[
            "connection error: desc = \"transport: authentication handshake failed: EOF\"",
            "connection error: desc = \"transport: authentication handshake failed: read tcp {local}->{addr}: read: connection reset by peer\"",
            "connection error: desc = \"transport: authentication handshake failed: write tcp {local}->{addr}: write: connection reset by peer\"",
            "connection error: desc = \"transport: authentication handshake failed: write tcp {local}->{addr}: write: broken pipe\"",
        ],
        false => &[
            "connection error: desc = \"error reading server preface: EOF\"",
            "connection error: desc = \"error reading server preface: connection reset by peer\"",
            "rpc error: code = Unavailable desc = write tcp {local}->{addr}: write: connection reset by peer",
            "rpc error: code = Unavailable desc = write tcp {local}->{addr}: write: broken pipe",
        ],
    }
}
