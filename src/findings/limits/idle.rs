//! HD703: a stream on which nothing flows is cut.

use super::held;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(703),
    name: "idle-timeout",
    severity: Severity::Error,
    summary: "a quiet stream is cut after a while",
    explain: include_str!("../../../docs/findings/HD703.md"),
    breaks: Breaks::Later,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let idle = held::idle(endpoint.measured.as_ref()?)?;
        let severity = match idle.after_ms {
            ..KEPT_ALIVE => Severity::Error,
            KEPT_ALIVE..LONG_ENOUGH => Severity::Warn,
            LONG_ENOUGH.. => return None,
        };
        let after = held::seconds(idle.after_ms);
        let http2 = idle.held.http2.as_ref()?;
        let what = match idle.forgotten {
            false => format!(
                "a stream through {} on which nothing flows is cut after {after} ({})",
                endpoint.target.address(),
                held::end(http2)
            ),
            true => format!(
                "a stream through {} on which nothing flows is forgotten within {after}: it seems open, and nothing comes back any more",
                endpoint.target.address()
            ),
        };
        let means = match idle.after_ms {
            ..KEEPALIVE => "an agent sends a packet every 10 s only, and so it loses its stream",
            KEEPALIVE..KEPT_ALIVE => "an agent sends a packet every 10 s, and any delay of one costs it its stream",
            KEPT_ALIVE.. => {
                "agents survive, they send a packet every 10 s; `hoop connect` that waits for an approval doesn't"
            }
        };
        let draft = Draft::new(
            format!("{what}; {means}"),
            "let a stream of /protobuf.Transport/ be quiet for an hour",
        );
        Some(
            draft
                .severity(severity)
                .snippet(
                    Proxy::Nginx,
                    "# in the location for /protobuf.Transport/\nclient_body_timeout 1h;\ngrpc_read_timeout 1h;\ngrpc_send_timeout 1h;",
                )
                .snippet(
                    Proxy::IngressNginx,
                    "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/proxy-read-timeout: \"3600\"\n    \
                     nginx.ingress.kubernetes.io/proxy-send-timeout: \"3600\"\n\
                     # and in the controller's ConfigMap:\n# data: { client-body-timeout: \"3600\" }",
                )
                .snippet(
                    Proxy::Envoy,
                    "stream_idle_timeout: 3600s   # in HttpConnectionManager; idle_timeout of the route where that is set",
                )
                .snippet(
                    Proxy::Istio,
                    "# an EnvoyFilter for the gateway, applyTo: NETWORK_FILTER, on envoy.filters.network.http_connection_manager\n\
                     patch:\n  operation: MERGE\n  value:\n    typed_config:\n      \
                     \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\n      \
                     stream_idle_timeout: 3600s",
                )
                .snippet(
                    Proxy::Haproxy,
                    "# in the backend for gRPC, or in defaults; timeout tunnel doesn't count\ntimeout server 1h",
                )
                .snippet(
                    Proxy::Caddy,
                    "# in the global options; the default of Caddy 2.11 is 60s\nservers {\n    timeouts {\n        read_body_idle 1h\n        write_idle 1h\n    }\n}",
                )
                .snippet(
                    Proxy::AwsAlb,
                    "aws elbv2 modify-load-balancer-attributes --load-balancer-arn LOAD_BALANCER_ARN --attributes Key=idle_timeout.timeout_seconds,Value=4000",
                )
                .seen_in(endpoint, &["held-silent", "held-busy"])
                .logs(match idle.forgotten {
                    // Nobody tells the agent anything.
                    true => Vec::new(),
                    false => held::logged(http2),
                }),
        )
    })
}

/// How often an agent sends a packet (`pb.DefaultKeepAlive`), in milliseconds.
const KEEPALIVE: u64 = 10_000;
/// Below this, in milliseconds, such a packet may come too late.
pub(in crate::findings) const KEPT_ALIVE: u64 = 15_000;
/// Nobody waits longer than this, in milliseconds, for an approval.
pub(in crate::findings) const LONG_ENOUGH: u64 = 300_000;

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Severity;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::limits::fixture::{End, Fate, RESET, found, leads_back, says, streams};
    use hoop_doctor_probes::wire::frame::ErrorCode;

    #[test]
    fn below_an_agents_keepalive_it_is_an_error() {
        let quiet = Fate::Ends(3_000, RESET);
        let draft = only(&RULE, &found(streams(quiet, quiet, Fate::Lives)));
        assert_eq!(draft.severity, Some(Severity::Error));
        assert_eq!(
            draft.message,
            "a stream through gw.example:8443 on which nothing flows is cut after 3.0 s (RST_STREAM INTERNAL_ERROR); \
             an agent sends a packet every 10 s only, and so it loses its stream"
        );
        assert_eq!(draft.evidence, ["grpc/held-silent", "grpc/held-busy"]);
        leads_back(&RULE, &draft);
    }

    #[test]
    fn above_it_only_who_waits_for_an_approval_is_cut() {
        for (after, severity) in [
            (14_999, Severity::Error),
            (15_000, Severity::Warn),
            (20_000, Severity::Warn),
            (60_000, Severity::Warn),
        ] {
            let draft = only(
                &RULE,
                &found(streams(Fate::Ends(after, RESET), Fate::Lives, Fate::Lives)),
            );
            assert_eq!(draft.severity, Some(severity), "{after}");
        }
    }

    #[test]
    fn nobody_waits_longer_than_five_minutes() {
        silent(
            &RULE,
            &found(streams(Fate::Ends(400_000, RESET), Fate::Lives, Fate::Lives)),
        );
    }

    #[test]
    fn each_proxys_way_to_cut_leads_back_here() {
        for end in [
            RESET,
            End::Reset(ErrorCode::PROTOCOL_ERROR),
            End::Http(504),
            End::Http(408),
            End::Connection,
        ] {
            let draft = only(
                &RULE,
                &found(streams(Fate::Ends(20_000, end), Fate::Lives, Fate::Lives)),
            );
            assert!(!draft.logged_as.is_empty(), "{end:?}");
            leads_back(&RULE, &draft);
        }
    }

    #[test]
    fn a_stream_that_is_forgotten_tells_nobody() {
        let draft = only(&RULE, &found(streams(Fate::Forgotten, Fate::Lives, Fate::Lives)));
        let start = "a stream through gw.example:8443 on which nothing flows is forgotten within 65.0 s: \
                     it seems open, and nothing comes back any more; agents survive";
        assert!(draft.message.starts_with(start), "{}", draft.message);
        assert_eq!(draft.severity, Some(Severity::Warn));
        assert!(draft.logged_as.is_empty());
    }

    #[test]
    fn where_all_streams_live_or_all_are_forgotten_it_is_not_the_silence() {
        silent(&RULE, &found(streams(Fate::Lives, Fate::Lives, Fate::Lives)));
        silent(
            &RULE,
            &found(streams(Fate::Forgotten, Fate::Forgotten, Fate::Forgotten)),
        );
        silent(
            &RULE,
            &found(streams(Fate::Lives, Fate::Lives, Fate::Ends(20_000, RESET))),
        );
    }

    #[test]
    fn who_ends_the_run_early_learns_nothing() {
        let gone = Fate::Interrupted(30_000);
        says(streams(gone, gone, gone), &[]);
        // What was cut before that was cut, but nobody knows whether the others would have been.
        says(streams(Fate::Ends(20_000, RESET), gone, gone), &[]);
        // The answers were on their way.
        let nearly = Fate::Interrupted(65_200);
        says(streams(nearly, Fate::Lives, Fate::Lives), &[]);
    }
}
