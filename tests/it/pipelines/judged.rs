//! Linters that aren't ours: each takes what is there, and refuses it with one mistake in it.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use super::{command, commit, go_tools, instead, run, said, text_of, tool};
use crate::lab::repository;
use crate::recipes_schema::judge;

/// A mistake: what is replaced, by what, and a word of what has to be said of it.
type Mistake<'a> = (&'a str, &'a str, &'a str);

/// Asks about `text` as it is and with each of the mistakes.
#[track_caller]
fn takes_and_refuses(text: &str, ask: impl Fn(&str) -> Output, mistakes: &[Mistake<'_>]) {
    let output = ask(text);
    assert!(output.status.success(), "{}\n{text}", said(&output));
    for (of, put, word) in mistakes {
        let output = ask(&instead(text, of, put));
        assert!(
            !output.status.success() && said(&output).contains(word),
            "{put}: {}",
            said(&output)
        );
    }
}

/// `text` as the workflow of a repository that has action.yml at its root, so that what is passed to that is judged too.
fn actionlint(text: &str) -> Option<Output> {
    let tools = go_tools()?;
    let shellcheck = tool("shellcheck")?;
    let folder = TempDir::new().expect("a folder");
    let workflows = folder.path().join(".github/workflows");
    fs::create_dir_all(&workflows).expect("a folder");
    fs::write(folder.path().join("action.yml"), text_of("action.yml")).expect("a file");
    fs::write(workflows.join("one.yml"), text.replace("hoophq/hoop-doctor@main", "./")).expect("a file");
    commit(folder.path());
    let mut actionlint = command(tools.join("actionlint"), folder.path());
    actionlint
        .args(["-no-color", "-shellcheck"])
        .arg(shellcheck)
        .arg(workflows.join("one.yml"));
    Some(run(actionlint))
}

#[test]
fn actionlint_takes_the_workflows() {
    if go_tools().is_none() || tool("shellcheck").is_none() {
        return;
    }
    let ask = |text: &str| actionlint(text).expect("it was there a moment ago");
    takes_and_refuses(
        &text_of("docs/ci/github-check.yml"),
        ask,
        &[
            ("          junit:", "          juint:", "\"juint\" is not defined"),
            (
                "steps.doctor.outputs.exit-code",
                "steps.doctor.outputs.exit",
                "\"exit\" is not defined",
            ),
            ("runs-on", "runs_on", "runs_on"),
            ("echo \"", "echo \"${{ github.head_ref }} ", "potentially untrusted"),
            ("echo \"::", "echo $HOME \"::", "SC2086"),
        ],
    );
    takes_and_refuses(
        &text_of("docs/ci/github-lint.yml"),
        ask,
        &[
            ("security-events: write", "security-event: write", "unknown permission"),
            ("          files:", "          file:", "\"file\" is not defined"),
        ],
    );
    takes_and_refuses(
        &text_of(".github/workflows/ci.yml"),
        ask,
        &[("ubuntu-24.04", "ubuntu-24", "label \"ubuntu-24\" is unknown")],
    );
}

fn schema(builtin: &str, more: &[&str], text: &str) -> Option<Output> {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("one.yml"), text).expect("a file");
    let mut check = command(tool("check-jsonschema")?, folder.path());
    check.args(["--builtin-schema", builtin]).args(more).arg("one.yml");
    Some(run(check))
}

#[test]
fn published_schemas_take_the_action_and_the_jobs() {
    if tool("check-jsonschema").is_none() {
        return;
    }
    let is_there = "it was there a moment ago";
    takes_and_refuses(
        &text_of("action.yml"),
        |text| schema("vendor.github-actions", &[], text).expect(is_there),
        &[
            ("using: composite", "using: composit", "composit"),
            ("      shell: bash\n", "", "$.runs"),
        ],
    );
    for workflow in [
        "docs/ci/github-check.yml",
        "docs/ci/github-lint.yml",
        ".github/workflows/ci.yml",
    ] {
        takes_and_refuses(
            &text_of(workflow),
            |text| schema("vendor.github-workflows", &[], text).expect(is_there),
            &[("    timeout-minutes:", "    timeout-minute:", "timeout-minute")],
        );
    }
    let of_gitlab = ["--data-transform", "gitlab-ci"];
    takes_and_refuses(
        &text_of("docs/ci/gitlab-ci.yml"),
        |text| schema("vendor.gitlab-ci", &of_gitlab, text).expect(is_there),
        &[
            ("    exit_codes:", "    exit_code:", "exit_code"),
            ("when: always", "when: ever", "ever"),
        ],
    );
}

