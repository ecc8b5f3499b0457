//! From a configured address to what Go dials: Hoop's `ParseServerAddress`, grpc-go's target, Go's dialer.
//!
//! Each step has its own surprises, so each is kept apart. None of them looks at the network.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ParseError, ip, parse};
use crate::secret::{MASK, redact_part, redact_url};

/// What grpc-go is told to dial: a host and port, or the whole configured text where Hoop found no host in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    shown: String,
}

impl Target {
    /// The host and port of a URL, which were told from the rest by Go.
    pub(super) fn of_url(host: &[u8]) -> Self {
        let text = String::from_utf8_lossy(host).into_owned();
        let shown = redact_url(&format!("//{text}")).split_off(2);
        Self { text, shown }
    }

    /// A text in which Go finds no host.
    fn whole(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            shown: redact_url(text),
        }
    }

    /// The target as Hoop passes it on. It may hold a password where the configured text was broken.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// A part of the target as Go's errors quote it.
    fn redact(&self, part: &str) -> String {
        if part == self.text {
            return self.shown.clone();
        }
        redact_part(part, &self.text)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl Serialize for Target {
    /// As it may be shown, so that nothing secret is saved.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shown = String::deserialize(deserializer)?;
        Ok(Self {
            text: shown.clone(),
            shown,
        })
    }
}

/// Hoop's only complaint about an address: there is no colon, or nothing before the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongFormat;

impl fmt::Display for WrongFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("server address is in wrong format")
    }
}

impl std::error::Error for WrongFormat {}

/// Hoop's `ParseServerAddress`, for client and agent alike.
///
/// A URL's host is taken as it is; where there is none, or Go can't read the URL, the whole text is the target.
pub fn server_address(text: &str) -> Result<Target, WrongFormat> {
    if let Ok(url) = parse(text)
        && !url.host.is_empty()
    {
        return Ok(Target::of_url(&url.host));
    }
    match text.find(':') {
        None | Some(0) => Err(WrongFormat),
        Some(_) => Ok(Target::whole(text)),
    }
}

/// What Go does when grpc-go is asked for a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dial {
    /// It connects by TCP.
    Tcp {
        /// A name or an address without brackets; empty means this machine.
        host: String,
        /// 0 where the target ends in a colon.
        port: u16,
        /// Whether the port is written; otherwise it is grpc-go's default of `dns:`, or 0 behind a bare colon.
        port_written: bool,
    },
    /// It connects to a Unix socket, which Hoop doesn't mean to support but grpc-go does.
    Unix,
    /// It gives up without sending a packet.
    Refused(DialError),
}

/// Why Go's dialer refuses a target; displays as Go's text, secrets hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialError {
    /// The target is neither a host with a port nor in brackets with a port.
    Split {
        /// The whole target, redacted.
        address: String,
        /// What is missing or too much.
        fault: SplitFault,
    },
    /// A number that is no port.
    InvalidPort(String),
    /// A word that is no service name, often digits with a slash behind them.
    UnknownPort(String),
    /// No resolver is asked about a name like this: too long, an empty label, a character that no name has.
    NoSuchHost(String),
    /// grpc-go can't even read the target as part of a URL.
    Target(ParseError),
    /// Nothing is left of the target once its query or fragment is gone.
    Empty,
    /// The `dns:` resolver got nothing to look up.
    DnsMissingAddress,
    /// The `dns:` resolver takes a name that can't exist for one that has no address.
    DnsNoAddress,
    /// The `dns:` resolver takes no empty port.
    DnsEndsWithColon,
    /// The `dns:` resolver finds no host, with or without its default port.
    DnsInvalid {
        /// What it was given, redacted.
        address: String,
        /// What is missing or too much.
        fault: SplitFault,
    },
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Split { address, fault } => write!(f, "address {address}: {fault}"),
            Self::InvalidPort(port) => write!(f, "address {port}: invalid port"),
            Self::UnknownPort(port) => write!(f, "lookup tcp/{port}: unknown port"),
            Self::NoSuchHost(host) => write!(f, "lookup {host}: no such host"),
            Self::Target(error) => error.fmt(f),
            Self::Empty => f.write_str("passthrough: received empty target in Build()"),
            Self::DnsMissingAddress => f.write_str("dns resolver: missing address"),
            Self::DnsNoAddress => f.write_str("name resolver error: produced zero addresses"),
            Self::DnsEndsWithColon => f.write_str("dns resolver: missing port after port-separator colon"),
            Self::DnsInvalid { address, fault } => {
                write!(
                    f,
                    "invalid target address {address}, error info: address {address}:{DNS_PORT}: {fault}"
                )
            }
        }
    }
}

