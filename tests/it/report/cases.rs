//! Reports that the other files print: one that is healthy, one with a cause and its follow-on, one in doubt.

use std::collections::BTreeMap;

use hoop_doctor::findings::{Candidate, Code, Confidence, Decide, Location, Remedy, Severity, Snippet};
use hoop_doctor::layers::Layer;
use hoop_doctor::proxies::Proxy;
use hoop_doctor::report::{
    EndpointReport, Finding, IdentityReport, LayerReport, Observation, Outcome, ProxyReport, Report, SCHEMA_VERSION,
    SettingReport, Status, Tool, Verdict,
};
use serde_json::json;

/// A client whose gateway is well.
pub(super) fn healthy() -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "hoop-doctor".to_owned(),
            version: "0.1.0".to_owned(),
            build: "linux-x86_64".to_owned(),
        },
        started_at: "2026-05-04T03:02:01Z".to_owned(),
        duration_ms: 57,
        verdict: Verdict::Healthy,
        unknown_because: None,
        identities: vec![client()],
        disagreements: Vec::new(),
        endpoints: vec![
            endpoint("grpc", "grpcs://gw.example.com:8443", healthy_grpc()),
            endpoint("rest", "https://gw.example.com", healthy_rest()),
        ],
        observations: vec![
            seen("grpc/dns", (0, 11), "10.0.0.10, 10.0.0.11"),
            seen("grpc/tcp/10.0.0.10:8443", (11, 9), "connected"),
            seen(
                "grpc/tls",
                (20, 19),
                "TLSv1.3, ALPN h2, gw.example.com until 2026-07-30, TLS13_AES_256_GCM_SHA384, trusted",
            ),
            seen("grpc/connect", (39, 12), "3 InvalidArgument \"missing client origin\""),
            seen("rest/healthz", (39, 14), "HTTP 200 application/json"),
        ],
        findings: Vec::new(),
        findings_left_out: 0,
        logs: None,
        proxy_config: None,
    }
}

/// nginx in front doesn't do HTTP/2, and so nothing can be said of gRPC; besides, a certificate ends soon.
pub(super) fn broken() -> Report {
    let nginx = ProxyReport {
        name: Proxy::Nginx,
        version: Some("1.24.0".to_owned()),
        confidence: Confidence::Certain,
        marks: vec!["server: nginx/1.24.0".to_owned(), "nginx error page".to_owned()],
    };
    let mut grpc = endpoint(
        "grpc",
        "grpcs://gw.example.com:8443",
        vec![
            ok(Layer::Config, None, "TLS"),
            ok(Layer::Dns, Some(11), "10.0.0.10, 10.0.0.11"),
            ok(Layer::Tcp, Some(9), "10.0.0.10:8443"),
            LayerReport {
                why: Some("HD401: the TLS listener does not speak HTTP/2".to_owned()),
                ..rung(
                    Layer::Tls,
                    Status::Failed,
                    Some(18),
                    "alert 120 no_application_protocol",
                )
            },
            not_tried(Layer::Http2, "needs tls"),
            not_tried(Layer::Grpc, "needs tls"),
        ],
    );
    grpc.proxy = Some(nginx);
    Report {
        verdict: Verdict::Broken,
        identities: vec![agent(), client()],
        endpoints: vec![grpc, endpoint("rest", "https://gw.example.com", healthy_rest())],
        observations: vec![
            seen("grpc/dns", (0, 11), "10.0.0.10, 10.0.0.11"),
            seen("grpc/tcp/10.0.0.10:8443", (11, 9), "connected"),
            Observation {
                outcome: Outcome::Failed,
                ..seen("grpc/tls", (20, 18), "alert 120 no_application_protocol")
            },
            Observation {
                outcome: Outcome::NotTried,
                ..seen("grpc/connect", (0, 0), "needs tls")
            },
        ],
        findings: vec![
            http2_not_enabled(),
            expires_soon(),
            unreachable_websocket(),
            not_routed(),
        ],
        ..healthy()
    }
}

