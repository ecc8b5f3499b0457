use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{duration, is_mine};
use crate::proxies::Proxy;
use crate::proxyconf::outline::outline;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::{self, Documents};
use crate::proxyconf::{Action, CheckAsks, Http2, Path, ProxyConf, Route, Speaks, Tls};
use crate::recipes::Asked;
use crate::recipes::Recipe;

/// What is made of files, with a YAML error where there is one.
fn read_all(contents: &[&str]) -> ProxyConf {
    let texts: Vec<Text> = (1..)
        .zip(contents)
        .map(|(number, content)| Text::new(format!("{number}.yaml"), *content))
        .collect();
    let documents: Vec<Documents> = texts.iter().map(yaml::documents).collect();
    let mut conf = ProxyConf::default();
    let mut all = Vec::new();
    for (text, documents) in texts.iter().zip(&documents) {
        conf.problems.extend(documents.problem.clone());
        all.push((text, documents.all.as_slice()));
    }
    super::read(&all, &mut conf);
    conf
}

fn read(content: &str) -> ProxyConf {
    read_all(&[content])
}

fn check(content: &str, expected: &str) {
    let found = outline(&read(content));
    assert_eq!(found.trim_end(), expected.trim(), "{content}");
}

/// The files of `tests/lab/kubernetes`.
fn lab() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/lab/kubernetes");
    let entries = fs::read_dir(folder).expect("the lab is there").flatten();
    let mut all: Vec<(String, String)> = entries
        .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "yaml"))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read_to_string(entry.path()).expect("a text"))
        })
        .collect();
    all.sort();
    assert!(all.len() >= 70, "{}", all.len());
    all
}

fn lab_file(name: &str) -> String {
    let (_, content) = lab().into_iter().find(|(file, _)| file == name).expect("a file");
    content
}

/// An Ingress of ingress-nginx with these annotations (a line each) and paths (type, path, port).
fn ingress(annotations: &[&str], paths: &[(&str, &str, u16)]) -> String {
    let mut text =
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations:\n".to_owned();
    text.push_str("    kubernetes.io/ingress.class: nginx\n");
    for annotation in annotations {
        text.push_str(&format!("    nginx.ingress.kubernetes.io/{annotation}\n"));
    }
    text.push_str("spec:\n  tls:\n  - hosts: [gw.example.com]\n    secretName: tls\n");
    text.push_str("  rules:\n  - host: gw.example.com\n    http:\n      paths:\n");
    for (kind, path, port) in paths {
        text.push_str(&format!(
            "      - {{pathType: {kind}, path: '{path}', backend: {{service: {{name: hoop, port: {{number: {port}}}}}}}}}\n"
        ));
    }
    text
}

/// The routes of the only listener.
fn routes(content: &str) -> Vec<Route> {
    let conf = read(content);
    assert_eq!(conf.problems, [], "{content}");
    let [listener] = conf.listeners.as_slice() else {
        panic!("{}", outline(&conf))
    };
    listener.routes.clone()
}

fn paths(content: &str) -> Vec<Path> {
    routes(content).into_iter().map(|route| route.path).collect()
}

/// Where requests for these paths go, by the port of the first route that takes them.
fn port(routes: &[Route], host: &str, path: &str) -> Option<u16> {
    use crate::proxyconf::path::Is;
    let route = routes.iter().find(|route| {
        let mut hosts = route.hosts.iter();
        (route.hosts.is_empty() || hosts.any(|own| own.value.serves(host) == Is::Yes))
            && route.path.takes(path) == Is::Yes
    })?;
    match &route.action {
        Action::Forward(to) => to.servers.first()?.port,
        _ => None,
    }
}

#[test]
fn hoops_own_example_for_ingress_nginx_is_read_fact_by_fact() {
    let documented = lab_file("ingress-nginx-documented.yaml");
    let (_, grpc) = documented.split_once("---\n").expect("two documents");
    check(
        grpc,
        r#"
listener @11 ingress-nginx :443 Http [Name("hoopgateway-grpc.domain.tld")]
  tls @21 hoopdev-tls@23 for [Name("hoop-gateway-grpc.domain.tld")@22]
  http2 Spoken@11? (use-http2)
  header 8192@11? (large-client-header-buffers)
  streams 128@11? (http2-max-concurrent-streams)
  requests 1000@11? (keep-alive-requests)
  age 3600000@11? (keepalive_time)
  route @14 All
    to Http2 @18 tls false@5 hoopgateway hoopgateway:8010
    removes hoop_key@14?
    idle 60000@14? (proxy-read-timeout)
    idle 60000@14? (client-body-timeout)
"#,
    );
}

