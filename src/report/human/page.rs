//! The page that a report for people is written on: wrapping, paint and characters, and nothing of what is said.
//!
//! Everything that is printed passes [`Page::cells`], where it is made safe for the terminal.

use colored::{ColoredString, Colorize};

use super::super::Status;
use super::super::text::{Glyphs, line};
use super::{Look, Paint};

/// A piece of text in one colour.
#[derive(Clone, Debug)]
pub(super) struct Span {
    text: String,
    ink: Ink,
}

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// No colour.
    Plain,
    /// What the eye should meet first.
    Strong,
    /// What can be passed over.
    Faint,
    /// What holds.
    Good,
    /// What doesn't.
    Bad,
    /// What might not.
    Caution,
}

/// One character and its colour.
type Cell = (char, Ink);

impl Span {
    pub(super) fn new(text: impl Into<String>, ink: Ink) -> Self {
        Self { text: text.into(), ink }
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Ink::Plain)
    }

    pub(super) fn strong(text: impl Into<String>) -> Self {
        Self::new(text, Ink::Strong)
    }

    pub(super) fn faint(text: impl Into<String>) -> Self {
        Self::new(text, Ink::Faint)
    }
}

/// A page, filled from the top.
pub(super) struct Page {
    look: Look,
    text: String,
}

impl Page {
    pub(super) fn new(look: Look) -> Self {
        if look.paint == Paint::Colours {
            // `colored` would ask the environment again; whoever made the look has done that. Never switched off:
            // without colours its types are not used.
            colored::control::set_override(true);
        }
        Self {
            look,
            text: String::new(),
        }
    }

    pub(super) fn look(&self) -> Look {
        self.look
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// An empty line, but never two.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// The left column of a section.
    pub(super) fn label(&self, word: &str) -> Span {
        Span::new(format!("{word:LABEL$}"), Ink::Faint)
    }

    /// Wraps `text` at spaces; what follows the first line stands below its start, behind `lead`.
    pub(super) fn flow(&mut self, lead: &[Span], text: &[Span]) {
        let text = self.cells(text);
        let mut line = self.cells(lead);
        // A lead that leaves no room is a headline: the text starts below it.
        let hang = match line.len() + NARROWEST > self.look.width {
            true => SHALLOW,
            false => line.len(),
        };
        let room = self.look.width.min(WIDEST).saturating_sub(hang).max(NARROWEST);
        let mut used = line.len() - hang.min(line.len());
        for word in text.split(|(char, _)| *char == ' ').filter(|word| !word.is_empty()) {
            let gap = usize::from(line.last().is_some_and(|(char, _)| *char != ' '));
            if used > 0 && used + gap + word.len() > room {
                self.write(&line);
                line = vec![(' ', Ink::Plain); hang];
                used = 0;
            } else if gap > 0 && used > 0 {
                line.push((' ', space_between(&line, word)));
                used += 1;
            }
            line.extend(word);
            used += word.len();
        }
        self.write(&line);
    }

    /// One line, however long.
    pub(super) fn unbroken(&mut self, text: &[Span]) {
        let cells = self.cells(text);
        self.write(&cells);
    }

    /// Text in which every line stays as it is, for copying: configuration, commands, log lines.
    pub(super) fn verbatim(&mut self, indent: usize, text: &str, ink: Ink) {
        for line in text.lines().take(MOST_LINES) {
            let line = line.replace('\t', "    ");
            self.unbroken(&[Span::plain(" ".repeat(indent)), Span::new(line, ink)]);
        }
    }

    /// The mark of a rung or a probe.
    pub(super) fn glyph(&self, status: Status) -> &'static str {
        match (self.look.glyphs, status) {
            (Glyphs::Unicode, Status::Ok) => "✓",
            (Glyphs::Unicode, Status::Failed) => "✗",
            (Glyphs::Unicode, Status::NotTried) => "·",
            (Glyphs::Ascii, Status::Ok) => "+",
            (Glyphs::Ascii, Status::Failed) => "x",
            (Glyphs::Ascii, Status::NotTried) => "-",
        }
    }

    /// What separates a line's number from the line.
    pub(super) fn bar(&self) -> &'static str {
        match self.look.glyphs {
            Glyphs::Unicode => "│",
            Glyphs::Ascii => "|",
        }
    }

    /// The mark of a warning.
    pub(super) fn caution(&self) -> &'static str {
        "!"
    }

    /// Characters that are safe to print.
    fn cells(&self, spans: &[Span]) -> Vec<Cell> {
        let cells = |span: &Span| {
            let ink = span.ink;
            let text = line(&span.text, self.look.glyphs, LONGEST);
            text.chars().map(|char| (char, ink)).collect::<Vec<_>>()
        };
        spans.iter().flat_map(cells).collect()
    }

    fn write(&mut self, line: &[Cell]) {
        let end = line
            .iter()
            .rposition(|(char, _)| *char != ' ')
            .map_or(0, |last| last + 1);
        let line = line.get(..end).unwrap_or_default();
        for run in line.chunk_by(|(_, one), (_, other)| one == other) {
            let text: String = run.iter().map(|(char, _)| char).collect();
            let ink = run.first().map_or(Ink::Plain, |(_, ink)| *ink);
            self.paint(&text, ink);
        }
        self.text.push('\n');
    }

    /// Spaces at the ends stay unpainted: nobody sees them.
    fn paint(&mut self, text: &str, ink: Ink) {
        let word = text.trim_matches(' ');
        if word.is_empty() || self.look.paint == Paint::Plain {
            self.text.push_str(text);
            return;
        }
        let start = text.find(word).unwrap_or_default();
        self.text.push_str(&" ".repeat(start));
        self.text.push_str(&painted(word, ink).to_string());
        self.text.push_str(&" ".repeat(text.len() - start - word.len()));
    }
}

/// A space belongs to its neighbours where they agree.
fn space_between(line: &[Cell], word: &[Cell]) -> Ink {
    match (line.last(), word.first()) {
        (Some((_, left)), Some((_, right))) if left == right => *left,
        _ => Ink::Plain,
    }
}

fn painted(text: &str, ink: Ink) -> ColoredString {
    match ink {
        Ink::Plain => text.normal(),
        Ink::Strong => text.bold(),
        Ink::Faint => text.dimmed(),
        Ink::Good => text.green().bold(),
        Ink::Bad => text.red().bold(),
        Ink::Caution => text.yellow().bold(),
    }
}

/// The left column of sections.
pub(super) const LABEL: usize = 7;
/// Lines longer than this are hard to read, however wide the terminal.
const WIDEST: usize = 110;
/// No text is squeezed into less than this.
const NARROWEST: usize = 24;
/// Where text goes on if its lead took the line.
const SHALLOW: usize = 4;
/// Characters that are printed of one piece of text.
const LONGEST: usize = 2_000;
/// Lines that are printed of one piece of configuration.
const MOST_LINES: usize = 100;
