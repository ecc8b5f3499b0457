//! Manifests and descriptions that can't be run here: each with the codes that it has to lead to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{codes, lint_files, told};
use crate::lab::configurations;

#[test]
fn kubernetes_manifests_lead_to_their_findings() -> io::Result<()> {
    table("kubernetes")
}

#[test]
fn load_balancers_lead_to_their_findings() -> io::Result<()> {
    table("alb")
}

/// What Hoop itself publishes has the gaps that are known, and nothing else is said of it.
#[test]
fn what_hoop_publishes_has_its_known_gaps_alone() -> io::Result<()> {
    let folder = configurations().join("hoop");
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in fs::read_to_string(folder.join("expect.tsv"))?.lines() {
        let Some((files, expected)) = line.split_once('\t').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        rows += 1;
        let files: Vec<PathBuf> = files.split(',').map(|file| folder.join(file)).collect();
        let report = lint_files(&files.iter().map(PathBuf::as_path).collect::<Vec<&Path>>());
        let found = codes(&report).join(" ");
        if found != expected.trim_start_matches('-') {
            wrong.push(format!("{line}\n  found {found}\n{}", told(&report)));
        }
    }
    assert!(rows >= 15, "{rows} rows");
    assert!(
        wrong.is_empty(),
        "{} of {rows} are wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// Each row of `expect.tsv` names files, separated by commas, and codes: those above info, the first one first; `-` for none.
fn table(folder: &str) -> io::Result<()> {
    let folder = configurations().join(folder);
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in fs::read_to_string(folder.join("expect.tsv"))?.lines() {
        let mut columns = line.split('\t');
        let (Some(files), Some(expected)) = (columns.next(), columns.next()) else {
            continue;
        };
        if files.starts_with('#') {
            continue;
        }
        rows += 1;
        let files: Vec<PathBuf> = files.split(',').map(|file| folder.join(file.trim())).collect();
        let report = lint_files(&files.iter().map(PathBuf::as_path).collect::<Vec<&Path>>());
        let found: Vec<String> = codes(&report)
            .iter()
            .filter(|code| !code.ends_with('.'))
            .map(|code| code.trim_end_matches('?').to_owned())
            .collect();
        let infos: Vec<String> = codes(&report)
            .iter()
            .filter_map(|code| code.strip_suffix('.').map(str::to_owned))
            .collect();
        let mut expected = expected
            .split([',', ' '])
            .map(str::trim)
            .filter(|code| !code.is_empty() && *code != "-");
        let first = expected.next();
        let all = expected.all(|code| found.iter().chain(&infos).any(|other| other == code));
        let is_right = match first {
            None => found.is_empty(),
            Some(first) => found.first().or(infos.first()).is_some_and(|found| found == first) && all,
        };
        if !is_right {
            wrong.push(format!(
                "{line}\n  found {}\n{}",
                codes(&report).join(" "),
                told(&report)
            ));
        }
    }
    assert!(rows >= 20, "{rows} rows");
    assert!(
        wrong.is_empty(),
        "{} of {rows} are wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}
