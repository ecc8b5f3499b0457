//! The `http` block: servers become listeners.

use super::directives::{Context, Refusal};
use super::forward::Parts;
use super::include::Files;
use super::listen::{Addresses, Listen, Shared};
use super::location::{self, Location};
use super::route::{Arriving, At};
use super::scope::Scope;
use super::syntax::{Spot, Statement};
use super::upstream::{Address, Upstreams};
use super::values;
use crate::proxies::Proxy;
use crate::proxyconf::{
    Action, Host, Http2, Layer, Limits, Listener, Path, Place, Route, Server, Setting, Terminated, Tls,
};

/// What the servers of a block have in common.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub files: &'a Files,
    pub upstreams: Upstreams<'a>,
}

impl World<'_> {
    /// What a target is called, and its servers.
    pub(super) fn destination(
        &self,
        scope: &Scope<'_>,
        parts: &Parts<'_>,
        default_port: Option<u16>,
        handler: &Statement,
        refusals: &mut Vec<Refusal>,
    ) -> (Option<String>, Vec<Server>) {
        let Some(text) = parts.address else {
            return (None, Vec::new());
        };
        if text.contains('/') && !text.contains('$') && !text.starts_with("unix:") {
            refusals.push(Refusal::new(
                handler.end,
                format!("invalid host in upstream \"{text}\""),
            ));
            return (None, Vec::new());
        }
        let Some(address) = Address::read(text) else {
            if !text.contains('$') {
                let what = match text.is_empty() || text.starts_with(':') {
                    true => format!("no host in upstream \"{text}\""),
                    false => format!("invalid port in upstream \"{text}\""),
                };
                refusals.push(Refusal::new(handler.end, what));
            }
            return (None, Vec::new());
        };
        if address.host.contains('$') && address.port.is_none() {
            return (None, Vec::new());
        }
        if !handler.args.first().is_some_and(|word| word.text.contains('$')) {
            refusals.extend(self.upstreams.refusal(&address, handler.end));
        }
        let is_bare = address.port.is_none() && default_port.is_none() && !address.host.starts_with("unix:");
        if is_bare && self.upstreams.block(&address).is_none() {
            refusals.push(Refusal::new(handler.end, format!("no port in upstream \"{text}\"")));
        }
        let name = self.upstreams.block(&address).map(|_| address.host.to_owned());
        (
            name,
            self.upstreams.servers(&address, default_port, parts.word, scope.files),
        )
    }
}

/// One server with where it listens.
struct Site<'a> {
    scope: Scope<'a>,
    listens: Vec<Listen>,
    at: Spot,
}

/// The listeners of `http`, or of a fragment that belongs inside of it.
pub(super) fn listeners(
    files: &Files,
    at: Spot,
    statements: &[Statement],
    context: Context,
    refusals: &mut Vec<Refusal>,
) -> Vec<Listener> {
    let world = World {
        files,
        upstreams: Upstreams::read(statements, refusals),
    };
    let outer = Scope::new(files, at, statements);
    let sites = match context {
        Context::Server | Context::Location => vec![fragment(outer, at, refusals)],
        _ => servers(&outer, refusals),
    };
    let addresses = addresses(&sites, refusals);
    let locations: Vec<_> = sites
        .iter()
        .map(|site| location::locations(&site.scope, refusals))
        .collect();
    if context == Context::Main {
        certificates(&sites, &addresses, files, refusals);
    }
    let mut found = Vec::new();
    for (number, (site, locations)) in sites.iter().zip(&locations).enumerate() {
        for listen in site.listens.iter().filter(|listen| !listen.datagrams) {
            let shared = addresses.shared(listen);
            let view = View {
                world: &world,
                sites: &sites,
                site,
                number,
                listen,
                shared: &shared,
            };
            found.push(view.listener(locations, context, refusals));
        }
    }
    found
}

