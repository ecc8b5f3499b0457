//! What an agent logs: the errors of a real gRPC client are those of `logged_as`.
//!
//! The faults of the stand-in are met here, each with both schemes. The real proxies of `tests/lab` are met by
//! `Scenario::run`, while each is up.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hoop_doctor_standin::{Fault, Needs, Options, Urls, start};
use serde::Serialize;
use tokio::runtime::Builder;

use super::ask_with;
use crate::lab::doctor::{Report, hoop_doctor};

/// An agent to be, with a key that nobody knows.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Agent {
    key: String,
    #[serde(rename = "CA")]
    ca: String,
    place: String,
    tries: usize,
    good: &'static str,
    #[serde(skip)]
    proxy: Option<String>,
}

impl Agent {
    /// An agent that is told about this URL.
    ///
    /// Panics where the URL has no scheme: then it is no way to write one into a key.
    pub(crate) fn told(grpc_url: &str, ca_pem: Option<&str>) -> Self {
        let (scheme, address) = grpc_url.split_once("://").expect("a URL has a scheme");
        Self {
            key: format!("{scheme}://oracle:xagt-nobody@{address}?mode=standard"),
            ca: ca_pem.unwrap_or_default().to_owned(),
            place: String::new(),
            tries: TRIES,
            good: "good",
            proxy: None,
        }
    }

    /// The same agent, on a machine that knows where the gateway's name is.
    pub(crate) fn dialling(self, place: SocketAddr) -> Self {
        Self {
            place: place.to_string(),
            ..self
        }
    }

    /// The same agent, with this `HTTPS_PROXY`.
    pub(crate) fn behind(self, proxy: &str) -> Self {
        Self {
            proxy: Some(proxy.to_owned()),
            ..self
        }
    }

    /// Connects several times and holds against the report what came of it. Nothing without Go.
    pub(crate) fn agrees_with(&self, report: &Report) -> Result<(), String> {
        let variables = self.proxy.iter().map(|proxy| ("HTTPS_PROXY", proxy.as_str()));
        let Some(errors) = ask_with::<_, Vec<String>>("agent", std::slice::from_ref(self), variables) else {
            return Ok(());
        };
        let errors = errors.concat();
        let met = match report.first_finding() {
            Some(code) if LETS_SOME_THROUGH.contains(&code) => Met::ByChance,
            _ if report.took > PATIENCE => Met::Late,
            _ => Met::ByAll,
        };
        agree(&report.logged_by_agents(), &errors, met).map_err(|why| format!("{why}, but an agent logs {errors:?}"))
    }
}

/// Which agents run into what is wrong.
#[derive(PartialEq)]
enum Met {
    ByAll,
    /// Those that meet nobody else, or the good one of several targets, get through.
    ByChance,
    /// After a time for which they aren't watched.
    Late,
}

/// The codes of a limiter and of targets of which some fail.
const LETS_SOME_THROUGH: [&str; 2] = ["HD620", "HD621"];

/// Each error is one of the templates, and silence is the error where there are none. Where calls get through, what the
/// gateway itself says to this agent comes as well, and an error that takes its time isn't waited for.
fn agree(templates: &[&str], errors: &[String], met: Met) -> Result<(), String> {
    let is_gateways = |error: &&String| {
        let said = error.strip_prefix("failed pre-connect, reason=").unwrap_or(error);
        GATEWAYS_OWN.contains(&said)
    };
    // A call that gets through, beside others that don't, goes on.
    let may_be_silent = templates.is_empty() || met == Met::Late || errors.iter().any(|error| is_gateways(&error));
    let is_foretold = |error: &&String| match error.as_str() {
        SILENCE => may_be_silent,
        error => templates.iter().any(|template| matches(template, error)),
    };
    let (foretold, mut others): (Vec<_>, Vec<_>) = errors.iter().partition(is_foretold);
    let is_met = templates.is_empty() || met == Met::ByChance || !foretold.is_empty();
    others.retain(|error| !is_gateways(error));
    match is_met && others.is_empty() {
        true => Ok(()),
        false => Err(format!("logged_as is {templates:?}, not {others:?}")),
    }
}

/// Whether a template occurs in a text, anything in the place of its holes.
fn matches(template: &str, text: &str) -> bool {
    let mut pieces = template.split('{').enumerate().map(|(index, piece)| match index {
        0 => piece,
        // What stands before the brace is the hole's name.
        _ => piece.split_once('}').map_or(piece, |(_, rest)| rest),
    });
    let mut rest = text;
    pieces.all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn an_agent_logs_what_the_first_finding_says() {
    let next = AtomicUsize::new(0);
    let meetings: Vec<(Fault, Told)> = Fault::ALL
        .into_iter()
        // To a check without options the others are healthy gateways, of which it foretells nothing.
        .filter(|fault| fault.needs() == Needs::Nothing)
        .flat_map(|fault| [(fault, Told::AsTheFaultHasIt), (fault, Told::TheOtherScheme)])
        .collect();
    let take_turns = || {
        let mut wrong = Vec::new();
        while let Some((fault, told)) = meetings.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(why) = met(*fault, *told) {
                wrong.push(format!("{fault}, {told:?}: {why}"));
            }
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(take_turns)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a disagreement is returned"))
            .collect()
    });
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

/// Which scheme the URL of the gRPC port has.
#[derive(Clone, Copy, Debug)]
enum Told {
    AsTheFaultHasIt,
    TheOtherScheme,
}

/// Meets a fault as `check` and as an agent.
fn met(fault: Fault, told: Told) -> Result<(), String> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be started");
    let options = Options {
        fault: Some(fault),
        ..Options::default()
    };
    let stand_in = runtime.block_on(start(options)).expect("some port is free");
    let mut urls = stand_in.urls().clone();
    if let Told::TheOtherScheme = told {
        urls.grpc = match urls.grpc.strip_prefix("grpcs://") {
            Some(address) => format!("grpc://{address}"),
            None => urls.grpc.replace("grpc://", "grpcs://"),
        };
    }
    let report = checked(&urls).map_err(|error| error.to_string())?;
    Agent::told(&urls.grpc, urls.ca_pem.as_deref()).agrees_with(&report)
}

/// What `check` says of a gateway with these URLs.
fn checked(urls: &Urls) -> io::Result<Report> {
    let home = tempfile::tempdir()?;
    let ca = home.path().join("ca.pem");
    let mut args = vec![
        "check",
        "-o",
        "json",
        "--as",
        "agent",
        "--grpc-url",
        &urls.grpc,
        "--api-url",
        &urls.api,
    ];
    if let Some(pem) = &urls.ca_pem {
        std::fs::write(&ca, pem)?;
        args.extend(["--ca", ca.to_str().expect("temporary folders have plain names")]);
    }
    hoop_doctor(home.path(), args).map_err(|error| io::Error::other(error.to_string()))
}

/// What a gateway itself says to a key that it doesn't know, and how a session with a good one ends.
const GATEWAYS_OWN: [&str; 3] = [
    "rpc error: code = Unauthenticated desc = invalid authentication",
    "EOF",
    // Caddy now and then, where it encodes: the refusal's end without its trailers.
    "rpc error: code = Internal desc = server closed the stream without sending trailers",
];

/// No answer, and no deadline that would make an error of it.
const SILENCE: &str = "";

/// What took a check longer than this may take an agent longer than it is watched.
const PATIENCE: Duration = Duration::from_secs(2);

/// As often as it takes for most races to go either way.
const TRIES: usize = 4;

/// Most of a meeting is waiting.
const AT_A_TIME: usize = 6;
