//! Lines as programs write them, and the findings that they lead to.

use proptest::prelude::{Strategy, any, prop, proptest};

use super::{FIELDS, anchors, named, of};
use crate::explain::PAGES;
use crate::explain::messages::{MESSAGES, Message, Weight};
use crate::logs::line::Line;

fn signs(text: &str) -> Vec<&'static Message> {
    of(&Line {
        at: None,
        text: text.to_owned(),
    })
}

/// The likeliest finding of the first sign comes first.
#[track_caller]
fn check(text: &str, expected: &[u16]) {
    let signs = signs(text);
    let codes = signs.first().map_or(&[][..], |sign| sign.codes);
    let start = codes.get(..expected.len()).unwrap_or(codes);
    assert_eq!(
        start,
        expected,
        "{text}\n{:?}",
        signs.iter().map(|sign| sign.sample).collect::<Vec<_>>()
    );
}

#[track_caller]
fn check_harmless(text: &str) {
    let samples: Vec<&str> = signs(text).iter().map(|sign| sign.sample).collect();
    assert_eq!(samples, [""; 0], "{text}");
}

#[test]
fn each_sample_of_a_field_is_that_sign() {
    for message in FIELDS {
        let found = signs(message.sample);
        let first = found.first().map(|sign| sign.sample);
        assert_eq!(first, Some(message.sample), "{:?}", message.patterns);
    }
}

