//! `haproxy.cfg`, as HAProxy 2.6 to 3.2 read it.
//!
//! What a later version adds is no problem; what has another default there is read as in 2.6, which Debian has.

mod backend;
mod check;
mod condition;
mod keywords;
mod line;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use self::condition::{Arrival, split};
use self::line::{Line, Word, lines};
use super::cases::Cases;
use super::source::Text;
use super::{
    Action, Asks, Condition, FileRead, Guard, GuardKind, Host, Http2, Layer, Limits, Listener, Path, Place, ProxyConf,
    Route, Setting, Terminated, Tls,
};
use crate::proxies::Proxy;

/// Reads a file.
pub(super) fn read(text: &Text, conf: &mut ProxyConf) {
    conf.files.push(FileRead {
        name: text.name.clone(),
        proxy: Proxy::Haproxy,
        lines: text.lines(),
    });
    let mut problems = Vec::new();
    let lines = lines(text, &mut problems);
    let (lines, conditional) = without_conditional_blocks(lines);
    let sections = sections(&lines);
    check::lines(&lines, text, &mut problems);
    if problems.is_empty() && !conditional {
        check::sections(&sections, text, &mut problems);
    }
    let refused = !problems.is_empty();
    conf.problems.extend(problems);
    if refused {
        return;
    }
    let file = File::new(text, &sections);
    for section in &sections {
        if matches!(section.kind, Kind::Frontend | Kind::Listen) && !section.says(&["disabled"]) {
            file.listeners(section, conf);
        }
    }
}

/// Takes out what stands between `.if` and `.endif`: whether it holds is known to HAProxy alone.
fn without_conditional_blocks(lines: Vec<Line>) -> (Vec<Line>, bool) {
    let mut depth = 0_usize;
    let mut any = false;
    let mut kept = Vec::with_capacity(lines.len());
    for line in lines {
        match line.word(0) {
            ".if" => (depth, any) = (depth + 1, true),
            ".endif" => depth = depth.saturating_sub(1),
            word if word.starts_with('.') => {}
            _ if depth > 0 => {}
            _ => kept.push(line),
        }
    }
    (kept, any)
}

/// What a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Global,
    Defaults,
    Frontend,
    Backend,
    Listen,
    /// `peers`, `resolvers`, `userlist` and the like.
    Other,
}

impl Kind {
    /// The kind that a line begins.
    fn of(line: &Line) -> Option<Self> {
        Some(match line.word(0) {
            "global" => Self::Global,
            "defaults" => Self::Defaults,
            "frontend" => Self::Frontend,
            "backend" => Self::Backend,
            "listen" => Self::Listen,
            "acme" | "cache" | "crt-store" | "dynamic-update" | "fcgi-app" | "http-errors" | "log-forward"
            | "log-profile" | "mailers" | "namespace_list" | "peers" | "program" | "resolvers" | "ring" | "traces"
            | "userlist" => Self::Other,
            _ => return None,
        })
    }
}

/// A section with what it inherits.
#[derive(Clone, Debug)]
struct Section<'a> {
    kind: Kind,
    name: String,
    head: &'a Line,
    body: &'a [Line],
    /// The lines of its `defaults`, those of the farthest first.
    inherited: Vec<&'a Line>,
}

impl<'a> Section<'a> {
    /// Its own lines.
    fn own(&self) -> &'a [Line] {
        self.body
    }

    /// What it inherits, and then its own lines.
    fn lines(&self) -> Vec<&'a Line> {
        self.inherited.iter().copied().chain(self.body).collect()
    }

    /// The line that holds of those that begin with these words: the last.
    fn last(&self, words: &[&str]) -> Option<&'a Line> {
        let own = self.body.iter().rfind(|line| line.says(words));
        own.or_else(|| self.inherited.iter().copied().rfind(|line| line.says(words)))
    }

    fn says(&self, words: &[&str]) -> bool {
        self.last(words).is_some()
    }

    /// The line that sets an option, unless it is taken back.
    fn option(&self, name: &str) -> Option<&'a Line> {
        let all = self.lines();
        let is_it = |line: &&&Line| line.says(&["option", name]) || line.says(&["no", "option", name]);
        all.iter().rfind(is_it).copied().filter(|line| line.word(0) == "option")
    }

    fn is_tcp(&self) -> bool {
        self.last(&["mode"]).is_none_or(|line| line.word(1) != "http")
    }

    /// A timeout in milliseconds.
    fn timeout(&self, name: &str, text: &Text) -> Option<Setting<u64>> {
        let line = self.last(&["timeout", name])?;
        let value = time(line.word(2)).ok().filter(|ms| *ms > 0)?;
        Some(Setting::written(value, format!("timeout {name}"), line.place(text, 2)))
    }
}

