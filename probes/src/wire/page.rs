//! The body of an HTTP answer: what it is, and who wrote it.

use serde::{Deserialize, Serialize};

use crate::wire::server_info::ServerInfo;
use crate::wire::text::{bounded, title};

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// No body.
    Empty,
    /// "The plain HTTP request was sent to HTTPS port" and its kin: the port speaks TLS.
    PlainToHttps,
    /// "No required SSL certificate was sent": mutual TLS, refused inside HTTP.
    ClientCertRequired,
    /// The stock page of a web server that nobody configured.
    DefaultSite,
    /// An error page: the title or the heading starts with a status code.
    ErrorPage,
    /// Some other HTML.
    Html,
    /// A JSON object.
    Json,
    /// `{"liveness":"OK"}` of `/api/healthz`.
    LivenessOk,
    /// `{"liveness":"ERR"}` of `/api/healthz`.
    LivenessErr,
    /// The JSON of `/api/publicserverinfo`.
    PublicServerInfo,
    /// `{"error":"missing HOOP_KEY header"}` of `/api/ws`.
    HoopKeyMissing,
    /// `{"error":"invalid authentication"}` of `/api/ws`: the key came through.
    HoopKeyRefused,
    /// `{"message":"access denied"}` of the API, to whom it doesn't know.
    AccessDenied,
    /// An HTTP/2 SETTINGS frame as a body: an HTTP/1 proxy in front of an HTTP/2 server.
    Http2Frame,
    /// A gRPC message (five octets of prefix, then as many as it says).
    GrpcMessage,
    /// Some other text or bytes.
    Other,
}

/// Whose template a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Maker {
    /// nginx, ingress-nginx, openresty.
    Nginx,
    /// HAProxy.
    Haproxy,
    /// Apache httpd.
    Apache,
    /// Envoy.
    Envoy,
    /// nghttpx.
    Nghttpx,
    /// AWS load balancers.
    Awselb,
    /// Cloudflare.
    Cloudflare,
    /// Go's net/http, Hoop's own REST port among its users.
    GoHttp,
    /// Traefik.
    Traefik,
    /// mitmproxy.
    Mitmproxy,
}

/// The body of an answer, read once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// What it is.
    pub mark: Mark,
    /// Whose template it is, where that shows.
    pub maker: Option<Maker>,
    /// The title of an HTML page.
    pub title: Option<String>,
    /// The first 200 characters.
    pub start: String,
    /// What the gateway says of itself, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_info: Option<ServerInfo>,
}

impl Page {
    /// Reads a body, or as much of it as was kept; `content_type` helps where the body alone doesn't tell.
    pub fn read(content_type: Option<&str>, body: &[u8]) -> Self {
        let text = bounded(body, 2048);
        let title = title(&text).map(|title| bounded(title.as_bytes(), 120));
        Self {
            mark: mark(content_type, body, &text, title.as_deref()),
            maker: maker(&text),
            title,
            start: bounded(body, 200),
            server_info: ServerInfo::read(body),
        }
    }
}

fn mark(content_type: Option<&str>, body: &[u8], text: &str, title: Option<&str>) -> Mark {
    /// Sentences that decide by themselves.
    const SENTENCES: [(&str, Mark); 9] = [
        ("plain HTTP request was sent to HTTPS port", Mark::PlainToHttps),
        ("Client sent an HTTP request to an HTTPS server", Mark::PlainToHttps),
        ("speaking plain HTTP to an SSL-enabled server port", Mark::PlainToHttps),
        ("No required SSL certificate was sent", Mark::ClientCertRequired),
        ("The SSL certificate error", Mark::ClientCertRequired),
        ("Welcome to nginx", Mark::DefaultSite),
        ("Apache2 Debian Default Page", Mark::DefaultSite),
        ("Apache2 Ubuntu Default Page", Mark::DefaultSite),
        ("Caddy works!", Mark::DefaultSite),
    ];
    if body.is_empty() {
        return Mark::Empty;
    }
    if let Some((_, mark)) = SENTENCES.iter().find(|(sentence, _)| text.contains(sentence)) {
        return *mark;
    }
    if matches!(body, [0, _, _, 4, 0, 0, 0, 0, 0, ..]) {
        return Mark::Http2Frame;
    }
    if let [0 | 1, b3, b2, b1, b0, message @ ..] = body
        && u32::from_be_bytes([*b3, *b2, *b1, *b0]) as usize >= message.len()
        && content_type.is_some_and(|kind| kind.starts_with("application/grpc"))
    {
        return Mark::GrpcMessage;
    }
    if text.trim_start().starts_with('{') {
        return json(text);
    }
    let html = text.trim_start().starts_with('<') || content_type.is_some_and(|kind| kind.starts_with("text/html"));
    let heading = title.or_else(|| between(text, "<h1>", "</h1>")).unwrap_or_default();
    match html {
        true if starts_with_status(heading) => Mark::ErrorPage,
        true => Mark::Html,
        false => Mark::Other,
    }
}

