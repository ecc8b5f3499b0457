//! Where reports go: standard output is the report alone.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal, Write};

use anyhow::Context;

use crate::cli::{Color, Format, Output};
use crate::report::human::{Detail, Glyphs, Look, Paint};
use crate::report::{Report, github, human, json, sarif, short};

/// How much of the report people get to see, and how it is painted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    color: Color,
    detail: Detail,
}

impl Style {
    pub(super) fn new(color: Color, quiet: bool, verbose: u8) -> Self {
        let detail = match (quiet, verbose) {
            (true, _) => Detail::Verdict,
            (false, 0) => Detail::Normal,
            (false, 1) => Detail::Probes,
            (false, _) => Detail::Frames,
        };
        Self { color, detail }
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
    let written: Vec<anyhow::Result<()>> = outputs.iter().map(|output| write_one(report, output, style)).collect();
    written.into_iter().collect()
}

fn write_one(report: &Report, output: &Output, style: Style) -> anyhow::Result<()> {
    match &output.file {
        None => print(&render(report, output.format, style, Place::stdout())?),
        Some(file) => {
            let text = render(report, output.format, style, Place::File)?;
            fs::write(file, text).with_context(|| format!("writing the report to {}", file.display()))
        }
    }
}

fn render(report: &Report, format: Format, style: Style, place: Place) -> anyhow::Result<String> {
    match format {
        Format::Json => json::render(report).context("writing JSON"),
        Format::Sarif => sarif::render(report).context("writing SARIF"),
        Format::Github => Ok(github::render(report)),
        Format::Short => Ok(short::render(report, glyphs())),
        Format::Human => Ok(human::render(report, look_of(style, place))),
    }
}

/// How text for people is printed on standard output.
pub(super) fn look(color: Color) -> Look {
    look_of(Style::new(color, false, 0), Place::stdout())
}

fn look_of(style: Style, place: Place) -> Look {
    Look {
        detail: style.detail,
        paint: paint(style.color, place),
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
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("writing to standard output"),
    }
}
