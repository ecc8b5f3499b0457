//! Where the secrets of a line are: behind the names that they go by, or shown by what they look like.
//!
//! Bytes, not text: a log may hold anything, and what is no secret stays as it was.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::secret::{Kind, looks_like_token};

/// A part of a line that must not be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hidden {
    /// Its bytes.
    pub(super) range: Range<usize>,
    /// Whether it is a number of JSON, in the place of which only a string can stand.
    pub(super) is_number: bool,
}

/// The secrets of a line: in order, not empty, and never overlapping.
pub(super) fn hidden(line: &[u8]) -> Vec<Hidden> {
    let mut all: Vec<Hidden> = Vec::new();
    for found in FINDER.find_overlapping_iter(line) {
        let Some((_, clue)) = CLUES.get(found.pattern().as_usize()) else {
            continue;
        };
        let place = Place {
            line,
            start: found.start(),
            end: found.end(),
        };
        match clue {
            Clue::Token => all.extend(place.token()),
            Clue::Jwt => all.extend(place.jwt()),
            Clue::Scheme => all.extend(place.credentials()),
            Clue::Named(named) => all.extend(place.named(*named)),
            Clue::Parameter => all.extend(place.parameter()),
            Clue::Address => all.extend(place.address()),
            Clue::Dump => all.extend(place.dump()),
            Clue::Quoted => all.extend(place.quoted_part()),
            Clue::Parsed => all.extend(place.parsed()),
        }
    }
    merged(all)
}

/// Whether a line begins, or goes on with, something that may be a secret: no piece of a line may end there.
pub(super) fn clues(line: &[u8]) -> impl Iterator<Item = usize> {
    FINDER.find_overlapping_iter(line).map(|found| found.start())
}

fn merged(mut all: Vec<Hidden>) -> Vec<Hidden> {
    all.retain(|hidden| !hidden.range.is_empty());
    all.sort_by_key(|hidden| (hidden.range.start, hidden.range.end));
    let mut merged: Vec<Hidden> = Vec::with_capacity(all.len());
    for hidden in all {
        match merged.last_mut() {
            Some(last) if hidden.range.start < last.range.end => {
                last.is_number &= last.range == hidden.range;
                last.range.end = last.range.end.max(hidden.range.end);
            }
            _ => merged.push(hidden),
        }
    }
    merged
}

fn text(range: Range<usize>) -> Hidden {
    Hidden {
        range,
        is_number: false,
    }
}

/// What gives a secret away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clue {
    /// The start of one of Hoop's own tokens.
    Token,
    /// The start of a JWT.
    Jwt,
    /// The scheme of credentials, `Bearer` for instance.
    Scheme,
    /// A name whose value is secret.
    Named(Named),
    /// A name that is a secret's in a query alone.
    Parameter,
    /// An address that may have a password.
    Address,
    /// The content of a frame.
    Dump,
    /// A quotation of a part of an address.
    Quoted,
    /// A quotation of an address.
    Parsed,
}

/// What kind of value belongs to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// Credentials with a scheme, or cookies: spaces are a part of it.
    Header,
    /// One word.
    Word,
    /// One word, and the name is also an ordinary noun.
    Noun,
    /// An agent key, of which all but the secret may be shown.
    Key,
}

/// A clue in its line.
#[derive(Clone, Copy)]
struct Place<'a> {
    line: &'a [u8],
    start: usize,
    end: usize,
}

/// A value and how it is written.
struct Written {
    range: Range<usize>,
    /// Between quotes.
    is_quoted: bool,
}

