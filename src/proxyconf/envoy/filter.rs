//! What stands before a route: HTTP filters, with what a route, a virtual host or a route configuration changes about them.

use super::tree::{at, entry, get, is_true, items, list, number, text, typed, unwrapped};
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::Node;
use crate::proxyconf::{Action, Guard, GuardKind, Path, Place, Route, Setting, Speaks};

/// A filter of a connection manager.
pub(super) struct Filter<'a> {
    /// By which routes name it.
    name: &'a str,
    at: Place,
    kind: &'a str,
    config: &'a Node,
    disabled: bool,
}

impl<'a> Filter<'a> {
    pub(super) fn read(file: &Text, node: &'a Node) -> Self {
        let (kind, config) = typed(node);
        Self {
            name: text(node, "name").unwrap_or_default(),
            at: entry(node, "name").map_or_else(|| node.place(file), |(_, name)| name.place(file)),
            kind,
            config,
            disabled: is_true(node, "disabled"),
        }
    }

    /// The filter as it is for one route, and where that is said; `None` where it is off. The levels are those of
    /// `typed_per_filter_config`, the nearest first.
    fn here(&self, file: &Text, levels: &[&'a Node]) -> Option<(&'a Node, Place)> {
        let own = || (!self.disabled).then(|| (self.config, self.at.clone()));
        let Some(mut over) = levels.iter().find_map(|level| level.get(self.name)) else {
            return own();
        };
        if unwrapped(over).is_some_and(|(kind, _)| kind == "envoy.config.route.v3.FilterConfig") {
            if is_true(over, "disabled") {
                return None;
            }
            match get(over, "config") {
                Some(config) => over = config,
                None => return Some((self.config, self.at.clone())),
            }
        }
        let Some((kind, config)) = unwrapped(over) else {
            return Some((self.config, self.at.clone()));
        };
        if is_true(config, "disabled") {
            return None;
        }
        let place = over.place(file);
        match kind.rsplit('.').next()? {
            "BufferPerRoute" => get(config, "buffer").map(|buffer| (buffer, place)),
            // Without rules it is off.
            "RBACPerRoute" => get(config, "rbac").map(|rbac| (rbac, place)),
            _ if kind == self.kind => Some((config, place)),
            _ => Some((self.config, self.at.clone())),
        }
    }

    /// A route behind this filter: itself, and before it what the filter treats in another way.
    pub(super) fn before(&self, file: &Text, levels: &[&'a Node], limited: bool, mut route: Route) -> Vec<Route> {
        let Some((config, at)) = self.here(file, levels) else {
            return vec![route];
        };
        let is = |name: &str| self.kind.contains(name) && !self.kind.contains(".network.");
        let everywhere = |kind| vec![(Path::All, Some(kind))];
        let rules = if is("filters.http.rbac") {
            get(config, "rules").map(access).unwrap_or_default()
        } else if is("filters.http.jwt_authn") {
            tokens(config)
        } else if is("filters.http.ext_authz") && is_on(config, "filter_enabled", true)
            || is("filters.http.basic_auth")
            || is("filters.http.oauth2")
        {
            everywhere(GuardKind::Authenticates)
        } else if is("filters.http.local_ratelimit") && is_enforced(config) || is("filters.http.ratelimit") && limited {
            everywhere(GuardKind::Limits)
        } else if is("filters.http.fault") && aborts(config) {
            everywhere(GuardKind::Aborts)
        } else {
            self.change(file, config, &at, &mut route);
            Vec::new()
        };
        guarded(route, rules, |kind| Guard {
            at: at.clone(),
            kind,
            name: self.name.to_owned(),
        })
    }

    /// What a filter does to every request of a route.
    fn change(&self, file: &Text, config: &Node, at: &Place, route: &mut Route) {
        let is = |name: &str| self.kind.contains(name);
        if is("filters.http.buffer") {
            route.buffers_requests = Some(Setting::written(true, self.name, at.clone()));
            route.limits.body = number(file, config, "max_request_bytes");
        } else if is("filters.http.ext_proc") {
            let buffers = |field| {
                let mode = self::at(config, &["processing_mode", field])?;
                let whole = mode.text()?.to_ascii_uppercase().starts_with("BUFFERED");
                whole.then(|| Setting::written(true, field, mode.place(file)))
            };
            route.buffers_requests = buffers("request_body_mode").or(route.buffers_requests.take());
            route.buffers_responses = buffers("response_body_mode").or(route.buffers_responses.take());
        } else if is("filters.http.grpc_http1_reverse_bridge") {
            if let Action::Forward(to) = &mut route.action
                && to.speaks.value != Speaks::Http1
            {
                to.speaks = Setting::written(Speaks::Http1, self.name, at.clone());
            }
        } else if is("filters.http.header_mutation") {
            let all = get(config, "mutations").into_iter();
            let removed = all
                .flat_map(|mutations| list(mutations, "request_mutations"))
                .filter_map(|mutation| get(mutation, "remove"));
            route.removes.extend(removed.filter_map(|name| {
                Some(Setting::written(
                    name.text()?.to_ascii_lowercase(),
                    "remove",
                    name.place(file),
                ))
            }));
        }
    }
}

/// What is refused on some paths, the first that fits first; `None` lets through.
type Rules = Vec<(Path, Option<GuardKind>)>;

/// A route with the guards that some rules put before it. Where a rule is for a part of its paths, that part goes first.
pub(super) fn guarded(mut route: Route, rules: Rules, guard: impl Fn(GuardKind) -> Guard) -> Vec<Route> {
    let mut all = Vec::new();
    for (path, kind) in rules {
        match covers(&path, &route.path) {
            Covers::Nothing => {}
            Covers::All => {
                route.guards.extend(kind.map(&guard));
                break;
            }
            Covers::Part => {
                let mut part = route.clone();
                part.path = path;
                part.guards.extend(kind.map(&guard));
                all.push(part);
            }
            // What comes behind it can't be told either.
            Covers::Unknown => break,
        }
    }
    all.push(route);
    all
}

/// How much of a route's paths a rule is for.
enum Covers {
    All,
    Part,
    Nothing,
    Unknown,
}

fn covers(rule: &Path, route: &Path) -> Covers {
    use crate::proxyconf::path::Is;
    let by = |all: bool, part: bool| match (all, part) {
        (true, _) => Covers::All,
        (false, true) => Covers::Part,
        (false, false) => Covers::Nothing,
    };
    match (rule, route) {
        (Path::All, _) => Covers::All,
        (Path::Prefix(start), _) if start == "/" => Covers::All,
        (_, Path::Exact(one)) => match rule.takes(one) {
            Is::Yes => Covers::All,
            Is::No => Covers::Nothing,
            Is::Perhaps => Covers::Unknown,
        },
        (Path::Prefix(_) | Path::Exact(_) | Path::Segments(_), Path::All) => Covers::Part,
        (Path::Prefix(start), Path::Prefix(own) | Path::Segments(own)) => {
            by(own.starts_with(start.as_str()), route.takes(start) == Is::Yes)
        }
        (Path::Segments(start), Path::Prefix(_) | Path::Segments(_)) => match route {
            Path::Segments(own) | Path::Prefix(own) => by(rule.takes(own) == Is::Yes, route.takes(start) == Is::Yes),
            _ => Covers::Unknown,
        },
        (Path::Exact(one), Path::Prefix(_) | Path::Segments(_)) => by(false, route.takes(one) == Is::Yes),
        _ => Covers::Unknown,
    }
}

/// What a role-based filter refuses.
pub(super) fn access(rules: &Node) -> Rules {
    let allows = match text(rules, "action").map(str::to_ascii_uppercase).as_deref() {
        None | Some("ALLOW" | "0") => true,
        Some("DENY" | "1") => false,
        // It writes to a log.
        Some(_) => return Vec::new(),
    };
    let policies = get(rules, "policies").map(Node::entries).unwrap_or_default();
    let mut found = Rules::new();
    for (_, policy) in policies {
        let everybody = list(policy, "principals").any(is_everybody) && get(policy, "condition").is_none();
        for path in list(policy, "permissions").map(permitted) {
            match (allows, everybody) {
                (false, true) => found.push((path, Some(GuardKind::Denies))),
                // Whom it refuses can't be told.
                (false, false) => {}
                (true, _) => found.push((path, None)),
            }
        }
    }
    if allows {
        found.push((Path::All, Some(GuardKind::Denies)));
    }
    flat(found)
}

/// One of several paths is several rules.
fn flat(rules: Rules) -> Rules {
    let each = |(path, kind)| match path {
        Path::Any(paths) => paths.into_iter().map(|path| (path, kind)).collect(),
        path => vec![(path, kind)],
    };
    rules.into_iter().flat_map(each).collect()
}

fn is_everybody(principal: &Node) -> bool {
    let of = |group: &str, field: &str| {
        get(principal, group)
            .into_iter()
            .flat_map(|set| list(set, field))
            .collect::<Vec<_>>()
    };
    let (all, some) = (of("and_ids", "ids"), of("or_ids", "ids"));
    is_true(principal, "any")
        || !all.is_empty() && all.into_iter().all(is_everybody)
        || some.into_iter().any(is_everybody)
}

/// The paths of a permission; one that asks for anything else isn't followed.
fn permitted(permission: &Node) -> Path {
    if is_true(permission, "any") {
        return Path::All;
    }
    let of = |group: &str| get(permission, group).map(|set| list(set, "rules").map(permitted).collect::<Vec<_>>());
    if let Some(all) = of("and_rules") {
        let mut narrow = all.into_iter().filter(|path| *path != Path::All);
        return match (narrow.next(), narrow.next()) {
            (None, _) => Path::All,
            (Some(path), None) => path,
            (Some(_), Some(_)) => Path::Else("and_rules".to_owned()),
        };
    }
    if let Some(some) = of("or_rules") {
        let paths = some.into_iter().flat_map(|path| match path {
            Path::Any(paths) => paths,
            path => vec![path],
        });
        return Path::Any(paths.collect());
    }
    let matcher = at(permission, &["url_path", "path"]).or_else(|| {
        let header = get(permission, "header")?;
        (text(header, "name") == Some(":path")).then(|| get(header, "string_match"))?
    });
    matcher
        .and_then(matched)
        .unwrap_or_else(|| Path::Else("a permission".to_owned()))
}

/// The paths of a matcher of strings.
fn matched(matcher: &Node) -> Option<Path> {
    let (key, value) = matcher.entries().iter().find(|(key, _)| key.name != "ignore_case")?;
    if is_true(matcher, "ignore_case") {
        return None;
    }
    let word = || value.text().map(str::to_owned);
    match key.name.as_str() {
        "exact" => Some(Path::Exact(word()?)),
        "prefix" => Some(Path::Prefix(word()?)),
        "safe_regex" | "safeRegex" => Some(Path::Matches(format!("^(?:{})$", text(value, "regex")?))),
        _ => None,
    }
}

/// Where a filter for tokens wants one.
fn tokens(config: &Node) -> Rules {
    let named = get(config, "requirement_map");
    let each = |rule: &Node| {
        let path = get(rule, "match").map_or(Path::All, super::route::path_alone);
        let requires = get(rule, "requires").or_else(|| named?.get(text(rule, "requirement_name")?));
        (
            path,
            requires.is_some_and(wants_token).then_some(GuardKind::Authenticates),
        )
    };
    list(config, "rules").map(each).collect()
}

/// Whether a call without a token is refused.
fn wants_token(requirement: &Node) -> bool {
    let of = |group: &str| {
        get(requirement, group)
            .into_iter()
            .flat_map(|set| list(set, "requirements"))
            .collect::<Vec<_>>()
    };
    let (some, all) = (of("requires_any"), of("requires_all"));
    get(requirement, "provider_name").is_some()
        || get(requirement, "provider_and_audiences").is_some()
        || !some.is_empty() && some.into_iter().all(wants_token)
        || all.into_iter().any(wants_token)
}

/// Whether a share of requests is more than none. Where nothing is said, Envoy's own default counts.
fn is_on(config: &Node, field: &str, unsaid: bool) -> bool {
    let share = get(config, field).map(|share| at(share, &["default_value", "numerator"]).and_then(Node::number));
    share.map_or(unsaid, |numerator| numerator.unwrap_or_default() > 0)
}

fn is_enforced(config: &Node) -> bool {
    get(config, "token_bucket").is_some()
        && is_on(config, "filter_enabled", false)
        && is_on(config, "filter_enforced", false)
}

/// Whether every request is aborted.
fn aborts(config: &Node) -> bool {
    let share = at(config, &["abort", "percentage"]);
    let whole = |share: &Node| {
        let of = match text(share, "denominator").map(str::to_ascii_uppercase).as_deref() {
            Some("TEN_THOUSAND") => 10_000,
            Some("MILLION") => 1_000_000,
            _ => 100,
        };
        get(share, "numerator")
            .and_then(Node::number)
            .is_some_and(|numerator| numerator >= of)
    };
    share.is_some_and(whole) && get(config, "headers").is_none_or(|headers| items(headers).next().is_none())
}
