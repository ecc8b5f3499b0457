//! The search for a trusted issuer, and the verdict: the order of Go's `Certificate.Verify`, which decides what it
//! complains about when several things are wrong.

use super::certificate::Certificate;
use super::facts::clip;
use super::key::{PublicKey, Signed};
use super::rejection::{Hint, Holder, Rejection};
use super::roots::Roots;
use super::{Trust, constraints, hostname, policies};

/// Judges certificates that could be read. The first is the leaf, the others are material for chains.
pub(super) fn verify(sent: &[Certificate], host: &str, roots: &Roots, now: i64) -> Result<Trust, Rejection> {
    let (leaf, _) = sent.split_first().ok_or(Rejection::Empty)?;
    let start = Path {
        links: vec![Link {
            certificate: leaf,
            place: Place::Sent(0),
        }],
        has_assumed: false,
    };
    check_link(start.links[0], &[], now)?;
    if !host.is_empty() {
        hostname::check(leaf, host)?;
    }
    let paths = if roots.contains(leaf) {
        vec![start]
    } else {
        let mut search = Search {
            sent,
            roots,
            now,
            checks: 0,
            found: Vec::new(),
        };
        search.extend(&start)?;
        search.found
    };
    choose(paths)
}

/// A candidate for a chain.
#[derive(Clone, Copy)]
struct Link<'a> {
    certificate: &'a Certificate,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Sent(usize),
    Anchor,
}

/// Leaf first. Every link has signed the one before it.
#[derive(Clone)]
struct Path<'a> {
    links: Vec<Link<'a>>,
    /// Some signature was taken on trust; see [`Signed::Assumed`].
    has_assumed: bool,
}

struct Search<'a> {
    sent: &'a [Certificate],
    roots: &'a Roots,
    now: i64,
    checks: usize,
    found: Vec<Path<'a>>,
}

impl<'a> Search<'a> {
    /// Adds every chain that begins with `path` and ends at an anchor to `found`. An error means that there is none; of
    /// several reasons it is the one that Go would give.
    fn extend(&mut self, path: &Path<'a>) -> Result<(), Rejection> {
        let Some(&child) = path.links.last() else { return Ok(()) };
        let before = self.found.len();
        let mut hint = None;
        let mut failure = None;
        for candidate in self.issuers_of(child.certificate) {
            self.checks += 1;
            if self.checks > MAX_CHECKS {
                failure = Some(Rejection::SignatureLimit);
                break;
            }
            let is_known = !matches!(candidate.certificate.key, PublicKey::Unknown(_));
            if !is_known || is_in(candidate.certificate, path) {
                continue;
            }
            let signed = match child.certificate.signed_by(candidate.certificate) {
                Ok(signed) => signed,
                Err(fault) => {
                    let candidate = clip(&candidate.certificate.label());
                    hint.get_or_insert(Hint { fault, candidate });
                    continue;
                }
            };
            if let Err(rejection) = check_link(candidate, &path.links, self.now) {
                failure = Some(rejection);
                continue;
            }
            let mut longer = path.clone();
            longer.links.push(candidate);
            longer.has_assumed |= signed == Signed::Assumed;
            failure = match candidate.place {
                Place::Anchor => {
                    self.found.push(longer);
                    None
                }
                Place::Sent(_) => self.extend(&longer).err(),
            };
            if failure == Some(Rejection::SignatureLimit) {
                break;
            }
        }
        if self.found.len() > before {
            return Ok(());
        }
        Err(failure.unwrap_or_else(|| Rejection::UnknownAuthority {
            certificate: child.holder(),
            hint,
        }))
    }

    /// Certificates that have the issuer's name: anchors first, then what was sent; those whose key identifiers agree
    /// before those where one is missing, and before those that differ.
    fn issuers_of(&self, child: &Certificate) -> Vec<Link<'a>> {
        let is_named = |certificate: &Certificate| certificate.subject.raw == child.issuer.raw;
        let anchors = self.roots.anchors().iter().filter(|anchor| is_named(anchor));
        let mut links: Vec<Link<'a>> = anchors
            .map(|certificate| Link {
                certificate,
                place: Place::Anchor,
            })
            .collect();
        for (i, certificate) in self.sent.iter().enumerate().skip(1).filter(|(_, sent)| is_named(sent)) {
            // One that was sent twice counts once.
            let is_same = |link: &Link<'_>| link.place != Place::Anchor && link.certificate.der == certificate.der;
            if !links.iter().any(is_same) {
                links.push(Link {
                    certificate,
                    place: Place::Sent(i),
                });
            }
        }
        let wanted = &child.extensions.authority_key_id;
        links.sort_by_key(|link| {
            let has = &link.certificate.extensions.subject_key_id;
            let distance = if has == wanted {
                0
            } else {
                1 + u8::from(!has.is_empty() && !wanted.is_empty())
            };
            (link.place != Place::Anchor, distance)
        });
        links
    }
}

