//! Where reports go: standard output is the report alone.

use std::fs;
use std::io::{self, IsTerminal, Write};

use anyhow::Context;

use crate::cli::{Color, Format, Output};
use crate::report::{Report, human};

/// How much of the report people get to see, and how it is painted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    color: Color,
    detail: human::Detail,
}

impl Style {
    pub(super) fn new(color: Color, quiet: bool, verbose: u8) -> Self {
        let detail = match (quiet, verbose) {
            (true, _) => human::Detail::Verdict,
            (false, 0) => human::Detail::Normal,
            (false, _) => human::Detail::Probes,
        };
        Self { color, detail }
    }
}

/// Writes the report in each of the formats; `human` to standard output where none is named.
pub(super) fn write(report: &Report, outputs: &[Output], style: Style) -> anyhow::Result<()> {
    let default = [Output {
        format: Format::Human,
        file: None,
    }];
    let outputs = if outputs.is_empty() { &default[..] } else { outputs };
    for output in outputs {
        match &output.file {
            None => print(&render(report, output.format, style, io::stdout().is_terminal())?)?,
            Some(file) => {
                let text = render(report, output.format, style, false)?;
                fs::write(file, text).with_context(|| format!("writing the report to {}", file.display()))?;
            }
        }
    }
    Ok(())
}

fn render(report: &Report, format: Format, style: Style, terminal: bool) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => {
            let mut json = serde_json::to_string_pretty(report).context("writing JSON")?;
            json.push('\n');
            json
        }
        Format::Human => {
            let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let paint = match style.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => terminal && !plain,
            };
            human::render(report, style.detail, paint, width(terminal))
        }
    })
}

/// The terminal's width in columns; 80 where there is none.
fn width(terminal: bool) -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = terminal.then(terminal_size::terminal_size).flatten();
    columns
        .or(size.map(|(terminal_size::Width(width), _)| usize::from(width)))
        .unwrap_or(80)
}

/// Prints to standard output.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("writing to standard output")
}
