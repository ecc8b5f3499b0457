//! YAML and JSON with the place of every value. Anchors are shared, never copied, so that no alias can make it large.

use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::source::Text;
use super::{Place, Problem};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// A tag of the document's own: `Ref` for `!Ref`.
    pub tag: Option<String>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, a number, `true`, `null`, as it is written.
    Scalar {
        /// Without its quotes.
        text: String,
        /// Whether it was quoted, and so is text whatever it looks like.
        quoted: bool,
    },
    /// A list.
    List(Vec<Rc<Node>>),
    /// Keys with their values, in order. A key that is no scalar has an empty name.
    Map(Vec<(Key, Rc<Node>)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// The documents of a text: those before the first error, and the error.
#[derive(Debug, Default)]
pub struct Documents {
    /// Without empty ones.
    pub all: Vec<Rc<Node>>,
    /// Where it stops being YAML, and why.
    pub problem: Option<Problem>,
}

/// How deep values may be nested, and how many there may be.
const DEEPEST: usize = 200;
const MOST_NODES: usize = 4_000_000;

/// Reads all documents of a text. A text that begins with a brace or a bracket is JSON, and read as strictly.
pub fn documents(text: &Text) -> Documents {
    if let Some(problem) = not_json(text) {
        return Documents {
            all: Vec::new(),
            problem: Some(problem),
        };
    }
    // A tab is white space in JSON, and none in YAML's indentation: inside strings JSON has none.
    let is_json = is_json(&text.content);
    let spaces;
    let content = match is_json && text.content.contains('\t') {
        true => {
            spaces = text.content.replace('\t', " ");
            &spaces
        }
        false => &text.content,
    };
    let mut reader = Reader {
        parser: Parser::new_from_str(content),
        anchors: Vec::new(),
        nodes: 0,
    };
    let mut found = Documents::default();
    loop {
        match reader.document() {
            Ok(Some(node)) => found.all.push(node),
            Ok(None) => return found,
            Err(Stop { line, column, what }) => {
                found.problem = Some(Problem {
                    at: text.place_at(line, column),
                    what,
                    starts: false,
                });
                return found;
            }
        }
    }
}

fn is_json(content: &str) -> bool {
    content.trim_start().starts_with(['{', '['])
}

/// The error of JSON that is none. Templates begin with a brace too: those are read as YAML, which says what is wrong with them.
fn not_json(text: &Text) -> Option<Problem> {
    if !is_json(&text.content) {
        return None;
    }
    let mut all = serde_json::Deserializer::from_str(&text.content).into_iter::<serde::de::IgnoredAny>();
    let error = all.find_map(Result::err)?;
    // A flow mapping of YAML is no JSON, and fine.
    let begins_like_json = text.content.trim_start().get(1..).map(str::trim_start);
    if !begins_like_json.is_some_and(|rest| rest.starts_with(['"', '{', '[', '}', ']']))
        || text.content.contains("\n---")
    {
        return None;
    }
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default().to_owned();
    Some(Problem {
        at: text.place_at(error.line(), error.column().max(1)),
        what: format!("JSON: {what}"),
        starts: false,
    })
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// By number, from 1.
    anchors: Vec<Option<Rc<Node>>>,
    nodes: usize,
}

struct Stop {
    line: usize,
    column: usize,
    what: String,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        let at = error.marker();
        Self {
            line: at.line(),
            column: at.col() + 1,
            what: error.info().to_owned(),
        }
    }
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Stop> {
        Ok(self.parser.next_event().transpose()?)
    }

    /// The next document that isn't empty.
    fn document(&mut self) -> Result<Option<Rc<Node>>, Stop> {
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamEnd => return Ok(None),
                Event::DocumentStart(_) => {
                    self.anchors.clear();
                }
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                value => {
                    let node = self.node(value, span, 0)?;
                    if !node.is_null() {
                        return Ok(Some(node));
                    }
                }
            }
        }
        Ok(None)
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Rc<Node>, Stop> {
        let (line, column) = (span.start.line(), span.start.col() + 1);
        let stop = |what: &str| Stop {
            line,
            column,
            what: what.to_owned(),
        };
        self.nodes += 1;
        if depth > DEEPEST {
            return Err(stop("nested deeper than any configuration is"));
        }
        if self.nodes > MOST_NODES {
            return Err(stop("more values than any configuration has"));
        }
        let (value, tag, anchor) = match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(anchor).cloned().flatten();
                return known.ok_or_else(|| stop("an alias within the value that it names"));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let quoted = style != ScalarStyle::Plain;
                (
                    Value::Scalar {
                        text: text.into_owned(),
                        quoted,
                    },
                    tag,
                    anchor,
                )
            }
            Event::SequenceStart(anchor, tag) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        Some((Event::SequenceEnd, _)) => break,
                        Some((event, span)) => list.push(self.node(event, span, depth + 1)?),
                        None => return Err(stop("a list that doesn't end")),
                    }
                }
                (Value::List(list), tag, anchor)
            }
            Event::MappingStart(anchor, tag) => (Value::Map(self.map(line, column, depth)?), tag, anchor),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(stop("a value is missing")),
        };
        let node = Rc::new(Node {
            value,
            tag: tag.as_deref().and_then(own_tag),
            line,
            column,
        });
        if anchor > 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            if let Some(slot) = self.anchors.get_mut(anchor) {
                *slot = Some(Rc::clone(&node));
            }
        }
        Ok(node)
    }

    fn map(&mut self, line: usize, column: usize, depth: usize) -> Result<Vec<(Key, Rc<Node>)>, Stop> {
        let mut map: Vec<(Key, Rc<Node>)> = Vec::new();
        loop {
            let stop = || Stop {
                line,
                column,
                what: "a map that doesn't end".to_owned(),
            };
            let key = match self.next()?.ok_or_else(stop)? {
                (Event::MappingEnd, _) => return Ok(map),
                (event, span) => self.node(event, span, depth + 1)?,
            };
            let (event, span) = self.next()?.ok_or_else(stop)?;
            let value = self.node(event, span, depth + 1)?;
            let name = key.text().unwrap_or_default().to_owned();
            map.push((
                Key {
                    name,
                    line: key.line,
                    column: key.column,
                },
                value,
            ));
        }
    }
}

