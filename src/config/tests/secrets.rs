//! No text that comes out of a discovery shows a secret, whatever is wrong with what it came from.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::Home;
use crate::config::{Asked, discover};

/// Stands for the secret; nothing else in these tests has four of its characters in a row.
const MARK: &str = "Zq7Xw9Kd3Vb";

/// Every text that comes out of a discovery.
fn everything(variables: &[(&str, &str)], config: &str) -> String {
    let home = Home::with(config);
    let env = home.environment(variables);
    let found = discover(&env, &Asked::default()).expect("no file was asked for");
    let mut all = format!("{env:?} {found:?}");
    for identity in found.identities.iter().chain(&found.fallback) {
        for problem in identity.problems.iter().chain(&found.problems) {
            all += &problem.printed_by_hoop().unwrap_or_default();
        }
        all += &identity
            .tls
            .as_ref()
            .map(|tls| tls.because.to_string())
            .unwrap_or_default();
    }
    all
}

/// No four characters of the mark in a row, plain, percent-encoded or in base64 at any offset.
fn check(variables: &[(&str, &str)], config: &str) {
    let all = everything(variables, config);
    let escaped = escaped();
    let encoded = ["", "a", "ab"].map(|before| URL_SAFE.encode(format!("{before}{MARK}")));
    let plain = (0..MARK.len() - 3).map(|at| &MARK[at..at + 4]);
    let forms = plain
        .chain(encoded.iter().map(|form| &form[4..10]))
        .chain([&escaped[..6]]);
    for form in forms {
        assert!(
            !all.contains(form),
            "{form} of the secret in {variables:?} {config:?} is shown:\n{all}"
        );
    }
}

