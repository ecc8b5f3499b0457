//! HD702: a large token doesn't pass.

use hoop_doctor_probes::http2::Http2;
use hoop_doctor_probes::wire::frame::ErrorCode;

use super::held;
use crate::evidence::Evidence;
use crate::findings::grpc::logged;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(702),
    name: "header-limit",
    severity: Severity::Warn,
    summary: "the proxy refuses a header as long as a large token",
    explain: include_str!("../../../docs/findings/HD702.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let border = endpoint.measured.as_ref()?.long_field.as_ref()?;
        let whose = match border.how.goaway {
            // nginx gives up the connection, not the call.
            Some(_) => ", and with it every stream of the connection",
            None => "",
        };
        let draft = Draft::new(
            format!(
                "{} refuses a call with a token of {} bytes ({}){whose}, and lets one of {} pass: whoever has a larger one can't connect",
                endpoint.target.address(),
                border.fails,
                held::end(&border.how),
                border.passes
            ),
            "let a header be 64 KiB long: a token with many groups is larger than 8 KiB",
        );
        let severity = match border.fails {
            ..=COMMON => Severity::Error,
            _ => Severity::Warn,
        };
        Some(
            draft
                .severity(severity)
                .snippet(
                    Proxy::Nginx,
                    "large_client_header_buffers 4 64k;   # in the http or server block",
                )
                .snippet(
                    Proxy::IngressNginx,
                    "# in the controller's ConfigMap\ndata:\n  large-client-header-buffers: \"4 64k\"",
                )
                .snippet(
                    Proxy::Envoy,
                    "max_request_headers_kb: 96   # in HttpConnectionManager; the default is 60",
                )
                .snippet(Proxy::Haproxy, "tune.bufsize 65536   # in global")
                .snippet(
                    Proxy::Apache,
                    "# in the server or virtual host\nLimitRequestFieldSize 65536",
                )
                .snippet(
                    Proxy::Caddy,
                    "# in the global options\nservers {\n    max_header_size 64KB\n}",
                )
                .snippet(Proxy::Nghttpx, "request-header-field-buffer=131072")
                .seen_in(endpoint, &["long-field"])
                .logs(logged_as(&border.how)),
        )
    })
}

/// Ordinary tokens are as long as this, in bytes.
pub(in crate::findings) const COMMON: u32 = 4096;

fn logged_as(how: &Http2) -> Vec<String> {
    match &how.goaway {
        Some(goaway) if goaway.code == ErrorCode::ENHANCE_YOUR_CALM => vec![
            "rpc error: code = Unavailable desc = the connection is draining".to_owned(),
            "closing transport due to: connection error: desc = \"error reading from server: EOF\", \
             received prior goaway: code: ENHANCE_YOUR_CALM"
                .to_owned(),
        ],
        Some(_) => vec!["rpc error: code = Unavailable desc = the connection is draining".to_owned()],
        None => how.answers.first().map(logged::by_call).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::evidence::{Evidence, Measured};
    use crate::findings::Severity;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::limits::fixture::{End, border, found, goaway, leads_back};
    use hoop_doctor_probes::wire::frame::ErrorCode;

    fn refused(passes: u32, fails: u32, end: End) -> Evidence {
        found(Measured {
            long_field: border(passes, fails, end),
            ..Measured::default()
        })
    }

    #[test]
    fn a_token_that_few_have_is_a_warning() {
        let draft = only(&RULE, &refused(8_064, 8_128, End::Http(431)));
        assert_eq!(draft.severity, Some(Severity::Warn));
        assert_eq!(
            draft.message,
            "gw.example:8443 refuses a call with a token of 8128 bytes (HTTP 431), and lets one of 8064 pass: whoever has a larger one can't connect"
        );
        leads_back(&RULE, &draft);
    }

    #[test]
    fn an_ordinary_token_is_an_error() {
        let severity = |fails| only(&RULE, &refused(fails - 64, fails, End::Http(431))).severity;
        assert_eq!(severity(4_096), Some(Severity::Error));
        assert_eq!(severity(4_097), Some(Severity::Warn));
    }

    #[test]
    fn what_passes_is_no_finding() {
        silent(&RULE, &found(Measured::default()));
    }

    /// nginx gives up the connection, not the call.
    #[test]
    fn goaway_ends_every_stream_of_the_connection() {
        let mut measured = Measured {
            long_field: border(7_936, 8_000, End::Refused),
            ..Measured::default()
        };
        if let Some(border) = &mut measured.long_field {
            border.how.goaway = Some(goaway(ErrorCode::ENHANCE_YOUR_CALM));
        }
        let draft = only(&RULE, &found(measured));
        let start = "gw.example:8443 refuses a call with a token of 8000 bytes (GOAWAY ENHANCE_YOUR_CALM), \
                     and with it every stream of the connection, and lets one of 7936 pass";
        assert!(draft.message.starts_with(start), "{}", draft.message);
        assert_eq!(draft.logged_as.len(), 2);
        leads_back(&RULE, &draft);
    }
}
