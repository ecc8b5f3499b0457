//! SETTINGS and the connection's first WINDOW_UPDATE: what each server sends, in which order, and what an administrator may change of it.

use hoop_doctor_probes::http2::Http2;
use hoop_doctor_probes::wire::frame::{
    ENABLE_CONNECT_PROTOCOL, ENABLE_PUSH, HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, NO_RFC7540_PRIORITIES, Setting,
};

use super::Proxy;
use super::marks::Weight;

/// What a server opens a connection with.
struct Fingerprint {
    proxy: Proxy,
    /// In the order in which it sends them.
    settings: &'static [(u16, Value)],
    window: Window,
}

/// The value of a setting.
#[derive(Clone, Copy)]
enum Value {
    /// Built in.
    Is(u32),
    /// A default.
    Usually(u32),
    /// Whatever the configuration says: the other settings tell.
    Any,
    /// Sent only where it is configured.
    Added,
}

/// The first WINDOW_UPDATE of the connection.
#[derive(Clone, Copy)]
enum Window {
    /// Opens with this increment.
    Is(u32),
    /// Opens with this increment unless configured otherwise.
    Usually(u32),
    /// As `Usually`, but only after our ACK, which may be after the last answer.
    Later(u32),
    /// Opens with none; what comes later gives back what bodies took.
    Closed,
}

/// Whose SETTINGS these are, how surely, and what shows it.
pub(super) fn whose(http2: &Http2) -> Option<(Proxy, Weight, String)> {
    let sent = http2.settings.as_ref()?;
    let fits = FINGERPRINTS
        .iter()
        .filter_map(|one| Some((one, one.fit(sent, http2.window_update)?)));
    // Of equals the first: `max_by_key` takes the last.
    let (one, weight) = fits.rev().max_by_key(|(_, weight)| *weight)?;
    let mut text = "SETTINGS".to_owned();
    for setting in sent {
        text += &format!(" {}={}", setting.name(), setting.value);
    }
    if let (Window::Is(_) | Window::Usually(_) | Window::Later(_), Some(update)) = (one.window, http2.window_update) {
        text += &format!(", WINDOW_UPDATE {update}");
    }
    Some((one.proxy, weight, text))
}

impl Fingerprint {
    fn fit(&self, sent: &[Setting], window: Option<u32>) -> Option<Weight> {
        let mut weight = match (self.window, window) {
            (Window::Is(expected), Some(came)) if expected == came => Weight::Tells,
            (Window::Usually(expected) | Window::Later(expected), Some(came)) if expected == came => Weight::Tells,
            (Window::Later(_), None) | (Window::Closed, _) => Weight::Tells,
            (Window::Usually(_) | Window::Later(_), Some(_)) => Weight::Hints,
            (Window::Is(_), _) | (Window::Usually(_), None) => return None,
        };
        let mut sent = sent.iter().peekable();
        for (id, value) in self.settings {
            let Some(one) = sent.next_if(|one| one.id == *id) else {
                match value {
                    Value::Added => continue,
                    Value::Is(_) | Value::Usually(_) | Value::Any => return None,
                }
            };
            match value {
                Value::Is(expected) if *expected != one.value => return None,
                Value::Usually(expected) if *expected != one.value => weight = Weight::Hints,
                Value::Added => weight = Weight::Hints,
                Value::Is(_) | Value::Usually(_) | Value::Any => {}
            }
        }
        sent.next().is_none().then_some(weight)
    }
}

use Value::{Added, Any, Is, Usually};

