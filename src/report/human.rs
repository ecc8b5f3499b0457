//! For people: the verdict and what to do first, then what was looked at, then how to see more.
//!
//! Nothing here knows the environment, the clock or the terminal: [`Look`] says how to print, and the same report
//! and look give the same text.

use super::advice::first_and_others;
use super::{IdentityReport, LogSighting, Report, Status, Verdict};
use page::{Ink, Page, Span};

pub(super) use ladder::behind;

pub use super::text::Glyphs;

mod cause;
mod config;
pub(super) mod frames;
mod ladder;
mod logs;
mod page;
pub mod runbook;

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How much.
    pub detail: Detail,
    /// With colours or without.
    pub paint: Paint,
    /// In which characters.
    pub glyphs: Glyphs,
    /// Columns of the terminal. Sentences keep to them; configuration, log lines and addresses are never broken.
    pub width: usize,
}

/// How much of a report is printed; each prints what the one before it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The verdict alone, on one line.
    Verdict,
    /// The verdict, the cause and the ladder.
    Normal,
    /// Every finding in full, every setting and every probe too.
    Probes,
    /// Every frame of every HTTP/2 conversation too.
    Frames,
}

/// Whether to use colours. They add nothing that words don't say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// ANSI escape sequences.
    Colours,
    /// Text alone.
    Plain,
}

/// The report as text.
pub fn render(report: &Report, look: Look) -> String {
    let mut page = Page::new(look);
    let verdict = verdict(report, &page);
    if look.detail == Detail::Verdict {
        page.unbroken(&verdict);
        return page.into_text();
    }
    let (word, sentence) = verdict.split_at(1);
    page.flow(word, sentence);
    findings(&mut page, report);
    left_out(&mut page, report);
    if let Some(logs) = &report.logs {
        logs::logs(&mut page, logs);
    }
    if let Some(config) = &report.proxy_config {
        config::files(&mut page, config);
    }
    identities(&mut page, report);
    for endpoint in &report.endpoints {
        page.blank();
        ladder::endpoint(&mut page, endpoint, &report.observations);
    }
    if look.detail >= Detail::Probes && !report.observations.is_empty() {
        page.blank();
        ladder::observations(&mut page, &report.observations);
    }
    if look.detail >= Detail::Frames {
        frames::frames(&mut page, &report.observations);
    }
    page.blank();
    more(&mut page, report);
    page.into_text()
}

/// One sentence, the word first.
fn verdict(report: &Report, page: &Page) -> Vec<Span> {
    let (glyph, ink) = match report.verdict {
        Verdict::Healthy => (page.glyph(Status::Ok), Ink::Good),
        Verdict::Degraded => (page.caution(), Ink::Caution),
        Verdict::Broken => (page.glyph(Status::Failed), Ink::Bad),
        Verdict::Unknown => ("?", Ink::Caution),
    };
    let word = match verdict_word(report) {
        Some(word) => format!("{glyph} {word}: "),
        None => format!("{glyph} "),
    };
    let mut spans = vec![Span::new(word, ink), Span::strong(verdict_sentence(report))];
    if let (Verdict::Degraded | Verdict::Broken, Some(cause)) = (report.verdict, report.findings.first())
        && page.look().detail == Detail::Verdict
    {
        spans.push(Span::plain(format!(" [{}]", cause.code)));
    }
    spans
}

/// The whole in one word; none for logs and files that say nothing bad, for they don't say that anything works.
pub(super) fn verdict_word(report: &Report) -> Option<&'static str> {
    match report.verdict {
        Verdict::Healthy if report.is_of_logs_alone() || report.is_of_files_alone() => None,
        verdict => Some(verdict.name()),
    }
}

/// What is wrong first of all, or what works.
pub(super) fn verdict_sentence(report: &Report) -> String {
    let cause = report.findings.first();
    match report.verdict {
        Verdict::Unknown => report
            .unknown_because
            .clone()
            .unwrap_or_else(|| "it could not be found out".to_owned()),
        Verdict::Healthy => health(report),
        Verdict::Degraded | Verdict::Broken => cause.map_or("see the ladder", |cause| &cause.message).to_owned(),
    }
}

/// What is healthy: nothing that was not looked at.
pub(super) fn health(report: &Report) -> String {
    let fine = |endpoint: &&super::EndpointReport| endpoint.layers.iter().all(|rung| rung.status == Status::Ok);
    let urls: Vec<&str> = report
        .endpoints
        .iter()
        .filter(fine)
        .map(|endpoint| endpoint.url.as_str())
        .collect();
    if report.findings_left_out == 0
        && report.is_of_logs_alone()
        && let Some(logs) = &report.logs
    {
        let lines = logs.files.iter().map(|file| file.lines).sum();
        return format!("nothing in {} points at a problem", counted(lines, "line"));
    }
    if report.findings_left_out == 0
        && report.is_of_files_alone()
        && let Some(config) = &report.proxy_config
    {
        let names: Vec<&str> = config.files.iter().map(|file| file.name.as_str()).collect();
        // What isn't for Hoop was not judged.
        return match report.findings.iter().any(|finding| finding.code == "HD808") {
            true => format!("nothing in {} is for Hoop", listed(&names)),
            false => format!("nothing was found in {} that breaks Hoop", listed(&names)),
        };
    }
    if report.findings_left_out > 0 || urls.len() < report.endpoints.len() || urls.is_empty() {
        return "nothing is wrong among the findings that were asked for".to_owned();
    }
    match urls.as_slice() {
        [url] => format!("{url} answers as a Hoop gateway does"),
        urls => format!("{} answer as a Hoop gateway does", listed(urls)),
    }
}

