use std::io::{self, Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::{any, prop, proptest};

use super::super::Logs;
use super::{Source, WINDOW, read};

const PREFACE: &str = "error reading server preface: EOF";
const REFUSED: &str = "dial tcp 10.0.0.10:8010: connect: connection refused";

fn source(name: &str, bytes: impl Into<Vec<u8>>) -> Source {
    Source {
        name: name.to_owned(),
        input: Ok(Box::new(Cursor::new(bytes.into()))),
    }
}

fn logs(bytes: impl Into<Vec<u8>>) -> Logs {
    read([source("a.log", bytes)])
}

/// Sign, first line and count of everything that was seen.
fn seen(logs: &Logs) -> Vec<(&str, u64, u64)> {
    let sightings = logs.sightings.iter();
    sightings.map(|one| (one.sign.as_str(), one.line, one.count)).collect()
}

/// A reader that gives what it has in pieces of this size, and then an error.
struct Pieces {
    bytes: Vec<u8>,
    size: usize,
    end: Option<io::ErrorKind>,
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let size = self.size.min(room.len()).min(self.bytes.len());
        if size == 0
            && let Some(kind) = self.end
        {
            return Err(kind.into());
        }
        let piece: Vec<u8> = self.bytes.drain(..size).collect();
        room[..size].copy_from_slice(&piece);
        Ok(size)
    }
}

#[test]
fn what_lines_say_is_counted_with_where_and_when() {
    let log = format!(
        "2026/01/02 03:04:05 start\n2026/01/02 03:05:05 {PREFACE}\n\n2026/01/02 03:06:05 {REFUSED}\r\n\
         2026/01/02 03:06:05 {PREFACE}\n2026/01/02 03:07:05 {PREFACE}"
    );
    let logs = logs(log.clone());
    assert_eq!(seen(&logs), [(PREFACE, 2, 3), (REFUSED, 4, 1)]);
    assert_eq!((logs.files[0].lines, logs.files[0].bytes), (6, log.len() as u64));
    assert_eq!(logs.files[0].problem, None);
    let first = &logs.sightings[0];
    assert_eq!((first.times.count, first.times.period()), (3, Some(60_000)));
    assert_eq!(first.excerpt, format!("2026/01/02 03:05:05 {PREFACE}"));
}

#[test]
fn lines_are_the_same_whatever_pieces_they_come_in() {
    let log: String = (1..2_000)
        .map(|number| match number % 7 {
            0 => format!("{number} {PREFACE}\n"),
            _ => format!("{number} {}\n", "x".repeat(number % 400)),
        })
        .collect();
    let whole = logs(log.clone());
    assert_eq!(seen(&whole), [(PREFACE, 7, 285)]);
    for size in [1, 2, 1_000, 65_536] {
        let pieces = Pieces {
            bytes: log.clone().into_bytes(),
            size,
            end: None,
        };
        let source = Source {
            name: "a.log".to_owned(),
            input: Ok(Box::new(pieces)),
        };
        assert_eq!(read([source]), whole, "{size}");
    }
}

