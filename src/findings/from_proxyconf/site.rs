//! What becomes of Hoop's requests at each host of each listener.

use std::collections::{HashMap, HashSet};

use crate::findings::from_proxyconf::request::{Request, takes};
use crate::findings::from_proxyconf::upstream::servers;
use crate::proxies::Proxy;
use crate::proxyconf::path::{Host, Is, METHODS};
use crate::proxyconf::{Action, Forward, Layer, Listener, ProxyConf, Route, Setting, Speaks, Tls};

/// The gateway's ports: gRPC and REST (`gateway/appconfig` of Hoop).
pub(in crate::findings) const GRPC: u16 = 8010;
pub(in crate::findings) const REST: u16 = 8009;

/// The part of a configuration that is for Hoop.
pub(in crate::findings) struct Conf<'a> {
    /// All of it.
    pub(in crate::findings) all: &'a ProxyConf,
    /// The hosts that are meant for Hoop; empty where nothing looks like one.
    pub(in crate::findings) sites: Vec<Site<'a>>,
    /// Whether they were taken for Hoop's only because nothing else is there.
    pub(in crate::findings) is_guess: bool,
    /// What `sites` carries gRPC by, at least.
    carriers: Means,
    /// The gRPC routes, each with the index of its site.
    grpc: Vec<(usize, &'a Route)>,
    /// The REST routes with their upstreams.
    rest: Vec<(usize, &'a Route, &'a Forward)>,
    /// Their upstreams by the servers that these have.
    pub(in crate::findings) rest_by_servers: HashMap<Vec<(&'a str, u16)>, Vec<&'a Forward>>,
    /// The hosts that gRPC reaches with TLS.
    encrypted: HashSet<Option<String>>,
}

/// One host of one listener.
#[derive(Clone, Debug)]
pub(in crate::findings) struct Site<'a> {
    pub(in crate::findings) listener: &'a Listener,
    /// `None` stands for every host that isn't named.
    pub(in crate::findings) host: Option<String>,
    /// The routes of the three methods, in the order of [`METHODS`].
    pub(in crate::findings) methods: [Taken<'a>; 3],
    /// The route of `GET /api/healthz`.
    pub(in crate::findings) healthz: Taken<'a>,
    /// The route of a WebSocket at `/api/ws`.
    pub(in crate::findings) websocket: Taken<'a>,
}

/// What a route is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::findings) enum Means {
    /// REST, or nothing of Hoop's.
    Rest,
    /// Both could pass.
    Both,
    /// gRPC.
    Grpc,
}

/// Which route takes a request.
#[derive(Clone, Debug, Default)]
pub(in crate::findings) struct Taken<'a> {
    /// The first that takes it for sure.
    pub(in crate::findings) by: Option<&'a Route>,
    /// Those before it that may.
    pub(in crate::findings) perhaps: Vec<&'a Route>,
}

impl<'a> Taken<'a> {
    /// The route, where nothing else can take the request.
    pub(in crate::findings) fn surely(&self) -> Option<&'a Route> {
        self.by.filter(|_| self.perhaps.is_empty())
    }
}

