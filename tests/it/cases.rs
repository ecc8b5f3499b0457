//! Recorded cases: what was seen of one fault, and the exact report of it. Rules are tested on these without a socket.
//!
//! `tests/cases/README.md` says how to record and how to accept a changed report.

mod edit;
mod expectation;
pub(crate) mod record;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hoop_doctor::config::{Asked, Environment, discover};
use hoop_doctor::evidence::{Evidence, Kind, Wire};
use hoop_doctor::report::human::{Detail, Glyphs, Look, Paint, render};
use hoop_doctor::report::{Filter, Report, Verdict, report};
use serde::{Deserialize, Serialize};

use crate::lab::repository;
use expectation::{Expectation, expectations};

#[test]
fn every_case_has_the_report_that_is_kept_with_it() -> io::Result<()> {
    let update = env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    for case in Case::all()? {
        let now = case.text();
        if update {
            fs::write(case.folder().join(REPORT), &now)?;
            continue;
        }
        let kept = fs::read_to_string(case.folder().join(REPORT)).unwrap_or_default();
        if now != kept {
            wrong.push(format!("{}\n{}", case.name, first_difference(&kept, &now)));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} reports changed; UPDATE_CASES=1 accepts them\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// No accepted report can hide that the cause is another one.
#[test]
fn every_case_puts_its_cause_first() -> io::Result<()> {
    let mut wrong = Vec::new();
    for Expectation { case, rows } in expectations()? {
        let report = Case::named(&case)?.report();
        for row in rows.iter().filter(|row| !row.is_met_by(&report)) {
            let first = report.findings.first().map_or("nothing", |finding| &finding.code);
            wrong.push(format!("{case}: {row} is expected, {first} comes first"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn every_fault_and_every_quick_scenario_of_the_shared_table_has_a_case() -> io::Result<()> {
    let asked_for: BTreeSet<String> = expectations()?
        .into_iter()
        .map(|expectation| expectation.case)
        .collect();
    let present: BTreeSet<String> = Case::names()?.into_iter().collect();
    let missing: Vec<_> = asked_for.difference(&present).collect();
    let unknown: Vec<_> = present.difference(&asked_for).collect();
    assert!(
        missing.is_empty(),
        "not recorded: {missing:?}; RECORD_CASES=NAME records one"
    );
    assert!(
        unknown.is_empty(),
        "nothing says what these cases have to lead to: {unknown:?}"
    );
    Ok(())
}

#[test]
fn a_case_holds_no_key_and_no_place_on_the_machine_that_recorded_it() -> io::Result<()> {
    let mut bytes = 0;
    for case in Case::all()? {
        for file in [EVIDENCE, REPORT] {
            let text = fs::read_to_string(case.folder().join(file))?;
            bytes += text.len();
            for secret in ["PRIVATE KEY", "/home/", "/root", "/tmp/", "Bearer "] {
                assert!(!text.contains(secret), "{}/{file} contains {secret:?}", case.name);
            }
        }
    }
    assert!(bytes < LIMIT, "the cases have grown to {bytes} bytes");
    Ok(())
}

/// Whatever a stranger answers: what is not a Hoop gateway is never called one, known mistake or not.
#[test]
fn no_answer_but_a_gateways_is_called_well() -> io::Result<()> {
    let mut wrong = Vec::new();
    // A warning beside it is no excuse.
    for name in expectation::HEALTHY.into_iter().chain(["fault-cert-expires-soon"]) {
        for kind in [Kind::Grpc, Kind::Rest] {
            for (said, change) in edit::strangers() {
                let mut case = Case::named(name)?;
                edit::answer_all(&mut case.evidence.wire, kind, &change);
                let honest: &[Verdict] = match kind {
                    Kind::Grpc => &[Verdict::Broken, Verdict::Unknown],
                    Kind::Rest => &[Verdict::Degraded, Verdict::Unknown],
                };
                let verdict = case.report().verdict;
                if !honest.contains(&verdict) {
                    wrong.push(format!("{name}: {} answers {said}, and is {verdict:?}", kind.name()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of these are called well\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// One folder of `tests/cases`.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) evidence: Evidence,
}

/// `evidence.json`.
#[derive(Serialize, Deserialize)]
struct Recorded {
    asked: AskedFor,
    wire: Wire,
}

/// The URLs that `check` was called with.
#[derive(Clone, Serialize, Deserialize)]
struct AskedFor {
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_url: Option<String>,
}

impl Case {
    /// Every case, by name.
    pub(crate) fn all() -> io::Result<Vec<Self>> {
        Self::names()?.iter().map(|name| Self::named(name)).collect()
    }

    /// The case of that name.
    pub(crate) fn named(name: &str) -> io::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            evidence: Self::recorded(name)?.evidence(),
        })
    }

    fn recorded(name: &str) -> io::Result<Recorded> {
        let file = folder().join(name).join(EVIDENCE);
        let text = fs::read_to_string(&file)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
        serde_json::from_str(&text)
            .map_err(|error| io::Error::other(format!("{}: {error}; record it again", file.display())))
    }

    fn names() -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder())? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    pub(crate) fn report(&self) -> Report {
        report(&self.evidence, &Filter::default())
    }

    /// The report as people get it.
    fn text(&self) -> String {
        let look = Look {
            detail: Detail::Normal,
            paint: Paint::Plain,
            glyphs: Glyphs::Unicode,
            width: 100,
        };
        render(&self.report(), look)
    }

    fn folder(&self) -> PathBuf {
        folder().join(&self.name)
    }
}

impl Recorded {
    fn evidence(self) -> Evidence {
        let asked = Asked {
            grpc_url: self.asked.grpc_url,
            api_url: self.asked.api_url,
            ..Asked::default()
        };
        let seconds = u64::try_from(self.wire.started_at).unwrap_or_default();
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Evidence {
            config: discover(&no_environment(then), &asked).expect("no file is named in a case"),
            wire: self.wire,
            logs: None,
            proxyconf: None,
        }
    }
}

/// No variables, no home.
fn no_environment(now: SystemTime) -> Environment {
    Environment::new::<String, String>([], PathBuf::new(), now)
}

fn folder() -> PathBuf {
    repository().join(Path::new("tests/cases"))
}

fn first_difference(kept: &str, now: &str) -> String {
    let mut pairs = kept
        .lines()
        .map(Some)
        .chain([None])
        .zip(now.lines().map(Some).chain([None]));
    let (kept, now) = pairs.find(|(kept, now)| kept != now).unwrap_or_default();
    format!(
        "  kept: {}\n  now:  {}",
        kept.unwrap_or("(no line)"),
        now.unwrap_or("(no line)")
    )
}

const EVIDENCE: &str = "evidence.json";
const REPORT: &str = "report.txt";

/// In bytes, of all cases together: they are in every clone for ever.
const LIMIT: usize = 3_000_000;
