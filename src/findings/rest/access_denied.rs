//! HD506: something in front of the gateway refuses the calls.

use hoop_doctor_probes::http2::CallName;

use super::{Stranger, proxy_name, stranger};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::grpc::access_denied::is_ended_by_nginx;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_rest};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(506),
    name: "api-access-denied",
    severity: Severity::Error,
    summary: "something in front of the gateway refuses calls to the API",
    explain: include_str!("../../../docs/findings/HD506.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_rest(evidence, |endpoint| {
        let draft = match stranger(endpoint) {
            Some(answer) => said(endpoint, answer)?,
            None => ended(endpoint)?,
        };
        Some(
            draft
                .snippet(
                    Proxy::Nginx,
                    "location /api/ {   # in a server block without return, rewrite or if before it\n    auth_basic off;\n    auth_request off;\n    allow all;\n    proxy_pass http://127.0.0.1:8009;\n}",
                )
                .snippet(
                    Proxy::IngressNginx,
                    "metadata:   # of the Ingress for REST, without auth-url, auth-type and denylist-source-range\n  annotations:\n    \
                     nginx.ingress.kubernetes.io/whitelist-source-range: \"0.0.0.0/0\"",
                )
                .snippet(
                    Proxy::Envoy,
                    "typed_per_filter_config:   # in the routes; the name is the refusing filter's in http_filters\n  \
                     envoy.filters.http.rbac: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true, config: {} }",
                )
                .snippet(
                    Proxy::Istio,
                    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: hoop\nspec:   # a policy with DENY or CUSTOM for these paths has to go\n  \
                     action: ALLOW\n  rules:\n  - to:\n    - operation: { paths: [\"/api/*\", \"/protobuf.Transport/*\"] }",
                )
                .snippet(
                    Proxy::Haproxy,
                    "http-request allow if { path_beg /api/ /protobuf.Transport/ }   # in the frontend, before any http-request deny, auth or redirect",
                )
                .snippet(
                    Proxy::Caddy,
                    "# in the site: everything but Hoop's calls goes through basic_auth; the same for forward_auth and redir\n\
                     @guarded not path /api/* /protobuf.Transport/*\nbasic_auth @guarded {\n    # the users as before\n}",
                )
                .snippet(
                    Proxy::Apache,
                    "# behind all other Location blocks\n<Location /api/>\n    Require all granted\n</Location>",
                )
                .snippet(
                    Proxy::Cloudflare,
                    "# WAF: a custom rule that skips for the paths /api/ and /protobuf.Transport/",
                )
                .seen_in(endpoint, &["healthz"])
                .logged_as(&["failed obtaining server info, status={status}", "failed fetching auth method, reason={reason}"]),
        )
    })
}

/// Somebody says so, by a status.
fn said(endpoint: &Endpoint, answer: Stranger<'_>) -> Option<Draft> {
    let challenge = answer
        .head
        .field("www-authenticate")
        .map(|challenge| format!(", {challenge}"));
    let (what, remedy) = match answer.head.status {
        401 => ("wants a login of its own for", LET_THROUGH),
        403 | 451 => ("refuses", LET_THROUGH),
        407 => (
            "wants a proxy's login for",
            "give the forward proxy its credentials, or go around it (NO_PROXY)",
        ),
        429 => ("has had too many of", "lift its limit for /api/, or for this address"),
        511 => ("wants this network's login page before", "log in to this network"),
        _ => return None,
    };
    let draft = Draft::new(
        format!(
            "{} at {} {what} calls to the API: {}{}",
            proxy_name(endpoint),
            endpoint.target.address(),
            answer.shown(),
            challenge.unwrap_or_default()
        ),
        remedy,
    );
    Some(match answer.head.status {
        429 => draft
            .confidence(Confidence::Likely)
            .candidate(620, "the limiter may hit gRPC as well"),
        _ => draft,
    })
}

/// nginx ends the call without a word.
fn ended(endpoint: &Endpoint) -> Option<Draft> {
    is_ended_by_nginx(endpoint, CallName::Healthz).then(|| {
        Draft::new(
            format!(
                "nginx at {} ends calls to the API at once without an answer (RST_STREAM PROTOCOL_ERROR), as `return 444` does",
                endpoint.target.address()
            ),
            "have the server block with Hoop's routes serve this host name (server_name), or exempt /api/ from the rule that ends calls",
        )
        .confidence(Confidence::Likely)
    })
}

const LET_THROUGH: &str =
    "let the paths /api/ and /protobuf.Transport/ through: Hoop authenticates its users and agents itself";

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::http2::{CallName, StreamEnd};
    use hoop_doctor_probes::wire::frame::{ErrorCode, Setting};
    use hoop_doctor_probes::wire::status::Status;

    use super::RULE;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::rest::fixture::{
        Given, HEALTHY, INFO, NGINX_404, NGINX_502, OTHER_SITE, UNHEALTHY, rest, status,
    };

    #[test]
    fn a_password_in_front_of_the_api_is_named() {
        let fields = [("server", "nginx"), ("www-authenticate", "Basic realm=\"Restricted\"")].as_slice();
        let draft = only(
            &RULE,
            &rest(&[(401, fields, "<title>401 Authorization Required</title>")]),
        );
        assert_eq!(
            draft.message,
            "nginx at gw.example:443 wants a login of its own for calls to the API: \
             HTTP 401 (\"401 Authorization Required\"), Basic realm=\"Restricted\""
        );
    }

    const FORBIDDEN: Given = (403, &[], "<title>403 Forbidden</title>");

    #[test]
    fn a_blocked_health_check_hides_no_api() {
        silent(&RULE, &rest(&[FORBIDDEN, INFO]));
        silent(&RULE, &rest(&[HEALTHY, INFO]));
    }

    /// What nginx resets later has run into a limit on time.
    #[test]
    fn nginx_ends_a_call_that_it_doesnt_want_at_once() {
        let reset = |duration_ms| {
            let mut evidence = rest(&[]);
            let mut heard = status(CallName::Healthz, 200, Status(0), "");
            if let Some(http2) = &mut heard.http2 {
                http2.settings = Some(
                    [(3, 128), (4, 65_536), (5, 16_777_215)]
                        .map(|(id, value)| Setting { id, value })
                        .into(),
                );
                http2.window_update = Some(2_147_418_112);
                for answer in &mut http2.answers {
                    answer.head = None;
                    answer.end = StreamEnd::Reset {
                        code: ErrorCode::PROTOCOL_ERROR,
                    };
                    answer.duration_ms = duration_ms;
                }
            }
            evidence.wire.endpoints[0].base = Some(heard);
            evidence
        };
        let draft = only(&RULE, &reset(3));
        assert!(draft.message.ends_with("as `return 444` does"), "{}", draft.message);
        assert_eq!(draft.confidence, Some(Confidence::Likely));
        silent(&RULE, &reset(60_000));
    }

    /// Hoop's client never asks for it. What the gateway itself says there, or a proxy of its upstream, is no matter of hiding.
    #[test]
    fn an_api_is_usable_without_its_health_check() {
        let usable = |answers: &[Given]| rest(answers).wire.endpoints[0].is_usable_rest();
        assert!(usable(&[HEALTHY, NGINX_404]));
        for hidden in [FORBIDDEN, NGINX_404, OTHER_SITE] {
            assert!(usable(&[hidden, INFO]), "{hidden:?}");
            assert!(!usable(&[hidden, hidden]), "{hidden:?}");
        }
        assert!(!usable(&[UNHEALTHY, INFO]));
        assert!(!usable(&[NGINX_502, INFO]));
    }
}
