//! Which forward proxy Go goes through: `golang.org/x/net/http/httpproxy`, and where net/http and grpc-go then dial.
//!
//! Both ask the same rules, net/http with the URL it is about to fetch, grpc-go always with `https` and its target. Names
//! that aren't ASCII are compared as they are written, where Go would compare their Punycode.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::address::{Dial, Target, dial_dns, split_host_port};
use super::{User, ip, parse};
use crate::secret::Secret;

/// What the variables say, read once.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<Exception>,
    cgi: bool,
}

/// A forward proxy as a variable names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Lower-cased.
    pub scheme: String,
    /// Host and, where one is written, port.
    pub host: String,
    /// What `Proxy-Authorization: Basic` is followed by, where the URL has user information.
    pub login: Option<Secret>,
}

/// Go's refusal to use `HTTP_PROXY` where `REQUEST_METHOD` is set: a CGI program's client could have sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedInCgi;

impl fmt::Display for RefusedInCgi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy")
    }
}

/// The values of the variables; an empty one is an unset one.
#[derive(Clone, Copy, Default)]
pub struct Variables<'a> {
    /// `http_proxy`, else `HTTP_PROXY`.
    pub http: &'a str,
    /// `https_proxy`, else `HTTPS_PROXY`.
    pub https: &'a str,
    /// `no_proxy`, else `NO_PROXY`.
    pub no: &'a str,
    /// Whether `REQUEST_METHOD` is set.
    pub cgi: bool,
}

impl Proxies {
    /// Reads the variables. Go says nothing about what it can't read in them.
    pub fn new(variables: Variables<'_>) -> Self {
        Self {
            http: Proxy::read(variables.http),
            https: Proxy::read(variables.https),
            exceptions: exceptions(variables.no),
            cgi: variables.cgi,
        }
    }

    /// The proxy for an `https` URL with this host and port, and for everything that grpc-go dials.
    pub fn for_https(&self, host: &str) -> Option<&Proxy> {
        self.https.as_ref().filter(|_| self.is_proxied(host, "443"))
    }

    /// The proxy for an `http` URL with this host and port.
    ///
    /// # Errors
    /// In a CGI program, for whatever URL: Go refuses before it looks at the exceptions.
    pub fn for_http(&self, host: &str) -> Result<Option<&Proxy>, RefusedInCgi> {
        match &self.http {
            Some(_) if self.cgi => Err(RefusedInCgi),
            proxy => Ok(proxy.as_ref().filter(|_| self.is_proxied(host, "80"))),
        }
    }

    fn is_proxied(&self, host: &str, default_port: &str) -> bool {
        let (name, port) = split_optional_port(host);
        let port = if port.is_empty() { default_port } else { port };
        // Go joins the two and parts them again, which some names don't survive.
        let joined = match name.contains(':') {
            true => format!("[{name}]:{port}"),
            false => format!("{name}:{port}"),
        };
        let Ok((name, port)) = split_host_port(&joined) else {
            return false;
        };
        // As written: `LOCALHOST` is a name like any other.
        if name == "localhost" {
            return false;
        }
        let ip = address(name);
        if ip.is_some_and(|ip| ip.is_loopback()) {
            return false;
        }
        let name = name.trim().to_lowercase();
        !self
            .exceptions
            .iter()
            .any(|exception| exception.covers(&name, port, ip))
    }
}

impl Proxy {
    /// Without a scheme, or without a host behind it, the text is read once more behind `http://`.
    fn read(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let behind_http = format!("http://{text}");
        let url = match parse(text) {
            Ok(url) if !url.scheme.is_empty() && !url.host.is_empty() => url,
            Ok(url) => parse(&behind_http).unwrap_or(url),
            Err(_) => parse(&behind_http).ok()?,
        };
        Some(Self {
            scheme: url.scheme.clone().into_owned(),
            host: String::from_utf8_lossy(&url.host).into_owned(),
            login: url.user.as_ref().map(login),
        })
    }

    /// Where grpc-go dials it: through its `dns` resolver, whose default port is 443 whatever the scheme.
    pub fn dialled_by_grpc(&self) -> Option<(String, u16)> {
        match dial_dns(&self.host, &Target::of_url(self.host.as_bytes())) {
            Dial::Tcp { host, port, .. } => Some((host, port)),
            Dial::Unix | Dial::Refused(_) => None,
        }
    }