#[test]
fn hoops_own_example_for_istio_is_read_fact_by_fact() {
    check(
        &lab_file("istio-documented.yaml"),
        r#"
listener @19 Istio :80 Http [Name("hoop.yourdomain.org")]
  http2 Spoken@22? (protocol)
  header 61440@19? (max_request_headers_kb)
  route @46 Prefix("/protobuf.Transport") hosts [Name("hoop.yourdomain.org")]
    to Unknown @52 hoopgateway hoopgateway:8010
    upgrades true@45?
  route @54 Prefix("/") hosts [Name("hoop.yourdomain.org")]
    to Unknown @60 hoopgateway hoopgateway:8009
    upgrades true@53?
listener @25 Istio :443 Http [Name("hoop.yourdomain.org")]
  tls @30 hoopgateway-tls@31
  http2 Spoken@28? (protocol)
  header 61440@25? (max_request_headers_kb)
  route @46 Prefix("/protobuf.Transport") hosts [Name("hoop.yourdomain.org")]
    to Unknown @52 hoopgateway hoopgateway:8010
    upgrades true@45?
  route @54 Prefix("/") hosts [Name("hoop.yourdomain.org")]
    to Unknown @60 hoopgateway hoopgateway:8009
    upgrades true@53?
secret hoopdev-tls@5
"#,
    );
}

#[test]
fn hoops_own_example_for_gateway_api_is_read_fact_by_fact() {
    check(
        &lab_file("gateway-api-documented.yaml"),
        r#"
listener @9 Istio :80 Http [Name("hoop.yourdomain.org")]
  http2 Spoken@12? (protocol)
  header 61440@9? (max_request_headers_kb)
  route @27 Segments("/protobuf.Transport") hosts [Name("hoop.yourdomain.org")]
    to Unknown @32 hoopgateway hoopgateway:8010
    upgrades true@26?
  route @34 All hosts [Name("hoop.yourdomain.org")]
    to Unknown @39 hoopgateway hoopgateway:8009
    upgrades true@33?
"#,
    );
}

#[test]
fn hoops_own_example_for_the_aws_controller_is_read_fact_by_fact() {
    check(
        &lab_file("alb-documented.yaml"),
        r#"
listener @41 AWS ALB :8443 Http []
  tls @41 arn:aws:acm:us-east-1:111122223333:certificate/aaaa@37
  http2 Spoken@41? (routing.http2.enabled)
  idle 60000@41? (idle_timeout.timeout_seconds)
  route @53 All hosts [Name("hoopdev.yourdomain.tld")]
    to Http2 @57 tls false@57? hoopgateway hoopgateway:8010
    check @39 GrpcCall path /@39 expects 12@57?
  route @41 All
    answer 404
listener @11 AWS ALB :443 Http []
  tls @11 arn:aws:acm:us-east-1:111122223333:certificate/aaaa@7
  http2 Spoken@11? (routing.http2.enabled)
  idle 60000@11? (idle_timeout.timeout_seconds)
  route @24 All hosts [Name("hoopgateway.yourdomain.tld")]
    to Http1 @28 tls false@28? hoopgateway hoopgateway:8009
    check @9 Http1 path /@9 expects 200@28?
    upgrades true@24?
  route @11 All
    answer 404
"#,
    );
}

#[test]
fn every_healthy_file_is_read_without_a_problem_and_a_refused_one_at_its_line() {
    for (name, content) in lab() {
        let conf = read(&content);
        let problems: Vec<_> = conf.problems.iter().map(|one| (one.at.line, one.starts)).collect();
        let expected: &[(usize, bool)] = match name.as_str() {
            "gateway-api-path-type.yaml" => &[(29, false)],
            "ingress-nginx-documented-broken.yaml" => &[(21, false)],
            "ingress-nginx-hosts-secret.yaml" => &[(15, false)],
            "ingress-nginx-missing-port.yaml" => &[(25, true)],
            "ingress-nginx-misspelt.yaml" => &[(8, true)],
            "ingress-nginx-number.yaml" => &[(8, false)],
            "ingress-nginx-old-backend.yaml" => &[(22, false)],
            "ingress-nginx-path-type.yaml" => &[(20, false)],
            "ingress-nginx-template.yaml" => &[(2, false)],
            "istio-https-without-tls.yaml" => &[(13, false)],
            _ => &[],
        };
        assert_eq!(problems, expected, "{name}: {:?}", conf.problems);
        let refused = expected.iter().any(|(_, starts)| !starts);
        assert_eq!(conf.listeners.is_empty(), refused, "{name}");
        let proxy = match name.split('-').next() {
            _ if refused => Proxy::None,
            Some("alb" | "service") => Proxy::AwsAlb,
            Some("istio") => Proxy::Istio,
            Some("ingress" | "workload") => Proxy::IngressNginx,
            _ if content.contains("gatewayClassName: eg") => Proxy::Envoy,
            _ => Proxy::Istio,
        };
        if !refused {
            assert_eq!(conf.files[0].proxy, proxy, "{name}");
        }
    }
}

