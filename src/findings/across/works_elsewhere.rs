//! HD902: what fails here works at another address of the name, or for another identity.

use hoop_doctor_probes::http2::CallName;

use crate::evidence::{Endpoint, Evidence, Kind};
use crate::experiments::Experiment;
use crate::findings::grpc::is_gateways;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(902),
    name: "works-elsewhere",
    severity: Severity::Info,
    summary: "it fails only on this address, or for this identity",
    explain: include_str!("../../../docs/findings/HD902.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        if endpoint.reaches_gateway() {
            return None;
        }
        at_another_address(endpoint).or_else(|| for_another_identity(evidence, endpoint))
    })
}

fn at_another_address(endpoint: &Endpoint) -> Option<Draft> {
    let works = endpoint.trials.iter().find(|trial| {
        let connect = trial.heard.as_ref().and_then(|heard| heard.answer(CallName::Connect));
        trial.experiment == Experiment::OtherAddress && connect.is_some_and(is_gateways)
    })?;
    let (host, chosen) = (&endpoint.target.host, endpoint.chosen?);
    let elsewhere = works.tcp.as_ref()?.addr;
    let draft = Draft::new(
        format!("{host} fails at {chosen} only: at {elsewhere} a gateway answers"),
        format!(
            "compare what listens on {} and on {}, or take the broken one out of the DNS record of {host}",
            chosen.ip(),
            elsewhere.ip()
        ),
    );
    Some(draft.seen_in(endpoint, &["connect", "other-address/connect"]))
}

fn for_another_identity(evidence: &Evidence, endpoint: &Endpoint) -> Option<Draft> {
    let works = evidence.wire.endpoints.iter().find(|other| {
        other.target.kind == Kind::Grpc
            && other.target.host.eq_ignore_ascii_case(&endpoint.target.host)
            && other.reaches_gateway()
    })?;
    let draft = Draft::new(
        format!(
            "{} fails, and {} reaches a gateway on the same host",
            endpoint.target.url, works.target.url
        ),
        format!(
            "compare the two: what differs is the cause; {} is the one that works",
            works.target.url
        ),
    );
    Some(draft.seen_in(works, &["connect"]))
}
