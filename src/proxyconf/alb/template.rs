//! The values of a CloudFormation template: what its functions come to where that can be known before it is deployed.
//!
//! Parameters count with their defaults. An empty default waits to be filled in, so it is unknown, as is everything that
//! only AWS knows: attributes of resources, exports of other stacks, parameters of the parameter store.

mod dangling;

use std::cell::Cell;
use std::collections::HashMap;

use super::stack::Told;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::{Node, Value};
use crate::proxyconf::{From, Place};

/// A template, or a text in AWS's words that has no functions.
pub(super) struct Template<'a> {
    pub(super) text: &'a Text,
    /// `None` where there are no functions.
    root: Option<&'a Node>,
    parameters: HashMap<&'a str, &'a Node>,
    resources: HashMap<&'a str, &'a Node>,
    conditions: HashMap<&'a str, &'a Node>,
    /// Values that may still be looked at: conditions can refer to each other, and aliases share values.
    budget: Cell<usize>,
    /// Conditions that are being looked at, each for the one before it.
    depth: Cell<usize>,
}

/// What a value comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Is(String),
    /// As if its key weren't there.
    Absent,
    Unknown,
}

/// A function of the template, and what it is asked.
type Call<'a> = (&'a str, &'a Node);

const BUDGET: usize = 500_000;
/// Conditions that lead to each other; in a circle they would do so for ever.
const DEEPEST: usize = 20;
/// Characters of a value that is put together.
const LONGEST: usize = 4_096;

impl<'a> Template<'a> {
    pub(super) fn new(text: &'a Text, root: &'a Node) -> Self {
        Self {
            text,
            root: Some(root),
            parameters: entries(root, "Parameters"),
            resources: entries(root, "Resources"),
            conditions: entries(root, "Conditions"),
            budget: Cell::new(BUDGET),
            depth: Cell::new(0),
        }
    }

    /// Values that are what they say.
    pub(super) fn without_functions(text: &'a Text) -> Self {
        Self {
            text,
            root: None,
            parameters: HashMap::new(),
            resources: HashMap::new(),
            conditions: HashMap::new(),
            budget: Cell::new(BUDGET),
            depth: Cell::new(0),
        }
    }

    /// A value of a resource, under its own name.
    pub(super) fn told(&self, node: &'a Node, key: &str) -> Option<Told<String>> {
        self.told_as(node.get(key)?, key)
    }

    /// A value with the name that it goes by.
    pub(super) fn told_as(&self, node: &'a Node, name: &str) -> Option<Told<String>> {
        let value = match self.word(node) {
            Word::Is(text) => Some(text),
            Word::Unknown => None,
            Word::Absent => return None,
        };
        Some(Told {
            value,
            name: name.to_owned(),
            from: From::Written,
            at: node.place(self.text),
        })
    }

    /// The text of a value, where it is known.
    pub(super) fn text_of(&self, node: &'a Node, key: &str) -> Option<String> {
        match self.word(node.get(key)?) {
            Word::Is(text) => Some(text),
            Word::Absent | Word::Unknown => None,
        }
    }

