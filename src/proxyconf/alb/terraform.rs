//! Terraform's plans and states, as `terraform show -json` prints them.
//!
//! A plan doesn't know ARNs of what it is about to make. Its `configuration` says what refers to what, through variables and
//! outputs of modules too; where a reference leads to one resource, that is the one that is meant.

mod plan;

use std::collections::HashMap;

use self::plan::{Block, Plan, Resource, modules};
use super::stack::{
    Act, Asked, Attributes, Balancer, Check, Entrance, Group, Rule, Service, Stack, Target, Told, Weighted, redirect,
    text,
};
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::Node;
use crate::proxyconf::{From, Setting};

/// Whether a document is a plan or a state.
pub(super) fn is_mine(doc: &Node) -> bool {
    doc.get("format_version").is_some() && ["planned_values", "values"].iter().any(|key| doc.get(key).is_some())
}

/// Reads a plan or a state.
pub(super) fn read(text: &Text, doc: &Node) -> Stack {
    let plan = Plan::new(text, doc);
    let mut stack = Stack {
        is_planned: doc.get("planned_values").is_some(),
        ..Stack::default()
    };
    // Groups of instances and the target groups that they join.
    let mut joins: Vec<(String, Told<String>)> = Vec::new();
    for one in &plan.resources {
        let block = plan.block(one);
        // The provider has most of them under a second, older name.
        match one.kind.replacen("aws_alb", "aws_lb", 1).as_str() {
            "aws_lb" => stack.balancers.push(plan.balancer(one, block)),
            "aws_lb_listener" => stack.listeners.push(plan.listener(one, block)),
            "aws_lb_listener_rule" => stack.rules.push(plan.rule(one, block)),
            "aws_lb_target_group" => stack.groups.push(plan.group(one, block)),
            "aws_ecs_service" => stack.services.push(plan.ecs_service(one, block)),
            "aws_autoscaling_group" => stack.services.push(plan.scaling_group(one, block)),
            "aws_lb_target_group_attachment" => stack.attached.extend(plan.attached(block)),
            "aws_lb_listener_certificate" => {
                let listener = plan.told(block, "listener_arn").and_then(|told| told.value);
                let certificates = plan.certificate(block).into_iter().collect();
                stack
                    .certificates
                    .extend(listener.map(|listener| (listener, certificates)));
            }
            "aws_autoscaling_attachment" => {
                let group = plan
                    .told(block, "lb_target_group_arn")
                    .or_else(|| plan.told(block, "alb_target_group_arn"));
                let name = plan.told(block, "autoscaling_group_name").and_then(|told| told.value);
                joins.extend(name.zip(group));
            }
            _ => {}
        }
    }
    let services: HashMap<String, usize> = stack.services.iter().map(|one| one.name.clone()).zip(0..).collect();
    for (name, group) in joins {
        if let Some(one) = services.get(&name).and_then(|at| stack.services.get_mut(*at)) {
            one.joins.push((group, None));
        }
    }
    stack
}

impl<'a> Plan<'a> {
    /// A target that is registered by a resource of its own, and the group's name.
    fn attached(&self, block: Block<'a>) -> Option<(String, Target)> {
        let group = self.told(block, "target_group_arn")?.value?;
        let id = self.told(block, "target_id");
        let target = Target {
            at: id.as_ref().map_or_else(|| self.place(block), |id| id.at.clone()),
            host: id.and_then(|id| id.value).unwrap_or_else(|| "a target".to_owned()),
            port: self.told(block, "port"),
            down: None,
        };
        Some((group, target))
    }

    /// A certificate, by what it refers to where its ARN isn't known.
    fn certificate(&self, block: Block<'a>) -> Option<Told<String>> {
        let told = self.told(block, "certificate_arn")?;
        let expression = block
            .expressions
            .and_then(|all| all.at(&["certificate_arn", "references"]));
        let written = expression.and_then(|all| all.items().next()?.text()).map(str::to_owned);
        let value = told.value.or(written);
        Some(Told { value, ..told })
    }

    fn balancer(&self, one: &Resource<'a>, block: Block<'a>) -> Balancer {
        Balancer {
            names: self.names(one),
            at: one.at.place(self.text),
            kind: self.told(block, "load_balancer_type"),
            attributes: self.attributes(
                block,
                &[
                    ("idle_timeout", "idle_timeout.timeout_seconds"),
                    ("enable_http2", "routing.http2.enabled"),
                    (
                        "drop_invalid_header_fields",
                        "routing.http.drop_invalid_header_fields.enabled",
                    ),
                    ("client_keep_alive", "client_keep_alive.seconds"),
                ],
            ),
        }
    }

    /// Attributes, which are arguments of their own here.
    fn attributes(&self, block: Block<'a>, names: &[(&str, &str)]) -> Attributes {
        let all = names.iter().filter_map(|(own, aws)| {
            let told = self.told(block, own)?;
            Some(((*aws).to_owned(), told))
        });
        Attributes {
            all: all.collect(),
            is_complete: true,
        }
    }

