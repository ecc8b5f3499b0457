//! Addresses and `upstream` blocks: where requests go.

use std::collections::BTreeMap;

use super::directives::Refusal;
use super::include::Files;
use super::syntax::{Spot, Statement, Word};
use crate::proxyconf::Server;

/// The `upstream` blocks of `http` or of `stream`, by name.
#[derive(Debug, Default)]
pub(super) struct Upstreams<'a> {
    blocks: BTreeMap<String, &'a Statement>,
}

/// A host, and a port where one is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub host: &'a str,
    pub port: Option<u16>,
}

impl<'a> Address<'a> {
    /// `None` where what stands for the port is none.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        if text.starts_with("unix:") {
            return Some(Self { host: text, port: None });
        }
        let colon = match text.rfind(']') {
            Some(end) => text.get(end..)?.find(':').map(|at| end + at),
            None => text.find(':'),
        };
        let (host, port) = match colon {
            Some(at) => (text.get(..at)?, Some(text.get(at + 1..)?)),
            None => (text, None),
        };
        let port = match port {
            Some(digits) => Some(digits.parse().ok().filter(|port| *port > 0)?),
            None => None,
        };
        (!host.is_empty()).then_some(Self { host, port })
    }
}

impl<'a> Upstreams<'a> {
    /// Those among these statements.
    pub(super) fn read(statements: &'a [Statement], refusals: &mut Vec<Refusal>) -> Self {
        let mut all = Self::default();
        for block in statements.iter().filter(|one| one.name.text == "upstream") {
            let name = block.arg(0).unwrap_or_default();
            let mut refuse = |at: Spot, what: String| refusals.push(Refusal::new(at, what));
            if all.blocks.insert(name.to_ascii_lowercase(), block).is_some() {
                refuse(block.end, format!("duplicate upstream \"{name}\""));
            }
            let has_server = block.block().iter().any(|one| one.name.text == "server");
            if !has_server {
                let end = match &block.body {
                    super::syntax::Body::Block(_, end) => *end,
                    _ => block.end,
                };
                refuse(end, "no servers are inside upstream".to_owned());
            }
        }
        all
    }

    /// The servers that a `host[:port]` stands for.
    pub(super) fn servers(
        &self,
        address: &Address<'_>,
        default_port: Option<u16>,
        at: &Word,
        files: &Files,
    ) -> Vec<Server> {
        match self.block(address) {
            Some(block) => block
                .block()
                .iter()
                .filter_map(|server| member(server, files))
                .collect(),
            None => vec![Server {
                at: files.place(at.at),
                host: address.host.to_owned(),
                port: match address.host.starts_with("unix:") {
                    true => None,
                    false => address.port.or(default_port),
                },
                backup: false,
                down: None,
            }],
        }
    }

    /// The block that an address names.
    pub(super) fn block(&self, address: &Address<'_>) -> Option<&'a Statement> {
        self.blocks.get(&address.host.to_ascii_lowercase()).copied()
    }

    /// That a block is named with a port, which nginx refuses.
    pub(super) fn refusal(&self, address: &Address<'_>, end: Spot) -> Option<Refusal> {
        let port = address.port?;
        self.block(address)?;
        let what = format!("upstream \"{}\" may not have port {port}", address.host);
        Some(Refusal::new(end, what))
    }
}

/// What is wrong with a server of a block.
pub(super) fn refusal(server: &Statement) -> Option<String> {
    let [address, parameters @ ..] = server.args.as_slice() else {
        return None;
    };
    if Address::read(&address.text).is_none() {
        return Some(format!("invalid port in upstream \"{}\"", address.text));
    }
    let strange = parameters.iter().find(|word| !is_parameter(&word.text))?;
    Some(format!("invalid parameter \"{}\"", strange.text))
}

/// A server of a block, unless it is marked as down.
fn member(statement: &Statement, files: &Files) -> Option<Server> {
    if statement.name.text != "server" || statement.args.iter().any(|word| word.text == "down") {
        return None;
    }
    let address = Address::read(statement.arg(0)?)?;
    Some(Server {
        at: files.place(statement.args.first()?.at),
        host: address.host.to_owned(),
        port: match address.host.starts_with("unix:") {
            true => None,
            false => Some(address.port.unwrap_or(80)),
        },
        backup: statement.args.iter().any(|word| word.text == "backup"),
        down: None,
    })
}

fn is_parameter(text: &str) -> bool {
    const PLAIN: [&str; 4] = ["backup", "down", "resolve", "drain"];
    const VALUED: [&str; 8] = [
        "weight=",
        "max_conns=",
        "max_fails=",
        "fail_timeout=",
        "route=",
        "service=",
        "slow_start=",
        "id=",
    ];
    PLAIN.contains(&text) || VALUED.iter().any(|start| text.starts_with(start))
}
