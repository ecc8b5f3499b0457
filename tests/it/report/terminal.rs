//! Whatever the network and files say, it reaches a terminal as text.

use hoop_doctor::report::human::{Detail, Glyphs, Look, Paint, render};
use proptest::prelude::{ProptestConfig, proptest};
use proptest::{collection, prop_assert, prop_assert_eq};

use super::cases;
use super::hostile::{acts_on_a_terminal, filled, hostile};

/// The text without the sequences that set a colour.
pub(super) fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| match part.split_once('m') {
        Some((code, rest)) if code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';') => plain + rest,
        _ => plain + "\u{1b}[" + part,
    })
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
}
