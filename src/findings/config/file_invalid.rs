//! HD010: the client's file can't be read.

use super::for_each_problem;
use super::line::grpc_url_beside;
use crate::config::{FileFault, ProblemKind, Source};
use crate::evidence::Evidence;
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(10),
    name: "config-file-invalid",
    severity: Severity::Error,
    summary: "the client's configuration file can't be read",
    explain: include_str!("../../../docs/findings/HD010.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::FileInvalid(fault) = &case.problem.kind else {
            return None;
        };
        let source = &case.problem.source;
        let remedy = match fault {
            FileFault::Io { .. } => {
                "let the user who runs `hoop` read the file, or remove what stands in its place".to_owned()
            }
            FileFault::TooLarge { .. } => {
                "put the client's few lines there again: `hoop config create` writes them".to_owned()
            }
            FileFault::NotUtf8 { .. } => "save the file as UTF-8".to_owned(),
            FileFault::Syntax { .. } => {
                "correct that line: every value is a text in double quotes, but true and false".to_owned()
            }
            FileFault::WrongType { key, wants, .. } => format!("write {key} as a {wants}"),
        };
        let draft = Draft::new(format!("the client can't read {source}: {fault}"), remedy);
        let mut draft = match fault {
            FileFault::WrongType { wants, .. } if wants == "boolean" => draft.line(source, "true"),
            FileFault::WrongType { .. } => draft.line(source, "…"),
            FileFault::Syntax { .. } => draft.line(&grpc_url_beside(source), "grpcs://gateway.example.com:8443"),
            FileFault::Io { .. } | FileFault::TooLarge { .. } | FileFault::NotUtf8 { .. } => draft,
        };
        if let (
            Source::File(place),
            FileFault::Syntax { .. } | FileFault::NotUtf8 { .. } | FileFault::TooLarge { .. },
        ) = (source, fault)
        {
            // Hoop's TOML library puts it in words of its own.
            draft.logged_as = vec![format!(
                "failed decoding configuration file={}, err={{error}}",
                place.path.display()
            )];
        }
        Some(draft)
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{file, only, silent, snippet};

    #[test]
    fn a_mistake_has_a_line_and_a_column() {
        let draft = only(
            &RULE,
            &file(
                "api_url = \"https://gw.example\"\ngrpc_url = grpcs://gw.example:8443\n",
                &[],
            ),
        );
        assert_eq!(draft.locations[0].line, Some(2));
        assert!(draft.locations[0].column.is_some());
        assert!(
            draft.logged_as[0].ends_with("/.hoop/config.toml, err={error}"),
            "{:?}",
            draft.logged_as
        );
        assert_eq!(snippet(&draft), "grpc_url = \"grpcs://gateway.example.com:8443\"");
    }

    #[test]
    fn a_boolean_in_quotes_is_none() {
        let draft = only(&RULE, &file("skip_tls_verify = \"true\"\n", &[]));
        assert_eq!(snippet(&draft), "skip_tls_verify = true");
        assert!(
            draft.logged_as[0].contains("incompatible types"),
            "{:?}",
            draft.logged_as
        );
    }

    #[test]
    fn an_empty_file_is_valid() {
        silent(&RULE, &file("", &[]));
    }
}
