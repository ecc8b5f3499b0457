//! Routers: the listeners that they make of the entry points, and in which order they are asked.

use std::cmp::Reverse;

use super::entry::{Point, on, points};
use super::middleware::behind;
use super::rule::{Clause, Of, clauses};
use super::tree::{at, entry, get, is_true, list, text, words};
use super::{Part, named, service};
use crate::proxies::Proxy;
use crate::proxyconf::yaml::{Key, Node};
use crate::proxyconf::{Action, Host, Http2, Layer, Listener, Path, Place, Problem, Route, Setting, Terminated, Tls};

/// A router whose rule can be read.
struct Router<'a> {
    part: &'a Part<'a>,
    key: &'a Key,
    node: &'a Node,
    rule: Option<&'a Node>,
    clauses: Vec<Clause>,
    tls: Option<(&'a Key, &'a Node)>,
}

/// The listeners of all entry points; without any, one for each set of routers that share theirs.
pub(super) fn listeners(parts: &[Part<'_>], problems: &mut Vec<Problem>) -> Vec<Listener> {
    let points = points(parts);
    let http = routers(parts, Of::Http, problems);
    let tcp = routers(parts, Of::Tcp, problems);
    let known = Known { parts };
    let mut all = Vec::new();
    if points.is_empty() {
        let mut groups: Vec<(Vec<&str>, Vec<&Router<'_>>)> = Vec::new();
        for router in &http {
            let names: Vec<&str> = words(router.node, "entryPoints")
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            match groups.iter_mut().find(|(own, _)| *own == names) {
                Some((_, group)) => group.push(router),
                None => groups.push((names, vec![router])),
            }
        }
        all.extend(tcp.iter().map(|router| known.tcp(None, router)));
        for (_, group) in groups {
            all.extend(known.http(None, &group));
        }
    }
    for point in &points {
        let here = |router: &&Router<'_>| {
            let names = words(router.node, "entryPoints");
            let named = names.iter().any(|(name, _)| name.eq_ignore_ascii_case(point.name()));
            named || names.is_empty() && point.is_default(&points)
        };
        all.extend(tcp.iter().filter(here).map(|router| known.tcp(Some(point), router)));
        let group: Vec<&Router<'_>> = http.iter().filter(here).collect();
        let mut listeners = known.http(Some(point), &group);
        if listeners.is_empty() && http.is_empty() && tcp.is_empty() && point.name() != "traefik" {
            listeners.push(known.unknown(point));
        }
        all.extend(listeners);
    }
    all
}

fn routers<'a>(parts: &'a [Part<'a>], of: Of, problems: &mut Vec<Problem>) -> Vec<Router<'a>> {
    let mut all = Vec::new();
    let folder = match of {
        Of::Http => "http",
        Of::Tcp => "tcp",
    };
    for part in parts {
        let own = at(&part.node, &[folder, "routers"])
            .map(Node::entries)
            .unwrap_or_default();
        for (key, node) in own {
            let rule = get(node, "rule");
            // Without a rule it has the provider's, which makes a host of the container's name.
            let unknown = Clause {
                hosts: vec![Host::Else("defaultRule".to_owned())],
                ..Clause::default()
            };
            let clauses = match rule.and_then(Node::text).map(|rule| clauses(rule, of)) {
                Some(Ok(clauses)) => clauses,
                None => vec![unknown],
                Some(Err(what)) => {
                    problems.push(Problem {
                        at: rule.unwrap_or(node).place(part.file),
                        what: format!("the rule of {}: {what}", key.name),
                        starts: true,
                    });
                    continue;
                }
            };
            all.push(Router {
                part,
                key,
                node,
                rule,
                clauses,
                tls: entry(node, "tls").and_then(on),
            });
        }
    }
    all
}

impl Router<'_> {
    fn at(&self) -> Place {
        self.key.place(self.part.file)
    }

    /// The higher is asked first: what is said, else the length of the rule.
    fn priority(&self) -> u64 {
        let said = get(self.node, "priority")
            .and_then(Node::number)
            .filter(|priority| *priority > 0);
        let length = || self.rule.and_then(Node::text).map_or(0, |rule| rule.len() as u64);
        said.unwrap_or_else(length)
    }

    fn hosts(&self, clause: &Clause) -> Vec<Setting<Host>> {
        let at = self.rule.map_or_else(|| self.at(), |rule| rule.place(self.part.file));
        let hosts = clause.hosts.iter();
        hosts
            .map(|host| Setting::written(host.clone(), "rule", at.clone()))
            .collect()
    }

    /// The name of its service, and where it is said. A container's router has that of its labels, or the container itself.
    fn service(&self) -> Option<(String, Place)> {
        if let Some(node) = get(self.node, "service") {
            return Some((node.text()?.to_owned(), node.place(self.part.file)));
        }
        let labelled = at(&self.part.node, &["http", "services"])
            .map(Node::entries)
            .unwrap_or_default();
        let own = labelled.first().map(|(key, _)| key.name.clone());
        let container = self.part.container?;
        Some((own.unwrap_or_else(|| container.to_owned()), self.at()))
    }
}

/// What routers and entry points refer to.
struct Known<'a> {
    parts: &'a [Part<'a>],
}

