//! Cases that can't be met on loopback: a recorded case with one thing changed.

use std::io;
use std::net::{IpAddr, SocketAddr};

use hoop_doctor::config::{Speech, Via};
use hoop_doctor::evidence::{Endpoint, Forward, Kind, Trial, Wire};
use hoop_doctor::experiments::Experiment;
use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::dns::{Dns, DnsFailure, DnsSource, Lookup, LookupAnswer, ServerAnswer};
use hoop_doctor_probes::forward::{NoAnswer, Refusal, Tunnel};
use hoop_doctor_probes::http2::{Answer, GrpcStatus};
use hoop_doctor_probes::route::Route;
use hoop_doctor_probes::tcp::{Attempt, TcpFailure, Unreachable};
use hoop_doctor_probes::wire::connect::ConnectHead;
use hoop_doctor_probes::wire::header::Field;
use hoop_doctor_probes::wire::opening::FirstBytes;
use hoop_doctor_probes::wire::page::Page;
use hoop_doctor_probes::wire::status::{Said, Status};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::{Case, Recorded};

/// One edited case.
pub(super) struct Edit {
    pub(super) case: &'static str,
    /// What comes first, in the words of `expect.tsv`.
    pub(super) expected: &'static str,
    /// The case that it is made from.
    pub(super) from: &'static str,
    change: fn(&mut Recorded),
}

impl Edit {
    /// The case as its source makes it now.
    pub(super) fn make(&self) -> io::Result<Recorded> {
        let mut recorded = Case::recorded(self.from)?;
        (self.change)(&mut recorded);
        Ok(recorded)
    }
}

