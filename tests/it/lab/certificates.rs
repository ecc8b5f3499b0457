//! The certificates of the lab: root → intermediate → leaf, and leaves with exactly one fault each.
//!
//! They are made anew for every lab, because half of the faults are about today's date.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// The name that the lab's clients ask for.
pub(crate) const GATEWAY: &str = "gateway.lab.test";

/// The name for gRPC, where it has a host of its own.
pub(crate) const GRPC: &str = "grpc.lab.test";

/// A name that no client of the lab asks for.
const OTHER: &str = "other.lab.test";

/// PEM files in one folder.
pub(crate) struct Certificates {
    folder: PathBuf,
    ca: PathBuf,
}

impl Certificates {
    /// Makes all of them and writes them to `folder`, which must not exist yet.
    pub(crate) fn write_to(folder: &Path) -> io::Result<Self> {
        fs::create_dir(folder)?;
        let ca = folder.join("ca.pem");
        let authority = Authority::new().map_err(io::Error::other)?;
        fs::write(&ca, authority.root.pem())?;
        let certificates = Self {
            folder: folder.to_owned(),
            ca,
        };
        for leaf in &LEAVES {
            let bundle = authority.issue(leaf).map_err(io::Error::other)?;
            fs::write(certificates.chain(leaf), &bundle.chain)?;
            fs::write(certificates.key(leaf), &bundle.key)?;
            fs::write(certificates.pem(leaf), bundle.chain + &bundle.key)?;
        }
        Ok(certificates)
    }

    pub(crate) fn ca(&self) -> &Path {
        &self.ca
    }

    /// Chain and key without a fault, in this order.
    pub(crate) fn healthy(&self) -> (PathBuf, PathBuf) {
        (self.chain(&HEALTHY), self.key(&HEALTHY))
    }

    /// The placeholders of configurations with the files that they stand for.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = (String, PathBuf)> {
        LEAVES
            .iter()
            .flat_map(|leaf| {
                [
                    (leaf.placeholder("CERT"), self.chain(leaf)),
                    (leaf.placeholder("KEY"), self.key(leaf)),
                    (leaf.placeholder("PEM"), self.pem(leaf)),
                ]
            })
            .chain([("@CA@".to_owned(), self.ca.clone())])
    }

    fn chain(&self, leaf: &Leaf) -> PathBuf {
        self.folder.join(format!("{}.crt", leaf.file_stem()))
    }

    fn key(&self, leaf: &Leaf) -> PathBuf {
        self.folder.join(format!("{}.key", leaf.file_stem()))
    }

    fn pem(&self, leaf: &Leaf) -> PathBuf {
        self.folder.join(format!("{}.pem", leaf.file_stem()))
    }
}

/// One leaf, by what sets it apart from the healthy one.
struct Leaf {
    /// What follows `@CERT_` in a placeholder; nothing for the healthy one.
    fault: Option<&'static str>,
    names: &'static [&'static str],
    common_name: &'static str,
    /// In days from today.
    valid: (i64, i64),
    chain: Chain,
}

impl Leaf {
    fn placeholder(&self, kind: &str) -> String {
        match self.fault {
            Some(fault) => format!("@{kind}_{fault}@"),
            None => format!("@{kind}@"),
        }
    }

    fn file_stem(&self) -> String {
        self.fault.unwrap_or("healthy").to_lowercase()
    }
}

/// What a server presents with the leaf.
enum Chain {
    Full,
    LeafAlone,
    SelfSigned,
}

const HEALTHY: Leaf = Leaf {
    fault: None,
    names: &[GATEWAY, GRPC, "localhost", "127.0.0.1"],
    common_name: GATEWAY,
    valid: (-30, 365),
    chain: Chain::Full,
};

const LEAVES: [Leaf; 9] = [
    HEALTHY,
    Leaf {
        fault: Some("EXPIRED"),
        valid: (-93, -3),
        ..HEALTHY
    },
    Leaf {
        fault: Some("FUTURE"),
        valid: (3, 93),
        ..HEALTHY
    },
    Leaf {
        fault: Some("NOCHAIN"),
        chain: Chain::LeafAlone,
        ..HEALTHY
    },
    Leaf {
        fault: Some("SELF"),
        chain: Chain::SelfSigned,
        ..HEALTHY
    },
    Leaf {
        fault: Some("OTHER"),
        names: &[OTHER],
        common_name: OTHER,
        ..HEALTHY
    },
    Leaf {
        fault: Some("EXPIRED_OTHER"),
        names: &[OTHER],
        common_name: OTHER,
        valid: (-93, -3),
        ..HEALTHY
    },
    // What ingress-nginx makes for itself where it has no certificate for a host.
    Leaf {
        fault: Some("FAKE"),
        names: &["ingress.local"],
        common_name: "Kubernetes Ingress Controller Fake Certificate",
        chain: Chain::SelfSigned,
        ..HEALTHY
    },
    // The common name is all that this one has.
    Leaf {
        fault: Some("CNONLY"),
        names: &[],
        ..HEALTHY
    },
];

/// A chain and its key as PEM text.
struct Bundle {
    chain: String,
    key: String,
}

/// The two certificates that sign.
struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Result<Self, rcgen::Error> {
        let root = CertifiedIssuer::self_signed(signing_params("Lab root", 3650), KeyPair::generate()?)?;
        let intermediate =
            CertifiedIssuer::signed_by(signing_params("Lab intermediate", 1825), KeyPair::generate()?, &root)?;
        Ok(Self { root, intermediate })
    }

    fn issue(&self, leaf: &Leaf) -> Result<Bundle, rcgen::Error> {
        let names: Vec<String> = leaf.names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, leaf.common_name);
        set_validity(&mut params, leaf.valid);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let chain = match leaf.chain {
            Chain::Full => params.signed_by(&key, &self.intermediate)?.pem() + &self.intermediate.pem(),
            Chain::LeafAlone => params.signed_by(&key, &self.intermediate)?.pem(),
            Chain::SelfSigned => params.self_signed(&key)?.pem(),
        };
        Ok(Bundle {
            chain,
            key: key.serialize_pem(),
        })
    }
}

fn signing_params(name: &str, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "Lab");
    params.distinguished_name.push(DnType::CommonName, name);
    set_validity(&mut params, (-30, days));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn set_validity(params: &mut CertificateParams, (from, until): (i64, i64)) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now + Duration::days(from);
    params.not_after = now + Duration::days(until);
}
