//! Evidence for tests: a configuration as discovery reads it, and endpoints of which nothing was seen yet.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::config::{Asked, Discovery, Environment, discover};
use crate::evidence::{Evidence, Wire};
use crate::findings::{Draft, Rule};
use crate::plan::plan;

/// Seconds since the epoch at which all tests happen: 2027-01-15T08:00:00Z.
pub(in crate::findings) const NOW: u64 = 1_800_000_000;

/// What is found with these variables and no home folder.
pub(in crate::findings) fn variables(variables: &[(&str, &str)]) -> Evidence {
    asked(variables, &Asked::default())
}

/// The same with a command line.
pub(in crate::findings) fn asked(variables: &[(&str, &str)], asked: &Asked) -> Evidence {
    let environment = Environment::new(variables.iter().copied(), PathBuf::from("/"), now());
    unprobed(discover(&environment, asked).expect("what is asked for is there"))
}

/// What is found with this text in `~/.hoop/config.toml`, and these variables.
pub(in crate::findings) fn file(config: &str, variables: &[(&str, &str)]) -> Evidence {
    let home = tempfile::tempdir().expect("the temporary folder can be made");
    let folder = home.path().join(".hoop");
    std::fs::create_dir(&folder).expect("the home folder is writable");
    std::fs::write(folder.join("config.toml"), config).expect("the home folder is writable");
    let path = home.path().to_str().expect("a temporary folder's name is UTF-8");
    let variables = variables.iter().copied().chain([("HOME", path)]);
    let environment = Environment::new(variables, PathBuf::from("/"), now());
    unprobed(discover(&environment, &Asked::default()).expect("nothing is asked for"))
}

/// The one draft of a rule that has to speak.
pub(in crate::findings) fn only(rule: &Rule, evidence: &Evidence) -> Draft {
    let mut drafts = (rule.check)(evidence);
    assert_eq!(drafts.len(), 1, "{drafts:#?}");
    drafts.remove(0)
}

/// Fails where a rule speaks that has to stay silent.
pub(in crate::findings) fn silent(rule: &Rule, evidence: &Evidence) {
    let drafts = (rule.check)(evidence);
    assert!(drafts.is_empty(), "{drafts:#?}");
}

/// The text of a draft's first snippet.
pub(in crate::findings) fn snippet(draft: &Draft) -> &str {
    draft.remedy.snippets.first().map_or("", |snippet| &snippet.text)
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

fn unprobed(config: Discovery) -> Evidence {
    let plan = plan(&config, &[]);
    let wire = Wire {
        started_at: i64::try_from(NOW).unwrap_or_default(),
        endpoints: plan.endpoints.iter().map(|planned| planned.endpoint()).collect(),
        ..Wire::default()
    };
    Evidence {
        config,
        wire,
        logs: None,
        proxyconf: None,
    }
}
