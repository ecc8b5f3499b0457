//! A gateway with nothing in front of it: told right it is healthy, told wrong the line to change is given.

use std::fs;
use std::process::Command;

use hoop_doctor_standin::{Options, StandIn, Tls, start};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::lab::certificates::Certificates;

/// A gateway, and a machine on which agent and client are told about it.
struct Scene {
    _runtime: Runtime,
    gateway: StandIn,
    home: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Scene {
    fn plaintext() -> Self {
        Self::of(tempfile::tempdir().expect("a folder for a home can be made"), None)
    }

    /// With a certificate of the lab, whose root both are told to trust.
    fn tls() -> Self {
        let home = tempfile::tempdir().expect("a folder for a home can be made");
        let certificates = Certificates::write_to(&home.path().join("lab")).expect("the home is writable");
        let (chain, key) = certificates.healthy();
        let read = |path| fs::read(path).expect("it was written just now");
        let tls = Tls::from_pem(&read(chain), &read(key)).expect("the lab's certificate is one");
        let mut scene = Self::of(home, Some(tls));
        let ca = format!("file://{}", certificates.ca().display());
        scene.variables.push(("HOOP_TLSCA", ca));
        scene
    }

    fn of(home: TempDir, tls: Option<Tls>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be started");
        let options = Options {
            tls,
            ..Options::default()
        };
        Self {
            gateway: runtime.block_on(start(options)).expect("some port is free"),
            _runtime: runtime,
            home,
            variables: Vec::new(),
        }
    }

    fn grpc(&self) -> String {
        self.gateway.grpc_addr().to_string()
    }

    /// What the agent's key and the client's file say.
    fn told(mut self, grpc: &str, api: &str) -> Self {
        let (grpc_address, api_address) = (self.gateway.grpc_addr(), self.gateway.rest_addr());
        let key = format!("{grpc}://agent:xagt-secret@{grpc_address}?mode=standard");
        self.variables.push(("HOOP_KEY", key));
        let folder = self.home.path().join(".hoop");
        fs::create_dir(&folder).expect("the home is writable");
        let config = format!("grpc_url = \"{grpc}://{grpc_address}\"\napi_url = \"{api}://{api_address}\"\n");
        fs::write(folder.join("config.toml"), config).expect("the home is writable");
        self
    }

    fn check(&self, args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command.arg("check").args(args).env_clear().envs(variables);
        let output = command
            .env("HOME", self.home.path())
            .output()
            .expect("the program is built");
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("reports are UTF-8"),
        }
    }
}

/// What a run printed, and its exit code.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    stdout: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The finding of this code, and the lines that it gives.
    fn lines(&self, code: &str) -> Vec<String> {
        let report = self.json();
        let findings = report["findings"].as_array().expect("a report has findings");
        findings
            .iter()
            .filter(|finding| finding["code"] == code)
            .flat_map(|finding| finding["remedy"]["snippets"].as_array().expect("there are some"))
            .map(|snippet| snippet["text"].as_str().expect("a snippet has text").to_owned())
            .collect()
    }

    fn errors(&self) -> Vec<String> {
        let report = self.json();
        let findings = report["findings"].as_array().expect("a report has findings");
        findings
            .iter()
            .filter(|finding| finding["severity"] == "error")
            .map(|finding| finding["code"].as_str().expect("a finding has a code").to_owned())
            .collect()
    }
}

