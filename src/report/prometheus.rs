//! Prometheus' text format 0.0.4, for the textfile collector of node_exporter.
//!
//! One sample says that something was looked at; what was not looked at has none, so that no alert takes it for well.

use std::collections::BTreeSet;
use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::text::{Glyphs, line};
use super::{EndpointReport, Report, Status, Verdict};
use crate::evidence::{Kind, host_port};
use crate::layers::Layer;
use crate::proxies::Proxy;

/// Families of gauges, each with its help and type.
pub fn render(report: &Report) -> String {
    let mut page = Page::about(gateway(report));
    page.family("info", "What made this file.");
    page.sample(&[("version", &report.tool.version), ("build", &report.tool.build)], 1);
    if let Some(at) = seconds_since_epoch(&report.started_at) {
        page.family("last_run_timestamp_seconds", "When the last run started.");
        page.sample(&[], at);
    }
    page.family("run_duration_seconds", "How long the last run took.");
    page.sample(&[], seconds(report.duration_ms));

    page.family("verdict", "The verdict of the last run: 1 for the one that it came to.");
    for verdict in Verdict::ALL {
        page.sample(&[("verdict", verdict.name())], u8::from(report.verdict == verdict));
    }
    page.family("endpoint_info", "Where each endpoint is.");
    for endpoint in &report.endpoints {
        let proxy = endpoint.proxy.as_ref().filter(|proxy| proxy.name != Proxy::None);
        page.sample(
            &[
                ("target", &endpoint.id),
                ("kind", &endpoint.kind),
                ("url", &endpoint.url),
                ("proxy", proxy.map_or("", |proxy| proxy.name.name())),
            ],
            1,
        );
    }
    findings(&mut page, report);
    layers(&mut page, &report.endpoints);
    page.text
}

/// Where the gateway is, which tells apart what several runs on one machine write: its gRPC port, where one is known.
fn gateway(report: &Report) -> Option<String> {
    let is_grpc = |endpoint: &&EndpointReport| endpoint.kind == Kind::Grpc.name();
    let endpoint = report.endpoints.iter().find(is_grpc).or(report.endpoints.first())?;
    Some(host_port(&endpoint.host, endpoint.port))
}

/// A series for each code and endpoint; what is about no endpoint has that label empty, which is none.
fn findings(page: &mut Page, report: &Report) {
    page.family(
        "finding",
        "What the last run found; what follows from something else says from what.",
    );
    for finding in &report.findings {
        let nowhere = [String::new()];
        let endpoints = match finding.endpoints.as_slice() {
            [] => nowhere.as_slice(),
            some => some,
        };
        for endpoint in endpoints {
            let labels = [
                ("code", finding.code.as_str()),
                ("name", &finding.name),
                ("severity", finding.severity.name()),
                ("confidence", finding.confidence.name()),
                ("target", endpoint),
                ("because_of", finding.because_of.as_deref().unwrap_or_default()),
            ];
            page.sample(&labels, 1);
        }
    }
}

fn layers(page: &mut Page, endpoints: &[EndpointReport]) {
    let rungs = || {
        endpoints
            .iter()
            .flat_map(|endpoint| endpoint.layers.iter().map(move |rung| (endpoint.id.as_str(), rung)))
    };
    page.family(
        "layer_ok",
        "Whether a layer holds; a layer that was not tried has no sample.",
    );
    for (endpoint, rung) in rungs().filter(|(_, rung)| rung.status != Status::NotTried) {
        let labels = [("target", endpoint), ("layer", rung.layer.rung().name)];
        page.sample(&labels, u8::from(rung.status == Status::Ok));
    }
    page.family("layer_duration_seconds", "How long a layer took.");
    for (endpoint, rung) in rungs() {
        if let Some(ms) = rung.duration_ms {
            page.sample(&[("target", endpoint), ("layer", rung.layer.rung().name)], seconds(ms));
        }
    }
    page.family(
        "certificate_not_after_timestamp_seconds",
        "When the certificate of an endpoint expires.",
    );
    for (endpoint, rung) in rungs().filter(|(_, rung)| rung.layer == Layer::Tls) {
        let not_after = rung.facts.get("not_after").and_then(|at| at.as_str());
        if let Some(at) = not_after.and_then(seconds_since_epoch) {
            page.sample(&[("target", endpoint)], at);
        }
    }
}

/// A page, and the family that is being written to it.
#[derive(Default)]
struct Page {
    gateway: Option<String>,
    text: String,
    family: &'static str,
    help: &'static str,
    series: BTreeSet<String>,
}

impl Page {
    fn about(gateway: Option<String>) -> Self {
        Self {
            gateway,
            ..Self::default()
        }
    }

    fn family(&mut self, name: &'static str, help: &'static str) {
        (self.family, self.help) = (name, help);
        self.series.clear();
    }

    /// A line; the first of a family has its help before it, since a family without samples is none.
    fn sample(&mut self, labels: &[(&str, &str)], value: impl fmt::Display) {
        let name = format!("hoop_doctor_{}", self.family);
        let gateway = self.gateway.iter().map(|gateway| ("gateway", gateway.as_str()));
        let labels: Vec<String> = gateway
            .chain(labels.iter().copied())
            .filter(|(_, value)| !value.is_empty())
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let help = match self.series.is_empty() {
            true => format!("# HELP {name} {}\n# TYPE {name} gauge\n", self.help),
            false => String::new(),
        };
        // Twice the same series, and the whole file is refused.
        if self.series.insert(labels.clone()) {
            self.text.push_str(&format!("{help}{name}{labels} {value}\n"));
        }
    }
}

/// The value of a label: no line ends, and what ends a value is escaped.
fn escaped(text: &str) -> String {
    line(text, Glyphs::Unicode, LONGEST)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
}

fn seconds_since_epoch(at: &str) -> Option<i64> {
    Some(OffsetDateTime::parse(at, &Rfc3339).ok()?.unix_timestamp())
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// Characters of a label's value.
const LONGEST: usize = 500;
