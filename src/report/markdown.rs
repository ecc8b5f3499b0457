//! Markdown (GitHub Flavored Markdown), to paste into a ticket; also the summary of a step of GitHub Actions.
//!
//! The cause is open, everything else folded. Text that came from elsewhere is escaped: it makes no markup, calls
//! nobody by `@name` and links to nothing.

use super::advice::{doubted, first_and_others, fixes, located, logged, named, sure};
use super::human::{behind, counted, time, verdict_sentence, verdict_word};
use super::text::{Glyphs, line};
use super::{EndpointReport, Finding, IdentityReport, Observation, Outcome, Report, Status, Verdict};
use crate::findings::{Candidate, Decide, Location};

/// A section, with the verdict for its title.
pub fn render(report: &Report) -> String {
    let mut page = Page::default();
    page.block(&format!("### {}", title(report)));
    let (first, others) = first_and_others(report);
    first.iter().for_each(|finding| in_full(&mut page, report, finding));
    endpoints(&mut page, report);
    let noun = if first.is_some() { "other finding" } else { "finding" };
    findings(&mut page, noun, others);
    files(&mut page, report);
    if !report.identities.is_empty() {
        let settings = report.identities.iter().flat_map(settings);
        page.fold(
            "Who was checked",
            &table(&["who", "setting", "value", "source"], settings),
        );
    }
    if !report.observations.is_empty() {
        let probes = report.observations.iter().map(probe);
        let head = ["probe", "start", "took", "outcome", "what it saw"];
        page.fold("Every probe", &table(&head, probes));
    }
    page.block(&format!(
        "{} {} ({}), {}, {}",
        prose(&report.tool.name),
        prose(&report.tool.version),
        prose(&report.tool.build),
        prose(&report.started_at),
        time(report.duration_ms)
    ));
    page.text
}

fn title(report: &Report) -> String {
    let glyph = match report.verdict {
        Verdict::Healthy => "✅",
        Verdict::Degraded => "⚠️",
        Verdict::Broken => "❌",
        Verdict::Unknown => "❔",
    };
    let sentence = prose(&verdict_sentence(report));
    match verdict_word(report) {
        Some(word) => format!("{glyph} {word}: {sentence}"),
        None => format!("{glyph} {sentence}"),
    }
}

/// The finding that comes first, with everything that helps.
fn in_full(page: &mut Page, report: &Report, finding: &Finding) {
    if report.verdict == Verdict::Unknown {
        page.block(&format!("Found: {}", prose(&finding.message)));
    }
    page.block(&format!(
        "**{}**, {}",
        linked(&format!("{} {}", finding.code, finding.name), finding),
        sure(finding.confidence)
    ));
    finding.locations.iter().for_each(|place| quote(page, place));
    if !finding.remedy.text.is_empty() {
        page.block(&format!("**Fix:** {}", prose(&finding.remedy.text)));
    }
    for (place, snippet) in fixes(report, finding) {
        page.block(&prose(&place));
        page.verbatim(&snippet.language, &snippet.text);
    }
    doubt(page, finding);
    finding.decide.iter().for_each(|decide| look(page, decide));
    if let Some((who, lines)) = logged(report, finding) {
        page.block(&format!("**Logs:** {}", prose(&who)));
        page.verbatim("text", &lines.join("\n"));
    }
}

fn quote(page: &mut Page, place: &Location) {
    page.block(&format!("at {}", code(&located(place))));
    if let Some(text) = &place.text {
        page.verbatim("text", text);
    }
}

fn doubt(page: &mut Page, finding: &Finding) {
    if finding.candidates.is_empty() {
        return;
    }
    page.block(&format!("**Doubt:** {}", doubted(finding.confidence)));
    let one = |Candidate { code, why }: &Candidate| format!("- {code} {}", prose(why));
    let candidates: Vec<String> = finding.candidates.iter().map(one).collect();
    page.block(&candidates.join("\n"));
}

