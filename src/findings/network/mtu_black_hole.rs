//! HD206: what is said in large packets never arrives, the same in smaller ones does.

use std::net::SocketAddr;

use hoop_doctor_probes::tls::TlsFailure;

use crate::evidence::{Endpoint, Evidence};
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(206),
    name: "mtu-black-hole",
    severity: Severity::Error,
    summary: "small packets pass, and large ones vanish",
    explain: include_str!("../../../docs/findings/HD206.md"),
    breaks: Breaks::Every,
    explains: &[Code(207), Code(212)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let (size, confidence) = passing(endpoint)?;
        let chosen = endpoint.chosen?;
        let packet = size + headers(chosen);
        let route = endpoint.route.as_ref();
        let by = route.map_or_else(String::new, |route| {
            let tunnel = if route.is_tunnel() { "the tunnel " } else { "" };
            format!(
                "; they leave by {tunnel}{}, whose MTU is {}",
                route.interface, route.mtu
            )
        });
        let interface = route.map_or("DEV", |route| route.interface.as_str());
        let draft = Draft::new(
            format!(
                "on the way to {chosen} large packets vanish: the TLS handshake hangs, and works in packets of {packet} bytes{by}"
            ),
            format!(
                "lower the MTU of the VPN, tunnel or interface to {packet}, or let ICMP \"fragmentation needed\" and ICMPv6 \
                 \"packet too big\" pass every firewall on the way"
            ),
        );
        let draft = match confidence {
            Confidence::Certain => draft,
            Confidence::Likely | Confidence::Possible => draft.candidate(
                315,
                "a filter that reads the server's name, and loses its place where the hello comes in smaller packets",
            ),
        };
        Some(
            draft
                .confidence(confidence)
                .shell(format!("ip link set dev {interface} mtu {packet}   # on this machine"))
                .seen_in(endpoint, &["tls", &format!("small-segments/{size}/tls"), "nameless-hello/tls"])
                .logged_as(&[
                    "connection error: desc = \"transport: authentication handshake failed: context deadline exceeded\"",
                    "context deadline exceeded while waiting for connections to become ready",
                ]),
        )
    })
}

/// The largest segments in which a handshake works that hangs in those of the interface.
fn passing(endpoint: &Endpoint) -> Option<(u16, Confidence)> {
    if *endpoint.tls_failure()? != TlsFailure::TimedOut {
        return None;
    }
    let (size, _) = endpoint.in_segments().find(|(_, heard)| heard.handshake().is_some())?;
    // The same hello but for the name, at the same moment: a server that was merely slow answers it, in packets of any size.
    let confidence = match endpoint.heard_in(Experiment::NamelessHello)?.tls {
        None | Some(Err(TlsFailure::TimedOut)) => Confidence::Certain,
        Some(Err(_)) => Confidence::Likely,
        Some(Ok(_)) => return None,
    };
    Some((size, confidence))
}

/// What IP and TCP put before a segment, without options, in bytes.
fn headers(addr: SocketAddr) -> u16 {
    match addr {
        SocketAddr::V4(_) => 40,
        SocketAddr::V6(_) => 60,
    }
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::conversation::Heard;
    use hoop_doctor_probes::tcp::Attempt;
    use hoop_doctor_probes::tls::TlsFailure;

    use super::RULE;
    use crate::config::Asked;
    use crate::evidence::{Evidence, Trial};
    use crate::experiments::{Experiment, SEGMENTS};
    use crate::findings::config::fixture::{asked, silent};

    /// A handshake that hangs in packets of any size, but for the nameless one, which ends so.
    fn hanging(nameless: TlsFailure) -> Evidence {
        let flags = Asked {
            grpc_url: Some("grpcs://gw.example:8443".to_owned()),
            ..Asked::default()
        };
        let mut evidence = asked(&[], &flags);
        let heard = |failure| {
            Some(Heard {
                tls: Some(Err(failure)),
                ..Heard::default()
            })
        };
        let addr = ([192, 0, 2, 10], 8443).into();
        let trial = |experiment, segment, failure| Trial {
            experiment,
            segment,
            tcp: Some(Attempt {
                addr,
                outcome: Ok(()),
                started_ms: 302,
                duration_ms: 1,
            }),
            heard: heard(failure),
        };
        for endpoint in &mut evidence.wire.endpoints {
            endpoint.chosen = Some(addr);
            endpoint.base = heard(TlsFailure::TimedOut);
            endpoint.trials = vec![trial(Experiment::NamelessHello, None, nameless.clone())];
            let small = |size| trial(Experiment::SmallSegments, Some(size), TlsFailure::TimedOut);
            endpoint.trials.extend(SEGMENTS.map(small));
        }
        evidence
    }

    #[test]
    fn a_server_that_answers_no_size_is_silent_for_another_reason() {
        silent(&RULE, &hanging(TlsFailure::TimedOut));
        silent(&RULE, &hanging(TlsFailure::Closed));
    }
}
