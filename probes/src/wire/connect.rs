//! The head of an answer to CONNECT (RFC 9112, sections 4 and 5).

use serde::{Deserialize, Serialize};

use crate::wire::header::Field;
use crate::wire::text::bounded;

/// How many fields are kept.
const MAX_FIELDS: usize = 64;

/// The status line and the fields behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectHead {
    /// The `1` of `HTTP/1.1`.
    pub minor: u8,
    /// 200 alone lets Go through.
    pub status: u16,
    /// The words behind the status.
    pub reason: String,
    /// Names in lower case; the values of cookies are left out.
    pub fields: Vec<Field>,
}

/// Why there is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHead {
    /// It isn't whole.
    NotYet,
    /// It is no HTTP/1.
    Malformed,
}

impl ConnectHead {
    /// Reads the head, and says how many bytes it takes.
    ///
    /// # Errors
    /// [`NoHead`] where there is none, or not yet.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), NoHead> {
        let start = bytes.get(..START.len()).unwrap_or(bytes);
        if !START.starts_with(start) {
            return Err(NoHead::Malformed);
        }
        let len = end(bytes).ok_or(NoHead::NotYet)?;
        let text = String::from_utf8_lossy(bytes.get(..len).unwrap_or(bytes));
        let mut lines = text.lines();
        let (version, rest) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .ok_or(NoHead::Malformed)?;
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let minor = version.strip_prefix("HTTP/1.").and_then(|minor| minor.parse().ok());
        let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
        let (Some(minor), true) = (minor, is_status) else {
            return Err(NoHead::Malformed);
        };
        let fields = lines
            .filter_map(|line| line.split_once(':'))
            .take(MAX_FIELDS)
            .map(field);
        let head = Self {
            minor,
            status: status.parse().map_err(|_| NoHead::Malformed)?,
            reason: bounded(reason.trim().as_bytes(), 120),
            fields: fields.collect(),
        };
        Ok((head, len))
    }

    /// The first value of a field; `name` is lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|field| field.name == name);
        found.map(|field| field.value.as_str())
    }
}

fn field((name, value): (&str, &str)) -> Field {
    let name = bounded(name.trim().as_bytes(), 64).to_ascii_lowercase();
    let value = match name.as_str() {
        "set-cookie" => String::new(),
        _ => bounded(value.trim().as_bytes(), 1024),
    };
    Field { name, value }
}

/// Where the empty line ends; Go takes a bare line feed for a line end too.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut line_is_empty = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' if line_is_empty => return Some(at + 1),
            b'\n' => line_is_empty = true,
            b'\r' => {}
            _ => line_is_empty = false,
        }
    }
    None
}

const START: &[u8] = b"HTTP/1.";

#[cfg(test)]
mod tests {
    use super::{ConnectHead, NoHead};
    use proptest::prelude::proptest;

    #[test]
    fn a_head_ends_where_the_tunnel_begins() {
        let bytes = b"HTTP/1.0 200 Connection established\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\n\0\0\x06\x04";
        let (head, len) = ConnectHead::read(bytes).expect("it is whole");
        assert_eq!(
            (head.minor, head.status, head.reason.as_str()),
            (0, 200, "Connection established")
        );
        assert_eq!(head.field("proxy-agent"), Some("tinyproxy/1.11.1"));
        assert_eq!(bytes.get(len..), Some(b"\0\0\x06\x04".as_slice()));
    }

    #[test]
    fn what_is_no_answer_is_told_from_what_is_not_whole() {
        let read = |bytes: &[u8]| ConnectHead::read(bytes).map(|(head, _)| head.status);
        assert_eq!(read(b""), Err(NoHead::NotYet));
        assert_eq!(read(b"HTTP/1.1 407 Proxy"), Err(NoHead::NotYet));
        assert_eq!(read(b"\x15\x03\x01\0\x02\x02\x46"), Err(NoHead::Malformed));
        assert_eq!(read(b"HTTP/1.1 4o7 x\r\n\r\n"), Err(NoHead::Malformed));
        assert_eq!(read(b"HTTP/1.1 407\n\n"), Ok(407));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(tail: Vec<u8>) {
            let _ = ConnectHead::read(&tail);
            let _ = ConnectHead::read(&[b"HTTP/1.1 ", &tail[..]].concat());
        }

        #[test]
        fn a_head_in_pieces_is_never_refused(cut in 0_usize..60) {
            let whole = b"HTTP/1.1 200 Connection established\r\nProxy-agent: a\r\n\r\n";
            let piece = whole.get(..cut).unwrap_or(whole);
            assert_ne!(ConnectHead::read(piece).err(), Some(NoHead::Malformed));
        }
    }
}
