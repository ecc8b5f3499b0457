//! `tests/logs/table.tsv`: which logs there are, who writes them, and what is to be found in them.

use std::fs;
use std::io;

use super::folder;
use super::wrapper::Wrapper;

/// One line of `tests/logs/table.tsv`.
pub(super) struct Row {
    pub(super) name: String,
    /// Who is met: `fault/NAME`, a scenario of the lab, `healthy`, `healthy-tls`, `gateway`, `gateway-tls` or `nothing`;
    /// `by-hand` for what can't be run here.
    pub(super) met: String,
    /// Who meets it, how it logs and what the proxy logs: words with a comma between them.
    pub(super) told: Vec<String>,
    /// Whose log is kept.
    pub(super) kept: String,
    pub(super) wrapper: Wrapper,
    /// What is to be found.
    pub(super) expected: Vec<String>,
}

/// The table.
///
/// Panics at a row that can't be read: it is part of the repository.
pub(super) fn rows() -> io::Result<Vec<Row>> {
    let text = fs::read_to_string(folder().join("table.tsv"))?;
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(rows
        .map(|line| Row::parse(line).unwrap_or_else(|| panic!("table.tsv: no case: {line:?}")))
        .collect())
}

impl Row {
    fn parse(line: &str) -> Option<Self> {
        let mut columns = line.split('\t');
        Some(Self {
            name: columns.next()?.to_owned(),
            met: columns.next()?.to_owned(),
            told: columns.next()?.split(',').map(str::to_owned).collect(),
            kept: columns.next()?.to_owned(),
            wrapper: Wrapper::named(columns.next()?)?,
            expected: columns.next()?.split("; ").map(str::to_owned).collect(),
        })
    }

    /// Whether this is one of the words.
    pub(super) fn is_told(&self, word: &str) -> bool {
        self.told.iter().any(|told| told == word)
    }

    /// What follows `name=`.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.told
            .iter()
            .find_map(|told| told.strip_prefix(name)?.strip_prefix('='))
    }

    pub(super) fn milliseconds(&self, name: &str, otherwise: u64) -> u64 {
        let seconds = self.value(name).and_then(|value| value.parse::<u64>().ok());
        seconds.map_or(otherwise, |seconds| seconds * 1_000)
    }
}
