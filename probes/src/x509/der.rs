//! A DER reader that is exactly as strict as the one in Go's crypto/x509.
//!
//! What a reader lets through decides whether a handshake fails, so leniency is behaviour here: single-octet tags,
//! minimal lengths, minimal integers, arcs below 2³¹, and trailing bytes that only the caller may object to.

use std::fmt;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag of a primitive, implicitly tagged field: `[n] IMPLICIT`.
pub(super) const fn implicit(n: u8) -> u8 {
    0x80 | n
}

/// The tag of a constructed, context-specific field: `[n] EXPLICIT`, or `[n] IMPLICIT` of a SEQUENCE.
pub(super) const fn explicit(n: u8) -> u8 {
    0xa0 | n
}

/// A cursor over the elements of one DER value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'a>(&'a [u8]);

/// One element: what it says it is, what is in it, and its bytes including tag and length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) raw: &'a [u8],
}

impl<'a> Der<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Der(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn next_is(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Takes the next element, whatever its tag.
    pub(super) fn any(&mut self) -> Option<Element<'a>> {
        let (&[tag, short], after) = self.0.split_first_chunk::<2>()?;
        // X.690 8.1.2: tag numbers above 30 take several octets; nothing in a certificate needs them.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, header) = if short & 0x80 == 0 {
            (usize::from(short), 2)
        } else {
            let octets = usize::from(short & 0x7f);
            let bytes = after.get(..octets).filter(|_| (1..=4).contains(&octets))?;
            let length = bytes.iter().fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
            // X.690 10.1: the fewest octets that hold the length.
            if length < 0x80 || bytes.first() == Some(&0) {
                return None;
            }
            (length, 2 + octets)
        };
        let (raw, rest) = self.0.split_at_checked(header.checked_add(length)?)?;
        self.0 = rest;
        Some(Element {
            tag,
            content: raw.get(header..)?,
            raw,
        })
    }

    /// Takes the next element, which must have this tag, and opens it.
    pub(super) fn read(&mut self, tag: u8) -> Option<Der<'a>> {
        self.element(tag).map(|element| Der(element.content))
    }

    /// Takes the next element, which must have this tag.
    pub(super) fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// Takes the next element if it has this tag. The outer `None` means that it has the tag and is malformed.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Option<Der<'a>>> {
        if self.next_is(tag) {
            self.read(tag).map(Some)
        } else {
            Some(None)
        }
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.read(BOOLEAN)?.0 {
            [0x00] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// The two's complement octets of an INTEGER: at least one, and no more than needed.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        self.integer_tagged(INTEGER)
    }

    pub(super) fn integer_tagged(&mut self, tag: u8) -> Option<&'a [u8]> {
        let content = self.read(tag)?.0;
        match content {
            [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => None,
            _ => Some(content),
        }
    }

    pub(super) fn oid(&mut self) -> Option<Oid<'a>> {
        Some(Oid(self.read(OBJECT_IDENTIFIER)?.0)).filter(Oid::is_valid)
    }

    pub(super) fn bit_string(&mut self) -> Option<BitString<'a>> {
        let (&unused, bytes) = self.read(BIT_STRING)?.0.split_first()?;
        let padding_is_zero = match bytes.last() {
            None => unused == 0,
            Some(last) => unused <= 7 && last & ((1_u8 << unused) - 1) == 0,
        };
        padding_is_zero.then_some(BitString { bytes, unused })
    }
}

/// The value of an INTEGER that fits into 64 bits.
pub(super) fn to_i64(octets: &[u8]) -> Option<i64> {
    let negative = octets.first()? & 0x80 != 0;
    let start = if negative { -1_i64 } else { 0 };
    (octets.len() <= 8).then(|| octets.iter().fold(start, |sum, &byte| sum << 8 | i64::from(byte)))
}

/// A BIT STRING whose padding bits are known to be zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct BitString<'a> {
    bytes: &'a [u8],
    unused: u8,
}

impl BitString<'_> {
    /// Bit `index` of a named bit list, counted from the most significant bit of the first octet.
    pub(super) fn bit(&self, index: usize) -> bool {
        self.bytes
            .get(index / 8)
            .is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0)
    }

    /// The bits as a number: shifted so that the padding is at the front.
    pub(super) fn right_aligned(&self) -> Vec<u8> {
        if self.unused == 0 {
            return self.bytes.to_vec();
        }
        let mut carry = 0_u8;
        let shifted = self.bytes.iter().map(|&byte| {
            let out = carry | byte >> self.unused;
            carry = byte << (8 - self.unused);
            out
        });
        shifted.collect()
    }
}

