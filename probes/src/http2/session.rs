//! The conversation itself: one flight of requests, and listening until each is answered.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::feeding::Feeder;
use super::{Answer, Body, Call, ConnectionEnd, GoAway, Head, Http2, StreamEnd, connection_end};
use crate::cx::{Cx, Stop, millis};
use crate::wire::frame::{self, ErrorCode, Frame, NoFrame, kind};
use crate::wire::header::{self, Reader};
use crate::wire::opening::FirstBytes;
use crate::wire::page::Page;
use crate::wire::text::bounded;

/// How much of a stream's body a server may send: our SETTINGS_INITIAL_WINDOW_SIZE, in bytes.
const STREAM_WINDOW: u32 = 8 * 1024;
/// How much is read from one connection, in bytes.
const READ_LIMIT: usize = 64 * 1024;
/// How many of the server's first bytes are kept.
const FIRST_KEPT: usize = 1024;

/// When a conversation gives up, and when it says that something is slow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// When SETTINGS must have come.
    pub(crate) settings_by: Instant,
    /// How long answers are awaited after the first flight.
    pub(crate) answer: Duration,
    /// How long a silence makes the experiments start.
    pub(crate) quiet: Duration,
}

/// What leaves first: all requests of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight<'a> {
    /// `:scheme`.
    pub(crate) scheme: &'a str,
    /// `:authority`.
    pub(crate) authority: &'a str,
    /// The requests.
    pub(crate) calls: &'a [Call],
}

/// Makes all calls in one flight and listens until each is answered, the connection ends or patience runs out.
///
/// `note` gets the state after everything that is heard; `quiet` is called once, at the first silence with calls unanswered.
pub(crate) async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    cx: &Cx,
    io: &mut S,
    flight: Flight<'_>,
    patience: Patience,
    mut note: impl FnMut(&Http2),
    mut quiet: impl FnMut(),
) -> Http2 {
    let started = Instant::now();
    let mut session = Session {
        started,
        heard: Http2::new(flight.calls),
        feeder: Feeder::new(flight.calls, started),
        headers: Reader::default(),
        block: Vec::new(),
        bodies: vec![Vec::new(); flight.calls.len()],
        first: Vec::new(),
        input: Vec::new(),
        read: 0,
        out: flight.bytes(),
        unflushed: false,
    };
    let sent = session.out.get(frame::PREFACE.len()..).unwrap_or_default();
    session.heard.frames.sent(0, sent);
    let give_up = started + patience.answer;
    let mut quiet_at = Some(started + patience.quiet);
    let mut buffer = [0; 16 * 1024];
    while !session.is_over() {
        session.feed();
        let until = match session.heard.settings {
            Some(_) => give_up,
            None => patience.settings_by,
        };
        let wait = [quiet_at, session.feeder.due()]
            .into_iter()
            .flatten()
            .fold(until, Instant::min);
        // The deadline of the run comes before all of them: what isn't due by then never will be.
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at < until && at <= Instant::now());
        match cx.until(wait, session.turn(io, &mut buffer)).await {
            Ok(()) => quiet_at = quiet_at.map(|_| Instant::now() + patience.quiet),
            Err(Stop::TimedOut) if is_due(quiet_at) => {
                quiet_at = None;
                note(&session.heard);
                quiet();
                continue;
            }
            Err(Stop::TimedOut) if is_due(session.feeder.due()) => continue,
            Err(Stop::TimedOut | Stop::Interrupted) => break,
        }
        note(&session.heard);
    }
    if session.heard.settings.is_none() && session.heard.end == Some(ConnectionEnd::Malformed) {
        session.hear_out(cx, io, &mut buffer).await;
    }
    session.finish();
    let mut goaway = Vec::new();
    frame(kind::GOAWAY, 0, 0, &[0; 8]).write(&mut goaway);
    if session.heard.end.is_none() {
        session.heard.frames.sent(millis(started.elapsed()), &goaway);
    }
    note(&session.heard);
    // A polite end, so that the server's log shows no broken connection; nobody waits for it.
    let farewell = async {
        io.write_all(&goaway).await?;
        io.shutdown().await
    };
    let _ = cx.limit(Duration::from_millis(20), farewell).await;
    session.heard
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Frame<'_> {
    Frame {
        kind,
        flags,
        stream,
        payload,
    }
}

