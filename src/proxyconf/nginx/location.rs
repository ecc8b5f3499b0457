//! Locations, in the order in which nginx asks them: exact ones, then the longest prefix unless an expression takes the path,
//! and those inside of another before it.

use super::directives::Refusal;
use super::scope::Scope;
use super::syntax::Statement;
use crate::proxyconf::{Asks, Condition, Path};

/// A `location` block.
#[derive(Clone, Debug)]
pub(super) struct Location<'a> {
    pub kind: Kind<'a>,
    pub scope: Scope<'a>,
    inner: Vec<Location<'a>>,
}

/// How a location is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// `= /path`
    Exact(&'a str),
    /// `/path`, or with `^~`, which keeps expressions out.
    Prefix(&'a str, Expressions),
    /// `~` and, in any case, `~*`.
    Matches(&'a str, Case),
    /// `@name`, where other directives send requests.
    Named(&'a str),
}

/// Whether expressions are asked after a prefix was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expressions {
    Asked,
    KeptOut,
}

/// Whether upper and lower case are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Told,
    Ignored,
}

/// One place in the order.
#[derive(Clone, Debug)]
pub(super) struct Turn<'a> {
    pub location: &'a Location<'a>,
    pub path: Path,
    pub when: Vec<Condition>,
    /// nginx adds the slash that the location ends with by itself.
    pub adds_slash: bool,
}

impl<'a> Kind<'a> {
    fn read(statement: &'a Statement) -> Result<Self, String> {
        let prefix = |text: &'a str| Self::Prefix(text, Expressions::Asked);
        let kept_out = |text: &'a str| Self::Prefix(text, Expressions::KeptOut);
        let told = |text: &'a str| Self::Matches(text, Case::Told);
        let ignored = |text: &'a str| Self::Matches(text, Case::Ignored);
        let name = statement.arg(0).unwrap_or_default();
        if let Some(second) = statement.arg(1) {
            return match name {
                "=" => Ok(Self::Exact(second)),
                "^~" => Ok(kept_out(second)),
                "~" => Ok(told(second)),
                "~*" => Ok(ignored(second)),
                other => Err(format!("invalid location modifier \"{other}\"")),
            };
        }
        // The modifier may stand right before the path.
        let glued = [
            name.strip_prefix('=').map(Self::Exact),
            name.strip_prefix("^~").map(kept_out),
            name.strip_prefix("~*").map(ignored),
            name.strip_prefix('~').map(told),
            name.starts_with('@').then_some(Self::Named(name)),
        ];
        Ok(glued.into_iter().flatten().next().unwrap_or_else(|| prefix(name)))
    }

    fn name(self) -> &'a str {
        match self {
            Self::Exact(text) | Self::Prefix(text, _) | Self::Matches(text, _) | Self::Named(text) => text,
        }
    }

    fn path(self) -> Path {
        match self {
            Self::Exact(text) => Path::Exact(text.to_owned()),
            Self::Prefix("/", _) => Path::All,
            Self::Prefix(text, _) => Path::Prefix(text.to_owned()),
            Self::Matches(text, Case::Told) => Path::Matches(text.to_owned()),
            Self::Matches(text, Case::Ignored) => Path::Matches(format!("(?i){text}")),
            Self::Named(text) => Path::Else(text.to_owned()),
        }
    }
}

/// Why a location can't stand where it does.
pub(super) fn refusal(statement: &Statement, outer: Option<&Statement>) -> Option<String> {
    let kind = match Kind::read(statement) {
        Ok(kind) => kind,
        Err(what) => return Some(what),
    };
    let outer = outer.filter(|one| one.name.text == "location")?;
    outside(kind, Kind::read(outer).ok()?)
}

/// The locations among a block's own statements, with those inside of them.
pub(super) fn locations<'a>(scope: &Scope<'a>, refusals: &mut Vec<Refusal>) -> Vec<Location<'a>> {
    let mut all: Vec<Location<'a>> = Vec::new();
    for statement in scope.own().iter().filter(|one| one.name.text == "location") {
        let Ok(kind) = Kind::read(statement) else { continue };
        if all.iter().any(|one| same(one.kind, kind)) {
            let what = format!("duplicate location \"{}\"", kind.name());
            refusals.push(Refusal::new(statement.end, what));
        }
        let inner = scope.inside(statement);
        all.push(Location {
            kind,
            inner: locations(&inner, refusals),
            scope: inner,
        });
    }
    all
}