impl<'a> Conf<'a> {
    /// The sites for these hosts, or where none is asked for, those that look like Hoop.
    pub(in crate::findings) fn new(all: &'a ProxyConf, hosts: &[&str]) -> Self {
        let every: Vec<Site<'a>> = all.listeners.iter().flat_map(sites).collect();
        let mut sites: Vec<Site<'a>> = match hosts {
            [] => signed(&every),
            hosts => hosts.iter().flat_map(|host| asked(&all.listeners, host)).collect(),
        };
        let mut is_guess = false;
        if sites.is_empty() && hosts.is_empty() {
            // The only thing that is there, and for any name: that is what the reader asked about.
            let mut nameless = every.iter().filter(|site| site.host.is_none() && site.is_somebodys());
            if let (Some(only), None) = (nameless.next(), nameless.next()) {
                sites = vec![only.clone()];
                is_guess = true;
            }
        }
        if hosts.is_empty() && !sites.iter().any(|site| site.carries_grpc() > Means::Rest) {
            // A host for gRPC alone may have no sign of its own: it leads to the same server as the API does.
            let behind: HashSet<&str> = sites.iter().flat_map(Site::machines).collect();
            let leads_there = |site: &&Site<'a>| {
                site.carries_grpc() == Means::Grpc && site.machines().any(|machine| behind.contains(machine))
            };
            let beside: Vec<Site<'a>> = every.iter().filter(leads_there).cloned().collect();
            sites.extend(beside);
        }
        let encrypted = hosts_with_tls(&mut sites.iter());
        // Beside TLS for the same host it sends browsers there.
        sites.retain(|site| site.is_encrypted() || !site.sends_away() || !encrypted.contains(&site.host));
        let mut conf = Self {
            all,
            is_guess,
            carriers: sites.iter().map(Site::carries_grpc).max().unwrap_or(Means::Rest),
            sites,
            grpc: Vec::new(),
            rest: Vec::new(),
            rest_by_servers: HashMap::new(),
            encrypted: HashSet::new(),
        };
        conf.encrypted = hosts_with_tls(&mut conf.ways_in().into_iter());
        conf.grpc = conf.find_grpc();
        conf.rest = conf.find_rest();
        for (_, _, to) in &conf.rest {
            if let Some(servers) = servers(to) {
                conf.rest_by_servers.entry(servers).or_default().push(to);
            }
        }
        conf
    }

    /// A method with a route of its own has limits of its own.
    fn find_grpc(&self) -> Vec<(usize, &'a Route)> {
        let mut known: HashSet<*const Route> = HashSet::new();
        let mut found = Vec::new();
        for (index, site) in self.sites.iter().enumerate().filter(|(_, site)| self.carries(site)) {
            for route in site.methods.iter().filter_map(Taken::surely) {
                if site.means(route) > Means::Rest && known.insert(route) {
                    found.push((index, route));
                }
            }
        }
        found
    }

    fn find_rest(&self) -> Vec<(usize, &'a Route, &'a Forward)> {
        let mut known: HashSet<*const Route> = HashSet::new();
        let sites = self.sites.iter().enumerate();
        let routes = sites
            .filter(|(_, site)| site.listener.layer == Layer::Http)
            .filter_map(|(index, site)| {
                let route = site.healthz.surely()?;
                let to = forward(route)?;
                // A host for gRPC alone may have another one for REST beside it.
                let is_own = to.speaks.value == Speaks::Http1
                    && site
                        .connect()
                        .surely()
                        .is_some_and(|grpc| !std::ptr::eq(grpc, route) && forward(grpc).is_some());
                let is_rest = site.means(route) < Means::Grpc || to_port(route, REST) || is_own;
                Some((index, route, to)).filter(|_| is_rest && known.insert(route))
            });
        routes.collect()
    }

    /// Where some sites say that they are for gRPC, those; where none does, those that could be.
    fn carries(&self, site: &Site<'_>) -> bool {
        self.carriers > Means::Rest && site.carries_grpc() == self.carriers
    }

    /// The sites that carry gRPC.
    pub(in crate::findings) fn grpc(&self) -> impl Iterator<Item = &Site<'a>> {
        self.sites.iter().filter(|site| self.carries(site))
    }

    /// Whether gRPC comes with TLS to the host of a site, here or at another port.
    pub(in crate::findings) fn has_tls(&self, site: &Site<'_>) -> bool {
        self.encrypted.contains(&site.host)
    }

    /// The sites through which gRPC has to come: those that carry it, or else all that there are.
    pub(in crate::findings) fn ways_in(&self) -> Vec<&Site<'a>> {
        let carrying: Vec<&Site<'a>> = self.grpc().collect();
        match carrying.is_empty() {
            true => self.sites.iter().collect(),
            false => carrying,
        }
    }

    /// The gRPC routes of those sites, once each: what surely takes a method.
    pub(in crate::findings) fn grpc_routes(&self) -> impl Iterator<Item = (&Site<'a>, &'a Route)> {
        self.grpc
            .iter()
            .filter_map(|(index, route)| Some((self.sites.get(*index)?, *route)))
    }

    /// Those of them that take `Connect`, whose streams carry everything and live for days.
    pub(in crate::findings) fn stream_routes(&self) -> impl Iterator<Item = (&Site<'a>, &'a Route)> {
        let is_stream =
            |site: &Site<'a>, route: &Route| site.connect().by.is_some_and(|connect| std::ptr::eq(connect, route));
        self.grpc_routes().filter(move |(site, route)| is_stream(site, route))
    }

    /// The gRPC routes with their upstreams.
    pub(in crate::findings) fn grpc_forwards(&self) -> impl Iterator<Item = (&Site<'a>, &'a Route, &'a Forward)> {
        self.grpc_routes()
            .filter_map(|(site, route)| Some((site, route, forward(route)?)))
    }

    /// The routes that surely take REST requests, with their upstreams, once each.
    pub(in crate::findings) fn rest_forwards(&self) -> impl Iterator<Item = (&Site<'a>, &'a Route, &'a Forward)> {
        self.rest
            .iter()
            .filter_map(|(index, route, to)| Some((self.sites.get(*index)?, *route, *to)))
    }
}

