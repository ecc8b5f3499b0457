//! Servers on loopback that hang, trickle or flood, each in one way.

#![expect(
    clippy::disallowed_types,
    reason = "these ports are what the program is tested against"
)]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// A port whose queue is full: the kernel drops every further SYN, as a firewall does.
pub(super) struct FullBacklog {
    address: SocketAddr,
    _listener: Socket,
    _queued: Vec<Socket>,
}

impl FullBacklog {
    pub(super) fn open() -> io::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // On every address, so that a name can have several of them.
        listener.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
        listener.listen(1)?;
        let bound = listener
            .local_addr()?
            .as_socket()
            .expect("an IPv4 socket has an IPv4 address");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, bound.port()));
        let mut queued = Vec::new();
        loop {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            // On loopback the queue takes a connection at once or not at all.
            match client.connect_timeout(&address.into(), FULL_AFTER) {
                Ok(()) => queued.push(client),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => break,
                Err(error) => return Err(error),
            }
            assert!(queued.len() < 64, "the queue of one takes 64 connections");
        }
        Ok(Self {
            address,
            _listener: listener,
            _queued: queued,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A server that answers whatever it is told with bytes that never end.
pub(super) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
}

#[derive(Clone, Copy)]
enum Pace {
    /// As fast as they are taken.
    Flood,
    /// One at a time.
    Trickle,
}

impl Server {
    /// Sends `start` once and `more` for ever.
    pub(super) fn flooding(start: &'static [u8], more: &'static [u8]) -> io::Result<Self> {
        Self::serve(start, more, Pace::Flood)
    }

    /// Sends `start` byte by byte, then the same byte for ever.
    pub(super) fn trickling(start: &'static [u8]) -> io::Result<Self> {
        Self::serve(start, b"a", Pace::Trickle)
    }

    fn serve(start: &'static [u8], more: &'static [u8], pace: Pace) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (connections, stopping) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        thread::spawn({
            let (connections, stopping) = (Arc::clone(&connections), Arc::clone(&stopping));
            move || {
                while let Ok((client, _)) = listener.accept()
                    && !stopping.load(Ordering::Relaxed)
                {
                    connections.fetch_add(1, Ordering::Relaxed);
                    // Ends when the client does, at the latest with the program that is tested.
                    thread::spawn(move || match pace {
                        Pace::Flood => flood(client, start, more),
                        Pace::Trickle => trickle(client, start, more),
                    });
                }
            }
        });
        Ok(Self {
            address,
            connections,
            stopping,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections came.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Connecting is what wakes `accept`; without that the thread is left to the end of the process.
        let _ = TcpStream::connect(self.address);
    }
}

fn flood(mut client: TcpStream, start: &[u8], more: &[u8]) -> io::Result<()> {
    // Not before it is spoken to, as a server.
    client.read_exact(&mut [0])?;
    client.write_all(start)?;
    let many = more.repeat(4_096 / more.len());
    loop {
        client.write_all(&many)?;
    }
}

fn trickle(mut client: TcpStream, start: &[u8], more: &[u8]) -> io::Result<()> {
    client.read_exact(&mut [0])?;
    client.set_read_timeout(Some(PACE))?;
    for byte in start.iter().chain(more.iter().cycle()) {
        client.write_all(&[*byte])?;
        // What the client says sets the pace where it says something, and the limit where it doesn't.
        match client.read(&mut [0; 512]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A SYN on loopback is answered in microseconds.
const FULL_AFTER: Duration = Duration::from_millis(300);
/// Between two bytes of a trickle.
const PACE: Duration = Duration::from_millis(20);