#[test]
fn what_kubectl_prints_says_the_same_as_what_was_applied() {
    let facts = |name: &str| {
        let outline = outline(&read(&lab_file(name)));
        let is_place = |char: char| char.is_ascii_digit() || char == '?';
        outline
            .split('@')
            .map(|part| part.trim_start_matches(is_place).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(facts("ingress-nginx-ok-kubectl.yaml"), facts("ingress-nginx-ok.yaml"));
}

#[test]
fn an_exact_path_comes_first_and_then_the_longest() {
    assert_eq!(
        paths(&ingress(
            &[],
            &[
                ("Prefix", "/", 8009),
                ("ImplementationSpecific", "/protobuf", 8009),
                ("Prefix", "/protobuf.Transport", 8010),
                ("Exact", "/x", 8009),
            ]
        )),
        [
            Path::Exact("/x".to_owned()),
            Path::Segments("/protobuf.Transport".to_owned()),
            Path::Prefix("/protobuf".to_owned()),
            Path::All,
        ]
    );
}

#[test]
fn one_expression_makes_expressions_of_all_paths_of_a_host() {
    let all = [
        ("Prefix", "/api", 8009),
        ("Exact", "/protobuf.Transport/(Connect|PreConnect)", 8010),
    ];
    assert_eq!(
        paths(&ingress(&["use-regex: 'true'"], &all)),
        [
            Path::Matches("(?i)^/protobuf.Transport/(Connect|PreConnect)".to_owned()),
            Path::Matches("(?i)^/api".to_owned()),
            Path::All,
        ]
    );
}

#[test]
fn a_rewrite_counts_where_it_changes_a_path_of_hoops() {
    for (target, path, changes) in [
        ("/", "/", true),
        ("/$1", "/(.*)", false),
        ("/$2", "/hoop(/|$)(.*)", false),
        ("/$2", "/protobuf.Transport(/|$)(.*)", true),
        ("/$1", "/(protobuf.*)", false),
        ("/$1", "/([", true),
    ] {
        let annotation = format!("rewrite-target: {target}");
        let routes = routes(&ingress(&[&annotation], &[("ImplementationSpecific", path, 8010)]));
        assert_eq!(routes[0].rewrites.is_some(), changes, "{target} {path}");
    }
}

#[test]
fn a_setting_is_the_ingresss_then_the_controllers_then_the_default() {
    let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ingress-nginx-controller\ndata:\n  \
               proxy-body-size: 8m\n  proxy-read-timeout: '120'\n  client-body-timeout: 2m\n  use-http2: 'false'\n  \
               ssl-protocols: TLSv1.1 TLSv1.2\n";
    let with = |annotations: &[&str]| {
        let conf = read(&format!("{}{map}", ingress(annotations, &[("Prefix", "/", 8010)])));
        let listener = conf.listeners[0].clone();
        let limits = listener.routes[0].limits.clone();
        let idle: Vec<u64> = limits.idle.iter().map(|one| one.value).collect();
        (listener, limits.body.map(|body| body.value), idle)
    };
    let (listener, body, idle) = with(&["backend-protocol: grpc"]);
    assert_eq!((body, idle), (Some(8 << 20), vec![120_000, 120_000]));
    assert_eq!(listener.http2.map(|http2| http2.value), Some(Http2::Http1Only));
    let Tls::Ended(tls) = listener.tls else {
        panic!("{:?}", listener.tls)
    };
    assert_eq!(tls.newest.map(|newest| newest.value).as_deref(), Some("1.2"));
    let (_, body, idle) = with(&[
        "backend-protocol: GRPC",
        "proxy-body-size: '0'",
        "proxy-read-timeout: '7200'",
    ]);
    assert_eq!((body, idle), (None, vec![7_200_000, 120_000]));
    // What has a unit where none may stand is ignored, as the controller does.
    let (_, body, idle) = with(&[
        "backend-protocol: GRPC",
        "proxy-body-size: lots",
        "proxy-read-timeout: 1h",
    ]);
    assert_eq!((body, idle), (Some(8 << 20), vec![120_000, 120_000]));
}

#[test]
fn the_lines_of_a_snippet_have_their_own_places() {
    let snippet = "configuration-snippet: |\n      # why\n      grpc_read_timeout 1h;\n      client_max_body_size 0;\n      limit_req zone=x;\n      proxy_set_header X y;";
    let route = &routes(&ingress(&["backend-protocol: GRPC", snippet], &[("Prefix", "/", 8010)]))[0];
    let idle: Vec<_> = route
        .limits
        .idle
        .iter()
        .map(|one| (one.value, one.at.line, one.at.column))
        .collect();
    assert_eq!(idle, [(60_000, 22, 9), (3_600_000, 10, 7)]);
    assert_eq!(route.limits.body, None);
    assert_eq!(route.guards.iter().map(|guard| guard.at.line).collect::<Vec<_>>(), [12]);
    // In the server's block the controller's own directives win.
    let server = "server-snippet: 'client_max_body_size 0;'";
    let route = &routes(&ingress(&[server], &[("Prefix", "/", 8010)]))[0];
    assert_eq!(route.limits.body.as_ref().map(|body| body.value), Some(1 << 20));
}

#[test]
fn retries_count_where_a_post_is_sent_again() {
    for (annotation, retries) in [
        ("proxy-next-upstream: error timeout", false),
        ("proxy-next-upstream: error non_idempotent", true),
    ] {
        let route = &routes(&ingress(&[annotation], &[("Prefix", "/", 8010)]))[0];
        assert_eq!(route.retries.is_some(), retries, "{annotation}");
    }
}

#[test]
fn passthrough_redirects_canaries_and_default_backends_are_told() {
    check(
        &ingress(&["ssl-passthrough: 'true'"], &[("Prefix", "/", 8010)]),
        r#"
listener @13 ingress-nginx :443 Tcp [Name("gw.example.com")]
  tls passed
  route @16 All
    to AsClient @16 hoop hoop:8010
"#,
    );
    let route = &routes(&ingress(
        &["permanent-redirect: https://x.example.com"],
        &[("Prefix", "/", 8010)],
    ))[0];
    assert_eq!(route.action, Action::Redirect("https://x.example.com".to_owned()));
    let route = &routes(&ingress(&["canary: 'true'"], &[("Prefix", "/", 8010)]))[0];
    assert_eq!(route.when.len(), 1);
    let default = ingress(&[], &[("Prefix", "/protobuf.Transport", 8010)]).replace(
        "  rules:",
        "  defaultBackend: {service: {name: hoop, port: {number: 8009}}}\n  rules:",
    );
    let all = routes(&default);
    assert_eq!(port(&all, "gw.example.com", "/api/healthz"), Some(8009));
    let default = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: x}\nspec:\n  \
                   defaultBackend: {service: {name: hoop, port: {number: 8009}}}\n";
    assert_eq!(port(&routes(default), "any", "/"), Some(8009));
}

#[test]
fn ports_are_followed_through_services_to_the_pods() {
    let service = |target: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: hoop}}\nspec:\n  selector: {{app: hoop}}\n  ports:\n  \
             - {{name: web, port: 80, targetPort: {target}}}\n"
        )
    };
    let pods = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: hoop}\nspec:\n  template:\n    metadata: {labels: {app: hoop}}\n    \
                spec:\n      containers:\n      - {name: x, ports: [{name: api, containerPort: 8009}]}\n";
    let by_name = |text: String| text.replace("number: 80}", "name: web}");
    let base = ingress(&[], &[("Prefix", "/", 80)]);
    for (content, found) in [
        (base.clone(), Some(80)),
        (format!("{base}{}", service("8009")), Some(8009)),
        (by_name(base.clone()), None),
        (by_name(format!("{base}{}", service("8009"))), Some(8009)),
        (format!("{base}{}", service("api")), None),
        (format!("{base}{}{pods}", service("api")), Some(8009)),
    ] {
        assert_eq!(port(&routes(&content), "gw.example.com", "/"), found, "{content}");
    }
}