impl Flight<'_> {
    /// Preface, SETTINGS and the requests. A client may send them before it has seen the server's SETTINGS (RFC 9113, section 3.4).
    fn bytes(&self) -> Vec<u8> {
        let mut out = frame::PREFACE.to_vec();
        let [id1, id0] = frame::INITIAL_WINDOW_SIZE.to_be_bytes();
        // No window is ever opened further: it has room for the longest body that is wanted.
        let longest = self.calls.iter().map(|call| call.name.body_kept()).max();
        let window = longest
            .and_then(|longest| u32::try_from(longest).ok())
            .unwrap_or_default();
        let [v3, v2, v1, v0] = window.max(STREAM_WINDOW).to_be_bytes();
        frame(kind::SETTINGS, 0, 0, &[id1, id0, v3, v2, v1, v0]).write(&mut out);
        for (index, call) in self.calls.iter().enumerate() {
            let mut block = Vec::new();
            header::write(":method", call.method, &mut block);
            header::write(":scheme", self.scheme, &mut block);
            header::write(":path", &call.path, &mut block);
            header::write(":authority", self.authority, &mut block);
            for (name, value) in &call.fields {
                header::write(name, value, &mut block);
            }
            for number in 0..call.tokens.count {
                // Each with a name of its own: some servers join fields of one name before they measure them.
                header::write_token(&format!("hoop-doctor-{number}"), call.tokens.units, &mut block);
            }
            if let Some(bearer) = &call.bearer {
                header::write_secret("authorization", &bearer.field(), &mut block);
            }
            let stream = stream_of(index);
            let ends = match call.body {
                Body::None => frame::END_STREAM,
                Body::Whole(_) | Body::Open | Body::Begun(_) | Body::Fed(_) => 0,
            };
            frame(kind::HEADERS, frame::END_HEADERS | ends, stream, &block).write(&mut out);
            match &call.body {
                Body::Whole(body) => frame(kind::DATA, frame::END_STREAM, stream, body).write(&mut out),
                Body::Begun(body) => frame(kind::DATA, 0, stream, body).write(&mut out),
                Body::None | Body::Open | Body::Fed(_) => {}
            }
        }
        out
    }
}

/// Clients use the odd streams, in order.
pub(super) fn stream_of(index: usize) -> u32 {
    u32::try_from(index).map_or(u32::MAX, |index| index * 2 + 1)
}

/// The call whose stream it is; `None` for the connection.
fn index_of(stream: u32) -> Option<usize> {
    usize::try_from(stream.checked_sub(1)? / 2).ok()
}

struct Session {
    started: Instant,
    heard: Http2,
    feeder: Feeder,
    headers: Reader,
    /// The header block that CONTINUATION frames go on with.
    block: Vec<u8>,
    bodies: Vec<Vec<u8>>,
    first: Vec<u8>,
    input: Vec<u8>,
    read: usize,
    out: Vec<u8>,
    /// All of `out` is written, but a TLS stream may still hold the last record.
    unflushed: bool,
}

impl Session {
    /// Queues what is due of the messages that leave in portions. It is left out of the frames: it says nothing.
    fn feed(&mut self) {
        if self.out.is_empty() && !self.unflushed {
            let now = Instant::now();
            self.feeder.written(now);
            self.feeder.fill(now, self.started, &mut self.out, &mut self.heard);
        }
    }

    /// Sends what is due, or reads once.
    async fn turn<S: AsyncRead + AsyncWrite + Unpin>(&mut self, io: &mut S, buffer: &mut [u8]) {
        // Written in the same turn as the read that asked for it; a peer that reads nothing must not keep us from listening.
        let got = if self.out.is_empty() && !self.unflushed {
            io.read(buffer).await
        } else {
            let (mut reader, mut writer) = tokio::io::split(io);
            let Self { out, unflushed, .. } = self;
            // Dropped at any await, it has noted what it did.
            let writing = async {
                if !out.is_empty() {
                    match writer.write(out).await? {
                        0 => return Err(io::ErrorKind::WriteZero.into()),
                        count => drop(out.drain(..count)),
                    }
                    *unflushed = out.is_empty();
                }
                if *unflushed {
                    writer.flush().await?;
                    *unflushed = false;
                }
                Ok::<(), io::Error>(())
            };
            tokio::select! {
                biased;
                wrote = writing => {
                    if wrote.is_err() {
                        // What the server said before it closed can still be read.
                        self.out.clear();
                        self.unflushed = false;
                        self.feeder.stop_all();
                    }
                    return;
                }
                got = reader.read(buffer) => got,
            }
        };
        match got {
            Ok(0) => self.ended(ConnectionEnd::Closed),
            Ok(count) => {
                let new = buffer.get(..count).unwrap_or_default();
                self.heard_bytes(new);
            }
            Err(error) => self.ended(connection_end(&error)),
        }
    }

