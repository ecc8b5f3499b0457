//! Where agent and client, told to go to one address, would go there in different ways.
//!
//! Each reading is right by its own rules, so this is no finding; whether one of them fails is for the ladder to say.

use crate::config::{Ca, Identity};
use crate::evidence::{Endpoint, Kind, Target, Wire};

/// A sentence for every two gRPC endpoints that are one address.
pub(super) fn disagreements(identities: &[&Identity], wire: &Wire) -> Vec<String> {
    let grpc: Vec<Reading<'_>> = wire
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.target.kind == Kind::Grpc)
        .filter_map(|endpoint| Reading::of(endpoint, identities))
        .collect();
    let mut sentences = Vec::new();
    for (index, one) in grpc.iter().enumerate() {
        let others = grpc.iter().skip(index + 1);
        sentences.extend(others.filter_map(|other| one.against(other)));
    }
    sentences
}

/// A way to an address, and the first identity that takes it.
struct Reading<'a> {
    target: &'a Target,
    identity: &'a Identity,
}

impl<'a> Reading<'a> {
    fn of(endpoint: &'a Endpoint, identities: &[&'a Identity]) -> Option<Self> {
        let identity = identities.get(*endpoint.identities.first()?)?;
        Some(Self {
            target: &endpoint.target,
            identity,
        })
    }

    fn against(&self, other: &Self) -> Option<String> {
        let address = self.target.address();
        if !address.eq_ignore_ascii_case(&other.target.address()) {
            return None;
        }
        let (who, whom) = (self.identity.role, other.identity.role);
        let how = self.difference(other)?;
        Some(format!("{who} and {whom} disagree about {address}: {how}"))
    }

    /// What they do differently. A server name is no part of it: the variable that sets one is read by both.
    fn difference(&self, other: &Self) -> Option<String> {
        let (who, whom) = (self.identity.role, other.identity.role);
        let (one, two) = (self.target, other.target);
        let differ = |what: &str, mine: &str, theirs: &str| format!("the {who} {what} {mine}, the {whom} {theirs}");
        match (one.tls, two.tls) {
            (true, true) => {}
            (false, false) => return None,
            _ => return Some(differ("uses", security(one), security(two))),
        }
        match (one.verify, two.verify) {
            // Nothing else is left that makes them two endpoints.
            (true, true) => Some(differ("trusts", &trusted(self.identity), &trusted(other.identity))),
            (true, false) => Some(format!("the {who} checks the certificate, the {whom} does not")),
            (false, true) => Some(format!("the {whom} checks the certificate, the {who} does not")),
            // Neither looks at its CA.
            (false, false) => None,
        }
    }
}

fn security(target: &Target) -> &'static str {
    match target.tls {
        true => "TLS",
        false => "plaintext",
    }
}

fn trusted(identity: &Identity) -> String {
    match &identity.ca {
        Ca::System => "the system's authorities".to_owned(),
        Ca::Custom { source, .. } => format!("those of {source}"),
        Ca::Unusable { source } => format!("none, because of {source}"),
    }
}
