//! Finding messages in pasted text: what terminals, loggers and chat programs do to a message is undone, then literal
//! pieces are looked for in order. No regular expressions: a hole is all that a log line needs.

use std::ops::Range;

/// Stands for anything in a pattern, of at most [`WIDEST`] bytes.
pub(super) const HOLE: char = '…';

/// A text that patterns can be looked for in: lower case, one space for any white space, no colours, no escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded(String);

impl Folded {
    /// Folds a text. Everything beyond [`LONGEST`] bytes is left out.
    pub fn new(text: &str) -> Self {
        let text = without_colours(start_of(text, LONGEST));
        let text = fold(&unescaped(&text));
        Self(without_wrapper(&text))
    }

    /// The folded text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where a pattern occurs, given as the folded pieces between its holes, from left to right; the places don't overlap.
    pub(super) fn places(&self, pieces: &[String]) -> impl Iterator<Item = (usize, usize)> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let place = self.place(pieces, from)?;
            from = place.end;
            Some((place.start, place.end))
        })
    }

    /// The first place at or after `from`, as narrow as it can be.
    fn place(&self, pieces: &[String], from: usize) -> Option<Range<usize>> {
        let (first, rest) = pieces.split_first()?;
        let mut found: Option<Range<usize>> = None;
        for start in self.words(first, from, self.0.get(from..)?) {
            if found.as_ref().is_some_and(|found| start >= found.end) {
                break;
            }
            let Some(end) = self.end(rest, start + first.len()) else {
                continue;
            };
            // A later start with the same end leaves an unrelated message before it alone.
            if found.as_ref().is_some_and(|found| end > found.end) {
                break;
            }
            found = Some(start..end);
        }
        found
    }

    /// Where the last of these pieces ends, each after a hole, the first of them after `from`.
    fn end(&self, pieces: &[String], from: usize) -> Option<usize> {
        pieces.iter().try_fold(from, |from, piece| {
            let near = start_of(self.0.get(from..)?, WIDEST + piece.len());
            let start = self.words(piece, from, near).next()?;
            Some(start + piece.len())
        })
    }

    /// Where a piece occurs in a part of the text that begins at `from`; never in the middle of a word.
    fn words(&self, piece: &str, from: usize, part: &str) -> impl Iterator<Item = usize> {
        let is_whole = |start: &usize| {
            let (before, after) = (self.0.get(..*start), self.0.get(start + piece.len()..));
            let before = before.and_then(|text| text.chars().next_back());
            let after = after.and_then(|text| text.chars().next());
            !is_word(before, piece.chars().next()) && !is_word(piece.chars().next_back(), after)
        };
        part.match_indices(piece).map(move |(at, _)| from + at).filter(is_whole)
    }
}

/// The first characters of a text, of at most so many bytes.
fn start_of(text: &str, longest: usize) -> &str {
    let ends = (0..=longest.min(text.len())).rev();
    ends.filter_map(|end| text.get(..end)).next().unwrap_or_default()
}

/// Whether two neighbours belong to one word.
fn is_word(left: Option<char>, right: Option<char>) -> bool {
    left.is_some_and(char::is_alphanumeric) && right.is_some_and(char::is_alphanumeric)
}

/// Leaves ANSI escape sequences out (ECMA-48, sections 5.4 and 5.6).
pub(crate) fn without_colours(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '\u{1b}' {
            kept.push(char);
            continue;
        }
        match chars.next() {
            Some('[') => while chars.next().is_some_and(|char| !('\u{40}'..='\u{7e}').contains(&char)) {},
            Some(']') => while chars.next().is_some_and(|char| !matches!(char, '\u{7}' | '\u{1b}')) {},
            _ => {}
        }
    }
    kept
}

/// Undoes what JSON does to a string, once or several times over.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let escaped = escape.trim_start_matches('\\');
        let mut chars = escaped.chars();
        rest = match chars.next() {
            Some('"') => escaped,
            Some('n' | 'r' | 't') => {
                plain.push(' ');
                chars.as_str()
            }
            Some('u') => match code_point(chars.as_str()) {
                Some((char, after)) => {
                    plain.push(char);
                    after
                }
                None => {
                    plain.push('\\');
                    escaped
                }
            },
            _ => {
                plain.push('\\');
                escaped
            }
        };
    }
    plain.push_str(rest);
    plain
}

/// The character of the four digits that follow `\u`, and what follows them.
fn code_point(text: &str) -> Option<(char, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some((char::from_u32(number)?, rest))
}

/// Lower case, straight quotes, and one space for any white space or control characters.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            char if char.is_whitespace() || char.is_control() => {
                if !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            '“' | '”' => folded.push('"'),
            '‘' | '’' => folded.push('\''),
            // What is invisible may stand in the middle of a word.
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
            char => folded.push(char.to_ascii_lowercase()),
        }
    }
    folded
}

