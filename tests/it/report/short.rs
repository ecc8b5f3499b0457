//! The report for a chat, word for word.

use hoop_doctor::report::Report;
use hoop_doctor::report::human::Glyphs;
use hoop_doctor::report::short::render;

use super::cases;

#[track_caller]
fn check(report: &Report, expected: &[&str]) {
    let text = render(report, Glyphs::Unicode);
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    assert!(text.ends_with('\n'));
    assert!(render(report, Glyphs::Ascii).is_ascii());
}

#[test]
fn a_healthy_gateway_is_one_line() {
    check(
        &cases::healthy(),
        &["✓ healthy: grpcs://gw.example.com:8443 and https://gw.example.com answer as a Hoop gateway does"],
    );
}

#[test]
fn each_finding_is_a_line_the_cause_first() {
    check(
        &cases::broken(),
        &[
            "✗ broken: 2 errors and 1 warning",
            "✗ HD401 http2-not-enabled grpc gw.example.com:8443: the TLS listener at gw.example.com:8443 does not \
             speak HTTP/2, which gRPC needs: it refuses ALPN h2 with the alert no_application_protocol",
            "! HD314 cert-expires-soon grpc gw.example.com:8443: the certificate of gw.example.com expires in 9 days \
             (2026-05-13)",
            "- HD508 websocket-blocked rest gw.example.com:443: /api/ws can't be upgraded to a WebSocket",
            "✗ HD601 grpc-not-routed grpc gw.example.com:8443: gRPC calls reach the web application",
        ],
    );
}

#[test]
fn a_run_that_could_not_find_out_says_why() {
    check(
        &cases::interrupted(),
        &[
            "? unknown: interrupted before everything was looked at",
            "! HD314 cert-expires-soon grpc gw.example.com:8443: the certificate of gw.example.com expires in 9 days \
             (2026-05-13)",
        ],
    );
}

#[test]
fn a_finding_about_the_configuration_names_whose_it_is() {
    let mut report = cases::broken();
    report.findings.truncate(1);
    report.findings[0].endpoints.clear();
    check(
        &report,
        &[
            "✗ broken: 1 error",
            "✗ HD401 http2-not-enabled agent, client: the TLS listener at gw.example.com:8443 does not speak HTTP/2, \
             which gRPC needs: it refuses ALPN h2 with the alert no_application_protocol",
        ],
    );
}

#[test]
fn what_the_network_says_stays_on_its_line() {
    let mut report = cases::doubtful();
    report.findings[0].message = "the title is \"\u{1b}[2J\nx\"".to_owned();
    check(
        &report,
        &[
            "✗ broken: 1 error",
            "✗ HD607 grpc-bad-gateway grpc gw.example.com:8443: the title is \"\\u{1b}[2J\\nx\"",
        ],
    );
}
