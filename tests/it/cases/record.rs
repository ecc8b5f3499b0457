//! Makes cases: runs a fault, looks at it as `check` does and writes down what was seen.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hoop_doctor::config::{Asked, discover};
use hoop_doctor::evidence::Wire;
use hoop_doctor::examine::{Limits, examine};
use hoop_doctor::plan::{Resolve, plan};
use hoop_doctor_probes::cx::Cx;
use hoop_doctor_standin::{Needs, Options, Tls, start};
use tokio::runtime::{Builder, Runtime};

use super::edit::EDITS;
use super::expectation::{HEALTHY, TOLD, faults, of_fault, of_scenario, scenarios};
use super::{AskedFor, Case, EVIDENCE, REPORT, Recorded, folder, no_environment};
use crate::lab::certificates::GATEWAY;
use crate::lab::{Lab, say};

/// Does nothing unless `RECORD_CASES` names a case, or says `all`.
#[test]
fn record_cases() -> io::Result<()> {
    let Some(wanted) = env::var_os("RECORD_CASES") else {
        return Ok(());
    };
    let is_wanted = |name: &str| wanted == "all" || wanted == name;
    let mut recorded = Vec::new();
    for case in stand_ins() {
        if is_wanted(&case.name) {
            recorded.push(case.name.clone());
            case.record()?;
        }
    }
    let mut scenarios = scenarios()?;
    let mut known = BTreeSet::new();
    scenarios.retain(|scenario| is_wanted(&of_scenario(scenario)) && known.insert(of_scenario(scenario)));
    if !scenarios.is_empty() {
        let lab = Lab::start()?;
        for scenario in scenarios {
            let name = of_scenario(&scenario);
            let served = scenario
                .serve(&lab)
                .map_err(|error| io::Error::other(format!("{name}: {error}")))?;
            let asked = Asked {
                grpc_url: Some(served.grpc_url.clone()),
                api_url: served.api_url.clone(),
                ca: Some(lab.ca().to_owned()),
                ..Asked::default()
            };
            let resolve = Resolve {
                host: GATEWAY.to_owned(),
                port: served.address.port(),
                addr: served.address.ip(),
            };
            let hold = scenario.is_deep().then_some(HOLD);
            let wire = runtime()?.block_on(look(&asked, &[resolve], hold));
            write(&name, &asked, wire, &[(served.address, PROXY)])?;
            recorded.push(name);
        }
    }
    // Last: they are made from the others.
    for edit in EDITS {
        if is_wanted(edit.case) || is_wanted(edit.from) {
            save(edit.case, &edit.make()?)?;
            recorded.push(edit.case.to_owned());
        }
    }
    assert!(!recorded.is_empty(), "no case is called {wanted:?}");
    say(&format!("recorded {}: {}", recorded.len(), recorded.join(", ")));
    Ok(())
}

/// A case of the stand-in.
struct OfStandIn {
    name: String,
    options: Options,
    /// What the gRPC URL says in the place of the truth, or of the fault's own lie.
    scheme: Option<&'static str>,
}

/// The cases of the stand-in.
fn stand_ins() -> Vec<OfStandIn> {
    let with_tls = Options {
        tls: Some(Tls::generated(&["localhost", "127.0.0.1"]).0),
        ..Options::default()
    };
    let healthy = HEALTHY.into_iter().zip([Options::default(), with_tls]);
    let healthy = healthy.map(|(name, options)| OfStandIn {
        name: name.to_owned(),
        options,
        scheme: None,
    });
    let with = |fault| Options {
        fault: Some(fault),
        ..Options::default()
    };
    let faults = faults().map(|fault| OfStandIn {
        name: of_fault(fault),
        options: with(fault),
        scheme: None,
    });
    let told = TOLD.iter().map(|told| OfStandIn {
        name: told.case(),
        options: with(told.fault),
        scheme: Some(told.scheme),
    });
    healthy.chain(faults).chain(told).collect()
}

impl OfStandIn {
    fn record(self) -> io::Result<()> {
        let scratch = tempfile::tempdir()?;
        let is_deep = self.options.fault.is_some_and(|fault| fault.needs() == Needs::Deep);
        let hold = is_deep.then_some(HOLD);
        runtime()?.block_on(async {
            let stand_in = start(self.options).await?;
            let urls = stand_in.urls();
            let grpc_url = match (self.scheme, urls.grpc.split_once("://")) {
                (Some(scheme), Some((_, address))) => format!("{scheme}://{address}"),
                _ => urls.grpc.clone(),
            };
            let asked = Asked {
                grpc_url: Some(grpc_url),
                api_url: Some(urls.api.clone()),
                ca: urls
                    .ca_pem
                    .as_ref()
                    .map(|pem| ca_file(scratch.path(), pem))
                    .transpose()?,
                ..Asked::default()
            };
            let ports = [(stand_in.grpc_addr(), GRPC), (stand_in.rest_addr(), REST)];
            let wire = look(&asked, &[], hold).await;
            stand_in.stop().await;
            write(&self.name, &asked, wire, &ports)
        })
    }
}

fn ca_file(folder: &Path, pem: &str) -> io::Result<PathBuf> {
    let file = folder.join("ca.pem");
    fs::write(&file, pem)?;
    Ok(file)
}

/// Looks as `check` does with its defaults, and as `--deep --hold` where streams are to be held.
async fn look(asked: &Asked, resolve: &[Resolve], hold: Option<Duration>) -> Wire {
    let now = SystemTime::now();
    let found = discover(&no_environment(now), asked).expect("the CA was written a moment ago");
    let seconds = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let limits = Limits {
        connect: Duration::from_secs(5),
        total: Duration::from_secs(15) + hold.unwrap_or_default(),
        hold,
    };
    let (cx, _cancel) = Cx::new(limits.total, i64::try_from(seconds).unwrap_or_default());
    examine(&cx, &plan(&found, resolve), limits).await
}

/// Saves what was seen. Ports are given for the run; fixed ones in their place keep the next recording's difference small.
fn write(name: &str, asked: &Asked, wire: Wire, ports: &[(SocketAddr, u16)]) -> io::Result<()> {
    let asked = AskedFor {
        grpc_url: asked.grpc_url.clone(),
        api_url: asked.api_url.clone(),
    };
    let mut json = serde_json::to_string(&Recorded { asked, wire })?;
    for (address, fixed) in ports {
        json = with_port(&json, address.port(), *fixed);
    }
    save(name, &serde_json::from_str(&json)?)
}

fn save(name: &str, recorded: &Recorded) -> io::Result<()> {
    let json = serde_json::to_string(recorded)? + "\n";
    let folder = folder().join(name);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(EVIDENCE), json)?;
    fs::write(folder.join(REPORT), Case::named(name)?.text())
}

/// `:port` becomes `:fixed` wherever the number ends there.
pub(crate) fn with_port(json: &str, port: u16, fixed: u16) -> String {
    let given = format!(":{port}");
    let mut pieces = json.split(given.as_str());
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.starts_with(|next: char| next.is_ascii_digit()) {
            true => text += &given,
            false => text += &format!(":{fixed}"),
        }
        text += piece;
    }
    text
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// How long streams are held: longer than any limit that is met here.
const HOLD: Duration = Duration::from_secs(8);

/// The ports of a gateway, and that of a proxy in front of it.
const GRPC: u16 = 8010;
const REST: u16 = 8009;
const PROXY: u16 = 8443;
