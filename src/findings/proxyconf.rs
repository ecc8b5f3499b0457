//! 8xx: only in proxy configuration, and HD706, which no answer on the wire shows.
//!
//! Their evidence is a file, so their looks are called by [`super::from_proxyconf`].

use super::Rule;

pub(super) mod backend_port_wrong;
pub(super) mod health_check_wrong;
pub(super) mod listener_not_https;
pub(super) mod nothing_for_hoop;
pub(super) mod retries_configured;
pub(super) mod route_order;
pub(super) mod several_replicas;
pub(super) mod tls_host_mismatch;
pub(super) mod unreadable;

pub(super) const RULES: &[&Rule] = &[
    &unreadable::RULE,
    &route_order::RULE,
    &health_check_wrong::RULE,
    &tls_host_mismatch::RULE,
    &listener_not_https::RULE,
    &backend_port_wrong::RULE,
    &several_replicas::RULE,
    &nothing_for_hoop::RULE,
];
