//! `--deep`: measures what the streams of a healthy endpoint may be. Slow or loud, and so only on request.

use std::time::Duration;

use futures_util::future::{join, join_all};
use hoop_doctor_probes::conversation::{Budget, Conversation, Notebook, Prelude, Speech};
use hoop_doctor_probes::grpc::{MAX_MESSAGE, call};
use hoop_doctor_probes::http2::{Answer, Call, CallName, Http2, Reply, Tokens};
use hoop_doctor_probes::wire::frame::MAX_CONCURRENT_STREAMS;
use hoop_doctor_probes::{limits, tcp};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::{ANSWER, Exam};
use crate::evidence::{Border, Crowd, Endpoint, Held, Measured, Pace, Sent};
use crate::experiments;

/// How many connections are open at a time, those of the base probes included.
pub const MOST_CONNECTIONS: usize = 12;
/// How many streams are open at a time.
pub const MOST_STREAMS: u32 = 110;
/// How many bytes are sent in all, in MiB.
pub const MOST_SENT_MIB: u64 = 25;

/// An agent's keepalive (`pb.DefaultKeepAlive`).
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How often a busy stream gets a byte.
const BUSY: Duration = Duration::from_secs(1);
/// Held streams begin this far apart: what ends all of them at one age is a limit, what ends them at one moment is an event.
const APART: Duration = Duration::from_millis(400);
/// Endpoints whose streams are held at a time: four connections each.
const HELD_AT_ONCE: usize = 2;
/// A large token: just over 8 KiB in one value, in units of [`Tokens::UNIT`].
const LONG_UNITS: u32 = 1_639;
/// The border of a long value is looked for as far as this, in the same units.
const STEP_UNITS: u32 = 12;
/// So much metadata in this many fields of a usual length.
const MANY: u32 = 64;
const USUAL_UNITS: usize = 26;
/// Calls at a time, at most: more than a busy agent's sessions.
const CROWD: u32 = 100;
/// Bodies of different length that are declared at a time.
const DECLARED_AT_ONCE: u32 = 16;
/// The step of a message that is sent, in bytes, and that of the closer look.
const COARSE: u64 = 256 * 1024;
const FINE: u64 = 16 * 1024;
/// The closer look begins so far before the place where the first one was cut, and ends so far behind it.
const MARGIN: u64 = 64 * 1024;

/// What all endpoints of a run share.
#[derive(Debug)]
pub(super) struct Load {
    /// One at a time is loud; the bytes that may still be sent.
    loud: Mutex<u64>,
    held: Semaphore,
}

impl Load {
    pub(super) fn new() -> Self {
        Self {
            loud: Mutex::new(MOST_SENT_MIB * 1024 * 1024),
            held: Semaphore::new(HELD_AT_ONCE),
        }
    }
}

impl Exam<'_> {
    /// Everything that can be measured of an endpoint whose streams reach a gateway.
    pub(super) async fn measure(&self, endpoint: &Endpoint, hold: Duration, load: &Load) -> Option<Measured> {
        if !endpoint.reaches_gateway() {
            return None;
        }
        let probe = Deep {
            exam: self,
            endpoint,
            hold,
            pause: pause(endpoint),
            can_hold: endpoint.answer(CallName::HealthCheck).is_some_and(Answer::is_ok),
        };
        let (held, mut measured) = join(probe.held(load), probe.loud(load)).await;
        measured.held = held;
        Some(measured)
    }
}

/// Longer than an answer takes.
fn pause(endpoint: &Endpoint) -> Duration {
    let round_trip = endpoint.http2().and_then(|http2| http2.settings_ms).unwrap_or(0);
    Duration::from_millis((2 * round_trip + 10).min(500))
}

struct Deep<'a> {
    exam: &'a Exam<'a>,
    endpoint: &'a Endpoint,
    hold: Duration,
    pause: Duration,
    /// HealthCheck reaches the gateway, the only call that waits without a credential.
    can_hold: bool,
}