    /// Where net/http dials it: a port that isn't written is that of the scheme.
    pub fn dialled_by_http(&self) -> Option<(String, u16)> {
        let (host, port) = split_optional_port(&self.host);
        let port = match (port, &*self.scheme) {
            ("", "http") => 80,
            ("", "https") => 443,
            ("", "socks5" | "socks5h") => 1080,
            (port, _) => port.parse().ok()?,
        };
        Some((host.to_owned(), port))
    }
}

fn login(user: &User<'_>) -> Secret {
    let password = user.password.as_deref().unwrap_or_default();
    Secret::new(STANDARD.encode([&user.name, b":".as_slice(), password].concat()))
}

/// Go's `URL.Hostname` and `URL.Port`: a port is digits or nothing, and brackets are not part of a name.
fn split_optional_port(host: &str) -> (&str, &str) {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
        _ => (host, ""),
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    (bare.unwrap_or(name), port)
}

/// An address with or without a zone, IPv4 in IPv6 as IPv4.
fn address(text: &str) -> Option<IpAddr> {
    ip::parse(text.as_bytes()).ok()?;
    let bare = text.split('%').next()?;
    bare.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

/// An address as Go's `net.ParseIP` and `net.ParseCIDR` read it.
fn address_without_zone(text: &str) -> Option<IpAddr> {
    ip::parse(text.as_bytes()).ok()?;
    text.parse().ok()
}

/// One entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    /// `*`
    All,
    /// `10.0.0.0/8`
    Net { base: IpAddr, mask: IpAddr },
    /// `10.0.0.1`, `10.0.0.1:8443`
    Address { ip: IpAddr, port: String },
    /// `example.com`, `.example.com`, each with or without a port.
    Domain {
        /// With a dot in front.
        suffix: String,
        port: String,
        /// Whether the domain itself is meant too, or only what is below it.
        itself: bool,
    },
}

fn exceptions(text: &str) -> Vec<Exception> {
    let mut exceptions = Vec::new();
    for entry in text.split(',') {
        match Exception::read(&entry.trim().to_lowercase()) {
            // Nothing before or after it matters any more.
            Some(Exception::All) => return vec![Exception::All],
            exception => exceptions.extend(exception),
        }
    }
    exceptions
}

impl Exception {
    fn read(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self::All);
        }
        if let Some(net) = net(entry) {
            return Some(net);
        }
        let (host, port) = split_host_port(entry).unwrap_or((entry, ""));
        if host.is_empty() {
            return None;
        }
        let port = port.to_owned();
        if let Some(ip) = address_without_zone(host) {
            let ip = ip.to_canonical();
            return Some(Self::Address { ip, port });
        }
        let host = if host.starts_with("*.") { &host[1..] } else { host };
        let (suffix, itself) = match host.starts_with('.') {
            true => (host.to_owned(), false),
            false => (format!(".{host}"), true),
        };
        Some(Self::Domain { suffix, port, itself })
    }

    fn covers(&self, name: &str, port: &str, ip: Option<IpAddr>) -> bool {
        let same_port = |wanted: &str| wanted.is_empty() || wanted == port;
        match (self, ip) {
            (Self::All, _) => true,
            (Self::Net { base, mask }, Some(ip)) => masked(ip, *mask).is_some_and(|masked| masked == *base),
            (Self::Address { ip: own, port }, Some(ip)) => *own == ip && same_port(port),
            // A name of digits and dots is an address, which no domain covers.
            (Self::Domain { .. }, Some(_)) | (Self::Net { .. } | Self::Address { .. }, None) => false,
            (Self::Domain { suffix, port, itself }, None) => {
                let own = *itself && suffix.get(1..) == Some(name);
                (own || name.ends_with(suffix.as_str())) && same_port(port)
            }
        }
    }
}

