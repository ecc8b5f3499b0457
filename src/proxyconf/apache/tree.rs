//! The directives and sections of Apache's configuration, with includes put in and what can't hold left out.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::super::source::{Includes, Text};
use super::super::{FileRead, Place, Problem, ProxyConf};
use super::table;
use crate::proxies::Proxy;

/// An argument and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// Without quotes, with what `Define` puts in.
    pub(super) text: String,
    /// In bytes, from the start of the file.
    pub(super) at: usize,
    /// Whether it depends on what isn't in the files.
    pub(super) varies: bool,
}

/// A directive, or a section with what stands in it.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    /// As it is written, without `<`.
    pub(super) name: String,
    pub(super) words: Vec<Word>,
    /// All that stands behind the name.
    pub(super) rest: String,
    pub(super) file: usize,
    pub(super) at: usize,
    /// The line that Apache names: the last one, where it goes on over several.
    pub(super) line: usize,
    /// What stands in a section.
    pub(super) inner: Option<Vec<Directive>>,
    /// Whether a section's head is closed.
    pub(super) closed: bool,
}

impl Directive {
    /// Whether it has this name, in upper or lower case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The text of an argument; empty where there are fewer.
    pub(super) fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.text.as_str())
    }

    /// Whether its first argument is `on`.
    pub(super) fn is_on(&self) -> bool {
        self.word(0).eq_ignore_ascii_case("on")
    }

    /// What stands in a section.
    pub(super) fn inner(&self) -> &[Directive] {
        self.inner.as_deref().unwrap_or_default()
    }
}

/// What Apache refuses: the file, the line, and why.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) file: usize,
    pub(super) line: usize,
    pub(super) what: String,
}

/// The files, and what is known while they are read.
#[derive(Debug)]
pub(super) struct Files<'a, 'i> {
    pub(super) texts: Vec<Text>,
    includes: &'i mut Includes,
    conf: &'a mut ProxyConf,
    root: Option<PathBuf>,
    defines: HashMap<String, String>,
    /// The source files of the modules that are loaded.
    modules: HashSet<String>,
    /// Whether there is any `LoadModule`.
    loads: bool,
    /// Whether a module is loaded that isn't httpd's own.
    pub(super) foreign: bool,
    /// Whether an include couldn't be followed.
    missing: bool,
    count: usize,
}

/// How deep includes and sections may be nested, and how many directives there may be.
const DEEPEST: usize = 64;
const MOST: usize = 500_000;

impl<'a, 'i> Files<'a, 'i> {
    pub(super) fn new(text: &Text, includes: &'i mut Includes, conf: &'a mut ProxyConf) -> Self {
        Self {
            texts: vec![text.clone()],
            includes,
            conf,
            root: None,
            defines: HashMap::new(),
            modules: HashSet::new(),
            loads: false,
            foreign: false,
            missing: false,
            count: 0,
        }
    }

    /// Where something stands.
    pub(super) fn place(&self, file: usize, at: usize) -> Place {
        self.texts.get(file).map(|text| text.place(at)).unwrap_or_default()
    }

    /// Where a directive stands.
    pub(super) fn place_of(&self, directive: &Directive) -> Place {
        self.place(directive.file, directive.at)
    }

    /// Where an argument stands; the directive where it has fewer.
    pub(super) fn place_word(&self, directive: &Directive, index: usize) -> Place {
        self.place(
            directive.file,
            directive.words.get(index).map_or(directive.at, |word| word.at),
        )
    }

    /// Whether the modules that are loaded are all known: there are `LoadModule` lines, and no file is missing.
    pub(super) fn knows_modules(&self) -> bool {
        self.loads && !self.missing
    }

    /// Whether a module is loaded, by its source file; where that isn't known, as if it were.
    pub(super) fn has(&self, module: &str) -> bool {
        !self.knows_modules() || self.modules.contains(module) || table::COMPILED_IN.contains(&module)
    }

    /// Reads the first file and what it includes.
    pub(super) fn directives(&mut self) -> Result<Vec<Directive>, Refused> {
        self.file(0, 0)
    }

