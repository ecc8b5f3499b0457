//! Apache httpd's configuration, as 2.4 reads it: `httpd.conf`, `apache2.conf`, and files of sites alone.

mod check;
mod rewrite;
mod routes;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod upstream;

use self::rewrite::Arrival;
use self::tree::{Directive, Files};
use super::source::{Includes, Text};
use super::{FileRead, Host, Http2, Layer, Limits, Listener, Place, Problem, ProxyConf, Setting, Terminated, Tls};
use crate::proxies::Proxy;

/// `H2MaxSessionStreams` and `LimitRequestFieldSize` where nothing is written.
const STREAMS: u64 = 100;
const FIELD: u64 = 8_190;

/// Reads a file and what it includes.
pub(super) fn read(text: &Text, includes: &mut Includes, conf: &mut ProxyConf) {
    conf.files.push(FileRead {
        name: text.name.clone(),
        proxy: Proxy::Apache,
        lines: text.lines(),
    });
    let mut found = Vec::new();
    let mut files = Files::new(text, includes, conf);
    let read = files.directives().and_then(|body| {
        check::first(&body, &files)?;
        listeners(&body, &files, &mut found);
        Ok(())
    });
    let problem = read.err().map(|refused| {
        let column = |text: &Text| {
            let line = text.line(refused.line);
            text.place_at(
                refused.line,
                line.chars().take_while(|char| char.is_whitespace()).count() + 1,
            )
        };
        Problem {
            at: files.texts.get(refused.file).map(column).unwrap_or_default(),
            what: refused.what,
            starts: false,
        }
    });
    conf.problems.extend(problem);
    conf.listeners.append(&mut found);
}

/// A virtual host, or the main server.
struct Site<'d> {
    own: &'d [Directive],
    base: &'d [Directive],
    at: Place,
}

impl<'d> Site<'d> {
    /// The directive that counts: the last of its own, or else of the main server's.
    fn last(&self, name: &str) -> Option<&'d Directive> {
        let own = self.own.iter().rfind(|one| one.is(name));
        own.or_else(|| self.base.iter().rfind(|one| one.is(name)))
    }

    fn is_on(&self, name: &str) -> bool {
        self.last(name).is_some_and(Directive::is_on)
    }
}

/// A listener for each port and each virtual host that is for it; the main server has the ports that are no host's.
fn listeners(body: &[Directive], files: &Files<'_, '_>, found: &mut Vec<Listener>) {
    let hosts: Vec<&Directive> = body.iter().filter(|one| one.is("VirtualHost")).collect();
    let listens: Vec<&Directive> = body.iter().filter(|one| one.is("Listen")).collect();
    let listened = |one: &Directive| port(one.word(0)).filter(|_| !one.words.first().is_some_and(|word| word.varies));
    for one in &listens {
        let own = listened(one);
        let main = Site {
            own: body,
            base: &[],
            at: files.place_of(one),
        };
        let taken = hosts
            .iter()
            .any(|host| addresses(host).any(|address| address.is_none() || own.is_some() && address == own));
        let same = found.iter().any(|other: &Listener| other.port == own && own.is_some());
        if !taken && !same {
            listener(&main, own, files, found);
        }
    }
    for host in hosts {
        let at = files.place_of(host);
        let mut ports: Vec<Option<u16>> = Vec::new();
        for address in addresses(host) {
            match address {
                Some(port) => ports.push(Some(port)),
                // Any port: those that are listened to.
                None if listens.is_empty() => ports.push(None),
                None => ports.extend(listens.iter().map(|one| listened(one))),
            }
        }
        ports.dedup();
        for port in ports {
            let one = Site {
                own: host.inner(),
                base: body,
                at: at.clone(),
            };
            listener(&one, port, files, found);
        }
    }
    // A fragment may have neither.
    if listens.is_empty() && found.is_empty() && body.iter().any(|one| one.is("ProxyPass") || one.is("Location")) {
        let at = body.first().map(|one| files.place_of(one)).unwrap_or_default();
        listener(
            &Site {
                own: body,
                base: &[],
                at,
            },
            None,
            files,
            found,
        );
    }
}

/// The ports of a virtual host; `None` for any.
fn addresses(host: &Directive) -> impl Iterator<Item = Option<u16>> {
    host.words.iter().map(|word| port(&word.text))
}

/// The port of `443`, `*:443`, `[::1]:443`, `_default_:443`.
fn port(address: &str) -> Option<u16> {
    match address.rsplit_once(':') {
        Some((_, port)) => port.parse().ok(),
        None => address.parse().ok(),
    }
}

