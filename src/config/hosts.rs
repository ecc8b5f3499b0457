//! Whether the hosts of gRPC and API can belong to one gateway.

use std::net::IpAddr;

use super::Identity;
use super::problem::ProblemKind;
use crate::gourl::address::is_loopback;

/// Notes, for each identity with a gRPC address, an API that can hardly be the same gateway's.
///
/// An agent has no API of its own, so it is held against the one that a client here uses.
pub(super) fn compare(identities: &mut [Identity]) {
    let client_api = identities
        .iter()
        .find_map(|identity| identity.api.as_ref())
        .map(|api| api.host.clone());
    for identity in identities {
        let Some(grpc) = &identity.grpc else { continue };
        let own = identity.api.as_ref().map(|api| api.host.clone());
        let Some(api) = own.or_else(|| client_api.clone()) else {
            continue;
        };
        let (grpc, source) = (grpc.host.clone(), grpc.source.clone());
        if is_loopback(&grpc) && !is_loopback(&api) {
            identity.problem(ProblemKind::AdvertisedLoopback { grpc, api }, &source);
        } else if unrelated(&grpc, &api) {
            identity.problem(ProblemKind::HostDiffers { grpc, api }, &source);
        }
    }
}

/// Two full names that don't share their last two labels. Short names and addresses prove nothing.
fn unrelated(a: &str, b: &str) -> bool {
    match (domain(a), domain(b)) {
        (Some(a), Some(b)) => !a.eq_ignore_ascii_case(b),
        _ => false,
    }
}

/// The last two labels of a name that has as many.
fn domain(host: &str) -> Option<&str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let (rest, _) = host.rsplit_once('.')?;
    let start = rest.rfind('.').map_or(0, |dot| dot + 1);
    host.get(start..)
}
