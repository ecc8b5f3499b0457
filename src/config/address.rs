//! Which address Hoop dials for gRPC, and whether by TLS: agent and client answer the second by opposite rules.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Rule;
use super::fault::{AddressFault, PortFault};
use super::problem::ProblemKind;
use super::source::{Source, Value};
use crate::gourl::address::{Dial, DialError, SplitFault, Target, dial, server_address};
use crate::secret::redact_url;

/// A gRPC address that can be dialled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrpcAddress {
    /// A name, or an address without brackets.
    pub host: String,
    /// Never 0.
    pub port: u16,
    /// What grpc-go is told to dial; it prints this in its errors.
    pub target: Target,
    /// The configured text without secrets.
    pub text: String,
    /// Where it was configured.
    pub source: Source,
}

/// Whether gRPC is spoken inside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS with ALPN `h2`.
    Tls,
    /// HTTP/2 in cleartext, with prior knowledge.
    Plaintext,
}

/// A decision about TLS and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsChoice {
    /// What was decided.
    pub security: Security,
    /// Why.
    pub because: TlsBecause,
}

/// Why Hoop speaks TLS, or doesn't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsBecause {
    /// A client, and the text starts with exactly `grpc://` or `http://`: plaintext.
    ClientPrefix(Cow<'static, str>),
    /// A client, and the text starts with anything else: TLS.
    ClientOther {
        /// The scheme as written; `None` where there is none.
        scheme: Option<String>,
    },
    /// An agent's key with `grpcs`, `https` or `wss`: TLS.
    KeyScheme(String),
    /// An agent's key with any other scheme: plaintext.
    KeyOther(String),
    /// An agent by SPIFFE or token, whatever the scheme: TLS.
    AgentAlways,
    /// The same with exactly `127.0.0.1:8010`: plaintext.
    AgentLoopback,
    /// `HOOP_GRPC_INSECURE` is `true`: plaintext.
    AgentInsecure,
    /// The client's last resort: plaintext.
    LocalFallback,
}

impl fmt::Display for TlsBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientPrefix(prefix) => write!(f, "a client uses plaintext for {prefix}"),
            Self::ClientOther { scheme: Some(scheme) } => {
                write!(
                    f,
                    "a client uses TLS for {scheme}://, as for all but grpc:// and http://"
                )
            }
            Self::ClientOther { scheme: None } => f.write_str("a client uses TLS where there is no scheme"),
            Self::KeyScheme(scheme) => write!(f, "an agent uses TLS for {scheme}://"),
            Self::KeyOther(scheme) if scheme.is_empty() => {
                f.write_str("an agent uses plaintext where its key has no scheme")
            }
            Self::KeyOther(scheme) => {
                write!(
                    f,
                    "an agent uses plaintext for {scheme}://, as for all but grpcs://, https:// and wss://"
                )
            }
            Self::AgentAlways => f.write_str("an agent without a key uses TLS whatever the scheme"),
            Self::AgentLoopback => write!(f, "an agent without a key uses plaintext for exactly {LOCAL}"),
            Self::AgentInsecure => f.write_str("HOOP_GRPC_INSECURE is true"),
            Self::LocalFallback => write!(f, "a client without a configuration tries {LOCAL} in plaintext"),
        }
    }
}

/// The client's rule: only the exact prefixes make plaintext, and their case matters.
pub(super) fn client_tls(text: &str) -> TlsChoice {
    for prefix in ["grpc://", "http://"] {
        if text.starts_with(prefix) {
            return TlsChoice {
                security: Security::Plaintext,
                because: TlsBecause::ClientPrefix(Cow::Borrowed(prefix)),
            };
        }
    }
    let scheme = written_scheme(text)
        .filter(|scheme| !scheme.is_empty())
        .map(str::to_owned);
    TlsChoice {
        security: Security::Tls,
        because: TlsBecause::ClientOther { scheme },
    }
}

