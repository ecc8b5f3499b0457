//! What lines say: the messages of `explain`, and the fields of proxies' access logs, each with the findings that it can mean.

use std::collections::BTreeSet;

use super::line::Line;
use crate::explain::messages::{MESSAGES, Message};
use crate::explain::{Folded, hits};

/// The sign with this sample.
pub fn named(sample: &str) -> Option<&'static Message> {
    MESSAGES.iter().find(|message| message.sample == sample)
}

/// What a line says.
pub fn of(line: &Line) -> Vec<&'static Message> {
    let mut signs: Vec<&'static Message> = Vec::new();
    for hit in hits(&Folded::new(&line.text)) {
        if signs.iter().all(|sign| sign.sample != hit.message.sample) {
            signs.push(hit.message);
        }
    }
    signs
}

/// Literals of which each line that says something has one, in any case of letters: nothing in them is escaped by JSON.
pub fn anchors() -> impl Iterator<Item = &'static str> {
    let patterns = MESSAGES.iter().flat_map(|message| message.patterns);
    let anchors: BTreeSet<&'static str> = patterns.map(|pattern| anchor(pattern)).collect();
    anchors.into_iter()
}

fn anchor(pattern: &'static str) -> &'static str {
    let pieces = pattern.split(|char: char| !char.is_ascii() || "\"\\'<>&".contains(char));
    let pieces = pieces.map(str::trim);
    pieces.max_by_key(|piece| piece.len()).unwrap_or_default()
}
