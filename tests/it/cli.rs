//! The program as scripts and people start it: exit codes, streams, colours, and secrets that stay secret.

#![expect(
    clippy::disallowed_types,
    reason = "a port that keeps silent is what one test runs against"
)]

use std::env;
use std::fs;
use std::io::{Read, Write, stdout};
use std::net::{Ipv4Addr, TcpListener};
use std::panic::catch_unwind;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hoop_doctor::malfunction;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::lab::port::Port;
use crate::outputs::formats;

/// The program with an empty home and nothing in its environment.
struct Doctor {
    home: TempDir,
}

/// What a run printed, and its exit code.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Doctor {
    fn new() -> Self {
        Self {
            home: TempDir::with_prefix("hoop-doctor-cli-").expect("a folder for a home can be made"),
        }
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.home())
            .current_dir(self.home());
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        run(&mut self.command(args))
    }
}

fn run(command: &mut Command) -> Run {
    Run::of(command.output().expect("the program is built"))
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("reports are UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("complaints are UTF-8"),
        }
    }
}

#[test]
fn a_healthy_gateway_is_exit_code_0() {
    let run = Doctor::new().run(&["demo"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.stdout.starts_with("+ healthy: "), "{}", run.stdout);
}

#[test]
fn a_port_where_nothing_listens_is_exit_code_1() {
    let closed = Port::reserve().unwrap();
    let url = format!("grpc://{}", closed.address());
    let run = Doctor::new().run(&["check", "--grpc-url", &url]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("HD201"), "{}", run.stdout);
}

#[test]
fn what_was_left_out_does_not_fail_a_run() {
    let closed = Port::reserve().unwrap();
    let url = format!("grpc://{}", closed.address());
    let run = Doctor::new().run(&["check", "--grpc-url", &url, "--skip", "HD201"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("1 finding left out"), "{}", run.stdout);
    assert!(!run.stdout.contains("answers as a Hoop gateway does"), "{}", run.stdout);
}

#[test]
fn what_can_not_be_used_is_exit_code_2_and_named() {
    let doctor = Doctor::new();
    for (args, named) in [
        (&["--ca", "missing.pem"][..], "missing.pem"),
        (&["--key-file", "missing.key"], "missing.key"),
        (&["--key-env", "UNSET_KEY"], "UNSET_KEY"),
        (&["--config", "missing.toml"], "missing.toml"),
        (&["--only", "HD998"], "HD998"),
        (&["--skip", "wires"], "wires"),
        (&["--resolve", "gw.example.com:8443"], "HOST:PORT:ADDR"),
        (&["--resolve", "gw.example.com:8443:nowhere"], "nowhere"),
        (&["--timeout", "5"], "unit"),
        (&["-o", "html5"], "html5"),
        (&["-o", "=report.html"], "a format is missing before ="),
        (&["--quiet", "--verbose"], "--verbose"),
        (&["--no-such-flag"], "--no-such-flag"),
    ] {
        let run = doctor.run(&[&["check"], args].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}: {run:?}");
        assert!(run.stderr.contains(named), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn a_path_that_can_not_be_written_is_exit_code_2_and_the_other_reports_are_written() {
    let doctor = Doctor::new();
    let nowhere = doctor.home().join("no/such/folder/report.json");
    let there = doctor.home().join("report.json");
    let (first, second) = (
        format!("json={}", nowhere.display()),
        format!("json={}", there.display()),
    );
    let run = doctor.run(&["demo", "-o", &first, "-o", &second, "-o", "human"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains(&nowhere.display().to_string()), "{}", run.stderr);
    assert!(run.stdout.starts_with("+ healthy: "), "{}", run.stdout);
    let report: Value = serde_json::from_slice(&fs::read(there).unwrap()).unwrap();
    assert_eq!(report["verdict"], "healthy");
}

#[test]
fn json_on_standard_output_is_nothing_but_json() {
    let run = Doctor::new().run(&["demo", "tcp-refused", "-o", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["findings"][0]["code"], "HD201");
    assert_eq!(run.stderr, "");
}

#[test]
fn an_interrupted_run_prints_what_is_known_and_is_exit_code_3() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("grpcs://{}", silent.local_addr().unwrap());
    let child = Doctor::new()
        .command(&["check", "--grpc-url", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its hello is here, so it is at work, and it gets no answer.
    let (mut connection, _) = silent.accept().unwrap();
    connection.read_exact(&mut [0]).unwrap();
    let interrupted = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    assert!(
        interrupted.elapsed() < Duration::from_secs(1),
        "{:?}",
        interrupted.elapsed()
    );
    assert_eq!((run.code, run.stderr.as_str()), (Some(3), ""), "{run:?}");
    assert!(run.stdout.starts_with("? unknown: interrupted"), "{}", run.stdout);
    assert!(run.stdout.contains("  + tcp     ok"), "{}", run.stdout);
    assert!(
        run.stdout.contains("  - http2   not tried: needs tls"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_reader_that_stops_reading_changes_nothing() {
    for format in ["human", "json"] {
        let mut child = Doctor::new()
            .command(&["demo", "http2-not-enabled", "-o", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let run = Run::of(child.wait_with_output().unwrap());
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{format}");
    }
}

#[test]
fn colours_are_as_the_flag_and_the_environment_say() {
    let doctor = Doctor::new();
    let painted = |args: &[&str], environment: &[(&str, &str)]| {
        let mut command = doctor.command(&[&["demo"], args].concat());
        run(command.envs(environment.iter().copied())).stdout.contains('\u{1b}')
    };
    assert!(!painted(&[], &[]), "a pipe is no terminal");
    assert!(painted(&["--color", "always"], &[]));
    assert!(painted(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(painted(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!painted(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!painted(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(
        painted(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]),
        "empty is unset"
    );
    assert!(!painted(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn the_characters_are_those_of_the_locale() {
    let doctor = Doctor::new();
    for (environment, unicode) in [
        (&[][..], false),
        (&[("LANG", "C.UTF-8")], true),
        (&[("LANG", "de_DE.utf8")], true),
        (&[("LANG", "C.UTF-8"), ("LC_ALL", "C")], false),
        (&[("LANG", "C"), ("LC_CTYPE", "en_US.UTF-8")], true),
        (&[("LANG", "C.UTF-8"), ("LC_ALL", "")], true),
    ] {
        let run = run(doctor.command(&["demo"]).envs(environment.iter().copied()));
        assert_eq!(run.stdout.starts_with("✓ healthy"), unicode, "{environment:?}");
        assert_eq!(run.stdout.is_ascii(), !unicode, "{environment:?}");
    }
}

#[test]
fn quiet_is_one_line() {
    let run = Doctor::new().run(&["check", "-q", "--grpc-url", "grpc://"]);
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
}

#[test]
fn the_version_says_which_build_it_is_and_reports_say_the_same() {
    let doctor = Doctor::new();
    let version = concat!("hoop-doctor ", env!("CARGO_PKG_VERSION"), "\n");
    let short = doctor.run(&["-V"]);
    assert_eq!((short.code, &*short.stdout, &*short.stderr), (Some(0), version, ""));

    let long = doctor.run(&["--version"]);
    assert_eq!((long.code, &*long.stderr), (Some(0), ""));
    let facts = long.stdout.strip_prefix(version).expect("the version comes first");
    let facts: Vec<(&str, &str)> = facts.lines().filter_map(|line| line.split_once(':')).collect();
    let [
        ("commit", commit),
        ("target", target),
        ("profile", profile),
        ("rustc", rustc),
    ] = &facts[..]
    else {
        panic!("{}", long.stdout);
    };
    assert!(
        target.contains(env::consts::ARCH) && target.contains(env::consts::OS),
        "{target}"
    );

    let run = doctor.run(&["check", "-o", "json", "--grpc-url", "grpc://"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON is JSON");
    let [commit, target, profile, rustc] = [commit, target, profile, rustc].map(|fact| fact.trim());
    assert_eq!(
        report["tool"]["build"],
        format!("{target} {profile} {commit} rustc {rustc}")
    );
}

#[test]
fn help_is_as_published() {
    let doctor = Doctor::new();
    for (name, args) in [
        ("help", &["--help"][..]),
        ("help-check", &["check", "--help"]),
        ("help-demo", &["demo", "--help"]),
        ("help-logs", &["logs", "--help"]),
        ("help-stand-in", &["stand-in", "--help"]),
    ] {
        let run = run(doctor.command(args).env("COLUMNS", "100"));
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(
            run.stdout.lines().all(|line| line.chars().count() <= 100),
            "{}",
            run.stdout
        );
        insta::assert_snapshot!(name, run.stdout);
    }
}

/// Long enough that no part of it comes up by chance, with characters that a URL has to encode.
const SECRET: &str = "xagt-Zq7+Wm3=Kd9&Rt5.Hb2";

/// The secret as it is, as a URL spells it, in Base64, and the like for its start: its end may be shown.
fn disguises(secret: &str) -> Vec<String> {
    let start = &secret[..secret.len() - 3];
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let escaped = |text: &str| text.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    let base64 = |text: &str| STANDARD_NO_PAD.encode(&text[..text.len() / 3 * 3]);
    vec![
        start.to_owned(),
        escaped(start),
        percent(start),
        percent(start).to_lowercase(),
        base64(start),
    ]
}

#[track_caller]
fn assert_secret(what: &str, run: &Run) {
    for disguise in disguises(SECRET) {
        for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            assert!(!text.contains(&disguise), "{what}: {disguise} is on {stream}:\n{text}");
        }
    }
}

#[test]
fn a_secret_is_in_no_output() {
    let closed = Port::reserve().unwrap();
    let address = closed.address();
    let in_url = SECRET.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    let with_user = |scheme: &str| format!("{scheme}://prod:{in_url}@{address}");
    let api = format!("http://{address}");
    let environments: &[(&str, &[(&str, String)])] = &[
        ("key", &[("HOOP_KEY", with_user("grpcs"))]),
        ("key, raw", &[("HOOP_KEY", format!("grpc://prod:{SECRET}@{address}"))]),
        ("key without a host", &[("HOOP_KEY", SECRET.to_owned())]),
        (
            "key with a stray space",
            &[("HOOP_KEY", format!("grpcs://prod:{SECRET} @{address}"))],
        ),
        ("deprecated key", &[("HOOP_DSN", with_user("http"))]),
        (
            "client",
            &[
                ("HOOP_GRPCURL", with_user("grpc")),
                ("HOOP_APIURL", with_user("http")),
                ("HOOP_TOKEN", SECRET.to_owned()),
            ],
        ),
        ("token alone", &[("HOOP_TOKEN", SECRET.to_owned())]),
        (
            "proxies",
            &[
                ("HOOP_GRPCURL", format!("grpc://{address}")),
                ("HOOP_APIURL", api.clone()),
                ("HOOP_TOKEN", "token".to_owned()),
                ("HTTP_PROXY", with_user("http")),
                ("HTTPS_PROXY", with_user("http")),
                ("https_proxy", with_user("socks5")),
                ("ALL_PROXY", with_user("http")),
            ],
        ),
    ];
    let doctor = Doctor::new();
    for (what, environment) in environments {
        for style in styles() {
            let mut command = doctor.command(&["check"]);
            command.args(&style);
            let run = run(command.envs(environment.iter().map(|(name, value)| (name, value))));
            assert_ne!(run.code, None, "{what}: {run:?}");
            assert_secret(what, &run);
        }
    }
    fs::create_dir(doctor.home().join(".hoop")).unwrap();
    let config = format!("token = \"{SECRET}\"\napi_url = \"{api}\"\ngrpc_url = \"grpc://{address}\"\n");
    fs::write(doctor.home().join(".hoop/config.toml"), &config).unwrap();
    fs::write(doctor.home().join("broken.toml"), format!("{config}token = {SECRET}\n")).unwrap();
    fs::write(doctor.home().join("agent.key"), with_user("grpcs")).unwrap();
    for args in [
        &[][..],
        &["--config", "broken.toml"],
        &["--as", "agent", "--key-file", "agent.key"],
        &["--grpc-url", &with_user("grpc"), "--api-url", &with_user("http")],
    ] {
        for style in styles() {
            let run = run(doctor.command(&[&["check"], args].concat()).args(&style));
            // It was read and reported on, or this would show nothing.
            assert!(!run.stdout.is_empty(), "{args:?} {style:?}: {run:?}");
            assert_secret(&format!("{args:?}"), &run);
        }
    }
}

/// Every way to print a report.
fn styles() -> Vec<Vec<String>> {
    let details = ["-v", "-vv", "-q"].map(|flag| vec![flag.to_owned()]);
    let formats = formats().into_iter().map(|format| vec!["-o".to_owned(), format]);
    details.into_iter().chain(formats).collect()
}

/// Starts itself anew to see what a panic prints.
#[test]
fn a_panic_shows_its_place_and_not_its_message() {
    if let Ok(secret) = env::var(PANIC_WITH) {
        malfunction::catch();
        assert!(catch_unwind(|| panic!("the token is {secret}")).is_err());
        writeln!(stdout(), "last place: {}", malfunction::last_place()).unwrap();
        return;
    }
    let mut this = Command::new(env::current_exe().unwrap());
    let test = "cli::a_panic_shows_its_place_and_not_its_message";
    let run = run(this.args(["--exact", test, "--nocapture"]).env(PANIC_WITH, SECRET));
    assert_eq!(run.code, Some(0), "{run:?}");
    let place = concat!("last place: ", file!(), ":");
    assert!(run.stdout.contains(place), "{}", run.stdout);
    assert_secret("panic", &run);
}

const PANIC_WITH: &str = "HOOP_DOCTOR_TEST_PANICS_WITH";
