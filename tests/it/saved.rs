//! Saved runs: what `--save` writes, that `replay` says the same, what `diff` tells, and files that are no evidence.

#![expect(
    clippy::unwrap_used,
    reason = "what the scenes of these tests need is there, or the test has failed"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hoop_doctor::diff::{Change, diff};
use hoop_doctor::report::human::{self, Detail, Glyphs, Look, Paint};
use hoop_doctor::report::{Filter, json, report};
use hoop_doctor::saved::{LARGEST, Saved, Unusable};
use hoop_doctor_standin::{Fault, Options, StandIn, Tls, Urls};
use proptest::prelude::{ProptestConfig, any};
use proptest::proptest;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A stand-in gateway and a folder from which it is checked.
struct Scene {
    stand_in: StandIn,
    _runtime: Runtime,
    home: TempDir,
}

/// What a run printed, and its exit code.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Scene {
    fn start(options: Options) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            stand_in: runtime.block_on(hoop_doctor_standin::start(options)).unwrap(),
            _runtime: runtime,
            home: TempDir::with_prefix("hoop-doctor-saved-").unwrap(),
        }
    }

    fn healthy() -> Self {
        Self::start(Options {
            tls: Some(Tls::generated(&["localhost", "127.0.0.1"]).0),
            ..Options::default()
        })
    }

    fn with(fault: &str) -> Self {
        Self::start(Options {
            fault: Some(fault.parse::<Fault>().unwrap()),
            ..Options::default()
        })
    }

    fn urls(&self) -> &Urls {
        self.stand_in.urls()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A check as a client with these variables; `{}` in an argument is the folder.
    fn check(&self, args: &[&str]) -> Run {
        let urls = self.urls();
        let mut command = self.command(&[&["check"], args].concat());
        command
            .env("HOOP_GRPCURL", &urls.grpc)
            .env("HOOP_APIURL", &urls.api)
            .env("HOOP_TOKEN", "token");
        if let Some(ca) = &urls.ca_pem {
            command.env("HOOP_TLSCA", ca);
        }
        run(&mut command)
    }

    fn command(&self, args: &[&str]) -> Command {
        command(self.home.path(), args)
    }

    /// What a check of this scene saves.
    fn saved(&self) -> Saved {
        assert!(matches!(self.check(&["--save", "evidence.json"]).code, Some(0 | 1)));
        Saved::read(&fs::read(self.path("evidence.json")).unwrap()).unwrap()
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
    command.args(args).env_clear().env("HOME", folder).current_dir(folder);
    command
}

fn run(command: &mut Command) -> Run {
    let output = command.output().expect("the program is built");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("reports are UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("complaints are UTF-8"),
    }
}

/// Runs the program in a folder with one file of this content.
fn with_file(content: &[u8], args: &[&str]) -> Run {
    let folder = TempDir::with_prefix("hoop-doctor-saved-").unwrap();
    fs::write(folder.path().join("evidence.json"), content).unwrap();
    run(&mut command(folder.path(), args))
}

/// A run with a fault, experiments among it, as text.
fn example() -> &'static str {
    static EXAMPLE: OnceLock<String> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let scene = Scene::with("http2-not-enabled");
        assert_eq!(scene.check(&["--save", "evidence.json"]).code, Some(1));
        fs::read_to_string(scene.path("evidence.json")).unwrap()
    })
}

