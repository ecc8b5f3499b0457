//! HTTP/2 frames (RFC 9113, sections 4 and 6), read leniently: what a proxy gets wrong is evidence, not an error.

use serde::{Deserialize, Serialize};

/// What a client says first (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The size of a frame header in bytes (RFC 9113, section 4.1).
pub const HEADER_LEN: usize = 9;

/// The largest payload that a server may send us: we never raise SETTINGS_MAX_FRAME_SIZE above its default.
pub const MAX_PAYLOAD: usize = 16_384;

/// The flag END_STREAM of DATA and HEADERS, and ACK of SETTINGS and PING.
pub const END_STREAM: u8 = 0x1;
/// The flag ACK of SETTINGS and PING.
pub const ACK: u8 = 0x1;
/// The flag END_HEADERS of HEADERS and CONTINUATION.
pub const END_HEADERS: u8 = 0x4;
/// The flag PADDED of DATA and HEADERS.
pub const PADDED: u8 = 0x8;
/// The flag PRIORITY of HEADERS.
pub const PRIORITY: u8 = 0x20;

/// One frame, its payload borrowed from the bytes that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The type octet.
    pub kind: u8,
    /// The flags octet.
    pub flags: u8,
    /// The stream, without the reserved bit; 0 is the connection.
    pub stream: u32,
    /// What follows the nine octets of the header.
    pub payload: &'a [u8],
}

/// The type octets (RFC 9113, section 6).
pub mod kind {
    /// DATA.
    pub const DATA: u8 = 0x0;
    /// HEADERS.
    pub const HEADERS: u8 = 0x1;
    /// RST_STREAM.
    pub const RST_STREAM: u8 = 0x3;
    /// SETTINGS.
    pub const SETTINGS: u8 = 0x4;
    /// PING.
    pub const PING: u8 = 0x6;
    /// GOAWAY.
    pub const GOAWAY: u8 = 0x7;
    /// WINDOW_UPDATE.
    pub const WINDOW_UPDATE: u8 = 0x8;
    /// CONTINUATION.
    pub const CONTINUATION: u8 = 0x9;
}

/// Why bytes are no frame, or none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFrame {
    /// More bytes are needed.
    NotYet,
    /// The length exceeds what we allow the server to send.
    TooLarge {
        /// The 24-bit length field.
        length: usize,
    },
}

