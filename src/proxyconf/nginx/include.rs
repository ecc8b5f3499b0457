//! The files that belong together: every `include` is replaced by what it names.

use std::path::{Path, PathBuf};

use super::syntax::{self, Body, Spot, Statement};
use crate::proxyconf::Place;
use crate::proxyconf::source::{Includes, Text};

/// The files that were read, the first of which is the one that was given.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub texts: Vec<Text>,
    /// That a file was asked for outside of any block and isn't here: it may load modules.
    pub may_load_modules: bool,
}

/// How deep files may include one another.
const MOST_NESTED: usize = 20;
/// What nginx's packages come with and what says nothing about routes.
const SHIPPED: [&str; 9] = [
    "mime.types",
    "fastcgi_params",
    "fastcgi.conf",
    "scgi_params",
    "uwsgi_params",
    "koi-utf",
    "koi-win",
    "win-utf",
    "snakeoil.conf",
];
/// Folders of fragments: what those include is relative to the folder above.
const FRAGMENT_FOLDERS: [&str; 6] = [
    "conf.d",
    "http.d",
    "sites-enabled",
    "sites-available",
    "snippets",
    "stream.d",
];

impl Files {
    /// A place to show.
    pub(super) fn place(&self, spot: Spot) -> Place {
        self.texts
            .get(spot.file)
            .map(|text| text.place(spot.offset))
            .unwrap_or_default()
    }
}

/// Reads a file and all that it includes.
pub(super) fn load(text: &Text, includes: &mut Includes) -> (Files, Vec<Statement>) {
    let mut loader = Loader {
        files: Files::default(),
        includes,
        base: base(text),
        open: Vec::new(),
    };
    let statements = loader.add(text.clone());
    (loader.files, statements)
}

/// The folder that relative names begin at.
fn base(text: &Text) -> PathBuf {
    let folder = text.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match FRAGMENT_FOLDERS.contains(&name) {
        true => folder.parent().unwrap_or(folder).to_owned(),
        false => folder.to_owned(),
    }
}

struct Loader<'a> {
    files: Files,
    includes: &'a mut Includes,
    base: PathBuf,
    /// The files that are being read, from the outermost.
    open: Vec<String>,
}

impl Loader<'_> {
    fn add(&mut self, text: Text) -> Vec<Statement> {
        let statements = syntax::parse(self.files.texts.len(), &text.content);
        self.open.push(text.name.clone());
        self.files.texts.push(text);
        let expanded = self.expand(statements, 0);
        self.open.pop();
        expanded
    }

    fn expand(&mut self, statements: Vec<Statement>, depth: usize) -> Vec<Statement> {
        let mut out = Vec::with_capacity(statements.len());
        for mut statement in statements {
            if let Body::Block(inner, _) = &mut statement.body {
                *inner = self.expand(std::mem::take(inner), depth + 1);
            }
            match (statement.name.text.as_str(), statement.args.as_slice(), &statement.body) {
                ("include", [pattern], Body::Semicolon) => {
                    let pattern = pattern.text.clone();
                    out.extend(self.included(&statement, &pattern, depth == 0));
                }
                _ => out.push(statement),
            }
        }
        out
    }

    fn included(&mut self, statement: &Statement, pattern: &str, outermost: bool) -> Vec<Statement> {
        let fault = |what: String, starts| {
            vec![Statement::fault(
                statement.args.first().map_or(statement.end, |word| word.at),
                what,
                starts,
            )]
        };
        if self.open.len() >= MOST_NESTED {
            return fault("files include one another too deeply".to_owned(), false);
        }
        let texts = match self.includes.named(&self.base, pattern) {
            Ok(texts) => texts,
            Err((path, why)) => {
                self.files.may_load_modules |= outermost;
                let shipped = path.file_name().and_then(|name| name.to_str());
                return match shipped.is_some_and(|name| SHIPPED.contains(&name)) {
                    true => Vec::new(),
                    false => fault(format!("open() \"{}\" failed: {why}", path.display()), true),
                };
            }
        };
        self.files.may_load_modules |= outermost && texts.is_empty();
        let mut out = Vec::new();
        for text in texts {
            if self.open.contains(&text.name) {
                out.extend(fault(format!("\"{}\" includes itself", text.name), false));
                return out;
            }
            out.extend(self.add(text));
        }
        out
    }
}
