//! `diff`: what changed between two runs that were saved.

use anyhow::Context;
use serde::Serialize;

use super::{Exit, output, save};
use crate::cli::{Diff, DiffFormat};
use crate::diff::{Change, diff};
use crate::report::text;
use crate::saved::Saved;

pub(super) fn run(args: &Diff) -> anyhow::Result<Exit> {
    let (before, after) = (save::read(&args.before)?, save::read(&args.after)?);
    let changes = diff(&before, &after);
    let text = match args.output {
        DiffFormat::Human => human(&before, &after, &changes, output::glyphs()),
        DiffFormat::Json => json(&before, &after, &changes).context("writing JSON")?,
    };
    output::print(&text)?;
    Ok(match changes.is_empty() {
        true => Exit::Fine,
        false => Exit::Findings,
    })
}

/// A line a change.
fn human(before: &Saved, after: &Saved, changes: &[Change], glyphs: text::Glyphs) -> String {
    if changes.is_empty() {
        let nothing = format!("nothing changed between {} and {}", before.saved_at, after.saved_at);
        return text::line(&nothing, glyphs, LONGEST) + "\n";
    }
    let lines = changes
        .iter()
        .map(|change| text::line(&line(change), glyphs, LONGEST) + "\n");
    lines.collect()
}

fn line(change: &Change) -> String {
    let layer = change.layer.map(|layer| layer.rung().name).unwrap_or_default();
    let named = [change.about.as_str(), layer, change.what.as_str()];
    let named: Vec<&str> = named.into_iter().filter(|part| !part.is_empty()).collect();
    let happened = match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{} → {}", clipped(before), clipped(after)),
        (None, Some(after)) => format!("new: {}", clipped(after)),
        (Some(before), None) => format!("gone: {}", clipped(before)),
        (None, None) => String::new(),
    };
    format!("{}: {happened}", named.join(" "))
}

/// Enough of one side that the other has room.
fn clipped(value: &str) -> String {
    match value.char_indices().nth(LONGEST_SIDE) {
        Some((at, _)) => format!("{}…", value.get(..at).unwrap_or(value)),
        None => value.to_owned(),
    }
}

/// Both cases by name, and the changes.
#[derive(Serialize)]
struct Changes<'a> {
    schema_version: u32,
    before: Case<'a>,
    after: Case<'a>,
    changes: &'a [Change],
}

#[derive(Serialize)]
struct Case<'a> {
    tool: &'a str,
    saved_at: &'a str,
}

impl<'a> Case<'a> {
    fn of(saved: &'a Saved) -> Self {
        Self {
            tool: &saved.tool,
            saved_at: &saved.saved_at,
        }
    }
}

fn json(before: &Saved, after: &Saved, changes: &[Change]) -> serde_json::Result<String> {
    let all = Changes {
        schema_version: 1,
        before: Case::of(before),
        after: Case::of(after),
        changes,
    };
    Ok(text::json(&serde_json::to_string_pretty(&all)?) + "\n")
}

const LONGEST: usize = 1_000;
const LONGEST_SIDE: usize = 400;