fn look(page: &mut Page, decide: &Decide) {
    let expect = prose(&decide.expect);
    match (&decide.command, &decide.file) {
        (Some(command), _) => {
            page.block("**Decide:** by what this prints:");
            page.verbatim("sh", command);
            page.block(&format!("Expect: {expect}"));
        }
        (None, Some(file)) => page.block(&format!("**Decide:** by looking into {}: {expect}", code(file))),
        (None, None) => page.block(&format!("**Decide:** {expect}")),
    }
}

/// The ladder of each endpoint.
fn endpoints(page: &mut Page, report: &Report) {
    for endpoint in &report.endpoints {
        let proxy = endpoint.proxy.as_ref().map(|proxy| prose(&behind(proxy)));
        page.block(&format!(
            "**{}** {}{}",
            prose(&endpoint.id),
            code(&endpoint.url),
            proxy.unwrap_or_default()
        ));
        page.block(&table(&["layer", "", "took", "what was seen"], rungs(endpoint)));
    }
}

fn rungs(endpoint: &EndpointReport) -> impl Iterator<Item = Vec<String>> {
    endpoint.layers.iter().map(|rung| {
        let status = match rung.status {
            Status::Ok => "✅ ok",
            Status::Failed => "❌ failed",
            Status::NotTried => "not tried",
        };
        let seen = [rung.why.as_deref().unwrap_or_default(), &rung.summary];
        let seen: Vec<String> = seen.into_iter().filter(|text| !text.is_empty()).map(cell).collect();
        vec![
            rung.layer.rung().name.to_owned(),
            status.to_owned(),
            rung.duration_ms.map(time).unwrap_or_default(),
            seen.join("; "),
        ]
    })
}

/// Findings in a line or two each.
fn findings(page: &mut Page, noun: &str, findings: &[Finding]) {
    let lines = findings.iter().map(|finding| {
        let follows = finding
            .because_of
            .as_ref()
            .map(|code| format!(" Follows from {}.", prose(code)));
        let place = finding
            .locations
            .first()
            .map(|place| format!(" {}", code(&located(place))));
        let fix = Some(prose(&finding.remedy.text)).filter(|fix| !fix.is_empty());
        format!(
            "- {} {}{}: {}.{}{}\n",
            finding.severity.name(),
            linked(&named(finding), finding),
            place.unwrap_or_default(),
            prose(&finding.message),
            follows.unwrap_or_default(),
            fix.map(|fix| format!(" Fix: {fix}.")).unwrap_or_default()
        )
    });
    let lines: String = lines.collect();
    if !lines.is_empty() {
        page.fold(&counted(findings.len() as u64, noun), &lines);
    }
}

/// What was read, and what was recognised in logs.
fn files(page: &mut Page, report: &Report) {
    if let Some(read) = &report.proxy_config {
        let rows = read.files.iter().map(|file| {
            vec![
                code_cell(&file.name),
                file.proxy.name().to_owned(),
                file.lines.to_string(),
            ]
        });
        page.fold("Configuration that was read", &table(&["file", "proxy", "lines"], rows));
    }
    if let Some(logs) = &report.logs {
        let rows = logs.sightings.iter().map(|one| {
            let file = logs.files.get(one.file).map_or("", |file| &file.name);
            vec![
                cell(file),
                one.line.to_string(),
                one.count.to_string(),
                code_cell(&one.excerpt),
            ]
        });
        page.fold("What the logs say", &table(&["log", "line", "times", "message"], rows));
    }
}

fn settings(identity: &IdentityReport) -> Vec<Vec<String>> {
    let tls = identity
        .tls_because
        .iter()
        .map(|because| vec![cell(&identity.name), "TLS".to_owned(), cell(because)]);
    let settings = identity.settings.iter().map(|setting| {
        let shadowed = setting
            .shadowed_by
            .as_ref()
            .map(|by| format!("{}, not read because of {by}", setting.source));
        vec![
            cell(&identity.name),
            code_cell(&setting.name),
            code_cell(&setting.value),
            cell(shadowed.as_deref().unwrap_or(&setting.source)),
        ]
    });
    tls.chain(settings).collect()
}

