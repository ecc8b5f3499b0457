//! TCP: every address on its own, and the one that Go would use.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::cx::{Cx, Stop, millis};

/// How long Go's dialler waits for the first address family before it also tries the other (`net.Dialer.FallbackDelay`).
const FALLBACK_DELAY: Duration = Duration::from_millis(300);
/// How long the other addresses of a name may take once one of them works: one repeated SYN and a round trip.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// One attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Where to.
    pub addr: SocketAddr,
    /// What came of it.
    pub outcome: Result<(), TcpFailure>,
    /// Milliseconds from the start of the run to the start of the attempt.
    pub started_ms: u64,
    /// Milliseconds that it took.
    pub duration_ms: u64,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TcpFailure {
    /// RST in answer to SYN: nothing listens.
    Refused,
    /// No answer.
    TimedOut,
    /// No route, or an ICMP "unreachable".
    Unreachable {
        /// What is unreachable.
        what: Unreachable,
    },
    /// Reset in the middle of the handshake.
    Reset,
    /// The run ended first.
    Interrupted,
    /// Anything else, in the system's words.
    Other {
        /// The error's text.
        text: String,
    },
}

/// What an ICMP message, the routing table or a firewall says can't be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreachable {
    /// ENETUNREACH: no route.
    Network,
    /// EHOSTUNREACH.
    Host,
    /// EACCES or EPERM: forbidden on this machine.
    Forbidden,
    /// EADDRNOTAVAIL: no address of that family here, or port 0.
    AddressNotAvailable,
}

/// A connection that nothing was said on yet.
#[derive(Debug)]
pub struct Stream(pub(crate) TcpStream);

impl Stream {
    /// The address that it leads to.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer_addr().ok()
    }
}

/// Connects to one address.
pub async fn connect(cx: &Cx, addr: SocketAddr, limit: Duration) -> (Attempt, Option<Stream>) {
    attempt(cx, addr, limit, TcpStream::connect(addr)).await
}

/// Connects to one address, and has both sides send segments of at most `size` bytes (RFC 9293, section 3.7.1).
///
/// The size counts no IP or TCP header, but the options of TCP.
pub async fn connect_in_segments(cx: &Cx, addr: SocketAddr, size: u16, limit: Duration) -> (Attempt, Option<Stream>) {
    attempt(cx, addr, limit, in_segments(addr, size)).await
}

/// The size has to be known before the SYN, which tells it to the other side.
async fn in_segments(addr: SocketAddr, size: u16) -> io::Result<TcpStream> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    limit_segments(&socket, size)?;
    socket.connect(addr).await
}

#[cfg(unix)]
fn limit_segments(socket: &TcpSocket, size: u16) -> io::Result<()> {
    socket2::SockRef::from(socket).set_tcp_mss(size.into())
}

#[cfg(not(unix))]
fn limit_segments(_: &TcpSocket, _: u16) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

async fn attempt(
    cx: &Cx,
    addr: SocketAddr,
    limit: Duration,
    connecting: impl Future<Output = io::Result<TcpStream>>,
) -> (Attempt, Option<Stream>) {
    let started_ms = cx.now_ms();
    let connected = match cx.limit(limit, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(failure(&error)),
        Err(Stop::TimedOut) => Err(TcpFailure::TimedOut),
        Err(Stop::Interrupted) => Err(TcpFailure::Interrupted),
    };
    let (outcome, stream) = match connected {
        Ok(stream) => {
            // The first flight is one write; nothing is gained by waiting for more.
            let _ = stream.set_nodelay(true);
            (Ok(()), Some(Stream(stream)))
        }
        Err(failure) => (Err(failure), None),
    };
    let attempt = Attempt {
        addr,
        outcome,
        started_ms,
        duration_ms: cx.now_ms() - started_ms,
    };
    (attempt, stream)
}

/// Connects to all addresses side by side and sends on the connection that Go would use as soon as that is certain, `None` where all have failed.
///
/// Returns an attempt for each address, in their order. What hasn't connected [`STRAGGLERS`] after the start is given up
/// once another address was chosen, so that one dead address of a healthy name doesn't hold up the report.
pub async fn connect_all(
    cx: &Cx,
    addrs: &[SocketAddr],
    limit: Duration,
    chosen: oneshot::Sender<Option<Stream>>,
) -> Vec<Attempt> {
    let started = Instant::now();
    let mut slots: Vec<Slot> = addrs
        .iter()
        .map(|addr| Slot {
            addr: *addr,
            done: None,
            stream: None,
        })
        .collect();
    let mut chosen = Some(chosen);
    let mut running: FuturesUnordered<_> = addrs
        .iter()
        .enumerate()
        .map(async |(index, addr)| (index, connect(cx, *addr, limit).await))
        .collect();
    loop {
        if let Some(choice) = choose(&slots, started.elapsed())
            && let Some(chosen) = chosen.take()
        {
            let stream = choice.and_then(|index| slots.get_mut(index)?.stream.take());
            // Nobody may be waiting for it any more.
            let _ = chosen.send(stream);
        }
        let patience = match chosen {
            None => STRAGGLERS,
            Some(_) if started.elapsed() < FALLBACK_DELAY => FALLBACK_DELAY,
            // Each attempt ends by its own limit.
            Some(_) => limit * 2,
        };
        match cx.until(started + patience, running.next()).await {
            Ok(Some((index, (attempt, stream)))) => {
                if let Some(slot) = slots.get_mut(index) {
                    slot.done = Some(attempt);
                    slot.stream = stream;
                }
            }
            Err(Stop::TimedOut) if chosen.is_some() => {}
            Ok(None) | Err(Stop::TimedOut | Stop::Interrupted) => break,
        }
    }
    let given_up = |addr| Attempt {
        addr,
        outcome: Err(TcpFailure::TimedOut),
        started_ms: cx.now_ms().saturating_sub(millis(started.elapsed())),
        duration_ms: millis(started.elapsed()),
    };
    slots
        .into_iter()
        .map(|slot| slot.done.unwrap_or_else(|| given_up(slot.addr)))
        .collect()
}

