//! The whole model as one line of JSON: for a file that grows by a line a run, and for each look of `check --wait`.

use super::{Report, text};

/// One line, with its line feed.
///
/// # Errors
/// Never for a report that [`super::report`] made; the signature is serde's.
pub fn render(report: &Report) -> serde_json::Result<String> {
    Ok(text::json(&serde_json::to_string(report)?) + "\n")
}