fn same(one: Kind<'_>, other: Kind<'_>) -> bool {
    match (one, other) {
        (Kind::Exact(one), Kind::Exact(other)) | (Kind::Named(one), Kind::Named(other)) => one == other,
        (Kind::Prefix(one, _), Kind::Prefix(other, _)) => one == other,
        _ => false,
    }
}

/// Why a location can't stand in another one.
fn outside(inner: Kind<'_>, outer: Kind<'_>) -> Option<String> {
    let name = inner.name();
    match (inner, outer) {
        (_, Kind::Exact(outer)) => Some(format!(
            "location \"{name}\" cannot be inside the exact location \"{outer}\""
        )),
        (_, Kind::Named(outer)) => Some(format!(
            "location \"{name}\" cannot be inside the named location \"{outer}\""
        )),
        (Kind::Named(_), _) => Some(format!("named location \"{name}\" can be on the server level only")),
        // Of an expression, nginx takes the text for a prefix.
        (Kind::Exact(_) | Kind::Prefix(..), Kind::Prefix(outer, _) | Kind::Matches(outer, _))
            if !name.starts_with(outer) =>
        {
            Some(format!("location \"{name}\" is outside location \"{outer}\""))
        }
        _ => None,
    }
}

/// The order in which they are asked. Two that can't be told apart by their paths alone, an expression inside of a prefix, say,
/// get a condition.
pub(super) fn order<'a>(all: &'a [Location<'a>]) -> Vec<Turn<'a>> {
    let mut out = Vec::new();
    fixed(all, "", &mut out);
    let expressions = expressions(all);
    let prefixes = prefixes(all);
    // Usually every expression comes before every prefix. Not before these: those that keep them out, those with locations
    // of their own, and what is longer than one of them.
    let special: Vec<&str> = prefixes
        .iter()
        .filter(|one| keeps_out(one) || !one.inner.is_empty())
        .map(|one| one.kind.name())
        .collect();
    let (early, late): (Vec<_>, Vec<_>) = prefixes
        .into_iter()
        .partition(|one| special.iter().any(|start| one.kind.name().starts_with(start)));
    for one in early {
        let asked = if keeps_out(one) { &[] } else { expressions.as_slice() };
        family(one, asked, &mut out);
    }
    for one in expressions {
        expression(one, None, &mut out);
    }
    out.extend(late.into_iter().map(Turn::of));
    out
}

impl<'a> Turn<'a> {
    fn of(location: &'a Location<'a>) -> Self {
        Self {
            location,
            path: location.kind.path(),
            when: Vec::new(),
            adds_slash: false,
        }
    }
}

/// Whether one of them takes every path.
pub(super) fn takes_all(all: &[Location<'_>]) -> bool {
    all.iter().any(|one| matches!(one.kind, Kind::Prefix("/" | "", _)))
}

/// A prefix with what is asked before it.
fn family<'a>(location: &'a Location<'a>, outer: &[&'a Location<'a>], out: &mut Vec<Turn<'a>>) {
    fixed(&location.inner, location.kind.name(), out);
    let mut asked = expressions(&location.inner);
    asked.extend(outer);
    for one in prefixes(&location.inner) {
        family(one, if keeps_out(one) { outer } else { &asked }, out);
    }
    for one in asked {
        expression(one, Some(location.kind.name()), out);
    }
    out.push(Turn::of(location));
}

/// An expression, for paths with this prefix alone, with what is inside of it.
fn expression<'a>(location: &'a Location<'a>, within: Option<&str>, out: &mut Vec<Turn<'a>>) {
    let is_within = within.map_or(Within::Always, |prefix| Within::of(location.kind, prefix));
    let when = match (is_within, within) {
        (Within::Never, _) => return,
        (Within::Perhaps, Some(prefix)) => vec![Condition {
            asks: Asks::Else(format!("location {prefix}")),
            not: false,
        }],
        (Within::Perhaps | Within::Always, _) => Vec::new(),
    };
    let sign = match location.kind {
        Kind::Matches(_, Case::Ignored) => "~*",
        _ => "~",
    };
    for mut turn in order(&location.inner) {
        turn.when.extend(when.iter().cloned());
        turn.when.push(Condition {
            asks: Asks::Else(format!("location {sign} {}", location.kind.name())),
            not: false,
        });
        out.push(turn);
    }
    out.push(Turn {
        when,
        ..Turn::of(location)
    });
}

