//! Calls that measure what a stream may be: how long, how large, how quiet, how many of them.
//!
//! None of them needs a credential. A held call is a `HealthCheck` whose message doesn't come: a gateway waits for it, and
//! with bytes of it now and then the stream looks to a proxy like that of an agent. A padded one measures limits on
//! bytes that are really sent.

use std::time::Duration;

use crate::grpc::{MAX_MESSAGE, call, request};
use crate::http2::{Body, Call, CallName, Feed, Portion, Tokens};

/// `Connect` without metadata that declares a body of so many bytes and sends none.
pub fn declared(bytes: u32) -> Call {
    let mut call = request(CallName::DeclaredBody, "Connect", Body::Open);
    call.fields.push(("content-length", bytes.to_string()));
    call
}

/// `Connect` without Hoop's metadata and with made-up tokens.
pub fn with_tokens(tokens: Tokens) -> Call {
    Call {
        tokens,
        ..call(CallName::Connect)
    }
}

/// A `HealthCheck` whose message is complete after `hold`; until then it gets a byte `every` so often, or none at all.
pub fn held(every: Option<Duration>, hold: Duration) -> Call {
    let mut portions = Vec::new();
    let mut left = hold;
    if let Some(every) = every {
        while left > every {
            portions.push(Portion { pause: every, bytes: 1 });
            left -= every;
        }
    }
    portions.push(Portion { pause: left, bytes: 0 });
    // Longer than what was sent by then, so that the end is still to come.
    let message = u32::try_from(portions.len()).unwrap_or(MAX_MESSAGE).max(16);
    fed(Feed { message, portions })
}

/// A `HealthCheck` with a message of `message` bytes: `before` bytes of it at once, then `step` at a time with a pause behind each.
pub fn padded(message: u32, before: u64, step: u64, pause: Duration) -> Call {
    let rest = (u64::from(message) + 5).saturating_sub(before);
    let steps = rest.div_ceil(step.max(1)).max(1);
    let first = Portion {
        pause: Duration::ZERO,
        bytes: before,
    };
    let step = Portion { pause, bytes: step };
    let mut portions = vec![first];
    portions.extend((0..steps).map(|_| step));
    fed(Feed { message, portions })
}

fn fed(feed: Feed) -> Call {
    Call {
        body: Body::Fed(feed),
        ..call(CallName::HealthCheck)
    }
}
