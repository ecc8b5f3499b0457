//! What becomes of a request in a block of `http`: the rewriting directives in their order, then who stands before it, then where
//! it goes.

use regex_lite::Regex;

use super::condition::{Holds, holds};
use super::directives::Refusal;
use super::forward;
use super::http::World;
use super::listen::Listen;
use super::location::{Kind, Location};
use super::scope::Scope;
use super::syntax::Statement;
use crate::proxyconf::path::{Is, METHODS};
use crate::proxyconf::{Action, Asks, Condition, Guard, GuardKind, Host, Path, Place, Route, Setting};

/// Requests that arrive somewhere.
#[derive(Clone, Debug)]
pub(super) struct Arriving {
    pub path: Path,
    pub when: Vec<Condition>,
    pub hosts: Vec<Setting<Host>>,
    /// Guards that they met on their way.
    pub guards: Vec<Guard>,
}

/// Where they arrive.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'w, 'a> {
    pub world: &'w World<'a>,
    pub listen: &'w Listen,
    /// Whether they arrive over TLS, where that is known.
    pub tls: Option<bool>,
    /// The locations of the server, for those that are named.
    pub locations: &'w [Location<'a>],
}

/// What the rewriting directives of a block leave.
enum Rewritten {
    /// Every request was answered, or leaves for another location.
    Done,
    /// The rest goes on, with its path changed where a place is given.
    GoesOn(Option<Place>),
}

impl At<'_, '_> {
    /// The routes of a server's own rewriting directives. Whether anything comes through, and which guards it met.
    pub(super) fn server(self, scope: &Scope<'_>, arriving: &mut Arriving, out: &mut Vec<Route>) -> bool {
        match self.rewrite(scope, arriving, out) {
            Rewritten::Done => false,
            Rewritten::GoesOn(_) => true,
        }
    }

    /// The routes of a location.
    pub(super) fn location(
        self,
        location: &Location<'_>,
        arriving: Arriving,
        refusals: &mut Vec<Refusal>,
        out: &mut Vec<Route>,
    ) {
        self.block(&location.scope, Some(location.kind), arriving, refusals, out, 0);
    }

    /// The routes of what stands in a location that isn't in the file.
    pub(super) fn bare(self, scope: &Scope<'_>, arriving: Arriving, refusals: &mut Vec<Refusal>, out: &mut Vec<Route>) {
        self.block(scope, None, arriving, refusals, out, 0);
    }

    /// The route of what no location takes.
    pub(super) fn rest(self, scope: &Scope<'_>, arriving: Arriving, out: &mut Vec<Route>) {
        let mut route = self.route(&arriving, scope.begin(), Action::Answer(200));
        route.guards.extend(guards(scope));
        out.push(route);
    }

    fn block(
        self,
        scope: &Scope<'_>,
        kind: Option<Kind<'_>>,
        mut arriving: Arriving,
        refusals: &mut Vec<Refusal>,
        out: &mut Vec<Route>,
        depth: usize,
    ) {
        if scope.own_one("internal").is_some() {
            // Clients can't ask for it.
            out.push(self.route(&arriving, scope.begin(), Action::Answer(404)));
            return;
        }
        let rewritten = match self.rewrite(scope, &mut arriving, out) {
            Rewritten::Done => return,
            Rewritten::GoesOn(rewritten) => rewritten,
        };
        self.exceptions(scope, &arriving, out);
        if let Some(tried) = scope.own_one("try_files") {
            let last = tried.args.last().map(|word| word.text.as_str()).unwrap_or_default();
            let named = self.locations.iter().find(|one| one.kind == Kind::Named(last));
            match (named, last.strip_prefix('=').map(str::parse)) {
                (Some(named), _) if depth < 4 => {
                    return self.block(&named.scope, Some(named.kind), arriving, refusals, out, depth + 1);
                }
                (_, Some(Ok(status))) => {
                    return out.push(self.content(scope, &arriving, scope.place(&tried.name), Action::Answer(status)));
                }
                _ => {}
            }
        }
        // `if` blocks with a handler of their own come first; what they don't take goes on.
        for statement in scope.own().iter().filter(|one| one.name.text == "if") {
            let inner = scope.inside(statement);
            let Some(handler) = forward::handler(&inner) else {
                continue;
            };
            let Some(arriving) = self.narrowed(scope, statement, &arriving) else {
                continue;
            };
            let handled = forward::handled(self.world, &inner, handler, None, refusals);
            out.push(self.finish(&inner, &arriving, handled, rewritten.clone()));
        }
        match forward::handler(scope) {
            Some(handler) => {
                let handled = forward::handled(self.world, scope, handler, kind, refusals);
                out.push(self.finish(scope, &arriving, handled, rewritten));
            }
            None => out.push(self.content(scope, &arriving, scope.begin(), Action::Answer(200))),
        }
    }