    fn listener(&self, one: &Resource<'a>, block: Block<'a>) -> Entrance {
        Entrance {
            names: self.names(one),
            at: one.at.place(self.text),
            balancer: self.told(block, "load_balancer_arn"),
            port: self.told(block, "port"),
            protocol: self.told(block, "protocol"),
            policy: self.told(block, "ssl_policy"),
            alpn: self.told(block, "alpn_policy"),
            certificates: self.certificate(block).into_iter().collect(),
            more_certificates: Vec::new(),
            mutual: self
                .first(block, "mutual_authentication")
                .and_then(|mutual| self.told(mutual, "mode")),
            attributes: self.attributes(block, &[("tcp_idle_timeout_seconds", "tcp.idle_timeout.seconds")]),
            actions: self.actions(block, "default_action"),
        }
    }

    fn rule(&self, one: &Resource<'a>, block: Block<'a>) -> Rule {
        let conditions = self.blocks(block, "condition");
        Rule {
            at: one.at.place(self.text),
            listener: self.told(block, "listener_arn"),
            priority: self.told(block, "priority"),
            conditions: conditions.into_iter().flat_map(|one| self.conditions(one)).collect(),
            actions: self.actions(block, "action"),
            rewrites: self
                .blocks(block, "transform")
                .into_iter()
                .find(|one| one.values.text_of("type") == Some("url-rewrite"))
                .map(|one| self.place(one)),
            is_conditional: false,
        }
    }

    /// What a block asks for: usually one thing.
    fn conditions(&self, block: Block<'a>) -> Vec<Asked> {
        const FIELDS: [(&str, &str); 6] = [
            ("path_pattern", "path-pattern"),
            ("host_header", "host-header"),
            ("http_header", "http-header"),
            ("http_request_method", "http-request-method"),
            ("source_ip", "source-ip"),
            ("query_string", "query-string"),
        ];
        let asked = FIELDS.iter().flat_map(|(own, field)| {
            self.blocks(block, own).into_iter().map(move |inner| {
                let is_regex = inner
                    .values
                    .get("values")
                    .is_none_or(|values| values.items().next().is_none())
                    && inner
                        .values
                        .get("regex_values")
                        .is_some_and(|values| values.items().next().is_some());
                let key = if is_regex { "regex_values" } else { "values" };
                let listed = inner.values.get(key).into_iter().flat_map(Node::items);
                // A query string is asked for a value each.
                let single = inner.values.get("value");
                let values = listed.chain(single).filter(|value| !value.is_null()).map(|value| Told {
                    value: value.text().map(str::to_owned),
                    name: key.to_owned(),
                    from: From::Written,
                    at: value.place(self.text),
                });
                Asked {
                    field: Some((*field).to_owned()),
                    header: self.told(inner, "http_header_name").and_then(|told| told.value),
                    values: values.collect(),
                    is_regex,
                }
            })
        });
        asked.collect()
    }

    fn actions(&self, block: Block<'a>, key: &str) -> Option<Vec<Act>> {
        // Blocks whose number isn't known yet are left out of a plan.
        block.values.get(key)?;
        Some(
            self.blocks(block, key)
                .into_iter()
                .map(|one| self.action(one))
                .collect(),
        )
    }

    fn action(&self, block: Block<'a>) -> Act {
        let known = |block: Block<'a>, key: &str| self.told(block, key).and_then(|told| told.value);
        let within = |name: &str, key: &str| self.first(block, name).and_then(|inner| known(inner, key));
        let kind = known(block, "type");
        let mut groups: Vec<Weighted> = Vec::new();
        if let Some(forward) = self.first(block, "forward") {
            groups.extend(self.weighted(forward));
        }
        if let Some(group) = self.told(block, "target_group_arn").filter(|_| groups.is_empty()) {
            groups.push(Weighted { group, weight: 1 });
        }
        if groups.is_empty() && kind.as_deref() == Some("forward") {
            groups.push(Weighted {
                group: self.unknown(block, "target_group_arn"),
                weight: 1,
            });
        }
        let part = |key: &str| within("redirect", key);
        Act {
            at: self.place(block),
            kind,
            order: known(block, "order").and_then(|text| text.parse().ok()).unwrap_or(0),
            groups,
            redirect: redirect(
                part("protocol"),
                part("host"),
                part("port"),
                part("path"),
                part("query"),
            ),
            status: within("fixed_response", "status_code"),
            on_unauthenticated: within("authenticate_oidc", "on_unauthenticated_request")
                .or_else(|| within("authenticate_cognito", "on_unauthenticated_request")),
        }
    }

    /// The groups of a forward. They are a set, so several are told apart by their weights alone.
    fn weighted(&self, forward: Block<'a>) -> Vec<Weighted> {
        let expressions = forward.expressions.and_then(|all| all.get("target_group"));
        let expressions: Vec<&Node> = expressions.into_iter().flat_map(Node::items).collect();
        let blocks = self.blocks(forward, "target_group");
        let is_only = blocks.len() == 1;
        let found = blocks.into_iter().map(|block| {
            let weight = block.values.get("weight").and_then(Node::number).unwrap_or(1);
            let same: Vec<&&Node> = expressions
                .iter()
                .filter(|one| one.at(&["weight", "constant_value"]).and_then(Node::number) == Some(weight))
                .collect();
            let expressions = match same.as_slice() {
                [one] if !is_only => Some(**one),
                _ => block.expressions.filter(|_| is_only),
            };
            let block = Block { expressions, ..block };
            Weighted {
                group: self.told(block, "arn").unwrap_or_else(|| self.unknown(block, "arn")),
                weight,
            }
        });
        found.collect()
    }

