//! The way from whoever connects to the gateway, hop by hop: the ladder of each endpoint as a chain.

use super::super::advice::used_address;
use super::super::human::{listed, time};
use super::super::{EndpointReport, LayerReport, LimitReport, ProxyReport, Report, Status};
use super::markup::Html;
use super::{SMALL, left_out};
use crate::evidence::host_port;
use crate::layers::Layer;
use crate::proxies::Proxy;

pub(super) fn way(html: &mut Html, report: &Report, end: usize) {
    let beyond = html.up_to(end, &report.endpoints, |html, endpoint| {
        self::endpoint(html, report, endpoint);
    });
    left_out(html, beyond, "endpoint");
}

fn endpoint(html: &mut Html, report: &Report, endpoint: &EndpointReport) {
    html.newline();
    html.tag("h3").class("endpoint").with(|html| {
        html.tag("span").class("id").text(&endpoint.id);
        html.text(" ");
        html.tag("span").class("url").text(&endpoint.url);
    });
    // Only the first that failed is where the way breaks.
    let broken = endpoint.layers.iter().find(|rung| rung.status == Status::Failed);
    html.tag("ol").class("way").with(|html| {
        for rung in &endpoint.layers {
            if rung.layer == Layer::Rest
                && let Some(proxy) = endpoint.proxy.as_ref().filter(|proxy| proxy.name != Proxy::None)
            {
                recognised(html, proxy);
            }
            hop(html, report, endpoint, rung, broken);
        }
    });
    if let Some(proxy) = endpoint.proxy.as_ref().filter(|proxy| !proxy.marks.is_empty()) {
        let (sure, marks) = (proxy.confidence.name(), proxy.marks.join("; "));
        let text = match proxy.name == Proxy::None {
            true => format!("There is no reverse proxy in between ({sure}): {marks}."),
            false => format!("It is {} that answers ({sure}): {marks}.", named(proxy)),
        };
        html.tag("p").class("marks").text(&text);
    }
    if !endpoint.limits.is_empty() {
        limits(html, endpoint);
    }
}

/// One rung as a hop: what is there, whether it holds, how long it took and what was seen.
fn hop(html: &mut Html, report: &Report, endpoint: &EndpointReport, rung: &LayerReport, broken: Option<&LayerReport>) {
    let breaks = broken.is_some_and(|broken| std::ptr::eq(broken, rung));
    let (class, glyph, word) = match rung.status {
        Status::Ok => ("hop ok", "✓", "ok"),
        Status::Failed if breaks => ("hop failed here", "✗", "failed"),
        Status::Failed => ("hop failed", "✗", "failed"),
        Status::NotTried => ("hop not-tried", "·", "not tried"),
    };
    html.newline();
    let item = html.tag("li").class(class);
    let item = match breaks {
        true => item.attr("aria-current", "step"),
        false => item,
    };
    item.with(|html| {
        html.tag("span").class("mark").attr("aria-hidden", "true").text(glyph);
        html.tag("p").class("rung").text(&label(endpoint, rung.layer));
        html.tag("p").class("what").text(&what(report, endpoint, rung.layer));
        html.tag("p").class("state").with(|html| {
            html.tag("strong").text(word);
            if breaks {
                html.tag("span").class("unseen").text(": the way breaks here");
            }
            if let Some(ms) = rung.duration_ms {
                html.text(" ");
                html.tag("span").class("took").text(&time(ms));
            }
        });
        seen(html, report, endpoint, rung);
    });
}

fn seen(html: &mut Html, report: &Report, endpoint: &EndpointReport, rung: &LayerReport) {
    let why = rung.why.as_deref().unwrap_or_default();
    if why.is_empty() && rung.summary.is_empty() {
        return;
    }
    html.tag("p").class("seen").with(|html| {
        let rest = match why.split_once(": ") {
            Some((code, rest)) if let Some(index) = finding(report, endpoint, code) => {
                html.tag("a").within(&format!("finding-{index}")).text(code);
                html.text(": ");
                rest
            }
            _ => why,
        };
        html.text(rest);
        if !rest.is_empty() && !rung.summary.is_empty() {
            html.text("; ");
        }
        html.text(&rung.summary);
    });
}

