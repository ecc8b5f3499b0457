//! `lint` as people and pipelines start it: quoted lines, exit codes, comments that allow, SARIF and annotations.

use std::fs;
use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::outputs::formats;

/// As Hoop's documentation has it, and with a small limit.
const NGINX: &str = "\
events {}
http {
\tserver {
    listen 443 ssl http2;
    server_name gateway.example.com;
    ssl_certificate /etc/ssl/fullchain.pem;
    ssl_certificate_key /etc/ssl/privkey.pem;
    location /protobuf.Transport/Connect {
      client_max_body_size 2m;
      grpc_pass grpc://10.0.0.10:8010;
    }
    location / {
      proxy_pass http://10.0.0.10:8009;
    }
  }
}
";

struct Desk(TempDir);

impl Desk {
    fn with(content: &str) -> io::Result<Self> {
        let folder = TempDir::with_prefix("hoop-doctor-lint-")?;
        fs::write(folder.path().join("nginx.conf"), content)?;
        Ok(Self(folder))
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
        command
            .env_clear()
            .env("LANG", "C.UTF-8")
            .current_dir(self.0.path())
            .arg("lint")
            .args(args);
        command.output().expect("the program runs")
    }

    fn text(&self, args: &[&str]) -> String {
        String::from_utf8(self.run(args).stdout).expect("reports are UTF-8")
    }
}

#[test]
fn the_line_is_quoted_and_marked() -> io::Result<()> {
    let desk = Desk::with(NGINX)?;
    let output = desk.run(&["nginx.conf"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.starts_with("✗ broken: a stream to /protobuf.Transport/Connect may carry 2 MiB in all"),
        "{text}"
    );
    let quoted = "    9 │       client_max_body_size 2m;\n";
    assert!(text.contains(quoted) && text.contains("at nginx.conf:9:7"), "{text}");
    assert!(text.contains("│       ^\n"), "{text}");
    assert!(
        text.contains("HD603") && text.contains("nginx.conf: nginx, 16 lines"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_comment_with_a_reason_allows_a_finding_and_one_without_does_not() -> io::Result<()> {
    let allowing = |comment: &str| NGINX.replace("2m;", &format!("2m; # hoop-doctor: allow HD701{comment}"));
    let allowed = Desk::with(&allowing(" because no bulk data goes through here"))?.text(&["nginx.conf"]);
    assert!(
        !allowed.contains("HD701 body-limit") && allowed.contains("because no bulk data goes through here"),
        "{allowed}"
    );
    assert!(allowed.contains("HD603"), "{allowed}");
    assert!(allowed.contains("\nallow  HD701 at nginx.conf:"), "{allowed}");
    let refused = Desk::with(&allowing(""))?.text(&["nginx.conf"]);
    assert!(
        refused.contains("HD701 body-limit") && refused.contains("gives no reason"),
        "{refused}"
    );
    Ok(())
}

#[test]
fn exit_codes_follow_the_severity_and_the_flag() -> io::Result<()> {
    let warned = Desk::with(&NGINX.replace("2m;", "0;"))?;
    assert_eq!(warned.run(&["nginx.conf"]).status.code(), Some(0));
    for format in formats() {
        let output = warned.run(&["nginx.conf", "--fail-on", "warn", "-o", &format]);
        assert_eq!(output.status.code(), Some(1), "{format}");
    }
    assert_eq!(
        warned
            .run(&["nginx.conf", "--fail-on", "warn", "--skip", "HD603"])
            .status
            .code(),
        Some(0)
    );
    Ok(())
}

#[test]
fn standard_input_is_a_file_too() -> io::Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
    let mut child = command
        .args(["lint", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .map(|mut input| input.write_all(NGINX.as_bytes()))
        .transpose()?;
    let report: Value = serde_json::from_slice(&child.wait_with_output()?.stdout)?;
    assert_eq!(report.pointer("/findings/0/locations/0/file"), Some(&Value::from("-")));
    assert_eq!(
        report.pointer("/proxy_config/files/0/proxy"),
        Some(&Value::from("nginx"))
    );
    Ok(())
}

#[test]
fn code_scanning_gets_a_place_even_where_nothing_is_for_hoop() -> io::Result<()> {
    let desk = Desk::with("events {}\nhttp { server { listen 80; server_name shop.example.com; } }\n")?;
    let log: Value = serde_json::from_str(&desk.text(&["nginx.conf", "-o", "sarif"]))?;
    let result = log.pointer("/runs/0/results/0").expect("a result");
    assert_eq!(result.pointer("/ruleId"), Some(&Value::from("HD808")));
    assert_eq!(
        result.pointer("/locations/0/physicalLocation/artifactLocation/uri"),
        Some(&Value::from("nginx.conf"))
    );
    Ok(())
}

#[test]
fn code_scanning_gets_the_place_and_the_runbook() -> io::Result<()> {
    let desk = Desk::with(NGINX)?;
    let log: Value = serde_json::from_str(&desk.text(&["nginx.conf", "-o", "sarif"]))?;
    let first = log.pointer("/runs/0/results/0").expect("a result");
    assert_eq!(first.pointer("/ruleId"), Some(&Value::from("HD701")));
    assert_eq!(first.pointer("/level"), Some(&Value::from("error")));
    let place = "/locations/0/physicalLocation";
    assert_eq!(
        first.pointer(&format!("{place}/artifactLocation/uri")),
        Some(&Value::from("nginx.conf"))
    );
    assert_eq!(
        first.pointer(&format!("{place}/region/startLine")),
        Some(&Value::from(9))
    );
    let index = first.pointer("/ruleIndex").and_then(Value::as_u64).expect("an index");
    let rule = log
        .pointer(&format!("/runs/0/tool/driver/rules/{index}"))
        .expect("its rule");
    assert_eq!(rule.pointer("/id"), Some(&Value::from("HD701")));
    assert!(
        rule.pointer("/help/markdown")
            .and_then(Value::as_str)
            .is_some_and(|page| page.contains("client_max_body_size"))
    );
    Ok(())
}

#[test]
fn an_annotation_is_one_line_with_its_place() -> io::Result<()> {
    let text = Desk::with(NGINX)?.text(&["nginx.conf", "-o", "github"]);
    let first = text.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("::error file=nginx.conf,line=9,col=7,title=HD701 body-limit::a stream to"),
        "{first}"
    );
    assert!(first.contains("%0AFix: "), "{first}");
    assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
    Ok(())
}