/// Something answers 502 for gRPC, and only its log knows why.
pub(super) fn doubtful() -> Report {
    let mut grpc = endpoint("grpc", "grpcs://gw.example.com:8443", healthy_grpc());
    if let Some(last) = grpc.layers.last_mut() {
        last.status = Status::Failed;
        last.why = Some("HD607: the proxy answers for the gateway's gRPC port".to_owned());
        last.summary = "every call: HTTP 502 \"502 Bad Gateway\"".to_owned();
    }
    let mut finding = Finding {
        severity: Severity::Error,
        confidence: Confidence::Possible,
        message: "the proxy at gw.example.com:8443 can't talk to the gateway's gRPC port: HTTP 502, at once".to_owned(),
        candidates: vec![
            candidate(606, "nothing listens on the upstream's address, or it is down"),
            candidate(604, "the upstream is the REST port, or another HTTP/1 server"),
        ],
        decide: Some(Decide {
            command: None,
            file: Some("/var/log/nginx/error.log".to_owned()),
            expect: "\"connect() failed (111\" means HD606, \"too large http2 frame\" HD604".to_owned(),
        }),
        ..finding("HD607", "grpc-bad-gateway", "grpc")
    };
    finding.remedy = Remedy {
        text: "find out which of the candidates it is, then mend that".to_owned(),
        snippets: vec![
            snippet(Proxy::Nginx, "nginx", "grpc_pass grpc://127.0.0.1:8010;"),
            snippet(Proxy::Haproxy, "haproxy", "server gateway 127.0.0.1:8010 proto h2"),
            snippet(Proxy::Caddy, "caddyfile", "reverse_proxy h2c://127.0.0.1:8010"),
        ],
    };
    finding.logged_as = vec![
        "rpc error: code = Unavailable desc = unexpected HTTP status code received from server: 502 (Bad Gateway); \
         transport: received unexpected content-type \"text/html\""
            .to_owned(),
        "rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: {code}".to_owned(),
    ];
    Report {
        verdict: Verdict::Broken,
        endpoints: vec![grpc, endpoint("rest", "https://gw.example.com", healthy_rest())],
        findings: vec![finding],
        findings_left_out: 2,
        ..healthy()
    }
}

/// Ended by the user while a port kept silent.
pub(super) fn interrupted() -> Report {
    let grpc = endpoint(
        "grpc",
        "grpcs://gw.example.com:8443",
        vec![
            ok(Layer::Config, None, "TLS"),
            ok(Layer::Dns, Some(11), "10.0.0.10, 10.0.0.11"),
            ok(Layer::Tcp, Some(9), "10.0.0.10:8443"),
            not_tried(Layer::Tls, "interrupted"),
            not_tried(Layer::Http2, "needs tls"),
            not_tried(Layer::Grpc, "needs tls"),
        ],
    );
    Report {
        verdict: Verdict::Unknown,
        unknown_because: Some("interrupted before everything was looked at".to_owned()),
        endpoints: vec![grpc],
        observations: Vec::new(),
        findings: vec![expires_soon()],
        ..healthy()
    }
}

fn http2_not_enabled() -> Finding {
    Finding {
        severity: Severity::Error,
        identities: vec!["agent".to_owned(), "client".to_owned()],
        message: "the TLS listener at gw.example.com:8443 does not speak HTTP/2, which gRPC needs: it refuses ALPN h2 \
                  with the alert no_application_protocol"
            .to_owned(),
        remedy: Remedy {
            text: "switch HTTP/2 on for this listener and reload nginx".to_owned(),
            snippets: vec![
                snippet(
                    Proxy::Nginx,
                    "nginx",
                    "server {\n\tlisten 8443 ssl;\n\thttp2 on;            # nginx before 1.25.1: listen 8443 ssl http2;\n}\n",
                ),
                snippet(
                    Proxy::Haproxy,
                    "haproxy",
                    "bind :8443 ssl crt gateway.pem alpn h2,http/1.1",
                ),
            ],
        },
        evidence: vec!["grpc/tls".to_owned()],
        locations: vec![Location {
            file: "/etc/nginx/conf.d/hoop.conf".to_owned(),
            line: Some(12),
            column: Some(5),
            text: None,
        }],
        logged_as: vec![
            "connection error: desc = \"transport: authentication handshake failed: remote error: tls: no application \
             protocol\""
                .to_owned(),
            "connection error: desc = \"transport: Error while dialing: dial tcp {addr}: i/o timeout\"".to_owned(),
        ],
        ..finding("HD401", "http2-not-enabled", "grpc")
    }
}

