//! The API's URL as Hoop uses it: it appends `/api/…` to the text, and Go's HTTP client reads the result.

use serde::{Deserialize, Serialize};

use super::fault::ApiUrlFault;
use super::problem::ProblemKind;
use super::source::{Source, Value};
use crate::gourl::parse;
use crate::secret::{looks_like_token, redact_url};

/// An API that can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiUrl {
    /// Whether it is asked inside TLS.
    pub scheme: HttpScheme,
    /// A name, or an address without brackets.
    pub host: String,
    /// The written port, or that of the scheme.
    pub port: u16,
    /// What comes before `/api/…` in every request: empty, `/` by mistake, or a path such as `/hoop`.
    pub base_path: String,
    /// The configured text without secrets.
    pub text: String,
    /// Where it was configured.
    pub source: Source,
    /// Whether a query or fragment swallows whatever Hoop appends.
    swallowed: bool,
}

/// The two schemes of Go's HTTP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpScheme {
    /// Plaintext.
    Http,
    /// TLS.
    Https,
}

impl ApiUrl {
    /// The path that reaches the server when Hoop asks for `path`, which starts with a slash.
    pub fn request_path(&self, path: &str) -> String {
        match (self.swallowed, self.base_path.is_empty()) {
            (true, true) => "/".to_owned(),
            (true, false) => self.base_path.clone(),
            (false, _) => format!("{}{path}", self.base_path),
        }
    }
}

/// The API that Hoop asks, and what is wrong with its URL; both where the mistake doesn't keep Hoop from asking.
pub(super) fn read(value: &Value) -> (Option<ApiUrl>, Option<ProblemKind>) {
    match split(value) {
        Ok(api) => {
            let fault = if api.swallowed {
                Some(ApiUrlFault::Query)
            } else if api.base_path.trim_end_matches('/').ends_with("/api") {
                Some(ApiUrlFault::ApiSuffix)
            } else if api.base_path.ends_with('/') {
                Some(ApiUrlFault::TrailingSlash)
            } else {
                None
            };
            let problem = fault.map(|fault| ProblemKind::ApiUrlMalformed {
                url: api.text.clone(),
                fault,
            });
            (Some(api), problem)
        }
        Err(fault) => (
            None,
            Some(ProblemKind::ApiUrlMalformed {
                url: redact_url(&value.text),
                fault,
            }),
        ),
    }
}

/// `HOOP_GATEWAY_URL`, whose reader takes WebSocket schemes too and plaintext where there is none.
pub(super) fn gateway_url(value: &Value) -> Option<ApiUrl> {
    let text = Some(value.text.trim_end_matches('/')).filter(|text| !looks_like_token(text))?;
    let text = match text.split_once("://") {
        Some(("ws" | "http", rest)) => format!("http://{rest}"),
        Some(("wss" | "https", rest)) => format!("https://{rest}"),
        Some(_) => return None,
        None => format!("http://{text}"),
    };
    split(&Value {
        text,
        source: value.source.clone(),
    })
    .ok()
}

fn split(value: &Value) -> Result<ApiUrl, ApiUrlFault> {
    // Hoop's first request. What comes behind decides how Go reads the text: "h:80" alone would be a scheme.
    let whole = format!("{}{FIRST_REQUEST}", value.text);
    let asked = || redact_url(&whole);
    let url = parse(&whole).map_err(ApiUrlFault::Parse)?;
    let scheme = match &*url.scheme {
        "http" => HttpScheme::Http,
        "https" => HttpScheme::Https,
        other => {
            return Err(ApiUrlFault::UnsupportedScheme {
                scheme: other.to_owned(),
                asked: asked(),
            });
        }
    };
    let authority = String::from_utf8_lossy(&url.host).into_owned();
    if authority.is_empty() {
        return Err(ApiUrlFault::HostMissing { asked: asked() });
    }
    // Go has checked that there are only digits behind the last colon outside of brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (&*authority, ""),
    };
    let port = match (port, scheme) {
        ("", HttpScheme::Http) => 80,
        ("", HttpScheme::Https) => 443,
        (port, _) => match port.parse() {
            Ok(0) => return Err(ApiUrlFault::Port("0".to_owned())),
            Ok(port) => port,
            Err(_) => return Err(ApiUrlFault::Port(port.to_owned())),
        },
    };
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let swallowed = value.text.contains(['?', '#']);
    // Go dials this machine where there is a port alone.
    let host = if host.is_empty() { "localhost" } else { host };
    Ok(ApiUrl {
        scheme,
        host: host.to_owned(),
        port,
        base_path: base_path(&value.text),
        text: redact_url(&value.text),
        source: value.source.clone(),
        swallowed,
    })
}

/// The path of a URL as it goes on the wire: as written, with escapes for what may not be there unescaped.
fn base_path(url: &str) -> String {
    let behind = url.split_once("//").map_or("", |(_, behind)| behind);
    let behind = behind.split(['?', '#']).next().unwrap_or_default();
    let mut path = String::new();
    for byte in behind
        .find('/')
        .and_then(|at| behind.get(at..))
        .unwrap_or_default()
        .bytes()
    {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// What `hoop login` asks for first.
const FIRST_REQUEST: &str = "/api/publicserverinfo";