    /// Text instead of frames may come in several segments, and its body tells the most: waits a moment for the rest.
    async fn hear_out<S: AsyncRead + Unpin>(&mut self, cx: &Cx, io: &mut S, buffer: &mut [u8]) {
        let rest = async {
            while self.first.len() < FIRST_KEPT {
                match io.read(buffer).await {
                    Ok(count) if count > 0 => self.keep_first(buffer.get(..count).unwrap_or_default()),
                    Ok(_) | Err(_) => break,
                }
            }
        };
        // Whatever came by then is kept.
        let _ = cx.limit(Duration::from_millis(100), rest).await;
    }

    fn keep_first(&mut self, new: &[u8]) {
        let room = FIRST_KEPT - self.first.len();
        if room > 0 {
            self.first.extend(new.iter().take(room));
            self.heard.first = FirstBytes::read(&self.first);
        }
    }

    fn heard_bytes(&mut self, new: &[u8]) {
        self.keep_first(new);
        self.input.extend_from_slice(new);
        self.read += new.len();
        let input = std::mem::take(&mut self.input);
        let mut rest = input.as_slice();
        while self.heard.end.is_none() {
            match Frame::split(rest) {
                Ok((frame, after)) => {
                    rest = after;
                    self.heard_frame(&frame);
                }
                Err(NoFrame::NotYet) => break,
                Err(NoFrame::TooLarge { .. }) if self.heard.settings.is_some() => {
                    self.ended(ConnectionEnd::FrameTooLarge);
                }
                Err(NoFrame::TooLarge { .. }) => self.ended(ConnectionEnd::Malformed),
            }
        }
        self.input = rest.to_vec();
        if self.read > READ_LIMIT {
            self.ended(ConnectionEnd::TooMuch);
        }
    }

    fn heard_frame(&mut self, frame: &Frame<'_>) {
        self.heard.frames.received(millis(self.started.elapsed()), frame);
        if self.heard.settings.is_none() && frame.kind != kind::SETTINGS && frame.kind != kind::GOAWAY {
            return self.ended(ConnectionEnd::Malformed);
        }
        match frame.kind {
            kind::SETTINGS if !frame.has(frame::ACK) => {
                self.send(kind::SETTINGS, frame::ACK, &[]);
                self.feeder.settings(&frame.settings());
                if self.heard.settings.is_none() {
                    self.heard.settings = Some(frame.settings());
                    self.heard.settings_ms = Some(millis(self.started.elapsed()));
                }
            }
            kind::PING if !frame.has(frame::ACK) => {
                self.heard.pings += 1;
                self.send(kind::PING, frame::ACK, frame.payload);
            }
            kind::WINDOW_UPDATE => {
                self.feeder.granted(index_of(frame.stream), frame.number().unwrap_or(0));
                if frame.stream == 0 {
                    self.heard.window_update = self.heard.window_update.or(frame.number());
                }
            }
            kind::GOAWAY => self.heard_goaway(frame),
            kind::HEADERS => {
                self.block = frame.content().unwrap_or_default().to_vec();
                self.heard_block(frame);
            }
            kind::CONTINUATION => {
                self.block.extend_from_slice(frame.payload);
                self.heard_block(frame);
            }
            kind::DATA => self.heard_data(frame),
            kind::RST_STREAM => self.heard_reset(frame),
            _ => {}
        }
    }