fn expires_soon() -> Finding {
    Finding {
        message: "the certificate of gw.example.com expires in 9 days (2026-05-13)".to_owned(),
        remedy: Remedy {
            text: "renew it now, and find out why its automatic renewal didn't".to_owned(),
            snippets: Vec::new(),
        },
        ..finding("HD314", "cert-expires-soon", "grpc")
    }
}

fn unreachable_websocket() -> Finding {
    Finding {
        severity: Severity::Info,
        confidence: Confidence::Likely,
        message: "/api/ws can't be upgraded to a WebSocket".to_owned(),
        candidates: vec![candidate(506, "an access rule answers before the gateway does")],
        decide: Some(Decide {
            command: Some("curl -i http://127.0.0.1:8009/api/ws".to_owned()),
            file: None,
            expect: "426 there means that the proxy drops the Upgrade header".to_owned(),
        }),
        ..finding("HD508", "websocket-blocked", "rest")
    }
}

fn not_routed() -> Finding {
    Finding {
        severity: Severity::Error,
        message: "gRPC calls reach the web application".to_owned(),
        because_of: Some("HD401".to_owned()),
        ..finding("HD601", "grpc-not-routed", "grpc")
    }
}

/// A certain warning of which only the name is known.
fn finding(code: &str, name: &str, endpoint: &str) -> Finding {
    Finding {
        code: code.to_owned(),
        name: name.to_owned(),
        severity: Severity::Warn,
        confidence: Confidence::Certain,
        endpoints: vec![endpoint.to_owned()],
        identities: vec!["client".to_owned()],
        message: String::new(),
        remedy: Remedy::default(),
        evidence: Vec::new(),
        locations: Vec::new(),
        candidates: Vec::new(),
        decide: None,
        logged_as: Vec::new(),
        because_of: None,
        url: format!("https://github.com/hoophq/hoop-doctor/blob/main/docs/findings/{code}.md"),
    }
}

fn candidate(code: u16, why: &str) -> Candidate {
    Candidate {
        code: Code(code),
        why: why.to_owned(),
    }
}

fn snippet(proxy: Proxy, language: &str, text: &str) -> Snippet {
    Snippet {
        proxy,
        language: language.to_owned(),
        text: text.to_owned(),
    }
}

fn agent() -> IdentityReport {
    IdentityReport {
        name: "agent".to_owned(),
        source: "HOOP_KEY".to_owned(),
        mode: "dsn".to_owned(),
        tls: Some(true),
        tls_because: Some("an agent uses TLS for grpcs://".to_owned()),
        endpoints: vec!["grpc".to_owned()],
        settings: vec![setting("HOOP_KEY", "grpcs://prod:••••@gw.example.com:8443", "HOOP_KEY")],
    }
}

fn client() -> IdentityReport {
    let file = "/home/ana/.hoop/config.toml";
    IdentityReport {
        name: "client".to_owned(),
        source: file.to_owned(),
        mode: "configfile".to_owned(),
        tls: Some(true),
        tls_because: Some("a client uses TLS for grpcs://, as for all but grpc:// and http://".to_owned()),
        endpoints: vec!["grpc".to_owned(), "rest".to_owned()],
        settings: vec![
            setting("grpc_url", "grpcs://gw.example.com:8443", &format!("{file}:2:1")),
            SettingReport {
                shadowed_by: Some("HOOP_TOKEN".to_owned()),
                ..setting("token", "••••9Q", &format!("{file}:3:1"))
            },
        ],
    }
}