/// A tag that isn't one of YAML's own.
fn own_tag(tag: &Tag) -> Option<String> {
    (tag.handle == "!" && !tag.suffix.is_empty()).then(|| tag.suffix.clone())
}

impl Node {
    /// Where it stands.
    pub fn place(&self, text: &Text) -> Place {
        text.place_at(self.line, self.column)
    }

    /// The value of a key; of several with one name the last, and what `<<` merges where there is none.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key with its value, to point at the key.
    pub fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        let own = self.entries().iter().rfind(|(own, _)| own.name == key);
        if let Some((own, value)) = own {
            return Some((own, value));
        }
        let merged = self.entries().iter().filter(|(own, _)| own.name == "<<");
        merged
            .flat_map(|(_, value)| match &value.value {
                Value::List(all) => all.iter().collect(),
                Value::Map(_) | Value::Scalar { .. } => vec![value],
            })
            .find_map(|map| map.entry(key))
    }

    /// The value at the end of a way of keys.
    pub fn at(&self, way: &[&str]) -> Option<&Node> {
        way.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text of the value of a key.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The keys of a map with their values, without what `<<` merges; none of anything else.
    pub fn entries(&self) -> &[(Key, Rc<Node>)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::List(_) | Value::Scalar { .. } => &[],
        }
    }

    /// The values of a list; none of anything else.
    pub fn items(&self) -> impl Iterator<Item = &Node> {
        let items = match &self.value {
            Value::List(items) => items.as_slice(),
            Value::Map(_) | Value::Scalar { .. } => &[],
        };
        items.iter().map(Rc::as_ref)
    }

    /// A scalar as it is written.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// A whole number, quoted or not.
    pub fn number(&self) -> Option<u64> {
        self.text()?.parse().ok()
    }

    /// A truth value, quoted or not.
    pub fn truth(&self) -> Option<bool> {
        match self.text()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// Whether there is nothing: `null`, `~` or an empty place.
    pub fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar { text, quoted: false } => matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"),
            Value::Scalar { .. } | Value::List(_) | Value::Map(_) => false,
        }
    }
}

