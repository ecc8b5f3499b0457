//! Ways through a forward proxy, for tests.

use std::net::SocketAddr;

use hoop_doctor_probes::dns::{Dns, DnsFailure, DnsSource};
use hoop_doctor_probes::forward::{NoAnswer, Refusal, Tunnel};
use hoop_doctor_probes::tcp::{Attempt, TcpFailure};
use hoop_doctor_probes::wire::connect::ConnectHead;
use hoop_doctor_probes::wire::header::Field;

use crate::config::Asked;
use crate::evidence::{Evidence, Forward, Kind, Trial};
use crate::experiments::Experiment;
use crate::findings::config::fixture::asked;
use crate::findings::rest::fixture::{HEALTHY, NGINX_502, gateway, heard};

/// An agent's gRPC at gw.example:8443 through this proxy, which was reached so.
pub(super) fn through(proxy: &str, forward: Forward) -> Evidence {
    let flags = Asked {
        grpc_url: Some("grpcs://gw.example:8443".to_owned()),
        ..Asked::default()
    };
    let mut evidence = asked(&[("HTTPS_PROXY", proxy)], &flags);
    for endpoint in &mut evidence.wire.endpoints {
        assert!(endpoint.target.via.is_some(), "{:?}", endpoint.target);
        let connected = forward.tcp.iter().find(|attempt| attempt.outcome.is_ok());
        endpoint.chosen = connected.map(|attempt| attempt.addr);
        endpoint.forward = Some(forward.clone());
    }
    evidence
}

/// CONNECT was answered with 200.
pub(super) fn open() -> Forward {
    refused(200, "Connection established", &[])
}

/// CONNECT was answered with this.
pub(super) fn refused(status: u16, reason: &str, fields: &[(&str, &str)]) -> Forward {
    let fields = fields.iter().map(|(name, value)| Field {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    });
    let head = ConnectHead {
        minor: 1,
        status,
        reason: reason.to_owned(),
        fields: fields.collect(),
    };
    tunnelled(Ok(Refusal { head, page: None }))
}

/// CONNECT got no answer.
pub(super) fn unanswered(none: NoAnswer) -> Forward {
    tunnelled(Err(none))
}

fn tunnelled(answer: Result<Refusal, NoAnswer>) -> Forward {
    let tunnel = Tunnel {
        answer,
        started_ms: 2,
        duration_ms: 1,
    };
    Forward {
        tunnel: Some(tunnel),
        ..connected(Ok(()))
    }
}

/// There is no connection to the proxy.
pub(super) fn unreached(failure: TcpFailure) -> Forward {
    connected(Err(failure))
}

fn connected(outcome: Result<(), TcpFailure>) -> Forward {
    let addr: SocketAddr = ([192, 0, 2, 7], 3128).into();
    let attempt = Attempt {
        addr,
        outcome,
        started_ms: 1,
        duration_ms: 1,
    };
    Forward {
        dns: Some(Dns {
            source: DnsSource::System,
            addresses: vec![addr.ip()],
            failure: None,
            duration_ms: 1,
            servers: Vec::new(),
            hosts: Vec::new(),
        }),
        tcp: vec![attempt],
        tunnel: None,
    }
}

/// The proxy's name doesn't exist.
pub(super) fn nameless() -> Forward {
    let mut forward = connected(Ok(()));
    forward.tcp.clear();
    if let Some(dns) = &mut forward.dns {
        dns.addresses.clear();
        dns.failure = Some(DnsFailure::Refused {
            text: "Name or service not known".to_owned(),
        });
    }
    forward
}

/// The same, where a gateway answers directly.
pub(super) fn working_past(mut evidence: Evidence) -> Evidence {
    for endpoint in &mut evidence.wire.endpoints {
        endpoint.trials.push(Trial {
            segment: None,
            experiment: Experiment::OtherWay,
            tcp: None,
            heard: Some(gateway()),
        });
    }
    evidence
}

/// gRPC through a proxy, where a gateway answers, and plaintext REST past it.
pub(super) fn split(rest_works: bool) -> Evidence {
    let flags = Asked {
        grpc_url: Some("grpc://gw.example:8010".to_owned()),
        api_url: Some("http://gw.example:8009".to_owned()),
        ..Asked::default()
    };
    let evidence = asked(&[("HTTPS_PROXY", "proxy.example:3128")], &flags);
    let mut evidence = heard(evidence, &[if rest_works { HEALTHY } else { NGINX_502 }]);
    for endpoint in &mut evidence.wire.endpoints {
        if endpoint.target.kind == Kind::Grpc {
            endpoint.base = Some(gateway());
        }
    }
    evidence
}
