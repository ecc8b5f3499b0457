//! The blocks of a Caddyfile: sites, snippets and directives, with everything imported put in its place.

use std::collections::HashMap;
use std::path::Path;

use super::super::source::{Includes, Text};
use super::super::{FileRead, Place, Problem, ProxyConf};
use super::token::{Token, tokens};
use crate::proxies::Proxy;

/// A directive with its arguments and its block.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    /// At least one.
    pub(super) words: Vec<Token>,
    /// What stands in its braces.
    pub(super) block: Option<Vec<Directive>>,
}

impl Directive {
    /// The text of a word; empty where there are fewer.
    pub(super) fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.text.as_str())
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.word(0)
    }

    /// The words behind its name.
    pub(super) fn arguments(&self) -> &[Token] {
        self.words.get(1..).unwrap_or_default()
    }

    /// What stands in its block; nothing where it has none.
    pub(super) fn inner(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }
}

/// A block of the first level.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Its addresses; none for the global options.
    pub(super) keys: Vec<Token>,
    /// Where it begins.
    pub(super) start: Token,
    /// What it says.
    pub(super) body: Vec<Directive>,
}

/// The files that were read.
#[derive(Debug)]
pub(super) struct Files<'a, 'i> {
    pub(super) texts: Vec<Text>,
    includes: &'i mut Includes,
    conf: &'a mut ProxyConf,
    snippets: HashMap<String, Vec<Directive>>,
    /// `&(name)` routes, for `invoke`.
    pub(super) routes: HashMap<String, Vec<Directive>>,
    /// What can't be read, though Caddy may.
    missing: bool,
}

/// How deep imports may refer to each other, and how many directives they may make together.
const DEEPEST: usize = 20;
const MOST: usize = 200_000;

/// A token with why it is refused.
pub(super) type Refused = (Token, String);

impl<'a, 'i> Files<'a, 'i> {
    pub(super) fn new(text: &Text, includes: &'i mut Includes, conf: &'a mut ProxyConf) -> Self {
        Self {
            texts: vec![text.clone()],
            includes,
            conf,
            snippets: HashMap::new(),
            routes: HashMap::new(),
            missing: false,
        }
    }

    /// Where a token stands.
    pub(super) fn place(&self, token: &Token) -> Place {
        self.texts
            .get(token.file)
            .map(|text| text.place(token.at))
            .unwrap_or_default()
    }

    /// Whether an import couldn't be followed.
    pub(super) fn is_incomplete(&self) -> bool {
        self.missing
    }

    /// All blocks of the first file and of what it imports.
    pub(super) fn blocks(&mut self) -> Result<Vec<Block>, Refused> {
        let tokens = self.texts.first().map(|text| tokens(text, 0)).unwrap_or_default();
        let mut blocks = Vec::new();
        self.top(&tokens, 0, &mut blocks)?;
        let mut count = 0;
        for block in &mut blocks {
            let body = std::mem::take(&mut block.body);
            block.body = self.imported(body, 0, &mut count)?;
        }
        let names: Vec<String> = self.routes.keys().cloned().collect();
        for name in names {
            let body = self.routes.get(&name).cloned().unwrap_or_default();
            let body = self.imported(body, 0, &mut count)?;
            self.routes.insert(name, body);
        }
        Ok(blocks)
    }

