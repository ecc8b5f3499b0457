//! The stand-in answers odd calls as a grpc-go server does: status, fields, message and shape.

use hoop_doctor_standin::{Options, start};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime::Builder;

use super::ask;

/// One call, written to the wire as it is.
#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Call {
    address: String,
    method: &'static str,
    path: &'static str,
    fields: Vec<(&'static str, &'static str)>,
    /// Base64.
    body: &'static str,
    end: bool,
}

/// Both answers, whatever they are made of.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Compared {
    given: Value,
    oracle: Value,
}

#[test]
fn the_stand_in_answers_as_grpc_go_does() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be started");
    let stand_in = runtime.block_on(start(Options::default())).expect("some port is free");
    let calls = calls(&stand_in.grpc_addr().to_string());
    let Some(answers) = ask::<_, Compared>("calls", &calls) else {
        return;
    };
    let wrong: Vec<String> = calls
        .iter()
        .zip(answers)
        .filter(|(_, answer)| answer.given != answer.oracle)
        .map(|(call, Compared { given, oracle })| {
            let Call {
                method,
                path,
                fields,
                end,
                ..
            } = call;
            format!("{method} {path} {fields:?} end={end}\n  grpc-go  {oracle}\n  stand-in {given}")
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ\n{}",
        wrong.len(),
        calls.len(),
        wrong.join("\n")
    );
}

fn calls(address: &str) -> Vec<Call> {
    let usual = vec![("content-type", "application/grpc"), ("te", "trailers")];
    let with = |more: &[(&'static str, &'static str)]| [usual.as_slice(), more].concat();
    let call = |path, fields: Vec<_>, body, end| Call {
        address: address.to_owned(),
        method: "POST",
        path,
        fields,
        body,
        end,
    };
    let bad = ("authorization", "Bearer nobody");
    let mut calls = vec![
        call(HEALTH_CHECK, usual.clone(), EMPTY_MESSAGE, true),
        call(HEALTH_CHECK, usual.clone(), EMPTY_MESSAGE, false),
        call(HEALTH_CHECK, usual.clone(), "", true),
        call(PRE_CONNECT, usual.clone(), EMPTY_MESSAGE, true),
        call(PRE_CONNECT, with(&[bad]), EMPTY_MESSAGE, true),
        call(PRE_CONNECT, usual.clone(), "", true),
        call(PRE_CONNECT, usual.clone(), CUT_MESSAGE, true),
        call(PRE_CONNECT, usual.clone(), COMPRESSED_MESSAGE, true),
        call(PRE_CONNECT, usual.clone(), OVERSIZE_MESSAGE, false),
    ];
    for path in [
        CONNECT,
        "/protobuf.Transport/Nothing",
        "/grpc.health.v1.Health/Check",
        "/",
        "/nothing",
        "/a/b/c",
    ] {
        for end in [false, true] {
            calls.push(call(path, usual.clone(), "", end));
            calls.push(call(path, with(&[("origin", "agent")]), "", end));
            calls.push(call(path, with(&[("origin", "client"), bad]), "", end));
        }
    }
    for content_type in [
        "text/plain",
        "application/json",
        "application/grpc+proto",
        "application/grpc;charset=utf-8",
        "application/grpcish",
        "Application/GRPC",
        "",
    ] {
        calls.push(call(
            CONNECT,
            vec![("content-type", content_type), ("te", "trailers")],
            "",
            true,
        ));
    }
    calls.push(call(CONNECT, vec![("te", "trailers")], "", true));
    calls.push(call(CONNECT, with(&[("grpc-encoding", "gzip")]), "", true));
    calls.push(call(CONNECT, with(&[("grpc-encoding", "identity")]), "", true));
    for method in ["GET", "PUT", "OPTIONS"] {
        for fields in [usual.clone(), vec![]] {
            calls.push(Call {
                method,
                ..call(CONNECT, fields, "", true)
            });
        }
    }
    calls
}

const HEALTH_CHECK: &str = "/protobuf.Transport/HealthCheck";
const PRE_CONNECT: &str = "/protobuf.Transport/PreConnect";
const CONNECT: &str = "/protobuf.Transport/Connect";

/// Messages with their prefix of a flag and a length, in base64.
const EMPTY_MESSAGE: &str = "AAAAAAA=";
/// Four bytes are announced, and none comes.
const CUT_MESSAGE: &str = "AAAAAAQ=";
/// The flag says that it is compressed.
const COMPRESSED_MESSAGE: &str = "AQAAAAA=";
/// 17 MiB and a byte are announced.
const OVERSIZE_MESSAGE: &str = "AAEQAAE=";
