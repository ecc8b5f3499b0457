//! Recorded evidence of real proxies, and what it leads to when one thing in it is changed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Proxy, Recognised, recognise, recognise_among};
use crate::evidence::Wire;
use crate::findings::Confidence::{self, Certain, Likely, Possible};

/// The `wire` of a recorded case.
fn case(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name)
        .join("evidence.json");
    let text = fs::read_to_string(file).expect("the case is recorded");
    let mut case: Value = serde_json::from_str(&text).expect("a case is JSON");
    case["wire"].take()
}

fn wire(case: Value) -> Wire {
    serde_json::from_value(case).expect("the evidence has its shape")
}

/// What the first endpoint, that of gRPC, is recognised as.
fn recognised(case: Value) -> Option<Recognised> {
    recognise(&wire(case).endpoints[0])
}

fn check(case: Value, proxy: Proxy, confidence: Confidence, marks: &[&str]) {
    let found = recognised(case).expect("something is recognised");
    assert_eq!((found.proxy, found.confidence), (proxy, confidence), "{found:?}");
    let marks_are = found
        .marks
        .iter()
        .zip(marks)
        .all(|(mark, start)| mark.starts_with(start));
    assert!(marks_are && found.marks.len() == marks.len(), "{:?}", found.marks);
}

/// Everything that was heard in gRPC's base conversation.
fn base(case: &mut Value) -> &mut Value {
    &mut case["endpoints"][0]["base"]
}

/// Only the base conversation, without answers: SETTINGS alone.
fn settings_alone(name: &str) -> Value {
    let mut case = case(name);
    case["endpoints"][0]["trials"] = json!([]);
    for answer in answers(&mut case) {
        answer["head"] = Value::Null;
        answer["trailers"] = Value::Null;
        answer["page"] = Value::Null;
    }
    case
}

fn answers(case: &mut Value) -> &mut Vec<Value> {
    let answers = base(case)["http2"]["answers"].as_array_mut();
    answers.expect("HTTP/2 was spoken")
}

/// Puts these fields into every answer, instead of its own.
fn with_fields(mut case: Value, fields: &[(&str, &str)]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    for answer in answers(&mut case) {
        answer["head"] = json!({"status": 200, "grpc": null, "fields": fields});
    }
    case
}

fn with_settings(mut case: Value, settings: &[(u16, u32)], window_update: Option<u32>) -> Value {
    let settings: Vec<Value> = settings
        .iter()
        .map(|(id, value)| json!({"id": id, "value": value}))
        .collect();
    base(&mut case)["http2"]["settings"] = json!(settings);
    base(&mut case)["http2"]["window_update"] = json!(window_update);
    case
}

fn with_certificate(mut case: Value, part: &str, name: &str) -> Value {
    base(&mut case)["tls"]["Ok"]["chain"]["certs"][0][part] = json!(name);
    case
}

/// SETTINGS as Go's net/http sends them.
const GO: [(u16, u32); 5] = [(5, 1_048_576), (3, 250), (6, 1_048_896), (1, 4_096), (4, 1_048_576)];

