//! URIs in certificates, read as Go's net/url reads them: one that it refuses makes the whole certificate unreadable.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::quote::quote;

/// A URI name of a certificate.
#[derive(Clone, Debug)]
pub(super) struct Uri {
    /// As written, with the scheme in lower case.
    pub(super) text: String,
    /// Host and port, percent-decoded; empty for URIs without an authority.
    pub(super) host: Vec<u8>,
}

impl Uri {
    /// Reads an ASCII URI; the error is that of Go's `url.Parse`.
    pub(super) fn read(raw: &str) -> Result<Uri, String> {
        let (before, fragment) = raw.split_once('#').unwrap_or((raw, ""));
        let uri = Uri::read_until_fragment(before).map_err(|why| format!("parse {}: {why}", quote(before)))?;
        unescape(fragment, Part::Elsewhere).map_err(|why| format!("parse {}: {why}", quote(raw)))?;
        Ok(Uri {
            text: uri.text + &raw[before.len()..],
            ..uri
        })
    }

    fn read_until_fragment(raw: &str) -> Result<Uri, String> {
        if raw.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let (scheme, rest) = scheme(raw)?;
        let scheme = scheme.to_ascii_lowercase();
        let text = if scheme.is_empty() {
            raw.to_owned()
        } else {
            format!("{scheme}:{rest}")
        };
        let hostless = Uri { text, host: Vec::new() };

        let hierarchy = rest.split_once('?').map_or(rest, |(path, _)| path);
        if raw == "*" || (!hierarchy.starts_with('/') && !scheme.is_empty()) {
            return Ok(hostless);
        }
        let (first, _) = hierarchy.split_once('/').unwrap_or((hierarchy, ""));
        if first.contains(':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
        let authority = hierarchy
            .strip_prefix("//")
            .filter(|after| !scheme.is_empty() || !after.starts_with('/'));
        let Some(authority) = authority else {
            unescape(hierarchy, Part::Elsewhere)?;
            return Ok(hostless);
        };
        let end = authority.find('/').unwrap_or(authority.len());
        let (authority, path) = authority.split_at(end);
        let (user, host) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(user, host)| (Some(user), host));
        let host = read_host(&scheme, host)?;
        if let Some(user) = user {
            if !user
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte))
            {
                return Err("net/url: invalid userinfo".to_owned());
            }
            for half in user.splitn(2, ':') {
                unescape(half, Part::Elsewhere)?;
            }
        }
        unescape(path, Part::Elsewhere)?;
        Ok(Uri { host, ..hostless })
    }
}

fn scheme(raw: &str) -> Result<(&str, &str), String> {
    let end = raw
        .bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"+-.".contains(&byte));
    match end {
        Some(0) if raw.starts_with(':') => Err("missing protocol scheme".to_owned()),
        Some(end) if raw[end..].starts_with(':') && raw.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Ok((&raw[..end], &raw[end + 1..]))
        }
        _ => Ok(("", raw)),
    }
}

fn read_host(scheme: &str, host: &str) -> Result<Vec<u8>, String> {
    if let Some(open) = host.rfind('[') {
        let Some(close) = host.rfind(']').filter(|_| open == 0) else {
            return Err(if open == 0 {
                "missing ']' in host"
            } else {
                "invalid IP-literal"
            }
            .to_owned());
        };
        check_port(&host[close + 1..])?;
        let literal = host.get(1..close).unwrap_or_default();
        let (address, zone) = literal
            .split_once("%25")
            .map_or((literal, None), |(a, zone)| (a, Some(zone)));
        unescape(address, Part::Host)?;
        if let Some(zone) = zone {
            unescape(zone, Part::Zone)?;
        }
        if address.parse::<Ipv4Addr>().is_ok() {
            return Err("invalid IP-literal".to_owned());
        }
        if address.parse::<Ipv6Addr>().is_err() || zone == Some("") {
            // Go adds what is wrong with the address, in more variants than anybody will ever see.
            return Err("invalid host".to_owned());
        }
        return Ok(host.as_bytes().to_vec());
    }
    // Several colons are left alone except in URLs of the web (lists of hosts, as databases have them).
    let first = host.find(':');
    let port = if matches!(scheme, "http" | "https") {
        first
    } else {
        host.rfind(':')
    };
    if let Some(port) = port {
        check_port(&host[port..])?;
    }
    unescape(host, Part::Host)
}

fn check_port(port: &str) -> Result<(), String> {
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(()),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err(format!("invalid port {} after host", quote(port))),
    }
}

/// The parts of a URI that differ in what may be written and escaped there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Zone,
    Elsewhere,
}

fn unescape(text: &str, part: Part) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        bytes = rest;
        if byte != b'%' {
            if part != Part::Elsewhere && byte.is_ascii() && !is_host_byte(byte) {
                return Err(format!(
                    "invalid character {} in host name",
                    quote(char::from(byte).to_string())
                ));
            }
            out.push(byte);
            continue;
        }
        let digits = rest.get(..2).and_then(|two| Some(hex(two[0])? << 4 | hex(two[1])?));
        let allowed = digits.filter(|&byte| match part {
            Part::Host => byte >= 0x80 || byte == b'%',
            Part::Zone => byte == b'%' || byte == b' ' || is_host_byte(byte),
            Part::Elsewhere => true,
        });
        let Some(byte) = allowed else {
            let shown = String::from_utf8_lossy(&rest[..rest.len().min(2)]);
            return Err(format!("invalid URL escape {}", quote(format!("%{shown}"))));
        };
        out.push(byte);
        bytes = &rest[2..];
    }
    Ok(out)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(raw: &str) -> Result<String, String> {
        Uri::read(raw).map(|uri| String::from_utf8_lossy(&uri.host).into_owned())
    }

    #[test]
    fn the_host_is_what_constraints_compare() {
        assert_eq!(host("spiffe://cluster.local/ns/a").as_deref(), Ok("cluster.local"));
        assert_eq!(
            host("HTTPS://u:p@gw.example:8443/x?y#z").as_deref(),
            Ok("gw.example:8443")
        );
        assert_eq!(host("https://[::1%25eth0]:1/").as_deref(), Ok("[::1%25eth0]:1"));
        assert_eq!(host("urn:uuid:1").as_deref(), Ok(""));
        assert_eq!(host("/path").as_deref(), Ok(""));
        assert_eq!(
            Uri::read("HTTPS://Gw/").map(|uri| uri.text).as_deref(),
            Ok("https://Gw/")
        );
    }

    #[test]
    fn errors_read_like_those_of_go() {
        let error = |raw| host(raw).expect_err(raw);
        assert_eq!(error(":x"), "parse \":x\": missing protocol scheme");
        assert_eq!(
            error("a b:c"),
            "parse \"a b:c\": first path segment in URL cannot contain colon"
        );
        assert_eq!(
            error("x\n"),
            "parse \"x\\n\": net/url: invalid control character in URL"
        );
        assert_eq!(
            error("h://a b/"),
            "parse \"h://a b/\": invalid character \" \" in host name"
        );
        assert_eq!(error("h://a:b/"), "parse \"h://a:b/\": invalid port \":b\" after host");
        assert_eq!(error("h://[::1/"), "parse \"h://[::1/\": missing ']' in host");
        assert_eq!(
            error("h://u ser@a/"),
            "parse \"h://u ser@a/\": net/url: invalid userinfo"
        );
        assert_eq!(error("h://a/%zz"), "parse \"h://a/%zz\": invalid URL escape \"%zz\"");
        assert_eq!(error("h://a/#%4"), "parse \"h://a/#%4\": invalid URL escape \"%4\"");
    }
}
