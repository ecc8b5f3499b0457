//! nginx's grammar: words, quotes, escapes, comments, blocks. It reads as nginx's own reader does, mistakes included, so that both
//! stop at the same line. What a directive means is not known here.

use std::borrow::Cow;

/// A place in one of the files that belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// Which file, by number.
    pub file: usize,
    /// Which byte of it.
    pub offset: usize,
}

/// A word, without its quotes and escapes.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// What it says.
    pub text: String,
    /// Where it begins.
    pub at: Spot,
}

/// A directive with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// The directive.
    pub name: Word,
    /// Its arguments.
    pub args: Vec<Word>,
    /// Where its `;` or `{` stands: nginx names this line when it refuses the statement.
    pub end: Spot,
    /// What follows.
    pub body: Body,
}

/// What follows the arguments of a directive.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// A semicolon.
    Semicolon,
    /// A block, and where it ends.
    Block(Vec<Statement>, Spot),
    /// Code of another language in braces, which isn't read.
    Code,
    /// This is no statement: reading went wrong here.
    Fault(Fault),
}

/// Why reading went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// In nginx's words.
    pub what: String,
    /// Whether nginx may start all the same.
    pub starts: bool,
}

/// nginx has no limit of its own, but nothing sensible is deeper.
const MOST_DEPTH: usize = 64;
/// What fits into nginx's buffer for a word.
const MOST_WORD: usize = 4096;

impl Statement {
    /// The argument at this position, from 0.
    pub(super) fn arg(&self, index: usize) -> Option<&str> {
        self.args.get(index).map(|word| word.text.as_str())
    }

    /// The statements of its block; none where it has no block.
    pub(super) fn block(&self) -> &[Self] {
        match &self.body {
            Body::Block(statements, _) => statements,
            Body::Semicolon | Body::Code | Body::Fault(_) => &[],
        }
    }

    /// A place where reading went wrong.
    pub(super) fn fault(at: Spot, what: impl Into<String>, starts: bool) -> Self {
        let name = Word {
            text: String::new(),
            at,
        };
        let what = what.into();
        Self {
            name,
            args: Vec::new(),
            end: at,
            body: Body::Fault(Fault { what, starts }),
        }
    }
}

/// The statements of a file. Where it is broken, a fault is the last of the innermost open block.
pub(super) fn parse(file: usize, content: &str) -> Vec<Statement> {
    let mut tokens = Tokens { file, content, at: 0 };
    let mut open: Vec<(Statement, Vec<Statement>)> = Vec::new();
    let mut current = Vec::new();
    loop {
        let (words, end) = match tokens.words() {
            Ok(read) => read,
            Err((at, what)) => {
                current.push(Statement::fault(at, what, false));
                break;
            }
        };
        let here = tokens.spot(tokens.at.saturating_sub(1));
        let mut words = words.into_iter();
        match (end, words.next()) {
            (End::Semicolon, Some(name)) => current.push(Statement {
                name,
                args: words.collect(),
                end: here,
                body: Body::Semicolon,
            }),
            (End::Open, Some(name)) => {
                let lua = name.text.ends_with("_by_lua_block");
                let statement = Statement {
                    name,
                    args: words.collect(),
                    end: here,
                    body: Body::Code,
                };
                if lua && tokens.skip_lua() {
                    current.push(statement);
                } else if open.len() < MOST_DEPTH {
                    open.push((statement, std::mem::take(&mut current)));
                } else {
                    current.push(Statement::fault(here, "blocks are nested too deeply", false));
                    break;
                }
            }
            (End::Close, _) => match open.pop() {
                Some((statement, outer)) => {
                    let inner = std::mem::replace(&mut current, outer);
                    current.push(closed(statement, inner, here));
                }
                None => {
                    current.push(Statement::fault(here, "unexpected \"}\"", false));
                    break;
                }
            },
            (End::File, _) => {
                if !open.is_empty() {
                    let at = tokens.spot(content.len());
                    current.push(Statement::fault(at, "unexpected end of file, expecting \"}\"", false));
                }
                break;
            }
            // `words` refuses a statement without a word.
            (End::Semicolon | End::Open, None) => {}
        }
    }
    while let Some((statement, outer)) = open.pop() {
        let inner = std::mem::replace(&mut current, outer);
        current.push(closed(statement, inner, tokens.spot(tokens.at)));
    }
    current
}

fn closed(statement: Statement, inner: Vec<Statement>, end: Spot) -> Statement {
    Statement {
        body: Body::Block(inner, end),
        ..statement
    }
}

/// What ends a statement.
#[derive(Clone, Copy)]
enum End {
    Semicolon,
    Open,
    Close,
    File,
}

struct Tokens<'a> {
    file: usize,
    content: &'a str,
    /// The byte that is read next.
    at: usize,
}

