//! What becomes of a request at a site: its directives in the order in which Caddy asks them.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::super::cases::Cases;
use super::super::{Action, Asks, Guard, GuardKind, Path, Place, Route, Setting};
use super::matcher::{Matchers, Scheme, defined, path};
use super::options::{Options, Order, bytes, duration};
use super::token::Token;
use super::tree::{Directive, Files};
use super::upstream;

/// Directives in the order in which Caddy sorts them.
pub(super) const ORDER: [&str; 42] = [
    "tracing",
    "map",
    "vars",
    "fs",
    "root",
    "log_append",
    "skip_log",
    "log_skip",
    "log_name",
    "header",
    "copy_response_headers",
    "request_body",
    "timeouts",
    "redir",
    "method",
    "rewrite",
    "uri",
    "try_files",
    "basicauth",
    "basic_auth",
    "forward_auth",
    "request_header",
    "encode",
    "push",
    "intercept",
    "templates",
    "invoke",
    "handle",
    "handle_path",
    "route",
    "abort",
    "error",
    "copy_response",
    "respond",
    "metrics",
    "reverse_proxy",
    "php_fastcgi",
    "file_server",
    "acme_server",
    // None of these is asked for a request.
    "tls",
    "bind",
    "log",
];

/// Those that take no matcher, or whose first word may look like one.
const WITHOUT_MATCHER: [&str; 8] = [
    "bind",
    "handle_errors",
    "import",
    "invoke",
    "log",
    "tls",
    "tracing",
    "try_files",
];

/// Everything that is needed to read directives.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) files: &'a Files<'a, 'a>,
    pub(super) options: &'a Options,
    pub(super) scheme: Scheme,
}

/// A directive with its matcher read.
struct Step<'a> {
    directive: &'a Directive,
    words: &'a [Token],
    cases: Cases,
    /// The length of its path, where it asks for one only.
    path: Option<String>,
    has_matcher: bool,
}

/// How deep blocks may be nested.
const DEEPEST: usize = 40;