pub(super) const EDITS: &[Edit] = &[
    Edit {
        case: "edited-dns-name-not-found",
        expected: "HD101",
        from: "lab-envoy-ok",
        change: |case| resolve_to(case, &[answered(LookupAnswer::NoSuchName)]),
    },
    Edit {
        case: "edited-dns-no-address",
        expected: "HD102",
        from: "lab-envoy-ok",
        change: |case| resolve_to(case, &[answered(LookupAnswer::NoData)]),
    },
    Edit {
        case: "edited-dns-server-failure",
        expected: "HD103",
        from: "lab-envoy-ok",
        change: |case| {
            let code = "SERVFAIL".to_owned();
            resolve_to(case, &[answered(LookupAnswer::Failed { code })]);
        },
    },
    Edit {
        case: "edited-dns-timeout",
        expected: "HD104",
        from: "lab-envoy-ok",
        change: |case| {
            resolve_to(case, &[answered(LookupAnswer::TimedOut)]);
            for endpoint in &mut case.wire.endpoints {
                let dns = endpoint.dns.as_mut().expect("it was set a moment ago");
                dns.failure = Some(DnsFailure::TimedOut);
                dns.duration_ms = 5_000;
            }
        },
    },
    Edit {
        case: "edited-dns-slow",
        expected: "HD107",
        from: "lab-envoy-ok",
        change: |case| {
            for endpoint in &mut case.wire.endpoints {
                endpoint.target.given.clear();
                let dns = endpoint.dns.as_mut().expect("a healthy case has its name resolved");
                dns.source = DnsSource::System;
                dns.duration_ms = 2_400;
            }
        },
    },
    Edit {
        case: "edited-forward-proxy-open",
        expected: "ok!",
        from: "lab-envoy-ok",
        change: |case| {
            for endpoint in &mut case.wire.endpoints {
                go_through(endpoint, "http", Ok(()));
                answer_connect(endpoint, Ok(said(200, "Connection established", &[])));
            }
        },
    },
    Edit {
        case: "edited-forward-proxy-refused",
        expected: "HD208",
        from: "lab-envoy-ok",
        change: |case| {
            for endpoint in &mut case.wire.endpoints {
                let direct = TcpFailure::TimedOut;
                let mut tcp = endpoint.tcp.first().cloned().expect("it was connected to");
                (tcp.outcome, tcp.duration_ms) = (Err(direct), 5_000);
                go_through(endpoint, "http", Ok(()));
                let fields = [("server", "squid/5.7"), ("x-squid-error", "ERR_ACCESS_DENIED 0")];
                answer_connect(endpoint, Ok(said(403, "Forbidden", &fields)));
                go_past(endpoint, tcp, None);
            }
        },
    },
    // Plaintext REST goes directly: HTTP_PROXY is another variable.
    Edit {
        case: "edited-forward-proxy-unreachable",
        expected: "HD209",
        from: "lab-envoy-clear-ok",
        change: |case| {
            let endpoint = grpc(case);
            let (tcp, heard) = (endpoint.tcp.first().cloned(), endpoint.base.clone());
            go_through(endpoint, "http", Err(TcpFailure::Refused));
            go_past(endpoint, tcp.expect("it was connected to"), heard);
        },
    },
    Edit {
        case: "edited-forward-proxy-scheme",
        expected: "HD210",
        from: "lab-envoy-ok",
        change: |case| {
            for endpoint in &mut case.wire.endpoints {
                let mut tcp = endpoint.tcp.first().cloned().expect("it was connected to");
                (tcp.outcome, tcp.duration_ms) = (Err(TcpFailure::TimedOut), 5_000);
                go_through(endpoint, "https", Ok(()));
                match endpoint.target.kind {
                    Kind::Grpc => {
                        // The alert unexpected_message, which is what a TLS server makes of a `C`.
                        let first = FirstBytes::read(&[0x15, 3, 1, 0, 2, 2, 10]);
                        answer_connect(endpoint, Err(NoAnswer::NotHttp { first }));
                        go_past(endpoint, tcp, None);
                    }
                    Kind::Rest => {
                        let via = endpoint.target.via.as_mut().expect("it was set a moment ago");
                        via.speech = Speech::Unspoken;
                        (endpoint.forward, endpoint.chosen, endpoint.base) = (None, None, None);
                    }
                }
            }
        },
    },
    Edit {
        case: "edited-forward-proxy-split",
        expected: "HD211",
        from: "lab-envoy-clear-ok",
        change: |case| {
            let endpoint = grpc(case);
            go_through(endpoint, "http", Ok(()));
            answer_connect(endpoint, Ok(said(200, "Connection established", &[])));
        },
    },
    Edit {
        case: "edited-tcp-timeout",
        expected: "HD202",
        from: "lab-envoy-ok",
        change: |case| connect_to_nothing(case, &TcpFailure::TimedOut, 5_000),
    },
    Edit {
        case: "edited-tcp-unreachable",
        expected: "HD203",
        from: "lab-envoy-ok",
        change: |case| {
            let what = Unreachable::Host;
            connect_to_nothing(case, &TcpFailure::Unreachable { what }, 3_070);
        },
    },
    Edit {
        case: "edited-tcp-some-addresses-fail",
        expected: "HD205",
        from: "lab-envoy-ok",
        change: |case| {
            for endpoint in &mut case.wire.endpoints {
                let dns = endpoint.dns.as_mut().expect("a healthy case has its name resolved");
                dns.source = DnsSource::System;
                dns.addresses.push(IpAddr::from([10, 0, 0, 99]));
                endpoint.target.given.clear();
                let mut dead = endpoint.tcp.first().cloned().expect("it was connected to");
                dead.addr.set_ip(IpAddr::from([10, 0, 0, 99]));
                dead.outcome = Err(TcpFailure::TimedOut);
                dead.duration_ms = 2_000;
                endpoint.tcp.push(dead);
            }
        },
    },
    Edit {
        case: "edited-dns-resolvers-disagree",
        expected: "HD105",
        from: "lab-envoy-ok",
        change: |case| {
            let healthy = case.wire.endpoints.clone();
            connect_to_nothing(case, &TcpFailure::TimedOut, 5_000);
            for (endpoint, healthy) in case.wire.endpoints.iter_mut().zip(healthy) {
                let tcp = healthy.tcp.first().cloned().expect("it was connected to");
                let dead = IpAddr::from([10, 0, 0, 99]);
                let said = |server: [u8; 4], address: IpAddr| ServerAnswer {
                    server: SocketAddr::from((server, 53)),
                    a: lookup(LookupAnswer::Addresses {
                        addresses: vec![address],
                    }),
                    aaaa: lookup(LookupAnswer::NoData),
                };
                lead_to(endpoint, dead);
                let dns = endpoint.dns.as_mut().expect("it was set a moment ago");
                dns.servers = vec![said([10, 0, 0, 2], dead), said([10, 0, 0, 3], tcp.addr.ip())];
                endpoint.trials.push(Trial {
                    experiment: Experiment::OtherAddress,
                    segment: None,
                    tcp: Some(tcp),
                    heard: healthy.base,
                });
            }
        },
    },
    Edit {
        case: "edited-dns-private-address",
        expected: "HD106",
        from: "lab-envoy-ok",
        change: |case| {
            connect_to_nothing(case, &TcpFailure::TimedOut, 5_000);
            for endpoint in &mut case.wire.endpoints {
                lead_to(endpoint, IpAddr::from([10, 0, 0, 99]));
                endpoint.route = Some(Route {
                    interface: "wlan0".to_owned(),
                    mtu: 1500,
                    kind: None,
                    hardware: 1,
                    prefix: 0,
                    source: Some(IpAddr::from([192, 168, 1, 20])),
                });
            }
        },
    },
    Edit {
        case: "edited-mtu-black-hole",
        expected: "HD206",
        from: "fault-silent-after-connect",
        change: |case| {
            let healthy = Case::recorded("healthy-tls").map(|mut other| grpc(&mut other).clone());
            let healthy = healthy.expect("a healthy case is recorded first").base;
            let endpoint = grpc(case);
            endpoint.route = Some(wireguard());
            let fits = |trial: &&mut Trial| trial.segment.is_some_and(|size| size <= 1220);
            for trial in endpoint.trials.iter_mut().filter(fits) {
                trial.heard.clone_from(&healthy);
            }
        },
    },
    Edit {
        case: "edited-tunnel-in-path",
        expected: "HD207",
        from: "lab-envoy-ok",
        change: |case| {
            for endpoint in &mut case.wire.endpoints {
                endpoint.route = Some(wireguard());
            }
        },
    },
    Edit {
        case: "edited-tls-intercepted",
        expected: "HD313",
        from: "fault-cert-unknown-issuer",
        change: |case| {
            for endpoint in &mut case.wire.endpoints {
                let tls = endpoint.base.as_mut().and_then(|base| base.tls.as_mut());
                let Some(Ok(tls)) = tls else { continue };
                for cert in &mut tls.chain.certs {
                    cert.issuer_org = "Zscaler Inc.".to_owned();
                    cert.issuer_cn = "Zscaler Intermediate Root CA (zscalertwo.net)".to_owned();
                    cert.issuer = format!("CN={},O={}", cert.issuer_cn, cert.issuer_org);
                }
            }
        },
    },
    Edit {
        case: "edited-not-hoop",
        expected: "HD503",
        from: "fault-grpc-not-routed",
        change: |case| {
            case.asked.grpc_url = None;
            case.wire
                .endpoints
                .retain(|endpoint| endpoint.target.kind == Kind::Rest);
            for answer in answers(&mut case.wire, Kind::Rest) {
                page(
                    answer,
                    200,
                    "text/html",
                    "<html><head><title>Our shop</title></head></html>",
                );
            }
        },
    },
    Edit {
        case: "edited-target-group-protocol",
        expected: "HD614",
        from: "fault-grpc-bad-gateway",
        change: |case| {
            for answer in answers(&mut case.wire, Kind::Grpc) {
                page(answer, 464, "", "");
                let head = answer.head.as_mut().expect("it was set a moment ago");
                head.fields = vec![field("server", "awselb/2.0")];
            }
        },
    },
    Edit {
        case: "edited-h2-alone-closed",
        expected: "HD401",
        from: "fault-tls-closed",
        change: |case| {
            let chose_http1 = Case::recorded("fault-http2-not-enabled").map(|mut other| grpc(&mut other).clone());
            let trial = chose_http1.expect("faults are recorded first").trials;
            grpc(case)
                .trials
                .retain(|trial| trial.experiment != Experiment::OfferBoth);
            grpc(case).trials.extend(trial);
            grpc(case).trials.sort_by_key(|trial| trial.experiment);
        },
    },
    Edit {
        case: "edited-first-calls-refused",
        expected: "HD620",
        from: "fault-grpc-bad-gateway",
        change: |case| {
            for answer in answers(&mut case.wire, Kind::Grpc) {
                page(
                    answer,
                    503,
                    "text/html",
                    "<html><head><title>503 Service Temporarily Unavailable</title></head></html>",
                );
            }
            repeat(case, "healthy-tls");
        },
    },
    Edit {
        case: "edited-clock-wrong",
        expected: "HD901",
        from: "fault-cert-expired",
        change: |case| {
            // Ten days before, when the certificate had a week to live.
            let before = OffsetDateTime::from_unix_timestamp(case.wire.started_at - 864_000);
            let date = before
                .expect("a run has a date")
                .format(&Rfc2822)
                .expect("a year of four digits");
            for answer in answers(&mut case.wire, Kind::Rest) {
                let head = answer.head.as_mut().expect("the call was answered");
                head.fields.retain(|field| field.name != "date");
                head.fields.push(field("date", &date.replace("+0000", "GMT")));
            }
        },
    },
    Edit {
        case: "edited-name-filtered",
        expected: "HD315",
        from: "fault-tls-closed",
        change: |case| {
            let healthy = Case::recorded("healthy-tls").map(|mut other| grpc(&mut other).clone());
            let endpoint = grpc(case);
            endpoint.target.server_name = "gw.example".to_owned();
            let nameless = endpoint
                .trials
                .iter_mut()
                .find(|trial| trial.experiment == Experiment::NamelessHello);
            nameless.expect("its source has one").heard = healthy.expect("a healthy case is recorded first").base;
        },
    },
    Edit {
        case: "edited-works-at-another-address",
        expected: "HD302",
        from: "fault-tls-to-plaintext",
        change: |case| {
            let healthy = Case::recorded("healthy-tls").map(|mut other| grpc(&mut other).clone());
            let elsewhere = IpAddr::from([10, 0, 0, 99]);
            let endpoint = grpc(case);
            endpoint.target.given.push(elsewhere);
            let dns = endpoint.dns.as_mut().expect("it was resolved");
            dns.addresses.push(elsewhere);
            let mut tcp = endpoint.tcp.first().cloned().expect("it was connected to");
            tcp.addr.set_ip(elsewhere);
            endpoint.tcp.push(tcp.clone());
            endpoint.trials.push(Trial {
                experiment: Experiment::OtherAddress,
                segment: None,
                tcp: Some(tcp),
                heard: healthy.expect("a healthy case is recorded first").base,
            });
        },
    },
    Edit {
        case: "edited-calls-refused-twice",
        expected: "HD607",
        from: "edited-first-calls-refused",
        change: |case| {
            let endpoint = grpc(case);
            let base = endpoint.base.clone();
            let again = endpoint
                .trials
                .iter_mut()
                .find(|trial| trial.experiment == Experiment::Repeat);
            again.expect("its source has one").heard = base;
        },
    },
];

