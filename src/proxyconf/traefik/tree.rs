//! One tree for everything that configures Traefik: YAML, TOML, flags of the command line and labels of containers. Names of fields
//! are the same in upper and lower case; names of routers, services and middlewares are not.

use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::{Documents, Key, Node, Value};
use crate::proxyconf::{Place, Problem, Setting};

/// A field with its key.
pub(super) fn entry<'a>(node: &'a Node, field: &str) -> Option<(&'a Key, &'a Node)> {
    let own = node
        .entries()
        .iter()
        .rfind(|(key, _)| key.name.eq_ignore_ascii_case(field));
    own.map(|(key, value)| (key, value.as_ref()))
        .or_else(|| node.entry(field))
}

/// A field.
pub(super) fn get<'a>(node: &'a Node, field: &str) -> Option<&'a Node> {
    entry(node, field).map(|(_, value)| value)
}

/// What is at the end of a way of fields.
pub(super) fn at<'a>(node: &'a Node, way: &[&str]) -> Option<&'a Node> {
    way.iter().try_fold(node, |node, field| get(node, field))
}

/// The text of a field.
pub(super) fn text<'a>(node: &'a Node, field: &str) -> Option<&'a str> {
    get(node, field)?.text()
}

/// Whether a field says `true`.
pub(super) fn is_true(node: &Node, field: &str) -> bool {
    get(node, field).and_then(Node::truth) == Some(true)
}

/// The words of a list, which a flag or a label writes with commas.
pub(super) fn words<'a>(node: &'a Node, field: &str) -> Vec<(&'a str, &'a Node)> {
    let Some(list) = get(node, field) else {
        return Vec::new();
    };
    match &list.value {
        Value::List(_) => list.items().filter_map(|item| Some((item.text()?, item))).collect(),
        Value::Scalar { text, .. } => text
            .split(',')
            .map(|word| (word.trim(), list))
            .filter(|(word, _)| !word.is_empty())
            .collect(),
        Value::Map(_) => Vec::new(),
    }
}

/// The values of the list of a field. Flags and labels number them, which makes them a map: `servers[0].url`.
pub(super) fn list<'a>(node: &'a Node, field: &str) -> Vec<&'a Node> {
    let own: Vec<&Node> = get(node, field).into_iter().flat_map(Node::items).collect();
    match own.is_empty() {
        false => own,
        true => {
            let numbered = |(key, value): &'a (Key, Rc<Node>)| {
                let name = key.name.split('[').next().unwrap_or_default();
                (key.name.ends_with(']') && name.eq_ignore_ascii_case(field)).then_some(value.as_ref())
            };
            node.entries().iter().filter_map(numbered).collect()
        }
    }
}

/// A number of a field, placed at its value.
pub(super) fn number(file: &Text, node: &Node, field: &str) -> Option<Setting<u64>> {
    let value = get(node, field)?;
    Some(Setting::written(value.number()?, field, value.place(file)))
}

/// Milliseconds of a field: `1m30s` as Go writes it, or a number of seconds.
pub(super) fn duration(file: &Text, node: &Node, field: &str) -> Option<Setting<u64>> {
    let value = get(node, field)?;
    Some(Setting::written(milliseconds(value.text()?)?, field, value.place(file)))
}

fn milliseconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1000));
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let (number, unit) = rest.split_at(digits);
        let letters = unit.find(|char: char| char.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, after) = unit.split_at(letters);
        let each = match unit {
            "h" => 3_600_000.0,
            "m" => 60_000.0,
            "s" => 1000.0,
            "ms" => 1.0,
            "us" | "µs" => 0.001,
            "ns" => 0.000_001,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * each;
        rest = after;
    }
    Some(total as u64)
}

/// Where a field is named.
pub(super) fn place(file: &Text, node: &Node, field: &str) -> Option<Place> {
    entry(node, field).map(|(key, _)| key.place(file))
}

/// Traefik's TOML as the same tree.
pub fn toml(file: &Text) -> Documents {
    match DeTable::parse(&file.content) {
        Ok(table) => {
            let start = table.span().start;
            let node = table_node(file, start, table.get_ref());
            Documents {
                all: vec![Rc::new(node)],
                problem: None,
            }
        }
        Err(error) => Documents {
            all: Vec::new(),
            problem: Some(Problem {
                at: file.place(error.span().map_or(0, |span| span.start)),
                what: format!("TOML: {}", error.message().lines().next().unwrap_or_default()),
                starts: false,
            }),
        },
    }
}

fn table_node(file: &Text, start: usize, table: &DeTable<'_>) -> Node {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        let at = file.place(key.span().start);
        let key = Key {
            name: key.get_ref().to_string(),
            line: at.line,
            column: at.column,
        };
        (key, Rc::new(value_node(file, value)))
    };
    let at = file.place(start);
    Node {
        value: Value::Map(entries.into_iter().map(entry).collect()),
        tag: None,
        line: at.line,
        column: at.column,
    }
}

fn value_node(file: &Text, value: &Spanned<DeValue<'_>>) -> Node {
    let start = value.span().start;
    let (text, quoted) = match value.get_ref() {
        DeValue::Table(table) => return table_node(file, start, table),
        DeValue::Array(all) => {
            let at = file.place(start);
            return Node {
                value: Value::List(all.iter().map(|one| Rc::new(value_node(file, one))).collect()),
                tag: None,
                line: at.line,
                column: at.column,
            };
        }
        DeValue::String(text) => (text.to_string(), true),
        DeValue::Integer(number) => (number.to_string(), false),
        DeValue::Float(number) => (number.to_string(), false),
        DeValue::Boolean(truth) => (truth.to_string(), false),
        DeValue::Datetime(time) => (time.to_string(), true),
    };
    let at = file.place(start);
    Node {
        value: Value::Scalar { text, quoted },
        tag: None,
        line: at.line,
        column: at.column,
    }
}

/// A tree that grows by ways such as `http.routers.x.rule`.
#[derive(Default)]
pub(super) struct Growing {
    line: usize,
    column: usize,
    text: Option<String>,
    below: Vec<(String, Growing)>,
}

/// How many names a way has at most.
const DEEPEST: usize = 20;

impl Growing {
    /// Writes a value to the end of a way; its place is that of the word that says it.
    pub(super) fn set(&mut self, way: &str, value: &str, said: &Node) {
        let mut branch = self;
        for name in way.split('.').take(DEEPEST) {
            let known = branch.below.iter().position(|(own, _)| own.eq_ignore_ascii_case(name));
            let index = known.unwrap_or_else(|| {
                let new = Self {
                    line: said.line,
                    column: said.column,
                    ..Self::default()
                };
                branch.below.push((name.to_owned(), new));
                branch.below.len() - 1
            });
            let Some((_, next)) = branch.below.get_mut(index) else {
                return;
            };
            branch = next;
        }
        branch.text = Some(value.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.below.is_empty()
    }

    pub(super) fn node(self) -> Node {
        let value = match (self.below.is_empty(), self.text) {
            // `tls=true` beside `tls.options=x` says no more.
            (false, _) | (true, None) => Value::Map(
                self.below
                    .into_iter()
                    .map(|(name, below)| {
                        let key = Key {
                            name,
                            line: below.line,
                            column: below.column,
                        };
                        (key, Rc::new(below.node()))
                    })
                    .collect(),
            ),
            (true, Some(text)) => Value::Scalar { text, quoted: false },
        };
        Node {
            value,
            tag: None,
            line: self.line,
            column: self.column,
        }
    }
}
