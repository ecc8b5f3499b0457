//! Whatever the network and files say, each format carries it as text.

use std::collections::{BTreeMap, BTreeSet};

use hoop_doctor::findings::{Candidate, Decide, Location, Remedy, Severity, Snippet};
use hoop_doctor::proxies::Proxy;
use hoop_doctor::report::{
    AllowedReport, ConfFile, EndpointReport, Finding, IdentityReport, LayerReport, LimitReport, LogFile, LogSighting,
    LogsReport, Observation, ProxyConfReport, ProxyReport, Report, SettingReport, Tool, ViaReport, github, html, json,
    jsonl, junit, markdown, prometheus, sarif, text,
};
use proptest::prelude::{ProptestConfig, Strategy, any, proptest};
use proptest::test_runner::TestCaseError;
use proptest::{collection, prop_assert, prop_assert_eq, prop_oneof, sample};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream};
use regex_lite::Regex;
use roxmltree::Document;
use serde_json::Value;

use super::cases;

/// What a terminal acts upon, or doesn't show.
pub(super) fn acts_on_a_terminal(char: char) -> bool {
    (char.is_control() && char != '\n')
        || ('\u{200b}'..='\u{200f}').contains(&char)
        || ('\u{2028}'..='\u{202e}').contains(&char)
        || ('\u{2060}'..='\u{206f}').contains(&char)
        || ['\u{61c}', '\u{feff}'].contains(&char)
}

/// Texts in which the dangerous is frequent.
pub(super) fn hostile() -> impl Strategy<Value = String> {
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
        "::error::",
        "%0A::warning::",
        "]]>",
        "|",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "</pre></details>",
        "&#0;&lt;",
        "\"}",
        "\\",
        "```\n# x",
        "~~~",
        "`",
        "[a](https://b.example)",
        "![a](b)",
        "<https://c.example>",
        "https://d.example www.e.example",
        "@somebody #1 !2",
        "**x** __y__ $z$",
        "---",
        "1. ",
        "- ",
    ]);
    let part = prop_oneof![danger.prop_map(str::to_owned), any::<String>()];
    collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

