//! The script of `action.yml`, with the files and the variables that a runner gives it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::rc::Rc;

use hoop_doctor::proxyconf::yaml::{Key, Node};
use hoop_doctor_standin::Fault;
use tempfile::TempDir;

use super::{Gateway, command, path, run, said, yaml};
use crate::lab::port::Port;
use crate::lab::repository;

/// A runner's workspace and temporary folder.
struct Runner {
    folder: TempDir,
}

/// What a step left behind.
#[derive(Debug)]
struct Step {
    code: Option<i32>,
    log: String,
    outputs: BTreeMap<String, String>,
}

impl Runner {
    fn new() -> Self {
        Self {
            folder: TempDir::with_prefix("hoop-doctor-action-").expect("a folder"),
        }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The files of the workspace, without those that the runner itself has there.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).expect("a folder").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with("runner-")).collect();
        names.sort();
        names
    }

    /// `action.sh run` with these inputs, and the defaults of the others.
    fn run(&self, inputs: &[(&str, &str)]) -> Step {
        self.step("run", inputs, &[])
    }

    fn step(&self, step: &str, inputs: &[(&str, &str)], before: &[&Path]) -> Step {
        for file in ["runner-output", "runner-path", "runner-summary"] {
            fs::write(self.folder().join(file), "").expect("a file");
        }
        let temporary = self.folder().join("runner-temp");
        fs::create_dir_all(&temporary).expect("a folder");
        let mut script = command("bash", self.folder());
        script
            // A runner has one log.
            .args(["-c", "exec bash \"$0\" \"$1\" 2>&1"])
            .arg(repository().join(".github/action.sh"))
            .arg(step)
            .env("PATH", path(before))
            .env("RUNNER_TEMP", temporary)
            .env("GITHUB_ACTION_PATH", repository())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", self.folder().join("runner-output"))
            .env("GITHUB_PATH", self.folder().join("runner-path"))
            .env("GITHUB_STEP_SUMMARY", self.folder().join("runner-summary"));
        let known = known();
        for (name, _) in inputs {
            assert!(
                known.iter().any(|input| input.name == *name),
                "action.yml has no input {name}"
            );
        }
        for input in known {
            let given = inputs.iter().find(|(name, _)| *name == input.name);
            script.env(input.variable, given.map_or(input.default.as_str(), |(_, value)| value));
        }
        Step::of(&run(script), &self.file("runner-output"))
    }
}

