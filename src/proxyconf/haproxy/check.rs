//! What `haproxy -c` refuses, at the line that it names. What a newer version may know is no problem.

use std::collections::HashMap;

use super::super::Problem;
use super::super::source::Text;
use super::condition::PREDEFINED;
use super::keywords::{Kind as Words, is_known, words};
use super::line::{Line, Word};
use super::{Kind, Section, time};
use crate::config::file::edits;

/// Of a file that is none of HAProxy's, no more lines are named.
const MOST: usize = 50;
/// No word that is known is longer.
const LONGEST: usize = 60;

/// What is wrong with a line: the word, and why.
struct Wrong {
    word: usize,
    what: String,
    /// Whether HAProxy stops reading there.
    stops: bool,
}

fn wrong(word: usize, what: impl Into<String>) -> Option<Wrong> {
    Some(Wrong {
        word,
        what: what.into(),
        stops: false,
    })
}

/// Looks at each line by itself, as HAProxy does while it reads.
pub(super) fn lines(lines: &[Line], text: &Text, problems: &mut Vec<Problem>) {
    let mut section: Option<(Kind, bool)> = None;
    let mut acls: Vec<&str> = Vec::new();
    let mut heads: HashMap<(bool, &str), usize> = HashMap::new();
    let mut found: Vec<Problem> = Vec::new();
    for line in lines {
        let mistake = match Kind::of(line) {
            Some(kind) => {
                section = Some((kind, line.words.len() > 1));
                acls.clear();
                self::head(kind, line, text, &mut heads)
            }
            None => match section {
                None => wrong(0, format!("unknown keyword '{}' out of section", line.word(0))),
                Some((Kind::Other, _)) => None,
                Some((Kind::Global, _)) => global(line),
                Some((kind, named)) => proxy(kind, named, line, &mut acls),
            },
        };
        let Some(mistake) = mistake else { continue };
        let at = line.place(text, mistake.word);
        found.push(Problem {
            at,
            what: mistake.what,
            starts: false,
        });
        if mistake.stops || found.len() == MOST {
            break;
        }
    }
    if !text.content.is_empty() && !text.content.ends_with('\n') && problems.is_empty() && found.is_empty() {
        let last = text.lines();
        found.push(Problem {
            at: text.place_at(last, text.line(last).chars().count().max(1)),
            what: "the last line has no end: the file may be cut off".to_owned(),
            starts: false,
        });
    }
    problems.extend(found);
    problems.sort_by_key(|problem| problem.at.line);
}

fn head<'a>(kind: Kind, line: &'a Line, text: &Text, heads: &mut HashMap<(bool, &'a str), usize>) -> Option<Wrong> {
    let name = line.word(1);
    let keyword = line.word(0);
    if matches!(kind, Kind::Global | Kind::Other) {
        return None;
    }
    if name.is_empty() && kind != Kind::Defaults {
        return wrong(0, format!("'{keyword}' expects an <id> argument"));
    }
    let valid = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.' | ':');
    if let Some(char) = name.chars().find(|char| !valid(*char)) {
        return wrong(
            1,
            format!("character '{char}' is not permitted in '{keyword}' name '{name}'"),
        );
    }
    let rest = if name == "from" && kind == Kind::Defaults {
        line.from(1)
    } else {
        line.from(2)
    };
    match rest {
        [] => {}
        [from, _] if from.text == "from" => {}
        [from] if from.text == "from" => return wrong(0, "'from' expects the name of a 'defaults' section"),
        _ => return wrong(2, "only 'from' may follow the name of a section"),
    }
    let sides: &[bool] = match kind {
        Kind::Frontend => &[true],
        Kind::Backend => &[false],
        Kind::Listen => &[true, false],
        _ => &[],
    };
    let own = text.place(line.words.first().map_or(0, |word| word.at)).line;
    for side in sides {
        if let Some(other) = heads.insert((*side, name), own) {
            return wrong(
                1,
                format!("{keyword} '{name}' has the same name as one at line {other}"),
            );
        }
    }
    None
}

