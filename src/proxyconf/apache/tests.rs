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
    assert_eq!(outline(&read(&Text::new("httpd.conf", input))), expected);
}

fn problems(input: &str) -> Vec<(usize, String)> {
    let conf = read(&Text::new("httpd.conf", input));
    conf.problems
        .into_iter()
        .map(|problem| (problem.at.line, problem.what))
        .collect()
}

#[test]
fn the_first_proxy_pass_that_fits_wins_and_sections_come_before() {
    check(
        r#"
Listen 443
<VirtualHost *:443>
  ServerName gw.example.com
  ServerAlias *.gw.example.com
  SSLEngine on
  SSLProtocol all -TLSv1.3
  SSLCertificateFile /etc/gw.pem
  Protocols h2 http/1.1
  ProxyPass /static !
  ProxyPass /protobuf.Transport/ h2c://gateway:8010/
  ProxyPass / http://gateway:8009/ upgrade=websocket
  <Location /protobuf.Transport>
    ProxyPass h2c://gateway:8010/protobuf.Transport
  </Location>
  <LocationMatch "^/old">
    Redirect 301 https://www.example.com/
  </LocationMatch>
</VirtualHost>
"#,
        r#"
listener @2 Apache :443 Http [Name("gw.example.com"), Below(".gw.example.com")]
  tls @5 /etc/gw.pem@7 newest 1.2@6
  http2 Spoken@8 (Protocols)
  header 8190@2? (LimitRequestFieldSize)
  streams 100@2? (H2MaxSessionStreams)
  route @16 Matches("^/old")
    redirect https://www.example.com/
  route @13 Segments("/protobuf.Transport")
    to Http2 @13 tls false@13 gateway:8010
  route @9 Segments("/static")
    answer 200
  route @10 Prefix("/protobuf.Transport/")
    to Http2 @10 tls false@10 gateway:8010
    rewrites @10
  route @11 All
    to Http1 @11 tls false@11 gateway:8009
    upgrades true@11
  route @2 All
    answer 200
"#,
    );
}

#[test]
fn what_a_host_does_not_say_the_main_server_does() {
    check(
        r#"
Listen 80
Listen 8443
Protocols h2 h2c
H2MaxSessionStreams 20
SSLProxyEngine on
ProxyPass /api https://gateway:8009/api
<VirtualHost *:8443>
  ServerName gw.example.com:8443
  SSLEngine on
  ProxyPass /api http://other:8009/api
  ProxyPass /protobuf.Transport/ h2://gateway:8010/protobuf.Transport/
  LimitRequestFieldSize 16380
</VirtualHost>
"#,
        r#"
listener @1 Apache :80 Http []
  http2 Spoken@3 (Protocols)
  header 8190@1? (LimitRequestFieldSize)
  streams 20@4 (H2MaxSessionStreams)
  route @6 Segments("/api")
    to Http1 @6 tls true@6 gateway:8009
    upgrades false@6?
  route @1 All
    answer 200
listener @7 Apache :8443 Http [Name("gw.example.com")]
  tls @9
  http2 Spoken@3 (Protocols)
  header 16380@12 (LimitRequestFieldSize)
  streams 20@4 (H2MaxSessionStreams)
  route @6 Segments("/api")
    to Http1 @6 tls true@6 gateway:8009
    upgrades false@6?
  route @10 Segments("/api")
    to Http1 @10 tls false@10 other:8009
    upgrades false@10?
  route @11 Prefix("/protobuf.Transport/")
    to Http2 @11 tls true@11 gateway:8010
  route @7 All
    answer 200
"#,
    );
}

#[test]
fn rewrite_rules_come_before_proxy_pass() {
    check(
        r#"
<VirtualHost *:80>
  RewriteEngine on
  RewriteCond %{HTTP:Upgrade} websocket [NC]
  RewriteRule /(.*) ws://gateway:8009/$1 [P,L]
  RewriteRule ^/healthz$ - [L]
  RewriteCond %{HTTPS} off
  RewriteCond %{REQUEST_METHOD} ^(GET|HEAD)$
  RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]
  RewriteCond %{HTTP_HOST} !^gw\.example\.com$ [NC]
  RewriteRule ^ - [F]
  RewriteCond %{REQUEST_FILENAME} !-f
  RewriteRule ^/x/ /y/ [L]
  RewriteRule ^/v1/(.*) /$1
  ProxyPass / http://gateway:8009/
  Redirect permanent /gone https://www.example.com/
</VirtualHost>
"#,
        r#"
listener @1 Apache :80 Http []
  http2 Http1Only@1? (Protocols)
  header 8190@1? (LimitRequestFieldSize)
  streams 100@1? (H2MaxSessionStreams)
  route @4 Matches("/(.*)") when Header("upgrade", "websocket")
    to Http1 @4 tls false@4 gateway:8009
    upgrades true@4
  route @8 All when Method(["GET", "HEAD"]) when not Path(Matches("^/healthz$"))
    redirect https://%{HTTP_HOST}%{REQUEST_URI}
  route @14 All when not Host([Name("gw.example.com")]) when not Path(Matches("^/healthz$"))
    to Http1 @14 tls false@14 gateway:8009
    guard Denies @10 RewriteRule [F]
    upgrades false@14?
  route @14 All
    to Http1 @14 tls false@14 gateway:8009
    upgrades false@14?
  route @15 Segments("/gone")
    redirect https://www.example.com/
  route @1 All
    answer 200
"#,
    );
}

