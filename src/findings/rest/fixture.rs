//! Answers for tests: what a server said to the two calls of a check, and gRPC that reaches a gateway.

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::frames::Frames;
use hoop_doctor_probes::http2::{Answer, CallName, GrpcStatus, Head, Http2, StreamEnd};
use hoop_doctor_probes::rest::Http1;
use hoop_doctor_probes::wire::header::Field;
use hoop_doctor_probes::wire::opening::FirstBytes;
use hoop_doctor_probes::wire::page::Page;
use hoop_doctor_probes::wire::status::{Said, Status};

use crate::config::Asked;
use crate::evidence::{Evidence, Kind};
use crate::findings::config::fixture::asked;

/// One HTTP answer: status, fields, body.
pub(in crate::findings) type Given = (u16, &'static [(&'static str, &'static str)], &'static str);

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const HTML: (&str, &str) = ("content-type", "text/html");
const SIGNED: (&str, &str) = ("server", "hoopgateway/1.148.0");

pub(in crate::findings) const HEALTHY: Given = (200, &[JSON, SIGNED], r#"{"liveness":"OK"}"#);
pub(in crate::findings) const UNHEALTHY: Given = (400, &[JSON, SIGNED], r#"{"liveness":"ERR"}"#);
pub(in crate::findings) const INFO: Given = (200, &[JSON], r#"{"auth_method":"local","setup_required":false}"#);
pub(in crate::findings) const WEB_APP: Given = (200, &[HTML, SIGNED], "<!DOCTYPE html><title>Hoop</title>");
pub(in crate::findings) const WEB_APP_BEHIND_NGINX: Given = (
    200,
    &[
        HTML,
        ("server", "nginx"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        (
            "strict-transport-security",
            "max-age=31536000; includeSubDomains; preload",
        ),
    ],
    "<!DOCTYPE html><title>Hoop</title>",
);
pub(in crate::findings) const OTHER_SITE: Given = (200, &[HTML], "<!DOCTYPE html><title>Our shop</title>");
pub(in crate::findings) const NO_SUCH_PAGE: Given =
    (404, &[("content-type", "text/plain"), SIGNED], "404 page not found");
pub(in crate::findings) const NGINX_404: Given = (
    404,
    &[HTML, ("server", "nginx")],
    "<title>404 Not Found</title><center>nginx</center>",
);
pub(in crate::findings) const NGINX_502: Given = (
    502,
    &[HTML, ("server", "nginx")],
    "<title>502 Bad Gateway</title><center>nginx</center>",
);

/// The API at https://gw.example, whose calls got these answers; the calls behind the last one got none.
pub(in crate::findings) fn rest(answers: &[Given]) -> Evidence {
    at("https://gw.example", answers)
}

/// The API at this URL.
pub(in crate::findings) fn at(url: &str, answers: &[Given]) -> Evidence {
    let flags = Asked {
        api_url: Some(url.to_owned()),
        ..Asked::default()
    };
    heard(asked(&[], &flags), answers)
}

/// The same with gRPC at the same host and port, where a gateway answers.
pub(in crate::findings) fn beside_grpc(answers: &[Given]) -> Evidence {
    beside(answers, gateway())
}

/// The same with this heard of gRPC.
pub(in crate::findings) fn beside(answers: &[Given], grpc: Heard) -> Evidence {
    let mut evidence = beside_silent_grpc(answers);
    for endpoint in &mut evidence.wire.endpoints {
        if endpoint.target.kind == Kind::Grpc {
            endpoint.base = Some(grpc.clone());
        }
    }
    evidence
}

/// The same with gRPC of which nothing was heard.
pub(in crate::findings) fn beside_silent_grpc(answers: &[Given]) -> Evidence {
    let flags = Asked {
        grpc_url: Some("grpcs://gw.example:443".to_owned()),
        api_url: Some("https://gw.example".to_owned()),
        ..Asked::default()
    };
    heard(asked(&[], &flags), answers)
}

/// This evidence, where REST got these answers.
pub(in crate::findings) fn heard(mut evidence: Evidence, answers: &[Given]) -> Evidence {
    for endpoint in &mut evidence.wire.endpoints {
        if endpoint.target.kind == Kind::Rest {
            endpoint.base = Some(answered(answers));
        }
    }
    evidence
}

/// A conversation in HTTP/1.1 with these answers, in the order of the calls.
pub(in crate::findings) fn answered(answers: &[Given]) -> Heard {
    let calls = [CallName::Healthz, CallName::PublicServerInfo, CallName::WebSocket];
    let answers = calls.iter().enumerate().map(|(place, call)| match answers.get(place) {
        Some(given) => page(*call, *given),
        None => unanswered(*call),
    });
    Heard {
        http1: Some(Http1 {
            first: FirstBytes::read(b""),
            end: None,
            answers: answers.collect(),
        }),
        ..Heard::default()
    }
}

/// A conversation in HTTP/1.1 in which one call got this answer.
pub(in crate::findings) fn said(call: CallName, given: Given) -> Heard {
    let mut heard = answered(&[]);
    if let Some(http1) = &mut heard.http1 {
        http1.answers = vec![page(call, given)];
    }
    heard
}

fn page(call: CallName, (status, fields, body): Given) -> Answer {
    let fields = fields.iter().map(|(name, value)| Field {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    });
    let head = Head {
        status,
        grpc: None,
        fields: fields.collect(),
    };
    Answer {
        call,
        page: Some(Page::read(head.field("content-type"), body.as_bytes())),
        head: Some(head),
        trailers: None,
        end: StreamEnd::Ended,
        duration_ms: 3,
        fed: None,
    }
}

fn unanswered(call: CallName) -> Answer {
    Answer {
        call,
        head: None,
        trailers: None,
        page: None,
        end: StreamEnd::Open,
        duration_ms: 4_500,
        fed: None,
    }
}

/// gRPC as a gateway answers it.
pub(in crate::findings) fn gateway() -> Heard {
    status(
        CallName::Connect,
        200,
        Status::INVALID_ARGUMENT,
        "missing client origin",
    )
}

/// One answer over HTTP/2 that carries a gRPC status.
pub(in crate::findings) fn status(call: CallName, http: u16, code: Status, message: &str) -> Heard {
    let head = Head {
        status: http,
        grpc: Some(GrpcStatus {
            code,
            message: message.to_owned(),
            said: Said::read(message),
        }),
        fields: Vec::new(),
    };
    let answer = Answer {
        head: Some(head),
        end: StreamEnd::Ended,
        duration_ms: 3,
        fed: None,
        ..unanswered(call)
    };
    Heard {
        http2: Some(Http2 {
            settings: Some(Vec::new()),
            settings_ms: Some(1),
            window_update: None,
            pings: 0,
            goaway: None,
            end: None,
            end_ms: None,
            first: FirstBytes::read(b""),
            answers: vec![answer],
            frames: Frames::default(),
        }),
        ..Heard::default()
    }
}
