//! Public keys: which of them Go reads, and how a signature by each is checked.

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature as lc;
use aws_lc_rs::signature::{ParsedPublicKey, RsaParameters, UnparsedPublicKey};

use super::Malformed;
use super::algorithm::{Algorithm, ED25519, Family, Hash, Known, SignatureAlgorithm};
use super::der::{BitString, Der, Oid, SEQUENCE, to_i64};
use super::rejection::SignatureFault;

/// The key that a certificate vouches for.
#[derive(Clone, Debug)]
pub(super) enum PublicKey {
    /// Big-endian, without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: u64,
    },
    Ecdsa {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
    /// Read but never used: Go has no DSA verification for certificates.
    Dsa,
    /// Anything else, by its dotted identifier. Go lets such certificates pass and never builds on them.
    Unknown(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P224,
    P256,
    P384,
    P521,
}

/// What became of a signature that wasn't refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    Checked,
    /// Go can check it and this program can't: P-224, RSA above 8192 bits, and below 2048 bits RSA-PSS and SHA-384.
    /// It counts as good, because a chain whose names fit and whose signature doesn't hardly exists.
    Assumed,
}

impl PublicKey {
    /// Reads the two fields of a SubjectPublicKeyInfo.
    pub(super) fn read(algorithm: Algorithm<'_>, key: BitString<'_>) -> Result<PublicKey, Malformed> {
        let key = key.right_aligned();
        match algorithm.oid.0 {
            RSA_ENCRYPTION => rsa_key(algorithm.parameters, &key),
            EC_PUBLIC_KEY => ecdsa_key(algorithm.parameters, key),
            ED25519 if !algorithm.parameters.is_empty() => {
                Err("x509: Ed25519 key encoded with illegal parameters".into())
            }
            ED25519 if key.len() != 32 => Err("x509: wrong Ed25519 public key size".into()),
            ED25519 => Ok(PublicKey::Ed25519(key)),
            DSA => dsa_key(algorithm.parameters, &key),
            _ => Ok(PublicKey::Unknown(algorithm.oid.to_string())),
        }
    }

    /// The length of an RSA modulus in bits; 0 for other keys.
    pub(super) fn rsa_bits(&self) -> usize {
        match self {
            PublicKey::Rsa { modulus, .. } => {
                let top = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
                modulus.len() * 8 - top
            }
            _ => 0,
        }
    }

