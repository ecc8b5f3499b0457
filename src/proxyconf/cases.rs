//! When a rule of a proxy holds: some of several cases, each a list of conditions that all have to hold.
//!
//! HAProxy's conditions, Caddy's matchers and Apache's `RewriteCond` are read into this, and cut routes apart with it.

use super::path::{Is, METHODS, Path};
use super::{Asks, Condition, Host, Place, Route, Setting};

/// The cases in which something holds. None at all: never. One without a condition: always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cases(pub(super) Vec<Vec<Condition>>);

/// More cases or routes than this come from nothing that a person wrote; what is beyond isn't followed.
const MOST_CASES: usize = 64;
const MOST_ROUTES: usize = 1_000;

/// What else Hoop's clients ask for, beside the methods of gRPC.
const REST: [&str; 4] = ["/", "/api/healthz", "/api/ws", "/ssm/ws/x"];

impl Cases {
    /// It holds for every request.
    pub(super) fn always() -> Self {
        Self(vec![Vec::new()])
    }

    /// It holds for none.
    pub(super) fn never() -> Self {
        Self(Vec::new())
    }

    /// It holds for what this asks for.
    pub(super) fn of(asks: Asks) -> Self {
        match asks {
            Asks::Path(Path::All) => Self::always(),
            asks => Self(vec![vec![Condition { asks, not: false }]]),
        }
    }

    /// It can't be told when it holds.
    pub(super) fn unknown(written: impl Into<String>) -> Self {
        Self::of(Asks::Else(written.into()))
    }

    /// Both hold.
    pub(super) fn and(self, other: &Self) -> Self {
        let pairs = self
            .0
            .iter()
            .flat_map(|one| other.0.iter().map(move |more| (one, more)));
        let all = pairs.map(|(one, more)| {
            let mut case = one.clone();
            case.extend(more.iter().filter(|condition| !one.contains(condition)).cloned());
            case
        });
        Self(all.take(MOST_CASES + 1).collect()).bounded()
    }

    /// One of both holds.
    pub(super) fn or(mut self, other: Self) -> Self {
        let new: Vec<_> = other.0.into_iter().filter(|case| !self.0.contains(case)).collect();
        self.0.extend(new);
        self.bounded()
    }

    /// The contrary holds.
    pub(super) fn negated(&self) -> Self {
        let contrary = |case: &Vec<Condition>| {
            let each = case.iter().map(|condition| {
                vec![Condition {
                    asks: condition.asks.clone(),
                    not: !condition.not,
                }]
            });
            Self(each.collect())
        };
        self.0
            .iter()
            .map(contrary)
            .fold(Self::always(), |all, one| all.and(&one))
    }

    fn bounded(self) -> Self {
        match self.0.len() > MOST_CASES {
            true => Self::unknown("more cases than can be followed"),
            false => self,
        }
    }

    /// Without the cases that can't be followed.
    pub(super) fn followed(mut self) -> Self {
        self.0
            .retain(|case| case.iter().all(|condition| !matches!(condition.asks, Asks::Else(_))));
        self
    }

    /// A copy of a route for each case.
    pub(super) fn routes(&self, route: &Route) -> Vec<Route> {
        self.0.iter().map(|case| narrowed(route, case, &route.at)).collect()
    }

    /// What is left of routes in these cases.
    pub(super) fn within(&self, routes: &[Route], at: &Place) -> Vec<Route> {
        let mut left: Vec<Route> = Vec::new();
        for case in &self.0 {
            let met = Met::by_case(case);
            // What is for all paths stays in any case: a path that is almost the right one is worth seeing.
            let common = |route: &&Route| route.path == Path::All || !apart(route, case, met);
            for route in routes.iter().filter(common) {
                let part = narrowed(route, case, at);
                if left.len() < MOST_ROUTES && !left.iter().any(|earlier| takes_all(earlier, &part)) {
                    left.push(part);
                }
            }
        }
        left
    }

    /// Makes a change to what the routes do in these cases. A route that is only in part concerned is cut in two.
    pub(super) fn change(&self, routes: Vec<Route>, at: &Place, change: impl Fn(&mut Route)) -> Vec<Route> {
        let mut changed = Vec::with_capacity(routes.len());
        let cases: Vec<(&Vec<Condition>, Met)> = self.0.iter().map(|case| (case, Met::by_case(case))).collect();
        for mut route in routes {
            let mut whole = false;
            for (case, met) in &cases {
                if case.iter().all(|condition| implied(&route, condition)) {
                    whole = true;
                    break;
                }
                if changed.len() >= MOST_ROUTES || apart(&route, case, *met) {
                    continue;
                }
                let mut part = narrowed(&route, case, at);
                if !changed.iter().any(|earlier| takes_all(earlier, &part)) {
                    change(&mut part);
                    changed.push(part);
                }
            }
            if whole {
                change(&mut route);
            }
            changed.push(route);
        }
        changed
    }
}

/// The part of a route for which these conditions hold.
fn narrowed(route: &Route, case: &[Condition], at: &Place) -> Route {
    let mut part = route.clone();
    for condition in case.iter().filter(|condition| !implied(route, condition)) {
        match (&condition.asks, condition.not) {
            (Asks::Path(path), false) if part.path == Path::All => part.path = path.clone(),
            (Asks::Host(hosts), false) if part.hosts.is_empty() => {
                let hosts = hosts.iter().cloned();
                part.hosts = hosts.map(|host| Setting::written(host, "host", at.clone())).collect();
            }
            _ => part.when.push(condition.clone()),
        }
    }
    part
}

