//! Which names a certificate is for: RFC 6125 with the exceptions that Go makes.

use std::net::IpAddr;

use super::certificate::Certificate;
use super::facts::clip;
use super::rejection::{MOST_NAMES, Rejection, address};

/// Judges whether the leaf is for `host`, a name or an address (with or without brackets).
pub(super) fn check(leaf: &Certificate, host: &str) -> Result<(), Rejection> {
    let inside = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .filter(|inside| !inside.is_empty());
    let unbracketed = inside.unwrap_or(host);
    let names = leaf.extensions.names.as_ref();
    if let Ok(wanted) = unbracketed.parse::<IpAddr>() {
        let addresses = names.map_or(&[][..], |names| &names.addresses);
        let mut present = addresses.iter().filter_map(|octets| address(octets));
        if present.any(|address| address == wanted.to_canonical()) {
            return Ok(());
        }
        return Err(mismatch(leaf, unbracketed));
    }
    let host_is_valid = is_hostname(host.strip_suffix('.').unwrap_or(host));
    let mut dns = names.map_or(&[][..], |names| &names.dns).iter();
    let found = dns.any(|pattern| {
        // What can't be a DNS name may still be equal.
        if host_is_valid && is_hostname(pattern.strip_prefix("*.").unwrap_or(pattern)) {
            matches(pattern, host)
        } else {
            !matches!(host, "" | ".") && pattern.eq_ignore_ascii_case(host)
        }
    });
    if found { Ok(()) } else { Err(mismatch(leaf, host)) }
}

/// Says how the names differ. An address in brackets comes without them.
fn mismatch(leaf: &Certificate, host: &str) -> Rejection {
    let (names, host_text) = (leaf.extensions.names.as_ref(), clip(host));
    if names.is_none() && matches(&leaf.subject.common_name, host) {
        return Rejection::LegacyCommonName { host: host_text };
    }
    let by_address = host.parse::<IpAddr>().is_ok();
    let (count, all): (usize, Vec<String>) = match names {
        None => (0, Vec::new()),
        Some(names) if by_address => {
            let texts = names
                .addresses
                .iter()
                .filter_map(|octets| address(octets))
                .map(|ip| ip.to_string());
            (names.addresses.len(), texts.take(MOST_NAMES - 1).collect())
        }
        Some(names) => (
            names.dns.len(),
            names.dns.iter().take(MOST_NAMES - 1).map(|name| clip(name)).collect(),
        ),
    };
    match count {
        0 if by_address => Rejection::NoAddresses { host: host_text },
        0 => Rejection::NoNames { host: host_text },
        // The only name is empty: Go's text says that there is none.
        1 if all.first().is_some_and(String::is_empty) => Rejection::NoNames { host: host_text },
        _ => Rejection::OtherNames {
            host: host_text,
            names: all,
            count,
            by_address,
        },
    }
}

/// Label by label, ASCII case aside. A wildcard stands for the whole first label; one trailing dot of the host is
/// nothing.
fn matches(pattern: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let labels = pattern.split('.').zip(host.split('.')).enumerate();
    !pattern.is_empty()
        && pattern.split('.').count() == host.split('.').count()
        && labels
            .into_iter()
            .all(|(i, (pattern, host))| (i == 0 && pattern == "*") || pattern.eq_ignore_ascii_case(host))
}

/// Whether this is a name of letters, digits, underscores and inner hyphens.
fn is_hostname(host: &str) -> bool {
    host.split('.').all(|label| {
        let mut bytes = label.bytes();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        bytes.next().is_some_and(allowed) && bytes.all(|byte| allowed(byte) || byte == b'-')
    })
}

/// Whether a name can be compared with a name constraint. Go takes the empty name and any printable ASCII, but no empty
/// label.
pub(super) fn is_domain(name: &[u8]) -> bool {
    let is_label = |label: &[u8]| !label.is_empty() && label.iter().all(|byte| (33..=126).contains(byte));
    name.is_empty() || name.split(|&byte| byte == b'.').all(is_label)
}

/// Whether this can be a constraint: a domain, or one with a leading dot, which stands for at least one more label.
pub(super) fn is_domain_constraint(constraint: &[u8]) -> bool {
    constraint != b"." && is_domain(constraint.strip_prefix(b".").unwrap_or(constraint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_one_whole_label() {
        assert!(matches("*.example", "gw.example"));
        assert!(matches("*.example", "GW.Example."));
        assert!(!matches("*.example", "a.gw.example"));
        assert!(!matches("*.example", "example"));
        assert!(!matches("g*.example", "gw.example"));
        assert!(!matches("gw.*", "gw.example"));
    }

    #[test]
    fn hostnames_are_letters_digits_underscores_and_inner_hyphens() {
        for valid in ["a", "a-b", "_x.y-", "1.2"] {
            assert!(is_hostname(valid), "{valid}");
        }
        for invalid in ["", "*", "-a", "a..b", "a.", "a b", "é"] {
            assert!(!is_hostname(invalid), "{invalid}");
        }
    }

    #[test]
    fn constraints_may_start_with_a_dot_and_names_may_not() {
        assert!(is_domain(b"") && is_domain(b"a.b") && !is_domain(b".a") && !is_domain(b"a.") && !is_domain(b"a b"));
        assert!(is_domain_constraint(b".a") && is_domain_constraint(b"") && !is_domain_constraint(b"."));
    }
}
