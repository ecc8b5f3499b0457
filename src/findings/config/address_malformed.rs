//! HD014: an address that Go can't dial.

use super::line::{grpc_value, meant, mended, usual_port};
use super::{dial_error, for_each_problem};
use crate::config::{AddressFault, ProblemKind};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};
use crate::gourl::address::{DialError, SplitFault};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(14),
    name: "address-malformed",
    severity: Severity::Error,
    summary: "the gRPC address is one that Go can't dial",
    explain: include_str!("../../../docs/findings/HD014.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::AddressMalformed { address, fault } = &case.problem.kind else {
            return None;
        };
        let (what, remedy) = words(address, fault);
        let mut draft = Draft::new(
            format!("{address:?} in {} can't be dialled: {what}", case.problem.source),
            format!("{remedy}; the form is scheme, host and port"),
        );
        if let Some(identity) = case.identity() {
            let security = meant(address, identity);
            let authority = mended(address).unwrap_or_else(|| format!("gateway.example.com:{}", usual_port(security)));
            draft = draft.line(&case.problem.source, &grpc_value(identity, security, &authority));
        }
        draft.logged_as.extend(logged(fault));
        Some(draft)
    })
}

/// What is wrong, and what to do.
fn words(address: &str, fault: &AddressFault) -> (String, &'static str) {
    let around =
        address.contains("//") || address.starts_with(|char: char| !char.is_ascii_alphanumeric() && char != '[');
    match fault {
        AddressFault::WrongFormat(_) if address.is_empty() => {
            ("there is no host before the port".to_owned(), "name the host")
        }
        AddressFault::WrongFormat(_) if address.matches(':').count() > 1 => (
            "an IPv6 address needs brackets around it".to_owned(),
            "put the address in brackets, and the port behind them",
        ),
        AddressFault::WrongFormat(_) | AddressFault::HostMissing => {
            ("there is no host before the port".to_owned(), "name the host")
        }
        AddressFault::PortZero => ("nothing listens on port 0".to_owned(), "write the gateway's port"),
        AddressFault::UnixSocket => (
            "it is a Unix socket, on which no gateway listens".to_owned(),
            "write the gateway's host and port",
        ),
        AddressFault::Dial(error) => (error.to_string(), after_refusal(error, around)),
    }
}

fn after_refusal(error: &DialError, around: bool) -> &'static str {
    match error {
        DialError::Split {
            fault: SplitFault::TooManyColons,
            ..
        } if around => {
            "Go can't read it as a URL and takes the whole text for a host: \
             take away spaces, quotes and line ends, write :// behind the scheme and digits for the port, and put an IPv6 address in brackets"
        }
        DialError::Split {
            fault: SplitFault::TooManyColons,
            ..
        } => "write :// behind the scheme, and put an IPv6 address in brackets",
        DialError::Split { .. } | DialError::DnsInvalid { .. } => {
            "use brackets only around an IPv6 address, with the port behind them"
        }
        DialError::InvalidPort(_) => "write a port from 1 to 65535",
        DialError::UnknownPort(_) => {
            "write the port in digits, and nothing behind it: without a scheme a slash belongs to the port"
        }
        DialError::NoSuchHost(_) if around => "write :// behind the scheme, and take away spaces and quotes",
        DialError::NoSuchHost(_) | DialError::DnsNoAddress => {
            "correct the host: no resolver is ever asked for such a name"
        }
        DialError::Target(_) => "take away what can't be in an address: spaces, quotes, percent signs",
        DialError::Empty => "write the gateway's host and port",
        DialError::DnsMissingAddress | DialError::DnsEndsWithColon => "name host and port behind dns:///",
    }
}

/// What Hoop says at once stands in the problem; what the dialer says comes wrapped.
fn logged(fault: &AddressFault) -> Option<String> {
    match fault {
        AddressFault::Dial(
            error @ (DialError::Split { .. }
            | DialError::InvalidPort(_)
            | DialError::UnknownPort(_)
            | DialError::NoSuchHost(_)),
        ) => Some(dial_error(error)),
        AddressFault::PortZero | AddressFault::HostMissing => Some(dial_error_of("{addr}: connect: connection refused")),
        AddressFault::UnixSocket => Some("connection error: desc = \"transport: Error while dialing: dial unix {path}: connect: no such file or directory\"".to_owned()),
        AddressFault::Dial(
            DialError::Target(_)
            | DialError::Empty
            | DialError::DnsMissingAddress
            | DialError::DnsNoAddress
            | DialError::DnsEndsWithColon
            | DialError::DnsInvalid { .. },
        )
        | AddressFault::WrongFormat(_) => None,
    }
}

fn dial_error_of(rest: &str) -> String {
    format!("connection error: desc = \"transport: Error while dialing: dial tcp {rest}\"")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet, variables};

    fn check(address: &str, message: &str, line: &str, logged: &str) {
        let config = format!("grpc_url = '''{address}'''\n");
        let draft = only(&RULE, &file(&config, &[]));
        let (start, end) = message
            .split_once('|')
            .expect("a message leaves the place of the file out");
        assert!(
            draft.message.starts_with(start) && draft.message.ends_with(end),
            "{}",
            draft.message
        );
        assert_eq!(snippet(&draft), line);
        assert!(
            draft.logged_as.iter().any(|text| text.contains(logged)),
            "{:?}",
            draft.logged_as
        );
    }

    #[test]
    fn each_slip_is_explained_and_mended() {
        check(
            " grpc://gw.example:8010",
            "\" grpc://gw.example:8010\" in |can't be dialled: address  grpc://gw.example:8010: too many colons in address",
            "grpc_url = \"grpc://gw.example:8010\"",
            "dial tcp: address  grpc://gw.example:8010: too many colons in address",
        );
        check(
            "gw.example:8443/",
            "\"gw.example:8443/\" in |can't be dialled: lookup tcp/8443/: unknown port",
            "grpc_url = \"grpcs://gw.example:8443\"",
            "dial tcp: lookup tcp/8443/: unknown port",
        );
        check(
            "grpcs://::1:8443",
            "\"grpcs://::1:8443\" in |can't be dialled: address ::1:8443: too many colons in address",
            "grpc_url = \"grpcs://[::1]:8443\"",
            "dial tcp: address ::1:8443: too many colons in address",
        );
        check(
            "gw.example:70000",
            "\"gw.example:70000\" in |can't be dialled: address 70000: invalid port",
            "grpc_url = \"grpcs://gateway.example.com:8443\"",
            "dial tcp: address 70000: invalid port",
        );
        check(
            ":8010",
            "\":8010\" in |can't be dialled: there is no host before the port",
            "grpc_url = \"grpcs://gateway.example.com:8443\"",
            "server address is in wrong format",
        );
    }

    #[test]
    fn a_key_with_ipv6_gets_its_brackets() {
        let draft = only(
            &RULE,
            &variables(&[("HOOP_KEY", "grpcs://n:secret@2001:db8::1:8443?mode=standard")]),
        );
        assert_eq!(
            snippet(&draft),
            "HOOP_KEY=grpcs://n:••••@[2001:db8::1]:8443?mode=standard"
        );
    }

    #[test]
    fn what_go_dials_is_fine_however_odd() {
        silent(
            &RULE,
            &file("grpc_url = \"grpcs://u:p@gw.example:8443/path?q#f\"\n", &[]),
        );
        silent(&RULE, &file("grpc_url = \"//gw.example:8443\"\n", &[]));
    }
}
