//! The words of a Caddyfile: quotes, backticks, heredocs, comments and what the environment puts in.

use super::super::source::Text;

/// A word and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Without quotes; with the default of an environment variable that has one.
    pub(super) text: String,
    /// The number of its file.
    pub(super) file: usize,
    /// In bytes, from the start of the file.
    pub(super) at: usize,
    /// From 1.
    pub(super) line: usize,
    /// The line on which it ends.
    pub(super) ends: usize,
    /// Whether it was in quotes, so that no brace in it opens anything.
    pub(super) quoted: bool,
    /// Whether it depends on the environment.
    pub(super) varies: bool,
}

impl Token {
    /// Whether it is this brace.
    pub(super) fn is(&self, brace: &str) -> bool {
        !self.quoted && self.text == brace
    }
}

/// The words of a file.
pub(super) fn tokens(text: &Text, file: usize) -> Vec<Token> {
    let mut reader = Reader {
        content: &text.content,
        file,
        at: 0,
        line: 1,
    };
    let mut found = Vec::new();
    while let Some(token) = reader.next() {
        found.push(token);
    }
    found
}

struct Reader<'a> {
    content: &'a str,
    file: usize,
    at: usize,
    line: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.content.get(self.at..)?.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        self.line += usize::from(char == '\n');
        Some(char)
    }

    fn skip_to_line_end(&mut self) {
        while self.peek().is_some_and(|char| char != '\n') {
            self.take();
        }
    }

    fn next(&mut self) -> Option<Token> {
        loop {
            match self.peek()? {
                '#' => self.skip_to_line_end(),
                '\\' if self.rest().starts_with("\\\n") || self.rest().starts_with("\\\r\n") => {
                    self.take();
                }
                char if char.is_whitespace() => {
                    self.take();
                }
                _ => break,
            }
        }
        let (at, line) = (self.at, self.line);
        let (text, quoted) = match self.peek()? {
            quote @ ('"' | '`') => (self.quoted(quote), true),
            '<' => match self.heredoc() {
                Some(text) => (text, true),
                None => (self.plain(), false),
            },
            _ => (self.plain(), false),
        };
        let (text, varies) = environment(text);
        Some(Token {
            text,
            file: self.file,
            at,
            line,
            ends: self.line,
            quoted,
            varies,
        })
    }

    fn rest(&self) -> &str {
        self.content.get(self.at..).unwrap_or_default()
    }

    fn plain(&mut self) -> String {
        let mut text = String::new();
        while let Some(char) = self.peek().filter(|char| !char.is_whitespace()) {
            self.take();
            match (char, self.peek()) {
                ('\\', Some(next)) if !next.is_whitespace() => {
                    // Only a quote, a brace or the sign of a heredoc is escaped; all else keeps its backslash.
                    if !matches!(next, '"' | '`' | '<') {
                        text.push(char);
                    }
                    text.extend(self.take());
                }
                _ => text.push(char),
            }
        }
        text
    }

    fn quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        self.take();
        while let Some(char) = self.take() {
            match (char, self.peek()) {
                ('\\', Some('"')) if quote == '"' => text.extend(self.take()),
                (char, _) if char == quote => break,
                (char, _) => text.push(char),
            }
        }
        text
    }

    /// `<<MARK`, lines, and the mark alone on a line.
    fn heredoc(&mut self) -> Option<String> {
        let rest = self.rest().strip_prefix("<<")?;
        let (mark, body) = rest.split_once('\n')?;
        let mark = mark.trim_end_matches('\r');
        let is_mark = !mark.is_empty()
            && mark
                .chars()
                .all(|char| char.is_alphanumeric() || matches!(char, '_' | '-'));
        if !is_mark {
            return None;
        }
        let (mark, mut text) = (mark.to_owned(), String::new());
        let mut taken = rest.len() - body.len() + 2;
        let mut closed = false;
        for line in body.split_inclusive('\n') {
            let content = line.trim();
            if content == mark || content.starts_with(&mark) && !content.starts_with(&format!("{mark}_")) {
                taken += line.find(&mark).unwrap_or_default() + mark.len();
                closed = true;
                break;
            }
            taken += line.len();
            text.push_str(line);
        }
        if !closed {
            taken = self.rest().len();
        }
        let end = self.at + taken;
        while self.at < end && self.take().is_some() {}
        Some(text)
    }
}

/// Puts in the default of `{$NAME:default}`; a variable without one stays, and the word depends on it.
fn environment(text: String) -> (String, bool) {
    if !text.contains("{$") {
        return (text, false);
    }
    let (mut out, mut rest, mut varies) = (String::new(), text.as_str(), false);
    while let Some((before, after)) = rest.split_once("{$") {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        match name.split_once(':') {
            Some((_, default)) => out.push_str(default),
            None => {
                varies = true;
                out.push_str(&format!("{{${name}}}"));
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    (out, varies)
}

#[cfg(test)]
mod tests {
    use super::{Text, tokens};

    fn words(content: &str) -> Vec<String> {
        tokens(&Text::new("Caddyfile", content), 0)
            .into_iter()
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn words_are_those_that_caddy_sees() {
        assert_eq!(
            words("a b#c # d\n\"e \\\" f\" `g \"h\"` {$X:y z} {$X} \\\n i\\\"j k\\d {path}"),
            [
                "a", "b#c", "e \" f", "g \"h\"", "{$X:y", "z}", "{$X}", "i\"j", "k\\d", "{path}"
            ]
        );
        assert_eq!(
            words("respond <<END\n  a\n  # b\n  END 200\nx"),
            ["respond", "  a\n  # b\n", "200", "x"]
        );
        assert_eq!(words("{$HOST:gw.example.com}:443"), ["gw.example.com:443"]);
    }
}