#[test]
fn a_class_or_annotations_say_whose_an_ingress_is() {
    let of = |class: &str, annotation: &str, more: &str| {
        let content = format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: x\n  annotations: {{{annotation}}}\nspec:\n  \
             ingressClassName: \"{class}\"\n  rules:\n  - http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: h, port: {{number: 8010}}}}}}}}]}}\n{more}"
        );
        read(&content).listeners.first().map(|listener| listener.proxy)
    };
    let class = |controller: &str| {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: edge}}\nspec: {{controller: {controller}}}\n"
        )
    };
    for (name, annotation, more, proxy) in [
        ("nginx", "", String::new(), Some(Proxy::IngressNginx)),
        ("nginx-internal", "", String::new(), Some(Proxy::IngressNginx)),
        ("", "", String::new(), Some(Proxy::IngressNginx)),
        ("alb", "", String::new(), Some(Proxy::AwsAlb)),
        (
            "",
            "alb.ingress.kubernetes.io/scheme: internal",
            String::new(),
            Some(Proxy::AwsAlb),
        ),
        ("edge", "", class("k8s.io/ingress-nginx"), Some(Proxy::IngressNginx)),
        ("edge", "", class("ingress.k8s.aws/alb"), Some(Proxy::AwsAlb)),
        ("edge", "", class("traefik.io/ingress-controller"), None),
        ("traefik", "", String::new(), None),
        ("gce", "", String::new(), None),
        ("nginx", "nginx.org/grpc-services: h", String::new(), None),
    ] {
        assert_eq!(of(name, annotation, &more), proxy, "{name} {annotation} {more}");
    }
}

#[test]
fn old_versions_of_an_ingress_are_read() {
    let old = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: x}\nspec:\n  rules:\n  - host: gw.example.com\n    \
               http: {paths: [{backend: {serviceName: hoop, servicePort: 8010}}]}\n";
    assert_eq!(port(&routes(old), "gw.example.com", "/x"), Some(8010));
}

#[test]
fn what_is_no_string_is_refused_where_strings_are_asked_for() {
    for (value, refused) in [
        ("0", true),
        ("1.5", true),
        ("true", true),
        ("on", true),
        ("No", true),
        ("'0'", false),
        ("1h", false),
        ("8m", false),
        ("once", false),
        ("", false),
    ] {
        let conf = read(&ingress(&[&format!("x: {value}")], &[("Prefix", "/", 8010)]));
        assert_eq!(!conf.problems.is_empty(), refused, "{value}");
    }
}

