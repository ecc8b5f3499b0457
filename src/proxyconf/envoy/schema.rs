//! What Envoy's own descriptors say of a configuration: fields that aren't there, values of another kind, what is missing.
//!
//! `schema.txt` is made from the descriptors by `tests/oracle/envoy-schema`, which says how to read it. What it doesn't list isn't
//! checked: an extension of somebody's own is no mistake.

use std::sync::LazyLock;

use super::tree::{items, type_name};
use crate::config::file::edits;
use crate::proxyconf::yaml::{Key, Node, Value};

/// What Envoy refuses, and the line and column of the word that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) what: String,
}

impl Fault {
    pub(super) fn at_key(key: &Key, what: String) -> Self {
        Self {
            line: key.line,
            column: key.column,
            what,
        }
    }

    pub(super) fn at(node: &Node, what: String) -> Self {
        Self {
            line: node.line,
            column: node.column,
            what,
        }
    }
}

/// What is wrong with a value that should be the message of this name.
pub(super) fn check(node: &Node, message: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(kind) = SCHEMA.iter().find(|kind| kind.is(message)) {
        one_message(node, kind, &mut faults);
    }
    faults
}

struct Kind {
    package: &'static str,
    name: &'static str,
    fields: Vec<Field>,
    /// Of an enum; empty for a message.
    values: Vec<&'static str>,
}

struct Field {
    name: &'static str,
    many: Many,
    holds: Holds,
    demanded: bool,
    most: Option<f64>,
    /// Which of the groups of which only one may be there, and whether one has to be.
    group: Option<(&'static str, bool)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Many {
    One,
    List,
    Map,
}

#[derive(Clone, Copy)]
enum Holds {
    Text,
    Number,
    /// That isn't negative.
    Count,
    Truth,
    Duration,
    Any,
    Unchecked,
    Kind(usize),
}

static SCHEMA: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let mut package = "";
    let mut kinds = Vec::new();
    for line in include_str!("schema.txt").lines() {
        match line.strip_prefix('@') {
            Some(name) => package = name,
            None => kinds.extend(Kind::parse(package, line)),
        }
    }
    kinds
});

impl Kind {
    fn parse(package: &'static str, line: &'static str) -> Option<Self> {
        let mut words = line.split(' ');
        let name = words.next()?;
        let (fields, values): (Vec<_>, Vec<_>) = words.partition(|word| word.contains(':'));
        Some(Self {
            package,
            name,
            fields: fields.into_iter().filter_map(Field::parse).collect(),
            values,
        })
    }

    fn is(&self, full: &str) -> bool {
        let name = full.strip_prefix(self.package).and_then(|rest| rest.strip_prefix('.'));
        name == Some(self.name)
    }

    /// As the file writes it, or in the camel case of JSON.
    fn field(&self, written: &str) -> Option<&Field> {
        self.fields.iter().find(|field| same(field.name, written))
    }
}

impl Field {
    fn parse(word: &'static str) -> Option<Self> {
        let (name, rest) = word.split_once(':')?;
        let (many, rest) = match rest.as_bytes().first()? {
            b'*' => (Many::List, rest.get(1..)?),
            b'%' => (Many::Map, rest.get(1..)?),
            _ => (Many::One, rest),
        };
        let (rest, group) = match rest.split_once('^') {
            Some((rest, group)) => (rest, Some((group.trim_end_matches('!'), group.ends_with('!')))),
            None => (rest, None),
        };
        let (rest, most) = match rest.split_once('<') {
            Some((rest, most)) => (rest, most.parse().ok()),
            None => (rest, None),
        };
        let holds = match rest.trim_end_matches('!') {
            "s" => Holds::Text,
            "n" => Holds::Number,
            "u" => Holds::Count,
            "b" => Holds::Truth,
            "d" => Holds::Duration,
            "a" => Holds::Any,
            "." => Holds::Unchecked,
            number => Holds::Kind(number.parse().ok()?),
        };
        Some(Self {
            name,
            many,
            holds,
            demanded: rest.ends_with('!'),
            most,
            group,
        })
    }
}

