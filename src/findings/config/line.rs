//! The corrected line: what to write where the value is set, with its secret hidden.

use crate::config::{Identity, Mode, Security, Source};
use crate::evidence::host_port;
use crate::findings::{Draft, Snippet};
use crate::gourl::address::{Dial, dial, server_address};
use crate::proxies::Proxy;
use crate::secret::MASK;

impl Draft {
    /// Adds the line that sets `value` at `source`; nothing where nobody sets it.
    pub(in crate::findings) fn line(mut self, source: &Source, value: &str) -> Self {
        self.remedy.snippets.extend(line(source, value));
        self
    }
}

fn line(source: &Source, value: &str) -> Option<Snippet> {
    let (language, text) = match source {
        Source::Variable(name) => ("sh", format!("{name}={value}")),
        Source::File(place) => match &place.key {
            Some(key) if ["true", "false"].contains(&value) => ("toml", format!("{key} = {value}")),
            Some(key) => ("toml", format!("{key} = \"{value}\"")),
            None => ("text", value.to_owned()),
        },
        Source::Flag(flag) => ("sh", format!("{flag} {value}")),
        Source::Default => return None,
    };
    Some(Snippet {
        proxy: Proxy::Hoop,
        language: language.to_owned(),
        text,
    })
}

/// The value that makes this identity dial `authority`: a whole key for an agent that has one.
pub(in crate::findings) fn grpc_value(identity: &Identity, security: Security, authority: &str) -> String {
    let scheme = match security {
        Security::Tls => "grpcs",
        Security::Plaintext => "grpc",
    };
    match identity.mode {
        Mode::Dsn => key(identity, scheme, authority),
        Mode::Env | Mode::ConfigFile | Mode::Local | Mode::Svid | Mode::LegacyToken | Mode::Flags => {
            format!("{scheme}://{authority}")
        }
    }
}

/// The key as it should read: the one that is there with another scheme and address, or the form of one.
fn key(identity: &Identity, scheme: &str, authority: &str) -> String {
    let shown = shown_key(identity).and_then(|shown| {
        let (_, rest) = shown.split_once("//")?;
        let (user, address) = rest.rsplit_once('@')?;
        Some((user, behind_authority(address)))
    });
    match shown {
        Some((user, behind)) => format!("{scheme}://{user}@{authority}{behind}"),
        None => format!("{scheme}://NAME:{MASK}@{authority}?mode=standard"),
    }
}

/// The agent's key as a report shows it.
pub(super) fn shown_key(identity: &Identity) -> Option<&str> {
    let set = identity
        .settings
        .iter()
        .find(|setting| setting.source == identity.source);
    set.filter(|_| identity.mode == Mode::Dsn)
        .map(|setting| setting.value.as_str())
}

fn behind_authority(address: &str) -> &str {
    let end = address.find(['/', '?', '#']).unwrap_or(address.len());
    address.get(end..).unwrap_or_default()
}

/// What was probably meant by an address that Go can't dial: host and port, which Go was asked about again.
pub(super) fn mended(address: &str) -> Option<String> {
    let (host, port) = authority(address).rsplit_once(':')?;
    dialable(host, port.parse().ok()?)
}

/// The same address with a port, where that is all that it lacks.
pub(super) fn with_port(address: &str, port: u16) -> Option<String> {
    dialable(authority(address).trim_end_matches(':'), port)
}

fn dialable(host: &str, port: u16) -> Option<String> {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let text = host_port(host, port);
    let dialled = dial(&server_address(&text).ok()?);
    matches!(dialled, Dial::Tcp { host, port: 1.., .. } if !host.is_empty()).then_some(text)
}

/// An address without what people put around it: quotes, spaces, a scheme with or without its slashes, user and path.
fn authority(address: &str) -> &str {
    let text = address.trim_matches(|char: char| char.is_whitespace() || char == '"' || char == '\'');
    let text = match text.split_once("//") {
        Some((_, rest)) => rest,
        // `https:host:443`; a host of that name would have one colon only.
        None if text.matches(':').count() == 2 => strip_scheme(text),
        None => text,
    };
    let text = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    text.split(['/', '?', '#']).next().unwrap_or_default()
}

fn strip_scheme(text: &str) -> &str {
    let schemes = ["grpc:", "grpcs:", "http:", "https:"];
    schemes
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text)
}

/// Whether TLS was meant: by the scheme that stands there, else by what Hoop does.
pub(super) fn meant(address: &str, identity: &Identity) -> Security {
    let text = address.trim_start_matches(|char: char| char.is_whitespace() || char == '"' || char == '\'');
    let scheme = text.split([':', '/']).next().unwrap_or_default().to_ascii_lowercase();
    match scheme.as_str() {
        "grpc" | "http" | "ws" | "tcp" | "h2c" => Security::Plaintext,
        "grpcs" | "https" | "wss" | "tls" | "ssl" | "tcps" | "h2" => Security::Tls,
        _ => identity.tls.as_ref().map_or(Security::Tls, |tls| tls.security),
    }
}

/// The key `grpc_url` in the file that has this source.
pub(super) fn grpc_url_beside(source: &Source) -> Source {
    let mut source = source.clone();
    if let Source::File(place) = &mut source {
        place.key = Some("grpc_url".to_owned());
    }
    source
}

/// The port that stands in an example: the one that Hoop's own documents use behind TLS, or the gateway's own.
pub(super) fn usual_port(security: Security) -> u16 {
    match security {
        Security::Tls => 8443,
        Security::Plaintext => 8010,
    }
}

#[cfg(test)]
mod tests {
    use super::{mended, with_port};

    #[test]
    fn what_people_put_around_an_address_comes_off() {
        let rows = [
            (" grpcs://gw.example:8443", Some("gw.example:8443")),
            ("grpcs//gw.example:443", Some("gw.example:443")),
            ("grpc:gw.example:8010", Some("gw.example:8010")),
            ("gw.example:8010/", Some("gw.example:8010")),
            ("'grpcs://gw.example:8443'", Some("gw.example:8443")),
            ("grpcs://::1:8443", Some("[::1]:8443")),
            ("grpc:8443", Some("grpc:8443")),
        ];
        for (address, expected) in rows {
            assert_eq!(mended(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn nothing_is_proposed_that_go_would_refuse_again() {
        for address in [
            "grpcs://gw.example:abc",
            "grpcs://gw.example:70000",
            "grpcs://gw example:443",
            ":8010",
            "gw",
        ] {
            assert_eq!(mended(address), None, "{address}");
        }
    }

    #[test]
    fn a_port_is_added_where_it_belongs() {
        assert_eq!(
            with_port("grpcs://gw.example", 8443).as_deref(),
            Some("gw.example:8443")
        );
        assert_eq!(with_port("gw.example:", 8443).as_deref(), Some("gw.example:8443"));
        assert_eq!(with_port("grpcs://[::1]/x", 8443).as_deref(), Some("[::1]:8443"));
    }
}
