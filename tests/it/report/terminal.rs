//! Whatever the network and files say, it reaches a terminal as text.

use std::collections::BTreeMap;

use hoop_doctor::findings::{Candidate, Decide, Location, Remedy, Snippet};
use hoop_doctor::proxies::Proxy;
use hoop_doctor::report::human::{Detail, Glyphs, Look, Paint, render};
use hoop_doctor::report::{
    AllowedReport, ConfFile, EndpointReport, Finding, IdentityReport, LayerReport, LimitReport, LogFile, LogSighting,
    LogsReport, Observation, ProxyConfReport, ProxyReport, Report, SettingReport, Tool, ViaReport, json,
};
use proptest::prelude::{ProptestConfig, Strategy, any, proptest};
use proptest::{collection, prop_assert, prop_assert_eq, prop_oneof, sample};
use serde_json::Value;

use super::cases;

/// The text without the sequences that set a colour.
pub(super) fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| match part.split_once('m') {
        Some((code, rest)) if code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';') => plain + rest,
        _ => plain + "\u{1b}[" + part,
    })
}

/// What a terminal acts upon, or doesn't show.
fn acts_on_a_terminal(char: char) -> bool {
    (char.is_control() && char != '\n')
        || ('\u{200b}'..='\u{200f}').contains(&char)
        || ('\u{2028}'..='\u{202e}').contains(&char)
        || ('\u{2060}'..='\u{206f}').contains(&char)
        || ['\u{61c}', '\u{feff}'].contains(&char)
}

/// Texts in which the dangerous is frequent.
fn hostile() -> impl Strategy<Value = String> {
    let danger = sample::select(vec![
        "\u{1b}[2J",
        "\u{1b}]0;title\u{7}",
        "\u{9b}31m",
        "\r",
        "\n",
        "\t",
        "\u{0}",
        "\u{7f}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "m",
        " ",
        "{addr}",
    ]);
    let part = prop_oneof![danger.prop_map(str::to_owned), any::<String>()];
    collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn people_get_no_control_character(texts in collection::vec(hostile(), 1..8), width in 0_usize..300) {
        for case in [cases::broken(), cases::doubtful(), cases::interrupted()] {
            let report = filled(case, &texts);
            for detail in [Detail::Verdict, Detail::Normal, Detail::Probes] {
                for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                    let look = Look { detail, paint: Paint::Plain, glyphs, width };
                    let plain = render(&report, look);
                    let found = plain.chars().find(|char| acts_on_a_terminal(*char));
                    prop_assert_eq!(found, None);
                    prop_assert!(glyphs == Glyphs::Unicode || plain.is_ascii());
                    let painted = render(&report, Look { paint: Paint::Colours, ..look });
                    prop_assert_eq!(without_colours(&painted), plain);
                }
            }
        }
    }

    #[test]
    fn json_is_the_model_and_safe_to_print(texts in collection::vec(hostile(), 1..8)) {
        let report = filled(cases::broken(), &texts);
        let text = json::render(&report).unwrap();
        let found = text.chars().find(|char| acts_on_a_terminal(*char));
        prop_assert_eq!(found, None);
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), serde_json::to_value(&report).unwrap());
    }
}

/// The report with every text in it replaced. Taking all fields apart is what makes a new one fail to compile here.
fn filled(mut report: Report, texts: &[String]) -> Report {
    let mut texts = texts.iter().cycle();
    let mut fill = |text: &mut String| text.clone_from(texts.next().expect("there is at least one"));
    let Report {
        schema_version: _,
        tool: Tool { name, version, build },
        started_at,
        duration_ms: _,
        verdict: _,
        unknown_because,
        identities,
        disagreements,
        endpoints,
        observations,
        findings,
        findings_left_out: _,
        logs,
        proxy_config,
    } = &mut report;
    [name, version, build, started_at].into_iter().for_each(&mut fill);
    unknown_because.iter_mut().for_each(&mut fill);
    identities.iter_mut().for_each(|one| identity(one, &mut fill));
    disagreements.iter_mut().for_each(&mut fill);
    endpoints.iter_mut().for_each(|one| endpoint(one, &mut fill));
    observations.iter_mut().for_each(|one| observation(one, &mut fill));
    findings.iter_mut().for_each(|one| finding(one, &mut fill));
    *logs = Some(logged(&mut fill));
    *proxy_config = Some(configured(&mut fill));
    report
}

