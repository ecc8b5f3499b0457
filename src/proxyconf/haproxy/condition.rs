//! HAProxy's conditions: `acl` lines, and what stands behind `if` and `unless`.

use super::super::cases::Cases;
use super::super::{Asks, Host, Path};
use super::line::{Line, Word};

/// What conditions are judged by: the ACLs of the section, and how the request arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    /// The lines of the section in which the condition stands.
    pub(super) lines: &'a [&'a Line],
    /// The port of the listener.
    pub(super) port: Option<u16>,
    /// Whether the listener ends TLS.
    pub(super) tls: bool,
}

/// ACLs that need no definition.
pub(super) const PREDEFINED: [&str; 24] = [
    "FALSE",
    "HTTP",
    "HTTP_1.0",
    "HTTP_1.1",
    "HTTP_2.0",
    "HTTP_3.0",
    "HTTP_CONTENT",
    "HTTP_URL_ABS",
    "HTTP_URL_SLASH",
    "HTTP_URL_STAR",
    "LOCALHOST",
    "METH_CONNECT",
    "METH_DELETE",
    "METH_GET",
    "METH_HEAD",
    "METH_OPTIONS",
    "METH_PATCH",
    "METH_POST",
    "METH_PUT",
    "METH_TRACE",
    "RDP_COOKIE",
    "REQ_CONTENT",
    "TRUE",
    "WAIT_END",
];

/// What stands between alternatives; "and" has no word.
const OR: [&str; 2] = ["||", "or"];

/// The words of a rule before its condition, and when it holds.
pub(super) fn split<'w>(words: &'w [Word], arrival: Arrival<'_>) -> (&'w [Word], Cases) {
    let Some(at) = words
        .iter()
        .position(|word| matches!(word.text.as_str(), "if" | "unless"))
    else {
        return (words, Cases::always());
    };
    let (before, rest) = words.split_at(at);
    let holds = condition(rest.get(1..).unwrap_or_default(), arrival);
    match rest.first() {
        Some(word) if word.text == "unless" => (before, holds.negated()),
        _ => (before, holds),
    }
}

/// `a b || !c { path /x }`.
fn condition(words: &[Word], arrival: Arrival<'_>) -> Cases {
    let mut any = Cases::never();
    let mut all = Cases::always();
    let mut rest = words;
    let mut not = false;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        let mut text = word.text.as_str();
        if OR.contains(&text) {
            any = any.or(std::mem::replace(&mut all, Cases::always()));
            continue;
        }
        while let Some(shorter) = text.strip_prefix('!') {
            (text, not) = (shorter, !not);
        }
        let term = match text {
            "" => continue,
            "{" => {
                let end = rest.iter().position(|word| word.text == "}").unwrap_or(rest.len());
                let (inner, after) = rest.split_at(end);
                rest = after.get(1..).unwrap_or_default();
                expression(inner, arrival)
            }
            name => named(name, arrival),
        };
        all = all.and(&match not {
            true => term.negated(),
            false => term,
        });
        not = false;
    }
    any.or(all)
}

/// An ACL by name: one of its definitions holds.
fn named(name: &str, arrival: Arrival<'_>) -> Cases {
    let own = arrival.lines.iter().filter(|line| line.says(&["acl", name]));
    let all: Vec<Cases> = own.map(|line| expression(line.from(2), arrival)).collect();
    if !all.is_empty() {
        return all.into_iter().fold(Cases::never(), Cases::or);
    }
    match (name, name.strip_prefix("METH_")) {
        ("TRUE" | "HTTP" | "WAIT_END" | "REQ_CONTENT", _) => Cases::always(),
        ("FALSE" | "RDP_COOKIE" | "HTTP_URL_STAR" | "HTTP_3.0", _) => Cases::never(),
        (_, Some(method)) => Cases::of(Asks::Method(vec![method.to_owned()])),
        _ => Cases::unknown(name),
    }
}

/// What an expression looks at and how it compares.
#[derive(Debug)]
struct Fetch<'a> {
    name: &'a str,
    argument: &'a str,
    converters: Vec<&'a str>,
    method: &'a str,
    any_case: bool,
}

