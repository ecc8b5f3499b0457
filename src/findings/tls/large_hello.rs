//! HD316: a hello of two packets is lost, one of a single packet is answered.

use hoop_doctor_probes::tls::TlsFailure;

use crate::evidence::Evidence;
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(316),
    name: "large-hello-blocked",
    severity: Severity::Error,
    summary: "the TLS handshake works only with a small hello",
    explain: include_str!("../../../docs/findings/HD316.md"),
    breaks: Breaks::Every,
    explains: &[Code(318), Code(212)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let how = match endpoint.tls_failure()? {
            TlsFailure::Closed | TlsFailure::Reset => "ends the connection",
            TlsFailure::TimedOut => "gets no answer",
            _ => return None,
        };
        endpoint.heard_in(Experiment::SmallHello)?.handshake()?;
        // A second hello as large as Go's that is answered says that its size was not the matter.
        if endpoint
            .heard_in(Experiment::OfferBoth)
            .is_some_and(|heard| heard.handshake().is_some())
        {
            return None;
        }
        // Neither is it where the same hello arrives in smaller packets.
        if endpoint.in_segments().any(|(_, heard)| heard.handshake().is_some()) {
            return None;
        }
        let draft = Draft::new(
            format!(
                "{} answers a TLS hello that fits into one packet; one with the post-quantum key share that Go sends {how}",
                endpoint.target.address()
            ),
            "update or bypass the firewall, inspector or load balancer on the way that can't read a hello of two packets; \
             until then switch the key share off for the agent or client",
        );
        Some(
            draft
                .shell("export GODEBUG=tlsmlkem=0   # for the agent or client: a hello without the post-quantum key share")
                .seen_in(endpoint, &["tls", "small-hello/tls"])
                .logged_as(&[
                    "connection error: desc = \"transport: authentication handshake failed: EOF\"",
                    "connection error: desc = \"transport: authentication handshake failed: read tcp {local}->{addr}: read: connection reset by peer\"",
                    "connection error: desc = \"transport: authentication handshake failed: context deadline exceeded\"",
                ]),
        )
    })
}