#[test]
fn an_almost_known_annotation_is_named_and_a_strange_one_is_left_alone() {
    let said = |name: &str| {
        let conf = read(&ingress(&[&format!("{name}: 'x'")], &[("Prefix", "/", 8010)]));
        conf.problems
            .first()
            .map(|problem| (problem.at.line, problem.at.column, problem.starts))
    };
    assert_eq!(said("backend-protocl"), Some((7, 5, true)));
    assert_eq!(said("proxy-body-sise"), Some((7, 5, true)));
    assert_eq!(said("auth-url"), None);
    assert_eq!(said("our-own-thing"), None);
}

#[test]
fn a_group_of_the_aws_controller_shares_its_listeners_and_services_override() {
    let one = |name: &str, port: u16, more: &str| {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n  annotations:\n    \
             alb.ingress.kubernetes.io/group.name: g\n    alb.ingress.kubernetes.io/certificate-arn: arn:1\n{more}\
             spec:\n  ingressClassName: alb\n  rules:\n  - http: {{paths: [{{path: '/{name}*', pathType: ImplementationSpecific, \
             backend: {{service: {{name: {name}, port: {{number: {port}}}}}}}}}]}}\n"
        )
    };
    let service = "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  annotations:\n    \
                   alb.ingress.kubernetes.io/backend-protocol-version: GRPC\nspec:\n  ports: [{port: 8010}]\n";
    let drops = "    alb.ingress.kubernetes.io/load-balancer-attributes: routing.http.drop_invalid_header_fields.enabled=true\n";
    let all = routes(&format!("{}{}{service}", one("b", 8009, drops), one("a", 8010, "")));
    let told: Vec<_> = all
        .iter()
        .map(|route| match &route.action {
            Action::Forward(to) => (route.path.clone(), Some(to.speaks.value), route.removes.len()),
            _ => (route.path.clone(), None, route.removes.len()),
        })
        .collect();
    assert_eq!(
        told,
        [
            (Path::Glob("/a*".to_owned()), Some(Speaks::Http2), 1),
            (Path::Glob("/b*".to_owned()), Some(Speaks::Http1), 1),
            (Path::All, None, 1),
        ]
    );
}

#[test]
fn named_actions_of_the_aws_controller_are_followed() {
    let act = |action: &str| {
        let content = format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: x\n  annotations:\n    \
             alb.ingress.kubernetes.io/actions.go: '{action}'\n    \
             alb.ingress.kubernetes.io/conditions.go: '[{{\"field\":\"http-header\",\"httpHeaderConfig\":{{\"httpHeaderName\":\"Content-Type\",\"values\":[\"application/grpc*\"]}}}}]'\n\
             spec:\n  ingressClassName: alb\n  rules:\n  - http: {{paths: [{{path: /, pathType: Prefix, \
             backend: {{service: {{name: go, port: {{name: use-annotation}}}}}}}}]}}\n"
        );
        routes(&content).remove(0)
    };
    let route = act(r#"{"type":"fixed-response","fixedResponseConfig":{"statusCode":"503"}}"#);
    assert_eq!(route.action, Action::Answer(503));
    assert_eq!(
        format!("{:?}", route.when[0].asks),
        r#"Header("content-type", "application/grpc")"#
    );
    let to = act(r#"{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"hoop","servicePort":8010}]}}"#);
    assert!(
        matches!(&to.action, Action::Forward(to) if to.servers[0].port == Some(8010)),
        "{to:?}"
    );
    assert!(matches!(act("nonsense").action, Action::Else(_)));
}

#[test]
fn gateway_api_compares_hosts_before_paths_and_exact_before_long() {
    let rule = |kind: &str, path: &str, port: u16| {
        format!(
            "  - matches: [{{path: {{type: {kind}, value: {path}}}}}]\n    backendRefs: [{{name: h, port: {port}}}]\n"
        )
    };
    let route = |host: &str, rules: &[String]| {
        format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r}}\nspec:\n  \
             parentRefs: [{{name: g}}]\n  hostnames: ['{host}']\n  rules:\n{}",
            rules.concat()
        )
    };
    let gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  gatewayClassName: eg\n  \
                   listeners: [{name: a, port: 443, protocol: HTTPS, hostname: '*.example.com', tls: {certificateRefs: [{name: c}]}}]\n";
    let content = [
        gateway.to_owned(),
        route(
            "*.example.com",
            &[
                rule("Exact", "/protobuf.Transport/Connect", 1),
                rule("PathPrefix", "/", 2),
            ],
        ),
        route(
            "gw.example.com",
            &[
                rule("PathPrefix", "/", 3),
                rule("PathPrefix", "/protobuf.Transport", 4),
                rule("Exact", "/protobuf.Transport/PreConnect", 5),
            ],
        ),
        route("gw.example.org", &[rule("PathPrefix", "/", 6)]),
    ];
    let all = routes(&content.concat());
    let port = |host: &str, path: &str| port(&all, host, path);
    assert_eq!(port("gw.example.com", "/protobuf.Transport/Connect"), Some(4));
    assert_eq!(port("gw.example.com", "/protobuf.Transport/PreConnect"), Some(5));
    assert_eq!(port("gw.example.com", "/api"), Some(3));
    assert_eq!(port("other.example.com", "/protobuf.Transport/Connect"), Some(1));
    // The listener isn't for this one.
    assert_eq!(port("gw.example.org", "/"), None);
}

