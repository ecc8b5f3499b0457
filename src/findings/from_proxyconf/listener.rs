//! What listeners do to the connection of an agent or a client.

use super::limits::{said, span};
use super::{Conf, Draft, Site, once};
use crate::findings::http2::few_streams::ENOUGH;
use crate::findings::{Confidence, Severity};
use crate::proxies::Proxy;
use crate::proxyconf::{From, Http2, Layer, Setting, Terminated, Tls};

/// HD401: TLS without HTTP/2.
pub(super) fn http1_only(conf: &Conf<'_>) -> Vec<Draft> {
    with_http2(conf, Http2::Http1Only, |site, http2| {
        site.is_encrypted().then(|| {
            Draft::new(
                format!(
                    "the TLS listener at {} speaks HTTP/1.1 alone: {}",
                    site.name(),
                    said(http2)
                ),
                "switch HTTP/2 on for this listener: gRPC has no other way in",
            )
        })
    })
}

/// HD402: TLS that chooses no protocol.
pub(super) fn no_alpn(conf: &Conf<'_>) -> Vec<Draft> {
    with_http2(conf, Http2::NoAlpn, |site, http2| {
        let draft = Draft::new(
            format!(
                "the TLS listener at {} chooses no protocol by ALPN: {}",
                site.name(),
                said(http2)
            ),
            "let the listener offer h2 by ALPN: grpc-go ends the connection without it",
        );
        Some(draft)
    })
}

/// HD403: cleartext without HTTP/2.
pub(super) fn cleartext_http1(conf: &Conf<'_>) -> Vec<Draft> {
    with_http2(conf, Http2::Http1Only, |site, http2| {
        // Beside TLS for the same name it is a way in for browsers.
        (!site.is_encrypted() && !conf.has_tls(site) && site.listener.proxy != Proxy::AwsAlb).then(|| {
            Draft::new(
                format!(
                    "the cleartext listener at {} speaks HTTP/1.1 alone: {}",
                    site.name(),
                    said(http2)
                ),
                "switch HTTP/2 on for this listener, or TLS with HTTP/2 and a scheme of grpcs://",
            )
        })
    })
}

/// HD408: HTTP/2 that is announced and not spoken.
pub(super) fn http2_in_vain(conf: &Conf<'_>) -> Vec<Draft> {
    with_http2(conf, Http2::ChosenInVain, |site, http2| {
        let draft = Draft::new(
            format!(
                "the TLS listener at {} announces h2 and speaks HTTP/1.1: {}",
                site.name(),
                said(http2)
            ),
            "let it speak what it announces: HTTP/2",
        );
        Some(draft)
    })
}

/// HD310: no TLS that Go speaks.
pub(super) fn old_tls(conf: &Conf<'_>) -> Vec<Draft> {
    ended(conf, |site, tls| {
        let newest = tls
            .newest
            .as_ref()
            .filter(|newest| matches!(newest.value.as_str(), "1.0" | "1.1"))?;
        let message = format!(
            "the listener at {} speaks TLS {} at most, and Go asks for 1.2: {}",
            site.name(),
            newest.value,
            said(newest)
        );
        Some(Draft::new(message, "allow TLS 1.2 and 1.3").place(&newest.at))
    })
}

/// HD312: a certificate that Hoop doesn't have.
pub(super) fn client_certificate(conf: &Conf<'_>) -> Vec<Draft> {
    ended(conf, |site, tls| {
        let required = tls.client_certificate.as_ref().filter(|required| required.value)?;
        let message = format!(
            "the listener at {} asks for a client certificate, and Hoop has none: {}",
            site.name(),
            said(required)
        );
        Some(Draft::new(message, "don't ask for a client certificate on Hoop's host").place(&required.at))
    })
}

