//! The configuration exactly as Hoop's own agent and client read it, each value with the place it came from.
//!
//! [`discover`] reads variables and files and judges neither the network nor how bad a problem is. It creates
//! nothing, where Hoop would create `~/.hoop/config.toml`. Whoever Hoop would start as is an [`Identity`]; what is
//! set but not read is only named.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::secret::{Secret, redact_url};

mod address;
mod agent;
mod api_url;
mod ca;
mod client;
pub(crate) mod environment;
mod fault;
pub(crate) mod file;
mod flags;
mod forward;
mod hosts;
mod lossy;
mod problem;
mod source;
mod token;

pub use address::{GrpcAddress, Security, TlsBecause, TlsChoice, as_client};
pub use api_url::{ApiUrl, HttpScheme};
pub use ca::Ca;
pub use environment::{Asked, Environment, KeyFrom};
pub use fault::{
    AddressFault, ApiUrlFault, CaFault, Deprecated, FileFault, IoRefusal, KeyFault, KeyLooks, PortFault, TokenFault,
};
pub use forward::{Detour, Speech, Via};
pub use problem::{Problem, ProblemKind};
pub use source::{Place, Position, Setting, Source};
pub use token::{Token, TokenKind};

/// Everything that was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Discovery {
    /// Whoever Hoop would start as, agent first. Empty where nothing names a gateway.
    pub identities: Vec<Identity>,
    /// The client's last resort, only where `identities` is empty and a client was looked for.
    ///
    /// Hoop uses it if 127.0.0.1:8010 takes a TCP connection within 5 seconds. If it doesn't, and there are no
    /// `identities`, no configuration was found (HD001).
    pub fallback: Option<Identity>,
    /// Who was looked for and not found; displays as what Hoop prints.
    pub absent: Vec<Absent>,
    /// What belongs to no identity.
    pub problems: Vec<Problem>,
    /// Set, but not read because something else is.
    pub shadowed: Vec<Shadowed>,
}

/// Who has no configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// No variable of an agent is set.
    Agent,
    /// Neither variables nor file name a gateway for a client.
    Client,
}

impl fmt::Display for Absent {
    /// What Hoop prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "missing HOOP_KEY environment variable",
            Self::Client => "unable to locate configuration file",
        })
    }
}

/// A source of credentials or addresses that another one hides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadowed {
    /// What isn't read.
    pub what: Source,
    /// What is read in its place.
    pub by: Source,
}

/// Someone who would connect to a gateway: how, where and with what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// Who it is.
    pub role: Role,
    /// Whose rule for schemes applies; differs from `role` only for flags.
    pub rule: Rule,
    /// How the configuration is given.
    pub mode: Mode,
    /// Where what names the gateway comes from.
    pub source: Source,
    /// The agent's name in its key, hidden where it looks like a part of the secret.
    pub agent_name: Option<String>,
    /// An agent that calls `PreConnect` in a loop instead of keeping a stream.
    pub embedded: bool,
    /// Whether gRPC goes by TLS; `None` where the configuration is too broken to say.
    pub tls: Option<TlsChoice>,
    /// What is dialled for gRPC; `None` where nothing can be, and a problem says why.
    pub grpc: Option<GrpcAddress>,
    /// What is asked over REST; `None` for an agent, and where nothing can be.
    pub api: Option<ApiUrl>,
    /// `HOOP_GATEWAY_URL`, which an agent's RDP side connects to by WebSocket.
    pub gateway_url: Option<ApiUrl>,
    /// The forward proxy on the way to gRPC; `None` where it is dialled directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_detour: Option<Detour>,
    /// The forward proxy on the way to the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest_detour: Option<Detour>,
    /// What certificates are checked against.
    pub ca: Ca,
    /// Whether certificates are checked on gRPC.
    pub verify_grpc: bool,
    /// Whether they are for the API. The client's file can't switch that off.
    pub verify_rest: bool,
    /// SNI, verified name and authority of gRPC, in the place of the dialled host.
    pub server_name: Option<String>,
    /// The credential.
    pub token: Option<Token>,
    /// Everything that was set, in the order in which Hoop reads it.
    pub settings: Vec<Setting>,
    /// What is wrong with any of it.
    pub problems: Vec<Problem>,
}

/// Who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// `hoop start agent`.
    Agent,
    /// The `hoop` command line.
    Client,
    /// Whoever the command line of this program describes.
    Flags,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "agent",
            Self::Client => "client",
            Self::Flags => "flags",
        })
    }
}

/// Whose reading of a scheme applies: they are opposites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// TLS only for the schemes that it knows.
    Agent,
    /// Plaintext only for the schemes that it knows.
    Client,
}

/// How a configuration is given, by Hoop's own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The client's three variables.
    Env,
    /// `config.toml`.
    ConfigFile,
    /// The client's last resort, this machine.
    Local,
    /// The agent's key.
    Dsn,
    /// The agent's SPIFFE identity.
    Svid,
    /// The agent's token and address in variables, deprecated.
    LegacyToken,
    /// The command line of this program.
    Flags,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            // Hoop calls both so.
            Self::Env | Self::LegacyToken => "env",
            Self::ConfigFile => "configfile",
            Self::Local => "local",
            Self::Dsn => "dsn",
            Self::Svid => "svid",
            Self::Flags => "flags",
        })
    }
}

