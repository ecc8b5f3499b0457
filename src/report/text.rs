//! Text from the network or from a file, made safe to print.
//!
//! A certificate's subject, an error page's title, a configured address: all of them may hold an escape sequence that
//! repaints the screen, or a mark that turns the order of a line around. Such characters are shown by their numbers.

use crate::secret::MASK;

/// What the reader's terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// All of Unicode.
    Unicode,
    /// Nothing but ASCII.
    Ascii,
}

/// One line of at most `longest` characters of `text`: nothing in it moves the cursor, starts an escape sequence,
/// changes the direction of writing or is invisible.
pub fn line(text: &str, glyphs: Glyphs, longest: usize) -> String {
    let text = match glyphs {
        Glyphs::Unicode => text.to_owned(),
        Glyphs::Ascii => text.replace(MASK, "****"),
    };
    let mut shown = String::with_capacity(text.len());
    for char in text.chars().take(longest) {
        push(&mut shown, char, glyphs);
    }
    if text.chars().nth(longest).is_some() {
        push(&mut shown, '…', glyphs);
    }
    shown
}

/// Several lines of `text`, each made safe as [`line`] does.
pub fn lines(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|one| line(one, Glyphs::Unicode, LONGEST))
        .collect();
    lines.join("\n")
}

/// JSON in which everything that could disturb a terminal is written as `\uXXXX`.
///
/// Serialised JSON has such characters in strings alone, where the escape means the same.
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match disturbs(char) && char != '\n' {
            true => char
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| shown.push_str(&format!("\\u{unit:04x}"))),
            false => shown.push(char),
        }
    }
    shown
}

fn push(shown: &mut String, char: char, glyphs: Glyphs) {
    match (char, glyphs) {
        ('\n' | '\r' | '\t', _) => shown.extend(char.escape_default()),
        (char, _) if disturbs(char) => shown.extend(char.escape_unicode()),
        (char, Glyphs::Ascii) if !char.is_ascii() => match spelled(char) {
            Some(spelled) => shown.push_str(spelled),
            None => shown.extend(char.escape_unicode()),
        },
        (char, _) => shown.push(char),
    }
}

/// Control characters, direction marks, and characters that show as nothing.
fn disturbs(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// What this program itself writes beyond ASCII, in ASCII.
fn spelled(char: char) -> Option<&'static str> {
    Some(match char {
        '…' => "...",
        '→' => "->",
        '–' | '—' | '·' => "-",
        '‘' | '’' => "'",
        '“' | '”' => "\"",
        '≥' => ">=",
        '≤' => "<=",
        _ => return None,
    })
}

/// Characters of one line of several.
const LONGEST: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::{Glyphs, json, line};

    #[track_caller]
    fn check(text: &str, unicode: &str, ascii: &str) {
        assert_eq!(line(text, Glyphs::Unicode, 40), unicode);
        assert_eq!(line(text, Glyphs::Ascii, 40), ascii);
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        check(
            "gw.example:8443 \"quoted\" \\",
            "gw.example:8443 \"quoted\" \\",
            "gw.example:8443 \"quoted\" \\",
        );
    }

    #[test]
    fn an_escape_sequence_is_shown_by_its_number() {
        check(
            "a\u{1b}[2Jb\u{9b}31m",
            "a\\u{1b}[2Jb\\u{9b}31m",
            "a\\u{1b}[2Jb\\u{9b}31m",
        );
    }

    #[test]
    fn a_line_stays_one_line() {
        check("a\r\nb\tc\u{2028}d", "a\\r\\nb\\tc\\u{2028}d", "a\\r\\nb\\tc\\u{2028}d");
    }

    #[test]
    fn direction_marks_and_invisible_characters_show() {
        check(
            "\u{202e}a\u{200b}b\u{feff}",
            "\\u{202e}a\\u{200b}b\\u{feff}",
            "\\u{202e}a\\u{200b}b\\u{feff}",
        );
    }

    #[test]
    fn a_terminal_without_unicode_gets_ascii() {
        check(
            "größer → ••••en …",
            "größer → ••••en …",
            "gr\\u{f6}\\u{df}er -> ****en ...",
        );
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis() {
        assert_eq!(line("abcdef", Glyphs::Unicode, 3), "abc…");
        assert_eq!(line("abc", Glyphs::Unicode, 3), "abc");
    }

    #[test]
    fn json_means_the_same_when_it_is_safe() {
        let text = "\u{9b}31m \u{202e} \u{e0041} \u{7f} ü \n";
        let safe = json(&serde_json::to_string(text).unwrap());
        assert_eq!(safe, r#""\u009b31m \u202e \udb40\udc41 \u007f ü \n""#);
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }
}