struct Slot {
    addr: SocketAddr,
    done: Option<Attempt>,
    stream: Option<Stream>,
}

/// What Go's dialler does with the attempts so far (`net.Dialer.dialParallel`): the first family's addresses one after the other,
/// the other family's 300 ms later or when the first has none left. The outer `None` means that it still waits.
fn choose(slots: &[Slot], elapsed: Duration) -> Option<Option<usize>> {
    let first_is_v4 = slots.first().is_none_or(|slot| slot.addr.is_ipv4());
    let family = |v4: bool| {
        let mut members = slots
            .iter()
            .enumerate()
            .filter(move |(_, slot)| slot.addr.is_ipv4() == v4);
        let next = members.find(|(_, slot)| slot.done.as_ref().is_none_or(|attempt| attempt.outcome.is_ok()));
        match next {
            Some((index, slot)) if slot.done.is_some() => Family::Connected(index),
            Some(_) => Family::Waiting,
            None => Family::Failed,
        }
    };
    match (family(first_is_v4), family(!first_is_v4)) {
        (Family::Connected(index), _) => Some(Some(index)),
        (Family::Failed, Family::Connected(index)) => Some(Some(index)),
        (Family::Waiting, Family::Connected(index)) if elapsed >= FALLBACK_DELAY => Some(Some(index)),
        (Family::Failed, Family::Failed) => Some(None),
        (Family::Waiting, _) | (Family::Failed, Family::Waiting) => None,
    }
}

enum Family {
    Connected(usize),
    Waiting,
    Failed,
}

fn failure(error: &io::Error) -> TcpFailure {
    let unreachable = |what| TcpFailure::Unreachable { what };
    match error.kind() {
        io::ErrorKind::ConnectionRefused => TcpFailure::Refused,
        io::ErrorKind::ConnectionReset => TcpFailure::Reset,
        io::ErrorKind::TimedOut => TcpFailure::TimedOut,
        io::ErrorKind::NetworkUnreachable => unreachable(Unreachable::Network),
        io::ErrorKind::HostUnreachable => unreachable(Unreachable::Host),
        io::ErrorKind::PermissionDenied => unreachable(Unreachable::Forbidden),
        io::ErrorKind::AddrNotAvailable => unreachable(Unreachable::AddressNotAvailable),
        _ => TcpFailure::Other {
            text: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, Slot, TcpFailure, choose};
    use std::time::Duration;

    /// `o` connected, `x` failed, `.` not yet; upper case for IPv6.
    fn check(slots: &str, elapsed_ms: u64, expected: Option<Option<usize>>) {
        let slots: Vec<Slot> = slots.chars().map(slot).collect();
        assert_eq!(choose(&slots, Duration::from_millis(elapsed_ms)), expected);
    }

    fn slot(state: char) -> Slot {
        let v6 = matches!(state, 'O' | 'X' | ':');
        let addr = if v6 { "[::1]:1" } else { "127.0.0.1:1" }.parse().expect("an address");
        let outcome = match state {
            'o' | 'O' => Some(Ok(())),
            'x' | 'X' => Some(Err(TcpFailure::Refused)),
            _ => None,
        };
        let done = outcome.map(|outcome| Attempt {
            addr,
            outcome,
            started_ms: 0,
            duration_ms: 1,
        });
        Slot {
            addr,
            done,
            stream: None,
        }
    }

    #[test]
    fn the_first_family_goes_first_in_order() {
        check("o", 1, Some(Some(0)));
        check(".o", 1, None);
        check("xo", 1, Some(Some(1)));
        check(":o", 1, None);
        check("Oo", 1, Some(Some(0)));
    }

    #[test]
    fn the_other_family_gets_its_turn_after_300_ms_or_when_the_first_is_through() {
        check(":o", 299, None);
        check(":o", 300, Some(Some(1)));
        check("Xo", 1, Some(Some(1)));
        check("X.", 1, None);
    }

    #[test]
    fn all_failed_is_an_answer() {
        check("xX", 1, Some(None));
        check("", 0, Some(None));
    }
}
