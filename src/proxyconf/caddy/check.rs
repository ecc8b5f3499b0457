//! What `caddy validate` refuses. Caddy stops at the first mistake, and so does this.

use std::collections::HashSet;

use super::matcher::NAMES;
use super::options::bytes;
use super::steps::ORDER;
use super::token::Token;
use super::tree::{Block, Directive, Files, Refused};
use super::upstream;
use super::{Address, Options};

const GLOBAL: [&str; 52] = [
    "acme_ca",
    "acme_ca_root",
    "acme_dns",
    "acme_eab",
    "admin",
    "auto_https",
    "cert_issuer",
    "cert_lifetime",
    "debug",
    "default_bind",
    "default_sni",
    "dns",
    "ech",
    "email",
    "events",
    "fallback_sni",
    "filesystem",
    "grace_period",
    "http_port",
    "https_port",
    "key_type",
    "local_certs",
    "log",
    "metrics",
    "ocsp_interval",
    "ocsp_stapling",
    "on_demand_tls",
    "order",
    "persist_config",
    "pki",
    "preferred_chains",
    "renew_interval",
    "renewal_window_ratio",
    "servers",
    "shutdown_delay",
    "skip_install_trust",
    "storage",
    "storage_check",
    "storage_clean_interval",
    "tls_resolvers",
    // Plugins that are common enough to be known by their names.
    "cache",
    "crowdsec",
    "dynamic_dns",
    "exec",
    "frankenphp",
    "layer4",
    "mercure",
    "security",
    "supervisor",
    "tailscale",
    "waf",
    "appsec",
];

const SERVERS: [&str; 21] = [
    "0rtt",
    "allow_underscore_in_headers",
    "client_ip_headers",
    "enable_full_duplex",
    "expected_underscore_headers",
    "keepalive_count",
    "keepalive_idle",
    "keepalive_interval",
    "listener_wrappers",
    "log_credentials",
    "max_header_size",
    "metrics",
    "name",
    "packet_conn_wrappers",
    "protocols",
    "strict_sni_host",
    "timeouts",
    "trace",
    "trusted_proxies",
    "trusted_proxies_strict",
    "trusted_proxies_unix",
];

const REVERSE_PROXY: [&str; 47] = [
    "buffer_requests",
    "buffer_responses",
    "dynamic",
    "fail_duration",
    "flush_interval",
    "handle_response",
    "header_down",
    "header_up",
    "health_body",
    "health_fails",
    "health_follow_redirects",
    "health_headers",
    "health_interval",
    "health_method",
    "health_passes",
    "health_path",
    "health_port",
    "health_request_body",
    "health_status",
    "health_timeout",
    "health_upstream",
    "health_uri",
    "lb_policy",
    "lb_retries",
    "lb_retry_match",
    "lb_try_duration",
    "lb_try_interval",
    "max_buffer_size",
    "max_fails",
    "method",
    "replace_status",
    "request_buffers",
    "response_buffers",
    "rewrite",
    "stream_buffer_size",
    "stream_close_delay",
    "stream_retain_on_reload",
    "stream_logs",
    "stream_timeout",
    "to",
    "transport",
    "trusted_proxies",
    "unhealthy_latency",
    "unhealthy_request_count",
    "unhealthy_status",
    "verbose_logs",
    "websocket_logs",
];

const TRANSPORT_HTTP: [&str; 30] = [
    "compression",
    "dial_fallback_delay",
    "dial_timeout",
    "expect_continue_timeout",
    "forward_proxy_url",
    "keepalive",
    "keepalive_idle_conns",
    "keepalive_idle_conns_per_host",
    "keepalive_interval",
    "local_address",
    "max_conns_per_host",
    "max_response_header",
    "network_proxy",
    "proxy_protocol",
    "read_buffer",
    "read_timeout",
    "resolvers",
    "response_header_timeout",
    "tls",
    "tls_client_auth",
    "tls_curves",
    "tls_except_ports",
    "tls_insecure_skip_verify",
    "tls_renegotiation",
    "tls_server_name",
    "tls_timeout",
    "tls_trust_pool",
    "tls_trusted_ca_certs",
    "versions",
    "write_buffer",
];