impl<'a> Site<'a> {
    fn new(listener: &'a Listener, host: Option<String>) -> Self {
        let request =
            |path: &'static str, kind: fn(&'static str) -> Request| taken(listener, host.as_deref(), &kind(path));
        Self {
            methods: METHODS.map(|method| request(method, Request::grpc)),
            healthz: request("/api/healthz", Request::rest),
            websocket: request("/api/ws", Request::websocket),
            listener,
            host,
        }
    }

    /// What takes `Connect`.
    pub(in crate::findings) fn connect(&self) -> &Taken<'a> {
        let [connect, _, _] = &self.methods;
        connect
    }

    /// What its way for `Connect` is made for.
    pub(in crate::findings) fn carries_grpc(&self) -> Means {
        self.connect().by.map_or(Means::Rest, |route| self.means(route))
    }

    /// What a route is made for: by its path, its host, its port and its protocol.
    pub(in crate::findings) fn means(&self, route: &Route) -> Means {
        let to = forward(route);
        let speaks_http2 = to.filter(|to| to.speaks.value == Speaks::Http2);
        let says_grpc = |text: &str| text.to_ascii_lowercase().contains("grpc");
        let upstream = to.and_then(|to| to.name.as_deref());
        let by_name = [self.host.as_deref(), upstream].into_iter().flatten().any(says_grpc);
        // Bytes that pass through, to who knows what.
        let is_open = self.listener.layer == Layer::Tcp && to.is_some();
        let by_protocol = speaks_http2.is_some_and(|to| says_grpc(&to.speaks.name) || says_grpc(&to.speaks.at.text));
        match () {
            () if route.path.is_for_service() || to_port(route, GRPC) || by_name || by_protocol => Means::Grpc,
            () if (speaks_http2.is_some() || is_open) && !to_port(route, REST) => Means::Both,
            () => Means::Rest,
        }
    }

    /// Whether TLS ends at it, or passes through it.
    pub(in crate::findings) fn is_encrypted(&self) -> bool {
        !matches!(self.listener.tls, Tls::Off)
    }

    /// Whether a route would take `Connect` at this host if nothing came before it.
    pub(in crate::findings) fn would_take(&self, route: &Route) -> bool {
        let is_here = serves(&route.hosts, self.host.as_deref()) == Is::Yes;
        is_here
            && route.path.is_for_service()
            && takes(route, self.host.as_deref(), &Request::grpc(METHODS[0])) == Is::Yes
    }

    /// `gateway.example.com`, or the listener's port where it is for any host.
    pub(in crate::findings) fn name(&self) -> String {
        match (&self.host, self.listener.port) {
            (Some(host), _) => host.clone(),
            (None, Some(port)) => format!("port {port}"),
            (None, None) => "any host".to_owned(),
        }
    }

    fn routes(&self) -> impl Iterator<Item = &'a Route> {
        let host = self.host.clone();
        let serves = move |route: &&Route| serves(&route.hosts, host.as_deref()) != Is::No;
        self.listener.routes.iter().filter(serves)
    }

    /// How sure it is that it's Hoop's.
    fn sign(&self) -> Option<Sign> {
        // A name that only a wildcard stands for is nobody's word.
        let names = self
            .listener
            .routes
            .iter()
            .flat_map(|route| &route.hosts)
            .chain(&self.listener.hosts);
        let own = names.filter(|own| {
            self.host
                .as_deref()
                .is_some_and(|host| own.value.serves(host) == Is::Yes)
        });
        let by_host = own.filter_map(|own| match &own.value {
            Host::Name(text) | Host::Below(text) => name(text),
            Host::Else(_) => None,
        });
        let by_route = self.own_routes().filter_map(|route| {
            let to = forward(route);
            let servers = to.map_or(&[][..], |to| &to.servers);
            let names = servers.iter().map(|server| server.host.as_str());
            let by_name = names.chain(to.and_then(|to| to.name.as_deref())).filter_map(name).max();
            // 8009 is AJP's port too.
            let is_foreign = to.is_some_and(|to| to.speaks.value == Speaks::Foreign);
            let is_ported = !is_foreign && servers.iter().any(|server| matches!(server.port, Some(GRPC | REST)));
            match route.path.is_for_service() && !self.is_by_the_way(route) {
                true => Some(Sign::Named),
                false => by_name.max(is_ported.then_some(Sign::Port)),
            }
        });
        by_host.chain(by_route).max()
    }

    /// Whether the path of a route is there only because a guard of all hosts asks for it: it leads where all the rest goes.
    fn is_by_the_way(&self, route: &Route) -> bool {
        let upstream = |route| forward(route).map(|to| &to.at);
        let rest = self.healthz.by.and_then(upstream);
        self.is_shared() && !route.guards.is_empty() && rest.is_some() && upstream(route) == rest
    }

    /// Whether other hosts share its listener, and its routes.
    fn is_shared(&self) -> bool {
        self.listener.hosts.is_empty() && self.host.is_some()
    }

    /// The routes that are for its host: where many hosts share a listener, those that its requests get to, if any.
    fn own_routes(&self) -> impl Iterator<Item = &'a Route> {
        let is_shared = self.is_shared();
        let is_missed = self.connect().by.is_none();
        let takers: Vec<&Route> = self
            .methods
            .iter()
            .chain([&self.healthz])
            .flat_map(|taken| taken.perhaps.iter().copied().chain(taken.by))
            .collect();
        self.routes()
            .filter(move |route| !is_shared || is_missed || takers.iter().any(|taker| std::ptr::eq(*taker, *route)))
    }

    /// The machines that its ways for Hoop's requests lead to.
    fn machines(&self) -> impl Iterator<Item = &'a str> {
        let taken = self.methods.iter().chain([&self.healthz]);
        let to = taken.filter_map(|taken| forward(taken.by?));
        to.flat_map(|to| &to.servers).map(|server| server.host.as_str())
    }

    /// Whether somebody wrote it for one thing alone: a cluster's and a cloud's listeners have names for that.
    fn is_somebodys(&self) -> bool {
        let is_shared = matches!(self.listener.proxy, Proxy::AwsAlb | Proxy::IngressNginx | Proxy::Istio);
        !is_shared && self.routes().next().is_some()
    }

    /// Whether it does nothing but send clients elsewhere.
    fn sends_away(&self) -> bool {
        let away = |route: &Route| matches!(route.action, Action::Redirect(_) | Action::Answer(_));
        self.connect().surely().is_none_or(away) && self.healthz.surely().is_none_or(away)
    }
}

