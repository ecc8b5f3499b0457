//! A healthy stand-in, call by call.

use std::net::SocketAddr;

use hoop_doctor_standin::{Options, StandIn, start};
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Answer, CONNECT, Connection, EMPTY, HEALTH_CHECK, PRE_CONNECT, Shape, soon};

async fn healthy() -> StandIn {
    start(Options::default()).await.unwrap()
}

/// The answer of a healthy gateway to a call that is left half open, as HTTP status, code and text.
async fn refusal(path: &str, headers: &[(&str, &str)]) -> (u16, u16, String) {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let call = connection.call(path, headers).await.unwrap();
    let answer = soon(call.answer()).await.unwrap();
    assert_eq!(answer.shape, Shape::TrailersOnly);
    assert_eq!(answer.content_type, "application/grpc");
    (answer.http, answer.status.unwrap(), answer.message)
}

#[tokio::test]
async fn a_plaintext_gateway_speaks_first_and_as_grpc_go_does() {
    let standin = healthy().await;
    let mut tcp = TcpStream::connect(standin.grpc_addr()).await.unwrap();
    let mut first = [0; 15];
    soon(tcp.read_exact(&mut first)).await.unwrap();
    assert_eq!(first, [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x40, 0]);
}

#[tokio::test]
async fn health_check_says_ok_in_headers_data_and_trailers() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let mut call = connection.call(HEALTH_CHECK, &[]).await.unwrap();
    call.data(EMPTY);
    let expected = Answer {
        http: 200,
        content_type: "application/grpc".into(),
        content_length: None,
        server: None,
        shape: Shape::Trailers,
        status: Some(0),
        message: String::new(),
        body: vec![0, 0, 0, 0, 4, 0x0a, 2, b'O', b'K'],
    };
    assert_eq!(soon(call.end().answer()).await.unwrap(), expected);
}

#[tokio::test]
async fn a_half_open_health_check_waits_for_its_message_byte_by_byte() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let mut held = connection.call(HEALTH_CHECK, &[]).await.unwrap();
    // Field 15, unknown to HealthCheck, with three bytes in it.
    let (last, first) = [0, 0, 0, 0, 5, 0x7a, 3, 1, 2, 3]
        .split_last()
        .map(|(last, first)| (*last, first.to_vec()))
        .unwrap();
    for byte in first {
        held.data(&[byte]);
        let other = connection.call(CONNECT, &[]).await.unwrap();
        assert_eq!(soon(other.answer()).await.unwrap().status, Some(3));
        assert!(held.is_unanswered());
    }
    held.data(&[last]);
    // It doesn't wait for the end of the stream, as grpc-go doesn't.
    assert_eq!(soon(held.answer()).await.unwrap().status, Some(0));
}

#[tokio::test]
async fn pre_connect_reads_its_message_before_it_refuses() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let mut call = connection.call(PRE_CONNECT, &[]).await.unwrap();
    assert_eq!(
        soon(connection.call(CONNECT, &[]).await.unwrap().answer())
            .await
            .unwrap()
            .status,
        Some(3)
    );
    assert!(call.is_unanswered());
    call.data(EMPTY);
    let answer = soon(call.end().answer()).await.unwrap();
    assert_eq!(
        (answer.shape, answer.status, answer.message.as_str()),
        (Shape::TrailersOnly, Some(16), "invalid authentication")
    );
}

#[tokio::test]
async fn pre_connect_with_a_credential_backs_off() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let mut call = connection
        .call(PRE_CONNECT, &[("authorization", "Bearer good")])
        .await
        .unwrap();
    call.data(EMPTY);
    let answer = soon(call.end().answer()).await.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (Some(0), b"\x00\x00\x00\x00\x09\x0a\x07BACKOFF".as_slice())
    );
}

