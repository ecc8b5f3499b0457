//! `explain`: pages, the list, and what people paste.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use hoop_doctor::explain::{Folded, PAGES, meanings};
use hoop_doctor::report::human::{Detail, Glyphs, Look, Paint, runbook};
use proptest::prelude::{any, prop, proptest};

mod indexes;
mod messages;
mod pages;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
    command.arg("explain").args(args).env_clear();
    command
}

fn explain(args: &[&str]) -> Output {
    command(args).output().expect("the program is built")
}

fn explain_input(input: &[u8]) -> Output {
    let mut child = command(&["-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    // It reads no more than it looks at, and a pipe may be closed before all is written.
    let _ = child.stdin.take().expect("it is a pipe").write_all(input);
    child.wait_with_output().expect("it was started")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("pages are UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("complaints are UTF-8")
}

/// The codes that a text means, in order.
fn codes(text: &str) -> Vec<u16> {
    let meanings = meanings(&Folded::new(text));
    meanings.iter().map(|meaning| meaning.page.code.0).collect()
}

#[test]
fn a_page_is_printed_for_a_code_in_any_form_and_for_a_name() {
    let page = explain(&["HD401"]);
    assert_eq!((page.status.code(), stderr(&page).as_str()), (Some(0), ""));
    assert!(
        stdout(&page).starts_with("HD401 http2-not-enabled\n\n"),
        "{}",
        stdout(&page)
    );
    for asked in ["hd401", "401", "http2-not-enabled"] {
        assert_eq!(stdout(&explain(&[asked])), stdout(&page), "{asked}");
    }
    assert_eq!(stdout(&explain_input(b"HD401\n")), stdout(&page));
}

#[test]
fn a_page_keeps_to_the_width() {
    for columns in ["80", "120"] {
        let run = command(&["HD401"])
            .envs([("COLUMNS", columns), ("LANG", "C.UTF-8")])
            .output()
            .expect("the program is built");
        insta::assert_snapshot!(format!("HD401-{columns}"), stdout(&run));
    }
}

#[test]
fn no_page_loses_a_line_of_code() {
    for page in PAGES {
        let code = page.code.to_string();
        let run = command(&[&code])
            .env("LANG", "C.UTF-8")
            .output()
            .expect("the program is built");
        let printed = stdout(&run);
        for line in code_of(page.text) {
            let line = format!("      {}", line.replace('\t', "    "));
            assert!(
                printed.lines().any(|printed| printed == line.trim_end()),
                "{code}: {line}"
            );
        }
    }
}

#[test]
fn text_fits_the_terminal_and_code_stays_whole() {
    for width in [60, 80, 120] {
        let look = Look {
            detail: Detail::Normal,
            paint: Paint::Plain,
            glyphs: Glyphs::Unicode,
            width,
        };
        for page in PAGES {
            let code: BTreeSet<String> = code_of(page.text)
                .map(|line| format!("      {}", line.replace('\t', "    ")))
                .collect();
            for line in runbook::page(page, look)
                .lines()
                .filter(|line| line.chars().count() > width)
            {
                let is_one_word = !line.trim_start().trim_start_matches("- ").contains(' ');
                assert!(code.contains(line) || is_one_word, "{} at {width}: {line}", page.code);
            }
        }
    }
}

/// The lines of the fenced blocks.
fn code_of(markdown: &str) -> impl Iterator<Item = &str> {
    let blocks = markdown.split("```").skip(1).step_by(2);
    blocks.flat_map(|block| block.lines().skip(1))
}

#[test]
fn a_terminal_without_unicode_gets_ascii_and_a_pipe_gets_no_colours() {
    for page in PAGES {
        let run = explain(&[&page.code.to_string()]);
        assert!(run.stdout.is_ascii(), "{}", stdout(&run));
        assert!(!run.stdout.contains(&0x1b), "{}", page.code);
    }
    let painted = command(&["401"])
        .env("CLICOLOR_FORCE", "1")
        .output()
        .expect("the program is built");
    assert!(stdout(&painted).contains("\u{1b}["), "{}", stdout(&painted));
}

#[test]
fn the_list_has_every_finding_once() {
    let run = explain(&[]);
    assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(0), ""));
    let list = stdout(&run);
    for page in PAGES {
        let name = format!(" {}  ", page.name());
        let of = |line: &&str| line.starts_with(&format!("  {}", page.code)) && line.contains(&name);
        assert_eq!(list.lines().filter(of).count(), 1, "{}", page.code);
    }
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
}

#[test]
fn a_text_is_explained_with_its_reason_the_way_to_decide_and_the_fix() {
    let words = ["transport: Error while dialing: dial tcp 10.0.0.10:8010: connect: connection refused"];
    let run = explain(&words);
    assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(0), ""));
    let printed = stdout(&run);
    let at = |piece: &str| {
        printed
            .find(piece)
            .unwrap_or_else(|| panic!("no {piece:?} in {printed}"))
    };
    assert!(at("because of \"dial tcp ...: connect: connection refused\"") < at("HD201  tcp-refused"));
    assert!(at("HD006  advertised-loopback") < at("hoop-doctor check"));
    assert!(at("hoop-doctor explain HD201") < at("How to fix HD201 tcp-refused"));
    assert_eq!(stdout(&explain_input(words[0].as_bytes())), printed);
    let split: Vec<&str> = words[0].split(' ').collect();
    assert_eq!(stdout(&explain(&split)), printed, "quotes were forgotten");
}