/// Go's `net.ParseCIDR`, and `IPNet.Contains` as far as it looks at the net.
fn net(entry: &str) -> Option<Exception> {
    let (base, bits) = entry.split_once('/')?;
    let base = address_without_zone(base)?;
    let width: u8 = if base.is_ipv4() { 32 } else { 128 };
    let digits = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    let bits = digits
        .then(|| bits.parse().ok())
        .flatten()
        .filter(|bits| *bits <= width)?;
    let mask = match base {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(ones(128 - 32 + bits) as u32)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(ones(bits))),
    };
    let base = masked(base, mask)?;
    // A net of IPv4 in IPv6 is one of IPv4, as long as its mask leaves the prefix.
    let (base, mask) = match (base.to_canonical(), mask) {
        (v4 @ IpAddr::V4(_), IpAddr::V6(mask)) => (v4, IpAddr::V4(Ipv4Addr::from_bits(mask.to_bits() as u32))),
        (base, mask) => (base, mask),
    };
    Some(Exception::Net { base, mask })
}

/// So many ones, then zeros.
fn ones(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

fn masked(ip: IpAddr, mask: IpAddr) -> Option<IpAddr> {
    match (ip, mask) {
        (IpAddr::V4(ip), IpAddr::V4(mask)) => Some(IpAddr::V4(ip & mask)),
        (IpAddr::V6(ip), IpAddr::V6(mask)) => Some(IpAddr::V6(ip & mask)),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Proxies, Proxy, RefusedInCgi, Variables};

    /// Whether grpc-go goes through a proxy to this target.
    fn check(no: &str, rows: &[(&str, bool)]) {
        let variables = Variables {
            https: "http://proxy:3128",
            no,
            ..Variables::default()
        };
        let proxies = Proxies::new(variables);
        for (target, proxied) in rows {
            assert_eq!(proxies.for_https(target).is_some(), *proxied, "{target} with {no:?}");
        }
    }

    #[test]
    fn this_machine_is_never_behind_a_proxy() {
        check(
            "",
            &[
                ("localhost:8010", false),
                ("127.9.9.9:8010", false),
                ("[::1]:8010", false),
                ("[::ffff:127.0.0.1]:8010", false),
                // Go's rule, however odd: the name in capitals, and the address that means all of them.
                ("LOCALHOST:8010", true),
                ("0.0.0.0:8010", true),
                ("gw.example:8010", true),
            ],
        );
    }

    #[test]
    fn an_exception_covers_names_ports_and_nets() {
        check(
            " GW.example , .below.test:8443, 10.0.0.0/8,192.0.2.1:8010",
            &[
                ("gw.example:8010", false),
                ("a.gw.example", false),
                ("nogw.example:1", true),
                ("below.test:8443", true),
                ("a.below.test:8443", false),
                ("a.below.test:443", true),
                ("10.200.0.1:1", false),
                ("[::ffff:10.0.0.1]:1", false),
                ("192.0.2.1:8010", false),
                ("192.0.2.1:8011", true),
            ],
        );
        check("a,*,b", &[("gw.example:8010", false), ("192.0.2.1:1", false)]);
        check("*.gw.example", &[("gw.example:1", true), ("a.gw.example:1", false)]);
    }

    #[test]
    fn a_proxy_without_a_port_is_at_443_for_grpc_and_at_its_schemes_for_rest() {
        let rows = [
            ("proxy", 443, Some(80)),
            ("http://proxy", 443, Some(80)),
            ("https://proxy", 443, Some(443)),
            ("socks5://proxy", 443, Some(1080)),
            ("proxy:3128", 3128, Some(3128)),
        ];
        for (text, grpc, rest) in rows {
            let proxy = Proxy::read(text).expect("Go reads it");
            assert_eq!(proxy.dialled_by_grpc(), Some(("proxy".to_owned(), grpc)), "{text}");
            assert_eq!(proxy.dialled_by_http().map(|(_, port)| port), rest, "{text}");
        }
    }

    #[test]
    fn a_login_is_decoded_and_hidden() {
        let proxy = Proxy::read("http://us%40er:pa%3Ass@proxy:3128").expect("Go reads it");
        let login = proxy.login.as_ref().expect("there is user information");
        assert_eq!(login.expose(), "dXNAZXI6cGE6c3M=");
        assert!(!format!("{proxy:?}").contains("dXNAZXI6"), "{proxy:?}");
    }

    #[test]
    fn a_cgi_program_uses_no_http_proxy() {
        let variables = Variables {
            http: "proxy",
            https: "proxy",
            cgi: true,
            ..Variables::default()
        };
        let proxies = Proxies::new(variables);
        assert_eq!(proxies.for_http("127.0.0.1"), Err(RefusedInCgi));
        assert!(proxies.for_https("gw.example:8010").is_some());
    }
}