const TLS: [&str; 26] = [
    "alpn",
    "ca",
    "ca_root",
    "ciphers",
    "client_auth",
    "curves",
    "dns",
    "dns_challenge_override_domain",
    "dns_ttl",
    "eab",
    "ech",
    "force_automate",
    "get_certificate",
    "insecure_secrets_log",
    "issuer",
    "key_type",
    "load",
    "on_demand",
    "propagation_delay",
    "propagation_timeout",
    "protocols",
    "renewal_window_ratio",
    "resolvers",
    "reuse_private_keys",
    "write_timeout",
    "session_tickets",
];

/// The first mistake.
pub(super) fn first(blocks: &[Block], options: &Options, files: &Files<'_, '_>) -> Result<(), Refused> {
    for (index, block) in blocks.iter().enumerate() {
        if block.keys.is_empty() && index > 0 && !block.body.is_empty() {
            return refuse(
                &block.start,
                "a block without an address holds the global options, and must come first",
            );
        }
        match block.keys.is_empty() {
            true => block.body.iter().try_for_each(global)?,
            false => {
                let directive =
                    |key: &&Token| !key.quoted && (ORDER.contains(&key.text.as_str()) || key.text == "handle_errors");
                if let Some(key) = block.keys.iter().find(directive) {
                    return refuse(
                        key,
                        format!(
                            "'{}' stands where a site's address does: a brace before it closes the site too early",
                            key.text
                        ),
                    );
                }
                let check = Check { options, files };
                check.block(&block.body, &HashSet::new())?;
            }
        }
    }
    let mut seen: HashSet<String> = HashSet::new();
    for key in blocks.iter().flat_map(|block| &block.keys) {
        if key.varies {
            continue;
        }
        if key.is("}") || key.is("{}") {
            return refuse(
                key,
                format!("unexpected '{}' because no matching opening brace", key.text),
            );
        }
        let address = Address::read(&key.text);
        if let Some(scheme) = address
            .scheme
            .as_deref()
            .filter(|scheme| !matches!(*scheme, "http" | "https"))
        {
            return refuse(key, format!("unsupported URL scheme {scheme}://"));
        }
        if let Some(port) = address.bad_port {
            return refuse(key, format!("port {port} is no port"));
        }
        if !seen.insert(key.text.to_ascii_lowercase()) {
            return refuse(key, format!("ambiguous site definition: {}", key.text));
        }
    }
    Ok(())
}

fn refuse<T>(token: &Token, what: impl Into<String>) -> Result<T, Refused> {
    Err((token.clone(), what.into()))
}

fn global(option: &Directive) -> Result<(), Refused> {
    let Some(name) = option.words.first() else {
        return Ok(());
    };
    if name.varies {
        return Ok(());
    }
    if !GLOBAL.contains(&option.name()) {
        return refuse(name, format!("unrecognized global option: {}", option.name()));
    }
    if option.name() == "auto_https" {
        let known = [
            "off",
            "disable_redirects",
            "disable_certs",
            "ignore_loaded_certs",
            "prefer_wildcard",
        ];
        let is_known = |word: &Token| word.varies || known.contains(&word.text.as_str());
        return match option.arguments().iter().find(|word| !is_known(word)) {
            Some(word) => refuse(word, format!("auto_https must be one of {}", known.join(", "))),
            None if option.arguments().is_empty() => refuse(name, "wrong argument count behind 'auto_https'"),
            None => Ok(()),
        };
    }
    if option.name() != "servers" {
        return Ok(());
    }
    for one in option.inner() {
        if let Some(name) = one
            .words
            .first()
            .filter(|word| !word.varies && !SERVERS.contains(&word.text.as_str()))
        {
            return refuse(name, format!("unrecognized servers option '{}'", name.text));
        }
        match one.name() {
            "protocols" => {
                for word in one.arguments().iter().filter(|word| !word.varies) {
                    if !matches!(word.text.as_str(), "h1" | "h2" | "h2c" | "h3") {
                        return refuse(
                            word,
                            format!("unknown protocol '{}': expected h1, h2, h2c or h3", word.text),
                        );
                    }
                }
            }
            "timeouts" => {
                for timeout in one.inner() {
                    let known = [
                        "read_body",
                        "read_header",
                        "write",
                        "idle",
                        "read_body_idle",
                        "write_idle",
                    ];
                    let Some(name) = timeout.words.first() else { continue };
                    if !known.contains(&timeout.name()) {
                        return refuse(name, format!("unrecognized timeouts option '{}'", timeout.name()));
                    }
                    duration(timeout.words.get(1).unwrap_or(name))?;
                }
            }
            "max_header_size" => size(one)?,
            _ => {}
        }
    }
    Ok(())
}

