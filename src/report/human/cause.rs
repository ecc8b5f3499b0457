//! The findings: the cause with everything that helps, the others in a line or two.

use super::super::advice::{causes_and_follow_ons, doubted, fixes, follows, located, logged, named, sure};
use super::super::{Confidence, Finding, Report, Severity, Status};
use super::page::{Ink, LABEL, Page, Span};
use crate::findings::{Candidate, Decide, Location};

/// The finding whose message is the verdict.
pub(super) fn cause(page: &mut Page, report: &Report, finding: &Finding) {
    let mut text = vec![
        Span::strong(format!("{} {}", finding.code, finding.name)),
        Span::plain(format!(", {}", sure(finding.confidence))),
    ];
    text.extend(follows(finding).map(Span::plain));
    page.flow(&[page.label("cause")], &text);
    details(page, report, finding);
}

/// A finding with everything that belongs to it, behind `label`.
pub(super) fn in_full(page: &mut Page, report: &Report, label: &str, finding: &Finding) {
    headline(page, label, finding);
    details(page, report, finding);
}

/// The findings after the first one, in a line or two each; follow-ons are folded away.
pub(super) fn in_brief(page: &mut Page, findings: &[Finding]) {
    let (causes, follow_ons) = causes_and_follow_ons(findings);
    let mut label = "also";
    for finding in causes {
        headline(page, label, finding);
        finding
            .locations
            .iter()
            .filter(|place| place.text.is_some())
            .for_each(|place| quote(page, place));
        label = "";
        if !finding.remedy.text.is_empty() {
            let lead = [page.label(""), Span::plain("  fix: ")];
            page.flow(&lead, &[Span::plain(&finding.remedy.text)]);
        }
    }
    let follow_ons = follow_ons.into_iter().map(|finding| {
        let because = follows(finding).unwrap_or_default();
        format!("{} {}{because}", finding.code, finding.name)
    });
    let mut lines: Vec<String> = follow_ons.collect();
    // One line for what follows at several endpoints.
    lines.dedup();
    for line in lines {
        page.flow(&[page.label(label)], &[Span::faint(line)]);
        label = "";
    }
}

/// Severity, code, name and message.
fn headline(page: &mut Page, label: &str, finding: &Finding) {
    let (glyph, ink, word) = match finding.severity {
        Severity::Error => (page.glyph(Status::Failed), Ink::Bad, "error"),
        Severity::Warn => (page.caution(), Ink::Caution, "warning"),
        Severity::Info => ("i", Ink::Strong, "info"),
    };
    let mut text = vec![
        Span::new(format!("{glyph} {word}"), ink),
        Span::plain(format!(" {}: ", named(finding))),
        Span::strong(&finding.message),
    ];
    text.extend(follows(finding).map(Span::plain));
    page.flow(&[page.label(label)], &text);
}

/// Where it is, how it is mended, what else it could be, and the log lines to know it by.
fn details(page: &mut Page, report: &Report, finding: &Finding) {
    finding.locations.iter().for_each(|place| quote(page, place));
    if !finding.remedy.text.is_empty() || !finding.remedy.snippets.is_empty() {
        fix(page, report, finding);
    }
    doubt(page, &finding.candidates, finding.confidence);
    if let Some(decide) = &finding.decide {
        look(page, decide);
    }
    logs(page, report, finding);
}

/// A place, and what stands there with a mark below the first character that it is about.
fn quote(page: &mut Page, place: &Location) {
    page.unbroken(&[page.label(""), Span::plain(format!("at {}", located(place)))]);
    let (Some(text), Some(line)) = (&place.text, place.line) else {
        return;
    };
    let numbered = |number: &str, bar: &str, text: Span| [Span::faint(format!("{number:>5} {bar} ")), text];
    let (label, bar) = (page.label(""), page.bar());
    // A tab is as wide as the terminal likes: it takes one column here.
    let text = text.replace('\t', " ");
    let [number, quoted] = numbered(&line.to_string(), bar, Span::plain(&text));
    page.unbroken(&[label.clone(), number, quoted]);
    if let Some(column) = place.column.filter(|column| *column <= text.chars().count()) {
        let mark = Span::new(format!("{}^", " ".repeat(column - 1)), Ink::Caution);
        let [number, mark] = numbered("", bar, mark);
        page.unbroken(&[label, number, mark]);
    }
}

fn fix(page: &mut Page, report: &Report, finding: &Finding) {
    page.blank();
    page.flow(&[page.label("fix")], &[Span::strong(&finding.remedy.text)]);
    for (place, snippet) in fixes(report, finding) {
        page.blank();
        page.flow(&[page.label("")], &[Span::plain(place)]);
        page.verbatim(LABEL + 2, &snippet.text, Ink::Plain);
    }
}

fn doubt(page: &mut Page, candidates: &[Candidate], confidence: Confidence) {
    if candidates.is_empty() {
        return;
    }
    page.blank();
    page.flow(&[page.label("doubt")], &[Span::plain(doubted(confidence))]);
    for candidate in candidates {
        let lead = [page.label(""), Span::strong(format!("  {}  ", candidate.code))];
        page.flow(&lead, &[Span::plain(&candidate.why)]);
    }
}

/// The one look that decides.
fn look(page: &mut Page, decide: &Decide) {
    page.blank();
    let expect = Span::plain(&decide.expect);
    match (&decide.command, &decide.file) {
        (Some(command), _) => {
            page.flow(&[page.label("decide")], &[Span::plain("by what this prints:")]);
            page.verbatim(LABEL + 2, command, Ink::Plain);
            page.flow(&[page.label("")], &[expect]);
        }
        (None, Some(file)) => page.flow(
            &[page.label("decide")],
            &[
                Span::plain("by looking into "),
                Span::strong(file),
                Span::plain(" on the proxy's host: "),
                expect,
            ],
        ),
        (None, None) => page.flow(&[page.label("decide")], &[expect]),
    }
}

/// The lines to look for in the logs.
fn logs(page: &mut Page, report: &Report, finding: &Finding) {
    let Some((who, lines)) = logged(report, finding) else {
        return;
    };
    page.blank();
    page.flow(&[page.label("logs")], &[Span::plain(who)]);
    for line in lines {
        page.unbroken(&[Span::plain(" ".repeat(LABEL + 2)), Span::plain(line)]);
    }
}