/// HD315: every handshake is refused.
pub(super) fn handshake_rejected(conf: &Conf<'_>) -> Vec<Draft> {
    ended(conf, |site, tls| {
        let at = tls.rejects.as_ref()?;
        let message = format!("the listener refuses every TLS handshake for {}", site.name());
        Some(Draft::new(message, "give the host a listener that has its certificate").place(at))
    })
}

/// HD213: who comes without a PROXY header is reset.
pub(super) fn proxy_protocol(conf: &Conf<'_>) -> Vec<Draft> {
    let expecting = conf.grpc().filter_map(|site| {
        let at = site.listener.proxy_protocol.as_ref()?;
        let message = format!(
            "the listener at {} expects a PROXY header: only a balancer that sends one can reach it",
            site.name()
        );
        let draft = Draft::new(message, "expect a PROXY header only behind a balancer that sends it").place(at);
        Some(draft.severity(Severity::Info).confidence(Confidence::Possible))
    });
    once(expecting)
}

/// HD409: too few streams for a client with many sessions.
pub(super) fn few_streams(conf: &Conf<'_>) -> Vec<Draft> {
    let few = conf.grpc().filter_map(|site| {
        let streams = site
            .listener
            .limits
            .streams
            .as_ref()
            .filter(|streams| streams.value < u64::from(ENOUGH))?;
        let message = format!(
            "the listener at {} allows {} streams at a time on a connection: {}",
            site.name(),
            streams.value,
            said(streams)
        );
        Some(Draft::new(message, "allow 100 streams or more").place(&streams.at))
    });
    once(few)
}

/// HD410: connections that end while they are needed.
pub(super) fn recycled(conf: &Conf<'_>) -> Vec<Draft> {
    let recycled = conf.grpc().filter_map(|site| {
        let limits = &site.listener.limits;
        let requests = limits
            .requests
            .as_ref()
            .filter(|one| one.from == From::Written && one.value < FEWEST_REQUESTS);
        let age = limits
            .age
            .as_ref()
            .filter(|one| one.from == From::Written && one.value < SHORTEST_AGE);
        let (when, at) = match (requests, age) {
            (Some(requests), _) => (
                format!("after {} requests: {}", requests.value, said(requests)),
                &requests.at,
            ),
            (None, Some(age)) => (format!("after {}: {}", span(age.value), said(age)), &age.at),
            (None, None) => return None,
        };
        let message = format!("the listener at {} ends connections {when}", site.name());
        Some(Draft::new(message, "let connections live for an hour or a thousand requests").place(at))
    });
    once(recycled)
}

/// Below these a connection ends within an ordinary session.
const FEWEST_REQUESTS: u64 = 100;
const SHORTEST_AGE: u64 = 5 * 60_000;

/// Looks at the listeners through which gRPC has to come, for one outcome of HTTP/2.
fn with_http2(
    conf: &Conf<'_>,
    outcome: Http2,
    look: impl Fn(&Site<'_>, &Setting<Http2>) -> Option<Draft>,
) -> Vec<Draft> {
    let sites = conf.ways_in();
    let drafts = sites.into_iter().filter_map(|site| {
        let http2 = site.listener.http2.as_ref().filter(|http2| http2.value == outcome)?;
        // Bytes that pass through are the gateway's to understand.
        let is_passed = site.listener.layer == Layer::Tcp && !matches!(site.listener.tls, Tls::Ended(_));
        (!is_passed)
            .then(|| look(site, http2))
            .flatten()
            .map(|draft| draft.place(&http2.at))
    });
    once(drafts)
}

/// Looks at the listeners that end TLS.
fn ended(conf: &Conf<'_>, look: impl Fn(&Site<'_>, &Terminated) -> Option<Draft>) -> Vec<Draft> {
    let drafts = conf.ways_in().into_iter().filter_map(|site| match &site.listener.tls {
        Tls::Ended(tls) => look(site, tls),
        Tls::Off | Tls::Passed | Tls::Unknown => None,
    });
    once(drafts)
}
