//! Every configuration of the lab: `lint` says of the file what `check` says of the proxy that runs it, where the file shows it.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use hoop_doctor::findings::Severity;
use hoop_doctor::proxyconf::source::Text;
use hoop_doctor::report::Report;

use super::{codes, lint, told};
use crate::lab::configurations;
use crate::lab::proxy::Proxy;

/// The gateway's ports as a file may name them: its own, and others behind a mapping.
const PORTS: [(&str, [(&str, &str); 3]); 2] = [
    (
        "own",
        [
            ("@GRPC_PORT@", "8010"),
            ("@REST_PORT@", "8009"),
            ("@GRPC_TLS_PORT@", "8010"),
        ],
    ),
    (
        "mapped",
        [
            ("@GRPC_PORT@", "31010"),
            ("@REST_PORT@", "31009"),
            ("@GRPC_TLS_PORT@", "31011"),
        ],
    ),
];

#[test]
fn a_file_shows_what_its_proxy_does() -> io::Result<()> {
    let mut exceptions = exceptions()?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, expected) in rows()? {
        if let Ok(only) = std::env::var("LINT_ONLY")
            && !only.split(',').any(|one| name.starts_with(one))
        {
            exceptions.remove(&name);
            continue;
        }
        let exception = exceptions.remove(&name);
        for (ports, replacements) in PORTS {
            let file = file(&name);
            let content = filled_in(&fs::read_to_string(&file)?, &replacements);
            let report = lint(vec![Text::new(file.display().to_string(), content)], None);
            count += 1;
            let accepted = exception.as_deref().unwrap_or(&expected);
            // With the gateway's own ports a wrong one is plain to see.
            let also = if ports == "own" { ",HD806" } else { "" };
            let accepted = match exception {
                None if accepted.starts_with("HD6") || accepted.starts_with("HD5") => format!("{accepted}{also}"),
                _ => accepted.to_owned(),
            };
            if !fits(&report, &accepted) {
                let found = codes(&report).join(" ");
                wrong.push(format!(
                    "{name} ({ports} ports): expected {accepted}, found {found}\n{}",
                    told(&report)
                ));
            }
        }
    }
    assert!(
        exceptions.is_empty(),
        "tests/lab/lint.tsv names no scenario: {:?}",
        exceptions.keys()
    );
    assert!(
        wrong.is_empty(),
        "{} of {count} are wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// Whether the first finding is one of those that are accepted; `ok` is no error, `ok!` no warning either, `-` the latter where
/// the fault doesn't show in a file.
fn fits(report: &Report, accepted: &str) -> bool {
    let worst = report.findings.iter().map(|finding| finding.severity).max();
    let first = report.findings.first().map_or("", |first| &first.code);
    // "ok,HD603" asks for both: no error, and that code first.
    match accepted.strip_prefix("ok,") {
        Some(code) => worst.is_none_or(|worst| worst < Severity::Error) && code == first,
        None => accepted.split(',').any(|accepted| match accepted {
            "ok!" | "-" => worst.is_none_or(|worst| worst < Severity::Warn),
            "ok" => worst.is_none_or(|worst| worst < Severity::Error),
            code => code == first,
        }),
    }
}

/// The scenarios with what `check` has to find: each configuration once, as its plainest row has it.
fn rows() -> io::Result<BTreeMap<String, String>> {
    let mut rows = BTreeMap::new();
    for table in ["expect.tsv", "ours/expect.tsv"] {
        for line in fs::read_to_string(configurations().join(table))?.lines() {
            let columns: Vec<&str> = line.split('\t').collect();
            let [name, _, args, expected] = columns[..] else {
                continue;
            };
            // nghttpx has no reader, and what a token meets is not in the file.
            if !line.starts_with('#') && !name.starts_with("nghttpx/") && !args.starts_with("auth") {
                rows.entry(name.to_owned()).or_insert_with(|| expected.to_owned());
            }
        }
    }
    Ok(rows)
}

/// What `lint` says in another way than `check`, each with its reason.
fn exceptions() -> io::Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(configurations().join("lint.tsv"))?;
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    Ok(rows
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [name, codes, reason] = columns[..] else {
                panic!("lint.tsv: no row: {line:?}")
            };
            assert!(!reason.is_empty(), "lint.tsv: {name} needs a reason");
            (name.to_owned(), codes.to_owned())
        })
        .collect())
}

fn file(name: &str) -> std::path::PathBuf {
    let (folder, _) = name.split_once('/').unwrap_or_default();
    let extension = Proxy::named(folder).map_or("", Proxy::extension);
    let own = configurations().join("ours").join(format!("{name}.{extension}"));
    if own.exists() {
        own
    } else {
        configurations().join(format!("{name}.{extension}"))
    }
}

/// The placeholders of tests/lab/README.md.
pub(super) fn filled_in(content: &str, ports: &[(&str, &str)]) -> String {
    let mut content = content.to_owned();
    let others = [
        ("@LISTEN@", "8443"),
        ("@DEAD_PORT@", "31099"),
        ("@SILENT_PORT@", "31098"),
        ("@SSH_PORT@", "31022"),
        ("@LOAD_STREAM@", ""),
        ("@RUN@", "/run/lab"),
        ("@MODS@", "/usr/lib/apache2/modules"),
    ];
    for (placeholder, value) in ports.iter().chain(&others) {
        content = content.replace(placeholder, value);
    }
    let mut parts = content.split('@');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut rest = parts.peekable();
    // What is left is a file: a certificate, a key.
    while let Some(part) = rest.next() {
        let is_placeholder = !part.is_empty() && part.chars().all(|char| char.is_ascii_uppercase() || char == '_');
        match is_placeholder && rest.peek().is_some() {
            true => {
                filled.push_str("/etc/lab/");
                filled.push_str(&part.to_ascii_lowercase());
                filled.push_str(rest.next().unwrap_or_default());
            }
            false => {
                filled.push('@');
                filled.push_str(part);
            }
        }
    }
    filled
}
