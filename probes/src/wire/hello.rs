//! The hello of an older TLS client, written by hand, and the first words of the answer.
//!
//! rustls speaks nothing below TLS 1.2 and no CBC suite.
//! This hello offers both, so that a server which refuses ours says what it would choose; the handshake goes no further.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a server would choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The highest version that it shares with TLS 1.2 and older.
    pub version: Version,
    /// The cipher suite's number, one of those that were offered.
    pub suite: u16,
}

/// A version up to TLS 1.2, the older the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Version {
    /// RFC 6101.
    #[serde(rename = "SSLv3")]
    Ssl30,
    /// RFC 2246.
    #[serde(rename = "TLSv1.0")]
    Tls10,
    /// RFC 4346.
    #[serde(rename = "TLSv1.1")]
    Tls11,
    /// RFC 5246.
    #[serde(rename = "TLSv1.2")]
    Tls12,
}

/// A server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A `ServerHello`.
    Chosen(Choice),
    /// A fatal alert.
    Alert {
        /// Its number.
        description: u8,
    },
}

/// Why there is no answer in some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoReply {
    /// More bytes are needed.
    NotYet,
    /// It is no answer to this hello.
    Malformed,
}

impl Choice {
    /// The registered name of the suite.
    pub fn suite_name(&self) -> &'static str {
        let mut offered = SUITES.iter();
        let row = offered.find(|(number, _)| *number == self.suite);
        row.map_or("a cipher suite that was not offered", |(_, name)| name)
    }
}

impl Version {
    fn of(wire: [u8; 2]) -> Option<Self> {
        match wire {
            [3, 0] => Some(Self::Ssl30),
            [3, 1] => Some(Self::Tls10),
            [3, 2] => Some(Self::Tls11),
            [3, 3] => Some(Self::Tls12),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ssl30 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
        })
    }
}

/// The hello, for this name; `None` for an address, which has no place in a hello.
///
/// With a name of up to 60 characters it stays below 256 bytes: some old load balancers hang at 256 to 511 (RFC 7685).
pub fn write(server_name: Option<&str>) -> Vec<u8> {
    let suites: Vec<u8> = SUITES.iter().flat_map(|(number, _)| number.to_be_bytes()).collect();
    let body = [
        &[3, 3][..],
        &RANDOM,
        // No session to resume.
        &[0],
        &counted(&suites),
        // One compression method: none.
        &[1, 0],
        &counted(&extensions(server_name)),
    ]
    .concat();
    // The length of a handshake message has three octets.
    let message = [&[CLIENT_HELLO, 0][..], &counted(&body)].concat();
    // The first record says TLS 1.0 whatever is offered (RFC 5246, appendix E.1).
    [&[HANDSHAKE, 3, 1][..], &counted(&message)].concat()
}

/// Without `supported_versions`: the version in the body is the highest that is offered.
fn extensions(server_name: Option<&str>) -> Vec<u8> {
    let name = server_name.map(|name| {
        let host = [&[0][..], &counted(name.as_bytes())].concat();
        extension(0, &counted(&host))
    });
    let fixed = [
        // supported_groups: X25519, P-256, P-384, P-521.
        extension(10, &counted(&[0, 29, 0, 23, 0, 24, 0, 25])),
        // ec_point_formats: uncompressed.
        extension(11, &[1, 0]),
        // signature_algorithms: ECDSA, RSA-PSS and RSA with SHA-2, then RSA and ECDSA with SHA-1.
        extension(
            13,
            &counted(&[4, 3, 5, 3, 6, 3, 8, 4, 8, 5, 8, 6, 4, 1, 5, 1, 6, 1, 2, 1, 2, 3]),
        ),
        // ALPN, with both protocols: it must not be the reason for another refusal.
        extension(16, &counted(b"\x02h2\x08http/1.1")),
        // renegotiation_info: the first handshake of a connection.
        extension(0xff01, &[0]),
    ];
    name.into_iter().chain(fixed).flatten().collect()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &counted(content)].concat()
}

/// The content after its length in two octets.
fn counted(content: &[u8]) -> Vec<u8> {
    // Only a name could be that long, and none in the DNS is.
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], content].concat()
}

