//! Name constraints (RFC 5280 4.2.1.10) as Go compares them. Lookups don't grow with the number of constraints, so a
//! hostile certificate can't buy much work.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::Malformed;
use super::certificate::Certificate;
use super::der::{Der, SEQUENCE};
use super::extensions::{ADDRESS, AlternativeNames, DNS, EMAIL, NameConstraints, URI, ascii};
use super::facts::clip;
use super::hostname::{is_domain, is_domain_constraint};
use super::mailbox::Mailbox;
use super::quote::quote;
use super::rejection::{Breach, address};
use super::uri::Uri;

/// Permitted or excluded subtrees, by kind of name.
#[derive(Clone, Debug, Default)]
pub(super) struct Subtrees {
    dns: Vec<String>,
    networks: Vec<Network>,
    emails: Vec<String>,
    uris: Vec<String>,
}

/// An address and a mask of the same length, 4 or 16 octets. Ordered by address, then mask.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Network {
    address: Vec<u8>,
    mask: Vec<u8>,
}

impl Subtrees {
    /// Reads GeneralSubtrees, and says whether they are all of kinds that Go compares.
    pub(super) fn read(mut der: Der<'_>) -> Result<(Subtrees, bool), Malformed> {
        let mut subtrees = Subtrees::default();
        let mut handled = true;
        while !der.is_empty() {
            let base = der.read(SEQUENCE).and_then(|mut subtree| subtree.any());
            let base = base.ok_or("x509: invalid NameConstraints extension")?;
            let text = || {
                let why = || {
                    let value = quote(base.content);
                    format!("x509: invalid constraint value: x509: {value} cannot be encoded as an IA5String")
                };
                ascii(base.content).ok_or_else(why)
            };
            match base.tag {
                DNS => {
                    let domain = text()?;
                    if !is_domain_constraint(domain.as_bytes()) {
                        return Err(format!("x509: failed to parse dnsName constraint {}", quote(&domain)).into());
                    }
                    subtrees.dns.push(domain);
                }
                ADDRESS => subtrees.networks.push(Network::read(base.content)?),
                EMAIL => {
                    let constraint = text()?;
                    let valid = match constraint.contains('@') {
                        true => Mailbox::read(&constraint).is_some(),
                        false => is_domain_constraint(constraint.as_bytes()),
                    };
                    if !valid {
                        let constraint = quote(&constraint);
                        return Err(format!("x509: failed to parse rfc822Name constraint {constraint}").into());
                    }
                    subtrees.emails.push(constraint);
                }
                URI => {
                    let domain = text()?;
                    let refused = format!("x509: failed to parse URI constraint {}", quote(&domain));
                    if domain.parse::<IpAddr>().is_ok() {
                        return Err((refused + ": cannot be IP address").into());
                    }
                    if !is_domain_constraint(domain.as_bytes()) {
                        return Err(refused.into());
                    }
                    subtrees.uris.push(domain);
                }
                _ => handled = false,
            }
        }
        Ok((subtrees, handled))
    }
}

/// Judges the names of every certificate in a chain, leaf first, by the constraints of all that stand above it.
pub(super) fn check_chain(chain: &[&Certificate]) -> Result<(), Breach> {
    let constraints = chain
        .iter()
        .map(|certificate| certificate.extensions.name_constraints.as_ref());
    let tests: Vec<Option<NameTest<'_>>> = constraints.map(|found| found.map(NameTest::new)).collect();
    for (i, certificate) in chain.iter().enumerate() {
        let above = || tests.iter().skip(i + 1).flatten();
        let Some(names) = certificate.extensions.names.as_ref() else {
            continue;
        };
        if above().next().is_none() {
            return Ok(());
        }
        let names = ComparableNames::read(names)?;
        for test in above() {
            test.check(&names)?;
        }
    }
    Ok(())
}

