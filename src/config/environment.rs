//! What discovery starts from: the variables, two folders and the clock as plain data, and what the user asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use super::Rule;
use crate::secret::redact_url;

/// The process environment as far as Hoop reads it. Values may be secrets, so `Debug` shows the names alone.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    /// What Go calls the home folder: `HOME`, or `USERPROFILE` on Windows. `None` where it is unset or empty.
    pub home: Option<PathBuf>,
    /// Where relative `file://` paths start.
    pub directory: PathBuf,
    /// The clock that decides whether a token has expired.
    pub now: SystemTime,
}

impl Environment {
    /// An environment made of these variables alone, as a test or a replay needs it.
    pub fn new<N, V>(variables: impl IntoIterator<Item = (N, V)>, directory: PathBuf, now: SystemTime) -> Self
    where
        N: Into<String>,
        V: Into<OsString>,
    {
        let variables: BTreeMap<_, _> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let home = variables.get(HOME).filter(|home| !home.is_empty()).map(PathBuf::from);
        Self {
            variables,
            home,
            directory,
            now,
        }
    }

    /// The variables of this process that Hoop knows, and those in `also`; others are never copied.
    pub fn of_process(also: &[&str], now: SystemTime) -> Self {
        let wanted = |name: &str| name == HOME || NAMES.contains(&name) || also.contains(&name);
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| wanted(name));
        Self::new(variables, std::env::current_dir().unwrap_or_default(), now)
    }

    /// The value of a variable, `None` where it is unset or empty: Hoop makes no difference.
    ///
    /// What isn't UTF-8 comes with replacement characters, which Hoop's parsers refuse as they do the bytes.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.variables
            .get(name)
            .filter(|value| !value.is_empty())
            .map(|value| value.to_string_lossy())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("home", &self.home)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// What the command line says about the configuration. Empty: everything that can be found is read.
#[derive(Clone, Default)]
pub struct Asked {
    /// `--as`: only the agent, or only the client; with URLs, whose rule for schemes applies.
    pub rule: Option<Rule>,
    /// `--grpc-url`: with it or `api_url`, only the flags are read.
    pub grpc_url: Option<String>,
    /// `--api-url`.
    pub api_url: Option<String>,
    /// `--ca`: a PEM file in the place of any other CA.
    pub ca: Option<PathBuf>,
    /// `--server-name`: in the place of `HOOP_TLSSERVERNAME`.
    pub server_name: Option<String>,
    /// `--skip-tls-verify`: for gRPC and REST.
    pub skip_tls_verify: bool,
    /// `--config`: in the place of `~/.hoop/config.toml`, and before the variables.
    pub config: Option<PathBuf>,
    /// Where the credential comes from: the agent's key, or the token beside URLs or of the client.
    pub key: Option<KeyFrom>,
}

impl fmt::Debug for Asked {
    /// A URL may hold a password, whoever puts one there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |url: &Option<String>| url.as_deref().map(redact_url);
        f.debug_struct("Asked")
            .field("rule", &self.rule)
            .field("grpc_url", &shown(&self.grpc_url))
            .field("api_url", &shown(&self.api_url))
            .field("ca", &self.ca)
            .field("server_name", &self.server_name)
            .field("skip_tls_verify", &self.skip_tls_verify)
            .field("config", &self.config)
            .field("key", &self.key)
            .finish()
    }
}

/// Where the command line says that the credential is; it never is an argument itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFrom {
    /// `--key-env`.
    Variable(String),
    /// `--key-file`; one line end at its end doesn't count.
    File(PathBuf),
}

const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// Everything that Hoop, Go's HTTP client and grpc-go read.
pub(crate) const NAMES: &[&str] = &[
    "HOOP_APIURL",
    "HOOP_DSN",
    "HOOP_GATEWAY_URL",
    "HOOP_GRPCURL",
    "HOOP_GRPC_INSECURE",
    "HOOP_KEY",
    "HOOP_SPIFFE_KEY_FILE",
    "HOOP_SPIFFE_NAME",
    "HOOP_TLSCA",
    "HOOP_TLSSERVERNAME",
    "HOOP_TLS_SKIP_VERIFY",
    "HOOP_TOKEN",
    "TOKEN",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "REQUEST_METHOD",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];
