//! The first bytes that a server sends, and what speaks like that.

use serde::{Deserialize, Serialize};

use crate::wire::frame::{self, Frame, NoFrame};
use crate::wire::page::Page;
use crate::wire::text::{bounded, hex};

/// Who speaks, judged by the first bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "speaks", rename_all = "snake_case")]
pub enum Opening {
    /// Not one byte came.
    Nothing,
    /// An HTTP/2 SETTINGS frame.
    Http2,
    /// An HTTP/1 status line.
    Http1 {
        /// `1` for HTTP/1.1.
        minor: u8,
        /// The status code.
        status: u16,
        /// What the body says, as far as it came.
        page: Page,
    },
    /// A TLS alert record (RFC 8446, section 6).
    TlsAlert {
        /// The alert's number, 70 for protocol_version.
        description: u8,
    },
    /// A TLS handshake record.
    Tls,
    /// An SSH identification string (RFC 4253, section 4.2).
    Ssh,
    /// A `220` greeting: SMTP or FTP.
    Greeting220,
    /// A MySQL or MariaDB greeting packet.
    Mysql,
    /// A Redis error reply.
    Redis,
    /// HTML without a status line.
    Html,
    /// Anything else.
    Unknown,
}

/// The first bytes, read once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstBytes {
    /// Who speaks.
    pub opening: Opening,
    /// How many bytes came, counted up to 1024.
    pub count: usize,
    /// The first 16 in hexadecimal.
    pub hex: String,
    /// The first line where it is text.
    pub line: Option<String>,
    /// What grpc-go says of them to a plaintext client.
    pub go: GoReading,
}

/// How grpc-go reads the bytes where it expects the server's SETTINGS (`golang.org/x/net/http2`, `Framer.ReadFrame`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoReading {
    /// No byte: `EOF`, or `connection reset by peer`.
    NoBytes,
    /// One to eight bytes, less than a frame header: `unexpected EOF`.
    LessThanAHeader,
    /// All nine bytes of `HTTP/1.1 `: `http2: frame too large, note that the frame header looked like an HTTP/1.1 header`.
    LooksLikeHttp1,
    /// A length above 16,384: `http2: frame too large`.
    TooLarge,
    /// A frame, but no SETTINGS: `initial http2 frame from server is not a settings frame`.
    NotSettings,
    /// SETTINGS.
    Settings,
}

impl FirstBytes {
    /// Reads the first bytes of a server, 1024 of them at most.
    pub fn read(bytes: &[u8]) -> Self {
        Self {
            opening: opening(bytes),
            count: bytes.len(),
            hex: hex(bytes.get(..16).unwrap_or(bytes)),
            line: first_line(bytes),
            go: go_reading(bytes),
        }
    }
}

fn opening(bytes: &[u8]) -> Opening {
    match bytes {
        [] => Opening::Nothing,
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor, b' ', ..] => http1(*minor, bytes),
        // Record type alert, version 3.x, length 2, level, description.
        [0x15, 0x03, _, 0, 2, _, description, ..] => Opening::TlsAlert {
            description: *description,
        },
        [0x16, 0x03, ..] => Opening::Tls,
        [b'S', b'S', b'H', b'-', ..] => Opening::Ssh,
        [b'2', b'2', b'0', b' ' | b'-', ..] => Opening::Greeting220,
        // Packet length in three octets, sequence 0, protocol version 10.
        [_, 0, 0, 0, 0x0a, ..] => Opening::Mysql,
        [b'-', b'E', b'R', b'R', ..] => Opening::Redis,
        [b'<', b'!' | b'h' | b'H', ..] => Opening::Html,
        [0, _, _, frame::kind::SETTINGS, 0, 0, 0, 0, 0, ..] => Opening::Http2,
        _ => Opening::Unknown,
    }
}

fn http1(minor: u8, bytes: &[u8]) -> Opening {
    let digits = bytes.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    let Some(status) = digits.and_then(|digits| digits.parse().ok()) else {
        return Opening::Unknown;
    };
    let body = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let body = body.and_then(|end| bytes.get(end + 4..)).unwrap_or(&[]);
    Opening::Http1 {
        minor: minor.wrapping_sub(b'0'),
        status,
        page: Page::read(None, body),
    }
}

fn go_reading(bytes: &[u8]) -> GoReading {
    match Frame::split(bytes) {
        _ if bytes.is_empty() => GoReading::NoBytes,
        _ if bytes.starts_with(b"HTTP/1.1 ") => GoReading::LooksLikeHttp1,
        Err(NoFrame::TooLarge { .. }) => GoReading::TooLarge,
        Err(NoFrame::NotYet) if bytes.len() < frame::HEADER_LEN => GoReading::LessThanAHeader,
        _ if bytes.get(3) == Some(&frame::kind::SETTINGS) => GoReading::Settings,
        Ok(_) | Err(NoFrame::NotYet) => GoReading::NotSettings,
    }
}

fn first_line(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let text = line.len() >= 4 && line.iter().all(|byte| matches!(byte, b' '..=b'~'));
    text.then(|| bounded(line, 80))
}

#[cfg(test)]
mod tests {
    use super::{FirstBytes, GoReading, Opening};
    use proptest::prelude::proptest;

    fn check(bytes: &[u8], opening: &Opening, go: GoReading) {
        let first = FirstBytes::read(bytes);
        assert_eq!((&first.opening, first.go), (opening, go), "{bytes:?}");
    }

    #[test]
    fn each_speaker_is_told_by_its_first_bytes() {
        check(b"", &Opening::Nothing, GoReading::NoBytes);
        check(
            &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 64, 0],
            &Opening::Http2,
            GoReading::Settings,
        );
        check(
            &[0x15, 3, 1, 0, 2, 2, 70],
            &Opening::TlsAlert { description: 70 },
            GoReading::LessThanAHeader,
        );
        check(b"SSH-2.0-OpenSSH_9.2\r\n", &Opening::Ssh, GoReading::TooLarge);
        check(b"220 mail ESMTP\r\n", &Opening::Greeting220, GoReading::TooLarge);
        check(b"\x4a\0\0\0\x0a8.0.36\0", &Opening::Mysql, GoReading::TooLarge);
        check(b"-ERR unknown command\r\n", &Opening::Redis, GoReading::TooLarge);
        check(b"<!DOCTYPE html>", &Opening::Html, GoReading::TooLarge);
        check(
            &[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &Opening::Unknown,
            GoReading::NotSettings,
        );
    }

    #[test]
    fn an_http1_answer_is_read_as_far_as_it_came() {
        let first = FirstBytes::read(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<title>400 The plain HTTP");
        assert!(matches!(
            first.opening,
            Opening::Http1 {
                minor: 1,
                status: 400,
                ..
            }
        ));
        assert_eq!(first.go, GoReading::LooksLikeHttp1);
        assert_eq!(first.line.as_deref(), Some("HTTP/1.1 400 Bad Request"));
        check(b"HTTP/1.1 4", &Opening::Unknown, GoReading::LooksLikeHttp1);
    }

    #[test]
    fn http_1_0_gets_no_hint_from_go() {
        assert_eq!(
            FirstBytes::read(b"HTTP/1.0 400 Bad Request\r\n\r\n").go,
            GoReading::TooLarge
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = FirstBytes::read(&bytes);
        }

        #[test]
        fn any_http1_is_read(tail: Vec<u8>) {
            let _ = FirstBytes::read(&[b"HTTP/1.1 ", &tail[..]].concat());
        }
    }
}
