//! Log lines as evidence: what agent, client, gateway and proxies wrote, read line by line and kept only where it says something.
//!
//! A line is taken out of its wrapper ([`line`]), recognised by one table of messages and one of fields ([`signs`]), and
//! counted. Which finding a sign leads to is not decided here.

use serde::{Deserialize, Serialize};

mod access;
pub mod line;
pub mod reader;
pub mod redact;
pub mod signs;

/// Everything that the logs say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// What was read, in the order in which it was given.
    pub files: Vec<FileRead>,
    /// What was recognised, by file and first line.
    pub sightings: Vec<Sighting>,
}

/// One file, or standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRead {
    /// As it was given; `-` for standard input.
    pub name: String,
    /// How many lines it has.
    pub lines: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Why not all of it was read.
    pub problem: Option<String>,
}

/// All occurrences of one sign in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The sign, by its sample: [`signs::named`] finds it again.
    pub sign: String,
    /// Which file, as an index.
    pub file: usize,
    /// The line where it was first seen, from 1.
    pub line: u64,
    /// How many lines say it.
    pub count: u64,
    /// The first such line without its wrapper and secrets, at most 300 characters.
    pub excerpt: String,
    /// When: one entry for each second in which it was seen, the first ones of many.
    pub times: Times,
}

/// Moments at which something was logged, in milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The first one of each burst, at most [`MOST_TIMES`] of them.
    pub bursts: Vec<i64>,
    /// How many bursts there were in all.
    pub count: u64,
    /// The last moment of all.
    pub last: Option<i64>,
}

/// How many bursts are kept of one sign.
pub const MOST_TIMES: usize = 1_000;
/// Lines that are no further apart than this, in milliseconds, are one event.
const BURST: i64 = 1_000;

impl Times {
    /// Adds the moment of a line. Lines of one file mostly come in order; what jumps back begins a burst of its own.
    pub fn add(&mut self, at: i64) {
        let goes_on = self.last.is_some_and(|last| (0..=BURST).contains(&(at - last)));
        if !goes_on {
            self.count += 1;
            if self.bursts.len() < MOST_TIMES {
                self.bursts.push(at);
            }
        }
        self.last = Some(at);
    }

    /// The constant distance between bursts, in milliseconds, where there is one: at least three bursts, and no gap that
    /// is off by more than a twentieth or half a second.
    pub fn period(&self) -> Option<u64> {
        let gaps: Vec<i64> = self
            .bursts
            .windows(2)
            .filter_map(|pair| Some(pair.get(1)? - pair.first()?))
            .collect();
        let middle = steady(&gaps)?;
        let is_told_apart = gaps.len() >= 2 && middle > BURST;
        is_told_apart.then(|| u64::try_from(middle).ok()).flatten()
    }
}

/// The middle one of some time spans, in milliseconds, where none is off by more than a twentieth or half a second.
pub fn steady(spans: &[i64]) -> Option<i64> {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    let middle = *sorted.get(sorted.len() / 2)?;
    let off = (middle / 20).max(500);
    spans.iter().all(|span| (span - middle).abs() <= off).then_some(middle)
}
