//! From evidence to the verdict, the ladder and what is left out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use hoop_doctor::config::{Asked, Environment, discover};
use hoop_doctor::evidence::{Endpoint, Evidence, Wire};
use hoop_doctor::findings::Code;
use hoop_doctor::layers::Layer;
use hoop_doctor::plan::plan;
use hoop_doctor::report::{Filter, Pick, Report, Status, Verdict, report};
use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::dns::{DnsSource, given};
use hoop_doctor_probes::tcp::{Attempt, TcpFailure};
use hoop_doctor_probes::tls::TlsFailure;

/// Both ports of a gateway of which nothing was seen yet.
fn unseen() -> Evidence {
    let asked = Asked {
        grpc_url: Some("grpcs://127.0.0.1:8443".to_owned()),
        api_url: Some("https://127.0.0.1:443".to_owned()),
        ..Asked::default()
    };
    let none: BTreeMap<String, String> = BTreeMap::new();
    let environment = Environment::new(none, PathBuf::new(), UNIX_EPOCH);
    let config = discover(&environment, &asked).expect("URLs name no file that could be missing");
    let plan = plan(&config, &[]);
    let wire = Wire {
        endpoints: plan.endpoints.iter().map(|planned| planned.endpoint()).collect(),
        ..Wire::default()
    };
    Evidence {
        config,
        wire,
        logs: None,
        proxyconf: None,
    }
}

/// The endpoint after TCP came to `outcome`.
fn connect(endpoint: &mut Endpoint, outcome: Result<(), TcpFailure>) {
    let addr = ([127, 0, 0, 1], endpoint.target.port).into();
    endpoint.dns = Some(given(DnsSource::Literal, vec![[127, 0, 0, 1].into()]));
    endpoint.chosen = outcome.is_ok().then_some(addr);
    endpoint.tcp = vec![Attempt {
        addr,
        outcome,
        started_ms: 0,
        duration_ms: 1,
    }];
}

fn refused(evidence: &mut Evidence, ids: &[&str]) {
    for endpoint in &mut evidence.wire.endpoints {
        let outcome = match ids.contains(&endpoint.id.as_str()) {
            true => Err(TcpFailure::Refused),
            false => Ok(()),
        };
        connect(endpoint, outcome);
    }
}

fn rung(report: &Report, layer: Layer) -> (Status, Option<&str>) {
    let mut rungs = report.endpoints.iter().flat_map(|endpoint| &endpoint.layers);
    let rung = rungs
        .find(|rung| rung.layer == layer)
        .expect("the first ladder has this rung");
    (rung.status, rung.why.as_deref())
}

#[test]
fn an_error_on_grpc_is_broken_and_what_stands_on_it_was_not_tried() {
    let mut evidence = unseen();
    refused(&mut evidence, &["grpc"]);
    let report = report(&evidence, &Filter::default());
    assert_eq!(report.verdict, Verdict::Broken);
    assert_eq!(
        rung(&report, Layer::Tcp),
        (Status::Failed, Some("HD201: nothing listens on the port"))
    );
    assert_eq!(rung(&report, Layer::Tls), (Status::NotTried, Some("needs tcp")));
    assert_eq!(rung(&report, Layer::Grpc), (Status::NotTried, Some("needs tcp")));
}

#[test]
fn what_is_left_out_is_counted_and_the_ladder_still_tells_it() {
    let mut evidence = unseen();
    refused(&mut evidence, &["grpc", "rest"]);
    let filter = Filter {
        only: Vec::new(),
        skip: vec![Pick::Code(Code(201))],
    };
    let all = report(&evidence, &Filter::default());
    let report = report(&evidence, &filter);
    assert_eq!(report.findings_left_out, all.findings.len() - report.findings.len());
    assert!(report.findings.iter().all(|finding| finding.code != "HD201"));
    assert_eq!(
        rung(&report, Layer::Tcp),
        (Status::Failed, Some("HD201: nothing listens on the port"))
    );
    assert_ne!(report.verdict, Verdict::Unknown);
}

#[test]
fn what_was_not_looked_at_is_never_healthy() {
    let report = report(&unseen(), &Filter::default());
    assert_eq!(report.verdict, Verdict::Unknown);
    assert_eq!(
        report.unknown_because.as_deref(),
        Some("the run ended before dns of grpc was looked at")
    );
    assert_eq!(
        rung(&report, Layer::Dns),
        (Status::NotTried, Some("the run ended first"))
    );
    assert_eq!(rung(&report, Layer::Tcp), (Status::NotTried, Some("needs dns")));
}

#[test]
fn a_failure_that_no_finding_explains_is_never_healthy() {
    let mut evidence = unseen();
    refused(&mut evidence, &[]);
    for endpoint in &mut evidence.wire.endpoints {
        endpoint.base = Some(Heard {
            tls: Some(Err(TlsFailure::Interrupted)),
            ..Heard::default()
        });
    }
    let report = report(&evidence, &Filter::default());
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Unknown, 0));
    assert_eq!(
        report.unknown_because.as_deref(),
        Some("grpc fails at tls, and no finding explains it")
    );
}

#[test]
fn an_interrupted_run_fails_nothing_that_was_only_awaited() {
    let mut evidence = unseen();
    refused(&mut evidence, &[]);
    evidence.wire.interrupted = true;
    for endpoint in &mut evidence.wire.endpoints {
        endpoint.base = Some(Heard {
            tls: Some(Err(TlsFailure::Interrupted)),
            ..Heard::default()
        });
    }
    let report = report(&evidence, &Filter::default());
    assert_eq!(report.verdict, Verdict::Unknown);
    assert_eq!(rung(&report, Layer::Tcp), (Status::Ok, None));
    assert_eq!(rung(&report, Layer::Tls), (Status::NotTried, Some("interrupted")));
    assert_eq!(rung(&report, Layer::Http2), (Status::NotTried, Some("needs tls")));
}

#[test]
fn a_bug_of_this_program_is_no_verdict_on_the_gateway() {
    let mut evidence = unseen();
    refused(&mut evidence, &[]);
    evidence.wire.endpoints[1].malfunction = Some("src/examine.rs:1".to_owned());
    let report = report(&evidence, &Filter::default());
    assert_eq!(report.verdict, Verdict::Unknown);
    assert_eq!(
        report.unknown_because.as_deref(),
        Some("a bug of this program, at src/examine.rs:1, ended the look at rest")
    );
}
