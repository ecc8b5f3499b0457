//! Every message that Hoop's agents and clients are known to print for a connection fault, bare and as loggers wrap it.

use hoop_doctor::logs::line::Line;
use hoop_doctor::logs::signs;

use super::codes;

/// A message, and the findings of which at least one has to be among the first two.
type Row = (&'static str, &'static [u16]);

/// What Go prints, in agents and in Hoop's client.
const GO: &[Row] = &[
    (
        "transport: Error while dialing: dial tcp 10.0.0.10:8010: connect: connection refused",
        &[201],
    ),
    (
        "transport: Error while dialing: dial tcp 10.0.0.10:0: connect: connection refused",
        &[5],
    ),
    (
        "transport: Error while dialing: dial tcp [2001:db8::1]:8010: connect: connection refused",
        &[201],
    ),
    (
        "transport: Error while dialing: dial tcp 10.0.0.10:8010: i/o timeout",
        &[202],
    ),
    (
        "transport: Error while dialing: dial tcp 10.0.0.10:8010: connect: no route to host",
        &[203],
    ),
    (
        "transport: Error while dialing: dial tcp 10.0.0.10:8010: connect: network is unreachable",
        &[203],
    ),
    (
        "transport: Error while dialing: dial tcp: lookup gw.example.com on 10.0.0.2:53: no such host",
        &[101],
    ),
    (
        "transport: Error while dialing: dial tcp: lookup gw.example.com: no such host",
        &[101],
    ),
    (
        "transport: Error while dialing: dial tcp: lookup gw.example.com on 10.0.0.2:53: server misbehaving",
        &[103],
    ),
    (
        "transport: Error while dialing: dial tcp: lookup gw.example.com on 10.0.0.2:53: read udp 10.0.1.5:4321->10.0.0.2:53: i/o timeout",
        &[104],
    ),
    (
        "transport: Error while dialing: dial tcp: address gw.example.com: missing port in address",
        &[5],
    ),
    (
        "transport: Error while dialing: dial tcp: address ::1:8443: too many colons in address",
        &[14],
    ),
    (
        "transport: Error while dialing: dial tcp: address 70000: invalid port",
        &[14],
    ),
    (
        "transport: Error while dialing: dial tcp: lookup tcp/8010/: unknown port",
        &[14],
    ),
    (
        "transport: authentication handshake failed: tls: first record does not look like a TLS handshake",
        &[302],
    ),
    ("transport: authentication handshake failed: EOF", &[318, 315]),
    (
        "transport: authentication handshake failed: read tcp 10.0.1.5:4321->10.0.0.10:443: read: connection reset by peer",
        &[318, 315],
    ),
    (
        "transport: authentication handshake failed: context deadline exceeded",
        &[212],
    ),
    ("error reading server preface: EOF", &[301]),
    (
        "error reading server preface: read tcp 10.0.1.5:4321->10.0.0.10:443: read: connection reset by peer",
        &[301],
    ),
    ("error reading server preface: connection reset by peer", &[301]),
    ("error reading server preface: unexpected EOF", &[301]),
    (
        "error reading server preface: http2: failed reading the frame payload: http2: frame too large, note that the frame header looked like an HTTP/1.1 header",
        &[403, 301],
    ),
    ("error reading server preface: http2: frame too large", &[404]),
    (
        "initial http2 frame from server is not a settings frame: *http2.WindowUpdateFrame",
        &[404],
    ),
    (
        "transport: authentication handshake failed: credentials: cannot check peer: missing selected ALPN property. If you upgraded from a grpc-go version earlier than 1.67, your TLS connections may have stopped working due to ALPN enforcement.",
        &[402],
    ),
    (
        "transport: authentication handshake failed: remote error: tls: no application protocol",
        &[401],
    ),
    (
        "transport: authentication handshake failed: tls: server selected unadvertised ALPN protocol",
        &[401],
    ),
    (
        "transport: authentication handshake failed: remote error: tls: protocol version not supported",
        &[310],
    ),
    (
        "transport: authentication handshake failed: remote error: tls: handshake failure",
        &[310],
    ),
    (
        "transport: authentication handshake failed: remote error: tls: unrecognized name",
        &[315],
    ),
    (
        "transport: authentication handshake failed: remote error: tls: internal error",
        &[315],
    ),
    (
        "transport: authentication handshake failed: remote error: tls: certificate required",
        &[312],
    ),
    (
        "transport: authentication handshake failed: remote error: tls: access denied",
        &[311],
    ),
    (
        "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate signed by unknown authority",
        &[306],
    ),
    (
        "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate is valid for a.example, not b.example",
        &[305],
    ),
    (
        "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match gw.example.com",
        &[309],
    ),
    (
        "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead",
        &[309],
    ),
    (
        "transport: authentication handshake failed: tls: failed to verify certificate: x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
        &[305],
    ),
    (
        "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-22T17:25:00Z is after 2026-11-19T00:00:00Z",
        &[303],
    ),
    (
        "transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-22T17:25:00Z is before 2026-11-25T00:00:00Z",
        &[304],
    ),
    (
        "unexpected HTTP status code received from server: 200 (OK); transport: received unexpected content-type \"text/html; charset=utf-8\"\ndata: \"<!DOCTYPE html><html>\"",
        &[601],
    ),
    (
        "unexpected HTTP status code received from server: 301 (Moved Permanently); transport: received unexpected content-type \"text/html\"",
        &[611],
    ),
    (
        "unexpected HTTP status code received from server: 302 (Found); malformed header: missing HTTP content-type",
        &[611],
    ),
    (
        "unexpected HTTP status code received from server: 400 (Bad Request); transport: received unexpected content-type \"text/html\"",
        &[312],
    ),
    (
        "unexpected HTTP status code received from server: 401 (Unauthorized); transport: received unexpected content-type \"text/html\"",
        &[611],
    ),
    (
        "unexpected HTTP status code received from server: 403 (Forbidden); transport: received unexpected content-type \"text/html\"",
        &[611],
    ),
    (
        "unexpected HTTP status code received from server: 404 (Not Found); transport: received unexpected content-type \"text/plain\"",
        &[601],
    ),
    (
        "unexpected HTTP status code received from server: 413 (Request Entity Too Large); transport: received unexpected content-type \"text/html\"",
        &[701],
    ),
    (
        "unexpected HTTP status code received from server: 429 (Too Many Requests); transport: received unexpected content-type \"text/html\"",
        &[620],
    ),
    (
        "unexpected HTTP status code received from server: 431 (Request Header Fields Too Large); transport: received unexpected content-type \"text/html\"",
        &[702],
    ),
    (
        "unexpected HTTP status code received from server: 464 (); malformed header: missing HTTP content-type",
        &[614],
    ),
    (
        "unexpected HTTP status code received from server: 500 (Internal Server Error); transport: received unexpected content-type \"text/html\"",
        &[604],
    ),
    (
        "unexpected HTTP status code received from server: 502 (Bad Gateway); transport: received unexpected content-type \"text/html\"",
        &[607, 606],
    ),
    (
        "unexpected HTTP status code received from server: 502 (Bad Gateway); malformed header: missing HTTP content-type",
        &[607, 606],
    ),
    (
        "unexpected HTTP status code received from server: 503 (Service Unavailable); transport: received unexpected content-type \"text/html\"",
        &[607, 606],
    ),
    (
        "unexpected HTTP status code received from server: 504 (Gateway Timeout); transport: received unexpected content-type \"text/html\"",
        &[607, 616],
    ),
    (
        "stream terminated by RST_STREAM with error code: INTERNAL_ERROR",
        &[613],
    ),
    (
        "stream terminated by RST_STREAM with error code: PROTOCOL_ERROR",
        &[613],
    ),
    (
        "stream terminated by RST_STREAM with error code: REFUSED_STREAM",
        &[613],
    ),
    ("stream terminated by RST_STREAM with error code: CANCEL", &[613]),
    (
        "stream terminated by RST_STREAM with error code: ENHANCE_YOUR_CALM",
        &[613],
    ),
    ("server closed the stream without sending trailers", &[608]),
    ("error reading from server: EOF", &[411]),
    (
        "error reading from server: read tcp 10.0.1.5:4321->10.0.0.10:443: read: connection reset by peer",
        &[411],
    ),
    ("the connection is draining", &[405, 410]),
    (
        "closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: NO_ERROR, debug data: \"\"",
        &[410],
    ),
    (
        "closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: ENHANCE_YOUR_CALM",
        &[702],
    ),
    (
        "closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: ENHANCE_YOUR_CALM, debug data: \"too_many_pings\"",
        &[406],
    ),
    (
        "closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: PROTOCOL_ERROR, debug data: \"bad\"",
        &[405],
    ),
    ("grpc: received message larger than max (18000000 vs. 17825792)", &[705]),
    (
        "grpc: received message larger than max (558124867 vs. 17825792)",
        &[608, 606],
    ),
    (
        "failed to do connect handshake, response: \"HTTP/1.1 403 Forbidden\\r\\nConnection: close\\r\\n\\r\\n\"",
        &[208],
    ),
    (
        "context deadline exceeded while waiting for connections to become ready",
        &[202, 212],
    ),
    ("context deadline exceeded", &[616, 612]),
    ("invalid authentication", &[618]),
    ("missing client origin", &[617]),
    ("internal error, unable to initialize identity provider", &[610]),
    ("unknown service protobuf.Transport", &[609]),
    ("agent already connected", &[619]),
    ("agent is offline", &[807]),
    ("RBAC: access denied", &[611]),
    ("no healthy upstream", &[606]),
    (
        "upstream connect error or disconnect/reset before headers. reset reason: protocol error",
        &[604],
    ),
    (
        "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
        &[605],
    ),
    (
        "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused",
        &[606],
    ),
];

