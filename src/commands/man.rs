//! `man`: prints a manual page, or writes all of them to a folder.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::{Exit, output};
use crate::cli::Man;
use crate::manual::{Page, pages};

pub(super) fn run(args: &Man) -> anyhow::Result<Exit> {
    let pages = pages();
    match &args.dir {
        None => output::print(&asked(args.command.as_deref(), &pages)?.text)?,
        Some(dir) => write(&pages, dir)?,
    }
    Ok(Exit::Fine)
}

fn asked<'a>(command: Option<&str>, pages: &'a [Page]) -> anyhow::Result<&'a Page> {
    match pages.iter().find(|page| page.command.as_deref() == command) {
        Some(page) => Ok(page),
        None => {
            let names: Vec<&str> = pages.iter().filter_map(|page| page.command.as_deref()).collect();
            let command = command.unwrap_or_default();
            bail!("{command} is no command; there are {}", names.join(", "))
        }
    }
}

fn write(pages: &[Page], dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("making the folder {}", dir.display()))?;
    for page in pages {
        let file = dir.join(page.file_name());
        fs::write(&file, &page.text).with_context(|| format!("writing the manual page {}", file.display()))?;
    }
    Ok(())
}
