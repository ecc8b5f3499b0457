//! HD901: the clock here is wrong, and that is why a certificate or token seems out of date.

use std::time::UNIX_EPOCH;

use hoop_doctor_probes::x509::{CertFacts, Rejection, Verdict};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::config::ProblemKind;
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity};
use crate::plan;
use crate::report::timestamp;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(901),
    name: "clock-wrong",
    severity: Severity::Error,
    summary: "the clock of this machine is wrong",
    explain: include_str!("../../../docs/findings/HD901.md"),
    breaks: Breaks::Every,
    explains: &[Code(19), Code(303), Code(304), Code(314)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    let here = evidence.wire.started_at;
    let dated = evidence
        .wire
        .endpoints
        .iter()
        .find_map(|endpoint| Some((endpoint, server_date(endpoint)?)));
    let Some((server, there)) = dated.filter(|(_, there)| there.abs_diff(here) > TOLERATED) else {
        return Vec::new();
    };
    let explained = |index: &usize| is_in_date_by(&evidence.wire.endpoints[*index], there);
    let endpoints: Vec<usize> = (0..evidence.wire.endpoints.len()).filter(explained).collect();
    let mut identities: Vec<usize> = plan::identities(&evidence.config)
        .enumerate()
        .filter(|(_, identity)| {
            identity
                .problems
                .iter()
                .any(|problem| is_valid_until(&problem.kind, there))
        })
        .map(|(index, _)| index)
        .collect();
    let what = match (endpoints.is_empty(), identities.is_empty()) {
        (true, true) => return Vec::new(),
        (false, _) => "the certificate is within its dates by the server's clock, and outside them by this one",
        (true, false) => "the token is valid by the server's clock, and expired by this one",
    };
    identities.extend(
        endpoints
            .iter()
            .flat_map(|index| evidence.wire.endpoints[*index].identities.clone()),
    );
    identities.sort_unstable();
    identities.dedup();
    let draft = Draft::new(
        format!(
            "the clock of this machine says {}, that of {} says {}: {what}",
            timestamp(here),
            server.target.address(),
            timestamp(there)
        ),
        "set the clock of this machine, and let it be kept by NTP",
    );
    let mut draft = draft
        .confidence(Confidence::Likely)
        .candidate(303, "the server's clock is the wrong one, and the certificate is out of date")
        .decide_by_command("date -u", "compared with a third clock: if this one is right, renew the certificate instead")
        .shell("timedatectl set-ntp true && timedatectl   # \"System clock synchronized: yes\"")
        .seen_in(server, &["tls"])
        .logged_as(&[
            "connection error: desc = \"transport: authentication handshake failed: tls: failed to verify certificate: x509: \
             certificate has expired or is not yet valid: current time {now}",
        ]);
    draft.endpoints = endpoints;
    draft.identities = identities;
    vec![draft]
}

/// Seconds by which two clocks may differ without blame.
const TOLERATED: u64 = 300;

/// The `Date` of any answer (RFC 9110, section 6.6.1), in seconds since the epoch.
fn server_date(endpoint: &Endpoint) -> Option<i64> {
    let answers = endpoint.base.as_ref()?.answers();
    answers
        .filter_map(|answer| answer.head.as_ref()?.field("date"))
        .find_map(|date| OffsetDateTime::parse(date, &Rfc2822).ok())
        .map(OffsetDateTime::unix_timestamp)
}

/// Whether the chain is refused for a date alone, and every certificate of it is within its dates at `there`.
fn is_in_date_by(endpoint: &Endpoint, there: i64) -> bool {
    let Some(chain) = endpoint.handshake().map(|tls| &tls.chain) else {
        return false;
    };
    let dated = matches!(
        chain.verdict,
        Verdict::Rejected(Rejection::Expired { .. } | Rejection::NotYetValid { .. })
    );
    let is_in_date = |cert: &CertFacts| (cert.not_before..=cert.not_after).contains(&there);
    dated && endpoint.target.verify && chain.certs.iter().all(is_in_date)
}

fn is_valid_until(problem: &ProblemKind, there: i64) -> bool {
    let ProblemKind::TokenExpired { at } = problem else {
        return false;
    };
    let at = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(at).is_ok_and(|at| there < at)
}