fn global(line: &Line) -> Option<Wrong> {
    let word = line.word(0);
    if word.starts_with("tune.")
        || is_known(Words::Global, word)
        || word.starts_with("no") && is_known(Words::Global, line.word(1))
    {
        let takes_number = matches!(
            word,
            "maxconn" | "nbthread" | "tune.h2.max-concurrent-streams" | "tune.bufsize"
        );
        if takes_number && line.words.len() < 2 {
            return wrong(0, format!("'{word}' expects an integer argument"));
        }
        return match word {
            "daemon" | "quiet" | "noepoll" | "nopoll" | "busy-polling" => most(line, 0),
            "nbthread" if line.word(1).parse::<u64>().map_or(true, |threads| threads == 0) => wrong(
                1,
                format!("'nbthread' expects a number of threads (was {})", line.word(1)),
            ),
            _ => None,
        };
    }
    wrong(
        0,
        format!(
            "unknown keyword '{word}' in 'global' section{}",
            meant(word, Words::Global)
        ),
    )
}

/// A line of `defaults`, `frontend`, `backend` or `listen`.
fn proxy<'a>(kind: Kind, named: bool, line: &'a Line, acls: &mut Vec<&'a str>) -> Option<Wrong> {
    let section = match kind {
        Kind::Frontend => "frontend",
        Kind::Backend => "backend",
        Kind::Listen => "listen",
        Kind::Defaults | Kind::Global | Kind::Other => "defaults",
    };
    let word = line.word(0);
    if !is_known(Words::Proxy, word) {
        let negated = word == "default";
        return (!negated)
            .then(|| {
                wrong(
                    0,
                    format!(
                        "unknown keyword '{word}' in '{section}' section{}",
                        meant(word, Words::Proxy)
                    ),
                )
            })
            .flatten();
    }
    let not_here = || wrong(0, format!("'{word}' not allowed in '{section}' section"));
    match word {
        "bind" if kind == Kind::Defaults => not_here(),
        "server" | "server-template" if !matches!(kind, Kind::Backend | Kind::Listen) => not_here(),
        "default-server" if kind == Kind::Frontend => not_here(),
        "acl" | "use_backend" | "http-request" if kind == Kind::Defaults && !(named && word != "use_backend") => {
            not_here()
        }
        "bind" => bind(line, section),
        "server" | "default-server" => server(line),
        "mode" => mode(line),
        "timeout" => timeout(line),
        "option" => option(line),
        "no" => match line.word(1) {
            "option" | "log" => None,
            _ => wrong(1, "negation/default currently supported only for options and log"),
        },
        "acl" => acl(line, acls),
        "use_backend" => {
            if line.words.len() < 2 {
                return wrong(0, "'use_backend' expects a backend name");
            }
            match line.words.get(2) {
                None => None,
                Some(next) if matches!(next.text.as_str(), "if" | "unless") => condition(line, acls),
                Some(next) => wrong(
                    2,
                    format!(
                        "unexpected keyword '{}' after the switching rule, only 'if' and 'unless' are allowed",
                        next.text
                    ),
                ),
            }
        }
        "default_backend" if line.words.len() < 2 => wrong(0, "'default_backend' expects a backend name"),
        "default_backend" => most(line, 1),
        "retries" if line.word(1).is_empty() => {
            wrong(0, "'retries' expects an integer argument (dispatch counts for one)")
        }
        "balance" => balance(line),
        "retry-on" => retry_on(line),
        "http-request" => http_request(line, acls),
        "http-reuse" if !matches!(line.word(1), "never" | "safe" | "aggressive" | "always") => {
            wrong(0, "'http-reuse' only supports 'never', 'safe', 'aggressive', 'always'")
        }
        "cookie" if line.words.len() < 2 => wrong(0, "'cookie' expects <cookie_name> as argument"),
        "errorfile" if line.words.len() < 3 => wrong(0, "'errorfile' expects <status_code> and <file> as arguments"),
        "redirect" => redirect(line, 1).or_else(|| condition(line, acls)),
        "http-response" | "tcp-request" | "use-server" => condition(line, acls),
        _ => None,
    }
}

fn most(line: &Line, arguments: usize) -> Option<Wrong> {
    let extra = line.words.get(arguments + 1)?;
    wrong(
        arguments + 1,
        format!("'{}' cannot handle unexpected argument '{}'", line.word(0), extra.text),
    )
}

fn mode(line: &Line) -> Option<Wrong> {
    match line.word(1) {
        "http" | "tcp" | "health" | "log" | "spop" | "syslog" | "haterm" => most(line, 1),
        other => wrong(1, format!("unknown proxy mode '{other}'")),
    }
}

const TIMEOUTS: [&str; 13] = [
    "check",
    "client",
    "client-fin",
    "client-hs",
    "connect",
    "http-keep-alive",
    "http-request",
    "queue",
    "server",
    "server-fin",
    "tarpit",
    "tunnel",
    "server-hs",
];