#[test]
fn a_gateway_that_is_told_right_is_healthy() {
    for scene in [
        Scene::plaintext().told("grpc", "http"),
        Scene::tls().told("grpcs", "https"),
    ] {
        let run = scene.check(&["-o", "json"]);
        let report = run.json();
        assert_eq!(
            (run.code, &report["verdict"]),
            (Some(0), &"healthy".into()),
            "{report:#}"
        );
        assert_eq!(report["findings"], serde_json::json!([]), "{report:#}");
        // One gRPC endpoint serves agent and client.
        let endpoints = report["endpoints"].as_array().expect("a report has endpoints");
        assert_eq!(endpoints.len(), 2, "{report:#}");
        let rungs = endpoints
            .iter()
            .flat_map(|endpoint| endpoint["layers"].as_array().expect("there are layers"));
        assert!(rungs.clone().count() > 6);
        assert!(rungs.into_iter().all(|rung| rung["status"] == "ok"), "{report:#}");
        // What answers is the gateway itself. Its REST server says so too, but so it does behind a proxy that adds nothing.
        assert_eq!(report["endpoints"][0]["proxy"]["name"], "none", "{report:#}");
        assert_eq!(report["endpoints"][1]["proxy"], Value::Null, "{report:#}");
        let (grpc, rest) = (scene.gateway.grpc_calls(), scene.gateway.rest_calls());
        assert!(grpc.requests > 0 && rest.requests > 0, "{grpc:?}, {rest:?}");

        let run = scene.check(&[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stdout.starts_with("+ healthy: "), "{}", run.stdout);
    }
}

#[test]
fn plaintext_where_the_gateway_has_tls_gives_the_lines_with_tls() {
    let scene = Scene::tls().told("grpc", "https");
    let run = scene.check(&["-o", "json"]);
    assert_eq!((run.code, run.errors()), (Some(1), vec!["HD301".to_owned()]), "{run:?}");
    let address = scene.grpc();
    assert_eq!(
        run.lines("HD301"),
        [
            format!("HOOP_KEY=grpcs://agent:••••@{address}?mode=standard"),
            format!("grpc_url = \"grpcs://{address}\""),
        ]
    );
}

#[test]
fn tls_where_the_gateway_has_none_gives_the_lines_without() {
    let scene = Scene::plaintext().told("grpcs", "http");
    let run = scene.check(&["-o", "json"]);
    assert_eq!((run.code, run.errors()), (Some(1), vec!["HD302".to_owned()]), "{run:?}");
    let address = scene.grpc();
    assert_eq!(
        run.lines("HD302"),
        [
            format!("HOOP_KEY=grpc://agent:••••@{address}?mode=standard"),
            format!("grpc_url = \"grpc://{address}\""),
        ]
    );
}

#[test]
fn the_wrong_scheme_of_the_api_is_found_beside_healthy_grpc() {
    for (scene, code, scheme) in [
        (Scene::plaintext().told("grpc", "https"), "HD302", "http"),
        (Scene::tls().told("grpcs", "http"), "HD301", "https"),
    ] {
        let run = scene.check(&["-o", "json"]);
        assert_eq!((run.code, run.errors()), (Some(1), vec![code.to_owned()]), "{run:?}");
        assert_eq!(run.json()["verdict"], "degraded");
        let line = format!("api_url = \"{scheme}://{}\"", scene.gateway.rest_addr());
        assert_eq!(run.lines(code), [line]);
    }
}

#[test]
fn of_two_readings_of_one_scheme_only_the_wrong_one_is_an_error() {
    // An agent takes ws:// for plaintext, a client for TLS.
    let scene = Scene::plaintext().told("ws", "http");
    let report = scene.check(&["-o", "json"]).json();
    let address = scene.grpc();
    assert_eq!(
        report["disagreements"],
        serde_json::json!([format!(
            "agent and client disagree about {address}: the agent uses plaintext, the client TLS"
        )])
    );
    let findings = report["findings"].as_array().expect("a report has findings");
    let of = |code: &str| -> Vec<&Value> {
        let of_code = findings.iter().filter(|finding| finding["code"] == code);
        of_code.map(|finding| &finding["identities"]).collect()
    };
    assert_eq!(of("HD302"), [&serde_json::json!(["client"])], "{report:#}");
    let tls = |index: usize| report["endpoints"][index]["tls"].as_bool();
    assert_eq!([tls(0), tls(1)], [Some(false), Some(true)], "{report:#}");
}
