//! The catalogue is whole: rules, pages, cases and the shared list agree. A failure names the piece that is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use hoop_doctor::evidence::Endpoint;
use hoop_doctor::findings::{Code, Confidence, Severity, diagnose, rules};
use hoop_doctor::layers::{Layer, Sight};

use crate::cases::Case;
use crate::lab::{repository, say};

#[test]
fn rules_are_sorted_by_code_and_no_code_or_name_is_there_twice() {
    let codes: Vec<Code> = rules().map(|rule| rule.code).collect();
    for pair in codes.windows(2) {
        assert!(pair[0] < pair[1], "{} stands before {}", pair[0], pair[1]);
    }
    let mut names = BTreeMap::new();
    for rule in rules() {
        let other = names.insert(rule.name, rule.code);
        assert_eq!(
            other, None,
            "{} and another rule are both called {}",
            rule.code, rule.name
        );
    }
}

#[test]
fn names_are_in_kebab_case_and_summaries_are_no_sentences() {
    for rule in rules() {
        let (code, name) = (rule.code, rule.name);
        let words = name.split('-').all(|word| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit())
        });
        assert!(words, "{code} is called {name:?}");
        assert!(
            !rule.summary.ends_with('.') && !rule.summary.is_empty(),
            "{code}: {:?}",
            rule.summary
        );
    }
}

