//! What AWS refuses when it is deployed, as far as the file shows it.

use super::stack::{Balancer, Entrance, Group, Rule, Stack, Told, text, text_or};
use crate::proxyconf::{Place, Problem};

const LISTENER_PROTOCOLS: [&str; 9] = [
    "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC",
];
const GROUP_PROTOCOLS: [&str; 9] = LISTENER_PROTOCOLS;
const VERSIONS: [&str; 3] = ["HTTP1", "HTTP2", "GRPC"];
const ALPN: [&str; 5] = ["HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"];
const CHECK_PROTOCOLS: [&str; 3] = ["HTTP", "HTTPS", "TCP"];
const ACTIONS: [&str; 6] = [
    "forward",
    "redirect",
    "fixed-response",
    "authenticate-oidc",
    "authenticate-cognito",
    "jwt-validation",
];

/// The problems of a stack that isn't deployed yet.
pub(super) fn problems(stack: &Stack) -> Vec<Problem> {
    if !stack.is_planned {
        return Vec::new();
    }
    let mut found = Vec::new();
    for one in &stack.balancers {
        balancer(one, &mut found);
    }
    for one in &stack.listeners {
        listener(stack, one, &mut found);
    }
    for one in &stack.groups {
        group(one, &mut found);
    }
    for one in &stack.rules {
        rule(one, &mut found);
    }
    priorities(&stack.rules, &mut found);
    found.sort_by_key(|problem| (problem.at.line, problem.at.column));
    found
}

fn problem(found: &mut Vec<Problem>, at: &Place, what: String) {
    found.push(Problem {
        at: at.clone(),
        what,
        starts: false,
    });
}

/// That a value is one of those that there are. AWS compares upper and lower case.
fn one_of(found: &mut Vec<Problem>, told: &Option<Told<String>>, all: &[&str]) {
    if let Some(told) = told
        && let Some(value) = told.known()
        && !all.contains(&value.as_str())
    {
        let all = all.join(", ");
        problem(found, &told.at, format!("{} is one of {all}, not {value}", told.name));
    }
}

fn within(found: &mut Vec<Problem>, told: Option<&Told<String>>, least: u64, most: u64) {
    if let Some(told) = told
        && let Some(value) = told.known()
        && !told.number().is_some_and(|number| (least..=most).contains(&number))
    {
        let what = format!("{} is a number from {least} to {most}, not {value}", told.name);
        problem(found, &told.at, what);
    }
}

fn balancer(one: &Balancer, found: &mut Vec<Problem>) {
    one_of(found, &one.kind, &["application", "network", "gateway"]);
    let attribute = |key: &str| one.attributes.all.get(key);
    within(found, attribute("idle_timeout.timeout_seconds"), 1, 4_000);
    within(found, attribute("client_keep_alive.seconds"), 60, 604_800);
}

fn listener(stack: &Stack, one: &Entrance, found: &mut Vec<Problem>) {
    one_of(found, &one.protocol, &LISTENER_PROTOCOLS);
    one_of(found, &one.alpn, &ALPN);
    within(found, one.port.as_ref(), 1, 65_535);
    let Some(protocol) = text(&one.protocol).filter(|protocol| LISTENER_PROTOCOLS.contains(protocol)) else {
        return;
    };
    let at = one.protocol.as_ref().map_or(&one.at, |told| &told.at);
    if matches!(protocol, "HTTPS" | "TLS") && one.certificates.is_empty() {
        problem(found, at, format!("a listener with {protocol} needs a certificate"));
    }
    let takes_requests = matches!(protocol, "HTTP" | "HTTPS");
    match stack.balancer(one).and_then(Balancer::kind) {
        Some("application") if !takes_requests => {
            let what = format!("an application load balancer listens with HTTP or HTTPS, not {protocol}");
            problem(found, at, what);
        }
        Some(kind @ ("network" | "gateway")) if takes_requests => {
            problem(
                found,
                at,
                format!("a {kind} load balancer doesn't listen with {protocol}"),
            );
        }
        Some(_) | None => {}
    }
    if one.actions.as_ref().is_some_and(Vec::is_empty) {
        problem(found, &one.at, "a listener needs default actions".to_owned());
    }
    let actions = one
        .actions
        .iter()
        .chain(stack.rules(one).flat_map(|rule| &rule.actions));
    for act in actions.flatten() {
        for weighted in &act.groups {
            let group = stack.group(&weighted.group);
            let Some(group) = group.filter(|group| group.protocol().is_some()) else {
                continue;
            };
            if group.takes_requests() != takes_requests {
                let own = group.protocol().unwrap_or_default();
                let what = format!(
                    "a listener with {protocol} can't forward to {}, whose protocol is {own}",
                    group.name
                );
                problem(found, &weighted.group.at, what);
            }
        }
    }
    for act in one.actions.iter().flatten() {
        kind_of_action(act, found);
    }
}

