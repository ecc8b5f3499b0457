//! HD803: a target group or probe that will mark a healthy gateway down, or a dead one up.

use crate::findings::from_proxyconf::{Conf, GRPC, REST, once};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, from_logs};
use crate::proxyconf::{CheckAsks, HealthCheck};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(803),
    name: "health-check-wrong",
    severity: Severity::Error,
    summary: "the health check marks a healthy gateway down, or a dead one up",
    explain: include_str!("../../../docs/findings/HD803.md"),
    breaks: Breaks::Every,
    explains: &[Code(606), Code(607), Code(505)],
    check: from_logs::alone,
};

pub(in crate::findings) fn look(conf: &Conf<'_>) -> Vec<Draft> {
    let grpc = conf.grpc_forwards().map(|(_, _, to)| (to, Port::Grpc));
    let rest = conf.rest_forwards().map(|(_, _, to)| (to, Port::Rest));
    let of_routes = grpc
        .chain(rest)
        .filter_map(|(to, port)| Some((to.check.as_ref()?, port)));
    let others = conf.all.checks.iter().map(|check| (check, Port::Unknown));
    let mut found = Vec::new();
    for (check, traffic) in of_routes.chain(others) {
        let Some((severity, why)) = judge(check, traffic) else {
            continue;
        };
        let at = check
            .expects
            .as_ref()
            .filter(|_| why.is_about_status)
            .map_or(&check.at, |expects| &expects.at);
        let at = check
            .path
            .as_ref()
            .filter(|_| !why.is_about_status)
            .map_or(at, |path| &path.at);
        let draft = Draft::new(why.text, why.remedy).severity(severity).place(at);
        found.push(draft);
    }
    once(found.into_iter())
}

/// What is wrong with a check.
struct Why {
    text: String,
    remedy: &'static str,
    is_about_status: bool,
}

/// Which of the gateway's ports a check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Grpc,
    Rest,
    Unknown,
}

impl Port {
    /// The one that is named, or that of the traffic.
    fn asked(check: &HealthCheck, traffic: Self) -> Self {
        let own = check.port.as_ref().map(|port| port.value);
        match own
            .filter(|own| Some(*own) != check.traffic_port)
            .or(check.traffic_port)
        {
            Some(GRPC) => Self::Grpc,
            Some(REST) => Self::Rest,
            Some(_) if own.is_some() && own != check.traffic_port => Self::Unknown,
            Some(_) | None => traffic,
        }
    }
}

/// What the gateway answers is in `gateway/api/server.go` and `gateway/transport/server.go` of Hoop.
fn judge(check: &HealthCheck, traffic: Port) -> Option<(Severity, Why)> {
    let port = Port::asked(check, traffic);
    let path = check.path.as_ref().map_or("/", |path| path.value.as_str());
    let why = |text: String, remedy: &'static str| Why {
        text,
        remedy,
        is_about_status: false,
    };
    match check.asks {
        CheckAsks::Tcp => None,
        CheckAsks::GrpcHealth => Some((
            Severity::Error,
            why(
                "the health check calls grpc.health.v1.Health, which a Hoop gateway doesn't have: it is marked down"
                    .to_owned(),
                "ask GET /api/healthz on port 8009, or only whether port 8010 accepts connections",
            ),
        )),
        CheckAsks::GrpcCall => {
            let answer = if path == HEALTH_CHECK { 0 } else { UNIMPLEMENTED };
            let expects = check.expects.as_ref().map_or("12", |expects| expects.value.as_str());
            (!includes(expects, answer)).then(|| {
                let text = format!("the health check calls {path}, the gateway answers grpc-status {answer}, and {expects} is expected: it is marked down");
                (Severity::Error, Why { text, remedy: "expect 12 for a path that isn't there, or call /protobuf.Transport/HealthCheck and expect 0", is_about_status: check.expects.is_some() })
            })
        }
        CheckAsks::Http1 | CheckAsks::Http2 if port == Port::Grpc => {
            let expects = check.expects.as_ref().map_or("200", |expects| expects.value.as_str());
            (!includes(expects, NO_GRPC)).then(|| {
                let text = format!(
                    "the health check asks the gRPC port for {path} over HTTP, the gateway answers {NO_GRPC}, and {expects} is expected: it is marked down"
                );
                let remedy = "ask GET /api/healthz on port 8009, or call the gRPC port with gRPC";
                (Severity::Error, why(text, remedy))
            })
        }
        CheckAsks::Http1 | CheckAsks::Http2 => {
            let expects = check.expects.as_ref().map_or("200", |expects| expects.value.as_str());
            let (answer, never_fails) = match path.split(['?', '#']).next().unwrap_or_default() {
                "/api/healthz" => (200, false),
                "/api/publicserverinfo" | "/api/openapiv2.json" => (200, false),
                "/api/serverinfo" | "/api/userinfo" | "/api/ws" => (401, false),
                api if api.starts_with("/api/") => (404, false),
                _ => (200, true),
            };
            // Another port is not known to be the gateway's.
            let is_gateway = port == Port::Rest || path.starts_with("/api/");
            if !is_gateway {
                return None;
            }
            if !includes(expects, answer) {
                let text = format!(
                    "the health check asks for {path}, the gateway answers {answer}, and {expects} is expected: it is marked down"
                );
                return Some((
                    Severity::Error,
                    Why {
                        text,
                        remedy: "ask for /api/healthz and expect 200",
                        is_about_status: check.expects.is_some(),
                    },
                ));
            }
            never_fails.then(|| {
                let text = format!("the health check asks for {path}, which the web app answers with 200 whatever is wrong: a dead gateway stays in service");
                (Severity::Warn, why(text, "ask for /api/healthz: it fails when the gateway's gRPC listener is down"))
            })
        }
    }
}

