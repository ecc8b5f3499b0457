//! Findings from log lines: the same codes as from the wire, by the one table of signs.
//!
//! A sign that can mean one thing says it; one that can mean several is explained by whatever a more telling one says, or
//! keeps its candidates. Rhythm is evidence too: streams that all live equally long are ended by a limit on time.

use crate::evidence::Evidence;
use crate::explain::messages::{Message, Weight};
use crate::explain::{FIX, page};
use crate::logs::{Logs, Sighting, signs, steady};
use crate::report::timestamp;

use super::limits::held::seconds;
use super::rank::Diagnosed;
use super::{Code, Confidence, Draft, Location, Rule, Severity, Snippet, rules};
use crate::proxies::Proxy;

/// What the logs lead to, the most telling signs first.
pub(super) fn findings(evidence: &Evidence) -> Vec<Diagnosed> {
    let Some(logs) = &evidence.logs else {
        return Vec::new();
    };
    let mut seen: Vec<Seen<'_>> = logs.sightings.iter().filter_map(|one| Seen::read(logs, one)).collect();
    // What can mean the fewest things says the most; a log that is read first is mostly the reader's own.
    seen.sort_by_key(|one| (one.codes.len(), one.sighting.file, one.sighting.line));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in seen {
        match groups.iter_mut().find(|group| one.codes.contains(&group.code)) {
            Some(group) => group.all.push(one),
            None => groups.extend(Group::led_by(one)),
        }
    }
    let mut found: Vec<Diagnosed> = groups.iter().map(|group| group.diagnosed(logs)).collect();
    let is_clear = |one: &Diagnosed| one.severity() == Severity::Error && one.confidence() > Confidence::Possible;
    if found.iter().any(is_clear) {
        // What can mean many things is no cause beside what can mean one.
        for vague in found.iter_mut().filter(|one| one.confidence() == Confidence::Possible) {
            vague.draft.severity = Some(vague.severity().min(Severity::Warn));
        }
    }
    found
}

/// The check of a rule that nothing but logs can show.
pub(super) fn alone(_: &Evidence) -> Vec<Draft> {
    Vec::new()
}

/// A sighting with the findings that it can mean.
#[derive(Clone, Debug)]
struct Seen<'a> {
    sighting: &'a Sighting,
    codes: Vec<u16>,
    rhythm: Option<Rhythm>,
    /// Scanners, leaving clients and health checks are logged like this too.
    weak: bool,
}

/// What comes at a constant pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rhythm {
    /// Connections that live so many milliseconds each.
    Life(u64),
    /// So many milliseconds from one to the next.
    Period(u64),
}

/// Signs that one cause explains.
struct Group<'a> {
    code: u16,
    rule: &'static Rule,
    all: Vec<Seen<'a>>,
}

impl<'a> Seen<'a> {
    fn read(logs: &Logs, sighting: &'a Sighting) -> Option<Self> {
        let message: &Message = signs::named(&sighting.sign)?;
        let mut codes = message.codes.to_vec();
        let life = life(logs, sighting);
        let rhythm = life.map(Rhythm::Life).or(sighting.times.period().map(Rhythm::Period));
        if let Some(Rhythm::Life(ms)) = rhythm {
            by_time(&mut codes, ms);
        }
        (!codes.is_empty()).then_some(Self {
            sighting,
            codes,
            rhythm,
            weak: message.weight == Weight::Hints && signs::FIELDS.iter().any(|field| field.sample == message.sample),
        })
    }
}

/// Streams that all live equally long: time ends them. An agent sends a packet every ten seconds, so a life much longer than
/// that was not ended for silence.
fn by_time(codes: &mut Vec<u16>, life_ms: u64) {
    const TIME: [u16; 2] = [704, 703];
    if !codes.iter().any(|code| TIME.contains(code)) {
        return;
    }
    codes.retain(|code| !TIME.contains(code));
    match life_ms {
        ..KEPT_ALIVE => codes.splice(0..0, [703, 704]),
        _ => codes.splice(0..0, TIME),
    };
}

/// Up to this age, in milliseconds, an agent may not have sent anything that counts.
const KEPT_ALIVE: u64 = 20_000;

