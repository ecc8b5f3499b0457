//! The findings: the cause with everything that belongs to it, the others folded.

use super::super::advice::{causes_and_follow_ons, doubted, first_and_others, fixes, follows, located, logged, sure};
use super::super::human::counted;
use super::super::{Confidence, Finding, Report, Severity, Verdict};
use super::markup::Html;
use super::{SMALL, code, copyable, left_out, probes};
use crate::findings::{Candidate, Decide, Location};

pub(super) fn findings(html: &mut Html, report: &Report, end: usize) {
    let (first, others) = first_and_others(report);
    if let Some(first) = first {
        // One that may not be the cause isn't called that.
        let title = match report.verdict {
            Verdict::Unknown => "Found",
            Verdict::Healthy | Verdict::Degraded | Verdict::Broken => "The cause",
        };
        cause(html, report, title, first);
    }
    let (causes, follow_ons) = causes_and_follow_ons(others);
    let beyond = html.up_to(end, causes, |html, finding| also(html, report, finding));
    left_out(html, beyond, "finding");
    if !follow_ons.is_empty() {
        html.newline();
        html.tag("details").class("follow-ons").with(|html| {
            let count = follow_ons.len() as u64;
            let follow = if count == 1 { "follows" } else { "follow" };
            html.tag("summary")
                .text(&format!("{} that {follow} from another", counted(count, "finding")));
            let beyond = html.up_to(end, follow_ons, |html, finding| also(html, report, finding));
            left_out(html, beyond, "finding");
        });
    }
    if report.findings_left_out > 0 {
        let count = counted(report.findings_left_out as u64, "finding");
        html.tag("p").text(&format!("{count} left out by --only or --skip."));
    }
}

fn cause(html: &mut Html, report: &Report, title: &str, finding: &Finding) {
    html.newline();
    let class = match finding.severity {
        Severity::Error => "finding cause bad",
        Severity::Warn | Severity::Info => "finding cause caution",
    };
    html.tag("article")
        .class(class)
        .attr("id", &id(report, finding))
        .with(|html| {
            html.tag("h3").with(|html| {
                html.tag("span").class("kicker").text(title);
                html.text(" ");
                html.tag("span").class("code").text(&finding.code);
                html.text(&format!(" {}", finding.name));
            });
            html.tag("p").class("sure").with(|html| {
                html.tag("strong").text(severity(finding.severity));
                let follows = follows(finding).unwrap_or_default();
                html.text(&format!(", {}{follows}", sure(finding.confidence)));
            });
            html.tag("p").class("message").text(&finding.message);
            details(html, report, finding);
        });
}

/// One of the others, behind a line that tells what it is.
fn also(html: &mut Html, report: &Report, finding: &Finding) {
    html.newline();
    let class = match finding.severity {
        Severity::Error => "finding bad",
        Severity::Warn => "finding caution",
        Severity::Info => "finding",
    };
    html.tag("details")
        .class(class)
        .attr("id", &id(report, finding))
        .with(|html| {
            html.tag("summary").with(|html| {
                html.tag("h3").with(|html| {
                    html.tag("span").class("severity").text(severity(finding.severity));
                    html.text(" ");
                    html.tag("span").class("code").text(&finding.code);
                    html.text(&format!(" {}", finding.name));
                });
                let sure = match finding.confidence {
                    Confidence::Certain => "",
                    Confidence::Likely => " (likely)",
                    Confidence::Possible => " (possible)",
                };
                let follows = follows(finding).unwrap_or_default();
                html.tag("span")
                    .class("message")
                    .text(&format!("{}{sure}{follows}", finding.message));
            });
            details(html, report, finding);
        });
}

/// By its place: a code can be there for several endpoints.
fn id(report: &Report, finding: &Finding) -> String {
    let place = report.findings.iter().position(|one| std::ptr::eq(one, finding));
    format!("finding-{}", place.unwrap_or_default())
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "✗ error",
        Severity::Warn => "! warning",
        Severity::Info => "i info",
    }
}