impl<'a> Frame<'a> {
    /// Splits the first frame off `bytes`.
    ///
    /// # Errors
    /// [`NoFrame::TooLarge`] is what grpc-go prints as `http2: frame too large`.
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), NoFrame> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(NoFrame::NotYet)?;
        let [l2, l1, l0, kind, flags, s3, s2, s1, s0] = *header;
        let length = u32::from_be_bytes([0, l2, l1, l0]) as usize;
        if length > MAX_PAYLOAD {
            return Err(NoFrame::TooLarge { length });
        }
        let (payload, rest) = rest.split_at_checked(length).ok_or(NoFrame::NotYet)?;
        let stream = u32::from_be_bytes([s3 & 0x7f, s2, s1, s0]);
        Ok((
            Self {
                kind,
                flags,
                stream,
                payload,
            },
            rest,
        ))
    }

    /// Whether `flag` is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload of DATA or HEADERS without padding and priority; `None` where they don't fit.
    pub fn content(&self) -> Option<&'a [u8]> {
        let mut content = self.payload;
        let mut padding = 0;
        if self.has(PADDED) {
            let (length, rest) = content.split_first()?;
            padding = usize::from(*length);
            content = rest;
        }
        if self.kind == kind::HEADERS && self.has(PRIORITY) {
            content = content.get(5..)?;
        }
        content.get(..content.len().checked_sub(padding)?)
    }

    /// The first four octets as a number: an error code (RST_STREAM) or an increment (WINDOW_UPDATE).
    pub fn number(&self) -> Option<u32> {
        self.payload.first_chunk().map(|four| u32::from_be_bytes(*four))
    }

    /// The settings in the order in which they were sent (RFC 9113, section 6.5.1).
    pub fn settings(&self) -> Vec<Setting> {
        let (pairs, _cut_off) = self.payload.as_chunks::<6>();
        pairs
            .iter()
            .map(|&[i1, i0, v3, v2, v1, v0]| Setting {
                id: u16::from_be_bytes([i1, i0]),
                value: u32::from_be_bytes([v3, v2, v1, v0]),
            })
            .collect()
    }

    /// The last stream, the code and the debug data of a GOAWAY.
    pub fn goaway(&self) -> Option<(u32, ErrorCode, &'a [u8])> {
        let (&[s3, s2, s1, s0, c3, c2, c1, c0], debug) = self.payload.split_first_chunk::<8>()?;
        let last = u32::from_be_bytes([s3 & 0x7f, s2, s1, s0]);
        Some((last, ErrorCode(u32::from_be_bytes([c3, c2, c1, c0])), debug))
    }

    /// Appends the frame to `out`. The payload must fit into [`MAX_PAYLOAD`], which every HTTP/2 peer accepts.
    pub fn write(&self, out: &mut Vec<u8>) {
        debug_assert!(self.payload.len() <= MAX_PAYLOAD);
        let length = (self.payload.len() as u32).to_be_bytes();
        out.extend_from_slice(&length[1..]);
        out.extend_from_slice(&[self.kind, self.flags]);
        out.extend_from_slice(&self.stream.to_be_bytes());
        out.extend_from_slice(self.payload);
    }
}

/// One parameter of a SETTINGS frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The identifier, 0x3 for MAX_CONCURRENT_STREAMS.
    pub id: u16,
    /// The value in the setting's own unit.
    pub value: u32,
}

/// SETTINGS_HEADER_TABLE_SIZE.
pub const HEADER_TABLE_SIZE: u16 = 0x1;
/// SETTINGS_ENABLE_PUSH.
pub const ENABLE_PUSH: u16 = 0x2;
/// SETTINGS_MAX_CONCURRENT_STREAMS.
pub const MAX_CONCURRENT_STREAMS: u16 = 0x3;
/// SETTINGS_INITIAL_WINDOW_SIZE.
pub const INITIAL_WINDOW_SIZE: u16 = 0x4;
/// SETTINGS_MAX_FRAME_SIZE.
pub const MAX_FRAME_SIZE: u16 = 0x5;
/// SETTINGS_MAX_HEADER_LIST_SIZE.
pub const MAX_HEADER_LIST_SIZE: u16 = 0x6;
/// SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441, section 3).
pub const ENABLE_CONNECT_PROTOCOL: u16 = 0x8;
/// SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218, section 2.1).
pub const NO_RFC7540_PRIORITIES: u16 = 0x9;

impl Setting {
    /// The name in RFC 9113, section 6.5.2 and its extensions, without the prefix; the number where unknown.
    pub fn name(&self) -> String {
        let name = match self.id {
            HEADER_TABLE_SIZE => "HEADER_TABLE_SIZE",
            ENABLE_PUSH => "ENABLE_PUSH",
            MAX_CONCURRENT_STREAMS => "MAX_CONCURRENT_STREAMS",
            INITIAL_WINDOW_SIZE => "INITIAL_WINDOW_SIZE",
            MAX_FRAME_SIZE => "MAX_FRAME_SIZE",
            MAX_HEADER_LIST_SIZE => "MAX_HEADER_LIST_SIZE",
            ENABLE_CONNECT_PROTOCOL => "ENABLE_CONNECT_PROTOCOL",
            NO_RFC7540_PRIORITIES => "NO_RFC7540_PRIORITIES",
            other => return format!("{other:#06x}"),
        };
        name.to_owned()
    }
}