/// Answers that no gateway gives to a first call, each with its name.
pub(super) fn strangers() -> Vec<(String, impl Fn(&mut Answer))> {
    let bodies = [
        ("text/html", "<html><head><title>Welcome</title></head></html>"),
        ("application/json", "{\"status\":\"ok\"}"),
        ("text/plain", "more"),
        ("", ""),
    ];
    let statuses = [
        200, 204, 206, 226, 300, 304, 400, 402, 405, 406, 408, 409, 410, 415, 418, 421, 422, 425, 426, 429,
    ];
    let later = [
        431, 444, 460, 463, 494, 495, 496, 497, 499, 500, 501, 505, 507, 508, 511, 520, 525, 530, 561, 599,
    ];
    let pages = statuses.into_iter().chain(later).flat_map(move |status| {
        bodies.map(move |(kind, body)| {
            let change: Box<dyn Fn(&mut Answer)> = Box::new(move |answer| page(answer, status, kind, body));
            (format!("HTTP {status} {kind}"), change)
        })
    });
    let grpc = (0..17).map(|code| {
        let change: Box<dyn Fn(&mut Answer)> = Box::new(move |answer| {
            page(answer, 200, "application/grpc", "");
            let head = answer.head.as_mut().expect("it was set a moment ago");
            head.grpc = Some(GrpcStatus {
                code: Status(code),
                message: "made up".to_owned(),
                said: Said::Other,
            });
        });
        (format!("gRPC status {code}"), change)
    });
    pages.chain(grpc).collect()
}