fn probe(one: &Observation) -> Vec<String> {
    let outcome = match one.outcome {
        Outcome::Seen => "seen",
        Outcome::Failed => "failed",
        Outcome::NotTried => "not tried",
    };
    vec![
        cell(&one.id),
        time(one.started_ms),
        time(one.duration_ms),
        outcome.to_owned(),
        cell(&one.summary),
    ]
}

/// Text with a link to the runbook.
fn linked(text: &str, finding: &Finding) -> String {
    let name = prose(text);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:".contains(&byte);
    match finding.url.starts_with("https://") && finding.url.bytes().all(is_plain) {
        true => format!("[{name}]({})", finding.url),
        false => name,
    }
}

/// Blocks with an empty line between them.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn block(&mut self, block: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(block.trim_end_matches('\n'));
        self.text.push('\n');
    }

    /// A fenced block: its fence is longer than any in `text`.
    fn verbatim(&mut self, language: &str, text: &str) {
        let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(longest.max(2) + 1);
        let language: String = language.chars().filter(char::is_ascii_alphanumeric).collect();
        let lines = text
            .lines()
            .map(|text| line(&text.replace('\t', "    "), Glyphs::Unicode, LONGEST) + "\n");
        self.block(&format!("{fence}{language}\n{}{fence}", lines.collect::<String>()));
    }

    /// What is shown on demand; left out, and that said, where the page would grow beyond what an issue takes.
    fn fold(&mut self, title: &str, body: &str) {
        if self.text.len() + body.len() > MOST {
            return self.block(&format!("{title}: too long for here; `-o json` has it."));
        }
        self.block(&format!("<details><summary>{title}</summary>"));
        self.block(body);
        self.block("</details>");
    }
}

/// A table of cells that are escaped already.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = row(head.iter().map(|&name| name.to_owned()).collect());
    text.push_str(&row(vec!["---".to_owned(); head.len()]));
    for mut cells in rows {
        cells.resize(head.len(), String::new());
        text.push_str(&row(cells));
    }
    text
}

/// A cell with a span of code.
fn code_cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

fn cell(text: impl AsRef<str>) -> String {
    escaped(&line(text.as_ref(), Glyphs::Unicode, LONGEST_CELL))
}

/// Text within a paragraph.
fn prose(text: &str) -> String {
    escaped(&line(text, Glyphs::Unicode, LONGEST))
}

/// Text that is shown as it is: what markup begins with gets a backslash (CommonMark 0.31, section 2.4), and what turns
/// text into a mention, a reference or a link is divided by a comment.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars();
    let mut before = None;
    while let Some(char) = rest.next() {
        let next = rest.as_str().chars().next();
        let is_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
        let is_divided = match char {
            '@' => is_word(next),
            '#' | '!' => next.is_some_and(|next| next.is_ascii_digit()),
            ':' => rest.as_str().starts_with("//") && is_linked(&shown),
            _ => false,
        };
        match char {
            '_' if is_word(before) && is_word(next) => shown.push(char),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => shown.extend(['\\', char]),
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '.' if shown.to_ascii_lowercase().ends_with("www") => shown.push_str("<!-- -->."),
            char => shown.push(char),
        }
        if is_divided {
            shown.push_str("<!-- -->");
        }
        before = Some(char);
    }
    shown
}

/// Whether what stands before `://` makes a link of what follows (GitHub Flavored Markdown 0.29, section 6.9).
fn is_linked(before: &str) -> bool {
    let before = before.to_ascii_lowercase();
    ["http", "https", "ftp"].iter().any(|scheme| before.ends_with(scheme))
}

/// A span of code: its fence is longer than any in `text`, and text that begins or ends like a fence keeps off it.
fn code(text: &str) -> String {
    let text = line(text, Glyphs::Unicode, LONGEST);
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let gap = match text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        true => " ",
        false => "",
    };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// Characters of a sentence.
const LONGEST: usize = 4_000;
/// Characters of a cell.
const LONGEST_CELL: usize = 300;
/// Bytes: an issue of GitHub takes 65,536 characters.
const MOST: usize = 60_000;