impl Site<'_> {
    /// Puts the directives of a block before what comes after it, sorted as Caddy does.
    pub(super) fn sorted(&self, body: &[Directive], matchers: &Matchers, rest: Vec<Route>, depth: usize) -> Vec<Route> {
        let matchers = self.matchers(body, matchers);
        let mut steps: Vec<Step<'_>> = body.iter().filter_map(|directive| step(directive, &matchers)).collect();
        steps.sort_by(|one, other| self.compare(one, other));
        self.before(&steps, &matchers, rest, depth)
    }

    /// Puts the directives of a block before what comes after it, in the order in which they are written.
    fn unsorted(&self, body: &[Directive], matchers: &Matchers, rest: Vec<Route>, depth: usize) -> Vec<Route> {
        let matchers = self.matchers(body, matchers);
        let steps: Vec<Step<'_>> = body.iter().filter_map(|directive| step(directive, &matchers)).collect();
        self.before(&steps, &matchers, rest, depth)
    }

    /// The matchers of a block, and of those around it.
    fn matchers<'m>(&self, body: &[Directive], outer: &'m Matchers) -> Cow<'m, Matchers> {
        let mut all = Cow::Borrowed(outer);
        for directive in body {
            if let Some(name) = directive.name().strip_prefix('@') {
                all.to_mut().insert(name.to_owned(), defined(directive, self.scheme));
            }
        }
        all
    }

    fn position(&self, name: &str) -> usize {
        let name = match name {
            "handle_path" => "handle",
            name => name,
        };
        let own = |name: &str| ORDER.iter().position(|own| *own == name).map(|at| at * 4 + 2);
        let ordered = self.options.order.iter().find(|(own, _)| own == name);
        match ordered {
            Some((_, Order::First)) => 0,
            Some((_, Order::Before(other))) => own(other).map_or(usize::MAX, |at| at - 1),
            Some((_, Order::After(other))) => own(other).map_or(usize::MAX, |at| at + 1),
            Some((_, Order::Last)) => usize::MAX,
            None => own(name).unwrap_or(usize::MAX),
        }
    }

    /// By directive, and within one the longer path first, and what has a matcher before what has none.
    fn compare(&self, one: &Step<'_>, other: &Step<'_>) -> Ordering {
        let by_name = self
            .position(one.directive.name())
            .cmp(&self.position(other.directive.name()));
        let by_path = match (&one.path, &other.path) {
            (Some(own), Some(others)) => {
                let trimmed = |path: &str| path.strip_suffix('*').unwrap_or(path).len();
                let same = own.strip_suffix('*').unwrap_or(own) == others.strip_suffix('*').unwrap_or(others);
                match same {
                    true => own.len().cmp(&others.len()),
                    false => trimmed(others).cmp(&trimmed(own)),
                }
            }
            _ => other.has_matcher.cmp(&one.has_matcher),
        };
        by_name.then(match one.directive.name() {
            "vars" => by_path.reverse(),
            _ => by_path,
        })
    }

    fn before(&self, steps: &[Step<'_>], matchers: &Matchers, rest: Vec<Route>, depth: usize) -> Vec<Route> {
        if depth > DEEPEST {
            return rest;
        }
        let mut routes = rest;
        let mut steps = steps;
        while let Some((step, earlier)) = steps.split_last() {
            let is_handle = |step: &Step<'_>| matches!(step.directive.name(), "handle" | "handle_path");
            if is_handle(step) {
                // Of the handles of a block one is taken: each goes on with what comes after all of them.
                let first = steps.iter().rposition(|step| !is_handle(step)).map_or(0, |at| at + 1);
                let (others, handles) = steps.split_at(first);
                let after = routes.clone();
                let taken = handles.iter().flat_map(|step| {
                    let inner = self.sorted(step.directive.inner(), matchers, after.clone(), depth + 1);
                    let mut inner = step.cases.within(&inner, &self.place(step));
                    if step.directive.name() == "handle_path" {
                        inner
                            .iter_mut()
                            .for_each(|route| route.rewrites = Some(self.place(step)));
                    }
                    inner
                });
                routes = until_all(taken.chain(after.iter().cloned()));
                steps = others;
                continue;
            }
            routes = self.step(step, matchers, routes, depth);
            steps = earlier;
        }
        routes
    }

    fn place(&self, step: &Step<'_>) -> Place {
        step.directive
            .words
            .first()
            .map(|word| self.files.place(word))
            .unwrap_or_default()
    }

    /// One directive before all that comes after it.
    fn step(&self, step: &Step<'_>, matchers: &Matchers, rest: Vec<Route>, depth: usize) -> Vec<Route> {
        let at = self.place(step);
        let name = step.directive.name();
        let word = |index: usize| step.words.get(index).map_or("", |word| word.text.as_str());
        let certain = || step.cases.clone().followed();
        let ends = |route: Route, rest: Vec<Route>| {
            let own = step.cases.within(&[route], &at);
            until_all(own.into_iter().chain(rest))
        };
        let ends_with = |action: Action, rest| ends(Route::new(at.clone(), Path::All, action), rest);
        let guarded = |kind: GuardKind, rest: Vec<Route>| {
            let guard = Guard {
                at: at.clone(),
                kind,
                name: name.to_owned(),
            };
            certain().change(rest, &at, |route| route.guards.insert(0, guard.clone()))
        };
        match name {
            "route" => {
                let inner = self.unsorted(step.directive.inner(), matchers, rest.clone(), depth + 1);
                until_all(step.cases.within(&inner, &at).into_iter().chain(rest))
            }
            "invoke" => match self.files.routes.get(word(0)) {
                Some(body) => self.unsorted(body, matchers, rest, depth + 1),
                None => rest,
            },
            "reverse_proxy" => ends(upstream::route(step.directive, step.words, self.files), rest),
            "php_fastcgi" | "acme_server" => ends_with(Action::Else(name.to_owned()), rest),
            "file_server" | "metrics" => ends_with(Action::Answer(200), rest),
            "respond" => ends_with(Action::Answer(status(step)), rest),
            "error" => {
                let status = step.words.iter().rev().find_map(|word| word.text.parse().ok());
                ends_with(Action::Answer(status.unwrap_or(500)), rest)
            }
            "abort" => {
                let mut route = Route::new(at.clone(), Path::All, Action::Else("abort".to_owned()));
                route.guards.push(Guard {
                    at: at.clone(),
                    kind: GuardKind::Denies,
                    name: "abort".to_owned(),
                });
                ends(route, rest)
            }
            "redir" => match word(1) {
                "html" => ends_with(Action::Answer(200), rest),
                _ => ends_with(Action::Redirect(word(0).to_owned()), rest),
            },
            "basic_auth" | "basicauth" | "forward_auth" | "authenticate" | "authorize" => {
                guarded(GuardKind::Authenticates, rest)
            }
            "rate_limit" => guarded(GuardKind::Limits, rest),
            "rewrite" | "try_files" => certain().change(rest, &at, |route| route.rewrites = Some(at.clone())),
            "uri" => match changed_paths(word(0), step.words.get(1)) {
                Some(paths) => certain()
                    .and(&paths)
                    .change(rest, &at, |route| route.rewrites = Some(at.clone())),
                None => rest,
            },
            "request_header" => match upstream::header(step.directive, step.words, self.files) {
                Some(header) => certain().change(rest, &at, |route| route.removes.insert(0, header.clone())),
                None => rest,
            },
            "request_body" => {
                let limit = step
                    .directive
                    .inner()
                    .iter()
                    .find(|one| one.name() == "max_size")
                    .and_then(|one| {
                        let size = bytes(one.word(1)).filter(|size| *size > 0)?;
                        Some(Setting::written(size, "max_size", self.files.place(one.words.first()?)))
                    });
                match limit {
                    Some(limit) => certain().change(rest, &at, |route| route.limits.body = Some(limit.clone())),
                    None => rest,
                }
            }
            // How long a request may be quiet, as `read_body_idle`; `write_timeout` is about writes that don't get away.
            "timeouts" => {
                let quiet = step
                    .directive
                    .inner()
                    .iter()
                    .find(|one| one.name() == "read_timeout")
                    .and_then(|one| {
                        let ms = duration(one.word(1)).filter(|ms| *ms > 0)?;
                        Some(Setting::written(
                            ms,
                            "read_timeout",
                            self.files.place(one.words.first()?),
                        ))
                    });
                match quiet {
                    Some(quiet) => certain().change(rest, &at, |route| route.limits.idle.push(quiet.clone())),
                    None => rest,
                }
            }
            _ => rest,
        }
    }
}

