//! HD509: connected, and no answer in time.

use hoop_doctor_probes::http2::{CallName, Reply};

use super::{is_api, is_grpc_port, proxy_name};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_rest};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(509),
    name: "api-timeout",
    severity: Severity::Error,
    summary: "calls to the API get no answer",
    explain: include_str!("../../../docs/findings/HD509.md"),
    breaks: Breaks::Some,
    explains: &[Code(212)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    // Whoever interrupts a run hasn't waited.
    if evidence.wire.interrupted {
        return Vec::new();
    }
    for_each_rest(evidence, |endpoint| {
        if is_api(endpoint) || is_grpc_port(endpoint) || endpoint.speaks_tls_instead() {
            return None;
        }
        let Reply::Silent = endpoint.reply(CallName::Healthz)? else {
            return None;
        };
        let answer = endpoint.answer(CallName::Healthz)?;
        let seconds = answer.duration_ms as f64 / 1000.0;
        let how = match answer.head {
            None => format!("doesn't answer calls to the API: nothing within {seconds:.1} s"),
            Some(_) => "begins to answer a call to the API and never ends".to_owned(),
        };
        let address = endpoint.target.address();
        let draft = Draft::new(
            format!("{} takes connections and {how}", at(proxy_name(endpoint), &address)),
            "look one hop further: ask the gateway itself on its own machine; if that answers, the hop in front of it holds the calls back, \
             and if it doesn't, read the gateway's log and restart it",
        );
        Some(
            draft
                .confidence(Confidence::Likely)
                .candidate(
                    507,
                    "a proxy leads this address to the gateway's gRPC port, and waits for HTTP/1 from there",
                )
                .decide_by_command(
                    "curl -sSi --max-time 5 http://127.0.0.1:8009/api/healthz",
                    "on the gateway's machine: an answer means that the fault is in front of the gateway",
                )
                .seen_in(endpoint, &["healthz"])
                .logged_as(&["failed fetching auth method, reason={reason}"]),
        )
    })
}

fn at(proxy: &str, address: &str) -> String {
    match proxy {
        "the proxy" => address.to_owned(),
        known => format!("{known} at {address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::rest::fixture::{HEALTHY, INFO, rest};

    #[test]
    fn silence_has_a_length() {
        let draft = only(&RULE, &rest(&[]));
        assert_eq!(
            draft.message,
            "gw.example:443 takes connections and doesn't answer calls to the API: nothing within 4.5 s"
        );
    }

    #[test]
    fn an_interrupted_run_has_not_waited() {
        let mut evidence = rest(&[]);
        evidence.wire.interrupted = true;
        silent(&RULE, &evidence);
    }

    #[test]
    fn a_handshake_that_failed_is_another_matter() {
        let mut evidence = rest(&[]);
        evidence.wire.endpoints[0].base = None;
        silent(&RULE, &evidence);
        silent(&RULE, &rest(&[HEALTHY, INFO]));
    }
}
