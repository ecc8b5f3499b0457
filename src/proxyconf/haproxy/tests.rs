//! What the reader makes of small files, each with one idea; of the lab's; and of any bytes.

use std::time::{Duration, Instant};

use proptest::prelude::{Strategy, prop};

use crate::proxyconf::outline::outline;
use crate::proxyconf::source::Text;
use crate::proxyconf::{ProxyConf, lab};

fn read(text: &Text) -> ProxyConf {
    let mut conf = ProxyConf::default();
    super::read(text, &mut conf);
    conf
}

#[track_caller]
fn check(input: &str, expected: &str) {
    // Both begin on a line of their own.
    let [input, expected] = [input, expected].map(|text| text.trim_start_matches('\n'));
    assert_eq!(outline(&read(&Text::new("haproxy.cfg", input))), expected);
}

#[test]
fn routes_are_in_the_order_of_their_rules() {
    check(
        r#"
frontend fe
  mode http
  bind :443 ssl crt /etc/gw.pem alpn h2,http/1.1
  acl grpc path_beg -i /protobuf.Transport/
  acl grpc req.hdr(content-type) -m beg application/grpc
  acl api path_beg /api /ssm
  use_backend grpc if grpc METH_POST
  use_backend rest if api or { path / } !{ src 10.0.0.0/8 }
backend grpc
  mode http
  timeout server 1h
  server g gateway:8010 proto h2
backend rest
  mode http
  server r gateway:8009
"#,
        r#"
listener @3 HAProxy :443 Http []
  tls @3 /etc/gw.pem@3
  http2 Spoken@3 (alpn)
  streams 100@3? (tune.h2.max-concurrent-streams)
  route @7 PrefixAnyCase("/protobuf.Transport/") when Method(["POST"])
    to Http2 @12 tls false@12? grpc gateway:8010
    idle 3600000@11 (timeout server)
  route @7 All when Header("content-type", "application/grpc") when Method(["POST"])
    to Http2 @12 tls false@12? grpc gateway:8010
    idle 3600000@11 (timeout server)
  route @8 Any([Prefix("/api"), Prefix("/ssm")])
    to Http1 @15 tls false@15? rest gateway:8009
    upgrades true@8?
  route @8 Exact("/") when not Else("src 10.0.0.0/8")
    to Http1 @15 tls false@15? rest gateway:8009
    upgrades true@8?
  route @1 All
    answer 503
"#,
    );
}

#[test]
fn what_a_section_inherits_is_that_of_its_defaults() {
    check(
        r#"
defaults slow
  mode http
  timeout server 1h
  retry-on 503
defaults quick from slow
  timeout server 10s
  default-server proto h2 check
frontend fe from slow
  bind :80
  default_backend grpc
backend grpc
  retries 5
  server g 10.0.0.1:8010 backup
  server h 10.0.0.2:8010 no-check proto h1 disabled
"#,
        r#"
listener @9 HAProxy :80 Http []
  http2 Spoken@9? (proto)
  streams 100@9? (tune.h2.max-concurrent-streams)
  route @10 All
    to Http2 @13 tls false@13? grpc 10.0.0.1:8010 backup
    check @13 Tcp
    retries Some(5)@4
    idle 10000@6 (timeout server)
"#,
    );
}

#[test]
fn a_condition_on_a_part_of_a_route_cuts_it() {
    check(
        r#"
listen all
  mode http
  bind :80
  http-request allow if { path_beg /api }
  http-request deny unless { path_beg /protobuf.Transport/ }
  http-request set-path /x%[path] if { path_beg /protobuf }
  http-request del-header author -m beg if { path_beg /protobuf.Transport/ }
  server s gateway:8010 proto h2
"#,
        r#"
listener @3 HAProxy :80 Http []
  http2 Spoken@3? (proto)
  streams 100@3? (tune.h2.max-concurrent-streams)
  route @1 Prefix("/protobuf.Transport/") when not Path(Prefix("/api"))
    to Http2 @8 tls false@8? all gateway:8010
    removes author*@7
    rewrites @6
  route @1 Prefix("/protobuf") when not Path(Prefix("/api"))
    to Http2 @8 tls false@8? all gateway:8010
    rewrites @6
  route @1 All when not Path(Prefix("/protobuf.Transport/")) when not Path(Prefix("/api"))
    to Http2 @8 tls false@8? all gateway:8010
    guard Denies @5 http-request deny
  route @1 All
    to Http2 @8 tls false@8? all gateway:8010
"#,
    );
}