/// The hosts of those of them that have TLS.
fn hosts_with_tls(sites: &mut dyn Iterator<Item = &Site<'_>>) -> HashSet<Option<String>> {
    let encrypted = sites.filter(|site| site.is_encrypted());
    encrypted.map(|site| site.host.clone()).collect()
}

/// How a site shows that it is Hoop's, the surest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    /// It is called a gateway, as much is.
    Gateway,
    /// It leads to a port of Hoop's, which others use too.
    Port,
    /// It names Hoop or its service.
    Named,
}

/// What a name of a host, a machine or an upstream says.
fn name(text: &str) -> Option<Sign> {
    let text = text.to_ascii_lowercase();
    let is_gateway = || text.split(['.', '-', '_']).any(|word| matches!(word, "gateway" | "gw"));
    match text.contains("hoop") {
        true => Some(Sign::Named),
        false => is_gateway().then_some(Sign::Gateway),
    }
}

/// The sites that look like Hoop's. Where the surest carry both of its protocols, others are Hoop's only if they lead to
/// the same machines: more than one thing is called a gateway.
fn signed<'a>(every: &[Site<'a>]) -> Vec<Site<'a>> {
    let with_signs: Vec<(&Site<'a>, Sign)> = every.iter().filter_map(|site| Some((site, site.sign()?))).collect();
    let surest = with_signs.iter().map(|(_, sign)| *sign).max();
    let sure: Vec<&Site<'a>> = with_signs
        .iter()
        .filter(|(_, sign)| Some(*sign) == surest)
        .map(|(site, _)| *site)
        .collect();
    let carries_both = sure.iter().any(|site| site.carries_grpc() > Means::Rest)
        && sure.iter().any(|site| {
            site.healthz
                .by
                .is_some_and(|route| forward(route).is_some() && site.means(route) < Means::Grpc)
        });
    let machines: HashSet<&str> = sure.iter().flat_map(|site| site.machines()).collect();
    let is_hoops = |site: &Site<'a>, sign: Sign| {
        Some(sign) == surest || !carries_both || site.machines().any(|machine| machines.contains(machine))
    };
    with_signs
        .into_iter()
        .filter(|(site, sign)| is_hoops(site, *sign))
        .map(|(site, _)| site.clone())
        .collect()
}

