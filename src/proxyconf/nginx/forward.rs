//! Where a block of `http` sends requests, and what holds for them on their way.

use super::directives::Refusal;
use super::http::World;
use super::location::Kind;
use super::scope::Scope;
use super::syntax::{Statement, Word};
use super::values;
use crate::proxies::Proxy;
use crate::proxyconf::{Action, CheckAsks, Forward, HealthCheck, Limits, Place, Setting, Speaks};

/// What is done with requests, and what holds meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Handled {
    pub action: Action,
    pub limits: Limits,
    pub removes: Vec<Setting<String>>,
    pub rewrites: Option<Place>,
    pub buffers_requests: Option<Setting<bool>>,
    pub buffers_responses: Option<Setting<bool>>,
    pub retries: Option<Setting<Option<u64>>>,
    pub upgrades: Option<Setting<bool>>,
}

/// The directive that makes the content of a block: the last of them counts.
pub(super) fn handler<'a>(scope: &Scope<'a>) -> Option<&'a Statement> {
    scope.own().iter().rfind(|one| {
        let name = one.name.text.as_str();
        name.ends_with("_pass")
            || name.starts_with("content_by_lua")
            || matches!(
                name,
                "js_content" | "perl" | "echo" | "api" | "stub_status" | "empty_gif" | "return_html"
            )
    })
}

/// What is wrong with a `proxy_pass`: it wants a scheme.
pub(super) fn refusal(statement: &Statement) -> Option<String> {
    let target = statement.arg(0)?.to_ascii_lowercase();
    let fits = ["http://", "https://"].iter().any(|scheme| target.starts_with(scheme)) || target.contains('$');
    (!fits).then(|| "invalid URL prefix".to_owned())
}

/// What that directive does.
pub(super) fn handled(
    world: &World<'_>,
    scope: &Scope<'_>,
    handler: &Statement,
    kind: Option<Kind<'_>>,
    refusals: &mut Vec<Refusal>,
) -> Handled {
    let mut handled = Handled {
        action: Action::Else(handler.name.text.clone()),
        limits: Limits::default(),
        removes: Vec::new(),
        rewrites: None,
        buffers_requests: None,
        buffers_responses: None,
        retries: None,
        upgrades: None,
    };
    match handler.name.text.as_str() {
        "grpc_pass" => grpc(world, scope, handler, &mut handled, refusals),
        "proxy_pass" => proxy(world, scope, handler, kind, &mut handled, refusals),
        "fastcgi_pass" | "uwsgi_pass" | "scgi_pass" | "memcached_pass" => {
            handled.action = foreign(world, scope, handler);
            handled.limits.body = body(scope);
        }
        "stub_status" | "empty_gif" => handled.action = Action::Answer(200),
        _ => {}
    }
    handled
}

/// An address with its protocol taken off.
struct Target<'a> {
    word: &'a Word,
    /// The text with its variables replaced, where they are known.
    text: String,
}

impl<'a> Target<'a> {
    fn of(scope: &Scope<'_>, handler: &'a Statement) -> Option<Self> {
        let word = handler.args.first()?;
        let replaced = scope.without_variables(&word.text);
        let text = replaced.unwrap_or_else(|| word.text.clone());
        Some(Self { word, text })
    }

    fn parts<'b>(&'b self, address: Option<&'b str>) -> Parts<'b> {
        Parts {
            word: self.word,
            address,
        }
    }
}

fn grpc(world: &World<'_>, scope: &Scope<'_>, handler: &Statement, handled: &mut Handled, refusals: &mut Vec<Refusal>) {
    let Some(target) = Target::of(scope, handler) else {
        return;
    };
    let at = scope.place(&handler.name);
    let lower = target.text.to_ascii_lowercase();
    let (tls, rest) = match (lower.starts_with("grpcs://"), lower.starts_with("grpc://")) {
        (true, _) => (Some(true), target.text.get(8..)),
        (_, true) => (Some(false), target.text.get(7..)),
        _ if target.text.starts_with('$') => (None, None),
        _ => (Some(false), Some(target.text.as_str())),
    };
    let (name, servers) = world.destination(scope, &target.parts(rest), None, handler, refusals);
    let single = servers.len() == 1;
    handled.action = Action::Forward(Box::new(Forward {
        at: scope.place(target.word),
        name,
        speaks: Setting::written(Speaks::Http2, "grpc_pass", at.clone()),
        tls: tls.map(|tls| Setting::written(tls, "grpc_pass", at)),
        servers,
        check: health_check(scope, CheckAsks::Http2, tls),
        sends_proxy_protocol: None,
    }));
    handled.limits = Limits {
        body: body(scope),
        idle: vec![
            scope.time("grpc_read_timeout", 60_000),
            scope.time("client_body_timeout", 60_000),
        ],
        ..Limits::default()
    };
    handled.removes = removed(scope, "grpc_set_header", "grpc_pass_request_headers");
    handled.retries = retries(scope, "grpc_next_upstream").filter(|_| !single);
}

