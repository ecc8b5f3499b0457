//! What is no configuration, or too much of it: a clear answer, soon.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::codes;

/// Twice what the slowest takes with a debug build beside other tests.
const SOON: Duration = Duration::from_secs(30);

fn lint(folder: &Path, args: &[&str]) -> (Output, Duration) {
    let started = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
    command.env_clear();
    let output = command.current_dir(folder).arg("lint").args(args).output();
    (output.expect("the program runs"), started.elapsed())
}

#[track_caller]
fn refused(folder: &Path, args: &[&str], says: &str) {
    let (output, took) = lint(folder, args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
    assert!(error.contains(says), "{args:?}: {error}");
    assert!(output.stdout.is_empty());
    assert!(took < SOON, "{took:?}");
}

#[track_caller]
fn found(folder: &Path, args: &[&str], code: &str, says: &str) {
    let (output, took) = lint(folder, &[args, &["-o", "short"]].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{args:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains(code) && text.contains(says), "{args:?}: {text}");
    assert!(took < SOON, "{took:?}");
}

#[test]
fn what_cannot_be_read_is_refused_with_the_next_step() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    fs::create_dir(path.join("conf.d"))?;
    fs::write(path.join("latin1.conf"), b"# caf\xe9\nserver { listen 80; }\n")?;
    fs::write(path.join("binary.conf"), b"server {\0}")?;
    fs::write(
        path.join("main.tf"),
        "resource \"aws_lb\" \"hoop\" {\n  name = \"hoop\"\n}\n",
    )?;
    fs::write(path.join("prose.txt"), "Dear all,\nthe gateway is down.\n")?;
    fs::File::create(path.join("large.conf"))?.set_len(50 << 20)?;
    refused(path, &["none.conf"], "none.conf");
    refused(path, &["conf.d"], "directory");
    refused(path, &["latin1.conf"], "line 1, column 6 is not UTF-8");
    refused(path, &["binary.conf"], "NUL");
    refused(path, &["main.tf"], "terraform show -json");
    refused(path, &["prose.txt"], "--proxy");
    refused(path, &["large.conf"], "MiB");
    Ok(())
}

#[cfg(unix)]
#[test]
fn links_and_includes_that_go_round_end() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    std::os::unix::fs::symlink(path.join("b.conf"), path.join("a.conf"))?;
    std::os::unix::fs::symlink(path.join("a.conf"), path.join("b.conf"))?;
    refused(path, &["a.conf"], "a.conf");
    fs::write(path.join("round.conf"), "events {}\nhttp {\n  include other.conf;\n}\n")?;
    fs::write(path.join("other.conf"), "include round.conf;\n")?;
    found(path, &["round.conf"], "HD801", "include");
    Ok(())
}

#[test]
fn bombs_are_answered_soon() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    let mut bomb = "apiVersion: v1\nkind: Service\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let names = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{names}]\n"));
    }
    bomb.push_str("spec: {ports: *a39}\n");
    fs::write(path.join("bomb.yaml"), bomb)?;
    let (output, took) = lint(path, &["bomb.yaml"]);
    assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
    assert!(took < SOON, "{took:?}");
    fs::write(
        path.join("deep.yaml"),
        format!("apiVersion: v1\nkind: List\nitems: {}", "[".repeat(200_000)),
    )?;
    found(path, &["deep.yaml"], "HD801", "deep.yaml");
    fs::write(path.join("deep.conf"), "http {\n".repeat(200_000))?;
    found(path, &["deep.conf", "--proxy", "nginx"], "HD801", "deep.conf");
    fs::write(path.join("Caddyfile"), "a {\n".repeat(200_000))?;
    found(path, &["Caddyfile", "--proxy", "caddy"], "HD801", "Caddyfile");
    fs::write(
        path.join("large.conf"),
        "server { listen 80; server_name a.example.com; return 404; }\n".repeat(5_000),
    )?;
    let (output, took) = lint(path, &["large.conf"]);
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(took < SOON, "{took:?}");
    Ok(())
}

#[test]
fn an_empty_file_has_nothing_for_hoop() {
    let text = hoop_doctor::proxyconf::source::Text::new("empty.conf", "");
    let report = super::lint(vec![text], Some(hoop_doctor::proxyconf::read::Dialect::Nginx));
    assert_eq!(codes(&report), ["HD808."]);
}
