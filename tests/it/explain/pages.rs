//! What the pages promise is what the program does: fixes, commands, and the lines of logs that decide.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use clap::Parser;
use hoop_doctor::cli::Cli;
use hoop_doctor::explain::{FIX, PAGES, Runbook, page};
use hoop_doctor::findings::{Code, diagnose};
use hoop_doctor::proxies::Proxy;

use super::codes;
use crate::cases::Case;
use crate::lab::repository;

/// Who reads the page, or has it found by a log, gets the fix that a report would give.
#[test]
fn a_page_has_a_fix_for_each_proxy_for_which_a_report_has_one() -> io::Result<()> {
    let mut missing = BTreeSet::new();
    for case in Case::all()? {
        for one in diagnose(&case.evidence) {
            let page = page(&one.rule.code.to_string()).expect("every rule has a page");
            let fixed: BTreeSet<Proxy> = fixes(page).filter_map(Proxy::named).collect();
            for snippet in &one.draft.remedy.snippets {
                if snippet.proxy != Proxy::Hoop && !fixed.contains(&snippet.proxy) {
                    missing.insert(format!("{page}: \"{FIX}\" has no heading {:?}", snippet.proxy.name()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", Vec::from_iter(missing).join("\n"));
    Ok(())
}

/// The headings below "How to fix".
pub(super) fn fixes(page: &Runbook) -> impl Iterator<Item = &'static str> {
    let fix = page.section(FIX).unwrap_or_default();
    outside_of_code(fix).filter_map(|line| line.strip_prefix("### "))
}

/// A heading that is almost the name of a proxy would not be found by it.
#[test]
fn a_heading_names_one_system_and_spells_it_as_its_makers_do() {
    let mut wrong = Vec::new();
    for page in PAGES {
        for heading in fixes(page) {
            let spelled = |proxy: &Proxy| proxy.name().eq_ignore_ascii_case(heading) && proxy.name() != heading;
            if heading.contains(',') || Proxy::ALL.iter().any(spelled) {
                wrong.push(format!("{page}: {heading:?}"));
            }
        }
        let mut once = BTreeSet::new();
        wrong.extend(
            fixes(page)
                .filter(|heading| !once.insert(*heading))
                .map(|heading| format!("{page}: {heading:?} is there twice")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A report sends its reader to a line of the proxy's log; the page of the cause that the line stands for shows it.
#[test]
fn a_line_that_decides_stands_in_the_page_of_its_cause() -> io::Result<()> {
    let upstream = repository().join("src/findings/upstream");
    let causes = fs::read_to_string(upstream.join("causes.tsv"))?;
    let looks = fs::read_to_string(upstream.join("looks.tsv"))?;
    let mut missing = Vec::new();
    for look in rows(&looks).filter(|look| look[1] != "file") {
        let (proxy, cause, words) = (look[0], look[1], look[2]);
        let code = rows(&causes).find(|row| row[0] == cause).map(|row| row[1]);
        let page = code.and_then(page).expect("every cause has a finding");
        if !page.text.replace('`', "").contains(words) {
            missing.push(format!("{page} doesn't say that {proxy} logs {words:?}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    Ok(())
}

/// The rows of a table in a file.
fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect())
}

/// A line of an error log that a page shows is one that `explain` and `logs` know, and it means what the page says.
#[test]
fn a_quoted_line_of_an_error_log_leads_to_the_finding_that_stands_beside_it() {
    let mut astray = Vec::new();
    let mut looked_up = 0;
    for page in PAGES {
        let tables = page.text.split("\n\n").filter(|part| part.starts_with('|'));
        for table in tables {
            let head = table.lines().next().unwrap_or_default();
            let rows = table
                .lines()
                .skip(2)
                .filter(|row| format!("{head}{row}").contains("error log"));
            for row in rows {
                let named = |code: &u16| page.code.0 == *code || row.contains(&Code(*code).to_string());
                for line in row.split('`').skip(1).step_by(2).filter(|line| line.contains(' ')) {
                    looked_up += 1;
                    let codes = codes(line);
                    if !codes.iter().any(named) {
                        astray.push(format!("{page}: {line:?} leads to {codes:?}"));
                    }
                }
            }
        }
    }
    assert!(looked_up > 0, "no page shows a line of an error log");
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}

/// What browsers call it is known as well: it is what somebody without a log has.
#[test]
fn the_name_that_browsers_have_for_an_error_leads_to_the_page() {
    let mut astray = Vec::new();
    let mut looked_up = 0;
    for page in PAGES {
        let seen = page.section("What you see").unwrap_or_default();
        let said = seen.lines().filter(|line| line.contains("rowsers"));
        for name in said.flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let is_name = name
                .chars()
                .all(|char| char.is_ascii_uppercase() || matches!(char, '_' | ':'));
            if is_name {
                looked_up += 1;
                let codes = codes(name);
                if !codes.contains(&page.code.0) {
                    astray.push(format!("{page}: {name} leads to {codes:?}"));
                }
            }
        }
    }
    assert!(looked_up > 0, "no page says what browsers say");
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}

/// What is quoted as logged stands in blocks of its own kind, where it is looked up.
#[test]
fn what_you_see_is_marked_as_text() {
    for page in PAGES {
        let seen = page.section("What you see").unwrap_or_default();
        let opened = seen.lines().filter(|line| line.starts_with("```")).step_by(2);
        for fence in opened {
            assert_eq!(fence, "```text", "{page}");
        }
    }
}

/// No page sends its reader to a command or an option that this version doesn't have.
#[test]
fn every_command_of_this_program_that_a_page_names_exists() {
    let mut wrong = Vec::new();
    for page in PAGES {
        let mut named = commands(page.text).peekable();
        if named.peek().is_none() {
            wrong.push(format!("{page} doesn't say how to verify with it"));
        }
        for command in named {
            let words = command.split(['>', '<']).next().unwrap_or_default().split_whitespace();
            match Cli::try_parse_from(words) {
                Err(error) if error.exit_code() != 0 => wrong.push(format!("{page}: {command}: {}", error.kind())),
                Ok(_) | Err(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The calls of this program: a line of a block, what follows a pipe, or code in a sentence.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split(['\n', '`', '|']).map(str::trim);
    pieces.filter(|piece| piece.starts_with("hoop-doctor "))
}

/// The lines of Markdown that are no code.
fn outside_of_code(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("```").step_by(2);
    blocks.flat_map(str::lines)
}
