//! A case in a file: what `check --save` writes, and `replay` and `diff` read.
//!
//! A file holds what was seen and nothing that was concluded, so a diagnosis of it is as good as the program that makes
//! it. Whoever gets the file may not have written it: it may be of another version, cut off, edited or no case at all.
//! Nothing in it is a credential: a token is written as its kind and its source, and all else as a report shows it.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::config::Discovery;
use crate::evidence::{Evidence, Wire};
use crate::logs::Logs;
use crate::proxyconf::ProxyConf;

/// Grows by one when a field changes its meaning or goes away. New fields are optional, and unknown ones are passed over.
pub const SCHEMA_VERSION: u32 = 1;

/// How large a file may be, in bytes: hundreds of times a run with every experiment.
pub const LARGEST: u64 = 16 * 1024 * 1024;

/// A case and who saved it when.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The program and its version.
    pub tool: String,
    /// RFC 3339 in UTC, by the clock of the machine that was examined.
    pub saved_at: String,
    /// The case itself.
    pub evidence: Evidence,
}

/// Why a file is no case that can be diagnosed. Displays the place of the mistake and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Larger than [`LARGEST`].
    TooLarge,
    /// No JSON, or not all of it.
    Json {
        /// The parser's words, with line and column.
        text: String,
    },
    /// JSON, but not a case; a report for instance.
    Other {
        /// Whether it looks like the report of `-o json`.
        is_report: bool,
        /// The parser's words, with line and column.
        text: String,
    },
    /// A case in a form that this version doesn't read.
    Schema {
        /// The form's number.
        found: u64,
        /// The program that wrote it.
        tool: String,
    },
    /// A case with a field or value that doesn't belong there.
    Content {
        /// The parser's words, with line and column.
        text: String,
    },
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "larger than {LARGEST} bytes, which no saved evidence is"),
            Self::Json { text } => write!(
                f,
                "no complete JSON ({text}); save the evidence anew, or copy the file anew"
            ),
            Self::Other { is_report: true, .. } => {
                f.write_str("a report, not the evidence behind it; `check --save FILE` writes that")
            }
            Self::Other { is_report: false, text } => {
                write!(f, "no evidence ({text}); `check --save FILE` writes it")
            }
            Self::Schema { found, tool } if *found > u64::from(SCHEMA_VERSION) => write!(
                f,
                "evidence of form {found} by {tool}, and this version reads form {SCHEMA_VERSION}; use a newer hoop-doctor"
            ),
            Self::Schema { found, tool } => write!(
                f,
                "evidence of form {found} by {tool}, which is no longer read; save it anew with `check --save FILE`"
            ),
            Self::Content { text } => write!(
                f,
                "evidence that can't be read here ({text}); use the version of hoop-doctor that saved it, or save it anew"
            ),
        }
    }
}

impl std::error::Error for Unusable {}

impl Saved {
    /// The case as this program saves it, `now` being seconds since the epoch.
    pub fn now(evidence: Evidence, now: i64) -> Self {
        Self {
            tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            saved_at: crate::report::timestamp(now),
            evidence,
        }
    }

    /// The file's content: JSON with a line a field, so that a person can read it before it is sent anywhere.
    ///
    /// # Errors
    /// Never for a case of this program; the signature is serde's.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let file = File {
            schema_version: SCHEMA_VERSION,
            tool: Cow::Borrowed(&self.tool),
            saved_at: Cow::Borrowed(&self.saved_at),
            config: Cow::Borrowed(&self.evidence.config),
            wire: Cow::Borrowed(&self.evidence.wire),
            logs: self.evidence.logs.as_ref().map(Cow::Borrowed),
            proxyconf: self.evidence.proxyconf.as_ref().map(Cow::Borrowed),
        };
        let mut json = crate::report::text::json(&serde_json::to_string_pretty(&file)?);
        json.push('\n');
        Ok(json)
    }

    /// Reads a file's content, whoever wrote it.
    ///
    /// # Errors
    /// What keeps it from being diagnosed.
    pub fn read(json: &[u8]) -> Result<Self, Unusable> {
        if json.len() as u64 > LARGEST {
            return Err(Unusable::TooLarge);
        }
        // The form comes first: a file of another form would be full of mistakes by this one's rules.
        let head: Head = serde_json::from_slice(json).map_err(|error| match error.classify() {
            Category::Data => Unusable::Other {
                is_report: false,
                text: error.to_string(),
            },
            Category::Io | Category::Syntax | Category::Eof => Unusable::Json {
                text: error.to_string(),
            },
        })?;
        if head.findings.is_some() {
            return Err(Unusable::Other {
                is_report: true,
                text: String::new(),
            });
        }
        if head.schema_version != u64::from(SCHEMA_VERSION) {
            return Err(Unusable::Schema {
                found: head.schema_version,
                tool: head.tool,
            });
        }
        let file: File<'static> = serde_json::from_slice(json).map_err(|error| Unusable::Content {
            text: error.to_string(),
        })?;
        Ok(Self {
            tool: file.tool.into_owned(),
            saved_at: file.saved_at.into_owned(),
            evidence: Evidence {
                config: file.config.into_owned(),
                wire: file.wire.into_owned(),
                logs: file.logs.map(Cow::into_owned),
                proxyconf: file.proxyconf.map(Cow::into_owned),
            },
        })
    }
}

/// The form of the file.
#[derive(Serialize, Deserialize)]
struct File<'a> {
    schema_version: u32,
    tool: Cow<'a, str>,
    saved_at: Cow<'a, str>,
    config: Cow<'a, Discovery>,
    wire: Cow<'a, Wire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logs: Option<Cow<'a, Logs>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proxyconf: Option<Cow<'a, ProxyConf>>,
}

/// What every form of the file starts with, and what only a report has.
#[derive(Deserialize)]
struct Head {
    schema_version: u64,
    #[serde(default, deserialize_with = "text_of")]
    tool: String,
    findings: Option<serde::de::IgnoredAny>,
}

/// A report has a structure there.
fn text_of<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().unwrap_or("another program").to_owned())
}
