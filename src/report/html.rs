//! One page for a browser, a ticket or a printer: the whole report in a file that needs nothing else.
//!
//! It asks the network for nothing and its policy forbids it to; without its script everything is there to be read.
//! However much a report holds, the page stays below [`LARGEST`] bytes: what is left out is counted, and JSON has it.

use super::advice::first_and_others;
use super::human::{counted, time, verdict_sentence, verdict_word};
use super::text::{Glyphs, line};
use super::{Report, Verdict};
use markup::Html;

mod files;
mod findings;
mod identities;
mod markup;
mod probes;
mod way;

/// The report as an HTML document.
pub fn render(report: &Report) -> String {
    let mut html = Html::document();
    html.tag("html").attr("lang", "en").with(|html| {
        html.tag("head").with(|html| head(html, report));
        html.newline();
        html.tag("body").with(|html| body(html, report));
    });
    html.newline();
    html.into_text()
}

fn head(html: &mut Html, report: &Report) {
    let policy = format!(
        "default-src 'none'; style-src '{STYLE_HASH}'; script-src '{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'"
    );
    html.tag("meta").attr("charset", "utf-8").empty();
    html.tag("meta")
        .attr("http-equiv", "Content-Security-Policy")
        .attr("content", &policy)
        .empty();
    for (name, content) in [
        ("viewport", "width=device-width, initial-scale=1"),
        ("color-scheme", "light dark"),
    ] {
        html.tag("meta").attr("name", name).attr("content", content).empty();
    }
    html.newline();
    html.tag("title").text(&title(report));
    html.tag("style").with(|html| html.verbatim(STYLE));
}

/// The verdict as far as a tab and a bookmark have room for it.
fn title(report: &Report) -> String {
    let word = verdict_word(report).map(|word| format!("{word}: "));
    let whole = format!(
        "{} {}{}",
        glyph(report.verdict),
        word.unwrap_or_default(),
        line(&verdict_sentence(report), Glyphs::Unicode, TITLE)
    );
    if whole.chars().count() <= TITLE {
        return whole;
    }
    let cut: String = whole.chars().take(TITLE - 1).collect();
    let words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{words}…")
}

fn glyph(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "✓",
        Verdict::Degraded => "!",
        Verdict::Broken => "✗",
        Verdict::Unknown => "?",
    }
}

fn body(html: &mut Html, report: &Report) {
    html.tag("a").class("skip").within("report").text("Skip to the report");
    html.tag("header").with(|html| header(html, report));
    html.tag("main").attr("id", "report").with(|html| {
        let present = SECTIONS.iter().filter(|section| (section.is_there)(report));
        for section in present {
            html.newline();
            html.tag("section").attr("aria-labelledby", section.id).with(|html| {
                html.tag("h2").attr("id", section.id).text(section.title);
                (section.write)(html, report, section.end);
            });
        }
    });
    html.newline();
    html.tag("footer").with(|html| footer(html, report));
    html.tag("p")
        .class("unseen")
        .attr("id", "said")
        .attr("role", "status")
        .text("");
    html.tag("script").with(|html| html.verbatim(SCRIPT));
}

/// A part of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    /// How long the page may be when the section ends.
    end: usize,
    is_there: fn(&Report) -> bool,
    write: fn(&mut Html, &Report, usize),
}

/// All parts, as they follow each other.
const SECTIONS: [Section; 5] = [
    Section {
        id: "way",
        title: "The way to the gateway",
        end: 70_000,
        is_there: |report| !report.endpoints.is_empty(),
        write: way::way,
    },
    Section {
        id: "findings",
        title: "Findings",
        end: 190_000,
        is_there: |report| !report.findings.is_empty() || report.findings_left_out > 0,
        write: findings::findings,
    },
    Section {
        id: "identities",
        title: "Who connects",
        end: 200_000,
        is_there: |report| !report.identities.is_empty(),
        write: identities::identities,
    },
    Section {
        id: "probes",
        title: "Every probe",
        end: 240_000,
        is_there: |report| !report.observations.is_empty(),
        write: probes::probes,
    },
    Section {
        id: "files",
        title: "Files that were read",
        end: 255_000,
        is_there: |report| report.logs.is_some() || report.proxy_config.is_some(),
        write: files::files,
    },
];

