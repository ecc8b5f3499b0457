//! Where a value comes from, so that a remedy can point at it.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::lossy;

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An environment variable.
    Variable(String),
    /// A place in a file.
    File(Place),
    /// A flag of this program, dashes included.
    Flag(Cow<'static, str>),
    /// Hoop's own default.
    Default,
}

impl Source {
    pub(super) fn variable(name: &str) -> Self {
        Self::Variable(name.to_owned())
    }

    pub(super) fn flag(flag: &'static str) -> Self {
        Self::Flag(Cow::Borrowed(flag))
    }

    pub(super) fn file(path: &Path) -> Self {
        Self::File(Place {
            path: path.to_owned(),
            key: None,
            position: None,
        })
    }
}

impl fmt::Display for Source {
    /// As a person would write it: `HOOP_KEY`, `/home/a/.hoop/config.toml:3:1`, `--ca`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::File(place) => place.fmt(f),
            Self::Flag(flag) => f.write_str(flag),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A file, and where it is known the key and its position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// As it was opened.
    #[serde(serialize_with = "lossy::path")]
    pub path: PathBuf,
    /// The key as the file spells it.
    pub key: Option<String>,
    /// Where the key or the mistake starts.
    pub position: Option<Position>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match self.position {
            Some(Position { line, column }) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// Line and column, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Lines end with a line feed.
    pub line: usize,
    /// Characters from the start of the line.
    pub column: usize,
}

impl Position {
    /// The position of the byte at `offset`, or of the end of the text.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// A text and where it comes from.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) source: Source,
}

/// One thing that was set somewhere, as a report may show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The variable, key or flag.
    pub name: String,
    /// The value with any secret hidden.
    pub value: String,
    /// Where it was set.
    pub source: Source,
    /// What Hoop reads in its place.
    pub shadowed_by: Option<Source>,
}