fn servers<'a>(outer: &Scope<'a>, refusals: &mut Vec<Refusal>) -> Vec<Site<'a>> {
    let blocks = outer.own().iter().filter(|one| one.name.text == "server");
    blocks
        .map(|block| {
            let scope = outer.inside(block);
            let mut listens = written(&scope, refusals);
            if listens.is_empty() {
                listens.push(Listen {
                    address: "0.0.0.0:80".to_owned(),
                    port: Some(80),
                    at: block.name.at,
                    ..Listen::default()
                });
            }
            Site {
                at: block.name.at,
                scope,
                listens,
            }
        })
        .collect()
}

/// The content of a server without the server: where it listens may stand elsewhere.
fn fragment<'a>(scope: Scope<'a>, at: Spot, refusals: &mut Vec<Refusal>) -> Site<'a> {
    let mut listens = written(&scope, refusals);
    if listens.is_empty() {
        listens.push(Listen {
            at,
            ..Listen::default()
        });
    }
    Site { scope, listens, at }
}

fn written(scope: &Scope<'_>, refusals: &mut Vec<Refusal>) -> Vec<Listen> {
    let own = scope.own().iter().filter(|one| one.name.text == "listen");
    let mut listens: Vec<Listen> = Vec::new();
    for statement in own {
        let Ok(listen) = Listen::read(statement) else { continue };
        if listens.iter().any(|one| one.address == listen.address) {
            let what = format!("a duplicate listen {}", listen.address);
            refusals.push(Refusal::new(statement.end, what));
            continue;
        }
        listens.push(listen);
    }
    listens
}

fn addresses(sites: &[Site<'_>], refusals: &mut Vec<Refusal>) -> Addresses {
    let mut addresses = Addresses::default();
    for (number, site) in sites.iter().enumerate() {
        let statements = site.scope.own().iter().filter(|one| one.name.text == "listen");
        for listen in &site.listens {
            let statement = statements.clone().find(|one| one.name.at == listen.at);
            addresses.add(number, listen, statement, refusals);
        }
    }
    addresses
}

/// nginx doesn't start where a certificate has no key, or a listener with TLS no certificate at all.
fn certificates(sites: &[Site<'_>], addresses: &Addresses, files: &Files, refusals: &mut Vec<Refusal>) {
    for scope in sites.iter().map(|site| &site.scope) {
        let (all, keys) = (scope.all(&["ssl_certificate"]), scope.all(&["ssl_certificate_key"]));
        let last = all.last().filter(|_| keys.len() < all.len());
        if let Some((last, file)) = last.and_then(|last| Some((last, last.arg(0)?))) {
            let what = format!("no \"ssl_certificate_key\" is defined for certificate \"{file}\"");
            refusals.push(Refusal::new(last.name.at, what));
        }
    }
    for (address, shared) in addresses.iter().filter(|(_, shared)| shared.ssl.is_some()) {
        let Some(default) = sites.get(shared.default).filter(|site| !site.has_certificate()) else {
            continue;
        };
        let others = sites
            .iter()
            .filter(|site| site.listens.iter().any(|one| one.address == address));
        // Behind a default server that rejects every handshake, each of the others needs a certificate of its own.
        let bare = std::iter::once(default)
            .chain(others)
            .find(|site| !site.has_certificate() && !site.rejects());
        let needs = if default.rejects() { bare } else { Some(default) };
        if let Some(site) = needs {
            let at = files.place(site.at);
            let what = format!(
                "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in {}:{}",
                at.file, at.line
            );
            refusals.push(Refusal::new(site.at, what));
        }
    }
}

impl Site<'_> {
    fn has_certificate(&self) -> bool {
        self.scope.find("ssl_certificate").is_some()
    }

    fn rejects(&self) -> bool {
        self.scope.is_on("ssl_reject_handshake", false)
    }
}

/// A server at one of its addresses.
struct View<'v, 'a> {
    world: &'v World<'a>,
    sites: &'v [Site<'a>],
    site: &'v Site<'a>,
    number: usize,
    listen: &'v Listen,
    shared: &'v Shared,
}