/// Reads the first bytes of a server that was sent [`write`]'s.
///
/// # Errors
/// [`NoReply`] where they are too few, or something else.
pub fn read(bytes: &[u8]) -> Result<Reply, NoReply> {
    let mut message = Vec::new();
    let mut rest = bytes;
    loop {
        let (&[kind, major, _, high, low], after) = rest.split_first_chunk().ok_or(NoReply::NotYet)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if major != 3 || length == 0 {
            return Err(NoReply::Malformed);
        }
        let whole = after.split_at_checked(length);
        let (fragment, next) = whole.unwrap_or((after, &[]));
        match (kind, fragment) {
            // A warning, such as unrecognized_name, may come before the answer.
            (ALERT, [WARNING, _]) => {}
            (ALERT, [_, description]) => {
                return Ok(Reply::Alert {
                    description: *description,
                });
            }
            (ALERT, _) if length != 2 => return Err(NoReply::Malformed),
            (ALERT, _) => {}
            (HANDSHAKE, _) => {
                // A message may be spread over several records.
                message.extend_from_slice(fragment);
                match server_hello(&message) {
                    Err(NoReply::NotYet) => {}
                    read => return read.map(Reply::Chosen),
                }
            }
            _ => return Err(NoReply::Malformed),
        }
        if whole.is_none() {
            return Err(NoReply::NotYet);
        }
        rest = next;
    }
}

/// RFC 5246, section 7.4.1.3: type, length, version, random, session id, cipher suite.
fn server_hello(message: &[u8]) -> Result<Choice, NoReply> {
    if message.first().is_some_and(|kind| *kind != SERVER_HELLO) {
        return Err(NoReply::Malformed);
    }
    let (&[_, _, _, _, major, minor], rest) = message.split_first_chunk().ok_or(NoReply::NotYet)?;
    let version = Version::of([major, minor]).ok_or(NoReply::Malformed)?;
    let (_, rest) = rest.split_first_chunk::<32>().ok_or(NoReply::NotYet)?;
    let (&session, rest) = rest.split_first().ok_or(NoReply::NotYet)?;
    if session > 32 {
        return Err(NoReply::Malformed);
    }
    let rest = rest.get(usize::from(session)..).ok_or(NoReply::NotYet)?;
    let (suite, _) = rest.split_first_chunk().ok_or(NoReply::NotYet)?;
    let suite = u16::from_be_bytes(*suite);
    match SUITES.iter().any(|(offered, _)| *offered == suite) {
        true => Ok(Choice { version, suite }),
        false => Err(NoReply::Malformed),
    }
}

/// Content types (RFC 5246, section 6.2.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// The level of an alert that ends nothing (section 7.2).
const WARNING: u8 = 1;
/// Handshake types (section 7.4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// No key comes of this handshake, so that nothing depends on chance.
const RANDOM: [u8; 32] = *b"hoop-doctor asks what is offered";

/// The suites that are offered, as IANA numbers and names them: first Go's, then those that it gave up.
const SUITES: [(u16, &str); 30] = [
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
];

#[cfg(test)]
mod tests {
    use super::{Choice, NoReply, Reply, SUITES, Version, read, write};
    use proptest::prelude::{any, proptest};
    use rustls::CipherSuite;
    use rustls::server::Acceptor;

    /// A `ServerHello` message without extensions.
    fn server_hello(version: [u8; 2], session: u8, suite: u16) -> Vec<u8> {
        let body = [
            &version[..],
            &[7; 32],
            &[session],
            &vec![9; usize::from(session)],
            &suite.to_be_bytes(),
            &[0],
        ]
        .concat();
        let length = u8::try_from(body.len()).expect("it is short");
        [&[2, 0, 0, length][..], &body].concat()
    }

    /// The message in records of this size.
    fn records(message: &[u8], size: usize) -> Vec<u8> {
        let record = |fragment: &[u8]| {
            let length = u8::try_from(fragment.len()).expect("it is short");
            [&[22, 3, 1, 0, length][..], fragment].concat()
        };
        message.chunks(size).flat_map(record).collect()
    }

