//! Ports on loopback: reserved for a proxy, dead, silent, or speaking another protocol.

#![expect(
    clippy::disallowed_types,
    reason = "these ports are what the program is tested against"
)]

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use socket2::{Domain, Socket, Type};

/// A port that is bound but doesn't listen, so that connecting to it is refused.
///
/// On Linux a server that sets `SO_REUSEADDR`, as every proxy does, can listen on it all the same, while nobody
/// else is given it: not another test, not an outgoing connection. So there is no race between finding a free port
/// and using it.
pub(crate) struct Port {
    number: u16,
    _bound: Socket,
}

impl Port {
    pub(crate) fn reserve() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = socket
            .local_addr()?
            .as_socket()
            .expect("an IPv4 socket has an IPv4 address");
        Ok(Self {
            number: address.port(),
            _bound: socket,
        })
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

/// Completes every TCP handshake and never sends a byte: the kernel accepts, nobody else does.
pub(crate) struct SilentListener(TcpListener);

impl SilentListener {
    pub(crate) fn bind() -> io::Result<Self> {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(Self)
    }

    pub(crate) fn port(&self) -> u16 {
        port_of(&self.0)
    }
}

/// Sends the banner of an SSH server to whoever connects, then closes.
pub(crate) struct SshListener {
    port: u16,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SshListener {
    pub(crate) fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = port_of(&listener);
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let stopping = Arc::clone(&stopping);
            move || {
                while let Ok((mut client, _)) = listener.accept()
                    && !stopping.load(Ordering::Relaxed)
                {
                    // A client that has gone already is no concern of an SSH server.
                    let _ = client.write_all(SSH_BANNER);
                }
            }
        });
        Ok(Self {
            port,
            stopping,
            thread: Some(thread),
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for SshListener {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Connecting is what wakes `accept`; without that the thread is left to the end of the process.
        if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("a bound socket knows its address").port()
}

const SSH_BANNER: &[u8] = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";