impl<'a> View<'_, 'a> {
    fn listener(&self, locations: &[Location<'a>], context: Context, refusals: &mut Vec<Refusal>) -> Listener {
        let scope = &self.site.scope;
        let is_known = !self.listen.address.is_empty();
        let mut listener = Listener::new(self.place(self.site.at), Proxy::Nginx, self.listen.port, Layer::Http);
        listener.hosts = self.hosts();
        listener.tls = if is_known { self.tls() } else { Tls::Unknown };
        listener.http2 = is_known.then(|| self.http2());
        listener.proxy_protocol = self.shared.proxy_protocol.map(|at| self.place(at));
        let spoken = listener
            .http2
            .as_ref()
            .is_some_and(|http2| http2.value == Http2::Spoken);
        listener.limits = limits(scope, spoken);
        let at = At {
            world: self.world,
            listen: self.listen,
            tls: is_known.then_some(!matches!(listener.tls, Tls::Off)),
            locations,
        };
        listener.routes = routes(at, scope, context, refusals);
        listener
    }

    fn place(&self, at: Spot) -> Place {
        self.world.files.place(at)
    }

    /// Its names; none where it takes every host that no other server has.
    fn hosts(&self) -> Vec<Setting<Host>> {
        let scope = &self.site.scope;
        let mut hosts = Vec::new();
        let statements = scope.own().iter().filter(|one| one.name.text == "server_name");
        for word in statements.flat_map(|one| &one.args) {
            let mut add = |host| hosts.push(Setting::written(host, "server_name", scope.place(word)));
            let lower = word.text.to_ascii_lowercase();
            match lower.strip_prefix('.') {
                Some(name) => {
                    add(Host::Name(name.to_owned()));
                    add(Host::Below(lower));
                }
                None => add(Host::read(&lower).unwrap_or(Host::Else(lower))),
            }
        }
        let is_default = self.shared.default == self.number;
        let is_real = |host: &Setting<Host>| !matches!(&host.value, Host::Name(name) if !name.contains('.') && !name.bytes().any(|byte| byte.is_ascii_alphanumeric()));
        match (is_default, hosts.is_empty()) {
            (true, _) if !hosts.iter().any(is_real) => Vec::new(),
            // Without a name it is asked for by requests without a host alone.
            (false, true) if !self.listen.address.is_empty() => {
                vec![Setting::by_default(
                    Host::Name(String::new()),
                    "server_name",
                    scope.begin(),
                )]
            }
            _ => hosts,
        }
    }

    fn tls(&self) -> Tls {
        let scope = &self.site.scope;
        // `ssl on` is what nginx had before 1.25.1.
        let on = scope.find("ssl").filter(|one| one.arg(0) == Some("on"));
        let at = match (self.shared.ssl, on) {
            (Some(at), _) => at,
            (None, Some(statement)) => statement.name.at,
            (None, None) => return Tls::Off,
        };
        let mut tls = terminated(scope, self.place(at));
        if tls.certificates.is_empty() {
            // A server without a certificate shows that of the address's default server.
            let default = self.sites.get(self.shared.default);
            tls.certificates = default.map(|site| certificate(&site.scope)).unwrap_or_default();
        }
        Tls::Ended(Box::new(tls))
    }

    fn http2(&self) -> Setting<Http2> {
        let default = self.sites.get(self.shared.default).unwrap_or(self.site);
        // In cleartext nothing says which server is meant before HTTP/2 begins.
        let asked = match self.shared.ssl {
            Some(_) => &self.site.scope,
            None => &default.scope,
        };
        let directive = asked.find("http2");
        let is_on = directive.is_some_and(|one| one.arg(0).is_some_and(|value| value.eq_ignore_ascii_case("on")));
        match (self.shared.http2, directive) {
            (Some(at), _) => Setting::written(Http2::Spoken, "http2", self.place(at)),
            (None, Some(one)) if is_on => Setting::written(Http2::Spoken, "http2", asked.place(&one.name)),
            (None, Some(one)) => Setting::written(Http2::Http1Only, "http2", asked.place(&one.name)),
            (None, None) => Setting::by_default(Http2::Http1Only, "http2", self.place(self.listen.at)),
        }
    }
}