/// The listeners that name a host, or else those for any.
fn asked<'a>(listeners: &'a [Listener], host: &str) -> Vec<Site<'a>> {
    let names = |listener: &&Listener| {
        let routes = listener.routes.iter().filter(|_| listener.hosts.is_empty());
        let all = routes.flat_map(|route| &route.hosts).chain(&listener.hosts);
        all.map(|own| own.value.serves(host)).fold(Is::No, Is::or) != Is::No
    };
    let is_for_any =
        |listener: &&Listener| listener.hosts.is_empty() && listener.routes.iter().any(|route| route.hosts.is_empty());
    let mut found: Vec<&Listener> = listeners.iter().filter(names).collect();
    if found.is_empty() {
        found = listeners.iter().filter(is_for_any).collect();
    }
    found
        .into_iter()
        .map(|listener| Site::new(listener, Some(host.to_owned())))
        .collect()
}

/// The hosts of a listener, those that only its routes name among them.
fn sites(listener: &Listener) -> Vec<Site<'_>> {
    let named: Vec<&str> = listener
        .routes
        .iter()
        .flat_map(|route| &route.hosts)
        .filter_map(literal)
        .collect();
    let is_any = |route: &Route| route.hosts.is_empty();
    let mut hosts: Vec<Option<String>> = Vec::new();
    let mut add = |host: Option<String>| {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    };
    for host in &listener.hosts {
        match &host.value {
            Host::Name(name) => add(Some(name.clone())),
            Host::Below(end) => {
                let below = named.iter().filter(|name| host.value.serves(name) == Is::Yes);
                below.clone().for_each(|name| add(Some((*name).to_owned())));
                // Whoever else is served has no name here.
                if below.count() == 0 || listener.routes.iter().any(is_any) {
                    add(Some(format!("hoop{end}")));
                }
            }
            Host::Else(_) => add(None),
        }
    }
    if listener.hosts.is_empty() {
        let all = listener.routes.iter().flat_map(|route| &route.hosts);
        for host in all {
            match &host.value {
                Host::Name(name) => add(Some(name.clone())),
                Host::Below(end) => add(Some(format!("hoop{end}"))),
                Host::Else(_) => add(None),
            }
        }
        if listener.routes.iter().any(is_any) {
            add(None);
        }
    }
    if hosts.is_empty() {
        hosts.push(None);
    }
    hosts.into_iter().map(|host| Site::new(listener, host)).collect()
}

