//! Two witnesses of one problem: what a log or a configuration file says joins what the wire says.
//!
//! The same finding gains a place in a file and confidence, one that the wire leaves open is decided, and what the wire
//! can't see stands by itself.

use super::rank::Diagnosed;
use super::{Code, Confidence, Severity};
use crate::evidence::{Endpoint, Evidence};

/// Adds findings of another witness. `stale` is said of one that the wire would see if it were so now, and doesn't.
pub(super) fn join(found: &mut Vec<Diagnosed>, more: Vec<Diagnosed>, evidence: &Evidence, stale: &str) {
    let is_answered = !evidence.wire.endpoints.is_empty() && evidence.wire.endpoints.iter().all(Endpoint::is_well);
    // Several of the other witness's own stay several.
    let known = found.len();
    for mut other in more {
        let found_before = found.get_mut(..known).unwrap_or_default();
        let same = found_before.iter_mut().find(|one| one.rule.code == other.rule.code);
        if let Some(one) = same {
            confirm(one, other);
            continue;
        }
        let is_open = |one: &&mut Diagnosed| one.confidence() < Confidence::Certain && can_mean(one, other.rule.code);
        match found_before.iter_mut().find(is_open) {
            Some(one) if common(one, &other) == [other.rule.code] => decided(one, other),
            Some(one) => one.draft.locations.append(&mut other.draft.locations),
            None => {
                if is_answered && shows_at_once(&other) {
                    other.draft.severity = Some(Severity::Info);
                    other.draft.message += stale;
                }
                found.push(other);
            }
        }
    }
}

/// What both can mean: where that is one thing, it is what is wrong.
fn common(one: &Diagnosed, other: &Diagnosed) -> Vec<Code> {
    let all = std::iter::once(other.rule.code).chain(other.draft.candidates.iter().map(|candidate| candidate.code));
    all.filter(|code| can_mean(one, *code)).collect()
}

fn can_mean(one: &Diagnosed, code: Code) -> bool {
    one.rule.code == code || one.draft.candidates.iter().any(|candidate| candidate.code == code)
}

/// Both say the same.
fn confirm(one: &mut Diagnosed, mut other: Diagnosed) {
    let agreed = common(one, &other) == [one.rule.code];
    one.draft.locations.append(&mut other.draft.locations);
    if agreed {
        one.draft.confidence = Some(Confidence::Certain);
        one.draft.candidates.clear();
        one.draft.decide = None;
    }
}

/// What the wire leaves open becomes what the other witness says, where the wire saw it.
fn decided(one: &mut Diagnosed, other: Diagnosed) {
    let open = std::mem::replace(one, other);
    let draft = &mut one.draft;
    draft.message = format!("{}; on the wire: {}", draft.message, open.draft.message);
    draft.endpoints = open.draft.endpoints;
    draft.identities = open.draft.identities;
    draft.evidence = open.draft.evidence;
    draft.logged_as = open.draft.logged_as;
}

/// Whether a check without options would see it if it were so now.
fn shows_at_once(one: &Diagnosed) -> bool {
    const LATER: [u16; 8] = [405, 406, 410, 411, 613, 617, 618, 619];
    match one.rule.code.0 {
        // A health check that lets a dead gateway stay shows when there is one.
        803 => one.severity() == Severity::Error,
        802 | 804..=806 => true,
        code => (101..700).contains(&code) && !LATER.contains(&code),
    }
}