fn listener(host: &Site<'_>, port: Option<u16>, files: &Files<'_, '_>, found: &mut Vec<Listener>) {
    let mut listener = Listener::new(host.at.clone(), Proxy::Apache, port, Layer::Http);
    // The names of the main server are no choice: it takes what no virtual host does.
    if !host.base.is_empty() {
        for (one, index) in host
            .own
            .iter()
            .filter(|one| one.is("ServerName") || one.is("ServerAlias"))
            .flat_map(|one| {
                let count = if one.is("ServerName") { 1 } else { one.words.len() };
                (0..count).map(move |index| (one, index))
            })
        {
            let text = one.word(index);
            let name = text.split_once("://").map_or(text, |(_, name)| name);
            let name = name.split(':').next().unwrap_or_default();
            let varies = one.words.get(index).is_some_and(|word| word.varies);
            let read = match varies {
                true => Some(Host::Else(text.to_owned())),
                false => Host::read(name),
            };
            listener
                .hosts
                .extend(read.map(|host| Setting::written(host, one.name.clone(), files.place_word(one, index))));
        }
    }
    let engine = host
        .last("SSLEngine")
        .filter(|engine| !engine.word(0).eq_ignore_ascii_case("off"));
    if let Some(engine) = engine {
        listener.tls = Tls::Ended(Box::new(terminated(host, engine, files)));
    }
    listener.http2 = Some(http2(host, engine.is_some(), files));
    listener.limits = limits(host, files);
    let both: Vec<&Directive> = host.base.iter().chain(host.own).collect();
    let server = upstream::Around {
        files,
        body: &both,
        tls: host.is_on("SSLProxyEngine"),
    };
    let arrival = Arrival {
        tls: engine.is_some(),
        port,
    };
    listener.routes = routes::routes(host.own, host.base, arrival, server, &host.at);
    found.push(listener);
}

fn limits(host: &Site<'_>, files: &Files<'_, '_>) -> Limits {
    let number = |name: &str, default: u64| {
        let written = host
            .last(name)
            .and_then(|one| Some(Setting::written(one.word(0).parse().ok()?, name, files.place_of(one))));
        Some(written.unwrap_or_else(|| Setting::by_default(default, name, host.at.clone())))
    };
    Limits {
        streams: number("H2MaxSessionStreams", STREAMS),
        header: number("LimitRequestFieldSize", FIELD),
        ..Limits::default()
    }
}

fn http2(host: &Site<'_>, tls: bool, files: &Files<'_, '_>) -> Setting<Http2> {
    let wanted = if tls { "h2" } else { "h2c" };
    let Some(protocols) = host.last("Protocols") else {
        return Setting::by_default(Http2::Http1Only, "Protocols", host.at.clone());
    };
    let at = files.place_of(protocols);
    let spoken = protocols
        .words
        .iter()
        .any(|word| word.text.eq_ignore_ascii_case(wanted));
    // Without its module, the word says nothing.
    if spoken && !files.has("mod_http2.c") {
        return Setting::written(Http2::Http1Only, "Protocols without mod_http2", at);
    }
    // It serves one request at a time in a process: mod_http2 warns of it and stays out.
    if spoken && files.has_loaded("prefork.c") {
        return Setting::written(Http2::Http1Only, "Protocols with mpm_prefork", at);
    }
    if let Some(direct) = host.last("H2Direct").filter(|one| !tls && spoken && !one.is_on()) {
        return Setting::written(Http2::Http1Only, "H2Direct", files.place_of(direct));
    }
    Setting::written(if spoken { Http2::Spoken } else { Http2::Http1Only }, "Protocols", at)
}

fn terminated(host: &Site<'_>, engine: &Directive, files: &Files<'_, '_>) -> Terminated {
    let mut found = Terminated::new(files.place_of(engine));
    let own = host.own.iter().filter(|one| one.is("SSLCertificateFile"));
    let all: Vec<&Directive> = match own.clone().next() {
        Some(_) => own.collect(),
        None => host.base.iter().filter(|one| one.is("SSLCertificateFile")).collect(),
    };
    let certificate =
        |one: &Directive| Setting::written(one.word(0).to_owned(), "SSLCertificateFile", files.place_word(one, 0));
    found.certificates = all.into_iter().map(certificate).collect();
    found.client_certificate = host.last("SSLVerifyClient").map(|one| {
        let required = one.word(0).eq_ignore_ascii_case("require");
        Setting::written(required, "SSLVerifyClient", files.place_of(one))
    });
    found.newest = host.last("SSLProtocol").and_then(|one| newest(one, files));
    found
}

/// The newest version of `all -TLSv1.3` or `TLSv1.1`.
fn newest(one: &Directive, files: &Files<'_, '_>) -> Option<Setting<String>> {
    const VERSIONS: [(&str, &str); 4] = [
        ("tlsv1.3", "1.3"),
        ("tlsv1.2", "1.2"),
        ("tlsv1.1", "1.1"),
        ("tlsv1", "1.0"),
    ];
    let mut on = [true; 4];
    let mut begun = false;
    for word in &one.words {
        let (sign, name) = match (word.text.strip_prefix('+'), word.text.strip_prefix('-')) {
            (Some(name), _) => (Some(true), name),
            (_, Some(name)) => (Some(false), name),
            (None, None) => (None, word.text.as_str()),
        };
        let name = name.to_ascii_lowercase();
        if sign.is_none() || !begun && sign == Some(true) {
            // A word without a sign begins anew.
            on = [false; 4];
        }
        begun = true;
        for ((version, _), on) in VERSIONS.iter().zip(&mut on) {
            if name == "all" || name == *version {
                *on = sign != Some(false);
            }
        }
    }
    let left = VERSIONS.iter().zip(on).find(|(_, on)| *on)?;
    let (_, version) = left.0;
    (*version != "1.3").then(|| Setting::written((*version).to_owned(), "SSLProtocol", files.place_of(one)))
}