/// Reads the matcher of a directive. Definitions of matchers are none.
fn step<'a>(directive: &'a Directive, matchers: &Matchers) -> Option<Step<'a>> {
    let name = directive.name();
    if name.starts_with('@') {
        return None;
    }
    let words = directive.arguments();
    let first = words
        .first()
        .filter(|word| !word.quoted)
        .map_or("", |word| word.text.as_str());
    let is_alone = matches!(name, "rewrite" | "root") && words.len() == 1 && !first.starts_with('@');
    let takes = !is_alone && !WITHOUT_MATCHER.contains(&name);
    let (cases, path, taken) = match first.chars().next().filter(|_| takes) {
        Some('*') if first == "*" => (Cases::always(), None, 1),
        Some('/') => (Cases::of(Asks::Path(path(first))), Some(first.to_owned()), 1),
        Some('@') => match first.get(1..).and_then(|name| matchers.get(name)) {
            Some(known) => (known.cases.clone(), known.path.clone(), 1),
            None => (Cases::unknown(first), None, 1),
        },
        _ => (Cases::always(), None, 0),
    };
    Some(Step {
        directive,
        words: words.get(taken..).unwrap_or_default(),
        has_matcher: taken == 1 && first != "*",
        cases,
        path,
    })
}

/// The routes up to the first that takes everything.
fn until_all(routes: impl Iterator<Item = Route>) -> Vec<Route> {
    let mut all = Vec::new();
    for route in routes {
        let takes_all = route.path == Path::All && route.when.is_empty() && route.hosts.is_empty();
        all.push(route);
        if takes_all {
            break;
        }
    }
    all
}

/// `respond 404`, `respond "text" 503`.
fn status(step: &Step<'_>) -> u16 {
    let number = |word: &Token| {
        word.text
            .parse()
            .ok()
            .filter(|status| (100..1_000).contains(status) && word.text.len() == 3)
    };
    match step.words {
        [only] => number(only).unwrap_or(200),
        [_, status, ..] => number(status).unwrap_or(200),
        [] => 200,
    }
}

/// The paths that `uri` changes; none where it changes something else.
fn changed_paths(how: &str, what: Option<&Token>) -> Option<Cases> {
    let what = what?.text.as_str();
    let finds = |pattern: String| Cases::of(Asks::Path(Path::Matches(pattern)));
    Some(match how {
        "strip_prefix" => {
            let start = format!("/{}", what.trim_start_matches('/'));
            Cases::of(Asks::Path(Path::PrefixAnyCase(start)))
        }
        "strip_suffix" => finds(format!("{}$", regex_lite::escape(what))),
        "replace" => finds(regex_lite::escape(what)),
        "path_regexp" => finds(what.to_owned()),
        _ => return None,
    })
}
