//! `lint`: what a configuration file alone shows, judged against what the real proxies do with it.

mod agreement;
mod bad_input;
mod formats;
mod healthy;
mod lab;
mod live;
mod tables;

use std::path::Path;

use hoop_doctor::config::Discovery;
use hoop_doctor::evidence::{Evidence, Wire};
use hoop_doctor::findings::Severity;
use hoop_doctor::proxyconf::read::{Dialect, read};
use hoop_doctor::proxyconf::source::Text;
use hoop_doctor::report::{Filter, Finding, Report, report};

/// The report on these texts.
pub(crate) fn lint(texts: Vec<Text>, dialect: Option<Dialect>) -> Report {
    let conf = read(texts, dialect).unwrap_or_else(|why| panic!("{why}"));
    let evidence = Evidence {
        config: Discovery::default(),
        wire: Wire::default(),
        logs: None,
        proxyconf: Some(conf),
    };
    report(&evidence, &Filter::default())
}

/// The report on files as they lie.
pub(crate) fn lint_files(files: &[&Path]) -> Report {
    let open = |file: &&Path| Text::open(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    lint(files.iter().map(open).collect(), None)
}

/// The codes of a report in its order, with a mark for what is no error: `HD603?` warns, `HD508.` informs.
pub(crate) fn codes(report: &Report) -> Vec<String> {
    let marked = |finding: &Finding| {
        let mark = match finding.severity {
            Severity::Error => "",
            Severity::Warn => "?",
            Severity::Info => ".",
        };
        format!("{}{mark}", finding.code)
    };
    report.findings.iter().map(marked).collect()
}

/// What a report says in a line a finding, for a failure.
pub(crate) fn told(report: &Report) -> String {
    let line = |finding: &Finding| {
        let place = finding
            .locations
            .first()
            .map(|place| format!("{}:{}", place.file, place.line.unwrap_or_default()));
        format!(
            "    {} {:?} {}: {}\n",
            finding.code,
            finding.severity,
            place.unwrap_or_default(),
            finding.message
        )
    };
    report.findings.iter().map(line).collect()
}
