//! What a finding says to put into a proxy's configuration mends that configuration.
//!
//! A row of `remedies.tsv` names a broken configuration of the lab and the place in it at which a reader would put the
//! finding's first snippet. The snippet is put there, the proxy is started with the result and checked again.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::fs;
use std::io;

use hoop_doctor::findings::diagnose;

use crate::cases::Case;
use crate::lab::doctor::Report;
use crate::lab::proxy::StartError;
use crate::lab::scenario::{Expected, Scenario, ScenarioError};
use crate::lab::{Lab, configurations, few_at_a_time, say};
use crate::proxies::{OURS, SHARED};

#[test]
fn the_snippet_for_the_proxy_that_is_there_mends_its_configuration() -> io::Result<()> {
    let rows = table()?;
    let lab = Lab::start()?;
    let outcomes = few_at_a_time(&rows, |row| row.mend(&lab));

    let mut table = String::new();
    let mut wrong = 0;
    for (row, outcome) in rows.iter().zip(&outcomes) {
        let verdict = match outcome {
            Ok(()) => "mended",
            Err(Unmended::Run(ScenarioError::Start(StartError::NotInstalled(_)))) if env::var_os("CI").is_none() => {
                "not run"
            }
            Err(_) => {
                wrong += 1;
                "WRONG"
            }
        };
        let why = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
        table += &format!("{verdict:<8}{:<40}{:<8}{why}\n", row.scenario.name, row.code);
    }
    assert!(wrong == 0, "{wrong} of {} remedies don't mend\n{table}", rows.len());
    say(&table);
    Ok(())
}

/// No reader has to guess what the doctor knows, and none finds a command where a piece of configuration should be.
#[test]
fn snippets_for_proxies_name_the_real_host_and_port_and_are_no_commands() -> io::Result<()> {
    for case in Case::all()? {
        for one in diagnose(&case.evidence) {
            let endpoints = one.draft.endpoints.iter();
            let ports: Vec<u16> = endpoints
                .map(|index| case.evidence.wire.endpoints[*index].target.port)
                .collect();
            let snippets = one.draft.remedy.snippets.iter();
            for snippet in snippets.filter(|snippet| snippet.language != "sh") {
                let about = format!("{}: {}: {}", case.name, one.rule.code, snippet.text);
                assert!(!snippet.text.contains("example.com"), "{about}");
                let mut words = snippet.text.split_whitespace();
                assert!(!matches!(words.next(), Some("kubectl" | "export" | "curl")), "{about}");
                let mut listens = snippet.text.lines().filter_map(|line| {
                    let line = line.trim_start();
                    line.strip_prefix("listen ").or_else(|| line.strip_prefix("bind :"))
                });
                let real = |listen: &str| {
                    let digits = listen.split(|char: char| !char.is_ascii_digit()).next();
                    digits
                        .and_then(|digits| digits.parse().ok())
                        .is_some_and(|port| ports.contains(&port))
                };
                assert!(listens.all(real), "{about}");
            }
        }
    }
    Ok(())
}

/// A broken configuration and how its finding's snippet goes into it.
struct Row {
    scenario: Scenario,
    /// The finding whose snippet it is; several, where it takes turns.
    code: String,
    edit: Edit,
    /// The reader's own names in the place of the snippet's, or an alternative that the snippet's comment gives.
    own_words: Vec<(String, String)>,
    /// What a check finds afterwards.
    afterwards: Expected,
}

/// Where a snippet goes, by texts that are in the configuration.
enum Edit {
    /// In the place of everything from the one to the other.
    Replace(String, String),
    /// On lines of its own behind the line with the text, with that line's indentation.
    After(String),
    /// Its keys among those that are there already, as YAML.
    Merge,
    /// Nowhere: the snippet names what has to go, from the one to the other.
    Remove(String, String),
}

fn table() -> io::Result<Vec<Row>> {
    let text = fs::read_to_string(configurations().join(TABLE))?;
    let mut scenarios = BTreeMap::new();
    for table in [SHARED, OURS] {
        let of_table = Scenario::table(table)?.into_iter();
        scenarios.extend(of_table.map(|scenario| (scenario.name.clone(), scenario)));
    }
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(rows
        .map(|line| Row::parse(line, &mut scenarios).unwrap_or_else(|| panic!("{TABLE}: no row: {line:?}")))
        .collect())
}

