//! `replay`: the report of a run that was saved, as that run gave it.

use super::{Exit, check, save};
use crate::cli::{Color, Replay};

pub(super) fn run(args: &Replay, color: Color) -> anyhow::Result<Exit> {
    let saved = save::read(&args.file)?;
    check::tell(&saved.evidence, &args.reporting, color)
}
