//! Certificate authorities: Hoop's variable loader, its forgiving base64, and Go's reading of PEM.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::fault::CaFault;
use super::file::read_bounded;
use super::source::{Source, Value};
use crate::secret::MASK;

/// What certificates are checked against. A CA of one's own replaces the system's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ca {
    /// The system's roots.
    System,
    /// These certificates and no others.
    Custom {
        /// DER, in the order of the text. Not saved: what they judged is in the evidence already.
        #[serde(skip)]
        certificates: Vec<Vec<u8>>,
        /// Where they were configured.
        source: Source,
    },
    /// Configured, but of no use, so Hoop refuses to connect by TLS.
    Unusable {
        /// Where it was configured.
        source: Source,
    },
}

/// A CA as read, and what was wrong with it.
pub(super) struct Read {
    pub(super) ca: Ca,
    pub(super) fault: Option<CaFault>,
}

/// `HOOP_TLSCA`: `base64://…`, `file://…` relative to `directory`, or the PEM itself.
pub(super) fn from_variable(value: &Value, directory: &Path) -> Read {
    let text = &value.text;
    let pem = if let Some(encoded) = text.strip_prefix("base64://") {
        let (bytes, mistake) = decode_base64(encoded.as_bytes());
        match mistake {
            Some(at) => Err(CaFault::Base64 { at }),
            None => Ok(bytes),
        }
    } else if let Some(path) = text.strip_prefix("file://") {
        read_bounded(&directory.join(path)).map_err(CaFault::File)
    } else {
        Ok(text.as_bytes().to_vec())
    };
    match pem {
        Ok(pem) => from_pem(&pem, &value.source, looks_like_path(text)),
        Err(fault) => Read {
            ca: Ca::Unusable {
                source: value.source.clone(),
            },
            fault: Some(fault),
        },
    }
}

/// `tls_ca` of config.toml: base64 whose mistakes Hoop doesn't mention.
pub(super) fn from_file_key(value: &Value) -> Read {
    let (pem, mistake) = decode_base64(value.text.as_bytes());
    let path = looks_like_path(&value.text);
    let read = from_pem(&pem, &value.source, path);
    match mistake {
        // Enough came before the mistake, so Hoop doesn't suffer from it.
        Some(_) if matches!(read.ca, Ca::Custom { .. }) => read,
        Some(at) => Read {
            fault: Some(CaFault::FileKeyBase64 {
                at,
                nothing_left: pem.is_empty(),
                path,
            }),
            ..read
        },
        None => read,
    }
}

/// `--ca`: a PEM file.
pub(super) fn from_path(path: &Path, source: Source) -> Result<Ca, CaFault> {
    let pem = read_bounded(path).map_err(CaFault::File)?;
    let certificates = certificates(&pem);
    if certificates.is_empty() {
        return Err(CaFault::NoCertificate { path: false });
    }
    Ok(Ca::Custom { certificates, source })
}

/// A CA as a report shows it: where it is, never what it is, since a private key may have been pasted in.
pub(super) fn shown(text: &str) -> String {
    if text.starts_with("file://") || looks_like_path(text) {
        return text.to_owned();
    }
    let form = if text.starts_with("base64://") { "base64://" } else { "" };
    format!("{form}{MASK} ({} bytes)", text.len() - form.len())
}

/// Whether Hoop gets as far as connecting with this fault.
pub(super) fn only_hurts_tls(fault: &CaFault) -> bool {
    match fault {
        CaFault::Base64 { .. } | CaFault::File(_) => false,
        CaFault::FileKeyBase64 { .. } | CaFault::NoCertificate { .. } => true,
    }
}

fn from_pem(pem: &[u8], source: &Source, path: bool) -> Read {
    if pem.is_empty() {
        return Read {
            ca: Ca::System,
            fault: None,
        };
    }
    let certificates = certificates(pem);
    let source = source.clone();
    if certificates.is_empty() {
        return Read {
            ca: Ca::Unusable { source },
            fault: Some(CaFault::NoCertificate { path }),
        };
    }
    Read {
        ca: Ca::Custom { certificates, source },
        fault: None,
    }
}

fn looks_like_path(text: &str) -> bool {
    let start = ["/", "./", "../", "~"].iter().any(|start| text.starts_with(start));
    let end = [".pem", ".crt", ".cer", ".ca"].iter().any(|end| text.ends_with(end));
    text.len() <= LONGEST_PATH && !text.contains('\n') && (start || end)
}

/// The certificates of a PEM text as Go's `AppendCertsFromPEM` finds them: it passes over what it can't read.
fn certificates(pem: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(pem);
    let mut found = Vec::new();
    let mut rest: &str = &text;
    while let Some((_, behind)) = rest.split_once(BEGIN) {
        let Some((body, after)) = behind.split_once(END) else {
            break;
        };
        if body.contains("-----") {
            // The block never ends; another one starts inside.
            rest = behind;
            continue;
        }
        rest = after;
        let packed: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        // DER of a certificate is a SEQUENCE (X.690 section 8.9.1).
        if let (der, None) = decode_base64(&packed)
            && der.first() == Some(&0x30)
        {
            found.push(der);
        }
    }
    found
}

/// Go's `base64.StdEncoding`: the decoded bytes up to the first mistake, and where that mistake is.
///
/// Line ends are passed over, spaces are not, and a group of four counts only as a whole (RFC 4648 section 4).
fn decode_base64(text: &[u8]) -> (Vec<u8>, Option<usize>) {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let mut input = text
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    loop {
        let mut group = 0_u32;
        for place in 0..4 {
            let Some((at, byte)) = input.next() else {
                // Go counts back from the end of the text, line ends or not.
                return (decoded, (place > 0).then(|| text.len() - place));
            };
            if let Some(value) = base64_value(byte) {
                group = group << 6 | u32::from(value);
                continue;
            }
            if byte != b'=' || place < 2 {
                return (decoded, Some(at));
            }
            let mut last = at;
            if place == 2 {
                match input.next() {
                    Some((at, b'=')) => last = at,
                    Some((at, _)) => return (decoded, Some(at - 1)),
                    None => return (decoded, Some(text.len())),
                }
            }
            let bytes = (group << (6 * (4 - place))).to_be_bytes();
            decoded.extend_from_slice(bytes.get(1..place).unwrap_or_default());
            let behind = input.next().map(|(at, _)| at);
            debug_assert!(behind.is_none_or(|behind| behind > last));
            return (decoded, behind);
        }
        decoded.extend_from_slice(&group.to_be_bytes()[1..]);
    }
}

fn base64_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Longer than any path that someone would write there, shorter than any certificate or key.
const LONGEST_PATH: usize = 200;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