/// Where it is, how it is mended, what else it could be, the log lines to know it by, and what shows it.
fn details(html: &mut Html, report: &Report, finding: &Finding) {
    if !finding.locations.is_empty() {
        let end = html.plus(SMALL);
        let beyond = html.up_to(end, &finding.locations, place);
        left_out(html, beyond, "place");
    }
    if !finding.remedy.text.is_empty() || !finding.remedy.snippets.is_empty() {
        fix(html, report, finding);
    }
    if !finding.candidates.is_empty() {
        doubt(html, &finding.candidates, finding.confidence);
    }
    if let Some(decide) = &finding.decide {
        look(html, decide);
    }
    if let Some((who, lines)) = logged(report, finding) {
        html.tag("h4").text("In the logs");
        html.tag("p").text(&who);
        let end = html.plus(SMALL);
        let beyond = html.up_to(end, lines, |html, line| code(html, &line));
        left_out(html, beyond, "line");
    }
    evidence(html, report, finding);
}

/// A place, and what stands there with a mark on the word that it is about.
fn place(html: &mut Html, place: &Location) {
    html.tag("p").class("place").with(|html| {
        html.text("at ");
        html.tag("code").text(&located(place));
    });
    let (Some(text), Some(line)) = (&place.text, place.line) else {
        return;
    };
    // A tab takes one column, as in the column's number.
    let text = text.replace('\t', " ");
    let start = place
        .column
        .and_then(|column| text.char_indices().nth(column.checked_sub(1)?));
    let (before, rest) = text.split_at(start.map_or(text.len(), |(at, _)| at));
    let (word, after) = rest.split_at(rest.find([' ', ';']).unwrap_or(rest.len()));
    html.tag("pre").with(|html| {
        html.tag("code").with(|html| {
            html.text(&format!("{line:>5} │ {before}"));
            if !word.is_empty() {
                html.tag("mark").text(word);
            }
            html.text(after);
        });
    });
}

fn fix(html: &mut Html, report: &Report, finding: &Finding) {
    html.tag("h4").text("Fix");
    if !finding.remedy.text.is_empty() {
        html.tag("p").class("remedy").text(&finding.remedy.text);
    }
    let end = html.plus(2 * SMALL);
    let beyond = html.up_to(end, fixes(report, finding), |html, (place, snippet)| {
        html.tag("p").class("place").text(&place);
        copyable(html, &snippet.text);
    });
    left_out(html, beyond, "snippet");
}

fn doubt(html: &mut Html, candidates: &[Candidate], confidence: Confidence) {
    html.tag("h4").text("Doubt");
    html.tag("p").text(doubted(confidence));
    let mut beyond = 0;
    html.tag("ol").class("candidates").with(|html| {
        let end = html.plus(SMALL);
        beyond = html.up_to(end, candidates, |html, candidate| {
            html.tag("li").with(|html| {
                html.tag("span").class("code").text(&candidate.code.to_string());
                html.text(&format!(" {}", candidate.why));
            });
        });
    });
    left_out(html, beyond, "candidate");
}

/// The one look that decides.
fn look(html: &mut Html, decide: &Decide) {
    html.tag("h4").text("What decides");
    match (&decide.command, &decide.file) {
        (Some(command), _) => {
            html.tag("p").text("What this prints:");
            copyable(html, command);
            html.tag("p").text(&decide.expect);
        }
        (None, Some(file)) => html.tag("p").with(|html| {
            html.text("A look into ");
            html.tag("code").text(file);
            html.text(&format!(" on the proxy's host: {}", decide.expect));
        }),
        (None, None) => html.tag("p").text(&decide.expect),
    }
}

/// The probes that show it, and where to read more.
fn evidence(html: &mut Html, report: &Report, finding: &Finding) {
    html.tag("p").class("evidence").with(|html| {
        // A finding also names probes that would show it and weren't needed.
        let row = |id: &String| report.observations.iter().position(|one| one.id == *id);
        let made: Vec<(usize, &String)> = finding.evidence.iter().filter_map(|id| Some((row(id)?, id))).collect();
        if !made.is_empty() {
            html.text("Seen in ");
            let end = html.plus(SMALL);
            let mut between = "";
            let beyond = html.up_to(end, made, |html, (row, id)| {
                html.text(between);
                html.tag("a").within(&probes::row(row)).text(id);
                between = ", ";
            });
            if beyond > 0 {
                html.text(&format!(" and {}", counted(beyond as u64, "other probe")));
            }
            html.text(". ");
        }
        html.link(&finding.url, &format!("Runbook of {}", finding.code));
        html.text(", or ");
        html.tag("code").text(&format!("hoop-doctor explain {}", finding.code));
    });
}
