//! The report for people, word for word.

use hoop_doctor::report::Report;
use hoop_doctor::report::human::{Detail, Glyphs, Look, Paint, render};

use super::cases;

const NORMAL: Look = Look {
    detail: Detail::Normal,
    paint: Paint::Plain,
    glyphs: Glyphs::Unicode,
    width: 80,
};

/// Every look that differs in more than a number.
fn looks() -> [(&'static str, Look); 6] {
    [
        ("80", NORMAL),
        ("160", Look { width: 160, ..NORMAL }),
        (
            "painted",
            Look {
                paint: Paint::Colours,
                ..NORMAL
            },
        ),
        (
            "ascii",
            Look {
                glyphs: Glyphs::Ascii,
                ..NORMAL
            },
        ),
        (
            "quiet",
            Look {
                detail: Detail::Verdict,
                ..NORMAL
            },
        ),
        (
            "verbose",
            Look {
                detail: Detail::Probes,
                ..NORMAL
            },
        ),
    ]
}

/// Compares with the snapshots of `name`; an escape character shows as `␛`.
fn check(name: &str, report: &Report) {
    for (look_name, look) in looks() {
        let text = render(report, look).replace('\u{1b}', "␛");
        insta::assert_snapshot!(format!("{name}-{look_name}"), text);
    }
}

#[test]
fn a_healthy_gateway() {
    check("healthy", &cases::healthy());
}

#[test]
fn a_cause_with_its_fix_and_what_follows_from_it() {
    check("broken", &cases::broken());
}

#[test]
fn a_doubt_with_its_candidates_and_the_look_that_decides() {
    check("doubtful", &cases::doubtful());
}

#[test]
fn a_run_that_was_interrupted() {
    check("interrupted", &cases::interrupted());
}

#[test]
fn sentences_keep_to_the_width() {
    for width in 60..=200 {
        let text = render(&cases::healthy(), Look { width, ..NORMAL });
        let too_long: Vec<&str> = text.lines().filter(|line| line.chars().count() > width).collect();
        assert!(too_long.is_empty(), "at {width}: {too_long:#?}");
    }
}

#[test]
fn configuration_log_lines_and_addresses_are_never_broken() {
    let text = render(&cases::broken(), Look { width: 40, ..NORMAL });
    for whole in [
        "    http2 on;            # nginx before 1.25.1: listen 8443 ssl http2;",
        "connection error: desc = \"transport: authentication handshake failed: remote error: tls: no application protocol\"",
        "hoop-doctor explain HD401",
    ] {
        assert!(text.contains(whole), "{whole:?} is not in\n{text}");
    }
}

#[test]
fn colours_add_nothing_to_the_words() {
    for report in [
        cases::healthy(),
        cases::broken(),
        cases::doubtful(),
        cases::interrupted(),
    ] {
        let painted = render(
            &report,
            Look {
                paint: Paint::Colours,
                ..NORMAL
            },
        );
        assert!(painted.contains('\u{1b}'));
        assert_eq!(super::terminal::without_colours(&painted), render(&report, NORMAL));
    }
}

#[test]
fn a_fix_for_another_proxy_is_not_shown_where_one_fits() {
    let text = render(&cases::broken(), NORMAL);
    assert!(
        text.contains("in nginx, which answers here as version 1.24.0:"),
        "{text}"
    );
    assert!(!text.contains("HAProxy"), "{text}");
}

#[test]
fn at_most_two_fixes_are_shown_where_no_proxy_was_recognised() {
    let text = render(&cases::doubtful(), NORMAL);
    let shown = ["if it is nginx:", "if it is HAProxy:", "if it is Caddy:"].map(|place| text.contains(place));
    assert_eq!(shown, [true, true, false], "{text}");
}