/// Something named on the command line of this program that can't be used: an error of usage, not a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedError {
    /// `--key-env` names a variable that is unset or empty.
    KeyVariable(String),
    /// `--key-file` can't be read.
    KeyFile(PathBuf, FileFault),
    /// `--key-file` holds no text.
    KeyFileEmpty(PathBuf),
    /// `--ca` can't be used.
    Ca(PathBuf, CaFault),
    /// `--config` can't be read. One with mistakes in it is a finding.
    Config(PathBuf, FileFault),
}

impl fmt::Display for AskedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyVariable(name) => write!(f, "the variable {name} is not set"),
            Self::KeyFile(path, fault) => write!(f, "reading the key file {}: {fault}", path.display()),
            Self::KeyFileEmpty(path) => write!(f, "the key file {} is empty", path.display()),
            Self::Ca(path, CaFault::File(fault)) => write!(f, "reading the CA {}: {fault}", path.display()),
            Self::Ca(path, _) => write!(f, "no certificate in the CA {}", path.display()),
            Self::Config(path, fault) => write!(f, "reading the configuration {}: {fault}", path.display()),
        }
    }
}

impl std::error::Error for AskedError {}

/// Finds every identity that Hoop would have here, or the one that the command line describes.
pub fn discover(env: &Environment, asked: &Asked) -> Result<Discovery, AskedError> {
    let overrides = flags::overrides(env, asked)?;
    let mut found = Discovery {
        identities: Vec::new(),
        fallback: None,
        absent: Vec::new(),
        problems: Vec::new(),
        shadowed: Vec::new(),
    };
    found.problems.extend(overrides.exposed());
    if asked.grpc_url.is_some() || asked.api_url.is_some() {
        let mut identity = flags::identity(env, asked, &overrides);
        forward::apply(env, &mut identity);
        found.identities.push(identity);
        return Ok(found);
    }
    // A key that was named explicitly is an agent's unless the client was asked for.
    let wanted = asked.rule.or(overrides.key.as_ref().map(|_| Rule::Agent));
    if wanted != Some(Rule::Client) {
        agent::discover(env, overrides.key.as_ref(), &mut found);
    }
    if wanted != Some(Rule::Agent) {
        client::discover(env, asked, overrides.key.as_ref(), &mut found)?;
    }
    for identity in found.identities.iter_mut().chain(&mut found.fallback) {
        flags::apply(&overrides, identity);
        forward::apply(env, identity);
    }
    hosts::compare(&mut found.identities);
    Ok(found)
}

impl Identity {
    fn new(role: Role, mode: Mode, source: Source) -> Self {
        Self {
            role,
            rule: if role == Role::Agent { Rule::Agent } else { Rule::Client },
            mode,
            source,
            agent_name: None,
            embedded: false,
            tls: None,
            grpc: None,
            api: None,
            gateway_url: None,
            grpc_detour: None,
            rest_detour: None,
            ca: Ca::System,
            verify_grpc: true,
            verify_rest: true,
            server_name: None,
            token: None,
            settings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Whether gRPC goes by TLS, as far as the configuration says.
    pub fn speaks_tls(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.security == Security::Tls)
    }

    fn problem(&mut self, kind: ProblemKind, source: &Source) {
        self.problems.push(Problem {
            kind,
            source: source.clone(),
        });
    }

    fn setting(&mut self, name: impl Into<String>, value: impl Into<String>, source: &Source) {
        let (name, value, source) = (name.into(), value.into(), source.clone());
        self.settings.push(Setting {
            name,
            value,
            source,
            shadowed_by: None,
        });
    }

    fn set_address(&mut self, name: &str, value: &source::Value) {
        self.setting(name, redact_url(&value.text), &value.source);
    }

    fn set_secret(&mut self, name: &str, value: &source::Value) {
        self.setting(name, Secret::new(value.text.clone()).to_string(), &value.source);
    }

    fn set_grpc(&mut self, value: &source::Value) {
        match address::grpc_address(value) {
            Ok(grpc) => self.grpc = Some(grpc),
            Err(kind) => self.problem(kind, &value.source),
        }
    }

    fn set_api(&mut self, value: &source::Value) {
        let (api, problem) = api_url::read(value);
        self.api = api;
        if let Some(kind) = problem {
            self.problem(kind, &value.source);
        }
    }

    fn set_ca(&mut self, read: ca::Read, source: &Source) {
        self.ca = read.ca;
        if let Some(fault) = read.fault {
            self.problem(ProblemKind::CaUnreadable(fault), source);
        }
    }

    fn set_bearer(&mut self, value: &source::Value, env: &Environment) {
        let (token, problem) = Token::bearer(value, env.now);
        self.token = Some(token);
        if let Some(kind) = problem {
            self.problem(kind, &value.source);
        }
    }

    /// Says that certificates go unchecked, where there are any.
    fn note_unverified(&mut self, source: &Source) {
        let grpc = !self.verify_grpc && self.speaks_tls();
        let https = self.api.as_ref().is_some_and(|api| api.scheme == HttpScheme::Https);
        let rest = !self.verify_rest && https;
        if grpc || rest {
            self.problem(ProblemKind::VerificationDisabled { grpc, rest }, source);
        }
        if grpc && https && self.verify_rest {
            self.problem(ProblemKind::SkipVerifyPartial, source);
        }
    }
}

#[cfg(test)]
mod tests;
