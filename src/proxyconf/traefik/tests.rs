//! Each test is a small configuration, in one file or several, and what is read from it.

use std::fs;
use std::path::Path;

use super::rule::{Of, clauses};
use crate::proxyconf::ProxyConf;
use crate::proxyconf::outline::outline;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::{Documents, documents};

fn read(contents: &[&str]) -> ProxyConf {
    let texts: Vec<Text> = contents.iter().map(|content| Text::new("traefik", *content)).collect();
    let found: Vec<Documents> = texts
        .iter()
        .map(|text| match text.content.trim_start().starts_with('[') {
            true => super::toml(text),
            false => documents(text),
        })
        .collect();
    let mut conf = ProxyConf::default();
    conf.problems.extend(found.iter().filter_map(|one| one.problem.clone()));
    let all: Vec<_> = texts
        .iter()
        .zip(&found)
        .map(|(text, found)| (text, found.all.as_slice()))
        .collect();
    super::read(&all, &mut conf);
    conf
}

fn check(contents: &[&str], expected: &str) {
    let outline = outline(&read(contents));
    let usual = |line: &&str| {
        !["? (maxConcurrentStreams)", "upgrades true@"]
            .iter()
            .any(|usual| line.contains(usual))
    };
    let plain: Vec<&str> = outline.lines().filter(usual).collect();
    let expected: Vec<&str> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(plain, expected, "\n{}\n{outline}", contents.join("\n---\n"));
}

const STATIC: &str = "\
entryPoints:
  web: {address: ':80', http: {redirections: {entryPoint: {to: websecure}}}}
  websecure:
    address: :443/tcp
    http:
      tls: {certResolver: le}
  traefik: {address: ':8080'}
";

const DYNAMIC: &str = "\
http:
  routers:
    rest:
      rule: Host(`gw.example.com`)
      service: rest
    grpc:
      rule: Host(`gw.example.com`) && PathPrefix(`/protobuf.Transport/`)
      service: grpc
  services:
    rest: {loadBalancer: {servers: [{url: 'http://gateway:8009'}]}}
    grpc: {loadBalancer: {servers: [{url: 'h2c://gateway:8010'}]}}
";

#[test]
fn routers_of_one_file_are_at_the_entry_points_of_another() {
    let expected = r#"
listener @2 Traefik :80 Http []
  http2 Spoken@2? (h2c)
  lifetime 60000@2? (readTimeout)
  route @2 All
    redirect websecure
  route @6 Prefix("/protobuf.Transport/") hosts [Name("gw.example.com")]
    to Http2 @8 tls false@11 grpc gateway:8010
  route @3 All hosts [Name("gw.example.com")]
    to Http1 @5 tls false@10 rest gateway:8009
listener @3 Traefik :443 Http []
  tls @6 le@6
  http2 Spoken@6? (alpnProtocols)
  lifetime 60000@3? (readTimeout)
  route @6 Prefix("/protobuf.Transport/") hosts [Name("gw.example.com")]
    to Http2 @8 tls false@11 grpc gateway:8010
  route @3 All hosts [Name("gw.example.com")]
    to Http1 @5 tls false@10 rest gateway:8009
"#;
    assert_eq!(read(&[STATIC, DYNAMIC]).files.len(), 2);
    check(&[STATIC, DYNAMIC], expected);
}

#[test]
fn without_entry_points_nothing_is_known_of_them() {
    let expected = r#"
listener @3 Traefik :? Http []
  http2 Spoken@3? (h2c)
  route @6 Prefix("/protobuf.Transport/") hosts [Name("gw.example.com")]
    to Http2 @8 tls false@11 grpc gateway:8010
  route @3 All hosts [Name("gw.example.com")]
    to Http1 @5 tls false@10 rest gateway:8009
"#;
    check(&[DYNAMIC], expected);
}

#[test]
fn without_routers_nothing_is_known_of_them() {
    let expected = r#"
listener @2 Traefik :8443 Http []
  tls unknown
  lifetime 3000@4 (readTimeout)
  route @2 Else("routers")
    else routers
"#;
    check(
        &["entryPoints:\n  x:\n    address: 0.0.0.0:8443\n    transport: {respondingTimeouts: {readTimeout: 3}}"],
        expected,
    );
    let none =
        "entryPoints: {x: {address: ':1', transport: {respondingTimeouts: {readTimeout: 0s, writeTimeout: 1m30s}}}}";
    let limits = &read(&[none]).listeners[0].limits;
    assert_eq!(
        limits.lifetime.iter().map(|one| one.value).collect::<Vec<_>>(),
        [90_000]
    );
}

