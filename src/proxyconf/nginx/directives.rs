//! Which directives nginx has, where each may stand, how many arguments it takes and which values: nginx's own tables.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::listen::Listen;
use super::syntax::{Body, Spot, Statement};
use super::{forward, location, upstream, values};

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    Main,
    Events,
    Http,
    Server,
    Location,
    Upstream,
    IfInServer,
    IfInLocation,
    LimitExcept,
    Stream,
    StreamServer,
    StreamUpstream,
    /// The entries of a `map`, of `types` and the like.
    Entries,
    /// A block of a module that isn't known here.
    Unknown,
}

/// What nginx would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Where.
    pub at: Spot,
    /// In nginx's words.
    pub what: String,
    /// Whether nginx may start all the same.
    pub starts: bool,
    /// That the directive is in the wrong place: what it contains, and what follows, can't be judged.
    pub misplaced: bool,
}

impl Refusal {
    /// What nginx refuses at this place.
    pub(super) fn new(at: Spot, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
            starts: false,
            misplaced: false,
        }
    }
}

/// One way to use a directive.
struct Usage {
    contexts: &'static str,
    arguments: &'static str,
    block: bool,
    value: &'static str,
}

static TABLE: LazyLock<HashMap<&'static str, Vec<Usage>>> = LazyLock::new(|| {
    let lines = include_str!("directives.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let read = |line: &'static str| {
        let mut columns = line.split('\t');
        let name = columns.next().unwrap_or_default();
        (name, columns.filter_map(Usage::read).collect())
    };
    lines.map(read).collect()
});

impl Usage {
    fn read(column: &'static str) -> Option<Self> {
        let mut parts = column.splitn(3, ' ');
        let (contexts, arguments) = (parts.next()?, parts.next()?);
        Some(Self {
            contexts,
            arguments: arguments.trim_end_matches('{'),
            block: arguments.ends_with('{'),
            value: parts.next().unwrap_or_default(),
        })
    }

    fn takes(&self, count: usize) -> bool {
        match self.arguments {
            "*" => true,
            "1+" => count >= 1,
            "2+" => count >= 2,
            counts => counts.bytes().any(|digit| usize::from(digit - b'0') == count),
        }
    }
}

impl Context {
    fn letter(self) -> Option<char> {
        Some(match self {
            Self::Main => 'm',
            Self::Events => 'e',
            Self::Http => 'h',
            Self::Server => 's',
            Self::Location => 'l',
            Self::Upstream => 'u',
            Self::IfInServer => 'i',
            Self::IfInLocation => 'j',
            Self::LimitExcept => 'x',
            Self::Stream => 'H',
            Self::StreamServer => 'S',
            Self::StreamUpstream => 'U',
            Self::Entries | Self::Unknown => return None,
        })
    }

    /// The context inside the block of a directive.
    pub(super) fn inside(self, name: &str) -> Self {
        match (self, name) {
            (Self::Main, "events") => Self::Events,
            (Self::Main, "http") => Self::Http,
            (Self::Main, "stream") => Self::Stream,
            (Self::Http, "server") => Self::Server,
            (Self::Http, "upstream") => Self::Upstream,
            (Self::Server | Self::Location, "location") => Self::Location,
            (Self::Server, "if") => Self::IfInServer,
            (Self::Location, "if") => Self::IfInLocation,
            (Self::Location, "limit_except") => Self::LimitExcept,
            (Self::Stream, "server") => Self::StreamServer,
            (Self::Stream, "upstream") => Self::StreamUpstream,
            (_, "map" | "geo" | "types" | "split_clients" | "charset_map") => Self::Entries,
            _ => Self::Unknown,
        }
    }
}

/// What nginx would refuse of these statements, in the order in which it would come upon it. `modules` says that modules are
/// loaded of which nothing is known, so that an unknown directive may be theirs.
pub(super) fn refusals(statements: &[Statement], context: Context, modules: bool) -> Vec<Refusal> {
    let mut found = Vec::new();
    walk(statements, context, None, modules, &mut found);
    found
}

/// Whether it may stand there; an unknown directive may stand anywhere.
pub(super) fn may_stand(name: &str, context: Context) -> bool {
    let usages = TABLE.get(name).map(Vec::as_slice).unwrap_or_default();
    usages.is_empty() || usage(usages, context).is_some()
}

fn usage(usages: &[Usage], context: Context) -> Option<&Usage> {
    let letter = context.letter()?;
    usages.iter().find(|usage| usage.contexts.contains(letter))
}

