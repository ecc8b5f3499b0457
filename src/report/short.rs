//! For a chat: the verdict on one line, then one line a finding, and nothing else.

use super::advice::located;
use super::human::{health, listed};
use super::text::{Glyphs, line};
use super::{Finding, Report, Severity, Verdict};
use crate::evidence::host_port;

/// The report as lines to paste, the cause first.
pub fn render(report: &Report, glyphs: Glyphs) -> String {
    let first = [verdict(report, glyphs)];
    let findings = report.findings.iter().map(|finding| one(report, finding, glyphs));
    let lines = first.into_iter().chain(findings);
    lines.map(|text| line(&text, glyphs, LONGEST) + "\n").collect()
}

fn verdict(report: &Report, glyphs: Glyphs) -> String {
    match report.verdict {
        Verdict::Healthy if report.is_of_logs_alone() || report.is_of_files_alone() => {
            format!("{} {}", good(glyphs), health(report))
        }
        Verdict::Healthy => format!("{} healthy: {}", good(glyphs), health(report)),
        Verdict::Degraded => format!("! degraded: {}", counts(report)),
        Verdict::Broken => format!("{} broken: {}", bad(glyphs), counts(report)),
        Verdict::Unknown => {
            let why = report.unknown_because.as_deref();
            format!("? unknown: {}", why.unwrap_or("it could not be found out"))
        }
    }
}

/// How many of each severity there are, the worst first.
fn counts(report: &Report) -> String {
    let severities = [(Severity::Error, "error"), (Severity::Warn, "warning")];
    let counted = severities.into_iter().filter_map(|(severity, noun)| {
        let count = report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count();
        match count {
            0 => None,
            1 => Some(format!("1 {noun}")),
            many => Some(format!("{many} {noun}s")),
        }
    });
    let counted: Vec<String> = counted.collect();
    listed(&counted.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Glyph, code, name, where, and the message.
fn one(report: &Report, finding: &Finding, glyphs: Glyphs) -> String {
    let glyph = match finding.severity {
        Severity::Error => bad(glyphs),
        Severity::Warn => "!",
        Severity::Info => "-",
    };
    let places: Vec<String> = report
        .endpoints
        .iter()
        .filter(|endpoint| finding.endpoints.contains(&endpoint.id))
        .map(|endpoint| format!("{} {}", endpoint.id, host_port(&endpoint.host, endpoint.port)))
        .collect();
    // A finding about no endpoint is about the configuration of somebody, or of a proxy.
    let written = finding.locations.first().filter(|place| place.text.is_some());
    let place = match (places.is_empty(), written) {
        (true, Some(place)) => located(place),
        (true, None) => finding.identities.join(", "),
        (false, _) => places.join(", "),
    };
    let gap = if place.is_empty() { "" } else { " " };
    format!(
        "{glyph} {} {}{gap}{place}: {}",
        finding.code, finding.name, finding.message
    )
}

fn good(glyphs: Glyphs) -> &'static str {
    match glyphs {
        Glyphs::Unicode => "✓",
        Glyphs::Ascii => "+",
    }
}

fn bad(glyphs: Glyphs) -> &'static str {
    match glyphs {
        Glyphs::Unicode => "✗",
        Glyphs::Ascii => "x",
    }
}

/// Characters that are printed of one line.
const LONGEST: usize = 1_000;
