//! What Go 1.26 says about each text, and that no text is too strange to be read or refused.

use proptest::prelude::*;

use super::address::{Dial, DialError, SplitFault, dial, is_loopback, server_address, split_host_port};
use super::{Url, parse, parse_key, quoted};

/// `scheme host path query`, or `scheme: opaque`, or Go's message behind the quoted URL.
fn read(text: &str) -> String {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match parse(text) {
        Ok(Url { scheme, opaque, .. }) if !opaque.is_empty() => format!("{scheme}: {opaque}"),
        Ok(url) => format!("{} {} {} {}", url.scheme, lossy(&url.host), lossy(&url.path), url.query),
        Err(error) => {
            let named = quoted(text.split('#').next().unwrap_or_default()).to_string();
            let whole = error.exact().expose();
            let start = format!("parse {named}: ");
            whole.strip_prefix(&start).unwrap_or(whole).to_owned()
        }
    }
}

#[test]
fn urls_are_read_as_go_reads_them() {
    let rows = [
        ("", "   "),
        ("*", "  * "),
        ("GRPCS://Host:8443/a%20b?q#f", "grpcs Host:8443 /a b q"),
        ("host:8010", "host: 8010"),
        ("grpc:host:8010?x", "grpc: host:8010"),
        ("127.0.0.1:8010", "first path segment in URL cannot contain colon"),
        ("./a:b", "  ./a:b "),
        ("//host:8010", " host:8010  "),
        ("///host", "  ///host "),
        ("a:///host", "a  /host "),
        ("1a://host", "first path segment in URL cannot contain colon"),
        ("://host", "missing protocol scheme"),
        ("a://host\u{7f}", "net/url: invalid control character in URL"),
        ("a://host#\n", "a host  "),
        ("a://host#%zz", r##"parse "a://host#%zz": invalid URL escape "%zz""##),
        ("a://host/%zz", r#"invalid URL escape "%zz""#),
        ("a://h/%4", r#"invalid URL escape "%4""#),
        ("a://h%41", r#"invalid URL escape "%41""#),
        ("a://h%c3%a9", "a hé  "),
        ("a://h%2525", "a h%25  "),
        ("a://h i", r#"invalid character " " in host name"#),
        ("a://h|i", r#"invalid character "|" in host name"#),
        ("a://h\"<>i", "a h\"<>i  "),
        ("a://h:", "a h:  "),
        ("a://h:00080", "a h:00080  "),
        ("a://h:+80", r#"invalid port ":+80" after host"#),
        ("a://::1:8443", "a ::1:8443  "),
        ("http://::1:8443", r#"invalid port "::1:8443" after host"#),
        ("https://a:1:2", r#"invalid port ":1:2" after host"#),
        ("a://u:p@q@h", "a h  "),
        ("a://u p@h", "net/url: invalid userinfo"),
        ("a://u p@h:x", r#"invalid port ":x" after host"#),
        ("a://u%2@h", r#"invalid URL escape "%2""#),
        ("a://[::1]:80", "a [::1]:80  "),
        ("a://[::1", "missing ']' in host"),
        ("a://x[::1]", "invalid IP-literal"),
        ("a://[::1]x", r#"invalid port "x" after host"#),
        ("a://[1.2.3.4]", "invalid IP-literal"),
        ("a://[::ffff:1.2.3.4]", "a [::ffff:1.2.3.4]  "),
        ("a://[fe80::1%25eth0]", "a [fe80::1%eth0]  "),
        ("a://[fe80::1%25e%20e]", "a [fe80::1%e e]  "),
        ("a://[fe80::1%25e%2fe]", r#"invalid URL escape "%2f""#),
        ("a://[fe80::1%eth0]", r#"invalid URL escape "%et""#),
        ("a://[1:2:3:4:5:6::8]", "a [1:2:3:4:5:6::8]  "),
    ];
    for (text, expected) in rows {
        assert_eq!(read(text), expected, "{text:?}");
    }
}

#[test]
fn what_brackets_hold_is_refused_with_gos_reason() {
    let rows = [
        ("host", "unable to parse IP"),
        ("1:2", "address string too short"),
        ("12345::", r#"each group must have 4 or less digits (at "12345::")"#),
        ("1::2::3", r#"multiple :: in address (at ":3")"#),
        (
            "::g",
            r#"each colon-separated field must have at least one digit (at "g")"#,
        ),
        (
            "1:g",
            r#"each colon-separated field must have at least one digit (at "g")"#,
        ),
        ("1g::", r#"unexpected character, want colon (at "g::")"#),
        ("1:", r#"colon must be followed by more characters (at ":")"#),
        ("1:2:3:4:5:6:7:8:9", r#"trailing garbage after address (at "9")"#),
        ("1:2:3:4:5:6:7::8", "the :: must expand to at least one field of zeros"),
        (
            "1:1.2.3.4",
            r#"embedded IPv4 address must replace the final 2 fields of the address (at "1.2.3.4")"#,
        ),
        (
            "::1:2:3:4:5:6:7:1.2.3.4",
            r#"too many hex fields to fit an embedded IPv4 at the end of the address (at "1.2.3.4")"#,
        ),
        ("::1.2.3", "IPv4 address too short"),
        ("::1.2.3.4.5", "IPv4 address too long"),
        ("::1.2.3.256", "IPv4 field has value >255"),
        ("::1.2.3.04", "IPv4 field has octet with leading zero"),
        ("::1..3.4", r#"IPv4 field must have at least one digit (at ".3.4")"#),
        ("::1.2.3.x", r#"unexpected character (at "x")"#),
    ];
    for (inside, why) in rows {
        let expected = format!("invalid host: ParseAddr(\"{inside}\"): {why}");
        assert_eq!(read(&format!("a://[{inside}]")), expected);
    }
    let decoded = [
        (
            "fe80::1%25",
            r#"ParseAddr("fe80::1%"): zone must be a non-empty string"#,
        ),
        ("%25e", r#"ParseAddr("%e"): missing IPv6 address"#),
        (
            "%ff::1",
            r#"ParseAddr("\xff::1"): each colon-separated field must have at least one digit (at "\xff::1")"#,
        ),
    ];
    for (inside, why) in decoded {
        assert_eq!(read(&format!("a://[{inside}]")), format!("invalid host: {why}"));
    }
}

#[test]
fn only_a_key_hides_what_may_be_its_secret() {
    let text = "grpcs://gateway?token";
    assert!(parse(text).is_ok());
    let shown = |error: super::ParseError| error.to_string();
    assert_eq!(
        parse("grpcs://host:84x").map_err(shown).unwrap_err(),
        r#"parse "grpcs://host:84x": invalid port ":84x" after host"#
    );
    assert_eq!(
        parse_key("grpcs://host:84x").map_err(shown).unwrap_err(),
        r#"parse "grpcs://host:••••": invalid port ":••••" after host"#
    );
}

#[test]
fn the_first_value_of_a_query_counts() {
    let value = |text: &str| {
        let value = parse(text).expect("the URL is fine").query_value("mode");
        value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    assert_eq!(value("?mode=a+b&mode=c").as_deref(), Some("a b"));
    assert_eq!(value("?m%6fde=%61").as_deref(), Some("a"));
    assert_eq!(value("?mode=a;b&mode=%zz&mode").as_deref(), Some(""));
    assert_eq!(value("?other"), None);
}

#[test]
fn text_is_quoted_as_go_quotes_it() {
    let rows: [(&[u8], &str); 6] = [
        (b"a\"b\\c", r#""a\"b\\c""#),
        (b"\x07\x08\x0b\x0c\n\r\t\x00\x7f", r#""\a\b\v\f\n\r\t\x00\x7f""#),
        ("é日".as_bytes(), r#""é日""#),
        ("\u{a0}\u{200b}\u{10ffff}".as_bytes(), r#""\u00a0\u200b\U0010ffff""#),
        ("a\u{301}".as_bytes(), "\"a\u{301}\""),
        (b"\xff\xc3", r#""\xff\xc3""#),
    ];
    for (text, expected) in rows {
        assert_eq!(quoted(text).to_string(), expected);
    }
}

#[test]
fn addresses_are_split_as_go_splits_them() {
    let rows = [
        ("h:1", Ok(("h", "1"))),
        ("h:", Ok(("h", ""))),
        (":1", Ok(("", "1"))),
        ("[::1]:1", Ok(("::1", "1"))),
        ("[]:1", Ok(("", "1"))),
        ("", Err(SplitFault::MissingPort)),
        ("h", Err(SplitFault::MissingPort)),
        ("[::1]", Err(SplitFault::MissingPort)),
        ("[::1]x:1", Err(SplitFault::MissingPort)),
        ("[::1]:1:2", Err(SplitFault::TooManyColons)),
        ("::1:1", Err(SplitFault::TooManyColons)),
        ("[::1:1", Err(SplitFault::MissingBracket)),
        ("[[::1]:1", Err(SplitFault::UnexpectedOpen)),
        ("h[:1", Err(SplitFault::UnexpectedOpen)),
        ("[a]]:1", Err(SplitFault::MissingPort)),
        ("h]:1", Err(SplitFault::UnexpectedClose)),
        ("[::1]:1]", Err(SplitFault::UnexpectedClose)),
    ];
    for (address, expected) in rows {
        assert_eq!(split_host_port(address), expected, "{address}");
    }
}

fn dialled(text: &str) -> Dial {
    dial(&server_address(text).expect("there is a colon"))
}

#[test]
fn schemes_of_grpc_are_obeyed() {
    let tcp = |host: &str, port, port_written| Dial::Tcp {
        host: host.to_owned(),
        port,
        port_written,
    };
    assert_eq!(dialled("dns:///gw.example"), tcp("gw.example", 443, false));
    assert_eq!(dialled("dns:///[::1]"), tcp("::1", 443, false));
    assert_eq!(dialled("dns:///::1"), tcp("::1", 443, false));
    assert_eq!(dialled("dns:8010"), Dial::Refused(DialError::DnsNoAddress));
    assert_eq!(dialled("dns:///:80"), tcp("localhost", 80, true));
    assert_eq!(dialled("dns:///h:"), Dial::Refused(DialError::DnsEndsWithColon));
    assert_eq!(dialled("dns:///"), Dial::Refused(DialError::DnsMissingAddress));
    assert_eq!(dialled("passthrough:///h:1"), tcp("h", 1, true));
    assert_eq!(dialled("unix:///run/hoop.sock"), Dial::Unix);
    assert_eq!(dialled("grpcs://:8010"), tcp("", 8010, true));
}

#[test]
fn only_this_machine_is_loopback() {
    for host in [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "127.9.9.9",
        "::1",
        "::ffff:127.0.0.1",
        "",
    ] {
        assert!(is_loopback(host), "{host}");
    }
    for host in ["localhost.example", "128.0.0.1", "::2", "127.example", "0.0.0.0"] {
        assert!(!is_loopback(host), "{host}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,60}|[a-z]{0,4}(://|:)?[a-z%@:/?#\\[\\]0-9 \n]{0,30}") {
        match parse(&text) {
            // Nothing of the text is invented.
            Ok(url) => prop_assert!(url.host.len() <= text.len() && url.path.len() <= text.len()),
            Err(error) => {
                prop_assert!(error.position() <= text.chars().count());
                prop_assert!(error.to_string().starts_with("parse \""));
            }
        }
        if let Ok(target) = server_address(&text)
            && let Dial::Tcp { host, .. } = dial(&target)
        {
            prop_assert!(!host.contains([' ', '\n']) || host.contains('%'), "{host:?}");
        }
    }
}