#[test]
fn toml_is_read_with_its_places() {
    let toml = r#"[entryPoints.websecure]
address = ":443"
[entryPoints.websecure.http2]
maxConcurrentStreams = 16
[http.routers.all]
rule = "PathPrefix(`/`)"
service = "all"
[http.routers.all.tls]
[http.services.all.loadBalancer]
serversTransport = "x"
[[http.services.all.loadBalancer.servers]]
url = "https://gateway:8010/"
[http.serversTransports.x]
disableHTTP2 = true
[[tls.certificates]]
certFile = "/a.pem"
keyFile = "/a.key"
"#;
    let expected = r#"
listener @1 Traefik :443 Http []
  tls @8 /a.pem@16
  http2 Spoken@8? (alpnProtocols)
  lifetime 60000@1? (readTimeout)
  streams 16@4 (maxConcurrentStreams)
  route @5 All
    to Http1 @7 tls true@12 all gateway:8010
"#;
    check(&[toml], expected);
    let problem = &read(&["[http]\nrouters = \n"]).problems[0];
    assert_eq!((problem.at.line, problem.starts), (2, false), "{}", problem.what);
}

#[test]
fn containers_are_labelled_and_traefik_has_flags() {
    let compose = r#"services:
  proxy:
    image: traefik:v3
    command:
      - --entrypoints.websecure.address=:443
      - --entryPoints.websecure.transport.respondingTimeouts.readTimeout=0
      - --providers.docker
  gateway:
    image: hoophq/hoop
    labels:
      - traefik.enable=true
      - traefik.http.routers.grpc.rule=Host(`gw.example.com`) && PathPrefix(`/protobuf.Transport/`)
      - traefik.http.routers.grpc.entrypoints=websecure
      - traefik.http.routers.grpc.tls=true
      - traefik.http.routers.grpc.middlewares=auth,limit@file
      - traefik.http.routers.grpc.service=grpc
      - traefik.http.services.grpc.loadbalancer.server.port=8010
      - traefik.http.services.grpc.loadbalancer.server.scheme=h2c
      - traefik.http.middlewares.auth.basicauth.users=x
  other:
    deploy:
      labels:
        traefik.http.routers.rest.rule: Host(`gw.example.com`)
        traefik.http.routers.rest.tls.certresolver: le
        traefik.http.services.any.loadbalancer.server.port: 8009
"#;
    let expected = r#"
listener @5 Traefik :443 Http []
  tls @14 le@24
  http2 Spoken@14? (alpnProtocols)
  route @12 Prefix("/protobuf.Transport/") hosts [Name("gw.example.com")]
    to Http2 @16 tls false@18 grpc gateway:8010
    guard Authenticates @19 auth
  route @23 All hosts [Name("gw.example.com")]
    to Http1 @23 tls false@25 any other:8009
"#;
    check(&[compose], &expected.replace("@19 auth", "@19 basicauth"));
}

