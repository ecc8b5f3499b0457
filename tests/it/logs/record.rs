//! Makes the logs: lets real clients meet faults of the stand-in and real proxies, and keeps what was written.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use hoop_doctor_standin::{Fault, Options, Tls, start};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use super::folder;
use super::place::{GRPC, Log, Place};
use super::table::{Row, rows};
use super::visit::hear;
use super::wrapper::{Spoken, Wrapper};
use crate::lab::certificates::GATEWAY;
use crate::lab::port::Port;
use crate::lab::proxy::listens;
use crate::lab::scenario::Scenario;
use crate::lab::{Lab, few_at_a_time, say};

/// Does nothing unless `RECORD_LOGS` names a case, or says `all`.
#[test]
fn record_logs() -> io::Result<()> {
    let Some(wanted) = env::var_os("RECORD_LOGS") else {
        return Ok(());
    };
    let mut rows = rows()?;
    rows.retain(|row| wanted == "all" || wanted == row.name.as_str());
    assert!(!rows.is_empty(), "no case is called {wanted:?}");
    let lab = Lab::start()?;
    let wrong: Vec<String> = few_at_a_time(&rows, |row| {
        row.record(&lab).err().map(|error| format!("{}: {error}", row.name))
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} failed\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
    say(&format!("recorded {}", rows.len()));
    Ok(())
}

impl Row {
    fn record(&self, lab: &Lab) -> io::Result<()> {
        let (logs, made) = match self.met.split_once('/') {
            None if self.met == "by-hand" => (Vec::new(), self.told.join(",")),
            None if self.met == "nothing" => {
                let key = self.value("key").unwrap_or_default();
                let place = Place::nowhere(key);
                (vec![self.visit(&place)?], self.visitor())
            }
            None if self.met.starts_with("gateway") => self.meet_gateway(lab)?,
            None | Some(("fault", _)) => self.meet_stand_in()?,
            Some(_) => self.meet_proxy(lab)?,
        };
        let folder = folder().join(&self.name);
        fs::create_dir_all(&folder)?;
        for (index, log) in logs.iter().enumerate() {
            let name = match index {
                0 => "input.log".to_owned(),
                more => format!("input-{more}.log"),
            };
            self.keep(&folder.join(name), log)?;
        }
        let wrapped = self
            .wrapper
            .described()
            .map(|how| format!("; {how}"))
            .unwrap_or_default();
        let (first, more) = self.expected.split_first().expect("splitting gives a first piece");
        let more: String = more.iter().map(|line| format!("{line}\n")).collect();
        fs::write(folder.join("expect"), format!("{first}\n{made}{wrapped}\n{more}"))
    }

    /// Writes a log.
    fn keep(&self, file: &Path, lines: &[Spoken]) -> io::Result<()> {
        if lines.is_empty() {
            return Err(io::Error::other("nothing was logged"));
        }
        let text = self.wrapper.wrap(lines);
        fs::write(file, text)?;
        if self.wrapper == Wrapper::Gzip {
            Command::new("gzip").args(["-9nf"]).arg(file).status()?;
        }
        Ok(())
    }

    fn meet_stand_in(&self) -> io::Result<(Vec<Log>, String)> {
        let (fault, described) = match self.met.split_once('/') {
            Some((_, name)) => {
                let fault: Fault = name.parse().map_err(io::Error::other)?;
                (Some(fault), format!("the stand-in with --fault {name}"))
            }
            None => (None, "the stand-in, healthy".to_owned()),
        };
        let tls = (self.met == "healthy-tls").then(|| Tls::generated(&["localhost", "127.0.0.1"]).0);
        let runtime = runtime()?;
        let stand_in = runtime.block_on(start(Options {
            fault,
            tls,
            ..Options::default()
        }))?;
        let log = self.visit(&Place::of_stand_in(&stand_in))?;
        runtime.block_on(stand_in.stop());
        Ok((vec![log], format!("{described}; {}", self.visitor())))
    }

    fn meet_proxy(&self, lab: &Lab) -> io::Result<(Vec<Log>, String)> {
        let scenario = ["expect.tsv", "ours/expect.tsv"]
            .into_iter()
            .map(Scenario::table)
            .collect::<io::Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .find(|scenario| scenario.name == self.met)
            .ok_or_else(|| io::Error::other("no such scenario"))?;
        let configuration = self.with_logs(scenario.proxy, fs::read_to_string(scenario.configuration())?);
        let served = scenario
            .serve_as(lab, &configuration)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let place = Place::of_scenario(lab, &served)?;
        let client = self.visit(&place)?;
        let (printed, run) = served.proxy.end()?;
        let file = |name: &str| fs::read_to_string(run.join(name));
        let texts = match self.kept.as_str() {
            "client" => {
                let made = format!("{}; {}", self.described(scenario.proxy)?, self.visitor());
                return Ok((vec![client], made));
            }
            "printed" => vec![printed],
            "both-printed" => vec![file("error.log")?, printed],
            "error" => vec![file("error.log")?],
            "access" => vec![file("access.log")?],
            "both" => vec![file("error.log")?, file("access.log")?],
            kept => return Err(io::Error::other(format!("nobody knows what {kept} is"))),
        };
        let mut logs: Vec<Log> = texts.iter().map(|text| place.log(text)).collect();
        if self.is_told("and-client") {
            logs.push(client);
        }
        let made = format!(
            "the log of {}, met by {}",
            self.described(scenario.proxy)?,
            self.visitor()
        );
        Ok((logs, made))
    }

    fn meet_gateway(&self, lab: &Lab) -> io::Result<(Vec<Log>, String)> {
        let port = Port::reserve()?;
        let (cert, key) = lab.certificates();
        let (cert, key) = match self.met.as_str() {
            "gateway-tls" => (fs::read_to_string(cert)?, fs::read_to_string(key)?),
            _ => (String::new(), String::new()),
        };
        let question = json!({
            "Address": port.address(), "Cert": cert, "Key": key, "Encoding": self.encoding(),
            "GRPC": self.is_told("grpc"), "For": self.milliseconds("for", 2_500),
        });
        let place = Place {
            grpc: format!("grpc://{GATEWAY}:{}", port.number()),
            api: format!("http://{GATEWAY}:{}", port.number()),
            ca: fs::read_to_string(lab.ca())?,
            hidden: vec![(port.number(), GRPC)],
        };
        let gateway = hear("log-gateway", &question, &self.variables())?;
        // It says that it listens; asking the port would be a visit.
        let first = gateway.recv().map_err(io::Error::other)?;
        let said = match self.is_told("tcp") {
            true => {
                (0..HEALTH_CHECKS).for_each(|_| {
                    listens(port.address());
                });
                "connections that are closed at once".to_owned()
            }
            false => {
                self.visit(&place)?;
                self.visitor()
            }
        };
        let lines = [first].into_iter().chain(gateway).map(|line| place.line(line));
        let made = format!(
            "the log of a grpc-go server as gateways have it ({}), met by {said}",
            self.met
        );
        Ok((vec![lines.collect()], made))
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

/// Whether the server has written before such a visitor is gone makes a difference to what it logs.
const HEALTH_CHECKS: usize = 5;
