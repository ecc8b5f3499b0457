//! Which messages occur in a text. All spellings are looked for in one pass; only those whose longest piece is there are
//! looked at closely.

use std::cmp::Reverse;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::Folded;
use super::messages::{MESSAGES, Message, Weight};
use super::pattern::{HOLE, fold};

/// A message at a place in the text.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    /// Which one.
    pub(crate) message: &'static Message,
    /// The spelling that occurs.
    pub(crate) pattern: &'static str,
    start: usize,
    end: usize,
    /// Characters of the text that are known to belong to the message.
    literal: usize,
}

impl Hit {
    /// Whether `other` is but a part of this message.
    fn covers(&self, other: &Self) -> bool {
        self.start <= other.start && other.end <= self.end && self.literal > other.literal
    }
}

/// The messages in the text, what says most first. What is part of another message is not one by itself, and hints
/// count only where nothing else is there.
pub(crate) fn hits(text: &Folded) -> Vec<Hit> {
    let mut all: Vec<Hit> = SPELLINGS
        .near(text)
        .flat_map(|spelling| spelling.places(text))
        .collect();
    if all.iter().any(|hit| hit.message.weight == Weight::Says) {
        all.retain(|hit| hit.message.weight == Weight::Says);
    }
    let is_part = |hit: &Hit| all.iter().any(|other| other.covers(hit));
    let mut hits: Vec<Hit> = all.iter().filter(|hit| !is_part(hit)).cloned().collect();
    hits.sort_by_key(|hit| (Reverse(hit.literal), hit.start));
    hits
}

/// One spelling of a message, folded once and for all.
struct Spelling {
    message: &'static Message,
    pattern: &'static str,
    pieces: Vec<String>,
    literal: usize,
}

impl Spelling {
    fn new(message: &'static Message, pattern: &'static str) -> Self {
        Self {
            message,
            pattern,
            pieces: pattern.split(HOLE).map(fold).collect(),
            literal: pattern.chars().filter(|char| *char != HOLE).count(),
        }
    }

    fn longest_piece(&self) -> &str {
        let longest = self.pieces.iter().max_by_key(|piece| piece.len());
        longest.map_or("", String::as_str)
    }

    /// The first places of it.
    fn places(&self, text: &Folded) -> impl Iterator<Item = Hit> {
        text.places(&self.pieces).take(MOST).map(|(start, end)| Hit {
            message: self.message,
            pattern: self.pattern,
            start,
            end,
            literal: self.literal,
        })
    }
}

/// All spellings of all messages.
struct Spellings {
    /// In the order of the table.
    all: Vec<Spelling>,
    /// Finds the longest piece of each.
    longest_pieces: AhoCorasick,
}

impl Spellings {
    fn new() -> Self {
        let spellings = MESSAGES
            .iter()
            .flat_map(|message| message.patterns.iter().map(|pattern| Spelling::new(message, pattern)));
        let all: Vec<Spelling> = spellings.collect();
        let longest_pieces = AhoCorasick::new(all.iter().map(Spelling::longest_piece));
        Self {
            longest_pieces: longest_pieces.expect("a few hundred short literals fit any automaton"),
            all,
        }
    }

    /// Those that may occur in the text, in the order of the table.
    fn near(&self, text: &Folded) -> impl Iterator<Item = &Spelling> {
        let found = self.longest_pieces.find_overlapping_iter(text.as_str());
        let mut near: Vec<usize> = found.map(|found| found.pattern().as_usize()).collect();
        near.sort_unstable();
        near.dedup();
        near.into_iter().filter_map(|at| self.all.get(at))
    }
}

static SPELLINGS: LazyLock<Spellings> = LazyLock::new(Spellings::new);
/// Places of one spelling that are looked at: more of the same say nothing more.
const MOST: usize = 32;
