//! `-o FORMAT[=FILE]`: every format from one run, in the files that were named.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use clap::ValueEnum;
use hoop_doctor::cli::Format;
use serde_json::Value;

/// The names of all formats, as `-o` takes them.
pub(crate) fn formats() -> Vec<String> {
    let values = Format::value_variants().iter().filter_map(Format::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect()
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
    command.args(args).env_clear().env("HOME", folder).current_dir(folder);
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().expect("the program is built")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A healthy run, one with a finding, one that could not find out.
const RUNS: [(&[&str], i32); 3] = [
    (&["demo"], 0),
    (&["demo", "http2-not-enabled"], 1),
    (&["logs", "/dev/null"], 3),
];

#[test]
fn a_format_does_not_change_the_exit_code_and_neither_do_several() {
    let folder = tempfile::tempdir().unwrap();
    for (args, code) in RUNS {
        let mut all = Vec::new();
        for format in formats() {
            let alone = run(folder.path(), &[args, &["-o", &format]].concat());
            assert_eq!(
                (alone.status.code(), said(&alone)),
                (Some(code), String::new()),
                "{format}"
            );
            assert!(!alone.stdout.is_empty() || format == "github", "{args:?} {format}");
            all.extend(["-o".to_owned(), format!("{format}=report.{format}")]);
        }
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let together = run(folder.path(), &[args, &all].concat());
        assert_eq!(together.status.code(), Some(code), "{}", said(&together));
        assert!(together.stdout.is_empty());
        for format in formats() {
            let file = folder.path().join(format!("report.{format}"));
            let written = fs::read_to_string(&file).expect("it was written");
            assert!(written.ends_with('\n') || (format == "github" && code == 0), "{format}");
        }
    }
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, formats().len(), "something else was left behind");
}

#[test]
fn the_help_names_every_format() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["check", "logs", "lint", "replay", "demo"] {
        let help = String::from_utf8(run(folder.path(), &[command, "--help"]).stdout).unwrap();
        let words: Vec<&str> = help.split(|char: char| !char.is_alphanumeric()).collect();
        for format in formats() {
            assert!(
                words.contains(&format.as_str()),
                "{command} --help doesn't name {format}"
            );
        }
    }
}

#[test]
fn a_dash_is_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo", "-o", "json=-", "-o", "short=verdict.txt"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "healthy");
    let verdict = fs::read_to_string(folder.path().join("verdict.txt")).unwrap();
    assert!(verdict.starts_with("+ healthy: "), "{verdict}");
}

#[test]
fn two_reports_for_one_file_are_refused_before_anything_is_probed() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["check", "--wait", "1h", "-o", "json=report", "-o", "junit=./report"];
    let output = run(folder.path(), &args);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("two reports can't both go to ./report"),
        "{}",
        said(&output)
    );
    let output = run(folder.path(), &["demo", "-o", "junit="]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("junit= names no file"), "{}", said(&output));
}

#[test]
fn each_place_that_can_not_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["demo", "-o", "json=no/a.json", "-o", "short", "-o", "junit=no/b.xml"];
    let output = run(folder.path(), &args);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("no/a.json") && said(&output).contains("no/b.xml"),
        "{}",
        said(&output)
    );
    assert!(!output.stdout.is_empty());
}

#[test]
fn jsonl_grows_by_a_line_a_run_and_every_other_file_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for (args, code) in RUNS {
        let args = [args, &["-o", "jsonl=runs.jsonl", "-o", "json=last.json"]].concat();
        assert_eq!(run(folder.path(), &args).status.code(), Some(code));
    }
    let lines = fs::read_to_string(folder.path().join("runs.jsonl")).unwrap();
    let verdicts: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["verdict"].clone())
        .collect();
    assert_eq!(verdicts, ["healthy", "broken", "unknown"]);
    let last: Value = serde_json::from_slice(&fs::read(folder.path().join("last.json")).unwrap()).unwrap();
    assert_eq!(last["verdict"], "unknown");
}

#[test]
fn a_step_of_github_actions_gets_a_summary_beside_its_annotations() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.md");
    fs::write(&summary, "what another step said\n\n").unwrap();
    let run = |formats: &[&str], summary: &Path| {
        let args = formats.iter().flat_map(|format| ["-o", format]);
        let args: Vec<&str> = ["demo", "http2-not-enabled"].into_iter().chain(args).collect();
        let mut command = command(folder.path(), &args);
        command.env("GITHUB_STEP_SUMMARY", summary).output().unwrap()
    };
    let output = run(&["github", "github=annotations.txt"], &summary);
    assert_eq!(output.status.code(), Some(1));
    let annotations = String::from_utf8(output.stdout).unwrap();
    assert!(
        annotations.starts_with("::error title=HD401 http2-not-enabled::"),
        "{annotations}"
    );
    let text = fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("what another step said\n\n### ❌ broken: "), "{text}");
    assert_eq!(text.matches("### ").count(), 1, "one summary a run");
    run(&["human"], &summary);
    assert_eq!(fs::read_to_string(&summary).unwrap(), text, "only -o github writes it");
    let output = run(&["github"], &folder.path().join("no/such/summary.md"));
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("which GITHUB_STEP_SUMMARY names"),
        "{}",
        said(&output)
    );
    assert!(!output.stdout.is_empty(), "the annotations are there all the same");
}

#[cfg(unix)]
#[test]
fn a_log_that_standard_output_goes_to_is_only_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    fs::write(&log, "before\n").unwrap();
    for way in ["short=/dev/stdout", "short=/dev/fd/1", "short=/proc/self/fd/1"] {
        let file = fs::OpenOptions::new().append(true).open(&log).unwrap();
        let mut command = command(folder.path(), &["demo", "-o", way]);
        assert_eq!(command.stdout(file).status().unwrap().code(), Some(0), "{way}");
    }
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, "before"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_yet_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("real.json", folder.path().join("link.json")).unwrap();
    assert_eq!(
        run(folder.path(), &["demo", "-o", "json=link.json"]).status.code(),
        Some(0)
    );
    assert!(folder.path().join("real.json").is_file());
    assert!(
        fs::symlink_metadata(folder.path().join("link.json"))
            .unwrap()
            .is_symlink()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_report() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=64k none . && cd . && echo old > report.html && \
                  head -c 60k /dev/zero > fill; \"$0\" demo http2-not-enabled -o html=report.html; echo $?; cat report.html; ls -A";
    let output = Command::new("unshare")
        .args([
            "--mount",
            "--map-root-user",
            "bash",
            "-c",
            &format!("cd {} && {script}", folder.path().display()),
        ])
        .arg(env!("CARGO_BIN_EXE_hoop-doctor"))
        .output()
        .unwrap();
    if !output.status.success() && std::env::var_os("CI").is_none() {
        return;
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        said,
        "2\nold\nfill\nreport.html\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[cfg(unix)]
#[test]
fn a_report_takes_the_place_of_what_a_link_leads_to_and_anybody_may_read_it() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.prom"), folder.path().join("hoop.prom"));
    fs::write(&real, "old").unwrap();
    symlink(&real, &link).unwrap();
    run(folder.path(), &["demo", "-o", "prometheus=hoop.prom"]);
    assert!(fs::read_to_string(&real).unwrap().contains(",verdict=\"healthy\"} 1\n"));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // Whoever collects the metrics is somebody else; the umask of this process is asked by making a file.
    let usual = folder.path().join("usual");
    fs::write(&usual, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&real), mode(&usual));
}
