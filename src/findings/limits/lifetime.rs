//! HD704: every stream is cut at a certain age.

use super::held;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(704),
    name: "stream-lifetime",
    severity: Severity::Error,
    summary: "a stream is cut after a fixed time, whatever flows on it",
    explain: include_str!("../../../docs/findings/HD704.md"),
    breaks: Breaks::Later,
    explains: &[Code(411), Code(613)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let (after_ms, busy) = held::lifetime(endpoint.measured.as_ref()?)?;
        let http2 = busy.http2.as_ref()?;
        let after = held::seconds(after_ms);
        let draft = Draft::new(
            format!(
                "every stream through {} is cut {after} after it began, whatever flows on it ({}): an agent loses its sessions and connects anew every {after}",
                endpoint.target.address(),
                held::end(http2)
            ),
            "take the limit on the duration of a request away for /protobuf.Transport/",
        );
        Some(
            draft
                .snippet(
                    Proxy::Traefik,
                    "# in the static configuration; the default is 60s\nentryPoints:\n  websecure:   # the one that gRPC comes in by\n    \
                     transport:\n      respondingTimeouts:\n        readTimeout: 0s",
                )
                .snippet(
                    Proxy::Envoy,
                    "common_http_protocol_options:   # of HttpConnectionManager\n  max_stream_duration: 0s\n\
                     # and take max_stream_duration off the route for /protobuf.Transport/",
                )
                .snippet(
                    Proxy::Istio,
                    "# no timeout in the VirtualService's or HTTPRoute's rule for /protobuf.Transport\ntimeout: 0s",
                )
                .snippet(
                    Proxy::Caddy,
                    "# in the global options: take away write and read_body\nservers {\n    timeouts {\n        write 0\n    }\n}",
                )
                .seen_in(endpoint, &["held-keepalive", "held-busy"])
                .logs(held::logged(http2)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::only;
    use crate::findings::limits::fixture::{End, Fate, RESET, found, leads_back, says, streams};
    use hoop_doctor_probes::wire::status::Status;

    #[test]
    fn streams_that_all_end_at_one_age_have_a_limit() {
        let ends = |after| Fate::Ends(after, RESET);
        let measured = streams(ends(3_004), ends(2_998), ends(3_011));
        let draft = only(&RULE, &found(measured.clone()));
        assert_eq!(
            draft.message,
            "every stream through gw.example:8443 is cut 3.0 s after it began, whatever flows on it (RST_STREAM INTERNAL_ERROR): \
             an agent loses its sessions and connects anew every 3.0 s"
        );
        assert_eq!(draft.evidence, ["grpc/held-keepalive", "grpc/held-busy"]);
        leads_back(&RULE, &draft);
        says(measured, &[704]);
    }

    #[test]
    fn a_connection_that_ends_leads_back_here_too() {
        let ends = Fate::Ends(60_000, End::Connection);
        let draft = only(&RULE, &found(streams(ends, ends, ends)));
        assert!(
            draft.message.contains("(the connection was closed)"),
            "{}",
            draft.message
        );
        leads_back(&RULE, &draft);
    }

    /// Caddy's `write` beside a shorter idle limit.
    #[test]
    fn a_silent_stream_that_ends_earlier_has_a_limit_of_its_own() {
        let old = Fate::Ends(60_000, RESET);
        says(streams(Fate::Ends(20_000, RESET), old, old), &[703, 704]);
    }

    #[test]
    fn one_stream_that_ends_is_an_accident() {
        let ends = Fate::Ends(30_000, RESET);
        says(streams(Fate::Lives, Fate::Lives, ends), &[]);
        says(streams(Fate::Lives, ends, Fate::Lives), &[]);
    }

    /// Envoy's `request_timeout`, which an agent's stream outlives.
    #[test]
    fn a_limit_on_incomplete_requests_is_none_on_streams() {
        let ends = Fate::Ends(3_000, End::Grpc(Status(4), "request timeout"));
        says(streams(ends, ends, ends), &[]);
    }

    /// HAProxy's queue, a limiter's page: what waits there never began, and what runs is not cut.
    #[test]
    fn a_queue_that_turns_streams_away_ends_none() {
        for status in [429, 503] {
            let ends = |after| Fate::Ends(after, End::Http(status));
            says(streams(ends(100), ends(98), ends(103)), &[]);
        }
        let ends = |after| Fate::Ends(after, End::Http(504));
        says(streams(ends(3_000), ends(3_001), ends(3_002)), &[704]);
    }

    /// The streams began 400 ms apart.
    #[test]
    fn streams_that_end_at_one_moment_have_no_common_age() {
        let ends = |after| Fate::Ends(after, RESET);
        says(streams(ends(30_800), ends(30_400), ends(30_000)), &[613]);
    }
}