/// What the directives of TLS say, in `http` and in `stream` alike.
pub(super) fn terminated(scope: &Scope<'_>, at: Place) -> Terminated {
    let mut tls = Terminated::new(at);
    tls.certificates = certificate(scope);
    tls.client_certificate = scope
        .find("ssl_verify_client")
        .map(|one| Setting::written(one.arg(0) == Some("on"), "ssl_verify_client", scope.place(&one.name)));
    tls.newest = scope.find("ssl_protocols").and_then(|one| {
        let newest = one.args.iter().filter_map(|word| version(&word.text)).max()?;
        Some(Setting::written(
            newest.1.to_owned(),
            "ssl_protocols",
            scope.place(&one.name),
        ))
    });
    tls.rejects = scope
        .find("ssl_reject_handshake")
        .filter(|one| one.arg(0) == Some("on"))
        .map(|one| scope.place(&one.name));
    tls
}

fn certificate(scope: &Scope<'_>) -> Vec<Setting<String>> {
    let all = scope.all(&["ssl_certificate"]).into_iter();
    all.filter_map(|one| {
        let file = one.args.first()?;
        Some(Setting::written(
            file.text.clone(),
            "ssl_certificate",
            scope.place(&one.name),
        ))
    })
    .collect()
}

/// A version with its rank.
fn version(name: &str) -> Option<(u8, &'static str)> {
    match name {
        "TLSv1.3" => Some((4, "1.3")),
        "TLSv1.2" => Some((3, "1.2")),
        "TLSv1.1" => Some((2, "1.1")),
        "TLSv1" => Some((1, "1.0")),
        "SSLv3" | "SSLv2" => Some((0, "SSL")),
        _ => None,
    }
}

/// What holds for the connections of a server.
fn limits(scope: &Scope<'_>, spoken: bool) -> Limits {
    let mut limits = Limits {
        header: Some(header(scope)),
        ..Limits::default()
    };
    if spoken {
        let number = |name, default| scope.setting(name, default, |text| text.parse().ok());
        limits.streams = Some(number("http2_max_concurrent_streams", 128));
        limits.requests = Some(number("keepalive_requests", 1000));
        limits.age = Some(scope.time("keepalive_time", 3_600_000));
    }
    limits
}

/// Bytes of one header field: what a buffer takes.
fn header(scope: &Scope<'_>) -> Setting<u64> {
    const NAME: &str = "large_client_header_buffers";
    let written = scope.find(NAME);
    match written.and_then(|one| Some((one, values::size(one.arg(1)?)?))) {
        Some((one, size)) => Setting::written(size, NAME, scope.place(&one.name)),
        None => Setting::by_default(8 << 10, NAME, scope.begin()),
    }
}

fn routes(at: At<'_, '_>, scope: &Scope<'_>, context: Context, refusals: &mut Vec<Refusal>) -> Vec<Route> {
    let mut arriving = Arriving {
        path: Path::All,
        when: Vec::new(),
        hosts: Vec::new(),
        guards: Vec::new(),
    };
    let mut out = Vec::new();
    if context == Context::Location {
        arriving.path = Path::Else("a location that isn't in this file".to_owned());
        at.bare(scope, arriving, refusals, &mut out);
        return out;
    }
    if !at.server(scope, &mut arriving, &mut out) {
        return out;
    }
    for turn in location::order(at.locations) {
        let mut here = arriving.clone();
        here.path = turn.path.clone();
        here.when.extend(turn.when.iter().cloned());
        if turn.adds_slash {
            let place = turn.location.scope.begin();
            let target = match &turn.path {
                Path::Exact(path) => format!("{path}/"),
                _ => continue,
            };
            out.push(Route::new(place, turn.path.clone(), Action::Redirect(target)));
            continue;
        }
        at.location(turn.location, here, refusals, &mut out);
    }
    if context != Context::Server && !location::takes_all(at.locations) {
        at.rest(scope, arriving, &mut out);
    }
    out
}
