//! A server's certificate chain, judged as the agent and the client judge it: by the rules of Go's crypto/x509.
//!
//! TLS libraries differ in what they accept. A library of our own choice would refuse a leaf that is marked as an
//! authority, or one that is itself trusted, and Go takes both; it would accept names that Go doesn't. So the rules are
//! Go's own (1.26): what can be read, in which order things are judged, which chains are tried, and the words of every
//! refusal, which are what people find in their logs. Only the signatures are checked by a library.
//!
//! On macOS and Windows Go leaves chains to the system's own verifier unless a CA is configured. That isn't imitated: the
//! verdict there is that of the same program on Linux.
//!
//! No clock, no socket, no environment: certificates in, facts out. The input is hostile; any bytes give a verdict, with
//! at most 100 signature checks.

mod algorithm;
mod certificate;
mod clock;
mod constraints;
mod der;
mod extensions;
mod facts;
mod hostname;
mod key;
mod mailbox;
mod missing;
mod name;
mod path;
mod pem;
mod policies;
mod quote;
mod rejection;
mod roots;
mod uri;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use self::certificate::Certificate;
pub use self::facts::CertFacts;
pub use self::missing::{MissingIntermediate, Proof, Sign};
pub use self::rejection::{Breach, Hint, Holder, Rejection, SignatureFault};
pub use self::roots::{NoCertificate, Roots};

/// What a server sent, and what Go makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainFacts {
    /// The certificates in the order in which they came, up to the first that can't be read.
    pub certs: Vec<CertFacts>,
    /// Go's verdict.
    pub verdict: Verdict,
    /// Where the way from the leaf through `certs` ends, going by names: the last place of that way.
    pub ends_at: usize,
    /// Whether an issuer is missing after `ends_at`.
    pub missing_intermediate: MissingIntermediate,
    /// Whether each certificate is followed by its issuer.
    pub order: Order,
}

/// Whether Go goes on with the handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Trusted(Trust),
    /// It doesn't. This is the one reason that it gives; there may be others behind it.
    Rejected(Rejection),
}

/// What the trust rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The leaf itself is in the trust store.
    Pinned,
    /// Certificates that lead to an anchor.
    Chain {
        /// Those that the server sent, leaf first, by their places.
        sent: Vec<usize>,
        /// The anchor's subject.
        anchor: String,
        /// A signature on the way is of a kind that Go can check and this program can't (P-224, and sizes of RSA that
        /// nobody uses); it was taken for good.
        has_assumed: bool,
    },
}

/// The order in which the certificates came. Go needs only the leaf to be first; others are less patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Leaf, its issuer, the issuer's issuer, as far as they belong together.
    Right,
    /// They belong together, but something is out of place or in between.
    Wrong,
    /// An authority comes first, and so is taken for the leaf.
    LeafNotFirst {
        /// The place of the one that is for the host.
        leaf: usize,
    },
}

/// Judges the certificates of a server for a client that wanted `host`: a name, or an address with or without brackets;
/// if it is empty, names are no matter. `now` is in Unix seconds.
pub fn judge(chain: &[impl AsRef<[u8]>], host: &str, roots: &Roots, now: i64) -> ChainFacts {
    let mut sent = Vec::new();
    let mut refused = None;
    for (index, der) in chain.iter().take(MOST_CERTIFICATES).enumerate() {
        match Certificate::read(der.as_ref()) {
            Ok(certificate) => {
                let bits = certificate.key.rsa_bits();
                sent.push(certificate);
                if bits > MOST_RSA_BITS {
                    refused = Some(Rejection::OversizeKey { index, bits });
                    break;
                }
            }
            Err(reason) => {
                refused = Some(Rejection::Unreadable {
                    index,
                    reason: facts::clip(&reason),
                });
                break;
            }
        }
    }
    let way = missing::walk(&sent);
    let verdict = match refused {
        Some(rejection) => Verdict::Rejected(rejection),
        None => path::verify(&sent, host, roots, now).map_or_else(Verdict::Rejected, Verdict::Trusted),
    };
    let missing_intermediate = match verdict {
        Verdict::Trusted(_) => MissingIntermediate::No,
        Verdict::Rejected(_) => missing::judge(&sent, &way, roots),
    };
    ChainFacts {
        certs: sent.iter().map(CertFacts::of).collect(),
        verdict,
        ends_at: way.last().copied().unwrap_or_default(),
        missing_intermediate,
        order: order(&sent, &way, host),
    }
}

fn order(sent: &[Certificate], way: &[usize], host: &str) -> Order {
    let is_leaf = |certificate: &Certificate| !certificate.is_ca() && hostname::check(certificate, host).is_ok();
    if sent.first().is_some_and(Certificate::is_ca)
        && let Some(leaf) = sent.iter().position(is_leaf)
    {
        return Order::LeafNotFirst { leaf };
    }
    let follows = way.iter().enumerate().all(|(place, &sent)| place == sent);
    if follows { Order::Right } else { Order::Wrong }
}

/// The text of Go's error for a certificate that it can't read.
type Malformed = Cow<'static, str>;

/// Far more than fit into a handshake of real certificates. Go's only limit is the size of the message.
const MOST_CERTIFICATES: usize = 256;

/// crypto/tls's limit for the certificates of a server.
const MOST_RSA_BITS: usize = 8192;

#[cfg(test)]
mod tests;
