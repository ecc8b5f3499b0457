//! Names and their answers for tests.

use hoop_doctor_probes::dns::{Dns, DnsFailure, DnsSource, Lookup, LookupAnswer, ServerAnswer};

use crate::config::Asked;
use crate::evidence::{Endpoint, Evidence};
use crate::findings::config::fixture::asked;

/// What one server says to both questions, by `nx`, `none`, `quiet`, `bad`, an address, or a code such as `SERVFAIL`.
pub(super) fn server(number: u8, a: &str, aaaa: &str) -> ServerAnswer {
    let lookup = |word: &str| Lookup {
        answer: match word {
            "nx" => LookupAnswer::NoSuchName,
            "none" => LookupAnswer::NoData,
            "quiet" => LookupAnswer::TimedOut,
            "bad" => LookupAnswer::Unusable {
                text: "connection refused".to_owned(),
            },
            word => match word.parse() {
                Ok(address) => LookupAnswer::Addresses {
                    addresses: vec![address],
                },
                Err(_) => LookupAnswer::Failed { code: word.to_owned() },
            },
        },
        aliases: Vec::new(),
        ttl: None,
        duration_ms: 2,
    };
    ServerAnswer {
        server: ([10, 0, 0, number], 53).into(),
        a: lookup(a),
        aaaa: lookup(aaaa),
    }
}

/// A name that the system found no addresses for.
pub(super) fn unresolved(servers: Vec<ServerAnswer>) -> Evidence {
    with(Dns {
        source: DnsSource::System,
        addresses: Vec::new(),
        failure: Some(DnsFailure::Refused {
            text: "failed to lookup address information: Name or service not known".to_owned(),
        }),
        duration_ms: 3,
        servers,
        hosts: Vec::new(),
    })
}

/// A name that the system found an address for, after so many milliseconds.
pub(super) fn resolved(duration_ms: u64, servers: Vec<ServerAnswer>) -> Evidence {
    with(Dns {
        source: DnsSource::System,
        addresses: vec![[192, 0, 2, 10].into()],
        failure: None,
        duration_ms,
        servers,
        hosts: Vec::new(),
    })
}

/// The case of one gRPC endpoint.
pub(super) fn with(dns: Dns) -> Evidence {
    let flags = Asked {
        grpc_url: Some("grpcs://gw.example:8443".to_owned()),
        ..Asked::default()
    };
    let mut evidence = asked(&[], &flags);
    let set = |endpoint: &mut Endpoint| endpoint.dns = Some(dns.clone());
    evidence.wire.endpoints.iter_mut().for_each(set);
    evidence
}