/// A host that is a name.
fn literal(host: &Setting<Host>) -> Option<&str> {
    match &host.value {
        Host::Name(name) => Some(name),
        Host::Below(_) | Host::Else(_) => None,
    }
}

fn taken<'a>(listener: &'a Listener, host: Option<&str>, request: &Request) -> Taken<'a> {
    let mut found = Taken::default();
    for route in &listener.routes {
        let is = match listener.layer {
            Layer::Tcp => serves(&route.hosts, host),
            Layer::Http => serves(&route.hosts, host).and(takes(route, host, request)),
        };
        match is {
            Is::Yes => {
                found.by = Some(route);
                return found;
            }
            Is::Perhaps => found.perhaps.push(route),
            Is::No => {}
        }
    }
    found
}

/// Whether a host is among these; no name at all stands for those that aren't.
fn serves(hosts: &[Setting<Host>], host: Option<&str>) -> Is {
    match (hosts, host) {
        ([], _) => Is::Yes,
        (_, None) => Is::No,
        (hosts, Some(host)) => hosts.iter().map(|own| own.value.serves(host)).fold(Is::No, Is::or),
    }
}

/// The upstream of a route.
pub(in crate::findings) fn forward(route: &Route) -> Option<&Forward> {
    match &route.action {
        Action::Forward(to) => Some(to),
        Action::Redirect(_) | Action::Answer(_) | Action::Else(_) => None,
    }
}

/// Whether it leads to this port.
pub(in crate::findings) fn to_port(route: &Route, port: u16) -> bool {
    forward(route).is_some_and(|to| to.servers.iter().any(|server| server.port == Some(port)))
}

#[cfg(test)]
mod tests {
    use super::Conf;
    use crate::proxyconf::read::read;
    use crate::proxyconf::source::Text;

    /// The hosts that are taken for Hoop's where none is asked for.
    fn hosts(text: &str) -> Vec<String> {
        let conf = read(vec![Text::new("nginx.conf", text)], None).expect("it is nginx's language");
        Conf::new(&conf, &[])
            .sites
            .into_iter()
            .filter_map(|site| site.host)
            .collect()
    }

    #[test]
    fn a_host_for_grpc_alone_belongs_to_the_api_at_the_same_server() {
        let grpc = |server: &str| {
            hosts(&format!(
                "server {{ listen 443 ssl http2; server_name gateway.example.com; location / {{ proxy_pass http://10.0.0.10:31009; }} }}
                 server {{ listen 8443 ssl http2; server_name grpc.example.com; location / {{ grpc_pass grpc://{server}:31010; }} }}"
            ))
        };
        assert_eq!(grpc("10.0.0.10"), ["gateway.example.com", "grpc.example.com"]);
        assert_eq!(grpc("10.0.0.99"), ["gateway.example.com"]);
    }

    #[test]
    fn beside_a_way_for_grpc_another_at_the_same_server_is_somebody_elses() {
        let found = hosts(
            "server { listen 443 ssl http2; server_name gateway.example.com;
               location /protobuf.Transport/ { grpc_pass grpc://localhost:31010; }
               location / { proxy_pass http://localhost:31009; } }
             server { listen 443 ssl http2; server_name grpc.example.com; location / { grpc_pass grpc://localhost:9090; } }",
        );
        assert_eq!(found, ["gateway.example.com"]);
    }
}
