//! Which proxy answers, judged by several marks at once. It never overrides what the bytes say.

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::{Answer, Head};
use hoop_doctor_probes::wire::frame::Setting;
use hoop_doctor_probes::wire::page::Maker;
use schemars::JsonSchema;
use serde::Serialize;

use crate::evidence::Endpoint;
use crate::findings::Confidence;

/// A system whose configuration can be at fault, or that can be in front of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "proper names")]
pub enum Proxy {
    Nginx,
    IngressNginx,
    Envoy,
    Istio,
    Haproxy,
    Caddy,
    Apache,
    Traefik,
    Nghttpx,
    AwsAlb,
    Cloudflare,
    Mitmproxy,
    /// Go's net/http, which Traefik and Caddy are built on, and Hoop's own REST port.
    GoHttp,
    /// No proxy that speaks HTTP: the gateway itself, or a TCP passthrough to it.
    None,
    /// Hoop itself: the gateway, the agent, the client.
    Hoop,
}

/// What was recognised, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The proxy.
    pub proxy: Proxy,
    /// Its version, where it says so.
    pub version: Option<String>,
    /// `certain` with two independent marks, `likely` with one.
    pub confidence: Confidence,
    /// The marks that decided.
    pub marks: Vec<String>,
}

impl Proxy {
    /// The name as its makers write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::IngressNginx => "ingress-nginx",
            Self::Envoy => "Envoy",
            Self::Istio => "Istio",
            Self::Haproxy => "HAProxy",
            Self::Caddy => "Caddy",
            Self::Apache => "Apache",
            Self::Traefik => "Traefik",
            Self::Nghttpx => "nghttpx",
            Self::AwsAlb => "AWS ALB",
            Self::Cloudflare => "Cloudflare",
            Self::Mitmproxy => "mitmproxy",
            Self::GoHttp => "a Go HTTP server",
            Self::None => "no proxy",
            Self::Hoop => "Hoop",
        }
    }

    /// The language of its configuration, as code blocks name it.
    pub fn language(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Caddy => "caddyfile",
            Self::Apache => "apache",
            Self::IngressNginx | Self::Envoy | Self::Istio | Self::Traefik | Self::AwsAlb => "yaml",
            Self::Nghttpx | Self::Cloudflare | Self::Mitmproxy | Self::GoHttp | Self::None => "text",
            Self::Hoop => "sh",
        }
    }

    /// The system whose wire it has: ingress-nginx is nginx, Istio is Envoy, and a Go server that says no more is most often Traefik.
    pub fn family(self) -> Self {
        match self {
            Self::IngressNginx => Self::Nginx,
            Self::Istio => Self::Envoy,
            Self::GoHttp => Self::Traefik,
            other => other,
        }
    }

    /// Whether a snippet for `other` helps where this proxy was recognised: what is told apart by configuration alone looks the same on the wire.
    pub fn speaks_like(self, other: Self) -> bool {
        self == other
            || matches!(
                (self, other),
                (Self::Nginx, Self::IngressNginx)
                    | (Self::Envoy, Self::Istio)
                    | (Self::Istio, Self::Envoy)
                    | (Self::GoHttp, Self::Traefik)
            )
    }
}

/// SETTINGS as each server sends them, in order, as (identifier, value); and the first WINDOW_UPDATE of the connection.
struct Fingerprint {
    proxy: Proxy,
    settings: &'static [(u16, Option<u32>)],
    window_update: Option<u32>,
}

