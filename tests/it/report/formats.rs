//! Reports for programs, word for word, and what the programs that read such files say of them.

#![expect(clippy::disallowed_types, reason = "node_exporter is asked as Prometheus asks it")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use hoop_doctor::findings::Severity;
use hoop_doctor::report::{Finding, Report, Verdict, github, junit, markdown, prometheus, sarif};
use regex_lite::Regex;
use roxmltree::Document;
use serde_json::Value;

use super::cases;
use super::hostile::spoilt;
use crate::lab::proxy::program;
use crate::lab::{repository, say};
use crate::outputs::formats;

/// The reports that every format is tried with.
fn cases() -> [(&'static str, Report); 4] {
    [
        ("healthy", cases::healthy()),
        ("broken", cases::broken()),
        ("doubtful", cases::doubtful()),
        ("interrupted", cases::interrupted()),
    ]
}

#[test]
fn every_format_is_as_it_was_read() {
    for (name, report) in cases() {
        insta::assert_snapshot!(format!("{name}-markdown"), markdown::render(&report));
        insta::assert_snapshot!(format!("{name}-github"), github::render(&report));
        insta::assert_snapshot!(format!("{name}-prometheus"), prometheus::render(&report));
        let xml = junit::render(&report, Severity::Error).expect("it is written to memory");
        insta::assert_snapshot!(format!("{name}-junit"), xml);
    }
}

#[test]
fn a_test_fails_where_the_exit_code_does() {
    let outcome = |report: &Report, fail_on| {
        let xml = junit::render(report, fail_on).expect("it is written to memory");
        let file = Document::parse(&xml).expect("it is XML");
        let count = |name: &str| file.descendants().filter(|node| node.has_tag_name(name)).count();
        (count("failure"), count("error"))
    };
    assert_eq!(outcome(&cases::healthy(), Severity::Warn), (0, 0));
    // One at tls, where HD401 shows; HD601 follows from it, and nobody got to grpc.
    assert_eq!(outcome(&cases::broken(), Severity::Error), (1, 0));
    assert_eq!(outcome(&cases::doubtful(), Severity::Error), (1, 0));
    assert_eq!(outcome(&cases::interrupted(), Severity::Error), (0, 1));
    assert_eq!(outcome(&cases::interrupted(), Severity::Warn), (1, 1));
    let mut warned = cases::broken();
    warned.findings.retain(|finding| finding.severity == Severity::Warn);
    warned.verdict = Verdict::Degraded;
    // What broke it was left out.
    assert_eq!(outcome(&warned, Severity::Error), (0, 0));
    assert_eq!(outcome(&warned, Severity::Warn), (1, 0));
    let nowhere = Finding {
        endpoints: Vec::new(),
        identities: Vec::new(),
        locations: Vec::new(),
        ..cases::broken().findings.remove(0)
    };
    let mut report = cases::healthy();
    report.findings = vec![nowhere];
    assert_eq!(outcome(&report, Severity::Error), (1, 0));
}

/// What a checker of the lab says of a file; `None`, said aloud, where it isn't installed, which is a failure in CI.
fn checked(name: &str, arguments: &[&Path], input: &str) -> Option<Output> {
    let mut child = Command::new(installed(name)?)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("the checker reads all of it");
    drop(stdin);
    Some(child.wait_with_output().expect("the checker ends"))
}

fn installed(name: &str) -> Option<PathBuf> {
    let found = program(&name.replace('-', "_"), name);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{name} is not installed");
        say(&format!("not run: {name} is not installed"));
    }
    found
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn junit_files_keep_to_the_published_schema() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let schema = repository().join("tests/schemas/junit-10.xsd");
    let file = folder.path().join("junit.xml");
    let check = |xml: &str| {
        fs::write(&file, xml)?;
        let arguments = [Path::new("--schema"), &schema, &file];
        Ok::<_, io::Error>(checked("xmlschema-validate", &arguments, ""))
    };
    for (name, report) in cases().into_iter().chain([("hostile", spoilt())]) {
        let xml = junit::render(&report, Severity::Warn).expect("it is written to memory");
        let Some(output) = check(&xml)? else { return Ok(()) };
        assert!(output.status.success(), "{name}: {}", said(&output));
        let spoilt = xml.replacen("<testcase name=", "<testcase nom=", 1);
        let Some(output) = check(&spoilt)? else { return Ok(()) };
        assert!(!output.status.success(), "{name}: a case without a name is taken");
    }
    Ok(())
}

