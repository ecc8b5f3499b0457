//! The agent: `HOOP_KEY`, `HOOP_DSN`, a SPIFFE identity or a token, in this order. A broken one ends the search.

use std::path::Path;

use super::address::{LOCAL, Security, TlsBecause, TlsChoice, key_tls, unknown_scheme, written_scheme};
use super::api_url;
use super::ca;
use super::environment::Environment;
use super::fault::{Deprecated, KeyFault, KeyLooks};
use super::file::read_bounded;
use super::problem::{Problem, ProblemKind};
use super::source::{Setting, Source, Value};
use super::token::Token;
use super::{Absent, Discovery, Identity, Mode, Role, Shadowed};
use crate::gourl::{Url, parse_key};
use crate::secret::{redact_key, redact_name};

/// Adds the agent that would start here, `key` in the place of `HOOP_KEY`.
pub(super) fn discover(env: &Environment, key: Option<&Value>, found: &mut Discovery) {
    let variable = |name: &str| {
        env.get(name).map(|text| Value {
            text: text.into_owned(),
            source: Source::variable(name),
        })
    };
    let address = variable("HOOP_GRPCURL");
    // Both together are an agent's; with HOOP_APIURL the second is one of the client's three.
    let legacy = address.as_ref().and_then(|_| {
        let client = env.get("HOOP_APIURL").is_some();
        variable("TOKEN").map(|value| ("TOKEN", value)).or_else(|| {
            variable("HOOP_TOKEN")
                .filter(|_| !client)
                .map(|value| ("HOOP_TOKEN", value))
        })
    });
    let key = key.cloned().or_else(|| variable("HOOP_KEY"));
    let dsn = variable("HOOP_DSN");
    let spiffe = variable("HOOP_SPIFFE_KEY_FILE");

    // What a lower place has loses only to what is really set above it.
    let mut hidden: Vec<(String, Value)> = Vec::new();
    let mut hide = |name: &str, value: &Option<Value>| {
        hidden.extend(value.iter().map(|value| (name.to_owned(), value.clone())));
    };
    let shared_with_client = legacy.as_ref().is_some_and(|(name, _)| *name == "HOOP_TOKEN");
    let own_token = legacy
        .as_ref()
        .filter(|_| !shared_with_client)
        .map(|(_, value)| value.clone());
    let mut identity = if let Some(key) = key {
        hide("HOOP_DSN", &dsn);
        hide("HOOP_SPIFFE_KEY_FILE", &spiffe);
        hide("TOKEN", &own_token);
        let name = match &key.source {
            Source::Variable(name) => name.clone(),
            Source::File(_) | Source::Flag(_) | Source::Default => "HOOP_KEY".to_owned(),
        };
        from_key(&name, &key)
    } else if let Some(dsn) = dsn {
        hide("HOOP_SPIFFE_KEY_FILE", &spiffe);
        hide("TOKEN", &own_token);
        let mut identity = from_key("HOOP_DSN", &dsn);
        identity.problem(ProblemKind::CredentialsDeprecated(Deprecated::HoopDsn), &dsn.source);
        identity
    } else if let Some(file) = spiffe {
        hide("TOKEN", &own_token);
        from_spiffe(env, &file, address.as_ref())
    } else if let (Some((name, token)), Some(address)) = (legacy, address) {
        let other = variable("HOOP_TOKEN").filter(|other| name == "TOKEN" && other.text != token.text);
        hide("HOOP_TOKEN", &other);
        from_token(env, name, &token, &address)
    } else {
        found.absent.push(Absent::Agent);
        return;
    };
    add_common(env, &mut identity);
    let winner = identity.source.clone();
    for (name, value) in &hidden {
        let shown = if name == "HOOP_SPIFFE_KEY_FILE" {
            value.text.clone()
        } else {
            redact_key(&value.text)
        };
        identity.settings.push(Setting {
            name: name.clone(),
            value: shown,
            source: value.source.clone(),
            shadowed_by: Some(winner.clone()),
        });
        found.shadowed.push(Shadowed {
            what: value.source.clone(),
            by: winner.clone(),
        });
    }
    if !hidden.is_empty() {
        let ignored = hidden.into_iter().map(|(_, value)| value.source).collect();
        let kind = ProblemKind::CredentialsShadowed {
            winner: winner.clone(),
            ignored,
        };
        found.problems.push(Problem { kind, source: winner });
    }
    found.identities.push(identity);
}

