//! HD807: more than one gateway behind one balancer. From outside they look like one.

use crate::findings::from_proxyconf::{Conf, once};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, from_logs};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(807),
    name: "several-replicas",
    severity: Severity::Warn,
    summary: "an agent is known to one of several gateways only",
    explain: include_str!("../../../docs/findings/HD807.md"),
    breaks: Breaks::Some,
    explains: &[],
    check: from_logs::alone,
};

pub(in crate::findings) fn look(conf: &Conf<'_>) -> Vec<Draft> {
    let replicas = conf
        .all
        .workloads
        .iter()
        .filter(|one| one.replicas.value > 1)
        .map(|one| {
            let message = format!(
                "{} has {} replicas: an agent is known to one of them only",
                one.name, one.replicas.value
            );
            (message, &one.replicas.at)
        });
    let servers = conf.grpc_forwards().filter_map(|(_, route, to)| {
        let used: Vec<_> = to.servers.iter().filter(|server| !server.backup).collect();
        let second = used.get(1)?;
        let message = format!(
            "calls to {} go to {} servers: an agent is known to one of them only",
            route.path,
            used.len()
        );
        Some((message, &second.at))
    });
    let mut found = Vec::new();
    for (message, at) in replicas.chain(servers) {
        let draft = Draft::new(
            message,
            "run one gateway: agents and sessions are not shared between several",
        )
        .place(at);
        found.push(draft);
    }
    once(found.into_iter())
}
