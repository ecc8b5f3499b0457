//! Text in double quotes as Go's `%q` writes it.

use std::fmt::{self, Write};

/// Shows `text` in double quotes, with Go's escapes for what can't be printed or isn't UTF-8.
pub fn quoted<T: AsRef<[u8]> + ?Sized>(text: &T) -> impl fmt::Display + '_ {
    Quoted(text.as_ref())
}

struct Quoted<'a>(&'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for chunk in self.0.utf8_chunks() {
            for char in chunk.valid().chars() {
                write_char(f, char)?;
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_char('"')
    }
}

fn write_char(f: &mut fmt::Formatter<'_>, char: char) -> fmt::Result {
    match char {
        '"' | '\\' => write!(f, "\\{char}"),
        '\x07' => f.write_str("\\a"),
        '\x08' => f.write_str("\\b"),
        '\x0b' => f.write_str("\\v"),
        '\x0c' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        control if control.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(control)),
        printable if is_printable(printable) => f.write_char(printable),
        other if u32::from(other) < 0x1_0000 => write!(f, "\\u{:04x}", u32::from(other)),
        other => write!(f, "\\U{:08x}", u32::from(other)),
    }
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space.
///
/// The standard library knows, but tells only through `escape_debug`, which also escapes a mark at the very start.
fn is_printable(char: char) -> bool {
    char.is_ascii() || ['a', char].iter().collect::<String>().escape_debug().count() == 2
}
