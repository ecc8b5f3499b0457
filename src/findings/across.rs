//! 9xx: across the layers.

use super::Rule;

mod clock_wrong;
mod doctor_failed;
mod works_elsewhere;

pub(super) const RULES: &[&Rule] = &[&clock_wrong::RULE, &works_elsewhere::RULE, &doctor_failed::RULE];
