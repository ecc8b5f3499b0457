//! What a finding advises, in the words that every report for people uses.

use super::{Confidence, EndpointReport, Finding, Report, Severity};
use crate::evidence::host_port;
use crate::findings::{Decide, Location, Snippet};
use crate::proxies::Proxy;

/// The finding to begin with, where one is worse than an info, and the others.
pub(super) fn first_and_others(report: &Report) -> (Option<&Finding>, &[Finding]) {
    match report.findings.split_first() {
        Some((first, others)) if first.severity > Severity::Info => (Some(first), others),
        _ => (None, &report.findings),
    }
}

/// The findings that stand for themselves, and those that follow from another.
pub(super) fn causes_and_follow_ons(findings: &[Finding]) -> (Vec<&Finding>, Vec<&Finding>) {
    findings.iter().partition(|finding| finding.because_of.is_none())
}

/// How sure a finding is, and what that means.
pub(super) fn sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely: something else could look the same",
        Confidence::Possible => "possible: one of several causes",
    }
}

/// `HD607 grpc-bad-gateway, possible`; what is certain needs no word.
pub(super) fn named(finding: &Finding) -> String {
    let sure = match finding.confidence {
        Confidence::Certain => "",
        Confidence::Likely => ", likely",
        Confidence::Possible => ", possible",
    };
    format!("{} {}{sure}", finding.code, finding.name)
}

/// What stands before the candidates.
pub(super) fn doubted(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Possible => "it is one of these, the likeliest first:",
        Confidence::Certain | Confidence::Likely => "these would look the same, the likeliest first:",
    }
}

/// `, follows from HD401`.
pub(super) fn follows(finding: &Finding) -> Option<String> {
    let cause = finding.because_of.as_ref()?;
    Some(format!(", follows from {cause}"))
}

/// Everything that helps, a line each, for reports that take plain text: the message comes first.
pub(super) fn in_lines(finding: &Finding) -> String {
    let mut lines = vec![finding.message.clone()];
    if !finding.remedy.text.is_empty() {
        lines.push(format!("Fix: {}", finding.remedy.text));
    }
    lines.extend(finding.because_of.iter().map(|cause| format!("Follows from {cause}.")));
    if !finding.candidates.is_empty() {
        lines.push(format!("Doubt: {}", doubted(finding.confidence)));
        lines.extend(
            finding
                .candidates
                .iter()
                .map(|other| format!("- {} {}", other.code, other.why)),
        );
    }
    if let Some(Decide { command, file, expect }) = &finding.decide {
        let look = command
            .as_ref()
            .map(|command| format!("by what this prints: {command}\n"));
        let look = look.or_else(|| {
            file.as_ref()
                .map(|file| format!("by looking into {file} on the proxy's host: "))
        });
        lines.push(format!("Decide: {}{expect}", look.unwrap_or_default()));
    }
    lines.push(finding.url.clone());
    lines.join("\n")
}

/// `nginx.conf:12:5`.
pub(super) fn located(place: &Location) -> String {
    let numbers = [place.line, place.column].map(|number| number.map(|number| format!(":{number}")));
    let [line, column] = numbers.map(Option::unwrap_or_default);
    format!("{}{line}{column}", place.file)
}

/// The snippets that go with the proxy that is there, each behind a few words that say where it belongs.
pub(super) fn fixes<'a>(report: &Report, finding: &'a Finding) -> Vec<(String, &'a Snippet)> {
    let behind = proxy_of(report, finding);
    let chosen = chosen(&finding.remedy.snippets, behind.proxy());
    chosen
        .into_iter()
        .map(|snippet| (place(snippet, behind), snippet))
        .collect()
}

/// Who logs what because of a finding: a few words, and the lines with the address that was dialled.
pub(super) fn logged(report: &Report, finding: &Finding) -> Option<(String, Vec<String>)> {
    let has = |name: &str| finding.identities.iter().any(|identity| identity == name);
    let who = match (has("agent"), has("client")) {
        (true, true) => "agent and client log",
        (true, false) => "the agent logs",
        (false, true) => "the client logs",
        (false, false) => "Hoop logs",
    };
    let what = match finding.logged_as.len() {
        0 => return None,
        1 => format!("{who}:"),
        _ => format!("{who} one of these:"),
    };
    let address = dialled(report, finding);
    let lines = finding.logged_as.iter().map(|line| match &address {
        Some(address) => line.replace("{addr}", address),
        None => line.clone(),
    });
    Some((what, lines.collect()))
}

/// The address that stands in the log lines of the first endpoint that the finding is about.
fn dialled(report: &Report, finding: &Finding) -> Option<String> {
    let about = |endpoint: &&EndpointReport| finding.endpoints.contains(&endpoint.id);
    let endpoint = report.endpoints.iter().find(about)?;
    used_address(endpoint)
}

/// The address and port that connections of an endpoint go to, where it is only one.
pub(super) fn used_address(endpoint: &EndpointReport) -> Option<String> {
    let used = endpoint.layers.iter().find_map(|rung| rung.facts.get("address"));
    if let Some(used) = used.and_then(|address| address.as_str()) {
        return Some(used.to_owned());
    }
    match endpoint.addresses.as_slice() {
        [only] => Some(host_port(only, endpoint.port)),
        _ => None,
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
