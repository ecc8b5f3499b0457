//! HD208: the forward proxy is there, and doesn't connect us.

use hoop_doctor_probes::forward::{NoAnswer, Refusal};
use hoop_doctor_probes::http2::{CallName, ConnectionEnd, Reply};
use hoop_doctor_probes::wire::connect::ConnectHead;

use super::{connect_logged, past, works_past};
use crate::config::{Speech, Via};
use crate::evidence::{Endpoint, Evidence};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(208),
    name: "forward-proxy-refused",
    severity: Severity::Error,
    summary: "the forward proxy doesn't connect to the gateway",
    explain: include_str!("../../../docs/findings/HD208.md"),
    breaks: Breaks::Every,
    explains: &[Code(211), Code(503), Code(505), Code(506), Code(510)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let via = endpoint.target.via.as_ref()?;
        match via.speech {
            Speech::Connect => of_connect(endpoint, via),
            Speech::Requests => of_a_request(endpoint, via),
            Speech::Unspoken => None,
        }
    })
}

fn of_connect(endpoint: &Endpoint, via: &Via) -> Option<Draft> {
    let tunnel = endpoint.forward.as_ref()?.tunnel.as_ref()?;
    let address = endpoint.target.address();
    let (what, remedy) = match &tunnel.answer {
        Ok(Refusal { head, .. }) if head.status == 200 => return None,
        Ok(Refusal { head, .. }) => (
            format!("refuses to connect to {address}: {}", said(head)),
            remedy(head.status, via, &address),
        ),
        Err(NoAnswer::Interrupted) => return None,
        Err(none) => (
            format!("doesn't answer CONNECT {address}: {}", silence(none)),
            format!("find out what listens on {}: it is no HTTP proxy", via.address()),
        ),
    };
    let draft = Draft::new(
        format!("the forward proxy {} {what}", via.shown()),
        with_the_way_past(remedy, endpoint),
    );
    let draft = draft
        .seen_in(endpoint, &["connect-proxy"])
        .logs(connect_logged(endpoint, tunnel));
    Some(past(draft, endpoint))
}

/// An `http` URL is asked of the proxy itself, whose refusals look like answers of the API.
fn of_a_request(endpoint: &Endpoint, via: &Via) -> Option<Draft> {
    let Some(Reply::Http(head, page)) = endpoint.reply(CallName::Healthz) else {
        return None;
    };
    let error = head.field("x-squid-error");
    let is_tinyproxy = head
        .field("server")
        .is_some_and(|server| server.starts_with("tinyproxy"));
    if head.status < 400 || (head.status != 407 && error.is_none() && !is_tinyproxy) {
        return None;
    }
    let words = error.map(str::to_owned).or(page.title.clone());
    let words = words.map(|words| format!(", {words}")).unwrap_or_default();
    let address = endpoint.target.address();
    let draft = Draft::new(
        format!(
            "the forward proxy {} refuses requests for {address}: {}{words}",
            via.shown(),
            head.status
        ),
        with_the_way_past(remedy(head.status, via, &address), endpoint),
    );
    Some(past(draft.seen_in(endpoint, &["healthz"]), endpoint))
}

fn with_the_way_past(remedy: String, endpoint: &Endpoint) -> String {
    match works_past(endpoint) {
        true => format!(
            "{remedy}; or go past it, which works from here: add {} to NO_PROXY",
            endpoint.target.host
        ),
        false => remedy,
    }
}

fn remedy(status: u16, via: &Via, address: &str) -> String {
    let (variable, proxy) = (&via.variable, via.address());
    match status {
        407 if via.credentials => format!("correct the login in {variable}: {proxy} doesn't take it"),
        407 => format!("put the login that {proxy} wants into {variable}"),
        401 | 403 | 451 => format!("have {proxy} allow CONNECT to {address}; many allow port 443 alone"),
        500 | 502..=504 => {
            format!("find out on {proxy} why it can't reach {address}: its log, its name server, a firewall behind it")
        }
        429 => format!("have {proxy} lift its limit for this machine"),
        _ => format!("find out what listens on {proxy}: it doesn't know CONNECT, as a forward proxy does"),
    }
}

/// The status line, and what tells who says so.
fn said(head: &ConnectHead) -> String {
    let line = format!("{} {}", head.status, head.reason);
    let by = ["server", "proxy-agent", "x-squid-error", "proxy-authenticate"];
    let by = by.into_iter().filter_map(|name| head.field(name));
    let parts: Vec<&str> = [line.trim_end()].into_iter().chain(by).collect();
    parts.join(", ")
}

fn silence(none: &NoAnswer) -> &'static str {
    match none {
        NoAnswer::Ended {
            end: ConnectionEnd::Reset,
        } => "it resets the connection",
        NoAnswer::Ended { .. } => "it closes the connection",
        NoAnswer::NotHttp { .. } => "what comes is not HTTP",
        NoAnswer::TimedOut | NoAnswer::Interrupted => "nothing comes",
    }
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::forward::NoAnswer;

    use super::RULE;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::network::fixture::{open, refused, through, unanswered};

    #[test]
    fn a_refusal_says_who_refuses_and_what_to_do() {
        let fields = [("server", "squid/5.7"), ("x-squid-error", "ERR_ACCESS_DENIED 0")].as_slice();
        let draft = only(
            &RULE,
            &through("http://proxy.example:3128", refused(403, "Forbidden", fields)),
        );
        assert_eq!(
            draft.message,
            "the forward proxy proxy.example:3128 (HTTPS_PROXY) refuses to connect to gw.example:8443: \
             403 Forbidden, squid/5.7, ERR_ACCESS_DENIED 0"
        );
        assert_eq!(
            draft.logged_as,
            [
                "connection error: desc = \"transport: Error while dialing: failed to do connect handshake, \
              response: \\\"HTTP/1.1 403 Forbidden"
            ]
        );
    }

    #[test]
    fn a_login_that_is_refused_is_told_from_one_that_is_missing() {
        let remedy = |proxy| {
            only(
                &RULE,
                &through(proxy, refused(407, "Proxy Authentication Required", &[])),
            )
            .remedy
            .text
        };
        assert_eq!(
            remedy("http://proxy.example:3128"),
            "put the login that proxy.example:3128 wants into HTTPS_PROXY"
        );
        assert_eq!(
            remedy("http://user:pass@proxy.example:3128"),
            "correct the login in HTTPS_PROXY: proxy.example:3128 doesn't take it"
        );
    }

    #[test]
    fn grpc_go_waits_for_ever_for_a_silent_proxy_and_logs_nothing() {
        let draft = only(
            &RULE,
            &through("http://proxy.example:3128", unanswered(NoAnswer::TimedOut)),
        );
        assert_eq!(draft.logged_as, [""; 0]);
    }

    #[test]
    fn an_open_proxy_is_no_finding() {
        silent(&RULE, &through("http://proxy.example:3128", open()));
    }
}
