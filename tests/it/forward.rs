//! Forward proxies: Squid and tinyproxy in front of a stand-in, each state met by `check` and by a real agent.
//!
//! The target is called LOCALHOST, in capitals: Go's rule that nothing on this machine is proxied knows the name in small
//! letters alone, and every resolver knows both.

#![expect(
    clippy::disallowed_types,
    reason = "a proxy is there when its port can be connected to"
)]

use std::env;
use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use hoop_doctor_standin::{Options, StandIn, Tls, start};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::lab::port::Port;
use crate::lab::process::Process;
use crate::lab::say;
use crate::oracle::Agent;

/// Which forward proxy, in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SquidOpen,
    SquidWithLogin,
    Squid443Only,
    TinyproxyOpen,
    TinyproxyWithLogin,
    Tinyproxy443Only,
}

#[test]
fn an_open_proxy_changes_nothing() -> io::Result<()> {
    for state in [State::SquidOpen, State::TinyproxyOpen] {
        let Some(proxy) = Proxy::start(state)? else { continue };
        for tls in [true, false] {
            let gateway = Gateway::start(tls)?;
            let check = gateway.check(&[("HTTPS_PROXY", proxy.url("")), ("HTTP_PROXY", proxy.url(""))])?;
            assert_eq!(check["verdict"], "healthy", "{state:?}, TLS {tls}: {check:#}");
            assert_eq!(codes(&check), [""; 0], "{state:?}, TLS {tls}: {check:#}");
            for endpoint in endpoints(&check) {
                assert_eq!(endpoint["via"]["host"], "127.0.0.1", "{endpoint:#}");
                let asks = endpoint["kind"] == "grpc" || tls;
                let status = &endpoint["via"]["connect_status"];
                assert_eq!(status.as_u64(), asks.then_some(200), "{endpoint:#}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_login_is_wanted_wrong_or_right() -> io::Result<()> {
    for state in [State::SquidWithLogin, State::TinyproxyWithLogin] {
        let Some(proxy) = Proxy::start(state)? else { continue };
        let gateway = Gateway::start(true)?;
        for (user, remedy) in [("", "put the login"), ("lab:not-the-one@", "correct the login")] {
            let url = proxy.url(user);
            let check = gateway.check(&[("HTTPS_PROXY", url.clone())])?;
            assert_eq!(codes(&check).first(), Some(&"HD208"), "{state:?}: {check:#}");
            let first = &check["findings"][0];
            assert!(message(first).contains(" 40"), "{state:?}: {first:#}");
            if state == State::SquidWithLogin {
                let text = first["remedy"]["text"].as_str().unwrap_or_default();
                assert!(text.starts_with(remedy), "{text}");
            }
            let printed = check.to_string();
            assert!(
                !printed.contains("not-the-one") && !printed.contains("bGFiOm5vd"),
                "{printed}"
            );
            gateway.agent(&check, &url);
        }
        let check = gateway.check(&[("HTTPS_PROXY", proxy.url("lab:right@"))])?;
        assert_eq!(codes(&check), [""; 0], "{state:?}: {check:#}");
        assert_eq!(endpoints(&check)[0]["via"]["credentials"], true, "{check:#}");
    }
    Ok(())
}

#[test]
fn a_port_that_is_forbidden_is_named_and_that_it_works_past_the_proxy() -> io::Result<()> {
    for state in [State::Squid443Only, State::Tinyproxy443Only] {
        let Some(proxy) = Proxy::start(state)? else { continue };
        let gateway = Gateway::start(true)?;
        let check = gateway.check(&[("HTTPS_PROXY", proxy.url(""))])?;
        assert_eq!(codes(&check), ["HD208", "HD211"], "{state:?}: {check:#}");
        assert!(message(&check["findings"][0]).contains(": 403 "), "{check:#}");
        let split = check["findings"].as_array().and_then(|findings| findings.last());
        assert_eq!(
            split.map(|split| &split["because_of"]),
            Some(&Value::from("HD208")),
            "{check:#}"
        );
        gateway.agent(&check, &proxy.url(""));
        // What the remedy says is what helps.
        let past = gateway.check(&[("HTTPS_PROXY", proxy.url("")), ("NO_PROXY", "LOCALHOST".to_owned())])?;
        assert_eq!(codes(&past), [""; 0], "{state:?}: {past:#}");
    }
    Ok(())
}

#[test]
fn a_gateway_that_the_proxy_cant_reach_is_no_fault_of_the_way_to_it() -> io::Result<()> {
    for (state, status) in [(State::SquidOpen, ": 503 "), (State::TinyproxyOpen, ": 500 ")] {
        let Some(proxy) = Proxy::start(state)? else { continue };
        let gateway = Gateway::start(true)?;
        let dead = Port::reserve()?;
        let gateway = Gateway {
            grpc_port: dead.number(),
            rest_port: dead.number(),
            ..gateway
        };
        let check = gateway.check(&[("HTTPS_PROXY", proxy.url(""))])?;
        assert_eq!(codes(&check), ["HD208"], "{state:?}: {check:#}");
        assert!(message(&check["findings"][0]).contains(status), "{state:?}: {check:#}");
        gateway.agent(&check, &proxy.url(""));
    }
    Ok(())
}

#[test]
fn a_proxy_that_isnt_there_is_told_from_a_gateway_that_isnt() -> io::Result<()> {
    let gateway = Gateway::start(true)?;
    let dead = Port::reserve()?;
    let url = format!("http://{}", dead.address());
    let check = gateway.check(&[("HTTPS_PROXY", url.clone())])?;
    assert_eq!(codes(&check), ["HD209", "HD211"], "{check:#}");
    gateway.agent(&check, &url);
    Ok(())
}

/// The stand-in's own TLS port: what it says to a plain CONNECT is no HTTP.
#[test]
fn a_proxy_that_expects_tls_is_told_by_what_it_answers() -> io::Result<()> {
    let gateway = Gateway::start(true)?;
    let url = format!("https://127.0.0.1:{}", gateway.grpc_port);
    let check = gateway.check(&[("HTTPS_PROXY", url.clone())])?;
    assert_eq!(codes(&check).first(), Some(&"HD210"), "{check:#}");
    gateway.agent(&check, &url);
    Ok(())
}

/// In the order of the report; what is said of REST as well is here once.
fn codes(check: &Value) -> Vec<&str> {
    let findings = check["findings"].as_array().into_iter().flatten();
    let mut codes: Vec<&str> = findings.filter_map(|finding| finding["code"].as_str()).collect();
    codes.dedup();
    codes
}

fn endpoints(check: &Value) -> &[Value] {
    check["endpoints"].as_array().map_or(&[], Vec::as_slice)
}

fn message(finding: &Value) -> &str {
    finding["message"].as_str().unwrap_or_default()
}

/// A stand-in without a fault.
struct Gateway {
    home: TempDir,
    ca: Option<(PathBuf, String)>,
    grpc_port: u16,
    rest_port: u16,
    _running: (Runtime, StandIn),
}

impl Gateway {
    fn start(tls: bool) -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let options = Options {
            tls: tls.then(|| Tls::generated(&["localhost", "127.0.0.1"]).0),
            ..Options::default()
        };
        let stand_in = runtime.block_on(start(options))?;
        let ca = stand_in
            .urls()
            .ca_pem
            .clone()
            .map(|pem| (home.path().join("ca.pem"), pem));
        if let Some((file, pem)) = &ca {
            fs::write(file, pem)?;
        }
        Ok(Self {
            home,
            ca,
            grpc_port: stand_in.grpc_addr().port(),
            rest_port: stand_in.rest_addr().port(),
            _running: (runtime, stand_in),
        })
    }

    fn grpc_url(&self) -> String {
        let scheme = if self.ca.is_some() { "grpcs" } else { "grpc" };
        format!("{scheme}://LOCALHOST:{}", self.grpc_port)
    }

    fn check(&self, variables: &[(&str, String)]) -> io::Result<Value> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
        let rest = if self.ca.is_some() { "https" } else { "http" };
        command
            .args(["check", "-o", "json", "--as", "agent"])
            .arg(format!("--grpc-url={}", self.grpc_url()))
            .arg(format!("--api-url={rest}://LOCALHOST:{}", self.rest_port))
            .env_clear()
            .env("HOME", self.home.path())
            .envs(variables.iter().map(|(name, value)| (*name, value)));
        if let Some((file, _)) = &self.ca {
            command.arg("--ca").arg(file);
        }
        let output = command.output()?;
        serde_json::from_slice(&output.stdout).map_err(io::Error::other)
    }

    /// A real agent behind the same proxy logs what the first finding says.
    #[track_caller]
    fn agent(&self, check: &Value, proxy: &str) {
        let agent = Agent::told(&self.grpc_url(), self.ca.as_ref().map(|(_, pem)| pem.as_str()));
        let report = crate::lab::doctor::Report::of(check.clone());
        if let Err(why) = agent.behind(proxy).agrees_with(&report) {
            panic!("{why}");
        }
    }
}

/// A forward proxy on a port of its own.
struct Proxy {
    port: Port,
    _process: Process,
    _folder: TempDir,
}

impl Proxy {
    /// `None`, said aloud, where it isn't installed, which is a failure in CI.
    fn start(state: State) -> io::Result<Option<Self>> {
        let (folder, port) = (tempfile::tempdir()?, Port::reserve()?);
        let file = folder.path().join("proxy.conf");
        fs::write(&file, configuration(state, folder.path(), port.number())?)?;
        let is_squid = matches!(state, State::SquidOpen | State::SquidWithLogin | State::Squid443Only);
        let mut command = match is_squid {
            true => Command::new("/usr/sbin/squid"),
            false => Command::new("tinyproxy"),
        };
        match is_squid {
            // Each needs a name of its own, because they share memory by it.
            true => command.args(["-N", "-n", &format!("lab{}", port.number()), "-f"]),
            false => command.args(["-d", "-c"]),
        };
        command.arg(&file);
        let mut process = match Process::spawn(command) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && env::var_os("CI").is_none() => {
                say(&format!("not run, not installed: {state:?}"));
                return Ok(None);
            }
            spawned => spawned?,
        };
        let started = Instant::now();
        while TcpStream::connect(port.address()).is_err() {
            if let Some(output) = process.ended_within(Duration::from_millis(20)) {
                return Err(io::Error::other(format!("{state:?}: {:?}", output?)));
            }
            assert!(started.elapsed() < PATIENCE, "{state:?} doesn't listen");
        }
        Ok(Some(Self {
            port,
            _process: process,
            _folder: folder,
        }))
    }

    fn url(&self, user: &str) -> String {
        format!("http://{user}{}", self.port.address())
    }
}

fn configuration(state: State, folder: &Path, port: u16) -> io::Result<String> {
    let squid = |rules: &str| {
        format!(
            "http_port 127.0.0.1:{port}\npid_filename none\naccess_log none\ncache_log /dev/null\ncache_store_log none\n\
             cache deny all\ncache_mem 0\nshutdown_lifetime 0 seconds\nmax_filedescriptors 1024\npinger_enable off\n{rules}\n"
        )
    };
    let tinyproxy = |rules: &str| format!("Port {port}\nListen 127.0.0.1\nTimeout 10\nAllow 127.0.0.1\n{rules}\n");
    Ok(match state {
        State::SquidOpen => squid("http_access allow all"),
        State::SquidWithLogin => {
            let helper = folder.join("login");
            fs::write(&helper, LOGIN)?;
            make_public(folder, 0o755)?;
            make_public(&helper, 0o755)?;
            squid(&format!(
                "auth_param basic program /bin/sh {}\nauth_param basic realm lab\nacl known proxy_auth REQUIRED\n\
                 http_access allow known\nhttp_access deny all",
                helper.display()
            ))
        }
        State::Squid443Only => squid("acl allowed port 443\nhttp_access deny CONNECT !allowed\nhttp_access allow all"),
        State::TinyproxyOpen => tinyproxy(""),
        State::TinyproxyWithLogin => tinyproxy("BasicAuth lab right"),
        State::Tinyproxy443Only => tinyproxy("ConnectPort 443"),
    })
}

/// Squid's helpers run as a user of their own.
fn make_public(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

const LOGIN: &str =
    "while read -r user password; do if [ \"$user $password\" = 'lab right' ]; then echo OK; else echo ERR; fi; done\n";

const PATIENCE: Duration = Duration::from_secs(20);
