//! A child process in a group of its own that is always ended, with all that it started.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// A running process. Its output is collected, and is there when the process has ended.
pub(crate) struct Process {
    group: Pid,
    end: Receiver<io::Result<Output>>,
    ended: bool,
}

impl Process {
    /// Starts `command` without input, with its output collected.
    pub(crate) fn spawn(mut command: Command) -> io::Result<Self> {
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let group = Pid::from_child(&child);
        Ok(Self {
            group,
            end: collect(child),
            ended: false,
        })
    }

    /// Waits for the process to end by itself; `None` if it still runs after `limit`.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Option<io::Result<Output>> {
        match self.end.recv_timeout(limit) {
            Ok(output) => {
                self.ended = true;
                Some(output)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => unreachable!("an end is received once"),
        }
    }

    /// Asks the whole group to end, makes it end if it doesn't, and returns what the process had printed.
    pub(crate) fn stop(&mut self) -> Option<io::Result<Output>> {
        for signal in [Signal::TERM, Signal::KILL] {
            // Refused only where the group is gone, which is what is wanted.
            let _ = kill_process_group(self.group, signal);
            if let Some(output) = self.ended_within(PATIENCE) {
                return Some(output);
            }
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.ended {
            self.stop();
        }
    }
}

/// Reads both outputs to their ends and then reaps the process.
///
/// The ends come when the last process of the group has closed them, so a received output also says that
/// the workers of a proxy are gone.
fn collect(child: Child) -> Receiver<io::Result<Output>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Nobody waits any more if the owner gave up after SIGKILL.
        let _ = sender.send(child.wait_with_output());
    });
    receiver
}

/// How long a process gets to obey a signal.
const PATIENCE: Duration = Duration::from_secs(5);
