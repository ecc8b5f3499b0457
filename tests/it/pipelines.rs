//! What `docs/ci` gives to pipelines, the action and the hooks: judged by those who know their languages, and run for real
//! against a stand-in gateway.

mod action;
mod hooks;
mod judged;
mod page;
mod tried;
mod workflows;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use hoop_doctor::proxyconf::source::Text;
use hoop_doctor::proxyconf::yaml::{Node, documents};
use hoop_doctor::recipes::{Asked, Recipe};
use hoop_doctor_standin::{Fault, Options, StandIn};
use tokio::runtime::{Builder, Runtime};

use crate::lab::process::Process;
use crate::lab::{proxy, repository, say};

/// A gateway, and the variables that tell an agent and a client where it is.
struct Gateway {
    stand_in: StandIn,
    _runtime: Runtime,
}

impl Gateway {
    fn healthy() -> Self {
        Self::with(None)
    }

    fn with(fault: Option<Fault>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be started");
        let options = Options {
            fault,
            ..Options::default()
        };
        Self {
            stand_in: runtime
                .block_on(hoop_doctor_standin::start(options))
                .expect("loopback has free ports"),
            _runtime: runtime,
        }
    }

    fn grpc_url(&self) -> &str {
        &self.stand_in.urls().grpc
    }

    /// What an agent has in `HOOP_KEY`.
    fn key(&self) -> String {
        self.grpc_url().replacen("://", "://agent:xagt-secret@", 1) + "?mode=standard"
    }

    fn was_called(&self) -> bool {
        self.stand_in.grpc_calls().connections > 0
    }
}

/// A command that finds the program on its path, as a pipeline does, and has no settings of this machine.
fn command(program: impl AsRef<Path>, folder: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", path(&[]))
        .env("HOME", folder)
        .env("LANG", "C.UTF-8");
    command
}

/// This machine's path with the built program, and `before`, in front.
fn path(before: &[&Path]) -> OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_hoop-doctor"));
    let own = program.parent().expect("a file is in a folder");
    let rest = env::var_os("PATH").unwrap_or_default();
    let all = before.iter().copied().chain([own]).map(Path::to_owned);
    env::join_paths(all.chain(env::split_paths(&rest))).expect("paths of a path have no colon")
}

fn run(command: Command) -> Output {
    let shown = format!("{command:?}");
    let mut process = Process::spawn(command).unwrap_or_else(|error| panic!("{shown}: {error}"));
    process
        .ended_within(LONG)
        .unwrap_or_else(|| panic!("{shown} doesn't end"))
        .expect("its output can be read")
}

/// Both outputs, for the message of a test that fails.
fn said(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(stdout),
        String::from_utf8_lossy(stderr)
    )
}

/// A program that judges or runs pipelines; `None`, said aloud, where it isn't installed, which is a failure in CI.
fn tool(file: &str) -> Option<PathBuf> {
    let found = proxy::program(&file.replace('-', "_"), file);
    if found.is_none() {
        assert!(env::var_os("CI").is_none(), "{file} is not installed");
        say(&format!("not run: what needs {file}, which is not installed"));
    }
    found
}

/// The folder with actionlint and act, built once; `None`, said aloud, where there is no Go.
fn go_tools() -> Option<&'static Path> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    // The oracle is built first: where Go is missing, it says so or fails, whichever is right here.
    crate::oracle::program()?;
    Some(FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pipelines");
        // A build takes every core for a while, and other tests measure time.
        let output = Command::new("nice")
            .args(["-n", "19", "go"])
            .args(["build", "-trimpath", "-o"])
            // A folder, which go makes where the path ends like one.
            .arg(folder.join(""))
            .args(["github.com/rhysd/actionlint/cmd/actionlint", "github.com/nektos/act"])
            .current_dir(repository().join("tests/oracle/pipelines"))
            .env("CGO_ENABLED", "0")
            .output()
            .expect("the oracle was built with it");
        assert!(output.status.success(), "{}", said(&output));
        folder
    }))
}

/// A file of the repository.
fn text_of(file: &str) -> String {
    fs::read_to_string(repository().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The one document of a file.
fn yaml(file: &str) -> Rc<Node> {
    let mut documents = documents(&Text::new(file, text_of(file)));
    assert!(documents.problem.is_none(), "{:?}", documents.problem);
    assert_eq!(documents.all.len(), 1, "{file}");
    documents.all.remove(0)
}

/// The recipe for nginx, and the same without HTTP/2.
fn nginx_fine_and_broken() -> (String, String) {
    let fine = Recipe::Nginx.text(&Asked {
        host: "gateway.example.com".to_owned(),
        grpc_host: None,
        certificate: None,
        gateway: "10.0.0.10".to_owned(),
        tls_upstream: false,
    });
    let broken = instead(&fine, "listen 443 ssl http2;", "listen 443 ssl;");
    (fine, broken)
}

/// `text` with one thing put into the place of another, which has to be there.
#[track_caller]
fn instead(text: &str, of: &str, put: &str) -> String {
    assert!(text.contains(of), "{of} is not in\n{text}");
    text.replace(of, put)
}

/// Makes `folder` a git repository with all its files committed.
fn commit(folder: &Path) {
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "--all"],
        &["commit", "--quiet", "--message", "all"],
    ] {
        let output = run(git(folder, arguments));
        assert!(output.status.success(), "{}", said(&output));
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = command("git", folder);
    git.args(arguments).envs(NOBODY);
    git
}

/// Git asks who commits, and reads nothing of this machine's user.
const NOBODY: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "nobody"),
    ("GIT_AUTHOR_EMAIL", "nobody@example.com"),
    ("GIT_COMMITTER_NAME", "nobody"),
    ("GIT_COMMITTER_EMAIL", "nobody@example.com"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_SYSTEM", "/dev/null"),
];

/// How long anything here may take on a machine that has much else to do.
const LONG: Duration = Duration::from_secs(120);
