//! What a packager takes from the program: completions that shells understand, and manual pages that `man` does.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use hoop_doctor::cli::Cli;
use tempfile::TempDir;

use crate::lab::say;

fn doctor(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"))
        .args(args)
        .env_clear()
        .output()
        .expect("the program is built");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn printed(args: &[&str]) -> String {
    let (code, stdout, stderr) = doctor(args);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{args:?}");
    stdout
}

fn commands() -> Vec<clap::Command> {
    Cli::command().get_subcommands().cloned().collect()
}

/// What bash offers for the last of these words.
fn bash_completes(words: &[&str]) -> BTreeSet<String> {
    // The function is called as bash calls it: the words, which of them, and the command, the word and the one before.
    const COMPLETE: &str = r#"
        set -euo pipefail
        source "$1"; shift
        function=$(complete -p hoop-doctor | sed -n 's/.*-F \([^ ]*\).*/\1/p')
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        "$function" hoop-doctor "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let folder = TempDir::with_prefix("hoop-doctor-completions-").expect("a folder can be made");
    let script = folder.path().join("hoop-doctor");
    fs::write(&script, printed(&["completions", "bash"])).expect("it can be written to");
    let output = Command::new("bash")
        .args(["--norc", "-c", COMPLETE, "bash"])
        .arg(script)
        .args(words)
        .output()
        .expect("bash is there");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let set = |words: &[&str]| -> BTreeSet<String> { words.iter().map(ToString::to_string).collect() };
    assert_eq!(bash_completes(&["hoop-doctor", "ch"]), set(&["check"]));
    assert_eq!(
        bash_completes(&["hoop-doctor", "check", "--key"]),
        set(&["--key-env", "--key-file"])
    );
    assert_eq!(bash_completes(&["hoop-doctor", "stand-in", "--gr"]), set(&["--grpc"]));
    assert_eq!(
        bash_completes(&["hoop-doctor", "check", "--fail-on", ""]),
        set(&["error", "warn"])
    );
    let faults = set(&["http2-not-enabled", "http2-handshake-failed"]);
    assert_eq!(
        bash_completes(&["hoop-doctor", "stand-in", "--fault", "http2-"]),
        faults
    );
    assert_eq!(bash_completes(&["hoop-doctor", "demo", "http2-"]), faults);
    let every: BTreeSet<String> = commands().iter().map(|command| command.get_name().to_owned()).collect();
    for words in [&["hoop-doctor", ""][..], &["hoop-doctor", "man", ""]] {
        assert!(bash_completes(words).is_superset(&every), "{words:?}");
    }
}

#[test]
fn every_shell_is_told_of_every_command_and_flag() {
    for shell in Shell::value_variants() {
        let script = printed(&["completions", &shell.to_string()]);
        for command in commands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(script.contains(flag), "{shell}: --{flag} of {}", command.get_name());
            }
        }
    }
}

#[test]
fn every_command_has_a_page_and_the_folder_has_what_is_printed() {
    let folder = TempDir::with_prefix("hoop-doctor-man-").expect("a folder can be made");
    let man1 = folder.path().join("share/man/man1");
    printed(&["man", "--dir", man1.to_str().expect("its name is UTF-8")]);
    let mut expected = BTreeSet::from(["hoop-doctor.1".to_owned()]);
    assert_eq!(kept(&man1, "hoop-doctor.1"), printed(&["man"]));
    for command in commands() {
        let name = command.get_name();
        let file = format!("hoop-doctor-{name}.1");
        let page = kept(&man1, &file);
        assert_eq!(page, printed(&["man", name]));
        let plain = page.replace('\\', "");
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(plain.contains(&format!("--{flag}")), "{name}: --{flag}");
        }
        expected.insert(file);
    }
    let files = fs::read_dir(&man1).expect("the folder was made");
    let files: BTreeSet<String> = files
        .map(|file| file.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files, expected);
}

fn kept(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn mandoc_finds_nothing_wrong_with_the_pages() {
    let pages = commands();
    let pages = [None]
        .into_iter()
        .chain(pages.iter().map(|command| Some(command.get_name())));
    for page in pages {
        let text = printed(&["man"].into_iter().chain(page).collect::<Vec<_>>());
        let mandoc = Command::new("mandoc")
            .args(["-T", "lint", "-W", "warning"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut mandoc = match mandoc {
            Err(error) if error.kind() == ErrorKind::NotFound => return say("not run: mandoc is not installed"),
            mandoc => mandoc.expect("mandoc starts"),
        };
        let mut stdin = mandoc.stdin.take().expect("it is piped");
        stdin.write_all(text.as_bytes()).expect("mandoc reads");
        drop(stdin);
        let output = mandoc.wait_with_output().expect("mandoc ends");
        let complaints = String::from_utf8_lossy(&output.stdout);
        // A build outside of git has no day, and says none.
        let complaints: Vec<&str> = complaints
            .lines()
            .filter(|line| !line.contains("missing date"))
            .collect();
        assert_eq!(complaints, Vec::<&str>::new(), "{page:?}");
    }
}

#[test]
fn the_program_s_page_says_what_help_does_not() {
    let page = printed(&["man"]).replace('\\', "");
    for said in [
        ".SH \"EXIT STATUS\"",
        ".SH ENVIRONMENT",
        ".SH FILES",
        ".SH \"SEE ALSO\"",
        "HOOP_KEY",
        "config.toml",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(page.contains("hoop-doctor-check"), "{page}");
}

#[test]
fn a_page_or_a_shell_that_there_is_not_is_a_mistake_in_usage() {
    for args in [
        &["man", "chek"][..],
        &["man", "--dir", "/dev/null/man"],
        &["man", "check", "--dir", "."],
        &["completions"],
        &["completions", "tcsh"],
    ] {
        let (code, stdout, stderr) = doctor(args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(!stderr.is_empty(), "{args:?}");
    }
    let (_, _, stderr) = doctor(&["man", "chek"]);
    assert!(
        stderr.contains("chek is no command; there are check, logs,"),
        "{stderr}"
    );
}
