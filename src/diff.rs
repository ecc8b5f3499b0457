//! What changed between two saved cases: the question of everybody whose gateway worked yesterday.
//!
//! Both cases are diagnosed by this program, so that a finding comes or goes because of what was seen, and not because
//! the rules are newer. What varies from run to run is no change: the order of addresses, times that differ a little.

use std::collections::{BTreeMap, BTreeSet};

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::x509::CertFacts;
use serde::Serialize;
use serde_json::Value;

use crate::evidence::Endpoint;
use crate::layers::Layer;
use crate::report::{
    self, EndpointReport, Filter, Finding, IdentityReport, Report, Status, Verdict, report, timestamp,
};
use crate::saved::Saved;

/// One thing that is not as it was. Texts may come from the network: whoever prints them escapes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// An endpoint's identifier, an identity's name, `verdict` or `finding`.
    pub about: String,
    /// The rung of an endpoint.
    pub layer: Option<Layer>,
    /// What of it; empty for the whole.
    pub what: String,
    /// As it was; `None` where there was none.
    pub before: Option<String>,
    /// As it is; `None` where there is none.
    pub after: Option<String>,
}

/// Everything that changed: the verdict, findings, who connects, then each endpoint from the lowest rung up.
pub fn diff(before: &Saved, after: &Saved) -> Vec<Change> {
    let (old, new) = (Side::of(before), Side::of(after));
    let mut changes = Vec::new();
    let mut whole = Scribe::new(&mut changes, "verdict", None);
    whole.note("", Some(verdict(old.report.verdict)), Some(verdict(new.report.verdict)));
    findings(&mut changes, &old.report, &new.report);
    identities(&mut changes, &old.report, &new.report);
    for pair in pairs(&old, &new) {
        match pair {
            (Some(old), Some(new)) => endpoint(&mut changes, &old, &new),
            (Some(Place { report, .. }), None) => {
                Scribe::new(&mut changes, &report.id, None).note("", Some(report.url.clone()), None);
            }
            (None, Some(Place { report, .. })) => {
                Scribe::new(&mut changes, &report.id, None).note("", None, Some(report.url.clone()));
            }
            (None, None) => {}
        }
    }
    changes
}

/// A case and its report.
struct Side<'a> {
    saved: &'a Saved,
    report: Report,
}

/// An endpoint in both forms.
#[derive(Clone, Copy)]
struct Place<'a> {
    seen: &'a Endpoint,
    report: &'a EndpointReport,
}

impl<'a> Side<'a> {
    fn of(saved: &'a Saved) -> Self {
        Self {
            saved,
            report: report(&saved.evidence, &Filter::default()),
        }
    }

    fn places(&self) -> Vec<Place<'_>> {
        let seen = &self.saved.evidence.wire.endpoints;
        let both = seen.iter().zip(&self.report.endpoints);
        both.map(|(seen, report)| Place { seen, report }).collect()
    }
}

/// Collects what differs at one place.
struct Scribe<'a> {
    changes: &'a mut Vec<Change>,
    about: &'a str,
    layer: Option<Layer>,
}

impl<'a> Scribe<'a> {
    fn new(changes: &'a mut Vec<Change>, about: &'a str, layer: Option<Layer>) -> Self {
        Self { changes, about, layer }
    }

    fn at(&mut self, layer: Layer) -> &mut Self {
        self.layer = Some(layer);
        self
    }

    /// Notes a difference, if it is one.
    fn note(&mut self, what: &str, before: Option<String>, after: Option<String>) {
        if before != after {
            self.changes.push(Change {
                about: self.about.to_owned(),
                layer: self.layer,
                what: what.to_owned(),
                before,
                after,
            });
        }
    }

    /// The same for what both have: where one side never got so far, the rung below tells.
    fn note_both(&mut self, what: &str, before: Option<String>, after: Option<String>) {
        if before.is_some() && after.is_some() {
            self.note(what, before, after);
        }
    }

    /// Notes each name whose value came, went or is another.
    fn note_each(&mut self, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            self.note(name, before.get(name).cloned(), after.get(name).cloned());
        }
    }
}

fn verdict(verdict: Verdict) -> String {
    let word = match verdict {
        Verdict::Healthy => "healthy",
        Verdict::Degraded => "degraded",
        Verdict::Broken => "broken",
        Verdict::Unknown => "unknown",
    };
    word.to_owned()
}

/// Findings that came or went. A message holds times and so varies: the code and the place make a finding.
fn findings(changes: &mut Vec<Change>, before: &Report, after: &Report) {
    let mut scribe = Scribe::new(changes, "finding", None);
    let same = |one: &Finding, other: &Finding| one.code == other.code && one.endpoints == other.endpoints;
    let title = |one: &Finding| format!("{} {}", one.code, one.name);
    let level = |one: &Finding| format!("{:?}", one.severity).to_lowercase();
    for gone in &before.findings {
        match after.findings.iter().find(|other| same(gone, other)) {
            Some(still) => scribe.note(&title(gone), Some(level(gone)), Some(level(still))),
            None => scribe.note(&title(gone), Some(gone.message.clone()), None),
        }
    }
    for new in &after.findings {
        if !before.findings.iter().any(|other| same(new, other)) {
            scribe.note(&title(new), None, Some(new.message.clone()));
        }
    }
}

