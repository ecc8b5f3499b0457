//! HD507: the API's address leads to the gRPC port.

use hoop_doctor_probes::http2::{CallName, Reply};

use super::{ALB_WRONG_PROTOCOL, is_api, is_grpc_port, proxy, told_by};
use crate::evidence::{Endpoint, Evidence, host_port};
use crate::findings::fixes::rest_route;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, for_each_rest};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(507),
    name: "api-url-is-grpc-port",
    severity: Severity::Error,
    summary: "the API's address leads to the gRPC port",
    explain: include_str!("../../../docs/findings/HD507.md"),
    breaks: Breaks::Some,
    explains: &[Code(204), Code(411)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_rest(evidence, |endpoint| {
        if is_api(endpoint) || !is_grpc_port(endpoint) {
            return None;
        }
        let wrong_version = has_wrong_version(endpoint);
        let draft = match (proxy(endpoint), wrong_version) {
            (Some(proxy), _) => routed(endpoint, proxy.name()),
            (None, true) => routed(endpoint, "the load balancer"),
            (None, false) => direct(evidence, endpoint),
        };
        let draft = match wrong_version {
            true => draft.confidence(Confidence::Likely),
            false => draft,
        };
        Some(draft.seen_in(endpoint, &["healthz", "http1"]).logged_as(&[
            "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"\\x00\\x00\\x06\\x04",
            "unable to obtain auth method from public server info endpoint due to failure on decoding the response body",
        ]))
    })
}

fn has_wrong_version(endpoint: &Endpoint) -> bool {
    matches!(endpoint.reply(CallName::Healthz), Some(Reply::Http(head, _)) if head.status == ALB_WRONG_PROTOCOL)
}

/// A proxy sends everything there.
fn routed(endpoint: &Endpoint, proxy: &str) -> Draft {
    let draft = Draft::new(
        format!(
            "{proxy} at {} sends calls to the API to a gRPC server",
            endpoint.target.address()
        ),
        "route only /protobuf.Transport/ to the gateway's gRPC port (8010), and everything else to its REST port (8009)",
    );
    rest_route(draft, endpoint)
}

/// The address itself is that of the port.
fn direct(evidence: &Evidence, endpoint: &Endpoint) -> Draft {
    let target = &endpoint.target;
    let scheme = if target.tls { "https" } else { "http" };
    let draft = Draft::new(
        format!(
            "{} is a gRPC port: it answers a call to the API by the rules of gRPC",
            target.url
        ),
        "use the address of the REST port, on a gateway without a proxy 8009; this one belongs in grpc_url or HOOP_GRPCURL",
    );
    match told_by(evidence, endpoint) {
        Some(source) => draft.line(source, &format!("{scheme}://{}", host_port(&target.host, 8009))),
        None => draft,
    }
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::http2::CallName;
    use hoop_doctor_probes::wire::opening::FirstBytes;
    use hoop_doctor_probes::wire::status::Status;

    use super::RULE;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent, snippet};
    use crate::findings::rest::fixture::{HEALTHY, INFO, NGINX_502, at, rest, status};

    #[test]
    fn frames_in_the_place_of_a_status_line_tell() {
        let mut evidence = at("http://gw.example:8010", &[]);
        if let Some(http1) = evidence.wire.endpoints[0]
            .base
            .as_mut()
            .and_then(|base| base.http1.as_mut())
        {
            http1.first = FirstBytes::read(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 64, 0]);
        }
        let draft = only(&RULE, &evidence);
        assert_eq!(
            (snippet(&draft), draft.confidence),
            ("--api-url http://gw.example:8009", None)
        );
    }

    #[test]
    fn grpcs_refusal_of_a_get_tells() {
        let mut evidence = rest(&[]);
        let refusal = status(
            CallName::Healthz,
            415,
            Status::INVALID_ARGUMENT,
            "invalid gRPC request content-type \"\"",
        );
        evidence.wire.endpoints[0].base = Some(refusal);
        let draft = only(&RULE, &evidence);
        assert!(
            draft.message.starts_with("https://gw.example is a gRPC port"),
            "{}",
            draft.message
        );
    }

    #[test]
    fn a_balancers_464_is_a_target_group_of_another_kind() {
        let draft = only(&RULE, &rest(&[(464, &[("server", "awselb/2.0")], "")]));
        assert!(
            draft.message.starts_with("AWS ALB at gw.example:443 sends"),
            "{}",
            draft.message
        );
        assert_eq!(draft.confidence, Some(Confidence::Likely));
    }

    #[test]
    fn silence_and_pages_are_no_grpc() {
        silent(&RULE, &rest(&[]));
        silent(&RULE, &rest(&[NGINX_502, NGINX_502]));
        silent(&RULE, &rest(&[HEALTHY, INFO]));
    }
}