#[tokio::test]
async fn connect_is_refused_at_once_though_the_request_is_half_open() {
    assert_eq!(refusal(CONNECT, &[]).await, (200, 3, "missing client origin".into()));
    let origin = ("origin", "agent");
    assert_eq!(
        refusal(CONNECT, &[origin]).await,
        (200, 16, "invalid authentication".into())
    );
    for wrong in ["Bearer nope", "bearer good", "Bearer  good", "Bearer good x"] {
        let headers = [origin, ("authorization", wrong)];
        assert_eq!(
            refusal(CONNECT, &headers).await,
            (200, 16, "invalid authentication".into()),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_declared_body_of_any_size_passes_a_gateway() {
    let headers = [("content-length", "17825792")];
    assert_eq!(
        refusal(CONNECT, &headers).await,
        (200, 3, "missing client origin".into())
    );
}

#[tokio::test]
async fn an_authorised_connect_echoes_every_packet() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let headers = [
        ("authorization", "Bearer good"),
        ("origin", "client"),
        ("verb", "connect"),
    ];
    let mut call = connection.call(CONNECT, &headers).await.unwrap();
    // Beyond every flow-control window, and in two packets.
    let large = [&[0, 0, 2, 0, 0][..], &[7; 0x2_0000]].concat();
    let small = [0, 0, 0, 0, 3, 1, 2, 3];
    call.data(&large);
    call.data(&small);
    let answer = soon(call.end().answer()).await.unwrap();
    assert_eq!(answer.status, Some(0));
    assert!(answer.body == [&large[..], &small[..]].concat());
}

#[tokio::test]
async fn an_authorised_connect_to_an_unknown_connection_is_not_found() {
    let headers = [
        ("authorization", "Bearer good"),
        ("origin", "client"),
        ("verb", "connect"),
        ("connection-name", "nowhere"),
    ];
    assert_eq!(
        refusal(CONNECT, &headers).await,
        (200, 5, "connection not found".into())
    );
}

#[tokio::test]
async fn an_authorised_connect_without_a_verb_takes_the_connection_down() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let call = connection
        .call(CONNECT, &[("authorization", "Bearer good"), ("origin", "client")])
        .await
        .unwrap();
    assert!(soon(call.answer()).await.is_err());
}

#[tokio::test]
async fn what_is_unknown_is_named_in_the_refusal() {
    let unimplemented = |text: &str| (200, 12, text.to_owned());
    let method = refusal("/protobuf.Transport/Nope", &[]).await;
    assert_eq!(
        method,
        unimplemented("unknown method Nope for service protobuf.Transport")
    );
    assert_eq!(
        refusal("/grpc.health.v1.Health/Check", &[]).await,
        unimplemented("unknown service grpc.health.v1.Health")
    );
    assert_eq!(refusal("/", &[]).await, unimplemented("malformed method name: \"/\""));
    let query = refusal("/protobuf.Transport/Connect?x=1", &[]).await;
    assert_eq!(
        query,
        unimplemented("unknown method Connect?x=1 for service protobuf.Transport")
    );
    let compressed = refusal(CONNECT, &[("grpc-encoding", "gzip")]).await;
    assert_eq!(
        compressed,
        unimplemented("grpc: Decompressor is not installed for grpc-encoding \"gzip\"")
    );
}

#[tokio::test]
async fn what_is_no_grpc_request_gets_another_http_status() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let ask = async |request: Request<()>| {
        let answer = soon(connection.request(request).await.unwrap().answer()).await.unwrap();
        assert_eq!(answer.shape, Shape::TrailersOnly);
        (answer.http, answer.status.unwrap(), answer.message)
    };
    let get = Request::get("http://gateway.test/").body(()).unwrap();
    assert_eq!(
        ask(get).await,
        (415, 3, "invalid gRPC request content-type \"\"".into())
    );
    let html = Request::post("http://gateway.test/")
        .header("content-type", "text/html")
        .body(())
        .unwrap();
    assert_eq!(
        ask(html).await,
        (415, 3, "invalid gRPC request content-type \"text/html\"".into())
    );
    let put = Request::put("http://gateway.test/")
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let text = "Received a HEADERS frame with :method \"PUT\" which should be POST";
    assert_eq!(ask(put).await, (405, 13, text.into()));
}

