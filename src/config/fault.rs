//! What exactly is wrong with one value: the observations that a problem carries.
//!
//! Where Go or Hoop says something about it, `Display` or `printed` gives those words with any secret hidden.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::lossy;
use crate::gourl::address::{DialError, WrongFormat};
use crate::gourl::{ParseError, quoted};

/// Why an agent's credential can't be read; displays as Hoop's reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFault {
    /// Go's URL parser refuses it; the error says at which character.
    Parse(ParseError),
    /// The file that `HOOP_SPIFFE_KEY_FILE` names.
    SpiffeFile {
        /// As the variable names it.
        #[serde(serialize_with = "lossy::path")]
        path: PathBuf,
        /// Why it can't be read.
        fault: FileFault,
    },
    /// That file holds white space at most.
    SpiffeEmpty(#[serde(serialize_with = "lossy::path")] PathBuf),
    /// That file holds something that isn't three segments with dots between them.
    SpiffeNotJwt(#[serde(serialize_with = "lossy::path")] PathBuf),
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |path: &PathBuf| quoted(&*path.to_string_lossy()).to_string();
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::SpiffeFile { path, fault } => {
                write!(f, "failed reading HOOP_SPIFFE_KEY_FILE {}: {fault}", name(path))
            }
            Self::SpiffeEmpty(path) => write!(f, "HOOP_SPIFFE_KEY_FILE {} is empty", name(path)),
            Self::SpiffeNotJwt(path) => write!(
                f,
                "HOOP_SPIFFE_KEY_FILE {} does not look like a JWT (expected three dot-separated segments)",
                name(path)
            ),
        }
    }
}

/// What a key without a secret looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyLooks {
    /// `name:secret@host:port`: the scheme was left out.
    WithoutScheme,
    /// An API token rather than a key.
    BareToken,
    /// A URL without user information.
    WithoutUser,
    /// A URL with a name, but no or an empty password.
    WithoutPassword,
    /// Something else.
    Other,
}

/// How an address without a port fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortFault {
    /// Hoop refuses it at once; fatal for an agent.
    Refused(WrongFormat),
    /// Every attempt to dial it fails; Hoop tries for ever.
    Dial(DialError),
    /// It ends in a colon: port 0 is dialled, and refused.
    DialsZero,
}

impl PortFault {
    pub(super) fn printed(&self) -> Option<String> {
        match self {
            Self::Refused(error) => Some(error.to_string()),
            Self::Dial(error) => Some(error.to_string()),
            Self::DialsZero => None,
        }
    }
}

/// A way of configuring that Hoop still reads but warns about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deprecated {
    /// `HOOP_DSN` in the place of `HOOP_KEY`.
    HoopDsn,
    /// `TOKEN` or `HOOP_TOKEN` with `HOOP_GRPCURL`.
    Token,
    /// A key whose path is the secret's hash.
    KeyWithPath,
}

impl Deprecated {
    pub(super) fn printed(self) -> Option<&'static str> {
        match self {
            Self::HoopDsn => Some("HOOP_DSN environment variable is deprecated, use HOOP_KEY instead"),
            Self::Token => Some(
                "HOOP_TOKEN and HOOP_GRPCURL environment variables are deprecated, create a new token to use the new format",
            ),
            Self::KeyWithPath => None,
        }
    }
}

/// Why a file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFault {
    /// The system says no; the path is part of Go's text.
    Io {
        /// As it was opened.
        #[serde(serialize_with = "lossy::path")]
        path: PathBuf,
        /// Which refusal.
        kind: IoRefusal,
    },
    /// Larger than anything of Hoop's, so not read to its end.
    TooLarge {
        /// What would still have been read, in bytes.
        limit: u64,
    },
    /// A byte that is no UTF-8; the position is that of the problem's source.
    NotUtf8 {
        /// The byte.
        byte: u8,
    },
    /// A mistake in the TOML; the position is that of the problem's source.
    Syntax {
        /// What the parser says, without quoting the file.
        message: String,
    },
    /// A known key with a value of another type.
    WrongType {
        /// As Hoop knows the key.
        key: Cow<'static, str>,
        /// What Hoop wants: `string` or `boolean`.
        wants: Cow<'static, str>,
        /// What is there.
        found: Cow<'static, str>,
    },
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, kind } => {
                // Go opens a folder and fails at reading it.
                let op = if *kind == IoRefusal::IsADirectory {
                    "read"
                } else {
                    "open"
                };
                write!(f, "{op} {}: ", path.display())?;
                kind.fmt(f)
            }
            Self::TooLarge { limit } => write!(f, "larger than {limit} bytes"),
            Self::NotUtf8 { byte } => write!(f, "invalid UTF-8 byte: 0x{byte:02x}"),
            Self::Syntax { message } => f.write_str(message),
            Self::WrongType { wants, found, .. } => {
                write!(
                    f,
                    "incompatible types: TOML value has type {found}; destination has type {wants}"
                )
            }
        }
    }
}

