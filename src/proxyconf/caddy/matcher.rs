//! Caddy's matchers: `@name` definitions, and the `/path` or `*` behind the name of a directive.

use std::collections::HashMap;

use super::super::cases::Cases;
use super::super::{Asks, Host, Path};
use super::tree::Directive;

/// The matchers that a site names.
pub(super) type Matchers = HashMap<String, Matcher>;

/// A matcher with a name.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    /// When it fits.
    pub(super) cases: Cases,
    /// The path, where it asks for one only: directives are sorted by its length.
    pub(super) path: Option<String>,
}

/// Whether requests arrive over TLS, as `protocol https` asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// The names of the matchers that Caddy has.
pub(super) const NAMES: [&str; 19] = [
    "client_ip",
    "expression",
    "file",
    "header",
    "header_regexp",
    "host",
    "method",
    "not",
    "path",
    "path_regexp",
    "protocol",
    "query",
    "remote_host",
    "remote_ip",
    "tls",
    "url_pattern",
    "vars",
    "vars_regexp",
    "maxmind_geolocation",
];

/// A definition: `@x path /a`, or a block of several that all have to fit.
pub(super) fn defined(directive: &Directive, scheme: Scheme) -> Matcher {
    let all: Vec<Directive> = match (directive.arguments(), &directive.block) {
        ([], Some(block)) => block.clone(),
        // A word in quotes by itself is an expression.
        ([only], None) if only.quoted => {
            return Matcher {
                cases: Cases::unknown(only.text.clone()),
                path: None,
            };
        }
        (_, block) => vec![Directive {
            words: directive.arguments().to_vec(),
            block: block.clone(),
        }],
    };
    let mut paths = all
        .iter()
        .filter(|one| one.name() == "path")
        .flat_map(Directive::arguments);
    Matcher {
        cases: set(&all, scheme),
        path: match (paths.next(), paths.next()) {
            (Some(only), None) => Some(only.text.clone()),
            _ => None,
        },
    }
}

/// Matchers that all have to fit; those with one name are taken together, and any of them will do.
fn set(all: &[Directive], scheme: Scheme) -> Cases {
    let mut kinds: Vec<(String, Cases)> = Vec::new();
    for one in all {
        let name = match one.name() {
            "header" => format!("header {}", one.word(1)),
            "not" => format!("not {}", kinds.len()),
            name => name.to_owned(),
        };
        let cases = matcher(one, scheme);
        match kinds.iter_mut().find(|(own, _)| *own == name) {
            Some((_, own)) => *own = own.clone().or(cases),
            None => kinds.push((name, cases)),
        }
    }
    kinds.iter().fold(Cases::always(), |all, (_, cases)| all.and(cases))
}

fn matcher(one: &Directive, scheme: Scheme) -> Cases {
    let values: Vec<&str> = one.arguments().iter().map(|word| word.text.as_str()).collect();
    let written = format!("{} {}", one.name(), values.join(" "));
    if one.words.iter().any(|word| word.varies) {
        return Cases::unknown(written);
    }
    match (one.name(), values.as_slice()) {
        ("path", []) => Cases::never(),
        ("path", [only]) => Cases::of(Asks::Path(path(only))),
        ("path", several) => Cases::of(Asks::Path(Path::Any(several.iter().map(|value| path(value)).collect()))),
        ("path_regexp", [regex] | [_, regex]) => Cases::of(Asks::Path(Path::Matches((*regex).to_owned()))),
        ("host", []) => Cases::never(),
        ("host", hosts) => match hosts.iter().map(|host| Host::read(host)).collect::<Option<Vec<Host>>>() {
            Some(hosts) => Cases::of(Asks::Host(hosts)),
            None => Cases::always(),
        },
        ("method", []) => Cases::never(),
        ("method", methods) => Cases::of(Asks::Method(
            methods.iter().map(|method| (*method).to_owned()).collect(),
        )),
        ("header", [name]) => header(name, "*", &written),
        ("header", [name, values @ ..]) => {
            let each = values.iter().map(|value| header(name, value, &written));
            each.fold(Cases::never(), Cases::or)
        }
        ("protocol", ["grpc"]) => Cases::of(Asks::Header("content-type".to_owned(), "application/grpc".to_owned())),
        ("protocol", ["https"]) => has(scheme == Scheme::Https),
        ("protocol", ["http"]) => has(scheme == Scheme::Http),
        ("not", []) => set(one.inner(), scheme).negated(),
        ("not", _) => {
            let inner = Directive {
                words: one.arguments().to_vec(),
                block: one.block.clone(),
            };
            matcher(&inner, scheme).negated()
        }
        _ => Cases::unknown(written),
    }
}

fn has(so: bool) -> Cases {
    match so {
        true => Cases::always(),
        false => Cases::never(),
    }
}

fn header(name: &str, value: &str, written: &str) -> Cases {
    if let Some(name) = name.strip_prefix('!') {
        return Cases::of(Asks::Header(name.to_ascii_lowercase(), String::new())).negated();
    }
    let start = value.strip_suffix('*').unwrap_or(value);
    match start.contains('*') {
        true => Cases::unknown(written),
        false => Cases::of(Asks::Header(name.to_ascii_lowercase(), start.to_owned())),
    }
}

/// A path, in upper or lower case as Caddy compares it: `*` at its ends stands for anything.
pub(super) fn path(value: &str) -> Path {
    let quoted = |text: &str| regex_lite::escape(text);
    let (from, inner) = match value.strip_prefix('*') {
        Some(rest) => ("", rest),
        None => ("^", value),
    };
    let (inner, to) = match inner.strip_suffix('*') {
        Some(rest) => (rest, ""),
        None => (inner, "$"),
    };
    match (from, to) {
        _ if value == "*" || value == "/*" => Path::All,
        _ if inner.contains(['*', '{', '?', '[']) => Path::Else(value.to_owned()),
        ("^", "") => Path::PrefixAnyCase(inner.to_owned()),
        ("^", _) if !inner.contains(|char: char| char.is_ascii_alphabetic()) => Path::Exact(inner.to_owned()),
        _ => Path::Matches(format!("(?i){from}{}{to}", quoted(inner))),
    }
}