/// facts measured on the wire; values that an administrator commonly changes are left open.
const FINGERPRINTS: &[Fingerprint] = &[
    Fingerprint {
        proxy: Proxy::None,
        settings: &[(5, Some(16_384))],
        window_update: None,
    },
    Fingerprint {
        proxy: Proxy::Nginx,
        settings: &[(3, None), (4, Some(65_536)), (5, Some(16_777_215))],
        window_update: Some(2_147_418_112),
    },
    Fingerprint {
        proxy: Proxy::Envoy,
        settings: &[(1, None), (8, None), (3, None), (4, None)],
        window_update: Some(25_100_289),
    },
    Fingerprint {
        proxy: Proxy::Haproxy,
        settings: &[(8, Some(1)), (3, None)],
        window_update: None,
    },
    Fingerprint {
        proxy: Proxy::Caddy,
        settings: &[
            (5, Some(1_048_576)),
            (3, Some(250)),
            (6, Some(16_704)),
            (1, Some(4_096)),
            (4, Some(1_048_576)),
            (9, Some(1)),
        ],
        window_update: Some(983_041),
    },
    Fingerprint {
        proxy: Proxy::GoHttp,
        settings: &[
            (5, Some(1_048_576)),
            (3, Some(250)),
            (6, None),
            (1, Some(4_096)),
            (4, Some(1_048_576)),
        ],
        window_update: Some(983_041),
    },
    Fingerprint {
        proxy: Proxy::GoHttp,
        settings: &[
            (5, Some(1_048_576)),
            (3, Some(250)),
            (6, None),
            (1, Some(4_096)),
            (4, Some(1_048_576)),
            (9, Some(1)),
        ],
        window_update: Some(983_041),
    },
    Fingerprint {
        proxy: Proxy::Apache,
        settings: &[(3, None)],
        window_update: Some(2_147_418_112),
    },
    Fingerprint {
        proxy: Proxy::Nghttpx,
        settings: &[(3, None), (4, Some(65_535)), (9, Some(1)), (8, Some(1))],
        window_update: None,
    },
    Fingerprint {
        proxy: Proxy::Mitmproxy,
        settings: &[
            (1, Some(4_096)),
            (2, Some(0)),
            (4, None),
            (5, None),
            (8, Some(0)),
            (3, Some(100)),
            (6, Some(65_536)),
        ],
        window_update: None,
    },
];

/// What is in front of this endpoint, as far as its answers tell.
pub fn recognise(endpoint: &Endpoint) -> Option<Recognised> {
    let heard: Vec<&Heard> = endpoint
        .base
        .iter()
        .chain(&endpoint.again)
        .chain(endpoint.trials.iter().filter_map(|trial| trial.heard.as_ref()))
        .collect();
    let mut marks: Vec<(Proxy, String)> = Vec::new();
    for heard in &heard {
        add(&mut marks, by_settings(heard));
        for answer in heard.answers() {
            for head in answer.head.iter().chain(&answer.trailers) {
                for mark in by_head(head) {
                    add(&mut marks, Some(mark));
                }
            }
            add(&mut marks, by_page(answer));
        }
    }
    if let Some(tls) = endpoint.handshake()
        && tls
            .chain
            .certs
            .first()
            .is_some_and(|leaf| leaf.subject.contains("TRAEFIK DEFAULT CERT"))
    {
        add(
            &mut marks,
            Some((Proxy::Traefik, "certificate: TRAEFIK DEFAULT CERT".to_owned())),
        );
    }
    decide(&marks, &heard)
}

fn add(marks: &mut Vec<(Proxy, String)>, mark: Option<(Proxy, String)>) {
    if let Some(mark) = mark.filter(|mark| !marks.contains(mark)) {
        marks.push(mark);
    }
}

/// The proxy with the most marks; the nearer one (by SETTINGS) where they disagree.
fn decide(marks: &[(Proxy, String)], heard: &[&Heard]) -> Option<Recognised> {
    let count = |proxy: Proxy| marks.iter().filter(|(other, _)| *other == proxy).count();
    let general = |proxy: &Proxy| matches!(proxy, Proxy::GoHttp | Proxy::None);
    // What a proxy says of itself is more than a Go server's SETTINGS, and the last hop's own SETTINGS more than a header from behind it.
    let (proxy, _) = marks
        .iter()
        .max_by_key(|(proxy, mark)| (!general(proxy), mark.starts_with("SETTINGS"), count(*proxy)))?;
    let mut proxy = *proxy;
    if proxy == Proxy::Envoy && marks.iter().any(|(other, _)| *other == Proxy::Istio) {
        proxy = Proxy::Istio;
    }
    let mine = |other: Proxy| other == proxy || (proxy == Proxy::Istio && other == Proxy::Envoy);
    let decided: Vec<String> = marks
        .iter()
        .filter(|(other, _)| mine(*other))
        .map(|(_, mark)| mark.clone())
        .collect();
    Some(Recognised {
        proxy,
        version: heard.iter().find_map(|heard| version(proxy, heard)),
        confidence: match decided.len() {
            0 | 1 => Confidence::Likely,
            _ => Confidence::Certain,
        },
        marks: decided,
    })
}