/// Whether it is worth going on: not behind what stands in the wrong place.
fn walk(
    statements: &[Statement],
    context: Context,
    outer: Option<&Statement>,
    modules: bool,
    found: &mut Vec<Refusal>,
) -> bool {
    let mut seen = BTreeSet::new();
    for statement in statements {
        if let Body::Fault(fault) = &statement.body {
            found.push(Refusal {
                at: statement.end,
                what: fault.what.clone(),
                starts: fault.starts,
                misplaced: false,
            });
            match fault.starts {
                true => continue,
                false => return false,
            }
        }
        match context {
            // Whatever they are, they are read by their own module; but a fault within is one of the file.
            Context::Unknown => {}
            Context::Entries => match statement.body {
                Body::Block(..) => found.push(refusal(statement, "unexpected \"{\"".to_owned())),
                Body::Semicolon | Body::Code | Body::Fault(_) => found.extend(entry(statement, outer)),
            },
            _ => {
                let refused =
                    judge(statement, context, modules, &mut seen).or_else(|| own_rules(statement, context, outer));
                let misplaced = refused.as_ref().is_some_and(|one| one.misplaced);
                found.extend(refused);
                if misplaced {
                    return false;
                }
            }
        }
        let inner = match context {
            Context::Unknown | Context::Entries => Context::Unknown,
            _ => context.inside(&statement.name.text),
        };
        if !walk(statement.block(), inner, Some(statement), modules, found) {
            return false;
        }
    }
    true
}

fn judge<'a>(
    statement: &'a Statement,
    context: Context,
    modules: bool,
    seen: &mut BTreeSet<&'a str>,
) -> Option<Refusal> {
    let name = statement.name.text.as_str();
    let Some(usages) = TABLE.get(name) else {
        let theirs = modules || is_third_party(name);
        return (!theirs).then(|| refusal(statement, format!("unknown directive \"{name}\"")));
    };
    if usages.is_empty() {
        return None;
    }
    let Some(usage) = usage(usages, context) else {
        return Some(Refusal {
            misplaced: true,
            ..refusal(statement, format!("\"{name}\" directive is not allowed here"))
        });
    };
    let is_block = !matches!(statement.body, Body::Semicolon);
    match (usage.block, is_block) {
        (true, false) => {
            return Some(refusal(
                statement,
                format!("directive \"{name}\" has no opening \"{{\""),
            ));
        }
        (false, true) => {
            return Some(Refusal {
                misplaced: true,
                ..refusal(statement, format!("directive \"{name}\" is not terminated by \";\""))
            });
        }
        (true, true) | (false, false) => {}
    }
    if !usage.takes(statement.args.len()) {
        return Some(refusal(
            statement,
            format!("invalid number of arguments in \"{name}\" directive"),
        ));
    }
    if once(usage.value) && !seen.insert(name) {
        return Some(refusal(statement, format!("\"{name}\" directive is duplicate")));
    }
    let words = statement.args.iter().map(|word| word.text.as_str());
    let (index, what) = words
        .enumerate()
        .find_map(|(index, word)| Some((index, wrong(usage.value, name, index, word)?)))?;
    let at = statement.args.get(index).map_or(statement.end, |word| word.at);
    Some(Refusal {
        at,
        ..refusal(statement, what)
    })
}

/// What directives with rules of their own refuse.
fn own_rules(statement: &Statement, context: Context, outer: Option<&Statement>) -> Option<Refusal> {
    let what = match (statement.name.text.as_str(), context) {
        ("return", Context::Server | Context::Location | Context::IfInServer | Context::IfInLocation) => {
            status(statement)
        }
        ("listen", _) => Listen::read(statement).err(),
        ("location", _) => location::refusal(statement, outer),
        ("server", Context::Upstream | Context::StreamUpstream) => upstream::refusal(statement),
        ("proxy_pass", Context::Location | Context::IfInLocation | Context::LimitExcept) => forward::refusal(statement),
        ("if", _) => condition(statement),
        ("error_log", _) => statement.args.iter().skip(1).find_map(|word| log_level(&word.text)),
        _ => None,
    };
    what.map(|what| refusal(statement, what))
}

/// An entry of a `map` is two words.
fn entry(statement: &Statement, outer: Option<&Statement>) -> Option<Refusal> {
    outer.filter(|one| one.name.text == "map")?;
    let fits = match statement.name.text.as_str() {
        "hostnames" | "volatile" => statement.args.len() <= 1,
        _ => statement.args.len() == 1,
    };
    (!fits).then(|| refusal(statement, "invalid number of the map parameters".to_owned()))
}

