//! Reading logs as a stream: every line counts, few are looked at, and memory stays within a window whatever comes.
//!
//! One automaton finds the lines that may say something. A line that doesn't fit the window is looked at where it
//! begins and around what the automaton finds.

use std::io::{self, Cursor, Read};
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input};
use flate2::read::MultiGzDecoder;
use memchr::{memchr, memchr_iter, memrchr};

use super::line::{LONGEST, Line};
use super::redact::redact;
use super::{FileRead, Logs, Sighting, signs};
use crate::explain::messages::Message;

/// A log to read.
pub struct Source {
    /// As it was given.
    pub name: String,
    /// Its bytes, or why there are none.
    pub input: io::Result<Box<dyn Read>>,
}

/// Reads logs one after the other; what can't be read is a `problem` of that file.
pub fn read(sources: impl IntoIterator<Item = Source>) -> Logs {
    let mut logs = Logs::default();
    for source in sources {
        let mut reading = Reading {
            file: logs.files.len(),
            sightings: &mut logs.sightings,
            lines: 0,
            bytes: 0,
            long: None,
            problem: None,
        };
        let done = source.input.and_then(plain).and_then(|input| reading.all(input));
        let problem = match done {
            Ok(()) => reading.problem,
            Err(error) if reading.bytes == 0 => Some(words(&error)),
            Err(error) => Some(format!("read up to line {}: {}", reading.lines, words(&error))),
        };
        logs.files.push(FileRead {
            name: source.name,
            lines: reading.lines,
            bytes: reading.bytes,
            problem,
        });
    }
    logs
}

/// The text of a log: gzip is undone, and other compression refused, because nothing would be found in it.
///
/// # Errors
/// What reading the first bytes ends with, and compression that is not undone here.
pub fn plain(mut input: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let mut start = Vec::with_capacity(LONGEST_MAGIC);
    let longest = u64::try_from(LONGEST_MAGIC).unwrap_or(u64::MAX);
    input.by_ref().take(longest).read_to_end(&mut start)?;
    let refused = COMPRESSED.iter().find(|(magic, _)| start.starts_with(magic));
    let is_gzip = start.starts_with(GZIP);
    let whole = Cursor::new(start).chain(input);
    match refused {
        Some((_, command)) => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("compressed; pipe the output of `{command}` in"),
        )),
        None if is_gzip => Ok(Box::new(MultiGzDecoder::new(whole))),
        None => Ok(Box::new(whole)),
    }
}

/// What the system says of a file, without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

/// One file that is being read.
struct Reading<'a> {
    file: usize,
    sightings: &'a mut Vec<Sighting>,
    /// Lines that are complete.
    lines: u64,
    bytes: u64,
    /// The line that doesn't fit the window, while it lasts.
    long: Option<Long>,
    problem: Option<String>,
}

/// A line of which only parts are looked at.
#[derive(Default)]
struct Long {
    at: Option<i64>,
    said: Vec<&'static Message>,
    looks: usize,
}

/// A part of a line, and what is known of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// From its beginning.
    Beginning,
    /// From anywhere: what it begins with may be the rest of a secret.
    Middle,
}

