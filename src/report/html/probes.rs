//! Every probe on one scale of time: a table whose bars a screen reader hears as times, and the facts folded away.

use std::collections::BTreeMap;

use super::super::human::frames::{FACT, LEGEND, columns, frames_of};
use super::super::human::{counted, time};
use super::super::{Observation, Outcome, Report, text};
use super::left_out;
use super::markup::Html;

pub(super) fn probes(html: &mut Html, report: &Report, end: usize) {
    let scale = Scale::of(&report.observations);
    let mut beyond = 0;
    html.tag("table").class("probes").with(|html| {
        html.tag("caption").text(
            "When each probe started and how long it took, from the start of the run; what was seen is not judged here.",
        );
        html.tag("thead").with(|html| html.tag("tr").with(|html| titles(html, &scale)));
        html.tag("tbody").with(|html| {
            // Facts are what there is most of: rows are worth more than facts.
            let facts_end = end - ROWS;
            beyond = html.up_to(end, report.observations.iter().enumerate(), |html, (index, one)| {
                html.newline();
                html.tag("tr").class(class(one.outcome)).attr("id", &row(index)).with(|html| {
                    cells(html, &scale, one, facts_end);
                });
            });
        });
    });
    left_out(html, beyond, "probe");
}

/// The id of the row of a probe, by its place in the report.
pub(super) fn row(index: usize) -> String {
    format!("probe-{index}")
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Seen => "seen",
        Outcome::Failed => "failed",
        Outcome::NotTried => "not-tried",
    }
}

fn titles(html: &mut Html, scale: &Scale) {
    for title in ["probe", "started", "took"] {
        html.tag("th").attr("scope", "col").text(title);
    }
    html.tag("th").attr("scope", "col").class("when").with(|html| {
        html.tag("span").class("unseen").text("time");
        html.tag("svg")
            .class("axis")
            .attr("aria-hidden", "true")
            .attr("height", "16")
            .with(|html| {
                for tick in scale.ticks() {
                    let anchor = match tick {
                        0 => "start",
                        tick if tick == scale.end => "end",
                        _ => "middle",
                    };
                    html.tag("text")
                        .attr("x", &scale.place(tick))
                        .attr("y", "12")
                        .attr("text-anchor", anchor)
                        .text(&scale.label(tick));
                }
            });
    });
    for title in ["outcome", "what it saw"] {
        html.tag("th").attr("scope", "col").text(title);
    }
}

fn cells(html: &mut Html, scale: &Scale, one: &Observation, facts_end: usize) {
    html.tag("th").attr("scope", "row").text(&one.id);
    let glyph = match one.outcome {
        Outcome::Seen => "",
        Outcome::Failed => "✗ ",
        Outcome::NotTried => "· ",
    };
    let word = one.outcome.word();
    let was_made = one.outcome != Outcome::NotTried;
    for (class, ms) in [("started", one.started_ms), ("took", one.duration_ms)] {
        html.tag("td")
            .class(class)
            .text(&if was_made { time(ms) } else { "–".to_owned() });
    }
    html.tag("td").class("when").with(|html| bar(html, scale, one));
    html.tag("td").class("outcome").text(&format!("{glyph}{word}"));
    html.tag("td").class("saw").with(|html| match one.facts.is_empty() {
        true => html.text(&one.summary),
        false => facts(html, one, facts_end),
    });
}

fn bar(html: &mut Html, scale: &Scale, one: &Observation) {
    let was_made = one.outcome != Outcome::NotTried;
    let ended = one.started_ms.saturating_add(one.duration_ms);
    let label = match was_made {
        true => format!("from {} to {}", time(one.started_ms), time(ended)),
        false => "not made".to_owned(),
    };
    html.tag("svg")
        .attr("role", "img")
        .attr("aria-label", &label)
        .attr("height", "14")
        .with(|html| {
            for tick in scale.ticks() {
                let x = scale.place(tick);
                html.tag("line")
                    .attr("x1", &x)
                    .attr("x2", &x)
                    .attr("y1", "0")
                    .attr("y2", "14")
                    .text("");
            }
            if was_made {
                // What took no time that can be measured is seen all the same.
                let width = match one.duration_ms {
                    0 => "1".to_owned(),
                    ms => scale.place(ms),
                };
                html.tag("rect")
                    .attr("x", &scale.place(one.started_ms))
                    .attr("y", "2")
                    .attr("width", &width)
                    .attr("height", "10")
                    .text("");
            }
        });
}

