//! The marks that proxies leave: each says whose it is, and by what.

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::{Answer, Head};
use hoop_doctor_probes::tls::{Tls, TlsFailure};
use hoop_doctor_probes::wire::opening::{FirstBytes, Opening};
use hoop_doctor_probes::wire::page::Maker;
use hoop_doctor_probes::wire::status::{Said, Status};

use super::{Proxy, settings};
use crate::evidence::Endpoint;
use crate::findings::inspector;

/// Something that a proxy does in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Whose way it is.
    pub(super) proxy: Proxy,
    /// What kind of thing it is.
    pub(super) sign: Sign,
    /// How much it says.
    pub(super) weight: Weight,
    /// What was seen, for people.
    pub(super) text: String,
}

/// The kinds of marks. Two of different kinds don't come from one accident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Whose placeholder, or whose signature, the certificate is.
    Certificate,
    /// SETTINGS and the WINDOW_UPDATE that follows.
    Settings,
    /// What comes back for bytes that are no request.
    Bytes,
    /// Alerts, and the choice of a protocol.
    Handshake,
    /// A `via` field: who passed an answer on.
    Via,
    /// Another field.
    Field,
    /// The body, or the words of a gRPC status.
    Page,
}

/// How much a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Others could do it too.
    Hints,
    /// No other is known to do it.
    Tells,
}

impl Sign {
    /// How close to us it must have been made; `None` where a hop further behind can have made it and others passed it on.
    pub(super) fn nearness(self) -> Option<u8> {
        match self {
            Self::Certificate => Some(4),
            Self::Settings => Some(3),
            Self::Bytes => Some(2),
            Self::Handshake => Some(1),
            Self::Via | Self::Field | Self::Page => None,
        }
    }
}

impl Mark {
    fn new(proxy: Proxy, sign: Sign, weight: Weight, text: impl Into<String>) -> Self {
        Self {
            proxy,
            sign,
            weight,
            text: text.into(),
        }
    }

    fn tells(proxy: Proxy, sign: Sign, text: impl Into<String>) -> Self {
        Self::new(proxy, sign, Weight::Tells, text)
    }

    fn hints(proxy: Proxy, sign: Sign, text: impl Into<String>) -> Self {
        Self::new(proxy, sign, Weight::Hints, text)
    }

    /// Whether it speaks for this proxy: it is its own, or that of what it is built on.
    pub(super) fn fits(&self, proxy: Proxy) -> bool {
        self.proxy == proxy || self.proxy == proxy.look()
    }
}

/// All marks of an endpoint, each once, in the order of its conversations.
pub(super) fn of(endpoint: &Endpoint) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for mark in heard(endpoint).flat_map(of_conversation) {
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    marks
}

/// Whether SETTINGS came, and none of them are those of a known server.
pub(super) fn has_strange_settings(endpoint: &Endpoint) -> bool {
    let mut sent = heard(endpoint)
        .filter_map(|heard| heard.http2.as_ref())
        .filter(|http2| http2.settings.is_some())
        .peekable();
    sent.peek().is_some() && sent.all(|http2| settings::whose(http2).is_none())
}

/// The version in the `server` field of this proxy's answers.
pub(super) fn version(endpoint: &Endpoint, proxy: Proxy) -> Option<String> {
    let names: &[&str] = match proxy {
        Proxy::Nginx => &["nginx/", "openresty/"],
        Proxy::Apache => &["Apache/"],
        _ => return None,
    };
    let answers = heard(endpoint).flat_map(Heard::answers);
    let mut servers = answers.filter_map(|answer| answer.head.as_ref()?.field("server"));
    servers.find_map(|server| {
        let version = names.iter().find_map(|name| server.strip_prefix(name))?;
        version.split(' ').next().map(str::to_owned)
    })
}

fn heard(endpoint: &Endpoint) -> impl Iterator<Item = &Heard> {
    let base = endpoint.base.iter().chain(&endpoint.again);
    base.chain(endpoint.trials.iter().filter_map(|trial| trial.heard.as_ref()))
}

fn of_conversation(heard: &Heard) -> Vec<Mark> {
    let mut marks = Vec::new();
    match &heard.tls {
        Some(Ok(tls)) => marks.extend(of_certificate(tls)),
        Some(Err(failure)) => marks.extend(of_tls_failure(failure)),
        None => {}
    }
    if let Some(http2) = &heard.http2 {
        match &http2.settings {
            Some(_) => marks.extend(settings::whose(http2).map(|(proxy, weight, mut text)| {
                // grpc-go enforces ALPN, so the TLS that we shook hands with isn't its own.
                if proxy == Proxy::None && heard.handshake().is_some_and(|tls| tls.alpn.is_none()) {
                    text += " inside another's TLS, which chose no protocol";
                }
                Mark::new(proxy, Sign::Settings, weight, text)
            })),
            None => marks.extend(of_first_bytes(&http2.first, "HTTP/2 in cleartext")),
        }
    }
    if let Some(unasked) = &heard.unasked {
        marks.extend(speaks_first(&unasked.first));
    }
    if let Some(http1) = &heard.http1 {
        marks.extend(of_status_line(&http1.first));
    }
    for answer in heard.answers() {
        for head in answer.head.iter().chain(&answer.trailers) {
            marks.extend(of_fields(head));
            marks.extend(of_status(head));
        }
        marks.extend(of_page(answer));
    }
    marks
}