/// The names of one certificate, in the form that constraints are about.
struct ComparableNames<'a> {
    names: &'a AlternativeNames,
    /// With the domain to compare, which is in lower case or compared as if it were.
    uris: Vec<(&'a Uri, String)>,
    mailboxes: Vec<Mailbox>,
}

impl<'a> ComparableNames<'a> {
    fn read(names: &'a AlternativeNames) -> Result<Self, Breach> {
        let uris = names
            .uris
            .iter()
            .map(|uri| uri_domain(uri).map(|domain| (uri, domain)))
            .collect::<Result<_, _>>();
        let mailboxes = names.emails.iter().map(|email| {
            let unreadable = || Breach::Unmatchable(format!("cannot parse rfc822Name {}", quote(clip(email))));
            Mailbox::read(email).ok_or_else(unreadable)
        });
        Ok(ComparableNames {
            names,
            uris: uris?,
            mailboxes: mailboxes.collect::<Result<_, _>>()?,
        })
    }
}

/// The domain in a URI's host. Addresses and absent hosts can't be compared.
fn uri_domain(uri: &Uri) -> Result<String, Breach> {
    let text = quote(clip(&uri.text));
    let original = String::from_utf8_lossy(&uri.host);
    let host = original.to_ascii_lowercase();
    if host.is_empty() {
        let why = format!("URI with empty host ({text}) cannot be matched against constraints");
        return Err(Breach::Unmatchable(why));
    }
    let host = match original.rsplit_once(':') {
        Some(_) if host.ends_with(']') => host,
        Some((name, _)) if name.contains(':') && !name.ends_with(']') => {
            let why = format!("address {original}: too many colons in address");
            return Err(Breach::Unmatchable(format!(
                "cannot parse URI host {}: {why}",
                quote(clip(&original))
            )));
        }
        Some((name, _)) => name.to_owned(),
        None => host,
    };
    if host.parse::<IpAddr>().is_ok() || host.starts_with('[') {
        return Err(Breach::Unmatchable(format!(
            "URI with IP ({text}) cannot be matched against constraints"
        )));
    }
    Ok(host)
}

/// The constraints of one certificate, ready to be asked.
struct NameTest<'a> {
    dns: Rule<DomainTest<'a>>,
    addresses: Rule<AddressTest<'a>>,
    uris: Rule<DomainTest<'a>>,
    emails: Rule<EmailTest<'a>>,
}

/// `None` where the certificate says nothing about names of that kind.
struct Rule<T> {
    permitted: Option<T>,
    excluded: Option<T>,
}

impl<'a> NameTest<'a> {
    fn new(constraints: &'a NameConstraints) -> Self {
        let NameConstraints { permitted, excluded } = constraints;
        let all = |domains: &'a [String]| domains.iter().map(String::as_str).collect();
        NameTest {
            dns: Rule {
                permitted: DomainTest::permitting(all(&permitted.dns)),
                excluded: DomainTest::excluding(all(&excluded.dns)),
            },
            addresses: Rule {
                permitted: AddressTest::new(&permitted.networks),
                excluded: AddressTest::new(&excluded.networks),
            },
            uris: Rule {
                permitted: DomainTest::permitting(all(&permitted.uris)),
                excluded: DomainTest::excluding(all(&excluded.uris)),
            },
            emails: Rule {
                permitted: EmailTest::new(&permitted.emails, DomainTest::permitting),
                excluded: EmailTest::new(&excluded.emails, DomainTest::excluding),
            },
        }
    }