/// Every base answer of that kind of endpoint becomes this one.
pub(super) fn answer_all(wire: &mut Wire, kind: Kind, change: impl Fn(&mut Answer)) {
    answers(wire, kind).for_each(change);
}

fn resolve_to(case: &mut Recorded, servers: &[ServerAnswer]) {
    for endpoint in &mut case.wire.endpoints {
        endpoint.target.given.clear();
        endpoint.dns = Some(Dns {
            source: DnsSource::System,
            addresses: Vec::new(),
            failure: Some(DnsFailure::Refused {
                text: "failed to lookup address information: Name or service not known".to_owned(),
            }),
            duration_ms: 4,
            servers: servers.to_vec(),
            hosts: Vec::new(),
        });
        endpoint.tcp.clear();
        leave_unspoken(endpoint);
    }
}

/// Every server of the resolver configuration says the same of A and AAAA.
fn answered(answer: LookupAnswer) -> ServerAnswer {
    let lookup = lookup(answer);
    ServerAnswer {
        server: SocketAddr::from(([10, 0, 0, 2], 53)),
        a: lookup.clone(),
        aaaa: lookup,
    }
}

fn lookup(answer: LookupAnswer) -> Lookup {
    Lookup {
        answer,
        aliases: Vec::new(),
        ttl: None,
        duration_ms: 3,
    }
}

