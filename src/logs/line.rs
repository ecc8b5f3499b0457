//! A line without what terminals, containers and log collectors put around it, and the moment at which it was written.
//!
//! Wrappers come in any order and several deep: a JSON line of the agent, prefixed by CRI, in an envelope of Loki. What
//! a program itself writes stays as it is, JSON included, because its fields say something too.

mod moment;
mod object;

use object::{Value, members, unescaped};

use crate::explain::without_colours;

/// One log line, taken out of its wrapper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// When it was written, in milliseconds since the epoch, where it says so with a date: what the program itself
    /// says, or else the innermost wrapper that does.
    pub at: Option<i64>,
    /// What it says, without control characters. A JSON record of the program's own is whole, with its escapes.
    pub text: String,
}

impl Line {
    /// Takes a line, without its newline, out of its wrappers.
    ///
    /// At most [`LONGEST`] bytes are looked at; what is no UTF-8 is replaced.
    pub fn open(raw: &[u8]) -> Self {
        let raw = raw.get(..LONGEST).unwrap_or(raw);
        let mut text = without_colours(&String::from_utf8_lossy(raw));
        let mut outer = None;
        for _ in 0..DEEPEST {
            let Some(content) = unwrapped(&text) else { break };
            outer = content.at.or(outer);
            text = without_colours(&content.text);
        }
        Self {
            at: own_moment(&text).or(outer),
            text: without_controls(&text),
        }
    }

    /// The message of a JSON record, where the line is one.
    pub(super) fn message(&self) -> Option<String> {
        members(&self.text).find_map(|(name, value)| match value {
            Value::Text(text) if name == "msg" => Some(without_controls(&unescaped(text))),
            Value::Text(_) | Value::Other(_) => None,
        })
    }
}

/// What was inside a wrapper.
struct Content {
    at: Option<i64>,
    text: String,
}

impl Content {
    fn new(at: Option<i64>, text: &str) -> Self {
        Self {
            at,
            text: text.to_owned(),
        }
    }
}

/// Takes one wrapper off, if there is one.
fn unwrapped(text: &str) -> Option<Content> {
    let text = text.trim_end_matches(['\r', '\n']);
    match text.as_bytes().first()? {
        b'{' => out_of_envelope(text),
        b'[' => out_of_pod_prefix(text),
        b'<' => out_of_syslog(text),
        _ => out_of_stamp(text).or_else(|| {
            let message = moment::after_yearless(text).and_then(out_of_unit);
            message
                .or_else(|| out_of_compose(text))
                .map(|text| Content::new(None, text))
        }),
    }
}

/// Docker's json-file, Fluent Bit, Loki, journald's JSON, CloudWatch and others: an object that holds the line.
fn out_of_envelope(text: &str) -> Option<Content> {
    let mut at = None;
    let mut inside: Option<(usize, String)> = None;
    let (mut own_fields, mut has_level) = (0, false);
    for (name, value) in members(text) {
        let rank = ENVELOPES.iter().position(|envelope| *envelope == name);
        match (rank, value) {
            (Some(rank), Value::Text(line)) if inside.as_ref().is_none_or(|(best, _)| rank < *best) => {
                inside = Some((rank, unescaped(line)));
            }
            // journald writes a line that has control characters in it as numbers.
            (Some(rank), Value::Other(bytes)) if name == "MESSAGE" => inside = Some((rank, from_numbers(bytes)?)),
            _ if MOMENTS.contains(&name) => at = moment_of(value).or(at),
            _ => {
                own_fields += 1;
                has_level |= LEVELS.contains(&name);
            }
        }
    }
    let (rank, text) = inside?;
    // A record of the program's own: its other fields belong to what it says.
    let is_record = match ENVELOPES.get(rank) {
        Some(&"msg") => own_fields > 0,
        Some(&"message") => has_level,
        _ => false,
    };
    (!is_record).then_some(Content { at, text })
}

/// `[pod/hoopagent-7d4b9/agent] line`, by `kubectl logs --prefix`.
fn out_of_pod_prefix(text: &str) -> Option<Content> {
    let (_, line) = text.strip_prefix("[pod/")?.split_once("] ")?;
    Some(Content::new(None, line))
}

