use std::io::Cursor;

use proptest::prelude::{Strategy, any, prop, proptest};
use serde_json::Value;

use super::{LONGEST, copy, redact};

fn copied(log: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    copy(Cursor::new(log), &mut output).expect("memory can be read and written");
    output
}

#[track_caller]
fn check(line: &str, shown: &str) {
    assert_eq!(redact(line), shown, "{line}");
    assert_eq!(copied(line.as_bytes()), shown.as_bytes(), "{line}");
}

#[track_caller]
fn unchanged(line: &str) {
    check(line, line);
}

#[test]
fn headers_are_masked_in_each_spelling() {
    check("authorization: Bearer abc.def", "authorization: ••••");
    check("Cookie: a=b; session=s3cret\r\n", "Cookie: ••••\r\n");
    check(
        r#"http2: decoded hpack field header field "authorization" = "Bearer abc""#,
        r#"http2: decoded hpack field header field "authorization" = "••••""#,
    );
    check(
        r#"{"msg":"x","headers":{"Authorization":["Bearer a","Basic b"],"X-Api-Key":"k"},"status":502}"#,
        r#"{"msg":"x","headers":{"Authorization":["••••","••••"],"X-Api-Key":"••••"},"status":502}"#,
    );
    check(
        r#"{"log":"{\"authorization\":\"Bearer a\\\"b\",\"x\":1}\n","stream":"stdout"}"#,
        r#"{"log":"{\"authorization\":\"••••\",\"x\":1}\n","stream":"stdout"}"#,
    );
    check(
        "map[Authorization:[Bearer abc] Accept:[*/*]]",
        "map[Authorization:[••••] Accept:[*/*]]",
    );
    check("'authorization', 'Bearer x'", "'authorization', '••••'");
    check(
        r#"{"name":"Set-Cookie","value":"sid=1; Path=/"}"#,
        r#"{"name":"Set-Cookie","value":"••••"}"#,
    );
    check(
        "curl -H 'Authorization: Bearer x' https://gw.example.com/api",
        "curl -H 'Authorization: ••••' https://gw.example.com/api",
    );
    check(
        r#"{"msg":"sent authorization: Bearer abc","status":1}"#,
        r#"{"msg":"sent authorization: ••••","status":1}"#,
    );
    check("authorization=Bearer abc status=200", "authorization=•••• status=200");
    check("cookie=a=b; c=d status=200", "cookie=•••• status=200");
}

#[test]
fn tokens_are_masked_wherever_they_are() {
    check("token x-agt-0123456789abcdef, next", "token ••••, next");
    check(r"\nhpk_0123456789 end", r"\n•••• end");
    check("a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln b", "a •••• b");
    check("cut eyJhbGciOiJIUzI1NiJ9", "cut ••••");
    check("sent Bearer abcdef", "sent Bearer ••••");
    check("Basic dXNlcjpwYXNz", "Basic ••••");
    check("bearer%20abc&x=1", "bearer%20••••&x=1");
}

