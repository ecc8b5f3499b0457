//! The extensions that Go acts on. Any of them that it can't read makes the whole certificate unreadable.

use std::collections::HashSet;

use super::Malformed;
use super::constraints::Subtrees;
use super::der::{Der, OBJECT_IDENTIFIER, OCTET_STRING, Oid, SEQUENCE, explicit, implicit, to_i64};
use super::hostname::is_domain;
use super::uri::Uri;

/// What the extensions say; the default is a certificate without any.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    /// A critical extension that Go doesn't act on.
    pub(super) unhandled_critical: bool,
    /// Bit n is bit n of the named bit list; 0 if the extension is absent or empty.
    pub(super) key_usage: u16,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) names: Option<AlternativeNames>,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) extended_usage: ExtendedUsage,
    pub(super) subject_key_id: Vec<u8>,
    pub(super) authority_key_id: Vec<u8>,
    /// Who issued the issuer's certificate, if the authority key identifier says so: a Name in DER. Go doesn't look.
    pub(super) authority_issuer: Option<Vec<u8>>,
    pub(super) policies: Vec<Vec<u8>>,
    /// Pairs of issuer's and subject's policy.
    pub(super) policy_mappings: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) require_explicit_policy: Option<i64>,
    pub(super) inhibit_policy_mapping: Option<i64>,
    pub(super) inhibit_any_policy: Option<i64>,
    /// Where the issuer's certificate can be fetched.
    pub(super) issuer_urls: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BasicConstraints {
    pub(super) is_ca: bool,
    pub(super) max_intermediates: Option<u64>,
}

/// Subject alternative names.
#[derive(Clone, Debug, Default)]
pub(super) struct AlternativeNames {
    /// The extension's value, by which Go recognises a certificate that it has been through.
    pub(super) raw: Vec<u8>,
    pub(super) dns: Vec<String>,
    pub(super) emails: Vec<String>,
    pub(super) uris: Vec<Uri>,
    /// 4 or 16 octets each.
    pub(super) addresses: Vec<Vec<u8>>,
    /// Names of kinds that Go skips, such as directory names.
    pub(super) skipped: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct NameConstraints {
    pub(super) permitted: Subtrees,
    pub(super) excluded: Subtrees,
}

/// The extended key usages, as far as a server's chain is concerned.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ExtendedUsage {
    /// At least one usage is listed.
    pub(super) is_limited: bool,
    /// serverAuth or any usage is listed.
    pub(super) for_servers: bool,
}

impl Extensions {
    pub(super) fn read(mut der: Der<'_>) -> Result<Extensions, Malformed> {
        let mut list = der.read(SEQUENCE).ok_or("x509: malformed extensions")?;
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        while !list.is_empty() {
            let mut der = list.read(SEQUENCE).ok_or("x509: malformed extension")?;
            let id = der.oid().ok_or("x509: malformed extension OID field")?;
            let critical = if der.next_is(super::der::BOOLEAN) {
                der.boolean().ok_or("x509: malformed extension critical field")?
            } else {
                false
            };
            let value = der.read(OCTET_STRING).ok_or("x509: malformed extension value field")?;
            if !seen.insert(id.0) {
                return Err(format!("x509: certificate contains duplicate extension with OID \"{id}\"").into());
            }
            found.push((id, critical, value));
        }
        let mut extensions = Extensions::default();
        for (id, critical, value) in found {
            let handled = extensions.add(id, critical, value)?;
            extensions.unhandled_critical |= critical && !handled;
        }
        Ok(extensions)
    }

