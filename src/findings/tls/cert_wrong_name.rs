//! HD305: the certificate is for other names.

use hoop_doctor_probes::x509::Rejection;

use super::{certificate, names};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, fixes, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(305),
    name: "cert-wrong-name",
    severity: Severity::Error,
    summary: "the certificate is for other names",
    explain: include_str!("../../../docs/findings/HD305.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let rejected = certificate(endpoint)?;
        let leaf = rejected.leaf?;
        let unnamed = leaf.dns_names.is_empty() && leaf.ip_addresses.is_empty();
        match rejected.rejection {
            Rejection::OtherNames { .. } | Rejection::NoAddresses { .. } if !unnamed => {}
            _ => return None,
        }
        let name = &endpoint.target.server_name;
        let has = names(leaf);
        let first = leaf.dns_names.first().map_or("a name that it has", String::as_str);
        let draft = Draft::new(
            format!(
                "the certificate of {} is for {has}, not for {name}",
                endpoint.target.address()
            ),
            format!("serve a certificate for {name} there, or use a host name that the certificate has in Hoop's URL"),
        );
        Some(
            fixes::certificate(draft, endpoint)
                .shell(format!(
                    "export HOOP_TLSSERVERNAME='{first}'   # gRPC only: expect the name that the certificate has"
                ))
                .seen_in(endpoint, &["tls"])
                .logged_as(&[&rejected.log(evidence.wire.started_at)]),
        )
    })
}
