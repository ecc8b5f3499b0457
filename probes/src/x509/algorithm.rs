//! Signature algorithms: which of them Go knows, by which name, and what each demands of the key.

use std::fmt;

use super::Malformed;
use super::der::{Der, Oid, SEQUENCE, explicit, to_i64};

/// The families that a signature algorithm belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Rsa,
    RsaPss,
    Ecdsa,
    Ed25519,
    Dsa,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    /// Ed25519 hashes by itself.
    Inside,
}

/// The algorithm that a certificate is signed with.
#[derive(Clone, Debug)]
pub(super) enum SignatureAlgorithm {
    Known(Known),
    /// By its dotted identifier.
    Unknown(String),
}

/// A signature algorithm that Go has a name for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) family: Family,
    pub(super) hash: Hash,
}

/// An AlgorithmIdentifier: the OID, and the parameters as an element if there are any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Algorithm<'a> {
    pub(super) oid: Oid<'a>,
    pub(super) parameters: &'a [u8],
}

impl<'a> Algorithm<'a> {
    pub(super) fn read(mut der: Der<'a>) -> Result<Self, Malformed> {
        let oid = der.oid().ok_or("x509: malformed OID")?;
        if der.is_empty() {
            return Ok(Algorithm { oid, parameters: &[] });
        }
        let parameters = der.any().ok_or("x509: malformed parameters")?.raw;
        Ok(Algorithm { oid, parameters })
    }
}

impl Known {
    /// The family's name in Go's "specifies an … public key".
    pub(super) fn key(&self) -> String {
        let name = match self.family {
            Family::Rsa | Family::RsaPss => "RSA",
            Family::Ecdsa => "ECDSA",
            Family::Ed25519 => "Ed25519",
            Family::Dsa => "DSA",
        };
        name.to_owned()
    }
}

impl SignatureAlgorithm {
    pub(super) fn of(algorithm: Algorithm<'_>) -> SignatureAlgorithm {
        let found = match algorithm.oid.0 {
            RSA_PSS => pss(algorithm.parameters),
            ED25519 if !algorithm.parameters.is_empty() => None,
            oid => SIGNATURES
                .iter()
                .find(|(known, _)| *known == oid)
                .map(|(_, known)| *known),
        };
        found.map_or_else(
            || SignatureAlgorithm::Unknown(algorithm.oid.to_string()),
            SignatureAlgorithm::Known,
        )
    }
}

/// Go's name for the algorithm, or the dotted identifier.
impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignatureAlgorithm::Known(known) => f.write_str(known.name),
            SignatureAlgorithm::Unknown(oid) => f.write_str(oid),
        }
    }
}

/// RSASSA-PSS says its hash in its parameters. Go takes them only where the mask uses the same hash and the salt is as
/// long as the hash.
fn pss(parameters: &[u8]) -> Option<Known> {
    let mut fields = Der::new(parameters).read(SEQUENCE)?;
    let hash = Algorithm::read(fields.read(explicit(0))?.read(SEQUENCE)?).ok()?;
    let mask = Algorithm::read(fields.read(explicit(1))?.read(SEQUENCE)?).ok()?;
    let salt = to_i64(fields.read(explicit(2))?.integer()?)?;
    if let Some(mut trailer) = fields.optional(explicit(3))?
        && to_i64(trailer.integer()?)? != 1
    {
        return None;
    }
    let mask_hash = Algorithm::read(Der::new(mask.parameters).read(SEQUENCE)?).ok()?;
    let plain = |algorithm: Algorithm<'_>| matches!(algorithm.parameters, [] | [0x05, 0x00]);
    if mask.oid.0 != MGF1 || mask_hash.oid != hash.oid || !plain(hash) || !plain(mask_hash) {
        return None;
    }
    let (name, hash) = match (hash.oid.0, salt) {
        (SHA256, 32) => ("SHA256-RSAPSS", Hash::Sha256),
        (SHA384, 48) => ("SHA384-RSAPSS", Hash::Sha384),
        (SHA512, 64) => ("SHA512-RSAPSS", Hash::Sha512),
        _ => return None,
    };
    Some(Known {
        name,
        family: Family::RsaPss,
        hash,
    })
}

const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
/// The key and the signature have the same identifier.
pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const fn known(name: &'static str, family: Family, hash: Hash) -> Known {
    Known { name, family, hash }
}

/// Every signature algorithm that Go names by its identifier alone.
const SIGNATURES: [(&[u8], Known); 13] = [
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
        known("MD5-RSA", Family::Rsa, Hash::Md5),
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
        known("SHA1-RSA", Family::Rsa, Hash::Sha1),
    ),
    // The ISO's identifier for the same, from old Microsoft tools.
    (
        &[0x2b, 0x0e, 0x03, 0x02, 0x1d],
        known("SHA1-RSA", Family::Rsa, Hash::Sha1),
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
        known("SHA256-RSA", Family::Rsa, Hash::Sha256),
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
        known("SHA384-RSA", Family::Rsa, Hash::Sha384),
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
        known("SHA512-RSA", Family::Rsa, Hash::Sha512),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03],
        known("DSA-SHA1", Family::Dsa, Hash::Sha1),
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x02],
        known("DSA-SHA256", Family::Dsa, Hash::Sha256),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
        known("ECDSA-SHA1", Family::Ecdsa, Hash::Sha1),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        known("ECDSA-SHA256", Family::Ecdsa, Hash::Sha256),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        known("ECDSA-SHA384", Family::Ecdsa, Hash::Sha384),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
        known("ECDSA-SHA512", Family::Ecdsa, Hash::Sha512),
    ),
    (ED25519, known("Ed25519", Family::Ed25519, Hash::Inside)),
];