/// The place of a finding in the report, by its code and where it was found.
fn finding(report: &Report, endpoint: &EndpointReport, code: &str) -> Option<usize> {
    let mut findings = report.findings.iter();
    findings.position(|finding| finding.code == code && finding.endpoints.contains(&endpoint.id))
}

/// What was recognised where no rung is about it alone.
fn recognised(html: &mut Html, proxy: &ProxyReport) {
    html.newline();
    html.tag("li").class("hop").with(|html| {
        html.tag("span").class("mark").attr("aria-hidden", "true").text("i");
        html.tag("p").class("rung").text("reverse proxy");
        html.tag("p").class("what").text(&named(proxy));
        html.tag("p")
            .class("state")
            .text(&format!("recognised, {}", proxy.confidence.name()));
    });
}

/// The rung's name, and what it is on this way where that isn't clear.
fn label(endpoint: &EndpointReport, layer: Layer) -> String {
    let name = layer.rung().name;
    match layer {
        Layer::Tcp if endpoint.via.is_some() => "tcp, forward proxy".to_owned(),
        Layer::Http2 if endpoint.proxy.as_ref().is_some_and(|proxy| proxy.name != Proxy::None) => {
            "http2, reverse proxy".to_owned()
        }
        Layer::Config | Layer::Dns | Layer::Tcp | Layer::Tls | Layer::Http2 | Layer::Rest | Layer::Grpc => {
            name.to_owned()
        }
    }
}

/// Who or what is at a hop.
fn what(report: &Report, endpoint: &EndpointReport, layer: Layer) -> String {
    match layer {
        Layer::Config => {
            let uses = report
                .identities
                .iter()
                .filter(|one| one.endpoints.contains(&endpoint.id));
            let names: Vec<&str> = uses.map(|one| one.name.as_str()).collect();
            match names.is_empty() {
                true => "Hoop".to_owned(),
                false => listed(&names),
            }
        }
        Layer::Dns => match &endpoint.via {
            Some(via) => via.host.clone(),
            None => endpoint.host.clone(),
        },
        Layer::Tcp => match &endpoint.via {
            Some(via) => {
                let status = via.connect_status.map(|status| format!(", CONNECT {status}"));
                format!("{}{}", host_port(&via.host, via.port), status.unwrap_or_default())
            }
            None => match (used_address(endpoint), endpoint.addresses.len()) {
                (Some(address), _) => address,
                (None, 0) => format!("port {}", endpoint.port),
                (None, some) => format!("port {} at {some} addresses", endpoint.port),
            },
        },
        Layer::Tls => "TLS".to_owned(),
        Layer::Http2 => match &endpoint.proxy {
            Some(proxy) => named(proxy),
            None => "HTTP/2".to_owned(),
        },
        Layer::Rest => "gateway, REST".to_owned(),
        Layer::Grpc => "gateway, gRPC".to_owned(),
    }
}

/// `nginx 1.24.0`.
fn named(proxy: &ProxyReport) -> String {
    match (&proxy.version, proxy.name) {
        (_, Proxy::None) => "no reverse proxy".to_owned(),
        (Some(version), name) => format!("{} {version}", name.name()),
        (None, name) => name.name().to_owned(),
    }
}

/// What `--deep` measured.
fn limits(html: &mut Html, endpoint: &EndpointReport) {
    let mut beyond = 0;
    html.tag("table").class("limits").with(|html| {
        html.tag("caption")
            .text(&format!("What streams of {} may be", endpoint.id));
        html.tag("thead").with(|html| {
            html.tag("tr").with(|html| {
                for title in ["limit", "state", "what was measured"] {
                    html.tag("th").attr("scope", "col").text(title);
                }
            });
        });
        html.tag("tbody").with(|html| {
            let end = html.plus(SMALL);
            beyond = html.up_to(end, &endpoint.limits, limit);
        });
    });
    left_out(html, beyond, "limit");
}

fn limit(html: &mut Html, limit: &LimitReport) {
    let (class, glyph, word) = match limit.status {
        Status::Ok => ("ok", "✓", "ok"),
        Status::Failed => ("failed", "✗", "limited"),
        Status::NotTried => ("not-tried", "·", "unknown"),
    };
    html.tag("tr").class(class).with(|html| {
        html.tag("th").attr("scope", "row").text(&limit.name);
        html.tag("td").class("state").text(&format!("{glyph} {word}"));
        html.tag("td").text(&limit.summary);
    });
}
