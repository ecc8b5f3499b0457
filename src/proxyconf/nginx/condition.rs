//! The conditions of `if`, as far as they can be followed.

use super::listen::Listen;
use super::syntax::Statement;
use crate::proxyconf::{Asks, Condition, Host};

/// What a condition comes to at a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Always,
    Never,
    When(Condition),
    /// For requests to this host.
    AtHost(Host),
    /// Where a client showed no certificate, or none that is good.
    WithoutCertificate,
}

/// How two texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Matches,
}

/// What an `if` asks for, at a listener with or without TLS; that is `None` where it can't be known.
pub(super) fn holds(statement: &Statement, listen: &Listen, tls: Option<bool>) -> Holds {
    let words: Vec<&str> = statement.args.iter().map(|word| word.text.as_str()).collect();
    let text = words.join(" ");
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let inside = inside.unwrap_or(&text).trim();
    let unknown = || {
        Holds::When(Condition {
            asks: Asks::Else(inside.to_owned()),
            not: false,
        })
    };
    let Some((variable, not, compare, value)) = parts(inside) else {
        return unknown();
    };
    let known = |value_here: &str| match (compare, (value_here == value) != not) {
        (Compare::Matches, _) => unknown(),
        (Compare::Equal, true) => Holds::Always,
        (Compare::Equal, false) => Holds::Never,
    };
    match variable {
        "request_method" => methods(value, compare).map_or_else(unknown, |methods| {
            Holds::When(Condition {
                asks: Asks::Method(methods),
                not,
            })
        }),
        "scheme" => tls.map_or_else(unknown, |tls| known(if tls { "https" } else { "http" })),
        "https" => tls.map_or_else(unknown, |tls| known(if tls { "on" } else { "" })),
        "server_port" => listen.port.map_or_else(unknown, |port| known(&port.to_string())),
        "host" | "http_host" => match (compare, not, Host::read(value)) {
            (Compare::Equal, false, Some(host @ Host::Name(_))) => Holds::AtHost(host),
            _ => unknown(),
        },
        "ssl_client_verify" if not && value.trim_matches(['^', '$']) == "SUCCESS" => Holds::WithoutCertificate,
        _ => match header(variable).zip(beginning(value, compare)) {
            // An empty value is a header that isn't there.
            Some((name, value)) => Holds::When(Condition {
                not: not != (value.is_empty() && !inside.ends_with(variable)),
                asks: Asks::Header(name, value),
            }),
            None => unknown(),
        },
    }
}

/// `$variable`, whether it asks for the contrary, how it compares, and with what. A variable alone is compared with nothing.
fn parts(text: &str) -> Option<(&str, bool, Compare, &str)> {
    let rest = text.strip_prefix('$')?;
    let rest = rest.strip_prefix('{').unwrap_or(rest);
    let length = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        .count();
    let (variable, rest) = rest.split_at_checked(length)?;
    let rest = rest.strip_prefix('}').unwrap_or(rest).trim_start();
    let operators = [
        ("!~*", true, Compare::Matches),
        ("!~", true, Compare::Matches),
        ("!=", true, Compare::Equal),
        ("~*", false, Compare::Matches),
        ("~", false, Compare::Matches),
        ("=", false, Compare::Equal),
    ];
    if rest.is_empty() {
        // Only a header can be followed this way: anything else is unknown to `holds`.
        return (header(variable).is_some()).then_some((variable, false, Compare::Matches, ""));
    }
    operators.into_iter().find_map(|(sign, not, compare)| {
        let value = rest.strip_prefix(sign)?.trim();
        (!value.contains('$') || compare == Compare::Matches).then_some((variable, not, compare, value))
    })
}

/// The header that a variable stands for. What proxies in front add isn't known: those stay unknown.
fn header(variable: &str) -> Option<String> {
    let name = match variable {
        "content_type" => "content_type",
        _ => variable.strip_prefix("http_")?,
    };
    let added = ["x_", "cf_", "forwarded", "via", "cookie", "host"];
    let is_added = added.iter().any(|start| name.starts_with(start));
    (!is_added).then(|| name.replace('_', "-"))
}

/// `POST`, or an expression that lists methods: `^(GET|HEAD)$`.
fn methods(value: &str, compare: Compare) -> Option<Vec<String>> {
    let is_method = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let listed = match compare {
        Compare::Equal => value,
        Compare::Matches => {
            let inside = value.trim_start_matches('^').trim_end_matches('$');
            inside
                .strip_prefix('(')
                .and_then(|text| text.strip_suffix(')'))
                .unwrap_or(inside)
        }
    };
    let listed: Vec<&str> = listed.split('|').collect();
    listed
        .iter()
        .all(|one| is_method(one))
        .then(|| listed.into_iter().map(str::to_owned).collect())
}

/// The text that a value has to begin with.
fn beginning(value: &str, compare: Compare) -> Option<String> {
    let value = match compare {
        Compare::Equal => return Some(value.to_owned()),
        Compare::Matches => value.trim_matches(['"', '\'']),
    };
    let plain = value
        .strip_prefix('^')
        .unwrap_or(value)
        .trim_end_matches('$')
        .replace("\\.", ".")
        .replace("\\/", "/");
    let is_plain = !plain.contains(['\\', '(', '[', '|', '*', '+', '?', '{', '^', '$']);
    is_plain.then_some(plain)
}
