//! 9xx: across the layers.

use super::Rule;

mod doctor_failed;

pub(super) const RULES: &[&Rule] = &[&doctor_failed::RULE];
