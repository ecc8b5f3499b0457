//! `check --wait`: one process that looks again until the gateway answers, and what it says meanwhile.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::mem;
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use hoop_doctor_standin::{Options, StandIn, Tls, start};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::lab::port::Port;

/// A check that waits, and the lines that it prints to standard error while it does.
struct Waiting {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

/// How it ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: Vec<String>,
}

impl Waiting {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"))
            .arg("check")
            .args(args)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program is built");
        let lines = lines_of(child.stderr.take().expect("it is piped"));
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Reads on until a line that has `text` in it comes.
    #[track_caller]
    fn says(&mut self, text: &str) {
        loop {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => self.seen.push(line),
                Err(error) => panic!("nobody says {text:?}, {error}: {:#?}", self.seen),
            }
            if self.seen.last().is_some_and(|line| line.contains(text)) {
                return;
            }
        }
    }

    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it still runs");
    }

    fn ends(mut self) -> Ended {
        // Ends with the process, so that reading is what waits for it.
        while let Ok(line) = self.lines.recv_timeout(LONG) {
            self.seen.push(line);
        }
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("it is piped");
        pipe.read_to_string(&mut stdout).expect("reports are UTF-8");
        Ended {
            code: self.child.wait().expect("it was started here").code(),
            stdout,
            stderr: mem::take(&mut self.seen),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind; what has ended already is no concern.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stderr: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// A gateway that comes and goes at one address.
struct Gateway {
    runtime: Runtime,
    grpc: SocketAddr,
}

impl Gateway {
    fn at(port: &Port) -> Self {
        Self {
            runtime: Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime can be started"),
            grpc: port.address(),
        }
    }

    fn start(&self, tls: Option<Tls>) -> StandIn {
        let options = Options {
            grpc: self.grpc,
            tls,
            ..Options::default()
        };
        self.runtime.block_on(start(options)).expect("its port is reserved")
    }

    fn stop(&self, stand_in: StandIn) {
        self.runtime.block_on(stand_in.stop());
    }
}

#[test]
fn a_gateway_that_comes_goes_and_comes_back_is_waited_for() {
    let port = Port::reserve().unwrap();
    let gateway = Gateway::at(&port);
    let url = format!("grpc://{}", port.address());
    let mut waiting = Waiting::start(&["--grpc-url", &url, "--wait", "2m", "--interval", "20ms", "-o", "json"]);
    waiting.says("waiting: HD201 tcp-refused: ");
    // It comes with TLS, which is not how it was to be reached, so the wait goes on.
    let other = gateway.start(Some(Tls::generated(&["127.0.0.1"]).0));
    waiting.says("waiting: HD301 plaintext-to-tls: ");
    gateway.stop(other);
    waiting.says("waiting: HD201 tcp-refused: ");
    let healthy = gateway.start(None);
    let ended = waiting.ends();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["verdict"], "healthy");
    assert!(healthy.grpc_calls().connections > 0);
    // A look that meets the gateway just as it comes or goes may see something else, but nothing is said twice.
    assert!(
        ended.stderr.iter().all(|line| line.starts_with("waiting: ")),
        "{ended:#?}"
    );
    assert!(ended.stderr.windows(2).all(|pair| pair[0] != pair[1]), "{ended:#?}");
    gateway.stop(healthy);
}

#[test]
fn each_look_is_a_line_of_jsonl() {
    let port = Port::reserve().unwrap();
    let gateway = Gateway::at(&port);
    let url = format!("grpc://{}", port.address());
    let args = [
        "--grpc-url",
        &url,
        "--wait",
        "2m",
        "--interval",
        "20ms",
        "-o",
        "jsonl",
        "-o",
        "short=/dev/stderr",
    ];
    let mut waiting = Waiting::start(&args);
    waiting.says("waiting: HD201 tcp-refused: ");
    let healthy = gateway.start(None);
    let ended = waiting.ends();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let looks = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let verdicts: Vec<Value> = looks.map(|look| look["verdict"].clone()).collect();
    assert_eq!(verdicts.first(), Some(&Value::from("broken")));
    assert_eq!(
        verdicts.iter().position(|verdict| verdict == "healthy"),
        Some(verdicts.len() - 1)
    );
    // Of the other formats there is one report, at the end.
    let reports = ended.stderr.iter().filter(|line| !line.starts_with("waiting: "));
    assert_eq!(reports.count(), 1, "{ended:#?}");
    gateway.stop(healthy);
}

#[test]
fn a_line_that_can_not_be_written_does_not_end_a_wait_but_a_reader_who_has_gone_does() {
    let port = Port::reserve().unwrap();
    let gateway = Gateway::at(&port);
    let url = format!("grpc://{}", port.address());
    let wait = ["--grpc-url", &url, "--wait", "2m", "--interval", "20ms", "-o"];
    let mut waiting = Waiting::start(&[&wait[..], &["jsonl=/no/such/folder/log", "-o", "short"]].concat());
    waiting.says("hoop-doctor: writing the report to /no/such/folder/log");
    let healthy = gateway.start(None);
    let ended = waiting.ends();
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.stdout.contains("healthy"), "{ended:#?}");
    gateway.stop(healthy);

    let mut waiting = Waiting::start(&[&wait[..], &["jsonl"]].concat());
    drop(waiting.child.stdout.take());
    assert_eq!(waiting.child.wait().unwrap().code(), Some(1), "the last look's");
}

