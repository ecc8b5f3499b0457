//! A reverse proxy's configuration as evidence: one model for all proxies, every fact with its place in a file.
//!
//! A reader for each proxy fills the model in; what it can't know (a variable, a file that isn't there, another controller's
//! default) stays unknown and is never guessed. Which finding a fact leads to is not decided here.

use serde::{Deserialize, Serialize, Serializer};

pub mod path;
pub mod source;
pub mod yaml;

pub mod alb;
pub mod apache;
pub mod caddy;
pub mod envoy;
pub mod haproxy;
pub mod kubernetes;
pub mod nginx;
pub mod traefik;

pub mod read;

mod cases;

#[cfg(test)]
mod lab;
#[cfg(test)]
pub(crate) mod outline;

pub use path::{Host, Path};

use crate::logs::redact::redact;
use crate::proxies::Proxy;

/// Everything that the files configure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyConf {
    /// What was read, in the order in which it was given; included files follow the one that includes them.
    pub files: Vec<FileRead>,
    /// What the proxy itself would refuse, or what can't be read. Nothing behind it is guessed.
    pub problems: Vec<Problem>,
    /// Where clients arrive.
    pub listeners: Vec<Listener>,
    /// Gateways that are deployed by the same files.
    pub workloads: Vec<Workload>,
    /// Health checks that belong to no upstream of a listener here.
    pub checks: Vec<HealthCheck>,
    /// TLS secrets that the files create, by name; empty where they create none.
    pub secrets: Vec<Setting<String>>,
    /// Comments that allow a finding.
    pub allowed: Vec<Allowed>,
    /// The hosts that the user asked about; empty where the files have to tell.
    #[serde(default)]
    pub asked: Vec<String>,
}

/// One file, or standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRead {
    /// As it was given; `-` for standard input.
    pub name: String,
    /// Whose configuration it is.
    pub proxy: Proxy,
    /// How many lines it has.
    pub lines: usize,
}

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// As [`FileRead::name`].
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line, at most 200 characters. Its secrets are taken out when it is shown or saved, which few lines are.
    #[serde(serialize_with = "without_secrets")]
    pub text: String,
}

/// A syntax error, or a statement that the proxy would refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where.
    pub at: Place,
    /// What is wrong, in words: lower case, no full stop.
    pub what: String,
    /// Whether the proxy would start all the same: an included file that isn't on this machine, say.
    pub starts: bool,
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting<T> {
    /// What it is.
    pub value: T,
    /// What the proxy calls it: `client_max_body_size`, `stream_idle_timeout`.
    pub name: String,
    /// Whether the file says it, or the proxy has it where the file says nothing.
    pub from: From,
    /// Where it is written, or for a default the block that it holds for.
    pub at: Place,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The file.
    Written,
    /// The proxy's documentation.
    Default,
}

/// Where clients arrive: an address with the hosts that share its settings. nginx's `server`, a site of Caddy, a listener of
/// Envoy with one filter chain, a virtual host of Apache, a listener of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Where its block begins.
    pub at: Place,
    /// Who reads it.
    pub proxy: Proxy,
    /// `None` where it is unknown or no TCP port.
    pub port: Option<u16>,
    /// The hosts that it serves; empty for all.
    pub hosts: Vec<Setting<Host>>,
    /// What it makes of the bytes that arrive.
    pub layer: Layer,
    /// Who ends TLS.
    pub tls: Tls,
    /// What comes of a client that speaks HTTP/2 alone, as gRPC does; `None` where that is unknown.
    pub http2: Option<Setting<Http2>>,
    /// That a PROXY header is expected first.
    pub proxy_protocol: Option<Place>,
    /// What becomes of a request, in the order in which the proxy asks: the first that matches takes it.
    pub routes: Vec<Route>,
    /// What holds for its connections.
    pub limits: Limits,
}

/// What a listener understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Requests.
    Http,
    /// Bytes: whatever arrives goes to the upstream of the only route.
    Tcp,
}

/// What comes of HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Http2 {
    /// It is chosen by ALPN, or in cleartext understood without being announced.
    Spoken,
    /// HTTP/1 is all that there is.
    Http1Only,
    /// TLS ends here and no protocol is ever chosen.
    NoAlpn,
    /// ALPN chooses h2, and what follows is not understood.
    ChosenInVain,
}

/// Who ends TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Nobody: cleartext.
    Off,
    /// The listener.
    Ended(Box<Terminated>),
    /// The gateway, or whoever comes next.
    Passed,
    /// A hop in front of it, or it can't be known.
    Unknown,
}

