//! The runbook, offline: the page of a finding, and the findings that an error text can mean.
//!
//! Nothing here prints or probes. A text alone seldom decides: what is returned is in order of likelihood, and
//! `check` is what decides.

use std::fmt;

use crate::config::file::edits;
use crate::findings::Code;

mod hits;
pub mod messages;
mod pages;
mod pattern;

pub(crate) use hits::{Hit, hits};
pub use pages::PAGES;
pub(crate) use pattern::without_colours;
pub use pattern::{Folded, LONGEST};

/// The page of one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// Which finding it is about.
    pub code: Code,
    /// Markdown.
    pub text: &'static str,
}

impl Runbook {
    /// The finding's name, as the title has it.
    pub fn name(&self) -> &'static str {
        let title = self.text.lines().next().unwrap_or_default();
        title.rsplit(' ').next().unwrap_or_default()
    }

    /// The first sentence: what is wrong.
    pub fn summary(&self) -> &'static str {
        let mut lines = self.text.lines().skip(1);
        lines.find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// What stands below a heading of the second level.
    pub fn section(&self, heading: &str) -> Option<&'static str> {
        let start = self.text.find(&format!("\n## {heading}\n"))?;
        let (_, body) = self.text.get(start + 1..)?.split_once('\n')?;
        let end = body.find("\n## ").unwrap_or(body.len());
        Some(body.get(..end)?.trim())
    }

    fn has_code(&self, code: u16) -> bool {
        self.code == Code(code)
    }
}

impl fmt::Display for Runbook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.name())
    }
}

/// The section of a page that mends the problem.
pub const FIX: &str = "How to fix";

/// The hundreds of the codes.
pub const AREAS: &[(u16, &str)] = &[
    (0, "Configuration"),
    (1, "DNS"),
    (2, "Network"),
    (3, "TLS"),
    (4, "HTTP/2"),
    (5, "REST"),
    (6, "gRPC"),
    (7, "Limits on streams"),
    (8, "Only in proxy configuration"),
    (9, "Across layers"),
];

/// The page with this code (`HD401`, `hd401`, `401`) or name.
pub fn page(asked: &str) -> Option<&'static Runbook> {
    let asked = asked.trim().to_ascii_lowercase();
    match number(&asked) {
        Some(code) => PAGES.iter().find(|page| page.has_code(code)),
        None => PAGES.iter().find(|page| page.name() == asked),
    }
}

/// The few pages that may be meant where none has this code or name, the nearest first.
pub fn nearest(asked: &str) -> Vec<&'static Runbook> {
    let asked = asked.trim().to_ascii_lowercase();
    let mut pages: Vec<&Runbook> = PAGES.iter().collect();
    match number(&asked) {
        Some(code) => pages.sort_by_key(|page| page.code.0.abs_diff(code)),
        None => pages.sort_by_key(|page| distance(&asked, page.name())),
    }
    pages.truncate(FEW);
    pages
}

/// A name that holds what was asked for is nearer than any that is merely spelled alike.
fn distance(asked: &str, name: &str) -> usize {
    match name.contains(asked) && !asked.is_empty() {
        true => 0,
        // Beyond this, more letters change nothing, and time would grow with their square.
        false => edits(&asked.chars().take(LONGEST_NAME).collect::<String>(), name),
    }
}

/// The number of something written as a code.
fn number(asked: &str) -> Option<u16> {
    let digits = asked.strip_prefix("hd").unwrap_or(asked);
    let is_number = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// A finding that a text can mean.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    /// Its page.
    pub page: &'static Runbook,
    /// The pattern that occurs in the text: the reason.
    pub because: &'static str,
}

/// The findings that an error text can mean, the likeliest first; none if nothing in it is known.
///
/// Where several messages occur, the one that says most counts first, and each one's likeliest finding comes before
/// any one's second.
pub fn meanings(text: &Folded) -> Vec<Meaning> {
    let hits = hits(text);
    let most = hits.iter().map(|hit| hit.message.codes.len()).max().unwrap_or(0);
    let by_rank = (0..most).flat_map(|rank| {
        hits.iter()
            .filter_map(move |hit| Some((hit, hit.message.codes.get(rank)?)))
    });
    let mut meanings: Vec<Meaning> = Vec::new();
    for (hit, code) in by_rank {
        let Some(page) = PAGES.iter().find(|page| page.has_code(*code)) else {
            continue;
        };
        if meanings.iter().all(|meaning| meaning.page.code != page.code) {
            meanings.push(Meaning {
                page,
                because: hit.pattern,
            });
        }
    }
    meanings
}