#[test]
fn each_sample_of_a_message_is_that_sign() {
    for message in MESSAGES.iter().filter(|message| message.weight == Weight::Says) {
        let found = signs(message.sample);
        assert!(
            found.iter().any(|sign| sign.codes == message.codes),
            "{:?} shows {:?}",
            message.sample,
            found.iter().map(|sign| sign.sample).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_sign_is_named_by_its_sample_alone() {
    let all: Vec<&str> = MESSAGES.iter().chain(FIELDS).map(|message| message.sample).collect();
    for (at, sample) in all.iter().enumerate() {
        assert_eq!(named(sample).map(|message| message.sample), Some(*sample));
        assert!(!all[at + 1..].contains(sample), "{sample} is there twice");
    }
    assert!(named("no such sample").is_none());
}

#[test]
fn each_code_of_a_field_has_a_page_and_each_of_its_words_is_its_own() {
    let mut words: Vec<&str> = Vec::new();
    for message in FIELDS {
        for code in message.codes {
            assert!(
                PAGES.iter().any(|page| page.code.0 == *code),
                "{code} of {:?}",
                message.sample
            );
        }
        words.extend(message.patterns);
    }
    words.sort_unstable();
    let twice: Vec<_> = words.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// How a line reaches a file.
fn encodings(line: &str) -> [String; 6] {
    let json = serde_json::json!({ "level": "warn", "msg": line }).to_string();
    let docker = serde_json::json!({ "log": format!("{json}\n"), "stream": "stderr" }).to_string();
    // Go escapes what might be HTML.
    let escaped = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    [
        line.to_owned(),
        json,
        escaped,
        docker,
        format!("2026-11-22T17:25:00Z\twarn\tagent/main.go:181\t{line}\t{{\"backoff\": \"4s\"}}"),
        format!("\u{1b}[33m⚠️ {line}\u{1b}[0m"),
    ]
}

#[test]
fn no_sign_is_lost_by_looking_for_anchors_first() {
    let anchors: Vec<String> = anchors().map(str::to_ascii_lowercase).collect();
    let is_found = |line: &str| {
        let line = line.to_ascii_lowercase();
        anchors.iter().any(|anchor| line.contains(anchor))
    };
    for message in MESSAGES.iter().chain(FIELDS) {
        if signs(message.sample).is_empty() {
            continue;
        }
        for line in encodings(message.sample) {
            assert!(is_found(&line), "no anchor in {line}");
        }
    }
}

/// Every spelling has to be found, not only that of the sample.
#[test]
fn anchors_are_plain_and_not_too_short() {
    for anchor in anchors() {
        assert!(anchor.len() >= 3 && anchor.is_ascii(), "{anchor:?}");
        let is_plain = |char: char| !matches!(char, '"' | '<' | '>' | '&') && !char.is_ascii_control();
        assert!(anchor.chars().all(is_plain), "{anchor:?}");
    }
}

#[test]
fn what_the_agent_logs_is_a_sign_in_each_encoding() {
    let reason = "failed connecting to streaming RPC server, err=rpc error: code = Unavailable desc = connection error: \
                  desc = \"error reading server preface: EOF\"";
    for line in encodings(&format!("failed to connect to gw.example.com:8443, reason={reason}")) {
        check(&line, &[301, 204]);
    }
    for line in encodings(
        "disconnected from gw.example.com:8443, reason=rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: INTERNAL_ERROR",
    ) {
        check(&line, &[613]);
        assert!(
            signs(&line).iter().any(|sign| sign.patterns == ["hoop disconnected"]),
            "{line}"
        );
    }
    for line in encodings("disconnected from gw.example.com:8443, reason=EOF") {
        check(&line, &[]);
        assert_eq!(signs(&line).len(), 1, "{line}");
    }
    for line in [
        "{\"level\":\"info\",\"timestamp\":\"2026-11-22T17:25:00Z\",\"logger\":\"agent/main.go:170\",\"msg\":\"unauthenticated\",\"version\":\"1.74.0\",\"backoff\":\"4s\"}",
        "2026-11-22T17:25:00Z\tinfo\tagent/main.go:170\tunauthenticated\t{\"version\": \"1.74.0\", \"backoff\": \"4s\"}",
        "2026-11-22T17:25:00Z info agent/main.go:170 unauthenticated {\"version\": \"1.74.0\"}",
        "unauthenticated",
        "[17:25:00.123] unauthenticated [agent/main.go:170]",
    ] {
        check(line, &[618, 617]);
    }
}

#[test]
fn a_connection_that_is_up_is_seen_in_each_encoding() {
    for line in [
        "{\"level\":\"info\",\"logger\":\"controller/agent.go:80\",\"msg\":\"connected with success to gw.example.com:8443\"}",
        "2026-11-22T17:25:00Z\tinfo\tcontroller/agent.go:80\tconnected with success to gw.example.com:8443",
        "✅ Connection established",
        "✅ Connected to gw.example.com:8443",
        "[17:25:00.123] Connected successfully [controller/agent.go:80]",
    ] {
        let found = signs(line);
        assert_eq!(
            found.iter().map(|sign| sign.patterns).collect::<Vec<_>>(),
            [["hoop connected"]],
            "{line}"
        );
    }
}

#[test]
fn what_grpc_logs_of_itself_is_read_inside_its_wrapper() {
    check(
        "2026-11-22T17:25:00Z\twarn\tcomponent/component.go:41\t[core] [Channel #1 SubChannel #2]grpc: addrConn.createTransport failed to connect to {Addr: \"gw.example.com:8443\", ServerName: \"gw.example.com:8443\", }. Err: connection error: desc = \"transport: Error while dialing: dial tcp 10.0.0.10:8443: connect: connection refused\"",
        &[201],
    );
    check(
        "{\"level\":\"info\",\"logger\":\"component/component.go:31\",\"msg\":\"[transport] [client-transport 0xc0002f8008] Closing: connection error: desc = \\\"error reading from server: EOF\\\"\"}",
        &[411],
    );
    check(
        "INFO: [transport] [client-transport 0xc0002f8008] Closing: connection error: desc = \"error reading server preface: http2: frame too large\"",
        &[404],
    );
}

#[test]
fn what_the_gateway_logs_tells_who_calls_it_wrongly() {
    let serve = "[core] [Server #1]grpc: Server.Serve failed to create ServerTransport: connection error: desc = \"transport: http2Server.HandleStreams";
    check(
        &format!("{serve} received bogus greeting from client: \\\"\\\\x16\\\\x03\\\\x01\\\\x02\\\\x00\\\\x01\\\"\""),
        &[302, 605],
    );
    check(
        &format!("{serve} received bogus greeting from client: \\\"GET / HTTP/1.1\\\\r\\\\nHost: 10\\\"\""),
        &[604, 507, 803],
    );
    check(
        &format!("{serve} received bogus greeting from client: \\\"PROXY TCP4 10.0.1.5 10.\\\"\""),
        &[604, 213],
    );
    check(
        "[core] [Server #1]grpc: Server.Serve failed to complete security handshake from \"10.0.0.9:41234\": tls: first record does not look like a TLS handshake",
        &[301, 605],
    );
    check_harmless(&format!("{serve} failed to receive the preface from client: EOF\""));
}

#[test]
fn an_error_log_of_nginx_is_read_by_what_was_asked_for() {
    let line = |message: &str, request: &str, upstream: &str| {
        format!(
            "2026/11/22 17:25:00 [error] 7#7: *1 {message}, client: 10.0.1.5, server: gateway.example.com, request: \"{request}\", upstream: \"{upstream}\", host: \"gateway.example.com\""
        )
    };
    let call = "POST /protobuf.Transport/Connect HTTP/2.0";
    let refused = "connect() failed (111: Connection refused) while connecting to upstream";
    for (message, codes) in [
        (refused, &[606][..]),
        (
            "upstream timed out (110: Connection timed out) while connecting to upstream",
            &[606],
        ),
        (
            "upstream timed out (110: Connection timed out) while reading upstream",
            &[703],
        ),
        (
            "upstream timed out (110: Connection timed out) while reading response header from upstream",
            &[606, 616],
        ),
        ("no live upstreams while connecting to upstream", &[606]),
        (
            "upstream sent too large http2 frame: 4740180 while reading response header from upstream",
            &[604],
        ),
        (
            "upstream sent no valid HTTP/1.0 header while reading response header from upstream",
            &[604],
        ),
        (
            "upstream prematurely closed connection while reading response header from upstream",
            &[605, 606],
        ),
        (
            "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream",
            &[605],
        ),
        (
            "peer closed connection in SSL handshake (104: Connection reset by peer) while SSL handshaking to upstream",
            &[605],
        ),
        (
            "recv() failed (104: Connection reset by peer) while reading response header from upstream",
            &[605, 606],
        ),
        ("client intended to send too large chunked body: 1097467 bytes", &[701]),
        ("limiting requests, excess: 5.600 by zone \"hoop\"", &[620]),
        ("access forbidden by rule", &[611]),
        (
            "open() \"/usr/share/nginx/html/protobuf.Transport/Connect\" failed (2: No such file or directory)",
            &[601],
        ),
    ] {
        check(&line(message, call, "grpc://10.0.0.5:8010"), codes);
    }
    check(
        &line(
            "upstream prematurely closed connection while reading response header from upstream",
            call,
            "http://10.0.0.5:8010/",
        ),
        &[604],
    );
    check(
        &line(refused, "GET /api/healthz HTTP/1.1", "http://10.0.0.5:8009/api/healthz"),
        &[505],
    );
    check_harmless(&line(refused, "GET /shop HTTP/1.1", "http://10.0.0.7:3000/shop"));
    check(
        "2026/11/22 17:25:00 [info] 7#7: *1 client sent invalid request while reading client request line, client: 10.0.1.5, server: gw, request: \"PRI * HTTP/2.0\"",
        &[403, 301],
    );
    for harmless in [
        "2026/11/22 17:25:00 [info] 7#7: *4 client timed out (110: Connection timed out) while waiting for request, client: 10.0.1.5, server: 0.0.0.0:443",
        "2026/11/22 17:25:00 [info] 7#7: *5 peer closed connection in SSL handshake while SSL handshaking, client: 10.0.1.5, server: 0.0.0.0:443",
        "2026/11/22 17:25:00 [info] 7#7: *6 client 10.0.1.5 closed keepalive connection",
        "2026/11/22 17:25:00 [info] 7#7: *7 recv() failed (104: Connection reset by peer) while waiting for request, client: 10.0.1.5, server: 0.0.0.0:443",
        "2026/11/22 17:25:00 [notice] 1#1: signal 15 (SIGTERM) received, exiting",
    ] {
        check_harmless(harmless);
    }
}

#[test]
fn an_access_log_is_read_by_path_and_status() {
    let nginx = |request: &str, status: &str| {
        format!("10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"{request}\" {status} \"-\" \"grpc-go/1.83.0\"")
    };
    let call = "POST /protobuf.Transport/Connect HTTP/2.0";
    for (status, codes) in [
        ("009 26", &[604][..]),
        ("000 0", &[604]),
        ("301 162", &[611]),
        ("401 172", &[611]),
        ("404 146", &[601]),
        ("408 0", &[703]),
        ("413 176", &[701]),
        ("429 0", &[620]),
        ("502 157", &[607, 606]),
        ("504 167", &[607]),
    ] {
        check(&nginx(call, status), codes);
    }
    for harmless in [
        nginx(call, "200 0"),
        nginx(call, "200 4711"),
        nginx("POST /protobuf.Transport/HealthCheck HTTP/2.0", "200 9"),
        nginx("POST /protobuf.Transport/NoSuchMethod HTTP/2.0", "404 146"),
        nginx("GET /shop HTTP/1.1", "502 157"),
        nginx("GET /api/ws HTTP/1.1", "101 0"),
        nginx("GET /api/userinfo HTTP/1.1", "401 20"),
        nginx("GET /api/healthz HTTP/1.1", "200 20"),
        "10.0.1.5 - - [22/Nov/2026:17:25:00 +0000] \"GET /api/healthz HTTP/1.1\" 503 20 \"-\" \"kube-probe/1.31\""
            .to_owned(),
    ] {
        check_harmless(&harmless);
    }
    // Behind a path, further fields differ: ingress-nginx, Traefik.
    check(
        &format!(
            "{} 91 0.001 [default-hoop-8010] [] 10.0.0.5:8010 0 0.001 502 5b1f",
            nginx(call, "502 157")
        ),
        &[607],
    );
    check(
        &format!("{} 17 \"grpc@file\" \"h2c://10.0.0.5:8010\" 1ms", nginx(call, "502 11")),
        &[607],
    );
}

#[test]
fn json_access_logs_are_read_like_the_others() {
    for (line, codes) in [
        (
            "{\"level\":\"error\",\"ts\":1795370700.1,\"logger\":\"http.log.access.log0\",\"msg\":\"handled request\",\"request\":{\"remote_ip\":\"10.0.1.5\",\"proto\":\"HTTP/2.0\",\"method\":\"POST\",\"host\":\"gw\",\"uri\":\"/protobuf.Transport/Connect\"},\"duration\":0.001,\"size\":0,\"status\":502}",
            &[607, 606][..],
        ),
        (
            "{\"DownstreamStatus\":503,\"RequestMethod\":\"POST\",\"RequestPath\":\"/protobuf.Transport/Connect\",\"level\":\"info\",\"msg\":\"\"}",
            &[607, 606],
        ),
        (
            "{\"time\":\"2026-11-22T17:25:00+00:00\",\"request\":\"POST /protobuf.Transport/Connect HTTP/2.0\",\"status\":\"413\"}",
            &[701],
        ),
        (
            "{\"response_code\":200,\"response_flags\":\"UH\",\"path\":\"/protobuf.Transport/Connect\",\"method\":\"POST\",\"response_code_details\":\"no_healthy_upstream\"}",
            &[606, 803],
        ),
        (
            "{\"response_code\":200,\"response_flags\":\"UF,URX\",\"path\":\"/protobuf.Transport/Connect\",\"response_code_details\":\"upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}\"}",
            &[606],
        ),
        (
            "{\"response_code\":503,\"response_flags\":\"UF\",\"path\":\"/api/healthz\"}",
            &[505],
        ),
        (
            "{\"level\":\"debug\",\"error\":\"tls: first record does not look like a TLS handshake\",\"time\":\"2026-11-22T17:25:00Z\",\"message\":\"500 Internal Server Error\"}",
            &[605],
        ),
        (
            "{\"level\":\"error\",\"ts\":1.5,\"logger\":\"http.log.error.log0\",\"msg\":\"dial tcp 10.0.0.5:8009: connect: connection refused\",\"request\":{\"uri\":\"/api/healthz\"},\"status\":502}",
            &[505],
        ),
    ] {
        check(line, codes);
    }
    for harmless in [
        "{\"level\":\"info\",\"logger\":\"http.log.access.log0\",\"msg\":\"handled request\",\"request\":{\"uri\":\"/protobuf.Transport/Connect\"},\"size\":61,\"status\":200}",
        "{\"response_code\":200,\"response_flags\":\"-\",\"path\":\"/protobuf.Transport/Connect\",\"response_code_details\":\"via_upstream\"}",
        "{\"response_code\":200,\"response_flags\":\"DC\",\"path\":\"/protobuf.Transport/Connect\",\"response_code_details\":\"downstream_remote_disconnect\"}",
        "{\"response_code\":503,\"response_flags\":\"UF\",\"path\":\"/shop\"}",
        "{\"level\":\"warn\",\"logger\":\"http.handlers.reverse_proxy\",\"msg\":\"aborting with incomplete response\",\"request\":{\"uri\":\"/protobuf.Transport/Connect\"},\"error\":\"context canceled\"}",
    ] {
        check_harmless(harmless);
    }
}

#[test]
fn envoys_text_is_read_with_and_without_details() {
    let line = |request: &str, rest: &str| format!("[2026-11-22T17:25:00.123Z] \"{request}\" {rest}");
    let call = "POST /protobuf.Transport/Connect HTTP/2";
    let end = "0 0 5 - \"-\" \"grpc-go/1.83.0\" \"id\" \"gw\" \"10.0.0.5:8010\"";
    for (flags, code) in [
        ("UF", 606),
        ("UH", 606),
        ("UC", 605),
        ("UT", 616),
        ("LR", 613),
        ("UR", 613),
        ("URX", 606),
        ("UPE", 604),
        ("NR", 601),
        ("NC", 606),
        ("RL", 620),
        ("UAEX", 611),
        ("RLSE", 620),
        ("IH", 611),
        ("SI", 703),
        ("DT", 704),
        ("UMSDR", 704),
        ("OM", 620),
        ("DF", 606),
        ("NFCF", 607),
        ("FI", 607),
        ("UO", 620),
        ("DPE", 405),
    ] {
        check(&line(call, &format!("200 {flags} {end}")), &[code]);
    }
    check(&line(call, &format!("200 UF,URX {end}")), &[606, 706]);
    check(&line(call, &format!("0 DC {end}")), &[601, 612]);
    check_harmless(&line(call, &format!("200 - {end}")));
    check_harmless(&line(call, &format!("200 - via_upstream - \"-\" {end}")));
    check_harmless(&line(
        call,
        &format!("200 DC downstream_remote_disconnect - \"-\" {end}"),
    ));
    check_harmless(&line("GET /shop HTTP/1.1", &format!("503 UH {end}")));
    check(&line("GET /api/healthz HTTP/2", &format!("503 UH {end}")), &[505]);
}

#[test]
fn haproxys_states_are_read_with_and_without_syslog() {
    let line = |server: &str, rest: &str| {
        format!(
            "10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe~ {server} {rest} 1/1/0/0/0 0/0 \"POST https://gw/protobuf.Transport/Connect HTTP/2.0\""
        )
    };
    for (rest, code) in [
        ("0/0/-1/-1/3051 503 217 - - SC--", 606),
        ("0/0/-1/-1/5002 503 217 - - sC--", 606),
        ("0/0/1/-1/2 502 209 - - SH--", 604),
        ("0/0/1/-1/2 502 209 - - PH--", 604),
        ("0/0/1/-1/50003 504 197 - - sH--", 606),
        ("0/5000/-1/-1/5000 503 217 - - sQ--", 620),
        ("0/0/0/1/50003 200 140 - - cD--", 703),
        ("0/0/0/-1/50003 -1 140 - - SD--", 703),
        ("0/0/0/-1/3 -1 77 - - SD--", 618),
        ("0/0/0/1/83021 200 961 - - SD--", 613),
        ("0/-1/-1/-1/0 429 209 - - PR--", 620),
        ("0/0/1/2/3 404 209 - - ----", 601),
    ] {
        check(&line("gateway/g1", rest), &[code]);
        check(
            &format!("<134>Nov 22 17:25:00 lb haproxy[12]: {}", line("gateway/g1", rest)),
            &[code],
        );
    }
    for harmless in [
        line("gateway/g1", "0/0/0/1/83021 200 961 - - ----"),
        line("gateway/g1", "0/0/0/1/83021 200 961 - - CD--"),
        "10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe fe/<NOSRV> -1/-1/-1/-1/0 0 0 - - CR-- 1/1/0/0/0 0/0 \"<BADREQ>\""
            .to_owned(),
        "10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe gateway/g1 1/0/83021 961 -- 1/1/0/0/0 0/0".to_owned(),
        "10.0.1.5:50000 [22/Nov/2026:17:25:00.123] fe/1: Connection closed during SSL handshake".to_owned(),
    ] {
        check_harmless(&harmless);
    }
}

#[test]
fn frames_are_read_by_who_sent_them() {
    for (line, codes) in [
        (
            "2026/11/22 17:25:00 http2: Framer 0xc000218000: read GOAWAY len=22 LastStreamID=1 ErrCode=ENHANCE_YOUR_CALM Debug=\"too_many_pings\"",
            &[406][..],
        ),
        (
            "2026/11/22 17:25:00 http2: Framer 0xc000218000: wrote GOAWAY len=22 LastStreamID=1 ErrCode=ENHANCE_YOUR_CALM Debug=\"too_many_pings\"",
            &[406],
        ),
        (
            "2026/11/22 17:25:00 http2: Framer 0xc000218000: read RST_STREAM stream=3 len=4 ErrCode=INTERNAL_ERROR",
            &[613],
        ),
        (
            "2026/11/22 17:25:00 http2: Transport received RST_STREAM stream=3 len=4 ErrCode=REFUSED_STREAM",
            &[613, 606],
        ),
        (
            "2026/11/22 17:25:00 http2: Framer 0xc000218000: read SETTINGS len=6, settings: MAX_CONCURRENT_STREAMS=8",
            &[409],
        ),
        (
            "2026/11/22 17:25:00 http2: decoded hpack field header field \":status\" = \"502\"",
            &[607],
        ),
        (
            "2026/11/22 17:25:00 http2: decoded hpack field header field \"grpc-message\" = \"no healthy upstream\"",
            &[606],
        ),
    ] {
        check(line, codes);
    }
    for harmless in [
        "http2: Framer 0xc000218000: wrote SETTINGS len=0",
        "http2: Framer 0xc000218000: read SETTINGS len=6, settings: MAX_FRAME_SIZE=16384",
        "http2: Framer 0xc000218000: read SETTINGS len=18, settings: MAX_CONCURRENT_STREAMS=128, INITIAL_WINDOW_SIZE=65536",
        "http2: Framer 0xc000218000: read SETTINGS len=12, settings: ENABLE_PUSH=0, MAX_CONCURRENT_STREAMS=0",
        "http2: Framer 0xc000218000: wrote RST_STREAM stream=1 len=4 ErrCode=CANCEL",
        "http2: Framer 0xc000218000: read RST_STREAM stream=1 len=4 ErrCode=NO_ERROR",
        "http2: Framer 0xc000218000: wrote GOAWAY len=8 LastStreamID=0 ErrCode=NO_ERROR Debug=\"\"",
        "http2: Framer 0xc000218000: read DATA flags=END_STREAM stream=1 len=5 data=\"EOF x\"",
        "http2: decoded hpack field header field \":status\" = \"200\"",
        "http2: decoded hpack field header field \"grpc-status\" = \"0\"",
        "http2: decoded hpack field header field \"content-type\" = \"application/grpc\"",
        "http2: decoded hpack field header field \"server\" = \"nginx\"",
    ] {
        check_harmless(harmless);
    }
}

#[test]
fn what_is_normal_shows_nothing() {
    for line in [
        "{\"level\":\"info\",\"timestamp\":\"2026-11-22T17:25:00Z\",\"logger\":\"agent/main.go:60\",\"msg\":\"version=1.74.0, platform=linux/amd64, type=dsn, mode=standard, grpc_server=gw.example.com:8443, tls=true, tlsca=false - starting agent\"}",
        "{\"level\":\"info\",\"msg\":\"connecting to gw.example.com:8443, tls=true\",\"backoff\":\"1s\"}",
        "{\"level\":\"info\",\"msg\":\"context canceled\"}",
        "{\"level\":\"info\",\"msg\":\"reseting backoff\",\"current-backoff\":\"8s\",\"connect-time-in-sec\":\"61\"}",
        "{\"level\":\"debug\",\"msg\":\"pre-connect rpc, status=BACKOFF, message=agent is offline\"}",
        "{\"level\":\"info\",\"msg\":\"HOOP_GATEWAY_URL not set, skipping hoop_rs agent startup\"}",
        "{\"level\":\"info\",\"msg\":\"received a request from unauthenticated\"}",
        "{\"level\":\"error\",\"logger\":\"models/db.go:9\",\"msg\":\"failed to query: dial tcp 10.0.0.7:5432: connect: connection refused\"}",
        "{\"level\":\"info\",\"msg\":\"session ended with EOF\"}",
        "2026-11-22T17:25:00Z\twarn\tagent/tls.go:3\topen /etc/app.conf: no such file or directory",
        "🚀 Starting Hoop Agent v1.74.0 (linux/amd64) • mode: standard",
        "📡 Connecting to gw.example.com:8443 (TLS)",
        "👋 Shutting down agent",
        "http: TLS handshake error from 10.0.1.5:50000: EOF",
        "[transport] [server-transport 0xc0003] Closing: EOF",
        "[transport] [server-transport 0xc0003] Closing: read tcp 10.0.0.5:8010->10.0.1.5:50000: read: connection reset by peer",
        "[transport] [client-transport 0xc0003] Closing: rpc error: code = Canceled desc = grpc: the client connection is closing",
        "[core] [Channel #1]Channel Connectivity change to IDLE",
        "HTTP/1.1 200 Connection established",
        "503 Service Unavailable",
        "EOF",
        "",
    ] {
        check_harmless(line);
    }
}

#[test]
fn balancers_of_aws_are_read() {
    let line = |target: &str, status: &str, path: &str| {
        format!(
            "grpcs 2026-11-22T17:25:00.123456Z app/hoop/50dc 10.0.1.5:50000 {target} 0.0 0.1 -1 {status} 91 277 \"POST https://gw:443{path} HTTP/2.0\" \"grpc-go/1.83.0\" - - arn \"Root=1\""
        )
    };
    let connect = "/protobuf.Transport/Connect";
    check(&line("-", "464 -", connect), &[614]);
    check(&line("-", "503 -", connect), &[606, 803]);
    check(&line("10.0.0.5:8010", "502 -", connect), &[606, 604]);
    check(&line("10.0.0.5:8010", "504 -", connect), &[606, 703]);
    check(&line("10.0.0.5:8010", "460 -", connect), &[616, 703]);
    check(&line("10.0.0.5:8009", "404 404", connect), &[601]);
    check(&line("-", "503 -", "/api/healthz"), &[505]);
    check_harmless(&line("10.0.0.5:8010", "200 200", connect));
    check_harmless(&line("10.0.0.7:80", "502 -", "/shop"));
}

/// Lines that are nearly like those above.
fn mixture() -> impl Strategy<Value = String> {
    let samples = MESSAGES.iter().chain(FIELDS).map(|message| message.sample);
    let samples: Vec<&str> = samples
        .chain(["\"", "[", "] \"", "{", "\\", "#7: ", " - ", "ä", "/", ": "])
        .collect();
    let piece = (prop::sample::select(samples), 0_usize..80, 0_usize..80);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| {
        let cut =
            |(text, skip, keep): &(&str, usize, usize)| text.chars().skip(skip / 4).take(keep * 4).collect::<String>();
        pieces.iter().map(cut).collect()
    })
}

proptest! {
    #[test]
    fn any_line_is_read(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        signs(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_mixture_of_lines_is_read(text in mixture()) {
        signs(&text);
    }
}
