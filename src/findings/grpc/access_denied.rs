//! HD611: 401, 403, 407, a redirect, or a gRPC status that means the same, of something in front.

use hoop_doctor_probes::http2::{Answer, CallName, GrpcStatus, Reply};
use hoop_doctor_probes::wire::frame::ErrorCode;
use hoop_doctor_probes::wire::status::{Said, Status};

use super::logged;
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_grpc};
use crate::proxies::{self, Proxy};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(611),
    name: "grpc-access-denied",
    severity: Severity::Error,
    summary: "something in front of the gateway refuses gRPC calls",
    explain: include_str!("../../../docs/findings/HD611.md"),
    breaks: Breaks::Every,
    explains: &[
        Code(603),
        Code(607),
        Code(612),
        Code(613),
        Code(616),
        Code(506),
        Code(504),
    ],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let draft = match (denial(endpoint, CallName::Connect), secured(endpoint)) {
            (Some((what, confidence)), Some(secured)) => {
                let draft = Draft::new(
                    format!(
                        "{} takes no gRPC in plaintext and sends calls to its port with TLS: {what}",
                        endpoint.target.address()
                    ),
                    format!("use {secured} as the gRPC address: agents and clients follow no redirect"),
                );
                return Some(
                    draft
                        .confidence(confidence)
                        .seen_in(endpoint, &["connect"])
                        .logs(logged(endpoint)),
                );
            }
            (Some((what, confidence)), None) => Draft::new(
                format!(
                    "something in front of the gateway refuses gRPC calls to {}: {what}",
                    endpoint.target.address()
                ),
                match is_ended_by_nginx(endpoint, CallName::Connect) {
                    true => SERVE,
                    false => EXEMPT,
                },
            )
            .confidence(confidence)
            .seen_in(endpoint, &["connect"])
            .logs(logged(endpoint)),
            (None, _) => of_origins(endpoint)?,
        };
        Some(
            draft
                .snippet(
                    Proxy::Nginx,
                    "location /protobuf.Transport/ {   # in a server block without return, rewrite or if before it\n    auth_basic off;\n    auth_request off;\n    \
                     allow all;\n    client_max_body_size 0;\n    grpc_pass grpc://127.0.0.1:8010;   # grpcs:// where the gateway has TLS\n}",
                )
                .snippet(
                    Proxy::IngressNginx,
                    "metadata:   # of the Ingress for gRPC, without auth-url, auth-type and denylist-source-range\n  annotations:\n    \
                     nginx.ingress.kubernetes.io/whitelist-source-range: \"0.0.0.0/0\"",
                )
                .snippet(
                    Proxy::Envoy,
                    "typed_per_filter_config:   # in the route for /protobuf.Transport/; the name is the refusing filter's in http_filters\n  \
                     envoy.filters.http.rbac: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true, config: {} }",
                )
                .snippet(
                    Proxy::Istio,
                    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: hoop-grpc\nspec:   # a policy with DENY or CUSTOM for this path has to go\n  \
                     action: ALLOW\n  rules:\n  - to:\n    - operation: { paths: [\"/protobuf.Transport/*\"] }",
                )
                .snippet(
                    Proxy::Haproxy,
                    "http-request allow if { path_beg /protobuf.Transport/ }   # in the frontend, before any http-request deny, auth or redirect",
                )
                .snippet(
                    Proxy::Caddy,
                    "# in the site: everything but gRPC goes through basic_auth; the same for forward_auth and redir\n\
                     @guarded not path /protobuf.Transport/*\nbasic_auth @guarded {\n    # the users as before\n}",
                )
                .snippet(
                    Proxy::Apache,
                    "# behind all other Location blocks\n<Location /protobuf.Transport/>\n    Require all granted\n</Location>\n\
                     # and before any other RewriteRule, where there are some\n# RewriteRule ^/protobuf\\.Transport/ - [END]",
                )
                .snippet(
                    Proxy::Traefik,
                    "# a router of its own for PathPrefix(`/protobuf.Transport/`), without the middlewares for authentication, redirects and addresses",
                )
                .snippet(
                    Proxy::Cloudflare,
                    "# Network: gRPC on; WAF: a custom rule that skips for the path /protobuf.Transport/",
                ),
        )
    })
}

