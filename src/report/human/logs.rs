//! What logs say: each file, and each message with how often, since when and in which rhythm it comes.

use super::super::{LogFile, LogSighting, LogsReport};
use super::page::{Ink, Page, Span};
use super::{Detail, counted, rhythm};

/// The logs that were read.
pub(super) fn logs(page: &mut Page, logs: &LogsReport) {
    page.blank();
    for (index, file) in logs.files.iter().enumerate() {
        let label = if index == 0 { "log" } else { "" };
        self::file(page, label, file);
        let all = logs.sightings.iter().filter(|one| one.file == index);
        let shown = match page.look().detail {
            Detail::Verdict | Detail::Normal => MOST,
            Detail::Probes | Detail::Frames => usize::MAX,
        };
        for one in all.clone().take(shown) {
            sighting(page, one);
        }
        let more = all.count().saturating_sub(shown);
        if more > 0 {
            let text = format!("and {}", counted(more as u64, "other message"));
            page.flow(&[page.label("")], &[Span::faint(text)]);
        }
    }
}

fn file(page: &mut Page, label: &str, file: &LogFile) {
    let mut text = vec![
        Span::strong(&file.name),
        Span::plain(format!(": {}", counted(file.lines, "line"))),
    ];
    if let Some(problem) = &file.problem {
        text.push(Span::new(format!("; {} {problem}", page.caution()), Ink::Caution));
    }
    page.flow(&[page.label(label)], &text);
}

fn sighting(page: &mut Page, one: &LogSighting) {
    page.flow(&[page.label(""), Span::plain("  ")], &[Span::plain(rhythm(one))]);
    page.unbroken(&[page.label(""), Span::plain("    "), Span::faint(&one.excerpt)]);
}

/// Messages of one file that are shown unless all are asked for.
const MOST: usize = 8;
