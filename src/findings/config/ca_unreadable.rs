//! HD016: a certificate authority of no use.

use super::{Case, for_each_problem};
use crate::config::{CaFault, ProblemKind};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(16),
    name: "ca-unreadable",
    severity: Severity::Error,
    summary: "the certificate authority that Hoop is told to trust can't be read",
    explain: include_str!("../../../docs/findings/HD016.md"),
    breaks: Breaks::Every,
    explains: &[Code(306), Code(307), Code(308)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::CaUnreadable(fault) = &case.problem.kind else {
            return None;
        };
        let source = &case.problem.source;
        let who = case.who();
        let draft = match fault {
            CaFault::Base64 { at } => Draft::new(
                format!("the CA in {source} isn't base64 behind its base64://, at byte {at}: {who} refuses to start"),
                "encode the PEM file anew, on one line",
            )
            .shell("printf 'base64://%s' \"$(base64 < ca.pem | tr -d '\\n')\""),
            CaFault::File(fault) => Draft::new(
                format!("the CA file that {source} names can't be read: {fault}; {who} refuses to start"),
                "correct the path: it needs three slashes to be absolute, and ~ isn't expanded; then let the user who runs Hoop read it",
            )
            .line(source, "file:///etc/ssl/gateway/ca.pem"),
            CaFault::NoCertificate { path: true } => Draft::new(
                format!("{source} is a bare path, which Hoop takes for the certificate itself"),
                "put file:// in front of the path",
            )
            .line(source, &format!("file://{}", path(case))),
            CaFault::NoCertificate { path: false } => Draft::new(
                format!("there is no certificate in the CA of {source}"),
                "give it a PEM file that has -----BEGIN CERTIFICATE-----, not a key, a request or DER",
            ),
            CaFault::FileKeyBase64 { path: true, .. } => Draft::new(
                format!("{source} has a path in tls_ca, where Hoop wants the PEM file itself in base64"),
                "let hoop write it: its flag takes the path",
            )
            .shell(format!("hoop config create --api-url … --grpc-url … --tls-ca {}", path(case))),
            CaFault::FileKeyBase64 {
                at,
                nothing_left,
                path: false,
            } => Draft::new(
                format!(
                    "tls_ca in {source} isn't base64 from byte {at} on, and Hoop doesn't say so: {}",
                    match nothing_left {
                        true => "it goes on with the system's certificate authorities",
                        false => "it finds no certificate in what is left",
                    }
                ),
                "encode the PEM file anew, on one line",
            )
            .shell("base64 < ca.pem | tr -d '\\n'"),
        };
        Some(draft.about(case.endpoints().filter(|(_, endpoint)| endpoint.target.tls)))
    })
}

/// The path as it was configured, or one that shows the form.
fn path(case: &Case<'_>) -> String {
    let settings = case
        .identity()
        .map(|identity| identity.settings.as_slice())
        .unwrap_or_default();
    let set = settings.iter().find(|setting| setting.source == case.problem.source);
    let path = set
        .map(|setting| setting.value.as_str())
        .filter(|path| path.starts_with('/'));
    path.unwrap_or("/etc/ssl/gateway/ca.pem").to_owned()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet, variables};

    const KEY: (&str, &str) = ("HOOP_KEY", "grpcs://n:secret@gw.example:8443");

    #[test]
    fn a_bare_path_gets_its_scheme() {
        let draft = only(&RULE, &variables(&[KEY, ("HOOP_TLSCA", "/etc/ssl/ca.pem")]));
        assert_eq!(snippet(&draft), "HOOP_TLSCA=file:///etc/ssl/ca.pem");
        assert_eq!(draft.logged_as, ["failed to append root CA into cert pool"]);
        assert_eq!(draft.endpoints, [0]);
    }

    #[test]
    fn a_missing_file_and_broken_base64_are_told_apart() {
        let missing = only(&RULE, &variables(&[KEY, ("HOOP_TLSCA", "file:///nonexistent/ca.pem")]));
        assert_eq!(
            missing.logged_as,
            ["open /nonexistent/ca.pem: no such file or directory"]
        );
        let broken = only(&RULE, &variables(&[KEY, ("HOOP_TLSCA", "base64://LS0t LS0t")]));
        assert_eq!(broken.logged_as, ["illegal base64 data at input byte 4"]);
    }

    #[test]
    fn the_file_takes_no_path() {
        let draft = only(
            &RULE,
            &file("grpc_url = \"gw.example:8443\"\ntls_ca = \"/etc/ssl/ca.pem\"\n", &[]),
        );
        assert_eq!(
            snippet(&draft),
            "hoop config create --api-url … --grpc-url … --tls-ca /etc/ssl/ca.pem"
        );
        assert_eq!(draft.locations[0].line, Some(2));
    }

    #[test]
    fn plaintext_has_no_use_for_a_ca() {
        silent(
            &RULE,
            &variables(&[
                ("HOOP_KEY", "grpc://n:secret@gw.example:8010"),
                ("HOOP_TLSCA", "/etc/ssl/ca.pem"),
            ]),
        );
    }
}
