//! HD204: accepted, then closed before anything was said.

use hoop_doctor_probes::http2::ConnectionEnd;
use hoop_doctor_probes::tcp::TcpFailure;
use hoop_doctor_probes::tls::TlsFailure;

use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::network::closed;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(204),
    name: "tcp-closed-at-once",
    severity: Severity::Error,
    summary: "connections are accepted and closed at once",
    explain: include_str!("../../../docs/findings/HD204.md"),
    breaks: Breaks::Every,
    explains: &[Code(318)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let unasked = if is_reset_while_connecting(endpoint) {
            Some(ConnectionEnd::Reset)
        } else {
            unasked(endpoint)
        };
        let (how, confidence) = match (unasked, at_first_bytes(endpoint)) {
            (Some(end), _) => (format!("{} before anything was said", word(end)), Confidence::Certain),
            (None, Some(end)) => (
                format!("{} at the first bytes, in cleartext and in TLS", word(end)),
                Confidence::Likely,
            ),
            (None, None) => return None,
        };
        let draft = Draft::new(
            format!("{} accepts connections and has them {how}", endpoint.target.address()),
            "look at the TCP load balancer or proxy in front of the gateway: it has no live target behind this port, or sends the \
             target a PROXY header that a gateway doesn't know, or has a rule against this machine's address",
        );
        let draft = match confidence {
            Confidence::Certain => draft,
            Confidence::Likely | Confidence::Possible => draft
                .candidate(318, "a TLS port that closes for a reason of its own, without an alert")
                .candidate(315, "a TLS port that doesn't know this name"),
        };
        let seen = match endpoint.connect_failure() {
            Some((attempt, _)) => draft.seen_in(endpoint, &[&format!("tcp/{}", attempt.addr)]),
            None => draft.seen_in(endpoint, &["listen", "opposite-scheme/http2"]),
        };
        Some(seen.confidence(confidence).logs(closed(&endpoint.target)))
    })
}

/// A port that doesn't listen refuses; a reset comes from one that accepted, before this machine had noticed.
fn is_reset_while_connecting(endpoint: &Endpoint) -> bool {
    matches!(endpoint.connect_failure(), Some((_, TcpFailure::Reset)))
}

/// How the server ended a connection on which nobody had spoken.
fn unasked(endpoint: &Endpoint) -> Option<ConnectionEnd> {
    if endpoint.is_spoken_to() {
        return None;
    }
    endpoint.heard_in(Experiment::Listen)?.unasked.as_ref()?.end
}

/// How the server ended a cleartext connection without a byte, where it does the same to TLS.
fn at_first_bytes(endpoint: &Endpoint) -> Option<ConnectionEnd> {
    if endpoint.target.tls || endpoint.is_spoken_to() {
        return None;
    }
    let base = endpoint.base.as_ref()?;
    let opposite = endpoint.heard_in(Experiment::OppositeScheme)?.tls.as_ref()?;
    let same = matches!(opposite, Err(TlsFailure::Closed | TlsFailure::Reset));
    let end = match (&base.http2, &base.http1) {
        (Some(http2), _) if http2.first.count == 0 => http2.end,
        (_, Some(http1)) if http1.first.count == 0 => http1.end,
        _ => None,
    };
    end.filter(|_| same)
}

fn word(end: ConnectionEnd) -> &'static str {
    match end {
        ConnectionEnd::Reset => "reset",
        ConnectionEnd::Closed
        | ConnectionEnd::Alert { .. }
        | ConnectionEnd::Malformed
        | ConnectionEnd::FrameTooLarge
        | ConnectionEnd::TooMuch => "closed",
    }
}