/// The rule for an agent's key: only these schemes make TLS, in any case.
pub(super) fn key_tls(scheme: &str) -> TlsChoice {
    let scheme = scheme.to_ascii_lowercase();
    match &*scheme {
        "grpcs" | "https" | "wss" => TlsChoice {
            security: Security::Tls,
            because: TlsBecause::KeyScheme(scheme),
        },
        _ => TlsChoice {
            security: Security::Plaintext,
            because: TlsBecause::KeyOther(scheme),
        },
    }
}

/// The rule of the command line's addresses, which is that of the role asked for.
pub(super) fn tls(rule: Rule, text: &str) -> TlsChoice {
    match rule {
        Rule::Client => client_tls(text),
        Rule::Agent => key_tls(written_scheme(text).unwrap_or_default()),
    }
}

/// The scheme before `//` as written; empty for `//host`, and `None` for `host:port`.
pub(super) fn written_scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("//")?;
    let name = scheme.strip_suffix(':').unwrap_or(scheme);
    let valid = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (valid && (scheme.is_empty() || name.len() < scheme.len())).then_some(name)
}

/// A scheme that agent and client read differently, if `text` has one.
pub(super) fn unknown_scheme(text: &str) -> Option<ProblemKind> {
    let scheme = written_scheme(text)?;
    let (agent, client) = (key_tls(scheme).security, client_tls(text).security);
    let resolver = GRPC_RESOLVERS.contains(&scheme.to_ascii_lowercase().as_str());
    (agent != client && !resolver).then(|| ProblemKind::SchemeUnknown {
        scheme: scheme.to_owned(),
        agent,
        client,
    })
}

/// What grpc-go dials for a configured address, or why that can't be dialled.
///
/// `value` is what Hoop parses: a whole URL, or the host and port of a key.
pub(super) fn grpc_address(value: &Value) -> Result<GrpcAddress, ProblemKind> {
    let text = redact_url(&value.text);
    let malformed = |fault| {
        Err(ProblemKind::AddressMalformed {
            address: text.clone(),
            fault,
        })
    };
    let no_port = |fault| {
        Err(ProblemKind::PortMissing {
            address: text.clone(),
            fault,
        })
    };
    let target = match server_address(&value.text) {
        Ok(target) => target,
        Err(error) if value.text.is_empty() || value.text.contains(':') => {
            return malformed(AddressFault::WrongFormat(error));
        }
        Err(error) => return no_port(PortFault::Refused(error)),
    };
    match dial(&target) {
        Dial::Tcp { host, port: 1.., .. } if host.is_empty() => malformed(AddressFault::HostMissing),
        Dial::Tcp {
            host, port: port @ 1.., ..
        } => Ok(GrpcAddress {
            host,
            port,
            target,
            text,
            source: value.source.clone(),
        }),
        Dial::Tcp { port_written: true, .. } => malformed(AddressFault::PortZero),
        Dial::Tcp {
            port_written: false, ..
        } => no_port(PortFault::DialsZero),
        Dial::Unix => malformed(AddressFault::UnixSocket),
        Dial::Refused(
            error @ DialError::Split {
                fault: SplitFault::MissingPort,
                ..
            },
        ) => no_port(PortFault::Dial(error)),
        Dial::Refused(error) => malformed(AddressFault::Dial(error)),
    }
}

/// What a client would dial that is told this address, as `hoop login` is by the gateway; `None` where it can't be dialled.
pub fn as_client(text: &str) -> Option<(GrpcAddress, Security)> {
    let value = Value {
        text: text.to_owned(),
        source: Source::Default,
    };
    Some((grpc_address(&value).ok()?, client_tls(text).security))
}

/// The gateway on this machine, which some rules make an exception for.
pub(super) const LOCAL: &str = "127.0.0.1:8010";

/// Schemes that are no mistake: grpc-go finds the address by them.
const GRPC_RESOLVERS: &[&str] = &["dns", "passthrough", "unix", "unix-abstract"];