/// What grpcio prints for Python, and others that build on gRPC's C core.
const GRPCIO: &[Row] = &[
    ("Trying to connect an http1.x server (HTTP status 400)", &[403, 301]),
    ("Expected SETTINGS frame as the first frame, got frame type 80", &[404]),
    ("Socket closed", &[301]),
    ("Connection reset by peer", &[204]),
    (
        "Ssl handshake failed: SSL_ERROR_SSL: error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
        &[302],
    ),
    (
        "error:10000460:SSL routines:OPENSSL_internal:TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
        &[401],
    ),
    ("Cannot check peer: missing selected ALPN property.", &[402]),
    ("handshake failed", &[401]),
    ("GOAWAY received; Error code: 1; Debug Text: timeout", &[405]),
    ("GOAWAY received; Error code: 11; Debug Text: too_many_pings", &[406]),
    ("Received http2 header with status: 404", &[601]),
    ("Received http2 header with status: 502", &[607]),
    ("Received http2 header with status: 464", &[614]),
    ("Stream removed (Data frame with END_STREAM flag received)", &[601]),
    ("recvmsg:Connection reset by peer", &[411]),
    ("Deadline Exceeded", &[616]),
    ("Stream removed (Deadline Exceeded)", &[616]),
];

/// What grpc-js prints for Node.js.
const GRPC_JS: &[Row] = &[
    ("Protocol error", &[403]),
    ("Failed to connect", &[301]),
    ("read ECONNRESET", &[204, 301]),
    ("SSL routines:ssl3_get_record:wrong version number", &[302]),
    ("tlsv1 alert no application protocol:SSL alert number 120", &[401]),
    ("bad extension", &[401]),
    ("Received HTTP status code 404", &[601]),
    ("Received HTTP status code 503", &[607]),
    ("Received message larger than max (558124867 vs 4194304)", &[601]),
    ("Received message larger than max (1752460652 vs 4194304)", &[601]),
    ("Received RST_STREAM with code 2", &[613]),
    ("Received RST_STREAM with code 2 (Internal server error)", &[613]),
    ("Received RST_STREAM with code 0", &[613]),
    ("Connection dropped", &[411]),
    (
        "Deadline exceeded after 5.002s,LB pick: 0.001s,remote_addr=10.0.0.10:443",
        &[616],
    ),
    ("Deadline exceeded after 5.002s,Waiting for LB pick", &[202, 212]),
];

