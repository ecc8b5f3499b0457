//! What `--deep` measured, for tests: held streams, borders, crowds and messages that were sent.

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::{
    Answer, CallName, ConnectionEnd, Fed, GoAway, GrpcStatus, Head, Http2, Reply, StreamEnd,
};
use hoop_doctor_probes::wire::frame::ErrorCode;
use hoop_doctor_probes::wire::header::Field;
use hoop_doctor_probes::wire::page::Page;
use hoop_doctor_probes::wire::status::{Said, Status};

use crate::config::Asked;
use crate::evidence::{Border, Crowd, Evidence, Held, Measured, Pace, Sent};
use crate::explain::{Folded, meanings};
use crate::findings::config::fixture::asked;
use crate::findings::rest::fixture::gateway;
use crate::findings::{Code, Draft, Rule, rules};

/// How long streams are held, in milliseconds.
pub(in crate::findings) const HOLD: u64 = 65_000;
/// When the first streams begin, in milliseconds from the start of the run.
const BEGUN: u64 = 100;
/// How far the streams begin from each other, in milliseconds.
const APART: u64 = 400;

/// What becomes of a held stream.
#[derive(Clone, Copy, Debug)]
pub(in crate::findings) enum Fate {
    /// It is answered at the end.
    Lives,
    /// It ends so, at this age in milliseconds.
    Ends(u64, End),
    /// Its end is never answered.
    Forgotten,
    /// The user ends the run at this age, in milliseconds.
    Interrupted(u64),
}