fn by_settings(heard: &Heard) -> Option<(Proxy, String)> {
    let http2 = heard.http2.as_ref()?;
    let settings = http2.settings.as_ref()?;
    let same = |fingerprint: &&Fingerprint| {
        // Those that open with none send one later, as bodies come in; Envoy's may come after the last answer.
        let window = match (fingerprint.window_update, http2.window_update) {
            (Some(expected), Some(update)) => expected == update,
            (Some(_), None) => fingerprint.proxy == Proxy::Envoy,
            (None, _) => true,
        };
        let fits = |(one, (id, value)): (&Setting, &(u16, Option<u32>))| {
            one.id == *id && value.is_none_or(|value| value == one.value)
        };
        window && settings.len() == fingerprint.settings.len() && settings.iter().zip(fingerprint.settings).all(fits)
    };
    let found = FINGERPRINTS.iter().find(same)?;
    let shown: Vec<String> = settings
        .iter()
        .map(|one| format!("{}={}", one.name(), one.value))
        .collect();
    Some((found.proxy, format!("SETTINGS {}", shown.join(" "))))
}

fn by_head(head: &Head) -> Vec<(Proxy, String)> {
    /// (field, how its value starts, whose it is).
    const MARKS: &[(&str, &str, Proxy)] = &[
        ("server", "nginx", Proxy::Nginx),
        ("server", "openresty", Proxy::Nginx),
        ("server", "istio-envoy", Proxy::Istio),
        ("server", "envoy", Proxy::Envoy),
        ("server", "Caddy", Proxy::Caddy),
        ("server", "Apache", Proxy::Apache),
        ("server", "nghttpx", Proxy::Nghttpx),
        ("server", "awselb", Proxy::AwsAlb),
        ("server", "cloudflare", Proxy::Cloudflare),
        ("server", "mitmproxy", Proxy::Mitmproxy),
        ("x-envoy-upstream-service-time", "", Proxy::Envoy),
        ("cf-ray", "", Proxy::Cloudflare),
        ("via", "2.0 Caddy", Proxy::Caddy),
        ("via", "1.1 Caddy", Proxy::Caddy),
        ("via", "2 nghttpx", Proxy::Nghttpx),
        ("via", "1.1 nghttpx", Proxy::Nghttpx),
    ];
    let says = |(name, start, proxy): &(&str, &str, Proxy)| {
        let value = head.field(name)?;
        value.starts_with(start).then(|| (*proxy, format!("{name}: {value}")))
    };
    let envoy = head.grpc.as_ref().filter(|grpc| grpc.said.is_envoy());
    let envoy = envoy.map(|grpc| (Proxy::Envoy, format!("grpc-message: {}", grpc.message)));
    MARKS.iter().filter_map(says).chain(envoy).collect()
}

fn by_page(answer: &Answer) -> Option<(Proxy, String)> {
    let maker = answer.page.as_ref()?.maker?;
    // Traefik's router says so with Go's `http.Error`; Hoop's own "not found" comes without the field.
    let nosniff = answer.head.as_ref()?.field("x-content-type-options") == Some("nosniff");
    if maker == Maker::GoHttp && nosniff {
        return Some((
            Proxy::Traefik,
            "\"404 page not found\" with x-content-type-options".to_owned(),
        ));
    }
    let proxy = match maker {
        Maker::Nginx => Proxy::Nginx,
        Maker::Haproxy => Proxy::Haproxy,
        Maker::Apache => Proxy::Apache,
        Maker::Envoy => Proxy::Envoy,
        Maker::Nghttpx => Proxy::Nghttpx,
        Maker::Awselb => Proxy::AwsAlb,
        Maker::Cloudflare => Proxy::Cloudflare,
        Maker::Traefik => Proxy::Traefik,
        Maker::Mitmproxy => Proxy::Mitmproxy,
        Maker::GoHttp => return None,
    };
    Some((proxy, format!("{} error page", proxy.name())))
}

fn version(proxy: Proxy, heard: &Heard) -> Option<String> {
    let start = match proxy {
        Proxy::Nginx => "nginx/",
        Proxy::Apache => "Apache/",
        Proxy::AwsAlb => "awselb/",
        _ => return None,
    };
    heard
        .answers()
        .filter_map(|answer| answer.head.as_ref()?.field("server"))
        .find_map(|server| {
            let version = server.strip_prefix(start)?;
            Some(version.split(' ').next().unwrap_or(version).to_owned())
        })
}
