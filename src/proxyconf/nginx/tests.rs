use std::fmt::Write;
use std::fs;
use std::path::Path as File;

use proptest::prelude::*;

use super::read;
use crate::proxyconf::ProxyConf;
use crate::proxyconf::outline::outline;
use crate::proxyconf::source::{Includes, Text};

/// What is read of a text that stands alone.
fn conf(content: &str) -> ProxyConf {
    let mut conf = ProxyConf::default();
    read(&Text::new("nginx.conf", content), &mut Includes::default(), &mut conf);
    conf
}

/// What a file of the laboratory says, with something sensible in its holes.
fn lab(content: &str) -> String {
    let mut filled = content.to_owned();
    for (hole, value) in [
        ("@LISTEN@", "8443"),
        ("@GRPC_PORT@", "8010"),
        ("@REST_PORT@", "8009"),
        ("@GRPC_TLS_PORT@", "9010"),
        ("@DEAD_PORT@", "9011"),
        ("@SILENT_PORT@", "9012"),
        ("@SSH_PORT@", "9022"),
        ("@LOAD_STREAM@", "load_module modules/ngx_stream_module.so;"),
    ] {
        filled = filled.replace(hole, value);
    }
    let is_hole = |part: &str| part.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let mut out = String::new();
    for (index, part) in filled.split('@').enumerate() {
        out.push_str(if index % 2 == 1 && is_hole(part) { "/x" } else { part });
    }
    out
}

#[track_caller]
fn check(content: &str, expected: &str) {
    let found = outline(&conf(content));
    let found: Vec<&str> = found.lines().collect();
    let expected: Vec<&str> = expected.lines().skip(1).collect();
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}

/// What is refused of a text, each with its line.
fn problems(content: &str) -> Vec<String> {
    let all = conf(content).problems.into_iter();
    all.map(|one| format!("{}: {}", one.at.line, one.what)).collect()
}

#[test]
fn every_configuration_of_the_laboratory_is_read_without_a_problem() {
    let root = File::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab");
    let mut read = 0;
    let mut found = String::new();
    for folder in ["nginx", "ours/nginx"] {
        for entry in fs::read_dir(root.join(folder)).expect("the laboratory is there") {
            let path = entry.expect("it can be listed").path();
            let content = fs::read_to_string(&path).expect("it can be read");
            let conf = conf(&lab(&content));
            for problem in &conf.problems {
                let _ = writeln!(found, "{}: {problem:?}", path.display());
            }
            assert!(!conf.listeners.is_empty(), "{} has no listener", path.display());
            read += 1;
        }
    }
    assert_eq!(found, "");
    assert!(read >= 80, "{read}");
}