fn timeout(line: &Line) -> Option<Wrong> {
    let name = line.word(1);
    if !TIMEOUTS.contains(&name) {
        return wrong(
            1,
            format!("'timeout' supports {}, and not '{name}'", TIMEOUTS.join(", ")),
        );
    }
    let Some(value) = line.words.get(2) else {
        return wrong(
            0,
            format!("'timeout {name}' expects an integer value (in milliseconds)"),
        );
    };
    if value.varies {
        return None;
    }
    if let Err(why) = time(&value.text) {
        return wrong(2, format!("{why} in 'timeout {name}'"));
    }
    let extra = line.words.get(3)?;
    wrong(
        3,
        format!("'timeout {name}': unexpected extra argument '{}'", extra.text),
    )
}

fn option(line: &Line) -> Option<Wrong> {
    let name = line.word(1);
    if name.is_empty() {
        return wrong(0, "'option' expects an option name");
    }
    if is_known(Words::Option, name) {
        return match name {
            "http-server-close" | "http-keep-alive" | "httpclose" | "dontlognull" | "http-buffer-request" => {
                let extra = line.words.get(2)?;
                wrong(
                    2,
                    format!("'option {name}' cannot handle unexpected argument '{}'", extra.text),
                )
            }
            _ => None,
        };
    }
    wrong(1, format!("unknown option '{name}'{}", meant(name, Words::Option)))
}

fn bind(line: &Line, section: &str) -> Option<Wrong> {
    let Some(addresses) = line.words.get(1) else {
        return wrong(0, "'bind' expects an address with a port");
    };
    if !addresses.varies {
        for address in addresses.text.split(',') {
            let (family, rest) = address.split_once('@').unwrap_or(("", address));
            if rest.starts_with('/')
                || !matches!(
                    family,
                    "" | "ipv4" | "ipv6" | "tcp" | "tcp4" | "tcp6" | "quic4" | "quic6"
                )
            {
                continue;
            }
            let port = rest
                .rsplit_once(':')
                .map(|(_, port)| port)
                .filter(|port| !port.is_empty() && !port.contains(']'));
            let Some(port) = port else {
                return wrong(1, format!("'bind': missing port specification in '{address}'"));
            };
            let bad = port
                .split('-')
                .find(|port| !port.parse::<u16>().is_ok_and(|port| port > 0));
            if let Some(bad) = bad {
                return wrong(1, format!("'bind': invalid port '{bad}'"));
            }
        }
    }
    let place = format!("'bind {}' in section '{section}'", addresses.text);
    options(line, 2, Words::Bind, Words::BindValue, &place)
}

fn server(line: &Line) -> Option<Wrong> {
    if line.word(0) == "default-server" {
        return options(line, 1, Words::Server, Words::ServerValue, "'default-server'");
    }
    let Some(address) = line.words.get(2) else {
        return wrong(0, "'server' expects <name> and <addr>[:<port>] as arguments");
    };
    let plain = !address.varies && !address.text.contains(['@', '/']) && address.text.matches(':').count() == 1;
    if let Some((_, port)) = address.text.rsplit_once(':').filter(|_| plain) {
        let digits = port.trim_start_matches(['+', '-']);
        let bad = digits.chars().find(|char| !char.is_ascii_digit());
        if let Some(char) = bad {
            return wrong(
                2,
                format!(
                    "invalid character '{char}' in port number '{port}' in '{}'",
                    address.text
                ),
            );
        }
        if !digits.is_empty() && digits.parse::<u16>().is_err() {
            return wrong(2, format!("invalid port '{port}'"));
        }
    }
    options(
        line,
        3,
        Words::Server,
        Words::ServerValue,
        &format!("'server {}'", line.word(1)),
    )
}

/// The options behind an address: a word that isn't known, or a value that is missing.
fn options(line: &Line, from: usize, single: Words, valued: Words, place: &str) -> Option<Wrong> {
    let mut index = from;
    while let Some(word) = line.words.get(index) {
        let name = word.text.as_str();
        if word.varies {
            return None;
        }
        if is_known(valued, name) {
            let Some(value) = line.words.get(index + 1) else {
                return wrong(index, format!("{place}: '{name}' expects a value"));
            };
            let valid = match name {
                "proto" | "check-proto" => {
                    matches!(value.text.as_str(), "h1" | "h2" | "fcgi" | "quic" | "spop" | "none")
                }
                "verify" => matches!(value.text.as_str(), "none" | "optional" | "required"),
                "inter" | "fastinter" | "downinter" => time(&value.text).is_ok(),
                "weight" => value.text.parse::<u16>().is_ok_and(|weight| weight <= 256),
                _ => true,
            };
            if !valid && !value.varies {
                return wrong(
                    index + 1,
                    format!("{place}: '{name}': unexpected value '{}'", value.text),
                );
            }
            // The address of `source` may be followed by one word more with its value.
            index += 2;
            continue;
        }
        if !is_known(single, name) {
            let all = [meant(name, single), meant(name, valued)];
            let meant = all.iter().find(|meant| !meant.is_empty());
            return wrong(
                index,
                format!("{place}: unknown keyword '{name}'{}", meant.map_or("", String::as_str)),
            );
        }
        index += 1;
    }
    None
}

