//! The client: three variables, else `~/.hoop/config.toml`, else the gateway on this machine if one is there.

use std::borrow::Cow;
use std::path::PathBuf;

use super::address::{LOCAL, Security, TlsBecause, TlsChoice, client_tls, unknown_scheme};
use super::ca;
use super::environment::{Asked, Environment};
use super::fault::{FileFault, IoRefusal};
use super::file::{self, ConfigFile, exposed};
use super::problem::{Problem, ProblemKind};
use super::source::{Place, Setting, Source, Value};
use super::{Absent, AskedError, Discovery, Identity, Mode, Role, Shadowed};

/// Adds the client that `hoop` would be here, or its last resort; `token` in the place of its own.
pub(super) fn discover(
    env: &Environment,
    asked: &Asked,
    token: Option<&Value>,
    found: &mut Discovery,
) -> Result<(), AskedError> {
    let variable = |name: &'static str| {
        env.get(name).map(|text| Value {
            text: text.into_owned(),
            source: Source::variable(name),
        })
    };
    let grpc = variable("HOOP_GRPCURL");
    let api = variable("HOOP_APIURL");
    let bearer = variable("HOOP_TOKEN");
    let path = asked
        .config
        .clone()
        .or_else(|| env.home.as_ref().map(|home| home.join(".hoop/config.toml")));
    let named = asked.config.is_some();

    if !named && let (Some(grpc), Some(api), Some(bearer)) = (&grpc, &api, &bearer) {
        let mut identity = Identity::new(Role::Client, Mode::Env, grpc.source.clone());
        identity.set_address("HOOP_GRPCURL", grpc);
        identity.set_address("HOOP_APIURL", api);
        identity.set_secret("HOOP_TOKEN", bearer);
        set_urls(&mut identity, Some(grpc), Some(api));
        identity.set_bearer(token.unwrap_or(bearer), env);
        add_variables(env, &mut identity, None);
        shadow_file(path, &mut identity, found);
        found.identities.push(identity);
        return Ok(());
    }

    let file = match path.as_deref().map(file::read) {
        None => ConfigFile::default(),
        Some(Ok(file)) => {
            if let Some(path) = path.as_deref().filter(|path| named && !path.exists()) {
                let fault = FileFault::Io {
                    path: path.to_owned(),
                    kind: IoRefusal::NotFound,
                };
                return Err(AskedError::Config(path.to_owned(), fault));
            }
            file
        }
        Some(Err(problem)) => {
            if let (true, ProblemKind::FileInvalid(fault @ (FileFault::Io { .. } | FileFault::TooLarge { .. }))) =
                (named, &problem.kind)
            {
                return Err(AskedError::Config(path.unwrap_or_default(), fault.clone()));
            }
            let mut identity = Identity::new(Role::Client, Mode::ConfigFile, problem.source.clone());
            identity.problems.push(*problem);
            found.identities.push(identity);
            return Ok(());
        }
    };
    let client_found = file.grpc_url.is_some() || file.api_url.is_some();
    if !named {
        note_partial(&[&grpc, &api, &bearer], client_found, found);
    }
    if client_found {
        found.identities.push(from_file(env, file, token));
        return Ok(());
    }
    found.absent.push(Absent::Client);
    found.problems.extend(file.problems);
    if found.identities.is_empty() && !named {
        found.fallback = Some(local(env, token.or(bearer.as_ref())));
    }
    Ok(())
}

fn from_file(env: &Environment, file: ConfigFile, token: Option<&Value>) -> Identity {
    let place = |value: &Value| match &value.source {
        Source::File(place) => Source::file(&place.path),
        other => other.clone(),
    };
    let source = file
        .grpc_url
        .as_ref()
        .or(file.api_url.as_ref())
        .map_or(Source::Default, place);
    let mut identity = Identity::new(Role::Client, Mode::ConfigFile, source.clone());
    for (name, value) in [("grpc_url", &file.grpc_url), ("api_url", &file.api_url)] {
        if let Some(value) = value {
            identity.set_address(name, value);
        }
    }
    if let Some(value) = &file.token {
        identity.set_secret("token", value);
    }
    set_urls(&mut identity, file.grpc_url.as_ref(), file.api_url.as_ref());
    if let (None, Some(api)) = (&file.grpc_url, &file.api_url) {
        identity.problem(ProblemKind::GrpcUrlMissing { mode: Mode::ConfigFile }, &api.source);
    }
    if let Some(token) = token.or(file.token.as_ref()) {
        identity.set_bearer(token, env);
    }
    add_variables(env, &mut identity, Some(&file));
    identity.problems.extend(file.problems);
    if let Source::File(Place { path, .. }) = &source
        && file.token.is_some()
        && let Some(mode) = exposed(path)
    {
        identity.problem(ProblemKind::FileExposed { mode }, &source);
    }
    identity
}

/// What Hoop tries last. Whether anything listens there is for a probe to say.
fn local(env: &Environment, token: Option<&Value>) -> Identity {
    let mut identity = Identity::new(Role::Client, Mode::Local, Source::Default);
    identity.set_grpc(&Value {
        text: LOCAL.to_owned(),
        source: Source::Default,
    });
    identity.set_api(&Value {
        text: LOCAL_API.to_owned(),
        source: Source::Default,
    });
    identity.tls = Some(TlsChoice {
        security: Security::Plaintext,
        because: TlsBecause::LocalFallback,
    });
    if let Some(token) = token {
        identity.set_secret("HOOP_TOKEN", token);
        identity.set_bearer(token, env);
    }
    // Hoop fails on a CA that can't be loaded even here, where it has no use for one.
    if let Some(text) = env.get("HOOP_TLSCA") {
        let value = Value {
            text: text.into_owned(),
            source: Source::variable("HOOP_TLSCA"),
        };
        let read = ca::from_variable(&value, &env.directory);
        if !read.fault.as_ref().is_some_and(ca::only_hurts_tls) {
            identity.set_ca(read, &value.source);
        }
        identity.ca = ca::Ca::System;
    }
    identity
}

