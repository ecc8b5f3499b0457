//! E-mail addresses in certificates, in the form that name constraints compare.

use std::fmt;

use super::hostname::is_domain;

/// An address of RFC 2821, unquoted, with the domain in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mailbox {
    local: String,
    pub(super) domain: String,
}

impl Mailbox {
    /// Reads an ASCII address. Any domain will do that has no empty label.
    pub(super) fn read(text: &str) -> Option<Mailbox> {
        let (local, domain) = match text.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted)?,
            None => dot_atom(text)?,
        };
        let domain = domain.strip_prefix('@').filter(|domain| is_domain(domain.as_bytes()))?;
        Some(Mailbox {
            local,
            domain: domain.to_ascii_lowercase(),
        })
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// Reads up to the closing quote (RFC 2821 4.1.2, and spaces by RFC 3696).
fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut local = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((local, chars.as_str())),
            '\\' => local.push(
                chars
                    .next()
                    .filter(|c| matches!(c, '\x01'..='\x09' | '\x0b' | '\x0c' | '\x0e'..='\x7f'))?,
            ),
            c @ ('\x01'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7f') => {
                local.push(c)
            }
            _ => return None,
        }
    }
}

/// Reads atoms with single dots between them. A backslash lets any character in.
fn dot_atom(text: &str) -> Option<(String, &str)> {
    let mut local = String::new();
    let mut chars = text.chars();
    loop {
        let rest = chars.as_str();
        match chars.next() {
            Some('\\') => local.push(chars.next()?),
            Some(c) if c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) => local.push(c),
            _ => {
                let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
                return (!local.is_empty() && !dots).then_some((local, rest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        Mailbox::read(text).map(|mailbox| mailbox.to_string())
    }

    #[test]
    fn the_domain_is_lowered_and_quotes_are_taken_off() {
        assert_eq!(read("A.b@Gw.Example").as_deref(), Some("A.b@gw.example"));
        assert_eq!(read("\"a b\\\"c\"@x").as_deref(), Some("a b\"c@x"));
        assert_eq!(read("\"\"@x").as_deref(), Some("@x"));
        assert_eq!(read("a\\@b@x").as_deref(), Some("a@b@x"));
        assert_eq!(read("a@").as_deref(), Some("a@"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "", "a", "@x", ".a@x", "a.@x", "a..b@x", "a b@x", "\"a@x", "\"a\"", "a\\", "a@x.", "a@.x", "a@x y",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
