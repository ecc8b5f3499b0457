//! What logs say, as a report has it: moments in words, and a period where there is one.

use super::{LogFile, LogSighting, LogsReport, timestamp};
use crate::logs::{Logs, Sighting};

/// The logs of a case.
pub(super) fn logs(logs: &Logs) -> LogsReport {
    let files = logs.files.iter().map(|file| LogFile {
        name: file.name.clone(),
        lines: file.lines,
        bytes: file.bytes,
        problem: file.problem.clone(),
    });
    LogsReport {
        files: files.collect(),
        sightings: logs.sightings.iter().map(sighting).collect(),
    }
}

fn sighting(one: &Sighting) -> LogSighting {
    let moment = |at: i64| timestamp(at.div_euclid(1_000));
    LogSighting {
        sign: one.sign.clone(),
        file: one.file,
        line: one.line,
        count: one.count,
        excerpt: one.excerpt.clone(),
        first: one.times.bursts.first().copied().map(moment),
        last: one.times.last.map(moment),
        events: one.times.count,
        period_ms: one.times.period(),
    }
}
