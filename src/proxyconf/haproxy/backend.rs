//! Where HAProxy sends requests: servers, the protocol towards them, and the checks of their health.

use super::super::source::Text;
use super::super::{Action, CheckAsks, Forward, HealthCheck, Place, Server, Setting, Speaks};
use super::Section;
use super::keywords::{Kind, is_known};
use super::line::{Line, Word};
use crate::proxies::Proxy;

/// What a backend does with a request that gets there. `port` is the listener's: a server without one has the same.
pub(super) fn action(backend: &Section<'_>, text: &Text, port: Option<u16>) -> Action {
    let lines = backend.own();
    let all: Vec<ServerLine<'_>> = lines
        .iter()
        .filter_map(|line| server(line, backend, text, port))
        .collect();
    if all.is_empty() {
        let foreign = lines
            .iter()
            .any(|line| matches!(line.word(0), "dispatch" | "use-fcgi-app"))
            || backend.option("transparent").is_some();
        return match foreign {
            true => Action::Else(format!("backend {}", backend.name)),
            // No server, no answer but HAProxy's own.
            false => Action::Answer(503),
        };
    }
    let used: Vec<&ServerLine<'_>> = all.iter().filter(|one| !one.disabled).collect();
    let Some(first) = used.first() else {
        return Action::Answer(503);
    };
    let speaks = match used.iter().all(|one| one.speaks.value == first.speaks.value) {
        true => first.speaks.clone(),
        false => Setting {
            value: Speaks::Unknown,
            ..first.speaks.clone()
        },
    };
    let tls = used
        .iter()
        .all(|one| one.tls.value == first.tls.value)
        .then(|| first.tls.clone());
    let check = used
        .iter()
        .find(|one| one.checked)
        .map(|one| health(one, backend, text));
    Action::Forward(Box::new(Forward {
        at: first.at.clone(),
        name: Some(backend.name.clone()),
        speaks,
        tls,
        servers: used.iter().map(|one| one.server.clone()).collect(),
        check,
        sends_proxy_protocol: used.iter().find_map(|one| one.sends_proxy.clone()),
    }))
}

/// A `server` line with what `default-server` adds to it.
struct ServerLine<'a> {
    at: Place,
    server: Server,
    words: Vec<&'a Word>,
    speaks: Setting<Speaks>,
    tls: Setting<bool>,
    disabled: bool,
    checked: bool,
    sends_proxy: Option<Place>,
}

/// The fewest requests at a time that a server is left with by a `maxconn` that can be meant for Hoop.
const FEW: u64 = 32;

/// The smallest `maxconn` of a backend's servers, where it is so small that a few agents and sessions fill it.
pub(super) fn small_maxconn(backend: &Section<'_>, text: &Text) -> Option<Place> {
    let lines = backend.own();
    let mut small = lines.iter().filter(|line| line.says(&["server"])).filter_map(|line| {
        let words: Vec<&Word> = line.from(3).iter().collect();
        let word = value(&words, "maxconn")?;
        let few = word.text.parse::<u64>().is_ok_and(|most| (1..FEW).contains(&most));
        few.then(|| text.place(word.at))
    });
    small.next()
}

fn server<'a>(line: &'a Line, backend: &'a Section<'_>, text: &Text, listener: Option<u16>) -> Option<ServerLine<'a>> {
    let address = match line.word(0) {
        "server" => line.words.get(2)?,
        "server-template" => line.words.get(3)?,
        _ => return None,
    };
    let options = if line.word(0) == "server" { 3 } else { 4 };
    let defaults = backend
        .lines()
        .into_iter()
        .filter(|line| line.says(&["default-server"]))
        .flat_map(|line| line.from(1));
    let words: Vec<&Word> = defaults.chain(line.from(options)).collect();
    let at = line.place(text, 0);
    let place = |word: &Word| text.place(word.at);
    let (host, port) = match address.varies {
        true => (address.text.as_str(), written_port(&address.text)),
        false => self::address(&address.text, listener),
    };
    let tls = match flag(&words, "ssl") {
        Some(word) => Setting::written(true, "ssl", place(word)),
        None => Setting::by_default(false, "ssl", at.clone()),
    };
    let is_tcp = backend.is_tcp();
    let proto = value(&words, "proto");
    let alpn = value(&words, "alpn").filter(|_| tls.value);
    let speaks = match (proto, alpn) {
        _ if is_tcp => Setting::by_default(Speaks::AsClient, "mode tcp", at.clone()),
        (Some(word), _) => {
            let speaks = match word.text.as_str() {
                "h2" => Speaks::Http2,
                "h1" => Speaks::Http1,
                "fcgi" => Speaks::Foreign,
                _ => Speaks::Unknown,
            };
            Setting::written(speaks, "proto", place(word))
        }
        (None, Some(word)) => {
            let h2 = word.text.split(',').any(|one| one.trim() == "h2");
            Setting::written(if h2 { Speaks::Http2 } else { Speaks::Http1 }, "alpn", place(word))
        }
        (None, None) => Setting::by_default(Speaks::Http1, "proto", at.clone()),
    };
    let sends_proxy = words
        .iter()
        .rfind(|word| word.text.trim_start_matches("no-").starts_with("send-proxy"));
    Some(ServerLine {
        server: Server {
            at: place(address),
            host: host.to_owned(),
            port,
            backup: flag(&words, "backup").is_some(),
            down: None,
        },
        speaks,
        tls,
        disabled: words
            .iter()
            .rfind(|word| matches!(word.text.as_str(), "disabled" | "enabled"))
            .is_some_and(|word| word.text == "disabled"),
        checked: flag(&words, "check").is_some(),
        sends_proxy: sends_proxy
            .filter(|word| word.text.starts_with("send"))
            .map(|word| place(word)),
        at,
        words,
    })
}

