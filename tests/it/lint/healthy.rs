//! Configurations as people have them, with everything that stands beside Hoop: `lint` has nothing to say against them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hoop_doctor::findings::Severity;
use hoop_doctor::report::Finding;

use super::agreement::{checked, named, written_to};
use super::{codes, lint_files, told};
use crate::lab::certificates::Certificates;
use crate::lab::configurations;
use crate::lab::few_at_a_time;
use crate::lab::proxy::Proxy;

/// Fewer would not be what people have.
const FEWEST: usize = 60;

#[test]
fn a_healthy_configuration_is_left_alone() -> io::Result<()> {
    let scratch = tempfile::tempdir()?;
    let certificates = Certificates::write_to(&scratch.path().join("certificates"))?;
    let mut count = 0;
    let mut wrong = Vec::new();
    for folder in sorted(&configurations().join("healthy"))? {
        for file in sorted(&folder)?.iter().filter(|file| file.is_file()) {
            count += 1;
            let given = written_to(scratch.path(), file, &certificates)?;
            let report = lint_files(&[&given]);
            // That nothing is for Hoop would be no praise.
            let is_wrong = |finding: &Finding| finding.severity > Severity::Info || finding.code == "HD808";
            if report.findings.iter().any(is_wrong) {
                wrong.push(format!("{}\n{}", file.display(), told(&report)));
            }
        }
    }
    assert!(count >= FEWEST, "{count} files");
    assert!(
        wrong.is_empty(),
        "{} of {count} are wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

#[test]
fn one_step_from_healthy_is_seen() -> io::Result<()> {
    let scratch = tempfile::tempdir()?;
    let certificates = Certificates::write_to(&scratch.path().join("certificates"))?;
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in fs::read_to_string(configurations().join("near.tsv"))?.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, before, after, expected] = columns[..] else {
            panic!("near.tsv: no row: {line:?}")
        };
        if line.starts_with('#') {
            continue;
        }
        rows += 1;
        let given = written_to(
            scratch.path(),
            &configurations().join("healthy").join(name),
            &certificates,
        )?;
        let content = fs::read_to_string(&given)?;
        assert!(content.contains(before), "{name} has no {before:?}");
        fs::write(&given, content.replace(before, after))?;
        let report = lint_files(&[&given]);
        let first = codes(&report).into_iter().next().unwrap_or_default();
        // What informs alone stands in many healthy ones too.
        let is_right = first == expected || (expected == "-" && (first.is_empty() || first.ends_with('.')));
        if !is_right {
            wrong.push(format!("{line}\n{}", told(&report)));
        }
    }
    assert!(rows >= 50, "{rows} rows");
    assert!(
        wrong.is_empty(),
        "{} of {rows} are wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

#[test]
fn their_proxies_take_them() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let certificates = Certificates::write_to(&folder.path().join("certificates"))?;
    let mut files = Vec::new();
    for proxy in [Proxy::Nginx, Proxy::Haproxy, Proxy::Apache, Proxy::Caddy, Proxy::Envoy] {
        let own = sorted(&configurations().join("healthy").join(proxy.name()))?;
        files.extend(own.into_iter().filter(|file| file.is_file()).map(|file| (proxy, file)));
    }
    let results = few_at_a_time(&files, |(proxy, file)| -> Result<(), String> {
        let fail = |what: String| format!("{}: {what}", named(file));
        let given = written_to(folder.path(), file, &certificates).map_err(|error| fail(error.to_string()))?;
        if *proxy == Proxy::Nginx {
            at_home(&given).map_err(|error| fail(error.to_string()))?;
        }
        match checked(*proxy, &given).map_err(fail)? {
            Some((false, said)) => Err(fail(said)),
            Some((true, _)) | None => Ok(()),
        }
    });
    let wrong: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} are refused\n{}",
        wrong.len(),
        files.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// nginx opens its logs and makes its folders for a test too: where everybody may. A file of `conf.d` gets a frame.
fn at_home(given: &Path) -> io::Result<()> {
    const HOME: &str = "access_log off; client_body_temp_path cb; proxy_temp_path pt; fastcgi_temp_path ft; uwsgi_temp_path ut; scgi_temp_path st;";
    let content = fs::read_to_string(given)?.replace("/var/cache/nginx", "cache");
    let content = match content.contains("events {}") {
        true => content.replacen("\nhttp {", &format!("\nhttp {{ {HOME}"), 1),
        false => format!("events {{}} http {{ {HOME}\n{content}}}"),
    };
    fs::write(given, format!("pid nginx.pid; error_log stderr;\n{content}"))
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    all.sort();
    Ok(all)
}
