//! `config.toml` of the client, read as Hoop's TOML library does: keys in any case, unknown ones passed over.
//!
//! The file is only read. Hoop itself would create it, and the folder around it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{FileFault, IoRefusal};
use super::problem::{Problem, ProblemKind};
use super::source::{Place, Position, Source, Value};
use crate::secret::{MASK, looks_like_token};

/// What config.toml says. A key that isn't there and one that is empty are the same to Hoop.
#[derive(Default)]
pub(super) struct ConfigFile {
    pub(super) token: Option<Value>,
    pub(super) api_url: Option<Value>,
    pub(super) grpc_url: Option<Value>,
    pub(super) tls_ca: Option<Value>,
    /// Where verification is switched off.
    pub(super) skip_tls_verify: Option<Source>,
    /// Unknown keys.
    pub(super) problems: Vec<Problem>,
}

/// Reads the file; `Err` where Hoop would refuse it. A file that isn't there is empty: Hoop would create it so.
pub(super) fn read(path: &Path) -> Result<ConfigFile, Box<Problem>> {
    let bytes = match read_bounded(path) {
        Ok(bytes) => bytes,
        Err(FileFault::Io {
            kind: IoRefusal::NotFound,
            ..
        }) => return Ok(ConfigFile::default()),
        Err(fault) => return Err(invalid(path, fault, None)),
    };
    let text = match str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let byte = bytes[error.valid_up_to()];
            let position = Position::of(&before, before.len());
            return Err(invalid(path, FileFault::NotUtf8 { byte }, Some(position)));
        }
    };
    parse(path, text)
}

/// Everything in a file that is no larger than a configuration could be.
pub(super) fn read_bounded(path: &Path) -> Result<Vec<u8>, FileFault> {
    let failed = |error: io::Error| FileFault::Io {
        path: path.to_owned(),
        kind: error.kind().into(),
    };
    let file = File::open(path).map_err(failed)?;
    // Linux opens a folder and fails at reading it; other systems differ.
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(FileFault::Io {
            path: path.to_owned(),
            kind: IoRefusal::IsADirectory,
        });
    }
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(FileFault::TooLarge { limit: LIMIT });
    }
    Ok(bytes)
}

/// The permission bits of a file that others than its owner can read.
#[cfg(unix)]
pub(super) fn exposed(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;

    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o044 != 0 && !is_in_a_pods_volume(path)).then_some(mode)
}

/// Kubernetes shows a pod its Secret as links into a folder such as `..2026_11_23_08_30_00.123456789`
/// (`pkg/volume/util/atomic_writer.go`). No other pod sees it: the mode says who of this one may read it.
#[cfg(unix)]
fn is_in_a_pods_volume(path: &Path) -> bool {
    let file = path.canonicalize().ok();
    let folder = file.as_deref().and_then(Path::parent).and_then(Path::file_name);
    folder.is_some_and(|name| name.as_encoded_bytes().starts_with(b".."))
}

/// Windows has no such bits.
#[cfg(not(unix))]
pub(super) fn exposed(_path: &Path) -> Option<u32> {
    None
}

fn parse(path: &Path, text: &str) -> Result<ConfigFile, Box<Problem>> {
    let table = DeTable::parse(text).map_err(|error| {
        let position = error.span().map(|span| Position::of(text, span.start));
        invalid(
            path,
            FileFault::Syntax {
                message: error.message().to_owned(),
            },
            position,
        )
    })?;
    let table = table.into_inner();
    let mut file = ConfigFile::default();
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let source = Source::File(Place {
            path: path.to_owned(),
            key: Some(shown(key.get_ref())),
            position: Some(Position::of(text, key.span().start)),
        });
        let Some(known) = KEYS.iter().find(|known| matches(known, key.get_ref())) else {
            let kind = ProblemKind::FileKeyUnknown {
                key: shown(key.get_ref()),
                nearest: nearest(key.get_ref()).map(Cow::Borrowed),
            };
            file.problems.push(Problem { kind, source });
            continue;
        };
        // The exact spelling wins over the same key in capitals, whose order Hoop leaves to chance.
        if key.get_ref() != known && table.contains_key(*known) {
            continue;
        }
        file.take(known, value, source)?;
    }
    Ok(file)
}

