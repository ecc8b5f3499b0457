//! What is wrong with a configuration, as data: one kind a finding of the 0xx area.
//!
//! No kind says how bad it is or what to do about it; that is for the rules.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::fault::{
    AddressFault, ApiUrlFault, CaFault, Deprecated, FileFault, KeyFault, KeyLooks, PortFault, TokenFault,
};
use super::source::{Position, Source};
use super::{Mode, Security};
use crate::gourl::address::WrongFormat;
use crate::gourl::quoted;

/// One problem and the place to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong, with the observed values.
    pub kind: ProblemKind,
    /// Where the offending value was set.
    pub source: Source,
}

/// What is wrong. The comments name the finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// HD002.
    KeyUnreadable {
        /// `HOOP_KEY` or what stands for it.
        name: String,
        /// What Hoop says about it.
        fault: KeyFault,
    },
    /// HD003: there is a key, but no secret in it.
    KeySecretMissing {
        /// `HOOP_KEY` or what stands for it.
        name: String,
        /// What the value looks like instead.
        looks: KeyLooks,
    },
    /// HD004: agent and client take opposite sides.
    SchemeUnknown {
        /// As written; empty for `//host:port`.
        scheme: String,
        /// What an agent does with this scheme.
        agent: Security,
        /// What a client does with it.
        client: Security,
    },
    /// HD005.
    PortMissing {
        /// The address without user information.
        address: String,
        /// How Hoop takes it.
        fault: PortFault,
    },
    /// HD006: the gateway's own address is this machine, while its API is elsewhere.
    AdvertisedLoopback {
        /// The host of the key or grpc_url.
        grpc: String,
        /// The host of the API.
        api: String,
    },
    /// HD007.
    CredentialsDeprecated(Deprecated),
    /// HD008: an agent that takes no notice of the scheme.
    SchemeIgnored {
        /// The scheme, lower-cased.
        scheme: String,
        /// What the scheme asks for.
        says: Security,
        /// What the agent does.
        does: Security,
    },
    /// HD009.
    CredentialsShadowed {
        /// The one that Hoop reads.
        winner: Source,
        /// Those that it doesn't.
        ignored: Vec<Source>,
    },
    /// HD010.
    FileInvalid(FileFault),
    /// HD011.
    FileKeyUnknown {
        /// As the file spells it.
        key: String,
        /// The known key that was probably meant.
        nearest: Option<Cow<'static, str>>,
    },
    /// HD012: the client ignores these unless all are there.
    EnvPartial {
        /// The variables that are set.
        set: Vec<Cow<'static, str>>,
        /// Those that would complete them.
        missing: Vec<Cow<'static, str>>,
    },
    /// HD013.
    GrpcUrlMissing {
        /// Which mode needs one.
        mode: Mode,
    },
    /// HD014.
    AddressMalformed {
        /// The address, redacted.
        address: String,
        /// What Go answers.
        fault: AddressFault,
    },
    /// HD015.
    ApiUrlMalformed {
        /// The URL, redacted.
        url: String,
        /// What is wrong with it.
        fault: ApiUrlFault,
    },
    /// HD016.
    CaUnreadable(CaFault),
    /// HD017.
    VerificationDisabled {
        /// Whether certificates go unchecked on gRPC.
        grpc: bool,
        /// Whether they do for the API.
        rest: bool,
    },
    /// HD018: `skip_tls_verify` in the file, which the HTTP client doesn't read.
    SkipVerifyPartial,
    /// HD019.
    TokenExpired {
        /// The `exp` of the JWT.
        at: SystemTime,
    },
    /// HD020.
    TokenMalformed(TokenFault),
    /// HD021: others on this machine can read the file.
    FileExposed {
        /// The permission bits.
        mode: u32,
    },
    /// HD022.
    HostDiffers {
        /// The host of the key or grpc_url.
        grpc: String,
        /// The host of the API.
        api: String,
    },
}