#[test]
fn gateway_api_filters_policies_and_grpc_matches_are_told() {
    let content = "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: r, namespace: n}\nspec:\n  \
        parentRefs: [{name: elsewhere, namespace: infra}]\n  rules:\n  \
        - matches:\n    - method: {service: protobuf.Transport, method: Connect}\n    - method: {method: HealthCheck}\n    \
        - method: {type: RegularExpression, service: 'protobuf[.]T.*'}\n    \
        filters:\n    - {type: RequestHeaderModifier, requestHeaderModifier: {remove: [Origin], set: [{name: Authorization, value: x}]}}\n    \
        backendRefs: [{name: hoop, port: 8010}]\n\
        ---\napiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: p, namespace: n}\nspec:\n  \
        targetRefs: [{kind: Service, name: hoop}]\n";
    check(
        content,
        r#"
listener @5 Envoy :? Http []
  tls unknown
  route @8 Exact("/protobuf.Transport/Connect") when Header("content-type", "application/grpc")
    to Http2 @13 tls true@19 hoop hoop:8010
    removes origin@12
    removes authorization@12
  route @9 Glob("/*/HealthCheck") when Header("content-type", "application/grpc")
    to Http2 @13 tls true@19 hoop hoop:8010
    removes origin@12
    removes authorization@12
  route @10 Matches("^/(?:protobuf[.]T.*)/(?:[^/]+)$") when Header("content-type", "application/grpc")
    to Http2 @13 tls true@19 hoop hoop:8010
    removes origin@12
    removes authorization@12
"#,
    );
}

#[test]
fn istio_settles_hosts_ports_subsets_and_what_a_port_replaces() {
    let content = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: edge}\nspec:\n  servers:\n  \
        - port: {number: 443, protocol: HTTPS, name: a}\n    tls: {mode: SIMPLE, credentialName: c, maxProtocolVersion: TLSV1_2}\n    hosts: ['hoop/gw.example.com']\n  \
        - port: {number: 80, protocol: HTTP, name: b}\n    tls: {httpsRedirect: true}\n    hosts: ['*']\n\
        ---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: hoop}\nspec:\n  \
        hosts: ['*.example.com', gw.example.com]\n  gateways: [edge/g, mesh]\n  http:\n  \
        - match: [{uri: {regex: '/protobuf[.]Transport/.*'}, port: 443}, {uri: {prefix: /never}, port: 8443}]\n    \
        route: [{destination: {host: hoop, subset: one, port: {number: 8010}}}]\n    \
        headers: {request: {remove: [Origin], set: {X-A: b}}}\n  \
        - route: [{destination: {host: hoop.hoop.svc.cluster.local, port: {number: 8009}}}]\n\
        ---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d, namespace: hoop}\nspec:\n  host: hoop\n  \
        trafficPolicy:\n    tls: {mode: SIMPLE}\n    portLevelSettings:\n    - {port: {number: 8009}, connectionPool: {tcp: {maxConnectionDuration: 1h}}}\n  \
        subsets:\n  - name: one\n    trafficPolicy: {connectionPool: {http: {h2UpgradePolicy: UPGRADE, maxRequestsPerConnection: 100}}}\n";
    check(
        content,
        r#"
listener @6 Istio :443 Http [Name("gw.example.com")]
  tls @7 c@7 newest 1.2@7
  http2 Spoken@6? (protocol)
  header 61440@6? (max_request_headers_kb)
  route @20 Matches("^(?:/protobuf[.]Transport/.*)$") hosts [Name("gw.example.com")]
    to Http2 @21 tls true@31 hoop hoop:8010
    removes origin@22
    removes x-a@22
    upgrades true@20?
    requests 100@36 (maxRequestsPerConnection)
  route @23 All hosts [Name("gw.example.com")]
    to Unknown @23 hoop.hoop.svc.cluster.local hoop.hoop.svc.cluster.local:8009
    upgrades true@23?
    age 3600000@33 (maxConnectionDuration)
  route @20 Matches("^(?:/protobuf[.]Transport/.*)$") hosts [Below(".example.com")]
    to Http2 @21 tls true@31 hoop hoop:8010
    removes origin@22
    removes x-a@22
    upgrades true@20?
    requests 100@36 (maxRequestsPerConnection)
  route @23 All hosts [Below(".example.com")]
    to Unknown @23 hoop.hoop.svc.cluster.local hoop.hoop.svc.cluster.local:8009
    upgrades true@23?
    age 3600000@33 (maxConnectionDuration)
listener @9 Istio :80 Http []
  http2 Spoken@9? (protocol)
  header 61440@9? (max_request_headers_kb)
  route @10 All
    redirect https
"#,
    );
}