impl Step {
    fn of(output: &Output, outputs: &str) -> Self {
        let pairs = outputs.lines().filter_map(|line| line.split_once('='));
        Self {
            code: output.status.code(),
            log: said(output),
            outputs: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }

    /// The lines that the runner doesn't look for commands in, and the others.
    fn parts(&self) -> (Vec<&str>, Vec<&str>) {
        let token = self.log.lines().find_map(|line| line.strip_prefix("::stop-commands::"));
        let token = token.unwrap_or_else(|| panic!("no token in {}", self.log));
        assert!(token.len() >= 32, "{token} can be guessed");
        let again = format!("::{token}::");
        let (mut quiet, mut heard, mut stopped) = (Vec::new(), Vec::new(), false);
        for line in self.log.lines() {
            if line == again {
                stopped = false;
            } else if line.starts_with("::stop-commands::") {
                stopped = true;
            } else if stopped {
                quiet.push(line);
            } else {
                heard.push(line);
            }
        }
        assert!(!stopped, "commands stay stopped: {}", self.log);
        (quiet, heard)
    }
}

/// An input, and how it reaches the script.
struct Input {
    name: String,
    variable: String,
    default: String,
}

/// What action.yml takes.
fn known() -> Vec<Input> {
    let action = yaml("action.yml");
    let steps = action.at(&["runs", "steps"]).expect("it has steps");
    let run = steps.items().find(|step| step.text_of("id") == Some("run"));
    let variables = run
        .and_then(|step| step.get("env"))
        .expect("it has variables")
        .entries();
    let inputs = action.get("inputs").expect("it has inputs").entries();
    assert_eq!(inputs.len(), variables.len());
    let one = |(name, about): &(Key, Rc<Node>)| {
        let value = format!("${{{{ inputs.{} }}}}", name.name);
        let (variable, _) = variables
            .iter()
            .find(|(_, node)| node.text() == Some(&value))
            .unwrap_or_else(|| panic!("{value} is passed to nothing"));
        Input {
            name: name.name.clone(),
            variable: variable.name.clone(),
            default: about.text_of("default").expect("all are optional").to_owned(),
        }
    };
    inputs.iter().map(one).collect()
}

#[test]
fn a_healthy_gateway_is_exit_code_0_and_has_a_verdict() {
    let (runner, gateway) = (Runner::new(), Gateway::healthy());
    let step = runner.run(&[
        ("grpc-url", gateway.grpc_url()),
        ("save", "seen.json"),
        ("sarif", "found.sarif"),
    ]);
    assert_eq!(step.code, Some(0), "{}", step.log);
    let outputs = ["verdict", "code", "exit-code"].map(|name| step.output(name));
    assert_eq!(outputs, [Some("healthy"), Some(""), Some("0")]);
    assert_eq!(runner.files(), ["found.sarif", "seen.json"]);
    let (report, heard) = step.parts();
    assert!(
        report.iter().any(|line| line.contains("answers as a Hoop gateway")),
        "{report:#?}"
    );
    assert!(heard.iter().all(|line| !line.starts_with("::")), "{heard:#?}");
    assert!(gateway.was_called());
}

#[test]
fn a_fault_fails_the_step_and_is_an_annotation() {
    let (runner, gateway) = (Runner::new(), Gateway::with(Some(Fault::Http2NotEnabled)));
    let step = runner.run(&[("grpc-url", gateway.grpc_url()), ("args", "--skip-tls-verify")]);
    let outputs = ["verdict", "code", "exit-code"].map(|name| step.output(name));
    assert_eq!(
        (step.code, outputs),
        (Some(1), [Some("broken"), Some("HD401"), Some("1")]),
        "{}",
        step.log
    );
    let (report, heard) = step.parts();
    assert!(report.iter().any(|line| line.contains("HD401")), "{report:#?}");
    assert!(
        heard.iter().any(|line| line.starts_with("::error title=HD401")),
        "{heard:#?}"
    );
    assert!(runner.file("runner-summary").contains("HD401"));
    let report = step.output("report").expect("there is a report");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(report).expect("a file")).expect("JSON");
    assert_eq!(report["findings"][0]["code"], "HD401");
    assert!(gateway.was_called());
}

#[test]
fn a_wait_in_vain_and_a_run_without_an_answer_keep_their_exit_codes() {
    let runner = Runner::new();
    let dead = Port::reserve().expect("loopback has free ports");
    let step = runner.run(&[
        ("grpc-url", &format!("grpc://{}", dead.address())),
        ("wait", "50ms"),
        ("args", "--interval\n10ms"),
    ]);
    assert_eq!(
        (step.code, step.output("code")),
        (Some(1), Some("HD201")),
        "{}",
        step.log
    );
    let (report, _) = step.parts();
    assert!(
        report.iter().any(|line| line.starts_with("waiting: HD201")),
        "{report:#?}"
    );

    let silent = Gateway::with(Some(Fault::SilentAfterConnect));
    let step = runner.run(&[("grpc-url", silent.grpc_url()), ("args", "--timeout\n20ms")]);
    let outputs = ["verdict", "exit-code"].map(|name| step.output(name));
    assert_eq!(
        (step.code, outputs),
        (Some(3), [Some("unknown"), Some("3")]),
        "{}",
        step.log
    );
}

#[test]
fn a_mistake_of_the_workflow_is_exit_code_2_and_has_no_verdict() {
    let runner = Runner::new();
    let step = runner.run(&[("wait", "soon")]);
    assert_eq!(
        (step.code, step.output("exit-code")),
        (Some(2), Some("2")),
        "{}",
        step.log
    );
    assert_eq!((step.output("verdict"), step.output("report")), (None, None));
    let (said, heard) = step.parts();
    assert!(said.iter().any(|line| line.contains("soon")), "{said:#?}");
    assert!(
        heard.iter().any(|line| line.starts_with("::error title=hoop-doctor::")),
        "{heard:#?}"
    );
}