fn duration(word: &Token) -> Result<(), Refused> {
    match upstream::is_duration(word) {
        true => Ok(()),
        false => refuse(word, format!("'{}' is no duration", word.text)),
    }
}

fn size(one: &Directive) -> Result<(), Refused> {
    let Some(word) = one.words.get(1).filter(|word| !word.varies && !word.text.contains('{')) else {
        return Ok(());
    };
    match bytes(&word.text) {
        Some(_) => Ok(()),
        None => refuse(word, format!("'{}' is no size", word.text)),
    }
}

struct Check<'a> {
    options: &'a Options,
    files: &'a Files<'a, 'a>,
}

impl Check<'_> {
    fn is_known(&self, name: &str) -> bool {
        ORDER.contains(&name) || name == "handle_errors" || self.options.order.iter().any(|(own, _)| own == name)
    }

    /// A block of directives: the matchers of the blocks around it count in it too.
    fn block(&self, body: &[Directive], outer: &HashSet<String>) -> Result<(), Refused> {
        let mut matchers = outer.clone();
        for directive in body {
            let Some(name) = directive.words.first() else { continue };
            if !directive.name().starts_with('@') || name.quoted {
                continue;
            }
            self.matcher(directive)?;
            if !matchers.insert(directive.name().to_owned()) && !outer.contains(directive.name()) {
                return refuse(name, format!("matcher is defined more than once: {}", directive.name()));
            }
        }
        body.iter()
            .try_for_each(|directive| self.directive(directive, &matchers))
    }

    fn matcher(&self, directive: &Directive) -> Result<(), Refused> {
        let lines: Vec<&Token> = match directive.arguments() {
            [] => directive.inner().iter().filter_map(|one| one.words.first()).collect(),
            [first, ..] => vec![first],
        };
        let is_expression = |word: &Token| word.quoted || word.varies;
        match lines
            .iter()
            .find(|word| !is_expression(word) && !NAMES.contains(&word.text.as_str()))
        {
            Some(word) => refuse(word, format!("module not registered: http.matchers.{}", word.text)),
            None => Ok(()),
        }
    }

    fn directive(&self, directive: &Directive, matchers: &HashSet<String>) -> Result<(), Refused> {
        let Some(name) = directive.words.first() else {
            return Ok(());
        };
        if name.text.starts_with('@') || name.varies || name.text == "import" {
            return Ok(());
        }
        if !self.is_known(&name.text) {
            return match self.files.is_incomplete() && name.text.starts_with('(') {
                true => Ok(()),
                false => refuse(name, format!("unrecognized directive: {}", name.text)),
            };
        }
        let mut words = directive.arguments();
        let takes_matcher = !matches!(
            name.text.as_str(),
            "tls" | "bind" | "log" | "handle_errors" | "invoke" | "tracing" | "try_files"
        );
        if let Some((first, rest)) = words.split_first().filter(|(word, _)| !word.quoted && takes_matcher) {
            let single = matches!(name.text.as_str(), "rewrite" | "root") && rest.is_empty();
            if first.text.starts_with('@') {
                if !matchers.contains(&first.text) && !first.varies {
                    return refuse(first, format!("unrecognized matcher name: {}", first.text));
                }
                words = rest;
            } else if first.text == "*" || first.text.starts_with('/') && !single {
                words = rest;
            }
        }
        let many = |most: usize| match words.get(most) {
            Some(word) if !words.iter().any(|word| word.varies) => {
                refuse(word, format!("too many arguments of '{}'", name.text))
            }
            _ => Ok(()),
        };
        match name.text.as_str() {
            "redir" if words.is_empty() && directive.block.is_none() => {
                refuse(name, "wrong argument count behind 'redir'")
            }
            "respond" => many(2),
            "handle" | "route" | "abort" => {
                many(0)?;
                self.block(directive.inner(), matchers)
            }
            "handle_path" => {
                many(0)?;
                match directive.word(1).starts_with('/') {
                    true => self.block(directive.inner(), matchers),
                    false => refuse(name, "handle_path needs a path that begins with '/'"),
                }
            }
            "handle_errors" => self.block(directive.inner(), matchers),
            "reverse_proxy" => reverse_proxy(directive, words),
            "tls" => tls(directive, words),
            "request_body" => directive
                .inner()
                .iter()
                .filter(|one| one.name() == "max_size")
                .try_for_each(size),
            "error" if words.is_empty() => refuse(name, "wrong argument count behind 'error'"),
            _ => Ok(()),
        }
    }
}