impl<'a> Place<'a> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.line.get(at).copied()
    }

    fn before(&self, at: usize) -> Option<u8> {
        at.checked_sub(1).and_then(|at| self.byte(at))
    }

    /// The first place at or after `from` where a byte is not of this kind.
    fn run(&self, from: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = self.line.get(from..).unwrap_or_default();
        let length = rest.iter().position(|byte| !belongs(*byte));
        length.map_or(self.line.len(), |length| from + length)
    }

    fn skip_spaces(&self, from: usize) -> usize {
        self.run(from, |byte| byte == b' ')
    }

    fn word(&self, range: Range<usize>) -> String {
        String::from_utf8_lossy(self.line.get(range).unwrap_or_default()).to_ascii_lowercase()
    }

    /// `x-agt-…`
    fn token(&self) -> Option<Hidden> {
        let end = self.run(self.end, is_token);
        let is_one = end - self.end >= SHORTEST_TOKEN && self.line.get(self.start..self.end).is_some_and(is_lower);
        is_one.then(|| text(self.start..end))
    }

    /// `eyJ…`: the first of three parts is JSON, and the line may be cut anywhere.
    fn jwt(&self) -> Option<Hidden> {
        let end = self.run(self.end, is_token);
        let is_one = end - self.end >= SHORTEST_TOKEN && self.line.get(self.start..self.end) == Some(b"eyJ");
        is_one.then(|| text(self.start..end))
    }

    /// `Bearer …`
    fn credentials(&self) -> Option<Hidden> {
        let from = self.after_gap(self.end)?;
        let end = self.run(from, is_token);
        let word = self.word(from..end);
        let word = word.trim_end_matches(['.', '=']);
        if word.is_empty() || AFTER_SCHEME.contains(&word) {
            return None;
        }
        let is_bearer = self
            .line
            .get(self.start)
            .is_some_and(|byte| byte.eq_ignore_ascii_case(&b'b'))
            && self.end - self.start == "bearer".len();
        // The other schemes are words of prose too, and what follows them is base64.
        let credentials = self.line.get(from..end).unwrap_or_default();
        let is_base64 = credentials.len() >= SHORTEST_TOKEN
            && credentials
                .iter()
                .any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'=');
        (is_bearer || is_base64).then(|| text(from..end))
    }

    /// What comes after a space, as it is written in headers, queries and forms.
    fn after_gap(&self, at: usize) -> Option<usize> {
        let rest = self.line.get(at..)?;
        ["%20", "\\u0020", "+"]
            .iter()
            .find(|gap| rest.starts_with(gap.as_bytes()))
            .map(|gap| at + gap.len())
            .or_else(|| {
                let after = self.skip_spaces(at);
                (after > at).then_some(after)
            })
    }

    /// `authorization: …`, `"token":"…"`, `password=…` and whatever else puts a value behind a name.
    fn named(&self, named: Named) -> Vec<Hidden> {
        if self.byte(self.end).is_some_and(is_name) {
            return Vec::new();
        }
        let values = self.values(named);
        let hidden = values.into_iter().flat_map(|written| match named {
            Named::Key => self.secret_of_key(written.range, Kind::Key),
            Named::Header | Named::Word | Named::Noun => vec![self.hide(written)],
        });
        hidden.collect()
    }

    fn hide(&self, written: Written) -> Hidden {
        let digits = self.line.get(written.range.clone()).unwrap_or_default();
        let has_quoted_name = self.byte(self.end) == Some(b'"');
        let is_number = !written.is_quoted && has_quoted_name && digits.iter().all(u8::is_ascii_digit);
        Hidden {
            range: written.range,
            is_number,
        }
    }

    /// The parts of an address that `kind` says must be hidden.
    fn secret_of_key(&self, range: Range<usize>, kind: Kind) -> Vec<Hidden> {
        match self.line.get(range.clone()).map(str::from_utf8) {
            Some(Ok(key)) => {
                let parts = kind.hidden(key).into_iter();
                parts
                    .map(|part| text(range.start + part.start..range.start + part.end))
                    .collect()
            }
            Some(Err(_)) | None => vec![text(range)],
        }
    }

    /// The values that belong to this name; several in a list.
    fn values(&self, named: Named) -> Vec<Written> {
        let Some((from, separator)) = self.after_separator() else {
            return Vec::new();
        };
        if self.quote(from).is_some() {
            return self.quoted(from).into_iter().collect();
        }
        if self.line.get(from..).is_some_and(|rest| rest.starts_with(b"[]string{")) {
            return self.list(from + "[]string{".len(), b'}');
        }
        if self.byte(from) == Some(b'[') {
            return self.list(from + 1, b']');
        }
        let range = from..self.end_of_bare(from, separator, named);
        let is_literal = ["null", "true", "false", "<nil>", "nil"].contains(&self.word(range.clone()).as_str());
        let opens = self.byte(from).is_some_and(|byte| b"{(,".contains(&byte));
        if is_literal || opens || range.is_empty() || (named == Named::Noun && self.is_prose(&range, separator)) {
            return Vec::new();
        }
        vec![Written {
            range,
            is_quoted: false,
        }]
    }

    /// Where the value begins, and the separator before it: `:` or `=`.
    fn after_separator(&self) -> Option<(usize, u8)> {
        let closed = self.quote(self.end);
        let mut at = self.skip_spaces(closed.map_or(self.end, |(after, _)| after));
        if closed.is_some() && self.byte(at) == Some(b',') {
            let next = self.skip_spaces(at + 1);
            let (inside, quote) = self.quote(next)?;
            // Envoy prints 'name', 'value'.
            if quote.char == b'\'' && self.byte(self.end) == Some(b'\'') {
                return Some((next, b','));
            }
            at = inside;
        }
        // {"name":"authorization","value":"…"}, {Name:authorization Value:…}
        if self.word(at..at + "value".len()) == "value" {
            let after = at + "value".len();
            at = self.skip_spaces(self.quote(after).map_or(after, |(after, _)| after));
        }
        let separator = self.byte(at).filter(|byte| b":=".contains(byte))?;
        let at = if self.byte(at + 1) == Some(b'>') {
            at + 2
        } else {
            at + 1
        };
        Some((self.skip_spaces(at), separator))
    }

    /// A quote at `at`, however deep its escapes: where it ends, and what it is.
    fn quote(&self, at: usize) -> Option<(usize, Quote)> {
        let end = self.run(at, |byte| byte == b'\\');
        let char = self.byte(end).filter(|byte| b"\"'`".contains(byte))?;
        let quote = Quote {
            char,
            escapes: end - at,
        };
        Some((end + 1, quote))
    }

    /// What stands between the quote at `at` and the one that closes it, or the end of a line that was cut.
    fn quoted(&self, at: usize) -> Option<Written> {
        let (from, quote) = self.quote(at)?;
        let range = from..self.end_of_quoted(from, quote);
        Some(Written { range, is_quoted: true })
    }

    fn end_of_quoted(&self, from: usize, quote: Quote) -> usize {
        let mut escapes = 0;
        for at in from..self.line.len() {
            match self.byte(at) {
                Some(b'\\') => escapes += 1,
                Some(char) if char == quote.char && quote.is_closed_after(escapes) => {
                    return at - escapes.min(quote.escapes);
                }
                _ => escapes = 0,
            }
        }
        self.end_of_line(from)
    }

    fn end_of_line(&self, from: usize) -> usize {
        self.run(from, |byte| !b"\r\n".contains(&byte))
    }

    /// The strings of a list, or all of it where they have no quotes.
    fn list(&self, from: usize, end: u8) -> Vec<Written> {
        let mut all = Vec::new();
        let mut at = from;
        while let Some(written) = self.quoted(at) {
            let closed = self
                .quote(written.range.end)
                .map_or(written.range.end, |(after, _)| after);
            all.push(written);
            at = self.run(closed, |byte| b" ,".contains(&byte));
        }
        if all.is_empty() {
            let range = from..self.run(from, |byte| byte != end && !b"\r\n".contains(&byte));
            all.push(Written { range, is_quoted: true });
        }
        all
    }

    /// Where a value without quotes ends.
    fn end_of_bare(&self, from: usize, separator: u8, named: Named) -> usize {
        let name = self.start_of_name();
        let before = self.before(name);
        let limit = match before.filter(|byte| b"\"'`".contains(byte)) {
            // 'name: value', as an argument or a string of its own.
            Some(char) if self.quote(self.end).is_none() => self.run(from, |byte| byte != char && byte != b'\\'),
            _ if self.is_inside_quotes() => self.run(from, |byte| byte != b'"' && byte != b'\\'),
            _ => self.line.len(),
        };
        let limit = limit.min(self.end_of_line(from));
        if named == Named::Header && separator == b':' {
            return limit.min(self.run(from, |byte| byte != b'\t'));
        }
        let is_query = before.is_some_and(|byte| b"?&".contains(&byte)) || self.follows_ampersand(name);
        let belongs = |byte: u8| {
            let ends_query = is_query && b"&#".contains(&byte);
            !byte.is_ascii_whitespace() && !b"\"'`\\".contains(&byte) && !ends_query
        };
        let belongs_to_key = |byte: u8| !byte.is_ascii_whitespace();
        let mut end = match named {
            Named::Key => self.run(from, belongs_to_key),
            Named::Header | Named::Word | Named::Noun => self.run(from, belongs),
        };
        // A scheme and what belongs to it, or one cookie and the next.
        while named == Named::Header && self.goes_on(from, end) {
            end = self.run(self.skip_spaces(end), belongs);
        }
        let end = end.min(limit);
        let bare = self.line.get(from..end).unwrap_or_default();
        let kept = bare.iter().rposition(|byte| !b",;.)]}>".contains(byte));
        kept.map_or(from, |last| from + last + 1)
    }

    fn goes_on(&self, from: usize, end: usize) -> bool {
        let is_cookie = self.before(end) == Some(b';');
        let is_scheme = SCHEMES.contains(&self.word(from..end).as_str());
        (is_cookie || is_scheme) && self.byte(end) == Some(b' ') && self.byte(end + 1).is_some_and(is_token)
    }

    /// `error: invalid token: it is expired` has no secret in it.
    fn is_prose(&self, range: &Range<usize>, separator: u8) -> bool {
        let word = self.line.get(range.clone()).unwrap_or_default();
        let has_space = self.before(range.start) == Some(b' ');
        let goes_on = self.byte(range.end) == Some(b' ')
            && self.byte(range.end + 1).is_some_and(|byte| byte.is_ascii_lowercase());
        separator == b':' && has_space && goes_on && word.iter().all(u8::is_ascii_lowercase)
    }

    fn start_of_name(&self) -> usize {
        let before = self.line.get(..self.start).unwrap_or_default();
        before.iter().rposition(|byte| !is_name(*byte)).map_or(0, |at| at + 1)
    }

    /// `&amp;name` and `\u0026name`; the letters before the name look like a part of it.
    fn follows_ampersand(&self, name: usize) -> bool {
        let with_more = self.line.get(name.saturating_sub(1)..self.start).unwrap_or_default();
        let escaped = self
            .line
            .get(self.start.saturating_sub(6)..self.start)
            .unwrap_or_default();
        with_more.starts_with(b"\\u0026")
            || escaped.ends_with(b"\\u0026")
            || escaped.ends_with(b"&amp;")
            || escaped.ends_with(b"%26")
    }

    /// Whether an odd number of quotes comes before: a string that is still open.
    fn is_inside_quotes(&self) -> bool {
        let before = self.line.get(..self.start).unwrap_or_default();
        memchr::memchr_iter(b'"', before).count() % 2 == 1
    }

    /// `?code=…`
    fn parameter(&self) -> Option<Hidden> {
        let is_parameter =
            self.before(self.start).is_some_and(|byte| b"?&".contains(&byte)) || self.follows_ampersand(self.start);
        let end = self.run(self.end, |byte| {
            !byte.is_ascii_whitespace() && !b"&#\"'`\\<>".contains(&byte)
        });
        is_parameter.then(|| text(self.end..end))
    }

    /// `scheme://name:password@host`
    fn address(&self) -> Vec<Hidden> {
        let before = self.line.get(..self.start).unwrap_or_default();
        let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let scheme = before.iter().rposition(|byte| !is_scheme(byte)).map_or(0, |at| at + 1);
        let opening = self.before(scheme);
        // A secret may hold a quote that is none.
        let ends = |byte: u8| {
            byte.is_ascii_whitespace() || b"\"<>`\\".contains(&byte) || (byte == b'\'' && opening == Some(byte))
        };
        let end = self.run(self.end, |byte| !ends(byte));
        let address = self.line.get(self.end..end).unwrap_or_default();
        let is_key = ["grpc", "grpcs"].contains(&self.word(scheme..self.start).as_str());
        let authority = address
            .iter()
            .position(|byte| b"/?#".contains(byte))
            .unwrap_or(address.len());
        let last_at = |part: &[u8]| part.iter().rposition(|byte| *byte == b'@');
        let in_authority = last_at(address.get(..authority).unwrap_or_default());
        let at = match in_authority {
            _ if is_key => last_at(address),
            Some(at) => Some(at),
            // A slash in the password ends the authority before its @.
            None => last_at(address).filter(|_| has_odd_port(address.get(..authority).unwrap_or_default())),
        };
        match at {
            Some(at) => {
                let user = address.get(..at).unwrap_or_default();
                let name = user.iter().position(|byte| *byte == b':');
                let is_shown = |name: &usize| {
                    let name = user.get(..*name).map(String::from_utf8_lossy).unwrap_or_default();
                    !name.contains('@') && !looks_like_token(&name)
                };
                let from = name.filter(is_shown).map_or(0, |name| name + 1);
                vec![text(self.end + from..self.end + at)]
            }
            None if is_key => self.secret_of_key(scheme..self.end + authority, Kind::Url),
            None => Vec::new(),
        }
    }

    /// `DATA stream=1 len=5 data="…"` of `http2debug`.
    fn dump(&self) -> Option<Hidden> {
        let before = self.line.get(..self.start).unwrap_or_default();
        let is_data = before.windows(6).any(|bytes| bytes == b" DATA ");
        let written = self.quoted(self.end).filter(|_| is_data)?;
        Some(text(written.range))
    }

    /// `invalid port ":secret" after host`, where it isn't a number.
    fn quoted_part(&self) -> Option<Hidden> {
        let written = self.quoted(self.end)?;
        let part = self.line.get(written.range.clone()).unwrap_or_default();
        let is_port = part
            .strip_prefix(b":")
            .is_some_and(|port| port.len() <= 5 && port.iter().all(u8::is_ascii_digit));
        (!is_port).then(|| text(written.range))
    }

    /// `parse "grpcs://name:secret@host": …`, by Go: the quotation is the address, spaces included.
    fn parsed(&self) -> Vec<Hidden> {
        let hidden = self.quoted(self.end).map(|written| {
            let start = self.word(written.range.start..written.range.end.min(written.range.start + "grpc".len()));
            let kind = if start == "grpc" { Kind::Key } else { Kind::Url };
            self.secret_of_key(written.range, kind)
        });
        hidden.unwrap_or_default()
    }
}

