//! What terminals, containers and log collectors put around a line.

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// One line, and when it was written where somebody listened.
pub(super) struct Spoken {
    pub(super) at: Option<OffsetDateTime>,
    pub(super) text: String,
}

/// One way to wrap a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapper {
    Nothing,
    Kubectl,
    KubectlTimestamps,
    Docker,
    Cri,
    Journald,
    JournaldJson,
    Syslog,
    OldSyslog,
    Compose,
    ComposeInColour,
    CarriageReturns,
    Gzip,
}

impl Wrapper {
    /// What the table calls it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "-" => Self::Nothing,
            "kubectl" => Self::Kubectl,
            "kubectl-timestamps" => Self::KubectlTimestamps,
            "docker" => Self::Docker,
            "cri" => Self::Cri,
            "journald" => Self::Journald,
            "journald-json" => Self::JournaldJson,
            "syslog" => Self::Syslog,
            "syslog-3164" => Self::OldSyslog,
            "compose" => Self::Compose,
            "compose-colour" => Self::ComposeInColour,
            "crlf" => Self::CarriageReturns,
            "gzip" => Self::Gzip,
            _ => return None,
        })
    }

    /// What a reader is told of it.
    pub(super) fn described(self) -> Option<&'static str> {
        Some(match self {
            Self::Nothing => return None,
            Self::Kubectl => "as kubectl logs --prefix prints it",
            Self::KubectlTimestamps => "as kubectl logs --prefix --timestamps prints it",
            Self::Docker => "as docker's json-file driver keeps it",
            Self::Cri => "as containerd keeps it",
            Self::Journald => "as journalctl prints it",
            Self::JournaldJson => "as journalctl -o json prints it",
            Self::Syslog => "as syslog sends it, RFC 5424",
            Self::OldSyslog => "as syslog sends it, RFC 3164",
            Self::Compose => "as docker compose logs prints it",
            Self::ComposeInColour => "as docker compose logs prints it to a terminal",
            Self::CarriageReturns => "with the line ends of Windows",
            Self::Gzip => "compressed",
        })
    }

    /// The whole log.
    ///
    /// Panics where the wrapper has a time in it and nobody knows it: such a case would be made up.
    pub(super) fn wrap(self, lines: &[Spoken]) -> String {
        lines.iter().map(|line| self.line(line)).collect()
    }

    fn line(self, line: &Spoken) -> String {
        let text = &line.text;
        let at = || {
            line.at
                .expect("only logs that somebody listened to are wrapped with times")
        };
        let iso = || at().format(&Rfc3339).expect("times of today can be written");
        match self {
            Self::Nothing | Self::Gzip => format!("{text}\n"),
            Self::Kubectl => format!("[{POD}] {text}\n"),
            Self::KubectlTimestamps => format!("[{POD}] {} {text}\n", iso()),
            Self::Docker => {
                let entry = json!({"log": format!("{text}\n"), "stream": "stdout", "time": iso()});
                format!("{entry}\n")
            }
            Self::Cri => format!("{} stdout F {text}\n", iso()),
            Self::Journald => format!("{} gw1 hoop[812]: {text}\n", month_and_day(at())),
            Self::JournaldJson => {
                let micros = (at().unix_timestamp_nanos() / 1_000).to_string();
                let entry = json!({
                    "__REALTIME_TIMESTAMP": micros, "_HOSTNAME": "gw1", "_SYSTEMD_UNIT": "hoop.service",
                    "SYSLOG_IDENTIFIER": "hoop", "_PID": "812", "PRIORITY": "6", "MESSAGE": text,
                });
                format!("{entry}\n")
            }
            Self::Syslog => format!("<30>1 {} gw1 hoop 812 - - {text}\n", iso()),
            Self::OldSyslog => format!("<30>{} gw1 hoop[812]: {text}\n", month_and_day(at())),
            Self::Compose => format!("hoopagent-1  | {text}\n"),
            Self::ComposeInColour => format!("\u{1b}[36mhoopagent-1  | \u{1b}[0m{text}\n"),
            Self::CarriageReturns => format!("{text}\r\n"),
        }
    }
}

/// `Nov 22 17:25:00`, which has no year.
fn month_and_day(at: OffsetDateTime) -> String {
    let month = at.month().to_string();
    let month = month.get(..3).unwrap_or(&month);
    format!(
        "{month} {:2} {:02}:{:02}:{:02}",
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

const POD: &str = "pod/hoopagent-6d4b9f7c55-x2m8q/hoopagent";
