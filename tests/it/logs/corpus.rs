//! What `hoop-doctor logs` makes of the logs that are kept.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::folder;
use super::table::rows;
use crate::lab::doctor::{Report, hoop_doctor};
use crate::lab::few_at_a_time;

#[test]
fn every_log_leads_to_what_really_was_wrong() -> io::Result<()> {
    let cases = Case::all()?;
    let wrong: Vec<(String, String)> = few_at_a_time(&cases, |case| Some((case.name.clone(), case.judged().err()?)))
        .into_iter()
        .flatten()
        .collect();
    let waits = |name: &String| WAITING.contains(&name.as_str());
    let told: Vec<String> = wrong
        .iter()
        .filter(|(name, _)| !waits(name))
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    assert!(
        told.is_empty(),
        "{} of {} logs\n{}",
        told.len(),
        cases.len(),
        told.join("\n")
    );
    let done: Vec<&&str> = WAITING
        .iter()
        .filter(|waiting| wrong.iter().all(|(name, _)| name != *waiting))
        .collect();
    assert!(done.is_empty(), "these need not wait any longer: {done:?}");
    Ok(())
}

#[test]
fn every_log_is_in_the_table_and_every_row_has_a_log() -> io::Result<()> {
    let kept: BTreeSet<String> = Case::all()?.into_iter().map(|case| case.name).collect();
    let rows: BTreeSet<String> = rows()?.into_iter().map(|row| row.name).collect();
    let missing: Vec<_> = rows.difference(&kept).collect();
    let unknown: Vec<_> = kept.difference(&rows).collect();
    assert!(
        missing.is_empty(),
        "not recorded: {missing:?}; RECORD_LOGS=NAME records one"
    );
    assert!(unknown.is_empty(), "nobody could make these again: {unknown:?}");
    Ok(())
}

/// The table is where an expectation is changed; what is kept beside a log comes from it.
#[test]
fn every_log_expects_what_the_table_says() -> io::Result<()> {
    for row in rows()? {
        let case = Case::named(&row.name)?;
        let (first, more) = row.expected.split_first().expect("a row expects something");
        assert_eq!(case.first, first.split(',').collect::<Vec<_>>(), "{}", row.name);
        assert_eq!(case.more, more, "{}", row.name);
    }
    Ok(())
}

#[test]
fn a_log_is_small_and_tells_nothing_of_the_machine_that_recorded_it() -> io::Result<()> {
    let mut bytes = 0;
    for case in Case::all()? {
        for file in case.files {
            let log = fs::read(&file)?;
            let name = file.display();
            assert!(log.len() <= LONGEST, "{name} has {} bytes", log.len());
            bytes += log.len();
            let log = String::from_utf8_lossy(&log);
            for secret in ["PRIVATE KEY", "/home/", "/root/", "/tmp/", "/work/", "xagt-"] {
                assert!(!log.contains(secret), "{name} contains {secret:?}");
            }
        }
    }
    assert!(bytes <= LARGEST, "the logs have grown to {bytes} bytes");
    Ok(())
}

#[test]
fn most_logs_have_a_finding_and_many_have_none() -> io::Result<()> {
    let (none, some): (Vec<Case>, Vec<Case>) = Case::all()?
        .into_iter()
        .filter(|case| !case.name.contains("byhand"))
        .partition(|case| case.first == ["none"]);
    assert!(
        some.len() >= 60 && none.len() >= 20,
        "{} and {}",
        some.len(),
        none.len()
    );
    Ok(())
}

/// One folder of `tests/logs`.
struct Case {
    name: String,
    files: Vec<PathBuf>,
    first: Vec<String>,
    more: Vec<String>,
}

impl Case {
    fn all() -> io::Result<Vec<Self>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder())? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        names.iter().map(|name| Self::named(name)).collect()
    }

    fn named(name: &str) -> io::Result<Self> {
        let folder = folder().join(name);
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name() != "expect" {
                files.push(entry.path());
            }
        }
        files.sort();
        let expect = fs::read_to_string(folder.join("expect"))?;
        let mut lines = expect.lines();
        let first = lines.next().unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            files,
            first: first.split(',').map(str::to_owned).collect(),
            more: lines.skip(1).map(str::to_owned).collect(),
        })
    }

    /// Runs the program on the logs, and says where its report differs.
    fn judged(&self) -> Result<(), String> {
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        let files = self.files.iter().filter_map(|file| file.to_str());
        let args = ["logs", "-o", "json"].into_iter().chain(files);
        let report = hoop_doctor(home.path(), args).map_err(|error| error.to_string())?;
        let found = report.first_finding().unwrap_or("none");
        if !self.first.iter().any(|code| code == found) {
            return Err(format!("{found} comes first, not {}", self.first.join(" or ")));
        }
        self.more.iter().try_for_each(|wanted| {
            is_in(&report, wanted)
                .then_some(())
                .ok_or_else(|| format!("{found} comes first, without {wanted}"))
        })
    }
}

/// Whether a report has what a later line of `expect` asks for.
fn is_in(report: &Report, wanted: &str) -> bool {
    let first = &report.json["findings"][0];
    match wanted.split_once(' ') {
        Some(("count", count)) => {
            let sightings = report.json["logs"]["sightings"].as_array();
            let mut counts = sightings.into_iter().flatten().map(|sighting| &sighting["count"]);
            counts.any(|seen| seen.as_u64().is_some_and(|seen| seen.to_string() == count))
        }
        Some(("lasted", time)) => first["message"].as_str().is_some_and(|message| message.contains(time)),
        _ => {
            let candidates = first["candidates"].as_array();
            let candidates = candidates.into_iter().flatten().map(|candidate| &candidate["code"]);
            [&first["code"]]
                .into_iter()
                .chain(candidates)
                .any(|code: &Value| code == wanted)
        }
    }
}

/// Logs of which not everything is found yet.
const WAITING: &[&str] = &[
    // Only "tls=true" in the line before tells it from plaintext to an HTTP/1.1 port.
    "agent-http2-handshake-failed",
    // The rhythm is in the durations of an access log, which are not read.
    "rhythm-caddy-write-timeout-proxy",
    "rhythm-envoy-max-stream-duration-proxy",
    "rhythm-envoy-stream-idle-timeout-proxy",
    "rhythm-haproxy-timeout-server-proxy",
    "rhythm-traefik-read-timeout-proxy",
];

/// In bytes.
const LONGEST: usize = 20_000;
const LARGEST: usize = 600_000;
