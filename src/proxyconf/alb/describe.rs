//! What `aws elbv2 describe-…` prints: one output a file, any of them, joined by ARN.
//!
//! The health of targets and the attributes of a balancer come without an ARN. Attributes are taken for those of the only
//! balancer, and targets for those of the only group, or of the only one with their port.

use std::collections::HashSet;

use super::api;
use super::stack::{Attributes, Entrance, Group, Rule, Stack, Target, Told};
use super::template::Template;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::{Node, Value};
use crate::proxyconf::{From, Place, Setting};

/// The lists of the outputs.
const LISTS: [&str; 6] = [
    "LoadBalancers",
    "Listeners",
    "Rules",
    "TargetGroups",
    "TargetHealthDescriptions",
    "Attributes",
];

/// Whether a document is such an output, or the one item or the list that `--query` has taken out of it.
pub(super) fn is_mine(doc: &Node) -> bool {
    if let Some(list) = only_list(doc) {
        return list.items().all(|item| kind(item).is_some());
    }
    let first = doc.items().next();
    kind(doc).is_some() || first.is_some_and(|item| kind(item).is_some())
}

/// The list of a whole output. Paging may leave a token beside it.
fn only_list(doc: &Node) -> Option<&Node> {
    let is_list = |node: &&Node| matches!(node.value, Value::List(_));
    LISTS.iter().find_map(|name| doc.get(name).filter(is_list))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Balancer,
    Listener,
    Rule,
    Group,
    Health,
    Attribute,
}

/// What an item is, by the keys that it alone has.
fn kind(item: &Node) -> Option<Kind> {
    let has = |key: &str| item.get(key).is_some();
    if has("RuleArn") {
        return Some(Kind::Rule);
    }
    if has("ListenerArn") && (has("DefaultActions") || has("Port")) {
        return Some(Kind::Listener);
    }
    if has("TargetGroupArn") && has("TargetGroupName") {
        return Some(Kind::Group);
    }
    if has("LoadBalancerArn") && (has("DNSName") || has("LoadBalancerName")) {
        return Some(Kind::Balancer);
    }
    if has("Target") && has("TargetHealth") {
        return Some(Kind::Health);
    }
    (item.entries().len() == 2 && has("Key") && has("Value")).then_some(Kind::Attribute)
}

/// Reads all outputs together.
pub(super) fn read(all: &[(&Text, &Node)]) -> Stack {
    let mut stack = Stack::default();
    let mut healths: Vec<(Vec<Target>, &Text, &Node)> = Vec::new();
    let mut attributes = Vec::new();
    for (text, doc) in all {
        let from = Template::without_functions(text);
        let list = only_list(doc);
        let items: Vec<&Node> = match (list, &doc.value) {
            (Some(list), _) => list.items().collect(),
            (None, Value::List(_)) => doc.items().collect(),
            (None, Value::Map(_) | Value::Scalar { .. }) => vec![doc],
        };
        let mut health = Vec::new();
        let mut own = Vec::new();
        for item in items {
            let arn = ["RuleArn", "ListenerArn", "TargetGroupArn", "LoadBalancerArn"]
                .iter()
                .find_map(|key| item.get(key));
            let at = arn.unwrap_or(item).place(text);
            let names = |key: &str| item.text_of(key).map(str::to_owned).into_iter().collect();
            match kind(item) {
                Some(Kind::Balancer) => {
                    stack
                        .balancers
                        .push(api::balancer(&from, names("LoadBalancerArn"), at, item));
                }
                Some(Kind::Listener) => stack
                    .listeners
                    .push(api::listener(&from, names("ListenerArn"), at, item)),
                Some(Kind::Rule) => stack.rules.push(rule(&from, at, item)),
                Some(Kind::Group) => {
                    let name = item.text_of("TargetGroupName").unwrap_or_default().to_owned();
                    stack
                        .groups
                        .push(api::group(&from, names("TargetGroupArn"), name, at, item));
                }
                Some(Kind::Health) => health.push(target(&from, item)),
                Some(Kind::Attribute) => own.push(item),
                None => {}
            }
        }
        if !health.is_empty() || doc.get("TargetHealthDescriptions").is_some() {
            healths.push((health, text, list.unwrap_or(doc)));
        }
        if !own.is_empty() {
            attributes.push(api::attributes(&from, Some(own)));
        }
    }
    // What isn't shown isn't known.
    for one in &mut stack.balancers {
        one.attributes.is_complete = false;
    }
    for one in &mut stack.listeners {
        one.attributes.is_complete = false;
    }
    for one in &mut stack.groups {
        one.attributes.is_complete = false;
    }
    for one in attributes {
        give_attributes(&mut stack, one);
    }
    for (targets, text, list) in healths {
        give_targets(&mut stack.groups, targets, text, list);
    }
    listeners_of_rules(&mut stack);
    stack
}