#[test]
fn every_rule_has_a_page_and_every_page_is_whole() -> io::Result<()> {
    let pages = pages()?;
    let mut wrong = Vec::new();
    for rule in rules() {
        match pages.get(&rule.code) {
            None => wrong.push(format!("{}: docs/findings/{}.md is missing", rule.code, rule.code)),
            Some(page) if page != rule.explain => wrong.push(format!("{}: `explain` is another page", rule.code)),
            Some(page) => {
                let title = format!("# {} {}", rule.code, rule.name);
                if page.lines().next() != Some(&title) {
                    wrong.push(format!("{}: the page doesn't start with {title:?}", rule.code));
                }
            }
        }
    }
    for (code, page) in &pages {
        wrong.extend(SECTIONS.into_iter().filter_map(|heading| match section(page, heading) {
            None => Some(format!("{code}: the page has no section {heading:?}")),
            Some(text) if text.split_whitespace().count() < FEWEST_WORDS => {
                Some(format!("{code}: {heading:?} says no more than {text:?}"))
            }
            Some(_) => None,
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn every_page_has_a_rule() -> io::Result<()> {
    let ruled: BTreeSet<Code> = rules().map(|rule| rule.code).collect();
    for code in pages()?.into_keys() {
        assert!(ruled.contains(&code), "docs/findings/{code}.md has no rule");
    }
    Ok(())
}

/// Who follows the guide by hand gets to every error that `check` can find on the wire.
#[test]
fn the_guide_leads_to_every_error_on_the_wire() -> io::Result<()> {
    let guide = fs::read_to_string(repository().join("docs/telling-causes-apart.md"))?;
    let missing: Vec<String> = rules()
        .filter(|rule| rule.severity == Severity::Error && (200..700).contains(&rule.code.0))
        .filter(|rule| shows_on_the_wire(rule.code) && rule.code.0 / 100 != 5)
        .filter(|rule| !guide.contains(&rule.code.to_string()))
        .map(|rule| format!("{} {}", rule.code, rule.name))
        .collect();
    assert!(missing.is_empty(), "the guide doesn't name {}", missing.join(", "));
    Ok(())
}

/// What a rule explains, and what a report names as another possible cause, can be looked up.
#[test]
fn every_code_that_is_named_exists() -> io::Result<()> {
    let known = |code: Code| rules().any(|rule| rule.code == code);
    for rule in rules() {
        for code in rule.explains {
            assert!(known(*code), "{} explains {code}, which is nothing", rule.code);
            assert!(*code != rule.code, "{code} explains itself");
        }
    }
    for case in Case::all()? {
        for one in diagnose(&case.evidence) {
            for candidate in &one.draft.candidates {
                let (rule, code) = (one.rule.code, candidate.code);
                assert!(known(code), "{}: {rule} names {code}, which is nothing", case.name);
                assert!(code != rule, "{}: {rule} is its own candidate", case.name);
            }
        }
    }
    Ok(())
}

/// The shape of doubt: who isn't certain says what else it could be, and how to find out.
#[test]
fn what_is_undecided_is_never_certain_and_says_how_to_decide() -> io::Result<()> {
    let mut wrong = Vec::new();
    for case in Case::all()? {
        for one in diagnose(&case.evidence) {
            let undecided = UNDECIDED.contains(&one.rule.code.0);
            let doubt = undecided || one.confidence() == Confidence::Possible;
            let (name, code) = (&case.name, one.rule.code);
            if undecided && one.confidence() == Confidence::Certain {
                wrong.push(format!("{name}: {code} is certain"));
            }
            if doubt && one.draft.candidates.is_empty() {
                wrong.push(format!("{name}: {code} is in doubt and names no candidate"));
            }
            if doubt && one.draft.decide.is_none() {
                wrong.push(format!("{name}: {code} is in doubt and names no look that decides"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn every_rule_of_the_wire_fires_first_in_one_case_and_stays_silent_in_another() -> io::Result<()> {
    let cases = Case::all()?;
    let found: Vec<Vec<Code>> = cases
        .iter()
        .map(|case| diagnose(&case.evidence).iter().map(|one| one.rule.code).collect())
        .collect();
    let mut missing = Vec::new();
    for rule in rules().filter(|rule| shows_on_the_wire(rule.code)) {
        let name = format!("{} {}", rule.code, rule.name);
        if !found.iter().any(|codes| codes.first() == Some(&rule.code)) {
            missing.push(format!("{name}: no case in which it comes first"));
        }
        let near_miss = |(case, codes): (&Case, &Vec<Code>)| {
            !codes.contains(&rule.code)
                && case
                    .evidence
                    .wire
                    .endpoints
                    .iter()
                    .any(|endpoint| is_reached(endpoint, rule.code))
        };
        if !cases.iter().zip(&found).any(near_miss) {
            missing.push(format!("{name}: no case that gets as far and in which it stays silent"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    Ok(())
}

/// A finding points at something that was seen. It may name more probes than were made, but none that never is.
#[test]
fn every_finding_rests_on_an_observation() -> io::Result<()> {
    let mut wrong = BTreeSet::new();
    let reports: Vec<_> = Case::all()?
        .iter()
        .map(|case| (case.name.clone(), case.report()))
        .collect();
    let probes: BTreeSet<&str> = reports
        .iter()
        .flat_map(|(_, report)| &report.observations)
        .filter_map(|one| one.id.split_once('/'))
        .map(|(_, probe)| probe)
        .collect();
    for (case, report) in &reports {
        let seen: BTreeSet<&str> = report.observations.iter().map(|one| one.id.as_str()).collect();
        for finding in &report.findings {
            let code = &finding.code;
            if !code.starts_with("HD0") && !finding.evidence.iter().any(|id| seen.contains(id.as_str())) {
                wrong.insert(format!("{case}: {code} rests on {:?}", finding.evidence));
            }
            for (_, probe) in finding.evidence.iter().filter_map(|id| id.split_once('/')) {
                if !probes.contains(probe) {
                    wrong.insert(format!("{code} points at {probe}, which is no probe of any case"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", Vec::from_iter(wrong).join("\n"));
    Ok(())
}

/// Codes, names and severities are for ever, and the shared list is where they were given.
#[test]
fn the_catalogue_is_the_shared_one() -> io::Result<()> {
    let file = repository().join("../shared/catalogue.md");
    if !file.is_file() {
        say("not compared: the shared catalogue isn't beside the repository");
        return Ok(());
    }
    let text = fs::read_to_string(file)?;
    let shared: BTreeMap<Code, (&str, &str)> = text.lines().filter_map(shared_row).collect();
    assert!(!shared.is_empty(), "the shared catalogue has no rows");
    let mut wrong = Vec::new();
    for rule in rules() {
        let Some((name, severity)) = shared.get(&rule.code) else {
            wrong.push(format!("{} {} is not in the shared catalogue", rule.code, rule.name));
            continue;
        };
        let mut severities = severity.split(',').next().unwrap_or_default().split('/');
        if *name != rule.name || !severities.any(|one| one == word(rule.severity)) {
            let (code, own) = (rule.code, rule.name);
            wrong.push(format!(
                "{code}: {own}, {}; shared: {name}, {severity}",
                word(rule.severity)
            ));
        }
    }
    for (code, (name, severity)) in &shared {
        if !rules().any(|rule| rule.code == *code) {
            wrong.push(format!("{code} {name} has no rule"));
        }
        if severity.contains("undecided") != UNDECIDED.contains(&code.0) {
            wrong.push(format!("{code} {name}: {severity}, but UNDECIDED says otherwise"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// `| HD401 | http2-not-enabled | error | W P L | … |`.
fn shared_row(line: &str) -> Option<(Code, (&str, &str))> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
    let code = cells.next()?.strip_prefix("HD")?.parse().ok().map(Code)?;
    Some((code, (cells.next()?, cells.next()?)))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Error => "error",
    }
}

/// Every `docs/findings/HDnnn.md`.
fn pages() -> io::Result<BTreeMap<Code, String>> {
    let mut pages = BTreeMap::new();
    for file in fs::read_dir(repository().join("docs/findings"))? {
        let path = file?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let code = stem.strip_prefix("HD").and_then(|code| code.parse().ok());
        let code = code.unwrap_or_else(|| panic!("{} is named after no finding", path.display()));
        pages.insert(Code(code), fs::read_to_string(&path)?);
    }
    Ok(pages)
}

/// What stands between a heading and the next.
fn section<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let (_, behind) = page.split_once(&format!("\n{heading}\n"))?;
    Some(behind.split_once("\n## ").map_or(behind, |(text, _)| text).trim())
}

fn shows_on_the_wire(code: Code) -> bool {
    (100..800).contains(&code.0) && !NOT_ON_THE_WIRE.contains(&code.0)
}

/// Whether this endpoint got as far as the rung that the finding is about.
fn is_reached(endpoint: &Endpoint, code: Code) -> bool {
    let layer = match code.0 / 100 {
        1 => Layer::Dns,
        2 => Layer::Tcp,
        3 => Layer::Tls,
        4 => Layer::Http2,
        5 => Layer::Rest,
        _ => Layer::Grpc,
    };
    Layer::of(endpoint).contains(&layer) && layer.sight(endpoint) != Sight::NotReached
}

const SECTIONS: [&str; 6] = [
    "## What you see",
    "## What is going on",
    "## How to confirm",
    "## How to fix",
    "## How to verify",
    "## What it is mistaken for",
];
/// No section says anything of use in fewer.
const FEWEST_WORDS: usize = 6;

/// What the catalogue calls undecided: a doubt, not a problem.
const UNDECIDED: [u16; 4] = [212, 607, 613, 616];

/// Known from configuration, logs or files alone, or with `--auth`.
const NOT_ON_THE_WIRE: [u16; 3] = [618, 619, 706];