#[test]
fn named_values_keep_what_is_around_them() {
    check(
        "GET /cb?code=abc&state=def&x=1 HTTP/1.1",
        "GET /cb?code=••••&state=••••&x=1 HTTP/1.1",
    );
    check(
        r#"GET /cb?x=1\u0026access_token=abc\u0026y=2""#,
        r#"GET /cb?x=1\u0026access_token=••••\u0026y=2""#,
    );
    check(
        r#"{"password":12345,"token":null}"#,
        r#"{"password":"••••","token":null}"#,
    );
    check("password=ab&cd,ef status=1", "password=•••• status=1");
    check(r#"token="a b" x"#, r#"token="••••" x"#);
    check("password=größe, token=日本", "password=••••, token=••••");
    check("client_secret: abc (x)", "client_secret: •••• (x)");
}

#[test]
fn keys_and_addresses_show_where_they_lead() {
    check(
        "HOOP_KEY=grpcs://name:s3/c?r@gw.example.com:8443?mode=standard",
        "HOOP_KEY=grpcs://name:••••@gw.example.com:8443?mode=standard",
    );
    check(r#"{"HOOP_KEY":"s3cret"}"#, r#"{"HOOP_KEY":"••••"}"#);
    check(
        r#"{"name":"HOOP_KEY","value":"grpc://n:s3cret@gw:8010"}"#,
        r#"{"name":"HOOP_KEY","value":"grpc://n:••••@gw:8010"}"#,
    );
    check(
        "dial grpcs://n:a'b/c@gw:8443, tls=true",
        "dial grpcs://n:••••@gw:8443, tls=true",
    );
    check("postgres://u:p@db/x?sslmode=off", "postgres://u:••••@db/x?sslmode=off");
    check("https://token@gw/x", "https://••••@gw/x");
    check(
        r#"parse "grpcs://n:a b/c@gw:8443?mode=standard": invalid port ":a b" after host"#,
        r#"parse "grpcs://n:••••@gw:8443?mode=standard": invalid port "••••" after host"#,
    );
}

#[test]
fn dumped_frames_are_masked() {
    check(
        r#"http2: Framer 0xc0: wrote DATA stream=1 len=9 data="\x00\"s3cret\"" (3 bytes omitted)"#,
        r#"http2: Framer 0xc0: wrote DATA stream=1 len=9 data="••••" (3 bytes omitted)"#,
    );
}

#[test]
fn a_private_key_is_masked_over_several_lines() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let plain = format!("a\n-----BEGIN PRIVATE KEY-----\n{line}\n{line}\nAb3=\n-----END PRIVATE KEY-----\nb\n");
    let shown = "a\n-----BEGIN PRIVATE KEY-----\n••••\n••••\n••••\n-----END PRIVATE KEY-----\nb\n";
    assert_eq!(String::from_utf8_lossy(&copied(plain.as_bytes())), shown);

    let wrap = |log: &str| format!("{{\"log\":\"{log}\\n\",\"stream\":\"stdout\"}}\n");
    let lines = [
        "-----BEGIN RSA PRIVATE KEY-----",
        line,
        "Ab3=",
        "-----END RSA PRIVATE KEY-----",
        "after",
    ];
    let wrapped: String = lines.iter().map(|line| wrap(line)).collect();
    let masked = [
        "-----BEGIN RSA PRIVATE KEY-----",
        "••••",
        "••••",
        "-----END RSA PRIVATE KEY-----",
        "after",
    ];
    let shown: String = masked.iter().map(|line| wrap(line)).collect();
    assert_eq!(String::from_utf8_lossy(&copied(wrapped.as_bytes())), shown);

    check(
        &format!(r#"{{"key":"-----BEGIN PRIVATE KEY-----\n{line}\nAb3=\n-----END PRIVATE KEY-----\n","x":1}}"#),
        r#"{"key":"-----BEGIN PRIVATE KEY-----\n••••\n••••\n-----END PRIVATE KEY-----\n","x":1}"#,
    );
    // Without an end, other lines are soon shown again.
    let log = format!("-----BEGIN PRIVATE KEY-----\n{line}\nw x:\nw x:\nw x:\nw x:\nrefused");
    assert!(String::from_utf8_lossy(&copied(log.as_bytes())).ends_with("refused"));
}

#[test]
fn what_holds_no_secret_is_unchanged() {
    for line in [
        "",
        "\r\n",
        "connecting to grpcs://gw.example.com:8443, tls=true",
        "missing HOOP_KEY environment variable",
        "HOOP_KEY is in wrong format, reason=secret key not found in dsn",
        "rpc error: code = Unauthenticated desc = invalid authentication",
        "failed to verify: invalid token: token is expired",
        r#"www-authenticate: Bearer realm="hoop", error="invalid_token""#,
        "basic auth failed, bearer token missing, missing authorization header",
        r#"10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "POST /protobuf.Transport/Connect HTTP/2.0" 502 157"#,
        r#"header key "authorization" contains value with non-printable ASCII characters"#,
        "error code=503 state=open key=a session=1",
        "mail a@b.c at https://gw.example.com/x?mail=a@b.c",
        r#"invalid port ":84430" after host"#,
        "max_tokens: 5, cookies: none, secretName: x",
        "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n-----END CERTIFICATE-----\n",
        r#"http2: Framer 0xc0: read GOAWAY len=22 LastStreamID=1 ErrCode=ENHANCE_YOUR_CALM Debug="too_many_pings""#,
    ] {
        unchanged(line);
    }
    let broken = b"\xff\xfe \x00 bytes\r\n\n\xe2\x82\n";
    assert_eq!(copied(broken), broken);
}

#[test]
fn json_stays_json() {
    for line in [
        r#"{"authorization":"Bearer a\\","x":{"token":["a","b"],"password":1}}"#,
        r#"{"log":"authorization: Bearer abc\n","HOOP_KEY":"grpcs://a:b@c:1"}"#,
        r#"{"msg":"{\"cookie\":\"a=\\\"b\\\"; c\"}","url":"https://u:p@h/?token=a"}"#,
    ] {
        let shown = redact(line);
        assert_ne!(shown, line);
        serde_json::from_str::<Value>(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
    }
}

#[test]
fn a_line_longer_than_the_window_is_masked_too() {
    let token = "x-agt-0123456789abcdef0123456789abcdef";
    for distance in [0, 10, 30, 5_000] {
        let mut log = vec![b'.'; LONGEST - distance];
        log.extend_from_slice(format!("authorization: Bearer {token}\nnext").as_bytes());
        let shown = copied(&log);
        let tail = String::from_utf8_lossy(&shown[LONGEST - distance..]).into_owned();
        assert_eq!(tail, "authorization: ••••\nnext", "{distance}");
    }
    let log = format!("password=\"{}\"\nnext\n", "s3cret".repeat(LONGEST));
    assert_eq!(
        String::from_utf8_lossy(&copied(log.as_bytes())),
        "password=\"••••\nnext\n"
    );
}

/// Something before and after a secret, in which it must not survive.
const FORMS: &[(&str, &str)] = &[
    ("authorization: Bearer ", ""),
    ("Authorization: Basic ", "\r"),
    ("\"authorization\":\"Bearer ", "\",\"x\":1}"),
    ("\\\"Authorization\\\":[\\\"Bearer ", "\\\"]"),
    ("header field \"authorization\" = \"Bearer ", "\""),
    ("authorization=Bearer ", " status=1"),
    ("{Name:authorization Value:Bearer ", "}"),
    ("cookie: a=b; session=", "; x=y"),
    ("Set-Cookie: sid=", "; Path=/"),
    ("\"x-api-key\":\"", "\""),
    ("X-Api-Key: ", ""),
    ("HOOP_KEY=", ""),
    ("HOOP_KEY=grpcs://agent:", "@gw.example.com:8443?mode=standard"),
    ("export HOOP_KEY=\"grpcs://agent:", "@gw.example.com:8443\""),
    ("connecting to grpcs://agent:", "@gw:8443"),
    ("https://user:", "@gw.example.com/x"),
    ("x-agt-", ""),
    ("(hpk_", ")"),
    ("eyJhbGciOiJIUzI1NiJ9.", ".sig"),
    ("GET /callback?token=", "&x=1 HTTP/1.1"),
    ("GET /callback?x=1&code=", " HTTP/1.1"),
    ("client_secret=", "&x"),
    ("\"password\":\"", "\"}"),
    ("wrote DATA stream=1 len=9 data=\"", "\""),
    (
        "{\"log\":\"wrote DATA stream=1 data=\\\"\\\\x00",
        "\\\" (1 bytes omitted)\\n\"}",
    ),
    ("-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----"),
];

fn secret() -> impl Strategy<Value = String> {
    // The ends are marked, so that a part of it shows too.
    "[A-Za-z0-9]{24,60}".prop_map(|middle| format!("Zq9{middle}9qZ"))
}

proptest! {
    #[test]
    fn a_secret_survives_in_no_form(
        secret in secret(),
        (start, end) in prop::sample::select(FORMS),
        before in "([ -~]{0,20} )?",
        after in "( [ -~]{0,20})?",
    ) {
        let log = format!("{before}{start}{secret}{end}{after}\n");
        let shown = String::from_utf8_lossy(&copied(log.as_bytes())).into_owned();
        let parts = secret.as_bytes().windows(12).map(String::from_utf8_lossy);
        for part in parts {
            assert!(!shown.contains(&*part), "{log} → {shown}");
        }
        assert_eq!(shown.lines().count(), log.lines().count());
    }

    #[test]
    fn any_bytes_keep_their_lines(log in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(count(&copied(&log)), count(&log));
    }

    #[test]
    fn any_mixture_of_what_is_special_is_read(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "authorization", "token", "\"", "\\", "'", ":", "=", " ", "[", "]", "{", "value", "://", "@", "?", "&",
                "eyJ", "abcdefghij", "Bearer ", "DATA data=", "-----BEGIN PRIVATE KEY-----", "-----END ", "ä", "\n", "1",
            ]),
            0..40,
        ),
    ) {
        let log = pieces.concat();
        let _ = redact(&log);
        assert!(String::from_utf8(copied(log.as_bytes())).is_ok(), "text stays text");
    }

    #[test]
    fn text_without_clues_is_unchanged(line in "[a-z0-9 .,()\\[\\]]{0,80}") {
        let is_clueless = super::hidden::clues(line.as_bytes()).next().is_none();
        if is_clueless {
            unchanged(&line);
        }
    }
}