impl std::error::Error for DialError {}

/// What Go's `SplitHostPort` objects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitFault {
    /// No colon, or none behind the closing bracket.
    MissingPort,
    /// Colons in a host without brackets.
    TooManyColons,
    /// The bracket before the host doesn't close.
    MissingBracket,
    /// A `[` where none belongs.
    UnexpectedOpen,
    /// A `]` where none belongs.
    UnexpectedClose,
}

impl fmt::Display for SplitFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingPort => "missing port in address",
            Self::TooManyColons => "too many colons in address",
            Self::MissingBracket => "missing ']' in address",
            Self::UnexpectedOpen => "unexpected '[' in address",
            Self::UnexpectedClose => "unexpected ']' in address",
        })
    }
}

/// What grpc-go's `DialContext` and Go's dialer make of `target`.
///
/// A scheme that grpc-go knows is obeyed, so `dns:8010` looks up a host called 8010. Anything else is written behind
/// `passthrough:///` and read as a URL again, which drops a query and decodes percent escapes.
pub fn dial(target: &Target) -> Dial {
    let text = target.expose();
    if let Ok(url) = parse(text) {
        match &*url.scheme {
            "dns" => return dial_dns(&endpoint(&url), target),
            "unix" | "unix-abstract" => return Dial::Unix,
            "passthrough" => return pass_through(&endpoint(&url), target),
            _ => {}
        }
    }
    match parse(&format!("passthrough:///{text}")) {
        Ok(url) => pass_through(&endpoint(&url), target),
        Err(error) => Dial::Refused(DialError::Target(error)),
    }
}

/// grpc-go's `Target.Endpoint`: the path without its first slash, else the opaque part.
fn endpoint(url: &super::Url<'_>) -> String {
    let path = String::from_utf8_lossy(&url.path);
    let text = if path.is_empty() { url.opaque } else { &path };
    text.strip_prefix('/').unwrap_or(text).to_owned()
}

/// grpc-go's `passthrough` resolver.
fn pass_through(endpoint: &str, target: &Target) -> Dial {
    match endpoint {
        "" => Dial::Refused(DialError::Empty),
        address => dial_tcp(address, target),
    }
}

/// grpc-go's `dns` resolver, which alone has a default port.
pub(super) fn dial_dns(endpoint: &str, target: &Target) -> Dial {
    if endpoint.is_empty() {
        return Dial::Refused(DialError::DnsMissingAddress);
    }
    if ip::parse(endpoint.as_bytes()).is_ok() {
        return resolve(endpoint.to_owned(), DNS_PORT, false, target);
    }
    match split_host_port(endpoint) {
        Ok((_, "")) => Dial::Refused(DialError::DnsEndsWithColon),
        Ok(("", port)) => dial_tcp(&format!("localhost:{port}"), target),
        // The name is looked up before the port is looked at.
        Ok((host, _)) if !can_be_resolved(host) => Dial::Refused(DialError::DnsNoAddress),
        Ok(_) => dial_tcp(endpoint, target),
        Err(_) => match split_host_port(&format!("{endpoint}:{DNS_PORT}")) {
            Ok((host, _)) if !can_be_resolved(host) => Dial::Refused(DialError::DnsNoAddress),
            Ok((host, _)) => resolve(host.to_owned(), DNS_PORT, false, target),
            Err(fault) => Dial::Refused(DialError::DnsInvalid {
                address: target.redact(endpoint),
                fault,
            }),
        },
    }
}

/// Go's `net.Dialer` for `tcp`.
fn dial_tcp(address: &str, target: &Target) -> Dial {
    let (host, port) = match split_host_port(address) {
        Ok(parts) => parts,
        Err(fault) => {
            return Dial::Refused(DialError::Split {
                address: target.redact(address),
                fault,
            });
        }
    };
    let Some(number) = port_number(port) else {
        return Dial::Refused(DialError::UnknownPort(shown_port(port)));
    };
    let Ok(number) = u16::try_from(number) else {
        return Dial::Refused(DialError::InvalidPort(shown_port(port)));
    };
    resolve(host.to_owned(), number, !port.is_empty(), target)
}