    fn check(&self, of: &ComparableNames<'_>) -> Result<(), Breach> {
        for octets in &of.names.addresses {
            let text = || address(octets).map(|ip| ip.to_string()).unwrap_or_default();
            self.addresses.check("IP address", text, |test| test.find(octets))?;
        }
        for name in &of.names.dns {
            if !is_domain(name.as_bytes()) {
                return Err(Breach::Unmatchable(format!(
                    "x509: cannot parse dnsName {}",
                    quote(clip(name))
                )));
            }
            self.dns.check("DNS name", || name.clone(), |test| test.find(name))?;
        }
        for (uri, domain) in &of.uris {
            if !is_domain(domain.as_bytes()) {
                let why = format!(
                    "x509: internal error: URI SAN {} failed to parse",
                    quote(clip(&uri.text))
                );
                return Err(Breach::Unmatchable(why));
            }
            self.uris.check("URI", || uri.text.clone(), |test| test.find(domain))?;
        }
        for mailbox in &of.mailboxes {
            self.emails
                .check("email address", || mailbox.to_string(), |test| test.find(mailbox))?;
        }
        Ok(())
    }
}

impl<T> Rule<T> {
    fn check(&self, kind: &str, name: impl Fn() -> String, find: impl Fn(&T) -> Option<String>) -> Result<(), Breach> {
        if self
            .permitted
            .as_ref()
            .is_some_and(|permitted| find(permitted).is_none())
        {
            return Err(Breach::NotPermitted {
                kind: kind.to_owned(),
                name: clip(&name()),
            });
        }
        match self.excluded.as_ref().and_then(find) {
            None => Ok(()),
            Some(constraint) => Err(Breach::Excluded {
                kind: kind.to_owned(),
                name: clip(&name()),
                constraint: clip(&constraint),
            }),
        }
    }
}

/// Domains, found by looking up the suffixes of a name.
struct DomainTest<'a> {
    /// An empty constraint is about every name.
    everything: bool,
    /// In lower case, with the original spelling.
    domains: HashMap<String, &'a str>,
    /// What a wildcard name touches although it isn't below it: `*.example` is excluded by `gw.example`. The key is the
    /// constraint without its first label. Only excluding constraints have this.
    below: HashMap<String, String>,
}

impl<'a> DomainTest<'a> {
    fn permitting(constraints: Vec<&'a str>) -> Option<Self> {
        let mut domains = HashMap::new();
        for constraint in constraints {
            domains.entry(constraint.to_ascii_lowercase()).or_insert(constraint);
        }
        let everything = domains.contains_key("");
        (!domains.is_empty()).then_some(DomainTest {
            everything,
            domains,
            below: HashMap::new(),
        })
    }

    fn excluding(constraints: Vec<&'a str>) -> Option<Self> {
        let mut test = DomainTest::permitting(constraints)?;
        for domain in test.domains.keys() {
            let Some(parent) = without_first_label(domain) else {
                continue;
            };
            let named = test.below.entry(parent.to_owned()).or_insert_with(|| domain.clone());
            // Of several, Go names the last in its own order.
            if reversed(named).lt(reversed(domain)) {
                named.clone_from(domain);
            }
        }
        Some(test)
    }

    /// The constraint that a name is inside of.
    fn find(&self, name: &str) -> Option<String> {
        if self.everything {
            return Some(String::new());
        }
        let name = name.to_ascii_lowercase();
        let dots = name.rmatch_indices('.').map(|(dot, _)| dot);
        // The shortest first: `b.c`, then `.b.c`, which is about names below it, then `a.b.c`.
        let mut suffixes = dots
            .flat_map(|dot| [&name[dot + 1..], &name[dot..]])
            .chain([name.as_str()]);
        if let Some(found) = suffixes.find_map(|suffix| self.domains.get(suffix)) {
            return Some((*found).to_owned());
        }
        let parent = without_first_label(&name).filter(|_| name.starts_with('*'))?;
        self.below.get(parent).cloned()
    }
}

/// `.example` of `gw.example`; nothing of a single label.
fn without_first_label(domain: &str) -> Option<&str> {
    domain.find('.').map(|dot| &domain[dot..])
}

/// The order of Go's sets of domains: from the back, with the dot before anything else.
fn reversed(domain: &str) -> impl Iterator<Item = u8> {
    domain.bytes().rev().map(|byte| if byte == b'.' { 0 } else { byte })
}

