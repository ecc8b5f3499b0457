//! The whole model as JSON.

use super::{Report, text};

/// Pretty-printed, with a line feed at the end; nothing in it disturbs a terminal that it is printed to.
///
/// # Errors
/// Never for a report that [`super::report`] made; the signature is serde's.
pub fn render(report: &Report) -> serde_json::Result<String> {
    let mut json = text::json(&serde_json::to_string_pretty(report)?);
    json.push('\n');
    Ok(json)
}