#[test]
fn an_unknown_code_or_name_is_exit_code_2_with_the_nearest() {
    for (asked, near) in [
        ("HD402x", "HD402"),
        ("HD499", "HD501"),
        ("http2-not-enable", "HD401 http2-not-enabled"),
    ] {
        let run = explain(&[asked]);
        assert_eq!((run.status.code(), stdout(&run).as_str()), (Some(2), ""), "{asked}");
        assert!(stderr(&run).contains(near), "{asked}: {}", stderr(&run));
    }
}

#[test]
fn an_unknown_text_is_exit_code_1_and_check_is_named() {
    for run in [
        explain(&["all is well"]),
        explain_input(b"all is well"),
        explain_input(b""),
        explain(&[""]),
    ] {
        assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(1), ""));
        assert!(stdout(&run).contains("hoop-doctor check"), "{}", stdout(&run));
    }
}

#[test]
fn what_was_pasted_is_not_printed() {
    let run =
        explain(&["HOOP_KEY is in wrong format, reason=parse \"grpcs://n:xagt-Zq7Wm3@gw\": net/url: invalid userinfo"]);
    assert_eq!(run.status.code(), Some(0));
    assert!(!stdout(&run).contains("Zq7"), "{}", stdout(&run));
    assert!(stdout(&run).contains("HD002"), "{}", stdout(&run));
}

#[test]
fn a_huge_input_is_bounded() {
    let mut input = vec![0xff; 8 << 20];
    input.extend_from_slice(b"no such host");
    let run = explain_input(&input);
    assert_eq!(run.status.code(), Some(1), "{}", stderr(&run));
    let mut input = b"no such host".to_vec();
    input.resize(8 << 20, 0);
    let run = explain_input(&input);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert!(stdout(&run).contains("HD101"), "{}", stdout(&run));
}

/// The pages and the table of messages say the same.
#[test]
fn what_a_page_shows_leads_to_the_page() {
    let mut astray = Vec::new();
    for page in PAGES {
        for text in logged(page.section("What you see").unwrap_or_default()) {
            let codes = codes(text);
            if !codes.contains(&page.code.0) {
                astray.push(format!("{}: {text:?} leads to {codes:?}", page.code));
            }
        }
    }
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}

/// The lines of the blocks marked as text: what is logged.
fn logged(section: &str) -> impl Iterator<Item = &str> {
    let blocks = section.split("```").skip(1).step_by(2);
    let texts = blocks.filter_map(|block| block.strip_prefix("text\n"));
    texts.flat_map(str::lines).filter(|line| !line.is_empty())
}

/// What a report says Hoop logs leads back to the finding of the report.
#[test]
fn what_a_case_says_is_logged_leads_to_its_cause() {
    let mut astray = Vec::new();
    let mut looked_up = 0;
    for case in fs::read_dir(CASES).expect("the cases are part of the repository") {
        let case = case.expect("the folder can be read").path();
        let Ok(report) = fs::read_to_string(case.join("report.txt")) else {
            continue;
        };
        let Some(cause) = cause(&report) else { continue };
        for text in logged_because(&report) {
            let codes = codes(text);
            looked_up += 1;
            if !codes.contains(&cause) {
                astray.push(format!("{}: HD{cause:03}: {text:?} leads to {codes:?}", case.display()));
            }
        }
    }
    assert!(looked_up > 0, "no case logs anything");
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}

/// The code of a report's first finding.
fn cause(report: &str) -> Option<u16> {
    let line = report.lines().find_map(|line| line.strip_prefix("cause  HD"))?;
    line.get(..3)?.parse().ok()
}

/// The lines of a report's section about logs.
fn logged_because(report: &str) -> impl Iterator<Item = &str> {
    let section = report.lines().skip_while(|line| !line.starts_with("logs   "));
    section.skip(1).map_while(|line| line.strip_prefix("         "))
}

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");

proptest! {
    #[test]
    fn any_text_is_answered_with_findings_that_exist_each_once(text in prop::collection::vec(any::<char>(), 0..500)) {
        let codes = codes(&text.into_iter().collect::<String>());
        let mut once = codes.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), codes.len());
    }
}