    /// `if`, `return`, `rewrite` and `break` of a block, in their order.
    fn rewrite(self, scope: &Scope<'_>, arriving: &mut Arriving, out: &mut Vec<Route>) -> Rewritten {
        let mut changed = None;
        for statement in scope.own() {
            match statement.name.text.as_str() {
                "break" => break,
                "return" => {
                    out.push(self.route(arriving, scope.place(&statement.name), returned(statement)));
                    return Rewritten::Done;
                }
                "rewrite" => match self.change(scope, statement, arriving, out) {
                    Change::All => return Rewritten::Done,
                    Change::None => {}
                    Change::Path { stops } => {
                        changed = Some(scope.place(&statement.name));
                        if stops {
                            break;
                        }
                    }
                },
                "if" => self.condition(scope, statement, arriving, out),
                _ => {}
            }
        }
        Rewritten::GoesOn(changed)
    }

    /// What an `if` answers by itself.
    fn condition(self, scope: &Scope<'_>, statement: &Statement, arriving: &mut Arriving, out: &mut Vec<Route>) {
        let inner = scope.inside(statement);
        let answers = inner.own().iter().find_map(|one| match one.name.text.as_str() {
            "return" => Some((one, returned(one))),
            "rewrite" => Some((one, rewritten(one))),
            _ => None,
        });
        let Some((answer, action)) = answers else { return };
        let place = scope.place(&answer.name);
        if holds(statement, self.listen, self.tls) == Holds::WithoutCertificate {
            arriving.guards.push(Guard {
                at: scope.place(&statement.name),
                kind: GuardKind::ClientCertificate,
                name: "$ssl_client_verify".to_owned(),
            });
            return;
        }
        if let Some(narrowed) = self.narrowed(scope, statement, arriving) {
            out.push(self.route(&narrowed, place, action));
        }
    }

    /// Those for which the condition of an `if` holds; `None` where it never does.
    fn narrowed(self, scope: &Scope<'_>, statement: &Statement, arriving: &Arriving) -> Option<Arriving> {
        let mut narrowed = arriving.clone();
        match holds(statement, self.listen, self.tls) {
            Holds::Never => return None,
            Holds::Always => {}
            Holds::When(condition) => narrowed.when.push(condition),
            Holds::AtHost(host) => narrowed
                .hosts
                .push(Setting::written(host, "if", scope.place(&statement.name))),
            Holds::WithoutCertificate => narrowed.when.push(Condition {
                asks: Asks::Else("$ssl_client_verify".to_owned()),
                not: false,
            }),
        }
        Some(narrowed)
    }

    /// What a `rewrite` does to these requests.
    fn change(self, scope: &Scope<'_>, statement: &Statement, arriving: &Arriving, out: &mut Vec<Route>) -> Change {
        let (Some(pattern), flag) = (statement.arg(0), statement.arg(2)) else {
            return Change::None;
        };
        let samples = samples(&arriving.path);
        let found = Regex::new(pattern).ok().map(|regex| {
            let found = samples.iter().filter(|path| regex.is_match(path)).count();
            (found > 0, found == samples.len())
        });
        let stays = flag == Some("break");
        match (rewritten(statement), found) {
            (_, Some((false, _))) => Change::None,
            (Action::Else(_), _) if stays => Change::Path { stops: true },
            (action, found) => {
                let mut narrowed = arriving.clone();
                let all = found.is_some_and(|(_, all)| all);
                match (&arriving.path, all) {
                    (_, true) => {}
                    (Path::All, false) => narrowed.path = Path::Matches(pattern.to_owned()),
                    _ => narrowed.when.push(Condition {
                        asks: Asks::Else(format!("rewrite {pattern}")),
                        not: false,
                    }),
                }
                out.push(self.route(&narrowed, scope.place(&statement.name), action));
                match all {
                    true => Change::All,
                    false => Change::None,
                }
            }
        }
    }

    /// What `limit_except` refuses.
    fn exceptions(self, scope: &Scope<'_>, arriving: &Arriving, out: &mut Vec<Route>) {
        let Some(statement) = scope.own_one("limit_except") else {
            return;
        };
        let mut methods: Vec<String> = statement.args.iter().map(|word| word.text.clone()).collect();
        if methods.iter().any(|method| method == "GET") {
            methods.push("HEAD".to_owned());
        }
        if !denies(&scope.inside(statement)) {
            return;
        }
        let mut refused = arriving.clone();
        refused.when.push(Condition {
            asks: Asks::Method(methods),
            not: true,
        });
        out.push(self.route(&refused, scope.place(&statement.name), Action::Answer(403)));
    }

    /// A route without anything that stands before it or limits it.
    fn route(self, arriving: &Arriving, at: Place, action: Action) -> Route {
        Route {
            hosts: arriving.hosts.clone(),
            when: arriving.when.clone(),
            guards: arriving.guards.clone(),
            ..Route::new(at, arriving.path.clone(), action)
        }
    }