/// `path_beg -i /x /y`.
fn expression(words: &[Word], arrival: Arrival<'_>) -> Cases {
    let written: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let written = written.join(" ");
    let unknown = || Cases::unknown(written.clone());
    let Some((head, rest)) = words.split_first() else {
        return unknown();
    };
    let mut fetch = head_of(&head.text);
    let mut values: Vec<&str> = Vec::new();
    let mut rest = rest.iter();
    let mut flags = true;
    while let Some(word) = rest.next() {
        match word.text.as_str() {
            _ if word.varies => return unknown(),
            "-i" if flags => fetch.any_case = true,
            "-n" if flags => {}
            "-m" if flags => fetch.method = rest.next().map_or("", |word| word.text.as_str()),
            "-f" | "-M" | "-u" if flags => return unknown(),
            "--" if flags => flags = false,
            value => {
                flags = false;
                values.push(value);
            }
        }
    }
    fetch.any_case |= fetch.converters.contains(&"lower");
    let known = [
        "lower",
        "host_only",
        "url_dec",
        "field(1,:)",
        "field(1,\\:)",
        "word(1,:)",
    ];
    if head.varies || fetch.converters.iter().any(|one| !known.contains(one)) {
        return unknown();
    }
    let any = |of: &dyn Fn(&str) -> Option<Cases>| {
        let each: Option<Vec<Cases>> = values.iter().map(|value| of(value)).collect();
        each.map_or_else(unknown, |each| each.into_iter().fold(Cases::never(), Cases::or))
    };
    match fetch.name {
        "path" | "pathq" if fetch.method == "found" => Cases::always(),
        "path" | "pathq" => {
            let paths: Option<Vec<Path>> = values.iter().map(|value| path(&fetch, value)).collect();
            paths.map_or_else(unknown, |mut paths| match paths.len() {
                0 => Cases::never(),
                1 => Cases::of(Asks::Path(paths.remove(0))),
                _ => Cases::of(Asks::Path(Path::Any(paths))),
            })
        }
        "req.hdr" if fetch.argument.eq_ignore_ascii_case("host") && fetch.method != "found" => {
            let hosts: Vec<Host> = values
                .iter()
                .flat_map(|value| sent_host(&fetch, value, arrival))
                .collect();
            match hosts.is_empty() {
                true => Cases::of(Asks::Never(written)),
                false => Cases::of(Asks::Host(hosts)),
            }
        }
        "ssl_fc_sni" | "req.ssl_sni" if fetch.method != "found" && !values.is_empty() => {
            let hosts = values.iter().flat_map(|value| host(&fetch, value)).collect();
            Cases::of(Asks::Host(hosts))
        }
        "req.hdr" if !fetch.argument.is_empty() && !fetch.argument.contains(',') => {
            let name = fetch.argument.to_ascii_lowercase();
            match fetch.method {
                "found" => Cases::of(Asks::Header(name, String::new())),
                "str" | "beg" => any(&|value| Some(Cases::of(Asks::Header(name.clone(), value.to_owned())))),
                _ => unknown(),
            }
        }
        "method" if fetch.method == "str" && !values.is_empty() => {
            Cases::of(Asks::Method(values.iter().map(|value| (*value).to_owned()).collect()))
        }
        "ssl_fc" if values.is_empty() => match arrival.tls {
            true => Cases::always(),
            false => Cases::never(),
        },
        "dst_port" if arrival.port.is_some() => any(&|value| match value.parse() {
            Ok(port) if arrival.port == Some(port) => Some(Cases::always()),
            Ok(_) => Some(Cases::never()),
            Err(_) => None,
        }),
        "always_true" => Cases::always(),
        // Neither HTTP credentials nor a certificate of a client is anything that Hoop has.
        "always_false" | "http_auth" | "http_auth_group" | "ssl_fc_has_crt" | "ssl_c_used" => Cases::never(),
        _ => unknown(),
    }
}

