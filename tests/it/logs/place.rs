//! Where a client is sent, and what of that may not get into a log that is kept.

use std::env;
use std::fs;
use std::io;

use hoop_doctor_standin::StandIn;

use super::wrapper::Spoken;
use crate::cases::record::with_port;
use crate::lab::Lab;
use crate::lab::certificates::GATEWAY;
use crate::lab::scenario::Served;

/// Where a client is sent, and what of it has to be the same on every machine.
pub(super) struct Place {
    pub(super) grpc: String,
    pub(super) api: String,
    pub(super) ca: String,
    /// Ports of this run, with what is written in their place.
    pub(super) hidden: Vec<(u16, u16)>,
}

/// What was logged, line by line.
pub(super) type Log = Vec<Spoken>;

impl Place {
    pub(super) fn nowhere(key: &str) -> Self {
        Self {
            grpc: key.to_owned(),
            api: String::new(),
            ca: String::new(),
            hidden: Vec::new(),
        }
    }

    pub(super) fn of_stand_in(stand_in: &StandIn) -> Self {
        let urls = stand_in.urls();
        let named = |url: &str| url.replace("127.0.0.1", "localhost");
        Self {
            grpc: named(&urls.grpc),
            api: named(&urls.api),
            ca: urls.ca_pem.clone().unwrap_or_default(),
            hidden: vec![(stand_in.grpc_addr().port(), GRPC), (stand_in.rest_addr().port(), REST)],
        }
    }

    pub(super) fn of_scenario(lab: &Lab, served: &Served) -> io::Result<Self> {
        Ok(Self {
            grpc: served.grpc_url.clone(),
            api: served.api_url.clone().unwrap_or_default(),
            ca: fs::read_to_string(lab.ca())?,
            hidden: lab
                .ports()
                .into_iter()
                .zip([GRPC, REST, GRPC, GRPC, GRPC, GRPC])
                .chain([(served.address.port(), PROXY)])
                .collect(),
        })
    }

    /// The end of a proxy's log, since its beginning is about its own start.
    pub(super) fn log(&self, text: &str) -> Log {
        let mut bytes = 0;
        let fits = |line: &&str| {
            bytes += line.len();
            bytes <= LONGEST_LOG
        };
        let lines = text.lines().rev().take_while(fits).map(|line| Spoken {
            at: None,
            text: line.to_owned(),
        });
        let mut log: Log = lines.map(|line| self.line(line)).collect();
        log.reverse();
        log
    }

    /// A line without what belongs to this machine and this run.
    pub(super) fn line(&self, line: Spoken) -> Spoken {
        let mut text = line.text;
        for (port, fixed) in &self.hidden {
            text = with_port(&text, *port, *fixed);
        }
        while let Some((before, after)) = text.split_once(SCRATCH) {
            // The folder's own name ends at the next slash.
            let after = after.split_once('/').map_or("", |(_, after)| after);
            let before = before
                .strip_suffix(&*env::temp_dir().to_string_lossy())
                .unwrap_or(before);
            text = format!("{before}/lab/{after}");
        }
        Spoken {
            text: text.replace("127.0.0.1", ELSEWHERE).replace("localhost", GATEWAY),
            ..line
        }
    }
}

/// In bytes: what is kept of a proxy's log.
const LONGEST_LOG: usize = 6_000;

/// In the place of loopback, which is a finding of its own.
const ELSEWHERE: &str = "10.0.0.10";
/// How the lab's folder begins.
const SCRATCH: &str = "/hoop-doctor-lab-";

pub(super) const GRPC: u16 = 8010;
const REST: u16 = 8009;
const PROXY: u16 = 8443;