    fn top(&mut self, tokens: &[Token], depth: usize, blocks: &mut Vec<Block>) -> Result<(), Refused> {
        let mut rest = tokens;
        while let Some(first) = rest.first() {
            if first.text == "import" && !first.quoted && depth < DEEPEST {
                let (line, after) = line_of(rest);
                rest = after;
                for text in self.files(line)? {
                    self.top(&text, depth + 1, blocks)?;
                }
                continue;
            }
            let mut keys = Vec::new();
            while let Some((token, after)) = rest.split_first() {
                if token.is("{") {
                    break;
                }
                let ends_line = after.first().is_none_or(|next| next.line > token.ends);
                let more = token.text.ends_with(',');
                keys.push(Token {
                    text: token.text.trim_end_matches(',').to_owned(),
                    ..token.clone()
                });
                rest = after;
                if ends_line && !more {
                    break;
                }
            }
            keys.retain(|key| !key.text.is_empty());
            if let Some(matcher) = keys.first().filter(|key| !key.quoted && key.text.starts_with('@')) {
                return Err((
                    matcher.clone(),
                    "a matcher outside of a site: a brace before it closes the site too early".to_owned(),
                ));
            }
            let opened = rest.first().is_some_and(|token| token.is("{"));
            let body = match rest.split_first().filter(|_| opened) {
                Some((brace, after)) => {
                    let (body, after) = block(after, brace)?;
                    rest = after;
                    body
                }
                // The rest of the file is one site's, which may do without braces.
                None => {
                    let (body, after) = directives(rest)?;
                    rest = after.get(1..).unwrap_or_default();
                    body
                }
            };
            let name = match keys.as_slice() {
                [only] => only.text.clone(),
                _ => String::new(),
            };
            let inner = |start: &str| Some(name.strip_prefix(start)?.strip_suffix(')')?.to_owned());
            if let Some(name) = inner("&(") {
                self.routes.insert(name, body);
            } else if let Some(name) = inner("(") {
                self.snippets.insert(name, body);
            } else {
                blocks.push(Block {
                    keys,
                    start: first.clone(),
                    body,
                });
            }
        }
        Ok(())
    }

    /// The tokens of the files that an `import` names.
    fn files(&mut self, line: &[Token]) -> Result<Vec<Vec<Token>>, Refused> {
        let Some(named) = line.get(1) else {
            let import = line.first().cloned();
            return import.map_or(Ok(Vec::new()), |token| Err((token, "import without a name".to_owned())));
        };
        let at = self.place(named);
        let skip = |this: &mut Self, what: String| {
            this.missing = true;
            this.conf.problems.push(Problem {
                at: at.clone(),
                what,
                starts: true,
            });
        };
        let base = self
            .texts
            .get(named.file)
            .and_then(|text| text.path.as_deref())
            .and_then(Path::parent);
        let Some(base) = base.map(Path::to_path_buf).filter(|_| !named.varies) else {
            skip(self, format!("what it imports isn't among the files: {}", named.text));
            return Ok(Vec::new());
        };
        let texts = match self.includes.named(&base, &named.text) {
            Ok(texts) => texts,
            Err((path, why)) => {
                skip(self, format!("{} can't be read: {why}", path.display()));
                return Ok(Vec::new());
            }
        };
        let mut all = Vec::new();
        for text in texts {
            self.conf.files.push(FileRead {
                name: text.name.clone(),
                proxy: Proxy::Caddy,
                lines: text.lines(),
            });
            self.conf.allowed.extend(text.allowed());
            all.push(tokens(&text, self.texts.len()));
            self.texts.push(text);
        }
        Ok(all)
    }

    /// Directives with snippets and files in the place of their imports.
    fn imported(&mut self, body: Vec<Directive>, depth: usize, count: &mut usize) -> Result<Vec<Directive>, Refused> {
        let mut all = Vec::with_capacity(body.len());
        for mut directive in body {
            *count += 1;
            let too_many = depth > DEEPEST || *count > MOST;
            if let Some(first) = directive.words.first().filter(|_| too_many) {
                return Err((first.clone(), "imports that go round in a circle".to_owned()));
            }
            if directive.name() != "import" {
                if let Some(block) = directive.block.take() {
                    directive.block = Some(self.imported(block, depth, count)?);
                }
                all.push(directive);
                continue;
            }
            let found = match self.snippets.get(directive.word(1)) {
                Some(snippet) => snippet.clone(),
                None => {
                    let mut found = Vec::new();
                    for tokens in self.files(&directive.words)? {
                        let (directives, after) = directives(&tokens)?;
                        if let Some(token) = after.first() {
                            return Err((
                                token.clone(),
                                "unexpected '}' because no matching opening brace".to_owned(),
                            ));
                        }
                        found.extend(directives);
                    }
                    found
                }
            };
            let arguments: Vec<String> = directive.words.iter().skip(2).map(|word| word.text.clone()).collect();
            let found = filled(found, &arguments, directive.inner());
            all.extend(self.imported(found, depth + 1, count)?);
        }
        Ok(all)
    }
}