/// Measured on the wire, but for older Envoys, whose windows are documented. The more special ones come first.
const FINGERPRINTS: &[Fingerprint] = &[
    // grpc-go, which is what the gateway listens with.
    Fingerprint {
        proxy: Proxy::None,
        settings: &[(MAX_FRAME_SIZE, Is(16_384))],
        window: Window::Closed,
    },
    Fingerprint {
        proxy: Proxy::Nginx,
        settings: &[
            (MAX_CONCURRENT_STREAMS, Any),
            (INITIAL_WINDOW_SIZE, Usually(65_536)),
            (MAX_FRAME_SIZE, Is(16_777_215)),
        ],
        // The largest window there is, less the one that every connection starts with.
        window: Window::Is(0x7fff_ffff - 65_535),
    },
    Fingerprint {
        proxy: Proxy::Envoy,
        settings: &[
            (HEADER_TABLE_SIZE, Usually(4_096)),
            (ENABLE_CONNECT_PROTOCOL, Any),
            (MAX_CONCURRENT_STREAMS, Any),
            (INITIAL_WINDOW_SIZE, Usually(16_777_216)),
        ],
        window: Window::Later(25_100_289),
    },
    Fingerprint {
        proxy: Proxy::Envoy,
        settings: &[
            (HEADER_TABLE_SIZE, Usually(4_096)),
            (ENABLE_CONNECT_PROTOCOL, Any),
            (MAX_CONCURRENT_STREAMS, Any),
            (INITIAL_WINDOW_SIZE, Usually(268_435_456)),
        ],
        window: Window::Later(268_369_921),
    },
    Fingerprint {
        proxy: Proxy::Haproxy,
        settings: &[
            (HEADER_TABLE_SIZE, Added),
            (ENABLE_CONNECT_PROTOCOL, Is(1)),
            (INITIAL_WINDOW_SIZE, Added),
            (MAX_CONCURRENT_STREAMS, Usually(100)),
            (MAX_HEADER_LIST_SIZE, Added),
            (MAX_FRAME_SIZE, Added),
        ],
        window: Window::Closed,
    },
    Fingerprint {
        proxy: Proxy::Caddy,
        settings: &[
            (MAX_FRAME_SIZE, Is(1_048_576)),
            (MAX_CONCURRENT_STREAMS, Usually(250)),
            (MAX_HEADER_LIST_SIZE, Is(16_704)),
            (HEADER_TABLE_SIZE, Is(4_096)),
            (INITIAL_WINDOW_SIZE, Is(1_048_576)),
            (NO_RFC7540_PRIORITIES, Is(1)),
        ],
        window: Window::Is(983_041),
    },
    Fingerprint {
        proxy: Proxy::GoHttp,
        settings: &[
            (MAX_FRAME_SIZE, Usually(1_048_576)),
            (MAX_CONCURRENT_STREAMS, Any),
            (MAX_HEADER_LIST_SIZE, Any),
            (HEADER_TABLE_SIZE, Usually(4_096)),
            (INITIAL_WINDOW_SIZE, Usually(1_048_576)),
        ],
        window: Window::Usually(983_041),
    },
    // Since Go 1.27.
    Fingerprint {
        proxy: Proxy::GoHttp,
        settings: &[
            (MAX_FRAME_SIZE, Usually(1_048_576)),
            (MAX_CONCURRENT_STREAMS, Any),
            (MAX_HEADER_LIST_SIZE, Any),
            (HEADER_TABLE_SIZE, Usually(4_096)),
            (INITIAL_WINDOW_SIZE, Usually(1_048_576)),
            (NO_RFC7540_PRIORITIES, Is(1)),
        ],
        window: Window::Usually(983_041),
    },
    Fingerprint {
        proxy: Proxy::Apache,
        settings: &[(MAX_CONCURRENT_STREAMS, Usually(100)), (INITIAL_WINDOW_SIZE, Added)],
        window: Window::Is(0x7fff_ffff - 65_535),
    },
    Fingerprint {
        proxy: Proxy::Nghttpx,
        settings: &[
            (MAX_CONCURRENT_STREAMS, Usually(100)),
            (INITIAL_WINDOW_SIZE, Usually(65_535)),
            (NO_RFC7540_PRIORITIES, Is(1)),
            (ENABLE_CONNECT_PROTOCOL, Is(1)),
        ],
        window: Window::Closed,
    },
    Fingerprint {
        proxy: Proxy::Mitmproxy,
        settings: &[
            (HEADER_TABLE_SIZE, Is(4_096)),
            (ENABLE_PUSH, Is(0)),
            (INITIAL_WINDOW_SIZE, Any),
            (MAX_FRAME_SIZE, Any),
            (ENABLE_CONNECT_PROTOCOL, Is(0)),
            (MAX_CONCURRENT_STREAMS, Is(100)),
            (MAX_HEADER_LIST_SIZE, Is(65_536)),
        ],
        window: Window::Closed,
    },
];
