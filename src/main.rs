//! The program: parse, run, exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use hoop_doctor::cli::Cli;
use hoop_doctor::commands::{Exit, run};
use hoop_doctor::malfunction;

fn main() -> ExitCode {
    malfunction::catch();
    let cli = Cli::parse();
    match std::panic::catch_unwind(|| run(&cli)) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(error)) => complain(&format!("{error:#}"), Exit::Usage),
        Err(_) => complain(
            &format!("a bug of this program at {}", malfunction::last_place()),
            Exit::Unknown,
        ),
    }
}

fn complain(text: &str, exit: Exit) -> ExitCode {
    // Nothing is left to tell anybody where standard error is closed too.
    let _ = writeln!(std::io::stderr(), "hoop-doctor: {text}");
    exit.into()
}