/// Hoop's `dsnkeys.Parse` and what the agent makes of it.
fn from_key(name: &str, key: &Value) -> Identity {
    let mut identity = Identity::new(Role::Agent, Mode::Dsn, key.source.clone());
    identity.setting(name, redact_key(&key.text), &key.source);
    let name = name.to_owned();
    let url = match parse_key(&key.text) {
        Ok(url) => url,
        Err(error) => {
            identity.problem(
                ProblemKind::KeyUnreadable {
                    name,
                    fault: KeyFault::Parse(error),
                },
                &key.source,
            );
            return identity;
        }
    };
    let with_path = url.path.len() == PATH_WITH_HASH;
    let password = url
        .user
        .as_ref()
        .and_then(|user| user.password.as_deref())
        .unwrap_or_default();
    if with_path {
        identity.problem(ProblemKind::CredentialsDeprecated(Deprecated::KeyWithPath), &key.source);
    } else if password.is_empty() {
        identity.problem(
            ProblemKind::KeySecretMissing {
                name,
                looks: looks(&key.text, &url),
            },
            &key.source,
        );
        return identity;
    }
    identity.embedded = with_path || url.query_value("mode").as_deref() == Some(b"embedded");
    let user = url.user.as_ref().filter(|_| !with_path);
    identity.agent_name = user.map(|user| redact_name(&String::from_utf8_lossy(&user.name)));
    identity.tls = Some(key_tls(&url.scheme));
    if let Some(kind) = unknown_scheme(&key.text) {
        identity.problem(kind, &key.source);
    }
    let host = String::from_utf8_lossy(&url.host).into_owned();
    identity.set_grpc(&Value {
        text: host,
        source: key.source.clone(),
    });
    identity.token = Some(Token::key(key));
    identity
}

/// What someone pasted in the place of a key.
fn looks(text: &str, url: &Url<'_>) -> KeyLooks {
    match &url.user {
        Some(_) => KeyLooks::WithoutPassword,
        None if !text.contains("//") && text.contains('@') => KeyLooks::WithoutScheme,
        None if !url.host.is_empty() => KeyLooks::WithoutUser,
        None if !text.contains([':', '/']) => KeyLooks::BareToken,
        None => KeyLooks::Other,
    }
}

fn from_spiffe(env: &Environment, file: &Value, address: Option<&Value>) -> Identity {
    let mut identity = Identity::new(Role::Agent, Mode::Svid, file.source.clone());
    identity.setting("HOOP_SPIFFE_KEY_FILE", file.text.clone(), &file.source);
    if let Some(name) = env.get("HOOP_SPIFFE_NAME") {
        identity.setting("HOOP_SPIFFE_NAME", name.clone(), &Source::variable("HOOP_SPIFFE_NAME"));
        identity.agent_name = Some(name.into_owned());
    }
    match address {
        Some(address) => {
            let insecure = Source::variable("HOOP_GRPC_INSECURE");
            let value = env.get("HOOP_GRPC_INSECURE");
            let because = match value.as_deref() {
                _ if address.text == LOCAL => TlsBecause::AgentLoopback,
                Some("true") => TlsBecause::AgentInsecure,
                _ => TlsBecause::AgentAlways,
            };
            if let Some(value) = value {
                identity.setting("HOOP_GRPC_INSECURE", value, &insecure);
            }
            set_plain_address(&mut identity, address, because);
        }
        None => identity.problem(ProblemKind::GrpcUrlMissing { mode: Mode::Svid }, &file.source),
    }
    let path = env.directory.join(&file.text);
    match spiffe_token(Path::new(&file.text), &path) {
        Ok(text) => {
            let source = Source::file(&path);
            identity.set_bearer(&Value { text, source }, env);
        }
        Err(fault) => {
            let name = "HOOP_SPIFFE_KEY_FILE".to_owned();
            identity.problem(ProblemKind::KeyUnreadable { name, fault }, &file.source);
        }
    }
    identity
}