/// The verdict, and when it was reached.
fn header(html: &mut Html, report: &Report) {
    let class = match report.verdict {
        Verdict::Healthy => "verdict good",
        Verdict::Degraded | Verdict::Unknown => "verdict caution",
        Verdict::Broken => "verdict bad",
    };
    html.tag("h1").class(class).with(|html| {
        html.tag("span").class("word").with(|html| {
            html.tag("span")
                .class("glyph")
                .attr("aria-hidden", "true")
                .text(glyph(report.verdict));
            if let Some(word) = verdict_word(report) {
                html.text(&format!(" {word}"));
                html.tag("span").class("unseen").text(": ");
            }
        });
        html.text(" ");
        html.tag("span").class("sentence").text(&verdict_sentence(report));
    });
    html.tag("p").class("run").with(|html| {
        let when = report.started_at.replace('T', " ").replace('Z', " UTC");
        html.tag("time").attr("datetime", &report.started_at).text(&when);
        html.text(&format!(
            " · took {} · {} {}, {}",
            time(report.duration_ms),
            report.tool.name,
            report.tool.version,
            report.tool.build
        ));
    });
    html.tag("nav").attr("aria-label", "Parts of this report").with(|html| {
        html.tag("ul").with(|html| {
            for section in SECTIONS.iter().filter(|section| (section.is_there)(report)) {
                html.tag("li")
                    .with(|html| html.tag("a").within(section.id).text(section.title));
            }
        });
    });
}

/// What made the page, and how to see more.
fn footer(html: &mut Html, report: &Report) {
    html.tag("p").with(|html| {
        if let (Some(cause), _) = first_and_others(report) {
            let command = format!("hoop-doctor explain {}", cause.code);
            html.tag("code").text(&command);
            html.text(" prints the runbook of the first finding. ");
        }
        html.tag("code").text("-o json");
        html.text(" has everything that was seen. This page asks the network for nothing.");
    });
    html.tag("p").text(&format!(
        "{} {}, {}; schema_version {}",
        report.tool.name, report.tool.version, report.tool.build, report.schema_version
    ));
}

/// Says what a page that stays small doesn't show.
fn left_out(html: &mut Html, count: usize, noun: &str) {
    if count > 0 {
        let what = counted(count as u64, noun);
        html.tag("p").class("cut").with(|html| {
            html.text(&format!("{what} left out here, to keep the page small: "));
            html.tag("code").text("-o json");
            html.text(" has all of it.");
        });
    }
}

/// Text in a box of its own, with its lines as they are.
fn code(html: &mut Html, text: &str) {
    let mut beyond = 0;
    html.tag("pre")
        .with(|html| html.tag("code").with(|html| beyond = html.lines(text, MOST_LINES)));
    left_out(html, beyond, "line");
}

/// The same with a button that copies it; the script shows the button.
fn copyable(html: &mut Html, text: &str) {
    // What is copied is what is shown.
    if text.lines().count() > MOST_LINES {
        return code(html, text);
    }
    html.tag("div").class("copyable").with(|html| {
        html.tag("button")
            .attr("type", "button")
            .class("copy")
            .flag("hidden")
            .text("Copy");
        code(html, text);
    });
}

/// No page is longer than this, in bytes: small enough to mail, and to open at once.
pub const LARGEST: usize = 300_000;

/// Characters that a browser's tab and a search result have room for.
const TITLE: usize = 70;
/// Lines of one piece of configuration.
const MOST_LINES: usize = 100;
/// Bytes of a list that belongs to one finding or hop.
const SMALL: usize = 8_000;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
/// What the policy allows: this very style and this very script. A test compares them with the files.
const STYLE_HASH: &str = "sha256-OjrcFdT3xzivrMMzTjqUvCtvhjND9WMYKW/EkW7on84=";
const SCRIPT_HASH: &str = "sha256-KFT0VJCm9bXK//nch4nsbFkuOoPgTDvLG5GClybgwbo=";

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::{SCRIPT, SCRIPT_HASH, STYLE, STYLE_HASH};

    #[track_caller]
    fn check(source: &str, hash: &str) {
        let digest = BASE64_STANDARD.encode(digest(&SHA256, source.as_bytes()));
        assert_eq!(hash, format!("sha256-{digest}"));
    }

    #[test]
    fn the_policy_allows_this_style() {
        check(STYLE, STYLE_HASH);
        assert!(!STYLE.contains("</"));
    }

    #[test]
    fn the_policy_allows_this_script() {
        check(SCRIPT, SCRIPT_HASH);
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    }
}
