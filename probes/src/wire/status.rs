//! gRPC statuses: the code, and who says its message.

use serde::{Deserialize, Serialize};

/// A status code of gRPC, 16 for Unauthenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status(pub u32);

impl Status {
    /// OK.
    pub const OK: Self = Self(0);
    /// Unknown.
    pub const UNKNOWN: Self = Self(2);
    /// InvalidArgument.
    pub const INVALID_ARGUMENT: Self = Self(3);
    /// NotFound.
    pub const NOT_FOUND: Self = Self(5);
    /// PermissionDenied.
    pub const PERMISSION_DENIED: Self = Self(7);
    /// ResourceExhausted.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// Unimplemented.
    pub const UNIMPLEMENTED: Self = Self(12);
    /// Internal.
    pub const INTERNAL: Self = Self(13);
    /// Unavailable.
    pub const UNAVAILABLE: Self = Self(14);
    /// Unauthenticated.
    pub const UNAUTHENTICATED: Self = Self(16);

    /// The name as grpc-go prints it (`codes.Code.String`).
    pub fn name(self) -> String {
        const NAMES: [&str; 17] = [
            "OK",
            "Canceled",
            "Unknown",
            "InvalidArgument",
            "DeadlineExceeded",
            "NotFound",
            "AlreadyExists",
            "PermissionDenied",
            "ResourceExhausted",
            "FailedPrecondition",
            "Aborted",
            "OutOfRange",
            "Unimplemented",
            "Internal",
            "Unavailable",
            "DataLoss",
            "Unauthenticated",
        ];
        match NAMES.get(self.0 as usize) {
            Some(name) => (*name).to_owned(),
            None => format!("Code({})", self.0),
        }
    }
}

/// Who says a grpc-message, and what: the texts that tell one cause from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Said {
    /// The gateway: `missing client origin`.
    MissingOrigin,
    /// The gateway: `invalid authentication`, with or without what follows it.
    InvalidAuthentication,
    /// The gateway, to a token that it takes: `connection not found`.
    ConnectionNotFound,
    /// The gateway, to a token that it takes: `user is not active`.
    UserInactive,
    /// The gateway: `internal error, unable to initialize identity provider`.
    IdentityProvider,
    /// grpc-go, where Hoop's service is registered: `unknown method … for service protobuf.Transport`.
    UnknownMethodOfTransport,
    /// grpc-go without Hoop's service: `unknown service protobuf.Transport`.
    UnknownService,
    /// grpc-go: `malformed method name`.
    MalformedMethod,
    /// Envoy: `upstream connect error or disconnect/reset before headers`.
    UpstreamReset {
        /// Why the upstream was given up.
        reason: ResetReason,
        /// Whether a retry policy had been at work.
        retried: bool,
    },
    /// Envoy: `no healthy upstream`.
    NoHealthyUpstream,
    /// Envoy: `upstream request timeout`.
    UpstreamTimeout,
    /// Envoy: `RBAC: access denied`.
    RbacDenied,
    /// Envoy: `local_rate_limited`.
    RateLimited,
    /// Envoy: `downstream duration timeout`.
    DurationTimeout,
    /// Envoy: `stream timeout`, when nothing has flowed for too long.
    StreamTimeout,
    /// Envoy: `request timeout`, when a request wasn't complete in time and nothing had come back.
    RequestTimeout,
    /// Envoy: `Payload Too Large`.
    PayloadTooLarge,
    /// grpc-go, whoever's: `grpc: received message larger than max (… vs. …)`.
    MessageTooLarge {
        /// The largest message that it takes, in bytes.
        max: u32,
    },
    /// No message, or an empty one: Envoy without a route says 12 like this.
    Nothing,
    /// Anything else.
    Other,
}

/// Envoy's reason for giving an upstream up (`StreamResetReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// Refused, unreachable, or TLS that failed.
    ConnectionFailure,
    /// No connection in time.
    ConnectionTimeout,
    /// Closed by the upstream.
    ConnectionTermination,
    /// The upstream's bytes aren't the protocol that was expected.
    ProtocolError,
    /// A circuit breaker.
    Overflow,
    /// Anything else.
    Other,
}

