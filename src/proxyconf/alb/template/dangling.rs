//! Names in a template that stand for nothing.

use std::collections::HashSet;

use super::{Piece, Template, attribute, function, pieces};
use crate::proxyconf::Problem;
use crate::proxyconf::yaml::Node;

impl<'a> Template<'a> {
    /// Names that are referred to and stand for nothing, for which AWS refuses the whole template.
    pub(in super::super) fn dangling(&self) -> Vec<Problem> {
        let Some(root) = self.root else { return Vec::new() };
        // A macro or a module adds resources of its own.
        let all = root.get("Resources").map(Node::entries).unwrap_or_default();
        let adds = |key: &str, one: &Node| {
            key.starts_with("Fn::") || one.text_of("Type").is_some_and(|kind| kind.ends_with("::MODULE"))
        };
        if root.get("Transform").is_some() || all.iter().any(|(key, one)| adds(&key.name, one)) {
            return Vec::new();
        }
        let mut walk = Dangling {
            template: self,
            seen: HashSet::new(),
            found: Vec::new(),
        };
        for part in ["Resources", "Outputs"] {
            if let Some(part) = root.get(part) {
                walk.node(part);
            }
        }
        for (_, resource) in all {
            if let Some(after) = resource.get("DependsOn") {
                for name in after.items().chain([after]) {
                    walk.resource(name);
                }
            }
        }
        walk.found.sort_by_key(|problem| (problem.at.line, problem.at.column));
        walk.found
    }
}

struct Dangling<'t, 'a> {
    template: &'t Template<'a>,
    /// Values that aliases share are looked at once.
    seen: HashSet<*const Node>,
    found: Vec<Problem>,
}

impl<'a> Dangling<'_, 'a> {
    fn node(&mut self, node: &'a Node) {
        if !self.seen.insert(std::ptr::from_ref(node)) {
            return;
        }
        match function(node) {
            Some(("Ref", asked)) => self.name(asked, asked.text()),
            Some(("GetAtt", asked)) => self.name(asked, attribute(asked).map(|(resource, _)| resource)),
            Some(("Sub", asked)) => self.names_within(asked),
            Some(_) | None => {}
        }
        for (_, value) in node.entries() {
            self.node(value);
        }
        for item in node.items() {
            self.node(item);
        }
    }

    fn names_within(&mut self, asked: &'a Node) {
        let mut parts = asked.items();
        let (pattern, own) = match asked.text() {
            Some(_) => (asked, None),
            None => match parts.next() {
                Some(pattern) => (pattern, parts.next()),
                None => return,
            },
        };
        for piece in pieces(pattern.text().unwrap_or_default()) {
            if let Piece::Name(name) = piece
                && own.is_none_or(|own| own.get(name).is_none())
            {
                self.name(pattern, name.split('.').next());
            }
        }
    }

    /// What a resource waits for can only be another one.
    fn resource(&mut self, at: &Node) {
        if let Some(name) = at.text().filter(|name| self.template.resource(name).is_none()) {
            self.found.push(Problem {
                at: at.place(self.template.text),
                what: format!("{name} is no resource of this template"),
                starts: false,
            });
        }
    }

    fn name(&mut self, at: &Node, name: Option<&str>) {
        let Some(name) = name.filter(|name| !self.template.is_named(name)) else {
            return;
        };
        self.found.push(Problem {
            at: at.place(self.template.text),
            what: format!("{name} is neither a resource nor a parameter of this template"),
            starts: false,
        });
    }
}
