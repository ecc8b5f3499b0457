//! What becomes of a request at one of Apache's servers, in the order in which its modules are asked.
//!
//! `Require` and the like, then what `<Location>` sends elsewhere, the server's rewrite rules, `ProxyPass` in sections (the
//! last section counts) and after it that of the server in order, and at last aliases and files.

use super::super::cases::Cases;
use super::super::{Action, Asks, Guard, GuardKind, Path, Place, Route, Setting};
use super::rewrite::{Arrival, Does, rules};
use super::tree::Directive;
use super::upstream::{self, Url};

/// A section for some paths: `<Location>`, or `<Proxy>` for what is forwarded.
struct Section<'d> {
    directive: &'d Directive,
    cases: Cases,
}

/// The routes of a server. `own` are its directives, `base` those of the main server where it is another one.
pub(super) fn routes(
    own: &[Directive],
    base: &[Directive],
    arrival: Arrival,
    server: upstream::Around<'_>,
    at: &Place,
) -> Vec<Route> {
    let both: Vec<&Directive> = base.iter().chain(own).collect();
    let sections: Vec<Section<'_>> = both.iter().filter_map(|one| location(one)).collect();
    let mut routes = vec![Route::new(at.clone(), Path::All, Action::Answer(200))];
    // Each step stands before those that were put in front already.
    let aliases = both.iter().rev().filter_map(|one| alias(one, server));
    for route in aliases {
        routes.insert(0, route);
    }
    let proxied: Vec<Route> = both.iter().filter_map(|one| proxy_pass(one, server)).collect();
    routes.splice(0..0, proxied);
    // The last section that a path is in says where it goes.
    for section in &sections {
        let inside = section
            .directive
            .inner()
            .iter()
            .filter_map(|one| proxy_in_section(one, section.directive, server))
            .next_back();
        if let Some(route) = inside {
            routes.splice(0..0, section.cases.within(&[route], at));
        }
    }
    let refs: Vec<&Directive> = own.iter().collect();
    routes = with_rules(routes, rules(&refs, &Cases::always(), arrival, server));
    for section in &sections {
        let inner: Vec<&Directive> = section.directive.inner().iter().collect();
        let ends = inner
            .iter()
            .filter_map(|one| redirect_in_section(one, server))
            .next_back();
        if let Some(route) = ends {
            routes.splice(0..0, section.cases.within(&[route], at));
        }
        // Patterns of a section see the path without the directory, which is unknown here.
        let plain: Vec<&Directive> = inner
            .iter()
            .copied()
            .filter(|one| one.is("RewriteEngine") || is_for_all(one))
            .collect();
        routes = with_rules(routes, rules(&plain, &section.cases, arrival, server));
    }
    routes = guarded(routes, &sections, server);
    for one in both.iter().filter(|one| one.is("Proxy")) {
        let denies = matches!(one.word(0), "*" | "http*" | "h2c*") && access(one.inner()) == Access::Denied;
        if denies {
            let guard = guard(one, GuardKind::Denies, "Require all denied", server);
            for route in routes
                .iter_mut()
                .filter(|route| matches!(route.action, Action::Forward(_)))
            {
                route.guards.insert(0, guard.clone());
            }
        }
    }
    for one in &both {
        routes = removed(routes, one, &Cases::always(), server);
    }
    for section in &sections {
        for one in section.directive.inner() {
            routes = removed(routes, one, &section.cases, server);
        }
    }
    let end = routes
        .iter()
        .position(|route| route.path == Path::All && route.when.is_empty() && route.hosts.is_empty() && is_last(route));
    routes.truncate(end.map_or(routes.len(), |end| end + 1));
    routes
}

/// Files are what is left when nothing else takes a request.
fn is_last(route: &Route) -> bool {
    route.action == Action::Answer(200)
}

fn with_rules(routes: Vec<Route>, rules: Vec<super::rewrite::Rule>) -> Vec<Route> {
    rules.into_iter().rev().fold(routes, |routes, rule| match rule.does {
        Does::Ends(route) => {
            let mut all = rule.cases.within(std::slice::from_ref(&*route), &rule.at);
            all.extend(routes);
            all
        }
        Does::Guards(guard) => rule
            .cases
            .change(routes, &rule.at, |route| route.guards.insert(0, guard.clone())),
        Does::Rewrites => rule
            .cases
            .change(routes, &rule.at, |route| route.rewrites = Some(rule.at.clone())),
    })
}

/// Whether a rule is for all of a section's paths.
fn is_for_all(one: &Directive) -> bool {
    one.is("RewriteRule") && matches!(one.word(0), "^" | ".*" | "^.*$" | "^(.*)$" | "(.*)" | "" | ".")
}

