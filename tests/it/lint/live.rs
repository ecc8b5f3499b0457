//! `check --proxy-config`: what the wire and the file say together, and that the wire has the last word.

use std::env;
use std::fs;
use std::io;

use crate::lab::doctor::Report;
use crate::lab::proxy::StartError;
use crate::lab::scenario::{Scenario, ScenarioError};
use crate::lab::{Lab, few_at_a_time, say};
use crate::proxies::SHARED;

/// Broken configurations: what `check` finds first with them, and what stands in the line that is to blame.
const BROKEN: [(&str, &str, &str); 6] = [
    ("nginx/proxy-pass-for-grpc", "HD604", "location /protobuf.Transport/"),
    ("haproxy/no-alpn", "HD402", "bind 127.0.0.1"),
    ("haproxy/timeout-server", "HD703", "timeout server"),
    ("envoy/stream-idle-timeout", "HD703", "stream_idle_timeout: 3s"),
    ("envoy/upstream-http1", "HD604", "- name: grpc"),
    ("caddy/no-h2c", "HD604", "reverse_proxy @grpc"),
];

/// Healthy configurations, each with a file that isn't what runs and what it would lead to.
const STALE: [(&str, &str, &str); 3] = [
    ("nginx/ok-prefix", "nginx/proxy-pass-for-grpc", "HD604"),
    ("haproxy/ok", "haproxy/no-alpn", "HD402"),
    ("envoy/ok", "envoy/upstream-http1", "HD604"),
];

#[test]
fn the_cause_on_the_wire_gets_its_line_in_the_file() -> io::Result<()> {
    let lab = Lab::start()?;
    let table = Scenario::table(SHARED)?;
    let outcomes = few_at_a_time(&BROKEN, |(name, code, line)| {
        broken(&lab, named(&table, name), code, line)
    });
    judge(BROKEN.iter().map(|(name, _, _)| *name).zip(outcomes))
}

/// The line that is named, if it is the right one of the right finding.
fn broken(lab: &Lab, scenario: &Scenario, code: &str, line: &str) -> Result<(), Unmet> {
    let served = scenario.serve(lab)?;
    let file = served.proxy.file(scenario.proxy);
    let given = file.display().to_string();
    let report = scenario.ask_with(lab, &served, &["--proxy-config", &given])?;
    let content = fs::read_to_string(&file)?;
    let at = content
        .lines()
        .position(|text| text.contains(line) && !text.starts_with('#'));
    let at = at.ok_or_else(|| Unmet::Report(format!("{given} has no line with {line:?}")))?;
    let place = report.first_place();
    match report.first_finding() == Some(code) && place == Some((&given, at as u64 + 1)) {
        true => Ok(()),
        false => Err(unmet(&format!("{code} at line {}", at + 1), &report)),
    }
}

#[test]
fn a_file_that_is_not_what_runs_is_no_error() -> io::Result<()> {
    let lab = Lab::start()?;
    let table = Scenario::table(SHARED)?;
    let outcomes = few_at_a_time(&STALE, |(healthy, other, code)| {
        stale(&lab, named(&table, healthy), named(&table, other), code)
    });
    judge(STALE.iter().map(|(name, _, _)| *name).zip(outcomes))
}

fn stale(lab: &Lab, healthy: &Scenario, other: &Scenario, code: &str) -> Result<(), Unmet> {
    let served = healthy.serve(lab)?;
    let (text, elsewhere) = {
        let other_served = other.serve(lab)?;
        let text = fs::read_to_string(other_served.proxy.file(other.proxy))?;
        (text, other_served.address.port().to_string())
    };
    // As if it were for the port at which the healthy one is.
    let text = text.replace(&elsewhere, &served.address.port().to_string());
    let file = lab.fresh_folder()?.join("given");
    fs::write(&file, text)?;
    let given = file.display().to_string();
    let report = healthy.ask_with(lab, &served, &["--proxy-config", &given])?;
    // It isn't passed over in silence either.
    let is_told = report.first_finding() == Some(code) && report.first_place().is_some_and(|(file, _)| file == given);
    match report.is_healthy() && is_told {
        true => Ok(()),
        false => Err(unmet(&format!("{code}, which merely informs"), &report)),
    }
}

fn named<'a>(table: &'a [Scenario], name: &str) -> &'a Scenario {
    let found = table.iter().find(|scenario| scenario.name == name);
    found.unwrap_or_else(|| panic!("{SHARED} has no {name}"))
}

/// Why a scenario isn't what it has to be.
enum Unmet {
    Run(ScenarioError),
    Report(String),
}

fn unmet(wanted: &str, report: &Report) -> Unmet {
    Unmet::Report(format!(
        "wanted {wanted}, found at {:?}{}",
        report.first_place(),
        report.told()
    ))
}

impl<E: Into<ScenarioError>> From<E> for Unmet {
    fn from(error: E) -> Self {
        Self::Run(error.into())
    }
}

fn judge<'a>(outcomes: impl Iterator<Item = (&'a str, Result<(), Unmet>)>) -> io::Result<()> {
    let mut wrong = String::new();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(()) => {}
            Err(Unmet::Run(ScenarioError::Start(error @ StartError::NotInstalled(_))))
                if env::var_os("CI").is_none() =>
            {
                say(&format!("not run: {name}: {error}"));
            }
            Err(Unmet::Run(error)) => wrong += &format!("{name}: {error}\n"),
            Err(Unmet::Report(why)) => wrong += &format!("{name}: {why}\n"),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}