#[test]
fn istio_passes_tls_on_by_its_names() {
    let content = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  servers:\n  \
        - port: {number: 8443, protocol: TLS, name: a}\n    tls: {mode: PASSTHROUGH}\n    hosts: ['gw.example.com']\n\
        ---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n  \
        hosts: [gw.example.com]\n  gateways: [g]\n  tls:\n  \
        - match: [{port: 8443, sniHosts: [gw.example.com]}]\n    route: [{destination: {host: hoop, port: {number: 8010}}}]\n";
    check(
        content,
        r#"
listener @6 Istio :8443 Tcp [Name("gw.example.com")]
  tls passed
  route @17 All hosts [Name("gw.example.com")]
    to AsClient @18 hoop hoop:8010
"#,
    );
}

#[test]
fn an_istio_policy_is_a_guard_where_it_meets_hoop() {
    let base = lab_file("istio-ok.yaml");
    let with = |kind: &str, spec: &str| {
        let policy =
            format!("---\napiVersion: security.istio.io/v1\nkind: {kind}\nmetadata: {{name: p}}\nspec: {spec}\n");
        routes(&format!("{base}{policy}"))
            .iter()
            .map(|route| route.guards.len())
            .collect::<Vec<_>>()
    };
    for (spec, guards) in [
        ("{}", [1, 1]),
        ("{action: DENY}", [0, 0]),
        ("{action: DENY, rules: [{}]}", [1, 1]),
        (
            "{action: DENY, rules: [{to: [{operation: {paths: [/protobuf.Transport/*]}}]}]}",
            [1, 0],
        ),
        (
            "{action: DENY, rules: [{to: [{operation: {paths: [/admin*]}}]}]}",
            [0, 0],
        ),
        (
            "{action: DENY, rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}",
            [0, 0],
        ),
        ("{action: ALLOW, rules: [{}]}", [0, 0]),
        ("{action: CUSTOM, provider: {name: x}, rules: [{}]}", [1, 1]),
        ("{selector: {matchLabels: {app: billing}}}", [0, 0]),
    ] {
        assert_eq!(with("AuthorizationPolicy", spec), guards, "{spec}");
    }
    // An empty one is only the ground for others.
    let both = "{}\n---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: q}\nspec: {rules: [{}]}";
    assert_eq!(with("AuthorizationPolicy", both), [0, 0]);
    assert_eq!(with("RequestAuthentication", "{jwtRules: [{issuer: x}]}"), [1, 1]);
    assert_eq!(
        with(
            "RequestAuthentication",
            "{jwtRules: [{issuer: x, fromHeaders: [{name: x-jwt}]}]}"
        ),
        [0, 0]
    );
}

#[test]
fn objects_of_several_files_name_each_other() {
    let whole = lab_file("istio-ok.yaml");
    let parts: Vec<&str> = whole.split("---\n").collect();
    let reversed: Vec<&str> = parts.iter().rev().copied().collect();
    let conf = read_all(&reversed);
    assert_eq!(conf.listeners.len(), 1, "{}", outline(&conf));
    assert_eq!(conf.listeners[0].at.file, "3.yaml");
    assert_eq!(conf.listeners[0].routes[0].at.file, "2.yaml");
    assert_eq!(
        conf.files.iter().map(|file| file.proxy).collect::<Vec<_>>(),
        [Proxy::Istio; 3]
    );
    // Without the Gateway its routes are still told, at a port that nobody knows.
    let conf = read_all(parts.get(1..).expect("three parts"));
    let listener = &conf.listeners[0];
    assert_eq!(
        (listener.port, &listener.tls, listener.routes.len()),
        (None, &Tls::Unknown, 2)
    );
}

#[test]
fn gateways_are_counted_and_agents_are_not() {
    for (name, replicas) in [
        ("workload-ok.yaml", Some(1)),
        ("workload-replicas.yaml", Some(2)),
        ("workload-autoscaler.yaml", Some(2)),
        ("workload-agents.yaml", None),
    ] {
        let conf = read(&lab_file(name));
        assert_eq!(conf.workloads.first().map(|one| one.replicas.value), replicas, "{name}");
    }
    let asked = |name: &str| {
        let checks = read(&lab_file(name)).checks;
        checks
            .iter()
            .map(|one| (one.asks, one.port.as_ref().map(|port| port.value)))
            .collect::<Vec<_>>()
    };
    assert_eq!(asked("workload-ok.yaml"), [(CheckAsks::Http1, Some(8009))]);
    assert_eq!(asked("workload-grpc-probe.yaml"), [(CheckAsks::GrpcHealth, Some(8010))]);
}

#[test]
fn a_template_of_helm_is_no_manifest_and_a_template_in_a_value_is_none_of_helms() {
    let conf = read(&lab_file("ingress-nginx-template.yaml"));
    assert!(conf.problems[0].what.contains("helm template"), "{:?}", conf.problems);
    let value =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: alerts}\ndata:\n  text: '{{ range .Alerts }}{{ end }}'\n";
    assert_eq!(read(value).problems, []);
}

