//! DNS: the system's resolver gives the addresses that are used, as it does for Go; hickory explains what went wrong.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use serde::{Deserialize, Serialize};
use tokio::net::lookup_host;

use crate::cx::{Cx, Stop};

/// How long the system may take before the servers are also asked one by one.
const SLOW: Duration = Duration::from_millis(300);

/// What a name resolved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// Where the addresses come from.
    pub source: DnsSource,
    /// The addresses in the order in which Go would try them; empty where there are none.
    pub addresses: Vec<IpAddr>,
    /// What the system's resolver said where it failed.
    pub failure: Option<DnsFailure>,
    /// Milliseconds that the system took.
    pub duration_ms: u64,
    /// What each server of the resolver configuration says, in its order; empty unless the system failed or was slow.
    pub servers: Vec<ServerAnswer>,
}

/// Where addresses come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsSource {
    /// The host is an address.
    Literal,
    /// `--resolve` gave them.
    Given,
    /// getaddrinfo.
    System,
}

/// How the system's resolver failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DnsFailure {
    /// It said no.
    Refused {
        /// In the system's words.
        text: String,
    },
    /// It said nothing in time.
    TimedOut,
    /// The run ended first.
    Interrupted,
}

/// What one server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerAnswer {
    /// The server.
    pub server: SocketAddr,
    /// Its answer for A.
    pub a: Lookup,
    /// Its answer for AAAA.
    pub aaaa: Lookup,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// What came back.
    pub answer: LookupAnswer,
    /// Milliseconds that it took.
    pub duration_ms: u64,
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LookupAnswer {
    /// Addresses.
    Addresses {
        /// In the server's order.
        addresses: Vec<IpAddr>,
    },
    /// NXDOMAIN: there is no such name.
    NoSuchName,
    /// The name exists, but has no such record.
    NoData,
    /// SERVFAIL, REFUSED and other codes.
    Failed {
        /// The code's name.
        code: String,
    },
    /// Nothing came.
    TimedOut,
    /// The server can't be reached, or what it sends can't be read.
    Unusable {
        /// In hickory's words.
        text: String,
    },
}

/// The servers that explain.
#[derive(Clone, Debug)]
pub enum Resolvers {
    /// Those of the system's configuration.
    System,
    /// These.
    Only(Vec<SocketAddr>),
}

/// Resolves a host, and asks each configured server by itself where the system fails or is slow.
pub async fn resolve(cx: &Cx, host: &str, resolvers: &Resolvers, limit: Duration) -> Dns {
    if let Ok(address) = host.parse::<IpAddr>() {
        return given(DnsSource::Literal, vec![address]);
    }
    let started_ms = cx.now_ms();
    let system = async {
        let answer = cx.limit(limit, lookup_host((host, 0))).await;
        (answer, cx.now_ms() - started_ms)
    };
    tokio::pin!(system);
    let (answer, servers) = match cx.limit(SLOW, &mut system).await {
        Ok((Ok(Ok(addresses)), took)) => ((Ok(Ok(addresses)), took), Vec::new()),
        Ok(failed) => (failed, explain(cx, host, resolvers, limit).await),
        Err(_) => {
            let rest = limit.saturating_sub(SLOW);
            tokio::join!(system, explain(cx, host, resolvers, rest))
        }
    };
    let (addresses, failure) = match answer.0 {
        Ok(Ok(found)) => (distinct(found.map(|addr| addr.ip())), None),
        Ok(Err(error)) => (
            Vec::new(),
            Some(DnsFailure::Refused {
                text: error.to_string(),
            }),
        ),
        Err(Stop::TimedOut) => (Vec::new(), Some(DnsFailure::TimedOut)),
        Err(Stop::Interrupted) => (Vec::new(), Some(DnsFailure::Interrupted)),
    };
    Dns {
        source: DnsSource::System,
        addresses,
        failure,
        duration_ms: answer.1,
        servers,
    }
}

/// Addresses that nobody had to be asked for.
pub fn given(source: DnsSource, addresses: Vec<IpAddr>) -> Dns {
    Dns {
        source,
        addresses,
        failure: None,
        duration_ms: 0,
        servers: Vec::new(),
    }
}

fn distinct(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut seen = Vec::new();
    for address in addresses {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    seen
}

async fn explain(cx: &Cx, host: &str, resolvers: &Resolvers, limit: Duration) -> Vec<ServerAnswer> {
    let (search, servers) = match resolvers {
        Resolvers::System => system_servers(),
        Resolvers::Only(servers) => (Vec::new(), servers.clone()),
    };
    let asked = servers.into_iter().map(async |server| {
        let resolver = resolver(server, search.clone(), limit);
        let (a, aaaa) = tokio::join!(
            ask(cx, &resolver, host, RecordType::A, limit),
            ask(cx, &resolver, host, RecordType::AAAA, limit)
        );
        ServerAnswer { server, a, aaaa }
    });
    join_all(asked).await
}

type Search = Vec<hickory_resolver::proto::rr::Name>;

fn system_servers() -> (Search, Vec<SocketAddr>) {
    let Ok((config, _)) = hickory_resolver::system_conf::read_system_conf() else {
        return (Vec::new(), Vec::new());
    };
    let mut servers = Vec::new();
    for server in config.name_servers() {
        let port = server.connections.first().map_or(53, |connection| connection.port);
        let addr = SocketAddr::new(server.ip, port);
        if !servers.contains(&addr) {
            servers.push(addr);
        }
    }
    (config.search().to_vec(), servers)
}

fn resolver(server: SocketAddr, search: Search, limit: Duration) -> Option<TokioResolver> {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
    let config = ResolverConfig::from_parts(None, search, vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.attempts = 1;
    options.timeout = limit / 2;
    options.cache_size = 0;
    options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
    builder.build().ok()
}

async fn ask(cx: &Cx, resolver: &Option<TokioResolver>, host: &str, record: RecordType, limit: Duration) -> Lookup {
    let started_ms = cx.now_ms();
    let unusable = |text: &str| LookupAnswer::Unusable { text: text.to_owned() };
    let answer = match resolver {
        None => unusable("the resolver could not be set up"),
        Some(resolver) => match cx.limit(limit, resolver.lookup(host, record)).await {
            Ok(Ok(found)) => {
                let addresses = distinct(found.answers().iter().filter_map(|record| match &record.data {
                    RData::A(a) => Some(IpAddr::V4(a.0)),
                    RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
                    _ => None,
                }));
                match addresses.is_empty() {
                    true => LookupAnswer::NoData,
                    false => LookupAnswer::Addresses { addresses },
                }
            }
            Ok(Err(error)) => refusal(&error),
            Err(Stop::TimedOut | Stop::Interrupted) => LookupAnswer::TimedOut,
        },
    };
    Lookup {
        answer,
        duration_ms: cx.now_ms() - started_ms,
    }
}

fn refusal(error: &NetError) -> LookupAnswer {
    match error {
        NetError::Timeout => LookupAnswer::TimedOut,
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => LookupAnswer::NoSuchName,
            ResponseCode::NoError => LookupAnswer::NoData,
            code => LookupAnswer::Failed { code: code_name(code) },
        },
        NetError::Dns(DnsError::ResponseCode(code)) => LookupAnswer::Failed { code: code_name(*code) },
        other => LookupAnswer::Unusable {
            text: other.to_string(),
        },
    }
}

/// The code's mnemonic (RFC 1035, section 4.1.1).
fn code_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        other => other.to_string(),
    }
}