#[tokio::test]
async fn a_message_over_17_mib_is_refused_by_its_length_alone() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let mut call = connection.call(HEALTH_CHECK, &[]).await.unwrap();
    call.data(&[0, 1, 0x10, 0, 1]);
    let answer = soon(call.answer()).await.unwrap();
    let text = "grpc: received message larger than max (17825793 vs. 17825792)";
    assert_eq!(
        (answer.shape, answer.status, answer.message.as_str()),
        (Shape::TrailersOnly, Some(8), text)
    );
}

#[tokio::test]
async fn a_padded_health_check_of_17_mib_is_ok() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let mut call = connection.call(HEALTH_CHECK, &[]).await.unwrap();
    // 0x7a and a length of four bytes leave 17,825,792 - 5 for the padding.
    call.data(&[0, 1, 0x10, 0, 0, 0x7a, 0xfb, 0xff, 0xbf, 0x08]);
    call.data(&vec![0; 17_825_792 - 5]);
    assert_eq!(soon(call.end().answer()).await.unwrap().status, Some(0));
}

#[tokio::test]
async fn a_hundred_health_checks_can_be_held_on_one_connection() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        let mut call = connection.call(HEALTH_CHECK, &[]).await.unwrap();
        call.data(&EMPTY[..4]);
        held.push(call);
    }
    // By the time that this is answered, the others before it were read.
    let other = connection.call(CONNECT, &[]).await.unwrap();
    assert_eq!(soon(other.answer()).await.unwrap().status, Some(3));
    for mut call in held {
        assert!(call.is_unanswered());
        call.data(&EMPTY[4..]);
        assert_eq!(soon(call.answer()).await.unwrap().status, Some(0));
    }
}

#[tokio::test]
async fn messages_that_grpc_go_refuses_are_refused_in_its_words() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    let cases: [(&[u8], u16, &str); 5] = [
        (&[0, 0, 0], 2, "EOF"),
        (&[0, 0, 0, 0, 9, 1], 2, "unexpected EOF"),
        (
            &[1, 0, 0, 0, 1, 1],
            13,
            "grpc: compressed flag set with identity or empty encoding",
        ),
        (&[7, 0, 0, 0, 1, 1], 13, "grpc: received unexpected payload format 7"),
        (
            &[0, 0, 0, 0, 1, 0xff],
            13,
            "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data",
        ),
    ];
    for (bytes, code, text) in cases {
        let mut call = connection.call(HEALTH_CHECK, &[]).await.unwrap();
        call.data(bytes);
        let answer = soon(call.end().answer()).await.unwrap();
        assert_eq!((answer.status, answer.message.as_str()), (Some(code), text));
    }
}

#[tokio::test]
async fn data_is_answered_with_a_ping() {
    let standin = healthy().await;
    let mut tcp = TcpStream::connect(standin.grpc_addr()).await.unwrap();
    tcp.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    tcp.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    // HPACK: POST and http from the static table, the others as literals without an index.
    let mut block = vec![0x83, 0x86];
    for (name, value) in [
        (":path", HEALTH_CHECK),
        (":authority", "x"),
        ("content-type", "application/grpc"),
    ] {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    let length = u8::try_from(block.len()).unwrap();
    tcp.write_all(&[&[0, 0, length, 1, 4, 0, 0, 0, 1], &block[..]].concat())
        .await
        .unwrap();
    tcp.write_all(&[0, 0, 1, 0, 0, 0, 0, 0, 1, 0]).await.unwrap();
    let ping = soon(async {
        loop {
            let mut head = [0; 9];
            tcp.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; usize::from(head[2])];
            tcp.read_exact(&mut payload).await.unwrap();
            if head[3] == 6 {
                break head[4];
            }
        }
    });
    assert_eq!(ping.await, 0, "a PING that is no acknowledgement");
}