/// How many pages are offered for a code or name that doesn't exist.
const FEW: usize = 3;
/// Longer than any name.
const LONGEST_NAME: usize = 40;

#[cfg(test)]
mod tests {
    use super::{AREAS, FIX, Folded, PAGES, hits, meanings, messages::MESSAGES, nearest, page};

    #[test]
    fn a_page_is_found_by_code_number_and_name() {
        for asked in ["HD401", "hd401", "401", "http2-not-enabled", " HTTP2-not-enabled\n"] {
            assert_eq!(page(asked).map(|page| page.code.0), Some(401), "{asked}");
        }
        for asked in ["HD4", "hd4", "4", "004"] {
            assert_eq!(page(asked).map(|page| page.code.0), Some(4), "{asked}");
        }
        for asked in ["", "HD", "HD499", "99999", "+401", "http2"] {
            assert_eq!(page(asked), None, "{asked}");
        }
    }

    #[test]
    fn what_is_nearest_is_offered_first() {
        for (asked, code) in [
            ("http2-not-enable", 401),
            ("htp2-not-enabled", 401),
            ("pings", 406),
            ("HD499", 501),
        ] {
            assert_eq!(nearest(asked)[0].code.0, code, "{asked}");
        }
    }

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let fix = page("406").and_then(|page| page.section(FIX)).unwrap();
        assert!(!fix.contains("\n## ") && !fix.is_empty(), "{fix}");
        assert_eq!(PAGES[0].section("No such heading"), None);
    }

    #[test]
    fn every_page_has_an_area() {
        for page in PAGES {
            assert!(
                AREAS.iter().any(|(area, _)| *area == page.code.0 / 100),
                "{}",
                page.code
            );
        }
    }

    #[test]
    fn each_message_is_found_in_its_own_sample_before_all_others() {
        for message in MESSAGES {
            let hits = hits(&Folded::new(message.sample));
            let first = hits
                .first()
                .unwrap_or_else(|| panic!("nothing in {:?}", message.sample));
            assert_eq!(
                first.message.sample, message.sample,
                "{:?} is taken for another",
                message.sample
            );
        }
    }

    #[test]
    fn each_code_of_a_message_has_a_page() {
        for message in MESSAGES {
            let mut pieces = message
                .patterns
                .iter()
                .flat_map(|pattern| pattern.split(super::pattern::HOLE));
            assert!(
                pieces.all(|piece| !piece.trim().is_empty()),
                "a hole at an end: {:?}",
                message.patterns
            );
            assert!(
                !message.codes.is_empty() && !message.patterns.is_empty(),
                "{:?}",
                message.sample
            );
            for code in message.codes {
                assert!(
                    PAGES.iter().any(|page| page.code.0 == *code),
                    "{code} of {:?}",
                    message.sample
                );
            }
        }
    }

    #[test]
    fn a_longer_message_hides_the_shorter_one_inside_it() {
        let text = "closing transport due to: connection error: desc = \"error reading from server: EOF\", \
                    received prior goaway: code: ENHANCE_YOUR_CALM, debug data: \"too_many_pings\"";
        let codes: Vec<u16> = meanings(&Folded::new(text))
            .iter()
            .map(|meaning| meaning.page.code.0)
            .collect();
        assert_eq!(codes[0], 406);
        assert!(!codes.contains(&411), "{codes:?}");
    }

    #[test]
    fn two_messages_both_count() {
        let text = "dial tcp 10.0.0.10:8010: connect: connection refused\ndial tcp 10.0.0.11:8010: i/o timeout";
        let codes: Vec<u16> = meanings(&Folded::new(text))
            .iter()
            .map(|meaning| meaning.page.code.0)
            .collect();
        assert!(codes[..2].contains(&201) && codes[..2].contains(&202), "{codes:?}");
    }
}