/// The paths of `<Location>` and `<LocationMatch>`.
fn location(one: &Directive) -> Option<Section<'_>> {
    let (text, regex) = match (one.is("Location"), one.is("LocationMatch")) {
        (true, _) if one.word(0) == "~" => (one.word(1), true),
        (true, _) => (one.word(0), false),
        (_, true) => (one.word(0), true),
        (false, false) => return None,
    };
    let path = match regex {
        _ if one.words.iter().any(|word| word.varies) => Path::Else(text.to_owned()),
        true => Path::Matches(text.to_owned()),
        false if text.contains(['*', '?', '[']) => Path::Glob(text.to_owned()),
        false => prefix(text),
    };
    Some(Section {
        directive: one,
        cases: Cases::of(Asks::Path(path)),
    })
}

/// Without a slash at its end, a path is for itself and what is below it.
fn prefix(path: &str) -> Path {
    match path {
        "/" | "" => Path::All,
        path if path.ends_with('/') => Path::Prefix(path.to_owned()),
        path => Path::Segments(path.to_owned()),
    }
}

/// `ProxyPass /path URL key=value`, `ProxyPass /path !`, `ProxyPassMatch`.
fn proxy_pass(one: &Directive, server: upstream::Around<'_>) -> Option<Route> {
    let is_match = one.is("ProxyPassMatch");
    if !is_match && !one.is("ProxyPass") {
        return None;
    }
    let path = one.words.first()?;
    let own = match is_match {
        _ if path.varies => Path::Else(path.text.clone()),
        true => Path::Matches(path.text.clone()),
        false => prefix(&path.text),
    };
    let mut route = forwarded(one, 1, server);
    route.path = own;
    let url = Url::read(one.word(1));
    match (is_match, url) {
        (false, Some(url)) => mapped(&mut route, &path.text, &url, server, one),
        (true, Some(url)) if !url.path.is_empty() && !url.path.contains('$') => {
            route.rewrites = Some(server.files.place_word(one, 1))
        }
        _ => {}
    }
    Some(route)
}

/// Says where a path is changed on its way: what is behind the prefix is put behind the URL.
fn mapped(route: &mut Route, prefix: &str, url: &Url<'_>, server: upstream::Around<'_>, one: &Directive) {
    if !matches!(route.action, Action::Forward(_)) || url.path == prefix {
        return;
    }
    let at = server.files.place_word(one, 1);
    match (prefix, url.path) {
        // `http://gateway` with `api` behind it is a host that there isn't.
        ("/", "") => (route.action, route.upgrades) = (Action::Answer(500), None),
        ("", "/") => {}
        _ => route.rewrites = Some(at),
    }
}

/// The route to the URL at an index; `!` is for none.
fn forwarded(one: &Directive, index: usize, server: upstream::Around<'_>) -> Route {
    let at = server.files.place_word(one, index);
    match one.word(index) {
        "!" => Route::new(server.files.place_of(one), Path::All, Action::Answer(200)),
        url => {
            let parameters: Vec<&str> = one
                .words
                .iter()
                .skip(index + 1)
                .map(|word| word.text.as_str())
                .collect();
            upstream::route(one, url, at, &parameters, server)
        }
    }
}

fn proxy_in_section(one: &Directive, section: &Directive, server: upstream::Around<'_>) -> Option<Route> {
    let is_match = one.is("ProxyPassMatch");
    if !is_match && !one.is("ProxyPass") {
        return None;
    }
    let mut route = forwarded(one, 0, server);
    let plain = section.is("Location") && section.word(0) != "~" && !is_match;
    if let Some(url) = Url::read(one.word(0)).filter(|_| plain) {
        mapped(&mut route, section.word(0), &url, server, one);
    }
    Some(route)
}

/// `Redirect`, `Alias` and their kin of a server.
fn alias(one: &Directive, server: upstream::Around<'_>) -> Option<Route> {
    let at = server.files.place_of(one);
    let name = one.name.to_ascii_lowercase();
    if matches!(
        name.as_str(),
        "alias" | "scriptalias" | "aliasmatch" | "scriptaliasmatch"
    ) {
        let path = match name.ends_with("match") {
            true => Path::Matches(one.word(0).to_owned()),
            false => prefix(one.word(0)),
        };
        return Some(Route::new(at, path, Action::Answer(200)));
    }
    let (status, words) = redirect(one)?;
    let path = words.first()?;
    let own = match name.as_str() {
        "redirectmatch" => Path::Matches(path.text.clone()),
        _ => prefix(&path.text),
    };
    Some(Route::new(
        at,
        own,
        target(status, words.get(1).map_or("", |word| word.text.as_str())),
    ))
}

/// A redirect of a section has no path of its own.
fn redirect_in_section(one: &Directive, server: upstream::Around<'_>) -> Option<Route> {
    let (status, words) = redirect(one)?;
    let to = words
        .iter()
        .find(|word| word.text.contains("://") || words.len() == 1)?;
    Some(Route::new(
        server.files.place_of(one),
        Path::All,
        target(status, &to.text),
    ))
}

/// The status of a `Redirect` and the words behind it.
fn redirect(one: &Directive) -> Option<(u16, &[super::tree::Word])> {
    let words = one.words.as_slice();
    let rest = words.get(1..).unwrap_or_default();
    match one.name.to_ascii_lowercase().as_str() {
        "redirectpermanent" => Some((301, words)),
        "redirecttemp" => Some((302, words)),
        "redirect" | "redirectmatch" => Some(match one.word(0) {
            "permanent" => (301, rest),
            "temp" => (302, rest),
            "seeother" => (303, rest),
            "gone" => (410, rest),
            status => match status.parse() {
                Ok(status) => (status, rest),
                Err(_) => (302, words),
            },
        }),
        _ => None,
    }
}

