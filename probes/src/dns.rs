//! DNS: the system's resolver gives the addresses that are used, as it does for Go; hickory explains what went wrong.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use serde::{Deserialize, Serialize};
use tokio::net::lookup_host;

use crate::cx::{Cx, Stop};

/// How long the system may take before the servers are also asked one by one.
const SLOW: Duration = Duration::from_millis(300);

/// Whether the system's resolver finds nothing where one of its two questions, A and AAAA, is refused or lost.
///
/// Go takes what the other one brings, and so do glibc and macOS. musl asks again until its time is up, so a static
/// program takes what the servers say one by one.
const GIVES_UP_ON_HALF: bool = cfg!(target_env = "musl");

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
    /// What each server of the resolver configuration says, in its order; empty unless the system failed or was slow, or
    /// the addresses lead nowhere.
    pub servers: Vec<ServerAnswer>,
    /// What the hosts file says, looked at together with the servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<IpAddr>,
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
    /// The names that the name is an alias of (CNAME), in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// How long the answer may be kept, in seconds: the shortest of its records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
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

impl Dns {
    /// The addresses that other sources know and the system didn't give.
    pub fn elsewhere(&self) -> Vec<IpAddr> {
        let servers = self.servers.iter().flat_map(ServerAnswer::addresses);
        let all = servers.chain(self.hosts.iter().copied());
        distinct(all.filter(|address| !self.addresses.contains(address)))
    }
}

impl ServerAnswer {
    /// The addresses that it gives, of both families.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        [&self.a, &self.aaaa]
            .into_iter()
            .flat_map(|lookup| match &lookup.answer {
                LookupAnswer::Addresses { addresses } => addresses.as_slice(),
                LookupAnswer::NoSuchName
                | LookupAnswer::NoData
                | LookupAnswer::Failed { .. }
                | LookupAnswer::TimedOut
                | LookupAnswer::Unusable { .. } => &[],
            })
            .copied()
    }
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
            let explained = explain(cx, host, resolvers, limit.saturating_sub(SLOW));
            tokio::pin!(explained);
            tokio::select! {
                answer = &mut system => (answer, explained.await),
                servers = &mut explained => match GIVES_UP_ON_HALF && has_addresses(&servers) {
                    true => ((Err(Stop::TimedOut), cx.now_ms() - started_ms), servers),
                    false => (system.await, servers),
                },
            }
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
    let (addresses, failure) = match failure {
        Some(DnsFailure::Refused { .. } | DnsFailure::TimedOut) if GIVES_UP_ON_HALF && has_addresses(&servers) => {
            (first_addresses(&servers), None)
        }
        failure => (addresses, failure),
    };
    Dns {
        source: DnsSource::System,
        addresses,
        failure,
        duration_ms: answer.1,
        hosts: if servers.is_empty() {
            Vec::new()
        } else {
            in_hosts_file(host)
        },
        servers,
    }
}

fn has_addresses(servers: &[ServerAnswer]) -> bool {
    !first_addresses(servers).is_empty()
}

/// Those of the first server that has any, as a resolver asks the servers in their order.
fn first_addresses(servers: &[ServerAnswer]) -> Vec<IpAddr> {
    let mut answers = servers.iter().map(|server| distinct(server.addresses()));
    answers.find(|addresses| !addresses.is_empty()).unwrap_or_default()
}

/// Asks each server by itself, and the hosts file, about a name whose addresses were found but lead nowhere.
pub async fn compare(cx: &Cx, host: &str, resolvers: &Resolvers, limit: Duration, dns: &mut Dns) {
    if dns.source == DnsSource::System && dns.servers.is_empty() {
        dns.servers = explain(cx, host, resolvers, limit).await;
        dns.hosts = in_hosts_file(host);
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
        hosts: Vec::new(),
    }
}

/// The addresses of this very name in the hosts file (hosts(5)), which glibc and Go read before they ask a server.
fn in_hosts_file(host: &str) -> Vec<IpAddr> {
    let text = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    distinct(hosts(&text, host.trim_end_matches('.')))
}

fn hosts(text: &str, host: &str) -> impl Iterator<Item = IpAddr> {
    text.lines().filter_map(move |line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    })
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
        Resolvers::Only(servers) => (Search::default(), servers.clone()),
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

/// What is tried of a name that isn't whole (`search` and `ndots` of resolv.conf).
#[derive(Clone)]
struct Search {
    domains: Vec<Name>,
    /// A name with fewer dots is tried with the domains first.
    dots: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            dots: 1,
        }
    }
}

fn system_servers() -> (Search, Vec<SocketAddr>) {
    let Ok((config, options)) = hickory_resolver::system_conf::read_system_conf() else {
        return (Search::default(), Vec::new());
    };
    let mut servers = Vec::new();
    for server in config.name_servers() {
        let port = server.connections.first().map_or(53, |connection| connection.port);
        let addr = SocketAddr::new(server.ip, port);
        if !servers.contains(&addr) {
            servers.push(addr);
        }
    }
    let search = Search {
        domains: config.search().to_vec(),
        dots: options.ndots,
    };
    (search, servers)
}

fn resolver(server: SocketAddr, search: Search, limit: Duration) -> Option<TokioResolver> {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
    let config = ResolverConfig::from_parts(None, search.domains, vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.attempts = 1;
    options.ndots = search.dots;
    options.timeout = limit / 2;
    options.cache_size = 0;
    options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
    builder.build().ok()
}

async fn ask(cx: &Cx, resolver: &Option<TokioResolver>, host: &str, record: RecordType, limit: Duration) -> Lookup {
    let started_ms = cx.now_ms();
    let unusable = |text: &str| LookupAnswer::Unusable { text: text.to_owned() };
    let (mut aliases, mut ttl) = (Vec::new(), None);
    let answer = match resolver {
        None => unusable("the resolver could not be set up"),
        Some(resolver) => match cx.limit(limit, resolver.lookup(host, record)).await {
            Ok(Ok(found)) => {
                aliases.extend(found.answers().iter().filter_map(|record| match &record.data {
                    RData::CNAME(alias) => Some(alias.0.to_string()),
                    _ => None,
                }));
                ttl = found.answers().iter().map(|record| record.ttl).min();
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
        aliases,
        ttl,
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

#[cfg(test)]
mod tests {
    use super::hosts;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = hosts(text, "gw.example").map(|address| address.to_string()).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_line_of_the_hosts_file_names_one_address() {
        check(
            "10.0.0.1 gw.example\n10.0.0.2\tother GW.Example # x\n",
            &["10.0.0.1", "10.0.0.2"],
        );
        check("::1 localhost gw.example", &["::1"]);
    }

    #[test]
    fn comments_and_other_names_are_passed_over() {
        check(
            "# 10.0.0.1 gw.example\n10.0.0.2 gw # gw.example\nnonsense gw.example\n\n10.0.0.3",
            &[],
        );
    }
}