fn of_certificate(tls: &Tls) -> Option<Mark> {
    let leaf = tls.chain.certs.first()?;
    let placeholder = match leaf.subject_cn.as_str() {
        "TRAEFIK DEFAULT CERT" => Some(Proxy::Traefik),
        "Kubernetes Ingress Controller Fake Certificate" => Some(Proxy::IngressNginx),
        _ => None,
    };
    if let Some(proxy) = placeholder {
        let text = format!("certificate of {}", leaf.subject_cn);
        return Some(Mark::tells(proxy, Sign::Certificate, text));
    }
    let proxy = match tls.chain.certs.iter().find_map(inspector)? {
        "mitmproxy" => Proxy::Mitmproxy,
        _ => Proxy::Inspector,
    };
    let text = format!("certificate issued by {}", leaf.issuer);
    Some(Mark::tells(proxy, Sign::Certificate, text))
}

fn of_tls_failure(failure: &TlsFailure) -> Option<Mark> {
    match failure {
        TlsFailure::UnofferedAlpn => {
            let text = "chooses http/1.1 where only h2 was offered";
            Some(Mark::tells(Proxy::Apache, Sign::Handshake, text))
        }
        // Go's way to refuse a name when certificates are made on demand, as Caddy does from the start.
        TlsFailure::Alert { description: 80, .. } => {
            let text = "alert 80 internal_error for the name";
            Some(Mark::hints(Proxy::Caddy, Sign::Handshake, text))
        }
        TlsFailure::NotTls { first } => speaks_first(first).or_else(|| of_first_bytes(first, "TLS")),
        _ => None,
    }
}

/// Of those that speak HTTP/2 in cleartext, only grpc-go doesn't wait for the client's preface.
fn speaks_first(first: &FirstBytes) -> Option<Mark> {
    let says_little = first.hex.starts_with(GRPC_GO_SETTINGS);
    says_little.then(|| {
        let text = "sends SETTINGS MAX_FRAME_SIZE=16384 before the client speaks";
        Mark::tells(Proxy::None, Sign::Bytes, text)
    })
}

/// What is answered to bytes that are no request: nobody passes them on.
fn of_first_bytes(first: &FirstBytes, to: &str) -> Option<Mark> {
    match &first.opening {
        Opening::Http1 { status, page, .. } => {
            let proxy = of_maker(page.maker?);
            let text = format!("its page with HTTP {status} in answer to {to}");
            Some(Mark::tells(proxy, Sign::Bytes, text))
        }
        Opening::TlsAlert { .. } if first.hex.starts_with(ENVOY_ALERT) => {
            let text = format!("a TLS 1.0 record with alert 70 in answer to {to}");
            Some(Mark::hints(Proxy::Envoy, Sign::Bytes, text))
        }
        _ => None,
    }
}

/// HAProxy leaves the reason out where the answer comes from HTTP/2.
fn of_status_line(first: &FirstBytes) -> Option<Mark> {
    let line = first.line.as_deref()?;
    let mut words = line.split_whitespace();
    let bare = words.next() == Some("HTTP/1.1") && words.next().is_some() && words.next().is_none();
    bare.then(|| Mark::hints(Proxy::Haproxy, Sign::Field, "an HTTP/1.1 status line without a reason"))
}