fn set_urls(identity: &mut Identity, grpc: Option<&Value>, api: Option<&Value>) {
    if let Some(grpc) = grpc {
        identity.tls = Some(client_tls(&grpc.text));
        if let Some(kind) = unknown_scheme(&grpc.text) {
            identity.problem(kind, &grpc.source);
        }
        identity.set_grpc(grpc);
    }
    if let Some(api) = api {
        identity.set_api(api);
    }
}

/// What variables add to the three, and to a file: the CA where the file has none, and the two about TLS.
fn add_variables(env: &Environment, identity: &mut Identity, file: Option<&ConfigFile>) {
    let file_ca = file.and_then(|file| file.tls_ca.as_ref());
    if let Some(value) = file_ca {
        identity.setting("tls_ca", ca::shown(&value.text), &value.source);
        identity.set_ca(ca::from_file_key(value), &value.source);
    }
    if let Some(text) = env.get("HOOP_TLSCA") {
        let value = Value {
            text: text.into_owned(),
            source: Source::variable("HOOP_TLSCA"),
        };
        identity.settings.push(Setting {
            name: "HOOP_TLSCA".to_owned(),
            value: ca::shown(&value.text),
            source: value.source.clone(),
            shadowed_by: file_ca.map(|value| value.source.clone()),
        });
        let read = ca::from_variable(&value, &env.directory);
        match (file_ca, &read.fault) {
            (None, _) => identity.set_ca(read, &value.source),
            // Loaded before the file is read, so its failure counts though its value doesn't.
            (Some(_), Some(fault)) if !ca::only_hurts_tls(fault) => identity.set_ca(read, &value.source),
            (Some(_), _) => {}
        }
    }
    let file_skip = file.and_then(|file| file.skip_tls_verify.as_ref());
    let skip = env.get("HOOP_TLS_SKIP_VERIFY");
    let variable = Source::variable("HOOP_TLS_SKIP_VERIFY");
    if let Some(source) = file_skip {
        identity.settings.push(Setting {
            name: "skip_tls_verify".to_owned(),
            value: "true".to_owned(),
            source: source.clone(),
            shadowed_by: skip.as_ref().map(|_| variable.clone()),
        });
    }
    match (skip, file_skip) {
        (Some(value), _) => {
            identity.verify_grpc = value != "true";
            identity.verify_rest = value != "true";
            identity.setting("HOOP_TLS_SKIP_VERIFY", value, &variable);
            identity.note_unverified(&variable);
        }
        (None, Some(source)) => {
            identity.verify_grpc = false;
            identity.note_unverified(source);
        }
        (None, None) => {}
    }
    if let Some(name) = env.get("HOOP_TLSSERVERNAME") {
        identity.setting(
            "HOOP_TLSSERVERNAME",
            name.clone(),
            &Source::variable("HOOP_TLSSERVERNAME"),
        );
        identity.server_name = Some(name.into_owned());
    }
}

/// Names the file that the three variables keep Hoop from reading, if it would say anything.
fn shadow_file(path: Option<PathBuf>, identity: &mut Identity, found: &mut Discovery) {
    let Some(path) = path else { return };
    let names_gateway = match file::read(&path) {
        Ok(file) => file.grpc_url.is_some() || file.api_url.is_some(),
        Err(_) => true,
    };
    if !names_gateway {
        return;
    }
    let (what, winner) = (Source::file(&path), identity.source.clone());
    identity.settings.push(Setting {
        name: "config.toml".to_owned(),
        value: path.display().to_string(),
        source: what.clone(),
        shadowed_by: Some(winner.clone()),
    });
    found.shadowed.push(Shadowed {
        what: what.clone(),
        by: winner.clone(),
    });
    let kind = ProblemKind::CredentialsShadowed {
        winner: winner.clone(),
        ignored: vec![what],
    };
    found.problems.push(Problem { kind, source: winner });
}

/// One or two of the three variables, which the client passes over without a word.
///
/// A SPIFFE agent's address, and an agent's own token with it, are no client's unless there is one here.
fn note_partial(values: &[&Option<Value>; 3], client_found: bool, found: &mut Discovery) {
    let (set, missing): (Vec<_>, Vec<_>) = THREE.into_iter().zip(values).partition(|(_, value)| value.is_some());
    let agents_own = |identity: &Identity| match identity.mode {
        Mode::Svid => true,
        Mode::LegacyToken => identity.source == Source::variable("TOKEN"),
        Mode::Dsn | Mode::Env | Mode::ConfigFile | Mode::Local | Mode::Flags => false,
    };
    let agent_reads_them = found.identities.iter().any(agents_own);
    if set.is_empty() || missing.is_empty() || (agent_reads_them && !client_found) {
        return;
    }
    let names = |list: Vec<(&'static str, _)>| -> Vec<Cow<'static, str>> {
        list.into_iter().map(|(name, _)| name.into()).collect()
    };
    let set = names(set);
    let source = Source::variable(set.first().map_or("", |name| name));
    let kind = ProblemKind::EnvPartial {
        set,
        missing: names(missing),
    };
    found.problems.push(Problem { kind, source });
}

const THREE: [&str; 3] = ["HOOP_GRPCURL", "HOOP_APIURL", "HOOP_TOKEN"];

/// The API beside the gateway on this machine.
const LOCAL_API: &str = "http://127.0.0.1:8009";