    /// An answer that is given after whoever stands before it.
    fn content(self, scope: &Scope<'_>, arriving: &Arriving, at: Place, action: Action) -> Route {
        let mut route = self.route(arriving, at, action);
        route.guards.extend(guards(scope));
        route
    }

    fn finish(
        self,
        scope: &Scope<'_>,
        arriving: &Arriving,
        handled: forward::Handled,
        changed: Option<Place>,
    ) -> Route {
        let mut route = self.content(scope, arriving, scope.begin(), handled.action);
        route.limits = handled.limits;
        route.removes = handled.removes;
        route.rewrites = changed.or(handled.rewrites);
        route.buffers_requests = handled.buffers_requests;
        route.buffers_responses = handled.buffers_responses;
        route.retries = handled.retries;
        route.upgrades = handled.upgrades;
        route
    }
}

/// What a `rewrite` comes to.
enum Change {
    None,
    /// The path is another one at the upstream.
    Path {
        stops: bool,
    },
    /// No request goes on here.
    All,
}

/// What `return` does.
fn returned(statement: &Statement) -> Action {
    let (first, second) = (statement.arg(0).unwrap_or_default(), statement.arg(1));
    match (first.parse::<u16>(), second) {
        (Ok(301 | 302 | 303 | 307 | 308), Some(url)) => Action::Redirect(url.to_owned()),
        (Ok(status), _) => Action::Answer(status),
        (Err(_), _) => Action::Redirect(first.to_owned()),
    }
}

/// Where `rewrite` sends requests: to another site, or to another location, which isn't followed.
fn rewritten(statement: &Statement) -> Action {
    let target = statement.arg(1).unwrap_or_default();
    let leaves = ["http://", "https://", "$scheme"]
        .iter()
        .any(|start| target.starts_with(start));
    match (leaves, statement.arg(2)) {
        (true, _) | (_, Some("redirect" | "permanent")) => Action::Redirect(target.to_owned()),
        _ => Action::Else(format!("rewrite {} {target}", statement.arg(0).unwrap_or_default())),
    }
}

/// Paths by which it is told whether an expression concerns what Hoop asks for.
fn samples(path: &Path) -> Vec<String> {
    let known = METHODS
        .into_iter()
        .chain(["/", "/login", "/api/healthz", "/api/ws"])
        .map(str::to_owned);
    let own = match path {
        Path::Prefix(start) => vec![start.clone(), format!("{start}x")],
        Path::Exact(path) => vec![path.clone()],
        _ => Vec::new(),
    };
    known.chain(own).filter(|one| path.takes(one) == Is::Yes).collect()
}

/// Who stands before the content of a block.
fn guards(scope: &Scope<'_>) -> Vec<Guard> {
    let mut found = Vec::new();
    let mut add = |statement: &Statement, kind, name: &str| {
        found.push(Guard {
            at: scope.place(&statement.name),
            kind,
            name: name.to_owned(),
        });
    };
    for name in ["auth_basic", "auth_request", "auth_jwt"] {
        if let Some(statement) = scope.find(name).filter(|one| one.arg(0) != Some("off")) {
            add(statement, GuardKind::Authenticates, name);
        }
    }
    for name in ["limit_req", "limit_conn"] {
        for statement in scope.all(&[name]) {
            add(statement, GuardKind::Limits, name);
        }
    }
    let any = scope.find("satisfy").is_some_and(|one| one.arg(0) == Some("any"));
    let authenticates = found.iter().any(|guard| guard.kind == GuardKind::Authenticates);
    let rules = scope.all(&["allow", "deny"]);
    match rules.first().map(|first| (first.name.text.as_str(), first.arg(0))) {
        // Whoever is let in by an address needs nothing else.
        Some(("allow", Some("all"))) if any => found.retain(|guard| guard.kind != GuardKind::Authenticates),
        Some(_) if any && authenticates => {}
        Some(_) => found.extend(denial(scope)),
        None => {}
    }
    found
}

/// That everybody is refused: nobody was let in before.
fn denial(scope: &Scope<'_>) -> Option<Guard> {
    let first = scope.all(&["allow", "deny"]).into_iter().next()?;
    let all = first.name.text == "deny" && first.arg(0) == Some("all");
    all.then(|| Guard {
        at: scope.place(&first.name),
        kind: GuardKind::Denies,
        name: "deny all".to_owned(),
    })
}

fn denies(scope: &Scope<'_>) -> bool {
    let own = scope
        .own()
        .iter()
        .find(|one| matches!(one.name.text.as_str(), "allow" | "deny"));
    own.is_some_and(|one| one.name.text == "deny" && one.arg(0) == Some("all"))
}
