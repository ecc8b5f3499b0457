//! Who connects: from which configuration, where to, why with or without TLS, and what was set.

use super::super::human::{counted, listed};
use super::super::{IdentityReport, Report, SettingReport};
use super::markup::Html;
use super::{SMALL, left_out};

pub(super) fn identities(html: &mut Html, report: &Report, end: usize) {
    let beyond = html.up_to(end, &report.identities, |html, one| identity(html, report, one));
    left_out(html, beyond, "identity");
    let beyond = html.up_to(end, &report.disagreements, |html, sentence| {
        html.tag("p").class("caution").text(&format!("! {sentence}"));
    });
    left_out(html, beyond, "disagreement");
}

fn identity(html: &mut Html, report: &Report, identity: &IdentityReport) {
    html.newline();
    html.tag("h3").text(&identity.name);
    let goes_to = report
        .endpoints
        .iter()
        .filter(|endpoint| identity.endpoints.contains(&endpoint.id));
    let urls: Vec<&str> = goes_to.map(|endpoint| endpoint.url.as_str()).collect();
    let urls = match urls.is_empty() {
        true => "nothing that can be dialled".to_owned(),
        false => listed(&urls),
    };
    let tls = match identity.tls {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    let because = identity.tls_because.as_ref().map(|why| format!(": {why}"));
    let tls = format!("{tls}{}", because.unwrap_or_default());
    html.tag("dl").with(|html| {
        for (name, value) in [
            ("configured by", identity.source.as_str()),
            ("mode", &identity.mode),
            ("goes to", &urls),
            ("TLS", &tls),
        ] {
            html.tag("div").with(|html| {
                html.tag("dt").text(name);
                html.tag("dd").text(value);
            });
        }
    });
    if !identity.settings.is_empty() {
        settings(html, identity);
    }
}

fn settings(html: &mut Html, identity: &IdentityReport) {
    html.tag("details").with(|html| {
        let count = counted(identity.settings.len() as u64, "setting");
        html.tag("summary").text(&format!("{count} of {}", identity.name));
        let mut beyond = 0;
        html.tag("table").class("settings").with(|html| {
            html.tag("caption")
                .class("unseen")
                .text(&format!("Settings of {}", identity.name));
            html.tag("thead").with(|html| {
                html.tag("tr").with(|html| {
                    for title in ["name", "value", "set in", "not read because of"] {
                        html.tag("th").attr("scope", "col").text(title);
                    }
                });
            });
            html.tag("tbody").with(|html| {
                let end = html.plus(SMALL);
                beyond = html.up_to(end, &identity.settings, setting);
            });
        });
        left_out(html, beyond, "setting");
    });
}

fn setting(html: &mut Html, setting: &SettingReport) {
    html.tag("tr").with(|html| {
        html.tag("th").attr("scope", "row").text(&setting.name);
        html.tag("td").text(&setting.value);
        html.tag("td").text(&setting.source);
        html.tag("td").text(setting.shadowed_by.as_deref().unwrap_or_default());
    });
}