    fn file(&mut self, file: usize, depth: usize) -> Result<Vec<Directive>, Refused> {
        let lines = self.texts.get(file).map(|text| lines(text, file)).unwrap_or_default();
        let mut stack: Vec<(Directive, Vec<Directive>)> = Vec::new();
        let mut body: Vec<Directive> = Vec::new();
        // The number of sections that are left out, with everything in them.
        let mut skipped: Vec<String> = Vec::new();
        for line in lines {
            self.count += 1;
            if self.count > MOST || stack.len() > DEEPEST {
                return Err(refused(
                    &line,
                    "more directives, or deeper ones, than any configuration has",
                ));
            }
            let Line { section, .. } = line;
            if !skipped.is_empty() {
                match section {
                    Section::Open => skipped.push(line.directive.name.clone()),
                    Section::Close => {
                        skipped.pop();
                    }
                    Section::None => {}
                }
                continue;
            }
            match section {
                Section::Close => {
                    let Some((mut open, outer)) = stack.pop() else {
                        let name = &line.directive.name;
                        return Err(refused(&line, &format!("</{name}> without matching <{name}> section")));
                    };
                    if !open.is(&line.directive.name) {
                        let what = format!("expected </{}> but saw </{}>", open.name, line.directive.name);
                        return Err(refused(&line, &what));
                    }
                    open.inner = Some(std::mem::replace(&mut body, outer));
                    // What holds is put in its place.
                    match is_condition(&open) {
                        true => body.extend(open.inner.take().unwrap_or_default()),
                        false => body.push(open),
                    }
                }
                Section::Open => {
                    let directive = self.filled(line.directive);
                    match is_condition(&directive) && !self.holds(&directive) {
                        true => skipped.push(directive.name.clone()),
                        false => stack.push((directive, std::mem::take(&mut body))),
                    }
                }
                Section::None => {
                    let directive = self.filled(line.directive);
                    self.noticed(&directive)?;
                    if directive.is("Include") || directive.is("IncludeOptional") {
                        for file in self.included(&directive, depth)? {
                            body.extend(self.file(file, depth + 1)?);
                        }
                        continue;
                    }
                    body.push(directive);
                }
            }
        }
        if let Some((open, _)) = stack.first() {
            return Err(Refused {
                file,
                line: open.line,
                what: format!("<{}> was not closed", open.name),
            });
        }
        Ok(body)
    }

    /// Takes notice of what counts while files are read.
    fn noticed(&mut self, directive: &Directive) -> Result<(), Refused> {
        if directive.is("LoadModule") {
            return self.loaded(directive).map_err(|what| Refused {
                file: directive.file,
                line: directive.line,
                what,
            });
        }
        if directive.is("Define") && !directive.word(0).is_empty() {
            self.defines
                .insert(directive.word(0).to_owned(), directive.word(1).to_owned());
        } else if directive.is("UnDefine") {
            self.defines.remove(directive.word(0));
        } else if directive.is("ServerRoot") {
            self.root = Some(PathBuf::from(directive.word(0)));
        }
        Ok(())
    }

    /// A module, which Apache loads as soon as it reads of it.
    fn loaded(&mut self, directive: &Directive) -> Result<(), String> {
        self.loads = true;
        if directive.words.len() != 2 {
            return Err(
                "LoadModule takes two arguments, a module name and the name of a shared object file".to_owned(),
            );
        }
        let name = directive.word(0);
        let Some(source) = table::source(name) else {
            self.foreign = true;
            return match table::meant(name) {
                Some(meant) => Err(format!("there is no module {name}; did you mean {meant}?")),
                None => Ok(()),
            };
        };
        // What mod_proxy's protocols are built on has to be there before them.
        let needs_proxy = source.starts_with("mod_proxy_") && !self.has_loaded("mod_proxy.c");
        if needs_proxy && !self.missing {
            return Err(format!("{name} can't be loaded before proxy_module"));
        }
        self.modules.insert(source);
        // Each way to share the work among processes has this name too, and one of them rules HTTP/2 out.
        if let Some(way) = name.strip_prefix("mpm_").and_then(|rest| rest.strip_suffix("_module")) {
            self.modules.insert(format!("{way}.c"));
        }
        Ok(())
    }