/// How long connections live of which this sign is the end, in milliseconds, where that is constant.
fn life(logs: &Logs, end: &Sighting) -> Option<u64> {
    let begins = logs
        .sightings
        .iter()
        .find(|one| one.file == end.file && one.sign.starts_with(BEGINS))?;
    let mut lives: Vec<i64> = Vec::new();
    for at in &end.times.bursts {
        let began = begins.times.bursts.iter().rfind(|began| **began < *at);
        lives.extend(began.map(|began| at - began));
    }
    let life = steady(&lives).filter(|_| lives.len() >= 3)?;
    u64::try_from(life).ok()
}

/// The start of the sample of what an agent logs when it is connected.
const BEGINS: &str = "connected with success to";

impl<'a> Group<'a> {
    fn led_by(first: Seen<'a>) -> Option<Self> {
        // A code without a rule can't be told; the next likely one is better than nothing.
        let (code, rule) = first.codes.iter().find_map(|code| {
            let rule = rules().find(|rule| rule.code == Code(*code))?;
            Some((*code, rule))
        })?;
        Some(Self {
            code,
            rule,
            all: vec![first],
        })
    }

    fn diagnosed(&self, logs: &Logs) -> Diagnosed {
        let lead = self.all.first().map(|one| &one.codes).cloned().unwrap_or_default();
        let lives_alike = self.all.iter().any(|one| matches!(one.rhythm, Some(Rhythm::Life(_))));
        let confidence = match lead.len() {
            0 | 1 => Confidence::Certain,
            2 => Confidence::Likely,
            _ if lives_alike => Confidence::Likely,
            _ => Confidence::Possible,
        };
        let weak = self.all.iter().all(|one| one.weak);
        let confidence = if weak { Confidence::Possible } else { confidence };
        let mut draft = Draft::new(self.message(logs), self.remedy()).confidence(confidence);
        draft.severity = weak.then(|| self.rule.severity.min(Severity::Warn));
        draft.locations = self.all.iter().map(|one| location(logs, one.sighting)).collect();
        draft.remedy.snippets = snippets(self.code);
        for code in lead.iter().filter(|code| **code != self.code) {
            // What only a configuration shows has a page, and no rule that reads logs.
            if let Some(page) = page(&code.to_string()) {
                draft = draft.candidate(*code, page.summary().trim_end_matches('.'));
            }
        }
        if !draft.candidates.is_empty() {
            draft = draft.decide_by_command(
                decide(self.code),
                "run where the agent or client runs: it says which of these it is",
            );
        }
        Diagnosed {
            rule: self.rule,
            draft,
            because_of: None,
        }
    }

    fn message(&self, logs: &Logs) -> String {
        let Some(one) = self.all.first() else {
            return self.rule.summary.to_owned();
        };
        let place = location(logs, one.sighting);
        let line = place.line.unwrap_or_default();
        let rhythm = self.all.iter().find_map(|one| one.rhythm);
        let often = match (one.sighting.count, rhythm) {
            (_, Some(Rhythm::Life(ms))) => format!(", each time {} after the connection began", seconds(ms)),
            (count, Some(Rhythm::Period(ms))) => format!(", {count} times, every {}", seconds(ms)),
            (1, None) => String::new(),
            (count, None) => format!(", {count} times"),
        };
        let when = match (one.sighting.times.bursts.first(), one.sighting.times.last) {
            (Some(first), Some(last)) if last > *first => {
                format!(", from {} to {}", timestamp(first / 1000), timestamp(last / 1000))
            }
            (Some(first), _) => format!(", at {}", timestamp(first / 1000)),
            _ => String::new(),
        };
        format!(
            "{}: {}:{line} says \"{}\"{often}{when}",
            self.rule.summary, place.file, one.sighting.excerpt
        )
    }

    /// What the page says first of the way to mend it.
    fn remedy(&self) -> String {
        let code = Code(self.code);
        format!("change what `hoop-doctor explain {code}` names, for the proxy that is really there")
    }
}

/// The check that tells the candidates apart: what time ends shows only in a stream that is watched.
fn decide(code: u16) -> &'static str {
    match code {
        700..800 => "hoop-doctor check --deep",
        618 | 617 => "hoop-doctor check --auth",
        _ => "hoop-doctor check",
    }
}