#[test]
fn a_healthy_server_says_all_that_matters() {
    check(
        "events {}
http {
  underscores_in_headers on;
  server {
    listen 443 ssl;
    http2 on;
    server_name gw.example.com;
    ssl_certificate /etc/ssl/gw.pem;
    ssl_certificate_key /etc/ssl/gw.key;
    location /protobuf.Transport/ {
      client_max_body_size 0;
      client_body_timeout 1h;
      grpc_read_timeout 1h;
      grpc_pass grpc://127.0.0.1:8010;
    }
    location / {
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_request_buffering off;
      proxy_pass http://gateway;
    }
  }
  upstream gateway { server 10.0.0.1:8009; server 10.0.0.2 backup; server 10.0.0.3:8009 down; }
}",
        "
listener @4 nginx :443 Http [Name(\"gw.example.com\")]
  tls @5 /etc/ssl/gw.pem@8
  http2 Spoken@6 (http2)
  header 8192@4? (large_client_header_buffers)
  streams 128@4? (http2_max_concurrent_streams)
  requests 1000@4? (keepalive_requests)
  age 3600000@4? (keepalive_time)
  route @10 Exact(\"/protobuf.Transport\")
    redirect /protobuf.Transport/
  route @10 Prefix(\"/protobuf.Transport/\")
    to Http2 @14 tls false@14 127.0.0.1:8010
    idle 3600000@13 (grpc_read_timeout)
    idle 3600000@12 (client_body_timeout)
  route @16 All
    to Http1 @21 tls false@21 gateway 10.0.0.1:8009 10.0.0.2:80 backup
    buffers-requests false@20 buffers-responses true@16? upgrades true@18
    body 1048576@16? (client_max_body_size)",
    );
}

/// What a listener's routes are, in their order, as `path action`.
fn routes(content: &str) -> Vec<String> {
    let conf = conf(content);
    assert_eq!(conf.problems, []);
    let all = conf.listeners.iter().flat_map(|one| &one.routes);
    all.map(|one| {
        let action = match &one.action {
            crate::proxyconf::Action::Forward(to) => format!("{:?}", to.speaks.value),
            other => format!("{other:?}"),
        };
        let when: Vec<String> = one
            .when
            .iter()
            .map(|one| format!(" {}{:?}", if one.not { "not " } else { "" }, one.asks))
            .collect();
        format!("{:?} {action}{}", one.path, when.concat())
    })
    .collect()
}

#[test]
fn locations_are_asked_in_the_order_of_nginx() {
    assert_eq!(
        routes(
            "server {
  location / { return 200; }
  location /protobuf { return 201; }
  location ~ Transport { return 202; }
  location ~* ^/PROTOBUF { return 203; }
  location ^~ /static { return 204; }
  location = /protobuf.Transport/Connect { return 205; }
  location /protobuf.Transport { return 206; }
  location @fallback { return 207; }
}"
        ),
        [
            "Exact(\"/protobuf.Transport/Connect\") Answer(205)",
            "Prefix(\"/static\") Answer(204)",
            "Matches(\"Transport\") Answer(202)",
            "Matches(\"(?i)^/PROTOBUF\") Answer(203)",
            "Prefix(\"/protobuf.Transport\") Answer(206)",
            "Prefix(\"/protobuf\") Answer(201)",
            "All Answer(200)",
        ]
    );
}

#[test]
fn an_expression_is_asked_only_where_no_prefix_keeps_it_out() {
    assert_eq!(
        routes(
            "server {
  location ^~ /a/ { return 201; }
  location /a/b/ { return 202; }
  location ~ ^/a/b/c { return 203; }
  location ~ d$ { return 204; }
  location ~ ^/x { return 205; }
}"
        ),
        [
            "Matches(\"^/a/b/c\") Answer(203)",
            "Matches(\"d$\") Answer(204) Else(\"location /a/b/\")",
            "Prefix(\"/a/b/\") Answer(202)",
            "Prefix(\"/a/\") Answer(201)",
            "Matches(\"^/a/b/c\") Answer(203)",
            "Matches(\"d$\") Answer(204)",
            "Matches(\"^/x\") Answer(205)",
            "All Answer(200)",
        ]
    );
}

#[test]
fn a_location_inside_of_another_comes_before_it() {
    assert_eq!(
        routes(
            "server {
  location / {
    location /protobuf.Transport/ { location = /protobuf.Transport/HealthCheck { return 201; } return 202; }
    return 203;
  }
}"
        ),
        [
            "Exact(\"/protobuf.Transport/HealthCheck\") Answer(201)",
            "Prefix(\"/protobuf.Transport/\") Answer(202)",
            "All Answer(203)",
        ]
    );
}

#[test]
fn nginx_adds_a_slash_only_where_a_request_arrives() {
    assert_eq!(
        routes(
            "server {
  location /a { location /a/ { grpc_pass x:1; } return 200; }
  location /b/ { location /b/ { grpc_pass x:1; } return 201; }
  location ~* ^/c { location ~ ^/cd { return 202; } return 203; }
  location / { return 204; }
}"
        ),
        [
            "Prefix(\"/b/\") Http2",
            "Prefix(\"/b/\") Answer(201)",
            "Exact(\"/a\") Redirect(\"/a/\")",
            "Prefix(\"/a/\") Http2",
            "Prefix(\"/a\") Answer(200)",
            "Matches(\"^/cd\") Answer(202) Else(\"location ~* ^/c\")",
            "Matches(\"(?i)^/c\") Answer(203)",
            "All Answer(204)",
        ]
    );
}