/// Puts arguments in the place of `{args[0]}`, and a block in that of `{block}`.
fn filled(body: Vec<Directive>, arguments: &[String], block: &[Directive]) -> Vec<Directive> {
    let mut all = Vec::with_capacity(body.len());
    for mut directive in body {
        if directive.words.len() == 1 && directive.name() == "{block}" {
            all.extend(block.iter().cloned());
            continue;
        }
        let mut words = Vec::with_capacity(directive.words.len());
        for word in directive.words {
            if !word.quoted && word.text == "{args[:]}" {
                words.extend(arguments.iter().map(|text| Token {
                    text: text.clone(),
                    ..word.clone()
                }));
                continue;
            }
            let mut text = word.text.clone();
            for (index, argument) in arguments.iter().enumerate().filter(|_| word.text.contains("{args")) {
                text = text
                    .replace(&format!("{{args[{index}]}}"), argument)
                    .replace(&format!("{{args.{index}}}"), argument);
            }
            words.push(Token { text, ..word });
        }
        directive.words = words;
        directive.block = directive.block.map(|inner| filled(inner, arguments, block));
        if !directive.words.is_empty() {
            all.push(directive);
        }
    }
    all
}

/// The tokens of the first line, and those behind.
fn line_of(tokens: &[Token]) -> (&[Token], &[Token]) {
    let end = tokens.windows(2).position(|pair| match pair {
        [one, next] => next.line > one.ends || next.file != one.file,
        _ => false,
    });
    tokens.split_at(end.map_or(tokens.len(), |end| end + 1))
}

/// What stands up to the brace that closes a block, and what follows it.
fn block<'t>(tokens: &'t [Token], opened: &Token) -> Result<(Vec<Directive>, &'t [Token]), Refused> {
    let (body, rest) = directives(tokens)?;
    match rest.split_first() {
        Some((_, after)) => Ok((body, after)),
        // Caddy looks at the last word that it has seen, and takes the brace of an inner block for that of the outer one.
        None if tokens.last().is_some_and(|last| last.is("}")) => Ok((body, rest)),
        None => Err((
            tokens.last().unwrap_or(opened).clone(),
            "a block that is not closed: '}' is missing".to_owned(),
        )),
    }
}

/// Directives up to a closing brace, which is left.
fn directives(tokens: &[Token]) -> Result<(Vec<Directive>, &[Token]), Refused> {
    let mut open: Vec<(Directive, Token, Vec<Directive>)> = Vec::new();
    let mut body: Vec<Directive> = Vec::new();
    let mut rest = tokens;
    loop {
        let Some(first) = rest.first() else {
            return match open.pop() {
                None => Ok((body, rest)),
                Some((_, brace, _)) => {
                    let last = tokens.last().unwrap_or(&brace).clone();
                    Err((last, "a block that is not closed: '}' is missing".to_owned()))
                }
            };
        };
        if first.is("}") {
            match open.pop() {
                None => return Ok((body, rest)),
                Some((mut directive, _, outer)) => {
                    directive.block = Some(std::mem::replace(&mut body, outer));
                    body.push(directive);
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
            }
        }
        let (line, after) = line_of(rest);
        if first.is("{") {
            return Err((
                first.clone(),
                "unexpected '{' on a new line; it belongs on the line before".to_owned(),
            ));
        }
        rest = after;
        let inner = line.get(1..).unwrap_or_default();
        if let Some((last, words)) = inner.split_last() {
            if words.iter().any(|word| word.is("{")) {
                return Err((last.clone(), "unexpected word behind '{' on the same line".to_owned()));
            }
            if last.is("{}") {
                return Err((last.clone(), "unexpected '{}' at the end of a line".to_owned()));
            }
        }
        match line.split_last() {
            Some((last, words)) if last.is("{") && !words.is_empty() => {
                let directive = Directive {
                    words: words.to_vec(),
                    block: None,
                };
                open.push((directive, last.clone(), std::mem::take(&mut body)));
            }
            _ => {
                if let Some(brace) = line.iter().skip(1).find(|word| word.is("}")) {
                    return Err((
                        brace.clone(),
                        "unexpected '}' because no matching opening brace".to_owned(),
                    ));
                }
                body.push(Directive {
                    words: line.to_vec(),
                    block: None,
                });
            }
        }
    }
}
