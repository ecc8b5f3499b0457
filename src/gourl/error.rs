//! Why Go refuses a URL, in Go's words; whatever may be a secret is hidden where it would quote it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ip::IpFault;
use super::quote::quoted;
use crate::secret::{Kind, MASK, Secret, redact_key, redact_url};

/// Why Go refuses a URL. Displays Go's own text with the secret hidden.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseError(Box<Refusal>);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refusal {
    reason: Reason,
    position: usize,
    shown: String,
    /// Never saved: it holds the secret.
    #[serde(skip, default = "Secret::unsaved")]
    exact: Secret,
}

impl ParseError {
    pub(super) fn new(raw: &str, kind: Kind, fault: Fault) -> Self {
        let Fault { reason, at, width } = fault;
        // Go names the text up to the fragment, unless it is the fragment that it can't read.
        let named = match raw.find('#') {
            Some(end) if at <= end => &raw[..end],
            _ => raw,
        };
        let exact = format!("parse {}: {reason}", quoted(named));
        let hit = kind
            .hidden(raw)
            .iter()
            .any(|hidden| hidden.start < at + width && at < hidden.end);
        let shown = match kind {
            Kind::Url => redact_url(raw),
            Kind::Key => redact_key(raw),
        };
        // Only the whole text tells what is secret in it.
        let shown = if shown == raw { named.to_owned() } else { shown };
        Self(Box::new(Refusal {
            reason: if hit { reason.masked() } else { reason },
            position: raw.get(..at).unwrap_or(raw).chars().count(),
            shown,
            exact: Secret::new(exact),
        }))
    }

    /// The reason, with any part of the secret that Go would quote replaced by [`MASK`].
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    /// How many characters come before the first one that Go objects to.
    pub fn position(&self) -> usize {
        self.0.position
    }

    /// The text that Go prints, secret included: for comparing with a log, never for showing.
    pub fn exact(&self) -> &Secret {
        &self.0.exact
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parse {}: {}", quoted(&self.0.shown), self.0.reason)
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseError({self})")
    }
}

impl std::error::Error for ParseError {}

/// The part of Go's message behind the colon; each variant displays Go's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// An ASCII control character, a trailing newline most often.
    ControlCharacter,
    /// The text starts with a colon.
    MissingScheme,
    /// Neither a scheme nor a slash comes before the first colon.
    ColonInFirstSegment,
    /// What follows the host starts with a colon and isn't all digits; holds it, colon included.
    InvalidPort(String),
    /// A character that user information can't hold unescaped.
    InvalidUserinfo,
    /// A `%` without two hexadecimal digits, or one that Go doesn't accept in a host; holds up to three characters.
    InvalidEscape(Vec<u8>),
    /// A character that no host name has; holds it.
    InvalidHostCharacter(String),
    /// A bracket that opens a host and never closes.
    MissingBracket,
    /// Brackets around, or behind, something that isn't an IPv6 address.
    InvalidIpLiteral,
    /// Brackets around something that Go's address parser refuses.
    InvalidHost {
        /// What stands in the brackets.
        host: Vec<u8>,
        /// What is wrong with it.
        fault: IpFault,
    },
}

impl Reason {
    /// The same reason without the text that it quotes.
    fn masked(self) -> Self {
        let mask = || MASK.to_owned();
        match self {
            Self::InvalidPort(_) => Self::InvalidPort(format!(":{MASK}")),
            Self::InvalidEscape(_) => Self::InvalidEscape(format!("%{MASK}").into_bytes()),
            Self::InvalidHostCharacter(_) => Self::InvalidHostCharacter(mask()),
            Self::InvalidHost { fault, .. } => Self::InvalidHost {
                host: mask().into_bytes(),
                fault: fault.masked(),
            },
            plain @ (Self::ControlCharacter
            | Self::MissingScheme
            | Self::ColonInFirstSegment
            | Self::InvalidUserinfo
            | Self::MissingBracket
            | Self::InvalidIpLiteral) => plain,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlCharacter => f.write_str("net/url: invalid control character in URL"),
            Self::MissingScheme => f.write_str("missing protocol scheme"),
            Self::ColonInFirstSegment => f.write_str("first path segment in URL cannot contain colon"),
            Self::InvalidPort(port) => write!(f, "invalid port {} after host", quoted(port)),
            Self::InvalidUserinfo => f.write_str("net/url: invalid userinfo"),
            Self::InvalidEscape(escape) => write!(f, "invalid URL escape {}", quoted(escape)),
            Self::InvalidHostCharacter(text) => write!(f, "invalid character {} in host name", quoted(text)),
            Self::MissingBracket => f.write_str("missing ']' in host"),
            Self::InvalidIpLiteral => f.write_str("invalid IP-literal"),
            Self::InvalidHost { host, fault } => write!(f, "invalid host: ParseAddr({}): {fault}", quoted(host)),
        }
    }
}

/// A reason and the bytes of the input that Go quotes or objects to.
pub(super) struct Fault {
    pub(super) reason: Reason,
    pub(super) at: usize,
    pub(super) width: usize,
}

impl Fault {
    pub(super) fn new(reason: Reason, at: usize, width: usize) -> Self {
        Self { reason, at, width }
    }
}