    /// `frame` is the HEADERS or CONTINUATION frame whose bytes were just added to the block.
    fn heard_block(&mut self, frame: &Frame<'_>) {
        let ends = frame.kind == kind::HEADERS && frame.has(frame::END_STREAM);
        let after = millis(self.started.elapsed());
        if frame.has(frame::END_HEADERS) {
            let Ok(fields) = self.headers.read(&std::mem::take(&mut self.block)) else {
                return self.ended(ConnectionEnd::Malformed);
            };
            self.heard.frames.complete(&fields);
            let Some((answer, _)) = self.stream(frame.stream) else {
                return;
            };
            let head = Head::read(fields);
            // An interim response (RFC 9110, section 15.2) is not the answer.
            if (100..200).contains(&head.status) {
                return;
            }
            match answer.head {
                None => {
                    answer.head = Some(head);
                    answer.duration_ms = after;
                }
                Some(_) => answer.trailers = Some(head),
            }
        }
        if ends {
            self.end_stream(frame.stream, StreamEnd::Ended);
        }
    }

    fn heard_data(&mut self, frame: &Frame<'_>) {
        let Some((answer, body)) = self.stream(frame.stream) else {
            return;
        };
        let content = frame.content().unwrap_or_default();
        let room = answer.call.body_kept().saturating_sub(body.len());
        body.extend(content.iter().take(room));
        let enough = room <= content.len() && !answer.head.as_ref().is_some_and(Head::is_grpc);
        if frame.has(frame::END_STREAM) {
            self.end_stream(frame.stream, StreamEnd::Ended);
        } else if enough {
            self.end_stream(frame.stream, StreamEnd::Enough);
        }
    }

    fn heard_reset(&mut self, frame: &Frame<'_>) {
        let code = ErrorCode(frame.number().unwrap_or_default());
        let end = match self.stream(frame.stream) {
            Some((answer, _)) if answer.head.is_none() && code == ErrorCode::REFUSED_STREAM => StreamEnd::Refused,
            _ => StreamEnd::Reset { code },
        };
        self.end_stream(frame.stream, end);
    }

    fn heard_goaway(&mut self, frame: &Frame<'_>) {
        let Some((last_stream, code, debug)) = frame.goaway() else {
            return self.ended(ConnectionEnd::Malformed);
        };
        self.heard.goaway = Some(GoAway {
            last_stream,
            code,
            debug: bounded(debug, 200),
        });
        for index in 0..self.bodies.len() {
            if stream_of(index) > last_stream {
                self.end_stream(stream_of(index), StreamEnd::Refused);
            }
        }
    }

    fn stream(&mut self, stream: u32) -> Option<(&mut Answer, &mut Vec<u8>)> {
        let index = index_of(stream)?;
        let answer = self.heard.answers.get_mut(index)?;
        let body = self.bodies.get_mut(index)?;
        (!answer.is_finished()).then_some((answer, body))
    }

    fn end_stream(&mut self, stream: u32, end: StreamEnd) {
        let after = millis(self.started.elapsed());
        let Some((answer, body)) = self.stream(stream) else {
            return;
        };
        answer.end = end;
        match &answer.head {
            Some(head) => answer.page = Some(Page::read(head.field("content-type"), body)),
            None => answer.duration_ms = after,
        }
        if end != StreamEnd::Open
            && let Some(fed) = &mut answer.fed
        {
            fed.ended_ms = Some(after);
        }
        if let Some(index) = index_of(stream) {
            self.feeder.stop(index);
        }
    }

    fn ended(&mut self, end: ConnectionEnd) {
        self.heard.end.get_or_insert(end);
        self.heard.end_ms.get_or_insert(millis(self.started.elapsed()));
        self.end_all(StreamEnd::ConnectionEnded);
    }

    fn end_all(&mut self, end: StreamEnd) {
        for index in 0..self.bodies.len() {
            self.end_stream(stream_of(index), end);
        }
    }

    fn send(&mut self, kind: u8, flags: u8, payload: &[u8]) {
        let start = self.out.len();
        frame(kind, flags, 0, payload).write(&mut self.out);
        let sent = self.out.get(start..).unwrap_or_default();
        self.heard.frames.sent(millis(self.started.elapsed()), sent);
    }

    /// A conversation without calls lasts as long as patience does.
    fn is_over(&self) -> bool {
        let answers = &self.heard.answers;
        let answered = !answers.is_empty() && answers.iter().all(Answer::is_finished);
        self.heard.end.is_some() || (answered && self.heard.settings.is_some())
    }

    /// What is still open stays `Open`, with the time that it was given and the body as far as it came.
    fn finish(&mut self) {
        self.end_all(StreamEnd::Open);
    }
}
