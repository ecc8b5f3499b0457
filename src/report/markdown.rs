//! Markdown (GitHub Flavored Markdown), to paste into a ticket; also the summary of a step of GitHub Actions.
//!
//! The cause is open, everything else folded. Text that came from elsewhere is escaped: it makes no markup, calls
//! nobody by `@name` and links to nothing.

use super::advice::{doubted, first_and_others, fixes, located, logged, named, sure};
use super::human::{behind, counted, time, verdict_sentence, verdict_word};
use super::text::{Glyphs, line};
use super::{EndpointReport, Finding, IdentityReport, Observation, Report, Status, Verdict};
use crate::findings::{Candidate, Decide, Location};

/// A section, with the verdict for its title.
pub fn render(report: &Report) -> String {
    let mut page = Page::default();
    page.block(&format!("### {}", title(report)));
    let (first, others) = first_and_others(report);
    first.iter().for_each(|finding| in_full(&mut page, report, finding));
    if report.findings_left_out > 0 {
        let count = counted(report.findings_left_out as u64, "finding");
        page.block(&format!("{count} left out by `--only` or `--skip`."));
    }
    for sentence in &report.disagreements {
        page.block(&format!("⚠️ {}", prose(sentence)));
    }
    report.endpoints.iter().for_each(|one| endpoint(&mut page, one));
    let noun = if first.is_some() { "other finding" } else { "finding" };
    page.fold(&counted(others.len() as u64, noun), "", others.iter().map(in_brief));
    files(&mut page, report);
    let who = head(&["who", "setting", "value", "source"]);
    page.fold("Who was checked", &who, report.identities.iter().flat_map(identity));
    let probes = head(&["probe", "start", "took", "outcome", "what it saw"]);
    page.fold("Every probe", &probes, report.observations.iter().map(probe));
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
            page.block(&format!("→ {expect}"));
        }
        (None, Some(file)) => page.block(&format!(
            "**Decide:** by looking into {} on the proxy's host: {expect}",
            code(file)
        )),
        (None, None) => page.block(&format!("**Decide:** {expect}")),
    }
}

/// The ladder of an endpoint, and what `--deep` measured there.
fn endpoint(page: &mut Page, endpoint: &EndpointReport) {
    let proxy = endpoint.proxy.as_ref().map(|proxy| prose(&behind(proxy)));
    let (id, url) = (prose(&endpoint.id), code(&endpoint.url));
    page.block(&format!("**{id}** {url}{}", proxy.unwrap_or_default()));
    let rungs = endpoint.layers.iter().map(|rung| {
        let seen = [rung.why.as_deref().unwrap_or_default(), &rung.summary];
        let seen = seen.into_iter().filter(|text| !text.is_empty()).map(cell);
        row([
            rung.layer.rung().name.to_owned(),
            status(rung.status, "❌ failed"),
            rung.duration_ms.map(time).unwrap_or_default(),
            seen.collect::<Vec<_>>().join("; "),
        ])
    });
    page.block(&(head(&["layer", "", "took", "what was seen"]) + &rungs.collect::<String>()));
    let limits = endpoint.limits.iter().map(|limit| {
        row([
            cell(&limit.name),
            status(limit.status, "❌ limited"),
            cell(&limit.summary),
        ])
    });
    let limits: String = limits.collect();
    if !limits.is_empty() {
        page.block(&(head(&["of its streams", "", "what was measured"]) + &limits));
    }
}

/// Glyph and word; `failed` is what that is called here.
fn status(status: Status, failed: &str) -> String {
    match status {
        Status::Ok => "✅ ok".to_owned(),
        Status::Failed => failed.to_owned(),
        Status::NotTried => "not tried".to_owned(),
    }
}

/// A finding in a line or two.
fn in_brief(finding: &Finding) -> String {
    let place = finding
        .locations
        .first()
        .map(|place| format!(" {}", code(&located(place))));
    let follows = finding
        .because_of
        .as_ref()
        .map(|code| format!(" Follows from {}.", prose(code)));
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
}