impl Said {
    /// Reads a decoded grpc-message.
    pub fn read(message: &str) -> Self {
        /// Texts that are recognised by how they start.
        const STARTS: [(&str, Said); 17] = [
            ("missing client origin", Said::MissingOrigin),
            ("invalid authentication", Said::InvalidAuthentication),
            ("connection not found", Said::ConnectionNotFound),
            ("user is not active", Said::UserInactive),
            (
                "internal error, unable to initialize identity provider",
                Said::IdentityProvider,
            ),
            ("unknown service ", Said::UnknownService),
            ("malformed method name", Said::MalformedMethod),
            ("no healthy upstream", Said::NoHealthyUpstream),
            ("upstream request timeout", Said::UpstreamTimeout),
            ("RBAC: access denied", Said::RbacDenied),
            ("local_rate_limited", Said::RateLimited),
            ("rate_limited", Said::RateLimited),
            ("downstream duration timeout", Said::DurationTimeout),
            ("stream timeout", Said::StreamTimeout),
            ("request timeout", Said::RequestTimeout),
            ("Payload Too Large", Said::PayloadTooLarge),
            ("upstream max stream duration reached", Said::DurationTimeout),
        ];
        if message.is_empty() {
            return Self::Nothing;
        }
        if message.starts_with("unknown method ") && message.ends_with(" for service protobuf.Transport") {
            return Self::UnknownMethodOfTransport;
        }
        if message.starts_with("upstream connect error or disconnect/reset before headers") {
            return Self::UpstreamReset {
                reason: ResetReason::read(message),
                retried: message.contains(" retried "),
            };
        }
        if let Some(max) = message_limit(message) {
            return Self::MessageTooLarge { max };
        }
        let known = STARTS.iter().find(|(start, _)| message.starts_with(start));
        known.map_or(Self::Other, |(_, said)| *said)
    }

    /// Whether only a Hoop gateway says this.
    pub fn is_gateway(self) -> bool {
        matches!(
            self,
            Self::MissingOrigin | Self::InvalidAuthentication | Self::IdentityProvider | Self::UnknownMethodOfTransport
        )
    }

    /// Whether only Envoy (or Istio, which is Envoy) says this.
    pub fn is_envoy(self) -> bool {
        matches!(
            self,
            Self::UpstreamReset { .. }
                | Self::NoHealthyUpstream
                | Self::UpstreamTimeout
                | Self::RbacDenied
                | Self::DurationTimeout
                | Self::PayloadTooLarge
        )
    }
}

fn message_limit(message: &str) -> Option<u32> {
    let numbers = message.strip_prefix("grpc: received message larger than max (")?;
    numbers.strip_suffix(')')?.split_once(" vs. ")?.1.parse().ok()
}

impl ResetReason {
    /// The reason as Envoy words it.
    pub fn text(self) -> &'static str {
        match self {
            Self::ConnectionFailure => "remote connection failure",
            Self::ConnectionTimeout => "connection timeout",
            Self::ConnectionTermination => "connection termination",
            Self::ProtocolError => "protocol error",
            Self::Overflow => "overflow",
            Self::Other => "another reason",
        }
    }

    fn read(message: &str) -> Self {
        let (_, reason) = message.rsplit_once("reset reason: ").unwrap_or_default();
        const REASONS: [(&str, ResetReason); 6] = [
            ("remote connection failure", ResetReason::ConnectionFailure),
            ("connection failure", ResetReason::ConnectionFailure),
            ("connection timeout", ResetReason::ConnectionTimeout),
            ("connection termination", ResetReason::ConnectionTermination),
            ("protocol error", ResetReason::ProtocolError),
            ("overflow", ResetReason::Overflow),
        ];
        let known = REASONS.iter().find(|(text, _)| reason.starts_with(text));
        known.map_or(Self::Other, |(_, reason)| *reason)
    }
}

/// Undoes the percent-encoding of a grpc-message; what is no valid escape stays as it is, as grpc-go leaves it.
pub fn decode_message(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::{ResetReason, Said, decode_message};
    use proptest::prelude::proptest;

    #[test]
    fn the_speaker_is_told_by_the_text() {
        assert_eq!(Said::read("missing client origin"), Said::MissingOrigin);
        assert_eq!(
            Said::read("invalid authentication, mismatch dsn attributes"),
            Said::InvalidAuthentication
        );
        assert_eq!(
            Said::read("unknown method Doctor for service protobuf.Transport"),
            Said::UnknownMethodOfTransport
        );
        assert_eq!(
            Said::read("unknown method Doctor for service other.Service"),
            Said::Other
        );
        assert_eq!(Said::read("unknown service protobuf.Transport"), Said::UnknownService);
        assert_eq!(Said::read(""), Said::Nothing);
    }

    #[test]
    fn envoys_reset_reason_is_read_with_and_without_a_retry() {
        let text = "upstream connect error or disconnect/reset before headers. reset reason: protocol error";
        assert_eq!(
            Said::read(text),
            Said::UpstreamReset {
                reason: ResetReason::ProtocolError,
                retried: false
            }
        );
        let text = "upstream connect error or disconnect/reset before headers. \
                    retried and the latest reset reason: remote connection failure, transport failure reason: x";
        assert_eq!(
            Said::read(text),
            Said::UpstreamReset {
                reason: ResetReason::ConnectionFailure,
                retried: true
            }
        );
    }

    #[test]
    fn percent_escapes_are_undone_and_broken_ones_kept() {
        assert_eq!(decode_message("a%20b%zz%4"), "a b%zz%4");
    }

    proptest! {
        #[test]
        fn any_message_is_decoded_and_read(value: String) {
            let _ = Said::read(&decode_message(&value));
        }
    }
}