impl Link<'_> {
    fn holder(&self) -> Holder {
        match self.place {
            Place::Sent(i) => Holder::Sent(i),
            Place::Anchor => Holder::Anchor(clip(&self.certificate.subject.text)),
        }
    }
}

/// Judges one certificate as the next link above `below`, apart from its signature on it.
fn check_link(link: Link<'_>, below: &[Link<'_>], now: i64) -> Result<(), Rejection> {
    let Certificate {
        extensions,
        not_before,
        not_after,
        ..
    } = link.certificate;
    if extensions.unhandled_critical {
        return Err(Rejection::CriticalExtension {
            certificate: link.holder(),
        });
    }
    if now < *not_before {
        return Err(Rejection::NotYetValid {
            certificate: link.holder(),
            not_before: *not_before,
        });
    }
    if now > *not_after {
        return Err(Rejection::Expired {
            certificate: link.holder(),
            not_after: *not_after,
        });
    }
    let Some((_, intermediates)) = below.split_first() else {
        return Ok(());
    };
    if link.place != Place::Anchor && !link.certificate.is_ca() {
        return Err(Rejection::NotAuthorizedToSign {
            certificate: link.holder(),
        });
    }
    let limit = extensions.basic_constraints.and_then(|basic| basic.max_intermediates);
    if limit.is_some_and(|limit| intermediates.len() as u64 > limit) {
        return Err(Rejection::TooManyIntermediates {
            certificate: link.holder(),
        });
    }
    Ok(())
}

/// Whether a chain has been through this certificate, or through another of the same name, key and alternative names:
/// cross-signed authorities would go round in circles.
fn is_in(candidate: &Certificate, path: &Path<'_>) -> bool {
    let names = |certificate: &Certificate| certificate.extensions.names.as_ref().map(|names| names.raw.clone());
    let wanted = names(candidate);
    for Link { certificate, .. } in &path.links {
        if certificate.subject.raw != candidate.subject.raw || certificate.key_info != candidate.key_info {
            continue;
        }
        let has = names(certificate);
        if has == wanted {
            return true;
        }
        if has.is_some() != wanted.is_some() {
            return false;
        }
    }
    false
}

/// The first chain whose certificates allow what is made of it.
fn choose(paths: Vec<Path<'_>>) -> Result<Trust, Rejection> {
    let (mut usage, mut policy, mut breach) = (0, 0, None);
    for path in paths {
        let chain: Vec<&Certificate> = path.links.iter().map(|link| link.certificate).collect();
        let for_servers = chain.iter().all(|certificate| {
            let usage = certificate.extensions.extended_usage;
            !usage.is_limited || usage.for_servers
        });
        if !policies::are_valid(&chain) {
            policy += 1;
        } else if !for_servers {
            usage += 1;
        } else if let Err(found) = constraints::check_chain(&chain) {
            breach.get_or_insert(found);
        } else {
            return Ok(trust(&path));
        }
    }
    match breach {
        Some(breach) => Err(Rejection::NameConstraint { breach }),
        None if policy == 0 => Err(Rejection::IncompatibleUsage),
        None => Err(Rejection::NoValidChains {
            usage,
            policies: policy,
        }),
    }
}

fn trust(path: &Path<'_>) -> Trust {
    let sent = path.links.iter().filter_map(|link| match link.place {
        Place::Sent(i) => Some(i),
        Place::Anchor => None,
    });
    match path.links.as_slice() {
        [.., anchor] if anchor.place == Place::Anchor => Trust::Chain {
            sent: sent.collect(),
            anchor: clip(&anchor.certificate.subject.text),
            has_assumed: path.has_assumed,
        },
        _ => Trust::Pinned,
    }
}

/// Go's limit for one verification.
const MAX_CHECKS: usize = 100;