/// How a stream ends.
#[derive(Clone, Copy, Debug)]
pub(in crate::findings) enum End {
    Reset(ErrorCode),
    Connection,
    Http(u16),
    Grpc(Status, &'static str),
    Refused,
}

/// What most proxies end a stream with.
pub(in crate::findings) const RESET: End = End::Reset(ErrorCode::INTERNAL_ERROR);
/// Limiters answer with this.
pub(in crate::findings) const TOO_MANY: End = End::Http(429);

/// An agent's gRPC at gw.example:8443, where a gateway answers, and of which this was measured.
pub(in crate::findings) fn found(measured: Measured) -> Evidence {
    let flags = Asked {
        grpc_url: Some("grpcs://gw.example:8443".to_owned()),
        ..Asked::default()
    };
    let mut evidence = asked(&[], &flags);
    for endpoint in &mut evidence.wire.endpoints {
        endpoint.base = Some(answering());
        endpoint.measured = Some(measured.clone());
    }
    evidence.wire.hold_ms = Some(HOLD);
    evidence
}

/// A gateway answers, whatever a call declares.
fn answering() -> Heard {
    let mut heard = gateway();
    if let Some(http2) = &mut heard.http2 {
        let declared = http2.answers.iter().cloned().map(|answer| Answer {
            call: CallName::DeclaredBody,
            ..answer
        });
        let declared: Vec<Answer> = declared.collect();
        http2.answers.extend(declared);
    }
    heard
}

/// Held streams with these fates: the silent one, that with keepalives, the busy one; and a connection that lives.
pub(in crate::findings) fn streams(silent: Fate, keepalive: Fate, busy: Fate) -> Measured {
    Measured {
        held: vec![
            Held {
                pace: Pace::NoStream,
                started_ms: BEGUN,
                http2: Some(conversation(Vec::new())),
            },
            held(Pace::Silent, BEGUN, silent),
            held(Pace::Keepalive, BEGUN + APART, keepalive),
            held(Pace::Busy, BEGUN + 2 * APART, busy),
        ],
        ..Measured::default()
    }
}

/// A held stream that began at this time.
pub(in crate::findings) fn held(pace: Pace, started_ms: u64, fate: Fate) -> Held {
    let steps = match pace {
        Pace::NoStream | Pace::Silent => 0,
        Pace::Keepalive => 6,
        Pace::Busy => 64,
    };
    let (answer, whole, ended) = match fate {
        Fate::Lives => {
            let answer = answer(End::Grpc(Status::OK, ""), HOLD + 1);
            (answer, Some(HOLD), Some(HOLD + 1))
        }
        Fate::Ends(after, end) => (answer(end, after), None, Some(after)),
        Fate::Forgotten => (unanswered(HOLD + 4_500), Some(HOLD), None),
        Fate::Interrupted(after) => (unanswered(after), (after > HOLD).then_some(HOLD), None),
    };
    let fed = Fed {
        sent: whole.map_or(steps.min(ended.unwrap_or(0) / 1000), |_| steps + 21),
        outlived: 0,
        whole_ms: whole,
        ended_ms: ended,
    };
    let answer = Answer {
        fed: Some(fed),
        ..answer
    };
    Held {
        pace,
        started_ms,
        http2: Some(conversation(vec![answer])),
    }
}

/// A message of 17 MiB that ended so after `ended_ms`, having outlived some bytes and not some more.
pub(in crate::findings) fn sent(outlived: u64, sent: u64, ended_ms: u64, end: End) -> Http2 {
    let fed = Fed {
        sent,
        outlived,
        whole_ms: None,
        ended_ms: Some(ended_ms),
    };
    conversation(vec![Answer {
        fed: Some(fed),
        ..answer(end, ended_ms)
    }])
}

/// Such a message, and the closer look.
pub(in crate::findings) fn message(coarse: Http2, fine: Option<Http2>) -> Option<Sent> {
    Some(Sent {
        message: 17_825_792,
        coarse,
        fine,
    })
}

/// A border that shows as this end of a call.
pub(in crate::findings) fn border(passes: u32, fails: u32, end: End) -> Option<Border> {
    Some(Border {
        passes,
        fails,
        how: conversation(vec![answer(end, 3)]),
    })
}

/// A hundred calls at a time, of which so many were answered, and the others got this.
pub(in crate::findings) fn crowd(served: u32, failed: End) -> Crowd {
    Crowd {
        opened: 100,
        held: true,
        served,
        failed: Some(answer(failed, 3)),
        goaway: None,
        end: None,
    }
}

/// GOAWAY of which nothing is known but the code.
pub(in crate::findings) fn goaway(code: ErrorCode) -> GoAway {
    GoAway {
        last_stream: 1,
        code,
        debug: String::new(),
    }
}

/// The only conversation of an endpoint with these answers.
pub(in crate::findings) fn conversation(answers: Vec<Answer>) -> Http2 {
    let mut http2 = gateway().http2.expect("a gateway speaks HTTP/2");
    let lost = answers.iter().any(|answer| answer.reply() == Reply::Lost);
    http2.end = lost.then_some(ConnectionEnd::Closed);
    http2.end_ms = answers.first().filter(|_| lost).map(|answer| answer.duration_ms);
    http2.answers = answers;
    http2
}

/// `HealthCheck` that ended so.
pub(in crate::findings) fn answer(end: End, after_ms: u64) -> Answer {
    let open = unanswered(after_ms);
    match end {
        End::Reset(code) => Answer {
            end: StreamEnd::Reset { code },
            ..open
        },
        End::Refused => Answer {
            end: StreamEnd::Refused,
            ..open
        },
        End::Connection => Answer {
            end: StreamEnd::ConnectionEnded,
            ..open
        },
        End::Http(status) => Answer {
            head: Some(Head {
                status,
                grpc: None,
                fields: Vec::new(),
            }),
            page: Some(Page::read(None, b"")),
            end: StreamEnd::Ended,
            ..open
        },
        End::Grpc(code, message) => Answer {
            head: Some(Head {
                status: 200,
                grpc: None,
                fields: vec![field("content-type", "application/grpc")],
            }),
            trailers: Some(Head {
                status: 0,
                grpc: Some(GrpcStatus {
                    code,
                    said: Said::read(message),
                    message: message.to_owned(),
                }),
                fields: Vec::new(),
            }),
            end: StreamEnd::Ended,
            ..open
        },
    }
}

fn unanswered(after_ms: u64) -> Answer {
    Answer {
        call: CallName::HealthCheck,
        head: None,
        trailers: None,
        page: None,
        end: StreamEnd::Open,
        duration_ms: after_ms,
        fed: None,
    }
}

/// A header field.
pub(in crate::findings) fn field(name: &str, value: &str) -> Field {
    Field {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// Fails where others than the rules with these codes, in order, speak of what was measured.
pub(in crate::findings) fn says(measured: Measured, codes: &[u16]) {
    let evidence = found(measured);
    let speak = rules().filter(|rule| !(rule.check)(&evidence).is_empty());
    // The configuration is judged elsewhere.
    let spoken: Vec<u16> = speak.map(|rule| rule.code.0).filter(|code| *code >= 100).collect();
    assert_eq!(spoken, codes);
}

/// Fails where a text that a draft says is logged doesn't lead to its rule.
pub(in crate::findings) fn leads_back(rule: &Rule, draft: &Draft) {
    for text in &draft.logged_as {
        let codes: Vec<Code> = meanings(&Folded::new(text))
            .iter()
            .map(|meaning| meaning.page.code)
            .collect();
        assert!(
            codes.contains(&rule.code),
            "{text:?} leads to {codes:?}, not to {}",
            rule.code
        );
    }
}