impl Deep<'_> {
    async fn held(&self, load: &Load) -> Vec<Held> {
        if !self.can_hold {
            return Vec::new();
        }
        // A semaphore that is never closed.
        let _held = load.held.acquire().await;
        let keepalive = match self.hold < 4 * KEEPALIVE {
            true => self.hold / 4,
            false => KEEPALIVE,
        };
        let held = |every| vec![limits::held(every, self.hold)];
        join_all([
            self.hold_one(Pace::NoStream, Duration::ZERO, Vec::new()),
            self.hold_one(Pace::Silent, Duration::ZERO, held(None)),
            self.hold_one(Pace::Keepalive, APART, held(Some(keepalive))),
            self.hold_one(Pace::Busy, 2 * APART, held(Some(BUSY.min(keepalive)))),
        ])
        .await
    }

    async fn hold_one(&self, pace: Pace, delay: Duration, calls: Vec<Call>) -> Held {
        // The delay ends early where the run does.
        let _ = self.exam.cx.limit(delay, std::future::pending::<()>()).await;
        let patience = match pace {
            Pace::NoStream => self.hold,
            Pace::Silent | Pace::Keepalive | Pace::Busy => self.hold + ANSWER,
        };
        let (started, started_ms) = (Instant::now(), self.exam.cx.now_ms());
        let http2 = self.talk(calls, patience).await;
        // A connection without streams says nothing of how long it was watched: where the run ended first, nobody knows.
        let is_cut_short =
            |http2: &Http2| pace == Pace::NoStream && http2.end.is_none() && started.elapsed() < self.hold;
        Held {
            pace,
            started_ms,
            http2: http2.filter(|http2| !is_cut_short(http2)),
        }
    }

    /// One after the other, for one endpoint at a time.
    async fn loud(&self, load: &Load) -> Measured {
        if self.can_hold {
            // A crowd must not keep a held stream from beginning.
            let _ = self.exam.cx.limit(3 * APART, std::future::pending::<()>()).await;
        }
        let mut budget = load.loud.lock().await;
        let declared = match self.endpoint.answer(CallName::DeclaredBody) {
            Some(answer) if !by_gateway(answer) => self.declared().await,
            Some(_) | None => None,
        };
        let (long_field, many_fields) = join(self.long_field(), self.many_fields()).await;
        let crowd = self.crowd().await;
        let is_whole = |crowd: &Crowd| crowd.goaway.is_none() && crowd.failed.is_none();
        let crowd_again = match crowd.as_ref().is_none_or(is_whole) {
            true => None,
            false => self.crowd().await,
        };
        // A limit on what is declared hides every other one.
        let sent = match self.can_hold && declared.is_none() {
            true => self.sent(&mut budget).await,
            false => None,
        };
        Measured {
            held: Vec::new(),
            declared,
            long_field,
            many_fields,
            crowd,
            crowd_again,
            sent,
        }
    }

    /// To the byte, several at a time.
    async fn declared(&self) -> Option<Border> {
        let (mut passes, mut fails) = (0, MAX_MESSAGE);
        let mut how = None;
        while fails - passes > 1 {
            let step = (fails - passes).div_ceil(DECLARED_AT_ONCE);
            let sizes: Vec<u32> = (1..DECLARED_AT_ONCE)
                .map(|place| passes + place * step)
                .filter(|size| *size < fails)
                .collect();
            let calls = sizes.iter().map(|size| limits::declared(*size)).collect();
            let http2 = self.talk(calls, ANSWER).await?;
            let refused = http2.answers.iter().position(|answer| !by_gateway(answer));
            if let Some(at) = refused {
                if !is_too_large(http2.answers.get(at)?) {
                    return None;
                }
                fails = *sizes.get(at)?;
            }
            let passed = refused.unwrap_or(sizes.len());
            passes = sizes.iter().take(passed).copied().last().unwrap_or(passes);
            if refused.is_some() {
                how = Some(http2);
            }
        }
        let how = how.or_else(|| self.endpoint.http2().cloned())?;
        Some(Border { passes, fails, how })
    }

    /// One value of 8 KiB; where that is refused, as much as isn't.
    async fn long_field(&self) -> Option<Border> {
        let unit = u32::try_from(Tokens::UNIT).unwrap_or(1);
        let tokens = |units: u32| Tokens {
            count: 1,
            units: units as usize,
        };
        let border = self.border(LONG_UNITS, STEP_UNITS, tokens).await?;
        Some(Border {
            passes: border.passes * unit,
            fails: border.fails * unit,
            ..border
        })
    }

    /// As much again in fields of a usual length.
    async fn many_fields(&self) -> Option<Border> {
        let tokens = |count: u32| Tokens {
            count: count as usize,
            units: USUAL_UNITS,
        };
        self.border(MANY, 1, tokens).await
    }

    /// Each try on a connection of its own, since the refusal of one call may end all of them.
    async fn border(&self, most: u32, step: u32, tokens: impl Fn(u32) -> Tokens) -> Option<Border> {
        let attempt = async |size| {
            let http2 = self.talk(vec![limits::with_tokens(tokens(size))], ANSWER).await?;
            let passed = http2.answers.first().is_some_and(by_gateway);
            Some((passed, http2))
        };
        let (true, _) = attempt(0).await? else {
            return None;
        };
        let (false, mut how) = attempt(most).await? else {
            return None;
        };
        let (mut passes, mut fails) = (0, most);
        while fails - passes > step {
            let middle = passes.midpoint(fails);
            match attempt(middle).await? {
                (true, _) => passes = middle,
                (false, refused) => (fails, how) = (middle, refused),
            }
        }
        // What passes now was refused by chance.
        let (false, _) = attempt(fails).await? else {
            return None;
        };
        Some(Border { passes, fails, how })
    }

    async fn crowd(&self) -> Option<Crowd> {
        let mut settings = self.endpoint.http2()?.settings.iter().flatten();
        let allowed = settings.rfind(|setting| setting.id == MAX_CONCURRENT_STREAMS);
        let opened = allowed.map_or(CROWD, |setting| setting.value).min(CROWD);
        // Long enough that all of them are open at once.
        let hold = 10 * self.pause;
        let one = || match self.can_hold {
            true => limits::held(None, hold),
            false => call(CallName::Connect),
        };
        let calls = (0..opened).map(|_| one()).collect();
        let http2 = self.talk(calls, hold + ANSWER).await?;
        let is_served = |answer: &&Answer| match self.can_hold {
            true => answer.is_ok(),
            false => by_gateway(answer),
        };
        let served = http2.answers.iter().filter(is_served).count();
        Some(Crowd {
            opened,
            held: self.can_hold,
            served: u32::try_from(served).unwrap_or(u32::MAX),
            failed: http2.answers.iter().find(|answer| !is_served(answer)).cloned(),
            goaway: http2.goaway,
            end: http2.end,
        })
    }

    async fn sent(&self, budget: &mut u64) -> Option<Sent> {
        let message = MAX_MESSAGE.min(u32::try_from(*budget).unwrap_or(u32::MAX));
        let whole = limits::padded(message, COARSE, COARSE, self.pause);
        let patience = self.hold.max(ANSWER);
        let coarse = self.talk(vec![whole], patience).await?;
        let mut sent = Sent {
            message,
            coarse,
            fine: None,
        };
        let bytes = |http2: &Http2| crate::evidence::fed(http2).map_or(0, |(_, fed)| fed.sent);
        *budget = budget.saturating_sub(bytes(&sent.coarse));
        let Some((outlived, cut)) = sent.cut() else {
            return Some(sent);
        };
        let longer = cut + MARGIN;
        if longer <= *budget
            && let Ok(message) = u32::try_from(longer)
        {
            let closer = limits::padded(message, outlived.saturating_sub(MARGIN), FINE, self.pause);
            sent.fine = self.talk(vec![closer], patience).await;
            *budget = budget.saturating_sub(sent.fine.as_ref().map_or(0, bytes));
        }
        Some(sent)
    }

    /// A conversation on a connection of its own that may take as long as `patience`.
    async fn talk(&self, calls: Vec<Call>, patience: Duration) -> Option<Http2> {
        let exam = self.exam;
        let limit = exam.limits.connect;
        let connect_by = Instant::now() + limit;
        let (_, stream) = tcp::connect(exam.cx, self.endpoint.chosen?, limit).await;
        let (_, stream) = exam.tunnel(stream?, connect_by).await;
        let base = experiments::base(&exam.planned.target);
        let conversation = Conversation {
            prelude: Prelude::None,
            security: base.security,
            speech: Speech::Http2(calls),
        };
        let budget = Budget {
            connect_by,
            answer: patience,
            quiet: patience,
        };
        let notes = Notebook::default();
        exam.converse_within(&exam.planned.target, &conversation, stream?, budget, &notes)
            .await;
        notes.read().http2.filter(|http2| http2.settings.is_some())
    }
}

fn by_gateway(answer: &Answer) -> bool {
    matches!(answer.reply(), Reply::Grpc(status) if status.said.is_gateway())
}

fn is_too_large(answer: &Answer) -> bool {
    matches!(answer.reply(), Reply::Http(head, _) if head.status == 413)
}
