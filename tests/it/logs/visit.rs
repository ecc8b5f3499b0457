//! The clients: which one of the oracle's a row asks for, and what it says when it is run.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::place::{Log, Place};
use super::table::Row;
use super::wrapper::Spoken;
use crate::oracle::program;

impl Row {
    /// Lets the client of this row meet what is there, and returns what it logs.
    pub(super) fn visit(&self, place: &Place) -> io::Result<Log> {
        let (command, question) = self.client(place);
        let at_once: usize = self.value("at-once").and_then(|value| value.parse().ok()).unwrap_or(1);
        let heard: Vec<_> = (0..at_once)
            .map(|_| hear(command, &question, &self.variables()))
            .collect::<io::Result<_>>()?;
        let logs: Vec<Log> = heard
            .into_iter()
            .map(|heard| heard.into_iter().map(|line| place.line(line)).collect())
            .collect();
        let log = logs.into_iter().next().unwrap_or_default();
        let mut bytes = 0;
        let fits = |line: &Spoken| {
            bytes += line.text.len();
            bytes <= LONGEST_VISIT
        };
        Ok(log.into_iter().take_while(fits).collect())
    }

    fn client(&self, place: &Place) -> (&'static str, Value) {
        let grpc = match self.is_told("other-scheme") {
            false => place.grpc.clone(),
            true => match place.grpc.strip_prefix("grpcs://") {
                Some(address) => format!("grpc://{address}"),
                None => place.grpc.replace("grpc://", "grpcs://"),
            },
        };
        let key = grpc.replacen("://", "://oracle:xagt-made-up@", 1) + "?mode=standard";
        let key = self.value("key").unwrap_or(&key);
        let ca = match () {
            () if self.is_told("distrust") => "",
            () if self.is_told("bad-ca") => "not a certificate",
            () => &place.ca,
        };
        let url = if self.is_told("login") { &place.api } else { &grpc };
        let port = url.rsplit(':').next().unwrap_or_default();
        let at = format!("127.0.0.1:{port}");
        let json = self.is_told("as-json");
        match () {
            () if self.is_told("login") => (
                "log-login",
                json!({"URL": place.api, "CA": ca, "Place": at, "JSON": json}),
            ),
            () if self.is_told("client") => ("log-client", json!({"Key": key, "CA": ca, "Place": at, "JSON": json})),
            () => (
                "log-agent",
                json!({
                    "Key": key, "CA": ca, "Place": at,
                    "Token": if self.is_told("good") { "good" } else { "made-up" },
                    "Encoding": self.encoding(), "GRPC": self.is_told("grpc"), "Embedded": self.is_told("embedded"),
                    "Debug": self.is_told("debug"),
                    "Keepalive": self.milliseconds("keepalive", 10_000),
                    "Bulk": if self.is_told("bulk") { 5_000_000 } else { 0 },
                    "For": self.milliseconds("for", 2_500),
                }),
            ),
        }
    }

    /// `LOG_ENCODING`.
    pub(super) fn encoding(&self) -> &str {
        let encodings = ["console", "human", "verbose"];
        encodings
            .into_iter()
            .find(|encoding| self.is_told(encoding))
            .unwrap_or("json")
    }

    /// What is set for a program of the oracle, beside what it is asked.
    pub(super) fn variables(&self) -> Vec<(&'static str, &'static str)> {
        let mut variables = vec![("TZ", "UTC")];
        if self.is_told("grpc") || self.is_told("grpc-log") {
            variables.extend([
                ("GRPC_GO_LOG_SEVERITY_LEVEL", "info"),
                ("GRPC_GO_LOG_VERBOSITY_LEVEL", "99"),
            ]);
        }
        if self.is_told("http2") {
            variables.push(("GODEBUG", "http2debug=2"));
        }
        variables
    }

    /// The client in words.
    pub(super) fn visitor(&self) -> String {
        let client = if self.is_told("login") {
            "hoop login's request (tests/oracle log-login)".to_owned()
        } else if self.is_told("client") {
            "a call of the client (tests/oracle log-client, grpc-go 1.83.0)".to_owned()
        } else {
            format!("an agent (tests/oracle log-agent, grpc-go 1.83.0, {})", self.encoding())
        };
        let told = |word: &str, text: &'static str| self.is_told(word).then_some(text);
        let details = [
            told("grpc", "LOG_GRPC=1"),
            told("grpc-log", "grpc-go's own log"),
            told("http2", "GODEBUG=http2debug=2"),
            told("good", "a good token"),
            told("other-scheme", "told the other scheme"),
            told("distrust", "without the CA"),
            told("embedded", "mode=embedded"),
            told("bulk", "5 MB at once"),
            told("as-json", "-o json"),
            told("debug", "LOG_LEVEL=debug"),
            told("bad-ca", "a HOOP_TLSCA without a certificate"),
        ];
        let details: String = details
            .into_iter()
            .flatten()
            .map(|detail| format!(", {detail}"))
            .collect();
        client + &details
    }
}

/// Starts a command of the oracle and hears what it says, each line with its moment, until it ends.
pub(super) fn hear(command: &str, question: &Value, variables: &[(&str, &str)]) -> io::Result<Receiver<Spoken>> {
    let program = program().ok_or_else(|| io::Error::other("there is no Go here"))?;
    let (heard, said) = io::pipe()?;
    let mut child = Command::new(program)
        .arg(command)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(said.try_clone()?)
        .stderr(said)
        .spawn()?;
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(question.to_string().as_bytes())?;
    drop(stdin);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for text in BufReader::new(heard).lines() {
            let Ok(text) = text else { break };
            let at = Some(OffsetDateTime::now_utc());
            // Whoever doesn't listen any more has heard enough.
            let _ = sender.send(Spoken { at, text });
        }
        // Its end was seen in the pipe; what it exits with is part of what it is.
        let _ = child.wait();
    });
    Ok(receiver)
}

/// In bytes: what is kept of a client's log.
const LONGEST_VISIT: usize = 12_000;