#[test]
fn a_replay_is_the_report_of_the_run_and_its_exit_code() {
    for scene in [
        Scene::healthy(),
        Scene::with("http2-not-enabled"),
        Scene::with("cert-expired"),
        Scene::with("tcp-refused"),
    ] {
        for options in [
            &[][..],
            &["-v"],
            &["-q"],
            &["-o", "json"],
            &["--skip", "grpc,HD401", "--fail-on", "warn"],
            &["--only", "HD303"],
            &["--color", "always"],
        ] {
            let first = scene.check(&[&["--save", "evidence.json"], options].concat());
            let again = run(&mut scene.command(&[&["replay", "evidence.json"], options].concat()));
            assert_eq!(first, again, "{options:?}");
            assert_eq!(first.stderr, "", "{options:?}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_configuration_is_replayed_too() {
    let folder = TempDir::with_prefix("hoop-doctor-saved-").unwrap();
    let environments: &[&[(&str, &str)]] = &[
        &[],
        &[("HOOP_KEY", "grpcs://prod:secret @gw.example:8443")],
        &[("HOOP_KEY", "grpcs://prod:secret@[::1%25]:8443")],
        &[("HOOP_KEY", "grpcs://prod:secret@[fe80::zz]:8443")],
        &[("HOOP_KEY", "grpcs://prod@gw.example:8443")],
        &[("HOOP_KEY", "x-agt-0123456789")],
        &[("HOOP_DSN", "grpc://prod:secret@localhost")],
        &[("HOOP_GRPCURL", "grpcs://")],
        &[("HOOP_GRPCURL", "a:b:c"), ("HOOP_TOKEN", "x")],
        &[
            ("HOOP_SPIFFE_KEY_FILE", "/nonexistent/key"),
            ("HOOP_GRPCURL", "127.0.0.1:1"),
        ],
        &[
            ("HOOP_GRPCURL", "unix:/x"),
            ("HOOP_APIURL", "h:1"),
            ("HOOP_TOKEN", "\"quoted\""),
        ],
        &[
            ("HOOP_GRPCURL", "127.0.0.1:0"),
            ("HOOP_APIURL", "https://127.0.0.1:1/api?x"),
            ("HOOP_TOKEN", "eyJ.e30.x"),
        ],
        &[
            ("HOOP_GRPCURL", "ftp://127.0.0.1:1"),
            ("HOOP_APIURL", "ftp://h"),
            ("HOOP_TOKEN", "eyJ.eyJleHAiOjF9.x"),
        ],
        &[
            ("HOOP_GRPCURL", "grpcs://127.0.0.1:1"),
            ("HOOP_APIURL", "https://127.0.0.1:1"),
            ("HOOP_TOKEN", "x"),
            ("HOOP_TLSCA", "file:///nonexistent"),
        ],
        &[
            ("HOOP_GRPCURL", "grpcs://127.0.0.1:1"),
            ("HOOP_APIURL", "https://127.0.0.1:1"),
            ("HOOP_TOKEN", "x"),
            ("HOOP_TLSCA", "base64://?"),
        ],
    ];
    for environment in environments {
        compare(folder.path(), environment, &[]);
    }
    fs::create_dir(folder.path().join(".hoop")).unwrap();
    for file in [
        "token = 1\n",
        "token = \n",
        "grpc_uri = 'grpcs://127.0.0.1:1'\napi_url = 'https://127.0.0.1:1'\n",
        "grpc_url = 'grpcs://127.0.0.1:1'\napi_url = 'https://127.0.0.1:1'\ntoken = 'x'\nskip_tls_verify = true\ntls_ca = 'x'\n",
    ] {
        fs::write(folder.path().join(".hoop/config.toml"), file).unwrap();
        compare(folder.path(), &[], &[]);
        compare(folder.path(), &[("HOOP_KEY", "grpcs://prod:secret@127.0.0.1:1")], &[]);
    }
    compare(
        folder.path(),
        &[],
        &["--grpc-url", "127.0.0.1:1", "--skip-tls-verify", "--server-name", "gw"],
    );
    fs::write(folder.path().join(".hoop/config.toml"), [0xff]).unwrap();
    compare(folder.path(), &[], &[]);
}

#[track_caller]
fn compare(folder: &Path, environment: &[(&str, &str)], args: &[&str]) {
    let style = ["-v", "-o", "human", "-o", "json"];
    let args = [&["check", "--save", "evidence.json"], &style[..], args].concat();
    let first = run(command(folder, &args).envs(environment.iter().copied()));
    let again = run(&mut command(
        folder,
        &[&["replay", "evidence.json"], &style[..]].concat(),
    ));
    assert_eq!(first, again, "{environment:?} {args:?}");
    assert_eq!(first.stderr, "", "{environment:?}");
}

#[test]
fn a_diff_shows_the_certificate_and_the_finding() {
    let (well, ill) = (Scene::healthy(), Scene::with("cert-expired"));
    let (before, mut after) = (well.saved(), ill.saved());
    // The same gateway a day later.
    for (was, is) in before
        .evidence
        .wire
        .endpoints
        .iter()
        .zip(&mut after.evidence.wire.endpoints)
    {
        is.target = was.target.clone();
    }
    fs::write(well.path("after.json"), after.to_json().unwrap()).unwrap();
    let run = run(&mut well.command(&["diff", "evidence.json", "after.json"]));
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.first(), Some(&"verdict: healthy -> broken"), "{}", run.stdout);
    let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
    assert!(
        has("finding HD303 cert-expired: new: the certificate of "),
        "{}",
        run.stdout
    );
    assert!(has("grpc tls certificate: serial "), "{}", run.stdout);
    assert!(run.stdout.contains(" (expires "), "{}", run.stdout);
    assert!(run.stdout.is_ascii(), "{}", run.stdout);
}

#[test]
fn a_diff_in_json_has_both_sides() {
    let scene = Scene::with("http2-not-enabled");
    scene.saved();
    let mut later: Value = serde_json::from_str(&fs::read_to_string(scene.path("evidence.json")).unwrap()).unwrap();
    later["wire"]["endpoints"][0]["dns"]["addresses"] = json!(["192.0.2.7"]);
    fs::write(scene.path("after.json"), later.to_string()).unwrap();
    let run = run(&mut scene.command(&["diff", "evidence.json", "after.json", "-o", "json"]));
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
    let all: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(all["schema_version"], 1);
    let expected = json!([{
        "about": "grpc",
        "layer": "dns",
        "what": "addresses",
        "before": "127.0.0.1",
        "after": "192.0.2.7",
    }]);
    assert_eq!(all["changes"], expected);
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let run = with_file(example().as_bytes(), &["diff", "evidence.json", "evidence.json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.stdout.starts_with("nothing changed between 20"), "{}", run.stdout);
}

#[test]
fn two_runs_of_a_healthy_gateway_do_not_differ() {
    let scene = Scene::healthy();
    let (one, other) = (scene.saved(), scene.saved());
    assert_eq!(diff(&one, &other), []);
}

#[test]
fn what_comes_from_the_network_is_escaped_in_a_diff() {
    let mut evil: Value = serde_json::from_str(example()).unwrap();
    evil["wire"]["endpoints"][0]["target"]["url"] = json!("grpcs://\u{1b}[2J\u{202e}\n");
    let folder = TempDir::with_prefix("hoop-doctor-saved-").unwrap();
    fs::write(folder.path().join("evidence.json"), example()).unwrap();
    fs::write(folder.path().join("evil.json"), evil.to_string()).unwrap();
    for format in ["human", "json"] {
        let mut diff = command(folder.path(), &["diff", "evidence.json", "evil.json", "-o", format]);
        let run = run(diff.env("LANG", "C.UTF-8"));
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(!run.stdout.contains(['\u{1b}', '\u{202e}']), "{}", run.stdout);
    }
}

/// A healthy run through TLS, as text.
fn healthy() -> &'static str {
    static HEALTHY: OnceLock<String> = OnceLock::new();
    HEALTHY.get_or_init(|| Scene::healthy().saved().to_json().unwrap())
}

/// The changes that an edit of a healthy run makes, as `about layer what: before → after`.
#[track_caller]
fn check(edit: impl FnOnce(&mut Value), expected: &[&str]) {
    let mut after: Value = serde_json::from_str(healthy()).unwrap();
    edit(&mut after);
    let shown: Vec<String> = change(healthy(), &after.to_string())
        .iter()
        .map(|change| {
            let layer = change.layer.map(|layer| layer.rung().name).unwrap_or_default();
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
            let (before, after) = (side(&change.before), side(&change.after));
            format!("{} {layer} {}: {before} → {after}", change.about, change.what)
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn each_change_is_one_line() {
    check(|case| case["wire"]["started_at"] = json!(1), &[]);
    check(
        |case| case["wire"]["endpoints"][0]["base"]["tls"]["Ok"]["version"] = json!("TLSv1.2"),
        &["grpc tls version: TLSv1.3 → TLSv1.2"],
    );
    check(
        |case| case["wire"]["endpoints"][0]["base"]["tls"]["Ok"]["cipher"] = json!("X"),
        &["grpc tls cipher: TLS13_AES_256_GCM_SHA384 → X"],
    );
    let settings = json!([{"id": 5, "value": 16_384}, {"id": 3, "value": 100}]);
    check(
        |case| case["wire"]["endpoints"][0]["base"]["http2"]["settings"] = settings,
        &["grpc http2 MAX_CONCURRENT_STREAMS: none → 100"],
    );
    check(
        |case| case["config"]["identities"][0]["settings"][0]["value"] = json!("grpcs://other:1"),
        &[&format!(
            "client  HOOP_GRPCURL: {} → grpcs://other:1",
            value("/config/identities/0/settings/0/value")
        )],
    );
    check(
        |case| {
            _ = case["config"]["identities"][0]["settings"]
                .as_array_mut()
                .unwrap()
                .remove(0)
        },
        &[&format!(
            "client  HOOP_GRPCURL: {} → none",
            value("/config/identities/0/settings/0/value")
        )],
    );
    check(
        |case| _ = case["wire"]["endpoints"].as_array_mut().unwrap().remove(1),
        &[&format!("rest  : {} → none", value("/wire/endpoints/1/target/url"))],
    );
    check(
        |case| case["wire"]["endpoints"][0]["target"]["url"] = json!("grpcs://moved:1"),
        &[&format!(
            "grpc  url: {} → grpcs://moved:1",
            value("/wire/endpoints/0/target/url")
        )],
    );
    check(
        |case| {
            case["wire"]["endpoints"][1]["base"]["http2"]["answers"][0]["head"]["fields"][1]["value"] =
                json!("hoopgateway/2")
        },
        &["rest rest server: hoopgateway/1.148.0 → hoopgateway/2"],
    );
}

#[test]
fn the_order_of_endpoints_and_addresses_is_no_change() {
    check(|case| case["wire"]["endpoints"].as_array_mut().unwrap().reverse(), &[]);
    let with = |addresses: Value| {
        let mut case: Value = serde_json::from_str(healthy()).unwrap();
        case["wire"]["endpoints"][0]["dns"]["addresses"] = addresses;
        case.to_string()
    };
    let (one, other) = (json!(["192.0.2.1", "192.0.2.2"]), json!(["192.0.2.2", "192.0.2.1"]));
    assert_eq!(change(&with(one), &with(other)), []);
}

#[test]
fn a_rung_that_breaks_is_told_once() {
    let broken = |case: &mut Value| {
        let endpoint = &mut case["wire"]["endpoints"][0];
        endpoint["tcp"][0]["outcome"] = json!({"Err": {"kind": "refused"}});
        endpoint["chosen"] = json!(null);
        endpoint["base"] = json!(null);
    };
    let mut after: Value = serde_json::from_str(healthy()).unwrap();
    broken(&mut after);
    let rungs = |changes: Vec<Change>| -> Vec<String> {
        let rungs = changes
            .iter()
            .filter_map(|change| Some(format!("{:?} {}", change.layer?, change.what)));
        rungs.collect()
    };
    assert_eq!(rungs(change(healthy(), &after.to_string())), ["Tcp "]);
    assert_eq!(rungs(change(&after.to_string(), healthy())), ["Tcp "]);
}

/// A text in the healthy run.
fn value(pointer: &str) -> String {
    let case: Value = serde_json::from_str(healthy()).unwrap();
    case.pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
}

fn change(before: &str, after: &str) -> Vec<Change> {
    diff(
        &Saved::read(before.as_bytes()).unwrap(),
        &Saved::read(after.as_bytes()).unwrap(),
    )
}

#[test]
fn times_are_a_change_only_where_they_hurt() {
    let at = |ms: u64| {
        let mut case: Value = serde_json::from_str(example()).unwrap();
        case["wire"]["endpoints"][0]["dns"]["duration_ms"] = json!(ms);
        case.to_string()
    };
    for (before, after) in [(1, 90), (100, 290), (1_000, 2_900), (90, 1)] {
        assert_eq!(change(&at(before), &at(after)), [], "{before} {after}");
    }
    let [slower] = &change(&at(50), &at(160))[..] else {
        panic!("one change");
    };
    assert_eq!(
        (slower.what.as_str(), slower.before.as_deref(), slower.after.as_deref()),
        ("time", Some("50 ms"), Some("160 ms"))
    );
}

#[test]
fn the_file_is_its_owner_s_alone_and_replaces_what_was_there() {
    let scene = Scene::with("http2-not-enabled");
    fs::write(scene.path("evidence.json"), "old").unwrap();
    fs::set_permissions(scene.path("evidence.json"), fs::Permissions::from_mode(0o644)).unwrap();
    scene.saved();
    let mode = fs::metadata(scene.path("evidence.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(scene.home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["evidence.json"], "nothing else is left");
}

#[test]
fn a_link_stays_and_a_device_is_written_to() {
    let scene = Scene::with("http2-not-enabled");
    fs::create_dir(scene.path("elsewhere")).unwrap();
    fs::write(scene.path("elsewhere/real.json"), "old").unwrap();
    std::os::unix::fs::symlink("elsewhere/real.json", scene.path("link.json")).unwrap();
    assert_eq!(scene.check(&["--save", "link.json"]).code, Some(1));
    assert!(fs::symlink_metadata(scene.path("link.json")).unwrap().is_symlink());
    assert!(Saved::read(&fs::read(scene.path("elsewhere/real.json")).unwrap()).is_ok());
    assert_eq!(scene.check(&["--save", "/dev/null"]).code, Some(1));
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_path_that_can_not_be_written_is_exit_code_2_and_the_report_is_there() {
    let scene = Scene::with("http2-not-enabled");
    for path in ["no/such/folder/evidence.json", "."] {
        let run = scene.check(&["--save", path]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(
            run.stderr.contains(&format!("saving the evidence to {path}: ")),
            "{}",
            run.stderr
        );
        assert!(run.stdout.contains("HD401"), "{}", run.stdout);
    }
}

#[test]
fn what_is_no_evidence_is_exit_code_2_with_the_place_and_the_next_step() {
    let edited = |edit: fn(&mut Value)| {
        let mut case: Value = serde_json::from_str(example()).unwrap();
        edit(&mut case);
        case.to_string()
    };
    let cut = example().split_at(example().len() / 2).0;
    let rows: &[(&str, &str, &[&str])] = &[
        ("", "no complete JSON", &["line 1 column 0", "save the evidence anew"]),
        ("\u{0}\u{1}", "no complete JSON", &["line 1 column 1"]),
        (cut, "no complete JSON", &["EOF", " column "]),
        ("[]", "no evidence", &["line 1", "check --save FILE"]),
        ("{}", "no evidence", &["schema_version", "line 1 column 2"]),
        (
            r#"{"schema_version":1,"tool":{"name":"hoop-doctor"},"findings":[]}"#,
            "a report",
            &["check --save FILE"],
        ),
        (
            r#"{"schema_version":2,"tool":"hoop-doctor 9.0.0"}"#,
            "form 2 by hoop-doctor 9.0.0",
            &["use a newer"],
        ),
        (
            r#"{"schema_version":0,"tool":"x"}"#,
            "form 0",
            &["no longer read", "save it anew"],
        ),
        (
            &edited(|case| case["wire"]["endpoints"][0]["target"]["kind"] = json!("smtp")),
            "can't be read here",
            &["unknown variant `smtp`", "line 1 column"],
        ),
        (
            &edited(|case| case["wire"]["endpoints"][0]["target"]["port"] = json!(70_000)),
            "can't be read here",
            &["70000"],
        ),
        (
            &edited(|case| _ = case["wire"].as_object_mut().unwrap().remove("endpoints")),
            "can't be read here",
            &["missing field `endpoints`"],
        ),
    ];
    for (content, what, parts) in rows {
        for args in [
            &["replay", "evidence.json"][..],
            &["diff", "evidence.json", "evidence.json"],
        ] {
            let run = with_file(content.as_bytes(), args);
            assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{content:.80}: {run:?}");
            assert!(
                run.stderr.contains("reading the saved evidence evidence.json: "),
                "{}",
                run.stderr
            );
            for part in [&[*what], *parts].concat() {
                assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
            }
        }
    }
    for (path, what) in [
        ("missing.json", "No such file"),
        (".", "directory"),
        ("/dev/zero", "larger than 16777216"),
    ] {
        let run = with_file(b"", &["replay", path]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{path}: {run:?}");
        assert!(
            run.stderr.contains(path) && run.stderr.contains(what),
            "{path}: {}",
            run.stderr
        );
    }
}

#[test]
fn the_largest_file_is_read_and_a_larger_one_is_not() {
    let largest = usize::try_from(LARGEST).unwrap();
    let mut padded = example().as_bytes().to_vec();
    padded.resize(largest, b' ');
    assert!(Saved::read(&padded).is_ok());
    padded.push(b' ');
    assert_eq!(Saved::read(&padded).err(), Some(Unusable::TooLarge));
}

#[test]
fn fields_of_a_newer_version_are_passed_over() {
    fn extend(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.values_mut().for_each(extend);
                // The only key of an enum's value names its variant.
                if fields.len() > 1 {
                    fields.insert("of_a_newer_version".to_owned(), json!([1, {"x": null}]));
                }
            }
            Value::Array(values) => values.iter_mut().for_each(extend),
            _ => {}
        }
    }
    let mut newer: Value = serde_json::from_str(example()).unwrap();
    extend(&mut newer);
    let (one, other) = (
        Saved::read(example().as_bytes()).unwrap(),
        Saved::read(newer.to_string().as_bytes()).unwrap(),
    );
    assert_eq!(one.to_json().unwrap(), other.to_json().unwrap());
}

/// Long enough that no part of it comes up by chance, with characters that a URL has to encode.
const SECRET: &str = "xagt-Zq7+Wm3=Kd9&Rt5.Hb2";

#[test]
fn no_secret_is_in_the_file() {
    let scene = Scene::with("http2-not-enabled");
    let address = scene.urls().grpc.rsplit('/').next().unwrap().to_owned();
    let escaped = |text: &str| text.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    let user = format!("prod:{}@{address}", escaped(SECRET));
    let jwt = format!(
        "eyJhbGciOiJub25lIn0.{}.x",
        STANDARD_NO_PAD.encode(format!("{{\"exp\":1,\"sub\":\"{SECRET}\"}}"))
    );
    let environments: &[&[(&str, String)]] = &[
        &[("HOOP_KEY", format!("grpcs://{user}"))],
        &[("HOOP_KEY", format!("grpc://prod:{SECRET}@{address}"))],
        &[("HOOP_KEY", format!("grpc://prod:{SECRET} @{address}"))],
        &[("HOOP_KEY", format!("grpc://prod:{SECRET}%zz@{address}"))],
        &[("HOOP_KEY", format!("grpc://prod:{SECRET}@[::zz]:1"))],
        &[("HOOP_KEY", format!("grpc://prod@host:{SECRET}"))],
        &[("HOOP_KEY", SECRET.to_owned())],
        &[("HOOP_DSN", format!("http://{user}"))],
        &[("TOKEN", SECRET.to_owned()), ("HOOP_GRPCURL", address.clone())],
        &[
            ("HOOP_GRPCURL", user.clone()),
            ("HOOP_APIURL", format!("https://{user}")),
            ("HOOP_TOKEN", SECRET.to_owned()),
        ],
        &[
            ("HOOP_GRPCURL", format!("grpcs://{user}")),
            ("HOOP_APIURL", user.clone()),
            ("HOOP_TOKEN", jwt),
        ],
        &[
            ("HOOP_GRPCURL", format!("grpcs://{address}?token={SECRET}")),
            ("HOOP_APIURL", format!("https://{address}/?token={SECRET}")),
            ("HOOP_TOKEN", SECRET.to_owned()),
            ("HOOP_TLSCA", SECRET.to_owned()),
            ("HTTPS_PROXY", format!("http://{user}")),
        ],
    ];
    for environment in environments {
        let variables = environment.iter().map(|(name, value)| (name, value));
        assert_no_secret(
            &format!("{environment:?}"),
            scene.command(&CHECK).envs(variables),
            &scene,
        );
    }
    fs::create_dir(scene.path(".hoop")).unwrap();
    for broken in ["", "token = \n", "token = 'x'\n", "xagt = 1\n"] {
        let text = format!("token = \"{SECRET}\"\napi_url = \"https://{user}\"\ngrpc_url = \"{user}\"\n{broken}");
        fs::write(scene.path(".hoop/config.toml"), text).unwrap();
        assert_no_secret(broken, &mut scene.command(&CHECK), &scene);
    }
}

const CHECK: [&str; 4] = ["check", "-q", "--save", "evidence.json"];

/// Runs a check, and looks for the secret as it is, as a URL spells it, and in Base64: its last two characters may show.
#[track_caller]
fn assert_no_secret(what: &str, check: &mut Command, scene: &Scene) {
    let _ = fs::remove_file(scene.path("evidence.json"));
    run(check);
    let file = fs::read_to_string(scene.path("evidence.json")).unwrap();
    // It was read and saved, or this would show nothing.
    assert!(Saved::read(file.as_bytes()).is_ok(), "{what}");
    let start = &SECRET[..SECRET.len() - 3];
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let mut disguises = vec![
        start.to_owned(),
        "Zq7+Wm3".to_owned(),
        start.replace('+', "%2B").replace('=', "%3D").replace('&', "%26"),
        percent(start),
        percent(start).to_lowercase(),
    ];
    // Base64 of a text depends on where in a group of three it starts.
    disguises.extend((0..3).map(|skipped| STANDARD_NO_PAD.encode(&start[skipped..][..18])));
    for disguise in disguises {
        assert!(!file.contains(&disguise), "{what}: {disguise} is in\n{file}");
    }
}

/// Whatever is read is diagnosed, reported on and compared; none of it may panic.
fn use_it(bytes: &[u8]) {
    let Ok(saved) = Saved::read(bytes) else { return };
    let report = report(&saved.evidence, &Filter::default());
    assert!(json::render(&report).is_ok());
    let look = Look {
        detail: Detail::Probes,
        paint: Paint::Plain,
        glyphs: Glyphs::Ascii,
        width: 80,
    };
    assert!(!human::render(&report, look).is_empty());
    diff(&saved, &saved);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_file_with_other_bytes_is_diagnosed_or_refused(flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = example().as_bytes().to_vec();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        use_it(&bytes);
    }

    #[test]
    fn a_file_that_was_cut_off_is_refused(at in any::<proptest::sample::Index>()) {
        // The last byte is a line feed, which nobody misses.
        let whole = example().trim_end();
        let cut = &whole.as_bytes()[..at.index(whole.len())];
        assert!(matches!(Saved::read(cut), Err(Unusable::Json { .. })));
    }
}

/// The pointers to every value below this one.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), all)),
        Value::Array(values) => {
            let numbered = values.iter().enumerate();
            numbered.for_each(|(index, value)| pointers(value, &format!("{at}/{index}"), all));
        }
        _ => {}
    }
}

#[test]
fn values_out_of_range_are_diagnosed_or_refused() {
    let folder = TempDir::with_prefix("hoop-doctor-saved-").unwrap();
    let mut misconfigured = command(folder.path(), &["check", "-q", "--save", "evidence.json"]);
    misconfigured
        .env("HOOP_KEY", "grpcs://prod:se cret@[::zz]:8443")
        .env("HOOP_GRPCURL", "grpcs://127.0.0.1:x")
        .env("HOOP_APIURL", "http://127.0.0.1:1")
        .env("HOOP_TOKEN", "two words");
    assert_eq!(run(&mut misconfigured).code, Some(1));
    let misconfigured = fs::read_to_string(folder.path().join("evidence.json")).unwrap();
    let expired = Scene::with("cert-expired").saved().to_json().unwrap();
    for case in [expired.as_str(), example(), &misconfigured] {
        let whole: Value = serde_json::from_str(case).unwrap();
        let mut all = Vec::new();
        pointers(&whole, "", &mut all);
        for pointer in all {
            let instead = match whole.pointer(&pointer).unwrap() {
                Value::Number(_) => vec![
                    json!(0),
                    json!(255),
                    json!(65_535),
                    json!(u32::MAX),
                    json!(i64::MIN),
                    json!(i64::MAX),
                    json!(u64::MAX),
                ],
                Value::String(_) => vec![json!("")],
                Value::Bool(is) => vec![json!(!is)],
                Value::Array(_) => vec![json!([])],
                Value::Object(_) | Value::Null => vec![json!(null)],
            };
            for value in instead {
                let mut changed = whole.clone();
                *changed.pointer_mut(&pointer).unwrap() = value.clone();
                let used = catch_unwind(AssertUnwindSafe(|| use_it(changed.to_string().as_bytes())));
                assert!(used.is_ok(), "{pointer} = {value}");
            }
        }
    }
}