/// What an agent or the client prints by itself, whole.
const HOOP: &[Row] = &[
    ("missing HOOP_KEY environment variable", &[1]),
    ("HOOP_KEY is in wrong format, reason=secret key not found in dsn", &[3]),
    (
        "HOOP_DSN (deprecated) is in wrong format, reason=parse \"grpcs://n:x y@gw:8443\": net/url: invalid userinfo",
        &[2],
    ),
    ("server address is in wrong format", &[5]),
    ("unable to locate configuration file", &[1]),
    (
        "failed to connect to gw.example.com:8443, reason=failed to append root CA into cert pool",
        &[16],
    ),
    (
        "failed refreshing HOOP_SPIFFE_KEY_FILE, using stale token: open /run/jwt: no such file or directory",
        &[19, 2],
    ),
    ("unauthenticated", &[618]),
    (
        "disconnected from gw.example.com:8443, reason=rpc error: code = Unauthenticated desc = invalid authentication",
        &[618],
    ),
    (
        "failed pre-connect, reason=rpc error: code = Unknown desc = unexpected HTTP status code received from server: 200 (OK); transport: received unexpected content-type \"text/html\"",
        &[603],
    ),
    (
        "failed fetching auth method, reason=Get \"https://gw.example.com/api/publicserverinfo\": EOF",
        &[505, 509],
    ),
    (
        "the api url config may be incorrect due to a failure when decoding response body",
        &[15],
    ),
    (
        "unable to obtain auth method from public server info endpoint due to failure on decoding the response body (text/html; charset=utf-8)",
        &[503],
    ),
    ("failed obtaining server info, status=502", &[505]),
    (
        "warn: hoop CLI version 1.70.0 differs from gateway version 1.74.0",
        &[904],
    ),
];

