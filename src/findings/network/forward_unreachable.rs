//! HD209: there is no connection to the forward proxy.

use hoop_doctor_probes::dns::{Dns, DnsFailure};
use hoop_doctor_probes::tcp::{Attempt, TcpFailure, Unreachable};

use super::{past, works_past};
use crate::config::Via;
use crate::evidence::{Evidence, Kind};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(209),
    name: "forward-proxy-unreachable",
    severity: Severity::Error,
    summary: "the forward proxy can't be reached",
    explain: include_str!("../../../docs/findings/HD209.md"),
    breaks: Breaks::Every,
    explains: &[Code(211)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let via = endpoint.target.via.as_ref()?;
        let forward = endpoint.forward.as_ref()?;
        if endpoint.chosen.is_some() {
            return None;
        }
        let kind = endpoint.target.kind;
        let nameless = forward.dns.as_ref().and_then(|dns| no_address(dns, via, kind));
        let (what, probe, logged) = nameless.or_else(|| no_connection(forward.tcp.first()?, kind))?;
        let wrong_port = match (via.port, via.scheme.as_str(), kind) {
            (443, scheme, Kind::Grpc) if scheme != "https" => {
                ", and write its port: without one gRPC takes 443, whatever the scheme"
            }
            _ => "",
        };
        let remedy = match works_past(endpoint) {
            true => format!(
                "go past it, which works from here: add {} to NO_PROXY; or correct {}{wrong_port}",
                endpoint.target.host, via.variable
            ),
            false => format!(
                "correct {}{wrong_port}; or take it away, where this network needs no proxy",
                via.variable
            ),
        };
        let draft = Draft::new(format!("the forward proxy {} {what}", via.shown()), remedy);
        Some(past(draft.seen_in(endpoint, &[&probe]).logs(logged), endpoint))
    })
}

/// What is wrong, the observation that shows it, and how Go's texts start.
type Fault = (String, String, Vec<String>);

fn no_address(dns: &Dns, via: &Via, kind: Kind) -> Option<Fault> {
    if !dns.addresses.is_empty() || dns.failure == Some(DnsFailure::Interrupted) {
        return None;
    }
    let lookup = format!("lookup {}", via.host);
    let mut logged = vec![dialling(kind, &format!("dial tcp: {lookup}"))];
    if kind == Kind::Grpc {
        // A name that doesn't exist is left to the dialer; a server that fails ends grpc-go's own resolver.
        logged.push(format!(
            "rpc error: code = Unavailable desc = dns: A record lookup error: {lookup}"
        ));
    }
    let what = format!("has no address: {} can't be resolved", via.host);
    Some((what, "dns".to_owned(), logged))
}

fn no_connection(attempt: &Attempt, kind: Kind) -> Option<Fault> {
    let (what, errors): (&str, &[&str]) = match attempt.outcome.as_ref().err()? {
        TcpFailure::Interrupted => return None,
        TcpFailure::Refused => ("refuses connections", &["connect: connection refused"]),
        TcpFailure::Reset => ("resets connections", &["connect: connection reset by peer"]),
        TcpFailure::TimedOut => ("doesn't answer", &["i/o timeout", "connect: connection timed out"]),
        TcpFailure::Unreachable { what } => (
            "can't be reached from here",
            match what {
                Unreachable::Network => &["connect: network is unreachable"],
                Unreachable::Host => &["connect: no route to host"],
                Unreachable::Forbidden => &["connect: permission denied", "connect: operation not permitted"],
                Unreachable::AddressNotAvailable => &["connect: cannot assign requested address"],
            },
        ),
        TcpFailure::Other { .. } => ("can't be connected to", &["connect: "]),
    };
    let logged = errors
        .iter()
        .map(|error| dialling(kind, &format!("dial tcp {{addr}}: {error}")));
    Some((what.to_owned(), format!("tcp/{}", attempt.addr), logged.collect()))
}

fn dialling(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Grpc => format!("connection error: desc = \"transport: Error while dialing: {text}"),
        Kind::Rest => format!("proxyconnect tcp: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::tcp::TcpFailure;

    use super::RULE;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::network::fixture::{nameless, open, through, unreached};

    #[test]
    fn the_proxys_address_is_named_and_not_the_gateways() {
        let draft = only(
            &RULE,
            &through("http://proxy.example:3128", unreached(TcpFailure::Refused)),
        );
        assert_eq!(
            draft.message,
            "the forward proxy proxy.example:3128 (HTTPS_PROXY) refuses connections"
        );
        assert_eq!(
            draft.logged_as,
            ["connection error: desc = \"transport: Error while dialing: dial tcp {addr}: connect: connection refused"]
        );
    }

    #[test]
    fn a_port_that_isnt_written_is_443_for_grpc() {
        let draft = only(&RULE, &through("http://proxy.example", unreached(TcpFailure::TimedOut)));
        assert!(draft.message.contains("proxy.example:443"), "{}", draft.message);
        assert!(draft.remedy.text.contains("write its port"), "{}", draft.remedy.text);
    }

    #[test]
    fn a_name_without_an_address_is_the_proxys() {
        let draft = only(&RULE, &through("http://proxy.example:3128", nameless()));
        assert_eq!(draft.evidence, ["grpc/dns"]);
        assert_eq!(
            draft.logged_as,
            [
                "connection error: desc = \"transport: Error while dialing: dial tcp: lookup proxy.example",
                "rpc error: code = Unavailable desc = dns: A record lookup error: lookup proxy.example",
            ]
        );
    }

    #[test]
    fn a_proxy_that_answers_is_reached() {
        silent(&RULE, &through("http://proxy.example:3128", open()));
    }
}
