//! Where Apache's proxy sends requests: the URL behind `ProxyPass` and in `[P]`, and balancers.

use super::super::{Action, CheckAsks, Forward, HealthCheck, Path, Place, Route, Server, Setting, Speaks};
use super::tree::{Directive, Files};
use crate::proxies::Proxy;

/// What a URL is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url<'a> {
    pub(super) scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
    pub(super) path: &'a str,
}

impl<'a> Url<'a> {
    /// `h2c://gateway:8010/protobuf.Transport/`, `unix:/run/x.sock|http://x/`.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let text = text.rsplit_once('|').map_or(text, |(_, url)| url);
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains([']', '}']) => (host, port.parse().ok()),
            _ => (authority, None),
        };
        let default = match scheme {
            _ if authority.contains(['$', '%']) => None,
            "https" | "wss" | "h2" => Some(443),
            "ajp" => Some(8009),
            "http" | "ws" | "h2c" => Some(80),
            _ => None,
        };
        Some(Self {
            scheme,
            host: host.trim_start_matches('[').trim_end_matches(']'),
            port: port.or_else(|| {
                default.filter(|_| !authority.ends_with(|char: char| char.is_ascii_digit()) || !authority.contains(':'))
            }),
            path,
        })
    }
}

/// What is needed to follow an upstream.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) files: &'a Files<'a, 'a>,
    /// The directives of the server's own, and those that it inherits.
    pub(super) body: &'a [&'a Directive],
    /// Whether `SSLProxyEngine` is on.
    pub(super) tls: bool,
}

/// A route to a URL. `parameters` are the words behind it.
pub(super) fn route(directive: &Directive, url: &str, at: Place, parameters: &[&str], server: Around<'_>) -> Route {
    let files = server.files;
    let start = files.place_of(directive);
    let Some(read) = Url::read(url) else {
        return Route::new(start, Path::All, Action::Else(url.to_owned()));
    };
    let members: Vec<&Directive> = match read.scheme {
        "balancer" => members(server.body, read.host),
        _ => Vec::new(),
    };
    let urls: Vec<(Url<'_>, Place, &Directive)> = match read.scheme {
        "balancer" => members
            .iter()
            .filter_map(|member| {
                let index = member.words.iter().position(|word| word.text.contains("://"))?;
                Some((Url::read(member.word(index))?, files.place_word(member, index), *member))
            })
            .collect(),
        _ => vec![(read.clone(), at.clone(), directive)],
    };
    let Some((first, _, _)) = urls.first() else {
        return Route::new(start, Path::All, Action::Else(url.to_owned()));
    };
    let scheme = first.scheme;
    let (speaks, tls, module) = match scheme {
        "h2c" => (Speaks::Http2, Some(false), "mod_proxy_http2.c"),
        "h2" => (Speaks::Http2, Some(true), "mod_proxy_http2.c"),
        "http" => (Speaks::Http1, Some(false), "mod_proxy_http.c"),
        "https" => (Speaks::Http1, Some(true), "mod_proxy_http.c"),
        "ws" => (Speaks::Http1, Some(false), "mod_proxy_wstunnel.c"),
        "wss" => (Speaks::Http1, Some(true), "mod_proxy_wstunnel.c"),
        "ajp" => (Speaks::Foreign, Some(false), "mod_proxy_ajp.c"),
        "fcgi" => (Speaks::Foreign, Some(false), "mod_proxy_fcgi.c"),
        "scgi" => (Speaks::Foreign, Some(false), "mod_proxy_scgi.c"),
        "uwsgi" => (Speaks::Foreign, Some(false), "mod_proxy_uwsgi.c"),
        _ => (Speaks::Unknown, None, "mod_proxy.c"),
    };
    // Since 2.4.47, mod_proxy_http opens WebSockets by itself.
    let opens = matches!(scheme, "ws" | "wss");
    let spoken = files.has(module) || opens && files.has("mod_proxy_http.c");
    if !spoken || tls == Some(true) && !server.tls {
        // Without the module for the scheme, or leave to speak TLS, Apache answers by itself.
        return Route::new(start, Path::All, Action::Answer(500));
    }
    let name = format!("{scheme}://");
    let all_same = urls.iter().all(|(url, _, _)| url.scheme == scheme);
    let servers = urls.iter().map(|(url, at, member)| Server {
        at: at.clone(),
        host: url.host.to_owned(),
        port: url.port,
        backup: member
            .words
            .iter()
            .any(|word| word.text.to_ascii_lowercase().starts_with("status=+h")),
        down: None,
    });
    let servers: Vec<Server> = servers.collect();
    let check = urls.iter().find_map(|(url, at, member)| health(member, url, at, files));
    let mut route = Route::new(
        start,
        Path::All,
        Action::Forward(Box::new(Forward {
            at: at.clone(),
            name: (read.scheme == "balancer").then(|| read.host.to_owned()),
            speaks: Setting::written(
                if all_same { speaks } else { Speaks::Unknown },
                name.clone(),
                at.clone(),
            ),
            tls: tls
                .filter(|_| all_same)
                .map(|tls| Setting::written(tls, name, at.clone())),
            servers,
            check,
            sends_proxy_protocol: None,
        })),
    );
    let asked = parameters
        .iter()
        .any(|word| word.to_ascii_lowercase().starts_with("upgrade="));
    route.upgrades = match (speaks, opens, asked) {
        (Speaks::Http1, true, _) => Some(Setting::written(true, "ws://", at)),
        (Speaks::Http1, false, true) => Some(Setting::written(true, "upgrade=", at)),
        (Speaks::Http1, false, false) => Some(Setting::by_default(false, "upgrade=websocket", at)),
        _ => None,
    };
    route
}

