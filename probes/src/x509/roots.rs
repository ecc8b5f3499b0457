//! What an identity trusts.

use super::certificate::Certificate;
use super::pem;

/// A set of trust anchors. A CA that the user configures replaces the system's, so there is always exactly one set.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    anchors: Vec<Certificate>,
}

/// The text holds no certificate that Go can read: its "failed to append root CA into cert pool".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCertificate;

impl Roots {
    /// Takes the certificates that Go can read and skips the others, as its certificate pool does.
    pub fn from_der<T: AsRef<[u8]>>(certificates: impl IntoIterator<Item = T>) -> Roots {
        let mut roots = Roots::default();
        for der in certificates {
            roots.add(der.as_ref());
        }
        roots
    }

    /// Reads PEM text like Go's `AppendCertsFromPEM`: other blocks, blocks with headers and certificates that can't be
    /// read are skipped, text between blocks is no matter.
    pub fn from_pem(text: &[u8]) -> Result<Roots, NoCertificate> {
        let blocks = pem::blocks(text).filter(|block| block.label == b"CERTIFICATE" && !block.has_headers);
        let roots = Roots::from_der(blocks.map(|block| block.der));
        if roots.is_empty() {
            Err(NoCertificate)
        } else {
            Ok(roots)
        }
    }

    /// How many different certificates are trusted.
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// Whether nothing is trusted.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    pub(super) fn anchors(&self) -> &[Certificate] {
        &self.anchors
    }

    pub(super) fn contains(&self, certificate: &Certificate) -> bool {
        self.anchors.iter().any(|anchor| anchor.der == certificate.der)
    }

    fn add(&mut self, der: &[u8]) {
        match Certificate::read(der) {
            Ok(anchor) if !self.contains(&anchor) => self.anchors.push(anchor),
            Ok(_) | Err(_) => {}
        }
    }
}
