use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{is_mine, looks_like_hcl, read};
use crate::proxyconf::outline::outline;
use crate::proxyconf::source::Text;
use crate::proxyconf::{ProxyConf, yaml};

/// What is made of files that are read together.
fn conf_of(files: &[(&str, &str)]) -> ProxyConf {
    let texts: Vec<Text> = files.iter().map(|(name, content)| Text::new(*name, *content)).collect();
    let docs: Vec<yaml::Documents> = texts.iter().map(yaml::documents).collect();
    let mut conf = ProxyConf::default();
    conf.problems
        .extend(docs.iter().filter_map(|docs| docs.problem.clone()));
    let all: Vec<_> = texts
        .iter()
        .zip(&docs)
        .map(|(text, docs)| (text, docs.all.as_slice()))
        .collect();
    read(&all, &mut conf);
    conf
}

#[track_caller]
fn check(content: &str, expected: &str) {
    check_all(&[("a", content)], expected);
}

/// Indentation of the expected text is that of the test.
#[track_caller]
fn check_all(files: &[(&str, &str)], expected: &str) {
    let found = outline(&conf_of(files));
    let expected: Vec<&str> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    let margin = expected
        .iter()
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let expected: Vec<&str> = expected.iter().map(|line| line[margin..].trim_end()).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "\n{found}");
}

/// Lines of the outline that a test is about.
#[track_caller]
fn check_lines(files: &[(&str, &str)], about: &[&str], expected: &[&str]) {
    let found = outline(&conf_of(files));
    let lines: Vec<&str> = found
        .lines()
        .map(str::trim)
        .filter(|line| about.iter().any(|word| line.starts_with(word)))
        .collect();
    assert_eq!(lines, expected, "\n{found}");
}

/// Resources of a template, each with a name, its kind and properties in one line.
fn template(resources: &[(&str, &str, &str)]) -> String {
    let mut text = "Resources:\n".to_owned();
    for (name, kind, properties) in resources {
        text.push_str(&format!(
            "  {name}:\n    Type: AWS::ElasticLoadBalancingV2::{kind}\n    Properties: {properties}\n"
        ));
    }
    text
}

const HTTPS: &str = "{LoadBalancerArn: !Ref L, Port: 443, Protocol: HTTPS, Certificates: [{CertificateArn: arn:c}], \
                     DefaultActions: [{Type: forward, TargetGroupArn: !Ref Rest}]}";
const REST: (&str, &str, &str) = (
    "Rest",
    "TargetGroup",
    "{Protocol: HTTP, Port: 8009, HealthCheckPath: /api/healthz}",
);
const GRPC: (&str, &str, &str) = (
    "Grpc",
    "TargetGroup",
    "{Protocol: HTTP, ProtocolVersion: GRPC, Port: 8010}",
);
const BALANCER: (&str, &str, &str) = ("L", "LoadBalancer", "{Name: hoop}");

