//! Rules of routers: ``Host(`a`) && (PathPrefix(`/b`) || !Method(`GET`))``, in the words of version 2 and of version 3.

use crate::proxyconf::{Asks, Condition, Host, Path};

/// A way in which a rule can be fulfilled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clause {
    /// The hosts, in TLS or in a request; empty for all.
    pub(super) hosts: Vec<Host>,
    /// The paths; `None` for all.
    pub(super) path: Option<Path>,
    pub(super) when: Vec<Condition>,
}

/// How many ways a rule may have before it isn't followed any more.
const MOST_CLAUSES: usize = 64;
const DEEPEST: usize = 50;

/// What a router is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Http,
    Tcp,
}

/// The ways in which a rule can be fulfilled, or what is wrong with it.
pub(super) fn clauses(rule: &str, of: Of) -> Result<Vec<Clause>, String> {
    let matchers = match of {
        Of::Http => HTTP.as_slice(),
        Of::Tcp => TCP.as_slice(),
    };
    let mut parser = Parser {
        rule,
        matchers,
        at: 0,
        depth: 0,
    };
    let tree = parser.either()?;
    parser.space();
    if parser.at < rule.len() {
        return Err(parser.expected("&& or ||"));
    }
    let ways = ways(&tree, false);
    Ok(match ways.len() > MOST_CLAUSES {
        true => vec![Clause {
            when: vec![asks(Asks::Else(rule.to_owned()), false)],
            ..Clause::default()
        }],
        false => ways.into_iter().map(|way| clause(&way)).collect(),
    })
}

enum Tree {
    All(Vec<Tree>),
    Either(Vec<Tree>),
    Not(Box<Tree>),
    One(Matcher),
}

#[derive(Clone)]
struct Matcher {
    name: String,
    words: Vec<String>,
    /// As it is written.
    text: String,
}

struct Parser<'a> {
    rule: &'a str,
    matchers: &'a [&'a str],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.rule.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len() } else { 0 };
        found
    }

    fn expected(&self, what: &str) -> String {
        let found = self.rest().split_whitespace().next().unwrap_or("the end of the rule");
        format!("expected {what}, found {found}")
    }

    fn either(&mut self) -> Result<Tree, String> {
        let mut all = vec![self.all()?];
        while self.takes("||") {
            all.push(self.all()?);
        }
        Ok(Tree::Either(all))
    }

    fn all(&mut self) -> Result<Tree, String> {
        let mut all = vec![self.one()?];
        while self.takes("&&") {
            all.push(self.one()?);
        }
        Ok(Tree::All(all))
    }

    fn one(&mut self) -> Result<Tree, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("nested deeper than any rule is".to_owned());
        }
        let found = if self.takes("!") {
            Tree::Not(Box::new(self.one()?))
        } else if self.takes("(") {
            let inner = self.either()?;
            if !self.takes(")") {
                return Err(self.expected(")"));
            }
            inner
        } else {
            Tree::One(self.matcher()?)
        };
        self.depth -= 1;
        Ok(found)
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        self.space();
        let start = self.at;
        let name: String = self.rest().chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty() {
            return Err(self.expected("a matcher"));
        }
        if !self.matchers.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            return Err(format!("no such matcher: {name}"));
        }
        self.at += name.len();
        if !self.takes("(") {
            return Err(self.expected("("));
        }
        let mut words = Vec::new();
        loop {
            self.space();
            let quote = self.rest().chars().next().filter(|quote| matches!(quote, '`' | '"'));
            let Some(quote) = quote else {
                return Err(self.expected("a value between backticks"));
            };
            let inner = self.rest().get(1..).unwrap_or_default();
            let Some(end) = inner.find(quote) else {
                return Err("a value that doesn't end".to_owned());
            };
            words.push(inner.get(..end).unwrap_or_default().to_owned());
            self.at += end + 2;
            if self.takes(",") {
                continue;
            }
            if !self.takes(")") {
                return Err(self.expected(", or )"));
            }
            break;
        }
        Ok(Matcher {
            name: name.to_ascii_lowercase(),
            words,
            text: self.rule.get(start..self.at).unwrap_or_default().to_owned(),
        })
    }
}

/// Those of both versions.
const HTTP: [&str; 14] = [
    "ClientIP",
    "Header",
    "HeaderRegexp",
    "Headers",
    "HeadersRegexp",
    "Host",
    "HostHeader",
    "HostRegexp",
    "Method",
    "Path",
    "PathPrefix",
    "PathRegexp",
    "Query",
    "QueryRegexp",
];
const TCP: [&str; 4] = ["ALPN", "ClientIP", "HostSNI", "HostSNIRegexp"];

type Way = Vec<(Matcher, bool)>;