impl Row {
    fn parse(line: &str, scenarios: &mut BTreeMap<String, Scenario>) -> Option<Self> {
        let columns: [&str; 5] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let [name, code, edit, own_words, afterwards] = columns;
        let (how, place) = edit.split_once(' ').unwrap_or((edit, ""));
        let place = unescaped(place);
        let (from, to) = place.split_once(" … ").unwrap_or((&place, ""));
        let (from, to) = (from.to_owned(), to.to_owned());
        Some(Self {
            scenario: scenarios.remove(name)?,
            code: code.to_owned(),
            edit: match how {
                "replace" => Edit::Replace(from, to),
                "after" => Edit::After(from),
                "merge" => Edit::Merge,
                "remove" => Edit::Remove(from, to),
                _ => return None,
            },
            own_words: match own_words {
                "-" => Vec::new(),
                words => words
                    .split("; ")
                    .map(|pair| pair.split_once(" => "))
                    .map(|pair| pair.map(|(from, to)| (unescaped(from), unescaped(to))))
                    .collect::<Option<_>>()?,
            },
            afterwards: Expected::parse(afterwards),
        })
    }

    /// Checks, puts the snippet in, and checks again.
    fn mend(&self, lab: &Lab) -> Result<(), Unmended> {
        let configuration = fs::read_to_string(self.scenario.configuration())?;
        let broken = self.scenario.check(lab, &configuration)?;
        let code = broken.first_finding().unwrap_or("none");
        if !self.code.split(',').any(|accepted| accepted == code) {
            return Err(Unmended::OtherFinding(code.to_owned()));
        }
        let snippet = self.snippet(&broken)?;
        let mended = self.edit.apply(&configuration, &snippet)?;
        let report = match self.scenario.check(lab, &mended) {
            Ok(report) => report,
            Err(error) => return Err(Unmended::NotServed { error, mended }),
        };
        if self.afterwards.is_met_by(&report) {
            return Ok(());
        }
        Err(Unmended::StillBroken {
            finds: report.first_finding().unwrap_or("none").to_owned(),
            expected: self.afterwards.to_string(),
            mended,
        })
    }

    /// The snippet with the lab's placeholders in the place of what it takes for granted.
    fn snippet(&self, report: &Report) -> Result<String, Unmended> {
        let there = self.scenario.proxy.name();
        // Where nothing shows which proxy it is, the reader takes the one for his own.
        let shown = report
            .recognised()
            .next()
            .flatten()
            .is_some_and(|proxy| proxy != "none");
        let mut snippets = report.snippets();
        let found = match shown {
            true => snippets.next(),
            false => snippets.find(|(proxy, _)| *proxy == there),
        };
        let (proxy, text) = found.ok_or(Unmended::NoSnippet)?;
        if proxy != there {
            return Err(Unmended::OtherProxy(format!("{proxy}: {text}")));
        }
        let mut text = text.to_owned();
        if let Some(port) = report.port() {
            text = text
                .replace(&format!("listen {port}"), "listen 127.0.0.1:@LISTEN@")
                .replace(&format!("bind :{port}"), "bind 127.0.0.1:@LISTEN@")
                .replace(&format!(":{port}"), ":@LISTEN@");
        }
        for (taken_for_granted, placeholder) in PLACEHOLDERS {
            text = text.replace(taken_for_granted, placeholder);
        }
        for (snippets, own) in &self.own_words {
            if !text.contains(snippets.as_str()) {
                return Err(Unmended::NoPlace(snippets.clone(), text));
            }
            text = text.replace(snippets.as_str(), own);
        }
        Ok(text)
    }
}

