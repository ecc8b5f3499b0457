//! HD808: the file configures nothing that looks like a Hoop gateway.

use crate::findings::from_proxyconf::Conf;
use crate::findings::{Breaks, Code, Draft, Location, Rule, Severity, from_logs};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(808),
    name: "nothing-for-hoop",
    severity: Severity::Info,
    summary: "nothing in the files looks like a Hoop gateway",
    explain: include_str!("../../../docs/findings/HD808.md"),
    breaks: Breaks::Nothing,
    explains: &[],
    check: from_logs::alone,
};

pub(in crate::findings) fn look(conf: &Conf<'_>) -> Vec<Draft> {
    let all = conf.all;
    let is_refused = all.problems.iter().any(|problem| !problem.starts);
    if !conf.sites.is_empty() || !all.workloads.is_empty() || !all.checks.is_empty() || is_refused {
        return Vec::new();
    }
    if all.listeners.is_empty() {
        return vec![about(
            conf,
            format!(
                "{} configures no listener that is read here, so nothing was judged",
                names(conf)
            ),
            "name the files with the listeners of nginx, HAProxy, Caddy, Envoy, Apache, Traefik, AWS's load balancers, \
             ingress-nginx, Istio or Gateway API",
        )];
    }
    let what = match all.asked.as_slice() {
        [] => "a Hoop gateway: no route for /protobuf.Transport/, no port 8009 or 8010".to_owned(),
        hosts => hosts.join(" or "),
    };
    vec![about(
        conf,
        format!("nothing in {} looks like {what}", names(conf)),
        "name the files that route Hoop's host, or the host with --host",
    )]
}

/// At the first file: the message names all, but code scanning takes no finding without a place.
fn about(conf: &Conf<'_>, message: String, remedy: &str) -> Draft {
    let mut draft = Draft::new(message, remedy);
    draft.locations.extend(conf.all.files.first().map(|file| Location {
        file: file.name.clone(),
        line: None,
        column: None,
        text: None,
    }));
    draft
}

fn names(conf: &Conf<'_>) -> String {
    let names: Vec<&str> = conf.all.files.iter().map(|file| file.name.as_str()).collect();
    names.join(", ")
}