/// A rule for browsers takes Hoop's metadata `origin` for the header of that name: only a call that has it is refused.
fn of_origins(endpoint: &Endpoint) -> Option<Draft> {
    let (what, _) = denial(endpoint, CallName::ConnectWithOrigin)?;
    let answer = endpoint.answer(CallName::ConnectWithOrigin)?;
    endpoint.reaches_gateway().then(|| {
        Draft::new(
            format!(
                "something in front of the gateway refuses gRPC calls to {} that have Hoop's metadata `origin`: {what}; one without it passes",
                endpoint.target.address()
            ),
            "exempt the path prefix /protobuf.Transport/ from the rule on the header Origin (CORS or cross-site requests, usually): \
             agents and clients send `origin: agent` and `origin: client`",
        )
        // One call of each kind was made.
        .confidence(Confidence::Likely)
        .candidate(621, "the refusal comes and goes, whatever the call has")
        .seen_in(endpoint, &["connect", "connect-with-origin"])
        .logs(logged::by_call(answer))
    })
}

/// What an agent logs: a filter that looks at tokens says something else to one that has a token.
fn logged(endpoint: &Endpoint) -> Vec<String> {
    match endpoint.reply(CallName::Connect) {
        Some(Reply::Grpc(status)) if status.code == Status::UNAUTHENTICATED => {
            vec!["rpc error: code = Unauthenticated desc = {message}".to_owned()]
        }
        _ => logged::by_connect(endpoint),
    }
}

/// The address with TLS to which the same host redirects calls in plaintext.
fn secured(endpoint: &Endpoint) -> Option<String> {
    let head = endpoint.answer(CallName::Connect)?.head.as_ref()?;
    let authority = head.field("location")?.strip_prefix("https://")?;
    let authority = authority.strip_suffix("/protobuf.Transport/Connect")?;
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "443"));
    let port: u16 = port.parse().ok()?;
    let same_host = !endpoint.target.tls && host.eq_ignore_ascii_case(&endpoint.target.host);
    same_host.then(|| format!("grpcs://{host}:{port}"))
}

/// What is said instead of the gateway's answer, and how surely that is a refusal.
fn denial(endpoint: &Endpoint, call: CallName) -> Option<(String, Confidence)> {
    let certain = |what| Some((what, Confidence::Certain));
    match endpoint.reply(call)? {
        Reply::Http(head, _) => match (head.status, head.field("location")) {
            (300..=399, Some(location)) if location.ends_with("/protobuf.Transport/Connect/") => None,
            (300..=399, Some(location)) => certain(format!("HTTP {} redirects to {location}", head.status)),
            (300..=399, None) => certain(format!("HTTP {}", head.status)),
            (401, _) => match head.field("www-authenticate") {
                Some(challenge) => certain(format!("HTTP 401, {challenge}")),
                // It may be content with the key that an agent has and this call has not.
                None => Some(("HTTP 401 to one without a token".to_owned(), Confidence::Likely)),
            },
            (403 | 407 | 451, _) => certain(format!("HTTP {}", head.status)),
            // What filters of hosts, content types and methods answer, and sometimes a web server that isn't meant at all.
            (402 | 406 | 410..=412 | 415 | 417 | 418 | 421 | 422, _) => {
                Some((format!("HTTP {}", head.status), Confidence::Likely))
            }
            _ => None,
        },
        // Envoy turns a redirect of its own into status 2 and keeps the field.
        Reply::Grpc(status) => match endpoint.answer(call)?.head.as_ref()?.field("location") {
            Some(location) => certain(format!("a redirect to {location}")),
            None => refusal(status),
        },
        Reply::Reset(_) if is_ended_by_nginx(endpoint, call) => Some((
            "nginx ends them at once without an answer (RST_STREAM PROTOCOL_ERROR), as `return 444` does".to_owned(),
            Confidence::Likely,
        )),
        _ => None,
    }
}

