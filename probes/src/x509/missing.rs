//! Whether an intermediate certificate is missing, which Go's error doesn't tell: "certificate signed by unknown
//! authority" is the same for a forgotten intermediate and for a private authority that nobody here trusts.

use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::key::Signed;
use super::name::Name;
use super::rejection::SignatureFault;
use super::roots::Roots;

/// Whether the chain ends too early. It is judged by itself, whatever else is wrong with the certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingIntermediate {
    /// The last certificate is its own issuer, or an anchor has its issuer's name.
    No,
    /// The chain ends at an issuer that isn't here, and would go on to an anchor that is trusted here.
    Proven {
        /// What proves it.
        by: Proof,
    },
    /// The chain ends at an issuer that isn't here and probably is an intermediate.
    Likely {
        /// The strongest of the reasons to think so.
        because: Sign,
    },
    /// The chain ends at an issuer that isn't here, and nothing says that it is an intermediate: more likely it is an
    /// authority that would have to be trusted.
    Unlikely,
}

/// Why it is certain that the missing issuer leads to an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The authority key identifier names who issued the issuer's certificate, as OpenSSL's `issuer:always` and easy-rsa
    /// write it, and an anchor has that name.
    AuthorityIssuer,
    /// An anchor's key has signed the last certificate, under another name than its issuer's: what is missing is a
    /// certificate that gives that key this name.
    AnchorKey,
}

/// Why the missing issuer is probably an intermediate. Strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// An anchor has the issuer's key identifier, but its signature can't be checked here.
    SharesKeyId,
    /// The server also sends an authority's certificate that is, or leads to, an anchor, only not the one that it needs:
    /// a gap in the chain, or the intermediate of the previous certificate.
    SendsAnotherIssuer,
    /// The issuer calls itself intermediate, issuing or subordinate.
    CallsItselfIntermediate,
    /// The leaf says where to fetch its issuer's certificate, as public authorities do, who issue from intermediates.
    NamesIssuerDownload,
    /// An anchor has the issuer's organisation.
    SharesOrganisation,
    /// An anchor's common name has the issuer's distinguishing words: "Acme Root CA" and "Acme Server CA".
    SharesNameWords,
}

/// The way from the leaf through what was sent, by names alone: places in `sent`, beginning with 0.
pub(super) fn walk(sent: &[Certificate]) -> Vec<usize> {
    let mut way = vec![0];
    while let Some(tip) = way
        .last()
        .and_then(|&i| sent.get(i))
        .filter(|tip| !tip.is_self_issued())
    {
        let named = sent
            .iter()
            .enumerate()
            .filter(|(i, candidate)| candidate.subject.raw == tip.issuer.raw && !way.contains(i));
        let wanted = &tip.extensions.authority_key_id;
        // The key identifiers decide between several of one name.
        let next = named.min_by_key(|(_, candidate)| candidate.extensions.subject_key_id != *wanted);
        let Some((next, _)) = next else { break };
        way.push(next);
    }
    way
}

/// Judges the end of the way.
pub(super) fn judge(sent: &[Certificate], way: &[usize], roots: &Roots) -> MissingIntermediate {
    let Some(tip) = way.last().and_then(|&end| sent.get(end)) else {
        return MissingIntermediate::No;
    };
    let is_anchor = |name: &[u8]| roots.anchors().iter().any(|anchor| anchor.subject.raw == name);
    if tip.is_self_issued() || is_anchor(&tip.issuer.raw) {
        return MissingIntermediate::No;
    }
    if let Some(proof) = proof(tip, roots) {
        return MissingIntermediate::Proven { by: proof };
    }
    // An issuer that issued itself is a root, and no server sends what makes a root trusted.
    let is_root = tip.extensions.authority_issuer.as_ref() == Some(&tip.issuer.raw);
    if is_root || calls_itself_root(&tip.issuer) {
        return MissingIntermediate::Unlikely;
    }
    let mut strays = (0..sent.len()).filter(|i| !way.contains(i)).filter_map(|i| sent.get(i));
    let leads_to_anchor = |stray: &Certificate| stray.is_ca() && is_anchor(&stray.issuer.raw);
    let shares =
        |like: fn(&Name, &Name) -> bool| roots.anchors().iter().any(|anchor| like(&tip.issuer, &anchor.subject));
    let because = if shares_key_id(tip, roots) {
        Sign::SharesKeyId
    } else if strays.any(leads_to_anchor) {
        Sign::SendsAnotherIssuer
    } else if has_word(&tip.issuer, &INTERMEDIATE_WORDS) {
        Sign::CallsItselfIntermediate
    } else if !tip.is_ca() && tip.extensions.issuer_urls.iter().any(|url| url.starts_with("http")) {
        // An intermediate that names a download means its root, and directories (ldap) are for those who have the root.
        Sign::NamesIssuerDownload
    } else if shares(same_organization) {
        Sign::SharesOrganisation
    } else if shares(same_words) {
        Sign::SharesNameWords
    } else {
        return MissingIntermediate::Unlikely;
    };
    MissingIntermediate::Likely { because }
}