/// `hdr_beg(host),lower`: aliases have their comparison in the name.
fn head_of(head: &str) -> Fetch<'_> {
    let (name, rest) = match head.find(['(', ',']) {
        Some(at) => head.split_at(at),
        None => (head, ""),
    };
    let (argument, rest) = match rest.strip_prefix('(') {
        Some(inner) => inner.split_once(')').unwrap_or((inner, "")),
        None => ("", rest),
    };
    let (name, method) = match name.rsplit_once('_') {
        Some((base, method @ ("beg" | "dir" | "dom" | "end" | "len" | "reg" | "sub"))) => (base, method),
        _ => (name, "str"),
    };
    let name = match name {
        "hdr" | "req.fhdr" => "req.hdr",
        "req_ssl_sni" => "req.ssl_sni",
        name => name,
    };
    let converters = converters(rest);
    Fetch {
        name,
        argument,
        converters,
        method,
        any_case: false,
    }
}

/// `,lower,field(1,:)`.
fn converters(mut rest: &str) -> Vec<&str> {
    let mut found = Vec::new();
    while let Some(next) = rest.strip_prefix(',') {
        let comma = next.find(',').unwrap_or(next.len());
        let end = match next.find('(') {
            Some(open) if open < comma => next.find(')').map_or(next.len(), |close| close + 1),
            _ => comma,
        };
        let (one, after) = next.split_at(end);
        found.push(one);
        rest = after;
    }
    found
}

fn path(fetch: &Fetch<'_>, value: &str) -> Option<Path> {
    let plain = || value.to_owned();
    let case = if fetch.any_case { "(?i)" } else { "" };
    let quoted = regex_lite::escape(value);
    Some(match (fetch.method, fetch.any_case) {
        ("str", false) => Path::Exact(plain()),
        ("str", true) => Path::Matches(format!("(?i)^{quoted}$")),
        ("beg", false) => Path::Prefix(plain()),
        ("beg", true) => Path::PrefixAnyCase(plain()),
        ("reg", _) => Path::Matches(format!("{case}{value}")),
        ("end", _) => Path::Matches(format!("{case}{quoted}$")),
        ("sub", _) => Path::Matches(format!("{case}{quoted}")),
        ("dir", _) => {
            let inner = regex_lite::escape(value.trim_matches('/'));
            Path::Matches(format!("{case}(^|/){inner}(/|$)"))
        }
        _ => return None,
    })
}

/// The hosts whose `Host` header is like this. Clients name the port there, unless it is the default one of the scheme.
fn sent_host(fetch: &Fetch<'_>, value: &str, arrival: Arrival<'_>) -> Vec<Host> {
    let cut = fetch
        .converters
        .iter()
        .any(|one| one.starts_with("field") || *one == "host_only" || one.starts_with("word"));
    let default = if arrival.tls { 443 } else { 80 };
    let (name, port) = match value.rsplit_once(':') {
        Some((name, port)) => (name, port.parse::<u16>().ok()),
        None => (value, None),
    };
    match (fetch.method, arrival.port, port) {
        ("dom" | "reg" | "sub" | "beg", _, _) => host(fetch, name),
        (_, None, _) => host(fetch, name),
        (_, Some(own), None) if cut || own == default => host(fetch, name),
        (_, Some(own), Some(port)) if own == port && !cut => host(fetch, name),
        (_, Some(_), _) => Vec::new(),
    }
}

fn host(fetch: &Fetch<'_>, value: &str) -> Vec<Host> {
    let value = value.to_ascii_lowercase();
    match fetch.method {
        "str" => vec![Host::Name(value)],
        "end" if value.starts_with('.') => vec![Host::Below(value)],
        // With fewer labels it could be any part of a name.
        "dom" if value.contains('.') => vec![Host::Name(value.clone()), Host::Below(format!(".{value}"))],
        method => vec![Host::Else(format!("{method} {value}"))],
    }
}

/// Whether what is asked for counts: requests in a time, connections, entries of a table.
pub(super) fn counts(asks: &Asks) -> bool {
    let Asks::Else(written) = asks else { return false };
    let head = written.split(['(', ',', ' ']).next().unwrap_or_default();
    let counters = ["sc", "src_", "table_", "fe_", "be_", "sess_rate", "http_req_rate"];
    counters.iter().any(|start| head.starts_with(start)) && head != "src_port" && head != "src_is_local"
}
