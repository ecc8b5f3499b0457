//! What the reader makes of small files, each with one idea; of the lab's; and of any bytes.

use std::fs;
use std::time::{Duration, Instant};

use proptest::prelude::{Strategy, prop};

use crate::proxyconf::outline::outline;
use crate::proxyconf::source::{Includes, Text};
use crate::proxyconf::{ProxyConf, lab};

fn read(text: &Text) -> ProxyConf {
    let mut conf = ProxyConf::default();
    super::read(text, &mut Includes::default(), &mut conf);
    conf
}

#[track_caller]
fn check(input: &str, expected: &str) {
    // Both begin on a line of their own.
    let [input, expected] = [input, expected].map(|text| text.trim_start_matches('\n'));
    assert_eq!(outline(&read(&Text::new("Caddyfile", input))), expected);
}

#[test]
fn directives_are_sorted_as_caddy_does() {
    check(
        r#"
gw.example.com {
	reverse_proxy gateway:8009
	reverse_proxy /protobuf.Transport/* h2c://gateway:8010
	reverse_proxy /protobuf.Transport/Connect* h2c://other:8010
	@api {
		path /api/* /ssm/*
		method GET POST
	}
	respond @api "no" 404
	redir /old /new 301
	request_body @api {
		max_size 10MiB
	}
}
"#,
        r#"
listener @1 Caddy :443 Http [Name("gw.example.com")]
  tls @1
  http2 Spoken@1? (protocols)
  idle 60000@1? (read_body_idle)
  route @10 Matches("(?i)^/old$")
    redirect /new
  route @9 Any([PrefixAnyCase("/api/"), PrefixAnyCase("/ssm/")]) when Method(["GET", "POST"])
    answer 404
    body 10485760@12 (max_size)
  route @4 PrefixAnyCase("/protobuf.Transport/Connect")
    to Http2 @4 tls false@4 other:8010
    removes hoop_key@1?
  route @3 PrefixAnyCase("/protobuf.Transport/")
    to Http2 @3 tls false@3 gateway:8010
    removes hoop_key@1?
  route @2 All
    to Http1 @2 tls false@2? gateway:8009
    removes hoop_key@1?
    upgrades true@2?
"#,
    );
}

#[test]
fn of_the_handles_one_is_taken() {
    check(
        r#"
gw.example.com, www.example.com:8443 {
	basic_auth /admin/* {
		bob $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG
	}
	handle /protobuf.Transport/* {
		reverse_proxy h2c://gateway:8010
	}
	handle_path /app/* {
		reverse_proxy gateway:8009
	}
	handle /empty/* {
		header X y
	}
	handle {
		respond /ping 204
	}
	file_server
}
"#,
        r#"
listener @1 Caddy :443 Http [Name("gw.example.com")]
  tls @1
  http2 Spoken@1? (protocols)
  idle 60000@1? (read_body_idle)
  route @6 PrefixAnyCase("/protobuf.Transport/")
    to Http2 @6 tls false@6 gateway:8010
    removes hoop_key@1?
  route @17 PrefixAnyCase("/empty/")
    answer 200
  route @9 PrefixAnyCase("/app/")
    to Http1 @9 tls false@9? gateway:8009
    removes hoop_key@1?
    rewrites @8
    upgrades true@9?
  route @17 All
    answer 200
listener @1 Caddy :8443 Http [Name("www.example.com")]
  tls @1
  http2 Spoken@1? (protocols)
  idle 60000@1? (read_body_idle)
  route @6 PrefixAnyCase("/protobuf.Transport/")
    to Http2 @6 tls false@6 gateway:8010
    removes hoop_key@1?
  route @17 PrefixAnyCase("/empty/")
    answer 200
  route @9 PrefixAnyCase("/app/")
    to Http1 @9 tls false@9? gateway:8009
    removes hoop_key@1?
    rewrites @8
    upgrades true@9?
  route @17 All
    answer 200
"#,
    );
}

#[test]
fn a_route_keeps_its_order_and_snippets_are_put_in() {
    check(
        r#"
{
	servers :443 {
		protocols h1 h2
		timeouts {
			read_body 10m
			read_body_idle 0
		}
	}
	servers {
		protocols h1
		max_header_size 8KB
	}
}
(to) {
	reverse_proxy {args[0]} {args[1]} {
		header_up -Origin
		{block}
	}
}
gw.example.com {
	route {
		import to /protobuf.Transport/* h2c://gateway:8010 {
			header_up X-Tenant a
		}
		import to * gateway:8009
	}
}
http://gw.example.com {
	redir https://{host}{uri}
}
"#,
        r#"
listener @20 Caddy :443 Http [Name("gw.example.com")]
  tls @20
  http2 Spoken@3 (protocols)
  lifetime 600000@5 (read_body)
  route @15 PrefixAnyCase("/protobuf.Transport/")
    to Http2 @15 tls false@15 gateway:8010
    removes origin@16
    removes x-tenant@23
    removes hoop_key@20?
  route @15 All
    to Http1 @15 tls false@15? gateway:8009
    removes origin@16
    removes hoop_key@20?
    upgrades true@15?
listener @28 Caddy :80 Http [Name("gw.example.com")]
  http2 Http1Only@10 (protocols)
  header 8000@11 (max_header_size)
  idle 60000@28? (read_body_idle)
  route @29 All
    redirect https://{host}{uri}
"#,
    );
}

#[test]
fn the_protocol_is_that_of_the_scheme_or_the_transport() {
    check(
        r#"
:8080 {
	@a path /a
	@b not path /b /bb
	@c `{path} == "/c"`
	@d protocol grpc
	reverse_proxy @a https://gateway
	reverse_proxy @d gateway:8010 {
		transport http {
			versions h2c 2
			proxy_protocol v2
		}
	}
	reverse_proxy @c {
		to gateway:1 gateway:2
		transport http {
			tls_insecure_skip_verify
			versions 1.1
		}
	}
	reverse_proxy @b {$GATEWAY} {
		dynamic a gateway 80
	}
}
"#,
        r#"
listener @1 Caddy :8080 Http []
  http2 Spoken@1? (protocols)
  idle 60000@1? (read_body_idle)
  route @6 Matches("(?i)^/a$")
    to Http2 @6 tls true@6 gateway:443
    removes hoop_key@1?
  route @7 All when Header("content-type", "application/grpc")
    to Http2 @7 tls false@7? gateway:8010 sends-proxy @10
    removes hoop_key@1?
  route @13 All when Else("{path} == \"/c\"")
    to Http1 @14 tls true@16 gateway:1 gateway:2
    removes hoop_key@1?
    upgrades true@13?
  route @20 All when not Path(Any([Matches("(?i)^/b$"), Matches("(?i)^/bb$")]))
    to Http1 @20 tls false@20?
    removes hoop_key@1?
    upgrades true@20?
  route @1 All
    answer 200
"#,
    );
}

#[test]
fn tls_has_its_own_block() {
    check(
        r#"
{
	auto_https off
}
gw.example.com:8443 {
	tls /gw.pem /gw.key {
		protocols tls1.2 tls1.2
		alpn http/1.1
		client_auth {
			mode request
		}
	}
	reverse_proxy gateway:8009
}
plain.example.com:8081 {
	abort /protobuf.Transport/*
	forward_auth /api/* auth:9000 {
		uri /check
	}
	request_header -Authorization
	uri strip_prefix /protobuf.Transport
	reverse_proxy gateway:8009 {
		request_buffers 4KiB
		health_uri /api/healthz
		health_status 2xx
		health_port 8009
		lb_retry_match {
			method POST
		}
	}
}
*.example.com, {$NAME}, {$OTHER:other.example.com} {
	tls internal
	error /x 503
	respond 200
}
"#,
        r#"
listener @4 Caddy :8443 Http [Name("gw.example.com")]
  tls @5 /gw.pem@5 client-certificate false@9 newest 1.2@6
  http2 Http1Only@7 (alpn)
  idle 60000@4? (read_body_idle)
  route @12 All
    to Http1 @12 tls false@12? gateway:8009
    removes hoop_key@4?
    upgrades true@12?
listener @14 Caddy :8081 Http [Name("plain.example.com")]
  tls @14
  http2 Spoken@14? (protocols)
  idle 60000@14? (read_body_idle)
  route @15 PrefixAnyCase("/protobuf.Transport/")
    else abort
    guard Denies @15 abort
    removes authorization@19
    rewrites @20
  route @21 PrefixAnyCase("/api/")
    to Http1 @21 tls false@21? gateway:8009
    check @23 Http1 port 8009@25 path /api/healthz@23 expects 2xx@24
    guard Authenticates @16 forward_auth
    removes authorization@19
    removes hoop_key@14?
    buffers-requests true@22 upgrades true@21? retries None@26
  route @21 PrefixAnyCase("/protobuf.Transport")
    to Http1 @21 tls false@21? gateway:8009
    check @23 Http1 port 8009@25 path /api/healthz@23 expects 2xx@24
    removes authorization@19
    removes hoop_key@14?
    rewrites @20
    buffers-requests true@22 upgrades true@21? retries None@26
  route @21 All
    to Http1 @21 tls false@21? gateway:8009
    check @23 Http1 port 8009@25 path /api/healthz@23 expects 2xx@24
    removes authorization@19
    removes hoop_key@14?
    buffers-requests true@22 upgrades true@21? retries None@26
listener @31 Caddy :443 Http [Below(".example.com"), Else("{$NAME}"), Name("other.example.com")]
  tls @32
  http2 Spoken@31? (protocols)
  idle 60000@31? (read_body_idle)
  route @33 Matches("(?i)^/x$")
    answer 503
  route @34 All
    answer 200
"#,
    );
}

#[test]
fn json_says_the_same_as_the_caddyfile_that_it_was_made_from() {
    check(
        r#"
{"apps": {"http": {"servers": {"srv0": {
  "listen": [":443"],
  "protocols": ["h1"],
  "read_idle_timeout": 3000000000,
  "routes": [{
    "match": [{"host": ["gw.example.com"]}],
    "handle": [{"handler": "subroute", "routes": [
      {"handle": [{"handler": "headers", "request": {"delete": ["Origin"]}}]},
      {"group": "g", "match": [{"path": ["/protobuf.Transport/*"]}], "handle": [{
        "handler": "reverse_proxy",
        "transport": {"protocol": "http", "versions": ["h2c", "2"]},
        "upstreams": [{"dial": "gateway:8010"}]}]},
      {"group": "g", "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": "gateway:8009"}]}]}
    ]}],
    "terminal": true
  }]
}}}}}
"#,
        r#"
listener @2 Caddy :443 Http []
  tls @1
  http2 Http1Only@3 (protocols)
  idle 3000@4 (read_idle_timeout)
  route @9 PrefixAnyCase("/protobuf.Transport/") hosts [Name("gw.example.com")]
    to Http2 @12 tls false@9? gateway:8010
    removes origin@8
    removes hoop_key@1?
  route @13 All hosts [Name("gw.example.com")]
    to Http1 @13 tls false@13? gateway:8009
    removes origin@8
    removes hoop_key@1?
    upgrades true@13?
  route @1 All
    answer 200
"#,
    );
}

#[test]
fn imports_are_followed_and_what_is_missing_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), content).expect("a file");
    write(
        "Caddyfile",
        "import sites/*\n:81 {\n\timport tail\n\timport nowhere.conf\n}\n",
    );
    fs::create_dir(folder.path().join("sites")).expect("a folder");
    write("sites/a", ":80 {\n\trespond 204\n}\n");
    write("tail", "reverse_proxy gateway:8009\n");
    let text = Text::open(&folder.path().join("Caddyfile")).expect("it is there");
    let conf = read(&text);
    assert_eq!(conf.files.len(), 3);
    assert_eq!(
        conf.listeners.iter().map(|one| one.port).collect::<Vec<_>>(),
        [Some(80), Some(81)]
    );
    let said: Vec<_> = conf
        .problems
        .iter()
        .map(|problem| (problem.at.line, problem.starts))
        .collect();
    assert_eq!(said, [(4, true)]);
    let to_gateway = conf
        .listeners
        .iter()
        .flat_map(|one| &one.routes)
        .find(|route| route.at.file.ends_with("tail"));
    assert_eq!(to_gateway.map(|route| route.at.line), Some(1));
}

#[test]
fn imports_that_go_round_in_a_circle_end() {
    let conf = read(&Text::new(
        "Caddyfile",
        "(a) {\n\timport b\n}\n(b) {\n\timport a\n}\n:80 {\n\timport a\n}\n",
    ));
    assert!(conf.problems.iter().any(|problem| problem.what.contains("circle")));
}

#[test]
fn a_plugins_directive_is_known_by_its_order() {
    let site = ":80 {\n\trate_limit\n\trespond 1\n}\n";
    let conf = read(&Text::new("Caddyfile", site));
    assert_eq!(conf.problems.first().map(|problem| problem.at.line), Some(2));
    let conf = read(&Text::new(
        "Caddyfile",
        format!("{{\n\torder rate_limit before respond\n}}\n{site}"),
    ));
    assert_eq!(conf.problems, []);
    assert_eq!(
        conf.listeners
            .first()
            .map(|one| one.routes.first().map(|route| route.guards.len())),
        Some(Some(1))
    );
}

#[test]
fn every_configuration_of_the_lab_is_read() {
    for text in lab::healthy("caddy") {
        let conf = read(&text);
        assert_eq!(conf.problems, [], "{}", text.name);
        assert!(!conf.listeners.is_empty(), "{}", text.name);
    }
}

#[test]
fn every_broken_configuration_is_refused_and_nothing_is_guessed() {
    for text in lab::broken("caddy") {
        let conf = read(&text);
        assert_eq!(
            conf.problems.iter().filter(|problem| !problem.starts).count(),
            1,
            "{}",
            text.name
        );
        assert_eq!(conf.listeners, [], "{}", text.name);
    }
}

#[test]
fn a_thousand_handles_are_read_in_time() {
    let mut content = "a.example.com {\n".to_owned();
    for at in 0..1_000 {
        content.push_str(&format!(
            "\t@m{at} path_regexp ^/x{at}/(a|b)+\n\thandle @m{at} {{\n\t\treverse_proxy h{at}:80\n\t}}\n"
        ));
        content.push_str(&format!("\tbasic_auth /p{at}/* {{\n\t\ta b\n\t}}\n"));
    }
    content.push_str("}\n");
    let started = Instant::now();
    let conf = read(&Text::new("Caddyfile", content));
    assert_eq!((conf.problems, conf.listeners.len()), (Vec::new(), 1));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

fn word() -> impl Strategy<Value = String> {
    let words = "{ } {} gw.example.com :80 https://x @a * /x/* path not host header respond 200 reverse_proxy h2c://g:1 transport http versions \
                 handle handle_path route redir import (a) a {args[0]} {$X} {$X:y} \" ` <<E E \\ # tls protocols client_auth servers timeouts read_body";
    let words: Vec<&str> = words
        .split_ascii_whitespace()
        .chain(["\n"; 20])
        .chain(["{\n"; 8])
        .chain(["\n}\n"; 8])
        .collect();
    prop::sample::select(words).prop_map(str::to_owned)
}

proptest::proptest! {
    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(word(), 0..60)) {
        read(&Text::new("Caddyfile", words.join(" ")));
    }

    #[test]
    fn any_text_is_read_or_refused(content in ".{0,80}") {
        read(&Text::new("Caddyfile", content));
    }

    #[test]
    fn any_json_is_read(path in "[a-z*/{.]{0,6}", kind in "(subroute|reverse_proxy|rewrite|x)", depth in 0_usize..60) {
        let inner = format!(r#"{{"handler": "{kind}", "routes": [], "upstreams": [{{"dial": "{path}"}}], "match": {path:?}}}"#);
        let deep = (0..depth).fold(inner, |inner, _| format!(r#"{{"handler": "subroute", "routes": [{{"handle": [{inner}]}}]}}"#));
        read(&Text::new("c.json", format!(r#"{{"apps": {{"http": {{"servers": {{"a": {{"listen": [":1"], "routes": [{{"handle": [{deep}]}}]}}}}}}}}}}"#)));
    }
}