#[test]
fn middlewares_are_followed_in_their_order() {
    let content = "\
http:
  routers:
    a: {rule: 'PathPrefix(`/`)', service: api@internal, middlewares: [all, gone]}
    b: {rule: 'Path(`/b`)', service: s, middlewares: [to-https]}
  middlewares:
    all: {chain: {middlewares: [sso, limit, again, strip, gather, drop]}}
    sso: {forwardAuth: {address: http://sso}}
    limit: {inFlightReq: {amount: 3}}
    again: {retry: {attempts: 4}}
    strip: {stripPrefix: {prefixes: [/hoop]}}
    gather: {buffering: {maxRequestBodyBytes: 1000}}
    drop: {headers: {customRequestHeaders: {Origin: ''}}}
    to-https: {redirectScheme: {scheme: https}}
  services:
    s:
      weighted: {services: [{name: one, weight: 1}, {name: two, weight: 0}, {name: three}]}
    one: {loadBalancer: {servers: [{url: 'h2c://a:1'}], healthCheck: {mode: grpc, port: 2}}}
    two: {loadBalancer: {servers: [{url: 'http://b'}]}}
    three: {loadBalancer: {servers: [{url: 'h2c://c:1'}]}}
";
    let expected = r#"
listener @3 Traefik :? Http []
  http2 Spoken@3? (h2c)
  route @3 Prefix("/hoop")
    else api@internal
    guard Authenticates @7 forwardAuth
    guard Limits @8 inFlightReq
    removes origin@12
    rewrites @10
    buffers-requests true@11 buffers-responses true@11 upgrades true@3? retries Some(3)@9
    body 1000@11 (maxRequestBodyBytes)
  route @3 All
    else api@internal
    guard Authenticates @7 forwardAuth
    guard Limits @8 inFlightReq
    removes origin@12
    buffers-requests true@11 buffers-responses true@11 upgrades true@3? retries Some(3)@9
    body 1000@11 (maxRequestBodyBytes)
  route @4 Exact("/b")
    redirect scheme https
"#;
    let expected: String = expected
        .lines()
        .filter(|line| !line.contains("upgrades true@"))
        .map(|line| format!("{line}\n"))
        .collect();
    check(&[content], &expected);
    let service = content.replace(", middlewares: [to-https]", "");
    let routes = outline(&read(&[&service]));
    assert!(
        routes.contains("to Http2 @4 tls false@17 s a:1 c:1\n    check @17 GrpcHealth port 2@17\n"),
        "{routes}"
    );
}

#[test]
fn options_of_tls_count_only_for_routers_with_a_host() {
    let content = "\
http:
  routers:
    a: {rule: 'Host(`a.example.com`)', service: s, tls: {options: old}}
    b: {rule: 'PathPrefix(`/`)', service: s, tls: {options: old}}
tls:
  options:
    old: {alpnProtocols: [http/1.1], maxVersion: VersionTLS12, clientAuth: {clientAuthType: RequireAndVerifyClientCert}}
    default: {sniStrict: true}
";
    let expected = r#"
listener @3 Traefik :? Http [Name("a.example.com")]
  tls @3 client-certificate true@7 newest 1.2@7
  http2 Http1Only@7 (alpnProtocols)
  route @3 All hosts [Name("a.example.com")]
    to Unknown @3 s
listener @4 Traefik :? Http []
  tls @4 rejects @8
  http2 Spoken@4? (alpnProtocols)
  route @4 All
    to Unknown @4 s
"#;
    check(&[content], expected);
}

#[test]
fn tcp_routers_pass_tls_or_end_it() {
    let content = "\
entryPoints: {grpc: {address: ':8443'}}
---
tcp:
  routers:
    gw: {rule: 'HostSNI(`gw.example.com`)', service: gw, tls: {passthrough: true}}
  services:
    gw: {loadBalancer: {proxyProtocol: {version: 2}, servers: [{address: 'gateway:8010'}]}}
";
    let expected = r#"
listener @1 Traefik :8443 Tcp [Name("gw.example.com")]
  tls passed
  route @5 All
    to AsClient @5 tls false@7? gw gateway:8010 sends-proxy @7
"#;
    check(&[content], expected);
}

#[test]
fn rules_are_taken_apart() {
    let read = |rule: &str| {
        let all = clauses(rule, Of::Http).unwrap_or_else(|what| panic!("{rule}: {what}"));
        let way = |clause: super::rule::Clause| {
            let hosts: Vec<String> = clause.hosts.iter().map(|host| format!("{host:?}")).collect();
            let path = clause.path.map_or(String::new(), |path| format!("{path:?}"));
            let when: Vec<String> = clause
                .when
                .iter()
                .map(|one| format!("{}{:?}", if one.not { "!" } else { "" }, one.asks))
                .collect();
            [hosts.join(","), path, when.join(",")].join(";")
        };
        all.into_iter().map(way).collect::<Vec<_>>().join(" | ")
    };
    for (rule, expected) in [
        ("Host(`A.b`)", r#"Name("a.b");;"#),
        ("Host(`a`, `b`)", r#"Name("a"),Name("b");;"#),
        ("PathPrefix(`/`)", ";All;"),
        (
            "Host(`a`) && (Path(`/x`) || PathPrefix(\"/y\"))",
            r#"Name("a");Exact("/x"); | Name("a");Prefix("/y");"#,
        ),
        (
            "!(Method(`GET`) || Query(`a`, `b`))",
            r#";;!Method(["GET"]),!Else("Query(`a`, `b`)")"#,
        ),
        ("!PathPrefix(`/api`)", r#";;!Path(Prefix("/api"))"#),
        (
            "Host(`a`) && !Host(`b`) && Path(`/x`) && PathPrefix(`/`)",
            r#"Name("a");Exact("/x");!Host([Name("b")]),Path(All)"#,
        ),
        (
            "HeadersRegexp(`Content-Type`, `^application/grpc.*`)",
            r#";;Header("content-type", "application/grpc")"#,
        ),
        ("HeaderRegexp(`X`, `(a|b)`)", r#";;Else("HeaderRegexp(`X`, `(a|b)`)")"#),
        ("HostRegexp(`{any:.*}`)", ";;"),
        ("HostRegexp(`^.+\\.b$`)", r#"Else("^.+\\.b$");;"#),
        ("Path(`/a/{id}`)", r#";Else("/a/{id}");"#),
        ("PathRegexp(`^/protobuf`)", r#";Matches("^/protobuf");"#),
    ] {
        assert_eq!(read(rule), expected, "{rule}");
    }
}

#[test]
fn a_rule_that_traefik_refuses_is_a_problem_and_its_router_is_gone() {
    for rule in [
        "Hots(`a`)",
        "Host(`a`",
        "Host(a)",
        "Host(`a`) & Path(`/`)",
        "Host(`a`) Path(`/`)",
        "HostSNI(`a`)",
        "",
        "(Host(`a`)",
        "Host(`a`) &&",
    ] {
        let content = format!(
            "http:\n  routers:\n    a:\n      rule: '{rule}'\n      service: s\n    b: {{rule: 'Path(`/`)', service: s}}"
        );
        let conf = read(&[&content]);
        assert_eq!(conf.problems.len(), 1, "{rule}");
        assert_eq!((conf.problems[0].at.line, conf.problems[0].starts), (4, true), "{rule}");
        assert_eq!(conf.listeners[0].routes.len(), 1, "{rule}");
    }
}

#[test]
fn only_traefiks_own_documents_are_read() {
    let mine = |content: &str| {
        documents(&Text::new("x", content))
            .all
            .iter()
            .any(|doc| super::is_mine(doc))
    };
    assert!(mine(STATIC) && mine(DYNAMIC));
    assert!(mine("tls: {options: {default: {}}}"));
    assert!(mine("services: {a: {labels: [traefik.enable=true]}}"));
    for other in [
        "static_resources: {}",
        "services: {a: {image: nginx}}",
        "apps: {http: {servers: {}}}",
        "http: {a: 1}",
        "x",
    ] {
        assert!(!mine(other), "{other}");
    }
}

#[test]
fn every_configuration_of_the_lab_is_read_without_a_problem() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/ours/traefik");
    let files: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().collect();
    assert!(files.len() > 5, "{}", files.len());
    for file in files {
        let content = fs::read_to_string(file.path()).expect("a configuration");
        let content = content
            .replace("@GRPC_PORT@", "8010")
            .replace("@REST_PORT@", "8009")
            .replace("@DEAD_PORT@", "9");
        let conf = read(&[&content]);
        assert_eq!(
            (conf.problems.len(), conf.listeners.len()),
            (0, 1),
            "{}",
            file.path().display()
        );
        // What the lab tells the program in a comment is no configuration.
        assert_eq!(
            conf.listeners[0].limits,
            crate::proxyconf::Limits::default(),
            "{}",
            file.path().display()
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_rule_is_read_or_refused(rule in "(Host|Path|!|&&|\\|\\||[()`,\" a/]){0,30}") {
        let _ = clauses(&rule, Of::Http);
    }

    #[test]
    fn whatever_becomes_of_a_line_nothing_panics(line in 0..20_usize, words in "[a-z_@:{}\\[\\]\"'` \n.,-]{0,20}") {
        for content in [STATIC, DYNAMIC, "services:\n  a:\n    command: --entrypoints.a.address=:1\n    labels:\n      - traefik.http.routers.a.tls=true\n"] {
            let mut lines: Vec<&str> = content.lines().collect();
            let line = line.min(lines.len() - 1);
            lines[line] = &words;
            read(&[&lines.join("\n"), DYNAMIC]);
        }
        read(&[&format!("[a]\n{words}")]);
    }
}