/// Networks, sorted and without those inside another, for binary search.
struct AddressTest<'a> {
    v4: Vec<&'a Network>,
    v6: Vec<&'a Network>,
}

impl<'a> AddressTest<'a> {
    fn new(networks: &'a [Network]) -> Option<Self> {
        let sorted = |length: usize| {
            let mut found: Vec<_> = networks
                .iter()
                .filter(|network| network.address.len() == length)
                .collect();
            found.sort();
            found.dedup_by(|later, earlier| earlier.contains(&later.address) && earlier.contains(&later.last()));
            found
        };
        (!networks.is_empty()).then(|| AddressTest {
            v4: sorted(4),
            v6: sorted(16),
        })
    }

    /// The network that an address is inside of.
    fn find(&self, octets: &[u8]) -> Option<String> {
        let networks = if octets.len() == 4 { &self.v4 } else { &self.v6 };
        let at = networks.partition_point(|network| network.address.as_slice() < octets);
        let exact = networks.get(at).filter(|network| network.address == octets);
        let nearest = networks
            .get(at.saturating_sub(1))
            .filter(|network| network.contains(octets));
        exact.or(nearest).map(|network| network.to_text())
    }
}

impl Network {
    fn read(octets: &[u8]) -> Result<Network, Malformed> {
        if !matches!(octets.len(), 8 | 32) {
            return Err(format!("x509: IP constraint contained value of length {}", octets.len()).into());
        }
        let (address, mask) = octets.split_at(octets.len() / 2);
        let mut bits = mask
            .iter()
            .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1));
        // Ones, then zeros.
        if bits.by_ref().skip_while(|&bit| bit == 1).any(|bit| bit == 1) {
            let hex: String = mask.iter().map(|octet| format!("{octet:02x}")).collect();
            return Err(format!("x509: IP constraint contained invalid mask {hex}").into());
        }
        Ok(Network {
            address: address.to_vec(),
            mask: mask.to_vec(),
        })
    }

    /// IPv4 written as IPv6 is IPv4, on both sides.
    fn contains(&self, octets: &[u8]) -> bool {
        let (network, octets) = (unmapped(&self.address), unmapped(octets));
        let mask = &self.mask[self.mask.len() - network.len()..];
        network.len() == octets.len()
            && network
                .iter()
                .zip(octets)
                .zip(mask)
                .all(|((a, b), mask)| a & mask == b & mask)
    }

    fn last(&self) -> Vec<u8> {
        self.address
            .iter()
            .zip(&self.mask)
            .map(|(octet, mask)| octet | !mask)
            .collect()
    }

    fn to_text(&self) -> String {
        let mask = &self.mask[self.mask.len() - unmapped(&self.address).len()..];
        let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
        address(&self.address).map_or_else(String::new, |ip| format!("{ip}/{ones}"))
    }
}

fn unmapped(octets: &[u8]) -> &[u8] {
    octets
        .strip_prefix(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
        .filter(|rest| rest.len() == 4)
        .unwrap_or(octets)
}

/// Whole mailboxes, and domains of mailboxes.
struct EmailTest<'a> {
    mailboxes: HashSet<Mailbox>,
    domains: Option<DomainTest<'a>>,
}

impl<'a> EmailTest<'a> {
    fn new(constraints: &'a [String], test: fn(Vec<&'a str>) -> Option<DomainTest<'a>>) -> Option<Self> {
        let (mailboxes, domains): (Vec<&str>, Vec<&str>) = constraints
            .iter()
            .map(String::as_str)
            .partition(|constraint| constraint.contains('@'));
        let mailboxes = mailboxes.into_iter().filter_map(Mailbox::read).collect();
        (!constraints.is_empty()).then(|| EmailTest {
            mailboxes,
            domains: test(domains),
        })
    }

    fn find(&self, mailbox: &Mailbox) -> Option<String> {
        if self.mailboxes.contains(mailbox) {
            return Some(mailbox.to_string());
        }
        self.domains.as_ref()?.find(&mailbox.domain)
    }
}