#[test]
fn a_template_has_its_defaults_and_places() {
    let rule = "{ListenerArn: !Ref H, Priority: 5, Conditions: [{Field: path-pattern, Values: [/protobuf.Transport/*]}], \
                Actions: [{Type: forward, TargetGroupArn: !Ref Grpc}]}";
    check(
        &template(&[
            BALANCER,
            ("H", "Listener", HTTPS),
            ("R", "ListenerRule", rule),
            REST,
            GRPC,
        ]),
        "
        listener @5 AWS ALB :443 Http []
          tls @7 arn:c@7 newest 1.2@5?
          http2 Spoken@2? (routing.http2.enabled)
          header 16384@2? (size of a header)
          idle 60000@2? (idle_timeout.timeout_seconds)
          streams 128@2? (requests of an HTTP/2 connection)
          age 3600000@2? (client_keep_alive.seconds)
          route @8 Glob(\"/protobuf.Transport/*\")
            to Http2 @10 tls false@16 Grpc Grpc:8010
            check @14 GrpcCall path /AWS.ALB/healthcheck@14? expects 12@14?
            upgrades false@16
          route @5 All
            to Http1 @7 tls false@13 Rest Rest:8009
            check @13 Http1 path /api/healthz@13 expects 200@11?
            upgrades true@11?
        ",
    );
}

#[test]
fn rules_are_asked_by_priority_and_the_default_last() {
    let rule = |priority: &str, path: &str| {
        format!(
            "{{ListenerArn: !Ref H, Priority: {priority}, Conditions: [{{Field: path-pattern, Values: [{path}]}}], \
             Actions: [{{Type: fixed-response, FixedResponseConfig: {{StatusCode: 404}}}}]}}"
        )
    };
    let (late, early) = (rule("20", "/late"), rule("3", "/*"));
    check_lines(
        &[(
            "a",
            &template(&[
                ("H", "Listener", HTTPS),
                ("A", "ListenerRule", &late),
                ("B", "ListenerRule", &early),
                REST,
                BALANCER,
            ]),
        )],
        &["route"],
        &["route @8 All", "route @5 Glob(\"/late\")", "route @2 All"],
    );
}

#[test]
fn conditions_narrow_a_route() {
    for (condition, route) in [
        (
            "{Field: host-header, Values: [\"*.example.com\", gw.io]}",
            "route @5 All hosts [Below(\".example.com\"), Name(\"gw.io\")]",
        ),
        (
            "{Field: host-header, HostHeaderConfig: {Values: [\"*\"]}}",
            "route @5 All",
        ),
        (
            "{Field: host-header, Values: [\"g?.io\"]}",
            "route @5 All hosts [Else(\"g?.io\")]",
        ),
        (
            "{Field: path-pattern, PathPatternConfig: {RegexValues: [\"^/a\"]}}",
            "route @5 Matches(\"^/a\")",
        ),
        (
            "{Field: http-header, HttpHeaderConfig: {HttpHeaderName: Content-Type, Values: [application/grpc*]}}",
            "route @5 All when Header(\"content-type\", \"application/grpc\")",
        ),
        (
            "{Field: http-header, HttpHeaderConfig: {HttpHeaderName: TE, Values: [\"*ers\"]}}",
            "route @5 All when Else(\"http-header *ers\")",
        ),
        (
            "{Field: http-request-method, HttpRequestMethodConfig: {Values: [POST]}}",
            "route @5 All when Method([\"POST\"])",
        ),
        (
            "{Field: source-ip, SourceIpConfig: {Values: [10.0.0.0/8]}}",
            "route @5 All when Else(\"source-ip 10.0.0.0/8\")",
        ),
        (
            "{Field: query-string, QueryStringConfig: {Values: [{Key: v, Value: b}]}}",
            "route @5 All when Else(\"query-string b\")",
        ),
        (
            "{Field: path-pattern, Values: [!ImportValue P]}",
            "route @5 Else(\"Properties: {ListenerArn: !Ref H, Priority: 1, Conditions: [{Field: path-pattern, Values: \
             [!ImportValue P]}], Actions: [{Type: forward, TargetGroupArn: !Ref Rest}]}\")",
        ),
    ] {
        let rule = format!(
            "{{ListenerArn: !Ref H, Priority: 1, Conditions: [{condition}], \
             Actions: [{{Type: forward, TargetGroupArn: !Ref Rest}}]}}"
        );
        let text = template(&[("H", "Listener", HTTPS), ("R", "ListenerRule", &rule), REST, BALANCER]);
        check_lines(&[("a", &text)], &["route @5"], &[route]);
    }
}

#[test]
fn what_a_listener_speaks_follows_from_its_protocol() {
    let rest = "DefaultActions: [{Type: forward, TargetGroupArn: !Ref T}]";
    let certificate = "Certificates: [{CertificateArn: c}]";
    for (kind, listener, group, about) in [
        (
            "application",
            "Protocol: HTTP".to_owned(),
            "HTTP",
            vec!["http2 Http1Only@5 (Protocol)"],
        ),
        ("network", "Protocol: TCP".to_owned(), "TCP", vec!["tls passed"]),
        (
            "network",
            format!("Protocol: TLS, {certificate}"),
            "TLS",
            vec!["tls @5 c@5 newest 1.2@3?", "http2 NoAlpn@3? (AlpnPolicy)"],
        ),
        (
            "network",
            format!("Protocol: TLS, {certificate}, AlpnPolicy: [HTTP2Optional]"),
            "TCP",
            vec!["tls @5 c@5 newest 1.2@3?", "http2 Spoken@5 (AlpnPolicy)"],
        ),
        (
            "application",
            format!("Protocol: HTTPS, {certificate}, MutualAuthentication: {{Mode: verify}}"),
            "HTTPS",
            vec![
                "tls @5 c@5 client-certificate true@5 newest 1.2@3?",
                "http2 Spoken@6? (routing.http2.enabled)",
            ],
        ),
    ] {
        let listener = format!("{{LoadBalancerArn: !Ref L, Port: 443, {listener}, {rest}}}");
        let resources = template(&[
            ("H", "Listener", &listener),
            ("L", "LoadBalancer", &format!("{{Type: {kind}}}")),
            ("T", "TargetGroup", &format!("{{Protocol: {group}, Port: 8010}}")),
        ]);
        check_lines(
            &[("a", &resources.replacen("Resources:\n", "Resources:\n\n", 1))],
            &["tls", "http2"],
            &about,
        );
    }
}

#[test]
fn a_balancer_elsewhere_leaves_its_attributes_unknown() {
    let text = template(&[("H", "Listener", HTTPS), REST]).replacen("!Ref L", "!ImportValue L", 1);
    check_lines(&[("a", &text)], &["http2", "idle", "age"], &[]);
}

#[test]
fn several_groups_are_each_perhaps_chosen_and_the_heaviest_at_last() {
    let forward = "{LoadBalancerArn: !Ref L, Port: 80, Protocol: HTTP, DefaultActions: [{Type: forward, ForwardConfig: \
                   {TargetGroups: [{TargetGroupArn: !Ref Rest, Weight: 9}, {TargetGroupArn: !Ref Grpc, Weight: 1}]}}]}";
    check_lines(
        &[("a", &template(&[("H", "Listener", forward), REST, GRPC, BALANCER]))],
        &["route", "to"],
        &[
            "route @2 All when Else(\"weight 1 of 10\")",
            "to Http2 @4 tls false@10 Grpc Grpc:8010",
            "route @2 All",
            "to Http1 @4 tls false@7 Rest Rest:8009",
        ],
    );
}

#[test]
fn a_login_before_a_route_is_a_guard_unless_it_lets_all_through() {
    for (on, guards) in [
        ("authenticate", vec!["guard Authenticates @4 authenticate-cognito"]),
        ("allow", vec![]),
    ] {
        let listener = format!(
            "{{Port: 80, Protocol: HTTP, DefaultActions: [{{Type: forward, Order: 2, TargetGroupArn: !Ref Rest}}, \
             {{Type: authenticate-cognito, Order: 1, AuthenticateCognitoConfig: {{OnUnauthenticatedRequest: {on}}}}}]}}"
        );
        check_lines(
            &[("a", &template(&[("H", "Listener", &listener), REST]))],
            &["guard"],
            &guards,
        );
    }
}

#[test]
fn functions_come_to_what_can_be_known() {
    let values = |idle: &str| {
        format!(
            "Parameters:\n  Stage: {{Type: String, Default: test}}\n  Idle: {{Type: Number, Default: 900}}\n  \
             Empty: {{Type: String, Default: ''}}\n  Stored: {{Type: 'AWS::SSM::Parameter::Value<String>', Default: /idle}}\n\
             Conditions:\n  IsTest: !Equals [!Ref Stage, test]\n  Never: !Not [!Condition IsTest]\n  \
             Open: !Equals [!Ref Empty, x]\n  Loop: !Condition Loop\n  Any: !Or [!Condition Open, !Condition IsTest]\n\
             Mappings: {{Idle: {{test: {{seconds: 700}}}}}}\nResources:\n  L:\n    \
             Type: AWS::ElasticLoadBalancingV2::LoadBalancer\n    Properties:\n      LoadBalancerAttributes:\n        \
             - {idle}\n  H:\n    Type: AWS::ElasticLoadBalancingV2::Listener\n    \
             Properties: {{LoadBalancerArn: !Ref L, Port: 80, Protocol: HTTP, DefaultActions: [{{Type: forward, \
             TargetGroupArn: !ImportValue T}}]}}\n"
        )
    };
    let attribute = |value: &str| format!("{{Key: idle_timeout.timeout_seconds, Value: {value}}}");
    for (item, idle) in [
        (attribute("'5'"), Some("5000")),
        (attribute("!Ref Idle"), Some("900000")),
        (attribute("{Ref: Idle}"), Some("900000")),
        (attribute("!Sub '${Idle}'"), Some("900000")),
        (attribute("!Sub ['1${A}', {A: !Ref Idle}]"), Some("1900000")),
        (attribute("!Join ['', [1, 2]]"), Some("12000")),
        (attribute("!FindInMap [Idle, !Ref Stage, seconds]"), Some("700000")),
        (attribute("{'Fn::FindInMap': [Idle, test, seconds]}"), Some("700000")),
        (attribute("!If [IsTest, 1, 2]"), Some("1000")),
        (attribute("!If [Never, 1, 2]"), Some("2000")),
        (attribute("!If [Any, 1, 2]"), Some("1000")),
        (attribute("!If [Open, 1, 2]"), None),
        (attribute("!If [Loop, 1, 2]"), None),
        (attribute("!Ref Stored"), None),
        (attribute("!Ref Empty"), None),
        (attribute("!GetAtt L.DNSName"), None),
        ("!If [IsTest, !Ref AWS::NoValue, 1]".to_owned(), Some("60000")),
        (format!("!If [IsTest, {}, 1]", attribute("8")), Some("8000")),
        ("!If [Open, 1, 2]".to_owned(), None),
    ] {
        let found = outline(&conf_of(&[("a", &values(&item))]));
        let line = found.lines().find_map(|line| line.trim().strip_prefix("idle "));
        assert_eq!(line.and_then(|line| line.split('@').next()), idle, "{item}\n{found}");
    }
}

#[test]
fn what_aws_refuses_is_a_problem_at_its_line_and_nothing_else_is_said() {
    let listener = |properties: &str| format!("{{LoadBalancerArn: !Ref L, {properties}}}");
    let to = "DefaultActions: [{Type: forward, TargetGroupArn: !Ref Rest}]";
    let tls = "Certificates: [{CertificateArn: c}]";
    let cases = [
        (
            listener(&format!("Port: 443, Protocol: HTTPS, {to}")),
            "{Protocol: HTTP}",
            4,
            "a listener with HTTPS needs a certificate",
        ),
        (
            listener(&format!("Port: 0, Protocol: HTTP, {to}")),
            "{Protocol: HTTP}",
            4,
            "Port is a number from 1 to 65535, not 0",
        ),
        (
            listener("Port: 80, Protocol: HTTP"),
            "{Protocol: HTTP}",
            2,
            "a listener needs default actions",
        ),
        (
            listener("Port: 80, Protocol: HTTP, DefaultActions: [{Type: forward, TargetGroupArn: !Ref Gone}]"),
            "{Protocol: HTTP}",
            4,
            "Gone is neither a resource nor a parameter of this template",
        ),
        (
            listener("Port: 80, Protocol: HTTP, DefaultActions: [{Type: forward, TargetGroupArn: !Sub '${Gone.Arn}'}]"),
            "{Protocol: HTTP}",
            4,
            "Gone is neither a resource nor a parameter of this template",
        ),
        (
            listener("Port: 80, Protocol: HTTP, DefaultActions: [{Type: forwards, TargetGroupArn: !Ref Rest}]"),
            "{Protocol: HTTP}",
            4,
            "there is no action forwards",
        ),
        (
            listener(&format!("Port: 443, Protocol: TLS, {tls}, {to}")),
            "{Protocol: TCP}",
            4,
            "an application load balancer listens with HTTP or HTTPS, not TLS",
        ),
        (
            listener(&format!("Port: 80, Protocol: HTTP, {to}")),
            "{Protocol: TCP}",
            4,
            "a listener with HTTP can't forward to Rest, whose protocol is TCP",
        ),
        (
            listener(&format!("Port: 80, Protocol: HTTP, {to}")),
            "{Protocol: HTTP, HealthCheckProtocol: TCP}",
            7,
            "a target group for requests is checked with HTTP or HTTPS, not TCP",
        ),
        (
            listener(&format!("Port: 80, Protocol: HTTP, {to}")),
            "{Protocol: HTTP, ProtocolVersion: grpc}",
            7,
            "ProtocolVersion is one of HTTP1, HTTP2, GRPC, not grpc",
        ),
        (
            listener(&format!("Port: 80, Protocol: HTTP, {to}")),
            "{Protocol: HTTP, HealthCheckPath: api/healthz}",
            7,
            "the path of a health check begins with /",
        ),
        (
            listener(&format!("Port: 80, Protocol: HTTP, {to}")),
            "{Protocol: HTTP, HealthCheckPort: grpc}",
            7,
            "HealthCheckPort is a number from 1 to 65535, not grpc",
        ),
        (
            listener(&format!("Port: 80, Protocol: HTTP, {to}")),
            "{Protocol: HTTP, ProtocolVersion: GRPC, Matcher: {GrpcCode: '0,200'}}",
            7,
            "GrpcCode has statuses from 0 to 99, not 0,200",
        ),
        (
            listener(&format!("Port: 80, Protocol: HTTP, {to}")),
            "{Protocol: HTTP, Matcher: {HttpCode: 12}}",
            7,
            "HttpCode has statuses from 200 to 499, not 12",
        ),
    ];
    for (listener, group, line, what) in cases {
        let text = template(&[("H", "Listener", &listener), ("Rest", "TargetGroup", group), BALANCER]);
        let conf = conf_of(&[("a", &text)]);
        let found: Vec<_> = conf
            .problems
            .iter()
            .map(|one| (one.at.line, one.what.as_str()))
            .collect();
        assert_eq!(found, [(line, what)], "{text}");
        assert!(conf.listeners.is_empty() && !conf.problems[0].starts, "{text}");
    }
}

#[test]
fn a_resource_waits_for_others_of_the_template() {
    let text = template(&[("H", "Listener", HTTPS), REST, BALANCER]);
    for (after, problems) in [("Rest", 0), ("[Rest, Gone]", 1), ("Gone", 1)] {
        let text = format!("{text}    DependsOn: {after}\n");
        assert_eq!(conf_of(&[("a", &text)]).problems.len(), problems, "{text}");
    }
}

#[test]
fn a_transformation_of_the_path_rewrites_it() {
    for (kind, rewrites) in [("url-rewrite", vec!["rewrites @4"]), ("host-header-rewrite", vec![])] {
        let rule = format!(
            "{{ListenerArn: !Ref H, Priority: 1, Conditions: [{{Field: path-pattern, Values: [/a/*]}}], \
             Transforms: [{{Type: {kind}}}], Actions: [{{Type: forward, TargetGroupArn: !Ref Rest}}]}}"
        );
        let text = template(&[("R", "ListenerRule", &rule), ("H", "Listener", HTTPS), REST, BALANCER]);
        check_lines(&[("a", &text)], &["rewrites"], &rewrites);
    }
}

/// Aliases share values, conditions and references lead to each other: each could be followed for ever.
#[test]
fn what_leads_to_itself_is_read_quickly() {
    let started = Instant::now();
    let mut aliases = "Resources:\n  A0: &a0 {Type: AWS::X, Properties: {B: [!Ref A1, !Ref A1]}}\n".to_owned();
    let mut conditions = "Conditions:\n".to_owned();
    for level in 1..60 {
        let names = vec![format!("*a{}", level - 1); 9].join(", ");
        aliases.push_str(&format!(
            "  A{level}: &a{level} {{Type: AWS::X, Properties: {{B: [{names}]}}}}\n"
        ));
        let next = vec![format!("!Condition C{}", (level + 1) % 60); 9].join(", ");
        conditions.push_str(&format!("  C{level}: !Or [{next}]\n"));
    }
    let idle = "{LoadBalancerAttributes: [{Key: idle_timeout.timeout_seconds, Value: !If [C1, 1, 2]}]}";
    let _ = conf_of(&[("a", &aliases)]);
    let _ = conf_of(&[(
        "a",
        &format!("{conditions}{}", template(&[("L", "LoadBalancer", idle)])),
    )]);
    let joined = "!Join ['', [&j !Join ['', [x, x]], *j, *j, *j]]";
    let _ = conf_of(&[(
        "a",
        &template(&[("L", "LoadBalancer", &idle.replace("!If [C1, 1, 2]", joined))]),
    )]);
    let calls = lab("plan-modules.json").replace("aws_lb_target_group.grpc.arn", "module.groups.rest_arn");
    let calls = calls.replace("aws_lb_target_group.rest.arn", "module.groups.grpc_arn");
    let _ = conf_of(&[("a", &calls)]);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn a_macro_or_a_module_may_make_what_is_missing() {
    let text = template(&[("H", "Listener", HTTPS), REST]);
    for more in [
        "Transform: AWS::Serverless-2016-10-31\n",
        "  Fn::Transform: {Name: AWS::Include}\n",
        "  M: {Type: My::Own::Balancer::MODULE}\n",
    ] {
        let text = match more.starts_with(' ') {
            true => format!("{text}{more}"),
            false => format!("{more}{text}"),
        };
        assert_eq!(conf_of(&[("a", &text)]).problems, [], "{text}");
    }
    assert_eq!(conf_of(&[("a", &text)]).problems.len(), 1);
}

const LISTENERS: &str = r#"{"Listeners": [{
  "ListenerArn": "arn:aws:elasticloadbalancing:r:1:listener/app/hoop/1/2", "LoadBalancerArn": "lb", "Port": 443,
  "Protocol": "HTTPS", "SslPolicy": "ELBSecurityPolicy-2016-08", "Certificates": [{"CertificateArn": "c"}],
  "DefaultActions": [{"Type": "forward", "TargetGroupArn": "rest"}]}]}"#;
