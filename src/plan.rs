//! What to probe: the targets that the identities name, each once. Pure.

use std::net::IpAddr;

use hoop_doctor_probes::auth::{Bearer, NotABearer};
use hoop_doctor_probes::forward::Login;
use hoop_doctor_probes::tls::Trust;

use crate::config::{ApiUrl, Ca, Detour, Discovery, GrpcAddress, HttpScheme, Identity, Role, Rule, TlsBecause};
use crate::evidence::auth::NotTried;
use crate::evidence::{Endpoint, Kind, Target, host_port};

/// All targets of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// gRPC before REST, in the order of the identities.
    pub endpoints: Vec<Planned>,
}

/// A target with what can't be part of the evidence.
#[derive(Clone, Debug)]
pub struct Planned {
    /// `grpc`, `rest`, `grpc-2` …
    pub id: String,
    /// What is to be reached.
    pub target: Target,
    /// Indices of the identities that use it.
    pub identities: Vec<usize>,
    /// What its certificate is checked against.
    pub trust: Trust,
    /// Who we are to the forward proxy.
    pub login: Option<Login>,
    /// Addresses of the forward proxy given with `--resolve`.
    pub given_of_proxy: Vec<IpAddr>,
    /// The credentials that may be tried there; none unless [`Plan::allow_credentials`] was called.
    pub credentials: Vec<Credential>,
}

/// Whether credentials may leave the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// They stay.
    Kept,
    /// `--auth`: each may go to the gateway that it is for.
    Allowed,
}

/// One identity's credential.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Index of the identity that it belongs to.
    pub identity: usize,
    /// Who that is.
    pub who: Role,
    /// Where it was set; `None` where there is none.
    pub source: Option<String>,
    /// A user's token, or why it can't be tried.
    pub bearer: Result<Bearer, NotTried>,
}

/// `--resolve HOST:PORT:ADDR`: where a name is, without asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The name.
    pub host: String,
    /// The port for which this holds.
    pub port: u16,
    /// Its address.
    pub addr: IpAddr,
}

impl Planned {
    /// The empty case file of this target.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.id.clone(), self.target.clone(), self.identities.clone())
    }
}

impl Plan {
    /// Lets the credential of each identity be tried at its own targets.
    pub fn allow_credentials(&mut self, found: &Discovery) {
        let all: Vec<Credential> = identities(found).enumerate().map(credential).collect();
        for planned in &mut self.endpoints {
            let mine = all.iter().filter(|one| planned.identities.contains(&one.identity));
            planned.credentials = mine.cloned().collect();
        }
    }

    /// Each distinct trust store that is needed.
    pub fn trusts(&self) -> impl Iterator<Item = &Trust> {
        self.endpoints
            .iter()
            .filter(|planned| planned.target.tls)
            .map(|planned| &planned.trust)
    }
}

/// The identities that are examined: those that were found, or the client's last resort where there are none.
pub fn identities(found: &Discovery) -> impl Iterator<Item = &Identity> {
    let fallback = found.fallback.as_ref().filter(|_| found.identities.is_empty());
    found.identities.iter().chain(fallback)
}

/// Plans the targets of all identities.
pub fn plan(found: &Discovery, resolve: &[Resolve]) -> Plan {
    let mut endpoints: Vec<(&Ca, Planned)> = Vec::new();
    // One system trust store, however many targets share it.
    let system = Trust::system();
    for (index, identity) in identities(found).enumerate() {
        let grpc = identity.grpc.as_ref().map(|grpc| grpc_target(identity, grpc));
        let rest = identity.api.as_ref().map(|api| rest_target(identity, api));
        let ways = [(grpc, &identity.grpc_detour), (rest, &identity.rest_detour)];
        for (target, detour) in ways {
            let Some(mut target) = target else { continue };
            target.given = given(resolve, &target.host, target.port);
            target.via = detour.as_ref().map(|detour| detour.via.clone());
            let login = detour.as_ref().and_then(login);
            let twin = endpoints.iter_mut().find(|(ca, planned)| {
                planned.target.is_same(&target)
                    && planned.login == login
                    && (!target.tls || trusts_the_same(ca, &identity.ca))
            });
            match twin {
                Some((_, planned)) => planned.identities.push(index),
                None => endpoints.push((
                    &identity.ca,
                    Planned {
                        id: String::new(),
                        trust: trust(&identity.ca, &system),
                        login,
                        given_of_proxy: target
                            .via
                            .as_ref()
                            .map(|via| given(resolve, &via.host, via.port))
                            .unwrap_or_default(),
                        target,
                        identities: vec![index],
                        credentials: Vec::new(),
                    },
                )),
            }
        }
    }
    endpoints.sort_by_key(|(_, planned)| planned.target.kind);
    let mut plan = Plan {
        endpoints: endpoints.into_iter().map(|(_, planned)| planned).collect(),
    };
    for kind in [Kind::Grpc, Kind::Rest] {
        let same = plan.endpoints.iter_mut().filter(|planned| planned.target.kind == kind);
        for (number, planned) in same.enumerate() {
            planned.id = match number {
                0 => kind.name().to_owned(),
                _ => format!("{}-{}", kind.name(), number + 1),
            };
        }
    }
    plan
}