#[test]
fn rewriting_directives_are_followed_where_they_are_simple() {
    assert_eq!(
        routes(
            "server {
  listen 80;
  if ($request_method !~ ^(GET|POST)$) { return 405; }
  if ($scheme = https) { return 500; }
  if ($http_user_agent ~* bot) { return 403; }
  if ($http_x_forwarded_proto != https) { return 301 https://$host$request_uri; }
  location /protobuf.Transport/ {
    if ($content_type !~ ^application/grpc) { return 404; }
    rewrite ^/old /new last;
    grpc_pass gateway:8010;
  }
  location /grpc { rewrite ^ /x last; grpc_pass gateway:8010; }
  location /api/ { rewrite ^/login$ https://sso/ permanent; proxy_pass http://gateway:8009; }
  location / { rewrite ^/login https://sso/ redirect; try_files $uri @app; }
  location @app { proxy_pass http://gateway:8009; }
  return 302 /later;
}"
        ),
        [
            "All Answer(405) not Method([\"GET\", \"POST\"])",
            "All Answer(403) Header(\"user-agent\", \"bot\")",
            "All Redirect(\"https://$host$request_uri\") Else(\"$http_x_forwarded_proto != https\")",
            "All Redirect(\"/later\")",
        ]
    );
    assert_eq!(
        routes(
            "server {
  location /protobuf.Transport/ {
    if ($content_type !~ ^application/grpc) { return 404; }
    rewrite ^/old /new last;
    grpc_pass gateway:8010;
  }
  location /grpc { rewrite ^ /x last; grpc_pass gateway:8010; }
  location / { rewrite ^/login https://sso/ redirect; try_files $uri @app; }
  location @app { proxy_pass http://gateway:8009; }
}"
        ),
        [
            "Exact(\"/protobuf.Transport\") Redirect(\"/protobuf.Transport/\")",
            "Prefix(\"/protobuf.Transport/\") Answer(404) not Header(\"content-type\", \"application/grpc\")",
            "Prefix(\"/protobuf.Transport/\") Http2",
            "Prefix(\"/grpc\") Else(\"rewrite ^ /x\")",
            "Matches(\"^/login\") Redirect(\"https://sso/\")",
            "All Http1",
        ]
    );
}

#[test]
fn a_condition_about_the_host_is_a_host_of_the_route() {
    let conf =
        conf("server { listen 80; if ($host = gw.example.com) { return 301 https://$host$request_uri; } return 404; }");
    let [listener] = conf.listeners.as_slice() else {
        panic!("{conf:?}")
    };
    assert!(
        outline(&conf).contains("route @1 All hosts [Name(\"gw.example.com\")]\n    redirect"),
        "{}",
        outline(&conf)
    );
    assert_eq!(listener.routes.len(), 2);
}

#[test]
fn directives_are_inherited_one_by_one_but_lists_as_a_whole() {
    let text = "server {
  client_max_body_size 0;
  grpc_set_header Authorization '';
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection upgrade;
  proxy_http_version 1.1;
  auth_basic closed;
  location /a/ { grpc_set_header X-A b; grpc_pass grpcs://gateway:443; }
  location /b/ { auth_basic off; grpc_pass gateway:8010; }
  location /c/ { proxy_set_header Host $host; proxy_pass https://gateway; }
  location /d/ { proxy_pass http://gateway/; }
}";
    let found = outline(&conf(text));
    let of = |path: &str| {
        let start = found.find(&format!("Prefix(\"{path}\")")).unwrap_or_default();
        found
            .get(start..)
            .unwrap_or_default()
            .split("  route")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        of("/a/"),
        "Prefix(\"/a/\")
    to Http2 @8 tls true@8 gateway:443
    guard Authenticates @7 auth_basic
    idle 60000@8? (grpc_read_timeout)
    idle 60000@8? (client_body_timeout)\n"
    );
    assert_eq!(
        of("/b/"),
        "Prefix(\"/b/\")
    to Http2 @9 tls false@9 gateway:8010
    removes authorization@3
    idle 60000@9? (grpc_read_timeout)
    idle 60000@9? (client_body_timeout)\n"
    );
    assert!(of("/c/").contains("upgrades false@10?"), "{}", of("/c/"));
    assert!(of("/c/").contains("removes hoop_key@1?"), "{}", of("/c/"));
    assert!(of("/d/").contains("upgrades true@4"), "{}", of("/d/"));
    assert!(of("/d/").contains("rewrites @11"), "{}", of("/d/"));
}

#[test]
fn what_one_listen_says_holds_for_all_servers_of_the_address() {
    check(
        "events {} http {
  server { listen 443 default_server; server_name _; return 404; }
  server { listen *:443 ssl http2; server_name .example.com ~^gw; return 403;
    ssl_certificate /a; ssl_certificate_key /b; ssl_protocols TLSv1 TLSv1.2; ssl_verify_client on; }
  server { listen 10.0.0.1:443 proxy_protocol; listen [::]:8443; return 402; }
  server { listen 443; ssl_certificate /c; ssl_certificate_key /d; return 401; ssl_reject_handshake on; }
}",
        "
problem @2:3 no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in nginx.conf:2",
    );
    check(
        "http {
  ssl_certificate /e; ssl_certificate_key /f;
  server { listen 443 default_server; server_name _; return 404; }
  server { listen *:443 ssl http2; server_name .example.com ~^gw; return 403;
    ssl_certificate /a; ssl_certificate_key /b; ssl_protocols TLSv1 TLSv1.2; ssl_verify_client on; }
  server { listen 10.0.0.1:443 proxy_protocol; listen [::]:8443; return 402; http2_max_concurrent_streams 1; }
  server { listen 443; listen 443 quic; ssl_reject_handshake on; large_client_header_buffers 4 1k; return 401; }
}",
        "
listener @3 nginx :443 Http []
  tls @4 /e@2
  http2 Spoken@4 (http2)
  header 8192@3? (large_client_header_buffers)
  streams 128@3? (http2_max_concurrent_streams)
  requests 1000@3? (keepalive_requests)
  age 3600000@3? (keepalive_time)
  route @3 All
    answer 404
listener @4 nginx :443 Http [Name(\"example.com\"), Below(\".example.com\"), Else(\"~^gw\")]
  tls @4 /a@5 client-certificate true@5 newest 1.2@5
  http2 Spoken@4 (http2)
  header 8192@4? (large_client_header_buffers)
  streams 128@4? (http2_max_concurrent_streams)
  requests 1000@4? (keepalive_requests)
  age 3600000@4? (keepalive_time)
  route @4 All
    answer 403
listener @6 nginx :443 Http []
  http2 Http1Only@6? (http2)
  proxy-protocol @6
  header 8192@6? (large_client_header_buffers)
  route @6 All
    answer 402
listener @6 nginx :8443 Http []
  http2 Http1Only@6? (http2)
  header 8192@6? (large_client_header_buffers)
  route @6 All
    answer 402
listener @7 nginx :443 Http [Name(\"\")]
  tls @4 /e@2 rejects @7
  http2 Spoken@4 (http2)
  header 1024@7 (large_client_header_buffers)
  streams 128@7? (http2_max_concurrent_streams)
  requests 1000@7? (keepalive_requests)
  age 3600000@7? (keepalive_time)
  route @7 All
    answer 401",
    );
}

#[test]
fn guards_stand_before_content_but_not_before_a_return() {
    check(
        "server {
  listen 8080 http2;
  allow 10.0.0.0/8;
  deny all;
  location /a { deny all; auth_request /auth; limit_req zone=z; limit_conn c 1; grpc_pass x:1; }
  location /b { deny all; return 403; }
  location /c { satisfy any; allow all; auth_basic x; grpc_pass x:1; client_max_body_size 0; }
  location /d { limit_except GET { deny all; } grpc_pass x:1; grpc_read_timeout 1d; client_body_timeout 2m; }
}",
        "
listener @1 nginx :8080 Http []
  http2 Spoken@2 (http2)
  header 8192@1? (large_client_header_buffers)
  streams 128@1? (http2_max_concurrent_streams)
  requests 1000@1? (keepalive_requests)
  age 3600000@1? (keepalive_time)
  route @5 Prefix(\"/a\")
    to Http2 @5 tls false@5 x:1
    guard Authenticates @5 auth_request
    guard Limits @5 limit_req
    guard Limits @5 limit_conn
    guard Denies @5 deny all
    body 1048576@5? (client_max_body_size)
    idle 60000@5? (grpc_read_timeout)
    idle 60000@5? (client_body_timeout)
  route @6 Prefix(\"/b\")
    answer 403
  route @7 Prefix(\"/c\")
    to Http2 @7 tls false@7 x:1
    idle 60000@7? (grpc_read_timeout)
    idle 60000@7? (client_body_timeout)
  route @8 Prefix(\"/d\") when not Method([\"GET\", \"HEAD\"])
    answer 403
  route @8 Prefix(\"/d\")
    to Http2 @8 tls false@8 x:1
    body 1048576@8? (client_max_body_size)
    idle 86400000@8 (grpc_read_timeout)
    idle 120000@8 (client_body_timeout)
  route @1 All
    answer 200",
    );
}

#[test]
fn what_is_a_variable_stays_unknown_unless_it_is_set_once() {
    let text = "server {
  set $name gateway.internal;
  location /a { grpc_pass $backend; }
  location /b { grpc_pass grpc://$name:8010; }
  location /c { proxy_pass http://$arg_host:8009$request_uri; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }
}";
    let found = outline(&conf(text));
    assert!(found.contains("to Http2 @3\n"), "{found}");
    assert!(
        found.contains("to Http2 @4 tls false@4 gateway.internal:8010\n"),
        "{found}"
    );
    assert!(found.contains("to Http1 @5 tls false@5 $arg_host:8009\n"), "{found}");
    assert!(!found.contains("upgrades"), "which nginx reads it isn't known: {found}");
}

#[test]
fn a_stream_passes_bytes_on() {
    check(
        "stream {
  map $ssl_preread_server_name $to { gw.example.com gateway; *.example.org 10.0.0.9:443; default 127.0.0.1:9; }
  upstream gateway { server 10.0.0.1:8010; }
  server { listen 443; ssl_preread on; proxy_pass $to; proxy_timeout 1h; }
  server { listen 8443 ssl; ssl_certificate /a; ssl_certificate_key /b; proxy_pass gateway; proxy_protocol on; }
  server { listen 9443 ssl; ssl_certificate /a; ssl_certificate_key /b; ssl_alpn h2; proxy_pass gateway; proxy_ssl on; deny all; }
  server { listen 53 udp; proxy_pass 10.0.0.2:53; }
}",
        "
listener @4 nginx :443 Tcp []
  tls passed
  route @4 All hosts [Name(\"gw.example.com\")]
    to AsClient @2 gateway 10.0.0.1:8010
    idle 3600000@4 (proxy_timeout)
  route @4 All hosts [Below(\".example.org\")]
    to AsClient @2 10.0.0.9:443
    idle 3600000@4 (proxy_timeout)
  route @4 All
    to AsClient @2 127.0.0.1:9
    idle 3600000@4 (proxy_timeout)
listener @5 nginx :8443 Tcp []
  tls @5 /a@5
  http2 NoAlpn@5? (ssl_alpn)
  route @5 All
    to AsClient @5 tls false@5? gateway 10.0.0.1:8010 sends-proxy @5
    idle 600000@5? (proxy_timeout)
listener @6 nginx :9443 Tcp []
  tls @6 /a@6
  http2 Spoken@6 (ssl_alpn)
  route @6 All
    to AsClient @6 tls true@6 gateway 10.0.0.1:8010
    guard Denies @6 deny all
    idle 600000@6? (proxy_timeout)",
    );
}

#[test]
fn a_fragment_is_read_where_it_belongs() {
    let of = |content: &str| {
        let conf = conf(content);
        let listeners: Vec<_> = conf
            .listeners
            .iter()
            .map(|one| (one.layer, one.port, one.routes.len()))
            .collect();
        (conf.problems.len(), listeners)
    };
    use crate::proxyconf::Layer::{Http, Tcp};
    assert_eq!(
        of("server { listen 443; location / { return 200; } }"),
        (0, vec![(Http, Some(443), 1)])
    );
    assert_eq!(of("location / { grpc_pass x:1; }"), (0, vec![(Http, None, 1)]));
    assert_eq!(
        of("listen 443 ssl; location / { grpc_pass x:1; }"),
        (0, vec![(Http, Some(443), 1)])
    );
    assert_eq!(of("grpc_pass x:1; grpc_read_timeout 1h;"), (0, vec![(Http, None, 1)]));
    assert_eq!(
        of("server { listen 443; proxy_pass x:1; }"),
        (0, vec![(Tcp, Some(443), 1)])
    );
    assert_eq!(of("ssl_protocols TLSv1.3; ssl_session_tickets off;"), (0, vec![]));
    assert_eq!(of(""), (0, vec![]));
    // TLS and HTTP/2 of a location alone are decided elsewhere.
    let conf = conf("location / { grpc_pass x:1; }");
    assert_eq!(conf.listeners[0].tls, crate::proxyconf::Tls::Unknown);
    assert_eq!(conf.listeners[0].http2, None);
}

#[test]
fn directives_of_other_modules_are_no_mistake() {
    assert_eq!(
        problems("server { more_set_headers 'X: y'; vhost_traffic_status on; }"),
        [] as [String; 0]
    );
    assert_eq!(
        problems(
            "server { location / { content_by_lua_block { if x then y = \"}\" end -- } \n ngx.say([[ } ]]) } } listen 80; }"
        ),
        [] as [String; 0]
    );
    assert_eq!(
        problems("server { somebodys_own on; }"),
        ["1: unknown directive \"somebodys_own\""]
    );
    let loaded = "load_module modules/ngx_http_own_module.so; events {} http { server { somebodys_own on; } }";
    assert_eq!(problems(loaded), [] as [String; 0]);
    let stream = "load_module modules/ngx_stream_module.so; events {} http { somebodys_own on; }";
    assert_eq!(problems(stream), ["1: unknown directive \"somebodys_own\""]);
}

#[test]
fn a_file_that_nginx_would_refuse_has_no_listeners() {
    let conf = conf("server {\n  listen 443;\n  grpc_pas x;\n}");
    assert_eq!(conf.listeners, []);
    assert_eq!(conf.problems.len(), 1);
    assert_eq!((conf.problems[0].at.line, conf.problems[0].at.column), (3, 13));
    assert!(!conf.problems[0].starts);
}

#[test]
fn words_are_read_as_nginx_reads_them() {
    let check = |content: &str, problem: &str| assert_eq!(problems(content), [problem], "{content}");
    check("server { listen 80; \n", "2: unexpected end of file, expecting \"}\"");
    check(
        "server { listen 80",
        "1: unexpected end of file, expecting \";\" or \"}\"",
    );
    check("server { return 200 \"a\"b; }", "1: unexpected \"b\"");
    check("; server {}", "1: unexpected \";\"");
    check(
        "server { location / { grpc_pass gateway; } }",
        "1: no port in upstream \"gateway\"",
    );
    check(
        "server { location ~ ^/a { location /a/b { return 200; } } }",
        "1: location \"/a/b\" is outside location \"^/a\"",
    );
    check("server { if $x { return 200; } }", "1: invalid condition \"$x\"");
    check("server { listen 80; } }", "1: unexpected \"}\"");
    check(
        &format!("server {{ return 200 \"{}; }}", "x".repeat(5000)),
        "1: too long parameter, probably missing terminating \"\"\" character",
    );
    assert_eq!(
        routes("server { return 200 'a b\\'c;{}#' ; # a comment }\n }"),
        ["All Answer(200)"]
    );
    assert_eq!(
        routes("server { return 302 https://${host}/x; }"),
        ["All Redirect(\"https://${host}/x\")"]
    );
}

#[test]
fn included_files_have_places_of_their_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
        fs::write(&path, content).expect("it can be written");
        path
    };
    let main = write(
        "nginx.conf",
        "events {}\nhttp {\n  include mime.types;\n  include conf.d/*.conf;\n  include none/*.conf;\n}\n",
    );
    write("conf.d/b.conf", "server { listen 81;\n include snippets/ok.conf; }");
    let server = write(
        "conf.d/a.conf",
        "# first\nserver { listen 80; include snippets/ok.conf; }",
    );
    write(
        "snippets/ok.conf",
        "return 200; # hoop-doctor: allow HD706 because it is a test",
    );
    let read_from = |path: &File| {
        let mut conf = ProxyConf::default();
        let text = Text::open(path).expect("it can be read");
        read(&text, &mut Includes::default(), &mut conf);
        conf
    };
    let conf = read_from(&main);
    assert_eq!(conf.problems, []);
    let names = |conf: &ProxyConf| -> Vec<String> {
        let ends = conf
            .files
            .iter()
            .map(|one| one.name.rsplit('/').next().unwrap_or_default().to_owned());
        ends.collect()
    };
    assert_eq!(names(&conf), ["nginx.conf", "a.conf", "ok.conf", "b.conf", "ok.conf"]);
    let ports: Vec<_> = conf.listeners.iter().map(|one| (one.port, one.at.line)).collect();
    assert_eq!(ports, [(Some(80), 2), (Some(81), 1)]);
    assert!(conf.listeners[0].at.file.ends_with("conf.d/a.conf"));
    assert!(conf.listeners[0].routes[0].at.file.ends_with("snippets/ok.conf"));
    assert_eq!(conf.allowed.len(), 2);

    // A fragment's own includes begin at the folder of the main file.
    let alone = read_from(&server);
    assert_eq!((alone.problems.len(), alone.listeners.len()), (0, 1));

    write("snippets/ok.conf", "return 200");
    let broken = read_from(&main);
    assert_eq!(
        broken.problems[0].what,
        "unexpected end of file, expecting \";\" or \"}\""
    );
    assert!(broken.problems[0].at.file.ends_with("snippets/ok.conf"));

    write("snippets/ok.conf", "include snippets/ok.conf;");
    assert!(read_from(&server).problems[0].what.contains("includes itself"));

    fs::remove_file(dir.path().join("snippets/ok.conf")).expect("it was there");
    let missing = read_from(&server);
    assert!(
        missing.problems[0].what.starts_with("open() "),
        "{:?}",
        missing.problems
    );
    assert!(missing.problems[0].starts);
    assert_eq!(missing.listeners.len(), 1, "what is known stays");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(content in "[\\x20-\\x7eäß\\n{};\"'$\\\\#]{0,200}") {
        conf(&content);
    }

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..60)) {
        conf(&words.join(" "));
    }
}

const WORDS: [&str; 44] = [
    "http {",
    "server {",
    "stream {",
    "location",
    "/",
    "/a/",
    "= /a/",
    "~ ^/a",
    "^~ /a",
    "@x",
    "{",
    "}",
    "}",
    "}",
    ";",
    ";",
    ";",
    "listen",
    "443",
    "ssl",
    "http2 on;",
    "grpc_pass",
    "grpc://x:1",
    "$x",
    "proxy_pass",
    "http://u/b",
    "upstream u {",
    "if ($host = a) {",
    "return",
    "301",
    "rewrite ^ /a last;",
    "set $x $x;",
    "try_files $uri @x;",
    "include",
    "deny all;",
    "limit_except GET {",
    "proxy_set_header Upgrade x;",
    "client_max_body_size",
    "99999999999999999999g",
    "types {",
    "map $ssl_preread_server_name $x {",
    "content_by_lua_block {",
    "'",
    "ssl_certificate /x;",
];