/// Who connects, and with which settings; secrets are masked, so another secret with the same end is no change.
fn identities(changes: &mut Vec<Change>, before: &Report, after: &Report) {
    let names: BTreeSet<&String> = before
        .identities
        .iter()
        .chain(&after.identities)
        .map(|one| &one.name)
        .collect();
    for name in names {
        let find = |report: &'_ Report| report.identities.iter().find(|one| one.name == *name).cloned();
        let mut scribe = Scribe::new(changes, name, None);
        match (find(before), find(after)) {
            (Some(old), Some(new)) => {
                scribe.note("configured by", Some(old.source.clone()), Some(new.source.clone()));
                scribe.note("security", old.tls_because.clone(), new.tls_because.clone());
                scribe.note_each(&settings(&old), &settings(&new));
            }
            (old, new) => scribe.note("", old.map(|old| old.source), new.map(|new| new.source)),
        }
    }
}

fn settings(identity: &IdentityReport) -> BTreeMap<String, String> {
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for setting in &identity.settings {
        let mut text = setting.value.clone();
        if let Some(by) = &setting.shadowed_by {
            text.push_str(&format!(", not read because of {by}"));
        }
        let all = shown.entry(setting.name.clone()).or_default();
        if !all.is_empty() {
            all.push_str("; ");
        }
        all.push_str(&text);
    }
    shown
}

type Pair<'a> = (Option<Place<'a>>, Option<Place<'a>>);

/// The endpoints of both sides that belong together: the same address, else the same identifier, which is how an
/// endpoint keeps its history when it moves.
fn pairs<'a>(old: &'a Side<'_>, new: &'a Side<'_>) -> Vec<Pair<'a>> {
    let mut left: Vec<Option<Place<'a>>> = old.places().into_iter().map(Some).collect();
    let mut right: Vec<Pair<'a>> = new.places().into_iter().map(|place| (None, Some(place))).collect();
    for fits in [same_url as Fits, same_id] {
        for (mine, other) in &mut right {
            let Some(other) = other.filter(|_| mine.is_none()) else {
                continue;
            };
            let twin = left
                .iter_mut()
                .find(|place| place.is_some_and(|place| fits(&place, &other)));
            *mine = twin.and_then(Option::take);
        }
    }
    let gone = left.into_iter().flatten().map(|place| (Some(place), None));
    right.into_iter().chain(gone).collect()
}

type Fits = fn(&Place<'_>, &Place<'_>) -> bool;

fn same_url(one: &Place<'_>, other: &Place<'_>) -> bool {
    one.seen.target.kind == other.seen.target.kind && one.report.url == other.report.url
}

fn same_id(one: &Place<'_>, other: &Place<'_>) -> bool {
    one.report.id == other.report.id
}

