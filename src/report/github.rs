//! GitHub Actions: an annotation a finding, as workflow commands.

use super::advice::{in_lines, named};
use super::{Finding, Report, Severity, Verdict};
use crate::report::text::lines;

/// Workflow commands, a line each; the cause first. What follows from it says so.
pub fn render(report: &Report) -> String {
    let unknown = report
        .unknown_because
        .as_ref()
        .filter(|_| report.verdict == Verdict::Unknown);
    let unknown = unknown.map(|why| format!("::warning title=hoop-doctor::{}\n", message(why)));
    let findings = report.findings.iter().map(annotation);
    unknown.into_iter().chain(findings).collect()
}

fn annotation(finding: &Finding) -> String {
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warn => "warning",
        Severity::Info => "notice",
    };
    let mut properties = Vec::new();
    // Standard input is no file of the repository.
    if let Some(place) = finding.locations.first().filter(|place| place.file != "-") {
        properties.push(format!("file={}", property(&place.file)));
        properties.extend(place.line.map(|line| format!("line={line}")));
        properties.extend(place.column.map(|column| format!("col={column}")));
    }
    properties.push(format!("title={}", property(&named(finding))));
    format!(
        "::{command} {}::{}\n",
        properties.join(","),
        message(&in_lines(finding))
    )
}

/// The text of a command: `%` and line ends are escaped, as `@actions/core` does.
fn message(text: &str) -> String {
    lines(text).replace('%', "%25").replace('\n', "%0A")
}

/// The value of a property: what ends one is escaped too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{message, property};

    #[test]
    fn a_message_cannot_begin_another_command() {
        assert_eq!(message("50%\n::error::x\r"), "50%25%0A::error::x\\r");
        assert_eq!(property("a:b,c\n"), "a%3Ab%2Cc%0A");
    }
}
