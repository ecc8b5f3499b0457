//! Servers that keep what they are sent, and servers that say it back.

#![expect(clippy::disallowed_types, reason = "these are the other side")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A port of loopback and everything that came to it, decrypted.
pub(super) struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
    /// Told at the end of each connection.
    ended: Arc<Condvar>,
}

#[derive(Default)]
struct Heard {
    connections: usize,
    ended: usize,
    bytes: Vec<u8>,
}

impl Server {
    /// Reads and says nothing; TLS where it has a certificate: files of chain and key.
    pub(super) fn recorder(certificate: Option<(&Path, &Path)>) -> io::Result<Self> {
        let config = certificate.map(|(chain, key)| tls(chain, key)).transpose()?;
        Self::start(move |mut tcp, _, heard| {
            let Some(config) = &config else {
                return keep(&mut tcp, heard);
            };
            let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            keep(&mut StreamOwned::new(session, tcp), heard)
        })
    }

    /// Hoop's API over HTTP/1.1, which says the credential back wherever an answer has room for it.
    pub(super) fn echoing_rest() -> io::Result<Self> {
        Self::start(|tcp, _, heard| {
            each_request(tcp, heard, |head| {
                let told = field(head, "authorization").unwrap_or_default();
                match path(head) {
                    "/api/healthz" => json("200 OK", "server: hoopgateway/1.148.0\r\n", r#"{"liveness":"OK"}"#),
                    "/api/userinfo" => json(
                        "200 OK",
                        &format!("server: {told}\r\nx-told: {told}\r\nlocation: /{told}\r\nvia: 1.1 {told}\r\n"),
                        &format!(r#"{{"id":"{told}","email":"person@example.test"}}"#),
                    ),
                    "/api/serverinfo" => json(
                        "200 OK",
                        "",
                        &format!(
                            r#"{{"version":"{told}","license":"{:40000}","grpc_url":"grpc://{told}:8010","title":"<title>{told}</title>"}}"#,
                            ""
                        ),
                    ),
                    _ => json("401 Unauthorized", "", r#"{"error":"missing HOOP_KEY header"}"#),
                }
            })
        })
    }

    /// Hoop's API, which sends whoever has a credential somewhere else.
    pub(super) fn redirecting_rest(to: SocketAddr) -> io::Result<Self> {
        Self::start(move |tcp, _, heard| {
            each_request(tcp, heard, |head| match path(head) {
                "/api/healthz" => json("200 OK", "", r#"{"liveness":"OK"}"#),
                _ => json("307 Temporary Redirect", &format!("location: http://{to}/\r\n"), ""),
            })
        })
    }

    /// Hoop's gRPC in plaintext, which says the credential back as well.
    pub(super) fn echoing_grpc() -> io::Result<Self> {
        Self::start(|tcp, _, heard| each_call(tcp, heard))
    }

    /// A forward proxy that leads the first connection to the real place and all others to an impostor.
    pub(super) fn astray(real: SocketAddr, impostor: SocketAddr) -> io::Result<Self> {
        Self::start(move |mut tcp, number, _| {
            read_head(&mut tcp)?;
            tcp.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            let behind = TcpStream::connect(if number == 0 { real } else { impostor })?;
            let (mut up, mut down) = (behind.try_clone()?, tcp.try_clone()?);
            let (mut behind, mut tcp) = (behind, tcp);
            thread::scope(|scope| {
                scope.spawn(move || {
                    let _ = io::copy(&mut tcp, &mut up);
                    let _ = up.shutdown(std::net::Shutdown::Write);
                });
                let _ = io::copy(&mut behind, &mut down);
                let _ = down.shutdown(std::net::Shutdown::Write);
            });
            Ok(())
        })
    }

    fn start(
        converse: impl Fn(TcpStream, usize, &Mutex<Heard>) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let heard = Arc::<Mutex<Heard>>::default();
        let ended = Arc::<Condvar>::default();
        let (keeper, converse, tell) = (Arc::clone(&heard), Arc::new(converse), Arc::clone(&ended));
        thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                let number = {
                    let mut heard = lock(&keeper);
                    heard.connections += 1;
                    heard.connections - 1
                };
                let (keeper, converse, tell) = (Arc::clone(&keeper), Arc::clone(&converse), Arc::clone(&tell));
                thread::spawn(move || {
                    // A client that goes away is the end of it.
                    let _ = tcp.set_read_timeout(Some(PATIENCE));
                    let _ = converse(tcp, number, &keeper);
                    lock(&keeper).ended += 1;
                    tell.notify_all();
                });
            }
        });
        Ok(Self { address, heard, ended })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn connections(&self) -> usize {
        self.settled().connections
    }

    /// Whether anybody came so far.
    pub(super) fn was_visited(&self) -> bool {
        lock(&self.heard).connections > 0
    }

    /// Whether this text was sent to it, by a client that is done.
    pub(super) fn was_told(&self, text: &str) -> bool {
        let heard = self.settled();
        heard.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

impl Server {
    /// Once each connection has been read to its end, however busy the machine is.
    fn settled(&self) -> std::sync::MutexGuard<'_, Heard> {
        let is_busy = |heard: &mut Heard| heard.connections == 0 || heard.ended < heard.connections;
        let waited = self.ended.wait_timeout_while(lock(&self.heard), PATIENCE, is_busy);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn lock(heard: &Mutex<Heard>) -> std::sync::MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tls(chain: &Path, key: &Path) -> io::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(chain).map_err(io::Error::other)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key);
    let mut config = config.map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Keeps what comes until the client goes; each piece is there before the client can notice that nobody answers.
fn keep(stream: &mut impl Read, heard: &Mutex<Heard>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        lock(heard).bytes.extend(&buffer[..count]);
    }
}

fn each_request(mut tcp: TcpStream, heard: &Mutex<Heard>, answer: impl Fn(&str) -> String) -> io::Result<()> {
    loop {
        let head = read_head(&mut tcp)?;
        lock(heard).bytes.extend(head.as_bytes());
        tcp.write_all(answer(&head).as_bytes())?;
    }
}

fn read_head(tcp: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tcp.read_exact(&mut byte)?;
        head.extend(byte);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn path(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn json(status: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{fields}\r\n{body}")
}

/// HTTP/2 by hand: our client's fields are literals, which can be read as they stand.
fn each_call(mut tcp: TcpStream, heard: &Mutex<Heard>) -> io::Result<()> {
    let mut preface = [0; 24];
    tcp.read_exact(&mut preface)?;
    tcp.write_all(&frame(SETTINGS, 0, [0; 4], &[]))?;
    loop {
        let mut head = [0; 9];
        tcp.read_exact(&mut head)?;
        let [l2, l1, l0, kind, _, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, l2, l1, l0]) as usize];
        tcp.read_exact(&mut payload)?;
        lock(heard).bytes.extend(&payload);
        if kind == HEADERS {
            tcp.write_all(&answer(stream, &String::from_utf8_lossy(&payload)))?;
        }
    }
}

fn answer(stream: [u8; 4], block: &str) -> Vec<u8> {
    let told = block.split_once("Bearer ").map(|(_, rest)| rest);
    let (code, message) = match told {
        Some(told) => ("16", format!("invalid authentication, {told}")),
        None if block.contains("origin") => ("16", "invalid authentication".to_owned()),
        None => ("3", "missing client origin".to_owned()),
    };
    // `:status: 200` of the static table.
    let mut fields = vec![0x88];
    let told = told.unwrap_or("nothing");
    let all = [
        ("content-type", "application/grpc"),
        ("grpc-status", code),
        ("grpc-message", &message),
        ("server", told),
        ("x-told", told),
        (told, "x"),
    ];
    for (name, value) in all {
        fields.push(0);
        for text in [name, value] {
            // One octet is enough for lengths up to 126.
            fields.push(u8::try_from(text.len()).unwrap_or_default());
            fields.extend(text.as_bytes());
        }
    }
    let mut bytes = frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields);
    if told != "nothing" {
        let debug = [&[0, 0, 0, 1, 0, 0, 0, 0], told.as_bytes()].concat();
        bytes.extend(frame(GOAWAY, 0, [0; 4], &debug));
    }
    bytes
}

fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let [_, l2, l1, l0] = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    [&[l2, l1, l0, kind, flags][..], &stream, payload].concat()
}

const HEADERS: u8 = 0x1;
const SETTINGS: u8 = 0x4;
const GOAWAY: u8 = 0x7;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
/// Longer than any client here waits.
const PATIENCE: Duration = Duration::from_secs(20);
