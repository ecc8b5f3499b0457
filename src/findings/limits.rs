//! 7xx: limits on streams.

use super::Rule;

mod body;

pub(super) const RULES: &[&Rule] = &[&body::RULE];