/// A moment and a space: `kubectl logs --timestamps`, CRI, journald's ISO forms and syslog daemons that write ISO dates.
fn out_of_stamp(text: &str) -> Option<Content> {
    let (at, rest) = moment::dashed(text)?;
    let rest = rest.strip_prefix(' ')?;
    let line = out_of_cri(rest)
        .or_else(|| out_of_unit_with_process(rest))
        .unwrap_or(rest);
    Some(Content::new(Some(at), line))
}

/// `stdout F line`, as the Kubernetes container runtimes write it.
fn out_of_cri(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("stdout ").or_else(|| text.strip_prefix("stderr "))?;
    // A tag is F for a full line or P for a part of one, and more may follow behind a colon.
    let (tag, line) = rest.split_once(' ')?;
    matches!(tag.split(':').next(), Some("F" | "P")).then_some(line)
}

/// RFC 5424 or RFC 3164, behind the priority.
fn out_of_syslog(text: &str) -> Option<Content> {
    let (priority, rest) = text.strip_prefix('<')?.split_once('>')?;
    if !(1..=3).contains(&priority.len()) || !is_number(priority) {
        return None;
    }
    if let Some(rest) = rest.strip_prefix("1 ") {
        let (at, rest) = match rest.strip_prefix('-') {
            Some(rest) => (None, rest),
            None => moment::dashed(rest).map(|(at, rest)| (Some(at), rest))?,
        };
        // Host, program, process, kind of message.
        let mut words = rest.strip_prefix(' ')?.splitn(5, ' ');
        let line = words.nth(4)?;
        let line = after_structured_data(line)?.trim_start_matches(['\u{feff}', ' ']);
        return Some(Content::new(at, line));
    }
    if let Some((at, rest)) = moment::dashed(rest) {
        return Some(Content::new(Some(at), out_of_unit(rest)?));
    }
    Some(Content::new(None, out_of_unit(moment::after_yearless(rest)?)?))
}

/// What follows `-` or `[id name="value"]…` of RFC 5424.
fn after_structured_data(text: &str) -> Option<&str> {
    let mut rest = match text.strip_prefix('-') {
        Some(rest) => return Some(rest),
        None => text,
    };
    while let Some(element) = rest.strip_prefix('[') {
        let mut is_escaped = false;
        let end = element.bytes().position(|byte| {
            let ends = byte == b']' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        })?;
        rest = element.get(end + 1..)?;
    }
    Some(rest)
}

/// ` host unit[123]: line`; some senders leave the host out.
fn out_of_unit(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(' ')?;
    let (head, line) = rest.split_once(": ")?;
    let mut words = head.split(' ');
    let (first, second, more) = (words.next()?, words.next(), words.next());
    (more.is_none() && is_unit(second.unwrap_or(first))).then_some(line)
}

/// The same where no space comes before, and only with a process: without one it could be any two words.
fn out_of_unit_with_process(text: &str) -> Option<&str> {
    let (head, line) = text.split_once(": ")?;
    let (host, unit) = head.split_once(' ')?;
    let has_process = unit.ends_with(']') || unit == "nginx";
    (!host.contains(['=', '[', '"']) && is_unit(unit) && has_process).then_some(line)
}

/// `hoop[123]` or `nginx`.
fn is_unit(text: &str) -> bool {
    let (name, process) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((name, process)) => (name, is_number(process)),
        None => (text, true),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/@()".contains(&byte);
    process && !name.is_empty() && name.bytes().all(is_name)
}

/// `agent-1  | line`, by docker compose.
fn out_of_compose(text: &str) -> Option<&str> {
    let (name, line) = text.split_once('|')?;
    let name = name.strip_suffix(' ')?.trim_end_matches(' ');
    let is_service = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let has_letter = name.bytes().any(|byte| byte.is_ascii_alphabetic());
    let line = line.strip_prefix(' ').or_else(|| line.is_empty().then_some(line))?;
    (has_letter && name.bytes().all(is_service)).then_some(line)
}

