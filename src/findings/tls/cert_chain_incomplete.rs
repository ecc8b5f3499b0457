//! HD308: an intermediate certificate is missing from what the server sends.

use hoop_doctor_probes::x509::{MissingIntermediate, Rejection, Sign};

use super::certificate;
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity, fixes, for_each_endpoint};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(308),
    name: "cert-chain-incomplete",
    severity: Severity::Error,
    summary: "the server does not send its intermediate certificate",
    explain: include_str!("../../../docs/findings/HD308.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_endpoint(evidence, |endpoint| {
        let rejected = certificate(endpoint)?;
        if !matches!(rejected.rejection, Rejection::UnknownAuthority { .. }) || rejected.leaf?.self_issued {
            return None;
        }
        let (confidence, because) = match rejected.missing {
            MissingIntermediate::Proven { .. } => (Confidence::Certain, "the trust store proves it"),
            MissingIntermediate::Likely { because } => (Confidence::Likely, reason(*because)),
            MissingIntermediate::No | MissingIntermediate::Unlikely => return None,
        };
        let issuer = &rejected.last?.issuer;
        let address = endpoint.target.address();
        let draft = Draft::new(
            format!(
                "{address} sends {} without the certificate of its issuer {issuer}; {because}",
                sends(rejected.chain_len)
            ),
            format!("serve the full chain at {address}: the certificate, followed by that of {issuer}"),
        );
        let draft = match confidence {
            Confidence::Certain => draft,
            Confidence::Likely | Confidence::Possible => {
                draft.candidate(306, format!("if {issuer} is a root of its own, it isn't trusted here"))
            }
        };
        Some(
            fixes::certificate(draft.confidence(confidence), endpoint)
                .shell("cat leaf.pem intermediate.pem > fullchain.pem   # the leaf first, without the root")
                .seen_in(endpoint, &["tls"])
                .logged_as(&[&rejected.log(evidence.wire.started_at)]),
        )
    })
}

fn sends(count: usize) -> String {
    match count {
        1 => "its certificate alone,".to_owned(),
        more => format!("{more} certificates,"),
    }
}

fn reason(sign: Sign) -> &'static str {
    match sign {
        Sign::SharesKeyId => "a trusted authority has that issuer's key identifier",
        Sign::SendsAnotherIssuer => "it sends another authority's certificate in its place",
        Sign::CallsItselfIntermediate => "the issuer's name says that it is an intermediate",
        Sign::NamesIssuerDownload => "the certificate says where to download it, as those of intermediates do",
        Sign::SharesOrganisation => "a trusted authority belongs to the same organisation",
        Sign::SharesNameWords => "a trusted authority has a like name",
    }
}