/// The cause with all that belongs to it, then the others.
fn findings(page: &mut Page, report: &Report) {
    let (first, others) = first_and_others(report);
    if let Some(first) = first {
        page.blank();
        match report.verdict {
            // Its message is not in the verdict, and it may not be the cause.
            Verdict::Unknown => cause::in_full(page, report, "found", first),
            Verdict::Healthy | Verdict::Degraded | Verdict::Broken => cause::cause(page, report, first),
        }
    }
    if page.look().detail >= Detail::Probes {
        for finding in others {
            page.blank();
            cause::in_full(page, report, "also", finding);
        }
    } else if !others.is_empty() {
        page.blank();
        cause::in_brief(page, others);
    }
}

fn left_out(page: &mut Page, report: &Report) {
    if report.findings_left_out > 0 {
        let count = counted(report.findings_left_out as u64, "finding");
        page.blank();
        page.flow(
            &[page.label("also")],
            &[Span::faint(format!("{count} left out by --only or --skip"))],
        );
    }
}

/// Who was checked, and why with or without TLS.
fn identities(page: &mut Page, report: &Report) {
    if report.identities.is_empty() {
        return;
    }
    page.blank();
    for (index, identity) in report.identities.iter().enumerate() {
        let label = match index {
            0 => page.label("who"),
            _ => page.label(""),
        };
        page.flow(&[label], &who(report, identity));
        if page.look().detail >= Detail::Probes {
            settings(page, identity);
        }
    }
    for sentence in &report.disagreements {
        page.flow(
            &[page.label("")],
            &[Span::new(format!("{} {sentence}", page.caution()), Ink::Caution)],
        );
    }
}

fn who(report: &Report, identity: &IdentityReport) -> Vec<Span> {
    let urls: Vec<&str> = report
        .endpoints
        .iter()
        .filter(|endpoint| identity.endpoints.contains(&endpoint.id))
        .map(|endpoint| endpoint.url.as_str())
        .collect();
    let to = match urls.as_slice() {
        [] => "nothing that can be dialled".to_owned(),
        urls => listed(urls),
    };
    let mut spans = vec![
        Span::strong(&identity.name),
        Span::plain(format!(" ({}): {to}", identity.source)),
    ];
    if let Some(because) = &identity.tls_because {
        spans.push(Span::faint(format!("; {because}")));
    }
    spans
}

fn settings(page: &mut Page, identity: &IdentityReport) {
    for setting in &identity.settings {
        let mut spans = vec![Span::plain(format!("{} = {}", setting.name, setting.value))];
        if setting.source != setting.name {
            spans.push(Span::faint(format!(" ({})", setting.source)));
        }
        if let Some(by) = &setting.shadowed_by {
            spans.push(Span::plain(format!(", not read because of {by}")));
        }
        let label = page.label("");
        page.flow(&[label, Span::plain("  ")], &spans);
    }
}

/// How to see more.
fn more(page: &mut Page, report: &Report) {
    let text = match page.look().detail {
        Detail::Verdict | Detail::Normal if report.is_of_logs_alone() => {
            "-v prints every message that was recognised, -o json everything that is known of them"
        }
        Detail::Verdict | Detail::Normal if report.is_of_files_alone() => {
            "-v prints every finding in full, -o json, sarif or github is for a pipeline"
        }
        Detail::Probes | Detail::Frames => "-o json prints everything that was seen",
        Detail::Verdict | Detail::Normal => "-v prints every probe, -o json everything that was seen",
    };
    page.flow(&[page.label("more")], &[Span::faint(text)]);
    if let Some(cause) = report.findings.first() {
        let label = page.label("");
        let runbook = format!("hoop-doctor explain {}", cause.code);
        page.unbroken(&[label, Span::faint(&runbook), Span::faint(" prints the runbook")]);
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(all: &[&str]) -> String {
    match all {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `1 line`, `2 lines`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// A time span as people say it.
pub(super) fn time(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{ms} ms"),
        _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}

/// How often, since when and in which rhythm a message comes.
pub(super) fn rhythm(one: &LogSighting) -> String {
    let mut text = match one.count {
        1 => format!("line {}", one.line),
        count => format!("{count} times from line {} on", one.line),
    };
    if let Some(period) = one.period_ms {
        text.push_str(&format!(", every {}.{} s", period / 1_000, period % 1_000 / 100));
    }
    match (&one.first, &one.last) {
        (Some(first), Some(last)) if first != last => text.push_str(&format!(", {first} to {last}")),
        (Some(at), _) => text.push_str(&format!(", {at}")),
        (None, _) => {}
    }
    text
}
