//! Where reports go: standard output is the report alone.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::file::{self, Readers};
use super::is_closed_pipe;
use crate::cli::{Color, Format, Output};
use crate::findings::Severity;
use crate::report::human::{Detail, Glyphs, Look, Paint};
use crate::report::{Report, github, html, human, json, jsonl, junit, markdown, prometheus, sarif, short};

/// How much of the report people get to see, how it is painted, and what fails a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    color: Color,
    detail: Detail,
    fail_on: Severity,
}

impl Style {
    pub(super) fn new(color: Color, quiet: bool, verbose: u8, fail_on: Severity) -> Self {
        let detail = match (quiet, verbose) {
            (true, _) => Detail::Verdict,
            (false, 0) => Detail::Normal,
            (false, 1) => Detail::Probes,
            (false, _) => Detail::Frames,
        };
        Self { color, detail, fail_on }
    }
}

/// Writes the report in each of the formats; `human` to standard output where none is named.
///
/// A place that can't be written to doesn't keep the others from getting their report.
pub(super) fn write(report: &Report, outputs: &[Output], style: Style) -> anyhow::Result<()> {
    let default = [Output {
        format: Format::Human,
        file: None,
    }];
    let outputs = if outputs.is_empty() { &default[..] } else { outputs };
    let written = outputs.iter().map(|output| write_one(report, output, style));
    let failed: Vec<String> = written
        .chain([summarise(report, outputs)])
        .filter_map(Result::err)
        .filter(|error| !is_closed_pipe(error))
        .map(|error| format!("{error:#}"))
        .collect();
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("{}", failed.join("; ")),
    }
}

/// Refuses two reports for one file, of which only one would be left.
pub(super) fn refuse_shared_files(outputs: &[Output]) -> anyhow::Result<()> {
    let mut known = BTreeSet::new();
    for file in outputs.iter().filter_map(|output| output.file.as_ref()) {
        if !known.insert(resolved(file)) {
            bail!(
                "two reports can't both go to {}: give each a file of its own",
                file.display()
            );
        }
    }
    Ok(())
}

/// The same path for the same file, whatever way leads to its folder.
fn resolved(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok();
    match (folder, file.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => file.to_owned(),
    }
}

/// Writes the formats that have a line for each look of a wait. Unlike at the end, a reader who has gone is an error.
pub(super) fn write_look(report: &Report, outputs: &[Output], style: Style) -> anyhow::Result<()> {
    let mut lines = outputs.iter().filter(|output| output.format == Format::Jsonl);
    lines.try_for_each(|output| write_one(report, output, style))
}

fn write_one(report: &Report, output: &Output, style: Style) -> anyhow::Result<()> {
    match &output.file {
        None => send(&render(report, output.format, style, Place::stdout())?).context("writing to standard output"),
        Some(file) => {
            let text = render(report, output.format, style, Place::File)?;
            put(file, &text, output.format).with_context(|| format!("writing the report to {}", file.display()))
        }
    }
}

/// Adds the Markdown report to what GitHub Actions shows of a step, where annotations are asked for.
fn summarise(report: &Report, outputs: &[Output]) -> anyhow::Result<()> {
    let Some(file) = variable(STEP_SUMMARY).map(PathBuf::from) else {
        return Ok(());
    };
    if !outputs.iter().any(|output| output.format == Format::Github) {
        return Ok(());
    }
    file::append(&file, markdown::render(report).as_bytes())
        .with_context(|| format!("writing the summary to {}, which {STEP_SUMMARY} names", file.display()))
}

fn put(file: &Path, text: &str, format: Format) -> io::Result<()> {
    if format == Format::Jsonl {
        return file::append(file, text.as_bytes());
    }
    file::replace(file, text.as_bytes(), Readers::Anybody)
}

fn render(report: &Report, format: Format, style: Style, place: Place) -> anyhow::Result<String> {
    match format {
        Format::Human => Ok(human::render(report, look_of(style.color, style.detail, place))),
        Format::Short => Ok(short::render(report, glyphs())),
        Format::Json => json::render(report).context("writing JSON"),
        Format::Jsonl => jsonl::render(report).context("writing JSON"),
        Format::Markdown => Ok(markdown::render(report)),
        Format::Junit => junit::render(report, style.fail_on).context("writing JUnit's XML"),
        Format::Sarif => sarif::render(report).context("writing SARIF"),
        Format::Github => Ok(github::render(report)),
        Format::Prometheus => Ok(prometheus::render(report)),
        Format::Html => Ok(html::render(report)),
    }
}

/// How text for people is printed on standard output.
pub(super) fn look(color: Color) -> Look {
    look_of(color, Detail::Normal, Place::stdout())
}

fn look_of(color: Color, detail: Detail, place: Place) -> Look {
    Look {
        detail,
        paint: paint(color, place),
        glyphs: glyphs(),
        width: width(place),
    }
}

/// Where a report is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Terminal,
    Pipe,
    File,
}

impl Place {
    fn stdout() -> Self {
        match io::stdout().is_terminal() {
            true => Self::Terminal,
            false => Self::Pipe,
        }
    }
}

/// The flag, then `NO_COLOR`, then `CLICOLOR_FORCE`, then whether it is a terminal that knows colours.
fn paint(color: Color, place: Place) -> Paint {
    let colours = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if variable("NO_COLOR").is_some() => false,
        Color::Auto => match place {
            Place::File => false,
            Place::Terminal | Place::Pipe if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            Place::Terminal => variable("TERM").is_none_or(|term| term != "dumb"),
            Place::Pipe => false,
        },
    };
    match colours {
        true => Paint::Colours,
        false => Paint::Plain,
    }
}

/// Whether the locale's characters are Unicode; the first of its variables that is set decides (POSIX, section 8.2).
pub(super) fn glyphs() -> Glyphs {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    let locale = locale.unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match locale.contains("utf-8") || locale.contains("utf8") {
        true => Glyphs::Unicode,
        false => Glyphs::Ascii,
    }
}

/// Columns: what `COLUMNS` says, or the terminal; 80 where there is neither.
fn width(place: Place) -> usize {
    let columns = variable("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
    let size = || terminal_size::terminal_size().filter(|_| place == Place::Terminal);
    columns
        .or_else(|| size().map(|(terminal_size::Width(width), _)| usize::from(width)))
        .unwrap_or(80)
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Prints to standard output. Whoever stops reading has read enough: a closed pipe is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match send(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("writing to standard output"),
    }
}

fn send(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
