//! Caddy's global options: what holds for its servers, and for all sites.

use super::super::{Limits, Place, Setting};
use super::token::Token;
use super::tree::{Directive, Files};

/// The options at the head of a Caddyfile.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) http_port: Option<u16>,
    pub(super) https_port: Option<u16>,
    /// Directives that plugins bring, with the directive beside which they are sorted.
    pub(super) order: Vec<(String, Order)>,
    servers: Vec<Server>,
}

/// Where a plugin's directive is put.
#[derive(Clone, Debug)]
pub(super) enum Order {
    First,
    Last,
    Before(String),
    After(String),
}

/// What holds for the servers at an address, or for all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    port: Option<u16>,
    /// `h1`, `h2`, `h2c`, `h3`, where they are written.
    pub(super) protocols: Option<(Vec<String>, Token)>,
    pub(super) proxy_protocol: Option<Token>,
    /// The headers with an underscore that are let through: since 2.11.4 Caddy drops all others.
    pub(super) underscores: Vec<String>,
    /// Without what nobody wrote.
    pub(super) limits: Limits,
}

impl Options {
    pub(super) fn new(body: &[Directive], files: &Files<'_, '_>) -> Self {
        let mut options = Self::default();
        for directive in body {
            match directive.name() {
                "http_port" => options.http_port = directive.word(1).parse().ok(),
                "https_port" => options.https_port = directive.word(1).parse().ok(),
                "order" => {
                    let order = match directive.word(2) {
                        "first" => Order::First,
                        "last" => Order::Last,
                        "before" => Order::Before(directive.word(3).to_owned()),
                        _ => Order::After(directive.word(3).to_owned()),
                    };
                    options.order.push((directive.word(1).to_owned(), order));
                }
                "servers" => options.servers.push(server(directive, files)),
                _ => {}
            }
        }
        options
    }

    /// What holds at a port: what is written for its address, or else for all.
    pub(super) fn server(&self, port: Option<u16>) -> Server {
        let own = self
            .servers
            .iter()
            .find(|server| server.port.is_some() && server.port == port);
        let found = own.or_else(|| self.servers.iter().find(|server| server.port.is_none()));
        found.cloned().unwrap_or_default()
    }
}

fn server(directive: &Directive, files: &Files<'_, '_>) -> Server {
    let mut found = Server {
        port: directive.word(1).rsplit(':').next().and_then(|port| port.parse().ok()),
        ..Server::default()
    };
    for inner in directive.inner() {
        let Some(name) = inner.words.first() else { continue };
        match inner.name() {
            "protocols" => {
                let all = inner.arguments().iter().map(|word| word.text.clone()).collect();
                found.protocols = Some((all, name.clone()));
            }
            "timeouts" => inner
                .inner()
                .iter()
                .for_each(|one| timeout(&mut found.limits, one, files)),
            "listener_wrappers" => {
                let wrapper = inner.inner().iter().find(|wrapper| wrapper.name() == "proxy_protocol");
                // Without a policy, who comes without a header is let in.
                let policy =
                    wrapper.and_then(|wrapper| wrapper.inner().iter().find(|one| one.name() == "fallback_policy"));
                let requires = policy.filter(|policy| policy.word(1).eq_ignore_ascii_case("require"));
                found.proxy_protocol = requires.and_then(|policy| policy.words.first().cloned());
            }
            "expected_underscore_headers" => {
                let names = inner.arguments().iter().map(|word| word.text.to_ascii_lowercase());
                found.underscores.extend(names);
            }
            "max_header_size" => {
                let size = inner.words.get(1).and_then(|word| Some((bytes(&word.text)?, word)));
                found.limits.header =
                    size.map(|(size, word)| Setting::written(size, "max_header_size", files.place(word)));
            }
            _ => {}
        }
    }
    found
}

/// The header of Hoop that doesn't get through, unless it is expected.
pub(super) fn dropped(expected: &[String], at: &Place) -> Option<Setting<String>> {
    let lets_through = |name: &String| match name.strip_suffix('*') {
        Some(start) => KEY_HEADER.starts_with(start),
        None => name == KEY_HEADER,
    };
    let dropped = || Setting::by_default(KEY_HEADER.to_owned(), "expected_underscore_headers", at.clone());
    (!expected.iter().any(lets_through)).then(dropped)
}

/// With which an agent authenticates a WebSocket, in lower case.
const KEY_HEADER: &str = "hoop_key";

/// `read_body` and `write` count the life of a stream, `read_body_idle` its silence; the others end none that is open.
fn timeout(limits: &mut Limits, one: &Directive, files: &Files<'_, '_>) {
    let (Some(name), Some(ms)) = (one.words.first(), duration(one.word(1))) else {
        return;
    };
    let setting = Setting::written(ms, one.name(), files.place(name));
    match one.name() {
        "read_body" | "write" if ms > 0 => limits.lifetime.push(setting),
        // Zero is written down too: it takes the place of the default.
        "read_body_idle" => limits.idle.push(setting),
        _ => {}
    }
}

/// Go's durations, and days: `1h30m`, `500ms`, `1.5d`. In milliseconds.
pub(super) fn duration(text: &str) -> Option<u64> {
    let text = text.trim_start_matches('+');
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let (number, after) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let unit_end = after
            .find(|char: char| char.is_ascii_digit() || char == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let ms = match unit {
            "ns" => 1e-6,
            "us" | "µs" | "μs" => 1e-3,
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 60e3,
            "h" => 3_600e3,
            "d" => 86_400e3,
            _ => return None,
        };
        total += number * ms;
        rest = after;
    }
    let is_whole = total.is_finite() && (0.0..1e15).contains(&total) && !text.is_empty();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1e15"
    )]
    is_whole.then_some(total as u64)
}

/// Sizes with units of ten (`MB`) and of two (`MiB`).
pub(super) fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|char: char| !char.is_ascii_digit());
    let unit = text.get(digits.len()..)?.trim().to_ascii_lowercase();
    let number: u64 = digits.trim().parse().ok()?;
    let times = match unit.as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        "t" | "tb" => 1_000_000_000_000,
        "tib" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(times)
}

#[cfg(test)]
mod tests {
    use super::{bytes, duration};

    #[test]
    fn durations_and_sizes_are_those_of_go() {
        assert_eq!(duration("1h30m"), Some(5_400_000));
        assert_eq!(duration("1.5s"), Some(1_500));
        assert_eq!(
            (
                duration("2d"),
                duration("0"),
                duration("3"),
                duration("1x"),
                duration("")
            ),
            (Some(172_800_000), Some(0), None, None, None)
        );
        assert_eq!(
            (bytes("10MB"), bytes("1MiB"), bytes("5"), bytes("1Q")),
            (Some(10_000_000), Some(1 << 20), Some(5), None)
        );
    }
}