/// The last of `ssl` and `no-ssl`, if it is the first of them.
fn flag<'a>(words: &[&'a Word], name: &str) -> Option<&'a Word> {
    let mut found = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            text if text == name => found = Some(*word),
            text if text.strip_prefix("no-") == Some(name) => found = None,
            // A value may be spelled like an option.
            text if is_known(Kind::ServerValue, text) => {
                words.next();
            }
            _ => {}
        }
    }
    found
}

/// The value of the last option with a name.
fn value<'a>(words: &[&'a Word], name: &str) -> Option<&'a Word> {
    let mut found = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if is_known(Kind::ServerValue, &word.text) {
            let value = words.next().copied();
            if word.text == name {
                found = value;
            }
        }
    }
    found
}

/// The port behind a variable: `${GATEWAY}:8010`.
fn written_port(text: &str) -> Option<u16> {
    text.rsplit_once(':')?.1.parse().ok()
}

/// `10.0.0.1:80`, `[::1]:80`, `::1:80`, `gateway`, `ipv4@name:80`, `unix@/run/x`, `name:+1`.
fn address(text: &str, listener: Option<u16>) -> (&str, Option<u16>) {
    let text = match text.split_once('@') {
        Some(("ipv4" | "ipv6" | "tcp" | "tcp4" | "tcp6" | "stream+ipv4" | "stream+ipv6", rest)) => rest,
        Some(_) => return (text, None),
        None => text,
    };
    if text.starts_with('/') {
        return (text, None);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (text, ""),
    };
    let port = match (port, port.strip_prefix('+')) {
        ("" | "0", _) => listener,
        (_, Some(more)) => listener.and_then(|own| own.checked_add(more.parse().ok()?)),
        (port, None) => port.parse().ok(),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

fn health(server: &ServerLine<'_>, backend: &Section<'_>, text: &Text) -> HealthCheck {
    let number = |word: &Word| Some(Setting::written(word.text.parse().ok()?, "port", text.place(word.at)));
    let own_port = value(&server.words, "port").and_then(number);
    let checks = backend.lines();
    let checks: Vec<&&Line> = checks.iter().filter(|line| line.says(&["http-check"])).collect();
    let connect = checks.iter().find(|line| line.word(1) == "connect");
    let of_connect = |name: &str| {
        let line = connect?;
        let at = line.words.iter().position(|word| word.text == name)?;
        line.words.get(at + 1)
    };
    let port = of_connect("port").and_then(number).or(own_port);
    // A check of another port or address is told by itself whether there is TLS.
    let elsewhere = port.is_some() || value(&server.words, "addr").is_some();
    let tls = match connect {
        Some(line) => line.words.iter().any(|word| word.text == "ssl"),
        None => flag(&server.words, "check-ssl").is_some() || (server.tls.value && !elsewhere),
    };
    let mut found = HealthCheck {
        at: server.at.clone(),
        proxy: Proxy::Haproxy,
        asks: CheckAsks::Tcp,
        tls: Some(tls),
        port,
        traffic_port: server.server.port,
        path: None,
        expects: None,
    };
    let Some(httpchk) = backend.option("httpchk") else {
        return found;
    };
    let proto = of_connect("proto")
        .or_else(|| value(&server.words, "check-proto"))
        .map(|word| word.text.as_str());
    let alpn = of_connect("alpn")
        .or_else(|| value(&server.words, "check-alpn"))
        .map(|word| word.text.contains("h2"));
    let h2 = match (proto, alpn) {
        (Some(proto), _) => proto == "h2",
        (None, Some(h2)) => h2,
        (None, None) => {
            connect.is_none() && !elsewhere && server.speaks.value == Speaks::Http2 && server.speaks.name == "proto"
        }
    };
    found.at = httpchk.place(text, 0);
    found.asks = if h2 { CheckAsks::Http2 } else { CheckAsks::Http1 };
    let sends = checks.iter().find(|line| line.word(1) == "send").and_then(|line| {
        let at = line.words.iter().position(|word| word.text == "uri")?;
        line.words.get(at + 1)
    });
    let written = match httpchk.from(2) {
        [] => None,
        [uri] => Some(uri),
        [_, uri, ..] => Some(uri),
    };
    found.path = Some(match sends.or(written) {
        Some(word) => Setting::written(word.text.clone(), "uri", text.place(word.at)),
        None => Setting::by_default("/".to_owned(), "uri", httpchk.place(text, 0)),
    });
    let expect = checks.iter().find(|line| line.word(1) == "expect");
    found.expects = expect.and_then(|line| {
        let not = line.words.iter().any(|word| word.text == "!");
        let at = line
            .words
            .iter()
            .position(|word| matches!(word.text.as_str(), "status" | "rstatus"))?;
        let word = line.words.get(at + 1)?;
        let status = word.text.replace(' ', ",");
        (!not).then(|| Setting::written(status, "http-check expect", text.place(word.at)))
    });
    found
}
