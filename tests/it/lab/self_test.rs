//! The lab is right: what it serves and what it breaks, looked at without the program that it tests.

#![expect(clippy::disallowed_types, reason = "the lab is looked at without the program")]

use std::env;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::certificates::GATEWAY;
use super::proxy::{Proxy, Serving, StartError};
use super::{Lab, configurations, say};

#[test]
fn every_proxy_serves_its_healthy_configuration() -> io::Result<()> {
    let lab = Lab::start()?;
    let direct = healthz(connect(lab.gateway().rest())?)?;
    assert!(direct.starts_with("HTTP/1.1 200"), "the gateway itself: {direct}");
    for proxy in Proxy::ALL {
        let Some(serving) = serve(&lab, proxy, &healthy_configuration(proxy)) else {
            continue;
        };
        let through = healthz(tls(&lab, serving.address())?)?;
        assert!(through.starts_with("HTTP/1.1 200"), "{}: {through}", proxy.name());
        assert_eq!(body(&through), body(&direct), "{}", proxy.name());
    }
    Ok(())
}

#[test]
fn a_proxy_ends_with_all_its_workers() -> io::Result<()> {
    let lab = Lab::start()?;
    for proxy in Proxy::ALL {
        let Some(serving) = serve(&lab, proxy, &healthy_configuration(proxy)) else {
            continue;
        };
        let address = serving.address();
        drop(serving);
        let end = TcpStream::connect(address).map_err(|error| error.kind());
        assert_eq!(end.err(), Some(ErrorKind::ConnectionRefused), "{}", proxy.name());
    }
    Ok(())
}

#[test]
fn a_proxy_that_cant_start_says_why() -> io::Result<()> {
    let lab = Lab::start()?;
    let configuration = lab.fresh_folder()?.join("broken");
    fs::write(&configuration, "no-such-directive @LISTEN@;\n")?;
    // Traefik starts without its routes, and goes on without them.
    for proxy in Proxy::ALL.into_iter().filter(|proxy| *proxy != Proxy::Traefik) {
        match Serving::start(&lab, proxy, &configuration) {
            Ok(_) => panic!("{} serves nonsense", proxy.name()),
            Err(StartError::NotInstalled(_)) if env::var_os("CI").is_none() => {}
            Err(error) => {
                let text = error.to_string();
                let complaint = match proxy {
                    Proxy::Nginx | Proxy::Haproxy | Proxy::Envoy => "no-such-directive",
                    Proxy::Apache => "AH00534",
                    Proxy::Nghttpx => "Bad configuration format",
                    // This one says no more.
                    Proxy::Caddy | Proxy::Traefik => "exit status: 1",
                };
                assert!(text.contains(complaint), "{text}");
            }
        }
    }
    Ok(())
}

#[test]
fn each_certificate_has_the_fault_that_it_is_named_for() -> io::Result<()> {
    let lab = Lab::start()?;
    let verifier = WebPkiServerVerifier::builder(Arc::new(roots(&lab)))
        .build()
        .expect("one root is enough to verify");
    let name = ServerName::try_from(GATEWAY).expect("the gateway's name is a DNS name");
    for (placeholder, file) in lab.certificates.placeholders() {
        let Some(leaf) = placeholder.strip_prefix("@CERT") else {
            continue;
        };
        let chain = certificates_in(&file);
        let (leaf_certificate, intermediates) = chain.split_first().expect("a chain isn't empty");
        let verdict = verifier
            .verify_server_cert(leaf_certificate, intermediates, &name, &[], UnixTime::now())
            .map(|_| ());
        let Err(rustls::Error::InvalidCertificate(fault)) = verdict else {
            assert_eq!((leaf, verdict), ("@", Ok(())));
            continue;
        };
        let as_named = match leaf {
            "_EXPIRED@" | "_EXPIRED_OTHER@" => matches!(fault, CertificateError::ExpiredContext { .. }),
            "_FUTURE@" => matches!(fault, CertificateError::NotValidYetContext { .. }),
            "_NOCHAIN@" | "_SELF@" | "_FAKE@" => fault == CertificateError::UnknownIssuer,
            "_OTHER@" | "_CNONLY@" => {
                matches!(fault, CertificateError::NotValidForNameContext { .. })
            }
            _ => false,
        };
        assert!(as_named, "{placeholder}: {fault:?}");
    }
    Ok(())
}

#[test]
fn the_other_ports_do_what_their_names_say() -> io::Result<()> {
    let lab = Lab::start()?;
    let dead = TcpStream::connect((Ipv4Addr::LOCALHOST, lab.dead.number()));
    assert_eq!(dead.err().map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));

    let mut silent = TcpStream::connect((Ipv4Addr::LOCALHOST, lab.silent.port()))?;
    silent.set_nonblocking(true)?;
    let nothing = silent.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(nothing, Err(ErrorKind::WouldBlock));

    let mut banner = String::new();
    connect((Ipv4Addr::LOCALHOST, lab.ssh.port()).into())?.read_to_string(&mut banner)?;
    assert!(banner.starts_with("SSH-2.0-"), "{banner}");
    Ok(())
}

/// The proxy with that configuration; `None`, said aloud, where it may be missing and is.
fn serve(lab: &Lab, proxy: Proxy, configuration: &Path) -> Option<Serving> {
    match Serving::start(lab, proxy, configuration) {
        Ok(serving) => Some(serving),
        Err(error @ StartError::NotInstalled(_)) if env::var_os("CI").is_none() => {
            say(&format!("not run: {error}"));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn healthy_configuration(proxy: Proxy) -> PathBuf {
    let name = match proxy {
        Proxy::Nginx => "ok-prefix",
        Proxy::Haproxy | Proxy::Envoy | Proxy::Caddy | Proxy::Apache | Proxy::Nghttpx | Proxy::Traefik => "ok",
    };
    let file = Path::new(proxy.name()).join(format!("{name}.{}", proxy.extension()));
    let shared = configurations().join(&file);
    if shared.exists() {
        shared
    } else {
        configurations().join("ours").join(file)
    }
}

/// The whole answer to one `GET /api/healthz`.
fn healthz(stream: impl Read + Write) -> io::Result<String> {
    get(stream, "/api/healthz")
}

/// The whole answer to one `GET`.
pub(super) fn get(mut stream: impl Read + Write, path: &str) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {GATEWAY}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // Some proxies end TCP without ending TLS first.
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error),
        Ok(_) | Err(_) => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The JSON object of an answer, whatever framing it came in.
fn body(answer: &str) -> Option<&str> {
    Some(&answer[answer.find('{')?..=answer.rfind('}')?])
}

/// A verified TLS connection that speaks HTTP/1.1.
pub(super) fn tls(lab: &Lab, address: SocketAddr) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots(lab))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(GATEWAY).expect("the gateway's name is a DNS name");
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, connect(address)?))
}

/// A connection on which no read waits for ever.
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    Ok(stream)
}

fn roots(lab: &Lab) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for root in certificates_in(lab.ca()) {
        roots.add(root).expect("the lab's root is a certificate");
    }
    roots
}

fn certificates_in(file: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

const ANSWER_LIMIT: Duration = Duration::from_secs(10);
