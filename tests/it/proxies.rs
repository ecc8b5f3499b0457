//! Real proxies, each configured with one known cause: `check` has to put that cause first, and to say which proxy it is.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use crate::lab::doctor::Report;
use crate::lab::proxy::{Proxy, StartError};
use crate::lab::scenario::{Scenario, ScenarioError};
use crate::lab::{Lab, configurations, few_at_a_time, repository, say};

/// Rows whose proxy passes HTTP through as it comes: what answers is the gateway's own gRPC server.
const PASSED_THROUGH: &[&str] = &[
    "nginx/stream-ok-tls-passthrough",
    "nginx/stream-plain-to-tls-client",
    "nginx/stream-ssl-terminate-no-alpn",
    "haproxy/tcp-passthrough",
    "nginx/stream-plain-ok",
    "haproxy/tcp-tls-without-alpn",
    "haproxy/tcp-tls-alpn-ok",
    "envoy/tcp-passthrough",
];

/// Rows in which nothing comes, an alert that other servers send alike, or TCP that is passed through to something else.
const NOTHING_TELLS: &[&str] = &[
    "nginx/reject-handshake",
    "nginx/tls11-only",
    "nginx/tls12-bad-ciphers",
    "nginx/tls12-cbc-sha",
    "nginx/stream-dead",
    "nginx/stream-sends-proxy-protocol",
    "nginx/stream-to-rest",
    "nginx/stream-plain-to-rest",
    "haproxy/strict-sni",
    "haproxy/mtls",
    "haproxy/tcp-dead",
    "haproxy/tcp-sends-proxy",
    "haproxy/tcp-reject",
    "haproxy/tcp-sni-reject",
    "caddy/mtls",
    "apache/mtls",
    "envoy/mtls",
    "envoy/sni-no-chain",
    "envoy/tcp-dead",
    "envoy/istio-rbac-tcp",
    "envoy/codec-http1-alpn-h2",
];

#[test]
fn every_scenario_leads_to_its_finding_and_shows_its_proxy() -> io::Result<()> {
    let mut scenarios = Scenario::table(SHARED)?;
    scenarios.extend(Scenario::table(OURS)?);
    // Those that take seconds are in limits.rs.
    scenarios.retain(|scenario| !scenario.is_deep());

    let lab = Lab::start()?;
    let rows = run_all(&lab, scenarios);

    let table = table_of(&rows);
    let wrong = rows.iter().filter(|row| row.verdict() == Verdict::Wrong).count();
    assert!(wrong == 0, "{wrong} of {} scenarios are wrong\n{table}", rows.len());
    say(&table);
    Ok(())
}

#[test]
fn every_configuration_has_a_row_and_every_row_a_configuration() -> io::Result<()> {
    for (folder, table) in [("", SHARED), ("ours", OURS)] {
        let mut scenarios = Scenario::table(table)?;
        scenarios.extend(Scenario::later(table)?);
        for scenario in &scenarios {
            let file = scenario.configuration();
            assert!(file.is_file(), "{table}: {} has no {}", scenario.name, file.display());
        }
        let asked_for: BTreeSet<_> = scenarios.iter().map(Scenario::configuration).collect();
        for proxy in Proxy::ALL {
            let files = configurations().join(folder).join(proxy.name());
            if files.is_dir() {
                for file in fs::read_dir(files)? {
                    let file = file?.path();
                    assert!(asked_for.contains(&file), "{} is in no row", file.display());
                }
            }
        }
    }
    Ok(())
}

#[test]
fn the_lab_is_the_shared_one() -> io::Result<()> {
    let shared = repository().join("../shared/lab");
    if !shared.is_dir() {
        say("not compared: the shared lab isn't beside the repository");
        return Ok(());
    }
    for proxy in Proxy::ALL {
        let (ours, theirs) = (configurations().join(proxy.name()), shared.join(proxy.name()));
        assert_eq!(texts_in(&ours)?, texts_in(&theirs)?, "the folder {}", proxy.name());
    }
    assert_eq!(
        fs::read_to_string(configurations().join(SHARED))?,
        fs::read_to_string(shared.join(SHARED))?,
        "{SHARED}"
    );
    Ok(())
}

/// The files of a folder by name; none where there is no folder.
fn texts_in(folder: &Path) -> io::Result<BTreeMap<OsString, String>> {
    if !folder.exists() {
        return Ok(BTreeMap::new());
    }
    fs::read_dir(folder)?
        .map(|file| {
            let file = file?;
            Ok((file.file_name(), fs::read_to_string(file.path())?))
        })
        .collect()
}

/// A scenario with what came of it.
struct Row {
    scenario: Scenario,
    outcome: Result<Report, ScenarioError>,
}

#[derive(PartialEq)]
enum Verdict {
    Right,
    Wrong,
    NotRun,
}

impl Row {
    fn verdict(&self) -> Verdict {
        match &self.outcome {
            Ok(report) if self.scenario.expected.is_met_by(report) && self.shows_its_proxy(report) => Verdict::Right,
            Err(ScenarioError::Start(StartError::NotInstalled(_))) if env::var_os("CI").is_none() => Verdict::NotRun,
            Ok(_) | Err(_) => Verdict::Wrong,
        }
    }

    /// Whether each endpoint shows the proxy of the scenario, or one that can't be told from it.
    fn shows_its_proxy(&self, report: &Report) -> bool {
        let name = self.scenario.name.as_str();
        let accepted = match name.split('/').next() {
            _ if NOTHING_TELLS.contains(&name) => return report.recognised().all(|proxy| proxy.is_none()),
            _ if PASSED_THROUGH.contains(&name) => "none",
            // What tells them apart is a field or a certificate, which these rows have.
            _ if name.starts_with("envoy/istio-") || name.starts_with("envoy/jwt-") || name == "envoy/ok-istio" => {
                "istio"
            }
            _ if name == "nginx/ingress-default-backend" => "ingress-nginx",
            folder => folder.unwrap_or_default(),
        };
        // What Traefik passes on without a word of its own could be any Go server's.
        let alike = |proxy| accepted == "traefik" && proxy == "go-http";
        report
            .recognised()
            .all(|proxy| proxy.is_some_and(|proxy| proxy == accepted || alike(proxy)))
    }
}

fn run_all(lab: &Lab, scenarios: Vec<Scenario>) -> Vec<Row> {
    let outcomes = few_at_a_time(&scenarios, |scenario| scenario.run(lab));
    let rows = scenarios.into_iter().zip(outcomes);
    rows.map(|(scenario, outcome)| Row { scenario, outcome }).collect()
}

fn table_of(rows: &[Row]) -> String {
    let mut table = format!(
        "{:<8}{:<40}{:<16}{:<10}{:<24}{:>6}\n",
        "", "scenario", "expected", "first", "recognised", "ms"
    );
    for row in rows {
        let verdict = match row.verdict() {
            Verdict::Right => "right",
            Verdict::Wrong => "WRONG",
            Verdict::NotRun => "not run",
        };
        let Scenario { name, expected, .. } = &row.scenario;
        let what_came = match &row.outcome {
            Ok(report) => format!(
                "{:<10}{:<24}{:>6}",
                report.first_finding().unwrap_or("none"),
                report.proxies().join(", "),
                report.took.as_millis()
            ),
            Err(error) => error.to_string(),
        };
        table += &format!("{verdict:<8}{name:<40}{expected:<16}{what_came}\n");
    }
    table
}

/// Tables of scenarios.
pub(crate) const SHARED: &str = "expect.tsv";
pub(crate) const OURS: &str = "ours/expect.tsv";
