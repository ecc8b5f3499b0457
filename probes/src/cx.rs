//! The context of one run: its clock, its deadline and its cancellation.
//!
//! Every wait on the network goes through [`Cx::limit`]; nothing else in the workspace sets a time limit.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The clock, deadline and cancellation that one run shares.
#[derive(Clone, Debug)]
pub struct Cx {
    start: Instant,
    deadline: Instant,
    unix_start: i64,
    cancelled: watch::Receiver<bool>,
}

/// Ends a run early: every wait returns [`Stop::Interrupted`] at once, and what is known is kept.
#[derive(Debug)]
pub struct Cancel(watch::Sender<bool>);

/// Why a wait ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The wait's own limit, or the deadline of the run, has passed.
    TimedOut,
    /// The user asked the run to end.
    Interrupted,
}

impl Cx {
    /// A run that starts now, at `unix_start` seconds since the epoch, and has `budget` to finish.
    pub fn new(budget: Duration, unix_start: i64) -> (Self, Cancel) {
        let (sender, cancelled) = watch::channel(false);
        let start = Instant::now();
        let cx = Self {
            start,
            deadline: start + budget,
            unix_start,
            cancelled,
        };
        (cx, Cancel(sender))
    }

    /// Milliseconds since the run started.
    pub fn now_ms(&self) -> u64 {
        millis(self.start.elapsed())
    }

    /// This machine's clock, in seconds since the epoch, as the run started.
    pub fn unix_start(&self) -> i64 {
        self.unix_start
    }

    /// Whether the user asked the run to end.
    pub fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// Runs `work` for at most `limit`, and never beyond the deadline of the run.
    pub async fn limit<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Result<T, Stop> {
        self.until(Instant::now() + limit, work).await
    }

    /// Runs `work` until `instant`, and never beyond the deadline of the run.
    pub async fn until<T>(&self, instant: Instant, work: impl Future<Output = T>) -> Result<T, Stop> {
        let mut cancelled = self.cancelled.clone();
        tokio::select! {
            biased;
            done = work => Ok(done),
            // A dropped `Cancel` can't cancel any more; `wait_for` then fails and the branch is disabled.
            Ok(_) = cancelled.wait_for(|cancelled| *cancelled) => Err(Stop::Interrupted),
            () = tokio::time::sleep_until(instant.min(self.deadline)) => Err(Stop::TimedOut),
        }
    }
}

impl Cancel {
    /// Ends every wait of the run.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

/// Whole milliseconds of a duration.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Cx, Stop};
    use std::future::pending;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_its_own_limit() {
        let (cx, _cancel) = Cx::new(Duration::from_secs(15), 0);
        let ended = cx.limit(Duration::from_secs(5), pending::<()>()).await;
        assert_eq!((ended, cx.now_ms() / 100), (Err(Stop::TimedOut), 50));
    }

    #[tokio::test(start_paused = true)]
    async fn no_wait_outlives_the_run() {
        let (cx, _cancel) = Cx::new(Duration::from_secs(2), 0);
        let ended = cx.limit(Duration::from_secs(5), pending::<()>()).await;
        assert_eq!((ended, cx.now_ms() / 100), (Err(Stop::TimedOut), 20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_run_ends_at_once() {
        let (cx, cancel) = Cx::new(Duration::from_secs(15), 0);
        cancel.cancel();
        let ended = cx.limit(Duration::from_secs(5), pending::<()>()).await;
        assert_eq!((ended, cx.now_ms()), (Err(Stop::Interrupted), 0));
    }
}
