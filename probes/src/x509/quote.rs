//! Go's `%q`: part of the error texts that people search for.

use std::fmt::Write;

/// Quotes like Go's `strconv.Quote`, which takes bytes that aren't UTF-8 too.
pub(super) fn quote(text: impl AsRef<[u8]>) -> String {
    let mut out = "\"".to_owned();
    for chunk in text.as_ref().utf8_chunks() {
        for c in chunk.valid().chars() {
            push(&mut out, c);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

fn push(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a String can't fail.
    let _ = match c {
        '"' | '\\' => write!(out, "\\{c}"),
        '\x07' => out.write_str("\\a"),
        '\x08' => out.write_str("\\b"),
        '\x0c' => out.write_str("\\f"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\x0b' => out.write_str("\\v"),
        _ if is_printable(c) => out.write_char(c),
        '\0'..='\x1f' | '\x7f' => write!(out, "\\x{code:02x}"),
        '\0'..='\u{ffff}' => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Go and Rust draw the same line: letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_printable(c: char) -> bool {
    // Inside a string (not at its start) `escape_debug` leaves combining marks alone, as Go does.
    let inside = ['a', c].into_iter().collect::<String>();
    c == '\'' || inside.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(quote("a \"b\" \\"), r#""a \"b\" \\""#);
        assert_eq!(quote("\0\x07\n\x1b\x7f"), r#""\x00\a\n\x1b\x7f""#);
        assert_eq!(quote("it's café 日本 e\u{301}"), "\"it's café 日本 e\u{301}\"");
        assert_eq!(quote("\u{a0}\u{200b}\u{e0001}"), r#""\u00a0\u200b\U000e0001""#);
        assert_eq!(quote(b"a\xff\xe2\x82b"), r#""a\xff\xe2\x82b""#);
    }
}
