//! URLs as Go's `net/url` reads them, because what Hoop dials is what Go makes of the text.
//!
//! A stricter or kinder parser would be wrong here: Go takes `grpcs://host:` for a host with an empty port, keeps
//! `::1:8443` as a host, and refuses a space in a password. The rules are those of Go 1.26. Nothing is resolved and
//! nothing is rebuilt into text; [`address`] says what Hoop and Go's dialer then do with the result.

use std::borrow::Cow;
use std::fmt;

use self::error::Fault;
use crate::secret::{Kind, MASK};

pub mod address;
mod error;
mod ip;
pub mod proxy;
mod quote;

pub use error::{ParseError, Reason};
pub use ip::IpFault;
pub use quote::quoted;

/// A parsed URL. Bytes rather than text where Go decodes percent escapes, since the result may be no UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub struct Url<'a> {
    /// Lower-cased; empty where the text has none.
    pub scheme: Cow<'a, str>,
    /// What follows `scheme:` when that isn't a slash: `8010` in `host:8010`.
    pub opaque: &'a str,
    /// Name and password before the `@`.
    pub user: Option<User<'a>>,
    /// Host and port together, as written but for percent escapes; IPv6 keeps its brackets.
    pub host: Cow<'a, [u8]>,
    /// The decoded path.
    pub path: Cow<'a, [u8]>,
    /// The text behind the first `?`, not decoded.
    pub query: &'a str,
}

/// The decoded user information of a URL.
#[derive(Clone, PartialEq, Eq)]
pub struct User<'a> {
    /// The text before the first colon.
    pub name: Cow<'a, [u8]>,
    /// `None` where there is no colon.
    pub password: Option<Cow<'a, [u8]>>,
}

impl fmt::Debug for Url<'_> {
    /// Shows neither user information, nor opaque part, nor query: a secret may be in any of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Url")
            .field("scheme", &self.scheme)
            .field("host", &String::from_utf8_lossy(&self.host))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Reads `raw` as Go's `url.Parse` does; errors hide what an address should not show.
pub fn parse(raw: &str) -> Result<Url<'_>, ParseError> {
    parse_bare(raw).map_err(|fault| ParseError::new(raw, Kind::Url, fault))
}

/// Reads an agent key as Go's `url.Parse` does; errors hide everything that may be its secret.
pub fn parse_key(raw: &str) -> Result<Url<'_>, ParseError> {
    parse_bare(raw).map_err(|fault| ParseError::new(raw, Kind::Key, fault))
}

impl Url<'_> {
    /// Go's `URL.Query().Get(name)`: the first value of that name, decoded.
    pub fn query_value(&self, name: &str) -> Option<Vec<u8>> {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            decode(Piece { text: &spaced, at: 0 }, Part::Other)
                .ok()
                .map(Cow::into_owned)
        };
        // Go drops a pair that holds a semicolon (go.dev/issue/25192), or an escape that it can't read.
        let pairs = self.query.split('&').filter(|pair| !pair.contains(';'));
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .filter_map(|(key, value)| Some((decode(key)?, decode(value)?)))
            .find(|(key, _)| key == name.as_bytes())
            .map(|(_, value)| value)
    }
}

/// A piece of the input and where it starts there, so that a fault can say where it is.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Piece<'a> {
    fn from(self, start: usize) -> Self {
        Self {
            text: self.text.get(start..).unwrap_or_default(),
            at: self.at + start,
        }
    }

    fn to(self, end: usize) -> Self {
        Self {
            text: self.text.get(..end).unwrap_or_default(),
            at: self.at,
        }
    }

    fn fault(self, reason: Reason) -> Fault {
        Fault::new(reason, self.at, self.text.len())
    }
}

fn parse_bare(raw: &str) -> Result<Url<'_>, Fault> {
    let fragment_at = raw.find('#');
    let whole = &raw[..fragment_at.unwrap_or(raw.len())];
    let url = parse_whole(whole)?;
    if let Some(at) = fragment_at {
        decode(
            Piece {
                text: &raw[at + 1..],
                at: at + 1,
            },
            Part::Other,
        )?;
    }
    Ok(url)
}