#[test]
fn a_secret_is_known_by_its_name_alone() {
    let conf = read(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: tls\ntype: kubernetes.io/tls\ndata:\n  tls.key: c2VjcmV0c2VjcmV0\n",
    );
    assert_eq!(conf.secrets[0].value, "tls");
    assert!(!format!("{conf:?}").contains("c2VjcmV0"), "{conf:?}");
}

#[test]
fn durations_are_gos() {
    for (text, milliseconds) in [
        ("0s", Some(0)),
        ("0", Some(0)),
        ("10s", Some(10_000)),
        ("1h30m", Some(5_400_000)),
        ("250ms", Some(250)),
        ("1.5s", Some(1_500)),
        ("", None),
        ("10", None),
        ("s", None),
        ("ten", None),
        ("99999999999999999999h", None),
    ] {
        assert_eq!(duration(text), milliseconds, "{text}");
    }
}

#[test]
fn recipes_are_read_without_a_problem_and_lead_where_they_should() {
    for grpc_host in [None, Some("grpc.example.com".to_owned())] {
        for tls_upstream in [false, true] {
            let asked = Asked {
                host: "gw.example.com".to_owned(),
                grpc_host: grpc_host.clone(),
                certificate: None,
                gateway: "hoopgateway".to_owned(),
                tls_upstream,
            };
            for recipe in [Recipe::IngressNginx, Recipe::GatewayApi, Recipe::Istio] {
                let recipe = recipe.text(&asked);
                let conf = read(&recipe);
                assert_eq!(conf.problems, [], "{recipe}");
                let all: Vec<Route> = conf.listeners.iter().flat_map(own_hosts).collect();
                for method in crate::proxyconf::path::METHODS {
                    assert_eq!(port(&all, asked.grpc(), method), Some(8010), "{recipe}");
                }
                assert_eq!(port(&all, &asked.host, "/api/healthz"), Some(8009), "{recipe}");
                for route in &all {
                    assert_eq!(
                        (route.limits.body.as_ref(), route.retries.as_ref()),
                        (None, None),
                        "{recipe}"
                    );
                    let Action::Forward(to) = &route.action else { continue };
                    assert_eq!(to.tls.as_ref().is_some_and(|tls| tls.value), tls_upstream, "{recipe}");
                    if to.servers[0].port == Some(8010) {
                        assert_eq!(to.speaks.value, Speaks::Http2, "{recipe}");
                    }
                }
            }
        }
    }
}

/// A listener's routes with the listener's hosts.
fn own_hosts(listener: &crate::proxyconf::Listener) -> Vec<Route> {
    let mut routes = listener.routes.clone();
    for route in &mut routes {
        route.hosts.extend(listener.hosts.iter().cloned());
    }
    routes
}

#[test]
fn many_objects_are_read_in_little_time() {
    let one = ingress(&["proxy-body-size: '0'"], &[("Prefix", "/", 8009)]);
    let many: String = (0..5_000)
        .map(|number| {
            format!(
                "{}---\n",
                one.replace("gw.example.com", &format!("h{number}.example.com"))
            )
        })
        .collect();
    let started = Instant::now();
    assert_eq!(read(&many).listeners.len(), 5_000);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn only_objects_of_kubernetes_are_mine() {
    let mine = |content: &str| {
        yaml::documents(&Text::new("x", content))
            .all
            .first()
            .is_some_and(|doc| is_mine(doc))
    };
    assert!(mine("apiVersion: v1\nkind: List\nitems: []"));
    assert!(!mine("AWSTemplateFormatVersion: 2010-09-09\nResources: {}"));
    assert!(!mine("static_resources: {listeners: []}"));
    assert!(!mine("services:\n  gateway: {image: hoophq/hoop}"));
}

proptest::proptest! {
    /// Values are taken away, swapped for others of another shape, or written twice: something is always said, and quickly.
    #[test]
    fn a_damaged_manifest_is_read_or_refused(file in 0usize..70, cuts in proptest::collection::vec((0usize..120, 0u8..6), 1..6)) {
        let (_, content) = lab().swap_remove(file);
        let mut lines: Vec<String> = content.lines().map(str::to_owned).collect();
        for (at, how) in cuts {
            let at = at % lines.len();
            let line = lines[at].clone();
            let key = line.split(':').next().unwrap_or_default();
            match how {
                0 => { lines.remove(at); }
                1 => lines[at] = format!("{key}: []"),
                2 => lines[at] = format!("{key}: {{x: [1, {{y: z}}]}}"),
                3 => lines[at] = format!("{key}: 99999999999999999999"),
                4 => lines.insert(at, line),
                _ => lines[at] = format!("{key}: \"é/*?$(\""),
            }
            if lines.is_empty() {
                break;
            }
        }
        let _ = outline(&read(&lines.join("\n")));
    }
}
