//! The logs and the configuration files that were read.

use super::super::human::{counted, rhythm};
use super::super::{AllowedReport, ConfFile, LogFile, LogSighting, LogsReport, ProxyConfReport, Report};
use super::markup::Html;
use super::{code, left_out};

pub(super) fn files(html: &mut Html, report: &Report, end: usize) {
    if let Some(config) = &report.proxy_config {
        configuration(html, config, end);
    }
    if let Some(logs) = &report.logs {
        self::logs(html, logs, end);
    }
}

fn configuration(html: &mut Html, config: &ProxyConfReport, end: usize) {
    html.tag("h3").text("Configuration of proxies");
    let mut beyond = 0;
    html.tag("ul")
        .with(|html| beyond = html.up_to(end, &config.files, conf_file));
    left_out(html, beyond, "file");
    if !config.allowed.is_empty() {
        html.tag("h4").text("Allowed by comments");
        html.tag("ul")
            .with(|html| beyond = html.up_to(end, &config.allowed, allowed));
        left_out(html, beyond, "comment");
    }
}

fn conf_file(html: &mut Html, file: &ConfFile) {
    html.tag("li").with(|html| {
        html.tag("code").text(&file.name);
        html.text(&format!(
            ": {}, {}",
            file.proxy.name(),
            counted(file.lines as u64, "line")
        ));
    });
}

fn allowed(html: &mut Html, one: &AllowedReport) {
    html.tag("li").with(|html| {
        html.tag("span").class("code").text(&one.codes.join(", "));
        html.text(" at ");
        html.tag("code").text(&format!("{}:{}", one.file, one.line));
        match &one.reason {
            Some(reason) => html.text(&format!(", because {reason}")),
            None => {
                html.text(" ");
                html.tag("span")
                    .class("caution")
                    .text("! gives no reason: write `because …` behind it");
            }
        }
    });
}

fn logs(html: &mut Html, logs: &LogsReport, end: usize) {
    let beyond = html.up_to(end, logs.files.iter().enumerate(), |html, (index, file)| {
        log(html, logs, index, file, end);
    });
    left_out(html, beyond, "log");
}

fn log(html: &mut Html, logs: &LogsReport, index: usize, file: &LogFile, end: usize) {
    html.newline();
    html.tag("h3").with(|html| {
        html.text("Log ");
        html.tag("code").text(&file.name);
    });
    let amount = format!("{}, {}", counted(file.lines, "line"), counted(file.bytes, "byte"));
    html.tag("p").text(&format!("{amount}."));
    if let Some(problem) = &file.problem {
        html.tag("p").class("caution").text(&format!("! {problem}"));
    }
    let sightings: Vec<&LogSighting> = logs.sightings.iter().filter(|one| one.file == index).collect();
    if !sightings.is_empty() {
        // What is said of the rest has to fit too.
        let mut beyond = 0;
        html.tag("ul").class("sightings").with(|html| {
            beyond = html.up_to(end.saturating_sub(REST), sightings, sighting);
        });
        left_out(html, beyond, "message");
    }
}

fn sighting(html: &mut Html, one: &LogSighting) {
    html.tag("li").with(|html| {
        html.tag("p").text(&rhythm(one));
        code(html, &one.excerpt);
    });
}

/// Bytes of a sentence that counts what is left out.
const REST: usize = 500;
