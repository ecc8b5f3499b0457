//! Why Go refuses a chain, as facts, and the texts that it prints for each.

use std::fmt::Write;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::clock::rfc3339;
use super::quote::quote;

/// Why Go's TLS client refuses a chain. It stops at the first reason it meets: reading, then the leaf's dates, then its
/// names, then the search for a trusted issuer, then what the certificates found on the way allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The server sent no certificate.
    Empty,
    /// A certificate that Go can't read, wherever it stands in the chain. The reason is Go's text.
    Unreadable {
        /// Its place in what the server sent.
        index: usize,
        /// Begins with `x509: ` nearly always.
        reason: String,
    },
    /// Go's TLS client takes no RSA key of more than 8192 bits from a server.
    OversizeKey {
        /// Its place in what the server sent.
        index: usize,
        /// The size of the modulus.
        bits: usize,
    },
    /// A critical extension that Go doesn't know.
    CriticalExtension {
        /// Whose.
        certificate: Holder,
    },
    /// `now` is before the first second of validity.
    NotYetValid {
        /// Whose: the leaf, or an issuer that every chain needs.
        certificate: Holder,
        /// Unix seconds.
        not_before: i64,
    },
    /// `now` is after the last second of validity.
    Expired {
        /// Whose: the leaf, or an issuer that every chain needs.
        certificate: Holder,
        /// Unix seconds.
        not_after: i64,
    },
    /// The leaf is for other names.
    OtherNames {
        /// The name that was asked for, without brackets if it is an address.
        host: String,
        /// The names that it has of that kind, at most 99: from 100 on Go prints only how many there are.
        names: Vec<String>,
        /// How many it has.
        count: usize,
        /// Whether `host` is an address, and `names` therefore are.
        by_address: bool,
    },
    /// No subject alternative names at all; the common name would have matched, but Go ignores it since 1.15.
    LegacyCommonName {
        /// The name that was asked for.
        host: String,
    },
    /// An address was asked for, and the leaf has none.
    NoAddresses {
        /// The address that was asked for, without brackets.
        host: String,
    },
    /// A name was asked for, and the leaf has none.
    NoNames {
        /// The name that was asked for.
        host: String,
    },
    /// No way from the leaf to a trusted certificate.
    UnknownAuthority {
        /// The last one on the way that Go gave up on: its issuer is the unknown authority.
        certificate: Holder,
        /// A candidate that has the issuer's name, and why it isn't the issuer.
        hint: Option<Hint>,
    },
    /// An issuer on the way is no certificate authority, by basic constraints or for lack of them.
    NotAuthorizedToSign {
        /// The issuer.
        certificate: Holder,
    },
    /// An issuer allows fewer intermediates below it than there are.
    TooManyIntermediates {
        /// The issuer.
        certificate: Holder,
    },
    /// More than 100 signatures would have to be checked.
    SignatureLimit,
    /// A trusted issuer doesn't vouch for a name that the chain claims, even if it's not the one asked for.
    NameConstraint {
        /// Which name, and how it breaks the constraint.
        breach: Breach,
    },
    /// The leaf or an issuer is not for servers (extended key usage).
    IncompatibleUsage,
    /// Every chain breaks a certificate policy, or some a policy and the others the key usage.
    NoValidChains {
        /// Chains with an incompatible key usage.
        usage: usize,
        /// Chains with invalid policies.
        policies: usize,
    },
}

/// A certificate that took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// One that the server sent, by its place; 0 is the leaf.
    Sent(usize),
    /// A trust anchor, by its subject.
    Anchor(String),
}

/// Go's "possibly because of …".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// Why the candidate isn't the issuer.
    pub fault: SignatureFault,
    /// The candidate: its common name, else its organisation, else `serial:` and the number.
    pub candidate: String,
}

/// Why a signature doesn't count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureFault {
    /// The signer is no certificate authority, or its key usage excludes certificates.
    CannotSign,
    /// The algorithm is unknown to Go, or so is the key.
    Unimplemented,
    /// MD5 or SHA-1.
    Insecure {
        /// Go's name for it, such as `SHA1-RSA`.
        algorithm: String,
    },
    /// The algorithm is for another kind of key.
    WrongKey {
        /// The kind that the algorithm is for.
        wanted: String,
        /// The Go type of the key.
        found: String,
    },
    /// An RSA key of less than 1024 bits.
    WeakRsaKey {
        /// The size of the modulus.
        bits: usize,
    },
    /// An RSA key that can't be one.
    BadRsaKey {
        /// Go's text.
        why: String,
    },
    /// The RSA signature doesn't match: another key has signed.
    Rsa,
    /// The ECDSA signature doesn't match: another key has signed.
    Ecdsa,
    /// The Ed25519 signature doesn't match: another key has signed.
    Ed25519,
}

/// How a name breaks a name constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// Names of this kind are limited, and this one is outside.
    NotPermitted {
        /// `DNS name`, `IP address`, `URI` or `email address`.
        kind: String,
        /// The name.
        name: String,
    },
    /// The name is inside an excluded subtree.
    Excluded {
        /// As in [`Breach::NotPermitted`].
        kind: String,
        /// The name.
        name: String,
        /// The subtree.
        constraint: String,
    },
    /// The name can't be compared with a constraint at all. Go's text.
    Unmatchable(String),
}

