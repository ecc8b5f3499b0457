//! The tables of Hoop's rules, row by row, and what can go wrong on the way to them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::address::{client_tls, grpc_address, key_tls};
use super::source::Value;
use super::{
    Absent, AddressFault, ApiUrlFault, Asked, AskedError, Ca, CaFault, Deprecated, Discovery, Environment, FileFault,
    Identity, KeyFault, KeyFrom, KeyLooks, Mode, PortFault, Position, Problem, ProblemKind, Role, Rule, Security,
    Source, TlsBecause, TokenFault, TokenKind, discover,
};

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A home folder, with a configuration file if there is text for one.
struct Home(tempfile::TempDir);

impl Home {
    fn empty() -> Self {
        Self(tempfile::tempdir().expect("the temporary folder can be made"))
    }

    fn with(config: impl AsRef<[u8]>) -> Self {
        let home = Self::empty();
        std::fs::create_dir(home.0.path().join(".hoop")).expect("the home folder is writable");
        std::fs::write(home.config(), config).expect("the home folder is writable");
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn config(&self) -> PathBuf {
        self.path().join(".hoop/config.toml")
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("the home folder is writable");
        path
    }

    fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        let home = self.path().to_str().expect("a temporary folder's name is UTF-8");
        let variables = variables.iter().copied().chain([("HOME", home)]);
        Environment::new(variables, self.path().to_owned(), now())
    }

    fn discover(&self, variables: &[(&str, &str)]) -> Discovery {
        discover(&self.environment(variables), &Asked::default()).expect("nothing was asked for")
    }

    fn only(&self, variables: &[(&str, &str)]) -> Identity {
        let mut found = self.discover(variables);
        assert_eq!(found.identities.len(), 1, "{:?}", found.identities);
        found.identities.remove(0)
    }
}

fn agent(variables: &[(&str, &str)]) -> Identity {
    let identity = Home::empty().only(variables);
    assert_eq!(identity.role, Role::Agent);
    identity
}

fn agent_with_key(key: &str) -> Identity {
    agent(&[("HOOP_KEY", key)])
}

fn client_with(config: &str) -> Identity {
    let identity = Home::with(config).only(&[]);
    assert_eq!(identity.role, Role::Client);
    identity
}

fn codes(problems: &[Problem]) -> Vec<u16> {
    problems.iter().map(|problem| problem.kind.code()).collect()
}

/// What the problem with this code makes Hoop print.
fn printed(identity: &Identity, code: u16) -> String {
    let problem = identity.problems.iter().find(|problem| problem.kind.code() == code);
    let problem = problem.unwrap_or_else(|| panic!("no HD{code:03} in {:?}", identity.problems));
    problem.printed_by_hoop().unwrap_or_default()
}

/// `host port` of what is dialled, or what Go says instead.
fn dialled(text: &str) -> String {
    let value = Value {
        text: text.to_owned(),
        source: Source::Default,
    };
    match grpc_address(&value) {
        Ok(address) => format!("{} {}", address.host, address.port),
        Err(ProblemKind::PortMissing {
            fault: PortFault::DialsZero,
            ..
        }) => "dials port 0".to_owned(),
        Err(ProblemKind::PortMissing {
            fault: PortFault::Dial(error),
            ..
        }) => error.to_string(),
        Err(ProblemKind::PortMissing {
            fault: PortFault::Refused(error),
            ..
        }) => error.to_string(),
        Err(ProblemKind::AddressMalformed {
            fault: AddressFault::WrongFormat(error),
            ..
        }) => error.to_string(),
        Err(ProblemKind::AddressMalformed {
            fault: AddressFault::Dial(error),
            ..
        }) => error.to_string(),
        Err(other) => format!("{other:?}"),
    }
}

#[test]
fn every_address_of_the_table_is_dialled_as_go_does() {
    let wrong = "server address is in wrong format";
    let rows = [
        ("", wrong),
        ("host", wrong),
        ("127.0.0.1", wrong),
        ("::1", wrong),
        ("::1:8010", wrong),
        (":8010", wrong),
        ("host:8010", "host 8010"),
        ("127.0.0.1:8010", "127.0.0.1 8010"),
        ("[::1]:8010", "::1 8010"),
        ("grpcs://host:8443/path?q#f", "host 8443"),
        ("grpcs://u:p@host:8443", "host 8443"),
        ("grpcs://host", "address host: missing port in address"),
        ("https://host", "address host: missing port in address"),
        ("grpcs://[::1]", "address [::1]: missing port in address"),
        ("grpcs://::1:8443", "address ::1:8443: too many colons in address"),
        ("grpcs://host:", "dials port 0"),
        ("host:", "dials port 0"),
        ("grpcs://host:70000", "address 70000: invalid port"),
        ("host:8010/", "lookup tcp/8010/: unknown port"),
        (
            "grpcs://host:abc",
            "address grpcs://host:abc: too many colons in address",
        ),
        (
            " grpcs://host:8443",
            "address  grpcs://host:8443: too many colons in address",
        ),
        (
            "grpcs://host:8443 ",
            "address grpcs://host:8443 : too many colons in address",
        ),
        ("grpc:host:8010", "address grpc:host:8010: too many colons in address"),
        ("grpcs//host:443", "lookup grpcs//host: no such host"),
        ("https:host:443", "address https:host:443: too many colons in address"),
        ("//host:8010", "host 8010"),
        ("dns:///host:443", "host 443"),
        ("dns:///host", "host 443"),
        ("dns:host", "host 443"),
        ("host:https", "host 443"),
        ("host:+8010", "host 8010"),
        ("host:-1", "address -1: invalid port"),
        ("host:8010?x", "host 8010"),
    ];
    for (text, expected) in rows {
        assert_eq!(dialled(text), expected, "{text:?}");
    }
}

#[test]
fn a_control_character_keeps_grpc_from_reading_the_target() {
    let expected = r#"parse "passthrough:///grpcs://host:8443\n": net/url: invalid control character in URL"#;
    assert_eq!(dialled("grpcs://host:8443\n"), expected);
}

#[test]
fn smoke() {
    let identity = agent_with_key("grpcs://n:sekret-sekret@host:8443?mode=embedded");
    assert!(identity.embedded);
    assert_eq!(identity.problems, []);
    let _ = (client_tls(""), key_tls(""), Security::Tls);
    let _: Option<(
        Absent,
        ApiUrlFault,
        AskedError,
        Ca,
        CaFault,
        Deprecated,
        FileFault,
        KeyFault,
    )> = None;
    let _: Option<(
        KeyFrom,
        KeyLooks,
        Mode,
        Position,
        Rule,
        TlsBecause,
        TokenFault,
        TokenKind,
    )> = None;
    let _ = Home::empty().file("x", "y");
    let _ = (client_with("grpc_url='a:1'"), codes(&[]), printed);
}