/// A report of which every text is all of that.
pub(super) fn spoilt() -> Report {
    let text =
        "\u{1b}[2J\u{202e}\u{0}\r\n::error::%0A]]>|<script>alert(1)</script>\"}\\```\n# [a](https://b.example)@x";
    filled(cases::broken(), &[text.to_owned()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_format_carries_text_as_text(texts in collection::vec(hostile(), 1..8)) {
        for case in [cases::broken(), cases::doubtful(), cases::interrupted()] {
            let report = filled(case, &texts);
            let xml = junit::render(&report, Severity::Warn).unwrap();
            for text in [
                json::render(&report).unwrap(),
                jsonl::render(&report).unwrap(),
                sarif::render(&report).unwrap(),
                markdown::render(&report),
                github::render(&report),
                prometheus::render(&report),
                // A tab of a snippet stays, for copying.
                html::render(&report).replace('\t', " "),
                xml.clone(),
            ] {
                prop_assert_eq!(text.chars().find(|char| acts_on_a_terminal(*char)), None);
                prop_assert!(text.ends_with('\n'));
            }
            is_the_model(&report)?;
            is_xml(&report, &xml)?;
            has_no_markup_of_others(&report, &markdown::render(&report))?;
            has_a_command_a_line(&report, &github::render(&report))?;
            has_samples(&prometheus::render(&report))?;
        }
    }
}

type Checked = Result<(), TestCaseError>;

fn is_the_model(report: &Report) -> Checked {
    let model = serde_json::to_value(report).expect("a report is JSON");
    let line = jsonl::render(report).expect("a report can be written");
    prop_assert_eq!(line.matches('\n').count(), 1);
    for text in [json::render(report).expect("a report can be written"), line] {
        prop_assert_eq!(&parsed(&text)?, &model);
    }
    let log = parsed(&sarif::render(report).expect("a report can be written"))?;
    for (index, finding) in report.findings.iter().enumerate() {
        let message = log["runs"][0]["results"][index]["message"]["text"].as_str();
        prop_assert!(message.is_some_and(|message| message.starts_with(&finding.message)));
    }
    Ok(())
}

fn parsed(json: &str) -> Result<Value, TestCaseError> {
    serde_json::from_str(json).map_err(|error| TestCaseError::fail(error.to_string()))
}

fn is_xml(report: &Report, xml: &str) -> Checked {
    let file = Document::parse(xml).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let known = BTreeSet::from([
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
        "system-out",
    ]);
    for node in file.descendants().filter(roxmltree::Node::is_element) {
        prop_assert!(known.contains(node.tag_name().name()));
    }
    let attributes = file
        .descendants()
        .flat_map(|node| node.attributes())
        .map(|one| one.value());
    let texts = file.descendants().filter_map(|node| node.text());
    let all: Vec<&str> = attributes.chain(texts).collect();
    for finding in &report.findings {
        for line in text::lines(&finding.message).lines() {
            prop_assert!(all.iter().any(|text| text.contains(line)), "{} is not in {}", line, xml);
        }
    }
    Ok(())
}

fn has_no_markup_of_others(report: &Report, page: &str) -> Checked {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    // A mention, a reference and a link are made of text that stands together, outside of code.
    let makers = Regex::new("@[A-Za-z]|[#!][0-9]|https?://[a-z]|www\\.").expect("it is a pattern");
    let mut is_code = false;
    let mut plain = String::new();
    for event in TextMergeStream::new(Parser::new_ext(page, options)) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(TagEnd::CodeBlock) => is_code = false,
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.trim();
                let is_ours = html == "<!-- -->" || html == "</details>" || html.starts_with("<details><summary>");
                prop_assert!(is_ours, "{}", html);
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                let is_ours = report.findings.iter().any(|finding| *finding.url == *dest_url);
                prop_assert!(is_ours, "{}", dest_url);
            }
            Event::Start(Tag::Heading { level, .. }) => prop_assert_eq!(level as u8, 3),
            Event::Start(Tag::Image { .. } | Tag::Strikethrough | Tag::Emphasis | Tag::BlockQuote(_)) | Event::Rule => {
                return Err(TestCaseError::fail(format!("{event:?}")));
            }
            Event::Text(text) => {
                prop_assert!(is_code || !makers.is_match(&text), "{}", text);
                plain.push_str(&text);
            }
            Event::Code(code) => plain.push_str(&code),
            _ => {}
        }
    }
    let cause = report.findings.first().map(|cause| text::lines(&cause.message));
    for line in cause.iter().flat_map(|cause| cause.split('\n')) {
        prop_assert!(plain.contains(line.trim()), "{:?} is not in {}", line, plain);
    }
    Ok(())
}

fn has_a_command_a_line(report: &Report, commands: &str) -> Checked {
    let lines: Vec<&str> = commands.lines().collect();
    let unknown = usize::from(report.unknown_because.is_some());
    prop_assert_eq!(lines.len(), report.findings.len() + unknown);
    let command = Regex::new("^::(error|warning|notice) ([a-z]+=[^,:]*,?)+::(.*)$").expect("it is a pattern");
    for (line, finding) in lines.iter().skip(unknown).zip(&report.findings) {
        let Some(parts) = command.captures(line) else {
            return Err(TestCaseError::fail(format!("{line} is no command")));
        };
        // As the runner decodes the text of a command.
        let decoded = parts[3].replace("%0A", "\n").replace("%25", "%");
        prop_assert!(decoded.starts_with(&text::lines(&finding.message)), "{}", decoded);
    }
    Ok(())
}

fn has_samples(metrics: &str) -> Checked {
    let comment = Regex::new("^# (HELP [a-z_]+ [^\\\\]+|TYPE [a-z_]+ gauge)$").expect("it is a pattern");
    let sample = Regex::new(r#"^(hoop_doctor_[a-z_]+(\{([a-z_]+="([^"\\]|\\["\\])*",?)+\})?) -?[0-9.]+$"#)
        .expect("it is a pattern");
    let mut known = BTreeSet::new();
    for line in metrics.lines().filter(|line| !comment.is_match(line)) {
        let Some(parts) = sample.captures(line) else {
            return Err(TestCaseError::fail(format!("{line} is no sample")));
        };
        prop_assert!(known.insert(parts[1].to_owned()), "{} is there twice", line);
    }
    Ok(())
}

/// The report with every text in it replaced. Taking all fields apart is what makes a new one fail to compile here.
pub(super) fn filled(mut report: Report, texts: &[String]) -> Report {
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
