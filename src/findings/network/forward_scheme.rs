//! HD210: the forward proxy speaks TLS or SOCKS, and grpc-go speaks plain HTTP to it.

use hoop_doctor_probes::forward::{NoAnswer, Refusal};

use super::{connect_logged, past, works_past};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(210),
    name: "forward-proxy-scheme",
    severity: Severity::Error,
    summary: "gRPC speaks plain HTTP to a forward proxy that expects something else",
    explain: include_str!("../../../docs/findings/HD210.md"),
    breaks: Breaks::Every,
    explains: &[Code(208), Code(211)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let via = endpoint.target.via.as_ref().filter(|via| via.scheme != "http")?;
        let tunnel = endpoint.forward.as_ref()?.tunnel.as_ref()?;
        let confidence = match &tunnel.answer {
            // What answers CONNECT in HTTP is an HTTP proxy, whatever its URL says, but for the 400 of a TLS port.
            Ok(Refusal { head, .. }) if head.status == 400 => Confidence::Likely,
            Err(NoAnswer::Ended { .. } | NoAnswer::TimedOut) => Confidence::Likely,
            Err(NoAnswer::NotHttp { .. }) => Confidence::Certain,
            Ok(_) | Err(NoAnswer::Interrupted) => return None,
        };
        let draft = Draft::new(
            format!(
                "{} names {} as a {}:// proxy, and gRPC ignores the scheme: it sends CONNECT in plaintext, which that doesn't understand",
                via.variable,
                via.address(),
                via.scheme
            ),
            match works_past(endpoint) {
                true => format!(
                    "go past it, which works from here: add {} to NO_PROXY",
                    endpoint.target.host
                ),
                false => format!(
                    "name a proxy that takes CONNECT in plaintext, as http://…, in {}; TLS to the gateway goes on inside",
                    via.variable
                ),
            },
        );
        let draft = draft
            .seen_in(endpoint, &["connect-proxy"])
            .logs(connect_logged(endpoint, tunnel));
        let draft = match confidence {
            Confidence::Certain => draft,
            Confidence::Likely | Confidence::Possible => draft
                .candidate(208, "an HTTP proxy that hangs up on this machine, or on CONNECT")
                .decide_by_file(
                    "the proxy's access log",
                    "a CONNECT that is refused: HD208; none, or one that it can't read: HD210",
                ),
        };
        Some(past(draft.confidence(confidence), endpoint))
    })
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::forward::NoAnswer;
    use hoop_doctor_probes::wire::opening::FirstBytes;

    use super::RULE;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::network::fixture::{open, refused, through, unanswered};

    #[test]
    fn an_alert_in_answer_to_connect_is_certain() {
        let alert = || NoAnswer::NotHttp {
            first: FirstBytes::read(b"\x15\x03\x01\0\x02\x02\x46"),
        };
        let draft = only(&RULE, &through("https://proxy.example", unanswered(alert())));
        assert_eq!(draft.confidence, Some(Confidence::Certain));
        silent(&RULE, &through("http://proxy.example:443", unanswered(alert())));
    }

    /// The scheme is ignored, so that a wrong one in front of an HTTP proxy breaks nothing.
    #[test]
    fn an_http_proxy_under_another_scheme_works() {
        silent(&RULE, &through("socks5://proxy.example:3128", open()));
        silent(
            &RULE,
            &through(
                "https://proxy.example:3128",
                refused(407, "Proxy Authentication Required", &[]),
            ),
        );
    }
}
