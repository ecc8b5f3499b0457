//! HD211: what fails through the forward proxy works past it, or REST and gRPC go different ways.

use super::{past, works_past};
use crate::config::Via;
use crate::evidence::{Endpoint, Evidence, Kind};
use crate::experiments::Experiment;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(211),
    name: "forward-proxy-split",
    severity: Severity::Warn,
    summary: "it depends on the forward proxy whether it works",
    explain: include_str!("../../../docs/findings/HD211.md"),
    breaks: Breaks::Some,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    let mut drafts = for_each_endpoint(evidence, past_the_proxy);
    if drafts.is_empty() {
        drafts.extend(two_ways(evidence));
    }
    drafts
}

fn past_the_proxy(endpoint: &Endpoint) -> Option<Draft> {
    let via = endpoint.target.via.as_ref().filter(|_| works_past(endpoint))?;
    let (address, host) = (endpoint.target.address(), &endpoint.target.host);
    let draft = Draft::new(
        format!(
            "{address} fails through the forward proxy {} and works past it",
            via.shown()
        ),
        format!("add {host} to NO_PROXY, or mend the proxy: the gateway itself is fine"),
    );
    let way = Experiment::OtherWay.name();
    let probe = match endpoint.target.kind {
        Kind::Grpc => format!("{way}/connect"),
        Kind::Rest => format!("{way}/healthz"),
    };
    Some(past(draft.seen_in(endpoint, &[&probe]), endpoint))
}

/// One identity's REST and gRPC at one host, one through a proxy and one not, or through another.
fn two_ways(evidence: &Evidence) -> Option<Draft> {
    let endpoints = || evidence.wire.endpoints.iter().enumerate();
    let of = |kind| endpoints().filter(move |(_, endpoint)| endpoint.target.kind == kind);
    let pairs = of(Kind::Grpc).flat_map(|grpc| of(Kind::Rest).map(move |rest| (grpc, rest)));
    let mut split = pairs.filter(|((_, grpc), (_, rest))| {
        let shared = grpc
            .identities
            .iter()
            .any(|identity| rest.identities.contains(identity));
        let same_host = grpc.target.host.eq_ignore_ascii_case(&rest.target.host);
        shared && same_host && place(grpc) != place(rest)
    });
    let ((grpc_index, grpc), (rest_index, rest)) = split.next()?;
    let severity = match (grpc.reaches_gateway(), rest.is_healthy_rest()) {
        (true, true) => Severity::Info,
        // What fails through a proxy was also tried past it, which says more.
        (true, false) if rest.target.via.is_none() => Severity::Warn,
        (false, true) if grpc.target.via.is_none() => Severity::Warn,
        (true | false, _) => return None,
    };
    let host = &grpc.target.host;
    let mut draft = Draft::new(
        format!("gRPC goes to {host} {}, REST {}", way(grpc), way(rest)),
        format!(
            "let both go the same way: gRPC follows HTTPS_PROXY even in plaintext, REST at {} {}; {host} in NO_PROXY takes both past it",
            rest.target.url, follows(rest)
        ),
    )
    .severity(severity)
    .seen_in(grpc, &["connect"])
    .shell(format!("export NO_PROXY=\"${{NO_PROXY:+$NO_PROXY,}}{host}\""));
    draft.evidence.push(format!("{}/healthz", rest.id));
    draft.endpoints = vec![grpc_index, rest_index];
    draft.identities.clone_from(&grpc.identities);
    Some(draft)
}

fn place(endpoint: &Endpoint) -> Option<String> {
    // Two default ports are no two proxies that anybody configured.
    endpoint.target.via.as_ref().map(|via| via.host.to_ascii_lowercase())
}

fn way(endpoint: &Endpoint) -> String {
    let through = |via: &Via| format!("through the forward proxy {}", via.shown());
    endpoint
        .target
        .via
        .as_ref()
        .map_or_else(|| "directly".to_owned(), through)
}

fn follows(rest: &Endpoint) -> &'static str {
    match rest.target.tls {
        true => "follows it as well, unless certificates go unchecked without a CA",
        false => "follows HTTP_PROXY",
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Severity;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::network::fixture::{open, refused, split, through, working_past};

    #[test]
    fn what_works_past_the_proxy_is_not_the_gateways_fault() {
        let refused = || through("http://proxy.example:3128", refused(403, "Forbidden", &[]));
        let draft = only(&RULE, &working_past(refused()));
        assert_eq!(
            draft.message,
            "gw.example:8443 fails through the forward proxy proxy.example:3128 (HTTPS_PROXY) and works past it"
        );
        silent(&RULE, &refused());
        silent(&RULE, &through("http://proxy.example:3128", open()));
    }

    #[test]
    fn two_ways_are_said_when_both_work_and_warned_of_when_one_does_not() {
        let draft = only(&RULE, &split(true));
        assert_eq!(draft.severity, Some(Severity::Info));
        assert_eq!(
            draft.message,
            "gRPC goes to gw.example through the forward proxy proxy.example:3128 (HTTPS_PROXY), REST directly"
        );
        assert_eq!(only(&RULE, &split(false)).severity, Some(Severity::Warn));
    }
}
