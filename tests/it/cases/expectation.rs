//! What each case has to lead to: the stand-in's own word for its faults, `expect.tsv` for the lab, the table of edits for what can't be met here.

use std::collections::BTreeMap;
use std::io;

use hoop_doctor::report::Report;
use hoop_doctor_standin::{Fault, Needs};

use super::Case;
use super::edit::EDITS;
use crate::lab::doctor;
use crate::lab::scenario::{Expected, Scenario};

/// A case and what its report has to meet: several rows where several tables name it.
pub(super) struct Expectation {
    pub(super) case: String,
    pub(super) rows: Vec<Row>,
}

/// One row of a table.
pub(super) struct Row(Expected);

/// Every case that has to be there. Of our own scenarios of the lab only those are recorded whose rule no other case shows.
pub(super) fn expectations() -> io::Result<Vec<Expectation>> {
    let mut all: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut add = |case: String, expected: Expected| all.entry(case).or_default().push(Row(expected));
    for case in HEALTHY {
        add(case.to_owned(), Expected::parse("ok!"));
    }
    for told in TOLD {
        add(told.case(), Expected::parse(told.expected));
    }
    for edit in EDITS {
        add(edit.case.to_owned(), Expected::parse(edit.expected));
    }
    for fault in faults() {
        add(of_fault(fault), Expected::parse(fault.expects()));
    }
    let recorded = Case::names()?;
    let ours = Scenario::table(OURS)?
        .into_iter()
        .filter(|scenario| !scenario.has_token() && recorded.contains(&of_scenario(scenario)));
    for scenario in Scenario::table(SHARED)?.into_iter().chain(ours) {
        add(of_scenario(&scenario), scenario.expected);
    }
    Ok(all.into_iter().map(|(case, rows)| Expectation { case, rows }).collect())
}

/// The lab's rows without a token; a name can have two.
pub(super) fn scenarios() -> io::Result<Vec<Scenario>> {
    let mut scenarios = Scenario::table(SHARED)?;
    scenarios.extend(Scenario::table(OURS)?);
    scenarios.retain(|scenario| !scenario.has_token());
    Ok(scenarios)
}

/// The faults that show without a credential, which no case has.
pub(super) fn faults() -> impl Iterator<Item = Fault> {
    let needs_none = |fault: &Fault| fault.needs() != Needs::Auth;
    Fault::ALL.into_iter().filter(needs_none)
}

pub(super) fn of_fault(fault: Fault) -> String {
    format!("fault-{fault}")
}

pub(super) fn of_scenario(scenario: &Scenario) -> String {
    format!("lab-{}", scenario.name.replace('/', "-"))
}

impl Row {
    pub(super) fn is_met_by(&self, report: &Report) -> bool {
        let json = serde_json::to_value(report).expect("a report is JSON");
        self.0.is_met_by(&doctor::Report::of(json))
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The stand-in without a fault, in plaintext and with TLS.
pub(super) const HEALTHY: [&str; 2] = ["healthy-plaintext", "healthy-tls"];

/// A fault of the stand-in that is met with another scheme than its own.
pub(super) struct Told {
    pub(super) scheme: &'static str,
    pub(super) fault: Fault,
    expected: &'static str,
}

impl Told {
    pub(super) fn case(&self) -> String {
        format!("told-{}-{}", self.scheme, self.fault)
    }
}

/// What a fault looks like to someone with the wrong scheme, and what looks the same with both.
pub(super) const TOLD: &[Told] = &[
    told("grpcs", Fault::ClosedAtOnce, "HD204"),
    told("grpc", Fault::SilentAfterConnect, "HD212"),
    told("grpc", Fault::ClientCertRequired, "HD301"),
    told("grpcs", Fault::PlaintextHttp1Only, "HD302"),
    told("grpcs", Fault::NotHttp, "HD404"),
];

const fn told(scheme: &'static str, fault: Fault, expected: &'static str) -> Told {
    Told {
        scheme,
        fault,
        expected,
    }
}

const SHARED: &str = "expect.tsv";
const OURS: &str = "ours/expect.tsv";