/// A condition stands in brackets.
fn condition(statement: &Statement) -> Option<String> {
    let (first, last) = (statement.args.first()?, statement.args.last()?);
    let word = match (first.text.starts_with('('), last.text.ends_with(')')) {
        (true, true) => return None,
        (false, _) => first,
        (true, false) => last,
    };
    Some(format!("invalid condition \"{}\"", word.text))
}

fn log_level(word: &str) -> Option<String> {
    const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];
    let fits = LEVELS.contains(&word) || word.starts_with("debug_");
    (!fits).then(|| format!("invalid log level \"{word}\""))
}

/// What is wrong with the status of a `return`: a URL alone needs none.
fn status(statement: &Statement) -> Option<String> {
    let first = statement.arg(0)?;
    let is_number = first.parse::<u32>().is_ok_and(|status| status <= 999);
    let is_url = ["http://", "https://", "$scheme"]
        .iter()
        .any(|start| first.starts_with(start));
    let fits = is_number || (is_url && statement.args.len() == 1);
    (!fits).then(|| format!("invalid return code \"{first}\""))
}

/// Whether nginx takes it once in a block.
fn once(value: &str) -> bool {
    !value.is_empty() && !value.starts_with("bits")
}

/// What is wrong with an argument.
fn wrong(kind: &str, name: &str, index: usize, word: &str) -> Option<String> {
    let fits = match kind {
        "flag" => {
            let fits = word.eq_ignore_ascii_case("on") || word.eq_ignore_ascii_case("off");
            return (!fits)
                .then(|| format!("invalid value \"{word}\" in \"{name}\" directive, it must be \"on\" or \"off\""));
        }
        "msec" => values::time(word).is_some(),
        "sec" => values::time(word).is_some_and(|milliseconds| milliseconds % 1000 == 0),
        "size" => values::size(word).is_some(),
        "off" => values::offset(word).is_some(),
        "num" => word.parse::<u32>().is_ok(),
        "bufs" if index == 0 => word.parse::<u32>().is_ok_and(|count| count > 0),
        "bufs" => values::size(word).is_some_and(|size| size > 0),
        _ => match kind.split_once('=') {
            Some((_, all)) => {
                let fits = all.split('|').any(|one| one.eq_ignore_ascii_case(word));
                return (!fits).then(|| format!("invalid value \"{word}\""));
            }
            None => true,
        },
    };
    (!fits).then(|| {
        format!(
            "\"{name}\" directive invalid {}",
            if kind == "num" { "number" } else { "value" }
        )
    })
}

fn refusal(statement: &Statement, what: String) -> Refusal {
    Refusal::new(statement.end, what)
}

/// Whether a name is one of the widespread modules that nginx doesn't come with.
fn is_third_party(name: &str) -> bool {
    const BEGINNINGS: [&str; 22] = [
        "lua_",
        "js_",
        "more_",
        "brotli",
        "zstd",
        "vhost_traffic_status",
        "stream_server_traffic_status",
        "server_traffic_status",
        "geoip2",
        "opentelemetry",
        "opentracing",
        "otel_",
        "modsecurity",
        "pagespeed",
        "echo",
        "auth_jwt",
        "keyval",
        "passenger",
        "naxsi_",
        "push_stream_",
        "nchan_",
        "rtmp",
    ];
    const NAMES: [&str; 20] = [
        "fancyindex",
        "headers_more",
        "upload_pass",
        "dav_ext_methods",
        "auth_pam",
        "auth_ldap",
        "balancer_by_lua_file",
        "proxy_upstream_jdomain",
        "check",
        "check_http_send",
        "check_http_expect_alive",
        "session_sticky",
        "aws_auth",
        "encrypted_session_key",
        "set_by_lua",
        "subs_filter",
        "subs_filter_types",
        "redis_pass",
        "srcache_fetch",
        "srcache_store",
    ];
    const OF_SET_MISC: [&str; 12] = [
        "set_if_empty",
        "set_quote_sql_str",
        "set_quote_json_str",
        "set_unescape_uri",
        "set_escape_uri",
        "set_hashed_upstream",
        "set_encode_base64",
        "set_decode_base64",
        "set_md5",
        "set_sha1",
        "set_random",
        "set_secure_random_alphanum",
    ];
    name.contains("_by_lua")
        || BEGINNINGS.iter().any(|start| name.starts_with(start))
        || NAMES.contains(&name)
        || OF_SET_MISC.contains(&name)
}
