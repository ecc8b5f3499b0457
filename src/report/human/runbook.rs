//! Runbook pages for people: the Markdown of docs/findings laid out for a terminal, lists of findings, and what a
//! pasted text can mean.
//!
//! Of Markdown only what the pages use: headings, paragraphs, lists, tables, code.

use super::Look;
use super::page::{Ink, Page, Span};
use crate::explain::{AREAS, FIX, Meaning, PAGES, Runbook};

/// A whole page.
pub fn page(runbook: &Runbook, look: Look) -> String {
    let mut page = Page::new(look);
    markdown(&mut page, runbook.text);
    page.into_text()
}

/// All findings by area, one line each.
pub fn list(look: Look) -> String {
    let mut page = Page::new(look);
    for (area, title) in AREAS {
        page.blank();
        page.flow(&[], &[Span::strong(*title)]);
        for runbook in PAGES.iter().filter(|runbook| runbook.code.0 / 100 == *area) {
            finding(&mut page, runbook);
        }
    }
    page.blank();
    page.flow(&[], &[Span::faint("hoop-doctor explain CODE prints a page")]);
    page.into_text()
}

/// What a text can mean, the likeliest first; how to decide; how to mend the first.
pub fn meanings(meanings: &[Meaning], look: Look) -> String {
    let mut page = Page::new(look);
    let Some((first, others)) = meanings.split_first() else {
        page.flow(&[], &[Span::plain("No message that is known here occurs in the text.")]);
        page.blank();
        page.flow(
            &[page.label("decide")],
            &[Span::plain(
                "run hoop-doctor check: it probes the way to the gateway itself",
            )],
        );
        return page.into_text();
    };
    let title = match others {
        [] => "The text points to one finding:",
        _ => "The text can mean, the likeliest first:",
    };
    page.flow(&[], &[Span::plain(title)]);
    for same_reason in meanings.chunk_by(|one, other| one.because == other.because) {
        page.blank();
        let because = same_reason.first().map_or("", |meaning| meaning.because);
        page.flow(&[Span::faint("because of ")], &[Span::faint(format!("\"{because}\""))]);
        for meaning in same_reason {
            finding(&mut page, meaning.page);
        }
    }
    page.blank();
    let decide = "run hoop-doctor check where this was logged: it probes the way to the gateway and names the cause";
    page.flow(&[page.label("decide")], &[Span::plain(decide)]);
    page.flow(
        &[page.label("more")],
        &[Span::plain(format!("hoop-doctor explain {}", first.page.code))],
    );
    if let Some(fix) = first.page.section(FIX) {
        page.blank();
        page.flow(&[], &[Span::strong(format!("{FIX} {}", first.page))]);
        page.blank();
        markdown(&mut page, fix);
    }
    page.into_text()
}

/// One line: code, mark, name, what is wrong.
fn finding(page: &mut Page, runbook: &Runbook) {
    let code = format!("  {}  ", runbook.code);
    let name = format!("{:NAME$}", runbook.name());
    let lead = [Span::plain(code), Span::strong(name)];
    page.flow(&lead, &code_marked(runbook.summary()));
}

fn markdown(page: &mut Page, text: &str) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            page.blank();
        } else if let Some(title) = line.strip_prefix("# ").or_else(|| line.strip_prefix("## ")) {
            page.flow(&[], &[Span::strong(title)]);
        } else if let Some(title) = line.strip_prefix("### ") {
            page.flow(&[indent(TEXT)], &[Span::strong(title)]);
        } else if line.starts_with("```") {
            for line in lines.by_ref().take_while(|line| !line.starts_with("```")) {
                page.verbatim(CODE, or_blank(line), Ink::Plain);
            }
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(row));
            }
            table(page, &rows);
        } else {
            let (lead, start) = match line.strip_prefix("- ") {
                Some(item) => ("- ", item),
                None => ("", line),
            };
            let mut paragraph = start.to_owned();
            while let Some(next) = lines.next_if(|next| is_prose(next)) {
                paragraph.push(' ');
                paragraph.push_str(next.trim_start());
            }
            page.flow(&[indent(TEXT), Span::plain(lead)], &code_marked(&paragraph));
        }
    }
}

/// Whether a line goes on with the paragraph above it.
fn is_prose(line: &str) -> bool {
    !line.is_empty() && !["#", "```", "|", "- "].iter().any(|start| line.starts_with(start))
}

/// An empty line of code is a line too.
fn or_blank(line: &str) -> &str {
    match line {
        "" => "\n",
        line => line,
    }
}

/// The cells of a table's row.
fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split(" | ").map(str::trim).collect()
}

/// The first column is the lead of the others; below the head comes the line that Markdown wants.
fn table(page: &mut Page, rows: &[Vec<&str>]) {
    let is_rule = |row: &Vec<&str>| {
        row.iter()
            .all(|cell| cell.chars().all(|char| matches!(char, '-' | '|' | ':')))
    };
    let first = |row: &Vec<&str>| row.first().map_or(0, |cell| cell.chars().count());
    let widest = rows.iter().map(first).max().unwrap_or(0);
    // What can't be wrapped has to fit beside the first column too.
    let words = rows
        .iter()
        .flat_map(|row| row.iter().skip(1))
        .flat_map(|cell| cell.split(' '));
    let longest = words.map(|word| word.chars().count() + SEPARATOR).max().unwrap_or(0);
    let width = page.look().width;
    let beside = widest <= width / 2 && TEXT + widest + GAP + longest <= width;
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| !is_rule(row)) {
        let (first, rest) = row.split_first().map_or(("", &[][..]), |(first, rest)| (*first, rest));
        let rest = rest.join("; ");
        let (first, rest) = match index {
            0 => (vec![Span::faint(first)], vec![Span::faint(rest)]),
            _ => (code_marked(first), code_marked(&rest)),
        };
        if beside {
            let gap = widest + GAP - row.first().map_or(0, |cell| cell.chars().count());
            let lead = [vec![indent(TEXT)], first, vec![indent(gap)]].concat();
            page.flow(&lead, &rest);
        } else {
            page.flow(&[indent(TEXT)], &first);
            page.flow(&[indent(CODE)], &rest);
        }
    }
}

/// Text with its `code` in bold; the marks stay, for they say where it ends.
fn code_marked(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    for (index, piece) in text.split('`').enumerate() {
        match index % 2 {
            0 => spans.push(Span::plain(piece)),
            _ => spans.push(Span::strong(format!("`{piece}`"))),
        }
    }
    spans
}

fn indent(columns: usize) -> Span {
    Span::plain(" ".repeat(columns))
}

/// Columns before text.
const TEXT: usize = 2;
/// Columns before code.
const CODE: usize = 6;
/// Columns of what stands between the cells behind the first.
const SEPARATOR: usize = 1;
/// Columns between a table's columns.
const GAP: usize = 2;
/// Columns of a finding's name: the longest and a gap.
const NAME: usize = 25 + GAP;