fn sections(lines: &[Line]) -> Vec<Section<'_>> {
    let starts: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| Kind::of(line).is_some())
        .map(|(at, _)| at)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let mut found: Vec<Section<'_>> = Vec::new();
    let mut current: Vec<&Line> = Vec::new();
    let mut named: HashMap<String, Vec<&Line>> = HashMap::new();
    for (start, end) in starts.iter().zip(ends) {
        let Some((head, body)) = lines.get(*start..end).and_then(<[Line]>::split_first) else {
            continue;
        };
        let Some(kind) = Kind::of(head) else { continue };
        let name = if head.word(1) == "from" && kind == Kind::Defaults {
            ""
        } else {
            head.word(1)
        };
        let from = head
            .words
            .iter()
            .position(|word| word.text == "from")
            .map(|at| head.word(at + 1));
        let inherited = match (kind, from) {
            (Kind::Global | Kind::Other, _) | (Kind::Defaults, None) => Vec::new(),
            (_, Some(from)) => named.get(from).cloned().unwrap_or_default(),
            (_, None) => current.clone(),
        };
        if kind == Kind::Defaults {
            current = inherited.iter().copied().chain(body).collect();
            named.insert(name.to_owned(), current.clone());
        }
        found.push(Section {
            kind,
            name: name.to_owned(),
            head,
            body,
            inherited,
        });
    }
    found
}

/// A time in milliseconds; what is wrong with it otherwise.
fn time(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(match text.chars().next() {
            Some(char) => format!("unexpected character '{char}'"),
            None => "a time is missing".to_owned(),
        });
    }
    // Up to 2.6 what follows the unit is no error: `1hour` is an hour.
    let times = match unit.as_bytes() {
        [] | [b'm', b's', ..] => Some(1),
        [b'u', ..] => None,
        [b's', ..] => Some(1_000),
        [b'm', ..] => Some(60_000),
        [b'h', ..] => Some(3_600_000),
        [b'd', ..] => Some(86_400_000),
        _ => {
            let char = unit.chars().next().unwrap_or_default();
            return Err(format!("unexpected character '{char}'"));
        }
    };
    let number: u64 = number.parse().unwrap_or(u64::MAX);
    let ms = times.map_or(number / 1_000, |times: u64| number.saturating_mul(times));
    match ms > LONGEST {
        true => Err(format!("timer overflow in '{text}'")),
        false => Ok(ms),
    }
}

/// The longest time that HAProxy takes: 24.8 days.
const LONGEST: u64 = (1 << 31) - 1;
/// Of a range of ports no more are listed.
const MOST_PORTS: u16 = 16;
/// `tune.h2.max-concurrent-streams` where nothing is written.
const STREAMS: u64 = 100;

/// The sections of a file by what they are for.
struct File<'a, 't> {
    text: &'t Text,
    global: Vec<&'a Section<'a>>,
    backends: HashMap<&'a str, &'a Section<'a>>,
}

/// One address of a `bind` line.
struct Bind<'a> {
    port: Option<u16>,
    words: &'a [Word],
    at: Place,
}

impl<'a, 't> File<'a, 't> {
    fn new(text: &'t Text, sections: &'a [Section<'a>]) -> Self {
        let backends = sections
            .iter()
            .filter(|section| matches!(section.kind, Kind::Backend | Kind::Listen));
        Self {
            text,
            global: sections.iter().filter(|section| section.kind == Kind::Global).collect(),
            backends: backends.map(|section| (section.name.as_str(), section)).collect(),
        }
    }

    fn global(&self, words: &[&str]) -> Option<&'a Line> {
        self.global
            .iter()
            .rev()
            .find_map(|section| section.body.iter().rfind(|line| line.says(words)))
    }

    fn listeners(&self, section: &Section<'a>, conf: &mut ProxyConf) {
        for line in section.own().iter().filter(|line| line.says(&["bind"])) {
            let Some(addresses) = line.words.get(1) else { continue };
            for port in ports(&addresses.text, addresses.varies) {
                let bind = Bind {
                    port,
                    words: line.from(2),
                    at: line.place(self.text, 0),
                };
                self.listener(section, &bind, conf);
            }
        }
    }