#[test]
fn each_proxy_is_known_by_its_own_connection() {
    for (name, proxy, confidence, marks) in [
        (
            "lab-nginx-ok-prefix",
            Proxy::Nginx,
            Certain,
            &["SETTINGS MAX_CONCURRENT", "server: nginx/1"][..],
        ),
        (
            "lab-envoy-ok",
            Proxy::Envoy,
            Certain,
            &["SETTINGS HEADER", "server: envoy", "x-envoy-upstream-service-time"],
        ),
        ("lab-haproxy-ok", Proxy::Haproxy, Likely, &["SETTINGS ENABLE_CONNECT"]),
        (
            "lab-haproxy-upstream-down",
            Proxy::Haproxy,
            Certain,
            &["SETTINGS ENABLE_CONNECT", "HAProxy error page"],
        ),
        (
            "lab-caddy-ok",
            Proxy::Caddy,
            Certain,
            &["SETTINGS MAX_FRAME_SIZE=1048576", "via: 2.0 Caddy", "alt-svc"],
        ),
        (
            "lab-apache-ok",
            Proxy::Apache,
            Certain,
            &["SETTINGS MAX_CONCURRENT_STREAMS=100, WINDOW_UPDATE", "server: Apache/2"],
        ),
        (
            "lab-nghttpx-ok",
            Proxy::Nghttpx,
            Certain,
            &[
                "SETTINGS MAX_CONCURRENT_STREAMS=100 INITIAL",
                "server: nghttpx",
                "via: 2 nghttpx",
            ],
        ),
        // Traefik adds nothing to what it passes on, and has pages of its own.
        (
            "lab-traefik-ok",
            Proxy::GoHttp,
            Likely,
            &["SETTINGS MAX_FRAME_SIZE=1048576"],
        ),
        (
            "lab-traefik-not-routed",
            Proxy::Traefik,
            Likely,
            &["SETTINGS MAX_FRAME_SIZE=1048576", "\"404 page not found\""],
        ),
        (
            "lab-traefik-upstream-down",
            Proxy::Traefik,
            Likely,
            &["SETTINGS MAX_FRAME_SIZE=1048576", "\"Bad Gateway\""],
        ),
        ("healthy-tls", Proxy::None, Likely, &["SETTINGS MAX_FRAME_SIZE=16384"]),
    ] {
        check(case(name), proxy, confidence, marks);
    }
}

#[test]
fn settings_alone_are_likely() {
    for (name, proxy) in [
        ("lab-nginx-ok-prefix", Proxy::Nginx),
        ("lab-envoy-ok", Proxy::Envoy),
        ("lab-haproxy-ok", Proxy::Haproxy),
        ("lab-caddy-ok", Proxy::Caddy),
        ("lab-apache-ok", Proxy::Apache),
        ("lab-nghttpx-ok", Proxy::Nghttpx),
        ("healthy-tls", Proxy::None),
    ] {
        check(settings_alone(name), proxy, Likely, &["SETTINGS"]);
    }
}

#[test]
fn changed_settings_are_known_by_their_order_and_less_surely() {
    let envoy = [(1, 4_096), (8, 0), (3, 100), (4, 65_536)];
    let haproxy = [(8, 1), (4, 1_048_576), (3, 250)];
    let go = [(5, 1_048_576), (3, 1_000), (6, 8_512), (1, 4_096), (4, 65_535)];
    for (settings, window_update, proxy) in [
        (&envoy[..], Some(983_041), Proxy::Envoy),
        (&haproxy, None, Proxy::Haproxy),
        (&go, Some(983_041), Proxy::GoHttp),
        (&[(3, 7)], Some(2_147_418_112), Proxy::Apache),
        (&[(3, 7), (4, 65_535), (9, 1), (8, 1)], None, Proxy::Nghttpx),
        (
            &[(3, 128), (4, 131_072), (5, 16_777_215)],
            Some(2_147_418_112),
            Proxy::Nginx,
        ),
    ] {
        let case = with_settings(settings_alone("lab-envoy-ok"), settings, window_update);
        check(case, proxy, Possible, &["SETTINGS"]);
    }
    // What nginx's users change most leaves enough.
    let case = with_settings(
        settings_alone("lab-nginx-ok-prefix"),
        &[(3, 7), (4, 65_536), (5, 16_777_215)],
        Some(2_147_418_112),
    );
    check(case, Proxy::Nginx, Likely, &["SETTINGS"]);
}

#[test]
fn settings_of_nobody_are_nobodys() {
    for (settings, window_update) in [
        // nginx's without its window, Apache's without it, Go's in another order.
        (&[(3, 128), (4, 65_536), (5, 16_777_215)][..], None),
        (&[(3, 100)], None),
        (
            &[(1, 4_096), (3, 250), (4, 1_048_576), (5, 1_048_576), (6, 1_048_896)],
            Some(983_041),
        ),
        (&[], None),
    ] {
        let case = with_settings(settings_alone("lab-envoy-ok"), settings, window_update);
        assert_eq!(recognised(case), None, "{settings:?}");
    }
}