/// How a message reaches whoever pastes it: bare, and as gRPC, the agent and its log encodings wrap it.
fn wrappings(message: &str) -> Vec<(&'static str, String)> {
    let status = format!("rpc error: code = Unavailable desc = connection error: desc = \"{message}\"");
    let agent = format!(
        "failed to connect to gw.example.com:8443, reason=failed connecting to streaming RPC server, err={status}"
    );
    let lost = format!("disconnected from gw.example.com:8443, reason=rpc error: code = Internal desc = {message}");
    let json = |message: &str| {
        let fields = serde_json::json!({
            "level": "warn", "timestamp": "2026-11-22T17:25:00Z", "logger": "agent/main.go:181", "msg": message, "backoff": "4s",
        });
        fields.to_string()
    };
    vec![
        ("bare", message.to_owned()),
        ("status", status.clone()),
        (
            "status, one level",
            format!("rpc error: code = Unavailable desc = {message}"),
        ),
        ("agent", agent.clone()),
        ("lost", lost.clone()),
        ("json", json(&agent)),
        ("json of lost", json(&lost)),
        ("json in json", json(&json(&agent))),
        (
            "console",
            format!(
                "2026-11-22T17:25:00Z\twarn\tagent/main.go:181\t{agent}\t{{\"version\": \"1.74.0\", \"backoff\": \"4s\"}}"
            ),
        ),
        ("human", format!("\u{1b}[33m⚠️  {agent}\u{1b}[0m")),
        (
            "client as json",
            serde_json::json!({"status": "error", "message": status, "exit_code": 1}).to_string(),
        ),
        ("shouted and folded", agent.to_uppercase().replace(' ', "\n  ")),
    ]
}

#[track_caller]
fn check(what: &str, text: &str, (message, expected): &Row) {
    let codes = codes(text);
    let first_two = codes.get(..2).unwrap_or(&codes);
    assert!(
        expected.iter().any(|code| first_two.contains(code)),
        "{message:?} ({what}): expected one of {expected:?} first, got {codes:?}"
    );
}

#[test]
fn every_message_leads_to_its_finding_however_it_is_wrapped() {
    for row in [GO, GRPCIO, GRPC_JS].concat() {
        for (what, text) in wrappings(row.0) {
            check(what, &text, &row);
        }
    }
}

#[test]
fn what_hoop_itself_prints_leads_to_its_finding() {
    for row in HOOP {
        check("bare", row.0, row);
        check(
            "json",
            &serde_json::json!({"level": "error", "msg": row.0}).to_string(),
            row,
        );
        check(
            "console",
            &format!("2026-11-22T17:25:00Z\terror\tagent/main.go:99\t{}", row.0),
            row,
        );
    }
}

/// The agent's wrapping alone says nothing.
#[test]
fn a_wrapping_around_nothing_known_means_nothing() {
    for (what, text) in wrappings("the moon is full") {
        assert_eq!(codes(&text), [0; 0], "{what}: {text}");
    }
}

/// The codes of what a log line shows, each sign's likeliest before any one's second.
fn signs_of(text: &str) -> Vec<u16> {
    let signs = signs::of(&Line {
        at: None,
        text: text.to_owned(),
    });
    let most = signs.iter().map(|sign| sign.codes.len()).max().unwrap_or(0);
    let by_rank = (0..most).flat_map(|rank| signs.iter().filter_map(move |sign| sign.codes.get(rank).copied()));
    by_rank.collect()
}

#[track_caller]
fn check_sign(what: &str, text: &str, (message, expected): &Row) {
    let codes = signs_of(text);
    let first_two = codes.get(..2).unwrap_or(&codes);
    assert!(
        expected.iter().any(|code| first_two.contains(code)),
        "{message:?} ({what}) in a log: expected one of {expected:?} first, got {codes:?}"
    );
}

/// A few words alone are no sign, and no logger shouts.
#[test]
fn every_message_is_a_sign_in_every_encoding_of_a_log() {
    for row in [GO, GRPCIO, GRPC_JS].concat() {
        for (what, text) in wrappings(row.0) {
            if !["bare", "shouted and folded"].contains(&what) {
                check_sign(what, &text, &row);
            }
        }
    }
    for row in HOOP {
        check_sign("bare", row.0, row);
        check_sign(
            "json",
            &serde_json::json!({"level": "error", "msg": row.0}).to_string(),
            row,
        );
        let console = format!("2026-11-22T17:25:00Z\terror\tagent/main.go:99\t{}", row.0);
        check_sign("console", &console, row);
        check_sign("human", &format!("❌ {}", row.0), row);
        check_sign("verbose", &format!("[17:25:00.123] {} [agent/main.go:99]", row.0), row);
    }
}

#[test]
fn every_message_from_the_gateway_to_the_agent_is_a_sign_without_a_wrapper() {
    let spoken = GO.iter().filter(|row| !row.0.starts_with("context deadline exceeded"));
    for row in spoken {
        check_sign("bare", row.0, row);
    }
}

#[test]
fn a_wrapping_around_nothing_known_is_no_sign() {
    for (what, text) in wrappings("the moon is full") {
        assert_eq!(signs_of(&text), [0; 0], "{what}: {text}");
    }
}