/// The JWT in a SPIFFE file, white space around it trimmed as Hoop does.
fn spiffe_token(named: &Path, path: &Path) -> Result<String, KeyFault> {
    let named = named.to_owned();
    let bytes = match read_bounded(path) {
        Ok(bytes) => bytes,
        Err(fault) => return Err(KeyFault::SpiffeFile { path: named, fault }),
    };
    let text = String::from_utf8_lossy(&bytes);
    let token = text.trim();
    if token.is_empty() {
        return Err(KeyFault::SpiffeEmpty(named));
    }
    if token.split('.').count() != 3 {
        return Err(KeyFault::SpiffeNotJwt(named));
    }
    Ok(token.to_owned())
}

fn from_token(env: &Environment, name: &str, token: &Value, address: &Value) -> Identity {
    let mut identity = Identity::new(Role::Agent, Mode::LegacyToken, token.source.clone());
    identity.set_secret(name, token);
    identity.problem(ProblemKind::CredentialsDeprecated(Deprecated::Token), &token.source);
    let because = if address.text == LOCAL {
        TlsBecause::AgentLoopback
    } else {
        TlsBecause::AgentAlways
    };
    set_plain_address(&mut identity, address, because);
    identity.set_bearer(token, env);
    identity
}

/// `HOOP_GRPCURL` for an agent that doesn't look at its scheme.
fn set_plain_address(identity: &mut Identity, address: &Value, because: TlsBecause) {
    identity.set_address("HOOP_GRPCURL", address);
    let does = match because {
        TlsBecause::AgentLoopback | TlsBecause::AgentInsecure => Security::Plaintext,
        _ => Security::Tls,
    };
    identity.tls = Some(TlsChoice {
        security: does,
        because,
    });
    identity.set_grpc(address);
    let scheme = written_scheme(&address.text).unwrap_or_default().to_ascii_lowercase();
    let says = match &*scheme {
        "grpc" | "http" => Some(Security::Plaintext),
        "grpcs" | "https" | "wss" => Some(Security::Tls),
        _ => None,
    };
    if let Some(says) = says.filter(|&says| says != does) {
        identity.problem(ProblemKind::SchemeIgnored { scheme, says, does }, &address.source);
    }
}

/// What every agent reads, whoever it is.
fn add_common(env: &Environment, identity: &mut Identity) {
    if let Some(text) = env.get("HOOP_TLSCA").filter(|_| identity.mode != Mode::LegacyToken) {
        let value = Value {
            text: text.into_owned(),
            source: Source::variable("HOOP_TLSCA"),
        };
        let read = ca::from_variable(&value, &env.directory);
        identity.setting("HOOP_TLSCA", ca::shown(&value.text), &value.source);
        // A value that can't be loaded is fatal, one without certificates only where TLS is spoken.
        let matters = identity.speaks_tls() || !read.fault.as_ref().is_some_and(ca::only_hurts_tls);
        if matters {
            identity.set_ca(read, &value.source);
        }
    }
    if let Some(value) = env.get("HOOP_TLS_SKIP_VERIFY") {
        let source = Source::variable("HOOP_TLS_SKIP_VERIFY");
        identity.verify_grpc = value != "true";
        identity.setting("HOOP_TLS_SKIP_VERIFY", value, &source);
        identity.note_unverified(&source);
    }
    if let Some(name) = env.get("HOOP_TLSSERVERNAME") {
        identity.setting(
            "HOOP_TLSSERVERNAME",
            name.clone(),
            &Source::variable("HOOP_TLSSERVERNAME"),
        );
        identity.server_name = Some(name.into_owned());
    }
    if let Some(url) = env.get("HOOP_GATEWAY_URL") {
        let value = Value {
            text: url.into_owned(),
            source: Source::variable("HOOP_GATEWAY_URL"),
        };
        identity.set_address("HOOP_GATEWAY_URL", &value);
        identity.gateway_url = api_url::gateway_url(&value);
    }
}

/// A slash and the 64 digits of a SHA-256: the form of keys before they had a name.
const PATH_WITH_HASH: usize = 65;