#[test]
fn one_of_the_mpms_has_no_http2() {
    for (mpm, http2) in [
        ("prefork", "Http1Only@3 (Protocols with mpm_prefork)"),
        ("event", "Spoken@3 (Protocols)"),
    ] {
        check(
            &format!(
                r#"
LoadModule mpm_{mpm}_module modules/mod_mpm_{mpm}.so
LoadModule http2_module modules/mod_http2.so
Protocols h2c
Listen 80
"#
            ),
            &format!(
                r#"
listener @4 Apache :80 Http []
  http2 {http2}
  header 8190@4? (LimitRequestFieldSize)
  streams 100@4? (H2MaxSessionStreams)
  route @4 All
    answer 200
"#
            ),
        );
    }
}

#[test]
fn who_is_let_in_is_said_by_the_last_section() {
    check(
        r#"
<VirtualHost *:80>
  ProxyPass / h2c://gateway:8010/
  <Location />
    AuthType Basic
    Require valid-user
  </Location>
  <Location "/protobuf.Transport/">
    Require all granted
    RequestHeader unset Authorization
    RequestHeader set X-A b env=C
  </Location>
  <Location /admin>
    Require ip 10.0.0.0/8
  </Location>
  RequestHeader set Origin x
</VirtualHost>
"#,
        r#"
listener @1 Apache :80 Http []
  http2 Http1Only@1? (Protocols)
  header 8190@1? (LimitRequestFieldSize)
  streams 100@1? (H2MaxSessionStreams)
  route @2 All when not Path(Segments("/admin")) when not Path(Prefix("/protobuf.Transport/"))
    to Http2 @2 tls false@2 gateway:8010
    guard Authenticates @5 Require
    removes origin@15
  route @2 Prefix("/protobuf.Transport/")
    to Http2 @2 tls false@2 gateway:8010
    removes origin@15
    removes authorization@9
  route @2 All
    to Http2 @2 tls false@2 gateway:8010
    removes origin@15
  route @1 All
    answer 200
    removes origin@15
"#,
    );
}

#[test]
fn balancers_have_members_and_checks() {
    check(
        r#"
<Proxy balancer://grpc>
  BalancerMember h2c://10.0.0.1:8010
  BalancerMember h2c://10.0.0.2:8010 status=+H hcmethod=GET hcuri=/api/healthz
</Proxy>
<VirtualHost _default_:80>
  ProxyPass /protobuf.Transport/ balancer://grpc/protobuf.Transport/
  ProxyPass /nowhere balancer://none/
  ProxyPass /tls https://gateway/tls
  ProxyPassMatch ^/app(/.*)$ fcgi://app:9000/srv$1
  ProxyPass / http://gateway:8009
</VirtualHost>
"#,
        r#"
listener @5 Apache :80 Http []
  http2 Http1Only@5? (Protocols)
  header 8190@5? (LimitRequestFieldSize)
  streams 100@5? (H2MaxSessionStreams)
  route @6 Prefix("/protobuf.Transport/")
    to Http2 @6 tls false@6 grpc 10.0.0.1:8010 10.0.0.2:8010 backup
    check @3 Http1 path /api/healthz@3
  route @7 Segments("/nowhere")
    else balancer://none/
  route @8 Segments("/tls")
    answer 500
  route @9 Matches("^/app(/.*)$")
    to Foreign @9 tls false@9 app:9000
  route @10 All
    answer 500
  route @5 All
    answer 200
"#,
    );
}

#[test]
fn conditions_and_variables_hold_as_far_as_they_are_known() {
    check(
        r#"
Define GATEWAY 10.0.0.1
<IfModule mod_ssl.c>
  <IfDefine !SECURE>
    Listen 80
  </IfDefine>
</IfModule>
<IfDefine GATEWAY>
  ProxyPass /protobuf.Transport/ h2c://${GATEWAY}:8010/protobuf.Transport/
</IfDefine>
<IfDefine NOTHING>
  ProxyPass / http://nowhere/
</IfDefine>
ProxyPass / http://${REST}:8009/
"#,
        r#"
listener @4 Apache :80 Http []
  http2 Http1Only@4? (Protocols)
  header 8190@4? (LimitRequestFieldSize)
  streams 100@4? (H2MaxSessionStreams)
  route @8 Prefix("/protobuf.Transport/")
    to Http2 @8 tls false@8 10.0.0.1:8010
  route @13 All
    to Http1 @13 tls false@13 ${REST}:8009
    upgrades false@13?
  route @4 All
    answer 200
"#,
    );
}