/// TLS that ends at a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminated {
    /// What switches it on.
    pub at: Place,
    /// Certificates: a file, a secret's name, an ARN. Empty where none is named.
    pub certificates: Vec<Setting<String>>,
    /// The hosts that have a certificate entry, where the configuration lists them apart from the routes.
    pub hosts: Option<Vec<Setting<Host>>>,
    /// Whether clients without a certificate are refused.
    pub client_certificate: Option<Setting<bool>>,
    /// The newest version that it speaks, as in `1.3`; `None` where nothing restricts it.
    pub newest: Option<Setting<String>>,
    /// Refuses every handshake: nginx's `ssl_reject_handshake`, HAProxy's `strict-sni` without this host.
    pub rejects: Option<Place>,
}

/// What becomes of some requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where it begins.
    pub at: Place,
    /// The hosts that it is for, beside those of the listener; empty for all of them.
    pub hosts: Vec<Setting<Host>>,
    /// The paths that it is for.
    pub path: Path,
    /// What else a request must have.
    pub when: Vec<Condition>,
    /// What is done.
    pub action: Action,
    /// What stands before it, in order.
    pub guards: Vec<Guard>,
    /// What holds for its streams.
    pub limits: Limits,
    /// Request headers that are removed or overwritten, in lower case. A `*` at the end stands for anything.
    pub removes: Vec<Setting<String>>,
    /// That the path arrives changed at the upstream.
    pub rewrites: Option<Place>,
    /// That a request is collected before the upstream sees any of it.
    pub buffers_requests: Option<Setting<bool>>,
    /// That an answer is held back.
    pub buffers_responses: Option<Setting<bool>>,
    /// That a failed request is sent again: how often at most, where it says so.
    pub retries: Option<Setting<Option<u64>>>,
    /// Whether a WebSocket can be opened through it; `None` where that is unknown.
    pub upgrades: Option<Setting<bool>>,
}

/// What else a request must have for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What it asks for.
    pub asks: Asks,
    /// That it asks for the contrary.
    pub not: bool,
}

/// What a condition asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// One of these methods.
    Method(Vec<String>),
    /// A header (lower case) whose value begins with this; an empty one is there with any value.
    Header(String, String),
    /// One of these hosts.
    Host(Vec<Host>),
    /// These paths, beside or against those of the route.
    Path(Path),
    /// Something that no request of Hoop's agents and clients has at this listener, as it is written.
    Never(String),
    /// A host without a port. Clients of gRPC name their port always, those of HTTP where it isn't the scheme's own.
    HostWithoutPort,
    /// Something that isn't followed here, as it is written.
    Else(String),
}

/// What is done with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It goes to an upstream.
    Forward(Box<Forward>),
    /// The client is sent elsewhere.
    Redirect(String),
    /// The proxy answers by itself, with this status. Files of a site are 200.
    Answer(u16),
    /// Something that isn't followed here, as it is written.
    Else(String),
}

/// An upstream, as one route uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// Where it is named.
    pub at: Place,
    /// Its name, where it has one: a cluster, a backend, a target group, a service.
    pub name: Option<String>,
    /// The protocol towards it.
    pub speaks: Setting<Speaks>,
    /// Whether there is TLS towards it; `None` where that is unknown.
    pub tls: Option<Setting<bool>>,
    /// Where it is; empty where that is unknown.
    pub servers: Vec<Server>,
    /// How the proxy finds out whether it is alive.
    pub check: Option<HealthCheck>,
    /// That a PROXY header is sent first.
    pub sends_proxy_protocol: Option<Place>,
}

/// A protocol towards an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaks {
    /// HTTP/1.
    Http1,
    /// HTTP/2, gRPC included.
    Http2,
    /// What the client speaks: bytes, or the same version of HTTP.
    AsClient,
    /// FastCGI and the like.
    Foreign,
    /// It can't be known.
    Unknown,
}

/// A server of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Where it is named.
    pub at: Place,
    /// A name or an address.
    pub host: String,
    /// `None` where it is a variable or has none.
    pub port: Option<u16>,
    /// That it is used only where the others fail.
    pub backup: bool,
    /// Why the proxy sends it nothing, where it has said so itself; the name is its reason in one word.
    pub down: Option<Setting<String>>,
}