const RULES: &str = r#"{"Rules": [
 {"RuleArn": "arn:aws:elasticloadbalancing:r:1:listener-rule/app/hoop/1/2/4", "Priority": "default", "Conditions": [],
  "Actions": [{"Type": "forward", "TargetGroupArn": "rest"}], "IsDefault": true},
 {"RuleArn": "arn:aws:elasticloadbalancing:r:1:listener-rule/app/hoop/1/2/3", "Priority": "1",
  "Conditions": [{"Field": "path-pattern", "Values": ["/protobuf.Transport/*"]}],
  "Actions": [{"Type": "forward", "TargetGroupArn": "grpc"}], "IsDefault": false}]}"#;
const GROUPS: &str = r#"{"TargetGroups": [
 {"TargetGroupArn": "rest", "TargetGroupName": "hoop-rest", "Protocol": "HTTP", "Port": 8009, "HealthCheckProtocol": "HTTP",
  "HealthCheckPort": "traffic-port", "HealthCheckPath": "/", "Matcher": {"HttpCode": "200"}, "ProtocolVersion": "HTTP1"},
 {"TargetGroupArn": "grpc", "TargetGroupName": "hoop-grpc", "Protocol": "HTTP", "Port": 8010, "HealthCheckProtocol": "HTTP",
  "HealthCheckPort": "traffic-port", "HealthCheckPath": "/", "Matcher": {"GrpcCode": "12"}, "ProtocolVersion": "GRPC"}]}"#;
