//! HD508: `/api/ws` doesn't get through, or its `HOOP_KEY` header doesn't.

use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::page::Mark;

use super::{is_signed, proxy_name};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_rest};
use crate::plan;
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(508),
    name: "websocket-blocked",
    severity: Severity::Info,
    summary: "the WebSocket of the RDP side agent can't get through",
    explain: include_str!("../../../docs/findings/HD508.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    let used = plan::identities(&evidence.config).any(|identity| identity.gateway_url.is_some());
    for_each_rest(evidence, |endpoint| {
        if !endpoint.is_healthy_rest() {
            return None;
        }
        let (proxy, address) = (proxy_name(endpoint), endpoint.target.address());
        let draft = match lost(endpoint)? {
            Lost::Header => with_header(Draft::new(
                format!(
                    "{proxy} at {address} drops the header HOOP_KEY on its way to /api/ws: only agents with RDP access need it"
                ),
                "let header names with underscores pass",
            )),
            Lost::Call(how) => with_upgrade(Draft::new(
                format!(
                    "{proxy} at {address} doesn't pass /api/ws to the gateway: {how}; only agents with RDP access need it"
                ),
                "route /api/ws to the gateway's REST port (8009), and let it be upgraded to a WebSocket",
            )),
        };
        let severity = if used { Severity::Warn } else { Severity::Info };
        Some(draft.severity(severity).seen_in(endpoint, &["web-socket"]))
    })
}

/// What doesn't arrive.
enum Lost {
    Header,
    Call(String),
}

fn lost(endpoint: &Endpoint) -> Option<Lost> {
    match endpoint.reply(CallName::WebSocket)? {
        Reply::Http(_, page) if page.mark == Mark::HoopKeyMissing => Some(Lost::Header),
        Reply::Http(_, page) if page.mark == Mark::HoopKeyRefused => None,
        // The gateway itself: an older one, without RDP.
        Reply::Http(head, _) if is_signed(head) || head.status == 404 => None,
        Reply::Http(head, _) => Some(Lost::Call(format!("HTTP {}", head.status))),
        Reply::Reset(code) => Some(Lost::Call(format!("RST_STREAM {}", code.name()))),
        Reply::Lost => Some(Lost::Call("the connection is closed".to_owned())),
        Reply::Silent => Some(Lost::Call("no answer".to_owned())),
        Reply::Grpc(_) | Reply::NoStatus(_) | Reply::Refused => None,
    }
}

fn with_header(draft: Draft) -> Draft {
    draft
        .snippet(
            Proxy::Nginx,
            "underscores_in_headers on;   # in http or in the default server of the port",
        )
        .snippet(
            Proxy::IngressNginx,
            "data:   # the controller's ConfigMap\n  enable-underscores-in-headers: \"true\"",
        )
        .snippet(
            Proxy::Envoy,
            "common_http_protocol_options: { headers_with_underscores_action: ALLOW }   # in HttpConnectionManager",
        )
        .snippet(
            Proxy::AwsAlb,
            "LoadBalancerAttributes:\n- Key: routing.http.drop_invalid_header_fields.enabled\n  Value: \"false\"",
        )
}

fn with_upgrade(draft: Draft) -> Draft {
    draft
        .snippet(
            Proxy::Nginx,
            "location /api/ws {\n    proxy_pass http://127.0.0.1:8009;\n    proxy_http_version 1.1;\n    proxy_set_header Upgrade $http_upgrade;\n    \
             proxy_set_header Connection \"upgrade\";\n    proxy_read_timeout 1h;\n}",
        )
        .snippet(Proxy::Envoy, "upgrade_configs: [{ upgrade_type: websocket }]   # in HttpConnectionManager")
        .snippet(Proxy::Apache, "# before any ProxyPass for /\nProxyPass /api/ws http://127.0.0.1:8009/api/ws upgrade=websocket")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Severity;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::rest::fixture::{Given, HEALTHY, INFO, rest};

    const MISSING: Given = (401, &[], r#"{"error":"missing HOOP_KEY header"}"#);
    const REFUSED: Given = (401, &[], r#"{"error":"invalid authentication"}"#);

    #[test]
    fn a_header_that_is_dropped_is_told_from_one_that_arrives() {
        let draft = only(&RULE, &rest(&[HEALTHY, INFO, MISSING]));
        assert_eq!(draft.severity, Some(Severity::Info));
        assert!(draft.message.contains("drops the header HOOP_KEY"), "{}", draft.message);
        silent(&RULE, &rest(&[HEALTHY, INFO, REFUSED]));
    }

    #[test]
    fn a_wall_in_front_of_the_path_is_one() {
        let draft = only(
            &RULE,
            &rest(&[HEALTHY, INFO, (403, &[], "<title>403 Forbidden</title>")]),
        );
        assert!(draft.message.contains("HTTP 403"), "{}", draft.message);
    }

    #[test]
    fn an_older_gateway_without_the_path_is_well() {
        silent(&RULE, &rest(&[HEALTHY, INFO, (404, &[], "404 page not found")]));
    }

    #[test]
    fn an_api_that_is_not_healthy_has_other_troubles() {
        silent(&RULE, &rest(&[(502, &[], ""), (502, &[], ""), (502, &[], "")]));
    }
}
