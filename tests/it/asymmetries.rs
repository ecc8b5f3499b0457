//! One address or setting, four readers: what each of them would dial, and what is found because they differ.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hoop_doctor::config::{Asked, Environment, Rule, discover};
use hoop_doctor::evidence::{Evidence, Kind, Target, Wire};
use hoop_doctor::findings::diagnose;
use hoop_doctor::plan::plan;

/// Whoever reads an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// The client, from its file.
    Client,
    /// An agent with a key.
    Key,
    /// An agent with a SPIFFE identity.
    Spiffe,
    /// An agent with a token and an address in variables.
    Legacy,
}

const READERS: [Reader; 4] = [Reader::Client, Reader::Key, Reader::Spiffe, Reader::Legacy];

/// What is set beside the address.
#[derive(Clone, Copy, Default)]
struct Beside<'a> {
    /// Variables, for everyone.
    variables: &'a [(&'a str, &'a str)],
    /// Lines of the client's file, which is there for the agents too.
    file: &'a str,
}

impl Reader {
    /// What it would do, such as `TLS host:8443, HD004`.
    fn reads(self, address: &str, beside: Beside<'_>) -> String {
        let home = tempfile::tempdir().expect("a folder for a home can be made");
        let folder = home.path().join(".hoop");
        fs::create_dir(&folder).expect("the home is writable");
        let config = format!("grpc_url = '{address}'\n{}", beside.file);
        fs::write(folder.join("config.toml"), config).expect("the home is writable");
        let mut variables: Vec<(&str, String)> = beside
            .variables
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .chain([("HOME", text(home.path()))])
            .collect();
        let jwt = home.path().join("agent.jwt");
        match self {
            Self::Client => {}
            Self::Key => variables.push(("HOOP_KEY", key(address))),
            Self::Spiffe => {
                fs::write(&jwt, "e30.e30.c2lnbmF0dXJl").expect("the home is writable");
                variables.push(("HOOP_SPIFFE_KEY_FILE", text(&jwt)));
                variables.push(("HOOP_GRPCURL", address.to_owned()));
            }
            Self::Legacy => {
                variables.push(("TOKEN", "x-agt-0123456789".to_owned()));
                variables.push(("HOOP_GRPCURL", address.to_owned()));
            }
        }
        let rule = if self == Self::Client {
            Rule::Client
        } else {
            Rule::Agent
        };
        look(variables, rule, if self == Self::Legacy { &["HD007"] } else { &[] })
    }
}

/// What is planned and found, but for what is `usual` for the reader, which has to be there.
fn look(variables: Vec<(&str, String)>, rule: Rule, usual: &[&str]) -> String {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let environment = Environment::new(variables, PathBuf::from("/"), now);
    let asked = Asked {
        rule: Some(rule),
        ..Asked::default()
    };
    let config = discover(&environment, &asked).expect("no file is asked for");
    let plan = plan(&config, &[]);
    let endpoints: Vec<_> = plan.endpoints.iter().map(|planned| planned.endpoint()).collect();
    let grpc = endpoints.iter().find(|endpoint| endpoint.target.kind == Kind::Grpc);
    let mut said = vec![grpc.map_or_else(|| "nothing".to_owned(), |grpc| dialled(&grpc.target))];
    let wire = Wire {
        endpoints: endpoints.clone(),
        ..Wire::default()
    };
    let mut codes: Vec<String> = diagnose(&Evidence {
        config,
        wire,
        logs: None,
        proxyconf: None,
    })
    .iter()
    .map(|one| one.rule.code.to_string())
    .collect();
    for code in usual {
        assert!(codes.iter().any(|found| found == code), "{codes:?}");
    }
    codes.retain(|code| !usual.contains(&code.as_str()));
    codes.sort();
    codes.dedup();
    said.extend(codes);
    said.join(", ")
}

fn dialled(target: &Target) -> String {
    let mut said = match target.tls {
        true => format!("TLS {}", target.address()),
        false => format!("plaintext {}", target.address()),
    };
    if target.tls && !target.verify {
        said.push_str(" unchecked");
    }
    if target.tls && target.custom_ca {
        said.push_str(" with a CA");
    }
    if target.server_name != target.host {
        said.push_str(&format!(" as {}", target.server_name));
    }
    said
}