/// How a proxy finds out whether an upstream is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Where it begins.
    pub at: Place,
    /// Who asks.
    pub proxy: Proxy,
    /// How it asks.
    pub asks: CheckAsks,
    /// Whether it asks over TLS; `None` where that is unknown.
    pub tls: Option<bool>,
    /// The port that it asks; `None` for that of the traffic.
    pub port: Option<Setting<u16>>,
    /// The port of the traffic, where it is known.
    pub traffic_port: Option<u16>,
    /// The path, or for gRPC the path of the method.
    pub path: Option<Setting<String>>,
    /// What counts as alive, as it is written: `200`, `12`, `0-99`, `200,301`.
    pub expects: Option<Setting<String>>,
}

/// How a health check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckAsks {
    /// Whether a connection can be opened.
    Tcp,
    /// With a request over HTTP/1.
    Http1,
    /// With a request over HTTP/2 that is no gRPC call.
    Http2,
    /// With a call to the path, judged by `grpc-status`: a load balancer's own.
    GrpcCall,
    /// With `grpc.health.v1.Health/Check`, which a Hoop gateway doesn't have.
    GrpcHealth,
}

/// Something that stands before a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Where it is asked for.
    pub at: Place,
    /// What it does.
    pub kind: GuardKind,
    /// What the proxy calls it: `auth_basic`, `deny all`, an RBAC filter.
    pub name: String,
}

/// What a guard does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// Refuses everybody.
    Denies,
    /// Answers everybody with a server's error.
    Aborts,
    /// Asks for credentials that Hoop's agents and clients don't send.
    Authenticates,
    /// Asks for a client certificate.
    ClientCertificate,
    /// Refuses what comes too fast, or too much at a time.
    Limits,
}

/// What a listener, a route or a cluster allows its streams and connections. `None` and empty: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of a request, over the whole life of a stream.
    pub body: Option<Setting<u64>>,
    /// Bytes of one request header.
    pub header: Option<Setting<u64>>,
    /// Milliseconds for which a stream may be quiet.
    pub idle: Vec<Setting<u64>>,
    /// Milliseconds after which a stream ends whatever flows.
    pub lifetime: Vec<Setting<u64>>,
    /// Streams of one connection at a time.
    pub streams: Option<Setting<u64>>,
    /// Requests after which a connection ends.
    pub requests: Option<Setting<u64>>,
    /// Milliseconds after which a connection ends.
    pub age: Option<Setting<u64>>,
}

/// A gateway that the files deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// How many of it there are.
    pub replicas: Setting<u64>,
}

/// A comment that allows findings: `hoop-doctor: allow HD706 because …`, on a line of its own or behind what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// The comment.
    pub at: Place,
    /// The line that it is about.
    pub line: usize,
    /// The codes, as in `HD706`.
    pub codes: Vec<String>,
    /// Why; `None` where it says none, and nothing is allowed.
    pub reason: Option<String>,
}

fn without_secrets<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&redact(text))
}

impl<T> Setting<T> {
    /// What a file says.
    pub fn written(value: T, name: impl Into<String>, at: Place) -> Self {
        Self {
            value,
            name: name.into(),
            from: From::Written,
            at,
        }
    }

    /// What holds where the file says nothing; `at` is the block that it holds for.
    pub fn by_default(value: T, name: impl Into<String>, at: Place) -> Self {
        Self {
            value,
            name: name.into(),
            from: From::Default,
            at,
        }
    }
}

impl Route {
    /// A route for these paths with nothing special about it.
    pub fn new(at: Place, path: Path, action: Action) -> Self {
        Self {
            at,
            hosts: Vec::new(),
            path,
            when: Vec::new(),
            action,
            guards: Vec::new(),
            limits: Limits::default(),
            removes: Vec::new(),
            rewrites: None,
            buffers_requests: None,
            buffers_responses: None,
            retries: None,
            upgrades: None,
        }
    }
}

impl Listener {
    /// A cleartext listener for all hosts, without routes.
    pub fn new(at: Place, proxy: Proxy, port: Option<u16>, layer: Layer) -> Self {
        Self {
            at,
            proxy,
            port,
            hosts: Vec::new(),
            layer,
            tls: Tls::Off,
            http2: None,
            proxy_protocol: None,
            routes: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Terminated {
    /// TLS that asks nothing of clients.
    pub fn new(at: Place) -> Self {
        Self {
            at,
            certificates: Vec::new(),
            hosts: None,
            client_certificate: None,
            newest: None,
            rejects: None,
        }
    }
}
