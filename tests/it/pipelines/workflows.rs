//! The workflows of docs/ci and action.yml, run by act on this machine: with its steps, its expressions and its outputs.
//!
//! The actions of others are stand-ins: each keeps what it is given.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hoop_doctor_standin::Fault;
use tempfile::TempDir;

use super::{Gateway, command, commit, go_tools, instead, nginx_fine_and_broken, path, run, said, text_of};
use crate::lab::port::Port;
use crate::lab::repository;

/// Everything that a run needs, and what it kept.
struct Run {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
struct Ended {
    is_fine: bool,
    log: String,
    kept: Vec<String>,
}

impl Run {
    fn new() -> Self {
        let run = Self {
            folder: TempDir::with_prefix("hoop-doctor-workflow-").expect("a folder"),
        };
        for (other, folder) in OTHERS {
            run.put(&format!("others/{}/{folder}action.yml", stub(other)), KEEPS);
        }
        // The action as it is checked out: what it hashes and nothing of what is built.
        let own = run.at("hoop-doctor");
        for part in [
            ".cargo",
            ".github",
            "docs",
            "probes",
            "src",
            "standin",
            "Cargo.lock",
            "Cargo.toml",
            "action.yml",
        ] {
            copy(&repository().join(part), &own.join(part));
        }
        // What cargo would build is there already.
        run.put(
            "bin/cargo",
            &format!(
                "#!/bin/sh\nfor root; do :; done\nmkdir -p \"$root/bin\" && cp '{}' \"$root/bin\"\n",
                env!("CARGO_BIN_EXE_hoop-doctor")
            ),
        );
        fs::set_permissions(run.at("bin/cargo"), fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::create_dir(run.at("kept")).expect("a folder");
        run
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Lets `event` happen in a repository that has this workflow and what was put into `user`.
    fn of(&self, workflow: &str, event: &str, secrets: &[(&str, &str)]) -> Option<Ended> {
        self.put("user/.github/workflows/one.yml", workflow);
        commit(&self.at("user"));
        let mut act = command(go_tools()?.join("act"), &self.at("user"));
        act.args([
            event,
            "--platform",
            "ubuntu-24.04=-self-hosted",
            "--no-cache-server",
            "--env",
        ])
        .arg(format!("KEPT={}", self.at("kept").display()))
        .env("PATH", path(&[&self.at("bin")]))
        .env("HOME", self.at("home"));
        self.replace(&mut act, "hoophq/hoop-doctor@main", &self.at("hoop-doctor"));
        for (other, _) in OTHERS {
            self.replace(&mut act, other, &self.at("others").join(stub(other)));
        }
        for (name, value) in secrets {
            // By name alone it is taken from the environment.
            act.args(["--secret", name]).env(name, value);
        }
        let output = run(act);
        let kept = fs::read_dir(self.at("kept")).expect("a folder").flatten();
        let mut kept: Vec<String> = kept
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        kept.sort();
        Some(Ended {
            is_fine: output.status.success(),
            log: said(&output),
            kept,
        })
    }

    fn replace(&self, act: &mut Command, action: &str, folder: &Path) {
        act.arg("--local-repository")
            .arg(format!("{action}={}", folder.display()));
    }
}

/// The actions of others in the workflows and in action.yml, and the folder in their repositories.
const OTHERS: [(&str, &str); 4] = [
    ("actions/cache@v5", ""),
    ("actions/checkout@v6", ""),
    ("actions/upload-artifact@v6", ""),
    ("github/codeql-action@v4", "upload-sarif/"),
];

/// An action that copies the files that it is told of.
const KEEPS: &str = r#"name: keeps
inputs:
  path: {default: ""}
  sarif_file: {default: ""}
  if-no-files-found: {default: ""}
  name: {default: ""}
  key: {default: ""}
  category: {default: ""}
runs:
  using: composite
  steps:
    - shell: bash
      run: |
        shopt -s nullglob
        for file in $FILES; do [ ! -f "$file" ] || cp "$file" "$KEPT"; done
      env:
        FILES: ${{ inputs.path }} ${{ inputs.sarif_file }}
"#;

/// Where the stand-in of an action lies.
fn stub(action: &str) -> String {
    action.replace(['/', '@'], "-")
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("a folder").flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
}

#[test]
fn the_workflow_passes_where_the_gateway_answers_and_keeps_its_reports() {
    let gateway = Gateway::healthy();
    let workflow = text_of("docs/ci/github-check.yml");
    let Some(ended) = Run::new().of(&workflow, "workflow_dispatch", &[("HOOP_KEY", &gateway.key())]) else {
        return;
    };
    assert!(ended.is_fine, "{}", ended.log);
    assert_eq!(
        ended.kept,
        ["hoop-doctor.html", "hoop-doctor.json", "hoop-doctor.xml"],
        "{}",
        ended.log
    );
    assert!(
        gateway.was_called() && !ended.log.contains("xagt-secret"),
        "{}",
        ended.log
    );
}

#[test]
fn the_workflow_fails_with_the_cause_where_it_doesnt_and_keeps_its_reports() {
    let dead = Port::reserve().expect("loopback has free ports");
    let key = format!("grpc://agent:xagt-secret@{}?mode=standard", dead.address());
    let workflow = instead(&text_of("docs/ci/github-check.yml"), "wait: 5m", "wait: 10ms");
    let Some(ended) = Run::new().of(&workflow, "workflow_dispatch", &[("HOOP_KEY", &key)]) else {
        return;
    };
    assert!(!ended.is_fine && ended.log.contains("HD201"), "{}", ended.log);
    assert_eq!(ended.kept, ["hoop-doctor.html", "hoop-doctor.json", "hoop-doctor.xml"]);
    assert!(
        !ended.log.contains("run this job again") && !ended.log.contains("xagt-secret"),
        "{}",
        ended.log
    );
}

#[test]
fn the_workflow_tells_that_nothing_was_found_out() {
    let silent = Gateway::with(Some(Fault::SilentAfterConnect));
    let workflow = text_of("docs/ci/github-check.yml");
    let workflow = instead(&workflow, "wait: 5m", "args: --timeout=20ms");
    let Some(ended) = Run::new().of(&workflow, "workflow_dispatch", &[("HOOP_KEY", &silent.key())]) else {
        return;
    };
    assert!(
        !ended.is_fine && ended.log.contains("run this job again"),
        "{}",
        ended.log
    );
}

#[test]
fn the_workflow_for_configuration_uploads_what_it_found() {
    let (fine, broken) = nginx_fine_and_broken();
    for (text, is_fine) in [(&fine, true), (&broken, false)] {
        let run = Run::new();
        run.put("user/deploy/nginx/nginx.conf", text);
        let Some(ended) = run.of(&text_of("docs/ci/github-lint.yml"), "push", &[]) else {
            return;
        };
        assert_eq!(ended.is_fine, is_fine, "{}", ended.log);
        assert_eq!(ended.kept, ["hoop-doctor.sarif"], "{}", ended.log);
        assert_eq!(ended.log.contains("HD401"), !is_fine, "{}", ended.log);
    }
}