    /// Whether the files load a module, by its source file.
    pub(super) fn has_loaded(&self, module: &str) -> bool {
        self.modules.contains(module)
    }

    /// Whether a section of conditions holds, as far as the files say so. A module that nobody loads where nothing is
    /// loaded at all is in another file.
    fn holds(&self, section: &Directive) -> bool {
        let text = section.word(0);
        let (not, name) = match text.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let holds = match section.name.to_ascii_lowercase().as_str() {
            "ifmodule" => match name.ends_with(".c") {
                true => self.has(name),
                false => {
                    table::source(name).is_none_or(|source| self.has(&source))
                        && !(table::source(name).is_none() && self.knows_modules())
                }
            },
            "ifdefine" => self.defines.contains_key(name),
            "iffile" => Path::new(name).exists(),
            _ => true,
        };
        holds != not
    }

    /// Puts the values of `Define` in the place of `${NAME}`.
    fn filled(&self, mut directive: Directive) -> Directive {
        for word in &mut directive.words {
            if !word.text.contains("${") {
                continue;
            }
            let (mut out, mut rest) = (String::new(), word.text.as_str());
            while let Some((before, after)) = rest.split_once("${") {
                let Some((name, behind)) = after.split_once('}') else {
                    break;
                };
                out.push_str(before);
                match self.defines.get(name) {
                    Some(value) => out.push_str(value),
                    None => {
                        word.varies = true;
                        out.push_str(&format!("${{{name}}}"));
                    }
                }
                rest = behind;
            }
            out.push_str(rest);
            word.text = out;
        }
        directive
    }

    /// The numbers of the files that a line includes.
    fn included(&mut self, directive: &Directive, depth: usize) -> Result<Vec<usize>, Refused> {
        if depth > DEEPEST / 4 {
            return Err(Refused {
                file: directive.file,
                line: directive.line,
                what: "includes that go round in a circle".to_owned(),
            });
        }
        let own = self
            .texts
            .get(directive.file)
            .and_then(|text| text.path.as_deref())
            .and_then(Path::parent);
        let base = self
            .root
            .clone()
            .filter(|root| root.is_dir())
            .or_else(|| own.map(Path::to_path_buf));
        let optional = directive.is("IncludeOptional");
        let at = self.place_word(directive, 0);
        let found = match base.filter(|_| !directive.words.iter().any(|word| word.varies)) {
            Some(base) => {
                let mut pattern = directive.word(0).to_owned();
                if base.join(&pattern).is_dir() {
                    pattern.push_str("/*");
                }
                self.includes
                    .named(&base, &pattern)
                    .map_err(|(path, why)| format!("{} can't be read: {why}", path.display()))
            }
            None => Err(format!("what it includes isn't among the files: {}", directive.word(0))),
        };
        let texts = match found {
            Ok(texts) => texts,
            Err(what) => {
                // Without it, nobody knows what else is loaded.
                self.missing = true;
                if !optional {
                    self.conf.problems.push(Problem { at, what, starts: true });
                }
                return Ok(Vec::new());
            }
        };
        let mut numbers = Vec::new();
        for text in texts {
            self.conf.files.push(FileRead {
                name: text.name.clone(),
                proxy: Proxy::Apache,
                lines: text.lines(),
            });
            self.conf.allowed.extend(text.allowed());
            numbers.push(self.texts.len());
            self.texts.push(text);
        }
        Ok(numbers)
    }
}

/// Whether a section only says when what stands in it is read.
fn is_condition(section: &Directive) -> bool {
    [
        "IfModule",
        "IfDefine",
        "IfVersion",
        "IfFile",
        "IfDirective",
        "IfSection",
    ]
    .iter()
    .any(|name| section.is(name))
}