#[test]
fn a_backend_has_rules_too_and_what_comes_first_stands_first() {
    check(
        r#"
frontend fe
  mode http
  bind :80
  redirect scheme https unless { ssl_fc }
  http-request auth realm x unless { http_auth(people) }
  http-request track-sc0 src
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100 } { path_beg /api }
  default_backend b
backend b
  mode http
  http-request return status 200 content-type text/plain string "if ok" if { path /ping }
  http-request wait-for-body time 1s
  http-request set-timeout server 2h
  timeout server 5s
  server s gateway:8009 ssl verify none maxconn 8
"#,
        r#"
listener @3 HAProxy :80 Http []
  http2 Spoken@3? (proto)
  streams 100@3? (tune.h2.max-concurrent-streams)
  route @4 Prefix("/api")
    redirect https://
    guard Authenticates @5 http-request auth
    guard Limits @7 http-request deny
  route @4 All
    redirect https://
    guard Authenticates @5 http-request auth
  route @11 Exact("/ping")
    answer 200
    guard Authenticates @5 http-request auth
  route @8 All
    to Http1 @15 tls true@15 b gateway:8009
    guard Authenticates @5 http-request auth
    guard Limits @15 maxconn
    buffers-requests true@12 upgrades true@8?
    idle 7200000@13 (http-request set-timeout server)
"#,
    );
}

#[test]
fn every_address_is_a_listener() {
    check(
        r#"
frontend fe
  mode http
  bind :80,[::1]:8080-8081 accept-proxy
  bind quic4@:443 ssl crt /x alpn h3
  bind unix@/run/x.sock
  bind "${ADDRESS}"
  http-request redirect location https://x.example/ if { dst_port 80 }
  use_backend a if { hdr(host) -i gw.example.com }
  use_backend b if { hdr(host),field(1,:) -i gw.example.com } || { hdr_dom(host) -i example.org }
backend a
  mode http
  server s 10.0.0.1
backend b
  mode http
"#,
        r#"
listener @3 HAProxy :80 Http []
  http2 Spoken@3? (proto)
  proxy-protocol @3
  streams 100@3? (tune.h2.max-concurrent-streams)
  route @7 All
    redirect https://x.example/
  route @8 All hosts [Name("gw.example.com")]
    to Http1 @12 tls false@12? a 10.0.0.1:80
    upgrades true@8?
  route @9 All hosts [Name("gw.example.com")]
    answer 503
  route @9 All hosts [Name("example.org"), Below(".example.org")]
    answer 503
  route @1 All
    answer 503
listener @3 HAProxy :8080 Http []
  http2 Spoken@3? (proto)
  proxy-protocol @3
  streams 100@3? (tune.h2.max-concurrent-streams)
  route @8 All when Never("hdr(host) -i gw.example.com")
    to Http1 @12 tls false@12? a 10.0.0.1:8080
    upgrades true@8?
  route @9 All hosts [Name("gw.example.com")]
    answer 503
  route @9 All hosts [Name("example.org"), Below(".example.org")]
    answer 503
  route @1 All
    answer 503
listener @3 HAProxy :8081 Http []
  http2 Spoken@3? (proto)
  proxy-protocol @3
  streams 100@3? (tune.h2.max-concurrent-streams)
  route @8 All when Never("hdr(host) -i gw.example.com")
    to Http1 @12 tls false@12? a 10.0.0.1:8081
    upgrades true@8?
  route @9 All hosts [Name("gw.example.com")]
    answer 503
  route @9 All hosts [Name("example.org"), Below(".example.org")]
    answer 503
  route @1 All
    answer 503
listener @5 HAProxy :? Http []
  http2 Spoken@5? (proto)
  streams 100@5? (tune.h2.max-concurrent-streams)
  route @7 All when Else("dst_port 80")
    redirect https://x.example/
  route @8 All hosts [Name("gw.example.com")]
    to Http1 @12 tls false@12? a 10.0.0.1:?
    upgrades true@8?
  route @9 All hosts [Name("gw.example.com")]
    answer 503
  route @9 All hosts [Name("example.org"), Below(".example.org")]
    answer 503
  route @1 All
    answer 503
listener @6 HAProxy :? Http []
  http2 Spoken@6? (proto)
  streams 100@6? (tune.h2.max-concurrent-streams)
  route @7 All when Else("dst_port 80")
    redirect https://x.example/
  route @8 All hosts [Name("gw.example.com")]
    to Http1 @12 tls false@12? a 10.0.0.1:?
    upgrades true@8?
  route @9 All hosts [Name("gw.example.com")]
    answer 503
  route @9 All hosts [Name("example.org"), Below(".example.org")]
    answer 503
  route @1 All
    answer 503
"#,
    );
}