fn reverse_proxy(directive: &Directive, words: &[Token]) -> Result<(), Refused> {
    let all: Vec<&Token> = words.iter().collect();
    if let Some((index, what)) = upstream::refused(&all)
        && let Some(word) = all.get(index)
    {
        return refuse(word, what);
    }
    for one in directive.inner() {
        let Some(name) = one
            .words
            .first()
            .filter(|word| !word.varies && !word.text.starts_with('@'))
        else {
            continue;
        };
        if !REVERSE_PROXY.contains(&name.text.as_str()) {
            return refuse(name, format!("unrecognized subdirective {}", name.text));
        }
        let value = one.words.get(1);
        match (name.text.as_str(), value) {
            ("transport", Some(kind)) if kind.text == "http" => {
                for inner in one.inner() {
                    let Some(name) = inner.words.first().filter(|word| !word.varies) else {
                        continue;
                    };
                    if !TRANSPORT_HTTP.contains(&name.text.as_str()) {
                        return refuse(name, format!("unrecognized subdirective {}", name.text));
                    }
                    let is_time = name.text.ends_with("_timeout");
                    if let Some(word) = inner.words.get(1).filter(|_| is_time) {
                        duration(word)?;
                    }
                }
            }
            (
                "health_interval" | "health_timeout" | "lb_try_duration" | "lb_try_interval" | "stream_timeout"
                | "fail_duration" | "flush_interval",
                Some(word),
            ) => {
                duration(word)?;
            }
            (option, None) if one.block.is_none() && needs_value(option) => {
                return refuse(name, format!("wrong argument count behind '{}'", name.text));
            }
            _ => {}
        }
    }
    Ok(())
}

fn tls(directive: &Directive, words: &[Token]) -> Result<(), Refused> {
    match words {
        _ if words.iter().any(|word| word.varies) => {}
        [only]
            if !matches!(only.text.as_str(), "internal" | "force_automate")
                && !only.text.contains('@')
                && !only.text.contains('{') =>
        {
            return refuse(
                only,
                "a single argument must either be 'internal', 'force_automate', or an email address",
            );
        }
        [_, _, more, ..] => return refuse(more, "wrong argument count behind 'tls'"),
        _ => {}
    }
    for one in directive.inner() {
        let Some(name) = one.words.first().filter(|word| !word.varies) else {
            continue;
        };
        if !TLS.contains(&name.text.as_str()) {
            return refuse(name, format!("unknown subdirective: {}", name.text));
        }
        for word in one.arguments().iter().filter(|_| name.text == "protocols") {
            if !matches!(word.text.as_str(), "tls1.2" | "tls1.3") && !word.text.contains('{') {
                return refuse(
                    word,
                    format!("wrong protocol name or protocol not supported: '{}'", word.text),
                );
            }
        }
    }
    Ok(())
}

/// Whether an option of `reverse_proxy` says nothing without a value.
fn needs_value(name: &str) -> bool {
    let without = ["health_headers", "health_follow_redirects", "lb_retry_match"];
    let of_a_kind = ["health_", "lb_"].iter().any(|start| name.starts_with(start)) && !without.contains(&name);
    of_a_kind
        || matches!(
            name,
            "transport" | "header_up" | "flush_interval" | "stream_timeout" | "fail_duration"
        )
}
