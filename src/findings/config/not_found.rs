//! HD001: nothing names a gateway, and none is on this machine.

use hoop_doctor_probes::tcp::TcpFailure;

use crate::config::Absent;
use crate::evidence::{Evidence, Kind};
use crate::findings::{Breaks, Code, Draft, Rule, Severity};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(1),
    name: "config-not-found",
    severity: Severity::Error,
    summary: "nothing says where the gateway is",
    explain: include_str!("../../../docs/findings/HD001.md"),
    breaks: Breaks::Every,
    // Whatever is wrong on the last resort's ports: nobody told Hoop to go there.
    explains: &[
        Code(201),
        Code(202),
        Code(203),
        Code(204),
        Code(212),
        Code(301),
        Code(404),
        Code(502),
        Code(503),
        Code(504),
        Code(505),
        Code(506),
        Code(507),
        Code(509),
        Code(510),
    ],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    let config = &evidence.config;
    // Where nobody was looked for, nobody is missing: logs may be all that there is.
    if !config.identities.is_empty() || config.absent.is_empty() {
        return Vec::new();
    }
    let endpoints = &evidence.wire.endpoints;
    let last_resort = endpoints.iter().find(|endpoint| endpoint.target.kind == Kind::Grpc);
    let also = match (&config.fallback, last_resort) {
        (None, _) => "",
        (Some(_), Some(endpoint)) => match endpoint.connect_failure() {
            None | Some((_, TcpFailure::Interrupted)) => return Vec::new(),
            Some(_) => ", and no gateway is on this machine, where a client looks last (127.0.0.1:8010)",
        },
        // Nobody has looked yet whether the last resort is there.
        (Some(_), None) => return Vec::new(),
    };
    let missing: Vec<&str> = config.absent.iter().map(|absent| missing(*absent)).collect();
    let printed: Vec<String> = config.absent.iter().map(ToString::to_string).collect();
    let mut draft = Draft::new(
        format!("nothing says where the gateway is: {}{also}", missing.join("; ")),
        "set the agent's key, or configure the client, for the user and the process that run Hoop; \
         to check an address by itself, give it with --grpc-url",
    );
    for absent in &config.absent {
        draft = draft.shell(match absent {
            Absent::Agent => "export HOOP_KEY='grpcs://NAME:••••@gateway.example.com:8443?mode=standard'",
            Absent::Client => {
                "hoop config create --api-url https://gateway.example.com --grpc-url grpcs://gateway.example.com:8443\nhoop login"
            }
        });
    }
    if let Some(endpoint) = last_resort {
        let attempts = endpoint
            .tcp
            .iter()
            .map(|attempt| format!("{}/tcp/{}", endpoint.id, attempt.addr));
        draft.evidence = attempts.collect();
        draft.identities = vec![0];
    }
    draft.endpoints = (0..endpoints.len()).collect();
    draft.logged_as = printed;
    vec![draft]
}

fn missing(absent: Absent) -> &'static str {
    match absent {
        Absent::Agent => "an agent has no HOOP_KEY",
        Absent::Client => {
            "a client has neither HOOP_GRPCURL, HOOP_APIURL and HOOP_TOKEN together nor a gateway in ~/.hoop/config.toml"
        }
    }
}

#[cfg(test)]
mod tests {
    use hoop_doctor_probes::tcp::{Attempt, TcpFailure};

    use super::RULE;
    use crate::config::{Asked, Rule};
    use crate::evidence::Evidence;
    use crate::findings::config::fixture::{asked, only, silent, variables};

    fn tried(variables_set: &[(&str, &str)], outcome: Result<(), TcpFailure>) -> Evidence {
        let mut evidence = variables(variables_set);
        for endpoint in &mut evidence.wire.endpoints {
            let addr = ([127, 0, 0, 1], endpoint.target.port).into();
            endpoint.chosen = outcome.is_ok().then_some(addr);
            endpoint.tcp = vec![Attempt {
                addr,
                outcome: outcome.clone(),
                started_ms: 0,
                duration_ms: 1,
            }];
        }
        evidence
    }

    #[test]
    fn nothing_is_set_and_nothing_listens_here() {
        let draft = only(&RULE, &tried(&[], Err(TcpFailure::Refused)));
        assert_eq!(
            draft.logged_as,
            [
                "missing HOOP_KEY environment variable",
                "unable to locate configuration file"
            ]
        );
        assert_eq!(draft.endpoints, [0, 1]);
        assert_eq!(draft.evidence, ["grpc/tcp/127.0.0.1:8010"]);
    }

    #[test]
    fn an_agent_has_no_last_resort() {
        let agent = Asked {
            rule: Some(Rule::Agent),
            ..Asked::default()
        };
        let draft = only(&RULE, &asked(&[], &agent));
        assert_eq!(
            draft.message,
            "nothing says where the gateway is: an agent has no HOOP_KEY"
        );
    }

    #[test]
    fn a_gateway_on_this_machine_is_found_without_a_word() {
        silent(&RULE, &tried(&[], Ok(())));
    }

    #[test]
    fn nobody_knows_before_the_last_resort_was_tried() {
        silent(&RULE, &variables(&[]));
        silent(&RULE, &tried(&[], Err(TcpFailure::Interrupted)));
    }

    #[test]
    fn a_key_is_a_configuration_however_broken() {
        silent(&RULE, &tried(&[("HOOP_KEY", "x-agt-abc")], Err(TcpFailure::Refused)));
    }
}
