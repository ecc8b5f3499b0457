//! Distinguished names: the bytes that chains are built by, and the text that people read.

use super::Malformed;
use super::der::{Der, SEQUENCE, SET};

/// An issuer or a subject.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// The DER. A certificate is issued by another if these bytes are equal; Go compares nothing else.
    pub(super) raw: Vec<u8>,
    /// The last common name, which is the one that Go looks at.
    pub(super) common_name: String,
    /// The first organisation.
    pub(super) organization: String,
    /// RFC 4514 text, most specific part first: `CN=gw.example,O=Example`.
    pub(super) text: String,
}

impl Name {
    /// Reads a Name; the error is Go's text.
    pub(super) fn read(raw: &[u8]) -> Result<Name, Malformed> {
        let mut rdns = Der::new(raw).read(SEQUENCE).ok_or("x509: invalid RDNSequence")?;
        let mut name = Name {
            raw: raw.to_vec(),
            common_name: String::new(),
            organization: String::new(),
            text: String::new(),
        };
        let mut parts = Vec::new();
        while !rdns.is_empty() {
            let mut set = rdns.read(SET).ok_or("x509: invalid RDNSequence")?;
            let mut part = String::new();
            while !set.is_empty() {
                let mut attribute = set
                    .read(SEQUENCE)
                    .ok_or("x509: invalid RDNSequence: invalid attribute")?;
                let kind = attribute
                    .oid()
                    .ok_or("x509: invalid RDNSequence: invalid attribute type")?;
                let value = attribute
                    .any()
                    .ok_or("x509: invalid RDNSequence: invalid attribute value")?;
                let value = string(value.tag, value.content)
                    .map_err(|why| format!("x509: invalid RDNSequence: invalid attribute value: {why}"))?;
                if !part.is_empty() {
                    part.push('+');
                }
                let label = LABELS.iter().find(|(oid, _)| *oid == kind.0).map(|(_, label)| *label);
                part.push_str(&label.map_or_else(|| kind.to_string(), str::to_owned));
                part.push('=');
                push_escaped(&mut part, &value);
                match label {
                    Some("CN") => name.common_name = value,
                    Some("O") if name.organization.is_empty() => name.organization = value,
                    _ => {}
                }
            }
            parts.push(part);
        }
        parts.reverse();
        name.text = parts.join(",");
        Ok(name)
    }
}

/// Decodes a string of an attribute. Every kind ends up as UTF-8; control characters stay what they are.
fn string(tag: u8, bytes: &[u8]) -> Result<String, String> {
    let decoded = match tag {
        UTF8_STRING => str::from_utf8(bytes)
            .ok()
            .map(str::to_owned)
            .ok_or("invalid UTF-8 string"),
        PRINTABLE_STRING => ascii(bytes, is_printable_string).ok_or("invalid PrintableString"),
        IA5_STRING => ascii(bytes, |byte| byte.is_ascii()).ok_or("invalid IA5String"),
        NUMERIC_STRING => ascii(bytes, |byte| byte.is_ascii_digit() || byte == b' ').ok_or("invalid NumericString"),
        // T.61 is nearly Latin-1, and everybody reads it as that.
        T61_STRING => Ok(bytes.iter().copied().map(char::from).collect()),
        BMP_STRING => bmp(bytes).ok_or("invalid BMPString"),
        _ => return Err(format!("unsupported string type: {tag}")),
    };
    decoded.map_err(str::to_owned)
}

fn ascii(bytes: &[u8], allowed: fn(u8) -> bool) -> Option<String> {
    bytes
        .iter()
        .all(|&byte| allowed(byte))
        .then(|| bytes.iter().copied().map(char::from).collect())
}

/// The PrintableString alphabet, and `*` and `&`, which real certificates have.
fn is_printable_string(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)
}

/// UCS-2: surrogates and the permanent non-characters are refused, one terminator is dropped.
fn bmp(bytes: &[u8]) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units = units.strip_suffix(&[[0, 0]]).unwrap_or(units);
    let decode = |unit: &[u8; 2]| {
        let point = u16::from_be_bytes(*unit);
        char::from_u32(point.into()).filter(|_| !matches!(point, 0xfdd0..=0xfdef | 0xfffe | 0xffff))
    };
    if rest.is_empty() {
        units.iter().map(decode).collect()
    } else {
        None
    }
}

/// Appends an attribute value with the characters escaped that separate attributes (RFC 4514 2.4).
fn push_escaped(out: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        let special = match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => true,
            ' ' => i == 0 || i == last,
            '#' => i == 0,
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
    }
}

const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const T61_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const BMP_STRING: u8 = 0x1e;

/// RFC 4514 3, and the e-mail address, which old certificate authorities put into names.
const LABELS: [(&[u8], &str); 11] = [
    (&[0x55, 0x04, 0x03], "CN"),
    (&[0x55, 0x04, 0x0a], "O"),
    (&[0x55, 0x04, 0x0b], "OU"),
    (&[0x55, 0x04, 0x05], "SERIALNUMBER"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x07], "L"),
    (&[0x55, 0x04, 0x08], "ST"),
    (&[0x55, 0x04, 0x09], "STREET"),
    (&[0x55, 0x04, 0x11], "POSTALCODE"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19], "DC"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01], "emailAddress"),
];

#[cfg(test)]
mod tests {
    use super::super::der::OBJECT_IDENTIFIER;
    use super::*;

    /// A name of one attribute per part.
    fn name(parts: &[(&[u8], u8, &[u8])]) -> Result<Name, Malformed> {
        let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).expect("short")], content].concat();
        let rdns = parts.iter().map(|(oid, tag, value)| {
            let attribute = [wrap(OBJECT_IDENTIFIER, oid), wrap(*tag, value)].concat();
            wrap(SET, &wrap(SEQUENCE, &attribute))
        });
        Name::read(&wrap(SEQUENCE, &rdns.collect::<Vec<_>>().concat()))
    }

    const CN: &[u8] = &[0x55, 0x04, 0x03];
    const O: &[u8] = &[0x55, 0x04, 0x0a];

    #[test]
    fn the_text_starts_with_the_most_specific_part() {
        let name = name(&[(O, UTF8_STRING, b"Ex, Inc"), (CN, PRINTABLE_STRING, b"*.gw.example")]).expect("a name");
        assert_eq!(name.text, "CN=*.gw.example,O=Ex\\, Inc");
        assert_eq!(
            (name.common_name.as_str(), name.organization.as_str()),
            ("*.gw.example", "Ex, Inc")
        );
    }

    #[test]
    fn control_characters_stay_data() {
        let name = name(&[(CN, UTF8_STRING, b"\x1b[31mred\0\n")]).expect("a name");
        assert_eq!(name.common_name, "\x1b[31mred\0\n");
    }

    #[test]
    fn old_encodings_become_utf8() {
        let cn = |tag, value: &[u8]| name(&[(CN, tag, value)]).map(|name| name.common_name);
        assert_eq!(cn(T61_STRING, b"caf\xe9").as_deref(), Ok("café"));
        assert_eq!(cn(BMP_STRING, b"\0h\0\xe9\0\0").as_deref(), Ok("hé"));
        assert!(cn(BMP_STRING, b"\xd8\x00").is_err());
        assert!(cn(BMP_STRING, b"\0").is_err());
        assert!(cn(UTF8_STRING, b"\xff").is_err());
        assert!(cn(PRINTABLE_STRING, b"a_b").is_err());
        assert!(cn(0x04, b"octets").is_err());
    }
}
