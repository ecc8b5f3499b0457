//! Every fault as a client meets it that does what it is told: dial the URL, trust the CA, call.
//!
//! One table says what each of them looks like. A row that mentions silence is given a moment, every other one all the time
//! that it needs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use h2::Reason;
use hoop_doctor_standin::{Fault, Options, StandIn, Urls, start};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto;
use rustls::pki_types::{ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use crate::client::{CONNECT, Connection, EMPTY, HEALTH_CHECK, PRE_CONNECT, Shape, roots, small_tls, soon, tls};

const HEALTHY_GRPC: &str = "HealthCheck 0 · PreConnect 16 invalid authentication · Connect 3 missing client origin · \
     ended 3 missing client origin · with origin 16 invalid authentication";
const HEALTHY_API: &str = r#"200 hoopgateway/1.148.0 {"liveness":"OK"}"#;

/// What the gRPC URL and the API's URL show.
fn symptoms(fault: Fault) -> (&'static str, &'static str) {
    let grpc = |grpc| (grpc, HEALTHY_API);
    let api = |api| (HEALTHY_GRPC, api);
    let both = |both| (both, both);
    match fault {
        Fault::TcpRefused => grpc("connection refused"),
        Fault::ClosedAtOnce => grpc("closed"),
        Fault::SilentAfterConnect => grpc("silence"),
        Fault::ProxyProtocolExpected => grpc("tls: closed"),
        Fault::PlaintextToTls => grpc("closed"),
        Fault::TlsToPlaintext => grpc("tls: received corrupt message of type InvalidContentType"),
        Fault::CertExpired => both("tls: invalid peer certificate: certificate expired"),
        Fault::CertNotYetValid => both("tls: invalid peer certificate: certificate not valid yet"),
        Fault::CertWrongName => both("tls: invalid peer certificate: certificate not valid for name \"127.0.0.1\""),
        Fault::CertUnknownIssuer
        | Fault::CertSelfSigned
        | Fault::CertChainIncomplete
        | Fault::CertWithoutNames
        | Fault::DefaultCertificate => both("tls: invalid peer certificate: UnknownIssuer"),
        Fault::TlsVersionUnsupported => grpc("tls: received fatal alert: ProtocolVersion"),
        Fault::TlsRefused => grpc("tls: received fatal alert: AccessDenied"),
        Fault::ClientCertRequired => grpc("http2: received fatal alert: CertificateRequired"),
        Fault::SniRefused => grpc("tls: received fatal alert: UnrecognisedName"),
        Fault::LargeHelloBlocked => grpc("tls: closed"),
        Fault::TlsClosed => grpc("tls: tls handshake eof"),
        Fault::Http2NotEnabled => grpc("tls: received fatal alert: NoApplicationProtocol"),
        Fault::AlpnMissing => grpc(
            "no ALPN · HealthCheck 0 · PreConnect 16 invalid authentication · Connect 3 missing client origin · \
             ended 3 missing client origin · with origin 16 invalid authentication",
        ),
        Fault::PlaintextHttp1Only => grpc("HTTP/1.1 400 Bad Request"),
        Fault::NotHttp => grpc("SSH-2.0-OpenSSH_9.6p1 Ub"),
        Fault::Goaway => grpc(
            "http2: connection error received: unexpected internal error encountered (b\"upstream pool exhausted\")",
        ),
        Fault::TooManyPings => {
            grpc("http2: connection error received: detected excessive load generating behavior (b\"too_many_pings\")")
        }
        Fault::FrameSizeError => {
            grpc("http2: connection error received: frame with invalid size (b\"frame too large\")")
        }
        Fault::Http2HandshakeFailed => grpc("http2: connection error detected: frame with invalid size"),
        Fault::ConnectionLost => grpc("http2: stream closed because of a broken pipe"),
        Fault::GatewayGrpcDown => ("connection refused", "400 hoopgateway/1.148.0 {\"liveness\":\"ERR\"}"),
        Fault::ApiNotFound => api("404 nginx/1.28.0 <head><title>404 Not Found</title></head>"),
        Fault::ApiRedirected => {
            api("302 nginx/1.28.0 https://login.demo.test/sign-in <head><title>302 Found</title></head>")
        }
        Fault::ApiUpstreamDown => api("502 nginx/1.28.0 <head><title>502 Bad Gateway</title></head>"),
        Fault::ApiAccessDenied => api("401 nginx/1.28.0 <head><title>401 Authorization Required</title></head>"),
        Fault::WebsocketBlocked => api("200 nginx/1.28.0 {\"liveness\":\"OK\"}"),
        Fault::ApiUrlIsGrpcPort => api("\0\0\u{6}\u{4}\0\0\0\0\0\0\u{5}\0\0@\0"),
        Fault::ApiTimeout => api("silence"),
        Fault::GrpcNotRouted => grpc(
            "HealthCheck 200 text/html; charset=utf-8 · PreConnect 200 text/html; charset=utf-8 · Connect silence · \
             ended 200 text/html; charset=utf-8 · with origin silence",
        ),
        Fault::GrpcUrlIsRestPort => grpc("HTTP/1.1 200 OK"),
        Fault::GrpcRoutesPartial => grpc(
            "HealthCheck 200 text/html; charset=utf-8 · PreConnect 200 text/html; charset=utf-8 · \
             Connect 3 missing client origin · ended 3 missing client origin · with origin 16 invalid authentication",
        ),
        Fault::GrpcUpstreamDown => grpc("every call 14 no healthy upstream"),
        Fault::GrpcBadGateway => grpc("every call 502 text/html"),
        Fault::TrailersMissing => grpc(
            "HealthCheck 200 application/grpc · PreConnect 16 invalid authentication · \
             Connect 3 missing client origin · ended 3 missing client origin · with origin 16 invalid authentication",
        ),
        Fault::GrpcOtherService => grpc("every call 12 unknown service protobuf.Transport"),
        Fault::IdentityProviderDown => grpc(
            "HealthCheck 0 · PreConnect 16 invalid authentication · \
             Connect 13 internal error, unable to initialize identity provider · \
             ended 13 internal error, unable to initialize identity provider · \
             with origin 13 internal error, unable to initialize identity provider",
        ),
        Fault::GrpcAccessDenied => grpc("every call 401 text/html"),
        Fault::RequestBuffered => grpc(
            "HealthCheck 0 · PreConnect 16 invalid authentication · Connect silence · \
             ended 3 missing client origin · with origin silence",
        ),
        Fault::StreamReset => grpc("every call stream error received: unexpected internal error encountered"),
        Fault::HealthMethodUnknown => grpc(
            "HealthCheck 12 unknown method HealthCheck for service protobuf.Transport · \
             PreConnect 16 invalid authentication · Connect 3 missing client origin · \
             ended 3 missing client origin · with origin 16 invalid authentication",
        ),
        Fault::GrpcTimeout => grpc("every call silence"),
        Fault::MetadataStripped => grpc(
            "HealthCheck 0 · PreConnect 16 invalid authentication · Connect 3 missing client origin · \
             ended 3 missing client origin · with origin 3 missing client origin",
        ),
        Fault::RateLimited => grpc(
            "HealthCheck 0 · PreConnect 429 text/html · Connect 3 missing client origin · ended 429 text/html · \
             with origin 16 invalid authentication",
        ),
        Fault::GrpcIntermittent => grpc(
            "HealthCheck 0 · PreConnect 502 text/html · Connect 3 missing client origin · ended 502 text/html · \
             with origin 16 invalid authentication",
        ),
        // What these do shows in another place, which has a test of its own below.
        Fault::CertExpiresSoon
        | Fault::FewStreams
        | Fault::ConnectionRecycled
        | Fault::StreamsRefused
        | Fault::ApiServerError
        | Fault::AuthorizationStripped
        | Fault::CredentialsRejected
        | Fault::BodyLimit
        | Fault::StreamLimit
        | Fault::HeaderLimit
        | Fault::MessageLimit
        | Fault::ResponseBuffered
        | Fault::AdvertisedUrlDiffers
        // And these in the tests of the port itself, which can turn the clock.
        | Fault::IdleTimeout
        | Fault::FlowForgotten
        | Fault::StreamLifetime => (HEALTHY_GRPC, HEALTHY_API),
    }
}

#[tokio::test]
async fn every_fault_looks_as_its_row_says() {
    let mut looks = JoinSet::new();
    for fault in Fault::ALL {
        looks.spawn(async move {
            let (grpc, api) = symptoms(fault);
            let standin = with(fault).await;
            let urls = standin.urls();
            let seen = tokio::join!(grpc_symptom(urls, grpc), api_symptom(urls, patience(api)));
            let differs = (seen.0.as_str(), seen.1.as_str()) != (grpc, api);
            differs.then(|| format!("{fault}\n  grpc {}\n  api  {}\n", seen.0, seen.1))
        });
    }
    let mut differing: Vec<String> = looks.join_all().await.into_iter().flatten().collect();
    differing.sort();
    assert!(differing.is_empty(), "look otherwise:\n{}", differing.concat());
}

async fn with(fault: Fault) -> StandIn {
    start(Options {
        fault: Some(fault),
        ..Options::default()
    })
    .await
    .unwrap()
}

fn patience(expected: &str) -> Duration {
    if expected.contains("silence") {
        Duration::from_secs(1)
    } else {
        Duration::from_secs(20)
    }
}

/// Where a URL leads, and whether over TLS.
fn target(url: &str) -> (SocketAddr, bool) {
    let (scheme, addr) = url.split_once("://").unwrap();
    (addr.parse().unwrap(), matches!(scheme, "grpcs" | "https"))
}

async fn grpc_symptom(urls: &Urls, expected: &str) -> String {
    let patience = patience(expected);
    let (addr, secure) = target(&urls.grpc);
    let look = async {
        if !secure {
            let first = first_line(addr).await.map_err(|error| reduced(&error))?;
            return match first {
                None => calls(Connection::plaintext(addr).await, patience).await,
                Some(line) => Err(line),
            };
        }
        let stream = secured(addr, urls, "h2").await?;
        let chosen = stream.get_ref().1.alpn_protocol().is_some();
        let connection = Connection::over(stream)
            .await
            .map_err(|error| format!("http2: {error}"))?;
        let calls = calls(connection, patience).await?;
        Ok(if chosen { calls } else { format!("no ALPN · {calls}") })
    };
    // Each of its calls has its own patience; only a port that is silent itself is not waited for.
    let whole = match expected {
        "silence" => patience,
        _ => Duration::from_secs(120),
    };
    match tokio::time::timeout(whole, look).await {
        Err(_) => "silence".into(),
        Ok(Ok(seen) | Err(seen)) => seen,
    }
}

async fn secured(addr: SocketAddr, urls: &Urls, alpn: &str) -> Result<TlsStream<TcpStream>, String> {
    tls(addr, urls.ca_pem.as_deref(), &[alpn])
        .await
        .map_err(|error| format!("tls: {}", reduced(&error)))
}

/// The first line of what an HTTP/2 preface gets; nothing where it gets the SETTINGS of grpc-go.
async fn first_line(addr: SocketAddr) -> io::Result<Option<String>> {
    let mut tcp = TcpStream::connect(addr).await?;
    tcp.write_all(PREFACE).await?;
    let mut first = [0; 24];
    let length = tcp.read(&mut first).await?;
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = String::from_utf8_lossy(&first[..length])
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    Ok(if first.starts_with(&[0, 0, 6, 4]) {
        None
    } else {
        Some(line)
    })
}

/// An error without what depends on the system or the clock.
fn reduced(error: &io::Error) -> String {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let text = error.to_string();
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset => "closed".into(),
        UnexpectedEof if error.get_ref().is_none() => "closed".into(),
        kind if error.raw_os_error().is_some() => kind.to_string(),
        _ => text
            .split(": verification time")
            .flat_map(|text| text.split("; "))
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

async fn calls(connection: Connection, patience: Duration) -> Result<String, String> {
    let mut names = Vec::new();
    let mut answers = Vec::new();
    for (name, path, headers) in [
        ("HealthCheck", HEALTH_CHECK, &[][..]),
        ("PreConnect", PRE_CONNECT, &[]),
        ("Connect", CONNECT, &[]),
        ("ended", CONNECT, &[]),
        ("with origin", CONNECT, &[("origin", "agent")]),
    ] {
        let answer = async {
            let mut call = connection.call(path, headers).await?;
            if path != CONNECT {
                call.data(EMPTY);
            }
            let half_open = matches!(name, "Connect" | "with origin");
            if half_open {
                call.answer().await
            } else {
                call.end().answer().await
            }
        };
        names.push(name);
        answers.push(match tokio::time::timeout(patience, answer).await {
            Err(_) => "silence".into(),
            Ok(Err(error)) if error.is_reset() => error.to_string(),
            Ok(Err(error)) => return Err(format!("http2: {error}")),
            Ok(Ok(answer)) => match answer.status {
                Some(status) => format!("{status} {}", answer.message).trim_end().to_owned(),
                None => format!("{} {}", answer.http, answer.content_type),
            },
        });
    }
    if answers.iter().all(|answer| *answer == answers[0]) {
        return Ok(format!("every call {}", answers[0]));
    }
    let each: Vec<String> = names
        .iter()
        .zip(&answers)
        .map(|(name, answer)| format!("{name} {answer}"))
        .collect();
    Ok(each.join(" · "))
}

async fn api_symptom(urls: &Urls, patience: Duration) -> String {
    match tokio::time::timeout(patience, get(urls, "/api/healthz")).await {
        Err(_) => "silence".into(),
        Ok(Ok(seen) | Err(seen)) => seen,
    }
}

async fn get(urls: &Urls, path: &str) -> Result<String, String> {
    get_with(urls, path, "").await
}

async fn get_with(urls: &Urls, path: &str, headers: &str) -> Result<String, String> {
    let (addr, secure) = target(&urls.api);
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    if secure {
        return get_over(secured(addr, urls, "http/1.1").await?, &request).await;
    }
    get_over(
        TcpStream::connect(addr).await.map_err(|error| reduced(&error))?,
        &request,
    )
    .await
}

/// Status, server, where a redirect leads, and the line of the body that tells most.
async fn get_over(mut io: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Result<String, String> {
    io.write_all(request.as_bytes())
        .await
        .map_err(|error| reduced(&error))?;
    let mut answer = Vec::new();
    // Whatever came before a reset is evidence too.
    let _ = io.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Err(text.into_owned());
    };
    let field = |name| head.lines().find_map(|line| line.strip_prefix(name));
    let line = body.lines().find(|line| line.contains("title") || line.contains('{'));
    let status = field("HTTP/1.1 ").and_then(|status| status.split(' ').next());
    let parts = [status, field("Server: "), field("Location: "), line];
    Ok(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// HTTP/2 to the gRPC port, as its URL says.
async fn to(standin: &StandIn) -> Connection {
    let (addr, secure) = target(&standin.urls().grpc);
    if !secure {
        return Connection::plaintext(addr).await;
    }
    Connection::over(secured(addr, standin.urls(), "h2").await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_body_limit_refuses_a_longer_body_as_soon_as_it_is_declared() {
    let standin = with(Fault::BodyLimit).await;
    let urls = standin.urls();
    let connection = Connection::over(secured(standin.grpc_addr(), urls, "h2").await.unwrap())
        .await
        .unwrap();
    for (declared, http) in [("1048576", 200), ("1048577", 413), ("17825792", 413)] {
        let call = connection.call(CONNECT, &[("content-length", declared)]).await.unwrap();
        assert_eq!(soon(call.answer()).await.unwrap().http, http, "{declared}");
    }
}

#[tokio::test]
async fn a_body_limit_counts_real_bytes_as_well() {
    let standin = with(Fault::BodyLimit).await;
    let urls = standin.urls();
    let connection = Connection::over(secured(standin.grpc_addr(), urls, "h2").await.unwrap())
        .await
        .unwrap();
    let mut page = connection.call(HEALTH_CHECK, &[]).await.unwrap();
    page.data(&[0, 0, 0x10, 0, 0]);
    page.data(&vec![0; 1 << 20]);
    assert_eq!(
        soon(page.answer()).await.unwrap().http,
        413,
        "before the response began"
    );

    let headers = [("authorization", "Bearer good"), ("origin", "agent")];
    let mut echo = connection.call(CONNECT, &headers).await.unwrap();
    for _ in 0..33 {
        echo.data(&[&[0, 0, 0, 0x80, 0][..], &[0; 0x8000]].concat());
    }
    let error = soon(echo.answer()).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR), "in the midst of it");
}

#[tokio::test]
async fn a_stream_limit_counts_real_bytes_alone() {
    let standin = with(Fault::StreamLimit).await;
    let connection = to(&standin).await;
    let declared = [("content-length", "17825792")];
    let refused = connection.call(CONNECT, &declared).await.unwrap();
    assert_eq!(soon(refused.answer()).await.unwrap().status, Some(3), "declared only");

    // Of a message of 2 MiB, so that one which got through is cut short by the client.
    let body = [&[0, 0, 0x20, 0, 0][..], &[0; 1 << 20]].concat();
    for (sent, end) in [
        (1 << 20, Ok(Some(2))),
        ((1 << 20) + 1, Err(Some(Reason::INTERNAL_ERROR))),
    ] {
        let mut call = connection.call(HEALTH_CHECK, &[]).await.unwrap();
        call.data(&body[..sent]);
        let answer = soon(call.end().answer()).await;
        let ended = answer.map(|answer| answer.status).map_err(|error| error.reason());
        assert_eq!(ended, end, "{sent}");
    }
}

#[tokio::test]
async fn a_header_limit_ends_the_whole_connection() {
    let standin = with(Fault::HeaderLimit).await;
    let connection = to(&standin).await;
    let held = connection.call(HEALTH_CHECK, &[]).await.unwrap();
    let value = "x".repeat(4096);
    // The name takes five bytes.
    let fits = connection.call(CONNECT, &[("token", &value[5..])]).await.unwrap();
    assert_eq!(soon(fits.answer()).await.unwrap().status, Some(3));
    let many = [("one", &value[5..]), ("two", &value[5..]), ("three", &value[5..])];
    let many = connection.call(CONNECT, &many).await.unwrap();
    assert_eq!(soon(many.answer()).await.unwrap().status, Some(3));

    let longer = connection.call(CONNECT, &[("token", &value[4..])]).await.unwrap();
    for call in [longer, held] {
        assert!(soon(call.answer()).await.is_err());
    }
    let error = soon(connection.end()).await.unwrap_err();
    assert!(error.is_go_away(), "{error}");
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn a_message_limit_refuses_by_the_length_alone() {
    let standin = with(Fault::MessageLimit).await;
    let connection = to(&standin).await;
    let mut longer = connection.call(HEALTH_CHECK, &[]).await.unwrap();
    longer.data(&[0, 0, 0x40, 0, 1]);
    let answer = soon(longer.answer()).await.unwrap();
    let text = "grpc: received message larger than max (4194305 vs. 4194304)";
    assert_eq!((answer.status, answer.message.as_str()), (Some(8), text));

    let mut fits = connection.call(HEALTH_CHECK, &[]).await.unwrap();
    // Field 15 with what four bytes of length leave of 4,194,304.
    fits.data(&[0, 0, 0x40, 0, 0, 0x7a, 0xfb, 0xff, 0xff, 0x01]);
    fits.data(&vec![0; 4_194_304 - 5]);
    assert_eq!(soon(fits.answer()).await.unwrap().status, Some(0));
}

#[tokio::test]
async fn a_collected_response_says_its_length_and_comes_with_its_end() {
    let standin = with(Fault::ResponseBuffered).await;
    let connection = to(&standin).await;
    let mut check = connection.call(HEALTH_CHECK, &[]).await.unwrap();
    check.data(EMPTY);
    let answer = soon(check.answer()).await.unwrap();
    assert_eq!((answer.shape, answer.status), (Shape::Trailers, Some(0)));
    assert_eq!((answer.content_length.as_deref(), answer.body.len()), (Some("9"), 9));

    let mut echo = connection.call(CONNECT, &AUTHORISED).await.unwrap();
    echo.data(EMPTY);
    let other = connection.call(CONNECT, &[]).await.unwrap();
    assert_eq!(soon(other.answer()).await.unwrap().status, Some(3));
    assert!(echo.is_unanswered());
    let answer = soon(echo.end().answer()).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (Some(0), EMPTY));
}

#[tokio::test]
async fn the_ninth_of_calls_that_are_held_is_refused_although_more_are_announced() {
    let standin = with(Fault::StreamsRefused).await;
    let connection = to(&standin).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(connection.call(HEALTH_CHECK, &[]).await.unwrap());
    }
    let refused = connection.call(CONNECT, &[]).await.unwrap();
    let error = soon(refused.answer()).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));

    for mut call in held {
        call.data(EMPTY);
        assert_eq!(soon(call.answer()).await.unwrap().status, Some(0));
    }
    let again = connection.call(CONNECT, &[]).await.unwrap();
    assert_eq!(soon(again.answer()).await.unwrap().status, Some(3));
}

#[tokio::test]
async fn streams_are_refused_although_the_settings_allow_128() {
    let standin = with(Fault::StreamsRefused).await;
    let mut stream = secured(standin.grpc_addr(), standin.urls(), "h2").await.unwrap();
    let mut first = [0; 15];
    soon(stream.read_exact(&mut first)).await.unwrap();
    assert_eq!(first[9..], [0, 3, 0, 0, 0, 128], "MAX_CONCURRENT_STREAMS comes first");
}

/// What a token is worth: over gRPC, then over REST.
async fn token(fault: Fault) -> (Option<u16>, String) {
    let standin = with(fault).await;
    let call = [&AUTHORISED[..], &[("connection-name", "nowhere")]].concat();
    let call = to(&standin).await.call(CONNECT, &call).await.unwrap();
    let status = soon(call.answer()).await.unwrap().status;
    let header = "Authorization: Bearer good
";
    let rest = soon(get_with(standin.urls(), "/api/userinfo", header)).await.unwrap();
    (status, rest[..3].to_owned())
}

#[tokio::test]
async fn a_token_is_worth_what_the_fault_says() {
    assert_eq!(token(Fault::MetadataStripped).await, (Some(3), "200".to_owned()));
    assert_eq!(token(Fault::AdvertisedUrlDiffers).await, (Some(5), "200".to_owned()));
    assert_eq!(token(Fault::AuthorizationStripped).await, (Some(16), "200".to_owned()));
    assert_eq!(token(Fault::CredentialsRejected).await, (Some(16), "401".to_owned()));
}

#[tokio::test]
async fn a_rejected_token_is_refused_in_the_words_of_the_gateway() {
    let standin = with(Fault::CredentialsRejected).await;
    let header = "Authorization: Bearer good
";
    for path in ["/api/userinfo", "/api/serverinfo"] {
        let answer = soon(get_with(standin.urls(), path, header)).await.unwrap();
        assert_eq!(answer, r#"401 hoopgateway/1.148.0 {"message":"access denied"}"#);
    }
    let connection = to(&standin).await;
    for path in [CONNECT, PRE_CONNECT] {
        let mut call = connection.call(path, &AUTHORISED).await.unwrap();
        call.data(EMPTY);
        let answer = soon(call.answer()).await.unwrap();
        assert_eq!(
            (answer.status, answer.message.as_str()),
            (Some(16), "invalid authentication")
        );
    }
}

#[tokio::test]
async fn another_url_than_the_true_one_is_advertised() {
    let standin = with(Fault::AdvertisedUrlDiffers).await;
    let header = "Authorization: Bearer good
";
    let info = soon(get_with(standin.urls(), "/api/serverinfo", header)).await.unwrap();
    let api = format!(r#""api_url":"{}""#, standin.urls().api);
    assert!(info.contains(&api), "{info}");
    assert!(
        info.contains(r#""grpc_url":"grpcs://other-gateway.demo.test:8443""#),
        "{info}"
    );
}

#[tokio::test]
async fn few_streams_are_announced_in_the_settings() {
    let standin = with(Fault::FewStreams).await;
    let mut stream = secured(standin.grpc_addr(), standin.urls(), "h2").await.unwrap();
    let mut first = [0; 27];
    soon(stream.read_exact(&mut first)).await.unwrap();
    assert_eq!(
        first[..15],
        [0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4],
        "MAX_CONCURRENT_STREAMS 4"
    );
}

#[tokio::test]
async fn a_header_with_an_underscore_is_dropped_on_the_way() {
    let standin = with(Fault::WebsocketBlocked).await;
    let answer = soon(get(standin.urls(), "/api/ws")).await.unwrap();
    assert!(answer.contains("missing HOOP_KEY header"), "{answer}");
}

#[tokio::test]
async fn an_unwell_database_shows_in_the_public_server_info() {
    let standin = with(Fault::ApiServerError).await;
    let info = soon(get(standin.urls(), "/api/publicserverinfo")).await.unwrap();
    assert!(
        info.starts_with("500 hoopgateway/1.148.0 {\"message\":\"failed to load server auth config"),
        "{info}"
    );
}

#[tokio::test]
async fn a_certificate_that_expires_soon_is_valid_for_a_week() {
    let standin = with(Fault::CertExpiresSoon).await;
    let urls = standin.urls();
    let stream = secured(standin.grpc_addr(), urls, "h2").await.unwrap();
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let roots = Arc::new(roots(urls.ca_pem.as_deref()));
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
        .build()
        .unwrap();
    let valid_in = |days: u64| {
        let then = SystemTime::now() + Duration::from_secs(86_400 * days);
        let then = UnixTime::since_unix_epoch(then.duration_since(SystemTime::UNIX_EPOCH).unwrap());
        let name = ServerName::from(standin.grpc_addr().ip());
        verifier
            .verify_server_cert(&chain[0], &chain[1..], &name, &[], then)
            .is_ok()
    };
    assert!(valid_in(6) && !valid_in(8));
}

#[tokio::test]
async fn a_proxy_line_in_front_opens_the_port_that_expects_it() {
    let standin = with(Fault::ProxyProtocolExpected).await;
    let mut tcp = TcpStream::connect(standin.grpc_addr()).await.unwrap();
    tcp.write_all(b"PROXY TCP4 127.0.0.1 127.0.0.1 50000 8010\r\n")
        .await
        .unwrap();
    works(small_tls(tcp, standin.urls().ca_pem.as_deref()).await.unwrap()).await;
}

#[tokio::test]
async fn a_small_hello_passes_where_a_large_one_is_blocked() {
    let standin = with(Fault::LargeHelloBlocked).await;
    let tcp = TcpStream::connect(standin.grpc_addr()).await.unwrap();
    works(small_tls(tcp, standin.urls().ca_pem.as_deref()).await.unwrap()).await;
}

#[tokio::test]
async fn http1_is_what_a_listener_without_http2_agrees_on() {
    let standin = with(Fault::Http2NotEnabled).await;
    let ca = standin.urls().ca_pem.as_deref();
    let both = tls(standin.grpc_addr(), ca, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(both.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut none = tls(standin.grpc_addr(), ca, &[]).await.unwrap();
    none.write_all(PREFACE).await.unwrap();
    let mut answer = [0; 12];
    soon(none.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
}

async fn works(stream: TlsStream<TcpStream>) {
    let connection = Connection::over(stream).await.unwrap();
    let answer = soon(connection.call(CONNECT, &[]).await.unwrap().answer())
        .await
        .unwrap();
    assert_eq!(answer.status, Some(3));
}

/// What an authorised client says.
const AUTHORISED: [(&str, &str); 3] = [
    ("authorization", "Bearer good"),
    ("origin", "client"),
    ("verb", "connect"),
];

/// A client's preface and its empty SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