/// What the REST port sends back for these bytes, to its end.
async fn rest(addr: SocketAddr, request: &str) -> String {
    let mut tcp = TcpStream::connect(addr).await.unwrap();
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(tcp.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn the_rest_api_answers_as_documented() {
    let standin = healthy().await;
    let info = format!(
        r#""api_url":"http://{}","grpc_url":"grpc://{}","tenancy_type":"selfhosted""#,
        standin.rest_addr(),
        standin.grpc_addr()
    );
    let cases = [
        (
            "GET",
            "/api/healthz",
            "",
            200,
            "application/json",
            r#"{"liveness":"OK"}"#,
        ),
        (
            "GET",
            "/api/publicserverinfo",
            "",
            200,
            "application/json",
            r#"{"auth_method":"local","setup_required":false}"#,
        ),
        (
            "GET",
            "/api/ws",
            "",
            401,
            "application/json",
            r#"{"error":"missing HOOP_KEY header"}"#,
        ),
        (
            "GET",
            "/api/ws",
            "HOOP_KEY: x\r\n",
            401,
            "application/json",
            r#"{"error":"invalid authentication"}"#,
        ),
        (
            "GET",
            "/api/serverinfo",
            "",
            401,
            "application/json",
            r#"{"message":"access denied"}"#,
        ),
        (
            "GET",
            "/api/userinfo",
            "",
            401,
            "application/json",
            r#"{"message":"access denied"}"#,
        ),
        (
            "GET",
            "/api/userinfo",
            "Authorization: Bearer good\r\n",
            200,
            "application/json",
            "user@demo.test",
        ),
        (
            "GET",
            "/api/serverinfo",
            "Authorization: Bearer good\r\n",
            200,
            "application/json",
            &info,
        ),
        ("GET", "/api/nothing", "", 404, "text/plain", "404 page not found"),
        ("POST", "/api/healthz", "", 404, "text/plain", "404 page not found"),
        ("GET", "/", "", 200, "text/html", "<div id=\"app\">"),
        ("POST", CONNECT, "", 200, "text/html", "<div id=\"app\">"),
        ("OPTIONS", "/api/healthz", "", 204, "", ""),
    ];
    for (method, path, headers, status, content_type, body) in cases {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        let answer = rest(standin.rest_addr(), &request).await;
        let case = format!("{method} {path} {headers}: {answer}");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{case}");
        assert!(answer.contains("\r\nServer: hoopgateway/1.148.0\r\n"), "{case}");
        assert_eq!(
            answer.contains("\r\nContent-Type: "),
            !content_type.is_empty(),
            "{case}"
        );
        assert!(
            content_type.is_empty() || answer.contains(&format!("\r\nContent-Type: {content_type}")),
            "{case}"
        );
        assert!(answer.contains(body), "{case}");
    }
}

#[tokio::test]
async fn the_plaintext_rest_port_answers_an_http2_preface_in_http1() {
    let standin = healthy().await;
    let answer = rest(
        standin.rest_addr(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("text/html"),
        "{answer}"
    );
}

#[tokio::test]
async fn calls_are_counted_and_a_stopped_stand_in_is_gone() {
    let standin = healthy().await;
    let connection = Connection::plaintext(standin.grpc_addr()).await;
    for _ in 0..2 {
        soon(connection.call(CONNECT, &[]).await.unwrap().answer())
            .await
            .unwrap();
    }
    rest(
        standin.rest_addr(),
        "GET /api/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    let (grpc, api) = (standin.grpc_calls(), standin.rest_calls());
    assert_eq!(
        (grpc.connections, grpc.requests, api.connections, api.requests),
        (1, 2, 1, 1)
    );
    let addr = standin.grpc_addr();
    standin.stop().await;
    assert!(TcpStream::connect(addr).await.is_err());
    if let Ok(call) = connection.call(CONNECT, &[]).await {
        assert!(soon(call.answer()).await.is_err());
    }
}
