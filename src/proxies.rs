//! Which proxy answers, judged by several marks at once. It never overrides what the bytes say.
//!
//! What only the nearest hop can have made (SETTINGS, its certificate, its answer to bytes that are no request) says who it is.
//! Fields and pages may come from a hop behind it: they refine what the nearest hop looks like, and decide alone only where nothing else does.

mod marks;
mod settings;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Endpoint;
use crate::findings::Confidence;

use self::marks::{Mark, Sign, Weight};

/// A system whose configuration can be at fault, or that can be in front of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// A firewall or a cloud service that inspects TLS; the mark says whose.
    Inspector,
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
    /// `certain` with a mark of the nearest hop's own and another of a different sign, `likely` with one that tells, else `possible`.
    pub confidence: Confidence,
    /// The marks that decided.
    pub marks: Vec<String>,
}

impl Proxy {
    /// Those that have a configuration of their own, as a runbook's headings name them.
    pub const ALL: [Self; 12] = [
        Self::Nginx,
        Self::IngressNginx,
        Self::Envoy,
        Self::Istio,
        Self::Haproxy,
        Self::Caddy,
        Self::Apache,
        Self::Traefik,
        Self::Nghttpx,
        Self::AwsAlb,
        Self::Cloudflare,
        Self::Mitmproxy,
    ];

    /// The one with this name, as a runbook's heading has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|proxy| proxy.name() == name)
    }

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
            Self::Inspector => "a TLS inspector",
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
            Self::Nghttpx | Self::Cloudflare | Self::Mitmproxy | Self::Inspector | Self::GoHttp | Self::None => "text",
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

    /// Whose HTTP/2 it speaks, where that is another's: it is built on it, or made from it.
    fn look(self) -> Self {
        match self {
            Self::IngressNginx | Self::AwsAlb | Self::Cloudflare => Self::Nginx,
            Self::Istio => Self::Envoy,
            Self::Traefik | Self::Caddy => Self::GoHttp,
            _ => self,
        }
    }

    /// Whether its marks were measured on the product itself; those of the others are what its makers document.
    fn is_measured(self) -> bool {
        !matches!(
            self,
            Self::IngressNginx | Self::Istio | Self::AwsAlb | Self::Cloudflare | Self::Inspector
        )
    }
}

/// What is in front of this endpoint, as far as its own answers tell.
pub fn recognise(endpoint: &Endpoint) -> Option<Recognised> {
    let marks = marks::of(endpoint);
    let proxy = decide(&marks)?;
    let mine: Vec<&Mark> = marks.iter().filter(|mark| mark.fits(proxy)).collect();
    Some(Recognised {
        proxy,
        version: marks::version(endpoint, proxy),
        confidence: confidence(proxy, &mine, marks::has_strange_settings(endpoint)),
        marks: mine.iter().map(|mark| mark.text.clone()).collect(),
    })
}

/// What is in front of this endpoint; where another one at the same port shows more of it, that, less surely.
pub fn recognise_among(endpoint: &Endpoint, all: &[Endpoint]) -> Option<Recognised> {
    let own = recognise(endpoint);
    let shows_more = |found: &Recognised| match &own {
        // That one protocol passes through says nothing of another.
        None => endpoint.is_spoken_to() && found.proxy != Proxy::None,
        Some(own) => found.proxy != own.proxy && found.proxy.look() == own.proxy,
    };
    let at_same_port =
        |other: &&Endpoint| other.id != endpoint.id && other.target.address() == endpoint.target.address();
    let found = all.iter().filter(at_same_port).find_map(|other| {
        let found = recognise(other).filter(&shows_more)?;
        Some((other, found))
    });
    let Some((other, found)) = found else {
        return own;
    };
    let mut marks = own.map(|own| own.marks).unwrap_or_default();
    marks.push(format!("what {} shows of the same port", other.id));
    Some(Recognised {
        confidence: match found.confidence {
            Confidence::Certain => Confidence::Likely,
            Confidence::Likely | Confidence::Possible => Confidence::Possible,
        },
        marks,
        ..found
    })
}

/// The nearest hop, as precisely as the marks allow.
fn decide(marks: &[Mark]) -> Option<Proxy> {
    let near = marks
        .iter()
        .filter(|mark| mark.weight == Weight::Tells || mark.sign == Sign::Settings)
        .filter_map(|mark| Some((mark.weight, mark.sign.nearness()?, mark.proxy)));
    let Some((_, _, nearest)) = near.rev().max_by_key(|(weight, nearness, _)| (*weight, *nearness)) else {
        return strongest(marks, |_| true);
    };
    // nginx's SETTINGS with Cloudflare's fields are Cloudflare's; Envoy's SETTINGS with nginx's fields stay Envoy's.
    let refines = |mark: &Mark| mark.weight == Weight::Tells && mark.proxy != nearest && mark.proxy.look() == nearest;
    strongest(marks, refines).or(Some(nearest))
}

/// Whose marks, of those that are `asked` for, say most: what tells before what hints, who passed an answer on before who made it.
fn strongest(marks: &[Mark], asked: impl Fn(&Mark) -> bool) -> Option<Proxy> {
    let rank = |proxy: Proxy| {
        let mine = || marks.iter().filter(move |mark| mark.proxy == proxy);
        let weight = mine().map(|mark| mark.weight).max();
        (weight, mine().any(|mark| mark.sign == Sign::Via), mine().count())
    };
    // Of equals the first: `max_by_key` takes the last.
    let proxies = marks.iter().rev().filter(|mark| asked(mark)).map(|mark| mark.proxy);
    proxies.max_by_key(|proxy| rank(*proxy))
}

/// How sure the marks that fit the proxy make it.
fn confidence(proxy: Proxy, mine: &[&Mark], strange_settings: bool) -> Confidence {
    let telling = || {
        mine.iter()
            .filter(|mark| mark.proxy == proxy && mark.weight == Weight::Tells)
    };
    let near = telling().any(|mark| mark.sign.nearness().is_some());
    let agreeing = mine.windows(2).any(|two| two[0].sign != two[1].sign);
    match telling().next() {
        None => Confidence::Possible,
        Some(_) if !proxy.is_measured() => Confidence::Likely,
        Some(_) if near && agreeing => Confidence::Certain,
        // The nearest hop is none of those that are known here: what its answers name may be behind it.
        Some(_) if !near && strange_settings => Confidence::Possible,
        Some(_) => Confidence::Likely,
    }
}
