//! One connection from its first byte to its last: the unit of every probe and of every experiment.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::auth::{Authenticated, Bearer, Withheld};
use crate::cx::{Cx, Stop, millis};
use crate::http2::{self, Answer, Call, CallName, ConnectionEnd, Flight, Http2, Patience};
use crate::rest::{self, Addressee, Http1, Relay};
use crate::tcp::Stream;
use crate::tls::{self, Offer, Tls, TlsFailure, Trust};
use crate::wire::hello::{self, Choice, NoReply, Reply};
use crate::wire::opening::FirstBytes;

/// How long a server may stay silent before [`Speech::Listen`] gives up: nothing but a gRPC or a banner port speaks first.
const LISTEN: Duration = Duration::from_millis(400);

/// Whom to talk to, once the connection stands.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The name that the certificate must have, and that goes into the hello.
    pub server_name: String,
    /// `:authority` or `Host`.
    pub authority: String,
    /// What the identity trusts.
    pub trust: Trust,
    /// The forward proxy that the requests go to, where it passes on requests rather than bytes.
    pub relay: Option<Relay>,
}

/// What to say, and inside what.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// What goes before all else.
    pub prelude: Prelude,
    /// TLS or not.
    pub security: Security,
    /// What to say.
    pub speech: Speech,
}

/// What goes before all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prelude {
    /// Nothing.
    None,
    /// A line of the PROXY protocol, version 1, with the connection's own addresses.
    ProxyLine,
}

/// TLS or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Cleartext.
    Plaintext,
    /// TLS with this offer.
    Tls(Offer),
}

/// What to say.
#[derive(Clone, Debug)]
pub enum Speech {
    /// HTTP/2, as grpc-go: in TLS only where ALPN chose `h2`.
    Http2(Vec<Call>),
    /// HTTP/2 whatever ALPN chose.
    Http2Anyway(Vec<Call>),
    /// HTTP/2 where ALPN chose it, else HTTP/1.1, as Go's net/http.
    ByAlpn(Vec<Call>),
    /// HTTP/1.1.
    Http1(Vec<Call>),
    /// What only a server may hear that is the right one; nothing where it isn't.
    Authenticated(Authenticated),
    /// Nothing: waits for the server to speak.
    Listen,
    /// The hello of an older TLS client, and nothing after it.
    OldHello,
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// When TLS and SETTINGS must be done.
    pub connect_by: Instant,
    /// How long answers are awaited.
    pub answer: Duration,
    /// After which silence [`Notebook::quiet`] is told.
    pub quiet: Duration,
}

/// What was heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Milliseconds from the start of the run to the start of the conversation, TCP being up.
    pub started_ms: u64,
    /// How long it lasted.
    pub duration_ms: u64,
    /// The handshake; `None` for plaintext.
    pub tls: Option<Result<Tls, TlsFailure>>,
    /// Milliseconds that the handshake took.
    pub tls_ms: Option<u64>,
    /// What was heard over HTTP/2; `None` where HTTP/2 was not spoken.
    pub http2: Option<Http2>,
    /// What was heard over HTTP/1.1; `None` where HTTP/1.1 was not spoken.
    pub http1: Option<Http1>,
    /// What came unasked; `None` unless we only listened.
    pub unasked: Option<Unasked>,
    /// What came of an older client's hello; `None` where none was sent.
    #[serde(default)]
    pub old_hello: Option<OldHello>,
    /// Why nothing was said that needs a credential; `None` where it was said or not wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
}

/// What a server says to the hello of an older TLS client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum OldHello {
    /// What it would choose.
    Chosen(Choice),
    /// A fatal alert.
    Alert {
        /// Its number.
        description: u8,
    },
    /// Neither.
    Nothing {
        /// How it ended the connection; `None` where it stayed silent.
        end: Option<ConnectionEnd>,
    },
}

/// What a server says unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unasked {
    /// Its first bytes.
    pub first: FirstBytes,
    /// How it ended the connection, if it did.
    pub end: Option<ConnectionEnd>,
}

impl Heard {
    /// All answers, over whatever the calls were made.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        let http2 = self.http2.iter().flat_map(|http2| &http2.answers);
        http2.chain(self.http1.iter().flat_map(|http1| &http1.answers))
    }

    /// The answer to a call.
    pub fn answer(&self, call: CallName) -> Option<&Answer> {
        self.answers().find(|answer| answer.call == call)
    }

    /// The finished handshake.
    pub fn handshake(&self) -> Option<&Tls> {
        self.tls.as_ref()?.as_ref().ok()
    }
}

/// Where a conversation writes what it hears while it goes on, so that nothing is lost when it is cut short.
#[derive(Debug, Default)]
pub struct Notebook {
    heard: Mutex<Heard>,
    quiet: tokio::sync::Notify,
    /// What was said in confidence, and is never written down.
    secret: OnceLock<Bearer>,
}