#[test]
fn a_scheme_without_its_module_is_answered_by_apache_itself() {
    let modules = "LoadModule proxy_module x.so\nLoadModule proxy_http_module x.so\nListen 80\n";
    let pass = "ProxyPass /protobuf.Transport/ h2c://gateway:8010/protobuf.Transport/\n";
    let action = |input: String| {
        read(&Text::new("httpd.conf", input))
            .listeners
            .first()
            .and_then(|one| Some(one.routes.first()?.action.clone()))
    };
    assert_eq!(
        action(format!("{modules}{pass}")),
        Some(crate::proxyconf::Action::Answer(500))
    );
    assert!(matches!(
        action(format!("{modules}LoadModule proxy_http2_module x.so\n{pass}")),
        Some(crate::proxyconf::Action::Forward(_))
    ));
    // A file that loads nothing is a part of something that does.
    assert!(matches!(
        action(format!("Listen 80\n{pass}")),
        Some(crate::proxyconf::Action::Forward(_))
    ));
}

#[test]
fn includes_are_followed_and_what_is_missing_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), content).expect("a file");
    write(
        "httpd.conf",
        "Listen 80\nInclude sites/*.conf\nIncludeOptional none/*.conf\nInclude gone.conf\n",
    );
    fs::create_dir(folder.path().join("sites")).expect("a folder");
    write(
        "sites/a.conf",
        "<VirtualHost *:80>\n  ProxyPass / http://gateway:8009/\n</VirtualHost>\n",
    );
    let text = Text::open(&folder.path().join("httpd.conf")).expect("it is there");
    let conf = read(&text);
    assert_eq!(conf.files.len(), 2);
    let said: Vec<_> = conf
        .problems
        .iter()
        .map(|problem| (problem.at.line, problem.starts))
        .collect();
    assert_eq!(said, [(4, true)]);
    let routes: Vec<_> = conf
        .listeners
        .iter()
        .flat_map(|one| &one.routes)
        .map(|route| route.at.line)
        .collect();
    assert_eq!((conf.listeners.len(), routes.first()), (1, Some(&2)));
}

#[test]
fn a_file_that_includes_itself_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("httpd.conf");
    fs::write(&path, "Include httpd.conf\n").expect("a file");
    let conf = read(&Text::open(&path).expect("it is there"));
    assert!(
        conf.problems.iter().any(|problem| problem.what.contains("circle")),
        "{:?}",
        conf.problems
    );
}

#[test]
fn modules_are_loaded_in_order_and_by_their_names() {
    assert_eq!(
        problems("LoadModule proxy_http_module x.so\nLoadModule proxy_module x.so\n").len(),
        1
    );
    let slip = problems("LoadModule proxy_module x.so\nLoadModule proxy_http_2_module x.so\n");
    assert_eq!(
        slip,
        [(
            2,
            "there is no module proxy_http_2_module; did you mean proxy_http2_module?".to_owned()
        )]
    );
    assert_eq!(problems("LoadModule security2_module x.so\nSecRuleEngine On\n"), []);
    assert_eq!(problems("SecRuleEngine On\nWSGIScriptAlias / /x\nphp_value a b\n"), []);
}

#[test]
fn every_configuration_of_the_lab_is_read() {
    for text in lab::healthy("apache") {
        let conf = read(&text);
        assert_eq!(conf.problems, [], "{}", text.name);
        assert!(!conf.listeners.is_empty(), "{}", text.name);
    }
}

#[test]
fn every_broken_configuration_is_refused_and_nothing_is_guessed() {
    for text in lab::broken("apache") {
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
fn a_thousand_rules_are_read_in_time() {
    let mut content = "<VirtualHost *:80>\nRewriteEngine on\n".to_owned();
    for at in 0..1_000 {
        content.push_str(&format!(
            "RewriteCond %{{REQUEST_METHOD}} GET\nRewriteRule ^/x{at}/(a|b)+ - [F]\n"
        ));
        content.push_str(&format!("ProxyPass /p{at}/ http://h{at}/p{at}/\n"));
    }
    for at in 0..200 {
        content.push_str(&format!("<Location /l{at}>\nRequire all denied\n</Location>\n"));
    }
    content.push_str("</VirtualHost>\n");
    let started = Instant::now();
    let conf = read(&Text::new("httpd.conf", content));
    assert_eq!(conf.listeners.first().map(|one| one.routes.len()), Some(1_001));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

fn word() -> impl Strategy<Value = String> {
    let words = "<VirtualHost *:80> </VirtualHost> <Location / > </Location> <IfModule !mod_ssl.c> </IfModule> ProxyPass ProxyPassMatch RewriteEngine on \
                 RewriteRule RewriteCond %{HTTPS} ^( .* [P,L] [F] [C] ! - h2c://g:1/ balancer://x http://${A}: Define A Listen 443 SSLEngine Require all denied \
                 Redirect RequestHeader unset Include LoadModule proxy_module \" ' \\ #";
    let words: Vec<&str> = words.split_ascii_whitespace().chain(["\n"; 20]).collect();
    prop::sample::select(words).prop_map(str::to_owned)
}

proptest::proptest! {
    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(word(), 0..60)) {
        read(&Text::new("httpd.conf", words.join(" ")));
    }

    #[test]
    fn any_text_is_read_or_refused(content in ".{0,80}") {
        read(&Text::new("httpd.conf", content));
    }
}