/// A rule of `describe-rules`, whose listener is known by the rule's own ARN alone.
fn rule<'a>(from: &Template<'a>, at: Place, item: &'a Node) -> Rule {
    let mut rule = api::rule(from, at, item);
    let arn = item.text_of("RuleArn").unwrap_or_default();
    let listener = arn
        .rsplit_once('/')
        .map(|(listener, _)| listener.replacen(":listener-rule/", ":listener/", 1));
    rule.listener = listener.map(|arn| Told {
        value: Some(arn),
        name: "RuleArn".to_owned(),
        from: From::Written,
        at: rule.at.clone(),
    });
    rule
}

/// A target and its health. What is new or can't be checked is held for neither alive nor dead.
fn target<'a>(from: &Template<'a>, item: &'a Node) -> Target {
    let mut target = api::target(from, item.get("Target").unwrap_or(item));
    let Some(health) = item.get("TargetHealth") else {
        return target;
    };
    let state = health.text_of("State").unwrap_or_default();
    if matches!(state, "unhealthy" | "unused" | "draining" | "unhealthy.draining") {
        let why = health.text_of("Description").or(health.text_of("Reason"));
        let place = health.get("State").unwrap_or(health).place(from.text);
        let reason = health.text_of("Reason").unwrap_or(state);
        target.down = Some(Setting::written(why.unwrap_or(state).to_owned(), reason, place));
    }
    target
}

fn give_attributes(stack: &mut Stack, attributes: Attributes) {
    let is_group = attributes.all.contains_key("deregistration_delay.timeout_seconds");
    let is_balancer = attributes.all.contains_key("deletion_protection.enabled")
        || attributes.all.contains_key("idle_timeout.timeout_seconds");
    match (is_group, is_balancer) {
        (true, _) => {
            if let [only] = stack.groups.as_mut_slice() {
                only.attributes = attributes;
            }
        }
        (false, true) => {
            if let [only] = stack.balancers.as_mut_slice() {
                only.attributes = attributes;
            } else if stack.balancers.is_empty() {
                stack.attributes = Some(attributes);
            }
        }
        (false, false) => {
            if let [only] = stack.listeners.as_mut_slice() {
                only.attributes = attributes;
            }
        }
    }
}

fn give_targets(groups: &mut [Group], targets: Vec<Target>, text: &Text, list: &Node) {
    let ports: Vec<Option<u16>> = targets
        .iter()
        .map(|target| target.port.as_ref().and_then(Told::port))
        .collect();
    let has_port = |group: &Group| {
        let port = group.port.as_ref().and_then(Told::port);
        !ports.is_empty() && port.is_some() && ports.iter().all(|own| *own == port)
    };
    let with_port = groups.iter().filter(|group| has_port(group)).count();
    let is_only = groups.len() == 1;
    let fits = |group: &&mut Group| is_only || with_port == 1 && has_port(group);
    if let Some(group) = groups.iter_mut().find(fits) {
        group.targets_at = Some(list.place(text));
        group.targets.get_or_insert_default().extend(targets);
    }
}

/// Listeners that are known by their rules alone: what becomes of requests there is known, and nothing else.
fn listeners_of_rules(stack: &mut Stack) {
    let mut known: HashSet<String> = stack.listeners.iter().flat_map(|one| one.names.clone()).collect();
    for rule in &stack.rules {
        let Some(name) = rule.listener.as_ref().and_then(Told::known) else {
            continue;
        };
        if !known.insert(name.clone()) {
            continue;
        }
        stack.listeners.push(Entrance {
            names: vec![name.clone()],
            at: rule.at.clone(),
            balancer: None,
            port: None,
            protocol: None,
            policy: None,
            alpn: None,
            certificates: Vec::new(),
            more_certificates: Vec::new(),
            mutual: None,
            attributes: Attributes::default(),
            actions: None,
        });
    }
}
