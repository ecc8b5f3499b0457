//! 1xx: DNS.
use super::Rule;
pub(super) const RULES: &[&Rule] = &[];
