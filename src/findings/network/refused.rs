//! HD201: nothing listens.

use hoop_doctor_probes::tcp::TcpFailure;

use crate::evidence::{Endpoint, Evidence, Kind};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(201),
    name: "tcp-refused",
    severity: Severity::Error,
    summary: "nothing listens on the port",
    explain: include_str!("../../../docs/findings/HD201.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let (attempt, failure) = endpoint.connect_failure()?;
        (*failure == TcpFailure::Refused).then(|| draft(endpoint, &attempt.addr.to_string()))
    })
}

fn draft(endpoint: &Endpoint, addr: &str) -> Draft {
    let target = &endpoint.target;
    let usual = match target.kind {
        Kind::Grpc => 8010,
        Kind::Rest => 8009,
    };
    Draft::new(
        format!(
            "{addr} refuses connections: nothing listens on port {} of {}",
            target.port, target.host
        ),
        format!(
            "start what should listen there, or correct the port in {}; the gateway itself serves {} on {usual}, \
             and a proxy in front of it its own port",
            target.url,
            target.kind.name()
        ),
    )
    .seen_in(endpoint, &[&format!("tcp/{addr}")])
    .logged_as(&[
        "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: connect: connection refused\"",
    ])
}
