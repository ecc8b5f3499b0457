//! HD701: the proxy caps a stream's total bytes.

use std::fmt;

use hoop_doctor_probes::grpc::MAX_MESSAGE;
use hoop_doctor_probes::http2::{CallName, Reply};

use crate::evidence::{Endpoint, Evidence, Held, Pace, fed};
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(701),
    name: "body-limit",
    severity: Severity::Error,
    summary: "the proxy limits how much a stream may send",
    explain: include_str!("../../../docs/findings/HD701.md"),
    breaks: Breaks::Later,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        // On another route than the gateway's the limit is another one too.
        if !endpoint.reaches_gateway() {
            return None;
        }
        let limit = limit(endpoint)?;
        let means = match limit {
            Limit::Declared => "the limit counts everything that an agent sends over the life of its stream".to_owned(),
            Limit::Exact(bytes) | Limit::Between(_, bytes) => format!(
                "it counts everything that an agent sends over the life of its stream, so its keepalives alone reach it {}, \
                 and the first result that is larger at once",
                lasts(bytes)
            ),
        };
        let draft = Draft::new(
            format!("the proxy at {} {limit}; {means}", endpoint.target.address()),
            "lift the limit for the path prefix /protobuf.Transport/",
        );
        // Cut once, after a while: what counts the bytes may as well have counted the seconds.
        let sent = endpoint.measured.as_ref().and_then(|measured| measured.sent.as_ref());
        let draft = match limit {
            Limit::Between(..) if sent.is_some_and(|sent| sent.fine.is_none()) => {
                draft.confidence(Confidence::Likely).candidate(
                    704,
                    "a timeout that runs from the start of a request until all of it is there",
                )
            }
            Limit::Declared | Limit::Exact(_) | Limit::Between(..) => draft,
        };
        Some(
            draft
                .snippet(
                    Proxy::Nginx,
                    "client_max_body_size 0;   # in the location for /protobuf.Transport/; the default is 1m",
                )
                .snippet(
                    Proxy::IngressNginx,
                    "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/proxy-body-size: \"0\"",
                )
                .snippet(
                    Proxy::Caddy,
                    "# take away from the gRPC route:\n# request_body { max_size … }",
                )
                .snippet(
                    Proxy::Traefik,
                    "# take the buffering middleware (maxRequestBodyBytes) off the router for /protobuf.Transport/",
                )
                .seen_in(
                    endpoint,
                    match limit {
                        Limit::Declared => &["declared-body", "connect"],
                        Limit::Exact(_) => &["declared-body", "connect", "declared-bodies"],
                        Limit::Between(..) => &["sent-body", "sent-body/again"],
                    },
                )
                .logged_as(&[
                    "rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: INTERNAL_ERROR",
                ]),
        )
    })
}

/// What is known of a limit.
#[derive(Clone, Copy)]
enum Limit {
    /// The gateway's own is above it.
    Declared,
    /// This is the most that may be declared, in bytes.
    Exact(u32),
    /// A stream outlived the first number of bytes and not the second.
    Between(u32, u32),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared => write!(
                f,
                "limits the size of a request: a call that declares {MAX_MESSAGE} bytes, the gateway's own limit for one message, gets HTTP 413"
            ),
            Self::Exact(bytes) => write!(
                f,
                "limits a request to {bytes} bytes{}: one more gets HTTP 413",
                round(*bytes)
            ),
            Self::Between(outlived, cut) => {
                write!(f, "ends a stream after {outlived} to {cut} bytes of its request")
            }
        }
    }
}

fn limit(endpoint: &Endpoint) -> Option<Limit> {
    let measured = endpoint.measured.as_ref();
    if let Some(border) = measured.and_then(|measured| measured.declared.as_ref()) {
        return Some(Limit::Exact(border.passes));
    }
    match endpoint.reply(CallName::DeclaredBody)? {
        Reply::Http(head, _) if head.status == 413 => return Some(Limit::Declared),
        _ => {}
    }
    let sent = measured?.sent.as_ref()?;
    let (outlived, cut) = sent.cut()?;
    // A long message takes time, and time may have ended it, as it ended a stream on which little flowed.
    let ended_ms = fed(&sent.coarse)?.1.ended_ms?;
    let slow = measured?.held(Pace::Busy).and_then(Held::cut_at);
    if slow.is_some_and(|(age, _)| ended_ms + ROUGHLY >= age) {
        return None;
    }
    Some(Limit::Between(u32::try_from(outlived).ok()?, u32::try_from(cut).ok()?))
}

/// Milliseconds by which two streams that time ends may differ.
const ROUGHLY: u64 = 500;

/// ` (1 MiB)` for a round number.
fn round(bytes: u32) -> String {
    match (bytes % MIB, bytes / MIB) {
        (0, mib) if mib > 0 => format!(" ({mib} MiB)"),
        _ => String::new(),
    }
}

const MIB: u32 = 1024 * 1024;

