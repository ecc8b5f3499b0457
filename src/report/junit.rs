//! JUnit's XML, as far as junit-10.xsd of Jenkins' xUnit plugin has it: a suite an endpoint, a case a layer.
//!
//! There is a failure wherever the exit code is 1, and an error wherever it is 3, so that a pipeline which reads the
//! file comes to the same end as one which reads the exit code.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::advice::{in_lines, located, named};
use super::text::lines;
use super::{EndpointReport, Finding, Report, Severity, Status, Verdict};
use crate::layers::{LADDER, Layer};

/// The file; a finding at `fail_on` or above is a failure.
///
/// # Errors
/// Never for text that is written to memory; the signature is quick-junit's.
pub fn render(report: &Report, fail_on: Severity) -> Result<String, quick_junit::SerializeError> {
    let mut cases = cases(report);
    for finding in &report.findings {
        place(&mut cases, report, finding);
    }
    let mut xml = Xml::new("hoop-doctor");
    xml.set_time(Duration::from_millis(report.duration_ms));
    for cases in cases.chunk_by(|one, other| one.about.suite() == other.about.suite()) {
        let id = cases.first().map_or("", |case| case.about.suite());
        let url = report
            .endpoints
            .iter()
            .find(|endpoint| endpoint.id == id)
            .map(|endpoint| &endpoint.url);
        let title = url.map_or(id.to_owned(), |url| format!("{id} {url}"));
        let mut suite = TestSuite::new(lines(&title));
        suite.set_time(cases.iter().filter_map(|case| case.duration).sum());
        suite.add_test_cases(cases.iter().map(|case| case.written(report.verdict, fail_on)));
        xml.add_test_suite(suite);
    }
    // How many were skipped is known to junit-10.xsd for each suite, and not for all of them.
    let skipped = format!(" skipped=\"{}\"", xml.skipped);
    Ok(xml.to_string()?.replacen(&skipped, "", 1))
}

/// One thing that can be right or wrong.
struct Case<'a> {
    about: About<'a>,
    duration: Option<Duration>,
    status: Status,
    why: &'a str,
    summary: &'a str,
    findings: Vec<&'a Finding>,
}

/// What a case is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About<'a> {
    Rung(&'a str, Layer),
    Identity(&'a str),
    File(&'a str),
    /// A finding that is about nothing of all that.
    Finding(&'a str),
    Verdict,
}

impl<'a> About<'a> {
    /// An endpoint, or one sort of thing that was read.
    fn suite(self) -> &'a str {
        match self {
            Self::Rung(endpoint, _) => endpoint,
            Self::Identity(_) => "identities",
            Self::File(_) => "files",
            Self::Finding(_) | Self::Verdict => "run",
        }
    }

    fn name(self) -> String {
        match self {
            Self::Rung(endpoint, layer) => format!("{endpoint} {}", layer.rung().name),
            Self::Identity(name) | Self::File(name) | Self::Finding(name) => name.to_owned(),
            Self::Verdict => "verdict".to_owned(),
        }
    }
}

/// Everything that was looked at.
fn cases(report: &Report) -> Vec<Case<'_>> {
    let rungs = report.endpoints.iter().flat_map(|endpoint| {
        endpoint.layers.iter().map(|rung| Case {
            duration: rung.duration_ms.map(Duration::from_millis),
            status: rung.status,
            why: rung.why.as_deref().unwrap_or_default(),
            summary: &rung.summary,
            ..Case::fine(About::Rung(&endpoint.id, rung.layer))
        })
    });
    let identities = report.identities.iter().map(|identity| Case {
        summary: identity.tls_because.as_deref().unwrap_or_default(),
        ..Case::fine(About::Identity(&identity.name))
    });
    let configuration = report
        .proxy_config
        .iter()
        .flat_map(|read| &read.files)
        .map(|file| &file.name);
    let configuration = configuration.map(|name| Case::fine(About::File(name)));
    let logs = report.logs.iter().flat_map(|read| &read.files).map(|file| Case {
        summary: file.problem.as_deref().unwrap_or_default(),
        ..Case::fine(About::File(&file.name))
    });
    let unknown = report.unknown_because.iter().map(|why| Case {
        status: Status::Failed,
        why,
        ..Case::fine(About::Verdict)
    });
    rungs
        .chain(identities)
        .chain(configuration)
        .chain(logs)
        .chain(unknown)
        .collect()
}

/// Puts a finding to the cases that it is about.
fn place<'a>(cases: &mut Vec<Case<'a>>, report: &'a Report, finding: &'a Finding) {
    let mut about: Vec<About<'a>> = report
        .endpoints
        .iter()
        .filter(|endpoint| finding.endpoints.contains(&endpoint.id))
        .filter_map(|endpoint| Some(About::Rung(&endpoint.id, rung(endpoint, finding)?)))
        .collect();
    if about.is_empty() {
        about.extend(finding.locations.first().map(|place| About::File(&place.file)));
        about.extend(finding.identities.iter().map(|name| About::Identity(name)));
    }
    about.retain(|about| cases.iter().any(|case| case.about == *about));
    if about.is_empty() {
        about.push(About::Finding(&finding.code));
    }
    for about in about {
        match cases.iter_mut().find(|case| case.about == about) {
            Some(case) => case.findings.push(finding),
            None => cases.push(Case {
                findings: vec![finding],
                ..Case::fine(about)
            }),
        }
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
    fn fine(about: About<'a>) -> Self {
        Self {
            about,
            duration: None,
            status: Status::Ok,
            why: "",
            summary: "",
            findings: Vec::new(),
        }
    }

    fn written(&self, verdict: Verdict, fail_on: Severity) -> TestCase {
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
        let mut case = TestCase::new(lines(&self.about.name()), status);
        case.set_classname(format!("hoop-doctor.{}", lines(self.about.suite())));
        if let Some(duration) = self.duration {
            case.set_time(duration);
        }
        let told = self.told();
        if cause.is_none() && !told.is_empty() {
            case.set_system_out(told);
        }
        case
    }

    /// What was seen, and each finding with all that helps.
    fn told(&self) -> String {
        let seen = Some(self.summary.to_owned()).filter(|summary| !summary.is_empty());
        let findings = self.findings.iter().map(|finding| {
            let places = finding.locations.iter().map(|place| format!("\nAt {}", located(place)));
            format!(
                "{} {}: {}{}",
                finding.severity.name(),
                named(finding),
                in_lines(finding),
                places.collect::<String>()
            )
        });
        lines(&seen.into_iter().chain(findings).collect::<Vec<_>>().join("\n"))
    }
}