#[test]
fn pre_commit_takes_the_hooks() {
    let Some(pre_commit) = tool("pre-commit") else { return };
    let ask = |what: &'static str| {
        let pre_commit = pre_commit.clone();
        move |text: &str| {
            let folder = TempDir::new().expect("a folder");
            fs::write(folder.path().join("one.yaml"), text).expect("a file");
            let mut validate = command(&pre_commit, folder.path());
            validate.args([what, "one.yaml"]);
            run(validate)
        }
    };
    takes_and_refuses(
        &text_of(".pre-commit-hooks.yaml"),
        ask("validate-manifest"),
        &[
            ("language: rust", "language: rusty", "rusty"),
            ("  entry: hoop-doctor lint\n", "", "entry"),
        ],
    );
    takes_and_refuses(
        &text_of("docs/ci/pre-commit-config.yaml"),
        ask("validate-config"),
        &[("    rev: v0.1.0", "    ref: v0.1.0", "rev")],
    );
}

#[test]
fn shellcheck_takes_the_scripts() {
    let Some(shellcheck) = tool("shellcheck") else { return };
    let mut scripts = Vec::new();
    for folder in [".ci", ".github", "docs/ci"] {
        let entries = fs::read_dir(repository().join(folder)).expect("a folder").flatten();
        scripts.extend(entries.map(|entry| entry.path()).filter(|path| is_script(path)));
    }
    assert!(scripts.len() >= 4, "{scripts:?}");
    let folder = TempDir::new().expect("a folder");
    let ask = |text: &str| {
        let file = folder.path().join("script");
        fs::write(&file, text).expect("a file");
        let mut check = command(&shellcheck, folder.path());
        check.arg(file);
        run(check)
    };
    for script in scripts {
        takes_and_refuses(
            &fs::read_to_string(script).expect("a file"),
            ask,
            &[("set -euo pipefail", "cd $1", "SC2086")],
        );
    }
}

fn is_script(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.starts_with("#!/usr/bin/env bash"))
}

#[test]
fn kubernetes_takes_the_jobs() {
    let (job, cron) = (
        text_of("docs/ci/kubernetes-job.yaml"),
        text_of("docs/ci/kubernetes-cronjob.yaml"),
    );
    let broken = [
        (instead(&job, "backoffLimit", "backOffLimit"), "backOffLimit"),
        (
            instead(
                &job,
                "readOnlyRootFilesystem: true",
                "readOnlyRootFilesystem: yes please",
            ),
            "cannot unmarshal",
        ),
        (instead(&cron, "jobTemplate", "template"), "template"),
        (
            instead(&cron, "    - name: hoop-doctor\n", "    - nam: hoop-doctor\n"),
            "nam",
        ),
    ];
    let manifests: Vec<&str> = [job.as_str(), &cron]
        .into_iter()
        .chain(broken.iter().map(|(text, _)| text.as_str()))
        .collect();
    let Some(answers) = judge(&manifests) else { return };
    for (answer, kind) in answers.iter().zip(["batch/v1 Job", "batch/v1 CronJob"]) {
        assert_eq!(
            (&answer.objects[..], &answer.problems[..]),
            (&[kind.to_owned()][..], &[][..])
        );
    }
    for ((_, word), answer) in broken.iter().zip(&answers[2..]) {
        let refused = answer.problems.iter().any(|problem| problem.contains(word));
        assert!(refused, "{word}: {:?}", answer.problems);
    }
}