/// Leaves the agent's own words around a reason out: `failed to connect to HOST, reason=` would look like the message
/// `Failed to connect` of another client.
fn without_wrapper(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, wrapped)) = rest.split_once(WRAPPER) {
        let reason = wrapped.find(", reason=").filter(|at| *at <= WIDEST);
        kept.push_str(before);
        match reason {
            Some(at) => rest = wrapped.get(at..).unwrap_or_default(),
            None => {
                kept.push_str(WRAPPER);
                rest = wrapped;
            }
        }
    }
    kept.push_str(rest);
    kept
}

const WRAPPER: &str = "failed to connect to ";
/// No hole is longer: what stands further apart belongs to different messages.
const WIDEST: usize = 300;
/// As much of a text is looked at.
pub const LONGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, proptest};

    use super::{Folded, HOLE, fold};
    use crate::explain::meanings;

    fn places(text: &Folded, pattern: &str) -> Vec<(usize, usize)> {
        let pieces: Vec<String> = pattern.split(HOLE).map(fold).collect();
        text.places(&pieces).collect()
    }

    #[track_caller]
    fn check(text: &str, pattern: &str, occurs: bool) {
        let folded = Folded::new(text);
        assert_eq!(
            !places(&folded, pattern).is_empty(),
            occurs,
            "{pattern:?} in {folded:?}"
        );
    }

    #[test]
    fn pieces_are_found_in_order_with_anything_between() {
        check(
            "dial tcp 10.0.0.1:80: connect: connection refused",
            "dial tcp …: connect: connection refused",
            true,
        );
        check("connection refused: dial tcp", "dial tcp …connection refused", false);
        check("dial tcp : i/o timeout", "dial tcp …: i/o timeout", true);
    }

    #[test]
    fn case_white_space_and_quotes_make_no_difference() {
        check(
            "Code =  Unavailable\n\tdesc = “x”",
            "code = unavailable desc = \"x\"",
            true,
        );
    }

    #[test]
    fn what_a_logger_escaped_is_the_same_text() {
        check(r#"{"msg":"desc = \"a: b\"\nc"}"#, "desc = \"a: b\" c", true);
        check(r#"{"msg":"{\"msg\":\"desc = \\\"a\\\"\"}"}"#, "desc = \"a\"", true);
        check(r#"response \"\\x00\\x00\""#, "response \"\\x00\\x00", true);
        check(r"a \u003c b \u00zz \u", "a < b", true);
    }

    #[test]
    fn colours_are_no_part_of_a_message() {
        check("no \u{1b}[1;31msuch\u{1b}[0m host", "no such host", true);
        check(
            "no \u{1b}]8;;http://x\u{7}such\u{1b}]8;;\u{7} host",
            "no such host",
            true,
        );
        check("no such host\u{1b}[", "no such host", true);
    }

    #[test]
    fn a_piece_is_never_part_of_a_word() {
        check("geofence", "eof", false);
        check("(EOF)", "eof", true);
        check("status 5021", "status 502", false);
    }

    #[test]
    fn a_hole_has_an_end() {
        check(&format!("a:{}:b", "x".repeat(290)), "a:…:b", true);
        check(&format!("a:{}:b", "x".repeat(310)), "a:…:b", false);
    }

    #[test]
    fn a_place_is_as_narrow_as_it_can_be() {
        let text = Folded::new("dial tcp a: timeout dial tcp b: refused dial tcp c: refused");
        let places = places(&text, "dial tcp …: refused");
        let places: Vec<_> = places.into_iter().map(|(start, end)| &text.0[start..end]).collect();
        assert_eq!(places, ["dial tcp b: refused", "dial tcp c: refused"]);
    }

    #[test]
    fn the_agents_wrapper_is_no_message() {
        check("failed to connect to gw:8443, reason=x", "failed to connect", false);
        check("last error: Failed to connect", "failed to connect", true);
    }

    #[test]
    fn what_lies_beyond_the_limit_is_not_looked_at() {
        check(&format!("{}no such host", "ä".repeat(40_000)), "no such host", false);
    }

    fn soup() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "\u{1b}[",
            "\u{1b}]",
            "\\",
            "\"",
            "\\u00",
            "\\u{",
            "…",
            "ä",
            "\u{200b}",
            "failed to connect to ",
            ", reason=",
            "dial tcp ",
            ": connect: connection refused",
            "EOF",
            " ",
            "\n",
        ]);
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_up(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            meanings(&Folded::new(&String::from_utf8_lossy(&bytes)));
        }

        #[test]
        fn any_mixture_of_what_is_special_is_looked_up(text in soup()) {
            meanings(&Folded::new(&text));
        }
    }
}