const HEALTH_CHECK: &str = "/protobuf.Transport/HealthCheck";
const UNIMPLEMENTED: u16 = 12;
/// What grpc-go answers a request with that is no call: 415 Unsupported Media Type.
const NO_GRPC: u16 = 415;

/// Whether a list of numbers and ranges has one: `200,301`, `0-99`. What is no list of numbers is not judged.
fn includes(expects: &str, answer: u16) -> bool {
    let mut parts = expects
        .split([',', ' ', '|'])
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.any(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        match (from.trim().parse::<u16>(), to.trim().parse::<u16>()) {
            (Ok(from), Ok(to)) => (from..=to).contains(&answer),
            // `2xx`, an expression: it is read as meant well.
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Port, includes, judge};
    use crate::findings::Severity;
    use crate::proxies::Proxy;
    use crate::proxyconf::{CheckAsks, HealthCheck, Place, Setting};

    fn judged(asks: CheckAsks, port: u16, path: &str, expects: Option<&str>) -> Option<Severity> {
        let place = Place::default();
        let check = HealthCheck {
            at: place.clone(),
            proxy: Proxy::AwsAlb,
            asks,
            tls: None,
            port: None,
            traffic_port: Some(port),
            path: Some(Setting::written(path.to_owned(), "path", place.clone())),
            expects: expects.map(|expects| Setting::written(expects.to_owned(), "matcher", place)),
        };
        judge(&check, Port::Unknown).map(|(severity, _)| severity)
    }

    #[test]
    fn a_check_is_judged_by_what_the_gateway_answers() {
        let error = Some(Severity::Error);
        for (asks, port, path, expects, is) in [
            (CheckAsks::GrpcCall, 8010, "/", None, None),
            (CheckAsks::GrpcCall, 8010, "/", Some("12"), None),
            (CheckAsks::GrpcCall, 8010, "/", Some("0-99"), None),
            (CheckAsks::GrpcCall, 8010, "/", Some("0"), error),
            (
                CheckAsks::GrpcCall,
                8010,
                "/protobuf.Transport/HealthCheck",
                Some("0"),
                None,
            ),
            (
                CheckAsks::GrpcCall,
                8010,
                "/protobuf.Transport/HealthCheck",
                None,
                error,
            ),
            (CheckAsks::GrpcHealth, 8010, "/", None, error),
            (CheckAsks::Http1, 8009, "/api/healthz", Some("200"), None),
            (CheckAsks::Http1, 8009, "/api/healthz", Some("204"), error),
            (CheckAsks::Http1, 8009, "/", None, Some(Severity::Warn)),
            (CheckAsks::Http1, 8009, "/api/health", None, error),
            (CheckAsks::Http1, 8010, "/api/healthz", None, error),
            (CheckAsks::Http2, 8010, "/", Some("200"), error),
            (CheckAsks::Tcp, 8010, "/", None, None),
            (CheckAsks::Http1, 9090, "/ready", None, None),
        ] {
            assert_eq!(
                judged(asks, port, path, expects),
                is,
                "{asks:?} :{port} {path} {expects:?}"
            );
        }
    }

    #[test]
    fn a_list_of_statuses_has_numbers_and_ranges() {
        assert!(includes("200,301-304", 302) && includes("2xx", 500));
        assert!(!includes("200,301", 302));
    }
}
