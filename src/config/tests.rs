//! The tables of Hoop's rules, row by row, and what can go wrong on the way to them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::address::grpc_address;
use super::source::Value;
use super::{
    Absent, AddressFault, ApiUrlFault, Asked, AskedError, Ca, CaFault, Deprecated, Discovery, Environment, FileFault,
    Identity, KeyFault, KeyFrom, KeyLooks, Mode, PortFault, Position, Problem, ProblemKind, Role, Rule, Security,
    Source, TokenFault, TokenKind, discover,
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

/// The codes of no problem at all.
const NONE: [u16; 0] = [];

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

/// The rows of the table of asymmetries: the scheme, then TLS for a client and for an agent's key.
#[test]
fn agent_and_client_choose_tls_by_opposite_rules() {
    use Security::{Plaintext, Tls};
    let rows = [
        ("grpc://", Plaintext, Plaintext),
        ("http://", Plaintext, Plaintext),
        ("grpcs://", Tls, Tls),
        ("https://", Tls, Tls),
        ("wss://", Tls, Tls),
        ("ws://", Tls, Plaintext),
        ("tls://", Tls, Plaintext),
        ("tcp://", Tls, Plaintext),
        ("GRPC://", Tls, Plaintext),
        ("HTTP://", Tls, Plaintext),
        ("GRPCS://", Tls, Tls),
        ("//", Tls, Plaintext),
    ];
    for (scheme, client, key) in rows {
        let url = format!("{scheme}host:8443");
        let seen = client_with(&format!("grpc_url = '{url}'\napi_url = 'https://host'"));
        assert_eq!(seen.tls.as_ref().map(|tls| tls.security), Some(client), "client, {url}");
        assert_eq!(
            codes(&seen.problems).contains(&4),
            client != key,
            "{url}: {:?}",
            seen.problems
        );
        let seen = agent_with_key(&format!("{scheme}n:secret@host:8443"));
        assert_eq!(seen.tls.as_ref().map(|tls| tls.security), Some(key), "key, {url}");
        assert_eq!(
            seen.grpc.as_ref().map(|grpc| (&*grpc.host, grpc.port)),
            Some(("host", 8443)),
            "{url}"
        );
        assert_eq!(
            codes(&seen.problems).contains(&4),
            client != key,
            "{url}: {:?}",
            seen.problems
        );
        for credential in [("HOOP_SPIFFE_KEY_FILE", "/none"), ("TOKEN", "x")] {
            assert!(
                agent(&[credential, ("HOOP_GRPCURL", &*url)]).speaks_tls(),
                "{credential:?}, {url}"
            );
        }
    }
}

#[test]
fn an_address_without_a_scheme_means_tls_unless_it_is_exactly_the_local_one() {
    for text in ["host:8443", "localhost:8010", "127.0.0.1:8010"] {
        let client = client_with(&format!("grpc_url = '{text}'\napi_url = 'https://host'"));
        assert!(client.speaks_tls(), "{text}");
        assert!(!codes(&client.problems).contains(&4), "{text}");
        let agent = agent(&[("TOKEN", "x"), ("HOOP_GRPCURL", text)]);
        assert_eq!(agent.speaks_tls(), text != "127.0.0.1:8010", "{text}");
    }
}

#[test]
fn the_reason_for_tls_is_told() {
    let because = |identity: Identity| identity.tls.map(|tls| tls.because.to_string()).unwrap_or_default();
    assert_eq!(
        because(agent_with_key("ws://n:secret@host:1")),
        "an agent uses plaintext for ws://, as for all but grpcs://, https:// and wss://"
    );
    assert_eq!(
        because(client_with("grpc_url = 'ws://host:1'")),
        "a client uses TLS for ws://, as for all but grpc:// and http://"
    );
    let spiffe = [
        ("HOOP_SPIFFE_KEY_FILE", "/f"),
        ("HOOP_GRPCURL", "h:1"),
        ("HOOP_GRPC_INSECURE", "true"),
    ];
    assert_eq!(because(agent(&spiffe)), "HOOP_GRPC_INSECURE is true");
}

/// The rows of the table of key errors, with what Hoop logs for each.
#[test]
fn every_broken_key_of_the_table_is_refused_in_hoops_words() {
    let port = r#"invalid port ":••••" after host"#;
    let rows = [
        ("grpcs://n:se/cret@host:8443", "grpcs://n:••••@host:8443", port),
        ("grpcs://n:se?cret@host:8443", "grpcs://n:••••@host:8443", port),
        ("grpcs://n:se#cret@host:8443", "grpcs://n:••••@host:8443", port),
        (
            "grpcs://n:se%cret@host:8443",
            "grpcs://n:••••@host:8443",
            r#"invalid URL escape "%••••""#,
        ),
        ("grpcs://n:secret@host:8443\n", r"grpcs://n:••••@host:8443\n", CONTROL),
        ("grpcs://n:se\tcret@host:8443", "grpcs://n:••••@host:8443", CONTROL),
        (
            "\"grpcs://n:secret@host:8443\"",
            r#"\"grpcs://n:••••@host:8443\""#,
            COLON,
        ),
        (
            "HOOP_KEY=grpcs://n:secret@host:8443",
            "HOOP_KEY=grpcs://n:••••@host:8443",
            COLON,
        ),
        (
            "://default:secret@?mode=standard",
            "://default:••••@?mode=standard",
            "missing protocol scheme",
        ),
    ];
    for (key, shown, reason) in rows {
        let identity = agent_with_key(key);
        assert_eq!(codes(&identity.problems), [2], "{key:?}: {:?}", identity.problems);
        let expected = format!("HOOP_KEY is in wrong format, reason=parse \"{shown}\": {reason}");
        assert_eq!(printed(&identity, 2), expected, "{key:?}");
        assert!(identity.grpc.is_none() && identity.token.is_none(), "{key:?}");
    }
    for char in [' ', '[', ']', '"', '<', '>', '\\', '^', '`', '{', '}', '|', 'é'] {
        let identity = agent_with_key(&format!("grpcs://n:se{char}cret@host:8443"));
        let reason = "parse \"grpcs://n:••••@host:8443\": net/url: invalid userinfo";
        let expected = format!("HOOP_KEY is in wrong format, reason={reason}");
        assert_eq!(printed(&identity, 2), expected, "{char:?}");
    }
}

const CONTROL: &str = "net/url: invalid control character in URL";
const COLON: &str = "first path segment in URL cannot contain colon";

#[test]
fn a_key_without_a_secret_is_told_by_what_it_looks_like() {
    let rows = [
        ("grpcs://n@host:8443", KeyLooks::WithoutPassword),
        ("grpcs://n:@host:8443", KeyLooks::WithoutPassword),
        ("grpcs://host:8443", KeyLooks::WithoutUser),
        ("grpcs://n:123/4@host:8443", KeyLooks::WithoutUser),
        ("name:secret@host:8443", KeyLooks::WithoutScheme),
        ("x-agt-0123456789", KeyLooks::BareToken),
        ("xagt-0123456789", KeyLooks::BareToken),
        ("grpcs:", KeyLooks::Other),
    ];
    for (key, expected) in rows {
        let identity = agent_with_key(key);
        assert_eq!(
            printed(&identity, 3),
            "HOOP_KEY is in wrong format, reason=secret key not found in dsn",
            "{key}"
        );
        let looks = match identity.problems[0].kind {
            ProblemKind::KeySecretMissing { looks, .. } => looks,
            ref other => panic!("{key}: {other:?}"),
        };
        assert_eq!(looks, expected, "{key}");
    }
    let identity = agent(&[("HOOP_DSN", "nonsense")]);
    let expected = "HOOP_DSN (deprecated) is in wrong format, reason=secret key not found in dsn";
    assert_eq!(printed(&identity, 3), expected);
}

#[test]
fn the_place_of_the_mistake_in_a_key_is_known() {
    let position = |key: &str| match &agent_with_key(key).problems[0].kind {
        ProblemKind::KeyUnreadable {
            fault: KeyFault::Parse(error),
            ..
        } => error.position(),
        other => panic!("{other:?}"),
    };
    assert_eq!(position("grpcs://n:secrét@host:8443"), 14);
    assert_eq!(position("grpcs://n:secret@host:8443\n"), 26);
    assert_eq!(position("grpcs://é:s@host:84x"), 16);
}

#[test]
fn what_hoop_accepts_in_a_key_is_accepted() {
    for secret in ["se@cret", "se%20cret", "se+cret", "-._~!$&'()*+,;=:@"] {
        let identity = agent_with_key(&format!("grpcs://n:{secret}@host:8443?mode=embedded"));
        assert_eq!(identity.problems, [], "{secret}");
        assert!(identity.embedded, "{secret}");
        assert_eq!(identity.agent_name.as_deref(), Some("n"), "{secret}");
        let target = identity.grpc.map(|grpc| grpc.target.to_string());
        assert_eq!(target.as_deref(), Some("host:8443"), "{secret}");
    }
    let others = ["", "?mode=standard", "?mode=multi-connection", "?mode=what", "?x=%zz"];
    for query in others
        .into_iter()
        .chain(["?mode=standard&mode=embedded", "?mode=embedded;"])
    {
        let identity = agent_with_key(&format!("grpcs://n:secret@host:8443{query}"));
        assert!(!identity.embedded && identity.problems.is_empty(), "{query}");
    }
}

#[test]
fn a_key_with_a_hash_for_a_path_is_an_embedded_agent_without_a_name() {
    let identity = agent_with_key(&format!("grpcs://host:8443/{}", "a".repeat(64)));
    assert_eq!(codes(&identity.problems), [7]);
    assert!(identity.embedded && identity.agent_name.is_none() && identity.token.is_some());
    let short = agent_with_key(&format!("grpcs://host:8443/{}", "a".repeat(63)));
    assert_eq!(codes(&short.problems), [3]);
}

#[test]
fn a_keys_address_without_a_port_is_fatal_and_an_empty_port_is_dialled() {
    let wrong = "server address is in wrong format";
    let rows = [
        ("grpcs://n:secret@host", 5, wrong),
        ("grpcs://n:secret@host:", 5, ""),
        ("grpcs://n:secret@[::1]", 5, "address [::1]: missing port in address"),
        ("grpcs://n:secret@::1:8010", 14, wrong),
        ("grpcs://n:secret@:8010", 14, wrong),
        ("grpcs://n:secret@", 14, wrong),
        ("grpcs://n:secret@host:0", 14, ""),
        ("grpcs://n:secret@host:70000", 14, "address 70000: invalid port"),
        ("grpcs://n:secret@gw.exämple:1", 14, "lookup gw.exämple: no such host"),
    ];
    for (key, code, expected) in rows {
        let identity = agent_with_key(key);
        assert_eq!(codes(&identity.problems), [code], "{key}");
        assert_eq!(printed(&identity, code), expected, "{key}");
        assert!(identity.grpc.is_none(), "{key}");
    }
}

#[test]
fn a_host_of_300_characters_and_a_zone_are_told_what_go_answers() {
    let long = format!("{}.example", "a".repeat(292));
    assert_eq!(
        dialled(&format!("grpcs://{long}:8443")),
        format!("lookup {long}: no such host")
    );
    let zone = "parse \"passthrough:///[fe80::1%eth0]:8443\": invalid URL escape \"%et\"";
    assert_eq!(dialled("grpcs://[fe80::1%25eth0]:8443"), zone);
    assert_eq!(dialled("[fe80::1%eth0]:8443"), zone);
    assert_eq!(dialled("[fe80::1%25eth0]:8443"), "fe80::1%eth0 8443");
}

#[test]
fn a_broken_key_is_not_passed_over() {
    let identity = agent(&[("HOOP_KEY", "nonsense"), ("TOKEN", "x"), ("HOOP_GRPCURL", "host:8443")]);
    assert_eq!((identity.mode, codes(&identity.problems)), (Mode::Dsn, vec![3]));
}

#[test]
fn the_agents_sources_are_read_in_hoops_order() {
    let all = [
        ("HOOP_KEY", "grpcs://n:one@a:1"),
        ("HOOP_DSN", "grpcs://n:two@b:2"),
        ("HOOP_SPIFFE_KEY_FILE", "/none"),
        ("TOKEN", "three"),
        ("HOOP_GRPCURL", "c:3"),
        ("HOOP_TOKEN", "four"),
    ];
    let expected = [
        ("HOOP_KEY", Mode::Dsn, "a"),
        ("HOOP_DSN", Mode::Dsn, "b"),
        ("HOOP_SPIFFE_KEY_FILE", Mode::Svid, "c"),
        ("TOKEN", Mode::LegacyToken, "c"),
    ];
    for (skipped, (name, mode, host)) in expected.into_iter().enumerate() {
        let identity = agent(&all[skipped..]);
        assert_eq!((identity.source, identity.mode), (Source::variable(name), mode));
        assert_eq!(identity.grpc.map(|grpc| grpc.host).as_deref(), Some(host));
    }
    assert_eq!(agent(&all[4..]).source, Source::variable("HOOP_TOKEN"));
}

#[test]
fn what_another_source_hides_is_named_and_not_judged() {
    let key = ("HOOP_KEY", "grpcs://n:secret@a:1");
    let found = Home::empty().discover(&[key, ("HOOP_DSN", "broken"), ("HOOP_SPIFFE_KEY_FILE", "/none")]);
    assert_eq!(codes(&found.identities[0].problems), NONE);
    let hidden: Vec<_> = found
        .shadowed
        .iter()
        .map(|shadowed| shadowed.what.to_string())
        .collect();
    assert_eq!(hidden, ["HOOP_DSN", "HOOP_SPIFFE_KEY_FILE"]);
    assert_eq!(codes(&found.problems), [9]);
    let settings = &found.identities[0].settings;
    let shadowed = |name| {
        settings
            .iter()
            .any(|setting| setting.name == name && setting.shadowed_by.is_some())
    };
    assert!(shadowed("HOOP_DSN") && shadowed("HOOP_SPIFFE_KEY_FILE") && !shadowed("HOOP_KEY"));
}

#[test]
fn deprecated_credentials_are_named() {
    let deprecated = |variables: &[(&str, &str)]| {
        agent(variables).problems.iter().find_map(|problem| match problem.kind {
            ProblemKind::CredentialsDeprecated(how) => Some(how),
            _ => None,
        })
    };
    assert_eq!(
        deprecated(&[("HOOP_DSN", "grpcs://n:secret@a:1")]),
        Some(Deprecated::HoopDsn)
    );
    assert_eq!(
        deprecated(&[("TOKEN", "x"), ("HOOP_GRPCURL", "a:1")]),
        Some(Deprecated::Token)
    );
    assert_eq!(
        deprecated(&[("HOOP_TOKEN", "x"), ("HOOP_GRPCURL", "a:1")]),
        Some(Deprecated::Token)
    );
    assert_eq!(deprecated(&[("HOOP_KEY", "grpcs://n:secret@a:1")]), None);
}

#[test]
fn a_spiffe_agent_needs_an_address_and_a_jwt_in_its_file() {
    let home = Home::empty();
    let logged = |text: &str| {
        home.file("svid", text);
        let identity = home.only(&[("HOOP_SPIFFE_KEY_FILE", "svid"), ("HOOP_GRPCURL", "host:8443")]);
        identity
            .problems
            .iter()
            .filter_map(Problem::printed_by_hoop)
            .collect::<Vec<_>>()
    };
    assert_eq!(logged(" \n"), [r#"HOOP_SPIFFE_KEY_FILE "svid" is empty"#]);
    let shape = r#"HOOP_SPIFFE_KEY_FILE "svid" does not look like a JWT (expected three dot-separated segments)"#;
    assert_eq!(logged("a.b"), [shape]);
    assert_eq!(logged("a.b.c\n"), [""; 0]);
    let identity = agent(&[("HOOP_SPIFFE_KEY_FILE", "/none/svid")]);
    assert_eq!(
        printed(&identity, 13),
        "HOOP_SPIFFE_KEY_FILE requires HOOP_GRPCURL to be set"
    );
    let missing = r#"failed reading HOOP_SPIFFE_KEY_FILE "/none/svid": open /none/svid: no such file or directory"#;
    assert_eq!(printed(&identity, 2), missing);
}

#[test]
fn a_scheme_that_the_agent_ignores_is_told_only_where_it_matters() {
    let told = |variables: &[(&str, &str)]| codes(&agent(variables).problems).contains(&8);
    let token = ("TOKEN", "x");
    assert!(told(&[token, ("HOOP_GRPCURL", "grpc://h:1")]));
    assert!(!told(&[token, ("HOOP_GRPCURL", "grpcs://h:1")]));
    let spiffe = ("HOOP_SPIFFE_KEY_FILE", "/f");
    let insecure = ("HOOP_GRPC_INSECURE", "true");
    assert!(told(&[spiffe, insecure, ("HOOP_GRPCURL", "grpcs://h:1")]));
    assert!(!told(&[spiffe, insecure, ("HOOP_GRPCURL", "grpc://h:1")]));
    // Only SPIFFE agents read it.
    assert!(agent(&[token, insecure, ("HOOP_GRPCURL", "h:1")]).speaks_tls());
}

const THREE: [(&str, &str); 3] = [
    ("HOOP_GRPCURL", "grpc://env:1"),
    ("HOOP_APIURL", "http://env"),
    ("HOOP_TOKEN", "xapi-0123456789"),
];

#[test]
fn all_three_variables_go_before_the_file() {
    let home = Home::with("grpc_url = 'file:2'\napi_url = 'https://file'");
    let found = home.discover(&THREE);
    assert_eq!(found.identities.len(), 1);
    assert_eq!(found.identities[0].mode, Mode::Env);
    assert_eq!(found.shadowed[0].what, Source::file(&home.config()));
    assert_eq!(codes(&found.problems), [9]);
    assert_eq!(codes(&Home::with("").discover(&THREE).problems), NONE);
}

#[test]
fn a_part_of_the_three_variables_is_passed_over() {
    let home = Home::with("grpc_url = 'grpcs://file:2'\napi_url = 'https://file'\ntoken = 'hpk_0123456789'");
    for skipped in THREE {
        let some: Vec<_> = THREE.into_iter().filter(|variable| *variable != skipped).collect();
        let asked = Asked {
            rule: Some(Rule::Client),
            ..Asked::default()
        };
        let found = discover(&home.environment(&some), &asked).expect("no file was asked for");
        assert_eq!(found.identities[0].mode, Mode::ConfigFile);
        let token = found.identities[0].token.as_ref().map(|token| token.secret.expose());
        assert_eq!(token, Some("hpk_0123456789"));
        let partial = ProblemKind::EnvPartial {
            set: some.iter().map(|(name, _)| (*name).into()).collect(),
            missing: vec![skipped.0.into()],
        };
        assert_eq!(
            found.problems.iter().map(|problem| &problem.kind).collect::<Vec<_>>(),
            [&partial]
        );
    }
}

#[test]
fn nothing_at_all_leaves_the_gateway_on_this_machine() {
    let found = Home::empty().discover(&[("HOOP_TOKEN", "xapi-0123456789")]);
    assert!(found.identities.is_empty());
    assert_eq!(found.absent, [Absent::Agent, Absent::Client]);
    assert_eq!(Absent::Client.to_string(), "unable to locate configuration file");
    assert_eq!(Absent::Agent.to_string(), "missing HOOP_KEY environment variable");
    let local = found.fallback.expect("the client has a last resort");
    assert_eq!((local.mode, local.speaks_tls()), (Mode::Local, false));
    assert_eq!(
        local.grpc.map(|grpc| (grpc.host, grpc.port)),
        Some(("127.0.0.1".to_owned(), 8010))
    );
    assert_eq!(
        local.api.map(|api| (api.host, api.port)),
        Some(("127.0.0.1".to_owned(), 8009))
    );
    assert_eq!(local.token.map(|token| token.kind), Some(TokenKind::ApiKey));
}

#[test]
fn an_agent_has_no_last_resort() {
    let key = [("HOOP_KEY", "grpcs://n:secret@a:1")];
    assert!(Home::empty().discover(&key).fallback.is_none());
    let asked = Asked {
        rule: Some(Rule::Agent),
        ..Asked::default()
    };
    let found = discover(&Home::empty().environment(&[]), &asked).expect("no file was asked for");
    assert!(found.fallback.is_none() && found.absent == [Absent::Agent]);
}

#[test]
fn reading_creates_nothing() {
    let home = Home::empty();
    home.discover(&[]);
    let entries = std::fs::read_dir(home.path()).expect("the folder exists");
    assert_eq!(entries.count(), 0);
}

#[test]
fn keys_of_the_file_match_in_any_case_and_unknown_ones_are_told_with_the_nearest() {
    let client = client_with(
        "GRPC_URL = 'grpcs://h:1'\nApi_Url = 'https://h'\napiurl = 'x'\n colour = 1\nskip_tls = true\nCA = 'x'\n",
    );
    assert_eq!(client.grpc.as_ref().map(|grpc| &*grpc.host), Some("h"));
    let unknown: Vec<_> = client
        .problems
        .iter()
        .filter_map(|problem| match (&problem.kind, &problem.source) {
            (ProblemKind::FileKeyUnknown { key, nearest }, Source::File(place)) => {
                let position = place.position.map(|Position { line, column }| (line, column));
                Some((&**key, nearest.as_deref(), position))
            }
            _ => None,
        })
        .collect();
    let expected = [
        ("apiurl", Some("api_url"), Some((3, 1))),
        ("colour", None, Some((4, 2))),
        ("skip_tls", Some("skip_tls_verify"), Some((5, 1))),
        ("CA", Some("tls_ca"), Some((6, 1))),
    ];
    assert_eq!(unknown, expected);
}

#[test]
fn a_mistake_in_the_file_has_a_line_and_a_column() {
    let home = Home::with("api_url = 'https://h'\ntoken = \"open\n");
    let identity = home.only(&[]);
    assert_eq!(codes(&identity.problems), [10]);
    let Source::File(place) = &identity.problems[0].source else {
        panic!("{:?}", identity.problems)
    };
    assert_eq!(place.path, home.config());
    assert_eq!(place.position.map(|position| position.line), Some(2));
}

#[test]
fn a_value_of_the_wrong_type_is_refused_as_hoops_library_does() {
    let home = Home::with("api_url = 'https://h'\nTOKEN = 5");
    let error = "incompatible types: TOML value has type int64; destination has type string";
    let path = home.config();
    let path = path.display();
    let expected = format!("failed decoding configuration file={path}, err=toml: line 2 (last key \"TOKEN\"): {error}");
    assert_eq!(printed(&home.only(&[]), 10), expected);
    assert_eq!(codes(&client_with("skip_tls_verify = 'true'").problems), [10]);
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_with_its_path() {
    let home = Home::empty();
    std::fs::create_dir_all(home.config()).expect("the home folder is writable");
    let path = home.config();
    let path = path.display();
    let expected = format!("failed decoding configuration file={path}, err=read {path}: is a directory");
    assert_eq!(printed(&home.only(&[]), 10), expected);

    let home = Home::with(b"api_url = 'https://h'\ntoken = '\xff'");
    let identity = home.only(&[]);
    assert_eq!(
        identity.problems[0].kind,
        ProblemKind::FileInvalid(FileFault::NotUtf8 { byte: 0xff })
    );
    let Source::File(place) = &identity.problems[0].source else {
        panic!("{:?}", identity.problems)
    };
    assert_eq!(place.position, Some(Position { line: 2, column: 10 }));
}

#[test]
fn a_huge_file_is_not_read_to_its_end() {
    let home = Home::with("");
    let file = std::fs::File::create(home.config()).expect("the home folder is writable");
    file.set_len(100 << 20).expect("a sparse file takes no room");
    let identity = home.only(&[]);
    assert_eq!(
        identity.problems[0].kind,
        ProblemKind::FileInvalid(FileFault::TooLarge { limit: 1 << 20 })
    );
}

#[cfg(unix)]
#[test]
fn a_file_with_a_token_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::with("grpc_url = 'grpcs://h:1'\napi_url = 'https://h'\ntoken = 'hpk_0123456789'");
    for (mode, expected) in [(0o600, vec![]), (0o644, vec![21]), (0o640, vec![21])] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(home.config(), permissions).expect("the file is ours");
        assert_eq!(codes(&home.only(&[]).problems), expected, "{mode:o}");
    }
}

#[cfg(unix)]
#[test]
fn a_pods_volume_is_open_to_its_pod_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let home = Home::with("");
    let config = home.config();
    let volume = config.parent().expect("the file is in a folder");
    let written = volume.join("..2026_11_23_08_30_00.123456789");
    std::fs::create_dir(&written).expect("the folder is ours");
    let file = written.join("config.toml");
    let text = "grpc_url = 'grpcs://h:1'\napi_url = 'https://h'\ntoken = 'hpk_0123456789'";
    std::fs::write(&file, text).expect("the folder is ours");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("the file is ours");
    std::fs::remove_file(&config).expect("the file is ours");
    symlink(&written, volume.join("..data")).expect("the folder is ours");
    symlink("..data/config.toml", &config).expect("the folder is ours");
    assert!(home.only(&[]).problems.is_empty());
}

#[test]
fn an_api_url_without_grpc_url_leaves_nothing_to_dial() {
    let client = client_with("api_url = 'https://h'");
    assert_eq!(codes(&client.problems), [13]);
    assert_eq!(printed(&client, 13), "server address is in wrong format");
    assert!(client.grpc.is_none() && client.api.is_some());
}

fn client_with_api(url: &str) -> Identity {
    client_with(&format!("grpc_url = 'grpcs://h:1'\napi_url = '{url}'"))
}

#[test]
fn an_api_url_that_hoop_asks_in_vain_is_told() {
    let fault = |url: &str| {
        let client = client_with_api(url);
        assert!(client.api.is_some() || !client.problems.is_empty());
        client.problems.into_iter().find_map(|problem| match problem.kind {
            ProblemKind::ApiUrlMalformed { fault, .. } => Some(fault),
            _ => None,
        })
    };
    assert_eq!(fault("https://h"), None);
    assert_eq!(fault("HTTPS://h:8009/hoop"), None);
    assert_eq!(fault("https://h/"), Some(ApiUrlFault::TrailingSlash));
    assert_eq!(fault("https://h/hoop/"), Some(ApiUrlFault::TrailingSlash));
    assert_eq!(fault("https://h/api"), Some(ApiUrlFault::ApiSuffix));
    assert_eq!(fault("https://h/api/"), Some(ApiUrlFault::ApiSuffix));
    assert_eq!(fault("https://h?x"), Some(ApiUrlFault::Query));
    assert_eq!(fault("https://h:0"), Some(ApiUrlFault::Port("0".to_owned())));
}

#[test]
fn an_api_url_that_cannot_be_asked_is_refused_in_gos_words() {
    let rows = [
        ("h", r#"Get "h/api/publicserverinfo": unsupported protocol scheme """#),
        (
            "grpcs://h",
            r#"Get "grpcs://h/api/publicserverinfo": unsupported protocol scheme "grpcs""#,
        ),
        (
            "h:8009",
            r#"Get "h:8009/api/publicserverinfo": unsupported protocol scheme "h""#,
        ),
        (
            "https://",
            r#"Get "https:///api/publicserverinfo": http: no Host in request URL"#,
        ),
        (
            "https://h:abc",
            r#"parse "https://h:abc/api/publicserverinfo": invalid port ":abc" after host"#,
        ),
        ("https://h:70000", "dial tcp: address 70000: invalid port"),
        (
            " https://h",
            r#"parse " https://h/api/publicserverinfo": first path segment in URL cannot contain colon"#,
        ),
        (
            "10.0.0.1:8009",
            r#"parse "10.0.0.1:8009/api/publicserverinfo": first path segment in URL cannot contain colon"#,
        ),
    ];
    for (url, expected) in rows {
        let client = client_with_api(url);
        assert_eq!(printed(&client, 15), expected, "{url}");
        assert!(client.api.is_none(), "{url}");
    }
}

#[test]
fn requests_to_the_api_are_appended_to_the_text() {
    let path = |url: &str| {
        let api = client_with_api(url).api.expect("the URL can be asked");
        api.request_path("/api/healthz")
    };
    assert_eq!(path("https://h"), "/api/healthz");
    assert_eq!(path("https://h/"), "//api/healthz");
    assert_eq!(path("https://u:p@h:1/ho op"), "/ho%20op/api/healthz");
    assert_eq!(path("https://h?x"), "/");
    assert_eq!(path("https://h/a#x"), "/a");
}

/// Only the outer shape of a certificate is looked at here.
const PEM: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
const PEM_BASE64: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1BQT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

#[test]
fn a_ca_is_read_in_each_of_its_forms() {
    let home = Home::empty();
    home.file("ca.pem", PEM);
    let absolute = format!("file://{}", home.path().join("ca.pem").display());
    let base64 = format!("base64://{PEM_BASE64}");
    for value in [PEM, &base64, "file://ca.pem", &absolute] {
        let agent = home.only(&[("HOOP_KEY", "grpcs://n:secret@h:1"), ("HOOP_TLSCA", value)]);
        let Ca::Custom { certificates, .. } = &agent.ca else {
            panic!("{value}: {:?}", agent.problems)
        };
        assert_eq!(certificates, &[vec![0x30, 0x00]], "{value}");
    }
    let client = client_with(&format!(
        "grpc_url = 'grpcs://h:1'\napi_url = 'https://h'\ntls_ca = '{PEM_BASE64}'"
    ));
    assert!(matches!(client.ca, Ca::Custom { .. }), "{:?}", client.problems);
}

#[test]
fn a_variable_with_a_ca_of_no_use_is_told_in_hoops_words() {
    let append = "failed to append root CA into cert pool";
    let rows = [
        ("/etc/ca.pem", append),
        ("nonsense", append),
        ("base64://AAAA AAAA", "illegal base64 data at input byte 4"),
        ("base64://AAAAA", "illegal base64 data at input byte 4"),
        ("file:///none/ca.pem", "open /none/ca.pem: no such file or directory"),
        ("file:///", "read /: is a directory"),
    ];
    for (value, expected) in rows {
        let agent = agent(&[("HOOP_KEY", "grpcs://n:secret@h:1"), ("HOOP_TLSCA", value)]);
        assert_eq!(codes(&agent.problems), [16], "{value}");
        assert!(matches!(agent.ca, Ca::Unusable { .. }), "{value}");
        assert_eq!(printed(&agent, 16), expected, "{value}");
    }
    // In plaintext nobody looks at the certificates, but the variable is loaded all the same.
    let plain = |value| codes(&agent(&[("HOOP_KEY", "grpc://n:secret@h:1"), ("HOOP_TLSCA", value)]).problems);
    assert_eq!((plain("nonsense"), plain("file:///none")), (vec![], vec![16]));
}

#[test]
fn a_home_folder_in_a_ca_path_is_not_expanded() {
    let home = Home::empty();
    home.file("ca.pem", PEM);
    let agent = home.only(&[("HOOP_KEY", "grpcs://n:secret@h:1"), ("HOOP_TLSCA", "file://~/ca.pem")]);
    assert_eq!(codes(&agent.problems), [16]);
}

#[test]
fn a_ca_in_the_file_that_is_no_base64_is_cut_off_without_a_word() {
    let read = |value: &str| {
        let client = client_with(&format!(
            "grpc_url = 'grpcs://h:1'\napi_url = 'https://h'\ntls_ca = '{value}'"
        ));
        let fault = client.problems.into_iter().find_map(|problem| match problem.kind {
            ProblemKind::CaUnreadable(fault) => Some(fault),
            _ => None,
        });
        (client.ca == Ca::System, fault)
    };
    let fault = |at, nothing_left, path| Some(CaFault::FileKeyBase64 { at, nothing_left, path });
    assert_eq!(read("~/ca.pem"), (true, fault(0, true, true)));
    assert_eq!(read("/etc/ca.pem"), (false, fault(7, false, true)));
    assert_eq!(read("bm8="), (false, Some(CaFault::NoCertificate { path: false })));
    assert_eq!(read(&format!("{PEM_BASE64}!")), (false, None));
}

#[test]
fn the_variable_for_a_ca_counts_only_where_the_file_has_none() {
    let home = Home::with(format!(
        "grpc_url = 'grpcs://h:1'\napi_url = 'https://h'\ntls_ca = '{PEM_BASE64}'"
    ));
    let client = home.only(&[("HOOP_TLSCA", "nonsense")]);
    assert_eq!(codes(&client.problems), NONE);
    let setting = client.settings.iter().find(|setting| setting.name == "HOOP_TLSCA");
    assert!(setting.is_some_and(|setting| setting.shadowed_by.is_some()));
    // It is loaded first, so it can still keep the client from starting.
    assert_eq!(codes(&home.only(&[("HOOP_TLSCA", "file:///none")]).problems), [16]);
}

#[test]
fn verification_is_off_only_for_exactly_true() {
    let agent = |value| agent(&[("HOOP_KEY", "grpcs://n:secret@h:1"), ("HOOP_TLS_SKIP_VERIFY", value)]);
    for value in ["1", "True", "yes", "false"] {
        assert!(agent(value).verify_grpc, "{value}");
    }
    assert_eq!(
        (agent("true").verify_grpc, codes(&agent("true").problems)),
        (false, vec![17])
    );

    let text = "grpc_url = 'grpcs://h:1'\napi_url = 'https://h'\nskip_tls_verify = true";
    let seen = |client: Identity| (client.verify_grpc, client.verify_rest, codes(&client.problems));
    assert_eq!(seen(client_with(text)), (false, true, vec![17, 18]));
    let variable = |value| seen(Home::with(text).only(&[("HOOP_TLS_SKIP_VERIFY", value)]));
    assert_eq!(variable("true"), (false, false, vec![17]));
    assert_eq!(variable("false"), (true, true, vec![]));
}

#[test]
fn a_gateway_that_advertises_this_machine_is_noticed() {
    let hosts =
        |grpc: &str, api: &str| codes(&client_with(&format!("grpc_url = '{grpc}'\napi_url = '{api}'")).problems);
    assert_eq!(hosts("grpc://127.0.0.1:8010", "https://gw.example.com"), [6]);
    assert_eq!(hosts("grpc://[::1]:8010", "https://gw.example.com"), [6]);
    assert_eq!(hosts("grpc://localhost:8010", "http://127.0.0.1:8009"), NONE);
    assert_eq!(hosts("grpcs://grpc.example.com:8443", "https://gw.example.com"), NONE);
    assert_eq!(hosts("grpcs://grpc.other.com:8443", "https://gw.example.com"), [22]);
    assert_eq!(hosts("grpcs://10.0.0.1:8443", "https://gw.example.com"), NONE);
    assert_eq!(hosts("grpcs://gateway:8443", "https://gw.example.com"), NONE);
}

fn jwt(claims: &str) -> String {
    use base64::Engine as _;

    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2lnbmF0dXJl", encode(r#"{"alg":"RS256"}"#), encode(claims))
}

#[test]
fn the_end_and_the_shape_of_a_token_are_judged() {
    let kinds = |token: &str| {
        let client = client_with(&format!(
            "grpc_url = 'grpcs://h:1'\napi_url = 'https://h'\ntoken = \"{token}\""
        ));
        let kinds = client.problems.into_iter().map(|problem| problem.kind);
        kinds.filter(|kind| kind.code() != 21).collect::<Vec<_>>()
    };
    let malformed = |fault| vec![ProblemKind::TokenMalformed(fault)];
    assert_eq!(kinds(&jwt(r#"{"exp":1800000001}"#)), []);
    assert_eq!(kinds(&jwt(r#"{"sub":"a"}"#)), []);
    let at = now() - Duration::from_millis(500);
    assert_eq!(
        kinds(&jwt(r#"{"exp":1799999999.5}"#)),
        [ProblemKind::TokenExpired { at }]
    );
    assert_eq!(kinds("xapi-0123456789"), []);
    assert_eq!(kinds("0f8fad5b-d9cb-469f-a165-70867728950e|x"), []);
    assert_eq!(
        kinds("eyJhbGciOiJub25lIn0.e30"),
        malformed(TokenFault::JwtSegments { found: 2 })
    );
    assert_eq!(kinds("eyJhbGciOiJub25lIn0.!.x"), malformed(TokenFault::JwtClaims));
    assert_eq!(kinds("hpk_0123 456"), malformed(TokenFault::WhiteSpace { position: 8 }));
    assert_eq!(
        kinds("hpk_0123\\u0001"),
        malformed(TokenFault::Unprintable { position: 8 })
    );
    assert_eq!(kinds("Bearer hpk_0123"), malformed(TokenFault::BearerPrefix));
    assert_eq!(kinds("'hpk_0123'"), malformed(TokenFault::Quoted));
    assert_eq!(kinds("grpcs://n:secret@h:1"), malformed(TokenFault::Url));
}

#[test]
fn flags_are_read_alone_by_the_rule_that_was_asked_for() {
    let home = Home::with("grpc_url = 'grpcs://file:1'\napi_url = 'https://file'");
    let env = home.environment(&[("HOOP_KEY", "grpcs://n:secret@key:1"), ("HOOP_TLS_SKIP_VERIFY", "true")]);
    let read = |rule| {
        let asked = Asked {
            rule,
            grpc_url: Some("ws://flag:1".to_owned()),
            ..Asked::default()
        };
        let mut found = discover(&env, &asked).expect("no file was asked for");
        assert_eq!(found.identities.len(), 1);
        found.identities.remove(0)
    };
    let flags = read(None);
    assert_eq!(
        (flags.role, flags.rule, flags.speaks_tls()),
        (Role::Flags, Rule::Client, true)
    );
    assert!(flags.verify_grpc && flags.verify_rest);
    assert!(!read(Some(Rule::Agent)).speaks_tls());
}

#[test]
fn flags_about_tls_go_before_everything_that_was_found() {
    let config = "grpc_url = 'grpcs://h:1'\napi_url = 'https://h'\ntls_ca = '~/ca.pem'\nskip_tls_verify = true";
    let home = Home::with(config);
    let asked = Asked {
        ca: Some(home.file("ca.pem", PEM)),
        server_name: Some("name".to_owned()),
        skip_tls_verify: true,
        ..Asked::default()
    };
    let env = home.environment(&[("HOOP_TLSSERVERNAME", "other")]);
    let found = discover(&env, &asked).expect("the CA can be read");
    let client = &found.identities[0];
    assert!(matches!(&client.ca, Ca::Custom { source, .. } if *source == Source::flag("--ca")));
    assert_eq!(client.server_name.as_deref(), Some("name"));
    assert_eq!(codes(&client.problems), [17]);
    let shadowed = client.settings.iter().filter(|setting| setting.shadowed_by.is_some());
    assert_eq!(shadowed.count(), 3, "{:?}", client.settings);
}

#[test]
fn a_key_comes_from_the_variable_or_file_that_was_named() {
    let home = Home::with("grpc_url = 'grpcs://file:1'\napi_url = 'https://file'");
    let key = home.file("key", "grpcs://n:secret@host:8443\r\n");
    let env = home.environment(&[("MY_KEY", "grpcs://n:secret@host:8443")]);
    let read = |from| {
        let asked = Asked {
            key: Some(from),
            ..Asked::default()
        };
        discover(&env, &asked)
    };
    for from in [KeyFrom::Variable("MY_KEY".to_owned()), KeyFrom::File(key)] {
        let found = read(from).expect("the key can be read");
        assert_eq!(found.identities.len(), 1);
        assert_eq!(found.identities[0].role, Role::Agent);
        assert_eq!(found.identities[0].problems, []);
    }
    let missing = read(KeyFrom::Variable("NONE".to_owned())).map(|_| ());
    assert_eq!(missing, Err(AskedError::KeyVariable("NONE".to_owned())));
    let missing = read(KeyFrom::File("none".into())).map(|_| ()).unwrap_err();
    assert!(
        missing.to_string().ends_with("none: no such file or directory"),
        "{missing}"
    );
}

#[test]
fn an_unreadable_file_that_was_asked_for_is_no_finding() {
    let home = Home::empty();
    let env = home.environment(&[]);
    let read = |config: PathBuf| {
        let asked = Asked {
            config: Some(config),
            ..Asked::default()
        };
        discover(&env, &asked)
    };
    assert!(matches!(read("none.toml".into()), Err(AskedError::Config(..))));
    assert!(matches!(read(home.path().to_owned()), Err(AskedError::Config(..))));
    let found = read(home.file("broken.toml", "=")).expect("a file with mistakes can be read");
    assert_eq!(codes(&found.identities[0].problems), [10]);
    let asked = Asked {
        ca: Some(home.file("empty.pem", "")),
        ..Asked::default()
    };
    assert!(matches!(
        discover(&env, &asked),
        Err(AskedError::Ca(_, CaFault::NoCertificate { .. }))
    ));
}

#[cfg(unix)]
#[test]
fn a_key_that_is_not_utf8_is_refused() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let key = OsString::from_vec(b"grpcs://n:s\xffcret@host:8443".to_vec());
    let env = Environment::new([("HOOP_KEY", key)], PathBuf::new(), now());
    let found = discover(&env, &Asked::default()).expect("no file was asked for");
    assert_eq!(codes(&found.identities[0].problems), [2]);
}

mod secrets;