/// The exact ones, and the paths to which nginx adds a slash by itself. Inside of a prefix, only what begins with that arrives.
fn fixed<'a>(all: &'a [Location<'a>], within: &str, out: &mut Vec<Turn<'a>>) {
    out.extend(
        all.iter()
            .filter(|one| matches!(one.kind, Kind::Exact(_)))
            .map(Turn::of),
    );
    let is_named = |path: &str| {
        all.iter()
            .any(|one| matches!(one.kind, Kind::Exact(name) | Kind::Prefix(name, _) if name == path))
    };
    for one in all {
        let (Kind::Exact(name) | Kind::Prefix(name, _)) = one.kind else {
            continue;
        };
        let Some(path) = name.strip_suffix('/').filter(|path| !path.is_empty()) else {
            continue;
        };
        if path.starts_with(within) && !is_named(path) && PASSES.iter().any(|name| one.scope.own_one(name).is_some()) {
            out.push(Turn {
                path: Path::Exact(path.to_owned()),
                adds_slash: true,
                ..Turn::of(one)
            });
        }
    }
}

/// Directives that hand requests on.
const PASSES: [&str; 6] = [
    "grpc_pass",
    "proxy_pass",
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "memcached_pass",
];

fn expressions<'a>(all: &'a [Location<'a>]) -> Vec<&'a Location<'a>> {
    all.iter().filter(|one| matches!(one.kind, Kind::Matches(..))).collect()
}

/// The longest first.
fn prefixes<'a>(all: &'a [Location<'a>]) -> Vec<&'a Location<'a>> {
    let mut found: Vec<_> = all.iter().filter(|one| matches!(one.kind, Kind::Prefix(..))).collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.kind.name().len()));
    found
}

fn keeps_out(location: &Location<'_>) -> bool {
    matches!(location.kind, Kind::Prefix(_, Expressions::KeptOut))
}

/// Whether what an expression finds begins with a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Always,
    Never,
    Perhaps,
}

impl Within {
    fn of(kind: Kind<'_>, prefix: &str) -> Self {
        let Kind::Matches(pattern, case) = kind else {
            return Self::Perhaps;
        };
        if prefix == "/" {
            return Self::Always;
        }
        let Some(start) = beginning(pattern) else {
            return Self::Perhaps;
        };
        let (lower, prefix_lower) = (start.to_ascii_lowercase(), prefix.to_ascii_lowercase());
        match case {
            Case::Told if start.starts_with(prefix) => Self::Always,
            Case::Told if !prefix.starts_with(&start) => Self::Never,
            Case::Ignored if !lower.starts_with(&prefix_lower) && !prefix_lower.starts_with(&lower) => Self::Never,
            Case::Told | Case::Ignored => Self::Perhaps,
        }
    }
}

/// What everything that an expression finds begins with.
fn beginning(pattern: &str) -> Option<String> {
    let mut rest = pattern.strip_prefix('^')?.chars().peekable();
    if pattern.contains('|') {
        return None;
    }
    let mut start = String::new();
    while let Some(char) = rest.next() {
        match char {
            '\\' => match rest.next() {
                Some(char) if !char.is_alphanumeric() => start.push(char),
                _ => break,
            },
            '.' | '[' | '(' | ')' | '$' | '^' => break,
            '*' | '?' | '{' => {
                start.pop();
                break;
            }
            '+' => break,
            char => start.push(char),
        }
    }
    Some(start)
}