/// What was read, what is allowed there, and what was recognised in logs.
fn files(page: &mut Page, report: &Report) {
    if let Some(read) = &report.proxy_config {
        let files = read.files.iter().map(|file| {
            let lines = counted(file.lines as u64, "line");
            format!("- {}: {}, {lines}\n", code(&file.name), file.proxy.name())
        });
        let allowed = read.allowed.iter().map(|one| {
            let reason = match &one.reason {
                Some(reason) => format!("because {}", prose(reason)),
                None => "gives no reason, so nothing is allowed".to_owned(),
            };
            let (codes, place) = (
                prose(&one.codes.join(", ")),
                code(&format!("{}:{}", one.file, one.line)),
            );
            format!("- allowed {codes} at {place}, {reason}\n")
        });
        page.fold("Configuration that was read", "", files.chain(allowed));
    }
    if let Some(logs) = &report.logs {
        let files = logs.files.iter().map(|file| {
            let problem = file.problem.as_ref().map(|problem| format!("; {}", prose(problem)));
            let lines = counted(file.lines, "line");
            format!("- {}: {lines}{}\n", code(&file.name), problem.unwrap_or_default())
        });
        page.fold("Logs that were read", "", files);
        let sightings = logs.sightings.iter().map(|one| {
            let file = logs.files.get(one.file).map_or("", |file| &file.name);
            row([
                cell(file),
                one.line.to_string(),
                one.count.to_string(),
                code_cell(&one.excerpt),
            ])
        });
        page.fold(
            "What the logs say",
            &head(&["log", "line", "times", "message"]),
            sightings,
        );
    }
}

/// Who it is and why with or without TLS, then each setting.
fn identity(identity: &IdentityReport) -> Vec<String> {
    let because = identity.tls_because.as_deref().unwrap_or_default();
    let who = row([
        cell(&identity.name),
        "TLS".to_owned(),
        cell(because),
        cell(&identity.source),
    ]);
    let settings = identity.settings.iter().map(|setting| {
        let shadowed = setting.shadowed_by.as_ref();
        let shadowed = shadowed.map(|by| format!("{}, not read because of {by}", setting.source));
        row([
            cell(&identity.name),
            code_cell(&setting.name),
            code_cell(&setting.value),
            cell(shadowed.as_deref().unwrap_or(&setting.source)),
        ])
    });
    [who].into_iter().chain(settings).collect()
}

fn probe(one: &Observation) -> String {
    row([
        cell(&one.id),
        time(one.started_ms),
        time(one.duration_ms),
        one.outcome.word().to_owned(),
        cell(&one.summary),
    ])
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

    /// Lines that are shown on demand, behind `head`. Where the page would grow beyond what an issue takes, the rest is
    /// counted.
    fn fold(&mut self, title: &str, head: &str, lines: impl IntoIterator<Item = String>) {
        let mut lines = lines.into_iter().peekable();
        if lines.peek().is_none() {
            return;
        }
        self.block(&format!("<details><summary>{title}</summary>"));
        let room = MOST.saturating_sub(self.text.len());
        let mut body = head.to_owned();
        while let Some(line) = lines.next_if(|line| body.len() + line.len() < room) {
            body.push_str(&line);
        }
        self.block(&body);
        match lines.count() {
            0 => {}
            left => self.block(&format!("And {left} more: `-o json` has them.")),
        }
        self.block("</details>");
    }
}

/// The head of a table.
fn head(names: &[&str]) -> String {
    row(names.iter().map(|&name| name.to_owned())) + &row(names.iter().map(|_| "---".to_owned()))
}

/// A row of a table, of cells that are escaped already.
fn row(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |\n", cells.into_iter().collect::<Vec<_>>().join(" | "))
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
            ':' => makes_link(&shown, rest.as_str()) || makes_emoji(rest.as_str()),
            _ => false,
        };
        match char {
            '_' if is_word(before) && is_word(next) => shown.push(char),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => shown.extend(['\\', char]),
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '.' if ends_with(&shown, "www") => shown.push_str("<!-- -->."),
            char => shown.push(char),
        }
        if is_divided {
            shown.push_str("<!-- -->");
        }
        before = Some(char);
    }
    shown
}

/// Whether the colon between makes a link (GitHub Flavored Markdown 0.29, section 6.9).
fn makes_link(before: &str, behind: &str) -> bool {
    behind.starts_with("//") && ["http", "https", "ftp"].iter().any(|scheme| ends_with(before, scheme))
}

/// Whether a colon begins a name between two of them, for which GitHub shows a picture: `:100:` in an IPv6 address.
fn makes_emoji(behind: &str) -> bool {
    let name = behind.split(':').next().unwrap_or_default();
    let is_closed = name.len() < behind.len();
    let is_name = name
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || "_+-".contains(char));
    // Of numbers there are two pictures: the time of day has none.
    is_closed && is_name && (name.contains(|char: char| char.is_ascii_alphabetic()) || ["100", "1234"].contains(&name))
}

fn ends_with(text: &str, word: &str) -> bool {
    let end = text.len().checked_sub(word.len()).and_then(|start| text.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
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
