//! Each test is a small configuration and what is read from it.

use std::fs;
use std::path::Path;

use crate::proxyconf::ProxyConf;
use crate::proxyconf::outline::outline;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::documents;

fn read(content: &str) -> ProxyConf {
    let text = Text::new("envoy.yaml", content);
    let found = documents(&text);
    let mut conf = ProxyConf::default();
    conf.problems.extend(found.problem);
    super::read(&text, &found.all, &mut conf);
    conf
}

fn lab(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rendered(content: &str) -> String {
    let ports = [
        ("@LISTEN@", "8443"),
        ("@GRPC_PORT@", "8010"),
        ("@REST_PORT@", "8009"),
        ("@GRPC_TLS_PORT@", "9010"),
        ("@DEAD_PORT@", "9011"),
        ("@SILENT_PORT@", "9012"),
        ("@SSH_PORT@", "9013"),
    ];
    let text = ports
        .iter()
        .fold(content.to_owned(), |text, (name, port)| text.replace(name, port));
    let path = regex_lite::Regex::new("@[A-Z_]+@").expect("an expression");
    path.replace_all(&text, "/x").into_owned()
}

/// Every configuration of the lab, with its name.
fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab");
    let folders = ["envoy", "ours/envoy"].map(|folder| root.join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder").flatten());
    files
        .map(|file| {
            let content = fs::read_to_string(file.path()).expect("a configuration");
            (file.path().display().to_string(), content)
        })
        .collect()
}

fn check(content: &str, expected: &str) {
    let outline = outline(&read(content));
    let plain: Vec<&str> = outline
        .lines()
        .filter(|line| !USUAL.iter().any(|usual| line.contains(usual)))
        .collect();
    let expected: Vec<&str> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(plain, expected, "\n{content}\n{outline}");
}

/// What every connection manager below has, and no test but the first is about.
const USUAL: [&str; 3] = [
    "? (max_request_headers_kb)",
    "? (max_concurrent_streams)",
    "? (stream_idle_timeout)",
];

/// A cleartext listener whose connection manager has these fields, its route configuration these, and a cluster.
fn listener(manager: &str, routes: &str) -> String {
    let mut text = String::from(
        "static_resources:
  clusters:
  - {name: grpc, http2_protocol_options: {}, load_assignment: {cluster_name: grpc, endpoints: []}}
  listeners:
  - address: {socket_address: {address: 0.0.0.0, port_value: 80}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: x
",
    );
    for line in manager.lines() {
        text.push_str(&format!("          {}\n", line.trim_end()));
    }
    text.push_str("          route_config:\n");
    for line in routes.lines() {
        text.push_str(&format!("            {}\n", line.trim_end()));
    }
    text
}

/// A virtual host for everything that has these routes.
fn everywhere(routes: &str) -> String {
    format!("virtual_hosts:\n- {{name: v, domains: ['*'], routes: [{routes}]}}")
}

const TO_GRPC: &str = "{match: {prefix: /}, route: {cluster: grpc}}";

#[test]
fn a_healthy_listener_has_its_limits_and_its_upstream() {
    let conf = read(&rendered(&lab("envoy/ok.yaml")));
    let expected = "\
listener @7 Envoy :8443 Http []
  tls @25 /x@32
  http2 Spoken@30 (alpn_protocols)
  header 61440@10? (max_request_headers_kb)
  streams 1024@10? (max_concurrent_streams)
  route @21 Prefix(\"/protobuf.Transport/\")
    to Http2 @22 tls false@35? grpc 127.0.0.1:8010
    upgrades false@10?
    idle 300000@10? (stream_idle_timeout)
  route @23 All
    to Http1 @24 tls false@45? rest 127.0.0.1:8009
    upgrades false@10?
    idle 300000@10? (stream_idle_timeout)
";
    assert_eq!(outline(&conf), expected);
}

#[test]
fn virtual_hosts_are_asked_in_envoys_order() {
    let routes = "\
ignore_port_in_host_matching: true
virtual_hosts:
- {name: all, domains: ['*'], routes: [{match: {prefix: /}, direct_response: {status: 404}}]}
- {name: wide, domains: ['*.com', gw.*], routes: [{match: {prefix: /a}, direct_response: {status: 201}}]}
- {name: near, domains: ['*.example.com'], routes: [{match: {prefix: /}, direct_response: {status: 202}}]}
- {name: name, domains: [a.example.com], routes: [{match: {prefix: /}, direct_response: {status: 203}}]}";
    let expected = r#"
listener @7 Envoy :80 Http []
  http2 Spoken@10? (codec_type)
  route @18 All hosts [Name("a.example.com")]
    answer 203
  route @17 All hosts [Below(".example.com")]
    answer 202
  route @16 Prefix("/a") hosts [Below(".com")]
    answer 201
  route @16 All hosts [Below(".com")]
    answer 404
  route @16 Prefix("/a") hosts [Else("gw.*")]
    answer 201
  route @16 All hosts [Else("gw.*")]
    answer 404
  route @15 All
    answer 404
"#;
    check(&listener("", routes), expected);
}

#[test]
fn a_domain_without_a_port_is_for_clients_that_name_none() {
    let with = |manager: &str, domains: &str| {
        let host = format!("virtual_hosts:\n- {{name: v, domains: [{domains}], routes: [{TO_GRPC}]}}");
        let listeners = read(&listener(manager, &host)).listeners;
        listeners
            .iter()
            .flat_map(|one| &one.routes)
            .map(|route| route.when.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(with("", "gw.example.com"), [1]);
    assert_eq!(with("", "gw.example.com, 'gw.example.com:*'"), [0]);
    assert_eq!(with("", "gw.example.com, 'gw.example.com:443'"), [0]);
    assert_eq!(with("", "'*'"), [0]);
    assert_eq!(with("strip_any_host_port: true", "gw.example.com"), [0]);
}

#[test]
fn matchers_keep_what_they_ask_for() {
    let routes = everywhere(
        "{match: {path: /a, headers: [{name: ':method', exact_match: POST}]}, direct_response: {status: 200}},
   {match: {prefix: /A, case_sensitive: false, grpc: {}}, direct_response: {status: 200}},
   {match: {path_separated_prefix: /b, headers: [{name: X, present_match: false}]}, direct_response: {status: 200}},
   {match: {safe_regex: {regex: '/c.*'}, headers: [{name: content-type, safe_regex_match: {regex: '^application/grpc.*$'}}]}, direct_response: {status: 200}},
   {match: {prefix: /, headers: [{name: lang, string_match: {suffix: z}, invert_match: true}]}, redirect: {https_redirect: true}},
   {match: {connect_matcher: {}}, non_forwarding_action: {}}",
    );
    let expected = r#"
listener @7 Envoy :80 Http []
  http2 Spoken@10? (codec_type)
  route @14 Exact("/a") when Method(["POST"])
    answer 200
  route @15 PrefixAnyCase("/A") when Header("content-type", "application/grpc")
    answer 200
  route @16 Segments("/b") when not Header("x", "")
    answer 200
  route @17 Matches("^(?:/c.*)$") when Header("content-type", "application/grpc")
    answer 200
  route @18 All when not Else("header lang")
    redirect https_redirect true
  route @19 All when Method(["CONNECT"])
    else no action that is followed here
"#;
    check(&listener("", &routes), expected);
}

#[test]
fn a_route_overrides_what_its_listener_says() {
    let routes = "\
request_headers_to_remove: [X-One]
virtual_hosts:
- name: v
  domains: ['*']
  retry_policy: {retry_on: 5xx}
  request_headers_to_add: [{header: {key: Authorization, value: x}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]
  routes:
  - match: {prefix: /a}
    route: {cluster: grpc, idle_timeout: 0s, max_stream_duration: {max_stream_duration: 0s}, upgrade_configs: [{upgrade_type: websocket, enabled: false}]}
  - {match: {prefix: /b}, route: {cluster: grpc, timeout: 3s, prefix_rewrite: /, retry_policy: {}}}";
    let manager = "\
stream_idle_timeout: 600s
common_http_protocol_options: {max_stream_duration: 1.5s}
upgrade_configs: [{upgrade_type: websocket}]";
    let expected = r#"
listener @7 Envoy :80 Http []
  http2 Spoken@10? (codec_type)
  route @23 Prefix("/a")
    to Http2 @24 tls false@3? grpc
    removes authorization@21
    removes x-one@16
    upgrades false@24 retries Some(1)@20
  route @25 Prefix("/b")
    to Http2 @25 tls false@3? grpc
    removes authorization@21
    removes x-one@16
    rewrites @25
    upgrades true@14
    idle 600000@12 (stream_idle_timeout)
    lifetime 1500@13 (max_stream_duration)
"#;
    check(&listener(manager, routes), expected);
}

#[test]
fn filters_hold_for_the_paths_that_they_name_and_where_no_route_switches_them_off() {
    let manager = "\
http_filters:
- name: rbac
  typed_config:
    '@type': type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
    rules: {policies: {p: {permissions: [{url_path: {path: {prefix: /api/}}}], principals: [{any: true}]}}}
- name: buffer
  typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 99}
- name: limit
  disabled: true
  typed_config:
    '@type': type.googleapis.com/envoy.extensions.filters.http.basic_auth.v3.BasicAuth
    users: {inline_string: x}
- name: router
  typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}";
    let routes = "\
virtual_hosts:
- name: v
  domains: ['*']
  routes:
  - match: {prefix: /protobuf.Transport/}
    route: {cluster: grpc}
    typed_per_filter_config:
      buffer: {'@type': type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}
      rbac: {'@type': type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute}
      limit: {'@type': type.googleapis.com/envoy.config.route.v3.FilterConfig, config: {}}
  - {match: {prefix: /}, direct_response: {status: 200}}";
    let expected = r#"
listener @7 Envoy :80 Http []
  http2 Spoken@10? (codec_type)
  route @31 Prefix("/protobuf.Transport/")
    to Http2 @32 tls false@3? grpc
    guard Authenticates @19 limit
    upgrades false@10?
  route @37 Prefix("/api/")
    answer 200
    buffers-requests true@17
    body 99@18 (max_request_bytes)
  route @37 All
    answer 200
    guard Denies @13 rbac
    buffers-requests true@17
    body 99@18 (max_request_bytes)
"#;
    check(&listener(manager, routes), expected);
}

#[test]
fn clusters_say_what_they_speak_and_how_they_are_checked() {
    let content = "\
static_resources:
  listeners:
  - address: {socket_address: {address: 0.0.0.0, port_value: 443}}
    filter_chains:
    - filter_chain_match: {server_names: [a.example.com, '*.b.example.com']}
      filters:
      - name: tcp
        typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: x, cluster: gw}
    - filter_chain_match: {application_protocols: [istio]}
      filters:
      - name: tcp
        typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: x, cluster: gw}
  clusters:
  - name: gw
    type: STRICT_DNS
    transport_socket:
      name: pp
      typed_config:
        '@type': type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport
        transport_socket:
          name: tls
          typed_config: {'@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext}
    health_checks:
    - {timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: {path: /x, expected_statuses: [{start: 200, end: 300}]}}
    load_assignment:
      cluster_name: gw
      endpoints:
      - lb_endpoints: [{endpoint: {address: {socket_address: {address: gw, port_value: 8010}}}}]
      - {priority: 1, lb_endpoints: [{endpoint: {address: {socket_address: {address: gw2, port_value: 8010}}}}]}";
    let expected = r#"
listener @5 Envoy :443 Tcp [Name("a.example.com"), Below(".b.example.com")]
  route @7 All
    to AsClient @8 tls true@16 gw gw:8010 gw2:8010 backup sends-proxy @16
    check @24 Http1 path /x@24 expects 200-299@24
    idle 3600000@7? (idle_timeout)
"#;
    check(content, expected);
}

#[test]
fn a_dump_has_its_routes_and_clusters_elsewhere_and_is_not_checked() {
    let content = r#"{"configs": [
 {"@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
  "dynamic_active_clusters": [{"cluster": {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "c", "fromTheFuture": 1,
   "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {"explicit_http_config": {"http2_protocol_options": {}}}}}}]},
 {"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
  "dynamic_listeners": [{"name": "l", "active_state": {"listener": {"name": "l", "address": {"socket_address": {"port_value": 8443}},
   "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": {
     "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "rds": {"route_config_name": "r"}}}]}]}}}]},
 {"@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
  "dynamic_route_configs": [{"route_config": {"name": "r", "virtual_hosts": [{"domains": ["*"], "routes": [
    {"match": {"prefix": "/"}, "route": {"cluster": "c"}}, {"match": {"path": "/x"}, "route": {"cluster": "gone"}}]}]}}]}]}"#;
    let expected = r#"
listener @7 Envoy :8443 Http []
  http2 Spoken@7? (codec_type)
  route @11 All
    to Http2 @11 tls false@3? c
    upgrades false@7?
  route @11 Exact("/x")
    to Unknown @11 gone
    upgrades false@7?
"#;
    check(content, expected);
}

#[test]
fn istios_lists_are_in_camel_case() {
    let content = r#"[{"name": "0.0.0.0_8443", "address": {"socketAddress": {"portValue": 8443}}, "filterChains": [{
  "filters": [{"name": "envoy.filters.network.http_connection_manager", "typedConfig": {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "streamIdleTimeout": "0s", "rds": {"routeConfigName": "https.443"}}}],
  "transportSocket": {"name": "envoy.transport_sockets.tls", "typedConfig": {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    "requireClientCertificate": false,
    "commonTlsContext": {"alpnProtocols": ["h2", "http/1.1"], "tlsCertificateSdsSecretConfigs": [{"name": "kubernetes://gw"}]}}}}]}]"#;
    let expected = r#"
listener @1 Envoy :8443 Http []
  tls @5 kubernetes://gw@8 client-certificate false@7
  http2 Spoken@8 (alpn_protocols)
  route @4 Else("rds https.443")
    else rds https.443
"#;
    check(content, expected);
}

#[test]
fn only_envoys_own_documents_are_read() {
    let mine = |content: &str| {
        let all = documents(&Text::new("x", content)).all;
        all.iter().any(|doc| super::is_mine(doc))
    };
    assert!(mine("static_resources: {}"));
    assert!(mine("dynamic_resources: {}"));
    assert!(mine("- {name: a, connect_timeout: 1s}"));
    for other in [
        "http: {routers: {}}",
        "{apps: {http: {}}}",
        "apiVersion: v1\nkind: Service",
        "- {name: a}",
        "x",
    ] {
        assert!(!mine(other), "{other}");
    }
}

#[test]
fn every_broken_configuration_is_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/broken/envoy");
    let files: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().collect();
    assert!(files.len() > 14, "{}", files.len());
    for file in files {
        let content = fs::read_to_string(file.path()).expect("a configuration");
        let conf = read(&rendered(&content));
        assert!(
            conf.problems.iter().any(|problem| !problem.starts),
            "{}",
            file.path().display()
        );
        assert_eq!(conf.listeners, [], "{}", file.path().display());
    }
}

#[test]
fn what_envoy_takes_is_taken() {
    // In other letters, in camel case, quoted, empty, a list of one without its brackets.
    for manager in [
        "codec_type: auto",
        "codecType: HTTP2",
        "codec_type: 2",
        "codec_type:",
        "normalize_path: 'true'",
        "normalize_path: yes",
        "max_request_headers_kb: '60'",
        "stream_idle_timeout: 0.5s",
        "upgrade_configs: {upgrade_type: websocket}",
    ] {
        let content = listener(manager, &everywhere(TO_GRPC).replace("['*']", "'*'"));
        assert_eq!(read(&content).problems, [], "{manager}");
    }
    let tls = rendered(&lab("envoy/ok.yaml")).replace(
        "alpn_protocols:",
        "tls_params: {tls_minimum_protocol_version: TLSv1_2}\n            alpn_protocols:",
    );
    assert_eq!(read(&tls).problems, []);
    // Of a key that stands there twice one counts; two kinds of one thing are too many.
    let twice = |keys: &str| {
        read(&listener("", &everywhere(&TO_GRPC.replace("prefix: /", keys))))
            .problems
            .len()
    };
    assert_eq!((twice("prefix: /a, prefix: /"), twice("path: /a, prefix: /")), (0, 1));
}

proptest::proptest! {
    #[test]
    fn whatever_becomes_of_a_line_nothing_panics(line in 0..60_usize, words in "[a-z_@:{}\\[\\]\"' \n-]{0,20}") {
        let content = rendered(&lab("envoy/ok.yaml"));
        let mut lines: Vec<&str> = content.lines().collect();
        let line = line.min(lines.len() - 1);
        for index in [line, line.saturating_sub(1)] {
            lines[index] = &words;
            read(&lines.join("\n"));
        }
        lines.truncate(line);
        read(&lines.join("\n"));
    }
}

#[test]
fn every_configuration_of_the_lab_is_read_without_a_problem() {
    let all = all();
    assert!(all.len() > 50, "{}", all.len());
    for (name, content) in all {
        let conf = read(&rendered(&content));
        assert_eq!(conf.problems, [], "{name}");
        assert!(
            conf.listeners
                .iter()
                .all(|one| one.port == Some(8443) && !one.routes.is_empty()),
            "{name}"
        );
        assert!(!conf.listeners.is_empty(), "{name}");
    }
}