    fn listener(&self, section: &Section<'a>, bind: &Bind<'_>, conf: &mut ProxyConf) {
        let layer = if section.is_tcp() { Layer::Tcp } else { Layer::Http };
        let place = |word: &Word| self.text.place(word.at);
        let mut listener = Listener::new(bind.at.clone(), Proxy::Haproxy, bind.port, layer);
        let ssl = bind.flag("ssl");
        if let Some(ssl) = ssl {
            listener.tls = Tls::Ended(Box::new(self.terminated(bind, place(ssl))));
        } else if layer == Layer::Tcp {
            listener.tls = Tls::Passed;
        }
        listener.http2 = http2(section, bind, self.text, layer, ssl.is_some());
        let lines = section.lines();
        let expects = lines
            .iter()
            .find(|line| line.says(&["tcp-request", "connection", "expect-proxy"]) && line.words.len() <= 4);
        let accepts = bind.flag("accept-proxy").map(place);
        listener.proxy_protocol = accepts.or_else(|| expects.map(|line| line.place(self.text, 0)));
        let arrival = Arrival {
            lines: &lines,
            port: bind.port,
            tls: ssl.is_some(),
        };
        let routes = rules::before(self.routes(section, arrival), &lines, self.text, arrival);
        if layer == Layer::Http {
            listener.limits = self.limits(bind);
            listener.routes = routes;
            conf.listeners.push(listener);
            return;
        }
        // Names in the handshake choose between upstreams: each has a listener of its own, as bytes have no path.
        let mut only: Vec<Setting<Host>> = Vec::new();
        for mut route in routes {
            let denied = route.guards.iter().any(|guard| guard.kind == GuardKind::Denies);
            if let (
                [
                    Condition {
                        asks: Asks::Host(hosts),
                        not: true,
                    },
                ],
                true,
            ) = (route.when.as_slice(), denied)
            {
                let at = &route.at;
                only = hosts
                    .iter()
                    .map(|host| Setting::written(host.clone(), "req.ssl_sni", at.clone()))
                    .collect();
                continue;
            }
            let mut one = listener.clone();
            one.hosts = match std::mem::take(&mut route.hosts) {
                hosts if hosts.is_empty() => only.clone(),
                hosts => hosts,
            };
            one.routes = vec![route];
            conf.listeners.push(one);
        }
    }

    fn limits(&self, bind: &Bind<'_>) -> Limits {
        let names = ["tune.h2.fe.max-concurrent-streams", "tune.h2.max-concurrent-streams"];
        let written = names.iter().find_map(|name| {
            let line = self.global(&[name])?;
            Some(Setting::written(
                line.word(1).parse().ok()?,
                *name,
                line.place(self.text, 0),
            ))
        });
        let streams = written.unwrap_or_else(|| Setting::by_default(STREAMS, names[1], bind.at.clone()));
        Limits {
            streams: Some(streams),
            ..Limits::default()
        }
    }

    fn terminated(&self, bind: &Bind<'_>, at: Place) -> Terminated {
        let place = |word: &Word| self.text.place(word.at);
        let mut tls = Terminated::new(at);
        for name in ["crt", "crt-list", "default-crt"] {
            let all = bind.values(name);
            tls.certificates
                .extend(all.map(|word| Setting::written(word.text.clone(), name, place(word))));
        }
        tls.client_certificate = bind
            .values("verify")
            .last()
            .map(|word| Setting::written(word.text == "required", "verify", place(word)));
        let defaults = self.global(&["ssl-default-bind-options"]);
        let words = defaults.map_or(&[][..], |line| line.from(1)).iter().chain(bind.words);
        tls.newest = newest(&words.collect::<Vec<_>>(), self.text);
        tls
    }