#[test]
fn the_configuration_of_a_proxy_is_linted() {
    let runner = Runner::new();
    let broken = "server {\n  listen 443 ssl;\n  server_name hoop.example.com;\n  ssl_certificate c;\n  ssl_certificate_key k;\n  \
                  location / { proxy_pass http://hoop:8009; }\n  location /protobuf.Transport/ { grpc_pass grpc://hoop:8010; }\n}\n";
    // The name of a file is what it is, whatever a shell would make of it.
    for name in ["nginx.conf", "a b.conf", "-x.conf"] {
        fs::write(runner.folder().join(name), broken).expect("a file");
        let step = runner.run(&[("command", "lint"), ("files", name), ("sarif", "found.sarif")]);
        assert_eq!(
            (step.code, step.output("code")),
            (Some(1), Some("HD401")),
            "{}",
            step.log
        );
        let (_, heard) = step.parts();
        let annotation = format!("::error file={name},line=");
        assert!(heard.iter().any(|line| line.starts_with(&annotation)), "{heard:#?}");
    }
    assert_eq!(runner.files(), ["-x.conf", "a b.conf", "found.sarif", "nginx.conf"]);
}

#[test]
fn what_is_only_worth_knowing_is_no_cause() {
    let runner = Runner::new();
    fs::write(
        runner.folder().join("nginx.conf"),
        "events {}\nhttp { server { listen 80; server_name shop.example.com; } }\n",
    )
    .expect("a file");
    let step = runner.run(&[("command", "lint"), ("files", "nginx.conf")]);
    let outputs = ["verdict", "code", "exit-code"].map(|name| step.output(name));
    assert_eq!(outputs, [Some("healthy"), Some(""), Some("0")], "{}", step.log);
    let (_, heard) = step.parts();
    assert!(
        heard
            .iter()
            .any(|line| line.starts_with("::notice file=nginx.conf,title=HD808")),
        "{heard:#?}"
    );
}

#[test]
fn no_input_is_read_as_a_script() {
    let runner = Runner::new();
    let hostile = [
        "\"; touch gotcha; \"",
        "'; touch gotcha; '",
        "$(touch gotcha)",
        "`touch gotcha`",
        "x\ntouch gotcha\n",
        "x; touch gotcha",
        "x\nverdict=healthy",
        "--help",
        "*",
    ];
    for Input { name, .. } in known() {
        for value in hostile {
            let given = [(name.as_str(), value), ("grpc-url", "grpc://127.0.0.1:1")];
            // The first of a name counts.
            let step = runner.run(&given);
            assert!(
                !runner.folder().join("gotcha").exists() && step.output("verdict") != Some("healthy"),
                "{name}: {value}: {}",
                step.log
            );
        }
    }
    // Only the files that were asked for are there, under the very names.
    let mut expected: Vec<String> = hostile.iter().map(|value| (*value).to_owned()).collect();
    expected.sort();
    let step = runner.run(&[("sarif", "$(touch gotcha)"), ("grpc-url", "grpc://127.0.0.1:1")]);
    assert_eq!(step.code, Some(1), "{}", step.log);
    assert_eq!(runner.files(), expected);
}

#[test]
fn what_a_server_says_is_no_command_to_the_runner() {
    let runner = Runner::new();
    let step = runner.run(&[("grpc-url", "grpc://%0A::add-mask::x:8010")]);
    let (_, heard) = step.parts();
    assert!(heard.iter().all(|line| !line.contains("::add-mask")), "{heard:#?}");
    assert!(step.code.is_some_and(|code| code != 0), "{}", step.log);
}

#[test]
fn sources_that_change_have_another_hash_and_are_built_by_cargo() {
    let runner = Runner::new();
    let (first, again) = (runner.step("sources", &[], &[]), runner.step("sources", &[], &[]));
    let hash = first.output("hash").expect("a hash");
    assert!(
        hash.len() == 64 && hash.chars().all(|char| char.is_ascii_hexdigit()),
        "{hash}"
    );
    assert_eq!(again.output("hash"), Some(hash));
    let folder = first.output("folder").expect("a folder").to_owned();

    // A cargo that writes down what it is asked for: a real one would take minutes.
    let fake = runner.folder().join("runner-cargo");
    fs::create_dir(&fake).expect("a folder");
    let cargo = fake.join("cargo");
    fs::write(&cargo, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").expect("a file");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let built = runner.step("build", &[], &[&fake]);
    assert_eq!(built.code, Some(0), "{}", built.log);
    let arguments: Vec<&str> = built.log.lines().skip(1).collect();
    let source = repository().display().to_string();
    let root = folder.strip_suffix("/bin").expect("cargo makes bin itself");
    assert_eq!(
        arguments,
        ["install", "--quiet", "--locked", "--path", &source, "--root", root]
    );

    let installed = runner.step("install", &[], &[]);
    assert_eq!((installed.code, runner.file("runner-path")), (Some(0), folder + "\n"));
}
