//! `completions`: prints the script that a shell completes this program's command line with.

use clap::CommandFactory;
use clap_complete::generate;

use super::{Exit, output};
use crate::cli::{Cli, Completions};

pub(super) fn run(args: &Completions) -> anyhow::Result<Exit> {
    let mut cli = Cli::command();
    let name = cli.get_name().to_owned();
    let mut script = Vec::new();
    generate(args.shell, &mut cli, name, &mut script);
    // clap_complete calls a program with a hyphen by two names in its script for bash, which then completes nothing
    // behind a command (clap-rs/clap#6421). Other scripts have no such names.
    let script = String::from_utf8_lossy(&script).replace("hoop__subcmd__doctor", "hoop__doctor");
    output::print(&script).map(|()| Exit::Fine)
}
