//! HD504: calls are sent elsewhere instead of answered.

use super::{NO_JSON, proxy_name, stranger, told_by};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_rest};
use crate::proxies::Proxy;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(504),
    name: "api-redirected",
    severity: Severity::Error,
    summary: "calls to the API are redirected",
    explain: include_str!("../../../docs/findings/HD504.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_rest(evidence, |endpoint| {
        let head = stranger(endpoint)?.head;
        if !matches!(head.status, 301..=303 | 307 | 308) {
            return None;
        }
        let location = head.field("location")?;
        let message = format!(
            "{} at {} redirects calls to the API to {location} ({})",
            proxy_name(endpoint),
            endpoint.target.address(),
            head.status
        );
        let draft = match moved(endpoint, location) {
            Some(base) => elsewhere(evidence, endpoint, message, base),
            None => wall(message),
        };
        Some(draft.seen_in(endpoint, &["healthz"]).logged_as(&NO_JSON))
    })
}

/// The address of the API at the end of the redirect, where it leads to the same call elsewhere.
fn moved<'a>(endpoint: &Endpoint, location: &'a str) -> Option<&'a str> {
    let call = format!("{}/api/healthz", endpoint.target.base_path);
    let base = location
        .strip_suffix("/api/healthz")
        .filter(|base| base.contains("://"))?;
    location.ends_with(&call).then_some(base)
}

/// The API has another address, mostly the same with https.
fn elsewhere(evidence: &Evidence, endpoint: &Endpoint, message: String, base: &str) -> Draft {
    let target = &endpoint.target;
    let host = base.split("://").nth(1).unwrap_or_default();
    let secured =
        !target.tls && base.starts_with("https://") && host.split([':', '/']).next() == Some(target.host.as_str());
    let draft = Draft::new(
        message,
        format!(
            "use {base} as the API's address: a login by name and password is a POST, which a redirect turns into a GET"
        ),
    );
    let draft = match told_by(evidence, endpoint) {
        Some(source) => draft.line(source, base),
        None => draft,
    };
    // Reading calls follow it, and nothing leaves this host.
    if secured { draft.severity(Severity::Warn) } else { draft }
}

/// Something wants a session first.
fn wall(message: String) -> Draft {
    Draft::new(
        message,
        "let the path /api/ through without that redirect: Hoop authenticates its users itself, and its client has no session to show",
    )
    .snippet(Proxy::Nginx, "location /api/ {   # in a server block without return, rewrite or if before it\n    auth_request off;\n    proxy_pass http://127.0.0.1:8009;\n}")
    .snippet(Proxy::IngressNginx, "# an Ingress of its own for /api and /protobuf.Transport, without\n# nginx.ingress.kubernetes.io/auth-url and auth-signin")
    .snippet(
        Proxy::Haproxy,
        "http-request allow if { path_beg /api/ /protobuf.Transport/ }   # in the frontend, before any http-request redirect",
    )
    .snippet(Proxy::AwsAlb, "# a rule for the path /api/* before the one with authenticate-oidc, with the forward action alone")
    .snippet(Proxy::Traefik, "# a router for PathPrefix(`/api`) without the forwardAuth and redirect middlewares")
    .snippet(Proxy::Cloudflare, "# Access: an application for the path /api with a Bypass policy")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Severity;
    use crate::findings::config::fixture::{only, silent, snippet};
    use crate::findings::rest::fixture::{HEALTHY, INFO, at, rest};

    #[test]
    fn a_login_page_is_a_wall() {
        let draft = only(&RULE, &rest(&[(302, &[("location", "https://sso.example/login")], "")]));
        assert_eq!(
            draft.message,
            "the proxy at gw.example:443 redirects calls to the API to https://sso.example/login (302)"
        );
        assert!(draft.remedy.text.contains("/api/"));
        assert_eq!(draft.severity, None);
    }

    #[test]
    fn the_same_host_with_tls_is_a_better_address() {
        let answer = (301, [("location", "https://gw.example/api/healthz")].as_slice(), "");
        let draft = only(&RULE, &at("http://gw.example", &[answer]));
        assert_eq!(
            (snippet(&draft), draft.severity),
            ("--api-url https://gw.example", Some(Severity::Warn))
        );
    }

    #[test]
    fn another_host_is_an_error_all_the_same() {
        let draft = only(
            &RULE,
            &rest(&[(308, &[("location", "https://new.example/api/healthz")], "")]),
        );
        assert_eq!(
            (snippet(&draft), draft.severity),
            ("--api-url https://new.example", None)
        );
    }

    #[test]
    fn no_redirect_is_none() {
        silent(&RULE, &rest(&[(304, &[], "")]));
        silent(&RULE, &rest(&[HEALTHY, INFO]));
    }
}