/// How long an agent's keepalives take to add up to so many bytes.
fn lasts(bytes: u32) -> String {
    let minutes = bytes / KEEPALIVE_BYTES * KEEPALIVE_SECONDS / 60;
    match (minutes / (24 * 60), minutes / 60, minutes) {
        (0, 0, 0) => "within a minute".to_owned(),
        (0, 0, 1) => "after about a minute".to_owned(),
        (0, 0, minutes) => format!("after about {minutes} minutes"),
        (0, 1, _) => "after about an hour".to_owned(),
        (0, hours, _) => format!("after about {hours} hours"),
        (1, ..) => "after about a day".to_owned(),
        (days, ..) => format!("after about {days} days"),
    }
}

/// `GatewayKeepAlive` with its prefix, and how often an agent sends it (`common/grpc/client.go`).
const KEEPALIVE_BYTES: u32 = 23;
const KEEPALIVE_SECONDS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::{RULE, lasts};
    use crate::evidence::Measured;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::limits::fixture::{End, Fate, RESET, border, found, leads_back, message, says, sent, streams};
    use crate::findings::{Code, Confidence};
    use hoop_doctor_probes::wire::status::Status;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_most_that_may_be_declared_is_named_to_the_byte() {
        let draft = only(
            &RULE,
            &found(Measured {
                declared: border(1_048_576, 1_048_577, End::Http(413)),
                ..Measured::default()
            }),
        );
        assert_eq!(
            draft.message,
            "the proxy at gw.example:8443 limits a request to 1048576 bytes (1 MiB): one more gets HTTP 413; it counts everything \
             that an agent sends over the life of its stream, so its keepalives alone reach it after about 5 days, and the first \
             result that is larger at once"
        );
        assert_eq!(
            draft.evidence,
            ["grpc/declared-body", "grpc/connect", "grpc/declared-bodies"]
        );
        leads_back(&RULE, &draft);
    }

    #[test]
    fn a_message_that_is_cut_twice_shows_a_limit() {
        let evidence = found(Measured {
            sent: message(
                sent(MIB, MIB + 262_144, 90, RESET),
                Some(sent(MIB, MIB + 16_384, 800, RESET)),
            ),
            ..Measured::default()
        });
        let draft = only(&RULE, &evidence);
        let start =
            "the proxy at gw.example:8443 ends a stream after 1048576 to 1064960 bytes of its request; it counts";
        assert!(draft.message.starts_with(start), "{}", draft.message);
        assert_eq!(draft.evidence, ["grpc/sent-body", "grpc/sent-body/again"]);
    }

    #[test]
    fn a_cut_that_was_not_seen_twice_is_only_likely() {
        let evidence = found(Measured {
            sent: message(sent(15 * MIB, 15 * MIB + 262_144, 2_900, RESET), None),
            ..Measured::default()
        });
        let draft = only(&RULE, &evidence);
        assert_eq!(draft.confidence, Some(Confidence::Likely));
        let others: Vec<Code> = draft.candidates.iter().map(|other| other.code).collect();
        assert_eq!(others, [Code(704)]);
    }

    #[test]
    fn a_message_that_is_cut_once_shows_nothing() {
        let mut whole = sent(MIB + 262_144, MIB + 327_680, 900, End::Grpc(Status::OK, ""));
        for answer in &mut whole.answers {
            answer.fed = answer.fed.map(|mut fed| {
                fed.whole_ms = Some(899);
                fed
            });
        }
        silent(
            &RULE,
            &found(Measured {
                sent: message(sent(MIB, MIB + 262_144, 90, RESET), Some(whole)),
                ..Measured::default()
            }),
        );
    }

    #[test]
    fn a_cut_that_time_may_have_made_is_no_limit_on_bytes() {
        let ends = Fate::Ends(3_000, RESET);
        let with = |ended_ms| Measured {
            sent: message(
                sent(MIB, MIB + 262_144, ended_ms, RESET),
                Some(sent(MIB, MIB + 16_384, 2_000, RESET)),
            ),
            ..streams(ends, ends, ends)
        };
        says(with(2_990), &[704]);
        says(with(1_200), &[701, 704]);
    }

    /// Envoy's `request_timeout`, where the way to it is slow.
    #[test]
    fn a_message_that_took_too_long_has_met_no_limit_on_bytes() {
        let late = || End::Grpc(Status(4), "request timeout");
        let ends = Fate::Ends(3_000, late());
        let measured = Measured {
            sent: message(sent(13 * MIB, 13 * MIB + 262_144, 2_990, late()), None),
            ..streams(ends, ends, ends)
        };
        says(measured, &[]);
    }

    #[test]
    fn the_gateways_own_limit_on_a_message_is_no_limit_of_the_proxy() {
        let end = End::Grpc(
            Status::RESOURCE_EXHAUSTED,
            "grpc: received message larger than max (17825792 vs. 4194304)",
        );
        let measured = Measured {
            sent: message(sent(0, 262_144, 3, end), None),
            ..Measured::default()
        };
        says(measured, &[705]);
    }

    #[test]
    fn a_keepalive_is_23_bytes_every_ten_seconds() {
        for (bytes, text) in [
            (100, "within a minute"),
            (150, "after about a minute"),
            (1_024, "after about 7 minutes"),
            (10_240, "after about an hour"),
            (65_536, "after about 7 hours"),
            (204_800, "after about a day"),
            (1 << 20, "after about 5 days"),
            (10 << 20, "after about 52 days"),
        ] {
            assert_eq!(lasts(bytes), text, "{bytes}");
        }
    }
}