#[test]
fn a_field_from_behind_another_hop_does_not_override_its_settings() {
    let behind = [("server", "nginx/1.28.0")];
    for (name, proxy) in [
        ("lab-haproxy-ok", Proxy::Haproxy),
        ("lab-envoy-ok", Proxy::Envoy),
        ("lab-caddy-ok", Proxy::Caddy),
        ("lab-apache-ok", Proxy::Apache),
    ] {
        check(with_fields(settings_alone(name), &behind), proxy, Likely, &["SETTINGS"]);
    }
    let go = with_settings(settings_alone("lab-caddy-ok"), &GO, Some(983_041));
    check(with_fields(go, &behind), Proxy::GoHttp, Likely, &["SETTINGS"]);
    let istio = with_fields(case("lab-nginx-ok-prefix"), &[("server", "istio-envoy")]);
    check(istio, Proxy::Nginx, Likely, &["SETTINGS"]);
    // A hop that nobody knows: what its answers name may be behind it.
    let strange = with_settings(settings_alone("lab-nginx-ok-prefix"), &[(3, 100), (6, 16_384)], None);
    check(
        with_fields(strange, &behind),
        Proxy::Nginx,
        Possible,
        &["server: nginx"],
    );
}

#[test]
fn what_is_built_on_another_is_told_by_its_fields() {
    for (name, fields, proxy) in [
        ("lab-envoy-ok", &[("server", "istio-envoy")][..], Proxy::Istio),
        (
            "lab-nginx-ok-prefix",
            &[("server", "cloudflare"), ("cf-ray", "8a1-FRA")],
            Proxy::Cloudflare,
        ),
        ("lab-nginx-ok-prefix", &[("server", "awselb/2.0")], Proxy::AwsAlb),
        (
            "lab-nginx-ok-prefix",
            &[("strict-transport-security", "max-age=15724800; includeSubDomains")],
            Proxy::IngressNginx,
        ),
    ] {
        let found = recognised(with_fields(settings_alone(name), fields)).expect("SETTINGS came");
        assert_eq!((found.proxy, found.confidence), (proxy, Likely), "{found:?}");
        assert_eq!(found.marks.len(), 1 + fields.len(), "{found:?}");
    }
    check(
        case("lab-envoy-istio-server-header"),
        Proxy::Istio,
        Likely,
        &["SETTINGS", "server: istio-envoy", "x-envoy"],
    );
    let caddy = with_settings(settings_alone("lab-caddy-ok"), &GO, Some(983_041));
    check(
        with_fields(caddy, &[("server", "Caddy")]),
        Proxy::Caddy,
        Likely,
        &["SETTINGS", "server: Caddy"],
    );
}

#[test]
fn a_load_balancer_that_names_itself_is_never_certain() {
    let unknown = with_settings(settings_alone("lab-nginx-ok-prefix"), &[(3, 100)], None);
    check(
        with_fields(unknown.clone(), &[("server", "awselb/2.0")]),
        Proxy::AwsAlb,
        Likely,
        &["server"],
    );
    check(
        with_fields(unknown, &[("cf-ray", "8a1-FRA")]),
        Proxy::Cloudflare,
        Likely,
        &["cf-ray"],
    );
    let found = recognised(case("edited-target-group-protocol")).expect("464 came");
    assert_eq!((found.proxy, found.confidence), (Proxy::AwsAlb, Likely), "{found:?}");
    assert!(found.marks.iter().any(|mark| mark.starts_with("HTTP 464")), "{found:?}");
}

