//! Logs that can be shown to others: every secret masked, everything else byte for byte as it was.
//!
//! What is masked is decided by names and shapes, so that it holds for any program's logs; in doubt it is masked.

use std::borrow::Cow;
use std::io::{self, BufRead, Write};

mod hidden;

use crate::secret::MASK;
use hidden::{Hidden, hidden};

/// A line of text without its secrets.
pub fn redact(line: &str) -> Cow<'_, str> {
    let hidden = Redactor::default().hidden(line.as_bytes());
    match hidden.is_empty() {
        true => Cow::Borrowed(line),
        // What is hidden begins and ends at ASCII characters.
        false => Cow::Owned(String::from_utf8_lossy(&masked(line.as_bytes(), &hidden)).into_owned()),
    }
}

/// Copies a log without its secrets.
///
/// # Errors
/// What reading or writing ends with.
pub fn copy(mut input: impl BufRead, output: &mut impl Write) -> io::Result<()> {
    let mut redactor = Redactor::default();
    let mut piece = Vec::new();
    loop {
        let is_whole = read_line(&mut input, &mut piece)?;
        if piece.is_empty() {
            return Ok(());
        }
        let kept = if is_whole {
            redactor.line(&piece, output)?;
            piece.len()
        } else {
            redactor.piece(&piece, output)?
        };
        piece.drain(..kept);
    }
}

/// Adds to `line` up to the next newline, or as much as is looked at at once; whether the line is complete.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let bytes = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        if bytes.is_empty() {
            return Ok(true);
        }
        let room = LONGEST.saturating_sub(line.len());
        let bytes = bytes.get(..room).unwrap_or(bytes);
        let newline = memchr::memchr(b'\n', bytes);
        let taken = newline.map_or(bytes.len(), |at| at + 1);
        line.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        input.consume(taken);
        if newline.is_some() || line.len() >= LONGEST {
            return Ok(newline.is_some());
        }
    }
}

/// What one line leaves behind for the next: a private key goes over many.
#[derive(Default)]
struct Redactor {
    key: Option<InsideKey>,
    /// The rest of a line of which the secret had no end.
    hides_rest: bool,
}

/// A private key whose end has not come yet.
#[derive(Default)]
struct InsideKey {
    /// Lines in a row that hold nothing like it.
    strange: u32,
}

impl Redactor {
    fn line(&mut self, line: &[u8], output: &mut impl Write) -> io::Result<()> {
        if self.hides_rest {
            self.hides_rest = false;
            let end = line
                .iter()
                .rposition(|byte| !b"\r\n".contains(byte))
                .map_or(0, |last| last + 1);
            return output.write_all(line.get(end..).unwrap_or_default());
        }
        output.write_all(&masked(line, &self.hidden(line)))
    }

    fn hidden(&mut self, line: &[u8]) -> Vec<Hidden> {
        let mut all = hidden(line);
        all.extend(self.key_material(line));
        in_order(all)
    }

    /// A line that is too long to be looked at at once: writes as much of it as is safe, and gives how much that was.
    fn piece(&mut self, piece: &[u8], output: &mut impl Write) -> io::Result<usize> {
        if self.hides_rest {
            return Ok(piece.len());
        }
        let all = self.hidden(piece);
        // Whatever begins near the end, or has its end there, is looked at again with what follows.
        let safe = piece.len().saturating_sub(FAR);
        let clues = hidden::clues(piece).filter(|at| at + FAR > safe);
        let unended = all.iter().filter(|hidden| hidden.range.end > safe);
        let cut = clues
            .chain(unended.map(|hidden| hidden.range.start))
            .fold(safe, usize::min);
        let is_endless = all
            .last()
            .is_some_and(|last| last.range.end == piece.len() && last.range.len() > FAR);
        if is_endless || cut == 0 {
            self.hides_rest = is_endless;
            output.write_all(&masked(piece, &all))?;
            return Ok(piece.len());
        }
        let shown: Vec<Hidden> = all.into_iter().filter(|hidden| hidden.range.end <= cut).collect();
        output.write_all(&masked(piece.get(..cut).unwrap_or_default(), &shown))?;
        Ok(cut)
    }