impl Edit {
    fn apply(&self, configuration: &str, snippet: &str) -> Result<String, Unmended> {
        let (from, to) = match self {
            Self::Merge => return Ok(merged(configuration, snippet)),
            Self::Replace(from, to) | Self::Remove(from, to) => (from, to.as_str()),
            Self::After(from) => (from, ""),
        };
        let missing = || Unmended::NoPlace(from.clone(), configuration.to_owned());
        // The first line says what is wrong.
        let faults = configuration.find('\n').unwrap_or_default();
        let start = faults + configuration[faults..].find(from.as_str()).ok_or_else(missing)?;
        let end = start + from.len();
        let end = end + configuration[end..].find(to).ok_or_else(missing)? + to.len();
        let place = &configuration[start..end];
        let line = configuration[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let indentation: String = configuration[line..].chars().take_while(|char| *char == ' ').collect();
        let rest_of_line = || {
            configuration[end..]
                .find('\n')
                .map_or(configuration.len(), |newline| end + newline)
        };
        Ok(match self {
            Self::Merge => unreachable!("it has no place"),
            Self::Replace(..) => {
                let text = indented(snippet, &indentation);
                format!(
                    "{}{}\n{}",
                    &configuration[..start],
                    text.trim_start(),
                    &configuration[end..]
                )
            }
            // Behind a block that begins on this line and ends on it, the snippet goes into the block.
            Self::After(_) if from.ends_with(['{', ';']) => {
                let text = indented(snippet, &indentation);
                format!("{}{text}\n{}", &configuration[..end], &configuration[end..])
            }
            Self::After(_) => {
                let text = indented(snippet, &indentation);
                format!(
                    "{}{text}{}",
                    &configuration[..rest_of_line()],
                    &configuration[rest_of_line()..]
                )
            }
            Self::Remove(..) => {
                let named = |line: &str| line.trim().is_empty() || snippet.contains(line.trim());
                let first = place.lines().next().unwrap_or_default();
                if !named(first) {
                    return Err(Unmended::NoPlace(first.to_owned(), snippet.to_owned()));
                }
                format!("{}{}", &configuration[..start], &configuration[end..])
            }
        })
    }
}

/// The lines of a snippet, each behind a line break and with this indentation.
fn indented(snippet: &str, indentation: &str) -> String {
    let lines = snippet.lines().map(|line| format!("\n{indentation}{line}"));
    lines.collect()
}

/// Each line of `snippet` that isn't there yet, behind the lines of the block that it belongs to.
fn merged(configuration: &str, snippet: &str) -> String {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines: Vec<&str> = configuration.lines().collect();
    let mut cursor = 0;
    for line in snippet.lines() {
        let same_block = lines[cursor..].iter().take_while(|there| depth(there) >= depth(line));
        match same_block.clone().position(|there| *there == line) {
            Some(there) => cursor += there + 1,
            None => {
                lines.insert(cursor, line);
                cursor += 1;
            }
        }
    }
    lines.join("\n")
}

fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n")
}

/// Why a remedy is no remedy.
enum Unmended {
    Run(ScenarioError),
    OtherFinding(String),
    NoSnippet,
    OtherProxy(String),
    /// A text that isn't there once, and where it isn't.
    NoPlace(String, String),
    NotServed {
        error: ScenarioError,
        mended: String,
    },
    StillBroken {
        finds: String,
        expected: String,
        mended: String,
    },
}

impl<E: Into<ScenarioError>> From<E> for Unmended {
    fn from(error: E) -> Self {
        Self::Run(error.into())
    }
}

impl fmt::Display for Unmended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(error) => error.fmt(f),
            Self::OtherFinding(code) => write!(f, "the broken configuration leads to {code}"),
            Self::NoSnippet => f.write_str("the finding has no snippet"),
            Self::OtherProxy(snippet) => write!(f, "the first snippet is for another proxy, {snippet}"),
            Self::NoPlace(text, whole) => write!(f, "{text:?} isn't there once:\n{whole}"),
            Self::NotServed { error, mended } => write!(f, "{error}\n{mended}"),
            Self::StillBroken {
                finds,
                expected,
                mended,
            } => write!(f, "{expected} expected, {finds} found afterwards:\n{mended}"),
        }
    }
}

const TABLE: &str = "remedies.tsv";

/// What snippets can't know, with what it is in the lab.
const PLACEHOLDERS: [(&str, &str); 9] = [
    ("127.0.0.1,8010", "127.0.0.1,@GRPC_PORT@"),
    ("127.0.0.1,8009", "127.0.0.1,@REST_PORT@"),
    ("port_value: 8010", "port_value: @GRPC_PORT@"),
    ("port_value: 8009", "port_value: @REST_PORT@"),
    ("127.0.0.1:8010", "127.0.0.1:@GRPC_PORT@"),
    ("127.0.0.1:8009", "127.0.0.1:@REST_PORT@"),
    ("/path/to/fullchain-and-key.pem", "@PEM@"),
    ("/path/to/fullchain.pem", "@CERT@"),
    ("/path/to/key.pem", "@KEY@"),
];
