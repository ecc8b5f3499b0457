//! Findings from configuration files of proxies: the same codes as from the wire, one look a code.
//!
//! A look reads the model alone and doesn't know which proxy it came from; the remedy's words do.

use std::collections::BTreeSet;

use crate::evidence::{Endpoint, Evidence, Kind};
use crate::logs::redact::redact;
use crate::proxies::Proxy;
use crate::proxyconf::{Allowed, Place, ProxyConf};

use super::rank::Diagnosed;
use super::{Code, Confidence, Draft, Location, joined, proxyconf, rules, snippets};

mod access;
mod limits;
mod listener;
mod point;
mod request;
mod rest;
mod routes;
mod site;
mod upstream;

use site::Site;
pub(super) use site::{Conf, GRPC, REST, forward};

/// What a look finds: the drafts of one code, each with its places.
type Look = fn(&Conf<'_>) -> Vec<Draft>;

/// Each code that a file can show, and how it is told.
const LOOKS: &[(u16, Look)] = &[
    (204, upstream::closed_in_cleartext),
    (213, listener::proxy_protocol),
    (310, listener::old_tls),
    (312, listener::client_certificate),
    (315, listener::handshake_rejected),
    (318, upstream::closed_in_tls),
    (401, listener::http1_only),
    (402, listener::no_alpn),
    (403, listener::cleartext_http1),
    (408, listener::http2_in_vain),
    (409, listener::few_streams),
    (410, listener::recycled),
    (504, access::redirected),
    (505, rest::upstream),
    (506, access::rest_denied),
    (508, rest::websocket),
    (601, routes::not_routed),
    (603, routes::partial),
    (604, upstream::protocol),
    (605, upstream::tls),
    (606, upstream::nobody_there),
    (607, access::answers_itself),
    (607, upstream::proxy_header),
    (611, access::denied),
    (612, limits::request_buffered),
    (614, upstream::target_group),
    (617, access::stripped),
    (620, access::limited),
    (701, limits::body),
    (702, limits::header),
    (703, limits::idle),
    (704, limits::lifetime),
    (706, proxyconf::retries_configured::look),
    (707, limits::response_buffered),
    (801, proxyconf::unreadable::look),
    (802, proxyconf::route_order::look),
    (803, proxyconf::health_check_wrong::look),
    (804, proxyconf::tls_host_mismatch::look),
    (805, proxyconf::listener_not_https::look),
    (806, proxyconf::backend_port_wrong::look),
    (807, proxyconf::several_replicas::look),
    (808, proxyconf::nothing_for_hoop::look),
];

/// Adds what the files say to what is found already, and the places in them to what they explain.
pub(super) fn join(found: &mut Vec<Diagnosed>, evidence: &Evidence) {
    let Some(all) = &evidence.proxyconf else { return };
    let hosts: BTreeSet<&str> = match all.asked.as_slice() {
        [] => evidence
            .wire
            .endpoints
            .iter()
            .map(|endpoint| endpoint.target.server_name.as_str())
            .collect(),
        asked => asked.iter().map(String::as_str).collect(),
    };
    let conf = Conf::new(all, &Vec::from_iter(hosts));
    let mut told = findings(&conf);
    for one in &mut told {
        about(one, &evidence.wire.endpoints);
    }
    let is_allowed = |one: &Diagnosed| {
        one.draft
            .locations
            .iter()
            .any(|place| allows(&all.allowed, one.rule.code, place))
    };
    told.retain(|one| !is_allowed(one));
    joined::join(
        found,
        told,
        evidence,
        "; the gateway answers all the same: this may not be what runs",
    );
    point::point(found, &conf);
}

/// What the files lead to, in the order of the codes.
fn findings(conf: &Conf<'_>) -> Vec<Diagnosed> {
    let mut found = Vec::new();
    for (code, look) in LOOKS {
        let Some(rule) = rules().find(|rule| rule.code == Code(*code)) else {
            continue;
        };
        for mut draft in look(conf) {
            let proxy = proxy_of(conf.all, &draft);
            draft.remedy.snippets = fitting(*code, proxy);
            // What isn't known to be Hoop's may be as it is for a reason.
            if conf.is_guess && draft.confidence.is_none() {
                draft.confidence = Some(Confidence::Likely);
            }
            found.push(Diagnosed {
                rule,
                draft,
                because_of: None,
            });
        }
    }
    found
}

/// What is wrong at a listener is wrong at the endpoints that it can serve.
fn about(one: &mut Diagnosed, endpoints: &[Endpoint]) {
    let kind = match one.rule.code.0 {
        500..600 => Kind::Rest,
        _ => Kind::Grpc,
    };
    for (index, endpoint) in endpoints
        .iter()
        .enumerate()
        .filter(|(_, endpoint)| endpoint.target.kind == kind)
    {
        one.draft.endpoints.push(index);
        one.draft.identities.extend(&endpoint.identities);
    }
}

/// Whether a comment allows it, with a reason.
fn allows(allowed: &[Allowed], code: Code, place: &Location) -> bool {
    allowed.iter().any(|one| {
        one.reason.is_some()
            && one.at.file == place.file
            && Some(one.line) == place.line
            && one.codes.iter().any(|own| *own == code.to_string())
    })
}

/// Whose file it is.
fn proxy_of(all: &ProxyConf, draft: &Draft) -> Option<Proxy> {
    let place = draft.locations.first()?;
    let line = place.line.unwrap_or_default();
    // A file of manifests can be for several: the nearest listener before the place knows.
    let listeners = all.listeners.iter().filter(|one| one.at.file == place.file);
    let nearest = listeners
        .filter(|one| one.at.line <= line)
        .max_by_key(|one| one.at.line);
    let file = || {
        all.files
            .iter()
            .find(|file| file.name == place.file)
            .map(|file| file.proxy)
    };
    nearest.map(|one| one.proxy).or_else(file)
}

/// The page's blocks for this proxy; where it has none, nobody's: what fits another proxy's file is no help here.
fn fitting(code: u16, proxy: Option<Proxy>) -> Vec<super::Snippet> {
    let mut all = snippets(code);
    if let Some(proxy) = proxy {
        all.retain(|snippet| snippet.proxy == proxy);
    }
    all
}

impl Draft {
    /// Points at a place in a file.
    pub(super) fn place(mut self, place: &Place) -> Self {
        self.locations.push(location(place));
        self
    }
}

/// A place as a report has it.
fn location(place: &Place) -> Location {
    Location {
        file: place.file.clone(),
        line: Some(place.line),
        column: Some(place.column),
        text: Some(redact(&place.text).into_owned()).filter(|text| !text.is_empty()),
    }
}

/// The first of those that point at the same place: hosts of one listener share its settings.
pub(super) fn once(drafts: impl Iterator<Item = Draft>) -> Vec<Draft> {
    let mut known = BTreeSet::new();
    drafts.filter(|draft| known.insert(draft.locations.clone())).collect()
}
