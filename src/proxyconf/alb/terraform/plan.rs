//! The resources of a plan with the expressions that their values come from, and where references lead.

use std::cell::Cell;
use std::collections::HashMap;

use super::super::stack::Told;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::Node;
use crate::proxyconf::{From, Place};

/// How deep references are followed, and modules are nested.
const DEEPEST: usize = 30;
/// References that are looked at: each can lead to many others.
const BUDGET: usize = 500_000;

pub(super) struct Plan<'a> {
    pub(super) text: &'a Text,
    /// The root module's configuration; a state has none.
    configuration: Option<&'a Node>,
    pub(super) resources: Vec<Resource<'a>>,
    /// The resources of one bare address.
    by_bare: HashMap<String, Vec<usize>>,
    /// Resources by their address and their ARN.
    pub(super) by_name: HashMap<&'a str, usize>,
    /// Expressions by the bare address of their resource.
    expressions: HashMap<String, &'a Node>,
    budget: Cell<usize>,
}

/// A resource; with `count` or `for_each` one of several of the same name.
pub(super) struct Resource<'a> {
    pub(super) address: &'a str,
    pub(super) at: &'a Node,
    /// The address without the parts in brackets.
    pub(super) bare: String,
    pub(super) kind: &'a str,
    pub(super) values: &'a Node,
}

/// Values, and the expressions that they come from.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) values: &'a Node,
    /// `None` in a state, and for blocks that an expression makes.
    pub(super) expressions: Option<&'a Node>,
    /// The resource that it belongs to.
    pub(super) owner: &'a str,
}

impl<'a> Plan<'a> {
    pub(super) fn new(text: &'a Text, doc: &'a Node) -> Self {
        let mut plan = Self {
            text,
            configuration: doc.at(&["configuration", "root_module"]),
            resources: Vec::new(),
            by_bare: HashMap::new(),
            by_name: HashMap::new(),
            expressions: HashMap::new(),
            budget: Cell::new(BUDGET),
        };
        let values = doc.get("planned_values").or_else(|| doc.get("values"));
        if let Some(root) = values.and_then(|values| values.get("root_module")) {
            plan.collect(root, 0);
        }
        for (at, one) in plan.resources.iter().enumerate() {
            plan.by_bare.entry(one.bare.clone()).or_default().push(at);
            let names = [Some(one.address), one.values.text_of("arn")];
            plan.by_name.extend(names.into_iter().flatten().map(|name| (name, at)));
        }
        if let Some(root) = plan.configuration {
            plan.configure(root, "", 0);
        }
        plan
    }