    /// What becomes of a request behind the rules: `use_backend` in order, then the default.
    fn routes(&self, section: &Section<'a>, arrival: Arrival<'_>) -> Vec<Route> {
        let lines = section.lines();
        let mut routes = Vec::new();
        for line in &lines {
            let at = line.place(self.text, 0);
            let answer = |path, action| Route::new(at.clone(), path, action);
            match line.word(0) {
                "monitor-uri" => routes.insert(0, answer(Path::Exact(line.word(1).to_owned()), Action::Answer(200))),
                "stats" if line.word(1) == "uri" => {
                    routes.push(answer(Path::Prefix(line.word(2).to_owned()), Action::Answer(200)))
                }
                "use_backend" => {
                    let (_, holds) = split(line.from(2), arrival);
                    let varies = line.words.get(1).is_some_and(|word| word.varies) || line.word(1).contains("%[");
                    routes.extend(self.to(line.word(1), varies, &at, &holds, section, arrival));
                }
                _ => {}
            }
        }
        let default = section
            .last(&["default_backend"])
            .filter(|_| section.kind != Kind::Backend);
        match default {
            Some(line) => {
                let at = line.place(self.text, 0);
                let varies = line.words.get(1).is_some_and(|word| word.varies);
                routes.extend(self.to(line.word(1), varies, &at, &Cases::always(), section, arrival));
            }
            None if section.kind == Kind::Listen => {
                let at = section.head.place(self.text, 0);
                routes.push(self.through(section, section, at, arrival));
            }
            None => routes.push(Route::new(
                section.head.place(self.text, 0),
                Path::All,
                Action::Answer(503),
            )),
        }
        routes
    }

    /// The routes into a backend, in these cases.
    fn to(
        &self,
        name: &str,
        varies: bool,
        at: &Place,
        cases: &Cases,
        from: &Section<'a>,
        arrival: Arrival<'_>,
    ) -> Vec<Route> {
        let backend = self.backends.get(name).filter(|_| !varies);
        let Some(backend) = backend else {
            return cases.routes(&Route::new(
                at.clone(),
                Path::All,
                Action::Else(format!("backend {name}")),
            ));
        };
        let routes = cases.routes(&self.through(backend, from, at.clone(), arrival));
        let lines = backend.lines();
        rules::before(
            routes,
            &lines,
            self.text,
            Arrival {
                lines: &lines,
                ..arrival
            },
        )
    }

    /// The route through a backend, and what holds for it there.
    fn through(&self, backend: &Section<'a>, from: &Section<'a>, at: Place, arrival: Arrival<'_>) -> Route {
        let action = backend::action(backend, self.text, arrival.port);
        let mut route = Route::new(at.clone(), Path::All, action);
        let server = backend.timeout("server", self.text);
        route.limits.idle = match backend.is_tcp() {
            false => server.into_iter().collect(),
            // Between bytes that it doesn't understand, HAProxy goes by the timeout of tunnels as soon as it is set.
            true => match backend.timeout("tunnel", self.text) {
                Some(tunnel) => vec![tunnel],
                None => server.into_iter().chain(from.timeout("client", self.text)).collect(),
            },
        };
        if !matches!(route.action, Action::Forward(_)) {
            return route;
        }
        if let Some(at) = backend::small_maxconn(backend, self.text) {
            route.guards.push(Guard {
                at,
                kind: GuardKind::Limits,
                name: "maxconn".to_owned(),
            });
        }
        if backend.is_tcp() {
            return route;
        }
        let sections = [from, backend];
        let option = |name: &'static str| sections.iter().find_map(|section| section.option(name));
        route.buffers_requests = option("http-buffer-request")
            .map(|line| Setting::written(true, "option http-buffer-request", line.place(self.text, 0)));
        if let Some(line) = option("http-restrict-req-hdr-names").filter(|line| line.word(2) != "preserve") {
            let name = "option http-restrict-req-hdr-names";
            route
                .removes
                .push(Setting::written("hoop_key".to_owned(), name, line.place(self.text, 0)));
        }
        if let Action::Forward(to) = &route.action
            && to.speaks.value == super::Speaks::Http1
        {
            route.upgrades = Some(Setting::by_default(true, "option http-keep-alive", at));
        }
        route.retries = backend.last(&["retry-on"]).and_then(|line| {
            let again = line
                .from(1)
                .iter()
                .any(|word| !matches!(word.text.as_str(), "none" | "conn-failure"));
            let times = backend.last(&["retries"]).map_or(Ok(3), |line| line.word(1).parse());
            let retries = times.as_ref().is_ok_and(|times| *times > 0) && again;
            retries.then(|| Setting::written(times.ok(), "retry-on", line.place(self.text, 0)))
        });
        route
    }
}

impl<'a> Bind<'a> {
    /// A word that takes no value.
    fn flag(&self, name: &str) -> Option<&'a Word> {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            if word.text == name {
                return Some(word);
            }
            if keywords::is_known(keywords::Kind::BindValue, &word.text) {
                words.next();
            }
        }
        None
    }

    /// The values of a word, in order.
    fn values(&self, name: &str) -> impl Iterator<Item = &'a Word> {
        let mut words = self.words.iter();
        let mut found = Vec::new();
        while let Some(word) = words.next() {
            if keywords::is_known(keywords::Kind::BindValue, &word.text) {
                let value = words.next();
                found.extend(value.filter(|_| word.text == name));
            }
        }
        found.into_iter()
    }
}

