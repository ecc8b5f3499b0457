//! What holds inside a block: its own directives, and those that it inherits.

use std::collections::HashMap;
use std::rc::Rc;

use super::include::Files;
use super::syntax::{Spot, Statement, Word};
use super::values;
use crate::proxyconf::{Place, Setting};

/// The blocks around a directive, from the outermost.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    pub files: &'a Files,
    levels: Vec<Level<'a>>,
}

#[derive(Clone, Debug)]
struct Level<'a> {
    /// What kind of block it is; empty for the outermost.
    block: &'a str,
    at: Spot,
    statements: &'a [Statement],
    /// Where the statements of each name are: thousands of servers ask the block around them.
    named: Rc<HashMap<&'a str, Vec<usize>>>,
}

impl<'a> Level<'a> {
    fn new(block: &'a str, at: Spot, statements: &'a [Statement]) -> Self {
        let mut named: HashMap<&'a str, Vec<usize>> = HashMap::new();
        for (index, statement) in statements.iter().enumerate() {
            named.entry(statement.name.text.as_str()).or_default().push(index);
        }
        Self {
            block,
            at,
            statements,
            named: Rc::new(named),
        }
    }

    /// The statements of these names, in order.
    fn all(&self, names: &[&str]) -> Vec<&'a Statement> {
        let mut found: Vec<usize> = names
            .iter()
            .filter_map(|name| self.named.get(name))
            .flatten()
            .copied()
            .collect();
        found.sort_unstable();
        found
            .into_iter()
            .filter_map(|index| self.statements.get(index))
            .collect()
    }
}

impl<'a> Scope<'a> {
    /// The outermost block.
    pub(super) fn new(files: &'a Files, at: Spot, statements: &'a [Statement]) -> Self {
        let levels = vec![Level::new("", at, statements)];
        Self { files, levels }
    }

    /// A block inside of this one.
    pub(super) fn inside(&self, block: &'a Statement) -> Self {
        let mut inner = self.clone();
        let level = Level::new(&block.name.text, block.name.at, block.block());
        inner.levels.push(level);
        inner
    }

    /// The innermost block's own statements.
    pub(super) fn own(&self) -> &'a [Statement] {
        self.levels.last().map_or(&[], |level| level.statements)
    }

    /// The last own statement of this name.
    pub(super) fn own_one(&self, name: &str) -> Option<&'a Statement> {
        self.own().iter().rfind(|one| one.name.text == name)
    }

    /// The statement of this name that holds here.
    pub(super) fn find(&self, name: &str) -> Option<&'a Statement> {
        self.all(&[name]).last().copied()
    }

    /// The statements of these names that hold here: those of the innermost block that has any.
    pub(super) fn all(&self, names: &[&str]) -> Vec<&'a Statement> {
        let mut levels = self.levels.iter().rev().map(|level| level.all(names));
        levels.find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// Whether a flag is on.
    pub(super) fn is_on(&self, name: &str, default: bool) -> bool {
        let written = self.find(name).and_then(|one| one.arg(0));
        written.map_or(default, |value| value.eq_ignore_ascii_case("on"))
    }

    /// A flag with where it comes from.
    pub(super) fn flag(&self, name: &str, default: bool) -> Setting<bool> {
        self.setting(name, default, |value| Some(value.eq_ignore_ascii_case("on")))
    }

    /// Milliseconds.
    pub(super) fn time(&self, name: &str, default: u64) -> Setting<u64> {
        self.setting(name, default, values::time)
    }

    /// The first argument of a directive, or what holds where it isn't written.
    pub(super) fn setting<T>(&self, name: &str, default: T, read: impl Fn(&str) -> Option<T>) -> Setting<T> {
        let written = self.find(name);
        match written.and_then(|one| Some((one, read(one.arg(0)?)?))) {
            Some((one, value)) => Setting::written(value, name, self.place(&one.name)),
            None => Setting::by_default(default, name, self.begin()),
        }
    }

    /// Where the innermost block begins.
    pub(super) fn begin(&self) -> Place {
        self.levels
            .last()
            .map(|level| self.files.place(level.at))
            .unwrap_or_default()
    }

    /// The server around it, or what there is of one.
    pub(super) fn server(&self) -> Self {
        let mut outer = self.clone();
        let is_outside = |level: &Level<'_>| !matches!(level.block, "location" | "if" | "limit_except");
        let last = outer.levels.iter().rposition(is_outside).unwrap_or_default();
        outer.levels.truncate(last + 1);
        outer
    }

    /// The place of a word.
    pub(super) fn place(&self, word: &Word) -> Place {
        self.files.place(word.at)
    }

    /// A text whose variables are all `set` here, each in one place and for every request; `None` where one isn't.
    pub(super) fn without_variables(&self, text: &str) -> Option<String> {
        self.replace(text, 8)
    }

    fn replace(&self, text: &str, depth: usize) -> Option<String> {
        let Some((before, rest)) = text.split_once('$') else {
            return Some(text.to_owned());
        };
        let (name, after) = match rest.strip_prefix('{') {
            Some(rest) => rest.split_once('}')?,
            None => {
                let length = rest
                    .bytes()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                    .count();
                rest.split_at_checked(length)?
            }
        };
        let value = self.replace(self.constant(name)?, depth.checked_sub(1)?)?;
        Some(format!("{before}{value}{}", self.replace(after, depth - 1)?))
    }

    fn constant(&self, name: &str) -> Option<&'a str> {
        let sets = |statement: &&Statement| {
            statement.name.text == "set" && statement.arg(0).and_then(|word| word.strip_prefix('$')) == Some(name)
        };
        let levels = || self.levels.iter().flat_map(|level| level.statements);
        let in_condition = levels().filter(|one| one.name.text == "if").flat_map(Statement::block);
        let all: Vec<&'a Statement> = levels().filter(sets).collect();
        match all.as_slice() {
            [one] if !in_condition.into_iter().any(|one| sets(&one)) => one.arg(1),
            _ => None,
        }
    }
}