impl Rejection {
    /// What crypto/x509 prints, to the letter, if its clock says `now` and its zone is UTC. Names longer than the facts
    /// keep are shortened here too. [`Rejection::Empty`] and [`Rejection::OversizeKey`] are crypto/tls's own.
    pub fn go_text(&self, now: i64) -> String {
        match self {
            Rejection::Empty => "tls: received empty certificates message".to_owned(),
            Rejection::Unreadable { reason, .. } => reason.clone(),
            Rejection::OversizeKey { .. } => {
                "tls: server sent certificate containing RSA key larger than 8192 bits".to_owned()
            }
            Rejection::CriticalExtension { .. } => "x509: unhandled critical extension".to_owned(),
            Rejection::NotYetValid { not_before: limit, .. } => date_text(now, "before", *limit),
            Rejection::Expired { not_after: limit, .. } => date_text(now, "after", *limit),
            Rejection::OtherNames {
                host,
                count,
                by_address,
                ..
            } if *count >= MOST_NAMES => {
                let kind = if *by_address { "IP SANs" } else { "names" };
                format!("x509: certificate is valid for {count} {kind}, but none matched {host}")
            }
            Rejection::OtherNames { host, names, .. } => {
                format!("x509: certificate is valid for {}, not {host}", names.join(", "))
            }
            Rejection::LegacyCommonName { .. } => {
                "x509: certificate relies on legacy Common Name field, use SANs instead".to_owned()
            }
            Rejection::NoAddresses { host } => {
                format!("x509: cannot validate certificate for {host} because it doesn't contain any IP SANs")
            }
            Rejection::NoNames { host } => {
                format!("x509: certificate is not valid for any names, but wanted to match {host}")
            }
            Rejection::UnknownAuthority { hint: None, .. } => UNKNOWN_AUTHORITY.to_owned(),
            Rejection::UnknownAuthority {
                hint: Some(Hint { fault, candidate }),
                ..
            } => format!(
                "{UNKNOWN_AUTHORITY} (possibly because of {} while trying to verify candidate authority certificate {})",
                quote(fault.go_text()),
                quote(candidate)
            ),
            Rejection::NotAuthorizedToSign { .. } => {
                "x509: certificate is not authorized to sign other certificates".to_owned()
            }
            Rejection::TooManyIntermediates { .. } => {
                "x509: too many intermediates for path length constraint".to_owned()
            }
            Rejection::SignatureLimit => {
                "x509: signature check attempts limit reached while verifying certificate chain".to_owned()
            }
            Rejection::NameConstraint { breach } => format!(
                "x509: a root or intermediate certificate is not authorized to sign for this name: {}",
                breach.go_text()
            ),
            Rejection::IncompatibleUsage => "x509: certificate specifies an incompatible key usage".to_owned(),
            Rejection::NoValidChains { usage, policies } => {
                let mut text = "x509: no valid chains built: ".to_owned();
                if *usage > 0 {
                    let _ = write!(text, "{usage} candidate chains with incompatible key usage, ");
                }
                text + &format!("{policies} candidate chains with invalid policies")
            }
        }
    }

    /// The whole error of Go's TLS client, as grpc-go and net/http log it after their own prefix.
    pub fn tls_text(&self, now: i64) -> String {
        let text = self.go_text(now);
        match self {
            Rejection::Empty | Rejection::OversizeKey { .. } => text,
            Rejection::Unreadable { .. } => format!("tls: failed to parse certificate from server: {text}"),
            _ => format!("tls: failed to verify certificate: {text}"),
        }
    }
}

impl SignatureFault {
    fn go_text(&self) -> String {
        match self {
            SignatureFault::CannotSign => {
                "x509: invalid signature: parent certificate cannot sign this kind of certificate".to_owned()
            }
            SignatureFault::Unimplemented => "x509: cannot verify signature: algorithm unimplemented".to_owned(),
            SignatureFault::Insecure { algorithm } => {
                format!("x509: cannot verify signature: insecure algorithm {algorithm}")
            }
            SignatureFault::WrongKey { wanted, found } => {
                format!(
                    "x509: signature algorithm specifies an {wanted} public key, but have public key of type {found}"
                )
            }
            SignatureFault::WeakRsaKey { bits } => format!(
                "crypto/rsa: {bits}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"
            ),
            SignatureFault::BadRsaKey { why } => format!("crypto/rsa: {why}"),
            SignatureFault::Rsa => "crypto/rsa: verification error".to_owned(),
            SignatureFault::Ecdsa => "x509: ECDSA verification failure".to_owned(),
            SignatureFault::Ed25519 => "x509: Ed25519 verification failure".to_owned(),
        }
    }
}

impl Breach {
    fn go_text(&self) -> String {
        match self {
            Breach::NotPermitted { kind, name } => {
                format!("{kind} {} is not permitted by any constraint", quote(name))
            }
            Breach::Excluded { kind, name, constraint } => {
                format!("{kind} {} is excluded by constraint {}", quote(name), quote(constraint))
            }
            Breach::Unmatchable(text) => text.clone(),
        }
    }
}

fn date_text(now: i64, side: &str, limit: i64) -> String {
    format!(
        "x509: certificate has expired or is not yet valid: current time {} is {side} {}",
        rfc3339(now),
        rfc3339(limit)
    )
}

/// An address as it stands in names and texts: IPv4 even where it was written as IPv6.
pub(super) fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(octets).map(|octets| IpAddr::from(octets).to_canonical());
    v4.or_else(|_| v6()).ok()
}

/// From this many names on, Go prints their number instead.
pub(super) const MOST_NAMES: usize = 100;

const UNKNOWN_AUTHORITY: &str = "x509: certificate signed by unknown authority";