impl Notebook {
    /// What was heard so far.
    pub fn read(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the first silence with calls unanswered.
    pub async fn quiet(&self) {
        self.quiet.notified().await;
    }

    /// Runs `work`, and says so where it takes longer than `quiet`.
    async fn told<T>(&self, cx: &Cx, quiet: Duration, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        match cx.limit(quiet, &mut work).await {
            Ok(done) => done,
            Err(_) => {
                self.quiet.notify_one();
                work.await
            }
        }
    }

    fn write(&self, write: impl FnOnce(&mut Heard)) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        write(&mut heard);
        if let Some(secret) = self.secret.get() {
            heard.reduce(secret);
        }
    }
}

/// Talks to `peer` over `stream`; everything that is heard goes into `notes`.
pub async fn converse(
    cx: &Cx,
    peer: &Peer,
    conversation: &Conversation,
    stream: Stream,
    budget: Budget,
    notes: &Notebook,
) {
    let Stream(mut stream) = stream;
    let started = Instant::now();
    let started_ms = cx.now_ms();
    notes.write(|heard| heard.started_ms = started_ms);
    if conversation.prelude == Prelude::ProxyLine
        && let Some(line) = proxy_line(&stream)
    {
        // A peer that is gone already is noticed at the next step.
        let _ = cx.until(budget.connect_by, stream.write_all(line.as_bytes())).await;
    }
    if let Speech::Authenticated(said) = &conversation.speech {
        // Set once: a notebook is of one conversation.
        let _ = notes.secret.set(said.bearer().clone());
    }
    match conversation.security {
        Security::Plaintext => {
            let protocol = match &conversation.speech {
                Speech::Authenticated(said) => match said.withheld(None) {
                    Some(why) => {
                        notes.write(|heard| heard.withheld = Some(why));
                        Protocol::Nothing
                    }
                    None if said.is_grpc() => Protocol::Http2(said.calls()),
                    None => Protocol::Http1(said.calls()),
                },
                Speech::Http2(calls) | Speech::Http2Anyway(calls) => Protocol::Http2(calls),
                Speech::ByAlpn(calls) | Speech::Http1(calls) => Protocol::Http1(calls),
                Speech::Listen => Protocol::Listen,
                Speech::OldHello => Protocol::OldHello,
            };
            speak(cx, peer, "http", protocol, stream, budget, notes).await;
        }
        Security::Tls(offer) => over_tls(cx, peer, offer, &conversation.speech, stream, budget, notes).await,
    }
    notes.write(|heard| heard.duration_ms = millis(started.elapsed()));
}

/// `PROXY TCP4 source destination source-port destination-port` (the PROXY protocol's specification, section 2.1).
fn proxy_line(stream: &TcpStream) -> Option<String> {
    let (local, peer) = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
    let family = if peer.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (local.ip(), peer.ip());
    Some(format!(
        "PROXY {family} {from} {to} {} {}\r\n",
        local.port(),
        peer.port()
    ))
}

async fn over_tls(
    cx: &Cx,
    peer: &Peer,
    offer: Offer,
    speech: &Speech,
    stream: TcpStream,
    budget: Budget,
    notes: &Notebook,
) {
    let started = Instant::now();
    let shaking = notes.told(cx, budget.quiet, tls::handshake(stream, &peer.server_name, offer));
    let shaken = match cx.until(budget.connect_by, shaking).await {
        Ok(shaken) => shaken,
        Err(Stop::TimedOut) => Err(TlsFailure::TimedOut),
        Err(Stop::Interrupted) => Err(TlsFailure::Interrupted),
    };
    let tls_ms = Some(millis(started.elapsed()));
    let shaken = match shaken {
        Ok(shaken) => shaken,
        Err(failure) => {
            return notes.write(|heard| {
                heard.tls_ms = tls_ms;
                heard.tls = Some(Err(failure));
            });
        }
    };
    let h2 = shaken.alpn() == Some("h2");
    let protocol = match speech {
        Speech::Http2(calls) | Speech::ByAlpn(calls) if h2 => Protocol::Http2(calls),
        Speech::Http2Anyway(calls) => Protocol::Http2(calls),
        Speech::ByAlpn(calls) => Protocol::Http1(without_web_socket(calls)),
        Speech::Http1(calls) => Protocol::Http1(calls),
        Speech::Authenticated(said) if h2 => Protocol::Http2(said.calls()),
        Speech::Authenticated(said) if !said.is_grpc() => Protocol::Http1(said.calls()),
        Speech::Http2(_) | Speech::Authenticated(_) => Protocol::Nothing,
        Speech::Listen => Protocol::Listen,
        Speech::OldHello => Protocol::OldHello,
    };
    let (stream, seen) = shaken.into_parts();
    let judging = async {
        let roots = peer.trust.roots().await;
        let tls = seen.judged(&peer.server_name, roots, cx.unix_start());
        let withheld = match speech {
            Speech::Authenticated(said) => said.withheld(Some(&tls)),
            _ => None,
        };
        notes.write(|heard| {
            heard.tls_ms = tls_ms;
            heard.tls = Some(Ok(tls));
            heard.withheld = withheld;
        });
        withheld
    };
    if let Speech::Authenticated(_) = speech {
        if judging.await.is_none() {
            speak(cx, peer, "https", protocol, stream, budget, notes).await;
        }
        return;
    }
    // The chain is judged while the answers are on their way.
    tokio::join!(speak(cx, peer, "https", protocol, stream, budget, notes), judging);
}