fn proxy(
    world: &World<'_>,
    scope: &Scope<'_>,
    handler: &Statement,
    kind: Option<Kind<'_>>,
    handled: &mut Handled,
    refusals: &mut Vec<Refusal>,
) {
    let Some(target) = Target::of(scope, handler) else {
        return;
    };
    let at = scope.place(&handler.name);
    let lower = target.text.to_ascii_lowercase();
    let (tls, rest) = match (lower.starts_with("https://"), lower.starts_with("http://")) {
        (true, _) => (Some(true), target.text.get(8..)),
        (_, true) => (Some(false), target.text.get(7..)),
        _ if target.text.starts_with('$') => (None, None),
        _ => return,
    };
    let (address, uri) = split_uri(rest.unwrap_or_default());
    let default_port = Some(if tls == Some(true) { 443 } else { 80 });
    let (name, servers) = world.destination(
        scope,
        &target.parts(rest.map(|_| address)),
        default_port,
        handler,
        refusals,
    );
    handled.rewrites = rewrites(handler, uri, kind, scope, refusals);
    let version = scope.find("proxy_http_version");
    let http2 = version.filter(|one| one.arg(0) == Some("2"));
    let speaks = match http2 {
        Some(version) => Setting::written(Speaks::Http2, "proxy_http_version", scope.place(&version.name)),
        None => Setting::written(Speaks::Http1, "proxy_pass", at.clone()),
    };
    handled.action = Action::Forward(Box::new(Forward {
        at: scope.place(target.word),
        name,
        speaks,
        tls: tls.map(|tls| Setting::written(tls, "proxy_pass", at)),
        servers,
        check: health_check(scope, CheckAsks::Http1, tls),
        sends_proxy_protocol: None,
    }));
    handled.limits.body = body(scope);
    handled.removes = removed(scope, "proxy_set_header", "proxy_pass_request_headers");
    // A header with an underscore is dropped when it is read, long before it could be passed on.
    let underscores = scope.server().flag("underscores_in_headers", false);
    if !underscores.value && scope.is_on("ignore_invalid_headers", true) {
        handled.removes.push(Setting {
            value: "hoop_key".to_owned(),
            name: underscores.name,
            from: underscores.from,
            at: underscores.at,
        });
    }
    handled.buffers_requests = Some(scope.flag("proxy_request_buffering", true));
    handled.buffers_responses = Some(scope.flag("proxy_buffering", true));
    handled.upgrades = upgrades(scope);
}

fn foreign(world: &World<'_>, scope: &Scope<'_>, handler: &Statement) -> Action {
    let Some(target) = Target::of(scope, handler) else {
        return Action::Else(handler.name.text.clone());
    };
    let rest = target
        .text
        .split_once("://")
        .map_or(target.text.as_str(), |(_, rest)| rest);
    let (name, servers) = world.destination(scope, &target.parts(Some(rest)), None, handler, &mut Vec::new());
    Action::Forward(Box::new(Forward {
        at: scope.place(target.word),
        name,
        speaks: Setting::written(Speaks::Foreign, &handler.name.text, scope.place(&handler.name)),
        tls: None,
        servers,
        check: None,
        sends_proxy_protocol: None,
    }))
}

/// What is sent on, and the word that says it; no text where nothing of it is known.
pub(super) struct Parts<'a> {
    pub word: &'a Word,
    pub address: Option<&'a str>,
}

/// An address and the path behind it.
fn split_uri(text: &str) -> (&str, Option<&str>) {
    if let Some(path) = text.strip_prefix("unix:") {
        // The socket's path ends at a colon.
        return match path.find(':') {
            Some(at) => (text.get(..at + 5).unwrap_or(text), path.get(at + 1..)),
            None => (text, None),
        };
    }
    // A variable right behind the address is a path too: `http://gateway:8009$request_uri`.
    let slash = text.find('/');
    let variable = text
        .rfind(':')
        .and_then(|colon| text.get(colon..)?.find('$').filter(|at| *at > 1).map(|at| colon + at));
    match slash.into_iter().chain(variable).min() {
        Some(at) => (text.get(..at).unwrap_or(text), text.get(at..)),
        None => (text, None),
    }
}

/// That a path is another one at the upstream.
fn rewrites(
    handler: &Statement,
    uri: Option<&str>,
    kind: Option<Kind<'_>>,
    scope: &Scope<'_>,
    refusals: &mut Vec<Refusal>,
) -> Option<Place> {
    let uri = uri?;
    let place = scope.place(handler.args.first()?);
    if uri.contains('$') {
        let same = uri.starts_with("$request_uri") || uri.starts_with("$uri");
        return (!same).then_some(place);
    }
    match kind {
        Some(Kind::Exact(name) | Kind::Prefix(name, _)) => (name != uri).then_some(place),
        // With a variable in the address there is nothing that nginx could take off.
        _ if handler.arg(0).is_some_and(|text| text.contains('$')) => Some(place),
        Some(Kind::Matches(..) | Kind::Named(_)) | None => {
            refusals.push(Refusal::new(
                handler.end,
                "\"proxy_pass\" cannot have URI part in location given by regular expression, or inside named location, \
                 or inside \"if\" statement, or inside \"limit_except\" block",
            ));
            None
        }
    }
}