/// The TCP ports of `:80`, `*:443,[::1]:8443`, `0.0.0.0:8000-8003`, `unix@/run/x`. QUIC has none.
fn ports(addresses: &str, varies: bool) -> Vec<Option<u16>> {
    if varies {
        return vec![None];
    }
    let mut found = Vec::new();
    for address in addresses.split(',') {
        let (family, rest) = address.split_once('@').unwrap_or(("", address));
        if family.starts_with("quic") || family.starts_with("udp") {
            continue;
        }
        let port = rest
            .rsplit_once(':')
            .map(|(_, port)| port)
            .filter(|_| !rest.starts_with('/'));
        let range = port.and_then(|port| {
            let (first, last) = port.split_once('-').unwrap_or((port, port));
            Some((first.parse::<u16>().ok()?, last.parse::<u16>().ok()?))
        });
        match range {
            Some((first, last)) => found.extend((first..=last.min(first.saturating_add(MOST_PORTS - 1))).map(Some)),
            None => found.push(None),
        }
    }
    found
}

fn http2(section: &Section<'_>, bind: &Bind<'_>, text: &Text, layer: Layer, tls: bool) -> Option<Setting<Http2>> {
    let place = |word: &Word| text.place(word.at);
    let proto = bind.values("proto").last().filter(|_| layer == Layer::Http);
    let h1 = proto.is_some_and(|word| word.text == "h1");
    let alpn = bind.values("alpn").last();
    if tls {
        let no_alpn = || match bind.flag("no-alpn") {
            Some(word) => Setting::written(Http2::NoAlpn, "no-alpn", place(word)),
            None => Setting::by_default(Http2::NoAlpn, "alpn", bind.at.clone()),
        };
        let Some(alpn) = alpn else {
            // Each line of a list of certificates may have an ALPN of its own.
            return bind.values("crt-list").next().is_none().then(no_alpn);
        };
        let h2 = alpn.text.split(',').any(|one| one.trim() == "h2");
        let outcome = match (h2, h1) {
            (true, true) => Http2::ChosenInVain,
            (true, false) => Http2::Spoken,
            (false, _) => Http2::Http1Only,
        };
        return Some(Setting::written(outcome, "alpn", place(alpn)));
    }
    if layer == Layer::Tcp {
        return None;
    }
    Some(match (proto, section.option("disable-h2-upgrade")) {
        (Some(word), _) => Setting::written(if h1 { Http2::Http1Only } else { Http2::Spoken }, "proto", place(word)),
        (None, Some(line)) => Setting::written(Http2::Http1Only, "option disable-h2-upgrade", line.place(text, 0)),
        (None, None) => Setting::by_default(Http2::Spoken, "proto", bind.at.clone()),
    })
}

/// The newest TLS that `ssl-max-ver`, `force-tlsv12` and `no-tlsv13` leave.
fn newest(words: &[&Word], text: &Text) -> Option<Setting<String>> {
    let mut newest: Option<Setting<String>> = None;
    let mut without: Vec<&str> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let version = |name: &str| match name.trim_start_matches("TLSv").trim_start_matches("tlsv") {
            "1.0" | "10" => Some("1.0"),
            "1.1" | "11" => Some("1.1"),
            "1.2" | "12" => Some("1.2"),
            "1.3" | "13" => Some("1.3"),
            _ => None,
        };
        let set = |version: &str, name: &str| Some(Setting::written(version.to_owned(), name, text.place(word.at)));
        if word.text == "ssl-max-ver" {
            let value = words.get(index + 1).and_then(|word| version(&word.text));
            newest = value.and_then(|version| set(version, "ssl-max-ver")).or(newest);
        } else if let Some(only) = word.text.strip_prefix("force-").and_then(version) {
            newest = set(only, &word.text);
        } else if let Some(not) = word.text.strip_prefix("no-").and_then(version) {
            without.push(not);
            let left = ["1.3", "1.2", "1.1", "1.0"]
                .into_iter()
                .find(|version| !without.contains(version));
            if let (Some(left), None) = (left.filter(|left| *left != "1.3"), &newest) {
                newest = set(left, &word.text);
            } else if let (Some(left), Some(old)) = (left, &newest)
                && left < old.value.as_str()
            {
                newest = set(left, &word.text);
            }
        }
    }
    newest
}
