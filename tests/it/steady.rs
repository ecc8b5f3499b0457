//! The same world gives the same report, whatever finished first.

use std::io;

use serde_json::Value;

use crate::lab::Lab;
use crate::lab::proxy::StartError;
use crate::lab::scenario::Scenario;

/// One that is healthy, one whose calls fail, one whose answer is a race between several.
#[test]
fn twenty_runs_give_one_report_but_for_times() -> io::Result<()> {
    let lab = Lab::start()?;
    for name in ["nginx/ok-prefix", "nginx/grpc-dead-port", "envoy/plaintext-to-tls"] {
        let scenarios = Scenario::table("expect.tsv")?;
        let scenario = scenarios.into_iter().find(|scenario| scenario.name == name);
        let scenario = scenario.unwrap_or_else(|| panic!("{name} is no scenario"));
        let served = match scenario.serve(&lab) {
            Ok(served) => served,
            Err(StartError::NotInstalled(_)) if std::env::var_os("CI").is_none() => continue,
            Err(error) => panic!("{name}: {error}"),
        };
        let run = || match scenario.ask(&lab, &served) {
            Ok(report) => timeless(report.json),
            Err(error) => panic!("{name}: {error}"),
        };
        let first = run();
        for _ in 1..RUNS {
            let next = run();
            assert_eq!(first, next, "{name}");
        }
    }
    Ok(())
}

/// A report without what a clock put into it.
fn timeless(mut value: Value) -> Value {
    strip(&mut value);
    value
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.ends_with("_ms") && !TIMES.contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
        Value::Array(values) => {
            values.retain(|value| !TIMED_FIELDS.iter().any(|name| value["name"] == *name));
            values.iter_mut().for_each(strip);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Facts that hold a time, or the length of one: a header block is as long as the milliseconds in it.
const TIMES: [&str; 3] = ["started_at", "frames", "count"];
/// Header fields that hold one.
const TIMED_FIELDS: [&str; 2] = ["date", "x-envoy-upstream-service-time"];

const RUNS: usize = 20;
