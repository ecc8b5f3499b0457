//! What a section does to a request before it goes on: `http-request`, `tcp-request` and `redirect`, in HAProxy's order.

use super::super::cases::Cases;
use super::super::source::Text;
use super::super::{Action, Guard, GuardKind, Path, Place, Route, Setting};
use super::condition::{Arrival, counts, split};
use super::line::{Line, Word};
use super::time;

/// Puts the rules of a section before routes.
pub(super) fn before(routes: Vec<Route>, lines: &[&Line], text: &Text, arrival: Arrival<'_>) -> Vec<Route> {
    let all = rules(lines, text, arrival);
    // From the last to the first, as each acts on all that comes after it.
    all.into_iter().rev().fold(routes, |routes, rule| rule.before(routes))
}

struct Rule {
    at: Place,
    cases: Cases,
    does: Does,
}

enum Does {
    Ends(Action),
    Guards(Guard),
    Removes(Setting<String>),
    Rewrites,
    Buffers,
    Idle(u64),
}

impl Rule {
    fn before(self, routes: Vec<Route>) -> Vec<Route> {
        let Self { at, cases, does } = self;
        let change = |change: &dyn Fn(&mut Route), routes| cases.change(routes, &at, change);
        match &does {
            Does::Ends(action) => {
                let mut all = cases.routes(&Route::new(at.clone(), Path::All, action.clone()));
                all.extend(routes);
                all
            }
            Does::Guards(guard) => change(&|route| route.guards.insert(0, guard.clone()), routes),
            Does::Removes(header) => change(&|route| route.removes.insert(0, header.clone()), routes),
            Does::Rewrites => change(&|route| route.rewrites = Some(at.clone()), routes),
            Does::Buffers => {
                let buffers = Setting::written(true, "http-request wait-for-body", at.clone());
                change(&|route| route.buffers_requests = Some(buffers.clone()), routes)
            }
            Does::Idle(ms) => {
                let idle = Setting::written(*ms, "http-request set-timeout server", at.clone());
                change(&|route| route.limits.idle = vec![idle.clone()], routes)
            }
        }
    }
}

/// The sets of rules in the order in which they are asked.
const SETS: [&[&str]; 5] = [
    &["tcp-request", "connection"],
    &["tcp-request", "session"],
    &["tcp-request", "content"],
    &["http-request"],
    &["redirect"],
];

fn rules(lines: &[&Line], text: &Text, arrival: Arrival<'_>) -> Vec<Rule> {
    let mut found = Vec::new();
    for set in SETS {
        // What an `allow` lets through meets no more rules of its set.
        let mut left = Cases::always();
        for line in lines.iter().filter(|line| line.says(set)) {
            let (words, holds) = split(line.from(set.len()), arrival);
            let action = words.first().map_or("", |word| word.text.as_str());
            if matches!(action, "allow" | "accept") && set.last() != Some(&"redirect") {
                left = left.and(&holds.negated());
                continue;
            }
            let cases = holds.and(&left);
            let (words, action) = match set {
                ["redirect"] => (line.from(0), "redirect"),
                _ => (words, action),
            };
            found.extend(rule(action, words, cases, line, text));
        }
    }
    found
}

fn rule(action: &str, words: &[Word], cases: Cases, line: &Line, text: &Text) -> Option<Rule> {
    let at = line.place(text, 0);
    let word = |index: usize| words.get(index).map_or("", |word: &Word| word.text.as_str());
    let after = |name: &str| {
        let at = words.iter().position(|word| word.text == name)?;
        words.get(at + 1).map(|word| word.text.as_str())
    };
    let name = format!("{} {action}", line.word(0));
    let does = match action {
        "deny" | "tarpit" | "reject" | "silent-drop" => return refusal(action, after("deny_status"), cases, line, at),
        "auth" => Does::Guards(guard(&at, GuardKind::Authenticates, name)),
        "return" => Does::Ends(Action::Answer(
            after("status").and_then(|status| status.parse().ok()).unwrap_or(200),
        )),
        "redirect" => {
            let targets = ["location", "prefix", "scheme"];
            let (kind, to) = targets.iter().find_map(|kind| Some((*kind, after(kind)?)))?;
            let to = if kind == "scheme" {
                format!("{to}://")
            } else {
                to.to_owned()
            };
            Does::Ends(Action::Redirect(to))
        }
        "use-service" => Does::Ends(Action::Else(format!("use-service {}", word(1)))),
        "set-path" | "set-pathq" | "set-uri" => Does::Rewrites,
        "replace-path" | "replace-pathq" => {
            let finds = Cases::of(super::super::Asks::Path(Path::Matches(word(1).to_owned())));
            let cases = cases.and(&finds);
            return Some(Rule {
                at,
                cases: cases.followed(),
                does: Does::Rewrites,
            });
        }
        "del-header" => {
            let header = word(1).to_ascii_lowercase();
            let header = match after("-m") {
                None | Some("str") => header,
                Some("beg") => format!("{header}*"),
                Some(_) => return None,
            };
            Does::Removes(Setting::written(header, name, at.clone()))
        }
        "set-header" => Does::Removes(Setting::written(word(1).to_ascii_lowercase(), name, at.clone())),
        "wait-for-body" => Does::Buffers,
        "set-timeout" if word(1) == "server" => Does::Idle(time(word(2)).ok()?),
        _ => return None,
    };
    let cases = match does {
        // An answer stays in the list where it can't be told when it is given; a change that may be is none.
        Does::Ends(_) => cases,
        _ => cases.followed(),
    };
    Some(Rule { at, cases, does })
}

/// A refusal: of everybody, of what comes too fast, or of who shows no certificate.
fn refusal(action: &str, status: Option<&str>, mut cases: Cases, line: &Line, at: Place) -> Option<Rule> {
    let status: u16 = match (status, action) {
        (Some(status), _) => status.parse().ok()?,
        (None, "tarpit") => 500,
        (None, _) => 403,
    };
    let is_counted = cases.0.iter().flatten().any(|condition| counts(&condition.asks));
    let too_fast = status == 429 || is_counted;
    if too_fast {
        for case in &mut cases.0 {
            case.retain(|condition| !counts(&condition.asks));
        }
    }
    let name = format!("{} {action}", line.word(0));
    let asks_certificate = || {
        line.words
            .iter()
            .any(|word| word.text.contains("ssl_c_used") || word.text.contains("has_crt"))
    };
    let does = match status {
        _ if too_fast => Does::Guards(guard(&at, GuardKind::Limits, name)),
        403 if asks_certificate() => Does::Guards(guard(&at, GuardKind::ClientCertificate, name)),
        401 | 403 | 407 => Does::Guards(guard(&at, GuardKind::Denies, name)),
        status => Does::Ends(Action::Answer(status)),
    };
    Some(Rule {
        at,
        cases: cases.followed(),
        does,
    })
}

fn guard(at: &Place, kind: GuardKind, name: String) -> Guard {
    Guard {
        at: at.clone(),
        kind,
        name,
    }
}