impl<'a> Known<'a> {
    fn listener(&self, point: Option<&Point<'_>>, at: Place, layer: Layer) -> Listener {
        let mut listener = Listener::new(
            point.map_or(at, Point::at),
            Proxy::Traefik,
            point.and_then(Point::port),
            layer,
        );
        if let Some(point) = point
            && layer == Layer::Http
        {
            listener.limits = point.limits();
        }
        listener
    }

    /// An entry point whose routers are in none of the files.
    fn unknown(&self, point: &Point<'_>) -> Listener {
        let mut listener = self.listener(Some(point), point.at(), Layer::Http);
        listener.tls = Tls::Unknown;
        let what = "routers".to_owned();
        listener.routes = vec![Route::new(point.at(), Path::Else(what.clone()), Action::Else(what))];
        listener
    }

    /// Connections with TLS get to the routers with TLS and no others; those share what their TLS options say.
    fn http(&self, point: Option<&Point<'a>>, routers: &[&Router<'_>]) -> Vec<Listener> {
        let everywhere = point.and_then(Point::tls);
        let (tls, clear): (Vec<&Router<'_>>, Vec<&Router<'_>>) = routers
            .iter()
            .partition(|router| router.tls.is_some() || everywhere.is_some());
        let mut by_options: Vec<(&str, Vec<&Router<'_>>)> = Vec::new();
        for router in tls {
            let name = options(router, everywhere);
            match by_options.iter_mut().find(|(own, _)| *own == name) {
                Some((_, group)) => group.push(router),
                None => by_options.push((name, vec![router])),
            }
        }
        let mut all = Vec::new();
        for (name, group) in by_options {
            let Some(first) = group.first() else { continue };
            let mut listener = self.listener(point, first.at(), Layer::Http);
            let Some(((key, _), file)) = first
                .tls
                .map(|tls| (tls, first.part.file))
                .or_else(|| Some((everywhere?, point?.part.file)))
            else {
                continue;
            };
            let at = key.place(file);
            if name != "default" {
                listener.hosts = group
                    .iter()
                    .flat_map(|router| router.clauses.iter().flat_map(|clause| router.hosts(clause)))
                    .collect();
            }
            let named = everywhere
                .into_iter()
                .map(|(_, tls)| (tls, point.map_or(file, |point| point.part.file)));
            let resolvers = named.chain(
                group
                    .iter()
                    .filter_map(|router| Some((router.tls?.1, router.part.file))),
            );
            let resolvers: Vec<Setting<String>> = resolvers
                .filter_map(|(tls, file)| {
                    let resolver = get(tls, "certResolver")?;
                    Some(Setting::written(
                        resolver.text()?.to_owned(),
                        "certResolver",
                        resolver.place(file),
                    ))
                })
                .collect();
            let (tls, http2) = self.terminated(at, name, resolvers);
            listener.tls = Tls::Ended(Box::new(tls));
            listener.http2 = Some(http2);
            listener.routes = self.routes(point, &group, true);
            all.push(listener);
        }
        let redirects = point.and_then(Point::redirects).is_some();
        if let Some(at) = clear
            .first()
            .map(|router| router.at())
            .or_else(|| redirects.then(|| point.map(Point::at))?)
        {
            let mut listener = self.listener(point, at, Layer::Http);
            // Cleartext HTTP/2 is understood everywhere.
            listener.http2 = Some(Setting::by_default(Http2::Spoken, "h2c", listener.at.clone()));
            listener.routes = self.routes(point, &clear, false);
            all.push(listener);
        }
        all
    }

    /// TLS with the options of this name.
    fn terminated(&self, at: Place, options: &str, resolvers: Vec<Setting<String>>) -> (Terminated, Setting<Http2>) {
        let mut tls = Terminated::new(at.clone());
        for part in self.parts {
            let Some(own) = get(&part.node, "tls") else { continue };
            let store = self::at(own, &["stores", "default", "defaultCertificate"]);
            let files = list(own, "certificates")
                .into_iter()
                .chain(store)
                .filter_map(|one| get(one, "certFile"));
            tls.certificates.extend(files.filter_map(|file| {
                Some(Setting::written(
                    file.text()?.to_owned(),
                    "certFile",
                    file.place(part.file),
                ))
            }));
        }
        tls.certificates.extend(resolvers);
        let usual = Setting::by_default(Http2::Spoken, "alpnProtocols", at);
        let Some((part, own)) = named(self.parts, &["tls", "options"], options) else {
            return (tls, usual);
        };
        let client = self::at(own, &["clientAuth", "clientAuthType"]);
        tls.client_certificate = client.and_then(|kind| {
            let requires = kind.text()?.starts_with("Require");
            Some(Setting::written(requires, "clientAuthType", kind.place(part.file)))
        });
        tls.newest = get(own, "maxVersion").and_then(|version| {
            let digits = version.text()?.strip_prefix("VersionTLS1")?;
            Some(Setting::written(
                format!("1.{digits}"),
                "maxVersion",
                version.place(part.file),
            ))
        });
        if is_true(own, "sniStrict") && tls.certificates.is_empty() {
            tls.rejects = super::tree::place(part.file, own, "sniStrict");
        }
        let http2 = entry(own, "alpnProtocols").map(|(key, _)| {
            let protocols = words(own, "alpnProtocols");
            let http2 = match protocols.iter().any(|(protocol, _)| *protocol == "h2") {
                true => Http2::Spoken,
                false => Http2::Http1Only,
            };
            Setting::written(http2, "alpnProtocols", key.place(part.file))
        });
        (tls, http2.unwrap_or(usual))
    }

    fn routes(&self, point: Option<&Point<'_>>, routers: &[&Router<'_>], tls: bool) -> Vec<Route> {
        let http = point.and_then(|point| get(point.node, "http"));
        let before: Vec<&str> = http
            .map(|http| words(http, "middlewares"))
            .unwrap_or_default()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let mut all: Vec<(u64, Vec<Route>)> = Vec::new();
        for router in routers {
            let middlewares = words(router.node, "middlewares");
            let names: Vec<&str> = before
                .iter()
                .copied()
                .chain(middlewares.into_iter().map(|(name, _)| name))
                .collect();
            let routes = router.clauses.iter().flat_map(|clause| {
                let action = match router.service() {
                    Some((name, at)) => service::action(self.parts, &name, at),
                    None => Action::Else("no service".to_owned()),
                };
                let mut route = Route::new(router.at(), clause.path.clone().unwrap_or(Path::All), action);
                route.hosts = router.hosts(clause);
                route.when = clause.when.clone();
                route.upgrades = Some(Setting::by_default(true, "websocket", router.at()));
                behind(self.parts, &names, tls, route)
            });
            all.push((router.priority(), routes.collect()));
        }
        if let Some((at, to, priority)) = point.and_then(Point::redirects).filter(|_| !tls) {
            all.push((priority, vec![Route::new(at, Path::All, Action::Redirect(to))]));
        }
        all.sort_by_key(|(priority, _)| Reverse(*priority));
        all.into_iter().flat_map(|(_, routes)| routes).collect()
    }

    fn tcp(&self, point: Option<&Point<'_>>, router: &Router<'_>) -> Listener {
        let mut listener = self.listener(point, router.at(), Layer::Tcp);
        listener.hosts = router.clauses.iter().flat_map(|clause| router.hosts(clause)).collect();
        match router.tls {
            None => {}
            Some((_, tls)) if is_true(tls, "passthrough") => listener.tls = Tls::Passed,
            Some((key, tls)) => {
                let name = text(tls, "options").unwrap_or("default");
                let (ended, http2) = self.terminated(key.place(router.part.file), name, Vec::new());
                listener.tls = Tls::Ended(Box::new(ended));
                listener.http2 = Some(http2);
            }
        }
        let action = match get(router.node, "service").and_then(|node| Some((node, node.text()?))) {
            Some((node, name)) => {
                Action::Forward(Box::new(service::tcp(self.parts, name, node.place(router.part.file))))
            }
            None => Action::Else("no service".to_owned()),
        };
        listener.routes = vec![Route::new(router.at(), Path::All, action)];
        listener
    }
}

/// The TLS options of a router. Without a host of its own it has the default ones, whatever it asks for.
fn options<'a>(router: &Router<'a>, everywhere: Option<(&Key, &'a Node)>) -> &'a str {
    let has_host = router.clauses.iter().any(|clause| !clause.hosts.is_empty());
    let own = router.tls.and_then(|(_, tls)| text(tls, "options"));
    let name = own.or_else(|| text(everywhere?.1, "options")).filter(|_| has_host);
    name.map_or("default", |name| name.split('@').next().unwrap_or(name))
}