/// The same address as a key has it: with a name and a secret.
fn key(address: &str) -> String {
    match address.split_once("//") {
        Some((scheme, rest)) => format!("{scheme}//n:secret@{rest}"),
        None => format!("n:secret@{address}"),
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a temporary folder's name is UTF-8").to_owned()
}

/// Compares a row, all of it at once.
#[track_caller]
fn check(row: &str, address: &str, beside: Beside<'_>, expected: [&str; 4]) {
    let read = READERS.map(|reader| reader.reads(address, beside));
    assert_eq!(read, expected, "{row}: {address}, read by {READERS:?}");
}

#[test]
fn an_address_is_read_by_each_in_its_own_way() {
    const TLS: &str = "TLS host:8443";
    const PLAIN: &str = "plaintext host:8443";
    const TLS_4: &str = "TLS host:8443, HD004";
    const PLAIN_4: &str = "plaintext host:8443, HD004";
    const TLS_8: &str = "TLS host:8443, HD008";
    let rows = [
        ("no scheme", "host:8443", [TLS, "nothing, HD003", TLS, TLS]),
        ("grpc", "grpc://host:8443", [PLAIN, PLAIN, TLS_8, TLS_8]),
        ("http", "http://host:8443", [PLAIN, PLAIN, TLS_8, TLS_8]),
        ("grpcs", "grpcs://host:8443", [TLS, TLS, TLS, TLS]),
        ("https", "https://host:8443", [TLS, TLS, TLS, TLS]),
        ("wss", "wss://host:8443", [TLS, TLS, TLS, TLS]),
        ("ws", "ws://host:8443", [TLS_4, PLAIN_4, TLS, TLS]),
        ("tls", "tls://host:8443", [TLS_4, PLAIN_4, TLS, TLS]),
        ("tcp", "tcp://host:8443", [TLS_4, PLAIN_4, TLS, TLS]),
        ("unknown", "gateway://host:8443", [TLS_4, PLAIN_4, TLS, TLS]),
        ("upper-case grpc", "GRPC://host:8443", [TLS_4, PLAIN_4, TLS_8, TLS_8]),
        ("upper-case http", "HTTP://host:8443", [TLS_4, PLAIN_4, TLS_8, TLS_8]),
        ("upper-case grpcs", "GRPCS://host:8443", [TLS, TLS, TLS, TLS]),
        ("slashes alone", "//host:8443", [TLS_4, PLAIN_4, TLS, TLS]),
        (
            "exactly the local one",
            "127.0.0.1:8010",
            [
                "TLS 127.0.0.1:8010",
                "nothing, HD003",
                "plaintext 127.0.0.1:8010",
                "plaintext 127.0.0.1:8010",
            ],
        ),
        (
            "nearly the local one",
            "localhost:8010",
            [
                "TLS localhost:8010",
                "nothing, HD003",
                "TLS localhost:8010",
                "TLS localhost:8010",
            ],
        ),
        (
            "no port in a URL",
            "grpcs://host",
            ["nothing, HD005", "nothing, HD005", "nothing, HD005", "nothing, HD005"],
        ),
        (
            "no port and no scheme",
            "host",
            ["nothing, HD005", "nothing, HD003", "nothing, HD005", "nothing, HD005"],
        ),
    ];
    for (row, address, expected) in rows {
        check(row, address, Beside::default(), expected);
    }
}

#[test]
fn a_setting_reaches_some_and_not_others() {
    const TLS: &str = "TLS host:8443";
    const UNCHECKED: &str = "TLS host:8443 unchecked, HD017";
    const WITH_CA: &str = "TLS host:8443 with a CA";
    const NO_CA: &str = "TLS host:8443 with a CA, HD016";
    const NAMED: &str = "TLS host:8443 as gw.example";
    let made = rcgen::generate_simple_self_signed(Vec::new()).expect("a certificate can be made");
    let pem = made.cert.pem();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &pem);
    let file_ca = format!("tls_ca = '{encoded}'\n");
    let rows: [(&str, Beside<'_>, [&str; 4]); 9] = [
        (
            "checks off by variable",
            Beside {
                variables: &[("HOOP_TLS_SKIP_VERIFY", "true")],
                file: "api_url = 'https://host'\n",
            },
            [UNCHECKED; 4],
        ),
        (
            "checks off by file",
            Beside {
                file: "api_url = 'https://host'\nskip_tls_verify = true\n",
                ..Beside::default()
            },
            ["TLS host:8443 unchecked, HD017, HD018", TLS, TLS, TLS],
        ),
        (
            "checks off by a word that is not true",
            Beside {
                variables: &[("HOOP_TLS_SKIP_VERIFY", "1")],
                ..Beside::default()
            },
            [TLS; 4],
        ),
        (
            "CA by variable",
            Beside {
                variables: &[("HOOP_TLSCA", &pem)],
                ..Beside::default()
            },
            [WITH_CA, WITH_CA, WITH_CA, TLS],
        ),
        (
            "CA by file",
            Beside {
                file: &file_ca,
                ..Beside::default()
            },
            [WITH_CA, TLS, TLS, TLS],
        ),
        (
            "a path in the place of a CA",
            Beside {
                variables: &[("HOOP_TLSCA", "/etc/ssl/ca.pem")],
                ..Beside::default()
            },
            [NO_CA, NO_CA, NO_CA, TLS],
        ),
        (
            "a broken CA in the file",
            Beside {
                file: "tls_ca = 'QUJD'\n",
                ..Beside::default()
            },
            [NO_CA, TLS, TLS, TLS],
        ),
        (
            "another name",
            Beside {
                variables: &[("HOOP_TLSSERVERNAME", "gw.example")],
                ..Beside::default()
            },
            [NAMED; 4],
        ),
        (
            "plaintext by variable",
            Beside {
                variables: &[("HOOP_GRPC_INSECURE", "true")],
                ..Beside::default()
            },
            [TLS, TLS, "plaintext host:8443, HD008", TLS],
        ),
    ];
    for (row, beside, expected) in rows {
        check(row, "grpcs://host:8443", beside, expected);
    }
}

#[test]
fn the_three_variables_of_a_client_are_read_as_its_file_is() {
    for (address, expected) in [
        ("host:8443", "TLS host:8443"),
        ("grpc://host:8443", "plaintext host:8443"),
        ("ws://host:8443", "TLS host:8443, HD004"),
        ("GRPC://host:8443", "TLS host:8443, HD004"),
    ] {
        let variables = vec![
            ("HOOP_GRPCURL", address.to_owned()),
            ("HOOP_APIURL", "https://host".to_owned()),
            ("HOOP_TOKEN", "x-agt-0123456789".to_owned()),
        ];
        assert_eq!(look(variables, Rule::Client, &[]), expected, "{address}");
    }
}

#[test]
fn only_a_client_tries_this_machine_where_nothing_is_set() {
    assert_eq!(look(Vec::new(), Rule::Client, &[]), "plaintext 127.0.0.1:8010");
    assert_eq!(look(Vec::new(), Rule::Agent, &[]), "nothing, HD001");
}