fn location(logs: &Logs, sighting: &Sighting) -> Location {
    Location {
        file: logs
            .files
            .get(sighting.file)
            .map(|file| file.name.clone())
            .unwrap_or_default(),
        line: usize::try_from(sighting.line).ok(),
        column: None,
        text: None,
    }
}

/// The blocks of the page's fix, each with the proxy whose heading it stands under.
pub(super) fn snippets(code: u16) -> Vec<Snippet> {
    let fix = page(&code.to_string())
        .and_then(|page| page.section(FIX))
        .unwrap_or_default();
    let parts = fix.split("### ").skip(1);
    let snippet = |part: &str| {
        let (heading, rest) = part.split_once('\n')?;
        let proxy = Proxy::named(heading.trim())?;
        let (_, block) = rest.split_once("```")?;
        let (language, text) = block.split_once('\n')?;
        let (text, _) = text.split_once("```")?;
        Some(Snippet {
            proxy,
            language: language.to_owned(),
            text: text.trim_end().to_owned(),
        })
    };
    parts.filter_map(snippet).collect()
}

#[cfg(test)]
mod tests {
    use super::{Diagnosed, findings};
    use crate::config::{Asked, Environment, discover};
    use crate::evidence::{Evidence, Wire};
    use crate::findings::{Code, Confidence, Draft, joined, rules};
    use crate::logs::{FileRead, Logs, Sighting, Times, signs};
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::time::SystemTime;

    const RESET: &str =
        "rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: INTERNAL_ERROR";
    const CONNECTED: &str = "connected with success to gw.example.com:8443";

    fn seen(sign: &str, at: &[i64]) -> Sighting {
        let mut times = Times::default();
        at.iter().for_each(|at| times.add(*at));
        Sighting {
            sign: sign.to_owned(),
            file: 0,
            line: 7,
            count: at.len() as u64,
            excerpt: sign.to_owned(),
            times,
        }
    }

    fn evidence(sightings: Vec<Sighting>) -> Evidence {
        let nowhere = Environment::new(
            BTreeMap::<String, String>::new(),
            PathBuf::new(),
            SystemTime::UNIX_EPOCH,
        );
        let file = FileRead {
            name: "agent.log".to_owned(),
            lines: 100,
            bytes: 10_000,
            problem: None,
        };
        Evidence {
            config: discover(&nowhere, &Asked::default()).expect("nothing was asked for"),
            wire: Wire::default(),
            logs: Some(Logs {
                files: vec![file],
                sightings,
            }),
            proxyconf: None,
        }
    }

    fn found(sightings: Vec<Sighting>) -> Vec<Diagnosed> {
        findings(&evidence(sightings))
    }

    fn join(found: &mut Vec<Diagnosed>, evidence: &Evidence) {
        joined::join(found, findings(evidence), evidence, "; it isn't so now");
    }

    fn codes(found: &[Diagnosed]) -> Vec<u16> {
        found.iter().map(|one| one.rule.code.0).collect()
    }

    #[test]
    fn a_text_that_means_one_thing_is_certain_and_has_its_place() {
        let found = found(vec![seen(
            "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (18000000 vs. 17825792)",
            &[],
        )]);
        assert_eq!(codes(&found), [705]);
        let draft = &found[0].draft;
        assert_eq!(draft.confidence, Some(Confidence::Certain));
        assert_eq!(
            (draft.locations[0].file.as_str(), draft.locations[0].line),
            ("agent.log", Some(7))
        );
        assert!(draft.candidates.is_empty() && draft.decide.is_none());
    }

    #[test]
    fn a_text_that_means_several_things_keeps_them_and_says_how_to_decide() {
        let found = found(vec![seen(RESET, &[])]);
        let draft = &found[0].draft;
        assert_eq!(draft.confidence, Some(Confidence::Possible));
        let named: Vec<u16> = draft.candidates.iter().map(|one| one.code.0).collect();
        let all = signs::named(RESET).expect("it is in the table").codes;
        assert_eq!((named.as_slice(), found[0].rule.code.0), (&all[1..], all[0]));
        assert!(draft.decide.is_some());
    }

    #[test]
    fn a_proxys_own_words_explain_what_the_agent_says() {
        let proxy = "client intended to send too large chunked body: 1097467 bytes";
        let found = found(vec![seen(RESET, &[0]), seen(proxy, &[0])]);
        assert_eq!(codes(&found), [701]);
        assert_eq!(found[0].draft.confidence, Some(Confidence::Certain));
        assert_eq!(found[0].draft.locations.len(), 2);
    }