/// The content octets of an OBJECT IDENTIFIER; equal octets are equal identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Oid<'a>(pub(super) &'a [u8]);

impl Oid<'_> {
    /// Whether every arc is minimal, complete and below 2³¹, which is all that Go's `asn1.ObjectIdentifier` holds.
    fn is_valid(&self) -> bool {
        let mut arc = 0_u32;
        let mut at_start = true;
        for &byte in self.0 {
            if (at_start && byte == 0x80) || arc >= 1 << 24 {
                return false;
            }
            arc = arc << 7 | u32::from(byte & 0x7f);
            at_start = byte & 0x80 == 0;
            if at_start {
                arc = 0;
            }
        }
        at_start && !self.0.is_empty()
    }
}

/// Dotted decimal, as people look identifiers up.
impl fmt::Display for Oid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arc = 0_u64;
        let mut first = true;
        for &byte in self.0 {
            arc = arc << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 != 0 {
                continue;
            }
            if first {
                // X.690 8.19.4: the first two arcs share one number.
                let root = (arc / 40).min(2);
                write!(f, "{root}.{}", arc - 40 * root)?;
            } else {
                write!(f, ".{arc}")?;
            }
            first = false;
            arc = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_must_be_minimal_and_complete() {
        let content = |bytes: &[u8]| Der::new(bytes).any().map(|element| element.content.len());
        assert_eq!(content(&[0x04, 0x01, 0xaa, 0xbb]), Some(1));
        assert_eq!(content(&[0x04, 0x02, 0xaa]), None);
        assert_eq!(content(&[0x04, 0x81, 0x01, 0xaa]), None);
        assert_eq!(content(&[0x04, 0x80, 0x00, 0x00]), None);
        assert_eq!(content(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(content(&[0x1f, 0x01, 0x00]), None);
        let mut long = vec![0x04, 0x81, 0x80];
        long.resize(3 + 0x80, 0);
        assert_eq!(content(&long), Some(0x80));
    }

    #[test]
    fn integers_must_be_minimal() {
        let value = |bytes: &[u8]| Der::new(bytes).integer().and_then(to_i64);
        assert_eq!(value(&[0x02, 0x01, 0x7f]), Some(127));
        assert_eq!(value(&[0x02, 0x02, 0x00, 0x80]), Some(128));
        assert_eq!(value(&[0x02, 0x01, 0x80]), Some(-128));
        assert_eq!(value(&[0x02, 0x02, 0x00, 0x7f]), None);
        assert_eq!(value(&[0x02, 0x02, 0xff, 0x80]), None);
        assert_eq!(value(&[0x02, 0x00]), None);
        assert_eq!(value(&[0x02, 0x09, 0x01, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn identifiers_print_as_dotted_decimal_and_stop_at_31_bits() {
        let text = |content: &[u8]| {
            let mut der = vec![0x06, u8::try_from(content.len()).expect("short")];
            der.extend_from_slice(content);
            Der::new(&der).oid().map(|oid| oid.to_string())
        };
        assert_eq!(text(&[0x55, 0x1d, 0x11]).as_deref(), Some("2.5.29.17"));
        assert_eq!(
            text(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]).as_deref(),
            Some("1.2.840.113549")
        );
        assert_eq!(
            text(&[0x2a, 0x87, 0xff, 0xff, 0xff, 0x7f]).as_deref(),
            Some("1.2.2147483647")
        );
        assert_eq!(text(&[0x2a, 0x88, 0x80, 0x80, 0x80, 0x00]), None);
        assert_eq!(text(&[0x2a, 0x80, 0x01]), None);
        assert_eq!(text(&[0x2a, 0x86]), None);
    }

    #[test]
    fn bit_strings_are_read_from_the_front_and_aligned_to_the_back() {
        let bits = Der::new(&[0x03, 0x02, 0x01, 0x06]).bit_string().expect("well-formed");
        assert!(bits.bit(5) && bits.bit(6) && !bits.bit(0) && !bits.bit(8));
        assert_eq!(bits.right_aligned(), [0x03]);
        assert!(Der::new(&[0x03, 0x02, 0x01, 0x07]).bit_string().is_none());
        assert!(Der::new(&[0x03, 0x01, 0x01]).bit_string().is_none());
    }
}
