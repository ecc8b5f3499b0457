//! A real inspector between `check` and a gateway with TLS: mitmproxy, which signs certificates of its own.
//!
//! What it breaks depends on two things: whether its authority is trusted, and how it passes HTTP/2 on.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::lab::certificates::GATEWAY;
use crate::lab::doctor::{Report, hoop_doctor};
use crate::lab::port::Port;
use crate::lab::proxy::{Serving, listens, program};
use crate::lab::{Lab, few_at_a_time, say};
use crate::oracle::Agent;

/// Whose authority the agent and the client trust.
#[derive(Clone, Copy)]
enum Trusts {
    TheGateways,
    TheInspectors,
}

/// One way in which the inspector is run, and all that `check` finds then, the cause first.
struct State {
    name: &'static str,
    options: &'static [&'static str],
    /// A script that it runs.
    script: Option<&'static str>,
    trusts: Trusts,
    verdict: &'static str,
    findings: &'static [Found],
    proxy: &'static str,
}

/// A finding: its code, its severity, and the code of its cause.
type Found = (&'static str, &'static str, Option<&'static str>);

const STATES: [State; 6] = [
    State {
        name: "its authority isn't trusted",
        options: &[],
        script: None,
        trusts: Trusts::TheGateways,
        verdict: "broken",
        findings: &[
            ("HD313", "error", None),
            ("HD612", "error", None),
            ("HD306", "error", Some("HD313")),
        ],
        proxy: "mitmproxy",
    },
    State {
        name: "it collects requests, as it does by default",
        options: &[],
        script: None,
        trusts: Trusts::TheInspectors,
        verdict: "broken",
        findings: &[("HD612", "error", None), ("HD313", "warn", None)],
        proxy: "mitmproxy",
    },
    State {
        name: "it doesn't pass HTTP/2 on",
        options: &["http2=false"],
        script: None,
        trusts: Trusts::TheInspectors,
        verdict: "broken",
        findings: &[("HD313", "error", None), ("HD401", "error", Some("HD313"))],
        proxy: "mitmproxy",
    },
    State {
        name: "it lets streams through",
        options: &[],
        script: Some(STREAMING),
        trusts: Trusts::TheInspectors,
        verdict: "degraded",
        findings: &[("HD313", "warn", None)],
        proxy: "mitmproxy",
    },
    State {
        name: "it lets streams through once they have begun",
        options: &["stream_large_bodies=1"],
        script: None,
        trusts: Trusts::TheInspectors,
        verdict: "degraded",
        findings: &[("HD313", "warn", None), ("HD612", "warn", None)],
        proxy: "mitmproxy",
    },
    State {
        name: "the gateway is exempted",
        options: &["ignore_hosts=gateway.lab.test"],
        script: None,
        trusts: Trusts::TheGateways,
        verdict: "healthy",
        findings: &[],
        proxy: "none",
    },
];

/// Passes on at once what comes in each direction. `stream_large_bodies` waits for the body's first bytes.
const STREAMING: &str = "\
def requestheaders(flow):
    flow.request.stream = True

def responseheaders(flow):
    flow.response.stream = True
";

#[test]
fn what_an_inspector_breaks_is_found_and_the_inspector_named() {
    let Some(mitmdump) = program("mitmproxy", "mitmdump") else {
        assert!(env::var_os("CI").is_none(), "mitmproxy is not installed");
        return say("not run: mitmproxy is not installed");
    };
    let lab = Lab::start().expect("the lab starts");
    few_at_a_time(&STATES, |state| {
        let inspector = Inspector::start(&lab, &mitmdump, state);
        let report = inspector.check(&lab, state.trusts);
        let json = &report.json;
        let all = json["findings"].as_array().expect("a report has findings");
        let text = |finding: &Value, field: &str| finding[field].as_str().map(str::to_owned);
        let found: Vec<_> = all
            .iter()
            .map(|one| (text(one, "code"), text(one, "severity"), text(one, "because_of")))
            .collect();
        let expected: Vec<_> = state
            .findings
            .iter()
            .map(|(code, severity, cause)| {
                let some = |text: &str| Some(text.to_owned());
                (some(code), some(severity), cause.map(str::to_owned))
            })
            .collect();
        assert_eq!(found, expected, "{}: {json:#}", state.name);
        assert_eq!(json["verdict"], state.verdict, "{}", state.name);
        assert_eq!(
            report.recognised().collect::<Vec<_>>(),
            [Some(state.proxy)],
            "{}",
            state.name
        );
        let ca = fs::read_to_string(inspector.ca(&lab, state.trusts)).expect("the authority is a file");
        let agent = Agent::told(&inspector.url(), Some(&ca)).dialling(inspector.serving.address());
        if let Err(difference) = agent.agrees_with(&report) {
            panic!("{}: {difference}", state.name);
        }
    });
}

/// A mitmproxy that passes on what it decrypts to the lab's gateway with TLS.
struct Inspector {
    serving: Serving,
    /// The certificate of the authority that it has made for itself.
    authority: PathBuf,
}

impl Inspector {
    fn start(lab: &Lab, mitmdump: &Path, state: &State) -> Self {
        let run = lab.fresh_folder().expect("the lab's folder is writable");
        let listen = Port::reserve().expect("some port is free");
        let mut command = Command::new(mitmdump);
        command
            .args(["--mode", &format!("reverse:https://{}", lab.gateway().grpc_tls())])
            .args([
                "--listen-host",
                "127.0.0.1",
                "--listen-port",
                &listen.number().to_string(),
            ]);
        let (folder, ca) = (run.display(), lab.ca().display());
        let always = [
            format!("confdir={folder}"),
            format!("ssl_verify_upstream_trusted_ca={ca}"),
            // What is asked for here is TCP alone.
            "http3=false".to_owned(),
        ];
        for option in always.iter().map(String::as_str).chain(state.options.iter().copied()) {
            command.args(["--set", option]);
        }
        if let Some(script) = state.script {
            let file = run.join("script.py");
            fs::write(&file, script).expect("the lab's folder is writable");
            command.arg("--scripts").arg(file);
        }
        command.env_clear().env("HOME", &run);
        let mut serving = Serving::spawn(command, listen).expect("mitmdump is a program");
        let authority = run.join("mitmproxy-ca-cert.pem");
        let ready = serving.wait_until(|address| authority.exists() && listens(address));
        ready.unwrap_or_else(|problem| panic!("mitmproxy: {problem}"));
        Self { serving, authority }
    }

    fn check(&self, lab: &Lab, trusts: Trusts) -> Report {
        let home = lab.fresh_folder().expect("the lab's folder is writable");
        let address = self.serving.address();
        let url = self.url();
        let resolve = format!("{GATEWAY}:{}:{}", address.port(), address.ip());
        let ca = self.ca(lab, trusts).display().to_string();
        let args = [
            "check",
            "--grpc-url",
            &url,
            "--resolve",
            &resolve,
            "--ca",
            &ca,
            "-o",
            "json",
        ];
        hoop_doctor(&home, args).unwrap_or_else(|error| panic!("{error}"))
    }

    fn url(&self) -> String {
        format!("grpcs://{GATEWAY}:{}", self.serving.address().port())
    }

    fn ca<'a>(&'a self, lab: &'a Lab, trusts: Trusts) -> &'a Path {
        match trusts {
            Trusts::TheGateways => lab.ca(),
            Trusts::TheInspectors => &self.authority,
        }
    }
}