#[test]
fn several_files_are_read_and_one_that_fails_does_not_keep_the_others() {
    let failing = Pieces {
        bytes: format!("x\n{PREFACE}\nhalf").into_bytes(),
        size: 4,
        end: Some(io::ErrorKind::IsADirectory),
    };
    let logs = read([
        source("a", format!("{PREFACE}\n")),
        Source {
            name: "b".to_owned(),
            input: Err(io::Error::from_raw_os_error(13)),
        },
        Source {
            name: "c".to_owned(),
            input: Ok(Box::new(failing)),
        },
        source("d", ""),
    ]);
    let problems: Vec<Option<&str>> = logs.files.iter().map(|file| file.problem.as_deref()).collect();
    assert_eq!(
        problems,
        [
            None,
            Some("permission denied"),
            Some("read up to line 3: is a directory"),
            None
        ]
    );
    let files: Vec<usize> = logs.sightings.iter().map(|one| one.file).collect();
    assert_eq!(files, [0, 2]);
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

#[test]
fn gzip_is_undone_and_what_is_left_of_it_read() {
    let members = [gzip(&format!("x\n{PREFACE}\n")), gzip(&format!("{REFUSED}\n"))].concat();
    let whole = logs(members);
    assert_eq!(seen(&whole), [(PREFACE, 2, 1), (REFUSED, 3, 1)]);
    assert_eq!(whole.files[0].problem, None);

    // Text that compresses badly, so that much of it comes out before the end is missed.
    let noise: String = (0_u64..20_000)
        .map(|number| format!("{:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let cut = gzip(&format!("{PREFACE}\n{noise}"));
    let logs = logs(&cut[..cut.len() / 2]);
    assert_eq!(seen(&logs), [(PREFACE, 1, 1)]);
    let problem = logs.files[0].problem.as_deref().expect("it is cut");
    assert!(
        problem.starts_with("read up to line ") && logs.files[0].lines > 1_000,
        "{problem}"
    );
}

#[test]
fn other_compression_is_named_and_not_searched() {
    let logs = logs(b"\x28\xb5\x2f\xfd error reading server preface: EOF".as_slice());
    assert_eq!(seen(&logs), []);
    let problem = logs.files[0].problem.as_deref();
    assert_eq!(problem, Some("compressed; pipe the output of `zstd -dc` in"));
}

#[test]
fn junk_is_passed_over_and_lines_still_count() {
    let mut log = b"\x00\xff\xfe\n\xe2\x82\n".to_vec();
    log.extend_from_slice(b"\x00error reading \x00server preface: EOF\xf0\x9f");
    let logs = logs(log);
    assert_eq!(logs.files[0].lines, 3);
    // EOF alone is left of it.
    assert_eq!(
        seen(&logs).first().map(|(_, line, count)| (*line, *count)),
        Some((3, 1))
    );
}

#[test]
fn a_line_longer_than_the_window_is_looked_at_around_what_it_says() {
    let filler = "0".repeat(3 * WINDOW);
    let log = format!(
        "2026/01/02 03:04:05 {PREFACE} {filler} x-agt-0123456789abcdef {REFUSED} {filler} {REFUSED} {filler}\n{PREFACE}\n"
    );
    let logs = logs(log);
    assert_eq!(seen(&logs), [(PREFACE, 1, 2), (REFUSED, 1, 1)]);
    assert_eq!((logs.files[0].lines, logs.files[0].problem.as_deref()), (2, None));
    let excerpt = &logs.sightings[1].excerpt;
    assert!(
        excerpt.starts_with('…') && excerpt.contains("refused") && !excerpt.contains("0123456789abcdef"),
        "{excerpt}"
    );
    assert_eq!(logs.sightings[1].times.last, Some(1_767_323_045_000));
}

#[test]
fn what_crosses_the_edge_of_a_window_is_found() {
    for start in WINDOW - 60..WINDOW + 5 {
        let log = format!("{} {PREFACE} {}\n", "0".repeat(start), "0".repeat(WINDOW));
        assert_eq!(seen(&logs(log)), [(PREFACE, 1, 1)], "{start}");
    }
}

#[test]
fn a_long_line_full_of_messages_ends() {
    let log = format!("{REFUSED} ").repeat(400_000);
    let logs = logs(log);
    assert_eq!(seen(&logs), [(REFUSED, 1, 1)]);
    let problem = logs.files[0].problem.as_deref();
    assert_eq!(problem, Some("line 1 is so long that not all of it was looked at"));
}

#[test]
fn an_excerpt_is_short_and_shows_the_message_without_secrets() {
    let check = |line: &str, excerpt: &str| {
        let logs = logs(line);
        assert_eq!(logs.sightings[0].excerpt, excerpt, "{line}");
    };
    check(
        &format!(
            r#"{{"level":"warn","msg":"failed to connect to grpcs://a:s3cret@gw, reason={PREFACE}","backoff":"2s"}}"#
        ),
        &format!("failed to connect to grpcs://a:••••@gw, reason={PREFACE}"),
    );
    let filler = "0".repeat(400);
    let logs = logs(format!("{filler} {PREFACE} {filler}"));
    let excerpt = &logs.sightings[0].excerpt;
    assert!(excerpt.starts_with(&format!("…{PREFACE} 000")), "{excerpt}");
    assert_eq!(excerpt.chars().count(), 300);
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..3_000)) {
        let newlines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let has_rest = bytes.last().is_some_and(|last| *last != b'\n');
        let logs = logs(bytes.clone());
        if logs.files[0].problem.is_none() {
            assert_eq!(logs.files[0].lines, newlines + u64::from(has_rest));
        }
    }
}