    /// The value behind conditions: `Ok(None)` where they leave none.
    pub(super) fn follow(&self, node: &'a Node) -> Result<Option<&'a Node>, Unknown> {
        self.spend()?;
        match self.call(node) {
            Some(("If", asked)) => {
                let mut branches = asked.items();
                let (condition, yes, no) = (branches.next(), branches.next(), branches.next());
                let condition = condition.and_then(Node::text).ok_or(Unknown)?;
                let branch = match self.holds(condition)? {
                    true => yes,
                    false => no,
                };
                self.follow(branch.ok_or(Unknown)?)
            }
            Some(("Ref", asked)) if asked.text() == Some("AWS::NoValue") => Ok(None),
            Some(_) | None => Ok(Some(node)),
        }
    }

    /// The values of a list with those that conditions leave; `None` where that can't be known.
    pub(super) fn list(&self, node: &'a Node, key: &str) -> Option<Vec<&'a Node>> {
        let Some(list) = node.get(key) else {
            return Some(Vec::new());
        };
        match self.follow(list) {
            Ok(None) => Some(Vec::new()),
            Ok(Some(list)) if matches!(list.value, Value::List(_)) && self.call(list).is_none() => {
                let mut all = Vec::new();
                for item in list.items() {
                    all.extend(self.follow(item).ok()?);
                }
                Some(all)
            }
            Ok(Some(_)) | Err(Unknown) => None,
        }
    }

    /// Whether a resource is made: `None` where its condition can't be known.
    pub(super) fn is_made(&self, resource: &Node) -> Option<bool> {
        match resource.text_of("Condition") {
            Some(condition) => self.holds(condition).ok(),
            None => Some(true),
        }
    }

    /// What a value comes to.
    pub(super) fn word(&self, node: &'a Node) -> Word {
        self.evaluate(node).unwrap_or(Word::Unknown)
    }

    fn evaluate(&self, node: &'a Node) -> Result<Word, Unknown> {
        let Some(node) = self.follow(node)? else {
            return Ok(Word::Absent);
        };
        match self.call(node) {
            None if node.is_null() => Ok(Word::Absent),
            None => node.text().map(|text| Word::Is(text.to_owned())).ok_or(Unknown),
            Some(("Ref", asked)) => self.referred(asked.text().ok_or(Unknown)?).map(Word::Is),
            Some(("GetAtt", asked)) => {
                let (resource, attribute) = attribute(asked).ok_or(Unknown)?;
                // What can't be known is what it is; whose it is can.
                match attribute.ends_with("Arn") && self.resource(resource).is_some() {
                    true => Ok(Word::Is(resource.to_owned())),
                    false => Err(Unknown),
                }
            }
            Some(("Sub", asked)) => self.substituted(asked).map(Word::Is),
            Some(("Join", asked)) => {
                let mut parts = asked.items();
                let (between, list) = (parts.next().ok_or(Unknown)?, parts.next().ok_or(Unknown)?);
                let mut texts = Vec::new();
                for item in list.items() {
                    texts.push(self.known(item)?);
                }
                bounded(texts.join(&self.known(between)?)).map(Word::Is)
            }
            Some(("FindInMap", asked)) => {
                let mut way = Vec::new();
                for item in asked.items().take(3) {
                    way.push(self.known(item)?);
                }
                let mappings = self.root.and_then(|root| root.get("Mappings")).ok_or(Unknown)?;
                let way: Vec<&str> = way.iter().map(String::as_str).collect();
                let found = mappings.at(&way).and_then(Node::text);
                found.map(|text| Word::Is(text.to_owned())).ok_or(Unknown)
            }
            Some(_) => Err(Unknown),
        }
    }

    fn known(&self, node: &'a Node) -> Result<String, Unknown> {
        match self.evaluate(node)? {
            Word::Is(text) => Ok(text),
            Word::Absent | Word::Unknown => Err(Unknown),
        }
    }

    /// What a name stands for: a parameter's default, or a resource, which goes by its own name.
    fn referred(&self, name: &str) -> Result<String, Unknown> {
        if let Some(parameter) = self.parameter(name) {
            let is_stored = parameter.text_of("Type").is_some_and(|kind| kind.contains("::SSM::"));
            let default = parameter
                .text_of("Default")
                .filter(|text| !text.is_empty() && !is_stored);
            return default.map(str::to_owned).ok_or(Unknown);
        }
        self.resource(name).map(|_| name.to_owned()).ok_or(Unknown)
    }

    /// `${Name}` in a text, with names of its own where a map stands behind it.
    fn substituted(&self, asked: &'a Node) -> Result<String, Unknown> {
        let mut parts = asked.items();
        let (pattern, own) = match asked.text() {
            Some(pattern) => (pattern, None),
            None => (parts.next().and_then(Node::text).ok_or(Unknown)?, parts.next()),
        };
        let mut text = String::new();
        for part in pieces(pattern) {
            match part {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Name(name) => match own.and_then(|own| own.get(name)) {
                    Some(value) => text.push_str(&self.known(value)?),
                    None if self.parameter(name).is_some() => text.push_str(&self.referred(name)?),
                    // A text that is nothing but a resource's name stands for the resource.
                    None if pattern == format!("${{{name}}}") => text.push_str(&self.referred(name)?),
                    None => return Err(Unknown),
                },
            }
        }
        bounded(text)
    }

    /// Whether a condition holds.
    fn holds(&self, name: &str) -> Result<bool, Unknown> {
        let condition = self.conditions.get(name).ok_or(Unknown)?;
        let depth = self.depth.get();
        if depth >= DEEPEST {
            return Err(Unknown);
        }
        self.depth.set(depth + 1);
        let so = self.is_so(condition);
        self.depth.set(depth);
        so
    }

    fn is_so(&self, node: &'a Node) -> Result<bool, Unknown> {
        self.spend()?;
        match self.call(node) {
            Some(("Condition", asked)) => self.holds(asked.text().ok_or(Unknown)?),
            Some(("Equals", asked)) => {
                let mut both = asked.items();
                let (one, other) = (both.next().ok_or(Unknown)?, both.next().ok_or(Unknown)?);
                Ok(self.known(one)? == self.known(other)?)
            }
            Some(("Not", asked)) => Ok(!self.is_so(asked.items().next().ok_or(Unknown)?)?),
            Some((all @ ("And" | "Or"), asked)) => {
                // One of them decides even where others can't be known.
                let decides = all == "Or";
                let mut result = Ok(!decides);
                for item in asked.items() {
                    match self.is_so(item) {
                        Ok(so) if so == decides => return Ok(decides),
                        Ok(_) => {}
                        Err(Unknown) => result = Err(Unknown),
                    }
                }
                result
            }
            Some(_) | None => Err(Unknown),
        }
    }

    /// A function in its short or its long form.
    fn call(&self, node: &'a Node) -> Option<Call<'a>> {
        self.root?;
        function(node)
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&'a Node> {
        self.parameters.get(name).copied()
    }

    /// A resource of the template.
    pub(super) fn resource(&self, name: &str) -> Option<&'a Node> {
        self.resources.get(name).copied()
    }

    /// What a resource is: `AWS::ElasticLoadBalancingV2::TargetGroup`.
    pub(super) fn kind(&self, name: &str) -> Option<&'a str> {
        self.resource(name)?.text_of("Type")
    }

    fn spend(&self) -> Result<(), Unknown> {
        let left = self.budget.get().checked_sub(1).ok_or(Unknown)?;
        self.budget.set(left);
        Ok(())
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        name.starts_with("AWS::") || self.parameter(name).is_some() || self.resource(name).is_some()
    }
}

/// That something is known only once the template is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unknown;

/// The entries of a part of the template, by name.
fn entries<'a>(root: &'a Node, part: &str) -> HashMap<&'a str, &'a Node> {
    let all = root.get(part).map(Node::entries).unwrap_or_default();
    all.iter()
        .map(|(key, value)| (key.name.as_str(), value.as_ref()))
        .collect()
}