fn balance(line: &Line) -> Option<Wrong> {
    let known = [
        "roundrobin",
        "static-rr",
        "leastconn",
        "first",
        "source",
        "uri",
        "url_param",
        "random",
        "hash",
        "log-hash",
        "log-sticky",
        "sticky",
    ];
    let name = line.word(1);
    let known = name.is_empty()
        || known.contains(&name)
        || ["hdr(", "rdp-cookie", "random("]
            .iter()
            .any(|start| name.starts_with(start));
    (!known)
        .then(|| wrong(1, format!("'balance' does not support '{name}'")))
        .flatten()
}

fn retry_on(line: &Line) -> Option<Wrong> {
    let known = [
        "none",
        "conn-failure",
        "empty-response",
        "junk-response",
        "response-timeout",
        "0rtt-rejected",
        "all-retryable-errors",
        "receiver-no-h2",
    ];
    let is_status = |word: &str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    let bad = line
        .from(1)
        .iter()
        .position(|word| !known.contains(&word.text.as_str()) && !is_status(&word.text))?;
    wrong(bad + 1, format!("'retry-on': unknown keyword '{}'", line.word(bad + 1)))
}

fn http_request(line: &Line, acls: &[&str]) -> Option<Wrong> {
    let action = line.word(1);
    let name = action.split('(').next().unwrap_or_default();
    let known = is_known(Words::HttpRequest, name)
        || name.starts_with("lua.")
        || name.starts_with("sc-")
        || name.starts_with("track-sc");
    if !known {
        return Some(Wrong {
            word: 1,
            what: format!(
                "'http-request' does not know '{action}'{}",
                meant(name, Words::HttpRequest)
            ),
            stops: true,
        });
    }
    let fewest = match action {
        "set-header" | "add-header" => 2,
        "del-header" | "set-path" | "set-uri" => 1,
        _ => 0,
    };
    let arguments = line
        .from(2)
        .iter()
        .take_while(|word| !matches!(word.text.as_str(), "if" | "unless"))
        .count();
    if arguments < fewest {
        return Some(Wrong {
            word: 1,
            what: format!(
                "'http-request {action}' expects {fewest} argument{}",
                if fewest == 1 { "" } else { "s" }
            ),
            stops: true,
        });
    }
    let wrong = if action == "redirect" { redirect(line, 2) } else { None };
    wrong
        .or_else(|| condition(line, acls))
        .map(|wrong| Wrong { stops: true, ..wrong })
}

fn redirect(line: &Line, from: usize) -> Option<Wrong> {
    let mut index = from;
    while let Some(word) = line.words.get(index) {
        match word.text.as_str() {
            "location" | "prefix" | "scheme" | "code" | "set-cookie" | "clear-cookie" => index += 2,
            "drop-query" | "append-slash" | "ignore-empty" | "keep-query" => index += 1,
            "if" | "unless" => return None,
            other => return wrong(index, format!("'redirect' does not know '{other}'")),
        }
    }
    None
}

fn acl<'a>(line: &'a Line, acls: &mut Vec<&'a str>) -> Option<Wrong> {
    let name = line.word(1);
    let Some(head) = line.words.get(2) else {
        return wrong(
            0,
            format!("error detected while parsing ACL '{name}': missing fetch method"),
        );
    };
    let mistake =
        fetch(&head.text).and_then(|what| wrong(2, format!("error detected while parsing ACL '{name}': {what}")));
    if mistake.is_none() {
        acls.push(name);
    }
    mistake
}

/// What is wrong with the head of an expression. A name that is nobody's neighbour may be a newer version's.
fn fetch(head: &str) -> Option<String> {
    let name = head.split(['(', ',']).next().unwrap_or_default();
    if head.contains('(') && !head.contains(')') {
        return Some(format!("'{name}': expected ')'"));
    }
    let known = words(Words::Fetch);
    if known.contains(&name) || !(4..=LONGEST).contains(&name.len()) {
        return None;
    }
    let is_slip = known.iter().any(|other| edits(name, other) == 1);
    is_slip.then(|| format!("unknown fetch method '{name}'{}", meant(name, Words::Fetch)))
}

