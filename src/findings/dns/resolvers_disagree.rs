//! HD105: the addresses that were used lead to no gateway, and those that another source gives do.

use std::net::IpAddr;

use hoop_doctor_probes::dns::{Dns, ServerAnswer};
use hoop_doctor_probes::http2::{CallName, Reply};
use hoop_doctor_probes::wire::page::Mark;
use hoop_doctor_probes::x509::Verdict;

use crate::evidence::{Endpoint, Evidence, Kind, Trial};
use crate::experiments::Experiment;
use crate::findings::grpc::is_gateways;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(105),
    name: "dns-resolvers-disagree",
    severity: Severity::Warn,
    summary: "two sources give different addresses for the name",
    explain: include_str!("../../../docs/findings/HD105.md"),
    breaks: Breaks::Every,
    explains: &[
        Code(106),
        Code(201),
        Code(202),
        Code(203),
        Code(204),
        Code(206),
        Code(212),
        Code(303),
        Code(304),
        Code(305),
        Code(306),
        Code(307),
        Code(308),
        Code(309),
        Code(317),
        Code(318),
        Code(503),
        Code(601),
    ],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let dns = endpoint.dns.as_ref()?;
        // Names are handed out in turns, too: only where one answer works and the other doesn't is there something to mend.
        if endpoint.is_well() {
            return None;
        }
        let elsewhere = dns.elsewhere();
        let trials = endpoint.trials.iter();
        let there = trials
            .filter(|trial| trial.experiment == Experiment::OtherAddress && is_gateway(endpoint, trial))
            .filter_map(|trial| Some(trial.tcp.as_ref()?.addr.ip()))
            .find(|address| elsewhere.contains(address))?;
        let host = &endpoint.target.host;
        let used = shown(&dns.addresses);
        let remedy = match is_from_hosts_file(dns) {
            true => format!("take the line of {host} out of the hosts file"),
            false => format!(
                "let a VPN's resolver serve its own domains only, or have every zone lead {host} to an address that works from here"
            ),
        };
        let draft = Draft::new(
            format!(
                "{} leads {host} to {used}, where Hoop doesn't get through; {} leads it to {there}, where a gateway answers",
                source(dns, &dns.addresses),
                source(dns, &[there])
            ),
            remedy,
        );
        Some(
            draft
                .shell(format!("getent hosts {host}   # what Hoop uses"))
                .seen_in(endpoint, &["dns", "other-address/connect", "other-address/healthz"]),
        )
    })
}

fn is_from_hosts_file(dns: &Dns) -> bool {
    dns.addresses.iter().any(|address| dns.hosts.contains(address))
}

/// Who says so: the hosts file, a server, or the system by a way of its own.
fn source(dns: &Dns, addresses: &[IpAddr]) -> String {
    let any = |mut known: Box<dyn Iterator<Item = IpAddr> + '_>| known.any(|address| addresses.contains(&address));
    let knows = |server: &&ServerAnswer| any(Box::new(server.addresses()));
    if any(Box::new(dns.hosts.iter().copied())) {
        return "the hosts file".to_owned();
    }
    match dns.servers.iter().find(knows) {
        Some(server) => format!("the resolver {}", server.server),
        None => "the system's resolver".to_owned(),
    }
}

/// Whether Hoop gets through to a gateway at that address.
fn is_gateway(endpoint: &Endpoint, trial: &Trial) -> bool {
    let Some(heard) = &trial.heard else {
        return false;
    };
    let refused = heard
        .handshake()
        .is_some_and(|tls| matches!(tls.chain.verdict, Verdict::Rejected(_)));
    let answers = match endpoint.target.kind {
        Kind::Grpc => heard.answer(CallName::Connect).is_some_and(is_gateways),
        Kind::Rest => match heard.answer(CallName::Healthz).map(|answer| answer.reply()) {
            Some(Reply::Http(_, page)) => page.mark == Mark::LivenessOk,
            _ => false,
        },
    };
    answers && !(refused && endpoint.target.verify)
}

fn shown(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(" and ")
}