/// The members of a balancer, in `<Proxy>` or with its name before them.
fn members<'d>(body: &[&'d Directive], balancer: &str) -> Vec<&'d Directive> {
    let url = format!("balancer://{balancer}");
    let is_it = |text: &str| text.trim_end_matches('/').eq_ignore_ascii_case(&url);
    let sections = body.iter().filter(|one| one.is("Proxy") && is_it(one.word(0)));
    let inside = sections
        .flat_map(|one| one.inner())
        .filter(|one| one.is("BalancerMember"));
    let outside = body
        .iter()
        .copied()
        .filter(|one| one.is("BalancerMember") && is_it(one.word(0)));
    inside
        .chain(outside)
        .filter(|one| {
            !one.words
                .iter()
                .any(|word| word.text.to_ascii_lowercase().starts_with("status=+d"))
        })
        .collect()
}

/// `hcmethod=GET hcuri=/api/healthz` of mod_proxy_hcheck.
fn health(member: &Directive, url: &Url<'_>, at: &Place, files: &Files<'_, '_>) -> Option<HealthCheck> {
    let parameter = |name: &str| {
        let index = member
            .words
            .iter()
            .position(|word| word.text.to_ascii_lowercase().starts_with(name))?;
        let value = member.word(index).get(name.len()..)?;
        Some((value.to_owned(), files.place_word(member, index)))
    };
    let (method, place) = parameter("hcmethod=")?;
    let asks = match method.to_ascii_uppercase().as_str() {
        "NONE" => return None,
        "TCP" | "CPING" | "PROVIDER" => CheckAsks::Tcp,
        _ => CheckAsks::Http1,
    };
    let path = parameter("hcuri=").filter(|_| asks == CheckAsks::Http1);
    Some(HealthCheck {
        at: place,
        proxy: Proxy::Apache,
        asks,
        tls: Some(matches!(url.scheme, "https" | "h2" | "wss")),
        port: None,
        traffic_port: url.port,
        path: path
            .map(|(path, at)| Setting::written(path, "hcuri", at))
            .or_else(|| (asks == CheckAsks::Http1).then(|| Setting::by_default("/".to_owned(), "hcuri", at.clone()))),
        expects: None,
    })
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn urls_have_a_port_by_their_scheme() {
        let read = |text| {
            Url::read(text).map(|url| {
                (
                    url.scheme.to_owned(),
                    url.host.to_owned(),
                    url.port,
                    url.path.to_owned(),
                )
            })
        };
        let some = |scheme: &str, host: &str, port, path: &str| {
            Some((scheme.to_owned(), host.to_owned(), port, path.to_owned()))
        };
        assert_eq!(read("h2c://[::1]:8010/x/"), some("h2c", "::1", Some(8010), "/x/"));
        assert_eq!(read("https://gw"), some("https", "gw", Some(443), ""));
        assert_eq!(read("http://${GW}:8009/"), some("http", "${GW}", Some(8009), "/"));
        assert_eq!(read("http://${GW}/"), some("http", "${GW}", None, "/"));
        assert_eq!(read("/x"), None);
    }
}