    fn configure(&mut self, module: &'a Node, prefix: &str, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        for one in module.get("resources").into_iter().flat_map(Node::items) {
            if let (Some(address), Some(expressions)) = (one.text_of("address"), one.get("expressions")) {
                self.expressions.insert(format!("{prefix}{address}"), expressions);
            }
        }
        for (call, called) in module.get("module_calls").map(Node::entries).unwrap_or_default() {
            if let Some(module) = called.get("module") {
                self.configure(module, &format!("{prefix}module.{}.", call.name), depth + 1);
            }
        }
    }

    fn collect(&mut self, module: &'a Node, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        for one in module.get("resources").into_iter().flat_map(Node::items) {
            let is_managed = one.text_of("mode") != Some("data");
            if let (Some(at), Some(kind), Some(values), true) =
                (one.get("address"), one.text_of("type"), one.get("values"), is_managed)
            {
                let address = at.text().unwrap_or_default();
                self.resources.push(Resource {
                    address,
                    at,
                    bare: bare(address),
                    kind,
                    values,
                });
            }
        }
        for child in module.get("child_modules").into_iter().flat_map(Node::items) {
            self.collect(child, depth + 1);
        }
    }

    pub(super) fn block(&self, one: &Resource<'a>) -> Block<'a> {
        Block {
            values: one.values,
            expressions: self.expressions.get(&one.bare).copied(),
            owner: one.address,
        }
    }

    /// The configuration of a module, by the names of the calls that lead to it.
    fn module(&self, way: &[String]) -> Option<&'a Node> {
        way.iter().try_fold(self.configuration?, |module, name| {
            module.at(&["module_calls", name, "module"])
        })
    }

    pub(super) fn place(&self, block: Block<'_>) -> Place {
        block.values.place(self.text)
    }

    /// A value: what is planned, or else the resource that is referred to.
    pub(super) fn told(&self, block: Block<'a>, key: &str) -> Option<Told<String>> {
        let expression = block.expressions.and_then(|all| all.get(key));
        let planned = block.values.get(key).filter(|value| !value.is_null());
        if let Some(value) = planned {
            let text = value.text()?;
            if text.is_empty() {
                return None;
            }
            let is_default = block.expressions.is_some() && expression.is_none();
            return Some(Told {
                value: Some(text.to_owned()),
                name: key.to_owned(),
                from: if is_default { From::Default } else { From::Written },
                at: value.place(self.text),
            });
        }
        let references = expression?.get("references")?;
        Some(Told {
            value: self.referred(block.owner, references),
            name: key.to_owned(),
            from: From::Written,
            at: self.place(block),
        })
    }

    /// The address of the resource that the references of an expression lead to, where it is one.
    fn referred(&self, owner: &str, references: &Node) -> Option<String> {
        let (way, _) = modules(&bare(owner));
        let found = references
            .items()
            .filter_map(Node::text)
            .find_map(|name| self.resolve(&way, name, 0))?;
        Some(found.to_owned())
    }

    pub(super) fn resolve(&self, way: &[String], name: &str, depth: usize) -> Option<&str> {
        self.budget.set(self.budget.get().checked_sub(1)?);
        if depth > DEEPEST {
            return None;
        }
        let through = |way: &[String], expression: &'a Node| {
            let references = expression.get("references")?;
            references
                .items()
                .filter_map(Node::text)
                .find_map(|name| self.resolve(way, name, depth + 1))
        };
        let mut parts = name.split('.');
        match (parts.next()?, parts.next(), parts.next()) {
            ("var", Some(variable), _) => {
                let (call, above) = way.split_last()?;
                let caller = self.module(above)?;
                through(above, caller.at(&["module_calls", call, "expressions", variable])?)
            }
            ("module", Some(call), Some(output)) => {
                let call = bare(call);
                let below: Vec<String> = way.iter().cloned().chain([call]).collect();
                let output = bare(output);
                through(&below, self.module(&below)?.at(&["outputs", &output, "expression"])?)
            }
            (kind, Some(_), _) if kind.starts_with("aws_") => self.resource(way, name),
            _ => None,
        }
    }

    /// The one resource with an address: `aws_lb_target_group.grpc.arn` within these modules.
    fn resource(&self, way: &[String], name: &str) -> Option<&str> {
        let address = name
            .strip_suffix(".arn")
            .or(name.strip_suffix(".id"))
            .or(name.strip_suffix(".name"))
            .unwrap_or(name);
        let own = bare(address);
        if own.split('.').count() != 2 {
            return None;
        }
        let prefix: String = way.iter().map(|module| format!("module.{module}.")).collect();
        let full = format!("{prefix}{own}");
        let same = self.by_bare.get(&full)?;
        let mut addresses = same.iter().filter_map(|at| Some(self.resources.get(*at)?.address));
        match same.as_slice() {
            [_] => addresses.next(),
            // Of several, one that is named with its index.
            _ => addresses.find(|one| own != address && one.ends_with(address)),
        }
    }

    /// The blocks of one name, each with its expressions where both sides have as many.
    pub(super) fn blocks(&self, block: Block<'a>, key: &str) -> Vec<Block<'a>> {
        let values: Vec<&Node> = block.values.get(key).into_iter().flat_map(Node::items).collect();
        let expressions = block.expressions.and_then(|all| all.get(key));
        let expressions: Vec<&Node> = expressions.into_iter().flat_map(Node::items).collect();
        let is_paired = values.len() == expressions.len();
        let paired = values.iter().enumerate().map(|(index, values)| Block {
            values,
            expressions: expressions.get(index).copied().filter(|_| is_paired),
            owner: block.owner,
        });
        paired.collect()
    }

    pub(super) fn first(&self, block: Block<'a>, key: &str) -> Option<Block<'a>> {
        self.blocks(block, key).into_iter().next()
    }

    /// Its address, and its ARN where that is known.
    pub(super) fn names(&self, one: &Resource<'a>) -> Vec<String> {
        let arn = one.values.text_of("arn").or(one.values.text_of("id"));
        [Some(one.address), arn]
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect()
    }
}

/// An address without indexes: `module.a["x.y"].aws_lb.b[0]` is `module.a.aws_lb.b`.
fn bare(address: &str) -> String {
    let mut is_inside = false;
    let mut is_quoted = false;
    let mut found = String::new();
    for char in address.chars() {
        match char {
            '"' if is_inside => is_quoted = !is_quoted,
            '[' if !is_quoted => is_inside = true,
            ']' if !is_quoted => is_inside = false,
            char if !is_inside => found.push(char),
            _ => {}
        }
    }
    found
}

/// The modules of a bare address, and what is left of it.
pub(super) fn modules(bare: &str) -> (Vec<String>, String) {
    let mut names = Vec::new();
    let mut rest = bare;
    while let Some((name, own)) = rest.strip_prefix("module.").and_then(|rest| rest.split_once('.')) {
        names.push(name.to_owned());
        rest = own;
    }
    (names, rest.to_owned())
}