fn target(status: u16, to: &str) -> Action {
    match (300..400).contains(&status) {
        true => Action::Redirect(to.to_owned()),
        false => Action::Answer(status),
    }
}

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Nothing is said.
    Unsaid,
    Granted,
    Denied,
    /// With credentials of HTTP.
    Authenticated,
    /// It depends: on addresses, on several conditions.
    Unknown,
}

fn access(body: &[Directive]) -> Access {
    let requires: Vec<&Directive> = body.iter().filter(|one| one.is("Require")).collect();
    let contained = body
        .iter()
        .any(|one| one.name.to_ascii_lowercase().starts_with("require") && one.inner.is_some());
    let old_denies = body
        .iter()
        .any(|one| one.is("Deny") && one.word(1).eq_ignore_ascii_case("all"));
    let old_allows = body.iter().any(|one| one.is("Allow"));
    let satisfies_any = body
        .iter()
        .any(|one| one.is("Satisfy") && one.word(0).eq_ignore_ascii_case("any"));
    let kind = |one: &&Directive| match (
        one.word(0).to_ascii_lowercase().as_str(),
        one.word(1).to_ascii_lowercase().as_str(),
    ) {
        ("all", "denied") => Access::Denied,
        ("all", "granted") => Access::Granted,
        ("valid-user" | "user" | "group", _) => Access::Authenticated,
        _ => Access::Unknown,
    };
    let kinds: Vec<Access> = requires.iter().map(kind).collect();
    // Any of several is enough.
    match kinds.as_slice() {
        _ if contained || satisfies_any => Access::Unknown,
        [] if old_denies && !old_allows => Access::Denied,
        [] if old_denies || old_allows => Access::Unknown,
        [] => Access::Unsaid,
        kinds if kinds.contains(&Access::Granted) => Access::Granted,
        kinds if kinds.contains(&Access::Unknown) => Access::Unknown,
        kinds if kinds.contains(&Access::Authenticated) => Access::Authenticated,
        _ => Access::Denied,
    }
}

/// Puts the guards of sections before routes: of several sections, the last that says who is let in counts.
fn guarded(mut routes: Vec<Route>, sections: &[Section<'_>], server: upstream::Around<'_>) -> Vec<Route> {
    let mut later = Cases::never();
    for section in sections.iter().rev() {
        let inner = section.directive.inner();
        let says = access(inner);
        let find = |names: &[&str]| inner.iter().find(|one| names.iter().any(|name| one.is(name)));
        let kind = match says {
            Access::Denied => Some((GuardKind::Denies, "Require all denied")),
            Access::Authenticated => Some((GuardKind::Authenticates, "Require")),
            Access::Unsaid | Access::Granted | Access::Unknown => None,
        };
        let mut guards: Vec<Guard> = Vec::new();
        if let (Some((kind, name)), Some(one)) = (kind, find(&["Require", "Deny"])) {
            guards.push(guard(one, kind, name, server));
        }
        let own = section.cases.clone().and(&later.negated()).followed();
        for guard in guards {
            routes = own.change(routes, &guard.at.clone(), |route| route.guards.insert(0, guard.clone()));
        }
        if let Some(one) = find(&["SSLVerifyClient"]).filter(|one| one.word(0).eq_ignore_ascii_case("require")) {
            let guard = guard(one, GuardKind::ClientCertificate, "SSLVerifyClient", server);
            routes = section
                .cases
                .clone()
                .followed()
                .change(routes, &guard.at.clone(), |route| route.guards.insert(0, guard.clone()));
        }
        if says != Access::Unsaid {
            later = later.or(section.cases.clone());
        }
    }
    routes
}

fn guard(one: &Directive, kind: GuardKind, name: &str, server: upstream::Around<'_>) -> Guard {
    Guard {
        at: server.files.place_of(one),
        kind,
        name: name.to_owned(),
    }
}

/// `RequestHeader unset Authorization`, where it has no condition.
fn removed(routes: Vec<Route>, one: &Directive, cases: &Cases, server: upstream::Around<'_>) -> Vec<Route> {
    let action = one.word(0).to_ascii_lowercase();
    let conditional = one
        .words
        .iter()
        .skip(2)
        .any(|word| word.text.starts_with("env=") || word.text.starts_with("expr="));
    if !one.is("RequestHeader") || conditional || !matches!(action.as_str(), "unset" | "set") {
        return routes;
    }
    let at = server.files.place_of(one);
    let header = one.word(1).trim_end_matches(':').to_ascii_lowercase();
    let header = Setting::written(header, format!("RequestHeader {action}"), at.clone());
    cases
        .clone()
        .followed()
        .change(routes, &at, |route| route.removes.push(header.clone()))
}
