//! JUnit's XML, as far as junit-10.xsd of Jenkins' xUnit plugin has it: a suite an endpoint, a case a layer.
//!
//! There is a failure wherever the exit code is 1, and an error wherever it is 3, so that a pipeline which reads the
//! file comes to the same end as one which reads the exit code.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::advice::{located, named};
use super::text::lines;
use super::{EndpointReport, Finding, Report, Severity, Status, Verdict};
use crate::layers::{LADDER, Layer};

/// The file; a finding at `fail_on` or above is a failure.
///
/// # Errors
/// Never for text that is written to memory; the signature is quick-junit's.
pub fn render(report: &Report, fail_on: Severity) -> Result<String, quick_junit::SerializeError> {
    let mut suites = suites(report);
    for finding in &report.findings {
        place(&mut suites, report, finding);
    }
    let mut xml = Xml::new("hoop-doctor");
    xml.set_time(Duration::from_millis(report.duration_ms));
    for suite in suites.iter().filter(|suite| !suite.cases.is_empty()) {
        let mut written = TestSuite::new(suite.title.as_str());
        written.set_time(suite.cases.iter().filter_map(|case| case.duration).sum());
        written.add_test_cases(
            suite
                .cases
                .iter()
                .map(|case| case.written(suite.id, report.verdict, fail_on)),
        );
        xml.add_test_suite(written);
    }
    // How many were skipped is known to junit-10.xsd for each suite, and not for all of them.
    let skipped = format!(" skipped=\"{}\"", xml.skipped);
    Ok(xml.to_string()?.replacen(&skipped, "", 1))
}

/// One endpoint, or one sort of thing that was read.
struct Suite<'a> {
    id: &'a str,
    title: String,
    cases: Vec<Case<'a>>,
}

/// One thing that can be right or wrong.
struct Case<'a> {
    name: String,
    duration: Option<Duration>,
    status: Status,
    why: &'a str,
    summary: &'a str,
    findings: Vec<&'a Finding>,
}

/// Everything that was looked at; the suite of the run itself is the last one.
fn suites(report: &Report) -> Vec<Suite<'_>> {
    let suite = |id, cases| Suite {
        id,
        title: id.to_owned(),
        cases,
    };
    let endpoints = report.endpoints.iter().map(|endpoint| Suite {
        title: lines(&format!("{} {}", endpoint.id, endpoint.url)),
        ..suite(
            &endpoint.id,
            endpoint
                .layers
                .iter()
                .map(|rung| Case {
                    duration: rung.duration_ms.map(Duration::from_millis),
                    status: rung.status,
                    why: rung.why.as_deref().unwrap_or_default(),
                    summary: &rung.summary,
                    ..Case::fine(&format!("{} {}", endpoint.id, rung.layer.rung().name))
                })
                .collect(),
        )
    });
    let identities = report.identities.iter().map(|identity| Case {
        summary: identity.tls_because.as_deref().unwrap_or_default(),
        ..Case::fine(&identity.name)
    });
    let configuration = report
        .proxy_config
        .iter()
        .flat_map(|read| &read.files)
        .map(|file| file.name.as_str());
    let logs = report
        .logs
        .iter()
        .flat_map(|read| &read.files)
        .map(|file| file.name.as_str());
    let unknown = report.unknown_because.iter().map(|why| Case {
        status: Status::Failed,
        why,
        ..Case::fine("verdict")
    });
    let read = [
        suite(IDENTITIES, identities.collect()),
        suite(FILES, configuration.chain(logs).map(Case::fine).collect()),
        suite(RUN, unknown.collect()),
    ];
    endpoints.chain(read).collect()
}