fn configured(fill: &mut impl FnMut(&mut String)) -> ProxyConfReport {
    let [mut name, mut file, mut code, mut reason] = [const { String::new() }; 4];
    [&mut name, &mut file, &mut code, &mut reason]
        .into_iter()
        .for_each(fill);
    ProxyConfReport {
        files: vec![ConfFile {
            name,
            proxy: Proxy::Nginx,
            lines: 1,
        }],
        allowed: vec![AllowedReport {
            file,
            line: 1,
            codes: vec![code],
            reason: Some(reason),
        }],
    }
}

fn logged(fill: &mut impl FnMut(&mut String)) -> LogsReport {
    let [mut name, mut problem, mut sign, mut excerpt, mut first, mut last] = [const { String::new() }; 6];
    [&mut name, &mut problem, &mut sign, &mut excerpt, &mut first, &mut last]
        .into_iter()
        .for_each(fill);
    LogsReport {
        files: vec![LogFile {
            name,
            lines: 1,
            bytes: 1,
            problem: Some(problem),
        }],
        sightings: vec![LogSighting {
            sign,
            file: 0,
            line: 1,
            count: 1,
            excerpt,
            first: Some(first),
            last: Some(last),
            events: 1,
            period_ms: None,
        }],
    }
}

fn identity(identity: &mut IdentityReport, mut fill: &mut impl FnMut(&mut String)) {
    let IdentityReport {
        name,
        source,
        mode,
        tls: _,
        tls_because,
        // Kept, because what refers to an endpoint would not be printed otherwise.
        endpoints: _,
        settings,
    } = identity;
    [name, source, mode].into_iter().chain(tls_because).for_each(&mut fill);
    for SettingReport {
        name,
        value,
        source,
        shadowed_by,
    } in settings
    {
        [name, value, source].into_iter().chain(shadowed_by).for_each(&mut fill);
    }
}

fn endpoint(endpoint: &mut EndpointReport, mut fill: &mut impl FnMut(&mut String)) {
    let EndpointReport {
        id: _,
        kind,
        url,
        host,
        port: _,
        tls: _,
        addresses,
        via,
        proxy,
        layers,
        limits,
    } = endpoint;
    for LimitReport {
        name,
        status: _,
        summary,
    } in limits
    {
        [name, summary].into_iter().for_each(&mut fill);
    }
    [kind, url, host].into_iter().chain(addresses).for_each(&mut fill);
    if let Some(ViaReport {
        variable,
        scheme,
        host,
        port: _,
        credentials: _,
        addresses,
        connect_status: _,
    }) = via
    {
        [variable, scheme, host]
            .into_iter()
            .chain(addresses)
            .for_each(&mut fill);
    }
    if let Some(ProxyReport {
        name: _,
        version,
        confidence: _,
        marks,
    }) = proxy
    {
        version.iter_mut().chain(marks).for_each(&mut fill);
    }
    for LayerReport {
        layer: _,
        status: _,
        why,
        duration_ms: _,
        summary,
        facts,
    } in layers
    {
        why.iter_mut().chain([summary]).for_each(&mut fill);
        fill_facts(facts, fill);
    }
}

fn observation(observation: &mut Observation, mut fill: &mut impl FnMut(&mut String)) {
    let Observation {
        id,
        endpoint,
        probe,
        started_ms: _,
        duration_ms: _,
        outcome: _,
        summary,
        facts,
    } = observation;
    [id, endpoint, probe, summary].into_iter().for_each(&mut fill);
    fill_facts(facts, fill);
}

fn fill_facts(facts: &mut BTreeMap<String, Value>, fill: &mut impl FnMut(&mut String)) {
    for value in facts.values_mut() {
        let mut text = String::new();
        fill(&mut text);
        *value = Value::String(text);
    }
}

fn finding(finding: &mut Finding, mut fill: &mut impl FnMut(&mut String)) {
    let Finding {
        code,
        name,
        severity: _,
        confidence: _,
        endpoints: _,
        identities,
        message,
        remedy: Remedy { text, snippets },
        evidence,
        locations,
        candidates,
        decide,
        logged_as,
        because_of,
        url,
    } = finding;
    [code, name, message, text, url].into_iter().for_each(&mut fill);
    identities.iter_mut().chain(evidence).for_each(&mut fill);
    logged_as.iter_mut().chain(because_of).for_each(&mut fill);
    for Snippet {
        proxy: _,
        language,
        text,
    } in snippets
    {
        [language, text].into_iter().for_each(&mut fill);
    }
    for Location {
        file,
        line: _,
        column: _,
        text,
    } in locations
    {
        fill(file);
        text.iter_mut().for_each(&mut fill);
    }
    for Candidate { code: _, why } in candidates {
        fill(why);
    }
    if let Some(Decide { command, file, expect }) = decide {
        command.iter_mut().chain(file).chain([expect]).for_each(&mut fill);
    }
}