    /// What a line holds of a private key (RFC 7468, section 10).
    fn key_material(&mut self, line: &[u8]) -> Vec<Hidden> {
        let find = |part: &[u8], from: usize| {
            let rest = line.get(from..)?;
            memchr::memmem::find(rest, part).map(|at| from + at)
        };
        let begin = find(b"-----BEGIN ", 0).and_then(|begin| find(b"PRIVATE KEY-----", begin));
        let end = find(b"-----END ", begin.unwrap_or(0));
        let mut all = Vec::new();
        if let Some(begin) = begin {
            let from = begin + "PRIVATE KEY-----".len();
            all = base64_runs(line, from, end.unwrap_or(line.len()), 1);
            self.key = Some(InsideKey::default());
        } else if let Some(key) = &mut self.key {
            let until = end.unwrap_or(line.len());
            all = base64_runs(line, 0, until, SHORTEST_RUN);
            if all.is_empty() {
                // The last line of a key is short.
                let from = content(line.get(..until).unwrap_or_default());
                all = base64_runs(line, from, until, 1);
                all.truncate(1);
                let ends = |at: usize| line.get(at).is_none_or(|byte| b"\\\"\r\n".contains(byte));
                all.retain(|hidden| hidden.range.start == from && ends(hidden.range.end));
            }
            key.strange = if all.is_empty() { key.strange + 1 } else { 0 };
            if key.strange > MOST_STRANGE {
                self.key = None;
            }
        }
        if end.is_some() {
            self.key = None;
        }
        all
    }
}

/// Where the content of a line begins that a container or a collector has wrapped.
fn content(line: &[u8]) -> usize {
    let envelope = [
        &b"\"log\":\""[..],
        b"\"message\":\"",
        b"\"MESSAGE\":\"",
        b"\"line\":\"",
        b"\"msg\":\"",
    ];
    let inside = envelope
        .iter()
        .find_map(|name| Some(memchr::memmem::find(line, name)? + name.len()));
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let last_word = || {
        line.iter()
            .rposition(|byte| byte.is_ascii_whitespace())
            .map_or(0, |at| at + 1)
    };
    inside.unwrap_or_else(last_word)
}

/// Runs of base64 of a least length up to a quote; an escaped line end parts them.
fn base64_runs(line: &[u8], from: usize, until: usize, shortest: usize) -> Vec<Hidden> {
    let mut runs = Vec::new();
    let mut at = from;
    while at < until {
        let run = line.get(at..until).unwrap_or_default();
        let length = run.iter().position(|byte| !is_base64(*byte)).unwrap_or(run.len());
        if length >= shortest {
            runs.push(Hidden {
                range: at..at + length,
                is_number: false,
            });
        }
        at += length;
        match line.get(at) {
            Some(b'"') if shortest == 1 => break,
            Some(b'\\') => at += 2,
            _ => at += 1,
        }
    }
    runs
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

/// Two kinds of secrets may lie over each other.
fn in_order(mut all: Vec<Hidden>) -> Vec<Hidden> {
    all.sort_by_key(|hidden| hidden.range.start);
    let mut end = 0;
    for hidden in &mut all {
        hidden.range.start = hidden.range.start.max(end);
        end = end.max(hidden.range.end);
    }
    all.retain(|hidden| hidden.range.start < hidden.range.end);
    all
}

fn masked(line: &[u8], hidden: &[Hidden]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(line.len());
    let mut from = 0;
    for Hidden { range, is_number } in hidden {
        shown.extend_from_slice(line.get(from..range.start).unwrap_or_default());
        let quote: &[u8] = if *is_number { b"\"" } else { b"" };
        shown.extend([quote, MASK.as_bytes(), quote].concat());
        from = range.end;
    }
    shown.extend_from_slice(line.get(from..).unwrap_or_default());
    shown
}

/// As much of a line is looked at at once.
const LONGEST: usize = 1024 * 1024;
/// No name is further away from its secret.
const FAR: usize = 4 * 1024;
/// A line of a private key has 64 characters, but the last.
const SHORTEST_RUN: usize = 16;
/// After so many lines without a part of it, a private key was cut off.
const MOST_STRANGE: u32 = 3;

#[cfg(test)]
mod tests;
