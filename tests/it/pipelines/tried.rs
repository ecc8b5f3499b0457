//! What the other pipelines run, taken out of their files and run as they would run it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use hoop_doctor::proxyconf::yaml::Node;
use tempfile::TempDir;

use super::{Gateway, command, instead, path, run, said, text_of, yaml};
use crate::lab::port::Port;

#[track_caller]
fn texts(node: &Node, way: &[&str]) -> Vec<String> {
    let list = node.at(way).unwrap_or_else(|| panic!("there is no {way:?}"));
    list.items().filter_map(Node::text).map(str::to_owned).collect()
}

/// Runs a script as GitLab and Jenkins do, with a key for this gateway, and with another patience.
fn script(text: &str, folder: &Path, key: &str) -> Output {
    let mut shell = command("bash", folder);
    let text = instead(text, "--wait 5m", "--wait 10ms");
    shell.args(["-euo", "pipefail", "-c", &text]).env("HOOP_KEY", key);
    run(shell)
}

/// A script that checks and writes three files does so, whether the gateway is there or not.
#[track_caller]
fn checks(text: &str) {
    let gateway = Gateway::healthy();
    let dead = Port::reserve().expect("loopback has free ports");
    let nowhere = format!("grpc://agent:xagt-secret@{}?mode=standard", dead.address());
    for (key, code, verdict) in [(gateway.key(), 0, "answer"), (nowhere, 1, "HD201")] {
        let folder = TempDir::with_prefix("hoop-doctor-script-").expect("a folder");
        let output = script(text, folder.path(), &key);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(verdict), "{}", said(&output));
        let junit = fs::read_to_string(folder.path().join("hoop-doctor.xml")).expect("a JUnit report");
        assert_eq!(junit.contains("<failure"), code == 1, "{junit}");
        let page = fs::read_to_string(folder.path().join("hoop-doctor.html")).expect("a page");
        assert!(page.contains("</html>"), "{page}");
        let replayed = run({
            let mut replay = command(env!("CARGO_BIN_EXE_hoop-doctor"), folder.path());
            replay.args(["replay", "hoop-doctor.json", "-o", "short"]);
            replay
        });
        assert_eq!(replayed.status.code(), Some(code), "{}", said(&replayed));
    }
    assert!(gateway.was_called());
}

#[test]
fn the_script_of_gitlab_checks_and_leaves_its_reports() {
    let job = yaml("docs/ci/gitlab-ci.yml");
    let lines = texts(&job, &["gateway", "script"]);
    checks(&lines.join("\n"));
    let kept = texts(&job, &["gateway", "artifacts", "paths"]);
    let junit = job
        .at(&["gateway", "artifacts", "reports", "junit"])
        .and_then(Node::text);
    assert_eq!(
        (kept, junit),
        (
            vec!["hoop-doctor.html".to_owned(), "hoop-doctor.json".to_owned()],
            Some("hoop-doctor.xml")
        )
    );
}

#[test]
fn the_script_of_jenkins_checks_and_leaves_its_reports() {
    let file = text_of("docs/ci/Jenkinsfile");
    let parts: Vec<&str> = file.split("'''").collect();
    let [_, script, _] = parts.as_slice() else {
        panic!("one script: {file}")
    };
    // In Groovy a backslash stands for itself only where it is written twice, but at the end of a line it continues it.
    checks(&script.replace("\\\n", ""));
}

/// What a container of a manifest would run, with this key.
fn container(pod: &Node, key: &str, change: impl Fn(&str) -> String) -> Output {
    let containers = pod.at(&["spec", "containers"]).expect("a pod has containers");
    let container = containers.items().next().expect("there is one");
    let folder = TempDir::with_prefix("hoop-doctor-pod-").expect("a folder");
    let mut doctor = command(env!("CARGO_BIN_EXE_hoop-doctor"), folder.path());
    doctor
        .args(texts(container, &["args"]).iter().map(|argument| change(argument)))
        // A pod has neither a path nor a home, and its secret has empty values too.
        .env_clear()
        .envs([("HOOP_KEY", key), ("HOOP_GRPCURL", ""), ("HOOP_TLS_SKIP_VERIFY", "")]);
    run(doctor)
}

#[test]
fn the_job_ends_as_the_check_ends() {
    let gateway = Gateway::healthy();
    let dead = Port::reserve().expect("loopback has free ports");
    let nowhere = format!("grpc://agent:xagt-secret@{}?mode=standard", dead.address());
    let job = yaml("docs/ci/kubernetes-job.yaml");
    let pod = job.at(&["spec", "template"]).expect("a job has a pod");
    for (key, code) in [(gateway.key(), 0), (nowhere, 1)] {
        let output = container(pod, &key, |argument| match argument {
            "3m" => "10ms".to_owned(),
            other => other.to_owned(),
        });
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(!said(&output).contains("xagt-secret"), "{}", said(&output));
    }
    assert!(gateway.was_called());
}

