//! The configuration files that were read, and what their comments allow.

use super::super::ProxyConfReport;
use super::counted;
use super::page::{Ink, Page, Span};

/// Each file with whose it is, then each allowed finding with its reason.
pub(super) fn files(page: &mut Page, config: &ProxyConfReport) {
    page.blank();
    for (index, file) in config.files.iter().enumerate() {
        let label = if index == 0 { "read" } else { "" };
        let text = format!(": {}, {}", file.proxy.name(), counted(file.lines as u64, "line"));
        page.flow(&[page.label(label)], &[Span::strong(&file.name), Span::plain(text)]);
    }
    for (index, one) in config.allowed.iter().enumerate() {
        let label = if index == 0 { "allow" } else { "" };
        let what = format!("{} at {}:{}", one.codes.join(", "), one.file, one.line);
        let text = match &one.reason {
            Some(reason) => Span::plain(format!("{what}, because {reason}")),
            None => {
                let text = format!("{} {what} gives no reason: write `because …` behind it", page.caution());
                Span::new(text, Ink::Caution)
            }
        };
        page.flow(&[page.label(label)], &[text]);
    }
}
