//! `explain`: the runbook, offline.

use std::io::{self, Read};

use anyhow::{Context, bail};

use super::{Exit, output};
use crate::cli::{Color, Explain};
use crate::explain::{Folded, LONGEST, meanings, nearest, page};
use crate::report::human::{Look, runbook};

pub(super) fn run(args: &Explain, color: Color) -> anyhow::Result<Exit> {
    let look = output::look(color);
    match args.asked.as_slice() {
        [] => {
            output::print(&runbook::list(look))?;
            Ok(Exit::Fine)
        }
        [one] if one == "-" => answer(&standard_input()?, look),
        words => answer(&words.join(" "), look),
    }
}

/// One word is a code or a name first; anything else is a text.
fn answer(asked: &str, look: Look) -> anyhow::Result<Exit> {
    if let Some(found) = page(asked) {
        output::print(&runbook::page(found, look))?;
        return Ok(Exit::Fine);
    }
    let meanings = meanings(&Folded::new(asked));
    if meanings.is_empty() && is_word(asked) {
        let near: Vec<String> = nearest(asked).iter().map(ToString::to_string).collect();
        bail!("{} is no finding; the nearest are {}", asked.trim(), near.join(", "));
    }
    output::print(&runbook::meanings(&meanings, look))?;
    match meanings.is_empty() {
        true => Ok(Exit::Findings),
        false => Ok(Exit::Fine),
    }
}

/// Whether something looks like a code or a name.
fn is_word(asked: &str) -> bool {
    let asked = asked.trim();
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    (1..=LONGEST_WORD).contains(&asked.len()) && asked.chars().all(is_name)
}

/// As much of standard input as is looked at.
fn standard_input() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(LONGEST as u64)
        .read_to_end(&mut bytes)
        .context("reading standard input")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Longer than any name by far.
const LONGEST_WORD: usize = 60;