/// `!Ref X`, `{"Ref": "X"}`, `!GetAtt X.Y`, `{"Fn::GetAtt": ["X", "Y"]}` and so on.
fn function(node: &Node) -> Option<Call<'_>> {
    if let Some(tag) = &node.tag {
        return Some((tag, node));
    }
    let [(key, asked)] = node.entries() else { return None };
    match key.name.strip_prefix("Fn::") {
        Some(name) => Some((name, asked)),
        None if matches!(key.name.as_str(), "Ref" | "Condition") => Some((&key.name, asked)),
        None => None,
    }
}

/// `X.Y` or `[X, Y]`.
fn attribute(asked: &Node) -> Option<(&str, &str)> {
    match asked.text() {
        Some(text) => text.split_once('.'),
        None => {
            let mut both = asked.items();
            Some((both.next()?.text()?, both.next()?.text().unwrap_or_default()))
        }
    }
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// The texts and names of a pattern; `${!x}` is the text `${x}`, whose braces don't matter here.
fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        found.push(Piece::Text(before));
        found.push(match name.strip_prefix('!') {
            Some(literal) => Piece::Text(literal),
            None => Piece::Name(name.trim()),
        });
        rest = behind;
    }
    found.push(Piece::Text(rest));
    found
}

fn bounded(text: String) -> Result<String, Unknown> {
    match text.len() > LONGEST {
        true => Err(Unknown),
        false => Ok(text),
    }
}

/// A value as people would name it: the parameter or resource that it refers to, or what is written.
pub(super) fn as_written(node: &Node) -> String {
    let asked = function(node).map_or(node, |(_, asked)| asked);
    let text = asked.text().map(str::to_owned);
    text.or_else(|| Some(asked.items().find_map(Node::text)?.to_owned()))
        .unwrap_or_else(|| "an expression".to_owned())
}

/// The place of a key's value, or of the block that it is missing in.
pub(super) fn place_of(text: &Text, node: &Node, key: &str) -> Place {
    node.get(key).unwrap_or(node).place(text)
}
