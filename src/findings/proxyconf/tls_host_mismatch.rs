//! HD804: a routed host has no certificate entry, or the secret's names differ.

use crate::findings::from_proxyconf::{Conf, once};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, from_logs};
use crate::proxyconf::path::{Host, Is};
use crate::proxyconf::{Listener, Setting, Terminated, Tls};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(804),
    name: "tls-host-mismatch",
    severity: Severity::Error,
    summary: "a host is routed and has no certificate of its own",
    explain: include_str!("../../../docs/findings/HD804.md"),
    breaks: Breaks::Every,
    explains: &[Code(305), Code(317), Code(306), Code(307)],
    check: from_logs::alone,
};

pub(in crate::findings) fn look(conf: &Conf<'_>) -> Vec<Draft> {
    let mut found = Vec::new();
    for site in &conf.sites {
        let Tls::Ended(tls) = &site.listener.tls else { continue };
        let host = site.host.as_deref();
        let uncovered = host.and_then(|host| uncovered(host, site.listener, tls));
        let unknown = tls
            .certificates
            .iter()
            .find_map(|used| Some((used, meant(conf, used)?)));
        let draft = match (uncovered, unknown) {
            (Some(draft), _) => draft,
            (None, Some((used, created))) => {
                let message = format!(
                    "the certificate is to come from the secret {}, and the files create {}",
                    used.value, created.value
                );
                Draft::new(message, "use one name for the secret")
                    .place(&used.at)
                    .place(&created.at)
            }
            (None, None) => continue,
        };
        found.push(draft);
    }
    once(found.into_iter())
}

/// A host that no certificate entry is for.
fn uncovered(host: &str, listener: &Listener, tls: &Terminated) -> Option<Draft> {
    let entries = tls.hosts.as_ref()?;
    let is_covered = entries.iter().any(|entry| entry.value.serves(host) != Is::No);
    if is_covered {
        return None;
    }
    let at = listener
        .hosts
        .iter()
        .find(|own| own.value.serves(host) == Is::Yes)
        .map_or(&listener.at, |own| &own.at);
    let names: Vec<String> = entries.iter().map(|entry| name(&entry.value)).collect();
    let message = match names.is_empty() {
        true => format!("{host} is routed and has no certificate entry"),
        false => format!(
            "{host} is routed, and the certificate entries are for {}",
            names.join(", ")
        ),
    };
    let draft = Draft::new(message, "name the same host among the routes and the certificates").place(at);
    Some(
        entries
            .iter()
            .take(1)
            .fold(draft, |draft, entry| draft.place(&entry.at)),
    )
}

fn name(host: &Host) -> String {
    match host {
        Host::Name(name) | Host::Else(name) => name.clone(),
        Host::Below(end) => format!("*{end}"),
    }
}

/// The secret that the files create for this listener under another name. One that something else uses, or that is called
/// something else altogether, is somebody else's: this one is then made elsewhere.
fn meant<'a>(conf: &Conf<'a>, used: &Setting<String>) -> Option<&'a Setting<String>> {
    let secrets = &conf.all.secrets;
    if secrets.iter().any(|one| own_name(one) == own_name(used)) {
        return None;
    }
    let others = conf.all.listeners.iter().filter_map(|listener| match &listener.tls {
        Tls::Ended(tls) => Some(&tls.certificates),
        Tls::Off | Tls::Passed | Tls::Unknown => None,
    });
    let others: Vec<&str> = others.flatten().map(own_name).collect();
    secrets.iter().find(|one| {
        let name = own_name(one);
        !others.contains(&name) && in_common(name, own_name(used)) >= AKIN
    })
}

/// Without its namespace.
fn own_name(secret: &Setting<String>) -> &str {
    secret.value.rsplit('/').next().unwrap_or_default()
}

/// How many characters two names begin with alike.
fn in_common(one: &str, other: &str) -> usize {
    let pairs = one.chars().zip(other.chars());
    pairs.take_while(|(one, other)| one == other).count()
}

/// Names that begin alike in as many characters are meant for the same: `hoopdev-tls`, `hoopgateway-tls`.
const AKIN: usize = 4;