/// The condition at the end of a line.
fn condition(line: &Line, acls: &[&str]) -> Option<Wrong> {
    let at = line
        .words
        .iter()
        .position(|word| matches!(word.text.as_str(), "if" | "unless"))?;
    let of = |what: &str| format!("error detected while parsing a condition of '{}': {what}", line.word(0));
    let mut index = at + 1;
    if index >= line.words.len() {
        return wrong(at, of("missing condition"));
    }
    while let Some(Word { text, varies, .. }) = line.words.get(index) {
        let name = text.trim_start_matches('!');
        match name {
            _ if *varies => {}
            "" | "||" | "or" => {}
            "{" => {
                let rest = line.from(index + 1);
                let Some(end) = rest.iter().position(|word| word.text == "}") else {
                    return wrong(index, of("missing closing '}'"));
                };
                if let Some(what) = rest
                    .first()
                    .filter(|word| !word.varies)
                    .and_then(|word| fetch(&word.text))
                {
                    return wrong(index + 1, of(&what));
                }
                index += end + 1;
            }
            name if !acls.contains(&name) && !PREDEFINED.contains(&name) => {
                return wrong(index, of(&format!("no such ACL: '{name}'")));
            }
            _ => {}
        }
        index += 1;
    }
    None
}

/// The word that may be meant.
fn meant(word: &str, kind: Words) -> String {
    if word.len() > LONGEST {
        return String::new();
    }
    let near = words(kind).iter().map(|known| (edits(word, known), known)).min();
    match near {
        Some((distance, known)) if distance <= 1 + known.len() / 4 => format!("; did you mean '{known}'?"),
        _ => String::new(),
    }
}

/// What only shows when all sections are known, as HAProxy looks for it after reading.
pub(super) fn sections(sections: &[Section<'_>], text: &Text, problems: &mut Vec<Problem>) {
    let backends: HashMap<&str, &Section<'_>> = sections
        .iter()
        .filter(|section| matches!(section.kind, Kind::Backend | Kind::Listen))
        .map(|section| (section.name.as_str(), section))
        .collect();
    let mut add = |line: &Line, word: usize, what: String| {
        problems.push(Problem {
            at: line.place(text, word),
            what,
            starts: false,
        });
    };
    for section in sections {
        if let Some(from) = section.head.words.iter().position(|word| word.text == "from") {
            let name = section.head.word(from + 1);
            let known = sections
                .iter()
                .any(|other| other.kind == Kind::Defaults && other.name == name);
            if !known {
                add(section.head, from + 1, format!("defaults section '{name}' not found"));
            }
        }
        let mut servers: HashMap<&str, ()> = HashMap::new();
        for line in section.own() {
            let target = line.words.get(1);
            match line.word(0) {
                "use_backend" | "default_backend" if matches!(section.kind, Kind::Frontend | Kind::Listen) => {
                    let Some(target) = target.filter(|word| !word.varies && !word.text.contains('%')) else {
                        continue;
                    };
                    match backends.get(target.text.as_str()) {
                        None => add(
                            line,
                            1,
                            format!("unable to find required {}: '{}'", line.word(0), target.text),
                        ),
                        Some(backend) if backend.is_tcp() != section.is_tcp() => add(
                            line,
                            1,
                            format!(
                                "'{}' tries to use incompatible backend '{}' (see 'mode')",
                                section.name, target.text
                            ),
                        ),
                        Some(_) => {}
                    }
                }
                "server" if servers.insert(line.word(1), ()).is_some() => {
                    add(
                        line,
                        1,
                        format!(
                            "another server named '{}' was already defined, please use distinct names",
                            line.word(1)
                        ),
                    );
                }
                "bind" => {
                    let says = |name: &str| line.from(2).iter().any(|word| word.text == name);
                    let has_certificate = ["crt", "crt-list", "default-crt", "generate-certificates"]
                        .into_iter()
                        .any(says);
                    if says("ssl") && !has_certificate && !line.words.iter().any(|word| word.varies) {
                        add(
                            line,
                            1,
                            format!("no SSL certificate specified for bind '{}' (use 'crt')", line.word(1)),
                        );
                    }
                }
                _ => {}
            }
        }
    }
}