fn refused(line: &Line, what: &str) -> Refused {
    Refused {
        file: line.directive.file,
        line: line.directive.line,
        what: what.to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    None,
    Open,
    Close,
}

#[derive(Debug)]
struct Line {
    directive: Directive,
    section: Section,
}

/// The lines that say something; one that ends in a backslash goes on in the next.
fn lines(text: &Text, file: usize) -> Vec<Line> {
    let mut found = Vec::new();
    let (mut start, mut number) = (0, 0);
    let mut rest = text.content.as_str();
    while !rest.is_empty() {
        let mut end = 0;
        loop {
            let line = rest.get(end..).unwrap_or_default();
            let length = line.find('\n').map_or(line.len(), |at| at + 1);
            number += 1;
            end += length;
            let content = line.get(..length).unwrap_or_default().trim_end_matches(['\n', '\r']);
            if !content.ends_with('\\') || end >= rest.len() {
                break;
            }
        }
        let (whole, after) = rest.split_at(end);
        found.extend(line(whole, start, file, number));
        start += end;
        rest = after;
    }
    found
}

fn line(whole: &str, start: usize, file: usize, number: usize) -> Option<Line> {
    let content = whole.trim_start();
    let at = start + whole.len() - content.len();
    if content.is_empty() || content.starts_with('#') {
        return None;
    }
    let (section, body) = match (content.strip_prefix("</"), content.strip_prefix('<')) {
        (Some(rest), _) => (Section::Close, rest),
        (None, Some(rest)) => (Section::Open, rest),
        (None, None) => (Section::None, content),
    };
    let body = body.trim_end();
    let closed = body.ends_with('>');
    let body = match section {
        Section::None => body,
        Section::Open | Section::Close => body.strip_suffix('>').unwrap_or(body),
    };
    let name_ends = body
        .find(|char: char| char.is_whitespace() || char == '\\')
        .unwrap_or(body.len());
    let (name, arguments) = body.split_at(name_ends);
    let offset = at + (content.len() - content.trim_start_matches(['<', '/']).len()) + name_ends;
    Some(Line {
        directive: Directive {
            name: name.to_owned(),
            words: words(arguments, offset),
            rest: arguments.trim().to_owned(),
            file,
            at,
            line: number,
            inner: None,
            closed,
        },
        section,
    })
}

/// Words in quotes or without; in quotes, a backslash stands before a quote. One at the end of a line is none.
fn words(text: &str, offset: usize) -> Vec<Word> {
    let mut found = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((index, char)) = chars.peek().copied() {
        let ends_line = |at: usize| {
            text.get(at + 1..)
                .is_none_or(|rest| rest.is_empty() || rest.starts_with(['\n', '\r']))
        };
        if char.is_whitespace() || char == '\\' && ends_line(index) {
            chars.next();
            continue;
        }
        let mut word = String::new();
        let quote = matches!(char, '"' | '\'').then_some(char);
        if quote.is_some() {
            chars.next();
        }
        while let Some((at, char)) = chars.peek().copied() {
            match (char, quote) {
                (char, Some(quote)) if char == quote => {
                    chars.next();
                    break;
                }
                ('\\', Some(quote)) => {
                    chars.next();
                    match chars.peek().copied() {
                        Some((_, next)) if next == quote => {
                            word.push(next);
                            chars.next();
                        }
                        _ if ends_line(at) => {}
                        _ => word.push('\\'),
                    }
                    continue;
                }
                (char, None) if char.is_whitespace() => break,
                ('\\', None) if ends_line(at) => break,
                (char, _) => word.push(char),
            }
            chars.next();
        }
        found.push(Word {
            text: word,
            at: offset + index,
            varies: false,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Text, lines};

    #[test]
    fn lines_are_those_that_apache_sees() {
        let text = Text::new(
            "a.conf",
            "# a \\\nstill a comment\n ProxyPass \"/a b\" \\\n  'h2c://x' a\\d\n<Location ~ \"^/x\">\n</Location>\n",
        );
        let all: Vec<_> = lines(&text, 0)
            .into_iter()
            .map(|line| {
                let words: Vec<String> = line.directive.words.iter().map(|word| word.text.clone()).collect();
                (
                    line.directive.name,
                    words,
                    line.directive.line,
                    text.place(line.directive.at).line,
                )
            })
            .collect();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            all,
            [
                ("ProxyPass".to_owned(), words(&["/a b", "h2c://x", "a\\d"]), 4, 3),
                ("Location".to_owned(), words(&["~", "^/x"]), 5, 5),
                ("Location".to_owned(), words(&[]), 6, 6),
            ]
        );
    }
}
