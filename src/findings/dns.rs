//! 1xx: from a name to its addresses.
//!
//! The system's resolver decides whether there are addresses; what each configured server says explains why there are none.

use std::net::IpAddr;

use hoop_doctor_probes::dns::{Dns, DnsFailure, LookupAnswer, ServerAnswer};

use super::{Draft, Rule};
use crate::evidence::Endpoint;

mod name_not_found;
mod no_address;
mod private_address;
mod resolvers_disagree;
mod server_failure;
mod slow;
mod timeout;

#[cfg(test)]
mod fixture;

pub(super) const RULES: &[&Rule] = &[
    &name_not_found::RULE,
    &no_address::RULE,
    &server_failure::RULE,
    &timeout::RULE,
    &resolvers_disagree::RULE,
    &private_address::RULE,
    &slow::RULE,
];

/// Why there are no addresses: the first server whose answer ends a resolver's search, else the most that any server said.
#[derive(Debug, PartialEq, Eq)]
enum Cause<'a> {
    /// NXDOMAIN.
    NoSuchName(&'a ServerAnswer),
    /// The name exists, without addresses.
    NoData(&'a ServerAnswer),
    /// This server knows addresses, and the system's resolver said no all the same.
    Known(&'a ServerAnswer),
    /// SERVFAIL, REFUSED and their like.
    Failed(&'a ServerAnswer, &'a str),
    /// A server that can't be reached, or sends what can't be read; what the resolver library says of it.
    Unusable(&'a ServerAnswer, &'a str),
    /// Servers were asked, and none of them said anything.
    AllSilent,
    /// There was no server to ask, and the system said no.
    Unexplained(&'a str),
    /// There was no server to ask, and the system said nothing.
    SystemSilent,
}

/// Judges a name that has no addresses; `None` where it has some, or nobody waited for the answer.
fn cause(dns: &Dns) -> Option<Cause<'_>> {
    let failure = dns.failure.as_ref().filter(|_| dns.addresses.is_empty())?;
    if *failure == DnsFailure::Interrupted {
        return None;
    }
    let servers = &dns.servers;
    let conclusive = servers.iter().find_map(|server| match said(server) {
        Said::Addresses => Some(Cause::Known(server)),
        Said::NoSuchName => Some(Cause::NoSuchName(server)),
        Said::NoData => Some(Cause::NoData(server)),
        Said::Failed(_) | Said::Unusable(_) | Said::Nothing => None,
    });
    let failed = || {
        servers.iter().find_map(|server| match said(server) {
            Said::Failed(code) => Some(Cause::Failed(server, code)),
            _ => None,
        })
    };
    let unusable = || {
        servers.iter().find_map(|server| match said(server) {
            Said::Unusable(text) => Some(Cause::Unusable(server, text)),
            _ => None,
        })
    };
    let otherwise = || match (servers.is_empty(), failure) {
        (false, _) => Cause::AllSilent,
        (true, DnsFailure::Refused { text }) => Cause::Unexplained(text),
        (true, DnsFailure::TimedOut | DnsFailure::Interrupted) => Cause::SystemSilent,
    };
    Some(conclusive.or_else(failed).or_else(unusable).unwrap_or_else(otherwise))
}

/// What the answers of one server for A and AAAA come to.
#[derive(Debug, PartialEq, Eq)]
enum Said<'a> {
    Addresses,
    NoSuchName,
    NoData,
    Failed(&'a str),
    Unusable(&'a str),
    Nothing,
}

fn said(server: &ServerAnswer) -> Said<'_> {
    let answers = [&server.a.answer, &server.aaaa.answer];
    let any = |wanted: fn(&LookupAnswer) -> bool| answers.iter().any(|answer| wanted(answer));
    if any(|answer| matches!(answer, LookupAnswer::Addresses { .. })) {
        return Said::Addresses;
    }
    if any(|answer| *answer == LookupAnswer::NoSuchName) {
        return Said::NoSuchName;
    }
    // One half of the answer alone doesn't say that there are no addresses.
    if answers.iter().all(|answer| **answer == LookupAnswer::NoData) {
        return Said::NoData;
    }
    let failed = answers.iter().find_map(|answer| match answer {
        LookupAnswer::Failed { code } => Some(Said::Failed(code)),
        _ => None,
    });
    let unusable = || {
        answers.iter().find_map(|answer| match answer {
            LookupAnswer::Unusable { text } => Some(Said::Unusable(text)),
            _ => None,
        })
    };
    failed.or_else(unusable).unwrap_or(Said::Nothing)
}

/// A network whose addresses mean nothing outside of it (RFC 1918, RFC 6598, RFC 4193), by its number and length.
fn private_network(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => match v4.octets() {
            [10, ..] => Some("10.0.0.0/8"),
            [172, 16..=31, ..] => Some("172.16.0.0/12"),
            [192, 168, ..] => Some("192.168.0.0/16"),
            [100, 64..=127, ..] => Some("100.64.0.0/10"),
            _ => None,
        },
        IpAddr::V6(v6) => v6.is_unique_local().then_some("fc00::/7"),
    }
}

/// The servers that know addresses of a name that is not found elsewhere: `, though 10.0.0.2:53 knows it`.
fn though_known(dns: &Dns) -> String {
    let knowing = dns.servers.iter().filter(|server| said(server) == Said::Addresses);
    let names: Vec<String> = knowing.map(|server| server.server.to_string()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(", though {} knows it", names.join(" and ")),
    }
}

/// A draft with what all findings about names have in common; `ends` is how Go's text goes on behind the name.
fn draft(endpoint: &Endpoint, message: String, remedy: &str, ends: &[&str]) -> Draft {
    let texts = ends.iter().map(|end| {
        format!("connection error: desc = \"transport: Error while dialing: dial tcp: lookup {{name}}{end}\"")
    });
    let texts: Vec<String> = texts.collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Draft::new(message, remedy)
        .seen_in(endpoint, &["dns"])
        .logged_as(&texts)
}
