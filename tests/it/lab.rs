//! Real proxies in the tests: a healthy stand-in gateway, certificates with one fault each, and the proxy
//! configurations of `tests/lab` rendered and served on loopback.
//!
//! Nothing here knows what a configuration should lead to; that is `expect.tsv`, read by [`scenario`].

pub(crate) mod certificates;
pub(crate) mod doctor;
pub(crate) mod gateway;
pub(crate) mod port;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod scenario;
mod self_test;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;

use certificates::Certificates;
use gateway::Gateway;
use port::{Port, SilentListener, SshListener};

/// Everything that a configuration's placeholders stand for, alive for as long as this value.
pub(crate) struct Lab {
    certificates: Certificates,
    gateway: Gateway,
    dead: Port,
    silent: SilentListener,
    ssh: SshListener,
    runs: AtomicU32,
    // Last, so that it goes when nothing writes into it any more.
    scratch: TempDir,
}

impl Lab {
    /// Makes the certificates and starts the gateway.
    pub(crate) fn start() -> io::Result<Self> {
        let scratch = TempDir::with_prefix("hoop-doctor-lab-")?;
        // A proxy that is started as root works as another user, which has to get to its own folder below.
        open_to_everyone(scratch.path())?;
        let certificates = Certificates::write_to(&scratch.path().join("certificates"))?;
        Ok(Self {
            gateway: Gateway::start(&certificates)?,
            certificates,
            dead: Port::reserve()?,
            silent: SilentListener::bind()?,
            ssh: SshListener::bind()?,
            runs: AtomicU32::new(0),
            scratch,
        })
    }

    /// The root certificate, the only one that a client in the lab trusts.
    pub(crate) fn ca(&self) -> &Path {
        self.certificates.ca()
    }

    /// The gateway behind the proxies.
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Chain and key without a fault.
    pub(crate) fn certificates(&self) -> (PathBuf, PathBuf) {
        self.certificates.healthy()
    }

    /// The ports behind the proxies: gRPC, REST, gRPC with TLS, dead, silent, SSH.
    pub(crate) fn ports(&self) -> [u16; 6] {
        [
            self.gateway.grpc().port(),
            self.gateway.rest().port(),
            self.gateway.grpc_tls().port(),
            self.dead.number(),
            self.silent.port(),
            self.ssh.port(),
        ]
    }

    /// A new empty folder that any user may write to.
    pub(crate) fn fresh_folder(&self) -> io::Result<PathBuf> {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let folder = self.scratch.path().join(format!("run-{number}"));
        fs::create_dir(&folder)?;
        open_to_everyone(&folder)?;
        Ok(folder)
    }

    /// `configuration` with every placeholder of the lab filled in, except those that belong to one proxy's run.
    fn render(&self, configuration: &str) -> String {
        let mut text = configuration.to_owned();
        for (name, port) in [
            ("@GRPC_PORT@", self.gateway.grpc().port()),
            ("@REST_PORT@", self.gateway.rest().port()),
            ("@GRPC_TLS_PORT@", self.gateway.grpc_tls().port()),
            ("@DEAD_PORT@", self.dead.number()),
            ("@SILENT_PORT@", self.silent.port()),
            ("@SSH_PORT@", self.ssh.port()),
        ] {
            text = text.replace(name, &port.to_string());
        }
        for (name, path) in self.certificates.placeholders() {
            text = text.replace(&name, &path.display().to_string());
        }
        text
    }
}

/// Does `work` for each of `all`, a few at a time: most of a scenario is waiting for processes. The results keep the order.
pub(crate) fn few_at_a_time<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take_turns = || {
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(index) else {
                return results;
            };
            results.push((index, work(one)));
        }
    };
    let mut results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(take_turns)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Few enough that two cores still answer every probe in its time.
const AT_A_TIME: usize = 4;

/// The root of the repository: where `tests/lab` and `.lab` are.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of configurations that the lab serves.
pub(crate) fn configurations() -> PathBuf {
    repository().join("tests/lab")
}

/// Tells what a test found out, or did not do, even where the test passes: what `eprintln!` prints is kept back then.
pub(crate) fn say(text: &str) {
    // Whoever closed the other end doesn't want to know.
    let _ = writeln!(io::stderr(), "{text}");
}

fn open_to_everyone(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777))
}
