//! 0xx: what agent and client are told.
//!
//! Discovery names each problem as data. A rule here puts one kind of problem into words and gives the line that mends it.

use super::{Draft, Location, Rule};
use crate::config::{Identity, Place, Problem, Role, Source};
use crate::evidence::{Endpoint, Evidence, Kind};
use crate::plan;

pub(super) mod line;

mod not_found;

mod key_secret_missing;
mod key_unreadable;

mod address_malformed;
mod advertised_loopback;
mod grpc_url_missing;
mod host_differs;
mod port_missing;
mod scheme_ignored;
mod scheme_unknown;

mod api_url_malformed;

mod credentials_deprecated;
mod credentials_shadowed;
mod env_partial;
mod file_exposed;
mod file_invalid;
mod file_key_unknown;

mod ca_unreadable;
mod skip_verify_partial;
mod verification_disabled;

mod token_expired;
mod token_malformed;

#[cfg(test)]
pub(super) mod fixture;

pub(super) const RULES: &[&Rule] = &[
    &not_found::RULE,
    &key_unreadable::RULE,
    &key_secret_missing::RULE,
    &scheme_unknown::RULE,
    &port_missing::RULE,
    &advertised_loopback::RULE,
    &credentials_deprecated::RULE,
    &scheme_ignored::RULE,
    &credentials_shadowed::RULE,
    &file_invalid::RULE,
    &file_key_unknown::RULE,
    &env_partial::RULE,
    &grpc_url_missing::RULE,
    &address_malformed::RULE,
    &api_url_malformed::RULE,
    &ca_unreadable::RULE,
    &verification_disabled::RULE,
    &skip_verify_partial::RULE,
    &token_expired::RULE,
    &token_malformed::RULE,
    &file_exposed::RULE,
    &host_differs::RULE,
];

/// One problem of the configuration, whose it is, and what was seen besides.
struct Case<'a> {
    evidence: &'a Evidence,
    problem: &'a Problem,
    owner: Option<Owner<'a>>,
}

/// The identity that has the problem.
#[derive(Clone, Copy)]
struct Owner<'a> {
    index: usize,
    identity: &'a Identity,
}

/// Drafts of a rule that looks at one problem at a time, with what all of them have in common filled in.
fn for_each_problem(evidence: &Evidence, look: impl Fn(&Case<'_>) -> Option<Draft>) -> Vec<Draft> {
    let owned = plan::identities(&evidence.config)
        .enumerate()
        .flat_map(|(index, identity)| {
            let owner = Some(Owner { index, identity });
            identity.problems.iter().map(move |problem| (problem, owner))
        });
    let loose = evidence.config.problems.iter().map(|problem| (problem, None));
    owned
        .chain(loose)
        .filter_map(|(problem, owner)| {
            let case = Case {
                evidence,
                problem,
                owner,
            };
            look(&case).map(|draft| case.complete(draft))
        })
        .collect()
}

impl Case<'_> {
    fn identity(&self) -> Option<&Identity> {
        self.owner.map(|owner| owner.identity)
    }

    /// Whether the problem is this identity's.
    fn is_of(&self, identity: usize) -> bool {
        self.owner.is_some_and(|owner| owner.index == identity)
    }

    /// Who is told so: `the agent`, `the client`, and for flags `Hoop`.
    fn who(&self) -> &'static str {
        match self.identity().map(|identity| identity.role) {
            Some(Role::Agent) => "the agent",
            Some(Role::Client) => "the client",
            Some(Role::Flags) | None => "Hoop",
        }
    }

    /// The endpoints of this identity, with their indices.
    fn endpoints(&self) -> impl Iterator<Item = (usize, &Endpoint)> {
        let index = self.owner.map(|owner| owner.index);
        let all = self.evidence.wire.endpoints.iter().enumerate();
        all.filter(move |(_, endpoint)| index.is_some_and(|index| endpoint.identities.contains(&index)))
    }

    /// The endpoints of this identity that are of this kind.
    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (usize, &Endpoint)> {
        self.endpoints()
            .filter(move |(_, endpoint)| endpoint.target.kind == kind)
    }

    /// Adds the owner, the place in the file, and what Hoop prints where the rule knows nothing better.
    fn complete(&self, mut draft: Draft) -> Draft {
        if draft.identities.is_empty() {
            draft.identities = self.owner.iter().map(|owner| owner.index).collect();
        }
        if draft.locations.is_empty() {
            draft.locations = location(&self.problem.source).into_iter().collect();
        }
        if draft.logged_as.is_empty() {
            draft.logged_as = self.problem.printed_by_hoop().into_iter().collect();
        }
        draft
    }
}

impl Draft {
    /// Says which endpoints the problem concerns.
    fn about<'a>(mut self, endpoints: impl Iterator<Item = (usize, &'a Endpoint)>) -> Self {
        self.endpoints = endpoints.map(|(index, _)| index).collect();
        self
    }
}

/// The place of a value that is set in a file.
fn location(source: &Source) -> Option<Location> {
    let Source::File(Place { path, position, .. }) = source else {
        return None;
    };
    Some(Location {
        file: path.display().to_string(),
        line: position.map(|position| position.line),
        column: position.map(|position| position.column),
        text: None,
    })
}

/// What grpc-go says when its dialer refuses an address.
fn dial_error(text: impl std::fmt::Display) -> String {
    format!("connection error: desc = \"transport: Error while dialing: dial tcp: {text}\"")
}

#[cfg(test)]
mod tests {
    use super::RULES;
    use super::fixture::{file, variables};
    use crate::evidence::Evidence;

    /// Whatever the rules say about evidence whose secret has this in it.
    fn said(evidence: &Evidence) -> String {
        let drafts = RULES.iter().flat_map(|rule| (rule.check)(evidence));
        drafts.map(|draft| format!("{draft:?}")).collect()
    }

    #[test]
    fn no_finding_shows_a_secret() {
        let keys = [
            "grpcs://n:hunter2hunter2@gw.example",
            "grpcs://n:hunter2hunter2@gw.example:",
            "grpcs://n:hunter2hunter2@::1:8443",
            "grpcs://n:hunter2hunter2@gw.example:70000",
            "tls://n:hunter2hunter2@gw.example:8443",
            "grpcs://n:hunter2/hunter2@gw.example:8443",
            "grpcs://n:hunter2 hunter2@gw.example:8443",
            "grpcs://n:hunter2%hunter2@gw.example:8443",
            "n:hunter2hunter2@gw.example:8443",
            "'grpcs://n:hunter2hunter2@gw.example:8443'",
            "HOOP_KEY=grpcs://n:hunter2hunter2@gw.example:8443",
            "xagt-hunter2hunter2",
            "hunter2hunter2",
            "grpcs://hunter2hunter2",
        ];
        for key in keys {
            for name in ["HOOP_KEY", "HOOP_DSN"] {
                let said = said(&variables(&[(name, key)]));
                assert!(!said.is_empty() && !said.contains("hunter2"), "{key}: {said}");
            }
            let said = said(&file(
                &format!("grpc_url = \"\"\"{key}\"\"\"\ntoken = \"hunter2 hunter2\"\n"),
                &[],
            ));
            assert!(
                key.starts_with("grpcs://h") || key.starts_with("hunter2") || !said.contains("hunter2"),
                "{key}: {said}"
            );
        }
    }
}