#[test]
fn tls_has_its_own_words() {
    check(
        r#"
global
  ssl-default-bind-options no-tlsv13
  tune.h2.max-concurrent-streams 20
frontend a
  mode http
  bind :1 ssl crt /a.pem verify required ca-file /ca.pem alpn http/1.1
  bind :2 ssl crt-list /list.txt ssl-max-ver TLSv1.1
  bind :3 ssl crt /a.pem crt /b.pem alpn h2 proto h1
  bind :4 proto h1
  bind :5 ssl crt /a.pem verify optional ca-file /ca.pem no-tlsv12
  use_backend %[req.hdr(host),lower]
"#,
        r#"
listener @6 HAProxy :1 Http []
  tls @6 /a.pem@6 client-certificate true@6 newest 1.2@2
  http2 Http1Only@6 (alpn)
  streams 20@3 (tune.h2.max-concurrent-streams)
  route @11 All
    else backend %[req.hdr(host),lower]
  route @4 All
    answer 503
listener @7 HAProxy :2 Http []
  tls @7 /list.txt@7 newest 1.1@7
  streams 20@3 (tune.h2.max-concurrent-streams)
  route @11 All
    else backend %[req.hdr(host),lower]
  route @4 All
    answer 503
listener @8 HAProxy :3 Http []
  tls @8 /a.pem@8 /b.pem@8 newest 1.2@2
  http2 ChosenInVain@8 (alpn)
  streams 20@3 (tune.h2.max-concurrent-streams)
  route @11 All
    else backend %[req.hdr(host),lower]
  route @4 All
    answer 503
listener @9 HAProxy :4 Http []
  http2 Http1Only@9 (proto)
  streams 20@3 (tune.h2.max-concurrent-streams)
  route @11 All
    else backend %[req.hdr(host),lower]
  route @4 All
    answer 503
listener @10 HAProxy :5 Http []
  tls @10 /a.pem@10 client-certificate false@10 newest 1.1@10
  http2 NoAlpn@10? (alpn)
  streams 20@3 (tune.h2.max-concurrent-streams)
  route @11 All
    else backend %[req.hdr(host),lower]
  route @4 All
    answer 503
"#,
    );
}

#[test]
fn names_in_the_handshake_choose_between_upstreams() {
    check(
        r#"
frontend fe
  bind :443
  timeout client 5m
  tcp-request inspect-delay 5s
  tcp-request content accept if { req_ssl_hello_type 1 }
  use_backend grpc if { req.ssl_sni -i grpc.example.com }
  use_backend grpc if { req.ssl_sni -m end .example.org }
  default_backend rest
backend grpc
  timeout server 1m
  server g gateway:8010 send-proxy-v2
backend rest
  timeout tunnel 1h
  timeout server 1m
  server r gateway:8009
"#,
        r#"
listener @2 HAProxy :443 Tcp [Name("grpc.example.com")]
  tls passed
  route @6 All
    to AsClient @11 tls false@11? grpc gateway:8010 sends-proxy @11
    idle 60000@10 (timeout server)
    idle 300000@3 (timeout client)
listener @2 HAProxy :443 Tcp [Below(".example.org")]
  tls passed
  route @7 All
    to AsClient @11 tls false@11? grpc gateway:8010 sends-proxy @11
    idle 60000@10 (timeout server)
    idle 300000@3 (timeout client)
listener @2 HAProxy :443 Tcp []
  tls passed
  route @8 All
    to AsClient @15 tls false@15? rest gateway:8009
    idle 3600000@13 (timeout tunnel)
"#,
    );
}

