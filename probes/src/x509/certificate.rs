//! One certificate, read as Go's `ParseCertificate` reads it: in the same order, with the same limits and errors.

use super::Malformed;
use super::algorithm::{Algorithm, SignatureAlgorithm};
use super::clock;
use super::der::{Der, SEQUENCE, explicit, implicit, to_i64};
use super::extensions::Extensions;
use super::key::{PublicKey, Signed};
use super::name::Name;
use super::rejection::SignatureFault;

/// Everything that judging and reporting need of a certificate.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) der: Vec<u8>,
    /// 1 to 3, as people count.
    pub(super) version: u8,
    /// Big-endian; never negative.
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Name,
    pub(super) subject: Name,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    /// The SubjectPublicKeyInfo, which is what two certificates of one key have in common.
    pub(super) key_info: Vec<u8>,
    pub(super) key: PublicKey,
    pub(super) extensions: Extensions,
    pub(super) algorithm: SignatureAlgorithm,
    /// The part that the signature is over.
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Certificate {
    pub(super) fn read(der: &[u8]) -> Result<Certificate, Malformed> {
        let outer = Der::new(der).element(SEQUENCE).ok_or("x509: malformed certificate")?;
        let mut fields = Der::new(outer.content);
        let signed = fields.element(SEQUENCE).ok_or("x509: malformed tbs certificate")?;
        let mut tbs = Der::new(signed.content);

        let version = version(&mut tbs)?;
        let serial = tbs.integer().ok_or("x509: malformed serial number")?;
        if serial.first().is_some_and(|byte| byte & 0x80 != 0) {
            return Err("x509: negative serial number".into());
        }
        let inner = tbs
            .read(SEQUENCE)
            .ok_or("x509: malformed signature algorithm identifier")?;
        let algorithm = fields.read(SEQUENCE).ok_or("x509: malformed algorithm identifier")?;
        if inner.rest() != algorithm.rest() {
            return Err("x509: inner and outer signature algorithm identifiers don't match".into());
        }
        let algorithm = SignatureAlgorithm::of(Algorithm::read(algorithm)?);

        let issuer = Name::read(tbs.element(SEQUENCE).ok_or("x509: malformed issuer")?.raw)?;
        let mut validity = tbs.read(SEQUENCE).ok_or("x509: malformed validity")?;
        let not_before = clock::read(&mut validity)?;
        let not_after = clock::read(&mut validity)?;
        let subject = Name::read(tbs.element(SEQUENCE).ok_or("x509: malformed issuer")?.raw)?;

        let key_info = tbs.element(SEQUENCE).ok_or("x509: malformed spki")?;
        let mut key = Der::new(key_info.content);
        let key_algorithm = key
            .read(SEQUENCE)
            .ok_or("x509: malformed public key algorithm identifier")?;
        let key_algorithm = Algorithm::read(key_algorithm)?;
        let key_bits = key.bit_string().ok_or("x509: malformed subjectPublicKey")?;
        let key = PublicKey::read(key_algorithm, key_bits)?;

        if version > 1 {
            tbs.optional(implicit(1)).ok_or("x509: malformed issuerUniqueID")?;
            tbs.optional(implicit(2)).ok_or("x509: malformed subjectUniqueID")?;
        }
        let extensions = if version == 3 {
            let found = tbs.optional(explicit(3)).ok_or("x509: malformed extensions")?;
            found.map_or_else(|| Ok(Extensions::default()), Extensions::read)?
        } else {
            Extensions::default()
        };
        let signature = fields.bit_string().ok_or("x509: malformed signature")?;
        if outer.raw.len() != der.len() {
            return Err("x509: trailing data".into());
        }
        Ok(Certificate {
            der: der.to_vec(),
            version,
            serial: serial
                .strip_prefix(&[0])
                .filter(|rest| !rest.is_empty())
                .unwrap_or(serial)
                .to_vec(),
            issuer,
            subject,
            not_before,
            not_after,
            key_info: key_info.raw.to_vec(),
            key,
            extensions,
            algorithm,
            signed: signed.raw.to_vec(),
            signature: signature.right_aligned(),
        })
    }

    /// Whether it names itself as its issuer, which is what people call self-signed.
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer.raw == self.subject.raw
    }

    /// Whether it may issue certificates as far as basic constraints say.
    pub(super) fn is_ca(&self) -> bool {
        self.extensions.basic_constraints.is_some_and(|basic| basic.is_ca)
    }

    /// Whether `issuer` may have signed this certificate, and has.
    pub(super) fn signed_by(&self, issuer: &Certificate) -> Result<Signed, SignatureFault> {
        // RFC 5280 4.2.1.9: without basic constraints a version 3 certificate is no authority. Older versions can't
        // have them, so they are taken at their word (as roots: as intermediates `not_authorized_to_sign` stops them).
        let may_sign = issuer
            .extensions
            .basic_constraints
            .map_or(issuer.version < 3, |basic| basic.is_ca);
        let usage = issuer.extensions.key_usage;
        if !may_sign || (usage != 0 && usage & CERT_SIGN == 0) {
            return Err(SignatureFault::CannotSign);
        }
        self.signed_with(&issuer.key)
    }

    /// Whether this key has signed this certificate, whoever holds it.
    pub(super) fn signed_with(&self, key: &PublicKey) -> Result<Signed, SignatureFault> {
        key.verify(&self.algorithm, &self.signed, &self.signature)
    }

    /// What a hint calls it.
    pub(super) fn label(&self) -> String {
        match (self.subject.common_name.as_str(), self.subject.organization.as_str()) {
            ("", "") => format!("serial:{}", decimal(&self.serial)),
            ("", organization) => organization.to_owned(),
            (common_name, _) => common_name.to_owned(),
        }
    }
}

/// The optional version, 0 meaning 1.
fn version(tbs: &mut Der<'_>) -> Result<u8, Malformed> {
    let Some(mut field) = tbs.optional(explicit(0)).ok_or("x509: malformed version")? else {
        return Ok(1);
    };
    let version = field
        .integer()
        .and_then(to_i64)
        .filter(|version| *version >= 0 && field.is_empty());
    match version.ok_or("x509: malformed version")? {
        0 => Ok(1),
        1 => Ok(2),
        2 => Ok(3),
        _ => Err("x509: invalid version".into()),
    }
}

/// A big-endian number in decimal. Hostile serials are long, so the work is kept in steps of nine digits.
fn decimal(octets: &[u8]) -> String {
    const STEP: u64 = 1_000_000_000;
    let mut digits = vec![0_u64];
    for &octet in octets.iter().take(MAX_SERIAL) {
        let mut carry = u64::from(octet);
        for group in &mut digits {
            let value = *group << 8 | carry;
            (*group, carry) = (value % STEP, value / STEP);
        }
        if carry > 0 {
            digits.push(carry);
        }
    }
    let (top, rest) = digits.split_last().expect("there is always one group");
    rest.iter()
        .rev()
        .fold(top.to_string(), |text, group| format!("{text}{group:09}"))
}

/// RFC 5280 4.1.2.2 allows 20 octets; more than this is not worth printing.
const MAX_SERIAL: usize = 64;

/// keyCertSign in the key usage.
const CERT_SIGN: u16 = 1 << 5;
