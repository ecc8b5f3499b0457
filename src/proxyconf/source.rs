//! The text of configuration files: what can be read, how much of it, and where something stands in it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Allowed, Place};

/// A configuration file.
#[derive(Clone, Debug)]
pub struct Text {
    /// As it was given.
    pub name: String,
    /// Where it lies; `None` for standard input.
    pub path: Option<PathBuf>,
    /// What it says, without a byte order mark.
    pub content: String,
    /// Where its lines begin, in bytes.
    starts: Vec<usize>,
}

/// Why a file can't be read; the text names the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The system says so.
    Io(String),
    /// It is a directory, a device or the like.
    NoFile(&'static str),
    /// It is larger than [`MOST_BYTES`].
    TooLarge,
    /// It has bytes that are no UTF-8: the line and column of the first.
    Encoding(usize, usize),
    /// It has a NUL byte, at this line: no text.
    Binary(usize),
}

/// How large a file may be: 32 MiB. A large mesh's `config_dump` has 20.
pub const MOST_BYTES: u64 = 32 << 20;
/// How many files may be included, and how many bytes they may have together.
const MOST_INCLUDED: usize = 2_000;
const MOST_INCLUDED_BYTES: u64 = 64 << 20;
/// Characters of a line that are quoted.
const QUOTED: usize = 200;

impl Text {
    /// A text with this name.
    pub fn new(name: impl Into<String>, content: impl Into<String>) -> Self {
        let content = content.into();
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', content.as_bytes()).map(|at| at + 1));
        Self {
            name: name.into(),
            path: None,
            starts: starts.collect(),
            content,
        }
    }

    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let name = path.display().to_string();
        if name == "-" {
            return Self::decode(name, &bounded(io::stdin().lock())?);
        }
        // Before it is opened: a FIFO without a writer would wait for ever.
        let kind = fs::metadata(path).map_err(|error| Unreadable::Io(error.to_string()))?;
        if kind.is_dir() {
            return Err(Unreadable::NoFile("a directory: name the files in it"));
        }
        if kind.is_file() && kind.len() > MOST_BYTES {
            return Err(Unreadable::TooLarge);
        }
        let file = File::open(path).map_err(|error| Unreadable::Io(error.to_string()))?;
        let text = Self::decode(name, &bounded(file)?)?;
        Ok(Self {
            path: Some(path.to_owned()),
            ..text
        })
    }

    /// Text from bytes: UTF-8, or UTF-16 with a byte order mark, as PowerShell writes it.
    fn decode(name: String, bytes: &[u8]) -> Result<Self, Unreadable> {
        let content = match bytes {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            _ => {
                let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
                utf8(bytes).map(str::to_owned)
            }
        }?;
        match content.bytes().position(|byte| byte == 0) {
            Some(at) => Err(Unreadable::Binary(
                content.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1,
            )),
            None => Ok(Self::new(name, content)),
        }
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.content.lines().count()
    }

    /// The place of a byte.
    pub fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.content.get(start..offset).unwrap_or_default();
        self.place_at(line, before.chars().count() + 1)
    }

    /// The place of a line and column, both from 1.
    pub fn place_at(&self, line: usize, column: usize) -> Place {
        let quoted = self.line(line).trim_end().chars().take(QUOTED).collect();
        Place {
            file: self.name.clone(),
            line,
            column,
            text: quoted,
        }
    }

    /// A line, from 1, without its end.
    pub fn line(&self, line: usize) -> &str {
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index));
        let text = start.and_then(|start| self.content.get(*start..)).unwrap_or_default();
        text.split('\n').next().unwrap_or_default().trim_end_matches('\r')
    }

    /// The comments that allow findings: `hoop-doctor: allow HD706, HD703 because …` behind `#` or `//`.
    pub fn allowed(&self) -> Vec<Allowed> {
        let mut found = Vec::new();
        for at in memchr::memmem::find_iter(self.content.as_bytes(), MARK) {
            let place = self.place(at);
            let line = self.line(place.line);
            let before: String = line.chars().take(place.column - 1).collect();
            let Some(code) = comment(&before) else { continue };
            let rest: String = line.chars().skip(place.column - 1 + MARK.len()).collect();
            let (codes, reason) = match rest.split_once(" because ") {
                Some((codes, reason)) => (
                    codes,
                    Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty()),
                ),
                None => (rest.as_str(), None),
            };
            // Alone on its line, it is about the next one that says something.
            let about = match code.trim().is_empty() {
                false => place.line,
                true => self.next_statement(place.line),
            };
            found.push(Allowed {
                codes: codes
                    .split([',', ' '])
                    .map(str::trim)
                    .filter(|code| !code.is_empty())
                    .map(str::to_owned)
                    .collect(),
                reason,
                line: about,
                at: place,
            });
        }
        found
    }

    /// The next line that is neither empty nor a comment.
    fn next_statement(&self, line: usize) -> usize {
        let says = |line: &usize| {
            let text = self.line(*line).trim();
            !text.is_empty() && comment(text).is_none_or(|code| !code.trim().is_empty())
        };
        (line + 1..=self.starts.len()).find(says).unwrap_or(line)
    }
}