/// Everything but the fragment, whose text comes before any `#`.
fn parse_whole(raw: &str) -> Result<Url<'_>, Fault> {
    if let Some(at) = raw.bytes().position(|byte| byte.is_ascii_control()) {
        return Err(Fault::new(Reason::ControlCharacter, at, 1));
    }
    let (scheme, rest_at) = split_scheme(raw)?;
    let rest = &raw[rest_at..];
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut url = Url {
        scheme: lower(scheme),
        opaque: "",
        user: None,
        host: Cow::Borrowed(&[]),
        path: Cow::Borrowed(&[]),
        query,
    };
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            url.opaque = rest;
            return Ok(url);
        }
        let segment = rest.split('/').next().unwrap_or_default();
        if let Some(colon) = segment.find(':') {
            return Err(Fault::new(Reason::ColonInFirstSegment, colon, 1));
        }
    }
    let mut path = Piece {
        text: rest,
        at: rest_at,
    };
    let is_path = scheme.is_empty() && rest.starts_with("///");
    if let Some(authority) = rest.strip_prefix("//").filter(|_| !is_path) {
        let end = authority.find('/').unwrap_or(authority.len());
        path = path.from(2 + end);
        (url.user, url.host) = parse_authority(
            &url.scheme,
            Piece {
                text: &authority[..end],
                at: rest_at + 2,
            },
        )?;
    }
    url.path = decode(path, Part::Other)?;
    Ok(url)
}

/// The scheme, and where what follows its colon starts. A text without one is no error: it is a path.
fn split_scheme(raw: &str) -> Result<(&str, usize), Fault> {
    for (at, byte) in raw.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err(Fault::new(Reason::MissingScheme, 0, 1)),
            b':' => return Ok((&raw[..at], at + 1)),
            _ => break,
        }
    }
    Ok(("", 0))
}

fn lower(scheme: &str) -> Cow<'_, str> {
    if scheme.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(scheme.to_ascii_lowercase())
    } else {
        Cow::Borrowed(scheme)
    }
}

type Authority<'a> = (Option<User<'a>>, Cow<'a, [u8]>);

fn parse_authority<'a>(scheme: &str, authority: Piece<'a>) -> Result<Authority<'a>, Fault> {
    let Some(at) = authority.text.rfind('@') else {
        return Ok((None, parse_host(scheme, authority)?));
    };
    // The order matters for the message: Go judges the host first.
    let host = parse_host(scheme, authority.from(at + 1))?;
    let user = authority.to(at);
    if let Some((at, bad)) = user.text.char_indices().find(|&(_, char)| !is_userinfo(char)) {
        return Err(Fault::new(Reason::InvalidUserinfo, user.at + at, bad.len_utf8()));
    }
    let (name, password) = match user.text.find(':') {
        Some(colon) => (user.to(colon), Some(user.from(colon + 1))),
        None => (user, None),
    };
    let name = decode(name, Part::Other)?;
    let password = password.map(|password| decode(password, Part::Other)).transpose()?;
    Ok((Some(User { name, password }), host))
}

fn is_userinfo(char: char) -> bool {
    char.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(char)
}

fn parse_host<'a>(scheme: &str, host: Piece<'a>) -> Result<Cow<'a, [u8]>, Fault> {
    match host.text.rfind('[') {
        Some(0) => return parse_bracketed(host),
        Some(at) => return Err(Fault::new(Reason::InvalidIpLiteral, host.at + at, 1)),
        None => {}
    }
    // A second colon is part of the host, as some databases have it, but not for http (go.dev/issue/75223).
    let colon = match scheme {
        "http" | "https" => host.text.find(':'),
        _ => host.text.rfind(':'),
    };
    if let Some(colon) = colon {
        check_port(host.from(colon))?;
    }
    decode(host, Part::Host)
}