fn of_fields(head: &Head) -> Vec<Mark> {
    /// How the value of `server` starts, and whose it is.
    const SERVERS: [(&str, Proxy); 10] = [
        ("nginx", Proxy::Nginx),
        ("openresty", Proxy::Nginx),
        ("istio-envoy", Proxy::Istio),
        ("envoy", Proxy::Envoy),
        ("Caddy", Proxy::Caddy),
        ("Apache", Proxy::Apache),
        ("nghttpx", Proxy::Nghttpx),
        ("awselb", Proxy::AwsAlb),
        ("cloudflare", Proxy::Cloudflare),
        ("mitmproxy", Proxy::Mitmproxy),
    ];
    /// (field, how its value starts, whose it is, how much it says).
    const OTHERS: [(&str, &str, Proxy, Weight); 6] = [
        ("x-envoy-decorator-operation", "", Proxy::Istio, Weight::Hints),
        ("x-envoy-upstream-service-time", "", Proxy::Envoy, Weight::Tells),
        ("cf-ray", "", Proxy::Cloudflare, Weight::Tells),
        ("cf-cache-status", "", Proxy::Cloudflare, Weight::Tells),
        // Defaults that others have to be told: ingress-nginx's, and that of the HTTP/3 in Caddy.
        (
            "strict-transport-security",
            "max-age=15724800",
            Proxy::IngressNginx,
            Weight::Tells,
        ),
        ("alt-svc", "h3=\":", Proxy::Caddy, Weight::Hints),
    ];
    let mut marks = Vec::new();
    let server = head.field("server").unwrap_or_default();
    if let Some((_, proxy)) = SERVERS.iter().find(|(name, _)| server.starts_with(name)) {
        marks.push(Mark::tells(*proxy, Sign::Field, format!("server: {server}")));
    }
    // The last hop adds its name at the end (RFC 9110, section 7.6.3).
    let via = head.fields.iter().rfind(|field| field.name == "via");
    let via = via.and_then(|field| field.value.rsplit(',').next()).unwrap_or_default();
    for (name, proxy) in [(" Caddy", Proxy::Caddy), (" nghttpx", Proxy::Nghttpx)] {
        if via.trim_end().ends_with(name) {
            marks.push(Mark::tells(proxy, Sign::Via, format!("via: {}", via.trim())));
        }
    }
    for (name, start, proxy, weight) in OTHERS {
        if head.field(name).is_some_and(|value| value.starts_with(start)) {
            let text = match start {
                "" => name.to_owned(),
                start => format!("{name}: {start}…"),
            };
            marks.push(Mark::new(proxy, Sign::Field, weight, text));
        }
    }
    marks
}

fn of_status(head: &Head) -> Option<Mark> {
    let grpc = head.grpc.as_ref()?;
    if grpc.said.is_envoy() {
        let text = format!("grpc-message: {}", grpc.message);
        return Some(Mark::tells(Proxy::Envoy, Sign::Page, text));
    }
    // The gateway always says what it doesn't implement.
    let unnamed = grpc.code == Status::UNIMPLEMENTED && grpc.said == Said::Nothing;
    unnamed.then(|| Mark::hints(Proxy::Envoy, Sign::Page, "grpc-status 12 without a message"))
}

fn of_page(answer: &Answer) -> Option<Mark> {
    let (head, page) = (answer.head.as_ref()?, answer.page.as_ref()?);
    if head.status == 464 {
        return Some(Mark::tells(Proxy::AwsAlb, Sign::Page, "HTTP 464, which only ALB gives"));
    }
    let Some(maker) = page.maker else {
        return of_traefik(head, page.start.trim_end());
    };
    // Traefik's router says so with Go's `http.Error`; Hoop's own "not found" comes without the field.
    let nosniff = head.field("x-content-type-options") == Some("nosniff");
    match maker {
        Maker::GoHttp if nosniff => {
            let text = "\"404 page not found\" with x-content-type-options";
            Some(Mark::tells(Proxy::Traefik, Sign::Page, text))
        }
        Maker::GoHttp => None,
        maker => {
            let proxy = of_maker(maker);
            Some(Mark::tells(proxy, Sign::Page, format!("{} error page", proxy.name())))
        }
    }
}

/// Traefik's answer for a gateway that it can't reach: the status in words and no other field.
fn of_traefik(head: &Head, body: &str) -> Option<Mark> {
    let words = match head.status {
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        504 => "Gateway Timeout",
        _ => return None,
    };
    let bare = head.field("content-type").is_none() && head.field("server").is_none();
    (bare && body == words).then(|| {
        let text = format!("\"{words}\" without a content type");
        Mark::tells(Proxy::Traefik, Sign::Page, text)
    })
}

fn of_maker(maker: Maker) -> Proxy {
    match maker {
        Maker::Nginx => Proxy::Nginx,
        Maker::Haproxy => Proxy::Haproxy,
        Maker::Apache => Proxy::Apache,
        Maker::Envoy => Proxy::Envoy,
        Maker::Nghttpx => Proxy::Nghttpx,
        Maker::Awselb => Proxy::AwsAlb,
        Maker::Cloudflare => Proxy::Cloudflare,
        Maker::GoHttp => Proxy::GoHttp,
        Maker::Traefik => Proxy::Traefik,
        Maker::Mitmproxy => Proxy::Mitmproxy,
    }
}

/// A SETTINGS frame with nothing but MAX_FRAME_SIZE=16384.
const GRPC_GO_SETTINGS: &str = "00 00 06 04 00 00 00 00 00 00 05 00 00 40 00";

/// A fatal alert 70, protocol_version, in a record of TLS 1.0.
const ENVOY_ALERT: &str = "15 03 01 00 02 02 46";
