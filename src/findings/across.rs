//! 9xx: across the layers.

use super::Rule;

mod advertised_url_differs;
mod clock_wrong;
mod doctor_failed;
mod version_mismatch;
mod works_elsewhere;

pub(super) const RULES: &[&Rule] = &[
    &clock_wrong::RULE,
    &works_elsewhere::RULE,
    &advertised_url_differs::RULE,
    &version_mismatch::RULE,
    &doctor_failed::RULE,
];