const BALANCERS: &str =
    r#"{"LoadBalancers": [{"LoadBalancerArn": "lb", "LoadBalancerName": "hoop", "Type": "application"}]}"#;
const ATTRIBUTES: &str = r#"{"Attributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "60"},
 {"Key": "routing.http2.enabled", "Value": "true"}]}"#;

#[test]
fn outputs_of_describe_are_joined_by_arn() {
    check_all(
        &[
            ("l", LISTENERS),
            ("r", RULES),
            ("g", GROUPS),
            ("b", BALANCERS),
            ("a", ATTRIBUTES),
        ],
        "
        listener @2 AWS ALB :443 Http []
          tls @3 c@3 newest 1.2@3
          http2 Spoken@2 (routing.http2.enabled)
          header 16384@1? (size of a header)
          idle 60000@1 (idle_timeout.timeout_seconds)
          streams 128@1? (requests of an HTTP/2 connection)
          age 3600000@1? (client_keep_alive.seconds)
          route @4 Glob(\"/protobuf.Transport/*\")
            to Http2 @6 tls false@4 hoop-grpc hoop-grpc:8010
            check @5 GrpcCall path /@5 expects 12@5
            upgrades false@5
          route @2 All
            to Http1 @3 tls false@2 hoop-rest hoop-rest:8009
            check @3 Http1 path /@3 expects 200@3
            upgrades true@3
        ",
    );
}

#[test]
fn what_is_not_described_is_not_known() {
    check(
        RULES,
        "
        listener @2 AWS ALB :? Http []
          tls unknown
          header 16384@2? (size of a header)
          streams 128@2? (requests of an HTTP/2 connection)
          route @4 Glob(\"/protobuf.Transport/*\")
            to Unknown @6 grpc
          route @2 All
            to Unknown @3 rest
        ",
    );
    check_lines(&[("l", LISTENERS), ("b", BALANCERS)], &["idle", "http2"], &[]);
    check_lines(
        &[("l", LISTENERS), ("a", ATTRIBUTES)],
        &["idle"],
        &["idle 60000@1 (idle_timeout.timeout_seconds)"],
    );
}

#[test]
fn targets_belong_to_the_group_with_their_port_and_may_be_down() {
    let health = r#"{"TargetHealthDescriptions": [
 {"Target": {"Id": "i-1", "Port": 8010}, "TargetHealth": {"State": "unhealthy", "Reason": "Target.ResponseCodeMismatch",
  "Description": "Health checks failed with these codes: [0]"}},
 {"Target": {"Id": "i-2", "Port": 8010}, "TargetHealth": {"State": "initial"}}]}"#;
    check_lines(
        &[("l", LISTENERS), ("r", RULES), ("g", GROUPS), ("h", health)],
        &["to"],
        &[
            "to Http2 @6 tls false@4 hoop-grpc i-1:8010 down (Target.ResponseCodeMismatch: Health checks failed with these \
             codes: [0]@2) i-2:8010",
            "to Http1 @3 tls false@2 hoop-rest hoop-rest:8009",
        ],
    );
    let one =
        r#"{"TargetGroups": [{"TargetGroupArn": "rest", "TargetGroupName": "r", "Protocol": "HTTP", "Port": 8009}]}"#;
    let none = r#"{"TargetHealthDescriptions": []}"#;
    check_lines(
        &[("l", LISTENERS), ("g", one), ("h", none)],
        &["to"],
        &["to Http1 @4 tls false@1 r r:8009 down (TargetHealthDescriptions: no target is registered@1)"],
    );
}

