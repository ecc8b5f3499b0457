//! HD008: a scheme that the agent takes no notice of.

use super::for_each_problem;
use super::line::grpc_value;
use crate::config::{Mode, ProblemKind, Security, Source};
use crate::evidence::{Evidence, Kind};
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(8),
    name: "scheme-ignored",
    severity: Severity::Warn,
    summary: "an agent without a key takes no notice of the scheme",
    explain: include_str!("../../../docs/findings/HD008.md"),
    breaks: Breaks::Some,
    explains: &[Code(301), Code(302)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::SchemeIgnored { scheme, does, .. } = &case.problem.kind else {
            return None;
        };
        let identity = case.identity()?;
        let grpc = identity.grpc.as_ref();
        let source = &case.problem.source;
        let (other, does) = match does {
            Security::Tls => ("plaintext", "TLS"),
            Security::Plaintext => ("TLS", "plaintext"),
        };
        let insecure = Source::Variable("HOOP_GRPC_INSECURE".to_owned());
        let draft = Draft::new(
            format!(
                "{source} says {scheme}://, which means {other}, but an agent without a key ignores that and uses {does}"
            ),
            match (identity.mode, does) {
                (Mode::Svid, "TLS") => {
                    "write host and port alone if the port speaks TLS; if it doesn't, set HOOP_GRPC_INSECURE to true"
                }
                (Mode::Svid, _) => {
                    "take HOOP_GRPC_INSECURE away if the port speaks TLS; if it doesn't, write host and port alone"
                }
                _ => "write host and port alone if that is right; if not, use a key, whose scheme counts",
            },
        );
        let draft = match (identity.mode, does, grpc) {
            (Mode::Svid, "TLS", _) => draft.line(&insecure, "true"),
            (_, _, Some(grpc)) => {
                let security = identity.tls.as_ref().map_or(Security::Tls, |tls| tls.security);
                draft.line(source, &grpc_value(identity, security, &grpc.target.to_string()))
            }
            (_, _, None) => draft,
        };
        Some(draft.about(case.of_kind(Kind::Grpc)))
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{only, silent, snippet, variables};

    #[test]
    fn a_spiffe_agent_uses_tls_for_grpc() {
        let set = [
            ("HOOP_SPIFFE_KEY_FILE", "/run/agent.jwt"),
            ("HOOP_GRPCURL", "grpc://gw.example:8010"),
        ];
        let draft = only(&RULE, &variables(&set));
        assert_eq!(
            draft.message,
            "HOOP_GRPCURL says grpc://, which means plaintext, but an agent without a key ignores that and uses TLS"
        );
        assert_eq!(snippet(&draft), "HOOP_GRPC_INSECURE=true");
    }

    #[test]
    fn a_token_agent_can_only_be_given_a_key() {
        let set = [
            ("TOKEN", "x-agt-0123456789"),
            ("HOOP_GRPCURL", "http://gw.example:8010"),
        ];
        assert!(only(&RULE, &variables(&set)).remedy.text.contains("use a key"));
    }

    #[test]
    fn a_scheme_that_says_what_is_done_is_fine() {
        let set = [
            ("HOOP_SPIFFE_KEY_FILE", "/run/agent.jwt"),
            ("HOOP_GRPCURL", "grpcs://gw.example:8443"),
        ];
        silent(&RULE, &variables(&set));
        let insecure = [
            set[0],
            ("HOOP_GRPCURL", "grpc://gw.example:8010"),
            ("HOOP_GRPC_INSECURE", "true"),
        ];
        silent(&RULE, &variables(&insecure));
    }
}