/// The system's resolver gives this address alone, and it was tried.
fn lead_to(endpoint: &mut Endpoint, address: IpAddr) {
    endpoint.target.given.clear();
    let dns = endpoint.dns.as_mut().expect("a healthy case has its name resolved");
    dns.source = DnsSource::System;
    dns.addresses = vec![address];
    for attempt in &mut endpoint.tcp {
        attempt.addr.set_ip(address);
    }
}

fn connect_to_nothing(case: &mut Recorded, failure: &TcpFailure, duration_ms: u64) {
    case.wire.duration_ms = duration_ms;
    for endpoint in &mut case.wire.endpoints {
        for attempt in &mut endpoint.tcp {
            attempt.outcome = Err(failure.clone());
            attempt.duration_ms = duration_ms;
        }
        leave_unspoken(endpoint);
    }
}

fn wireguard() -> Route {
    Route {
        interface: "wg0".to_owned(),
        mtu: 1420,
        kind: Some("wireguard".to_owned()),
        hardware: 65_534,
        prefix: 0,
        source: None,
    }
}

fn leave_unspoken(endpoint: &mut Endpoint) {
    endpoint.chosen = None;
    endpoint.base = None;
    endpoint.again = None;
    endpoint.trials.clear();
}

/// The base calls of `source` came to this endpoint as [`Experiment::Repeat`].
fn repeat(case: &mut Recorded, source: &str) {
    let mut healthy = Case::recorded(source).expect("a healthy case is recorded first");
    let heard: Option<Heard> = grpc(&mut healthy).base.clone();
    let endpoint = grpc(case);
    let tcp = endpoint.tcp.first().cloned().expect("it was connected to");
    endpoint.trials = vec![Trial {
        experiment: Experiment::Repeat,
        segment: None,
        tcp: Some(tcp),
        heard,
    }];
}