#[test]
fn the_configuration_is_read_anew_for_each_look() {
    let gone = Port::reserve().unwrap();
    let there = Port::reserve().unwrap();
    let gateway = Gateway::at(&there);
    let healthy = gateway.start(None);
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key");
    let key = |port: &Port| format!("grpc://agent:xagt-secret@{}?mode=standard", port.address());
    fs::write(&key_file, key(&gone)).unwrap();
    let mut waiting = Waiting::start(&[
        "--key-file",
        key_file.to_str().unwrap(),
        "--wait",
        "2m",
        "--interval",
        "20ms",
    ]);
    waiting.says("waiting: HD201 tcp-refused: ");
    // Replaced as a whole: a look must not meet half a key.
    let replacement = folder.path().join("replacement");
    fs::write(&replacement, key(&there)).unwrap();
    fs::rename(&replacement, &key_file).unwrap();
    let ended = waiting.ends();
    assert_eq!((ended.code, ended.stderr.len()), (Some(0), 1), "{ended:#?}");
    gateway.stop(healthy);
}

#[test]
fn a_wait_that_was_in_vain_ends_with_the_last_report() {
    let port = Port::reserve().unwrap();
    let url = format!("grpc://{}", port.address());
    for (more, lines) in [(&[][..], 1), (&["-q"], 0)] {
        let args = [
            "--grpc-url",
            &url,
            "--wait",
            "200ms",
            "--interval",
            "20ms",
            "-o",
            "short",
        ];
        let ended = Waiting::start(&[&args, more].concat()).ends();
        assert_eq!((ended.code, ended.stderr.len()), (Some(1), lines), "{ended:#?}");
        assert!(ended.stdout.contains("HD201 tcp-refused"), "{ended:#?}");
    }
}

#[test]
fn what_is_fine_at_once_is_not_waited_for() {
    let port = Port::reserve().unwrap();
    let gateway = Gateway::at(&port);
    let healthy = gateway.start(None);
    let url = format!("grpc://{}", port.address());
    let ended = Waiting::start(&["--grpc-url", &url, "--wait", "2m"]).ends();
    assert_eq!((ended.code, ended.stderr.len()), (Some(0), 0), "{ended:#?}");
    assert!(ended.stdout.contains("healthy: "), "{ended:#?}");
    gateway.stop(healthy);
}

#[test]
fn an_interrupted_wait_prints_what_is_known_and_is_exit_code_3() {
    let port = Port::reserve().unwrap();
    let url = format!("grpc://{}", port.address());
    let mut waiting = Waiting::start(&["--grpc-url", &url, "--wait", "2m", "--interval", "1m"]);
    waiting.says("waiting: HD201 tcp-refused: ");
    waiting.interrupt();
    let ended = waiting.ends();
    assert_eq!((ended.code, ended.stderr.len()), (Some(3), 1), "{ended:#?}");
    assert!(
        ended.stdout.starts_with("? unknown: interrupted while waiting"),
        "{ended:#?}"
    );
    assert!(ended.stdout.contains("HD201"), "{ended:#?}");
}

#[test]
fn a_pause_belongs_to_a_wait() {
    for args in [
        &["--wait", "1s", "--interval", "0s"][..],
        &["--wait", "soon"],
        &["--interval", "1s"],
    ] {
        let ended = Waiting::start(args).ends();
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{args:?}: {ended:#?}"
        );
    }
}

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(30);