/// One after the other behind a handshake, the call for the WebSocket would cost a fifth round trip.
fn without_web_socket(calls: &[Call]) -> &[Call] {
    match calls.split_last() {
        Some((last, others)) if last.name == CallName::WebSocket => others,
        _ => calls,
    }
}

/// What is really spoken, ALPN being known.
enum Protocol<'a> {
    Http2(&'a [Call]),
    Http1(&'a [Call]),
    Listen,
    OldHello,
    Nothing,
}

async fn speak<S>(
    cx: &Cx,
    peer: &Peer,
    scheme: &str,
    protocol: Protocol<'_>,
    mut io: S,
    budget: Budget,
    notes: &Notebook,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match protocol {
        Protocol::Http2(calls) => {
            let patience = Patience {
                settings_by: budget.connect_by,
                answer: budget.answer,
                quiet: budget.quiet,
            };
            let note = |http2: &Http2| notes.write(|heard| heard.http2 = Some(http2.clone()));
            let quiet = || notes.quiet.notify_one();
            let flight = Flight {
                scheme,
                authority: &peer.authority,
                calls,
            };
            http2::speak(cx, &mut io, flight, patience, note, quiet).await;
        }
        Protocol::Http1(calls) => {
            let addressee = Addressee {
                authority: &peer.authority,
                relay: peer.relay.as_ref(),
            };
            let asking = rest::ask(cx, io, addressee, calls, budget.answer);
            let http1 = notes.told(cx, budget.quiet, asking).await;
            notes.write(|heard| heard.http1 = Some(http1));
        }
        Protocol::Listen => {
            let unasked = listen(cx, &mut io).await;
            notes.write(|heard| heard.unasked = Some(unasked));
        }
        Protocol::OldHello => {
            let sni = tls::name_of(&peer.server_name).ok().and_then(|name| tls::sni(&name));
            let said = match cx.until(budget.connect_by, old_hello(sni.as_deref(), &mut io)).await {
                Ok(said) => said,
                Err(Stop::TimedOut | Stop::Interrupted) => OldHello::Nothing { end: None },
            };
            notes.write(|heard| heard.old_hello = Some(said));
        }
        Protocol::Nothing => {}
    }
}

async fn listen<S: AsyncRead + Unpin>(cx: &Cx, io: &mut S) -> Unasked {
    let mut buffer = [0; 1024];
    let (count, end) = match cx.limit(LISTEN, io.read(&mut buffer)).await {
        Ok(Ok(0)) => (0, Some(ConnectionEnd::Closed)),
        Ok(Ok(count)) => (count, None),
        Ok(Err(error)) => (0, Some(http2::connection_end(&error))),
        Err(Stop::TimedOut | Stop::Interrupted) => (0, None),
    };
    Unasked {
        first: FirstBytes::read(buffer.get(..count).unwrap_or_default()),
        end,
    }
}

async fn old_hello<S: AsyncRead + AsyncWrite + Unpin>(sni: Option<&str>, io: &mut S) -> OldHello {
    let ended = |end| OldHello::Nothing { end: Some(end) };
    if let Err(error) = io.write_all(&hello::write(sni)).await {
        return ended(http2::connection_end(&error));
    }
    let mut buffer = [0; 1024];
    let mut filled = 0;
    loop {
        match hello::read(buffer.get(..filled).unwrap_or_default()) {
            Ok(Reply::Chosen(choice)) => return OldHello::Chosen(choice),
            Ok(Reply::Alert { description }) => return OldHello::Alert { description },
            Err(NoReply::Malformed) => return ended(ConnectionEnd::Malformed),
            Err(NoReply::NotYet) if filled == buffer.len() => return ended(ConnectionEnd::TooMuch),
            Err(NoReply::NotYet) => {}
        }
        match io.read(buffer.get_mut(filled..).unwrap_or_default()).await {
            Ok(0) => return ended(ConnectionEnd::Closed),
            Ok(count) => filled += count,
            Err(error) => return ended(http2::connection_end(&error)),
        }
    }
}