fn resolve(host: String, port: u16, port_written: bool, target: &Target) -> Dial {
    if host.is_empty() || can_be_resolved(&host) {
        return Dial::Tcp {
            host,
            port,
            port_written,
        };
    }
    Dial::Refused(DialError::NoSuchHost(target.redact(&host)))
}

/// Whether Go asks anyone about this host, or knows its address already.
fn can_be_resolved(host: &str) -> bool {
    ip::parse(host.as_bytes()).is_ok() || is_domain_name(host)
}

/// Go's `net.SplitHostPort`.
pub fn split_host_port(address: &str) -> Result<(&str, &str), SplitFault> {
    let (before, port) = address.rsplit_once(':').ok_or(SplitFault::MissingPort)?;
    let (host, inside, behind) = if let Some(inside) = address.strip_prefix('[') {
        let (host, rest) = inside.split_once(']').ok_or(SplitFault::MissingBracket)?;
        if host.len() + 2 != before.len() {
            let colons = rest.starts_with(':');
            return Err(if colons {
                SplitFault::TooManyColons
            } else {
                SplitFault::MissingPort
            });
        }
        (host, inside, rest)
    } else if before.contains(':') {
        return Err(SplitFault::TooManyColons);
    } else {
        (before, address, address)
    };
    if inside.contains('[') {
        return Err(SplitFault::UnexpectedOpen);
    }
    if behind.contains(']') {
        return Err(SplitFault::UnexpectedClose);
    }
    Ok((host, port))
}

/// Go's `LookupPort`: a number with an optional sign, nothing for 0, or the name of a service.
fn port_number(port: &str) -> Option<i64> {
    if port.is_empty() {
        return Some(0);
    }
    let digits = port.strip_prefix(['+', '-']).unwrap_or(port);
    // Go stops at the first digit that makes the number hopelessly large, whatever follows.
    let (mut number, mut hopeless) = (0_i64, false);
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return service_port(port);
        }
        hopeless = number >= HOPELESS_PORT;
        if hopeless {
            break;
        }
        number = number * 10 + i64::from(byte - b'0');
    }
    let number = if hopeless { HOPELESS_PORT } else { number };
    Some(if port.starts_with('-') { -number } else { number })
}

/// The names that Go knows on every system. What `/etc/services` adds is this machine's business.
fn service_port(name: &str) -> Option<i64> {
    SERVICES
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))
        .map(|&(_, port)| port)
}

/// A port that isn't one may be the password of a broken URL, so only what a port could have been is shown.
fn shown_port(port: &str) -> String {
    let harmless = |byte: u8| byte.is_ascii_digit() || b"+-/ ".contains(&byte);
    if port.bytes().all(harmless) && port.len() <= 10 {
        port.to_owned()
    } else {
        MASK.to_owned()
    }
}

/// Go's `isDomainName`: what it sends to a resolver (RFC 1035 section 2.3.1, with underscores).
fn is_domain_name(name: &str) -> bool {
    let relative = name.strip_suffix('.').unwrap_or(name);
    if name == "." {
        return true;
    }
    let label_is_fine = |label: &str| {
        let bytes = label.as_bytes();
        (1..=63).contains(&bytes.len())
            && bytes
                .iter()
                .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    relative.len() <= 253
        && relative.split('.').all(label_is_fine)
        && relative.bytes().any(|byte| !byte.is_ascii_digit() && byte != b'.')
}

/// Whether the host, as a configuration names it, can only be this machine.
pub fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.is_empty()
        || host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The port of `dns:` targets that name none.
const DNS_PORT: u16 = 443;

/// From here on Go reads no further digits; any such number is out of range.
const HOPELESS_PORT: i64 = 1 << 30;

const SERVICES: &[(&str, i64)] = &[
    ("domain", 53),
    ("ftp", 21),
    ("ftps", 990),
    ("gopher", 70),
    ("http", 80),
    ("https", 443),
    ("imap2", 143),
    ("imap3", 220),
    ("imaps", 993),
    ("pop3", 110),
    ("pop3s", 995),
    ("smtp", 25),
    ("submissions", 465),
    ("ssh", 22),
    ("telnet", 23),
];
