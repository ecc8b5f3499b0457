//! `RewriteRule` with the `RewriteCond` before it, as far as they are simple.

use super::super::cases::Cases;
use super::super::{Action, Asks, Guard, GuardKind, Host, Path, Place, Route};
use super::tree::{Directive, Files};
use super::upstream;

/// Rules with what they do, in order.
pub(super) struct Rule {
    pub(super) at: Place,
    pub(super) cases: Cases,
    pub(super) does: Does,
}

pub(super) enum Does {
    /// It ends here.
    Ends(Box<Route>),
    Guards(Guard),
    /// The path is another one.
    Rewrites,
}

/// How a request arrives.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) tls: bool,
    pub(super) port: Option<u16>,
}

/// The rules of a server, or of a section whose paths are `scope`.
pub(super) fn rules(body: &[&Directive], scope: &Cases, arrival: Arrival, server: upstream::Around<'_>) -> Vec<Rule> {
    let on = body
        .iter()
        .rfind(|one| one.is("RewriteEngine"))
        .is_some_and(|one| one.is_on());
    let mut found = Vec::new();
    if !on {
        return found;
    }
    let mut conditions: Vec<&Directive> = Vec::new();
    // What is done with stays out of the rules behind.
    let mut left = scope.clone();
    for one in body {
        if one.is("RewriteCond") {
            conditions.push(one);
        } else if one.is("RewriteRule") {
            let cases = when(one, &std::mem::take(&mut conditions), arrival).and(&left);
            let (rule, done) = rule(one, cases, server);
            left = left.and(&done.negated());
            found.extend(rule);
        }
    }
    found
}

fn flags(directive: &Directive) -> Vec<String> {
    let flags = directive.word(2).trim_start_matches('[').trim_end_matches(']');
    flags
        .split(',')
        .map(|flag| flag.trim().to_ascii_lowercase())
        .filter(|flag| !flag.is_empty())
        .collect()
}

fn has(flags: &[String], names: &[&str]) -> bool {
    flags
        .iter()
        .any(|flag| names.contains(&flag.split('=').next().unwrap_or_default()))
}

/// A rule, and the requests that meet none behind it.
fn rule(directive: &Directive, cases: Cases, server: upstream::Around<'_>) -> (Option<Rule>, Cases) {
    let files: &Files<'_, '_> = server.files;
    let at = files.place_of(directive);
    let flags = flags(directive);
    let to = directive.word(1);
    let rule = |cases: &Cases, does: Does| {
        Some(Rule {
            at: at.clone(),
            cases: cases.clone(),
            does,
        })
    };
    let ends = |action: Action| Does::Ends(Box::new(Route::new(at.clone(), Path::All, action)));
    // Skips and chains make rules depend on each other in ways that aren't followed.
    if has(&flags, &["c", "chain", "s", "skip", "n", "next"]) {
        return (None, Cases::never());
    }
    let status = flags
        .iter()
        .find_map(|flag| flag.strip_prefix("r=").or_else(|| flag.strip_prefix("redirect=")));
    let is_url = to.contains("://") && !to.starts_with("balancer:");
    if has(&flags, &["f", "forbidden"]) {
        let guard = Guard {
            at: at.clone(),
            kind: GuardKind::Denies,
            name: "RewriteRule [F]".to_owned(),
        };
        let certain = cases.followed();
        return (rule(&certain, Does::Guards(guard)), Cases::never());
    }
    if has(&flags, &["g", "gone"]) {
        return (rule(&cases, ends(Action::Answer(410))), Cases::never());
    }
    if has(&flags, &["p", "proxy"]) {
        let url = to.split('?').next().unwrap_or_default();
        let route = upstream::route(directive, url, files.place_word(directive, 1), &[], server);
        return (rule(&cases, Does::Ends(Box::new(route))), Cases::never());
    }
    if has(&flags, &["r", "redirect"]) || is_url {
        let refuses = status
            .and_then(|status| status.parse().ok())
            .filter(|status| !(300..400).contains(status));
        let action = match refuses {
            Some(status) => Action::Answer(status),
            None => Action::Redirect(to.to_owned()),
        };
        return (rule(&cases, ends(action)), Cases::never());
    }
    let last = has(&flags, &["l", "last", "end"]);
    match to {
        "-" if last => (None, cases.followed()),
        "-" => (None, Cases::never()),
        _ => {
            let certain = cases.followed();
            (
                rule(&certain, Does::Rewrites),
                if last { certain.clone() } else { Cases::never() },
            )
        }
    }
}

/// When a rule holds: its pattern finds something in the path, and its conditions are met.
fn when(directive: &Directive, conditions: &[&Directive], arrival: Arrival) -> Cases {
    let any_case = has(&flags(directive), &["nc", "nocase"]);
    let own = match directive.word(0) {
        _ if directive.words.iter().any(|word| word.varies) => Cases::unknown(directive.rest.clone()),
        pattern => not(pattern, |pattern| paths(pattern, any_case)),
    };
    let mut all = own;
    let mut any = Cases::never();
    for condition in conditions {
        let holds = condition_of(condition, arrival);
        any = any.or(holds);
        if !has(&flags(condition), &["or", "ornext"]) {
            all = all.and(&any);
            any = Cases::never();
        }
    }
    all
}

/// Cases for what stands behind an exclamation mark, or without one.
fn not(pattern: &str, cases: impl Fn(&str) -> Cases) -> Cases {
    match pattern.strip_prefix('!') {
        Some(pattern) => cases(pattern).negated(),
        None => cases(pattern),
    }
}

