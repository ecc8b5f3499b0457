//! A healthy stand-in over TLS: who gets in, and who is turned away how.

use hoop_doctor_standin::{Options, StandIn, Tls, TlsError, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{CONNECT, Connection, soon, tls};

async fn over_tls() -> (StandIn, String) {
    let (tls, ca) = Tls::generated(&["127.0.0.1"]);
    let standin = start(Options {
        tls: Some(tls),
        ..Options::default()
    })
    .await
    .unwrap();
    (standin, ca)
}

#[tokio::test]
async fn both_ports_are_secured_by_a_chain_that_leads_to_the_given_root() {
    let (standin, ca) = over_tls().await;
    let urls = standin.urls();
    assert!(
        urls.grpc.starts_with("grpcs://127.0.0.1:") && urls.api.starts_with("https://127.0.0.1:"),
        "{urls:?}"
    );
    assert_eq!(urls.ca_pem.as_ref(), Some(&ca));
    for addr in [standin.grpc_addr(), standin.rest_addr()] {
        let stream = tls(addr, Some(&ca), &["h2"]).await.unwrap();
        assert_eq!(
            stream.get_ref().1.peer_certificates().unwrap().len(),
            2,
            "leaf and intermediate"
        );
        assert!(tls(addr, None, &["h2"]).await.is_err(), "trusted without its root");
    }
}

#[tokio::test]
async fn a_call_over_tls_is_answered_as_in_plaintext() {
    let (standin, ca) = over_tls().await;
    let stream = tls(standin.grpc_addr(), Some(&ca), &["h2"]).await.unwrap();
    let connection = Connection::over(stream).await.unwrap();
    let answer = soon(connection.call(CONNECT, &[]).await.unwrap().answer())
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.message.as_str()),
        (Some(3), "missing client origin")
    );
}

#[tokio::test]
async fn the_grpc_port_agrees_on_h2_or_hangs_up() {
    let (standin, ca) = over_tls().await;
    for offer in [&[][..], &["http/1.1"]] {
        let mut stream = tls(standin.grpc_addr(), Some(&ca), offer).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), None);
        assert_eq!(
            soon(stream.read(&mut [0; 64])).await.unwrap(),
            0,
            "closed with a close_notify"
        );
    }
    let both = tls(standin.grpc_addr(), Some(&ca), &["http/1.1", "h2"]).await.unwrap();
    assert_eq!(both.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let refused = tls(standin.grpc_addr(), Some(&ca), &["bogus"]).await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
}

#[tokio::test]
async fn the_rest_port_speaks_http1_and_http2() {
    let (standin, ca) = over_tls().await;
    let h2 = tls(standin.rest_addr(), Some(&ca), &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(h2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let connection = Connection::over(h2).await.unwrap();
    let page = soon(connection.call(CONNECT, &[]).await.unwrap().answer())
        .await
        .unwrap();
    assert_eq!(
        (page.http, page.content_type.as_str(), page.status),
        (200, "text/html; charset=utf-8", None)
    );

    let mut h1 = tls(standin.rest_addr(), Some(&ca), &["http/1.1"]).await.unwrap();
    h1.write_all(b"GET /api/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    soon(h1.read_to_string(&mut answer)).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(r#"{"liveness":"OK"}"#),
        "{answer}"
    );
}

#[tokio::test]
async fn plaintext_on_a_port_of_tls_is_closed_without_a_byte_or_told_in_plaintext() {
    let (standin, _) = over_tls().await;
    let ask = async |addr, bytes: &[u8]| {
        let mut tcp = TcpStream::connect(addr).await.unwrap();
        tcp.write_all(bytes).await.unwrap();
        let mut answer = String::new();
        soon(tcp.read_to_string(&mut answer)).await.unwrap();
        answer
    };
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_eq!(ask(standin.grpc_addr(), preface).await, "");
    assert_eq!(ask(standin.rest_addr(), preface).await, "");
    let told = ask(standin.rest_addr(), b"GET /api/healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(
        told,
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    );
}

#[test]
fn what_is_no_certificate_or_no_key_is_refused_for_what_it_is() {
    let (certificate, key) = pem_pair();
    let (_, other_key) = pem_pair();
    assert!(Tls::from_pem(certificate.as_bytes(), key.as_bytes()).is_ok());
    assert!(matches!(
        Tls::from_pem(b"", key.as_bytes()),
        Err(TlsError::Certificate(_))
    ));
    assert!(matches!(
        Tls::from_pem(certificate.as_bytes(), b"x"),
        Err(TlsError::Key(_))
    ));
    assert!(matches!(
        Tls::from_pem(certificate.as_bytes(), other_key.as_bytes()),
        Err(TlsError::Refused(_))
    ));
}

fn pem_pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}