/// How the system refuses to open or read a file; displays as Go's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IoRefusal {
    /// ENOENT.
    NotFound,
    /// EACCES or EPERM.
    PermissionDenied,
    /// EISDIR.
    IsADirectory,
    /// ENOTDIR.
    NotADirectory,
    /// Anything else, in Rust's words.
    Other(String),
}

impl From<io::ErrorKind> for IoRefusal {
    fn from(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            io::ErrorKind::IsADirectory => Self::IsADirectory,
            io::ErrorKind::NotADirectory => Self::NotADirectory,
            other => Self::Other(other.to_string()),
        }
    }
}

impl fmt::Display for IoRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file or directory",
            Self::PermissionDenied => "permission denied",
            Self::IsADirectory => "is a directory",
            Self::NotADirectory => "not a directory",
            Self::Other(text) => text,
        })
    }
}

/// Why Go can't dial an address, or dials something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressFault {
    /// Hoop refuses it at once.
    WrongFormat(WrongFormat),
    /// Go refuses it whenever it is dialled.
    Dial(DialError),
    /// Port 0 is written, which nothing listens on.
    PortZero,
    /// No host before the port: Go dials this machine.
    HostMissing,
    /// grpc-go dials a Unix socket, which no gateway listens on.
    UnixSocket,
}

impl AddressFault {
    pub(super) fn printed(&self) -> Option<String> {
        match self {
            Self::WrongFormat(error) => Some(error.to_string()),
            Self::Dial(error) => Some(error.to_string()),
            Self::PortZero | Self::HostMissing | Self::UnixSocket => None,
        }
    }
}

/// Why Hoop's calls to the API go wrong with this URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiUrlFault {
    /// Go's URL parser refuses it.
    Parse(ParseError),
    /// No scheme, or one that isn't HTTP; holds it lower-cased.
    UnsupportedScheme {
        /// Lower-cased; empty where there is none.
        scheme: String,
        /// The first URL that Hoop asks for, redacted.
        asked: String,
    },
    /// A scheme, but no host.
    HostMissing {
        /// The first URL that Hoop asks for, redacted.
        asked: String,
    },
    /// A number beyond 65535, or 0.
    Port(String),
    /// Hoop appends `/api/…` itself.
    ApiSuffix,
    /// Hoop asks for `//api/…`, which the gateway answers with its web page.
    TrailingSlash,
    /// A query or fragment swallows the path that Hoop appends.
    Query,
}

impl ApiUrlFault {
    pub(super) fn printed(&self) -> Option<String> {
        match self {
            Self::Parse(error) => Some(error.to_string()),
            Self::UnsupportedScheme { scheme, asked } => Some(format!(
                "Get {}: unsupported protocol scheme {}",
                quoted(asked),
                quoted(scheme)
            )),
            Self::HostMissing { asked } => Some(format!("Get {}: http: no Host in request URL", quoted(asked))),
            Self::Port(port) if port == "0" => None,
            Self::Port(port) => Some(format!("dial tcp: address {port}: invalid port")),
            Self::ApiSuffix | Self::TrailingSlash | Self::Query => None,
        }
    }
}

/// Why a configured CA is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaFault {
    /// `base64://` with something else behind it: Hoop refuses to start.
    Base64 {
        /// The offset of the first byte that can't be decoded.
        at: usize,
    },
    /// `file://` or `--ca`: Hoop refuses to start.
    File(FileFault),
    /// `tls_ca` of the file isn't base64, and Hoop doesn't say so. It goes on with what came before the mistake.
    FileKeyBase64 {
        /// The offset of the first byte that can't be decoded.
        at: usize,
        /// Whether nothing is left, so that the system's roots are used after all.
        nothing_left: bool,
        /// Whether the value looks like a path.
        path: bool,
    },
    /// There is text, but no certificate in it.
    NoCertificate {
        /// Whether the value looks like a path without `file://`.
        path: bool,
    },
}

impl CaFault {
    pub(super) fn printed(&self) -> Option<String> {
        match self {
            Self::Base64 { at } => Some(format!("illegal base64 data at input byte {at}")),
            Self::File(fault) => Some(fault.to_string()),
            Self::FileKeyBase64 { nothing_left: true, .. } => None,
            Self::FileKeyBase64 {
                nothing_left: false, ..
            }
            | Self::NoCertificate { .. } => Some("failed to append root CA into cert pool".to_owned()),
        }
    }
}

/// What is wrong with the shape of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFault {
    /// White space at its start, inside or at its end.
    WhiteSpace {
        /// How many characters come before.
        position: usize,
    },
    /// A character that can't be in a header.
    Unprintable {
        /// How many characters come before.
        position: usize,
    },
    /// Quotes around it.
    Quoted,
    /// `Bearer ` in front, which Hoop adds itself.
    BearerPrefix,
    /// A URL: an agent's key, probably.
    Url,
    /// It starts as a JWT does but has not three segments.
    JwtSegments {
        /// How many it has.
        found: usize,
    },
    /// A JWT whose claims can't be decoded.
    JwtClaims,
}
