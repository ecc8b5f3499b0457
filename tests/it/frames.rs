//! `-vv`: every frame of every HTTP/2 conversation.

use std::process::Command;

use serde_json::Value;

/// What a demo prints, and nothing of it to standard error.
fn demo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"))
        .arg("demo")
        .args(args)
        .env_clear()
        .env("COLUMNS", "400")
        .output()
        .expect("the program is built");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("reports are UTF-8")
}

/// One text for each frame of an observation, without the times, which differ from run to run.
fn frames_of(observation: &str, report: &str) -> Vec<String> {
    let start = format!("every frame of {observation}: ");
    let lines = report.lines().skip_while(|line| !line.starts_with(&start)).skip(1);
    let mut frames: Vec<String> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        match (line.get(TIME..), frames.last_mut()) {
            (Some(frame), _) if frame.starts_with(['>', '<']) => frames.push(frame.to_owned()),
            // A long one goes on below.
            (_, Some(frame)) => *frame = format!("{frame} {}", line.trim_start()),
            (_, None) => panic!("{line:?} is no frame"),
        }
    }
    frames
}

/// The columns that the time takes.
const TIME: usize = 7;

#[track_caller]
fn assert_has(frames: &[String], parts: &[&str]) {
    let found = frames.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(found, "no line has all of {parts:?}: {frames:#?}");
}

#[test]
fn a_healthy_conversation_is_shown_from_both_sides() {
    let report = demo(&["-vv"]);
    let frames = frames_of("grpc/http2", &report);
    assert_has(
        &frames[..1],
        &["> SETTINGS", "stream 0", "6 B", "INITIAL_WINDOW_SIZE=8192"],
    );
    assert_has(
        &frames,
        &[
            "> HEADERS",
            "stream 1 ",
            "END_HEADERS; :method: POST",
            ":path: /protobuf.Transport/Connect",
        ],
    );
    assert_has(&frames, &["< SETTINGS", "stream 0"]);
    assert_has(&frames, &["> SETTINGS", "0 B", "ACK"]);
    assert_has(
        &frames,
        &[
            "< HEADERS",
            "stream 1 ",
            "END_STREAM END_HEADERS; :status: 200",
            "grpc-status: 3",
        ],
    );
    assert_has(&frames, &["> GOAWAY", "NO_ERROR, last stream 0"]);
}

#[test]
fn a_stream_that_is_reset_shows_the_code() {
    let frames = frames_of("grpc/http2", &demo(&["stream-reset", "-vv"]));
    assert_has(&frames, &["< RST_STREAM", "4 B", "INTERNAL_ERROR"]);
}

#[test]
fn a_goaway_shows_its_debug_data() {
    let frames = frames_of("grpc/http2", &demo(&["too-many-pings", "-vv"]));
    assert_has(&frames, &["< GOAWAY", "ENHANCE_YOUR_CALM", "\"too_many_pings\""]);
}

#[test]
fn less_is_shown_without_being_asked_for_it() {
    for args in [&["-v"][..], &[]] {
        assert!(!demo(args).contains("every frame of "), "{args:?}");
    }
}

#[test]
fn json_has_the_frames_among_the_facts() {
    let report: Value = serde_json::from_str(&demo(&["-o", "json"])).unwrap();
    let observations = report["observations"].as_array().unwrap();
    let http2 = observations.iter().find(|one| one["id"] == "grpc/http2").unwrap();
    let first = &http2["facts"]["frames"]["kept"][0];
    assert_eq!(
        (&first["direction"], &first["kind"]),
        (&Value::from("sent"), &Value::from(4))
    );
    assert_eq!(first["content"]["settings"][0]["value"], 8192);
}
