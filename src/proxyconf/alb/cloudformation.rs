//! CloudFormation templates, as YAML with short tags or as JSON.

use super::api;
use super::stack::{Rule, Service, Stack, Told};
use super::template::{Template, place_of};
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::Node;
use crate::proxyconf::{Problem, Setting};

const PREFIX: &str = "AWS::ElasticLoadBalancingV2::";

/// Whether a document is a template.
pub(super) fn is_mine(doc: &Node) -> bool {
    let is_aws = |resource: &Node| resource.text_of("Type").is_some_and(|kind| kind.starts_with("AWS::"));
    doc.get("AWSTemplateFormatVersion").is_some()
        || doc
            .get("Resources")
            .is_some_and(|all| all.entries().iter().any(|(_, resource)| is_aws(resource)))
}

/// Reads one template.
pub(super) fn read(text: &Text, doc: &Node) -> Stack {
    let template = Template::new(text, doc);
    let mut stack = Stack {
        is_planned: true,
        problems: template.dangling(),
        ..Stack::default()
    };
    let Some(resources) = doc.get("Resources") else {
        return stack;
    };
    for (key, resource) in resources.entries() {
        if template.is_made(resource) == Some(false) {
            continue;
        }
        let (Some(kind), Some(node)) = (resource.text_of("Type"), resource.get("Properties")) else {
            continue;
        };
        let at = key.place(text);
        let names = vec![key.name.clone()];
        match kind.strip_prefix(PREFIX).unwrap_or(kind) {
            "LoadBalancer" => stack.balancers.push(api::balancer(&template, names, at, node)),
            "Listener" => stack.listeners.push(api::listener(&template, names, at, node)),
            "ListenerRule" => stack.rules.push(Rule {
                is_conditional: template.is_made(resource).is_none(),
                ..api::rule(&template, at, node)
            }),
            "TargetGroup" => stack
                .groups
                .push(api::group(&template, names, key.name.clone(), at, node)),
            "ListenerCertificate" => {
                if let Some(listener) = template.text_of(node, "ListenerArn") {
                    let certificates = api::certificates(&template, node);
                    stack.certificates.push((listener, certificates));
                }
            }
            "AWS::ECS::Service" => stack.services.push(ecs_service(&template, &key.name, node)),
            "AWS::AutoScaling::AutoScalingGroup" => {
                stack.services.push(scaling_group(&template, &key.name, node));
            }
            _ => {}
        }
        wrong_kinds(&template, kind, node, &mut stack.problems);
    }
    stack
}

/// References to a resource of another kind than the one that is wanted.
fn wrong_kinds<'a>(template: &Template<'a>, kind: &str, node: &'a Node, problems: &mut Vec<Problem>) {
    if !kind.starts_with(PREFIX) {
        return;
    }
    let mut check = |node: &'a Node, key: &str, wanted: &str| {
        let Some(name) = template.text_of(node, key) else {
            return;
        };
        let Some(found) = template.kind(&name) else { return };
        if found.starts_with(PREFIX) && found.strip_prefix(PREFIX) != Some(wanted) {
            problems.push(Problem {
                at: place_of(template.text, node, key),
                what: format!("{name} is no {PREFIX}{wanted}, but {found}"),
                starts: false,
            });
        }
    };
    check(node, "LoadBalancerArn", "LoadBalancer");
    check(node, "ListenerArn", "Listener");
    for key in ["DefaultActions", "Actions"] {
        for action in template.list(node, key).into_iter().flatten() {
            check(action, "TargetGroupArn", "TargetGroup");
            let forward = action.get("ForwardConfig").unwrap_or(action);
            for group in template.list(forward, "TargetGroups").into_iter().flatten() {
                check(group, "TargetGroupArn", "TargetGroup");
            }
        }
    }
}

fn ecs_service<'a>(template: &Template<'a>, name: &str, node: &'a Node) -> Service {
    let joined = template.list(node, "LoadBalancers").unwrap_or_default();
    let joins = joined.into_iter().filter_map(|one| {
        let group = template.told(one, "TargetGroupArn")?;
        Some((group, template.told(one, "ContainerPort")))
    });
    let images = template
        .text_of(node, "TaskDefinition")
        .and_then(|task| template.resource(&task)?.get("Properties"))
        .and_then(|task| template.list(task, "ContainerDefinitions"));
    let is_hoop = images.and_then(|all| {
        let images: Option<Vec<String>> = all.into_iter().map(|one| template.text_of(one, "Image")).collect();
        images.map(|images| images.iter().any(|image| super::is_hoop(image)))
    });
    Service {
        name: name.to_owned(),
        count: number(template.told(node, "DesiredCount")),
        joins: joins.collect(),
        is_hoop,
    }
}

fn scaling_group<'a>(template: &Template<'a>, name: &str, node: &'a Node) -> Service {
    let groups = template.list(node, "TargetGroupARNs").unwrap_or_default();
    let joins = groups
        .into_iter()
        .filter_map(|group| Some((template.told_as(group, "TargetGroupARNs")?, None)));
    let least = number(template.told(node, "MinSize"));
    let count = number(template.told(node, "DesiredCapacity")).or(least);
    Service {
        name: name.to_owned(),
        count,
        joins: joins.collect(),
        is_hoop: None,
    }
}

fn number(told: Option<Told<String>>) -> Option<Setting<u64>> {
    let told = told?;
    told.number().map(|number| told.setting(number))
}