fn rule(one: &Rule, found: &mut Vec<Problem>) {
    within(found, one.priority.as_ref(), 1, 50_000);
    if one.actions.as_ref().is_some_and(Vec::is_empty) {
        problem(found, &one.at, "a rule needs actions".to_owned());
    }
    for act in one.actions.iter().flatten() {
        kind_of_action(act, found);
    }
}

fn kind_of_action(act: &super::stack::Act, found: &mut Vec<Problem>) {
    if let Some(kind) = &act.kind
        && !ACTIONS.contains(&kind.as_str())
    {
        problem(found, &act.at, format!("there is no action {kind}"));
    }
}

/// Two rules of one listener with the same number. What a condition leaves out can't be told here, so only what is known
/// to be there is compared.
fn priorities(rules: &[Rule], found: &mut Vec<Problem>) {
    let key = |rule: &Rule| {
        let listener = text(&rule.listener)?.to_owned();
        Some((listener, rule.priority.as_ref()?.number()?))
    };
    let mut seen = std::collections::HashSet::new();
    for one in rules.iter().filter(|rule| !rule.is_conditional) {
        if let Some(key) = key(one)
            && let Some(told) = &one.priority
        {
            let priority = key.1;
            if !seen.insert(key) {
                let what = format!("another rule of this listener has the priority {priority}");
                problem(found, &told.at, what);
            }
        }
    }
}

fn group(one: &Group, found: &mut Vec<Problem>) {
    one_of(found, &one.protocol, &GROUP_PROTOCOLS);
    one_of(found, &one.version, &VERSIONS);
    one_of(found, &one.check.protocol, &CHECK_PROTOCOLS);
    within(found, one.port.as_ref(), 1, 65_535);
    let check_port = one.check.port.as_ref();
    within(
        found,
        check_port.filter(|told| told.known().is_some_and(|port| port != "traffic-port")),
        1,
        65_535,
    );
    if let (Some(version), Some(protocol)) = (&one.version, one.protocol())
        && version.from == crate::proxyconf::From::Written
        && let Some(value) = version.known()
        && GROUP_PROTOCOLS.contains(&protocol)
        && !one.takes_requests()
    {
        let what = format!("a target group with {protocol} has no protocol version, and so no {value}");
        problem(found, &version.at, what);
    }
    if let Some(check) = &one.check.protocol
        && one.takes_requests()
        && check.known().is_some_and(|protocol| protocol == "TCP")
    {
        let what = "a target group for requests is checked with HTTP or HTTPS, not TCP".to_owned();
        problem(found, &check.at, what);
    }
    matcher(one, found);
    if let Some(path) = &one.check.path
        && text_or(&one.check.protocol, "HTTP") != Some("TCP")
        && path.known().is_some_and(|path| !path.starts_with('/'))
    {
        problem(found, &path.at, "the path of a health check begins with /".to_owned());
    }
}

/// That every status that counts as healthy is one that can be asked for.
fn matcher(one: &Group, found: &mut Vec<Problem>) {
    let Some(told) = &one.check.matcher else { return };
    let (least, most) = match (told.name.as_str(), one.takes_requests(), one.version()) {
        ("GrpcCode" | "matcher", true, Some("GRPC")) => (0, 99),
        ("HttpCode" | "matcher", true, Some("HTTP1" | "HTTP2")) => (200, 499),
        _ => return,
    };
    let Some(value) = told.known() else { return };
    let mut codes = value.split([',', '-']).map(|code| code.trim().parse::<u64>());
    if !codes.all(|code| code.is_ok_and(|code| (least..=most).contains(&code))) {
        let what = format!("{} has statuses from {least} to {most}, not {value}", told.name);
        problem(found, &told.at, what);
    }
}