    #[test]
    fn streams_that_live_equally_long_are_ended_by_time() {
        let every_minute: Vec<i64> = (0..5).map(|turn| turn * 62_000).collect();
        let ends: Vec<i64> = every_minute.iter().map(|at| at + 60_000).collect();
        let one = found(vec![seen(CONNECTED, &every_minute), seen(RESET, &ends)]);
        assert_eq!(codes(&one), [704]);
        assert!(
            one[0].draft.message.contains("60.0 s after the connection began"),
            "{}",
            one[0].draft.message
        );
        // At random there is no rhythm, and nothing is decided.
        let random = [0, 90_000, 97_000, 400_000];
        let ends = [61_000, 95_000, 300_000, 401_500];
        assert_eq!(codes(&found(vec![seen(CONNECTED, &random), seen(RESET, &ends)])), [613]);
    }

    /// What the wire says of the first endpoint, as a rule would.
    fn on_the_wire(code: u16, confidence: Confidence, candidates: &[u16]) -> Diagnosed {
        let rule = rules().find(|rule| rule.code == Code(code)).expect("a rule");
        let mut draft = Draft::new("seen on the wire".to_owned(), "change it").confidence(confidence);
        for code in candidates {
            draft = draft.candidate(*code, "it looks the same");
        }
        draft.endpoints = vec![0];
        Diagnosed {
            rule,
            draft,
            because_of: None,
        }
    }

    const REFUSED_UPSTREAM: &str = "connect() failed (111: Connection refused) while connecting to upstream";
    const TOO_LARGE: &str = "client intended to send too large chunked body: 1097467 bytes";

    #[test]
    fn a_log_confirms_what_the_wire_says_and_has_the_place() {
        let mut all = vec![on_the_wire(701, Confidence::Likely, &[704])];
        join(&mut all, &evidence(vec![seen(TOO_LARGE, &[])]));
        assert_eq!(codes(&all), [701]);
        assert_eq!(all[0].confidence(), Confidence::Certain);
        assert!(all[0].draft.candidates.is_empty());
        assert_eq!(
            (all[0].draft.endpoints.as_slice(), all[0].draft.locations.len()),
            (&[0][..], 1)
        );
    }

    #[test]
    fn a_log_decides_what_the_wire_leaves_open() {
        let mut all = vec![on_the_wire(613, Confidence::Possible, &[704, 701])];
        join(&mut all, &evidence(vec![seen(TOO_LARGE, &[])]));
        assert_eq!(codes(&all), [701]);
        assert_eq!(all[0].draft.endpoints, [0], "where the wire saw it");
        assert!(all[0].draft.message.ends_with("on the wire: seen on the wire"));
    }

    #[test]
    fn what_is_left_of_both_decides() {
        // The proxy could not reach one of its two upstreams, and the wire says that it was the gRPC one.
        let mut all = vec![on_the_wire(607, Confidence::Likely, &[606])];
        join(&mut all, &evidence(vec![seen(REFUSED_UPSTREAM, &[])]));
        assert_eq!(codes(&all), [606]);
    }

    #[test]
    fn a_log_that_leaves_as_much_open_decides_nothing() {
        let mut all = vec![on_the_wire(613, Confidence::Possible, &[704, 701])];
        join(&mut all, &evidence(vec![seen(RESET, &[])]));
        assert_eq!((codes(&all), all[0].confidence()), (vec![613], Confidence::Possible));
        assert_eq!(all[0].draft.locations.len(), 1, "but it is named");
    }

    #[test]
    fn what_the_wire_knows_for_sure_is_not_undone_by_an_old_line() {
        let mut all = vec![on_the_wire(601, Confidence::Certain, &[])];
        join(&mut all, &evidence(vec![seen(TOO_LARGE, &[])]));
        assert_eq!(codes(&all), [601, 701]);
        assert_eq!(all[0].confidence(), Confidence::Certain);
    }

    #[test]
    fn what_is_known_to_no_table_is_passed_over() {
        assert!(found(vec![seen("something of another version", &[])]).is_empty());
    }
}