fn json(text: &str) -> Mark {
    let squeezed: String = text.chars().filter(|char| !char.is_whitespace()).collect();
    match squeezed.as_str() {
        ok if ok.contains(r#""liveness":"OK""#) => Mark::LivenessOk,
        err if err.contains(r#""liveness":"ERR""#) => Mark::LivenessErr,
        public if public.contains(r#""auth_method":"#) => Mark::PublicServerInfo,
        missing if missing.contains(r#""error":"missingHOOP_KEYheader""#) => Mark::HoopKeyMissing,
        refused if refused.contains(r#""error":"invalidauthentication""#) => Mark::HoopKeyRefused,
        denied if denied.contains(r#""message":"accessdenied""#) => Mark::AccessDenied,
        _ => Mark::Json,
    }
}

fn maker(text: &str) -> Option<Maker> {
    /// The tell-tale part of each template; the more telling ones first.
    const TEMPLATES: [(&str, Maker); 23] = [
        ("<center>awselb/", Maker::Awselb),
        ("<center>cloudflare", Maker::Cloudflare),
        ("cf-error-details", Maker::Cloudflare),
        ("<center>nginx", Maker::Nginx),
        ("<center>openresty", Maker::Nginx),
        ("Welcome to nginx", Maker::Nginx),
        ("nghttpx", Maker::Nghttpx),
        ("<address>Apache", Maker::Apache),
        ("<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">", Maker::Apache),
        ("speaking plain HTTP to an SSL-enabled server port", Maker::Apache),
        (
            "Your browser sent a request that this server could not understand.",
            Maker::Apache,
        ),
        ("mitmproxy", Maker::Mitmproxy),
        (
            "upstream connect error or disconnect/reset before headers",
            Maker::Envoy,
        ),
        ("no healthy upstream", Maker::Envoy),
        ("RBAC: access denied", Maker::Envoy),
        ("no available server", Maker::Traefik),
        ("Client sent an HTTP request to an HTTPS server", Maker::GoHttp),
        ("404 page not found", Maker::GoHttp),
        ("No server is available to handle this request.", Maker::Haproxy),
        ("The server returned an invalid or incomplete response.", Maker::Haproxy),
        ("The server didn't respond in time.", Maker::Haproxy),
        ("Request forbidden by administrative rules.", Maker::Haproxy),
        ("Your browser sent an invalid request.", Maker::Haproxy),
    ];
    TEMPLATES
        .iter()
        .find(|(part, _)| text.contains(part))
        .map(|(_, maker)| *maker)
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inner, _)| inner.trim())
}

fn starts_with_status(heading: &str) -> bool {
    let digits = heading.get(..3).unwrap_or_default();
    digits.starts_with(['3', '4', '5']) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Maker, Mark, Page};
    use proptest::prelude::proptest;

    fn check(body: &str, mark: Mark, maker: Option<Maker>) {
        let page = Page::read(None, body.as_bytes());
        assert_eq!((page.mark, page.maker), (mark, maker), "{body}");
    }

    #[test]
    fn each_template_is_told_by_what_it_says() {
        check("", Mark::Empty, None);
        check(r#"{ "liveness": "OK" }"#, Mark::LivenessOk, None);
        check(r#"{"liveness":"ERR"}"#, Mark::LivenessErr, None);
        check(
            r#"{"auth_method":"local","setup_required":false}"#,
            Mark::PublicServerInfo,
            None,
        );
        check(
            "<html><head><title>502 Bad Gateway</title></head><body><hr><center>nginx/1.22.1</center>",
            Mark::ErrorPage,
            Some(Maker::Nginx),
        );
        check(
            "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n",
            Mark::ErrorPage,
            Some(Maker::Haproxy),
        );
        check(
            "<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>",
            Mark::PlainToHttps,
            None,
        );
        check("<title>Hoop</title><div id=app>", Mark::Html, None);
        check("404 page not found\n", Mark::Other, Some(Maker::GoHttp));
    }

    #[test]
    fn a_leaked_settings_frame_is_no_page() {
        let body = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 64, 0];
        assert_eq!(Page::read(None, &body).mark, Mark::Http2Frame);
    }

    proptest! {
        #[test]
        fn any_body_is_read(content_type: Option<String>, body: Vec<u8>) {
            let _ = Page::read(content_type.as_deref(), &body);
        }
    }
}
