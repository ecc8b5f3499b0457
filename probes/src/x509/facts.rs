//! What a certificate says, for evidence and report. Text comes from a stranger and stays as it is, control characters
//! included: whoever prints it escapes it. Lengths and numbers are bounded.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::rejection::address;

/// The facts of one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertFacts {
    /// The whole subject, most specific part first: `CN=gw.example,O=Example`.
    pub subject: String,
    /// The subject's common name, empty if there is none.
    pub subject_cn: String,
    /// The subject's first organisation, empty if there is none.
    pub subject_org: String,
    /// The whole issuer, in the form of `subject`.
    pub issuer: String,
    /// The issuer's common name, empty if there is none.
    pub issuer_cn: String,
    /// The issuer's first organisation, empty if there is none.
    pub issuer_org: String,
    /// The DNS names it is for, in its order, wildcards as written; at most 100.
    pub dns_names: Vec<String>,
    /// The addresses it is for; at most 100.
    pub ip_addresses: Vec<IpAddr>,
    /// It has alternative names of other kinds: URIs, mailboxes, directory names.
    pub other_names: bool,
    /// The first second of validity, in Unix seconds.
    pub not_before: i64,
    /// The last second of validity, in Unix seconds.
    pub not_after: i64,
    /// The serial number in lower-case hexadecimal.
    pub serial: String,
    /// The SHA-256 of the whole certificate, in lower-case hexadecimal.
    pub sha256: String,
    /// 1 to 3.
    pub version: u8,
    /// Basic constraints call it a certificate authority.
    pub is_ca: bool,
    /// Issuer and subject are the same bytes.
    pub self_issued: bool,
    /// The issuer's key identifier in lower-case hexadecimal, empty if there is none.
    pub authority_key_id: String,
    /// Its own key identifier in lower-case hexadecimal, empty if there is none.
    pub subject_key_id: String,
    /// Where it says that its issuer's certificate can be fetched; at most 8.
    pub issuer_urls: Vec<String>,
    /// The kind of its key: `ECDSA P-256`, `RSA 2048`, `Ed25519`, or a dotted identifier.
    pub key: String,
    /// Go's name of the algorithm it is signed with, such as `SHA256-RSA`, or a dotted identifier.
    pub signature_algorithm: String,
}

impl CertFacts {
    pub(super) fn of(certificate: &Certificate) -> CertFacts {
        let Certificate {
            subject,
            issuer,
            extensions,
            ..
        } = certificate;
        let names = extensions.names.as_ref();
        let dns_names = names.map_or(&[][..], |names| &names.dns).iter().take(MOST_LISTED);
        let addresses = names.map_or(&[][..], |names| &names.addresses).iter().take(MOST_LISTED);
        CertFacts {
            subject: clip(&subject.text),
            subject_cn: clip(&subject.common_name),
            subject_org: clip(&subject.organization),
            issuer: clip(&issuer.text),
            issuer_cn: clip(&issuer.common_name),
            issuer_org: clip(&issuer.organization),
            dns_names: dns_names.map(|name| clip(name)).collect(),
            ip_addresses: addresses.filter_map(|octets| address(octets)).collect(),
            other_names: names.is_some_and(|names| names.skipped || !names.emails.is_empty() || !names.uris.is_empty()),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            serial: hex(&certificate.serial),
            sha256: hex(digest(&SHA256, &certificate.der).as_ref()),
            version: certificate.version,
            is_ca: certificate.is_ca(),
            self_issued: certificate.is_self_issued(),
            authority_key_id: hex(&extensions.authority_key_id),
            subject_key_id: hex(&extensions.subject_key_id),
            issuer_urls: extensions
                .issuer_urls
                .iter()
                .take(MOST_URLS)
                .map(|url| clip(url))
                .collect(),
            key: clip(&certificate.key.to_string()),
            signature_algorithm: clip(&certificate.algorithm.to_string()),
        }
    }
}

/// The first 256 characters.
pub(super) fn clip(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}

/// Lower-case hexadecimal of the first 128 octets, which is 256 characters too.
fn hex(octets: &[u8]) -> String {
    octets
        .iter()
        .take(MOST_CHARS / 2)
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

const MOST_CHARS: usize = 256;
const MOST_LISTED: usize = 100;
const MOST_URLS: usize = 8;
