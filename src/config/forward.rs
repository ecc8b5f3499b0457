//! The forward proxies between Hoop and its gateway, by the variables that Go reads.
//!
//! Hoop gives neither its gRPC client nor its HTTP client a proxy, so Go's defaults hold: grpc-go asks for `HTTPS_PROXY`
//! alone, net/http for the variable of the URL's scheme.

use serde::{Deserialize, Serialize};

use super::environment::Environment;
use super::source::{Setting, Source};
use super::{ApiUrl, Ca, HttpScheme, Identity};
use crate::evidence::host_port;
use crate::gourl::proxy::{Proxies, Proxy, Variables};
use crate::secret::{Secret, redact_url};

/// A forward proxy on the way to a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Via {
    /// The variable that names it.
    pub variable: String,
    /// The scheme that it is given with.
    pub scheme: String,
    /// Its name or address.
    pub host: String,
    /// Its port: what is written, else what Go takes in its place. 0 where Go refuses what is written.
    pub port: u16,
    /// Whether the variable also has a login for it.
    pub credentials: bool,
    /// What it is asked.
    pub speech: Speech,
}

/// What is asked of a forward proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speech {
    /// CONNECT, and then nothing more of the proxy's: everything over gRPC, and `https` URLs.
    Connect,
    /// Whole URLs: `http` ones.
    Requests,
    /// What this program doesn't speak: TLS to the proxy itself, or SOCKS, as net/http would.
    Unspoken,
}

/// A way that an identity takes, with what must not be shown of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detour {
    /// The proxy.
    pub via: Via,
    /// The encoded name and password; never saved.
    #[serde(skip)]
    pub login: Option<Secret>,
}

impl Via {
    /// `host:port`, with brackets around an IPv6 address.
    pub fn address(&self) -> String {
        host_port(&self.host, self.port)
    }

    /// `proxy:3128 (HTTPS_PROXY)`.
    pub fn shown(&self) -> String {
        format!("{} ({})", self.address(), self.variable)
    }
}

/// Finds the way of each of the identity's URLs, and says which variables decide it.
pub(super) fn apply(env: &Environment, identity: &mut Identity) {
    let read = |lower: &'static str, upper: &'static str| {
        let found = [lower, upper].into_iter().find_map(|name| Some((name, env.get(name)?)));
        found.map(|(name, text)| (name, text.into_owned()))
    };
    let http = read("http_proxy", "HTTP_PROXY");
    let https = read("https_proxy", "HTTPS_PROXY");
    let no = read("no_proxy", "NO_PROXY");
    let text = |variable: &Option<(&'static str, String)>| variable.as_ref().map_or("", |(_, text)| text).to_owned();
    let proxies = Proxies::new(Variables {
        http: &text(&http),
        https: &text(&https),
        no: &text(&no),
        cgi: env.get("REQUEST_METHOD").is_some(),
    });
    let name = |variable: &Option<(&'static str, String)>| variable.as_ref().map_or("", |(name, _)| *name);

    identity.grpc_detour = identity.grpc.as_ref().and_then(|grpc| {
        let proxy = proxies.for_https(&host_port(&grpc.host, grpc.port))?;
        // Whatever the scheme says, grpc-go speaks plain HTTP to it.
        Some(detour(proxy, name(&https), proxy.dialled_by_grpc(), Speech::Connect))
    });
    identity.rest_detour = identity
        .api
        .as_ref()
        .filter(|_| asks_for_a_proxy(identity))
        .and_then(|api| of_rest(api, &proxies, name(&http), name(&https)));

    let settings = [http, https, no].into_iter().flatten().map(|(name, text)| Setting {
        name: name.to_owned(),
        value: redact_url(&text),
        source: Source::variable(name),
        shadowed_by: None,
    });
    identity.settings.extend(settings);
}

/// Hoop's client has a transport of its own where it checks no certificates and has no CA, and leaves the proxy out of it.
fn asks_for_a_proxy(identity: &Identity) -> bool {
    identity.verify_rest || identity.ca != Ca::System
}

fn of_rest(api: &ApiUrl, proxies: &Proxies, http: &str, https: &str) -> Option<Detour> {
    let host = host_port(&api.host, api.port);
    let (proxy, variable, speech) = match api.scheme {
        HttpScheme::Https => (proxies.for_https(&host)?, https, Speech::Connect),
        // Where Go refuses to say, REST doesn't work at all; that is a CGI program's business.
        HttpScheme::Http => (proxies.for_http(&host).ok()??, http, Speech::Requests),
    };
    let speech = match proxy.scheme.as_str() {
        "http" => speech,
        _ => Speech::Unspoken,
    };
    Some(detour(proxy, variable, proxy.dialled_by_http(), speech))
}

fn detour(proxy: &Proxy, variable: &str, dialled: Option<(String, u16)>, speech: Speech) -> Detour {
    let (host, port) = dialled.unwrap_or_else(|| (proxy.host.clone(), 0));
    Detour {
        via: Via {
            variable: variable.to_owned(),
            scheme: proxy.scheme.clone(),
            host,
            port,
            credentials: proxy.login.is_some(),
            speech,
        },
        login: proxy.login.clone(),
    }
}