    /// Checks a signature by this key.
    pub(super) fn verify(
        &self,
        algorithm: &SignatureAlgorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<Signed, SignatureFault> {
        let SignatureAlgorithm::Known(known) = algorithm else {
            return Err(SignatureFault::Unimplemented);
        };
        if matches!(known.hash, Hash::Md5 | Hash::Sha1) {
            return Err(SignatureFault::Insecure {
                algorithm: known.name.to_owned(),
            });
        }
        let wrong_key = |found: &str| SignatureFault::WrongKey {
            wanted: known.key(),
            found: found.to_owned(),
        };
        match self {
            PublicKey::Rsa { modulus, exponent } => match known.family {
                Family::Rsa | Family::RsaPss => self.verify_rsa(known, modulus, *exponent, signed, signature),
                _ => Err(wrong_key("*rsa.PublicKey")),
            },
            PublicKey::Ecdsa { curve, point } => match known.family {
                Family::Ecdsa => {
                    let Some(algorithm) = curve.with(known.hash) else {
                        return Ok(Signed::Assumed);
                    };
                    let good = UnparsedPublicKey::new(algorithm, point).verify(signed, signature);
                    good.map(|()| Signed::Checked).map_err(|_| SignatureFault::Ecdsa)
                }
                _ => Err(wrong_key("*ecdsa.PublicKey")),
            },
            PublicKey::Ed25519(key) => match known.family {
                Family::Ed25519 => {
                    let good = UnparsedPublicKey::new(&lc::ED25519, key).verify(signed, signature);
                    good.map(|()| Signed::Checked).map_err(|_| SignatureFault::Ed25519)
                }
                _ => Err(wrong_key("ed25519.PublicKey")),
            },
            PublicKey::Dsa | PublicKey::Unknown(_) => Err(SignatureFault::Unimplemented),
        }
    }

    fn verify_rsa(
        &self,
        known: &Known,
        modulus: &[u8],
        exponent: u64,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<Signed, SignatureFault> {
        let bits = self.rsa_bits();
        if bits < 1024 {
            return Err(SignatureFault::WeakRsaKey { bits });
        }
        let bad_key = |why: &str| Err(SignatureFault::BadRsaKey { why: why.to_owned() });
        if modulus.last().is_some_and(|byte| byte % 2 == 0) {
            return bad_key("public modulus is even");
        }
        match exponent {
            0 | 1 => return bad_key("public exponent too small or negative"),
            _ if exponent.is_multiple_of(2) => return bad_key("public exponent is even"),
            0..=0x7fff_ffff => {}
            _ => return bad_key("public exponent too large"),
        }
        if signature.len() != modulus.len() {
            return Err(SignatureFault::Rsa);
        }
        let Some(algorithm) = rsa_algorithm(known, bits) else {
            return Ok(Signed::Assumed);
        };
        let exponent = exponent.to_be_bytes();
        let exponent = exponent
            .iter()
            .position(|&byte| byte != 0)
            .map_or(&[][..], |start| &exponent[start..]);
        let key = PublicKeyComponents {
            n: modulus,
            e: exponent,
        };
        let good = key.verify(algorithm, signed, signature);
        good.map(|()| Signed::Checked).map_err(|_| SignatureFault::Rsa)
    }
}

/// `ECDSA P-256`, `RSA 2048`: what a reader of a report expects.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublicKey::Rsa { .. } => write!(f, "RSA {}", self.rsa_bits()),
            PublicKey::Ecdsa { curve, .. } => write!(f, "ECDSA {}", curve.name()),
            PublicKey::Ed25519(_) => f.write_str("Ed25519"),
            PublicKey::Dsa => f.write_str("DSA"),
            PublicKey::Unknown(oid) => f.write_str(oid),
        }
    }
}

fn rsa_key(parameters: &[u8], key: &[u8]) -> Result<PublicKey, Malformed> {
    // RFC 3279 2.3.1: NULL, not absent.
    if parameters != [0x05, 0x00] {
        return Err("x509: RSA key missing NULL parameters".into());
    }
    let mut fields = Der::new(key).read(SEQUENCE).ok_or("x509: invalid RSA public key")?;
    let modulus = fields.integer().ok_or("x509: invalid RSA modulus")?;
    let exponent = fields
        .integer()
        .and_then(to_i64)
        .ok_or("x509: invalid RSA public exponent")?;
    if !is_positive(modulus) {
        return Err("x509: RSA modulus is not a positive number".into());
    }
    match u64::try_from(exponent) {
        Ok(exponent) if exponent > 0 => Ok(PublicKey::Rsa {
            modulus: modulus.strip_prefix(&[0]).unwrap_or(modulus).to_vec(),
            exponent,
        }),
        _ => Err("x509: RSA public exponent is not a positive number".into()),
    }
}

fn ecdsa_key(parameters: &[u8], point: Vec<u8>) -> Result<PublicKey, Malformed> {
    let curve = Der::new(parameters).oid().ok_or("x509: invalid ECDSA parameters")?;
    let curve = Curve::named(curve).ok_or("x509: unsupported elliptic curve")?;
    if point.first() != Some(&0x04) {
        return Err("ecdsa: invalid uncompressed public key".into());
    }
    let name = curve.name().replace('-', "");
    if point.len() != 1 + 2 * curve.coordinate_len() {
        return Err(format!("invalid {name} point encoding").into());
    }
    let on_curve = curve
        .with(Hash::Sha256)
        .is_none_or(|algorithm| ParsedPublicKey::new(algorithm, &point).is_ok());
    if on_curve {
        Ok(PublicKey::Ecdsa { curve, point })
    } else {
        Err(format!("{name} point not on curve").into())
    }
}