#[test]
fn sarif_keeps_to_its_schema() {
    let schema = include_str!("../../schemas/sarif-2.1.0.json");
    let mut schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    // They are published with a bracket too many, which makes them no patterns.
    for place in ["run", "toolComponent"] {
        let pattern = &mut schema["definitions"][place]["properties"]["language"]["pattern"];
        assert_eq!(*pattern, "^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$");
        *pattern = "^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}?$".into();
    }
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for (name, report) in cases().into_iter().chain([("hostile", spoilt())]) {
        let mut log: Value =
            serde_json::from_str(&sarif::render(&report).expect("it can be written")).expect("it is JSON");
        let mistakes: Vec<String> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
        assert_eq!(mistakes, Vec::<String>::new(), "{name}");
        log["runs"][0]["tool"] = Value::Null;
        assert!(!validator.is_valid(&log));
    }
}

#[test]
fn promtool_has_nothing_to_say_of_the_metrics() {
    let check = |metrics: &str| checked("promtool", &[Path::new("check"), Path::new("metrics")], metrics);
    for (name, report) in cases().into_iter().chain([("hostile", spoilt())]) {
        let metrics = prometheus::render(&report);
        let Some(output) = check(&metrics) else { return };
        assert!(
            output.status.success() && said(&output).is_empty(),
            "{name}: {}",
            said(&output)
        );
        let twice = metrics.clone() + metrics.lines().last().unwrap_or_default() + "\n# TYPE x foo\n";
        let Some(output) = check(&twice) else { return };
        assert!(!output.status.success(), "{name}");
    }
}

#[test]
fn the_alerts_fire_when_they_should() {
    let folder = repository().join("docs/monitoring");
    let rules = fs::read_to_string(folder.join("alerts.yml")).expect("it is in the repository");
    let metrics = prometheus::render(&cases::broken());
    let name = Regex::new("hoop_doctor_[a-z_]+").expect("it is a pattern");
    for name in name.find_iter(&rules) {
        assert!(
            metrics.contains(&format!("# TYPE {} gauge", name.as_str())),
            "{}",
            name.as_str()
        );
    }
    let cases = folder.join("alerts-test.yml");
    let Some(output) = checked("promtool", &[Path::new("test"), Path::new("rules"), &cases], "") else {
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn the_page_names_every_format_and_metric() {
    let page = include_str!("../../../docs/reports.md");
    for format in formats() {
        assert!(
            page.contains(&format!("\n| `{format}` |")),
            "docs/reports.md has no row for {format}"
        );
    }
    let written: String = cases().iter().map(|(_, report)| prometheus::render(report)).collect();
    let metrics = written.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    for name in metrics.filter_map(|line| line.split(' ').next()) {
        assert!(
            page.contains(&format!("\n| `{name}` |")),
            "docs/reports.md has no row for {name}"
        );
    }
}

/// node_exporter, with nothing but its textfile collector.
struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    fn start(folder: &Path) -> Option<Self> {
        let mut child = Command::new(installed("prometheus-node-exporter")?)
            .args([
                "--web.listen-address=127.0.0.1:0",
                "--collector.disable-defaults",
                "--collector.textfile",
            ])
            .arg(format!("--collector.textfile.directory={}", folder.display()))
            .stderr(Stdio::piped())
            .spawn()
            .expect("node_exporter starts");
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut lines = log.lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, address) = line.split_once("\"Listening on\" address=")?;
            Some(address.to_owned())
        });
        let address = address.expect("node_exporter says where it listens");
        // It goes on logging.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, address })
    }

    fn scrape(&self) -> io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn node_exporter_shows_every_sample() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(exporter) = Exporter::start(folder.path()) else {
        return Ok(());
    };
    let file = folder.path().join("hoop.prom");
    for (name, report) in cases().into_iter().chain([("hostile", spoilt())]) {
        let metrics = prometheus::render(&report);
        fs::write(&file, &metrics)?;
        let scraped = exporter.scrape()?;
        assert!(scraped.contains("node_textfile_scrape_error 0\n"), "{name}: {scraped}");
        let ours = |text: &str| text.lines().filter(|line| line.starts_with("hoop_doctor_")).count();
        assert_eq!(ours(&scraped), ours(&metrics), "{name}: {scraped}");
        assert!(ours(&metrics) > 5);
    }
    fs::write(&file, "hoop_doctor_verdict{verdict=\"x\n")?;
    assert!(exporter.scrape()?.contains("node_textfile_scrape_error 1\n"));
    Ok(())
}
