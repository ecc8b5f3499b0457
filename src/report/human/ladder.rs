//! What was looked at: the ladder of each endpoint, and every probe.

use super::super::{EndpointReport, LayerReport, LimitReport, Observation, Outcome, ProxyReport, Status};
use super::page::{Ink, Page, Span};
use super::{Detail, time};
use crate::proxies::Proxy;

/// An endpoint and its rungs, lowest first, and then what a credential came to.
pub(super) fn endpoint(page: &mut Page, endpoint: &EndpointReport, observations: &[Observation]) {
    let mut head = vec![Span::strong(&endpoint.url)];
    if let Some(via) = &endpoint.via {
        head.push(Span::plain(format!(
            ", through the forward proxy {}:{}",
            via.host, via.port
        )));
    }
    if let Some(proxy) = &endpoint.proxy {
        head.push(Span::plain(behind(proxy)));
        if page.look().detail >= Detail::Probes {
            head.push(Span::faint(format!(", by {}", proxy.marks.join("; "))));
        }
    }
    page.flow(&[Span::strong(format!("{:<6} ", endpoint.id))], &head);
    for rung in &endpoint.layers {
        self::rung(page, rung);
    }
    let credentials = |one: &&Observation| one.endpoint == endpoint.id && one.probe.starts_with("auth ");
    for one in observations.iter().filter(credentials) {
        credential(page, one);
    }
    if !endpoint.limits.is_empty() {
        page.flow(&[Span::strong("       ")], &[Span::plain("what its streams may be:")]);
    }
    for limit in &endpoint.limits {
        self::limit(page, limit);
    }
}

/// One probe with a credential; what lies below it, such as a handshake that succeeds, is for the list of all probes.
fn credential(page: &mut Page, one: &Observation) {
    let (_, probe) = one.probe.split_once(' ').unwrap_or_default();
    let (who, call) = probe.split_once(' ').unwrap_or((probe, ""));
    let text = match one.outcome {
        Outcome::Seen if ["tls", "http2", "http1"].contains(&call) => return,
        Outcome::NotTried => {
            let lead = Span::faint(format!("  {} {:<7} ", page.glyph(Status::NotTried), "auth"));
            return page.flow(&[lead], &[Span::faint(format!("{who} not tried: {}", one.summary))]);
        }
        // That the gateway answers doesn't make the answer good: only the findings judge.
        Outcome::Seen => "seen",
        Outcome::Failed => "failed",
    };
    let lead = [
        Span::plain(format!("    {:<7} ", "auth")),
        Span::plain(format!("{text:<6}")),
        Span::faint(format!("{:>8}  ", time(one.duration_ms))),
    ];
    page.flow(&lead, &[Span::plain(format!("{who} {call}: {}", one.summary))]);
}

fn limit(page: &mut Page, limit: &LimitReport) {
    let (ink, word) = match limit.status {
        Status::Ok => (Ink::Good, "ok"),
        Status::Failed => (Ink::Bad, "limited"),
        Status::NotTried => (Ink::Faint, "unknown"),
    };
    let lead = [
        Span::new(format!("  {} ", page.glyph(limit.status)), ink),
        Span::plain(format!("{:<9} ", limit.name)),
        Span::new(format!("{word:<7}  "), ink),
    ];
    let text = match limit.status {
        Status::Ok | Status::Failed => [Span::plain(&limit.summary)],
        Status::NotTried => [Span::faint(&limit.summary)],
    };
    page.flow(&lead, &text);
}

/// `, nginx 1.24.0 answers (certain)`.
pub(in crate::report) fn behind(proxy: &ProxyReport) -> String {
    if proxy.name == Proxy::None {
        return ", no reverse proxy in between".to_owned();
    }
    let version = proxy.version.as_ref().map(|version| format!(" {version}"));
    format!(
        ", {}{} answers ({})",
        proxy.name.name(),
        version.unwrap_or_default(),
        proxy.confidence.name()
    )
}

fn rung(page: &mut Page, rung: &LayerReport) {
    let glyph = page.glyph(rung.status);
    let name = rung.layer.rung().name;
    let why = rung.why.clone().unwrap_or_default();
    let (ink, word) = match rung.status {
        Status::Ok => (Ink::Good, "ok"),
        Status::Failed => (Ink::Bad, "failed"),
        Status::NotTried => {
            let lead = Span::faint(format!("  {glyph} {name:<7} "));
            return page.flow(&[lead], &[Span::faint(format!("not tried: {why}"))]);
        }
    };
    let lead = [
        Span::new(format!("  {glyph} "), ink),
        Span::plain(format!("{name:<7} ")),
        Span::new(format!("{word:<6}"), ink),
        Span::faint(format!("{:>8}  ", rung.duration_ms.map(time).unwrap_or_default())),
    ];
    let text = match (why.as_str(), rung.summary.as_str()) {
        ("", summary) => vec![Span::plain(summary)],
        (why, "") => vec![Span::strong(why)],
        (why, summary) => vec![Span::strong(why), Span::plain(format!("; {summary}"))],
    };
    page.flow(&lead, &text);
}

/// Every probe in the order of the report, with the time from the start of the run.
pub(super) fn observations(page: &mut Page, observations: &[Observation]) {
    page.flow(
        &[],
        &[Span::faint(
            "every probe: when it started, how long it took (ms), what it saw",
        )],
    );
    for one in observations {
        // That something was seen doesn't make it good: only the findings judge.
        let (glyph, ink, word) = match one.outcome {
            Outcome::Seen => (" ", Ink::Plain, ""),
            Outcome::Failed => (page.glyph(Status::Failed), Ink::Bad, " failed"),
            Outcome::NotTried => (page.glyph(Status::NotTried), Ink::Faint, " not tried"),
        };
        let lead = [
            Span::faint(format!("{:>6} {:>6}", one.started_ms, one.duration_ms)),
            Span::new(format!("  {glyph} "), ink),
        ];
        let text = [
            Span::strong(&one.id),
            Span::new(word, ink),
            Span::plain(format!(": {}", one.summary)),
        ];
        page.flow(&lead, &text);
    }
}