fn proof(tip: &Certificate, roots: &Roots) -> Option<Proof> {
    let issuer_of_issuer = tip
        .extensions
        .authority_issuer
        .as_ref()
        .filter(|name| **name != tip.issuer.raw);
    if issuer_of_issuer.is_some_and(|name| roots.anchors().iter().any(|anchor| anchor.subject.raw == *name)) {
        return Some(Proof::AuthorityIssuer);
    }
    let has_signed = |anchor: &&Certificate| tip.signed_with(&anchor.key) == Ok(Signed::Checked);
    of_key_id(tip, roots).find(has_signed).map(|_| Proof::AnchorKey)
}

fn shares_key_id(tip: &Certificate, roots: &Roots) -> bool {
    of_key_id(tip, roots).any(|anchor| {
        matches!(
            tip.signed_with(&anchor.key),
            Ok(Signed::Assumed) | Err(SignatureFault::Unimplemented)
        )
    })
}

/// The anchors whose key identifier is that of the issuer.
fn of_key_id<'a>(tip: &'a Certificate, roots: &'a Roots) -> impl Iterator<Item = &'a Certificate> {
    let wanted = &tip.extensions.authority_key_id;
    roots
        .anchors()
        .iter()
        .filter(move |anchor| !wanted.is_empty() && anchor.extensions.subject_key_id == *wanted)
}

fn calls_itself_root(issuer: &Name) -> bool {
    has_word(issuer, &["root"]) && !has_word(issuer, &INTERMEDIATE_WORDS)
}

fn has_word(name: &Name, wanted: &[&str]) -> bool {
    words(&name.common_name).any(|word| wanted.contains(&word.as_str()))
}

fn same_organization(issuer: &Name, anchor: &Name) -> bool {
    let organization = issuer.organization.trim().to_lowercase();
    let is_telling = !organization.is_empty() && !PLACEHOLDERS.contains(&organization.as_str());
    is_telling && organization == anchor.organization.trim().to_lowercase()
}

/// Whether all that distinguishes one of the common names is in the other too. One shared word among several would be
/// too little: with a hundred public anchors, "network" is in some of them.
fn same_words(issuer: &Name, anchor: &Name) -> bool {
    let telling = |name: &Name| {
        let words = words(&name.common_name).filter(|word| !GENERIC_WORDS.contains(&word.as_str()));
        // A version or a year distinguishes certificates of one authority, not authorities.
        words
            .filter(|word| word.len() > 1 && !word.ends_with(|c: char| c.is_ascii_digit()))
            .collect::<Vec<_>>()
    };
    let (a, b) = (telling(issuer), telling(anchor));
    let within = |part: &[String], whole: &[String]| !part.is_empty() && part.iter().all(|word| whole.contains(word));
    within(&a, &b) || within(&b, &a)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .map(str::to_lowercase)
}

const INTERMEDIATE_WORDS: [&str; 5] = ["intermediate", "intermediary", "issuing", "subordinate", "sub"];

/// What names of authorities are made of, and so say nothing about whose it is.
const GENERIC_WORDS: [&str; 44] = [
    "ag",
    "and",
    "authority",
    "ca",
    "cert",
    "certificate",
    "certification",
    "class",
    "co",
    "company",
    "corp",
    "corporate",
    "ec",
    "ecc",
    "ecdsa",
    "ev",
    "global",
    "gmbh",
    "inc",
    "intermediary",
    "intermediate",
    "internal",
    "issuing",
    "llc",
    "ltd",
    "network",
    "of",
    "ov",
    "pki",
    "primary",
    "private",
    "public",
    "root",
    "rsa",
    "secure",
    "server",
    "services",
    "signing",
    "ssl",
    "sub",
    "subordinate",
    "the",
    "tls",
    "trust",
];

/// Organisations that tools put in when nobody says otherwise.
const PLACEHOLDERS: [&str; 3] = ["internet widgits pty ltd", "default company ltd", "acme co"];

const MOST_WORDS: usize = 16;
