//! The page for a browser: bounded, safe, and with a policy that lets nothing in.

use std::collections::BTreeMap;

use hoop_doctor::report::html::{LARGEST, render};
use hoop_doctor::report::{Finding, LogFile, LogSighting, LogsReport, Observation, Outcome, Report};
use serde_json::json;

use super::cases;
use super::hostile::{acts_on_a_terminal, filled};

/// Texts that would be something else than text, if a page were made carelessly.
pub(super) const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)' x='",
    "</title></style></script><script>alert(1)</script>",
    "javascript:alert(1)",
    "http://x.example/\"><script>alert(1)</script>",
    "<!-- --> ]]> <![CDATA[ <?php",
    "</code></pre></details><h1>✓ healthy</h1>",
    "&lt;b&gt; &amp; &#60;script&#62; &nbsp;",
    "\u{202e}evitcer\u{2066} \u{200b}\u{feff}\u{0}\u{1b}[2J\u{9b}31m\u{85}\u{2028}",
    "a\r\nb\tc\n\n</p>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} `x`",
];

/// Everything that a report can hold, and too much of it.
pub(super) fn large() -> Report {
    let report = cases::broken();
    let long = "a text that goes on and on, \"quoted\" & <marked> ".repeat(20);
    let finding = |number: usize| Finding {
        message: format!("{number}: {long}"),
        because_of: number.is_multiple_of(3).then(|| "HD401".to_owned()),
        ..report.findings[number % report.findings.len()].clone()
    };
    let observation = |number: usize| Observation {
        id: format!("grpc/again/{number}"),
        started_ms: number as u64,
        duration_ms: 40,
        outcome: if number.is_multiple_of(7) {
            Outcome::Failed
        } else {
            Outcome::Seen
        },
        facts: BTreeMap::from([("frames".to_owned(), json!(vec![long.clone(); 20]))]),
        ..report.observations[0].clone()
    };
    let sighting = |number: u64| LogSighting {
        sign: "connection refused".to_owned(),
        file: 0,
        line: number,
        count: 1,
        excerpt: long.clone(),
        first: None,
        last: None,
        events: 1,
        period_ms: None,
    };
    let cause = report.findings[0].clone();
    Report {
        findings: [cause].into_iter().chain((0..600).map(finding)).collect(),
        observations: (0..600).map(observation).collect(),
        endpoints: report.endpoints.iter().cycle().take(60).cloned().collect(),
        disagreements: vec![long.clone(); 50],
        logs: Some(LogsReport {
            files: vec![LogFile {
                name: "agent.log".to_owned(),
                lines: 3_000,
                bytes: 1_000_000,
                problem: None,
            }],
            sightings: (0..600).map(sighting).collect(),
        }),
        ..report.clone()
    }
}

#[test]
fn however_much_a_report_holds_the_page_stays_small_and_says_what_it_leaves_out() {
    let page = render(&large());
    assert!(page.len() < LARGEST, "{} bytes", page.len());
    assert!(
        page.len() > LARGEST / 2,
        "{} bytes: it shows less than it could",
        page.len()
    );
    for noun in ["endpoints", "findings", "probes", "messages", "disagreements"] {
        let said = format!(" {noun} left out here, to keep the page small");
        assert!(page.contains(&said), "nothing is said of {noun}");
    }
    assert!(page.ends_with("</body></html>\n"));
}

#[test]
fn the_longest_texts_leave_the_page_small_too() {
    // Each of these characters takes more bytes than any other when it is shown.
    for longest in ["\u{e0fff}".repeat(100_000), "\"".repeat(100_000)] {
        let page = render(&filled(large(), &[longest]));
        assert!(page.len() < LARGEST, "{} bytes", page.len());
    }
}

#[cfg(unix)]
#[test]
fn what_was_really_seen_is_shown_without_leaving_a_probe_out() -> std::io::Result<()> {
    for case in crate::cases::Case::all()? {
        let report = case.report();
        let page = render(&report);
        assert!(page.len() < LARGEST, "{} bytes", page.len());
        let rows = page.matches("id=\"probe-").count();
        assert_eq!(rows, report.observations.len(), "{:?}", report.findings.first());
    }
    Ok(())
}

#[test]
fn every_text_is_safe_to_look_at() {
    let texts = HOSTILE.map(str::to_owned);
    for case in [
        cases::healthy(),
        cases::broken(),
        cases::doubtful(),
        cases::interrupted(),
    ] {
        let page = render(&filled(case, &texts));
        let found = page.chars().find(|char| acts_on_a_terminal(*char) && *char != '\t');
        assert_eq!(found, None);
        assert!(page.len() < LARGEST, "{} bytes", page.len());
        assert_eq!(page.matches("<script").count(), 1);
    }
}

#[test]
fn the_cause_comes_with_all_that_belongs_to_it() {
    let page = render(&cases::broken());
    for part in [
        "in nginx, which answers here as version 1.24.0:",
        "\thttp2 on;            # nginx before 1.25.1: listen 8443 ssl http2;",
        "agent and client log one of these:",
        "/etc/nginx/conf.d/hoop.conf:12:5",
        "<a href=\"#probe-2\">grpc/tls</a>",
        "aria-current=\"step\"",
        "href=\"https://github.com/hoophq/hoop-doctor/blob/main/docs/findings/HD401.md\"",
        "hoop-doctor explain HD401",
        "<td>HOOP_TOKEN</td>",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    assert!(!page.contains("HAProxy"), "a fix for another proxy is shown");
}

#[test]
fn a_doubt_comes_with_its_candidates_and_the_look_that_decides() {
    let page = render(&cases::doubtful());
    for part in [
        "it is one of these, the likeliest first:",
        "HD606",
        "HD604",
        "/var/log/nginx/error.log",
        "2 findings left out by --only or --skip.",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
}

#[test]
fn the_page_asks_for_nothing() {
    for report in [
        cases::healthy(),
        cases::broken(),
        cases::doubtful(),
        cases::interrupted(),
    ] {
        let page = render(&report);
        for way_out in ["src=", "url(", "@import", "<link", "<img", "href=\"http:", "style="] {
            assert!(!page.contains(way_out), "{way_out:?} is in the page");
        }
        assert!(page.contains("default-src &#39;none&#39;"));
    }
}