#[test]
fn a_plan_is_joined_by_its_references() {
    let plan = lab("plan-modules.json");
    check_lines(
        &[("plan", &plan)],
        &["route", "to"],
        &[
            "route @57 Glob(\"/protobuf.Transport/*\")",
            "to Http2 @65 tls false@148 hoop-grpc 10.0.1.10:8010",
            "route @30 All",
            "to Http1 @40 tls false@120 hoop-rest 10.0.1.10:8009",
        ],
    );
    // A reference that may lead to several resources leads to none.
    let several = plan.replace(
        "aws_lb_target_group.grpc\",\n              \"mode",
        "aws_lb_target_group.rest[1]\",\n              \"mode",
    );
    assert_ne!(several, plan);
    check_lines(&[("plan", &several)], &["to"], &["to Unknown @65", "to Unknown @40"]);
}

#[test]
fn a_default_of_a_plan_is_one() {
    check_lines(
        &[("plan", &lab("plan-idle-default.json"))],
        &["idle"],
        &["idle 60000@19? (idle_timeout)"],
    );
    check_lines(
        &[("plan", &lab("plan.json"))],
        &["idle"],
        &["idle 3600000@19 (idle_timeout)"],
    );
}

#[test]
fn a_service_is_a_gateway_where_its_grpc_port_is_joined() {
    let text = lab("ecs-three.yaml");
    check_lines(
        &[("a", &text)],
        &["to", "workload"],
        &[
            "to Http2 @53 tls false@69 Grpc Service:8010",
            "to Http1 @39 tls false@60 Rest Service:8009",
            "workload Service 3@98",
        ],
    );
    let other = text.replace("hoophq/hoop:latest", "nginx:latest");
    check_lines(&[("a", &other)], &["workload"], &[]);
}