#[test]
fn the_certificate_names_who_ends_tls() {
    let healthy = || case("healthy-tls");
    for (part, name, proxy) in [
        ("subject_cn", "TRAEFIK DEFAULT CERT", Proxy::Traefik),
        (
            "subject_cn",
            "Kubernetes Ingress Controller Fake Certificate",
            Proxy::IngressNginx,
        ),
        ("issuer_cn", "mitmproxy", Proxy::Mitmproxy),
        ("issuer_org", "Zscaler Inc.", Proxy::Inspector),
        (
            "issuer_cn",
            "Fireware HTTPS Proxy (SN 80AB0123) CA, WatchGuard",
            Proxy::Inspector,
        ),
    ] {
        check(with_certificate(healthy(), part, name), proxy, Likely, &["certificate"]);
    }
    let traefik = with_settings(settings_alone("lab-caddy-ok"), &GO, Some(983_041));
    let traefik = with_certificate(traefik, "subject_cn", "TRAEFIK DEFAULT CERT");
    check(
        traefik,
        Proxy::Traefik,
        Certain,
        &["certificate of TRAEFIK", "SETTINGS"],
    );
    let mitmproxy = [
        (1, 4_096),
        (2, 0),
        (4, 65_535),
        (5, 16_384),
        (8, 0),
        (3, 100),
        (6, 65_536),
    ];
    let mitmproxy = with_settings(settings_alone("healthy-tls"), &mitmproxy, None);
    check(mitmproxy.clone(), Proxy::Mitmproxy, Likely, &["SETTINGS"]);
    let issued = with_certificate(mitmproxy, "issuer_cn", "mitmproxy");
    check(
        issued,
        Proxy::Mitmproxy,
        Certain,
        &["certificate issued by ", "SETTINGS"],
    );
}

#[test]
fn traefik_is_told_from_other_go_servers_by_its_pages() {
    let go = || with_settings(settings_alone("lab-caddy-ok"), &GO, Some(983_041));
    check(go(), Proxy::GoHttp, Likely, &["SETTINGS"]);
    let said = |status: u16, fields: Value, page: Value| {
        let mut case = go();
        for answer in answers(&mut case) {
            answer["head"] = json!({"status": status, "grpc": null, "fields": fields});
            answer["page"] = page.clone();
        }
        case
    };
    let page = |maker: Value, start: &str| json!({"mark": "other", "maker": maker, "title": null, "start": start});
    let nosniff = json!([{"name": "x-content-type-options", "value": "nosniff"}]);
    let not_found = || page(json!("go_http"), "404 page not found\n");
    let bad_gateway = || page(Value::Null, "Bad Gateway");
    check(
        said(404, nosniff, not_found()),
        Proxy::Traefik,
        Likely,
        &["SETTINGS", "\"404 page"],
    );
    check(said(404, json!([]), not_found()), Proxy::GoHttp, Likely, &["SETTINGS"]);
    check(
        said(502, json!([]), bad_gateway()),
        Proxy::Traefik,
        Likely,
        &["SETTINGS", "\"Bad Gateway\""],
    );
    let text = json!([{"name": "content-type", "value": "text/plain"}]);
    check(said(502, text, bad_gateway()), Proxy::GoHttp, Likely, &["SETTINGS"]);
}

#[test]
fn whoever_passes_an_answer_on_is_nearer_than_who_made_it() {
    let mut over_http1 = case("lab-caddy-h1-only");
    let healthz = &mut over_http1["endpoints"][0]["trials"][0]["heard"]["http1"]["answers"][0];
    let fields = healthz["head"]["fields"].as_array_mut().expect("there are fields");
    fields.push(json!({"name": "cf-ray", "value": "8a1-FRA"}));
    fields.push(json!({"name": "cf-cache-status", "value": "DYNAMIC"}));
    check(over_http1, Proxy::Caddy, Likely, &["via: 1.1 Caddy"]);
    let passed = [("server", "nghttpx"), ("via", "1.1 Caddy, 2 nghttpx")];
    let nghttpx = with_settings(
        settings_alone("lab-haproxy-ok"),
        &[(3, 100), (4, 65_535), (9, 1), (8, 1)],
        None,
    );
    check(
        with_fields(nghttpx, &passed),
        Proxy::Nghttpx,
        Certain,
        &["SETTINGS", "server", "via: 2 nghttpx"],
    );
}