fn grpc_target(identity: &Identity, grpc: &GrpcAddress) -> Target {
    let address = host_port(&grpc.host, grpc.port);
    let name = identity.server_name.as_ref();
    Target {
        kind: Kind::Grpc,
        url: shown(identity, grpc),
        host: grpc.host.clone(),
        port: grpc.port,
        tls: identity.speaks_tls(),
        verify: identity.verify_grpc,
        server_name: name.unwrap_or(&grpc.host).clone(),
        // `grpc.WithAuthority` is not used: an overridden name is the authority, without a port.
        authority: name.unwrap_or(&address).clone(),
        base_path: String::new(),
        origin: origin(identity).to_owned(),
        custom_ca: identity.ca != Ca::System,
        given: Vec::new(),
        via: None,
    }
}

/// The address as it was written; of a key, which holds more than an address, the part that decides.
fn shown(identity: &Identity, grpc: &GrpcAddress) -> String {
    match identity.tls.as_ref().map(|tls| &tls.because) {
        Some(TlsBecause::KeyScheme(scheme) | TlsBecause::KeyOther(scheme)) if !scheme.is_empty() => {
            format!("{scheme}://{}", host_port(&grpc.host, grpc.port))
        }
        _ => grpc.text.clone(),
    }
}

fn rest_target(identity: &Identity, api: &ApiUrl) -> Target {
    let tls = api.scheme == HttpScheme::Https;
    let default_port = if tls { 443 } else { 80 };
    let bracketed = host_port(&api.host, api.port);
    let authority = match api.port == default_port {
        // Go leaves a default port out only where the URL does; servers treat both alike.
        true => bracketed
            .rsplit_once(':')
            .map_or(bracketed.as_str(), |(host, _)| host)
            .to_owned(),
        false => bracketed,
    };
    Target {
        kind: Kind::Rest,
        url: api.text.clone(),
        host: api.host.clone(),
        port: api.port,
        tls,
        verify: identity.verify_rest,
        server_name: api.host.clone(),
        authority,
        base_path: api.base_path.trim_end_matches('/').to_owned(),
        origin: origin(identity).to_owned(),
        custom_ca: identity.ca != Ca::System,
        given: Vec::new(),
        via: None,
    }
}

/// A CA of the configuration replaces the system's; one of no use leaves nothing that is trusted.
fn trust(ca: &Ca, system: &Trust) -> Trust {
    match ca {
        Ca::System => system.clone(),
        Ca::Custom { certificates, .. } => Trust::only(certificates.clone()),
        Ca::Unusable { .. } => Trust::only(Vec::new()),
    }
}

/// Whether both find the same certificates trustworthy, wherever they were configured.
fn trusts_the_same(one: &Ca, other: &Ca) -> bool {
    match (one, other) {
        (Ca::System, Ca::System) | (Ca::Unusable { .. }, Ca::Unusable { .. }) => true,
        (
            Ca::Custom { certificates: one, .. },
            Ca::Custom {
                certificates: other, ..
            },
        ) => one == other,
        (Ca::System | Ca::Custom { .. } | Ca::Unusable { .. }, _) => false,
    }
}

fn origin(identity: &Identity) -> &'static str {
    match (identity.role, identity.rule) {
        (Role::Agent, _) | (Role::Flags, Rule::Agent) => "agent",
        (Role::Client, _) | (Role::Flags, Rule::Client) => "client",
    }
}

fn credential((identity, who): (usize, &Identity)) -> Credential {
    let bearer = match &who.token {
        // An agent's token can look like anybody's.
        _ if origin(who) == "agent" => Err(NotTried::AgentKey),
        None => Err(NotTried::NoToken),
        Some(token) => Bearer::new(token.secret.expose()).map_err(|why| match why {
            NotABearer::Agents => NotTried::AgentKey,
            NotABearer::Malformed => NotTried::MalformedToken,
        }),
    };
    Credential {
        identity,
        who: who.role,
        source: who.token.as_ref().map(|token| token.source.to_string()),
        bearer,
    }
}

fn login(detour: &Detour) -> Option<Login> {
    detour.login.as_ref().map(|login| Login::new(login.expose()))
}

fn given(resolve: &[Resolve], host: &str, port: u16) -> Vec<IpAddr> {
    let fits = |given: &&Resolve| given.host.eq_ignore_ascii_case(host) && given.port == port;
    resolve.iter().filter(fits).map(|given| given.addr).collect()
}

impl Target {
    /// Whether one probe serves both.
    fn is_same(&self, other: &Self) -> bool {
        // Who asks and how it is written make no difference on the wire; without TLS there is no certificate to check.
        let unify = |target: &Self| Self {
            url: String::new(),
            host: target.host.to_ascii_lowercase(),
            server_name: target.server_name.to_ascii_lowercase(),
            authority: target.authority.to_ascii_lowercase(),
            origin: String::new(),
            verify: target.tls && target.verify,
            custom_ca: target.tls && target.custom_ca,
            ..target.clone()
        };
        unify(self) == unify(other)
    }
}
