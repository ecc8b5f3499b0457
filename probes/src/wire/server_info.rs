//! What `/api/serverinfo` says of the gateway: two texts of a JSON object that holds much more.
//!
//! No general reader of JSON: it steps over what it isn't asked for, and takes what is cut off as far as it came.

use serde::{Deserialize, Serialize};

use crate::wire::text::bounded;

/// What the gateway tells those who are logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Where it says that its gRPC is, at most 256 characters.
    pub grpc_url: String,
    /// Its version.
    pub version: Option<String>,
}

impl ServerInfo {
    /// Reads a body; `None` where it names no address for gRPC.
    pub fn read(body: &[u8]) -> Option<Self> {
        let kept = |name| field(body, name).map(|text| bounded(text.as_bytes(), 256));
        Some(Self {
            grpc_url: kept("grpc_url")?,
            version: kept("version"),
        })
    }

    /// Everything that came from the network.
    pub(crate) fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.grpc_url].into_iter().chain(&mut self.version)
    }
}

/// The text of a field of the outermost object (RFC 8259); `None` where it has another kind of value.
fn field(json: &[u8], name: &str) -> Option<String> {
    let mut rest = after(json, b'{')?;
    loop {
        let (key, behind) = string(rest)?;
        let value = after(behind, b':')?;
        if key == name {
            return string(value).map(|(text, _)| text);
        }
        rest = after(step_over(value)?, b',')?;
    }
}

/// What follows this octet, where it comes next.
fn after(json: &[u8], wanted: u8) -> Option<&[u8]> {
    json.trim_ascii_start().strip_prefix(&[wanted])
}

/// A string and what follows it.
fn string(json: &[u8]) -> Option<(String, &[u8])> {
    let mut rest = after(json, b'"')?;
    let mut units: Vec<u16> = Vec::new();
    let mut text = Vec::new();
    loop {
        let (first, behind) = rest.split_first()?;
        let escaped = match first {
            b'"' => break,
            b'\\' => behind.split_first()?,
            other => {
                flush(&mut units, &mut text);
                text.push(*other);
                rest = behind;
                continue;
            }
        };
        let (kind, behind) = escaped;
        rest = behind;
        let plain = match kind {
            b'u' => {
                let (digits, behind) = behind.split_at_checked(4)?;
                // Two in a row can be one character (section 7).
                units.push(u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = behind;
                continue;
            }
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'"' | b'\\' | b'/' => *kind,
            _ => return None,
        };
        flush(&mut units, &mut text);
        text.push(plain);
    }
    flush(&mut units, &mut text);
    let (_, behind) = rest.split_first()?;
    Some((String::from_utf8_lossy(&text).into_owned(), behind))
}

fn flush(units: &mut Vec<u16>, text: &mut Vec<u8>) {
    if !units.is_empty() {
        text.extend(String::from_utf16_lossy(units).into_bytes());
        units.clear();
    }
}

/// What follows a value of any kind: up to the comma or bracket that ends it.
fn step_over(json: &[u8]) -> Option<&[u8]> {
    let mut rest = json.trim_ascii_start();
    let mut depth = 0_usize;
    loop {
        let (first, behind) = rest.split_first()?;
        match first {
            b'"' => {
                (_, rest) = string(rest)?;
                continue;
            }
            b',' | b'}' | b']' if depth == 0 => return Some(rest),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{ServerInfo, field};

    #[test]
    fn the_two_texts_are_found_among_others() {
        let body = br#"{"license_info":{"grpc_url":"no","n":[1,{"a":"}]"}]},"version" : "1.148.0", "on":true,
            "grpc_url":"grpcs:\/\/gw.example:443","cut":"of"#;
        assert_eq!(
            ServerInfo::read(body),
            Some(ServerInfo {
                grpc_url: "grpcs://gw.example:443".to_owned(),
                version: Some("1.148.0".to_owned()),
            })
        );
    }

    #[test]
    fn what_is_not_a_text_of_the_outermost_object_is_not_taken() {
        for body in [
            r#"{"a":{"grpc_url":"x"}}"#,
            r#"["grpc_url","x"]"#,
            r#"{"grpc_url":null,"version":"1"}"#,
            r#"{"note":"\"grpc_url\":\"x\""}"#,
            r#"{"grpc_url":"cut o"#,
            "<html>",
            "",
        ] {
            assert_eq!(ServerInfo::read(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn surrogates_are_put_together() {
        assert_eq!(field(br#"{"a":"\ud83d\ude00\u00e4"}"#, "a").as_deref(), Some("😀ä"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            ServerInfo::read(&bytes);
        }

        #[test]
        fn anything_behind_a_brace_is_read_or_refused(text in "[{}\\[\\],:\"\\\\ua-f0-9]{0,60}") {
            ServerInfo::read(format!("{{\"a\":{text}").as_bytes());
        }

        #[test]
        fn any_text_is_read_back_however_it_is_escaped(text: String, escaped in prop::collection::vec(any::<bool>(), 1..8)) {
            let mut json = String::from("{\"first\":[{\"x\":\"}\"}],\"grpc_url\":\"");
            for (char, escape) in text.chars().zip(escaped.iter().cycle()) {
                if *escape || matches!(char, '"' | '\\') {
                    let mut units = [0; 2];
                    for unit in char.encode_utf16(&mut units) {
                        json.push_str(&format!("\\u{unit:04x}"));
                    }
                } else {
                    json.push(char);
                }
            }
            json.push_str("\"}");
            assert_eq!(field(json.as_bytes(), "grpc_url"), Some(text));
        }
    }
}