fn dsa_key(parameters: &[u8], key: &[u8]) -> Result<PublicKey, Malformed> {
    let y = Der::new(key).integer().ok_or("x509: invalid DSA public key")?;
    let mut fields = Der::new(parameters)
        .read(SEQUENCE)
        .ok_or("x509: invalid DSA parameters")?;
    let mut positive = is_positive(y);
    for _ in ["p", "q", "g"] {
        positive &= is_positive(fields.integer().ok_or("x509: invalid DSA parameters")?);
    }
    if positive {
        Ok(PublicKey::Dsa)
    } else {
        Err("x509: zero or negative DSA parameter".into())
    }
}

/// Whether the octets of a minimal INTEGER are above zero.
fn is_positive(octets: &[u8]) -> bool {
    octets != [0] && octets.first().is_some_and(|byte| byte & 0x80 == 0)
}

impl Curve {
    fn named(oid: Oid<'_>) -> Option<Curve> {
        match oid.0 {
            SECP224R1 => Some(Curve::P224),
            SECP256R1 => Some(Curve::P256),
            SECP384R1 => Some(Curve::P384),
            SECP521R1 => Some(Curve::P521),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Curve::P224 => "P-224",
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
        }
    }

    fn coordinate_len(self) -> usize {
        match self {
            Curve::P224 => 28,
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// The checker for signatures by a key on this curve, if there is one.
    fn with(self, hash: Hash) -> Option<&'static lc::EcdsaVerificationAlgorithm> {
        match (self, hash) {
            (Curve::P256, Hash::Sha256) => Some(&lc::ECDSA_P256_SHA256_ASN1),
            (Curve::P256, Hash::Sha384) => Some(&lc::ECDSA_P256_SHA384_ASN1),
            (Curve::P256, Hash::Sha512) => Some(&lc::ECDSA_P256_SHA512_ASN1),
            (Curve::P384, Hash::Sha256) => Some(&lc::ECDSA_P384_SHA256_ASN1),
            (Curve::P384, Hash::Sha384) => Some(&lc::ECDSA_P384_SHA384_ASN1),
            (Curve::P384, Hash::Sha512) => Some(&lc::ECDSA_P384_SHA512_ASN1),
            (Curve::P521, Hash::Sha256) => Some(&lc::ECDSA_P521_SHA256_ASN1),
            (Curve::P521, Hash::Sha384) => Some(&lc::ECDSA_P521_SHA384_ASN1),
            (Curve::P521, Hash::Sha512) => Some(&lc::ECDSA_P521_SHA512_ASN1),
            (Curve::P224, _) | (_, Hash::Md5 | Hash::Sha1 | Hash::Inside) => None,
        }
    }
}

/// The checker for signatures by an RSA key of this size, if there is one.
fn rsa_algorithm(known: &Known, bits: usize) -> Option<&'static RsaParameters> {
    match (known.family, known.hash, bits) {
        (Family::Rsa, Hash::Sha256, 1024..=8192) => Some(&lc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        (Family::Rsa, Hash::Sha384, 2048..=8192) => Some(&lc::RSA_PKCS1_2048_8192_SHA384),
        (Family::Rsa, Hash::Sha512, 1024..=8192) => Some(&lc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        (Family::RsaPss, Hash::Sha256, 2048..=8192) => Some(&lc::RSA_PSS_2048_8192_SHA256),
        (Family::RsaPss, Hash::Sha384, 2048..=8192) => Some(&lc::RSA_PSS_2048_8192_SHA384),
        (Family::RsaPss, Hash::Sha512, 2048..=8192) => Some(&lc::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
const SECP224R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x21];
const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const SECP521R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