/// The endpoint is behind a forward proxy, which was reached or not.
fn go_through(endpoint: &mut Endpoint, scheme: &str, outcome: Result<(), TcpFailure>) {
    let addr = SocketAddr::from(([10, 0, 2, 5], 3128));
    endpoint.target.given.clear();
    endpoint.target.via = Some(Via {
        variable: "HTTPS_PROXY".to_owned(),
        scheme: scheme.to_owned(),
        host: "proxy.lab.test".to_owned(),
        port: addr.port(),
        credentials: false,
        speech: Speech::Connect,
    });
    if outcome.is_err() {
        endpoint.base = None;
    }
    endpoint.chosen = outcome.is_ok().then_some(addr);
    endpoint.tcp.clear();
    endpoint.dns = None;
    endpoint.forward = Some(Forward {
        dns: Some(Dns {
            source: DnsSource::System,
            addresses: vec![addr.ip()],
            failure: None,
            duration_ms: 1,
            servers: Vec::new(),
            hosts: Vec::new(),
        }),
        tcp: vec![Attempt {
            addr,
            outcome,
            started_ms: 1,
            duration_ms: 1,
        }],
        tunnel: None,
    });
}

/// What the forward proxy says to CONNECT; nothing but 200 leads to a conversation.
fn answer_connect(endpoint: &mut Endpoint, answer: Result<Refusal, NoAnswer>) {
    let tunnel = Tunnel {
        answer,
        started_ms: 2,
        duration_ms: 1,
    };
    if !tunnel.is_open() {
        endpoint.base = None;
    }
    let forward = endpoint.forward.as_mut().expect("it is behind a proxy");
    forward.tunnel = Some(tunnel);
}

fn said(status: u16, reason: &str, fields: &[(&str, &str)]) -> Refusal {
    let fields = fields.iter().map(|(name, value)| Field {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    });
    Refusal {
        head: ConnectHead {
            minor: 1,
            status,
            reason: reason.to_owned(),
            fields: fields.collect(),
        },
        page: (status != 200).then(|| Page::read(Some("text/html"), b"<title>ERROR</title>")),
    }
}

/// What came of the direct way.
fn go_past(endpoint: &mut Endpoint, tcp: Attempt, heard: Option<Heard>) {
    endpoint.trials = vec![Trial {
        experiment: Experiment::OtherWay,
        segment: None,
        tcp: Some(tcp),
        heard,
    }];
}

fn grpc(case: &mut Recorded) -> &mut Endpoint {
    let mut endpoints = case.wire.endpoints.iter_mut();
    let grpc = endpoints.find(|endpoint| endpoint.target.kind == Kind::Grpc);
    grpc.expect("the case has a gRPC endpoint")
}

/// The base answers of the endpoints of one kind.
fn answers(wire: &mut Wire, kind: Kind) -> impl Iterator<Item = &mut Answer> {
    wire.endpoints
        .iter_mut()
        .filter(move |endpoint| endpoint.target.kind == kind)
        .filter_map(|endpoint| endpoint.base.as_mut())
        .flat_map(|base| {
            let http2 = base.http2.iter_mut().flat_map(|http2| &mut http2.answers);
            http2.chain(base.http1.iter_mut().flat_map(|http1| &mut http1.answers))
        })
}

fn page(answer: &mut Answer, status: u16, kind: &str, body: &str) {
    let head = answer.head.as_mut().expect("the call was answered");
    head.status = status;
    head.grpc = None;
    head.fields = vec![field("content-type", kind)];
    answer.trailers = None;
    answer.page = Some(Page::read(Some(kind).filter(|kind| !kind.is_empty()), body.as_bytes()));
}

fn field(name: &str, value: &str) -> Field {
    Field {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}