/// When the program itself says that it wrote the line.
fn own_moment(text: &str) -> Option<i64> {
    if text.starts_with('{') {
        let moments = members(text).filter(|(name, _)| MOMENTS.contains(name));
        return moments.filter_map(|(_, value)| moment_of(value)).next();
    }
    // Behind a bracket or a logger's field, near the start: further on, a moment is part of what is said.
    let head = start_of(text, HEAD);
    let after = |opening: &str| head.find(opening).map(|at| at + opening.len());
    let places = [Some(0), after("["), after("time=\""), after("time="), after("ts=")];
    let mut found = places
        .into_iter()
        .flatten()
        .filter_map(|at| moment::take(text.get(at..)?));
    if let Some((at, _)) = found.next() {
        return Some(at);
    }
    // ALB: the kind of connection comes first.
    let (kind, rest) = text.split_once(' ')?;
    let is_kind = ["http", "https", "h2", "grpcs", "ws", "wss"].contains(&kind);
    Some(moment::dashed(rest).filter(|_| is_kind)?.0)
}

fn moment_of(value: Value<'_>) -> Option<i64> {
    let (Value::Text(text) | Value::Other(text)) = value;
    let text = text.trim_start_matches('[');
    moment::take(text).map(|(at, _)| at).or_else(|| moment::epoch(text))
}