/// Whether a key is this field: `stat_prefix`, or `statPrefix` as in JSON.
pub(super) fn same(field: &str, written: &str) -> bool {
    if field == written {
        return true;
    }
    let mut upper = false;
    let mut left = written.chars();
    for char in field.chars() {
        if char == '_' {
            upper = true;
            continue;
        }
        let char = if upper { char.to_ascii_uppercase() } else { char };
        upper = false;
        if left.next() != Some(char) {
            return false;
        }
    }
    left.next().is_none()
}

fn one_message(node: &Node, kind: &'static Kind, faults: &mut Vec<Fault>) {
    if !matches!(node.value, Value::Map(_)) {
        faults.push(Fault::at(node, format!("{} has fields, and this has none", kind.name)));
        return;
    }
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for (key, value) in node.entries() {
        if key.name == "@type" || key.name == "<<" {
            continue;
        }
        let Some(field) = kind.field(&key.name) else {
            faults.push(Fault::at_key(key, no_such_field(&key.name, kind)));
            continue;
        };
        if value.is_null() {
            continue;
        }
        if let Some((group, _)) = field.group {
            match groups.iter().find(|(own, _)| *own == group) {
                // The same key twice is no second one.
                Some((_, other)) if *other == field.name => {}
                Some((_, other)) => faults.push(Fault::at_key(key, format!("{} beside {other}", field.name))),
                None => groups.push((group, field.name)),
            }
        }
        if field.demanded && is_empty(value) {
            faults.push(Fault::at_key(key, format!("{} is empty", field.name)));
        }
        one_field(key, value, field, faults);
    }
    let there = |field: &Field| {
        let found = |(key, value): &(Key, std::rc::Rc<Node>)| same(field.name, &key.name) && !value.is_null();
        node.entries().iter().any(found) || node.entry(field.name).is_some_and(|(_, value)| !value.is_null())
    };
    let mut asked: Vec<&str> = Vec::new();
    for field in &kind.fields {
        match field.group {
            None if field.demanded && !there(field) => {
                faults.push(Fault::at(node, format!("{} without {}", kind.name, field.name)));
            }
            Some((group, true)) if !asked.contains(&group) => {
                asked.push(group);
                let of_group = || kind.fields.iter().filter(|one| one.group == Some((group, true)));
                if !of_group().any(there) {
                    let names: Vec<&str> = of_group().map(|one| one.name).collect();
                    faults.push(Fault::at(node, format!("{} without {}", kind.name, names.join(", "))));
                }
            }
            _ => {}
        }
    }
}

fn no_such_field(written: &str, kind: &Kind) -> String {
    let near = kind
        .fields
        .iter()
        .map(|field| (distance(written, field.name), field.name));
    match near.min() {
        Some((away, name)) if away <= 2 => {
            format!("no such field in {}: {written}, which is called {name}", kind.name)
        }
        _ => format!("no such field in {}: {written}", kind.name),
    }
}

fn one_field(key: &Key, node: &Node, field: &Field, faults: &mut Vec<Fault>) {
    match field.many {
        Many::One => one_value(key, node, field, faults),
        // A value that is no list stands for a list of one.
        Many::List => items(node).for_each(|item| one_value(key, item, field, faults)),
        Many::Map if matches!(node.value, Value::Map(_)) => {
            for (key, value) in node.entries() {
                one_value(key, value, field, faults);
            }
        }
        Many::Map => faults.push(Fault::at(node, format!("{} is a map", field.name))),
    }
}