    const OLD: Choice = Choice {
        version: Version::Tls11,
        suite: 0x002f,
    };

    #[test]
    fn another_implementation_reads_the_hello_as_it_is_meant() {
        let mut acceptor = Acceptor::default();
        let hello = write(Some("gateway.example.com"));
        acceptor.read_tls(&mut &hello[..]).expect("a buffer can be read");
        let accepted = acceptor.accept().expect("a hello").expect("a whole one");
        let heard = accepted.client_hello();
        assert_eq!(heard.server_name(), Some("gateway.example.com"));
        let protocols: Vec<&[u8]> = heard.alpn().expect("protocols").collect();
        assert_eq!(protocols, [&b"h2"[..], b"http/1.1"]);
        let offered = SUITES.map(|(number, _)| CipherSuite::from(number));
        assert_eq!(heard.cipher_suites(), offered);
        assert_eq!(heard.signature_schemes().len(), 11);
    }

    #[test]
    fn the_names_are_the_registered_ones() {
        for (number, name) in SUITES {
            assert_eq!(CipherSuite::from(number).as_str(), Some(name), "{number:#06x}");
        }
    }

    #[test]
    fn the_hello_keeps_below_what_old_load_balancers_hang_at() {
        assert!(write(Some(&"x".repeat(60))).len() < 256);
        assert!(write(None).len() < write(Some("a")).len());
    }

    #[test]
    fn a_choice_is_read_from_one_record_or_from_many() {
        let message = server_hello([3, 2], 32, 0x002f);
        for size in [1, 5, 40, 255] {
            assert_eq!(read(&records(&message, size)), Ok(Reply::Chosen(OLD)), "{size}");
        }
        assert_eq!(OLD.suite_name(), "TLS_RSA_WITH_AES_128_CBC_SHA");
        assert_eq!(OLD.version.to_string(), "TLS 1.1");
    }

    #[test]
    fn a_warning_is_passed_over_and_a_fatal_alert_is_the_answer() {
        let warned = [
            &[21, 3, 3, 0, 2, 1, 112][..],
            &records(&server_hello([3, 2], 0, 0x002f), 255),
        ]
        .concat();
        assert_eq!(read(&warned), Ok(Reply::Chosen(OLD)));
        assert_eq!(read(&[21, 3, 1, 0, 2, 2, 70]), Ok(Reply::Alert { description: 70 }));
        assert_eq!(read(&[21, 3, 1, 0, 2, 2]), Err(NoReply::NotYet));
        assert_eq!(read(&[21, 3, 1, 0, 3, 2, 70, 0]), Err(NoReply::Malformed));
    }

    #[test]
    fn what_was_not_offered_is_no_choice() {
        for (version, suite) in [([3, 4], 0x002f), ([3, 3], 0x1301), ([2, 0], 0x002f)] {
            let bytes = records(&server_hello(version, 0, suite), 255);
            assert_eq!(read(&bytes), Err(NoReply::Malformed), "{version:?} {suite:#06x}");
        }
        assert_eq!(read(b"HTTP/1.1 400 Bad Request\r\n"), Err(NoReply::Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_records_are_read_or_refused(kind in 20_u8..24, message: Vec<u8>, size in 1_usize..255) {
            let mut bytes = records(&message, size);
            if let Some(first) = bytes.first_mut() {
                *first = kind;
            }
            let _ = read(&bytes);
        }

        #[test]
        fn a_choice_that_is_cut_off_is_awaited(size in 1_usize..255, session in 0_u8..33, cut in any::<proptest::sample::Index>()) {
            // The compression method is not looked at.
            let message = server_hello([3, 2], session, 0x002f);
            let needed = &message[..message.len() - 1];
            let bytes = records(needed, size);
            assert_eq!(read(&bytes), Ok(Reply::Chosen(OLD)));
            assert_eq!(read(&bytes[..cut.index(bytes.len())]), Err(NoReply::NotYet));
        }

        #[test]
        fn a_hello_for_any_name_says_how_long_it_is(name: String) {
            let hello = write(Some(&name));
            let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
            assert_eq!(length, hello.len() - 5);
        }
    }
}