/// An error code of RST_STREAM and GOAWAY (RFC 9113, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    /// NO_ERROR.
    pub const NO_ERROR: Self = Self(0x0);
    /// PROTOCOL_ERROR.
    pub const PROTOCOL_ERROR: Self = Self(0x1);
    /// INTERNAL_ERROR.
    pub const INTERNAL_ERROR: Self = Self(0x2);
    /// FRAME_SIZE_ERROR.
    pub const FRAME_SIZE_ERROR: Self = Self(0x6);
    /// REFUSED_STREAM: the server did nothing with the request.
    pub const REFUSED_STREAM: Self = Self(0x7);
    /// CANCEL.
    pub const CANCEL: Self = Self(0x8);
    /// ENHANCE_YOUR_CALM.
    pub const ENHANCE_YOUR_CALM: Self = Self(0xb);

    /// The name in RFC 9113; the number where it has none.
    pub fn name(self) -> String {
        const NAMES: [&str; 14] = [
            "NO_ERROR",
            "PROTOCOL_ERROR",
            "INTERNAL_ERROR",
            "FLOW_CONTROL_ERROR",
            "SETTINGS_TIMEOUT",
            "STREAM_CLOSED",
            "FRAME_SIZE_ERROR",
            "REFUSED_STREAM",
            "CANCEL",
            "COMPRESSION_ERROR",
            "CONNECT_ERROR",
            "ENHANCE_YOUR_CALM",
            "INADEQUATE_SECURITY",
            "HTTP_1_1_REQUIRED",
        ];
        match NAMES.get(self.0 as usize) {
            Some(name) => (*name).to_owned(),
            None => format!("{:#x}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorCode, Frame, NoFrame, Setting, kind};
    use proptest::prelude::{any, proptest};

    #[test]
    fn the_first_frame_of_grpc_go_is_read() {
        let bytes = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x40, 0];
        let (frame, rest) = Frame::split(&bytes).expect("a whole frame");
        assert_eq!((frame.kind, frame.stream, rest.len()), (kind::SETTINGS, 0, 0));
        assert_eq!(frame.settings(), [Setting { id: 5, value: 16_384 }]);
    }

    #[test]
    fn text_is_a_frame_that_is_too_large() {
        assert_eq!(
            Frame::split(b"HTTP/1.1 400 Bad"),
            Err(NoFrame::TooLarge { length: 4_740_180 })
        );
        assert_eq!(Frame::split(b"HTTP"), Err(NoFrame::NotYet));
    }

    #[test]
    fn padding_larger_than_the_payload_is_refused() {
        let frame = Frame {
            kind: kind::DATA,
            flags: 0x8,
            stream: 1,
            payload: &[9, 1, 2],
        };
        assert_eq!(frame.content(), None);
    }

    #[test]
    fn a_goaway_has_its_debug_data() {
        let payload = [0x80, 0, 0, 1, 0, 0, 0, 11, b't', b'o', b'o'];
        let frame = Frame {
            kind: kind::GOAWAY,
            flags: 0,
            stream: 0,
            payload: &payload,
        };
        assert_eq!(frame.goaway(), Some((1, ErrorCode::ENHANCE_YOUR_CALM, &b"too"[..])));
        assert_eq!(ErrorCode(99).name(), "0x63");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes: Vec<u8>) {
            if let Ok((frame, rest)) = Frame::split(&bytes) {
                assert_eq!(9 + frame.payload.len() + rest.len(), bytes.len());
                let _ = (frame.content(), frame.number(), frame.settings(), frame.goaway());
            }
        }

        #[test]
        fn what_is_written_is_read_back(kind: u8, flags: u8, stream in 0..0x7fff_ffff_u32, payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let frame = Frame { kind, flags, stream, payload: &payload };
            let mut bytes = Vec::new();
            frame.write(&mut bytes);
            assert_eq!(Frame::split(&bytes), Ok((frame, &[][..])));
        }
    }
}
