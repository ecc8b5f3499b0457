//! The findings: the cause with everything that helps, the others in a line or two.

use super::super::{Confidence, EndpointReport, Finding, Report, Severity, Status};
use super::page::{Ink, LABEL, Page, Span};
use crate::findings::{Candidate, Decide, Location, Snippet};
use crate::proxies::Proxy;

/// The finding whose message is the verdict.
pub(super) fn cause(page: &mut Page, report: &Report, finding: &Finding) {
    let sure = match finding.confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely: something else could look the same",
        Confidence::Possible => "possible: one of several causes",
    };
    let mut text = vec![
        Span::strong(format!("{} {}", finding.code, finding.name)),
        Span::plain(format!(", {sure}")),
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
    let (follow_ons, causes): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.because_of.is_some());
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
    let sure = match finding.confidence {
        Confidence::Certain => "",
        Confidence::Likely => ", likely",
        Confidence::Possible => ", possible",
    };
    let mut text = vec![
        Span::new(format!("{glyph} {word}"), ink),
        Span::plain(format!(" {} {}{sure}: ", finding.code, finding.name)),
        Span::strong(&finding.message),
    ];
    text.extend(follows(finding).map(Span::plain));
    page.flow(&[page.label(label)], &text);
}

fn follows(finding: &Finding) -> Option<String> {
    let cause = finding.because_of.as_ref()?;
    Some(format!(", follows from {cause}"))
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

/// `nginx.conf:12:5`.
pub(in crate::report) fn located(place: &Location) -> String {
    let numbers = [place.line, place.column].map(|number| number.map(|number| format!(":{number}")));
    let [line, column] = numbers.map(Option::unwrap_or_default);
    format!("{}{line}{column}", place.file)
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
    let behind = proxy_of(report, finding);
    for snippet in chosen(&finding.remedy.snippets, behind.proxy()) {
        page.blank();
        page.flow(&[page.label("")], &[Span::plain(place(snippet, behind))]);
        page.verbatim(LABEL + 2, &snippet.text, Ink::Plain);
    }
}

/// The proxy that a fix is for.
#[derive(Clone, Copy)]
enum Behind<'a> {
    /// It was recognised in front of an endpoint; with its version, where it says so.
    Answers(Proxy, Option<&'a str>),
    /// The finding is about its configuration file.
    Configured(Proxy),
    /// It isn't known.
    Unknown,
}

impl Behind<'_> {
    fn proxy(self) -> Option<Proxy> {
        match self {
            Self::Answers(proxy, _) | Self::Configured(proxy) => Some(proxy),
            Self::Unknown => None,
        }
    }
}

/// The proxy whose file the finding is about, or the one in front of the first endpoint.
fn proxy_of<'a>(report: &'a Report, finding: &Finding) -> Behind<'a> {
    let is_written = finding.locations.iter().any(|place| place.text.is_some());
    if let Some(snippet) = finding.remedy.snippets.first().filter(|_| is_written) {
        return Behind::Configured(snippet.proxy);
    }
    let about = |endpoint: &&EndpointReport| finding.endpoints.contains(&endpoint.id);
    let proxy = report
        .endpoints
        .iter()
        .find(about)
        .and_then(|endpoint| endpoint.proxy.as_ref());
    proxy.map_or(Behind::Unknown, |proxy| {
        Behind::Answers(proxy.name, proxy.version.as_deref())
    })
}

/// What goes with the proxy that is there; where that has no snippet, the first two.
fn chosen(snippets: &[Snippet], behind: Option<Proxy>) -> Vec<&Snippet> {
    let fits = |snippet: &&Snippet| {
        snippet.proxy == Proxy::Hoop || behind.is_some_and(|proxy| proxy.speaks_like(snippet.proxy))
    };
    let mut chosen: Vec<&Snippet> = snippets.iter().filter(fits).collect();
    if chosen.is_empty() {
        chosen.extend(snippets);
    }
    chosen.truncate(2);
    chosen
}

/// Where a snippet belongs.
fn place(snippet: &Snippet, behind: Behind<'_>) -> String {
    match (snippet.proxy, snippet.language.as_str(), behind) {
        (Proxy::Hoop, "sh", _) => "run:".to_owned(),
        (Proxy::Hoop, _, _) => "in Hoop's own configuration:".to_owned(),
        (proxy, _, Behind::Answers(there, Some(version))) if there == proxy => {
            format!("in {}, which answers here as version {version}:", proxy.name())
        }
        (proxy, _, Behind::Answers(there, None)) if there == proxy => {
            format!("in {}, which answers here:", proxy.name())
        }
        (proxy, _, Behind::Configured(there)) if there == proxy => format!("for instance, in {}:", proxy.name()),
        (proxy, _, _) => format!("if it is {}:", proxy.name()),
    }
}

fn doubt(page: &mut Page, candidates: &[Candidate], confidence: Confidence) {
    if candidates.is_empty() {
        return;
    }
    let text = match confidence {
        Confidence::Possible => "it is one of these, the likeliest first:",
        Confidence::Certain | Confidence::Likely => "these would look the same, the likeliest first:",
    };
    page.blank();
    page.flow(&[page.label("doubt")], &[Span::plain(text)]);
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
    if finding.logged_as.is_empty() {
        return;
    }
    let has = |name: &str| finding.identities.iter().any(|identity| identity == name);
    let who = match (has("agent"), has("client")) {
        (true, true) => "agent and client log",
        (true, false) => "the agent logs",
        (false, true) => "the client logs",
        (false, false) => "Hoop logs",
    };
    let what = match finding.logged_as.len() {
        1 => format!("{who}:"),
        _ => format!("{who} one of these:"),
    };
    page.blank();
    page.flow(&[page.label("logs")], &[Span::plain(what)]);
    let address = dialled(report, finding);
    for line in &finding.logged_as {
        let line = match &address {
            Some(address) => line.replace("{addr}", address),
            None => line.clone(),
        };
        page.unbroken(&[Span::plain(" ".repeat(LABEL + 2)), Span::plain(line)]);
    }
}

/// The address that stands in the log lines of the first endpoint that the finding is about.
fn dialled(report: &Report, finding: &Finding) -> Option<String> {
    let about = |endpoint: &&EndpointReport| finding.endpoints.contains(&endpoint.id);
    let endpoint = report.endpoints.iter().find(about)?;
    let used = endpoint.layers.iter().find_map(|rung| rung.facts.get("address"));
    if let Some(used) = used.and_then(|address| address.as_str()) {
        return Some(used.to_owned());
    }
    match endpoint.addresses.as_slice() {
        [only] if only.contains(':') => Some(format!("[{only}]:{}", endpoint.port)),
        [only] => Some(format!("{only}:{}", endpoint.port)),
        _ => None,
    }
}