impl Key {
    /// Where it stands.
    pub fn place(&self, text: &Text) -> Place {
        text.place_at(self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::{Documents, documents};
    use crate::proxyconf::source::Text;
    use std::time::{Duration, Instant};

    fn read(content: &str) -> Documents {
        documents(&Text::new("a.yaml", content))
    }

    #[test]
    fn every_value_has_its_place() {
        let found = read("a: 1\nb:\n  - c: \"x y\"\n    d: !Ref Name\n---\n# nothing\n---\ne: {f: [1, 2]}\n");
        assert_eq!((found.all.len(), found.problem), (2, None));
        let c = found.all[0].get("b").and_then(|b| b.items().next()).expect("an item");
        let (key, value) = c.entry("c").expect("c");
        assert_eq!(
            (key.line, key.column, value.column, value.text()),
            (3, 5, 8, Some("x y"))
        );
        let d = c.get("d").expect("d");
        assert_eq!((d.tag.as_deref(), d.text()), (Some("Ref"), Some("Name")));
        assert_eq!(found.all[1].at(&["e", "f"]).map(|list| list.items().count()), Some(2));
    }

    #[test]
    fn json_has_places_too_and_may_have_tabs() {
        let found = read("{\n\t\"a\": [\n\t\t{\"b\": true}]\n}");
        assert_eq!(found.problem, None);
        let b = found.all[0]
            .get("a")
            .and_then(|a| a.items().next()?.get("b"))
            .expect("b");
        assert_eq!((b.line, b.column, b.truth()), (3, 9, Some(true)));
    }

    #[test]
    fn merges_are_followed() {
        let found = read("base: &base {x: 1, y: 2}\nmore:\n  <<: *base\n  y: 3\n");
        let more = found.all[0].get("more").expect("more");
        assert_eq!((more.text_of("x"), more.text_of("y")), (Some("1"), Some("3")));
    }

    #[test]
    fn an_error_has_its_place_and_what_is_before_it_is_kept() {
        for (content, line, documents) in [
            ("a: 1\n---\nb: [1, 2\nc: 3\n", 4, 1),
            ("a:\n  - b\n c: d\n", 3, 0),
            ("a: b: c\n", 1, 0),
            ("a: \"open\n", 1, 0),
            ("{\"a\": 1,\n \"b\": }", 2, 0),
            ("a: *none\n", 1, 0),
            ("a: &a [*a]\n", 1, 0),
        ] {
            let found = read(content);
            let problem = found.problem.unwrap_or_else(|| panic!("{content:?} is refused"));
            assert_eq!(
                (problem.at.line, found.all.len()),
                (line, documents),
                "{content:?}: {}",
                problem.what
            );
        }
    }

    #[test]
    fn aliases_of_aliases_are_shared_and_depth_is_bounded() {
        let started = Instant::now();
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..60 {
            let names = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{names}]\n"));
        }
        assert!(read(&bomb).all.len() <= 1);
        assert!(read(&"[".repeat(100_000)).problem.is_some());
        assert!(read(&format!("a: {}", "[".repeat(100_000))).problem.is_some());
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(content in "[a-c:&*!{}\\[\\],#|>'\"\n\t -]{0,60}") {
            let _ = read(&content);
        }
    }
}
