//! IP addresses as Go's `netip.ParseAddr` reads them, with its reasons for refusing one.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::quote::quoted;
use crate::secret::MASK;

/// Which kind of address a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    /// Also with a zone, and also an IPv4 address mapped into IPv6.
    V6,
}

/// Why Go takes a text for no IP address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpFault {
    why: Cow<'static, str>,
    /// The text from the point of failure on; empty where Go doesn't quote it.
    at: Vec<u8>,
}

impl IpFault {
    fn new(why: &'static str) -> Self {
        Self {
            why: Cow::Borrowed(why),
            at: Vec::new(),
        }
    }

    fn at(why: &'static str, rest: &[u8]) -> Self {
        Self {
            why: Cow::Borrowed(why),
            at: rest.to_owned(),
        }
    }

    pub(super) fn masked(self) -> Self {
        let at = if self.at.is_empty() { self.at } else { MASK.into() };
        Self { why: self.why, at }
    }
}

impl fmt::Display for IpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        if self.at.is_empty() {
            return Ok(());
        }
        write!(f, " (at {})", quoted(&self.at))
    }
}

pub(super) fn parse(text: &[u8]) -> Result<Family, IpFault> {
    match text.iter().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => parse_v4(text).map(|()| Family::V4),
        Some(b':') => parse_v6(text).map(|()| Family::V6),
        Some(_) => Err(IpFault::new("missing IPv6 address")),
        None => Err(IpFault::new("unable to parse IP")),
    }
}

fn parse_v4(text: &[u8]) -> Result<(), IpFault> {
    let (mut value, mut digits, mut dots) = (0_u16, 0, 0);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return Err(IpFault::new("IPv4 field has octet with leading zero"));
                }
                value = value * 10 + u16::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return Err(IpFault::new("IPv4 field has value >255"));
                }
            }
            b'.' => {
                if digits == 0 || at + 1 == text.len() {
                    return Err(IpFault::at("IPv4 field must have at least one digit", &text[at..]));
                }
                if dots == 3 {
                    return Err(IpFault::new("IPv4 address too long"));
                }
                (value, digits, dots) = (0, 0, dots + 1);
            }
            _ => return Err(IpFault::at("unexpected character", &text[at..])),
        }
    }
    if dots < 3 {
        return Err(IpFault::new("IPv4 address too short"));
    }
    Ok(())
}

/// The text representations of RFC 4291 section 2.2, with a zone (RFC 4007 section 11).
fn parse_v6(text: &[u8]) -> Result<(), IpFault> {
    let mut rest = text;
    if let Some(percent) = text.iter().position(|&byte| byte == b'%') {
        rest = &text[..percent];
        if percent + 1 == text.len() {
            return Err(IpFault::new("zone must be a non-empty string"));
        }
    }
    let mut ellipsis = false;
    if let Some(tail) = rest.strip_prefix(b"::") {
        if tail.is_empty() {
            return Ok(());
        }
        (rest, ellipsis) = (tail, true);
    }
    let mut groups = 0;
    while groups < 8 {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits > 4 {
            return Err(IpFault::at("each group must have 4 or less digits", rest));
        }
        if digits == 0 {
            return Err(IpFault::at(
                "each colon-separated field must have at least one digit",
                rest,
            ));
        }
        if rest.get(digits) == Some(&b'.') {
            if !ellipsis && groups != 6 {
                let why = "embedded IPv4 address must replace the final 2 fields of the address";
                return Err(IpFault::at(why, rest));
            }
            if groups > 6 {
                let why = "too many hex fields to fit an embedded IPv4 at the end of the address";
                return Err(IpFault::at(why, rest));
            }
            parse_v4(rest)?;
            (rest, groups) = (&[], groups + 2);
            break;
        }
        groups += 1;
        rest = &rest[digits..];
        match rest {
            [] => break,
            [b':'] => return Err(IpFault::at("colon must be followed by more characters", rest)),
            [b':', tail @ ..] => rest = tail,
            _ => return Err(IpFault::at("unexpected character, want colon", rest)),
        }
        if let [b':', tail @ ..] = rest {
            if ellipsis {
                return Err(IpFault::at("multiple :: in address", rest));
            }
            (rest, ellipsis) = (tail, true);
            if rest.is_empty() {
                break;
            }
        }
    }
    match (rest, groups, ellipsis) {
        ([_, ..], ..) => Err(IpFault::at("trailing garbage after address", rest)),
        ([], ..8, false) => Err(IpFault::new("address string too short")),
        ([], 8.., true) => Err(IpFault::new("the :: must expand to at least one field of zeros")),
        ([], ..) => Ok(()),
    }
}
