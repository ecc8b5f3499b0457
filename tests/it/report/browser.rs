//! HTML reports in a real browser: `tests/browser/check.mjs` opens them in Chromium and complains of what is wrong.
//!
//! Without Chromium or Node.js nothing is looked at, which is a failure in CI and said elsewhere.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use hoop_doctor::report::{Report, html, json};
use tempfile::TempDir;

use super::cases;
use super::hostile::filled;
use super::html::{HOSTILE, large};
use crate::cases::Case;
use crate::lab::{repository, say};

#[test]
fn a_browser_shows_every_report_and_complains_of_none() -> io::Result<()> {
    let scripts = repository().join("tests/browser");
    let missing = match (chromium(), scripts.join("node_modules").is_dir()) {
        (Some(chromium), true) => return look(&scripts, &chromium),
        (None, _) => "Chromium",
        (Some(_), false) => "what npm ci installs in tests/browser",
    };
    assert!(env::var_os("CI").is_none(), "{missing} is missing");
    say(&format!("not run: HTML reports in a browser, for want of {missing}"));
    Ok(())
}

fn look(scripts: &Path, chromium: &Path) -> io::Result<()> {
    let folder = TempDir::with_prefix("hoop-doctor-browser-")?;
    for (name, report) in reports()? {
        fs::write(folder.path().join(format!("{name}.html")), html::render(&report))?;
        fs::write(folder.path().join(format!("{name}.json")), json::render(&report)?)?;
    }
    of_files(folder.path())?;
    // A browser takes every core for a while, and other tests measure time.
    let output = Command::new("nice")
        .args(["-n", "19", "node"])
        .arg(scripts.join("check.mjs"))
        .args([chromium, folder.path()])
        .output()?;
    let [said, complained] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{said}\n{complained}");
    let pages = fs::read_dir(folder.path())?.count() / 2;
    assert_eq!(said.trim(), format!("{pages} pages"), "not every page was looked at");
    Ok(())
}

/// Reports that differ in what they hold, and some whose texts try to be more than text.
fn reports() -> io::Result<Vec<(String, Report)>> {
    let harmless = |text: &str| filled(cases::broken(), &[text.to_owned()]);
    let mut reports = vec![
        ("healthy".to_owned(), cases::healthy()),
        ("broken".to_owned(), cases::broken()),
        ("doubtful".to_owned(), cases::doubtful()),
        ("unknown".to_owned(), cases::interrupted()),
        ("large".to_owned(), large()),
        ("harmless".to_owned(), harmless("harmless")),
    ];
    for name in RECORDED {
        reports.push((name.to_owned(), Case::named(name)?.report()));
    }
    let hostile = HOSTILE.iter().enumerate();
    reports.extend(hostile.map(|(number, text)| (format!("hostile-{number}"), harmless(text))));
    Ok(reports)
}

/// What was really seen: without a fault, with limits that were measured, behind a forward proxy.
const RECORDED: [&str; 4] = [
    "healthy-tls",
    "lab-nginx-body-1m",
    "fault-stream-lifetime",
    "edited-forward-proxy-refused",
];

/// Reports of files alone, as the program itself writes them.
fn of_files(folder: &Path) -> io::Result<()> {
    let files = TempDir::with_prefix("hoop-doctor-browser-")?;
    fs::write(files.path().join("nginx.conf"), NGINX)?;
    let log = repository().join("tests/logs/agent-nginx-body-1m/input.log");
    fs::copy(log, files.path().join("agent.log"))?;
    for (name, args) in [("logs", ["logs", "agent.log"]), ("lint", ["lint", "nginx.conf"])] {
        let to = |format: &str| {
            let file = folder.join(name).with_extension(format);
            format!("{format}={}", file.display())
        };
        let output = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"))
            .current_dir(files.path())
            .args(args)
            .args(["-o", &to("html"), "-o", &to("json")])
            .output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        let found = output.status.code() == Some(1);
        assert!(found && complaint.is_empty(), "{args:?}: {complaint}");
    }
    Ok(())
}

/// A limit that is too small, and one that is allowed to be.
const NGINX: &str = "\
events {}
http {
\tserver {
\t\tlisten 443 ssl http2;
\t\tserver_name gateway.example.com;
\t\tssl_certificate /etc/ssl/fullchain.pem;
\t\tssl_certificate_key /etc/ssl/privkey.pem;
\t\tlocation /protobuf.Transport/ {
\t\t\tclient_max_body_size 2m;
\t\t\tgrpc_read_timeout 60s; # hoop-doctor: allow HD703 because sessions are short here
\t\t\tgrpc_pass grpc://10.0.0.10:8010;
\t\t}
\t\tlocation / {
\t\t\tproxy_pass http://10.0.0.10:8009;
\t\t}
\t}
}
";

/// The browser, under any of the names that it has.
fn chromium() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.into_iter().find(|place| place.is_file())
}