/// Every way to fulfil a rule, or to fail it; a few more than are followed at most.
fn ways(tree: &Tree, not: bool) -> Vec<Way> {
    let one_of = |all: &[Tree]| {
        let mut ways: Vec<Way> = all.iter().flat_map(|one| self::ways(one, not)).collect();
        ways.truncate(MOST_CLAUSES + 1);
        ways
    };
    let each_of = |all: &[Tree]| {
        let mut found: Vec<Way> = vec![Way::new()];
        for one in all {
            let next = self::ways(one, not);
            let joined = found
                .iter()
                .flat_map(|way| next.iter().map(move |more| [way.as_slice(), more].concat()));
            found = joined.take(MOST_CLAUSES + 1).collect();
        }
        found
    };
    match tree {
        Tree::One(matcher) => vec![vec![(matcher.clone(), not)]],
        Tree::Not(inner) => ways(inner, !not),
        Tree::Either(all) if !not => one_of(all),
        Tree::All(all) if not => one_of(all),
        Tree::Either(all) | Tree::All(all) => each_of(all),
    }
}

fn clause(way: &Way) -> Clause {
    let mut clause = Clause::default();
    for (matcher, not) in way {
        let as_written = || asks(Asks::Else(matcher.text.clone()), *not);
        let words = &matcher.words;
        match (matcher.name.as_str(), not) {
            ("host" | "hostheader" | "hostsni", _) => {
                if !words.iter().any(|word| word == "*") {
                    clause.host(words.iter().filter_map(|word| Host::read(word)).collect(), *not);
                }
            }
            ("hostregexp" | "hostsniregexp", _) => {
                if !words.iter().any(|word| is_anything(word)) {
                    clause.host(words.iter().map(|word| Host::Else(word.clone())).collect(), *not);
                }
            }
            ("path" | "pathprefix" | "pathregexp", _) => {
                let path = one_or_any(words.iter().map(|word| path(&matcher.name, word)).collect());
                match (not, &clause.path) {
                    (false, None) => clause.path = Some(path),
                    _ => clause.when.push(asks(Asks::Path(path), *not)),
                }
            }
            ("method", _) => {
                let methods = words.iter().map(|word| word.to_ascii_uppercase()).collect();
                clause.when.push(asks(Asks::Method(methods), *not));
            }
            ("header" | "headers", _) => match words.as_slice() {
                [name, value] => {
                    let asked = Asks::Header(name.to_ascii_lowercase(), value.clone());
                    clause.when.push(asks(asked, *not));
                }
                _ => clause.when.push(as_written()),
            },
            ("headerregexp" | "headersregexp", _) => match words.as_slice() {
                [name, regex] if beginning(regex).is_some() => {
                    let start = beginning(regex).unwrap_or_default().to_owned();
                    clause
                        .when
                        .push(asks(Asks::Header(name.to_ascii_lowercase(), start), *not));
                }
                _ => clause.when.push(as_written()),
            },
            _ => clause.when.push(as_written()),
        }
    }
    clause
}

impl Clause {
    fn host(&mut self, hosts: Vec<Host>, not: bool) {
        match not || !self.hosts.is_empty() {
            true => self.when.push(asks(Asks::Host(hosts), not)),
            false => self.hosts = hosts,
        }
    }
}

fn asks(asks: Asks, not: bool) -> Condition {
    Condition { asks, not }
}

fn one_or_any(mut paths: Vec<Path>) -> Path {
    match paths.len() {
        1 => paths.remove(0),
        _ => Path::Any(paths),
    }
}

fn path(matcher: &str, word: &str) -> Path {
    match (matcher, word) {
        ("pathregexp", _) => Path::Matches(word.to_owned()),
        // An expression of version 2.
        _ if word.contains('{') => Path::Else(word.to_owned()),
        ("pathprefix", "/" | "") => Path::All,
        ("pathprefix", _) => Path::Prefix(word.to_owned()),
        _ => Path::Exact(word.to_owned()),
    }
}

/// `.*`, `^.+$`, or as version 2 writes it, `{any:.*}`.
fn is_anything(regex: &str) -> bool {
    let inner = regex.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let regex = inner.map_or(regex, |inner| inner.split_once(':').map_or(inner, |(_, regex)| regex));
    matches!(regex.trim_start_matches('^').trim_end_matches('$'), ".*" | ".+")
}

/// What a value begins with that fits an expression which is no more than a beginning.
fn beginning(regex: &str) -> Option<&str> {
    let literal = regex
        .trim_start_matches('^')
        .trim_end_matches('$')
        .trim_end_matches(".*");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
    (!literal.is_empty() && literal.bytes().all(plain)).then_some(literal)
}
