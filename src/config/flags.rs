//! The command line of this program: an identity of its own, and values that go before all others.

use super::address::{tls, unknown_scheme};
use super::ca::{self, Ca};
use super::environment::{Asked, Environment, KeyFrom};
use super::file::{exposed, read_bounded};
use super::problem::{Problem, ProblemKind};
use super::source::{Setting, Source, Value};
use super::{AskedError, Identity, Mode, Role, Rule};

/// What the command line puts in the place of variables and files.
pub(super) struct Overrides {
    ca: Option<(Ca, String)>,
    server_name: Option<String>,
    skip_verify: bool,
    /// The credential, with the variable or file that it was read from.
    pub(super) key: Option<Value>,
}

impl Overrides {
    /// A key file that others can read.
    pub(super) fn exposed(&self) -> Option<Problem> {
        let source = &self.key.as_ref()?.source;
        let Source::File(place) = source else { return None };
        let kind = ProblemKind::FileExposed {
            mode: exposed(&place.path)?,
        };
        Some(Problem {
            kind,
            source: source.clone(),
        })
    }
}

/// Reads what the command line names.
pub(super) fn overrides(env: &Environment, asked: &Asked) -> Result<Overrides, AskedError> {
    let ca = match &asked.ca {
        Some(path) => {
            let ca = ca::from_path(&env.directory.join(path), Source::flag("--ca"))
                .map_err(|fault| AskedError::Ca(path.clone(), fault))?;
            Some((ca, path.display().to_string()))
        }
        None => None,
    };
    let key = asked.key.as_ref().map(|from| key(env, from)).transpose()?;
    Ok(Overrides {
        ca,
        server_name: asked.server_name.clone(),
        skip_verify: asked.skip_tls_verify,
        key,
    })
}

fn key(env: &Environment, from: &KeyFrom) -> Result<Value, AskedError> {
    match from {
        KeyFrom::Variable(name) => {
            let text = env.get(name).ok_or_else(|| AskedError::KeyVariable(name.clone()))?;
            Ok(Value {
                text: text.into_owned(),
                source: Source::variable(name),
            })
        }
        KeyFrom::File(path) => {
            let path = env.directory.join(path);
            let bytes = read_bounded(&path).map_err(|fault| AskedError::KeyFile(path.clone(), fault))?;
            let text = String::from_utf8_lossy(&bytes);
            // An editor's line end at the end of the file is not part of the key; anything else is.
            let text = text
                .strip_suffix('\n')
                .map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
            if text.is_empty() {
                return Err(AskedError::KeyFileEmpty(path));
            }
            Ok(Value {
                text: text.to_owned(),
                source: Source::file(&path),
            })
        }
    }
}

/// The identity that `--grpc-url` and `--api-url` describe, by the client's rules unless the agent's are asked for.
pub(super) fn identity(env: &Environment, asked: &Asked, overrides: &Overrides) -> Identity {
    let grpc = asked.grpc_url.clone().map(|text| Value {
        text,
        source: Source::flag("--grpc-url"),
    });
    let api = asked.api_url.clone().map(|text| Value {
        text,
        source: Source::flag("--api-url"),
    });
    let source = grpc
        .as_ref()
        .or(api.as_ref())
        .map_or(Source::Default, |value| value.source.clone());
    let mut identity = Identity::new(Role::Flags, Mode::Flags, source);
    identity.rule = asked.rule.unwrap_or(Rule::Client);
    if let Some(grpc) = &grpc {
        identity.set_address("--grpc-url", grpc);
        identity.tls = Some(tls(identity.rule, &grpc.text));
        if let Some(kind) = unknown_scheme(&grpc.text) {
            identity.problem(kind, &grpc.source);
        }
        identity.set_grpc(grpc);
    }
    if let Some(api) = &api {
        identity.set_address("--api-url", api);
        identity.set_api(api);
    }
    if let Some(key) = &overrides.key {
        let name = key.source.to_string();
        identity.set_secret(&name, key);
        identity.set_bearer(key, env);
    }
    apply(overrides, &mut identity);
    super::hosts::compare(std::slice::from_mut(&mut identity));
    identity
}

/// Puts the flags about TLS before whatever the identity has.
pub(super) fn apply(overrides: &Overrides, identity: &mut Identity) {
    if let Some((ca, path)) = &overrides.ca {
        set(identity, "--ca", path.clone(), &["tls_ca", "HOOP_TLSCA"]);
        identity.ca = ca.clone();
        identity.problems.retain(|problem| problem.kind.code() != CA_UNREADABLE);
    }
    if let Some(name) = &overrides.server_name {
        set(identity, "--server-name", name.clone(), &["HOOP_TLSSERVERNAME"]);
        identity.server_name = Some(name.clone());
    }
    if overrides.skip_verify {
        set(
            identity,
            "--skip-tls-verify",
            "true".to_owned(),
            &["skip_tls_verify", "HOOP_TLS_SKIP_VERIFY"],
        );
        (identity.verify_grpc, identity.verify_rest) = (false, false);
        let about_verification = |code| code == VERIFICATION_DISABLED || code == SKIP_VERIFY_PARTIAL;
        identity
            .problems
            .retain(|problem| !about_verification(problem.kind.code()));
        identity.note_unverified(&Source::flag("--skip-tls-verify"));
    }
}

fn set(identity: &mut Identity, flag: &'static str, value: String, replaced: &[&str]) {
    let source = Source::flag(flag);
    for setting in identity
        .settings
        .iter_mut()
        .filter(|setting| replaced.contains(&&*setting.name))
    {
        setting.shadowed_by = Some(source.clone());
    }
    identity.settings.push(Setting {
        name: flag.to_owned(),
        value,
        source,
        shadowed_by: None,
    });
}

const CA_UNREADABLE: u16 = 16;
const VERIFICATION_DISABLED: u16 = 17;
const SKIP_VERIFY_PARTIAL: u16 = 18;
