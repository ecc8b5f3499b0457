//! Conversations with a peer in memory, on paused time: messages in portions, and connections that are merely held.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use proptest::prelude::{Strategy, TestCaseError, prop, prop_assert, prop_assert_eq, proptest};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::time::Instant;

use super::session::stream_of;
use super::{Body, Call, ConnectionEnd, Fed, Feed, Flight, Http2, Patience, Portion, StreamEnd, speak};
use crate::cx::Cx;
use crate::limits;
use crate::wire::frame::{self, ErrorCode, Frame, INITIAL_WINDOW_SIZE, PREFACE, kind};
use crate::wire::header;

/// The windows of a peer that says nothing of them (RFC 9113, section 6.9.2).
const WINDOW: i64 = 65_535;
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_held_message_keeps_its_pauses() {
    let hold = Duration::from_secs(65);
    let call = limits::held(Some(Duration::from_secs(10)), hold);
    let (heard, peer) = talk(vec![call], HOUR, WINDOW as usize, async |peer| {
        peer.settings(None).await;
        while !peer.body(0).ended {
            peer.listen().await.expect("the client goes on");
        }
        peer.answer(0).await;
    })
    .await;
    let arrivals: Vec<(u64, usize)> = peer.data.iter().map(|data| (data.at_ms / 1000, data.length)).collect();
    assert_eq!(
        arrivals,
        [(10, 1), (20, 1), (30, 1), (40, 1), (50, 1), (60, 1), (65, 15)]
    );
    let fed = Fed {
        sent: 21,
        outlived: 6,
        whole_ms: Some(65_000),
        ended_ms: Some(65_000),
    };
    assert_eq!(near(&heard), fed);
    assert!(heard.answers[0].is_ok(), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_message_comes_whole_at_its_end() {
    let call = limits::held(None, Duration::from_secs(8));
    let (heard, peer) = talk(vec![call], HOUR, WINDOW as usize, async |peer| {
        peer.settings(None).await;
        while !peer.body(0).ended {
            peer.listen().await.expect("the client goes on");
        }
        peer.answer(0).await;
    })
    .await;
    let arrivals: Vec<(u64, usize)> = peer.data.iter().map(|data| (data.at_ms / 1000, data.length)).collect();
    assert_eq!(arrivals, [(8, 21)]);
    assert_eq!((near(&heard).outlived, near(&heard).whole_ms), (0, Some(8000)));
}

#[tokio::test(start_paused = true)]
async fn a_reset_stops_the_message() {
    let step = 16 * 1024;
    let call = limits::padded(1 << 20, step, step, Duration::from_millis(20));
    let (heard, peer) = talk(vec![call], HOUR, 1 << 20, async |peer| {
        peer.settings(Some(1 << 24)).await;
        peer.grant(0, 1 << 24).await;
        while peer.body(0).bytes.len() < 100_000 {
            peer.listen().await.expect("the client goes on");
        }
        peer.say(kind::RST_STREAM, 0, 1, &ErrorCode::INTERNAL_ERROR.0.to_be_bytes())
            .await;
        while peer.listen().await.is_some() {}
    })
    .await;
    let fed = heard.answers[0].fed.expect("its message leaves in portions");
    // Seven portions are more than 100,000 bytes; the seventh was the one that the stream didn't outlive.
    assert_eq!((fed.outlived, fed.sent), (6 * step, 7 * step));
    assert_eq!(peer.body(0).bytes.len() as u64, fed.sent);
    assert_eq!(fed.whole_ms, None);
    assert_eq!(fed.ended_ms.map(|ms| ms / 20), Some(6));
    let reset = StreamEnd::Reset {
        code: ErrorCode::INTERNAL_ERROR,
    };
    assert_eq!(heard.answers[0].end, reset);
}

#[tokio::test(start_paused = true)]
async fn one_message_goes_on_where_another_is_stopped() {
    let call = || limits::held(Some(Duration::from_secs(1)), Duration::from_secs(8));
    let (heard, peer) = talk(vec![call(), call()], HOUR, WINDOW as usize, async |peer| {
        peer.settings(None).await;
        while peer.body(0).bytes.len() < 3 {
            peer.listen().await.expect("the client goes on");
        }
        peer.say(kind::RST_STREAM, 0, 1, &ErrorCode::CANCEL.0.to_be_bytes())
            .await;
        while !peer.body(1).ended {
            peer.listen().await.expect("the client goes on");
        }
        peer.answer(1).await;
    })
    .await;
    assert_eq!((peer.body(0).bytes.len(), peer.body(1).bytes.len()), (3, 21));
    assert_eq!(heard.answers[0].fed.map(|fed| fed.whole_ms), Some(None));
    assert!(heard.answers[1].is_ok(), "{heard:?}");
}

/// RFC 9113, section 6.9.2: the difference counts for streams whose window is used up too, and may make it negative.
#[tokio::test(start_paused = true)]
async fn a_window_that_shrinks_below_zero_has_to_be_paid_back() {
    let call = limits::padded(1 << 20, 1 << 20, 1 << 20, Duration::ZERO);
    let (heard, peer) = talk(vec![call], Duration::from_secs(60), 1 << 20, async |peer| {
        peer.settings(None).await;
        peer.grant(0, 1 << 24).await;
        peer.quiet().await;
        assert_eq!(peer.body(0).bytes.len(), 65_535);
        peer.settings(Some(0)).await;
        peer.grant(1, 65_535).await;
        peer.quiet().await;
        assert_eq!(peer.body(0).bytes.len(), 65_535);
        peer.grant(1, 10).await;
        peer.quiet().await;
        assert_eq!(peer.body(0).bytes.len(), 65_545);
        while peer.listen().await.is_some() {}
    })
    .await;
    assert_eq!(near(&heard).sent, 65_545);
    assert_eq!((near(&heard).whole_ms, near(&heard).ended_ms), (None, None));
    assert_eq!(peer.body(0).bytes.len(), 65_545);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_is_listened_to_and_given_up_in_time() {
    let call = limits::padded(1 << 20, 1 << 16, 1 << 16, Duration::ZERO);
    let started = Instant::now();
    let mut turns = 0;
    let (heard, _) = talk_noted(
        vec![call],
        Duration::from_secs(5),
        1024,
        |_| turns += 1,
        async |peer| {
            peer.settings(Some(1 << 24)).await;
            peer.grant(0, 1 << 24).await;
            peer.pause(Duration::from_secs(3)).await;
            peer.say(kind::PING, 0, 0, &[0; 8]).await;
            peer.pause(HOUR).await;
        },
    )
    .await;
    assert_eq!((heard.pings, heard.answers[0].end), (1, StreamEnd::Open));
    assert_eq!(near(&heard).ended_ms, None);
    assert_eq!(started.elapsed().as_secs(), 5);
    assert!(turns < 20, "{turns} turns");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_ends_the_message() {
    let call = limits::held(Some(Duration::from_secs(1)), Duration::from_secs(60));
    let (heard, _) = talk(vec![call], HOUR, WINDOW as usize, async |peer| {
        peer.settings(None).await;
        while peer.body(0).bytes.len() < 3 {
            peer.listen().await.expect("the client goes on");
        }
        peer.close().await;
    })
    .await;
    assert_eq!((heard.end, heard.end_ms), (Some(ConnectionEnd::Closed), Some(3000)));
    let fed = Fed {
        sent: 3,
        outlived: 2,
        whole_ms: None,
        ended_ms: Some(3000),
    };
    assert_eq!(near(&heard), fed);
    assert_eq!(heard.answers[0].end, StreamEnd::ConnectionEnded);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_run_ends_a_message_that_has_portions_left() {
    let (client, _server) = duplex(1 << 16);
    let (cx, _cancel) = Cx::new(Duration::from_millis(2_500), 0);
    let calls = [limits::held(Some(Duration::from_secs(1)), Duration::from_secs(60))];
    let mut turns = 0;
    let mut io = client;
    let heard = speak(&cx, &mut io, flight(&calls), patience(HOUR), |_| turns += 1, || ()).await;
    assert_eq!((near(&heard).sent, near(&heard).ended_ms), (2, None));
    assert_eq!(cx.now_ms() / 100, 25);
    assert!(turns < 20, "{turns} turns");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_ends_in_time_and_what_was_said_before_is_read() {
    let mut server = Vec::new();
    raw(kind::SETTINGS, 0, 0, &[], &mut server);
    raw(
        kind::RST_STREAM,
        0,
        1,
        &ErrorCode::INTERNAL_ERROR.0.to_be_bytes(),
        &mut server,
    );
    for (said, end) in [
        (
            server.len(),
            StreamEnd::Reset {
                code: ErrorCode::INTERNAL_ERROR,
            },
        ),
        (frame::HEADER_LEN, StreamEnd::Open),
    ] {
        let (cx, _cancel) = Cx::new(HOUR, 0);
        let calls = [limits::padded(1 << 20, 1 << 16, 1 << 16, Duration::ZERO)];
        let mut io = Faulty {
            says: server[..said].to_vec(),
            write: Fault::Fails,
            flush: Fault::None,
        };
        let mut turns = 0;
        let patience = patience(Duration::from_secs(5));
        let heard = speak(&cx, &mut io, flight(&calls), patience, |_| turns += 1, || ()).await;
        assert_eq!(heard.answers[0].end, end);
        assert!(cx.now_ms() <= 5_100, "{} ms", cx.now_ms());
        assert!(turns < 20, "{turns} turns");
    }
}

/// A TLS stream keeps the last record until the network takes it.
#[tokio::test(start_paused = true)]
async fn a_flush_that_never_ends_keeps_nobody_from_listening() {
    let mut server = Vec::new();
    raw(kind::SETTINGS, 0, 0, &[], &mut server);
    raw(
        kind::RST_STREAM,
        0,
        1,
        &ErrorCode::INTERNAL_ERROR.0.to_be_bytes(),
        &mut server,
    );
    let (cx, _cancel) = Cx::new(HOUR, 0);
    let calls = [limits::padded(1 << 20, 1 << 16, 1 << 16, Duration::ZERO)];
    let mut io = Faulty {
        says: server,
        write: Fault::None,
        flush: Fault::Hangs,
    };
    let heard = speak(&cx, &mut io, flight(&calls), patience(HOUR), |_| (), || ()).await;
    let reset = StreamEnd::Reset {
        code: ErrorCode::INTERNAL_ERROR,
    };
    assert_eq!(heard.answers[0].end, reset);
    assert!(cx.now_ms() < 100, "{} ms", cx.now_ms());
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_calls_is_held_as_long_as_patience_lasts() {
    let started = Instant::now();
    let (heard, _) = talk(Vec::new(), Duration::from_secs(8), 1024, async |peer| {
        peer.settings(None).await;
        while peer.listen().await.is_some() {}
    })
    .await;
    assert_eq!((heard.end, heard.end_ms, &heard.goaway), (None, None, &None));
    assert!(heard.settings.is_some());
    assert_eq!(started.elapsed().as_secs(), 8);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_connection_without_calls_is_noted() {
    let (heard, _) = talk(Vec::new(), Duration::from_secs(8), 1024, async |peer| {
        peer.settings(None).await;
        peer.pause(Duration::from_secs(3)).await;
        peer.say(kind::GOAWAY, 0, 0, &[0; 8]).await;
        peer.close().await;
    })
    .await;
    assert_eq!((heard.end, heard.end_ms), (Some(ConnectionEnd::Closed), Some(3000)));
    assert_eq!(heard.goaway.map(|goaway| goaway.code), Some(ErrorCode::NO_ERROR));
}

/// How a peer treats messages in portions.
#[derive(Clone, Debug)]
struct Manners {
    /// SETTINGS_INITIAL_WINDOW_SIZE at first, and each time that the client stalls.
    initial: Vec<Option<u32>>,
    /// What a stalled client is granted, on the connection and on its streams.
    grant: u32,
    /// How many bytes are on their way at most.
    pipe: usize,
}

fn manners() -> impl Strategy<Value = Manners> {
    let initial = prop::collection::vec(prop::option::of(0_u32..100_000), 1..6);
    (initial, 1_000_u32..100_000, 64_usize..100_000).prop_map(|(initial, grant, pipe)| Manners { initial, grant, pipe })
}

fn feed() -> impl Strategy<Value = Feed> {
    let portion = (0_u64..3_000, 0_u64..80_000).prop_map(|(ms, bytes)| Portion {
        pause: Duration::from_millis(ms),
        bytes,
    });
    (5_u32..150_000, prop::collection::vec(portion, 1..6)).prop_map(|(message, portions)| Feed { message, portions })
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_windows_all_messages_arrive_whole(feeds in prop::collection::vec(feed(), 1..4), manners in manners()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        runtime.block_on(arrive(&feeds, manners))?;
    }

    #[test]
    fn a_padded_message_leaves_its_beginning_at_once_and_the_rest_in_steps(
        message in 5_u32..1_000_000, before in 0_u64..300_000, step in 1_u64..100_000, pause: u16,
    ) {
        let pause = Duration::from_millis(pause.into());
        let Body::Fed(feed) = limits::padded(message, before, step, pause).body else {
            return Err(TestCaseError::fail("no message in portions"));
        };
        let (first, steps) = feed.portions.split_first().expect("there is a first portion");
        prop_assert_eq!(*first, Portion { pause: Duration::ZERO, bytes: before });
        let alike = steps.iter().all(|portion| *portion == Portion { pause, bytes: step });
        prop_assert!(alike);
        // The last step is the one in which the message ends.
        let all = before + step * steps.len() as u64;
        let length = u64::from(message) + 5;
        prop_assert!(all >= length && (steps.len() == 1 || all - step < length), "{} of {}", all, length);
    }

    #[test]
    fn a_held_message_lasts_as_long_as_it_is_held(every in prop::option::of(1_u64..20_000), hold in 1_u64..200_000) {
        let (every, hold) = (every.map(Duration::from_millis), Duration::from_millis(hold));
        let Body::Fed(feed) = limits::held(every, hold).body else {
            return Err(TestCaseError::fail("no message in portions"));
        };
        prop_assert_eq!(feed.portions.iter().map(|portion| portion.pause).sum::<Duration>(), hold);
        let before: u64 = feed.portions.iter().map(|portion| portion.bytes).sum();
        prop_assert!(before < u64::from(feed.message) + 5);
    }
}

/// Lets these messages go to such a peer, and checks what arrives.
async fn arrive(feeds: &[Feed], manners: Manners) -> Result<(), TestCaseError> {
    let calls = feeds.iter().map(|feed| Call {
        body: Body::Fed(feed.clone()),
        ..limits::held(None, Duration::ZERO)
    });
    let pipe = manners.pipe;
    let (heard, peer) = talk(calls.collect(), HOUR, pipe, async |peer| {
        let mut initial = manners.initial.into_iter();
        peer.settings(initial.next().flatten()).await;
        let mut answered = vec![false; feeds.len()];
        while answered.contains(&false) {
            peer.quiet().await;
            if let Some(Some(new)) = initial.next() {
                peer.settings(Some(new)).await;
            }
            peer.grant(0, manners.grant).await;
            for (index, answered) in answered.iter_mut().enumerate() {
                match peer.body(index).ended {
                    true if *answered => {}
                    true => {
                        peer.answer(index).await;
                        *answered = true;
                    }
                    false => peer.grant(stream_of(index), manners.grant).await,
                }
            }
        }
    })
    .await;
    for (index, feed) in feeds.iter().enumerate() {
        let body = peer.body(index);
        prop_assert_eq!(content_of(&body.bytes), Some(feed.message as usize));
        prop_assert!(body.ended);
        let answer = &heard.answers[index];
        prop_assert!(answer.is_ok(), "{:?}", answer);
        let fed = answer.fed.expect("its message leaves in portions");
        let length = u64::from(feed.message) + 5;
        prop_assert_eq!(fed.sent, length);
        let (_, before_last) = feed.portions.split_last().expect("there is a portion");
        let outlived = before_last.iter().map(|portion| portion.bytes).sum::<u64>().min(length);
        prop_assert_eq!(fed.outlived, outlived);
        let pauses: Duration = feed.portions.iter().map(|portion| portion.pause).sum();
        let whole = Duration::from_millis(fed.whole_ms.expect("END_STREAM was sent"));
        prop_assert!(whole >= pauses, "{:?} of {:?}", whole, pauses);
        prop_assert!(fed.ended_ms >= fed.whole_ms);
    }
    Ok(())
}

/// The length of the message in these bytes; `None` where they aren't a prefix and a message of one unknown field.
fn content_of(bytes: &[u8]) -> Option<usize> {
    let (prefix, message) = bytes.split_first_chunk::<5>()?;
    let [0, l3, l2, l1, l0] = *prefix else { return None };
    let declared = u32::from_be_bytes([l3, l2, l1, l0]) as usize;
    let (key, rest) = varint(message)?;
    let (length, content) = varint(rest)?;
    let is_field = key >> 3 == 15 && key & 7 == 2 && length == content.len();
    let is_whole = declared == message.len() && content.iter().all(|octet| *octet == 0);
    (is_field && is_whole).then_some(declared)
}

/// A number as Protocol Buffers encodes it, and what follows.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    for (place, octet) in bytes.iter().enumerate().take(5) {
        number |= usize::from(octet & 0x7f) << (7 * place);
        if octet & 0x80 == 0 {
            return Some((number, &bytes[place + 1..]));
        }
    }
    None
}

/// What came of the only message, with times to half a second.
fn near(heard: &Http2) -> Fed {
    let near = |ms: u64| (ms + 250) / 500 * 500;
    let fed = heard.answers[0].fed.expect("its message leaves in portions");
    Fed {
        whole_ms: fed.whole_ms.map(near),
        ended_ms: fed.ended_ms.map(near),
        ..fed
    }
}

fn flight(calls: &[Call]) -> Flight<'_> {
    Flight {
        scheme: "https",
        authority: "gw.example",
        calls,
    }
}

fn patience(answer: Duration) -> Patience {
    Patience {
        settings_by: Instant::now() + HOUR,
        answer,
        quiet: HOUR,
    }
}

/// The client's side and the peer's, until the client has heard enough.
async fn talk(calls: Vec<Call>, answer: Duration, pipe: usize, script: impl AsyncFnOnce(&mut Peer)) -> (Http2, Peer) {
    talk_noted(calls, answer, pipe, |_| (), script).await
}

async fn talk_noted(
    calls: Vec<Call>,
    answer: Duration,
    pipe: usize,
    note: impl FnMut(&Http2),
    script: impl AsyncFnOnce(&mut Peer),
) -> (Http2, Peer) {
    let (mut client, server) = duplex(pipe);
    let (cx, _cancel) = Cx::new(2 * HOUR, 0);
    let mut peer = Peer::new(server, calls.len());
    let client = speak(&cx, &mut client, flight(&calls), patience(answer), note, || ());
    let server = async {
        script(&mut peer).await;
        std::future::pending::<()>().await;
    };
    let heard = tokio::select! {
        heard = client => heard,
        () = server => unreachable!("it never ends"),
    };
    (heard, peer)
}

/// A server that counts what it has allowed, and fails the test where the client takes more.
struct Peer {
    io: DuplexStream,
    started: Instant,
    input: Vec<u8>,
    preface: bool,
    data: Vec<Data>,
    bodies: Vec<Received>,
    window: i64,
    windows: Vec<i64>,
    initial: i64,
    /// Windows that shrink as soon as the client has acknowledged the SETTINGS, in the order of these.
    shrinks: Vec<i64>,
}

/// A DATA frame.
struct Data {
    at_ms: u64,
    length: usize,
}

/// What came of one message.
#[derive(Clone, Default)]
struct Received {
    bytes: Vec<u8>,
    ended: bool,
}

impl Peer {
    fn new(io: DuplexStream, calls: usize) -> Self {
        Self {
            io,
            started: Instant::now(),
            input: Vec::new(),
            preface: false,
            data: Vec::new(),
            bodies: vec![Received::default(); calls],
            window: WINDOW,
            windows: vec![WINDOW; calls],
            initial: WINDOW,
            shrinks: Vec::new(),
        }
    }

    fn body(&self, index: usize) -> &Received {
        &self.bodies[index]
    }

    async fn say(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let mut out = Vec::new();
        raw(kind, flags, stream, payload, &mut out);
        // The client may be gone.
        let _ = self.io.write_all(&out).await;
    }

    /// More counts from when it is said, less from when the client has acknowledged it.
    async fn settings(&mut self, initial: Option<u32>) {
        let mut payload = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
        payload.extend(initial.unwrap_or(0).to_be_bytes());
        let change = initial.map_or(0, |initial| i64::from(initial) - self.initial);
        self.initial += change;
        for window in &mut self.windows {
            *window += change.max(0);
        }
        self.shrinks.push(change.min(0));
        let length = if initial.is_some() { payload.len() } else { 0 };
        self.say(kind::SETTINGS, 0, 0, &payload[..length]).await;
    }

    async fn grant(&mut self, stream: u32, increment: u32) {
        match stream {
            0 => self.window += i64::from(increment),
            stream => self.windows[stream as usize / 2] += i64::from(increment),
        }
        self.say(kind::WINDOW_UPDATE, 0, stream, &increment.to_be_bytes()).await;
    }

    /// As a gateway answers HealthCheck.
    async fn answer(&mut self, index: usize) {
        let (mut head, mut trailers) = (Vec::new(), Vec::new());
        header::write(":status", "200", &mut head);
        header::write("content-type", "application/grpc", &mut head);
        header::write("grpc-status", "0", &mut trailers);
        let stream = stream_of(index);
        self.say(kind::HEADERS, frame::END_HEADERS, stream, &head).await;
        self.say(kind::HEADERS, frame::END_HEADERS | frame::END_STREAM, stream, &trailers)
            .await;
    }

    /// Takes in one frame; `None` where the client has closed.
    async fn listen(&mut self) -> Option<()> {
        loop {
            if !self.preface && self.input.len() >= PREFACE.len() {
                assert!(self.input.starts_with(PREFACE), "{:?}", self.input);
                self.input.drain(..PREFACE.len());
                self.preface = true;
            }
            if self.preface {
                let input = std::mem::take(&mut self.input);
                if let Ok((frame, rest)) = Frame::split(&input) {
                    self.take(&frame);
                    self.input = rest.to_vec();
                    return Some(());
                }
                self.input = input;
            }
            let count = self.io.read_buf(&mut self.input).await.unwrap_or(0);
            if count == 0 {
                return None;
            }
        }
    }

    fn take(&mut self, frame: &Frame<'_>) {
        match frame.kind {
            kind::SETTINGS if frame.has(frame::ACK) => {
                let shrink = self.shrinks.remove(0);
                for window in &mut self.windows {
                    *window += shrink;
                }
            }
            kind::DATA => {
                let index = frame.stream as usize / 2;
                let length = frame.payload.len();
                self.data.push(Data {
                    at_ms: self.started.elapsed().as_millis() as u64,
                    length,
                });
                let body = &mut self.bodies[index];
                assert!(!body.ended, "DATA behind END_STREAM");
                body.bytes.extend_from_slice(frame.payload);
                body.ended = frame.has(frame::END_STREAM);
                for window in [&mut self.window, &mut self.windows[index]] {
                    *window -= length as i64;
                    assert!(length == 0 || *window >= 0, "{} bytes more than allowed", -*window);
                }
            }
            _ => {}
        }
    }

    /// Listens until the client has been silent for longer than any pause.
    async fn quiet(&mut self) {
        let (cx, _cancel) = Cx::new(2 * HOUR, 0);
        while let Ok(Some(())) = cx.limit(Duration::from_secs(4), self.listen()).await {}
    }

    /// Does nothing for a while.
    async fn pause(&mut self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn close(&mut self) {
        let _ = self.io.shutdown().await;
    }
}

fn raw(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let frame = Frame {
        kind,
        flags,
        stream,
        payload,
    };
    frame.write(out);
}

/// A connection with something to read, after which nothing comes, and one fault.
struct Faulty {
    says: Vec<u8>,
    write: Fault,
    flush: Fault,
}

enum Fault {
    None,
    Fails,
    Hangs,
}

impl AsyncRead for Faulty {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.says.is_empty() {
            return Poll::Pending;
        }
        let count = self.says.len().min(buf.remaining());
        buf.put_slice(&self.says.drain(..count).collect::<Vec<u8>>());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write.poll().map_ok(|()| buf.len())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush.poll()
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Fault {
    fn poll(&self) -> Poll<io::Result<()>> {
        match self {
            Self::None => Poll::Ready(Ok(())),
            Self::Fails => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Self::Hangs => Poll::Pending,
        }
    }
}