impl Tokens<'_> {
    fn spot(&self, offset: usize) -> Spot {
        Spot {
            file: self.file,
            offset,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.content.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// The words up to the end of a statement.
    fn words(&mut self) -> Result<(Vec<Word>, End), (Spot, String)> {
        let mut words: Vec<Word> = Vec::new();
        loop {
            let begin = self.at;
            let Some(byte) = self.next() else {
                return match words.is_empty() {
                    true => Ok((words, End::File)),
                    false => Err(self.cut_off()),
                };
            };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b'#' => self.skip_line(),
                b';' | b'{' if words.is_empty() => return Err(self.unexpected(begin)),
                b';' => return Ok((words, End::Semicolon)),
                b'{' => return Ok((words, End::Open)),
                b'}' if words.is_empty() => return Ok((words, End::Close)),
                b'}' => return Err(self.unexpected(begin)),
                b'"' | b'\'' => {
                    words.push(self.quoted(begin, byte)?);
                    // Only white space or the end of the statement may follow; a bracket begins a word, as in `if ($x = "y")`.
                    match self.peek() {
                        None => return Err(self.cut_off()),
                        Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')') => {}
                        Some(_) => return Err(self.unexpected(self.at)),
                    }
                }
                _ => words.push(self.bare(begin, byte)?),
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = self.content.as_bytes().get(self.at..).unwrap_or_default();
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn quoted(&mut self, begin: usize, quote: u8) -> Result<Word, (Spot, String)> {
        loop {
            match self.next() {
                None => return Err(self.cut_off()),
                Some(b'\\') => self.at += 1,
                Some(byte) if byte == quote => break,
                Some(_) => {}
            }
            if self.at - begin >= MOST_WORD {
                let what = format!(
                    "too long parameter, probably missing terminating \"{}\" character",
                    char::from(quote)
                );
                return Err((self.spot(begin), what));
            }
        }
        Ok(self.word(begin, begin + 1, self.at - 1))
    }

    fn bare(&mut self, begin: usize, first: u8) -> Result<Word, (Spot, String)> {
        // `${` doesn't open a block.
        let mut variable = first == b'$';
        if first == b'\\' {
            self.at += 1;
        }
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.cut_off());
            };
            match byte {
                b'{' if variable => {}
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' => break,
                b'\\' => self.at += 1,
                _ => {}
            }
            variable = byte == b'$' || (variable && byte == b'{');
            self.at += 1;
            if self.at - begin >= MOST_WORD {
                let start: String = self.content.get(begin..).unwrap_or_default().chars().take(10).collect();
                return Err((self.spot(begin), format!("too long parameter \"{start}...\" started")));
            }
        }
        Ok(self.word(begin, begin, self.at))
    }

    fn word(&self, at: usize, from: usize, to: usize) -> Word {
        Word {
            text: unescaped(self.content.get(from..to).unwrap_or_default()).into_owned(),
            at: self.spot(at),
        }
    }

    fn cut_off(&self) -> (Spot, String) {
        let at = self.spot(self.content.len());
        (at, "unexpected end of file, expecting \";\" or \"}\"".to_owned())
    }

    fn unexpected(&self, at: usize) -> (Spot, String) {
        let char = self
            .content
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .unwrap_or_default();
        (self.spot(at), format!("unexpected \"{char}\""))
    }

    /// Skips the rest of a block of Lua; stays where it is when it doesn't end.
    fn skip_lua(&mut self) -> bool {
        match lua_end(self.content.as_bytes().get(self.at..).unwrap_or_default()) {
            Some(length) => {
                self.at += length;
                true
            }
            None => false,
        }
    }
}

/// A backslash stands for itself but before quotes, another one, and the letters of white space.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let plain = match (char, chars.peek()) {
            ('\\', Some(next @ ('"' | '\'' | '\\'))) => *next,
            ('\\', Some('t')) => '\t',
            ('\\', Some('r')) => '\r',
            ('\\', Some('n')) => '\n',
            _ => {
                out.push(char);
                continue;
            }
        };
        out.push(plain);
        chars.next();
    }
    Cow::Owned(out)
}

/// How long a block of Lua is with its closing brace: braces in its strings and comments don't count.
fn lua_end(code: &[u8]) -> Option<usize> {
    let mut depth = 1_usize;
    let mut at = 0;
    loop {
        let rest = code.get(at..)?;
        at += match rest {
            [] => return None,
            [b'-', b'-', comment @ ..] => match long_bracket(comment) {
                Some(length) => 2 + length?,
                None => 2 + memchr::memchr(b'\n', comment)?,
            },
            [b'[', ..] => match long_bracket(rest) {
                Some(length) => length?,
                None => 1,
            },
            [quote @ (b'"' | b'\''), string @ ..] => 1 + string_end(string, *quote)?,
            [b'{', ..] => {
                depth += 1;
                1
            }
            [b'}', ..] => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
                1
            }
            _ => 1,
        };
    }
}

/// The length of `[[ … ]]` or `[=[ … ]=]`: `None` where none begins, `Some(None)` where it doesn't end.
fn long_bracket(code: &[u8]) -> Option<Option<usize>> {
    let rest = code.strip_prefix(b"[")?;
    let level = rest.iter().take_while(|byte| **byte == b'=').count();
    let body = rest.get(level..)?.strip_prefix(b"[")?;
    let close = [b"]".as_slice(), &vec![b'='; level], b"]"].concat();
    let found = memchr::memmem::find(body, &close);
    Some(found.map(|at| level + 2 + at + close.len()))
}

fn string_end(string: &[u8], quote: u8) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in string.iter().enumerate() {
        match (escaped, byte) {
            (true, _) => escaped = false,
            (false, b'\\') => escaped = true,
            (false, byte) if *byte == quote => return Some(at + 1),
            (false, _) => {}
        }
    }
    None
}