fn escaped() -> String {
    MARK.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_key_never_shows_its_secret_however_broken_it_is() {
    let forms = [
        "grpcs://n:S@h:8443",
        "grpcs://n:S@h",
        "grpcs://n:S@h:",
        "n:S@h:8443",
        "S",
        "x-agt-S",
        "xagt-S",
        "\"grpcs://n:S@h:1\"",
        "'grpcs://n:S@h:1'",
        "HOOP_KEY=grpcs://n:S@h:1",
        "export HOOP_KEY=\"grpcs://n:S@h:1\"",
        "grpcs://n:S/x@h:1",
        "grpcs://n:x/S@h:1",
        "grpcs://n:x?S@h:1",
        "grpcs://n:S#x@h:1",
        "grpcs://n:x#S@h:1",
        "grpcs://n:S x@h:1",
        "grpcs://n:x[S@h:1",
        "grpcs://n:[S]@h:1",
        "grpcs://n:S%zz@h:1",
        "grpcs://n:%zS@h:1",
        "grpcs://n:S@h:1\n",
        "grpcs://S@h:8443",
        "grpcs://:S@h:1",
        "grpcs://S:@h:1",
        "grpcs://n:S",
        "grpcs://S",
        "://n:S@h",
        "grpcs:n:S@h:1",
        "//n:S@h:1",
        "grpcs:///n:S@h",
        "grpcs//n:S@h:1",
        "grpcs://h:8443?secret=S",
        "grpcs://h:8443/S",
        "grpcs://h:1#S",
        "grpcs://n:x@h:S",
        "n:S://x@h:1",
        " grpcs://n:S@h:1 ",
        "grpcs://n:x@y@S@h:1",
        "grpcs://n@S:x@h:1",
        "grpcs://n:S@[::1",
        "grpcs://n:S@h h:1",
        "eyJS.S.S",
        "S@",
        "grpcs://n:S@h:1?mode=S",
        "n S",
        "grpcs://grpcs://n:S@h:1",
        "é:S@h",
        "grpcs://n:Sé@h:1",
    ];
    let hash = format!("grpcs://h:8443/{MARK}{}", "a".repeat(64 - MARK.len()));
    let encoded = ["grpcs://n:E@h:8443", "grpcs://n:E%zz@h:8443"].map(|form| form.replace('E', &escaped()));
    let keys = forms
        .iter()
        .map(|form| form.replace('S', MARK))
        .chain(encoded)
        .chain([hash]);
    for key in keys {
        check(&[("HOOP_KEY", &key)], "");
        check(&[("HOOP_DSN", &key)], "");
        check(&[("HOOP_KEY", "grpcs://n:x@h:1"), ("HOOP_DSN", &key)], "");
    }
}

#[test]
fn an_address_never_shows_a_password() {
    let forms = [
        "grpcs://u:S@h:8443",
        "grpcs://u:S@h:abc",
        "u:S@h:1",
        "https://u:S@h",
        "https://h?token=S",
        "https://h/api?k=S",
        "https://u:S/x@h",
        "https://u:S x@h",
        "u:S@h",
        "xapi-S",
        "hpk_S",
        "https://h#S",
        "ftp://u:S@h",
        "https://u:S%zz@h:1",
        "grpcs://u:S@h:8443\n",
        "[u:S@h",
        "https://u:S@[::x]",
        "S@h:1",
    ];
    for url in forms.map(|form| form.replace('S', MARK)) {
        check(
            &[("TOKEN", "x"), ("HOOP_GRPCURL", &url), ("HOOP_GATEWAY_URL", &url)],
            "",
        );
        check(
            &[
                ("HOOP_TOKEN", "xapi-012345"),
                ("HOOP_GRPCURL", &url),
                ("HOOP_APIURL", &url),
            ],
            "",
        );
        let toml = url.replace('\n', "\\n");
        check(
            &[],
            &format!("grpc_url = \"{toml}\"\napi_url = \"{toml}\"\ntls_ca = \"{toml}\""),
        );
    }
}

#[test]
fn a_token_or_ca_is_never_shown() {
    let forms = [
        "S",
        "xapi-S",
        "Bearer S",
        "\"S\"",
        "S S",
        "eyJS.S.S",
        "grpcs://n:S@h:1",
        "S\u{1}",
        "Sé",
    ];
    for token in forms.map(|form| form.replace('S', MARK)) {
        check(&[("HOOP_TOKEN", &token)], "");
        check(&[("HOOP_TOKEN", &token), ("HOOP_GRPCURL", "h:1")], "");
        check(
            &[
                ("HOOP_TOKEN", &token),
                ("HOOP_GRPCURL", "h:1"),
                ("HOOP_APIURL", "https://h"),
            ],
            "",
        );
    }
    let encoded = STANDARD.encode(format!("-----BEGIN PRIVATE KEY-----\n{MARK}{MARK}"));
    let open = format!("-----BEGIN CERTIFICATE-----\n{MARK}");
    for ca in [MARK.to_owned(), format!("base64://{encoded}"), encoded, open] {
        check(&[("HOOP_KEY", "grpcs://n:x@h:1"), ("HOOP_TLSCA", &ca)], "");
        check(&[], &format!("grpc_url = 'h:1'\ntls_ca = \"\"\"{ca}\"\"\""));
    }
}

#[test]
fn a_broken_file_never_shows_what_is_in_it() {
    let whole = format!("api_url = \"https://h\"\ntoken = \"{MARK}\"\ngrpc_url = 'grpcs://u:{MARK}@h:1'\n");
    for cut in 0..whole.len() {
        check(&[], &whole[..cut]);
        check(&[], &format!("{}\u{7f}={}", &whole[..cut], &whole[cut..]));
        check(&[], &format!("{}{}", &whole[..cut], &whole[cut + 1..]));
    }
    check(&[], &format!("\"xapi-{MARK}\" = 1\napi_url = 'https://h'"));
    check(&[], &format!("\"grpcs://n:{MARK}@h:1\" = 1\napi_url = 'https://h'"));
}

proptest! {
    #[test]
    fn whatever_surrounds_a_secret_hides_it(
        before in "([a-z]{0,5}(://|//)?)?[ -~é]{0,8}",
        behind in "[ -~é\n]{0,10}",
        host in "[a-z0-9.:\\[\\]]{0,9}",
    ) {
        let key = format!("{before}:{MARK}{behind}@{host}");
        check(&[("HOOP_KEY", &key)], "");
        check(&[("TOKEN", "x"), ("HOOP_GRPCURL", &key)], "");
        check(&[("HOOP_TOKEN", "xapi-012345"), ("HOOP_GRPCURL", &key), ("HOOP_APIURL", &key)], "");
    }

    #[test]
    fn any_key_address_and_file_is_read_or_refused(text in "\\PC{1,40}", toml in "[ -~\n]{0,60}") {
        let key = everything(&[("HOOP_KEY", &text)], &toml);
        prop_assert!(key.contains("role: Agent"));
        let address = everything(&[("TOKEN", "x"), ("HOOP_GRPCURL", &text), ("HOOP_TLSCA", &text)], "");
        prop_assert!(address.contains("role: Agent"));
    }
}