/// One endpoint, from the lowest rung up.
fn endpoint(changes: &mut Vec<Change>, old: &Place<'_>, new: &Place<'_>) {
    let mut scribe = Scribe::new(changes, &new.report.id, None);
    let both = |of: &dyn Fn(&Place<'_>) -> Option<String>| (of(old), of(new));
    let (before, after) = both(&|place| Some(place.report.url.clone()));
    scribe.note("url", before, after);
    let (before, after) = both(&proxy);
    scribe.note_both("proxy", before, after);
    for layer in Layer::of(new.seen) {
        let scribe = scribe.at(layer);
        rung(scribe, layer, old, new);
        match layer {
            Layer::Dns => {
                let (before, after) = both(&addresses);
                scribe.note_both("addresses", before, after);
            }
            Layer::Tls => certificates(scribe, old, new),
            Layer::Rest | Layer::Grpc => {
                let (before, after) = both(&server);
                scribe.note_both("server", before, after);
            }
            Layer::Config | Layer::Tcp | Layer::Http2 => {}
        }
        facts(scribe, layer, old, new);
    }
}

/// Whether a rung holds, and how long it takes.
fn rung(scribe: &mut Scribe<'_>, layer: Layer, old: &Place<'_>, new: &Place<'_>) {
    let of = |place: &Place<'_>| place.report.layers.iter().find(|rung| rung.layer == layer).cloned();
    let (Some(before), Some(after)) = (of(old), of(new)) else {
        return;
    };
    let shown = |rung: &report::LayerReport| match rung.status {
        Status::Ok => "ok".to_owned(),
        Status::Failed if rung.summary.is_empty() => "failed".to_owned(),
        Status::Failed => format!("failed ({})", rung.summary),
        Status::NotTried => "not tried".to_owned(),
    };
    match (before.status, after.status) {
        (was, is) if was == is => {}
        // The rung that broke or was mended says it.
        (Status::Ok, Status::NotTried) | (Status::NotTried, Status::Ok) if any_failed(old) || any_failed(new) => {}
        _ => scribe.note("", Some(shown(&before)), Some(shown(&after))),
    }
    if let (Some(was), Some(is)) = (before.duration_ms, after.duration_ms)
        && was.abs_diff(is) > MUCH_MS
        && was.max(is) > was.min(is).saturating_mul(MUCH_TIMES)
    {
        scribe.note("time", Some(format!("{was} ms")), Some(format!("{is} ms")));
    }
}

fn any_failed(place: &Place<'_>) -> bool {
    place.report.layers.iter().any(|rung| rung.status == Status::Failed)
}

fn proxy(place: &Place<'_>) -> Option<String> {
    let proxy = place.report.proxy.as_ref()?;
    let name = proxy.name.name();
    Some(match &proxy.version {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    })
}

/// What answers, as it calls itself: a gateway says its version so.
fn server(place: &Place<'_>) -> Option<String> {
    let mut answers = place.seen.base.iter().flat_map(Heard::answers);
    let named = answers.find_map(|answer| answer.head.as_ref()?.field("server"));
    named.map(str::to_owned)
}

/// In a fixed order, because resolvers take turns.
fn addresses(place: &Place<'_>) -> Option<String> {
    let mut all = place.report.addresses.clone();
    all.sort();
    (!all.is_empty()).then(|| all.join(", "))
}

/// What was agreed and answered: TLS, SETTINGS, the answers to calls.
fn facts(scribe: &mut Scribe<'_>, layer: Layer, old: &Place<'_>, new: &Place<'_>) {
    let (before, after) = (shown_facts(layer, old), shown_facts(layer, new));
    if let (Some(before), Some(after)) = (before, after) {
        scribe.note_each(&before, &after);
    }
}

/// `None` where nobody got as far as this rung.
fn shown_facts(layer: Layer, place: &Place<'_>) -> Option<BTreeMap<String, String>> {
    let rung = place.report.layers.iter().find(|rung| rung.layer == layer)?;
    let mut shown = BTreeMap::new();
    for (name, value) in &rung.facts {
        match (layer, name.as_str(), value) {
            // Told already: as `url`, as addresses, as the certificate.
            (Layer::Config | Layer::Dns | Layer::Tcp, ..) => {}
            (Layer::Tls, "subject" | "issuer" | "not_after", _) => {}
            (_, _, Value::Null) => {
                shown.insert(name.clone(), "none".to_owned());
            }
            (_, _, Value::Object(fields)) => {
                shown.extend(fields.iter().map(|(name, value)| (name.clone(), plain(value))));
            }
            _ => {
                shown.insert(name.clone(), plain(value));
            }
        }
    }
    (!shown.is_empty()).then_some(shown)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The server's certificate, and those that it sends behind it.
fn certificates(scribe: &mut Scribe<'_>, old: &Place<'_>, new: &Place<'_>) {
    let chain = |place: &Place<'_>| place.seen.handshake().map(|tls| tls.chain.certs.clone());
    let (Some(before), Some(after)) = (chain(old), chain(new)) else {
        return;
    };
    if let (Some(was), Some(is)) = (before.first(), after.first())
        && was.sha256 != is.sha256
    {
        // A key that signs anew may keep number and dates; the digest never stays.
        let shown = if numbered(was) == numbered(is) {
            digest
        } else {
            numbered
        };
        scribe.note("certificate", Some(shown(was)), Some(shown(is)));
        scribe.note(
            "certificate's subject",
            Some(was.subject.clone()),
            Some(is.subject.clone()),
        );
        scribe.note(
            "certificate's issuer",
            Some(was.issuer.clone()),
            Some(is.issuer.clone()),
        );
        scribe.note("certificate's names", Some(names(was)), Some(names(is)));
    }
    let behind = |chain: &[CertFacts]| match chain {
        [] | [_] => "none".to_owned(),
        [_, behind @ ..] => behind
            .iter()
            .map(|one| one.subject.as_str())
            .collect::<Vec<_>>()
            .join("; "),
    };
    scribe.note("intermediates", Some(behind(&before)), Some(behind(&after)));
}

fn numbered(certificate: &CertFacts) -> String {
    let day: String = timestamp(certificate.not_after).chars().take(10).collect();
    format!("serial {} (expires {day})", start(&certificate.serial))
}

fn digest(certificate: &CertFacts) -> String {
    format!("SHA-256 {}", start(&certificate.sha256))
}

fn names(certificate: &CertFacts) -> String {
    let addresses = certificate.ip_addresses.iter().map(ToString::to_string);
    let all: Vec<String> = certificate.dns_names.iter().cloned().chain(addresses).collect();
    all.join(", ")
}

/// Enough of a number to tell it from another.
fn start(hex: &str) -> String {
    match hex.char_indices().nth(MOST_DIGITS) {
        Some((at, _)) => format!("{}…", hex.get(..at).unwrap_or(hex)),
        None => hex.to_owned(),
    }
}

const MOST_DIGITS: usize = 16;
/// A rung's time is worth a line where it changed by more than this many milliseconds,
const MUCH_MS: u64 = 100;
/// and by more than this factor.
const MUCH_TIMES: u64 = 3;
