//! HD801: the proxy's own checker would refuse the file. Nothing is guessed beyond it.

use crate::findings::from_proxyconf::Conf;
use crate::findings::{Breaks, Code, Draft, Rule, Severity, from_logs};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(801),
    name: "proxyconf-unreadable",
    severity: Severity::Error,
    summary: "the proxy refuses this configuration",
    explain: include_str!("../../../docs/findings/HD801.md"),
    breaks: Breaks::Every,
    explains: &[],
    check: from_logs::alone,
};

/// One finding a file: what comes behind the first mistake may follow from it.
pub(in crate::findings) fn look(conf: &Conf<'_>) -> Vec<Draft> {
    let mut files: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for problem in &conf.all.problems {
        let severity = match problem.starts {
            true => Severity::Warn,
            false => Severity::Error,
        };
        if !problem.starts && files.contains(&problem.at.file.as_str()) {
            continue;
        }
        if !problem.starts {
            files.push(&problem.at.file);
        }
        let at = &problem.at;
        let message = format!("{}:{}: {}", at.file, at.line, problem.what);
        let remedy = match problem.starts {
            true => "read it where it runs, with everything that it includes",
            false => "mend this line; what stands behind it was not judged",
        };
        found.push(Draft::new(message, remedy).severity(severity).place(at));
    }
    found
}
