//! HD212: connected, and then nothing, ever.

use hoop_doctor_probes::tls::TlsFailure;

use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(212),
    name: "silent-after-connect",
    severity: Severity::Error,
    summary: "the port accepts connections and never says a byte",
    explain: include_str!("../../../docs/findings/HD212.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        if !is_silent(endpoint) {
            return None;
        }
        let address = endpoint.target.address();
        let draft = Draft::new(
            format!("{address} accepts connections and then says nothing, in TLS and in cleartext"),
            format!(
                "find out what holds the connections: run `hoop-doctor check` on the gateway's own host, and then one hop further out, \
                 until {address} stops answering; the last hop that stays silent is the one to mend"
            ),
        );
        Some(
            draft
                .confidence(Confidence::Possible)
                .candidate(202, "a firewall that drops packets once a connection stands")
                .candidate(606, "a load balancer that accepts for a target that is dead or hangs")
                .decide_by_command(
                    "hoop-doctor check --grpc-url grpc://127.0.0.1:8010 --api-url http://127.0.0.1:8009",
                    "run on the gateway's host: healthy means that the fault is between it and here",
                )
                .seen_in(endpoint, &["tls", "http2", "listen", "opposite-scheme/http2"])
                .logged_as(&[match endpoint.target.tls {
                    true => "connection error: desc = \"transport: authentication handshake failed: context deadline exceeded\"",
                    false => {
                        "connection error: desc = \"error reading server preface: raw-read tcp {local}->{addr}: use of closed network connection\""
                    }
                }]),
        )
    })
}

/// Neither Hoop's way of speaking nor the opposite one got a byte or an end.
fn is_silent(endpoint: &Endpoint) -> bool {
    let Some(base) = &endpoint.base else {
        return false;
    };
    let mute = match (&base.tls, &base.http2, &base.http1) {
        (Some(Err(TlsFailure::TimedOut)), _, _) => true,
        (None, Some(http2), _) => http2.first.count == 0 && http2.end.is_none(),
        (None, None, Some(http1)) => http1.first.count == 0 && http1.end.is_none(),
        _ => false,
    };
    // A run that was cut short before it tried the other scheme has nothing to say of it.
    let Some(heard) = endpoint.heard_in(Experiment::OppositeScheme) else {
        return false;
    };
    let opposite_spoke = {
        let http = heard.http2.as_ref().is_some_and(|http2| http2.first.count > 0)
            || heard.http1.as_ref().is_some_and(|http1| http1.first.count > 0);
        matches!(heard.tls, Some(Ok(_) | Err(TlsFailure::Alert { .. }))) || http
    };
    let unasked = endpoint
        .heard_in(Experiment::Listen)
        .and_then(|heard| heard.unasked.as_ref());
    let spoke = unasked.is_some_and(|unasked| unasked.first.count > 0 || unasked.end.is_some());
    mute && !opposite_spoke && !spoke
}