    /// Takes one extension in; the answer is whether Go knows it and acts on all of it.
    fn add(&mut self, id: Oid<'_>, critical: bool, mut value: Der<'_>) -> Result<bool, Malformed> {
        match id.0 {
            // id-ce: RFC 5280 4.2.1, by the number of the section's extension.
            [0x55, 0x1d, 14] => {
                if critical {
                    return Err("x509: subject key identifier incorrectly marked critical".into());
                }
                let key_id = value.read(OCTET_STRING).ok_or("x509: invalid subject key identifier")?;
                self.subject_key_id = key_id.rest().to_vec();
            }
            [0x55, 0x1d, 15] => {
                let bits = value.bit_string().ok_or("x509: invalid key usage")?;
                self.key_usage = (0..9)
                    .filter(|&bit| bits.bit(bit))
                    .fold(0, |usage, bit| usage | 1 << bit);
            }
            [0x55, 0x1d, 17] => {
                let names = AlternativeNames::read(value)?;
                let handled = !names.is_empty();
                self.names = Some(names);
                return Ok(handled);
            }
            [0x55, 0x1d, 19] => self.basic_constraints = Some(BasicConstraints::read(value)?),
            [0x55, 0x1d, 30] => {
                let (constraints, handled) = NameConstraints::read(value)?;
                self.name_constraints = Some(constraints);
                return Ok(handled);
            }
            [0x55, 0x1d, 31] => check_distribution_points(value)?,
            [0x55, 0x1d, 32] => self.policies = policies(value).ok_or("x509: invalid certificate policies")?,
            [0x55, 0x1d, 33] => {
                self.policy_mappings = policy_mappings(value).ok_or("x509: invalid policy mappings extension")?;
            }
            [0x55, 0x1d, 35] => {
                if critical {
                    return Err("x509: authority key identifier incorrectly marked critical".into());
                }
                self.add_authority(value)
                    .ok_or("x509: invalid authority key identifier")?;
            }
            [0x55, 0x1d, 36] => {
                self.add_policy_constraints(value)
                    .ok_or("x509: invalid policy constraints extension")?;
            }
            [0x55, 0x1d, 37] => {
                self.extended_usage = ExtendedUsage::read(value).ok_or("x509: invalid extended key usages")?;
            }
            [0x55, 0x1d, 54] => {
                let skip = value
                    .integer()
                    .and_then(to_i64)
                    .ok_or("x509: invalid inhibit any policy extension")?;
                self.inhibit_any_policy = Some(skip);
            }
            AUTHORITY_INFO_ACCESS => {
                if critical {
                    return Err("x509: authority info access incorrectly marked critical".into());
                }
                self.issuer_urls = issuer_urls(value).ok_or("x509: invalid authority info access")?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn add_authority(&mut self, mut value: Der<'_>) -> Option<()> {
        let mut fields = value.read(SEQUENCE)?;
        if let Some(key_id) = fields.optional(implicit(0))? {
            self.authority_key_id = key_id.rest().to_vec();
        }
        // authorityCertIssuer [1] GeneralNames, of which the directoryName [4] is a Name. Go reads no further than the
        // key, so nothing here may be an error.
        let issuer = fields
            .optional(explicit(1))
            .flatten()
            .and_then(|mut names| names.optional(explicit(4)).flatten());
        self.authority_issuer = issuer.map(|name| name.rest().to_vec());
        Some(())
    }

    fn add_policy_constraints(&mut self, mut value: Der<'_>) -> Option<()> {
        let mut fields = value.read(SEQUENCE)?;
        if fields.next_is(implicit(0)) {
            self.require_explicit_policy = Some(to_i64(fields.integer_tagged(implicit(0))?)?);
        }
        if fields.next_is(implicit(1)) {
            self.inhibit_policy_mapping = Some(to_i64(fields.integer_tagged(implicit(1))?)?);
        }
        Some(())
    }
}

impl BasicConstraints {
    fn read(mut value: Der<'_>) -> Result<BasicConstraints, Malformed> {
        const INVALID: &str = "x509: invalid basic constraints";
        let mut fields = value.read(SEQUENCE).ok_or(INVALID)?;
        let is_ca = if fields.next_is(super::der::BOOLEAN) {
            fields.boolean().ok_or(INVALID)?
        } else {
            false
        };
        let max_intermediates = if fields.next_is(super::der::INTEGER) {
            let limit = fields
                .integer()
                .and_then(to_i64)
                .and_then(|limit| u64::try_from(limit).ok());
            Some(limit.ok_or(INVALID)?)
        } else {
            None
        };
        Ok(BasicConstraints {
            is_ca,
            max_intermediates,
        })
    }
}

impl AlternativeNames {
    fn read(mut value: Der<'_>) -> Result<AlternativeNames, Malformed> {
        let mut names = AlternativeNames {
            raw: value.rest().to_vec(),
            ..AlternativeNames::default()
        };
        let mut list = value.read(SEQUENCE).ok_or("x509: invalid subject alternative names")?;
        while !list.is_empty() {
            let name = list.any().ok_or("x509: invalid subject alternative name")?;
            match name.tag {
                EMAIL => names
                    .emails
                    .push(ascii(name.content).ok_or("x509: SAN rfc822Name is malformed")?),
                DNS => names
                    .dns
                    .push(ascii(name.content).ok_or("x509: SAN dNSName is malformed")?),
                URI => {
                    let text = ascii(name.content).ok_or("x509: SAN uniformResourceIdentifier is malformed")?;
                    let refused = |why: &str| format!("x509: cannot parse URI {}: {why}", super::quote::quote(&text));
                    let uri = Uri::read(&text).map_err(|why| refused(&why))?;
                    if !is_domain(&uri.host) {
                        return Err(refused("invalid domain").into());
                    }
                    names.uris.push(uri);
                }
                ADDRESS if matches!(name.content.len(), 4 | 16) => names.addresses.push(name.content.to_vec()),
                ADDRESS => {
                    return Err(format!("x509: cannot parse IP address of length {}", name.content.len()).into());
                }
                _ => names.skipped = true,
            }
        }
        Ok(names)
    }

    fn is_empty(&self) -> bool {
        self.dns.is_empty() && self.emails.is_empty() && self.uris.is_empty() && self.addresses.is_empty()
    }
}

impl NameConstraints {
    /// Reads the constraints, and says whether they are all of kinds that Go compares.
    fn read(mut value: Der<'_>) -> Result<(NameConstraints, bool), Malformed> {
        const INVALID: &str = "x509: invalid NameConstraints extension";
        let mut fields = value.read(SEQUENCE).filter(|_| value.is_empty()).ok_or(INVALID)?;
        let permitted = fields.optional(explicit(0)).ok_or(INVALID)?;
        let excluded = fields.optional(explicit(1)).ok_or(INVALID)?;
        if !fields.is_empty() {
            return Err(INVALID.into());
        }
        let (permitted, excluded) = (permitted.unwrap_or(Der::new(&[])), excluded.unwrap_or(Der::new(&[])));
        if permitted.is_empty() && excluded.is_empty() {
            return Err("x509: empty name constraints extension".into());
        }
        let (permitted, permitted_handled) = Subtrees::read(permitted)?;
        let (excluded, excluded_handled) = Subtrees::read(excluded)?;
        Ok((
            NameConstraints { permitted, excluded },
            permitted_handled && excluded_handled,
        ))
    }
}

impl ExtendedUsage {
    fn read(mut value: Der<'_>) -> Option<ExtendedUsage> {
        let mut usages = value.read(SEQUENCE)?;
        let mut found = ExtendedUsage::default();
        while !usages.is_empty() {
            let usage = usages.oid()?;
            found.is_limited = true;
            found.for_servers |= usage.0 == SERVER_AUTH || usage.0 == ANY_USAGE;
        }
        Some(found)
    }
}

fn policies(mut value: Der<'_>) -> Option<Vec<Vec<u8>>> {
    let mut list = value.read(SEQUENCE)?;
    let mut seen = HashSet::new();
    let mut policies = Vec::new();
    while !list.is_empty() {
        let policy = list.read(SEQUENCE)?.read(OBJECT_IDENTIFIER)?.rest();
        // Arcs of any size here, unlike elsewhere: whole and minimal is enough.
        let is_whole = policy.last().is_some_and(|byte| byte & 0x80 == 0);
        let mut at_start = std::iter::once(true).chain(policy.iter().map(|byte| byte & 0x80 == 0));
        let is_minimal = policy
            .iter()
            .all(|&byte| !(at_start.next() == Some(true) && byte == 0x80));
        if !is_whole || !is_minimal || !seen.insert(policy) {
            return None;
        }
        policies.push(policy.to_vec());
    }
    Some(policies)
}

fn policy_mappings(mut value: Der<'_>) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut list = value.read(SEQUENCE)?;
    let mut mappings = Vec::new();
    while !list.is_empty() {
        let mut pair = list.read(SEQUENCE)?;
        let (issuer, subject) = (pair.read(OBJECT_IDENTIFIER)?, pair.read(OBJECT_IDENTIFIER)?);
        mappings.push((issuer.rest().to_vec(), subject.rest().to_vec()));
    }
    Some(mappings)
}

/// Nothing here is used, but what Go can't read it refuses.
fn check_distribution_points(mut value: Der<'_>) -> Result<(), Malformed> {
    let mut list = value.read(SEQUENCE).ok_or("x509: invalid CRL distribution points")?;
    let mut check = || {
        while !list.is_empty() {
            let mut point = list.read(SEQUENCE)?;
            let Some(mut name) = point.optional(explicit(0))? else {
                continue;
            };
            let mut names = name.read(explicit(0))?;
            while names.next_is(URI) {
                names.read(URI)?;
            }
        }
        Some(())
    };
    check().ok_or_else(|| "x509: invalid CRL distribution point".into())
}

fn issuer_urls(mut value: Der<'_>) -> Option<Vec<String>> {
    let mut list = value.read(SEQUENCE)?;
    let mut urls = Vec::new();
    while !list.is_empty() {
        let mut access = list.read(SEQUENCE)?;
        let method = access.oid()?;
        if !access.next_is(URI) {
            continue;
        }
        let url = access.read(URI)?;
        if method.0 == CA_ISSUERS {
            urls.push(String::from_utf8_lossy(url.rest()).into_owned());
        }
    }
    Some(urls)
}

/// An IA5String as text.
pub(super) fn ascii(bytes: &[u8]) -> Option<String> {
    str::from_utf8(bytes)
        .ok()
        .filter(|text| text.is_ascii())
        .map(str::to_owned)
}

/// The tags of the GeneralNames that Go reads, in names, constraints and elsewhere.
pub(super) const EMAIL: u8 = implicit(1);
pub(super) const DNS: u8 = implicit(2);
pub(super) const URI: u8 = implicit(6);
pub(super) const ADDRESS: u8 = implicit(7);

const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
const CA_ISSUERS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