/// `[address]`, `[address%25zone]` and a port: RFC 3986 section 3.2.2 and RFC 6874.
fn parse_bracketed(host: Piece<'_>) -> Result<Cow<'_, [u8]>, Fault> {
    let Some(close) = host.text.rfind(']') else {
        return Err(host.fault(Reason::MissingBracket));
    };
    let port = host.from(close + 1);
    check_port(port)?;
    let inside = host.to(close).from(1);
    let address = match inside.text.find("%25") {
        Some(zone) => {
            let mut address = decode(inside.to(zone), Part::Host)?.into_owned();
            address.extend_from_slice(&decode(inside.from(zone), Part::Zone)?);
            Cow::Owned(address)
        }
        None => decode(inside, Part::Host)?,
    };
    match ip::parse(&address) {
        Ok(ip::Family::V6) => {}
        Ok(ip::Family::V4) => return Err(inside.fault(Reason::InvalidIpLiteral)),
        Err(fault) => {
            let host = address.into_owned();
            return Err(inside.fault(Reason::InvalidHost { host, fault }));
        }
    }
    if let Cow::Borrowed(_) = address {
        return Ok(Cow::Borrowed(host.text.as_bytes()));
    }
    let mut whole = Vec::with_capacity(host.text.len());
    whole.push(b'[');
    whole.extend_from_slice(&address);
    whole.push(b']');
    whole.extend_from_slice(port.text.as_bytes());
    Ok(Cow::Owned(whole))
}

/// Nothing, or a colon and any number of digits, none included.
fn check_port(port: Piece<'_>) -> Result<(), Fault> {
    match port.text.strip_prefix(':') {
        None if port.text.is_empty() => Ok(()),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err(port.fault(Reason::InvalidPort(port.text.to_owned()))),
    }
}

/// Which escapes are allowed depends on the part of the URL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Zone,
    /// User information, path and fragment: any well-formed escape.
    Other,
}

fn decode(piece: Piece<'_>, part: Part) -> Result<Cow<'_, [u8]>, Fault> {
    let bytes = piece.text.as_bytes();
    check_escapes(piece, part)?;
    if !bytes.contains(&b'%') {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        match escaped(rest) {
            Some(value) => {
                decoded.push(value);
                rest = rest.get(3..).unwrap_or_default();
            }
            None => {
                decoded.push(byte);
                rest = tail;
            }
        }
    }
    Ok(Cow::Owned(decoded))
}

fn check_escapes(piece: Piece<'_>, part: Part) -> Result<(), Fault> {
    let mut at = 0;
    while let Some(rest) = piece.text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        let byte = rest[0];
        if byte == b'%' {
            let literal_percent = rest.starts_with(b"%25");
            let allowed = match (escaped(rest), part) {
                (None, _) => false,
                (Some(_), Part::Other) => true,
                // A host may escape only what isn't ASCII; %25 is how a zone begins.
                (Some(value), Part::Host) => value >= 0x80 || literal_percent,
                (Some(value), Part::Zone) => literal_percent || value == b' ' || is_host(value),
            };
            if !allowed {
                let quoted = rest[..rest.len().min(3)].to_owned();
                return Err(Fault::new(
                    Reason::InvalidEscape(quoted),
                    piece.at + at,
                    rest.len().min(3),
                ));
            }
            at += 3;
        } else {
            if part != Part::Other && byte < 0x80 && !is_host(byte) {
                let char = char::from(byte).to_string();
                return Err(Fault::new(Reason::InvalidHostCharacter(char), piece.at + at, 1));
            }
            at += 1;
        }
    }
    Ok(())
}

/// The byte that an escape at the start of `rest` stands for.
fn escaped(rest: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = *rest else { return None };
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high << 4 | low).ok()
}

/// The ASCII that a host may hold unescaped: RFC 3986's, and brackets, angle brackets and quotes as Go adds them.
fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

#[cfg(test)]
mod tests;