/// Text of an array of its bytes.
fn from_numbers(array: &str) -> Option<String> {
    let numbers = array.strip_prefix('[')?.trim_end_matches(']').split(',');
    let bytes: Vec<u8> = numbers.map_while(|number| number.trim().parse().ok()).collect();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// One space in the place of tabs and line ends, and nothing in that of other control characters.
fn without_controls(text: &str) -> String {
    let shown = |char: char| match char {
        '\t' | '\n' | '\r' => Some(' '),
        char if char.is_control() => None,
        char => Some(char),
    };
    text.trim_end().chars().filter_map(shown).collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first characters of a text, of at most so many bytes.
fn start_of(text: &str, longest: usize) -> &str {
    let end = (0..=longest.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// As many bytes of a line are looked at.
pub const LONGEST: usize = 64 * 1024;
/// Wrappers around wrappers: a container's stamp, a collector's envelope, a daemon's prefix, and two more.
const DEEPEST: usize = 6;
/// A moment begins within so many bytes: an IPv6 address and a user may stand before it.
const HEAD: usize = 96;
/// Members that hold the line, the one that counts most first.
const ENVELOPES: [&str; 6] = ["log", "MESSAGE", "line", "textPayload", "message", "msg"];
/// Members that say when, in the envelopes and in programs' own records.
const MOMENTS: [&str; 11] = [
    "timestamp",
    "ts",
    "time",
    "@timestamp",
    "date",
    "start_time",
    "time_iso8601",
    "time_local",
    "StartUTC",
    "__REALTIME_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
];
/// Members that only a logger writes.
const LEVELS: [&str; 4] = ["level", "lvl", "severity", "logger"];

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
    use serde_json::json;

    use super::{LONGEST, Line};

    const AT: i64 = 1_767_323_045_000;
    const MESSAGE: &str = "error reading server preface: EOF";

    #[track_caller]
    fn check(raw: &str, at: Option<i64>, text: &str) {
        let line = Line::open(raw.as_bytes());
        assert_eq!((line.at, line.text.as_str()), (at, text), "{raw}");
    }

    #[test]
    fn containers_and_collectors_are_taken_off() {
        for (raw, at) in [
            ("{}", None),
            ("[pod/hoopagent-7d4b9-x2x/agent] {}", None),
            ("2026-01-02T03:04:05.678901234Z {}", Some(AT + 678)),
            ("2026-01-02T03:04:05.678901234Z stdout F {}", Some(AT + 678)),
            ("2026-01-02T04:04:05.5+01:00 stderr P {}", Some(AT + 500)),
            ("[pod/p/c] 2026-01-02T03:04:05Z stderr F {}", Some(AT)),
            (
                r#"{"log":"{}\n","stream":"stderr","time":"2026-01-02T03:04:05.5Z"}"#,
                Some(AT + 500),
            ),
            (
                r#"{"stream":"stdout","kubernetes":{"log":"no"},"date":1767323045.25,"log":"{}"}"#,
                Some(AT + 250),
            ),
            (
                r#"{"message":"{}","@timestamp":"2026-01-02T03:04:05.000Z","host":{"name":"a"}}"#,
                Some(AT),
            ),
            (
                r#"{"labels":{"app":"hoop"},"line":"{}","timestamp":"2026-01-02T03:04:05Z"}"#,
                Some(AT),
            ),
            (
                r#"{"__REALTIME_TIMESTAMP":"1767323045000000","MESSAGE":"{}","_PID":"1"}"#,
                Some(AT),
            ),
            (r#"{"ts":1767323045,"msg":"{}"}"#, Some(AT)),
            ("agent-1  | {}", None),
            ("\u{1b}[36mhoop_agent_1  |\u{1b}[0m {}\r", None),
            ("Jan 02 03:04:05 host hoop[123]: {}", None),
            ("2026-01-02T03:04:05+0000 host hoop[123]: {}", Some(AT)),
            ("<30>Jan  2 03:04:05 host hoop[123]: {}", None),
            ("<190>Jan  2 03:04:05 nginx: {}", None),
            ("<165>1 2026-01-02T03:04:05.003Z host hoop 123 ID47 - {}", Some(AT + 3)),
            (
                r#"<165>1 2026-01-02T03:04:05Z h hoop - - [a@1 b="\]"][c d="e"] {}"#,
                Some(AT),
            ),
            ("<165>1 - - - - - - \u{feff}{}", None),
        ] {
            check(&raw.replacen("{}", MESSAGE, 1), at, MESSAGE);
        }
    }

    #[test]
    fn wrappers_nest_and_the_innermost_moment_counts() {
        let own = format!("2026/01/02 03:04:05 {MESSAGE}");
        let docker = json!({ "log": format!("{own}\n"), "time": "2026-01-02T03:04:09Z" }).to_string();
        check(&docker, Some(AT), &own);
        let loki = json!({ "line": format!("2026-01-02T03:04:07Z stdout F {docker}"), "ts": "1767323099" }).to_string();
        check(&loki, Some(AT), &own);
        check(&format!("agent-1 | {loki}"), Some(AT), &own);
    }

    #[test]
    fn a_record_of_the_program_keeps_its_fields() {
        let record = r#"{"level":"info","timestamp":"2026-01-02T03:04:05Z","msg":"a \u003e b","backoff":"2s"}"#;
        check(record, Some(AT), record);
        assert_eq!(Line::open(record.as_bytes()).message().as_deref(), Some("a > b"));
        let other = r#"{"severity":"ERROR","message":"EOF","time":"2026-01-02T03:04:05Z"}"#;
        check(other, Some(AT), other);
        let caddy = r#"{"level":"error","ts":1767323045.12,"logger":"http.log.error","msg":"EOF","status":502}"#;
        check(caddy, Some(AT + 120), caddy);
        let cri = format!("2026-01-02T03:04:59Z stdout F {record}");
        check(&cri, Some(AT), record);
    }

    #[test]
    fn the_moment_of_each_program_is_found() {
        for (line, at) in [
            (
                "2026-01-02T03:04:05.678Z\tinfo\tagent/main.go:215\tconnecting",
                AT + 678,
            ),
            ("2026-01-02T00:04:05.000-0300\tinfo\tagent/main.go:215\tconnecting", AT),
            ("2026/01/02 03:04:05 http2: Framer 0xc0001: read SETTINGS len=0", AT),
            ("2026/01/02 03:04:05 [error] 31#31: *1 upstream", AT),
            ("10.0.0.1 - - [02/Jan/2026:04:04:05 +0100] \"POST / HTTP/2.0\" 502", AT),
            ("[2026-01-02T03:04:05.678Z] \"POST / HTTP/2\" 503 UF", AT + 678),
            ("[2026-01-02 03:04:05.678][12][warning][connection] x", AT + 678),
            (
                "10.0.0.1:50000 [02/Jan/2026:03:04:05.678] fe~ be/s1 0/0/0/-1/0 503",
                AT + 678,
            ),
            (
                r#"{"level":"error","ts":"2026-01-02T03:04:05Z","msg":"x","status":502}"#,
                AT,
            ),
            (r#"time="2026-01-02T03:04:05Z" level=error msg="x""#, AT),
            ("ts=2026-01-02T03:04:05Z level=error", AT),
            (
                r#"{"ClientAddr":"10.0.0.1:1","time":"2026-01-02T03:04:05Z","msg":""}"#,
                AT,
            ),
            (
                "[Fri Jan 02 03:04:05.678901 2026] [proxy:error] [pid 1] AH01114: x",
                AT + 678,
            ),
            (
                "h2 2026-01-02T03:04:05.678901Z app/lb/50dc 10.0.0.1:1 10.0.0.2:80 0.1",
                AT + 678,
            ),
        ] {
            check(line, Some(at), &line.replace('\t', " "));
        }
    }

    #[test]
    fn a_moment_inside_a_message_is_not_when_it_was_written() {
        let line = "x509: certificate has expired: current time 2026-11-22T17:25:00Z is after 2026-11-19T00:00:00Z";
        check(line, None, line);
        check("rpc error: code = Unavailable", None, "rpc error: code = Unavailable");
        // Two words and a colon behind a stamp may be the message itself.
        check(
            "2026-01-02T03:04:05Z rpc error: code = Unavailable",
            Some(AT),
            "rpc error: code = Unavailable",
        );
    }

    #[test]
    fn control_characters_and_broken_text_do_not_get_through() {
        let line = Line::open(b"a\x1b[31mred\x1b[0m\x00b\tc\xffd\xe2\x82\r");
        assert_eq!(line.text, "aredb c\u{fffd}d\u{fffd}");
        let line = Line::open(br#"{"log":"\u001b[31mred\u001b[0m \u003e \ud83d\ude00\u0000\r\n"}"#);
        assert_eq!(line.text, "red > 😀");
        assert_eq!(Line::open(br#"{"MESSAGE":[27,91,51,49,109,69,79,70]}"#).text, "EOF");
        assert_eq!(Line::open(br#"{"log":"cut of"#).text, "cut of");
    }

    #[test]
    fn what_lies_beyond_the_limit_is_not_looked_at() {
        let mut raw = vec![b'x'; LONGEST];
        raw.extend_from_slice(b"EOF");
        assert_eq!(Line::open(&raw).text.len(), LONGEST);
    }

    fn wrapped() -> impl Strategy<Value = String> {
        let wrapper = prop::sample::select(vec!["cri", "docker", "pod", "compose", "journald", "syslog", "loki"]);
        let layers = prop::collection::vec(wrapper, 0..=4);
        layers.prop_map(|layers| {
            layers
                .into_iter()
                .fold(MESSAGE.to_owned(), |line, wrapper| match wrapper {
                    "cri" => format!("2026-01-02T03:04:05Z stdout F {line}"),
                    "docker" => json!({ "log": line + "\n", "stream": "stdout" }).to_string(),
                    "pod" => format!("[pod/a/b] {line}"),
                    "compose" => format!("a-1  | {line}"),
                    "journald" => format!("Jan 02 03:04:05 host hoop[1]: {line}"),
                    "syslog" => format!("<30>1 2026-01-02T03:04:05Z h p 1 - - {line}"),
                    _ => json!({ "message": line, "app": "x" }).to_string(),
                })
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_line(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let line = Line::open(&bytes);
            assert!(!line.text.chars().any(char::is_control), "{line:?}");
        }

        #[test]
        fn any_beginning_of_a_line_is_a_line(line in wrapped(), cut in any::<prop::sample::Index>()) {
            let _ = Line::open(&line.as_bytes()[..cut.index(line.len())]);
        }

        #[test]
        fn any_nesting_is_undone(line in wrapped(), end in prop_oneof![Just(""), Just("\r")]) {
            assert_eq!(Line::open((line + end).as_bytes()).text, MESSAGE);
        }
    }
}
