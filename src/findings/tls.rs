//! 3xx: TLS and certificates.

use hoop_doctor_probes::x509::{CertFacts, MissingIntermediate, Rejection, Verdict};

use super::config::line::grpc_value;
use super::{Code, Draft, Rule, fixes};
use crate::config::Security;
use crate::evidence::{Endpoint, Evidence, Kind, Target, host_port};
use crate::plan;
use crate::report::timestamp;

mod cert_chain_incomplete;
mod cert_expired;
mod cert_expires_soon;
mod cert_not_yet_valid;
mod cert_self_signed;
mod cert_unknown_issuer;
mod cert_without_names;
mod cert_wrong_name;
mod client_cert_required;
mod closed;
mod default_certificate;
mod inspectors;
mod intercepted;
mod large_hello;
mod plaintext_to_tls;
mod refused;
mod sni_refused;
mod tls_to_plaintext;
mod version_unsupported;

pub(crate) use inspectors::inspector;

pub(super) const RULES: &[&Rule] = &[
    &plaintext_to_tls::RULE,
    &tls_to_plaintext::RULE,
    &cert_expired::RULE,
    &cert_not_yet_valid::RULE,
    &cert_wrong_name::RULE,
    &cert_unknown_issuer::RULE,
    &cert_self_signed::RULE,
    &cert_chain_incomplete::RULE,
    &cert_without_names::RULE,
    &version_unsupported::RULE,
    &refused::RULE,
    &client_cert_required::RULE,
    &intercepted::RULE,
    &cert_expires_soon::RULE,
    &sni_refused::RULE,
    &large_hello::RULE,
    &default_certificate::RULE,
    &closed::RULE,
];

/// What a reader would see next to a scheme or a certificate that is wrong, and what goes away with it.
const STANDS_ON_TLS: &[Code] = &[
    Code(201),
    Code(204),
    Code(212),
    Code(318),
    Code(401),
    Code(402),
    Code(403),
    Code(404),
    Code(405),
    Code(408),
    Code(411),
    Code(501),
    Code(502),
    Code(503),
    Code(504),
    Code(505),
    Code(506),
    Code(509),
    Code(510),
    Code(601),
    Code(602),
    Code(603),
    Code(604),
    Code(606),
    Code(607),
    Code(608),
    Code(611),
    Code(613),
    Code(614),
    Code(616),
    Code(620),
];

/// A chain that Go refuses, where Hoop would check it.
struct Rejected<'a> {
    rejection: &'a Rejection,
    missing: &'a MissingIntermediate,
    leaf: Option<&'a CertFacts>,
    /// Where the chain ends.
    last: Option<&'a CertFacts>,
    chain_len: usize,
}

impl Rejected<'_> {
    /// What the agent logs; the clock's time, which differs at every attempt, is a hole.
    fn log(&self, now: i64) -> String {
        let text = self.rejection.tls_text(now).replace(&timestamp(now), "{now}");
        format!("connection error: desc = \"transport: authentication handshake failed: {text}\"")
    }
}

fn certificate(endpoint: &Endpoint) -> Option<Rejected<'_>> {
    let chain = &endpoint.handshake()?.chain;
    let Verdict::Rejected(rejection) = &chain.verdict else {
        return None;
    };
    endpoint.target.verify.then_some(Rejected {
        rejection,
        missing: &chain.missing_intermediate,
        leaf: chain.certs.first(),
        last: chain.certs.get(chain.ends_at),
        chain_len: chain.certs.len(),
    })
}

/// The names that a certificate is for, the first few of many.
fn names(leaf: &CertFacts) -> String {
    let all = leaf
        .dns_names
        .iter()
        .cloned()
        .chain(leaf.ip_addresses.iter().map(ToString::to_string));
    let shown: Vec<String> = all.clone().take(4).collect();
    let more = all.count() - shown.len();
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The day of a Unix time, in UTC.
fn date(unix: i64) -> String {
    timestamp(unix).chars().take(10).collect()
}

/// A time span in its largest unit.
fn age(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds.max(0), "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        172_800.. => (seconds / 86_400, "day"),
    };
    match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    }
}

/// How to put a new certificate in place, and to see it served.
fn renewal(draft: Draft, endpoint: &Endpoint) -> Draft {
    let (host, port) = (&endpoint.target.server_name, endpoint.target.port);
    fixes::certificate(draft, endpoint).shell(format!(
        "openssl s_client -connect {} -servername {host} </dev/null | openssl x509 -noout -dates -subject",
        host_port(&endpoint.target.host, port)
    ))
}

/// How to make Hoop trust an authority, and how to get its certificate.
fn trust_it(draft: Draft, endpoint: &Endpoint) -> Draft {
    let command = match endpoint.target.kind {
        Kind::Grpc => "export HOOP_TLSCA='file:///path/to/ca.pem'   # PEM; it replaces the system's authorities",
        Kind::Rest => {
            "export HOOP_TLSCA='file:///path/to/ca.pem'   # or tls_ca = \"<base64 of the PEM>\" in ~/.hoop/config.toml"
        }
    };
    draft.shell(command)
}

/// The corrected line of each identity that goes there, where it has it.
fn corrected(mut draft: Draft, evidence: &Evidence, endpoint: &Endpoint, security: Security) -> Draft {
    let target = &endpoint.target;
    let mine = plan::identities(&evidence.config)
        .enumerate()
        .filter(|(index, _)| endpoint.identities.contains(index));
    for (_, identity) in mine {
        let (source, value) = match (target.kind, &identity.grpc, &identity.api) {
            (Kind::Grpc, Some(grpc), _) => (&grpc.source, grpc_value(identity, security, &target.address())),
            (Kind::Rest, _, Some(api)) => (&api.source, with_scheme(target, security)),
            _ => continue,
        };
        draft = draft.line(source, &value);
    }
    draft
}

/// The target's address with the scheme that means this to agent and client alike.
fn with_scheme(target: &Target, security: Security) -> String {
    let scheme = match (target.kind, security) {
        (Kind::Grpc, Security::Tls) => "grpcs",
        (Kind::Grpc, Security::Plaintext) => "grpc",
        (Kind::Rest, Security::Tls) => "https",
        (Kind::Rest, Security::Plaintext) => "http",
    };
    format!("{scheme}://{}{}", target.address(), target.base_path)
}