/// Whether a rule of nginx, or its server block for unknown hosts, ends this call without an answer. Its limits on time
/// end in the same way, later.
pub(in crate::findings) fn is_ended_by_nginx(endpoint: &Endpoint, call: CallName) -> bool {
    let is_reset = |answer: &Answer| {
        matches!(answer.reply(), Reply::Reset(ErrorCode::PROTOCOL_ERROR)) && answer.duration_ms < AT_ONCE
    };
    endpoint.answer(call).is_some_and(is_reset)
        && proxies::recognise(endpoint).is_some_and(|recognised| recognised.proxy.family() == Proxy::Nginx)
}

/// Sooner than any limit on time, in milliseconds.
const AT_ONCE: u64 = 1_000;

const EXEMPT: &str = "exempt the path prefix /protobuf.Transport/ from that rule or redirect: agents and clients authenticate to the gateway \
                      itself and follow no redirect";
const SERVE: &str = "have the server block with Hoop's routes serve this host name (server_name), or exempt the path prefix \
                     /protobuf.Transport/ from the rule that ends calls";

/// The filters of Envoy refuse a gRPC call with a status instead of a page. The gateway says 7 to nobody, and 16 only
/// with texts of its own.
fn refusal(status: &GrpcStatus) -> Option<(String, Confidence)> {
    let refuses = matches!(status.code, Status::PERMISSION_DENIED | Status::UNAUTHENTICATED);
    if !refuses || status.said.is_gateway() {
        return None;
    }
    let what = match status.said {
        Said::Nothing => format!("status {} without a message", status.code.0),
        _ => format!("status {}, \"{}\"", status.code.0, status.message),
    };
    Some((what, Confidence::Certain))
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::http2::{Answer, CallName, StreamEnd};
    use hoop_doctor_probes::wire::frame::{ErrorCode, Setting};
    use hoop_doctor_probes::wire::header::Field;
    use hoop_doctor_probes::wire::status::Status;

    use super::RULE;
    use crate::config::Asked;
    use crate::evidence::Evidence;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{asked, only, silent};
    use crate::findings::rest::fixture::{Given, HEALTHY, INFO, NGINX_502, beside, gateway, said, status};

    const FORBIDDEN: Given = (403, &[("content-type", "text/html")], "<title>403 Forbidden</title>");

    /// A gateway, with this change to the answers of gRPC.
    fn grpc(change: impl Fn(&mut Vec<Answer>)) -> Evidence {
        let mut heard = gateway();
        if let Some(http2) = &mut heard.http2 {
            change(&mut http2.answers);
        }
        beside(&[HEALTHY, INFO], heard)
    }

    fn with_origin(answer: &Answer) -> Evidence {
        grpc(|answers| answers.push(answer.clone()))
    }

    fn one(heard: &hoop_doctor_probes::conversation::Heard) -> Answer {
        heard.answers().next().expect("it has one").clone()
    }

    #[test]
    fn a_call_that_is_refused_for_its_origin_is_refused() {
        let draft = only(&RULE, &with_origin(&one(&said(CallName::ConnectWithOrigin, FORBIDDEN))));
        assert_eq!(
            draft.message,
            "something in front of the gateway refuses gRPC calls to gw.example:443 that have Hoop's metadata `origin`: HTTP 403; one \
             without it passes"
        );
        assert_eq!(draft.confidence, Some(Confidence::Likely));
    }

    #[test]
    fn an_origin_that_passes_or_meets_a_dead_server_is_not_refused() {
        let passes = status(
            CallName::ConnectWithOrigin,
            200,
            Status::UNAUTHENTICATED,
            "invalid authentication",
        );
        silent(&RULE, &with_origin(&one(&passes)));
        silent(&RULE, &with_origin(&one(&said(CallName::ConnectWithOrigin, NGINX_502))));
    }

    #[test]
    fn a_page_that_asks_for_no_login_may_ask_for_a_token() {
        let answers = |given| {
            let page = one(&said(CallName::Connect, given));
            only(&RULE, &grpc(|answers| *answers = vec![page.clone()]))
        };
        let bare = answers((401, &[], ""));
        assert_eq!(
            (bare.message.as_str(), bare.confidence),
            (
                "something in front of the gateway refuses gRPC calls to gw.example:443: HTTP 401 to one without a token",
                Some(Confidence::Likely)
            )
        );
        let login = answers((401, &[("www-authenticate", "Basic realm=\"staff\"")], ""));
        assert_eq!(login.confidence, Some(Confidence::Certain));
    }

    /// What ends a call of nginx in this way after a minute is a limit on time, and others have other reasons.
    #[test]
    fn nginx_ends_a_call_that_it_doesnt_want_at_once() {
        let reset = |settings: &[Setting], duration_ms| {
            let mut evidence = grpc(|answers| {
                for answer in answers {
                    answer.head = None;
                    answer.end = StreamEnd::Reset {
                        code: ErrorCode::PROTOCOL_ERROR,
                    };
                    answer.duration_ms = duration_ms;
                }
            });
            for endpoint in &mut evidence.wire.endpoints {
                if let Some(http2) = endpoint.base.as_mut().and_then(|heard| heard.http2.as_mut()) {
                    http2.settings = Some(settings.to_vec());
                    http2.window_update = Some(2_147_418_112);
                }
            }
            evidence
        };
        let nginx = [(3, 128), (4, 65_536), (5, 16_777_215)].map(|(id, value)| Setting { id, value });
        let draft = only(&RULE, &reset(&nginx, 3));
        assert!(draft.message.contains("`return 444`"), "{}", draft.message);
        silent(&RULE, &reset(&nginx, 60_000));
        silent(&RULE, &reset(&[], 3));
    }

    /// The remedy where gRPC at `url` is redirected to `location`.
    fn remedy(url: &str, location: &str) -> String {
        let flags = Asked {
            grpc_url: Some(url.to_owned()),
            ..Asked::default()
        };
        let mut evidence = asked(&[], &flags);
        let mut heard = status(CallName::Connect, 200, Status::UNKNOWN, "");
        let heads = heard.http2.iter_mut().flat_map(|http2| &mut http2.answers);
        for head in heads.filter_map(|answer| answer.head.as_mut()) {
            head.fields.push(Field {
                name: "location".to_owned(),
                value: location.to_owned(),
            });
        }
        for endpoint in &mut evidence.wire.endpoints {
            endpoint.base = Some(heard.clone());
        }
        only(&RULE, &evidence).remedy.text
    }

    #[test]
    fn a_redirect_to_tls_on_the_same_host_names_the_better_address() {
        let to_tls = remedy("grpc://gw.example:80", "https://gw.example/protobuf.Transport/Connect");
        assert!(to_tls.contains("grpcs://gw.example:443"), "{to_tls}");
        let to_a_port = remedy(
            "grpc://gw.example:80",
            "https://gw.example:8443/protobuf.Transport/Connect",
        );
        assert!(to_a_port.contains("grpcs://gw.example:8443"), "{to_a_port}");
    }

    #[test]
    fn a_redirect_to_another_host_or_to_a_login_is_a_rule_to_exempt_from() {
        for (url, location) in [
            ("grpc://gw.example:80", "https://sso.example/protobuf.Transport/Connect"),
            ("grpc://gw.example:80", "https://gw.example/login"),
            (
                "grpc://gw.example:80",
                "https://gw.example:8443 now/protobuf.Transport/Connect",
            ),
            (
                "grpcs://gw.example:443",
                "https://gw.example/protobuf.Transport/Connect",
            ),
        ] {
            let text = remedy(url, location);
            assert!(text.starts_with("exempt"), "{text}");
        }
    }
}
