//! A sign of life on standard error, where that is a terminal and a run takes long.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::time::{Instant, interval_at};

use super::output;
use crate::report::text;

/// Whether to show a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// One line, written again each second and erased at the end.
    Line,
    /// Nothing.
    None,
}

impl Progress {
    /// A line where people look on, unless the verdict alone was asked for.
    pub(super) fn on_standard_error(quiet: bool) -> Self {
        match io::stderr().is_terminal() && !quiet {
            true => Self::Line,
            false => Self::None,
        }
    }

    /// Does `work`, and says that it is about `what` once it has taken a second.
    pub(super) async fn beside<T>(self, what: &str, work: impl Future<Output = T>) -> T {
        if self == Self::None {
            return work.await;
        }
        tokio::pin!(work);
        let started = Instant::now();
        let mut ticks = interval_at(started + EVERY, EVERY);
        let mut line = Line::default();
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    line.write("");
                    return done;
                }
                _ = ticks.tick() => {
                    let text = format!("checking {what}: {} s", started.elapsed().as_secs());
                    line.write(&fitted(&text, columns()));
                }
            }
        }
    }
}

/// What stands on the terminal's current line.
#[derive(Default)]
struct Line {
    shown: usize,
}

impl Line {
    /// Puts `text` in the place of what is there. Spaces erase on any terminal.
    fn write(&mut self, text: &str) {
        let rewritten = rewritten(self.shown, text);
        self.shown = text.chars().count();
        let mut err = io::stderr().lock();
        // Nothing depends on whether somebody sees it.
        let _ = err.write_all(rewritten.as_bytes()).and_then(|()| err.flush());
    }
}

/// What puts `text` over `shown` characters; the cursor ends behind it.
fn rewritten(shown: usize, text: &str) -> String {
    match (shown, text) {
        (0, "") => String::new(),
        (shown, "") => format!("\r{:shown$}\r", ""),
        (shown, text) => format!("\r{text:shown$}"),
    }
}

/// A line that would wrap could not be rewritten.
fn fitted(text: &str, columns: usize) -> String {
    let room = columns.saturating_sub(1);
    text::line(text, output::glyphs(), room).chars().take(room).collect()
}

fn columns() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(80, |(terminal_size::Width(width), _)| usize::from(width))
}

/// How long a run may take in silence, and how often the line is written again.
const EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::{fitted, rewritten};

    #[test]
    fn a_line_covers_the_one_before_it_and_leaves_nothing() {
        assert_eq!(rewritten(0, ""), "", "what was quick enough shows nothing");
        assert_eq!(rewritten(0, "1234"), "\r1234");
        assert_eq!(rewritten(4, "12"), "\r12  ");
        assert_eq!(rewritten(2, ""), "\r  \r");
    }

    #[test]
    fn a_line_never_wraps_and_obeys_nobody() {
        assert_eq!(fitted("checking gw.example.com:8443: 3 s", 13).chars().count(), 12);
        assert_eq!(fitted("a\u{1b}[2Jb", 80), "a\\u{1b}[2Jb");
        assert_eq!(fitted("anything", 0), "");
    }
}