/// The paths in which a pattern finds something.
fn paths(pattern: &str, any_case: bool) -> Cases {
    match pattern {
        "" | "^" | ".*" | "^.*$" | "^.*" | "(.*)" | "^(.*)" | "^(.*)$" | "^/" | "/" | "^/(.*)" | "^/(.*)$" | "^/.*"
        | "^/?(.*)" | "^/?(.*)$" | "." => Cases::always(),
        pattern => {
            let case = if any_case { "(?i)" } else { "" };
            Cases::of(Asks::Path(Path::Matches(format!("{case}{pattern}"))))
        }
    }
}

fn condition_of(condition: &Directive, arrival: Arrival) -> Cases {
    let any_case = has(&flags(condition), &["nc", "nocase"]);
    let unknown = || Cases::unknown(condition.rest.clone());
    if condition.words.iter().any(|word| word.varies) {
        return unknown();
    }
    let pattern = condition.word(1);
    let variable = condition
        .word(0)
        .trim_start_matches("%{")
        .trim_end_matches('}')
        .to_ascii_uppercase();
    let is_test = |pattern: &str| pattern.starts_with(['-', '<', '>']);
    if is_test(pattern.trim_start_matches('!')) || !condition.word(0).starts_with("%{") {
        return unknown();
    }
    let bare = pattern.trim_start_matches('!');
    let sure = |so: bool| if so { Cases::always() } else { Cases::never() };
    match variable.as_str() {
        "REQUEST_URI" | "THE_REQUEST_URI" => not(pattern, |pattern| match pattern.strip_prefix('=') {
            Some(path) => Cases::of(Asks::Path(Path::Exact(path.to_owned()))),
            None => paths(pattern, any_case),
        }),
        "REQUEST_METHOD" => match alternatives(bare) {
            Some(methods) => not(pattern, |_| Cases::of(Asks::Method(methods.clone()))),
            None => unknown(),
        },
        "HTTPS" => match bare.trim_matches(['^', '$', '=']).to_ascii_lowercase().as_str() {
            "on" => not(pattern, |_| sure(arrival.tls)),
            "off" => not(pattern, |_| sure(!arrival.tls)),
            _ => unknown(),
        },
        "REQUEST_SCHEME" => match bare.trim_matches(['^', '$', '=']) {
            "https" => not(pattern, |_| sure(arrival.tls)),
            "http" => not(pattern, |_| sure(!arrival.tls)),
            _ => unknown(),
        },
        "SERVER_PORT" => match (bare.trim_matches(['^', '$', '=']).parse::<u16>(), arrival.port) {
            (Ok(port), Some(own)) => not(pattern, |_| sure(port == own)),
            _ => unknown(),
        },
        "HTTP_HOST" | "SERVER_NAME" => match alternatives(bare) {
            Some(hosts) if bare.starts_with(['^', '=']) => {
                let hosts: Vec<Host> = hosts.iter().map(|host| Host::Name(host.to_ascii_lowercase())).collect();
                not(pattern, |_| Cases::of(Asks::Host(hosts.clone())))
            }
            _ => unknown(),
        },
        "HTTP_USER_AGENT" => header("user-agent", pattern),
        "HTTP_ORIGIN" => header("origin", pattern),
        name => match name.strip_prefix("HTTP:") {
            Some(name) => header(&name.to_ascii_lowercase(), pattern),
            None => unknown(),
        },
    }
}

/// A header that begins with a plain pattern. Without an anchor it could stand anywhere, and is followed for what is
/// the beginning of a value by its nature.
fn header(name: &str, pattern: &str) -> Cases {
    let bare = pattern.trim_start_matches('!');
    let anchored = bare.starts_with('^') || bare.starts_with('=');
    let begins = matches!(name, "upgrade" | "connection")
        || ["Mozilla", "application/"].iter().any(|start| bare.starts_with(start));
    match alternatives(bare) {
        Some(values) if anchored || begins => {
            let value = |value: &String| match name {
                // Both cases are in use, and Apache's patterns mean either.
                "upgrade" => value.to_ascii_lowercase(),
                _ => value.clone(),
            };
            let each = values
                .iter()
                .map(|one| Cases::of(Asks::Header(name.to_owned(), value(one))));
            let any = each.fold(Cases::never(), Cases::or);
            not(pattern, |_| any.clone())
        }
        None if matches!(bare, "." | ".+" | "^.+" | "^.+$") => {
            not(pattern, |_| Cases::of(Asks::Header(name.to_owned(), String::new())))
        }
        _ => Cases::unknown(format!("{name} {pattern}")),
    }
}

/// The plain words of `^(GET|HEAD)$`; none of anything that is more of an expression.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let inner = pattern.trim_start_matches(['^', '=']);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    let inner = match inner.strip_prefix('(') {
        Some(rest) => rest.strip_prefix("?:").unwrap_or(rest).strip_suffix(')')?,
        None => inner,
    };
    let words: Option<Vec<String>> = inner
        .split('|')
        .map(|word| {
            let plain = word.replace("\\.", ".").replace("\\/", "/").replace("\\-", "-");
            // An unescaped dot stands for any character, and people mean a dot.
            let is_plain =
                !plain.is_empty() && !plain.contains(['\\', '(', ')', '[', ']', '*', '+', '?', '^', '$', '{', '%']);
            is_plain.then_some(plain)
        })
        .collect();
    words.filter(|words| !words.is_empty())
}
