//! The lines of `haproxy.cfg`: words, quotes, escapes and comments, as section 2.2 of its manual has them.

use super::super::source::Text;
use super::super::{Place, Problem};

/// A word and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// Without quotes and escapes. An environment variable stays as it is written.
    pub(super) text: String,
    /// In bytes, from the start of the file.
    pub(super) at: usize,
    /// Whether it depends on the environment.
    pub(super) varies: bool,
}

/// A line that says something.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// At least one.
    pub(super) words: Vec<Word>,
}

impl Line {
    /// The text of a word; empty where there are fewer.
    pub(super) fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.text.as_str())
    }

    /// The words from one on.
    pub(super) fn from(&self, index: usize) -> &[Word] {
        self.words.get(index..).unwrap_or_default()
    }

    /// Where a word stands, or the line where it has fewer.
    pub(super) fn place(&self, text: &Text, index: usize) -> Place {
        let word = self.words.get(index).or(self.words.first());
        text.place(word.map_or(0, |word| word.at))
    }

    /// Whether it begins with these words.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(index, word)| self.word(index) == *word)
    }
}

/// No more lines with open quotes are named.
const MOST: usize = 50;

/// The lines of a file. One whose quotes don't match is left out and reported.
pub(super) fn lines(text: &Text, problems: &mut Vec<Problem>) -> Vec<Line> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.content.split_inclusive('\n') {
        let content = line.trim_end_matches('\n').trim_end_matches('\r');
        match words(content, start) {
            Ok(words) if words.is_empty() => {}
            Ok(words) => found.push(Line { words }),
            // One that is open over many lines leaves one open on each of them.
            Err(_) if problems.len() >= MOST => {}
            Err((at, what)) => problems.push(Problem {
                at: text.place(at),
                what: what.to_owned(),
                starts: false,
            }),
        }
        start += line.len();
    }
    found
}

#[derive(Clone, Copy, PartialEq)]
enum Quote {
    None,
    Weak,
    Strong,
}

fn words(line: &str, start: usize) -> Result<Vec<Word>, (usize, &'static str)> {
    let mut words = Vec::new();
    let mut current: Option<Word> = None;
    let (mut quote, mut opened) = (Quote::None, start);
    let mut chars = line.char_indices();
    while let Some((index, char)) = chars.next() {
        let at = start + index;
        let word = || Word {
            text: String::new(),
            at,
            varies: false,
        };
        match (char, quote) {
            ('#', Quote::None) => break,
            (' ' | '\t', Quote::None) => words.extend(current.take()),
            ('"', Quote::None) => {
                (quote, opened) = (Quote::Weak, at);
                current.get_or_insert_with(word);
            }
            ('\'', Quote::None) => {
                (quote, opened) = (Quote::Strong, at);
                current.get_or_insert_with(word);
            }
            ('"', Quote::Weak) | ('\'', Quote::Strong) => quote = Quote::None,
            ('\\', Quote::None | Quote::Weak) => {
                let escaped = chars.next().map(|(_, char)| char);
                let word = current.get_or_insert_with(word);
                match escaped {
                    Some('n') => word.text.push('\n'),
                    Some('r') => word.text.push('\r'),
                    Some('t') => word.text.push('\t'),
                    Some(char @ (' ' | '#' | '\\' | '"' | '\'')) => word.text.push(char),
                    Some('$') if quote == Quote::Weak => word.text.push('$'),
                    // What is no escape stays as it is: expressions need it.
                    Some(char) => word.text.extend(['\\', char]),
                    None => word.text.push('\\'),
                }
            }
            (char, quote) => {
                let word = current.get_or_insert_with(word);
                word.varies |= char == '$' && quote == Quote::Weak;
                word.text.push(char);
            }
        }
    }
    if quote != Quote::None {
        return Err((opened, "a quote that is not closed"));
    }
    words.extend(current);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{Text, lines};

    fn read(content: &str) -> (Vec<Vec<String>>, usize) {
        let mut problems = Vec::new();
        let lines = lines(&Text::new("haproxy.cfg", content), &mut problems);
        let words = lines
            .into_iter()
            .map(|line| line.words.into_iter().map(|word| word.text).collect());
        (words.collect(), problems.len())
    }

    #[test]
    fn quotes_escapes_and_comments_are_those_of_the_manual() {
        let (lines, problems) = read("a b#c\n  # d\n\t'e # f' \"g \\\" h\"i j\\ k ^\\d\\.x \"\"\r\n");
        assert_eq!(lines, [vec!["a", "b"], vec!["e # f", "g \" hi", "j k", "^\\d\\.x", ""]]);
        assert_eq!(problems, 0);
        assert_eq!(read("a \"b\nc 'd'"), (vec![vec!["c".to_owned(), "d".to_owned()]], 1));
    }
}
