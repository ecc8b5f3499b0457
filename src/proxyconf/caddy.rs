//! Caddyfiles and Caddy's JSON, as Caddy 2.11 reads them.

mod check;
mod json;
mod matcher;
mod options;
mod steps;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod upstream;

use self::matcher::{Matchers, Scheme};
use self::options::Options;
use self::steps::Site;
use self::tree::{Block, Directive, Files};
use super::cases::Cases;
use super::source::{Includes, Text};
use super::{
    Action, Asks, FileRead, Host, Http2, Layer, Limits, Listener, Path, Place, Problem, ProxyConf, Route, Setting,
    Terminated, Tls,
};
use crate::proxies::Proxy;

fn is_json(content: &str) -> bool {
    let rest = content.trim_start().strip_prefix('{').map(str::trim_start);
    rest.is_some_and(|rest| rest.starts_with(['"', '}']))
}

/// Reads a Caddyfile or Caddy's JSON.
pub(super) fn read(text: &Text, includes: &mut Includes, conf: &mut ProxyConf) {
    conf.files.push(FileRead {
        name: text.name.clone(),
        proxy: Proxy::Caddy,
        lines: text.lines(),
    });
    if is_json(&text.content) {
        json::read(text, conf);
        return;
    }
    let mut found = Vec::new();
    let mut files = Files::new(text, includes, conf);
    let read = files.blocks().and_then(|blocks| {
        let global = blocks.first().filter(|block| block.keys.is_empty());
        let options = Options::new(global.map_or(&[][..], |block| &block.body), &files);
        check::first(&blocks, &options, &files)?;
        let sites = blocks.iter().filter(|block| !block.keys.is_empty());
        sites.for_each(|block| site(block, &options, &files, &mut found));
        Ok(())
    });
    let problem = read.err().map(|(token, what)| Problem {
        at: files.place(&token),
        what,
        starts: false,
    });
    conf.problems.extend(problem);
    conf.listeners.append(&mut found);
}

/// An address of a site.
#[derive(Clone, Debug)]
struct Address {
    scheme: Option<String>,
    /// Empty for all.
    host: String,
    port: Option<u16>,
    bad_port: Option<String>,
    path: String,
}

impl Address {
    /// `https://gw.example.com:8443/path`, `:80`, `*.example.com`.
    fn read(text: &str) -> Self {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains([']', '}']) => (host, Some(port)),
            _ => (authority, None),
        };
        let number = port.and_then(|port| port.parse::<u16>().ok());
        let is_plain = |port: &&str| !port.is_empty() && !port.contains(['{', '-', '*']);
        Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port: number,
            bad_port: port.filter(is_plain).filter(|_| number.is_none()).map(str::to_owned),
            path: path.to_owned(),
        }
    }
}

/// Adds the listeners of a site: one for all of its names with the same scheme, port and path.
fn site(block: &Block, options: &Options, files: &Files<'_, '_>, found: &mut Vec<Listener>) {
    let tls = block.body.iter().rfind(|directive| directive.name() == "tls");
    let http_port = options.http_port.unwrap_or(80);
    let https_port = options.https_port.unwrap_or(443);
    let first = found.len();
    for key in &block.keys {
        let address = Address::read(&key.text);
        let place = files.place(key);
        let named = !address.host.is_empty() || key.varies;
        let ends_tls = match address.scheme.as_deref() {
            Some(scheme) => scheme == "https",
            None => address.port != Some(http_port) && (tls.is_some() || named),
        };
        let default = if ends_tls { https_port } else { http_port };
        let port = address
            .port
            .or((!key.varies || !key.text.contains(":{$")).then_some(default));
        let host = match key.varies || address.host.contains('{') {
            true => Some(Host::Else(key.text.clone())),
            false => Some(address.host.as_str())
                .filter(|host| !host.is_empty())
                .and_then(Host::read),
        };
        let host = host.map(|host| Setting::written(host, "address", place.clone()));
        let same = found.iter_mut().skip(first).find(|other| {
            other.port == port
                && matches!(other.tls, Tls::Off) != ends_tls
                && address.path.is_empty()
                && !other.hosts.is_empty()
        });
        if let (Some(listener), Some(host)) = (same, host.clone()) {
            listener.hosts.push(host);
            continue;
        }
        let scheme = if ends_tls { Scheme::Https } else { Scheme::Http };
        let site = Site { files, options, scheme };
        let at = place.clone();
        let nothing = vec![Route::new(at.clone(), Path::All, Action::Answer(200))];
        let mut routes = site.sorted(&block.body, &Matchers::new(), nothing, 0);
        if !address.path.is_empty() {
            routes = Cases::of(Asks::Path(matcher::path(&address.path))).within(&routes, &at);
        }
        let mut listener = Listener::new(at.clone(), Proxy::Caddy, port, Layer::Http);
        listener.hosts = host.into_iter().collect();
        let other = found
            .iter_mut()
            .find(|other| other.port == port && names(other) == names(&listener) && !address.path.is_empty());
        if let Some(other) = other {
            // The longer path is asked first.
            other.routes.splice(0..0, routes);
            continue;
        }
        let server = options.server(port);
        keep_out(&mut routes, options::dropped(&server.underscores, &at));
        listener.routes = routes;
        if ends_tls {
            listener.tls = Tls::Ended(Box::new(terminated(tls, files, &at)));
        }
        listener.http2 = Some(http2(&server, tls.filter(|_| ends_tls), ends_tls, files, &at));
        listener.proxy_protocol = server.proxy_protocol.as_ref().map(|token| files.place(token));
        listener.limits = limits(server.limits, &at);
        found.push(listener);
    }
}

