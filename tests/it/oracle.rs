//! The real thing beside us: what Go's libraries say, asked of the program in `tests/oracle`, has to be what we say.
//!
//! Hoop's agent and client are Go programs, so that every reading of an address, every verdict on a chain and every
//! `logged_as` is a claim about Go. Without Go nothing is compared, which is a failure in CI and said elsewhere.

mod addresses;
mod agent;
mod calls;
mod chains;
mod proxies;

pub(crate) use agent::Agent;

use std::env;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lab::{repository, say};

/// The oracle's answers, one for each question; `None`, said aloud, where there is no Go to build it with.
///
/// Panics where it can't be built or gives up: then it compares nothing, and that has to be seen.
pub(crate) fn ask<Question: Serialize, Answer: DeserializeOwned>(
    command: &str,
    questions: &[Question],
) -> Option<Vec<Answer>> {
    ask_with(command, questions, [])
}

/// The same with variables, which Go reads once for a process.
fn ask_with<'a, Question: Serialize, Answer: DeserializeOwned>(
    command: &str,
    questions: &[Question],
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<Vec<Answer>> {
    let mut oracle = Command::new(program()?)
        .arg(command)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle was built a moment ago");
    let mut stdin = oracle.stdin.take().expect("it is piped");
    let mut lines = Vec::new();
    for question in questions {
        serde_json::to_writer(&mut lines, question).expect("questions are JSON");
    }
    // It answers while it reads, so both have to go on at once. If it gives up, its exit says so.
    let writer = thread::spawn(move || stdin.write_all(&lines));
    let output = oracle.wait_with_output().expect("its output is readable");
    let written = writer.join().expect("writing doesn't panic");
    assert!(
        output.status.success() && written.is_ok(),
        "oracle {command}: {}",
        output.status
    );
    let answers: Vec<Answer> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("oracle {command}: {error}"));
    assert_eq!(answers.len(), questions.len(), "oracle {command}");
    Some(answers)
}

/// The oracle, built once for all tests.
pub(crate) fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle");
    let build = Command::new("go")
        // What it logs has places of its source in it, which are to be the same on every machine.
        .args(["build", "-trimpath", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(repository().join("tests/oracle"))
        // The resolver is Go's own then, and no C compiler is needed.
        .env("CGO_ENABLED", "0")
        .output();
    match build {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "the oracle can't be built: {errors}");
            Some(program)
        }
        Err(error) if error.kind() == ErrorKind::NotFound && env::var_os("CI").is_none() => {
            say("not run: what tests/oracle compares, for want of Go");
            None
        }
        Err(error) => panic!("go can't be run: {error}"),
    }
}

/// Decides by chance, but the same each time.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).map_or(0, |number| number % sides)
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.roll(all.len())]
    }
}