impl ConfigFile {
    fn take(&mut self, key: &'static str, value: &Spanned<DeValue<'_>>, source: Source) -> Result<(), Box<Problem>> {
        let wants = if key == "skip_tls_verify" { "boolean" } else { "string" };
        match (key, value.get_ref()) {
            ("skip_tls_verify", DeValue::Boolean(on)) => self.skip_tls_verify = on.then_some(source),
            ("token", DeValue::String(text)) => self.token = present(text, source),
            ("api_url", DeValue::String(text)) => self.api_url = present(text, source),
            ("grpc_url", DeValue::String(text)) => self.grpc_url = present(text, source),
            ("tls_ca", DeValue::String(text)) => self.tls_ca = present(text, source),
            (_, other) => {
                let fault = FileFault::WrongType {
                    key: key.into(),
                    wants: wants.into(),
                    found: go_type(other).into(),
                };
                return Err(Box::new(Problem {
                    kind: ProblemKind::FileInvalid(fault),
                    source,
                }));
            }
        }
        Ok(())
    }
}

fn present(text: &str, source: Source) -> Option<Value> {
    (!text.is_empty()).then(|| Value {
        text: text.to_owned(),
        source,
    })
}

fn invalid(path: &Path, fault: FileFault, position: Option<Position>) -> Box<Problem> {
    let source = Source::File(Place {
        path: path.to_owned(),
        key: None,
        position,
    });
    Box::new(Problem {
        kind: ProblemKind::FileInvalid(fault),
        source,
    })
}

/// A key as it may be shown: one that is no word may be a credential in the wrong place.
fn shown(key: &str) -> String {
    let word = key.len() <= LONGEST_SHOWN && key.chars().all(|char| char.is_alphanumeric() || "_-. ".contains(char));
    if word && !looks_like_token(key) {
        key.to_owned()
    } else {
        MASK.to_owned()
    }
}

/// Go's `EqualFold` for keys that are plain ASCII.
fn matches(known: &str, key: &str) -> bool {
    known.eq_ignore_ascii_case(key)
}

/// How Hoop's TOML library calls the type of a value.
fn go_type(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "string",
        DeValue::Integer(_) => "int64",
        DeValue::Float(_) => "float64",
        DeValue::Boolean(_) => "bool",
        DeValue::Datetime(_) => "time.Time",
        DeValue::Array(_) => "[]any",
        DeValue::Table(_) => "map[string]any",
    }
}

/// The known key that differs least, if it is close: separators and case don't count.
fn nearest(key: &str) -> Option<&'static str> {
    let plain = |text: &str| {
        text.chars()
            .filter(|char| char.is_alphanumeric())
            .collect::<String>()
            .to_lowercase()
    };
    let key = plain(key);
    if key.len() > LONGEST_GUESS {
        return None;
    }
    let distance = |known: &&&'static str| edits(&key, &plain(known));
    let best = KEYS
        .iter()
        .chain(ALIASES.iter().map(|(alias, _)| alias))
        .min_by_key(distance)?;
    let close = edits(&key, &plain(best)) <= plain(best).len() / 3;
    let meant = ALIASES
        .iter()
        .find(|(alias, _)| alias == best)
        .map_or(*best, |(_, meant)| meant);
    close.then_some(meant)
}

/// Levenshtein's distance.
pub(crate) fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, right) in b.chars().enumerate() {
            let substituted = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// A configuration is a few hundred bytes, a CA bundle a few hundred kilobytes.
const LIMIT: u64 = 1024 * 1024;

/// No key of Hoop's is nearly as long.
const LONGEST_GUESS: usize = 40;

/// Tokens are longer than this, known keys and what people make of them are not.
const LONGEST_SHOWN: usize = 24;

const KEYS: &[&str] = &["token", "api_url", "grpc_url", "tls_ca", "skip_tls_verify"];

/// What people write for a key that they know from a flag or a variable.
const ALIASES: &[(&str, &str)] = &[
    ("api", "api_url"),
    ("api_key", "token"),
    ("ca", "tls_ca"),
    ("grpc", "grpc_url"),
    ("hoop_apiurl", "api_url"),
    ("hoop_grpcurl", "grpc_url"),
    ("hoop_token", "token"),
    ("hoop_tlsca", "tls_ca"),
    ("hoop_tls_skip_verify", "skip_tls_verify"),
    ("tls_skip_verify", "skip_tls_verify"),
    ("skip_tls", "skip_tls_verify"),
    ("skip_verify", "skip_tls_verify"),
];