/// Bytes of a request; 0 is no limit.
fn body(scope: &Scope<'_>) -> Option<Setting<u64>> {
    let limit = scope.setting("client_max_body_size", 1 << 20, values::offset);
    (limit.value > 0).then_some(limit)
}

/// Headers that don't arrive as they were sent.
fn removed(scope: &Scope<'_>, set: &str, pass: &str) -> Vec<Setting<String>> {
    // What nginx makes anew for each hop, and what only says who asked.
    const OWN: [&str; 7] = [
        "host",
        "connection",
        "upgrade",
        "te",
        "content-length",
        "transfer-encoding",
        "forwarded",
    ];
    let mut found = Vec::new();
    for statement in scope.all(&[set]) {
        let (Some(name), Some(value)) = (statement.arg(0), statement.arg(1)) else {
            continue;
        };
        let name = name.to_ascii_lowercase();
        let same = value
            .trim_matches(['{', '}'])
            .strip_prefix('$')
            .map(str::to_ascii_lowercase);
        let passes = same == Some(format!("http_{}", name.replace('-', "_")));
        if !passes && !OWN.contains(&name.as_str()) && !name.starts_with("x-") {
            found.push(Setting::written(name, set, scope.place(&statement.name)));
        }
    }
    let passed = scope.flag(pass, true);
    if !passed.value {
        found.push(Setting::written("*".to_owned(), pass, passed.at));
    }
    found
}

/// That a call which was sent already is sent once more: nginx does that to `POST` only where it is told to.
fn retries(scope: &Scope<'_>, name: &str) -> Option<Setting<Option<u64>>> {
    let statement = scope.find(name)?;
    let asked = statement.args.iter().any(|word| word.text == "non_idempotent");
    let tries = scope
        .setting(&format!("{name}_tries"), 0, |text| text.parse().ok())
        .value;
    let most = (tries > 0).then_some(tries);
    asked.then(|| Setting::written(most, name, scope.place(&statement.name)))
}

/// Whether a WebSocket can be opened: it needs HTTP/1.1 and two headers that nginx doesn't pass on by itself.
fn upgrades(scope: &Scope<'_>) -> Option<Setting<bool>> {
    let headers = scope.all(&["proxy_set_header"]);
    let sets = |name: &str| {
        let header = headers
            .iter()
            .rfind(|one| one.arg(0).is_some_and(|own| own.eq_ignore_ascii_case(name)));
        header.map(|one| (*one, one.arg(1).unwrap_or_default()))
    };
    let name = |header: &str| format!("proxy_set_header {header}");
    let Some((upgrade, _)) = sets("Upgrade").filter(|(_, value)| !value.is_empty()) else {
        return Some(Setting::by_default(false, name("Upgrade"), scope.begin()));
    };
    let at = scope.place(&upgrade.name);
    match sets("Connection") {
        Some((_, value)) if value.starts_with('$') || value.eq_ignore_ascii_case("upgrade") => {}
        Some((statement, _)) => {
            return Some(Setting::written(
                false,
                name("Connection"),
                scope.place(&statement.name),
            ));
        }
        None => return Some(Setting::by_default(false, name("Connection"), scope.begin())),
    }
    match scope.find("proxy_http_version") {
        Some(version) if version.arg(0) == Some("1.1") => Some(Setting::written(true, name("Upgrade"), at)),
        Some(version) => Some(Setting::written(
            false,
            "proxy_http_version",
            scope.place(&version.name),
        )),
        // HTTP/1.0 up to nginx 1.29.6, HTTP/1.1 since; the file doesn't say which nginx reads it.
        None => None,
    }
}

/// nginx Plus asks its upstreams.
fn health_check(scope: &Scope<'_>, asks: CheckAsks, tls: Option<bool>) -> Option<HealthCheck> {
    let statement = scope.own_one("health_check")?;
    let value = |name: &str| {
        statement
            .args
            .iter()
            .find_map(|word| Some((word, word.text.strip_prefix(name)?.strip_prefix('=')?)))
    };
    let at = scope.place(&statement.name);
    let is_grpc = value("type").is_some_and(|(_, kind)| kind == "grpc");
    let asks = if is_grpc { CheckAsks::GrpcHealth } else { asks };
    let written =
        |name: &str| value(name).map(|(word, text)| Setting::written(text.to_owned(), name, scope.place(word)));
    Some(HealthCheck {
        proxy: Proxy::Nginx,
        asks,
        tls,
        port: value("port")
            .and_then(|(word, text)| Some(Setting::written(text.parse().ok()?, "port", scope.place(word)))),
        traffic_port: None,
        path: match is_grpc {
            true => None,
            false => Some(written("uri").unwrap_or_else(|| Setting::by_default("/".to_owned(), "uri", at.clone()))),
        },
        expects: written("grpc_status"),
        at,
    })
}
