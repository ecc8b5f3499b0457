//! JSON, its schema, and that the one keeps what the other promises.

use std::process::Command;

use hoop_doctor::report::{Report, json};
use serde_json::Value;

use super::cases;

/// What is published: scripts may have been written against it.
const PUBLISHED: &str = include_str!("../../../docs/schema/report-1.json");

fn mistakes(report: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(PUBLISHED).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let mistakes = validator.iter_errors(report);
    mistakes
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn the_published_schema_is_the_one_that_is_printed() {
    let output = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"))
        .arg("schema")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == PUBLISHED.as_bytes());
}

fn check(name: &str, report: &Report) {
    let text = json::render(report).expect("a report can be written");
    let value: Value = serde_json::from_str(&text).expect("what is written is JSON");
    assert_eq!(mistakes(&value), Vec::<String>::new());
    insta::assert_snapshot!(name, text);
}

#[test]
fn a_healthy_gateway() {
    check("healthy", &cases::healthy());
}

#[test]
fn a_cause_with_its_fix_and_what_follows_from_it() {
    check("broken", &cases::broken());
}

#[test]
fn a_doubt_with_its_candidates_and_the_look_that_decides() {
    check("doubtful", &cases::doubtful());
}

#[test]
fn a_run_that_was_interrupted() {
    check("interrupted", &cases::interrupted());
}

#[test]
fn real_runs_keep_to_the_schema() {
    for fault in [
        "",
        "tcp-refused",
        "cert-expired",
        "http2-not-enabled",
        "grpc-bad-gateway",
        "stream-reset",
    ] {
        let fault = Some(fault).filter(|fault| !fault.is_empty());
        let output = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"))
            .args(["demo", "-o", "json"])
            .args(fault)
            .env_clear()
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(mistakes(&report), Vec::<String>::new(), "{fault:?}");
        let endpoints = report["endpoints"].as_array().map(Vec::len);
        assert_eq!(endpoints, Some(2), "{fault:?}");
    }
}

#[test]
fn what_is_no_report_is_refused() {
    let good = serde_json::to_value(cases::broken()).unwrap();
    let spoilt = |pointer: &str, value: Value| {
        let mut report = good.clone();
        *report.pointer_mut(pointer).unwrap() = value;
        report
    };
    for report in [
        spoilt("/schema_version", 2.into()),
        spoilt("/verdict", "fine".into()),
        spoilt("/findings/0/code", "HD4O1".into()),
        spoilt("/findings/0/because_of", "401".into()),
        spoilt("/findings/2/candidates/0/code", "HD1234".into()),
        spoilt("/endpoints/0/layers/0/status", "skipped".into()),
        spoilt("/observations/0/started_ms", (-1).into()),
    ] {
        assert_eq!(mistakes(&report).len(), 1);
    }
    let mut incomplete = good.clone();
    incomplete.as_object_mut().unwrap().remove("unknown_because");
    assert_eq!(mistakes(&incomplete).len(), 1);
}