fn one_value(key: &Key, node: &Node, field: &Field, faults: &mut Vec<Fault>) {
    let wrong = |what: &str| Some(Fault::at(node, format!("{} is {what}", key.name)));
    let text = node.text();
    let fault = match field.holds {
        Holds::Unchecked => None,
        Holds::Any => return any(node, faults),
        Holds::Kind(number) => match SCHEMA.get(number) {
            Some(kind) if kind.values.is_empty() => return one_message(node, kind, faults),
            Some(kind) if !text.is_some_and(|text| kind.has(text)) => {
                wrong(&format!("none of {}", kind.values.join(", ")))
            }
            _ => None,
        },
        Holds::Text => match &node.value {
            Value::Scalar { text, quoted: false } if is_no_text(text) => wrong("text: put it into quotes"),
            Value::Scalar { .. } => None,
            Value::List(_) | Value::Map(_) => wrong("text"),
        },
        Holds::Truth => (!text.is_some_and(is_truth)).then(|| wrong("true or false")).flatten(),
        Holds::Duration => (!text.is_some_and(is_duration))
            .then(|| wrong("a duration in seconds, such as 5s or 0.5s"))
            .flatten(),
        Holds::Count if text.is_some_and(|text| text.starts_with('-')) => wrong("a number that isn't negative"),
        Holds::Number | Holds::Count => match (text.and_then(|text| text.parse::<f64>().ok()), field.most) {
            (None, _) => wrong("a number"),
            (Some(number), Some(most)) if number > most => wrong(&format!("at most {most}")),
            (Some(_), _) => None,
        },
    };
    faults.extend(fault);
}

impl Kind {
    /// In upper or lower case, or its number.
    fn has(&self, text: &str) -> bool {
        let text = text.replace('-', "_");
        self.values.iter().any(|value| value.eq_ignore_ascii_case(&text)) || text.parse::<i32>().is_ok()
    }
}

fn any(node: &Node, faults: &mut Vec<Fault>) {
    let Value::Map(entries) = &node.value else {
        return faults.push(Fault::at(node, "a value without \"@type\"".to_owned()));
    };
    let Some((key, written)) = node.entry("@type") else {
        if !entries.is_empty() {
            faults.push(Fault::at(node, "a value without \"@type\"".to_owned()));
        }
        return;
    };
    let url = written.text().unwrap_or_default();
    if !url.contains('/') {
        return faults.push(Fault::at_key(
            key,
            format!("\"@type\" begins with type.googleapis.com/: {url}"),
        ));
    }
    let name = type_name(node).unwrap_or_default();
    if let Some(kind) = SCHEMA.iter().find(|kind| kind.is(name)) {
        return one_message(node, kind, faults);
    }
    // What isn't listed may well exist; what is almost one of those listed doesn't.
    let lower = name.to_ascii_lowercase();
    let near = |kind: &&Kind| distance(&lower, &format!("{}.{}", kind.package, kind.name).to_ascii_lowercase()) <= 2;
    if let Some(kind) = SCHEMA.iter().find(near) {
        faults.push(Fault::at_key(
            key,
            format!(
                "no such \"@type\": {name}, which is called {}.{}",
                kind.package, kind.name
            ),
        ));
    } else if name.starts_with("envoy.") && name.contains(".v2.") {
        faults.push(Fault::at_key(
            key,
            format!("no such \"@type\" since version 2 of the API is gone: {name}"),
        ));
    }
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { text, .. } => text.is_empty(),
        Value::List(list) => list.is_empty(),
        // A message that has to be there may be one without fields.
        Value::Map(_) => false,
    }
}

/// What is a number or a truth value where it has no quotes.
fn is_no_text(text: &str) -> bool {
    text.parse::<i64>().is_ok() || is_truth(text)
}

/// The words of YAML 1.1.
fn is_truth(text: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str())
}

fn is_duration(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.strip_suffix('s').unwrap_or_default();
    match seconds.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && part.len() <= 9,
        None => digits(seconds),
    }
}

/// How many letters differ, where it is few.
fn distance(one: &str, other: &str) -> usize {
    match one.len().abs_diff(other.len()) {
        0..=2 => edits(one, other),
        _ => usize::MAX,
    }
}