#[test]
fn checks_ask_as_their_lines_say() {
    check(
        r#"
listen a
  mode http
  bind :1
  option httpchk OPTIONS /old
  http-check send meth GET uri /api/healthz
  http-check expect status 200,204
  server s gateway:8010 proto h2 check port 8009
listen b
  mode http
  bind :2
  option httpchk
  http-check connect ssl alpn h2 port 8010
  server s gateway:8010 ssl alpn h2 verify none check
listen c
  mode http
  bind :3
  server s gateway:8010 check
"#,
        r#"
listener @3 HAProxy :1 Http []
  http2 Spoken@3? (proto)
  streams 100@3? (tune.h2.max-concurrent-streams)
  route @1 All
    to Http2 @7 tls false@7? a gateway:8010
    check @4 Http1 port 8009@7 path /api/healthz@5 expects 200,204@6
listener @10 HAProxy :2 Http []
  http2 Spoken@10? (proto)
  streams 100@10? (tune.h2.max-concurrent-streams)
  route @8 All
    to Http2 @13 tls true@13 b gateway:8010
    check @11 Http2 port 8010@12 path /@11?
listener @16 HAProxy :3 Http []
  http2 Spoken@16? (proto)
  streams 100@16? (tune.h2.max-concurrent-streams)
  route @14 All
    to Http1 @17 tls false@17? c gateway:8010
    check @17 Tcp
    upgrades true@14?
"#,
    );
}

#[test]
fn what_depends_on_the_environment_is_unknown() {
    check(
        r#"
frontend fe
  mode http
  bind :80
  use_backend a if { hdr(host) -i "$NAME" }
  use_backend b if { path -f /etc/paths }
  use_backend "$BACKEND" if { path_sub grpc }
.if defined(X)
  default_backend nowhere
.endif
  default_backend a
backend a
  mode http
  server a "${HOST}:8010" proto h2
backend b
  mode http
  server-template b 1-3 gateway.svc:8009 alpn h2 ssl verify none
  server c gateway:8009
"#,
        r#"
listener @3 HAProxy :80 Http []
  http2 Spoken@3? (proto)
  streams 100@3? (tune.h2.max-concurrent-streams)
  route @4 All when Else("hdr(host) -i $NAME")
    to Http2 @13 tls false@13? a ${HOST}:8010:8010
  route @5 All when Else("path -f /etc/paths")
    to Unknown @16 b gateway.svc:8009 gateway:8009
  route @6 Matches("grpc")
    else backend $BACKEND
  route @10 All
    to Http2 @13 tls false@13? a ${HOST}:8010:8010
"#,
    );
}

#[test]
fn a_negated_path_stays_a_condition() {
    check(
        r#"
frontend fe
  mode http
  bind :80
  option http-buffer-request
  option http-restrict-req-hdr-names delete
  monitor-uri /alive
  use_backend rest if !{ path_beg /protobuf.Transport/ } !{ method POST PUT }
  default_backend none
backend rest
  mode http
  server a gateway:8009
backend none
  mode http
  server a gateway:8010 disabled
"#,
        r#"
listener @3 HAProxy :80 Http []
  http2 Spoken@3? (proto)
  streams 100@3? (tune.h2.max-concurrent-streams)
  route @6 Exact("/alive")
    answer 200
  route @7 All when not Path(Prefix("/protobuf.Transport/")) when not Method(["POST", "PUT"])
    to Http1 @11 tls false@11? rest gateway:8009
    removes hoop_key@5
    buffers-requests true@4 upgrades true@7?
  route @8 All
    answer 503
"#,
    );
}