const MARK: &[u8] = b"hoop-doctor: allow ";

/// What stands before a comment on its line; `None` where none begins.
fn comment(line: &str) -> Option<&str> {
    let hash = line
        .match_indices('#')
        .map(|(at, _)| at)
        .find(|at| starts_comment(line, *at));
    let slashes = line
        .match_indices("//")
        .map(|(at, _)| at)
        .find(|at| starts_comment(line, *at));
    let at = [hash, slashes].into_iter().flatten().min()?;
    line.get(..at)
}

/// In all of the proxies' languages a comment stands at the start, or behind white space or the end of a statement.
fn starts_comment(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|before| before.chars().next_back());
    before.is_none_or(|char| char.is_whitespace() || matches!(char, ';' | '{' | '}'))
}

/// Reads at most as much as a file may have.
fn bounded(input: impl Read) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    let read = input.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    match read {
        Err(error) => Err(Unreadable::Io(error.to_string())),
        Ok(_) if bytes.len() as u64 > MOST_BYTES => Err(Unreadable::TooLarge),
        Ok(_) => Ok(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', good).count() + 1;
        let start = memchr::memrchr(b'\n', good).map_or(0, |at| at + 1);
        Unreadable::Encoding(
            line,
            String::from_utf8_lossy(good.get(start..).unwrap_or_default())
                .chars()
                .count()
                + 1,
        )
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Unreadable> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let decoded: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    match (decoded, rest) {
        (Ok(text), []) => Ok(text),
        _ => Err(Unreadable::Encoding(1, 1)),
    }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::NoFile(what) => write!(f, "it is {what}"),
            Self::TooLarge => write!(
                f,
                "it has more than {} MiB, which no configuration has",
                MOST_BYTES >> 20
            ),
            Self::Encoding(line, column) => write!(
                f,
                "line {line}, column {column} is not UTF-8: convert it, for instance with iconv -f latin1 -t utf-8"
            ),
            Self::Binary(line) => write!(f, "line {line} has a NUL byte: it is no text"),
        }
    }
}

/// Reads the files that others include, once each and within bounds.
#[derive(Debug, Default)]
pub struct Includes {
    bytes: u64,
    files: usize,
}

impl Includes {
    /// The files that a pattern names, in the order of their names. A relative one begins at `base`. Wildcards (`*`, `?`,
    /// `[…]`) may stand in any part; a pattern without any names one file, which is an error where it isn't there.
    ///
    /// # Errors
    /// The file and why it can't be read.
    pub fn named(&mut self, base: &Path, pattern: &str) -> Result<Vec<Text>, (PathBuf, Unreadable)> {
        let full = base.join(pattern);
        let paths = match pattern.contains(['*', '?', '[']) {
            true => matching(&full),
            false => vec![full],
        };
        paths.into_iter().map(|path| self.read(path)).collect()
    }

    fn read(&mut self, path: PathBuf) -> Result<Text, (PathBuf, Unreadable)> {
        let text = Text::open(&path).map_err(|why| (path.clone(), why))?;
        self.files += 1;
        self.bytes += text.content.len() as u64;
        match self.files > MOST_INCLUDED || self.bytes > MOST_INCLUDED_BYTES {
            true => Err((path, Unreadable::TooLarge)),
            false => Ok(text),
        }
    }
}

/// The paths that a pattern with wildcards names, sorted.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let mut found = BTreeSet::from([PathBuf::new()]);
    for part in pattern.components() {
        let part = part.as_os_str();
        let text = part.to_string_lossy();
        if !text.contains(['*', '?', '[']) {
            found = found.into_iter().map(|path| path.join(part)).collect();
            continue;
        }
        let entries = found
            .iter()
            .flat_map(|path| fs::read_dir(path).into_iter().flatten().flatten());
        let named = entries.filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // As glob(3): what is hidden is named with its dot.
            glob(text.as_bytes(), name.as_bytes()) && (!name.starts_with('.') || text.starts_with('.'))
        });
        found = named.map(|entry| entry.path()).take(MOST_INCLUDED + 1).collect();
    }
    found.into_iter().filter(|path| path.exists()).collect()
}