#[test]
fn other_documents_are_nobodys() {
    for (content, mine) in [
        ("AWSTemplateFormatVersion: 2010-09-09\n", true),
        ("Resources: {B: {Type: AWS::S3::Bucket}}", true),
        (r#"{"format_version": "1.2", "planned_values": {}}"#, true),
        (r#"{"Attributes": [{"Key": "a", "Value": "b"}]}"#, true),
        (r#"[{"TargetGroupArn": "a", "TargetGroupName": "b"}]"#, true),
        (r#"{"TargetHealthDescriptions": []}"#, true),
        ("apiVersion: v1\nkind: Service\n", false),
        ("static_resources: {listeners: []}", false),
        ("http: {routers: {}, services: {}}", false),
        (r#"{"Rules": [{"Name": "x"}]}"#, false),
        ("services: {gateway: {image: hoophq/hoop}}", false),
        ("Resources: {a: {type: x}}", false),
        ("[]", false),
    ] {
        let docs = yaml::documents(&Text::new("a", content));
        assert_eq!(docs.all.iter().any(|doc| is_mine(doc)), mine, "{content}");
    }
}

#[test]
fn terraforms_own_language_is_recognised() {
    assert!(looks_like_hcl("# comment\nresource \"aws_lb\" \"hoop\" {\n"));
    assert!(looks_like_hcl("variable \"x\" {}\n"));
    assert!(!looks_like_hcl("server {\n  listen 80;\n}\n"));
    assert!(!looks_like_hcl("data \"x\"\n"));
}

#[test]
fn every_file_of_the_lab_says_something() {
    let table = lab("expect.tsv");
    let mut rows = 0;
    for row in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (names, codes) = row.split_once('\t').expect("files and codes");
        let contents: Vec<String> = names.split(',').map(lab).collect();
        let files: Vec<(&str, &str)> = names.split(',').zip(contents.iter().map(String::as_str)).collect();
        let conf = conf_of(&files);
        assert_eq!(
            conf.problems.is_empty(),
            !codes.contains("HD801"),
            "{row}: {:?}",
            conf.problems
        );
        assert_eq!(conf.listeners.is_empty(), codes.contains("HD801"), "{row}");
        rows += 1;
    }
    assert!(rows > 40, "{rows} rows");
}

fn lab(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/alb").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

proptest::proptest! {
    /// Any of AWS's words, in any order and nesting.
    #[test]
    fn any_template_is_read(words in proptest::collection::vec(0..TOKENS.len(), 0..60)) {
        let body: String = words.into_iter().map(|index| TOKENS[index]).collect();
        let _ = conf_of(&[("a", &format!("Resources:\n{body}"))]);
        let _ = conf_of(&[("a", &body)]);
    }

    #[test]
    fn any_part_of_a_file_is_read(file in 0_usize..3, from in 0_usize..4_000, length in 0_usize..40) {
        let name = ["plan-modules.json", "hoop-template.yaml", "by-content-type.json"][file];
        let content = lab(name);
        let cut: String = content.chars().enumerate().filter(|(at, _)| !(from..from + length).contains(at)).map(|(_, char)| char).collect();
        let _ = conf_of(&[("a", &cut), ("b", &content)]);
    }
}

const TOKENS: [&str; 28] = [
    "\n",
    "  ",
    "    ",
    "- ",
    "A: ",
    "Type: AWS::ElasticLoadBalancingV2::Listener\n",
    "Properties:\n",
    "Port: 443\n",
    "Type: AWS::ElasticLoadBalancingV2::TargetGroup\n",
    "Type: AWS::ElasticLoadBalancingV2::LoadBalancer\n",
    "Type: AWS::ElasticLoadBalancingV2::ListenerRule\n",
    "Conditions:\n",
    "DefaultActions:\n",
    "Actions: ",
    "!Ref A\n",
    "!If [A, !Ref A, {Ref: A}]\n",
    "!Sub '${A}${'\n",
    "{Fn::GetAtt: [A, B]}\n",
    "Type: forward\n",
    "TargetGroupArn: ",
    "Protocol: HTTPS\n",
    "[]\n",
    "{}\n",
    "Values: [!Ref A]\n",
    "Field: path-pattern\n",
    "Priority: 99999999999999999999\n",
    "LoadBalancerAttributes:\n",
    "Key: idle_timeout.timeout_seconds\n",
];