/// Whether a route has a condition already.
fn implied(route: &Route, condition: &Condition) -> bool {
    let own = match (&condition.asks, condition.not) {
        (Asks::Path(path), false) => inside(&route.path, path),
        (Asks::Host(hosts), false) => {
            !route.hosts.is_empty() && route.hosts.iter().all(|own| hosts.contains(&own.value))
        }
        (Asks::Never(_), true) => true,
        _ => false,
    };
    own || route.when.contains(condition)
}

/// Whether each of some paths is surely among others.
fn inside(inner: &Path, outer: &Path) -> bool {
    match (inner, outer) {
        (_, Path::All) => true,
        (Path::Exact(path), outer) => outer.takes(path) == Is::Yes,
        (Path::Prefix(start), Path::Prefix(other)) => start.starts_with(other.as_str()),
        (Path::Prefix(start) | Path::PrefixAnyCase(start), Path::PrefixAnyCase(other)) => {
            start.to_ascii_lowercase().starts_with(&other.to_ascii_lowercase())
        }
        (inner, outer) => inner == outer,
    }
}

/// Whether nothing is left of a later route by an earlier one.
fn takes_all(earlier: &Route, later: &Route) -> bool {
    let same_hosts = earlier.hosts.is_empty() || earlier.hosts == later.hosts;
    same_hosts && earlier.path == later.path && earlier.when.iter().all(|own| later.when.contains(own))
}

/// Which of the paths that Hoop's clients ask for are met, a bit each; those of which it can't be told are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Met(u8);

impl Met {
    fn of(takes: impl Fn(&str) -> Is) -> Self {
        let paths = METHODS.iter().chain(&REST).enumerate();
        Self(paths.fold(0, |met, (at, path)| met | u8::from(takes(path) != Is::No) << at))
    }

    fn by_case(case: &[Condition]) -> Self {
        Self::of(|path| {
            let asked = case.iter().map(|condition| match (&condition.asks, condition.not) {
                (Asks::Path(own), false) => own.takes(path),
                (Asks::Path(own), true) => own.takes(path).negated(),
                _ => Is::Yes,
            });
            asked.fold(Is::Yes, Is::and)
        })
    }
}

/// Whether none of the requests in question is both the route's and the case's.
fn apart(route: &Route, case: &[Condition], met: Met) -> bool {
    let against = |own: &Condition, other: &Condition| own.asks == other.asks && own.not != other.not;
    let contrary = |condition: &Condition| {
        let never = matches!(condition.asks, Asks::Never(_)) && !condition.not;
        never || route.when.iter().any(|own| against(own, condition)) || other_hosts(route, condition)
    };
    // Expressions take long to be understood, and most rules are for nothing of Hoop's.
    met.0 == 0 || case.iter().any(contrary) || Met::of(|path| route.path.takes(path)).0 & met.0 == 0
}

/// Whether a condition asks for hosts that aren't the route's.
fn other_hosts(route: &Route, condition: &Condition) -> bool {
    let name = |host: &Host| matches!(host, Host::Name(_));
    match (&condition.asks, condition.not) {
        (Asks::Host(hosts), false) => {
            let all_names = hosts.iter().all(name) && route.hosts.iter().all(|own| name(&own.value));
            !route.hosts.is_empty() && all_names && !route.hosts.iter().any(|own| hosts.contains(&own.value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Cases;
    use crate::proxyconf::source::Text;
    use crate::proxyconf::{Action, Asks, Path, Route};

    fn service() -> Cases {
        Cases::of(Asks::Path(Path::Prefix("/protobuf.Transport/".to_owned())))
    }

    fn route(path: Path) -> Route {
        Route::new(Text::new("a", "b").place(0), path, Action::Answer(200))
    }

    #[test]
    fn cases_follow_the_laws_of_logic() {
        let api = Cases::of(Asks::Path(Path::Prefix("/api".to_owned())));
        assert_eq!(Cases::always().negated(), Cases::never());
        assert_eq!(Cases::never().negated(), Cases::always());
        assert_eq!(service().negated().negated(), service());
        let neither = service().or(api.clone()).negated();
        assert_eq!(neither, service().negated().and(&api.negated()));
        assert_eq!(service().and(&service()), service());
    }

    #[test]
    fn a_change_cuts_a_route_where_it_holds_for_a_part_of_it() {
        let change = |routes| {
            service().change(routes, &Text::new("a", "b").place(0), |route| {
                route.action = Action::Answer(403)
            })
        };
        let whole = change(vec![route(Path::Prefix("/protobuf.Transport/".to_owned()))]);
        assert_eq!((whole.len(), &whole[0].action), (1, &Action::Answer(403)));
        let cut = change(vec![route(Path::All)]);
        assert_eq!(cut.len(), 2);
        assert!(cut[0].path.is_for_service());
        assert_eq!(
            (&cut[0].action, &cut[1].action),
            (&Action::Answer(403), &Action::Answer(200))
        );
        let other = change(vec![route(Path::Prefix("/api".to_owned()))]);
        assert_eq!((other.len(), &other[0].action), (1, &Action::Answer(200)));
    }
}
