//! Broken files: where the proxy's own checker refuses one, `lint` says HD801 with the same line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use hoop_doctor::proxyconf::source::Text;

use super::lab::filled_in;
use super::{lint, told};
use crate::lab::certificates::Certificates;
use crate::lab::configurations;
use crate::lab::proxy::{Proxy, load_stream_module};
use crate::lab::{few_at_a_time, say};

const PROXIES: [Proxy; 5] = [Proxy::Nginx, Proxy::Haproxy, Proxy::Apache, Proxy::Caddy, Proxy::Envoy];
/// Fewer would be no test of agreement.
const FEWEST: usize = 50;

#[test]
fn what_the_proxy_refuses_is_refused_at_the_same_line() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let certificates = Certificates::write_to(&folder.path().join("certificates"))?;
    let mut files = Vec::new();
    for proxy in PROXIES {
        let broken = configurations().join("broken").join(proxy.name());
        let mut own: Vec<PathBuf> = fs::read_dir(&broken)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        own.sort();
        files.extend(own.into_iter().filter(|file| file.is_file()).map(|file| (proxy, file)));
    }
    assert!(files.len() >= FEWEST, "{} broken files", files.len());
    let results = few_at_a_time(&files, |(proxy, file)| {
        judge(*proxy, file, folder.path(), &certificates)
    });
    let wrong: Vec<String> = results
        .iter()
        .filter_map(|result| result.as_ref().err().cloned())
        .collect();
    let without: usize = results.iter().filter(|result| matches!(result, Ok(None))).count();
    assert!(
        wrong.is_empty(),
        "{} of {} disagree\n{}",
        wrong.len(),
        files.len(),
        wrong.join("\n")
    );
    say(&format!(
        "{} broken files, {without} of them with a checker that names no line\n",
        files.len()
    ));
    Ok(())
}

/// The line that both name; `None` where the proxy names none.
fn judge(proxy: Proxy, file: &Path, run: &Path, certificates: &Certificates) -> Result<Option<usize>, String> {
    let name = named(file);
    let fail = |what: String| format!("{name}: {what}");
    let given = written_to(run, file, certificates).map_err(|error| fail(error.to_string()))?;
    let Some((takes, said)) = checked(proxy, &given).map_err(&fail)? else {
        return Ok(None);
    };
    if takes {
        return Err(fail(format!("{} takes it", proxy.name())));
    }
    let report = lint(vec![Text::open(&given).map_err(|why| fail(why.to_string()))?], None);
    let first = report.findings.first().filter(|first| first.code == "HD801");
    let Some(first) = first else {
        return Err(fail(format!(
            "{} refuses it, `lint` says\n{}{said}",
            proxy.name(),
            told(&report)
        )));
    };
    let own: Vec<usize> = report
        .findings
        .iter()
        .filter(|one| one.code == "HD801")
        .flat_map(|one| &one.locations)
        .filter_map(|place| place.line)
        .collect();
    let scratch = given.parent().unwrap_or(run);
    match line(&said, scratch) {
        None => Ok(None),
        Some(line) if own.contains(&line) => Ok(Some(line)),
        Some(line) => Err(fail(format!(
            "{} names line {line}, `lint` {own:?}: {}\n{said}",
            proxy.name(),
            first.message
        ))),
    }
}

/// `nginx/NAME.conf`.
pub(super) fn named(file: &Path) -> String {
    let mut names = file.iter().rev().take(2).map(|name| name.to_string_lossy());
    let name = names.next().unwrap_or_default();
    format!("{}/{name}", names.next().unwrap_or_default())
}

/// The file with its placeholders filled in, in a folder of its own below `run`, beside the files that it includes.
pub(super) fn written_to(run: &Path, file: &Path, certificates: &Certificates) -> io::Result<PathBuf> {
    let scratch = run.join(named(file).replace(['/', '.'], "-"));
    fs::create_dir_all(&scratch)?;
    let ports = [
        ("@GRPC_PORT@", "8010"),
        ("@REST_PORT@", "8009"),
        ("@GRPC_TLS_PORT@", "8010"),
    ];
    let write = |from: &Path| {
        let mut content = fs::read_to_string(from)?
            .replace("@RUN@", &scratch.display().to_string())
            .replace("@LOAD_STREAM@", &load_stream_module());
        for (placeholder, path) in certificates.placeholders() {
            content = content.replace(&placeholder, &path.display().to_string());
        }
        let given = scratch.join(from.file_name().unwrap_or_default());
        fs::write(&given, filled_in(&content, &ports))?;
        io::Result::Ok(given)
    };
    for included in fs::read_dir(file.with_extension("d")).into_iter().flatten().flatten() {
        write(&included.path())?;
    }
    write(file)
}

/// Whether the proxy's own checker takes a file, and what it says; `None` where it isn't installed.
pub(super) fn checked(proxy: Proxy, given: &Path) -> Result<Option<(bool, String)>, String> {
    let Some(program) = proxy.program() else {
        return match std::env::var_os("CI") {
            Some(_) => Err(format!("{} is not installed", proxy.name())),
            None => Ok(None),
        };
    };
    let scratch = given.parent().unwrap_or(given);
    let mut command = Command::new(program);
    match proxy {
        Proxy::Nginx => command.args(["-t", "-p"]).arg(scratch).arg("-c").arg(given),
        Proxy::Haproxy => command.args(["-c", "-f"]).arg(given),
        Proxy::Apache => command.args(["-t", "-f"]).arg(given),
        Proxy::Caddy => command
            .args(["validate", "--adapter", "caddyfile", "--config"])
            .arg(given),
        Proxy::Envoy => command.args(["--mode", "validate", "-c"]).arg(given),
        Proxy::Nghttpx | Proxy::Traefik => return Err("it has no checker".to_owned()),
    };
    let output = command
        .env("HOME", scratch)
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok(Some((output.status.success(), said)))
}

/// The line that a checker names: `FILE:12`, `line 12`, `:12]`.
fn line(said: &str, scratch: &Path) -> Option<usize> {
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let folder = scratch.display().to_string();
    let mut after_file = said.match_indices(&folder).filter_map(|(at, _)| {
        let rest = said.get(at + folder.len()..)?;
        let end = rest.find([' ', '\n', ']', ')', '"'])?;
        let (_, line) = rest.get(..end)?.rsplit_once(':')?;
        number(line)
    });
    let mut after_word = said
        .match_indices("line ")
        .filter_map(|(at, word)| number(said.get(at + word.len()..)?));
    after_file.next().or_else(|| after_word.next())
}