impl Reading<'_> {
    fn all(&mut self, mut input: Box<dyn Read>) -> io::Result<()> {
        let mut window = vec![0; WINDOW];
        let mut filled = 0;
        loop {
            let room = window.get_mut(filled..).unwrap_or_default();
            let read = match input.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.last(window.get(..filled).unwrap_or_default());
                    return Err(error);
                }
                Ok(read) => read,
            };
            self.bytes += read as u64;
            filled += read;
            let there = window.get(..filled).unwrap_or_default();
            if read == 0 {
                self.last(there);
                return Ok(());
            }
            let kept = match memrchr(b'\n', there) {
                Some(end) => {
                    let (complete, _) = there.split_at(end + 1);
                    self.complete(complete);
                    end + 1
                }
                None if filled == WINDOW => {
                    self.part(there);
                    WINDOW - AROUND
                }
                None => 0,
            };
            window.copy_within(kept..filled, 0);
            filled -= kept;
        }
    }

    /// Lines that all have an end.
    fn complete(&mut self, lines: &[u8]) {
        let mut from = 0;
        if self.long.is_some() {
            let end = memchr(b'\n', lines).unwrap_or(lines.len());
            self.part(lines.get(..end).unwrap_or_default());
            self.end_of_long();
            self.lines += 1;
            from = end + 1;
        }
        while let Some(found) = ANCHORS.find(Input::new(lines).span(from.min(lines.len())..lines.len())) {
            let passed = lines.get(from..found.start()).unwrap_or_default();
            let start = memrchr(b'\n', passed).map_or(from, |at| from + at + 1);
            let rest = lines.get(found.end()..).unwrap_or_default();
            let end = memchr(b'\n', rest).map_or(lines.len(), |at| found.end() + at);
            self.lines += count(lines.get(from..start).unwrap_or_default());
            self.line(lines.get(start..end).unwrap_or_default());
            self.lines += 1;
            from = end + 1;
        }
        self.lines += count(lines.get(from..).unwrap_or_default());
    }

    /// What follows the last newline.
    fn last(&mut self, line: &[u8]) {
        if self.long.is_some() {
            self.part(line);
            self.end_of_long();
            self.lines += 1;
        } else if !line.is_empty() {
            self.line(line);
            self.lines += 1;
        }
    }

    /// One line, without its newline, in which there may be something.
    fn line(&mut self, line: &[u8]) {
        if line.len() <= LONGEST {
            let line = Line::open(line);
            for sign in signs::of(&line) {
                self.add(sign, &line, Part::Beginning);
            }
            return;
        }
        self.part(line);
        self.end_of_long();
    }

    /// A part of a line that is too long to be looked at in full.
    fn part(&mut self, bytes: &[u8]) {
        let mut from = 0;
        let mut long = match self.long.take() {
            Some(long) => long,
            None => {
                let beginning = Line::open(bytes);
                let mut long = Long {
                    at: beginning.at,
                    ..Long::default()
                };
                self.look(beginning, Part::Beginning, &mut long);
                from = bytes.len().min(LONGEST - AROUND);
                long
            }
        };
        while let Some(found) = ANCHORS.find(Input::new(bytes).span(from..bytes.len())) {
            if long.looks >= MOST_LOOKS {
                let number = self.lines + 1;
                let problem = format!("line {number} is so long that not all of it was looked at");
                self.problem.get_or_insert(problem);
                break;
            }
            let start = found.start().saturating_sub(AROUND);
            let end = bytes.len().min(found.end() + AROUND);
            let mut around = Line::open(bytes.get(start..end).unwrap_or_default());
            around.at = long.at;
            self.look(around, Part::Middle, &mut long);
            from = end.min(found.end() + AROUND / 2);
        }
        self.long = Some(long);
    }

    fn look(&mut self, line: Line, part: Part, long: &mut Long) {
        long.looks += 1;
        for sign in signs::of(&line) {
            if long.said.iter().all(|said| said.sample != sign.sample) {
                self.add(sign, &line, part);
                long.said.push(sign);
            }
        }
    }

    fn end_of_long(&mut self) {
        self.long = None;
    }

    /// Counts a line that says something.
    fn add(&mut self, sign: &'static Message, line: &Line, part: Part) {
        let file = self.file;
        let known = self
            .sightings
            .iter()
            .position(|one| one.file == file && one.sign == sign.sample);
        if known.is_none() {
            self.sightings.push(Sighting {
                sign: sign.sample.to_owned(),
                file,
                line: self.lines + 1,
                count: 0,
                excerpt: excerpt(sign, line, part),
                times: Default::default(),
            });
        }
        let index = known.unwrap_or(self.sightings.len() - 1);
        if let Some(sighting) = self.sightings.get_mut(index) {
            sighting.count += 1;
            if let Some(at) = line.at {
                sighting.times.add(at);
            }
        }
    }
}

/// What is shown of a line: the message of a JSON record if it says the same, and the part where it does.
fn excerpt(sign: &'static Message, line: &Line, part: Part) -> String {
    let says_it = |text: &String| {
        let line = Line {
            at: None,
            text: text.clone(),
        };
        signs::of(&line).iter().any(|other| other.sample == sign.sample)
    };
    let message = line.message().filter(says_it);
    let shown = redact(message.as_deref().unwrap_or(&line.text)).into_owned();
    let place = place(sign, &shown);
    let from = match part {
        Part::Beginning if shown.chars().count() <= LONGEST_EXCERPT => 0,
        Part::Beginning => place.filter(|at| *at > LONGEST_EXCERPT / 2).unwrap_or(0),
        Part::Middle => place.unwrap_or(shown.len()),
    };
    let shown = shown.get(from..).unwrap_or_default();
    let (before, room) = match from {
        0 => ("", LONGEST_EXCERPT),
        _ => ("…", LONGEST_EXCERPT - 1),
    };
    before.chars().chain(shown.chars().take(room)).collect()
}

/// Where a piece of the message is.
fn place(sign: &Message, text: &str) -> Option<usize> {
    let text = text.to_ascii_lowercase();
    let pieces = sign.patterns.iter().flat_map(|pattern| pattern.split('…'));
    let places = pieces.map(str::trim).filter(|piece| !piece.is_empty());
    places.filter_map(|piece| text.find(&piece.to_ascii_lowercase())).min()
}

fn count(lines: &[u8]) -> u64 {
    memchr_iter(b'\n', lines).count() as u64
}

/// Finds the lines that may say something. Built once: reading is bound by it.
static ANCHORS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(signs::anchors())
        .expect("a few hundred short literals fit any automaton")
});

/// As much of a file is in memory.
const WINDOW: usize = 256 * 1024;
/// As many bytes on each side of something in a long line are looked at; two parts of it have as many in common.
const AROUND: usize = 4 * 1024;
/// As many places of one line are looked at.
const MOST_LOOKS: usize = 1_000;
/// Characters of an excerpt.
const LONGEST_EXCERPT: usize = 300;
const GZIP: &[u8] = &[0x1f, 0x8b];
/// What other compressed files begin with, and what undoes it.
const COMPRESSED: [(&[u8], &str); 4] = [
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd -dc"),
    (b"BZh", "bzip2 -dc"),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz -dc"),
    (b"PK\x03\x04", "unzip -p"),
];
const LONGEST_MAGIC: usize = 6;

#[cfg(test)]
mod tests;
