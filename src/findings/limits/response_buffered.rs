//! HD707: the proxy collects an answer before it passes it on.

use hoop_doctor_probes::http2::CallName;

use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(707),
    name: "response-buffered",
    severity: Severity::Error,
    summary: "the proxy holds back what the gateway sends",
    explain: include_str!("../../../docs/findings/HD707.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let answer = endpoint.answer(CallName::HealthCheck).filter(|answer| answer.is_ok())?;
        // A trailers-only answer may well say 0: it has no body, and nginx adds that.
        answer.trailers.as_ref()?;
        let length: u64 = answer.head.as_ref()?.field("content-length")?.parse().ok()?;
        let draft = Draft::new(
            format!(
                "the answer to HealthCheck comes from {} with `content-length: {length}`, which the gateway never sends: the proxy had all of it before it passed any on, \
                 and a session's output would come late or never",
                endpoint.target.address()
            ),
            "take away what collects responses on /protobuf.Transport/: buffering, compression, inspection",
        );
        Some(
            draft
                .confidence(Confidence::Likely)
                .snippet(
                    Proxy::Traefik,
                    "# take the buffering and compress middlewares off the router for /protobuf.Transport/",
                )
                .snippet(
                    Proxy::Apache,
                    "# take away for /protobuf.Transport/: SetOutputFilter BUFFER, DEFLATE\nSetEnv no-gzip 1",
                )
                .snippet(
                    Proxy::Mitmproxy,
                    "mitmdump --set stream_large_bodies=1   # or exempt the host: --ignore-hosts",
                )
                .snippet(
                    Proxy::Envoy,
                    "# take the filters that read whole responses (lua with body(), ext_proc in BUFFERED mode) off the route for /protobuf.Transport/",
                )
                .seen_in(endpoint, &["health-check"]),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::evidence::{Evidence, Measured};
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::limits::fixture::{End, answer, field, found};
    use hoop_doctor_probes::http2::Head;
    use hoop_doctor_probes::wire::status::Status;

    /// HealthCheck succeeds, and this field is in its header block.
    fn health(length: Option<&str>, with_trailers: bool) -> Evidence {
        let mut answer = answer(End::Grpc(Status::OK, ""), 3);
        let fields = length.map(|length| field("content-length", length));
        if let Some(head) = &mut answer.head {
            head.fields.extend(fields);
        }
        if !with_trailers {
            let grpc = answer.trailers.take().and_then(|trailers| trailers.grpc);
            answer.head = answer.head.map(|head| Head { grpc, ..head });
        }
        let mut evidence = found(Measured::default());
        for endpoint in &mut evidence.wire.endpoints {
            let http2 = endpoint.base.as_mut().and_then(|base| base.http2.as_mut());
            http2.expect("a gateway speaks HTTP/2").answers.push(answer.clone());
        }
        evidence
    }

    #[test]
    fn who_knows_the_length_of_an_answer_has_waited_for_its_end() {
        let draft = only(&RULE, &health(Some("9"), true));
        assert_eq!(draft.confidence, Some(Confidence::Likely));
        assert_eq!(
            draft.message,
            "the answer to HealthCheck comes from gw.example:8443 with `content-length: 9`, which the gateway never sends: \
             the proxy had all of it before it passed any on, and a session's output would come late or never"
        );
    }

    /// nginx says so of an answer without a body.
    #[test]
    fn an_answer_of_trailers_alone_may_have_the_length_0() {
        silent(&RULE, &health(Some("0"), false));
    }

    #[test]
    fn an_answer_without_a_length_was_passed_on_as_it_came() {
        silent(&RULE, &health(None, true));
        silent(&RULE, &found(Measured::default()));
    }
}