impl ProblemKind {
    /// The number of the finding that this is: 2 for HD002.
    pub fn code(&self) -> u16 {
        match self {
            Self::KeyUnreadable { .. } => 2,
            Self::KeySecretMissing { .. } => 3,
            Self::SchemeUnknown { .. } => 4,
            Self::PortMissing { .. } => 5,
            Self::AdvertisedLoopback { .. } => 6,
            Self::CredentialsDeprecated(_) => 7,
            Self::SchemeIgnored { .. } => 8,
            Self::CredentialsShadowed { .. } => 9,
            Self::FileInvalid(_) => 10,
            Self::FileKeyUnknown { .. } => 11,
            Self::EnvPartial { .. } => 12,
            Self::GrpcUrlMissing { .. } => 13,
            Self::AddressMalformed { .. } => 14,
            Self::ApiUrlMalformed { .. } => 15,
            Self::CaUnreadable(_) => 16,
            Self::VerificationDisabled { .. } => 17,
            Self::SkipVerifyPartial => 18,
            Self::TokenExpired { .. } => 19,
            Self::TokenMalformed(_) => 20,
            Self::FileExposed { .. } => 21,
            Self::HostDiffers { .. } => 22,
        }
    }
}

impl Problem {
    /// What Hoop itself prints because of this, where it prints anything; secrets are hidden.
    pub fn printed_by_hoop(&self) -> Option<String> {
        match &self.kind {
            ProblemKind::KeyUnreadable {
                fault: KeyFault::Parse(error),
                name,
            } => Some(format!("{} is in wrong format, reason={error}", called(name))),
            ProblemKind::KeyUnreadable { fault, .. } => Some(fault.to_string()),
            ProblemKind::KeySecretMissing { name, .. } => Some(format!(
                "{} is in wrong format, reason=secret key not found in dsn",
                called(name)
            )),
            ProblemKind::PortMissing { fault, .. } => fault.printed(),
            ProblemKind::CredentialsDeprecated(deprecated) => deprecated.printed().map(str::to_owned),
            ProblemKind::FileInvalid(fault) => {
                let Source::File(place) = &self.source else { return None };
                let path = place.path.display();
                let position = place.position.as_ref();
                let error = match (fault, position) {
                    (FileFault::Io { .. }, _) => fault.to_string(),
                    (FileFault::WrongType { key, .. }, Some(Position { line, .. })) => {
                        let key = place.key.as_deref().unwrap_or(key);
                        format!("toml: line {line} (last key {}): {fault}", quoted(key))
                    }
                    // Hoop's TOML library has words of its own for these, and no limit.
                    (
                        FileFault::Syntax { .. }
                        | FileFault::NotUtf8 { .. }
                        | FileFault::TooLarge { .. }
                        | FileFault::WrongType { .. },
                        _,
                    ) => return None,
                };
                Some(format!("failed decoding configuration file={path}, err={error}"))
            }
            ProblemKind::GrpcUrlMissing { mode: Mode::Svid } => {
                Some("HOOP_SPIFFE_KEY_FILE requires HOOP_GRPCURL to be set".to_owned())
            }
            ProblemKind::GrpcUrlMissing { .. } => Some(WrongFormat.to_string()),
            ProblemKind::AddressMalformed { fault, .. } => fault.printed(),
            ProblemKind::ApiUrlMalformed { fault, .. } => fault.printed(),
            ProblemKind::CaUnreadable(fault) => fault.printed(),
            ProblemKind::SchemeUnknown { .. }
            | ProblemKind::AdvertisedLoopback { .. }
            | ProblemKind::SchemeIgnored { .. }
            | ProblemKind::CredentialsShadowed { .. }
            | ProblemKind::FileKeyUnknown { .. }
            | ProblemKind::EnvPartial { .. }
            | ProblemKind::VerificationDisabled { .. }
            | ProblemKind::SkipVerifyPartial
            | ProblemKind::TokenExpired { .. }
            | ProblemKind::TokenMalformed(_)
            | ProblemKind::FileExposed { .. }
            | ProblemKind::HostDiffers { .. } => None,
        }
    }
}

/// How Hoop calls the variable in its messages.
fn called(name: &str) -> &str {
    match name {
        "HOOP_DSN" => "HOOP_DSN (deprecated)",
        // Whatever this program was told to read instead, an agent would have it in HOOP_KEY.
        _ => "HOOP_KEY",
    }
}