#[test]
fn the_script_around_the_job_applies_it_with_its_image_and_ends_as_it_ends() {
    let folder = TempDir::with_prefix("hoop-doctor-helm-").expect("a folder");
    for file in ["kubernetes-job.sh", "kubernetes-job.yaml"] {
        fs::write(folder.path().join(file), text_of(&format!("docs/ci/{file}"))).expect("a file");
    }
    // None talks to a cluster or sleeps: what they are told is written down. The second question after the pod has the
    // answer, if there is one, and a pod that never ran has no log.
    let fake = "#!/bin/sh\n\
        printf '%s %s\\n' \"${0##*/}\" \"$*\" >>told\n\
        case $1 in\n\
        apply) cat >applied ;;\n\
        logs) test -e code ;;\n\
        get) ! test -e asked || cat code; touch asked ;;\n\
        esac\n";
    for program in ["helm", "kubectl", "sleep"] {
        let file = folder.path().join(program);
        fs::write(&file, fake).expect("a file");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("it is ours");
    }
    let upgrade = |code: Option<&str>| {
        for file in ["told", "asked", "code"] {
            // It isn't there before the first run.
            let _ = fs::remove_file(folder.path().join(file));
        }
        if let Some(code) = code {
            fs::write(folder.path().join("code"), code).expect("a file");
        }
        let mut script = command("bash", folder.path());
        script
            .args(["kubernetes-job.sh", "--values", "a b.yaml"])
            .env("PATH", path(&[folder.path()]))
            .env("HOOP_DOCTOR_IMAGE", "registry.example.com/hoop-doctor:1");
        run(script)
    };
    let output = upgrade(Some("0"));
    assert!(output.status.success(), "{}", said(&output));
    let file = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was written");
    let told = file("told");
    let verbs: Vec<&str> = told.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(verbs, ["upgrade", "delete", "apply", "logs", "get", "1", "get"]);
    assert!(told.contains("--values a b.yaml\n"), "{told}");
    let image = "image: registry.example.com/hoop-doctor:1\n";
    assert_eq!(
        file("applied"),
        instead(
            &text_of("docs/ci/kubernetes-job.yaml"),
            "image: HOOP_DOCTOR_IMAGE\n",
            image
        )
    );
    for code in [1, 2, 3, 137] {
        let output = upgrade(Some(&code.to_string()));
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    }
    let output = upgrade(None);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("no pod of job/hoop-doctor"), "{}", said(&output));
}

#[test]
fn what_runs_every_five_minutes_writes_metrics() {
    let gateway = Gateway::healthy();
    let folder = TempDir::with_prefix("hoop-doctor-metrics-").expect("a folder");
    let place = folder.path().display().to_string();
    let metrics = folder.path().join("hoop.prom");

    let cron = yaml("docs/ci/kubernetes-cronjob.yaml");
    let pod = cron.at(&["spec", "jobTemplate", "spec", "template"]).expect("a pod");
    let output = container(pod, &gateway.key(), |argument| argument.replace("/textfile", &place));
    assert!(output.status.success(), "{}", said(&output));
    let by_pod = fs::read_to_string(&metrics).expect("metrics were written");
    assert!(by_pod.contains("# TYPE "), "{by_pod}");
    fs::remove_file(&metrics).expect("it is ours");

    let unit = text_of("docs/ci/hoop-doctor.service");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .expect("it starts something");
    let line = instead(line, "/usr/local/bin/hoop-doctor", "hoop-doctor");
    let line = instead(&line, "/var/lib/prometheus/node-exporter", &place);
    let file = folder.path().join("key");
    fs::write(&file, gateway.key() + "\n").expect("a file");
    // As systemd makes it.
    fs::set_permissions(&file, Permissions::from_mode(0o400)).expect("it is ours");
    let mut shell = command("sh", folder.path());
    shell.args(["-c", &line]).env("CREDENTIALS_DIRECTORY", &place);
    let output = run(shell);
    assert!(output.status.success(), "{}", said(&output));
    let by_unit = fs::read_to_string(&metrics).expect("metrics were written");
    let names = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.starts_with("# TYPE "))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(names(&by_pod), names(&by_unit));
}

#[test]
fn whatever_ends_a_job_from_outside_comes_after_the_wait() {
    let wait = |text: &str, before: &str| -> u64 {
        let (_, rest) = text
            .split_once(before)
            .unwrap_or_else(|| panic!("there is no {before} in {text}"));
        let minutes: String = rest.chars().take_while(char::is_ascii_digit).collect();
        assert!(rest[minutes.len()..].starts_with('m'), "{rest}");
        60 * minutes.parse::<u64>().expect("digits are a number")
    };
    let seconds = |file: &str, way: &[&str]| {
        let limit = yaml(file)
            .at(way)
            .and_then(|node| node.text().map(str::to_owned))
            .expect("there is a limit");
        match limit.strip_suffix('m') {
            Some(minutes) => 60 * minutes.parse::<u64>().expect("minutes are a number"),
            None => limit.parse().expect("seconds are a number"),
        }
    };
    let job = seconds("docs/ci/kubernetes-job.yaml", &["spec", "activeDeadlineSeconds"]);
    assert!(
        job > wait(
            &text_of("docs/ci/kubernetes-job.yaml"),
            "args: [check, --as, agent, --wait, "
        )
    );
    assert!(job < wait(&text_of("docs/ci/kubernetes-job.sh"), "--timeout "));
    let gitlab = seconds("docs/ci/gitlab-ci.yml", &["gateway", "timeout"]);
    assert!(gitlab > wait(&text_of("docs/ci/gitlab-ci.yml"), "--wait "));
    let github = 60 * seconds("docs/ci/github-check.yml", &["jobs", "gateway", "timeout-minutes"]);
    assert!(github > wait(&text_of("docs/ci/github-check.yml"), "wait: "));
    let jenkins = text_of("docs/ci/Jenkinsfile");
    assert!(jenkins.contains("timeout(time: 10, unit: 'MINUTES')") && wait(&jenkins, "--wait ") < 600);
}