#[test]
fn every_configuration_of_the_lab_is_read() {
    for text in lab::healthy("haproxy") {
        let conf = read(&text);
        assert_eq!(conf.problems, [], "{}", text.name);
        assert!(!conf.listeners.is_empty(), "{}", text.name);
    }
}

#[test]
fn every_broken_configuration_is_refused_and_nothing_is_guessed() {
    for text in lab::broken("haproxy") {
        let conf = read(&text);
        assert!(conf.problems.iter().any(|problem| !problem.starts), "{}", text.name);
        assert_eq!(conf.listeners, [], "{}", text.name);
    }
}

#[test]
fn the_slip_is_named_with_what_may_be_meant() {
    let input = "frontend fe\n bind :443 ssl crt /x alnp h2\n timeout client 3q\n use_backend x if y\n";
    let problems = read(&Text::new("haproxy.cfg", input)).problems;
    let said: Vec<String> = problems
        .iter()
        .map(|one| format!("{}:{} {}", one.at.line, one.at.column, one.what))
        .collect();
    assert_eq!(
        said,
        [
            "2:23 'bind :443' in section 'frontend': unknown keyword 'alnp'; did you mean 'alpn'?",
            "3:17 unexpected character 'q' in 'timeout client'",
            "4:19 error detected while parsing a condition of 'use_backend': no such ACL: 'y'",
        ]
    );
}

#[test]
fn what_a_newer_version_knows_is_no_problem() {
    let input = "global\n tune.new 1\nfrontend fe\n mode http\n bind :443 ssl crt /x default-crt /y guid-prefix z\n \
                 timeout client-hs 5s\n http-request set-bc-mark 1 if { req.new.fetch 3 }\n default_backend b\n\
                 backend b\n mode http\n server s 10.0.0.1:80 sni-auto init-state up\n";
    assert_eq!(read(&Text::new("haproxy.cfg", input)).problems, []);
}

#[test]
fn a_thousand_rules_are_read_in_time() {
    let mut content = "frontend fe\n mode http\n bind :80\n default_backend b\n".to_owned();
    for at in 0..1_000 {
        content.push_str(&format!(
            " acl a{at} path_reg ^/x{at}/(a|b)+\n use_backend b if a{at}\n"
        ));
        content.push_str(&format!(" http-request deny if a{at} || {{ path_beg /y{at} }}\n"));
    }
    content.push_str("backend b\n mode http\n server s 10.0.0.1:80\n");
    let started = Instant::now();
    let conf = read(&Text::new("haproxy.cfg", content));
    assert_eq!(conf.listeners.first().map(|one| one.routes.len()), Some(1_001));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_file_of_anything_else_is_refused_in_time_and_in_few_words() {
    let line = |at: usize| format!("word{at} some more {} \"text\n", "x".repeat(at % 500));
    let content: String = (0..50_000).map(line).collect();
    let started = Instant::now();
    let conf = read(&Text::new("haproxy.cfg", content));
    assert!((1..=100).contains(&conf.problems.len()), "{}", conf.problems.len());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

fn word() -> impl Strategy<Value = String> {
    let words = "global defaults frontend backend listen from fe be bind :443 ssl crt alpn h2 proto mode http tcp acl use_backend \
                 default_backend if unless { } !{ || path_beg /x -i -m reg ( \" ' \\ # $ http-request deny set-path redirect scheme \
                 tcp-request content reject server 10.0.0.1:1 check option httpchk timeout 1h no . , x";
    let words: Vec<&str> = words.split_ascii_whitespace().chain(["\n"; 12]).collect();
    prop::sample::select(words).prop_map(str::to_owned)
}

proptest::proptest! {
    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(word(), 0..60)) {
        read(&Text::new("haproxy.cfg", words.join(" ")));
    }

    #[test]
    fn any_text_is_read_or_refused(content in ".{0,80}") {
        read(&Text::new("haproxy.cfg", content));
    }
}