/// Takes a header out of what is forwarded.
fn keep_out(routes: &mut [Route], header: Option<Setting<String>>) {
    let Some(header) = header else { return };
    for route in routes
        .iter_mut()
        .filter(|route| matches!(route.action, Action::Forward(_)))
    {
        route.removes.push(header.clone());
    }
}

fn names(listener: &Listener) -> Vec<&Host> {
    listener.hosts.iter().map(|host| &host.value).collect()
}

/// The limits of a server with Caddy's own: since 2.11 a request that is quiet for a minute is ended.
fn limits(mut written: Limits, at: &Place) -> Limits {
    if written.idle.is_empty() {
        written
            .idle
            .push(Setting::by_default(60_000, "read_body_idle", at.clone()));
    }
    written.idle.retain(|idle| idle.value > 0);
    written
}

fn http2(
    server: &options::Server,
    tls: Option<&Directive>,
    ends_tls: bool,
    files: &Files<'_, '_>,
    at: &Place,
) -> Setting<Http2> {
    let alpn = tls.and_then(|tls| tls.inner().iter().find(|one| one.name() == "alpn"));
    let protocols = server.protocols.as_ref();
    // In cleartext, `h2` lets in those who know that HTTP/2 is spoken, as `h2c` does.
    let spoken = protocols.is_none_or(|(all, _)| all.iter().any(|one| one == "h2" || one == "h2c" && !ends_tls));
    let chosen = alpn.map(|alpn| alpn.arguments().iter().any(|word| word.text == "h2"));
    match (spoken, chosen, protocols) {
        (false, _, Some((_, token))) => Setting::written(Http2::Http1Only, "protocols", files.place(token)),
        (true, Some(false), _) => {
            let place = alpn.and_then(|alpn| alpn.words.first()).map(|word| files.place(word));
            Setting::written(Http2::Http1Only, "alpn", place.unwrap_or_else(|| at.clone()))
        }
        (true, _, Some((_, token))) => Setting::written(Http2::Spoken, "protocols", files.place(token)),
        (_, _, None) => Setting::by_default(Http2::Spoken, "protocols", at.clone()),
    }
}

fn terminated(tls: Option<&Directive>, files: &Files<'_, '_>, at: &Place) -> Terminated {
    let Some(directive) = tls else {
        return Terminated::new(at.clone());
    };
    let place = |directive: &Directive| {
        directive
            .words
            .first()
            .map(|word| files.place(word))
            .unwrap_or_default()
    };
    let mut found = Terminated::new(place(directive));
    if let [certificate, _key] = directive.arguments() {
        let at = files.place(certificate);
        found
            .certificates
            .push(Setting::written(certificate.text.clone(), "tls", at));
    }
    for one in directive.inner() {
        match one.name() {
            "client_auth" => {
                let mode = one.inner().iter().find(|inner| inner.name() == "mode");
                let required = mode.is_none_or(|mode| matches!(mode.word(1), "require" | "require_and_verify"));
                let at = place(mode.unwrap_or(one));
                found.client_certificate = Some(Setting::written(required, "client_auth", at));
            }
            "protocols" => {
                let newest = one.arguments().last().filter(|_| one.arguments().len() > 1);
                found.newest = newest.and_then(|word| {
                    let version = word.text.strip_prefix("tls")?.to_owned();
                    Some(Setting::written(version, "protocols", files.place(word)))
                });
            }
            _ => {}
        }
    }
    found
}