/// glob(7) within one name.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            glob(rest, name) || name.split_first().is_some_and(|(_, shorter)| glob(pattern, shorter))
        }
        ([b'?', rest @ ..], [_, shorter @ ..]) => glob(rest, shorter),
        ([b'[', rest @ ..], [byte, shorter @ ..]) => match rest.iter().skip(1).position(|end| *end == b']') {
            Some(end) => {
                let (set, after) = rest.split_at(end + 1);
                in_set(set, *byte) && glob(after.get(1..).unwrap_or_default(), shorter)
            }
            None => *byte == b'[' && glob(rest, shorter),
        },
        ([own, rest @ ..], [byte, shorter @ ..]) => own == byte && glob(rest, shorter),
        _ => false,
    }
}

/// `a-z0`, or `!a-z` for the others.
fn in_set(set: &[u8], byte: u8) -> bool {
    let (not, mut set) = match set {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, set),
    };
    let mut found = false;
    loop {
        match set {
            [from, b'-', to, rest @ ..] => {
                found |= (*from..=*to).contains(&byte);
                set = rest;
            }
            [one, rest @ ..] => {
                found |= *one == byte;
                set = rest;
            }
            [] => return found != not,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Includes, Text, Unreadable};
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_place_is_counted_in_characters_from_one() {
        let text = Text::new("a.conf", "one\nzwölf drei\r\nvier");
        let place = text.place(text.content.find("drei").expect("it is there"));
        assert_eq!((place.line, place.column, place.text.as_str()), (2, 7, "zwölf drei"));
        assert_eq!((text.place(0).line, text.place(0).column), (1, 1));
        assert_eq!(text.line(3), "vier");
    }

    #[test]
    fn what_is_saved_of_a_line_has_no_secret() {
        let text = Text::new(
            "a.conf",
            "proxy_set_header Authorization \"Bearer eyJhbGciOiJIUzI1NiJ9.e30.abcdefghij\";",
        );
        let saved = serde_json::to_string(&text.place(0)).expect("a place is written");
        assert!(
            saved.contains("proxy_set_header") && !saved.contains("abcdefghij"),
            "{saved}"
        );
    }

    #[test]
    fn an_allowing_comment_is_about_its_line_or_the_next_statement() {
        let text = Text::new(
            "a.conf",
            "# hoop-doctor: allow HD706, HD703 because the balancer says so\n\n# more\nretries 3;\n\
             retries 4; # hoop-doctor: allow HD706\nurl \"http://x/# hoop-doctor: allow HD1 because it is a value\";",
        );
        let all: Vec<_> = text
            .allowed()
            .into_iter()
            .map(|one| (one.line, one.codes, one.reason))
            .collect();
        let codes = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            all,
            [
                (4, codes(&["HD706", "HD703"]), Some("the balancer says so".to_owned())),
                (5, codes(&["HD706"]), None),
            ]
        );
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let read = |bytes: &[u8]| Text::decode("x".to_owned(), bytes).map(|text| text.content);
        assert_eq!(read(b"\xef\xbb\xbfa").as_deref(), Ok("a"));
        assert_eq!(read(b"\xff\xfea\0b\0").as_deref(), Ok("ab"));
        assert_eq!(read(b"a\nb\xe9"), Err(Unreadable::Encoding(2, 2)));
        assert_eq!(read(b"a\n\0"), Err(Unreadable::Binary(2)));
    }

    #[test]
    fn includes_are_found_by_pattern_in_order() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("conf.d")).expect("a directory");
        for name in ["b.conf", "a.conf", "c.txt", ".hidden.conf"] {
            fs::write(dir.path().join("conf.d").join(name), name).expect("a file");
        }
        let named = |pattern: &str| {
            let all = Includes::default().named(dir.path(), pattern);
            all.map(|all| all.into_iter().map(|text| text.content).collect::<Vec<_>>())
        };
        assert_eq!(
            named("conf.d/*.conf"),
            Ok(vec!["a.conf".to_owned(), "b.conf".to_owned()])
        );
        assert_eq!(named("*/[b-c].*").map(|all| all.len()), Ok(2));
        assert_eq!(named("none/*.conf"), Ok(Vec::new()));
        assert!(named("none.conf").is_err());
        assert!(matches!(Text::open(Path::new(dir.path())), Err(Unreadable::NoFile(_))));
    }
}
