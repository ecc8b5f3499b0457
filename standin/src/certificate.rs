//! Certificates made up on the spot: a chain like a public one (root, intermediate, leaf), and its usual defects.

use std::ops::Range;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

use crate::tls::Tls;

/// What is wrong with a made-up certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certificate {
    Good,
    Expired,
    NotYetValid,
    ExpiresSoon,
    /// Valid for another host.
    WrongName,
    /// No issuer but itself.
    SelfSigned,
    /// The leaf alone, without the intermediate that a client needs.
    LeafOnly,
    /// What the gateway makes for itself: a common name and no subject alternative name.
    WithoutNames,
    /// What ingress-nginx serves for a host that it has no certificate for.
    IngressDefault,
}

impl Certificate {
    /// Issues it, for these host names and addresses where it is for the right ones.
    pub(crate) fn issue(self, names: &[&str]) -> Tls {
        let shape = self.shape(names);
        let key = key();
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let leaf = leaf(&shape);
        if shape.issuer == Issuer::Itself {
            let leaf = leaf.self_signed(&key).expect(SIGNS);
            return Tls {
                chain: vec![leaf.der().clone()],
                key: private,
                ca_pem: None,
            };
        }
        let root = CertifiedIssuer::self_signed(authority("Hoop demo root"), self::key()).expect(SIGNS);
        let intermediate =
            CertifiedIssuer::signed_by(authority("Hoop demo intermediate"), self::key(), &root).expect(SIGNS);
        let leaf = leaf.signed_by(&key, &intermediate).expect(SIGNS);
        let mut chain = vec![leaf.der().clone()];
        if shape.issuer == Issuer::Served {
            chain.push(intermediate.der().clone());
        }
        Tls {
            chain,
            key: private,
            ca_pem: Some(root.pem()),
        }
    }

    fn shape<'a>(self, names: &'a [&'a str]) -> Shape<'a> {
        let good = Shape {
            names,
            days: -30..365,
            organization: ORGANIZATION,
            name: "gateway",
            issuer: Issuer::Served,
        };
        match self {
            Self::Good => good,
            Self::Expired => Shape { days: -93..-3, ..good },
            Self::NotYetValid => Shape { days: 3..93, ..good },
            Self::ExpiresSoon => Shape { days: -83..7, ..good },
            Self::WrongName => Shape {
                names: &["other.demo.test"],
                ..good
            },
            Self::SelfSigned => Shape {
                issuer: Issuer::Itself,
                ..good
            },
            Self::LeafOnly => Shape {
                issuer: Issuer::LeftOut,
                ..good
            },
            Self::WithoutNames => Shape {
                names: &[],
                days: 0..365,
                organization: "Hoop Gateway",
                name: "localhost",
                issuer: Issuer::Itself,
            },
            Self::IngressDefault => Shape {
                names: &["ingress.local"],
                organization: "Acme Co",
                name: "Kubernetes Ingress Controller Fake Certificate",
                issuer: Issuer::Itself,
                ..good
            },
        }
    }
}

/// What a leaf says of itself. `days` are counted from now, both ends.
struct Shape<'a> {
    names: &'a [&'a str],
    days: Range<i64>,
    organization: &'a str,
    name: &'a str,
    issuer: Issuer,
}

#[derive(PartialEq, Eq)]
enum Issuer {
    Itself,
    /// The intermediate, which is served behind the leaf.
    Served,
    /// The intermediate, which is not.
    LeftOut,
}

fn leaf(shape: &Shape<'_>) -> CertificateParams {
    let names: Vec<String> = shape.names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names are host names or addresses");
    params.distinguished_name = subject(shape.organization, shape.name);
    params.not_before = in_days(shape.days.start);
    params.not_after = in_days(shape.days.end);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(ORGANIZATION, name);
    params.not_before = in_days(-365);
    params.not_after = in_days(3650);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn subject(organization: &str, name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, organization);
    subject.push(DnType::CommonName, name);
    subject
}

fn in_days(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::days(days)
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the provider makes P-256 keys")
}

/// The authority's organisation is the leaf's, so that a client who trusts the root can tell a missing intermediate.
const ORGANIZATION: &str = "Hoop demo";

const SIGNS: &str = "a fresh key signs well-formed parameters";