#[test]
fn a_handshake_alone_can_tell() {
    let failed = |failure: Value| {
        let mut case = case("lab-nginx-reject-handshake");
        case["endpoints"][0]["trials"] = json!([]);
        base(&mut case)["tls"] = json!({"Err": failure});
        case
    };
    let alert = |number: u8| json!({"kind": "alert", "description": number, "client_cert_requested": false});
    check(
        failed(json!({"kind": "unoffered_alpn"})),
        Proxy::Apache,
        Likely,
        &["chooses http/1.1"],
    );
    check(failed(alert(80)), Proxy::Caddy, Possible, &["alert 80"]);
    // nginx, HAProxy and Go say these alike.
    for number in [40, 70, 112, 120] {
        assert_eq!(recognised(failed(alert(number))), None, "alert {number}");
    }
}

#[test]
fn what_comes_back_for_no_request_is_the_nearest_hops() {
    check(
        case("lab-nginx-plain-h1"),
        Proxy::Nginx,
        Certain,
        &[
            "its page with HTTP 400 in answer to HTTP/2",
            "its page with HTTP 400 in answer to TLS",
            "server",
        ],
    );
    check(
        case("lab-nginx-stream-plain-to-tls-client"),
        Proxy::None,
        Certain,
        &["sends SETTINGS", "SETTINGS MAX_FRAME_SIZE=16384"],
    );
    let mut envoy = settings_alone("lab-envoy-clear-ok");
    let http2 = &mut base(&mut envoy)["http2"];
    http2["settings"] = Value::Null;
    http2["first"] = json!({
        "opening": {"speaks": "tls_alert", "description": 70},
        "count": 7, "hex": "15 03 01 00 02 02 46", "line": null, "go": "less_than_a_header",
    });
    check(envoy, Proxy::Envoy, Possible, &["a TLS 1.0 record"]);
}

#[test]
fn tls_that_ends_before_grpc_go_is_seen() {
    let marks = ["SETTINGS MAX_FRAME_SIZE=16384 inside another's TLS"];
    check(
        case("lab-nginx-stream-ssl-terminate-no-alpn"),
        Proxy::None,
        Likely,
        &marks,
    );
}

#[test]
fn an_endpoint_without_marks_takes_those_of_its_port_less_surely() {
    let seen = wire(case("lab-haproxy-no-alpn"));
    let [grpc, rest] = &seen.endpoints[..] else {
        panic!("two endpoints were looked at");
    };
    assert_eq!(recognise(rest), None);
    let found = recognise_among(rest, &seen.endpoints).expect("gRPC shows HAProxy");
    assert_eq!((found.proxy, found.confidence), (Proxy::Haproxy, Possible), "{found:?}");
    assert_eq!(found.marks, ["what grpc shows of the same port"]);
    assert_eq!(recognise_among(grpc, &seen.endpoints), recognise(grpc));
    let mut apart = rest.clone();
    apart.target.port += 1;
    assert_eq!(recognise_among(&apart, &seen.endpoints), None);
}

#[test]
fn what_an_endpoint_leaves_open_another_at_its_port_decides() {
    let go = with_settings(settings_alone("lab-caddy-ok"), &GO, Some(983_041));
    let rest = wire(go.clone()).endpoints.remove(0);
    let mut seen = wire(with_certificate(go, "subject_cn", "TRAEFIK DEFAULT CERT"));
    seen.endpoints.truncate(1);
    seen.endpoints.extend([rest.clone()]);
    seen.endpoints[1].id = "rest".to_owned();
    let found = recognise_among(&seen.endpoints[1], &seen.endpoints).expect("SETTINGS came");
    assert_eq!((found.proxy, found.confidence), (Proxy::Traefik, Likely), "{found:?}");
    assert_eq!(found.marks.len(), 2, "{found:?}");
    assert_eq!(found.marks[1], "what grpc shows of the same port");
    // Which Go server it is shows at gRPC; that it is one adds nothing to that.
    let found = recognise_among(&seen.endpoints[0], &seen.endpoints).map(|found| found.confidence);
    assert_eq!(found, Some(Certain));
}

#[test]
fn silence_shows_nothing() {
    for name in [
        "fault-tcp-refused",
        "fault-silent-after-connect",
        "lab-nginx-tls11-only",
    ] {
        assert_eq!(recognised(case(name)), None, "{name}");
    }
}
