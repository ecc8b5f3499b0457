//! JSON objects as far as they go: a log line may be cut anywhere, and what is left of it still says something.

/// A value of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A string, as it is written between its quotes.
    Text(&'a str),
    /// Anything else, as it is written.
    Other(&'a str),
}

/// The members of the object that a text begins with, in order: names as they are written, and values.
///
/// The last one may be cut off. Nothing where the text begins with something else.
pub(super) fn members(text: &str) -> impl Iterator<Item = (&str, Value<'_>)> {
    let mut rest = text.trim_start().strip_prefix('{').unwrap_or_default();
    std::iter::from_fn(move || {
        let name = rest
            .trim_start()
            .trim_start_matches(',')
            .trim_start()
            .strip_prefix('"')?;
        let (name, after) = string(name);
        let after = after.trim_start().strip_prefix(':')?.trim_start();
        let value = match after.strip_prefix('"') {
            Some(text) => {
                let (text, after) = string(text);
                rest = after;
                Value::Text(text)
            }
            None => {
                let (other, after) = after.split_at(end_of_other(after));
                rest = after;
                Value::Other(other.trim_end())
            }
        };
        Some((name, value))
    })
}

/// What a string means: its escapes undone, as far as they are any.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut chars = escape.chars();
        rest = match chars.next() {
            Some('u') => match code_point(chars.as_str()) {
                Some((char, after)) => {
                    plain.push(char);
                    after
                }
                None => {
                    plain.push(char::REPLACEMENT_CHARACTER);
                    chars.as_str()
                }
            },
            Some(char) => {
                plain.push(match char {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    char => char,
                });
                chars.as_str()
            }
            None => "",
        };
    }
    plain.push_str(rest);
    plain
}

/// The character of the four digits that follow `\u`, or of two such escapes (RFC 8259, section 7), and what follows.
fn code_point(text: &str) -> Option<(char, &str)> {
    let (first, rest) = unit(text)?;
    if let Some(char) = char::from_u32(first) {
        return Some((char, rest));
    }
    let (second, rest) = unit(rest.strip_prefix("\\u")?)?;
    let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let char = char::decode_utf16(units).next()?.ok()?;
    Some((char, rest))
}

fn unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?, rest))
}

/// A string up to its quote, and what follows that.
fn string(text: &str) -> (&str, &str) {
    let end = end_of_string(text);
    let (string, rest) = text.split_at(end);
    (string, rest.strip_prefix('"').unwrap_or(rest))
}

fn end_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.unwrap_or(text.len())
}

/// Where a value that is no string ends: at the comma or brace of the object around it.
fn end_of_other(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => at += 1 + end_of_string(text.get(at + 1..).unwrap_or_default()),
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use serde_json::json;

    use super::{Value, members, unescaped};

    #[test]
    fn members_are_read_in_order_and_nested_ones_passed_over() {
        let text = r#" {"a":"x\"}", "b" : {"a":"no,}","c":[1,{}]},"d":1.5 , "e":null}"#;
        let all: Vec<_> = members(text).collect();
        assert_eq!(
            all,
            [
                ("a", Value::Text(r#"x\"}"#)),
                ("b", Value::Other(r#"{"a":"no,}","c":[1,{}]}"#)),
                ("d", Value::Other("1.5")),
                ("e", Value::Other("null")),
            ]
        );
    }

    #[test]
    fn what_is_left_of_a_cut_object_is_read() {
        assert_eq!(
            members(r#"{"log":"half of"#).collect::<Vec<_>>(),
            [("log", Value::Text("half of"))]
        );
        assert_eq!(members(r#"{"log""#).next(), None);
        assert_eq!(members(r#"{"log":"#).collect::<Vec<_>>(), [("log", Value::Other(""))]);
        assert_eq!(members("").next(), None);
        assert_eq!(members("[1]").next(), None);
    }

    #[test]
    fn escapes_mean_what_json_says() {
        assert_eq!(
            unescaped(r#"a\"b\\n\n\t\/\u003e\u00e9\ud83d\ude00"#),
            "a\"b\\n\n\t/>é😀"
        );
        assert_eq!(
            unescaped(r"\ud83d \u12 \"),
            "\u{fffd}d83d \u{fffd}12 ",
            "what is no escape is not lost"
        );
    }

    proptest! {
        #[test]
        fn any_string_comes_back(text in any::<String>()) {
            let object = json!({ "log": text, "x": 1 }).to_string();
            let (name, value) = members(&object).next().expect("it has members");
            let Value::Text(value) = value else { panic!("it is a string") };
            assert_eq!((name, unescaped(value).as_str()), ("log", text.as_str()));
        }

        #[test]
        fn any_text_is_read(text in "[{}\\[\\]\",:\\\\u0d8a ]{0,60}") {
            for (name, value) in members(&text) {
                let (Value::Text(value) | Value::Other(value)) = value;
                let _ = (unescaped(name), unescaped(value));
            }
        }
    }
}