/// Puts a finding to the cases that it is about.
fn place<'a>(suites: &mut [Suite<'a>], report: &'a Report, finding: &'a Finding) {
    let mut cases: Vec<(&str, String)> = Vec::new();
    for endpoint in report
        .endpoints
        .iter()
        .filter(|endpoint| finding.endpoints.contains(&endpoint.id))
    {
        if let Some(layer) = rung(endpoint, finding) {
            cases.push((&endpoint.id, format!("{} {}", endpoint.id, layer.rung().name)));
        }
    }
    if cases.is_empty() {
        let files = finding
            .locations
            .iter()
            .take(1)
            .map(|place| (FILES, lines(&place.file)));
        cases.extend(files.chain(finding.identities.iter().map(|name| (IDENTITIES, lines(name)))));
    }
    let mut is_placed = false;
    for suite in &mut *suites {
        for case in &mut suite.cases {
            if cases.iter().any(|(id, name)| *id == suite.id && *name == case.name) {
                case.findings.push(finding);
                is_placed = true;
            }
        }
    }
    if let Some(run) = suites.last_mut().filter(|_| !is_placed) {
        run.cases.push(Case {
            findings: vec![finding],
            ..Case::fine(&format!("{} {}", finding.code, finding.name))
        });
    }
}

/// The layer of an endpoint that a finding is about: the one that names it, or else its own, or, where nobody got that
/// far, the one that broke below.
fn rung(endpoint: &EndpointReport, finding: &Finding) -> Option<Layer> {
    let area = finding.code.get(2..3).and_then(|area| area.parse().ok());
    let own = LADDER
        .iter()
        .find(|rung| area.is_some_and(|area| rung.areas.contains(&area)));
    let names = |why: &String| why.starts_with(&finding.code);
    let layers = || endpoint.layers.iter();
    let found = layers()
        .find(|rung| rung.why.as_ref().is_some_and(names))
        .or_else(|| layers().find(|rung| own.is_some_and(|own| rung.layer >= own.layer)))
        .or_else(|| layers().last())?;
    let broken = layers().find(|rung| rung.status == Status::Failed);
    match (found.status, broken) {
        (Status::NotTried, Some(broken)) => Some(broken.layer),
        (Status::NotTried | Status::Ok | Status::Failed, _) => Some(found.layer),
    }
}

impl<'a> Case<'a> {
    fn fine(name: &str) -> Self {
        Self {
            name: lines(name),
            duration: None,
            status: Status::Ok,
            why: "",
            summary: "",
            findings: Vec::new(),
        }
    }

    fn written(&self, suite: &str, verdict: Verdict, fail_on: Severity) -> TestCase {
        let cause = self.findings.iter().find(|finding| finding.severity >= fail_on);
        let status = match (cause, self.status) {
            (Some(cause), _) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status
                    .set_message(lines(&cause.message))
                    .set_type(lines(&format!("{} {}", cause.code, cause.name)));
                status.set_description(self.told());
                status
            }
            (None, Status::Failed) if verdict == Verdict::Unknown => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message(lines(self.why)).set_type("unknown");
                status
            }
            // What is wrong with it was not asked for.
            (None, Status::Failed | Status::NotTried) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(lines(self.why));
                status
            }
            (None, Status::Ok) => TestCaseStatus::success(),
        };
        let mut case = TestCase::new(self.name.as_str(), status);
        case.set_classname(format!("hoop-doctor.{}", lines(suite)));
        if let Some(duration) = self.duration {
            case.set_time(duration);
        }
        let told = self.told();
        if cause.is_none() && !told.is_empty() {
            case.set_system_out(told);
        }
        case
    }

    /// What was seen, and each finding with its fix.
    fn told(&self) -> String {
        let findings = self.findings.iter().map(|finding| {
            let places: String = finding
                .locations
                .iter()
                .map(|place| format!("At {}\n", located(place)))
                .collect();
            let others = finding.candidates.iter();
            let others: String = others
                .map(|other| format!("Or {}: {}\n", other.code, other.why))
                .collect();
            format!(
                "{} {}: {}\n{places}{others}{}",
                finding.severity.name(),
                named(finding),
                finding.with_fix(),
                finding.url
            )
        });
        let seen = Some(self.summary.to_owned()).filter(|summary| !summary.is_empty());
        lines(&seen.into_iter().chain(findings).collect::<Vec<_>>().join("\n"))
    }
}

const IDENTITIES: &str = "identities";
const FILES: &str = "files";
const RUN: &str = "run";