/// A quote and how many backslashes stand before it: one, three, seven … inside of strings inside of strings.
#[derive(Clone, Copy)]
struct Quote {
    char: u8,
    escapes: usize,
}

impl Quote {
    /// Whether the same character closes it behind so many backslashes.
    fn is_closed_after(self, escapes: usize) -> bool {
        // Fewer: the string around it ends, and it with that.
        escapes < self.escapes || (escapes - self.escapes).is_multiple_of(2 * (self.escapes + 1))
    }
}

/// Whether what looks like a port can't be one.
fn has_odd_port(authority: &[u8]) -> bool {
    let port = authority
        .iter()
        .rposition(|byte| *byte == b':')
        .and_then(|at| authority.get(at + 1..));
    port.is_some_and(|port| !port.is_empty() && !port.iter().all(u8::is_ascii_digit) && !port.ends_with(b"]"))
}

fn is_lower(bytes: &[u8]) -> bool {
    !bytes.iter().any(u8::is_ascii_uppercase)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
}

/// RFC 6750, section 2.1, and what a query escapes.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=%".contains(&byte)
}

/// All clues at once.
static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(CLUES.iter().map(|(literal, _)| literal))
        .expect("a few dozen short literals fit any automaton")
});

/// What to look for, in any case of letters.
const CLUES: &[(&str, Clue)] = &[
    ("x-agt-", Clue::Token),
    ("xagt-", Clue::Token),
    ("xapi-", Clue::Token),
    ("hpk_", Clue::Token),
    ("eyj", Clue::Jwt),
    ("bearer", Clue::Scheme),
    ("basic", Clue::Scheme),
    ("negotiate", Clue::Scheme),
    ("authorization", Clue::Named(Named::Header)),
    ("cookie", Clue::Named(Named::Header)),
    ("hoop_key", Clue::Named(Named::Key)),
    ("hoop_dsn", Clue::Named(Named::Key)),
    ("api-key", Clue::Named(Named::Word)),
    ("api_key", Clue::Named(Named::Word)),
    ("apikey", Clue::Named(Named::Word)),
    ("private_key", Clue::Named(Named::Word)),
    ("private-key", Clue::Named(Named::Word)),
    ("tls_key", Clue::Named(Named::Word)),
    ("tlskey", Clue::Named(Named::Word)),
    ("passwd", Clue::Named(Named::Word)),
    ("password", Clue::Named(Named::Noun)),
    ("secret", Clue::Named(Named::Noun)),
    ("token", Clue::Named(Named::Noun)),
    ("code=", Clue::Parameter),
    ("key=", Clue::Parameter),
    ("sig=", Clue::Parameter),
    ("signature=", Clue::Parameter),
    ("credential=", Clue::Parameter),
    ("session=", Clue::Parameter),
    ("state=", Clue::Parameter),
    ("auth=", Clue::Parameter),
    ("jwt=", Clue::Parameter),
    ("ticket=", Clue::Parameter),
    ("assertion=", Clue::Parameter),
    ("://", Clue::Address),
    ("data=", Clue::Dump),
    ("invalid port ", Clue::Quoted),
    ("invalid URL escape ", Clue::Quoted),
    ("parse ", Clue::Parsed),
];
/// A token's own start is followed by at least so many characters.
const SHORTEST_TOKEN: usize = 8;
/// What credentials begin with (RFC 9110, section 11.1).
const SCHEMES: [&str; 6] = ["bearer", "basic", "digest", "negotiate", "token", "apikey"];
/// Words of prose and of challenges behind the name of a scheme.
const AFTER_SCHEME: [&str; 22] = [
    "token",
    "tokens",
    "auth",
    "authentication",
    "authorization",
    "realm",
    "error",
    "scope",
    "scheme",
    "is",
    "was",
    "and",
    "or",
    "in",
    "not",
    "from",
    "for",
    "format",
    "header",
    "credential",
    "credentials",
    "resource_metadata",
];
