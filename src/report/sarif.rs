//! SARIF 2.1.0 (OASIS), for code scanning: a result a finding, and the rule behind each with its runbook.

use serde_json::{Value, json};

use super::advice::in_lines;
use super::{Finding, Location, Report, Severity, text};
use crate::findings::rules;

/// One run with its results, the cause first.
///
/// # Errors
/// Never; the signature is serde's.
pub fn render(report: &Report) -> serde_json::Result<String> {
    let mut used: Vec<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
    used.sort_unstable();
    used.dedup();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "fullName": format!("{} {} ({})", report.tool.name, report.tool.version, report.tool.build),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": used.iter().filter_map(|code| rule(code, report)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": report.findings.iter().map(|finding| result(finding, &used)).collect::<Vec<_>>(),
        }],
    });
    let mut log = text::json(&serde_json::to_string_pretty(&log)?);
    log.push('\n');
    Ok(log)
}

fn rule(code: &str, report: &Report) -> Option<Value> {
    let rule = rules().find(|rule| rule.code.to_string() == code)?;
    let url = report
        .findings
        .iter()
        .find(|finding| finding.code == code)
        .map(|finding| &finding.url);
    Some(json!({
        "id": code,
        "name": rule.name,
        "shortDescription": { "text": rule.summary },
        "help": { "text": rule.explain, "markdown": rule.explain },
        "helpUri": url,
        "defaultConfiguration": { "level": level(rule.severity) },
    }))
}

fn result(finding: &Finding, used: &[&str]) -> Value {
    // Standard input is no file that a viewer could open.
    let places = || finding.locations.iter().filter(|place| place.file != "-");
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": { "text": in_lines(finding) },
        "locations": places().take(1).map(location).collect::<Vec<_>>(),
        "relatedLocations": places().skip(1).map(location).collect::<Vec<_>>(),
        "properties": { "confidence": finding.confidence.name(), "becauseOf": finding.because_of, "endpoints": finding.endpoints },
    });
    let index = used.iter().position(|code| *code == finding.code);
    if let (Some(index), Some(result)) = (index, result.as_object_mut()) {
        result.insert("ruleIndex".to_owned(), json!(index));
    }
    result
}

fn location(place: &Location) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&place.file) } });
    if let (Some(line), Some(physical)) = (place.line.filter(|line| *line > 0), physical.as_object_mut()) {
        let mut region = json!({ "startLine": line });
        if let (Some(column), Some(region)) = (place.column.filter(|column| *column > 0), region.as_object_mut()) {
            region.insert("startColumn".to_owned(), json!(column));
        }
        physical.insert("region".to_owned(), region);
    }
    json!({ "physicalLocation": physical })
}

/// A file's name as a URI reference (RFC 3986, section 2.1).
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warn => "warning",
        Severity::Info => "note",
    }
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn a_file_name_is_a_uri_reference() {
        assert_eq!(uri("conf.d/a b%.conf"), "conf.d/a%20b%25.conf");
    }
}