    fn unknown(&self, block: Block<'_>, name: &str) -> Told<String> {
        Told {
            value: None,
            name: name.to_owned(),
            from: From::Written,
            at: self.place(block),
        }
    }

    fn group(&self, one: &Resource<'a>, block: Block<'a>) -> Group {
        let at = one.at.place(self.text);
        let by_default = |value: &str, name: &str| Told {
            value: Some(value.to_owned()),
            name: name.to_owned(),
            from: From::Default,
            at: at.clone(),
        };
        let protocol = self.told(block, "protocol");
        let takes_requests = matches!(text(&protocol), Some("HTTP" | "HTTPS"));
        let mut version = self.told(block, "protocol_version");
        let check = self.first(block, "health_check");
        let checked = |key: &str| check.and_then(|check| self.told(check, key));
        let (mut path, mut matcher) = (checked("path"), checked("matcher"));
        if takes_requests {
            version = version.or_else(|| Some(by_default("HTTP1", "protocol_version")));
            let (usual_path, usual_matcher) = match text(&version) {
                Some("GRPC") => ("/AWS.ALB/healthcheck", "12"),
                Some(_) | None => ("/", "200"),
            };
            path = path.or_else(|| Some(by_default(usual_path, "path")));
            matcher = matcher.or_else(|| Some(by_default(usual_matcher, "matcher")));
        }
        let name = one.values.text_of("name").filter(|name| !name.is_empty());
        Group {
            names: self.names(one),
            name: name.unwrap_or(one.address).to_owned(),
            protocol,
            version,
            port: self.told(block, "port"),
            kind: self.told(block, "target_type"),
            check: Check {
                enabled: checked("enabled"),
                protocol: checked("protocol"),
                port: checked("port"),
                path,
                matcher,
            },
            attributes: self.attributes(block, &[("proxy_protocol_v2", "proxy_protocol_v2.enabled")]),
            targets: None,
            targets_at: None,
            at,
        }
    }

    fn ecs_service(&self, one: &Resource<'a>, block: Block<'a>) -> Service {
        let joins = self.blocks(block, "load_balancer").into_iter().filter_map(|joined| {
            let group = self.told(joined, "target_group_arn")?;
            Some((group, self.told(joined, "container_port")))
        });
        let task = self.told(block, "task_definition").and_then(|told| told.value);
        let task = task.and_then(|name| self.resources.get(*self.by_name.get(name.as_str())?));
        let containers = task.and_then(|task| task.values.text_of("container_definitions"));
        Service {
            name: one.address.to_owned(),
            count: self.number(block, "desired_count"),
            joins: joins.collect(),
            is_hoop: containers.and_then(runs_hoop),
        }
    }

    fn scaling_group(&self, one: &Resource<'a>, block: Block<'a>) -> Service {
        let known = block.values.get("target_group_arns").into_iter().flat_map(Node::items);
        let mut joins: Vec<_> = known
            .filter(|arn| !arn.is_null())
            .map(|arn| Told {
                value: arn.text().map(str::to_owned),
                name: "target_group_arns".to_owned(),
                from: From::Written,
                at: arn.place(self.text),
            })
            .collect();
        let references = block
            .expressions
            .and_then(|all| all.at(&["target_group_arns", "references"]));
        let (way, _) = modules(&one.bare);
        for name in references.into_iter().flat_map(Node::items).filter_map(Node::text) {
            let found = self.resolve(&way, name, 0);
            if let Some(address) = found.filter(|_| joins.iter().all(|own| own.known().map(String::as_str) != found)) {
                joins.push(Told {
                    value: Some(address.to_owned()),
                    ..self.unknown(block, "target_group_arns")
                });
            }
        }
        Service {
            name: one.address.to_owned(),
            count: self
                .number(block, "desired_capacity")
                .or_else(|| self.number(block, "min_size")),
            joins: joins.into_iter().map(|group| (group, None)).collect(),
            is_hoop: None,
        }
    }

    fn number(&self, block: Block<'a>, key: &str) -> Option<Setting<u64>> {
        let told = self.told(block, key)?;
        told.number().map(|number| told.setting(number))
    }
}

/// Whether one of the containers of a task, which are JSON within JSON, has Hoop's image.
fn runs_hoop(containers: &str) -> Option<bool> {
    let all: Vec<serde_json::Value> = serde_json::from_str(containers).ok()?;
    let images: Option<Vec<&str>> = all.iter().map(|one| one.get("image")?.as_str()).collect();
    images.map(|images| images.into_iter().any(super::is_hoop))
}