fn setting(name: &str, value: &str, source: &str) -> SettingReport {
    SettingReport {
        name: name.to_owned(),
        value: value.to_owned(),
        source: source.to_owned(),
        shadowed_by: None,
    }
}

fn endpoint(id: &str, url: &str, layers: Vec<LayerReport>) -> EndpointReport {
    EndpointReport {
        id: id.to_owned(),
        kind: id.to_owned(),
        url: url.to_owned(),
        host: "gw.example.com".to_owned(),
        port: if id == "grpc" { 8443 } else { 443 },
        tls: true,
        addresses: vec!["10.0.0.10".to_owned(), "10.0.0.11".to_owned()],
        via: None,
        proxy: None,
        layers,
        limits: Vec::new(),
    }
}

fn healthy_grpc() -> Vec<LayerReport> {
    vec![
        ok(Layer::Config, None, "TLS"),
        ok(Layer::Dns, Some(11), "10.0.0.10, 10.0.0.11"),
        LayerReport {
            facts: BTreeMap::from([("address".to_owned(), json!("10.0.0.10:8443"))]),
            ..ok(Layer::Tcp, Some(9), "10.0.0.10:8443")
        },
        LayerReport {
            facts: BTreeMap::from([("not_after".to_owned(), json!("2026-07-30T12:00:00Z"))]),
            ..ok(
                Layer::Tls,
                Some(19),
                "TLSv1.3, ALPN h2, gw.example.com until 2026-07-30",
            )
        },
        ok(Layer::Http2, Some(12), "at most 128 streams"),
        ok(
            Layer::Grpc,
            Some(12),
            "connect 3 InvalidArgument, pre-connect 16 Unauthenticated, health-check 0 OK",
        ),
    ]
}

fn healthy_rest() -> Vec<LayerReport> {
    vec![
        ok(Layer::Config, None, "TLS"),
        ok(Layer::Dns, Some(11), "10.0.0.10, 10.0.0.11"),
        ok(Layer::Tcp, Some(10), "10.0.0.10:443"),
        LayerReport {
            facts: BTreeMap::from([("not_after".to_owned(), json!("2026-07-30T12:00:00Z"))]),
            ..ok(
                Layer::Tls,
                Some(21),
                "TLSv1.3, ALPN h2, gw.example.com until 2026-07-30",
            )
        },
        ok(
            Layer::Rest,
            Some(12_345),
            "healthz HTTP 200, public-server-info HTTP 200",
        ),
    ]
}

fn ok(layer: Layer, duration_ms: Option<u64>, summary: &str) -> LayerReport {
    rung(layer, Status::Ok, duration_ms, summary)
}

fn not_tried(layer: Layer, why: &str) -> LayerReport {
    LayerReport {
        why: Some(why.to_owned()),
        ..rung(layer, Status::NotTried, None, "")
    }
}

fn rung(layer: Layer, status: Status, duration_ms: Option<u64>, summary: &str) -> LayerReport {
    LayerReport {
        layer,
        status,
        why: None,
        duration_ms,
        summary: summary.to_owned(),
        facts: BTreeMap::new(),
    }
}

fn seen(id: &str, (started_ms, duration_ms): (u64, u64), summary: &str) -> Observation {
    let (endpoint, probe) = id.split_once('/').unwrap_or((id, ""));
    Observation {
        id: id.to_owned(),
        endpoint: endpoint.to_owned(),
        probe: probe.replace('/', " "),
        started_ms,
        duration_ms,
        outcome: Outcome::Seen,
        summary: summary.to_owned(),
        facts: BTreeMap::from([("nested".to_owned(), json!({ "kind": "example", "numbers": [1, 2] }))]),
    }
}
