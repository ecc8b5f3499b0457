//! Which finding comes first: one function over findings and the one relation `explains`.

use std::cmp::Reverse;

use crate::evidence::{Evidence, Kind};
use crate::findings::{Code, Confidence, Draft, Rule, Severity, from_logs, from_proxyconf, joined, rules};
use crate::proxies;

/// A draft with its rule and its place.
#[derive(Debug)]
pub struct Diagnosed {
    /// The rule that says it.
    pub rule: &'static Rule,
    /// What it says.
    pub draft: Draft,
    /// The cause whose follow-on it is.
    pub because_of: Option<Code>,
}

impl Diagnosed {
    /// The severity in this case.
    pub fn severity(&self) -> Severity {
        self.draft.severity.unwrap_or(self.rule.severity)
    }

    /// The confidence in this case.
    pub fn confidence(&self) -> Confidence {
        self.draft.confidence.unwrap_or(Confidence::Certain)
    }
}

/// Go's order of judging certificates: what comes first here hides what comes later, and a CA can't help HD309.
const CERTIFICATES: [u16; 9] = [317, 313, 303, 304, 309, 305, 308, 307, 306];

/// All findings, the cause first.
pub fn diagnose(evidence: &Evidence) -> Vec<Diagnosed> {
    let mut found: Vec<Diagnosed> = Vec::new();
    for rule in rules() {
        for draft in (rule.check)(evidence) {
            add(&mut found, rule, draft);
        }
    }
    joined::join(&mut found, from_logs::findings(evidence), evidence, "; it isn't so now");
    from_proxyconf::join(&mut found, evidence);
    let causes: Vec<Option<Code>> = found.iter().map(|one| cause_of(one, &found, evidence)).collect();
    for (one, cause) in found.iter_mut().zip(causes) {
        one.because_of = cause;
        put_recognised_first(one, evidence);
    }
    found.sort_by_key(|one| rank(one, evidence));
    found
}

/// The same problem at two endpoints is one finding.
fn add(found: &mut Vec<Diagnosed>, rule: &'static Rule, draft: Draft) {
    let twin = found
        .iter_mut()
        .find(|one| one.rule.code == rule.code && one.draft.message == draft.message);
    let Some(twin) = twin else {
        return found.push(Diagnosed {
            rule,
            draft,
            because_of: None,
        });
    };
    merge(&mut twin.draft.endpoints, draft.endpoints);
    merge(&mut twin.draft.identities, draft.identities);
    twin.draft.evidence.extend(draft.evidence);
    merge(&mut twin.draft.logged_as, draft.logged_as);
}

fn merge<T: PartialEq>(into: &mut Vec<T>, from: Vec<T>) {
    for one in from {
        if !into.contains(&one) {
            into.push(one);
        }
    }
}

/// The finding that explains this one: an error at the same host and port, or of the same identity's configuration.
fn cause_of(one: &Diagnosed, found: &[Diagnosed], evidence: &Evidence) -> Option<Code> {
    let explains = |cause: &&Diagnosed| {
        let certificate = |code: Code| CERTIFICATES.iter().position(|other| *other == code.0);
        let earlier = match (certificate(cause.rule.code), certificate(one.rule.code)) {
            (Some(cause), Some(one)) => cause < one,
            _ => false,
        };
        cause.rule.code != one.rule.code
            && cause.severity() >= one.severity().min(Severity::Warn)
            && (earlier || cause.rule.explains.contains(&one.rule.code))
            && same_place(cause, one, evidence)
    };
    found.iter().find(explains).map(|cause| cause.rule.code)
}

fn same_place(cause: &Diagnosed, one: &Diagnosed, evidence: &Evidence) -> bool {
    let shares_identity = cause
        .draft
        .identities
        .iter()
        .any(|identity| one.draft.identities.contains(identity));
    if cause.draft.endpoints.is_empty() || one.draft.endpoints.is_empty() {
        return shares_identity || cause.draft.identities.is_empty() || one.draft.identities.is_empty();
    }
    let place = |index: &usize| {
        evidence
            .wire
            .endpoints
            .get(*index)
            .map(|endpoint| endpoint.target.address())
    };
    cause
        .draft
        .endpoints
        .iter()
        .any(|mine| one.draft.endpoints.iter().any(|other| place(mine) == place(other)))
}

type Rank = (bool, Reverse<Severity>, u8, bool, Reverse<Confidence>, usize, Code);

/// Causes before follow-ons; severity; what breaks every call; gRPC before REST; confidence; the lowest layer; code.
fn rank(one: &Diagnosed, evidence: &Evidence) -> Rank {
    let kinds = || {
        one.draft
            .endpoints
            .iter()
            .filter_map(|index| evidence.wire.endpoints.get(*index))
    };
    let rest_only = !one.draft.endpoints.is_empty() && kinds().all(|endpoint| endpoint.target.kind == Kind::Rest);
    let certificate = CERTIFICATES.iter().position(|code| *code == one.rule.code.0);
    let layer = match certificate {
        Some(place) => 300 + place,
        None => usize::from(one.rule.code.0 / 100) * 100,
    };
    (
        one.because_of.is_some(),
        Reverse(one.severity()),
        one.rule.breaks as u8,
        rest_only,
        Reverse(one.confidence()),
        layer,
        one.rule.code,
    )
}

/// The fix for the proxy that is really there comes first.
fn put_recognised_first(one: &mut Diagnosed, evidence: &Evidence) {
    let endpoint = one
        .draft
        .endpoints
        .first()
        .and_then(|index| evidence.wire.endpoints.get(*index));
    let among = |endpoint| proxies::recognise_among(endpoint, &evidence.wire.endpoints);
    let Some(recognised) = endpoint.and_then(among) else {
        return;
    };
    one.draft.remedy.snippets.sort_by_key(|snippet| {
        let (there, meant) = (recognised.proxy, snippet.proxy);
        (there != meant, !there.speaks_like(meant))
    });
}