fn facts(html: &mut Html, one: &Observation, facts_end: usize) {
    html.tag("details").with(|html| {
        html.tag("summary").with(|html| {
            html.text(&one.summary);
            html.tag("span")
                .class("unseen")
                .text(&format!(" (facts of {})", one.id));
        });
        let frames = frames_of(one);
        let is_told = |name: &str| name != FACT || frames.is_none();
        let facts: BTreeMap<_, _> = one.facts.iter().filter(|(name, _)| is_told(name)).collect();
        if !facts.is_empty() {
            let pretty = serde_json::to_string_pretty(&facts).unwrap_or_default();
            listing(html, text::json(&pretty).lines(), "line", facts_end);
        }
        if let Some(frames) = &frames {
            html.tag("p").text(&format!("Every frame: {LEGEND}"));
            let lines = frames.kept.iter().map(|frame| columns(frame).concat());
            listing(html, lines, "frame", facts_end);
            if frames.left_out > 0 {
                let more = counted(frames.left_out.into(), "frame");
                html.tag("p").text(&format!("and {more} more, which nobody kept"));
            }
        }
    });
}

/// Lines in a box of their own, as many as fit.
fn listing(html: &mut Html, lines: impl Iterator<Item = impl AsRef<str>>, noun: &str, facts_end: usize) {
    let end = html.plus(MOST_FACTS).min(facts_end);
    let mut beyond = 0;
    html.tag("pre").with(|html| {
        html.tag("code").with(|html| {
            beyond = html.up_to(end, lines, |html, line| {
                html.text(line.as_ref().trim_end());
                html.newline();
            });
        });
    });
    left_out(html, beyond, noun);
}

/// From the start of the run to the end of the last probe, with marks at round times.
struct Scale {
    /// Between two marks, in milliseconds.
    step: u64,
    /// The last mark.
    end: u64,
}

impl Scale {
    fn of(observations: &[Observation]) -> Self {
        let ended = |one: &Observation| one.started_ms.saturating_add(one.duration_ms);
        let last = observations.iter().map(ended).max().unwrap_or(0).clamp(1, LONGEST_RUN);
        let powers = (0..).map(|power| 10_u64.pow(power));
        let mut steps = powers.flat_map(|power| [power, 2 * power, 5 * power]);
        let step = steps.find(|step| step * MOST_MARKS >= last).unwrap_or(last);
        Self {
            step,
            end: last.div_ceil(step) * step,
        }
    }

    fn ticks(&self) -> impl Iterator<Item = u64> {
        let step = self.step;
        (0..=self.end / step).map(move |number| number * step)
    }

    /// How far along a moment is, for SVG.
    fn place(&self, ms: u64) -> String {
        let thousandths = ms.min(self.end) * 100_000 / self.end;
        format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
    }

    /// The number at a mark; the last one says of what.
    fn label(&self, ms: u64) -> String {
        let (number, unit) = match self.step {
            step if step >= 1_000 => (ms / 1_000, "s"),
            _ => (ms, "ms"),
        };
        match ms == self.end {
            true => format!("{number} {unit}"),
            false => number.to_string(),
        }
    }
}

/// Bytes of one probe's facts.
const MOST_FACTS: usize = 6_000;
/// Bytes that are kept for rows without their facts.
const ROWS: usize = 30_000;
/// Marks on the scale beside the first.
const MOST_MARKS: u64 = 5;
/// A day: no run lasts longer, whatever a saved case claims.
const LONGEST_RUN: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::Scale;

    #[track_caller]
    fn check(last: u64, marks: &[&str]) {
        let one = crate::report::Observation {
            id: String::new(),
            endpoint: String::new(),
            probe: String::new(),
            started_ms: 0,
            duration_ms: last,
            outcome: crate::report::Outcome::Seen,
            summary: String::new(),
            facts: std::collections::BTreeMap::new(),
        };
        let scale = Scale::of(&[one]);
        let labels: Vec<String> = scale.ticks().map(|tick| scale.label(tick)).collect();
        assert_eq!(labels, marks, "{last} ms");
    }

    #[test]
    fn marks_are_round_and_few() {
        check(0, &["0", "1 ms"]);
        check(24, &["0", "5", "10", "15", "20", "25 ms"]);
        check(51, &["0", "20", "40", "60 ms"]);
        check(5_600, &["0", "2", "4", "6 s"]);
        check(65_012, &["0", "20", "40", "60", "80 s"]);
        check(u64::MAX, &["0", "20000", "40000", "60000", "80000", "100000 s"]);
    }

    #[test]
    fn a_moment_is_a_share_of_the_scale() {
        let scale = Scale { step: 20, end: 60 };
        assert_eq!(scale.place(0), "0.000%");
        assert_eq!(scale.place(20), "33.333%");
        assert_eq!(scale.place(u64::MAX), "100.000%");
    }
}
